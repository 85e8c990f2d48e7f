"""Reading collections: envelopes, fields, page limits, requests."""

import asyncio
import time
from typing import Any

import orjson
import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.history import PlayReader
from custom_components.crosswatch.providers.publicmetadb.paging import Page, read_complete
from custom_components.crosswatch.providers.publicmetadb.watchlist import entry_of
from custom_components.crosswatch.providers.publicmetadb.wire import moment, stamp
from custom_components.crosswatch.sync.models import Feature, Play
from custom_components.crosswatch.sync.provider import BadAnswerError, IncompleteReadError, UnreachableError
from tests.simulators.publicmetadb import Envelope, MovieNumbers, NumberStyle, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import JAN_2, SCOPE, WATCHED, episode, movie, show


def fill(user: User, count: int) -> None:
    """Add movies 1 to `count` to the history."""
    for number in range(1, count + 1):
        user.add_watched(tmdb_id=number, watched_at=JAN_2 + number)


# --- envelopes -------------------------------------------------------------------------------


@pytest.mark.parametrize("envelope", [Envelope.ITEMS, Envelope.RESULTS, Envelope.DATA, Envelope.BARE])
@pytest.mark.parametrize("count", [0, 3, 10, 25])
async def test_envelopes(
    build: Build, sim: PublicMetaDBSimulator, user: User, envelope: Envelope, count: int
) -> None:
    """The row array may have other names, or be all there is."""
    sim.settings.envelope = envelope
    fill(user, count)
    snapshot = await build(history_per_page=10).read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) == count


@pytest.mark.parametrize("rows", ["items", "results", "data", "lists"])
@pytest.mark.parametrize("pages", ["totalPages", "total_pages", "pages", "pageCount"])
@pytest.mark.parametrize("nested", [False, True])
def test_names_of_the_envelope(rows: str, pages: str, *, nested: bool) -> None:
    """Counts may be at the top or under `pagination`."""
    counts: dict[str, Any] = {pages: "3", "total": 25, "page": 1, "perPage": 10}
    data = {rows: [{"id": "a"}], **({"pagination": counts} if nested else counts)}
    page = Page.from_body(orjson.dumps(data), lambda row: row["id"])
    assert (page.rows, page.ids) == (["a"], ["a"])
    assert (page.pages, page.total, page.number, page.size) == (3, 25, 1, 10)


@pytest.mark.parametrize("body", [b"", b"null", b"5", b"{}", b'{"items":5}', b'{"items":[5]}', b"<html>"])
def test_something_else_is_no_page(body: bytes) -> None:
    """And no empty page either."""
    with pytest.raises(BadAnswerError):
        Page.from_body(body, lambda row: row)


# --- completeness ----------------------------------------------------------------------------


async def read_pages(pages: list[Any], *, per_page: int = 2, max_pages: int = 100) -> list[str]:
    """Read scripted pages; a page past the last one is empty."""
    asked: list[int] = []

    async def fetch(number: int) -> bytes:
        asked.append(number)
        return orjson.dumps(pages[number - 1] if number <= len(pages) else {"items": []})

    def make(row: Any) -> str:
        return str(row.get("id"))

    return await read_complete(fetch, make, per_page=per_page, max_pages=max_pages)


def rows(*ids: str | None) -> list[dict[str, str]]:
    """Return rows with these ids."""
    return [{} if one is None else {"id": one} for one in ids]


async def test_rows_keep_the_order_of_the_service() -> None:
    """Page after page."""
    pages = [{"items": rows(a, b), "total": 5, "totalPages": 3} for a, b in ("ab", "cd")]
    pages.append({"items": rows("e"), "total": 5, "totalPages": 3})
    assert await read_pages(pages) == list("abcde")


async def test_repeated_rows_count_once() -> None:
    """As long as all are there."""
    pages = [
        {"items": rows("a", "b"), "total": 3, "totalPages": 2},
        {"items": rows("b", "c"), "total": 3, "totalPages": 2},
    ]
    assert await read_pages(pages) == ["a", "b", "c"]


async def test_rows_without_an_id_count() -> None:
    """They can't be told apart, nor removed, but they are there."""
    assert await read_pages([{"items": rows(None, None), "total": 2, "totalPages": 1}]) == ["None", "None"]


@pytest.mark.parametrize(
    "pages",
    [
        # fewer or more rows than the total
        [{"items": rows("a"), "total": 2, "totalPages": 1}],
        [{"items": rows("a", "b"), "total": 1, "totalPages": 1}],
        [{"items": rows("a"), "total": 0, "totalPages": 0}],
        [{"items": [], "total": 5}],
        # a page of another number
        [
            {"items": rows("a", "b"), "total": 4, "totalPages": 2},
            {"items": rows("c", "d"), "total": 4, "totalPages": 2, "page": 1},
        ],
        # another total or page count on a later page
        [
            {"items": rows("a", "b"), "total": 4, "totalPages": 2},
            {"items": rows("c", "d"), "total": 5, "totalPages": 2},
        ],
        [
            {"items": rows("a", "b"), "total": 4, "totalPages": 2},
            {"items": rows("c", "d"), "total": 4, "totalPages": 3},
        ],
        # a page past the end where rows should be
        [{"items": rows("a", "b"), "total": 4, "totalPages": 2}, {"items": [], "total": 4, "totalPages": 2}],
        # without a total: a hole in the middle, rows that come twice, page 1 again and again
        [
            {"items": rows("a", "b"), "totalPages": 3},
            {"items": rows("c"), "totalPages": 3},
            {"items": rows("d"), "totalPages": 3},
        ],
        [{"items": rows("a", "b"), "totalPages": 2}, {"items": rows("b", "c"), "totalPages": 2}],
        [rows("a", "b"), rows("b", "c")],
        [rows("a", "b")] * 5,
    ],
)
async def test_what_does_not_add_up_raises(pages: list[Any]) -> None:
    """Whichever way the rows and the counts disagree."""
    with pytest.raises(IncompleteReadError):
        await read_pages(pages)


async def test_same_page_without_end_is_found_out_at_once() -> None:
    """A service that knows no pages isn't asked a thousand times."""
    asked = 0

    async def fetch(_number: int) -> bytes:
        nonlocal asked
        asked += 1
        return orjson.dumps(rows("a", "b"))

    with pytest.raises(IncompleteReadError):
        await read_complete(fetch, lambda row: row["id"], per_page=2, max_pages=1000)
    assert asked == 4


async def test_page_limit_is_never_silent(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """As many pages as allowed are read; one more is an error, told before they are read in vain."""
    fill(user, 30)
    provider = build(history_per_page=10, history_max_pages=3)
    assert len((await provider.read(Feature.HISTORY, SCOPE)).entries) == 30
    fill(user, 31)
    sim.log.clear()
    with pytest.raises(IncompleteReadError, match="settings allow"):
        await provider.read(Feature.HISTORY, SCOPE)
    assert len(sim.log) == 1

    sim.settings.envelope = Envelope.BARE
    with pytest.raises(IncompleteReadError, match="settings allow"):
        await provider.read(Feature.HISTORY, SCOPE)


@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"status": 403, "body": "<html>"}, {"status": 200, "body": "<html>"}]
)
async def test_other_faults_of_a_page(
    build: Build, sim: PublicMetaDBSimulator, user: User, fault: dict[str, Any]
) -> None:
    """A dropped connection is tried again; a challenge page is trouble, not a verdict on the key."""
    fill(user, 30)
    provider = build(history_per_page=10)
    sim.inject(WATCHED, method="GET", first=2, times=None, **fault)
    with pytest.raises(BadAnswerError if fault.get("status") == 200 else UnreachableError):
        await provider.read(Feature.HISTORY, SCOPE)
    sim.heal()
    sim.inject(WATCHED, method="GET", first=2, times=1, drop=True)
    assert len((await provider.read(Feature.HISTORY, SCOPE)).entries) == 30


async def test_failed_page_stops_the_others(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """Nothing is under way any more when the read has failed."""
    fill(user, 400)
    provider = build(history_per_page=10)
    sim.inject(WATCHED, method="GET", first=5, times=1, status=404)
    with pytest.raises(Exception, match="404"):
        await provider.read(Feature.HISTORY, SCOPE)
    sent = len(sim.log)
    await asyncio.sleep(0.1)
    assert len(sim.log) == sent < 40


# --- fields ----------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", list(NumberStyle))
@pytest.mark.parametrize("movie_numbers", list(MovieNumbers))
async def test_styles_of_numbers(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    numbers: NumberStyle,
    movie_numbers: MovieNumbers,
) -> None:
    """Numbers may be texts or have a fraction of nothing; season 0 and episode 0 are real."""
    sim.settings.ids = sim.settings.numbers = numbers
    sim.settings.movie_numbers = movie_numbers
    user.add_watched(tmdb_id=603, watched_at=JAN_2)
    user.add_watched(tmdb_id=1399, media_type="tv", season=0, episode=0, watched_at=JAN_2)
    entries = (await provider.read(Feature.HISTORY, SCOPE)).entries
    assert {entry.item for entry in entries} == {movie(603), episode(1399, 0, 0)}


def play_of(**fields: Any) -> Play | None:
    """Return the play of a row."""
    return PlayReader()({"id": "a", **fields})


def test_play_rows() -> None:
    """Names that other clients met are read too."""
    assert play_of(tmdb_id=1, media_type="movie", watched_at=None) == Play(
        item=movie(1), watched_at=None, remote_id="a"
    )
    for name in ("watched_at", "watchedAt", "last_watched_at"):
        found = play_of(tmdb=1, media_type="MOVIE", **{name: "2026-01-02T20:15:00Z"})
        assert found is not None
        assert found.watched_at == JAN_2
    found = play_of(
        ids={"tmdb": "1399"},
        type="series",
        season_number=1,
        season=None,
        episode_number="5",
        show_title="Thrones",
    )
    assert found is not None
    assert found.item.name == "Thrones S01E05"
    assert PlayReader()({"history_id": 7, "tmdb_id": 1, "media_type": "movie"}) == Play(
        item=movie(1), watched_at=None, remote_id="7"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"tmdb_id": None, "media_type": "movie"},
        {"tmdb_id": 0, "media_type": "movie"},
        {"tmdb_id": 1399, "media_type": "tv"},
        {"tmdb_id": 1399, "media_type": "tv", "season": 1},
        {"tmdb_id": 1399, "media_type": "season", "season": 1},
    ],
)
def test_rows_that_are_no_plays(fields: dict[str, Any]) -> None:
    """Without a TMDb id, whole shows, seasons."""
    assert play_of(**fields) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"tmdb_id": "abc", "media_type": "movie"},
        {"tmdb_id": 1.5, "media_type": "movie"},
        {"tmdb_id": True, "media_type": "movie"},
        {"tmdb_id": 1, "media_type": "film noir"},
        {"tmdb_id": 1},
        {"tmdb_id": 1, "media_type": "tv", "season": "one", "episode": 1},
        {"tmdb_id": 1, "media_type": "movie", "watched_at": "yesterday"},
        {"tmdb_id": 1, "media_type": "movie", "watched_at": True},
        {"tmdb_id": 1, "media_type": "movie", "watched_at": [2026]},
    ],
)
def test_unreadable_rows_fail_the_read(fields: dict[str, Any]) -> None:
    """Rows must not vanish, and plays not be re-dated, because the service changed its ways."""
    with pytest.raises(BadAnswerError):
        play_of(**fields)


def test_list_rows() -> None:
    """Movies and shows; nothing else belongs on a watchlist."""
    found = entry_of({"id": "a", "tmdb_id": 1399, "media_type": "tv", "title": "Thrones", "year": "2011"})
    assert found is not None
    assert (found.item.kind, found.item.ids, found.item.name) == ("show", show(1399).ids, "Thrones (2011)")
    created = {"created": "2026-01-02 20:15:00.000Z"}
    assert entry_of({"id": "a", "tmdb_id": 1, "media_type": "movie", **created}).listed_at == JAN_2  # type: ignore[union-attr]
    assert entry_of({"id": "a", "tmdb_id": 1, "media_type": "movie", "created": "?"}).listed_at is None  # type: ignore[union-attr]
    assert entry_of({"id": "a", "tmdb_id": 1, "media_type": "episode"}) is None
    assert entry_of({"id": "a", "tmdb_id": None, "media_type": "movie"}) is None
    with pytest.raises(BadAnswerError):
        entry_of({"id": "a", "tmdb_id": 1, "media_type": "person"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("2026-01-02T20:15:00Z", JAN_2),
        ("2026-01-02T20:15:00.999Z", JAN_2),
        ("2026-01-02 20:15:00.000Z", JAN_2),
        ("2026-01-02 20:15:00", JAN_2),
        ("2026-01-02T15:15:00-05:00", JAN_2),
        (" 2026-01-02T20:15Z ", JAN_2),
        ("2026-01-02", JAN_2 - (20 * 60 + 15) * 60),
        (JAN_2, JAN_2),
        (JAN_2 * 1000 + 999, JAN_2),
        (float(JAN_2), JAN_2),
        (str(JAN_2), JAN_2),
        (str(JAN_2 * 1000), JAN_2),
        ("1969-12-31T23:59:59.5Z", -1),
        (0, 0),
    ],
)
def test_moments(value: Any, expected: int | None) -> None:
    """All forms of dates; without an offset they are UTC."""
    assert moment(value) == expected


def test_stamp() -> None:
    """Dates are sent in one form only."""
    assert stamp(JAN_2) == "2026-01-02T20:15:00Z"
    assert stamp(0) == "1970-01-01T00:00:00Z"


# --- snapshots -------------------------------------------------------------------------------


async def test_scope_hash_tells_accounts_and_lists_apart(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Another key, feature or list is another scope; another reading is not."""
    user.add_list("Watchlist")
    other = user.add_list("Other")
    sim.add_user("pm-other", "you").add_list("Watchlist")
    provider = build()
    hashes = [
        (await provider.read(Feature.HISTORY, SCOPE)).scope_hash,
        (await provider.read(Feature.WATCHLIST, SCOPE)).scope_hash,
        (await build(watchlist_list_id=other.id).read(Feature.WATCHLIST, SCOPE)).scope_hash,
        (await build(api_key="pm-other").read(Feature.HISTORY, SCOPE)).scope_hash,
    ]
    assert len(set(hashes)) == len(hashes)
    again = build(history_per_page=1)
    assert (await again.read(Feature.HISTORY, SCOPE)).scope_hash == hashes[0]
    assert (await again.read(Feature.WATCHLIST, SCOPE)).scope_hash == hashes[1]


async def test_read_tells_its_time(provider: PublicMetaDBProvider) -> None:
    """From before the first request: what changes meanwhile is newer."""
    before = int(time.time())
    assert before <= (await provider.read(Feature.HISTORY, SCOPE)).read_at <= time.time()


async def test_features_that_pairs_may_use(provider: PublicMetaDBProvider) -> None:
    able = provider.capabilities
    assert set(able) == set(Feature)
    progress = able[Feature.PROGRESS]
    assert (progress.least_percent, progress.complete_percent) == (2, 80)
    assert all(one.add and one.remove for one in able.values())
    assert {feature for feature, one in able.items() if one.update} == {Feature.RATINGS, Feature.PROGRESS}
    # no endpoint lists ratings, and a position goes when the title has been watched
    told = {feature for feature, one in able.items() if one.absence_is_removal}
    assert told == {Feature.WATCHLIST, Feature.HISTORY}
