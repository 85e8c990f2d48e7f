"""A run of a pair: read, plan, guard, apply, observe. One way through, feature by feature."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
import logging
import time
from uuid import uuid4

from .applying import last_act
from .explain import Explanation, explain
from .feature_run import FeatureRun
from .models import Direction, Feature, Plan, Scope, Side
from .provider import Provider, Thawing
from .report import FeatureReport, Progress, RunReport, RunStatus, worst
from .settings import PairSettings
from .state import State
from .undo import NothingToUndoError, TooOldToUndoError

LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run to make. `trigger` says who asked for it, such as `schedule` or `action`.

    `accounts` are names of the two accounts that never change: with them a pair recognises what another
    pair has written there. Without one a pair knows its own writes only. With `undo`, the id of an earlier
    run, that one is taken back: of `features` those in which it has changed anything. Nothing else is done.
    """

    pair_id: str
    direction: Direction
    features: tuple[Feature, ...]
    scope: Scope
    trigger: str
    dry_run: bool = False
    settings: PairSettings = field(default_factory=PairSettings)
    accounts: Mapping[Side, str] = field(default_factory=dict)
    undo: str | None = None


class AlreadyRunningError(Exception):
    """The pair is in the middle of a run."""


class Engine:
    """Runs pairs. One engine per state file."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives epoch seconds UTC."""
        self._state = state
        self._clock = clock
        self._since = clock()
        self._running: set[str] = set()

    async def run(
        self,
        request: RunRequest,
        source: Provider,
        target: Provider,
        on_progress: Callable[[Progress], None],
    ) -> RunReport:
        """Run the pair once and return the report, which is stored too unless it was a dry run.

        Trouble with a service is in the report. Raises `AlreadyRunningError`, `NothingToUndoError` and
        `StateError`, and
        whatever cancels it; the report of a broken-off run is stored as well.
        """
        with self._alone(request.pair_id):
            return await self._run(request, source, target, on_progress)

    async def explain(
        self, request: RunRequest, wanted: str, source: Provider, target: Provider
    ) -> tuple[Explanation, ...]:
        """Tell why things are as they are: for each feature, the items that are wanted.

        `wanted` is the key of an item or of its show, an id such as `imdb:tt0133093`, or a part of a name.
        Both sides are read, and nothing is written anywhere. Raises `AlreadyRunningError` and `StateError`.
        """
        quiet = replace(request, dry_run=True, scope=replace(request.scope, read_only=True))
        sides = {Side.SOURCE: source, Side.TARGET: target}
        found: list[Explanation] = []
        with self._alone(request.pair_id):
            for feature in request.features:
                run = self._feature_run(quiet, sides, feature, uuid4().hex, lambda _told: None)
                report = await run.run()
                found += await explain(self._state, request.pair_id, run, report, wanted)
                if report.status is RunStatus.AUTH_FAILED:
                    break
        return tuple(found)

    async def _changed_by(self, request: RunRequest) -> tuple[Feature, ...]:
        """Return the features in which the run that is to be undone has changed anything."""
        run = request.undo or ""
        if await self._state.is_pruned(request.pair_id, run):
            raise TooOldToUndoError(run)
        lines = await self._state.lines_of_run(request.pair_id, run)
        changed = {line.feature for line in lines if line.may_stand}
        if not changed.intersection(request.features):
            raise NothingToUndoError(run)
        return tuple(feature for feature in request.features if feature in changed)

    @contextmanager
    def _alone(self, pair: str) -> Iterator[None]:
        """Let a pair do one thing at a time."""
        if pair in self._running:
            raise AlreadyRunningError(pair)
        self._running.add(pair)
        try:
            yield
        finally:
            self._running.discard(pair)

    def _feature_run(
        self,
        request: RunRequest,
        sides: Mapping[Side, Provider],
        feature: Feature,
        run_id: str,
        on_progress: Callable[[Progress], None],
    ) -> FeatureRun:
        return FeatureRun(
            state=self._state,
            sides=sides,
            request=request,
            run_id=run_id,
            feature=feature,
            clock=self._clock,
            since=self._since,
            on_progress=on_progress,
        )

    async def retry(
        self, pair: str, providers: Iterable[Provider], keys: Collection[str] | None = None
    ) -> int:
        """Let unresolved items, without keys all of them, be tried in the next run; return how many.

        What was ignored counts again.
        """
        for provider in providers:
            if isinstance(provider, Thawing):
                await provider.thaw(pair, keys)
        return await self._state.retry_items(pair, keys)

    async def _run(
        self,
        request: RunRequest,
        source: Provider,
        target: Provider,
        on_progress: Callable[[Progress], None],
    ) -> RunReport:
        sides = {Side.SOURCE: source, Side.TARGET: target}
        if request.undo is not None:
            request = replace(request, features=await self._changed_by(request))
        watch = _Watch(request, sides, self._clock)
        try:
            for feature in request.features:
                run = self._feature_run(request, sides, feature, watch.run_id, on_progress)
                watch.current = run
                watch.keep(feature, await run.run())
                await run.let_go()
                if watch.features[feature].status is RunStatus.AUTH_FAILED:
                    # every further request would only knock on a closed door
                    break
        except BaseException as err:
            if not request.dry_run:
                await last_act(self._state.keep_run(watch.broken_off(err)), err)
            raise
        report = watch.report()
        if not request.dry_run:
            await self._state.keep_run(report)
            await self._state.prune(request.pair_id, int(self._clock()))
        return report


class _Watch:
    """Collects what becomes the report."""

    def __init__(
        self, request: RunRequest, sides: Mapping[Side, Provider], clock: Callable[[], float]
    ) -> None:
        self.run_id = uuid4().hex
        self.features: dict[Feature, FeatureReport] = {}
        self.current: FeatureRun | None = None
        self._plans: list[Plan] = []
        self._request = request
        self._sides = sides
        self._started_at = int(clock())
        self._started = time.monotonic()
        self._requests_before = {side: provider.requests for side, provider in sides.items()}

    def keep(self, feature: Feature, report: FeatureReport) -> None:
        """Take in a finished feature."""
        self.features[feature] = report
        if self._request.dry_run and self.current is not None and self.current.plan is not None:
            self._plans.append(self.current.plan)

    def broken_off(self, error: BaseException) -> RunReport:
        """Report of a run that was stopped in the middle. Texts of unknown errors may hold anything."""
        cancelled = isinstance(error, asyncio.CancelledError)
        status = RunStatus.CANCELLED if cancelled else RunStatus.FAILED
        if self.current is not None and self.current.feature not in self.features:
            name = None if cancelled else type(error).__name__
            self.features[self.current.feature] = self.current.report(status, name)
        return self.report(status)

    def report(self, status: RunStatus | None = None) -> RunReport:
        """Report of the run so far."""
        requests: dict[str, int] = {}
        for side, provider in self._sides.items():
            sent = provider.requests - self._requests_before[side]
            requests[provider.name] = requests.get(provider.name, 0) + sent
        return RunReport(
            run_id=self.run_id,
            pair_id=self._request.pair_id,
            trigger=self._request.trigger,
            dry_run=self._request.dry_run,
            status=status or worst(report.status for report in self.features.values()),
            started_at=self._started_at,
            duration_s=round(time.monotonic() - self._started, 3),
            features=self.features,
            requests=requests,
            plans=tuple(self._plans),
            undo=self._request.undo,
        )
