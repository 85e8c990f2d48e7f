"""What a pair shows: its last run, and how far the present one is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from homeassistant.util import dt as dt_util

from .const import OVERDUE_DELAY, SHORTEST_INTERVAL
from .sync.disk import DiskFault
from .sync.held import HeldPlan
from .sync.identity import UNKNOWN, title_of
from .sync.models import Feature, Kind
from .sync.report import Phase, Progress, RunReport, RunStatus
from .sync.unresolved import UnresolvedRow

PHASE_STARTS: Final[Mapping[Phase, int]] = {
    Phase.SETTLING: 0,
    Phase.READING: 0,
    Phase.PLANNING: 20,
    Phase.APPLYING: 25,
    Phase.OBSERVING: 90,
}
"""Percent of a feature that is done when a phase begins."""

PROBLEMS: Final = (
    RunStatus.HELD,
    RunStatus.INCOMPLETE,
    RunStatus.UNREACHABLE,
    RunStatus.AUTH_FAILED,
    RunStatus.WAITING_FOR_ACCOUNT,
    RunStatus.FAILED,
)
"""Outcomes that don't pass by themselves, or are a service's trouble."""


class DiskTrouble(NamedTuple):
    """What is wrong with which of our own files."""

    fault: DiskFault
    file: str


class UndoState(StrEnum):
    """Whether a run can be taken back."""

    POSSIBLE = "possible"
    NOTHING = "nothing"  # it has changed nothing
    UNDONE = "undone"
    FORGOTTEN = "forgotten"  # what it has changed is not in the journal any more


@dataclass(frozen=True, slots=True, kw_only=True)
class PairState:
    """What a pair shows of its past.

    `unresolved` counts the `items` that nobody ignores by feature and reason. `held` are the plans that
    wait for a person. `runs` are the last ones, newest first, and `undoable` names those of them that the
    journal still knows to have changed something. `disk` is what kept the last one from its end.
    """

    status: RunStatus | None = None
    report: RunReport | None = None
    last_success: datetime | None = None
    unresolved: Mapping[Feature, Mapping[str, int]] = field(default_factory=dict)
    items: tuple[UnresolvedRow, ...] = ()
    held: tuple[HeldPlan, ...] = ()
    runs: tuple[RunReport, ...] = ()
    disk: DiskTrouble | None = None
    undoable: frozenset[str] = frozenset()

    @property
    def last_run(self) -> datetime | None:
        """When the last run ended, however it went."""
        return None if self.report is None else dt_util.utc_from_timestamp(self.report.finished_at)

    @property
    def in_sync(self) -> bool | None:
        """Whether both sides agreed when they were last read; None before the first run."""
        return None if self.report is None else self.status is RunStatus.OK

    @property
    def problem(self) -> bool:
        """Whether somebody has to do something, or a service is in trouble."""
        return self.status in PROBLEMS

    @property
    def plans(self) -> list[tuple[Feature, str]]:
        """What names the plans that wait: feature and hash."""
        return [(plan.feature, plan.plan_hash) for plan in self.held]

    @property
    def held_changes(self) -> int | None:
        """How many changes wait for a person; None before the first run."""
        return None if self.report is None else sum(len(plan.changes) for plan in self.held)

    @property
    def duration(self) -> float | None:
        """How long the last run took, in seconds."""
        return None if self.report is None else self.report.duration_s

    def total(self, counter: str) -> int | None:
        """Sum of a counter over the features of the last run; None before the first one."""
        return None if self.report is None else self.report.total(counter)

    def undo_state(self, run: RunReport) -> UndoState:
        """Return whether one of the `runs` can be taken back. What was undone in part can be undone again."""
        undone_by = next((each for each in self.runs if each.run_id == run.undone_by), None)
        if undone_by is not None and undone_by.succeeded:
            return UndoState.UNDONE
        if run.run_id in self.undoable:
            return UndoState.POSSIBLE
        return UndoState.FORGOTTEN if run.changes else UndoState.NOTHING

    @property
    def open_items(self) -> int | None:
        """How many items can't be written; None before the first run."""
        return (
            None if self.report is None else sum(sum(counts.values()) for counts in self.unresolved.values())
        )


MAPPABLE: Final = frozenset({"missing_tmdb_id", "missing_show_tmdb_or_episode_numbers", "missing_ids"})
"""Reasons that a TMDb id, given by a person, does away with."""


def kind_of(key: str) -> Kind:
    """Return what an item is, from its key."""
    return Kind(key.removeprefix(UNKNOWN).partition(":")[0])


def lacking_ids(state: PairState) -> dict[str, UnresolvedRow]:
    """Return one item of each title that lacks its TMDb id and is not ignored, by the title's key."""
    found: dict[str, UnresolvedRow] = {}
    for row in state.items:
        if row.reason in MAPPABLE and not row.ignored:
            found.setdefault(title_of(row.key), row)
    return found


def next_turn(
    now: datetime, last: datetime, interval: timedelta, retry_at: datetime | None = None
) -> datetime:
    """Return when a pair runs again: an interval after its last try, or soon when that is over.

    What had to wait for an hourly quota goes on as soon as there is a new one, but not at once.
    """
    # a last try that is yet to come was made by a clock that was ahead
    due = min(last, now) + interval
    if retry_at is not None:
        due = min(due, max(retry_at, last + timedelta(minutes=SHORTEST_INTERVAL)))
    return max(due, now + OVERDUE_DELAY)


def percent(told: Progress, features: Sequence[Feature]) -> int:
    """Return how much of a run over these features is done."""
    share: float = PHASE_STARTS[told.phase]
    if told.total:
        share += (PHASE_STARTS[Phase.OBSERVING] - share) * told.done / told.total
    return int((features.index(told.feature) * 100 + share) / len(features))
