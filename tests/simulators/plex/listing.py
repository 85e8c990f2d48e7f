"""Container paging (API reference 2.2) and the ways a server may get it wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Flaw(StrEnum):
    """How a listing lies. `amount` is the knob of `ListingFault`."""

    EMPTY = "empty"
    """No rows and a total of 0: a falsely empty answer."""
    EMPTY_PAGE = "empty_page"
    """No rows, but the true total."""
    TOTAL_OFF = "total_off"
    """The total is off by `amount` (may be negative); the rows are right."""
    TOTAL_MISSING = "total_missing"
    """No totalSize."""
    CUT = "cut"
    """Nothing exists beyond the first `amount` rows, though the total still counts them."""
    CUT_QUIETLY = "cut_quietly"
    """Nothing exists beyond the first `amount` rows and the total agrees: undetectable in itself."""
    SHORT_PAGE = "short_page"
    """A page holds `amount` rows fewer than there are; asking on from there gets them."""
    REPEAT = "repeat"
    """The start is ignored: every page is the first."""
    SHIFT_IN = "shift_in"
    """As if `amount` rows came in at the front: the page begins with rows seen before."""
    SHIFT_OUT = "shift_out"
    """As if `amount` rows at the front went away: the page skips rows never seen."""


@dataclass(slots=True, kw_only=True)
class ListingFault:
    """A flaw in the listings whose path matches the glob, from the `first` matching call on."""

    path: str
    flaw: Flaw
    amount: int = 1
    first: int = 1
    times: int | None = None
    seen: int = 0

    def strikes(self, path: str) -> bool:
        """Count the call and tell whether this flaw shows in it."""
        if not fnmatchcase(path, self.path):
            return False
        self.seen += 1
        return self.seen >= self.first and (self.times is None or self.seen < self.first + self.times)


@dataclass(frozen=True, slots=True)
class Window:
    """The asked-for part of a listing; `size` None is everything, `paged` whether paging was asked."""

    start: int = 0
    size: int | None = None
    paged: bool = False


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page: its rows, where it begins and how many rows the server says there are."""

    rows: Sequence[T]
    offset: int
    total: int | None
    paged: bool


def cut_page[T](rows: Sequence[T], window: Window, faults: Sequence[ListingFault] = ()) -> Page[T]:
    """Cut the window out of the complete, ordered rows, with the flaws that struck this call."""
    total: int | None = len(rows)
    start, size = window.start, window.size
    kept = rows
    for fault in faults:
        amount = fault.amount
        match fault.flaw:
            case Flaw.EMPTY:
                kept, total = kept[:0], 0
            case Flaw.EMPTY_PAGE:
                kept = kept[:0]
            case Flaw.TOTAL_OFF:
                total = max(0, (total or 0) + amount)
            case Flaw.TOTAL_MISSING:
                total = None
            case Flaw.CUT:
                kept = kept[:amount]
            case Flaw.CUT_QUIETLY:
                kept, total = kept[:amount], min(amount, len(kept))
            case Flaw.SHORT_PAGE:
                length = len(rows) - start if size is None else min(size, len(rows) - start)
                size = max(0, length - amount)
            case Flaw.REPEAT:
                start = 0
            case Flaw.SHIFT_IN:
                start, total = max(0, start - amount), (total or 0) + amount
            case Flaw.SHIFT_OUT:
                start, total = start + amount, max(0, (total or 0) - amount)
    end = None if size is None else start + size
    return Page(rows=kept[start:end], offset=window.start, total=total, paged=window.paged)
