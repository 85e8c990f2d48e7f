"""One feature of one run, from the two reads to the observed result."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
import logging
import time
from typing import TYPE_CHECKING

from .applying import Writer, last_act
from .brake import Brake, Verdict
from .collector import free, resting
from .ends import Ends
from .identity import Aliases
from .ledger import Mark
from .looking import Look, Memory, Rules, look as look_at, scopes_of
from .models import (
    Action,
    Change,
    Feature,
    Outcome,
    OutcomeStatus,
    Plan,
    Side,
    Snapshot,
)
from .provider import (
    Provider,
    ProviderError,
    StateFileError,
    Thawing,
)
from .report import FeatureReport, Phase, Progress, RunStatus
from .state import State
from .tally import Tally
from .trouble import SideError, gravity, status_of
from .undo import Standing, Undoing, plan_undo
from .unresolved import NOT_SHOWN
from .values import Written

if TYPE_CHECKING:
    from .engine import RunRequest

LOGGER = logging.getLogger(__name__)

UNDER_WAY = 20
"""Seconds after which a write announced by a run that stopped is either visible or was never sent."""

SETTLE = 120
"""Seconds in which the absence of what may have been written means nothing to a read."""

TAKEN = 7 * 86_400
"""Seconds in which a side may still show, now and then, what we have taken away from it."""

FUTURE = 86_400
"""Seconds a journaled write may lie ahead and still count as recent: the clock was set back."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a plan was made of; `reason` is why it is held."""

    snapshots: Mapping[Side, Snapshot]
    memory: Memory
    look: Look
    reason: str | None


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
        since: float,
        on_progress: Callable[[Progress], None],
    ) -> None:
        """Nothing happens before `run`. `since`: no run of another engine was alive then (epoch seconds)."""
        self.feature = feature
        self.plan: Plan | None = None
        self.seen: Seen | None = None
        self.tally = Tally()
        self._started = time.monotonic()
        self._requests_before = {side: provider.requests for side, provider in sides.items()}
        self._state = state
        self._sides = sides
        self._request = request
        self._run_id = run_id
        self._clock = clock
        self._since = since
        self._on_progress = on_progress
        self._ends = Ends(sides=sides, request=request, feature=feature)
        self._brake = Brake(state, request, feature, clock)
        self._writer = Writer(
            state=state,
            ends=self._ends,
            run_id=run_id,
            tally=self.tally,
            clock=clock,
            on_progress=on_progress,
        )
        self._unshown: set[str] = set()
        """Keys that were written, and that no read had shown when this run began."""

    async def run(self) -> FeatureReport:
        """Run the feature. Provider errors end in the report."""
        try:
            return await self._run()
        except SideError as err:
            error = err.error
            report = self.report(status_of(error), f"{type(error).__name__}: {error}", err.side)
            if isinstance(error, StateFileError):
                return replace(report, fault=error.fault, file=error.file)
            return report

    async def let_go(self) -> None:
        """Free what was read and planned: for 100,000 plays that takes longer than the loop may wait."""
        held: list[object] = [self.seen, self.plan, self.tally.plan]
        self.seen = self.plan = self.tally.plan = None
        await asyncio.to_thread(_free, held)

    def report(
        self, status: RunStatus | None = None, error: str | None = None, side: Side | None = None
    ) -> FeatureReport:
        """Report of the feature so far."""
        return self.tally.report(
            status,
            error,
            side,
            requests={each: self._sides[each].requests - self._requests_before[each] for each in Side},
            duration_s=time.monotonic() - self._started,
        )

    async def _run(self) -> FeatureReport:
        self._tell(Phase.READING)
        await self._let_land()
        snapshots = await self._read(tuple(self._sides))
        memory = await self._remember(snapshots)

        self._tell(Phase.PLANNING)
        look = await self._look(snapshots, memory)
        undoing = None if self._request.undo is None else await self._plan_backwards(self._request.undo, look)
        if undoing is None:
            verdict = await self._brake.judge(
                look, memory, snapshots, lambda: self._look(snapshots, memory, believing=True)
            )
        else:
            # a person has asked for it, and it touches nothing but what the run has left
            verdict = Verdict(look=look)
        self.plan = self.tally.plan = verdict.look.plan if undoing is None else undoing.plan
        reason = verdict.held.reason if verdict.held else None
        self.seen = Seen(snapshots, memory, verdict.look, reason)
        self.tally.ignored = look.ignored
        if self._request.dry_run:
            self.tally.count(Outcome(change=c, status=OutcomeStatus.APPLIED) for c in self.plan.changes)
            return self.report(RunStatus.HELD if reason else None, reason)
        if verdict.held is not None:
            await self._note_unresolved(look.plan)
            await self._state.hold(self._request.pair_id, verdict.held)
            return self.report(RunStatus.HELD, reason)

        look, trusted = verdict.look, True
        if verdict.approved:
            await self._state.begin_approved(self._request.pair_id, self.feature)
        if undoing is not None:
            await self._state.take_back(
                self._request.pair_id, self.feature, self._run_id, undoing, now=int(self._clock())
            )
            memory = await self._remember(snapshots)
        try:
            await self._writer.carry_out(self.plan, look.scopes)
            if written := {change.side for change in self.tally.written}:
                self._tell(Phase.OBSERVING)
                snapshots |= await self._read([side for side in Side if side in written])
                look = await self._look(snapshots, memory, look.aliases)
                trusted = await self._brake.trusts(look, memory, snapshots, self.tally.written)
        except BaseException as err:
            # what both sides were seen to agree on holds, even when the writes or the last look failed
            await last_act(self._conclude(look, memory, snapshots, looked=False), err)
            raise
        await self._conclude(look, memory, snapshots, looked=True, trusted=trusted)
        return self.report()

    # --- steps ----------------------------------------------------------------------------------

    async def _let_land(self) -> None:
        """Wait, for seconds at most, for what a stopped run may have had under way."""
        announced = await self._state.unanswered_since(self._request.pair_id, self.feature)
        if announced is None:
            return
        # a run that was killed was alive for longer than it could tell
        rest = max(announced, self._since) + UNDER_WAY - self._clock()
        if rest > 0:
            self._tell(Phase.SETTLING)
            await asyncio.sleep(min(rest, UNDER_WAY))
            self._tell(Phase.READING)

    async def _read(self, sides: Sequence[Side]) -> dict[Side, Snapshot]:
        async def read(side: Side) -> Snapshot:
            try:
                snapshot = await self._sides[side].read(self.feature, self._request.scope)
            except ProviderError as err:
                raise self.tally.strike(side, err) from err
            self.tally.read.add(side)
            return snapshot

        try:
            async with asyncio.TaskGroup() as group:
                tasks = {side: group.create_task(read(side)) for side in sides}
        except BaseExceptionGroup as errors:
            # the worst of them is told; the others stay in its context
            raise max(errors.exceptions, key=gravity) from errors
        return {side: task.result() for side, task in tasks.items()}

    async def _remember(self, snapshots: Mapping[Side, Snapshot]) -> Memory:
        pair, now = self._request.pair_id, int(self._clock())
        scopes = scopes_of(snapshots)
        return Memory(
            scopes=scopes,
            known=await self._state.known(pair, self.feature, scopes),
            recent=await self._state.recent(
                pair, self.feature, now - SETTLE, now + FUTURE, taken_since=now - TAKEN, scopes=scopes
            ),
            decisions=await self._state.decisions(pair, self.feature),
            aliases=Aliases(await self._state.aliases(pair)),
            mappings=await self._state.mappings(),
        )

    async def _look(
        self,
        snapshots: Mapping[Side, Snapshot],
        memory: Memory,
        aliases: Aliases | None = None,
        *,
        believing: bool = False,
    ) -> Look:
        """Plan from what was read. `aliases` are those of an earlier look; `believing`: see `Context`."""
        pair, now = self._request.pair_id, int(self._clock())
        frozen = await self._resting(now)
        ignored = await self._state.ignored(pair, self.feature)
        written: Mapping[Side, Mapping[str, Written]] = {}
        if self.feature in (Feature.RATINGS, Feature.PROGRESS):
            written = await self._state.written(pair, self.feature, now - SETTLE, now + FUTURE)
        self._unshown |= {
            key for writes in written.values() for key, write in writes.items() if not write.observed
        }
        marks: dict[Side, tuple[Mark, ...]] = {}
        for side in Side:
            if (account := self._ends.ledger_of(side)) is not None:
                marks[side] = await self._state.marks(account, pair)
        rules = Rules(
            direction=self._request.direction,
            settings=self._request.settings,
            capabilities={side: self._ends.able(side) for side in Side},
            refusal=self._ends.refusal,
        )

        def make() -> Look:
            return look_at(
                snapshots,
                memory,
                rules,
                now=now,
                aliases=aliases,
                frozen=frozen,
                ignored=ignored,
                written=written,
                marks=marks,
                believing=believing,
            )

        # a plan for 100,000 plays takes longer than the event loop may wait
        return await self._with_names(await asyncio.to_thread(resting, make))

    async def _with_names(self, look: Look) -> Look:
        """Name what is to be taken away where the service tells no names: a person may have to judge it."""
        removals = [change for change in look.plan.changes if change.action is Action.REMOVE]
        nameless = {change.key for change in removals if change.entry.item.is_nameless}
        if not nameless:
            return look
        written = await self._state.written_items(self._request.pair_id, self.feature, nameless)

        def named(change: Change) -> Change:
            entry, known = change.entry, written.get(change.key)
            if known is None or change.action is not Action.REMOVE:
                return change
            return replace(change, entry=replace(entry, item=entry.item.named_like(known)))

        return replace(look, plan=replace(look.plan, changes=tuple(map(named, look.plan.changes))))

    async def _plan_backwards(self, run: str, look: Look) -> Undoing:
        lines = await self._state.lines_of_run(self._request.pair_id, run)
        return await asyncio.to_thread(plan_undo, lines, look)

    async def _resting(self, now: int) -> dict[str, str]:
        """Keys that were refused and are not to be tried yet, with the reason."""
        found: dict[str, str] = {}
        for side, rows in (await self._state.resting(self._request.pair_id, self.feature, now)).items():
            given = {key: reason for key, reason in rows.items() if reason != NOT_SHOWN}
            provider, thawed = self._sides[side], frozenset[str]()
            if given and isinstance(provider, Thawing):
                thawed = await provider.thawed(self.feature, self._request.scope, given)
            found |= {key: reason for key, reason in rows.items() if key not in thawed}
        return found

    async def _conclude(
        self,
        look: Look,
        memory: Memory,
        snapshots: Mapping[Side, Snapshot],
        *,
        looked: bool,
        trusted: bool = True,
    ) -> None:
        """Compare what was written with what was seen, and remember both.

        Unless the last read is `trusted`, nothing is gone or missing because of it.
        """
        confirms = look.confirms
        if self._request.undo is not None:
            confirms = (await asyncio.to_thread(Standing, look)).confirms
        self.tally.judge(confirms, looked=looked)
        await self._note_unresolved(look.plan)
        learned = await asyncio.to_thread(
            look.learned,
            self.tally.written,
            memory.recent.settling | self._unshown,
            removing=memory.recent.removing if looked else (),
            entries={side: len(snapshot.entries) for side, snapshot in snapshots.items()},
            trusted=trusted,
        )
        if self._request.undo is not None:
            # what was put back on one side only is never agreed
            seen = [change.key for change in self.tally.written if confirms(change)]
            learned = replace(learned, observed=[*learned.observed, *seen])
        await self._state.learn(
            self._request.pair_id,
            self.feature,
            look.scopes,
            learned,
            decided=look.decided if trusted else {},
            done=looked and self._request.undo is None,
            run=self._run_id,
            now=int(self._clock()),
        )

    async def _note_unresolved(self, made: Plan) -> None:
        await self._state.note_unresolved(
            self._request.pair_id,
            self.feature,
            made.unresolved,
            refused=self.tally.refused,
            unshown=self.tally.unshown,
            now=int(self._clock()),
        )

    def _tell(self, phase: Phase) -> None:
        self._on_progress(Progress(feature=self.feature, phase=phase))


def _free(held: list[object]) -> None:
    """Empty the list, and free what was read and remembered piece by piece."""
    seen = [thing for thing in held if isinstance(thing, Seen)]
    entries = [entry for one in seen for snapshot in one.snapshots.values() for entry in snapshot.entries]
    looks = [one.look for one in seen]
    rows = [part for look in looks for part in (look.plan.agreed, look.agreed, look.news)]
    known = [known for one in seen for known in (one.memory.known, one.look)]
    baselines = [agreed for each in known for agreed in (each.baseline, each.values, each.logs)]
    for things in (held, seen, looks, known):
        things.clear()
    while rows:
        rows.pop()
    free(entries, *baselines)
