"""python-plexapi, a client nobody here wrote, reads from and writes to the Plex simulators."""

# mypy: disable-error-code="no-untyped-call"

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from plexapi.exceptions import BadRequest, NotFound, Unauthorized
from plexapi.myplex import MyPlexAccount, MyPlexPinLogin
from plexapi.server import PlexServer
import pytest
import requests
from requests.adapters import HTTPAdapter

from tests.simulators.library import Episode, Ids, Title
from tests.simulators.plex import (
    OWNER,
    Clearing,
    Item,
    NonOwnerHistory,
    PlexCloud,
    PlexMediaServer,
    PmsOptions,
    Section,
    User,
)

pytestmark = pytest.mark.usefixtures("socket_enabled")

NOON = 1_780_000_000


class CloudAdapter(HTTPAdapter):
    """Sends https://plex.tv/x to {base}/plex.tv/x, so that no request leaves this machine."""

    def __init__(self, base: str) -> None:
        """Rewrite to the cloud at `base`."""
        super().__init__()
        self.base = base

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send the request to the simulator."""
        assert request.url is not None
        parts = urlsplit(request.url)
        request.url = f"{self.base}/{parts.netloc}{request.url.split(parts.netloc, 1)[1] or '/'}"
        return super().send(request, *args, **kwargs)


@dataclass(slots=True)
class World:
    """A small Plex, and a way to run plexapi's blocking calls."""

    cloud: PlexCloud
    pms: PlexMediaServer
    owner: User
    movies: Section
    shows: Section
    film: Item
    other: Item
    show: Item
    pilot: Item
    special: Item
    executor: ThreadPoolExecutor

    async def run[T](self, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run in a thread, since plexapi blocks."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.executor, partial(call, *args, **kwargs))

    def session(self) -> requests.Session:
        """A session whose cloud requests go to the simulator."""
        session = requests.Session()
        session.mount("https://", CloudAdapter(self.cloud.url))
        return session

    def server(self, user: User | None = None) -> PlexServer:
        """plexapi's server object for a user (the owner)."""
        token = self.cloud.server_token(user or self.owner, self.pms)
        return PlexServer(self.pms.url, token, session=self.session())

    def account(self, user: User | None = None) -> MyPlexAccount:
        """plexapi's account object for a user (the owner)."""
        return MyPlexAccount(token=self.cloud.token(user or self.owner), session=self.session())


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Serve two movies and a show with a special, known to the server and to Discover."""
    cloud, pms = PlexCloud(), PlexMediaServer()
    owner = cloud.add_user("alex")
    cloud.add_server(pms, owner)
    movies, shows = pms.add_section("Movies", "movie"), pms.add_section("TV Shows", "show")
    first = cloud.add_movie("Quiet Kiln", "a" * 24, Ids("tt1179933", 603, 777), 1999)
    second = cloud.add_movie("Copper Canal", "b" * 24, Ids("tt1179934", 604, 778), 2016)
    series = cloud.add_title(
        Title(
            "show", "Some Show", 2020, "c" * 24, Ids("tt35670500", 1399, 121361), 2_500_000,
            "2020-01-01",
            (Episode(1, 1, "Pilot", "d" * 24, Ids("tt5", 5, 5), 2_500_000, "2020-01-01"),),
            ((1, "e" * 24),),
        )
    )  # fmt: skip
    film, other = (
        pms.add_movie(movies, one.title, guid=f"plex://movie/{one.plex_key}", ids=one.ids, year=one.year)
        for one in (first, second)
    )
    show = pms.add_show(shows, "Some Show", guid=f"plex://show/{series.plex_key}", ids=series.ids)
    pilot = pms.add_episode(show, 1, 1, "Pilot", ids=Ids("tt5", 5, 5), aired="2020-01-01")
    pms.add_episode(show, 1, 2, "Second")
    special = pms.add_episode(show, 0, 5, "Special")
    with ThreadPoolExecutor(2) as executor:
        async with cloud, pms:
            yield World(cloud, pms, owner, movies, shows, film, other, show, pilot, special, executor)


async def test_server_and_sections(world: World) -> None:
    """The server describes itself and its libraries."""

    def read() -> None:
        server = world.server()
        assert server.friendlyName == "Attic"
        assert server.machineIdentifier == world.pms.machine_identifier
        movies, shows = server.library.sections()
        assert (movies.title, movies.type, movies.key) == ("Movies", "movie", world.movies.id)
        assert shows.agent == "tv.plex.agents.series"
        assert shows.locations == ["/media/tv-shows"]
        assert movies.totalSize == 2

    await world.run(read)


async def test_listing_and_filters(world: World) -> None:
    """all() and search() agree with the state, filters and sorts are the server's."""
    world.pms.play(OWNER, world.film, NOON)
    world.pms.rate(OWNER, world.film, 8.0, NOON)
    world.pms.rate(OWNER, world.other, 3.0, NOON + 5)

    def read() -> None:
        section = world.server().library.section("Movies")
        titles = [m.title for m in section.all()]
        assert titles == ["Copper Canal", "Quiet Kiln"]
        film = section.get("Quiet Kiln")
        assert film.ratingKey == world.film.key
        assert {guid.id for guid in film.guids} == {"imdb://tt1179933", "tmdb://603", "tvdb://777"}
        assert (film.viewCount, film.userRating, film.year) == (1, 8.0, 1999)
        assert film.lastViewedAt == datetime.fromtimestamp(NOON)  # noqa: DTZ006 - plexapi is naive
        assert [m.title for m in section.search(unwatched=True)] == ["Copper Canal"]
        assert [m.title for m in section.search(unwatched=False)] == ["Quiet Kiln"]
        assert [m.title for m in section.search(filters={"userRating>>": 5})] == ["Quiet Kiln"]
        assert [m.title for m in section.search(filters={"viewCount>>": 0})] == ["Quiet Kiln"]
        assert [m.title for m in section.search(title="canal")] == ["Copper Canal"]
        assert [m.title for m in section.search(sort="lastRatedAt:desc")] == titles
        assert [m.title for m in section.search(sort="lastRatedAt:asc")] == titles[::-1]
        assert [m.title for m in section.search(guid="tmdb://603")] == ["Quiet Kiln"]
        either = {"or": [{"title": "Kiln"}, {"year": 2016}]}
        assert len(section.search(filters=either)) == 2

    await world.run(read)


async def test_every_page_is_read(world: World) -> None:
    """More rows than plexapi's page of 100 arrive completely and once."""
    for number in range(250):
        world.pms.add_movie(world.movies, f"Movie {number:03d}", ids=Ids(tmdb=9000 + number))

    def read() -> list[int]:
        return [m.ratingKey for m in world.server().library.section("Movies").all()]

    keys = await world.run(read)
    assert len(keys) == len(set(keys)) == 252
    pages = world.pms.requests("/library/sections/1/all")
    assert [r.headers["X-Plex-Container-Start"] for r in pages][-3:] == ["0", "100", "200"]


async def test_shows_down_to_specials(world: World) -> None:
    """Seasons, leaves and a special of season 0 are found by number."""
    world.pms.play(OWNER, world.pilot, NOON)

    def read() -> None:
        show = world.server().library.section("TV Shows").get("Some Show")
        assert (show.leafCount, show.viewedLeafCount, show.childCount) == (3, 1, 2)
        assert [s.index for s in show.seasons()] == [0, 1]
        assert [e.title for e in show.episodes()] == ["Special", "Pilot", "Second"]
        assert show.episode(season=0, episode=5).ratingKey == world.special.key
        assert [e.title for e in show.season(1).episodes()] == ["Pilot", "Second"]
        assert [e.title for e in show.watched()] == ["Pilot"]
        episode = show.episode(season=1, episode=1)
        assert episode.grandparentGuid == f"plex://show/{'c' * 24}"
        assert episode.originallyAvailableAt == datetime(2020, 1, 1)  # noqa: DTZ001 - naive
        section = world.server().library.section("TV Shows")
        assert len(section.searchEpisodes(filters={"episode.viewCount>>": 0})) == 1

    await world.run(read)


async def test_fetch_by_key_and_guid(world: World) -> None:
    """Single keys, batches with unknown keys and external ids."""

    def read() -> None:
        server = world.server()
        assert server.fetchItem(world.film.key).title == "Quiet Kiln"
        batch = server.fetchItems([world.film.key, 999_999, world.pilot.key])
        assert [one.title for one in batch] == ["Quiet Kiln", "Pilot"]
        with pytest.raises(NotFound):
            server.fetchItem(999_999)
        section = server.library.section("Movies")
        assert section.getGuid("tmdb://604").title == "Copper Canal"
        assert section.getGuid(f"plex://movie/{'a' * 24}").title == "Quiet Kiln"
        with pytest.raises(NotFound):
            section.getGuid("tmdb://1")

    await world.run(read)


async def test_history(world: World) -> None:
    """Newest first, by date, account, library and item; a deleted item has no source."""
    bo = world.cloud.add_friend(world.owner, "bo")
    world.cloud.share(world.pms, bo)
    doomed = world.pms.add_movie(world.movies, "Doomed")
    for place, item in enumerate((doomed, world.film, world.pilot)):
        world.pms.play(OWNER, item, NOON + place)
    world.pms.play(bo.id, world.special, NOON + 10)
    world.pms.delete_item(doomed)

    def read() -> None:
        server = world.server()
        rows = server.history()
        assert [r.title for r in rows] == ["Special", "Pilot", "Quiet Kiln", "Doomed"]
        assert [r.accountID for r in rows] == [bo.id, OWNER, OWNER, OWNER]
        assert [r.title for r in server.history(accountID=OWNER)] == [
            "Pilot", "Quiet Kiln", "Doomed",
        ]  # fmt: skip
        since = datetime.fromtimestamp(NOON + 1)  # noqa: DTZ006 - plexapi wants naive
        assert [r.title for r in server.history(mindate=since)] == [
            "Special", "Pilot", "Quiet Kiln",
        ]  # fmt: skip
        assert len(server.history(librarySectionID=world.shows.id)) == 2
        assert [r.title for r in server.history(ratingKey=world.show.key)] == ["Special", "Pilot"]
        assert rows[2].source().guid == world.film.guid
        assert rows[3].source() is None
        assert rows[1].grandparentTitle == "Some Show"
        rows[2].delete()
        assert [r.title for r in server.history(accountID=OWNER)] == ["Pilot", "Doomed"]

    await world.run(read)
    assert world.pms.user_state(OWNER, world.film).view_count == 1


async def test_marking_writes_no_play(world: World) -> None:
    """markPlayed raises viewCount at the server's now; the play log stays empty."""

    def write() -> None:
        server = world.server()
        film = server.fetchItem(world.film.key)
        film.markPlayed()
        film.reload()
        assert film.isPlayed
        assert film.viewCount == 1
        assert server.history() == []
        film.markUnplayed()
        film.reload()
        assert not film.isPlayed
        assert film.lastViewedAt is None
        show = server.library.section("TV Shows").get("Some Show")
        show.markPlayed()
        show.reload()
        assert show.isPlayed
        assert all(e.isPlayed for e in show.episodes())

    await world.run(write)


async def test_old_server_logs_marks(world: World) -> None:
    """With the switch for servers of 2022 a mark is a play too."""
    world.pms.options.scrobble_writes_history = True

    def write() -> None:
        server = world.server()
        server.fetchItem(world.film.key).markPlayed()
        assert [r.title for r in server.history()] == ["Quiet Kiln"]

    await world.run(write)


@pytest.mark.parametrize(("clearing", "left"), [(Clearing.CLEAR, None), (Clearing.STORE_ZERO, 0.0)])
async def test_rating(world: World, clearing: Clearing, left: float | None) -> None:
    """Rating, half stars, clearing by None (-1) both ways it may fall, range check."""
    world.pms.options.rate_minus_one = clearing

    def write() -> None:
        film = world.server().fetchItem(world.film.key)
        film.rate(7.5)
        film.reload()
        assert film.userRating == 7.5
        assert film.lastRatedAt is not None
        film.rate(None)
        film.reload()
        assert film.userRating == left
        with pytest.raises(BadRequest):
            film.rate(11)

    await world.run(write)


async def test_resume_and_threshold(world: World) -> None:
    """updateTimeline and updateProgress set a position; near the end it becomes a play."""

    def write() -> None:
        server = world.server()
        film = server.fetchItem(world.film.key)
        film.updateTimeline(1_800_000, state="stopped", duration=6_000_000)
        film.reload()
        assert film.viewOffset == 1_800_000
        assert not film.isPlayed
        assert [i.title for i in server.library.onDeck()] == ["Quiet Kiln"]
        assert [i.title for i in server.continueWatching()] == ["Quiet Kiln"]
        film.removeFromContinueWatching()
        assert server.continueWatching() == []
        film.updateProgress(2_400_000)
        film.reload()
        assert film.viewOffset == 2_400_000
        film.updateTimeline(5_500_000, state="stopped", duration=6_000_000)
        film.reload()
        assert (film.viewCount, film.viewOffset) == (1, 0)
        assert [r.title for r in server.history()] == ["Quiet Kiln"]
        assert len(server.library.section("Movies").search(inProgress=True)) == 0

    await world.run(write)


async def test_sessions_search_accounts(world: World) -> None:
    """What plays now, the hub search and the accounts."""
    world.cloud.share(world.pms, world.cloud.add_home_user(world.owner, "Kim", managed=True))
    world.pms.start_playback(OWNER, world.film, 60_000)

    def read() -> None:
        server = world.server()
        (playing,) = server.sessions()
        assert (playing.title, playing.viewOffset) == ("Quiet Kiln", 60_000)
        assert playing.usernames == ["alex"]
        assert [one.title for one in server.search("kiln", mediatype="movie")] == ["Quiet Kiln"]
        names = {a.id: a.name for a in server.systemAccounts()}
        assert names[OWNER] == "alex"
        assert "Kim" in names.values()
        assert len(server.systemDevices()) == 1

    await world.run(read)


async def test_account_and_resources(world: World) -> None:
    """The account, its server and the server's token; the local address really connects."""

    def read() -> None:
        account = world.account()
        assert (account.username, account.id) == ("alex", world.owner.id)
        assert account.subscriptionActive
        assert account.ping()
        assert not account.viewStateSync
        (resource,) = account.resources()
        assert resource.clientIdentifier == world.pms.machine_identifier
        assert resource.owned
        assert resource.accessToken == world.cloud.server_token(world.owner, world.pms)
        local = next(c for c in resource.connections if c.local)
        session = world.session()
        assert PlexServer(local.uri, resource.accessToken, session=session).library.sections()
        assert account.resource("Attic").name == "Attic"

    await world.run(read)


async def test_bad_token(world: World) -> None:
    """A bad token is Unauthorized everywhere."""

    def read() -> None:
        with pytest.raises(Unauthorized):
            MyPlexAccount(token="wrong", session=world.session())
        with pytest.raises(Unauthorized):
            PlexServer(world.pms.url, "wrong")

    await world.run(read)


async def test_pin_login(world: World) -> None:
    """A PIN is created, claimed in the browser and polled."""

    def create() -> MyPlexPinLogin:
        login = MyPlexPinLogin(session=world.session(), oauth=True)
        assert "app.plex.tv/auth/#!?" in login.oauthUrl()
        assert not login.checkLogin()
        return login

    login = await world.run(create)
    (pin,) = world.cloud.accounts.pins.values()
    assert len(pin.code) == 25
    world.cloud.claim_pin(pin.code, world.owner)
    assert await world.run(login.checkLogin)

    def use() -> None:
        account = MyPlexAccount(token=login.token, session=world.session())
        assert account.username == "alex"
        assert PlexServer(world.pms.url, login.token).friendlyName == "Attic"

    await world.run(use)


async def test_watchlist(world: World) -> None:
    """Read, add and remove; rows reload themselves from the metadata provider."""
    world.cloud.watchlist_add(world.owner, "c" * 24, NOON)

    def write() -> None:
        account, server = world.account(), world.server()
        assert [i.title for i in account.watchlist()] == ["Some Show"]
        film = server.fetchItem(world.film.key)
        assert not account.onWatchlist(film)
        film.addToWatchlist(account)
        assert account.onWatchlist(film)
        listed = account.watchlist(sort="watchlistedAt:desc")
        assert [(i.title, i.type) for i in listed] == [("Quiet Kiln", "movie"), ("Some Show", "show")]
        assert {g.id for g in account.watchlist(includeGuids=1)[0].guids} >= {"tmdb://603"}
        assert [i.title for i in account.watchlist(libtype="show")] == ["Some Show"]
        state = account.userState(listed[0])
        assert state.watchlistedAt is not None
        assert not state.viewState
        with pytest.raises(BadRequest):
            account.addToWatchlist(film)
        account.removeFromWatchlist(listed[0])
        assert [i.title for i in account.watchlist()] == ["Some Show"]
        show = account.watchlist()[0]
        assert [s.index for s in show.seasons()] == [1]

    await world.run(write)
    assert list(world.cloud.listed(world.owner)) == ["c" * 24]


async def test_long_watchlist(world: World) -> None:
    """More than one page of 100."""
    for number in range(150):
        title = world.cloud.add_movie(f"Film {number}", f"{number:024x}", Ids(tmdb=number + 1))
        world.cloud.watchlist_add(world.owner, title.plex_key, NOON + number)
    account = await world.run(world.account)
    listed = await world.run(account.watchlist)
    assert [i.title for i in listed] == [f"Film {number}" for number in reversed(range(150))]


async def test_search_discover(world: World) -> None:
    """Text search finds both kinds; the hits can go onto the list."""

    def read() -> None:
        account = world.account()
        (hit,) = account.searchDiscover("copper canal")
        assert (hit.title, hit.type) == ("Copper Canal", "movie")
        account.addToWatchlist(hit)
        assert account.searchDiscover("some", libtype="movie") == []
        assert [h.title for h in account.searchDiscover("some", libtype="show")] == ["Some Show"]

    await world.run(read)
    assert list(world.cloud.listed(world.owner)) == ["b" * 24]


async def test_home_user(world: World) -> None:
    """A home user is switched to by PIN and has a state, a list and rights of its own."""
    kid = world.cloud.add_home_user(world.owner, "Kim", managed=True, pin="1234")
    world.cloud.share(world.pms, kid, [world.movies.id])
    world.pms.play(OWNER, world.film, NOON)

    def use() -> None:
        account = world.account()
        assert [u.title for u in account.users()] == ["Kim"]
        with pytest.raises(Unauthorized):
            account.switchHomeUser("Kim", pin="0000")
        switched = account.switchHomeUser("Kim", pin="1234")
        assert (switched.id, switched.username) == (kid.id, "")
        assert switched.watchlist() == []
        (resource,) = switched.resources()
        assert not resource.owned
        server = PlexServer(world.pms.url, resource.accessToken)
        (section,) = server.library.sections()
        film = section.get("Quiet Kiln")
        assert not film.isPlayed
        film.markPlayed()
        film.updateTimeline(600_000, duration=6_000_000)
        with pytest.raises(Unauthorized):
            film.updateProgress(700_000)
        with pytest.raises(BadRequest):  # 403
            server.systemAccounts()
        assert server.history() == []

    await world.run(use)
    assert world.pms.user_state(kid.id, world.film).view_offset == 600_000
    assert world.pms.user_state(OWNER, world.film).view_offset == 0


async def test_old_server_shuts_friends_out_of_the_log(world: World) -> None:
    """A server of 2022 answers 401 where a current one shows own rows."""
    world.pms.options = PmsOptions.old_pms()
    assert world.pms.options.non_owner_history is NonOwnerHistory.DENIED
    bo = world.cloud.add_friend(world.owner, "bo")
    world.cloud.share(world.pms, bo)

    def read() -> None:
        server = world.server(bo)
        with pytest.raises(Unauthorized):
            server.history()
        assert len(server.library.sections()) == 2  # falls back from /library

    await world.run(read)
