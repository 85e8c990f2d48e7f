"""The planners: pure functions from what was read to what should be done. They talk to nobody.

Each if-tree is the truth table of its feature. S and T are source and target, B the baseline: what
both sides were last *seen* to agree on. Nothing is removed here: see `docs/sync-rules.md`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from .identity import UNKNOWN, Aliases, AmbiguousIdsError, play_key
from .models import (
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Plan,
    Play,
    Side,
    Skip,
    Snapshot,
    Unresolved,
    WatchlistEntry,
)

DEFAULT_PLAY_WINDOW = 15 * 60
"""Seconds within which two plays of one item are one play; 0 to 24 h may be set."""

type Refusal = Callable[[Side, Feature, Action, Entry], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a planner knows besides the two snapshots.

    `baseline` maps agreed keys to the number of runs in which the target has been missing them.
    `settling` are keys written so recently that a read may not show them yet. `frozen` maps keys that
    were refused before to the reason, while they rest. `refusal` asks a side about an entry alone.
    """

    direction: Direction
    aliases: Aliases
    refusal: Refusal
    baseline: Mapping[str, int] = field(default_factory=dict)
    settling: frozenset[str] = frozenset()
    frozen: Mapping[str, str] = field(default_factory=dict)
    play_window: int = DEFAULT_PLAY_WINDOW


class _Draft:
    """A plan while it is being made."""

    def __init__(self, feature: Feature, context: Context) -> None:
        self.feature = feature
        self.context = context
        self.changes: list[Change] = []
        self.unresolved: list[Unresolved] = []
        self.skipped: list[Skip] = []
        self.agreed: list[str] = []
        self.seen: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}

    def see(self, side: Side, keys: Iterable[str]) -> None:
        """Note the keys a side holds."""
        self.seen[side].update(keys)

    def add(self, side: Side, key: str, entry: Entry, rule: str) -> None:
        """Plan an add, unless the side can't take it or it must rest."""
        reason = self.context.refusal(side, self.feature, Action.ADD, entry) or self.context.frozen.get(key)
        if reason is not None:
            self.refuse(side, key, entry, reason)
        elif key in self.context.settling:
            self.skip(key, entry, "written_a_moment_ago")
        else:
            self.changes.append(
                Change(feature=self.feature, side=side, action=Action.ADD, key=key, entry=entry, rule=rule)
            )

    def refuse(self, side: Side, key: str, entry: Entry, reason: str) -> None:
        self.unresolved.append(
            Unresolved(feature=self.feature, side=side, key=key, reason=reason, entry=entry)
        )

    def skip(self, key: str, entry: Entry, rule: str) -> None:
        self.skipped.append(Skip(key=key, rule=rule, entry=entry))

    def finish(self) -> Plan:
        open_keys = self.context.baseline.keys() - set(self.agreed)
        at_source, at_target = self.seen[Side.SOURCE], self.seen[Side.TARGET]
        return Plan(
            feature=self.feature,
            changes=tuple(sorted(self.changes, key=_order)),
            unresolved=tuple(sorted(self.unresolved, key=lambda row: (row.side, row.key))),
            skipped=tuple(sorted(self.skipped, key=lambda row: (row.key, row.rule))),
            agreed=tuple(sorted(self.agreed)),
            lost=tuple(sorted(open_keys & at_source)),
            gone=tuple(sorted(open_keys - at_source - at_target)),
        )


def plan(source: Snapshot, target: Snapshot, context: Context) -> Plan:
    """Plan one feature. The aliases must have learned the items of both snapshots."""
    draft = _Draft(source.feature, context)
    PLANNERS[source.feature](source, target, draft)
    return draft.finish()


def _plan_watchlist(source: Snapshot, target: Snapshot, draft: _Draft) -> None:
    at_source = _by_key(source.entries, Side.TARGET, draft)
    at_target = _by_key(target.entries, Side.SOURCE, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    baseline = draft.context.baseline
    for key in at_source.keys() | at_target.keys():
        here, there = at_source.get(key), at_target.get(key)
        if here is not None and there is not None:
            # S T: both list it
            draft.agreed.append(key)
        elif here is not None:
            if key not in baseline:
                # S, never agreed: new at the source
                draft.add(Side.TARGET, key, here, "only_at_source")
            elif draft.context.direction is Direction.TWO_WAY:
                # S B: taken off the target's list, and removals don't travel
                draft.skip(key, here, "removed_at_target")
            elif baseline[key] == 0:
                # S B, missing for the first time: the read may be stale
                draft.skip(key, here, "missing_at_target_once")
            else:
                # S B, missing again: in a one-way pair the source decides
                draft.add(Side.TARGET, key, here, "missing_at_target")
        elif there is not None and draft.context.direction is Direction.TWO_WAY:
            if key not in baseline:
                # T, never agreed: new at the target
                draft.add(Side.SOURCE, key, there, "only_at_target")
            else:
                # T B: taken off the source's list, and removals don't travel
                draft.skip(key, there, "removed_at_source")
        # T in a one-way pair: the target's own business


def _plan_history(source: Snapshot, target: Snapshot, draft: _Draft) -> None:
    at_source = _plays_by_item(source.entries, Side.TARGET, draft)
    at_target = _plays_by_item(target.entries, Side.SOURCE, draft)
    two_way = draft.context.direction is Direction.TWO_WAY
    for key in at_source.keys() | at_target.keys():
        here, there = at_source.get(key, []), at_target.get(key, [])
        pairs, only_here, only_there = match_plays(here, there, draft.context.play_window)
        # S T within the window: one play, known by both times, since each side keeps its own
        draft.agreed.extend({play_key(key, p.watched_at) for pair in pairs for p in pair})
        draft.see(Side.SOURCE, (play_key(key, p.watched_at) for p in here))
        draft.see(Side.TARGET, (play_key(key, p.watched_at) for p in there))
        _plan_plays(key, only_here, Side.TARGET, here, draft)
        if two_way:
            _plan_plays(key, only_there, Side.SOURCE, there, draft)


def _plan_plays(key: str, missing: list[Play], side: Side, known: list[Play], draft: _Draft) -> None:
    """Plan the plays of one item that `side` lacks; `known` are all plays of the other side."""
    standing = [p.watched_at for p in known if p.watched_at is not None and p not in missing]
    window = draft.context.play_window
    baseline = draft.context.baseline
    for play in missing:
        event, at = play_key(key, play.watched_at), play.watched_at
        if at is not None and any(abs(at - other) <= window for other in standing):
            # two rows of one watching: the other row stands for both
            draft.skip(event, play, "recorded_twice")
            continue
        if at is not None:
            standing.append(at)
        if event not in baseline:
            # never agreed: a new play
            draft.add(side, event, play, f"only_at_{_other(side)}")
        elif draft.context.direction is Direction.TWO_WAY:
            # agreed before, gone from this side: removals don't travel, and it must not come back
            draft.skip(event, play, f"removed_at_{side}")
        elif baseline[event] == 0:
            # agreed before, missing for the first time: the read may be stale
            draft.skip(event, play, "missing_at_target_once")
        else:
            # agreed before, missing again: in a one-way pair the source decides
            draft.add(side, event, play, "missing_at_target")


def match_plays(
    here: list[Play], there: list[Play], window: int
) -> tuple[list[tuple[Play, Play]], list[Play], list[Play]]:
    """Pair the plays of one item: same time within `window` seconds, each used once, closest first.

    A play without a date stands for one play whatever its date; dated pairs are found first.
    Returns the pairs, what is only in `here` and what is only in `there`, both oldest first.
    """
    dated = sorted(
        (abs(a.watched_at - b.watched_at), a.watched_at, b.watched_at, i, j)
        for i, a in enumerate(here)
        if a.watched_at is not None
        for j, b in enumerate(there)
        if b.watched_at is not None and abs(a.watched_at - b.watched_at) <= window
    )
    used_here: set[int] = set()
    used_there: set[int] = set()
    pairs: list[tuple[Play, Play]] = []
    for *_, i, j in dated:
        if i not in used_here and j not in used_there:
            used_here.add(i)
            used_there.add(j)
            pairs.append((here[i], there[j]))
    only_here = _oldest_first(p for i, p in enumerate(here) if i not in used_here)
    only_there = _oldest_first(p for j, p in enumerate(there) if j not in used_there)
    for one, other, swap in ((only_here, only_there, False), (only_there, only_here, True)):
        for play in [p for p in one if p.watched_at is None]:
            if not other:
                break
            match = other.pop(0)
            one.remove(play)
            pairs.append((match, play) if swap else (play, match))
    return pairs, only_here, only_there


def _by_key(entries: Iterable[Entry], missing_side: Side, draft: _Draft) -> dict[str, Entry]:
    """Entries by key. Copies of one title (two libraries) are one; what has no key is unresolved."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = _key(entry, missing_side, draft)
        if key is not None:
            found.setdefault(key, entry)
    return found


def _plays_by_item(entries: Iterable[Entry], missing_side: Side, draft: _Draft) -> dict[str, list[Play]]:
    found: dict[str, list[Play]] = {}
    for entry in entries:
        if isinstance(entry, Play) and (key := _key(entry, missing_side, draft)) is not None:
            found.setdefault(key, []).append(entry)
    return found


def _key(entry: Entry, missing_side: Side, draft: _Draft) -> str | None:
    """Return the entry's key; None when it can't be told apart and so can't travel to `missing_side`."""
    try:
        key = draft.context.aliases.key(entry.item)
    except AmbiguousIdsError as err:
        key, reason = str(err), "ambiguous"
    else:
        if not key.startswith(UNKNOWN):
            return key
        reason = draft.context.refusal(missing_side, draft.feature, Action.ADD, entry) or "missing_ids"
    if missing_side is Side.TARGET or draft.context.direction is Direction.TWO_WAY:
        event = play_key(key, entry.watched_at) if isinstance(entry, Play) else key
        draft.refuse(missing_side, event, entry, reason)
    return None


def _oldest_first(plays: Iterable[Play]) -> list[Play]:
    return sorted(plays, key=lambda p: (p.watched_at is None, p.watched_at or 0))


def _other(side: Side) -> Side:
    return Side.SOURCE if side is Side.TARGET else Side.TARGET


def _order(change: Change) -> tuple[str, int, str]:
    """Oldest first, so that an interrupted run leaves a history without holes behind its end."""
    entry = change.entry
    at = (
        entry.watched_at
        if isinstance(entry, Play)
        else entry.listed_at
        if isinstance(entry, WatchlistEntry)
        else None
    )
    return (change.side, at or 0, change.key)


PLANNERS: Mapping[Feature, Callable[[Snapshot, Snapshot, _Draft], None]] = {
    Feature.WATCHLIST: _plan_watchlist,
    Feature.HISTORY: _plan_history,
}
