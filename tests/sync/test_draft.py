"""What holds for all planners: order, what was written a moment ago, what is missing, what is remembered."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.sync.models import (
    APART,
    MARKED,
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    LogIds,
    Missing,
    Play,
    Side,
    Values,
    WatchlistEntry,
)
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, episode, listed, movie, play, rated
from .planning import FULL, M1, MINUTE, P1, R1, UNDATED, make_plan, removal_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
SOURCE, TARGET = Side.SOURCE, Side.TARGET
THERE = Missing()
WINDOW = 15 * MINUTE
NUMBERS = range(60, 0, -1)


# --- order ----------------------------------------------------------------------------------------


def test_all_that_a_plan_tells_is_in_order() -> None:
    names = [f"movie:tmdb:{number}#rating:overall" for number in NUMBERS]
    rows = [rated(movie(number), 80) for number in NUMBERS]
    known = dict.fromkeys(names, Values(70, 70))
    made = removal_plan(Feature.RATINGS, rows, rows, dict.fromkeys(names, THERE), values=known)
    assert list(made.values) == sorted(names)
    once = dict.fromkeys(names, Missing(0, 1, 0, NOW - HOUR))
    gone = removal_plan(Feature.RATINGS, rows, [], once, values=dict.fromkeys(names, Values(80, 80)))
    for told_keys in (gone.missing, gone.lost[TARGET], [key for _, key in gone.standing]):
        assert list(told_keys) == sorted(names)
    assert removal_plan(Feature.RATINGS, [], [], dict.fromkeys(names, Missing(2, 2))).gone == tuple(
        sorted(names)
    )


def test_episodes_of_one_show_are_told_in_order() -> None:
    rows = [play(episode(12345, 1, number), NOW) for number in NUMBERS]
    assert sorted(agreed := removal_plan(Feature.HISTORY, rows, rows, {}).agreed) == list(agreed)
    assert len(agreed) == len(NUMBERS)


def test_events_of_a_log_are_told_in_order() -> None:
    shown = [Play(item=movie(number), watched_at=NOW, remote_id=f"{number}") for number in NUMBERS]
    made = removal_plan(
        Feature.HISTORY, shown, [play(movie(number), NOW) for number in NUMBERS], {}, able=(UNDATED, FULL)
    )
    assert list(made.logs) == sorted(f"movie:tmdb:{number}@{NOW}" for number in NUMBERS)
    assert len(made.logs) == len(NUMBERS)


def test_both_sides_are_told_in_order() -> None:
    rows: Sequence[Entry] = [listed(movie(None, f"tt{number}")) for number in NUMBERS]
    other: Sequence[Entry] = [listed(Item(kind=Kind.MOVIE, title=f"Film {number}")) for number in NUMBERS]
    made = make_plan(Feature.WATCHLIST, rows, other, direction=TWO)
    places = [(row.side, row.key) for row in made.unresolved]
    assert places == sorted(places)
    assert {side for side, _ in places} == set(Side)


def test_a_play_without_a_date_is_written_before_all_others() -> None:
    rows = [play(movie(1), 1), play(movie(2), None), play(movie(3), 0)]
    made = make_plan(Feature.HISTORY, rows, [])
    assert [change.entry.item.ids.tmdb for change in made.changes][-1] == 1


# --- what was written a moment ago ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "at", "settles"),
    [
        (TARGET, NOW, True),
        (TARGET, NOW + WINDOW, True),
        (TARGET, NOW - WINDOW, True),
        (TARGET, NOW + WINDOW + 1, False),
        (SOURCE, NOW, False),
        (TARGET, None, False),
    ],
)
def test_what_another_pair_wrote_a_moment_ago_is_not_written_again(
    side: Side, at: int | None, settles: bool
) -> None:
    elsewhere = {side: frozenset({f"{M1}@{'unknown' if at is None else at}"})}
    rows = [play(movie(1), NOW), play(movie(2), NOW)]
    made = removal_plan(Feature.HISTORY, rows, [], {}, settling_elsewhere=elsewhere)
    assert told(made) == {
        P1: "skip written_a_moment_ago" if settles else "target only_at_source",
        f"movie:tmdb:2@{NOW}": "target only_at_source",
    }


# --- what is missing ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "taken", [{"taken": {(TARGET, M1): listed(movie(1))}}, {"taken_elsewhere": {(TARGET, M1)}}]
)
@pytest.mark.parametrize(
    ("missing", "certain"),
    [(Missing(target=1, target_since=NOW - APART), True), (Missing(0, 1, 0, NOW), False)],
)
def test_what_we_have_taken_away_and_one_side_shows_again_is_new_there(
    taken: dict[str, Any], missing: Missing, certain: bool
) -> None:
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [], {M1: missing}, **taken)
    assert told(made) == {M1: "target only_at_source" if certain else "skip missing_at_target_once"}
    assert (made.gone, made.lost[TARGET]) == (((M1,), ()) if certain else ((), (M1,)))


@pytest.mark.parametrize(
    ("at", "same"), [(NOW, True), (None, False)], ids=["by its date", "without one nobody can tell"]
)
def test_a_play_that_both_missed_and_one_shows_again(at: int | None, same: bool) -> None:
    key = f"{M1}@{'unknown' if at is None else at}"
    both = Missing(1, 1, NOW - HOUR, NOW - HOUR)
    made = removal_plan(Feature.HISTORY, [play(movie(1), at)], [], {key: both})
    assert told(made) == {key: "source removed_at_target" if same else "target only_at_source"}
    assert made.missing == ({key: Missing(0, 2, 0, NOW - HOUR)} if same else {})
    assert made.gone == (() if same else (key,))


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(("ago", "certain"), [(APART, True), (APART - 1, False)])
def test_an_absence_is_certain_after_ten_minutes(side: Side, ago: int, certain: bool) -> None:
    once = Missing(1, 0, NOW - ago, 0) if side is SOURCE else Missing(0, 1, 0, NOW - ago)
    rows: dict[Side, list[Entry]] = {side: [], side.other: [listed(movie(1))]}
    made = removal_plan(Feature.WATCHLIST, rows[SOURCE], rows[TARGET], {M1: once})
    assert told(made) == {
        M1: f"{side.other} removed_at_{side}" if certain else f"skip missing_at_{side}_once"
    }


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # missed at the source alone: a wrong read hid it there
        (Missing(source=1), Missing(0, 1, 0, NOW)),
        (Missing(1, 0, NOW - HOUR, 0), Missing(0, 1, 0, NOW)),
        (Missing(1, 1, NOW - HOUR, NOW - 60), Missing(0, 1, 0, NOW - 60)),
        (Missing(1, 1, NOW - HOUR, NOW - HOUR + 1), Missing(0, 2, 0, NOW - HOUR + 1)),
        # missed at both in one run: taken off both, and added anew here, once the target is without it
        (Missing(1, 1, NOW - 60, NOW - 60), Missing(1, 1, NOW - 60, NOW - 60)),
        (Missing(1, 1, NOW - HOUR, NOW - HOUR), None),
        # the source was without it for certain
        (Missing(source=2), Missing(2, 1, 0, NOW)),
        (Missing(2, 1, 0, NOW - HOUR), None),
        (Missing(2, 2), None),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_what_one_side_shows_again(side: Side, before: Missing, after: Missing | None) -> None:
    def seen_from(missing: Missing) -> Missing:
        counts = missing.source, missing.target, missing.source_since, missing.target_since
        return missing if side is SOURCE else Missing(*(counts[place] for place in (1, 0, 3, 2)))

    rows: dict[Side, list[Entry]] = {side: [listed(movie(1))], side.other: []}
    made = removal_plan(Feature.WATCHLIST, rows[SOURCE], rows[TARGET], {M1: seen_from(before)})
    assert made.missing == ({} if after is None or after == before else {M1: seen_from(after)})
    assert made.gone == (() if after else (M1,))


@pytest.mark.parametrize("before", [Missing(target=1), Missing(1, 1), Missing(2, 2)])
def test_what_both_show_again_is_agreed_and_no_more_is_told_of_it(before: Missing) -> None:
    made = removal_plan(Feature.WATCHLIST, [listed(movie(1))], [listed(movie(1))], {M1: before})
    assert (made.agreed, made.missing, made.gone) == ((M1,), {}, ())


TOGETHER = Missing(1, 1, NOW - HOUR, NOW - HOUR)
AGAIN, ANEW = "target removed_at_source", "source only_at_target"


def event(name: str | None) -> Play:
    """A play under an id of its own."""
    return Play(item=movie(1), watched_at=NOW, remote_id=name)


@pytest.mark.parametrize(
    ("feature", "taken", "shown", "once", "told_before"),
    [
        # as it was: the removal did not land
        (Feature.WATCHLIST, WatchlistEntry(item=movie(1), listed_at=NOW), None, AGAIN, AGAIN),
        (Feature.RATINGS, rated(movie(1), 80), None, AGAIN, AGAIN),
        (Feature.HISTORY, event("7"), None, AGAIN, AGAIN),
        (Feature.HISTORY, event(f"{MARKED}7"), None, AGAIN, AGAIN),
        # another date, value or id: a person has added it since
        (Feature.WATCHLIST, WatchlistEntry(item=movie(1), listed_at=NOW), {"listed_at": NOW + 1}, ANEW, ANEW),
        (Feature.RATINGS, rated(movie(1), 80), {"rated_at": NOW + 1}, ANEW, ANEW),
        (Feature.RATINGS, rated(movie(1), 80), {"tenths": 70}, ANEW, ANEW),
        (Feature.HISTORY, event("7"), {"remote_id": "8"}, ANEW, ANEW),
        # nobody can tell: what may have been added is not taken away
        (Feature.WATCHLIST, listed(movie(1)), None, AGAIN, ANEW),
        (Feature.WATCHLIST, listed(movie(1)), {"listed_at": NOW}, AGAIN, ANEW),
        (Feature.WATCHLIST, WatchlistEntry(item=movie(1), listed_at=NOW), {"listed_at": None}, AGAIN, ANEW),
        (Feature.HISTORY, event(None), None, AGAIN, ANEW),
        (Feature.HISTORY, event("7"), {"remote_id": None}, AGAIN, ANEW),
        (Feature.HISTORY, event(None), {"remote_id": "7"}, AGAIN, ANEW),
        (Feature.HISTORY, event(f"{MARKED}7"), {"remote_id": "7"}, AGAIN, ANEW),
        (Feature.HISTORY, event("7"), {"remote_id": f"{MARKED}7"}, AGAIN, ANEW),
    ],
)
def test_what_we_have_taken_away_is_put_beside_what_the_side_shows_now(
    feature: Feature, taken: Entry, shown: dict[str, Any] | None, once: str, told_before: str
) -> None:
    """`told_before`: if a read has shown since that it is gone."""
    key = {Feature.WATCHLIST: M1, Feature.RATINGS: R1, Feature.HISTORY: P1}[feature]
    for missing, expected in (
        (Missing(1, 0, NOW - HOUR), once),
        (Missing(1, 1, NOW - HOUR, NOW - 2 * HOUR), told_before),
        (TOGETHER, told_before),
    ):
        made = removal_plan(
            feature,
            [],
            [replace(taken, **shown or {})],
            {key: missing},
            taken={(TARGET, key): taken},
            values={R1: Values(80, 80)} if feature is Feature.RATINGS else {},
        )
        assert told(made) == {key: expected}
        assert made.gone == ((key,) if expected == ANEW else ())


def test_an_absence_that_proves_nothing_is_none() -> None:
    nowhere = {SOURCE: lambda _item: False}
    known = {R1: THERE}
    made = removal_plan(
        Feature.RATINGS, [], [rated(movie(1), 80)], known, values={R1: Values(80, 80)}, has_place=nowhere
    )
    assert told(made) == {R1: "skip absence_proves_nothing"}
    assert (made.gone, made.missing) == ((R1,), known), "agreed anew, without its value"


# --- what is remembered ---------------------------------------------------------------------------


def test_where_plays_keep_their_dates_no_event_is_remembered() -> None:
    rows = [play(movie(1), NOW)]
    assert removal_plan(Feature.HISTORY, rows, rows, {P1: THERE}, logs={P1: LogIds("7")}).logs == {}


@pytest.mark.parametrize(
    ("known", "rules"),
    [
        (NOW, {NOW: "skip missing_at_target_once", NOW + MINUTE: "skip recorded_twice"}),
        (NOW + MINUTE, {NOW: "skip recorded_twice", NOW + MINUTE: "skip missing_at_target_once"}),
    ],
)
def test_of_two_records_of_one_watching_the_agreed_one_stands_for_it(
    known: int, rules: dict[int, str]
) -> None:
    rows = [play(movie(1), at) for at in (NOW, NOW + MINUTE)]
    made = make_plan(Feature.HISTORY, rows, [], baseline={f"{M1}@{known}": THERE})
    assert told(made) == {f"{M1}@{at}": rule for at, rule in rules.items()}


@pytest.mark.parametrize(
    ("known", "moved"),
    [
        ({NOW: THERE}, 1),
        ({NOW: Missing(target=1)}, 1),
        ({NOW: Missing(source=1)}, 0),
        ({}, 0),
    ],
)
def test_a_play_that_only_counts_as_watched_may_have_moved_to_another_time(
    known: dict[int, Missing], moved: int
) -> None:
    """The source dates plays itself: it shows another time now, and counts the film as watched."""
    made = removal_plan(
        Feature.HISTORY,
        [play(movie(1), NOW + HOUR)],
        [play(movie(1), NOW)],
        {f"{M1}@{at}": missing for at, missing in known.items()},
        able=(UNDATED, FULL),
        watched={SOURCE: [movie(1)]},
    )
    assert told(made) == {P1: "agreed", f"{M1}@{NOW + HOUR}": "target only_at_source"}
    assert made.moved == moved


def test_what_counts_as_watched_at_the_target_has_not_moved() -> None:
    """The target's log shows one of two plays of what we have marked unwatched there: it is marked again."""
    early = NOW - HOUR
    made = removal_plan(
        Feature.HISTORY,
        [play(movie(1), early), play(movie(1), NOW)],
        [play(movie(1), NOW)],
        {f"{M1}@{early}": THERE, P1: THERE},
        able=(FULL, UNDATED),
        taken={(TARGET, P1): play(movie(1), NOW)},
    )
    assert [change.key for change in made.changes] == [P1]
    assert (made.agreed, made.moved) == ((f"{M1}@{early}", P1), 0)


def test_what_counts_as_watched_is_held() -> None:
    keys = [f"movie:tmdb:{number}@{NOW}" for number in (1, 2, 3)]
    made = removal_plan(
        Feature.HISTORY,
        [play(movie(number), NOW) for number in (1, 2, 3)],
        [],
        dict.fromkeys(keys, THERE),
        able=(FULL, UNDATED),
        watched={TARGET: [movie(1), movie(2)]},
    )
    assert (made.agreed, made.kept) == (tuple(keys[:2]), {SOURCE: 3, TARGET: 2})


def test_only_what_we_have_marked_unwatched_is_marked_again() -> None:
    plays = [play(movie(number), NOW) for number in (1, 2)]
    made = removal_plan(
        Feature.HISTORY, plays, plays, {}, able=(FULL, UNDATED), taken={(TARGET, P1): play(movie(1), NOW)}
    )
    assert [(change.side, change.key, change.rule) for change in made.changes] == [
        (TARGET, P1, "only_at_source")
    ]


@pytest.mark.parametrize("side", Side)
def test_a_side_that_is_to_stay_unwatched_is_noted_to_be_without_an_older_play(side: Side) -> None:
    """The play that was agreed is gone, and an older one is there that never was."""
    early = NOW - HOUR
    rows: dict[Side, list[Entry]] = {side: [], side.other: [play(movie(1), early)]}
    able = (UNDATED, FULL) if side is SOURCE else (FULL, UNDATED)
    made = removal_plan(Feature.HISTORY, rows[SOURCE], rows[TARGET], {P1: Missing(2, 0)}, able=able)
    assert told(made) == {f"{M1}@{early}": f"skip unwatched_at_{side}"}
    without = Missing(2, 0, NOW, 0) if side is SOURCE else Missing(0, 2, 0, NOW)
    assert made.missing == {f"{M1}@{early}": without, P1: Missing(2, 1, 0, NOW)}


def test_of_an_agreed_play_that_is_unwatched_nothing_new_is_noted() -> None:
    made = removal_plan(
        Feature.HISTORY, [play(movie(1), NOW)], [], {P1: Missing(target=2)}, able=(FULL, UNDATED)
    )
    assert (told(made), made.missing) == ({P1: "skip unwatched_at_target"}, {})


def test_that_the_source_of_a_one_way_pair_counts_a_film_as_watched_tells_no_play() -> None:
    made = removal_plan(
        Feature.HISTORY,
        [],
        [],
        {P1: Missing(target=1)},
        able=(UNDATED, FULL),
        watched={SOURCE: [movie(1)]},
        direction=ONE,
    )
    assert told(made) == {}


@pytest.mark.parametrize("side", Side)
def test_a_play_whose_time_has_moved_is_still_the_agreed_one(side: Side) -> None:
    moved, once = NOW + MINUTE, Missing(1, 0) if side is SOURCE else Missing(0, 1)
    rows: dict[Side, list[Entry]] = {side: [], side.other: [play(movie(1), moved)]}
    for event, expected in (("7", f"{side.other} removed_at_{side}"), (None, f"skip unwatched_at_{side}")):
        made = removal_plan(
            Feature.HISTORY,
            rows[SOURCE],
            rows[TARGET],
            {P1: once},
            able=(UNDATED, FULL) if side is SOURCE else (FULL, UNDATED),
            logs={P1: LogIds(event if side is SOURCE else "1", event if side is TARGET else "1")},
        )
        assert told(made) == {f"{M1}@{moved}": expected}


def test_what_another_side_lacks_has_not_moved() -> None:
    rows = [play(movie(1), NOW), play(movie(1), NOW + HOUR)]
    assert removal_plan(Feature.HISTORY, rows, [], {P1: THERE}).moved == 0


def test_only_plays_move() -> None:
    made = removal_plan(Feature.WATCHLIST, [listed(movie(2))], [listed(movie(1))], {M1: THERE}, direction=ONE)
    assert (told(made)["movie:tmdb:2"], made.moved) == ("target only_at_source", 0)


# --- copies ---------------------------------------------------------------------------------------


def test_an_item_without_ids_names_the_side_that_goes_without_it() -> None:
    lost = Play(item=Item(kind=Kind.MOVIE, title="Lost"), watched_at=NOW)
    settings = PairSettings(adds=frozenset())
    for side in Side:
        rows = {side: [lost], side.other: []}
        made = removal_plan(Feature.HISTORY, rows[SOURCE], rows[TARGET], {}, settings=settings)
        (row,) = made.skipped
        assert (row.side, row.key, row.rule) == (side.other, f"unknown:movie:lost@{NOW}", "adds_off")


def chosen(*copies: Entry, feature: Feature = Feature.WATCHLIST) -> Entry:
    """Return which of several copies is written, in whatever order they come."""
    (forth,) = make_plan(feature, copies, []).changes
    (back,) = make_plan(feature, copies[::-1], []).changes
    assert forth.entry == back.entry
    return forth.entry


def test_of_an_episodes_copies_the_one_whose_show_is_known_best_is_written() -> None:
    best = episode(5, 1, 2)
    best = replace(best, show_ids=Ids(tmdb=5, imdb="tt5"))
    other = replace(best, show_ids=Ids(imdb="tt5"), ids=Ids(tmdb=77))
    assert chosen(play(other, NOW), play(best, NOW), feature=Feature.HISTORY).item == best


def test_of_like_copies_one_with_a_title_is_written() -> None:
    named, nameless = replace(movie(1), title="300"), replace(movie(1), title=None)
    assert chosen(listed(nameless), listed(named)).item.title == "300"
    assert chosen(listed(replace(named, title="Heat")), listed(named)).item.title == "300", (
        "then by the title"
    )


def test_of_like_copies_one_that_has_an_id_of_its_own_is_written() -> None:
    rows = [WatchlistEntry(item=movie(1), remote_id=remote) for remote in (None, "8", "7")]
    assert chosen(*rows[:2]).remote_id == "8"
    assert chosen(*rows).remote_id == "7"


@pytest.mark.parametrize("days", [(None, 1), (0, 1), (NOW, NOW + 1)])
def test_of_like_copies_the_one_listed_last_is_written(days: tuple[int | None, int]) -> None:
    entry = chosen(*(WatchlistEntry(item=movie(1), listed_at=day) for day in days))
    assert isinstance(entry, WatchlistEntry)
    assert entry.listed_at == days[1]


@pytest.mark.parametrize("turned", [False, True])
def test_of_copies_the_one_rated_last_counts_since_the_first_second(turned: bool) -> None:
    rows = [rated(movie(1), 70, 0), rated(movie(1), 80, 1)]
    (change,) = make_plan(Feature.RATINGS, rows[::-1] if turned else rows, []).changes
    assert change.entry == rows[1]
