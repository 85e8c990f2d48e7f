"""plex.tv: sign-in by PIN, the user behind a token, servers, home users (API reference 1.2 to 1.5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import quote, urlencode

import aiohttp

from ...sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
)
from ..http import HttpClient, Response
from .hosts import PlexHosts
from .limits import Limits
from .wire import PRODUCT, TOKEN, client_headers, flag, mapping, number, required, rows, text

INVALID_TOKEN: Final = "invalid token"  # noqa: S105 - plex.tv's error text


class PinExpiredError(ProviderError):
    """The sign-in PIN is no longer known: start again with a new one."""


class WrongPinError(ProviderError):
    """The home user is protected by a numeric PIN, and it was missing or wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """A sign-in in progress. The person opens `url`; `expires_at` is epoch seconds UTC."""

    id: int
    code: str
    url: str
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexUser:
    """The plex.tv user a token acts for. `home`: member of a Plex Home, `admin`: its administrator."""

    id: int
    uuid: str
    name: str
    home: bool
    admin: bool
    restricted: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Build from `/api/v2/user` (API reference 1.3). Managed users have a title only."""
        return cls(
            id=whole(row, "id"),
            uuid=required(row, "uuid"),
            name=text(row, "title") or text(row, "username") or required(row, "uuid"),
            home=flag(row, "home"),
            admin=flag(row, "homeAdmin"),
            restricted=flag(row, "restricted"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One address a server may be reached at (API reference 1.4)."""

    uri: str
    local: bool = False
    relay: bool = False
    ipv6: bool = False

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Build from one of a resource's `connections`, and from what `as_dict` gave."""
        return cls(
            uri=required(row, "uri"),
            local=flag(row, "local"),
            relay=flag(row, "relay"),
            ipv6=flag(row, "IPv6"),
        )

    def as_dict(self) -> dict[str, str | bool]:
        """Return the fields under their names on the wire, for storage as JSON."""
        return {"uri": self.uri, "local": self.local, "relay": self.relay, "IPv6": self.ipv6}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlexServer:
    """A media server this token's user may use. `access_token` is that user's token for that server."""

    machine_id: str
    name: str
    owned: bool
    access_token: str
    connections: tuple[Connection, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Build from one row of `/api/v2/resources` (API reference 1.4).

        Where the server allows plain http, its local addresses are candidates as well: routers that
        filter private addresses out of DNS answers break the https names of a local server.
        """
        connections = []
        for each in rows(row.get("connections")):
            connections.append(Connection.from_row(each))
            local = connections[-1]
            if local.local and not flag(row, "httpsRequired") and local.uri.startswith("https:"):
                host = required(each, "address")
                host = f"[{host}]" if ":" in host else host
                uri = f"http://{host}:{whole(each, 'port')}"
                connections.append(Connection(uri=uri, local=True, ipv6=local.ipv6))
        return cls(
            machine_id=required(row, "clientIdentifier"),
            name=required(row, "name"),
            owned=flag(row, "owned"),
            access_token=required(row, "accessToken"),
            connections=tuple(connections),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeUser:
    """A member of the Plex Home. `protected`: switching needs the user's numeric PIN."""

    id: int
    uuid: str
    name: str
    admin: bool
    restricted: bool
    protected: bool

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Build from one of the `users` of `/api/v2/home/users` (API reference 1.5)."""
        return cls(
            id=whole(row, "id"),
            uuid=required(row, "uuid"),
            name=text(row, "title") or text(row, "username") or required(row, "uuid"),
            admin=flag(row, "admin"),
            restricted=flag(row, "restricted"),
            protected=flag(row, "protected"),
        )


class PlexCloud:
    """Calls to plex.tv for one installation (`client_id`). Every call names the token it acts with."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: PlexHosts,
        client_id: str,
        *,
        limits: Limits | None = None,
        backoff: float = 0.5,
    ) -> None:
        """`backoff` is the wait in seconds before a second attempt."""
        self._hosts = hosts
        self._client_id = client_id
        limit = self._limit = (limits or Limits()).cloud(hosts.plex_tv)
        self._http = HttpClient(
            session=session,
            base=hosts.plex_tv,
            headers=client_headers(client_id),
            backoff=backoff,
            pacer_for=lambda _method: limit.pacer,
        )

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._http.requests

    async def create_pin(self, forward_url: str | None = None) -> Pin:
        """Start a sign-in. After it the browser is sent to `forward_url`, where one is given."""
        row = mapping((await self._call("POST", "api/v2/pins", params={"strong": "true"})).data)
        code = required(row, "code")
        arguments = {"clientID": self._client_id, "code": code, "context[device][product]": PRODUCT}
        if forward_url is not None:
            arguments["forwardUrl"] = forward_url
        return Pin(
            id=whole(row, "id"),
            code=code,
            # the arguments are part of the fragment (API reference 1.2)
            url=f"{self._hosts.app / 'auth'}#?{urlencode(arguments, quote_via=quote)}",
            expires_at=epoch(required(row, "expiresAt")),
        )

    async def check_pin(self, pin: Pin) -> str | None:
        """Return the token once the person has signed in, None until then.

        Raises `PinExpiredError` when the PIN is gone.
        """
        try:
            row = mapping((await self._call("GET", f"api/v2/pins/{pin.id}")).data)
        except NotFoundError:
            raise PinExpiredError("the sign-in has expired") from None
        except RateLimitedError:
            # asked too often (code 1003): says nothing about the PIN
            return None
        return text(row, "authToken")

    async def user(self, token: str) -> PlexUser:
        """Return the user behind a token. `AuthError` here, and only here, means: sign in again."""
        try:
            return PlexUser.from_row(mapping((await self._call("GET", "api/v2/user", token)).data))
        except RefusedError as err:
            if err.status == HTTPStatus.UNPROCESSABLE_ENTITY and INVALID_TOKEN in err.detail.lower():
                raise AuthError("http:422 (invalid token)") from None
            raise

    async def servers(self, token: str) -> tuple[PlexServer, ...]:
        """Return the media servers this user may use. The answer is a bare array."""
        params = {"includeHttps": 1, "includeRelay": 1, "includeIPv6": 1}
        data = (await self._call("GET", "api/v2/resources", token, params=params)).data
        if data is None:
            raise BadAnswerError("empty list of devices")
        servers = (row for row in rows(data) if "server" in (text(row, "provides") or "").split(","))
        # an invitation that is still open has no token
        return tuple(PlexServer.from_row(row) for row in servers if text(row, "accessToken") is not None)

    async def home_users(self, token: str) -> tuple[HomeUser, ...]:
        """Return the members of the user's Plex Home; without a home there are none."""
        try:
            data = mapping((await self._call("GET", "api/v2/home/users", token)).data)
        except NotFoundError:
            return ()
        return tuple(HomeUser.from_row(row) for row in rows(data.get("users")))

    async def switch_user(self, token: str, user_id: int | str, pin: str | None = None) -> str:
        """Return the account token of another home user; `user_id` may be the id or the uuid.

        Raises `WrongPinError` when a protected user's PIN is missing or wrong.
        """
        params = {"pin": pin} if pin else None
        try:
            answer = await self._call("POST", f"api/v2/home/users/{user_id}/switch", token, params=params)
        except AuthError, ForbiddenError:
            # 401 and 403 stand for a wrong PIN and for a bad token alike: only the user call can tell
            await self.user(token)
            raise WrongPinError("the PIN of this user was refused") from None
        return required(mapping(answer.data), "authToken")

    async def _call(
        self,
        method: str,
        path: str,
        token: str | None = None,
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> Response:
        headers = None if token is None else {TOKEN: token}
        async with self._limit.slots:
            return await self._http.request(method, path, params=params, headers=headers)


def whole(row: Mapping[str, Any], name: str) -> int:
    """Whole number that has to be there."""
    value = number(row, name)
    if value is None:
        raise BadAnswerError(f"{name} is missing")
    return value


def epoch(moment: str) -> int:
    """Epoch seconds UTC of an ISO date as plex.tv writes it (`2026-09-20T08:30:00Z`)."""
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except ValueError:
        raise BadAnswerError("not a date") from None
