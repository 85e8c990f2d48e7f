"""The Plex Media Server simulator on the wire: state, play log, writes, moods."""

from typing import Any

from tests.simulators.plex import (
    OWNER,
    Clearing,
    Item,
    NonOwnerHistory,
    Play,
    PmsOptions,
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


# --- state by guid


async def test_state_follows_the_guid(plex: Plex) -> None:
    """A re-added item has its state under a new key, and the log points there."""
    film = item(plex, 1000)
    plex.pms.play(OWNER, film, NOON)
    plex.pms.rate(OWNER, film, 9.0)
    plex.pms.delete_item(film)
    (row,) = (await plex.server(HISTORY))["Metadata"]
    assert not row.keys() & {"key", "ratingKey", "guid"}
    assert (row["title"], row["librarySectionID"]) == ("Movie 0", "1")
    plex.pms.options.deleted_rows_have_empty_keys = True
    assert (await plex.server(HISTORY))["Metadata"][0]["ratingKey"] == ""
    again = plex.pms.readd_item(film)
    assert again.key != film.key
    assert await plex.keys(HISTORY) == [str(again.key)]
    state = (await plex.server(f"/library/metadata/{again.key}"))["Metadata"][0]
    assert (state["viewCount"], state["userRating"]) == (1, 9.0)


async def test_copies_share_state_by_guid(plex: Plex) -> None:
    """The same guid in two libraries is one state, another agent's guid is not."""
    ultra = plex.pms.add_section("Movies 4K", "movie")
    twin = plex.pms.add_movie(ultra, "Movie 0", guid=item(plex, 1000).guid)
    legacy = plex.pms.add_movie(ultra, "Movie 0", guid="com.plexapp.agents.imdb://tt1?lang=en")
    plex.pms.mark_watched(OWNER, item(plex, 1000))
    watched = await plex.keys("/library/all?type=1&viewCount>>=0")
    assert watched == ["1000", str(twin.key)]
    assert str(legacy.key) not in watched


async def test_reused_key(plex: Plex) -> None:
    """A key can come back as another item."""
    plex.pms.play(OWNER, item(plex, 1000), NOON)
    plex.pms.delete_item(item(plex, 1000))
    plex.pms.add_movie(plex.pms.state.sections[1], "Stranger", key=1000)
    row = (await plex.server("/library/metadata/1000"))["Metadata"][0]
    assert row["title"] == "Stranger"
    assert "viewCount" not in row


async def test_rollups(plex: Plex) -> None:
    """A show sums its leaves up, the special included; one mark covers them all."""
    await plex.server(f"/:/scrobble?{LEAF}&key=1005", method="PUT")
    (show,) = (await plex.server("/library/sections/2/all?type=2"))["Metadata"]
    assert (show["leafCount"], show["viewedLeafCount"], show["childCount"]) == (3, 3, 2)
    assert show["lastViewedAt"] == NOON
    season = (await plex.server("/library/metadata/1005/children"))["Metadata"][0]
    assert (season["index"], season["leafCount"]) == (0, 1)
    await plex.server(f"/:/unscrobble?{LEAF}&key={season['ratingKey']}", method="PUT")
    (show,) = (await plex.server("/library/sections/2/all?type=2"))["Metadata"]
    assert show["viewedLeafCount"] == 2


# --- play log


async def test_history_arguments(plex: Plex) -> None:
    """By account, date (both operators), library and item; other kinds and undated rows too."""
    pms = plex.pms
    for place, one in enumerate((item(plex, 1000), episode(plex, 0, 0), item(plex, 1000))):
        pms.play(OWNER, one, NOON + place)
    pms.play(plex.friend.id, item(plex, 1001), NOON + 9)
    special = str(episode(plex, 0, 0).key)
    assert await plex.keys(HISTORY) == ["1001", "1000", special, "1000"]
    assert await plex.keys(f"{HISTORY}&accountID=1") == ["1000", special, "1000"]
    assert await plex.keys(f"{HISTORY}&viewedAt>={NOON + 2}") == ["1001", "1000"]
    assert await plex.keys(f"{HISTORY}&viewedAt>>={NOON + 2}") == ["1001"]
    assert await plex.keys(f"{HISTORY}&librarySectionID=2") == [special]
    assert await plex.keys(f"{HISTORY}&metadataItemID=1005") == [special]
    assert await plex.keys("/status/sessions/history/all") == ["1000", special, "1000", "1001"]
    pms.state.log_play(OWNER, item(plex, 1002), None)
    pms.state.add_play(Play(900, OWNER, "plex://track/1", "track", 9, "Song", NOON - 1))
    rows = (await plex.server(HISTORY))["Metadata"]
    assert [row["type"] for row in rows[-2:]] == ["track", "movie"]
    assert "viewedAt" not in rows[-1]


async def test_episode_rows_of_the_log(plex: Plex) -> None:
    """No guid, no ids, no parentRatingKey; index 0 of season 0 is there."""
    plex.pms.play(OWNER, episode(plex, 0, 0), NOON)
    (row,) = (await plex.server(HISTORY))["Metadata"]
    assert (row["index"], row["parentIndex"], row["grandparentTitle"]) == (0, 0, "Show")
    assert row["grandparentKey"] == "/library/metadata/1005"
    forbidden = {"guid", "Guid", "year", "parentRatingKey", "grandparentRatingKey"}
    assert not row.keys() & forbidden


async def test_history_of_others(plex: Plex) -> None:
    """A friend sees own rows, everything or nothing, by the server's age."""
    plex.pms.play(OWNER, item(plex, 1000), NOON)
    plex.pms.play(plex.friend.id, item(plex, 1001), NOON)
    assert await plex.keys(HISTORY, user=plex.friend) == ["1001"]
    assert await plex.keys(f"{HISTORY}&accountID=1", user=plex.friend) == []
    plex.pms.options.non_owner_history = NonOwnerHistory.EVERYTHING
    assert len(await plex.keys(HISTORY, user=plex.friend)) == 2
    plex.pms.options = PmsOptions.old_pms()
    await plex.server(HISTORY, user=plex.friend, status=401)


async def test_deleting_a_play_keeps_the_mark(plex: Plex) -> None:
    """DELETE removes the row only."""
    play = plex.pms.play(OWNER, item(plex, 1000), NOON)
    assert play is not None
    path = f"/status/sessions/history/{play.id}"
    await plex.server(path, method="DELETE", user=plex.friend, status=403)
    await plex.server(path, method="DELETE")
    assert await plex.keys(HISTORY) == []
    assert plex.pms.user_state(OWNER, item(plex, 1000)).view_count == 1
    await plex.server(path, method="DELETE", status=404)


# --- writes


async def test_scrobble(plex: Plex) -> None:
    """No log row, now instead of the sent date; every switch the other way."""
    write = f"/:/scrobble?{LEAF}&key=1000&viewedAt=5"
    plex.pms.set_resume(OWNER, item(plex, 1000), 90_000)
    assert await plex.server(write, method="PUT") == ""
    state = plex.pms.user_state(OWNER, item(plex, 1000))
    assert (state.view_count, state.last_viewed_at, state.view_offset) == (1, NOON, 0)
    assert await plex.keys(HISTORY) == []
    plex.pms.options.scrobble_honours_viewed_at = True
    plex.pms.options.scrobble_writes_history = True
    await plex.server(write)
    assert state.view_count == 2
    assert (await plex.server(HISTORY))["Metadata"][0]["viewedAt"] == 5
    await plex.server(f"/:/scrobble?{LEAF}", status=400)
    await plex.server("/:/scrobble?key=1000", status=400)
    await plex.server("/:/scrobble?identifier=other&key=1000", status=404)
    await plex.server(f"/:/scrobble?{LEAF}&key=1", status=404)
    uri = "server://x/com.plexapp.plugins.library/library/metadata/1001"
    await plex.server(f"/:/scrobble?{LEAF}&uri={uri}")
    assert plex.pms.user_state(OWNER, item(plex, 1001)).view_count == 1


async def test_rating(plex: Plex) -> None:
    """Range, back-dating and what clears."""
    rate = f"/:/rate?{LEAF}&key=1000"
    await plex.server(f"{rate}&rating=6.9&ratedAt={NOON - 5}", method="PUT")
    row = (await plex.server("/library/metadata/1000"))["Metadata"][0]
    assert (row["userRating"], row["lastRatedAt"]) == (6.9, NOON - 5)
    for bad in ("11", "-2", "x", f"5&ratedAt={NOON + 1}"):
        await plex.server(f"{rate}&rating={bad}", method="PUT", status=400)
    for clearing, value, left in (
        (Clearing.IGNORE, 0, 6.9),
        (Clearing.STORE_ZERO, 0, 0.0),
        (Clearing.CLEAR, 0, None),
    ):
        plex.pms.options.rate_zero = clearing
        await plex.server(f"{rate}&rating={value}", method="PUT")
        assert plex.pms.user_state(OWNER, item(plex, 1000)).rating == left
    plex.pms.options.rate_minus_one = Clearing.REJECT
    await plex.server(f"{rate}&rating=-1", method="PUT", status=400)


def timeline(time: int, **more: Any) -> str:
    """A timeline call for movie 1000 of 100 minutes."""
    args = {"ratingKey": 1000, "state": "stopped", "time": time, "duration": 6_000_000} | more
    return "/:/timeline?" + "&".join(f"{k}={v}" for k, v in args.items() if v is not None)


async def test_timeline(plex: Plex) -> None:
    """Positions, the small one that vanishes, the threshold and calls that are ignored."""
    state = plex.pms.state.write(OWNER, item(plex, 1000).guid)
    assert await plex.server(timeline(600_000), method="POST") == {"size": 0}
    assert state.view_offset == 600_000
    await plex.server(timeline(700_000, duration=None), method="POST")
    no_client = {"X-Plex-Client-Identifier": ""}
    await plex.server(timeline(700_000), method="POST", headers=no_client)
    assert state.view_offset == 600_000
    await plex.server(timeline(59_000), method="POST")
    assert state.view_offset == 0
    await plex.server(timeline(5_399_999), method="POST")
    assert (state.view_offset, state.view_count) == (5_399_999, 0)
    for _time in range(2):
        await plex.server(timeline(5_400_000), method="POST")
        assert (state.view_offset, state.view_count) == (0, 1)
    assert len(await plex.keys(HISTORY)) == 1
    await plex.server(timeline(1, ratingKey=1), method="POST", status=404)
    await plex.server(timeline(1, state="nonsense"), method="POST", status=400)


async def test_timeline_switches(plex: Plex) -> None:
    """Each open question the other way."""
    options, state = plex.pms.options, plex.pms.state.write(OWNER, item(plex, 1000).guid)
    options.timeline_marks_watched = False
    await plex.server(timeline(5_900_000), method="POST")
    assert (state.view_count, state.view_offset) == (0, 5_900_000)
    options.timeline_marks_watched, options.timeline_writes_history = True, False
    await plex.server(timeline(5_900_000), method="POST")
    assert state.view_count == 1
    assert await plex.keys(HISTORY) == []
    options.timeline_counts_once, options.timeline_writes_history = False, True
    options.timeline_offline_backdates = True
    await plex.server(timeline(5_900_000, offline=1, updated=77), method="POST")
    assert state.view_count == 2
    assert (await plex.server(HISTORY))["Metadata"][0]["viewedAt"] == 77


async def test_playing_opens_a_session(plex: Plex) -> None:
    """Until it is stopped or times out."""
    await plex.server(timeline(600_000, state="playing"), method="POST")
    (row,) = (await plex.server("/status/sessions"))["Metadata"]
    assert (row["User"]["id"], row["Player"]["state"]) == ("1", "playing")
    await plex.server(timeline(600_000), method="POST")
    assert "Metadata" not in await plex.server("/status/sessions")
    await plex.server(timeline(600_000, state="paused"), method="POST")
    plex.clock.time += 301
    assert "Metadata" not in await plex.server("/status/sessions")


async def test_hubs_mix_offsets_with_next_episodes(plex: Plex) -> None:
    """On Deck is no list of resume points."""
    plex.pms.play(OWNER, episode(plex, 1, 1), NOON)
    plex.pms.set_resume(OWNER, item(plex, 1002), 90_000, NOON - 5)
    plex.pms.set_resume(OWNER, item(plex, 1003), 90_000, NOON - 200 * 86_400)
    keys = [str(episode(plex, 1, 2).key), "1002"]
    assert await plex.keys("/library/onDeck") == keys
    hub = (await plex.server("/hubs/continueWatching"))["Hub"][0]
    assert [row["ratingKey"] for row in hub["Metadata"]] == keys
    hide = "/actions/removeFromContinueWatching?ratingKey=1002"
    await plex.server(hide, method="PUT")
    assert await plex.keys("/hubs/continueWatching/items") == keys[:1]
    assert plex.pms.user_state(OWNER, item(plex, 1002)).view_offset == 90_000
    assert await plex.keys(f"{ALL}?type=1&viewOffset>>=0") == ["1002", "1003"]


# --- the server's moods


async def test_stale_reads(plex: Plex) -> None:
    """State and log as they were before the last N writes."""
    plex.pms.play(OWNER, item(plex, 1000), NOON)
    plex.pms.rate(OWNER, item(plex, 1001), 4.0)
    plex.pms.play(OWNER, item(plex, 1001), NOON + 1)
    plex.pms.options.stale_writes = 1
    assert await plex.keys(HISTORY) == ["1000"]
    row = (await plex.server("/library/metadata/1001"))["Metadata"][0]
    assert row["userRating"] == 4.0
    assert "viewCount" not in row
    assert await plex.keys(f"{ALL}?type=1&viewCount>>=0") == ["1000"]
    plex.pms.options.stale_writes = 2
    assert await plex.keys(f"{ALL}?type=1&userRating>>=0") == []
    plex.pms.options.stale_writes = 0
    assert await plex.keys(f"{ALL}?type=1&viewCount>>=0") == ["1000", "1001"]


async def test_revoked_token_is_noticed_late(plex: Plex) -> None:
    """A server that caches tokens."""
    plex.pms.options.caches_tokens = True
    token = plex.cloud.token(plex.owner)
    plex.cloud.revoke(token)
    await plex.call(f"{plex.cloud.url}/plex.tv/api/v2/user", token=token, status=401)
    await plex.call(f"{plex.pms.url}{ALL}", token=token)
    plex.pms.forget_tokens()
    await plex.call(f"{plex.pms.url}{ALL}", token=token, status=401)


async def test_date_header_is_the_servers_clock(plex: Plex) -> None:
    """Clock skew can be measured."""
    plex.clock.time = 0
    async with plex.session.get(f"{plex.pms.url}/identity") as answer:
        assert answer.headers["Date"] == "Thu, 01 Jan 1970 00:00:00 GMT"


async def test_tokens_in_the_query_are_seen(plex: Plex) -> None:
    """They work, and a test can assert that none came."""
    token = plex.cloud.server_token(plex.owner, plex.pms)
    await plex.server(ALL)
    assert plex.pms.tokens_in_query() == []
    await plex.call(f"{plex.pms.url}{ALL}?X-Plex-Token={token}")
    assert [r.path for r in plex.pms.tokens_in_query()] == [ALL]
