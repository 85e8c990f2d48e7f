"""Whether a pair is in step, in trouble or running, and whether an account answers."""

from collections.abc import Generator
from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.crosswatch.const import Trigger
from custom_components.crosswatch.models import PROBLEMS, PairState
from custom_components.crosswatch.sync.report import RunStatus
from tests.common import API_KEY, Services

PAIR = "binary_sensor.alex_attic_publicmetadb"
DISCOVER = "/discover.provider.plex.tv/*"


@pytest.fixture(autouse=True)
def only_binary_sensors() -> Generator[None]:
    """Set up no other platform."""
    with (
        patch("custom_components.crosswatch.ACCOUNT_PLATFORMS", [Platform.BINARY_SENSOR]),
        patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.BINARY_SENSOR]),
    ):
        yield


def is_on(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of a binary sensor."""
    state = hass.states.get(entity_id)
    assert state is not None
    return state.state


async def run(hass: HomeAssistant, pair: MockConfigEntry) -> None:
    """Run the pair."""
    coordinator = pair.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    await hass.async_block_till_done()


async def test_entities(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    for entry in (loaded, *accounts):
        await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_life_of_a_pair(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """One movie has no TMDb id, so the two sides are never quite in step; that is no problem."""
    assert [is_on(hass, f"{PAIR}_{key}") for key in ("in_step", "problem", "running")] == [
        "unknown",
        "off",
        "off",
    ]
    services.cloud.inject(DISCOVER, delay=0.05)
    task = loaded.runtime_data.async_start_run(Trigger.BUTTON)
    await hass.async_block_till_done()
    assert is_on(hass, f"{PAIR}_running") == "on"
    await loaded.runtime_data.async_wait_for_run(task)
    await hass.async_block_till_done()
    assert [is_on(hass, f"{PAIR}_{key}") for key in ("in_step", "problem", "running")] == [
        "off",
        "off",
        "off",
    ]
    services.pmdb.inject("*", times=None, status=500)
    await run(hass, loaded)
    assert is_on(hass, f"{PAIR}_problem") == "on"


@pytest.mark.parametrize("status", RunStatus)
async def test_what_is_a_problem(hass: HomeAssistant, loaded: MockConfigEntry, status: RunStatus) -> None:
    await run(hass, loaded)
    state = PairState(status=status, report=loaded.runtime_data.data.report)
    loaded.runtime_data.async_set_updated_data(state)
    await hass.async_block_till_done()
    assert is_on(hass, f"{PAIR}_problem") == ("on" if status in PROBLEMS else "off")
    assert is_on(hass, f"{PAIR}_in_step") == ("on" if status is RunStatus.OK else "off")


async def test_connection_of_an_account(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    plex, publicmetadb = "binary_sensor.alex_attic_connection", "binary_sensor.publicmetadb_connection"
    assert (is_on(hass, plex), is_on(hass, publicmetadb)) == ("on", "on")
    services.pmdb.inject("*", times=None, drop=True)
    await run(hass, loaded)
    assert (is_on(hass, plex), is_on(hass, publicmetadb)) == ("on", "off")
    services.pmdb.heal()
    await run(hass, loaded)
    assert (is_on(hass, plex), is_on(hass, publicmetadb)) == ("on", "on")
    services.pmdb.change_key(API_KEY, "pm-another")
    await run(hass, loaded)
    assert is_on(hass, publicmetadb) == "off"
