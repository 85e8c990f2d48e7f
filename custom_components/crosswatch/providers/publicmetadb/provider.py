"""One PublicMetaDB account as a provider of the sync engine."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
import hashlib
import math
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
from .progress import Progress
from .quota import Bucket
from .ratings import Ratings
from .refusals import COMPLETE_PERCENT, KINDS, LEAST_PERCENT, refusal
from .settings import PublicMetaDBSettings
from .shadow import ShadowFile, scope_name
from .watchlist import Watchlist

NO_LIST_YET = "no list yet"

AHEAD = 200
"""Changes taken at once: at 3 a second with answers that take a second, 98.5 % of the pace is kept."""

CAPABILITIES: Mapping[Feature, Capability] = {
    Feature.WATCHLIST: Capability(kinds=KINDS[Feature.WATCHLIST], add=True, remove=True, ahead=AHEAD),
    Feature.HISTORY: Capability(kinds=KINDS[Feature.HISTORY], add=True, remove=True, ahead=AHEAD),
    # a rating that the shadow does not know may be there all the same (API reference 3.5)
    Feature.RATINGS: Capability(
        kinds=KINDS[Feature.RATINGS], add=True, update=True, remove=True, absence_is_removal=False
    ),
    Feature.PROGRESS: Capability(
        kinds=KINDS[Feature.PROGRESS],
        add=True,
        update=True,
        remove=True,
        absence_is_removal=False,
        least_percent=LEAST_PERCENT,
        complete_percent=COMPLETE_PERCENT,
        ahead=AHEAD,
    ),
}


class PublicMetaDBProvider:
    """Implements `sync.provider.Provider` for one account; all its pairs share one."""

    name = "publicmetadb"
    capabilities = CAPABILITIES

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: PublicMetaDBSettings,
        pacers: Pacers,
        state_dir: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`state_dir` takes shadow and quota files. Nothing is sent or read yet; the pace gets its speed.

        `clock` answers epoch seconds.
        """
        pacers.apply(settings)
        self.account_id = account_id(settings.base_url, settings.api_key)
        self._settings = settings
        self._state_dir = state_dir
        self._clock = clock
        self._client = PublicMetaDBClient(session, settings, pacers)
        self._watchlist = Watchlist(self._client, settings)
        self._history = History(self._client, settings)
        self._progress = Progress(self._client, settings, clock)
        self._files: dict[tuple[Feature, str], ShadowFile] = {}
        self._ratings: dict[str, Ratings] = {}

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""
        return self._client.requests

    async def verify(self) -> None:
        """Raise unless the service answers and takes the key."""
        await self._client.verify(patient=True)

    check = verify

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read everything the account holds of a feature; complete, or it raises. Writes nothing remote."""
        read_at = int(self._clock())
        if feature is Feature.RATINGS:
            ratings = self._ratings_of(scope)
            rated = await ratings.read(scope.rating_label, read_only=scope.read_only)
            label = ratings.usual_label(scope.rating_label).casefold()
            return self._snapshot(feature, rated, read_at, label, *ratings.scope)
        file = self._file(feature, scope)
        if feature is Feature.PROGRESS:
            stopped = await self._progress.read(file, read_only=scope.read_only)
            return self._snapshot(feature, stopped, read_at)
        if feature is Feature.WATCHLIST:
            name = self._list_name(scope)
            list_id, found = await self._watchlist.read(file, name)
            if list_id is not None and not scope.read_only:
                await file.replace(await self._watchlist.shadow_of(found, list_id, name))
            return self._snapshot(feature, _one_per_title(found), read_at, list_id or NO_LIST_YET)
        plays = await self._history.read()
        if not scope.read_only:
            await file.replace(await self._history.shadow_of(plays))
        return self._snapshot(feature, plays, read_at)

    def retry_at(self, scope: Scope) -> int | None:
        """Return from when what had to wait can be sent, epoch seconds, or None.

        That is when the service's own break is over (it caps resume positions too, API reference 3.8), else
        when an hour of ratings is.
        """
        if wait := self._client.asked_to_wait:
            return math.ceil(self._clock() + wait)
        ratings = self._ratings.get(scope_name(scope.pair_id))
        return None if ratings is None else ratings.quota.retry_at()

    def ratings_left(self) -> dict[str, int]:
        """Return how many new and changed ratings may still be sent in this hour; nothing while unknown.

        Each pair has a quota of its own: the fullest one is told.
        """
        quotas = [each.quota for each in self._ratings.values()]
        return {str(bucket): min(quota.left(bucket) for quota in quotas) for bucket in Bucket if quotas}

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Return the documented reason why the entry can't be written, None if it can."""
        return refusal(feature, action, entry)

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Start the changes in order, several under way at once, and yield each outcome when it is known."""
        if scope.read_only:
            raise ValueError("a dry run writes nothing")
        possible: list[Change] = []
        for change in changes:
            if reason := refusal(feature, change.action, change.entry):
                yield Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=reason)
            else:
                possible.append(change)
        if feature is Feature.RATINGS:
            # each of them is kept on disk before and after it is sent
            async with (
                self._ratings_of(scope).writing(scope.rating_label) as write,
                aclosing(self._written(possible, write)) as outcomes,
            ):
                async for outcome in outcomes:
                    yield outcome
            return
        file = self._file(feature, scope)
        finished = False
        try:
            async with (
                self._writing(feature, file, scope, possible) as write,
                aclosing(self._written(possible, write)) as outcomes,
            ):
                async for outcome in outcomes:
                    yield outcome
                    await file.save_if_due()
            finished = True
        finally:
            # an interrupted run keeps what it has learned (W18)
            await (file.save_if_small() if finished else file.save())

    def _written(self, changes: Sequence[Change], write: Write) -> AsyncGenerator[Outcome]:
        probe = partial(self._client.verify, self._settings.max_retries, patient=True)
        return write_all(changes, write, probe)

    def _writing(
        self, feature: Feature, file: ShadowFile, scope: Scope, changes: Sequence[Change]
    ) -> AbstractAsyncContextManager[Write]:
        if feature is Feature.WATCHLIST:
            return self._watchlist.writing(file, self._list_name(scope), changes)
        if feature is Feature.PROGRESS:
            return self._progress.writing(file, changes)
        return self._history.writing(file, changes)

    def _list_name(self, scope: Scope) -> str:
        return scope.watchlist_name or self._settings.watchlist_name

    def _file(self, feature: Feature, scope: Scope) -> ShadowFile:
        key = (feature, scope_name(scope.pair_id))
        if key not in self._files:
            self._files[key] = ShadowFile(self._state_dir, feature, scope.pair_id)
        return self._files[key]

    def _ratings_of(self, scope: Scope) -> Ratings:
        key = scope_name(scope.pair_id)
        if key not in self._ratings:
            self._ratings[key] = Ratings(
                self._client, self._settings, self._state_dir, scope.pair_id, self._clock
            )
        return self._ratings[key]

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
