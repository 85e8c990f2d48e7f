"""The PublicMetaDB server: keys, limits, quirks and the routes."""

from collections.abc import Mapping
from email.utils import formatdate
import math
from typing import Any

from aiohttp import web
import orjson

from tests.simulators.base import Fault, Handler, Simulator

from . import lists, ratings, resume, watched
from .clock import Clock, wall_clock
from .envelope import Action, ApiError, Call, Json, Reply
from .limits import LimitReachedError, Limits
from .quirks import Kind, Quirk, Struck
from .rows import MediaType
from .settings import RetryAfter, Settings
from .state import State, User

API = "/api/external"

CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Cloudflare</body></html>"
"""Body of Cloudflare's 403, which is no verdict on the key (2.3)."""

REQUEST_WINDOW = 10.0


class PublicMetaDBSimulator(Simulator):
    """PublicMetaDB on 127.0.0.1; see the API reference, section 12.

    `settings` is how the server is, `quirk` what it does wrong now and then, `inject` what goes
    wrong with the connection. `user(key)` reads and changes an account behind the client's back.
    """

    def __init__(self, *, clock: Clock = wall_clock, settings: Settings | None = None) -> None:
        """Prepare a server without users; `clock` stamps rows and runs the limits."""
        super().__init__()
        self.clock = clock
        self.settings = settings or Settings()
        self.state = State(clock)
        self.limits = Limits(clock)
        self.quirks: list[Quirk] = []
        for route in (*lists.ROUTES, *watched.ROUTES, *ratings.ROUTES, *resume.ROUTES):
            self.app.router.add_route(route.method, API + route.path, self._handler(route.action))
        self.app.router.add_route("*", "/{path:.*}", self._handler(_unknown))

    # --- what tests set up -----------------------------------------------------------------

    def add_user(self, key: str, user_id: str) -> User:
        """Add an account with an API key."""
        user = self.state.users[key] = User(self.state, user_id)
        return user

    def user(self, key: str) -> User:
        """Return the account with this API key."""
        return self.state.users[key]

    def change_key(self, old: str, new: str) -> None:
        """Give an account another key; the old one is a 401 from now on."""
        self.state.users[new] = self.state.users.pop(old)

    def add_title(
        self, media_type: MediaType, tmdb_id: int, title: str, year: int | None = None, **ids: str
    ) -> None:
        """Tell the server a title, and other ids of it such as imdb="tt0137523"."""
        self.state.titles[media_type, tmdb_id] = (title, year)
        for id_type, id_value in ids.items():
            self.state.mappings[media_type, id_type, id_value] = tmdb_id

    def quirk(self, kind: Kind, path: str = "*", **settings: Any) -> Quirk:
        """Add a misbehaviour and return it; see `Quirk` for the settings."""
        quirk = Quirk(kind=kind, path=path, **settings)
        self.quirks.append(quirk)
        return quirk

    def fail(self, path: str = "*", *, status: int, text: str = "Failed", **settings: Any) -> Fault:
        """Answer with a status of 400 or above and the JSON body of an error (2.3)."""
        body = orjson.dumps({self.settings.error_field: text}).decode()
        return self.inject(path, status=status, body=body, content_type="application/json", **settings)

    def challenge(self, path: str = "*", **settings: Any) -> Fault:
        """Answer with Cloudflare's challenge page: a 403 in HTML."""
        return self.inject(path, status=403, body=CHALLENGE, content_type="text/html", **settings)

    def throttle(self, path: str = "*", *, wait: int | None, date: bool = False, **settings: Any) -> Fault:
        """Answer 429 with Retry-After of `wait` seconds, as a number or a date; None: without it."""
        form = RetryAfter.NONE if wait is None else RetryAfter.DATE if date else RetryAfter.SECONDS
        return self.inject(
            path,
            status=429,
            headers=self._retry_after(form, wait or 0),
            body=self.settings.rate_limit_body,
            content_type=self.settings.rate_limit_content_type,
            **settings,
        )

    def heal(self) -> None:
        """Remove all faults and quirks."""
        super().heal()
        self.quirks.clear()

    # --- answering -------------------------------------------------------------------------

    def _handler(self, action: Action) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return self._respond(request, action, await request.read())

        return handle

    def _respond(self, request: web.Request, action: Action, content: bytes) -> web.Response:
        """Answer in one go, without awaiting: no two requests ever interleave."""
        try:
            self.limits.check("requests", "", self.settings.requests_per_10_seconds, REQUEST_WINDOW)
            self.limits.count("requests", "")
            reply = self._act(request, action, content)
        except LimitReachedError as err:
            return self._limited(err)
        except ApiError as err:
            reply = Reply(status=err.status, body={self.settings.error_field: err.text})
        return web.Response(
            status=reply.status,
            body=None if reply.body is None else orjson.dumps(reply.body),
            headers=self._rate_headers(),
            content_type=None if reply.body is None else "application/json",
        )

    def _act(self, request: web.Request, action: Action, content: bytes) -> Reply:
        struck: dict[Kind, Quirk] = {}
        for quirk in self.quirks:
            # every quirk counts the request, also when an earlier one already struck
            if quirk.strikes(request.method, request.path):
                struck.setdefault(quirk.kind, quirk)
        if (hook := struck.get(Kind.ACTION)) and hook.action is not None:
            hook.action()
        call = Call(
            state=self.state,
            user=self._authenticated(request.headers),
            settings=self.settings,
            limits=self.limits,
            path=request.match_info,
            query=request.query,
            content=content,
            struck=struck,
        )
        if request.method == "GET":
            return action(call)
        undoes = any(quirk.undoes for quirk in struck.values())
        before = [(table, table.writes) for table in self.state.tables()] if undoes else []
        reply = action(call)
        for table, writes in before:
            table.undo(table.writes - writes)
        return _twisted(reply, struck, self.settings)

    def _authenticated(self, headers: Mapping[str, str]) -> User:
        scheme, _, key = headers.get("Authorization", "").partition(" ")
        user = self.state.users.get(key.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise ApiError(401, "Invalid API key")
        return user

    def _limited(self, err: LimitReachedError) -> web.Response:
        return web.Response(
            status=429,
            text=self.settings.rate_limit_body,
            content_type=self.settings.rate_limit_content_type,
            headers=self._rate_headers() | self._retry_after(self.settings.retry_after, err.wait),
        )

    def _retry_after(self, form: RetryAfter, wait: int) -> dict[str, str]:
        match form:
            case RetryAfter.NONE:
                return {}
            case RetryAfter.SECONDS:
                return {"Retry-After": str(wait)}
            case RetryAfter.DATE:
                return {"Retry-After": formatdate(math.ceil(self.clock() + wait), usegmt=True)}

    def _rate_headers(self) -> dict[str, str]:
        prefix, limit = self.settings.rate_limit_headers, self.settings.requests_per_10_seconds
        if prefix is None or limit is None:
            return {}
        used = self.limits.used("requests", "", REQUEST_WINDOW)
        values = {"Limit": limit, "Remaining": max(0, limit - used), "Reset": int(REQUEST_WINDOW)}
        return {f"{prefix}-{name}": str(value) for name, value in values.items()}


def _unknown(_call: Call) -> Reply:
    raise ApiError(404, "Not found")


def _twisted(reply: Reply, struck: Struck, settings: Settings) -> Reply:
    """Return the answer to a successful write as the quirks make it."""
    if Kind.CONFLICT in struck:
        raise ApiError(409, "Already exists")
    if Kind.SUCCESS_FALSE in struck:
        return Reply(status=reply.status, body={"success": False, settings.error_field: "Failed"})
    if Kind.EMPTY_BODY in struck:
        return Reply(status=reply.status)
    if not isinstance(reply.body, dict):
        return reply
    body: Json = {name: value for name, value in reply.body.items() if name != "item"}
    if Kind.TOP_LEVEL_ID in struck and "item" in reply.body:
        body.pop("success", None)
        return Reply(status=reply.status, body={**body, "id": reply.body["item"]["id"]})
    if Kind.NO_ID in struck:
        return Reply(status=reply.status, body=body)
    return reply
