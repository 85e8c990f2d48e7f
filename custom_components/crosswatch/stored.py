"""What a pair shows, read from the state file."""

from collections import defaultdict
from dataclasses import replace
from typing import Final

from homeassistant.util import dt as dt_util

from .models import DiskTrouble, PairState
from .sync.database import StateError
from .sync.models import Feature
from .sync.report import RunReport, RunStatus, worst
from .sync.state import State

SHOWN_RUNS: Final = 30


async def async_read_state(state: State, pair: str) -> PairState:
    """Return what is stored about a pair. Raises `StateError`."""
    runs = await state.runs(pair, SHOWN_RUNS)
    report = runs[0] if runs else None
    success = await state.last_success(pair)
    items = await state.unresolved(pair)
    counts: defaultdict[Feature, dict[str, int]] = defaultdict(dict)
    for row in items:
        if row.ignored:
            continue
        reasons = counts[row.feature]
        reasons[row.reason] = reasons.get(row.reason, 0) + 1
    held = await state.held(pair)
    return PairState(
        status=None if report is None else _status(report, held=bool(held), unresolved=bool(counts)),
        report=report,
        last_success=None if success is None else dt_util.utc_from_timestamp(success),
        unresolved=dict(counts),
        items=items,
        held=held,
        runs=runs,
        undoable=await state.undoable(pair, [run.run_id for run in runs]),
        disk=None if report is None else _disk_trouble(report),
    )


def failed(state: PairState, error: BaseException) -> PairState:
    """Return what a pair shows after a run that broke off with an error."""
    trouble = DiskTrouble(error.fault, error.file) if isinstance(error, StateError) else None
    return replace(state, status=RunStatus.FAILED, disk=trouble)


def _status(report: RunReport, *, held: bool, unresolved: bool) -> RunStatus:
    """Return how the pair is: a run over some of its features does not hide what is left of the others."""
    left = ((RunStatus.HELD, held), (RunStatus.UNRESOLVED, unresolved))
    return worst([report.status, *(status for status, is_left in left if is_left)])


def _disk_trouble(report: RunReport) -> DiskTrouble | None:
    """Return what a run has told of our own files."""
    return next(
        (DiskTrouble(part.fault, part.file or "?") for part in report.features.values() if part.fault), None
    )
