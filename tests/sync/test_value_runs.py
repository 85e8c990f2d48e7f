"""Whole runs of ratings and resume positions: echoes, conflicts, lossy services, crashes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import json
from typing import Any

import pytest

from custom_components.crosswatch.sync.feature_run import SETTLE
from custom_components.crosswatch.sync.models import (
    Change,
    Direction,
    Entry,
    Feature,
    OutcomeStatus,
    Rating,
    Resume,
    Side,
)
from custom_components.crosswatch.sync.provider import RefusedError
from custom_components.crosswatch.sync.report import RunStatus

from .fakes import HOUR, NOW, listed, movie, play, rated, stopped
from .lab import PAIR, Lab, dump

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
VALUED = (Feature.RATINGS, Feature.PROGRESS)


class Pair:
    """Short names for a lab of one feature whose entries have values."""

    def __init__(self, lab: Lab, feature: Feature, direction: Direction = TWO) -> None:
        """Let the lab run that feature."""
        self.lab, self.feature = lab, feature
        self.unit = 1
        lab.request = replace(lab.request, features=(feature,), direction=direction)

    def put(self, side: Side, number: int, value: int | None, at: int | None = NOW) -> None:
        """Let a person rate a film, or stop it after so many seconds; None takes it away."""
        provider = self.lab.source if side is Side.SOURCE else self.lab.target
        rows = provider.entries[self.feature]
        rows[:] = [row for row in rows if row.item.ids.tmdb != number]
        if value is not None:
            make: Callable[..., Entry] = rated if self.feature is Feature.RATINGS else stopped
            rows.append(make(movie(number), value * self.unit, at))

    def values(self, side: Side) -> dict[int, int]:
        """Values by film."""
        provider = self.lab.source if side is Side.SOURCE else self.lab.target
        found = {}
        for row in provider.entries[self.feature]:
            assert isinstance(row, (Rating, Resume))
            value = row.tenths if isinstance(row, Rating) else row.position_ms // 1000
            found[row.item.ids.tmdb or 0] = value // self.unit
        return found

    async def silence(self, runs: int = 2) -> None:
        """Run until nothing may happen any more."""
        for _ in range(runs):
            before = self.values(Side.SOURCE), self.values(Side.TARGET)
            report = await self.lab.run()
            assert (report.status, report.total("added"), report.total("updated")) == (RunStatus.OK, 0, 0)
            assert (self.values(Side.SOURCE), self.values(Side.TARGET)) == before


@pytest.fixture(params=VALUED)
def pair(lab: Lab, request: pytest.FixtureRequest) -> Pair:
    """A two-way pair of one feature. Values are tenths of a rating, or tens of seconds of 100 minutes."""
    pair = Pair(lab, request.param)
    pair.unit = 10 if pair.feature is Feature.PROGRESS else 1
    return pair


async def test_two_way_is_in_step_after_two_runs_and_then_silent(pair: Pair) -> None:
    for number in range(1, 6):
        pair.put(Side.SOURCE, number, 60 + number * 6, NOW)
    for number in range(4, 9):
        pair.put(Side.TARGET, number, 100 - number * 6, NOW + HOUR)
    report = await pair.lab.run()
    assert (report.status, report.total("added"), report.total("updated")) == (RunStatus.OK, 6, 2)
    assert pair.values(Side.SOURCE) == pair.values(Side.TARGET)
    assert pair.values(Side.SOURCE)[4] == 76
    await pair.silence()


async def test_changes_travel_both_ways_and_stay(pair: Pair) -> None:
    pair.put(Side.SOURCE, 1, 60)
    pair.put(Side.SOURCE, 2, 60)
    await pair.lab.run()
    pair.put(Side.SOURCE, 1, 80, NOW - HOUR)
    pair.put(Side.TARGET, 2, 70, NOW - HOUR)
    report = await pair.lab.run()
    assert (report.total("added"), report.total("updated")) == (0, 2)
    assert pair.values(Side.SOURCE) == pair.values(Side.TARGET) == {1: 80, 2: 70}
    await pair.silence()
    # and back again
    pair.put(Side.TARGET, 1, 60, NOW - HOUR)
    await pair.lab.run()
    assert pair.values(Side.SOURCE)[1] == 60
    await pair.silence()


async def test_a_one_way_pair_never_writes_its_source(lab: Lab, pair: Pair) -> None:
    lab.request = replace(lab.request, direction=ONE)
    pair.put(Side.SOURCE, 1, 60)
    pair.put(Side.TARGET, 2, 70)
    await lab.run()
    pair.put(Side.TARGET, 1, 90, NOW + HOUR)
    report = await lab.run()
    assert lab.source.written == []
    if pair.feature is Feature.RATINGS:
        assert (report.total("updated"), pair.values(Side.TARGET)) == (1, {1: 60, 2: 70})
    else:
        assert (report.total("skipped"), pair.values(Side.TARGET)) == (1, {1: 90, 2: 70})


@pytest.mark.parametrize("kept", [lambda v: v // 10 * 10, lambda v: -(-v // 10) * 10], ids=["down", "up"])
@pytest.mark.parametrize("declared", [True, False])
async def test_whole_ratings_never_bounce(lab: Lab, kept: Callable[[int], int], declared: bool) -> None:
    pair = Pair(lab, Feature.RATINGS)
    # the service rounds, and dates what it is told with its own now
    lab.target.keeps = lambda e: (
        replace(e, tenths=kept(e.tenths), rated_at=int(lab.now)) if isinstance(e, Rating) else e
    )
    if declared:
        lab.target.able(Feature.RATINGS, rating_step=10)
    for number, tenths in enumerate((85, 70, 35, 95), start=1):
        pair.put(Side.SOURCE, number, tenths)
    assert (await lab.run()).status is RunStatus.OK
    await pair.silence()
    assert pair.values(Side.SOURCE) == {1: 85, 2: 70, 3: 35, 4: 95}
    # changed there, and by half a star here
    pair.put(Side.TARGET, 1, 60, NOW + HOUR)
    pair.put(Side.SOURCE, 2, 75, NOW + HOUR)
    await lab.run()
    await lab.run()
    assert pair.values(Side.SOURCE)[1] == 60
    assert pair.values(Side.SOURCE)[2] == 75
    assert pair.values(Side.TARGET)[1] == 60


async def test_whole_percents_never_go_back(lab: Lab) -> None:
    pair = Pair(lab, Feature.PROGRESS)
    # whole percents of 100 minutes, dated with the service's own now
    lab.target.keeps = lambda e: (
        replace(e, position_ms=e.position_ms // 60_000 * 60_000, at=int(lab.now))
        if isinstance(e, Resume)
        else e
    )
    for position in (659, 659 + 45, 705 + 40, 3000, 2000, 2035):
        pair.put(Side.SOURCE, 1, position, NOW)
        report = await lab.run()
        assert (report.status, report.total("added") + report.total("updated")) == (RunStatus.OK, 1)
        assert pair.values(Side.TARGET)[1] == position // 60 * 60
        await pair.silence()
        assert pair.values(Side.SOURCE)[1] == position
    pair.put(Side.TARGET, 1, 2500, int(lab.now))
    await lab.run()
    assert pair.values(Side.SOURCE)[1] == 2500
    await pair.silence()


@pytest.mark.parametrize("lossy", [True, False])
@pytest.mark.parametrize("update", [True, False])
async def test_a_killed_run_leaves_an_echo_that_is_recognised(pair: Pair, lossy: bool, update: bool) -> None:
    lab = pair.lab
    if update:
        pair.put(Side.SOURCE, 1, 40)
        await lab.run()
    pair.put(Side.SOURCE, 1, 85, NOW)
    change = await planned(lab)
    await lab.state.intend(PAIR, "killed", [change], int(lab.now))
    # it landed, lossily perhaps, with a date of its own; and the process was killed
    pair.put(Side.TARGET, 1, 80 if lossy else 85, int(lab.now))
    lab.start_again()
    await pair.silence()
    assert pair.values(Side.SOURCE) == {1: 85}
    # a person's next change counts, on whichever side
    pair.put(Side.TARGET, 1, 60, NOW)
    await lab.run()
    assert pair.values(Side.SOURCE) == {1: 60}
    await pair.silence()


@pytest.mark.parametrize("update", [True, False])
async def test_a_killed_run_whose_write_never_landed_is_done_again(pair: Pair, update: bool) -> None:
    lab = pair.lab
    if update:
        pair.put(Side.SOURCE, 1, 40)
        await lab.run()
    pair.put(Side.SOURCE, 1, 85)
    await lab.state.intend(PAIR, "killed", [await planned(lab)], int(lab.now))
    lab.start_again()
    report = await lab.run()
    assert report.total("updated" if update else "added") == 1
    assert pair.values(Side.TARGET) == {1: 85}
    await pair.silence()


async def planned(lab: Lab) -> Change:
    """Return the one change that a run would make now."""
    report = await lab.run(dry_run=True)
    (change,) = report.plans[0].changes
    return change


async def test_a_write_taken_back_before_anybody_looked(pair: Pair) -> None:
    """The target holds what we wrote; the source has gone back to what it was."""
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    await lab.run()
    pair.put(Side.SOURCE, 1, 80)
    await lab.state.intend(PAIR, "killed", [await planned(lab)], int(lab.now))
    pair.put(Side.TARGET, 1, 80, int(lab.now))
    pair.put(Side.SOURCE, 1, 60)
    await lab.run()
    assert pair.values(Side.TARGET) == {1: 60}
    await pair.silence()


async def test_a_stale_read_right_after_an_update_does_not_undo_it(pair: Pair) -> None:
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    pair.put(Side.SOURCE, 2, 60)
    await lab.run()
    old = list(lab.source.entries[pair.feature])
    pair.put(Side.TARGET, 1, 80)
    await lab.run()
    assert pair.values(Side.SOURCE)[1] == 80
    lab.now += SETTLE / 2 - HOUR
    lab.source.shown = lambda _rows: old
    report = await lab.run()
    assert (report.total("updated"), report.total("skipped")) == (0, 1)
    assert pair.values(Side.TARGET)[1] == 80
    lab.source.shown = list
    await pair.silence()


async def test_what_is_accepted_and_never_stored_is_not_agreed(pair: Pair) -> None:
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    await lab.run()
    pair.put(Side.SOURCE, 1, 90)
    lab.target.keeps = lambda entry: type(entry)(**{**_fields(entry), **_value(entry, 60)})
    for _ in range(2):
        report = await lab.run()
        assert (report.status, report.total("updated"), report.total("unconfirmed")) == (
            RunStatus.PARTIAL,
            1,
            1,
        )
    report = await lab.run()
    assert report.features[pair.feature].reasons == {"accepted_but_not_shown": 1}
    lab.target.keeps = lambda entry: entry
    lab.now += 48 * HOUR
    assert (await lab.run()).total("updated") == 1
    assert pair.values(Side.TARGET) == {1: 90}


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def _value(entry: Entry, value: int) -> dict[str, Any]:
    return {"tenths": value} if isinstance(entry, Rating) else {"position_ms": value * 10_000}


async def test_removals_do_not_travel_and_do_not_come_back(pair: Pair) -> None:
    for number in (1, 2, 3):
        pair.put(Side.SOURCE, number, 60)
    await pair.lab.run()
    pair.put(Side.SOURCE, 1, None)
    pair.put(Side.TARGET, 2, None)
    await pair.silence(3)
    assert (pair.values(Side.SOURCE), pair.values(Side.TARGET)) == ({2: 60, 3: 60}, {1: 60, 3: 60})
    # what is rated or watched on after that is news
    pair.put(Side.SOURCE, 2, 90)
    assert (await pair.lab.run()).total("added") == 1
    assert pair.values(Side.TARGET)[2] == 90
    await pair.silence()


async def test_a_side_that_shows_nothing_once_loses_nothing(pair: Pair) -> None:
    lab = pair.lab
    for number in range(1, 9):
        pair.put(Side.SOURCE, number, 60)
    await lab.run()
    for provider in (lab.source, lab.target):
        provider.shown = lambda _rows: ()
        await lab.run()
        provider.shown = list
        assert len(pair.values(Side.SOURCE)) == len(pair.values(Side.TARGET)) == 8
        await pair.silence()


@pytest.mark.parametrize("side", list(Side))
async def test_a_side_that_tells_most_values_otherwise_is_held(lab: Lab, side: Side) -> None:
    pair = Pair(lab, Feature.RATINGS)
    for number in range(1, 13):
        pair.put(Side.SOURCE, number, 80)
    await lab.run()
    for number in range(1, 8):
        pair.put(side, number, 8 * 2, NOW + HOUR)
    report = await lab.run()
    assert (report.status, report.features[Feature.RATINGS].error) == (RunStatus.HELD, f"{side}_changed_most")
    assert set(pair.values(side.other).values()) == {80}
    lab.request = replace(lab.request, direction=ONE)
    report = await lab.run()
    assert report.status is RunStatus.HELD


async def test_finished_films_hold_nothing(lab: Lab) -> None:
    pair = Pair(lab, Feature.PROGRESS)
    for number in range(1, 8):
        pair.put(Side.SOURCE, number, 600)
    await lab.run()
    for number in range(1, 8):
        pair.put(Side.TARGET, number, None)
    pair.put(Side.SOURCE, 9, 600)
    report = await lab.run()
    assert (report.status, report.total("added"), report.total("skipped")) == (RunStatus.OK, 1, 7)


async def test_the_journal_keeps_what_stood_there_before(pair: Pair) -> None:
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    await lab.run()
    pair.put(Side.SOURCE, 1, 90)
    await lab.run()
    rows = await lab.state._do(
        lambda db: db.execute("SELECT action, entry, before, state FROM journal ORDER BY id").fetchall()
    )
    name = "tenths" if pair.feature is Feature.RATINGS else "position_ms"
    scale = 1 if pair.feature is Feature.RATINGS else 10_000
    assert [
        (action, json.loads(entry)[name] // scale, before and json.loads(before)[name] // scale, state)
        for action, entry, before, state in rows
    ] == [("add", 60, None, "observed"), ("update", 90, 60, "observed")]


async def test_a_title_that_gets_a_better_id_keeps_what_was_agreed(pair: Pair) -> None:
    lab = pair.lab
    make: Callable[..., Entry] = rated if pair.feature is Feature.RATINGS else stopped
    for provider, value in ((lab.source, 85), (lab.target, 82)):
        provider.entries[pair.feature] = [make(movie(imdb="tt1"), value, NOW)]
    lab.target.able(Feature.RATINGS, rating_step=10)
    await lab.run()
    lab.source.entries[Feature.WATCHLIST] = [listed(movie(1)), listed(movie(1, "tt1"))]
    await lab.run(features=(Feature.WATCHLIST,))
    for provider in (lab.source, lab.target):
        provider.entries[pair.feature] = [
            replace(row, item=movie(1, "tt1")) for row in provider.entries[pair.feature]
        ]
    lab.target.able(Feature.RATINGS, rating_step=1)
    await pair.silence()


async def test_two_titles_that_prove_to_be_one_have_no_agreed_value(pair: Pair) -> None:
    lab = pair.lab
    make: Callable[..., Entry] = rated if pair.feature is Feature.RATINGS else stopped
    for provider in (lab.source, lab.target):
        provider.entries[pair.feature] = [make(movie(imdb="tt1"), 60, NOW), make(movie(1), 90, NOW + HOUR)]
    await lab.run()
    for provider in (lab.source, lab.target):
        provider.entries[pair.feature] = [make(movie(1, "tt1"), 90, NOW + HOUR)]
    await pair.silence()


async def test_a_refused_update_rests(pair: Pair) -> None:
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    await lab.run()
    pair.put(Side.SOURCE, 1, 90)
    lab.target.answer = lambda _change: OutcomeStatus.UNRESOLVED
    for _ in range(2):
        report = await lab.run()
        assert (report.status, report.total("unresolved")) == (RunStatus.UNRESOLVED, 1)
    lab.target.answer = lambda _change: OutcomeStatus.APPLIED
    lab.now += 24 * HOUR
    assert (await lab.run()).total("updated") == 1
    await pair.silence()


async def test_an_error_in_the_middle_keeps_what_was_done(pair: Pair) -> None:
    lab = pair.lab
    for number in range(1, 6):
        pair.put(Side.SOURCE, number, 60 + number, NOW + number)
    lab.target.answer = lambda change: (
        RefusedError(400) if change.entry.item.ids.tmdb == 3 else OutcomeStatus.APPLIED
    )
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.FAILED, 2)
    lab.target.answer = lambda _change: OutcomeStatus.APPLIED
    assert (await lab.run()).total("added") == 3
    await pair.silence()


async def test_all_four_features_in_one_run(lab: Lab) -> None:
    lab.request = replace(lab.request, features=tuple(Feature), direction=TWO)
    lab.source.undated()
    lab.source.clock = lambda: int(lab.now)
    lab.source.entries = {
        Feature.WATCHLIST: [listed(movie(1))],
        Feature.HISTORY: [play(movie(2), NOW - HOUR)],
        Feature.RATINGS: [rated(movie(3), 85), rated(movie(4), 60, NOW)],
        Feature.PROGRESS: [stopped(movie(5), 600), stopped(movie(6), 10)],
    }
    lab.target.entries = {
        Feature.WATCHLIST: [],
        Feature.HISTORY: [play(movie(7), NOW - 2 * HOUR)],
        Feature.RATINGS: [rated(movie(4), 90, NOW + HOUR)],
        Feature.PROGRESS: [],
    }
    before = await dump(lab)
    dry = await lab.run(dry_run=True)
    assert await dump(lab) == before
    assert [len(made.changes) for made in dry.plans] == [1, 2, 2, 1]
    report = await lab.run()
    for name in ("added", "updated", "removed", "skipped"):
        assert dry.total(name) == report.total(name)
        assert {f: getattr(r, name) for f, r in dry.features.items()} == {
            f: getattr(r, name) for f, r in report.features.items()
        }
    assert (report.total("added"), report.total("updated"), report.total("skipped")) == (5, 1, 1)
    for _ in range(2):
        report = await lab.run()
        assert (report.status, report.total("added"), report.total("updated")) == (RunStatus.OK, 0, 0)


async def test_a_stop_between_write_and_answer(pair: Pair) -> None:
    lab = pair.lab
    for number in range(1, 5):
        pair.put(Side.SOURCE, number, 60 + number, NOW + number)
    lab.target.answer = lambda change: None if change.entry.item.ids.tmdb == 3 else OutcomeStatus.APPLIED
    task = asyncio.create_task(lab.run())
    while len(lab.target.written) < 3:  # noqa: ASYNC110 - a fake has no event for every moment
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    lab.target.answer = lambda _change: OutcomeStatus.APPLIED
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 1)
    await pair.silence()


async def test_of_two_writes_in_doubt_the_later_one_counts(pair: Pair) -> None:
    lab = pair.lab
    pair.put(Side.SOURCE, 1, 60)
    lab.target.answer = lambda _change: OutcomeStatus.UNCERTAIN
    await lab.run()
    pair.put(Side.SOURCE, 1, 85)
    lab.target.answer = lambda _change: OutcomeStatus.APPLIED
    # rounded, and dated with the service's own now
    lab.target.keeps = lambda entry: type(entry)(
        **{**_fields(entry), **_value(entry, 80), _date(entry): int(lab.now)}
    )
    assert (await lab.run()).status is RunStatus.OK
    await pair.silence()
    assert pair.values(Side.SOURCE) == {1: 85}


def _date(entry: Entry) -> str:
    return "rated_at" if isinstance(entry, Rating) else "at"
