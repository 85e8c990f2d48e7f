"""What a page costs the event loop (design, section 8), by the processor time of its own thread."""

import asyncio
from collections.abc import Iterator
import json
import threading
import time
from typing import Any

import aiohttp
from aiohttp import web
import pytest

from custom_components.crosswatch.providers.plex.client import PlexServerClient
from custom_components.crosswatch.providers.plex.library import Section, read_listing
from custom_components.crosswatch.sync.models import Kind
from tests.providers.plex.conftest import NOON, hex_key

PAGE = 1000
PAGES = 4
ALLOWED = 0.010
"""Seconds of the event loop's thread for a page of 1,000 rows."""


def row(number: int) -> dict[str, Any]:
    """An episode as a server lists it, trimmed."""
    return {
        "ratingKey": str(number),
        "key": f"/library/metadata/{number}",
        "parentRatingKey": str(10**6 + number // 10),
        "grandparentRatingKey": str(2 * 10**6 + number // 50),
        "guid": f"plex://episode/{hex_key(number)}",
        "parentGuid": f"plex://season/{hex_key(10**6 + number // 10)}",
        "grandparentGuid": f"plex://show/{hex_key(2 * 10**6 + number // 50)}",
        "grandparentSlug": f"show-{number // 50}",
        "type": "episode",
        "title": f"Episode {number}",
        "parentTitle": "Season 1",
        "grandparentTitle": f"Show {number // 50}",
        "index": number % 10 + 1,
        "parentIndex": number // 10 % 5 + 1,
        "year": 2020,
        "duration": 2_500_000,
        "originallyAvailableAt": "2020-01-01",
        "addedAt": NOON,
        "updatedAt": NOON,
        "viewCount": 1,
        "lastViewedAt": NOON - number,
        "Guid": [
            {"id": f"tmdb://{number + 1}"},
            {"id": f"tvdb://{number + 1}"},
            {"id": f"imdb://tt{number:07d}"},
        ],
    }


def page(start: int) -> bytes:
    rows = [row(number) for number in range(start, start + PAGE)]
    filled = {"size": PAGE, "totalSize": PAGES * PAGE, "offset": start, "Metadata": rows}
    return json.dumps({"MediaContainer": filled}).encode()


@pytest.fixture
def server(socket_enabled: None) -> Iterator[str]:
    """A server in a thread of its own, so that its work is not counted."""
    pages = {start: page(start) for start in range(0, PAGES * PAGE, PAGE)}
    loop, ready, found = asyncio.new_event_loop(), threading.Event(), []

    async def answer(request: web.Request) -> web.Response:
        start = int(request.query["X-Plex-Container-Start"])
        return web.Response(body=pages[start], content_type="application/json")

    async def start() -> None:
        app = web.Application()
        app.router.add_get("/library/sections/1/all", answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        found.append(runner.addresses[0][1])
        ready.set()

    def serve() -> None:
        loop.run_until_complete(start())
        loop.run_forever()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield f"http://127.0.0.1:{found[0]}"
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


async def test_page_of_1000_rows(server: str) -> None:
    section = Section(id="1", kind=Kind.SHOW, title="Shows", changed=1)
    async with aiohttp.ClientSession() as session:
        client = PlexServerClient(session, server, "crosswatch-test", "token")
        await read_listing(client, section, Kind.EPISODE, {})
        spent = time.thread_time()
        rows = await read_listing(client, section, Kind.EPISODE, {})
        spent = time.thread_time() - spent
    assert len(rows) == PAGES * PAGE
    assert spent / PAGES < ALLOWED
