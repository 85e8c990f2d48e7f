"""Items that can't be written: why, since when, and when they are tried again.

What a provider can tell from an entry alone is asked anew in every run. What a service refused when it
was written rests for a while first, longer each time.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
import sqlite3

from .models import Change, Feature, Side, Unresolved

DAY = 86_400
REST = (DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""Seconds an item rests after its first, second, … refusal by a service."""

NOT_SHOWN = "accepted_but_not_shown"
"""Reason of what a service accepted several times and never showed."""

TRIES = 2
"""Accepted writes of one thing that no read showed, after which it rests."""


type Place = tuple[Side, str]
"""The side that can't take something, and the key of that."""


class Waits(StrEnum):
    """What an item waits for before it can be written."""

    ITEM = "item"  # its ids, numbers, date or duration; looked at anew in every run
    LIBRARY = (
        "library"  # the library to change, which the provider notices; tried at `retry_at` at the latest
    )
    QUOTA = "quota"  # `retry_at`: the service takes more then
    TIME = "time"  # `retry_at`: nobody knows why it was refused, so it is tried again, ever more seldom


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedRow:
    """An item that can't be written, as remembered.

    `retry_at` is None when it is looked at in every run. `ignored`: a person does not want to hear of it,
    as long as its reason stays the same.
    """

    feature: Feature
    side: Side
    key: str
    reason: str
    name: str
    attempts: int
    first_seen: int
    last_seen: int
    retry_at: int | None
    waits_for: Waits = Waits.ITEM
    ignored: bool = False


def remember_refusal(
    db: sqlite3.Connection,
    pair: str,
    change: Change,
    reason: str,
    now: int,
    *,
    retry_at: int | None = None,
    thaws: bool = False,
) -> None:
    """Let an item rest that a service refused at `now`, epoch seconds UTC.

    With `retry_at` it only has to wait for that moment, which is no refusal that would be counted. `thaws`:
    the provider knows when something has changed that may let it be written.
    """
    row = db.execute(
        "SELECT attempts FROM unresolved WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
        (pair, change.feature, change.side, change.key),
    ).fetchone()
    attempts = (row[0] if row else 0) + (retry_at is None)
    waits_for = Waits.QUOTA
    if retry_at is None:
        waits_for = Waits.LIBRARY if thaws else Waits.TIME
        retry_at = now + REST[min(attempts, len(REST)) - 1]
    db.execute(
        "INSERT INTO unresolved "
        "(pair, feature, side, key, reason, name, attempts, first_seen, last_seen, retry_at, waits_for) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "attempts = excluded.attempts, last_seen = excluded.last_seen, retry_at = excluded.retry_at, "
        "waits_for = excluded.waits_for, ignored = ignored AND reason = excluded.reason, "
        "reason = excluded.reason",
        (
            pair,
            change.feature,
            change.side,
            change.key,
            reason,
            change.entry.item.name,
            attempts,
            now,
            now,
            retry_at,
            waits_for,
        ),
    )


def remember_unshown(db: sqlite3.Connection, pair: str, changes: Iterable[Change], now: int) -> None:
    """Let what was accepted again and again, and never shown, rest: it may pile up where nobody sees it."""
    for change in changes:
        (accepted,) = db.execute(
            "SELECT count(*) FROM journal WHERE key = ? AND pair = ? AND feature = ? AND side = ? "
            "AND state IN ('applied', 'already')",
            (change.key, pair, change.feature, change.side),
        ).fetchone()
        if accepted >= TRIES:
            remember_refusal(db, pair, change, NOT_SHOWN, now)


def resting(db: sqlite3.Connection, pair: str, feature: Feature, now: int) -> dict[Side, dict[str, str]]:
    """Keys by side that are not due again yet, with the reason.

    A date beyond every rest is a clock gone wrong.
    """
    rows = db.execute(
        "SELECT side, key, reason FROM unresolved WHERE pair = ? AND feature = ? "
        "AND retry_at > ? AND retry_at <= ?",
        (pair, feature, now, now + REST[-1]),
    )
    found: dict[Side, dict[str, str]] = {side: {} for side in Side}
    for side, key, reason in rows.fetchall():
        found[Side(side)][key] = reason
    return found


def note_unresolved(
    db: sqlite3.Connection,
    pair: str,
    feature: Feature,
    rows: Iterable[Unresolved],
    *,
    refused: set[str],
    now: int,
) -> None:
    """Remember what a run could not write; `refused` are keys remembered before in the same run.

    Whatever is neither of both is solved.
    """
    found = {(str(row.side), row.key): row for row in rows}
    db.executemany(
        "INSERT INTO unresolved "
        "(pair, feature, side, key, reason, name, attempts, first_seen, last_seen) "
        "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name, "
        "attempts = attempts + (retry_at IS NULL), last_seen = excluded.last_seen, "
        "waits_for = CASE reason WHEN excluded.reason THEN waits_for ELSE excluded.waits_for END, "
        "ignored = ignored AND reason = excluded.reason, reason = excluded.reason",
        [(pair, feature, r.side, r.key, r.reason, r.entry.item.name, now, now) for r in found.values()],
    )
    known = db.execute("SELECT side, key FROM unresolved WHERE pair = ? AND feature = ?", (pair, feature))
    db.executemany(
        "DELETE FROM unresolved WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
        [
            (pair, feature, side, key)
            for side, key in known.fetchall()
            if (side, key) not in found and key not in refused
        ],
    )


def load(db: sqlite3.Connection, pair: str) -> tuple[UnresolvedRow, ...]:
    """Return all unresolved items of the pair."""
    rows = db.execute(
        "SELECT feature, side, key, reason, name, attempts, first_seen, last_seen, retry_at, waits_for, "
        "ignored FROM unresolved WHERE pair = ? ORDER BY feature, reason, name, key",
        (pair,),
    )
    return tuple(
        UnresolvedRow(
            feature=Feature(feature),
            side=Side(side),
            key=key,
            reason=reason,
            name=name,
            attempts=attempts,
            first_seen=first_seen,
            last_seen=last_seen,
            retry_at=retry_at,
            waits_for=Waits(waits_for),
            ignored=bool(ignored),
        )
        for (
            feature,
            side,
            key,
            reason,
            name,
            attempts,
            first_seen,
            last_seen,
            retry_at,
            waits_for,
            ignored,
        ) in rows
    )


# --- what a person says ---------------------------------------------------------------------------


def ignore(db: sqlite3.Connection, pair: str, feature: Feature, place: Place, *, ignored: bool) -> bool:
    """Note whether a person wants to hear of an item; return whether there is such an item."""
    return (
        db.execute(
            "UPDATE unresolved SET ignored = ? WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
            (ignored, pair, feature, *place),
        ).rowcount
        > 0
    )


def ignored_ones(db: sqlite3.Connection, pair: str, feature: Feature) -> dict[Place, str]:
    """Return what a person does not want to hear of, with the reason that it is about."""
    rows = db.execute(
        "SELECT side, key, reason FROM unresolved WHERE pair = ? AND feature = ? AND ignored", (pair, feature)
    )
    return {(Side(side), key): reason for side, key, reason in rows}


def wake(db: sqlite3.Connection, pair: str, keys: Collection[str] | None) -> int:
    """Let items be tried in the next run; return how many there are of them. None: all of the pair's."""
    wanted = {key for (key,) in db.execute("SELECT DISTINCT key FROM unresolved WHERE pair = ?", (pair,))}
    return sum(
        db.execute(
            "UPDATE unresolved SET retry_at = NULL, ignored = 0 WHERE pair = ? AND key = ?", (pair, key)
        ).rowcount
        for key in (wanted if keys is None else wanted.intersection(keys))
    )
