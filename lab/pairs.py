"""Pairs in a running Home Assistant: their entities, their runs, a dashboard that shows them."""

from dataclasses import dataclass
from typing import Any, Final

from lab.client import Client
from lab.errors import LabError
from lab.flows import DOMAIN

DASHBOARD: Final = "cross-watch"
CARD: Final = "crosswatch-card"
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
        rows = await websocket.call("config/entity_registry/list")
        # the sensor is the one that is meant where another entity has the same key
        rows.sort(key=lambda one: one["entity_id"].startswith("sensor."))
        entities = {
            one["unique_id"].removeprefix(f"{entry_id}_"): one["entity_id"]
            for one in rows
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


async def plan(client: Client, pair: Pair) -> list[dict[str, Any]]:
    """Find out what a run would do."""
    path = f"/api/services/{DOMAIN}/sync_pair?return_response"
    answer = await client.post(path, {"device_id": pair.device_id, "dry_run": True})
    (run,) = answer["service_response"]["runs"]
    changes: list[dict[str, Any]] = run["plan"]
    return changes


async def press_sync_now(client: Client, pair: Pair) -> None:
    """Start a run without waiting for its end."""
    await client.post("/api/services/button/press", {"entity_id": pair.entities["sync_now"]})


async def state_of(client: Client, pair: Pair, key: str) -> str:
    """The state of one of the pair's entities."""
    state: str = (await client.get(f"/api/states/{pair.entities[key]}"))["state"]
    return state


async def create_dashboard(client: Client, pair: Pair) -> str:
    """Make a dashboard with what a pair tells, as its card and as entities; return its path."""
    card = {"type": f"custom:{CARD}", "device_id": pair.device_id}
    short = {"type": "entity"}  # the card carries the name of the pair, its rows need not
    entities = [{"entity": pair.entities[key], "name": short} for key in SHOWN]
    last_run = {"type": "entities", "title": pair.title, "entities": entities}
    return await save_dashboard(client, [card], [last_run])


async def save_dashboard(client: Client, *sections: list[dict[str, Any]]) -> str:
    """Make a dashboard of sections of cards; return its path."""
    grids = [{"type": "grid", "cards": cards} for cards in sections]
    view = {"title": "Sync", "path": "sync", "type": "sections", "sections": grids}
    title = "CrossWatch"
    async with client.websocket() as websocket:
        await websocket.call(
            "lovelace/dashboards/create",
            url_path=DASHBOARD,
            title=title,
            mode="storage",
            require_admin=False,
            show_in_sidebar=True,
            icon="mdi:sync",
        )
        config = {"title": title, "views": [view]}
        await websocket.call("lovelace/config/save", url_path=DASHBOARD, config=config)
    return f"/{DASHBOARD}/sync"
