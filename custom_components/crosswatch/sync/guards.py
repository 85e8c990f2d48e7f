"""The brake: reasons to hold a whole plan instead of carrying it out."""

from collections import Counter
from collections.abc import Mapping

from .draft import WAITS
from .models import PRESENT, Action, Direction, Feature, Missing, Plan, Side, Snapshot

BRAKE_COUNT = 5
"""So few lost entries never hold a plan."""


def reason_to_hold(
    plan: Plan, direction: Direction, baseline: Mapping[str, Missing], snapshots: Mapping[Side, Snapshot]
) -> str | None:
    """Return why the plan must wait for a person, or None.

    A side that held what was agreed and now holds nothing, or less than half of it, has more likely
    answered wrongly than been emptied: writing everything again would double it.
    """
    if plan.feature is Feature.PROGRESS:
        # positions come and go as things are watched, and what is gone is never written again
        return None
    if not plan.changes and not any(row.rule == WAITS for row in plan.skipped):
        # nothing would be written, now or because of this read
        return None
    two_way = direction is Direction.TWO_WAY
    can_be_written = (Side.TARGET, Side.SOURCE) if two_way else (Side.TARGET,)
    for side in can_be_written:
        if _is_empty(snapshots[side]) and any(not missing.at(side) for missing in baseline.values()):
            return f"{side}_empty"
        if _is_most(_lost(plan, side, baseline, two_way=two_way), plan.kept.get(side.other, 0)):
            return f"{side}_lost_most"
    if _is_most(plan.moved, plan.kept.get(Side.TARGET, 0)):
        # every play at another time: the clock or the time zone of the service, not the person, has changed
        return "source_moved_most"
    return _changed_most(plan, len(baseline))


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


def _lost(plan: Plan, side: Side, baseline: Mapping[str, Missing], *, two_way: bool) -> int:
    """Count what a side has lost of what was agreed and the other side still holds."""
    lost = plan.lost.get(side, ())
    if two_way:
        # what was missing before is a removal that doesn't travel: only what vanished now tells of a fault
        return sum(1 for key in lost if not baseline.get(key, PRESENT).at(side))
    unresolved = {row.key for row in plan.unresolved}
    return sum(1 for key in lost if key not in unresolved)


def _is_most(count: int, of: int) -> bool:
    return count > max(BRAKE_COUNT, of // 2)
