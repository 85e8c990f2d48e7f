"""What the engine remembers: aliases, baselines, the journal, unresolved items and runs, in one SQLite file.

Every public method is one transaction, run in a thread. Times are epoch seconds UTC.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
import json
import logging
from pathlib import Path
import sqlite3
import threading
from typing import Self

from .codec import entry_as_dict
from .models import Change, Feature, Outcome, OutcomeStatus, Side, Unresolved
from .report import RunReport
from .schema import migrate

LOGGER = logging.getLogger(__name__)

DATABASE = "crosswatch.sqlite3"
KEPT_RUNS = 100
"""Runs remembered per pair."""

DAY = 86_400
REST = (DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""Seconds an item rests after its first, second, … refusal by a service."""


class StateError(Exception):
    """Our own state can't be read or written: disk full, file damaged. Nothing may go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedRow:
    """An item that can't be written, as remembered. `retry_at` is None when it is tried in every run."""

    feature: Feature
    side: Side
    key: str
    reason: str
    name: str
    attempts: int
    first_seen: int
    last_seen: int
    retry_at: int | None


class State:
    """The state file. All methods may be called from the event loop and never block it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Use `open` instead."""
        self._connection = connection
        # a cancelled caller does not stop its thread, so the threads must queue themselves
        self._lock = threading.Lock()

    @classmethod
    async def open(cls, directory: Path) -> Self:
        """Open or create the file in the directory and bring its schema up to date. Raises `StateError`."""

        def connect() -> sqlite3.Connection:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / DATABASE
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # a journaled intent must survive a power cut, or a write could be repeated
                connection.execute("PRAGMA synchronous = NORMAL")
                migrate(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        try:
            return cls(await asyncio.to_thread(connect))
        except (OSError, sqlite3.Error) as err:
            raise StateError(f"state file: {err}") from err

    async def close(self) -> None:
        """Close the file."""

        def close() -> None:
            with self._lock:
                self._connection.close()

        await asyncio.to_thread(close)

    async def _do[T](self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run the work as one transaction in a thread."""

        def transaction() -> T:
            with self._lock:
                try:
                    self._connection.execute("BEGIN IMMEDIATE")
                    result = work(self._connection)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
                return result

        try:
            return await asyncio.to_thread(transaction)
        except sqlite3.Error as err:
            raise StateError(f"state file: {err}") from err

    # --- baseline -------------------------------------------------------------------------------

    async def aliases(self, pair: str) -> dict[str, str]:
        """Return the pair's alias table: typed id to key."""
        return await self._do(
            lambda db: dict(db.execute("SELECT token, key FROM alias WHERE pair = ?", (pair,)).fetchall())
        )

    async def baseline(self, pair: str, feature: Feature, scopes: Mapping[Side, str]) -> dict[str, int]:
        """Return the agreed keys with the number of runs in which the target has been missing them.

        Empty when either side is now read through another scope: what was agreed says nothing about it.
        """

        def read(db: sqlite3.Connection) -> dict[str, int]:
            known = dict(
                db.execute(
                    "SELECT side, hash FROM scope WHERE pair = ? AND feature = ?", (pair, feature)
                ).fetchall()
            )
            if any(known.get(str(side)) != value for side, value in scopes.items()):
                return {}
            rows = db.execute(
                "SELECT key, missing FROM baseline WHERE pair = ? AND feature = ?", (pair, feature)
            )
            return dict(rows.fetchall())

        return await self._do(read)

    async def agree(
        self,
        pair: str,
        feature: Feature,
        scopes: Mapping[Side, str],
        *,
        before: Mapping[str, int],
        agreed: Iterable[str],
        lost: Iterable[str],
        gone: Iterable[str],
        aliases: Mapping[str, str],
        renamed: Mapping[str, str],
    ) -> None:
        """Move the baseline to what was observed. `before` is what `baseline` returned.

        Only rows that change are written: newly agreed ones, lost ones (counted) and gone ones (dropped).
        `renamed` maps stored keys to the keys they have now.
        """

        def write(db: sqlite3.Connection) -> None:
            new = [key for key in agreed if before.get(key) != 0]
            if not before:
                db.execute("DELETE FROM baseline WHERE pair = ? AND feature = ?", (pair, feature))
            db.executemany(
                "INSERT INTO alias (pair, token, key) VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET key = excluded.key",
                [(pair, token, key) for token, key in aliases.items()],
            )
            db.executemany(
                "UPDATE OR REPLACE baseline SET key = ? WHERE pair = ? AND feature = ? AND key = ?",
                [(key, pair, feature, old) for old, key in renamed.items()],
            )
            db.executemany(
                "INSERT INTO baseline (pair, feature, key, missing) VALUES (?, ?, ?, 0) "
                "ON CONFLICT DO UPDATE SET missing = 0",
                [(pair, feature, key) for key in new],
            )
            db.executemany(
                "UPDATE baseline SET missing = missing + 1 WHERE pair = ? AND feature = ? AND key = ?",
                [(pair, feature, key) for key in lost],
            )
            db.executemany(
                "DELETE FROM baseline WHERE pair = ? AND feature = ? AND key = ?",
                [(pair, feature, key) for key in gone],
            )
            db.executemany(
                "INSERT INTO scope (pair, feature, side, hash) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET hash = excluded.hash",
                [(pair, feature, side, value) for side, value in scopes.items()],
            )
            db.executemany(
                "UPDATE journal SET state = 'observed' WHERE pair = ? AND feature = ? AND key = ? "
                "AND state IN ('intended', 'applied', 'already', 'uncertain')",
                [(pair, feature, key) for key in new],
            )

        await self._do(write)

    # --- journal --------------------------------------------------------------------------------

    async def intend(self, pair: str, run: str, changes: Iterable[Change], now: int) -> None:
        """Record that the changes are about to be written."""
        rows = [
            (pair, run, c.feature, c.side, c.action, c.key, c.rule, json.dumps(entry_as_dict(c.entry)), now)
            for c in changes
        ]
        await self._do(
            lambda db: db.executemany(
                "INSERT INTO journal (pair, run, feature, side, action, key, rule, entry, at, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended')",
                rows,
            )
        )

    async def record(self, pair: str, run: str, outcomes: Iterable[Outcome], now: int) -> None:
        """Record how writes ended, and let items that a service refused rest for a while."""
        outcomes = tuple(outcomes)

        def write(db: sqlite3.Connection) -> None:
            db.executemany(
                "UPDATE journal SET state = ?, reason = ?, remote_id = ?, at = ? "
                "WHERE pair = ? AND run = ? AND feature = ? AND side = ? AND key = ?",
                [
                    (
                        o.status,
                        o.reason,
                        o.remote_id,
                        now,
                        pair,
                        run,
                        o.change.feature,
                        o.change.side,
                        o.change.key,
                    )
                    for o in outcomes
                ],
            )
            for o in outcomes:
                if o.status is OutcomeStatus.UNRESOLVED:
                    change = o.change
                    _remember_refusal(db, pair, change, o.reason or "refused", now)

        await self._do(write)

    async def unanswered_since(self, pair: str, feature: Feature) -> int | None:
        """When the newest write was announced of which nobody knows yet whether it landed."""
        return await self._do(
            lambda db: db.execute(
                "SELECT max(at) FROM journal WHERE pair = ? AND feature = ? "
                "AND state IN ('intended', 'uncertain')",
                (pair, feature),
            ).fetchone()[0]
        )

    async def unsettled(self, pair: str, feature: Feature, since: int) -> frozenset[str]:
        """Keys that were accepted at or after `since` and that no read has shown yet."""

        def read(db: sqlite3.Connection) -> frozenset[str]:
            rows = db.execute(
                "SELECT key FROM journal WHERE pair = ? AND feature = ? AND at >= ? "
                "AND state IN ('applied', 'already')",
                (pair, feature, since),
            )
            return frozenset(key for (key,) in rows)

        return await self._do(read)

    # --- unresolved -----------------------------------------------------------------------------

    async def resting(self, pair: str, feature: Feature, now: int) -> dict[str, str]:
        """Keys a service refused and that are not due again yet, with the reason."""

        def read(db: sqlite3.Connection) -> dict[str, str]:
            rows = db.execute(
                "SELECT key, reason FROM unresolved WHERE pair = ? AND feature = ? AND retry_at > ?",
                (pair, feature, now),
            )
            return dict(rows.fetchall())

        return await self._do(read)

    async def note_unresolved(
        self, pair: str, feature: Feature, rows: Iterable[Unresolved], *, run_started: int, now: int
    ) -> None:
        """Remember the feature's unresolved items of this run; those not met since it started are solved."""
        rows = tuple(rows)

        def write(db: sqlite3.Connection) -> None:
            db.executemany(
                "INSERT INTO unresolved "
                "(pair, feature, side, key, reason, name, attempts, first_seen, last_seen) "
                "VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason, "
                "name = excluded.name, attempts = attempts + (retry_at IS NULL), "
                "last_seen = excluded.last_seen",
                [(pair, feature, r.side, r.key, r.reason, r.entry.item.name, now, now) for r in rows],
            )
            db.execute(
                "DELETE FROM unresolved WHERE pair = ? AND feature = ? AND last_seen < ?",
                (pair, feature, run_started),
            )

        await self._do(write)

    async def unresolved(self, pair: str) -> tuple[UnresolvedRow, ...]:
        """Return all unresolved items of the pair."""

        def read(db: sqlite3.Connection) -> tuple[UnresolvedRow, ...]:
            rows = db.execute(
                "SELECT feature, side, key, reason, name, attempts, first_seen, last_seen, retry_at "
                "FROM unresolved WHERE pair = ? ORDER BY feature, reason, name, key",
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
                )
                for feature, side, key, reason, name, attempts, first_seen, last_seen, retry_at in rows
            )

        return await self._do(read)

    # --- runs -----------------------------------------------------------------------------------

    async def keep_run(self, report: RunReport) -> None:
        """Store a report and forget the pair's oldest ones."""

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "INSERT INTO run (id, pair, started_at, succeeded, report) VALUES (?, ?, ?, ?, ?)",
                (
                    report.run_id,
                    report.pair_id,
                    report.started_at,
                    report.succeeded,
                    json.dumps(report.as_dict()),
                ),
            )
            db.execute(
                "DELETE FROM run WHERE pair = ?1 AND rowid NOT IN "
                "(SELECT rowid FROM run WHERE pair = ?1 ORDER BY rowid DESC LIMIT ?2) AND rowid != "
                "(SELECT coalesce(max(rowid), -1) FROM run WHERE pair = ?1 AND succeeded)",
                (report.pair_id, KEPT_RUNS),
            )

        await self._do(write)

    async def last_run(self, pair: str) -> RunReport | None:
        """Return the pair's newest report."""

        def read(db: sqlite3.Connection) -> str | None:
            with closing(
                db.execute("SELECT report FROM run WHERE pair = ? ORDER BY rowid DESC LIMIT 1", (pair,))
            ) as rows:
                row = rows.fetchone()
            return row[0] if row else None

        text = await self._do(read)
        return None if text is None else RunReport.from_dict(json.loads(text))

    async def last_success(self, pair: str) -> int | None:
        """Return when the pair's newest successful run ended."""

        def read(db: sqlite3.Connection) -> str | None:
            row = db.execute(
                "SELECT report FROM run WHERE pair = ? AND succeeded ORDER BY rowid DESC LIMIT 1", (pair,)
            ).fetchone()
            return row[0] if row else None

        text = await self._do(read)
        return None if text is None else RunReport.from_dict(json.loads(text)).finished_at

    async def forget_pair(self, pair: str) -> None:
        """Delete everything about the pair."""

        def write(db: sqlite3.Connection) -> None:
            for table in ("alias", "scope", "baseline", "journal", "unresolved", "run"):
                db.execute(f"DELETE FROM {table} WHERE pair = ?", (pair,))  # noqa: S608 - fixed names

        await self._do(write)


def _remember_refusal(db: sqlite3.Connection, pair: str, change: Change, reason: str, now: int) -> None:
    row = db.execute(
        "SELECT attempts FROM unresolved WHERE pair = ? AND feature = ? AND side = ? AND key = ?",
        (pair, change.feature, change.side, change.key),
    ).fetchone()
    attempts = (row[0] if row else 0) + 1
    retry_at = now + REST[min(attempts, len(REST)) - 1]
    db.execute(
        "INSERT INTO unresolved "
        "(pair, feature, side, key, reason, name, attempts, first_seen, last_seen, retry_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET reason = excluded.reason, "
        "attempts = excluded.attempts, last_seen = excluded.last_seen, retry_at = excluded.retry_at",
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
        ),
    )
