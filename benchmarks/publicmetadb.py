"""What reading and writing PublicMetaDB costs, and how much of the allowed pace writing keeps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
import gc
from pathlib import Path
import signal
import sys
import tempfile
from typing import Any, Final

import aiohttp
import orjson

from benchmarks.measure import PATIENCE, Case, Row, Services, Watch
from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Play,
    Scope,
    Side,
)
from tests.simulators.publicmetadb import PublicMetaDBSimulator

SCOPE: Final = Scope(pair_id="bench")
KEY: Final = "pm-bench"
MOST_WRITES: Final = 1000
"""Plays written at most, whatever the size: at 3 a second they take more than five minutes."""
EPISODES: Final = 50
"""Episodes of a show."""


@dataclass(frozen=True, slots=True)
class PacedRow(Row):
    """A result of writing. `pace_share` is the part of the allowed pace that was kept, at most about 1."""

    pace_share: float


@dataclass(slots=True)
class Server:
    """The service in a process of its own; `sent` are the seconds of writes, once it has stopped."""

    process: asyncio.subprocess.Process
    url: str
    sent: list[float]

    async def stop(self) -> None:
        """Stop it and take in what it has logged."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            told, _ = await self.process.communicate()
            self.sent = orjson.loads(told)


@asynccontextmanager
async def service(plays: int) -> AsyncIterator[Server]:
    """Run the service with so many plays."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.publicmetadb", str(plays), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        url = await process.stdout.readline()
    server = Server(process, url.decode().strip(), [])
    try:
        yield server
    finally:
        await server.stop()


@asynccontextmanager
async def provider(url: str) -> AsyncIterator[PublicMetaDBProvider]:
    """A provider with default settings, so with the documented pace."""
    settings = PublicMetaDBSettings.from_options({"api_key": KEY, "base_url": url})
    with tempfile.TemporaryDirectory() as folder:
        async with aiohttp.ClientSession() as session:
            yield PublicMetaDBProvider(session, settings, Pacers(), Path(folder))


def episode(number: int) -> dict[str, Any]:
    """Return show, season and episode of the play with this number."""
    return {"tmdb_id": 1 + number // EPISODES, "season": 1, "episode": number % EPISODES}


async def read_history(watch: Watch, _services: Services) -> None:
    """The whole history."""
    async with service(watch.size) as server, provider(server.url) as publicmetadb:
        gc.collect()
        async with watch.measure(publicmetadb):
            snapshot = await publicmetadb.read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) == watch.size


async def write_history(watch: Watch, _services: Services) -> None:
    """Plays one by one, as fast as the pace allows."""
    watch.size = min(watch.size, MOST_WRITES)
    changes = [change(number) for number in range(watch.size)]
    async with service(0) as server:
        async with provider(server.url) as publicmetadb, watch.measure(publicmetadb):
            outcomes = [one async for one in publicmetadb.apply(Feature.HISTORY, changes, SCOPE)]
        await server.stop()
    assert [one.status for one in outcomes] == [OutcomeStatus.APPLIED] * watch.size
    assert len(server.sent) == watch.size
    assert watch.row is not None
    allowed = (watch.size - 1) / PublicMetaDBSettings().post_per_sec
    took = server.sent[-1] - server.sent[0]
    watch.row = PacedRow(**watch.row.as_dict(), pace_share=round(allowed / took, 4) if took else 1.0)


def change(number: int) -> Change:
    """Return the play with this number, to be added."""
    row = episode(number)
    item = Item(
        kind=Kind.EPISODE, show_ids=Ids(tmdb=row["tmdb_id"]), season=row["season"], episode=row["episode"]
    )
    return Change(
        feature=Feature.HISTORY,
        side=Side.TARGET,
        action=Action.ADD,
        key=str(number),
        entry=Play(item=item, watched_at=1_600_000_000 + 1000 * number),
        rule="bench",
    )


CASES: Final = (
    Case("pmdb_read", "history of PublicMetaDB, read in full at the documented pace", read_history),
    Case("pmdb_write_paced", f"up to {MOST_WRITES} plays, written at the documented pace", write_history),
)


async def serve(plays: int) -> None:
    """Be the service: print the address, run until SIGTERM, then print when writes came in."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with PublicMetaDBSimulator() as simulator:
        user = simulator.add_user(KEY, "bench")
        for number in range(plays):
            user.add_watched(media_type="tv", watched_at=1_600_000_000 + 1000 * number, **episode(number))
        gc.collect()
        gc.freeze()
        print(simulator.url, flush=True)
        await stopped.wait()
        print(orjson.dumps([request.at for request in simulator.log if request.method != "GET"]).decode())


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
