"""The state file: damage, versions, threads."""

import asyncio
import errno
import json
from pathlib import Path
import sqlite3
import stat

import pytest

from custom_components.crosswatch.sync import schema
from custom_components.crosswatch.sync.baseline import Learned
from custom_components.crosswatch.sync.codec import entry_as_dict, entry_from_dict
from custom_components.crosswatch.sync.database import DATABASE, StateError
from custom_components.crosswatch.sync.disk import DamagedFileError, DiskFault, NewerFileError, fault_of
from custom_components.crosswatch.sync.models import (
    PRESENT,
    Action,
    Change,
    Entry,
    Feature,
    Missing,
    Outcome,
    OutcomeStatus,
    Side,
    Values,
)
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.schema import MIGRATIONS
from custom_components.crosswatch.sync.state import State
from custom_components.crosswatch.sync.upkeep import KEPT_RUNS

from .fakes import NOW, episode, listed, movie, play, rated, stopped

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
    learned = Learned(agreed=agreed, missing=missing or {}, observed=agreed)
    await state.learn("P", Feature.HISTORY, SCOPES, learned, now=NOW)


async def test_survives_closing_and_is_private(tmp_path: Path) -> None:
    state = await State.open(tmp_path / "deep" / ".cw_state")
    await agree(state, "k1", "k2")
    await state.close()
    state = await State.open(tmp_path / "deep" / ".cw_state")
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k1": PRESENT, "k2": PRESENT}
    await state.close()
    assert stat.S_IMODE((tmp_path / "deep" / ".cw_state" / DATABASE).stat().st_mode) == 0o600


async def test_a_damaged_file_is_an_error_and_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / DATABASE
    path.write_bytes(b"not a database" * 400)
    with pytest.raises(StateError):
        await State.open(tmp_path)
    assert path.read_bytes() == b"not a database" * 400


async def test_a_file_with_a_damaged_page_is_an_error_before_anything_is_read_from_it(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, *(f"movie:tmdb:{number}" for number in range(2000)))
    await state.close()
    path = tmp_path / DATABASE
    content = path.read_bytes()
    page = content.index(b"movie:tmdb:1999") // 4096 * 4096
    # the page stays one, and its rows lie elsewhere
    path.write_bytes(content[: page + 8] + bytes(64) + content[page + 72 :])
    with pytest.raises(StateError) as raised:
        await State.open(tmp_path)
    assert raised.value.fault is DiskFault.DAMAGED


async def test_an_emptied_file_is_damaged_where_there_were_runs_and_a_new_one_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / DATABASE).touch()
    await (await State.open(tmp_path)).close()
    (tmp_path / DATABASE).write_bytes(b"")
    (tmp_path / "of_a_provider.json").touch()
    with pytest.raises(StateError) as raised:
        await State.open(tmp_path)
    assert raised.value.fault is DiskFault.DAMAGED
    assert (tmp_path / DATABASE).stat().st_size == 0


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENOSPC, "no"), DiskFault.FULL),
        (OSError(errno.EDQUOT, "no"), DiskFault.FULL),
        (OSError(errno.EFBIG, "no"), DiskFault.FULL),
        (OSError(errno.EROFS, "no"), DiskFault.READ_ONLY),
        (PermissionError(errno.EACCES, "no"), DiskFault.READ_ONLY),
        (PermissionError(errno.EPERM, "no"), DiskFault.READ_ONLY),
        (OSError(errno.EIO, "no"), DiskFault.ERROR),
        (OSError("no"), DiskFault.ERROR),
        (sqlite3.OperationalError("no"), DiskFault.ERROR),
        (DamagedFileError("no"), DiskFault.DAMAGED),
        (NewerFileError("no"), DiskFault.NEWER),
    ],
)
def test_what_is_wrong_with_a_disk_is_told_apart(error: OSError | sqlite3.Error, fault: DiskFault) -> None:
    assert fault_of(error) is fault
    assert StateError.of(error).fault is fault


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
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k1": PRESENT}
    await state.close()


async def test_missing_keys_are_counted_and_found_again(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1", "k2")
    await agree(state, missing={"k2": Missing(target=1)})
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {
        "k1": PRESENT,
        "k2": Missing(target=1),
    }
    await agree(state, "k2")
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k1": PRESENT, "k2": PRESENT}
    await state.close()


async def test_another_scope_has_no_baseline(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    assert (await state.known("P", Feature.HISTORY, SCOPES | {Side.TARGET: "c"})).baseline == {}
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
    assert "last" in (await state.known("P", Feature.HISTORY, SCOPES)).baseline
    await state.close()


async def test_survives_a_power_cut(tmp_path: Path) -> None:
    """WAL with `synchronous = NORMAL` may lose the last transactions: 2 is FULL."""
    state = await State.open(tmp_path)
    pragmas = [
        await state._do(lambda db, name=name: db.execute(f"PRAGMA {name}").fetchone()[0])  # type: ignore[misc]
        for name in ("synchronous", "journal_mode")
    ]
    assert pragmas == [2, "wal"]
    await state.close()


def first_schema(path: Path) -> sqlite3.Connection:
    """Make a file as the first version did."""
    db = sqlite3.connect(path / DATABASE, isolation_level=None)
    db.executescript(f"BEGIN; {MIGRATIONS[0]}; PRAGMA user_version = 1; COMMIT")
    return db


async def test_an_older_file_keeps_what_it_says(tmp_path: Path) -> None:
    db = first_schema(tmp_path)
    db.execute("INSERT INTO baseline VALUES ('P', 'history', 'k1', 0), ('P', 'history', 'k2', 3)")
    db.executemany("INSERT INTO scope VALUES ('P', 'history', ?, ?)", SCOPES.items())
    db.close()
    state = await State.open(tmp_path)
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {
        "k1": PRESENT,
        "k2": Missing(target=3),
    }
    await state.close()


@pytest.mark.parametrize("step", range(1, len(MIGRATIONS) + 1))
async def test_an_interrupted_migration_is_done_again(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step happens as a whole or not at all."""
    broken = (*MIGRATIONS[: step - 1], f"{MIGRATIONS[step - 1]}; SELECT no_such_function()")
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        with pytest.raises(StateError, match="no_such_function"):
            await State.open(tmp_path)
    db = sqlite3.connect(tmp_path / DATABASE)
    assert db.execute("PRAGMA user_version").fetchone() == (step - 1,)
    db.close()
    state = await State.open(tmp_path)
    await agree(state, "k1")
    await state.close()


async def test_a_file_that_another_process_writes_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    await state._do(lambda db: db.execute("PRAGMA busy_timeout = 20"))
    other = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError, match="locked"):
        await agree(state, "k2")
    other.execute("ROLLBACK")
    await agree(state, "k2")
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k1": PRESENT, "k2": PRESENT}
    other.close()
    await state.close()


async def test_a_file_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    await state._do(lambda db: db.execute("PRAGMA query_only = ON"))
    with pytest.raises(StateError, match="readonly"):
        await agree(state, "k2")
    state._connection.execute("PRAGMA query_only = OFF")
    await agree(state, "k3")
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k1": PRESENT, "k3": PRESENT}
    await state.close()


@pytest.mark.parametrize("status", [None, *OutcomeStatus])
async def test_a_write_is_over_when_both_sides_were_seen_to_agree(
    tmp_path: Path, status: OutcomeStatus | None
) -> None:
    state = await State.open(tmp_path)
    change = Change(
        feature=Feature.HISTORY,
        side=Side.TARGET,
        action=Action.ADD,
        key="movie:tmdb:1@5",
        entry=play(movie(1), 5),
        rule="only_at_source",
    )
    await state.intend("P", "run", [change], NOW)
    if status is not None:
        await state.record("P", "run", [change], [Outcome(change=change, status=status)], NOW)
    await agree(state, change.key)
    (found,) = await state._do(lambda db: db.execute("SELECT state FROM journal").fetchone())
    over = status in (None, OutcomeStatus.APPLIED, OutcomeStatus.ALREADY, OutcomeStatus.UNCERTAIN)
    assert found == ("observed" if over else str(status))
    assert await state.unanswered_since("P", Feature.HISTORY) is None
    await state.close()


async def test_a_closed_file_is_an_error(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await state.close()
    with pytest.raises(StateError):
        await state.last_run("P")


async def test_what_another_scope_agreed_is_gone_when_the_first_one_is_back(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    other = SCOPES | {Side.TARGET: "c"}
    await state.learn("P", Feature.HISTORY, other, Learned(agreed=("k2",)), now=NOW)
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {}
    assert (await state.known("P", Feature.HISTORY, other)).baseline == {"k2": PRESENT}
    await agree(state, "k3")
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {"k3": PRESENT}
    await state.close()


async def test_an_older_baseline_has_no_values_yet(tmp_path: Path) -> None:
    db = first_schema(tmp_path)
    db.execute("INSERT INTO baseline VALUES ('P', 'history', 'k1', 0), ('P', 'history', 'k2', 0)")
    db.executemany("INSERT INTO scope VALUES ('P', 'history', ?, ?)", SCOPES.items())
    db.close()
    state = await State.open(tmp_path)
    assert (await state.known("P", Feature.HISTORY, SCOPES)).values == {}
    learned = Learned(agreed=("k1",), values={"k1": Values(85, 80)})
    await state.learn("P", Feature.HISTORY, SCOPES, learned, now=NOW)
    # a key that goes missing keeps its value
    await agree(state, missing={"k1": Missing(target=1)})
    assert (await state.known("P", Feature.HISTORY, SCOPES)).values == {"k1": Values(85, 80)}
    assert (await state.known("P", Feature.HISTORY, SCOPES | {Side.TARGET: "c"})).values == {}
    await state.close()


@pytest.mark.parametrize(
    ("feature", "entry"),
    [
        (Feature.WATCHLIST, listed(movie(1, "tt1", year=2000))),
        (Feature.HISTORY, play(episode(5, 0, 0), None)),
        (Feature.HISTORY, play(episode(5, 0, 0), 0)),
        (Feature.RATINGS, rated(movie(1), 85, None, label="Story")),
        (Feature.PROGRESS, stopped(movie(1), 600, None, minutes=None)),
    ],
)
def test_a_journaled_entry_can_be_read_again(feature: Feature, entry: Entry) -> None:
    assert entry_from_dict(feature, json.loads(json.dumps(entry_as_dict(entry)))) == entry


async def test_all_about_a_pair_can_be_taken_along_and_what_was_agreed_forgotten(tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    await agree(state, "k1")
    assert [row["key"] for row in (await state.export("P"))["baseline"]] == ["k1"]
    await state.reset("P", [Feature.HISTORY])
    assert (await state.known("P", Feature.HISTORY, SCOPES)).baseline == {}
    assert (await state.export("P"))["baseline"] == []
    await state.close()
