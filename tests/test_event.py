"""The event entity of a pair."""

from collections.abc import Generator
import json
from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.crosswatch.const import Trigger
from custom_components.crosswatch.event import EVENT_OF, FAILED
from custom_components.crosswatch.sync.engine import Engine
from custom_components.crosswatch.sync.report import RunStatus
from tests.common import Services

EVENT = "event.alex_attic_publicmetadb_run"


@pytest.fixture(autouse=True)
def only_events() -> Generator[None]:
    """Set up no other platform."""
    with patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.EVENT]):
        yield


async def run(hass: HomeAssistant, pair: MockConfigEntry, *, dry_run: bool = False) -> State:
    """Run the pair and return the event entity."""
    coordinator = pair.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.SCHEDULE, dry_run=dry_run))
    await hass.async_block_till_done()
    state = hass.states.get(EVENT)
    assert state is not None
    return state


async def test_entity(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_completed_with_unresolved(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    state = await run(hass, loaded)
    assert state.attributes == snapshot(exclude=props("run_id", "duration"))
    assert state.attributes["run_id"] == loaded.runtime_data.data.report.run_id
    text = json.dumps(dict(state.attributes))
    assert not [movie for movie in ("Arrival", "Borrowed", "Cinder") if movie in text]


async def test_completed(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    hass.config_entries.async_update_entry(loaded, options={**loaded.options, "features": ["history"]})
    state = await run(hass, loaded)
    assert state.attributes["event_type"] == "completed"
    first = state.state
    assert (await run(hass, loaded)).state > first


async def test_failed(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.pmdb.inject("*", times=None, status=500)
    state = await run(hass, loaded)
    assert (state.attributes["event_type"], state.attributes["status"]) == ("failed", "unreachable")


async def test_held(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await run(hass, loaded)
    for play in services.user.watched():
        services.user.remove_watched(play.id)
    state = await run(hass, loaded)
    assert (state.attributes["event_type"], state.attributes["status"]) == ("held", "held")
    (plan,) = loaded.runtime_data.data.held
    assert state.attributes["plans"] == [
        {
            "feature": "history",
            "feature_text": "History",
            "plan_hash": plan.plan_hash,
            "changes": 2,
            "reason": "PublicMetaDB held something before, and is empty now.",
        }
    ]


async def test_broken_off(hass: HomeAssistant, loaded: MockConfigEntry, log_may_say: list[str]) -> None:
    log_may_say.append(f"The run of pair {loaded.entry_id} broke off")
    with patch.object(Engine, "run", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        await run(hass, loaded)
    await hass.async_block_till_done()
    state = hass.states.get(EVENT)
    assert state is not None
    assert (state.attributes["event_type"], state.attributes["status"]) == ("failed", "failed")


async def test_preview_and_stopped_runs_are_not_told(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    state = await run(hass, loaded, dry_run=True)
    assert state.state == "unknown"
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.2)
    loaded.runtime_data.async_start_run(Trigger.BUTTON)
    await hass.async_block_till_done()
    await loaded.runtime_data.async_cancel_run()
    await hass.async_block_till_done()
    after = hass.states.get(EVENT)
    assert after is not None
    assert after.state == "unknown"


@pytest.mark.parametrize("status", RunStatus)
def test_every_outcome_is_an_event(status: RunStatus) -> None:
    """What isn't done, done in part or held, has failed: nothing goes untold."""
    done = status in (RunStatus.OK, RunStatus.UNRESOLVED, RunStatus.PARTIAL, RunStatus.HELD)
    assert (EVENT_OF.get(status, FAILED) == FAILED) is not done
