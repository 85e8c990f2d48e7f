"""A small Plex to test the simulators on."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.simulators.library import Ids
from tests.simulators.plex import OWNER, PlexCloud, PlexMediaServer, User

NOON = 1_780_000_000


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    time: float = NOON

    def __call__(self) -> float:
        """The time."""
        return self.time


@dataclass(slots=True)
class Plex:
    """A server with an owner and a friend, a cloud, and a client that sends raw requests."""

    cloud: PlexCloud
    pms: PlexMediaServer
    owner: User
    friend: User
    clock: Clock
    session: aiohttp.ClientSession

    async def call(
        self,
        url: str,
        *,
        method: str = "GET",
        token: str | None = None,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Send, check the status, return parsed JSON or text."""
        sent = {"Accept": "application/json", "X-Plex-Client-Identifier": "client"}
        if token is not None:
            sent["X-Plex-Token"] = token
        sent.update(headers or {})
        async with self.session.request(method, url, headers=sent, **kwargs) as answer:
            assert answer.status == status, (url, answer.status, await answer.text())
            if answer.content_type == "application/json":
                return await answer.json()
            return await answer.text()

    async def server(self, path: str, *, user: User | None = None, **kwargs: Any) -> Any:
        """Call the server with a user's server token (the owner's); a MediaContainer is opened."""
        token = self.cloud.server_token(user or self.owner, self.pms)
        answer = await self.call(f"{self.pms.url}{path}", token=token, **kwargs)
        return answer["MediaContainer"] if isinstance(answer, dict) else answer

    async def keys(self, path: str, **kwargs: Any) -> list[str]:
        """The ratingKeys a listing has."""
        answer = await self.server(path, **kwargs)
        return [row["ratingKey"] for row in answer.get("Metadata", [])]

    async def web(self, host_path: str, *, user: User | None = None, **kwargs: Any) -> Any:
        """Call a cloud host with a user's account token (the owner's)."""
        token = self.cloud.token(user or self.owner)
        return await self.call(f"{self.cloud.url}/{host_path}", token=token, **kwargs)


@pytest.fixture
async def plex(socket_enabled: None) -> AsyncIterator[Plex]:
    """Movies 1000-1004 in section 1; a show, its seasons 0 and 1 and three episodes in 2."""
    del socket_enabled
    clock = Clock()
    cloud, pms = PlexCloud(clock=clock), PlexMediaServer(clock=clock)
    owner = cloud.add_user("alex")
    friend = cloud.add_friend(owner, "bo")
    cloud.add_server(pms, owner)
    movies, shows = pms.add_section("Movies", "movie"), pms.add_section("TV Shows", "show")
    for number in range(5):
        title = cloud.add_movie(f"Movie {number}", f"{number:024x}", Ids(tmdb=600 + number))
        pms.add_movie(movies, title.title, guid=f"plex://movie/{number:024x}", ids=title.ids)
    show = pms.add_show(shows, "Show", ids=Ids(tvdb=121361))
    pms.add_episode(show, 1, 1, ids=Ids(tmdb=51))
    pms.add_episode(show, 1, 2, ids=Ids(tmdb=52))
    pms.add_episode(show, 0, 0, ids=Ids(tmdb=50))
    cloud.share(pms, friend)
    assert cloud.account_id(owner, pms) == OWNER
    async with aiohttp.ClientSession() as session, cloud, pms:
        yield Plex(cloud, pms, owner, friend, clock, session)
