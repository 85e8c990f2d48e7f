"""Failures of other tools, F12 to F19: writes and what follows when they fail."""

import asyncio
from pathlib import Path
import time

import pytest

from custom_components.crosswatch.sync.models import Feature, OutcomeStatus
from custom_components.crosswatch.sync.report import RunStatus
from faults.kinds import ROWS
from faults.things import History, Ratings
from faults.world import DAY, HOUR, WAYS, Place, World
from tests.simulators.publicmetadb import Ownership
from tests.sync.lab import Lab

from .test_field_reads import go, in_step, tried

pytestmark = pytest.mark.thorough

TO_PUBLICMETADB, TO_PLEX, TWO_WAY = WAYS


@pytest.mark.parametrize("feature", [Feature.WATCHLIST, Feature.HISTORY])
async def test_f12_write_that_was_not_kept_is_still_pending(feature: Feature, socket_enabled: None) -> None:
    assert (await tried("written-not-stored@publicmetadb", feature)).outcome == "partial"


@pytest.mark.parametrize("place", list(Place))
async def test_f13_write_without_an_answer_is_not_repeated(place: Place, socket_enabled: None) -> None:
    await tried(f"stored-answered-503@{place}", Feature.HISTORY)


async def test_f14_failed_half_of_an_update_loses_no_rating(world: World) -> None:
    things = Ratings(world.services)
    await in_step(world, things, 4, TO_PUBLICMETADB)
    title = things.titles[0]
    world.services.pms.rate(1, world.services.items[title], 9.0, int(world.clock.now))
    world.services.pmdb.fail(ROWS[Feature.RATINGS], method="POST", status=500, times=None)
    assert not (await go(world, things, TO_PUBLICMETADB)).succeeded
    world.services.heal()
    for _ in range(3):
        await world.restart()
        await go(world, things, TO_PUBLICMETADB, later=HOUR)
    held = things.held(Place.PUBLICMETADB)
    assert held[title, "9"] == 1
    assert held.total() == 4


async def test_f15_failed_writes_are_counted_and_told(lab: Lab) -> None:
    lab.fill(4)
    lab.target.answer = lambda _change: OutcomeStatus.FAILED
    report = await lab.run()
    assert report.total("errors") == 4
    assert report.status is RunStatus.PARTIAL


async def test_f16_rating_that_is_there_already_is_taken_over(world: World) -> None:
    world.services.pmdb.settings.ownership = Ownership.FULL
    things = Ratings(world.services)
    title = things.titles[0]
    world.services.user.add_rating(tmdb_id=title.number, score=20)
    things.put(Place.PLEX, title)
    await world.run(TWO_WAY, Feature.RATINGS)
    await world.run(TWO_WAY, Feature.RATINGS, later=DAY)
    at_plex, there = things.held(Place.PLEX), things.held(Place.PUBLICMETADB)
    assert at_plex == there
    assert there.total() == 1


async def test_f17_what_failed_for_a_moment_is_never_blocked(lab: Lab) -> None:
    lab.fill(3)
    lab.target.answer = lambda _change: OutcomeStatus.FAILED
    for _ in range(6):
        assert (await lab.run()).total("errors") == 3
    lab.target.answer = lambda _change: OutcomeStatus.APPLIED
    assert (await lab.run()).total("added") == 3


async def test_f18_used_up_quota_waits_for_its_window(tmp_path: Path, socket_enabled: None) -> None:
    async with World(tmp_path, 210) as world:
        things = Ratings(world.services)
        for title in things.titles:
            things.put(Place.PLEX, title)
        done = (await go(world, things, TO_PUBLICMETADB)).features[Feature.RATINGS]
        assert (done.status, done.added) == (RunStatus.UNRESOLVED, 200)
        assert done.reasons == {"publicmetadb_hourly_rating_submit_limit": 10}
        # a process that has restarted knows it as well
        await world.restart()
        assert (await go(world, things, TO_PUBLICMETADB)).total("added") == 0
        await world.restart()
        assert (await go(world, things, TO_PUBLICMETADB, later=HOUR)).total("added") == 10


async def test_f19_long_wait_ends_the_run_and_any_wait_can_be_cancelled(world: World) -> None:
    things = History(world.services)
    things.put(Place.PLEX, things.titles[0])
    world.services.pmdb.throttle(ROWS[Feature.HISTORY], wait=100_000, times=None)
    assert (await go(world, things, TO_PUBLICMETADB)).status is RunStatus.UNREACHABLE
    world.services.heal()
    await world.restart()
    world.services.pmdb.throttle(ROWS[Feature.HISTORY], wait=200, times=None)
    asked = len(world.services.pmdb.log)
    running = asyncio.create_task(go(world, things, TO_PUBLICMETADB))
    while len(world.services.pmdb.log) == asked:  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.01)
    began = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - began < 5
