"""The folder a lab lives in: one at a time, fresh at every start."""

import fcntl
import os
from pathlib import Path
import shutil
import time
from typing import Final

from lab.errors import LabError

PATIENCE: Final = 10.0
"""Seconds within which a killed lab's processes are surely gone."""
POLL: Final = 0.1


def claim(folder: Path) -> None:
    """Take a folder for this process and all it starts, and empty it. Raises `LabError` when it is in use.

    The claim ends when the last of these processes is gone, whoever of them dies first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    os.set_inheritable(handle, True)  # noqa: FBT003
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise LabError(f"{folder} is in use: another one is running there") from None
        time.sleep(POLL)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
