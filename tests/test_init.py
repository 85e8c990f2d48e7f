"""Set-up, unload, reload and removal of accounts and pairs."""

import asyncio
import errno
from pathlib import Path
import sqlite3
from typing import Any
from unittest.mock import patch

from homeassistant import block_async_io
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryDisabler, ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_CLOSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er, issue_registry as ir
import orjson
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.providers.plex.frozen import FreezeFile
from custom_components.crosswatch.shared import shared_state
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Side,
)
from tests.common import API_KEY, PAIR_ID, Services, state_of

HTML = "<!doctype html><title>Maintenance</title>"
RESOURCES = "/plex.tv/api/v2/resources"


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigEntryState:
    """Set an entry up, with all others of the integration, and return its state."""
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    state: ConfigEntryState = entry.state
    return state


# --- all is well --------------------------------------------------------------------------------


async def test_set_up_unload_reload(hass: HomeAssistant, loaded: MockConfigEntry, tmp_path: Path) -> None:
    entries = hass.config_entries.async_entries(DOMAIN)
    assert [entry.state for entry in entries] == [ConfigEntryState.LOADED] * 3
    for entry in entries:
        assert await hass.config_entries.async_reload(entry.entry_id)
        assert entry.state is ConfigEntryState.LOADED
    for entry in entries:
        assert await hass.config_entries.async_unload(entry.entry_id)
        assert entry.state is ConfigEntryState.NOT_LOADED
    # the write-ahead log is gone once the file is closed
    assert [path.name for path in (tmp_path / ".cw_state").iterdir()] == ["crosswatch.sqlite3"]


async def test_devices(
    hass: HomeAssistant, loaded: MockConfigEntry, device_registry: dr.DeviceRegistry
) -> None:
    found = {
        (device.name, device.manufacturer, device.model, device.model_id, device.entry_type)
        for entry in hass.config_entries.async_entries(DOMAIN)
        for device in dr.async_entries_for_config_entry(device_registry, entry.entry_id)
    }
    service = dr.DeviceEntryType.SERVICE
    assert found == {
        ("Alex (Attic)", "Plex", "Account", None, service),
        ("PublicMetaDB", "PublicMetaDB", "Account", None, service),
        ("Alex (Attic) → PublicMetaDB", "CrossWatch", "Sync pair", None, service),
    }


async def test_set_up_sends_next_to_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services
) -> None:
    """Accounts are checked; nothing is read, and least of all written."""
    paths = [(request.method, request.path) for request in (*services.cloud.log, *services.pms.log)]
    assert sorted(paths) == [
        ("GET", "/identity"),
        ("GET", "/library/sections"),
        ("GET", "/plex.tv/api/v2/user"),
    ]
    paths = [(request.method, request.path) for request in services.pmdb.log]
    assert paths == [("GET", "/api/external/lists")] * 2


async def test_what_is_learned_is_stored(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry, services: Services
) -> None:
    """The server moved, and a list was made: both are found out in set-up."""
    kept = services.user.add_list("Watchlist")
    data = plex_entry.data
    server = {**data["account"]["server"], "uri": "http://127.0.0.1:9", "connections": []}
    hass.config_entries.async_update_entry(
        plex_entry, data={**data, "account": {**data["account"], "server": server}}
    )
    assert await set_up(hass, plex_entry) is ConfigEntryState.LOADED
    assert plex_entry.data["account"]["server"]["uri"] == services.pms.url
    assert publicmetadb_entry.data["lists"] == [kept.id]


@pytest.mark.usefixtures("disable_block_async_io")
async def test_nothing_blocks_the_event_loop(
    hass: HomeAssistant, pair_entry: MockConfigEntry, services: Services
) -> None:
    """Home Assistant's own watch for blocking calls has nothing to say; see the check of the log."""
    with patch.object(block_async_io, "_IN_TESTS", new=False):
        block_async_io.enable()
    assert await set_up(hass, pair_entry) is ConfigEntryState.LOADED
    coordinator = pair_entry.runtime_data
    await coordinator.async_wait_for_run(coordinator.async_start_run("button"))
    assert await hass.config_entries.async_reload(pair_entry.entry_id)
    for entry in hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()


async def test_stop(hass: HomeAssistant, loaded: MockConfigEntry, tmp_path: Path) -> None:
    """Entries are not unloaded when Home Assistant stops; the file is closed all the same."""
    hass.bus.async_fire_internal(EVENT_HOMEASSISTANT_CLOSE)
    await hass.async_block_till_done()
    assert [path.name for path in (tmp_path / ".cw_state").iterdir()] == ["crosswatch.sqlite3"]


# --- trouble ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "path", "fault", "text"),
    [
        ("cloud", "/plex.tv/api/v2/user", {"drop": True}, "does not answer"),
        ("cloud", "/plex.tv/api/v2/user", {"status": 429}, "too many requests"),
        ("cloud", "/plex.tv/api/v2/user", {"status": 200, "body": HTML}, "can't read"),
        ("pms", "/library/sections", {"status": 403}, "may not do"),
        ("pms", "/identity", {"status": 500}, "does not answer"),
        ("pmdb", "/api/external/lists", {"drop": True}, "does not answer"),
        ("pmdb", "/api/external/lists", {"status": 200, "body": HTML}, "can't read"),
        ("pmdb", "/api/external/lists", {"first": 2, "status": 502}, "does not answer"),
    ],
)
async def test_service_in_trouble(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    log_may_say: list[str],
    service: str,
    path: str,
    fault: dict[str, Any],
    text: str,
) -> None:
    """Home Assistant tries again by itself, and the other account is not affected."""
    simulator = getattr(services, service)
    entry, other = accounts if service != "pmdb" else reversed(accounts)
    simulator.inject(path, times=None, **fault)
    assert await set_up(hass, entry) is ConfigEntryState.SETUP_RETRY
    assert entry.reason is not None
    assert text in entry.reason
    assert other.state is ConfigEntryState.LOADED
    simulator.heal()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED


async def test_server_no_longer_shared(
    hass: HomeAssistant, plex_entry: MockConfigEntry, services: Services
) -> None:
    await services.pms.stop()
    services.cloud.accounts.shares.clear()
    assert await set_up(hass, plex_entry) is ConfigEntryState.SETUP_RETRY
    assert "no access" in str(plex_entry.reason)


@pytest.mark.parametrize("service", ["plex", "publicmetadb", "another user"])
async def test_refused_sign_in(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    log_may_say: list[str],
    service: str,
) -> None:
    log_may_say.append("Config entry ")
    plex, publicmetadb = accounts
    match service:
        case "plex":
            entry = plex
            services.cloud.revoke(services.token)
        case "publicmetadb":
            entry = publicmetadb
            services.pmdb.change_key(API_KEY, "pm-another")
        case _:
            entry = plex
            account = {**plex.data["account"], "token": services.cloud.token(services.kim)}
            hass.config_entries.async_update_entry(plex, data={**plex.data, "account": account})
    assert await set_up(hass, entry) is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["context"]["entry_id"]) == (SOURCE_REAUTH, entry.entry_id)


@pytest.mark.parametrize("when", ["open", "runs"])
async def test_state_file_in_trouble(hass: HomeAssistant, pair_entry: MockConfigEntry, when: str) -> None:
    with patch(f"custom_components.crosswatch.sync.state.State.{when}", side_effect=StateError("disk full")):
        assert await set_up(hass, pair_entry) is ConfigEntryState.SETUP_RETRY
    assert "can't read or write its files" in str(pair_entry.reason)
    assert await hass.config_entries.async_reload(pair_entry.entry_id)


# --- removal ------------------------------------------------------------------------------------


async def freeze(folder: Path, *pairs: str) -> Path:
    """Have an item rest in the file of Plex that all pairs share."""
    file = FreezeFile(folder, Feature.HISTORY)
    play = Play(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=1)), watched_at=1)
    for pair in pairs:
        refused = Change(
            feature=Feature.HISTORY, side=Side.SOURCE, action=Action.ADD, key="k", entry=play, rule="test"
        )
        file.note(Outcome(change=refused, status=OutcomeStatus.UNRESOLVED, reason="not_in_library"), pair, "")
    await file.save()
    return folder / "plex_history.unresolved.json"


async def test_remove_pair(
    hass: HomeAssistant, loaded: MockConfigEntry, tmp_path: Path, entity_registry: er.EntityRegistry
) -> None:
    folder = tmp_path / ".cw_state"
    other = folder / "publicmetadb_history.01OTHER.shadow.json"
    other.write_text("{}")
    frozen = await freeze(folder, PAIR_ID, "01OTHER")
    await loaded.runtime_data.async_wait_for_run(loaded.runtime_data.async_start_run("button"))
    assert len(list(folder.glob(f"*{PAIR_ID}*"))) == 2
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert not er.async_entries_for_config_entry(entity_registry, loaded.entry_id)
    names = ["crosswatch.sqlite3", frozen.name, other.name]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert {entry["pair"] for entry in orjson.loads(frozen.read_bytes()).values()} == {"01OTHER"}
    with sqlite3.connect(folder / "crosswatch.sqlite3") as database:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in tables}  # noqa: S608
    database.close()
    assert not any(PAIR_ID in str(rows) for rows in kept.values())


async def test_remove_pair_while_the_state_file_is_in_trouble(
    hass: HomeAssistant, loaded: MockConfigEntry, log_may_say: list[str]
) -> None:
    log_may_say.append(f"What is stored about the removed entry {PAIR_ID} could not be deleted: disk full")
    with patch(
        "custom_components.crosswatch.sync.state.State.forget_pair", side_effect=StateError("disk full")
    ):
        await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert shared_state(hass)._opened is None


async def test_remove_pair_while_a_file_can_not_be_written(
    hass: HomeAssistant, loaded: MockConfigEntry, tmp_path: Path, log_may_say: list[str]
) -> None:
    log_may_say.append(
        f"What is stored about the removed entry {PAIR_ID} could not be deleted: "
        "state file plex_history.unresolved.json can't be written (ENOSPC)"
    )
    await freeze(tmp_path / ".cw_state", PAIR_ID)
    disk_full = OSError(errno.ENOSPC, "disk full")
    with patch(
        "custom_components.crosswatch.providers.plex.statefile.StateFile._replace", side_effect=disk_full
    ):
        await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()


async def test_remove_account_in_use(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    data, unique_id = dict(plex_entry.data), plex_entry.unique_id
    await hass.config_entries.async_remove(plex_entry.entry_id)
    await hass.async_block_till_done()
    assert loaded.state is ConfigEntryState.LOADED
    assert state_of(hass, "status") == "waiting_for_account"
    issue = issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}")
    assert issue is not None
    assert issue.translation_key == "account_missing"
    assert issue.translation_placeholders == {"pair": "Alex (Attic) → PublicMetaDB"}

    # a reload, such as by a restart, says the same
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert state_of(hass, "status") == "waiting_for_account"
    assert issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}") is not None

    # the same account added again is the pair's account again
    again = MockConfigEntry(domain=DOMAIN, unique_id=unique_id, data=data, title="Alex (Attic)")
    again.add_to_hass(hass)
    assert await set_up(hass, again) is ConfigEntryState.LOADED
    assert state_of(hass, "status") == "never_run"
    assert issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}") is None


async def test_disable_account_in_use(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, ConfigEntryDisabler.USER)
    assert state_of(hass, "status") == "waiting_for_account"
    assert issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}") is not None
    await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, None)
    await hass.async_block_till_done()
    assert state_of(hass, "status") == "never_run"
    assert issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}") is None


async def test_issue_goes_with_the_pair(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    await hass.config_entries.async_remove(loaded.entry_id)
    assert issue_registry.async_get_issue(DOMAIN, f"account_missing_{PAIR_ID}") is None


@pytest.mark.parametrize("what", ["unload pair", "remove pair", "unload account", "stop"])
async def test_run_under_way(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    services: Services,
    what: str,
) -> None:
    """A run ends before what it needs is gone, and at once, however long the service would take."""
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.5)
    task = loaded.runtime_data.async_start_run("button")
    for _ in range(1000):
        if services.cloud.faults[0].seen:
            break
        await asyncio.sleep(0.01)
    assert state_of(hass, "status") == "running"
    async with asyncio.timeout(0.4):
        match what:
            case "unload pair":
                assert await hass.config_entries.async_unload(loaded.entry_id)
            case "remove pair":
                await hass.config_entries.async_remove(loaded.entry_id)
            case "unload account":
                assert await hass.config_entries.async_unload(plex_entry.entry_id)
                assert task.done()
                await hass.async_block_till_done()
                assert state_of(hass, "status") == "cancelled"
            case _:
                await hass.async_stop(force=True)
        assert task.cancelled()
