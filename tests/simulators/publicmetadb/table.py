"""A collection of rows that is cheap to page, look up, delete from and look back in."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
import math

from .clock import Clock
from .settings import Order

REMEMBERED_WRITES = 10_000
"""How many writes a collection can look back."""

INSORT_UP_TO = 64
"""From this many new rows on, sorting anew is cheaper than inserting one by one."""

type Place = tuple[float, int, str]
"""Sort value, tie-breaker, row id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row has: an opaque id and the server's stamps (Unix seconds).

    `seq` counts insertions over the whole server; it breaks ties between equal stamps.
    """

    id: str
    created: float
    updated: float
    seq: int = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Change[R: Row]:
    """A write: no `before` is an insertion, no `after` a deletion. `at` is Unix seconds."""

    at: float
    before: R | None
    after: R | None


class _Ordering[R: Row]:
    """Row ids in one order. Insertions are queued and sorted in by the next read."""

    __slots__ = ("_descending", "_field", "_new", "_places")

    def __init__(self, order: Order, rows: Sequence[R]) -> None:
        self._descending = order.startswith("-")
        self._field = order.removeprefix("-")
        self._places = sorted(map(self._place, rows))
        self._new: list[Place] = []

    def _place(self, row: R) -> Place:
        value: float | None = getattr(row, self._field)
        if value is None:
            return (math.inf, row.seq, row.id)
        return (-value, -row.seq, row.id) if self._descending else (value, row.seq, row.id)

    def add(self, row: R) -> None:
        self._new.append(self._place(row))

    def discard(self, row: R) -> None:
        places = self.places()
        del places[bisect_left(places, self._place(row))]

    def places(self) -> list[Place]:
        if len(self._new) > INSORT_UP_TO:
            self._places += self._new
            self._places.sort()
        else:
            for place in self._new:
                insort(self._places, place)
        self._new = []
        return self._places


class Table[R: Row]:
    """Rows by id, with orderings and indexes that are built when first asked for."""

    def __init__(self, clock: Clock) -> None:
        """Start empty; `clock` stamps the writes for reads of the past."""
        self._clock = clock
        self._rows: dict[str, R] = {}
        self._orderings: dict[Order, _Ordering[R]] = {}
        self._indexes: dict[Callable[[R], Hashable], dict[Hashable, list[str]]] = {}
        self._changes: deque[Change[R]] = deque(maxlen=REMEMBERED_WRITES)
        self._past: tuple[int, Table[R]] | None = None
        self.writes = 0
        """Writes so far."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __contains__(self, row_id: str) -> bool:
        """Tell whether a row has this id."""
        return row_id in self._rows

    def __getitem__(self, row_id: str) -> R:
        """Return the row with this id."""
        return self._rows[row_id]

    def get(self, row_id: str) -> R | None:
        """Return the row with this id, if there is one."""
        return self._rows.get(row_id)

    def rows(self) -> tuple[R, ...]:
        """Return all rows, oldest insertion first."""
        return tuple(sorted(self._rows.values(), key=lambda row: row.seq))

    def ordered(self, order: Order) -> Sequence[Place]:
        """Return the places of all rows in this order; the last member of a place is the row id."""
        ordering = self._orderings.get(order)
        if ordering is None:
            ordering = self._orderings[order] = _Ordering(order, tuple(self._rows.values()))
        return ordering.places()

    def sort(self, rows: Sequence[R], order: Order) -> Sequence[Place]:
        """Return the places of some rows in this order."""
        return _Ordering(order, rows).places()

    def find(self, index: Callable[[R], Hashable], key: Hashable) -> list[R]:
        """Return the rows whose `index` (a module-level function) is `key`, in order of insertion."""
        ids = self._indexes.get(index)
        if ids is None:
            ids = self._indexes[index] = {}
            for row in self._rows.values():
                ids.setdefault(index(row), []).append(row.id)
        return [self._rows[row_id] for row_id in ids.get(key, ())]

    def insert(self, row: R) -> R:
        """Add a row."""
        self._record(None, row)
        self._swap(None, row)
        return row

    def replace(self, before: R, after: R) -> R:
        """Put `after` in the place of the row with the same id."""
        self._record(before, after)
        self._swap(before, after)
        return after

    def delete(self, row: R) -> None:
        """Remove a row."""
        self._record(row, None)
        self._swap(row, None)

    def undo(self, writes: int) -> None:
        """Take back the last `writes` writes as if they had never been."""
        for _ in range(writes):
            change = self._changes.pop()
            self._swap(change.after, change.before)
        self.writes -= writes

    def past(self, writes: int, seconds: float) -> Table[R]:
        """Return the table as it was so many writes or seconds ago, whichever is longer ago."""
        since = self._clock() - seconds
        newer = 0
        for change in reversed(self._changes):
            if newer >= writes and change.at <= since:
                break
            newer += 1
        if not newer:
            return self
        moment = self.writes - newer
        if self._past is None or self._past[0] != moment:
            table: Table[R] = Table(self._clock)
            table._rows = dict(self._rows)
            table._changes = self._changes.copy()
            table.undo(newer)
            self._past = (moment, table)
        return self._past[1]

    def _record(self, before: R | None, after: R | None) -> None:
        self._changes.append(Change(self._clock(), before, after))
        self.writes += 1

    def _swap(self, before: R | None, after: R | None) -> None:
        if before is not None:
            del self._rows[before.id]
            for ordering in self._orderings.values():
                ordering.discard(before)
            for index, ids in self._indexes.items():
                ids[index(before)].remove(before.id)
        if after is not None:
            self._rows[after.id] = after
            for ordering in self._orderings.values():
                ordering.add(after)
            for index, ids in self._indexes.items():
                ids.setdefault(index(after), []).append(after.id)
