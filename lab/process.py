"""Processes of the lab: they end with us, and what they print can be waited for."""

import asyncio
from collections.abc import Mapping
import os
from pathlib import Path
import signal
import sys
from typing import Final, Self

from lab.errors import LabError

TIED: Final = Path(__file__).with_name("tied.py")
LONGEST_LINE: Final = 16 * 2**20
TAIL: Final = 30
"""Lines to show of a process that ended too early."""


class Child:
    """A running process; its output is kept line by line, in memory and in a file."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        """Follow the output of a started process."""
        self.name = name
        self.lines: list[str] = []
        if process.stdout is None:
            raise ValueError("the output has to be a pipe")
        self._output = process.stdout
        self._process = process
        self._waiting: list[tuple[str, asyncio.Future[str]]] = []
        self._follower = asyncio.create_task(self._follow(log), name=f"output of {name}")

    @classmethod
    async def start(
        cls, name: str, *command: str | Path, log: Path, env: Mapping[str, str] | None = None
    ) -> Self:
        """Start a process in a session of its own: a Ctrl-C in the terminal is ours to handle."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-IS",
            TIED,
            str(os.getpid()),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            close_fds=False,  # what may be inherited is marked so: the claim on the lab's folder
            limit=LONGEST_LINE,
            env={**os.environ, **(env or {})},
        )
        return cls(name, process, log)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def line_with(self, text: str) -> str:
        """Wait for the first line that contains the text. Raises `LabError` when the process ends before."""
        for line in self.lines:
            if text in line:
                return line
        if self._follower.done():
            raise self._ended()
        found: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, found))
        return await found

    async def stop(self, patience: float = 30) -> int:
        """Ask it to end and wait for that; return its exit code. Raises `LabError` when it does not."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                return await self.ended()
        except TimeoutError:
            await self.kill()
            raise LabError(f"{self.name} did not stop within {patience:.0f} s") from None

    async def kill(self) -> None:
        """End it at once, without a chance to put anything in order."""
        if self._process.returncode is None:
            self._process.kill()
        await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended and all its output is here; return its exit code."""
        await self._follower
        return await self._process.wait()

    async def _follow(self, log: Path) -> None:
        with log.open("a", encoding="utf-8") as file:
            while raw := await self._output.readline():
                line = raw.decode(errors="replace").rstrip("\n")
                self.lines.append(line)
                file.write(f"{line}\n")
                file.flush()
                for text, found in self._waiting:
                    if text in line and not found.done():
                        found.set_result(line)
                self._waiting = [(text, found) for text, found in self._waiting if not found.done()]
        await self._process.wait()
        for _text, found in self._waiting:
            if not found.done():
                found.set_exception(self._ended())

    def _ended(self) -> LabError:
        tail = "\n".join(self.lines[-TAIL:])
        return LabError(f"{self.name} ended with code {self._process.returncode}:\n{tail}")
