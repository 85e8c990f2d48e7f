"""The order in which plans tell keys and changes, and plays by item and time."""

from collections.abc import Iterable, Iterator

from .models import Change
from .values import date_of

HEAP = len("episode:tmdb:12345:")
"""Characters that keys of one show have in common, more or less."""


def in_order(keys: Iterable[str]) -> Iterator[str]:
    """Sort in small steps: sorting 100,000 keys at once would stop every other thread for 0.1 s."""
    heaps: dict[str, list[str]] = {}
    for key in keys:
        heaps.setdefault(key[:HEAP], []).append(key)
    for start in sorted(heaps):
        yield from sorted(heaps[start])


def in_turn(*texts: str) -> str:
    """Return a text that sorts as these would one after the other.

    Comparing tuples takes so long that sorting 10,000 of them would stop every other thread for 25 ms.
    """
    return "\0".join(texts)


def order(change: Change) -> tuple[str, int, str]:
    """Oldest first, so that an interrupted run leaves a history without holes behind its end."""
    return (change.side, date_of(change.entry) or 0, change.key)


def times_by_item(keys: Iterable[str]) -> dict[str, dict[int, str]]:
    """Keys of dated plays, by item and time."""
    found: dict[str, dict[int, str]] = {}
    for key in keys:
        item, _, when = key.rpartition("@")
        if when.removeprefix("-").isdecimal():
            found.setdefault(item, {})[int(when)] = key
    return found


def nearest(times: Iterable[int], at: int | None, window: int) -> int | None:
    """Return the time nearest to another one, None if all are more than `window` seconds away."""
    if at is None:
        return None
    near = min(times, key=lambda time: (abs(time - at), time), default=None)
    return None if near is None or abs(near - at) > window else near
