"""Whatever goes wrong while reading the server, a read is complete or it raises (7.1, design rule 1)."""

import asyncio

import pytest

from custom_components.crosswatch.providers.plex import client
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    IncompleteReadError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from tests.providers.plex.conftest import HISTORY, NOON, SCOPE, World, listing, read_plays
from tests.simulators.plex import Flaw

SIZE = 10


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of ten rows, so that 25 rows are three pages."""
    defaults = dict(client.PlexServerClient.pages.__kwdefaults__ or {}, size=SIZE)
    monkeypatch.setattr(client.PlexServerClient.pages, "__kwdefaults__", defaults)


@pytest.fixture
def watched(world: World) -> World:
    """25 movies, each played once, and 25 episodes."""
    show = world.show(500)
    for number in range(1, 26):
        world.play(world.movie(number), NOON + number)
        world.episode(show, 1, number)
    return world


LISTINGS = {"movies": "/library/sections/1/all", "log": HISTORY}
FAULTS = [
    ({"status": 500}, UnreachableError),
    ({"status": 502}, UnreachableError),
    ({"status": 503, "body": '<Response code="503" status="Maintenance"/>'}, UnreachableError),
    ({"status": 429}, RateLimitedError),
    ({"status": 429, "headers": {"Retry-After": "100000"}}, RateLimitedError),
    ({"drop": True}, UnreachableError),
    ({"status": 400}, RefusedError),
    ({"status": 404}, ProviderError),
    ({"status": 401}, ForbiddenError),
    ({"status": 403}, ForbiddenError),
    ({"status": 302}, BadAnswerError),
    ({"status": 200, "body": "<html>starting up</html>"}, BadAnswerError),
    ({"status": 200, "body": ""}, BadAnswerError),
    ({"status": 200, "body": "{}"}, BadAnswerError),
    ({"status": 200, "body": '{"MediaContainer":{"size":10,"totalSi'}, BadAnswerError),
    ({"status": 200, "body": '{"MediaContainer":{"size":0}}'}, IncompleteReadError),
    ({"status": 200, "body": '{"MediaContainer":{"size":0,"totalSize":0}}'}, IncompleteReadError),
]


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_second_page_fails(
    watched: World, name: str, fault: dict[str, object], error: type[ProviderError]
) -> None:
    watched.pms.inject(LISTINGS[name], first=2, times=None, **fault)
    with pytest.raises(error) as caught:
        await read_plays(watched.provider())
    assert not isinstance(caught.value, AuthError)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("path", ["/library/sections", "/library/sections/2/all", *LISTINGS.values()])
@pytest.mark.parametrize(("fault", "error"), FAULTS[:-2])
async def test_first_page_fails(
    watched: World, path: str, fault: dict[str, object], error: type[ProviderError]
) -> None:
    watched.pms.inject(path, times=None, **fault)
    with pytest.raises(error):
        await read_plays(watched.provider())


@pytest.mark.parametrize("name", LISTINGS)
async def test_server_that_restarts_while_it_is_read(watched: World, name: str) -> None:
    """Gone at the second page, and first starting up when it is back: whole or not at all."""
    watched.pms.inject(LISTINGS[name], first=2, times=None, drop=True)
    provider = watched.provider()
    reading = asyncio.create_task(provider.read(Feature.HISTORY, SCOPE))
    while len(watched.pms.requests(LISTINGS[name])) < 2:  # noqa: ASYNC110 - the simulator has no event for it
        await asyncio.sleep(0.001)
    await watched.pms.stop()
    with pytest.raises(UnreachableError):
        await reading
    watched.pms.heal()
    watched.pms.inject("/library/sections*", status=503, body='<Response code="503" status="Maintenance"/>')
    await watched.pms.start()
    assert len(await read_plays(provider)) == 25


@pytest.mark.parametrize("path", ["/library/sections", "/library/sections/2/all", *LISTINGS.values()])
@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}, {"status": 429}])
async def test_fault_that_passes(watched: World, path: str, fault: dict[str, object]) -> None:
    watched.pms.inject(path, times=2, **fault)
    assert len(await read_plays(watched.provider())) == 25


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize(
    "flaw",
    [Flaw.EMPTY, Flaw.EMPTY_PAGE, Flaw.TOTAL_OFF, Flaw.CUT, Flaw.REPEAT, Flaw.SHIFT_IN, Flaw.SHIFT_OUT],
)
async def test_lying_pages(watched: World, name: str, flaw: Flaw) -> None:
    # three pages: the first one is right both times, the others are not
    watched.pms.spoil(LISTINGS[name], flaw, first=2, times=2)
    watched.pms.spoil(LISTINGS[name], flaw, first=5, times=2)
    with pytest.raises(IncompleteReadError):
        await read_plays(watched.provider())


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize("flaw", [Flaw.SHORT_PAGE, Flaw.TOTAL_MISSING, Flaw.TOTAL_OFF, Flaw.CUT, Flaw.REPEAT])
async def test_listing_that_never_adds_up(watched: World, name: str, flaw: Flaw) -> None:
    amount = 12 if flaw is Flaw.CUT else 1
    watched.pms.spoil(LISTINGS[name], flaw, amount)
    with pytest.raises(IncompleteReadError):
        await read_plays(watched.provider())


@pytest.mark.parametrize("amount", [-3, -1, 1, 4])
async def test_total_that_lies(watched: World, amount: int) -> None:
    watched.pms.spoil(HISTORY, Flaw.TOTAL_OFF, amount)
    with pytest.raises(IncompleteReadError):
        await read_plays(watched.provider())


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize(
    "flaw", [Flaw.EMPTY_PAGE, Flaw.REPEAT, Flaw.SHIFT_IN, Flaw.SHIFT_OUT, Flaw.SHORT_PAGE]
)
async def test_rows_that_moved_once(watched: World, name: str, flaw: Flaw) -> None:
    watched.pms.spoil(LISTINGS[name], flaw, first=2, times=1)
    found = await read_plays(watched.provider())
    assert len(found) == len({play.remote_id for play in found}) == 25


async def test_play_recorded_while_reading(watched: World) -> None:
    """A row comes in at the front after page 0: every later page begins with one seen before."""
    late = watched.movie(99)
    read = watched.pms.listings.log
    calls = 0

    def log(*args: object, **settings: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            watched.play(late, NOON + 999)
        return read(*args, **settings)  # type: ignore[arg-type]

    watched.pms.listings.log = log  # type: ignore[method-assign, assignment]
    found = await read_plays(watched.provider())
    assert len(found) == 26


async def test_smaller_pages_than_asked_for(watched: World) -> None:
    watched.pms.options.max_container_size = 4
    assert len(await read_plays(watched.provider())) == 25


async def test_row_of_another_kind(watched: World) -> None:
    watched.pms.inject("/library/sections/1/all", **listing({"ratingKey": "1", "type": "show"}))
    with pytest.raises(BadAnswerError):
        await read_plays(watched.provider())


@pytest.mark.parametrize(
    "row",
    [
        {"type": "movie"},
        {"ratingKey": "1"},
        {"ratingKey": "1", "type": "movie", "viewCount": "many"},
        {"ratingKey": "1", "type": "movie", "viewCount": True},
        {"ratingKey": "1", "type": "movie", "userRating": "8"},
        {"ratingKey": "1", "type": "movie", "title": {}},
        {"ratingKey": "1", "type": "movie", "Guid": {"id": "tmdb://1"}},
        {"ratingKey": "1", "type": "movie", "Guid": [{}]},
        {"ratingKey": ["1"], "type": "movie"},
        7,
    ],
)
async def test_malformed_row(watched: World, row: object) -> None:
    watched.pms.inject("/library/sections/1/all", **listing(row))
    with pytest.raises(BadAnswerError):
        await read_plays(watched.provider())


async def test_other_reads_stop_when_one_fails(watched: World) -> None:
    """No request goes on in the background, and no second error hides the first."""
    watched.pms.inject("/library/sections/1/all", status=400)
    watched.pms.inject("/library/sections/2/all", status=400)
    with pytest.raises(RefusedError):
        await read_plays(watched.provider())


async def test_denied_in_the_middle_is_not_a_private_log(watched: World) -> None:
    """A user whose rows came for a while is not one who may not see any."""
    child = watched.cloud.add_home_user(watched.owner, "Robin")
    watched.cloud.share(watched.pms, child)
    for item in list(watched.pms.state.items.values()):
        if item.kind == "movie":
            watched.play(item, NOON, account=child.id)
    watched.pms.inject(HISTORY, first=2, times=None, status=403)
    with pytest.raises(ForbiddenError):
        await watched.provider(user=child).read(Feature.HISTORY, SCOPE)


async def test_falsely_empty_is_for_the_engine_to_judge(watched: World) -> None:
    """Nothing in a consistent empty answer gives it away; the brake is there for that."""
    watched.pms.spoil(HISTORY, Flaw.EMPTY)
    assert await read_plays(watched.provider()) == []
