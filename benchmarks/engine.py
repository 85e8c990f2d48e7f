"""What a run of a pair costs: with real providers and services in another process, and the plan alone.

`engine_s` is the part of the seconds in which no provider was at work.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
import gc
from pathlib import Path
import tempfile
import time
from typing import Any, Final

import aiohttp

from benchmarks.measure import Case, Row, Services, Watch
from benchmarks.plex import provider as plex_provider
from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Scope,
    Side,
    Snapshot,
)
from custom_components.crosswatch.sync.provider import Capability, Provider
from custom_components.crosswatch.sync.report import RunReport
from custom_components.crosswatch.sync.state import State

PAIR: Final = "bench"
SIZES: Final = (1_000, 10_000, 20_000, 100_000)
EPISODES: Final = 50
"""Episodes of a show."""
DIFFERENCES: Final = 100
"""Plays that only one side has when a plan is made, half of them on each."""


@dataclass(frozen=True, slots=True)
class EngineRow(Row):
    """A result of a run. `engine_s` is the part of `seconds` in which no provider was at work."""

    engine_s: float


@dataclass(slots=True)
class Stopwatch:
    """Runs while any provider is at work."""

    seconds: float = 0.0
    _at_work: int = 0
    _since: float = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run for as long as the block."""
        if not self._at_work:
            self._since = time.perf_counter()
        self._at_work += 1
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self.seconds += time.perf_counter() - self._since


class Timed:
    """A provider whose work is timed."""

    def __init__(self, provider: Provider, watch: Stopwatch) -> None:
        """Let the watch run whenever the provider does."""
        self._provider = provider
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        """Be the provider in all else."""
        return getattr(self._provider, name)

    @property
    def name(self) -> str:
        """Name of the service."""
        return self._provider.name

    @property
    def capabilities(self) -> Mapping[Feature, Capability]:
        """What the account can do."""
        return self._provider.capabilities

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._provider.requests

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Whether the entry can be written."""
        return self._provider.refusal(feature, action, entry)

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read."""
        with self._watch.running():
            return await self._provider.read(feature, scope)

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Write."""
        outcomes = self._provider.apply(feature, changes, scope)
        try:
            while True:
                with self._watch.running():
                    outcome = await anext(outcomes, None)
                if outcome is None:
                    return
                yield outcome
        finally:
            await outcomes.aclose()


@dataclass(slots=True)
class Pair:
    """A pair of both services."""

    state: State
    sides: Mapping[Side, Timed]
    request: RunRequest
    stopwatch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def requests(self) -> int:
        """Requests sent so far, to both services."""
        return sum(side.requests for side in self.sides.values())

    async def run(self) -> RunReport:
        """Run the history of the pair once."""
        report = await Engine(self.state).run(
            self.request, self.sides[Side.SOURCE], self.sides[Side.TARGET], lambda _progress: None
        )
        assert report.succeeded, report
        return report

    async def measured(self, watch: Watch) -> RunReport:
        """Run it once and measure it."""
        gc.collect()
        before = self.stopwatch.seconds
        async with watch.measure(self):
            report = await self.run()
        assert watch.row is not None
        engine = watch.row.seconds - (self.stopwatch.seconds - before)
        watch.row = EngineRow(**watch.row.as_dict(), engine_s=round(engine, 3))
        return report


def request(direction: Direction) -> RunRequest:
    """Return what the pair is asked to do."""
    return RunRequest(
        pair_id=PAIR,
        direction=direction,
        features=(Feature.HISTORY,),
        scope=Scope(pair_id=PAIR),
        trigger="bench",
    )


@asynccontextmanager
async def pair(services: Services, direction: Direction) -> AsyncIterator[Pair]:
    """Return a pair with default settings; only the pace of PublicMetaDB is off."""
    stopwatch = Stopwatch()
    settings = PublicMetaDBSettings.from_options(
        {
            "api_key": services["api_key"],
            "base_url": services["publicmetadb"],
            "rate_limit": {"get_per_sec": 0, "post_per_sec": 0},
        }
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = await State.open(folder)
        async with plex_provider(services) as plex, aiohttp.ClientSession() as session:
            publicmetadb = PublicMetaDBProvider(session, settings, Pacers(), folder)
            yield Pair(
                state=state,
                sides={Side.SOURCE: Timed(plex, stopwatch), Side.TARGET: Timed(publicmetadb, stopwatch)},
                request=request(direction),
                stopwatch=stopwatch,
            )
        await state.close()


async def sync_first(watch: Watch, services: Services) -> None:
    """Everything is written for the first time."""
    async with pair(services, Direction.ONE_WAY) as one:
        report = await one.measured(watch)
    assert report.total("added") >= watch.size * 0.8


def sync_idle(direction: Direction) -> Callable[[Watch, Services], Any]:
    """Return a run in which nothing has changed."""

    async def run(watch: Watch, services: Services) -> None:
        async with pair(services, direction) as one:
            for _ in range(2):
                await one.run()
            report = await one.measured(watch)
        assert not report.total("added")

    return run


# --- the plan alone -----------------------------------------------------------------------------


def play(number: int) -> Play:
    """Return the play with this number."""
    show, episode = divmod(number, EPISODES)
    item = Item(
        kind=Kind.EPISODE,
        ids=Ids(tmdb=10_000_000 + number),
        show_ids=Ids(tmdb=1 + show, imdb=f"tt{show:07d}"),
        season=1,
        episode=episode,
        show_title=f"Show {show}",
    )
    return Play(item=item, watched_at=1_600_000_000 + 1000 * number)


class Kept:
    """A side kept in memory, whose reads cost nothing: what is left is the engine's own."""

    def __init__(self, name: str, plays: range) -> None:
        """Hold these plays."""
        self.name = name
        self.capabilities = {Feature.HISTORY: Capability(kinds=frozenset(Kind), add=True)}
        self.requests = 0
        self.hold(plays)

    def hold(self, plays: range) -> None:
        """Hold other plays from now on."""
        self.snapshot = Snapshot(
            feature=Feature.HISTORY,
            entries=tuple(play(number) for number in plays),
            scope_hash=self.name,
            read_at=1_790_000_000,
        )

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Return everything."""
        return self.snapshot

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Take everything."""
        return None

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Nothing is written in a dry run."""
        for change in changes:
            yield Outcome(change=change, status=OutcomeStatus.FAILED, reason="a dry run")


async def plan_two_way(watch: Watch, _services: Services) -> None:
    """A look at two sides that differ in a hundred plays, everything else being agreed."""
    agreed = range(watch.size - DIFFERENCES)
    sides = {side: Kept(side, agreed) for side in Side}
    with tempfile.TemporaryDirectory() as name:
        state = await State.open(Path(name))
        stopwatch = Stopwatch()
        one = Pair(
            state=state,
            sides={side: Timed(kept, stopwatch) for side, kept in sides.items()},
            request=request(Direction.TWO_WAY),
            stopwatch=stopwatch,
        )
        await one.run()
        sides[Side.SOURCE].hold(range(watch.size - DIFFERENCES // 2))
        sides[Side.TARGET].hold(range(-DIFFERENCES // 2, watch.size - DIFFERENCES))
        one.request = replace(one.request, dry_run=True)
        report = await one.measured(watch)
        await state.close()
    assert report.total("added") == DIFFERENCES


CASES: Final = (
    Case(
        "sync_first",
        "history from Plex to PublicMetaDB, for the first time, unpaced",
        sync_first,
        sizes=SIZES,
    ),
    Case(
        "sync_idle_one_way",
        "the same pair in step, nothing having changed",
        sync_idle(Direction.ONE_WAY),
        in_step=True,
        sizes=SIZES,
    ),
    Case(
        "sync_idle_two_way",
        "a two-way pair in step, nothing having changed",
        sync_idle(Direction.TWO_WAY),
        in_step=True,
        sizes=SIZES,
    ),
    Case("plan_two_way", "a dry run over sides in memory with 100 differences", plan_two_way, sizes=SIZES),
)
