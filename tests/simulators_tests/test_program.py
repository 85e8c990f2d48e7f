"""`python -m tests.simulators` as the demo and the browser tests use it."""

import asyncio
from pathlib import Path
import sys
from typing import Any

import aiohttp
import orjson
import pytest

ROOT = Path(__file__).parents[2]


async def started(*more: str) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    """Start the program and read its line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.simulators", "--size", "100", *more,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 30)
    return process, orjson.loads(line)


@pytest.mark.usefixtures("socket_enabled")
async def test_serves_until_terminated(tmp_path: Path) -> None:
    """The line, the ready file, the three services and the control API."""
    ready = tmp_path / "ready.json"
    process, report = await started("--ready-file", str(ready), "--max-seconds", "30")
    try:
        assert orjson.loads(ready.read_bytes()) == report
        token = {
            "Accept": "application/json",
            "X-Plex-Token": report["account_token"],
            "X-Plex-Client-Identifier": "c",
        }
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{report['cloud']}/plex.tv/api/v2/user", headers=token) as user:
                assert (await user.json())["username"] == report["pin_user"]
            async with session.get(f"{report['pms']}/identity") as identity:
                assert identity.status == 200
            async with session.get(f"{report['control']}/requests") as counts:
                assert (await counts.json())["plex"] == 2
    finally:
        process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_stops_by_itself() -> None:
    """After the time limit."""
    process, _report = await started("--max-seconds", "0.5")
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.usefixtures("socket_enabled")
async def test_ends_with_its_parent(tmp_path: Path) -> None:
    """An orphaned program does not stay."""
    ready = tmp_path / "ready.json"
    command = '"$0" -m tests.simulators --size 100 --ready-file "$1" >/dev/null & read _line'
    parent = await asyncio.create_subprocess_exec(
        "sh", "-c", command, sys.executable, str(ready), cwd=ROOT, stdin=asyncio.subprocess.PIPE
    )
    while not ready.exists():  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(0.05)
    report = orjson.loads(ready.read_bytes())
    await parent.communicate(b"\n")
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        while True:
            try:
                async with session.get(f"{report['pms']}/identity"):
                    await asyncio.sleep(0.2)
            except aiohttp.ClientConnectionError:
                break
