"""The state file: damage, versions, threads."""

import asyncio
from pathlib import Path
import sqlite3
import stat

import pytest

from custom_components.crosswatch.sync.models import PRESENT, Feature, Missing, Side
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.schema import MIGRATIONS
from custom_components.crosswatch.sync.state import DATABASE, KEPT_RUNS, State, StateError

from .fakes import NOW

SCOPES = {Side.SOURCE: "a", Side.TARGET: "b"}


def report(number: int, status: RunStatus = RunStatus.OK) -> RunReport:
    """A small report."""
    return RunReport(
        run_id=f"run{number}",
        pair_id="P",
        trigger="test",
        dry_run=False,
        status=status,
        started_at=NOW + number,
        duration_s=1.0,
    )


async def agree(state: State, *agreed: str, missing: dict[str, Missing] | None = None) -> None:
    """Move the baseline."""
    await state.agree(
        "P",
        Feature.HISTORY,
        SCOPES,
        agreed=agreed,
        missing=missing or {},
        gone=(),
        aliases={},
        observed=agreed,
    )


async def test_survives_closing_and_is_private(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "deep" / ".cw_state")
    await agree(state, "k1", "k2")
    await state.close()
    state = await State.open(tmp_path / "deep" / ".cw_state")
    assert await state.baseline("P", Feature.HISTORY, SCOPES) == {"k1": PRESENT, "k2": PRESENT}
    await state.close()
    assert stat.S_IMODE((tmp_path / "deep" / ".cw_state" / DATABASE).stat().st_mode) == 0o600


async def test_a_damaged_file_is_an_error_and_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(b"not a database" * 400)
    with pytest.raises(StateError):
        await State.open(tmp_path)
    assert path.read_bytes() == b"not a database" * 400


async def test_a_file_of_a_newer_version_is_an_error(tmp_path: Path) -> None:
    await (await State.open(tmp_path)).close()
    with sqlite3.connect(tmp_path / DATABASE) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(StateError, match="newer version"):
        await State.open(tmp_path)


async def test_a_full_disk_is_an_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    await state._do(lambda db: db.execute("PRAGMA max_page_count = 1"))
    with pytest.raises(StateError, match="full"):
        await agree(state, *(f"key{n}" for n in range(100_000)))
    assert await state.baseline("P", Feature.HISTORY, SCOPES) == {"k1": PRESENT}
    await state.close()


async def test_missing_keys_are_counted_and_found_again(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1", "k2")
    await agree(state, missing={"k2": Missing(target=1)})
    assert await state.baseline("P", Feature.HISTORY, SCOPES) == {"k1": PRESENT, "k2": Missing(target=1)}
    await agree(state, "k2")
    assert await state.baseline("P", Feature.HISTORY, SCOPES) == {"k1": PRESENT, "k2": PRESENT}
    await state.close()


async def test_another_scope_has_no_baseline(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    assert await state.baseline("P", Feature.HISTORY, SCOPES | {Side.TARGET: "c"}) == {}
    await state.close()


async def test_old_runs_go_but_the_last_success_stays(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await state.keep_run(report(0))
    for number in range(1, KEPT_RUNS + 5):
        await state.keep_run(report(number, RunStatus.UNREACHABLE))
    (count,) = await state._do(lambda db: db.execute("SELECT count(*) FROM run").fetchone())
    assert count == KEPT_RUNS + 1
    assert await state.last_success("P") == NOW + 1
    last = await state.last_run("P")
    assert last is not None
    assert last.run_id == f"run{KEPT_RUNS + 4}"
    await state.close()


async def test_a_cancelled_caller_does_not_disturb_the_next(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    for number in range(20):
        task = asyncio.create_task(agree(state, f"k{number}"))
        await asyncio.sleep(0)
        task.cancel()
    await agree(state, "last")
    assert "last" in await state.baseline("P", Feature.HISTORY, SCOPES)
    await state.close()
