"""What a person has said about single changes: they are left out until their item changes.

Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import sqlite3

from .models import Action, Change, Entry, Feature, Play, Side
from .values import value_of

MISSES = 2
"""Runs in a row that find an item on neither side, after which a decision about it is over."""


class Decided(StrEnum):
    """What was said. It is the rule of the skip, too."""

    REJECTED = "rejected"  # a held plan was not wanted
    UNDONE = "undone"  # a run was taken back, and that is to stay so


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was said about a change of `key` at `side`. `fingerprint` None: about any change of it.

    `key` is as it was stored. `missed`: so many runs in a row found the item nowhere.
    """

    side: Side
    key: str
    kind: Decided
    fingerprint: str | None = None
    missed: int = 0

    def covers(self, change: Change) -> bool:
        """Whether the change is the one it is about."""
        return self.fingerprint is None or self.fingerprint == fingerprint(change)


def fingerprint(change: Change) -> str:
    """Return what a change does to its item: other values make another change of it."""
    new = "" if change.action is Action.REMOVE else _content(change.entry)
    return f"{change.action} {new} {_content(change.before)}".rstrip()


def _content(entry: Entry | None) -> str:
    found = entry.watched_at if isinstance(entry, Play) else entry and value_of(entry)
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
    db.executemany(
        "INSERT OR REPLACE INTO decision (pair, feature, side, key, kind, fingerprint, run, at, missed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
        [(pair, feature, d.side, d.key, d.kind, d.fingerprint, run, now) for d in decisions],
    )


def load(db: sqlite3.Connection, pair: str, feature: Feature) -> tuple[Decision, ...]:
    """Return all decisions about a feature, the oldest first."""
    rows = db.execute(
        "SELECT side, key, kind, fingerprint, missed FROM decision WHERE pair = ? AND feature = ? "
        "ORDER BY at, side, key",
        (pair, feature),
    )
    return tuple(
        Decision(side=Side(side), key=key, kind=Decided(kind), fingerprint=print_, missed=missed)
        for side, key, kind, print_, missed in rows
    )


def follow(
    db: sqlite3.Connection, pair: str, feature: Feature, changed: Mapping[tuple[Side, str], int | None]
) -> None:
    """Note for how many runs the items of decisions were nowhere; None: the decision is over."""
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
