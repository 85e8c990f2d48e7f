"""The planners: pure functions from what was read to what should be done. They talk to nobody.

Each if-tree is the truth table of its feature. S and T are source and target, B the baseline: what
both sides were last *seen* to agree on. Nothing is removed here: see `docs/sync-rules.md`.
"""

from collections.abc import Callable, Mapping

from .draft import WAITS, Context, Draft
from .keyed import by_key
from .models import Feature, Plan, Side, Snapshot
from .plan_history import plan_history
from .plan_progress import plan_progress
from .plan_ratings import plan_ratings


def plan(source: Snapshot, target: Snapshot, context: Context) -> Plan:
    """Plan one feature. The aliases must have learned the items of both snapshots."""
    draft = Draft(source.feature, context)
    PLANNERS[source.feature](source, target, draft)
    return draft.finish()


def _plan_watchlist(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    at_source = by_key(source.entries, Side.SOURCE, draft)
    at_target = by_key(target.entries, Side.TARGET, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    two_way = draft.context.two_way
    for key in at_source.keys() | at_target.keys():
        here, there = at_source.get(key), at_target.get(key)
        agreed = draft.agreed_before(key)
        if here is not None and there is not None:
            # S T: both list it
            draft.agree(key)
        elif here is not None:
            if agreed is None:
                # S, never agreed: new at the source
                draft.add(Side.TARGET, key, here, "only_at_source")
            elif two_way:
                # S B: taken off the target's list, and removals don't travel
                draft.skip(Side.TARGET, key, here, "removed_at_target")
            elif not agreed.target:
                # S B, missing for the first time: the read may be stale
                draft.skip(Side.TARGET, key, here, WAITS)
            else:
                # S B, missing again: in a one-way pair the source decides
                draft.add(Side.TARGET, key, here, "missing_at_target")
        elif there is not None and two_way:
            if agreed is None:
                # T, never agreed: new at the target
                draft.add(Side.SOURCE, key, there, "only_at_target")
            else:
                # T B: taken off the source's list, and removals don't travel
                draft.skip(Side.SOURCE, key, there, "removed_at_source")
        # T in a one-way pair: the target's own business


PLANNERS: Mapping[Feature, Callable[[Snapshot, Snapshot, Draft], None]] = {
    Feature.WATCHLIST: _plan_watchlist,
    Feature.HISTORY: plan_history,
    Feature.RATINGS: plan_ratings,
    Feature.PROGRESS: plan_progress,
}
