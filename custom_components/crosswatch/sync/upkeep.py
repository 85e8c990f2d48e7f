"""What the memory of a pair loses by itself, and what a person may do with it: forget it, take it along.

Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
import sqlite3
from typing import Any, Final

from .models import Feature

DAY: Final = 86_400

KEPT_LINES: Final = 90 * DAY
"""Seconds for which the journal tells what a run has written, and for which the run can be taken back."""

ALWAYS_KEPT: Final = 50
"""The last runs of a pair that wrote anything are kept however old they are."""

KEPT_RUNS: Final = 500
"""Reports remembered of a pair, whatever happened in these runs."""

KEPT_REPORTS: Final = 365 * DAY
"""Seconds for which the report of a run is kept that wrote anything."""

AT_ONCE: Final = 500
"""Lines that leave the journal in one transaction: it must not keep anybody waiting."""

OVER: Final = ("observed", "failed", "unresolved")
"""States of writes that nothing depends on any more. Of the others nobody knows yet what they made."""


def prune(db: sqlite3.Connection, pair: str, now: int) -> bool:
    """Take old lines out of the journal, some at a time; return whether there are more."""
    recent = [
        run
        for (run,) in db.execute(
            "SELECT id FROM run WHERE pair = ? AND EXISTS (SELECT 1 FROM journal WHERE journal.run = run.id) "
            "ORDER BY rowid DESC LIMIT ?",
            (pair, ALWAYS_KEPT),
        )
    ]
    marks = ", ".join("?" * len(recent))
    query = (
        "SELECT id, run FROM journal WHERE pair = ? AND feature = ? AND state = ? AND at < ? "  # noqa: S608 - marks only
        # what comes later has higher numbers than any line before
        f"AND id < (SELECT max(id) FROM journal WHERE pair = ?) AND run NOT IN ({marks}) LIMIT ?"
    )
    found: list[tuple[int, str]] = []
    for feature in Feature:
        for state in OVER:
            asked = (pair, feature, state, now - KEPT_LINES, pair, *recent, AT_ONCE - len(found))
            found += db.execute(query, asked).fetchall()
    db.executemany("UPDATE run SET pruned = 1 WHERE id = ?", [(run,) for run in {run for _, run in found}])
    db.executemany("DELETE FROM journal WHERE id = ?", [(line,) for line, _ in found])
    return len(found) == AT_ONCE


def prune_runs(db: sqlite3.Connection, pair: str, now: int) -> None:
    """Forget the oldest reports of a pair, but not its last success, nor what can still be taken back."""
    db.execute(
        "DELETE FROM run WHERE pair = ?1 AND rowid NOT IN "
        "(SELECT rowid FROM run WHERE pair = ?1 ORDER BY rowid DESC LIMIT ?2) AND rowid != "
        "(SELECT coalesce(max(rowid), -1) FROM run WHERE pair = ?1 AND succeeded) "
        "AND NOT (pruned AND started_at >= ?3) "
        "AND NOT EXISTS (SELECT 1 FROM journal WHERE journal.run = run.id)",
        (pair, KEPT_RUNS, now - KEPT_REPORTS),
    )


def reset(db: sqlite3.Connection, pair: str, features: Iterable[Feature]) -> None:
    """Forget what both sides agreed on, as if the pair had never run: the next run only adds.

    Kept are the keys of titles, the journal and the ledger, so that what is under way or was written
    already is still recognised. What a service refused is due again.
    """
    rows = [(pair, feature) for feature in features]
    db.executemany("DELETE FROM baseline WHERE pair = ? AND feature = ?", rows)
    db.executemany("DELETE FROM scope WHERE pair = ? AND feature = ?", rows)
    # what waits for a person was made of what is forgotten now
    db.executemany("DELETE FROM held WHERE pair = ? AND feature = ?", rows)
    db.executemany("UPDATE unresolved SET retry_at = NULL WHERE pair = ? AND feature = ?", rows)


def export(db: sqlite3.Connection, pair: str) -> Mapping[str, list[dict[str, Any]]]:
    """Return every row about the pair, by table."""
    tables = db.execute(
        "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
        "WHERE m.type = 'table' AND c.name = 'pair' ORDER BY m.name"
    ).fetchall()
    found: dict[str, list[dict[str, Any]]] = {}
    for (table,) in tables:
        rows = db.execute(f'SELECT * FROM "{table}" WHERE pair = ?', (pair,))  # noqa: S608 - our own names
        names = [column[0] for column in rows.description]
        found[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return found
