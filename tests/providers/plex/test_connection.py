"""Finding the server's address (1.4, 2.3), and finding it again."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.providers.plex import connection
from custom_components.crosswatch.providers.plex.auth import Connection
from custom_components.crosswatch.providers.plex.connection import Prober, rank
from custom_components.crosswatch.providers.plex.link import NoServerError
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.provider import AuthError, ForbiddenError, UnreachableError
from tests.providers.plex.conftest import CLIENT_ID, NOON, SCOPE, World, read_plays
from tests.simulators.plex import PlexMediaServer

NOWHERE = "http://127.0.0.1:9"


def test_order() -> None:
    relay = Connection(uri="https://relay", relay=True)
    remote6 = Connection(uri="https://remote6", ipv6=True)
    remote = Connection(uri="https://remote")
    local_http = Connection(uri="http://local", local=True)
    local6 = Connection(uri="https://local6", local=True, ipv6=True)
    local = Connection(uri="https://local", local=True)
    mixed = [relay, remote6, local_http, remote, local6, local]
    assert sorted(mixed, key=rank) == [local, local6, local_http, remote, remote6, relay]


async def test_best_answer_wins_not_the_fastest(world: World) -> None:
    async with PlexMediaServer("Attic", clock=lambda: NOON) as twin:
        world.pms.inject("/identity", delay=0.2)
        prober = Prober(world.session, CLIENT_ID)
        slow_local = Connection(uri=world.pms.url, local=True)
        fast_remote = Connection(uri=twin.url)
        found = await prober.find([fast_remote, slow_local], world.pms.machine_identifier)
        assert found == slow_local
        assert prober.requests == 2


async def test_another_server_at_the_address(world: World) -> None:
    async with PlexMediaServer("Basement", clock=lambda: NOON) as stranger:
        prober = Prober(world.session, CLIENT_ID)
        wrong = Connection(uri=stranger.url, local=True)
        right = Connection(uri=world.pms.url, relay=True)
        assert await prober.find([wrong, right], world.pms.machine_identifier) == right
        with pytest.raises(UnreachableError):
            await prober.find([wrong], world.pms.machine_identifier)


async def test_no_token_while_searching(world: World) -> None:
    prober = Prober(world.session, CLIENT_ID)
    await prober.find([Connection(uri=world.pms.url)], world.pms.machine_identifier)
    assert all("X-Plex-Token" not in request.headers for request in world.pms.log)


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"status": 200, "body": "<html>"}, {"status": 200, "body": "{}"}],
)
async def test_no_answer(world: World, fault: dict[str, object]) -> None:
    world.pms.inject("/identity", times=None, **fault)
    prober = Prober(world.session, CLIENT_ID)
    with pytest.raises(UnreachableError):
        await prober.find(
            [Connection(uri=world.pms.url), Connection(uri=NOWHERE)], world.pms.machine_identifier
        )


async def test_too_slow(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PROBE_LIMIT", 0.05)
    monkeypatch.setattr(connection, "GRACE", 0.0)
    world.pms.inject("/identity", delay=0.3, times=None)
    prober = Prober(world.session, CLIENT_ID)
    with pytest.raises(UnreachableError):
        await prober.find([Connection(uri=world.pms.url)], world.pms.machine_identifier)


async def test_no_address_at_all(world: World) -> None:
    with pytest.raises(UnreachableError):
        await Prober(world.session, CLIENT_ID).find([], world.pms.machine_identifier)


async def test_found_again_among_known_addresses(world: World) -> None:
    provider = world.provider(world.account(uri=NOWHERE))
    await read_plays(provider)
    assert provider.account.server is not None
    assert provider.account.server.uri == world.pms.url
    assert not world.cloud.log


async def test_found_again_through_plex_tv(world: World) -> None:
    stale = world.account(uri=NOWHERE, connections=(Connection(uri=NOWHERE),))
    provider = world.provider(stale)
    account = await provider.check()
    assert account.server is not None
    assert account.server.uri == world.pms.url
    assert account == provider.account != stale


async def test_moved_to_another_port(world: World) -> None:
    provider = world.provider()
    await read_plays(provider)
    before = world.pms.url
    await world.pms.stop()
    async with PlexMediaServer("Basement", clock=lambda: NOON) as stranger:
        # another server answers at the old address: no token may get there
        await stranger.stop()
        await stranger.start(int(before.rpartition(":")[2]))
        world.pms._port = 0
        await world.pms.start()
        await read_plays(provider)
        assert provider.account.server is not None
        assert provider.account.server.uri == world.pms.url != before
        assert [request.path for request in stranger.log] == ["/identity"] * len(stranger.log)
        assert all("X-Plex-Token" not in request.headers for request in stranger.log)


async def test_server_down(world: World) -> None:
    provider = world.provider()
    await world.pms.stop()
    with pytest.raises(UnreachableError) as caught:
        await provider.read(Feature.HISTORY, SCOPE)
    assert "127.0.0.1" not in str(caught.value)
    # the list is the cloud's business
    await provider.read(Feature.WATCHLIST, SCOPE)


async def test_server_and_plex_tv_down(world: World) -> None:
    provider = world.provider(world.account(uri=NOWHERE, connections=()))
    world.cloud.inject("*", status=503, times=None)
    with pytest.raises(UnreachableError):
        await provider.read(Feature.HISTORY, SCOPE)


async def test_server_token_was_renewed(world: World) -> None:
    world.play(world.movie(1), NOON)
    provider = world.provider(world.account(token="outdated"))
    assert len(await read_plays(provider)) == 1
    assert provider.account.server is not None
    assert provider.account.server.token == world.cloud.server_token(world.owner, world.pms)


async def test_signed_out_everywhere(world: World) -> None:
    account = world.account(token="outdated")
    world.cloud.revoke(account.token)
    with pytest.raises(AuthError):
        await world.provider(account).read(Feature.HISTORY, SCOPE)


async def test_server_refuses_a_good_user(world: World) -> None:
    """plex.tv vouches for the user: signing in again would not help, so it is not asked for."""
    world.pms.inject("/library/*", status=401, times=None)
    with pytest.raises(ForbiddenError):
        await world.provider().read(Feature.HISTORY, SCOPE)


async def test_plex_tv_in_trouble_while_renewing(world: World) -> None:
    provider = world.provider(world.account(token="outdated"))
    world.cloud.inject("/plex.tv/*", status=502, times=None)
    with pytest.raises(UnreachableError):
        await provider.read(Feature.HISTORY, SCOPE)


async def test_no_access_any_more(world: World) -> None:
    account = world.account(uri=NOWHERE, connections=())
    assert account.server is not None
    elsewhere = replace(account, server=replace(account.server, machine_id="gone"))
    with pytest.raises(NoServerError):
        await world.provider(elsewhere).read(Feature.HISTORY, SCOPE)
