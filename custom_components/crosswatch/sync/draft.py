"""A plan while it is being made: the bookkeeping that all planners share."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .identity import Aliases
from .ledger import Mark, Marks
from .models import (
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Kind,
    Missing,
    Plan,
    Play,
    Rating,
    Resume,
    Side,
    Skip,
    Unresolved,
    Values,
    WatchlistEntry,
)
from .provider import Capability
from .settings import PairSettings
from .values import Written

HEAP = len("episode:tmdb:12345:")
"""Characters that keys of one show have in common, more or less."""

WAITS = "missing_at_target_once"
"""Rule of what will be written again if the target misses it in the next run too."""

UNKNOWN_CAPABILITY = Capability(kinds=frozenset(Kind))

SETTLES = "written_a_moment_ago"
"""Rule of what a read may not show yet."""

type Refusal = Callable[[Side, Feature, Action, Entry], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a planner knows besides the two snapshots.

    `baseline` maps agreed keys to how long a side has been missing them, `values` to what was agreed.
    `settling` are keys written so recently that a read may not show them yet, `written` the writes whose
    echo may be met, `marks` those of plays by side. `frozen` maps keys that were refused before to the
    reason, while they rest. `refusal` asks a side about an entry alone.
    """

    direction: Direction
    aliases: Aliases
    refusal: Refusal
    baseline: Mapping[str, Missing] = field(default_factory=dict)
    settling: frozenset[str] = frozenset()
    frozen: Mapping[str, str] = field(default_factory=dict)
    settings: PairSettings = field(default_factory=PairSettings)
    capabilities: Mapping[Side, Capability] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)
    written: Mapping[Side, Mapping[str, Written]] = field(default_factory=dict)
    marks: Mapping[Side, Marks] = field(default_factory=dict)

    @property
    def two_way(self) -> bool:
        """Whether the source may be written too."""
        return self.direction is Direction.TWO_WAY

    def able(self, side: Side) -> Capability:
        """What a side can do for the feature."""
        return self.capabilities.get(side, UNKNOWN_CAPABILITY)


class Draft:
    """Collects what becomes a plan."""

    def __init__(self, feature: Feature, context: Context) -> None:
        """Nothing is planned yet."""
        self.feature = feature
        self.context = context
        self.blurred: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}
        """Typed ids of what a side holds and nobody can tell apart."""
        self._changes: list[Change] = []
        self._unresolved: list[Unresolved] = []
        self._skipped: list[Skip] = []
        self._agreed: set[str] = set()
        self._values: dict[str, Values] = {}
        self._covered: set[str] = set()
        """Plays that the source does not show as such."""
        self._seen: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}
        self._renamed: dict[str, str] = {}
        self._orphans: dict[str, dict[int, str]] | None = None
        self._settling = _times_by_item(context.settling)
        self._settling_items = {key.rpartition("@")[0] for key in context.settling}

    # --- what the planners say ------------------------------------------------------------------

    def see(self, side: Side, keys: Iterable[str]) -> None:
        """Note the keys a side holds."""
        self._seen[side].update(keys)

    def agree(self, *keys: str) -> None:
        """Note keys seen equal on both sides."""
        self._agreed.update(keys)

    def agree_on(self, key: str, values: Values) -> None:
        """Note a key seen equal on both sides, and what each of them shows."""
        self._agreed.add(key)
        if self.context.values.get(key) != values:
            self._values[key] = values

    def cover(self, side: Side, keys: Iterable[str]) -> None:
        """Note plays that a side holds only in that it counts their item as watched."""
        keys = tuple(keys)
        if side is Side.SOURCE:
            self._covered.update(keys)
        self._agreed.update(keys)
        self._seen[side].update(keys)

    def refused(self, side: Side, entry: Entry) -> bool:
        """Whether a side can't take an entry, from the entry alone."""
        return self.context.refusal(side, self.feature, Action.ADD, entry) is not None

    def add(self, side: Side, key: str, entry: Entry, rule: str) -> None:
        """Plan an add, unless the side can't take it or it must rest."""
        self._change(
            Change(feature=self.feature, side=side, action=Action.ADD, key=key, entry=entry, rule=rule)
        )

    def update(self, side: Side, key: str, entry: Entry, before: Entry, rule: str) -> None:
        """Plan to put an entry in the place of another, unless the side can't take it or it must rest."""
        self._change(
            Change(
                feature=self.feature,
                side=side,
                action=Action.UPDATE,
                key=key,
                entry=entry,
                rule=rule,
                before=before,
            )
        )

    def _change(self, change: Change) -> None:
        side, key, entry = change.side, change.key, change.entry
        reason = self.context.refusal(side, self.feature, change.action, entry)
        reason = reason or self.context.frozen.get(key)
        if reason is None and (blurred := self.blurred[side]):
            # the side may hold this already, as something that nobody can tell apart
            reason = "ambiguous" if blurred & self.context.aliases.contested(entry.item) else None
        if reason is not None:
            self.refuse(side, key, entry, reason)
        elif self._settles(key, entry):
            self.skip(side, key, entry, SETTLES)
        else:
            self._changes.append(change)

    def settles_item(self, item: str) -> bool:
        """Whether any play of an item was written a moment ago."""
        return item in self._settling_items

    def _settles(self, key: str, entry: Entry) -> bool:
        """Whether it was written a moment ago, if need be under a time that has moved a little since."""
        if key in self.context.settling:
            return True
        if not isinstance(entry, Play) or entry.watched_at is None:
            return False
        times = self._settling.get(key.rpartition("@")[0], ())
        return any(abs(at - entry.watched_at) <= self.context.settings.play_window for at in times)

    def refuse(self, side: Side, key: str, entry: Entry, reason: str) -> None:
        """Note what can't be written to a side."""
        self._unresolved.append(
            Unresolved(feature=self.feature, side=side, key=key, reason=reason, entry=entry)
        )

    def skip(self, side: Side, key: str, entry: Entry, rule: str) -> None:
        """Note what a side is without, or holds otherwise, on purpose."""
        self._skipped.append(Skip(side=side, key=key, rule=rule, entry=entry))

    # --- what was agreed before -----------------------------------------------------------------

    def agreed_before(self, key: str) -> Missing | None:
        """How long a side has been missing the key; None when it was never agreed."""
        return self.context.baseline.get(self._renamed.get(key, key))

    def written(self, side: Side, key: str) -> Written | None:
        """Return our last write of a key to a side, if its echo may be met."""
        at_side = self.context.written.get(side)
        return at_side.get(key) if at_side else None

    def marks(self, side: Side, item: str) -> tuple[Mark, ...]:
        """Return our writes of an item's plays to a side that dates them itself."""
        at_side = self.context.marks.get(side)
        return at_side.get(item, ()) if at_side else ()

    def recognise(self, item: str, key: str, at: int | None) -> bool:
        """Whether a play was agreed before, if need be under a time that has moved a little since.

        All plays of both sides must have been seen.
        """
        if key in self.context.baseline:
            return True
        if at is None:
            return False
        times = self._orphan_times().get(item, {})
        near = min(times, key=lambda time: (abs(time - at), time), default=None)
        if near is None or abs(near - at) > self.context.settings.play_window:
            return False
        self._renamed[key] = times.pop(near)
        return True

    def _orphan_times(self) -> dict[str, dict[int, str]]:
        """Agreed plays that neither side shows at their time any more: keys by item and time."""
        if self._orphans is None:
            seen = self._seen[Side.SOURCE] | self._seen[Side.TARGET]
            self._orphans = _times_by_item(self.context.baseline.keys() - seen)
        return self._orphans

    # --- the result -----------------------------------------------------------------------------

    def finish(self) -> Plan:
        """Return the plan."""
        at_source, at_target = self._seen[Side.SOURCE], self._seen[Side.TARGET]
        baseline = self.context.baseline
        before = {key: baseline[key] for key in baseline.keys() - self._agreed - set(self._renamed.values())}
        before |= {key: baseline[old] for key, old in self._renamed.items()}
        now = {
            key: missing.after(at_source=key in at_source, at_target=key in at_target)
            for key, missing in ((key, before[key]) for key in _in_order(before))
        }
        gone = [key for key, missing in now.items() if missing is None]
        lost = {
            Side.SOURCE: tuple(k for k, m in now.items() if m and m.source and not m.target),
            Side.TARGET: tuple(k for k, m in now.items() if m and m.target and not m.source),
        }
        return Plan(
            feature=self.feature,
            changes=tuple(sorted(self._changes, key=_order)),
            unresolved=tuple(sorted(self._unresolved, key=lambda row: (row.side, row.key))),
            skipped=tuple(sorted(self._skipped, key=lambda row: (row.key, row.rule))),
            agreed=tuple(_in_order(self._agreed)),
            values={key: self._values[key] for key in _in_order(self._values)},
            missing={k: m for k, m in now.items() if m is not None and m != baseline.get(k)},
            gone=tuple(sorted((*gone, *self._renamed.values()))),
            lost=lost,
            kept={side: len(baseline.keys() & keys) for side, keys in self._seen.items()} if now else {},
            moved=self._count_moved(
                [k for k, m in before.items() if not m.source and k not in at_source]
                + [k for k in self._covered if (m := baseline.get(k)) is not None and not m.source]
            ),
        )

    def _count_moved(self, vanished: Iterable[str]) -> int:
        """Count new plays for the target whose item has lost as many known plays at the source just now."""
        if self.feature is not Feature.HISTORY:
            return 0
        at_once = Counter(key.rpartition("@")[0] for key in vanished)
        new = Counter(change.key.rpartition("@")[0] for change in self._changes if change.side is Side.TARGET)
        return (at_once & new).total()


def _in_order(keys: Iterable[str]) -> Iterator[str]:
    """Sort in small steps: sorting 100,000 keys at once would stop every other thread for 0.1 s."""
    heaps: dict[str, list[str]] = {}
    for key in keys:
        heaps.setdefault(key[:HEAP], []).append(key)
    for start in sorted(heaps):
        yield from sorted(heaps[start])


def _times_by_item(keys: Iterable[str]) -> dict[str, dict[int, str]]:
    """Keys of dated plays, by item and time."""
    found: dict[str, dict[int, str]] = {}
    for key in keys:
        item, _, when = key.rpartition("@")
        if when.removeprefix("-").isdecimal():
            found.setdefault(item, {})[int(when)] = key
    return found


def _order(change: Change) -> tuple[str, int, str]:
    """Oldest first, so that an interrupted run leaves a history without holes behind its end."""
    match change.entry:
        case Play(watched_at=at) | WatchlistEntry(listed_at=at) | Rating(rated_at=at) | Resume(at=at):
            return (change.side, at or 0, change.key)
