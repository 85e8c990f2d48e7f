"""Live state of the pairs over the websocket."""

from collections.abc import Mapping
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket, WebSocketGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.crosswatch.const import Trigger
from tests.common import API_KEY, PAIR_ID, Services

VOLATILE = props(
    "device_id", "run_id", "started_at", "duration", "last_run", "last_success", "next_run", "first_seen",
    "last_seen", "at",
)  # fmt: skip
DISCOVER = "/discover.provider.plex.tv/*"


class Reader:
    """Somebody who reads what is told."""

    def __init__(self, client: MockHAClientWebSocket) -> None:
        """Talk over this connection."""
        self._client = client

    async def ask(self, command: str, **data: Any) -> Mapping[str, Any]:
        """Send a command and return its result."""
        await self._client.send_json_auto_id({"type": f"crosswatch/{command}", **data})
        answer: Mapping[str, Any] = await self._client.receive_json()
        assert answer["type"] == "result"
        return answer

    async def next(self) -> Mapping[str, Any]:
        """Return the next event."""
        message = await self._client.receive_json()
        assert message["type"] == "event"
        event: Mapping[str, Any] = message["event"]
        return event

    async def until(self, kind: str, **wanted: Any) -> list[Mapping[str, Any]]:
        """Return all events up to one of a type whose pair, if that is its content, shows what is wanted."""
        found: list[Mapping[str, Any]] = []
        while True:
            event = await self.next()
            found.append(event)
            shown = event.get("pair", event)
            if event["type"] == kind and wanted.items() <= shown.items():
                return found


@pytest.fixture
async def reader(hass: HomeAssistant, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator) -> Reader:
    """Return a reader of a Home Assistant with one pair."""
    return Reader(await hass_ws_client(hass))


async def run(
    hass: HomeAssistant, pair: MockConfigEntry, *, dry_run: bool = False, undo: str | None = None
) -> None:
    """Run the pair, or take a run back."""
    coordinator = pair.runtime_data
    task = coordinator.async_start_run(Trigger.BUTTON, dry_run=dry_run, undo=undo)
    await coordinator.async_wait_for_run(task)
    await hass.async_block_till_done()


async def test_pairs(hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    expected = {"entry_id": PAIR_ID, "device_id": device.id, "title": loaded.title}
    assert (await reader.ask("pairs"))["result"] == {"pairs": [expected]}
    await hass.config_entries.async_unload(loaded.entry_id)
    assert (await reader.ask("pairs"))["result"] == {"pairs": []}


async def test_before_and_after_a_run(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, snapshot: SnapshotAssertion
) -> None:
    assert (await reader.ask("subscribe"))["result"] is None
    first = await reader.next()
    assert first == snapshot(exclude=VOLATILE, name="before")
    await run(hass, loaded)
    events = await reader.until("state", running=False, status="unresolved")
    assert events[-1] == snapshot(exclude=VOLATILE, name="after")
    assert events[-1]["pair"]["next_run"] > events[-1]["pair"]["last_run"]


async def test_progress(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, snapshot: SnapshotAssertion
) -> None:
    """Every step is told, nothing twice, and the end."""
    await reader.ask("subscribe", entry_id=PAIR_ID)
    await run(hass, loaded)
    events = await reader.until("state", running=False, status="unresolved")
    told = [event["progress"] for event in events if event["type"] == "progress"]
    states = [event["pair"] for event in events if event["type"] == "state"]
    assert [(each["feature"], each["phase"]) for each in told if each] == [
        (feature, phase)
        for feature in ("watchlist", "history")
        for phase in ("reading", "planning", "applying", "observing")
    ]
    assert told[-1] is None
    assert [state["status"] for state in states][:2] == ["never_run", "running"]
    assert len(states) == len({repr(state) for state in states}), "something was told twice"
    applying = next(each for each in told if each and each["phase"] == "applying")
    assert applying == snapshot(exclude=props("started_at"))


async def test_a_reader_who_comes_later(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, services: Services
) -> None:
    services.cloud.inject(DISCOVER, delay=0.2)
    coordinator = loaded.runtime_data
    task = coordinator.async_start_run(Trigger.BUTTON)
    await hass.async_block_till_done()
    await reader.ask("subscribe")
    state = (await reader.next())["pair"]
    assert (state["status"], state["running"], state["next_run"]) == ("running", True, None)
    assert state["progress"]["phase"] == "reading"
    await coordinator.async_wait_for_run(task)


async def test_preview(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, snapshot: SnapshotAssertion
) -> None:
    await reader.ask("subscribe")
    await run(hass, loaded, dry_run=True)
    (*_, event) = await reader.until("state", running=False, status="never_run", problem=False)
    while event["pair"]["preview"] is None:
        event = await reader.next()
        if event["type"] != "state":
            event = {"pair": {"preview": None}}
    assert event["pair"]["preview"] == snapshot(exclude=VOLATILE)
    assert event["pair"]["runs"] == []
    await run(hass, loaded)
    (*_, event) = await reader.until("state", running=False, status="unresolved")
    assert event["pair"]["preview"] is None


async def told_now(reader: Reader) -> Mapping[str, Any]:
    """Return all that is told of the pair now."""
    await reader.ask("subscribe")
    pair: Mapping[str, Any] = (await reader.next())["pair"]
    return pair


def undo_states(pair: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Return whether each run can be undone, newest first."""
    return [(each["undo_state"], each["undo_text"]) for each in pair["runs"]]


async def test_undo(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    services: Services,
    snapshot: SnapshotAssertion,
) -> None:
    """What a look back finds, and what becomes of both runs; a preview is something else."""
    await run(hass, loaded)
    await run(hass, loaded)
    services.user.remove_watched(services.user.watched()[0].id)
    pair = await told_now(Reader(await hass_ws_client(hass)))
    assert undo_states(pair) == [("nothing", None), ("possible", None)]
    first = pair["runs"][-1]["run_id"]
    await run(hass, loaded, dry_run=True, undo=first)
    pair = await told_now(Reader(await hass_ws_client(hass)))
    assert pair["undo_preview"] == snapshot(exclude=VOLATILE)
    assert (pair["undo_preview"]["run_id"], pair["preview"]) == (first, None)
    preview = hass.states.get("sensor.alex_attic_publicmetadb_preview")
    assert preview is not None
    assert preview.state == "unknown"
    await run(hass, loaded, undo=first)
    pair = await told_now(Reader(await hass_ws_client(hass)))
    assert undo_states(pair) == [("possible", None), ("nothing", None), ("undone", "Undone")]
    undoing = pair["runs"][0]
    assert (undoing["undo"], pair["undo_preview"]) == (first, None)
    assert pair["runs"][-1]["undone_by"] == undoing["run_id"]


async def test_what_cannot_be_undone_any_more(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader
) -> None:
    await run(hass, loaded)
    await loaded.runtime_data._state._do(lambda db: db.execute("DELETE FROM journal"))
    await loaded.runtime_data.async_refresh()
    assert undo_states(await told_now(reader)) == [("forgotten", "Too long ago to be undone")]


async def test_trouble_is_told_in_words(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, services: Services
) -> None:
    await reader.ask("subscribe")
    services.pmdb.inject("*", times=None, status=500)
    await run(hass, loaded)
    (*_, event) = await reader.until("state", running=False, status="unreachable")
    (watchlist, _) = event["pair"]["features"]
    assert (watchlist["error_text"], watchlist["side"]) == ("PublicMetaDB did not answer.", "target")
    assert event["pair"]["problem"] is True


async def test_held_is_told_in_words(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, services: Services
) -> None:
    await run(hass, loaded)
    for play in services.user.watched():
        services.user.remove_watched(play.id)
    await run(hass, loaded)
    await reader.ask("subscribe")
    (_, history) = (await reader.next())["pair"]["features"]
    assert history["error_text"] == "PublicMetaDB held something before, and is empty now."


async def test_accounts_come_and_go(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    reader: Reader,
    services: Services,
    log_may_say: list[str],
) -> None:
    log_may_say.append("Config entry 'PublicMetaDB' for crosswatch integration could not authenticate")
    plex, publicmetadb = accounts
    await reader.ask("subscribe")
    state = (await reader.next())["pair"]
    assert [account["state"] for account in state["accounts"].values()] == ["ready", "ready"]

    services.pmdb.change_key(API_KEY, "pm-another")
    await hass.config_entries.async_reload(publicmetadb.entry_id)
    await hass.async_block_till_done()
    while state["accounts"]["target"]["state"] != "sign_in":
        state = (await reader.next())["pair"]
    await hass.config_entries.async_remove(publicmetadb.entry_id)
    await hass.async_block_till_done()
    (*_, event) = await reader.until("state", status="waiting_for_account")
    assert event["pair"]["accounts"]["target"] == {
        "title": None, "provider": None, "provider_name": None, "state": "missing",
    }  # fmt: skip
    assert event["pair"]["accounts"]["source"]["title"] == plex.title


async def test_pairs_come_and_go(hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader) -> None:
    await hass.config_entries.async_unload(loaded.entry_id)
    await reader.ask("subscribe", entry_id=PAIR_ID)
    await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert (await reader.next())["pair"]["entry_id"] == PAIR_ID
    hass.config_entries.async_update_entry(loaded, title="My films")
    (*_, event) = await reader.until("state", title="My films")
    await hass.config_entries.async_remove(loaded.entry_id)
    (*_, event) = await reader.until("gone")
    assert event == {"type": "gone", "entry_id": PAIR_ID}


async def test_only_what_is_asked_for(hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader) -> None:
    (device,) = dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)
    await reader.ask("subscribe", entry_id="another")
    await reader.ask("subscribe", device_id="another")
    await run(hass, loaded)
    # nothing was told in between, so the next message is the answer to this
    await reader.ask("subscribe", device_id=device.id)
    assert (await reader.next())["pair"]["status"] == "unresolved"


async def test_language(hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader) -> None:
    """What is not translated is English."""
    await reader.ask("subscribe", language="fi")
    state = (await reader.next())["pair"]
    assert state["status_text"] == "Never run"


async def test_the_end_of_a_connection(
    hass: HomeAssistant, loaded: MockConfigEntry, reader: Reader, hass_ws_client: WebSocketGenerator
) -> None:
    coordinator = loaded.runtime_data
    before = len(coordinator._listeners)
    client = await hass_ws_client(hass)
    await Reader(client).ask("subscribe")
    assert len(coordinator._listeners) == before + 1
    await client.close()
    await hass.async_block_till_done()
    assert len(coordinator._listeners) == before


async def test_no_rights_are_needed_to_read(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> None:
    reader = Reader(await hass_ws_client(hass, hass_read_only_access_token))
    assert (await reader.ask("pairs"))["success"]
    assert (await reader.ask("subscribe"))["success"]
    assert (await reader.next())["type"] == "state"
