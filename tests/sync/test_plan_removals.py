"""The rows of the truth tables in which removals travel, and the switches that say what does."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.sync.decisions import Decided, Decision
from custom_components.crosswatch.sync.identity import play_key
from custom_components.crosswatch.sync.models import (
    APART,
    MARKED,
    Action,
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    LogIds,
    Missing,
    Plan,
    Play,
    Side,
    Values,
)
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.values import is_same_act

from .fakes import HOUR, NOW, episode, listed, movie, play, rated, stopped
from .planning import FULL, M1, MINUTE, P1, R1, UNDATED, removal_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
SOURCE, TARGET = Side.SOURCE, Side.TARGET
THERE, AT_SOURCE, AT_TARGET = Missing(), Missing(1, 0, NOW - HOUR), Missing(0, 1, 0, NOW - HOUR)


def row(remote_id: str | None) -> Play:
    """A play under an id."""
    return replace(play(movie(1), NOW), remote_id=remote_id)


# --- all features ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held_at", "missing", "one_way", "two_way"),
    [
        (SOURCE, THERE, "skip missing_at_target_once", "skip missing_at_target_once"),
        (SOURCE, AT_TARGET, "target missing_at_target", "source removed_at_target"),
        (SOURCE, None, "target only_at_source", "target only_at_source"),
        (TARGET, THERE, "skip missing_at_source_once", "skip missing_at_source_once"),
        (TARGET, AT_SOURCE, "target removed_at_source", "target removed_at_source"),
        (TARGET, None, None, "source only_at_target"),
    ],
)
@pytest.mark.parametrize(
    ("feature", "key", "entry"),
    [
        (Feature.WATCHLIST, M1, listed(movie(1))),
        (Feature.HISTORY, P1, play(movie(1), NOW)),
        (Feature.RATINGS, R1, rated(movie(1), 80)),
    ],
)
def test_what_was_agreed_and_is_gone_from_one_side(
    feature: Feature,
    key: str,
    entry: Entry,
    held_at: Side,
    missing: Missing | None,
    one_way: str | None,
    two_way: str | None,
) -> None:
    rows = ([entry], []) if held_at is SOURCE else ([], [entry])
    baseline = {} if missing is None else {key: missing}
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        values = {key: Values(80, 80)} if feature is Feature.RATINGS else {}
        made = removal_plan(feature, *rows, baseline, direction=direction, values=values)
        assert told(made).get(key) == expected
        for change in made.changes:
            removal = change.rule.startswith("removed_at_")
            assert (change.action is Action.REMOVE) is removal
            assert change.before == (entry if removal else None)
            assert change.entry == entry
        assert made.standing == (
            ((held_at, key),)
            if (missing and direction is TWO) or ("source" in (expected or "") and missing)
            else ()
        )


def test_what_is_watched_under_ambiguous_ids_hides_no_position() -> None:
    watched = [movie(2, "tt1"), movie(3, "tt1"), movie(imdb="tt1")]
    made = removal_plan(Feature.PROGRESS, [stopped(movie(1), 600)], [], {}, watched={TARGET: watched})
    assert told(made) == {M1: "target only_at_source"}


def test_positions_are_never_cleared() -> None:
    made = removal_plan(
        Feature.PROGRESS, [stopped(movie(1), 600)], [], {M1: Missing(target=2)}, values={M1: Values(1, 1)}
    )
    assert not [c for c in made.changes if c.action is Action.REMOVE]
    made = removal_plan(
        Feature.PROGRESS,
        [stopped(movie(1), 600)],
        [],
        {M1: Missing(target=2)},
        values={M1: Values(600_000, 600_000)},
    )
    assert told(made) == {M1: "skip gone_at_target"}


@pytest.mark.parametrize(
    ("settings", "source", "target", "expected"),
    [
        (PairSettings(), FULL, FULL, "removals_off"),
        (PairSettings(removals=frozenset({Feature.RATINGS})), FULL, FULL, "removals_off"),
        (
            PairSettings(removals=frozenset(Feature)),
            replace(FULL, remove=False),
            FULL,
            "removal_unsupported",
        ),
        (
            PairSettings(removals=frozenset(Feature)),
            FULL,
            replace(FULL, absence_is_removal=False),
            "absence_proves_nothing",
        ),
    ],
)
def test_a_removal_that_may_not_travel_is_told(
    settings: PairSettings, source: Capability, target: Capability, expected: str
) -> None:
    made = removal_plan(
        Feature.WATCHLIST,
        [listed(movie(1))],
        [],
        {M1: AT_TARGET},
        settings=settings,
        able=(source, target),
    )
    assert told(made) == {M1: f"skip {expected}"}
    assert made.missing == {M1: replace(AT_TARGET, target=2)}, "nothing is forgotten"
    assert (made.standing, made.agreed) == ((), ())
    assert [row.side for row in made.skipped] == [SOURCE]


def test_additions_and_updates_may_stay_at_home() -> None:
    settings = PairSettings(adds=frozenset({Feature.WATCHLIST}))
    rows = [rated(movie(1), 80), rated(movie(2), 80)]
    other = [rated(movie(1), 90, NOW - HOUR)]
    made = removal_plan(Feature.RATINGS, rows, other, {}, settings=settings)
    assert set(told(made).values()) == {"skip adds_off"}
    assert made.agreed == ()
    made = removal_plan(Feature.RATINGS, rows, [], {R1: THERE}, settings=settings, direction=ONE)
    assert told(made)[R1] == "skip adds_off", "nothing will be written: nothing to wait for"
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [], {}, settings=settings)
    assert told(made) == {M1: "target only_at_source"}


def test_what_stays_at_home_is_not_unresolved() -> None:
    settings = PairSettings(adds=frozenset())
    rows = [listed(movie(imdb="tt5")), listed(Item(kind=Kind.MOVIE, title="Lost"))]
    made = removal_plan(Feature.WATCHLIST, rows, [], {}, settings=settings)
    assert set(told(made).values()) == {"skip adds_off"}
    assert not made.unresolved


def test_kinds_of_ratings_may_be_left_out() -> None:
    settings = PairSettings(removals=frozenset(Feature), rating_kinds=frozenset({Kind.MOVIE}))
    show = Item(kind=Kind.SHOW, ids=Ids(tmdb=7))
    gone = "show:tmdb:7#rating:overall"
    made = removal_plan(
        Feature.RATINGS,
        [rated(movie(1), 80), rated(episode(5, 1, 1), 80), rated(show, 80)],
        [],
        {gone: AT_TARGET},
        values={gone: Values(80, 80)},
        settings=settings,
    )
    assert told(made) == {
        R1: "target only_at_source",
        "episode:tmdb:5:s01e01#rating:overall": "skip kind_left_out",
        gone: "skip kind_left_out",
    }
    both = [rated(show, 80)]
    assert told(removal_plan(Feature.RATINGS, both, both, {}, settings=settings)) == {gone: "agreed"}


def test_what_rests_or_settles_is_not_taken_away() -> None:
    rows = [listed(movie(n)) for n in (1, 2, 3)]
    made = removal_plan(
        Feature.WATCHLIST,
        rows,
        [],
        {f"movie:tmdb:{n}": AT_TARGET for n in (1, 2, 3)},
        frozen={M1: "http:400"},
        settling=frozenset({"movie:tmdb:2"}),
        fresh=frozenset({"movie:tmdb:3"}),
    )
    assert told(made) == {
        M1: "source unresolved http:400",
        "movie:tmdb:2": "skip written_a_moment_ago",
        "movie:tmdb:3": "skip written_a_moment_ago",
    }
    assert len(made.standing) == 3, "all of it is still due"
    again = removal_plan(
        Feature.WATCHLIST,
        rows,
        [],
        {"movie:tmdb:3": AT_TARGET},
        direction=ONE,
        fresh=frozenset({"movie:tmdb:3"}),
    )
    assert told(again)["movie:tmdb:3"] == "target missing_at_target"


@pytest.mark.parametrize("apart", [15 * MINUTE, 15 * MINUTE + 1])
def test_a_play_written_at_nearly_that_time_is_fresh_too(apart: int) -> None:
    made = removal_plan(
        Feature.HISTORY,
        [play(movie(1), NOW)],
        [],
        {P1: AT_TARGET},
        fresh=frozenset({f"{M1}@{NOW - apart}"}),
    )
    assert bool(made.changes) is (apart > 15 * MINUTE)


def test_what_another_side_may_still_hold_under_ambiguous_ids_is_not_taken_away() -> None:
    source = [listed(movie(2, "tt1")), listed(movie(imdb="tt1"))]
    target = [listed(movie(1, "tt1")), listed(movie(2, "tt1")), listed(movie(3))]
    known = dict.fromkeys((M1, "movie:tmdb:2", "movie:tmdb:3"), AT_SOURCE)
    made = removal_plan(Feature.WATCHLIST, source, target, known, direction=ONE)
    said = told(made)
    assert said[M1] == "target unresolved ambiguous"
    assert said["movie:tmdb:3"] == "target removed_at_source"


def test_what_a_side_may_hold_already_under_ambiguous_ids_is_not_added() -> None:
    target = [listed(movie(2, "tt1")), listed(movie(imdb="tt1"))]
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1, "tt1")), listed(movie(3, "tt3"))], target, {})
    assert told(made)[M1] == "target unresolved ambiguous"
    assert told(made)["movie:tmdb:3"] == "target only_at_source"


def test_what_we_have_taken_away_is_new_where_it_is_shown_again() -> None:
    for side in Side:
        rows = {side: [listed(movie(1))], side.other: []}
        taken = {(side.other, M1): listed(movie(1))}
        missing = {M1: AT_TARGET if side is SOURCE else AT_SOURCE}
        made = removal_plan(Feature.WATCHLIST, rows[SOURCE], rows[TARGET], missing, taken=taken)
        assert told(made) == {M1: f"{side.other} only_at_{side}"}
        assert made.gone == (M1,)
        made = removal_plan(Feature.WATCHLIST, rows[SOURCE], rows[TARGET], missing)
        assert told(made) == {M1: f"{side} removed_at_{side.other}"}


@pytest.mark.parametrize(("day", "anew"), [(NOW, False), (NOW - 1, True)])
def test_what_we_tried_to_take_away_is_told_from_what_is_new_by_its_day(day: int, anew: bool) -> None:
    """Both sides were found without it in one look, and that one does not tell since when it is listed."""
    shown = replace(listed(movie(1)), listed_at=NOW)
    gone = {(SOURCE, M1): replace(shown, listed_at=day)}
    missing = {M1: Missing(1, 1, NOW - 60, NOW - 60)}
    made = removal_plan(Feature.WATCHLIST, [shown], [], missing, taken=gone)
    assert told(made) == {M1: "skip missing_at_target_once"}
    assert bool(made.missing.get(M1, missing[M1]).source) is anew


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (replace(listed(movie(1)), listed_at=NOW), replace(listed(movie(1)), listed_at=NOW), True),
        (replace(listed(movie(1)), listed_at=NOW), replace(listed(movie(1)), listed_at=NOW + 1), False),
        (listed(movie(1)), replace(listed(movie(1)), listed_at=NOW), None),
        (replace(listed(movie(1)), listed_at=NOW), listed(movie(1)), None),
        (rated(movie(1), 80), rated(movie(1), 80), True),
        (rated(movie(1), 80), rated(movie(1), 90), False),
        (rated(movie(1), 80), rated(movie(1), 80, NOW + 1), False),
        (rated(movie(1), 80, None), rated(movie(1), 80, None), None),
        (row("a"), row("a"), True),
        (row("a"), row("b"), False),
        (row(None), row("b"), None),
        (row("a"), row(None), None),
        # the watched state of an item says less than its log
        (row("marked:1"), row("marked:1"), True),
        (row("marked:1"), row("b"), None),
        (row("a"), row("marked:1"), None),
    ],
)
def test_whether_two_entries_are_one_act(one: Entry, other: Entry, same: bool | None) -> None:
    assert is_same_act(one, other) is same


@pytest.mark.parametrize(("taken", "expected"), [("a", "removed_at_target"), ("c", "only_at_source")])
def test_of_several_rows_of_one_time_the_one_we_tried_to_take_away_tells(taken: str, expected: str) -> None:
    key = play_key(M1, NOW)
    rows = [row(each) for each in "ab"]
    gone = {(SOURCE, key): row(taken)}
    made = removal_plan(
        Feature.HISTORY, rows, [], {key: Missing(source=1, target=2, source_since=NOW - 60)}, taken=gone
    )
    assert {change.rule for change in made.changes} == {expected}
    assert made.missing.get(key) == (Missing(target=2) if taken == "a" else None)
    assert made.gone == (() if taken == "a" else (key,))


@pytest.mark.parametrize(
    ("at", "expected"), [(NOW, "source removed_at_target"), (None, "target only_at_source")]
)
def test_a_play_that_both_missed_is_the_same_one_by_its_date(at: int | None, expected: str) -> None:
    key = play_key(M1, at)
    made = removal_plan(Feature.HISTORY, [play(movie(1), at)], [], {key: Missing(1, 1)})
    assert told(made) == {key: expected}


def test_a_plan_that_believes_waits_for_nothing() -> None:
    for direction, expected in ((ONE, "target missing_at_target"), (TWO, "source removed_at_target")):
        made = removal_plan(
            Feature.WATCHLIST, [listed(movie(1))], [], {M1: THERE}, direction=direction, believing=True
        )
        assert told(made) == {M1: expected}


# --- an edit beats a removal ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed_at", "agreed", "one_way", "two_way"),
    [
        (200, Values(100, 100), "target listed_again_at_source", "target listed_again_at_source"),
        (100, Values(100, 100), "target missing_at_target", "source removed_at_target"),
        (200, Values(0, 100), "target missing_at_target", "source removed_at_target"),
        (None, Values(100, 100), "target missing_at_target", "source removed_at_target"),
        (200, None, "target missing_at_target", "source removed_at_target"),
        (2, Values(1, 1), "target listed_again_at_source", "target listed_again_at_source"),
    ],
)
def test_what_was_listed_again_stays(
    listed_at: int | None, agreed: Values | None, one_way: str, two_way: str
) -> None:
    entry = replace(listed(movie(1)), listed_at=listed_at)
    values = {} if agreed is None else {M1: agreed}
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = removal_plan(
            Feature.WATCHLIST, [entry], [], {M1: AT_TARGET}, values=values, direction=direction
        )
        assert told(made) == {M1: expected}


@pytest.mark.parametrize(
    ("listed_at", "day", "together", "expected"),
    [
        # as it was agreed: it was hidden
        (100, 100, True, "source removed_at_target"),
        (99, 100, True, "source removed_at_target"),
        # on another day: listed anew
        (101, 100, False, "target only_at_source"),
        # nobody knows: anew if both sides missed it in one run
        (None, 100, True, "target only_at_source"),
        (None, 100, False, "source removed_at_target"),
        (100, 0, True, "target only_at_source"),
        (100, 0, False, "source removed_at_target"),
        (100, None, True, "target only_at_source"),
        (100, None, False, "source removed_at_target"),
    ],
)
def test_what_one_side_lists_once_more(
    listed_at: int | None, day: int | None, together: bool, expected: str
) -> None:
    made = removal_plan(
        Feature.WATCHLIST,
        [replace(listed(movie(1)), listed_at=listed_at)],
        [],
        {M1: Missing(1, 1, source_since=NOW - HOUR, target_since=NOW - (1 if together else 2) * HOUR)},
        values={} if day is None else {M1: Values(day, 0)},
    )
    assert told(made) == {M1: expected}


def test_what_was_listed_again_at_the_target_of_a_one_way_pair_is_its_own() -> None:
    entry = replace(listed(movie(1)), listed_at=200)
    values = {M1: Values(100, 100)}
    made = removal_plan(Feature.WATCHLIST, [], [entry], {M1: AT_SOURCE}, values=values, direction=ONE)
    assert told(made) == {M1: "skip listed_again_at_target"}
    for missing, expected in (
        (THERE, "skip missing_at_source_once"),
        (AT_SOURCE, "source listed_again_at_target"),
    ):
        made = removal_plan(Feature.WATCHLIST, [], [entry], {M1: missing}, values=values)
        assert told(made) == {M1: expected}


def test_when_both_list_it_the_days_are_remembered() -> None:
    here, there = (replace(listed(movie(1)), listed_at=at) for at in (100, None))
    made = removal_plan(Feature.WATCHLIST, [here], [there], {M1: THERE})
    assert made.values == {M1: Values(100, 0)}
    made = removal_plan(Feature.WATCHLIST, [here], [there], {M1: THERE}, values=dict(made.values))
    assert made.values == {}


@pytest.mark.parametrize(
    ("tenths", "values", "one_way", "two_way"),
    [
        (80, Values(80, 80), "target removed_at_source", "target removed_at_source"),
        (90, Values(80, 80), "skip changed_at_target", "source changed_at_target"),
        (80, None, "skip absence_proves_nothing", "skip absence_proves_nothing"),
    ],
)
def test_what_was_rated_anew_stays(tenths: int, values: Values | None, one_way: str, two_way: str) -> None:
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = removal_plan(
            Feature.RATINGS,
            [],
            [rated(movie(1), tenths)],
            {R1: AT_SOURCE},
            values={} if values is None else {R1: values},
            direction=direction,
        )
        assert told(made) == {R1: expected}


@pytest.mark.parametrize(
    ("there", "expected"), [(True, "target removed_at_source"), (False, "skip absence_proves_nothing")]
)
def test_a_rating_that_went_with_its_item_was_not_taken_back(there: bool, expected: str) -> None:
    for direction in (ONE, TWO):
        made = removal_plan(
            Feature.RATINGS,
            [],
            [rated(movie(1), 80)],
            {R1: AT_SOURCE},
            values={R1: Values(80, 80)},
            has_place={SOURCE: lambda item: there and item == movie(1), TARGET: lambda _item: False},
            direction=direction,
        )
        assert told(made) == {R1: expected}
        if not there:
            assert made.missing == {R1: THERE}, "such an absence is not counted"
            assert made.lost[SOURCE] == ()
        assert made.gone == (() if there else (R1,)), "nor does the value stay agreed"
    made = removal_plan(
        Feature.RATINGS,
        [rated(movie(1), 80)],
        [],
        {R1: AT_TARGET},
        values={R1: Values(80, 80)},
        has_place={SOURCE: lambda _item: not there, TARGET: lambda _item: there},
    )
    assert told(made) == {R1: expected.replace("target removed_at_source", "source removed_at_target")}


def test_where_nobody_knows_what_was_agreed_nothing_is_forgotten() -> None:
    nowhere = {SOURCE: lambda _item: False}
    made = removal_plan(Feature.RATINGS, [], [rated(movie(1), 80)], {R1: AT_SOURCE}, has_place=nowhere)
    assert (told(made), made.gone) == ({R1: "skip absence_proves_nothing"}, ())


# --- history --------------------------------------------------------------------------------------


def history(
    dated: Sequence[int],
    undated: Sequence[tuple[int, str | None]],
    baseline: dict[int, tuple[Missing, str | None]],
    *,
    direction: Direction = TWO,
    undated_side: Side = SOURCE,
    watched: bool = True,
    events: Sequence[str] = (),
    removals: bool = True,
) -> Plan:
    """Plan plays of one film; the keys of `baseline` are times, its values also ids in the log."""
    rows: dict[Side, list[Entry]] = {
        undated_side: [Play(item=movie(1), watched_at=at, remote_id=log) for at, log in undated],
        undated_side.other: [play(movie(1), at) for at in dated],
    }
    able = {undated_side: UNDATED, undated_side.other: FULL}
    logs = {
        f"{M1}@{at}": LogIds(**{str(undated_side): log})
        for at, (_, log) in baseline.items()
        if log is not None
    }
    return removal_plan(
        Feature.HISTORY,
        rows[SOURCE],
        rows[TARGET],
        {f"{M1}@{at}": missing for at, (missing, _) in baseline.items()},
        direction=direction,
        able=(able[SOURCE], able[TARGET]),
        watched={undated_side: [movie(1)] if watched else []},
        logs=logs,
        events={undated_side: frozenset(events)},
        settings=PairSettings(removals=frozenset(Feature) if removals else frozenset()),
    )


OLD, NEW = NOW - 30 * HOUR, NOW
KO, KN = f"{M1}@{OLD}", f"{M1}@{NEW}"


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("direction", [ONE, TWO])
@pytest.mark.parametrize(
    ("missing", "log", "events", "expected"),
    [
        # an event of the log has vanished: it was taken away, whatever counts as watched
        (THERE, "7", (), "skip missing_at_source_once"),
        (AT_SOURCE, "7", (), "target removed_at_source"),
        # the event is still there, only that its item has lost its ids
        (AT_SOURCE, "7", ("7",), "agreed"),
        # nothing but the watched state stood behind it, or nobody knows what did
        (AT_SOURCE, f"{MARKED}7", (), None),
        (AT_SOURCE, None, (), None),
    ],
)
def test_a_play_that_is_gone_from_the_log(
    missing: Missing,
    log: str | None,
    events: Sequence[str],
    expected: str | None,
    direction: Direction,
    watched: bool,
) -> None:
    made = history([NEW], [], {NEW: (missing, log)}, events=events, direction=direction, watched=watched)
    if expected is None and direction is TWO:
        expected = "agreed" if watched else "skip unwatched_at_source"
    assert told(made).get(KN) == expected


def test_with_removals_off_what_is_gone_from_the_log_is_watched_all_the_same() -> None:
    made = history([NEW], [], {NEW: (AT_SOURCE, "7")}, removals=False)
    assert told(made) == {KN: "agreed"}
    made = history([NEW], [], {NEW: (AT_SOURCE, "7")}, removals=False, direction=ONE)
    assert told(made) == {}


@pytest.mark.parametrize("direction", [ONE, TWO])
def test_a_second_record_of_what_the_source_still_has_stays(direction: Direction) -> None:
    # a wrong read that hid the first one had it agreed
    twice = [play(movie(1), NOW), play(movie(1), NOW + 1)]
    gone = {P1: THERE, f"{M1}@{NOW + 1}": Missing(source=2)}
    plan = removal_plan(Feature.HISTORY, twice[:1], twice, gone, direction=direction)
    assert plan.changes == ()


def test_one_of_several_plays_is_taken_away_where_plays_are_events() -> None:
    made = history([OLD, NEW], [(NEW, "8")], {OLD: (AT_SOURCE, "7"), NEW: (THERE, "8")}, events=("8",))
    assert told(made) == {KO: "target removed_at_source", KN: "agreed"}


def test_a_play_whose_item_has_lost_its_ids_is_known_by_its_event() -> None:
    lost = Play(item=Item(kind=Kind.MOVIE, title="Gone"), watched_at=NEW, remote_id="7")
    other = Play(item=Item(kind=Kind.MOVIE, title="Other"), watched_at=NEW, remote_id="8")
    made = removal_plan(
        Feature.HISTORY,
        [lost, other],
        [play(movie(1), NEW)],
        {KN: THERE},
        able=(UNDATED, FULL),
        logs={KN: LogIds(source="7")},
        events={SOURCE: frozenset({"7"})},
    )
    unknown = {f"unknown:movie:other@{NEW}": "target unresolved missing_tmdb_id"}
    assert told(made) == {KN: "agreed"} | unknown, "neither a removal nor unresolved"


def test_the_event_behind_a_play_is_remembered() -> None:
    made = history([NEW + 30], [(NEW, "7")], {}, events=("7",))
    assert made.logs == {KN: LogIds(source="7"), f"{M1}@{NEW + 30}": LogIds(source="7")}
    again = history([NEW], [(NEW, "7")], {NEW: (THERE, "7")}, events=("7",))
    assert again.logs == {}
    other = history([NEW], [(NEW, "9")], {NEW: (THERE, "7")}, events=("9",))
    assert other.logs == {KN: LogIds(source="9")}
    moved = history([NEW + 60], [], {NEW: (AT_SOURCE, "7")})
    assert moved.logs == {f"{M1}@{NEW + 60}": LogIds(source="7")}, "also under a time that has moved"


@pytest.mark.parametrize("direction", [ONE, TWO])
@pytest.mark.parametrize(
    ("dated", "undated", "baseline", "watched", "expected"),
    [
        # the only play is gone: unwatched, once that is certain
        ([], [(NEW, "7")], {NEW: (AT_SOURCE, "7")}, True, {KN: "target removed_at_source"}),
        ([], [(NEW, "7")], {NEW: (THERE, "7")}, True, {KN: "skip missing_at_source_once"}),
        # nothing but the watched state is left of it
        ([], [], {NEW: (AT_SOURCE, None)}, True, {KN: "target removed_at_source"}),
        ([], [], {NEW: (THERE, None)}, True, {KN: "skip missing_at_source_once"}),
        # the log stays when an item is marked unwatched
        ([], [(NEW, "7")], {NEW: (AT_SOURCE, "7")}, False, {KN: "skip unwatched_at_target"}),
        ([], [], {NEW: (AT_SOURCE, None)}, False, {}),
        # one of several
        (
            [NEW],
            [(OLD, "7"), (NEW, "8")],
            {OLD: (AT_SOURCE, "7"), NEW: (THERE, "8")},
            True,
            {KO: "skip other_plays_left", KN: "agreed"},
        ),
        # all of several
        (
            [],
            [(OLD, "7"), (NEW, "8")],
            {OLD: (AT_SOURCE, "7"), NEW: (AT_SOURCE, "8")},
            True,
            {KO: "skip covered_by_newest", KN: "target removed_at_source"},
        ),
        (
            [],
            [(OLD, "7"), (NEW, "8")],
            {OLD: (THERE, "7"), NEW: (AT_SOURCE, "8")},
            True,
            {KO: "skip covered_by_newest", KN: "skip missing_at_source_once"},
        ),
        (
            [],
            [(OLD, "7")],
            {OLD: (AT_SOURCE, "7"), NEW: (AT_SOURCE, None)},
            True,
            {KO: "skip covered_by_newest", KN: "target removed_at_source"},
        ),
        # a play of its own that was never agreed
        (
            [],
            [(OLD, "7"), (NEW, "8")],
            {OLD: (AT_SOURCE, "7")},
            True,
            {KO: "skip other_plays_left", KN: "source only_at_target"},
        ),
        # the other side has a newer one: that counts as watched
        ([NEW], [(OLD, "7")], {OLD: (AT_SOURCE, "7")}, True, {KO: "skip other_plays_left", KN: "agreed"}),
        # recorded twice
        (
            [],
            [(NEW, "7"), (NEW + 60, "8")],
            {NEW: (AT_SOURCE, "7")},
            True,
            {KN: "target removed_at_source", f"{M1}@{NEW + 60}": "skip covered_by_newest"},
        ),
    ],
)
def test_what_is_gone_from_the_other_side_of_one_that_dates_plays_itself(
    dated: list[int],
    undated: list[tuple[int, str | None]],
    baseline: dict[int, tuple[Missing, str | None]],
    watched: bool,
    expected: dict[str, str],
    direction: Direction,
) -> None:
    made = history(
        dated,
        undated,
        baseline,
        undated_side=TARGET,
        watched=watched,
        events=[log for _, log in undated if log],
        direction=direction,
    )
    said = told(made)
    if direction is ONE:
        # what is new at the target stays its own
        expected = {key: text for key, text in expected.items() if text != "source only_at_target"}
    assert said == expected
    assert len(made.changes) <= 1 + (direction is TWO)


def test_with_removals_off_nothing_is_unwatched() -> None:
    for direction in (ONE, TWO):
        made = history(
            [],
            [(NEW, "7")],
            {NEW: (AT_SOURCE, "7")},
            undated_side=TARGET,
            removals=False,
            direction=direction,
        )
        assert told(made) == {KN: "skip removals_off"}
        made = history([], [], {NEW: (THERE, None)}, undated_side=TARGET, removals=False, direction=direction)
        assert (told(made), list(made.missing)) == ({}, [KN])


def test_what_only_counts_as_watched_is_held_at_one_side() -> None:
    made = history([], [], {NEW: (THERE, None), OLD: (THERE, None)}, undated_side=TARGET)
    noted = Missing(source=1, source_since=NOW)
    assert made.missing == {KN: noted, KO: noted}
    assert made.lost[SOURCE] == (KO, KN)
    near = history([], [(NEW + 60, "7")], {NEW: (THERE, None), NEW + 60: (THERE, "7")}, undated_side=TARGET)
    assert near.missing[KN] == Missing(1, 1, NOW, NOW), "the other side's time of the same play"


def test_two_sides_that_date_plays_themselves() -> None:
    rows = [Play(item=movie(1), watched_at=NEW, remote_id="7")]
    for events, watched, expected in (
        ((), (), "target removed_at_source"),
        (("5",), (), "agreed"),
        ((), (movie(1),), "skip other_plays_left"),
    ):
        made = removal_plan(
            Feature.HISTORY,
            [],
            rows,
            {KN: AT_SOURCE},
            able=(UNDATED, UNDATED),
            logs={KN: LogIds("5", "7")},
            events={SOURCE: frozenset(events)},
            watched={TARGET: [movie(1)], SOURCE: list(watched)},
        )
        assert told(made) == {KN: expected}


# --- what a person has said -----------------------------------------------------------------------


def decided(kind: Decided = Decided.REJECTED, **more: Any) -> dict[tuple[Side, str], Decision]:
    """A decision about the removal of the first film from the target."""
    what: dict[str, Any] = {"side": TARGET, "key": M1, "fingerprint": "remove", **more}
    return {(what["side"], what["key"]): Decision(kind=kind, **what)}


@pytest.mark.parametrize("kind", list(Decided))
@pytest.mark.parametrize("missing", [THERE, AT_SOURCE])
def test_what_a_person_did_not_want_is_left_out(kind: Decided, missing: Missing) -> None:
    made = removal_plan(Feature.WATCHLIST, [], [listed(movie(1))], {M1: missing}, decisions=decided(kind))
    assert told(made) == {M1: f"skip {kind}"}
    assert made.decided == {}
    assert made.missing[M1].source, "it is gone all the same"


def test_a_decision_is_over_when_its_item_changes() -> None:
    said = decided()
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [listed(movie(1))], {}, decisions=said)
    assert made.decided == {(TARGET, M1): None}, "listed again"
    made = removal_plan(Feature.WATCHLIST, [], [], {M1: Missing(2, 1)}, decisions=said)
    assert (made.gone, made.decided) == ((M1,), {(TARGET, M1): None}), "gone from both"
    made = removal_plan(Feature.WATCHLIST, [], [], {M1: Missing(source=2)}, decisions=said)
    assert made.decided == {}, "one read that shows it nowhere is none that counts"
    update = decided(key=R1, fingerprint="update 90 80")
    rows = [rated(movie(1), 90)], [rated(movie(1), 80)]
    values = {R1: Values(80, 80)}
    made = removal_plan(Feature.RATINGS, *rows, {R1: THERE}, values=values, decisions=update)
    assert told(made) == {R1: "skip rejected"}
    rows = [rated(movie(1), 95)], [rated(movie(1), 80)]
    made = removal_plan(Feature.RATINGS, *rows, {R1: THERE}, values=values, decisions=update)
    assert told(made) == {R1: "target changed_at_source"}
    assert made.decided == {(TARGET, R1): None}


def test_a_decision_about_what_was_never_agreed_ends_when_it_is_nowhere_for_long() -> None:
    said = decided(fingerprint="add")
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [], {}, decisions=said)
    assert (told(made), made.decided) == ({M1: "skip rejected"}, {})
    made = removal_plan(Feature.WATCHLIST, [], [], {}, decisions=said)
    assert made.decided == {(TARGET, M1): NOW}
    for at, then in ((NOW - APART + 1, {}), (NOW + 1, {(TARGET, M1): NOW})):
        said = decided(fingerprint="add", missed=at)
        assert removal_plan(Feature.WATCHLIST, [], [], {}, decisions=said).decided == then
    once = decided(fingerprint="add", missed=NOW - APART)
    made = removal_plan(Feature.WATCHLIST, [], [], {}, decisions=once)
    assert made.decided == {(TARGET, M1): None}
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [], {}, decisions=once)
    assert made.decided == {(TARGET, M1): 0}, "there again"


def test_decisions_are_about_one_side() -> None:
    made = removal_plan(
        Feature.WATCHLIST, [], [listed(movie(1))], {M1: AT_SOURCE}, decisions=decided(side=SOURCE)
    )
    assert told(made) == {M1: "target removed_at_source"}


def test_rows_of_one_time_are_taken_away_together_and_others_by_their_ids() -> None:
    """An id would single one of them out, and what is left would look like a play added anew."""
    earlier = NOW - HOUR
    rows = [(NOW, "1"), (NOW, "2"), (earlier, "3")]
    made = removal_plan(
        Feature.HISTORY,
        [],
        [replace(play(movie(1), at), remote_id=row) for at, row in rows],
        dict.fromkeys((P1, play_key(M1, earlier)), AT_SOURCE),
    )
    assert {(c.key, c.action, c.entry.remote_id) for c in made.changes} == {
        (P1, Action.REMOVE, None),
        (play_key(M1, earlier), Action.REMOVE, "3"),
    }
    assert len(made.changes) == 2


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("taken", "event", "noted"),
    [
        # it may be hidden
        (False, "7", None),
        (True, "7", "marked:off"),
        (True, "marked:off", None),
    ],
)
def test_it_is_noted_when_nothing_but_the_log_is_left_of_a_play(
    side: Side, taken: bool, event: str, noted: str | None
) -> None:
    """Once, and only of what we have taken away there."""

    def logs(here: str) -> LogIds:
        return LogIds(here, "there") if side is SOURCE else LogIds("there", here)

    rows = [row("7")]
    made = removal_plan(
        Feature.HISTORY,
        rows if side is SOURCE else [],
        rows if side is TARGET else [],
        {P1: Missing(1, 1, NOW - HOUR, NOW - HOUR)},
        able=(UNDATED, FULL) if side is SOURCE else (FULL, UNDATED),
        logs={P1: logs(event)},
        taken={(side, P1): rows[0]} if taken else {},
    )
    assert told(made) == {P1: f"skip unwatched_at_{side}"}
    assert made.logs == ({} if noted is None else {P1: logs(noted)})


@pytest.mark.parametrize("side", Side)
def test_what_is_still_marked_is_not_noted_as_unwatched(side: Side) -> None:
    here, there = [row("7")], [play(movie(1), NOW - 24 * HOUR)]
    made = removal_plan(
        Feature.HISTORY,
        here if side is SOURCE else there,
        there if side is SOURCE else here,
        {P1: Missing(1, 1, NOW - HOUR, NOW - HOUR)},
        able=(UNDATED, FULL) if side is SOURCE else (FULL, UNDATED),
        watched={side: [movie(1)]},
        logs={P1: LogIds("7", "7")},
        taken={(side, P1): here[0]},
    )
    assert told(made)[P1] == "skip other_plays_left"
    assert made.logs == {}


@pytest.mark.parametrize(
    ("events", "newest", "watched", "expected"),
    [
        # marked again, by hand
        (("marked:off", "marked:off"), AT_SOURCE, True, ("skip other_plays_left", "skip other_plays_left")),
        # watched again, and that was deleted too
        (("marked:off", "8"), AT_SOURCE, True, ("skip covered_by_newest", "target removed_at_source")),
        # watched again, and never unwatched
        (("7", "8"), None, True, ("skip other_plays_left", "source only_at_target")),
        # of one of them nobody knows yet
        (("7", "8"), THERE, False, ("skip unwatched_at_target", "skip unwatched_at_target")),
    ],
)
def test_marked_again_after_it_was_unwatched(
    events: tuple[str, str], newest: Missing | None, watched: bool, expected: tuple[str, str]
) -> None:
    times = (NOW - 24 * HOUR, NOW)
    keys = [play_key(M1, at) for at in times]
    made = removal_plan(
        Feature.HISTORY,
        [],
        [play(movie(1), at) for at in times],
        {keys[0]: AT_SOURCE} if newest is None else {keys[0]: AT_SOURCE, keys[1]: newest},
        able=(FULL, UNDATED),
        watched={TARGET: [movie(1)] if watched else []},
        logs={key: LogIds(target=event) for key, event in zip(keys, events, strict=True)},
    )
    assert told(made) == dict(zip(keys, expected, strict=True))
    assert made.logs == {}


@pytest.mark.parametrize(
    ("missing", "taken", "stands"),
    [
        (THERE, True, True),
        (AT_TARGET, False, True),
        # seen without it since, or without it for certain
        (AT_TARGET, True, False),
        (Missing(target=2), False, False),
    ],
)
def test_what_a_mark_stands_for(missing: Missing, taken: bool, stands: bool) -> None:
    made = removal_plan(
        Feature.HISTORY,
        [],
        [],
        {P1: missing},
        able=(FULL, UNDATED),
        watched={TARGET: [movie(1)]},
        taken={(TARGET, P1): play(movie(1), NOW)} if taken else {},
    )
    assert told(made) == ({P1: "skip missing_at_source_once"} if stands else {})
