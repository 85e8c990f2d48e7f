"""A pair of fakes with an engine between them, for whole runs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import sqlite3

from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import Direction, Entry, Feature, Scope
from custom_components.crosswatch.sync.report import Progress, RunReport
from custom_components.crosswatch.sync.schema import migrate
from custom_components.crosswatch.sync.state import State

from .fakes import HOUR, NOW, FakeProvider, listed, movie

PAIR = "01PAIR"
OPENED: list[sqlite3.Connection] = []
"""Connections that are closed when the test is over."""


class Lab:
    """A pair of fakes, an engine with a clock that only moves when told, and a state file."""

    def __init__(self, directory: Path, state: State) -> None:
        """Start with two empty sides."""
        self.directory = directory
        self.state = state
        self.now = float(NOW)
        self.source = FakeProvider("plex")
        self.target = FakeProvider("publicmetadb")
        self.engine = Engine(state, lambda: self.now)
        self.progress: list[Progress] = []
        self.request = RunRequest(
            pair_id=PAIR,
            direction=Direction.ONE_WAY,
            features=(Feature.WATCHLIST,),
            scope=Scope(pair_id=PAIR),
            trigger="test",
        )

    def start_again(self) -> None:
        """Let another engine go on with the same file."""
        self.engine = Engine(self.state, lambda: self.now)

    async def run(self, **changes: object) -> RunReport:
        """Run the pair an hour after the last time."""
        self.now += HOUR
        request = replace(self.request, **changes)  # type: ignore[arg-type]
        return await self.engine.run(request, self.source, self.target, self.progress.append)

    def fill(self, count: int) -> list[Entry]:
        """Put so many movies on the source's watchlist."""
        entries: list[Entry] = [listed(movie(n)) for n in range(1, count + 1)]
        self.source.entries[Feature.WATCHLIST] = entries
        return entries

    @property
    def at_target(self) -> list[int]:
        """TMDb ids on the target's watchlist, as they lie there."""
        return [entry.item.ids.tmdb or 0 for entry in self.target.entries[Feature.WATCHLIST]]


def in_memory() -> sqlite3.Connection:
    """A state file in memory."""
    OPENED.append(db := sqlite3.connect(":memory:", isolation_level=None))
    migrate(db)
    return db


async def dump(lab: Lab) -> list[str]:
    """Everything in the state file."""
    return await lab.state._do(lambda db: list(db.iterdump()))


async def until(condition: Callable[[], bool]) -> None:
    """Give other tasks their turn until the condition holds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a fake has no event for every moment
            await asyncio.sleep(0.001)
