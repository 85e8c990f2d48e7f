"""Lines of the journal as they are shown and taken back: what was written when, by which run, over what.

Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import json
import sqlite3
from typing import Any

from .codec import entry_from_dict
from .identity import RATING
from .models import Action, Entry, Feature, Item, Side

MAY_STAND = ("intended", "applied", "uncertain", "observed")
"""States of writes that have changed something, as far as anybody knows."""

NAMES = (
    *("run", "trigger", "feature", "side", "action", "key", "rule", "entry", "before"),
    *("state", "reason", "found", "scope", "at"),
)
COLUMNS = (
    "SELECT j.run, json_extract(r.report, '$.trigger'), j.feature, j.side, j.action, j.key, j.rule, j.entry, "
    "j.before, j.state, j.reason, j.found, j.scope, j.at FROM journal j LEFT JOIN run r ON r.id = j.run "
    "WHERE j.pair = ? "
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One write. `trigger` says who asked for the run, as long as its report is kept.

    `before` is what stood there, where anything did. `found`: the service said that it was done already.
    `scope` is what the side was read through then.
    """

    run: str
    trigger: str | None
    feature: Feature
    side: Side
    action: Action
    key: str
    rule: str
    entry: Entry
    before: Entry | None
    state: str
    reason: str | None
    found: bool
    scope: str | None
    at: int

    @property
    def may_stand(self) -> bool:
        """Whether it has changed something, as far as anybody knows."""
        return self.state in MAY_STAND and not self.found


def of_run(db: sqlite3.Connection, pair: str, run: str) -> tuple[Line, ...]:
    """Return what a run wrote, in its order."""
    return _lines(db.execute(f"{COLUMNS} AND j.run = ? ORDER BY j.id", (pair, run)))


def standing(db: sqlite3.Connection, pair: str, runs: Iterable[str]) -> frozenset[str]:
    """Return those of these runs that have written something which may stand, and is told in full."""
    states = ", ".join("?" * len(MAY_STAND))
    query = (
        "SELECT 1 FROM journal WHERE run = ? AND pair = ? AND NOT found AND NOT EXISTS "  # noqa: S608 - marks only
        f"(SELECT 1 FROM run WHERE id = journal.run AND pruned) AND state IN ({states}) LIMIT 1"
    )
    return frozenset(run for run in runs if db.execute(query, (run, pair, *MAY_STAND)).fetchone())


def of_items(db: sqlite3.Connection, pair: str, feature: Feature, items: Iterable[str]) -> tuple[Line, ...]:
    """Return what was written of items, by their keys, newest first."""
    found: list[Line] = []
    for item in items:
        # plays and ratings are told by what follows the item's key
        ranges = ((item, f"{item}\0"), (f"{item}@", f"{item}A"), (f"{item}{RATING}", f"{item}{RATING[:-1]};"))
        for start, end in ranges:
            found += _lines(
                db.execute(
                    f"{COLUMNS} AND j.feature = ? AND j.key >= ? AND j.key < ?", (pair, feature, start, end)
                )
            )
    return tuple(sorted(found, key=lambda line: (-line.at, line.key, line.side)))


def items(db: sqlite3.Connection, pair: str, feature: Feature, keys: Iterable[str]) -> dict[str, Item]:
    """Return what was written last under these keys, by key."""
    query = "SELECT entry FROM journal WHERE key = ? AND pair = ? AND feature = ? ORDER BY id DESC LIMIT 1"
    found = ((key, db.execute(query, (key, pair, feature)).fetchone()) for key in keys)
    return {key: entry_from_dict(feature, json.loads(row[0])).item for key, row in found if row}


def naming(db: sqlite3.Connection, pair: str, feature: Feature, text: str) -> dict[str, str]:
    """Return names of what was written under a name like this, by key."""
    # as it stands in the file: a backslash and a number for every letter that is not ASCII
    part = json.dumps(text)[1:-1].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = db.execute(
        "SELECT key, entry FROM journal WHERE pair = ? AND feature = ? AND entry LIKE ? ESCAPE '\\'",
        (pair, feature, f"%{part}%"),
    )
    return {key: entry_from_dict(feature, json.loads(entry)).item.name for key, entry in rows}


def _lines(rows: Iterable[Iterable[Any]]) -> tuple[Line, ...]:
    return tuple(_line(dict(zip(NAMES, row, strict=True))) for row in rows)


def _line(row: Mapping[str, Any]) -> Line:
    feature, before = Feature(row["feature"]), row["before"]
    told = {
        "feature": feature,
        "side": Side(row["side"]),
        "action": Action(row["action"]),
        "entry": entry_from_dict(feature, json.loads(row["entry"])),
        "before": None if before is None else entry_from_dict(feature, json.loads(before)),
        "found": bool(row["found"]),
    }
    return Line(**{**row, **told})
