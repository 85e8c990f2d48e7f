"""The known failures of an existing tool (API reference, section 11), one test or more each.

W9 and W10 are in `test_rating_faults.py`, W13 and W25 in `test_progress.py`, W21 in `test_ratings.py`, W15
is in `tests/providers/test_http.py`.
"""

import asyncio
from collections.abc import Iterator
import json
import os
from pathlib import Path
import time

import pytest

from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from custom_components.crosswatch.sync.models import Action, Feature, Item, Kind, Scope
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    IncompleteReadError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UnreachableError,
)
from tests.simulators.base import When
from tests.simulators.publicmetadb import DateStyle, Kind as Quirk, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import (
    ITEMS,
    JAN_2,
    KEY,
    LISTS,
    SCOPE,
    WATCHED,
    apply,
    change,
    episode,
    files,
    listed,
    movie,
    play,
    removal,
    show,
    told,
)


def shadow(folder: Path, feature: str, pair: str = "pair1") -> dict[str, object]:
    """Return the content of a shadow file."""
    content: dict[str, object] = json.loads(
        (folder / f"publicmetadb_{feature}.{pair}.shadow.json").read_text()
    )
    return content


@pytest.fixture
def new_york() -> Iterator[None]:
    """Let the process live five hours behind UTC."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedError),
        (401, AuthError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (429, UnreachableError),
        (500, UnreachableError),
        (503, UnreachableError),
        (524, UnreachableError),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 3])
async def test_w01_failed_page_raises_and_keeps_shadow(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    tmp_path: Path,
    status: int,
    error: type[ProviderError],
    page: int,
) -> None:
    """A page that fails fails the read, and what was known stays known."""
    for number in range(1, 26):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    provider = build(history_per_page=10)
    assert len((await provider.read(Feature.HISTORY, SCOPE)).entries) == 25
    before = shadow(tmp_path, "history")

    sim.fail(WATCHED, status=status, method="GET", first=page, times=None)
    with pytest.raises(error):
        await provider.read(Feature.HISTORY, SCOPE)
    assert shadow(tmp_path, "history") == before


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_w02_failed_lookup_creates_no_list(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, status: int
) -> None:
    """Not knowing the lists is not the same as there being none."""
    sim.fail(LISTS, status=status, method="GET", times=None)
    with pytest.raises(ProviderError):
        await provider.read(Feature.WATCHLIST, SCOPE)
    try:
        outcomes = await apply(provider, listed(movie(1)), listed(movie(2)))
    except ProviderError:
        outcomes = []
    assert not [one for one in outcomes if one.status in ("applied", "already")]
    assert not sim.requests(method="POST")
    assert not user.lists()


async def test_w03_lists_are_looked_for_on_all_pages(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A list by name on page 2 wins over a typed one on page 1; no twin is made."""
    user.add_list("Typed", type="watchlist")
    for number in range(30):
        user.add_list(f"List {number}")
    user.add_list(" watchLIST ", items=[("movie", 603)])
    sim.settings.max_per_page = 10

    snapshot = await provider.read(Feature.WATCHLIST, SCOPE)
    assert [entry.item for entry in snapshot.entries] == [movie(603)]
    await apply(provider, listed(movie(604)))
    assert len(user.lists()) == 32


@pytest.mark.parametrize(
    "omitted",
    [
        {"totalPages"},
        {"totalPages", "total"},
        {"totalPages", "perPage"},
        {"totalPages", "total", "perPage", "page"},
    ],
)
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 40, 45])
async def test_w03_missing_page_count_reads_on(
    build: Build, sim: PublicMetaDBSimulator, user: User, omitted: set[str], count: int
) -> None:
    """Without a page count everything is read all the same."""
    for number in range(1, count + 1):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    sim.settings.omit = frozenset(omitted)
    # the service may also make smaller pages than those asked for
    for most in (500, 7):
        sim.settings.max_per_page = most
        snapshot = await build(history_per_page=10).read(Feature.HISTORY, SCOPE)
        assert {entry.item.ids.tmdb for entry in snapshot.entries} == set(range(1, count + 1))


@pytest.mark.parametrize("read_only", [False, True])
async def test_w04_reading_creates_no_list(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, *, read_only: bool
) -> None:
    """A read of an account without lists is empty and leaves it so; only an add creates the list."""
    scope = Scope(pair_id="pair1", read_only=read_only)
    snapshot = await provider.read(Feature.WATCHLIST, scope)
    assert snapshot.entries == ()
    assert not user.lists()
    assert {request.method for request in sim.log} == {"GET"}
    assert not files(tmp_path)

    # neither does a removal, or an add that is refused
    assert told(await apply(provider, removal(listed(movie(1))), listed(movie(None)))) == [
        ("unresolved", "missing_watchlist_list"),
        ("unresolved", "missing_tmdb_id"),
    ]
    assert not user.lists()

    await apply(provider, listed(movie(603)))
    (made,) = user.lists()
    assert (made.name, made.type, made.is_public, made.description) == (
        "Watchlist",
        "watchlist",
        False,
        "Managed by CrossWatch",
    )
    later = await provider.read(Feature.WATCHLIST, scope)
    assert [entry.item for entry in later.entries] == [movie(603)]
    assert later.scope_hash != snapshot.scope_hash


async def test_w05_movie_and_show_of_one_number_are_two_things(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path
) -> None:
    """Removing the show leaves the movie of the same number alone."""
    made = user.add_list("Watchlist", items=[("movie", 1399), ("tv", 1399)])
    await provider.read(Feature.WATCHLIST, SCOPE)
    assert set(shadow(tmp_path, "watchlist")["items"]) == {"movie:tmdb:1399", "show:tmdb:1399"}  # type: ignore[call-overload]
    assert told(await apply(provider, removal(listed(show(1399))))) == [("applied", None)]
    assert [row.media_type for row in user.items(made.id)] == ["movie"]


async def test_w06_episode_needs_the_id_of_its_show(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """The episode's own id is never sent for the show's."""
    outcomes = await apply(provider, play(episode(None, 1, 5, own_tmdb=63056)))
    assert told(outcomes) == [("unresolved", "missing_show_tmdb_or_episode_numbers")]
    assert not sim.log


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (listed(episode(1399, 1, 5, own_tmdb=7)), "unsupported_media_type"),
        (listed(Item(kind=Kind.SEASON, ids=movie(7).ids)), "unsupported_media_type"),
        (play(show(1399)), "unsupported_media_type"),
        (play(Item(kind=Kind.SEASON, ids=movie(7).ids)), "unsupported_media_type"),
    ],
)
async def test_w07_other_kinds_are_refused(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, entry: object, reason: str
) -> None:
    """What a feature doesn't hold is never sent as a movie."""
    assert told(await apply(provider, entry)) == [("unresolved", reason)]  # type: ignore[arg-type]
    assert not sim.log


@pytest.mark.parametrize("when", [When.BEFORE, When.AFTER])
@pytest.mark.parametrize(
    "fault", [{"drop": True}, {"status": 500}, {"status": 503}, {"status": 524}, {"status": 408}]
)
async def test_w08_play_is_never_sent_twice_blindly(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    when: When,
    fault: dict[str, object],
) -> None:
    """A play whose answer is lost is uncertain: only a read can tell."""
    sim.settings.dedupe_honoured = False
    sim.inject(WATCHED, method="POST", when=when, **fault)
    assert [outcome.status for outcome in await apply(provider, play(movie(603)))] == ["uncertain"]
    (sent,) = sim.requests(WATCHED, "POST")
    assert dict(sent.query) == {"dedupe": "true"}
    assert len(user.watched()) == (1 if when is When.AFTER else 0)


@pytest.mark.parametrize("quirk", [Quirk.NO_ID, Quirk.EMPTY_BODY])
async def test_w08_lost_row_id_leads_to_no_second_play(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, quirk: Quirk
) -> None:
    """An answer without the row's id counts, and adding the same play again adds nothing."""
    sim.quirk(quirk, WATCHED, method="POST", times=None)
    for _ in range(2):
        assert told(await apply(provider, play(movie(603)))) == [("applied", None)]
    assert len(user.watched()) == 1


async def test_w11_gone_is_a_success_and_forgotten(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path
) -> None:
    """A 404 for a removal means it is done."""
    row = user.add_watched(tmdb_id=603, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    user.remove_watched(row.id)
    assert told(await apply(provider, removal(play(movie(603))))) == [("already", "http:404")]
    assert shadow(tmp_path, "history") == {"items": {}}


async def test_w12_unknown_row_is_looked_for_once(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A shadow that lacks some rows leads to one fresh read, not to a missing remote id."""
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    for number in (2, 3, 4):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    sim.log.clear()
    outcomes = await apply(provider, *(removal(play(movie(number))) for number in (1, 2, 3, 5)))
    assert told(outcomes) == [("applied", None)] * 3 + [("unresolved", "missing_remote_history_id")]
    assert len(sim.requests(WATCHED, "GET")) == 1
    assert [row.tmdb_id for row in user.watched()] == [4]


async def test_w12_unknown_item_is_looked_for_once(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The same on the watchlist."""
    made = user.add_list("Watchlist", items=[("movie", 1), ("movie", 2), ("tv", 3)])
    outcomes = await apply(provider, *(removal(listed(item)) for item in (movie(1), movie(2), movie(3))))
    assert told(outcomes) == [("applied", None)] * 2 + [("unresolved", "missing_remote_item_id")]
    assert len(sim.requests(ITEMS, "GET")) <= 2
    assert [row.media_type for row in user.items(made.id)] == ["tv"]


@pytest.mark.usefixtures("new_york")
@pytest.mark.parametrize("style", list(DateStyle))
async def test_w14_dates_are_utc(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, style: DateStyle
) -> None:
    """Whatever way a date is written, and wherever this runs."""
    sim.settings.watched_at_style = style
    user.add_watched(tmdb_id=603, watched_at=JAN_2)
    (read,) = (await provider.read(Feature.HISTORY, SCOPE)).entries
    assert read.watched_at == JAN_2  # type: ignore[union-attr]

    user.remove_watched(user.watched()[0].id)
    await apply(provider, play(movie(604), JAN_2))
    assert user.watched()[0].watched_at == JAN_2
    assert json.loads(sim.requests(WATCHED, "POST")[0].body)["watched_at"] == "2026-01-02T20:15:00Z"


async def test_w16_pace_is_shared_by_account(build: Build, sim: PublicMetaDBSimulator) -> None:
    """Two providers of one key keep one pace, verification included; another key has its own."""
    pacers = Pacers()
    rate = {"get_per_sec": 20}
    providers = [build(pacers=pacers, rate_limit=rate) for _ in range(3)]
    start = time.monotonic()
    await asyncio.gather(*(one.verify() for one in providers for _ in range(3)))
    assert time.monotonic() - start >= 8 / 20 * 0.95

    one, other = (
        pacers.of(PublicMetaDBSettings.from_options({"api_key": key, "base_url": sim.url}))
        for key in (KEY, "pm-2")
    )
    assert one is not other
    # the same host, reached another way
    same = PublicMetaDBSettings.from_options({"api_key": KEY, "base_url": f"{sim.url}/other"})
    assert pacers.of(same) is one
    assert KEY not in repr(vars(pacers))


@pytest.mark.parametrize("committed", [False, True])
async def test_w17_success_false_is_no_success(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, *, committed: bool
) -> None:
    """A 2xx that says it failed has failed, for this write alone."""
    made = user.add_list("Watchlist")
    for path in (WATCHED, ITEMS):
        sim.quirk(Quirk.SUCCESS_FALSE, path, method="POST", committed=committed)
    assert told(await apply(provider, play(movie(1)), play(movie(2)))) == [
        ("failed", "bad_answer"),
        ("applied", None),
    ]
    outcomes = await apply(provider, listed(movie(1)), listed(movie(2)))
    assert told(outcomes) == [("failed", "bad_answer"), ("applied", None)]

    row = user.items(made.id)[-1]
    sim.quirk(Quirk.SUCCESS_FALSE, "*/items/*", method="DELETE")
    assert told(await apply(provider, removal(listed(movie(2))))) == [("failed", "bad_answer")]
    assert row in user.items(made.id)


async def test_w17_success_false_fails_a_read(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """The same for a page."""
    sim.inject(WATCHED, status=200, body='{"success":false,"items":[]}', content_type="application/json")
    with pytest.raises(BadAnswerError):
        await provider.read(Feature.HISTORY, SCOPE)


async def test_w17_id_at_the_top_counts(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """An id beside `item` is the row's as well, for lists too."""
    sim.quirk(Quirk.TOP_LEVEL_ID, "*", method="POST", times=None)
    (added,) = await apply(provider, play(movie(603)))
    assert added.remote_id == user.watched()[0].id
    assert shadow(tmp_path, "history") == {"items": {f"movie:tmdb:603@{JAN_2}": added.remote_id}}
    (added,) = await apply(provider, listed(show(1399)))
    (made,) = user.lists()
    assert added.remote_id == user.items(made.id)[0].id


async def test_w18_what_was_learned_survives_an_interruption(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Ids of rows already written are kept when the run ends early."""
    sim.fail(WATCHED, status=401, method="POST", first=4, times=None)
    seen: list[str | None] = []

    async def write() -> None:
        changes = [change(play(movie(number))) for number in range(1, 10)]
        async for outcome in provider.apply(Feature.HISTORY, changes, SCOPE):
            seen.append(outcome.remote_id)  # noqa: PERF401 - what came before an error counts

    with pytest.raises(AuthError):
        await write()
    assert len(seen) == 3
    assert set(shadow(tmp_path, "history")["items"].values()) >= set(seen)  # type: ignore[attr-defined]
    assert len(user.watched()) == 3


async def test_w19_refused_key_ends_the_run_at_once(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """A 401 is raised, not repeated item by item."""
    sim.fail(WATCHED, status=401, text="Invalid API key", method="POST", times=None)
    with pytest.raises(AuthError) as caught:
        await apply(provider, *(play(movie(number)) for number in range(1, 200)))
    # those under way together, and one more look
    assert len(sim.requests(WATCHED, "POST")) <= 17
    assert KEY not in str(caught.value)


async def test_w20_shifting_rows_are_read_again(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """A row that appears while reading moves all others on: everything is read once more."""
    for number in range(1, 31):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    sim.quirk(
        Quirk.ACTION,
        WATCHED,
        method="GET",
        first=2,
        action=lambda: user.add_watched(tmdb_id=99, watched_at=JAN_2),
    )
    snapshot = await build(history_per_page=10).read(Feature.HISTORY, SCOPE)
    assert sorted(entry.item.ids.tmdb or 0 for entry in snapshot.entries) == [*range(1, 31), 99]


@pytest.mark.parametrize(
    ("quirk", "settings"),
    [
        (Quirk.DRIFTING_TOTAL, {}),
        (Quirk.SHORT_PAGE, {}),
        (Quirk.REPEATED_PAGE, {}),
        (Quirk.SHIFTED_ROWS, {"rows": 3}),
        (Quirk.SHIFTED_ROWS, {"rows": -3}),
        (Quirk.TRUNCATED, {"rows": 12, "honest": True}),
    ],
)
async def test_w20_what_does_not_add_up_is_incomplete(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    tmp_path: Path,
    quirk: Quirk,
    settings: dict[str, object],
) -> None:
    """Rows that never become as many as the total are no snapshot."""
    for number in range(1, 41):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    provider = build(history_per_page=10)
    await provider.read(Feature.HISTORY, SCOPE)
    before = shadow(tmp_path, "history")
    sim.log.clear()
    sim.quirk(quirk, WATCHED, times=None, **settings)
    with pytest.raises(IncompleteReadError):
        await provider.read(Feature.HISTORY, SCOPE)
    # read twice, no more
    assert len(sim.log) <= 10
    assert shadow(tmp_path, "history") == before

    # and once the service is well again, so are we
    sim.heal()
    assert len((await provider.read(Feature.HISTORY, SCOPE)).entries) == 40


async def test_w22_ids_of_others_are_never_used(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """An entry that carries another row's or another service's id removes its own row, or nothing."""
    wanted = user.add_watched(tmdb_id=1, watched_at=JAN_2)
    other = user.add_watched(tmdb_id=2, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    outcomes = await apply(
        provider, removal(play(movie(1), remote_id=other.id)), removal(play(movie(3), remote_id=other.id))
    )
    assert told(outcomes) == [("applied", None), ("unresolved", "missing_remote_history_id")]
    assert user.watched() == (other,)
    assert [request.path.rpartition("/")[2] for request in sim.requests(method="DELETE")] == [wanted.id]


async def test_w23_known_items_are_added_again(provider: PublicMetaDBProvider, user: User) -> None:
    """Whether something is there decides the fresh read, not the shadow."""
    made = user.add_list("Watchlist", items=[("movie", 603)])
    row = user.add_watched(tmdb_id=603, watched_at=JAN_2)
    await provider.read(Feature.WATCHLIST, SCOPE)
    await provider.read(Feature.HISTORY, SCOPE)
    user.remove_item(made.id, user.items(made.id)[0].id)
    user.remove_watched(row.id)
    assert told(await apply(provider, listed(movie(603)))) == [("applied", None)]
    assert told(await apply(provider, play(movie(603)))) == [("applied", None)]
    assert len(user.items(made.id)) == len(user.watched()) == 1


@pytest.mark.parametrize("value", [False, "false", "False", "no", "off", "0", 0])
async def test_w24_auto_create_off_is_off(build: Build, user: User, value: object) -> None:
    """Every way to say no means no."""
    provider = build(watchlist_auto_create=value)
    assert told(await apply(provider, listed(movie(603)))) == [("unresolved", "missing_watchlist_list")]
    assert not user.lists()


@pytest.mark.parametrize("value", [True, "true", "Yes", "on", "1", 1])
async def test_w24_auto_create_on_is_on(build: Build, user: User, value: object) -> None:
    """Every way to say yes means yes."""
    assert told(await apply(build(watchlist_auto_create=value), listed(movie(603)))) == [("applied", None)]
    assert len(user.lists()) == 1


async def test_actions_other_than_add_and_remove_are_refused(provider: PublicMetaDBProvider) -> None:
    """There is nothing to update about a play or an entry."""
    for entry in (play(movie(1)), listed(movie(1))):
        assert told(await apply(provider, change(entry, Action.UPDATE))) == [
            ("unresolved", "unsupported_action")
        ]
