"""The catalogue: ids, numbers and state of every item from listings alone (2.5, 5.1)."""

import asyncio
import threading

from aiohttp import web
import pytest

from custom_components.crosswatch.providers.plex import client as client_module
from custom_components.crosswatch.providers.plex.client import PlexServerClient
from custom_components.crosswatch.providers.plex.library import (
    Catalogue,
    Row,
    choose_sections,
    read_catalogue,
    read_sections,
)
from custom_components.crosswatch.sync.models import Kind
from custom_components.crosswatch.sync.provider import BadAnswerError
from tests.providers.plex.conftest import CLIENT_ID, NOON, World, hex_key, listing
from tests.simulators.base import Handler
from tests.simulators.library import Ids as TrueIds

LISTING = "/library/sections/*/all"


def client_of(world: World) -> PlexServerClient:
    token = world.cloud.server_token(world.owner, world.pms)
    return PlexServerClient(world.session, world.pms.url, CLIENT_ID, token, backoff=0)


async def read(world: World, client: PlexServerClient | None = None) -> Catalogue:
    client = client or client_of(world)
    return await read_catalogue(client, choose_sections(await read_sections(client), frozenset()))


async def test_sections(world: World) -> None:
    rows = (
        {"key": "1", "type": "movie", "title": "Movies", "contentChangedAt": 7},
        {"key": "2", "type": "show", "title": "TV"},
        {"key": "3", "type": "artist"},
        {"key": "4", "type": "photo"},
    )
    world.pms.inject("/library/sections", **listing(*rows, name="Directory"))
    movies, shows = await read_sections(client_of(world))
    assert (movies.id, movies.kind, movies.title, movies.changed) == ("1", Kind.MOVIE, "Movies", 7)
    assert (shows.id, shows.kind, shows.changed) == ("2", Kind.SHOW, None)


async def test_state_of_the_user(world: World) -> None:
    movie, unseen = world.movie(1, duration=6_000_000), world.movie(2)
    world.play(movie, NOON, NOON + 60)
    world.pms.rate(1, movie, 8.5, NOON + 70)
    world.pms.set_resume(1, movie, 1_800_000, NOON + 80)
    catalogue = await read(world)
    row = catalogue.rows[str(movie.key)]
    assert (row.view_count, row.last_viewed_at, row.view_offset, row.duration) == (
        2,
        NOON + 80,
        1_800_000,
        6_000_000,
    )
    assert (row.rating, row.rated_at) == (8.5, NOON + 70)
    assert (row.section, row.guid) == (str(world.movies.id), f"plex://movie/{hex_key(1)}")
    blank = catalogue.rows[str(unseen.key)]
    assert (blank.view_count, blank.last_viewed_at, blank.view_offset, blank.rating) == (0, None, None, None)


async def test_lookups_are_sets(world: World) -> None:
    other = world.pms.add_section("4K", "movie")
    first, copy = world.movie(1399), world.movie(1399, section=other)
    show = world.show(1399)
    special = world.episode(show, 0, 0)
    catalogue = await read(world)
    both = {str(first.key), str(copy.key)}
    # movie 1399 and show 1399 are two things
    assert catalogue.by_id[Kind.MOVIE, "tmdb:1399"] == both
    assert catalogue.by_id[Kind.SHOW, "tmdb:1399"] == {str(show.key)}
    assert catalogue.by_number["tmdb:1399", 0, 0] == {str(special.key)}
    assert catalogue.by_number["imdb:tt0001399", 0, 0] == {str(special.key)}


async def test_rows_are_asked_for_trimmed(world: World) -> None:
    world.episode(world.show(1), 1, 1)
    world.movie(2)
    client = client_of(world)
    await read(world, client)
    assert client.trimming.on
    for request in world.pms.requests(LISTING):
        query = dict(request.query)
        assert query["includeGuids"] == "1"
        assert "Media" in query["excludeElements"].split(",")
        assert "Guid" not in query["excludeElements"].split(",")


async def test_server_whose_trimming_takes_the_ids(world: World) -> None:
    """Then rows are read in full, and the server is remembered as such."""
    episode = world.episode(world.show(1), 1, 1)
    movie = world.movie(2)
    client = client_of(world)
    strip_guids_when_trimmed(world)
    catalogue = await read(world, client)
    assert not client.trimming.on
    assert catalogue.rows[str(movie.key)].item.ids.tmdb == 2
    assert catalogue.rows[str(episode.key)].item.show_ids.tmdb == 1
    world.pms.log.clear()
    await read(world, client)
    assert len(world.pms.requests(LISTING)) == 3


def strip_guids_when_trimmed(world: World) -> None:
    """Let the server drop ids from every row it trims (open question 8)."""
    answer = world.pms._answer

    async def without_guids(request: web.Request, handler: Handler) -> web.StreamResponse:
        if "excludeElements" in request.query:
            world.pms.options.supports_guids = False
            try:
                return await answer(request, handler)
            finally:
                world.pms.options.supports_guids = True
        return await answer(request, handler)

    world.pms._answer = without_guids  # type: ignore[method-assign]


async def test_items_without_ids_are_not_mistaken_for_lost_ones(world: World) -> None:
    world.movie(1, ids=TrueIds())
    client = client_of(world)
    await read(world, client)
    assert client.trimming.on
    # sections, movies, shows, episodes, and one item in full
    assert client.requests == 5


async def test_legacy_library_needs_no_second_look(world: World) -> None:
    world.movie(1, guid="com.plexapp.agents.imdb://tt0133093?lang=en", ids=TrueIds())
    world.movie(2, guid="local://1", ids=TrueIds())
    client = client_of(world)
    await read(world, client)
    assert client.requests == 4


async def test_no_more_at_once_than_allowed(world: World) -> None:
    for number in range(1, 60):
        world.movie(number)
    running = most = 0
    answer = world.pms._answer

    async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        try:
            return await answer(request, handler)
        finally:
            running -= 1

    world.pms._answer = counted  # type: ignore[method-assign]
    client = PlexServerClient(
        world.session, world.pms.url, CLIENT_ID, world.cloud.server_token(world.owner, world.pms), parallel=3
    )
    rows = await client.pages("library/sections/1/all", {"type": 1}, lambda row: row["ratingKey"], size=2)
    assert len(rows) == 59
    assert most <= 3


async def test_big_pages_are_parsed_away_from_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 300):
        world.movie(number)
    threads: set[int] = set()

    def convert(row: object) -> object:
        threads.add(threading.get_ident())
        return row

    client = client_of(world)
    await client.pages("library/sections/1/all", {"type": 1}, convert)
    assert threads
    assert threading.get_ident() not in threads
    threads.clear()
    monkeypatch.setattr(client_module, "SMALL", 2**30)
    await client.pages("library/sections/1/all", {"type": 1}, convert)
    assert threads == {threading.get_ident()}


def test_seasons() -> None:
    """Ready for ratings, which exist on seasons too."""
    show = Row.from_row(
        {"ratingKey": "1", "type": "show", "title": "S", "Guid": [{"id": "tmdb://1399"}]}, "2", {}
    )
    season = Row.from_row(
        {
            "ratingKey": "2",
            "type": "season",
            "index": 0,
            "parentRatingKey": "1",
            "parentTitle": "S",
            "userRating": 7,
        },
        "2",
        {"1": show},
    )
    assert (season.item.kind, season.item.season, season.item.episode) == (Kind.SEASON, 0, None)
    assert (season.item.show_ids.tmdb, season.item.show_title, season.rating) == (1399, "S", 7.0)


def test_show_known_only_from_below() -> None:
    """Without the show's row, what the guids of the episode carry is used."""
    old = "com.plexapp.agents.thetvdb://121361"
    legacy = Row.from_row(
        {"ratingKey": "5", "type": "episode", "index": 1, "parentIndex": 6, "grandparentRatingKey": "4",
         "guid": f"{old}/6/1?lang=en", "grandparentGuid": f"{old}?lang=en", "grandparentTitle": "S"},
        "2",
        {},
    )  # fmt: skip
    assert (legacy.item.show_ids.tvdb, legacy.item.show_title) == (121361, "S")
    bare = Row.from_row({"ratingKey": "5", "type": "episode", "guid": f"{old}/0/3?lang=en"}, "2", {})
    assert (bare.item.show_ids.tvdb, bare.item.season, bare.item.episode) == (121361, 0, 3)
    modern = Row.from_row(
        {"ratingKey": "5", "type": "episode", "index": 1, "parentIndex": 6, "guid": f"plex://episode/{hex_key(2)}",
         "grandparentGuid": f"plex://show/{hex_key(1)}", "Guid": [{"id": "tmdb://77"}]},
        "2",
        {},
    )  # fmt: skip
    assert modern.item.show_ids.tokens() == (f"guid:plex://show/{hex_key(1)}",)
    # an episode's ids are never the show's
    assert modern.item.ids.tmdb == 77


def test_unknown_kind() -> None:
    with pytest.raises(BadAnswerError):
        Row.from_row({"ratingKey": "1", "type": "artist"}, "2", {})
