"""Writing history: marking watched and unwatched (API reference 2.9, 4.4).

Plex dates a mark with its own now and counts every one, so only what is not watched is marked, once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
import time
from typing import Final

from ...sync.models import Action, Change, Kind, Outcome, OutcomeStatus, Play
from ...sync.provider import ProviderError, UncertainWriteError
from .actions import scrobble, unscrobble
from .applying import Job, outcome
from .client import PlexServerClient
from .library import Catalogue, Row
from .targets import Prepared, Target, read_rows

ALREADY_WATCHED: Final = "already_watched"
NOT_WATCHED: Final = "not_watched"
WATCHED_MEANWHILE: Final = "watched_meanwhile"
HALF_WATCHED: Final = "half_watched"
WATCHING_AGAIN: Final = "watching_again"
RESUMABLE: Final = frozenset({HALF_WATCHED, WATCHING_AGAIN})
"""Reasons where a mark, or taking one away, would lose the user's place in the film."""
SETTLING: Final = 600.0
"""Seconds in which a mark of ours counts although a read does not show it yet."""


class Marks:
    """What was marked lately, by guid: a server that shows old state must not be told twice."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._marked: dict[str, float] = {}

    def add(self, row: Row) -> None:
        """Remember a mark."""
        self._marked[row.guid or row.key] = self._clock()

    def drop(self, row: Row) -> None:
        """Forget a mark that was taken away."""
        self._marked.pop(row.guid or row.key, None)

    def watched(self, row: Row) -> bool:
        """Whether the item is watched, as far as anybody knows."""
        at = self._marked.get(row.guid or row.key)
        return row.view_count > 0 or (at is not None and self._clock() - at < SETTLING)


@dataclass(frozen=True, slots=True)
class _Item:
    """What several changes may be about: the copies to mark."""

    rows: tuple[Row, ...]
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Group:
    """Items that one mark on `key` hits, and nothing else."""

    key: str
    items: tuple[_Item, ...]


def history_jobs(
    client: PlexServerClient, prepared: Prepared, marks: Marks, read_at: int | None
) -> list[Job]:
    """Return what is to be sent for the changes.

    `read_at` is when the plays were read, epoch seconds UTC by the server's clock.
    """
    writer = _Writer(client, prepared, marks, read_at)
    additions = [target for target in prepared.targets if target.change.action is Action.ADD]
    removals = [target for target in prepared.targets if target.change.action is Action.REMOVE]
    return [*writer.additions(additions), *writer.removals(removals)]


def folders(catalogue: Catalogue, keys: Collection[str]) -> set[str]:
    """Return the seasons and shows whose episodes are all among the keys, two at least."""
    rows = [catalogue.rows[key] for key in keys if key in catalogue.rows]
    above = {key for row in rows for key in (row.season_key, row.show_key) if key is not None}
    none: frozenset[str] = frozenset()
    below = {key: catalogue.leaves_of.get(key, none) for key in above}
    return {key for key, leaves in below.items() if len(leaves) > 1 and leaves <= set(keys)}


class _Writer:
    def __init__(
        self, client: PlexServerClient, prepared: Prepared, marks: Marks, read_at: int | None
    ) -> None:
        self._client = client
        self._prepared = prepared
        self._marks = marks
        self._read_at = read_at

    def additions(self, targets: Iterable[Target]) -> list[Job]:
        """Return what is to be sent: whole shows and seasons first, then single items."""
        items = _grouped(targets)
        jobs: list[Job] = []
        open_items: dict[str, _Item] = {}
        for item in items:
            # a title counts as watched when any copy of it is
            if any(self._marks.watched(row) for row in item.rows):
                jobs.append(settled(item.changes, ALREADY_WATCHED))
            elif any(_stopped_since(row, item.changes) for row in item.rows):
                jobs.append(settled(item.changes, HALF_WATCHED, OutcomeStatus.UNRESOLVED))
            else:
                open_items[item.rows[0].key] = item
        for group in self._groups(open_items):
            for item in group.items:
                del open_items[item.rows[0].key]
            jobs.append(self._group_job(group))
        return jobs + [self._item_job(item) for item in open_items.values()]

    def removals(self, targets: Iterable[Target]) -> list[Job]:
        jobs = []
        for item in _grouped(targets):
            watched = [row for row in item.rows if self._marks.watched(row)]
            if any(self._unknown(row) for row in watched):
                # whoever planned the removal does not know of this play
                jobs.append(settled(item.changes, WATCHED_MEANWHILE, OutcomeStatus.FAILED))
            elif any(row.view_offset for row in watched):
                jobs.append(settled(item.changes, WATCHING_AGAIN, OutcomeStatus.UNRESOLVED))
            else:
                done = self._removal_job(item, watched) if watched else settled(item.changes, NOT_WATCHED)
                jobs.append(done)
        return jobs

    def _unknown(self, row: Row) -> bool:
        """Whether the item was watched after the plays were read."""
        at = row.last_viewed_at
        return at is not None and self._read_at is not None and at > self._read_at and not row.view_offset

    def _groups(self, items: Mapping[str, _Item]) -> list[_Group]:
        """Find shows, then seasons, that a single mark completes without hitting anything else."""
        single = {key: item for key, item in items.items() if len(item.rows) == 1}
        groups: list[_Group] = []
        used: set[str] = set()
        found = (self._prepared.fresh[key] for key in sorted(self._prepared.fresh))
        above = [row for row in found if row.item.kind in (Kind.SHOW, Kind.SEASON)]
        for row in sorted(above, key=lambda row: row.item.kind is Kind.SEASON):
            leaves = self._prepared.catalogue.leaves_of.get(row.key, frozenset())
            if leaves & used or not leaves <= single.keys() or not self._is_whole(row, leaves):
                continue
            used |= leaves
            groups.append(_Group(row.key, tuple(single[key] for key in sorted(leaves))))
        return groups

    def _is_whole(self, row: Row, leaves: frozenset[str]) -> bool:
        """Whether the server sees exactly these episodes there."""
        below = [self._prepared.fresh[key] for key in leaves]
        return row.leaves == len(leaves) > 1 and all(
            row.key in (leaf.season_key, leaf.show_key) for leaf in below
        )

    def _group_job(self, group: _Group) -> Job:
        changes = tuple(change for item in group.items for change in item.changes)

        async def write() -> list[Outcome]:
            rows = [row for item in group.items for row in item.rows]
            at = await self._mark(group.key, rows)
            return [each for item in group.items for each in self._marked(item, at)]

        return Job(changes, write)

    def _item_job(self, item: _Item) -> Job:
        async def write() -> list[Outcome]:
            at: dict[str, int] = {}
            for row in item.rows:
                try:
                    at |= await self._mark(row.key, [row])
                except ProviderError:
                    if not at:
                        raise
                    # one copy is marked: the title counts as watched, and since when has to be told
            return self._marked(item, at)

        return Job(tuple(item.changes), write)

    async def _mark(self, key: str, rows: Sequence[Row]) -> dict[str, int]:
        """Mark a key; return when each row was marked. What may or may not be marked is not among them."""
        try:
            at = await scrobble(self._client, key)
            seen = {row.key: at for row in rows}
        except UncertainWriteError:
            # it must not be sent again, but the server can be asked
            seen = await self._look(rows)
        for row in rows:
            self._marks.add(row)
        return seen

    async def _look(self, rows: Sequence[Row]) -> dict[str, int]:
        """Return which rows are watched by now, and when."""
        try:
            fresh = await read_rows(self._client, self._prepared.catalogue, [row.key for row in rows])
        except ProviderError:
            return {}
        now = self._client.clock.now()
        return {
            key: now if row.last_viewed_at is None else row.last_viewed_at
            for key, row in fresh.items()
            if row.view_count
        }

    def _marked(self, item: _Item, at: Mapping[str, int]) -> list[Outcome]:
        """Give the outcomes: the first of an item's plays was written, the others Plex can't tell from it.

        A mark that may have landed is told with its time too: it would be dated like that.
        """
        row = next((row for row in item.rows if row.key in at), None)
        if row is None:
            now = self._client.clock.now()
            return [outcome(change, OutcomeStatus.UNCERTAIN, "no_answer", at=now) for change in item.changes]
        first, *rest = item.changes
        done = outcome(first, OutcomeStatus.APPLIED, at=at[row.key], key=row.key)
        return [done, *(outcome(change, OutcomeStatus.ALREADY, ALREADY_WATCHED) for change in rest)]

    def _removal_job(self, item: _Item, watched: Sequence[Row]) -> Job:
        async def write() -> list[Outcome]:
            at = None
            for row in watched:
                at = await unscrobble(self._client, row.key)
                self._marks.drop(row)
            return [
                outcome(change, OutcomeStatus.APPLIED, at=at, key=watched[0].key) for change in item.changes
            ]

        return Job(tuple(item.changes), write)


def _stopped_since(row: Row, changes: Iterable[Change]) -> bool:
    """Whether the user stopped in the middle of the item later than all these plays."""
    if not row.view_offset:
        return False
    plays = (change.entry.watched_at for change in changes if isinstance(change.entry, Play))
    newest = max((at for at in plays if at is not None), default=None)
    return newest is None or row.last_viewed_at is None or row.last_viewed_at > newest


def _grouped(targets: Iterable[Target]) -> list[_Item]:
    """Put changes of one item together, in the order they came. Rows of one guid share their state."""
    items: dict[tuple[str, ...], _Item] = {}
    for target in targets:
        place = tuple(row.guid or row.key for row in target.rows)
        items.setdefault(place, _Item(target.rows)).changes.append(target.change)
    return list(items.values())


def settled(changes: Sequence[Change], reason: str, status: OutcomeStatus = OutcomeStatus.ALREADY) -> Job:
    """Return outcomes that need no request."""

    async def write() -> list[Outcome]:
        return [outcome(change, status, reason) for change in changes]

    return Job(tuple(changes), write)
