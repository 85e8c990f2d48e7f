"""What a case is, and how it is measured: requests, time, memory, and how long the event loop stood still."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
import ctypes
from dataclasses import asdict, dataclass, field
import gc
from pathlib import Path
import resource
import sys
import time
from typing import Any, Final, Protocol

import orjson

CLEAR_PEAK: Final = Path("/proc/self/clear_refs")
"""Where Linux forgets the most memory a process has occupied, when told 5."""
BEAT: Final = 0.001
"""Seconds between two looks at the clock while measuring how long the event loop stands still."""
SIZES: Final = (1_000, 10_000, 100_000)
PATIENCE: Final = 300.0
"""Seconds the simulators may take to make up their library."""


class Counting(Protocol):
    """What counts its own requests."""

    @property
    def requests(self) -> int:
        """HTTP requests sent so far."""


@dataclass(frozen=True, slots=True)
class Row:
    """A result.

    `peak_mb` is what the process grew by at its peak, in MiB; `loop_block_ms` the longest time the event
    loop stood still; `seconds` are of the wall clock.
    """

    case: str
    size: int
    requests: int
    seconds: float
    peak_mb: float
    loop_block_ms: float

    def as_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


@dataclass(slots=True)
class Watch:
    """Measures what happens between `start` and `stop`."""

    case: str
    size: int
    row: Row | None = None
    _beat: asyncio.Task[None] | None = field(default=None, repr=False)
    _longest: float = 0.0

    @asynccontextmanager
    async def measure(self, counting: Counting) -> AsyncIterator[None]:
        """Measure the block."""
        before, memory, started = counting.requests, memory_now(), time.perf_counter()
        self._beat = asyncio.create_task(self._watch())
        await asyncio.sleep(0)
        try:
            yield
        finally:
            seconds = time.perf_counter() - started
            # once more, for a block right at the end
            await asyncio.sleep(BEAT)
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat
            self.row = Row(
                case=self.case,
                size=self.size,
                requests=counting.requests - before,
                seconds=round(seconds, 3),
                peak_mb=round(peak() - memory, 1),
                loop_block_ms=round(self._longest * 1000, 1),
            )

    async def _watch(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            self._longest = max(self._longest, now - last - BEAT)
            last = now


def memory_now() -> float:
    """Return what this process occupies, in MiB, when it has given back what is free; `peak` starts anew.

    Elsewhere than on Linux it is the most it ever occupied, and a peak below that can't be seen.
    """
    if not CLEAR_PEAK.exists():
        return peak()
    gc.collect()
    with suppress(OSError, AttributeError):
        # of the C library most systems have
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    CLEAR_PEAK.write_text("5", encoding="ascii")
    return peak()


def peak() -> float:
    """Return the most memory this process has occupied since `memory_now`, in MiB."""
    if CLEAR_PEAK.exists():
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 2**10
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 2**20 if sys.platform == "darwin" else most / 2**10


@dataclass(frozen=True, slots=True)
class Case:
    """A thing to measure. `run` does it once against simulators of their own, with a watch to use.

    `in_step`: PublicMetaDB has the plays of the Plex server already. `sizes` are measured unless some are
    asked for.
    """

    name: str
    title: str
    run: Callable[[Watch, Services], Awaitable[None]]
    in_step: bool = False
    sizes: tuple[int, ...] = SIZES


@dataclass(frozen=True, slots=True)
class Services:
    """The simulators of a case: what they tell about themselves."""

    report: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return one of the things they tell: `cloud`, `pms`, `publicmetadb`, tokens, numbers."""
        return self.report[name]


@asynccontextmanager
async def services(size: int, *, in_step: bool = False) -> AsyncIterator[Services]:
    """Run the simulators in a process of their own, with so many watched episodes; see `Case`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.simulators",
        "--size",
        str(size),
        "--everyday",
        *(("--in-step",) if in_step else ()),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = await process.stdout.readline()
        yield Services(orjson.loads(line))
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
