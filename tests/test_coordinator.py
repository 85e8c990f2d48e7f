"""When a pair runs, and what it publishes."""

import asyncio
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN, Trigger
from custom_components.crosswatch.coordinator import PairCoordinator
from custom_components.crosswatch.progress import Running
from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.engine import Engine
from custom_components.crosswatch.sync.models import Feature, Scope, Side
from custom_components.crosswatch.sync.report import Phase
from tests.common import API_KEY, Services, device_of, pair_entry_of, state_of
from tests.conftest import Clock

WATCHLIST = "/discover.provider.plex.tv/library/sections/watchlist/all"


async def run(entry: MockConfigEntry, **request: Any) -> Any:
    """Run a pair and return the report."""
    coordinator: PairCoordinator = entry.runtime_data
    return await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.ACTION, **request))


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Set up all entries of the integration."""
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


def set_options(hass: HomeAssistant, entry: MockConfigEntry, **options: Any) -> None:
    """Change options before set-up."""
    hass.config_entries.async_update_entry(entry, options={**entry.options, **options})


# --- schedule -----------------------------------------------------------------------------------


async def test_nothing_before_home_assistant_has_started(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    services: Services,
    clock: Clock,
) -> None:
    hass.set_state(CoreState.starting)
    await set_up(hass, pair_entry)
    asked = services.requests
    await clock.pass_time(hours=3)
    with pytest.raises(ServiceValidationError, match="still starting"):
        pair_entry.runtime_data.async_start_run(Trigger.ACTION)
    assert services.requests == asked
    assert state_of(hass, "status") == "never_run"

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await clock.pass_time(minutes=59)
    assert services.requests == asked
    await clock.pass_time(minutes=2)
    assert state_of(hass, "status") == "unresolved"
    assert len(services.user.watched()) == 2


async def test_restart_shows_the_stored_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    """After a restart the sensors show the last run; one that is overdue starts a minute later."""
    await run(loaded)
    before = {
        key: state_of(hass, key) for key in ("status", "last_run", "last_success", "added", "unresolved")
    }
    assert before["added"] == "4"
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await clock.pass_time(hours=5)
    hass.set_state(CoreState.starting)
    asked = services.requests
    await set_up(hass, loaded)
    assert {key: state_of(hass, key) for key in before} == before
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await clock.pass_time(seconds=50)
    assert services.requests == asked
    await clock.pass_time(seconds=20)
    assert services.requests > asked
    assert state_of(hass, "added") == "0"


async def test_schedule_goes_on(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    coordinator: PairCoordinator = loaded.runtime_data
    for _ in range(3):
        asked = services.requests
        await clock.pass_time(minutes=61)
        assert services.requests > asked
        assert coordinator.next_run is not None
    # a run on demand moves the schedule
    await clock.pass_time(minutes=40)
    await run(loaded)
    asked = services.requests
    await clock.pass_time(minutes=40)
    assert services.requests == asked


@pytest.mark.parametrize(
    ("waits", "expected"),
    [(None, 60), (-10, 5), (1, 5), (20, 20), (59, 59), (90, 60)],
)
async def test_quota(
    hass: HomeAssistant, loaded: MockConfigEntry, clock: Clock, waits: int | None, expected: int
) -> None:
    """What had to wait for the hour goes on when the hour is over, but not in a rush."""
    coordinator: PairCoordinator = loaded.runtime_data
    asked: list[Scope] = []

    def retry_at(_provider: PublicMetaDBProvider, scope: Scope) -> int | None:
        asked.append(scope)
        return None if waits is None else int(clock.now().timestamp()) + waits * 60

    with patch.object(PublicMetaDBProvider, "retry_at", retry_at):
        await run(loaded)
        assert {scope.pair_id for scope in asked} == {loaded.entry_id}
        assert coordinator.next_run is not None
        minutes = (coordinator.next_run - clock.now()).total_seconds() / 60
        assert minutes == pytest.approx(expected, abs=0.1)
        if expected < 60:
            told = len(asked)
            await clock.pass_time(minutes=expected, seconds=-10)
            assert len(asked) == told
            await clock.pass_time(seconds=20)
            assert len(asked) > told
    # what waited is forgotten with the next run, also when that breaks off
    await run(loaded)
    assert coordinator.next_run is not None
    assert (coordinator.next_run - clock.now()).total_seconds() > 59 * 60


async def test_quota_of_a_run_that_breaks_off(
    hass: HomeAssistant, loaded: MockConfigEntry, clock: Clock, log_may_say: list[str]
) -> None:
    log_may_say.append("The run of pair 01KABCDEFGHJKMNPQRSTVWXYZ0 broke off")
    coordinator: PairCoordinator = loaded.runtime_data
    with patch.object(PublicMetaDBProvider, "retry_at", return_value=int(clock.now().timestamp())):
        await run(loaded)
    with patch.object(Engine, "run", side_effect=ZeroDivisionError), pytest.raises(ZeroDivisionError):
        await run(loaded)
    assert coordinator.next_run is not None
    assert (coordinator.next_run - clock.now()).total_seconds() > 59 * 60


@pytest.mark.parametrize("how", ["interval", "polling"])
async def test_only_on_demand(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    services: Services,
    clock: Clock,
    how: str,
) -> None:
    if how == "interval":
        set_options(hass, pair_entry, interval=0)
    else:
        hass.config_entries.async_update_entry(pair_entry, pref_disable_polling=True)
    await set_up(hass, pair_entry)
    asked = services.requests
    await clock.pass_time(days=2)
    assert services.requests == asked
    assert pair_entry.runtime_data.next_run is None
    await run(pair_entry)
    assert state_of(hass, "added") == "4"


async def test_refresh_never_syncs(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """`homeassistant.update_entity` reads the stored result again, and that is all."""
    asked = services.requests
    await loaded.runtime_data.async_refresh()
    assert services.requests == asked


async def test_options_reload_the_pair(
    hass: HomeAssistant, loaded: MockConfigEntry, clock: Clock, services: Services
) -> None:
    result = await hass.config_entries.options.async_init(loaded.entry_id)
    result = await hass.config_entries.options.async_configure(
        result["flow_id"], {"features": ["history"], "interval": 5, "brake": True}
    )
    await hass.config_entries.options.async_configure(result["flow_id"], {"history": {}})
    await hass.async_block_till_done()
    await clock.pass_time(minutes=6)
    assert state_of(hass, "added") == "2"
    assert not services.user.lists()


# --- runs ---------------------------------------------------------------------------------------


async def test_watchlist_name(hass: HomeAssistant, pair_entry: MockConfigEntry, services: Services) -> None:
    set_options(hass, pair_entry, watchlist_name="Family")
    await set_up(hass, pair_entry)
    await run(pair_entry)
    assert [one.name for one in services.user.lists()] == ["Family"]


async def test_second_run_is_refused(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    services.cloud.inject(WATCHLIST, delay=0.2)
    first = loaded.runtime_data.async_start_run(Trigger.BUTTON)
    for _ in range(2):
        with pytest.raises(ServiceValidationError, match="already running"):
            loaded.runtime_data.async_start_run(Trigger.ACTION)
        await asyncio.sleep(0.05)
    assert (await first).total("added") == 4
    assert (await run(loaded)).total("added") == 0


async def test_caller_gives_up(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """A run belongs to the pair: it goes on when the script that started it is stopped."""
    services.cloud.inject(WATCHLIST, delay=0.1)
    caller = hass.async_create_task(run(loaded))
    await asyncio.sleep(0.05)
    caller.cancel()
    await hass.async_block_till_done(wait_background_tasks=True)
    assert caller.cancelled()
    assert state_of(hass, "added") == "4"


async def test_dry_run_is_no_run(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    before = services.user.contents()
    report = await run(loaded, dry_run=True)
    assert report.total("added") == 4
    assert services.user.contents() == before
    assert (state_of(hass, "status"), state_of(hass, "last_run")) == ("never_run", "unknown")


async def test_some_features(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    report = await run(loaded, features=(Feature.HISTORY,))
    assert list(report.features) == [Feature.HISTORY]
    assert not services.user.lists()


async def test_two_pairs_take_turns(
    hass: HomeAssistant, loaded: MockConfigEntry, accounts: tuple[MockConfigEntry, ...], services: Services
) -> None:
    """Two pairs that share an account never use it at once, in whichever order they name their accounts."""
    other = pair_entry_of(*accounts)
    second = MockConfigEntry(
        domain="crosswatch",
        unique_id="pair_2",
        title="Second",
        data={**other.data},
        options={**other.options},
    )
    second.add_to_hass(hass)
    await set_up(hass, second)
    at_once, most = 0, 0
    engine_run = Engine.run

    async def watched(*args: Any) -> Any:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            return await engine_run(*args)
        finally:
            at_once -= 1

    with patch.object(Engine, "run", watched):
        await asyncio.gather(run(loaded), run(second))
    assert most == 1


async def test_lock_outlives_a_reload_of_the_account(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    lock = plex_entry.runtime_data.lock
    assert await hass.config_entries.async_reload(plex_entry.entry_id)
    assert plex_entry.runtime_data.lock is lock


async def test_progress(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    seen: list[int | None] = []
    coordinator: PairCoordinator = loaded.runtime_data
    told: list[Running | None] = []

    def watch() -> None:
        seen.append(coordinator.progress.percent if coordinator.progress else None)

    coordinator.async_add_listener(watch)
    coordinator.on_progress.async_add(told.append)
    with patch("custom_components.crosswatch.coordinator.TELL_EVERY", 0):
        await run(loaded)
    percents = [percent for percent in seen if percent is not None]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 95
    assert told[-1] is None
    steps = [(each.told.feature, each.told.phase, each.told.side) for each in told if each]
    assert (Feature.HISTORY, Phase.APPLYING, Side.TARGET) in steps
    assert (Feature.HISTORY, Phase.READING, None) in steps
    assert coordinator.progress is None
    assert state_of(hass, "progress") == "0"


async def test_every_step_is_told_at_once(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    """Between two steps there is at most one update a second, and this run is shorter than that."""
    told: list[Running | None] = []
    loaded.runtime_data.on_progress.async_add(told.append)
    await run(loaded)
    steps = [(each.told.feature, each.told.phase) for each in told if each]
    # nothing is left of a run that was stopped
    phases = [phase for phase in Phase if phase is not Phase.SETTLING]
    assert steps == [(feature, phase) for feature in (Feature.WATCHLIST, Feature.HISTORY) for phase in phases]


# --- trouble ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 500}, "unreachable"),
        ({"drop": True}, "unreachable"),
        ({"status": 200, "body": "<html>", "content_type": "text/html"}, "incomplete"),
    ],
)
async def test_trouble_is_a_status(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, fault: dict[str, Any], status: str
) -> None:
    await run(loaded)
    success = state_of(hass, "last_success")
    services.pmdb.inject("*", times=None, **fault)
    await run(loaded)
    assert state_of(hass, "status") == status
    assert state_of(hass, "last_success") == success
    services.pmdb.heal()
    await run(loaded)
    assert state_of(hass, "status") == "unresolved"


@pytest.mark.parametrize("refused", ["plex", "publicmetadb"])
async def test_refused_sign_in(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    refused: str,
) -> None:
    """The account that is refused asks for a new sign-in; the pair only says so."""
    if refused == "plex":
        services.cloud.revoke(services.token)
    else:
        services.pmdb.change_key(API_KEY, "pm-another")
    await run(loaded)
    await hass.async_block_till_done()
    assert state_of(hass, "status") == "auth_failed"
    (flow,) = hass.config_entries.flow.async_progress()
    account = accounts[0] if refused == "plex" else accounts[1]
    assert (flow["context"]["source"], flow["context"]["entry_id"]) == (SOURCE_REAUTH, account.entry_id)
    assert loaded.state is ConfigEntryState.LOADED
    await run(loaded)
    assert len(hass.config_entries.flow.async_progress()) == 1


async def test_account_not_loaded(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    services: Services,
    clock: Clock,
) -> None:
    await run(loaded)
    added = state_of(hass, "added")
    assert await hass.config_entries.async_unload(plex_entry.entry_id)
    assert state_of(hass, "status") == "unresolved"
    with pytest.raises(ServiceValidationError, match="not available"):
        loaded.runtime_data.async_start_run(Trigger.BUTTON)
    assert state_of(hass, "status") == "waiting_for_account"
    assert state_of(hass, "added") == added
    asked = services.requests
    await clock.pass_time(minutes=61)
    assert services.requests == asked
    assert state_of(hass, "status") == "waiting_for_account"

    # when it is back, the pair catches up
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "status") == "unresolved"
    asked = services.requests
    await clock.pass_time(seconds=61)
    assert services.requests > asked


async def test_catches_up_after_a_new_sign_in(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    services: Services,
    clock: Clock,
) -> None:
    services.pmdb.change_key(API_KEY, "pm-another")
    await run(loaded)
    (flow,) = hass.config_entries.flow.async_progress()
    await hass.config_entries.flow.async_configure(flow["flow_id"], {"api_key": "pm-another"})
    await hass.async_block_till_done()
    assert publicmetadb_entry.state is ConfigEntryState.LOADED
    await clock.pass_time(seconds=61)
    assert state_of(hass, "status") == "unresolved"


async def test_goes_on_after_a_restart(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    """A run that a reload or a restart broke off goes on a minute later, not at its next turn."""
    services.cloud.inject(WATCHLIST, delay=0.2)
    loaded.runtime_data.async_start_run(Trigger.SCHEDULE)
    await asyncio.sleep(0.05)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert state_of(hass, "status") == "cancelled"
    await clock.pass_time(seconds=61)
    assert state_of(hass, "status") == "unresolved"


async def test_account_gone_between_start_and_first_step(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    task = loaded.runtime_data.async_start_run(Trigger.BUTTON)
    plex_entry.mock_state(hass, ConfigEntryState.NOT_LOADED)
    with pytest.raises(HomeAssistantError, match="was stopped"):
        await loaded.runtime_data.async_wait_for_run(task)
    await hass.async_block_till_done()
    plex_entry.mock_state(hass, ConfigEntryState.LOADED)
    assert state_of(hass, "status") == "never_run"


async def test_cancelled(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(WATCHLIST, delay=0.2)
    task = loaded.runtime_data.async_start_run(Trigger.BUTTON)
    await asyncio.sleep(0.05)
    await loaded.runtime_data.async_cancel_run()
    with pytest.raises(HomeAssistantError, match="goes on from there"):
        await loaded.runtime_data.async_wait_for_run(task)
    await hass.async_block_till_done()
    assert state_of(hass, "status") == "cancelled"
    await asyncio.sleep(0.2)


async def test_caller_is_gone_when_home_assistant_stops(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    """The stop breaks the run off; who waits for it ends with it, and nobody is left to be told an error."""
    services.cloud.inject(WATCHLIST, delay=0.5)
    caller = hass.async_create_task(
        hass.services.async_call(
            DOMAIN, "sync_pair", {"device_id": device_of(hass, loaded)}, blocking=True, return_response=True
        )
    )
    await asyncio.sleep(0.05)
    assert loaded.runtime_data.running
    hass.set_state(CoreState.stopping)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await asyncio.wait({caller}, timeout=0.4)
    assert caller.cancelled()
    hass.set_state(CoreState.running)
    await asyncio.sleep(0.5)


async def test_disk_full(
    hass: HomeAssistant, loaded: MockConfigEntry, log_may_say: list[str], clock: Clock
) -> None:
    log_may_say.append("The run of pair 01KABCDEFGHJKMNPQRSTVWXYZ0 broke off")
    await run(loaded)
    added = state_of(hass, "added")
    with patch("custom_components.crosswatch.sync.state.State.keep_run", side_effect=StateError("disk full")):
        with pytest.raises(HomeAssistantError, match="can't read or write its files"):
            await run(loaded)
        assert state_of(hass, "status") == "failed"
        assert state_of(hass, "added") == added
        await clock.pass_time(minutes=61)
        assert state_of(hass, "status") == "failed"
    await clock.pass_time(minutes=61)
    assert state_of(hass, "status") == "unresolved"


async def test_defect(hass: HomeAssistant, loaded: MockConfigEntry, log_may_say: list[str]) -> None:
    log_may_say.append("The run of pair 01KABCDEFGHJKMNPQRSTVWXYZ0 broke off")
    with (
        patch.object(Engine, "run", side_effect=ZeroDivisionError),
        pytest.raises(ZeroDivisionError),
    ):
        await run(loaded)
    assert state_of(hass, "status") == "failed"
    assert (await run(loaded)).total("added") == 4
