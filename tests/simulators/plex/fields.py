"""The values of filter and sort fields of an item (API reference 2.5)."""

from collections.abc import Callable, Sequence
from typing import Final

from tests.simulators.plex.query import Scalar
from tests.simulators.plex.state import NOTHING, Item, PmsState, Rollup, UserState

ITEM_FIELDS: Final[dict[str, Callable[[Item], Scalar]]] = {
    "id": lambda item: item.key,
    "title": lambda item: item.title,
    "titleSort": lambda item: item.title_sort or item.title,
    "year": lambda item: item.year,
    "addedAt": lambda item: item.added_at,
    "updatedAt": lambda item: item.updated_at,
    "duration": lambda item: item.duration,
    "originallyAvailableAt": lambda item: item.aired,
    "index": lambda item: item.index,
    "unmatched": lambda item: int(item.guid.startswith("local://")),
}
RATING_FIELDS: Final[dict[str, Callable[[UserState], Scalar]]] = {
    "userRating": lambda state: state.rating,
    "lastRatedAt": lambda state: state.rated_at,
}
LEAF_FIELDS: Final[dict[str, Callable[[UserState], Scalar]]] = {
    "viewCount": lambda state: state.view_count,
    "viewOffset": lambda state: state.view_offset,
    "lastViewedAt": lambda state: state.last_viewed_at,
    "unwatched": lambda state: int(state.view_count == 0),
    "unwatchedLeaves": lambda state: int(state.view_count == 0),
    "inProgress": lambda state: int(state.view_offset > 0),
}
FOLDER_FIELDS: Final[dict[str, Callable[[Rollup], Scalar]]] = {
    "viewCount": lambda total: total.view_count,
    "lastViewedAt": lambda total: total.last_viewed_at,
    "unwatched": lambda total: int(total.viewed == 0),
    "unwatchedLeaves": lambda total: int(total.viewed < total.leaves),
    "inProgress": lambda total: int(0 < total.viewed < total.leaves),
}
FILTERS: Final = frozenset({"guid", *ITEM_FIELDS, *RATING_FIELDS, *LEAF_FIELDS})


class Fields:
    """Field values as one account sees them, maybe some writes ago."""

    def __init__(self, state: PmsState, account: int, stale: int) -> None:
        """Read the account's states."""
        self.state = state
        self.account = account
        self.stale = stale
        self._states = {} if stale else state.states.get(account, {})

    def _mine(self, item: Item) -> UserState:
        if self.stale:
            return self.state.state(self.account, item.guid, self.stale)
        return self._states.get(item.guid, NOTHING)

    def value(self, item: Item, name: str) -> Scalar:
        """The value of an unscoped field with one value."""
        if (plain := ITEM_FIELDS.get(name)) is not None:
            return plain(item)
        if (rating := RATING_FIELDS.get(name)) is not None:
            return rating(self._mine(item))
        if item.kind in ("movie", "episode"):
            leaf = LEAF_FIELDS.get(name)
            return None if leaf is None else leaf(self._mine(item))
        folder = FOLDER_FIELDS.get(name)
        if folder is None:
            return None
        return folder(self.state.rollup(self.account, item, self.stale))

    def values(self, item: Item, field: str) -> Sequence[Scalar]:
        """All values of a field, which may be scoped: `episode.viewCount` of a show has many."""
        scope, _, name = field.rpartition(".")
        if scope and scope != item.kind:
            if scope == "episode":
                return [self.value(leaf, name) for leaf in item.leaves() if leaf.kind == scope]
            above = item.show if scope == "show" else item.parent
            return () if above is None else (self.value(above, name),)
        if name == "guid":
            return [item.guid, *item.ids.guids()]
        return (self.value(item, name),)
