"""Looking after the ratings index: a share of it in each run, all of it in a day, never wrongly gone."""

from collections.abc import Sequence
import json
from pathlib import Path
import threading
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import (
    PublicMetaDBProvider,
    rating_index,
    rating_store,
    ratings,
)
from custom_components.crosswatch.providers.publicmetadb.rating_index import DAY, MOST_LOOKS, due
from custom_components.crosswatch.providers.publicmetadb.rating_records import Pending, Record
from custom_components.crosswatch.sync.models import Feature, Rating, Scope
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    ProviderError,
    UnreachableError,
)
from tests.simulators.publicmetadb import (
    Kind as Quirk,
    ManualClock,
    Order,
    Ownership,
    PublicMetaDBSimulator,
    User,
)

from .conftest import Build
from .helpers import PAIR, RATINGS, SCOPE, apply, episode, movie, rating, told

NAME = "publicmetadb_ratings.pair1.shadow.json"
HOUR = 3600


def remember(folder: Path, rows: Sequence[Any], **fields: Any) -> None:
    """Write a shadow that knows these rows of movies, as looked at by nobody yet."""
    items = {
        f"movie:tmdb:{row.tmdb_id}#rating:overall": {
            "id": row.id,
            "label": "Overall",
            "score": row.score,
            **fields,
        }
        for row in rows
    }
    (folder / NAME).write_text(json.dumps({"items": items}))


def items(folder: Path) -> Any:
    """Return what the shadow knows."""
    return json.loads((folder / NAME).read_text())["items"]


async def known(provider: PublicMetaDBProvider, scope: Scope = SCOPE) -> dict[int | None, int]:
    """Return the ratings of movies that a read tells."""
    entries = (await provider.read(Feature.RATINGS, scope)).entries
    return {one.item.ids.tmdb: one.tenths for one in entries if isinstance(one, Rating)}


# --- whose turn it is ------------------------------------------------------------------------


def records(count: int) -> list[Record]:
    """Return ratings, the first one looked at longest ago."""
    return [
        Record(item=movie(number), label="Overall", id=f"ra{number}", score=80, checked_at=1000 + number)
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("elapsed", "looks"),
    [(0, 0), (60, 0), (899, 0), (900, 11), (HOUR, 42), (DAY // 2, 500), (DAY, 1000), (10 * DAY, 1000)],
)
def test_share_of_a_run(elapsed: int, looks: int) -> None:
    """As much of the day as has gone by, oldest first; nothing in reads right after one another."""
    now = 1_772_359_200
    turn = due(reversed(records(1000)), now - elapsed, now)
    assert [one.id for one in turn] == [f"ra{number}" for number in range(1, looks + 1)]


def test_share_is_bounded() -> None:
    """50 s at 20 a second, however many there are."""
    assert len(due(records(5000), None, 1_772_359_200)) == MOST_LOOKS == 1000


def test_clock_that_was_set_back() -> None:
    """A turn from the future was no turn."""
    assert len(due(records(10), 2_000_000_000, 1_772_359_200)) == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"pending": Pending(at=1, posted=(90,), done=True)},
        {"pending": Pending(at=1, posted=(90,), old=80)},
        {"removed": True},
        {"missed_at": 1_772_359_200 - 600},
        {"missed_at": 1_772_359_200 + 5},
    ],
)
def test_what_is_in_doubt_is_looked_at_in_every_run(fields: dict[str, Any]) -> None:
    """Beside the share of the others."""
    now = 1_772_359_200
    doubtful = Record(item=movie(9), label="Overall", id="x", score=80, checked_at=now, **fields)
    assert due([*records(5), doubtful], now, now) == [doubtful]


def test_missed_one_is_left_alone_for_a_while() -> None:
    """Not the same cached answer twice."""
    now = 1_772_359_200
    missed = Record(item=movie(9), label="Overall", id="x", score=80, missed_at=now - 599)
    assert due([missed], None, now) == []


async def test_all_of_them_within_a_day(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Hourly runs look at each once a day and at no more than their share; restarts don't matter."""
    clock = ManualClock()
    rows = [user.add_rating(tmdb_id=number, score=80) for number in range(1, 241)]
    remember(tmp_path, rows)
    assert len(await known(build(clock=clock))) == 240
    assert len(sim.log) == 240
    sim.log.clear()
    looks = []
    for _ in range(24):
        clock.advance(HOUR)
        before = len(sim.log)
        assert len(await known(build(clock=clock))) == 240
        looks.append(len(sim.log) - before)
    assert looks == [10] * 24
    assert len({dict(request.query)["tmdb_id"] for request in sim.log}) == 240


async def test_read_right_after_a_read_costs_nothing(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Once everything is settled."""
    remember(tmp_path, [user.add_rating(tmdb_id=number, score=80) for number in range(1, 6)])
    await known(provider)
    sim.log.clear()
    before = (tmp_path / NAME).stat().st_mtime_ns
    assert len(await known(provider)) == 5
    assert not sim.log
    assert (tmp_path / NAME).stat().st_mtime_ns == before


# --- what a look tells -----------------------------------------------------------------------


async def test_change_made_elsewhere_is_noticed(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """The same row with another score."""
    clock = ManualClock()
    row = user.add_rating(tmdb_id=550, score=80)
    remember(tmp_path, [row])
    await known(build(clock=clock))
    user.remove_rating(row.id)
    user.add_rating(tmdb_id=550, score=45, row_id=row.id)
    clock.advance(DAY)
    assert await known(build(clock=clock)) == {550: 45}


async def test_vanished_row_is_noticed_after_a_second_look(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """One look that doesn't find it proves nothing; two, some time apart, do."""
    clock = ManualClock()
    rows = [user.add_rating(tmdb_id=number, score=80) for number in (1, 2)]
    remember(tmp_path, rows)
    await known(build(clock=clock))
    user.remove_rating(rows[0].id)
    clock.advance(DAY)
    assert await known(build(clock=clock)) == {1: 80, 2: 80}
    assert await known(build(clock=clock)) == {1: 80, 2: 80}
    clock.advance(600)
    assert await known(build(clock=clock)) == {2: 80}
    assert set(items(tmp_path)) == {"movie:tmdb:2#rating:overall"}


@pytest.mark.parametrize(
    ("quirk", "settings"),
    [(Quirk.EMPTY, {}), (Quirk.TRUNCATED, {"rows": 0, "honest": True}), (Quirk.TRUNCATED, {"rows": 1})],
)
async def test_one_wrong_answer_loses_nothing(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    tmp_path: Path,
    quirk: Quirk,
    settings: dict[str, Any],
) -> None:
    """An empty, short or stale answer in between."""
    clock = ManualClock()
    for number in range(3):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=50)
    sim.settings.ratings_order = Order.CREATED
    remember(tmp_path, [user.add_rating(tmdb_id=550, score=80), user.add_rating(tmdb_id=551, score=70)])
    sim.quirk(quirk, RATINGS, times=2, **settings)
    try:
        assert await known(build(clock=clock)) == {550: 80, 551: 70}
    except BadAnswerError:
        assert settings.get("honest")
    clock.advance(DAY)
    assert await known(build(clock=clock)) == {550: 80, 551: 70}
    clock.advance(DAY)
    assert await known(build(clock=clock)) == {550: 80, 551: 70}


async def test_row_on_a_later_page_is_found(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Titles that many have rated, with pages as small as the service likes."""
    sim.settings.ratings_paged = True
    sim.settings.max_per_page = 10
    sim.settings.ratings_order = Order.CREATED
    for number in range(34):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=50)
        sim.state.add_rating(f"user{number}", tmdb_id=1399, media_type="tv", season=0, episode=1, score=50)
    await apply(build(), rating(movie(550), 85), rating(episode(1399, 0, 1), 65))
    sim.log.clear()
    snapshot = await build().read(Feature.RATINGS, SCOPE)
    assert sorted(one.tenths for one in snapshot.entries if isinstance(one, Rating)) == [65, 85]
    assert len(sim.log) == 2 * 4
    assert {dict(request.query)["perPage"] for request in sim.log} == {"500"}
    assert {dict(request.query)["label"] for request in sim.log} == {"Overall"}
    numbers = [dict(r.query).get("season") for r in sim.log if "episode" in r.path]
    assert set(numbers) == {"0"}

    # the look ends with the row
    sim.settings.ratings_order = Order.NEWEST
    sim.log.clear()
    clock = ManualClock(2_000_000_000)
    await build(clock=clock).read(Feature.RATINGS, SCOPE)
    assert len(sim.log) == 2


@pytest.mark.parametrize(
    "quirk", [Quirk.REPEATED_PAGE, Quirk.SHIFTED_ROWS, Quirk.DRIFTING_TOTAL, Quirk.SHORT_PAGE]
)
async def test_pages_that_do_not_add_up_prove_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, quirk: Quirk
) -> None:
    """A row that isn't among rows that are missing isn't gone."""
    clock = ManualClock()
    sim.settings.ratings_paged = True
    sim.settings.max_per_page = 10
    row = user.add_rating(tmdb_id=550, score=80)
    for number in range(34):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=50)
    remember(tmp_path, [row, user.add_rating(tmdb_id=551, score=70)])
    user.remove_rating(row.id)
    sim.quirk(quirk, RATINGS, times=None)
    for _ in range(3):
        try:
            assert (await known(build(clock=clock)))[550] == 80
        except BadAnswerError:
            # no look told anything
            assert quirk is Quirk.SHORT_PAGE
        clock.advance(DAY)
        assert "missed_at" not in items(tmp_path)["movie:tmdb:550#rating:overall"]


# --- trouble ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthError),
        (403, ForbiddenError),
        (429, UnreachableError),
        (500, UnreachableError),
        (524, UnreachableError),
    ],
)
async def test_w01_service_in_trouble_fails_the_read(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    tmp_path: Path,
    status: int,
    error: type[ProviderError],
) -> None:
    """And nothing that is known is touched."""
    remember(tmp_path, [user.add_rating(tmdb_id=number, score=80) for number in range(1, 6)])
    before = (tmp_path / NAME).read_bytes()
    sim.fail(RATINGS, status=status, first=3, times=None)
    with pytest.raises(error):
        await known(build(max_retries=2))
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize("status", [400, 404, 422, 501])
async def test_one_title_in_trouble_fails_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, status: int
) -> None:
    """It keeps what was known; but when no look tells anything, that is an error."""
    remember(tmp_path, [user.add_rating(tmdb_id=number, score=80) for number in range(1, 4)])
    sim.fail(RATINGS, status=status, times=1)
    assert await known(build()) == {1: 80, 2: 80, 3: 80}
    sim.fail(RATINGS, status=status, times=None)
    with pytest.raises(ProviderError):
        await known(build(clock=ManualClock(2_000_000_000)))
    assert len(items(tmp_path)) == 3


async def test_new_rating_that_is_not_there_is_not_reported(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """A 201 that stored nothing: the next read doesn't see it, so the next plan sends it again."""
    clock = ManualClock()
    sim.quirk(Quirk.SILENT_DROP, RATINGS, method="POST")
    assert told(await apply(build(clock=clock), rating(movie(550)))) == [("applied", None)]
    assert await known(build(clock=clock)) == {}
    assert told(await apply(build(clock=clock), rating(movie(550)))) == [("applied", None)]
    assert await known(build(clock=clock)) == {550: 80}
    assert len(user.ratings()) == 1


async def test_rating_given_anew_elsewhere_is_found_by_its_owner(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Another row in its place, where rows tell whose they are."""
    sim.settings.ownership = Ownership.IS_OWNER
    clock = ManualClock()
    row = user.add_rating(tmdb_id=550, score=80)
    sim.state.add_rating("somebody", tmdb_id=550, score=10)
    remember(tmp_path, [row])
    user.remove_rating(row.id)
    new = user.add_rating(tmdb_id=550, score=65)
    assert await known(build(clock=clock)) == {550: 65}
    assert items(tmp_path)["movie:tmdb:550#rating:overall"]["id"] == new.id


async def test_preview_looks_and_keeps_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Also of a change that broke off."""
    pending = {"at": 1, "posted": [90], "old": 80, "reads": 5}
    row = user.add_rating(tmdb_id=550, score=80)
    remember(tmp_path, [row], pending=pending)
    user.remove_rating(row.id)
    before = (tmp_path / NAME).read_bytes()
    assert await known(build(), Scope(pair_id=PAIR, read_only=True)) == {550: 80}
    assert {request.method for request in sim.log} == {"GET"}
    assert (tmp_path / NAME).read_bytes() == before


async def test_thousands_of_ratings_hold_nothing_up(
    build: Build, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done with all of them is done in threads."""
    remember(tmp_path, [user.add_rating(tmdb_id=number, score=80) for number in range(1, 4)])
    threads: set[str] = set()

    def watched(name: str, module: Any) -> None:
        real = getattr(module, name)

        def call(*args: Any) -> Any:
            threads.add(f"{name} {threading.current_thread() is threading.main_thread()}")
            return real(*args)

        monkeypatch.setattr(module, name, call)

    for name, module in (("due", rating_index), ("_parsed", rating_store), ("_rated", ratings)):
        watched(name, module)
    assert len(await known(build())) == 3
    assert threads == {"due False", "_parsed False", "_rated False"}
