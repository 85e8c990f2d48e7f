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
        (Item(kind=Kind.SEASON, season=0), "? S00"),
        (Item(kind=Kind.SEASON, show_title="Dark", year=2017), "Dark (2017)"),
        (Item(kind=Kind.EPISODE, show_title="Dark", title="Lost and Found", season=2), "Lost and Found"),
        (Item(kind=Kind.EPISODE, show_title="Dark", title="Lost and Found", episode=5), "Lost and Found"),
    ],
)
def test_name_of_an_item(item: Item, name: str) -> None:
    assert item.name == name


def test_what_a_service_cut_in_the_middle_of_a_character_can_be_stored() -> None:
    assert Item(kind=Kind.MOVIE, title="Amélie").name == "Amélie"
    assert Item(kind=Kind.MOVIE, title="Am\udce9").name == "Am?"


@pytest.mark.parametrize(
    ("title", "show_title", "expected"),
    [
        (None, None, ("Pilot", "Dark", 2017)),
        ("", None, ("Pilot", "Dark", 2017)),
        ("Own", None, ("Own", None, 2000)),
        (None, "Own", (None, "Own", 2000)),
    ],
)
def test_an_item_without_names_takes_those_that_are_known(
    title: str | None, show_title: str | None, expected: tuple[str | None, str | None, int]
) -> None:
    known = Item(kind=Kind.EPISODE, title="Pilot", show_title="Dark", year=2017)
    item = Item(kind=Kind.EPISODE, title=title, show_title=show_title, year=2000, season=1)
    named = item.named_like(known)
    assert (named.title, named.show_title, named.year, named.season) == (*expected, 1)


@pytest.mark.parametrize(
    ("ids", "tokens"),
    [
        (Ids(), ()),
        (Ids(guid="g", tvdb=3, imdb="tt2", tmdb=1), ("tmdb:1", "imdb:tt2", "tvdb:3", "guid:g")),
        (Ids(tmdb=1), ("tmdb:1",)),
        (Ids(imdb="tt2"), ("imdb:tt2",)),
        (Ids(tvdb=3), ("tvdb:3",)),
        (Ids(guid="g"), ("guid:g",)),
    ],
)
def test_ids_come_best_first(ids: Ids, tokens: tuple[str, ...]) -> None:
    assert ids.tokens() == tokens
    assert bool(ids) is bool(tokens)
