"""The dialog for a Plex account, against simulated Plex services."""

import asyncio
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, start_reauth_flow

from custom_components.crosswatch.account import plex_unique_id
from custom_components.crosswatch.const import DOMAIN
from tests.common import HARMLESS, HOSTILE, PIN, Services, start, submit
from tests.simulators.plex import NonOwnerHistory, PlexMediaServer, User

PINS = "/plex.tv/api/v2/pins"
HTML = "<!doctype html><title>Maintenance</title>"

pytestmark = pytest.mark.usefixtures("no_setup")


async def sign_in(
    hass: HomeAssistant, services: Services, result: ConfigFlowResult, user: User
) -> ConfigFlowResult:
    """Sign in at plex.tv and return what the dialog shows then."""
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    assert result["progress_action"] == "wait_for_plex"
    placeholders = result["description_placeholders"]
    assert placeholders is not None
    assert placeholders["code"] in placeholders["url"]
    assert services.cloud.claim_pin(placeholders["code"], user) is not None
    return await wait(hass, result)


async def wait(hass: HomeAssistant, result: ConfigFlowResult) -> ConfigFlowResult:
    """Wait for the end of the sign-in and return what the dialog shows then."""
    await hass.async_block_till_done(wait_background_tasks=True)
    return await hass.config_entries.flow.async_configure(result["flow_id"])


def trouble(result: ConfigFlowResult) -> str | None:
    """Return the error of the step that tells about trouble."""
    assert result["type"] is FlowResultType.FORM, result
    assert result["step_id"] == "plex_trouble"
    return (result["errors"] or {}).get("base")


def assert_created(result: ConfigFlowResult, services: Services, user: User, server: PlexMediaServer) -> None:
    """Check that the account of a user on a server was created."""
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    assert result["title"] == f"Plex ({user.title}, {server.name})"
    assert result["result"].unique_id == plex_unique_id(server.machine_identifier, user.id)
    data = result["data"]
    assert (data["kind"], data["provider"]) == ("account", "plex")
    account = data["account"]
    assert services.cloud.accounts.tokens[account["token"]] is user
    assert account["user_id"] == user.id
    assert account["server"]["token"] == services.cloud.server_token(user, server)
    assert account["server"]["uri"] == server.url


def leave_home(services: Services) -> None:
    """Leave Alex alone."""
    for user in (services.alex, services.kim, services.robin):
        user.home = None


def core_entry(
    hass: HomeAssistant, token: str, pms: PlexMediaServer, title: str = "Attic"
) -> MockConfigEntry:
    """Add a server to Home Assistant's own Plex integration."""
    entry = MockConfigEntry(
        domain="plex",
        title=title,
        data={
            "server": title,
            "server_id": pms.machine_identifier,
            "server_config": {"url": pms.url, "token": token, "verify_ssl": True},
        },
    )
    entry.add_to_hass(hass)
    return entry


# --- a new account ------------------------------------------------------------------------------


async def test_alone_with_one_server(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_signed_in_user_of_a_home(hass: HomeAssistant, services: Services) -> None:
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "plex_user")
    result = await submit(hass, result, user=str(services.alex.id))
    assert_created(result, services, services.alex, services.pms)


async def test_home_user_without_pin(hass: HomeAssistant, services: Services) -> None:
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    result = await submit(hass, result, user=str(services.robin.id))
    assert_created(result, services, services.robin, services.pms)


async def test_home_user_with_pin(hass: HomeAssistant, services: Services) -> None:
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    result = await submit(hass, result, user=str(services.kim.id))
    assert result["step_id"] == "plex_pin"
    assert result["description_placeholders"] == {"user": "Kim"}
    result = await submit(hass, result, pin="0000")
    assert result["errors"] == {"pin": "wrong_pin"}
    services.cloud.inject("/plex.tv/api/v2/home/users/*", times=3, status=503)
    result = await submit(hass, result, pin=PIN)
    assert result["errors"] == {"base": "cannot_connect"}
    result = await submit(hass, result, pin=f" {PIN} ")
    assert_created(result, services, services.kim, services.pms)


async def test_home_user_protected_meanwhile(hass: HomeAssistant, services: Services) -> None:
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    services.robin.pin = "1111"
    result = await submit(hass, result, user=str(services.robin.id))
    assert result["step_id"] == "plex_pin"
    result = await submit(hass, result, pin="1111")
    assert_created(result, services, services.robin, services.pms)


async def test_home_user_while_plex_is_down(hass: HomeAssistant, services: Services) -> None:
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    services.cloud.inject("/plex.tv/api/v2/home/users/*", times=3, status=503)
    result = await submit(hass, result, user=str(services.robin.id))
    assert trouble(result) == "cannot_connect"
    assert_created(await submit(hass, result), services, services.robin, services.pms)


async def test_two_servers(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    cellar = PlexMediaServer("Cellar")
    async with cellar:
        services.cloud.add_server(cellar, services.alex)
        result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "plex_server")
        await cellar.stop()
        result = await submit(hass, result, server=cellar.machine_identifier)
        assert result["errors"] == {"base": "server_unreachable"}
        await cellar.start()
        result = await submit(hass, result, server=cellar.machine_identifier)
        assert_created(result, services, services.alex, cellar)


# --- trouble ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"drop": True}, "cannot_connect"),
        ({"status": 500}, "cannot_connect"),
        ({"status": 429}, "rate_limited"),
        ({"status": 200, "body": HTML}, "bad_answer"),
        ({"status": 418}, "bad_answer"),
    ],
)
async def test_no_link(hass: HomeAssistant, services: Services, fault: dict[str, Any], error: str) -> None:
    leave_home(services)
    services.cloud.inject(PINS, times=None, **fault)
    result = await start(hass, "plex")
    assert trouble(result) == error
    services.cloud.heal()
    result = await sign_in(hass, services, await submit(hass, result), services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_link_expires(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    result = await start(hass, "plex")
    first = (result["description_placeholders"] or {})["code"]
    services.cloud.expire_pin(first)
    result = await wait(hass, result)
    assert trouble(result) == "sign_in_expired"
    result = await submit(hass, result)
    assert (result["description_placeholders"] or {})["code"] != first
    result = await sign_in(hass, services, result, services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_nobody_signs_in(hass: HomeAssistant, services: Services) -> None:
    with patch("custom_components.crosswatch.flows.plex.PIN_LIFE", 0.05):
        result = await wait(hass, await start(hass, "plex"))
    assert trouble(result) == "sign_in_expired"


async def test_outage_while_waiting(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    result = await start(hass, "plex")
    services.cloud.inject(f"{PINS}/*", times=7, drop=True)
    services.cloud.inject(f"{PINS}/*", first=8, status=200, body=HTML)
    result = await sign_in(hass, services, result, services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_refused_while_waiting(hass: HomeAssistant, services: Services) -> None:
    result = await start(hass, "plex")
    services.cloud.inject(f"{PINS}/*", status=400)
    result = await wait(hass, result)
    assert trouble(result) == "bad_answer"
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.SHOW_PROGRESS


@pytest.mark.parametrize(
    ("path", "fault", "error"),
    [
        ("user", {"drop": True}, "cannot_connect"),
        ("user", {"status": 200, "body": HTML}, "bad_answer"),
        ("home/users", {"status": 502}, "cannot_connect"),
        ("user", {"status": 403, "body": "{}", "content_type": "application/json"}, "forbidden"),
    ],
)
async def test_trouble_after_sign_in(
    hass: HomeAssistant, services: Services, path: str, fault: dict[str, Any], error: str
) -> None:
    services.cloud.inject(f"/plex.tv/api/v2/{path}", times=None, **fault)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert trouble(result) == error
    services.cloud.heal()
    result = await submit(hass, result)
    assert result["step_id"] == "plex_user"


async def test_trouble_with_the_list_of_servers(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    services.cloud.inject("/plex.tv/api/v2/resources", status=200, body=HTML)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert trouble(result) == "bad_answer"
    assert_created(await submit(hass, result), services, services.alex, services.pms)


async def test_the_only_server_is_down(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    await services.pms.stop()
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert trouble(result) == "server_unreachable"
    await services.pms.start()
    assert_created(await submit(hass, result), services, services.alex, services.pms)


async def test_server_refuses_the_user(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    services.pms.inject("/library/sections", times=None, status=403)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert trouble(result) == "forbidden"
    services.pms.heal()
    assert_created(await submit(hass, result), services, services.alex, services.pms)


async def test_no_server(hass: HomeAssistant, services: Services) -> None:
    """Somebody gives access while the dialog is open."""
    dana = services.cloud.add_user("Dana")
    result = await sign_in(hass, services, await start(hass, "plex"), dana)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "plex_no_server")
    services.cloud.share(services.pms, dana)
    result = await submit(hass, result, next_step_id="plex_choose_again")
    result = await sign_in(hass, services, result, dana)
    assert_created(result, services, dana, services.pms)
    assert result["description"] == "not_owner"


async def test_watchlist_alone(hass: HomeAssistant, services: Services) -> None:
    dana = services.cloud.add_user("Dana")
    result = await sign_in(hass, services, await start(hass, "plex"), dana)
    services.cloud.inject("/plex.tv/api/v2/user", times=3, drop=True)
    result = await submit(hass, result, next_step_id="plex_watchlist_only")
    assert trouble(result) == "cannot_connect"
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert (result["title"], result["description"]) == ("Plex (Dana)", "watchlist_only")
    entry = result["result"]
    assert entry.unique_id == f"plex_{dana.id}"
    assert entry.data["account"]["server"] is None

    # once is enough
    result = await sign_in(hass, services, await start(hass, "plex"), dana)
    result = await submit(hass, result, next_step_id="plex_watchlist_only")
    assert trouble(result) == "already_configured"
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.SHOW_PROGRESS
    hass.config_entries.flow.async_abort(result["flow_id"])

    # a new sign-in leaves it as it is, even if there is a server by now
    services.cloud.share(services.pms, dana)
    result = await start_reauth_flow(hass, entry)
    result = await sign_in(hass, services, await submit(hass, result), dana)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert entry.unique_id == f"plex_{dana.id}"
    assert entry.data["account"]["server"] is None


@pytest.mark.parametrize(
    ("who", "history", "told"),
    [
        ("alex", NonOwnerHistory.DENIED, None),
        ("robin", NonOwnerHistory.OWN_ROWS, "not_owner"),
        ("robin", NonOwnerHistory.DENIED, "own_state_only"),
    ],
)
async def test_limits_are_told(
    hass: HomeAssistant, services: Services, who: str, history: NonOwnerHistory, told: str | None
) -> None:
    services.pms.options.non_owner_history = history
    user: User = getattr(services, who)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    result = await submit(hass, result, user=str(user.id))
    assert_created(result, services, user, services.pms)
    assert result["description"] == told
    assert result["description_placeholders"] == {"user": user.title, "server": "Attic"}


async def test_names_are_no_markup(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry
) -> None:
    """Whoever shares a server or is in the home names it and themselves; the dialog shows that as it is."""
    services.kim.title = services.pms.name = HOSTILE
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    result = await submit(hass, result, user=str(services.kim.id))
    assert (result["step_id"], result["description_placeholders"]) == ("plex_pin", {"user": HARMLESS})
    result = await submit(hass, result, pin=PIN)
    assert result["title"] == f"Plex ({HOSTILE}, {HOSTILE})"
    assert result["description_placeholders"] == {"user": HARMLESS, "server": HARMLESS}

    dana = services.cloud.add_user(HOSTILE)
    result = await sign_in(hass, services, await start(hass, "plex"), dana)
    assert (result["step_id"], result["description_placeholders"]) == ("plex_no_server", {"user": HARMLESS})

    hass.config_entries.async_update_entry(plex_entry, title=HOSTILE)
    result = await plex_entry.start_reauth_flow(hass)
    placeholders = result["description_placeholders"] or {}
    assert (result["step_id"], placeholders["account"]) == ("plex_confirm", HARMLESS)


async def test_already_set_up(hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry) -> None:
    before = dict(plex_entry.data)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    result = await submit(hass, result, user=str(services.alex.id))
    assert trouble(result) == "already_configured"
    result = await submit(hass, result)
    assert result["step_id"] == "plex_user"
    result = await submit(hass, result, user=str(services.robin.id))
    assert_created(result, services, services.robin, services.pms)
    assert dict(plex_entry.data) == before


async def test_already_set_up_and_alone(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry
) -> None:
    leave_home(services)
    result = await sign_in(hass, services, await start(hass, "plex"), services.alex)
    assert trouble(result) == "already_configured"
    result = await submit(hass, result)
    assert result["type"] is FlowResultType.SHOW_PROGRESS


@pytest.mark.parametrize("signed_in", [False, True])
async def test_closed_dialog(hass: HomeAssistant, services: Services, signed_in: bool) -> None:
    result = await start(hass, "plex")
    await asyncio.sleep(0.05)
    if signed_in:
        services.cloud.claim_pin((result["description_placeholders"] or {})["code"], services.alex)
    hass.config_entries.flow.async_abort(result["flow_id"])
    asked = len(services.cloud.log)
    await asyncio.sleep(0.1)
    assert len(services.cloud.log) <= asked + 1
    assert not hass.config_entries.async_entries(DOMAIN)


# --- a server that Home Assistant knows ---------------------------------------------------------


async def test_known_server(hass: HomeAssistant, services: Services) -> None:
    core_entry(hass, services.token, services.pms)
    result = await start(hass, "plex")
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "plex")
    assert result["menu_options"] == ["plex_link", "plex_existing"]
    result = await submit(hass, result, next_step_id="plex_existing")
    assert result["step_id"] == "plex_user"
    result = await submit(hass, result, user=str(services.alex.id))
    assert_created(result, services, services.alex, services.pms)


async def test_link_beside_known_server(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    core_entry(hass, services.token, services.pms)
    result = await sign_in(hass, services, await start(hass, "plex", "plex_link"), services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_two_known_servers(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    async with PlexMediaServer("Cellar") as cellar:
        services.cloud.add_server(cellar, services.alex)
        core_entry(hass, services.token, services.pms)
        chosen = core_entry(hass, services.token, cellar, "Cellar")
        result = await start(hass, "plex", "plex_existing")
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "plex_existing")
        result = await submit(hass, result, entry=chosen.entry_id)
        assert_created(result, services, services.alex, cellar)


async def test_known_server_with_a_dead_token(hass: HomeAssistant, services: Services) -> None:
    leave_home(services)
    core_entry(hass, "revoked", services.pms)
    result = await start(hass, "plex", "plex_existing")
    assert trouble(result) == "invalid_auth"
    result = await sign_in(hass, services, await submit(hass, result), services.alex)
    assert_created(result, services, services.alex, services.pms)


async def test_known_server_not_shared_with_the_user(hass: HomeAssistant, services: Services) -> None:
    async with PlexMediaServer("Cellar") as cellar:
        services.cloud.add_server(cellar, services.alex)
        core_entry(hass, services.token, cellar, "Cellar")
        result = await start(hass, "plex", "plex_existing")
        result = await submit(hass, result, user=str(services.robin.id))
        assert trouble(result) == "server_not_shared"
        result = await submit(hass, result)
        result = await submit(hass, result, user=str(services.alex.id))
        assert_created(result, services, services.alex, cellar)


async def test_unusable_core_entries_are_not_offered(hass: HomeAssistant, services: Services) -> None:
    MockConfigEntry(domain="plex", data={}).add_to_hass(hass)
    result = await start(hass, "plex")
    assert result["type"] is FlowResultType.SHOW_PROGRESS


# --- an existing account ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reauth", "reconfigure"])
async def test_sign_in_again(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry, kind: str
) -> None:
    services.cloud.revoke(services.token)
    result = await getattr(plex_entry, f"start_{kind}_flow")(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "plex_confirm")
    result = await sign_in(hass, services, await submit(hass, result), services.alex)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, f"{kind}_successful")
    assert services.cloud.accounts.tokens[plex_entry.data["account"]["token"]] is services.alex
    assert plex_entry.title == "Alex (Attic)"


async def test_sign_in_again_as_a_member_of_the_home(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry
) -> None:
    """The account is Kim's, and Alex signs in: that leads to Kim again, after Kim's PIN."""
    account = {**plex_entry.data["account"], "user_id": services.kim.id, "user_name": "Kim"}
    hass.config_entries.async_update_entry(
        plex_entry,
        data={**plex_entry.data, "account": account},
        unique_id=plex_unique_id(services.pms.machine_identifier, services.kim.id),
    )
    result = await plex_entry.start_reauth_flow(hass)
    result = await sign_in(hass, services, await submit(hass, result), services.alex)
    assert result["step_id"] == "plex_pin"
    result = await submit(hass, result, pin=PIN)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert services.cloud.accounts.tokens[plex_entry.data["account"]["token"]] is services.kim


async def test_sign_in_again_as_somebody_else(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry
) -> None:
    before = dict(plex_entry.data)
    dana = services.cloud.add_user("Dana")
    services.cloud.share(services.pms, dana)
    result = await plex_entry.start_reauth_flow(hass)
    result = await sign_in(hass, services, await submit(hass, result), dana)
    assert trouble(result) == "wrong_account"
    assert dict(plex_entry.data) == before
    result = await sign_in(hass, services, await submit(hass, result), services.alex)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")


async def test_reconfigure_when_the_server_is_gone(
    hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry
) -> None:
    before = dict(plex_entry.data)
    async with PlexMediaServer("Cellar") as cellar:
        services.cloud.add_server(cellar, services.alex)
        services.cloud.accounts.shares = [
            share for share in services.cloud.accounts.shares if share.pms is not services.pms
        ]
        result = await plex_entry.start_reconfigure_flow(hass)
        result = await sign_in(hass, services, await submit(hass, result), services.alex)
        assert trouble(result) == "server_not_shared"
        result = await submit(hass, result)
        assert result["type"] is FlowResultType.SHOW_PROGRESS
        assert dict(plex_entry.data) == before
        hass.config_entries.flow.async_abort(result["flow_id"])
