"""Why something is as it is: what each side says of an item, what is remembered, and what follows from it.

Both sides are read anew, and nothing is written anywhere.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from .codec import entry_as_dict
from .decisions import Decision
from .identity import NAMESPACES, UNKNOWN, Aliases, AmbiguousIdsError, item_of, title_of
from .lines import Line
from .models import Entry, Feature, Item, Kind, Missing, Plan, Side, Snapshot, Values
from .unresolved import UnresolvedRow

if TYPE_CHECKING:
    from .feature_run import FeatureRun, Seen
    from .report import FeatureReport
    from .state import State

MOST = 50
"""Items that are explained at most for each feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What would become of a key now: `agreed`, an action such as `add`, `skip` or `unresolved`, and why."""

    key: str
    what: str
    side: Side | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One item and one feature.

    `entries` is what each side holds; `watched` are the sides that count the item as watched.
    `baseline` is what was agreed: whether and since when each side is without it, and the values each side
    showed. `outcomes` is what the next run makes of it, unless the whole plan is `held` for a reason.
    `lines` are what was written, newest first. With `error` the sides could not be read.
    """

    feature: Feature
    key: str
    name: str
    entries: Mapping[Side, tuple[Entry, ...]] = field(default_factory=dict)
    watched: frozenset[Side] = frozenset()
    baseline: Mapping[str, tuple[Missing, Values | None]] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()
    held: str | None = None
    decisions: tuple[Decision, ...] = ()
    unresolved: tuple[UnresolvedRow, ...] = ()
    lines: tuple[Line, ...] = ()
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "feature": str(self.feature),
            "key": self.key,
            "name": self.name,
            "sides": {
                str(side): {
                    "watched": side in self.watched,
                    "entries": [entry_as_dict(entry) for entry in self.entries.get(side, ())],
                }
                for side in Side
            },
            "baseline": {
                key: {
                    "missing": {str(side): missing.at(side) for side in Side},
                    "missing_since": {str(side): missing.since(side) or None for side in Side},
                    "values": values and {str(side): values.at(side) for side in Side},
                }
                for key, (missing, values) in self.baseline.items()
            },
            "outcomes": [
                {"key": each.key, "what": each.what, "side": each.side and str(each.side), "why": each.why}
                for each in self.outcomes
            ],
            "held": self.held,
            "decisions": [{"side": str(d.side), "key": d.key, "kind": str(d.kind)} for d in self.decisions],
            "unresolved": [
                {
                    "side": str(row.side),
                    "key": row.key,
                    "reason": row.reason,
                    "attempts": row.attempts,
                    "first_seen": row.first_seen,
                    "last_seen": row.last_seen,
                    "retry_at": row.retry_at,
                    "waits_for": str(row.waits_for),
                    "ignored": row.ignored,
                }
                for row in self.unresolved
            ],
            "written": [
                {
                    "at": line.at,
                    "run": line.run,
                    "trigger": line.trigger,
                    "side": str(line.side),
                    "action": str(line.action),
                    "key": line.key,
                    "why": line.rule,
                    "entry": entry_as_dict(line.entry),
                    "before": line.before and entry_as_dict(line.before),
                    "state": line.state,
                    "reason": line.reason,
                }
                for line in self.lines
            ],
            "error": self.error,
        }


async def explain(
    state: State, pair: str, run: FeatureRun, report: FeatureReport, wanted: str
) -> tuple[Explanation, ...]:
    """Explain what is wanted of one feature, after a dry run of it."""
    if run.seen is None:
        return (Explanation(feature=run.feature, key=wanted, name=wanted, error=report.error),)
    known = _Known(
        seen=run.seen,
        unresolved=tuple(row for row in await state.unresolved(pair) if row.feature is run.feature),
        written=await state.written_names(pair, run.feature, wanted.strip()),
    )
    names = await asyncio.to_thread(_names, wanted, known)
    lines: dict[str, tuple[Line, ...]] = {}
    for item in names:
        former = run.seen.look.aliases.former(item)
        lines[item] = await state.lines_of_items(pair, run.feature, former)
    return await asyncio.to_thread(_explanations, run.feature, names, known, lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What there is to say about everything. `written` are names of what was written, by key."""

    seen: Seen
    unresolved: tuple[UnresolvedRow, ...]
    written: Mapping[str, str]


def matcher(wanted: str, aliases: Aliases) -> Callable[[str, str], bool]:
    """Return what tells from key and name whether an item is wanted.

    Wanted is the key of an item, or of its show; an id such as `imdb:tt0133093`; or a part of a name.
    """
    text = wanted.strip()
    first = text.partition(":")[0]
    if first in NAMESPACES and first != text:
        titles = {aliases.current(f"{kind}:{text}") for kind in (Kind.MOVIE, Kind.SHOW)}
        return lambda key, _name: title_of(key) in titles
    if first in (*Kind, UNKNOWN.rstrip(":")) and first != text:
        item = item_of(aliases.current(text))
        return lambda key, _name: item in (key, title_of(key))
    part = text.casefold()
    return lambda _key, name: bool(part) and part in name.casefold()


def _names(wanted: str, known: _Known) -> dict[str, str]:
    """Return the items that are wanted, with their names, in the order of these."""
    look = known.seen.look
    current = look.aliases.current
    is_wanted = matcher(wanted, look.aliases)
    told = (
        (_key(item, look.aliases), item.name, item.title or "")
        for snapshot in look.read.values()
        for item in chain((entry.item for entry in snapshot.entries), snapshot.watched)
    )
    found: dict[str, str] = {}
    for key, name, title in chain(
        ((current(key), name, "") for key, name in known.written.items()),
        ((current(row.key), row.name, "") for row in known.unresolved),
        ((key, "", "") for key in look.baseline),
        ((current(decision.key), "", "") for decision in known.seen.memory.decisions),
        told,
    ):
        item = item_of(key)
        if is_wanted(item, f"{name} {title}"):
            found[item] = name or found.get(item) or item
    return dict(sorted(found.items(), key=lambda row: (row[1], row[0]))[:MOST])


def _explanations(
    feature: Feature, names: Mapping[str, str], known: _Known, lines: Mapping[str, tuple[Line, ...]]
) -> tuple[Explanation, ...]:
    look = known.seen.look
    current = look.aliases.current
    held = {side: _of(names, _entries(look.read[side], look.aliases)) for side in Side}
    watched = {
        side: {_key(item, look.aliases) for item in look.read[side].watched} & names.keys() for side in Side
    }
    outcomes = _of(names, ((each.key, each) for each in _outcomes(look.plan)))
    baseline = _of(names, ((key, key) for key in look.baseline))
    decisions = _of(names, ((current(each.key), each) for each in known.seen.memory.decisions))
    unresolved = _of(names, ((current(each.key), each) for each in known.unresolved))
    return tuple(
        Explanation(
            feature=feature,
            key=key,
            name=name,
            entries={side: tuple(held[side][key]) for side in Side},
            watched=frozenset(side for side in Side if key in watched[side]),
            baseline={each: (look.baseline[each], look.values.get(each)) for each in baseline[key]},
            outcomes=tuple(outcomes[key]),
            held=known.seen.reason,
            decisions=tuple(decisions[key]),
            unresolved=tuple(unresolved[key]),
            lines=lines[key],
        )
        for key, name in names.items()
    )


def _of[T](names: Iterable[str], rows: Iterable[tuple[str, T]]) -> dict[str, list[T]]:
    """Return the rows of these items, from the keys of the rows."""
    found: dict[str, list[T]] = {name: [] for name in names}
    for key, row in rows:
        if (place := found.get(item_of(key))) is not None:
            place.append(row)
    return found


def _entries(snapshot: Snapshot, aliases: Aliases) -> Iterator[tuple[str, Entry]]:
    return ((_key(entry.item, aliases), entry) for entry in snapshot.entries)


def _outcomes(made: Plan) -> Iterator[Outcome]:
    for key in made.agreed:
        yield Outcome(key=key, what="agreed")
    for change in made.changes:
        yield Outcome(key=change.key, what=str(change.action), side=change.side, why=change.rule)
    for skip in made.skipped:
        yield Outcome(key=skip.key, what="skip", side=skip.side, why=skip.rule)
    for row in made.unresolved:
        yield Outcome(key=row.key, what="unresolved", side=row.side, why=row.reason)


def _key(item: Item, aliases: Aliases) -> str:
    try:
        return aliases.key(item)
    except AmbiguousIdsError as err:
        return str(err)
