"""Which items of a library a change is about. Ids decide, never titles (API reference 4.2, 6).

Pure. Copies of one title are found together: they are one where they share a guid, and also where
another agent gave them another guid and no id speaks against it. Where ids name different items the
answer is `ambiguous`, never a guess.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from ...sync.models import NO_IDS, Ids, Item, Kind
from .library import Catalogue, Row

NOT_IN_LIBRARY: Final = "not_in_library"
AMBIGUOUS: Final = "ambiguous"
MISSING_IDS: Final = "missing_ids"
"""Reasons of the adapter document and API reference 4.4."""


@dataclass(frozen=True, slots=True)
class Found:
    """The copies of an item, or the reason why there is none to write to."""

    rows: tuple[Row, ...] = ()
    reason: str | None = None

    def one_per_guid(self) -> tuple[Row, ...]:
        """Return a copy for each state: copies with the same guid share theirs (API reference 2.6)."""
        firsts: dict[str, Row] = {}
        for row in self.rows:
            firsts.setdefault(row.guid or row.key, row)
        return tuple(firsts.values())


def find(catalogue: Catalogue, item: Item) -> Found:
    """Find an item by its ids. Rows come in a fixed order."""
    if missing_ids(item):
        return Found(reason=MISSING_IDS)
    own = list(_by_own_ids(catalogue, item))
    # an id that only a weaker source shares proves nothing when a better one differs
    candidates = {row.key: row for row in own if not differs(item, row.item)}
    # numbers that lead to an episode with another id follow another order
    numbered = {row.key: row for row in _by_number(catalogue, item)}
    astray = any(differs(item, row.item) for row in numbered.values())
    candidates |= numbered
    if not candidates:
        return Found(reason=AMBIGUOUS if own else NOT_IN_LIBRARY)
    if astray or any(not _same(one, other) for one, other in combinations(candidates.values(), 2)):
        return Found(reason=AMBIGUOUS)
    return Found(rows=tuple(sorted(candidates.values(), key=_place)))


def missing_ids(item: Item) -> bool:
    """Whether nothing names the item: no id of its own, and no place in a show either."""
    return not item.ids and not any(_places(item))


def differs(wanted: Item, found: Item) -> bool:
    """Whether ids say that these are two items: the best id that both know decides, at each level."""
    return (
        wanted.kind is not found.kind
        or contradict(wanted.ids, found.ids)
        or contradict(wanted.show_ids, found.show_ids)
    )


def contradict(one: Ids, other: Ids) -> bool:
    """Whether the best external id known of both is not the same. Guids differ from agent to agent."""
    for mine, theirs in ((one.tmdb, other.tmdb), (one.imdb, other.imdb), (one.tvdb, other.tvdb)):
        if mine is not None and theirs is not None:
            return mine != theirs
    return False


def still(row: Row, fresh: Row) -> bool:
    """Whether a ratingKey still names the item it named (API reference 2.6): keys may be reused."""
    return (
        row.item.kind is fresh.item.kind
        and (row.guid is None or row.guid == fresh.guid)
        and (row.show_key is None or fresh.show_key is None or row.show_key == fresh.show_key)
        and (row.item.season, row.item.episode) == (fresh.item.season, fresh.item.episode)
        and not differs(row.item, fresh.item)
    )


def _by_own_ids(catalogue: Catalogue, item: Item) -> Iterator[Row]:
    for token in item.ids.tokens():
        for key in catalogue.by_id.get((item.kind, token), ()):
            yield catalogue.rows[key]


def _by_number(catalogue: Catalogue, item: Item) -> Iterator[Row]:
    for token, season, episode in _places(item):
        if episode is None:
            for key in catalogue.by_season.get((token, season), ()):
                yield catalogue.seasons[key]
        else:
            for key in catalogue.by_number.get((token, season, episode), ()):
                yield catalogue.rows[key]


def _places(item: Item) -> Iterable[tuple[str, int, int | None]]:
    """The item's place in its show, once for each id of the show. Season 0 and episode 0 are real."""
    if item.season is None or (item.kind is Kind.EPISODE and item.episode is None):
        return ()
    if item.kind not in (Kind.SEASON, Kind.EPISODE):
        return ()
    episode = item.episode if item.kind is Kind.EPISODE else None
    return [(token, item.season, episode) for token in item.show_ids.tokens()]


def _same(one: Row, other: Row) -> bool:
    if one.guid is not None and one.guid == other.guid:
        return True
    if differs(one.item, other.item):
        return False
    # numbers of another order say nothing; two numbers of the same order are two episodes
    known = one.numbered and other.numbered and NO_IDS not in (one.item.show_ids, other.item.show_ids)
    return not known or (one.item.season, one.item.episode) == (other.item.season, other.item.episode)


def _place(row: Row) -> tuple[int, str, int, str]:
    """Order of rows: libraries by number, then keys."""
    return len(row.section), row.section, len(row.key), row.key
