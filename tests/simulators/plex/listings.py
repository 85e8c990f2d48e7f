"""Filtered and sorted listings of a Plex Media Server, cached until something changes (2.5)."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final

from tests.simulators.plex.query import (
    QueryError,
    Scalar,
    compile_filters,
    sort_rows,
    split_operator,
)
from tests.simulators.plex.state import TYPE_NUMBERS, Item, Kind, Play, PmsState, Section

ITEM_FIELDS: Final = frozenset(
    {
        "id", "guid", "title", "titleSort", "year", "addedAt", "updatedAt", "lastViewedAt",
        "lastRatedAt", "viewCount", "viewOffset", "userRating", "unwatched", "inProgress",
        "duration", "originallyAvailableAt", "unmatched", "unwatchedLeaves", "index",
    }
)  # fmt: skip
_PLAY_FIELDS: Final = frozenset({"viewedAt", "accountID", "librarySectionID"})
_GROUPING: Final = frozenset({"push", "or", "pop", "and"})
_NEEDS_STATE: Final = frozenset({"viewCount", "viewOffset", "userRating", "lastViewedAt"})
_CACHED_LISTS: Final = 24
_RANK: Final = attrgetter("rank")


class Listings:
    """Answers "which items, in which order" for one server."""

    def __init__(self, state: PmsState) -> None:
        """Read from the given state."""
        self.state = state
        self._natural: dict[tuple[int, Kind], tuple[int, list[Item]]] = {}
        self._cache: OrderedDict[tuple[object, ...], tuple[int, list[Item]]] = OrderedDict()
        self._logs: OrderedDict[tuple[object, ...], tuple[tuple[int, int], list[Play]]] = (
            OrderedDict()
        )

    def items(
        self,
        sections: Sequence[Section],
        kinds: Sequence[Kind],
        pairs: Sequence[tuple[str, str]],
        *,
        account: int,
        now: int,
        stale: int = 0,
    ) -> list[Item]:
        """Items of the kinds in the sections that pass the filters among `pairs`, sorted."""
        filters = tuple(pair for pair in pairs if _is_filter(pair[0]))
        sort = next((value for key, value in pairs if key == "sort"), "")
        place = (tuple(s.id for s in sections), tuple(kinds), filters, sort, account, stale)
        cached = self._cache.get(place)
        if cached is not None and cached[0] == self.state.version:
            self._cache.move_to_end(place)
            return cached[1]
        get = self._getter(account, stale)
        _conditions, test = compile_filters(filters, ITEM_FIELDS, get, now)
        rows: list[Item] = []
        for section in sections:
            for kind in kinds:
                pool = self._pool(section, kind, filters, account, stale)
                rows.extend(pool if test is None else filter(test, pool))
        if sort and sort not in ("titleSort", "titleSort:asc"):
            rows = sort_rows(rows, sort, get)
        self._cache[place] = (self.state.version, rows)
        while len(self._cache) > _CACHED_LISTS:
            self._cache.popitem(last=False)
        return rows

    def _pool(
        self,
        section: Section,
        kind: Kind,
        filters: Sequence[tuple[str, str]],
        account: int,
        stale: int,
    ) -> Iterable[Item]:
        """Items in natural order, narrowed down by an index where one of the filters allows it."""
        everything = self._everything(section, kind)
        if any(key in _GROUPING for key, _value in filters):
            return everything
        for key, value in filters:
            field, operator = split_operator(key)
            if field == "guid" and not operator:
                found = self.state.by_external(value)
                narrowed = [i for i in found if i.section is section and i.kind == kind]
                return sorted(narrowed, key=_RANK)
        leaf = kind in ("movie", "episode")
        for key, value in filters:
            field, operator = split_operator(key)
            if (
                leaf
                and not stale
                and operator == ">>"
                and field.removeprefix(f"{kind}.") in _NEEDS_STATE
                and value.isdigit()
            ):
                copies = self.state.by_guid
                touched = self._touched(account, field.rpartition(".")[2], int(value))
                narrowed = [
                    item
                    for guid in touched
                    for item in copies.get(guid, ())
                    if item.section is section and item.kind == kind
                ]
                narrowed.sort(key=_RANK)
                return narrowed
        return everything

    def _everything(self, section: Section, kind: Kind) -> list[Item]:
        version, rows = self._natural.get((section.id, kind), (-1, []))
        if version != self.state.catalogue_version:
            rows = sorted(section.items[kind].values(), key=_natural_order)
            for rank, item in enumerate(rows):
                item.rank = rank
            self._natural[section.id, kind] = (self.state.catalogue_version, rows)
        return rows

    def _touched(self, account: int, field: str, above: int) -> Iterable[str]:
        """Guids whose state may pass `field>>above`."""
        states = self.state.states.get(account, {})
        match field:
            case "lastViewedAt":
                return [g for g, s in states.items() if (s.last_viewed_at or -1) > above]
            case "viewOffset":
                return [g for g, s in states.items() if s.view_offset > above]
            case "userRating":
                return [g for g, s in states.items() if (s.rating or -1) > above]
            case _:
                return [g for g, s in states.items() if s.view_count > above]

    def _getter(self, account: int, stale: int) -> Callable[[Item, str], Sequence[Scalar]]:
        def get(item: Item, field: str) -> Sequence[Scalar]:
            scope, _, name = field.rpartition(".")
            if not scope or scope == item.kind:
                return self._values(item, name, account, stale)
            if scope == "episode":
                return [
                    value
                    for leaf in item.leaves()
                    if leaf.kind == "episode"
                    for value in self._values(leaf, name, account, stale)
                ]
            above = item.show if scope == "show" else item.parent
            return () if above is None else self._values(above, name, account, stale)

        return get

    def _values(self, item: Item, name: str, account: int, stale: int) -> Sequence[Scalar]:
        match name:
            case "guid":
                return [item.guid, *item.ids.guids()]
            case "id":
                return (item.key,)
            case "title":
                return (item.title,)
            case "titleSort":
                return (item.title_sort or item.title,)
            case "year":
                return (item.year,)
            case "addedAt":
                return (item.added_at,)
            case "updatedAt":
                return (item.updated_at,)
            case "duration":
                return (item.duration,)
            case "originallyAvailableAt":
                return (item.aired,)
            case "index":
                return (item.index,)
            case "unmatched":
                return (int(item.guid.startswith("local://")),)
        return (self._state_value(item, name, account, stale),)

    def _state_value(self, item: Item, name: str, account: int, stale: int) -> Scalar:
        mine = self.state.state(account, item.guid, stale)
        if name == "userRating":
            return mine.rating
        if name == "lastRatedAt":
            return mine.rated_at
        if item.kind in ("show", "season"):
            total = self.state.rollup(account, item, stale)
            match name:
                case "viewCount":
                    return total.view_count
                case "lastViewedAt":
                    return total.last_viewed_at
                case "unwatched":
                    return int(total.viewed == 0)
                case "unwatchedLeaves":
                    return int(total.viewed < total.leaves)
                case "inProgress":
                    return int(0 < total.viewed < total.leaves)
            return None
        match name:
            case "viewCount":
                return mine.view_count
            case "lastViewedAt":
                return mine.last_viewed_at
            case "viewOffset":
                return mine.view_offset
            case "unwatched" | "unwatchedLeaves":
                return int(mine.view_count == 0)
            case "inProgress":
                return int(mine.view_offset > 0)
        return None

    def log(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        account: int | None,
        now: int,
        stale: int = 0,
    ) -> list[Play]:
        """Rows of the play log that pass the arguments (2.8); `account` None is everyone."""
        wanted = {"sort", "metadataItemID"}
        used = tuple(p for p in pairs if split_operator(p[0])[0] in _PLAY_FIELDS | wanted)
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

    def _read_log(
        self, pairs: Sequence[tuple[str, str]], account: int | None, now: int, stale: int
    ) -> list[Play]:
        since = next(
            (int(v) for k, v in pairs if k in ("viewedAt>", "viewedAt>>") and v.isdigit()), None
        )
        rows = self.state.log(since, stale)
        if account is not None:
            rows = [row for row in rows if row.account == account]
        _conditions, test = compile_filters(pairs, _PLAY_FIELDS, _play_values, now)
        if test is not None:
            rows = [row for row in rows if test(row)]
        key = next((v for k, v in pairs if k == "metadataItemID"), None)
        if key is not None:
            item = self.state.items.get(int(key)) if key.isdigit() else None
            guids = {leaf.guid for leaf in item.leaves()} if item else set()
            rows = [row for row in rows if row.guid in guids]
        sort = next((v for k, v in pairs if k == "sort"), None)
        if sort is None:
            return sorted(rows, key=lambda row: row.id)
        if sort.endswith(":desc"):
            return rows[::-1]
        return list(rows)


def _is_filter(key: str) -> bool:
    field = split_operator(key)[0]
    return field.rpartition(".")[2] in ITEM_FIELDS or key in _GROUPING


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
