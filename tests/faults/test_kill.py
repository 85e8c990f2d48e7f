"""Pairs whose process is killed while it writes."""

import asyncio
from pathlib import Path
import sys

import orjson
import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[2]
KILLS = 9


@pytest.mark.timeout(180)
async def test_killed_in_the_middle_of_whatever_it_does(socket_enabled: None) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "faults", "--json", "--kill", str(KILLS)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, said = await process.communicate()
    assert process.returncode == 0, said.decode()
    rows = orjson.loads(told)
    assert len(rows) == 12
    assert {row["outcome"] for row in rows} == {"ok"}
    assert all(row["lost"] == row["doubled"] == 0 for row in rows)
    assert all(row["after"] == row["before"] > KILLS for row in rows)
