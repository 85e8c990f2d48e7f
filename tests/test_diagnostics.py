"""Diagnostics tell nobody who, where or what is watched."""

import json

from homeassistant.components.diagnostics import DOMAIN as DIAGNOSTICS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.crosswatch.const import Trigger
from tests.common import Services, hold

VOLATILE = props("run_id", "started_at", "duration_s", "next_run", "last_success", "requests", "held_at")


@pytest.fixture
async def after_a_run(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> MockConfigEntry:
    """Return the pair after a run, with a list of a name of its own."""
    hass.config_entries.async_update_entry(
        loaded, options={**loaded.options, "watchlist_name": "Alex' own list"}
    )
    coordinator = loaded.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    return loaded


async def download(hass: HomeAssistant, client: ClientSessionGenerator, path: str) -> str:
    """Download diagnostics as the frontend does, all of the file."""
    assert await async_setup_component(hass, DIAGNOSTICS, {})
    await hass.async_block_till_done()
    response = await (await client()).get(f"/api/diagnostics/{path}")
    assert response.status == 200
    text: str = await response.text()
    return text


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_diagnostics(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    after_a_run: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    snapshot: SnapshotAssertion,
    place: int,
) -> None:
    entry = (*accounts, after_a_run)[place]
    of_entry = await download(hass, hass_client, f"config_entry/{entry.entry_id}")
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    of_device = await download(hass, hass_client, f"config_entry/{entry.entry_id}/device/{device.id}")
    assert json.loads(of_device)["data"] == json.loads(of_entry)["data"]
    assert json.loads(of_entry)["data"] == snapshot(exclude=VOLATILE)

    private = (
        *services.secrets,
        "Alex",
        "Attic",
        "Arrival at Dawn",
        "Borrowed Light",
        "Cinder Road",
        services.pms.machine_identifier,
        str(services.alex.id),
        str(entry.unique_id),
        *(one.id for one in services.user.lists()),
    )
    for text in (of_entry, of_device):
        assert not [secret for secret in private if secret in text]


async def test_options_name_nothing(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    loaded: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
) -> None:
    """Names that somebody chose stay out; numbers, which a bug report needs, do not."""
    private = {
        "watchlist_name": "Alex' own list",
        "watchlist_list_id": "L-4711",
        "ratings_label": "Alex' label",
    }
    for entry in (publicmetadb_entry, loaded):
        hass.config_entries.async_update_entry(
            entry, options={**entry.options, **private, "watchlist_page_size": 77}
        )
        text = await download(hass, hass_client, f"config_entry/{entry.entry_id}")
        assert not [value for value in private.values() if value in text]
        assert json.loads(text)["data"]["options"]["watchlist_page_size"] == 77


async def test_issues_name_nobody(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    after_a_run: MockConfigEntry,
    plex_entry: MockConfigEntry,
    services: Services,
) -> None:
    """The file also holds the repair issues of the integration."""
    await hass.config_entries.async_remove(plex_entry.entry_id)
    text = await download(hass, hass_client, f"config_entry/{after_a_run.entry_id}")
    assert "account_missing" in text
    assert not [secret for secret in (*services.secrets, "Alex", "Attic") if secret in text]


async def test_held_plan_and_last_runs(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    loaded: MockConfigEntry,
    services: Services,
    snapshot: SnapshotAssertion,
) -> None:
    """How much waits and how the last runs went is told, without a title."""
    await hold(hass, loaded, services)
    text = await download(hass, hass_client, f"config_entry/{loaded.entry_id}")
    told = json.loads(text)["data"]
    assert {key: told[key] for key in ("held", "last_runs")} == snapshot(exclude=VOLATILE)
    titles = ("Arrival at Dawn", "Borrowed Light", "Cinder Road")
    assert not [secret for secret in (*services.secrets, *titles) if secret in text]
