"""The ledger: plays written to a service that dates them itself, with the dates they truly have.

Such a service shows our write as a play of its own, now. The ledger tells that it is ours, so that it is
never taken for a new play, and which watching it stands for. Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import sqlite3

from .models import Action, Change, Outcome, OutcomeStatus, Play

ECHO = 120
"""Seconds by which the time of a play may differ from the one the service gave our write."""

LONGEST = 900
"""Seconds after its announcement in which a write that nobody knows the end of may have landed."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A play that was, or may have been, written: between `since` and `until` by the service's clock.

    `item` is the item's key, `watched_at` the true date (None: unknown). `ours`: this pair wrote it, so
    the play stands on the other side already.
    """

    item: str
    watched_at: int | None
    since: int
    until: int
    ours: bool = True

    def shows(self, at: int) -> bool:
        """Whether a play of the item at this time may be what became of the write."""
        return self.since - ECHO <= at <= self.until + ECHO

    def distance(self, at: int) -> int:
        """Seconds between the write and a time."""
        return max(self.since - at, at - self.until, 0)


type Marks = Mapping[str, tuple[Mark, ...]]
"""Marks by item."""


def true_play(play: Play, marks: Iterable[Mark]) -> tuple[Play, Mark | None]:
    """Return the play as it truly was, and the mark it is the echo of; `marks` are those of its item.

    Several rows may show one write: the log, the state of the item, a copy.
    """
    at = play.watched_at
    if at is None:
        return play, None
    near = [mark for mark in marks if mark.shows(at)]
    if not near:
        return play, None
    mark = min(near, key=lambda mark: (mark.distance(at), mark.since, mark.watched_at or 0))
    return Play(item=play.item, watched_at=mark.watched_at, remote_id=play.remote_id), mark


# --- the table ----------------------------------------------------------------------------------


def announce(
    db: sqlite3.Connection, account: str, pair: str, run: str, changes: Iterable[Change], *, now: int
) -> None:
    """Note plays that are about to be written at an account."""
    db.executemany(
        "INSERT INTO ledger (account, pair, run, key, item, watched_at, since, until) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (account, pair, run, c.key, c.key.rpartition("@")[0], c.entry.watched_at, now, now + LONGEST)
            for c in changes
            if isinstance(c.entry, Play) and c.action is not Action.REMOVE
        ],
    )


def settle(db: sqlite3.Connection, account: str, run: str, outcomes: Iterable[Outcome], now: int) -> None:
    """Note how these writes ended: when they landed as far as that is known; what was not written goes."""
    for outcome in outcomes:
        place = (account, run, outcome.change.key)
        if outcome.status in (OutcomeStatus.APPLIED, OutcomeStatus.UNCERTAIN):
            at = outcome.written_at
            if at is None:
                db.execute(
                    "UPDATE ledger SET until = max(since, ?) WHERE account = ? AND run = ? AND key = ?",
                    (now, *place),
                )
            else:
                db.execute(
                    "UPDATE ledger SET since = ?, until = ? WHERE account = ? AND run = ? AND key = ?",
                    (at, at, *place),
                )
        else:
            db.execute("DELETE FROM ledger WHERE account = ? AND run = ? AND key = ?", place)


def load(db: sqlite3.Connection, account: str, pair: str) -> tuple[Mark, ...]:
    """Return everything written at an account, by whichever pair."""
    rows = db.execute(
        "SELECT item, watched_at, since, until, pair FROM ledger WHERE account = ? ORDER BY id", (account,)
    )
    return tuple(
        Mark(item, watched_at, since, until, ours=by == pair) for item, watched_at, since, until, by in rows
    )


def forget(db: sqlite3.Connection, account: str) -> None:
    """Delete everything written at an account."""
    db.execute("DELETE FROM ledger WHERE account = ?", (account,))
