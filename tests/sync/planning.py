"""A plan of two lists of entries, and what it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from custom_components.crosswatch.sync.context import Context
from custom_components.crosswatch.sync.identity import Aliases
from custom_components.crosswatch.sync.models import (
    Direction,
    Entry,
    Feature,
    Item,
    Kind,
    Missing,
    Plan,
    Play,
    Side,
    Snapshot,
)
from custom_components.crosswatch.sync.plan import plan
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import NOW

MINUTE = 60
M1 = "movie:tmdb:1"
R1 = f"{M1}#rating:overall"
P1 = f"{M1}@{NOW}"
FULL = Capability(kinds=frozenset(Kind), add=True, update=True, remove=True)
UNDATED = replace(FULL, dated=False)


def make_plan(
    feature: Feature,
    source: Sequence[Entry],
    target: Sequence[Entry],
    *,
    direction: Direction = Direction.ONE_WAY,
    baseline: Mapping[str, Missing] | None = None,
    settling: frozenset[str] = frozenset(),
    frozen: Mapping[str, str] | None = None,
    window: int = 15 * MINUTE,
    finished: Mapping[Side, Sequence[Play]] | None = None,
    watched: Mapping[Side, Sequence[Item]] | None = None,
    events: Mapping[Side, frozenset[str]] | None = None,
    has_place: Mapping[Side, Callable[[Item], bool]] | None = None,
    **context: Any,
) -> Plan:
    """Plan two lists of entries against a target that wants TMDb ids.

    `watched` are items that a side counts as watched, `finished` when that was, `events` and `has_place`
    what else its snapshot tells; `context` goes to the planner as it is.
    """
    watched, finished = watched or {}, finished or {}

    def refusal(side: Side, _feature: object, _action: object, entry: Entry) -> str | None:
        known = entry.item.ids.tmdb or entry.item.show_ids.tmdb
        return "missing_tmdb_id" if side is Side.TARGET and known is None else None

    aliases = Aliases()
    items = [item for items in watched.values() for item in items]
    items += [play.item for plays in finished.values() for play in plays]
    aliases.learn([*(entry.item for entry in (*source, *target)), *items])

    def snapshot(side: Side, rows: Sequence[Entry]) -> Snapshot:
        return Snapshot(
            feature=feature,
            entries=tuple(rows),
            scope_hash="s",
            read_at=NOW,
            watched=tuple(watched.get(side, ())),
            finished=tuple(finished.get(side, ())),
            events=(events or {}).get(side, frozenset()),
            has_place=(has_place or {}).get(side),
        )

    return plan(
        snapshot(Side.SOURCE, source),
        snapshot(Side.TARGET, target),
        Context(
            direction=direction,
            aliases=aliases,
            refusal=refusal,
            now=NOW,
            baseline=baseline or {},
            settling=settling,
            frozen=frozen or {},
            **{"settings": PairSettings(play_window=window), **context},
        ),
    )


def told(made: Plan) -> dict[str, str]:
    """Everything the plan says, as `key: side rule-or-reason`."""
    rows = {c.key: f"{c.side} {c.rule}" for c in made.changes}
    rows |= {s.key: f"skip {s.rule}" for s in made.skipped}
    rows |= {u.key: f"{u.side} unresolved {u.reason}" for u in made.unresolved}
    return rows | dict.fromkeys(made.agreed, "agreed")


def removal_plan(
    feature: Feature,
    source: Sequence[Entry],
    target: Sequence[Entry],
    baseline: dict[str, Missing],
    *,
    direction: Direction = Direction.TWO_WAY,
    settings: PairSettings | None = None,
    able: tuple[Capability, Capability] = (FULL, FULL),
    **more: Any,
) -> Plan:
    """Plan with removals switched on."""
    return make_plan(
        feature,
        source,
        target,
        direction=direction,
        baseline=baseline,
        settings=settings or PairSettings(removals=frozenset(Feature)),
        capabilities=dict(zip(Side, able, strict=True)),
        **more,
    )
