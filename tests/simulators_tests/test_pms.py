"""The Plex Media Server simulator on the wire: form, listings, rights."""

from xml.etree import ElementTree as ET

import pytest
from yarl import URL

from tests.simulators.plex import (
    OWNER,
    Flaw,
    Item,
)

from .conftest import NOON, Plex

LEAF = "identifier=com.plexapp.plugins.library"
ALL = "/library/sections/1/all"
EPISODES = "/library/sections/2/all?type=4"
HISTORY = "/status/sessions/history/all?sort=viewedAt:desc"


def item(plex: Plex, key: int) -> Item:
    """An item by ratingKey."""
    return plex.pms.state.items[key]


def episode(plex: Plex, season: int, number: int) -> Item:
    """An episode by its numbers."""
    return next(
        i
        for i in plex.pms.state.items.values()
        if i.kind == "episode" and i.parent and (i.parent.index, i.index) == (season, number)
    )


# --- form and errors


async def test_xml_is_the_default(plex: Plex) -> None:
    """JSON only when Accept names it first; both say the same."""
    for accept in ("*/*", "text/xml, application/json"):
        text = await plex.server(f"{ALL}?includeGuids=1", headers={"Accept": accept})
        root = ET.fromstring(text)  # noqa: S314 - our own server
        assert [video.tag for video in root] == ["Video"] * 5
        assert [guid.get("id") for guid in root[0].iter("Guid")] == ["tmdb://600"]
    data = await plex.server(f"{ALL}?includeGuids=1")
    row = data["Metadata"][0]
    assert (row["ratingKey"], row["Guid"]) == ("1000", [{"id": "tmdb://600"}])
    assert data["librarySectionID"] == 1


async def test_errors_are_html(plex: Plex) -> None:
    """Bad tokens are 401, unknown keys and paths 404, with a small HTML page."""
    for path, token, status in (
        (ALL, "wrong", 401),
        (ALL, None, 401),
        ("/library/metadata/1", plex.cloud.server_token(plex.owner, plex.pms), 404),
        ("/nowhere", plex.cloud.server_token(plex.owner, plex.pms), 404),
    ):
        text = await plex.call(f"{plex.pms.url}{path}", token=token, status=status)
        assert text.startswith("<html>")
    assert await plex.call(f"{plex.pms.url}/identity", token=None)


async def test_unseen_items_have_no_state_keys(plex: Plex) -> None:
    """Absent, not 0; and a half-watched item has a date but no viewCount."""
    plex.pms.set_resume(OWNER, item(plex, 1001), 90_000, NOON)
    first, second, *_rest = (await plex.server(ALL))["Metadata"]
    assert not first.keys() & {"viewCount", "viewOffset", "lastViewedAt", "userRating", "Guid"}
    assert (second["viewOffset"], second["lastViewedAt"]) == (90_000, NOON)
    assert "viewCount" not in second


# --- paging


async def test_paging_by_query_and_header(plex: Plex) -> None:
    """Both ways of asking, the answer's headers, Size=0 and limit."""
    data = await plex.server(f"{ALL}?X-Plex-Container-Start=3&X-Plex-Container-Size=2")
    assert (data["size"], data["totalSize"], data["offset"]) == (2, 5, 3)
    paging = {"X-Plex-Container-Start": "3", "X-Plex-Container-Size": "2"}
    assert await plex.keys(ALL, headers=paging) == ["1003", "1004"]
    counted = await plex.server(f"{ALL}?X-Plex-Container-Size=0")
    assert counted["totalSize"] == 5
    assert "Metadata" not in counted
    capped = await plex.server(f"{ALL}?limit=3&X-Plex-Container-Size=2")
    assert (capped["size"], capped["totalSize"]) == (2, 3)
    whole = await plex.server(ALL)
    assert whole["size"] == 5
    assert "totalSize" not in whole
    plex.pms.options.max_container_size = 2
    assert await plex.keys(f"{ALL}?X-Plex-Container-Size=4") == ["1000", "1001"]


@pytest.mark.parametrize(
    ("flaw", "amount", "total", "keys"),
    [
        (Flaw.EMPTY, 1, 0, []),
        (Flaw.EMPTY_PAGE, 1, 5, []),
        (Flaw.TOTAL_OFF, 2, 7, [1002, 1003]),
        (Flaw.TOTAL_MISSING, 1, None, [1002, 1003]),
        (Flaw.CUT, 3, 5, [1002]),
        (Flaw.CUT_QUIETLY, 3, 3, [1002]),
        (Flaw.SHORT_PAGE, 1, 5, [1002]),
        (Flaw.REPEAT, 1, 5, [1000, 1001]),
        (Flaw.SHIFT_IN, 1, 6, [1001, 1002]),
        (Flaw.SHIFT_OUT, 1, 4, [1003, 1004]),
    ],
)
async def test_flawed_second_page(
    plex: Plex, flaw: Flaw, amount: int, total: int | None, keys: list[int]
) -> None:
    """Each way a listing can lie, from the second page on."""
    plex.pms.spoil(ALL, flaw, amount, first=2)
    assert await plex.keys(f"{ALL}?X-Plex-Container-Size=2") == ["1000", "1001"]
    data = await plex.server(f"{ALL}?X-Plex-Container-Start=2&X-Plex-Container-Size=2")
    assert data.get("totalSize") == total
    assert [int(row["ratingKey"]) for row in data.get("Metadata", [])] == keys
    plex.pms.heal()
    assert len(await plex.keys(ALL)) == 5


# --- filters


async def test_operators_raw_and_encoded(plex: Plex) -> None:
    """The operator is the tail of the key, in both spellings."""
    plex.pms.rate(OWNER, item(plex, 1001), 8.0)
    plex.pms.rate(OWNER, item(plex, 1002), 3.0)
    for query, keys in (
        ("userRating>>=5", ["1001"]),
        ("userRating%3E%3E=0", ["1001", "1002"]),
        ("userRating<<=8", ["1002"]),
        ("userRating>=8", ["1001"]),
        ("userRating<=3", ["1002"]),
        ("userRating=8,3", ["1001", "1002"]),
        ("title==Movie 3".replace(" ", "%20"), ["1003"]),
        ("title=ovie", ["1000", "1001", "1002", "1003", "1004"]),
        ("title!=ovie", []),
        ("push=1&userRating=8&or=1&title%3D=Movie%204&pop=1", ["1001", "1004"]),
        ("guid=tmdb://602", ["1002"]),
        (f"guid=plex://movie/{2:024x}", ["1002"]),
        ("unknownThing=7", ["1000", "1001", "1002", "1003", "1004"]),
    ):
        url = URL(f"{plex.pms.url}{ALL}?type=1&{query}", encoded=True)
        token = plex.cloud.server_token(plex.owner, plex.pms)
        data = await plex.call(url, token=token)  # type: ignore[arg-type]
        rows = data["MediaContainer"].get("Metadata", [])
        assert [row["ratingKey"] for row in rows] == keys, query
    await plex.server(f"{ALL}?type=99", status=400)
    await plex.server(f"{ALL}?type=1&pop=1", status=400)
    plex.pms.options.filter_needs_type = True
    await plex.server(f"{ALL}?viewCount>>=0", status=400)


async def test_delta_by_date_and_sort(plex: Plex) -> None:
    """lastViewedAt deltas are strict with >>; missing dates come last when descending."""
    for place, key in enumerate((1003, 1001, 1002)):
        plex.pms.play(OWNER, item(plex, key), NOON + place)
    since = f"{ALL}?type=1&lastViewedAt>>={NOON}"
    assert await plex.keys(since) == ["1001", "1002"]
    ordered = ["1002", "1001", "1003", "1000", "1004"]
    assert await plex.keys(f"{ALL}?type=1&sort=lastViewedAt:desc") == ordered
    rising = ["1003", "1001", "1002", "1000", "1004"]
    assert await plex.keys(f"{ALL}?type=1&sort=lastViewedAt:nullsLast") == rising
    assert await plex.keys(f"{ALL}?type=1&unwatched=1") == ["1000", "1004"]
    assert await plex.keys(f"{ALL}?type=1&lastViewedAt>>=-30d") == ["1001", "1002", "1003"]
    plex.clock.time = NOON + 31 * 86_400
    assert await plex.keys(f"{ALL}?type=1&lastViewedAt>>=-30d") == []


async def test_episode_filters_on_older_servers(plex: Plex) -> None:
    """Only the scoped form is reliable there; a show matches through any of its episodes."""
    pilot = episode(plex, 1, 1)
    plex.pms.play(OWNER, pilot, NOON)
    assert await plex.keys(f"{EPISODES}&viewCount>>=0") == [str(pilot.key)]
    plex.pms.options.unscoped_episode_filters_work = False
    assert await plex.keys(f"{EPISODES}&viewCount>>=0") == []
    assert await plex.keys(f"{EPISODES}&episode.viewCount>>=0") == [str(pilot.key)]
    assert await plex.keys("/library/sections/2/all?type=2&episode.viewCount>>=0") == ["1005"]
    assert len(await plex.keys(f"{EPISODES}&show.title=Show")) == 3


async def test_trimming(plex: Plex) -> None:
    """Excluded elements and fields go; Guid stays unless the switch says otherwise."""
    query = f"{ALL}?includeGuids=1&excludeElements=Media,Guid&excludeFields=summary,addedAt"
    row = (await plex.server(query))["Metadata"][0]
    assert not row.keys() & {"Media", "summary", "addedAt"}
    assert row.keys() >= {"Guid", "Role", "title"}
    plex.pms.options.exclude_elements_drops_guids = True
    assert "Guid" not in (await plex.server(query))["Metadata"][0]


async def test_metadata_batches(plex: Plex) -> None:
    """Unknown keys are left out; single answers carry Guid by themselves."""
    assert await plex.keys("/library/metadata/1000,999,1003") == ["1000", "1003"]
    await plex.server("/library/metadata/998,999", status=404)
    plex.pms.options.unknown_batch_status = 200
    assert await plex.keys("/library/metadata/998,999") == []
    single = (await plex.server("/library/metadata/1000"))["Metadata"][0]
    assert (single["Guid"], single["librarySectionID"]) == ([{"id": "tmdb://600"}], 1)
    batch = (await plex.server("/library/metadata/1000,1001"))["Metadata"][0]
    assert "Guid" not in batch
    plex.pms.options.max_batch = 1
    await plex.server("/library/metadata/1000,1001", status=400)


async def test_meta_lists_the_filters(plex: Plex) -> None:
    """A client can learn that episode.viewCount is supported."""
    query = "/library/sections/2/all?type=4&includeMeta=1&includeAdvanced=1&X-Plex-Container-Size=0"
    meta = (await plex.server(query))["Meta"]
    active = next(one for one in meta["Type"] if one["active"])
    assert active["type"] == "episode"
    assert "episode.viewCount" in {field["key"] for field in active["Field"]}
    integers = next(one for one in meta["FieldType"] if one["type"] == "integer")
    assert ">>=" in {operator["key"] for operator in integers["Operator"]}


async def test_content_counter_and_refreshing(plex: Plex) -> None:
    """contentChangedAt moves with content, not with state."""
    before = (await plex.server("/library/sections"))["Directory"][0]
    plex.pms.play(OWNER, item(plex, 1000))
    assert (await plex.server("/library/sections"))["Directory"][0] == before
    section = plex.pms.state.sections[1]
    section.refreshing = True
    plex.pms.add_movie(section, "New")
    after = (await plex.server("/library/sections"))["Directory"][0]
    assert after["contentChangedAt"] > before["contentChangedAt"]
    assert after["refreshing"] is True
    assert after["key"] == "1"


# --- rights


async def test_rights_matrix(plex: Plex) -> None:
    """What only the owner may (1.8)."""
    for path, status in (
        ("/library", 403),
        ("/accounts", 403),
        ("/devices", 403),
        ("/status/sessions", 403),
        ("/:/prefs", 403),
        (f"/:/progress?{LEAF}&key=1000&time=90000", 401),
    ):
        await plex.server(path)
        await plex.server(path, user=plex.friend, status=status)
    plex.pms.options.denied_status = 401
    await plex.server("/accounts", user=plex.friend, status=401)
    for path in (
        f"/:/scrobble?{LEAF}&key=1000",
        f"/:/rate?{LEAF}&key=1000&rating=7",
        "/library/sections",
    ):
        await plex.server(path, user=plex.friend)
    assert plex.pms.user_state(OWNER, item(plex, 1000)).rating is None
    assert plex.pms.user_state(plex.friend.id, item(plex, 1000)).rating == 7


async def test_shared_sections_only(plex: Plex) -> None:
    """What is not shared does not exist."""
    kid = plex.cloud.add_home_user(plex.owner, "Kim", managed=True)
    plex.cloud.share(plex.pms, kid, [2])
    sections = await plex.server("/library/sections", user=kid)
    assert [one["key"] for one in sections["Directory"]] == ["2"]
    for path in (ALL, "/library/metadata/1000", f"/:/scrobble?{LEAF}&key=1000"):
        await plex.server(path, user=kid, status=404)


async def test_accounts_are_paged(plex: Plex) -> None:
    """Owner 1, local 0, others by their plex.tv id."""
    data = await plex.server("/accounts?X-Plex-Container-Size=2")
    assert (data["size"], data["totalSize"]) == (2, 3)
    assert [(one["id"], one["name"]) for one in data["Account"]] == [(0, ""), (1, "alex")]
