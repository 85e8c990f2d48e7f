"""What lives of a pair have in common: two sides, one engine, and a clock that moves when told."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis.stateful import RuleBasedStateMachine

from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import Feature, Side
from custom_components.crosswatch.sync.report import RunReport
from custom_components.crosswatch.sync.state import State

from .simside import Moment, SimSide, Stop, Time

PAIR = "01PAIR"
MEMORY = Path("/dev/shm")  # noqa: S108 - the folder in it has a name of its own


class World[S: SimSide](RuleBasedStateMachine):
    """A pair of sides with an engine between them that may be stopped at every await."""

    request: RunRequest

    def __init__(self, make: Callable[[str, Time, Moment], S]) -> None:
        """Make a pair of empty sides."""
        super().__init__()
        self.time, self.moment = Time(), Moment()
        self.sides = {side: make(str(side), self.time, self.moment) for side in Side}
        # in memory where there is such a place: nobody pulls the plug here
        self.folder = TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.runner = asyncio.Runner()
        self.true_sleep = asyncio.sleep
        self.patches = ExitStack()
        self.patches.enter_context(patch.object(asyncio, "to_thread", self.in_line))
        self.patches.enter_context(patch.object(asyncio, "sleep", self.sleep))
        self.moment.on_kill = self.kill
        self.open()

    async def in_line(self, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Stand in for a thread: a stop may come before the work or after it, never within."""
        await self.moment.passes()
        result = work(*args, **options)
        await self.moment.passes()
        return result

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.time.true += seconds
        await self.true_sleep(0)

    def open(self) -> None:
        """Start the engine on the file, as a new process would."""
        self.state = self.runner.run(State.open(Path(self.folder.name)))
        self.state._connection.execute("PRAGMA synchronous = OFF")
        self.engine = Engine(self.state, self.time.clock)
        for sim in self.sides.values():
            sim.dead = False

    def kill(self) -> None:
        """From here on nothing reaches the file or a side any more."""
        self.state._connection.close()
        for sim in self.sides.values():
            sim.dead = True

    async def one_run(
        self, features: tuple[Feature, ...], stop: Stop | None, at: int
    ) -> tuple[RunReport | None, BaseException | None]:
        """Run once and return the report, or what came instead of it."""
        request = replace(self.request, features=features)
        task = asyncio.create_task(
            self.engine.run(request, self.sides[Side.SOURCE], self.sides[Side.TARGET], lambda _told: None)
        )
        self.moment.arm(task, stop, at)
        try:
            return await task, None
        except asyncio.CancelledError as err:
            assert stop is not None
            return None, err
        except (KeyError, StateError) as err:
            return None, err
        finally:
            self.moment.arm(task, None, 0)

    def end(self) -> None:
        """Leave nothing behind."""
        self.patches.close()
        self.runner.run(self.state.close())
        self.runner.close()
        self.folder.cleanup()
