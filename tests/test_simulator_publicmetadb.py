"""The PublicMetaDB simulator does what the API reference says, and each switch switches."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
import math
import re
from typing import Any

import aiohttp
import orjson
import pytest
from yarl import URL

from .simulators.base import When
from .simulators.publicmetadb import (
    API,
    CompletedPlay,
    DateStyle,
    Duplicate,
    Envelope,
    Fraction,
    Kind,
    ListReference,
    ManualClock,
    MovieNumbers,
    NumberStyle,
    Order,
    Ownership,
    PublicMetaDBSimulator,
    RetryAfter,
    User,
)

pytestmark = pytest.mark.usefixtures("socket_enabled")

ALICE, BOB = "pm-alice", "pm-bob"
MOVIE: dict[str, Any] = {"tmdb_id": 550, "media_type": "movie"}
EPISODE: dict[str, Any] = {"tmdb_id": 1399, "media_type": "tv", "season": 1, "episode": 5}
SPECIAL: dict[str, Any] = {**EPISODE, "season": 0, "episode": 0}
RATING = {**MOVIE, "score": 80, "label": "Overall"}
EPISODE_RATING = {**EPISODE, "score": 90, "label": "Overall"}
RUNTIME = 1_000_000
POINT = {**MOVIE, "position_ms": 500_000, "runtime_ms": RUNTIME}
PLAYED = "2026-01-02T20:15:00Z"
PLAYED_AT = 1_767_384_900
NOT_OWNER = {"error": "Access denied - you can only delete your own data"}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `body` is None when it is empty."""

    status: int
    body: Any
    headers: dict[str, str]


class Api:
    """A plain HTTP client; the path is below /api/external, the key may be any header value."""

    def __init__(self, sim: PublicMetaDBSimulator, session: aiohttp.ClientSession) -> None:
        """Talk to the simulator through the session."""
        self.sim = sim
        self.session = session

    async def __call__(
        self, method: str, path: str, body: object = None, *, key: str | None = ALICE
    ) -> Answer:
        """Send a request; a `body` of bytes goes as it is."""
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        url = self.sim.url + API + path
        async with self.session.request(method, url, data=data, headers=headers) as response:
            content = await response.read()
            is_json = response.content_type == "application/json"
            return Answer(
                response.status,
                orjson.loads(content) if content and is_json else content.decode() or None,
                dict(response.headers),
            )

    async def get(self, path: str, *, key: str = ALICE) -> Any:
        """Return the body of a GET that succeeds."""
        answer = await self("GET", path, key=key)
        assert answer.status == 200, answer
        return answer.body

    async def post(self, path: str, body: object, status: int = 201) -> Any:
        """Return the body of a POST that answers this status."""
        answer = await self("POST", path, body)
        assert answer.status == status, answer
        return answer.body


@pytest.fixture
def clock() -> ManualClock:
    """Stand still at 2026-03-01 10:00:00 UTC."""
    return ManualClock()


@pytest.fixture
async def sim(clock: ManualClock) -> AsyncGenerator[PublicMetaDBSimulator]:
    """Run a server with two users."""
    simulator = PublicMetaDBSimulator(clock=clock)
    simulator.add_user(ALICE, "alice")
    simulator.add_user(BOB, "bob")
    async with simulator:
        yield simulator


@pytest.fixture
async def api(sim: PublicMetaDBSimulator) -> AsyncGenerator[Api]:
    """Connect to it."""
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Api(sim, session)


@pytest.fixture
def alice(sim: PublicMetaDBSimulator) -> User:
    """Return the user whose key is used."""
    return sim.user(ALICE)


@pytest.fixture
def bob(sim: PublicMetaDBSimulator) -> User:
    """Return the other user."""
    return sim.user(BOB)


# --- keys, envelope, errors (12.1.1 to 12.1.5, 12.1.9) ---------------------------------------


@pytest.mark.parametrize("key", [None, "", "pm-unknown", "pm-alice2"])
async def test_a_wrong_key_is_a_401(api: Api, key: str | None) -> None:
    """12.1.1."""
    answer = await api("GET", "/lists", key=key)
    assert (answer.status, answer.body) == (401, {"error": "Invalid API key"})


async def test_another_scheme_is_a_401_and_bearer_has_no_case(api: Api) -> None:
    """12.1.1; header names are the HTTP server's business."""
    for header, status in (("Basic pm-alice", 401), ("bearer pm-alice", 200)):
        async with api.session.get(f"{api.sim.url}{API}/lists", headers={"authorization": header}) as r:
            assert r.status == status


async def test_a_changed_key(api: Api, alice: User) -> None:
    """The account keeps its rows."""
    alice.add_watched(tmdb_id=550, watched_at=None)
    api.sim.change_key(ALICE, "pm-new")
    assert (await api("GET", "/watched")).status == 401
    assert (await api.get("/watched", key="pm-new"))["total"] == 1


async def test_pages(api: Api, alice: User) -> None:
    """12.1.3: the envelope, the default page size, the cap and a page past the end."""
    for number in range(61):
        alice.add_watched(tmdb_id=number + 1, watched_at=number)
    first = await api.get("/watched")
    assert {n: v for n, v in first.items() if n != "items"} == {
        "total": 61,
        "page": 1,
        "perPage": 30,
        "totalPages": 3,
    }
    last = await api.get("/watched?page=3")
    assert (len(first["items"]), len(last["items"]), last["page"]) == (30, 1, 3)
    past = await api.get("/watched?page=4")
    assert (past["items"], past["total"], past["totalPages"]) == ([], 61, 3)
    assert (await api.get("/watched?perPage=501"))["perPage"] == 500
    assert (await api.get("/watched?page=0&perPage=0"))["perPage"] == 30
    assert (await api.get("/watched?page=x&perPage=61"))["totalPages"] == 1
    api.sim.settings.max_per_page = 20
    assert len((await api.get("/watched?perPage=500"))["items"]) == 20
    ids = [
        row["id"]
        for page in (1, 2, 3, 4)
        for row in (await api.get(f"/watched?page={page}&perPage=20"))["items"]
    ]
    assert sorted(ids) == sorted(row.id for row in alice.watched())


async def test_an_empty_collection(api: Api) -> None:
    """3.0: totalPages is 0 when there is nothing."""
    assert await api.get("/resume") == {"items": [], "total": 0, "page": 1, "perPage": 30, "totalPages": 0}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/watched", {**MOVIE, "media_type": "show"}),
        ("/watched", {"media_type": "movie"}),
        ("/watched", {**MOVIE, "tmdb_id": "550"}),
        ("/watched", {**MOVIE, "tmdb_id": True}),
        ("/watched", {**MOVIE, "tmdb_id": 0}),
        ("/watched", {"tmdb_id": 1399, "media_type": "tv"}),
        ("/watched", {"tmdb_id": 1399, "media_type": "tv", "season": 1}),
        ("/watched", {**EPISODE, "season": -1}),
        ("/watched", {**MOVIE, "watched_at": "yesterday"}),
        ("/watched", {**MOVIE, "watched_at": 1767384900}),
        ("/watched", b"{"),
        ("/watched", []),
        ("/lists", {}),
        ("/lists", {"name": " "}),
        ("/lists", {"name": "A", "type": "list"}),
        ("/ratings", {**RATING, "score": 101}),
        ("/ratings", {**RATING, "score": -1}),
        ("/ratings", {**RATING, "score": "80"}),
        ("/ratings", {**MOVIE, "label": "Overall"}),
        ("/ratings", {**MOVIE, "score": 80}),
        ("/ratings", {**RATING, "media_type": "episode"}),
        ("/episode-ratings", RATING),
        ("/episode-ratings", {**RATING, "media_type": "tv"}),
        ("/resume", {**POINT, "runtime_ms": 0}),
        ("/resume", {**POINT, "position_ms": -1}),
        ("/resume", {**POINT, "position_ms": 5.5}),
        ("/resume", {**POINT, "media_type": "tv"}),
        ("/resume/batch", {"items": [POINT] * 51}),
        ("/resume/batch", {"items": [POINT, 5]}),
        ("/resume/batch", {}),
        ("/episode-ratings/batch", {**EPISODE, "ratings": []}),
        ("/episode-ratings/batch", {**EPISODE, "ratings": [{"episode": 5, "score": 1}, 5]}),
    ],
)
async def test_bad_writes_are_400s_and_change_nothing(api: Api, alice: User, path: str, body: object) -> None:
    """12.1.6, 12.1.8, 12.1.9."""
    before = alice.contents()
    answer = await api("POST", path, body)
    assert answer.status == 400
    assert list(answer.body) == ["error"]
    assert alice.contents() == before


async def test_error_bodies(api: Api) -> None:
    """2.3: some clients look for message or detail."""
    api.sim.settings.error_field = "detail"
    assert list((await api("GET", "/nowhere")).body) == ["detail"]
    assert (await api("PUT", "/watched", {})).status == 404


async def test_ids_look_like_pocketbase(api: Api, alice: User) -> None:
    """12.1.4, and two servers hand out the same ids."""
    await api.post("/watched", MOVIE)
    ids = [row.id for row in (*alice.watched(), *(alice.add_list(f"{n}") for n in range(500)))]
    assert all(re.fullmatch(r"[a-z0-9]{15}", row_id) for row_id in ids)
    assert len(set(ids)) == 501
    other = PublicMetaDBSimulator().add_user("k", "u").add_watched(tmdb_id=1, watched_at=None)
    assert other.id == ids[0]


@pytest.mark.parametrize("name", ["a/b c", "ü%2F?#"])
async def test_ids_are_opaque(api: Api, alice: User, name: str) -> None:
    """3.0: percent-encode them."""
    alice.add_watched(tmdb_id=550, watched_at=None, row_id=name)
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    url = URL(f"{api.sim.url}{API}/watched/{quoted}", encoded=True)
    async with api.session.delete(url, headers={"Authorization": f"Bearer {ALICE}"}) as response:
        assert response.status == 200
    assert alice.watched() == ()


def _rows(user: User) -> dict[str, str]:
    """Give a user one row of everything; return the paths to delete them by."""
    a_list = user.add_list("L", items=[("movie", 550)])
    item = user.items(a_list.id)[0]
    return {
        "item": f"/lists/{a_list.id}/items/{item.id}",
        "list": f"/lists/{a_list.id}",
        "watched": f"/watched/{user.add_watched(tmdb_id=550, watched_at=1).id}",
        "rating": f"/ratings/{user.add_rating(tmdb_id=550, score=80).id}",
        "episode rating": "/episode-ratings/"
        + user.add_rating(tmdb_id=1399, media_type="tv", season=1, episode=5, score=80).id,
        "resume": f"/resume/{user.add_resume(tmdb_id=550, position_ms=1, runtime_ms=2).id}",
    }


async def test_deletes(api: Api, alice: User, bob: User) -> None:
    """12.1.5: own 200 and then 404, foreign 403."""
    for path in _rows(alice).values():
        answer = await api("DELETE", path)
        assert (answer.status, answer.body) == (200, {"success": True})
        assert (await api("DELETE", path)).status == 404
    contents = alice.contents()
    assert not any((contents.lists, contents.items, contents.watched, contents.ratings, contents.resume))

    foreign = _rows(bob)
    before = bob.contents()
    for path in foreign.values():
        answer = await api("DELETE", path)
        assert (answer.status, answer.body) == (403, NOT_OWNER)
    own = alice.add_list("Mine")
    item_id = foreign["item"].rpartition("/")[2]
    assert (await api("DELETE", f"/lists/{own.id}/items/{item_id}")).status == 403
    assert (await api("PATCH", foreign["watched"], {"watched_at": None})).status == 403
    assert bob.contents() == before


async def test_deletes_without_a_body(api: Api, alice: User) -> None:
    """Question 9."""
    api.sim.settings.delete_status = 204
    for path in _rows(alice).values():
        answer = await api("DELETE", path)
        assert (answer.status, answer.body) == (204, None)


async def test_users_see_their_own(api: Api, bob: User) -> None:
    """12.1.2."""
    _rows(bob)
    for path in ("/lists", "/watched", "/resume"):
        assert (await api.get(path))["total"] == 0
        assert (await api.get(path, key=BOB))["total"] == 1


# --- lists (3.2, 3.3) ------------------------------------------------------------------------


async def test_a_list_and_its_items(api: Api, alice: User) -> None:
    """Create, fill, read, empty and delete a list."""
    payload = {
        "name": "Family",
        "description": "Managed by CrossWatch",
        "is_public": False,
        "type": "watchlist",
    }
    made = await api.post("/lists", payload)
    row = alice.lists()[0]
    expected = {
        **payload,
        "id": row.id,
        "item_count": 0,
        "created": "2026-03-01 10:00:00.000Z",
        "updated": "2026-03-01 10:00:00.000Z",
    }
    assert made == {"success": True, "item": expected}
    items = f"/lists/{row.id}/items"
    item = (await api.post(items, MOVIE))["item"]
    await api.post(items, {"tmdb_id": 550, "media_type": "tv"})
    assert (await api.get("/lists"))["items"] == [{**expected, "item_count": 2}]
    read = (await api.get(items))["items"]
    assert read[0] == item
    assert item == {
        **MOVIE,
        "id": alice.items(row.id)[0].id,
        "list_id": row.id,
        "created": "2026-03-01 10:00:00.000Z",
        "updated": "2026-03-01 10:00:00.000Z",
    }
    assert [(r.tmdb_id, r.media_type) for r in alice.items(row.id)] == [(550, "movie"), (550, "tv")]
    assert (await api("DELETE", f"{items}/{item['id']}")).status == 200
    assert [r["media_type"] for r in (await api.get(items))["items"]] == ["tv"]
    other = alice.add_list("Other")
    left = alice.items(row.id)[0]
    assert (await api("DELETE", f"/lists/{other.id}/items/{left.id}")).status == 404
    assert (await api("DELETE", f"/lists/{row.id}")).status == 200
    assert (await api("GET", items)).status == 404
    assert (await api("POST", items, MOVIE)).status == 404


async def test_only_the_name_is_mandatory(api: Api, alice: User) -> None:
    """3.2; and another POST makes another list."""
    for _ in range(2):
        await api.post("/lists", {"name": "Watchlist"})
    assert [(r.name, r.type, r.is_public, r.description) for r in alice.lists()] == [
        ("Watchlist", "custom", False, "")
    ] * 2


@pytest.mark.parametrize(
    ("duplicate", "status", "rows"),
    [(Duplicate.SAME_ROW, 200, 1), (Duplicate.CONFLICT, 409, 1), (Duplicate.SECOND_ROW, 201, 2)],
)
async def test_a_duplicate_item(api: Api, alice: User, duplicate: Duplicate, status: int, rows: int) -> None:
    """Question 8."""
    api.sim.settings.list_item_duplicate = duplicate
    a_list = alice.add_list("L", items=[("movie", 550)])
    answer = await api("POST", f"/lists/{a_list.id}/items", MOVIE)
    assert (answer.status, len(alice.items(a_list.id))) == (status, rows)
    if status == 200:
        assert answer.body["item"]["id"] == alice.items(a_list.id)[0].id


async def test_limits_on_lists(api: Api, alice: User) -> None:
    """Questions 8 and 16."""
    settings = api.sim.settings
    alice.add_list("Watchlist", type="watchlist")
    settings.list_names_unique = True
    await api.post("/lists", {"name": "Watchlist"}, 409)
    settings.single_watchlist = True
    await api.post("/lists", {"name": "B", "type": "watchlist"}, 409)
    await api.post("/lists", {"name": "B", "type": "custom"})
    await api.post("/lists", {"name": "C", "type": "custom"})
    settings.max_lists = 3
    await api.post("/lists", {"name": "D"}, 400)
    assert len(alice.lists()) == 3


async def test_public_lists_of_others_can_be_read(api: Api, bob: User) -> None:
    """Reading a private one is refused like deleting it."""
    public = bob.add_list("P", is_public=True, items=[("movie", 550)])
    private = bob.add_list("Q")
    assert (await api.get(f"/lists/{public.id}/items"))["total"] == 1
    assert (await api("GET", f"/lists/{private.id}/items")).status == 403
    assert (await api("POST", f"/lists/{public.id}/items", MOVIE)).status == 403


@pytest.mark.parametrize(
    ("reference", "field"),
    [
        (ListReference.LIST_ID, ("list_id", "the-list")),
        (ListReference.LIST, ("list", "the-list")),
        (ListReference.LIST_OBJECT, ("list", {"id": "the-list"})),
    ],
)
async def test_how_items_name_their_list(
    api: Api, alice: User, reference: ListReference, field: tuple[str, object]
) -> None:
    """3.3."""
    api.sim.settings.list_reference = reference
    alice.add_list("L", row_id="the-list", items=[("movie", None)])
    row = (await api.get("/lists/the-list/items"))["items"][0]
    assert field in row.items()
    assert row["tmdb_id"] is None


# --- watched (3.4) ---------------------------------------------------------------------------


async def test_a_play(api: Api, alice: User) -> None:
    """Each POST adds a row; the date may be given, null or left to the server."""
    made = await api.post("/watched", {**EPISODE, "watched_at": PLAYED})
    assert made["success"] is True
    assert made["item"] == {
        **EPISODE,
        "id": alice.watched()[0].id,
        "watched_at": "2026-01-02T20:15:00.000Z",
        "created": "2026-03-01 10:00:00.000Z",
        "updated": "2026-03-01 10:00:00.000Z",
    }
    await api.post("/watched", {**EPISODE, "watched_at": PLAYED})
    await api.post("/watched", {**SPECIAL, "watched_at": None})
    await api.post("/watched", MOVIE)
    assert [(*row.video, row.watched_at) for row in alice.watched()] == [
        (1399, "tv", 1, 5, PLAYED_AT),
        (1399, "tv", 1, 5, PLAYED_AT),
        (1399, "tv", 0, 0, None),
        (550, "movie", None, None, api.sim.clock()),
    ]
    newest = (await api.get("/watched"))["items"][0]
    assert (newest["tmdb_id"], newest["season"], newest["episode"]) == (550, None, None)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("2026-01-02T20:15:00.123Z", PLAYED_AT + 0.123),
        ("2026-01-02T15:15:00-05:00", PLAYED_AT),
        ("2026-01-02 20:15:00.000Z", PLAYED_AT),
        ("2026-01-02 20:15:00", PLAYED_AT),
        ("2026-01-02", PLAYED_AT - 72_900),
    ],
)
async def test_dates_sent(api: Api, alice: User, sent: str, expected: float) -> None:
    """Every ISO form is understood; without an offset it is UTC."""
    await api.post("/watched", {**MOVIE, "watched_at": sent})
    assert alice.watched()[0].watched_at == expected
    api.sim.settings.watched_at_keeps_ms = False
    await api.post("/watched", {**MOVIE, "watched_at": sent})
    assert alice.watched()[1].watched_at == math.floor(expected)


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (DateStyle.ISO, "2026-01-02T20:15:00.250Z"),
        (DateStyle.ISO_SECONDS, "2026-01-02T20:15:00Z"),
        (DateStyle.ISO_OFFSET, "2026-01-02T20:15:00.250+00:00"),
        (DateStyle.SPACE, "2026-01-02 20:15:00.250Z"),
        (DateStyle.SPACE_NAIVE, "2026-01-02 20:15:00"),
        (DateStyle.EPOCH_SECONDS, 1767384900),
        (DateStyle.EPOCH_MS, 1767384900250),
    ],
)
async def test_date_styles(api: Api, alice: User, style: DateStyle, expected: str | int) -> None:
    """Question 13."""
    settings = api.sim.settings
    settings.watched_at_style = settings.stamp_style = style
    alice.add_watched(tmdb_id=550, watched_at=PLAYED_AT + 0.25, created=PLAYED_AT + 0.25)
    row = (await api.get("/watched"))["items"][0]
    assert (row["watched_at"], row["created"], row["updated"]) == (expected, expected, expected)


@pytest.mark.parametrize(
    ("second", "settings", "rows"),
    [
        (PLAYED, {}, 1),
        ("2026-01-02T20:15:01Z", {}, 2),
        ("2026-01-02T20:15:01Z", {"dedupe_tolerance": 1.0}, 1),
        ("2026-01-02T20:15:02Z", {"dedupe_tolerance": 1.0}, 2),
        ("2020-01-02T20:15:02Z", {"dedupe_tolerance": math.inf}, 1),
        (None, {"dedupe_tolerance": math.inf}, 1),
        ("2026-01-02T00:00:00Z", {"dedupe_same_day": True}, 1),
        ("2026-01-03T00:00:00Z", {"dedupe_same_day": True}, 2),
        (PLAYED, {"dedupe_honoured": False}, 2),
        (None, {}, 2),
    ],
)
async def test_dedupe(api: Api, alice: User, second: str | None, settings: dict[str, Any], rows: int) -> None:
    """12.1.7, question 7."""
    for name, value in settings.items():
        setattr(api.sim.settings, name, value)
    first = await api.post("/watched?dedupe=true", {**EPISODE, "watched_at": PLAYED})
    answer = await api("POST", "/watched?dedupe=true", {**EPISODE, "watched_at": second})
    assert len(alice.watched()) == rows
    assert answer.status == (200 if rows == 1 else 201)
    assert (answer.body["item"] == first["item"]) is (rows == 1)
    # another episode, and an undated play, are never the same play
    await api.post("/watched?dedupe=true", {**EPISODE, "episode": 6, "watched_at": PLAYED})
    assert len(alice.watched()) == rows + 1


async def test_dedupe_of_undated_plays(api: Api, alice: User) -> None:
    """Unknown is the same as unknown."""
    api.sim.settings.dedupe_status = 201
    for _ in range(2):
        await api.post("/watched?dedupe=true", {**MOVIE, "watched_at": None})
    assert len(alice.watched()) == 1
    await api.post("/watched", {**MOVIE, "watched_at": None})
    assert len(alice.watched()) == 2


async def test_dedupe_sees_what_changed(api: Api, alice: User) -> None:
    """Deleted and re-dated plays are no longer the same."""
    query = "/watched?dedupe=true"
    first = (await api.post(query, {**MOVIE, "watched_at": PLAYED}))["item"]
    await api("DELETE", f"/watched/{first['id']}")
    second = (await api.post(query, {**MOVIE, "watched_at": PLAYED}))["item"]
    assert second["id"] != first["id"]
    await api("PATCH", f"/watched/{second['id']}", {"watched_at": None})
    await api.post(query, {**MOVIE, "watched_at": PLAYED})
    assert [row.watched_at for row in alice.watched()] == [None, PLAYED_AT]


async def test_bulk_delete(api: Api, alice: User) -> None:
    """H4."""
    for video in (EPISODE, EPISODE, {**EPISODE, "episode": 6}, MOVIE):
        alice.add_watched(**video, watched_at=1)
    answer = await api("DELETE", "/watched?tmdb_id=1399&media_type=tv&season=1&episode=5")
    assert (answer.status, answer.body) == (200, {"success": True, "deleted": 2})
    assert (await api("DELETE", "/watched?tmdb_id=550&media_type=movie")).body["deleted"] == 1
    assert (await api("DELETE", "/watched?tmdb_id=550&media_type=movie")).body["deleted"] == 0
    assert (await api("DELETE", "/watched?tmdb_id=1399&media_type=tv")).status == 400
    assert (await api("DELETE", "/watched")).status == 400
    assert len(alice.watched()) == 1


async def test_a_new_date(api: Api, alice: User, clock: ManualClock) -> None:
    """H5 keeps everything else."""
    row = alice.add_watched(tmdb_id=550, watched_at=None)
    clock.advance(60)
    answer = await api("PATCH", f"/watched/{row.id}", {"watched_at": PLAYED})
    assert answer.status == 200
    assert answer.body["item"]["watched_at"] == "2026-01-02T20:15:00.000Z"
    changed = alice.watched()[0]
    assert (changed.id, changed.created, changed.updated - row.updated) == (row.id, row.created, 60)
    assert (await api("PATCH", f"/watched/{row.id}", {})).status == 400
    assert (await api("PATCH", "/watched/unknown", {"watched_at": None})).status == 404


async def test_filters_and_order_of_watched(api: Api, alice: User, clock: ManualClock) -> None:
    """Question 12."""
    for number, played in enumerate((300, None, 100, 200)):
        alice.add_watched(tmdb_id=1399, media_type="tv", season=number % 2, episode=number, watched_at=played)
        clock.advance(1)
    alice.add_watched(tmdb_id=1399, watched_at=1)

    async def episodes(query: str) -> list[int | None]:
        return [row["episode"] for row in (await api.get(f"/watched?{query}"))["items"]]

    settings = api.sim.settings
    assert await episodes("tmdb_id=1399&media_type=tv&sort=created") == [None, 3, 2, 1, 0]
    for order, expected in (
        (Order.CREATED, [0, 1, 2, 3, None]),
        (Order.LATEST_WATCHED, [0, 3, 2, None, 1]),
        (Order.WATCHED, [None, 2, 3, 0, 1]),
    ):
        settings.watched_order = order
        assert await episodes("") == expected
    settings.watched_filters = True
    assert await episodes("tmdb_id=1399&media_type=tv&sort=-created") == [3, 2, 1, 0]
    assert await episodes("tmdb_id=1399&media_type=tv&season=1&sort=created") == [1, 3]
    assert await episodes("tmdb_id=1399&media_type=movie") == [None]
    assert (await api.get("/watched?tmdb_id=1399&media_type=tv&perPage=3"))["totalPages"] == 2
    alice.add_watched(tmdb_id=1399, media_type="tv", season=1, episode=9, watched_at=5)
    alice.remove_watched(alice.watched()[1].id)
    assert await episodes("tmdb_id=1399&media_type=tv&season=1&sort=created") == [3, 9]


# --- ratings (3.5) ---------------------------------------------------------------------------


async def test_ratings_are_the_community_s(api: Api, alice: User) -> None:
    """12.1.2, 12.1.6: everybody's rows of a title; an owner need not have a key."""
    made = await api.post("/ratings", RATING)
    own = alice.ratings()[0]
    assert made["item"] == {
        **RATING,
        "id": own.id,
        "created": "2026-03-01 10:00:00.000Z",
        "updated": "2026-03-01 10:00:00.000Z",
    }
    state = api.sim.state
    state.add_rating("carol", tmdb_id=550, score=95)
    state.add_rating("carol", tmdb_id=550, score=20, label="Plot")
    state.add_rating("carol", tmdb_id=550, media_type="tv", score=10)
    state.add_rating("carol", tmdb_id=551, score=10)
    query = "/ratings?tmdb_id=550&media_type=movie"
    everything = await api.get(query)
    assert [row["score"] for row in everything["items"]] == [20, 95, 80]
    assert (everything["total"], everything["average"]) == (3, 65)
    assert [row["score"] for row in (await api.get(f"{query}&label=Overall"))["items"]] == [95, 80]
    assert (await api.get("/ratings?tmdb_id=9&media_type=movie"))["total"] == 0
    assert (await api.get(f"{query}&season=1&episode=1"))["total"] == 3
    for bad in ("", "?tmdb_id=550", "?media_type=movie", "?tmdb_id=x&media_type=movie"):
        assert (await api("GET", f"/ratings{bad}")).status == 400
    assert await api.get(query, key=BOB) == everything


async def test_a_second_rating_conflicts(api: Api, alice: User, bob: User) -> None:
    """12.1.6: unique by user, video and label; a POST never overwrites."""
    bob.add_rating(tmdb_id=550, score=10)
    await api.post("/ratings", RATING)
    answer = await api("POST", "/ratings", {**RATING, "score": 30})
    assert answer.status == 409
    assert "already exists" in answer.body["error"]
    for other in ({"label": "Plot"}, {"label": "overall"}, {"media_type": "tv"}, {"tmdb_id": 551}):
        await api.post("/ratings", RATING | other)
    assert [(row.score, row.label) for row in alice.ratings()[:2]] == [(80, "Overall"), (80, "Plot")]
    assert len(alice.ratings()) == 5
    assert (await api("DELETE", f"/ratings/{alice.ratings()[0].id}")).status == 200
    await api.post("/ratings", {**RATING, "score": 30})
    assert alice.ratings()[-1].score == 30


async def test_episode_ratings(api: Api, alice: User) -> None:
    """E1, E2: a collection of its own, specials included."""
    made = await api.post("/episode-ratings", EPISODE_RATING)
    assert EPISODE_RATING.items() <= made["item"].items()
    await api.post("/episode-ratings", EPISODE_RATING, 409)
    await api.post("/episode-ratings", {**SPECIAL, "score": 55.5, "label": "Overall"})
    query = "/episode-ratings?tmdb_id=1399&media_type=tv"
    assert (await api.get(query))["total"] == 2
    special = (await api.get(f"{query}&season=0&episode=0&label=Overall"))["items"]
    assert [(row["season"], row["episode"], row["score"]) for row in special] == [(0, 0, 55.5)]
    assert (await api.get("/ratings?tmdb_id=1399&media_type=tv"))["total"] == 0
    assert (await api("GET", "/episode-ratings?tmdb_id=1399&media_type=movie")).status == 400
    assert (await api("DELETE", f"/ratings/{alice.ratings()[0].id}")).status == 404


async def test_episode_rating_batches(api: Api, alice: User, bob: User) -> None:
    """B2."""
    foreign = bob.add_rating(**EPISODE, score=50)
    payload = {"tmdb_id": 1399, "media_type": "tv", "season": 1}
    two = [{"episode": 5, "score": 90}, {"episode": 6, "score": 70, "label": "Plot"}]
    batch = await api.post("/episode-ratings/batch", {**payload, "ratings": two}, 200)
    assert batch["items"] == [{"episode": r.episode, "id": r.id} for r in alice.ratings()]
    assert [(r.episode, r.score, r.label) for r in alice.ratings()] == [(5, 90, "Overall"), (6, 70, "Plot")]
    mixed = [{"episode": 5, "score": 10}, {"episode": 7, "score": 101}, {"episode": 8, "score": 1}]
    answer = await api.post("/episode-ratings/batch", {**payload, "ratings": mixed}, 207)
    assert [row["episode"] for row in answer["items"]] == [8]
    assert [row["episode"] for row in answer["errors"]] == [5, 7]
    averages = await api.get("/episode-ratings/batch?tmdb_id=1399&media_type=tv&season=1&label=Overall")
    assert averages == {"episodes": {"5": {"average": 70, "total": 2}, "8": {"average": 1, "total": 1}}}
    ids = [alice.ratings()[0].id, foreign.id, "unknown"]
    gone = await api("DELETE", "/episode-ratings/batch", {"ids": ids})
    assert (gone.status, gone.body["deletedIds"]) == (200, ids[:1])
    assert (len(alice.ratings()), len(bob.ratings())) == (2, 1)


@pytest.mark.parametrize(
    ("ownership", "fields"),
    [
        (Ownership.HIDDEN, ({}, {})),
        (Ownership.IS_OWNER, ({"is_owner": False}, {"is_owner": True})),
        (Ownership.USER_ID, ({"user_id": "bob"}, {"user_id": "alice"})),
        (
            Ownership.FULL,
            (
                {"is_owner": False, "user_id": "bob", "username": "bob"},
                {"is_owner": True, "user_id": "alice", "username": "alice"},
            ),
        ),
    ],
)
async def test_ownership(
    api: Api, alice: User, bob: User, ownership: Ownership, fields: tuple[dict[str, Any], ...]
) -> None:
    """Question 2."""
    api.sim.settings.ownership = ownership
    alice.add_rating(tmdb_id=550, score=80)
    bob.add_rating(tmdb_id=550, score=80)
    rows = (await api.get("/ratings?tmdb_id=550&media_type=movie"))["items"]
    names = ("is_owner", "user_id", "username")
    assert tuple({n: v for n, v in row.items() if n in names} for row in rows) == fields


async def test_open_questions_of_ratings(api: Api, alice: User) -> None:
    """Questions 1, 3, 5 and 6, each the other way round."""
    settings = api.sim.settings
    row = alice.add_rating(tmdb_id=550, score=80)

    settings.rating_unique_by_label = False
    settings.rating_conflict_status, settings.rating_conflict_error = 422, "Failed to create rating"
    answer = await api("POST", "/ratings", {**RATING, "label": "Plot"})
    assert (answer.status, answer.body) == (422, {"error": "Failed to create rating"})
    settings.rating_unique_by_label = True
    settings.label_case_sensitive = False
    assert (await api("POST", "/ratings", {**RATING, "label": "OVERALL"})).status == 422
    query = "/ratings?tmdb_id=550&media_type=movie"
    assert (await api.get(f"{query}&label=overall"))["total"] == 1

    settings.allowed_labels = frozenset({"Overall"})
    assert (await api("POST", "/ratings", {**RATING, "label": "Plot"})).status == 400

    settings.rating_upsert = True
    made = await api.post("/ratings", {**RATING, "score": 45.5})
    assert (made["item"]["id"], alice.ratings()[0].score) == (row.id, 45.5)
    settings.fractional_scores = Fraction.ROUND
    await api.post("/ratings", {**RATING, "score": 45.6})
    assert alice.ratings()[0].score == 46
    settings.fractional_scores = Fraction.REJECT
    await api.post("/ratings", {**RATING, "score": 45.6}, 400)

    path = f"/ratings/{row.id}"
    assert (await api("PATCH", path, {"score": 5})).status == 404
    settings.rating_patch = True
    assert (await api("PATCH", path, {"score": 5})).body["item"]["score"] == 5
    assert alice.ratings()[0].score == 5
    assert (await api("PATCH", path, {"score": 5}, key=BOB)).status == 403

    for number in range(4):
        api.sim.state.add_rating(f"user{number}", tmdb_id=550, score=number)
    settings.ratings_paged, settings.ratings_per_page = True, 2
    page = await api.get(f"{query}&page=2")
    assert ([r["score"] for r in page["items"]], page["totalPages"]) == ([1, 0], 3)
    settings.ratings_order = Order.CREATED
    assert (await api.get(query))["items"][0]["score"] == 5

    alice.add_rating(tmdb_id=551, score=60)
    assert (await api("GET", "/ratings?perPage=1")).status == 400
    settings.ratings_enumerable = True
    mine = await api.get("/ratings?perPage=1&page=2")
    assert (mine["total"], mine["items"][0]["tmdb_id"]) == (2, 551)


# --- resume (3.6) ----------------------------------------------------------------------------


async def test_a_resume_point(api: Api, alice: User, clock: ManualClock) -> None:
    """12.1.8: one row per video, updated in place."""
    made = await api.post("/resume", {**EPISODE, "position_ms": 600_000, "runtime_ms": 3_600_000}, 200)
    row = alice.resume()[0]
    assert made == {
        "action": "saved",
        "item": {
            **EPISODE,
            "id": row.id,
            "position_ms": 600_000,
            "runtime_ms": 3_600_000,
            "progress": 16.67,
            "created": "2026-03-01 10:00:00.000Z",
            "updated": "2026-03-01 10:00:00.000Z",
        },
    }
    clock.advance(1)
    await api.post("/resume", {**SPECIAL, "position_ms": 600_000, "runtime_ms": 3_600_000}, 200)
    clock.advance(1)
    again = await api.post("/resume", {**EPISODE, "position_ms": 700_001, "runtime_ms": 3_600_000}, 200)
    assert again["item"]["id"] == row.id
    assert again["item"]["updated"] == "2026-03-01 10:00:02.000Z"
    read = (await api.get("/resume"))["items"]
    assert [(r["season"], r["episode"], r["position_ms"]) for r in read] == [(1, 5, 700_001), (0, 0, 600_000)]


@pytest.mark.parametrize(
    ("position", "action"),
    [
        (0, "ignored"),
        (19_999, "ignored"),
        (20_000, "saved"),
        (799_999, "saved"),
        (800_000, "completed"),
        (RUNTIME * 2, "completed"),
    ],
)
async def test_thresholds(api: Api, alice: User, position: int, action: str) -> None:
    """12.1.8: ignored leaves a stored row, completed deletes it."""
    row = alice.add_resume(tmdb_id=550, position_ms=400_000, runtime_ms=RUNTIME)
    answer = await api.post("/resume", {**POINT, "position_ms": position}, 200)
    assert answer["action"] == action
    left = {"ignored": 400_000, "saved": position}.get(action)
    assert [(r.id, r.position_ms) for r in alice.resume()] == ([(row.id, left)] if left else [])
    if action != "saved":
        assert answer["progress"] == round(position / 10_000, 2)
        assert "item" not in answer
    assert alice.watched() == ()


async def test_open_questions_of_resume(api: Api, alice: User) -> None:
    """Questions 11 and 18, each the other way round."""
    settings = api.sim.settings
    done, barely = {**POINT, "position_ms": 800_000}, {**POINT, "position_ms": 1}
    settings.completed_inclusive = False
    assert (await api.post("/resume", done, 200))["action"] == "saved"
    settings.completed_inclusive = True

    settings.resume_conflicts = True
    await api.post("/resume", POINT, 409)
    settings.resume_conflicts = False

    settings.action_carries_item = True
    answer = await api.post("/resume", barely, 200)
    assert (answer["action"], answer["item"]["position_ms"]) == ("ignored", 1)
    assert alice.resume()[0].position_ms == 800_000
    settings.ignored_deletes = True
    await api.post("/resume", barely, 200)
    assert alice.resume() == ()

    settings.completed_play = CompletedPlay.NOW
    await api.post("/resume", done, 200)
    settings.completed_play = CompletedPlay.UNDATED
    await api.post("/resume", {**done, **EPISODE}, 200)
    assert [(row.tmdb_id, row.watched_at) for row in alice.watched()] == [
        (550, api.sim.clock()),
        (1399, None),
    ]

    settings.resume_whole_percent = True
    answer = await api.post("/resume", {**POINT, "position_ms": 123_456}, 200)
    assert (answer["item"]["position_ms"], alice.resume()[0].position_ms) == (120_000, 120_000)

    alice.add_resume(**EPISODE, position_ms=1, runtime_ms=2)
    query = "/resume?tmdb_id=550&media_type=movie"
    assert (await api.get(query))["total"] == 2
    settings.resume_filters = True
    assert (await api.get(query))["total"] == 1
    settings.ignored_below, settings.completed_from = 50, 60
    assert (await api.post("/resume", {**POINT, "position_ms": 499_999}, 200))["action"] == "ignored"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (MovieNumbers.NULL, {"season": None, "episode": None}),
        (MovieNumbers.ZERO, {"season": 0, "episode": 0}),
        (MovieNumbers.ABSENT, {}),
    ],
)
async def test_numbers_of_movies(
    api: Api, alice: User, style: MovieNumbers, expected: dict[str, Any]
) -> None:
    """Question 11."""
    api.sim.settings.movie_numbers = style
    alice.add_resume(tmdb_id=550, position_ms=1, runtime_ms=2)
    row = (await api.get("/resume"))["items"][0]
    assert {n: v for n, v in row.items() if n in ("season", "episode")} == expected


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (NumberStyle.INTEGER, (1399, 0, 600000)),
        (NumberStyle.STRING, ("1399", "0", "600000")),
        (NumberStyle.FLOAT, (1399.0, 0.0, 600000.0)),
    ],
)
async def test_number_styles(api: Api, alice: User, style: NumberStyle, expected: tuple[object, ...]) -> None:
    """12.2: numeric strings."""
    settings = api.sim.settings
    settings.ids = settings.numbers = settings.scores = style
    alice.add_resume(**SPECIAL, position_ms=600_000, runtime_ms=900_000)
    row = (await api.get("/resume"))["items"][0]
    values = (row["tmdb_id"], row["episode"], row["position_ms"])
    assert values == expected
    assert [type(value) for value in values] == [type(value) for value in expected]
    made = await api.post("/ratings", {**RATING, "score": 7.5})
    assert made["item"]["score"] == ("7.5" if style is NumberStyle.STRING else 7.5)


async def test_resume_batch_and_other_ids(api: Api, alice: User) -> None:
    """B1, M1 and the optional ids of 3.6."""
    api.sim.add_title("movie", 550, "Fight Club", 1999, imdb="tt0137523")
    by_imdb = {"id_type": "imdb", "id_value": "tt0137523", "media_type": "movie"}
    positions = {"position_ms": 500_000, "runtime_ms": RUNTIME}
    items = [
        {**by_imdb, **positions},
        {**EPISODE, **positions, "runtime_ms": 0},
        {**EPISODE, **positions, "position_ms": 1},
    ]
    results = (await api.post("/resume/batch", {"items": items}, 200))["results"]
    assert [row["success"] for row in results] == [True, False, True]
    assert (results[0]["item"]["tmdb_id"], results[2]["action"]) == (550, "ignored")
    assert [row.tmdb_id for row in alice.resume()] == [550]
    assert (await api.get("/mappings/lookup?id_type=imdb&id_value=tt0137523&media_type=movie"))[
        "tmdb_id"
    ] == 550
    assert (await api("GET", "/mappings/lookup?id_type=imdb&id_value=tt1&media_type=movie")).status == 404
    assert (await api("POST", "/resume", {**by_imdb, **positions, "id_value": "tt1"})).status == 404


async def test_titles(api: Api, alice: User) -> None:
    """Question 14."""
    api.sim.add_title("movie", 550, "Fight Club", 1999)
    a_list = alice.add_list("L", items=[("movie", 550), ("movie", 551)])
    alice.add_watched(tmdb_id=550, watched_at=1)
    alice.add_resume(tmdb_id=550, position_ms=1, runtime_ms=2)
    items = (await api.get(f"/lists/{a_list.id}/items"))["items"]
    assert [row.get("title") for row in items] == ["Fight Club", None]
    for path in ("/watched", "/resume"):
        assert "title" not in (await api.get(path))["items"][0]
    api.sim.settings.titles_in_watched = api.sim.settings.titles_in_resume = True
    for path in ("/watched", "/resume"):
        row = (await api.get(path))["items"][0]
        assert (row["title"], row["year"]) == ("Fight Club", 1999)


async def test_whole_shows(api: Api, alice: User) -> None:
    """12.1.9 is inferred: a server may take tv rows without numbers."""
    api.sim.settings.tv_needs_numbers = False
    made = await api.post("/watched", {"tmdb_id": 1399, "media_type": "tv"})
    assert (made["item"]["season"], made["item"]["episode"]) == (None, None)
    assert alice.watched()[0].video == (1399, "tv", None, None)
    assert (await api("POST", "/watched", {"tmdb_id": 1399, "media_type": "tv", "season": 1})).status == 400


async def test_the_remaining_switches(api: Api, alice: User, clock: ManualClock) -> None:
    """Orders, page size, success code and titles of items (questions 9 and 12)."""
    settings = api.sim.settings
    settings.create_status = 200
    for name in ("A", "B"):
        await api.post("/lists", {"name": name}, 200)
        clock.advance(1)
    a_list = alice.lists()[0]
    for tmdb_id in (1, 2):
        api.sim.add_title("movie", tmdb_id, f"Title {tmdb_id}")
        alice.add_item(a_list.id, tmdb_id=tmdb_id)
        alice.add_resume(tmdb_id=tmdb_id, position_ms=1, runtime_ms=2)
        clock.advance(1)
    items = f"/lists/{a_list.id}/items"

    async def first(path: str, field: str) -> object:
        return (await api.get(path))["items"][0][field]

    read = (("/lists", "name"), (items, "tmdb_id"), ("/resume", "tmdb_id"))
    assert [await first(*what) for what in read] == ["A", 1, 2]
    settings.lists_order = settings.items_order = Order.NEWEST
    settings.resume_order = Order.UPDATED
    assert [await first(*what) for what in read] == ["B", 2, 1]
    assert await first(items, "title") == "Title 2"
    settings.titles_in_items = False
    assert "title" not in (await api.get(items))["items"][0]
    settings.default_per_page = 1
    assert (await api.get("/lists"))["totalPages"] == 2
    settings.watched_filters = True
    assert (await api.get("/watched"))["total"] == 0


# --- envelopes and lying reads (12.2) --------------------------------------------------------


@pytest.mark.parametrize("envelope", list(Envelope))
async def test_envelopes(api: Api, alice: User, envelope: Envelope) -> None:
    """3.0."""
    api.sim.settings.envelope = envelope
    alice.add_watched(tmdb_id=550, watched_at=None)
    alice.add_rating(tmdb_id=550, score=1)
    for path in ("/watched", "/ratings?tmdb_id=550&media_type=movie"):
        body = await api.get(path)
        rows = body if envelope is Envelope.BARE else body[envelope.value]
        assert [row["tmdb_id"] for row in rows] == [550]


async def test_omitted_fields(api: Api) -> None:
    """12.2."""
    api.sim.settings.omit = frozenset({"totalPages", "total"})
    assert await api.get("/watched") == {"items": [], "page": 1, "perPage": 30}
    assert await api.get("/ratings?tmdb_id=1&media_type=movie") == {"items": [], "average": None}


async def _pages(api: Api, size: int = 2) -> tuple[list[list[int]], list[int]]:
    """Return the tmdb ids of each of three pages, and the totals they came with."""
    pages = [await api.get(f"/watched?page={page}&perPage={size}") for page in (1, 2, 3)]
    return [[row["tmdb_id"] for row in page["items"]] for page in pages], [page["total"] for page in pages]


@pytest.mark.parametrize(
    ("kind", "settings", "pages", "totals"),
    [
        (Kind.EMPTY, {}, [[], [], []], [0, 0, 0]),
        (Kind.TRUNCATED, {"rows": 3}, [[5, 4], [3], []], [3, 3, 3]),
        (Kind.TRUNCATED, {"rows": 3, "honest": True}, [[5, 4], [3], []], [5, 5, 5]),
        (Kind.SHORT_PAGE, {}, [[5], [3], []], [5, 5, 5]),
        (Kind.REPEATED_PAGE, {}, [[5, 4], [5, 4], [5, 4]], [5, 5, 5]),
        (Kind.DRIFTING_TOTAL, {}, [[5, 4], [3, 2], [1]], [6, 7, 8]),
        (Kind.SHIFTED_ROWS, {}, [[5, 4], [2, 1], []], [5, 5, 5]),
        (Kind.SHIFTED_ROWS, {"rows": -1}, [[5, 4], [4, 3], [2, 1]], [5, 5, 5]),
        (Kind.STALE, {"writes": 2}, [[3, 2], [1], []], [3, 3, 3]),
        (Kind.STALE, {"seconds": 1.5}, [[3, 2], [1], []], [3, 3, 3]),
        (Kind.STALE, {"writes": 1, "seconds": 2.5}, [[2, 1], [], []], [2, 2, 2]),
        (Kind.STALE, {"writes": 99}, [[], [], []], [0, 0, 0]),
        (Kind.STALE, {}, [[5, 4], [3, 2], [1]], [5, 5, 5]),
    ],
)
async def test_lying_reads(
    api: Api,
    alice: User,
    clock: ManualClock,
    kind: Kind,
    settings: dict[str, Any],
    pages: list[list[int]],
    totals: list[int],
) -> None:
    """12.2: rows are 1 to 5, written a second apart, newest first, two a page."""
    for number in range(1, 6):
        alice.add_watched(tmdb_id=number, watched_at=None)
        clock.advance(1)
    clock.advance(-1)
    api.sim.quirk(kind, "*/watched", times=None, **settings)
    assert await _pages(api) == (pages, totals)
    api.sim.heal()
    assert await _pages(api) == ([[5, 4], [3, 2], [1]], [5, 5, 5])


async def test_stale_reads_follow_every_kind_of_write(api: Api, alice: User) -> None:
    """Insertions, changes and deletions are all undone; writes work on the present."""
    first = alice.add_watched(tmdb_id=1, watched_at=1)
    second = alice.add_watched(tmdb_id=2, watched_at=2)
    query = "/watched"
    before = await api.get(query)
    await api("DELETE", f"/watched/{first.id}")
    await api("PATCH", f"/watched/{second.id}", {"watched_at": None})
    await api.post("/watched", MOVIE)
    api.sim.quirk(Kind.STALE, "*/watched", method="GET", writes=3, times=2)
    assert await api.get(query) == before
    assert (await api("DELETE", f"/watched/{first.id}")).status == 404
    assert await api.get(query) == before
    assert [row["tmdb_id"] for row in (await api.get(query))["items"]] == [550, 2]


async def test_stale_reads_move_on(api: Api, alice: User) -> None:
    """The past moves with each write; a dropped write is not one."""

    async def read() -> list[int]:
        return [row["tmdb_id"] for row in (await api.get("/watched"))["items"]]

    for number in (1, 2, 3):
        alice.add_watched(tmdb_id=number, watched_at=None)
    stale = api.sim.quirk(Kind.STALE, "*/watched", method="GET", writes=1, times=None)
    assert await read() == [2, 1]
    alice.add_watched(tmdb_id=4, watched_at=None)
    assert await read() == [3, 2, 1]
    api.sim.quirk(Kind.SILENT_DROP, "*/watched", method="POST", times=2)
    for _ in range(2):
        await api.post("/watched", MOVIE)
    stale.writes = 3
    assert await read() == [1]


async def test_stale_lists_and_items(api: Api, alice: User) -> None:
    """A list just made is not there yet; an item just removed still is."""
    a_list = alice.add_list("A", items=[("movie", 550)])
    await api.post("/lists", {"name": "B"})
    await api("DELETE", f"/lists/{a_list.id}/items/{alice.items(a_list.id)[0].id}")
    api.sim.quirk(Kind.STALE, method="GET", writes=1, times=2)
    assert [row["name"] for row in (await api.get("/lists"))["items"]] == ["A"]
    assert (await api.get(f"/lists/{a_list.id}/items"))["total"] == 1


async def test_another_client_between_two_pages(api: Api, alice: User) -> None:
    """W20: a row deleted behind the first page shifts the second."""
    rows = [alice.add_watched(tmdb_id=number, watched_at=None) for number in range(1, 6)]
    remove: Callable[[], object] = lambda: alice.remove_watched(rows[4].id)  # noqa: E731
    api.sim.quirk(Kind.ACTION, "*/watched", first=2, action=remove)
    assert await _pages(api) == ([[5, 4], [2, 1], []], [5, 4, 4])


# --- lying writes (12.2) ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "settings", "status", "stored", "body"),
    [
        (Kind.SILENT_DROP, {}, 201, False, {"success", "item"}),
        (Kind.SUCCESS_FALSE, {}, 201, False, {"success", "error"}),
        (Kind.SUCCESS_FALSE, {"committed": True}, 201, True, {"success", "error"}),
        (Kind.EMPTY_BODY, {}, 201, True, None),
        (Kind.TOP_LEVEL_ID, {}, 201, True, {"id"}),
        (Kind.NO_ID, {}, 201, True, {"success"}),
        (Kind.CONFLICT, {}, 409, False, {"error"}),
        (Kind.CONFLICT, {"committed": True}, 409, True, {"error"}),
    ],
)
async def test_lying_writes(
    api: Api,
    alice: User,
    kind: Kind,
    settings: dict[str, Any],
    status: int,
    stored: bool,
    body: set[str] | None,
) -> None:
    """12.2, for a POST of each collection."""
    a_list = alice.add_list("L")
    posts = {
        "/lists": {"name": "B"},
        f"/lists/{a_list.id}/items": MOVIE,
        "/watched": MOVIE,
        "/ratings": RATING,
        "/episode-ratings": EPISODE_RATING,
    }
    for path, payload in posts.items():
        before = alice.contents()
        quirk = api.sim.quirk(kind, "*" + path, method="POST", **settings)
        await api.get("/lists")
        answer = await api("POST", path, payload)
        assert answer.status == status
        assert (None if answer.body is None else set(answer.body)) == body
        assert (alice.contents() != before) is stored
        assert quirk.seen == 1
    assert (await api.get("/lists"))["total"] == (2 if stored else 1)


async def test_lying_deletes_and_changes(api: Api, alice: User) -> None:
    """A dropped deletion or change answers as usual and leaves everything as it was."""
    paths = _rows(alice)
    before = alice.contents()
    read = [await api.get(path) for path in ("/lists", "/watched", "/resume")]
    api.sim.quirk(Kind.SILENT_DROP, times=None)
    for path in paths.values():
        assert (await api("DELETE", path)).body == {"success": True}
    assert (await api("DELETE", "/watched?tmdb_id=550&media_type=movie")).body["deleted"] == 1
    assert (await api("PATCH", paths["watched"], {"watched_at": None})).status == 200
    assert (await api("POST", "/resume", {**POINT, "runtime_ms": 600_000})).body["action"] == "completed"
    assert (await api("POST", "/resume", POINT)).body["action"] == "saved"
    assert alice.contents() == before
    assert [await api.get(path) for path in ("/lists", "/watched", "/resume")] == read
    api.sim.heal()
    assert (await api("DELETE", paths["watched"])).status == 200


async def test_resume_answers_keep_their_action(api: Api, alice: User) -> None:
    """A bare id still comes with the action."""
    api.sim.quirk(Kind.TOP_LEVEL_ID)
    assert await api.post("/resume", POINT, 200) == {"action": "saved", "id": alice.resume()[0].id}
    api.sim.quirk(Kind.NO_ID)
    assert await api.post("/resume", POINT, 200) == {"action": "saved"}


async def test_quirks_are_counted(api: Api, alice: User) -> None:
    """`first` and `times` count matching requests from when the quirk was added."""
    await api.post("/watched", MOVIE)
    api.sim.quirk(Kind.SILENT_DROP, "*/watched", method="POST", first=2, times=2)
    stored = []
    for _ in range(5):
        await api.post("/watched", MOVIE)
        stored.append(len(alice.watched()))
    assert stored == [2, 2, 2, 3, 4]


# --- faults and limits (12.2, 3.8) -----------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 409, 429, 500, 502, 503, 504, 524])
async def test_status_injection(api: Api, alice: User, status: int) -> None:
    """The n-th call of a method and path, before anything is stored."""
    api.sim.fail("*/watched", status=status, text="Nope", method="POST", first=2)
    await api.post("/watched", MOVIE)
    answer = await api("POST", "/watched", MOVIE)
    assert (answer.status, answer.body) == (status, {"error": "Nope"})
    await api.post("/watched", MOVIE)
    assert len(alice.watched()) == 2


async def test_the_challenge_page(api: Api) -> None:
    """2.3: 403 in HTML."""
    api.sim.challenge("*/watched")
    answer = await api("GET", "/watched")
    assert answer.status == 403
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<html>" in answer.body


@pytest.mark.parametrize(("when", "stored"), [(When.BEFORE, 0), (When.AFTER, 1)])
@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"drop": True, "delay": 0.2}])
async def test_lost_answers(api: Api, alice: User, when: When, stored: int, fault: dict[str, Any]) -> None:
    """W8, W9: a failure, a drop or a timeout, before or after the write is stored."""
    api.sim.inject("*/watched", method="POST", when=when, **fault)
    if fault.get("drop"):
        # a client that gives up first meets a timeout, a patient one a dropped connection
        with pytest.raises((aiohttp.ClientError, TimeoutError)):
            async with api.session.post(
                f"{api.sim.url}{API}/watched",
                json=MOVIE,
                headers={"Authorization": f"Bearer {ALICE}"},
                timeout=aiohttp.ClientTimeout(total=0.1),
            ):
                pass
    else:
        assert (await api("POST", "/watched", MOVIE)).status == 500
    assert len(alice.watched()) == stored


async def test_throttling(api: Api, clock: ManualClock) -> None:
    """Retry-After as seconds, as a date and not at all."""
    api.sim.throttle(wait=7)
    answer = await api("GET", "/lists")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    api.sim.throttle(wait=7, date=True)
    date = parsedate_to_datetime((await api("GET", "/lists")).headers["Retry-After"])
    assert date == datetime.fromtimestamp(clock() + 7, UTC)
    api.sim.throttle(wait=None)
    assert "Retry-After" not in (await api("GET", "/lists")).headers


async def test_the_request_limit(api: Api, clock: ManualClock) -> None:
    """3.8: 300 requests in 10 s, whoever asks."""
    settings = api.sim.settings
    settings.enforce_limits()
    settings.rate_limit_headers = "X-RateLimit"
    for number in range(300):
        answer = await api("GET", "/lists", key=(ALICE, BOB, None)[number % 3])
        assert answer.status != 429
        clock.advance(1 / 128)
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    answer = await api("GET", "/lists")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "8")
    assert answer.body == {"error": "Rate limit exceeded"}
    settings.retry_after = RetryAfter.DATE
    headers = (await api("GET", "/lists")).headers
    assert parsedate_to_datetime(headers["Retry-After"]).timestamp() == math.ceil(clock() + 8)
    settings.retry_after = RetryAfter.NONE
    settings.rate_limit_body, settings.rate_limit_content_type = "<html>slow down</html>", "text/html"
    answer = await api("GET", "/lists")
    assert "Retry-After" not in answer.headers
    assert answer.body == "<html>slow down</html>"
    clock.advance(7.66)
    assert (await api("GET", "/lists")).status == 200


async def test_hourly_limits(api: Api, alice: User, clock: ManualClock) -> None:
    """3.8: each user's own ratings, resume saves and resume batches."""
    settings = api.sim.settings
    settings.ratings_per_hour = settings.resume_saves_per_hour = settings.resume_batches_per_hour = 2

    async def statuses(path: str, bodies: list[dict[str, Any]]) -> list[int]:
        return [(await api("POST", path, body)).status for body in bodies]

    ratings = [{**RATING, "tmdb_id": number} for number in (1, 1, 2, 3)]
    assert await statuses("/ratings", ratings) == [201, 409, 201, 429]
    assert (await api("POST", "/episode-ratings", EPISODE_RATING)).status == 429
    assert (await api("POST", "/ratings", RATING, key=BOB)).status == 201
    batch = {"tmdb_id": 1, "media_type": "tv", "season": 1, "ratings": [{"episode": 1, "score": 1}]}
    answer = await api("POST", "/episode-ratings/batch", batch)
    assert (answer.status, answer.body["errors"][0]["error"]) == (207, "Rate limit exceeded")
    ignored = {**POINT, "position_ms": 1}
    assert await statuses("/resume", [ignored, POINT, POINT, POINT, ignored]) == [200, 200, 200, 429, 200]
    items = {"items": [POINT]}
    assert await statuses("/resume/batch", [items] * 3) == [200, 200, 429]
    clock.advance(3600)
    assert (await api("POST", "/ratings", ratings[3])).status == 201
    assert (await api("POST", "/resume", POINT)).status == 200
    assert len(alice.ratings()) == 3


async def test_the_update_limit(api: Api, alice: User) -> None:
    """Question 4: rating again what was deleted is an update; deletions may count too."""
    settings = api.sim.settings
    settings.ratings_per_hour, settings.rating_updates_per_hour = 1, 1

    async def change() -> tuple[int, int]:
        row = alice.ratings()[-1]
        gone = await api("DELETE", f"/ratings/{row.id}")
        return gone.status, (await api("POST", "/ratings", RATING)).status

    await api.post("/ratings", RATING)
    assert await change() == (200, 201)
    assert await change() == (200, 429)
    alice.add_rating(tmdb_id=550, score=80)
    settings.rating_deletes_counted = True
    settings.rating_updates_per_hour = 2
    assert await change() == (200, 429)
    alice.add_rating(tmdb_id=550, score=80)
    assert await change() == (429, 429)


async def test_the_log(api: Api) -> None:
    """12.2: when, what and how it was asked."""
    await api("POST", "/watched?dedupe=true", MOVIE)
    await api("GET", "/watched?page=1", key=None)
    post, get = api.sim.requests("*/watched")
    assert (post.method, post.path, post.query, post.status) == (
        "POST",
        "/api/external/watched",
        (("dedupe", "true"),),
        201,
    )
    assert orjson.loads(post.body) == MOVIE
    assert post.headers["Authorization"] == f"Bearer {ALICE}"
    assert (get.status, get.at >= post.at) == (401, True)


async def test_a_restart_keeps_the_state(api: Api, alice: User) -> None:
    """The server can be down for a while."""
    alice.add_watched(tmdb_id=550, watched_at=None)
    await api.sim.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await api("GET", "/watched")
    await api.sim.start()
    assert (await api.get("/watched"))["total"] == 1


async def test_many_rows(api: Api, alice: User) -> None:
    """Pages of a long history are complete while rows come and go."""
    for number in range(5000):
        alice.add_watched(tmdb_id=number + 1, watched_at=number * 7919 % 5000)
    api.sim.settings.watched_order = Order.LATEST_WATCHED
    first = await api.get("/watched?perPage=500")
    for row in alice.watched()[::10]:
        alice.remove_watched(row.id)
    for number in range(100):
        await api.post("/watched?dedupe=true", {"tmdb_id": 9000 + number, "media_type": "movie"})
    pages = [await api.get(f"/watched?perPage=500&page={page}") for page in range(1, 11)]
    rows = [row for page in pages for row in page["items"]]
    assert (first["total"], len(rows), pages[0]["total"]) == (5000, 4600, 4600)
    assert {row["id"] for row in rows} == {row.id for row in alice.watched()}
    dates = [row["watched_at"] for row in rows]
    assert dates == sorted(dates, reverse=True)
