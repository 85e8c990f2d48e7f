"""One look at both sides: what was read, put beside what is remembered, and planned."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from .baseline import Known, Learned
from .context import Context, Refusal
from .decisions import Decision
from .identity import Aliases
from .journal import Recent
from .ledger import Mark, Marks
from .mapping import Mappings, with_mappings
from .models import (
    PRESENT,
    Action,
    Change,
    Direction,
    Entry,
    LogIds,
    Missing,
    Plan,
    Side,
    Snapshot,
    Values,
)
from .plan import plan
from .provider import Capability
from .settings import PairSettings
from .unresolved import Place
from .values import Written, is_same_act


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a pair is asked to do, and what its sides can do for the feature."""

    direction: Direction
    settings: PairSettings
    capabilities: Mapping[Side, Capability]
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What was remembered when the run began. Keys are as they were stored."""

    scopes: Mapping[Side, str]
    known: Known
    recent: Recent
    decisions: tuple[Decision, ...]
    aliases: Aliases
    mappings: Mappings


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A plan with what it rests on.

    `read` is what was read, with the ids that a person gave. Keys of `baseline` are those that titles have
    now, `renamed` maps stored ones to them. `agreed` and `news` are what is agreed, and that part of it which
    the baseline does not say yet. `values` and `logs` are those of the baseline. `decided` is what the plan
    says of decisions, by the keys they are stored with. `ignored` are the reasons that a person does not want
    to hear of, by what they are about.
    """

    plan: Plan
    read: Mapping[Side, Snapshot]
    context: Context
    ignored: Mapping[Place, str]
    scopes: Mapping[Side, str]
    aliases: Aliases
    baseline: Mapping[str, Missing]
    values: Mapping[str, Values]
    logs: Mapping[str, LogIds]
    renamed: Mapping[str, str]
    agreed: frozenset[str]
    news: tuple[str, ...]
    decided: Mapping[tuple[Side, str], int | None]

    @property
    def stored(self) -> Mapping[str, tuple[str, ...]]:
        """Keys as they were stored of those that are other ones now."""
        found: dict[str, tuple[str, ...]] = {}
        for old, new in self.renamed.items():
            found[new] = (*found.get(new, ()), old)
        return found

    def shows(self, key: str) -> bool:
        """Whether both sides were seen to hold what was called `key` once."""
        return self.aliases.current(key) in self.agreed

    def is_gone(self, side: Side, key: str) -> bool:
        """Whether nothing is left to take away at a side of what was called `key` once."""
        return (side, self.aliases.current(key)) not in self.plan.standing

    def learned(
        self,
        written: Iterable[Change],
        waiting: Iterable[str],
        *,
        removing: Iterable[tuple[Side, str]],
        entries: Mapping[Side, int],
        trusted: bool,
    ) -> Learned:
        """Return what is to be remembered of this look.

        `written` are the writes of this run, `waiting` keys of earlier ones that no read had shown, and
        `removing` removals of that kind. Unless the reads are `trusted`, nothing is gone or missing.
        """
        written = tuple(written)
        plan = self.plan
        removals = {(c.side, c.key) for c in written if c.action is Action.REMOVE}
        removed = [place for place in sorted({*removing, *removals}) if self.is_gone(*place)]
        # what we took away, and is away, is forgotten at once: wherever it comes back, it is new
        places = {(side, self.aliases.current(key)) for side, key in removed}
        stood = {**self.context.taken, **{(c.side, c.key): c.entry for c in written}}
        over = {
            key
            for side, key in places
            if (now := plan.missing.get(key)) and now.at(side) and not _is_known_again(stood.get((side, key)))
        }
        missing = {key: count for key, count in plan.missing.items() if key not in over}
        gone = over.union(plan.gone)
        moved = {new: self.baseline[new] for new in self.renamed.values() if new not in gone}
        return Learned(
            agreed=self.news,
            values={**{new: self.values[new] for new in moved if new in self.values}, **plan.values},
            logs={**{new: self.logs[new] for new in moved if new in self.logs}, **plan.logs},
            missing={**moved, **missing} if trusted else moved,
            gone=(*self.renamed, *sorted(gone)) if trusted else tuple(self.renamed),
            aliases=self.aliases.learned,
            observed=[key for key in sorted({*waiting, *(c.key for c in written)}) if self.shows(key)],
            removed=removed if trusted else (),
            entries=entries,
        )

    def confirms(self, change: Change) -> bool:
        """Whether what a change was to do was seen to be so."""
        if change.action is Action.REMOVE:
            return self.is_gone(change.side, change.key)
        return self.shows(change.key)


def scopes_of(snapshots: Mapping[Side, Snapshot]) -> dict[Side, str]:
    """Return what each side was read through."""
    return {side: snapshot.scope_hash for side, snapshot in snapshots.items()}


def look(
    snapshots: Mapping[Side, Snapshot],
    memory: Memory,
    rules: Rules,
    *,
    now: int,
    aliases: Aliases | None,
    frozen: Mapping[str, str],
    ignored: Mapping[Place, str],
    written: Mapping[Side, Mapping[str, Written]],
    marks: Mapping[Side, tuple[Mark, ...]],
    believing: bool = False,
) -> Look:
    """Plan from what was read at `now`, epoch seconds UTC. `aliases` are those of an earlier look.

    `believing`: see `Context`.
    """
    snapshots = {side: with_mappings(snapshot, memory.mappings) for side, snapshot in snapshots.items()}
    known = (aliases or memory.aliases).copy()
    known.learn(
        item
        for snapshot in snapshots.values()
        for item in chain(
            (entry.item for entry in chain(snapshot.entries, snapshot.finished)), snapshot.watched
        )
    )
    ignored = {(side, known.current(key)): reason for (side, key), reason in ignored.items()}
    scopes = scopes_of(snapshots)
    # a list that was created or another library in the middle of the run: nothing is agreed there yet
    same = scopes == memory.scopes
    agreed = memory.known if same else Known()
    baseline, renamed = _translated(agreed.baseline, known)
    values, logs = _translated_pairs(agreed.values, renamed), _translated_pairs(agreed.logs, renamed)
    decisions = {(d.side, known.current(d.key)): d for d in memory.decisions}
    context = Context(
        direction=rules.direction,
        aliases=known,
        refusal=rules.refusal,
        now=now,
        baseline=baseline,
        settling=frozenset(known.current(key) for key in memory.recent.settling),
        fresh=frozenset(known.current(key) for key in memory.recent.fresh),
        taken={(side, known.current(key)): entry for (side, key), entry in memory.recent.taken.items()},
        settling_elsewhere={
            side: frozenset(known.current(key) for key in keys)
            for side, keys in memory.recent.elsewhere.items()
        },
        taken_elsewhere=frozenset((side, known.current(key)) for side, key in memory.recent.taken_elsewhere),
        frozen={known.current(key): reason for key, reason in frozen.items()},
        settings=rules.settings,
        capabilities=rules.capabilities,
        values=values,
        logs=logs,
        written={
            side: {known.current(key): write for key, write in writes.items()}
            for side, writes in written.items()
        },
        marks={side: _by_item(rows, known) for side, rows in marks.items()},
        decisions=decisions,
        elsewhere=frozenset(place for place, each in decisions.items() if each.is_elsewhere(scopes)),
        believing=believing,
    )
    made = plan(snapshots[Side.SOURCE], snapshots[Side.TARGET], context)
    return Look(
        plan=_marked(made, ignored),
        read=snapshots,
        context=context,
        ignored=ignored,
        scopes=scopes,
        aliases=known,
        baseline=baseline,
        values=values,
        logs=logs,
        renamed=renamed,
        agreed=frozenset(made.agreed),
        news=tuple(
            key
            for key in made.agreed
            if baseline.get(key) != PRESENT or key in made.values or key in made.logs
        ),
        decided={(side, decisions[side, key].key): missed for (side, key), missed in made.decided.items()},
    )


def _translated(stored: Mapping[str, Missing], aliases: Aliases) -> tuple[dict[str, Missing], dict[str, str]]:
    """Return the baseline under the keys that titles have now, and which keys are other ones now."""
    baseline: dict[str, Missing] = {}
    renamed: dict[str, str] = {}
    for key, missing in stored.items():
        now = aliases.current(key)
        if now != key:
            renamed[key] = now
        # two titles that proved to be one: where either was seen, it was seen
        other = baseline.get(now, missing)
        baseline[now] = missing if other is missing else _joined(missing, other)
    return baseline, renamed


def _joined(one: Missing, other: Missing) -> Missing:
    counts = [min((m.at(side), -m.since(side)) for m in (one, other)) for side in Side]
    (source, source_since), (target, target_since) = counts
    return Missing(source, target, -source_since, -target_since)


def _translated_pairs[P: Values | LogIds](
    stored: Mapping[str, P], renamed: Mapping[str, str]
) -> Mapping[str, P]:
    """Return what was agreed under the keys that titles have now."""
    if not renamed:
        return stored
    pairs: dict[str, P] = {}
    unclear: set[str] = set()
    for key, agreed in stored.items():
        now = renamed.get(key, key)
        if pairs.setdefault(now, agreed) != agreed:
            unclear.add(now)
    # two titles that proved to be one and had two values: which of them was agreed can't be told
    return {key: agreed for key, agreed in pairs.items() if key not in unclear}


def _marked(made: Plan, ignored: Mapping[Place, str]) -> Plan:
    """Return the plan with what a person does not want to hear of marked as such."""
    if not ignored:
        return made
    rows = (replace(row, ignored=ignored.get((row.side, row.key)) == row.reason) for row in made.unresolved)
    return replace(made, unresolved=tuple(rows))


def _is_known_again(taken: Entry | None) -> bool:
    """Whether what was taken away would be told from what a person adds there since.

    Then the read that does not show it may be a wrong one, after a removal that did not land.
    """
    return taken is not None and is_same_act(taken, taken) is True


def _by_item(marks: tuple[Mark, ...], aliases: Aliases) -> Marks:
    found: dict[str, tuple[Mark, ...]] = {}
    for mark in marks:
        item = aliases.current(mark.item)
        found[item] = (*found.get(item, ()), mark)
    return found
