"""The journal: what was about to be written, what stood there before, and how it ended.

A row is `intended`, then what its outcome says, and `observed` once both sides were seen to agree on it.
Times are epoch seconds UTC.
"""

from collections.abc import Iterable
import json
import sqlite3

from .codec import entry_as_dict, entry_from_dict
from .models import Change, Entry, Feature, Outcome, Side
from .values import Written, value_of


def announce(db: sqlite3.Connection, pair: str, run: str, changes: Iterable[Change], now: int) -> None:
    """Note what is about to be written."""
    db.executemany(
        "INSERT INTO journal (pair, run, feature, side, action, key, rule, entry, before, at, state) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended')",
        [
            (pair, run, c.feature, c.side, c.action, c.key, c.rule, _text(c.entry), _text(c.before), now)
            for c in changes
        ],
    )


def settle(
    db: sqlite3.Connection,
    pair: str,
    run: str,
    announced: Iterable[Change],
    outcomes: Iterable[Outcome],
    *,
    now: int,
) -> None:
    """Note how it ended. What has no outcome may be under way until `now`."""
    outcomes = tuple(outcomes)
    ended = {(o.change.side, o.change.key) for o in outcomes}
    rows: list[tuple[Change, str, str | None, str | None, int | None]] = [
        (o.change, o.status, o.reason, o.remote_id, o.written_at) for o in outcomes
    ]
    rows += [(c, "intended", None, None, None) for c in announced if (c.side, c.key) not in ended]
    db.executemany(
        "UPDATE journal SET state = ?, reason = ?, remote_id = ?, written_at = ?, at = ? "
        "WHERE pair = ? AND run = ? AND feature = ? AND side = ? AND key = ?",
        [
            (state, reason, remote_id, written_at, now, pair, run, c.feature, c.side, c.key)
            for c, state, reason, remote_id, written_at in rows
        ],
    )


def unanswered_since(db: sqlite3.Connection, pair: str, feature: Feature) -> int | None:
    """When the newest write was announced of which nobody knows yet how it ended."""
    found: int | None = db.execute(
        "SELECT max(at) FROM journal WHERE pair = ? AND feature = ? AND state = 'intended'",
        (pair, feature),
    ).fetchone()[0]
    return found


def unsettled(db: sqlite3.Connection, pair: str, feature: Feature, since: int, until: int) -> frozenset[str]:
    """Keys that may have been written from `since` to `until` and that no read has shown yet."""
    rows = db.execute(
        "SELECT key FROM journal WHERE pair = ? AND feature = ? AND at BETWEEN ? AND ? "
        "AND state IN ('applied', 'already', 'uncertain')",
        (pair, feature, since, until),
    )
    return frozenset(key for (key,) in rows)


def written(
    db: sqlite3.Connection, pair: str, feature: Feature, since: int, until: int
) -> dict[Side, dict[str, Written]]:
    """Return the last writes that no read has shown yet, and those of that time, by side and key."""
    rows = db.execute(
        "SELECT id, side, key, entry, before, state FROM journal WHERE pair = ?1 AND feature = ?2 AND "
        "state IN ('intended', 'applied', 'already', 'uncertain') UNION ALL "
        "SELECT id, side, key, entry, before, state FROM journal WHERE pair = ?1 AND feature = ?2 AND "
        "state = 'observed' AND at BETWEEN ?3 AND ?4 ORDER BY id",
        (pair, feature, since, until),
    )
    found: dict[Side, dict[str, Written]] = {}
    # of several writes of one thing the last one counts
    for _, side, key, entry, before, state in rows:
        write = Written(
            entry=entry_from_dict(feature, json.loads(entry)),
            before=None if before is None else value_of(entry_from_dict(feature, json.loads(before))),
            answered=state in ("applied", "already", "observed"),
            observed=state == "observed",
        )
        found.setdefault(Side(side), {})[key] = write
    return found


def _text(entry: Entry | None) -> str | None:
    return None if entry is None else json.dumps(entry_as_dict(entry))
