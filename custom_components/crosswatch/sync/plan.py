"""The planners: pure functions from what was read to what should be done. They talk to nobody.

Each if-tree is the truth table of its feature. S and T are source and target, B the baseline: what
both sides were last *seen* to agree on. Nothing is removed here: see `docs/sync-rules.md`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from .draft import WAITS, Context, Draft
from .identity import UNKNOWN, AmbiguousIdsError, play_key
from .matching import match_plays
from .models import Action, Direction, Entry, Feature, Kind, Plan, Play, Side, Snapshot


def plan(source: Snapshot, target: Snapshot, context: Context) -> Plan:
    """Plan one feature. The aliases must have learned the items of both snapshots."""
    draft = Draft(source.feature, context)
    PLANNERS[source.feature](source, target, draft)
    return draft.finish()


def _plan_watchlist(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    at_source = _by_key(source.entries, Side.SOURCE, draft)
    at_target = _by_key(target.entries, Side.TARGET, draft)
    draft.see(Side.SOURCE, at_source)
    draft.see(Side.TARGET, at_target)
    two_way = draft.context.direction is Direction.TWO_WAY
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
                draft.skip(key, here, "removed_at_target")
            elif not agreed.target:
                # S B, missing for the first time: the read may be stale
                draft.skip(key, here, WAITS)
            else:
                # S B, missing again: in a one-way pair the source decides
                draft.add(Side.TARGET, key, here, "missing_at_target")
        elif there is not None and two_way:
            if agreed is None:
                # T, never agreed: new at the target
                draft.add(Side.SOURCE, key, there, "only_at_target")
            else:
                # T B: taken off the source's list, and removals don't travel
                draft.skip(key, there, "removed_at_source")
        # T in a one-way pair: the target's own business


def _plan_history(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    at_source = _plays_by_item(source.entries, Side.SOURCE, draft)
    at_target = _plays_by_item(target.entries, Side.TARGET, draft)
    left: list[tuple[str, Side, list[Play], tuple[int, ...]]] = []
    for item in at_source.keys() | at_target.keys():
        here, there = at_source.get(item, []), at_target.get(item, [])
        keys_here = [play_key(item, play.watched_at) for play in here]
        keys_there = [play_key(item, play.watched_at) for play in there]
        matched = match_plays(here, there, draft.context.play_window, partial(_known, draft, item))
        for i, j in matched.pairs:
            # S T within the window: one play, known by both times, since each side keeps its own
            draft.agree(keys_here[i], keys_there[j])
        draft.see(Side.SOURCE, keys_here)
        draft.see(Side.TARGET, keys_there)
        if matched.only_here:
            left.append((item, Side.TARGET, here, matched.only_here))
        if matched.only_there and draft.context.direction is Direction.TWO_WAY:
            left.append((item, Side.SOURCE, there, matched.only_there))
        # plays of the target in a one-way pair: the target's own business
    for item, side, plays, missing in left:
        _plan_plays(item, plays, missing, side, draft)


def _plan_plays(item: str, plays: Sequence[Play], missing: Iterable[int], side: Side, draft: Draft) -> None:
    """Plan the plays of one item that `side` lacks: `missing` are their places in those of the other side."""
    lacking = dict.fromkeys(missing)
    standing = [play.watched_at for place, play in enumerate(plays) if place not in lacking]
    keys = {place: play_key(item, plays[place].watched_at) for place in lacking}
    known = {place: draft.recognise(item, key, plays[place].watched_at) for place, key in keys.items()}
    # of two records of one watching the known one stands for it, then the one that can be written
    for place in sorted(lacking, key=lambda place: (not known[place], draft.refused(side, plays[place]))):
        play, key = plays[place], keys[place]
        agreed = draft.agreed_before(key)
        if _stands_for(standing, play.watched_at, draft.context.play_window):
            # two rows of one watching: the other row stands for both
            draft.skip(key, play, "recorded_twice")
            continue
        standing.append(play.watched_at)
        if agreed is None:
            # never agreed: a new play
            draft.add(side, key, play, f"only_at_{side.other}")
        elif draft.context.direction is Direction.TWO_WAY:
            # agreed before, gone from this side: removals don't travel, and it must not come back
            draft.skip(key, play, f"removed_at_{side}")
        elif not agreed.target:
            # agreed before, missing for the first time: the read may be stale
            draft.skip(key, play, WAITS)
        else:
            # agreed before, missing again: in a one-way pair the source decides
            draft.add(side, key, play, "missing_at_target")


def _stands_for(standing: Iterable[int | None], at: int | None, window: int) -> bool:
    """Whether another play of the same side is the same watching."""
    if at is None:
        return None in standing
    return any(other is not None and abs(at - other) <= window for other in standing)


def _known(draft: Draft, item: str, play: Play) -> bool:
    return play_key(item, play.watched_at) in draft.context.baseline


def _by_key(entries: Iterable[Entry], side: Side, draft: Draft) -> dict[str, Entry]:
    """Entries by key. Copies of one title (two libraries) are one; what has no key is unresolved."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = _key(entry, side, draft)
        if key is not None:
            known = found.setdefault(key, entry)
            if known is not entry:
                found[key] = min(known, entry, key=_rank)
    return found


def _plays_by_item(entries: Iterable[Entry], side: Side, draft: Draft) -> dict[str, list[Play]]:
    """Plays by item, oldest first, those without a date last."""
    found: dict[str, list[Play]] = {}
    for entry in entries:
        if isinstance(entry, Play) and (key := _key(entry, side, draft)) is not None:
            found.setdefault(key, []).append(entry)
    for plays in found.values():
        if len(plays) > 1:
            plays.sort(key=lambda play: (play.watched_at is None, play.watched_at or 0, _rank(play)))
    return found


def _key(entry: Entry, side: Side, draft: Draft) -> str | None:
    """Return the key of what a side holds; None when it can't be told apart and so can't travel."""
    try:
        key = draft.context.aliases.key(entry.item)
    except AmbiguousIdsError as err:
        key, reason = str(err), "ambiguous"
        draft.blurred[side] |= draft.context.aliases.contested(entry.item)
    else:
        if not key.startswith(UNKNOWN):
            return key
        reason = draft.context.refusal(side.other, draft.feature, Action.ADD, entry) or "missing_ids"
    if side is Side.SOURCE or draft.context.direction is Direction.TWO_WAY:
        event = play_key(key, entry.watched_at) if isinstance(entry, Play) else key
        draft.refuse(side.other, event, entry, reason)
    return None


def _rank(entry: Entry) -> tuple[object, ...]:
    """Order of copies of one thing: first the one whose best id is best, which is likeliest to be taken."""
    item = entry.item
    ids = item.ids if item.kind in (Kind.MOVIE, Kind.SHOW) else item.show_ids
    lacking = (ids.tmdb is None, ids.imdb is None, ids.tvdb is None, ids.guid is None)
    return (lacking, ids.tokens(), item.title or "", entry.remote_id or "")


PLANNERS: Mapping[Feature, Callable[[Snapshot, Snapshot, Draft], None]] = {
    Feature.WATCHLIST: _plan_watchlist,
    Feature.HISTORY: _plan_history,
}
