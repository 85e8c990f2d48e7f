"""Groups of writes: by number, or what one request can mark together."""

from collections.abc import Sequence

from hypothesis import given, strategies as st
import pytest

from custom_components.crosswatch.sync.chunks import TOGETHER, chunks
from custom_components.crosswatch.sync.models import Action, Change, Feature, Item, Kind, Play, Side


def change(key: str) -> Change:
    """Return a planned play; the key is all that counts."""
    kind = Kind(key.partition(":")[0])
    return Change(
        feature=Feature.HISTORY,
        side=Side.TARGET,
        action=Action.ADD,
        key=key,
        entry=Play(item=Item(kind=kind), watched_at=None),
        rule="test",
    )


def episodes(show: int, season: int, count: int, first: int = 1) -> list[Change]:
    """Return plays of a season, days apart."""
    return [
        change(f"episode:tmdb:{show}:s{season:02d}e{number:02d}@{number * 86_400}")
        for number in range(first, first + count)
    ]


def movies(count: int) -> list[Change]:
    """Return plays of movies."""
    return [change(f"movie:tmdb:{number}@{number}") for number in range(count)]


def sizes(changes: Sequence[Change], *, together: bool = True, size: int = 20) -> list[int]:
    """Return how many changes each group has."""
    return [len(group) for group in chunks(changes, size, together=together)]


def test_by_number() -> None:
    assert sizes([], together=False) == sizes([]) == []
    assert sizes(movies(45), together=False) == sizes(movies(45)) == [20, 20, 5]
    assert sizes(episodes(1, 1, 45), together=False) == [20, 20, 5]


def test_a_show_stays_together_wherever_its_episodes_stand() -> None:
    mixed = [each for pair in zip(movies(30), episodes(1, 1, 30), strict=True) for each in pair]
    groups = list(chunks(mixed, 20, together=True))
    (whole,) = [group for group in groups if any("episode" in each.key for each in group)]
    assert [each for each in whole if "episode" in each.key] == episodes(1, 1, 30)


def test_small_shows_share_a_group() -> None:
    some = [each for show in range(10) for each in episodes(show, 1, 5)]
    assert sizes(some) == [20, 20, 10]


def test_a_long_show_is_split_by_seasons_and_a_long_season_by_number() -> None:
    assert sizes(episodes(1, 1, TOGETHER)) == [TOGETHER]
    long = [*episodes(1, 2, 200), *episodes(1, 1, 200), *episodes(1, 0, 1)]
    groups = list(chunks(long, 20, together=True))
    assert [len(group) for group in groups] == [1, 200, 200]
    for group, season in zip(groups, (0, 1, 2), strict=True):
        assert all(each.key.startswith(f"episode:tmdb:1:s{season:02d}e") for each in group)
    assert sizes(episodes(1, 1, 2 * TOGETHER + 1)) == [TOGETHER, TOGETHER, 1]


@pytest.mark.parametrize("together", [False, True])
@given(
    keys=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 400)), unique=True),
    size=st.integers(1, 50),
)
def test_nothing_is_lost_doubled_or_torn(keys: list[tuple[int, int, int]], size: int, together: bool) -> None:
    changes = [
        change(f"episode:tmdb:{show}:s{season}e{number}@1" if show else f"movie:tmdb:{number}@{season}")
        for show, season, number in keys
    ]
    groups = list(chunks(changes, size, together=together))
    assert sorted(each.key for group in groups for each in group) == sorted(each.key for each in changes)
    assert all(groups)
    assert all(len(group) <= max(size, TOGETHER if together else 0) for group in groups)
