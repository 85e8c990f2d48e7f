"""What a person may do with the memory of a pair: forget what was agreed, or take all of it along."""

from collections.abc import Iterable, Mapping
import sqlite3
from typing import Any

from .models import Feature


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
