"""Whole runs against providers in memory: faults, stops and what stays behind."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync import feature_run
from custom_components.crosswatch.sync.disk import DiskFault
from custom_components.crosswatch.sync.engine import AlreadyRunningError
from custom_components.crosswatch.sync.feature_run import SETTLE, UNDER_WAY
from custom_components.crosswatch.sync.models import (
    Change,
    Feature,
    OutcomeStatus,
    Scope,
    Side,
)
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    IncompleteReadError,
    RateLimitedError,
    RefusedError,
    StateFileError,
    UnreachableError,
)
from custom_components.crosswatch.sync.report import Phase, RunStatus

from .fakes import HOUR, NOW, FakeProvider, listed, movie, play
from .lab import PAIR, Lab, dump, until


async def test_first_run_writes_and_second_run_does_nothing(lab: Lab) -> None:
    lab.fill(3)
    first = await lab.run()
    assert (first.status, first.total("added"), first.requests) == (
        RunStatus.OK,
        3,
        {"plex": 1, "publicmetadb": 5},
    )
    second = await lab.run()
    assert (second.status, second.total("added"), second.requests) == (
        RunStatus.OK,
        0,
        {"plex": 1, "publicmetadb": 1},
    )
    assert lab.at_target == [1, 2, 3]


async def test_both_features_are_reported_and_stored(lab: Lab) -> None:
    lab.fill(2)
    lab.source.entries[Feature.HISTORY] = [play(movie(5), NOW), play(movie(5), NOW + HOUR)]
    report = await lab.run(features=(Feature.WATCHLIST, Feature.HISTORY))
    assert {str(f): r.added for f, r in report.features.items()} == {"watchlist": 2, "history": 2}
    assert await lab.state.last_run(PAIR) == report
    assert await lab.state.last_success(PAIR) == report.finished_at


async def test_unresolved_items_are_counted_by_reason_listed_and_solved(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    lab.source.entries[Feature.WATCHLIST] = [listed(movie(imdb="tt1")), listed(movie(2))]
    report = await lab.run()
    assert report.status is RunStatus.UNRESOLVED
    assert report.features[Feature.WATCHLIST].reasons == {"missing_tmdb_id": 1}
    (row,) = await lab.state.unresolved(PAIR)
    assert (row.key, row.reason, row.name, row.attempts) == (
        "movie:imdb:tt1",
        "missing_tmdb_id",
        "Movie tt1",
        1,
    )
    await lab.run()
    (row,) = await lab.state.unresolved(PAIR)
    assert (row.attempts, row.last_seen - row.first_seen) == (2, HOUR)
    lab.source.entries[Feature.WATCHLIST][0] = listed(replace(movie(imdb="tt1"), title="A better title"))
    await lab.run()
    assert [row.name for row in await lab.state.unresolved(PAIR)] == ["A better title"]
    lab.source.entries[Feature.WATCHLIST][0] = listed(movie(1, "tt1"))
    assert (await lab.run()).status is RunStatus.OK
    assert await lab.state.unresolved(PAIR) == ()
    assert sorted(lab.at_target) == [1, 2]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthError("http:401"), RunStatus.AUTH_FAILED),
        (UnreachableError("no connection"), RunStatus.UNREACHABLE),
        (BadAnswerError("not JSON"), RunStatus.INCOMPLETE),
        (IncompleteReadError("90 of 100 rows"), RunStatus.INCOMPLETE),
        (RefusedError(400, "bad"), RunStatus.FAILED),
        (RateLimitedError("http:429", 60.0), RunStatus.UNREACHABLE),
    ],
)
@pytest.mark.parametrize("side", list(Side))
async def test_a_side_that_fails_is_never_ok_and_changes_nothing(
    lab: Lab, error: Exception, status: RunStatus, side: Side
) -> None:
    lab.fill(3)
    await lab.run()
    lab.fill(4)
    provider = lab.source if side is Side.SOURCE else lab.target
    provider.read_error = error  # type: ignore[assignment]
    report = await lab.run()
    feature = report.features[Feature.WATCHLIST]
    assert (report.status, feature.side, report.succeeded) == (status, side, False)
    assert str(error) in (feature.error or "")
    assert len(lab.at_target) == 3
    provider.read_error = None
    assert (await lab.run()).total("added") == 1


@pytest.mark.parametrize("side", list(Side))
async def test_a_providers_own_file_is_named_with_what_is_wrong_with_it(lab: Lab, side: Side) -> None:
    lab.fill(3)
    provider = lab.source if side is Side.SOURCE else lab.target
    provider.read_error = StateFileError("kept.json", DiskFault.READ_ONLY, "can't be written")
    report = (await lab.run()).features[Feature.WATCHLIST]
    assert (report.status, report.side) == (RunStatus.FAILED, side)
    assert (report.fault, report.file) == (DiskFault.READ_ONLY, "kept.json")
    assert not lab.at_target


async def test_a_refused_credential_stops_the_run_but_an_unreachable_side_only_its_feature(lab: Lab) -> None:
    both = (Feature.WATCHLIST, Feature.HISTORY)
    lab.target.read_error = AuthError("http:401")
    assert list((await lab.run(features=both)).features) == [Feature.WATCHLIST]
    lab.target.read_error = UnreachableError("down")
    assert list((await lab.run(features=both)).features) == list(both)


async def test_failed_writes_are_errors_and_come_right_in_the_next_run(lab: Lab) -> None:
    lab.fill(4)
    lab.target.answer = lambda c: (
        OutcomeStatus.FAILED if c.key.endswith(("2", "3")) else OutcomeStatus.APPLIED
    )
    report = await lab.run()
    assert (report.status, report.total("added"), report.total("errors")) == (RunStatus.PARTIAL, 2, 2)
    assert report.total("unconfirmed") == 0
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert (await lab.run()).total("added") == 2
    assert sorted(lab.at_target) == [1, 2, 3, 4]


async def test_a_write_answered_ok_but_not_stored_is_unconfirmed_and_tried_again(lab: Lab) -> None:
    lab.fill(4)
    lab.target.shown = lambda rows: rows[:2]
    report = await lab.run()
    assert (report.status, report.total("added"), report.total("unconfirmed")) == (RunStatus.PARTIAL, 4, 2)
    del lab.target.entries[Feature.WATCHLIST][2:]
    lab.target.shown = list
    assert (await lab.run()).total("added") == 2
    assert lab.at_target == [1, 2, 3, 4]


async def test_an_uncertain_write_is_decided_by_looking(lab: Lab) -> None:
    lab.fill(2)

    def answer(change: Change) -> OutcomeStatus:
        if change.key.endswith("1"):
            lab.target.entries[Feature.WATCHLIST].append(change.entry)
        return OutcomeStatus.UNCERTAIN

    lab.target.answer = answer
    report = await lab.run()
    assert (report.total("added"), report.total("errors")) == (1, 1)
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    assert lab.at_target == [1, 2]


async def test_a_stale_read_after_our_write_writes_nothing_twice(lab: Lab) -> None:
    lab.fill(3)
    lab.target.shown = lambda _rows: ()
    await lab.run()
    lab.now -= HOUR
    lab.now += SETTLE / 2
    await lab.engine.run(lab.request, lab.source, lab.target, lab.progress.append)
    lab.target.shown = list
    assert (await lab.run()).status is RunStatus.OK
    assert lab.at_target == [1, 2, 3]


async def test_an_item_the_service_refuses_rests_and_stays_visible(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    assert (await lab.run()).features[Feature.WATCHLIST].reasons == {"test_unresolved": 1}
    requests = lab.target.requests
    report = await lab.run()
    assert report.features[Feature.WATCHLIST].reasons == {"test_unresolved": 1}
    assert lab.target.requests == requests + 1, "one read, no write"
    assert [row.attempts for row in await lab.state.unresolved(PAIR)] == [1]
    lab.now += 24 * HOUR
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert (await lab.run()).total("added") == 1
    assert await lab.state.unresolved(PAIR) == ()


async def test_an_account_error_in_the_middle_keeps_what_was_done(lab: Lab) -> None:
    lab.fill(5)
    lab.target.answer = lambda c: AuthError("http:401") if c.key.endswith("3") else OutcomeStatus.APPLIED
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.AUTH_FAILED, 2)
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    assert lab.at_target == [1, 2, 3, 4, 5]


async def test_a_missing_item_is_put_back_only_after_it_was_missing_twice(lab: Lab) -> None:
    lab.fill(8)
    await lab.run()
    del lab.target.entries[Feature.WATCHLIST][0]
    once = await lab.run()
    assert (once.total("added"), once.total("skipped")) == (0, 1)
    assert (await lab.run()).total("added") == 1


@pytest.mark.parametrize("shown", [0, 6], ids=["empty", "most gone"])
async def test_a_target_that_forgot_is_not_written_again(lab: Lab, shown: int) -> None:
    lab.fill(20)
    await lab.run()
    lab.target.shown = lambda rows: rows[:shown]
    lab.fill(21)
    for _ in range(3):
        report = await lab.run()
        assert (report.status, report.total("added")) == (RunStatus.HELD, 0)
    lab.target.shown = list
    assert (await lab.run()).total("added") == 1
    assert sorted(lab.at_target) == list(range(1, 22))


async def test_a_small_target_that_shows_nothing_is_not_written_again(lab: Lab) -> None:
    lab.fill(3)
    await lab.run()
    lab.target.shown = lambda _rows: ()
    lab.target.needs_tmdb = True
    lab.source.entries[Feature.WATCHLIST].append(listed(movie(imdb="tt9")))
    for _ in range(3):
        report = await lab.run()
        assert (report.status, report.total("added"), report.total("unresolved")) == (RunStatus.HELD, 0, 1)
        assert [row.last_seen for row in await lab.state.unresolved(PAIR)] == [int(lab.now)]
    assert report.features[Feature.WATCHLIST].error == "target_empty"


async def test_two_emptied_sides_are_in_step(lab: Lab) -> None:
    lab.fill(8)
    await lab.run()
    lab.source.entries[Feature.WATCHLIST] = []
    lab.target.entries[Feature.WATCHLIST] = []
    assert (await lab.run()).status is RunStatus.OK


async def test_another_scope_starts_afresh(lab: Lab) -> None:
    lab.fill(20)
    await lab.run()
    lab.target.scope_hash, lab.target.entries[Feature.WATCHLIST] = "another list", []
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 20)


async def test_a_dry_run_reports_the_plan_and_leaves_no_trace(lab: Lab) -> None:
    lab.fill(3)
    before = await dump(lab)
    report = await lab.run(dry_run=True)
    assert (report.dry_run, report.total("added")) == (True, 3)
    assert [c.key for c in report.plans[0].changes] == ["movie:tmdb:1", "movie:tmdb:2", "movie:tmdb:3"]
    assert lab.at_target == []
    assert await lab.state.last_run(PAIR) is None
    assert await dump(lab) == before


async def test_progress_is_told(lab: Lab) -> None:
    lab.fill(2)
    await lab.run()
    assert [(p.phase, p.done, p.total) for p in lab.progress] == [
        (Phase.READING, 0, 0),
        (Phase.PLANNING, 0, 0),
        (Phase.APPLYING, 0, 2),
        (Phase.APPLYING, 1, 2),
        (Phase.APPLYING, 2, 2),
        (Phase.OBSERVING, 0, 0),
    ]


async def test_a_pair_never_runs_twice_at_once(lab: Lab) -> None:
    lab.fill(1)
    lab.target.pause = asyncio.Event()
    first = asyncio.create_task(lab.run())
    await until(lambda: lab.target.requests == 2)
    with pytest.raises(AlreadyRunningError):
        await lab.run()
    lab.target.pause.set()
    assert (await first).status is RunStatus.OK


@pytest.mark.parametrize("feature", [Feature.WATCHLIST, Feature.HISTORY])
@pytest.mark.parametrize("stored", [True, False], ids=["landed", "not landed"])
async def test_a_stopped_run_is_continued_without_doubles(
    lab: Lab, feature: Feature, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 20
    assert lab.target.capabilities[feature].ahead == ahead
    count = 2 * ahead + 10
    rows = [
        listed(movie(n)) if feature is Feature.WATCHLIST else play(movie(n), NOW + n) for n in range(1, count)
    ]
    lab.source.entries[feature] = rows  # type: ignore[assignment]
    stop_at = ahead + 7
    stalled = asyncio.Event()

    def answer(_change: Change) -> OutcomeStatus | None:
        if len(lab.target.written) < stop_at:
            return OutcomeStatus.APPLIED
        stalled.set()
        if not stored:
            lab.target.pause = asyncio.Event()
        return None if stored else OutcomeStatus.UNCERTAIN

    lab.target.answer = answer
    task = asyncio.create_task(lab.run(features=(feature,)))
    await stalled.wait()
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stopped = await lab.state.last_run(PAIR)
    assert stopped is not None
    assert (stopped.status, stopped.total("added")) == (RunStatus.CANCELLED, stop_at)

    lab.target.answer, lab.target.pause = (lambda _c: OutcomeStatus.APPLIED), None
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(feature_run.asyncio, "sleep", sleep)
    lab.now -= HOUR - 5
    lab.progress.clear()
    report = await lab.run(features=(feature,))
    monkeypatch.undo()
    assert [told.phase for told in lab.progress][:3] == [Phase.READING, Phase.SETTLING, Phase.READING]
    assert report.status is RunStatus.OK
    assert max(waits) == UNDER_WAY - 5, "what was under way is given time to land"
    if not stored:
        # the one that got no answer may be hidden by a stale read and waits a little longer
        assert report.total("skipped") == 1
        await lab.run(features=(feature,))
    assert sorted(e.item.ids.tmdb or 0 for e in lab.target.entries[feature]) == list(range(1, count))


async def test_a_service_says_how_much_is_announced_at_once(lab: Lab) -> None:
    lab.fill(12)
    lab.target.able(Feature.WATCHLIST, ahead=5)
    announced: list[int] = []

    def answer(_change: Change) -> OutcomeStatus:
        rows = lab.state._connection.execute("SELECT count(*) FROM journal").fetchone()
        announced.append(rows[0])
        return OutcomeStatus.APPLIED

    lab.target.answer = answer
    await lab.run()
    assert announced == [5] * 5 + [10] * 5 + [12] * 2


async def test_a_stop_between_two_features_keeps_the_report_of_the_first(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)

    async def stopped(_run: feature_run.FeatureRun) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(feature_run.FeatureRun, "let_go", stopped)
    with pytest.raises(asyncio.CancelledError):
        await lab.run(features=(Feature.WATCHLIST, Feature.HISTORY))
    report = await lab.state.last_run(PAIR)
    assert report is not None
    assert (report.status, list(report.features)) == (RunStatus.CANCELLED, [Feature.WATCHLIST])
    assert report.features[Feature.WATCHLIST].status is RunStatus.OK
    assert report.features[Feature.WATCHLIST].added == 3


async def test_two_pairs_do_not_share_what_they_know(lab: Lab) -> None:
    lab.fill(3)
    await lab.run()
    other = FakeProvider("publicmetadb")
    other.scope_hash = "another account"
    request = replace(lab.request, pair_id="02PAIR", scope=Scope(pair_id="02PAIR"))
    report = await lab.engine.run(request, lab.source, other, lab.progress.append)
    assert report.total("added") == 3
    await lab.state.forget_pair("02PAIR")
    assert await lab.state.last_run("02PAIR") is None
    assert await lab.state.last_run(PAIR) is not None


async def test_two_pairs_run_at_the_same_time_on_one_file(lab: Lab) -> None:
    lab.fill(150)
    other_source, other_target = FakeProvider("plex"), FakeProvider("publicmetadb")
    other_source.entries[Feature.HISTORY] = [play(movie(n), NOW + n) for n in range(150)]
    other = replace(lab.request, pair_id="02PAIR", scope=Scope(pair_id="02PAIR"), features=(Feature.HISTORY,))
    for added in (150, 0):
        reports = await asyncio.gather(
            lab.engine.run(lab.request, lab.source, lab.target, lab.progress.append),
            lab.engine.run(other, other_source, other_target, lab.progress.append),
        )
        assert [(report.status, report.total("added")) for report in reports] == [(RunStatus.OK, added)] * 2
    assert sorted(lab.at_target) == list(range(1, 151))
    assert len(other_target.entries[Feature.HISTORY]) == 150
