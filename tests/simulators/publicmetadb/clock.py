"""The server's clock, replaceable so that tests need not wait for windows to pass."""

from collections.abc import Callable
import time

type Clock = Callable[[], float]
"""Answers the present moment as Unix seconds."""


def wall_clock() -> float:
    """Return the real time, looked up at every call so that a frozen clock is seen."""
    return time.time()


class ManualClock:
    """A clock that stands still until it is told to move on."""

    __slots__ = ("now",)

    def __init__(self, now: float = 1_772_359_200.0) -> None:
        """Start at `now` (Unix seconds), by default 2026-03-01 10:00:00 UTC."""
        self.now = now

    def __call__(self) -> float:
        """Return the moment it stands at."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.now += seconds
