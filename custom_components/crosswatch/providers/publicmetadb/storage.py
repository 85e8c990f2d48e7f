"""Small state files: JSON, replaced as a whole, on disk before anything that depends on them is sent."""

import asyncio
import errno
import itertools
import os
from pathlib import Path
import threading
from typing import Any

import orjson

from ...sync.disk import DiskFault, fault_of
from ...sync.provider import StateFileError

_NUMBERS = itertools.count(1)
_WRITTEN: dict[Path, int] = {}
"""Number of the last content written, by file."""
_WRITING = threading.Lock()
"""Held in the thread that writes. It outlives whoever was cancelled while waiting for it, and may meet the
thread of a new object for the same file."""


class StateFile:
    """One JSON file. `older` is its name in an older form, read while there is none of ours."""

    def __init__(self, path: Path, older: Path | None = None) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self._older = older
        self._lock = asyncio.Lock()

    async def read(self) -> Any:
        """Return the content, None without a file. Raises `StateFileError` for anything unreadable."""
        async with self._lock:
            return await asyncio.to_thread(self._read)

    async def write(self, content: Any) -> None:
        """Replace the content; it has reached the disk when this returns. Raises `StateFileError`."""
        async with self._lock:
            number = next(_NUMBERS)
            try:
                await asyncio.to_thread(self._write, content, number)
            except OSError as err:
                raise StateFileError(
                    self.path.name, fault_of(err), f"can't be written ({_code(err)})"
                ) from None

    def _read(self) -> Any:
        for path in (self.path, self._older):
            if path is None:
                continue
            try:
                return orjson.loads(path.read_bytes())
            except FileNotFoundError:
                continue
            except OSError as err:
                raise StateFileError(path.name, fault_of(err), f"can't be read ({_code(err)})") from None
            except orjson.JSONDecodeError:
                raise StateFileError(path.name, DiskFault.DAMAGED, "is damaged") from None
        return None

    def _write(self, content: Any, number: int) -> None:
        body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
        with _WRITING:
            if number < _WRITTEN.get(self.path, 0):
                # a later content was faster
                return
            _WRITTEN[self.path] = number
            replace_file(self.path, body)
            if self._older is not None and self._older.exists():
                # deleting our file must not bring back what the older one knew
                self._older.replace(self._older.with_name(f"{self._older.name}.migrated"))


def replace_file(path: Path, body: bytes) -> None:
    """Give a file new content, all of it or none, for its owner's eyes only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # flash memory wears out: an unchanged file isn't written again
    if path.exists() and path.read_bytes() == body:
        return
    temporary = path.with_name(f"{path.name}.tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # without it a power cut may bring the old file back
        os.fsync(folder)
    finally:
        os.close(folder)


def _code(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, "unknown")
