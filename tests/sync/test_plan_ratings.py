"""The truth table of ratings, row by row."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import (
    Action,
    Direction,
    Entry,
    Feature,
    Kind,
    Missing,
    Plan,
    Rating,
    Side,
    Values,
)
from custom_components.crosswatch.sync.plan_ratings import CLOCKS
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.values import Written

from .fakes import HOUR, NOW, movie, rated
from .planning import make_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
KEY = "movie:tmdb:1#rating:overall"
OLD, NEW = NOW - 2 * HOUR, NOW - HOUR
THERE, ONCE = Missing(), Missing(0, 1, 0, OLD)
GONE = NOW - 24 * HOUR


def plan_values(
    direction: Direction,
    source: tuple[int, int | None] | None,
    target: tuple[int, int | None] | None,
    agreed: tuple[int, int] | None = None,
    *,
    missing: Missing = THERE,
    written: dict[Side, dict[str, Written]] | None = None,
    truth: Side = Side.SOURCE,
    steps: tuple[int, int] = (1, 1),
) -> Plan:
    """Plan one title: tenths and dates of both sides, and the tenths that were agreed."""
    rows = [[] if each is None else [rated(movie(1), *each)] for each in (source, target)]
    return make_plan(
        Feature.RATINGS,
        rows[0],
        rows[1],
        direction=direction,
        baseline={} if agreed is None else {KEY: missing},
        values={} if agreed is None else {KEY: Values(*agreed)},
        written=written or {},
        settings=PairSettings(truth=truth),
        capabilities={
            side: Capability(kinds=frozenset(Kind), rating_step=step)
            for side, step in zip(Side, steps, strict=True)
        },
    )


@pytest.mark.parametrize(
    ("source", "target", "agreed", "one_way", "two_way"),
    [
        # only one of them, never agreed
        ((80, OLD), None, None, "target only_at_source", "target only_at_source"),
        (None, (80, OLD), None, None, "source only_at_target"),
        # equal
        ((80, OLD), (80, NEW), None, "agreed", "agreed"),
        ((80, OLD), (80, NEW), (80, 80), "agreed", "agreed"),
        ((90, OLD), (90, NEW), (80, 80), "agreed", "agreed"),
        # changed at one side
        ((90, OLD), (80, NEW), (80, 80), "target changed_at_source", "target changed_at_source"),
        ((80, NEW), (90, OLD), (80, 80), "target source_decides", "source changed_at_target"),
        # changed at both
        ((90, NEW), (70, OLD), (80, 80), "target newer_at_source", "target newer_at_source"),
        ((90, OLD), (70, NEW), (80, 80), "target source_decides", "source newer_at_target"),
        ((90, None), (70, OLD), (80, 80), "target source_decides", "source newer_at_target"),
        ((90, OLD), (70, None), (80, 80), "target newer_at_source", "target newer_at_source"),
        ((90, None), (70, None), (80, 80), "target source_of_truth", "target source_of_truth"),
        ((90, OLD), (70, OLD), (80, 80), "target source_of_truth", "target source_of_truth"),
        # never agreed and different: the same
        ((90, NEW), (70, OLD), None, "target newer_at_source", "target newer_at_source"),
        ((90, OLD), (70, NEW), None, "target source_decides", "source newer_at_target"),
        ((90, None), (70, OLD), None, "target source_decides", "source newer_at_target"),
        ((90, OLD), (70, None), None, "target newer_at_source", "target newer_at_source"),
        ((90, None), (70, None), None, "target source_of_truth", "target source_of_truth"),
        # gone after it was agreed
        ((80, OLD), None, (80, 80), "skip missing_at_target_once", "skip removals_off"),
        (None, (80, OLD), (80, 80), "skip removals_off", "skip removals_off"),
        # gone and changed on the other side
        ((90, NEW), None, (80, 80), "skip missing_at_target_once", "skip missing_at_target_once"),
        (None, (90, NEW), (80, 80), "skip changed_at_target", "skip missing_at_source_once"),
        (None, None, (80, 80), None, None),
    ],
)
def test_rows(
    source: tuple[int, int | None] | None,
    target: tuple[int, int | None] | None,
    agreed: tuple[int, int] | None,
    one_way: str | None,
    two_way: str | None,
) -> None:
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = plan_values(direction, source, target, agreed)
        assert told(made).get(KEY) == expected
        for change in made.changes:
            there = {Side.SOURCE: source, Side.TARGET: target}[change.side]
            here = {Side.SOURCE: source, Side.TARGET: target}[change.side.other]
            assert here is not None
            assert isinstance(change.entry, Rating)
            assert (change.entry.tenths, change.entry.rated_at) == here
            assert change.action is (Action.ADD if there is None else Action.UPDATE)
            before = change.before
            assert (before.tenths if isinstance(before, Rating) else None) == (there and there[0])


def test_an_edit_beats_a_removal_that_is_certain() -> None:
    for direction in (ONE, TWO):
        made = plan_values(direction, (90, NEW), None, (80, 80), missing=ONCE)
        assert told(made) == {KEY: "target changed_at_source"}
    made = plan_values(TWO, None, (90, NEW), (80, 80), missing=Missing(source=1))
    assert told(made) == {KEY: "source changed_at_target"}


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (OLD - 1, "changed"),
        # given before that
        (OLD, "removed"),
        # not found missing before
        (None, "wait"),
    ],
)
def test_the_same_rating_given_once_more_is_an_edit(side: Side, since: int | None, expected: str) -> None:
    """Taken back at one side, which a run has seen, then given on the other one with the value it had."""
    other = side.other
    missing = THERE
    if since is not None:
        missing = Missing(0, 1, 0, since) if side is Side.SOURCE else Missing(1, 0, since, 0)
    rows = {side: [rated(movie(1), 80, OLD)], other: []}
    made = make_plan(
        Feature.RATINGS,
        rows[Side.SOURCE],
        rows[Side.TARGET],
        direction=TWO,
        baseline={KEY: missing},
        values={KEY: Values(80, 80)},
        settings=PairSettings(removals=frozenset(Feature)),
        capabilities={each: Capability(kinds=frozenset(Kind), remove=True) for each in Side},
    )
    rules = {
        "changed": f"{other} changed_at_{side}",
        "removed": f"{side} removed_at_{other}",
        "wait": f"skip missing_at_{other}_once",
    }
    assert told(made) == {KEY: rules[expected]}


def test_missing_twice_in_a_one_way_pair_is_written_again() -> None:
    made = plan_values(ONE, (80, OLD), None, (80, 80), missing=ONCE)
    assert told(made) == {KEY: "target missing_at_target"}


@pytest.mark.parametrize(("direction", "expected"), [(ONE, "target source_decides"), (TWO, "source")])
def test_the_target_may_be_the_truth_of_a_two_way_pair(direction: Direction, expected: str) -> None:
    made = plan_values(direction, (90, None), (70, None), truth=Side.TARGET)
    assert told(made)[KEY].startswith(expected)


@pytest.mark.parametrize("direction", [ONE, TWO])
@pytest.mark.parametrize("kept", [80, 90])
@pytest.mark.parametrize("agreed", [None, (60, 60)])
def test_a_rounded_echo_is_agreed_with_what_was_written(
    direction: Direction, kept: int, agreed: tuple[int, int] | None
) -> None:
    echo = {Side.TARGET: {KEY: Written(rated(movie(1), 85, OLD), before=60)}}
    made = plan_values(direction, (85, OLD), (kept, NEW), agreed, written=echo)
    assert (told(made), made.values) == ({KEY: "agreed"}, {KEY: Values(85, kept)})
    again = plan_values(direction, (85, OLD), (kept, NEW), (85, kept))
    assert (told(again), again.values) == ({KEY: "agreed"}, {})


def test_half_stars_never_bounce_but_changes_travel() -> None:
    # the target has rounded 8.5 to 8: what counts is who changes it next
    for source, target, expected in (
        (85, 80, "agreed"),
        (90, 80, "target changed_at_source"),
        (85, 70, "source changed_at_target"),
        (85, 90, "source changed_at_target"),
    ):
        made = plan_values(TWO, (source, OLD), (target, OLD), (85, 80), steps=(1, 10))
        assert told(made) == {KEY: expected}


def test_what_the_coarser_side_cannot_say_is_agreed() -> None:
    made = plan_values(TWO, (84, OLD), (80, NEW), (80, 80), steps=(1, 10))
    assert (told(made), made.values) == ({KEY: "agreed"}, {KEY: Values(84, 80)})
    assert told(plan_values(TWO, (84, OLD), (80, NEW), steps=(1, 10))) == {KEY: "agreed"}
    assert told(plan_values(TWO, (86, OLD), (80, NEW), (80, 80), steps=(1, 10))) == {
        KEY: "target changed_at_source"
    }


@pytest.mark.parametrize("shown", [88, 79, 70])
def test_what_no_rounding_makes_is_a_change(shown: int) -> None:
    echo = {Side.TARGET: {KEY: Written(rated(movie(1), 85, OLD), before=60)}}
    made = plan_values(TWO, (85, OLD), (shown, NEW), (60, 60), written=echo)
    assert told(made) == {KEY: "source newer_at_target"}


@pytest.mark.parametrize(
    ("sent", "shown", "same"),
    [
        (83, 83, True),
        (85, 80, True),  # to wholes, half of one away at most
        (86, 80, False),
        (83, 85, True),  # to halves, a quarter away at most
        (82, 85, False),
        (83, 84, False),  # to neither
    ],
)
def test_services_round_to_halves_or_wholes(sent: int, shown: int, same: bool) -> None:
    echo = {Side.TARGET: {KEY: Written(rated(movie(1), sent, OLD), before=60)}}
    made = plan_values(TWO, (sent, OLD), (shown, NEW), (60, 60), written=echo)
    assert told(made) == {KEY: "agreed" if same else "source newer_at_target"}


def test_what_stood_there_before_is_no_echo() -> None:
    echo = {Side.TARGET: {KEY: Written(rated(movie(1), 85, OLD), before=80)}}
    made = plan_values(TWO, (85, OLD), (80, NEW), (80, 80), written=echo)
    assert told(made) == {KEY: "target changed_at_source"}


@pytest.mark.parametrize(
    ("written", "shown", "agreed", "expected"),
    [
        # seen by a read: what looks like its rounding is a change now
        (Written(rated(movie(1), 85, OLD), before=60, observed=True), 90, (85, 80), "changed_at_target"),
        # not seen yet: what stood there before was put there
        (Written(rated(movie(1), 90, OLD), before=80), 80, (90, 90), "changed_at_target"),
        # seen, and changed to something else since
        (Written(rated(movie(1), 90, OLD), before=80, observed=True), 70, (90, 90), "changed_at_target"),
        (Written(rated(movie(1), 90, OLD), before=80, observed=True), 80, None, "newer_at_target"),
    ],
)
def test_what_was_written_long_ago_hides_no_change(
    written: Written, shown: int, agreed: tuple[int, int] | None, expected: str
) -> None:
    source = agreed[0] if agreed else 90
    echo = {Side.TARGET: {KEY: written}}
    made = plan_values(TWO, (source, OLD), (shown, NEW), agreed, written=echo)
    assert told(made) == {KEY: f"source {expected}"}


def test_what_was_agreed_on_once_more_is_no_stale_read() -> None:
    echo = {Side.SOURCE: {KEY: Written(rated(movie(1), 90, OLD), before=80, observed=True)}}
    made = plan_values(TWO, (80, OLD), None, (80, 80), missing=ONCE, written=echo)
    assert told(made) == {KEY: "skip removals_off"}


def test_our_own_rating_that_is_gone_on_the_other_side_is_no_new_one() -> None:
    echo = {Side.SOURCE: {KEY: Written(rated(movie(1), 85, OLD), before=60)}}
    made = plan_values(TWO, (80, OLD), None, (60, 60), missing=ONCE, written=echo)
    assert told(made) == {KEY: "skip removals_off"}


def test_what_was_written_leaves_the_word_to_the_other_side() -> None:
    """A rating that no rounding makes is our own where it is the one we wrote."""
    echo = {Side.TARGET: {KEY: Written(rated(movie(1), 83, OLD), before=60)}}
    made = plan_values(TWO, (90, OLD), (83, NEW), (60, 60), written=echo)
    assert told(made) == {KEY: "target changed_at_source"}


@pytest.mark.parametrize(
    ("rated_at", "together", "expected"),
    [
        # after it was missing: given anew
        (GONE + 1, True, "target only_at_source"),
        (GONE + 1, False, "target only_at_source"),
        # nearly then, or nobody knows when: anew if both sides missed it in one run
        (GONE, True, "target only_at_source"),
        (GONE - 1, False, "source removed_at_target"),
        # nobody has hidden it since: the other side was without it before
        (GONE, False, "target changed_at_source"),
        (GONE - CLOCKS, True, "target only_at_source"),
        (None, True, "target only_at_source"),
        (None, False, "source removed_at_target"),
        # long before: it was hidden
        (GONE - CLOCKS - 1, True, "source removed_at_target"),
    ],
)
def test_a_rating_that_one_side_shows_once_more(rated_at: int | None, together: bool, expected: str) -> None:
    missing = Missing(1, 1, source_since=GONE, target_since=GONE if together else GONE - 1)
    for side in Side:
        shown = [rated(movie(1), 80, rated_at)]
        made = make_plan(
            Feature.RATINGS,
            shown if side is Side.SOURCE else [],
            shown if side is Side.TARGET else [],
            direction=TWO,
            baseline={
                KEY: missing
                if side is Side.SOURCE
                else Missing(1, 1, source_since=missing.target_since, target_since=GONE)
            },
            values={KEY: Values(80, 80)},
            settings=PairSettings(removals=frozenset(Feature)),
            capabilities={side: Capability(kinds=frozenset(Kind), remove=True) for side in Side},
        )
        mirrored = expected.replace("source", "?").replace("target", "source").replace("?", "target")
        assert told(made) == {KEY: expected if side is Side.SOURCE else mirrored}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (85, 80, "agreed"),
        (80, 85, "agreed"),
        (86, 80, "source newer_at_target"),
        (80, 90, "source newer_at_target"),
    ],
)
def test_values_within_half_a_step_of_the_coarser_side_are_one(
    source: int, target: int, expected: str
) -> None:
    for steps in ((1, 10), (10, 1)):
        made = plan_values(TWO, (source, OLD), (target, NEW), steps=steps)
        assert told(made) == {KEY: expected}


@pytest.mark.parametrize(("source", "target"), [(80, 60), (60, 80)])
def test_an_echo_gives_way_to_the_side_it_came_from(source: int, target: int) -> None:
    """What was written has been taken back at the side that it was written from."""
    side = Side.TARGET if target == 80 else Side.SOURCE
    echo = {side: {KEY: Written(rated(movie(1), 80, OLD), before=60)}}
    made = plan_values(TWO, (source, OLD), (target, NEW), (60, 60), written=echo)
    assert [(c.side, c.rule) for c in made.changes] == [(side, f"changed_at_{side.other}")]


@pytest.mark.parametrize("side", list(Side))
def test_a_stale_read_does_not_undo_what_was_seen(side: Side) -> None:
    echo = {side: {KEY: Written(rated(movie(1), 90, NEW), before=80, observed=True)}}
    values = ((80, NEW), (90, NEW)) if side is Side.SOURCE else ((90, NEW), (80, NEW))
    made = plan_values(TWO, values[0], values[1], (90, 90), written=echo)
    assert told(made) == {KEY: "skip written_a_moment_ago"}
    source, target = (values[0], None) if side is Side.SOURCE else (None, values[1])
    made = plan_values(TWO, source, target, (90, 90), written=echo)
    assert told(made) == {KEY: "skip written_a_moment_ago"}


@pytest.mark.parametrize("side", list(Side))
def test_a_read_is_stale_by_what_its_own_side_showed(side: Side) -> None:
    """The other side rounds: 80 is what it showed when both agreed."""
    echo = {side: {KEY: Written(rated(movie(1), 90, NEW), before=80, observed=True)}}
    agreed = (90, 80) if side is Side.SOURCE else (80, 90)
    made = plan_values(TWO, (80, NEW), (80, NEW), agreed, written=echo)
    assert [(row.side, row.rule) for row in made.skipped] == [(side, "written_a_moment_ago")]


def test_labels_are_ratings_of_their_own_whatever_their_case() -> None:
    source: list[Entry] = [rated(movie(1), 80), rated(movie(1), 60, label="Story: a@1 #rating:x")]
    target: list[Entry] = [rated(movie(1), 80, label=" OVERALL ")]
    made = make_plan(Feature.RATINGS, source, target)
    assert told(made) == {KEY: "agreed", "movie:tmdb:1#rating:story: a@1 #rating:x": "target only_at_source"}


def test_an_update_names_the_title_as_the_written_side_does() -> None:
    here = replace(rated(movie(imdb="tt1"), 90, NEW), remote_id="plex")
    there = replace(rated(movie(1, "tt1"), 70, OLD, label="overall"), remote_id="row 7")
    (change,) = make_plan(Feature.RATINGS, [here], [there]).changes
    assert change.entry == replace(there, tenths=90, rated_at=NEW)
    assert change.before == there


def test_of_two_copies_the_last_rated_one_counts() -> None:
    rows = [rated(movie(1), 60, OLD), rated(movie(1), 90, NEW), rated(movie(1), 30, None)]
    for order in (rows, rows[::-1]):
        (change,) = make_plan(Feature.RATINGS, order, []).changes
        assert isinstance(change.entry, Rating)
        assert change.entry.tenths == 90


def test_what_the_target_cannot_take_is_unresolved() -> None:
    made = make_plan(Feature.RATINGS, [rated(movie(imdb="tt1"), 80)], [])
    assert told(made) == {"movie:imdb:tt1#rating:overall": "target unresolved missing_tmdb_id"}


def test_same_input_in_any_order_gives_the_same_plan() -> None:
    rows: list[Entry] = [rated(movie(n), 10 * (n % 10) + 1, NOW + n) for n in range(40)]
    other: list[Entry] = [rated(movie(n), 50, NOW) for n in range(0, 40, 3)]
    made = make_plan(Feature.RATINGS, rows, other, direction=TWO)
    again = make_plan(Feature.RATINGS, rows[::-1], other[::-1], direction=TWO)
    assert repr(made) == repr(again)
