"""The dialog for a PublicMetaDB account, against a simulated PublicMetaDB."""

from typing import Any

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.providers.publicmetadb import account_id
from tests.common import API_KEY, HARMLESS, HOSTILE, Services, start, submit
from tests.simulators.publicmetadb import PublicMetaDBSimulator

HTML = "<!doctype html><title>Welcome</title>"
NEW_KEY = "pm-the-new-one"
LISTS = "/api/external/lists"

pytestmark = pytest.mark.usefixtures("no_setup")


def assert_created(result: ConfigFlowResult, services: Services) -> None:
    """Check that the account was created."""
    assert result["type"] is FlowResultType.CREATE_ENTRY, result
    assert result["title"] == "PublicMetaDB"
    assert result["data"] == {
        "kind": "account",
        "provider": "publicmetadb",
        "api_key": API_KEY,
        "base_url": services.pmdb.url,
        "lists": [],
    }
    assert result["result"].unique_id == f"publicmetadb_{account_id(services.pmdb.url, API_KEY)}"


async def test_good_key(hass: HomeAssistant, services: Services) -> None:
    result = await start(hass, "publicmetadb")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "publicmetadb")
    assert result["errors"] == {}
    result = await submit(hass, result, api_key=f"  {API_KEY} ", base_url=f" {services.pmdb.url}/ ")
    assert_created(result, services)


@pytest.mark.parametrize(
    ("user_input", "errors"),
    [
        ({"api_key": "pm-wrong"}, {"base": "invalid_key"}),
        ({"api_key": "pm wrong"}, {"base": "invalid_key"}),
        ({"api_key": "ключ"}, {"base": "invalid_key"}),
        ({"api_key": "  "}, {"api_key": "api_key_required"}),
        ({"base_url": "publicmetadb.com"}, {"base_url": "invalid_url"}),
        ({"base_url": "ftp://publicmetadb.com"}, {"base_url": "invalid_url"}),
        ({"base_url": "https://"}, {"base_url": "invalid_url"}),
        ({"base_url": "https://[::1"}, {"base_url": "invalid_url"}),
        ({"base_url": "  "}, {"base_url": "invalid_url"}),
        ({"base_url": "https://publicmetadb.com/?a=b"}, {"base_url": "invalid_url"}),
        ({"base_url": "https://me:secret@publicmetadb.com"}, {"base_url": "url_with_credentials"}),
        ({"base_url": "https://me@publicmetadb.com"}, {"base_url": "url_with_credentials"}),
        ({"base_url": "https://:secret@publicmetadb.com"}, {"base_url": "url_with_credentials"}),
        ({"base_url": "http://nowhere.invalid"}, {"base": "cannot_connect"}),
    ],
)
async def test_bad_input_then_good(
    hass: HomeAssistant, services: Services, user_input: dict[str, str], errors: dict[str, str]
) -> None:
    good = {"api_key": API_KEY, "base_url": services.pmdb.url}
    result = await start(hass, "publicmetadb")
    result = await submit(hass, result, **(good | user_input))
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, errors)
    assert not hass.config_entries.async_entries(DOMAIN)
    assert_created(await submit(hass, result, **good), services)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"drop": True}, "cannot_connect"),
        ({"status": 500}, "cannot_connect"),
        ({"status": 403, "body": HTML}, "cannot_connect"),
        ({"status": 403, "body": "{}", "content_type": "application/json"}, "invalid_key"),
        ({"status": 429}, "rate_limited"),
        ({"status": 200, "body": HTML}, "bad_answer"),
        ({"status": 200, "body": "[]", "content_type": "application/json"}, "bad_answer"),
        ({"status": 404}, "bad_answer"),
        ({"first": 2, "status": 200, "body": HTML}, "bad_answer"),
    ],
)
async def test_trouble_then_good(
    hass: HomeAssistant, services: Services, fault: dict[str, Any], error: str
) -> None:
    good = {"api_key": API_KEY, "base_url": services.pmdb.url}
    services.pmdb.inject(LISTS, times=None, **fault)
    result = await submit(hass, await start(hass, "publicmetadb"), **good)
    assert result["errors"] == {"base": error}
    services.pmdb.heal()
    assert_created(await submit(hass, result, **good), services)


async def test_second_account(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    services.pmdb.add_user(NEW_KEY, "somebody-else")
    result = await start(hass, "publicmetadb")
    result = await submit(hass, result, api_key=API_KEY, base_url=services.pmdb.url)
    assert result["errors"] == {"base": "already_configured"}
    result = await submit(hass, result, api_key=NEW_KEY, base_url=services.pmdb.url)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "PublicMetaDB 2"


async def test_key_of_an_account_that_got_it_later(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    services.pmdb.change_key(API_KEY, NEW_KEY)
    hass.config_entries.async_update_entry(
        publicmetadb_entry, data={**publicmetadb_entry.data, "api_key": NEW_KEY}
    )
    result = await start(hass, "publicmetadb")
    result = await submit(hass, result, api_key=NEW_KEY, base_url=services.pmdb.url)
    assert result["errors"] == {"base": "already_configured"}


# --- a new key ----------------------------------------------------------------------------------


async def test_new_key(hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry) -> None:
    unique_id = publicmetadb_entry.unique_id
    services.pmdb.change_key(API_KEY, NEW_KEY)
    result = await publicmetadb_entry.start_reauth_flow(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "publicmetadb_key")
    result = await submit(hass, result, api_key="pm-wrong")
    assert result["errors"] == {"base": "invalid_key"}
    assert publicmetadb_entry.data["api_key"] == API_KEY
    result = await submit(hass, result, api_key=NEW_KEY)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert publicmetadb_entry.data["api_key"] == NEW_KEY
    assert publicmetadb_entry.unique_id == unique_id


async def test_new_key_of_the_same_person(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    """One list in common is enough, whatever came and went meanwhile."""
    kept, _new = services.user.add_list("Watchlist"), services.user.add_list("New")
    remember_lists(hass, publicmetadb_entry, "long gone", kept.id)
    services.pmdb.change_key(API_KEY, NEW_KEY)
    result = await publicmetadb_entry.start_reauth_flow(hass)
    result = await submit(hass, result, api_key=NEW_KEY)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reauth_successful")
    assert kept.id in publicmetadb_entry.data["lists"]


@pytest.mark.parametrize("kind", ["reauth", "reconfigure"])
async def test_new_key_of_another_person(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry, kind: str
) -> None:
    hass.config_entries.async_update_entry(publicmetadb_entry, title=HOSTILE)
    remember_lists(hass, publicmetadb_entry, services.user.add_list("Watchlist").id)
    before = dict(publicmetadb_entry.data)
    services.pmdb.add_user(NEW_KEY, "somebody-else").add_list("Watchlist")
    result = await getattr(publicmetadb_entry, f"start_{kind}_flow")(hass)
    assert (result["description_placeholders"] or {})["account"] == HARMLESS
    address = {"base_url": services.pmdb.url} if kind == "reconfigure" else {}
    result = await submit(hass, result, api_key=NEW_KEY, **address)
    assert (result["description_placeholders"] or {})["account"] == HARMLESS
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "publicmetadb_other")
    assert dict(publicmetadb_entry.data) == before
    result = await submit(hass, result)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, f"{kind}_successful")
    assert publicmetadb_entry.data["api_key"] == NEW_KEY


async def test_new_key_of_another_entry(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    services.pmdb.add_user(NEW_KEY, "somebody-else")
    MockConfigEntry(
        domain=DOMAIN,
        data={**publicmetadb_entry.data, "api_key": NEW_KEY},
        unique_id="publicmetadb_other",
    ).add_to_hass(hass)
    result = await publicmetadb_entry.start_reauth_flow(hass)
    result = await submit(hass, result, api_key=NEW_KEY)
    assert result["errors"] == {"base": "already_configured"}


# --- a new address ------------------------------------------------------------------------------


async def test_new_address(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    async with PublicMetaDBSimulator() as other:
        other.add_user(API_KEY, "pmdb-user")
        result = await publicmetadb_entry.start_reconfigure_flow(hass)
        assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "publicmetadb_reconfigure")
        result = await submit(hass, result, base_url="nothing")
        assert result["errors"] == {"base_url": "invalid_url"}
        result = await submit(hass, result, base_url=other.url)
        assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
        assert publicmetadb_entry.data["base_url"] == other.url
        assert publicmetadb_entry.data["api_key"] == API_KEY


async def test_empty_key_keeps_the_key(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    result = await publicmetadb_entry.start_reconfigure_flow(hass)
    result = await submit(hass, result, base_url=services.pmdb.url, api_key=" ")
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert publicmetadb_entry.data["api_key"] == API_KEY


async def test_unchanged(
    hass: HomeAssistant, services: Services, publicmetadb_entry: MockConfigEntry
) -> None:
    result = await publicmetadb_entry.start_reconfigure_flow(hass)
    result = await submit(hass, result, base_url=services.pmdb.url, api_key=API_KEY)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")


def remember_lists(hass: HomeAssistant, entry: MockConfigEntry, *lists: str) -> None:
    """Store what the account's set-up would have learned."""
    hass.config_entries.async_update_entry(entry, data={**entry.data, "lists": list(lists)})
