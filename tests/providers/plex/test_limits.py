"""One limit per host for everybody, and a 429 that stops everybody (3.7, 5.1)."""

import pytest

from custom_components.crosswatch.providers.plex import client
from custom_components.crosswatch.providers.plex.limits import Limits, ServerClock
from custom_components.crosswatch.sync.models import Ids, Item, Kind, OutcomeStatus, Rating, WatchlistEntry
from tests.providers.plex.conftest import DISCOVER, METADATA, NOON, World, apply, change, hex_key, read_plays
from tests.simulators.base import LoggedRequest, Simulator
from tests.simulators.library import Ids as TrueIds

BREAK = {"status": 429, "headers": {"Retry-After": "0.5"}}


def movie(number: int) -> Item:
    return Item(kind=Kind.MOVIE, ids=Ids(tmdb=number))


def in_the_break(simulator: Simulator, path: str) -> list[LoggedRequest]:
    """Requests that started while everybody was asked to wait."""
    refused = next(request.at for request in simulator.log if request.status == 429)
    return [request for request in simulator.requests(path) if refused + 0.05 < request.at < refused + 0.45]


async def test_429_of_a_server_stops_all_its_requests(world: World) -> None:
    for number in range(1, 25):
        world.movie(number)
    world.pms.inject("/:/rate", **BREAK)
    world.pms.inject("/:/rate", times=None, delay=0.1)
    planned = [change(Rating(item=movie(number), tenths=80, rated_at=NOON)) for number in range(1, 25)]
    done = await apply(world.whole(), *planned)
    assert {status for status, _ in done.values()} == {OutcomeStatus.APPLIED}
    assert not in_the_break(world.pms, "*")


async def test_429_of_discover_stops_all_its_requests(world: World) -> None:
    for number in range(1, 13):
        world.cloud.add_movie(f"Movie {number}", hex_key(number), TrueIds(None, number))
    world.cloud.inject(f"{METADATA}/*", times=None, delay=0.15)
    world.cloud.inject(f"{DISCOVER}/actions/*", **BREAK)
    planned = [change(WatchlistEntry(item=movie(number))) for number in range(1, 13)]
    done = await apply(world.whole(), *planned)
    assert {status for status, _ in done.values()} == {OutcomeStatus.APPLIED}
    assert not in_the_break(world.cloud, f"{DISCOVER}/*")


async def test_more_workers_than_a_server_bears(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    defaults = dict(client.PlexServerClient.pages.__kwdefaults__ or {}, size=10)
    monkeypatch.setattr(client.PlexServerClient.pages, "__kwdefaults__", defaults)
    for number in range(1, 301):
        world.movie(number)
    world.pms.inject("/library/sections/1/all", times=None, delay=0.1)
    await read_plays(world.provider(history_workers=64))
    times = sorted(request.at for request in world.pms.requests("/library/sections/1/all"))
    assert len(times) == 30
    assert all(later - earlier > 0.08 for earlier, later in zip(times, times[8:], strict=False))


def test_hosts_are_told_apart(world: World) -> None:
    limits = Limits()
    assert limits.cloud(world.hosts.discover) is limits.cloud(world.hosts.discover)
    assert limits.cloud(world.hosts.discover) is not limits.cloud(world.hosts.metadata)
    assert limits.server("a") is limits.server("a")
    assert limits.server("a") is not limits.server("b")


@pytest.mark.parametrize("date", ["", "yesterday"])
def test_clock_of_a_server_that_tells_no_date(date: str) -> None:
    clock = ServerClock()
    told = clock.note({"Date": "Thu, 28 May 2026 20:26:40 GMT"})
    assert told == clock.latest == NOON
    assert NOON <= clock.note({"Date": date}) <= NOON + 5
    assert clock.latest == NOON
