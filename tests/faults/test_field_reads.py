"""Failures of other tools, F01 to F11: what is read. Each test is named after its failure."""

from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from custom_components.crosswatch.sync.models import Direction, Feature, Scope, Side
from custom_components.crosswatch.sync.provider import UnreachableError
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from faults.cells import Row, cells, settings, try_out
from faults.kinds import ROWS
from faults.things import History, Positions, Ratings, Things, Watchlist
from faults.world import HOUR, KEY, WAYS, Place, Way, World
from tests.sync.fakes import listed, movie
from tests.sync.lab import Lab

pytestmark = pytest.mark.thorough

TO_PUBLICMETADB, TO_PLEX, TWO_WAY = WAYS


async def tried(fault: str, feature: Feature, way: Way = TWO_WAY) -> Row:
    """Try one cell of the matrix: everything has to be there in the end."""
    wanted = (fault, feature, way)
    row = await try_out(next(c for c in cells() if (c.name, c.feature, c.way) == wanted))
    assert (row.lost, row.doubled) == (0, 0), row
    assert row.after == row.before
    return row


async def in_step(world: World, things: Things, count: int, way: Way = TWO_WAY) -> None:
    """Let both services hold the first so many titles, and the pair know it."""
    for title in things.titles[:count]:
        things.put(Place.PLEX, title)
        if not isinstance(things, Ratings):
            things.put(Place.PUBLICMETADB, title)
    report = await world.run(way, things.feature, settings=settings())
    assert report.succeeded, report


async def go(world: World, things: Things, way: Way = TWO_WAY, **more: float) -> RunReport:
    """Run with removals."""
    return await world.run(way, things.feature, settings=settings(), **more)


@pytest.mark.parametrize("place", list(Place))
async def test_f01_failed_page_or_section_fails_the_read(world: World, place: Place) -> None:
    things = History(world.services)
    world.services.pmdb.settings.max_per_page = 20
    await in_step(world, things, 50)
    await world.restart()
    if place is Place.PUBLICMETADB:
        world.services.pmdb.fail(ROWS[Feature.HISTORY], status=503, first=2, times=None)
    else:
        world.services.pms.inject("/library/sections/2/all", status=500, times=None)
    before = {each: things.held(each) for each in Place}
    for _ in range(2):
        report = await go(world, things, later=HOUR)
        assert report.status in (RunStatus.UNREACHABLE, RunStatus.INCOMPLETE)
        assert report.total("removed") == 0
    world.services.heal()
    assert (await go(world, things)).status is RunStatus.OK
    assert {each: things.held(each) for each in Place} == before


@pytest.mark.parametrize("place", list(Place))
async def test_f02_empty_answer_is_no_proof_of_deletion(place: Place, socket_enabled: None) -> None:
    assert (await tried(f"empty-once@{place}", Feature.WATCHLIST)).outcome == "held"


@pytest.mark.parametrize("place", list(Place))
@pytest.mark.parametrize("share", ["half", "most"])
async def test_f03_truncated_answer_is_no_proof_of_deletion(
    place: Place, share: str, socket_enabled: None
) -> None:
    await tried(f"{share}-once@{place}", Feature.HISTORY)


@pytest.mark.parametrize("place", list(Place))
@pytest.mark.parametrize("feature", [Feature.WATCHLIST, Feature.HISTORY])
async def test_f04_guard_needs_no_help_of_a_provider(
    place: Place, feature: Feature, socket_enabled: None
) -> None:
    assert (await tried(f"most-for-a-day@{place}", feature)).outcome == "held"


async def test_f05_read_that_raises_changes_nothing(lab: Lab) -> None:
    lab.fill(5)
    await lab.run()
    known = await lab.state.known(lab.request.pair_id, Feature.WATCHLIST, SCOPES)
    assert len(known.baseline) == 5
    lab.source.entries[Feature.WATCHLIST] = []
    lab.target.read_error = UnreachableError("down")
    report = await lab.run(settings=settings())
    assert report.status is RunStatus.UNREACHABLE
    assert await lab.state.known(lab.request.pair_id, Feature.WATCHLIST, SCOPES) == known


SCOPES = dict.fromkeys(Side, "same")


@pytest.mark.parametrize("place", list(Place))
async def test_f06_stale_list_after_a_write_deletes_nothing(place: Place, socket_enabled: None) -> None:
    assert (await tried(f"stale-after-write@{place}", Feature.WATCHLIST)).outcome == "partial"


async def test_f07_reaching_the_page_limit_is_no_short_history(world: World, tmp_path: Path) -> None:
    things = History(world.services)
    await in_step(world, things, 30)
    options = {"api_key": KEY, "base_url": world.services.pmdb.url, "rate_limit": {"post_per_sec": 0}}
    limited = PublicMetaDBSettings.from_options(options | {"history_per_page": 10, "history_max_pages": 2})
    narrow = PublicMetaDBProvider(world._session, limited, Pacers(), tmp_path / "narrow", world.clock)
    world._providers[Place.PUBLICMETADB] = narrow
    before = things.held(Place.PUBLICMETADB)
    report = await go(world, things)
    assert report.status is RunStatus.INCOMPLETE
    assert "pages" in (report.features[Feature.HISTORY].error or "")
    assert things.held(Place.PUBLICMETADB) == before


@pytest.mark.parametrize("place", list(Place))
async def test_f08_refused_connection_is_unreachable_and_never_ok(world: World, place: Place) -> None:
    things = History(world.services)
    await in_step(world, things, 5)
    down = world.services.pms if place is Place.PLEX else world.services.pmdb
    await down.stop()
    report = await go(world, things)
    assert report.status is RunStatus.UNREACHABLE
    assert not report.succeeded
    failed = report.features[Feature.HISTORY]
    assert failed.side is (Side.SOURCE if place is Place.PLEX else Side.TARGET)
    assert failed.error
    await down.start()
    assert (await go(world, things)).status is RunStatus.OK


@pytest.mark.parametrize("made", [History, Ratings, Positions])
async def test_f09_specials_and_number_zero_are_numbers(world: World, made: type[Things]) -> None:
    things = made(world.services)
    zero = next(title for title in things.titles if (title.season, title.episode) == (0, 0))
    things.put(Place.PLEX, zero)
    assert (await go(world, things, TO_PUBLICMETADB)).total("added") >= 1
    assert {title for title, _ in things.held(Place.PUBLICMETADB)} == {zero}
    assert (await go(world, things, TO_PUBLICMETADB)).total("added") == 0


async def test_f10_another_account_deletes_nothing(lab: Lab) -> None:
    lab.fill(8)
    await lab.run(direction=Direction.TWO_WAY)
    lab.source.scope_hash = "somebody else"
    lab.source.entries[Feature.WATCHLIST] = [listed(movie(99))]
    for _ in range(3):
        report = await lab.run(direction=Direction.TWO_WAY, settings=settings())
        assert report.total("removed") == 0
    assert set(lab.at_target) == {*range(1, 9), 99}


async def test_f10_each_user_has_a_scope_of_their_own(world: World) -> None:
    plex = world._providers[Place.PLEX]
    scope = Scope(pair_id="pair")
    own = await plex.read(Feature.WATCHLIST, scope)
    cloud = world.services.cloud
    other = cloud.add_user("Bo")
    account = replace(world.services.account(), token=cloud.token(other), user_id=other.id, server=None)
    world.services.account = lambda: account  # type: ignore[method-assign]
    await world.restart()
    assert (await world._providers[Place.PLEX].read(Feature.WATCHLIST, scope)).scope_hash != own.scope_hash


async def test_f11_what_is_remembered_of_a_library_follows_it(world: World) -> None:
    things = History(world.services)
    await in_step(world, things, 10)
    title = things.titles[4]
    world.services.pms.delete_item(world.services.items[title])
    world.services.items[title] = world.services.pms.readd_item(world.services.items[title])
    before = {each: things.held(each) for each in Place}
    for _ in range(3):
        report = await go(world, things, later=HOUR)
        assert report.status is RunStatus.OK
        assert not report.total("removed") + report.total("added")
    assert {each: things.held(each) for each in Place} == before
    things.put(Place.PUBLICMETADB, things.titles[40])
    assert (await go(world, things)).total("added") == 1


def test_f28_is_among_what_is_listed(world: World) -> None:
    """The watchlist of these tests holds movies and shows with the same numbers."""
    titles = Watchlist(world.services).titles
    assert len({title.number for title in titles}) == len(titles) / 2
