"""Planned writes in the groups in which they are announced and sent."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched, groupby

from .models import Change, Kind

TOGETHER = 300
"""Episodes of a show, or else of a season, that are sent in one go where they can be marked at once."""


def chunks(changes: Sequence[Change], size: int, *, together: bool) -> Iterator[Sequence[Change]]:
    """Return the changes in groups of `size`, in their order.

    With `together` the episodes of a show follow its first one, in one group where they are few enough,
    else season by season: a service marks a whole show or season with one request, if it hears of all of it.
    """
    if not together:
        yield from batched(changes, size, strict=False)
        return
    waiting: list[Change] = []
    for group in _groups(changes):
        if waiting and len(waiting) + len(group) > size:
            yield waiting
            waiting = []
        waiting = [*waiting, *group]
    if waiting:
        yield waiting


def _groups(changes: Iterable[Change]) -> Iterator[Sequence[Change]]:
    """Return what belongs together: an episode's show, else its season, else the change by itself."""
    shows: dict[str, list[Change]] = {}
    for change in changes:
        shows.setdefault(_show(change), []).append(change)
    for show in shows.values():
        if len(show) <= TOGETHER:
            yield show
            continue
        for _, season in groupby(sorted(show, key=_season), _season):
            yield from batched(season, TOGETHER, strict=False)


def _show(change: Change) -> str:
    """What an episode's key `episode:tmdb:1399:s01e05@1788000000` begins with; else the whole key."""
    return change.key.rpartition(":")[0] if change.entry.item.kind is Kind.EPISODE else change.key


def _season(change: Change) -> str:
    return change.key.partition("@")[0].rpartition("e")[0]
