"""History: plays are events, and a union of both sides' is what both should hold.

A side that can't date plays (`Capability.dated`) is written once per item at most: there a title is
watched or not, whatever plays the other side knows. What it makes of our write is recognised by the ledger.
What such a side does not show any more was taken away only where an event of its log has vanished, and
there nothing is taken away but the watched state, and that only with the last play of the item.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set as AbstractSet
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from itertools import chain
import math

from .collector import free
from .draft import SETTLES, Draft
from .identity import AmbiguousIdsError, play_key
from .keyed import could_hold, item_key, rank
from .ledger import true_play
from .matching import match_plays
from .models import CERTAIN, MARKED, Entry, Item, LogIds, Play, Side, Snapshot
from .ordering import nearest

type _Plays = Mapping[str, Sequence[Play]]
"""Plays of a side by item."""

UNMARKED = f"{MARKED}off"
"""Stands for the event of a play that was taken away elsewhere, and of which nothing is left but the log."""


def plan_history(source: Snapshot, target: Snapshot, draft: Draft) -> None:
    """Plan the plays of both sides."""
    history = _History({Side.SOURCE: source, Side.TARGET: target}, draft)
    history.match()
    history.plan()
    history.let_go()


class _History:
    """Both histories while they are planned."""

    def __init__(self, snapshots: Mapping[Side, Snapshot], draft: Draft) -> None:
        self._snapshots = snapshots
        self._draft = draft
        self._window = draft.context.settings.play_window
        self._undated = {side for side in Side if not draft.context.able(side).dated}
        self._echoes: set[tuple[Side, str]] = set()
        """Sides and keys of plays that this pair has written itself."""
        self._plays: dict[Side, _Plays] = {
            side: plays_by_item(snapshot.entries, side, draft, self._echoes)
            for side, snapshot in snapshots.items()
        }
        self._left: dict[tuple[str, Side], tuple[Sequence[Play], Sequence[int]]] = {}
        """Items and the sides that lack plays of them: the other side's, oldest first, and their places."""

    @cached_property
    def _marked(self) -> Mapping[Side, Mapping[str, Item]]:
        """Items that a side counts as watched, whatever plays it shows."""
        found: dict[Side, dict[str, Item]] = {}
        for side, snapshot in self._snapshots.items():
            items = found[side] = {}
            for item in snapshot.watched:
                with suppress(AmbiguousIdsError):
                    items.setdefault(self._draft.context.aliases.key(item), item)
        return found

    def _is_watched(self, item: str, side: Side) -> bool:
        return item in self._plays[side] or item in self._marked[side]

    def match(self) -> None:
        """Agree on what both sides show, and find what is left."""
        at_source, at_target = self._plays[Side.SOURCE], self._plays[Side.TARGET]
        # in the order they were read, which is that of memory: far quicker than a set's
        for item in chain(at_source, (item for item in at_target if item not in at_source)):
            here, there = at_source.get(item, []), at_target.get(item, [])
            keys_here = [play_key(item, play.watched_at) for play in here]
            keys_there = [play_key(item, play.watched_at) for play in there]
            self._draft.see(Side.SOURCE, keys_here)
            self._draft.see(Side.TARGET, keys_there)
            matched = match_plays(here, there, self._window, partial(_known, self._draft, item))
            for i, j in matched.pairs:
                # S T within the window: one play, known by both times, since each side keeps its own
                keys = {keys_here[i], keys_there[j]}
                self._draft.agree_play(keys, self._log_ids(here[i], there[j]))
                self._mark_again(item, {Side.SOURCE: here[i], Side.TARGET: there[j]}, keys)
            if matched.only_here:
                self._left[item, Side.TARGET] = (here, matched.only_here)
            if matched.only_there:
                self._left[item, Side.SOURCE] = (there, matched.only_there)
        for side in self._undated:
            if self._draft.removes(side):
                self._add_what_is_only_marked(side)

    def _mark_again(self, item: str, plays: Mapping[Side, Play], keys: AbstractSet[str]) -> None:
        """Plan to mark once more what we have marked unwatched, and whose play the other side has again.

        The log of a side that dates plays itself still shows the play: only its watched state tells.
        """
        taken = self._draft.context.taken
        for side in self._undated if taken else ():
            if any((side, key) in taken for key in keys) and item not in self._marked[side]:
                play = plays[side.other]
                self._draft.add(side, play_key(item, play.watched_at), play, f"only_at_{side.other}")

    def _log_ids(self, here: Play, there: Play) -> LogIds | None:
        if not self._undated:
            return None
        return LogIds(
            here.remote_id if Side.SOURCE in self._undated else None,
            there.remote_id if Side.TARGET in self._undated else None,
        )

    def _add_what_is_only_marked(self, side: Side) -> None:
        """Take agreed plays for held by a side that counts their items as watched, and nothing else."""
        baseline, taken = self._draft.context.baseline, self._draft.context.taken
        for item, times in self._draft.orphans().items():
            if item in self._plays[side.other] or item not in self._marked[side]:
                continue
            own = self._plays[side].get(item, [])
            shown = [play.watched_at for play in own if play.watched_at is not None]
            more = [
                Play(item=self._marked[side][item], watched_at=at)
                for at, key in times.items()
                # a mark of what it was without for certain, or because of us, is another watching
                if baseline[key].at(side) < (1 if (side, key) in taken else CERTAIN)
                and nearest(shown, at, self._window) is None
            ]
            self._draft.see(side, [play_key(item, play.watched_at) for play in more])
            plays = sorted([*own, *more], key=_age)
            self._left[item, side.other] = (plays, range(len(plays)))

    def plan(self) -> None:
        """Plan what is left."""
        for (item, side), (plays, missing) in self._left.items():
            if side in self._undated:
                self._plan_towards_undated(item, side, plays, missing)
            elif self._draft.context.may_write(side):
                self._plan_plays(item, side, plays, missing)
            else:
                # plays of the target in a one-way pair: its own business, unless they were agreed
                kept = [play.watched_at for place, play in enumerate(plays) if place not in missing]
                # a second record of what the source still has is not gone with the first
                lost = [p for p in missing if not _stands_for(kept, plays[p].watched_at, self._window)]
                known = [place for place in missing if self._recognise(item, plays[place]) and place in lost]
                gone = [plays[place].watched_at for place in known]
                doubles = [p for p in lost if _stands_for(gone, plays[p].watched_at, self._window)]
                self._take(item, side, plays, known, doubles)

    def let_go(self) -> None:
        """Free what was looked at, see `collector.free`."""
        free(*self._plays.values(), self._left)

    def _recognise(self, item: str, play: Play) -> bool:
        return self._draft.recognise(item, play_key(item, play.watched_at), play.watched_at)

    def _plan_plays(self, item: str, side: Side, plays: Sequence[Play], missing: Iterable[int]) -> None:
        """Plan the plays of one item that `side` lacks."""
        draft, other = self._draft, side.other
        lacking = dict.fromkeys(missing)
        standing = [play.watched_at for place, play in enumerate(plays) if place not in lacking]
        known = {place: self._recognise(item, plays[place]) for place in lacking}
        gone: list[int] = []
        doubles: list[int] = []
        # of two records of one watching the known one stands for it, then the one that can be written
        for place in sorted(lacking, key=lambda place: (not known[place], draft.refused(side, plays[place]))):
            play, key = plays[place], play_key(item, plays[place].watched_at)
            agreed = draft.agreed_before(key, play)
            if _stands_for(standing, play.watched_at, self._window):
                # two rows of one watching: the other row stands for both
                draft.skip(side, key, play, "recorded_twice")
                continue
            if _stands_for((plays[each].watched_at for each in gone), play.watched_at, self._window):
                # two rows of one watching that was taken away here: they go together
                doubles.append(place)
                continue
            if agreed is not None and draft.context.two_way:
                # agreed before, taken away here
                gone.append(place)
                continue
            standing.append(play.watched_at)
            if agreed is None and (other, key) in self._echoes:
                # our own mark: its play came from here, and is gone or not shown now
                draft.skip(side, key, play, "our_own_mark")
            elif agreed is None:
                # never agreed: a new play
                draft.add(side, key, play, f"only_at_{other}")
            else:
                # agreed before, in a one-way pair the source decides
                draft.add(side, key, play, "missing_at_target")
        self._take(item, side, plays, gone, doubles)

    def _plan_towards_undated(
        self, item: str, side: Side, plays: Sequence[Play], missing: Iterable[int]
    ) -> None:
        """Plan the plays of one item that a side lacks which dates plays itself."""
        missing = self._without_vanished_events(item, side, plays, missing)
        if not missing or not self._draft.context.may_write(side):
            return
        if self._is_watched(item, side):
            # watched at least once there: all that the side can say about any of these plays
            self._draft.cover(side, (play_key(item, plays[place].watched_at) for place in missing))
        else:
            self._plan_mark(item, side, plays, missing)

    def _without_vanished_events(
        self, item: str, side: Side, plays: Sequence[Play], missing: Iterable[int]
    ) -> list[int]:
        """Plan plays whose own event stood in the side's log, and return the places of the others."""
        others: list[int] = []
        gone: list[int] = []
        for place in missing:
            key = play_key(item, plays[place].watched_at)
            event = self._draft.log_id(side, key) if self._recognise(item, plays[place]) else None
            if event is None or event.startswith(MARKED):
                others.append(place)
            elif event in self._snapshots[side].events:
                # still there, without the ids of an item that has been deleted
                self._draft.agree(key)
                self._draft.see(side, [key])
            elif could_hold(self._snapshots[side], plays[place]) and self._draft.removes(side.other):
                gone.append(place)
            else:
                others.append(place)
        self._take(item, side, plays, gone)
        return others

    def _plan_mark(self, item: str, side: Side, plays: Sequence[Play], missing: Sequence[int]) -> None:
        """Plan to mark an item at a side that can't date plays and does not count it as watched: once."""
        draft = self._draft
        keys = {place: play_key(item, plays[place].watched_at) for place in missing}
        known = {place: self._recognise(item, plays[place]) for place in missing}
        ages = [_age(plays[place]) for place in missing if known[place]]
        last_known = max([*ages, *self._gone_from_both(item)], default=None)
        news = [place for place in missing if last_known is None or _age(plays[place]) > last_known]
        # the newest one stands for all, of those the side can take
        chosen = max(news, key=lambda place: (not draft.refused(side, plays[place]), place), default=None)
        stands = chosen if news else max(missing)
        for place in missing:
            play, key = plays[place], keys[place]
            agreed = draft.agreed_before(key, play)
            if draft.settles_item(item):
                # any mark of this item counts for all its plays, and a second one would count twice
                draft.skip(side, key, play, SETTLES)
            elif chosen is None and draft.context.two_way:
                # agreed before, or older than such a play: marked unwatched there, and that must stay so
                draft.skip(side, key, play, f"unwatched_at_{side}")
                if not known[place]:
                    # even when the play that was agreed is forgotten
                    draft.leave_without(side, key)
            elif place != stands:
                # one play stands for all
                draft.skip(side, key, play, "covered_by_newest")
            elif agreed is None:
                # never agreed, nor any later play: a new watching
                draft.add(side, key, play, f"only_at_{side.other}")
            else:
                # agreed before, in a one-way pair the source decides
                draft.add(side, key, play, "missing_at_target")

    def _gone_from_both(self, item: str) -> list[int]:
        """Times of agreed plays of an item that neither side shows any more, and not because of us."""
        context = self._draft.context
        times = self._draft.orphans().get(item, {}) if context.two_way else {}
        return [at for at, key in times.items() if not any((side, key) in context.taken for side in Side)]

    def _take(
        self,
        item: str,
        side: Side,
        plays: Sequence[Play],
        places: Sequence[int],
        doubles: Sequence[int] = (),
    ) -> None:
        """Plan to take away, at the other side, plays that were agreed and are gone from `side`.

        `doubles` are the places of further records of these.
        """
        draft, other = self._draft, side.other
        if not places:
            return
        keys = {place: play_key(item, plays[place].watched_at) for place in (*places, *doubles)}
        confirmed = {place: _confirmed(draft, keys[place], plays[place], side) for place in places}
        whole = other in self._undated and draft.removes(other)
        rule = self._rule_to_keep(item, side, plays, places) if whole else None
        newest = keys[max(places)]
        rows = Counter(keys.values())
        for place in {keys[place]: place for place in reversed((*places, *doubles))}.values():
            play, key = plays[place], keys[place]
            if rule is not None:
                draft.skip(other, key, play, rule)
                if item not in self._marked[other] and (other, key) in draft.context.taken:
                    # marked unwatched by us: should it be marked again, somebody has watched it once more
                    draft.note_event(other, key, UNMARKED)
            elif whole and key != newest:
                # one play stands for all
                draft.skip(other, key, play, "covered_by_newest")
            else:
                alone = not whole and place in confirmed
                sure = confirmed[place] if alone else all(confirmed.values())
                # rows of one time have one key, and go together: none of their ids may single one out
                every = play if rows[key] == 1 else replace(play, remote_id=None)
                draft.remove(other, key, every, once=not sure)

    def _rule_to_keep(
        self, item: str, side: Side, plays: Sequence[Play], places: Sequence[int]
    ) -> str | None:
        """Return why an item stays watched at the other side, which knows nothing but that of it."""
        if item not in self._marked[side.other]:
            # nothing is left to take away but the log
            return f"unwatched_at_{side.other}"
        keys = [play_key(item, plays[place].watched_at) for place in places]
        if all(self._draft.log_id(side.other, key) == UNMARKED for key in keys):
            return "other_plays_left"
        times = [plays[place].watched_at for place in places]
        if self._is_watched(item, side) or not all(
            _stands_for(times, play.watched_at, self._window) for play in plays
        ):
            return "other_plays_left"
        return None


def _confirmed(draft: Draft, key: str, play: Play, side: Side) -> bool:
    """Whether a side is without an agreed play for certain."""
    agreed = draft.agreed_before(key, play)
    return agreed is not None and agreed.confirmed(side, draft.context.now)


def _stands_for(standing: Iterable[int | None], at: int | None, window: int) -> bool:
    """Whether another play of the same side is the same watching."""
    if at is None:
        return None in standing
    return any(other is not None and abs(at - other) <= window for other in standing)


def _known(draft: Draft, item: str, play: Play) -> bool:
    return play_key(item, play.watched_at) in draft.context.baseline


def _age(play: Play) -> float:
    """Order of plays by time; one without a date is older than all others."""
    return -math.inf if play.watched_at is None else play.watched_at


def plays_by_item(
    entries: Iterable[Entry], side: Side, draft: Draft, echoes: set[tuple[Side, str]]
) -> dict[str, list[Play]]:
    """Plays by item as they truly were, oldest first, those without a date before all others.

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
            plays.sort(key=lambda play: (_age(play), rank(play)))
    return found
