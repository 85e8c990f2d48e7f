"""Faults around removals: what comes back, what is read wrongly, and answers that come at a bad moment."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.held import HeldPlan
from custom_components.crosswatch.sync.models import (
    APART,
    Change,
    Direction,
    Entry,
    Feature,
    OutcomeStatus,
    Play,
    Rating,
    Scope,
    Side,
    Snapshot,
)
from custom_components.crosswatch.sync.provider import UnreachableError
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW
from .lab import Lab, until
from .test_absence import dated
from .test_removals import DAY, HISTORY, LISTS, ONE, RATINGS, REMOVALS, TWO, Pair

FEATURES = [LISTS, HISTORY, RATINGS]


def told_apart(entry: Entry, act: int) -> Entry:
    """Let a service tell one act of a person from the next."""
    return replace(entry, remote_id=str(act)) if isinstance(entry, Play) else dated(entry, act)


async def removed_in_doubt(lab: Lab, feature: Feature, side: Side, answer: OutcomeStatus) -> Pair:
    """Something is taken off a side; our removal at the other one does not land, and a read hides that."""
    pair = Pair(lab, feature)
    entries = [told_apart(entry, NOW) for entry in pair.entries(8)]
    for each in Side:
        pair.of(each)[:] = entries
    await pair.run()
    lab.now += 3 * DAY
    pair.of(side).pop(0)
    await pair.run()
    other = pair.provider(side.other)

    def nothing_and_hide(_change: Change) -> OutcomeStatus:
        other.shown = lambda rows: rows[1:]
        return answer

    other.answer = nothing_and_hide
    await pair.run()
    other.answer = lambda _c: OutcomeStatus.APPLIED
    assert len(pair.of(side.other)) == 8
    return pair


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
@pytest.mark.parametrize("direction", [ONE, TWO])
async def test_added_again_while_nobody_knows_of_our_removal(
    lab: Lab, feature: Feature, direction: Direction
) -> None:
    """Killed after the removal landed; before the next run the person adds it once more."""
    pair = Pair(lab, feature, direction)
    await pair.agree(8)
    gone = pair.of(Side.SOURCE).pop(0)
    await pair.run()
    lab.target.answer = lambda _c: None
    task = asyncio.create_task(lab.run())
    await until(lambda: len(pair.of(Side.TARGET)) == 7)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lab.start_again()
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    pair.of(Side.SOURCE).append(gone)
    for _ in range(4):
        await pair.run()
        assert len(pair.of(Side.SOURCE)) == 8
    assert pair.held == (8, 8)


async def test_added_again_when_the_look_after_a_removal_failed(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    gone = pair.of(Side.SOURCE).pop(0)
    await pair.run()

    def store_and_break(_change: Change) -> OutcomeStatus:
        lab.target.read_error = UnreachableError("down")
        return OutcomeStatus.APPLIED

    lab.target.answer = store_and_break
    report = await pair.run()
    assert report.status is RunStatus.UNREACHABLE
    lab.target.read_error = None
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    pair.of(Side.SOURCE).append(gone)
    await pair.run(4)
    assert pair.held == (8, 8)


async def test_added_again_when_the_look_after_a_removal_was_wrong(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    gone = pair.of(Side.SOURCE).pop(0)
    await pair.run()

    def store_and_lie(_change: Change) -> OutcomeStatus:
        lab.target.shown = lambda _r: ()
        return OutcomeStatus.APPLIED

    lab.target.answer = store_and_lie
    await pair.run()
    lab.target.shown = list
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    pair.of(Side.SOURCE).append(gone)
    await pair.run(4)
    assert pair.held == (20, 20)


@pytest.mark.parametrize("side", Side)
async def test_a_side_that_hid_something_for_two_runs_loses_nothing(lab: Lab, side: Side) -> None:
    """The other side is rid of it by us, and gets it back."""
    pair = Pair(lab)
    await pair.agree(8)
    pair.provider(side).shown = lambda rows: rows[1:]
    await pair.run(2)
    pair.provider(side).shown = list
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
async def test_what_we_took_away_and_an_old_read_shows_once_more_is_not_taken_for_agreed(
    lab: Lab, feature: Feature
) -> None:
    """The target hid something for two runs, so we took it off the source, which shows old state once."""
    pair = Pair(lab, feature)
    await pair.agree(8)
    everything = list(pair.of(Side.SOURCE))
    lab.target.shown = lambda rows: rows[1:]
    await pair.run(2)
    assert pair.held == (7, 8)
    lab.target.shown = list
    lab.source.shown = lambda _rows: everything
    await pair.run()
    lab.source.shown = list
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
async def test_what_we_took_away_may_be_added_and_taken_away_again_at_once(
    lab: Lab, feature: Feature
) -> None:
    pair = Pair(lab, feature)
    await pair.agree(8)
    gone = pair.of(Side.SOURCE)[0]
    for side in (Side.SOURCE, Side.TARGET, Side.SOURCE):
        pair.provider(side).take(feature, gone)
        await pair.run(2)
        assert pair.held == (7, 7)
        pair.of(side).append(gone)
        await pair.run()
        assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
async def test_taken_away_by_hand_on_both_sides_and_added_again(lab: Lab, feature: Feature) -> None:
    pair = Pair(lab, feature)
    await pair.agree(8)
    gone = pair.of(Side.SOURCE).pop(0)
    await pair.run()
    pair.provider(Side.TARGET).take(feature, gone)
    await pair.run()
    pair.of(Side.SOURCE).append(gone)
    await pair.run(3)
    assert pair.held == (8, 8)


async def test_most_of_a_short_list_missing_twice(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    lab.source.shown = lambda rows: rows[5:]
    await pair.run(3)
    assert pair.held == (8, 8)
    lab.source.shown = list
    await pair.run(2)
    assert pair.held == (8, 8)


async def test_an_approval_given_while_a_run_judges_counts(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    hold = lab.state.hold

    async def approve_first(name: str, plan: HeldPlan) -> None:
        await pair.approve()
        await hold(name, plan)

    with monkeypatch.context() as moment:
        moment.setattr(lab.state, "hold", approve_first)
        assert await pair.reason() == "source_empty"
    assert await pair.reason() is None
    assert pair.held == (0, 0)


async def test_an_approval_under_a_clock_that_was_a_year_ahead_counts_nothing_away(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(60)
    lab.now += 365 * DAY
    del pair.of(Side.SOURCE)[:10]
    await pair.run(2)
    await pair.approve()
    await pair.run()
    lab.now -= 365 * DAY
    for _ in range(4):
        del pair.of(Side.SOURCE)[:4]
        await pair.run(2)
    assert pair.held == (34, 46)


@pytest.mark.parametrize("logs", [True, False])
async def test_what_we_marked_unwatched_is_marked_again_when_its_play_is_back(lab: Lab, logs: bool) -> None:
    """The log of the source shows the play all the time: only its watched state is gone."""
    pair = Pair(lab, HISTORY)
    lab.source.undated()
    lab.source.logs, lab.source.clock = logs, lambda: int(lab.now)
    pair.of(Side.TARGET)[:] = pair.entries(8)
    await pair.run(2)
    lab.target.shown = lambda rows: rows[2:]
    await pair.run(3)
    assert len(lab.source.watched) == 6
    lab.target.shown = list
    await pair.run(3)
    assert (len(lab.source.watched), len(pair.of(Side.TARGET))) == (8, 8)


@pytest.mark.parametrize("direction", [ONE, TWO])
@pytest.mark.parametrize("removals", [True, False])
async def test_a_title_that_comes_back_without_its_rating_keeps_it_elsewhere(
    lab: Lab, direction: Direction, removals: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was deleted from the library, and is added once more."""
    pair = Pair(lab, RATINGS, direction)
    await pair.agree(8)
    gone = pair.of(Side.SOURCE).pop(0)
    read, places = lab.source.read, set(range(2, 9))

    async def with_places(feature: Feature, scope: Scope) -> Snapshot:
        return replace(await read(feature, scope), has_place=lambda item: item.ids.tmdb in places)

    monkeypatch.setattr(lab.source, "read", with_places)
    if not removals:
        lab.request = replace(lab.request, settings=PairSettings())
    await pair.run(3)
    lab.request = replace(lab.request, settings=REMOVALS)
    places.add(1)
    await pair.run(4)
    assert len(pair.of(Side.TARGET)) == 8
    # agreed anew, it can be taken away as any other
    pair.of(Side.SOURCE).append(gone)
    await pair.run()
    pair.of(Side.SOURCE).remove(gone)
    await pair.run(2)
    assert pair.held == (7, 7)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("answer", "hidden"), [(OutcomeStatus.UNCERTAIN, 1), (OutcomeStatus.ALREADY, 2)])
async def test_a_removal_that_did_not_land_is_not_believed_for_one_read(
    lab: Lab, feature: Feature, side: Side, answer: OutcomeStatus, hidden: int
) -> None:
    pair = await removed_in_doubt(lab, feature, side, answer)
    for _ in range(hidden - 1):
        lab.now += APART / 2 - HOUR
        await pair.run()
    pair.provider(side.other).shown = list
    lab.now += APART / 2 - HOUR
    await pair.run()
    assert len(pair.of(side)) == 7
    await pair.run(2)
    assert pair.held == (7, 7)
    # gone for certain, it is forgotten: what comes back is new
    assert len(await lab.state._do(lambda db: db.execute("SELECT key FROM baseline").fetchall())) == 7


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("landed", [True, False])
@pytest.mark.parametrize("told", [True, False])
async def test_what_a_person_adds_while_a_removal_is_in_doubt_stays(
    lab: Lab, feature: Feature, side: Side, landed: bool, told: bool
) -> None:
    """Added where we have taken it away: known by its date or its id, or not to be told at all."""
    pair = await removed_in_doubt(lab, feature, side, OutcomeStatus.UNCERTAIN)
    other = pair.provider(side.other)
    old = pair.of(side.other).pop(0)
    anew = told_apart(old, int(lab.now)) if told else pair.entries(1)[0]
    if not told and isinstance(anew, Rating):
        anew = replace(anew, rated_at=None)
    if not landed:
        # the read that hides it goes on
        lab.now += APART / 2 - HOUR
        await pair.run()
    other.shown = list
    pair.of(side.other).insert(0, anew)
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("side", Side)
async def test_what_a_person_adds_anew_is_not_doubled_where_our_removal_is_in_doubt(
    lab: Lab, feature: Feature, side: Side
) -> None:
    """Added where it was taken away, while the other side has it all the time and does not show it."""
    pair = await removed_in_doubt(lab, feature, side, OutcomeStatus.UNCERTAIN)
    pair.of(side).insert(0, told_apart(pair.entries(1)[0], int(lab.now)))
    lab.now += APART / 2 - HOUR
    await pair.run()
    assert len(pair.of(side.other)) == 8
    pair.provider(side.other).shown = list
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", [LISTS, RATINGS])
@pytest.mark.parametrize("side", Side)
async def test_what_a_person_adds_anew_before_anybody_saw_our_removal_stays(
    lab: Lab, feature: Feature, side: Side
) -> None:
    """The look after it failed; what is there in the next one has the same value, and another date."""
    pair = Pair(lab, feature)
    entries = [told_apart(entry, NOW) for entry in pair.entries(8)]
    for each in Side:
        pair.of(each)[:] = entries
    await pair.run()
    lab.now += 3 * DAY
    gone = pair.of(side).pop(0)
    await pair.run()
    other = pair.provider(side.other)

    def store_and_break(_change: Change) -> OutcomeStatus:
        other.read_error = UnreachableError("down")
        return OutcomeStatus.APPLIED

    other.answer = store_and_break
    await pair.run()
    other.read_error = None
    other.answer = lambda _c: OutcomeStatus.APPLIED
    pair.of(side.other).append(told_apart(gone, int(lab.now) + 5))
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("place", [0, 1])
async def test_rows_of_one_time_go_together(lab: Lab, side: Side, place: int) -> None:
    """One of them left behind would look like a play that a person has added anew."""
    pair = Pair(lab, HISTORY)
    entries = [told_apart(entry, number) for number, entry in enumerate(pair.entries(8))]
    pair.of(side)[:] = entries
    pair.of(side.other)[:] = entries
    pair.of(side.other).insert(place, told_apart(entries[0], 99))
    await pair.run()
    lab.now += DAY
    del pair.of(side)[:2]
    await pair.run(4)
    assert pair.held == (6, 6)
    assert [change.entry.remote_id for change in pair.provider(side.other).written] == ["1", None]
