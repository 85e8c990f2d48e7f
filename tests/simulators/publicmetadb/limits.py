"""The server's own limits (API reference 3.8), counted in sliding windows."""

from collections import deque
import math

from .clock import Clock

HOUR = 3600.0


class LimitReachedError(Exception):
    """A limit is used up; `wait` seconds until it has room again."""

    def __init__(self, wait: float) -> None:
        """Keep the wait, in whole seconds as Retry-After has it."""
        super().__init__(wait)
        self.wait = max(1, math.ceil(wait))


class Limits:
    """Counts what was done in each window; refused requests are not counted."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing counted."""
        self._clock = clock
        self._windows: dict[tuple[str, str], deque[float]] = {}

    def check(self, name: str, who: str, limit: int | None, seconds: float, room: int = 1) -> None:
        """Raise unless `who` may do `room` more of what `name` stands for within `seconds`."""
        if limit is None:
            return
        done = self._window(name, who, seconds)
        if len(done) + room > limit:
            freed = done[min(len(done) + room - limit, len(done)) - 1] if done else self._clock()
            raise LimitReachedError(freed + seconds - self._clock())

    def count(self, name: str, who: str, times: int = 1) -> None:
        """Record that `who` did it."""
        self._windows.setdefault((name, who), deque()).extend([self._clock()] * times)

    def used(self, name: str, who: str, seconds: float) -> int:
        """Return how often `who` did it within the last `seconds`."""
        return len(self._window(name, who, seconds))

    def _window(self, name: str, who: str, seconds: float) -> deque[float]:
        done = self._windows.setdefault((name, who), deque())
        since = self._clock() - seconds
        while done and done[0] <= since:
            done.popleft()
        return done
