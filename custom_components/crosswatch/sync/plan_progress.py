"""Resume positions: the newest one counts, and one that is gone is never a clear.

Values are milliseconds. Services keep positions less exactly than they are sent, and date them with the
moment they are told; so what is compared is what each side showed when both agreed, not the other side.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
import sys
from typing import cast

from .draft import SETTLES, Draft
from .keyed import keys_of, newest_by_key
from .models import Play, Resume, Side, Snapshot, Values
from .values import Told, Written, changed_alone, has_changed, is_old_news, told

LATEST = sys.maxsize
PERCENT = 100
EXACT = 1000
"""Milliseconds by which every service may round."""


def plan_progress(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    """Plan the resume positions of both sides."""
    at_source = newest_by_key(source.entries, Resume, Side.SOURCE, draft)
    at_target = newest_by_key(target.entries, Resume, Side.TARGET, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    finished = {
        Side.SOURCE: _finished(source.finished, draft),
        Side.TARGET: _finished(target.finished, draft),
    }
    for key in at_source.keys() | at_target.keys():
        here, there = at_source.get(key), at_target.get(key)
        if here is not None and there is not None:
            _plan_both(key, here, there, draft)
        elif here is not None:
            _plan_missing(key, here, Side.TARGET, finished[Side.TARGET], draft)
        elif there is not None and draft.context.two_way:
            _plan_missing(key, there, Side.SOURCE, finished[Side.SOURCE], draft)
        # T in a one-way pair: the target's own business


def _plan_both(key: str, here: Resume, there: Resume, draft: Draft) -> None:
    agreed = draft.context.values.get(key)
    if agreed is not None and (here.position_ms, there.position_ms) == (agreed.source, agreed.target):
        # S T B, as it was agreed
        draft.agree(key)
        return
    by_source, by_target = draft.written(Side.SOURCE, key), draft.written(Side.TARGET, key)
    stale = is_old_news(here, by_source, agreed, Side.SOURCE)
    if stale or is_old_news(there, by_target, agreed, Side.TARGET):
        # a side shows once more what we have just replaced: the read is stale
        draft.skip(Side.SOURCE if stale else Side.TARGET, key, here, SETTLES)
        return
    told_here, told_there = _told(here, by_source), _told(there, by_target)
    least = 1000 * draft.context.settings.least_move
    winner = changed_alone(agreed, told_here, told_there, least)
    rule = f"moved_at_{winner}"
    ahead = told_here.value - _on_scale_of(here, there, told_there.value)
    if winner is None and agreed is not None and not has_changed(agreed, Side.SOURCE, told_here, least):
        # S T B, neither has moved by the least move (else both have): what was agreed stays the measure
        draft.agree(key)
        return
    if abs(ahead) < least:
        # S T, one position as far as anybody cares
        draft.agree_on(key, Values(here.position_ms, there.position_ms))
        return
    if winner is None:
        further = Side.SOURCE if ahead > 0 else Side.TARGET
        winner, rule = _conflict(told_here, told_there, further=further, draft=draft)
    if winner is Side.SOURCE:
        _write(key, _instead(there, here), there, Side.TARGET, rule, draft=draft)
    elif draft.context.two_way:
        _write(key, _instead(here, there), here, Side.SOURCE, rule, draft=draft)
    else:
        # T is the newer one, in a one-way pair: never back behind it
        draft.skip(Side.TARGET, key, here, "newer_at_target")


def _finished(plays: Iterable[Play], draft: Draft) -> dict[str, int]:
    """When items were last watched to their end, by key. Without a date it may have been just now."""
    found: dict[str, int] = {}
    for play in plays:
        for key in keys_of([play.item], draft):
            at = LATEST if play.watched_at is None else play.watched_at
            found[key] = max(at, found.get(key, at))
    return found


def _plan_missing(key: str, entry: Resume, side: Side, finished: Mapping[str, int], draft: Draft) -> None:
    """Plan a position that only the side other than `side` has."""
    agreed, values = draft.agreed_before(key, entry), draft.context.values.get(key)
    written = draft.written(side.other, key)
    least = 1000 * draft.context.settings.least_move
    tolerance = draft.context.settings.clock_tolerance
    if key in finished and (entry.at is None or entry.at <= finished[key] + tolerance):
        # watched to its end there since, as far as anybody knows: there is nothing to resume
        draft.skip(side, key, entry, f"watched_at_{side}")
    elif is_old_news(entry, written, values, side.other):
        # the other side shows once more what we have just replaced: the read is stale
        draft.skip(side, key, entry, SETTLES)
    elif agreed is None:
        # never agreed: a new position
        _write(key, entry, None, side, f"only_at_{side.other}", draft=draft)
    elif values is not None and has_changed(values, side.other, _told(entry, written), least):
        # agreed, gone here, and watched on there; missing for the first time the read may hide a later one
        _write(key, entry, None, side, f"moved_at_{side.other}", draft=draft)
    else:
        # agreed, gone here: watched to its end or cleared, and neither is told by an absence
        draft.skip(side, key, entry, f"gone_at_{side}")


def _write(
    key: str,
    entry: Resume,
    before: Resume | None,
    side: Side,
    rule: str,
    *,
    draft: Draft,
) -> None:
    """Plan a position for a side, unless it is too near to either end to be kept there."""
    settings, able = draft.context.settings, draft.context.able(side)
    percent = PERCENT * entry.position_ms / entry.duration_ms if entry.duration_ms else None
    if entry.position_ms < 1000 * settings.least_position or (
        percent is not None and percent < able.least_percent
    ):
        draft.skip(side, key, entry, "too_early")
    elif percent is not None and percent >= min(settings.most_percent, able.complete_percent):
        # from there on the side takes the item for watched, which nobody has said
        draft.skip(side, key, entry, "near_the_end")
    elif before is None:
        draft.add(side, key, entry, rule)
    else:
        draft.update(side, key, entry, before, rule)


def _conflict(here: Told, there: Told, *, further: Side, draft: Draft) -> tuple[Side, str]:
    """Return whose position counts where both moved or nothing was agreed: the newest, then the further."""
    if here.at is not None and there.at is not None:
        later = here.at - there.at
        if abs(later) > draft.context.settings.clock_tolerance:
            winner = Side.SOURCE if later > 0 else Side.TARGET
            return winner, f"newer_at_{winner}"
    # undated, or at once as far as clocks can tell: nothing that was watched is forgotten
    return further, f"further_at_{further}"


def _on_scale_of(entry: Resume, other: Resume, position: int) -> int:
    """Return a position within `other` as one within `entry`: two cuts of a film are as long as they are."""
    if not entry.duration_ms or not other.duration_ms:
        return position
    return round(position * entry.duration_ms / other.duration_ms)


def _instead(held: Resume, wanted: Resume) -> Resume:
    """Return what a side is to hold: its own title under the ids it knows, with the other's position."""
    return Resume(
        item=held.item,
        position_ms=wanted.position_ms,
        duration_ms=wanted.duration_ms or held.duration_ms,
        at=wanted.at,
        remote_id=held.remote_id,
    )


def _told(entry: Resume, written: Written | None) -> Told:
    """Return what a position says; what we wrote counts as it lies in this cut of the film."""
    counts = told(entry, written, is_echo)
    if written is None or not counts.ours:
        return counts
    return replace(counts, value=_on_scale_of(entry, _sent(written), counts.value))


def _sent(written: Written) -> Resume:
    # nothing else is written under the key of a position
    return cast("Resume", written.entry)


def is_echo(shown: Resume, written: Written) -> bool:
    """Whether a side may have made this of what we wrote: a service may keep whole percents only.

    Where the old position still stands, and no answer came, it was not written.
    """
    sent = _sent(written)
    if shown.position_ms == written.before and not written.answered:
        return False
    apart = abs(_on_scale_of(sent, shown, shown.position_ms) - sent.position_ms)
    return PERCENT * apart <= (sent.duration_ms or 0) or apart <= EXACT
