"""A run planned backwards: what it added is taken away, what it changed or took away is put back.

Only what still stands as the run left it is touched. What was undone stays so until its item changes: the
baseline no longer says that both sides agree on it, and a decision keeps it from being planned anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from .decisions import Decided, Decision, fingerprint, of_values
from .draft import Draft
from .identity import item_of, play_key
from .keyed import by_key, keys_of, newest_by_key
from .lines import Line
from .looking import Look
from .models import (
    Action,
    Change,
    Entry,
    Feature,
    Plan,
    Play,
    Rating,
    Resume,
    Side,
    Skip,
    Unresolved,
    Values,
)
from .ordering import order
from .plan_history import plays_by_item
from .plan_progress import is_echo as is_same_position
from .plan_ratings import is_echo as is_same_rating
from .values import Written, value_of

UNDONE = "undone"
"""Rule of everything that is planned here."""

GONE, CHANGED, BACK = "gone_since", "changed_since", "back_already"
"""Rules of what is left as it is."""

ELSEWHERE = "written_elsewhere"
"""Reason of what was written through another account, server, library selection or list."""

DATE_IS_NOW = "date_is_now"
"""Reason told of a play that is put back where the service dates it itself."""

UNSUPPORTED = "unsupported_action"


class NothingToUndoError(Exception):
    """There is no such run of the pair, or it changed nothing in these features."""


class TooOldToUndoError(NothingToUndoError):
    """The journal does not tell any more what the run has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undoing:
    """What is to be done, and to be remembered before: decisions, keys that say nothing any more, values."""

    plan: Plan
    decisions: tuple[Decision, ...]
    forgotten: frozenset[str]
    values: Mapping[str, Values]


class Standing:
    """What stands at both sides, by key."""

    def __init__(self, look: Look) -> None:
        """Take it from what was read."""
        self._undated = {side for side in Side if not look.context.able(side).dated}
        draft = Draft(look.plan.feature, look.context)
        self._entries = {side: _by_key(look, side, draft) for side in Side}
        self._watched = {side: keys_of(look.read[side].watched, draft) for side in Side}

    def at(self, side: Side, key: str) -> Entry | None:
        """Return what stands there."""
        return self._entries[side].get(key)

    def is_undated(self, side: Side, entry: Entry) -> bool:
        """Whether the side knows nothing of a play but that its item is watched."""
        return side in self._undated and isinstance(entry, Play)

    def is_watched(self, side: Side, key: str) -> bool:
        """Whether a side counts the item of a play as watched."""
        return item_of(key) in self._watched[side] or bool(self.plays(side, key))

    def plays(self, side: Side, key: str) -> list[str]:
        """Return the keys of all plays of the item."""
        return [each for each in self._entries[side] if item_of(each) == item_of(key)]

    def confirms(self, change: Change) -> bool:
        """Whether a change was seen to have been done."""
        if self.is_undated(change.side, change.entry):
            return self.is_watched(change.side, change.key) is (change.action is not Action.REMOVE)
        found = self.at(change.side, change.key)
        if change.action is Action.REMOVE:
            return found is None
        return found is not None and _is_ours(found, change.entry)


def plan_undo(lines: Iterable[Line], look: Look) -> Undoing:
    """Plan what a run has written of one feature, `lines`, backwards."""
    return _Undo(look).plan([line for line in lines if line.feature is look.plan.feature])


@dataclass(slots=True)
class _Undo:
    look: Look
    standing: Standing = field(init=False)
    changes: list[Change] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)
    decisions: dict[tuple[Side, str], Decision] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    values: dict[str, Values] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.standing = Standing(self.look)

    def plan(self, lines: list[Line]) -> Undoing:
        for line in lines:
            if not line.may_stand:
                continue
            key = self.look.aliases.current(line.key)
            if line.scope != self.look.scopes[line.side]:
                self._refuse(line.side, key, line.entry, ELSEWHERE)
            elif line.action is Action.ADD:
                self._take_away(line, key)
            elif line.action is Action.UPDATE:
                self._put_back_value(line, key)
            else:
                self._put_back(line, key)
        stored = self.look.stored
        return Undoing(
            plan=Plan(
                feature=self.look.plan.feature,
                changes=tuple(sorted(self.changes, key=order)),
                unresolved=tuple(sorted(self.unresolved, key=lambda row: (row.side, row.key))),
                skipped=tuple(sorted(self.skipped, key=lambda row: (row.key, row.rule, row.side))),
            ),
            decisions=tuple(self.decisions.values()),
            forgotten=frozenset(old for key in self.forgotten for old in (key, *stored.get(key, ()))),
            values={
                old: values for key, values in self.values.items() for old in (key, *stored.get(key, ()))
            },
        )

    def _take_away(self, line: Line, key: str) -> None:
        """Plan to take away what the run has added."""
        found = self.standing.at(line.side, key)
        if self.standing.is_undated(line.side, line.entry):
            plays = self.standing.plays(line.side, key)
            if not self.standing.is_watched(line.side, key):
                self._skip(line, key, GONE)
                return
            if any(play != key for play in plays):
                # somebody has watched it since, and nothing tells one watching from the other
                self._skip(line, key, CHANGED)
                return
            found = found or line.entry
        elif found is None:
            self._skip(line, key, GONE)
            return
        elif not _is_ours(found, line.entry):
            self._skip(line, key, CHANGED)
            return
        found = replace(found, item=found.item.named_like(line.entry.item))
        if self._plan(line.side, Action.REMOVE, key, found, before=found):
            self._decide(line.side, key, line.entry)
            self.forgotten.add(key)

    def _put_back_value(self, line: Line, key: str) -> None:
        """Plan to put back the value that the run has replaced."""
        found, before = self.standing.at(line.side, key), line.before
        if found is None or before is None:
            self._skip(line, key, GONE)
            return
        if not _is_ours(found, line.entry):
            self._skip(line, key, CHANGED)
            return
        found = replace(found, item=found.item.named_like(line.entry.item))
        entry = replace(before, item=found.item, remote_id=found.remote_id)
        if self._plan(line.side, Action.UPDATE, key, entry, before=found):
            # as it is then, it is agreed: only another change is one
            other = self.standing.at(line.side.other, key) or line.entry
            here, there = value_of(before) or 0, value_of(other) or 0
            ours = line.side is Side.SOURCE
            self.values[key] = Values(here, there) if ours else Values(there, here)
            # and where that is forgotten, because the sides are read through something else
            for side, new, old in ((line.side, there, here), (line.side.other, here, there)):
                if self.look.context.may_write(side):
                    self._remember(side, key, of_values(Action.UPDATE, new, old))

    def _put_back(self, line: Line, key: str) -> None:
        """Plan to put back what the run has taken away."""
        undated = self.standing.is_undated(line.side, line.entry)
        if self.standing.at(line.side, key) is not None or (
            undated and self.standing.is_watched(line.side, key)
        ):
            self._skip(line, key, BACK)
            return
        entry = replace(line.before or line.entry, remote_id=None)
        if self._plan(line.side, Action.ADD, key, entry):
            self._decide(line.side.other, key, entry)
            self.forgotten.add(key)
            if undated:
                self._refuse(line.side, key, entry, DATE_IS_NOW)

    def _plan(
        self, side: Side, action: Action, key: str, entry: Entry, *, before: Entry | None = None
    ) -> bool:
        feature, able = self.look.plan.feature, self.look.context.able(side)
        can = {Action.ADD: able.add, Action.UPDATE: able.update, Action.REMOVE: able.remove}[action]
        reason = self.look.context.refusal(side, feature, action, entry) or (None if can else UNSUPPORTED)
        if reason is not None:
            self._refuse(side, key, entry, reason)
            return False
        self.changes.append(
            Change(
                feature=feature, side=side, action=action, key=key, entry=entry, rule=UNDONE, before=before
            )
        )
        return True

    def _decide(self, side: Side, key: str, entry: Entry) -> None:
        """Keep an add from being planned anew. A play is one whatever its time looks like later."""
        feature = self.look.plan.feature
        add = Change(feature=feature, side=side, action=Action.ADD, key=key, entry=entry, rule=UNDONE)
        self._remember(side, key, None if isinstance(entry, Play) else fingerprint(add))

    def _remember(self, side: Side, key: str, print_: str | None) -> None:
        self.decisions[side, key] = Decision(side=side, key=key, kind=Decided.UNDONE, fingerprint=print_)

    def _refuse(self, side: Side, key: str, entry: Entry, reason: str) -> None:
        feature = self.look.plan.feature
        self.unresolved.append(Unresolved(feature=feature, side=side, key=key, reason=reason, entry=entry))

    def _skip(self, line: Line, key: str, rule: str) -> None:
        self.skipped.append(Skip(side=line.side, key=key, rule=rule, entry=line.entry))


def _by_key(look: Look, side: Side, draft: Draft) -> Mapping[str, Entry]:
    entries = look.read[side].entries
    feature = look.plan.feature
    if feature is Feature.RATINGS:
        return newest_by_key(entries, Rating, side, draft)
    if feature is Feature.PROGRESS:
        return newest_by_key(entries, Resume, side, draft)
    if feature is Feature.WATCHLIST:
        return by_key(entries, side, draft)
    found = plays_by_item(entries, side, draft, set())
    return {play_key(item, play.watched_at): play for item, rows in found.items() for play in rows}


def _is_ours(found: Entry, written: Entry) -> bool:
    """Whether an entry is what the service may have made of what was written."""
    ours = Written(entry=written, before=None, answered=True)
    match found:
        case Rating():
            return is_same_rating(found, ours)
        case Resume():
            return is_same_position(found, ours)
    return True
