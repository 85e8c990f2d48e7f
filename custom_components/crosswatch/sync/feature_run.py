"""One feature of one run, from the two reads to the observed result."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from itertools import batched
from typing import TYPE_CHECKING

from .guards import reason_to_hold
from .identity import Aliases
from .models import (
    Action,
    Change,
    Entry,
    Feature,
    Outcome,
    OutcomeStatus,
    Plan,
    Side,
    Snapshot,
)
from .plan import Context, plan
from .provider import AuthError, BadAnswerError, Provider, ProviderError, UnreachableError
from .report import FeatureReport, Phase, Progress, RunStatus
from .state import State

if TYPE_CHECKING:
    from .engine import RunRequest

CHUNK = 20
"""Writes journaled ahead. After a killed process at most so many are in doubt."""

UNDER_WAY = 20
"""Seconds after which a write announced by a killed run is either visible or was never sent."""

SETTLE = 120
"""Seconds in which an accepted write's absence from a read means nothing."""


class _SideError(Exception):
    """A provider error together with the side it struck."""

    def __init__(self, side: Side, error: ProviderError) -> None:
        super().__init__(side, error)
        self.side = side
        self.error = error


class FeatureRun:
    """State of one feature while it runs; `report` may be asked at any moment."""

    def __init__(
        self,
        *,
        state: State,
        sides: Mapping[Side, Provider],
        request: RunRequest,
        run_id: str,
        feature: Feature,
        clock: Callable[[], float],
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Nothing happens before `run`."""
        self.feature = feature
        self.plan: Plan | None = None
        self._state = state
        self._sides = sides
        self._request = request
        self._run_id = run_id
        self._clock = clock
        self._on_progress = on_progress
        self._started = int(clock())
        self._aliases = Aliases()
        self._stored: dict[str, int] = {}
        self._baseline: dict[str, int] = {}
        self._renamed: dict[str, str] = {}
        self._ended: dict[OutcomeStatus, Counter[Action]] = {status: Counter() for status in OutcomeStatus}
        self._written: list[Outcome] = []
        self._refused: Counter[str] = Counter()
        self._unresolved: Counter[str] = Counter()
        self._unconfirmed = 0

    async def run(self) -> FeatureReport:
        """Run the feature. Provider errors end in the report."""
        try:
            return await self._run()
        except _SideError as err:
            return self.report(_status_of(err.error), f"{type(err.error).__name__}: {err.error}", err.side)

    async def _run(self) -> FeatureReport:
        self._tell(Phase.READING)
        await self._let_land()
        snapshots = await self._read(tuple(self._sides))
        scopes = {side: snapshot.scope_hash for side, snapshot in snapshots.items()}
        pair = self._request.pair_id
        self._stored = await self._state.baseline(pair, self.feature, scopes)
        self._aliases = Aliases(await self._state.aliases(pair))

        self._tell(Phase.PLANNING)
        settling = await self._settling()
        self.plan = await self._plan(snapshots, settling)
        self._unresolved = Counter(row.reason for row in self.plan.unresolved)
        if self._request.dry_run:
            return self._planned(self.plan)
        if held := reason_to_hold(self.plan, len(self._stored), snapshots[Side.TARGET]):
            await self._note_unresolved(self.plan)
            return self.report(RunStatus.HELD, held)

        final = self.plan
        try:
            for side in Side:
                await self._apply(side, [c for c in self.plan.changes if c.side is side])
            if written := {outcome.change.side for outcome in self._written}:
                self._tell(Phase.OBSERVING)
                snapshots |= await self._read(tuple(written))
                final = await self._plan(snapshots, settling)
        finally:
            # what both sides were seen to agree on holds, even when the writes or the last look failed
            self._judge(final)
            await self._agree(final, scopes)
        return self.report()

    # --- steps ----------------------------------------------------------------------------------

    async def _read(self, sides: Sequence[Side]) -> dict[Side, Snapshot]:
        async def read(side: Side) -> Snapshot:
            try:
                return await self._sides[side].read(self.feature, self._request.scope)
            except ProviderError as err:
                raise _SideError(side, err) from err

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {side: group.create_task(read(side)) for side in sides}
        except* _SideError as errors:
            first = next(e for e in errors.exceptions if isinstance(e, _SideError))
            raise first from first.error
        return {side: task.result() for side, task in tasks.items()}

    async def _let_land(self) -> None:
        """Wait, for seconds at most, for what a killed run may have had under way."""
        announced = await self._state.unanswered_since(self._request.pair_id, self.feature)
        if announced is not None and (rest := announced + UNDER_WAY - self._clock()) > 0:
            await asyncio.sleep(min(rest, UNDER_WAY))

    async def _settling(self) -> frozenset[str]:
        """Keys that were accepted so recently that their absence proves nothing."""
        return await self._state.unsettled(self._request.pair_id, self.feature, int(self._clock()) - SETTLE)

    async def _plan(self, snapshots: Mapping[Side, Snapshot], settling: frozenset[str]) -> Plan:
        frozen = await self._state.resting(self._request.pair_id, self.feature, int(self._clock()))

        def make() -> Plan:
            source, target = snapshots[Side.SOURCE], snapshots[Side.TARGET]
            self._aliases.learn(entry.item for side in (source, target) for entry in side.entries)
            self._baseline = {self._aliases.current(key): missing for key, missing in self._stored.items()}
            self._renamed = {key: new for key in self._stored if (new := self._aliases.current(key)) != key}
            context = Context(
                direction=self._request.direction,
                aliases=self._aliases,
                refusal=self._refusal,
                baseline=self._baseline,
                settling=settling,
                frozen=frozen,
                play_window=self._request.settings.play_window,
            )
            return plan(source, target, context)

        # a plan for 100,000 plays takes longer than the event loop may wait
        return await asyncio.to_thread(make)

    def _refusal(self, side: Side, feature: Feature, action: Action, entry: Entry) -> str | None:
        return self._sides[side].refusal(feature, action, entry)

    async def _apply(self, side: Side, changes: Sequence[Change]) -> None:
        done = 0
        for chunk in batched(changes, CHUNK, strict=False):
            await self._state.intend(self._request.pair_id, self._run_id, chunk, int(self._clock()))
            outcomes: list[Outcome] = []
            try:
                async with aclosing(
                    self._sides[side].apply(self.feature, chunk, self._request.scope)
                ) as results:
                    async for outcome in results:
                        outcomes.append(outcome)
                        done += 1
                        self._tell(Phase.APPLYING, done, len(changes))
            except ProviderError as err:
                raise _SideError(side, err) from err
            finally:
                self._count(outcomes)
                await self._state.record(self._request.pair_id, self._run_id, outcomes, int(self._clock()))

    def _count(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._ended[outcome.status][outcome.change.action] += 1
            if outcome.status is OutcomeStatus.UNRESOLVED:
                self._refused[outcome.reason or "refused"] += 1
            elif outcome.status is not OutcomeStatus.FAILED:
                self._written.append(outcome)

    def _judge(self, final: Plan) -> None:
        """Compare what was written with what was seen afterwards."""
        if not self._written:
            return
        seen = set(final.agreed)
        for outcome in self._written:
            if outcome.status is OutcomeStatus.UNCERTAIN:
                action = outcome.change.action
                self._ended[OutcomeStatus.UNCERTAIN][action] -= 1
                landed = outcome.change.key in seen
                self._ended[OutcomeStatus.APPLIED if landed else OutcomeStatus.FAILED][action] += 1
            elif outcome.status is OutcomeStatus.APPLIED and outcome.change.key not in seen:
                self._unconfirmed += 1

    async def _agree(self, final: Plan, scopes: Mapping[Side, str]) -> None:
        await self._note_unresolved(final)
        await self._state.agree(
            self._request.pair_id,
            self.feature,
            scopes,
            before=self._baseline,
            agreed=final.agreed,
            lost=final.lost,
            gone=final.gone,
            aliases=self._aliases.learned,
            renamed=self._renamed,
        )

    async def _note_unresolved(self, final: Plan) -> None:
        await self._state.note_unresolved(
            self._request.pair_id,
            self.feature,
            final.unresolved,
            run_started=self._started,
            now=int(self._clock()),
        )

    # --- telling --------------------------------------------------------------------------------

    def _tell(self, phase: Phase, done: int = 0, total: int = 0) -> None:
        self._on_progress(Progress(feature=self.feature, phase=phase, done=done, total=total))

    def _planned(self, made: Plan) -> FeatureReport:
        """Report of a dry run: what would be written."""
        actions = Counter(change.action for change in made.changes)
        unresolved = len(made.unresolved)
        return FeatureReport(
            status=RunStatus.UNRESOLVED if unresolved else RunStatus.OK,
            added=actions[Action.ADD],
            updated=actions[Action.UPDATE],
            removed=actions[Action.REMOVE],
            skipped=len(made.skipped),
            unresolved=unresolved,
            reasons=dict(self._unresolved),
        )

    def report(
        self, status: RunStatus | None = None, error: str | None = None, side: Side | None = None
    ) -> FeatureReport:
        """Report of the feature so far."""
        applied = self._ended[OutcomeStatus.APPLIED]
        reasons = self._unresolved + self._refused
        errors = self._ended[OutcomeStatus.FAILED].total() + self._ended[OutcomeStatus.UNCERTAIN].total()
        if status is None:
            status = RunStatus.OK
            if reasons:
                status = RunStatus.UNRESOLVED
            if errors or self._unconfirmed:
                status = RunStatus.PARTIAL
        return FeatureReport(
            status=status,
            added=applied[Action.ADD],
            updated=applied[Action.UPDATE],
            removed=applied[Action.REMOVE],
            skipped=(len(self.plan.skipped) if self.plan else 0) + self._ended[OutcomeStatus.ALREADY].total(),
            unresolved=reasons.total(),
            errors=errors,
            unconfirmed=self._unconfirmed,
            reasons=dict(reasons),
            error=error,
            side=side,
        )


def _status_of(error: ProviderError) -> RunStatus:
    """Map a provider error to the outcome of the feature. The one place that does."""
    if isinstance(error, AuthError):
        return RunStatus.AUTH_FAILED
    if isinstance(error, UnreachableError):
        return RunStatus.UNREACHABLE
    if isinstance(error, BadAnswerError):
        return RunStatus.INCOMPLETE
    return RunStatus.FAILED
