"""Filtered and sorted listings of a Plex Media Server, cached until something changes (2.5, 2.8)."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final

from tests.simulators.plex.fields import FILTERS, RATING_FIELDS, Fields
from tests.simulators.plex.query import (
    QueryError,
    Scalar,
    compile_filters,
    sort_rows,
    split_operator,
)
from tests.simulators.plex.state import TYPE_NUMBERS, Item, Kind, Play, PmsState, Section, UserState

_PLAY_FIELDS: Final = frozenset({"viewedAt", "accountID", "librarySectionID"})
_GROUPING: Final = frozenset({"push", "or", "pop", "and"})
_CACHED_LISTS: Final = 24
_RANK: Final = attrgetter("rank")

# the filters a sync reads by, `field>>=N`; an absent value never passes
_ABOVE: Final[dict[str, Callable[[UserState, int], bool]]] = {
    "viewCount": lambda state, floor: state.view_count > floor,
    "viewOffset": lambda state, floor: state.view_offset > floor,
    "lastViewedAt": lambda state, floor: (state.last_viewed_at or -1) > floor,
    "lastRatedAt": lambda state, floor: (state.rated_at or -1) > floor,
    "userRating": lambda state, floor: (state.rating or -1) > floor,
}

type Pairs = Sequence[tuple[str, str]]


class Listings:
    """Answers "which items, in which order" for one server."""

    def __init__(self, state: PmsState) -> None:
        """Read from the given state."""
        self.state = state
        self._natural: dict[tuple[int, Kind], tuple[int, list[Item]]] = {}
        self._cache: OrderedDict[tuple[object, ...], tuple[int, list[Item]]] = OrderedDict()
        self._logs: OrderedDict[tuple[object, ...], tuple[tuple[int, int], list[Play]]] = OrderedDict()

    def items(
        self,
        sections: Sequence[Section],
        kinds: Sequence[Kind],
        pairs: Pairs,
        *,
        account: int,
        now: int,
        stale: int = 0,
    ) -> list[Item]:
        """Items of the kinds in the sections that pass the filters among `pairs`, sorted."""
        filters = tuple(pair for pair in pairs if _is_filter(pair[0]))
        sort = next((value for key, value in pairs if key == "sort"), "")
        moment = now if any(value.startswith("-") for _key, value in filters) else 0
        place = (tuple(s.id for s in sections), *kinds, filters, sort, account, stale, moment)
        stateless = not filters and sort in ("", "titleSort", "titleSort:asc")
        version = self.state.catalogue_version if stateless else self.state.version
        cached = self._cache.get(place)
        if cached is not None and cached[0] == version:
            self._cache.move_to_end(place)
            return cached[1]
        fields = Fields(self.state, account, stale)
        rows: list[Item] = []
        for section in sections:
            for kind in kinds:
                pool, rest = self._narrow(section, kind, filters, account, stale)
                test = compile_filters(rest, FILTERS, fields.values, now)
                rows.extend(pool if test is None else filter(test, pool))
        if not stateless and sort:
            rows = sort_rows(rows, sort, fields.values)
        self._cache[place] = (version, rows)
        while len(self._cache) > _CACHED_LISTS:
            self._cache.popitem(last=False)
        return rows

    def _narrow(
        self, section: Section, kind: Kind, filters: Pairs, account: int, stale: int
    ) -> tuple[Iterable[Item], Pairs]:
        """Items in natural order that pass one of the filters, and the filters still to apply."""
        everything = self._everything(section, kind)
        if stale or any(key in _GROUPING for key, _value in filters):
            return everything, filters
        leaf = kind in ("movie", "episode")
        for place, (key, value) in enumerate(filters):
            field, operator = split_operator(key)
            rest = [*filters[:place], *filters[place + 1 :]]
            if field == "guid" and not operator:
                found = self.state.by_external(kind, value)
                return sorted((i for i in found if i.section is section), key=_RANK), rest
            name = field.removeprefix(f"{kind}.")
            above = _ABOVE.get(name)
            if operator == ">>" and above is not None and (leaf or name in RATING_FIELDS) and value.isdigit():
                return self._passing(section, kind, account, above, int(value)), rest
        return everything, filters

    def _passing(
        self,
        section: Section,
        kind: Kind,
        account: int,
        above: Callable[[UserState, int], bool],
        floor: int,
    ) -> list[Item]:
        """Items whose state passes, found over the states: few of them do in a delta read."""
        everything = self._everything(section, kind)
        states = self.state.states.get(account, {})
        guids = {guid for guid, state in states.items() if above(state, floor)}
        if len(guids) * 4 > len(everything):
            return [item for item in everything if item.guid in guids]
        copies = self.state.by_guid
        passing = [
            item
            for guid in guids
            for item in copies.get(guid, ())
            if item.section is section and item.kind == kind
        ]
        passing.sort(key=_RANK)
        return passing

    def _everything(self, section: Section, kind: Kind) -> list[Item]:
        version, rows = self._natural.get((section.id, kind), (-1, []))
        if version != self.state.catalogue_version:
            rows = sorted(section.items[kind].values(), key=_natural_order)
            for rank, item in enumerate(rows):
                item.rank = rank
            self._natural[section.id, kind] = (self.state.catalogue_version, rows)
        return rows

    def log(self, pairs: Pairs, *, account: int | None, now: int, stale: int = 0) -> list[Play]:
        """Rows of the play log that pass the arguments (2.8); `account` None is everyone."""
        wanted = _PLAY_FIELDS | {"sort", "metadataItemID"}
        used = tuple(pair for pair in pairs if split_operator(pair[0])[0] in wanted)
        place = (used, account, stale)
        versions = (self.state.log_version, self.state.version if stale else 0)
        cached = self._logs.get(place)
        if cached is not None and cached[0] == versions:
            return cached[1]
        rows = self._read_log(used, account, now, stale)
        self._logs[place] = (versions, rows)
        while len(self._logs) > _CACHED_LISTS:
            self._logs.popitem(last=False)
        return rows

    def _read_log(self, pairs: Pairs, account: int | None, now: int, stale: int) -> list[Play]:
        since, rest = None, []
        for key, value in pairs:
            if key in ("viewedAt>", "viewedAt>>") and value.isdigit():
                since = max(since or 0, int(value) + (key == "viewedAt>>"))
            elif key == "accountID" and value.isdigit() and account in (None, int(value)):
                account = int(value)
            else:
                rest.append((key, value))
        rows = self.state.log(since, stale)
        if account is not None:
            rows = [row for row in rows if row.account == account]
        test = compile_filters(rest, _PLAY_FIELDS, _play_values, now)
        if test is not None:
            rows = [row for row in rows if test(row)]
        only = next((v for k, v in rest if k == "metadataItemID"), None)
        if only is not None:
            item = self.state.items.get(int(only)) if only.isdigit() else None
            guids = {leaf.guid for leaf in item.leaves()} if item else set()
            rows = [row for row in rows if row.guid in guids]
        sort = next((v for k, v in rest if k == "sort"), None)
        if sort is None:
            return sorted(rows, key=attrgetter("id"))
        return rows[::-1] if sort.endswith(":desc") else list(rows)


def _is_filter(key: str) -> bool:
    field = split_operator(key)[0]
    return field.rpartition(".")[2] in FILTERS or key in _GROUPING


def _play_values(play: Play, field: str) -> Sequence[Scalar]:
    match field:
        case "viewedAt":
            return (play.viewed_at,)
        case "accountID":
            return (play.account,)
        case _:
            return (play.section_id,)


def _natural_order(item: Item) -> tuple[str, int, int, int]:
    """Title order; episodes and seasons by show, season and number, as the server lists them."""
    season = item.parent if item.kind == "episode" else item
    top = item.show or item
    return (
        (top.title_sort or top.title).casefold(),
        top.key,
        (season.index or 0) if season is not None and season.kind == "season" else 0,
        (item.index or 0) if item.kind == "episode" else 0,
    )


def kind_of(value: str | None) -> Kind | None:
    """The kind behind a `type` argument; None when missing."""
    if value is None:
        return None
    try:
        return TYPE_NUMBERS[int(value)]
    except KeyError, ValueError:
        raise QueryError(f"type {value}") from None
