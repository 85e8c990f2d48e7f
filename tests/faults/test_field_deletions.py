"""Failures of other tools, F20 to F27: deletions, baselines and what is kept on disk."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.crosswatch.sync import guards
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.models import Direction, Feature, Ids
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.settings import PairSettings
from faults.cells import settings
from faults.things import History, Positions, Watchlist
from faults.world import DAY, HOUR, PAIR, WAYS, Place, World
from tests.sync.fakes import FakeProvider, listed, movie
from tests.sync.lab import Lab

from .test_field_reads import go, in_step

pytestmark = pytest.mark.thorough

TO_PUBLICMETADB, TO_PLEX, TWO_WAY = WAYS


async def test_f20_each_pair_sees_a_deletion_for_itself(lab: Lab) -> None:
    lab.fill(8)
    targets = {"01PAIR": lab.target, "02PAIR": FakeProvider("publicmetadb")}

    async def run() -> None:
        for pair, lab.target in targets.items():
            await lab.run(pair_id=pair, scope=replace(lab.request.scope, pair_id=pair), settings=settings())

    await run()
    lab.source.entries[Feature.WATCHLIST].pop()
    for _ in range(3):
        await run()
    assert [len(target.entries[Feature.WATCHLIST]) for target in targets.values()] == [7, 7]


async def test_f21_held_removals_wait_and_are_not_forgotten(world: World) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 40)
    for title in things.titles[:15]:
        things.take(Place.PLEX, title)
    for _ in range(3):
        report = await go(world, things, later=HOUR)
    assert report.status is RunStatus.HELD
    assert things.held(Place.PUBLICMETADB).total() == 40
    (held,) = await world._state.held(PAIR)
    assert len(held.changes) == 15
    await world._state.approve_plan(PAIR, Feature.WATCHLIST, held.plan_hash, int(world.clock.now))
    assert (await go(world, things)).total("removed") == 15
    assert things.held(Place.PUBLICMETADB).total() == 25


async def test_f22_brake_that_fails_removes_nothing(world: World) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 20)
    things.take(Place.PLEX, things.titles[0])
    with patch.object(guards, "_too_much", side_effect=ZeroDivisionError):
        for _ in range(3):
            assert (await go(world, things, later=HOUR)).status is RunStatus.HELD
    assert things.held(Place.PUBLICMETADB).total() == 20


@pytest.mark.parametrize(("taken", "left"), [(5, 15), (6, 20)])
async def test_f22_brake_counts_a_few_and_a_share(world: World, taken: int, left: int) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 20)
    for title in things.titles[:taken]:
        things.take(Place.PLEX, title)
    for _ in range(3):
        await go(world, things, later=HOUR)
    assert things.held(Place.PUBLICMETADB).total() == left


async def test_f22_brake_adds_up_the_runs_of_a_day(world: World) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 20)
    for title in things.titles[:8]:
        things.take(Place.PLEX, title)
        for _ in range(2):
            report = await go(world, things, later=HOUR)
    assert report.status is RunStatus.HELD
    assert things.held(Place.PUBLICMETADB).total() == 15


async def test_f23_deletion_is_remembered_under_any_id(lab: Lab) -> None:
    both = Ids(tmdb=1, imdb="tt0000001")
    lab.source.entries[Feature.WATCHLIST] = [listed(replace(movie(1), ids=both)), listed(movie(2))]
    lab.target.entries[Feature.WATCHLIST] = [listed(movie(imdb="tt0000001")), listed(movie(2))]
    two_way: dict[str, Any] = {"direction": Direction.TWO_WAY}
    await lab.run(**two_way)
    del lab.source.entries[Feature.WATCHLIST][0]
    for days in (0, 1, 30, 400):
        lab.now += days * DAY
        await lab.run(**two_way)
    assert len(lab.source.entries[Feature.WATCHLIST]) == 1


async def test_f24_missing_position_unwatches_nothing(world: World) -> None:
    things = Positions(world.services)
    await in_step(world, things, 10)
    for title in things.titles[:4]:
        things.take(Place.PUBLICMETADB, title)
    before = things.held(Place.PLEX)
    for _ in range(3):
        await go(world, things, later=HOUR)
    assert things.held(Place.PLEX) == before
    assert not world.services.pms.requests("/:/unscrobble")


async def test_f25_unwatching_is_off_unless_asked_for_and_braked(world: World) -> None:
    things = History(world.services)
    await in_step(world, things, 40, TO_PLEX)

    async def run(chosen: PairSettings) -> int:
        for _ in range(3):
            await world.run(TO_PLEX, Feature.HISTORY, later=HOUR, settings=chosen)
        return len(world.services.pms.requests("/:/unscrobble"))

    things.take(Place.PUBLICMETADB, things.titles[1])
    assert await run(PairSettings()) == 0
    assert await run(settings()) == 1
    for title in things.titles[2:14]:
        things.take(Place.PUBLICMETADB, title)
    assert await run(settings()) == 1


@pytest.mark.parametrize(
    ("changed", "added", "removed"),
    [
        ({}, True, True),
        ({"adds": frozenset[Feature]()}, False, True),
        ({"removals": frozenset[Feature]()}, True, False),
    ],
)
async def test_f26_each_switch_does_something(
    world: World, changed: dict[str, Any], added: bool, removed: bool
) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 10)
    things.take(Place.PLEX, things.titles[0])
    things.put(Place.PLEX, things.titles[20])
    chosen = replace(settings(), **changed)
    for _ in range(3):
        await world.run(TO_PUBLICMETADB, Feature.WATCHLIST, later=HOUR, settings=chosen)
    held = {title for title, _ in things.held(Place.PUBLICMETADB)}
    assert (things.titles[20] in held) == added
    assert (things.titles[0] not in held) == removed


async def test_f26_brake_can_be_released(world: World) -> None:
    things = Watchlist(world.services)
    await in_step(world, things, 40)
    for title in things.titles[:12]:
        things.take(Place.PLEX, title)
    free = replace(settings(), brake=False)
    for _ in range(3):
        await world.run(TO_PUBLICMETADB, Feature.WATCHLIST, later=HOUR, settings=free)
    assert things.held(Place.PUBLICMETADB).total() == 28


async def test_f27_state_that_fails_stops_the_pair(lab: Lab) -> None:
    lab.fill(30)
    failing = patch.object(type(lab.state), "intend", side_effect=StateError("disk full"))
    with failing, pytest.raises(StateError):
        await lab.run()
    assert lab.at_target == []
    assert (await lab.run()).total("added") == 30
