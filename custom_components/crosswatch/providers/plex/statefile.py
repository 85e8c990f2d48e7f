"""A JSON file of the state folder: written at once or not at all, and noticed when somebody deletes it."""

import errno
import os
from pathlib import Path
import threading
from typing import Any

import orjson

from ...sync.disk import fault_of
from ...sync.provider import StateFileError

type Stamp = tuple[int, int, int]
"""What changes whenever a file does."""


class StateFile:
    """One file. Every method is for a thread, not for the event loop."""

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self._stamp: Stamp | None = None
        self._lock = threading.Lock()
        """Held in the thread that writes, which outlives whoever was cancelled while waiting for it."""

    @property
    def size(self) -> int:
        """Bytes when it was read or written last."""
        return 0 if self._stamp is None else self._stamp[1]

    def changed(self) -> bool:
        """Whether somebody else changed or deleted the file since it was read or written last."""
        return self._look() != self._stamp

    def read(self) -> Any:
        """Return what is in it, None when there is no file. Raises OSError or ValueError."""
        self._stamp = self._look()
        try:
            return orjson.loads(self.path.read_bytes())
        except FileNotFoundError:
            return None

    def write(self, data: Any) -> None:
        """Put this in its place. Raises `StateFileError`."""
        body = orjson.dumps(data, option=orjson.OPT_INDENT_2)
        try:
            with self._lock:
                self._replace(body)
                self._stamp = self._look()
        except OSError as err:
            reason = errno.errorcode.get(err.errno or 0, "unknown")
            raise StateFileError(self.path.name, fault_of(err), f"can't be written ({reason})") from None

    def _replace(self, body: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self.path.with_name(f"{self.path.name}.tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.path)

    def _look(self) -> Stamp | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return self._stamp  # nobody can tell; writing will
        return found.st_ino, found.st_size, found.st_mtime_ns
