"""History: plays are events, and a union of both sides' is what both should hold.

A side that can't date plays (`Capability.dated`) is written once per item at most: there a title is
watched or not, whatever plays the other side knows. What it makes of our write is recognised by the ledger.
"""

from collections.abc import Iterable, Sequence
from functools import partial

from .draft import SETTLES, WAITS, Draft
from .identity import play_key
from .keyed import item_key, keys_of, rank
from .ledger import true_play
from .matching import match_plays
from .models import Entry, Play, Side, Snapshot

type _Left = tuple[str, Side, list[Play], tuple[int, ...]]
"""An item, the side that lacks plays of it, the other side's plays, and the places of the lacking ones."""


def plan_history(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    """Plan the plays of both sides."""
    echoes: set[tuple[Side, str]] = set()
    at_source = _plays_by_item(source.entries, Side.SOURCE, draft, echoes)
    at_target = _plays_by_item(target.entries, Side.TARGET, draft, echoes)
    left: list[_Left] = []
    for item in at_source.keys() | at_target.keys():
        here, there = at_source.get(item, []), at_target.get(item, [])
        keys_here = [play_key(item, play.watched_at) for play in here]
        keys_there = [play_key(item, play.watched_at) for play in there]
        matched = match_plays(here, there, draft.context.settings.play_window, partial(_known, draft, item))
        for i, j in matched.pairs:
            # S T within the window: one play, known by both times, since each side keeps its own
            draft.agree(keys_here[i], keys_there[j])
        draft.see(Side.SOURCE, keys_here)
        draft.see(Side.TARGET, keys_there)
        if matched.only_here:
            left.append((item, Side.TARGET, here, matched.only_here))
        if matched.only_there and draft.context.two_way:
            left.append((item, Side.SOURCE, there, matched.only_there))
        # plays of the target in a one-way pair: the target's own business
    watched = {
        Side.SOURCE: _watched(source, Side.SOURCE, at_source.keys(), left, draft),
        Side.TARGET: _watched(target, Side.TARGET, at_target.keys(), left, draft),
    }
    for item, side, plays, missing in left:
        if draft.context.able(side).dated:
            _plan_plays(item, plays, missing, side, draft, echoes=echoes)
        elif item in watched[side]:
            # watched at least once there: all that the side can say about any of these plays
            draft.cover(side, (play_key(item, plays[place].watched_at) for place in missing))
        else:
            _plan_mark(item, plays, missing, side, draft)


def _watched(
    snapshot: Snapshot, side: Side, played: Iterable[str], left: Sequence[_Left], draft: Draft
) -> frozenset[str]:
    """Items that a side which can't date plays counts as watched, if it lacks any play at all."""
    if draft.context.able(side).dated or not any(lacks is side for _, lacks, _, _ in left):
        return frozenset()
    return frozenset(played) | keys_of(snapshot.watched, draft)


def _plan_mark(item: str, plays: Sequence[Play], missing: Sequence[int], side: Side, draft: Draft) -> None:
    """Plan to mark an item at a side that can't date plays and does not count it as watched: once."""
    keys = {place: play_key(item, plays[place].watched_at) for place in missing}
    known = {place: draft.recognise(item, keys[place], plays[place].watched_at) for place in missing}
    last_known = max((_age(plays[place]) for place in missing if known[place]), default=None)
    news = [place for place in missing if last_known is None or _age(plays[place]) > last_known]
    # the newest one stands for all, of those the side can take
    chosen = max(news, key=lambda p: (not draft.refused(side, plays[p]), _age(plays[p]), p), default=None)
    stands = chosen if news else max(missing, key=lambda p: (known[p], _age(plays[p]), p))
    for place in missing:
        play, key = plays[place], keys[place]
        agreed = draft.agreed_before(key)
        if draft.settles_item(item):
            # any mark of this item counts for all its plays, and a second one would count twice
            draft.skip(side, key, play, SETTLES)
        elif chosen is None and draft.context.two_way:
            # agreed before, or older than such a play: marked unwatched there, and that must stay so
            draft.skip(side, key, play, f"removed_at_{side}")
        elif place != stands:
            # one play stands for all
            draft.skip(side, key, play, "covered_by_newest")
        elif agreed is None:
            # never agreed, nor any later play: a new watching
            draft.add(side, key, play, f"only_at_{side.other}")
        elif not agreed.target:
            # agreed before, missing for the first time: the read may be stale
            draft.skip(side, key, play, WAITS)
        else:
            # agreed before, missing again: in a one-way pair the source decides
            draft.add(side, key, play, "missing_at_target")


def _plan_plays(
    item: str,
    plays: Sequence[Play],
    missing: Iterable[int],
    side: Side,
    draft: Draft,
    *,
    echoes: set[tuple[Side, str]],
) -> None:
    """Plan the plays of one item that `side` lacks: `missing` are their places in those of the other side."""
    lacking = dict.fromkeys(missing)
    standing = [play.watched_at for place, play in enumerate(plays) if place not in lacking]
    keys = {place: play_key(item, plays[place].watched_at) for place in lacking}
    known = {place: draft.recognise(item, key, plays[place].watched_at) for place, key in keys.items()}
    # of two records of one watching the known one stands for it, then the one that can be written
    for place in sorted(lacking, key=lambda place: (not known[place], draft.refused(side, plays[place]))):
        play, key = plays[place], keys[place]
        agreed = draft.agreed_before(key)
        if _stands_for(standing, play.watched_at, draft.context.settings.play_window):
            # two rows of one watching: the other row stands for both
            draft.skip(side, key, play, "recorded_twice")
            continue
        standing.append(play.watched_at)
        if agreed is None and (side.other, key) in echoes:
            # our own mark: its play came from here, and is gone or not shown now
            draft.skip(side, key, play, "our_own_mark")
        elif agreed is None:
            # never agreed: a new play
            draft.add(side, key, play, f"only_at_{side.other}")
        elif draft.context.two_way:
            # agreed before, gone from this side: removals don't travel, and it must not come back
            draft.skip(side, key, play, f"removed_at_{side}")
        elif not agreed.target:
            # agreed before, missing for the first time: the read may be stale
            draft.skip(side, key, play, WAITS)
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


def _age(play: Play) -> tuple[bool, int]:
    """Order of plays by time; one without a date is older than all others."""
    return (play.watched_at is not None, play.watched_at or 0)


def _plays_by_item(
    entries: Iterable[Entry], side: Side, draft: Draft, echoes: set[tuple[Side, str]]
) -> dict[str, list[Play]]:
    """Plays by item as they truly were, oldest first, those without a date last.

    `echoes` takes the sides and keys of plays that this pair has written itself.
    """
    found: dict[str, list[Play]] = {}
    for entry in entries:
        if isinstance(entry, Play) and (item := item_key(entry, side, draft)) is not None:
            play = entry
            if marks := draft.marks(side, item):
                play, mark = true_play(entry, marks)
                if mark is not None and mark.ours:
                    echoes.add((side, play_key(item, play.watched_at)))
            found.setdefault(item, []).append(play)
    for plays in found.values():
        if len(plays) > 1:
            plays.sort(key=lambda play: (play.watched_at is None, play.watched_at or 0, rank(play)))
    return found
