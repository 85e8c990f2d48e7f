"""The SQLite file behind the engine's memory: opened, closed, and one transaction at a time.

Work runs in a thread, so the event loop is never blocked.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
import sqlite3
import threading
from typing import Self

from .disk import DamagedFileError, DiskFault, fault_of
from .schema import migrate

DATABASE = "crosswatch.sqlite3"


class StateError(Exception):
    """Our own state can't be read or written: disk full, file damaged. Nothing may go on."""

    def __init__(self, message: str, fault: DiskFault = DiskFault.ERROR) -> None:
        """Keep what is wrong with `file`."""
        super().__init__(message)
        self.fault = fault
        self.file = DATABASE

    @classmethod
    def of(cls, error: OSError | sqlite3.Error) -> Self:
        """Make one of what a read or write has raised."""
        return cls(f"state file: {error}", fault_of(error))


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
            _check_length(path)
            path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=5)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                # a journaled intent must survive a power cut, or a write could be repeated: in WAL mode
                # only FULL promises that
                connection.execute("PRAGMA synchronous = FULL")
                # half of it may be fine: better to know before anything is written because of it
                _check(connection)
                migrate(connection)
            except BaseException:
                connection.close()
                raise
            return connection

        try:
            return cls(await asyncio.to_thread(connect))
        except (OSError, sqlite3.Error) as err:
            raise StateError.of(err) from err

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
            raise StateError.of(err) from err


def _check_length(path: Path) -> None:
    """Raise for a file of which nothing is left: to SQLite an empty one is a new one."""
    if path.exists() and path.stat().st_size == 0 and any(path.parent.glob("*.json")):
        # there were runs
        raise DamagedFileError("nothing is left of it")


def _check(connection: sqlite3.Connection) -> None:
    """Raise for a damaged file."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise DamagedFileError(found)
