"""The truth table of resume positions, row by row. Positions are seconds within 100 minutes."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.sync.models import (
    PRESENT,
    Action,
    Direction,
    Feature,
    Kind,
    Missing,
    Plan,
    Play,
    Resume,
    Side,
    Values,
)
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.values import Written

from .fakes import HOUR, NOW, movie, stopped
from .planning import make_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
KEY = "movie:tmdb:1"
OLD, NEW = NOW, NOW + HOUR
type Stop = tuple[float, int | None]


def plan_stops(
    direction: Direction,
    source: Stop | None,
    target: Stop | None,
    agreed: tuple[int, int] | None = None,
    *,
    able: dict[str, Any] | None = None,
    missing: Missing = PRESENT,
    **more: Any,
) -> Plan:
    """Plan one title: seconds and dates of both sides, and the seconds that were agreed."""
    rows = [[] if each is None else [stopped(movie(1), *each)] for each in (source, target)]
    kinds = frozenset(Kind)
    return make_plan(
        Feature.PROGRESS,
        rows[0],
        rows[1],
        direction=direction,
        baseline={} if agreed is None else {KEY: missing},
        values={} if agreed is None else {KEY: Values(agreed[0] * 1000, agreed[1] * 1000)},
        capabilities={
            Side.SOURCE: Capability(kinds=kinds),
            Side.TARGET: Capability(kinds=kinds, **(able or {})),
        },
        **more,
    )


@pytest.mark.parametrize(
    ("source", "target", "agreed", "one_way", "two_way"),
    [
        # only one of them, never agreed
        ((600, OLD), None, None, "target only_at_source", "target only_at_source"),
        (None, (600, OLD), None, None, "source only_at_target"),
        # the same within the least move
        ((600, OLD), (600, NEW), None, "agreed", "agreed"),
        ((600, OLD), (629, NEW), None, "agreed", "agreed"),
        ((600, OLD), (629, NEW), (600, 600), "agreed", "agreed"),
        ((620, OLD), (580, NEW), (600, 600), "agreed", "agreed"),
        # another cut or a lossy side: as it was agreed
        ((600, OLD), (540, NEW), (600, 540), "agreed", "agreed"),
        ((620, OLD), (560, NEW), (600, 540), "agreed", "agreed"),
        # moved at one side, forwards or backwards, whatever the dates say
        ((900, OLD), (600, NEW), (600, 600), "target moved_at_source", "target moved_at_source"),
        ((300, OLD), (600, NEW), (600, 600), "target moved_at_source", "target moved_at_source"),
        ((600, NEW), (900, OLD), (600, 600), "skip newer_at_target", "source moved_at_target"),
        ((600, NEW), (300, OLD), (600, 600), "skip newer_at_target", "source moved_at_target"),
        # moved at both
        ((900, NEW), (1200, OLD), (600, 600), "target newer_at_source", "target newer_at_source"),
        ((1200, OLD), (900, NEW), (600, 600), "skip newer_at_target", "source newer_at_target"),
        ((1200, OLD), (900, OLD + 30), (600, 600), "target further_at_source", "target further_at_source"),
        ((900, OLD + 30), (1200, OLD), (600, 600), "skip newer_at_target", "source further_at_target"),
        ((1200, None), (900, NEW), (600, 600), "target further_at_source", "target further_at_source"),
        ((900, NEW), (1200, None), (600, 600), "skip newer_at_target", "source further_at_target"),
        # never agreed and different: the same
        ((900, NEW), (1200, OLD), None, "target newer_at_source", "target newer_at_source"),
        ((1200, OLD), (900, OLD + 31), None, "skip newer_at_target", "source newer_at_target"),
        ((1200, None), (900, None), None, "target further_at_source", "target further_at_source"),
        # gone after it was agreed: never a clear, and never written again
        ((600, OLD), None, (600, 600), "skip gone_at_target", "skip gone_at_target"),
        (None, (600, OLD), (600, 600), None, "skip gone_at_source"),
        # gone, and watched on at the other side
        ((900, NEW), None, (600, 600), "skip missing_at_target_once", "skip missing_at_target_once"),
        (None, (900, NEW), (600, 600), None, "skip missing_at_source_once"),
        ((629, NEW), None, (600, 600), "skip gone_at_target", "skip gone_at_target"),
        ((630, NEW), None, (600, 600), "skip missing_at_target_once", "skip missing_at_target_once"),
        ((540, NEW), None, (600, 540), "skip missing_at_target_once", "skip missing_at_target_once"),
        # too near to either end
        ((59, OLD), None, None, "skip too_early", "skip too_early"),
        ((60, OLD), None, None, "target only_at_source", "target only_at_source"),
        ((59, NEW), (600, OLD), (600, 600), "skip too_early", "skip too_early"),
        ((5699, OLD), None, None, "target only_at_source", "target only_at_source"),
        ((5700, OLD), None, None, "skip near_the_end", "skip near_the_end"),
        ((5900, NEW), (600, OLD), (600, 600), "skip near_the_end", "skip near_the_end"),
        (None, None, (600, 600), None, None),
    ],
)
def test_rows(
    source: Stop | None,
    target: Stop | None,
    agreed: tuple[int, int] | None,
    one_way: str | None,
    two_way: str | None,
) -> None:
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = plan_stops(direction, source, target, agreed)
        assert told(made).get(KEY) == expected
        for change in made.changes:
            there = {Side.SOURCE: source, Side.TARGET: target}[change.side]
            here = {Side.SOURCE: source, Side.TARGET: target}[change.side.other]
            assert here is not None
            assert isinstance(change.entry, Resume)
            assert (change.entry.position_ms, change.entry.at) == (here[0] * 1000, here[1])
            assert change.action is (Action.ADD if there is None else Action.UPDATE)
            assert (change.before is None) == (there is None)


def test_what_is_watched_on_is_written_where_it_is_gone_for_certain() -> None:
    for direction in (ONE, TWO):
        made = plan_stops(direction, (900, NEW), None, (600, 600), missing=Missing(target=1))
        assert told(made) == {KEY: "target moved_at_source"}
    made = plan_stops(TWO, None, (900, NEW), (600, 600), missing=Missing(source=1))
    assert told(made) == {KEY: "source moved_at_target"}


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (119, "skip too_early"),
        (120, "target only_at_source"),
        (4799, "target only_at_source"),
        (4800, "skip near_the_end"),
    ],
)
def test_the_target_says_what_it_keeps(position: int, expected: str) -> None:
    made = plan_stops(TWO, (position, OLD), None, able={"least_percent": 2.0, "complete_percent": 80.0})
    assert told(made) == {KEY: expected}


def test_thresholds_may_be_set() -> None:
    settings = PairSettings(least_position=300, least_move=100, most_percent=50.0, clock_tolerance=0)
    for source, target, agreed, expected in (
        ((299, OLD), None, None, "skip too_early"),
        ((3000, OLD), None, None, "skip near_the_end"),
        ((699, NEW), (600, OLD), (600, 600), "agreed"),
        ((700, NEW), (600, OLD), (600, 600), "target moved_at_source"),
        ((900, OLD + 1), (1200, OLD), None, "target newer_at_source"),
    ):
        made = plan_stops(TWO, source, target, agreed, settings=settings)
        assert told(made) == {KEY: expected}


def test_what_the_target_counts_as_watched_is_left_alone() -> None:
    for at in (NEW, NEW + 1, NEW - 30, None):
        seen = {Side.TARGET: [Play(item=movie(1), watched_at=at)]}
        made = plan_stops(TWO, (600, NEW), None, finished=seen)
        assert told(made) == {KEY: "skip watched_at_target"}
        assert told(plan_stops(TWO, (600, None), None, finished=seen)) == {KEY: "skip watched_at_target"}
        # begun again there
        made = plan_stops(TWO, (600, NEW), (300, OLD), (300, 300), finished=seen)
        assert told(made) == {KEY: "target moved_at_source"}
    # begun again at the source since
    seen = {Side.TARGET: [Play(item=movie(1), watched_at=at) for at in (NEW - 31, OLD)]}
    assert told(plan_stops(TWO, (600, NEW), None, finished=seen)) == {KEY: "target only_at_source"}
    seen = {Side.SOURCE: [Play(item=movie(1), watched_at=NEW)]}
    assert told(plan_stops(TWO, None, (600, NEW), finished=seen)) == {KEY: "skip watched_at_source"}


def test_small_moves_do_not_add_up_unseen() -> None:
    for position, expected in ((620, "agreed"), (640, "target moved_at_source")):
        made = plan_stops(TWO, (position, NEW), (600, OLD), (600, 600))
        assert (told(made), made.values) == ({KEY: expected}, {})


@pytest.mark.parametrize("kept", [540, 660])
@pytest.mark.parametrize("agreed", [None, (300, 300)])
@pytest.mark.parametrize("direction", [ONE, TWO])
def test_a_lossy_echo_is_agreed_with_what_was_written(
    kept: int, agreed: tuple[int, int] | None, direction: Direction
) -> None:
    """Whole percents of 100 minutes are 60 seconds; the date is the moment the service was told."""
    echo = {Side.TARGET: {KEY: Written(stopped(movie(1), 600, OLD), before=300_000)}}
    made = plan_stops(direction, (600, OLD), (kept, NEW), agreed, written=echo)
    assert (told(made), made.values) == ({KEY: "agreed"}, {KEY: Values(600_000, kept * 1000)})
    assert told(plan_stops(direction, (600, OLD), (kept, NEW), (600, kept))) == {KEY: "agreed"}
    # watched on since
    made = plan_stops(direction, (900, OLD), (kept, NEW), agreed, written=echo)
    assert told(made) == {KEY: "target moved_at_source"}


def test_more_than_rounding_is_a_move() -> None:
    echo = {Side.TARGET: {KEY: Written(stopped(movie(1), 600, OLD), before=300_000)}}
    made = plan_stops(TWO, (600, OLD), (661, NEW), (300, 300), written=echo)
    assert told(made) == {KEY: "source newer_at_target"}


@pytest.mark.parametrize("side", list(Side))
def test_a_stale_read_does_not_go_back(side: Side) -> None:
    echo = {side: {KEY: Written(stopped(movie(1), 900, NEW), before=600_000, observed=True)}}
    stale, fresh = (600, NEW), (900, NEW)
    values = (stale, fresh) if side is Side.SOURCE else (fresh, stale)
    made = plan_stops(TWO, values[0], values[1], (900, 900), written=echo)
    assert told(made) == {KEY: "skip written_a_moment_ago"}
    source, target = (stale, None) if side is Side.SOURCE else (None, stale)
    made = plan_stops(TWO, source, target, (900, 900), written=echo)
    assert told(made) == {KEY: "skip written_a_moment_ago"}


@pytest.mark.parametrize("side", list(Side))
def test_a_read_is_stale_by_what_its_own_side_showed(side: Side) -> None:
    """The other side keeps positions less exactly: 600 is what it showed when both agreed."""
    echo = {side: {KEY: Written(stopped(movie(1), 900, NEW), before=600_000, observed=True)}}
    agreed, stop = (900, 600) if side is Side.SOURCE else (600, 900), (600, NEW)
    made = plan_stops(TWO, stop, stop, agreed, written=echo)
    assert [(row.side, row.rule) for row in made.skipped] == [(side, "written_a_moment_ago")]
    source, target = (stop, None) if side is Side.SOURCE else (None, stop)
    made = plan_stops(TWO, source, target, agreed, written=echo)
    assert [(row.side, row.rule) for row in made.skipped] == [(side.other, "written_a_moment_ago")]


def test_what_the_target_has_further_is_its_own_in_a_one_way_pair() -> None:
    made = plan_stops(ONE, (600, OLD), (900, NEW))
    assert [(row.side, row.rule) for row in made.skipped] == [(Side.TARGET, "newer_at_target")]


def test_what_was_written_and_taken_back_where_it_came_from_goes_back() -> None:
    echo = {Side.TARGET: {KEY: Written(stopped(movie(1), 600, OLD), before=300_000)}}
    made = plan_stops(TWO, (300, NEW), (600, OLD), (300, 300), written=echo)
    assert told(made) == {KEY: "target moved_at_source"}


@pytest.mark.parametrize(("answered", "expected"), [(False, "target moved_at_source"), (True, "agreed")])
def test_what_stood_there_before_is_an_echo_only_of_what_was_answered(answered: bool, expected: str) -> None:
    sent = Written(stopped(movie(1), 600, OLD), before=570_000, answered=answered)
    made = plan_stops(TWO, (600, OLD), (570, NEW), (570, 570), written={Side.TARGET: {KEY: sent}})
    assert told(made) == {KEY: expected}


@pytest.mark.parametrize(
    ("shown", "minutes", "ours"),
    [
        (660_000, 100, True),
        (660_001, 100, False),
        (540_000, 100, True),
        (539_999, 100, False),
        (601_000, None, True),
        (601_001, None, False),
        (600_000, None, True),
    ],
)
def test_an_echo_is_within_a_percent_or_a_second(shown: int, minutes: int | None, ours: bool) -> None:
    """It leaves the word to the side that was written from; a move of both sides goes by the dates."""
    here, sent = stopped(movie(1), 900, OLD, minutes=minutes), stopped(movie(1), 600, OLD, minutes=minutes)
    made = make_plan(
        Feature.PROGRESS,
        [here],
        [replace(sent, position_ms=shown, at=NEW)],
        direction=TWO,
        baseline={KEY: PRESENT},
        values={KEY: Values(300_000, 300_000)},
        written={Side.TARGET: {KEY: Written(sent, before=300_000)}},
    )
    assert told(made) == {KEY: "target moved_at_source" if ours else "source newer_at_target"}


def test_an_update_names_the_title_as_the_written_side_does() -> None:
    here = replace(stopped(movie(imdb="tt1"), 900, NEW, minutes=110), remote_id="plex")
    there = replace(stopped(movie(1, "tt1"), 600, OLD), remote_id="row 7")
    (change,) = make_plan(Feature.PROGRESS, [here], [there]).changes
    assert change.entry == replace(here, item=there.item, remote_id="row 7")


def test_where_nobody_knows_what_was_agreed_what_is_gone_stays_gone() -> None:
    made = make_plan(Feature.PROGRESS, [stopped(movie(1), 600)], [], baseline={KEY: Missing(target=2)})
    assert told(made) == {KEY: "skip gone_at_target"}


@pytest.mark.parametrize("minutes", [(100, None), (None, 110)])
def test_without_a_duration_positions_are_compared_as_they_are(
    minutes: tuple[int | None, int | None],
) -> None:
    here, there = (
        stopped(movie(1), at, when, minutes=each)
        for at, when, each in zip((3000, 3020), (OLD, NEW), minutes, strict=True)
    )
    assert told(make_plan(Feature.PROGRESS, [here], [there], direction=TWO)) == {KEY: "agreed"}


def test_what_was_watched_on_in_another_cut_is_no_echo() -> None:
    here, there = stopped(movie(1), 3000, OLD), stopped(movie(1), 3300, NEW, minutes=110)
    echo = {Side.TARGET: {KEY: Written(stopped(movie(1), 1200, OLD), before=None)}}
    assert told(make_plan(Feature.PROGRESS, [here], [there], direction=TWO, written=echo)) == {KEY: "agreed"}


def test_two_cuts_of_a_film_are_as_far_as_their_shares() -> None:
    here, there = stopped(movie(1), 3000, OLD), stopped(movie(1), 3300, NEW, minutes=110)
    assert told(make_plan(Feature.PROGRESS, [here], [there], direction=TWO)) == {KEY: "agreed"}
    echo = {Side.TARGET: {KEY: Written(here, before=None)}}
    made = make_plan(
        Feature.PROGRESS, [here], [replace(there, position_ms=3_340_000)], direction=TWO, written=echo
    )
    assert told(made) == {KEY: "agreed"}


def test_positions_are_whole_milliseconds() -> None:
    here = Resume(item=movie(1), position_ms=630_001, duration_ms=6_000_000, at=NEW)
    there = Resume(item=movie(1), position_ms=900_002, duration_ms=9_000_000, at=OLD)
    made = make_plan(Feature.PROGRESS, [here], [there])
    assert told(made) == {KEY: "target newer_at_source"}, "30 s after 600,001 ⅓"


def test_what_is_as_it_was_agreed_has_not_moved_whatever_was_written() -> None:
    echo = {Side.TARGET: {KEY: Written(stopped(movie(1), 1200), before=None)}}
    assert told(plan_stops(TWO, (600, OLD), (1200, OLD), (600, 1200), written=echo)) == {KEY: "agreed"}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("stop", "expected"), [(-70, "skip watched_at_target"), (-69, "target only_at_source")]
)
def test_of_two_times_at_which_an_item_was_watched_the_later_counts(
    turned: bool, stop: int, expected: str
) -> None:
    """Also before 1970, and whatever their order."""
    watched = [Play(item=movie(1), watched_at=at) for at in (-200, -100)]
    finished = {Side.TARGET: watched[::-1] if turned else watched}
    rows = [stopped(movie(1), 600, stop)]
    assert told(make_plan(Feature.PROGRESS, rows, [], finished=finished)) == {KEY: expected}


def test_a_position_without_a_date_may_be_older_than_any_watching() -> None:
    finished = {Side.TARGET: [Play(item=movie(1), watched_at=-1000)]}
    rows = [stopped(movie(1), 600, None)]
    assert told(make_plan(Feature.PROGRESS, rows, [], finished=finished)) == {KEY: "skip watched_at_target"}


def test_without_a_duration_the_provider_decides() -> None:
    made = make_plan(Feature.PROGRESS, [stopped(movie(imdb="tt1"), 600, minutes=None)], [])
    assert told(made) == {"movie:imdb:tt1": "target unresolved missing_tmdb_id"}
    here, there = stopped(movie(1), 900, NEW, minutes=None), stopped(movie(1), 600, OLD)
    (change,) = make_plan(Feature.PROGRESS, [here], [there]).changes
    assert isinstance(change.entry, Resume)
    assert change.entry.duration_ms == 6_000_000
