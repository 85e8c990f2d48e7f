"""The blueprints, in automations that run."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
import shutil
from typing import Any

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service

from custom_components.crosswatch.const import Trigger
from tests.common import INTEGRATION, Services, device_of, run_pair
from tests.conftest import Clock

BLUEPRINTS = INTEGRATION.parent.parent / "blueprints"
PLAYER = "media_player.plex_living_room"
RUN = "event.alex_attic_publicmetadb_run"


async def automate(hass: HomeAssistant, name: str, **values: Any) -> None:
    """Make an automation of a blueprint."""
    target = Path(hass.config.path("blueprints"))
    await hass.async_add_executor_job(shutil.copytree, BLUEPRINTS, target)
    path = f"crosswatch/{name}.yaml"
    config = {"alias": name, "use_blueprint": {"path": path, "input": values}}
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: [config]})
    await hass.async_block_till_done()
    state = hass.states.get(f"automation.{name}")
    assert state is not None
    assert state.state == "on"


async def play(hass: HomeAssistant, *states: str) -> None:
    """Let a player go through states, all in a moment."""
    for state in states:
        hass.states.async_set(PLAYER, state)
        await hass.async_block_till_done()


@pytest.fixture
async def after_playback(hass: HomeAssistant, loaded: MockConfigEntry, clock: Clock) -> MockConfigEntry:
    """Return the pair, which runs when playback ends and never else."""
    loaded.runtime_data.async_set_automatic(on=False)
    pairs = [device_of(hass, loaded)]
    await automate(hass, "sync_after_playback", players=[PLAYER], pairs=pairs, delay={"minutes": 1})
    return loaded


@pytest.mark.parametrize("end", ["idle", "off", "standby", "unavailable"])
async def test_sync_after_playback(
    hass: HomeAssistant, after_playback: MockConfigEntry, clock: Clock, services: Services, end: str
) -> None:
    await play(hass, "idle", "playing", "paused", "playing", end)
    await clock.pass_time(seconds=55)
    assert not services.user.watched()
    await clock.pass_time(seconds=6)
    assert len(services.user.watched()) == 2


async def test_no_sync_between_two_episodes(
    hass: HomeAssistant, after_playback: MockConfigEntry, clock: Clock, services: Services
) -> None:
    await play(hass, "playing", "idle", "playing", "buffering", "playing", "paused")
    await clock.pass_time(minutes=10)
    await play(hass, "unavailable", "paused")
    await clock.pass_time(minutes=10)
    assert not services.user.watched()


async def test_the_pair_is_running_already(
    hass: HomeAssistant,
    after_playback: MockConfigEntry,
    clock: Clock,
    services: Services,
    log_may_say: list[str],
) -> None:
    log_may_say.append("sync_after_playback: Error executing script")
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.3)
    await play(hass, "playing", "idle")
    task = after_playback.runtime_data.async_start_run("button")
    await clock.pass_time(seconds=61)
    await after_playback.runtime_data.async_wait_for_run(task)
    state = hass.states.get("automation.sync_after_playback")
    assert state is not None
    assert state.attributes["last_triggered"] is not None


async def until(come: Callable[[], bool]) -> None:
    """Wait for something. An automation that waits for an answer is never done, so nothing waits for it."""
    async with asyncio.timeout(10):
        while not come():  # noqa: ASYNC110 - it has no event of its own
            await asyncio.sleep(0.01)


async def run_and_ask(pair: MockConfigEntry, asked: list[ServiceCall], questions: int) -> None:
    """Run the pair, and wait until so many questions were asked in all."""
    coordinator = pair.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.SCHEDULE))
    await until(lambda: len(asked) == questions)
    await until(lambda: not coordinator.running)


@pytest.fixture
async def asked(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> AsyncGenerator[list[ServiceCall]]:
    """Return what was sent to the phone: a plan waits, and the automation asks."""
    calls: list[ServiceCall] = async_mock_service(hass, "notify", "mobile_app_phone")
    await run_pair(hass, loaded)
    for play in services.user.watched():
        services.user.remove_watched(play.id)
    await automate(hass, "plan_held", run=RUN, notify="notify.mobile_app_phone")
    await run_and_ask(loaded, calls, 1)
    yield calls
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "automation.plan_held"}, blocking=True
    )


def answer(hass: HomeAssistant, action: str) -> None:
    """Press a button on the phone."""
    hass.bus.async_fire("mobile_app_notification_action", {"action": action})


@pytest.mark.parametrize("approved", [True, False])
async def test_decide_on_the_phone(
    hass: HomeAssistant, loaded: MockConfigEntry, asked: list[ServiceCall], services: Services, approved: bool
) -> None:
    (call,) = asked
    assert call.data["title"] == loaded.title
    assert call.data["message"] == (
        "2 changes wait for your approval. History: PublicMetaDB held something before, and is empty now."
    )
    approve, reject = (each["action"] for each in call.data["data"]["actions"])
    answer(hass, "CROSSWATCH_APPROVE_of_another_run")
    await asyncio.sleep(0.05)
    assert loaded.runtime_data.data.held
    answer(hass, approve if approved else reject)
    await until(lambda: not loaded.runtime_data.data.held)
    await until(lambda: not loaded.runtime_data.running)
    assert len(services.user.watched()) == (2 if approved else 0)


async def test_a_later_run_asks_anew(
    hass: HomeAssistant, loaded: MockConfigEntry, asked: list[ServiceCall], services: Services
) -> None:
    """Only the last question counts."""
    await run_and_ask(loaded, asked, 2)
    first, second = (call.data["data"]["actions"][0]["action"] for call in asked)
    answer(hass, first)
    await asyncio.sleep(0.05)
    assert loaded.runtime_data.data.held
    answer(hass, second)
    await until(lambda: len(services.user.watched()) == 2)
    await until(lambda: not loaded.runtime_data.running)


async def test_runs_that_hold_nothing_are_not_asked_about(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    calls = async_mock_service(hass, "notify", "mobile_app_phone")
    await automate(hass, "plan_held", run=RUN, notify="notify.mobile_app_phone")
    await run_pair(hass, loaded)
    assert calls == []
