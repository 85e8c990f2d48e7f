"""Whether a plan may be carried out: what the guards say of it, and what a person has said."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
import logging
from typing import TYPE_CHECKING

from .guards import CANARIES, DAY, LONG, Evidence, may_be_held, reason_to_hold, wrong_read
from .held import HeldPlan
from .looking import Look, Memory
from .models import Action, Change, Feature, Side, Snapshot
from .state import State

if TYPE_CHECKING:
    from .engine import RunRequest

LOGGER = logging.getLogger(__name__)

FAILED = "brake_failed"
"""Reason of a plan that nobody could judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to become of a plan: `look` has the one to carry out, or to wait if it is `held`."""

    look: Look
    held: HeldPlan | None = None
    approved: bool = False


class Brake:
    """The brake of one feature of one run."""

    def __init__(
        self, state: State, request: RunRequest, feature: Feature, clock: Callable[[], float]
    ) -> None:
        """`clock` gives epoch seconds UTC."""
        self._state = state
        self._request = request
        self._feature = feature
        self._clock = clock

    async def judge(
        self,
        look: Look,
        memory: Memory,
        snapshots: Mapping[Side, Snapshot],
        believe: Callable[[], Awaitable[Look]],
    ) -> Verdict:
        """Judge a plan. `believe` plans once more and takes all that is missing for certain.

        That is what a person who approves a plan says: so it is what is shown, and what is carried out.
        """
        evidence = await self._evidence(look, memory, snapshots)
        try:
            reason = await asyncio.to_thread(reason_to_hold, look.plan, evidence)
        except Exception:
            LOGGER.exception("A plan that can't be judged is held")
            reason = FAILED
        if reason is None:
            return Verdict(look=look)
        believed = await believe()
        plan = HeldPlan.of(believed.plan, reason, int(self._clock()))
        approval = await self._state.approval(self._request.pair_id, self._feature)
        if approval.permits(plan):
            return Verdict(look=believed, approved=True)
        return Verdict(look=believed, held=plan)

    async def trusts(
        self, look: Look, memory: Memory, snapshots: Mapping[Side, Snapshot], written: Iterable[Change]
    ) -> bool:
        """Whether what was read after writing may count as what the sides are without."""
        evidence = await self._evidence(look, memory, snapshots)
        removed = {look.aliases.current(c.key) for c in written if c.action is Action.REMOVE}
        # the other side was without it before, and that was believed
        taken = {(side, key) for side in Side for key in removed}
        evidence = replace(evidence, taken=evidence.taken | taken)
        try:
            return await asyncio.to_thread(wrong_read, look.plan, evidence) is None
        except Exception:
            LOGGER.exception("A read that can't be judged counts for nothing")
            return False

    async def _evidence(self, look: Look, memory: Memory, snapshots: Mapping[Side, Snapshot]) -> Evidence:
        evidence = Evidence(
            direction=self._request.direction,
            settings=self._request.settings,
            baseline=look.baseline,
            snapshots=snapshots,
            entries=memory.known.entries,
            taken=frozenset((side, look.aliases.current(key)) for side, key in memory.recent.removing),
        )
        if not may_be_held(look.plan):
            # nothing will come of it: nothing more has to be asked
            return evidence
        pair, feature, now = self._request.pair_id, self._feature, int(self._clock())
        approval = await self._state.approval(pair, feature)
        removed = await self._state.removals(pair, feature, now - DAY, line=approval.done_line)
        oldest = await self._state.oldest(pair, feature, now - LONG, CANARIES)
        return replace(
            evidence,
            canaries=[look.aliases.current(key) for key in oldest],
            removed={side: {look.aliases.current(key) for key in keys} for side, keys in removed.items()},
        )
