"""What a large history costs."""

import asyncio
import threading
import tracemalloc
from typing import Any

import orjson
import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.history import PlayReader
from custom_components.crosswatch.providers.publicmetadb.paging import Page, read_complete
from custom_components.crosswatch.sync.models import Feature
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User

from .helpers import JAN_2, SCOPE


@pytest.mark.timeout(300)
@pytest.mark.parametrize("plays", [5_000, pytest.param(100_000, marks=pytest.mark.thorough)])
async def test_requests_for_so_many_plays(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, plays: int
) -> None:
    """As many as there are pages of the largest size."""
    for number in range(plays):
        user.add_watched(
            tmdb_id=1 + number // 50,
            media_type="tv",
            season=1,
            episode=number % 50,
            watched_at=JAN_2 + number,
        )
    snapshot = await provider.read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) == plays
    assert provider.requests == len(sim.log) == plays // 500


def page(number: int, per_page: int, total: int) -> bytes:
    """Return a page of episodes as the service sends them."""
    first = (number - 1) * per_page
    rows = [
        {
            "id": f"wh{index:013d}",
            "tmdb_id": 1 + index // 50,
            "media_type": "tv",
            "season": 1,
            "episode": index % 50,
            "watched_at": "2026-01-02T20:15:00.000Z",
            "title": None,
        }
        for index in range(first, min(first + per_page, total))
    ]
    pages = -(-total // per_page)
    return orjson.dumps(
        {"items": rows, "total": total, "page": number, "perPage": per_page, "totalPages": pages}
    )


async def test_memory_for_a_play() -> None:
    """At most 1 kB, measured over 8,000."""
    total = 8000

    async def fetch(number: int) -> bytes:
        await asyncio.sleep(0)
        return page(number, 500, total)

    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        plays = await read_complete(fetch, PlayReader(), per_page=500, max_pages=1000)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(plays) == total
    assert (after - before) / total <= 1000
    # the pages that are being read come on top, not all of them
    assert (peak - before) / total <= 2000


async def test_pages_are_read_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop only passes them on."""
    threads: set[bool] = set()
    from_body = Page.from_body

    def spy(*args: Any) -> Any:
        threads.add(threading.current_thread() is threading.main_thread())
        return from_body(*args)

    async def fetch(number: int) -> bytes:
        return page(number, 500, 2000)

    monkeypatch.setattr(Page, "from_body", spy)
    assert len(await read_complete(fetch, PlayReader(), per_page=500, max_pages=10)) == 2000
    assert threads == {False}
