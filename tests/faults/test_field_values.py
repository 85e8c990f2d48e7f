"""Failures of other tools, F28 to F44: identity, values, and what a run tells."""

import ast
import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import custom_components.crosswatch as integration
from custom_components.crosswatch.providers.plex.guids import parse
from custom_components.crosswatch.sync.engine import AlreadyRunningError
from custom_components.crosswatch.sync.models import Direction, Feature, Ids, Kind, Rating, Resume
from custom_components.crosswatch.sync.provider import (
    AuthError,
    IncompleteReadError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.settings import PairSettings
from faults.things import THINGS, History, Positions, Ratings, Watchlist
from faults.world import DAY, HOUR, WAYS, Place, World
from tests.sync.fakes import NOW, listed, movie, rated, stopped
from tests.sync.lab import Lab

from .test_field_reads import go, in_step

pytestmark = pytest.mark.thorough

TO_PUBLICMETADB, TO_PLEX, TWO_WAY = WAYS
BOTH: dict[str, Any] = {"direction": Direction.TWO_WAY}


# --- identity -----------------------------------------------------------------------------------


async def test_f28_movie_and_show_of_one_number_are_two_things(world: World) -> None:
    things = Watchlist(world.services)
    for title in things.titles[:2]:
        things.put(Place.PLEX, title)
    assert {title.number for title in things.titles[:2]} == {1}
    assert (await go(world, things)).total("added") == 2
    assert things.held(Place.PUBLICMETADB) == things.held(Place.PLEX)


async def test_f29_better_id_is_no_removal_and_no_addition(lab: Lab) -> None:
    lab.source.entries[Feature.WATCHLIST] = [listed(movie(imdb="tt0000001"))]
    lab.target.entries[Feature.WATCHLIST] = [listed(movie(imdb="tt0000001"))]
    await lab.run(**BOTH)
    better = replace(movie(1), ids=Ids(tmdb=1, imdb="tt0000001"))
    lab.source.entries[Feature.WATCHLIST] = [listed(better)]
    for _ in range(3):
        report = await lab.run(**BOTH, settings=replace(lab.request.settings, removals=frozenset(Feature)))
        assert report.total("added") == report.total("removed") == 0


def test_f30_opaque_id_stays_byte_for_byte() -> None:
    guid = "plex://movie/5d776825880197001ec967c6"
    ids = parse(Kind.MOVIE, guid, ["imdb://tt0133093", "tmdb://603"]).own
    assert (ids.guid, ids.imdb, ids.tmdb) == (guid, "tt0133093", 603)


async def test_f31_rating_is_matched_by_any_id(lab: Lab) -> None:
    lab.source.entries[Feature.RATINGS] = [rated(replace(movie(1), ids=Ids(tmdb=1, imdb="tt0000001")), 80)]
    lab.target.entries[Feature.RATINGS] = [rated(movie(imdb="tt0000001"), 80)]
    for _ in range(2):
        report = await lab.run(**BOTH, features=(Feature.RATINGS,))
        assert report.total("added") + report.total("updated") + report.total("removed") == 0


async def test_f32_title_never_decides(lab: Lab) -> None:
    first, second = replace(movie(1), title="The Same"), replace(movie(2), title="The Same")
    lab.source.entries[Feature.WATCHLIST] = [listed(first)]
    lab.target.entries[Feature.WATCHLIST] = [listed(second)]
    assert (await lab.run(**BOTH)).total("added") == 2


# --- history, ratings, positions ----------------------------------------------------------------


async def test_f33_second_watching_travels(world: World) -> None:
    things = History(world.services)
    await in_step(world, things, 3, TO_PUBLICMETADB)
    world.services.pms.play(1, world.services.items[things.titles[1]], int(world.clock.now))
    assert (await go(world, things, TO_PUBLICMETADB)).total("added") == 1
    held = things.held(Place.PUBLICMETADB)
    assert sum(count for (title, _), count in held.items() if title == things.titles[1]) == 2


async def test_f34_date_that_plex_makes_up_stays_at_plex(world: World) -> None:
    world.services.pms.options.scrobble_writes_history = True
    things = History(world.services)
    await in_step(world, things, 3)
    things.put(Place.PUBLICMETADB, things.titles[20])
    before = things.held(Place.PUBLICMETADB)
    for later in (HOUR, HOUR, DAY):
        await go(world, things, later=later)
        await world.restart()
    assert things.held(Place.PUBLICMETADB) == before
    assert things.held(Place.PLEX)[things.titles[20], "watched"] == 1


async def test_f35_known_ratings_are_looked_at_in_turn(world: World) -> None:
    things = Ratings(world.services)
    await in_step(world, things, 48, TO_PUBLICMETADB)
    await go(world, things, TO_PUBLICMETADB, later=DAY)
    asked = []
    for title in things.titles[:48]:
        things.put(Place.PUBLICMETADB, title)
    for _ in range(25):
        before = len(world.services.pmdb.log)
        await world.run(TO_PLEX, Feature.RATINGS, later=HOUR, settings=PairSettings(brake=False))
        asked.append(len(world.services.pmdb.log) - before)
    # a share of them in each run, all of them in a day
    assert max(asked) < 12
    changed = {(title, str(things.stars(title, Place.PUBLICMETADB))) for title in things.titles[:48]}
    assert changed <= set(things.held(Place.PLEX))


@pytest.mark.parametrize(
    ("direction", "here", "there", "expected"),
    [
        (Direction.TWO_WAY, NOW + 10, NOW + 20, 60),
        (Direction.TWO_WAY, NOW + 20, NOW + 10, 90),
        (Direction.TWO_WAY, None, NOW, 60),
        (Direction.ONE_WAY, NOW + 10, NOW + 20, 90),
    ],
)
async def test_f36_newer_rating_wins_where_both_may(
    lab: Lab, direction: Direction, here: int | None, there: int | None, expected: int
) -> None:
    lab.source.entries[Feature.RATINGS] = [rated(movie(1), 90, here)]
    lab.target.entries[Feature.RATINGS] = [rated(movie(1), 60, there)]
    await lab.run(direction=direction, features=(Feature.RATINGS,))
    (kept,) = lab.target.entries[Feature.RATINGS]
    assert isinstance(kept, Rating)
    assert kept.tenths == expected


async def test_f37_later_stop_beats_one_further_on(lab: Lab) -> None:
    lab.source.entries[Feature.PROGRESS] = [stopped(movie(1), 600, NOW + 1000)]
    lab.target.entries[Feature.PROGRESS] = [stopped(movie(1), 3000, NOW)]
    await lab.run(**BOTH, features=(Feature.PROGRESS,))
    for side in (lab.source, lab.target):
        (kept,) = side.entries[Feature.PROGRESS]
        assert isinstance(kept, Resume)
        assert kept.position_ms == 600_000


async def test_f38_position_kept_in_whole_percents_is_no_move(world: World) -> None:
    world.services.pmdb.settings.resume_whole_percent = True
    things = Positions(world.services)
    item = world.services.items[things.titles[0]]
    world.services.pms.set_resume(1, item, 1_234_567)
    await go(world, things)
    for later in (HOUR, DAY):
        report = await go(world, things, later=later)
        assert report.total("added") + report.total("updated") == 0
    assert world.services.pms.user_state(1, item).view_offset == 1_234_567


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.direction + way.source)
async def test_f39_second_run_plans_nothing(world: World, way: Any) -> None:
    for made in THINGS:
        things = made(world.services)
        half = 30 if things.feature is Feature.PROGRESS else 0
        for title in things.titles[half : half + 10]:
            things.put(Place.PLEX, title)
            if things.feature is not Feature.RATINGS and title.number % 2:
                things.put(Place.PUBLICMETADB, title)
    await world.run(way, *Feature)
    for later in (HOUR, DAY):
        report = await world.run(way, *Feature, later=later)
        assert report.status is RunStatus.OK
        assert [report.total(each) for each in ("added", "updated", "removed")] == [0, 0, 0]


# --- what a run tells ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnreachableError("down"), RunStatus.UNREACHABLE),
        (RateLimitedError("http:429"), RunStatus.UNREACHABLE),
        (AuthError("http:401"), RunStatus.AUTH_FAILED),
        (IncompleteReadError("1 of 2"), RunStatus.INCOMPLETE),
        (RefusedError(418), RunStatus.FAILED),
    ],
)
async def test_f40_ok_means_that_all_was_read_and_written(
    lab: Lab, error: ProviderError, status: RunStatus
) -> None:
    lab.target.read_error = error
    report = await lab.run()
    assert report.status is status
    assert not report.succeeded


async def test_f41_dry_run_tells_what_the_run_does(lab: Lab) -> None:
    lab.fill(7)
    dry = await lab.run(dry_run=True)
    assert lab.at_target == []
    wet = await lab.run()
    assert dry.total("added") == wet.total("added") == 7


async def test_f42_pair_runs_once_at_a_time(lab: Lab) -> None:
    lab.fill(1)
    lab.target.pause = asyncio.Event()
    first = asyncio.create_task(lab.run())
    await asyncio.sleep(0.1)
    with pytest.raises(AlreadyRunningError):
        await lab.run()
    lab.target.pause.set()
    assert (await first).status is RunStatus.OK


@pytest.mark.parametrize("trigger", ["schedule", "action", "button"])
async def test_f43_every_trigger_tells_its_outcome(lab: Lab, trigger: str) -> None:
    lab.target.read_error = UnreachableError("down")
    report = await lab.run(trigger=trigger)
    stored = await lab.state.last_run(lab.request.pair_id)
    assert stored is not None
    assert (stored.status, stored.trigger) == (report.status, trigger) == (RunStatus.UNREACHABLE, trigger)


def test_f44_no_exception_is_swallowed() -> None:
    silent = []
    for path in Path(str(integration.__file__)).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
                told = any(
                    isinstance(each, ast.Raise) for each in ast.walk(node)
                ) or "LOGGER." in ast.unparse(node)
                if broad and not told:
                    silent.append(f"{path.name}:{node.lineno}")
    assert silent == []
