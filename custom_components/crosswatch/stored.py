"""What a pair shows, read from the state file."""

from collections import defaultdict
from typing import Final

from homeassistant.util import dt as dt_util

from .models import PairState
from .sync.models import Feature
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
    return PairState(
        status=None if report is None else report.status,
        report=report,
        last_success=None if success is None else dt_util.utc_from_timestamp(success),
        unresolved=dict(counts),
        items=items,
        held=await state.held(pair),
        runs=runs,
    )
