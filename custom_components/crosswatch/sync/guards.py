"""The brake: reasons to hold a whole plan until a person has looked at it.

A side that held what was agreed and now shows nothing of it, or less than half, has more likely answered
wrongly than been emptied. Those guards are always on; how much a run may take away or change at once is
the brake that a pair may release.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .decisions import Decided
from .draft import WAITS
from .models import PRESENT, Action, Direction, Feature, Missing, Plan, Side, Snapshot
from .settings import PairSettings

BRAKE_COUNT = 5
"""So few lost entries never hold a plan."""

FEW = 2
"""So few of a list that is shorter than twice `BRAKE_COUNT` may be most of it."""

BRAKE_PART = 10
"""One in so many entries of a side may be taken away within a day."""

DAY = 86_400

MANY = 50
"""So few new entries are never taken for a side that tells everything twice."""

CANARIES = 10
"""Entries that are watched because both sides have held them longest."""

FEWEST_CANARIES = 3
LONG = 7 * DAY
"""Seconds for which an entry must have been agreed to be one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What tells whether a plan can be trusted.

    `canaries` are the keys that both sides have held longest. `removed` are the keys that were taken away
    from each side within a day, `entries` what each side held in the last run. `taken` is what this pair has
    taken away itself and no read had shown: that it is gone is as it should be.
    """

    direction: Direction
    settings: PairSettings
    baseline: Mapping[str, Missing]
    snapshots: Mapping[Side, Snapshot]
    canaries: Collection[str] = ()
    removed: Mapping[Side, Collection[str]] = field(default_factory=dict)
    entries: Mapping[Side, int] = field(default_factory=dict)
    taken: frozenset[tuple[Side, str]] = frozenset()


def may_be_held(plan: Plan) -> bool:
    """Whether anything would be written, now or because of this read.

    Positions come and go as things are watched, and what is gone is never written again: they are never held.
    """
    if plan.feature is Feature.PROGRESS:
        return False
    return bool(plan.changes) or any(row.rule in WAITS for row in plan.skipped)


def reason_to_hold(plan: Plan, evidence: Evidence) -> str | None:
    """Return why the plan must wait for a person, or None."""
    if not may_be_held(plan):
        return None
    return wrong_read(plan, evidence) or (_too_much(plan, evidence) if evidence.settings.brake else None)


def wrong_read(plan: Plan, evidence: Evidence) -> str | None:
    """Whether what was read can hardly be what a side holds."""
    sides = [Side.TARGET]
    if evidence.direction is Direction.TWO_WAY or plan.feature in evidence.settings.removals:
        # what the source is without has consequences too
        sides.append(Side.SOURCE)
    rejected = {row.key for row in plan.skipped if row.rule == Decided.REJECTED}
    for side in sides:
        known = rejected | {key for at, key in evidence.taken if at is side}
        held = (key for key, missing in evidence.baseline.items() if not missing.at(side))
        if _is_empty(evidence.snapshots[side]) and any(key not in known for key in held):
            return f"{side}_empty"
        vanished = _vanished(plan, side, evidence.baseline) - known
        if _is_most(len(vanished), plan.kept.get(side.other, 0)):
            return f"{side}_lost_most"
        canaries = set(evidence.canaries)
        shown = canaries.intersection(plan.agreed)
        dead = canaries & vanished
        if len(dead) >= FEWEST_CANARIES and len(dead) > len(shown):
            # what nobody has touched for long goes all at once
            return f"{side}_lost_oldest"
    if _is_most(plan.moved, plan.kept.get(Side.TARGET, 0)):
        # every play at another time: the clock or the time zone of the service, not the person, has changed
        return "source_moved_most"
    return None


def _too_much(plan: Plan, evidence: Evidence) -> str | None:
    """Whether more would change at once than a person is likely to have meant."""
    actions = Counter((change.side, change.action) for change in plan.changes)
    for side in Side:
        due = {c.key for c in plan.changes if c.side is side and c.action is Action.REMOVE}
        # what is tried once more counts once
        removals, before = len(due), len(set(evidence.removed.get(side, ())) - due)
        held = plan.kept.get(side, 0) + before
        limit = max(BRAKE_COUNT, held // BRAKE_PART)
        if held < 2 * BRAKE_COUNT:
            # of a short list five would be most
            limit = max(FEW, held // 2)
        if removals and removals + before > limit:
            return f"too_many_removals_at_{side}"
        known = evidence.entries.get(side, 0)
        if known > BRAKE_COUNT and actions[side.other, Action.ADD] > max(MANY, known):
            # more than it held in the last run: another way to name everything, not a busy day
            return f"{side}_doubled"
    return _changed_most(plan, len(evidence.baseline))


def _changed_most(plan: Plan, known: int) -> str | None:
    """Whether most of what was agreed has another value at a side now: another scale, not another taste."""
    updates = Counter(change.rule for change in plan.changes if change.action is Action.UPDATE)
    for side, rules in (
        (Side.SOURCE, ("changed_at_source",)),
        (Side.TARGET, ("changed_at_target", "source_decides")),
    ):
        if _is_most(sum(updates[rule] for rule in rules), known):
            return f"{side}_changed_most"
    return None


def _is_empty(snapshot: Snapshot) -> bool:
    return not snapshot.entries and not snapshot.watched


def _vanished(plan: Plan, side: Side, baseline: Mapping[str, Missing]) -> set[str]:
    """Return what a side has lost of what was agreed and the other side still holds.

    What was missing before counts only while it is to be written there once more.
    """
    again = {change.key for change in plan.changes if change.side is side}
    return {key for key in plan.lost.get(side, ()) if key in again or not baseline.get(key, PRESENT).at(side)}


def _is_most(count: int, of: int) -> bool:
    return count > max(BRAKE_COUNT, of // 2)
