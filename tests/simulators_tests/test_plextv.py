"""The Plex cloud simulator on the wire: plex.tv."""

from typing import Literal
from xml.etree import ElementTree as ET

import pytest

from tests.simulators.plex import ServerTokens

from .conftest import NOON, Plex

TV = "plex.tv/api/v2"
LIST = "discover.provider.plex.tv/library/sections/watchlist/all"
ADD = "discover.provider.plex.tv/actions/addToWatchlist?ratingKey="
REMOVE = "discover.provider.plex.tv/actions/removeFromWatchlist?ratingKey="
META = "metadata.provider.plex.tv/library/metadata"
NO_CLIENT = {"X-Plex-Client-Identifier": ""}
XML = {"Accept": "*/*"}


# --- PINs and tokens


async def test_pin_life(plex: Plex) -> None:
    """Created, polled, claimed, used; expired; another client's; polled too fast."""
    base = f"{plex.cloud.url}/plex.tv/api/v2/pins"
    product = {"X-Plex-Product": "Sync"}
    refused = await plex.call(base, method="POST", headers=NO_CLIENT | product, status=400)
    assert refused["errors"][0]["code"] == 1000
    await plex.call(base, method="POST", status=400)
    form = {"strong": "true"}
    pin = await plex.call(base, method="POST", headers=product, data=form, status=201)
    assert (len(pin["code"]), pin["expiresIn"], pin["authToken"]) == (25, 1800, None)
    poll = f"{base}/{pin['id']}"
    assert (await plex.call(poll))["authToken"] is None
    await plex.call(poll, headers={"X-Plex-Client-Identifier": "other"}, status=404)
    claim = {"code": pin["code"], "user": "bo"}
    await plex.call(f"{plex.cloud.url}/_simulator/pins/claim", method="POST", json=claim)
    token = (await plex.call(poll))["authToken"]
    user = await plex.call(f"{plex.cloud.url}/{TV}/user", token=token)
    assert (user["id"], user["authToken"]) == (plex.friend.id, token)
    plex.cloud.options.pin_poll_interval = 1
    assert (await plex.call(poll, status=429))["errors"][0]["code"] == 1003
    plex.clock.time += 1800
    await plex.call(poll, status=404)
    short = await plex.call(f"{base}?strong=false", method="POST", headers=product, status=201)
    assert len(short["code"]) == 4


async def test_claimed_owner_token_works_on_the_own_server(plex: Plex) -> None:
    """An account token works on the owner's server, a friend's does not (section 0)."""
    pin = plex.cloud.accounts.create_pin(client="c", product="p", strong=True, now=NOON, life=9)
    assert plex.cloud.claim_pin(pin.code, plex.owner) is pin
    sections = f"{plex.pms.url}/library/sections"
    await plex.call(sections, token=pin.token)
    await plex.call(sections, token=plex.cloud.token(plex.friend), status=401)
    await plex.call(sections, token=plex.cloud.server_token(plex.friend, plex.pms))
    assert plex.cloud.claim_pin("nonsense", plex.owner) is None


@pytest.mark.parametrize("status", [401, 422, 498])
async def test_invalid_token(plex: Plex, status: Literal[401, 422, 498]) -> None:
    """Missing or bad tokens, also a server token, are refused; v2 wants a client identifier."""
    plex.cloud.options.invalid_token_status = status
    server_token = plex.cloud.server_token(plex.owner, plex.pms)
    for token in ("wrong", None, server_token):
        for path in (f"{TV}/user", LIST, f"{META}/{0:024x}"):
            await plex.call(f"{plex.cloud.url}/{path}", token=token, status=status)
    answer = await plex.web(f"{TV}/user", headers=NO_CLIENT, status=400)
    assert answer["errors"][0]["code"] == 1000
    await plex.web(LIST, headers=NO_CLIENT)


# --- servers and people


async def test_resources(plex: Plex) -> None:
    """A bare array; the friend's row names the owner; v1 and v2 XML; a real local address."""
    for host in ("plex.tv", "clients.plex.tv"):
        (mine,) = await plex.web(f"{host}/api/v2/resources?includeHttps=1&includeRelay=1")
        assert (mine["owned"], mine["ownerId"]) == (True, None)
        assert mine["accessToken"] == plex.cloud.server_token(plex.owner, plex.pms)
        assert [c["relay"] for c in mine["connections"]] == [False, False, True]
    assert mine["connections"][0]["uri"] == plex.pms.url
    (theirs,) = await plex.web(f"{TV}/resources", user=plex.friend)
    assert (theirs["owned"], theirs["sourceTitle"]) == (False, "alex")
    assert theirs["ownerId"] == plex.owner.id
    assert theirs["connections"][-1]["protocol"] == "http"
    root = ET.fromstring(await plex.web(f"{TV}/resources", headers=XML))  # noqa: S314
    assert root.find("resource/connections/connection") is not None
    old = ET.fromstring(await plex.web("plex.tv/api/resources"))  # noqa: S314
    device = old.find("Device")
    assert device is not None
    assert device.get("clientIdentifier") == plex.pms.machine_identifier


async def test_home_and_switch(plex: Plex) -> None:
    """Managed users have no names; the PIN guards; the new token is the member's."""
    kid = plex.cloud.add_home_user(plex.owner, "Kim", managed=True, pin="1234")
    plex.cloud.share(plex.pms, kid, [1])
    users = (await plex.web(f"{TV}/home/users"))["users"]
    assert [(u["title"], u["username"], u["protected"]) for u in users] == [
        ("alex", "alex", False),
        ("Kim", "", True),
    ]
    old = ET.fromstring(await plex.web("plex.tv/api/home/users"))  # noqa: S314
    assert [user.get("title") for user in old.iter("User")] == ["alex", "Kim"]
    switch = f"{TV}/home/users/{kid.uuid}/switch"
    await plex.web(switch, method="POST", status=401)
    plex.cloud.options.switch_denied_status = 403
    await plex.web(f"{switch}?pin=9", method="POST", status=403)
    member = await plex.web(f"{switch}?pin=1234", method="POST", status=201)
    token = member["authToken"]
    assert (member["id"], member["restricted"]) == (kid.id, True)
    (row,) = await plex.call(f"{plex.cloud.url}/{TV}/resources", token=token)
    assert (row["owned"], row["home"]) == (False, True)
    assert row["accessToken"] == plex.cloud.server_token(kid, plex.pms)
    v1 = await plex.web(f"plex.tv/api/home/users/{kid.id}/switch?pin=1234", method="POST", status=201)
    assert ET.fromstring(v1).get("authenticationToken")  # noqa: S314
    await plex.web(f"{TV}/home/users/1/switch", method="POST", status=404)
    assert kid.switches == 2


async def test_friends_and_shared_servers(plex: Plex) -> None:
    """The friend's server token is hidden from the owner, a home user's is not."""
    kid = plex.cloud.add_home_user(plex.owner, "Kim", managed=True)
    plex.cloud.share(plex.pms, kid, [1])
    root = ET.fromstring(await plex.web("plex.tv/api/users/"))  # noqa: S314
    assert [(u.get("title"), u.get("home")) for u in root.iter("User")] == [("bo", "0"), ("Kim", "1")]
    path = f"plex.tv/api/servers/{plex.pms.machine_identifier}/shared_servers"

    async def tokens() -> list[str | None]:
        answer = ET.fromstring(await plex.web(path))  # noqa: S314
        return [one.get("accessToken") for one in answer]

    kids = plex.cloud.server_token(kid, plex.pms)
    assert await tokens() == [None, kids]
    plex.cloud.options.shared_servers_tokens = ServerTokens.NONE
    assert await tokens() == [None, None]
    plex.cloud.options.shared_servers_tokens = ServerTokens.ALL
    assert await tokens() == [plex.cloud.server_token(plex.friend, plex.pms), kids]
    await plex.web(path, user=plex.friend, status=404)
