"""What a Plex Media Server knows: catalogue, user state by (account, guid), play log (2.6)."""

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final, Literal

from tests.simulators.library import Ids

type Kind = Literal["movie", "show", "season", "episode"]

TYPE_NUMBERS: Final[dict[int, Kind]] = {1: "movie", 2: "show", 3: "season", 4: "episode"}
_ONLY_LEAVES: Final[list[Item]] = []  # a leaf's children: shared, never filled
JOURNAL_LENGTH: Final = 2000
SOURCES: Final = ("imdb", "tmdb", "tvdb")


@dataclass(slots=True, eq=False)
class Section:
    """A library. `content_changed_at` is a counter, not an epoch (2.4)."""

    id: int
    kind: Literal["movie", "show"]
    title: str
    agent: str
    uuid: str
    path: str
    created_at: int
    content_changed_at: int = 1
    refreshing: bool = False
    items: dict[Kind, dict[int, Item]] = field(
        default_factory=lambda: {"movie": {}, "show": {}, "season": {}, "episode": {}}
    )


@dataclass(slots=True, eq=False)
class Item:
    """A catalogue entry. `key` is the ratingKey, `duration` milliseconds, `aired` YYYY-MM-DD."""

    key: int
    kind: Kind
    section: Section
    guid: str
    title: str
    ids: Ids
    year: int | None
    duration: int | None
    added_at: int
    updated_at: int
    index: int | None = None
    parent: Item | None = None
    aired: str | None = None
    title_sort: str | None = None
    original_title: str | None = None
    edition: str | None = None
    skip_parent: bool = False
    rank: int = 0
    """Place in the section's natural order, kept by `Listings`."""
    children: list[Item] = field(default_factory=lambda: _ONLY_LEAVES)

    def leaves(self) -> Iterator[Item]:
        """The playable items below: itself for a movie or an episode."""
        match self.kind:
            case "season":
                yield from self.children
            case "show":
                for season in self.children:
                    yield from season.children
            case _:
                yield self

    @property
    def show(self) -> Item | None:
        """The show an episode or a season belongs to."""
        match self.kind:
            case "episode":
                return self.parent.parent if self.parent else None
            case "season":
                return self.parent
            case "show":
                return self
            case _:
                return None


@dataclass(slots=True)
class UserState:
    """One account's state of one guid; 0 and None are absent in answers (2.5)."""

    view_count: int = 0
    view_offset: int = 0
    last_viewed_at: int | None = None
    rating: float | None = None
    rated_at: int | None = None
    hidden: bool = False
    finished: bool = False
    """The timeline has already counted this viewing as a play."""


@dataclass(slots=True, eq=False)
class Play:
    """One row of the play log; titles are held inline, the item is looked up by guid (2.6)."""

    id: int
    account: int
    guid: str
    kind: str
    section_id: int
    title: str
    viewed_at: int | None
    parent_title: str | None = None
    grandparent_title: str | None = None
    index: int | None = None
    parent_index: int | None = None
    aired: str | None = None
    device_id: int | None = None


@dataclass(slots=True)
class Rollup:
    """What a show or a season sums up of its leaves."""

    leaves: int
    viewed: int
    view_count: int
    last_viewed_at: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """A write, to be looked past by a stale read."""

    account: int
    guid: str
    before: UserState | None
    play: int | None = None


NOTHING: Final = UserState()


class PmsState:
    """Catalogue, states and log with the indexes that keep every small request small."""

    def __init__(self) -> None:
        """Start empty."""
        self.sections: dict[int, Section] = {}
        self.items: dict[int, Item] = {}
        self.by_guid: dict[str, list[Item]] = {}
        self.states: dict[int, dict[str, UserState]] = {}
        self.plays: dict[int, Play] = {}
        self.version = 0
        self.catalogue_version = 0
        self.log_version = 0
        self.next_key = 1000
        self.next_play = 1
        self.journal: deque[Change] = deque(maxlen=JOURNAL_LENGTH)
        self.journaling = True
        self._external: dict[tuple[Kind, str], dict[str | int, list[Item]]] = {}
        self._sorted_log: tuple[int, list[Play], list[int]] | None = None
        self._rollups: dict[tuple[int, int], Rollup] = {}
        self._overlay: tuple[int, int, dict[tuple[int, str], UserState | None], set[int]] | None = None

    # --- catalogue

    def add(self, item: Item) -> Item:
        """Enter an item; its parent's children and its section follow."""
        self.items[item.key] = item
        item.section.items[item.kind][item.key] = item
        self.by_guid.setdefault(item.guid, []).append(item)
        if item.parent is not None:
            item.parent.children.append(item)
        for source in SOURCES:
            index = self._external.get((item.kind, source))
            number = getattr(item.ids, source)
            if index is not None and number is not None:
                index.setdefault(number, []).append(item)
        self._touch_catalogue(item)
        return item

    def remove(self, item: Item) -> None:
        """Remove an item and all below; states and plays stay."""
        for child in list(item.children):
            self.remove(child)
        del self.items[item.key]
        del item.section.items[item.kind][item.key]
        copies = self.by_guid[item.guid]
        copies.remove(item)
        if not copies:
            del self.by_guid[item.guid]
        if item.parent is not None:
            item.parent.children.remove(item)
        for source in SOURCES:
            index = self._external.get((item.kind, source))
            number = getattr(item.ids, source)
            if index is not None and number is not None:
                index[number].remove(item)
        self._touch_catalogue(item)

    def rematch(self, item: Item, guid: str) -> None:
        """Give an item another guid (fix match); its old state stays with the old guid."""
        copies = self.by_guid[item.guid]
        copies.remove(item)
        if not copies:
            del self.by_guid[item.guid]
        item.guid = guid
        self.by_guid.setdefault(guid, []).append(item)
        self._touch_catalogue(item)

    def _touch_catalogue(self, item: Item) -> None:
        item.section.content_changed_at += 1
        self.version += 1
        self.catalogue_version += 1
        self.log_version += 1  # rows look their item up at reading time
        self._rollups.clear()

    def by_external(self, kind: Kind, guid: str) -> list[Item]:
        """Items of the kind whose main guid or external id is exactly this."""
        found = [item for item in self.by_guid.get(guid, ()) if item.kind == kind]
        source, _, text = guid.partition("://")
        if source not in SOURCES:
            return found
        number = text if source == "imdb" else int(text) if text.isdigit() else None
        index = self._external.get((kind, source))
        if index is None:
            index = self._external[kind, source] = {}
            for section in self.sections.values():
                for item in section.items[kind].values():
                    known = getattr(item.ids, source)
                    if known is not None:
                        index.setdefault(known, []).append(item)
        return found if number is None else found + index.get(number, [])

    # --- user state

    def state(self, account: int, guid: str, stale: int = 0) -> UserState:
        """Read a state; with `stale`, as it was before the last so many writes."""
        if stale:
            overlay, _plays = self._stale(stale)
            if (account, guid) in overlay:
                return overlay[account, guid] or NOTHING
        states = self.states.get(account)
        return NOTHING if states is None else states.get(guid, NOTHING)

    def write(self, account: int, guid: str, play: int | None = None) -> UserState:
        """The state to change; call it before each change, since it counts as one write."""
        states = self.states.setdefault(account, {})
        before = states.get(guid)
        if self.journaling:
            self.journal.append(Change(account, guid, before and replace(before), play))
        if before is None:
            before = states[guid] = UserState()
        self.version += 1
        if self._rollups:
            for item in self.by_guid.get(guid, ()):
                parent = item.parent
                while parent is not None:
                    self._rollups.pop((account, parent.key), None)
                    parent = parent.parent
        return before

    def _stale(self, writes: int) -> tuple[dict[tuple[int, str], UserState | None], set[int]]:
        if self._overlay is None or self._overlay[:2] != (writes, self.version):
            states: dict[tuple[int, str], UserState | None] = {}
            plays: set[int] = set()
            for change in list(self.journal)[-writes:][::-1]:
                states[change.account, change.guid] = change.before
                if change.play is not None:
                    plays.add(change.play)
            self._overlay = (writes, self.version, states, plays)
        return self._overlay[2], self._overlay[3]

    def rollup(self, account: int, item: Item, stale: int = 0) -> Rollup:
        """Sum a show's or season's leaves up for the account."""
        place = (account, item.key)
        if not stale and place in self._rollups:
            return self._rollups[place]
        leaves = viewed = count = 0
        last: int | None = None
        for leaf in item.leaves():
            state = self.state(account, leaf.guid, stale)
            leaves += 1
            viewed += state.view_count > 0
            count += state.view_count
            if state.last_viewed_at is not None:
                last = max(last or 0, state.last_viewed_at)
        rollup = Rollup(leaves, viewed, count, last)
        if not stale:
            self._rollups[place] = rollup
        return rollup

    # --- play log

    def log_play(self, account: int, item: Item, viewed_at: int | None, device_id: int | None = 7) -> Play:
        """Append a row for a movie or an episode."""
        season, show = item.parent, item.show
        play = Play(
            id=self.next_play,
            account=account,
            guid=item.guid,
            kind=item.kind,
            section_id=item.section.id,
            title=item.title,
            viewed_at=viewed_at,
            parent_title=season.title if season else None,
            grandparent_title=show.title if show else None,
            index=item.index,
            parent_index=season.index if season else None,
            aired=item.aired,
            device_id=device_id,
        )
        return self.add_play(play)

    def add_play(self, play: Play) -> Play:
        """Append a ready row (also of other kinds: track, clip)."""
        self.plays[play.id] = play
        self.next_play = max(self.next_play, play.id) + 1
        self.log_version += 1
        return play

    def delete_play(self, play_id: int) -> bool:
        """Remove a row; viewCount stays (2.8)."""
        if self.plays.pop(play_id, None) is None:
            return False
        self.log_version += 1
        return True

    def log(self, since: int | None = None, stale: int = 0) -> list[Play]:
        """The rows by rising date, from `since` on; undated rows come first and only without it."""
        if self._sorted_log is None or self._sorted_log[0] != self.log_version:
            rows = sorted(self.plays.values(), key=attrgetter("id"))
            rows.sort(key=lambda row: -1 if row.viewed_at is None else row.viewed_at)
            dates = [-1 if row.viewed_at is None else row.viewed_at for row in rows]
            self._sorted_log = (self.log_version, rows, dates)
        _version, rows, dates = self._sorted_log
        if since is not None:
            rows = rows[bisect_left(dates, max(since, 0)) :]
        if stale:
            _states, hidden = self._stale(stale)
            rows = [row for row in rows if row.id not in hidden]
        return rows

    def item_of(self, play: Play) -> Item | None:
        """The item a row points to now: the copy in the row's library first (2.6)."""
        copies = self.by_guid.get(play.guid)
        if not copies:
            return None
        return next((c for c in copies if c.section.id == play.section_id), copies[0])
