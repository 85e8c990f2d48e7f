"""Carrying out a plan: journaled in groups before they are sent, and ticked off as the answers come in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
import logging
import time

from .chunks import chunks
from .database import StateError
from .ends import Ends
from .models import Change, Outcome, OutcomeStatus, Plan, Side
from .provider import ProviderError, Thawing
from .report import Phase, Progress
from .state import State
from .tally import Tally

LOGGER = logging.getLogger(__name__)


async def last_act(work: Awaitable[None], error: BaseException) -> None:
    """Note what is known when something has gone wrong. A cancellation stays one, whatever else fails."""
    try:
        await work
    except StateError:
        if not isinstance(error, asyncio.CancelledError):
            raise
        LOGGER.exception("The end of a cancelled run could not be noted")


@dataclass(slots=True)
class _Pace:
    """How many of all writes are over; `started` is monotonic seconds."""

    total: int
    started: float
    done: int = 0


class Writer:
    """Writes what one feature of one run has planned."""

    def __init__(
        self,
        *,
        state: State,
        ends: Ends,
        run_id: str,
        tally: Tally,
        clock: Callable[[], float],
        on_progress: Callable[[Progress], None],
    ) -> None:
        """`clock` gives epoch seconds UTC."""
        self._state = state
        self._ends = ends
        self._run_id = run_id
        self._tally = tally
        self._clock = clock
        self._on_progress = on_progress

    async def carry_out(self, made: Plan, scopes: Mapping[Side, str]) -> None:
        """Write the changes of a plan, side by side. `scopes`: what the sides are read through."""
        pace = _Pace(total=len(made.changes), started=time.monotonic())
        for side in Side:
            changes = [change for change in made.changes if change.side is side]
            if changes:
                self._tell(side, pace)
            # a service that can't date plays can mark whole shows and seasons
            together = self._ends.ledger_of(side) is not None
            for chunk in chunks(changes, self._ends.able(side).ahead, together=together):
                await self._write(side, chunk, pace, scopes[side])

    async def _write(self, side: Side, chunk: Sequence[Change], pace: _Pace, scope: str) -> None:
        ends, provider = self._ends, self._ends.sides[side]
        await self._state.intend(
            ends.pair, self._run_id, chunk, int(self._clock()), account=ends.ledger_of(side), scope=scope
        )
        waiting = {change.key: change for change in chunk}
        outcomes: list[Outcome] = []
        try:
            async with aclosing(provider.apply(ends.feature, chunk, ends.request.scope)) as results:
                async for outcome in results:
                    if waiting.pop(outcome.change.key, None) is None:
                        LOGGER.error("%s: an outcome that nobody waits for", provider.name)
                        continue
                    outcomes.append(outcome)
                    pace.done += 1
                    self._tell(side, pace)
        except BaseException as err:
            await last_act(self._record(side, chunk, outcomes), err)
            if isinstance(err, ProviderError):
                raise self._tally.strike(side, err) from err
            raise
        # what got no outcome may have landed: the read tells
        outcomes += [
            Outcome(change=change, status=OutcomeStatus.UNCERTAIN, reason="no_outcome")
            for change in waiting.values()
        ]
        await self._record(side, chunk, outcomes)

    async def _record(self, side: Side, chunk: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
        self._tally.count(outcomes)
        await self._state.record(
            self._ends.pair,
            self._run_id,
            chunk,
            outcomes,
            int(self._clock()),
            account=self._ends.ledger_of(side),
            thaws=isinstance(self._ends.sides[side], Thawing),
        )

    def _tell(self, side: Side, pace: _Pace) -> None:
        self._on_progress(
            Progress(
                feature=self._ends.feature,
                phase=Phase.APPLYING,
                done=pace.done,
                total=pace.total,
                side=side,
                elapsed_s=time.monotonic() - pace.started,
            )
        )
