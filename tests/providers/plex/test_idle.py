"""Reads after the first one: what is kept, and what never is trusted for a deletion (5.1)."""

import pytest

from custom_components.crosswatch.providers.plex import cache as cache_module, history as history_module
from custom_components.crosswatch.providers.plex.cache import AUDIT, HEAD
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import Feature, Scope, Snapshot
from tests.providers.plex.conftest import HISTORY, NOON, SCOPE, World, listing, plays
from tests.simulators.plex import Item

LISTING = "/library/sections/*/all"
IDLE = 5
"""Requests of an idle read with two libraries: identity, libraries, one page of each, one of the log."""


@pytest.fixture
def seen(world: World) -> list[Item]:
    """30 movies, of which 20 are watched; one watched episode."""
    movies = [world.movie(number) for number in range(1, 31)]
    for number, movie in enumerate(movies[:20]):
        world.play(movie, NOON + number * 60)
    world.play(world.episode(world.show(500), 1, 1), NOON)
    return movies


async def read(provider: PlexProvider) -> Snapshot:
    return await provider.read(Feature.HISTORY, SCOPE)


async def fresh(world: World) -> tuple[set[tuple[str | None, int | None]], set[int | None]]:
    """What a provider that remembers nothing reads."""
    return facts(await read(world.provider()))


def facts(snapshot: Snapshot) -> tuple[set[tuple[str | None, int | None]], set[int | None]]:
    return (
        {(play.remote_id, play.watched_at) for play in plays(snapshot)},
        {item.ids.tmdb for item in snapshot.watched},
    )


async def idle(world: World, provider: PlexProvider) -> Snapshot:
    """Read and check that little was asked for."""
    before = provider.requests
    snapshot = await read(provider)
    assert provider.requests - before == IDLE
    return snapshot


async def test_nothing_changed(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    first = await read(provider)
    assert facts(await idle(world, provider)) == facts(first)


async def test_new_plays(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.play(seen[25], NOON + 9000)
    world.play(seen[0], NOON + 9060)
    found = await idle(world, provider)
    assert facts(found) == await fresh(world)
    assert plays(found)[0].watched_at == NOON + 9060
    # every play of an item still shares it
    assert len({id(play.item) for play in plays(found) if play.item.ids.tmdb == 1}) == 1
    assert facts(await idle(world, provider)) == facts(found)


async def test_marked_watched_shows(world: World, seen: list[Item]) -> None:
    provider = world.provider(history_include_marked_watched=True)
    await read(provider)
    world.pms.mark_watched(1, seen[25], NOON + 9000)
    found = await idle(world, provider)
    assert 26 in {item.ids.tmdb for item in found.watched}
    assert [play.watched_at for play in plays(found) if play.item.ids.tmdb == 26] == [NOON + 9000]


async def test_unwatching_shows(world: World, seen: list[Item]) -> None:
    """What no list of changes can tell: the count of the watched items does, and everything is read."""
    provider = world.provider()
    first = await read(provider)
    world.pms.mark_unwatched(1, seen[3])
    found = await read(provider)
    assert {item.ids.tmdb for item in first.watched} - {item.ids.tmdb for item in found.watched} == {4}
    assert facts(found) == await fresh(world)


async def test_unwatching_hidden_by_a_watching(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.pms.mark_unwatched(1, seen[3])
    world.pms.mark_watched(1, seen[25], NOON + 9000)
    assert facts(await read(provider)) == await fresh(world)


async def test_unwatching_hidden_by_an_older_watching(
    world: World, seen: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count stays and so does the end of the page, but one of the newest is not on it."""
    monkeypatch.setattr(cache_module, "HEAD", 5)
    provider = world.provider()
    await read(provider)
    world.pms.mark_unwatched(1, seen[18])
    world.pms.mark_watched(1, seen[25], NOON - 9000)
    assert facts(await read(provider)) == await fresh(world)


async def test_new_plays_hidden_by_a_removal(
    world: World, seen: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six new ones and one gone look like five new ones; the end of the page is not known yet."""
    monkeypatch.setattr(history_module, "HEAD", 5)
    provider = world.provider()
    await read(provider)
    for number in range(6):
        world.pms.state.log_play(1, seen[0], NOON + 9000 + number)
    world.pms.state.delete_play(1)
    assert facts(await read(provider)) == await fresh(world)


async def test_removed_plays(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.pms.state.delete_play(3)
    assert facts(await read(provider)) == await fresh(world)


async def test_play_with_an_older_date(world: World, seen: list[Item]) -> None:
    """It stands behind the page that is looked at; the total tells."""
    provider = world.provider()
    for number in range(HEAD):
        world.play(seen[0], NOON + 5000 + number)
    await read(provider)
    world.play(seen[25], NOON - 5000)
    assert facts(await read(provider)) == await fresh(world)


async def test_more_changes_than_a_page_holds(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    for number in range(HEAD + 5):
        world.play(world.movie(1000 + number), NOON + 9000 + number)
    found = await read(provider)
    assert facts(found) == await fresh(world)
    for movie in seen:
        world.pms.mark_watched(1, movie, NOON + 20_000)
    assert facts(await read(provider)) == await fresh(world)


async def test_many_watched_again(world: World, seen: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    """The count stays; the last row of the page tells that more may have changed behind it."""
    monkeypatch.setattr(cache_module, "HEAD", 5)
    provider = world.provider(history_include_marked_watched=True)
    await read(provider)
    world.pms.state.plays.clear()
    world.pms.state.log_version += 1
    for movie in seen[:20]:
        world.pms.mark_watched(1, movie, NOON + 20_000 + movie.key)
    found = await read(provider)
    assert {play.watched_at for play in plays(found) if play.item.show_ids.tmdb is None} == {
        NOON + 20_000 + movie.key for movie in seen[:20]
    }


async def test_library_that_changed(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.pms.delete_item(seen[0])
    world.movie(77)
    found = await read(provider)
    assert facts(found) == await fresh(world)
    assert all(play.item.ids.tmdb != 1 for play in plays(found))


async def test_only_the_library_that_changed_is_read(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.movie(77)
    world.pms.log.clear()
    await read(provider)
    asked = [dict(request.query)["type"] for request in world.pms.requests(LISTING)]
    # all movies; of the episodes only the page that proves that nothing changed
    assert asked.count("1") == 1
    assert asked.count("4") == 1
    assert "2" not in asked


async def test_key_that_names_another_item(world: World, seen: list[Item]) -> None:
    """Also when the library's counter says that nothing changed."""
    provider = world.provider()
    await read(provider)
    world.pms.state.rematch(seen[19], "plex://movie/ffffffffffffffffffffffff")
    world.pms.state.sections[world.movies.id].content_changed_at -= 1
    world.play(seen[19], NOON + 9000)
    found = await read(provider)
    assert any("f" * 24 in (play.item.ids.guid or "") for play in plays(found))


async def test_library_without_a_counter_is_read_every_time(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    rows = [{"key": "1", "type": "movie", "title": "M"}, {"key": "2", "type": "show", "title": "S"}]
    world.pms.inject("/library/sections", times=None, **listing(*rows, name="Directory"))
    await read(provider)
    before = provider.requests
    await read(provider)
    assert provider.requests - before == 1 + 1 + 3 + 1


async def test_audit(world: World, seen: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is read again every now and then, whatever the server says."""
    now = 0.0
    monkeypatch.setattr(cache_module.Libraries.__init__, "__defaults__", (lambda: now,))
    monkeypatch.setattr(
        history_module.HistoryReader.__init__,
        "__kwdefaults__",
        {**(history_module.HistoryReader.__init__.__kwdefaults__ or {}), "clock": lambda: now},
    )
    provider = world.provider()
    await read(provider)
    now = AUDIT - 1
    await idle(world, provider)
    now = AUDIT
    before = provider.requests
    await read(provider)
    assert provider.requests - before == 1 + 1 + 3 + 1
    assert len(world.pms.requests(LISTING)) == 3 + 2 + 3
    now = AUDIT + 1
    await idle(world, provider)


@pytest.mark.parametrize("fault", [{"status": 400}, {"status": 404}])
async def test_server_without_the_filter(world: World, seen: list[Item], fault: dict[str, object]) -> None:
    provider = world.provider()
    await read(provider)
    world.pms.inject("/library/sections/1/all", **fault)
    assert facts(await read(provider)) == await fresh(world)


async def test_falsely_empty_filter_is_not_believed(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    await read(provider)
    world.pms.inject(
        "/library/sections/1/all",
        status=200,
        content_type="application/json",
        body='{"MediaContainer":{"size":0,"totalSize":0,"offset":0}}',
    )
    assert facts(await read(provider)) == await fresh(world)


async def test_failed_read_forgets_nothing(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    first = await read(provider)
    world.pms.inject(HISTORY, times=3, status=503)
    with pytest.raises(Exception, match="503"):
        await read(provider)
    assert facts(await idle(world, provider)) == facts(first)


async def test_other_libraries_are_kept_apart(world: World, seen: list[Item]) -> None:
    provider = world.provider()
    movies = Scope(pair_id="movies", libraries={Feature.HISTORY: frozenset({str(world.movies.id)})})
    whole = await read(provider)
    part = await provider.read(Feature.HISTORY, movies)
    assert len(plays(whole)) == len(plays(part)) + 1 == 21
    assert facts(await read(provider)) == facts(whole)
    assert facts(await provider.read(Feature.HISTORY, movies)) == facts(part)
