"""Repair issues, and the ways out of them, through Home Assistant's own interface."""

from collections.abc import Awaitable, Callable
from typing import Any

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.crosswatch.const import DOMAIN
from tests.common import PAIR_ID, Services, pair_entry_of
from tests.conftest import Clock

MISSING = f"account_missing_{PAIR_ID}"
LONG = "fallback_long_01KPLEX0000000000000000000"

type Fix = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Fix:
    """Return how the frontend opens a fix flow, and how it submits a step."""
    assert await async_setup_component(hass, REPAIRS, {})
    await hass.async_block_till_done()
    client = await hass_client()

    async def ask(issue: str = "", flow: dict[str, Any] | None = None, **user_input: Any) -> dict[str, Any]:
        if flow is None:
            path, body = "", {"handler": DOMAIN, "issue_id": issue}
        else:
            path, body = f"/{flow['flow_id']}", user_input
        response = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        assert response.status == 200, await response.text()
        result: dict[str, Any] = await response.json()
        await hass.async_block_till_done()
        return result

    return ask


# --- an account of a pair is missing ------------------------------------------------------------


@pytest.fixture
async def other(hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry) -> MockConfigEntry:
    """Return one more account at Plex."""
    account = plex_entry.data["account"]
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id="plex_other",
        title="Alex (Den)",
        data={**plex_entry.data, "account": account},
    )
    entry.add_to_hass(hass)
    return entry


@pytest.mark.parametrize("title", [None, "Mine"])
async def test_choose_another_account(
    hass: HomeAssistant,
    other: MockConfigEntry,
    watchlist_only: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    issue_registry: ir.IssueRegistry,
    fix: Fix,
    title: str | None,
) -> None:
    plex, publicmetadb = accounts
    if title:
        hass.config_entries.async_update_entry(loaded, title=title)
    await hass.config_entries.async_remove(plex.entry_id)
    flow = await fix(MISSING)
    assert (flow["type"], flow["menu_options"]) == ("menu", ["replace", "remove", "wait"])
    flow = await fix(flow=flow, next_step_id="replace")
    fields = {field["name"]: field for field in flow["data_schema"]}
    assert "description" not in fields["source"]
    assert fields["target"]["description"] == {"suggested_value": publicmetadb.unique_id}

    before = dict(loaded.data)
    both = {"source": publicmetadb.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **both)
    assert flow["errors"] == {"target": "same_account"}
    flow = await fix(flow=flow, **{**both, "source": watchlist_only.unique_id})
    assert flow["errors"] == {"base": "feature_unsupported"}
    assert flow["description_placeholders"]["account"] == "Robin"
    assert flow["description_placeholders"]["features"] == "history"
    assert dict(loaded.data) == before

    flow = await fix(flow=flow, **{**both, "source": other.unique_id})
    assert flow["type"] == "create_entry"
    assert loaded.data == {**before, "source": other.unique_id}
    first, second = sorted((str(other.unique_id), str(publicmetadb.unique_id)))
    assert loaded.unique_id == f"pair_{first}_{second}"
    assert loaded.state is ConfigEntryState.LOADED
    assert loaded.title == (title or "Alex (Den) → PublicMetaDB")
    assert issue_registry.async_get_issue(DOMAIN, MISSING) is None
    assert loaded.runtime_data.status == "never_run"


async def test_pair_that_exists_already(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    fix: Fix,
) -> None:
    plex, publicmetadb = accounts
    rival = pair_entry_of(other, publicmetadb)
    MockConfigEntry(
        domain=DOMAIN, unique_id=rival.unique_id, data=dict(rival.data), options=dict(rival.options)
    ).add_to_hass(hass)
    await hass.config_entries.async_set_disabled_by(plex.entry_id, ConfigEntryDisabler.USER)
    flow = await fix(flow=await fix(MISSING), next_step_id="replace")
    change = {"source": other.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **change)
    assert flow["errors"] == {"base": "pair_exists"}


async def test_feature_that_the_other_account_lacks(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    fix: Fix,
) -> None:
    """The form has no field for features, so it is told at its top."""
    plex, publicmetadb = accounts
    data = {**other.data, "account": {**other.data["account"], "server": None}}
    hass.config_entries.async_update_entry(other, data=data)
    assert await hass.config_entries.async_reload(other.entry_id)
    await hass.config_entries.async_remove(plex.entry_id)
    flow = await fix(flow=await fix(MISSING), next_step_id="replace")
    change = {"source": other.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **change)
    assert flow["errors"] == {"base": "feature_unsupported"}


async def test_delete_the_pair(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(MISSING)
    assert flow["menu_options"] == ["remove", "wait"]
    flow = await fix(flow=flow, next_step_id="remove")
    assert (flow["type"], flow["step_id"]) == ("form", "remove")
    assert hass.config_entries.async_get_entry(PAIR_ID) is not None
    flow = await fix(flow=flow)
    assert flow["type"] == "create_entry"
    assert hass.config_entries.async_get_entry(PAIR_ID) is None
    assert issue_registry.async_get_issue(DOMAIN, MISSING) is None


async def test_wait_for_the_account(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    """The notice is put aside, and comes back when the account is missing another time."""
    for _ in range(2):
        await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, ConfigEntryDisabler.USER)
        issue = issue_registry.async_get_issue(DOMAIN, MISSING)
        assert issue is not None
        assert issue.dismissed_version is None
        flow = await fix(flow=await fix(MISSING), next_step_id="wait")
        assert (flow["type"], flow["reason"]) == ("abort", "waiting")
        issue = issue_registry.async_get_issue(DOMAIN, MISSING)
        assert issue is not None
        assert issue.dismissed_version is not None
        await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, None)
        await hass.async_block_till_done()
        assert issue_registry.async_get_issue(DOMAIN, MISSING) is None


@pytest.mark.parametrize("step", ["replace", "remove", "wait"])
async def test_pair_is_deleted_meanwhile(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    fix: Fix,
    step: str,
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(MISSING)
    await hass.config_entries.async_remove(loaded.entry_id)
    flow = await fix(flow=flow, next_step_id=step)
    assert (flow["type"], flow["reason"]) == ("abort", "pair_gone")


# --- the GUID fallback is on for long -----------------------------------------------------------


async def switch(hass: HomeAssistant, entry: MockConfigEntry, *, on: bool) -> None:
    """Switch the fallback, as the options do."""
    hass.config_entries.async_update_entry(entry, options={"fallback_GUID": True} if on else {})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def test_fallback_is_on_for_long(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    fix: Fix,
) -> None:
    hass.config_entries.async_update_entry(loaded, options={**loaded.options, "interval": 0})
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await switch(hass, plex_entry, on=True)
    since = plex_entry.data["fallback_since"]
    await clock.pass_time(days=6, hours=23)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None
    # other changes and restarts do not begin a new week
    assert await hass.config_entries.async_reload(plex_entry.entry_id)
    assert plex_entry.data["fallback_since"] == since
    await clock.pass_time(hours=2)
    issue = issue_registry.async_get_issue(DOMAIN, LONG)
    assert issue is not None
    assert issue.translation_placeholders == {"account": "Alex (Attic)"}
    assert await hass.config_entries.async_reload(plex_entry.entry_id)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None

    hass.config_entries.async_update_entry(plex_entry, options={**plex_entry.options, "history_workers": 2})
    flow = await fix(LONG)
    assert (flow["type"], flow["step_id"]) == ("form", "confirm")
    assert plex_entry.options["fallback_GUID"] is True
    flow = await fix(flow=flow)
    assert flow["type"] == "create_entry"
    assert dict(plex_entry.options) == {"history_workers": 2}
    assert "fallback_since" not in plex_entry.data
    assert plex_entry.state is ConfigEntryState.LOADED
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None


@pytest.mark.parametrize("how", ["off", "remove", "disable"])
async def test_fallback_notice_goes(
    hass: HomeAssistant,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    how: str,
) -> None:
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    await switch(hass, plex_entry, on=True)
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None
    match how:
        case "off":
            await switch(hass, plex_entry, on=False)
        case "remove":
            await hass.config_entries.async_remove(plex_entry.entry_id)
        case _:
            await hass.config_entries.async_set_disabled_by(plex_entry.entry_id, ConfigEntryDisabler.USER)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None


async def test_clock_was_wrong(
    hass: HomeAssistant, plex_entry: MockConfigEntry, clock: Clock, issue_registry: ir.IssueRegistry
) -> None:
    """A beginning in the future counts from now on."""
    ahead = int(clock.now().timestamp()) + 10**8
    hass.config_entries.async_update_entry(
        plex_entry, data={**plex_entry.data, "fallback_since": ahead}, options={"fallback_GUID": True}
    )
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    assert plex_entry.data["fallback_since"] < ahead - 10**7
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None


async def test_account_is_deleted_meanwhile(
    hass: HomeAssistant, plex_entry: MockConfigEntry, clock: Clock, fix: Fix
) -> None:
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    await switch(hass, plex_entry, on=True)
    await clock.pass_time(days=8)
    flow = await fix(LONG)
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(flow=flow)
    assert (flow["type"], flow["reason"]) == ("abort", "account_gone")
