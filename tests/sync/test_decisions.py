"""What a person has said about a change: what else it is about, when it is over, and how it is kept."""

from collections.abc import Mapping
import sqlite3
from typing import Any

import pytest

from custom_components.crosswatch.sync import decisions as table
from custom_components.crosswatch.sync.decisions import Decided, Decision, fingerprint
from custom_components.crosswatch.sync.models import Feature, Missing, Plan, Side, Values

from .fakes import NOW, listed, movie, play, rated
from .lab import in_memory
from .planning import M1, MINUTE, P1, R1, removal_plan, told
from .test_plan_removals import AT_SOURCE, AT_TARGET, SOURCE, TARGET, THERE

SCOPES = {SOURCE: "a", TARGET: "b"}


def said(print_: str | None, key: str, **more: Any) -> Decision:
    """A change at the target that was undone."""
    return Decision(**{"side": TARGET, "key": key, "kind": Decided.UNDONE, "fingerprint": print_, **more})


def about(decision: Decision, *, elsewhere: bool = False) -> dict[str, Any]:
    """What a planner knows of a decision."""
    place = (decision.side, decision.key)
    return {"decisions": {place: decision}, "elsewhere": frozenset([place] if elsewhere else [])}


# --- what it is about -----------------------------------------------------------------------------


def rate(source: int | None, target: int | None, print_: str, **more: Any) -> Plan:
    """Plan one rating of the source, with a decision about it."""
    here, there = ([] if tenths is None else [rated(movie(1), tenths)] for tenths in (source, target))
    values = {R1: Values(80, 80)} if target is not None else {}
    known = {R1: THERE} if target is not None else {}
    return removal_plan(Feature.RATINGS, here, there, known, values=values, **about(said(print_, R1), **more))


def test_a_value_that_is_out_of_sight_is_not_set_as_a_new_one() -> None:
    assert told(rate(90, None, "update 90 80", elsewhere=True)) == {R1: "skip undone"}


def test_a_value_that_is_gone_from_where_it_was_put_back_has_changed() -> None:
    made = rate(90, None, "update 90 80")
    assert told(made) == {R1: "target only_at_source"}
    assert made.decided == {(TARGET, R1): None}


def test_out_of_sight_another_kind_of_change_is_another_change() -> None:
    assert told(rate(90, None, "remove  80", elsewhere=True)) == {R1: "target only_at_source"}


def test_out_of_sight_another_value_is_another_change() -> None:
    assert told(rate(95, 80, "update 90 80", elsewhere=True)) == {R1: "target changed_at_source"}


def test_a_removal_is_about_the_value_that_goes() -> None:
    for tenths, expected in ((80, "skip undone"), (70, "target removed_at_source")):
        made = removal_plan(
            Feature.RATINGS,
            [],
            [rated(movie(1), tenths)],
            {R1: AT_SOURCE},
            values={R1: Values(tenths, tenths)},
            **about(said("remove  80", R1)),
        )
        assert told(made) == {R1: expected}


@pytest.mark.parametrize("print_", [None, "remove", f"remove  {NOW}"])
@pytest.mark.parametrize(
    ("apart", "rule"), [(15 * MINUTE, "skip undone"), (15 * MINUTE + 1, "target removed_at_source")]
)
def test_a_decision_about_a_play_holds_when_its_time_moves_a_little(
    print_: str | None, apart: int, rule: str
) -> None:
    decision = said(print_, f"{M1}@{NOW - apart}")
    made = removal_plan(Feature.HISTORY, [], [play(movie(1), NOW)], {P1: AT_SOURCE}, **about(decision))
    assert told(made) == {P1: rule}


def test_a_play_that_was_not_to_be_added_may_be_taken_away() -> None:
    made = removal_plan(Feature.HISTORY, [], [play(movie(1), NOW)], {P1: AT_SOURCE}, **about(said("add", P1)))
    assert told(made) == {P1: "target removed_at_source"}


def test_a_decision_about_one_side_says_nothing_of_a_play_near_it_on_the_other() -> None:
    decision = said("remove", f"{M1}@{NOW - MINUTE}", side=SOURCE)
    made = removal_plan(Feature.HISTORY, [], [play(movie(1), NOW)], {P1: AT_SOURCE}, **about(decision))
    assert told(made) == {P1: "target removed_at_source"}


# --- when it is over ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "print_", "over"),
    [
        (80, 90, "update 80 90", False),
        (90, 80, "update 80 90", True),
        (80, 80, "update 80 90", True),
        (80, 90, "update 80 70", True),
    ],
)
def test_values_that_a_person_keeps_apart_stay_so_as_long_as_neither_changes(
    source: int, target: int, print_: str, over: bool
) -> None:
    made = removal_plan(
        Feature.RATINGS,
        [rated(movie(1), source)],
        [rated(movie(1), target)],
        {R1: THERE},
        values={R1: Values(source, target)},
        **about(said(print_, R1)),
    )
    assert told(made) == {R1: "agreed"}
    assert made.decided == ({(TARGET, R1): None} if over else {})


def test_a_play_that_both_sides_have_again_has_no_value_to_keep_apart() -> None:
    plays = [play(movie(1), NOW)]
    made = removal_plan(Feature.HISTORY, plays, plays, {}, **about(said("add", P1)))
    assert made.decided == {(TARGET, P1): None}


@pytest.mark.parametrize("missed", [0, NOW - 3600])
def test_what_is_out_of_sight_is_not_nowhere(missed: int) -> None:
    decision = said("add", M1, missed=missed)
    made = removal_plan(Feature.WATCHLIST, [], [], {}, **about(decision, elsewhere=True))
    assert made.decided == {}


def test_a_play_whose_time_has_moved_is_not_nowhere() -> None:
    decision = said("add", f"{M1}@{NOW - MINUTE}")
    made = removal_plan(Feature.HISTORY, [play(movie(1), NOW)], [], {}, **about(decision))
    assert (told(made), made.decided) == ({P1: "skip undone"}, {})


@pytest.mark.parametrize("missing", [THERE, AT_SOURCE, AT_TARGET])
def test_what_is_in_the_baseline_is_not_nowhere(missing: Missing) -> None:
    made = removal_plan(Feature.WATCHLIST, [], [], {M1: missing}, **about(said("add", M1, missed=NOW - 3600)))
    assert made.decided == {(TARGET, M1): 0}


def test_decisions_that_end_are_told_in_order() -> None:
    keys = [f"movie:tmdb:{number}" for number in range(9, 0, -1)]
    many = {(side, key): said("add", key, side=side) for key in keys for side in (TARGET, SOURCE)}
    made = removal_plan(Feature.WATCHLIST, [], [], {}, decisions=many)
    assert list(made.decided) == [(side, key) for side in (SOURCE, TARGET) for key in reversed(keys)]


# --- the table ------------------------------------------------------------------------------------


def database(scopes: Mapping[Side, str] = SCOPES) -> sqlite3.Connection:
    """A state file in memory, of a pair whose sides were read once."""
    db = in_memory()
    for side, scope in scopes.items():
        for feature in (Feature.WATCHLIST, Feature.RATINGS):
            db.execute(
                "INSERT INTO scope (pair, feature, side, hash) VALUES ('P', ?, ?, ?)", (feature, side, scope)
            )
    return db


def decide(db: sqlite3.Connection, *decisions: Decision, pair: str = "P", at: int = NOW) -> None:
    """Remember decisions about the watchlist."""
    table.decide(db, pair, Feature.WATCHLIST, decisions, run="R", now=at)


def kept(db: sqlite3.Connection, pair: str = "P") -> list[tuple[Side, str, str | None, int]]:
    """What is remembered of the watchlist."""
    return [(d.side, d.key, d.fingerprint, d.missed) for d in table.load(db, pair, Feature.WATCHLIST)]


def test_the_oldest_decision_comes_first_and_the_last_one_about_an_item_counts() -> None:
    db = database()
    decide(db, said("add", "b"), said(None, "a"), said("remove", "a", side=SOURCE))
    decide(db, said("add", "c"), at=NOW - 1)
    assert kept(db) == [
        (TARGET, "c", "add", 0),
        (SOURCE, "a", "remove", 0),
        (TARGET, "a", None, 0),
        (TARGET, "b", "add", 0),
    ]
    decide(db, said("remove", "c", kind=Decided.REJECTED), at=NOW + 1)
    assert kept(db)[-1] == (TARGET, "c", "remove", 0)
    assert table.load(db, "P", Feature.WATCHLIST)[-1].kind is Decided.REJECTED
    assert kept(db, "another pair") == []


def test_a_decision_holds_for_what_the_sides_were_read_through() -> None:
    db = database()
    decide(db, said("add", "a"))
    (decision,) = table.load(db, "P", Feature.WATCHLIST)
    assert decision.scope == "a b"
    assert not decision.is_elsewhere({TARGET: "b", SOURCE: "a"})
    assert decision.is_elsewhere({SOURCE: "a", TARGET: "c"})
    assert decision.is_elsewhere({SOURCE: "b", TARGET: "a"})


def test_where_nobody_knows_what_the_sides_were_read_through_it_holds_for_all() -> None:
    db = database({})
    decide(db, said("add", "a"))
    (decision,) = table.load(db, "P", Feature.WATCHLIST)
    assert not decision.is_elsewhere(SCOPES)


def test_how_long_an_item_is_nowhere_is_noted_until_the_decision_is_over() -> None:
    db = database()
    decide(db, said("add", "a"), said("add", "b"), said("add", "a", side=SOURCE))
    decide(db, said("add", "a"), pair="Q")
    table.follow(db, "P", Feature.WATCHLIST, {(TARGET, "a"): NOW, (TARGET, "b"): None})
    assert kept(db) == [(SOURCE, "a", "add", 0), (TARGET, "a", "add", NOW)]
    assert kept(db, "Q") == [(TARGET, "a", "add", 0)]


def test_a_change_is_known_by_what_it_does() -> None:
    made = removal_plan(
        Feature.RATINGS,
        [rated(movie(1), 90), rated(movie(2), 70)],
        [rated(movie(1), 80), rated(movie(3), 60)],
        {R1: THERE, "movie:tmdb:3#rating:overall": AT_SOURCE},
        values={R1: Values(80, 80), "movie:tmdb:3#rating:overall": Values(60, 60)},
    )
    assert sorted(fingerprint(change) for change in made.changes) == ["add 70", "remove  60", "update 90 80"]
    lists = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [], {})
    assert [fingerprint(change) for change in lists.changes] == ["add"]
