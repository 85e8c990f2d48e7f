"""An event loop whose clock jumps to the next timer instead of waiting for it."""

import asyncio
from collections.abc import Callable, Coroutine
import selectors
from typing import Any


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, late: Callable[[], float]) -> None:
        super().__init__()
        self.now = 0.0
        self._late = late

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout:
            self.now += timeout + self._late()
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, late: Callable[[], float]) -> None:
        self._clock = _JumpingSelector(late)
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run[T](main: Coroutine[Any, Any, T], late: Callable[[], float] = lambda: 0.0) -> T:
    """Run `main` in no time, without sockets and threads. `late`: seconds a wake-up comes late."""
    with asyncio.Runner(loop_factory=lambda: _VirtualLoop(late)) as runner:
        return runner.run(main)
