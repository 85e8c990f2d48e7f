"""The SQLite file behind the engine's memory: opened, closed, and one transaction at a time.

Work runs in a thread, so the event loop is never blocked.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
import sqlite3
import threading
from typing import Self

from .schema import migrate

DATABASE = "crosswatch.sqlite3"


class StateError(Exception):
    """Our own state can't be read or written: disk full, file damaged. Nothing may go on."""


class Database:
    """The file. All methods may be called from the event loop."""

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
                # a journaled intent must survive a power cut, or a write could be repeated: in WAL mode
                # only FULL promises that
                connection.execute("PRAGMA synchronous = FULL")
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
