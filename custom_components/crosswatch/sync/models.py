"""What the engine moves around: items, entries, snapshots, plans and reports."""

from collections.abc import Callable, Mapping, Set as AbstractSet
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """Level of an item. It is part of every key: movie 1399 and show 1399 are two things."""

    MOVIE = "movie"
    SHOW = "show"
    SEASON = "season"
    EPISODE = "episode"


class Feature(StrEnum):
    """What can be kept in step, each switched on by itself."""

    WATCHLIST = "watchlist"
    HISTORY = "history"
    RATINGS = "ratings"
    PROGRESS = "progress"


class Direction(StrEnum):
    """Where changes may travel in a pair."""

    ONE_WAY = "one_way"
    TWO_WAY = "two_way"


class Side(StrEnum):
    """One end of a pair."""

    SOURCE = "source"
    TARGET = "target"

    @property
    def other(self) -> Side:
        """The other end."""
        return Side.TARGET if self is Side.SOURCE else Side.SOURCE


class Action(StrEnum):
    """What a change does to its side."""

    ADD = "add"
    UPDATE = "update"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Ids:
    """External ids of one item at one level. `guid` is a provider's own id, kept byte for byte."""

    tmdb: int | None = None
    imdb: str | None = None
    tvdb: int | None = None
    guid: str | None = None

    def tokens(self) -> tuple[str, ...]:
        """Ids as `namespace:value`, best namespace first: tmdb, imdb, tvdb, guid."""
        found = (("tmdb", self.tmdb), ("imdb", self.imdb), ("tvdb", self.tvdb), ("guid", self.guid))
        return tuple(f"{name}:{value}" for name, value in found if value is not None)

    def __bool__(self) -> bool:
        """Whether any id is known."""
        return not (self.tmdb is None and self.imdb is None and self.tvdb is None and self.guid is None)


NO_IDS = Ids()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A movie, show, season or episode as one side knows it.

    `ids` belong to the item's own level. `show_ids` are the show's and set for seasons and episodes
    only. Season 0 and episode 0 are real numbers; None means unknown.
    """

    kind: Kind
    ids: Ids = NO_IDS
    show_ids: Ids = NO_IDS
    season: int | None = None
    episode: int | None = None
    title: str | None = None
    year: int | None = None
    show_title: str | None = None

    @property
    def name(self) -> str:
        """Text to show a person, such as `Some Show S01E02` or `Some Movie (2016)`."""
        # what a service cut in the middle of a character can't be stored
        return self._name().encode(errors="replace").decode()

    @property
    def is_nameless(self) -> bool:
        """Whether nothing is known but ids and numbers."""
        return not (self.title or self.show_title)

    def named_like(self, known: Item) -> Item:
        """Return the item with the names that are known of it, unless it has some itself."""
        if not self.is_nameless:
            return self
        return replace(self, title=known.title, show_title=known.show_title, year=known.year)

    def _name(self) -> str:
        if self.season is not None and self.episode is not None:
            return f"{self.show_title or '?'} S{self.season:02d}E{self.episode:02d}"
        if self.kind is Kind.SEASON and self.season is not None:
            return f"{self.show_title or '?'} S{self.season:02d}"
        title = (
            self.title or self.show_title or next(iter((*self.ids.tokens(), *self.show_ids.tokens())), "?")
        )
        return f"{title} ({self.year})" if self.year else title


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchlistEntry:
    """A movie or show on a watchlist. `listed_at` is epoch seconds UTC where the side tells it."""

    item: Item
    listed_at: int | None = None
    remote_id: str | None = None


MARKED = "marked:"
"""Start of a play's `remote_id` where no event stands behind it, but the watched state of its item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One watching of a movie or episode at `watched_at` (epoch seconds UTC, None: date unknown)."""

    item: Item
    watched_at: int | None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """A rating. `tenths` is ten times the 1-10 value, so 8.5 is 85; `rated_at` epoch seconds UTC."""

    item: Item
    tenths: int
    label: str = "Overall"
    rated_at: int | None = None
    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """A resume position, both times in milliseconds; `at` is epoch seconds UTC of the stop."""

    item: Item
    position_ms: int
    duration_ms: int | None
    at: int | None = None
    remote_id: str | None = None


type Entry = WatchlistEntry | Play | Rating | Resume


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a pair adds to an account's own settings when it reads or writes.

    `pair_id` names the pair in state files. `libraries` narrows a feature to library section ids.
    With `read_only` (a dry run) nothing may be written anywhere, state files included.
    """

    pair_id: str
    read_only: bool = False
    watchlist_name: str | None = None
    rating_label: str | None = None
    libraries: Mapping[Feature, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything one side holds of one feature. Always complete: an incomplete read raises instead.

    `scope_hash` changes when the same account is read through other libraries, another user, server,
    list or label; absence means nothing across such a change. `read_at` is epoch seconds UTC.
    `watched` (history only) are the items the side counts as watched at least once, whatever plays it
    can tell; empty where every watching is a play. `events` (history only) are the remote ids of all plays
    the side has, those included that are not told or have lost their ids: what is among them was not taken
    away. `finished` (progress only) tells when items were watched last; one that has no position was watched
    to its end then. `has_place` tells whether the side could hold anything for an item, None: for each. What
    has vanished together with its place was not taken away by anybody.
    """

    feature: Feature
    entries: tuple[Entry, ...]
    scope_hash: str
    read_at: int
    watched: tuple[Item, ...] = ()
    finished: tuple[Play, ...] = ()
    has_place: Callable[[Item], bool] | None = None
    events: AbstractSet[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One planned write: what (`entry`), where (`side`) and why (`rule`, a row of the truth table).

    `before` is what the side held when the plan was made, with its remote id: set for updates and removals.
    """

    feature: Feature
    side: Side
    action: Action
    key: str
    entry: Entry
    rule: str
    before: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """An item that can't be written, with the documented reason. `ignored`: no person wants to hear of it."""

    feature: Feature
    side: Side
    key: str
    reason: str
    entry: Entry
    ignored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """An item that differs on purpose: what `side` is not given, and the rule that says so."""

    side: Side
    key: str
    rule: str
    entry: Entry


APART = 600
"""Seconds after which what a side did not show must still be missing there: services show old lists for some
minutes, and runs may follow each other within moments."""

CERTAIN = 2
"""Looks at a side, `APART`, that must have found it without a key."""


@dataclass(frozen=True, slots=True)
class Missing:
    """How often each side was found without an agreed key, 2: for certain, and since when (epoch seconds)."""

    source: int = 0
    target: int = 0
    source_since: int = 0
    target_since: int = 0

    def at(self, side: Side) -> int:
        """Count of one side."""
        return self.source if side is Side.SOURCE else self.target

    def since(self, side: Side) -> int:
        """When it was first found without it."""
        return self.source_since if side is Side.SOURCE else self.target_since

    def confirmed(self, side: Side, now: int) -> bool:
        """Whether a side that is without it now is so for certain."""
        return self.at(side) >= CERTAIN or (self.at(side) == 1 and self.since(side) + APART <= now)

    def is_anew(self, side: Side, *, same: bool | None) -> bool:
        """Whether what this side alone shows was added there after it was agreed.

        `same`: whether it is what was agreed, as far as dates tell. Where they don't, what one side missed
        alone was hidden by a wrong read; what both missed in one run a person may have taken off both and
        added here, and nobody's addition may be taken for a removal.
        """
        together = self.source == self.target == 1 and self.source_since == self.target_since
        return self.at(side) >= CERTAIN or (self.at(side) == 1 and (together if same is None else not same))

    def after(
        self, *, at_source: bool, at_target: bool, now: int, same: bool | None = None, anew: bool = False
    ) -> Missing | None:
        """Count one more look; None: both sides are without it for certain, or one of them has it anew.

        What one side has anew counts only once the other is without it for certain: it may hide it. With
        `anew` that is known already, else see `is_anew`.
        """
        # under a clock that was ahead nothing may wait for years
        known = Missing(self.source, self.target, min(self.source_since, now), min(self.target_since, now))
        if at_source == at_target:
            both = known.seen(Side.SOURCE, now, shown=at_source).seen(Side.TARGET, now, shown=at_target)
            return None if both.source == both.target == CERTAIN else both
        side = Side.SOURCE if at_source else Side.TARGET
        if not (anew or known.is_anew(side, same=same)):
            known = known.seen(side, now, shown=True)
        elif known.confirmed(side.other, now):
            return None
        return known.seen(side.other, now, shown=False)

    def seen(self, side: Side, now: int, *, shown: bool) -> Missing:
        """Return this after one look at one side."""
        if shown:
            count, since = 0, 0
        elif self.at(side):
            count, since = 1 + self.confirmed(side, now), self.since(side)
        else:
            count, since = 1, now
        if side is Side.SOURCE:
            return Missing(count, self.target, since, self.target_since)
        return Missing(self.source, count, self.source_since, since)


PRESENT = Missing()
"""Both sides held it when they were last read."""


@dataclass(frozen=True, slots=True)
class Values:
    """What each side showed when both were last seen to agree.

    Tenths of a rating, milliseconds of a position. They differ where one side keeps less than the other.
    """

    source: int
    target: int

    def at(self, side: Side) -> int:
        """Value of one side."""
        return self.source if side is Side.SOURCE else self.target


@dataclass(frozen=True, slots=True)
class LogIds:
    """Remote ids under which the sides that date plays themselves showed a play when it was agreed."""

    source: str | None = None
    target: str | None = None

    def at(self, side: Side) -> str | None:
        """Id at one side."""
        return self.source if side is Side.SOURCE else self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one feature of a pair needs. The same input gives the same plan, byte for byte.

    `agreed` are the keys seen equal on both sides, `values` and `logs` what they were newly seen to agree
    on. `missing` are new counts of keys that are not agreed now: of the baseline, and of what a side is to
    stay without. `gone` are the keys to forget, `standing` the removals that are due, whether or not they may
    be carried out now. `decided` are the decisions of a person that look otherwise now: since when their item
    is nowhere, None for those that are over since it has changed. For the guards: `lost` has, by side, the
    keys that side held in the last run and only the other side holds now, `kept` how many keys of the
    baseline a side holds, and `moved` how many new plays stand where a known play of the item vanished.
    """

    feature: Feature
    changes: tuple[Change, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    skipped: tuple[Skip, ...] = ()
    agreed: tuple[str, ...] = ()
    values: Mapping[str, Values] = field(default_factory=dict)
    logs: Mapping[str, LogIds] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    standing: tuple[tuple[Side, str], ...] = ()
    decided: Mapping[tuple[Side, str], int | None] = field(default_factory=dict)
    lost: Mapping[Side, tuple[str, ...]] = field(default_factory=dict)
    kept: Mapping[Side, int] = field(default_factory=dict)
    moved: int = 0


class OutcomeStatus(StrEnum):
    """How a write ended."""

    APPLIED = "applied"  # the service accepted it; seeing it is a later read's business
    ALREADY = "already"  # it was there
    UNRESOLVED = "unresolved"  # this item can't be written, for a documented reason
    FAILED = "failed"  # not written, worth another try
    UNCERTAIN = "uncertain"  # may have landed: only a read can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one change. `reason` is set unless it was applied.

    `written_at` is the time the service gave the write, epoch seconds UTC by the service's clock, where
    that is not the entry's own time: Plex dates a play with the moment it is told of it. `retry_at` is
    from when an unresolved one can be written, epoch seconds, where that is only a matter of time.
    """

    change: Change
    status: OutcomeStatus
    reason: str | None = None
    remote_id: str | None = None
    written_at: int | None = None
    retry_at: int | None = None
