"""Counts how the writes of one feature ended, and what a later read says about them."""

from collections import Counter
from collections.abc import Callable, Iterable

from .models import Action, Change, Outcome, OutcomeStatus, Plan, Side
from .report import FeatureReport, RunStatus


class Tally:
    """The counters of a feature; a report may be asked for at any moment."""

    def __init__(self) -> None:
        """Nothing is written yet."""
        self.plan: Plan | None = None
        self.refused: list[Change] = []
        """What a service refused when it was written."""
        self.unshown: list[Change] = []
        """What was accepted and not shown by the read after it."""
        self._ended: dict[OutcomeStatus, Counter[Action]] = {status: Counter() for status in OutcomeStatus}
        self._written: list[Outcome] = []
        self._reasons: Counter[str] = Counter()
        self._unconfirmed = 0

    @property
    def written(self) -> tuple[Change, ...]:
        """What may have been written."""
        return tuple(outcome.change for outcome in self._written)

    def count(self, outcomes: Iterable[Outcome]) -> None:
        """Take in how writes ended."""
        for outcome in outcomes:
            self._ended[outcome.status][outcome.change.action] += 1
            if outcome.status is OutcomeStatus.UNRESOLVED:
                self._reasons[outcome.reason or "refused"] += 1
                self.refused.append(outcome.change)
            elif outcome.status is not OutcomeStatus.FAILED:
                self._written.append(outcome)

    def judge(self, shows: Callable[[str], bool], *, looked: bool) -> None:
        """Compare what was written with the keys both sides show, after the writes if `looked`."""
        for outcome in self._written:
            shown = shows(outcome.change.key)
            if outcome.status is OutcomeStatus.UNCERTAIN:
                action = outcome.change.action
                self._ended[OutcomeStatus.UNCERTAIN][action] -= 1
                self._ended[OutcomeStatus.APPLIED if shown else OutcomeStatus.FAILED][action] += 1
            elif not shown:
                self._unconfirmed += 1
                if looked:
                    self.unshown.append(outcome.change)

    def planned(self, made: Plan, held: str | None) -> FeatureReport:
        """Report of a dry run: what would be written."""
        actions = Counter(change.action for change in made.changes)
        status = RunStatus.UNRESOLVED if made.unresolved else RunStatus.OK
        return FeatureReport(
            status=RunStatus.HELD if held else status,
            added=actions[Action.ADD],
            updated=actions[Action.UPDATE],
            removed=actions[Action.REMOVE],
            skipped=len(made.skipped),
            unresolved=len(made.unresolved),
            reasons=dict(Counter(row.reason for row in made.unresolved)),
            error=held,
        )

    def report(
        self, status: RunStatus | None = None, error: str | None = None, side: Side | None = None
    ) -> FeatureReport:
        """Report of the feature so far."""
        applied = self._ended[OutcomeStatus.APPLIED]
        unresolved = self.plan.unresolved if self.plan else ()
        skipped = self.plan.skipped if self.plan else ()
        reasons = Counter(row.reason for row in unresolved) + self._reasons
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
            skipped=len(skipped) + self._ended[OutcomeStatus.ALREADY].total(),
            unresolved=reasons.total(),
            errors=errors,
            unconfirmed=self._unconfirmed,
            reasons=dict(reasons),
            error=error,
            side=side,
        )
