"""Sign-in at plex.tv: PIN, user, servers, Plex Home (1.1 to 1.5)."""

from urllib.parse import parse_qs

import pytest
from yarl import URL

from custom_components.crosswatch.providers.plex.account import PlexAccount
from custom_components.crosswatch.providers.plex.auth import PinExpiredError, WrongPinError
from custom_components.crosswatch.providers.plex.hosts import PLEX_HOSTS, PlexHosts
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    ProviderError,
    RefusedError,
    UnreachableError,
)
from tests.providers.plex.conftest import CLIENT_ID, NOON, World
from tests.simulators.plex import PlexMediaServer

USER = "/plex.tv/api/v2/user"


def test_hosts() -> None:
    assert str(PLEX_HOSTS.plex_tv) == "https://plex.tv"
    hosts = PlexHosts.under("http://127.0.0.1:9/fake")
    assert str(hosts.discover) == "http://127.0.0.1:9/fake/discover.provider.plex.tv"
    assert str(hosts.app) == "http://127.0.0.1:9/fake/app.plex.tv"


async def test_sign_in(world: World) -> None:
    cloud = world.sign_in
    pin = await cloud.create_pin("http://ha.local:8123/auth?flow=1&x=y")
    assert pin.expires_at == NOON + 1800
    assert await cloud.check_pin(pin) is None
    assert world.cloud.claim_pin(pin.code, world.owner)
    token = await cloud.check_pin(pin)
    assert token is not None
    user = await cloud.user(token)
    assert (user.id, user.uuid, user.name) == (world.owner.id, world.owner.uuid, "Alex")
    assert cloud.requests == 4


async def test_link_to_the_sign_in_page(world: World) -> None:
    pin = await world.sign_in.create_pin("http://ha.local:8123/auth?flow=1&x=y")
    address, fragment = pin.url.split("#?")
    assert address == f"{world.cloud.url}/app.plex.tv/auth"
    assert parse_qs(fragment) == {
        "clientID": [CLIENT_ID],
        "code": [pin.code],
        "context[device][product]": ["CrossWatch"],
        "forwardUrl": ["http://ha.local:8123/auth?flow=1&x=y"],
    }
    async with world.session.get(URL(address)) as reply:
        assert reply.status == 200
    assert "forwardUrl" not in (await world.sign_in.create_pin()).url


async def test_every_request_names_the_installation(world: World) -> None:
    cloud = world.sign_in
    await cloud.check_pin(await cloud.create_pin())
    await cloud.user(world.cloud.token(world.owner))
    for request in world.cloud.log:
        assert request.headers["X-Plex-Client-Identifier"] == CLIENT_ID
        assert request.headers["X-Plex-Product"] == "CrossWatch"
        assert request.headers["X-Plex-Version"] == "1.0"
        assert request.headers["Accept"] == "application/json"


async def test_pin_expires(world: World) -> None:
    pin = await world.sign_in.create_pin()
    world.cloud.expire_pin(pin.code)
    with pytest.raises(PinExpiredError):
        await world.sign_in.check_pin(pin)


async def test_asked_too_often_is_not_an_answer(world: World) -> None:
    pin = await world.sign_in.create_pin()
    world.cloud.inject("*/pins/*", status=429, times=None)
    assert await world.sign_in.check_pin(pin) is None


async def test_trouble_while_waiting_for_sign_in(world: World) -> None:
    pin = await world.sign_in.create_pin()
    world.cloud.inject("*/pins/*", status=502, times=None)
    with pytest.raises(UnreachableError):
        await world.sign_in.check_pin(pin)
    world.cloud.heal()
    assert await world.sign_in.check_pin(pin) is None


@pytest.mark.parametrize("status", [401, 422, 498])
async def test_invalid_token(world: World, status: int) -> None:
    world.cloud.options.invalid_token_status = status  # type: ignore[assignment]
    with pytest.raises(AuthError):
        await world.sign_in.user("nonsense")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 500}, UnreachableError),
        ({"status": 503}, UnreachableError),
        ({"status": 429}, UnreachableError),
        ({"drop": True}, UnreachableError),
        ({"status": 400}, RefusedError),
        ({"status": 422, "body": '{"errors":[{"code":1,"message":"Unprocessable"}]}'}, RefusedError),
        ({"status": 400, "body": '{"errors":[{"code":1,"message":"Invalid token"}]}'}, RefusedError),
        ({"status": 403, "content_type": "application/json"}, ForbiddenError),
        ({"status": 403}, UnreachableError),
        ({"status": 200, "body": "<html>maintenance</html>"}, BadAnswerError),
        ({"status": 200, "body": ""}, BadAnswerError),
        ({"status": 200, "body": "[]"}, BadAnswerError),
        ({"status": 200, "body": '{"id": "x"}'}, BadAnswerError),
        ({"status": 302}, BadAnswerError),
    ],
)
async def test_only_401_says_something_about_the_token(
    world: World, fault: dict[str, object], error: type[ProviderError]
) -> None:
    token = world.cloud.token(world.owner)
    world.cloud.inject(USER, times=None, **fault)
    with pytest.raises(error) as caught:
        await world.sign_in.user(token)
    assert not isinstance(caught.value, AuthError)
    assert token not in str(caught.value)
    assert world.cloud.url not in str(caught.value)


async def test_servers(world: World) -> None:
    (server,) = await world.sign_in.servers(world.cloud.token(world.owner))
    assert server.machine_id == world.pms.machine_identifier
    assert server.name == "Attic"
    assert server.owned
    assert server.access_token == world.cloud.server_token(world.owner, world.pms)
    assert [(c.local, c.relay) for c in server.connections] == [(True, False), (False, False), (False, True)]
    assert world.pms.url in [connection.uri for connection in server.connections]


async def test_only_servers_with_access(world: World) -> None:
    rows = (
        '[{"name":"Player","clientIdentifier":"p","provides":"client,player","accessToken":"t"},'
        '{"name":"Invited","clientIdentifier":"i","provides":"server","accessToken":null},'
        '{"name":"Both","clientIdentifier":"b","provides":"client,server","accessToken":"t","owned":1,'
        '"httpsRequired":false,"connections":['
        '{"uri":"https://192-168-1-20.x.plex.direct:32400","address":"192.168.1.20","port":32400,"local":true},'
        '{"uri":"https://fe80.x.plex.direct:32400","address":"fe80::1","port":32400,"local":true,"IPv6":true},'
        '{"uri":"https://203-0-113-7.x.plex.direct:32400","address":"203.0.113.7","port":32400,"local":false}]},'
        '{"name":"Strict","clientIdentifier":"s","provides":"server","accessToken":"t","httpsRequired":true,'
        '"connections":[{"uri":"https://192-168-1-21.x.plex.direct:32400","address":"192.168.1.21","port":32400,'
        '"local":true}]}]'
    )
    world.cloud.inject("*/resources", status=200, body=rows, content_type="application/json")
    both, strict = await world.sign_in.servers(world.cloud.token(world.owner))
    assert (both.name, both.owned, strict.owned) == ("Both", True, False)
    # a server that allows plain http is tried that way too, but only at home
    assert [connection.uri for connection in both.connections] == [
        "https://192-168-1-20.x.plex.direct:32400",
        "http://192.168.1.20:32400",
        "https://fe80.x.plex.direct:32400",
        "http://[fe80::1]:32400",
        "https://203-0-113-7.x.plex.direct:32400",
    ]
    assert [connection.uri for connection in strict.connections] == [
        "https://192-168-1-21.x.plex.direct:32400"
    ]


@pytest.mark.parametrize("body", ["", "{}", "<html></html>", '[{"provides":"server","accessToken":"t"}]'])
async def test_servers_never_look_empty(world: World, body: str) -> None:
    world.cloud.inject("*/resources", status=200, body=body)
    with pytest.raises(BadAnswerError):
        await world.sign_in.servers(world.cloud.token(world.owner))


async def test_home(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin", managed=True)
    guarded = world.cloud.add_home_user(world.owner, "Toni", pin="1234")
    users = await world.sign_in.home_users(world.cloud.token(world.owner))
    assert [(u.id, u.name, u.admin, u.restricted, u.protected) for u in users] == [
        (world.owner.id, "Alex", True, False, False),
        (child.id, "Robin", False, True, False),
        (guarded.id, "Toni", False, False, True),
    ]


async def test_no_home(world: World) -> None:
    world.cloud.inject("*/home/users", status=404)
    assert await world.sign_in.home_users(world.cloud.token(world.owner)) == ()


async def test_switch(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin", managed=True)
    world.cloud.share(world.pms, child)
    token = await world.sign_in.switch_user(world.cloud.token(world.owner), child.id)
    assert (await world.sign_in.user(token)).id == child.id
    (server,) = await world.sign_in.servers(token)
    assert not server.owned
    assert server.access_token == world.cloud.server_token(child, world.pms)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("pin", [None, "", "0000"])
async def test_wrong_pin(world: World, status: int, pin: str | None) -> None:
    world.cloud.options.switch_denied_status = status  # type: ignore[assignment]
    guarded = world.cloud.add_home_user(world.owner, "Toni", pin="1234")
    with pytest.raises(WrongPinError):
        await world.sign_in.switch_user(world.cloud.token(world.owner), guarded.uuid, pin)
    token = await world.sign_in.switch_user(world.cloud.token(world.owner), guarded.uuid, "1234")
    assert (await world.sign_in.user(token)).id == guarded.id


async def test_switch_with_a_dead_token(world: World) -> None:
    with pytest.raises(AuthError):
        await world.sign_in.switch_user("nonsense", world.owner.id, "1234")


async def test_account_survives_storage(world: World) -> None:
    token = world.cloud.token(world.owner)
    user = await world.sign_in.user(token)
    (server,) = await world.sign_in.servers(token)
    account = PlexAccount.of(CLIENT_ID, token, user, server)
    assert PlexAccount.from_dict(account.as_dict()) == account
    alone = PlexAccount.of(CLIENT_ID, token, user)
    assert PlexAccount.from_dict(alone.as_dict()) == alone


async def test_servers_of_others(world: World) -> None:
    """Several servers, owned and shared, each with a token of its own."""
    async with PlexMediaServer("Basement", clock=lambda: NOON) as other:
        friend = world.cloud.add_friend(world.owner, "Kim")
        world.cloud.add_server(other, friend)
        world.cloud.share(other, world.owner)
        servers = await world.sign_in.servers(world.cloud.token(world.owner))
        assert {server.name: server.owned for server in servers} == {"Attic": True, "Basement": False}
        assert len({server.access_token for server in servers}) == 2
