"""Runs taken back: what is restored, what is left alone, and that it stays so."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import (
    Action,
    Direction,
    Entry,
    Feature,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    Side,
)
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.undo import DATE_IS_NOW, ELSEWHERE, UNSUPPORTED, NothingToUndoError

from .fakes import HOUR, NOW, listed, movie, play, rated, stopped
from .lab import PAIR, Lab, dump

LISTS, PLAYS, RATINGS, PLACES = Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS
ALL = tuple(Feature)
REMOVING = PairSettings(removals=frozenset(Feature), brake=False)
M1 = "movie:tmdb:1"


@pytest.fixture(params=list(Direction))
def either(request: pytest.FixtureRequest, lab: Lab) -> Lab:
    """A pair in each direction that lets everything travel."""
    lab.request = replace(lab.request, direction=request.param, features=ALL, settings=REMOVING)
    return lab


def contents(lab: Lab) -> Mapping[Side, Mapping[Feature, list[object]]]:
    """Everything both sides hold."""
    return {
        side: {feature: [told(entry) for entry in provider.entries[feature]] for feature in Feature}
        for side, provider in ((Side.SOURCE, lab.source), (Side.TARGET, lab.target))
    }


def told(entry: Entry) -> object:
    """What an entry says."""
    match entry:
        case Play(watched_at=what) | Rating(tenths=what) | Resume(position_ms=what):
            return entry.item.name, what
    return entry.item.name


async def undo(lab: Lab, run: RunReport, **changes: object) -> RunReport:
    """Take a run back, after a look at what that will do."""
    before, file = contents(lab), await dump(lab)
    preview = await lab.run(undo=run.run_id, dry_run=True, **changes)
    assert (contents(lab), await dump(lab)) == (before, file)
    report = await lab.run(undo=run.run_id, **changes)
    for name in ("added", "updated", "removed", "unresolved", "skipped"):
        assert report.total(name) == preview.total(name), name
    assert (report.undo, report.total("unconfirmed"), report.total("errors")) == (run.run_id, 0, 0)
    return report


async def stays(lab: Lab, runs: int = 4) -> None:
    """Make sure that later runs change nothing."""
    before = contents(lab)
    for _ in range(runs):
        lab.now += 25 * HOUR
        report = await lab.run()
        assert contents(lab) == before
        assert report.succeeded, report.status


def everything() -> dict[Feature, list[Entry]]:
    """Something of every kind."""
    return {
        LISTS: [listed(movie(1))],
        PLAYS: [play(movie(1), NOW), play(movie(1), NOW + 9 * HOUR)],
        RATINGS: [rated(movie(1), 80)],
        PLACES: [stopped(movie(2), 600)],
    }


async def test_what_was_added_is_taken_away_and_stays_away(either: Lab) -> None:
    either.target.entries[LISTS] = [listed(movie(9))]
    if either.request.direction is Direction.TWO_WAY:
        either.source.entries[LISTS] = [listed(movie(9))]
    await either.run()
    before = contents(either)[Side.TARGET]
    either.source.entries.update({f: [*either.source.entries[f], *rows] for f, rows in everything().items()})
    run = await either.run()
    assert run.total("added") == 5
    report = await undo(either, run)
    assert (report.status, report.total("removed")) == (RunStatus.OK, 5)
    assert contents(either)[Side.TARGET] == before
    assert len(contents(either)[Side.SOURCE][PLAYS]) == 2
    await stays(either)


async def test_what_proves_to_be_something_else_that_was_agreed_is_taken_away_as_both(either: Lab) -> None:
    for side in (either.source, either.target):
        side.entries[LISTS] = [listed(movie(imdb="tt1"))]
    await either.run()
    either.source.entries[LISTS].append(listed(movie(1)))
    run = await either.run()
    assert run.total("added") == 1
    for side in (either.source, either.target):
        side.entries[LISTS] = [listed(movie(1, "tt1"))]
    assert (await undo(either, run)).total("removed") == 1
    assert (len(either.source.entries[LISTS]), either.target.entries[LISTS]) == (1, [])
    await stays(either)


async def test_an_item_that_changes_on_the_other_side_travels_again(either: Lab) -> None:
    either.source.entries[RATINGS] = [rated(movie(1), 80)]
    either.source.entries[PLAYS] = [play(movie(1), NOW)]
    run = await either.run()
    await undo(either, run)
    await stays(either, 1)
    either.source.entries[RATINGS] = [rated(movie(1), 30, at=NOW + 99 * HOUR)]
    either.source.entries[PLAYS].append(play(movie(1), NOW + 99 * HOUR))
    await either.run()
    assert contents(either)[Side.TARGET][RATINGS] == [("Movie 1", 30)]
    assert contents(either)[Side.TARGET][PLAYS] == [("Movie 1", NOW + 99 * HOUR)]


VALUES = [
    (RATINGS, rated(movie(1), 80), rated(movie(1), 40, at=NOW + HOUR), rated(movie(1), 60, at=NOW * 2)),
    (
        PLACES,
        stopped(movie(1), 600),
        stopped(movie(1), 1800, at=NOW + HOUR),
        stopped(movie(1), 2400, NOW * 2),
    ),
]
"""What somebody said first, then, and last."""


@pytest.mark.parametrize(("feature", "first", "second", "third"), VALUES)
async def test_a_value_is_put_back_and_stays_until_somebody_changes_it(
    either: Lab, feature: Feature, first: Entry, second: Entry, third: Entry
) -> None:
    either.source.entries[feature] = [first]
    await either.run()
    either.source.entries[feature] = [second]
    run = await either.run()
    assert (run.total("updated"), contents(either)[Side.TARGET][feature]) == (1, [told(second)])
    report = await undo(either, run)
    assert (report.status, report.total("updated")) == (RunStatus.OK, 1)
    assert contents(either)[Side.TARGET][feature] == [told(first)]
    assert contents(either)[Side.SOURCE][feature] == [told(second)]
    await stays(either)
    either.source.entries[feature] = [third]
    await either.run()
    assert contents(either)[Side.TARGET][feature] == [told(third)]


async def test_what_was_taken_away_is_put_back_on_that_side_only(either: Lab) -> None:
    rows = everything()
    del rows[PLACES]
    either.target.keeps = lambda entry: replace(entry, remote_id="its row")
    either.source.entries.update(rows)
    await either.run()
    before = contents(either)[Side.TARGET]
    either.source.entries.update({feature: [] for feature in rows})
    either.source.entries[LISTS] = [listed(movie(3))]
    either.target.entries[LISTS].append(listed(movie(3)))
    either.source.entries[PLAYS] = [play(movie(3), NOW)]
    either.source.entries[RATINGS] = [rated(movie(3), 50)]
    await either.run()
    run = await either.run()
    assert run.total("removed") == 4
    either.target.written.clear()
    report = await undo(either, run)
    assert report.total("added") == 4
    assert {line.state for line in await either.state.lines_of_run(PAIR, report.run_id)} == {"observed"}
    assert await either.state.undoable(PAIR, [report.run_id, "another"]) == {report.run_id}
    assert await either.state.undoable("another", [report.run_id]) == set()
    assert {change.entry.remote_id for change in either.target.written} == {None}
    for feature in rows:
        assert {*before[feature]} <= {*contents(either)[Side.TARGET][feature]}
        assert not {*before[feature]} & {*contents(either)[Side.SOURCE][feature]}
    await stays(either)


@pytest.fixture
async def changed(either: Lab) -> tuple[Lab, RunReport]:
    """A pair that has just carried a new rating to the target."""
    either.source.entries[RATINGS] = [rated(movie(1), 80)]
    await either.run()
    either.source.entries[RATINGS] = [rated(movie(1), 40, at=NOW + HOUR)]
    return either, await either.run()


async def test_a_value_that_the_other_side_has_lost_is_put_back_on_its_own(
    changed: tuple[Lab, RunReport],
) -> None:
    lab, run = changed
    lab.request = replace(lab.request, settings=PairSettings())
    lab.source.entries[RATINGS] = []
    assert (await undo(lab, run)).total("updated") == 1
    assert contents(lab)[Side.TARGET][RATINGS] == [("Movie 1", 80)]
    await stays(lab)
    assert contents(lab)[Side.SOURCE][RATINGS] == []


@pytest.mark.parametrize("now", [[], [rated(movie(1), 10, at=NOW + 9 * HOUR)]])
async def test_a_value_that_is_another_one_by_now_is_left_alone(
    changed: tuple[Lab, RunReport], now: list[Entry]
) -> None:
    lab, run = changed
    lab.target.entries[RATINGS] = now
    report = await lab.run(undo=run.run_id)
    assert (report.total("updated"), report.total("skipped")) == (0, 1)


async def test_a_value_that_the_service_can_not_change_is_told(changed: tuple[Lab, RunReport]) -> None:
    lab, run = changed
    lab.target.able(RATINGS, update=False)
    report = await undo(lab, run)
    assert report.features[RATINGS].reasons == {UNSUPPORTED: 1}


async def test_what_the_service_does_not_take_back_is_told(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(n)) for n in range(1, 4)]
    await either.run()
    del either.source.entries[LISTS][0]
    await either.run()
    run = await either.run()
    either.target.able(LISTS, add=False)
    report = await undo(either, run)
    assert report.features[LISTS].reasons == {UNSUPPORTED: 1}


async def test_only_what_was_not_there_before_is_taken_away(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1)), listed(movie(2))]
    either.target.answer = lambda c: OutcomeStatus.ALREADY if c.key == M1 else OutcomeStatus.APPLIED
    run = await either.run()
    either.target.entries[LISTS].append(listed(movie(1)))
    either.target.answer = lambda _c: OutcomeStatus.APPLIED
    await either.run()
    await undo(either, run)
    assert contents(either)[Side.TARGET][LISTS] == ["Movie 1"]


async def test_what_has_changed_or_gone_since_is_left_alone(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1)), listed(movie(2))]
    either.source.entries[RATINGS] = [rated(movie(1), 80), rated(movie(2), 80)]
    run = await either.run()
    either.target.entries[LISTS] = [listed(movie(2))]
    either.target.entries[RATINGS] = [rated(movie(1), 80), rated(movie(2), 20, at=NOW + 9 * HOUR)]
    report = await undo(either, run)
    assert (report.total("removed"), report.total("skipped")) == (2, 2)
    assert contents(either)[Side.TARGET][LISTS] == []
    assert contents(either)[Side.TARGET][RATINGS] == [("Movie 2", 20)]


async def test_what_was_there_before_us_is_never_taken_away(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1))]
    either.target.answer = lambda _c: OutcomeStatus.ALREADY
    run = await either.run()
    either.target.entries[LISTS] = [listed(movie(1))]
    either.target.answer = lambda _c: OutcomeStatus.APPLIED
    await either.run()
    with pytest.raises(NothingToUndoError):
        await either.run(undo=run.run_id)
    assert contents(either)[Side.TARGET][LISTS] == ["Movie 1"]


async def test_what_was_put_back_by_somebody_else_is_not_put_back_twice(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(n)) for n in range(1, 4)]
    await either.run()
    del either.source.entries[LISTS][0]
    await either.run()
    run = await either.run()
    assert run.total("removed") == 1
    either.target.entries[LISTS].append(listed(movie(1)))
    report = await either.run(undo=run.run_id)
    assert (report.total("added"), report.total("skipped")) == (0, 1)


# --- and stays so, whatever the sides are read through -------------------------------------------------


async def look_elsewhere(lab: Lab, shown: Callable[[list[Entry]], Sequence[Entry]]) -> None:
    """Read the source through another library selection for some runs, and through the first one again."""
    before = contents(lab)
    lab.source.scope_hash, lab.source.shown = "other libraries", shown
    for _ in range(4):
        lab.now += 25 * HOUR
        await lab.run()
        assert contents(lab) == before
    lab.source.scope_hash, lab.source.shown = "same", list
    await stays(lab)


@pytest.mark.parametrize("shown", [list, lambda _rows: []])
async def test_what_was_added_and_undone_stays_away_after_another_scope(
    either: Lab, shown: Callable[[list[Entry]], Sequence[Entry]]
) -> None:
    either.source.entries.update(everything())
    await undo(either, await either.run())
    await look_elsewhere(either, shown)
    assert contents(either)[Side.TARGET] == {feature: [] for feature in Feature}
    # what somebody puts there is there, and what is over is over
    either.target.entries[LISTS] = [listed(movie(1))]
    await either.run()
    await either.run()
    assert [each.key for each in await either.state.decisions(PAIR, LISTS)] == []


@pytest.mark.parametrize("shown", [list, lambda _rows: []])
async def test_what_was_taken_away_and_undone_stays_on_its_side_after_another_scope(
    either: Lab, shown: Callable[[list[Entry]], Sequence[Entry]]
) -> None:
    either.request = replace(either.request, direction=Direction.TWO_WAY, features=(LISTS,))
    either.fill(3)
    await either.run()
    del either.source.entries[LISTS][0]
    await either.run()
    run = await either.run()
    assert run.total("removed") == 1
    await undo(either, run)
    before = contents(either)
    either.target.scope_hash, either.target.shown = "another list", shown
    for _ in range(4):
        either.now += 25 * HOUR
        await either.run()
        if shown is list:
            assert contents(either) == before
    either.target.scope_hash, either.target.shown = "same", list
    for _ in range(3):
        await either.run()
    assert contents(either)[Side.SOURCE][LISTS] == ["Movie 2", "Movie 3"]


@pytest.mark.parametrize("shown", [list, lambda _rows: []])
@pytest.mark.parametrize(("feature", "first", "second", "third"), VALUES)
async def test_a_value_that_was_put_back_stays_after_another_scope(
    either: Lab,
    feature: Feature,
    first: Entry,
    second: Entry,
    third: Entry,
    shown: Callable[[list[Entry]], Sequence[Entry]],
) -> None:
    either.source.entries[feature] = [first]
    await either.run()
    either.source.entries[feature] = [second]
    await undo(either, await either.run())
    await stays(either, 1)
    await look_elsewhere(either, shown)
    assert contents(either)[Side.TARGET][feature] == [told(first)]
    assert contents(either)[Side.SOURCE][feature] == [told(second)]
    either.source.entries[feature] = [third]
    await either.run()
    assert contents(either)[Side.TARGET][feature] == [told(third)]
    await either.run()
    assert await either.state.decisions(PAIR, feature) == ()


# --- what can't be restored -------------------------------------------------------------------------


async def test_a_position_that_can_not_be_cleared_is_told_before_anything_is_written(either: Lab) -> None:
    either.target.able(PLACES, remove=False)
    either.source.entries[PLACES] = [stopped(movie(1), 600)]
    run = await either.run()
    preview = await either.run(undo=run.run_id, dry_run=True)
    assert [row.reason for plan in preview.plans for row in plan.unresolved] == [UNSUPPORTED]
    report = await undo(either, run)
    assert (report.status, report.total("unresolved")) == (RunStatus.UNRESOLVED, 1)
    assert contents(either)[Side.TARGET][PLACES] == [("Movie 1", 600_000)]


async def test_what_was_written_to_another_account_is_left_alone(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1))]
    run = await either.run()
    either.target.scope_hash = "another account"
    preview = await either.run(undo=run.run_id, dry_run=True)
    assert [row.reason for plan in preview.plans for row in plan.unresolved] == [ELSEWHERE]
    await undo(either, run)
    assert contents(either)[Side.TARGET][LISTS] == ["Movie 1"]


async def test_a_list_that_is_made_for_the_first_write_is_no_other_one(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1))]
    store = either.target.store

    def create(feature: Feature, change: object) -> int | None:
        either.target.scope_hash = "with a list"
        return store(feature, change)  # type: ignore[arg-type]

    either.target.store = create  # type: ignore[method-assign]
    run = await either.run(features=(LISTS,))
    assert (await undo(either, run, features=(LISTS,))).total("removed") == 1


# --- where plays are dated by the service -------------------------------------------------------------


@pytest.fixture(params=[True, False])
def marks(request: pytest.FixtureRequest, either: Lab) -> Lab:
    """A pair whose target marks items as watched, in a log of plays or not."""
    either.request = replace(either.request, features=(PLAYS,))
    either.target.undated()
    either.target.logs = request.param
    either.target.clock = lambda: int(either.now)
    return either


async def test_a_mark_is_taken_away_and_the_plays_stay_where_they_were(marks: Lab) -> None:
    marks.source.entries[PLAYS] = [play(movie(1), NOW), play(movie(1), NOW - 90 * HOUR), play(movie(2), NOW)]
    marks.target.watched = [movie(2)]
    run = await marks.run()
    assert [item.name for item in marks.target.watched] == ["Movie 2", "Movie 1"]
    marks.target.entries[PLAYS] = []
    report = await undo(marks, run)
    assert (report.total("removed"), [item.name for item in marks.target.watched]) == (1, ["Movie 2"])
    assert len(marks.source.entries[PLAYS]) == 3
    for _ in range(3):
        await marks.run()
    assert [item.name for item in marks.target.watched] == ["Movie 2"]
    assert len(marks.source.entries[PLAYS]) == 3


async def test_what_was_watched_again_since_stays_watched(marks: Lab) -> None:
    marks.source.entries[PLAYS] = [play(movie(1), NOW)]
    run = await marks.run()
    marks.target.entries[PLAYS].append(play(movie(1), int(marks.now) + 9 * HOUR))
    report = await marks.run(undo=run.run_id)
    assert (report.total("removed"), report.total("skipped")) == (0, 1)
    assert marks.target.watched


async def test_what_is_unwatched_already_needs_no_undo(marks: Lab) -> None:
    marks.source.entries[PLAYS] = [play(movie(1), NOW)]
    run = await marks.run()
    marks.target.entries[PLAYS], marks.target.watched = [], []
    report = await marks.run(undo=run.run_id)
    assert (report.total("removed"), report.total("skipped")) == (0, 1)


async def test_a_mark_is_put_back_and_its_date_is_told_to_be_lost(marks: Lab) -> None:
    marks.source.entries[PLAYS] = [play(movie(1), NOW), play(movie(2), NOW), play(movie(3), NOW)]
    await marks.run()
    marks.source.entries[PLAYS] = marks.source.entries[PLAYS][1:]
    await marks.run()
    run = await marks.run()
    assert (run.total("removed"), len(marks.target.watched)) == (1, 2)
    marks.target.entries[PLAYS] = [row for row in marks.target.entries[PLAYS] if row.item.name != "Movie 1"]
    preview = await marks.run(undo=run.run_id, dry_run=True)
    assert [row.reason for plan in preview.plans for row in plan.unresolved] == [DATE_IS_NOW]
    report = await undo(marks, run)
    assert (report.total("added"), report.total("unresolved")) == (1, 1)
    assert len(marks.target.watched) == 3
    again = await marks.run(undo=run.run_id)
    assert (again.total("added"), again.total("skipped")) == (0, 1)
    for _ in range(3):
        await marks.run()
    assert len(marks.target.watched) == 3
    assert len(marks.source.entries[PLAYS]) == 2


# --- runs as such -------------------------------------------------------------------------------------


async def test_an_undone_run_is_listed_as_such_until_that_is_undone_too(either: Lab) -> None:
    either.source.entries.update(everything())
    run = await either.run()
    full = contents(either)
    first = await undo(either, run)
    runs = {each.run_id: each.undone_by for each in await either.state.runs(PAIR)}
    assert runs == {run.run_id: first.run_id, first.run_id: None}
    second = await undo(either, first)
    assert contents(either) == full
    runs = {each.run_id: each.undone_by for each in await either.state.runs(PAIR)}
    assert runs == {run.run_id: None, first.run_id: second.run_id, second.run_id: None}
    await stays(either)


async def test_a_second_undo_finds_nothing_left_to_do(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1))]
    run = await either.run()
    first = await undo(either, run)
    report = await undo(either, run)
    assert (report.status, report.total("removed"), report.total("skipped")) == (RunStatus.OK, 0, 1)
    undone = {each.run_id: each.undone_by for each in await either.state.runs(PAIR)}
    assert undone[run.run_id] == first.run_id


async def test_a_run_that_nobody_knows_or_that_changed_nothing_is_refused(either: Lab) -> None:
    either.source.entries[LISTS] = [listed(movie(1))]
    run = await either.run()
    idle = await either.run()
    for which, features in ((idle.run_id, ALL), ("nobody", ALL), (run.run_id, (PLAYS,))):
        with pytest.raises(NothingToUndoError):
            await either.run(undo=which, features=features)
    with pytest.raises(NothingToUndoError):
        await either.engine.run(
            replace(either.request, pair_id="02PAIR", undo=run.run_id), either.source, either.target, print
        )
    assert list((await either.run(undo=run.run_id, dry_run=True)).features) == [LISTS]


async def test_the_brake_does_not_hold_what_a_person_asked_for(either: Lab) -> None:
    either.request = replace(either.request, settings=replace(REMOVING, brake=True), features=(LISTS,))
    either.fill(40)
    run = await either.run()
    report = await undo(either, run)
    assert (report.status, report.total("removed")) == (RunStatus.OK, 40)


async def test_a_plan_that_waits_for_a_person_still_waits_after_an_undo(either: Lab) -> None:
    either.request = replace(either.request, features=(LISTS,))
    either.fill(40)
    run = await either.run()
    either.target.entries[LISTS] = []
    either.fill(41)
    assert (await either.run()).status is RunStatus.HELD
    await either.run(undo=run.run_id)
    assert len(await either.state.held(PAIR)) == 1


@pytest.mark.parametrize("status", [OutcomeStatus.FAILED, OutcomeStatus.UNRESOLVED, OutcomeStatus.UNCERTAIN])
async def test_an_undo_that_fails_can_be_tried_again(either: Lab, status: OutcomeStatus) -> None:
    either.source.entries.update(everything())
    run = await either.run()
    full = contents(either)
    either.target.answer = lambda _c: status
    report = await either.run(undo=run.run_id)
    assert (report.total("removed"), contents(either)) == (0, full)
    either.target.answer = lambda _c: OutcomeStatus.APPLIED
    await either.run()
    assert contents(either) == full, "nothing has come of it, so nothing is undone"
    assert (await either.run(undo=run.run_id)).total("removed") == 5


async def test_a_write_whose_end_nobody_knew_is_taken_back_too(either: Lab) -> None:
    either.request = replace(either.request, features=(LISTS,))
    either.source.entries[LISTS] = [listed(movie(1))]

    def answer(change: object) -> OutcomeStatus:
        either.target.entries[LISTS].append(change.entry)  # type: ignore[attr-defined]
        return OutcomeStatus.UNCERTAIN

    either.target.answer = answer
    run = await either.run()
    either.target.answer = lambda _c: OutcomeStatus.APPLIED
    report = await undo(either, run)
    assert report.total("removed") == 1


async def test_an_undo_that_is_broken_off_leaves_what_it_did_undone(either: Lab) -> None:
    either.request = replace(either.request, features=(LISTS,))
    either.fill(3)
    run = await either.run()
    store = either.target.store

    def broken(feature: Feature, change: object) -> int | None:
        if change.key.endswith("2"):  # type: ignore[attr-defined]
            raise KeyError("shape")
        return store(feature, change)  # type: ignore[arg-type]

    either.target.store = broken  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        await either.run(undo=run.run_id)
    either.target.store = store  # type: ignore[method-assign]
    assert either.at_target == [2, 3]
    for _ in range(3):
        await either.run()
    assert sorted(either.at_target) == [2, 3]
    assert len(either.source.entries[LISTS]) == 3


async def test_the_lines_of_an_undo_name_what_they_are(either: Lab) -> None:
    either.fill(1)
    run = await either.run()
    report = await undo(either, run)
    (line,) = await either.state.lines_of_run(PAIR, report.run_id)
    assert (line.action, line.rule, line.key, line.state) == (Action.REMOVE, "undone", M1, "observed")
