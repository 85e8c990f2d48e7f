"""One Plex account as the engine sees it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
import hashlib
from pathlib import Path
import time
from typing import Final

import aiohttp

from ...sync.models import (
    Action,
    Change,
    Entry,
    Feature,
    Item,
    Outcome,
    OutcomeStatus,
    Scope,
    Snapshot,
)
from ...sync.provider import AuthError, Capability, ForbiddenError, ProviderError
from .account import PlexAccount, ServerAccess
from .applying import Job, Probe, chain, outcome, run_jobs
from .auth import PlexCloud
from .client import DiscoverClient
from .fallback import Fallback
from .frozen import FreezeFile
from .hosts import PlexHosts
from .library import Row
from .limits import Limits
from .link import ServerLink
from .listing import FindInLibrary, KnownKeys, WatchlistWriter
from .refusals import KINDS, refusal
from .rights import Rights, read_rights
from .serverside import Reading, ServerSide
from .settings import PlexSettings
from .watchlist import PATH as WATCHLIST_PATH, KnownIds, read_watchlist

AHEAD: Final = 200
"""Changes to be handed over at once: whole seasons, and each look at the libraries costs requests."""

CAPABILITIES: Final[Mapping[Feature, Capability]] = {
    Feature.WATCHLIST: Capability(kinds=KINDS[Feature.WATCHLIST], add=True, remove=True),
    # Plex dates a mark with its own now (API reference 2.9). Un-marking never travels (adapter document): of
    # such a side only a row that has left the log counts, and `Snapshot.events` names those still there
    Feature.HISTORY: Capability(
        kinds=KINDS[Feature.HISTORY], add=True, remove=True, dated=False, ahead=AHEAD
    ),
    Feature.RATINGS: Capability(
        kinds=KINDS[Feature.RATINGS], add=True, update=True, remove=True, ahead=AHEAD
    ),
    # clearing a position is not supported (adapter document)
    Feature.PROGRESS: Capability(
        kinds=KINDS[Feature.PROGRESS],
        add=True,
        update=True,
        absence_is_removal=False,
        least_percent=1.0,
        complete_percent=90.0,
    ),
}


class UnsupportedError(ProviderError):
    """Plex, or this account, does not offer what was asked for."""


class WrongUserError(ProviderError):
    """The token acts for another user than the account was made for."""


class PlexProvider:
    """Reads and writes a Plex account. `account` follows what is learned on the way, such as an address."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: PlexHosts,
        account: PlexAccount,
        settings: PlexSettings,
        *,
        state_dir: Path | None = None,
        limits: Limits | None = None,
        backoff: float = 0.5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`state_dir` is the folder of the documented files; without it nothing is kept on disk.

        `limits` are to be shared by all accounts. `backoff` is the wait in seconds before a second attempt,
        doubled from there. `clock` answers epoch seconds.
        """
        limits = limits or Limits()
        self._settings = settings
        self._clock = clock
        self._cloud = PlexCloud(session, hosts, account.client_id, limits=limits, backoff=backoff)
        self._discover = DiscoverClient(
            session, hosts, account.client_id, account.token, limits=limits, backoff=backoff
        )
        self._link = ServerLink(
            session,
            self._cloud,
            account,
            parallel=settings.history_workers,
            limits=limits,
            backoff=backoff,
        )
        self._known_ids = KnownIds()
        self._known_keys = KnownKeys()
        self._watchlist = WatchlistWriter(
            self._discover,
            self._known_keys,
            query_limit=settings.watchlist_query_limit,
            delay_ms=settings.watchlist_write_delay_ms,
        )
        self._fallback = (
            Fallback(self._discover, state_dir, query_limit=settings.watchlist_query_limit)
            if settings.fallback_guid
            else None
        )
        self._side: ServerSide | None = None
        self._rights: Rights | None = None
        self._frozen = {feature: FreezeFile(state_dir, feature, clock) for feature in Feature}

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
        if self.account.server is not None:
            return CAPABILITIES
        return {Feature.WATCHLIST: CAPABILITIES[Feature.WATCHLIST]}

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""
        return self._cloud.requests + self._discover.requests + self._link.requests

    @property
    def limits(self) -> tuple[str, ...]:
        """What this user may not do on the server, as codes to be shown; see `rights.py`."""
        server = self.account.server
        if server is None:
            return ()
        return (self._rights or Rights.unknown(is_owner=server.is_owner)).limits

    async def check(self) -> PlexAccount:
        """Prove token and server with one cheap call each, and find the server again if it moved.

        Learns what the user may do there. Returns the account to store.
        """
        user = await self._cloud.user(self.account.token)
        if user.id != self.account.user_id:
            raise WrongUserError("the token belongs to another user")
        if self.account.server is not None:
            self._rights, _ = await self._link.use(
                lambda client, server: read_rights(
                    client, user_id=self.account.user_id, is_owner=server.is_owner
                )
            )
        return self.account

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read everything the account holds of a feature, or raise."""
        if feature not in self.capabilities:
            raise UnsupportedError(f"{feature} can't be read from this account")
        read_at = int(self._clock())
        if feature is Feature.WATCHLIST:
            return await self._read_watchlist(read_at)
        libraries = self._libraries(feature, scope)
        found, server = await self._link.use(
            lambda client, server: self._server_side(server).read(feature, client, libraries)
        )
        return self._snapshot(
            feature,
            found.entries,
            read_at,
            server.machine_id,
            *found.scope,
            found=found,
        )

    async def _read_watchlist(self, read_at: int) -> Snapshot:
        try:
            entries = await read_watchlist(self._discover, self._known_ids)
        except AuthError:
            raise await self._refused_by_discover() from None
        for entry in entries:
            if entry.remote_id is not None:
                self._known_keys.learn(entry.item.kind, entry.item.ids, entry.remote_id)
        # the list belongs to the user, whatever the server
        return self._snapshot(Feature.WATCHLIST, entries, read_at)

    async def _refused_by_discover(self) -> ProviderError:
        """Raise `AuthError` if the token is dead: only this call tells (API reference 1.3)."""
        await self._cloud.user(self.account.token)
        return ForbiddenError("Discover refuses this user")

    def _libraries(self, feature: Feature, scope: Scope) -> frozenset[str]:
        """Return the libraries that count, none for all: a pair's own list replaces the account's."""
        own = {
            Feature.HISTORY: self._settings.history_libraries,
            Feature.RATINGS: self._settings.ratings_libraries,
        }
        return scope.libraries.get(feature) or own.get(feature, frozenset())

    def _server_side(self, server: ServerAccess) -> ServerSide:
        """Return what is kept of a server, of this one only."""
        place = (server.machine_id, server.is_owner)
        if self._side is None or self._side.place != place:
            self._side = ServerSide(place, self._settings, self.account.user_id, self._fallback)
        return self._side

    def _snapshot(
        self,
        feature: Feature,
        entries: tuple[Entry, ...],
        read_at: int,
        *scope: str,
        found: Reading | None = None,
    ) -> Snapshot:
        parts = "\n".join(("plex", str(self.account.user_id), feature, *scope))
        return Snapshot(
            feature=feature,
            entries=entries,
            scope_hash=hashlib.sha256(parts.encode()).hexdigest(),
            read_at=read_at,
            watched=found.watched if found else (),
            events=found.events if found else frozenset(),
            finished=found.finished if found else (),
            has_place=found.has_place if found else None,
        )

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Return the documented reason why the entry can't be written, None if it can."""
        return refusal(feature, action, entry)

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Start the changes in order, several under way at once, and yield each outcome when it is known.

        What is frozen is answered without a request.
        """
        if scope.read_only:
            raise ValueError("a dry run writes nothing")
        if feature not in self.capabilities:
            raise UnsupportedError(f"{feature} can't be written to this account")
        frozen = self._frozen[feature]
        await frozen.load()
        possible: list[Change] = []
        for change in changes:
            if (reason := self.refusal(feature, change.action, change.entry)) or (
                reason := frozen.reason(change, scope.pair_id, self._stand(feature, scope))
            ):
                yield outcome(change, OutcomeStatus.UNRESOLVED, reason)
            else:
                possible.append(change)
        try:
            if possible:
                settled, jobs, probe = await self._prepare(feature, possible, scope)
                results = chain(settled, run_jobs(jobs, probe))
                try:
                    async for result in results:
                        frozen.note(result, scope.pair_id, self._stand(feature, scope))
                        yield result
                finally:
                    await results.aclose()
        except BaseException:
            await frozen.save_at_last()
            raise
        await frozen.save_if_due()

    async def _prepare(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> tuple[Sequence[Outcome], Sequence[Job], Probe]:
        """Return what is known already, what is to be sent, and how to ask whether all is well."""
        if feature is Feature.WATCHLIST:
            return (), self._watchlist.jobs(changes, self._find_in_library), self._probe_discover
        libraries = self._libraries(feature, scope)
        (settled, jobs), _ = await self._link.use(
            lambda client, server: self._server_side(server).prepare(feature, client, libraries, changes)
        )
        return settled, jobs, self._probe_server

    async def _probe_server(self) -> None:
        await self._link.use(lambda client, _server: client.container("library/sections"))

    async def _probe_discover(self) -> None:
        try:
            await self._discover.glance(WATCHLIST_PATH)
        except AuthError:
            raise await self._refused_by_discover() from None

    @property
    def _find_in_library(self) -> FindInLibrary | None:
        """The way from a title to its guid over the user's own libraries, where the setting allows it."""
        if not self._settings.watchlist_allow_pms_fallback or self.account.server is None:
            return None

        async def find(item: Item) -> Sequence[Row]:
            rows, _ = await self._link.use(
                lambda client, server: self._server_side(server).find(client, item)
            )
            return rows

        return find

    async def thawed(self, feature: Feature, scope: Scope, resting: Mapping[str, str]) -> frozenset[str]:
        """Return those of these keys, with the reasons for their rest, that may be tried again by now."""
        frozen = self._frozen[feature]
        await frozen.load()
        stand = self._stand(feature, scope)
        return await asyncio.to_thread(frozen.thawed, resting, scope.pair_id, stand)

    async def thaw(self, pair: str, keys: Collection[str] | None = None) -> None:
        """Let what was refused be tried again in the next run: these keys of a pair, or all of them."""
        for frozen in self._frozen.values():
            await frozen.load()
            frozen.thaw(pair, keys)
            await frozen.save()

    def _stand(self, feature: Feature, scope: Scope) -> str:
        """What changes when the libraries do, in which frozen items may turn up then."""
        if self._side is None or (feature is Feature.WATCHLIST and self._find_in_library is None):
            return ""
        return self._side.cache.stand(self._libraries(feature, scope))
