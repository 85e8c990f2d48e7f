"""What holds a whole plan: reads that look wrong, and more at once than a person is likely to have meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.sync.decisions import Decided, Decision
from custom_components.crosswatch.sync.guards import BRAKE_COUNT, MANY, Evidence, may_be_held, reason_to_hold
from custom_components.crosswatch.sync.models import (
    APART,
    Direction,
    Entry,
    Feature,
    Item,
    Kind,
    Missing,
    Side,
    Snapshot,
    Values,
)
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, listed, movie, play, rated, stopped
from .planning import make_plan

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
SOURCE, TARGET = Side.SOURCE, Side.TARGET
LISTS, HISTORY, RATINGS, PROGRESS = Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS
FULL = Capability(kinds=frozenset(Kind), add=True, update=True, remove=True)
REMOVALS = PairSettings(removals=frozenset(Feature))
ADDS_ONLY = PairSettings()
LOOSE = replace(REMOVALS, brake=False)
THERE = Missing()
LONG_GONE = {
    SOURCE: Missing(source=1, source_since=NOW - APART),
    TARGET: Missing(target=1, target_since=NOW - APART),
}
"""What a side is without for certain by now."""


def film(number: int) -> Item:
    """One of many films; there is none whose id is 0."""
    return movie(number + 1)


def key(number: int) -> str:
    """Key of a film."""
    return f"movie:tmdb:{number + 1}"


def keys(numbers: Iterable[int]) -> list[str]:
    """Keys of films."""
    return [key(number) for number in numbers]


def hold(
    source: Sequence[Entry],
    target: Sequence[Entry],
    baseline: Mapping[str, Missing],
    feature: Feature = LISTS,
    *,
    direction: Direction = TWO,
    settings: PairSettings = REMOVALS,
    watched: Mapping[Side, Sequence[Any]] | None = None,
    context: Mapping[str, Any] | None = None,
    **evidence: Any,
) -> str | None:
    """Plan two lists of entries, and tell why the plan is held."""
    made = make_plan(
        feature,
        source,
        target,
        direction=direction,
        baseline=baseline,
        settings=settings,
        watched=watched,
        **{"capabilities": dict.fromkeys(Side, FULL), **(context or {})},
    )
    snapshots = {
        side: Snapshot(
            feature=feature,
            entries=tuple(rows),
            scope_hash="s",
            read_at=NOW,
            watched=tuple((watched or {}).get(side, ())),
        )
        for side, rows in ((SOURCE, source), (TARGET, target))
    }
    told = Evidence(
        direction=direction, settings=settings, baseline=baseline, snapshots=snapshots, **evidence
    )
    return reason_to_hold(made, told)


def lists(
    source: Iterable[int],
    target: Iterable[int],
    agreed: Iterable[int] | Mapping[int, Missing],
    **more: Any,
) -> str | None:
    """Tell why a plan of two watchlists is held; `agreed` are films that both sides had when last read."""
    known = agreed if isinstance(agreed, Mapping) else dict.fromkeys(agreed, THERE)
    here, there = ([listed(film(number)) for number in numbers] for numbers in (source, target))
    return hold(here, there, {key(number): missing for number, missing in known.items()}, **more)


def one_side(side: Side, few: Iterable[int], many: Iterable[int]) -> tuple[Iterable[int], Iterable[int]]:
    """What both sides list: this one a few, the other one many."""
    return (few, many) if side is SOURCE else (many, few)


# --- what is looked at ----------------------------------------------------------------------------


def test_nothing_to_write_and_nothing_missing_is_never_held() -> None:
    assert lists([], range(8), range(8), settings=ADDS_ONLY) is None


def test_what_waits_for_a_second_look_may_be_held() -> None:
    assert lists([], range(8), range(8)) == "source_empty"
    rejected = {(TARGET, key(1)): Decision(side=TARGET, key=key(1), kind=Decided.REJECTED)}
    assert lists([], range(8), range(8), context={"decisions": rejected}) == "source_empty", "all but one"


def test_positions_come_and_go() -> None:
    gone = [stopped(film(number), 600) for number in range(1, 20)]
    baseline = dict.fromkeys(keys(range(1, 20)), THERE)
    settings = {"values": {each: Values(600_000, 600_000) for each in baseline}}
    new = stopped(film(90), 600)
    assert hold(gone, [new], baseline, PROGRESS, context=settings) is None
    plan = make_plan(PROGRESS, gone, [new], direction=TWO, baseline=baseline)
    assert plan.changes
    assert not may_be_held(plan)


# --- wrong reads ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("settings", [REMOVALS, LOOSE])
def test_a_side_that_shows_nothing_of_what_it_held_is_held(side: Side, settings: PairSettings) -> None:
    assert lists(*one_side(side, [], [1]), [1], settings=settings) == f"{side}_empty"
    assert lists(*one_side(side, [], [1]), [], settings=settings) is None, "a first run"
    assert lists(*one_side(side, [2], [1, 2]), [1, 2], settings=settings) is None


@pytest.mark.parametrize("side", Side)
def test_a_side_that_was_empty_before_may_be_empty(side: Side) -> None:
    agreed = {1: LONG_GONE[side], 2: LONG_GONE[side]}
    assert lists(*one_side(side, [], [1, 2]), agreed) is None
    assert lists(*one_side(side, [], [1, 2, 3]), {**agreed, 3: THERE}) == f"{side}_empty"


def test_a_side_that_counts_films_as_watched_is_not_empty() -> None:
    baseline = {f"{key(1)}@{NOW}": Missing(), f"{key(2)}@{NOW}": Missing()}
    undated = {"capabilities": {SOURCE: FULL, TARGET: replace(FULL, dated=False)}}
    plays = [play(film(1), NOW), play(film(2), NOW)]
    told = {
        number: hold(
            plays,
            [],
            baseline,
            HISTORY,
            direction=ONE,
            watched={TARGET: [film(each) for each in range(1, number + 1)]},
            context=undated,
        )
        for number in (0, 1)
    }
    assert told == {0: "target_empty", 1: None}


def test_what_we_have_taken_away_ourselves_is_gone_as_it_should_be() -> None:
    for taken, reason in (
        ({(SOURCE, key(1)), (SOURCE, key(2))}, None),
        ({(SOURCE, key(1))}, "source_empty"),
        ({(TARGET, key(1)), (TARGET, key(2))}, "source_empty"),
    ):
        assert lists([], [1, 2, 3], [1, 2], taken=frozenset(taken)) == reason
    mine = frozenset((SOURCE, each) for each in keys(range(8)))
    assert lists(range(8, 14), range(14), range(14)) == "source_lost_most"
    assert lists(range(8, 14), range(14), range(14), taken=mine) is None


@pytest.mark.parametrize("kind", Decided)
def test_what_a_person_has_rejected_holds_nothing_any_more(kind: Decided) -> None:
    def said(*numbers: int) -> dict[str, Any]:
        about = {(TARGET, key(n)): Decision(side=TARGET, key=key(n), kind=kind) for n in numbers}
        return {"context": {"decisions": about}}

    assert lists([], [1, 2, 3], [1, 2], **said(1)) == "source_empty"
    expected = None if kind is Decided.REJECTED else "source_empty"
    assert lists([], [1, 2, 3], [1, 2], **said(1, 2)) == expected


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("held", "lost", "too_much"),
    [
        (12, 6, False),
        (12, 7, True),
        (13, 6, False),
        (13, 7, True),
        (6, 5, False),
        (7, 6, True),
        (10, 5, False),
    ],
)
def test_a_side_that_lost_most_of_what_the_other_one_holds(
    side: Side, held: int, lost: int, too_much: bool
) -> None:
    both = one_side(side, range(lost, held), range(held))
    expected = f"{side}_lost_most" if too_much else None
    assert lists(*both, range(held)) == expected
    assert lists(*both, range(held), settings=LOOSE) == expected, "the guard is always on"


@pytest.mark.parametrize(
    ("direction", "settings", "held"),
    [
        (TWO, ADDS_ONLY, True),
        (ONE, REMOVALS, True),
        (ONE, ADDS_ONLY, False),
        (ONE, PairSettings(removals=frozenset([RATINGS])), False),
    ],
)
def test_what_the_source_lost_counts_where_something_follows_from_it(
    direction: Direction, settings: PairSettings, held: bool
) -> None:
    reason = lists([*range(8, 20), 90], range(20), range(14), direction=direction, settings=settings)
    assert reason == ("source_lost_most" if held else None)


@pytest.mark.parametrize("direction", Direction)
def test_what_was_missing_before_counts_only_where_it_is_written_again(direction: Direction) -> None:
    known = {number: LONG_GONE[TARGET] if number < 8 else THERE for number in range(14)}
    reason = lists(range(14), range(8, 14), known, direction=direction, settings=LOOSE)
    assert reason == ("target_lost_most" if direction is ONE else None)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("dead", "shown", "held"), [(2, 0, False), (3, 2, True), (3, 3, False), (4, 3, True)]
)
def test_what_nobody_touched_for_long_does_not_go_all_at_once(
    side: Side, dead: int, shown: int, held: bool
) -> None:
    films = range(40)
    oldest = keys([*range(dead), *range(40 - shown, 40)])
    both = one_side(side, films[dead:], films)
    assert lists(*both, films, canaries=oldest) == (f"{side}_lost_oldest" if held else None)


def test_as_many_that_are_younger_may_go() -> None:
    assert lists(range(3, 40), range(40), range(40), canaries=keys(range(30, 40))) is None
    # … nor does what is neither shown nor lost say anything
    assert lists(range(3, 40), range(40), range(40), canaries=keys(range(90, 100))) is None


@pytest.mark.parametrize(("moved", "held"), [(6, False), (7, True)])
def test_most_plays_at_another_time_are_another_clock(moved: int, held: bool) -> None:
    plays = [play(film(number), NOW) for number in range(1, 13)]
    shifted = [play(film(number), NOW + HOUR if number <= moved else NOW) for number in range(1, 13)]
    baseline = {f"{each}@{NOW}": THERE for each in keys(range(1, 13))}
    more: dict[str, Any] = {"direction": ONE, "settings": ADDS_ONLY}
    assert hold(shifted, plays, baseline, HISTORY, **more) == ("source_moved_most" if held else None)


# --- the brake ------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("held", "gone", "too_many"),
    [
        (3, 2, False),
        (4, 2, False),
        (4, 3, True),
        (9, 4, False),
        (9, 5, True),
        (10, 5, False),
        (10, 6, True),
        (14, 6, True),
        (20, 5, False),
        (20, 6, True),
        (59, 5, False),
        (59, 6, True),
        (60, 6, False),
        (60, 7, True),
    ],
)
def test_so_many_removals_at_once_wait(side: Side, held: int, gone: int, too_many: bool) -> None:
    known = {number: LONG_GONE[side.other] if number < gone else THERE for number in range(held)}
    both = one_side(side.other, range(gone, held), range(held))
    reason = f"too_many_removals_at_{side}" if too_many else None
    assert lists(*both, known) == reason
    assert lists(*both, known, settings=LOOSE) is None, "the brake may be released"


@pytest.mark.parametrize(
    ("kept", "due", "before", "too_many"),
    [
        (20, 3, range(50, 52), False),
        (20, 3, range(50, 53), True),
        # what is tried once more counts once
        (20, 5, range(5), False),
        (20, 5, range(6), True),
        # what is gone already was part of the list
        (57, 3, range(90, 93), False),
        (57, 4, range(90, 93), True),
        (7, 2, range(90, 93), False),
        (7, 3, range(90, 93), True),
        # nothing is due now
        (20, 0, range(50, 80), False),
    ],
)
def test_removals_of_a_day_count_together(kept: int, due: int, before: Iterable[int], too_many: bool) -> None:
    known = {number: LONG_GONE[SOURCE] if number < due else THERE for number in range(kept)}
    rows = [*range(due, kept), 99], range(kept)
    removed = keys(before)
    reason = "too_many_removals_at_target" if too_many else None
    assert lists(*rows, known, removed={TARGET: [*removed, *removed]}) == reason
    assert lists(*rows, known, removed={SOURCE: removed}) is None, "each side counts by itself"


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("before", "new", "doubled"),
    [
        (BRAKE_COUNT, 2 * MANY, False),
        (BRAKE_COUNT + 1, MANY, False),
        (BRAKE_COUNT + 1, MANY + 1, True),
        (60, 60, False),
        (60, 61, True),
    ],
)
def test_more_new_entries_than_the_side_held_are_another_way_to_name_them(
    side: Side, before: int, new: int, doubled: bool
) -> None:
    both = one_side(side, range(200, 200 + new), [])
    reason = f"{side}_doubled" if doubled else None
    assert lists(*both, [], entries={side: before}) == reason
    assert lists(*both, [], entries={side: before}, settings=LOOSE) is None
    assert lists(*both, [], entries={side.other: before}) is None
    assert lists(*both, []) is None, "nobody knows what it held"


def ratings(changed: int, side: Side, total: int = 12, lost: int = 0, **more: Any) -> str | None:
    """Tell why ratings are held of which a side changed some and the target lost some that were changed."""
    films = range(1, total + 1)
    same = {number: rated(film(number), 80) for number in films}
    other = {number: rated(film(number), 20 if number <= changed else 80) for number in films}
    kept = [entry for number, entry in same.items() if not changed - lost < number <= changed]
    rows = (list(other.values()), kept) if side is SOURCE else (kept, list(other.values()))
    names = [f"{each}#rating:overall" for each in keys(films)]
    values = {"values": dict.fromkeys(names, Values(80, 80))}
    missing = {
        name: LONG_GONE[TARGET] if changed - lost < n <= changed else THERE for n, name in enumerate(names, 1)
    }
    return hold(*rows, missing, RATINGS, context=values, **more)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("total", "changed", "most"), [(12, 6, False), (12, 7, True), (6, 5, False), (6, 6, True)]
)
def test_most_ratings_at_another_value_are_another_scale(
    side: Side, direction: Direction, total: int, changed: int, most: bool
) -> None:
    reason = f"{side}_changed_most" if most else None
    assert ratings(changed, side, total, direction=direction) == reason
    assert ratings(changed, side, total, direction=direction, settings=LOOSE) is None


def test_ratings_that_are_added_anew_have_not_changed() -> None:
    assert ratings(8, SOURCE, lost=3) is None
    assert ratings(8, SOURCE) == "source_changed_most"
