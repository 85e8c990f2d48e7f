"""Pairs in a running Home Assistant: their entities, their runs, a dashboard that shows them."""

from dataclasses import dataclass
from typing import Any, Final

from lab.client import Client, Websocket
from lab.errors import LabError
from lab.flows import DOMAIN

DASHBOARD: Final = "cross-watch"
SHOWN: Final = (
    "status",
    "progress",
    "last_run",
    "last_success",
    "added",
    "updated",
    "removed",
    "unresolved",
)
"""Sensors on the dashboard, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A pair as Home Assistant has it; `entities` are entity ids by the key of their unique id."""

    title: str
    entry_id: str
    device_id: str
    entities: dict[str, str]


async def find_pair(client: Client, title: str) -> Pair:
    """Look a pair up by its title."""
    async with client.websocket() as websocket:
        entries = await websocket.call("config_entries/get", domain=DOMAIN)
        entry_id = next((one["entry_id"] for one in entries if one["title"] == title), None)
        devices = await websocket.call("config/device_registry/list")
        ours = (one["id"] for one in devices if [DOMAIN, entry_id] in one["identifiers"])
        device_id = next(ours, None)
        if entry_id is None or device_id is None:
            raise LabError(f"there is no pair {title}, or it is not set up")
        entities = {
            one["unique_id"].removeprefix(f"{entry_id}_"): one["entity_id"]
            for one in await websocket.call("config/entity_registry/list")
            if one["config_entry_id"] == entry_id
        }
    return Pair(title=title, entry_id=entry_id, device_id=device_id, entities=entities)


async def sync(client: Client, pair: Pair) -> dict[str, Any]:
    """Run a pair and wait for its end; return what the action tells."""
    path = f"/api/services/{DOMAIN}/sync_pair?return_response"
    answer = await client.post(path, {"device_id": pair.device_id})
    (run,) = answer["service_response"]["runs"]
    told: dict[str, Any] = run
    return told


async def create_dashboard(client: Client, pair: Pair) -> str:
    """Make a dashboard with what a pair tells; return its path."""
    entities = [pair.entities[key] for key in SHOWN]
    last_run = {"type": "entities", "title": pair.title, "entities": entities}
    button = {"type": "button", "entity": pair.entities["sync_now"], "show_state": False}
    sections = [{"type": "grid", "cards": [last_run]}, {"type": "grid", "cards": [button]}]
    view = {"title": "Sync", "path": "sync", "type": "sections", "sections": sections}
    async with client.websocket() as websocket:
        await _save(websocket, {"title": "CrossWatch", "views": [view]})
    return f"/{DASHBOARD}/sync"


async def _save(websocket: Websocket, config: dict[str, Any]) -> None:
    await websocket.call(
        "lovelace/dashboards/create",
        url_path=DASHBOARD,
        title=config["title"],
        mode="storage",
        require_admin=False,
        show_in_sidebar=True,
        icon="mdi:sync",
    )
    await websocket.call("lovelace/config/save", url_path=DASHBOARD, config=config)
