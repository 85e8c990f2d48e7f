"""Pairing the plays of one item, against trying everything."""

from itertools import permutations

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.crosswatch.sync.matching import DAY, match_plays
from custom_components.crosswatch.sync.models import Play

from .fakes import movie

TIMES = st.lists(st.integers(0, 60), max_size=5)


def plays(*times: int | None) -> list[Play]:
    """Make plays of one film."""
    return [Play(item=movie(1), watched_at=at) for at in times]


def pair(
    here: list[Play], there: list[Play], window: int, known: frozenset[int | None] = frozenset()
) -> tuple[list[tuple[int | None, int | None]], list[int | None], list[int | None]]:
    """Pair and tell the times."""
    matched = match_plays(here, there, window, lambda play: play.watched_at in known)
    assert sorted([i for i, _ in matched.pairs] + list(matched.only_here)) == list(range(len(here)))
    assert sorted([j for _, j in matched.pairs] + list(matched.only_there)) == list(range(len(there)))
    return (
        [(here[i].watched_at, there[j].watched_at) for i, j in matched.pairs],
        [here[i].watched_at for i in matched.only_here],
        [there[j].watched_at for j in matched.only_there],
    )


def best(
    here: list[int], there: list[int], window: int, known: frozenset[int | None]
) -> tuple[int, int, int]:
    """Try all ways: most pairs, then most known plays, then least apart."""
    if len(here) > len(there):
        here, there = there, here
    found = (0, 0, 0)
    for order in permutations(there, len(here)):
        pairs = [(a, b) for a, b in zip(here, order, strict=True) if abs(a - b) <= window]
        score = (
            len(pairs),
            sum((a in known) + (b in known) for a, b in pairs),
            -sum(abs(a - b) for a, b in pairs),
        )
        found = max(found, score)
    return found


@settings(max_examples=400, derandomize=True, deadline=None)
@given(here=TIMES, there=TIMES, window=st.integers(0, 30), known=st.frozensets(st.integers(0, 60)))
def test_no_way_to_pair_is_better(
    here: list[int], there: list[int], window: int, known: frozenset[int]
) -> None:
    # far apart from each other, what is known on both sides is another rule
    pairs, only_here, only_there = pair(plays(*here), plays(*there), window, known)
    near = [(a, b) for a, b in pairs if a is not None and b is not None and abs(a - b) <= window]
    score = (
        len(near),
        sum((a in known) + (b in known) for a, b in near),
        -sum(abs(a - b) for a, b in near),
    )
    assert score == best(here, there, window, known)
    assert not [(a, b) for a, b in pairs if (a, b) not in near and not {a, b} <= known]
    assert not (known.intersection(only_here) and known.intersection(only_there))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(here=TIMES, there=TIMES, window=st.integers(0, 30))
def test_sides_may_be_swapped(here: list[int], there: list[int], window: int) -> None:
    forth = pair(plays(*here), plays(*there), window)
    back = pair(plays(*there), plays(*here), window)
    assert (len(forth[0]), len(forth[1]), len(forth[2])) == (len(back[0]), len(back[2]), len(back[1]))


@pytest.mark.parametrize(
    ("here", "there", "known", "expected"),
    [
        ([None], [5], (), [(None, 5)]),
        ([5], [None], (), [(5, None)]),
        ([None], [5, 9], (), [(None, 5)]),
        ([None], [5, 9], (9,), [(None, 9)]),
        ([5, 9], [None], (9,), [(9, None)]),
        ([None], [5, None], (), [(None, None)]),
        ([None, None], [5, None], (), [(None, None), (None, 5)]),
        ([None, 7], [None, None], (), [(None, None), (7, None)]),
        ([None, 5], [5], (), [(5, 5)]),
        ([None, 5], [6], (), [(5, 6)]),
    ],
)
def test_plays_without_a_date(
    here: list[int | None],
    there: list[int | None],
    known: tuple[int, ...],
    expected: list[tuple[int | None, int | None]],
) -> None:
    assert pair(plays(*here), plays(*there), 2, frozenset(known))[0] == expected


@pytest.mark.parametrize("turned", [False, True])
def test_of_plays_that_are_equally_near_the_older_one_counts(turned: bool) -> None:
    one, two = plays(10), plays(0, 20)
    found, _, _ = pair(two, one, 15) if turned else pair(one, two, 15)
    assert found == [(0, 10) if turned else (10, 0)]


def test_plays_may_be_given_in_any_order() -> None:
    for here in ((0, 100, 200), (200, 0, 100), (100, 200, 0)):
        found, _, _ = pair(plays(*here), plays(101, 201, 1, 400), 5)
        assert sorted(found, key=str) == [(0, 1), (100, 101), (200, 201)]


@pytest.mark.parametrize(("apart", "known", "pairs"), [(DAY, 2, 1), (DAY + 1, 2, 0), (DAY, 1, 0), (10, 1, 0)])
def test_known_plays_stay_one_within_a_day(apart: int, known: int, pairs: int) -> None:
    found, _, _ = pair(plays(0), plays(apart), 0, frozenset((0, apart)[:known]))
    assert len(found) == pairs


def test_a_thousand_plays_of_one_item_take_no_time() -> None:
    here = plays(*(n * 100 for n in range(1000)))
    there = plays(*(n * 100 + 7 for n in range(1000)))
    assert len(pair(here, there, 150)[0]) == 1000
