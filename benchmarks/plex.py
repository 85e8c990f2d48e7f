"""What reading Plex costs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import gc

import aiohttp

from benchmarks.measure import Case, Services, Watch
from custom_components.crosswatch.providers.plex import PlexAccount, PlexHosts, PlexProvider, PlexSettings
from custom_components.crosswatch.providers.plex.account import ServerAccess
from custom_components.crosswatch.providers.plex.auth import Connection
from custom_components.crosswatch.sync.models import Feature, Scope

SCOPE = Scope(pair_id="bench")


@asynccontextmanager
async def provider(services: Services) -> AsyncIterator[PlexProvider]:
    """A provider of the server's owner."""
    server = ServerAccess(
        machine_id=services["machine_identifier"],
        name="Attic",
        token=services["server_token"],
        is_owner=True,
        connections=(Connection(uri=services["pms"], local=True),),
        uri=services["pms"],
    )
    account = PlexAccount(
        client_id="crosswatch-bench",
        token=services["account_token"],
        user_id=next(user["id"] for user in services["users"] if user["role"] == "owner"),
        user_name="owner",
        server=server,
    )
    async with aiohttp.ClientSession() as session:
        yield PlexProvider(session, PlexHosts.under(services["cloud"]), account, PlexSettings())


async def read_first(watch: Watch, services: Services) -> None:
    """Everything for the first time."""
    async with provider(services) as plex:
        gc.collect()
        async with watch.measure(plex):
            snapshot = await plex.read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) >= watch.size * 0.9


async def read_idle(watch: Watch, services: Services) -> None:
    """Once more, with nothing changed."""
    async with provider(services) as plex:
        first = await plex.read(Feature.HISTORY, SCOPE)
        gc.collect()
        async with watch.measure(plex):
            again = await plex.read(Feature.HISTORY, SCOPE)
    assert len(again.entries) == len(first.entries)


async def read_watchlist(watch: Watch, services: Services) -> None:
    """The whole watchlist for the first time."""
    async with provider(services) as plex, watch.measure(plex):
        snapshot = await plex.read(Feature.WATCHLIST, SCOPE)
    assert len(snapshot.entries) == services["watchlist"]


CASES = (
    Case("plex_read_first", "history of a Plex server, read for the first time", read_first),
    Case("plex_read_idle", "the same again, nothing having changed", read_idle),
    Case("plex_watchlist_read", "watchlist, one title for every twenty watched episodes", read_watchlist),
)
