"""What a run tells: totals and sides, live progress, and reports that other versions have written."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import Direction, Feature, OutcomeStatus, Scope, Side, Snapshot
from custom_components.crosswatch.sync.provider import AuthError, ProviderError, UnreachableError
from custom_components.crosswatch.sync.report import (
    COUNTERS,
    FeatureReport,
    Phase,
    Progress,
    RunReport,
    RunStatus,
    SideReport,
)

from .fakes import listed, movie
from .lab import PAIR, Lab

LISTS = Feature.WATCHLIST


async def two_way(lab: Lab, **changes: object) -> FeatureReport:
    """Run both ways and return what came of the watchlist."""
    report = await lab.run(direction=Direction.TWO_WAY, **changes)
    return report.features[LISTS]


def counts(report: SideReport) -> dict[str, object]:
    """What is not nothing."""
    told = {name: getattr(report, name) for name in ("status", *COUNTERS, "requests", "reasons")}
    return {name: value for name, value in told.items() if value}


async def test_each_side_has_its_own_counts_and_they_add_up(lab: Lab) -> None:
    lab.source.entries[LISTS] = [*(listed(movie(n)) for n in (1, 2, 3)), listed(movie(imdb="tt4"))]
    lab.target.entries[LISTS] = [listed(movie(n)) for n in (11, 12)]
    lab.target.needs_tmdb = True
    lab.target.answer = lambda c: OutcomeStatus.FAILED if c.key.endswith("3") else OutcomeStatus.APPLIED
    lab.source.answer = lambda c: OutcomeStatus.ALREADY if c.key.endswith("12") else OutcomeStatus.APPLIED
    report = await two_way(lab)
    assert counts(report.sides[Side.TARGET]) == {
        "status": RunStatus.PARTIAL,
        "added": 2,
        "unresolved": 1,
        "errors": 1,
        "requests": 5,
        "reasons": {"missing_tmdb_id": 1},
    }
    assert counts(report.sides[Side.SOURCE]) == {
        "status": RunStatus.PARTIAL,
        "added": 1,
        "skipped": 1,
        "unconfirmed": 1,
        "requests": 4,
    }
    for name in COUNTERS:
        assert getattr(report, name) == sum(getattr(side, name) for side in report.sides.values()), name
    assert (report.status, report.requests) == (RunStatus.PARTIAL, 9)
    assert report.duration_s >= 0


async def test_what_is_left_out_on_purpose_counts_at_the_side_that_goes_without(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(n)) for n in range(1, 9)]
    await two_way(lab)
    del lab.target.entries[LISTS][0]
    report = await two_way(lab)
    # the source goes without the removal
    assert {side: part.skipped for side, part in report.sides.items()} == {Side.TARGET: 0, Side.SOURCE: 1}
    assert report.sides[Side.SOURCE].status is RunStatus.OK


async def test_a_dry_run_counts_what_it_would_write_where(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(1)), listed(movie(2))]
    lab.target.entries[LISTS] = [listed(movie(11))]
    report = await two_way(lab, dry_run=True)
    assert {side: part.added for side, part in report.sides.items()} == {Side.TARGET: 2, Side.SOURCE: 1}
    assert (report.status, report.unconfirmed, report.held) == (RunStatus.OK, 0, 0)


async def held(lab: Lab) -> None:
    """Make the target lose everything."""
    lab.fill(20)
    await lab.run()
    lab.fill(22)
    lab.target.entries[LISTS] = []


async def test_what_is_held_is_counted_where_it_would_have_gone(lab: Lab) -> None:
    await held(lab)
    report = (await lab.run()).features[LISTS]
    assert (report.status, report.held, report.added) == (RunStatus.HELD, 22, 0)
    assert counts(report.sides[Side.TARGET]) == {
        "status": RunStatus.HELD,
        "held": 22,
        "requests": 1,
    }
    assert report.sides[Side.SOURCE].status is RunStatus.OK


async def test_a_dry_run_tells_what_would_be_held(lab: Lab) -> None:
    await held(lab)
    report = (await lab.run(dry_run=True)).features[LISTS]
    assert (report.status, report.held, report.added) == (RunStatus.HELD, 22, 22)


@pytest.mark.parametrize(
    ("error", "status"),
    [(UnreachableError("down"), RunStatus.UNREACHABLE), (AuthError("401"), RunStatus.AUTH_FAILED)],
)
@pytest.mark.parametrize("side", list(Side))
async def test_a_side_that_was_down_is_never_ok_and_neither_is_one_nobody_saw(
    lab: Lab, error: ProviderError, status: RunStatus, side: Side
) -> None:
    provider, other = (lab.source, lab.target) if side is Side.SOURCE else (lab.target, lab.source)
    provider.read_error = error
    report = (await lab.run()).features[LISTS]
    assert (report.status, report.side, report.sides[side].status) == (status, side, status)
    other.read_error = error
    report = (await lab.run()).features[LISTS]
    assert [report.sides[each].status for each in Side] == [status] * 2
    other.read_error = None

    async def never(feature: Feature, scope: Scope) -> Snapshot:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    other.read = never  # type: ignore[method-assign]
    report = (await lab.run()).features[LISTS]
    assert report.sides[side.other].status is None, "it was never seen"


async def test_a_side_that_goes_down_while_it_is_written_is_to_blame(lab: Lab) -> None:
    lab.fill(2)
    lab.target.answer = lambda c: UnreachableError("down") if c.key.endswith("2") else OutcomeStatus.APPLIED
    report = (await lab.run()).features[LISTS]
    assert (report.side, report.added) == (Side.TARGET, 1)
    assert report.sides[Side.TARGET].status is RunStatus.UNREACHABLE
    assert report.sides[Side.SOURCE].status is RunStatus.OK


async def test_a_defect_spares_no_side(lab: Lab) -> None:
    lab.fill(1)

    def defect(_change: object) -> OutcomeStatus:
        raise KeyError("shape")

    lab.target.answer = defect
    with pytest.raises(KeyError):
        await lab.run()
    stored = await lab.state.last_run(PAIR)
    assert stored is not None
    report = stored.features[LISTS]
    assert [report.sides[side].status for side in Side] == [RunStatus.FAILED] * 2


async def test_a_report_is_stored_and_found_again_with_all_it_says(lab: Lab) -> None:
    await held(lab)
    report = await lab.run()
    assert await lab.state.last_run(PAIR) == report
    assert RunReport.from_dict(report.as_dict()) == report


def test_reports_of_other_versions_are_read() -> None:
    old = {
        "status": "partial",
        "added": 1,
        "updated": 0,
        "removed": 0,
        "skipped": 2,
        "unresolved": 3,
        "errors": 4,
        "unconfirmed": 5,
        "reasons": {"missing_tmdb_id": 3},
        "error": None,
        "side": None,
    }
    report = FeatureReport.from_dict(old)
    assert (report.errors, report.held, report.sides, report.duration_s) == (4, 0, {}, 0.0)
    newer = report.as_dict() | {"mood": "fine", "sides": {"source": {"status": None, "mood": "fine"}}}
    assert FeatureReport.from_dict(newer) == replace(report, sides={Side.SOURCE: SideReport()})
    run = {
        "run_id": "r",
        "pair_id": PAIR,
        "trigger": "test",
        "dry_run": False,
        "status": "partial",
        "started_at": 1,
        "duration_s": 2.0,
        "features": {"watchlist": old},
        "requests": {},
        "mood": "fine",
    }
    assert RunReport.from_dict(run).features == {LISTS: report}


# --- while it goes --------------------------------------------------------------------------------


async def test_progress_tells_the_side_and_counts_all_writes_of_the_feature(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(1)), listed(movie(2))]
    lab.target.entries[LISTS] = [listed(movie(11))]
    await two_way(lab)
    applying = [told for told in lab.progress if told.phase is Phase.APPLYING]
    assert [(told.side, told.done, told.total) for told in applying] == [
        (Side.SOURCE, 0, 3),
        (Side.SOURCE, 1, 3),
        (Side.TARGET, 1, 3),
        (Side.TARGET, 2, 3),
        (Side.TARGET, 3, 3),
    ]
    elapsed = [told.elapsed_s for told in applying]
    assert elapsed == sorted(elapsed)
    assert elapsed[-1] > 0
    assert all((told.side, told.elapsed_s) == (None, 0) for told in lab.progress if told not in applying)


@pytest.mark.parametrize(
    ("done", "elapsed", "rate", "left"),
    [(0, 0.0, None, None), (0, 5.0, None, None), (3, 0.0, None, None), (4, 2.0, 2.0, 3.0)],
)
def test_rate_and_time_left(done: int, elapsed: float, rate: float | None, left: float | None) -> None:
    told = Progress(feature=LISTS, phase=Phase.APPLYING, done=done, total=10, elapsed_s=elapsed)
    assert (told.rate, told.seconds_left) == (rate, left)
