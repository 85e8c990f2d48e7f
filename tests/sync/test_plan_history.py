"""The truth table of history: records of one watching, and sides that date plays themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
import re
from typing import Any

import pytest

from custom_components.crosswatch.sync.identity import play_key
from custom_components.crosswatch.sync.ledger import Mark
from custom_components.crosswatch.sync.models import (
    CERTAIN,
    Direction,
    Entry,
    Feature,
    Kind,
    LogIds,
    Missing,
    Plan,
    Play,
    Side,
)
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, movie, play
from .planning import MINUTE, make_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
SOURCE, TARGET = Side.SOURCE, Side.TARGET
M1 = "movie:tmdb:1"
THERE, AT_SOURCE, AT_TARGET = Missing(), Missing(source=1), Missing(target=1)
FULL = Capability(kinds=frozenset(Kind), add=True, update=True, remove=True)
UNDATED = replace(FULL, dated=False)
OLD, MID, NEW = NOW - 40 * HOUR, NOW - 20 * HOUR, NOW
REMOVALS = PairSettings(removals=frozenset(Feature))


def key(at: int | None) -> str:
    """Key of a play of the film."""
    return play_key(M1, at)


def plan_plays(
    source: Sequence[int | Play | None],
    target: Sequence[int | Play | None],
    baseline: Mapping[Any, Missing] | None = None,  # keys are times
    *,
    direction: Direction = TWO,
    undated: Side | None = None,
    **more: Any,
) -> Plan:
    """Plan plays of one film, most of them told by their time alone."""
    rows: list[list[Entry]] = [
        [each if isinstance(each, Play) else play(movie(1), each) for each in side]
        for side in (source, target)
    ]
    return make_plan(
        Feature.HISTORY,
        *rows,
        direction=direction,
        baseline={key(at): missing for at, missing in (baseline or {}).items()},
        capabilities={side: UNDATED if side is undated else FULL for side in Side},
        **more,
    )


def said(made: Plan) -> dict[int | None, str]:
    """What the plan says of the plays, by time."""
    times = {each.rpartition("@")[2]: text for each, text in told(made).items()}
    return {int(at) if at.isdecimal() else None: text for at, text in times.items()}


def mirrored(text: str) -> str:
    """The same for the sides the other way round."""
    return re.sub("source|target", lambda side: Side(side[0]).other, text)


# --- sides that keep dates ------------------------------------------------------------------------


def test_the_known_one_of_two_records_stands_for_both() -> None:
    near = NOW - 5 * MINUTE
    for missing, expected in (
        (AT_TARGET, "source removed_at_target"),
        (THERE, "skip missing_at_target_once"),
    ):
        made = plan_plays([near, NOW], [], {NOW: missing}, settings=REMOVALS)
        assert said(made) == {near: expected, NOW: expected}, "they go together, or stay together"
    made = plan_plays([near, NOW], [], {NOW: AT_TARGET}, direction=ONE)
    assert said(made) == {near: "skip recorded_twice", NOW: "target missing_at_target"}


def test_of_two_records_the_one_that_can_be_written_stands_for_both() -> None:
    rows = [play(movie(imdb="tt1"), NOW), play(movie(1, "tt1"), NOW + MINUTE)]
    made = plan_plays(rows, [])
    assert said(made) == {NOW: "skip recorded_twice", NOW + MINUTE: "target only_at_source"}


def test_plays_without_a_date_are_one_record_each_side() -> None:
    assert [c.key for c in plan_plays([None, None], []).changes] == [key(None)]
    assert len(plan_plays([OLD, None], []).changes) == 2, "no record of a play with a date"
    made = plan_plays([OLD, None], [None])
    assert said(made) == {OLD: "target only_at_source", None: "agreed"}


@pytest.mark.parametrize(("known", "new"), [(-20, 0), (0, -20)])
def test_the_known_one_of_two_plays_as_close_is_matched(known: int, new: int) -> None:
    known, new, there = NOW + known * MINUTE, NOW + new * MINUTE, NOW - 10 * MINUTE
    made = plan_plays([known, new], [there], {known: THERE})
    assert said(made) == {known: "agreed", there: "agreed", new: "target only_at_source"}


def test_each_play_that_is_gone_counts_for_itself() -> None:
    made = plan_plays([], [OLD, NEW], {OLD: AT_SOURCE, NEW: AT_SOURCE}, settings=REMOVALS)
    assert said(made) == dict.fromkeys((OLD, NEW), "target removed_at_source")
    made = plan_plays([], [OLD, NEW], {OLD: AT_SOURCE, NEW: THERE}, settings=REMOVALS)
    assert said(made) == {OLD: "target removed_at_source", NEW: "skip missing_at_source_once"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_rows_of_one_time_the_best_known_one_is_taken_away(order: int) -> None:
    rows = [play(movie(1, "tt1"), NOW), play(movie(imdb="tt1"), NOW)]
    for direction in (ONE, TWO):
        made = plan_plays([], rows[::order], {NOW: AT_SOURCE}, direction=direction, settings=REMOVALS)
        (change,) = made.changes
        assert (change.rule, change.entry) == ("removed_at_source", rows[0])


def test_a_record_goes_with_its_play_unless_another_one_stands_for_it() -> None:
    """Of a one-way pair's target, where what was never agreed is its own."""
    times = [NOW, NOW + 10 * MINUTE, NOW + 20 * MINUTE]
    known = {NOW: THERE, NOW + 20 * MINUTE: AT_SOURCE}
    made = plan_plays([NOW], times, known, direction=ONE, settings=REMOVALS)
    assert said(made) == {NOW: "agreed", NOW + 20 * MINUTE: "target removed_at_source"}
    made = plan_plays([], times[1:], {times[2]: AT_SOURCE}, direction=ONE, settings=REMOVALS)
    assert said(made) == dict.fromkeys(times[1:], "target removed_at_source")


def test_what_the_target_has_anew_is_not_taken_away() -> None:
    made = plan_plays([], [NOW], {NOW: Missing(source=2, target=2)}, direction=ONE, settings=REMOVALS)
    assert not made.changes


def test_ids_in_the_log_are_kept_of_sides_that_date_plays_themselves() -> None:
    rows = [Play(item=movie(1), watched_at=NOW, remote_id=name) for name in ("7", "9")]
    for undated, expected in (
        (None, {}),
        (SOURCE, {key(NOW): LogIds("7", None)}),
        (TARGET, {key(NOW): LogIds(None, "9")}),
    ):
        assert plan_plays(rows[:1], rows[1:], undated=undated).logs == expected


# --- towards a side that dates plays itself -------------------------------------------------------


@pytest.mark.parametrize(
    ("plays", "known", "one_way", "two_way"),
    [
        # never agreed: the newest one stands for all
        ([OLD], {}, {OLD: "add"}, {OLD: "add"}),
        ([None], {}, {None: "add"}, {None: "add"}),
        ([NEW, OLD], {}, {OLD: "covered", NEW: "add"}, {OLD: "covered", NEW: "add"}),
        ([None, OLD], {}, {OLD: "add", None: "covered"}, {OLD: "add", None: "covered"}),
        # agreed, and not watched any more
        ([OLD], {OLD: 0}, {OLD: "wait"}, {OLD: "unwatched"}),
        ([OLD], {OLD: 1}, {OLD: "again"}, {OLD: "unwatched"}),
        ([OLD, NEW], {OLD: 1, NEW: 1}, {OLD: "covered", NEW: "again"}, {OLD: "unwatched", NEW: "unwatched"}),
        (
            [OLD, None],
            {OLD: 1, None: 1},
            {OLD: "again", None: "covered"},
            dict.fromkeys((OLD, None), "unwatched"),
        ),
        # the same, and an older play, or one without a date
        ([OLD, NEW], {NEW: 1}, {OLD: "covered", NEW: "again"}, {OLD: "unwatched", NEW: "unwatched"}),
        ([OLD, None], {OLD: 1}, {OLD: "again", None: "covered"}, dict.fromkeys((OLD, None), "unwatched")),
        (
            [OLD, MID, NEW],
            {OLD: 1, NEW: 1},
            {OLD: "covered", MID: "covered", NEW: "again"},
            dict.fromkeys((OLD, MID, NEW), "unwatched"),
        ),
        # the same, and a newer play
        ([OLD, NEW], {OLD: 1}, {OLD: "covered", NEW: "add"}, {OLD: "covered", NEW: "add"}),
        ([None, OLD], {None: 1}, {None: "covered", OLD: "add"}, {None: "covered", OLD: "add"}),
    ],
)
def test_what_is_not_watched_there(
    plays: list[int | None],
    known: dict[int | None, int],
    one_way: dict[int | None, str],
    two_way: dict[int | None, str],
) -> None:
    words = {
        "add": "target only_at_source",
        "again": "target missing_at_target",
        "wait": "skip missing_at_target_once",
        "covered": "skip covered_by_newest",
        "unwatched": "skip unwatched_at_target",
    }
    baseline = {at: Missing(target=count) for at, count in known.items()}
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = plan_plays(plays, [], baseline, direction=direction, undated=TARGET)
        assert said(made) == {at: words[word] for at, word in expected.items()}
    made = plan_plays([], plays, {at: Missing(source=n) for at, n in known.items()}, undated=SOURCE)
    assert said(made) == {at: mirrored(words[word]) for at, word in two_way.items()}


@pytest.mark.parametrize(
    ("at", "taken", "marked"),
    [
        # the play that was agreed is gone: an older one is no new watching, a newer one is
        (OLD, None, False),
        (None, None, False),
        (NEW, None, True),
        # gone because of us: it says nothing
        (OLD, SOURCE, True),
        (OLD, TARGET, True),
    ],
)
def test_an_older_play_in_the_place_of_the_one_that_was_agreed(
    at: int | None, taken: Side | None, marked: bool
) -> None:
    ours = {} if taken is None else {(taken, key(MID)): play(movie(1), MID)}
    for direction in Direction:
        made = plan_plays([at], [], {MID: Missing(target=1)}, direction=direction, undated=TARGET, taken=ours)
        left = direction is TWO and not marked
        assert said(made) == {at: "skip unwatched_at_target" if left else "target only_at_source"}
        # and stays so
        assert made.missing.get(key(at)) == (Missing(target=CERTAIN, target_since=NOW) if left else None)


def test_an_older_play_at_the_target_in_the_place_of_the_one_that_was_agreed() -> None:
    made = plan_plays([], [OLD], {MID: Missing(source=1)}, undated=SOURCE)
    assert said(made) == {OLD: "skip unwatched_at_source"}
    assert made.missing[key(OLD)] == Missing(source=CERTAIN, source_since=NOW)


def test_in_a_one_way_pair_the_one_that_can_be_written_stands_for_an_agreed_play_that_is_gone() -> None:
    rows = [play(movie(1, "tt1"), OLD), play(movie(imdb="tt1"), MID)]
    made = plan_plays(rows, [], {NEW: Missing(target=1)}, direction=ONE, undated=TARGET)
    assert said(made) == {OLD: "target only_at_source", MID: "skip covered_by_newest"}


def test_of_several_plays_the_newest_one_that_can_be_written_stands_for_all() -> None:
    rows = [play(movie(1, "tt1"), OLD), play(movie(imdb="tt1"), NEW)]
    made = plan_plays(rows, [], undated=TARGET)
    assert said(made) == {OLD: "target only_at_source", NEW: "skip covered_by_newest"}


def test_what_was_marked_a_moment_ago_waits_whichever_play_it_was() -> None:
    made = plan_plays([OLD, NEW], [], undated=TARGET, settling=frozenset({key(MID)}))
    assert said(made) == dict.fromkeys((OLD, NEW), "skip written_a_moment_ago")


@pytest.mark.parametrize("side", list(Side))
def test_what_we_have_unmarked_is_marked_once_more_when_its_play_is_back(side: Side) -> None:
    rows = {side: [NOW], side.other: [NOW + MINUTE]}
    taken = {(side, key(NOW)): play(movie(1), NOW)}
    made = plan_plays(rows[SOURCE], rows[TARGET], undated=side, taken=taken)
    (change,) = made.changes
    assert (change.side, change.rule) == (side, f"only_at_{side.other}")
    assert (change.key, change.entry) == (key(NOW + MINUTE), play(movie(1), NOW + MINUTE))
    watched = {side: [movie(1)]}
    assert not plan_plays(rows[SOURCE], rows[TARGET], undated=side, taken=taken, watched=watched).changes
    assert not plan_plays(rows[SOURCE], rows[TARGET], undated=side).changes


@pytest.mark.parametrize(
    ("direction", "baseline", "ours", "shown", "expected"),
    [
        (TWO, {}, True, NEW, {OLD: "skip our_own_mark"}),
        (TWO, {}, False, NEW, {OLD: "target only_at_source"}),
        (TWO, {}, True, MID, {MID: "target only_at_source"}),
        (TWO, {OLD: AT_TARGET}, True, NEW, {OLD: "skip removals_off"}),
        (ONE, {OLD: AT_TARGET}, True, NEW, {OLD: "target missing_at_target"}),
    ],
)
def test_our_own_mark_is_no_news(
    direction: Direction,
    baseline: dict[int | None, Missing],
    ours: bool,
    shown: int,
    expected: dict[int, str],
) -> None:
    marks = {SOURCE: {M1: (Mark(M1, OLD, since=NEW, until=NEW, ours=ours),)}}
    made = plan_plays([shown], [], baseline, direction=direction, undated=SOURCE, marks=marks)
    assert said(made) == expected


def test_a_play_without_a_date_is_no_mark_of_ours() -> None:
    marks = {SOURCE: {M1: (Mark(M1, OLD, since=NEW, until=NEW),)}}
    assert said(plan_plays([None], [], undated=SOURCE, marks=marks)) == {None: "target only_at_source"}


def test_of_two_marks_the_nearer_one_made_the_play() -> None:
    marks = (Mark(M1, OLD, since=NEW - 50, until=NEW - 50), Mark(M1, MID, since=NEW + 9, until=NEW + 9))
    made = plan_plays([NEW], [], undated=SOURCE, marks={SOURCE: {M1: marks}})
    assert said(made) == {MID: "skip our_own_mark"}


def test_a_mark_of_that_very_second_is_nearer_than_one_of_the_second_before() -> None:
    marks = (Mark(M1, OLD, since=NEW - 9, until=NEW - 1), Mark(M1, MID, since=NEW, until=NEW))
    made = plan_plays([NEW], [], undated=SOURCE, marks={SOURCE: {M1: marks}})
    assert said(made) == {MID: "skip our_own_mark"}


@pytest.mark.parametrize(("one", "other"), [(OLD, MID), (None, MID), (None, 1)])
@pytest.mark.parametrize("turned", [False, True])
def test_of_marks_of_one_moment_the_older_play_counts_in_whatever_order(
    one: int | None, other: int, turned: bool
) -> None:
    marks = [Mark(M1, at, since=NEW, until=NEW) for at in (one, other)]
    made = plan_plays(
        [NEW], [], undated=SOURCE, marks={SOURCE: {M1: tuple(marks[::-1] if turned else marks)}}
    )
    assert said(made) == {one: "skip our_own_mark"}


def test_the_event_behind_our_own_mark_is_remembered() -> None:
    marks = {SOURCE: {M1: (Mark(M1, OLD, since=NEW, until=NEW),)}}
    event = Play(item=movie(1), watched_at=NEW, remote_id="7")
    made = plan_plays([event], [OLD], undated=SOURCE, marks=marks)
    assert made.logs == {key(OLD): LogIds(source="7")}


# --- what has left the log ------------------------------------------------------------------------


def gone_from_log(events: frozenset[str] = frozenset(), **more: Any) -> Plan:
    """Plan a play of the target whose event stood in the log of the source."""
    return plan_plays(
        [],
        [OLD],
        {OLD: AT_SOURCE, NEW: Missing(1, 1)},
        undated=SOURCE,
        logs={key(OLD): LogIds("7", None)},
        events={SOURCE: events},
        watched={SOURCE: [movie(1)]},
        settings=REMOVALS,
        **more,
    )


def test_an_event_that_went_with_its_item_takes_no_play_away() -> None:
    assert said(gone_from_log()) == {OLD: "target removed_at_source"}
    assert said(gone_from_log(has_place={SOURCE: lambda _item: False})) == {OLD: "agreed"}


def test_an_event_that_has_lost_its_ids_is_still_held() -> None:
    assert gone_from_log(frozenset({"7"})).kept == {SOURCE: 1, TARGET: 1}


def unwatch(plays: Sequence[int | None], known: Mapping[Any, Missing], **more: Any) -> Plan:
    """Plan what the target has no play of any more, and the source counts as watched."""
    return plan_plays(
        plays, [], known, undated=SOURCE, **{"watched": {SOURCE: [movie(1)]}, "settings": REMOVALS, **more}
    )


def test_the_newest_play_stands_for_all_that_are_unwatched() -> None:
    made = unwatch([OLD, None], {OLD: AT_TARGET, None: AT_TARGET})
    assert said(made) == {OLD: "source removed_at_target", None: "skip covered_by_newest"}
    made = unwatch([OLD, NEW], {OLD: AT_TARGET, NEW: AT_TARGET}, settings=PairSettings())
    assert said(made) == dict.fromkeys((OLD, NEW), "skip removals_off")


def test_what_only_counts_as_watched_stands_beside_plays_of_any_date() -> None:
    made = unwatch([None], {OLD: AT_TARGET, None: AT_TARGET})
    assert said(made) == {OLD: "source removed_at_target", None: "skip covered_by_newest"}
    made = unwatch([OLD], {OLD: AT_TARGET, NEW: AT_TARGET})
    assert said(made) == {OLD: "skip covered_by_newest", NEW: "source removed_at_target"}
    made = unwatch([NEW], {OLD: AT_TARGET, NEW: AT_TARGET})
    assert said(made) == {OLD: "skip covered_by_newest", NEW: "source removed_at_target"}
