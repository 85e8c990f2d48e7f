"""What the memory of a pair loses by itself: lines of runs that are long over, and nothing else."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.sync import upkeep
from custom_components.crosswatch.sync.decisions import Decided, Decision
from custom_components.crosswatch.sync.models import Feature, OutcomeStatus, Side
from custom_components.crosswatch.sync.provider import UnreachableError
from custom_components.crosswatch.sync.report import RunReport
from custom_components.crosswatch.sync.undo import NothingToUndoError, TooOldToUndoError
from custom_components.crosswatch.sync.upkeep import DAY, KEPT_LINES, KEPT_REPORTS

from .fakes import listed, movie, play
from .lab import PAIR, Lab

LISTS, PLAYS = Feature.WATCHLIST, Feature.HISTORY


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep two runs, and take away three lines at a time."""
    monkeypatch.setattr(upkeep, "ALWAYS_KEPT", 2)
    monkeypatch.setattr(upkeep, "AT_ONCE", 3)
    monkeypatch.setattr(upkeep, "KEPT_RUNS", 4)


async def lines(lab: Lab) -> Counter[str]:
    """How many lines the journal has of each run."""
    rows = await lab.state._do(lambda db: db.execute("SELECT run FROM journal").fetchall())
    return Counter(run for (run,) in rows)


async def add(lab: Lab, *numbers: int) -> RunReport:
    """Let the source list more, and run."""
    lab.source.entries[LISTS] += [listed(movie(number)) for number in numbers]
    return await lab.run()


async def rows(lab: Lab, table: str) -> list[Any]:
    """All of a table."""
    return await lab.state._do(lambda db: db.execute(f"SELECT * FROM {table}").fetchall())  # noqa: S608


async def test_old_lines_go_and_the_last_runs_stay_whatever_their_age(lab: Lab) -> None:
    runs = [await add(lab, *range(10 * n, 10 * n + 5)) for n in range(1, 5)]
    assert await lines(lab) == {run.run_id: 5 for run in runs}
    lab.now += KEPT_LINES - 2 * DAY
    await lab.run()
    assert (await lines(lab)).total() == 20, "none is old enough"
    lab.now += 3 * DAY
    await lab.run()
    assert await lines(lab) == {run.run_id: 5 for run in runs[2:]}
    assert await lab.state.undoable(PAIR, [run.run_id for run in runs]) == {run.run_id for run in runs[2:]}
    for run in runs[:2]:
        with pytest.raises(TooOldToUndoError):
            await lab.run(undo=run.run_id)
    report = await lab.run(undo=runs[3].run_id)
    assert report.total("removed") == 5
    assert sorted(lab.at_target) == [n for t in (10, 20, 30) for n in range(t, t + 5)]


async def test_what_nobody_has_seen_the_end_of_stays(lab: Lab) -> None:
    lab.request = replace(lab.request, features=(LISTS, PLAYS))
    lab.target.answer = lambda c: OutcomeStatus.APPLIED if c.key.endswith("1") else OutcomeStatus.UNRESOLVED
    first = await add(lab, 1, 2)
    lab.target.answer = lambda _c: OutcomeStatus.UNCERTAIN
    second = await add(lab, 3)
    lab.target.answer = lambda _c: UnreachableError("down")
    third = await add(lab, 4)
    runs = [await lab.state.lines_of_run(PAIR, run.run_id) for run in (first, second, third)]
    before = {line.key: line.state for told in runs for line in told}
    open_ones = {key for key, state in before.items() if state not in upkeep.OVER}
    await lab.state.prune(PAIR, int(lab.now) + 100 * KEPT_LINES)
    assert first.run_id not in await lines(lab)
    left = await lab.state._do(lambda db: db.execute("SELECT key FROM journal").fetchall())
    assert {key for (key,) in left} >= open_ones
    assert open_ones


async def test_nothing_but_lines_and_idle_reports_goes(lab: Lab) -> None:
    lab.request = replace(lab.request, features=(LISTS, PLAYS))
    lab.target.undated()
    lab.source.entries[PLAYS] = [play(movie(1), 5)]
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1"))]
    await add(lab, 1)
    await add(lab, 2)
    await add(lab, 3)
    said = Decision(side=Side.TARGET, key="movie:tmdb:70", kind=Decided.REJECTED)
    await lab.state.decide(PAIR, LISTS, [said], now=int(lab.now))
    tables = ("baseline", "ledger", "decision", "alias", "unresolved")
    before = {table: await rows(lab, table) for table in tables}
    assert all(before.values())
    lab.now += KEPT_LINES + DAY
    await lab.state.prune(PAIR, int(lab.now))
    assert {table: await rows(lab, table) for table in tables} == before
    assert len(before["unresolved"]) == 1
    assert (await lines(lab)).total() == 2


async def test_reports_of_runs_that_wrote_are_kept_for_a_year(lab: Lab) -> None:
    old = await add(lab, 1)
    for number in (2, 3):
        await add(lab, number)
    idle = await lab.run()
    for _ in range(6):
        await lab.run()
    kept = [run.run_id for run in await lab.state.runs(PAIR)]
    assert old.run_id in kept
    assert idle.run_id not in kept
    lab.now += KEPT_LINES + DAY
    for _ in range(5):
        await lab.run()
    with pytest.raises(TooOldToUndoError):
        await lab.run(undo=old.run_id)
    lab.now += KEPT_REPORTS
    await lab.run()
    assert old.run_id not in [run.run_id for run in await lab.state.runs(PAIR)]
    with pytest.raises(NothingToUndoError) as unknown:
        await lab.run(undo=old.run_id)
    assert not isinstance(unknown.value, TooOldToUndoError)


async def test_other_pairs_keep_theirs(lab: Lab) -> None:
    for number in range(1, 5):
        await add(lab, number)
    await lab.state.prune("02PAIR", int(lab.now) + 2 * KEPT_LINES)
    assert (await lines(lab)).total() == 4
