"""What ratings and resume positions have in common: values that change, and echoes of our own writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from .models import MARKED, Entry, Play, Rating, Resume, Side, Values, WatchlistEntry


@dataclass(frozen=True, slots=True)
class Written:
    """A write of ours: what was sent, and the value that stood there before.

    `answered`: the service said that it was done. `observed`: a read has shown it since; it is kept for a
    while, since a service may still show the old value now and then.
    """

    entry: Entry
    before: int | None
    answered: bool = False
    observed: bool = False


type WrittenAt = Mapping[Side, Mapping[str, Written]]
"""Writes by side and key."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value as it counts, with its date (epoch seconds UTC), and as it is shown.

    `ours`: the side shows what it made of our write, so what was written counts, with the date it had.
    """

    value: int
    at: int | None
    shown: int
    ours: bool = False


def value_of(entry: Entry | None) -> int | None:
    """Return tenths of a rating, milliseconds of a position."""
    match entry:
        case Rating(tenths=value) | Resume(position_ms=value):
            return value
    return None


def date_of(entry: Entry) -> int | None:
    """Return when a title was listed, watched or rated, or playing stopped, epoch seconds UTC."""
    match entry:
        case WatchlistEntry(listed_at=at) | Play(watched_at=at):
            return at
        case Rating(rated_at=at) | Resume(at=at):  # pragma: no branch - there is no other entry
            return at


def is_same_act(one: Entry, other: Entry) -> bool | None:
    """Whether two entries of one key at one side are the same act of a person; None: nobody can tell.

    A title is listed, and rated, at a time; a play has a time anyway, and an id of its own.
    """
    if not isinstance(one, Play):
        dates = date_of(one), date_of(other)
        return None if None in dates else dates[0] == dates[1] and value_of(one) == value_of(other)
    ids = one.remote_id, other.remote_id
    if None in ids or (ids[0] != ids[1] and any(str(each).startswith(MARKED) for each in ids)):
        return None
    return ids[0] == ids[1]


def told[E: Rating | Resume](
    entry: E, written: Written | None, is_echo: Callable[[E, Written], bool]
) -> Told:
    """Return what an entry says once the echo of a write that no read has shown yet is recognised."""
    shown = cast("int", value_of(entry))
    if written is None or written.observed or not is_echo(entry, written):
        return Told(shown, date_of(entry), shown)
    return Told(cast("int", value_of(written.entry)), date_of(written.entry), shown, ours=True)


def is_old_news(entry: Entry, written: Written | None, agreed: Values | None, side: Side) -> bool:
    """Whether a side shows once more what stood there before a write that it has shown already."""
    if written is None or not written.observed or written.before is None or agreed is None:
        return False
    value = value_of(entry)
    return value == written.before and value != agreed.at(side)


def changed_alone(agreed: Values | None, here: Told, there: Told, least: int = 1) -> Side | None:
    """Return the side whose value is the new one; None: both or neither have changed, or nothing is known.

    A change is at least `least`. What we wrote ourselves is none, and then the side it came from is the
    one that may have moved on.
    """
    if here.ours != there.ours:
        return Side.TARGET if here.ours else Side.SOURCE
    if agreed is None:
        return None
    moved = [
        side
        for side, counts in ((Side.SOURCE, here), (Side.TARGET, there))
        if has_changed(agreed, side, counts, least)
    ]
    return moved[0] if len(moved) == 1 else None


def has_changed(agreed: Values, side: Side, counts: Told, least: int = 1) -> bool:
    """Whether the value of a side has changed by `least` or more since it was agreed, and not by us."""
    return not counts.ours and abs(counts.shown - agreed.at(side)) >= least
