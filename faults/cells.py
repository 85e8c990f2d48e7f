"""One cell of the matrix: a pair in step, a person at work, one fault, and what is left when it is over."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass
import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from custom_components.crosswatch.sync.models import Direction, Feature
from custom_components.crosswatch.sync.report import Progress, RunReport
from custom_components.crosswatch.sync.settings import PairSettings

from .books import Books
from .kinds import FAULTS, FRESH, Fault
from .things import THINGS, Things
from .world import DAY, HOUR, MINUTE, WAYS, Place, Way, World

HELD: Final = 50
"""Things both services hold before anything happens."""
REMOVED: Final = 2
"""Things a person removes before a fault strikes."""
RECOVERY: Final = (MINUTE, MINUTE, HOUR, DAY + HOUR, DAY + HOUR, DAY + HOUR)
"""Seconds between the runs after the fault."""
BOTH: Final = WAYS[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """A result.

    `fault` names what struck and where. `before` are the things each service is to hold, `after` the
    fewest of them that any of both holds in the end. `lost` are those that were missing, or had another
    date or value, at any look after the fault struck; `doubled` what lay there beyond what should.
    `outcome` is what the engine said of the run that was struck.
    """

    fault: str
    feature: str
    direction: str
    before: int
    after: int
    lost: int
    doubled: int
    outcome: str

    def as_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is to be tried: which fault strikes which service of which pair."""

    fault: Fault
    feature: Feature
    way: Way
    place: Place

    @property
    def name(self) -> str:
        """Name of fault and service."""
        return f"{self.fault.name}@{self.place}"


def cells() -> Iterator[Cell]:
    """Everything there is to try. Writes go wrong only where something is written."""
    for fault in FAULTS:
        for things in THINGS:
            for way in WAYS:
                for place in Place:
                    if not fault.writes or way.writes(place):
                        yield Cell(fault, things.feature, way, place)


def settings() -> PairSettings:
    """Default settings, but with removals."""
    return PairSettings(removals=frozenset(Feature))


def try_number(place: int) -> Row:
    """Try the cell at this place of all, in a process of its own."""
    logging.disable(logging.CRITICAL)
    return asyncio.run(try_out(list(cells())[place]))


async def try_out(cell: Cell) -> Row:
    """Try one cell in a world of its own."""
    with TemporaryDirectory() as folder:
        async with World(Path(folder), HELD + FRESH) as world:
            made = next(each for each in THINGS if each.feature is cell.feature)
            return await _Trial(cell, world, made(world.services)).run()


class _Trial:
    """A cell at work."""

    def __init__(self, cell: Cell, world: World, things: Things) -> None:
        self._cell, self._world, self._things = cell, world, things

    async def run(self) -> Row:
        """Go through everything."""
        cell, world = self._cell, self._world
        await self._get_in_step()
        books = self._be_a_person()
        await world.restart()
        cell.fault.strike(world, cell.feature, cell.place, HELD)
        outcome = ""
        for number in range(cell.fault.runs):
            report = await self._sync(HOUR if number else DAY)
            outcome = outcome or str(report.status)
            books.look()
        world.services.heal()
        world.on_progress = _say_nothing
        for later in RECOVERY:
            if later >= DAY:
                # the providers' own clocks have not moved: what they keep for hours is outdated
                await world.restart()
            await self._sync(later)
            books.look()
        books.close()
        return Row(
            fault=cell.name,
            feature=str(cell.feature),
            direction=cell.way.name,
            before=books.due,
            after=books.there,
            lost=books.lost,
            doubled=books.doubled,
            outcome=outcome,
        )

    async def _sync(self, later: float) -> RunReport:
        return await self._world.run(self._cell.way, self._cell.feature, later=later, settings=settings())

    async def _get_in_step(self) -> None:
        """Let both services hold the same, and the pair know it."""
        things = self._things
        for title in things.titles[:HELD]:
            things.put(Place.PLEX, title)
            if things.feature is not Feature.RATINGS:
                things.put(Place.PUBLICMETADB, title)
        # PublicMetaDB tells no ratings but those that came from here
        for way in (BOTH, self._cell.way):
            report = await self._world.run(way, self._cell.feature, settings=settings())
            if not report.succeeded:
                raise AssertionError(f"not in step: {report}")

    def _be_a_person(self) -> Books:
        """Add, where changes come from: in a two-way pair where nothing will go wrong."""
        things, way = self._things, self._cell.way
        books = Books(things, removals=True)
        giver = self._cell.place.other if way.direction is Direction.TWO_WAY else way.source
        known = things.feature is Feature.RATINGS and giver is Place.PUBLICMETADB
        for title in things.titles[:FRESH] if known else things.titles[HELD : HELD + FRESH]:
            books.put(giver, title)
        if giver in things.removable and not self._may_stay(giver):
            for title in things.titles[HELD - REMOVED : HELD]:
                books.take(giver, title)
        return books

    def _may_stay(self, giver: Place) -> bool:
        """Whether what a person removes now may stay where it is: see the end of docs/faults.md."""
        cell = self._cell
        with_its_title = cell.feature is Feature.RATINGS and cell.place is giver
        # it lacks too little to be held
        half = cell.fault.name == "half-for-a-day" and cell.feature is Feature.WATCHLIST
        believed = half and cell.place is not giver
        one_way = cell.way.direction is Direction.ONE_WAY
        return cell.fault.lies and (with_its_title or (believed and one_way))


def _say_nothing(_progress: Progress) -> None:
    """Do nothing."""
