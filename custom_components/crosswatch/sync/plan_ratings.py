"""Ratings: one value for each title and label, which the person last gave on either side.

Values are tenths. They are compared in the unit of the side that would be written, so that what a side
can't express never bounces. `Values` of the baseline are what both sides showed when they agreed.
"""

from typing import cast

from .draft import SETTLES, Draft
from .keyed import could_hold, newest_by_key
from .models import Missing, Rating, Side, Snapshot, Values
from .values import Told, Written, changed_alone, has_changed, is_old_news, told

CLOCKS = 86_400
"""Seconds by which a service's clock and ours may differ at most."""

WHOLE, HALF = 10, 5
"""Tenths of a whole rating and of half a one: what services are known to round to."""


def plan_ratings(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    """Plan the ratings of both sides."""
    at_source = newest_by_key(source.entries, Rating, Side.SOURCE, draft)
    at_target = newest_by_key(target.entries, Rating, Side.TARGET, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    for key in at_source.keys() & at_target.keys():
        _plan_both(key, at_source[key], at_target[key], draft)
    for key in at_source.keys() - at_target.keys():
        _plan_missing(key, at_source[key], Side.TARGET, target, draft)
    for key in at_target.keys() - at_source.keys():
        _plan_missing(key, at_target[key], Side.SOURCE, source, draft)


def _plan_both(key: str, here: Rating, there: Rating, draft: Draft) -> None:
    agreed = draft.context.values.get(key)
    if agreed is not None and (here.tenths, there.tenths) == (agreed.source, agreed.target):
        # S T B, as it was agreed
        draft.agree(key)
        return
    by_source, by_target = draft.written(Side.SOURCE, key), draft.written(Side.TARGET, key)
    stale = is_old_news(here, by_source, agreed, Side.SOURCE)
    if stale or is_old_news(there, by_target, agreed, Side.TARGET):
        # a side shows once more what we have just replaced: the read is stale
        draft.skip(Side.SOURCE if stale else Side.TARGET, key, here, SETTLES)
        return
    counts = {Side.SOURCE: told(here, by_source, is_echo), Side.TARGET: told(there, by_target, is_echo)}
    steps = {side: draft.context.able(side).rating_step for side in Side}
    winner = changed_alone(agreed, counts[Side.SOURCE], counts[Side.TARGET])
    rule = f"changed_at_{winner}"
    # what one person changed counts wherever the other side can say it; else the coarser side decides
    step = max(steps.values()) if winner is None else steps[winner.other]
    if _is_same(counts[Side.SOURCE].value, counts[Side.TARGET].value, step):
        # S T, one value as far as both can say it
        draft.agree_on(key, Values(here.tenths, there.tenths))
        return
    if winner is None:
        winner, rule = _conflict(counts[Side.SOURCE], counts[Side.TARGET], draft)
    if winner is Side.TARGET and not draft.context.two_way:
        # T differs, in a one-way pair: the source decides
        winner, rule = Side.SOURCE, "source_decides"
    if winner is Side.SOURCE:
        draft.update(Side.TARGET, key, _instead(there, here), there, rule)
    else:
        draft.update(Side.SOURCE, key, _instead(here, there), here, rule)


def _plan_missing(key: str, entry: Rating, side: Side, snapshot: Snapshot, draft: Draft) -> None:
    """Plan a rating that only the side other than `side` has; `snapshot` is the read that lacks it."""
    values = draft.context.values.get(key)
    agreed = draft.agreed_before(key, entry, same=_is_same_act(key, entry, side.other, draft))
    rated, may_write = side.other, draft.context.may_write(side)
    written = draft.written(rated, key)
    counts = told(entry, written, is_echo)
    if agreed is None:
        # never agreed: a new rating; in a one-way pair one of the target is its own business
        if may_write:
            draft.add(side, key, entry, f"only_at_{rated}")
    elif is_old_news(entry, written, values, rated):
        # the side shows once more what we have just replaced: the read is stale
        draft.skip(side, key, entry, SETTLES)
    elif values is not None and (has_changed(values, rated, counts) or _is_since(counts, agreed, side)):
        # agreed, gone here and rated anew there: an edit beats a removal
        if may_write:
            draft.add(side, key, entry, f"changed_at_{rated}")
        else:
            draft.skip(rated, key, entry, f"changed_at_{rated}")
    elif draft.context.two_way or side is Side.SOURCE:
        # agreed, taken back here, unless it went with its item or nobody knows what was agreed
        proven = values is not None and could_hold(snapshot, entry)
        if values is not None and not proven:
            # should the item come back without its rating, nobody has taken that away either
            draft.doubt(key)
        draft.remove(rated, key, entry, proven=proven)
    else:
        # S B in a one-way pair: the source decides
        draft.add(side, key, entry, "missing_at_target")


def _is_same_act(key: str, entry: Rating, side: Side, draft: Draft) -> bool | None:
    """Whether what a side shows once more is the rating it had, not one given since; None: can't be told."""
    missing = draft.context.baseline.get(key)
    if missing is None or entry.rated_at is None:
        return None
    if entry.rated_at > missing.since(side):
        return False
    return True if entry.rated_at < missing.since(side) - CLOCKS else None


def _is_since(given: Told, missing: Missing, side: Side) -> bool:
    """Whether a rating, if with the value it had, was given after a side was first found without it."""
    return bool(missing.at(side)) and given.at is not None and given.at > missing.since(side)


def _conflict(here: Told, there: Told, draft: Draft) -> tuple[Side, str]:
    """Return whose rating counts where both changed or none was agreed: the newest, then the truth."""
    if here.at != there.at:
        # an undated rating loses against a dated one
        newer = here.at is not None and (there.at is None or here.at > there.at)
        winner = Side.SOURCE if newer else Side.TARGET
        return winner, f"newer_at_{winner}"
    return draft.context.settings.truth, "source_of_truth"


def _instead(held: Rating, wanted: Rating) -> Rating:
    """Return what a side is to hold: its own title under the ids it knows, with the other side's rating."""
    return Rating(
        item=held.item,
        tenths=wanted.tenths,
        label=held.label,
        rated_at=wanted.rated_at,
        remote_id=held.remote_id,
    )


def _is_same(one: int, other: int, step: int) -> bool:
    """Whether two values are one where ratings are kept in multiples of so many tenths."""
    return 2 * abs(one - other) <= step


def is_echo(shown: Rating, written: Written) -> bool:
    """Whether a side may have made this of what we wrote: the same, or rounded to halves or wholes.

    What stood there before is no rounding of it, as far as anybody can tell: it may not have been written.
    """
    # nothing else is written under the key of a rating
    sent = cast("Rating", written.entry)
    apart = abs(shown.tenths - sent.tenths)
    if not apart or shown.tenths == written.before:
        return not apart
    return (not shown.tenths % WHOLE and 2 * apart <= WHOLE) or (
        not shown.tenths % HALF and 2 * apart <= HALF
    )
