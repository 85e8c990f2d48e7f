"""The sensors of a pair."""

from collections.abc import Generator
from datetime import UTC, datetime
from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, snapshot_platform
from syrupy.assertion import SnapshotAssertion

from custom_components.crosswatch.const import Trigger
from custom_components.crosswatch.models import PairState
from custom_components.crosswatch.progress import Running
from custom_components.crosswatch.sync.models import Feature, Side
from custom_components.crosswatch.sync.report import FeatureReport, Phase, Progress, RunReport, RunStatus
from tests.common import PAIR_ID, Services, run_pair
from tests.conftest import Clock
from tests.simulators.plex import OWNER, NonOwnerHistory

RUNNING = Running(
    told=Progress(feature=Feature.HISTORY, phase=Phase.APPLYING, side=Side.TARGET, done=5, total=20),
    percent=42,
    dry_run=False,
    started_at=1_795_000_000,
)


@pytest.fixture(autouse=True)
def only_sensors(entity_registry_enabled_by_default: None) -> Generator[None]:
    """Set up no other platform, and all of this one."""
    with (
        patch("custom_components.crosswatch.ACCOUNT_PLATFORMS", [Platform.SENSOR]),
        patch("custom_components.crosswatch.PAIR_PLATFORMS", [Platform.SENSOR]),
    ):
        yield


def a_state() -> PairState:
    """Return what is shown after a run that did a little of everything."""
    report = RunReport(
        run_id="run",
        pair_id=PAIR_ID,
        trigger="schedule",
        dry_run=False,
        status=RunStatus.PARTIAL,
        started_at=1_795_000_000,
        duration_s=12.3,
        features={
            Feature.WATCHLIST: FeatureReport(status=RunStatus.PARTIAL, added=3, removed=1, errors=2),
            Feature.HISTORY: FeatureReport(status=RunStatus.UNRESOLVED, added=40, updated=5, unresolved=3),
        },
    )
    return PairState(
        status=report.status,
        report=report,
        last_success=datetime(2026, 11, 18, 8, tzinfo=UTC),
        unresolved={Feature.HISTORY: {"missing_tmdb_id": 2, "missing_watched_at": 1}},
    )


async def test_before_the_first_run(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_after_a_run(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    loaded.runtime_data.next_run = datetime(2026, 11, 18, 10, tzinfo=UTC)
    loaded.runtime_data.async_set_updated_data(a_state())
    await hass.async_block_till_done()
    await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_while_running(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Only status and progress tell of the run; the rest still tells of the last one."""
    coordinator = loaded.runtime_data
    coordinator.next_run = None
    coordinator.async_set_updated_data(a_state())
    with (
        patch.object(type(coordinator), "running", new=True),
        patch.object(coordinator, "progress", RUNNING),
    ):
        coordinator.async_update_listeners()
        await hass.async_block_till_done()
        await snapshot_platform(hass, entity_registry, snapshot, loaded.entry_id)


async def test_every_status_has_a_state(hass: HomeAssistant, loaded: MockConfigEntry) -> None:
    state = a_state()
    for status in RunStatus:
        loaded.runtime_data.async_set_updated_data(
            PairState(status=status, report=state.report, last_success=state.last_success)
        )
        await hass.async_block_till_done()
        shown = hass.states.get("sensor.alex_attic_publicmetadb_status")
        assert shown is not None
        assert shown.state == status


async def test_facts_stay_available(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """What the last run did stays true while a service is down."""
    coordinator = loaded.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    services.pmdb.inject("*", times=None, status=500)
    await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    await hass.async_block_till_done()
    assert not [state for state in hass.states.async_all() if state.state == "unavailable"]


# --- accounts -----------------------------------------------------------------------------------


LIMITS = "sensor.alex_attic_limits"


async def set_up_as(
    hass: HomeAssistant, entry: MockConfigEntry, services: Services, name: str | None
) -> State:
    """Set the account up for a user of the server, or without one; return the sensor."""
    account = dict(entry.data["account"])
    if name is None:
        account["server"] = None
    else:
        user = getattr(services, name)
        account |= {"user_id": user.id, "user_name": user.title, "token": services.cloud.token(user)}
        token = services.cloud.server_token(user, services.pms)
        account["server"] = {**account["server"], "token": token, "is_owner": name == "alex"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, "account": account})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    state = hass.states.get(LIMITS)
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("name", "history", "limits"),
    [
        ("alex", NonOwnerHistory.DENIED, []),
        ("robin", NonOwnerHistory.OWN_ROWS, ["marked_watched_owner_only", "sessions_hidden"]),
        (
            "robin",
            NonOwnerHistory.DENIED,
            ["marked_watched_owner_only", "history_own_state_only", "sessions_hidden"],
        ),
        (None, NonOwnerHistory.OWN_ROWS, ["no_server"]),
    ],
)
async def test_limits_of_a_plex_user(
    hass: HomeAssistant,
    plex_entry: MockConfigEntry,
    services: Services,
    name: str | None,
    history: NonOwnerHistory,
    limits: list[str],
) -> None:
    services.pms.options.non_owner_history = history
    state = await set_up_as(hass, plex_entry, services, name)
    assert state.state == ("limited" if limits else "none")
    assert state.attributes["limits"] == limits
    assert await hass.config_entries.async_unload(plex_entry.entry_id)
    gone = hass.states.get(LIMITS)
    assert gone is not None
    assert gone.state == "unavailable"


async def test_account_sensors(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    for entry in accounts:
        await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)


async def test_pace_and_quota(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    """What was sent since the last look, and how many ratings are left; unknown before they were read."""
    await clock.pass_time(seconds=61)
    assert left(hass) == ["unknown", "unknown"]
    hass.config_entries.async_update_entry(loaded, options={**loaded.options, "features": ["ratings"]})
    services.pms.rate(OWNER, next(iter(services.pms.state.items.values())), 8)
    await run_pair(hass, loaded)
    await clock.pass_time(seconds=61)
    assert left(hass) == ["199", "100"]
    pace = hass.states.get("sensor.publicmetadb_requests")
    assert pace is not None
    assert float(pace.state) > 0


def left(hass: HomeAssistant) -> list[str]:
    """Return how many new ratings and changes are left."""
    found = [hass.states.get(f"sensor.publicmetadb_{key}_left") for key in ("new_ratings", "rating_changes")]
    return [state.state for state in found if state is not None]
