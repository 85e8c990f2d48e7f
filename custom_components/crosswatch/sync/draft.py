"""A plan while it is being made: the bookkeeping that all planners share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set as AbstractSet

from .absence import Absences
from .collector import free
from .context import PROVES_NOTHING, Context
from .ledger import Mark
from .models import (
    CERTAIN,
    Action,
    Change,
    Entry,
    Feature,
    LogIds,
    Missing,
    Plan,
    Play,
    Side,
    Skip,
    Unresolved,
    Values,
)
from .ordering import in_order, in_turn, nearest, order, times_by_item
from .values import Written

SETTLES = "written_a_moment_ago"
"""Rule of what a read may not show yet."""


def waits(side: Side) -> str:
    """Rule of what happens if the side misses an entry in the next run too."""
    return f"missing_at_{side}_once"


WAITS = frozenset(waits(side) for side in Side)


class Draft:
    """Collects what becomes a plan."""

    def __init__(self, feature: Feature, context: Context) -> None:
        """Nothing is planned yet."""
        self.feature = feature
        self.context = context
        self.blurred: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}
        """Typed ids of what a side holds and nobody can tell apart."""
        self.mistakable: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}
        """Titles that this may be."""
        self._changes: list[Change] = []
        self._unresolved: list[Unresolved] = []
        self._skipped: list[Skip] = []
        self._agreed: set[str] = set()
        self._values: dict[str, Values] = {}
        self._logs: dict[str, LogIds] = {}
        self._covered: set[str] = set()
        """Plays that the source does not show as such."""
        self._seen: dict[Side, set[str]] = {Side.SOURCE: set(), Side.TARGET: set()}
        self._renamed: dict[str, str] = {}
        self._absences = Absences(feature, context, self._seen, self._renamed)
        self._orphans: dict[str, dict[int, str]] | None = None
        self._events: dict[Side, AbstractSet[str | None]] = {}
        self._standing: set[tuple[Side, str]] = set()
        self._doubted: set[str] = set()
        self._left: dict[str, Missing] = {}
        self._met: set[tuple[Side, str]] = set()
        """Decisions that still apply."""
        self._overruled: set[tuple[Side, str]] = set()
        self._settling = times_by_item(context.settling)
        self._fresh = times_by_item(context.fresh)
        self._elsewhere = {side: times_by_item(keys) for side, keys in context.settling_elsewhere.items()}
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

    def agree_play(self, keys: Iterable[str], logs: LogIds | None) -> None:
        """Note a play seen on both sides, under the keys that it has there."""
        for key in keys:
            self._agreed.add(key)
            if logs is not None and self.context.logs.get(key) != logs:
                self._logs[key] = logs

    def doubt(self, key: str) -> None:
        """Note that the values agreed on say nothing any more, while the key stays in the baseline."""
        self._doubted.add(key)

    def leave_without(self, side: Side, key: str) -> None:
        """Note that a side is to stay without what was never agreed, as if it had been taken away there."""
        since = self.context.now
        self._left[key] = Missing(CERTAIN, 0, since) if side is Side.SOURCE else Missing(0, CERTAIN, 0, since)

    def note_event(self, side: Side, key: str, event: str) -> None:
        """Note what stands behind an agreed play at a side that dates plays itself."""
        logs = self.context.logs.get(self._renamed.get(key, key), LogIds())
        if logs.at(side) != event:
            ids = (event, logs.target) if side is Side.SOURCE else (logs.source, event)
            self._logs[key] = LogIds(*ids)

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

    def removes(self, side: Side) -> bool:
        """Whether removals may travel to a side."""
        may = self.context.may_write(side)
        return may and self.context.bar(self.feature, side, Action.REMOVE, None) is None

    def remove(self, side: Side, key: str, entry: Entry, *, once: bool = False, proven: bool = True) -> None:
        """Plan to take away from a side what was agreed and the other side is without.

        `once`: that is not certain yet. Unless `proven`, its absence says nothing.
        """
        change = Change(
            feature=self.feature,
            side=side,
            action=Action.REMOVE,
            key=key,
            entry=entry,
            rule=f"removed_at_{side.other}",
            before=entry,
        )
        if self.context.bar(self.feature, side, Action.REMOVE, entry) is None:
            if not proven:
                # not even an absence that a later one could confirm
                self.see(side.other, [key])
                self.skip(side, key, entry, PROVES_NOTHING)
                return
            self._standing.add((side, key))
        self._change(change, once=once)

    def _change(self, change: Change, *, once: bool = False) -> None:
        side, key, entry = change.side, change.key, change.entry
        rule = self.context.bar(self.feature, side, change.action, entry) or self._decided(change)
        if rule is None and not self.context.believing:
            absent = side.other if change.action is Action.REMOVE else side
            if once or self._absences.may_be_there(absent, key):
                # the read may be wrong: what counts is that it is still missing a while later
                rule = waits(absent)
        if rule is not None:
            self.skip(side, key, entry, rule)
            return
        reason = self.context.refusal(side, self.feature, change.action, entry)
        reason = reason or self.context.frozen.get(key) or self._ambiguity(change)
        if reason is not None:
            self.refuse(side, key, entry, reason)
        elif self._settles(change):
            self.skip(side, key, entry, SETTLES)
        else:
            self._changes.append(change)

    def _ambiguity(self, change: Change) -> str | None:
        """Return why it can't be told whether a side holds this already, or another one still does."""
        item = change.entry.item
        if (blurred := self.blurred[change.side]) and blurred & self.context.aliases.contested(item):
            return "ambiguous"
        mistakable = self.mistakable[change.side.other] if change.action is Action.REMOVE else ()
        return "ambiguous" if mistakable and self.context.aliases.title(item) in mistakable else None

    def _decided(self, change: Change) -> str | None:
        """Return what a person has said about the change."""
        if not self.context.decisions:
            return None
        place = self._decision_about(change)
        if place is None:
            return None
        decision = self.context.decisions[place]
        if not decision.covers(change, elsewhere=place in self.context.elsewhere):
            self._overruled.add(place)
            return None
        self._met.add(place)
        return decision.kind

    def _decision_about(self, change: Change) -> tuple[Side, str] | None:
        """Find the decision about the change, if need be under a time that has moved a little since."""
        side, decisions = change.side, self.context.decisions
        if (side, change.key) in decisions:
            return side, change.key
        if not isinstance(change.entry, Play):
            return None
        times = times_by_item(key for at, key in decisions if at is side)
        found = times.get(change.key.rpartition("@")[0], {})
        near = nearest(found, change.entry.watched_at, self.context.settings.play_window)
        return None if near is None else (side, found[near])

    def settles_item(self, item: str) -> bool:
        """Whether any play of an item was written a moment ago."""
        return item in self._settling_items

    def _settles(self, change: Change) -> bool:
        """Whether it was written a moment ago, if need be under a time that has moved a little since.

        What a read has shown since may be hidden by the next one still: no reason to take it away.
        """
        if self._is_among(change, self.context.settling, self._settling):
            return True
        if (keys := self.context.settling_elsewhere.get(change.side)) and self._is_among(
            change, keys, self._elsewhere[change.side]
        ):
            return True
        return change.action is Action.REMOVE and self._is_among(change, self.context.fresh, self._fresh)

    def _is_among(self, change: Change, keys: AbstractSet[str], times: Mapping[str, Iterable[int]]) -> bool:
        if change.key in keys:
            return True
        if not isinstance(change.entry, Play):
            return False
        found = times.get(change.key.rpartition("@")[0], ())
        return nearest(found, change.entry.watched_at, self.context.settings.play_window) is not None

    def refuse(self, side: Side, key: str, entry: Entry, reason: str) -> None:
        """Note what can't be written to a side."""
        self._unresolved.append(
            Unresolved(feature=self.feature, side=side, key=key, reason=reason, entry=entry)
        )

    def skip(self, side: Side, key: str, entry: Entry, rule: str) -> None:
        """Note what a side is without, or holds otherwise, on purpose."""
        self._skipped.append(Skip(side=side, key=key, rule=rule, entry=entry))

    # --- what was agreed before -----------------------------------------------------------------

    def agreed_before(self, key: str, entry: Entry, *, same: bool | None = None) -> Missing | None:
        """How certain it is that a side is without the key; None when it was never agreed, or is there anew.

        All keys of both sides must have been seen. `entry` is what the one side shows, `same` whether that is
        what was agreed, as far as its dates tell.
        """
        if same is not None:
            self._absences.same[key] = same
        missing = self._absences.known(key)
        if missing is None:
            return None
        self._absences.compare(key, entry, missing)
        return None if self._absences.is_anew(key, missing) else missing

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
        if key in self.context.baseline or key in self._renamed:
            return True
        times = self.orphans().get(item, {})
        near = nearest(times, at, self.context.settings.play_window)
        if near is None:
            return False
        self._renamed[key] = times.pop(near)
        return True

    def log_id(self, side: Side, key: str) -> str | None:
        """Return the id under which a side that dates plays itself showed an agreed one."""
        logs = self.context.logs.get(self._renamed.get(key, key))
        return None if logs is None else logs.at(side)

    def events(self, side: Side) -> AbstractSet[str | None]:
        """Return the ids under which a side that dates plays itself showed agreed ones."""
        if side not in self._events:
            found = {logs.at(side) for logs in self.context.logs.values()}
            self._events[side] = found - {None}
        return self._events[side]

    def orphans(self) -> dict[str, dict[int, str]]:
        """Agreed plays that neither side shows at their time any more: keys by item and time."""
        if self._orphans is None:
            at_source, at_target = self._seen[Side.SOURCE], self._seen[Side.TARGET]
            self._orphans = times_by_item(
                key for key in self.context.baseline if key not in at_source and key not in at_target
            )
        return self._orphans

    # --- the result -----------------------------------------------------------------------------

    def finish(self) -> Plan:
        """Return the plan."""
        at_source = self._seen[Side.SOURCE]
        baseline = self.context.baseline
        elsewhere = set(self._renamed.values())
        # key by key: whole sets of 100,000 would stop every other thread for longer than the loop may wait
        before = {k: m for k, m in baseline.items() if k not in self._agreed and k not in elsewhere}
        before |= {key: baseline[old] for key, old in self._renamed.items()}
        now = {
            key: self._absences.after(key, missing)
            for key, missing in ((key, before[key]) for key in in_order(before))
        }
        gone = [key for key, missing in now.items() if missing is None]
        logs = {key: self.context.logs[old] for key, old in self._renamed.items() if old in self.context.logs}
        logs |= self._logs
        missing = {
            k: m for k, m in now.items() if m is not None and (m != baseline.get(k) or k in self._doubted)
        }
        lost = {
            side: tuple(k for k, m in now.items() if m and self._absences.only_side(k) is side.other)
            for side in Side
        }
        return Plan(
            feature=self.feature,
            changes=tuple(sorted(self._changes, key=order)),
            unresolved=tuple(sorted(self._unresolved, key=lambda row: in_turn(row.side, row.key))),
            skipped=tuple(sorted(self._skipped, key=lambda row: in_turn(row.key, row.rule, row.side))),
            agreed=tuple(in_order(self._agreed)),
            values={key: self._values[key] for key in in_order(self._values)},
            logs={key: logs[key] for key in in_order(logs)},
            missing=self._left | missing,
            gone=tuple(sorted({*gone, *self._renamed.values(), *self._doubted})),
            standing=tuple(sorted(self._standing)),
            decided=self._follow(set(gone)),
            lost=lost,
            kept={s: sum(key in keys for key in baseline) for s, keys in self._seen.items()} if now else {},
            moved=self._count_moved(
                [k for k, m in before.items() if not m.source and k not in at_source]
                + [k for k in self._covered if (m := baseline.get(k)) is not None and not m.source]
            ),
        )

    def let_go(self) -> None:
        """Free what was collected, see `collector.free`."""
        free(*self._seen.values(), self._agreed)

    def _follow(self, gone: AbstractSet[str]) -> dict[tuple[Side, str], int | None]:
        """Return which decisions look otherwise now, see `Plan.decided`."""
        changed: dict[tuple[Side, str], int | None] = {}
        known = (self.context.baseline, *self._seen.values())
        for place, decision in sorted(self.context.decisions.items()):
            key = place[1]
            missed: int | None = 0
            values = self._values.get(key, self.context.values.get(key))
            if place in self._overruled or key in gone:
                missed = None
            elif key in self._agreed:
                missed = 0 if decision.keeps_apart(values) else None
            elif place in self.context.elsewhere:
                missed = decision.missed
            elif place not in self._met and not any(key in keys for keys in known):
                missed = decision.missed_again(self.context.now)
            if missed != decision.missed:
                changed[place] = missed
        return changed

    def _count_moved(self, vanished: Iterable[str]) -> int:
        """Count new plays for the target whose item has lost as many known plays at the source just now."""
        if self.feature is not Feature.HISTORY:
            return 0
        at_once = Counter(key.rpartition("@")[0] for key in vanished)
        new = Counter(change.key.rpartition("@")[0] for change in self._changes if change.side is Side.TARGET)
        return (at_once & new).total()
