"""The truth tables of the planners, row by row."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.matching import match_plays
from custom_components.crosswatch.sync.models import (
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Missing,
    Play,
    Side,
    Values,
    WatchlistEntry,
)

from .fakes import HOUR, NOW, episode, listed, movie, play, rated, stopped
from .planning import MINUTE, make_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
M1 = "movie:tmdb:1"
THERE, ONCE, OFTEN = Missing(), Missing(target=1), Missing(target=2)
AWAY = Missing(source=1)
NOTED = Missing(target=1, target_since=NOW)


@pytest.mark.parametrize(
    ("direction", "at_source", "at_target", "baseline", "expected"),
    [
        (ONE, True, True, {}, "agreed"),
        (TWO, True, True, {}, "agreed"),
        (ONE, True, False, {}, "target only_at_source"),
        (TWO, True, False, {}, "target only_at_source"),
        (ONE, True, False, {M1: THERE}, "skip missing_at_target_once"),
        (ONE, True, False, {M1: AWAY}, "skip missing_at_target_once"),
        (ONE, True, False, {M1: ONCE}, "target missing_at_target"),
        (TWO, True, False, {M1: THERE}, "skip removals_off"),
        (TWO, True, False, {M1: OFTEN}, "skip removals_off"),
        (ONE, False, True, {}, None),
        (ONE, False, True, {M1: THERE}, "skip removals_off"),
        (TWO, False, True, {}, "source only_at_target"),
        (TWO, False, True, {M1: THERE}, "skip removals_off"),
        (ONE, False, False, {M1: THERE}, None),
        (TWO, False, False, {M1: THERE}, None),
    ],
)
def test_watchlist_rows(
    direction: Direction, at_source: bool, at_target: bool, baseline: dict[str, Missing], expected: str | None
) -> None:
    entry = [listed(movie(1))]
    made = make_plan(
        Feature.WATCHLIST, entry * at_source, entry * at_target, direction=direction, baseline=baseline
    )
    assert told(made).get(M1) == expected
    assert made.gone == ()
    assert made.lost.get(Side.TARGET, ()) == ((M1,) if baseline and at_source and not at_target else ())
    assert made.lost.get(Side.SOURCE, ()) == ((M1,) if baseline and at_target and not at_source else ())


@pytest.mark.parametrize(
    ("direction", "at_source", "at_target", "baseline", "expected"),
    [
        (ONE, True, True, {}, "agreed"),
        (ONE, True, False, {}, "target only_at_source"),
        (ONE, True, False, {f"{M1}@{NOW}": THERE}, "skip missing_at_target_once"),
        (ONE, True, False, {f"{M1}@{NOW}": ONCE}, "target missing_at_target"),
        (TWO, True, False, {f"{M1}@{NOW}": ONCE}, "skip removals_off"),
        (ONE, False, True, {}, None),
        (TWO, False, True, {}, "source only_at_target"),
        (TWO, False, True, {f"{M1}@{NOW}": THERE}, "skip removals_off"),
    ],
)
def test_history_rows(
    direction: Direction, at_source: bool, at_target: bool, baseline: dict[str, Missing], expected: str | None
) -> None:
    entry = [play(movie(1), NOW)]
    made = make_plan(
        Feature.HISTORY, entry * at_source, entry * at_target, direction=direction, baseline=baseline
    )
    assert told(made).get(f"{M1}@{NOW}") == expected


def test_movie_and_show_with_one_number_do_not_mix() -> None:
    show = listed(Item(kind=Kind.SHOW, ids=Ids(tmdb=1)))
    made = make_plan(Feature.WATCHLIST, [listed(movie(1))], [show])
    assert told(made) == {M1: "target only_at_source"}


def test_sides_that_know_different_ids_agree() -> None:
    made = make_plan(Feature.WATCHLIST, [listed(movie(1, "tt1"))], [listed(movie(1))])
    assert told(made) == {M1: "agreed"}


def test_what_the_target_cannot_take_is_unresolved_with_its_reason() -> None:
    made = make_plan(Feature.WATCHLIST, [listed(movie(imdb="tt5"))], [])
    assert told(made) == {"movie:imdb:tt5": "target unresolved missing_tmdb_id"}


def test_an_item_without_ids_is_unresolved_with_the_targets_reason() -> None:
    made = make_plan(Feature.HISTORY, [play(Item(kind=Kind.MOVIE, title="Lost"), NOW)], [])
    assert told(made) == {f"unknown:movie:lost@{NOW}": "target unresolved missing_tmdb_id"}


def test_an_item_without_ids_is_unresolved_even_if_nobody_says_why() -> None:
    made = make_plan(Feature.WATCHLIST, [], [listed(Item(kind=Kind.MOVIE, title="Lost"))], direction=TWO)
    assert told(made) == {"unknown:movie:lost": "source unresolved missing_ids"}
    assert told(make_plan(Feature.WATCHLIST, [], [listed(Item(kind=Kind.MOVIE, title="Lost"))])) == {}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_rows_of_one_moment_the_same_one_is_always_written(order: int) -> None:
    rows = [play(movie(1, "tt1"), NOW), play(movie(imdb="tt1"), NOW), play(movie(1), NOW)]
    (change,) = make_plan(Feature.HISTORY, rows[::order], []).changes
    assert change.entry.item == movie(1, "tt1")


def test_ambiguous_ids_are_an_outcome() -> None:
    rows = [listed(movie(1, "tt1")), listed(movie(2, "tt1")), listed(movie(imdb="tt1"))]
    made = make_plan(Feature.WATCHLIST, rows, [])
    assert told(made)["movie:imdb:tt1"] == "target unresolved ambiguous"
    assert len(made.changes) == 2


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("feature", "make", "end"),
    [
        (Feature.WATCHLIST, listed, ""),
        (Feature.HISTORY, lambda item: play(item, NOW), f"@{NOW}"),
        (Feature.RATINGS, lambda item: rated(item, 80), "#rating:overall"),
        (Feature.PROGRESS, lambda item: stopped(item, 600), ""),
    ],
)
def test_what_can_not_be_told_apart_is_unresolved_for_the_other_side(
    feature: Feature, make: Callable[[Item], Entry], end: str, side: Side
) -> None:
    rows = [make(movie(1, "tt1")), make(movie(2, "tt1")), make(movie(imdb="tt1"))]
    source, target = (rows, []) if side is Side.SOURCE else ([], rows)
    made = make_plan(feature, source, target, direction=TWO)
    assert told(made)[f"movie:imdb:tt1{end}"] == f"{side.other} unresolved ambiguous"
    made = make_plan(feature, source, target)
    assert (f"movie:imdb:tt1{end}" in told(made)) is (side is Side.SOURCE), "the target's own is its own"


def test_what_rests_stays_unresolved_and_what_settles_waits() -> None:
    rows = [listed(movie(1)), listed(movie(2))]
    made = make_plan(
        Feature.WATCHLIST, rows, [], frozen={M1: "http:400"}, settling=frozenset({"movie:tmdb:2"})
    )
    assert told(made) == {M1: "target unresolved http:400", "movie:tmdb:2": "skip written_a_moment_ago"}


def test_copies_in_two_libraries_are_one() -> None:
    made = make_plan(Feature.WATCHLIST, [listed(movie(1)), listed(movie(1))], [])
    assert len(made.changes) == 1


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (movie(1, "tt1"), movie(1)),
        (Item(kind=Kind.MOVIE, ids=Ids(tmdb=1, tvdb=5)), movie(1)),
        (Item(kind=Kind.MOVIE, ids=Ids(tmdb=1, guid="g")), movie(1)),
        (Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=1), season=1, episode=1, title="Z"), episode(1, 1, 1)),
        (
            Item(kind=Kind.MOVIE, ids=Ids(tmdb=1), title="A"),
            Item(kind=Kind.MOVIE, ids=Ids(tmdb=1), title="B"),
        ),
    ],
)
def test_of_two_copies_the_one_that_is_known_best_is_written(best: Item, other: Item) -> None:
    for rows in ([best, other], [other, best]):
        (change,) = make_plan(Feature.HISTORY, [play(item, NOW) for item in rows], []).changes
        assert change.entry.item == best
        (change,) = make_plan(Feature.PROGRESS, [stopped(item, 600) for item in rows], []).changes
        assert change.entry.item == best


def test_of_two_like_copies_the_first_row_is_written() -> None:
    rows = [replace(play(movie(1), NOW), remote_id=name) for name in ("7", "8")]
    for order in (rows, rows[::-1]):
        (change,) = make_plan(Feature.HISTORY, order, []).changes
        assert change.entry == rows[0]


def test_rewatches_are_separate_events() -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), NOW), play(movie(1), NOW + HOUR), play(movie(1), NOW + 2 * HOUR)],
        [play(movie(1), NOW + HOUR)],
    )
    assert told(made) == {
        f"{M1}@{NOW}": "target only_at_source",
        f"{M1}@{NOW + HOUR}": "agreed",
        f"{M1}@{NOW + 2 * HOUR}": "target only_at_source",
    }


@pytest.mark.parametrize("at_target", [0, 10 * MINUTE])
def test_a_play_recorded_twice_is_one_whichever_row_the_target_has(at_target: int) -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), NOW), play(movie(1), NOW + 10 * MINUTE)],
        [play(movie(1), NOW + at_target)],
    )
    assert not made.changes
    assert [row.rule for row in made.skipped] == ["recorded_twice"]


def test_the_first_of_two_close_plays_is_written_once() -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), NOW + 5 * MINUTE), play(movie(1), NOW)], [])
    assert [c.key for c in made.changes] == [f"{M1}@{NOW}"]


@pytest.mark.parametrize(("window", "adds"), [(0, 2), (5 * MINUTE, 2), (10 * MINUTE, 1), (86_400, 1)])
def test_the_window_may_be_set(window: int, adds: int) -> None:
    rows = [play(movie(1), NOW), play(movie(1), NOW + 10 * MINUTE)]
    assert len(make_plan(Feature.HISTORY, rows, [], window=window).changes) == adds


def test_times_that_differ_within_the_window_agree_under_both_names() -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), NOW)], [play(movie(1), NOW + 30)])
    assert made.agreed == (f"{M1}@{NOW}", f"{M1}@{NOW + 30}")


def test_a_play_without_a_date_stands_for_one_play() -> None:
    made = make_plan(
        Feature.HISTORY, [play(movie(1), NOW), play(movie(1), NOW + HOUR)], [play(movie(1), None)]
    )
    assert [c.key for c in made.changes] == [f"{M1}@{NOW + HOUR}"]


def test_season_zero_is_a_season() -> None:
    made = make_plan(Feature.HISTORY, [play(episode(5, 0, 0), NOW)], [])
    assert [c.key for c in made.changes] == [f"episode:tmdb:5:s00e00@{NOW}"]


def test_epoch_zero_is_a_time() -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), 0)], [play(movie(1), 0)])
    assert made.agreed == (f"{M1}@0",)


def test_oldest_plays_are_written_first() -> None:
    rows = [play(movie(n), NOW - n * HOUR) for n in range(1, 5)]
    made = make_plan(Feature.HISTORY, rows, [])
    times = [c.entry.watched_at for c in made.changes if isinstance(c.entry, Play)]
    assert times == sorted(t for t in times if t is not None)


def test_same_input_in_any_order_gives_the_same_plan() -> None:
    rows = [play(movie(n, f"tt{n % 7}"), NOW + n * HOUR) for n in range(40)]
    made = make_plan(Feature.HISTORY, rows, rows[:9])
    assert made == make_plan(Feature.HISTORY, rows[::-1], rows[8::-1])
    assert list(made.agreed) == sorted(made.agreed)


def test_a_target_play_is_used_once() -> None:
    here = [play(movie(1), NOW), play(movie(1), NOW + 20 * MINUTE)]
    there = [play(movie(1), NOW + 11 * MINUTE)]
    matched = match_plays(here, there, 15 * MINUTE, lambda _play: False)
    assert (matched.pairs, matched.only_here, matched.only_there) == (((1, 0),), (0,), ())


@pytest.mark.parametrize(("apart", "agreed"), [(15 * MINUTE, 2), (15 * MINUTE + 1, 0)])
def test_the_window_includes_its_end(apart: int, agreed: int) -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), NOW)], [play(movie(1), NOW + apart)])
    assert len(made.agreed) == agreed


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (15 * MINUTE, "skip missing_at_target_once"),
        (-15 * MINUTE, "skip missing_at_target_once"),
        (15 * MINUTE + 1, "target only_at_source"),
    ],
)
def test_an_agreed_play_is_known_under_a_time_within_the_window(moved: int, expected: str) -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), NOW + moved)], [], baseline={f"{M1}@{NOW}": THERE})
    key = f"{M1}@{NOW + moved}"
    assert told(made) == {key: expected}
    assert made.gone == (() if expected.startswith("target") else (f"{M1}@{NOW}",))
    assert made.missing == (
        {f"{M1}@{NOW}": Missing(1, 1, NOW, NOW)} if expected.startswith("target") else {key: NOTED}
    )


@pytest.mark.parametrize(("earlier", "later", "known"), [(10, 5, 5), (5, 10, -5), (5, 5, -5)])
def test_a_moved_time_is_that_of_the_nearest_play(earlier: int, later: int, known: int) -> None:
    times = [NOW - earlier * MINUTE, NOW + later * MINUTE]
    baseline = {f"{M1}@{at}": THERE for at in times}
    made = make_plan(Feature.HISTORY, [play(movie(1), NOW)], [], baseline=baseline)
    assert made.gone == (f"{M1}@{NOW + known * MINUTE}",)


def test_a_play_without_a_date_is_near_no_other() -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), None)], [], baseline={f"{M1}@{NOW}": THERE})
    assert [change.rule for change in made.changes] == ["only_at_source"]


def test_a_moved_time_stands_for_one_play_only() -> None:
    rows = [play(movie(1), NOW - 10 * MINUTE), play(movie(1), NOW + 10 * MINUTE)]
    made = make_plan(Feature.HISTORY, rows, [], direction=TWO, baseline={f"{M1}@{NOW}": ONCE})
    assert told(made) == {
        f"{M1}@{NOW - 10 * MINUTE}": "skip removals_off",
        f"{M1}@{NOW + 10 * MINUTE}": "target only_at_source",
    }
    assert made.missing == {f"{M1}@{NOW - 10 * MINUTE}": OFTEN}
    assert made.gone == (f"{M1}@{NOW}",)


def test_a_time_that_a_side_still_shows_has_not_moved() -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), NOW)],
        [play(movie(1), NOW - 10 * MINUTE), play(movie(1), NOW + 10 * MINUTE)],
        direction=TWO,
        baseline={f"{M1}@{NOW}": THERE, f"{M1}@{NOW - 10 * MINUTE}": THERE},
    )
    assert told(made)[f"{M1}@{NOW + 10 * MINUTE}"] == "source only_at_target"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (THERE, Missing(1, 1, NOW, NOW)),
        (ONCE, Missing(1, 2, NOW)),
        (NOTED, Missing(1, 1, NOW, NOW)),
        (OFTEN, Missing(1, 2, NOW)),
        (AWAY, Missing(2, 1, 0, NOW)),
        (Missing(1, 1), None),
        (Missing(1, 1, 0, NOW), Missing(2, 1, 0, NOW)),
        (Missing(1, 2), None),
        (Missing(2, 2), None),
    ],
)
def test_what_neither_side_shows(before: Missing, after: Missing | None) -> None:
    made = make_plan(Feature.WATCHLIST, [], [], direction=TWO, baseline={M1: before})
    assert made.gone == (() if after else (M1,))
    assert made.missing == ({M1: after} if after else {})
    assert made.lost == {Side.SOURCE: (), Side.TARGET: ()}


def swapped(missing: Missing) -> Missing:
    """Return it as it is for the other side."""
    return Missing(missing.target, missing.source, missing.target_since, missing.source_since)


@pytest.mark.parametrize(("before", "changed"), [(THERE, {M1: NOTED}), (ONCE, {M1: OFTEN}), (OFTEN, {})])
def test_only_what_changes_is_told(before: Missing, changed: dict[str, Missing]) -> None:
    made = make_plan(Feature.WATCHLIST, [listed(movie(1))], [], direction=TWO, baseline={M1: before})
    assert made.missing == changed
    before = swapped(before)
    made = make_plan(Feature.WATCHLIST, [], [listed(movie(1))], direction=TWO, baseline={M1: before})
    assert made.missing == {key: swapped(now) for key, now in changed.items()}


def test_of_copies_that_are_alike_the_one_listed_last_counts() -> None:
    copies = [WatchlistEntry(item=movie(1), listed_at=NOW + at) for at in (0, 5, 2)]
    for rows in (copies, copies[::-1]):
        made = make_plan(Feature.WATCHLIST, rows, [listed(movie(1))])
        assert made.values == {M1: Values(NOW + 5, 0)}


def test_a_time_before_1970_is_a_time() -> None:
    made = make_plan(Feature.HISTORY, [play(movie(1), -90)], [], baseline={f"{M1}@-100": THERE})
    assert told(made) == {f"{M1}@-90": "skip missing_at_target_once"}


@pytest.mark.parametrize(
    ("source", "target", "baseline", "moved"),
    [
        ([HOUR], [0], {0: THERE}, 1),
        ([HOUR, 2 * HOUR], [0], {0: THERE}, 1),
        ([HOUR], [0], {0: AWAY}, 0),
        ([HOUR], [0, 2 * HOUR], {0: THERE, 2 * HOUR: THERE}, 1),
        ([0, HOUR], [0], {0: THERE}, 0),
        ([], [0, HOUR], {0: THERE}, 0),
    ],
)
def test_plays_that_stand_where_known_ones_vanished_are_counted(
    source: list[int], target: list[int], baseline: dict[int, Missing], moved: int
) -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), NOW + at) for at in source],
        [play(movie(1), NOW + at) for at in target],
        direction=TWO,
        baseline={f"{M1}@{NOW + at}": missing for at, missing in baseline.items()},
    )
    assert made.moved == moved


def test_everything_is_told_in_order() -> None:
    rows = [listed(movie(n if n % 2 else None, f"tt{n}")) for n in range(1, 60)]
    baseline = {f"movie:tmdb:{n}": THERE for n in range(1, 30)}
    made = make_plan(Feature.WATCHLIST, rows, [], direction=TWO, baseline=baseline)
    for told_rows in (made.skipped, made.unresolved, made.changes):
        keys = [row.key for row in told_rows]
        assert keys == sorted(keys)
        assert len(keys) > 10


def test_a_skip_names_the_side_that_goes_without() -> None:
    one, two = listed(movie(1)), listed(movie(2))
    known = dict.fromkeys(("movie:tmdb:1", "movie:tmdb:2"), THERE)
    made = make_plan(Feature.WATCHLIST, [one], [two], direction=Direction.TWO_WAY, baseline=known)
    assert [(row.key, row.side) for row in made.skipped] == [
        ("movie:tmdb:1", Side.SOURCE),
        ("movie:tmdb:2", Side.TARGET),
    ], "where a removal would have gone"
