"""One Plex account as the engine sees it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
import hashlib
import time
from typing import Final

import aiohttp

from ...sync.models import Action, Change, Entry, Feature, Item, Kind, Outcome, Scope, Snapshot
from ...sync.provider import AuthError, Capability, ForbiddenError, ProviderError
from .account import PlexAccount, ServerAccess
from .auth import PlexCloud
from .cache import Libraries
from .client import DiscoverClient
from .history import HistoryReader
from .hosts import PlexHosts
from .link import ServerLink
from .settings import PlexSettings
from .watchlist import KnownIds, read_watchlist

WATCHLIST: Final = Capability(kinds=frozenset({Kind.MOVIE, Kind.SHOW}))
HISTORY: Final = Capability(kinds=frozenset({Kind.MOVIE, Kind.EPISODE}))


class UnsupportedError(ProviderError):
    """Plex, or this account, does not offer what was asked for."""


class WrongUserError(ProviderError):
    """The token acts for another user than the account was made for."""


class PlexProvider:
    """Reads a Plex account. `account` follows what is learned on the way, such as a new address."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: PlexHosts,
        account: PlexAccount,
        settings: PlexSettings,
        *,
        backoff: float = 0.5,
    ) -> None:
        """`backoff` is the wait in seconds before a second attempt, doubled from there."""
        self._settings = settings
        self._cloud = PlexCloud(session, hosts, account.client_id, backoff=backoff)
        self._discover = DiscoverClient(session, hosts, account.client_id, account.token, backoff=backoff)
        self._link = ServerLink(
            session, self._cloud, account, parallel=settings.history_workers, backoff=backoff
        )
        self._known_ids = KnownIds()
        self._server: tuple[ServerAccess, Libraries, HistoryReader] | None = None

    @property
    def name(self) -> str:
        """Service name."""
        return "plex"

    @property
    def account(self) -> PlexAccount:
        """The account with what was learned since; worth storing when it differs from what is stored."""
        return self._link.account

    @property
    def capabilities(self) -> Mapping[Feature, Capability]:
        """Watchlist always, the rest with a media server."""
        if self.account.server is None:
            return {Feature.WATCHLIST: WATCHLIST}
        return {Feature.WATCHLIST: WATCHLIST, Feature.HISTORY: HISTORY}

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""
        return self._cloud.requests + self._discover.requests + self._link.requests

    async def check(self) -> PlexAccount:
        """Prove token and server with one cheap call each, and find the server again if it moved.

        Returns the account to store.
        """
        user = await self._cloud.user(self.account.token)
        if user.id != self.account.user_id:
            raise WrongUserError("the token belongs to another user")
        if self.account.server is not None:
            await self._link.use(lambda client, _server: client.container("library/sections"))
        return self.account

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read everything the account holds of a feature, or raise."""
        read_at = int(time.time())
        if feature is Feature.WATCHLIST:
            return await self._read_watchlist(read_at)
        if feature is Feature.HISTORY and feature in self.capabilities:
            return await self._read_history(scope, read_at)
        raise UnsupportedError(f"{feature} can't be read from this account")

    async def _read_watchlist(self, read_at: int) -> Snapshot:
        try:
            entries = await read_watchlist(self._discover, self._known_ids)
        except AuthError:
            # only this call tells a dead token from a host in trouble (API reference 1.3)
            await self._cloud.user(self.account.token)
            raise ForbiddenError("Discover refuses this user") from None
        # the list belongs to the user, whatever the server
        return self._snapshot(Feature.WATCHLIST, entries, read_at)

    async def _read_history(self, scope: Scope, read_at: int) -> Snapshot:
        settings = self._settings
        # a pair's list of libraries replaces the account's
        libraries = scope.libraries.get(Feature.HISTORY) or settings.history_libraries
        history, server = await self._link.use(
            lambda client, server: self._reader(server).read(client, libraries)
        )
        # whatever makes rows appear or vanish without anybody having watched or removed anything
        return self._snapshot(
            Feature.HISTORY,
            history.plays,
            read_at,
            server.machine_id,
            "log" if history.from_log else "state",
            *sorted(section.id for section in history.sections),
            f"require_ids={settings.history_require_external_ids}",
            f"marked={settings.history_include_marked_watched and server.is_owner}",
            *(settings.history_ignore_guid_prefixes if settings.history_ignore_local_guid else ()),
            watched=history.watched,
        )

    def _reader(self, server: ServerAccess) -> HistoryReader:
        """Return what is kept of a server, of this one only."""
        known = self._server
        if known is None or (known[0].machine_id, known[0].is_owner) != (server.machine_id, server.is_owner):
            cache = Libraries()
            reader = HistoryReader(
                cache, self._settings, user_id=self.account.user_id, is_owner=server.is_owner
            )
            known = self._server = (server, cache, reader)
        return known[2]

    def _snapshot(
        self,
        feature: Feature,
        entries: tuple[Entry, ...],
        read_at: int,
        *scope: str,
        watched: tuple[Item, ...] = (),
    ) -> Snapshot:
        parts = "\n".join(("plex", str(self.account.user_id), feature, *scope))
        return Snapshot(
            feature=feature,
            entries=entries,
            scope_hash=hashlib.sha256(parts.encode()).hexdigest(),
            read_at=read_at,
            watched=watched,
        )

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:  # noqa: ARG002
        """Return why the entry can't be written: nothing can, so far."""
        return "unsupported"

    def apply(self, feature: Feature, changes: Sequence[Change], scope: Scope) -> AsyncGenerator[Outcome]:  # noqa: ARG002
        """Raise: nothing can be written, so far."""
        raise UnsupportedError(f"{feature} can't be written to Plex yet")
