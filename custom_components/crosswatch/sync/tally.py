"""Counts how the writes of one feature ended, side by side, and what a later read says about them."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from .models import Action, Change, Outcome, OutcomeStatus, Plan, Side
from .provider import ProviderError
from .report import FeatureReport, RunStatus, SideReport, worst
from .trouble import SideError, status_of
from .unresolved import Place

BROKEN_OFF = (RunStatus.CANCELLED, RunStatus.FAILED)
"""Outcomes of a feature that are those of each side too, where no side is to blame."""


class Tally:
    """The counters of a feature; a report may be asked for at any moment."""

    def __init__(self) -> None:
        """Nothing is read or written yet."""
        self.plan: Plan | None = None
        self.ignored: Mapping[Place, str] = {}
        """Reasons that a person does not want to hear of."""
        self.read: set[Side] = set()
        """Sides that were read completely."""
        self.failed: dict[Side, RunStatus] = {}
        """Sides that failed as a whole."""
        self.refused: list[Change] = []
        """What a service refused when it was written."""
        self.unshown: list[Change] = []
        """What was accepted and not shown by the read after it."""
        self._written: list[Outcome] = []
        self._sides = {side: _SideTally() for side in Side}

    @property
    def written(self) -> tuple[Change, ...]:
        """What may have been written."""
        return tuple(outcome.change for outcome in self._written)

    def strike(self, side: Side, error: ProviderError) -> SideError:
        """Note that a side fails as a whole, and return what is to be raised."""
        self.failed[side] = status_of(error)
        return SideError(side, error)

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Take in how writes ended."""
        for outcome in outcomes:
            side = self._sides[outcome.change.side]
            side.ended[outcome.status][outcome.change.action] += 1
            if outcome.status is OutcomeStatus.UNRESOLVED:
                reason = outcome.reason or "refused"
                if self.ignored.get((outcome.change.side, outcome.change.key)) == reason:
                    side.ignored += 1
                else:
                    side.reasons[reason] += 1
                self.refused.append(outcome.change)
            elif outcome.status is not OutcomeStatus.FAILED:
                self._written.append(outcome)

    def judge(self, confirms: Callable[[Change], bool], *, looked: bool) -> None:
        """Compare what was written with what the last read says of it, one after the writes if `looked`."""
        for outcome in self._written:
            side = self._sides[outcome.change.side]
            shown = confirms(outcome.change)
            if outcome.status is OutcomeStatus.UNCERTAIN:
                action = outcome.change.action
                side.ended[OutcomeStatus.UNCERTAIN][action] -= 1
                side.ended[OutcomeStatus.APPLIED if shown else OutcomeStatus.FAILED][action] += 1
            elif not shown:
                side.unconfirmed += 1
                if looked:
                    self.unshown.append(outcome.change)

    def report(
        self,
        status: RunStatus | None = None,
        error: str | None = None,
        side: Side | None = None,
        *,
        requests: Mapping[Side, int],
        duration_s: float,
    ) -> FeatureReport:
        """Report of the feature so far. `side` is the one to blame."""
        sides = {each: self._side(each, status, blamed=side, requests=requests.get(each, 0)) for each in Side}
        reasons: Counter[str] = Counter()
        for report in sides.values():
            reasons.update(report.reasons)

        def total(counter: str) -> int:
            return sum(getattr(report, counter) for report in sides.values())

        return FeatureReport(
            status=status or worst(report.status or RunStatus.OK for report in sides.values()),
            added=total("added"),
            updated=total("updated"),
            removed=total("removed"),
            skipped=total("skipped"),
            unresolved=total("unresolved"),
            held=total("held"),
            errors=total("errors"),
            unconfirmed=total("unconfirmed"),
            reasons=dict(reasons),
            error=error,
            side=side,
            duration_s=round(duration_s, 3),
            sides=sides,
        )

    def _side(
        self, side: Side, status: RunStatus | None, *, blamed: Side | None, requests: int
    ) -> SideReport:
        counts = self._sides[side]
        unresolved = [row for row in self.plan.unresolved if row.side is side] if self.plan else []
        skipped = [row for row in self.plan.skipped if row.side is side] if self.plan else []
        ignored = sum(1 for row in unresolved if row.ignored) + counts.ignored
        reasons = Counter(row.reason for row in unresolved if not row.ignored) + counts.reasons
        errors = counts.total(OutcomeStatus.FAILED) + counts.total(OutcomeStatus.UNCERTAIN)
        held = 0
        if status is RunStatus.HELD and self.plan:
            held = sum(1 for change in self.plan.changes if change.side is side)
        applied = counts.ended[OutcomeStatus.APPLIED]
        return SideReport(
            status=self._outcome_of(
                side,
                status if blamed is None and status in BROKEN_OFF else None,
                held=held > 0,
                partial=errors + counts.unconfirmed > 0,
                unresolved=bool(reasons),
            ),
            added=applied[Action.ADD],
            updated=applied[Action.UPDATE],
            removed=applied[Action.REMOVE],
            skipped=len(skipped) + counts.total(OutcomeStatus.ALREADY) + ignored,
            unresolved=reasons.total(),
            held=held,
            errors=errors,
            unconfirmed=counts.unconfirmed,
            requests=requests,
            reasons=dict(reasons),
        )

    def _outcome_of(
        self, side: Side, broken_off: RunStatus | None, *, held: bool, partial: bool, unresolved: bool
    ) -> RunStatus | None:
        """Return how it went at a side, the worst first; None: it was not read, and nobody knows."""
        if side in self.failed:
            return self.failed[side]
        if broken_off is not None:
            return broken_off
        if side not in self.read:
            return None
        if held:
            return RunStatus.HELD
        if partial:
            return RunStatus.PARTIAL
        return RunStatus.UNRESOLVED if unresolved else RunStatus.OK


class _SideTally:
    """The counters of one side."""

    def __init__(self) -> None:
        self.ended: dict[OutcomeStatus, Counter[Action]] = {status: Counter() for status in OutcomeStatus}
        self.reasons: Counter[str] = Counter()
        self.unconfirmed = 0
        self.ignored = 0

    def total(self, status: OutcomeStatus) -> int:
        """How many writes ended so."""
        return self.ended[status].total()
