"""Typed keys and the alias table."""

from itertools import permutations

from hypothesis import given, settings, strategies as st
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


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*(st.none() | st.integers(1, 3) for _ in range(4))).filter(any), min_size=1, max_size=5
    ),
    known=st.lists(st.tuples(*(st.none() | st.integers(1, 3) for _ in range(4))).filter(any), max_size=2),
)
def test_order_never_matters(rows: list[tuple[int | None, ...]], known: list[tuple[int | None, ...]]) -> None:
    stored = learned(*(film(*row) for row in known)).learned
    items = [film(*row) for row in rows]
    results = set()
    for order in permutations(items):
        aliases = learned(*order, known=Aliases(stored))
        keys = tuple(key_or_none(aliases, item) for item in items)
        results.add((keys, frozenset(aliases.learned.items())))
        assert all(aliases.current(key) == key for key in keys if key)
        # learning the same again teaches nothing
        before = dict(aliases.learned)
        aliases.learn(order)
        assert (aliases.learned, tuple(key_or_none(aliases, item) for item in items)) == (before, keys)
    assert len(results) == 1


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    rows=st.lists(
        st.tuples(*(st.none() | st.integers(1, 3) for _ in range(4))).filter(any), min_size=1, max_size=6
    )
)
def test_titles_with_different_best_ids_are_never_joined(rows: list[tuple[int | None, ...]]) -> None:
    aliases = learned(*(film(*row) for row in rows))
    keys = {row[0]: key_or_none(aliases, film(*row)) for row in rows if row[0] is not None}
    assert len(set(keys.values())) == len(keys)
    assert None not in keys.values()


def film(tmdb: int | None, imdb: int | None, tvdb: int | None, guid: int | None) -> Item:
    """Make a film from small numbers."""
    return Item(
        kind=Kind.MOVIE,
        ids=Ids(
            tmdb=tmdb,
            imdb=None if imdb is None else f"tt{imdb}",
            tvdb=tvdb,
            guid=None if guid is None else f"plex://movie/{guid}@home",
        ),
    )


def key_or_none(aliases: Aliases, item: Item) -> str | None:
    """Return the key, None for an ambiguous item."""
    try:
        return aliases.key(item)
    except AmbiguousIdsError:
        return None


def test_an_ambiguous_id_is_not_given_to_the_title_that_sorts_first() -> None:
    aliases = learned(Item(kind=Kind.MOVIE, ids=Ids(imdb="tt1", tvdb=5)), movie(1, "tt1"), movie(2, "tt1"))
    keys = {aliases.key(movie(1)), aliases.key(movie(2)), aliases.key(Item(kind=Kind.MOVIE, ids=Ids(tvdb=5)))}
    assert len(keys) == 3


def test_a_title_known_by_an_id_that_becomes_ambiguous_keeps_its_key() -> None:
    known = learned(movie(imdb="tt1"))
    later = learned(movie(1, "tt1"), movie(2, "tt1"), known=Aliases(known.learned))
    assert (later.key(movie(1)), later.key(movie(2))) == ("movie:tmdb:1", "movie:tmdb:2")
    assert later.current("movie:imdb:tt1") == "movie:imdb:tt1"
    assert later.contested(movie(2, "tt1")) == {"movie:imdb:tt1"}


def test_stored_keys_are_translated_by_whoever_reads_the_table() -> None:
    first = learned(movie(imdb="tt1"), movie(7))
    joined = learned(movie(7, "tt1"), known=Aliases(first.learned))
    again = Aliases({**first.learned, **joined.learned})
    assert again.current("movie:imdb:tt1") == "movie:tmdb:7"
    assert again.current("movie:imdb:tt1@55") == "movie:tmdb:7@55"
    assert again.current("movie:imdb:unheard@55") == "movie:imdb:unheard@55"
    assert again.current("episode:tmdb:404:s01e02@66") == "episode:tmdb:404:s01e02@66"
    guid = Aliases({"movie:guid:a@b": "movie:tmdb:1", "show:guid:x://y:z@w": "show:tmdb:2"})
    assert guid.current("movie:guid:a@b") == "movie:tmdb:1"
    assert guid.current("movie:guid:a@b@77") == "movie:tmdb:1@77"
    assert guid.current("episode:guid:x://y:z@w:s00e01@77") == "episode:tmdb:2:s00e01@77"


def test_a_given_up_key_follows_even_if_its_id_has_become_ambiguous() -> None:
    known = learned(film(None, 1, 5, None), film(3, None, None, None)).learned
    later = learned(film(3, None, 5, None), movie(1, "tt1"), movie(2, "tt1"), known=Aliases(known))
    assert later.current("movie:imdb:tt1") == "movie:tmdb:3"
    with pytest.raises(AmbiguousIdsError):
        later.key(movie(imdb="tt1"))


@pytest.mark.parametrize("shared", [2, 3])
def test_any_better_id_that_differs_keeps_titles_apart(shared: int) -> None:
    for better in range(shared):
        one: list[int | None] = [None] * 4
        two: list[int | None] = [None] * 4
        one[better], two[better] = 1, 2
        one[shared] = two[shared] = 5
        aliases = learned(film(*one), film(*two))
        assert aliases.key(film(*one)) != aliases.key(film(*two))


def test_an_id_between_two_titles_joins_one_of_them_whatever_the_order() -> None:
    rows = [film(1, None, 1, None), film(None, 1, 1, None), film(None, 1, 2, None), film(2, None, 2, None)]
    results = {tuple(learned(*order).key(row) for row in rows) for order in permutations(rows)}
    assert len(results) == 1
