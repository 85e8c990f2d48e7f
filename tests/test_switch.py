"""The switch of a pair."""

from collections.abc import Generator
from unittest.mock import patch

from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.const import ATTR_ENTITY_ID, SERVICE_TURN_OFF, SERVICE_TURN_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.crosswatch.const import Trigger
from custom_components.crosswatch.sync.report import RunReport
from tests.common import Services
from tests.conftest import Clock

SWITCH = "switch.alex_attic_publicmetadb_automatic_runs"


@pytest.fixture(autouse=True)
def only_switches() -> Generator[None]:
    """Set up no other platform."""
    with patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.SWITCH]):
        yield


async def turn(hass: HomeAssistant, service: str) -> None:
    """Turn the switch."""
    await hass.services.async_call(SWITCH_DOMAIN, service, {ATTR_ENTITY_ID: SWITCH}, blocking=True)
    await hass.async_block_till_done()


def scheduled(pair: MockConfigEntry) -> bool:
    """Whether the pair is going to run by itself."""
    return pair.runtime_data.next_run is not None


def last_run(pair: MockConfigEntry) -> str | None:
    """Return the id of the last run."""
    report: RunReport | None = pair.runtime_data.data.report
    return report.run_id if report else None


async def test_entity(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_nothing_runs_by_itself_while_it_is_off(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    coordinator = loaded.runtime_data
    assert scheduled(loaded)
    await turn(hass, SERVICE_TURN_OFF)
    assert not scheduled(loaded)
    await clock.pass_time(hours=3)
    assert last_run(loaded) is None
    # a run on demand is one, and leaves the switch where it is
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    await hass.async_block_till_done()
    assert not scheduled(loaded)
    await turn(hass, SERVICE_TURN_ON)
    assert scheduled(loaded)
    first = last_run(loaded)
    await clock.pass_time(minutes=61)
    assert last_run(loaded) != first


async def test_it_stays_off_over_a_restart(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    await turn(hass, SERVICE_TURN_OFF)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    state = hass.states.get(SWITCH)
    assert state is not None
    assert state.state == "off"
    assert not scheduled(loaded)


async def test_turning_it_during_a_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    """The run goes on; what follows is up to the switch."""
    coordinator = loaded.runtime_data
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.05)
    task = coordinator.async_start_run(Trigger.BUTTON)
    await hass.async_block_till_done()
    await turn(hass, SERVICE_TURN_OFF)
    await turn(hass, SERVICE_TURN_ON)
    assert not scheduled(loaded)
    await turn(hass, SERVICE_TURN_OFF)
    report = await coordinator.async_wait_for_run(task)
    await hass.async_block_till_done()
    assert report.total("added") == 4
    assert not scheduled(loaded)
