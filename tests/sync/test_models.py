"""What things are called."""

import pytest

from custom_components.crosswatch.sync.models import Ids, Item, Kind


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (Item(kind=Kind.MOVIE, title="Heat", year=1995), "Heat (1995)"),
        (Item(kind=Kind.MOVIE, title="Heat"), "Heat"),
        (Item(kind=Kind.SHOW, title="Dark", year=2017), "Dark (2017)"),
        (Item(kind=Kind.SEASON, show_title="Dark", season=2), "Dark S02"),
        (
            Item(kind=Kind.EPISODE, show_title="Dark", season=2, episode=5, title="Lost and Found"),
            "Dark S02E05",
        ),
        (Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=70523), season=0, episode=1), "? S00E01"),
        (Item(kind=Kind.MOVIE, ids=Ids(tmdb=949)), "tmdb:949"),
        (Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=70523)), "tmdb:70523"),
        (Item(kind=Kind.MOVIE), "?"),
    ],
)
def test_name_of_an_item(item: Item, name: str) -> None:
    assert item.name == name
