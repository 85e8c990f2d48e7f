"""What once went wrong, or nearly did: whole runs with services that lie, and lives of several runs."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
import gc
import logging
import threading
from typing import Any

import pytest

from custom_components.crosswatch.sync import looking
from custom_components.crosswatch.sync.context import Context
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.feature_run import SETTLE, UNDER_WAY
from custom_components.crosswatch.sync.identity import Aliases
from custom_components.crosswatch.sync.models import (
    APART,
    PRESENT,
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Missing,
    Outcome,
    OutcomeStatus,
    Plan,
    Play,
    Scope,
    Side,
    Snapshot,
)
from custom_components.crosswatch.sync.plan import plan
from custom_components.crosswatch.sync.provider import AuthError, BadAnswerError, UnreachableError
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.state import State

from .fakes import HOUR, NOW, episode, listed, movie, play
from .lab import PAIR, Lab, until

MINUTE = 60
DAY = 24 * HOUR
HISTORY, WATCHLIST = (Feature.HISTORY,), (Feature.WATCHLIST,)
TWO_WAY = Direction.TWO_WAY


def plays(*times: int | None, of: Item | None = None) -> list[Entry]:
    """Make plays of one film, by their seconds after a fixed time."""
    item = of or movie(1)
    return [play(item, None if at is None else NOW + at) for at in times]


def times(entries: Sequence[Entry]) -> list[int | None]:
    """Undo `plays`."""
    return [None if e.watched_at is None else e.watched_at - NOW for e in entries if isinstance(e, Play)]


class Pair:
    """Short names for a lab of one feature."""

    def __init__(self, lab: Lab, feature: Feature, direction: Direction = Direction.ONE_WAY) -> None:
        """Let the lab run that feature."""
        self.lab, self.feature = lab, feature
        lab.request = replace(lab.request, features=(feature,), direction=direction)

    @property
    def source(self) -> list[Entry]:
        """What the source holds."""
        return self.lab.source.entries[self.feature]

    @source.setter
    def source(self, entries: Sequence[Entry]) -> None:
        self.lab.source.entries[self.feature] = list(entries)

    @property
    def target(self) -> list[Entry]:
        """What the target holds."""
        return self.lab.target.entries[self.feature]

    @target.setter
    def target(self, entries: Sequence[Entry]) -> None:
        self.lab.target.entries[self.feature] = list(entries)

    async def run(self, count: int = 1) -> None:
        """Run so many times."""
        for _ in range(count):
            self.report = await self.lab.run()


# --- plays ----------------------------------------------------------------------------------------


async def test_a_write_that_is_not_visible_yet_is_not_repeated_when_its_time_moves(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(0)
    lab.target.shown = lambda _rows: ()
    await pair.run()
    pair.source = plays(2)
    lab.now += SETTLE / 2 - HOUR
    await pair.run()
    lab.target.shown = list
    await pair.run()
    assert times(pair.target) == [0]


@pytest.mark.parametrize("direction", list(Direction))
async def test_rows_that_are_read_twice_are_one_play(lab: Lab, direction: Direction) -> None:
    pair = Pair(lab, Feature.HISTORY, direction)
    pair.source = plays(0)
    pair.target = plays(0)
    lab.source.shown = lambda rows: rows * 2
    await pair.run(3)
    assert (times(pair.source), times(pair.target)) == ([0], [0])


async def test_a_match_for_every_play_is_found_where_there_is_one(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY, TWO_WAY)
    pair.source = plays(0, 29 * MINUTE)
    pair.target = plays(15 * MINUTE, 44 * MINUTE)
    await pair.run(2)
    assert (len(pair.source), len(pair.target)) == (2, 2)


async def test_a_new_play_does_not_take_the_match_of_an_agreed_one(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY, TWO_WAY)
    pair.source = plays(0)
    pair.target = plays(10 * MINUTE)
    await pair.run()
    pair.source += plays(19 * MINUTE)
    await pair.run(2)
    assert times(pair.target) == [10 * MINUTE, 19 * MINUTE]
    assert times(pair.source) == [0, 19 * MINUTE]


async def test_an_older_play_does_not_take_the_undated_match_of_an_agreed_one(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY, TWO_WAY)
    pair.source = plays(5 * HOUR)
    pair.target = plays(None)
    await pair.run()
    pair.source += plays(0)
    await pair.run(2)
    assert times(pair.target) == [None, 0]


async def test_an_undated_play_is_written_once(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(None, None)
    await pair.run(3)
    assert times(pair.target) == [None]


async def test_a_smaller_window_writes_nothing_again(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(0, 5 * HOUR)
    pair.target = plays(10 * MINUTE, 5 * HOUR + 60)
    await pair.run()
    lab.request = replace(lab.request, settings=replace(lab.request.settings, play_window=0))
    await pair.run(3)
    assert len(pair.target) == 2


async def test_a_removed_play_stays_away_when_its_time_moves_a_little(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY, TWO_WAY)
    pair.source = plays(0, 9 * HOUR)
    await pair.run()
    del pair.target[0]
    for drift in (3, 5, 9):
        pair.source = plays(drift, 9 * HOUR)
        await pair.run()
    assert times(pair.target) == [9 * HOUR]


async def test_a_play_whose_time_moves_waits_before_it_is_written_again(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(0, 9 * HOUR)
    await pair.run()
    kept, pair.target = pair.target, pair.target[1:]
    pair.source = plays(4, 9 * HOUR)
    await pair.run()
    assert pair.report.total("added") == 0, "that read may have been a wrong one"
    pair.target = kept
    await pair.run()
    assert len(pair.target) == 2


async def test_a_second_record_of_an_agreed_play_is_not_written_instead_of_it(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(10 * MINUTE, 9 * HOUR)
    await pair.run()
    kept, pair.target = pair.target, pair.target[1:]
    pair.source += plays(0)
    await pair.run()
    assert pair.report.total("added") == 0, "that read may have been a wrong one"
    pair.target = kept
    await pair.run(2)
    assert times(pair.target) == [10 * MINUTE, 9 * HOUR]


async def test_of_two_records_the_one_that_can_be_written_is(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    lab.target.needs_tmdb = True
    pair.source = [*plays(0, of=movie(imdb="tt1")), *plays(1, of=movie(1, "tt1"))]
    await pair.run()
    assert times(pair.target) == [1]


# --- titles ---------------------------------------------------------------------------------------


async def test_of_two_copies_the_one_that_can_be_written_is(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    lab.target.needs_tmdb = True
    pair.source = [listed(movie(imdb="tt1")), listed(movie(1, "tt1"))]
    await pair.run()
    assert (pair.report.status, lab.at_target) == (RunStatus.OK, [1])


async def test_a_removed_play_stays_away_when_the_watchlist_finds_two_titles_to_be_one(lab: Lab) -> None:
    both = (*WATCHLIST, *HISTORY)
    lab.request = replace(lab.request, direction=TWO_WAY)
    known, other = movie(imdb="tt1"), movie(imdb="tt2")
    for side in (lab.source, lab.target):
        side.entries[Feature.HISTORY] = [play(known, NOW), play(other, NOW)]
        side.entries[Feature.WATCHLIST] = [listed(movie(1)), listed(movie(9))]
    await lab.run(features=both)
    # the play goes from the target, and the title turns out to be one that has a better key
    del lab.target.entries[Feature.HISTORY][0]
    lab.source.entries[Feature.WATCHLIST][0] = listed(movie(1, "tt1"))
    for _ in range(3):
        await lab.run(features=both)
    assert lab.target.entries[Feature.HISTORY] == [play(other, NOW)]


async def test_a_write_that_is_not_visible_yet_is_not_repeated_under_a_new_key(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(imdb="tt1")), listed(movie(9))]
    pair.target = [listed(movie(9)), listed(movie(8))]
    lab.target.shown = lambda _rows: [listed(movie(9)), listed(movie(1))]
    await pair.run()
    assert len(lab.target.written) == 1
    # now the target shows neither, and both titles turn out to be one
    lab.target.shown = lambda _rows: [listed(movie(9))]
    pair.source[0] = listed(movie(1, "tt1"))
    lab.now += SETTLE / 2 - HOUR
    await pair.run()
    assert len(lab.target.written) == 1


async def test_what_a_service_refused_rests_under_a_new_key_too(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(imdb="tt1"))]
    pair.target = [listed(movie(1))]
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await pair.run()
    pair.source, pair.target = [listed(movie(1, "tt1"))], []
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await pair.run()
    assert (pair.target, pair.report.total("unresolved")) == ([], 1)


async def test_what_the_target_cannot_tell_apart_is_not_written_beside_it(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(1, "tt1")), listed(movie(2, "tt1")), listed(movie(3, "tt3"))]
    pair.target = [listed(movie(imdb="tt1"))]
    await pair.run()
    assert pair.report.features[Feature.WATCHLIST].reasons == {"ambiguous": 2}
    assert lab.at_target == [0, 3]


async def test_what_is_shown_under_another_key_is_shown(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(imdb="tt1"))]
    pair.target = [listed(movie(1))]
    # the target knew the title by its best id, forgets it, and names both ids when it is written again
    reads = iter([[movie(1)], [movie(1, "tt1")]])
    lab.target.shown = lambda _rows: [listed(item) for item in next(reads)]
    await pair.run()
    report = pair.report
    assert (report.status, report.total("added"), report.total("unconfirmed")) == (RunStatus.OK, 1, 0)
    assert (await lab.state.aliases(PAIR))["movie:imdb:tt1"] == "movie:tmdb:1"


async def test_ids_seen_together_before_a_write_are_remembered_after_it(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(1, "tt1"))]
    await pair.run()
    assert await lab.state.aliases(PAIR) == {
        "movie:tmdb:1": "movie:tmdb:1",
        "movie:imdb:tt1": "movie:tmdb:1",
    }


async def test_what_two_titles_agreed_is_forgotten_with_the_one_they_are(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    pair.source = [listed(movie(imdb="tt1")), listed(movie(1)), listed(movie(9))]
    pair.target = list(pair.source)
    await pair.run()
    pair.source = [listed(movie(1, "tt1")), listed(movie(9))]
    await pair.run()
    pair.source, pair.target = [listed(movie(9))], [listed(movie(9))]
    await pair.run()
    pair.source += [listed(movie(1))]
    await pair.run()
    assert pair.target == pair.source


async def test_what_goes_while_its_show_gets_another_key_is_forgotten(lab: Lab) -> None:
    def seen(number: int, **ids: int) -> Entry:
        item = Item(kind=Kind.EPISODE, show_ids=Ids(**ids), season=1, episode=number)  # type: ignore[arg-type]
        return play(item, NOW)

    pair = Pair(lab, Feature.HISTORY, TWO_WAY)
    pair.source = [seen(1, tvdb=9), seen(2, tmdb=5)]
    pair.target = list(pair.source)
    await pair.run()
    pair.source = [seen(2, tmdb=5, tvdb=9)]
    pair.target = list(pair.source)
    await pair.run()
    await pair.run()
    lab.now += APART
    await pair.run()
    pair.source += [seen(1, tmdb=5)]
    await pair.run()
    assert pair.target == pair.source


@pytest.mark.parametrize("order", [1, -1])
def test_where_one_of_two_titles_was_seen_both_were(order: int) -> None:
    known = Aliases({"movie:imdb:tt1": "movie:tmdb:1", "movie:tmdb:1": "movie:tmdb:1"})
    stored = {"movie:imdb:tt1": Missing(0, 2), "movie:tmdb:1": Missing(1, 0), "movie:tmdb:2": PRESENT}
    baseline, renamed = looking._translated(dict(list(stored.items())[::order]), known)
    assert baseline == {"movie:tmdb:1": PRESENT, "movie:tmdb:2": PRESENT}
    assert renamed == {"movie:imdb:tt1": "movie:tmdb:1"}


@pytest.mark.parametrize("enabled", [True, False])
async def test_the_collector_is_left_as_it_was(lab: Lab, enabled: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        await lab.run()
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was else gc.disable)()


async def test_ids_that_only_the_first_read_showed_are_remembered(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    pair.source = [listed(movie(1))]
    pair.target = [listed(movie(2, "tt2"))]
    reads = iter([True, False])
    lab.target.shown = lambda rows: rows if next(reads) else rows[1:]
    await pair.run()
    assert (await lab.state.aliases(PAIR))["movie:imdb:tt2"] == "movie:tmdb:2"


async def test_a_title_cut_in_the_middle_of_a_character_stops_nothing(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    lab.target.needs_tmdb = True
    half = "Film \ud83c"
    pair.source = [
        listed(Item(kind=Kind.MOVIE, title=half)),
        listed(Item(kind=Kind.MOVIE, title=half, ids=Ids(imdb="tt1"))),
        listed(movie(2)),
    ]
    await pair.run()
    assert (pair.report.status, lab.at_target) == (RunStatus.UNRESOLVED, [2])
    assert {row.name for row in await lab.state.unresolved(PAIR)} == {"Film ?"}


# --- what was removed -----------------------------------------------------------------------------


@pytest.mark.parametrize("removed_at", ["source", "target"])
async def test_what_was_removed_stays_away_when_the_other_side_lies_once(lab: Lab, removed_at: str) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(4)
    await pair.run()
    gone, keeper = (lab.source, lab.target) if removed_at == "source" else (lab.target, lab.source)
    del gone.entries[Feature.WATCHLIST][0]
    await pair.run()
    keeper.shown = lambda rows: rows[1:]
    await pair.run()
    keeper.shown = list
    await pair.run(3)
    assert len(gone.entries[Feature.WATCHLIST]) == 3
    assert len(keeper.entries[Feature.WATCHLIST]) == 4


async def test_what_was_removed_on_both_sides_may_be_listed_again(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(4)
    await pair.run()
    del pair.target[0]
    await pair.run(2)
    del pair.source[0]
    await pair.run(2)
    pair.source += [listed(movie(1))]
    await pair.run()
    assert sorted(lab.at_target) == [1, 2, 3, 4]
    del pair.source[-1], pair.target[-1]
    await pair.run()
    pair.source += [listed(movie(1))]
    await pair.run()
    assert sorted(lab.at_target) == [1, 2, 3, 4], "together: one run is enough"


# --- the brake ------------------------------------------------------------------------------------


async def test_a_target_that_lost_most_plays_is_held_though_its_times_differ(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = [play(movie(n), NOW) for n in range(20)]
    pair.target = [play(movie(n), NOW + 30) for n in range(20)]
    await pair.run()
    lab.target.shown = lambda rows: rows[:3]
    for _ in range(3):
        await pair.run()
        assert pair.report.status is RunStatus.HELD
    lab.target.shown = list
    await pair.run()
    assert (pair.report.status, len(pair.target)) == (RunStatus.OK, 20)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("apart", [0, 30])
async def test_a_source_that_tells_other_times_is_held(lab: Lab, direction: Direction, apart: int) -> None:
    pair = Pair(lab, Feature.HISTORY, direction)
    pair.source = [play(movie(n), NOW) for n in range(20)]
    pair.target = [play(movie(n), NOW + apart) for n in range(20)]
    await pair.run()
    pair.source = [play(movie(n), NOW + HOUR) for n in range(20)]
    for _ in range(3):
        await pair.run()
        assert (pair.report.status, len(pair.target)) == (RunStatus.HELD, 20)
    pair.source = [play(movie(n), NOW) for n in range(20)]
    await pair.run()
    assert pair.report.status is RunStatus.OK


@pytest.mark.parametrize(
    ("held", "total", "lost"),
    [(False, 6, 4), (False, 7, 5), (True, 8, 6), (False, 20, 10), (True, 20, 11), (True, 21, 11)],
)
async def test_most_is_more_than_half_and_more_than_five(lab: Lab, held: bool, total: int, lost: int) -> None:
    lab.fill(total)
    await lab.run()
    lab.target.shown = lambda rows: rows[lost:]
    report = await lab.run()
    assert (report.status is RunStatus.HELD) is held


async def test_a_binge_of_known_films_is_not_held(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = [play(movie(n), NOW) for n in range(20)]
    pair.target = [play(movie(n), NOW + 30) for n in range(20)]
    await pair.run()
    pair.source += [play(movie(n), NOW + DAY) for n in range(20)]
    await pair.run()
    assert (pair.report.status, len(pair.target)) == (RunStatus.OK, 40)


async def test_what_was_removed_over_time_holds_nothing(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(24)
    await pair.run()
    for _ in range(5):
        del pair.target[:4]
        await pair.run()
    pair.source += [listed(movie(100))]
    await pair.run()
    assert (pair.report.status, lab.at_target[-1]) == (RunStatus.OK, 100)


async def test_a_list_emptied_on_purpose_holds_nothing_in_a_two_way_pair(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(3)
    await pair.run()
    pair.target = []
    await pair.run()
    pair.source += [listed(movie(100))]
    await pair.run()
    assert (pair.report.status, lab.at_target) == (RunStatus.OK, [100])


@pytest.mark.parametrize(("shown", "error"), [(0, "source_empty"), (6, "source_lost_most")])
async def test_a_source_that_forgot_is_not_written_in_a_two_way_pair(
    lab: Lab, shown: int, error: str
) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(20)
    await pair.run()
    lab.source.shown = lambda rows: rows[:shown]
    pair.target += [listed(movie(100))]
    for _ in range(2):
        await pair.run()
        assert (pair.report.status, pair.report.features[Feature.WATCHLIST].error) == (RunStatus.HELD, error)
    lab.source.shown = list
    await pair.run()
    assert (pair.report.status, len(pair.source)) == (RunStatus.OK, 21)


async def test_an_emptied_source_holds_nothing_in_a_one_way_pair(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    lab.fill(20)
    await pair.run()
    pair.source = [listed(movie(100 + n)) for n in range(20)]
    await pair.run()
    assert (pair.report.status, len(pair.target)) == (RunStatus.OK, 40)


async def test_a_source_that_forgot_its_plays_holds_nothing_in_a_one_way_pair(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = [play(movie(n), NOW) for n in range(20)]
    await pair.run()
    pair.source = [play(movie(1), NOW + DAY)]
    await pair.run()
    assert (pair.report.status, len(pair.target)) == (RunStatus.OK, 21)
    # all of it is watched again, in another library
    pair.source = [play(movie(n), NOW + 2 * DAY) for n in range(20)]
    await pair.run()
    assert (pair.report.status, len(pair.target)) == (RunStatus.OK, 41)


async def test_a_target_that_refuses_what_it_lost_is_not_held_for_it(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST)
    lab.fill(20)
    await pair.run()
    lab.target.answer = lambda c: (
        OutcomeStatus.APPLIED if c.key == "movie:tmdb:100" else OutcomeStatus.UNRESOLVED
    )
    for count in (7, 14):
        del pair.target[:7]
        await pair.run(3)
        assert pair.report.total("unresolved") == count
    pair.source += [listed(movie(100))]
    await pair.run()
    assert lab.at_target[-1] == 100


async def test_a_dry_run_tells_that_the_plan_would_be_held(lab: Lab) -> None:
    lab.fill(20)
    await lab.run()
    lab.fill(21)
    lab.target.shown = lambda _rows: ()
    report = await lab.run(dry_run=True)
    # what a person would be asked to approve: all of it is written again
    assert (report.status, report.total("added"), report.total("held")) == (RunStatus.HELD, 21, 21)
    assert report.features[Feature.WATCHLIST].error == "target_empty"


# --- writes ---------------------------------------------------------------------------------------


async def test_there_already_but_never_shown_is_not_ok(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.ALREADY
    report = await lab.run()
    assert (report.status, report.total("unconfirmed")) == (RunStatus.PARTIAL, 1)
    assert (report.total("added"), report.total("skipped")) == (0, 1)
    lab.now += SETTLE / 2 - HOUR
    requests = lab.target.requests
    report = await lab.run()
    assert lab.target.requests == requests + 1, "one read, no write: it may be visible in a moment"


async def test_what_is_said_to_be_there_and_never_shown_rests(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.ALREADY
    for _ in range(3):
        report = await lab.run()
    assert report.features[Feature.WATCHLIST].reasons == {"accepted_but_not_shown": 1}


async def test_what_is_accepted_and_never_shown_is_not_written_for_ever(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(0, 9 * HOUR)
    lab.target.shown = lambda rows: rows[1:2]
    await pair.run(24)
    assert times(pair.target) == [0, 9 * HOUR, 0], "one more try, then it rests"
    assert pair.report.features[Feature.HISTORY].reasons == {"accepted_but_not_shown": 1}
    lab.now += DAY
    await pair.run()
    assert len(pair.target) == 4
    lab.now += 2 * DAY
    await pair.run()
    assert len(pair.target) == 4, "rests longer each time"
    lab.target.shown = list
    await pair.run()
    assert pair.report.status is RunStatus.OK
    assert await lab.state.unresolved(PAIR) == ()


async def test_what_no_read_could_show_is_not_called_unshown(lab: Lab) -> None:
    lab.fill(1)

    def lose(_change: Change) -> OutcomeStatus:
        lab.target.read_error = UnreachableError("down")
        return OutcomeStatus.ALREADY

    lab.target.answer = lose
    for _ in range(4):
        lab.target.read_error = None
        report = await lab.run()
        assert (report.status, report.total("unconfirmed")) == (RunStatus.UNREACHABLE, 1)
    lab.target.read_error, lab.target.answer = None, lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    assert lab.at_target == [1]


class Unreliable:
    """Wraps what a provider yields."""

    def __init__(self, lab: Lab) -> None:
        """Stand before the target of the lab."""
        self._apply = lab.target.apply
        lab.target.apply = self.apply  # type: ignore[method-assign]
        self.swallow: frozenset[str] = frozenset()
        self.extra: tuple[Outcome, ...] = ()
        self.error: Exception | None = None

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Yield `extra`, then what the provider does except for keys to `swallow`, then raise `error`."""
        for outcome in self.extra:
            yield outcome
        async for outcome in self._apply(feature, changes, scope):
            if outcome.change.key not in self.swallow:
                yield outcome
        if self.error is not None:
            raise self.error


async def test_a_write_without_an_outcome_is_not_forgotten(lab: Lab) -> None:
    lab.fill(3)
    wrapper = Unreliable(lab)
    wrapper.swallow = frozenset({"movie:tmdb:1", "movie:tmdb:2"})
    lab.target.answer = lambda c: OutcomeStatus.FAILED if c.key.endswith("2") else OutcomeStatus.APPLIED
    report = await lab.run()
    assert (report.status, report.total("added"), report.total("errors")) == (RunStatus.PARTIAL, 2, 1)
    wrapper.swallow, lab.target.answer = frozenset(), lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    assert sorted(lab.at_target) == [1, 2, 3]


async def test_an_outcome_of_something_else_counts_nothing(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.fill(2)
    await lab.run()
    change = lab.target.written[0]
    lab.source.entries[Feature.WATCHLIST] += [listed(movie(3))]
    Unreliable(lab).extra = (
        Outcome(change=change, status=OutcomeStatus.APPLIED),
        Outcome(change=replace(change, key="movie:tmdb:3"), status=OutcomeStatus.APPLIED),
        Outcome(change=replace(change, key="movie:tmdb:3"), status=OutcomeStatus.APPLIED),
    )
    report = await lab.run()
    assert report.total("added") == 1
    assert [r.levelno for r in caplog.records if "nobody waits for" in r.message] == [logging.ERROR] * 3


@pytest.mark.parametrize("where", ["read", "apply"])
async def test_a_defect_of_a_provider_is_told_and_loses_nothing(
    lab: Lab, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)
    wrapper = Unreliable(lab)
    wrapper.error = KeyError("https://user:secret@host")

    async def read(*_args: Any) -> None:
        raise KeyError("secret")

    if where == "read":
        monkeypatch.setattr(lab.target, "read", read)
    with pytest.raises(KeyError):
        await lab.run()
    monkeypatch.undo()
    wrapper.error = None
    report = await lab.state.last_run(PAIR)
    assert report is not None
    told = report.features[Feature.WATCHLIST]
    assert (told.status, told.error) == (RunStatus.FAILED, "KeyError")
    assert told.added == (3 if where == "apply" else 0)
    await lab.run()
    assert sorted(lab.at_target) == [1, 2, 3]


async def test_a_dry_run_that_breaks_leaves_no_trace(lab: Lab) -> None:
    lab.target.read_error = KeyError("defect")  # type: ignore[assignment]
    with pytest.raises(KeyError):
        await lab.run(dry_run=True)
    assert await lab.state.last_run(PAIR) is None


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("errors", "status"),
    [
        ((UnreachableError("down"), AuthError("http:401")), RunStatus.AUTH_FAILED),
        ((UnreachableError("down"), BadAnswerError("html")), None),
        ((AuthError("http:401"), KeyError("defect")), RunStatus.FAILED),
    ],
)
async def test_of_two_errors_at_once_the_worse_one_is_told(
    lab: Lab, errors: tuple[Exception, ...], status: RunStatus | None, order: int
) -> None:
    lab.source.read_error, lab.target.read_error = errors[::order]  # type: ignore[assignment]
    if status is RunStatus.FAILED:
        with pytest.raises(KeyError):
            await lab.run()
    else:
        report = await lab.run()
        assert not report.succeeded
        assert status in (None, report.status)


async def test_a_list_that_begins_to_exist_when_it_is_written_is_agreed_at_once(lab: Lab) -> None:
    lab.fill(3)

    def answer(_change: Change) -> OutcomeStatus:
        lab.target.scope_hash = "new list"
        return OutcomeStatus.APPLIED

    lab.target.answer = answer
    assert (await lab.run()).status is RunStatus.OK
    del lab.target.entries[Feature.WATCHLIST][0]
    report = await lab.run(direction=TWO_WAY)
    assert (report.total("added"), report.total("skipped")) == (0, 1)


async def test_another_list_in_the_middle_of_a_run_is_filled_by_the_next(lab: Lab) -> None:
    pair = Pair(lab, Feature.WATCHLIST, TWO_WAY)
    lab.fill(3)
    await pair.run()
    pair.source += [listed(movie(4))]

    def answer(_change: Change) -> OutcomeStatus:
        lab.target.scope_hash = "new list"
        pair.target.clear()
        return OutcomeStatus.APPLIED

    lab.target.answer = answer
    await pair.run()
    assert lab.at_target == [4]
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await pair.run()
    assert sorted(lab.at_target) == [1, 2, 3, 4]


async def test_what_one_list_refused_is_tried_on_the_next(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await lab.run()
    lab.target.scope_hash = "another list"
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    await lab.run()
    assert lab.at_target == [1]


# --- stops and clocks -----------------------------------------------------------------------------


async def test_a_stop_while_the_last_look_is_planned_is_a_stop(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread goes on; what is remembered must not depend on how far it came."""
    lab.fill(3)
    lab.target.entries[Feature.WATCHLIST] = [listed(movie(9))]
    calls: list[Snapshot] = []
    release = threading.Event()

    def slow_plan(source: Snapshot, target: Snapshot, context: Context) -> Plan:
        calls.append(target)
        if len(calls) == 2:
            release.wait(5)
        return plan(source, target, context)

    monkeypatch.setattr(looking, "plan", slow_plan)
    task = asyncio.create_task(lab.run())
    await until(lambda: len(calls) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    report = await lab.state.last_run(PAIR)
    assert report is not None
    assert (report.status, report.total("added"), report.total("unconfirmed")) == (RunStatus.CANCELLED, 3, 3)
    monkeypatch.undo()
    assert (await lab.run()).status is RunStatus.OK
    assert sorted(lab.at_target) == [1, 2, 3, 9]


async def test_a_stop_while_ids_are_learned_remembers_nothing_of_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)
    learn, release, calls = Aliases.learn, threading.Event(), 0

    def slow_learn(aliases: Aliases, items: Iterable[Item]) -> None:
        nonlocal calls
        calls += 1
        learn(aliases, items)
        if calls == 2:
            aliases.learned["movie:tmdb:404"] = "half done"
            release.wait(5)

    monkeypatch.setattr(Aliases, "learn", slow_learn)
    task = asyncio.create_task(lab.run())
    await until(lambda: calls == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()
    assert set(await lab.state.aliases(PAIR)) == {f"movie:tmdb:{n}" for n in (1, 2, 3)}


@pytest.mark.parametrize("method", ["record", "note_unresolved", "learn", "keep_run"])
async def test_a_cancelled_run_is_cancelled_even_if_the_state_fails(
    lab: Lab, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)
    lab.target.pause = asyncio.Event()
    task = asyncio.create_task(lab.run())
    await until(lambda: lab.target.requests == 2)

    async def fail(*_args: Any, **_more: Any) -> None:
        raise StateError("disk full")

    monkeypatch.setattr(State, method, fail)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    lab.target.pause = None
    await lab.run()
    assert sorted(lab.at_target) == [1, 2, 3]


@pytest.mark.parametrize("method", ["intend", "record", "note_unresolved", "learn", "keep_run", "resting"])
async def test_a_state_that_fails_stops_the_run_and_loses_nothing(
    lab: Lab, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)

    async def fail(*_args: Any, **_more: Any) -> None:
        raise StateError("disk full")

    monkeypatch.setattr(State, method, fail)
    with pytest.raises(StateError):
        await lab.run(features=(*WATCHLIST, *HISTORY))
    monkeypatch.undo()
    await lab.run()
    assert sorted(lab.at_target) == [1, 2, 3]


async def test_a_provider_error_does_not_hide_that_the_state_fails(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)
    lab.target.answer = lambda _c: UnreachableError("down")

    async def fail(*_args: Any, **_more: Any) -> None:
        raise StateError("disk full")

    monkeypatch.setattr(State, "record", fail)
    with pytest.raises(StateError):
        await lab.run(features=(*WATCHLIST, *HISTORY))


async def test_a_write_that_got_no_answer_is_not_repeated_while_reads_may_be_stale(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = plays(0)

    def answer(change: Change) -> OutcomeStatus:
        lab.target.entries[Feature.HISTORY].append(change.entry)
        return OutcomeStatus.UNCERTAIN

    lab.target.answer = answer
    lab.target.shown = lambda _rows: ()
    await pair.run()
    lab.now += SETTLE / 2 - HOUR
    await pair.run()
    lab.target.shown = list
    await pair.run()
    assert (times(pair.target), pair.report.status) == ([0], RunStatus.OK)


async def test_a_slow_write_that_is_broken_off_is_given_time_from_its_end(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service made us wait; the write was announced long before it was sent."""
    lab.fill(3)
    lab.target.pause = asyncio.Event()
    task = asyncio.create_task(lab.run())
    await until(lambda: lab.target.requests == 2)
    lab.now += 5 * MINUTE
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lab.target.pause = None
    lab.now += 4 - HOUR
    await lab.run()
    monkeypatch.undo()
    assert max(waits) == UNDER_WAY - 4


async def test_a_killed_run_is_given_time_from_the_start_of_the_next_engine(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(1)
    change = Change(
        feature=Feature.WATCHLIST,
        side=Side.TARGET,
        action=Action.ADD,
        key="movie:tmdb:1",
        entry=listed(movie(1)),
        rule="only_at_source",
    )
    await lab.state.intend(PAIR, "killed", [change], int(lab.now) - HOUR)
    lab.start_again()
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lab.now += 7 - HOUR
    await lab.run()
    monkeypatch.undo()
    assert max(waits) == UNDER_WAY - 7


async def test_a_clock_set_back_by_years_makes_nobody_wait_for_years(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.fill(3)
    lab.target.pause = asyncio.Event()
    task = asyncio.create_task(lab.run())
    await until(lambda: lab.target.requests == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    lab.target.pause = None
    lab.now -= 3000 * DAY
    await lab.run()
    monkeypatch.undo()
    assert max(waits) == UNDER_WAY


async def test_a_clock_set_back_in_a_run_keeps_what_a_service_refused(lab: Lab) -> None:
    lab.fill(2)

    def answer(_change: Change) -> OutcomeStatus:
        lab.now -= HOUR
        return OutcomeStatus.UNRESOLVED

    lab.target.answer = answer
    await lab.run()
    assert len(await lab.state.unresolved(PAIR)) == 2
    requests = lab.target.requests
    await lab.run()
    assert lab.target.requests == requests + 1, "they rest"


async def test_a_clock_that_was_years_ahead_lets_nothing_rest_for_years(lab: Lab) -> None:
    lab.fill(1)
    lab.now += 3000 * DAY
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await lab.run()
    lab.now -= 3000 * DAY
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await lab.run()
    assert lab.at_target == [1]
    assert await lab.state.unresolved(PAIR) == (), "what is solved is gone, whatever its date"


async def test_a_clock_that_was_years_ahead_lets_nothing_settle_for_years(lab: Lab) -> None:
    lab.fill(1)
    lab.now += 3000 * DAY
    lab.target.shown = lambda _rows: ()
    await lab.run()
    lab.target.entries[Feature.WATCHLIST].clear()
    lab.target.shown = list
    lab.now -= 3000 * DAY
    await lab.run()
    assert lab.at_target == [1]


async def test_a_clock_set_back_an_hour_still_knows_what_was_just_written(lab: Lab) -> None:
    lab.fill(1)
    lab.target.shown = lambda _rows: ()
    await lab.run()
    lab.now -= 2 * HOUR
    await lab.run()
    lab.target.shown = list
    await lab.run()
    assert lab.at_target == [1]


async def test_specials_keep_their_numbers(lab: Lab) -> None:
    pair = Pair(lab, Feature.HISTORY)
    pair.source = [play(episode(5, 0, 0), 0), play(episode(5, 0, 1), 0)]
    await pair.run(2)
    assert pair.target == pair.source
