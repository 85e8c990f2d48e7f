"""A side in memory that goes wrong on request, and the time both sides live in."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import batched
import random

from custom_components.crosswatch.sync.feature_run import SETTLE, UNDER_WAY
from custom_components.crosswatch.sync.models import (
    APART,
    Action,
    Change,
    Entry,
    Feature,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Scope,
    Snapshot,
)
from custom_components.crosswatch.sync.provider import (
    AuthError,
    Capability,
    IncompleteReadError,
    UnreachableError,
)

from .fakes import NOW


class Stop(StrEnum):
    """How a run is stopped from outside."""

    CANCEL = "cancel"
    KILL = "kill"


class Moment:
    """What happens at every await of a run: the n-th one may be its last."""

    def __init__(self) -> None:
        """Nothing stops a run."""
        self.count = 0
        self.stop_at = 0
        self.stop: Stop | None = None
        self.on_kill: Callable[[], None] = lambda: None
        self.main: asyncio.Task[object] | None = None

    def arm(self, main: asyncio.Task[object], stop: Stop | None, at: int) -> None:
        """Stop the task at its await number `at`, counted from 1."""
        self.main, self.stop, self.stop_at, self.count = main, stop, at, 0

    async def passes(self) -> None:
        """Be an await."""
        self.count += 1
        if self.stop is not None and self.count == self.stop_at and self.main is not None:
            if self.stop is Stop.KILL:
                self.on_kill()
            self.main.cancel()
        await asyncio.sleep(0)


class Time:
    """True time, and the clock of the engine, which may be wrong by `offset` seconds."""

    def __init__(self) -> None:
        """Begin at a known time."""
        self.true = float(NOW)
        self.offset = 0.0

    def clock(self) -> float:
        """Return what the engine's clock shows."""
        return self.true + self.offset


class Read(StrEnum):
    """How a read goes."""

    HONEST = "honest"
    SHUFFLED = "shuffled"
    DOUBLED = "every row twice"
    STALE = "without our own last writes"
    EMPTY = "nothing"
    HALF = "half of it"
    DOWN = "unreachable"
    REFUSED = "401"
    INCOMPLETE = "incomplete"
    DEFECT = "not a provider error"


LIES = frozenset({Read.EMPTY, Read.HALF})
READ_ERRORS: Mapping[Read, Exception] = {
    Read.DOWN: UnreachableError("down"),
    Read.REFUSED: AuthError("http:401"),
    Read.INCOMPLETE: IncompleteReadError("1 of 2 rows"),
    Read.DEFECT: KeyError("shape"),
}


class Write(StrEnum):
    """How a write goes."""

    FINE = "fine"
    LATE = "fine, but it takes a while to land"
    FAILED = "not written"
    LANDED = "no answer, landed"
    LOST = "no answer, not landed"
    LANDS_LATE = "no answer, lands later"
    DROPPED = "answered ok, not stored"
    LISTED = "answered that it is there, which it is not"
    REJECTED = "refused for this item"
    SILENT = "landed, no outcome at all"
    MUTE = "not landed, no outcome at all"
    STRANGE = "fine, and an outcome nobody asked for"
    REFUSED = "401"
    DOWN = "unreachable"
    DOWN_LANDED = "unreachable, but this one landed"
    DEFECT = "not a provider error"


STORED = frozenset({Write.FINE, Write.LATE, Write.LANDED, Write.LANDS_LATE, Write.SILENT, Write.STRANGE})
DELAYED = frozenset({Write.LATE, Write.LANDS_LATE})
WRITE_ERRORS: Mapping[Write, Exception] = {
    Write.REFUSED: AuthError("http:401"),
    Write.DOWN: UnreachableError("down"),
    Write.DOWN_LANDED: UnreachableError("down"),
    Write.DEFECT: KeyError("shape"),
}
OUTCOMES: Mapping[Write, OutcomeStatus] = {
    Write.FINE: OutcomeStatus.APPLIED,
    Write.LATE: OutcomeStatus.APPLIED,
    Write.STRANGE: OutcomeStatus.APPLIED,
    Write.DROPPED: OutcomeStatus.APPLIED,
    Write.LISTED: OutcomeStatus.ALREADY,
    Write.FAILED: OutcomeStatus.FAILED,
    Write.REJECTED: OutcomeStatus.UNRESOLVED,
    Write.LANDED: OutcomeStatus.UNCERTAIN,
    Write.LOST: OutcomeStatus.UNCERTAIN,
    Write.LANDS_LATE: OutcomeStatus.UNCERTAIN,
}

FOG = APART - 3 * UNDER_WAY
"""Seconds for which reads of a side may be wrong, counted from the beginning of the first such run to that of
the last one: a run may wait before it reads."""

LANDING = 15.0
"""Seconds after which a late write has landed."""


@dataclass(slots=True, eq=False)
class Row:
    """An entry as it lies on a side. Times are true and the engine's, epoch seconds."""

    entry: Entry
    by_engine: bool = False
    landed_at: float = 0.0
    wall_at: float = 0.0
    reported: bool = False
    shown: bool = False
    gone_at: float = 0.0
    """When it was taken away, if it was."""
    unwatched: bool = False
    """Whether it is in the log, and its title counts as watched no more."""


@dataclass(slots=True)
class Trouble:
    """What goes wrong in one run: reads and writes in their order, fine when there are no more."""

    reads: list[Read] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    burst: int = 1


class SimSide:
    """Implements `Provider`. With `needs_tmdb` it refuses what has no TMDb id.

    `may_hide` says what a wrong read may hide; `on_store` is told of a write before it is stored.
    """

    def __init__(self, name: str, time: Time, moment: Moment) -> None:
        """Start empty."""
        self.name = name
        self.requests = 0
        self.capabilities: Mapping[Feature, Capability] = {
            f: Capability(kinds=frozenset(Kind), add=True, update=True, remove=True) for f in Feature
        }
        self.rows: dict[Feature, list[Row]] = {f: [] for f in Feature}
        self.ghosts: dict[Feature, list[Row]] = {f: [] for f in Feature}
        """What the engine has taken away, or is about to; a stale read may show it once more."""
        self.scope_hash = "a"
        self.needs_tmdb = False
        self.dead = False
        self.trouble = Trouble()
        self.may_hide: Callable[[Feature, Entry], bool] = lambda _f, _e: False
        self.on_store: Callable[[Change], None] = lambda _c: None
        self.outcomes: list[tuple[Write, Change]] = []
        self.last_read: dict[Feature, Read] = {}
        self._time = time
        self._moment = moment
        self._random = random.Random(7)
        self._last_id = 0

    def entries(self, feature: Feature) -> list[Entry]:
        """Everything that has landed."""
        return [row.entry for row in self.rows[feature] if row.landed_at <= self._time.true]

    def in_flight(self) -> bool:
        """Whether something is still to land."""
        return any(row.landed_at > self._time.true for rows in self.rows.values() for row in rows)

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read, honestly or not."""
        how = self.trouble.reads.pop(0) if self.trouble.reads else Read.HONEST
        self.last_read[feature] = how
        self.requests += 1
        await self._moment.passes()
        if (error := READ_ERRORS.get(how)) is not None:
            raise error
        rows = [row for row in self.rows[feature] if self._shown(feature, row, how)]
        rows += [row for row in self.ghosts[feature] if self._haunts(row, how)]
        for row in rows:
            row.shown = True
        entries = self.told(feature, rows)
        if how is Read.SHUFFLED:
            self._random.shuffle(entries)
        if how is Read.DOUBLED:
            entries *= 2
        await self._moment.passes()
        return Snapshot(
            feature=feature,
            entries=tuple(entries),
            scope_hash=self.scope_hash,
            read_at=int(self._time.true),
            watched=self.watched(feature, rows),
        )

    def told(self, feature: Feature, rows: Sequence[Row]) -> list[Entry]:
        """Return what a read tells of the rows it sees."""
        return [row.entry for row in rows]

    def watched(self, feature: Feature, rows: Sequence[Row]) -> tuple[Item, ...]:
        """Return what counts as watched."""
        return ()

    def make(self, feature: Feature, entry: Entry) -> Entry:
        """Return what the service makes of an entry that is added now: each play has an id of its own."""
        if not isinstance(entry, Play):
            return entry
        self._last_id += 1
        return replace(entry, remote_id=f"{self.name}:{self._last_id}")

    def written_at(self, row: Row | None) -> int | None:
        """Return when the service did a write, where it says so."""
        return None

    def _shown(self, feature: Feature, row: Row, how: Read) -> bool:
        if row.landed_at > self._time.true:
            return False
        match how:
            case Read.STALE:
                fresh = max(self._time.true - row.landed_at, self._time.clock() - row.wall_at) < SETTLE
                return row.shown or not (row.by_engine and row.reported and fresh)
            case Read.EMPTY:
                return not self.may_hide(feature, row.entry)
            case Read.HALF:
                return not self.may_hide(feature, row.entry) or self._random.random() < 0.5
        return True

    def _haunts(self, row: Row, how: Read) -> bool:
        """Whether a read shows what was taken away."""
        if row.gone_at > self._time.true:
            return True
        fresh = max(self._time.true - row.gone_at, self._time.clock() - row.wall_at) < SETTLE
        return how is Read.STALE and row.reported and fresh

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Refuse what has no TMDb id, when asked to be strict."""
        if self.needs_tmdb and entry.item.ids.tmdb is None and entry.item.show_ids.tmdb is None:
            return "missing_tmdb_id"
        return None

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Write, several under way at once."""
        for batch in batched(changes, self.trouble.burst, strict=False):
            await self._moment.passes()
            if self.dead:
                raise UnreachableError("dead")
            sent = [(change, self._store(feature, change)) for change in batch]
            await self._moment.passes()
            for change, (how, row) in sent:
                if (error := WRITE_ERRORS.get(how)) is not None:
                    raise error
                if how in (Write.SILENT, Write.MUTE):
                    continue
                if how is Write.STRANGE:
                    yield Outcome(change=replace(change, key="movie:tmdb:999"), status=OutcomeStatus.APPLIED)
                if row is not None:
                    row.reported = True
                status = OUTCOMES[how]
                yield Outcome(
                    change=change,
                    status=status,
                    reason=None if status is OutcomeStatus.APPLIED else f"test_{status}",
                    written_at=self.written_at(row),
                )

    def _store(self, feature: Feature, change: Change) -> tuple[Write, Row | None]:
        how = self.trouble.writes.pop(0) if self.trouble.writes else Write.FINE
        self.requests += 1
        self.outcomes.append((how, change))
        if how not in STORED and how is not Write.DOWN_LANDED:
            return how, None
        self.on_store(change)
        if change.action is Action.REMOVE:
            return how, self._take(feature, change.entry, late=how in DELAYED)
        row = Row(
            entry=self.make(feature, change.entry),
            by_engine=True,
            landed_at=self._time.true + (LANDING if how in DELAYED else 0),
            wall_at=self._time.clock(),
        )
        self.rows[feature].append(row)
        return how, row

    def _take(self, feature: Feature, entry: Entry, *, late: bool) -> Row | None:
        """Take away the rows of an entry; whatever else there is of its title stays."""
        wanted = replace(entry, remote_id=None)
        taken = [row for row in self.rows[feature] if replace(row.entry, remote_id=None) == wanted]
        for row in taken:
            self.rows[feature].remove(row)
            row.gone_at = self._time.true + (LANDING if late else 0)
            row.wall_at, row.reported = self._time.clock(), False
            self.ghosts[feature].append(row)
        return taken[0] if taken else None
