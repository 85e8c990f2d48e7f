"""A pair whose process is killed over and over, in the middle of whatever it does.

Every time a person has added, changed and removed things at both services before. In the end, after a few
runs that nobody kills, both services have to hold exactly what they should.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
import multiprocessing
from pathlib import Path
import random
import signal
import sys
from tempfile import TemporaryDirectory
import time
from typing import Final

from custom_components.crosswatch.sync.models import Direction, Feature
from tests.simulators.base import Simulator, When

from .books import Books
from .cells import Row, settings
from .kinds import WRITTEN
from .things import THINGS, Positions, Ratings, Things
from .victim import Life, live
from .world import DAY, HOUR, START, WAYS, Place, Services, Title, Way

ADDED: Final = 3
"""Things of each feature that are added at each service before every kill."""
TAKEN: Final = 1
"""Things of each feature that are removed at each service where that is a removal, before every kill."""
ANSWER: Final = 0.01
"""Seconds a service takes to answer a write that it has carried out."""
JITTER: Final = 0.02
"""Seconds at most between a request and the kill that comes after it."""
RUNS: Final = 10
"""Runs at most until all is well, before the first kill and after the last one."""
PATIENCE: Final = 60.0
"""Seconds a process may take to start or to end."""


@dataclass(slots=True)
class Course:
    """What has come of it so far. `written` counts kills between the first write of a run and its end."""

    kills: int = 0
    written: int = 0
    requests: list[int] = field(default_factory=list)
    """What runs need that nobody kills."""


class KilledPair:
    """A pair and the person who uses it."""

    def __init__(self, way: Way, kills: int, folder: Path, seed: int) -> None:
        """Nothing happens before `run`."""
        self._way, self._kills, self._folder = way, kills, folder
        self._random = random.Random(seed)
        self._ahead = START - time.time()
        # half of what can be watched is for plays, half for positions: a play ends a position. Some runs
        # end before they are killed
        self._rounds = 2 * kills + 5
        self._services = Services(2 * 2 * (ADDED + TAKEN) * self._rounds, self._clock)
        # a mark that is logged as a play of now must not come back as one
        self._services.pms.options.scrobble_writes_history = True
        self._things = [made(self._services) for made in THINGS]
        self._books: dict[Feature, Books] = {}
        self._unused: dict[Feature, Iterator[Title]] = {}
        self._rated: list[Title] = []
        self._kept: dict[tuple[Feature, Place], list[Title]] = {}
        """What both services hold from the beginning on, and a person removes later."""
        self._spawn = multiprocessing.get_context("forkserver")
        self._spawn.set_forkserver_preload([live.__module__])
        self.course = Course()

    def _clock(self) -> float:
        return time.time() + self._ahead

    async def run(self) -> list[Row]:
        """Kill it as often as asked for; return what was lost and doubled, by feature."""
        async with AsyncExitStack() as stack:
            await self._services.start(stack)
            self._be_slow()
            await self._begin()
            while self.course.kills < self._kills:
                self._be_a_person()
                await self._go(self._random.randint(0, max(self.course.requests)))
            status = await self._recover()
        rows = []
        for feature, books in self._books.items():
            books.close()
            rows.append(
                Row(
                    fault=f"killed×{self.course.kills}",
                    feature=str(feature),
                    direction=self._way.name,
                    before=books.due,
                    after=books.there,
                    lost=books.lost,
                    doubled=books.doubled,
                    outcome=status,
                )
            )
        return rows

    def complaints(self) -> list[str]:
        """Name what went wrong."""
        return [text for books in self._books.values() for text in books.complaints()]

    def _be_slow(self) -> None:
        """Carry out writes at once and answer later: there is time to be killed in between."""
        services = self._services
        for path in WRITTEN.values():
            simulator = services.cloud if path.startswith("/discover") else services.pms
            simulator.inject(path, when=When.AFTER, delay=ANSWER, times=None)
        for method in ("POST", "DELETE"):
            services.pmdb.inject("/api/external/*", method=method, when=When.AFTER, delay=ANSWER, times=None)

    async def _begin(self) -> None:
        """Get in step, with something of everything."""
        for things in self._things:
            titles = self._unused[things.feature] = self._titles(things)
            rated = isinstance(things, Ratings)
            # PublicMetaDB tells no ratings but those that came from here: there they can only be changed
            for title in islice(titles, ADDED * self._rounds if rated else ADDED):
                things.put(Place.PLEX, title)
                if rated:
                    self._rated.append(title)
                else:
                    things.put(Place.PUBLICMETADB, title)
            for place in things.removable:
                kept = self._kept[things.feature, place] = list(islice(titles, TAKEN * self._rounds))
                for title in kept:
                    things.put(Place.PLEX, title)
                    if not rated:
                        things.put(Place.PUBLICMETADB, title)
        way = self._way
        # both ways first, then as it is meant: another direction begins anew, and its first run only adds
        for self._way in (WAYS[-1], way):
            for _ in range(RUNS):
                if await self._go(None) == "ok":
                    break
        self._books = {things.feature: Books(things, removals=True) for things in self._things}
        # a run with as much to do as the ones that will be killed
        self.course.requests.clear()
        self._be_a_person()
        await self._go(None)

    def _titles(self, things: Things) -> Iterator[Title]:
        half = len(things.titles) // 2
        return iter(things.titles[half:] if isinstance(things, Positions) else things.titles[:half])

    def _be_a_person(self) -> None:
        """Add and remove something everywhere changes come from."""
        for things in self._things:
            for place in Place:
                if self._way.direction is Direction.ONE_WAY and place is not self._way.source:
                    continue
                known = isinstance(things, Ratings) and place is Place.PUBLICMETADB
                for _ in range(ADDED):
                    title = self._rated.pop() if known else next(self._unused[things.feature])
                    self._books[things.feature].put(place, title)
                kept = self._kept.get((things.feature, place), [])
                for title in [kept.pop() for _ in range(TAKEN) if kept]:
                    self._books[things.feature].take(place, title)

    async def _go(self, requests: int | None) -> str | None:
        """Start a process, and kill it after so many requests unless None. Return what it said at its end."""
        self._ahead += HOUR
        life = Life(
            folder=self._folder,
            account=self._services.account().as_dict(),
            cloud_url=self._services.cloud.url,
            pmdb_url=self._services.pmdb.url,
            way=WAYS.index(self._way),
            ahead=self._ahead,
            # so many removals a day would wait for a person
            settings=replace(settings(), brake=False),
        )
        ours, theirs = self._spawn.Pipe(duplex=False)
        process = self._spawn.Process(target=live, args=(life, theirs))
        await asyncio.to_thread(process.start)
        theirs.close()
        await asyncio.to_thread(ours.recv)
        before, writes = self._requests, self._writes
        if requests is not None:
            while self._requests < before + requests and process.is_alive():  # noqa: ASYNC110 - it may end
                await asyncio.sleep(0.001)
            await asyncio.sleep(self._random.uniform(0, JITTER))
            process.kill()
        await asyncio.to_thread(process.join, PATIENCE)
        said: str | None = ours.recv() if process.exitcode == 0 else None
        ours.close()
        if process.exitcode == -signal.SIGKILL:
            self.course.kills += 1
            self.course.written += self._writes > writes
        elif process.exitcode != 0:
            raise RuntimeError(f"the process ended with {process.exitcode}")
        else:
            self.course.requests.append(self._requests - before)
        for books in self._books.values():
            books.look()
        return said

    @property
    def _simulators(self) -> tuple[Simulator, ...]:
        return (self._services.cloud, self._services.pms, self._services.pmdb)

    @property
    def _requests(self) -> int:
        return sum(len(each.log) for each in self._simulators)

    @property
    def _writes(self) -> int:
        return sum(request.method != "GET" for each in self._simulators for request in each.log)

    async def _recover(self) -> str:
        """Run in peace until all is where it has to be; return how the last run ended."""
        said = ""
        for _ in range(RUNS):
            # ratings are looked at once a day
            self._ahead += DAY
            said = await self._go(None) or ""
            if said == "ok" and all(books.in_step for books in self._books.values()):
                break
        return said


async def kill(way: Way, kills: int, seed: int = 1) -> tuple[list[Row], KilledPair]:
    """Kill a pair of its own so often."""
    with TemporaryDirectory() as folder:
        pair = KilledPair(way, kills, Path(folder), seed)
        return await pair.run(), pair


def kill_way(place: int, kills: int) -> list[Row]:
    """Kill a pair with the direction at this place of `WAYS` so often; say what was wrong, if anything."""
    rows, pair = asyncio.run(kill(WAYS[place], kills))
    for complaint in pair.complaints():
        print(complaint, file=sys.stderr)
    course = pair.course
    print(f"{WAYS[place].name}: {course.kills} kills, {course.written} amid writes", file=sys.stderr)
    return rows
