"""The brake: reasons to hold a whole plan instead of carrying it out."""

from .models import Plan, Snapshot

BRAKE_COUNT = 5
"""Fewer lost entries than this never hold a plan."""


def reason_to_hold(plan: Plan, baseline_size: int, target: Snapshot) -> str | None:
    """Return why the plan must wait for a person, or None.

    A side that held what was agreed and now holds nothing, or less than half of it, has more likely
    answered wrongly than been emptied: writing everything again would double it.
    """
    if not plan.changes or not baseline_size:
        return None
    if not target.entries:
        return "target_empty"
    if len(plan.lost) > max(BRAKE_COUNT, baseline_size // 2):
        return "target_lost_most"
    return None
