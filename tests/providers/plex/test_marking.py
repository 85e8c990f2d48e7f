"""Writing history: only what is not watched is marked, once, and nothing but what is meant (2.9, 4.4)."""

from dataclasses import replace
from pathlib import Path
import threading
import time
from typing import Any

import pytest

from custom_components.crosswatch.providers.plex import serverside
from custom_components.crosswatch.providers.plex.marking import folders
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import (
    NO_IDS,
    Action,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Scope,
)
from custom_components.crosswatch.sync.provider import (
    AuthError,
    ForbiddenError,
    ProviderError,
    RateLimitedError,
    UnreachableError,
)
from tests.providers.plex.conftest import (
    NOON,
    SCOPE,
    World,
    apply,
    change,
    hex_key,
    listing,
    outcomes,
    read_plays,
)
from tests.simulators.base import When
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import Item as PlexItem

APPLIED, ALREADY = OutcomeStatus.APPLIED, OutcomeStatus.ALREADY
UNRESOLVED, FAILED, UNCERTAIN = OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED, OutcomeStatus.UNCERTAIN
SCROBBLE, UNSCROBBLE = "/:/scrobble", "/:/unscrobble"
THEN = NOON - 500_000


def movie(tmdb: int | None, at: int | None = THEN, **ids: Any) -> Play:
    return Play(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb, **ids)), watched_at=at)


def episode(show: int, season: int | None, number: int | None, at: int = THEN, **ids: Any) -> Play:
    item = Item(kind=Kind.EPISODE, ids=Ids(**ids), show_ids=Ids(tmdb=show), season=season, episode=number)
    return Play(item=item, watched_at=at)


async def mark(provider: PlexProvider, *plays: Play) -> list[tuple[OutcomeStatus, str | None]]:
    done = await apply(provider, *(change(play) for play in plays))
    return [done[change(play).key] for play in plays]


async def unmark(provider: PlexProvider, *plays: Play) -> list[tuple[OutcomeStatus, str | None]]:
    wanted = [change(play, Action.REMOVE) for play in plays]
    done = await apply(provider, *wanted)
    return [done[each.key] for each in wanted]


def views(world: World, *items: PlexItem, account: int = 1) -> list[int]:
    return [world.pms.user_state(account, item).view_count for item in items]


def written(world: World, path: str = SCROBBLE) -> list[str]:
    return [dict(request.query)["key"] for request in world.pms.requests(path)]


async def test_movie_and_episode(world: World) -> None:
    film, part = world.movie(603), world.episode(world.show(1399), 0, 0)
    provider = world.whole()
    assert await mark(provider, movie(603), episode(1399, 0, 0)) == [(APPLIED, None)] * 2
    assert views(world, film, part) == [1, 1]
    for request in world.pms.requests(SCROBBLE):
        assert request.method == "PUT"
        assert set(dict(request.query)) == {"identifier", "key"}


async def test_time_of_the_mark_is_told(world: World) -> None:
    """Plex says now; the true date is for the ledger to keep."""
    world.movie(603)
    (done,) = await outcomes(world.whole(), change(movie(603)))
    assert done.written_at == NOON
    assert done.remote_id == written(world)[0]


async def test_server_without_a_date(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.movie(603)
    provider = world.whole()
    monkeypatch.setattr("custom_components.crosswatch.providers.plex.limits.http_date", lambda _text: None)
    before = int(time.time())
    (done,) = await outcomes(provider, change(movie(603)))
    assert done.written_at is not None
    assert before <= done.written_at <= time.time()


async def test_watched_items_are_left_alone(world: World) -> None:
    film = world.movie(1)
    world.play(film, NOON - 60)
    assert await mark(world.whole(), movie(1)) == [(ALREADY, "already_watched")]
    assert views(world, film) == [1]
    assert world.pms.user_state(1, film).last_viewed_at == NOON - 60
    assert not written(world)


async def test_watched_since_the_catalogue_was_read(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    world.play(film, NOON - 60)
    assert await mark(provider, movie(1)) == [(ALREADY, "already_watched")]
    assert views(world, film) == [1]


async def test_two_plays_of_one_item_are_one_mark(world: World) -> None:
    film = world.movie(1)
    found = await mark(world.whole(), movie(1), movie(1, THEN + 90_000))
    assert found == [(APPLIED, None), (ALREADY, "already_watched")]
    assert views(world, film) == [1]


async def test_server_that_still_shows_old_state(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    await mark(provider, movie(1))
    world.pms.options.stale_writes = 1
    assert await mark(provider, movie(1, THEN + 9)) == [(ALREADY, "already_watched")]
    assert views(world, film) == [1]


async def test_half_watched_is_not_watched(world: World) -> None:
    """Finished elsewhere since then."""
    film = world.movie(1)
    world.pms.set_resume(1, film, 1_800_000, THEN - 60)
    assert await mark(world.whole(), movie(1)) == [(APPLIED, None)]
    assert views(world, film) == [1]


@pytest.mark.parametrize("at", [THEN, None])
async def test_mark_never_takes_a_later_position_along(world: World, tmp_path: Path, at: int | None) -> None:
    """Watched long ago elsewhere, and now again here: a mark would lose the place. Also one on the season."""
    film, show = world.movie(1), world.show(5)
    parts = season(world, show, 1, 3)
    for item in (film, parts[1]):
        world.pms.set_resume(1, item, 600_000, THEN + 60)
    provider = world.whole(state_dir=tmp_path)
    played = [replace(each, watched_at=at) for each in (movie(1), *(episode(5, 1, n) for n in (1, 2, 3)))]
    wait, done = (UNRESOLVED, "half_watched"), (APPLIED, None)
    for expected in (
        [wait, done, wait, done],
        [wait, (ALREADY, "already_watched"), wait, (ALREADY, "already_watched")],
    ):
        assert await mark(provider, *played) == expected
    assert world.pms.user_state(1, film).view_offset == 600_000
    assert world.pms.user_state(1, parts[1]).view_offset == 600_000
    assert written(world) == [str(parts[0].key), str(parts[2].key)]
    # two plays of it, one of them after that
    assert await mark(provider, movie(1), movie(1, THEN + 120)) == [done, (ALREADY, "already_watched")]


# --- resolving


@pytest.mark.parametrize(
    "ids",
    [
        Ids(tmdb=603),
        Ids(imdb="tt0000603"),
        Ids(tvdb=603),
        Ids(guid=f"plex://movie/{hex_key(603)}"),
        Ids(tmdb=603, imdb="tt7777777"),
    ],
)
async def test_any_id_will_do(world: World, ids: Ids) -> None:
    film = world.movie(603)
    await mark(world.whole(), Play(item=Item(kind=Kind.MOVIE, ids=ids), watched_at=THEN))
    assert views(world, film) == [1]


@pytest.mark.parametrize(
    "play",
    [
        movie(604),
        episode(1399, 1, 2),
        episode(1399, 2, 1),
        episode(603, 1, 1),
        Play(item=Item(kind=Kind.EPISODE, show_ids=Ids(imdb="tt0000001"), season=1, episode=1), watched_at=1),
    ],
)
async def test_not_in_library(world: World, play: Play) -> None:
    world.movie(603)
    world.episode(world.show(1399), 1, 1)
    assert await mark(world.whole(), play) == [(UNRESOLVED, "not_in_library")]
    assert not written(world)


@pytest.mark.parametrize(
    "item",
    [
        Item(kind=Kind.MOVIE, title="Movie 603", year=2000),
        Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=1399), season=1, title="Episode 1"),
        Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=1399), episode=1),
        Item(kind=Kind.EPISODE, season=1, episode=1, show_title="Show 1399"),
    ],
)
async def test_titles_are_never_matched(world: World, item: Item) -> None:
    world.movie(603)
    world.episode(world.show(1399), 1, 1)
    assert await mark(world.whole(), Play(item=item, watched_at=1)) == [(UNRESOLVED, "missing_ids")]
    assert not world.pms.requests(SCROBBLE)


async def test_numbers_of_movies_and_shows_are_apart(world: World) -> None:
    film = world.movie(1399)
    world.episode(world.show(1399), 1, 1)
    await mark(world.whole(), movie(1399))
    assert written(world) == [str(film.key)]


async def test_weaker_id_of_another_title(world: World) -> None:
    """It shares the imdb id, but the better one names another film."""
    world.movie(603, ids=TrueIds("tt0000001", 604, None))
    assert await mark(world.whole(), movie(603, imdb="tt0000001")) == [(UNRESOLVED, "ambiguous")]


async def test_ids_that_lead_to_two_films(world: World) -> None:
    world.movie(1, ids=TrueIds(None, 603, 11))
    world.movie(2, ids=TrueIds("tt0000603", None, 12))
    assert await mark(world.whole(), movie(603, imdb="tt0000603")) == [(UNRESOLVED, "ambiguous")]
    assert not written(world)


async def test_episode_id_and_numbers_that_disagree(world: World) -> None:
    show = world.show(1399)
    first = world.episode(show, 1, 1, ids=TrueIds(None, 111))
    world.episode(show, 1, 2, ids=TrueIds(None, 222))
    provider = world.whole()
    assert await mark(provider, episode(1399, 1, 2, tmdb=111)) == [(UNRESOLVED, "ambiguous")]
    assert await mark(provider, episode(1399, 1, 1, tmdb=111)) == [(APPLIED, None)]
    assert written(world) == [str(first.key)]


async def test_numbers_that_lead_to_another_id(world: World) -> None:
    """The library follows another order of episodes."""
    world.episode(world.show(1399), 1, 2, ids=TrueIds(None, 222))
    assert await mark(world.whole(), episode(1399, 1, 2, tmdb=111)) == [(UNRESOLVED, "ambiguous")]
    assert not written(world)


async def test_episode_by_its_own_id_alone(world: World) -> None:
    part = world.episode(world.show(1399), 1, 1, ids=TrueIds(None, 111))
    play = Play(item=Item(kind=Kind.EPISODE, ids=Ids(tmdb=111), show_ids=NO_IDS), watched_at=THEN)
    assert await mark(world.whole(), play) == [(APPLIED, None)]
    assert views(world, part) == [1]


async def test_copies_of_one_guid_are_one(world: World) -> None:
    other = world.pms.add_section("4K", "movie")
    first, copy = world.movie(1), world.movie(1, section=other)
    assert await mark(world.whole(), movie(1)) == [(APPLIED, None)]
    assert views(world, first, copy) == [1, 1]
    assert len(written(world)) == 1


async def test_copies_of_another_agent_are_marked_too(world: World) -> None:
    old = world.pms.add_section("Old", "movie", "com.plexapp.agents.imdb")
    first = world.movie(1)
    copy = world.movie(1, section=old, guid="com.plexapp.agents.imdb://tt0000001?lang=en", ids=TrueIds())
    provider = world.whole()
    assert await mark(provider, movie(1, imdb="tt0000001")) == [(APPLIED, None)]
    assert views(world, first, copy) == [1, 1]
    # one watched copy makes the title watched
    world.pms.mark_unwatched(1, copy)
    assert await mark(world.whole(), movie(1, imdb="tt0000001")) == [(ALREADY, "already_watched")]
    assert views(world, first, copy) == [1, 0]


async def test_second_copy_that_fails_loses_no_date(world: World) -> None:
    old = world.pms.add_section("Old", "movie", "com.plexapp.agents.imdb")
    world.movie(1)
    world.movie(1, section=old, guid="com.plexapp.agents.imdb://tt0000001?lang=en", ids=TrueIds())
    world.pms.inject(SCROBBLE, first=2, times=None, status=500)
    (done,) = await outcomes(world.whole(), change(movie(1, imdb="tt0000001")))
    assert (done.status, done.written_at) == (APPLIED, NOON)


async def test_only_the_libraries_that_count(world: World) -> None:
    other = world.pms.add_section("4K", "movie")
    first = world.movie(1)
    copy = world.movie(1, section=other, guid=f"plex://movie/{hex_key(99)}")
    scope = Scope(pair_id="pair", libraries={Feature.HISTORY: frozenset({str(other.id)})})
    await apply(world.whole(), change(movie(1)), scope=scope)
    assert views(world, first, copy) == [0, 1]
    await apply(world.whole(history_libraries=frozenset({str(world.shows.id)})), change(movie(1)))
    assert views(world, first, copy) == [0, 1]


async def test_library_that_is_gone_stops_everything(world: World) -> None:
    world.movie(1)
    with pytest.raises(ProviderError, match="99"):
        await mark(world.whole(history_libraries=frozenset({"99"})), movie(1))
    assert not written(world)


# --- keys that changed their meaning


async def test_key_that_names_another_item_now(world: World) -> None:
    """The library's counter may not tell; what is read right before the write does."""
    film = world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    key, before = film.key, world.movies.content_changed_at
    world.pms.delete_item(film)
    moved = world.pms.readd_item(film)
    usurper = world.movie(2, key=key)
    world.movies.content_changed_at = before
    assert await mark(provider, movie(1)) == [(APPLIED, None)]
    assert views(world, moved, usurper) == [1, 0]
    assert written(world) == [str(moved.key)]


async def test_item_that_is_gone(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    before = world.movies.content_changed_at
    world.pms.delete_item(film)
    world.movies.content_changed_at = before
    assert await mark(provider, movie(1)) == [(UNRESOLVED, "not_in_library")]


async def test_rematched_item(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    before = world.movies.content_changed_at
    world.pms.state.rematch(film, f"plex://movie/{hex_key(2)}")
    film.ids = TrueIds(None, 2)
    world.movies.content_changed_at = before
    assert await mark(provider, movie(1)) == [(UNRESOLVED, "not_in_library")]
    assert views(world, film) == [0]


async def test_item_without_ids_that_was_rematched(world: World) -> None:
    film = world.movie(1, ids=TrueIds())
    provider = world.whole()
    await read_plays(provider)
    before = world.movies.content_changed_at
    world.pms.state.rematch(film, f"plex://movie/{hex_key(2)}")
    world.movies.content_changed_at = before
    play = Play(item=Item(kind=Kind.MOVIE, ids=Ids(guid=f"plex://movie/{hex_key(1)}")), watched_at=THEN)
    assert await mark(provider, play) == [(UNRESOLVED, "not_in_library")]
    assert views(world, film) == [0]


async def test_listing_and_item_that_never_agree(world: World) -> None:
    """What is read right before the write decides, however often it is asked."""
    film = world.movie(1)
    row = {"ratingKey": str(film.key), "type": "movie", "guid": f"plex://movie/{hex_key(7)}"}
    world.pms.inject("/library/metadata/*", times=None, **listing(row))
    assert await mark(world.whole(), movie(1)) == [(UNRESOLVED, "not_in_library")]
    assert not written(world)


async def test_item_deleted_right_before_the_write(world: World) -> None:
    world.movie(1)
    world.pms.inject(SCROBBLE, status=404)
    assert await mark(world.whole(), movie(1)) == [(UNRESOLVED, "http:404")]


# --- whole seasons and shows


def season(world: World, show: PlexItem, number: int, count: int) -> list[PlexItem]:
    return [world.episode(show, number, each) for each in range(1, count + 1)]


async def test_whole_season_in_one_request(world: World) -> None:
    show = world.show(5)
    one, two = season(world, show, 1, 4), season(world, show, 2, 3)
    wanted = [episode(5, 1, number) for number in range(1, 5)]
    assert await mark(world.whole(), *wanted) == [(APPLIED, None)] * 4
    assert written(world) == [str(one[0].parent.key)]  # type: ignore[union-attr]
    assert views(world, *one, *two) == [1] * 4 + [0] * 3


async def test_whole_show_in_one_request(world: World) -> None:
    show = world.show(5)
    parts = season(world, show, 0, 2) + season(world, show, 1, 4)
    wanted = [episode(5, 0, 1), episode(5, 0, 2), *(episode(5, 1, number) for number in range(1, 5))]
    provider = world.whole()
    found = await outcomes(provider, *map(change, wanted))
    assert written(world) == [str(show.key)]
    assert views(world, *parts) == [1] * 6
    assert {done.written_at for done in found} == {NOON}
    assert {done.status for done in found} == {APPLIED}
    # one key for each, so that each can be found again
    assert {done.remote_id for done in found} == {str(part.key) for part in parts}


async def test_season_that_has_a_watched_episode(world: World) -> None:
    parts = season(world, world.show(5), 1, 4)
    world.play(parts[2], NOON - 60)
    found = await mark(world.whole(), *(episode(5, 1, number) for number in range(1, 5)))
    assert found == [(APPLIED, None)] * 2 + [(ALREADY, "already_watched")] + [(APPLIED, None)]
    assert views(world, *parts) == [1] * 4
    assert len(written(world)) == 3


async def test_season_that_is_not_meant_as_a_whole(world: World) -> None:
    parts = season(world, world.show(5), 1, 4)
    await mark(world.whole(), *(episode(5, 1, number) for number in range(1, 4)))
    assert views(world, *parts) == [1, 1, 1, 0]


async def test_season_that_grew_meanwhile(world: World) -> None:
    """An episode nobody meant, which the library's counter does not tell of."""
    show = world.show(5)
    season(world, show, 1, 3)
    provider = world.whole()
    await read_plays(provider)
    before = world.shows.content_changed_at
    late = world.episode(show, 1, 4)
    world.shows.content_changed_at = before
    await mark(provider, *(episode(5, 1, number) for number in range(1, 4)))
    assert views(world, late) == [0]
    assert len(written(world)) == 3


async def test_season_with_two_copies_of_an_episode(world: World) -> None:
    """One mark on the season would count twice for it."""
    show = world.show(5)
    first, second = season(world, show, 1, 2)
    twin = world.episode(show, 1, 2, guid=second.guid, ids=second.ids)
    await mark(world.whole(), episode(5, 1, 1), episode(5, 1, 2))
    assert views(world, first, second, twin) == [1, 1, 1]


async def test_two_episodes_with_one_guid(world: World) -> None:
    """They share their state: one mark for both, and none for the whole season."""
    show = world.show(5)
    first, second = season(world, show, 1, 2)
    twin = world.episode(show, 1, 3, guid=second.guid, ids=TrueIds())
    found = await mark(world.whole(), *(episode(5, 1, number) for number in (1, 2, 3)))
    assert found == [(APPLIED, None), (APPLIED, None), (ALREADY, "already_watched")]
    assert views(world, first, second, twin) == [1, 1, 1]


async def test_season_of_one_episode(world: World) -> None:
    (part,) = season(world, world.show(5), 1, 1)
    await mark(world.whole(), episode(5, 1, 1))
    assert written(world) == [str(part.key)]


async def test_season_whose_answer_is_lost(world: World) -> None:
    parts = season(world, world.show(5), 1, 3)
    world.pms.inject(SCROBBLE, drop=True, when=When.AFTER)
    found = await outcomes(world.whole(), *(change(episode(5, 1, number)) for number in range(1, 4)))
    assert {(done.status, done.written_at) for done in found} == {(APPLIED, NOON)}
    assert views(world, *parts) == [1, 1, 1]
    assert len(written(world)) == 1


# --- removing


async def test_unmark(world: World) -> None:
    film = world.movie(1)
    world.play(film, NOON - 60, NOON)
    provider = world.whole()
    assert await unmark(provider, movie(1)) == [(APPLIED, None)]
    assert views(world, film) == [0]
    assert len(world.pms.state.plays) == 2
    assert await unmark(provider, movie(1)) == [(ALREADY, "not_watched")]
    assert len(written(world, UNSCROBBLE)) == 1


async def test_unmark_then_mark_again(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    await mark(provider, movie(1))
    await unmark(provider, movie(1))
    assert await mark(provider, movie(1)) == [(APPLIED, None)]
    assert views(world, film) == [1]


async def test_unmark_what_is_not_there(world: World) -> None:
    assert await unmark(world.whole(), movie(1)) == [(UNRESOLVED, "not_in_library")]


async def test_unmark_all_watched_copies(world: World) -> None:
    old = world.pms.add_section("Old", "movie", "com.plexapp.agents.imdb")
    first = world.movie(1)
    copy = world.movie(1, section=old, guid="com.plexapp.agents.imdb://tt0000001?lang=en", ids=TrueIds())
    world.play(copy, NOON)
    await unmark(world.whole(), movie(1, imdb="tt0000001"))
    assert views(world, first, copy) == [0, 0]
    assert written(world, UNSCROBBLE) == [str(copy.key)]


async def test_unmark_is_safe_to_repeat(world: World) -> None:
    film = world.movie(1)
    world.play(film, NOON)
    world.pms.inject(UNSCROBBLE, drop=True, when=When.AFTER)
    assert await unmark(world.whole(), movie(1)) == [(APPLIED, None)]


async def test_unmark_what_was_watched_since_the_plays_were_read(world: World) -> None:
    """Nobody who planned the removal could know of that play."""
    film = world.movie(1)
    world.play(film, NOON - 60)
    provider = world.whole()
    await read_plays(provider)
    world.play(film, NOON + 60)
    assert await unmark(provider, movie(1)) == [(FAILED, "watched_meanwhile")]
    assert views(world, film) == [2]
    world.pms.clock = lambda: NOON + 120
    await read_plays(provider)
    assert await unmark(provider, movie(1)) == [(APPLIED, None)]


async def test_unmark_while_it_is_watched_again(world: World, tmp_path: Path) -> None:
    """That would take the resume position along."""
    film = world.movie(1)
    world.play(film, NOON - 60)
    world.pms.set_resume(1, film, 600_000, NOON - 30)
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    for _ in range(2):
        assert await unmark(provider, movie(1)) == [(UNRESOLVED, "watching_again")]
    assert views(world, film) == [1]
    assert world.pms.user_state(1, film).view_offset == 600_000
    world.play(film, NOON - 10)
    assert await unmark(provider, movie(1)) == [(APPLIED, None)]


# --- trouble


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 503}])
@pytest.mark.parametrize("when", list(When))
async def test_mark_is_never_sent_twice(world: World, fault: dict[str, Any], when: When) -> None:
    """Lost before or after it was taken: the server is asked instead."""
    film = world.movie(1)
    world.pms.inject(SCROBBLE, when=when, **fault)
    provider = world.whole()
    (done,) = await outcomes(provider, change(movie(1)))
    assert len(written(world)) == 1
    landed = when is When.AFTER
    assert views(world, film) == [int(landed)]
    assert done.status is (APPLIED if landed else UNCERTAIN)
    assert done.written_at == NOON
    # nor by the next run, for as long as the server may be slow to show it
    assert await mark(provider, movie(1, THEN + 9)) == [(ALREADY, "already_watched")]
    assert views(world, film) == [int(landed)]


async def test_answer_lost_and_no_way_to_ask(world: World) -> None:
    world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    world.pms.inject(SCROBBLE, drop=True, when=When.AFTER)
    world.pms.inject("/library/metadata/*", first=2, times=None, status=500)
    (done,) = await outcomes(provider, change(movie(1)))
    assert (done.status, done.reason, done.written_at) == (UNCERTAIN, "no_answer", NOON)


async def test_server_that_goes_away_stops_the_run(world: World) -> None:
    for number in range(1, 31):
        world.movie(number)
    provider = world.whole()
    wanted = [change(movie(number)) for number in range(1, 31)]
    seen: list[Outcome] = []

    async def write() -> None:
        async for done in provider.apply(Feature.HISTORY, wanted, SCOPE):
            seen.append(done)
            if len(seen) == 2:
                await world.pms.stop()

    with pytest.raises(UnreachableError):
        await write()
    assert len(seen) < 30
    assert sum(views(world, *world.pms.state.items.values())) == len(
        [request for request in world.pms.requests(SCROBBLE) if request.status == 200]
    )


async def test_busy_server(world: World) -> None:
    films = [world.movie(number) for number in range(1, 9)]
    world.pms.inject(SCROBBLE, first=2, times=3, status=429)
    found = await mark(world.whole(), *(movie(number) for number in range(1, 9)))
    assert found == [(APPLIED, None)] * 8
    assert views(world, *films) == [1] * 8


async def test_server_that_asks_for_a_long_break(world: World) -> None:
    world.movie(1)
    world.pms.inject(SCROBBLE, times=None, status=429, headers={"Retry-After": "100000"})
    with pytest.raises(RateLimitedError):
        await mark(world.whole(), movie(1))


async def test_refused_write_of_a_good_token(world: World) -> None:
    world.movie(1)
    world.pms.inject(SCROBBLE, times=None, status=403)
    assert await mark(world.whole(), movie(1)) == [(UNRESOLVED, "http:403")]


async def test_401_in_the_middle_is_not_a_dead_token(world: World) -> None:
    world.movie(1)
    world.movie(2)
    world.pms.inject(SCROBBLE, status=401)
    found = await mark(world.whole(), movie(1), movie(2))
    assert sorted(found) == [(APPLIED, None), (FAILED, "http:401")]


async def test_dead_token(world: World) -> None:
    world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    world.cloud.revoke(provider.account.token)
    world.pms.revoke(provider.account.server.token)  # type: ignore[union-attr]
    with pytest.raises(AuthError):
        await mark(provider, movie(1))


async def test_renewed_token(world: World) -> None:
    film = world.movie(1)
    provider = world.whole(world.account(token="outdated"))
    assert await mark(provider, movie(1)) == [(APPLIED, None)]
    assert views(world, film) == [1]


async def test_user_without_access(world: World) -> None:
    world.movie(1)
    world.pms.inject("/library/sections", times=None, status=403)
    with pytest.raises(ForbiddenError):
        await mark(world.whole(), movie(1))


async def test_wrong_server_behind_the_address(world: World) -> None:
    world.movie(1)
    provider = world.whole()
    await read_plays(provider)
    world.pms.machine_identifier = "another"
    with pytest.raises(ProviderError):
        await mark(provider, movie(1))
    assert not written(world)


async def test_home_user_marks_for_the_self(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin")
    world.cloud.share(world.pms, child)
    film = world.movie(1)
    assert await mark(world.whole(world.account(child)), movie(1)) == [(APPLIED, None)]
    assert views(world, film, account=child.id) == [1]
    assert views(world, film) == [0]


async def test_old_server_logs_the_mark(world: World) -> None:
    world.pms.options.scrobble_writes_history = True
    world.movie(1)
    provider = world.whole()
    (done,) = await outcomes(provider, change(movie(1)))
    assert [play.watched_at for play in await read_plays(provider)] == [done.written_at]


async def test_dry_run(world: World) -> None:
    with pytest.raises(ValueError, match="dry run"):
        await apply(world.whole(), change(movie(1)), scope=Scope(pair_id="pair", read_only=True))


async def test_seasons_are_looked_for_away_from_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a library of 100,000 episodes that takes a while."""
    threads: list[int] = []

    def look(*found: Any) -> set[str]:
        threads.append(threading.get_ident())
        return folders(*found)

    monkeypatch.setattr(serverside, "folders", look)
    season(world, world.show(5), 1, 3)
    await mark(world.whole(), *(episode(5, 1, number) for number in (1, 2, 3)))
    assert threads
    assert threading.get_ident() not in threads
    assert len(written(world)) == 1
