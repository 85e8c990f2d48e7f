"""What a person has said about single changes: they are left out until their item changes.

Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import sqlite3

from .models import APART, Action, Change, Entry, Feature, Play, Side, Values
from .values import value_of


class Decided(StrEnum):
    """What was said. It is the rule of the skip, too."""

    REJECTED = "rejected"  # a held plan was not wanted
    UNDONE = "undone"  # a run was taken back, and that is to stay so


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was said about a change of `key` at `side`. `fingerprint` None: about any change of it.

    `key` is as it was stored. `missed`: since when runs find the item nowhere, 0: they find it. `scope` is
    what both sides were read through when it was said: through another one, an item may be out of sight.
    """

    side: Side
    key: str
    kind: Decided
    fingerprint: str | None = None
    missed: int = 0
    scope: str | None = None

    def covers(self, change: Change, *, elsewhere: bool = False) -> bool:
        """Whether the change is the one it is about.

        `elsewhere`: see `is_elsewhere`. A value may be out of sight then, and would be set as a new one.
        """
        if self.fingerprint is None or self.fingerprint == fingerprint(change):
            return True
        if isinstance(change.entry, Play):
            # its key tells the time, which may have moved a little; older files have it here as well
            return self.fingerprint.startswith(change.action)
        return elsewhere and change.action is Action.ADD and self.fingerprint.startswith(Action.UPDATE)

    def missed_again(self, now: int) -> int | None:
        """Since when the item is nowhere, after one more look; None: for certain, so the decision is over."""
        return None if self.missed and self.missed + APART <= now else min(self.missed or now, now)

    def keeps_apart(self, values: Values | None) -> bool:
        """Whether it is about values that differ, and that are to stay so."""
        return values is not None and self.fingerprint == of_values(
            Action.UPDATE, values.at(self.side.other), values.at(self.side)
        )

    def is_elsewhere(self, scopes: Mapping[Side, str]) -> bool:
        """Whether the sides are now read through something else."""
        return self.scope is not None and self.scope != _joined(scopes)


def fingerprint(change: Change) -> str:
    """Return what a change does to its item: other values make another change of it."""
    new = "" if change.action is Action.REMOVE else _content(change.entry)
    return of_values(change.action, new, _content(change.before))


def of_values(action: Action, new: int | str, before: int | str) -> str:
    """Return the fingerprint of a change from one value to another."""
    return f"{action} {new} {before}".rstrip()


def _joined(scopes: Mapping[Side, str]) -> str:
    return " ".join(scopes[side] for side in sorted(scopes))


def _content(entry: Entry | None) -> str:
    found = value_of(entry)
    return "" if found is None else str(found)


# --- the table ----------------------------------------------------------------------------------


def decide(
    db: sqlite3.Connection,
    pair: str,
    feature: Feature,
    decisions: Iterable[Decision],
    *,
    run: str | None,
    now: int,
) -> None:
    """Remember decisions; the last one about an item counts."""
    hashes = db.execute("SELECT side, hash FROM scope WHERE pair = ? AND feature = ?", (pair, feature))
    scope = _joined({Side(side): value for side, value in hashes}) or None
    db.executemany(
        "INSERT OR REPLACE INTO decision "
        "(pair, feature, side, key, kind, fingerprint, run, at, missed, scope) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        [(pair, feature, d.side, d.key, d.kind, d.fingerprint, run, now, scope) for d in decisions],
    )


def load(db: sqlite3.Connection, pair: str, feature: Feature) -> tuple[Decision, ...]:
    """Return all decisions about a feature, the oldest first."""
    rows = db.execute(
        "SELECT side, key, kind, fingerprint, missed, scope FROM decision WHERE pair = ? AND feature = ? "
        "ORDER BY at, side, key",
        (pair, feature),
    )
    return tuple(
        Decision(side=Side(side), key=key, kind=Decided(kind), fingerprint=print_, missed=missed, scope=scope)
        for side, key, kind, print_, missed, scope in rows
    )


def follow(
    db: sqlite3.Connection, pair: str, feature: Feature, changed: Mapping[tuple[Side, str], int | None]
) -> None:
    """Note since when the items of decisions are nowhere; None: the decision is over."""
    for (side, key), missed in changed.items():
        if missed is None:
            db.execute(
                "DELETE FROM decision WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
                (pair, feature, side, key),
            )
        else:
            db.execute(
                "UPDATE decision SET missed = ? WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
                (missed, pair, feature, side, key),
            )
