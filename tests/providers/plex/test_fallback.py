"""The GUID fallback: ids for what the server can't tell any more, remembered (adapter document, 4.8)."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from custom_components.crosswatch.providers.plex.fallback import MEMO, NO_HIT, memo_key, needs_ids
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import Feature, Ids, Item, Kind, Play, Rating, Snapshot
from tests.providers.plex.conftest import (
    DISCOVER,
    HISTORY,
    METADATA,
    NOON,
    SCOPE,
    World,
    hex_key,
    listing,
    plays,
)
from tests.simulators.library import Episode, Ids as TrueIds, Title
from tests.simulators.plex import Item as PlexItem

SEARCH = f"{DISCOVER}/library/search"
ITEMS = f"{METADATA}/library/metadata/*"


def gone_movie(world: World, title: str, at: int = NOON, **values: Any) -> PlexItem:
    """A movie that was watched and deleted."""
    item = world.pms.add_movie(world.movies, title, guid=f"local://{at}", **values)
    world.play(item, at)
    world.pms.delete_item(item)
    return item


def know(world: World, number: int, title: str, year: int = 2000) -> None:
    world.cloud.add_movie(title, hex_key(number), TrueIds(f"tt{number:07d}", number), year)


def know_show(world: World, number: int, title: str) -> None:
    part = Episode(1, 1, "Pilot", hex_key(number + 1), TrueIds(None, number * 10), 1, "2011-01-01")
    world.cloud.add_title(
        Title("show", title, 2011, hex_key(number), TrueIds(None, number), 1, "2011-01-01", (part,))
    )


async def read(provider: PlexProvider, feature: Feature = Feature.HISTORY) -> Snapshot:
    return await provider.read(feature, SCOPE)


async def ids(provider: PlexProvider) -> list[int | None]:
    found: list[Play] = plays(await read(provider))
    return [play.item.ids.tmdb or play.item.show_ids.tmdb for play in found]


def on(world: World, **settings: Any) -> PlexProvider:
    return world.whole(fallback_guid=True, **settings)


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


async def test_off_by_default(world: World, tmp_path: Path) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    assert await ids(world.whole(state_dir=tmp_path)) == [None]
    assert not world.cloud.log
    assert is_empty(tmp_path)


async def test_deleted_movie_by_title(world: World) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    (play,) = plays(await read(on(world)))
    assert (play.item.ids.tmdb, play.item.ids.imdb) == (1, "tt0000001")
    assert (play.watched_at, play.item.title) == (NOON, "Gone")


@pytest.mark.parametrize(
    ("listed", "title"), [("Amélie & Co", "amelie and co"), ("WALL·E", "Wall-E"), ("Gone", "GONE")]
)
async def test_spelling(world: World, listed: str, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    know(world, 1, listed)
    monkeypatch.setattr(
        world.cloud.catalogue, "search", lambda _words, _kinds: [world.cloud.catalogue.get(hex_key(1))]
    )
    gone_movie(world, title)
    assert await ids(on(world)) == [1]


async def test_other_titles_are_not_it(world: World) -> None:
    know(world, 1, "Gone Girl")
    gone_movie(world, "Gone")
    assert await ids(on(world)) == [None]


async def test_two_films_of_one_title(world: World) -> None:
    """Without a year nobody knows which; with it each finds its own."""
    know(world, 1, "Gone", 1990)
    know(world, 2, "Gone", 2012)
    gone_movie(world, "Gone", NOON)
    assert await ids(on(world)) == [None]
    gone_movie(world, "Gone", NOON + 1, aired="2012-05-05")
    gone_movie(world, "Gone", NOON + 2, aired="1990-05-05")
    assert await ids(on(world)) == [1, 2, None]


async def test_memo_tells_films_of_one_title_apart(world: World, tmp_path: Path) -> None:
    know(world, 1, "Gone", 1990)
    know(world, 2, "Gone", 2012)
    for number, year in enumerate((1990, 2012, 1950)):
        gone_movie(world, "Gone", NOON - number, aired=f"{year}-05-05")
    provider = on(world, state_dir=tmp_path)
    assert await ids(provider) == [1, 2, None]
    memo = orjson.loads((tmp_path / MEMO).read_bytes())
    assert len(memo) == 3
    assert sorted(value if value == NO_HIT else value["ids"]["tmdb"] for value in memo.values()) == [
        "1",
        "2",
        NO_HIT,
    ]


async def test_memo_saves_everything(world: World, tmp_path: Path) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone", NOON)
    gone_movie(world, "Unknown", NOON - 1)
    assert await ids(on(world, state_dir=tmp_path)) == [1, None]
    world.cloud.log.clear()
    again = on(world, state_dir=tmp_path)
    assert await ids(again) == [1, None]
    assert await ids(again) == [1, None]
    # neither what was found nor what was not is looked for again
    assert not world.cloud.log


async def test_deleting_the_memo_has_everything_looked_for_again(world: World, tmp_path: Path) -> None:
    gone_movie(world, "Late")
    provider = on(world, state_dir=tmp_path)
    assert await ids(provider) == [None]
    know(world, 1, "Late")
    assert await ids(provider) == [None]
    (tmp_path / MEMO).unlink()
    assert await ids(provider) == [1]


@pytest.mark.parametrize("body", ["", "[]", "{", '{"a": 1}', '{"k2": {"type": "movie"}}'])
async def test_memo_that_can_not_be_read(world: World, tmp_path: Path, body: str) -> None:
    (tmp_path / MEMO).write_text(body)
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    assert await ids(on(world, state_dir=tmp_path)) == [1]


async def test_memo_that_can_not_be_written(world: World, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    assert await ids(on(world, state_dir=tmp_path / "state")) == [1]


async def test_episode_of_a_deleted_show(world: World) -> None:
    know_show(world, 500, "Gone Show")
    show = world.pms.add_show(world.shows, "Gone Show", guid="local://1")
    parts = [world.pms.add_episode(show, 1, number, guid=f"local://{number}") for number in (1, 2, 3)]
    for part in parts:
        world.play(part, NOON + part.key)
    world.pms.delete_item(show)
    provider = on(world)
    found = plays(await read(provider))
    assert {(play.item.show_ids.tmdb, play.item.season, play.item.episode) for play in found} == {
        (500, 1, 1),
        (500, 1, 2),
        (500, 1, 3),
    }
    # the show is looked for once
    assert len(world.cloud.requests(SEARCH)) == 1


async def test_show_that_moved_to_a_library_left_out(world: World) -> None:
    """Its key in the row of the log leads to it, and no title is searched."""
    other = world.pms.add_section("Other", "show")
    show = world.show(500, section=other)
    part = world.episode(show, 1, 1)
    world.play(part, NOON)
    row = world.pms.state.plays[1]
    world.pms.delete_item(part)
    row.section_id = world.shows.id
    body = {
        "historyKey": "/status/sessions/history/1",
        "type": "episode",
        "librarySectionID": str(world.shows.id),
        "grandparentKey": f"/library/metadata/{show.key}",
        "grandparentTitle": "Show 500",
        "title": "Pilot",
        "parentIndex": 1,
        "index": 1,
        "viewedAt": NOON,
        "accountID": 1,
    }
    world.pms.inject(HISTORY, times=None, **listing(body))
    assert await ids(on(world, history_libraries=frozenset({str(world.shows.id)}))) == [500]
    assert not world.cloud.requests(SEARCH)


async def test_item_whose_ids_the_server_lacks(world: World) -> None:
    """By its guid: one look-up, no search."""
    know(world, 1, "Movie 1")
    world.play(world.movie(1, ids=TrueIds()), NOON)
    assert await ids(on(world)) == [1]
    assert not world.cloud.requests(SEARCH)
    assert len(world.cloud.requests(ITEMS)) == 1


async def test_episode_by_its_own_guid(world: World) -> None:
    know_show(world, 500, "A Show")
    show = world.show(1, guid="local://9", ids=TrueIds())
    world.play(world.episode(show, 1, 1, guid=f"plex://episode/{hex_key(501)}", ids=TrueIds()), NOON)
    (play,) = plays(await read(on(world)))
    assert (play.item.ids.tmdb, play.item.show_ids.tmdb) == (5000, 500)


async def test_rated_items_without_ids(world: World) -> None:
    know(world, 1, "Movie 1")
    world.pms.rate(1, world.movie(1, ids=TrueIds()), 8)
    world.pms.rate(1, world.movie(2), 7)
    snapshot = await read(on(world), Feature.RATINGS)
    assert {
        (entry.item.ids.tmdb, entry.tenths) for entry in snapshot.entries if isinstance(entry, Rating)
    } == {(1, 80), (2, 70)}


async def test_required_ids_count_after_the_fallback(world: World) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone", NOON)
    gone_movie(world, "Unknown", NOON - 1)
    assert await ids(world.whole(history_require_external_ids=True)) == []
    assert await ids(on(world, history_require_external_ids=True)) == [1]


async def test_items_with_ids_cost_nothing(world: World) -> None:
    world.play(world.movie(1), NOON)
    await read(on(world))
    assert not world.cloud.log


async def test_trouble_is_not_remembered(world: World, tmp_path: Path) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    provider = on(world, state_dir=tmp_path)
    world.cloud.inject(SEARCH, times=3, status=500)
    before = await read(provider)
    assert [play.item.ids.tmdb for play in plays(before)] == [None]
    after = await read(provider)
    assert [play.item.ids.tmdb for play in plays(after)] == [1]
    # an item that can be told only now and then was neither added nor removed
    assert before.scope_hash != after.scope_hash


async def test_busy_discover_ends_the_search(world: World) -> None:
    for number in range(30):
        gone_movie(world, f"Gone {number}", NOON + number)
    world.cloud.inject(SEARCH, times=None, status=429, headers={"Retry-After": "100000"})
    assert await ids(on(world)) == [None] * 30
    assert len(world.cloud.requests(SEARCH)) <= 4


async def test_same_read_same_scope(world: World) -> None:
    know(world, 1, "Gone")
    gone_movie(world, "Gone")
    provider = on(world)
    assert (await read(provider)).scope_hash == (await read(provider)).scope_hash


async def test_odd_answers(world: World) -> None:
    gone_movie(world, "Gone")
    for body in (
        '{"MediaContainer":{"SearchResults":[{"id":"external","SearchResult":[{}]}]}}',
        "{}",
        "<html>",
    ):
        world.cloud.inject(SEARCH, status=200, body=body, content_type="application/json")
        assert await ids(on(world)) == [None]


def test_keys() -> None:
    film = Item(kind=Kind.MOVIE, title="Gone", year=1990)
    part = Item(kind=Kind.EPISODE, season=0, episode=0, title="A", show_title="Gone")
    assert memo_key(film, "M1") == "k2|m1|movie|gone|y1990"
    assert memo_key(part, "M1") == "k2|m1|ep|s0|e0|gone|a"
    different = [
        film,
        part,
        Item(kind=Kind.MOVIE, title="Gone"),
        Item(kind=Kind.SHOW, title="Gone", year=1990),
        Item(kind=Kind.MOVIE, title="Gone", year=1990, ids=Ids(guid="local://1")),
        Item(kind=Kind.EPISODE, season=0, episode=1, title="A", show_title="Gone"),
    ]
    assert len({memo_key(item, "M1") for item in different}) == len(different)
    assert memo_key(film, "M2") != memo_key(film, "M1")
    assert memo_key(Item(kind=Kind.MOVIE, title="cut \ud83d"), "M").encode()


@pytest.mark.parametrize(
    ("item", "needed"),
    [
        (Item(kind=Kind.MOVIE), True),
        (Item(kind=Kind.MOVIE, ids=Ids(guid="plex://movie/1")), True),
        (Item(kind=Kind.MOVIE, ids=Ids(imdb="tt0000001")), False),
        (Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=1), season=0, episode=0), False),
        (Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=1), season=0), True),
        (Item(kind=Kind.EPISODE, ids=Ids(tmdb=1)), False),
        (Item(kind=Kind.SEASON, show_ids=Ids(tmdb=1), season=0), False),
    ],
)
def test_who_needs_ids(item: Item, needed: bool) -> None:
    assert needs_ids(item) is needed
