"""The actions."""

import asyncio
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props
import voluptuous as vol

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.services import ACTIONS
from custom_components.crosswatch.sync import upkeep
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.engine import Engine
from custom_components.crosswatch.sync.state import State
from tests.common import API_KEY, PAIR_ID, Services, act, device_of, hold, pair_entry_of, run_pair, state_of
from tests.conftest import Clock

CINDER_ROAD = "movie:imdb:tt0000103"
"""Key of the movie without a TMDb id."""
EXAMPLES: dict[str, Any] = {
    "feature": "watchlist", "side": "target", "key": CINDER_ROAD, "item": CINDER_ROAD, "kind": "movie",
    "tmdb": 103, "run_id": "run",
}  # fmt: skip
"""A value for each field that an action needs besides the pair."""
DISCOVER = "/discover.provider.plex.tv/*"


async def call(hass: HomeAssistant, *entries: MockConfigEntry, respond: bool = False, **data: Any) -> Any:
    """Call the action that runs pairs for the devices of these entries."""
    data.setdefault(ATTR_DEVICE_ID, [device_of(hass, entry) for entry in entries])
    return await act(hass, "sync_pair", respond=respond, **data)


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


async def test_does_not_wait(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(DISCOVER, delay=0.1)
    (started,) = (await call(hass, loaded, wait=False, respond=True))["runs"]
    assert (started["pair"], started["status"]) == (loaded.title, "running")
    assert state_of(hass, "status") == "running"
    with pytest.raises(ServiceValidationError, match="already running"):
        await call(hass, loaded, wait=False)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "status") == "unresolved"
    assert await call(hass, loaded, wait=False) is None
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_response(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    answer = await call(hass, loaded, respond=True)
    assert answer == snapshot(exclude=props("device_id", "run_id", "started_at", "duration", "duration_s"))


async def test_dry_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    before = services.user.contents()
    answer = await call(hass, loaded, respond=True, dry_run=True)
    assert answer == snapshot(exclude=props("device_id", "run_id", "started_at", "duration", "duration_s"))
    assert services.user.contents() == before
    assert state_of(hass, "status") == "never_run"


async def test_features(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    answer = await call(hass, loaded, respond=True, features=["history"])
    assert list(answer["runs"][0]["features"]) == ["history"]
    assert not services.user.lists()


async def test_a_run_over_some_features_does_not_hide_what_is_left_of_the_others(
    hass: HomeAssistant, loaded: MockConfigEntry
) -> None:
    await call(hass, loaded)
    answer = await call(hass, loaded, respond=True, features=["history"])
    assert answer["runs"][0]["status"] == "ok"
    assert state_of(hass, "status") == "unresolved"


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
        await hass.services.async_call(DOMAIN, "sync_pair", data, blocking=True)


# --- the other actions --------------------------------------------------------------------------


async def test_cancel(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(DISCOVER, delay=0.2)
    device = device_of(hass, loaded)
    loaded.runtime_data.async_start_run("button")
    await hass.async_block_till_done()
    assert await act(hass, "cancel_sync", device_id=device, respond=True) == {"stopped": [device]}
    assert not loaded.runtime_data.running
    assert state_of(hass, "status") == "cancelled"
    # what is not running is stopped already
    assert await act(hass, "cancel_sync", device_id=device, respond=True) == {"stopped": []}
    assert await act(hass, "cancel_sync", device_id=device) is None


async def test_get_runs(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    device = device_of(hass, loaded)
    assert await act(hass, "get_runs", device_id=device, respond=True) == {"runs": []}
    await call(hass, loaded)
    await call(hass, loaded, dry_run=True)
    await call(hass, loaded, features=["history"])
    answer = await act(hass, "get_runs", device_id=device, respond=True)
    assert [list(run["features"]) for run in answer["runs"]] == [["history"], ["watchlist", "history"]]
    assert answer["runs"][1] == snapshot(exclude=props("run_id", "started_at", "duration", "duration_s"))
    answer = await act(hass, "get_runs", device_id=device, limit=1, respond=True)
    assert [list(run["features"]) for run in answer["runs"]] == [["history"]]


async def test_get_unresolved(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, snapshot: SnapshotAssertion
) -> None:
    device = device_of(hass, loaded)
    await call(hass, loaded)
    answer = await act(hass, "get_unresolved", device_id=device, respond=True)
    assert answer == snapshot(exclude=props("first_seen", "last_seen"))
    for narrow in ({"features": ["history"]}, {"reason": "http:400"}):
        assert await act(hass, "get_unresolved", device_id=device, respond=True, **narrow) == {"items": []}
    same = await act(
        hass,
        "get_unresolved",
        device_id=device,
        respond=True,
        features=["watchlist"],
        reason="missing_tmdb_id",
    )
    assert same == answer


async def test_reset(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """What was forgotten is compared afresh: nothing waits for a second look, and nothing is removed."""
    device = device_of(hass, loaded)
    await call(hass, loaded)
    for play in services.user.watched()[:1]:
        services.user.remove_watched(play.id)
    await act(hass, "reset_state", device_id=device, features=["watchlist"])
    answer = await call(hass, loaded, respond=True, dry_run=True)
    assert answer["runs"][0]["plan"] == [], "the history was not to be forgotten"
    await act(hass, "reset_state", device_id=device)
    answer = await call(hass, loaded, respond=True)
    assert (answer["runs"][0]["added"], answer["runs"][0]["removed"]) == (1, 0)
    assert len(services.user.watched()) == 2


async def test_reset_during_a_run(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    services.cloud.inject(DISCOVER, delay=0.1)
    task = loaded.runtime_data.async_start_run("button")
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "reset_state", device_id=device_of(hass, loaded))
    assert refused.value.translation_key == "already_running"
    await loaded.runtime_data.async_wait_for_run(task)


def look_at(path: Path) -> tuple[int, str]:
    """Return who may read a file, and what it says."""
    return path.stat().st_mode & 0o777, path.read_text("utf-8")


async def test_export(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await call(hass, loaded)
    answer = await act(hass, "export_state", device_id=device_of(hass, loaded), respond=True)
    path = Path(answer["file"])
    assert path.parent == Path(hass.config.path(".cw_state", "export"))
    mode, text = look_at(path)
    assert mode == 0o600
    exported = json.loads(text)
    assert {name: len(rows) for name, rows in exported["tables"].items()} == answer["rows"]
    assert answer["rows"]["baseline"] == 4
    assert answer["rows"]["unresolved"] == answer["rows"]["run"] == 1
    assert exported["pair"]["title"] == loaded.title
    assert not [secret for secret in services.secrets if secret in text]
    assert await act(hass, "export_state", device_id=device_of(hass, loaded)) is None


async def test_disk_trouble(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    device = device_of(hass, loaded)
    with patch("custom_components.crosswatch.memory._write", side_effect=OSError("full")):
        with pytest.raises(HomeAssistantError) as failed:
            await act(hass, "export_state", device_id=device)
        assert failed.value.translation_key == "state_error"
    for method, action in (("runs", "get_runs"), ("export", "export_state"), ("reset", "reset_state")):
        with (
            patch.object(State, method, side_effect=StateError("damaged")),
            pytest.raises(HomeAssistantError) as failed,
        ):
            await act(hass, action, device_id=device, respond=action == "get_runs")
        assert failed.value.translation_key == "state_error"


async def test_approve(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """It is carried out at once."""
    plan = await hold(hass, loaded, services)
    assert (state_of(hass, "held"), services.user.watched()) == ("2", ())
    device = device_of(hass, loaded)
    await act(hass, "approve_plan", device_id=device, feature="history", plan_hash=plan.plan_hash)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(services.user.watched()) == 2
    assert state_of(hass, "held") == "0"
    assert loaded.runtime_data.data.report.trigger == "approval"


async def test_approve_while_no_run_can_start(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    """It is carried out by the next run."""
    await hold(hass, loaded, services)
    await hass.config_entries.async_unload(plex_entry.entry_id)
    await act(hass, "approve_plan", device_id=device_of(hass, loaded))
    assert not loaded.runtime_data.data.held
    await hass.config_entries.async_setup(plex_entry.entry_id)
    await run_pair(hass, loaded)
    assert len(services.user.watched()) == 2


async def test_reject(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """What was rejected stays as it is, and is not asked for again."""
    await hold(hass, loaded, services)
    await act(hass, "reject_plan", device_id=device_of(hass, loaded))
    assert state_of(hass, "held") == "0"
    await run_pair(hass, loaded)
    assert not loaded.runtime_data.data.held
    assert not services.user.watched()


@pytest.mark.parametrize("action", ["approve_plan", "reject_plan"])
async def test_a_plan_that_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, action: str
) -> None:
    device = device_of(hass, loaded)
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, action, device_id=device)
    assert refused.value.translation_key == "nothing_held"
    plan = await hold(hass, loaded, services)
    for plan_hash, feature in (("0", "history"), (plan.plan_hash, "watchlist")):
        with pytest.raises(ServiceValidationError) as refused:
            await act(hass, action, device_id=device, plan_hash=plan_hash, feature=feature)
        assert refused.value.translation_key == "plan_gone"
    # somebody else decided, and this page does not know yet
    decide = {"approve_plan": "reject_plan", "reject_plan": "approve_plan"}[action]
    await getattr(loaded.runtime_data._state, decide)(loaded.entry_id, plan.feature, plan.plan_hash, 0)
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, action, device_id=device)
    assert refused.value.translation_key == "plan_gone"
    assert not loaded.runtime_data.data.held


async def test_decisions_wait_for_the_end_of_a_run(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    await hold(hass, loaded, services)
    services.cloud.inject(DISCOVER, delay=0.1)
    task = loaded.runtime_data.async_start_run("button")
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "approve_plan", device_id=device_of(hass, loaded))
    assert refused.value.translation_key == "already_running"
    await loaded.runtime_data.async_wait_for_run(task)


async def test_ignore(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    device = device_of(hass, loaded)
    await run_pair(hass, loaded)
    assert state_of(hass, "unresolved") == "1"
    item: dict[str, Any] = {"device_id": device, "feature": "watchlist", "side": "target", "key": CINDER_ROAD}
    await act(hass, "ignore_item", **item)
    assert state_of(hass, "unresolved") == "0"
    (told,) = (await act(hass, "get_unresolved", device_id=device, respond=True))["items"]
    assert told["ignored"] is True
    await act(hass, "ignore_item", **item, ignored=False)
    assert state_of(hass, "unresolved") == "1"
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "ignore_item", **{**item, "key": "movie:tmdb:1"})
    assert refused.value.translation_key == "no_such_item"


async def test_retry(hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock) -> None:
    """What a service refused is sent again, soon."""
    device = device_of(hass, loaded)
    services.pmdb.inject("/api/external/watched*", method="POST", times=None, status=400, body="{}")
    await run_pair(hass, loaded)
    services.pmdb.heal()
    await run_pair(hass, loaded)
    assert not services.user.watched()
    keys = [
        item["key"] for item in (await act(hass, "get_unresolved", device_id=device, respond=True))["items"]
    ]
    retried = await act(hass, "retry_unresolved", device_id=device, keys=[keys[0]], respond=True)
    assert retried == {"retried": 1}
    await act(hass, "retry_unresolved", device_id=device)
    await clock.pass_time(seconds=61)
    assert len(services.user.watched()) == 2


async def test_undo(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """First a look, then for real; what was taken back stays so."""
    device = device_of(hass, loaded)
    first = await run_pair(hass, loaded)
    assert len(services.user.watched()) == 2
    look = await act(hass, "undo_run", device_id=device, run_id=first.run_id, dry_run=True, respond=True)
    assert {change["action"] for change in look["plan"]} == {"remove"}
    assert len(services.user.watched()) == 2
    await act(hass, "undo_run", device_id=device, run_id=first.run_id)
    assert not services.user.watched()
    await run_pair(hass, loaded)
    assert not services.user.watched()


async def test_a_run_that_is_too_old_to_be_undone(
    hass: HomeAssistant, loaded: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = device_of(hass, loaded)
    run_id = (await run_pair(hass, loaded)).run_id
    (told,) = (await act(hass, "get_runs", device_id=device, respond=True))["runs"]
    assert (told["run_id"], told["can_undo"]) == (run_id, True)
    monkeypatch.setattr(upkeep, "ALWAYS_KEPT", 0)
    await loaded.runtime_data._state.prune(PAIR_ID, int(dt_util.utcnow().timestamp()) + 91 * 86_400)
    (told,) = (await act(hass, "get_runs", device_id=device, respond=True))["runs"]
    assert (told["can_undo"], told["added"]) == (False, 4)
    with pytest.raises(ServiceValidationError, match="kept for 90 days") as refused:
        await act(hass, "undo_run", device_id=device, run_id=run_id)
    assert refused.value.translation_key == "undo_too_old"


async def test_nothing_to_undo(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    await run_pair(hass, loaded)
    for respond in (True, False):
        with pytest.raises(ServiceValidationError) as refused:
            await act(hass, "undo_run", device_id=device_of(hass, loaded), run_id="none", respond=respond)
        assert refused.value.translation_key == "nothing_to_undo"
    assert state_of(hass, "status") == "unresolved"


async def test_explain(hass: HomeAssistant, loaded: MockConfigEntry, services: Services) -> None:
    """Nothing is written to find out."""
    await run_pair(hass, loaded)
    before = services.user.contents()
    device = device_of(hass, loaded)
    answer = await act(hass, "explain_item", device_id=device, item="cinder", respond=True)
    (item,) = answer["items"]
    assert (item["feature"], item["name"]) == ("watchlist", "Cinder Road (2003)")
    assert len(item["sides"]["source"]["entries"]) == 1
    assert item["sides"]["target"]["account"] == "PublicMetaDB"
    (outcome,) = item["outcomes"]
    assert (outcome["why"], outcome["why_text"][:12]) == ("missing_tmdb_id", "PublicMetaDB")
    answer = await act(
        hass, "explain_item", device_id=device, item="imdb:tt0000101", features=["history"], respond=True
    )
    (item,) = answer["items"]
    assert item["feature"] == "history"
    assert [line["why_text"] for line in item["written"]] == ["Only Alex (Attic) has it."]
    assert item["held_text"] is None
    assert services.user.contents() == before
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "explain_item", device_id=device, item="x", features=["ratings"], respond=True)
    assert refused.value.translation_key == "feature_off"
    with (
        patch.object(Engine, "explain", side_effect=StateError("damaged")),
        pytest.raises(HomeAssistantError) as failed,
    ):
        await act(hass, "explain_item", device_id=device, item="x", respond=True)
    assert failed.value.translation_key == "state_error"


async def test_map(hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock) -> None:
    """A title without a TMDb id gets one, for good."""
    device = device_of(hass, loaded)
    await run_pair(hass, loaded)
    (watchlist,) = services.user.lists()
    assert len(services.user.items(watchlist.id)) == 2
    await act(hass, "map_item", device_id=device, item=CINDER_ROAD, kind="movie", tmdb=103)
    await clock.pass_time(seconds=61)
    assert len(services.user.items(watchlist.id)) == 3
    assert state_of(hass, "unresolved") == "0"
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "map_item", device_id=device, item="movie:tmdb:999", kind="movie", tmdb=5)
    assert refused.value.translation_key == "not_mappable"


async def test_take_back_a_wrong_id(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, clock: Clock
) -> None:
    device = device_of(hass, loaded)

    async def map_item(item: str = CINDER_ROAD, **tmdb: Any) -> None:
        await act(hass, "map_item", device_id=device, item=item, kind="movie", **tmdb)

    await run_pair(hass, loaded)
    (watchlist,) = services.user.lists()
    right = {item.tmdb_id for item in services.user.items(watchlist.id)}
    for item in (CINDER_ROAD, "nonsense"):
        with pytest.raises(ServiceValidationError, match="none to take back") as refused:
            await map_item(item)
        assert refused.value.translation_key == "not_mapped"

    await map_item(tmdb=666)
    report = await run_pair(hass, loaded)
    assert {item.tmdb_id for item in services.user.items(watchlist.id)} == {*right, 666}
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.3)
    task = loaded.runtime_data.async_start_run("button")
    with pytest.raises(ServiceValidationError) as refused:
        await map_item()
    assert refused.value.translation_key == "already_running"
    await loaded.runtime_data.async_wait_for_run(task)

    await act(hass, "undo_run", device_id=device, run_id=report.run_id)
    await map_item()
    await clock.pass_time(seconds=61)
    assert {item.tmdb_id for item in services.user.items(watchlist.id)} == right
    assert state_of(hass, "unresolved") == "1"


@pytest.mark.parametrize("action", sorted({*ACTIONS} - {"sync_pair"}))
async def test_other_actions_want_a_pair(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, action: str
) -> None:
    needed = {str(field) for field in ACTIONS[action].schema.schema if isinstance(field, vol.Required)}
    data = {name: EXAMPLES[name] for name in needed - {ATTR_DEVICE_ID}}
    respond = ACTIONS[action].response is SupportsResponse.ONLY
    for device, key in ((device_of(hass, plex_entry), "not_a_pair"), ("nope", "service_device_not_found")):
        with pytest.raises(ServiceValidationError) as refused:
            await act(hass, action, device_id=device, respond=respond, **data)
        assert refused.value.translation_key == key
    with pytest.raises(vol.Invalid):
        await act(hass, action, respond=respond, **data)
    with pytest.raises(vol.Invalid):
        await act(hass, action, device_id="x", respond=respond, speed="fast", **data)
