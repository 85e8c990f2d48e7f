"""A small Plex to read from: simulators on local ports, and providers that talk to them."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from custom_components.crosswatch.providers.plex.account import PlexAccount, ServerAccess
from custom_components.crosswatch.providers.plex.auth import Connection, PlexCloud as CloudClient
from custom_components.crosswatch.providers.plex.hosts import PlexHosts
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.providers.plex.settings import PlexSettings
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Entry,
    Feature,
    Outcome,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    Scope,
    Side,
    Snapshot,
    WatchlistEntry,
)
from tests.simulators.library import Ids
from tests.simulators.plex import Item, PlexCloud, PlexMediaServer, Section, User

CLIENT_ID = "crosswatch-test"
NOON = 1_780_000_000
SCOPE = Scope(pair_id="pair")
DISCOVER = "/discover.provider.plex.tv"
METADATA = "/metadata.provider.plex.tv"
WATCHLIST = f"{DISCOVER}/library/sections/watchlist/all"
HISTORY = "/status/sessions/history/all"


def listing(*rows: object, name: str = "Metadata", **container: object) -> dict[str, Any]:
    """A fault that answers with these rows, as a complete listing."""
    filled = {"size": len(rows), "totalSize": len(rows), "offset": 0, **container}
    if rows:
        filled[name] = rows
    body = orjson.dumps({"MediaContainer": filled}).decode()
    return {"status": 200, "content_type": "application/json", "body": body}


def hex_key(number: int) -> str:
    """A key of the global catalogue."""
    return f"{number:024x}"


@dataclass(slots=True)
class World:
    """Simulators, the people on them, and the session everything goes through."""

    session: aiohttp.ClientSession
    cloud: PlexCloud
    pms: PlexMediaServer
    owner: User
    movies: Section
    shows: Section
    providers: list[PlexProvider] = field(default_factory=list)

    @property
    def hosts(self) -> PlexHosts:
        """Plex's cloud, all of it at the simulator."""
        return PlexHosts.under(self.cloud.url)

    @property
    def sign_in(self) -> CloudClient:
        """The plex.tv client."""
        return CloudClient(self.session, self.hosts, CLIENT_ID, backoff=0)

    def account(self, user: User | None = None, **changes: Any) -> PlexAccount:
        """The stored account of a user; `changes` go into its server access."""
        who = user or self.owner
        server = ServerAccess(
            machine_id=self.pms.machine_identifier,
            name=self.pms.name,
            token=self.cloud.server_token(who, self.pms),
            is_owner=who is self.owner,
            connections=(Connection(uri=self.pms.url, local=True),),
            uri=self.pms.url,
        )
        return PlexAccount(
            client_id=CLIENT_ID,
            token=self.cloud.token(who),
            user_id=who.id,
            user_name=who.name,
            server=replace(server, **changes),
        )

    def provider(
        self,
        account: PlexAccount | None = None,
        *,
        user: User | None = None,
        state_dir: Path | None = None,
        **settings: Any,
    ) -> PlexProvider:
        """A provider for an account; `settings` are fields of `PlexSettings`."""
        made = PlexProvider(
            self.session,
            self.hosts,
            account or self.account(user),
            PlexSettings(**settings),
            state_dir=state_dir,
            backoff=0,
        )
        self.providers.append(made)
        return made

    def whole(self, account: PlexAccount | None = None, **settings: Any) -> PlexProvider:
        """A provider with every feature on."""
        return self.provider(account, **settings)

    def movie(self, number: int, **values: Any) -> Item:
        """Add a movie to the server, matched and with ids made of the number."""
        values.setdefault("guid", f"plex://movie/{hex_key(number)}")
        values.setdefault("ids", Ids(f"tt{number:07d}", number, number))
        values.setdefault("year", 2000)
        return self.pms.add_movie(values.pop("section", self.movies), f"Movie {number}", **values)

    def show(self, number: int, **values: Any) -> Item:
        """Add a show, matched and with ids made of the number."""
        values.setdefault("guid", f"plex://show/{hex_key(number)}")
        values.setdefault("ids", Ids(f"tt{number:07d}", number, number))
        return self.pms.add_show(values.pop("section", self.shows), f"Show {number}", **values)

    def episode(self, show: Item, season: int | None, number: int | None, **values: Any) -> Item:
        """Add an episode with ids of its own."""
        own = 1000 * show.key + 100 * (season or 0) + (number or 0)
        values.setdefault("guid", f"plex://episode/{hex_key(own)}")
        values.setdefault("ids", Ids(f"tt{own:08d}", own, own))
        return self.pms.add_episode(show, season, number, **values)

    def play(self, item: Item, *moments: int, account: int = 1) -> None:
        """Watch an item at these dates."""
        for at in moments:
            self.pms.play(account, item, at)

    def list_titles(self, count: int) -> None:
        """Fill the owner's watchlist, the last one newest."""
        for number in range(1, count + 1):
            self.cloud.add_movie(f"Wanted {number}", hex_key(number), Ids(f"tt{number:07d}", number))
            self.cloud.watchlist_add(self.owner, hex_key(number), NOON + number)


@pytest.fixture
async def world(socket_enabled: None) -> AsyncIterator[World]:
    """A Plex with an owner, a movie and a show library."""
    async with (
        PlexMediaServer(clock=lambda: NOON) as pms,
        PlexCloud(clock=lambda: NOON) as cloud,
        aiohttp.ClientSession() as session,
    ):
        owner = cloud.add_user("Alex")
        cloud.add_server(pms, owner)
        cloud.token(owner)
        yield World(
            session=session,
            cloud=cloud,
            pms=pms,
            owner=owner,
            movies=pms.add_section("Movies", "movie"),
            shows=pms.add_section("TV Shows", "show"),
        )
    assert not pms.tokens_in_query()
    assert not cloud.tokens_in_query()


async def read_plays(provider: PlexProvider, scope: Scope = SCOPE) -> list[Play]:
    """Read the history."""
    return plays(await provider.read(Feature.HISTORY, scope))


async def read_wanted(provider: PlexProvider) -> list[WatchlistEntry]:
    """Read the watchlist."""
    snapshot = await provider.read(Feature.WATCHLIST, SCOPE)
    return [entry for entry in snapshot.entries if isinstance(entry, WatchlistEntry)]


def change(entry: Entry, action: Action = Action.ADD, *, before: Entry | None = None) -> Change:
    """A planned write of an entry, under a key made of its ids."""
    feature = {
        WatchlistEntry: Feature.WATCHLIST,
        Play: Feature.HISTORY,
        Rating: Feature.RATINGS,
        Resume: Feature.PROGRESS,
    }[type(entry)]
    item = entry.item
    ids = ",".join((*item.ids.tokens(), *item.show_ids.tokens()))
    at = f"@{entry.watched_at}" if isinstance(entry, Play) else ""
    return Change(
        feature=feature,
        side=Side.TARGET,
        action=action,
        key=f"{item.kind}:{ids}:{item.season}:{item.episode}{at}",
        entry=entry,
        rule="test",
        before=before,
    )


async def apply(
    provider: PlexProvider, *changes: Change, scope: Scope = SCOPE
) -> dict[str, tuple[OutcomeStatus, str | None]]:
    """Write and return status and reason by key."""
    return {
        each.change.key: (each.status, each.reason)
        for each in await outcomes(provider, *changes, scope=scope)
    }


async def outcomes(provider: PlexProvider, *changes: Change, scope: Scope = SCOPE) -> list[Outcome]:
    """Write and return all outcomes."""
    async with aclosing(provider.apply(changes[0].feature, changes, scope)) as results:
        return [each async for each in results]


def plays(snapshot: Snapshot) -> list[Play]:
    """The entries of a history snapshot."""
    return [entry for entry in snapshot.entries if isinstance(entry, Play)]
