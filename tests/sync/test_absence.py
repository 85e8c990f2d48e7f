"""How an absence is believed: looked at twice and some minutes apart, whatever both sides hide meanwhile."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import APART, Entry, Feature, Rating, Side, WatchlistEntry

from .fakes import HOUR, NOW
from .lab import Lab
from .test_removals import DAY, HISTORY, LISTS, RATINGS, TWO, Pair

MINUTE = 60
FEATURES = [LISTS, HISTORY, RATINGS]


def dated(entry: Entry, at: int) -> Entry:
    """Give an entry the date that a service gives it; a play has one."""
    match entry:
        case WatchlistEntry():
            return replace(entry, listed_at=at)
        case Rating():
            return replace(entry, rated_at=at)
    return entry


async def in_step(lab: Lab, feature: Feature, *, dates: bool = True) -> Pair:
    """Let both sides hold eight entries, for days already."""
    pair = Pair(lab, feature, TWO)
    entries = [dated(entry, NOW) if dates else undated(entry) for entry in pair.entries(8)]
    for side in Side:
        pair.of(side)[:] = entries
    await pair.run()
    lab.now += 3 * DAY
    return pair


def undated(entry: Entry) -> Entry:
    """Leave out the date."""
    return replace(entry, rated_at=None) if isinstance(entry, Rating) else entry


async def run(pair: Pair, later: float) -> None:
    """Run so many seconds after the last run."""
    pair.lab.now += later - HOUR
    await pair.run()


@pytest.mark.parametrize("feature", FEATURES)
async def test_two_looks_within_minutes_are_one(lab: Lab, feature: Feature) -> None:
    pair = await in_step(lab, feature)
    pair.of(Side.SOURCE).pop(0)
    await pair.run()
    for _ in range(APART // MINUTE - 1):
        await run(pair, MINUTE)
        assert pair.held == (7, 8)
    await run(pair, MINUTE)
    assert pair.held == (7, 7)


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("side", Side)
async def test_what_a_side_hides_for_some_minutes_is_never_taken_away(
    lab: Lab, feature: Feature, side: Side
) -> None:
    pair = await in_step(lab, feature)
    for _ in range(3):
        pair.provider(side).shown = lambda rows: rows[2:]
        for _ in range(4):
            await run(pair, APART / 5)
        pair.provider(side).shown = list
        await pair.run()
    assert pair.held == (8, 8)
    assert not lab.source.written
    assert not lab.target.written


@pytest.mark.parametrize("feature", FEATURES)
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("later", [MINUTE, HOUR])
async def test_what_is_taken_away_while_the_other_side_hides_it_stays_away(
    lab: Lab, feature: Feature, side: Side, later: float
) -> None:
    pair = await in_step(lab, feature)
    pair.of(side).pop(0)
    other = pair.provider(side.other)
    other.shown = lambda rows: rows[1:]
    await pair.run()
    await run(pair, MINUTE)
    other.shown = list
    await run(pair, later)
    assert len(pair.of(side)) == 7
    await pair.run(3)
    assert pair.held == (7, 7)


@pytest.mark.parametrize("feature", [LISTS, RATINGS])
async def test_without_a_date_it_comes_back(lab: Lab, feature: Feature) -> None:
    """Nobody can tell it from one that was taken off both sides and added anew at one: nothing is lost."""
    pair = await in_step(lab, feature, dates=False)
    pair.of(Side.SOURCE).pop(0)
    lab.target.shown = lambda rows: rows[1:]
    await pair.run()
    lab.target.shown = list
    await run(pair, MINUTE)
    assert pair.held == (7, 8)
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", [LISTS, RATINGS])
@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("dates", [True, False])
@pytest.mark.parametrize("later", [MINUTE, HOUR])
async def test_what_is_taken_off_both_sides_and_added_anew_is_never_taken_away(
    lab: Lab, feature: Feature, side: Side, dates: bool, later: float
) -> None:
    pair = await in_step(lab, feature, dates=dates)
    gone = pair.of(Side.SOURCE).pop(0)
    pair.of(Side.TARGET).pop(0)
    await pair.run()
    pair.of(side).append(dated(gone, int(lab.now) + 5) if dates else gone)
    await run(pair, later)
    assert len(pair.of(side)) == 8
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("side", Side)
async def test_a_rating_given_anew_is_an_edit_whenever_the_other_side_lost_it(lab: Lab, side: Side) -> None:
    """Gone from one side, then from the other, and given on the first once more, with the same value."""
    pair = await in_step(lab, RATINGS)
    gone = pair.of(side).pop(0)
    await pair.run()
    pair.of(side.other).pop(0)
    pair.of(side).append(dated(gone, int(lab.now) + 5))
    await run(pair, MINUTE)
    await pair.run(3)
    assert pair.held == (8, 8)


@pytest.mark.parametrize("feature", FEATURES)
async def test_what_comes_back_is_not_added_where_it_is_only_hidden(lab: Lab, feature: Feature) -> None:
    """The source was without it for long, removals being off; now it has it, and the target hides it."""
    pair = await in_step(lab, feature)
    gone = pair.of(Side.SOURCE).pop(0)
    lab.request = replace(lab.request, settings=replace(lab.request.settings, removals=frozenset()))
    await pair.run(3)
    pair.of(Side.SOURCE).append(dated(gone, int(lab.now)))
    lab.target.shown = lambda rows: rows[1:]
    await pair.run()
    await run(pair, MINUTE)
    assert not lab.target.written
    lab.target.shown = list
    await pair.run(3)
    assert pair.held == (8, 8)
    assert not lab.target.written


@pytest.mark.parametrize("jump", [-365 * DAY, -DAY, 365 * DAY])
async def test_a_clock_that_jumps_between_two_looks(lab: Lab, jump: int) -> None:
    pair = await in_step(lab, LISTS)
    pair.of(Side.SOURCE).pop(0)
    await pair.run()
    lab.now += jump
    await run(pair, MINUTE)
    if jump < 0:
        # nobody knows how long ago it was noted
        assert pair.held == (7, 8)
    await run(pair, APART)
    assert pair.held == (7, 7)
