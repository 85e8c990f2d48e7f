"""The actions."""

import asyncio
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props
import voluptuous as vol

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.services import SERVICE_SYNC_PAIR
from tests.common import API_KEY, Services, pair_entry_of, state_of

DISCOVER = "/discover.provider.plex.tv/*"


def device_of(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the id of an entry's device."""
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return device.id


async def call(hass: HomeAssistant, *entries: MockConfigEntry, respond: bool = False, **data: Any) -> Any:
    """Call the action for the devices of these entries."""
    data.setdefault(ATTR_DEVICE_ID, [device_of(hass, entry) for entry in entries])
    answer = await hass.services.async_call(
        DOMAIN, SERVICE_SYNC_PAIR, data, blocking=True, return_response=respond
    )
    await hass.async_block_till_done()
    return answer


async def second_pair(hass: HomeAssistant, accounts: tuple[MockConfigEntry, ...]) -> MockConfigEntry:
    """Set up another pair of the same accounts."""
    like = pair_entry_of(*accounts)
    entry = MockConfigEntry(
        domain=DOMAIN, unique_id="pair_2", title="Second", data={**like.data}, options={**like.options}
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def test_waits_for_the_run(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(DISCOVER, delay=0.1)
    assert await call(hass, loaded) is None
    assert len(services.user.watched()) == 2
    assert (state_of(hass, "status"), state_of(hass, "added")) == ("unresolved", "4")


async def test_response(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    answer = await call(hass, loaded, respond=True)
    assert answer == snapshot(exclude=props("device_id", "started_at", "duration", "duration_s"))


async def test_dry_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    before = services.user.contents()
    answer = await call(hass, loaded, respond=True, dry_run=True)
    assert answer == snapshot(exclude=props("device_id", "started_at", "duration", "duration_s"))
    assert services.user.contents() == before
    assert state_of(hass, "status") == "never_run"


async def test_features(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    answer = await call(hass, loaded, respond=True, features=["history"])
    assert list(answer["runs"][0]["features"]) == ["history"]
    assert not services.user.lists()


async def test_several_pairs(
    hass: HomeAssistant, loaded: MockConfigEntry, accounts: tuple[MockConfigEntry, ...], services: Services
) -> None:
    second = await second_pair(hass, accounts)
    answer = await call(hass, loaded, second, loaded, respond=True)
    assert [run["pair"] for run in answer["runs"]] == [loaded.title, "Second"]
    assert sorted(run["added"] for run in answer["runs"]) == [0, 4]


@pytest.mark.parametrize("respond", [False, True])
async def test_failed_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, respond: bool
) -> None:
    """Whoever asks for the response is told by it; otherwise the action fails."""
    services.pmdb.inject("*", times=None, status=500)
    if respond:
        answer = await call(hass, loaded, respond=True)
        assert answer["runs"][0]["status"] == "unreachable"
        assert answer["runs"][0]["features"]["watchlist"]["side"] == "target"
    else:
        with pytest.raises(HomeAssistantError, match="could not be reached") as failed:
            await call(hass, loaded)
        assert failed.value.translation_key == "run_unreachable"


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"status": 200, "body": "<html>", "content_type": "text/html"}, "run_incomplete"),
        ({"status": 403, "body": "{}", "content_type": "application/json"}, "run_failed"),
    ],
)
async def test_failed_run_says_why(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, fault: dict[str, Any], key: str
) -> None:
    services.pmdb.inject("*", times=None, **fault)
    with pytest.raises(HomeAssistantError) as failed:
        await call(hass, loaded)
    assert failed.value.translation_key == key


async def test_refused_sign_in(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.pmdb.change_key(API_KEY, "pm-another")
    with pytest.raises(HomeAssistantError) as failed:
        await call(hass, loaded)
    assert failed.value.translation_key == "run_auth_failed"


async def test_stopped_run(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(DISCOVER, delay=0.2)
    action = hass.async_create_task(call(hass, loaded), eager_start=True)
    await asyncio.sleep(0.05)
    await hass.config_entries.async_unload(loaded.entry_id)
    with pytest.raises(HomeAssistantError) as failed:
        await action
    assert failed.value.translation_key == "run_cancelled"
    await asyncio.sleep(0.15)


# --- bad input: nothing runs --------------------------------------------------------------------


async def assert_refused(
    hass: HomeAssistant, services: Services, key: str, *entries: MockConfigEntry, **data: Any
) -> None:
    """Check that the action is refused, and nothing was asked or changed."""
    asked = services.requests
    with pytest.raises(ServiceValidationError) as refused:
        await call(hass, *entries, **data)
    assert refused.value.translation_key == key
    assert services.requests == asked


async def test_not_a_pair(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    """One wrong device is enough: the right ones do not run either."""
    await assert_refused(hass, services, "not_a_pair", loaded, plex_entry)


async def test_device_of_another_integration(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    device_registry: dr.DeviceRegistry,
) -> None:
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    device_registry.async_get_or_create(config_entry_id=other.entry_id, identifiers={("other", "1")})
    await assert_refused(hass, services, "service_device_wrong_domain", other)


async def test_unknown_device(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await assert_refused(hass, services, "service_device_not_found", device_id="nope")


async def test_pair_not_loaded(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    await assert_refused(hass, services, "service_config_entry_not_loaded", loaded)


async def test_feature_that_is_off(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await assert_refused(hass, services, "feature_off", loaded, features=["watchlist", "ratings"])


async def test_account_not_loaded(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    await hass.config_entries.async_unload(plex_entry.entry_id)
    await assert_refused(hass, services, "waiting_for_account", loaded)


async def test_one_is_running(
    hass: HomeAssistant, loaded: MockConfigEntry, accounts: tuple[MockConfigEntry, ...], services: Services
) -> None:
    second = await second_pair(hass, accounts)
    services.cloud.inject(DISCOVER, delay=0.1)
    second.runtime_data.async_start_run("button")
    with pytest.raises(ServiceValidationError) as refused:
        await call(hass, loaded, second)
    assert refused.value.translation_key == "already_running"
    assert not loaded.runtime_data.running
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.parametrize(
    "data",
    [
        {"device_id": []},
        {"device_id": "x", "features": ["music"]},
        {"device_id": "x", "features": []},
        {"device_id": "x", "dry_run": "perhaps"},
        {"device_id": "x", "speed": "fast"},
        {},
    ],
)
async def test_schema(hass: HomeAssistant, loaded: MockConfigEntry, data: dict[str, Any]) -> None:
    with pytest.raises(vol.Invalid):
        await hass.services.async_call(DOMAIN, SERVICE_SYNC_PAIR, data, blocking=True)
