"""Verifying a key, and what tells accounts apart."""

import asyncio
from typing import Any

import aiohttp
import pytest

from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBClient,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
    account_id,
)
from custom_components.crosswatch.providers.publicmetadb.client import SECOND_LOOK
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    Provider,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import KEY, LISTS, SCOPE, WATCHED, apply, movie, play, told


def client(sim: PublicMetaDBSimulator, session: aiohttp.ClientSession, **options: Any) -> PublicMetaDBClient:
    """Return a client with these settings."""
    settings = PublicMetaDBSettings.from_options({"api_key": KEY, "base_url": sim.url, **options})
    return PublicMetaDBClient(session, settings, Pacers())


async def test_good_key(sim: PublicMetaDBSimulator, session: aiohttp.ClientSession) -> None:
    """One small request, with the headers of every other."""
    verified = client(sim, session)
    await verified.verify()
    (request,) = sim.log
    assert (request.method, request.path, dict(request.query)) == (
        "GET",
        LISTS,
        {"page": "1", "perPage": "1"},
    )
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert verified.requests == 1


@pytest.mark.parametrize("key", ["", "pm-x\r\nHost: x", "pm-\u2026", "pm x"])
async def test_key_that_can_not_be_one(
    sim: PublicMetaDBSimulator, session: aiohttp.ClientSession, key: str
) -> None:
    """Is told without a request."""
    with pytest.raises(AuthError):
        await client(sim, session, api_key=key).verify()
    assert not sim.log


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401}, AuthError),
        ({"status": 403, "content_type": "application/json", "body": '{"error":"no"}'}, AuthError),
        ({"status": 403, "body": "<html>"}, UnreachableError),
        ({"status": 429}, RateLimitedError),
        ({"status": 400}, RefusedError),
        ({"status": 500}, UnreachableError),
        ({"drop": True}, UnreachableError),
        ({"delay": 0.4}, UnreachableError),
        ({"status": 204}, BadAnswerError),
        ({"status": 302, "headers": {"Location": "https://elsewhere/"}}, BadAnswerError),
        ({"status": 200, "body": "<html>"}, BadAnswerError),
        ({"status": 200, "body": "[]"}, BadAnswerError),
        ({"status": 200, "body": "{}"}, BadAnswerError),
        ({"status": 200, "body": '{"items":{}}'}, BadAnswerError),
    ],
)
async def test_verdicts(
    sim: PublicMetaDBSimulator,
    session: aiohttp.ClientSession,
    fault: dict[str, Any],
    error: type[ProviderError],
) -> None:
    """Only 401 and the service's own 403 speak against the key (API reference 2.2, 2.3); asked once."""
    sim.inject(LISTS, times=None, **fault)
    with pytest.raises(error) as caught:
        await client(sim, session, timeout=0.1).verify()
    assert type(caught.value) is error
    # a delayed answer is on its way until then
    await asyncio.sleep(fault.get("delay", 0))
    assert len(sim.log) == 1


async def test_unknown_key(sim: PublicMetaDBSimulator, session: aiohttp.ClientSession) -> None:
    """As the service itself refuses it."""
    with pytest.raises(AuthError):
        await client(sim, session, api_key="pm-unknown").verify()


async def test_service_that_is_not_there(sim: PublicMetaDBSimulator, session: aiohttp.ClientSession) -> None:
    """No connection is no verdict either."""
    await sim.stop()
    with pytest.raises(UnreachableError):
        await client(sim, session).verify()


async def test_check_of_an_account(build: Build) -> None:
    """The set-up of an account verifies its key."""
    await build().check()
    await build().verify()
    with pytest.raises(AuthError):
        await build(api_key="pm-unknown").check()


def test_account_id_tells_accounts_apart_and_nothing_else() -> None:
    """Stable, different for every address and key, and of no use to anybody else."""
    one = account_id("https://publicmetadb.com", KEY)
    assert one == account_id("https://publicmetadb.com", KEY)
    assert len({one, account_id("https://publicmetadb.com", "pm-2"), account_id("https://other", KEY)}) == 3
    assert KEY not in one
    assert len(one) == 32


async def test_provider_is_one(provider: PublicMetaDBProvider, user: User) -> None:
    """The contract of the engine holds, and its texts tell no secrets."""
    contract: Provider = provider
    assert contract.name == "publicmetadb"
    assert contract.requests == 0
    assert user.lists() == ()


# --- a second look ---------------------------------------------------------------------------


async def test_single_401_ends_nothing(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """It may be transient: reads and writes go on, each sent once more."""
    provider = build()
    sim.fail(WATCHED, status=401, times=1)
    assert (await provider.read(Feature.HISTORY, SCOPE)).entries == ()
    sim.fail(WATCHED, status=401, method="POST", times=1)
    assert told(await apply(provider, play(movie(1)), play(movie(2)))) == [("applied", None)] * 2
    assert len(user.watched()) == 2
    sim.fail(LISTS, status=401, times=1)
    await provider.verify()


async def test_401_that_stays_is_looked_at_once(build: Build, sim: PublicMetaDBSimulator) -> None:
    """Not once for every request that was under way; and the next run looks again."""
    provider = build()
    sim.fail(WATCHED, status=401, method="POST", times=None)
    for runs in (1, 2):
        with pytest.raises(AuthError):
            await apply(provider, *(play(movie(number)) for number in range(1, 10)))
        assert len(sim.requests(WATCHED, "POST")) == 10 * runs


async def test_key_that_is_being_entered_is_refused_at_once(
    sim: PublicMetaDBSimulator, session: aiohttp.ClientSession
) -> None:
    """Somebody waits for the answer and can try again."""
    sim.fail(LISTS, status=401, times=None)
    with pytest.raises(AuthError):
        await client(sim, session).verify()
    assert len(sim.log) == 1


async def test_second_look_waits_and_can_be_cancelled(build: Build, sim: PublicMetaDBSimulator) -> None:
    """A moment, not longer; others are not held up by it."""
    provider = build()
    provider._client.second_look = SECOND_LOOK
    assert 1 <= SECOND_LOOK <= 10
    sim.fail(WATCHED, status=401, times=None)
    task = asyncio.create_task(provider.read(Feature.HISTORY, SCOPE))
    await asyncio.sleep(0.2)
    assert len(sim.log) == 1
    assert (await provider.read(Feature.WATCHLIST, SCOPE)).entries == ()
    task.cancel()
    started = asyncio.get_running_loop().time()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - started < 0.5
