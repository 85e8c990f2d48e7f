"""A run that Home Assistant's end interrupts, gently or not, is taken up again without doubles."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
import time

import pytest

from e2e.checks import leaking_requests, leaks, log_problems, secrets_of
from lab import flows
from lab.homeassistant import HomeAssistant
from lab.lab import Lab
from lab.pairs import Pair, find_pair, plan, press_sync_now, state_of, sync
from lab.publicmetadb import read_contents
from lab.simulators import Request

PATIENCE = 60.0
POLL = 0.1
BROKEN_OFF_AFTER = 15
"""Writes after which a run is broken off, which happens twice."""
QUICK_STOP = 15.0
"""Seconds within which Home Assistant stops, run or no run."""


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something."""
    async with asyncio.timeout(PATIENCE):
        while not await condition():  # noqa: ASYNC110 - the simulators announce nothing
            await asyncio.sleep(POLL)


def written(lab: Lab, rows: int) -> Callable[[], Awaitable[bool]]:
    """Whether PublicMetaDB has received so many writes since the last reset."""

    async def enough() -> bool:
        return len([one for one in await lab.simulators.requests() if is_write(one)]) >= rows

    return enough


def is_write(request: Request) -> bool:
    """Whether a request changes something at PublicMetaDB."""
    return request.service == "publicmetadb" and request.method != "GET"


def is_sync(request: Request) -> bool:
    """Whether a request is more than the question whether an account still works."""
    read = ("/watched", "/items", "/library/sections/", "/status/sessions/history", "/watchlist")
    return request.method != "GET" or any(part in request.path for part in read)


def state_files(lab: Lab, pair: Pair) -> list[Path]:
    """Files that carry the pair in their name."""
    return list((lab.homeassistant.config / ".cw_state").glob(f"*{pair.entry_id}*"))


async def start_again(lab: Lab) -> None:
    """Start Home Assistant, which asks nobody for anything to sync before it has started."""
    homeassistant: HomeAssistant = lab.homeassistant
    await lab.simulators.reset_counts()
    await homeassistant.start()
    starting = await homeassistant.until_running()
    early = [one for one in await lab.simulators.requests() if one.at < starting]
    assert [one for one in early if is_sync(one)] == []


@pytest.fixture(scope="module")
async def pair(lab: Lab) -> Pair:
    """A pair with watchlist and history."""
    addresses = lab.simulators.addresses
    source = await flows.add_plex(lab.client, lab.simulators, addresses.pin_user)
    target = await flows.add_publicmetadb(lab.client, addresses.api_key, addresses.publicmetadb)
    title = await flows.add_pair(lab.client, source, target, ["watchlist", "history"])
    return await find_pair(lab.client, title)


@pytest.fixture(scope="module")
async def planned(lab: Lab, pair: Pair) -> int:
    """How much there is to write at the beginning. Finding out writes nothing."""
    changes = await plan(lab.client, pair)
    assert len(await read_contents(lab.simulators)) == 0
    assert await state_of(lab.client, pair, "status") == "never_run"
    return len(changes)


async def test_stop_during_a_run(lab: Lab, pair: Pair, planned: int) -> None:
    """SIGTERM: Home Assistant stops at once, and afterwards shows what the run had done."""
    await lab.simulators.reset_counts()
    await press_sync_now(lab.client, pair)
    await until(written(lab, BROKEN_OFF_AFTER))
    asked = time.monotonic()
    await lab.homeassistant.stop()
    assert time.monotonic() - asked < QUICK_STOP
    done = len(await read_contents(lab.simulators))
    assert 0 < done < planned
    await start_again(lab)
    assert await state_of(lab.client, pair, "status") == "cancelled"
    assert int(await state_of(lab.client, pair, "added")) == done
    assert await state_of(lab.client, pair, "last_run") not in {"unknown", "unavailable"}
    assert await state_of(lab.client, pair, "last_success") == "unknown"


async def test_kill_during_a_run(lab: Lab, pair: Pair, planned: int) -> None:
    """SIGKILL: nothing could be put in order, and the pair is ready all the same."""
    await lab.simulators.reset_counts()
    await press_sync_now(lab.client, pair)
    await until(written(lab, BROKEN_OFF_AFTER))
    await lab.homeassistant.kill()
    assert len(await read_contents(lab.simulators)) < planned
    await start_again(lab)
    assert await state_of(lab.client, pair, "status") in {"cancelled", "failed"}


async def test_next_run_completes(lab: Lab, pair: Pair, planned: int) -> None:
    """What was left is written, nothing twice; after that there is nothing to do."""
    run = await sync(lab.client, pair)
    assert run["status"] in {"ok", "unresolved"}
    contents = await read_contents(lab.simulators)
    assert contents.doubles == []
    assert len(contents) == planned
    again = await sync(lab.client, pair)
    assert (again["added"], again["updated"], again["removed"], again["errors"]) == (0, 0, 0, 0)
    assert len(await read_contents(lab.simulators)) == planned


async def test_removal(lab: Lab, pair: Pair) -> None:
    """Removing everything leaves no entity, no device and no file of the pair."""
    secrets = secrets_of(lab.homeassistant.config, lab)
    await lab.client.delete(f"{flows.ENTRY}/{pair.entry_id}")
    async with lab.client.websocket() as websocket:
        for entry in await websocket.call("config_entries/get", domain=flows.DOMAIN):
            await lab.client.delete(f"{flows.ENTRY}/{entry['entry_id']}")
        assert await websocket.call("config_entries/get", domain=flows.DOMAIN) == []
        devices = await websocket.call("config/device_registry/list")
        assert [one for one in devices if one["identifiers"][0][0] == flows.DOMAIN] == []
        entities = await websocket.call("config/entity_registry/list")
        assert [one for one in entities if one["platform"] == flows.DOMAIN] == []
        issues = await websocket.call("repairs/list_issues")
        assert [one for one in issues["issues"] if one["domain"] == flows.DOMAIN] == []
    assert state_files(lab, pair) == []
    await lab.homeassistant.stop()
    assert log_problems(lab.homeassistant.log) == []
    assert leaks(lab.homeassistant.log, secrets) == []
    assert await leaking_requests(lab, secrets) == []
