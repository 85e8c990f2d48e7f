"""Which plays of one item on two sides are the same watching. Pure; times are epoch seconds UTC."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .models import Play

DAY = 86_400
"""Seconds: the widest window that may be set."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The plays that are one on both sides, and what only one side has. All are places in what was given."""

    pairs: tuple[tuple[int, int], ...]
    only_here: tuple[int, ...]
    only_there: tuple[int, ...]


class _Dated(NamedTuple):
    at: int
    place: int
    known: bool


def match_plays(
    here: Sequence[Play], there: Sequence[Play], window: int, known: Callable[[Play], bool]
) -> Matched:
    """Pair the plays of one item, each used once. `known` tells whether a play was agreed before.

    Dated plays are the same when at most `window` seconds apart. Of all ways to pair them the one with
    most pairs counts, then the one that keeps most known plays, then the closest one. What is left and
    known on both sides stays agreed within a day: a smaller window than before proves no new play.
    A play without a date stands for one play whatever its date: for another without, for a known one,
    for the oldest.
    """
    if not here or not there:
        return Matched(pairs=(), only_here=tuple(range(len(here))), only_there=tuple(range(len(there))))
    if [play.watched_at for play in here] == [play.watched_at for play in there]:
        return Matched(pairs=tuple((place, place) for place in range(len(here))), only_here=(), only_there=())
    mine = [_Dated(at, i, known(here[i])) for at, i in _times(here)]
    theirs = [_Dated(at, j, known(there[j])) for at, j in _times(there)]
    pairs = list(_pair(mine, theirs, window))
    mine, theirs = _without(mine, (i for i, _ in pairs)), _without(theirs, (j for _, j in pairs))
    again = list(_pair([p for p in mine if p.known], [p for p in theirs if p.known], max(window, DAY)))
    mine, theirs = _without(mine, (i for i, _ in again)), _without(theirs, (j for _, j in again))
    pairs += again
    pairs += _pair_undated(here, there, mine, theirs)
    used_here, used_there = {i for i, _ in pairs}, {j for _, j in pairs}
    return Matched(
        pairs=tuple(pairs),
        only_here=tuple(i for i in range(len(here)) if i not in used_here),
        only_there=tuple(j for j in range(len(there)) if j not in used_there),
    )


def _times(plays: Sequence[Play]) -> list[tuple[int, int]]:
    """Time and place of the plays with a date, oldest first."""
    return sorted((play.watched_at, place) for place, play in enumerate(plays) if play.watched_at is not None)


def _without(plays: list[_Dated], used: Iterable[int]) -> list[_Dated]:
    gone = set(used)
    return [play for play in plays if play.place not in gone]


def _pair_undated(
    here: Sequence[Play], there: Sequence[Play], mine: list[_Dated], theirs: list[_Dated]
) -> Iterator[tuple[int, int]]:
    """Pair what has no date; `mine` and `theirs` are the dated plays left over."""
    blank_here = [i for i, play in enumerate(here) if play.watched_at is None]
    blank_there = [j for j, play in enumerate(there) if play.watched_at is None]
    both = min(len(blank_here), len(blank_there))
    yield from zip(blank_here[:both], blank_there[:both], strict=True)
    known_first = [[p.place for p in sorted(plays, key=lambda p: not p.known)] for plays in (mine, theirs)]
    yield from zip(blank_here[both:], known_first[1], strict=False)
    yield from zip(known_first[0], blank_there[both:], strict=False)


def _pair(mine: list[_Dated], theirs: list[_Dated], window: int) -> Iterator[tuple[int, int]]:
    """Pair two lists of sorted plays, heap by heap: plays of two heaps are more than `window` apart."""
    i = j = 0
    while i < len(mine) and j < len(theirs):
        heap_i, heap_j, end = i, j, min(mine[i].at, theirs[j].at) + window
        while True:
            if i < len(mine) and mine[i].at <= end:
                end = max(end, mine[i].at + window)
                i += 1
            elif j < len(theirs) and theirs[j].at <= end:
                end = max(end, theirs[j].at + window)
                j += 1
            else:
                break
        yield from _pair_heap(mine[heap_i:i], theirs[heap_j:j], window)


def _pair_heap(mine: list[_Dated], theirs: list[_Dated], window: int) -> Iterator[tuple[int, int]]:
    """Find the best pairs of a heap: crossing pairs are never better, so prefixes decide."""
    if not mine or not theirs:
        return
    # as many pairs as can be may always keep as many known plays as can be (Mendelsohn and Dulmage, 1958): so
    # both count alike, each for more than all pairs can be apart
    worth = min(len(mine), len(theirs)) * window + 1
    # best[i][j]: what the first i and j plays can reach
    best = [[0] * (len(theirs) + 1)]
    for i, a in enumerate(mine):
        row, above = [0], best[i]
        for j, b in enumerate(theirs):
            value = max(above[j + 1], row[j])
            if (apart := abs(a.at - b.at)) <= window:
                value = max(value, above[j] + worth * (1 + a.known + b.known) - apart)
            row.append(value)
        best.append(row)
    i, j = len(mine), len(theirs)
    while i and j:
        if best[i][j] == best[i - 1][j]:
            i -= 1
        elif best[i][j] == best[i][j - 1]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            yield mine[i].place, theirs[j].place
