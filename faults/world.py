"""A simulated Plex and PublicMetaDB, and a pair between them that runs without Home Assistant."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

import aiohttp

from custom_components.crosswatch.providers.plex import PlexAccount, PlexHosts, PlexProvider, PlexSettings
from custom_components.crosswatch.providers.plex.account import ServerAccess
from custom_components.crosswatch.providers.plex.auth import Connection
from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import Direction, Feature, Kind, Scope, Side
from custom_components.crosswatch.sync.provider import Provider
from custom_components.crosswatch.sync.report import Progress, RunReport
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.state import State
from tests.simulators.library import Ids, Title as CloudTitle
from tests.simulators.plex import PlexCloud, PlexMediaServer
from tests.simulators.plex.state import Item as PlexItem
from tests.simulators.publicmetadb import PublicMetaDBSimulator

PAIR: Final = "01PAIR"
KEY: Final = "pm-0123456789abcdef"
START: Final = 1_790_000_000
RUNTIME: Final = 6_000_000
"""Milliseconds of everything there is to watch."""
MINUTE, HOUR, DAY = 60, 3600, 86_400


class Place(StrEnum):
    """A service, by the name of its provider."""

    PLEX = "plex"
    PUBLICMETADB = "publicmetadb"

    @property
    def other(self) -> Place:
        """The other one."""
        return Place.PUBLICMETADB if self is Place.PLEX else Place.PLEX


@dataclass(frozen=True, slots=True)
class Way:
    """Where changes travel: the source, the target, and whether they travel back as well."""

    name: str
    source: Place
    direction: Direction

    @property
    def sides(self) -> Mapping[Side, Place]:
        """Which service is which side."""
        return {Side.SOURCE: self.source, Side.TARGET: self.source.other}

    def writes(self, place: Place) -> bool:
        """Whether anything is ever written there."""
        return self.direction is Direction.TWO_WAY or place is not self.source


WAYS: Final = (
    Way("plex→publicmetadb", Place.PLEX, Direction.ONE_WAY),
    Way("publicmetadb→plex", Place.PUBLICMETADB, Direction.ONE_WAY),
    Way("two-way", Place.PLEX, Direction.TWO_WAY),
)


class Clock:
    """The time of both services and of the engine. It stands still until it is put forward."""

    def __init__(self) -> None:
        """Begin at a known time, epoch seconds UTC."""
        self.now = float(START)

    def __call__(self) -> float:
        """Return what time it is."""
        return self.now


@dataclass(frozen=True, slots=True)
class Title:
    """A movie, a show or an episode. `number` is its TMDb id, of an episode the show's."""

    kind: Kind
    number: int
    season: int | None = None
    episode: int | None = None


EPISODES: Final = 4
"""Episodes of a season, numbered from 0; a show has the seasons 0 and 1."""


def watchable(count: int) -> list[Title]:
    """Return so many titles, movies and episodes in turn. A show's number is a movie's as well."""
    made = []
    for place in range(count):
        number, is_episode = divmod(place, 2)
        if is_episode:
            show, below = divmod(number, 2 * EPISODES)
            season, episode = divmod(below, EPISODES)
            made.append(Title(Kind.EPISODE, show + 1, season, episode))
        else:
            made.append(Title(Kind.MOVIE, number + 1))
    return made


def listable(count: int) -> list[Title]:
    """Return so many titles, movies and shows in turn, with the same numbers."""
    return [Title(Kind.SHOW if place % 2 else Kind.MOVIE, place // 2 + 1) for place in range(count)]


def plex_key(title: Title) -> str:
    """Return the key of a movie or show in Plex's catalogue."""
    return f"{title.number + (2**40 if title.kind is Kind.SHOW else 0):024x}"


class Services:
    """The simulators, with an owner, a library of everything there is, and an empty account."""

    def __init__(self, count: int, clock: Callable[[], float]) -> None:
        """Make up so many titles. `clock` is the time of all of them, epoch seconds UTC."""
        self.clock = clock
        self.cloud, self.pms = PlexCloud(clock=clock), PlexMediaServer("Attic", clock=clock)
        self.pmdb = PublicMetaDBSimulator(clock=clock)
        # an answer "nothing has changed" would hide what a listing does wrong
        self.cloud.options.watchlist_etag = False
        self.owner = self.cloud.add_user("Alex")
        self.cloud.add_server(self.pms, self.owner)
        self.user = self.pmdb.add_user(KEY, "alex")
        self.list_id = self.user.add_list("Watchlist").id
        self.watchable, self.listable = watchable(count), listable(count)
        self.items: dict[Title, PlexItem] = {}
        self._fill()

    def _fill(self) -> None:
        movies, shows = self.pms.add_section("Movies", "movie"), self.pms.add_section("TV Shows", "show")
        self.pms.state.journaling = False
        made: dict[int, PlexItem] = {}
        for title in self.listable:
            self.cloud.add_title(
                CloudTitle(
                    kind="show" if title.kind is Kind.SHOW else "movie",
                    title=f"{title.kind} {title.number}",
                    year=2000,
                    plex_key=plex_key(title),
                    ids=Ids(tmdb=title.number),
                    duration=RUNTIME,
                    released="2000-03-10",
                )
            )
        for title in self.watchable:
            ids = Ids(tmdb=title.number)
            if title.kind is Kind.MOVIE:
                self.items[title] = self.pms.add_movie(
                    movies,
                    f"movie {title.number}",
                    guid=f"plex://movie/{plex_key(title)}",
                    ids=ids,
                    duration=RUNTIME,
                )
                continue
            if (show := made.get(title.number)) is None:
                show = made[title.number] = self.pms.add_show(
                    shows,
                    f"show {title.number}",
                    guid=f"plex://show/{plex_key(Title(Kind.SHOW, title.number))}",
                    ids=ids,
                )
            self.items[title] = self.pms.add_episode(show, title.season, title.episode, duration=RUNTIME)
        self.pms.state.journaling = True

    async def start(self, stack: AsyncExitStack) -> None:
        """Listen on 127.0.0.1 until the stack is left."""
        for simulator in (self.cloud, self.pms, self.pmdb):
            await stack.enter_async_context(simulator)

    def account(self) -> PlexAccount:
        """Return the account of the server's owner."""
        server = ServerAccess(
            machine_id=self.pms.machine_identifier,
            name=self.pms.name,
            token=self.cloud.server_token(self.owner, self.pms),
            is_owner=True,
            connections=(Connection(uri=self.pms.url, local=True),),
            uri=self.pms.url,
        )
        return PlexAccount(
            client_id="crosswatch-faults",
            token=self.cloud.token(self.owner),
            user_id=self.owner.id,
            user_name=self.owner.name,
            server=server,
        )

    def heal(self) -> None:
        """Let everything go well again."""
        for simulator in (self.cloud, self.pms, self.pmdb):
            simulator.heal()
        self.pms.options.stale_writes = self.cloud.options.watchlist_stale_writes = 0


def providers(
    session: aiohttp.ClientSession,
    account: PlexAccount,
    cloud_url: str,
    pmdb_url: str,
    folder: Path,
    clock: Callable[[], float],
) -> dict[Place, Provider]:
    """Make both providers, all features on, unpaced and quick to try again; else as they are by default."""
    plex = PlexProvider(
        session,
        PlexHosts.under(cloud_url),
        account,
        PlexSettings(),
        state_dir=folder,
        backoff=0,
        clock=clock,
    )
    settings = PublicMetaDBSettings.from_options(
        {"api_key": KEY, "base_url": pmdb_url, "rate_limit": {"get_per_sec": 0, "post_per_sec": 0}}
    )
    publicmetadb = PublicMetaDBProvider(session, settings, Pacers(), folder, clock)
    publicmetadb._client._http.backoff = publicmetadb._client.second_look = 0.0
    return {Place.PLEX: plex, Place.PUBLICMETADB: publicmetadb}


def request_of(way: Way, features: tuple[Feature, ...], settings: PairSettings) -> RunRequest:
    """Return what the pair is asked to do."""
    return RunRequest(
        pair_id=PAIR,
        direction=way.direction,
        features=features,
        scope=Scope(pair_id=PAIR),
        trigger="faults",
        settings=settings,
        accounts={side: f"{place}-account" for side, place in way.sides.items()},
    )


class World:
    """Services, and one pair between them."""

    def __init__(self, folder: Path, count: int) -> None:
        """Keep the pair's state in the folder. Nothing runs yet."""
        self.clock = Clock()
        self.services = Services(count, self.clock)
        self.on_progress: Callable[[Progress], None] = lambda _progress: None
        self._folder = folder
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession
        self._state: State
        self._engine: Engine
        self._providers: dict[Place, Provider] = {}

    async def __aenter__(self) -> Self:
        """Start."""
        await self.services.start(self._stack)
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession())
        await self._open()
        self._stack.push_async_callback(self._close)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop everything."""
        await self._stack.aclose()

    async def _close(self) -> None:
        # whichever file is open by then
        await self._state.close()

    async def _open(self) -> None:
        self._state = await State.open(self._folder)
        self._engine = Engine(self._state, self.clock)
        self._providers = providers(
            self._session,
            self.services.account(),
            self.services.cloud.url,
            self.services.pmdb.url,
            self._folder,
            self.clock,
        )

    async def restart(self) -> None:
        """Begin anew with what is on disk, as after a restart of Home Assistant: no cache hides a fault."""
        await self._state.close()
        await self._open()

    async def run(
        self, way: Way, *features: Feature, later: float = MINUTE, settings: PairSettings | None = None
    ) -> RunReport:
        """Run the pair so many seconds later."""
        self.clock.now += later
        request = request_of(way, features, settings or PairSettings())
        sides = {side: self._providers[place] for side, place in way.sides.items()}
        return await self._engine.run(request, sides[Side.SOURCE], sides[Side.TARGET], self.on_progress)
