"""Set up accounts and pairs through the integration's own dialogs, over REST."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from lab.client import Client, Websocket
from lab.errors import LabError
from lab.simulators import Simulators

FLOW: Final = "/api/config/config_entries/flow"
ENTRY: Final = "/api/config/config_entries/entry"
DOMAIN: Final = "crosswatch"

type Step = dict[str, Any]
type Answers = Mapping[str, Callable[[Step], Mapping[str, Any]]]
"""What to fill in, by the id of the step."""


async def add_plex(client: Client, simulators: Simulators, user: str) -> str:
    """Add the Plex account of a user who signs in at the simulated plex.tv; return its title."""

    async def sign_in(step: Step) -> None:
        await simulators.claim(step["description_placeholders"]["code"], user)

    answers: Answers = {
        "user": lambda _step: {"next_step_id": "plex"},
        "plex_user": lambda step: {"user": field(step, "user")["default"]},
        "plex_server": lambda step: {"server": options(step, "server")[0]["value"]},
    }
    return await _finish(client, answers, sign_in)


async def add_publicmetadb(client: Client, api_key: str, base_url: str) -> str:
    """Add a PublicMetaDB account; return its title."""
    answers: Answers = {
        "user": lambda _step: {"next_step_id": "publicmetadb"},
        "publicmetadb": lambda _step: {"api_key": api_key, "base_url": base_url},
    }
    return await _finish(client, answers)


async def add_pair(
    client: Client, source: str, target: str, features: list[str], *, direction: str = "one_way"
) -> str:
    """Join two accounts, named by their titles; return the title of the pair."""
    answers: Answers = {
        "user": lambda _step: {"next_step_id": "pair"},
        "pair": lambda step: {
            "source": option(step, "source", source),
            "target": option(step, "target", target),
            "direction": direction,
            "features": features,
        },
    }
    return await _finish(client, answers)


async def remove(client: Client, title: str) -> None:
    """Remove an account or a pair."""
    async with client.websocket() as websocket:
        entries = await websocket.call("config_entries/get", domain=DOMAIN)
    (entry_id,) = (one["entry_id"] for one in entries if one["title"] == title)
    await client.delete(f"{ENTRY}/{entry_id}")


def field(step: Step, name: str) -> dict[str, Any]:
    """A field of a form."""
    for one in step["data_schema"]:
        if one["name"] == name:
            found: dict[str, Any] = one
            return found
    raise LabError(f"the form {step['step_id']} has no field {name}")


def options(step: Step, name: str) -> list[dict[str, str]]:
    """What a drop-down of a form offers."""
    offered: list[dict[str, str]] = field(step, name)["selector"]["select"]["options"]
    return offered


def option(step: Step, name: str, label: str) -> str:
    """The value behind what a drop-down shows."""
    offered = {one["label"]: one["value"] for one in options(step, name)}
    if label not in offered:
        raise LabError(f"{name} offers {', '.join(offered)}, but not {label}")
    return offered[label]


async def _finish(
    client: Client, answers: Answers, on_progress: Callable[[Step], Awaitable[None]] | None = None
) -> str:
    """Answer the steps of a flow until it has created an entry; return the entry's title."""
    async with client.websocket() as websocket:
        step: Step = await client.post(FLOW, {"handler": DOMAIN})
        asked: set[str] = set()
        while step["type"] != "create_entry":
            if step["type"] == "progress" and on_progress is not None:
                step = await _progressed(client, websocket, step, on_progress)
                continue
            answer = answers.get(step["step_id"]) if step["type"] in ("menu", "form") else None
            if answer is None or step["step_id"] in asked or step.get("errors"):
                raise LabError(f"did not expect this step: {step}")
            asked.add(step["step_id"])
            step = await client.post(f"{FLOW}/{step['flow_id']}", answer(step))
        title: str = step["result"]["title"]
        return title


async def _progressed(
    client: Client, websocket: Websocket, step: Step, on_progress: Callable[[Step], Awaitable[None]]
) -> Step:
    """Do what a progress step waits for, and return the step after it."""
    events = await websocket.subscribe("data_entry_flow_progressed")
    await on_progress(step)
    while (await events.get())["data"]["flow_id"] != step["flow_id"]:
        continue
    following: Step = await client.get(f"{FLOW}/{step['flow_id']}")
    return following
