"""The provider as the engine sees it."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.providers.plex.provider import UnsupportedError, WrongUserError
from custom_components.crosswatch.sync.models import Feature, Kind
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    Provider,
    ProviderError,
    UnreachableError,
)
from tests.providers.plex.conftest import SCOPE, World, read_wanted


async def test_contract(world: World) -> None:
    provider: Provider = world.provider()
    assert provider.name == "plex"
    assert provider.requests == 0
    assert provider.capabilities[Feature.WATCHLIST].kinds == {Kind.MOVIE, Kind.SHOW}
    assert provider.capabilities[Feature.HISTORY].kinds == {Kind.MOVIE, Kind.EPISODE}
    assert set(provider.capabilities) == set(Feature)
    assert all(one.add for one in provider.capabilities.values())
    assert not provider.capabilities[Feature.HISTORY].dated
    # clearing a position is not supported (adapter document)
    assert [f for f, one in provider.capabilities.items() if not one.remove] == [Feature.PROGRESS]
    told = {feature for feature, one in provider.capabilities.items() if one.absence_is_removal}
    # of the log the engine believes what `events` does not name, and of the watched state nothing
    assert told == {Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS}


async def test_account_without_a_server(world: World) -> None:
    world.list_titles(3)
    provider = world.provider(replace(world.account(), server=None))
    assert set(provider.capabilities) == {Feature.WATCHLIST}
    assert len(await read_wanted(provider)) == 3
    with pytest.raises(UnsupportedError):
        await provider.read(Feature.HISTORY, SCOPE)
    with pytest.raises(UnsupportedError):
        await anext(provider.apply(Feature.HISTORY, [], SCOPE))
    assert (await provider.check()).server is None
    assert not world.pms.log


async def test_check(world: World) -> None:
    provider = world.provider()
    assert await provider.check() == world.account()
    assert [request.path for request in world.cloud.log] == ["/plex.tv/api/v2/user"]
    assert [request.path for request in world.pms.log] == ["/identity", "/library/sections"]
    assert provider.requests == 3


async def test_check_signed_out(world: World) -> None:
    account = world.account()
    world.cloud.revoke(account.token)
    with pytest.raises(AuthError):
        await world.provider(account).check()


async def test_check_token_of_another_user(world: World) -> None:
    with pytest.raises(WrongUserError):
        await world.provider(replace(world.account(), user_id=1)).check()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, UnreachableError),
        ({"drop": True}, UnreachableError),
        ({"status": 403}, ForbiddenError),
        ({"status": 401}, ForbiddenError),
        ({"status": 200, "body": "<html>"}, BadAnswerError),
    ],
)
async def test_check_server_in_trouble(
    world: World, fault: dict[str, object], error: type[ProviderError]
) -> None:
    world.pms.inject("/library/sections", times=None, **fault)
    with pytest.raises(error):
        await world.provider().check()


async def test_requests_are_counted_across_all_hosts(world: World) -> None:
    world.list_titles(101)
    provider = world.provider(world.account(token="outdated"))
    await provider.check()
    await read_wanted(provider)
    await provider.read(Feature.HISTORY, SCOPE)
    addresses = len(provider.account.server.connections) if provider.account.server else 0
    assert addresses == 3
    assert provider.requests == len(world.cloud.log) + len(world.pms.log)


async def test_scope_of_the_history(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin")
    world.cloud.share(world.pms, child)
    first = await world.provider().read(Feature.HISTORY, SCOPE)
    again = await world.provider().read(Feature.HISTORY, SCOPE)
    other = await world.provider(user=child).read(Feature.HISTORY, SCOPE)
    assert first.scope_hash == again.scope_hash
    assert other.scope_hash != first.scope_hash
    world.pms.add_section("More", "movie")
    assert (await world.provider().read(Feature.HISTORY, SCOPE)).scope_hash != first.scope_hash
