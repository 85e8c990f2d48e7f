"""The planners: pure functions from what was read to what should be done. They talk to nobody.

Each if-tree is the truth table of its feature. S and T are source and target, B the baseline: what
both sides were last *seen* to agree on. Nothing is removed here: see `docs/sync-rules.md`.
"""

from collections.abc import Callable, Mapping
from typing import cast

from .context import Context
from .draft import Draft
from .keyed import by_key
from .models import Entry, Feature, Plan, Side, Snapshot, Values, WatchlistEntry
from .plan_history import plan_history
from .plan_progress import plan_progress
from .plan_ratings import plan_ratings


def plan(source: Snapshot, target: Snapshot, context: Context) -> Plan:
    """Plan one feature. The aliases must have learned the items of both snapshots."""
    draft = Draft(source.feature, context)
    PLANNERS[source.feature](source, target, draft)
    made = draft.finish()
    draft.let_go()
    return made


def _plan_watchlist(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    at_source = by_key(source.entries, Side.SOURCE, draft)
    at_target = by_key(target.entries, Side.TARGET, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    for key in at_source.keys() & at_target.keys():
        # S T: both list it, each since its own day
        draft.agree_on(key, Values(_listed_at(at_source[key]), _listed_at(at_target[key])))
    for key in at_source.keys() - at_target.keys():
        _plan_unlisted(key, at_source[key], Side.TARGET, draft)
    for key in at_target.keys() - at_source.keys():
        _plan_unlisted(key, at_target[key], Side.SOURCE, draft)


def _plan_unlisted(key: str, entry: Entry, side: Side, draft: Draft) -> None:
    """Plan what only the side other than `side` lists."""
    listed, may_write, values = side.other, draft.context.may_write(side), draft.context.values.get(key)
    day = values.at(listed) if values is not None else 0
    same = _listed_at(entry) <= day if day and _listed_at(entry) else None
    agreed = draft.agreed_before(key, entry, same=same)
    if agreed is None:
        # never agreed: new there; in a one-way pair what is new at the target is its own business
        if may_write:
            draft.add(side, key, entry, f"only_at_{listed}")
    elif 0 < day < _listed_at(entry):
        # agreed, gone here and listed anew there: an edit beats a removal
        if may_write:
            draft.add(side, key, entry, f"listed_again_at_{listed}")
        else:
            draft.skip(listed, key, entry, f"listed_again_at_{listed}")
    elif draft.context.two_way or side is Side.SOURCE:
        # agreed, taken off the list here
        draft.remove(listed, key, entry)
    else:
        # S B in a one-way pair: the source decides
        draft.add(side, key, entry, "missing_at_target")


def _listed_at(entry: Entry) -> int:
    """Return when it was listed, 0 where the side doesn't tell."""
    return cast("WatchlistEntry", entry).listed_at or 0


PLANNERS: Mapping[Feature, Callable[[Snapshot, Snapshot, Draft], None]] = {
    Feature.WATCHLIST: _plan_watchlist,
    Feature.HISTORY: plan_history,
    Feature.RATINGS: plan_ratings,
    Feature.PROGRESS: plan_progress,
}
