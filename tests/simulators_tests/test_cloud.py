"""The Plex cloud simulator on the wire: Discover, metadata provider, sign-in page, control API."""

from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from xml.etree import ElementTree as ET

import pytest

from tests.simulators.library import Episode, Ids, Title
from tests.simulators.plex import OWNER, CloudOptions, Oversize, PlexCloud

from .conftest import NOON, Plex

TV = "plex.tv/api/v2"
LIST = "discover.provider.plex.tv/library/sections/watchlist/all"
ADD = "discover.provider.plex.tv/actions/addToWatchlist?ratingKey="
REMOVE = "discover.provider.plex.tv/actions/removeFromWatchlist?ratingKey="
META = "metadata.provider.plex.tv/library/metadata"
NO_CLIENT = {"X-Plex-Client-Identifier": ""}
XML = {"Accept": "*/*"}


def key(number: int) -> str:
    """The ratingKey of a movie of the fixture."""
    return f"{number:024x}"


@pytest.fixture
def show(plex: Plex) -> Title:
    """A show with a special, on Discover only."""
    return plex.cloud.add_title(
        Title(
            kind="show",
            title="Some Show",
            year=2020,
            plex_key="c" * 24,
            ids=Ids("tt35670500", 601, 121361),  # 601 is a movie's tmdb number too
            duration=2_500_000,
            released="2020-01-01",
            episodes=tuple(
                Episode(season, number, f"E{number}", f"{season}{number:02d}" + "d" * 21,
                        Ids(tmdb=season * 100 + number), 2_500_000, "2020-01-01")
                for season, number in [(0, 1), *((1, n) for n in range(1, 26))]
            ),
            season_keys=((0, "0" + "e" * 23), (1, "1" + "e" * 23)),
        )
    )  # fmt: skip


# --- watchlist


def fill(cloud: PlexCloud, plex: Plex, count: int) -> None:
    """Put so many movies on the owner's list, the last one newest."""
    for number in range(count):
        cloud.add_movie(f"Film {number}", f"f{number:023x}", Ids(tmdb=5000 + number))
        assert cloud.watchlist_add(plex.owner, f"plex://movie/f{number:023x}", NOON + number)


async def test_watchlist_pages(plex: Plex) -> None:
    """20 by default, 100 at most, newest first, ids only when asked for."""
    fill(plex.cloud, plex, 130)
    first = (await plex.web(LIST))["MediaContainer"]
    assert (first["size"], first["totalSize"]) == (20, 130)
    assert first["librarySectionID"] == "watchlist"
    assert first["Metadata"][0]["title"] == "Film 129"
    assert "Guid" not in first["Metadata"][0]
    query = f"{LIST}?includeGuids=1&X-Plex-Container-Size=100&X-Plex-Container-Start=100"
    rest = (await plex.web(query))["MediaContainer"]
    assert [row["Guid"][0]["id"] for row in rest["Metadata"][-1:]] == ["tmdb://5000"]
    assert rest["size"] == 30
    await plex.web(f"{LIST}?X-Plex-Container-Size=101", status=400)
    for oversize, size in ((Oversize.CLAMP, 100), (Oversize.SERVE, 130)):
        plex.cloud.options.watchlist_oversize = oversize
        answer = await plex.web(f"{LIST}?X-Plex-Container-Size=300")
        assert answer["MediaContainer"]["size"] == size


async def test_watchlist_etag(plex: Plex) -> None:
    """304 while nothing changed."""
    fill(plex.cloud, plex, 2)

    async def ask(tag: str | None) -> tuple[int, str]:
        headers = {"X-Plex-Token": plex.cloud.token(plex.owner)}
        if tag:
            headers["If-None-Match"] = tag
        async with plex.session.get(f"{plex.cloud.url}/{LIST}", headers=headers) as answer:
            return answer.status, answer.headers.get("ETag", "")

    status, tag = await ask(None)
    assert (status, bool(tag)) == (200, True)
    assert await ask(tag) == (304, tag)
    plex.cloud.watchlist_remove(plex.owner, f"f{0:023x}")
    assert (await ask(tag))[0] == 200
    plex.cloud.options.watchlist_etag = False
    assert await ask(tag) == (200, "")


async def test_watchlist_writes(plex: Plex, show: Title) -> None:
    """Twice and absent are fine; unknown keys and seasons are 404 for both actions."""
    for _time in range(2):
        await plex.web(f"{ADD}{key(1)}", method="PUT")
    assert await plex.web(f"{ADD}{show.plex_key}", method="PUT") == {"MediaContainer": {"size": 0}}
    assert list(plex.cloud.listed(plex.owner)) == [key(1), show.plex_key]
    for action in (ADD, REMOVE):
        for wrong in ("9" * 24, show.season_keys[0][1]):
            await plex.web(f"{action}{wrong}", method="PUT", status=404)
    for _time in range(2):
        await plex.web(f"{REMOVE}{key(1)}", method="PUT")
    rows = (await plex.web(f"{LIST}?type=2"))["MediaContainer"]["Metadata"]
    assert [row["leafCount"] for row in rows] == [26]
    assert "Metadata" not in (await plex.web(f"{LIST}?type=1"))["MediaContainer"]
    assert "Metadata" not in (await plex.web(LIST, user=plex.friend))["MediaContainer"]
    await plex.web("metadata.provider.plex.tv/library/sections/watchlist/all", status=404)


async def test_stale_watchlist(plex: Plex) -> None:
    """As it was before the last N writes, removals and additions alike."""
    fill(plex.cloud, plex, 3)
    plex.cloud.watchlist_remove(plex.owner, f"f{1:023x}")
    for behind, numbers in ((0, [2, 0]), (1, [2, 1, 0]), (2, [1, 0]), (99, [])):
        plex.cloud.options.watchlist_stale_writes = behind
        rows = (await plex.web(LIST))["MediaContainer"].get("Metadata", [])
        assert [row["title"] for row in rows] == [f"Film {number}" for number in numbers]


async def test_watchlist_switches(plex: Plex, show: Title) -> None:
    """Shows without ids; userState in the rows; titles without ids."""
    plex.cloud.watchlist_add(plex.owner, show.plex_key, NOON)
    bare = plex.cloud.add_movie("Obscure", "9" * 24, Ids())
    plex.cloud.watchlist_add(plex.owner, bare.plex_key, NOON + 1)
    plex.cloud.options.watchlist_show_guids = False
    plex.cloud.options.watchlist_rows_have_user_state = True
    rows = (await plex.web(f"{LIST}?includeGuids=1"))["MediaContainer"]["Metadata"]
    assert all("Guid" not in row for row in rows)
    assert [row["UserState"]["watchlistedAt"] for row in rows] == [NOON + 1, NOON]


# --- matches, search, items


async def test_matches(plex: Plex, show: Title) -> None:
    """By id and kind; type is mandatory; rows in Metadata; the spellings."""
    ask = f"{META}/matches?includeGuids=1"

    async def found(query: str, host: str = ask) -> list[str]:
        answer = (await plex.web(f"{host}&{query}"))["MediaContainer"]
        assert "SearchResults" not in answer
        return [row["ratingKey"] for row in answer.get("Metadata", [])]

    assert await found("type=1&guid=tmdb://601") == [key(1)]
    assert await found("type=2&guid=tmdb://601") == [show.plex_key]
    assert await found("type=2&guid=com.plexapp.agents.thetvdb://121361?lang=en") == [show.plex_key]
    assert await found("type=2&title=imdb-tt35670500") == [show.plex_key]
    assert await found("type=4&guid=tmdb://101") == [show.episodes[1].plex_key]
    assert await found("type=1&guid=tmdb://9") == []
    assert await found(f"type=1&guid=plex://movie/{key(1)}&title=Movie 1") == [key(1)]
    discover = "discover.provider.plex.tv/library/metadata/matches?x=1"
    assert await found("type=1&guid=tmdb://602", discover) == [key(2)]
    for bad in ("guid=tmdb://601", "type=movie&guid=tmdb://601", "type=1",
                f"type=1&guid=plex://movie/{key(1)}"):  # fmt: skip
        await plex.web(f"{ask}&{bad}", status=400)
    plex.cloud.options.matches_miss_status = 404
    await plex.web(f"{ask}&type=1&guid=tmdb://9", status=404)
    plex.cloud.options.matches_needs_title_always = True
    await plex.web(f"{ask}&type=1&guid=tmdb://601", status=400)


async def test_search(plex: Plex) -> None:
    """Results have no Guid; searchProviders is mandatory."""
    ask = "discover.provider.plex.tv/library/search?query=movie 3&limit=30"
    refused = await plex.web(ask, status=400)
    assert "searchProviders" in refused["errors"][0]["message"]
    found = await plex.web(f"{ask}&searchTypes=movies,tv&searchProviders=discover&includeGuids=1")
    buckets = {one["id"]: one for one in found["MediaContainer"]["SearchResults"]}
    (hit,) = buckets["external"]["SearchResult"]
    assert hit["Metadata"]["ratingKey"] == key(3)
    assert "Guid" not in hit["Metadata"]


async def test_items(plex: Plex, show: Title) -> None:
    """Ids when asked for, children 20 a page, retired entries, batches by switch."""
    row = (await plex.web(f"{META}/{key(0)}?includeGuids=1"))["MediaContainer"]["Metadata"][0]
    assert row["Guid"] == [{"id": "tmdb://600"}]
    batch = f"{META}/{key(0)},{key(1)}"
    await plex.web(batch, status=404)
    plex.cloud.options.metadata_batches = True
    assert (await plex.web(batch))["MediaContainer"]["size"] == 2
    below = (await plex.web(f"{META}/{show.plex_key}/children"))["MediaContainer"]["Metadata"]
    assert [row["index"] for row in below] == [0, 1]
    season = (await plex.web(f"{META}/{below[1]['ratingKey']}/children"))["MediaContainer"]
    assert (season["size"], season["totalSize"]) == (20, 25)
    leaves = await plex.web(f"{META}/{show.plex_key}/grandchildren?includeGuids=1")
    first = leaves["MediaContainer"]["Metadata"][0]
    assert (first["parentIndex"], first["Guid"]) == (0, [{"id": "tmdb://1"}])
    plex.cloud.catalogue.retire(key(0))
    await plex.web(f"{META}/{key(0)}", status=404)
    await plex.web(f"metadata.provider.plex.tv/:/rate?key={key(1)}&rating=5", status=404)


async def test_user_state(plex: Plex) -> None:
    """watchlistedAt only while listed; an object or a list of one."""
    ask = f"{META}/{key(0)}/userState"
    state = (await plex.web(ask))["MediaContainer"]["UserState"]
    assert "watchlistedAt" not in state
    plex.cloud.watchlist_add(plex.owner, key(0), NOON - 7)
    await plex.web(f"metadata.provider.plex.tv/actions/scrobble?key={key(0)}")
    plex.cloud.options.user_state_is_list = True
    (state,) = (await plex.web(ask))["MediaContainer"]["UserState"]
    assert (state["watchlistedAt"], state["viewState"]) == (NOON - 7, "complete")
    root = ET.fromstring(await plex.web(ask, headers=XML))  # noqa: S314
    assert root[0].tag == "UserState"


# --- limits, the page, the control API


def _none(value: str | None, _now: float) -> bool:
    return value is None


def _seconds(value: str | None, _now: float) -> bool:
    return value is not None and 1 <= int(value) <= 62


def _date(value: str | None, now: float) -> bool:
    return value is not None and 0 < parsedate_to_datetime(value).timestamp() - now <= 62


@pytest.mark.parametrize(("form", "valid"), [(None, _none), ("seconds", _seconds), ("date", _date)])
async def test_budget(
    plex: Plex,
    form: Literal["seconds", "date"] | None,
    valid: Callable[[str | None, float], bool],
) -> None:
    """So many requests per window and host, then 429 with Retry-After in either form or without."""
    plex.cloud.limit(2, 60, "/discover*", retry_after=form)
    for _time in range(2):
        await plex.web(LIST)
    token = {"X-Plex-Token": plex.cloud.token(plex.owner)}
    async with plex.session.get(f"{plex.cloud.url}/{LIST}", headers=token) as answer:
        assert answer.status == 429
        assert valid(answer.headers.get("Retry-After"), plex.clock.time)
    await plex.web(f"{TV}/user")
    plex.cloud.heal()
    await plex.web(LIST)


async def test_sign_in_page(plex: Plex) -> None:
    """Users with an account of their own can be chosen; the page reads the fragment."""
    plex.cloud.add_home_user(plex.owner, "Kim", managed=True)
    page = await plex.call(f"{plex.cloud.url}/app.plex.tv/auth")
    assert ">Allow<" in page
    assert "location.hash" in page
    assert page.count('type="radio"') == 2


async def test_control(plex: Plex) -> None:
    """Plays, watchlist and request counts; faults and budgets spare it."""
    base = f"{plex.cloud.url}/_simulator"

    async def post(path: str, **body: Any) -> Any:
        return await plex.call(f"{base}/{path}", method="POST", json=body)

    await plex.web(LIST)
    await plex.server("/library/sections")
    assert await plex.call(f"{base}/requests") == {"plex": 2}
    plex.cloud.inject("*", status=503, times=None)
    plex.cloud.limit(0, 60)
    assert await plex.call(f"{base}/requests", method="DELETE") == {"plex": 0}
    played = await post("plays", user="alex")
    assert played["rating_key"] == "1000"
    assert plex.pms.user_state(OWNER, plex.pms.state.items[1000]).view_count == 1
    assert (await post("plays", rating_key=1003, at=5))["at"] == 5
    added = await post("watchlist", action="add")
    assert added["title"] == "Movie 0"
    (listed,) = await plex.call(f"{base}/watchlist")
    assert listed["key"] == added["key"]
    await post("watchlist", action="remove", key=added["key"])
    assert plex.cloud.listed(plex.owner) == {}
    await plex.call(f"{base}/plays", method="POST", json={"user": "nobody"}, status=404)


def test_options_are_independent() -> None:
    """Two clouds do not share their switches."""
    one, other = PlexCloud(), PlexCloud()
    one.options.watchlist_max_size = 1
    assert other.options == CloudOptions()
