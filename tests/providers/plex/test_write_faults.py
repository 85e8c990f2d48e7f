"""What can go wrong around writes on the server, the same for every feature (7.1, design rules)."""

from collections.abc import Callable
from dataclasses import replace
import random
from typing import Any

import pytest

from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import (
    Change,
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    Scope,
)
from custom_components.crosswatch.sync.provider import AuthError, ForbiddenError, ProviderError
from tests.providers.plex.conftest import NOON, SCOPE, World, apply, change, hex_key, outcomes
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import Item as PlexItem, PlexMediaServer
from tests.simulators.plex.state import UserState

THEN = NOON - 500_000
PATHS = {Feature.HISTORY: "/:/scrobble", Feature.RATINGS: "/:/rate", Feature.PROGRESS: "/:/timeline"}


def play(item: Item) -> Change:
    return change(Play(item=item, watched_at=THEN))


def rating(item: Item) -> Change:
    return change(Rating(item=item, tenths=80, rated_at=THEN))


def resume(item: Item) -> Change:
    return change(Resume(item=item, position_ms=900_000, duration_ms=6_000_000, at=THEN))


type Make = Callable[[Item], Change]
EVERY: list[Make] = [play, rating, resume]


def movie(tmdb: int) -> Item:
    return Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb))


async def known(provider: PlexProvider, planned: Change) -> None:
    """Have the library read before anything goes wrong."""
    await provider.read(planned.feature, SCOPE)


def untouched(world: World, *items: PlexItem) -> bool:
    return all(world.pms.user_state(1, item) == UserState() for item in items)


def behind_the_counter(world: World, act: Callable[[], object]) -> None:
    """Change a library without its counter telling."""
    before = world.movies.content_changed_at
    act()
    world.movies.content_changed_at = before


@pytest.mark.parametrize("make", EVERY)
async def test_key_that_names_another_item_now(world: World, make: Make) -> None:
    film = world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    usurper: list[PlexItem] = []

    def swap() -> None:
        world.pms.delete_item(film)
        usurper.append(world.movie(2, key=film.key))

    behind_the_counter(world, swap)
    assert await apply(provider, planned) == {planned.key: (OutcomeStatus.UNRESOLVED, "not_in_library")}
    assert untouched(world, *usurper)
    assert not world.pms.requests(PATHS[planned.feature])


@pytest.mark.parametrize("make", EVERY)
async def test_key_that_names_a_show_now(world: World, make: Make) -> None:
    film = world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)

    def swap() -> None:
        world.pms.delete_item(film)
        world.show(1, key=film.key)

    behind_the_counter(world, swap)
    assert await apply(provider, planned) == {planned.key: (OutcomeStatus.UNRESOLVED, "not_in_library")}


@pytest.mark.parametrize("make", EVERY)
async def test_item_that_moved_to_another_key(world: World, make: Make) -> None:
    film = world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    moved: list[PlexItem] = []

    def move() -> None:
        world.pms.delete_item(film)
        moved.append(world.pms.readd_item(film))

    behind_the_counter(world, move)
    assert await apply(provider, planned) == {planned.key: (OutcomeStatus.APPLIED, None)}
    (request,) = world.pms.requests(PATHS[planned.feature])
    assert str(moved[0].key) in (dict(request.query)["key"], dict(request.query).get("ratingKey"))


@pytest.mark.parametrize("make", EVERY)
async def test_wrong_server_behind_the_address(world: World, make: Make) -> None:
    """Its items have the same keys. It gets neither a write nor a token."""
    film = world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    async with PlexMediaServer("Another", clock=lambda: NOON) as other:
        section = other.add_section("Movies", "movie")
        other.add_movie(section, "Another", key=film.key, ids=TrueIds(None, 1))
        other.tokens = dict(world.pms.tokens)
        world.cloud.hidden_addresses = True
        provider._link.account = replace(
            provider.account,
            server=replace(provider.account.server, uri=other.url, connections=()),  # type: ignore[type-var]
        )
        world.cloud.accounts.servers.pop(world.pms.machine_identifier)
        with pytest.raises(ProviderError):
            await outcomes(provider, planned)
        assert {request.path for request in other.log} <= {"/identity"}
        assert not any("X-Plex-Token" in request.headers for request in other.log)


@pytest.mark.parametrize("make", EVERY)
async def test_restarted_server(world: World, make: Make) -> None:
    world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    await world.pms.stop()
    with pytest.raises(ProviderError):
        await outcomes(provider, planned)
    await world.pms.start()
    assert await apply(provider, planned) == {planned.key: (OutcomeStatus.APPLIED, None)}


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("status", [200, 404])
async def test_batch_of_unknown_keys(world: World, make: Make, status: Any) -> None:
    world.pms.options.unknown_batch_status = status
    films = [world.movie(number) for number in range(1, 4)]
    kept = world.movie(9)
    provider = world.whole()
    planned = [make(movie(number)) for number in (1, 2, 3, 9)]
    await known(provider, planned[0])

    def delete() -> None:
        for film in films:
            world.pms.delete_item(film)

    behind_the_counter(world, delete)
    done = await apply(provider, *planned)
    assert [done[each.key][1] for each in planned] == ["not_in_library"] * 3 + [None]
    assert kept


@pytest.mark.parametrize("make", EVERY)
async def test_server_with_small_batches(world: World, make: Make) -> None:
    world.pms.options.max_batch = 2
    for number in range(1, 8):
        world.movie(number)
    planned = [make(movie(number)) for number in range(1, 8)]
    done = await apply(world.whole(), *planned)
    assert {status for status, _ in done.values()} == {OutcomeStatus.APPLIED}


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 200, "body": "<html>starting</html>"},
        {"status": 200, "body": "{}"},
        {"status": 429, "headers": {"Retry-After": "100000"}},
        {"drop": True},
        {"status": 403},
    ],
)
@pytest.mark.parametrize("path", ["/library/metadata/*", "/library/sections"])
async def test_nothing_is_written_on_shaky_ground(
    world: World, make: Make, fault: dict[str, Any], path: str
) -> None:
    """What can't be verified is not written."""
    film = world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    world.pms.inject(path, times=None, **fault)
    with pytest.raises(ProviderError) as caught:
        await outcomes(provider, planned)
    assert untouched(world, film)
    assert "127.0.0.1" not in str(caught.value)
    assert world.account().token not in str(caught.value)


@pytest.mark.parametrize("make", EVERY)
@pytest.mark.parametrize("fault", [{"status": 200, "body": "<html>a gateway</html>"}, {"status": 302}])
async def test_answer_that_is_none(world: World, make: Make, fault: dict[str, Any]) -> None:
    film = world.movie(1)
    planned = make(movie(1))
    world.pms.inject(PATHS[planned.feature], times=None, **fault)
    ((status, _),) = (await apply(world.whole(), planned)).values()
    assert status in (OutcomeStatus.FAILED, OutcomeStatus.UNCERTAIN)
    assert untouched(world, film)


@pytest.mark.parametrize("make", EVERY)
async def test_401_and_only_plex_tv_decides(world: World, make: Make) -> None:
    world.movie(1)
    provider, planned = world.whole(), make(movie(1))
    await known(provider, planned)
    world.pms.inject("/library/sections", times=None, status=401)
    with pytest.raises(ForbiddenError):
        await outcomes(provider, planned)
    world.cloud.revoke(provider.account.token)
    with pytest.raises(AuthError):
        await outcomes(provider, planned)


@pytest.mark.parametrize("make", EVERY)
async def test_throttled_with_and_without_a_time(
    world: World, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.1)
    for number in range(1, 4):
        world.movie(number)
    planned = [make(movie(number)) for number in range(1, 4)]
    path = PATHS[planned[0].feature]
    world.pms.inject(path, status=429)
    world.pms.inject(path, first=2, status=429, headers={"Retry-After": "0"})
    done = await apply(world.whole(), *planned)
    assert {status for status, _ in done.values()} == {OutcomeStatus.APPLIED}


@pytest.mark.parametrize("make", EVERY)
async def test_stopped_in_the_middle(world: World, make: Make) -> None:
    """Whoever stops listening stops the writes that were not sent yet."""
    for number in range(1, 31):
        world.movie(number)
    planned = [make(movie(number)) for number in range(1, 31)]
    world.pms.inject(PATHS[planned[0].feature], times=None, delay=0.02)
    provider = world.whole()
    results = provider.apply(planned[0].feature, planned, SCOPE)
    await anext(results)
    await results.aclose()
    sent = len(world.pms.requests(PATHS[planned[0].feature]))
    assert sent < 25
    # nothing goes on in the background
    await apply(provider, make(movie(30)))
    assert len(world.pms.requests(PATHS[planned[0].feature])) <= sent + 9


@pytest.mark.parametrize("make", EVERY)
async def test_only_the_libraries_that_count(world: World, make: Make) -> None:
    other = world.pms.add_section("4K", "movie")
    left = world.movie(1)
    meant = world.movie(1, section=other, guid=f"plex://movie/{hex_key(99)}")
    planned = make(movie(1))
    scope = Scope(pair_id="p", libraries={planned.feature: frozenset({str(other.id)})})
    await apply(world.whole(), planned, scope=scope)
    assert untouched(world, left)
    assert not untouched(world, meant)
