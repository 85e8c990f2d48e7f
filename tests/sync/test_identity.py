"""Typed keys and the alias table."""

import pytest

from custom_components.crosswatch.sync.identity import Aliases, AmbiguousIdsError, play_key
from custom_components.crosswatch.sync.models import Ids, Item, Kind

from .fakes import episode, movie


def learned(*items: Item, known: Aliases | None = None) -> Aliases:
    """Aliases that have learned the items."""
    aliases = known or Aliases()
    aliases.learn(items)
    return aliases


def test_keys_carry_the_kind() -> None:
    show = Item(kind=Kind.SHOW, ids=Ids(tmdb=1399))
    season = Item(kind=Kind.SEASON, show_ids=Ids(tmdb=1399), season=0)
    aliases = learned(movie(1399), show, season, episode(1399, 1, 5))
    assert aliases.key(movie(1399)) == "movie:tmdb:1399"
    assert aliases.key(show) == "show:tmdb:1399"
    assert aliases.key(season) == "season:tmdb:1399:s00"
    assert aliases.key(episode(1399, 1, 5)) == "episode:tmdb:1399:s01e05"
    assert aliases.key(episode(1399, 0, 0)) == "episode:tmdb:1399:s00e00"


def test_play_key_has_the_time_and_zero_is_a_time() -> None:
    assert play_key("movie:tmdb:1", 0) == "movie:tmdb:1@0"
    assert play_key("movie:tmdb:1", None) == "movie:tmdb:1@unknown"


def test_two_sides_with_different_ids_meet_over_a_third() -> None:
    aliases = learned(movie(imdb="tt1"), movie(7), movie(7, "tt1"))
    assert aliases.key(movie(imdb="tt1")) == aliases.key(movie(7)) == "movie:tmdb:7"


def test_a_better_id_later_keeps_the_key() -> None:
    first = learned(movie(imdb="tt1"))
    assert first.key(movie(imdb="tt1")) == "movie:imdb:tt1"
    later = learned(movie(7, "tt1"), known=Aliases(first.learned))
    assert later.key(movie(7, "tt1")) == "movie:imdb:tt1"
    assert later.key(movie(7)) == "movie:imdb:tt1"
    assert later.learned == {"movie:tmdb:7": "movie:imdb:tt1"}


def test_two_known_titles_that_prove_to_be_one_are_joined_and_stored_keys_follow() -> None:
    known = learned(movie(imdb="tt1"), movie(7))
    later = learned(movie(7, "tt1"), known=Aliases(known.learned))
    assert later.key(movie(imdb="tt1")) == "movie:tmdb:7"
    assert later.current("movie:imdb:tt1") == "movie:tmdb:7"
    assert later.current("movie:imdb:tt1@55") == "movie:tmdb:7@55"
    assert later.learned["movie:imdb:tt1"] == "movie:tmdb:7"


def test_stored_episode_keys_follow_their_show() -> None:
    known = Aliases({"show:tvdb:9": "show:tvdb:9", "show:tmdb:5": "show:tmdb:5"})
    known.learn([Item(kind=Kind.SHOW, ids=Ids(tmdb=5, tvdb=9))])
    assert known.current("episode:tvdb:9:s01e02") == "episode:tmdb:5:s01e02"
    assert known.current("episode:tvdb:9:s01e02@66") == "episode:tmdb:5:s01e02@66"


def test_a_weak_id_shared_by_two_titles_joins_nothing_and_alone_is_ambiguous() -> None:
    aliases = learned(movie(1, "tt1"), movie(2, "tt1"), movie(imdb="tt1"))
    assert aliases.key(movie(1, "tt1")) == "movie:tmdb:1"
    assert aliases.key(movie(2, "tt1")) == "movie:tmdb:2"
    with pytest.raises(AmbiguousIdsError):
        aliases.key(movie(imdb="tt1"))


def test_a_strong_id_outweighs_a_weak_one_that_differs() -> None:
    aliases = learned(movie(1, "tt1"), movie(1, "tt2"))
    assert aliases.key(movie(imdb="tt1")) == aliases.key(movie(imdb="tt2")) == "movie:tmdb:1"


def test_order_of_reading_does_not_matter() -> None:
    items = [movie(1, "tt1"), movie(2, "tt1"), movie(imdb="tt3"), movie(3, "tt3"), movie(3)]
    forward, backward = learned(*items), learned(*reversed(items))
    assert forward.learned == backward.learned


def test_an_item_without_ids_has_a_key_that_matches_nothing() -> None:
    lost = Item(kind=Kind.MOVIE, title="Lost Film", year=1999)
    assert learned(lost).key(lost) == "unknown:movie:lost film (1999)"
    numberless = Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=5), season=1, title="Pilot")
    assert learned(numberless).key(numberless).startswith("unknown:episode:")
