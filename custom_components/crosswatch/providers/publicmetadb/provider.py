"""One PublicMetaDB account as a provider of the sync engine."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
import hashlib
from pathlib import Path
import time

import aiohttp

from ...sync.models import (
    Action,
    Change,
    Entry,
    Feature,
    Outcome,
    OutcomeStatus,
    Scope,
    Snapshot,
    WatchlistEntry,
)
from ...sync.provider import Capability
from .applying import Write, write_all
from .client import PublicMetaDBClient
from .history import History
from .naming import item_key
from .pacing import Pacers, account_id
from .refusals import KINDS, refusal
from .settings import PublicMetaDBSettings
from .shadow import ShadowFile, scope_name
from .watchlist import Watchlist

NO_LIST_YET = "no list yet"

CAPABILITIES: Mapping[Feature, Capability] = {
    feature: Capability(kinds=KINDS[feature], add=True, remove=True)
    for feature in (Feature.WATCHLIST, Feature.HISTORY)
}


class PublicMetaDBProvider:
    """Implements `sync.provider.Provider` for one account; all its pairs share one."""

    name = "publicmetadb"
    capabilities = CAPABILITIES

    def __init__(
        self, session: aiohttp.ClientSession, settings: PublicMetaDBSettings, pacers: Pacers, state_dir: Path
    ) -> None:
        """`state_dir` takes the shadow files. Nothing is sent or read yet; the pace gets its speed."""
        pacers.apply(settings)
        self.account_id = account_id(settings.base_url, settings.api_key)
        self._settings = settings
        self._state_dir = state_dir
        self._client = PublicMetaDBClient(session, settings, pacers)
        self._watchlist = Watchlist(self._client, settings)
        self._history = History(self._client, settings)
        self._files: dict[tuple[Feature, str], ShadowFile] = {}

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""
        return self._client.requests

    async def verify(self) -> None:
        """Raise unless the service answers and takes the key."""
        await self._client.verify()

    check = verify

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read everything the account holds of a feature; complete, or it raises. Writes nothing remote."""
        file = self._file(feature, scope)
        read_at = int(time.time())
        entries: Sequence[Entry]
        if feature is Feature.WATCHLIST:
            name = self._list_name(scope)
            list_id, found = await self._watchlist.read(file, name)
            if list_id is not None and not scope.read_only:
                await file.replace(await self._watchlist.shadow_of(found, list_id, name))
            return self._snapshot(feature, _one_per_title(found), read_at, list_id or NO_LIST_YET)
        plays = await self._history.read()
        if not scope.read_only:
            await file.replace(await self._history.shadow_of(plays))
        entries = plays
        return self._snapshot(feature, entries, read_at)

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Return the documented reason why the entry can't be written, None if it can."""
        return refusal(feature, action, entry)

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Start the changes in order, several under way at once, and yield each outcome when it is known."""
        if scope.read_only:
            raise ValueError("a dry run writes nothing")
        file = self._file(feature, scope)
        possible: list[Change] = []
        for change in changes:
            if reason := refusal(feature, change.action, change.entry):
                yield Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=reason)
            else:
                possible.append(change)
        finished = False
        try:
            async with self._writing(feature, file, scope, possible) as write:
                outcomes = write_all(possible, write, lambda: self._client.verify(self._settings.max_retries))
                try:
                    async for outcome in outcomes:
                        yield outcome
                        await file.save_if_due()
                finally:
                    await outcomes.aclose()
            finished = True
        finally:
            # an interrupted run keeps what it has learned (W18)
            await (file.save_if_small() if finished else file.save())

    def _writing(
        self, feature: Feature, file: ShadowFile, scope: Scope, changes: Sequence[Change]
    ) -> AbstractAsyncContextManager[Write]:
        if feature is Feature.WATCHLIST:
            return self._watchlist.writing(file, self._list_name(scope), changes)
        return self._history.writing(file, changes)

    def _list_name(self, scope: Scope) -> str:
        return scope.watchlist_name or self._settings.watchlist_name

    def _file(self, feature: Feature, scope: Scope) -> ShadowFile:
        if feature not in CAPABILITIES:
            raise ValueError(f"{feature} is not supported")
        key = (feature, scope_name(scope.pair_id))
        if key not in self._files:
            self._files[key] = ShadowFile(self._state_dir, feature, scope.pair_id)
        return self._files[key]

    def _snapshot(self, feature: Feature, entries: Sequence[Entry], read_at: int, *scope: str) -> Snapshot:
        parts = (self._settings.base_url, self.account_id, feature, *scope)
        scope_hash = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
        return Snapshot(feature=feature, entries=tuple(entries), scope_hash=scope_hash, read_at=read_at)


def _one_per_title(entries: Sequence[WatchlistEntry]) -> list[WatchlistEntry]:
    """Keep the first of several rows of one title: being listed twice is being listed."""
    firsts: dict[str, WatchlistEntry] = {}
    for entry in entries:
        firsts.setdefault(item_key(entry.item), entry)
    return list(firsts.values())
