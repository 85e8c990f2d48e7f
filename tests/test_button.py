"""The buttons of a pair."""

import asyncio
from collections.abc import Generator
from unittest.mock import patch

from homeassistant.components.button import DOMAIN as BUTTON_DOMAIN, SERVICE_PRESS
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import ATTR_ENTITY_ID, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from tests.common import Services

SYNC_NOW = "button.alex_attic_publicmetadb_sync_now"
PREVIEW = "button.alex_attic_publicmetadb_preview"


@pytest.fixture(autouse=True)
def only_buttons() -> Generator[None]:
    """Set up no other platform."""
    with patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.BUTTON]):
        yield


async def press(hass: HomeAssistant, button: str = SYNC_NOW) -> None:
    """Press a button."""
    await hass.services.async_call(BUTTON_DOMAIN, SERVICE_PRESS, {ATTR_ENTITY_ID: button}, blocking=True)


async def test_buttons(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_press_does_not_wait(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.2)
    async with asyncio.timeout(0.15):
        await press(hass)
        assert loaded.runtime_data.running
        with pytest.raises(ServiceValidationError) as refused:
            await press(hass)
    assert refused.value.translation_key == "already_running"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert loaded.runtime_data.data.report.total("added") == 4


async def test_press_without_an_account(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    await hass.config_entries.async_unload(plex_entry.entry_id)
    assert loaded.state is ConfigEntryState.LOADED
    with pytest.raises(ServiceValidationError) as refused:
        await press(hass)
    assert refused.value.translation_key == "waiting_for_account"


async def test_preview(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """It writes nothing, is kept until the next run, and is no run that anybody is told of."""
    before = services.user.contents()
    told: list[object] = []
    coordinator = loaded.runtime_data
    coordinator.on_run.async_add(lambda status, _report: told.append(status))
    await press(hass, PREVIEW)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert services.user.contents() == before
    assert coordinator.preview.total("added") == 4
    assert coordinator.data.report is None
    assert told == []
    await press(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert coordinator.preview is None
    assert told == ["unresolved"]
