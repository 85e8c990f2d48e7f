"""What is taken away on one side of a pair with Plex: what travels, and what never does."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.crosswatch.sync.models import Direction, Feature, Ids, Item, Kind, Play, Rating, Side
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.state import State
from tests.providers.plex.conftest import NOON, World
from tests.providers.plex.test_through_engine import THEN, Runs, movie

HISTORY, RATINGS = Feature.HISTORY, Feature.RATINGS
DAY = 86_400


@pytest.fixture(params=list(Direction))
async def runs(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Runs]:
    """A pair with removals on: another service, and Plex as its target."""
    state = await State.open(tmp_path)
    made = Runs(world, state, tmp_path)
    made.provider(marked=False)
    settings = PairSettings(removals=frozenset(Feature))
    made.request = replace(made.request, direction=request.param, settings=settings)
    yield made
    await state.close()


@pytest.fixture
async def outwards(world: World, tmp_path: Path) -> AsyncIterator[Runs]:
    """A two-way pair, where what happens in Plex travels too."""
    state = await State.open(tmp_path)
    made = Runs(world, state, tmp_path)
    settings = PairSettings(removals=frozenset(Feature))
    made.request = replace(made.request, direction=Direction.TWO_WAY, settings=settings)
    yield made
    await state.close()


def times(runs: Runs) -> list[int | None]:
    """When the other side says that something was watched."""
    return [entry.watched_at for entry in runs.other.entries[HISTORY] if isinstance(entry, Play)]


async def test_plex_is_unwatched_when_the_last_play_of_an_item_is_gone(runs: Runs) -> None:
    film, _ = runs.world.movie(1), runs.world.movie(2)
    runs.hold(movie(1, THEN), movie(1, THEN + DAY), movie(2))
    await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 1
    runs.other.entries[HISTORY].pop(0)
    for _ in range(4):
        await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 1, "one play is left"
    runs.other.entries[HISTORY].pop(0)
    await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 1, "not certain yet"
    report = await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 0
    assert report.total("removed") == 1
    for _ in range(3):
        report = await runs.run()
        assert not runs.sent("/:/unscrobble")
        assert report.total("removed") == 0
    assert times(runs) == [THEN]


async def test_what_was_watched_in_plex_itself_is_not_unwatched(runs: Runs) -> None:
    film, _ = runs.world.movie(1), runs.world.movie(2)
    runs.hold(movie(1), movie(2))
    await runs.run()
    runs.other.entries[HISTORY].pop(0)
    await runs.run()
    runs.world.play(film, int(runs.now) + 60)
    for _ in range(3):
        await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 2


async def test_a_play_taken_out_of_plexs_history_goes_too(outwards: Runs) -> None:
    film = outwards.world.movie(1)
    outwards.world.play(film, NOON, NOON + 10 * DAY)
    await outwards.run()
    assert times(outwards) == [NOON, NOON + 10 * DAY]
    outwards.world.pms.state.delete_play(1)
    outwards.provider()
    await outwards.run()
    assert len(times(outwards)) == 2, "not certain yet"
    report = await outwards.run()
    assert (times(outwards), report.total("removed")) == ([NOON + 10 * DAY], 1)
    assert (await outwards.run()).total("removed") == 0
    assert outwards.world.pms.user_state(1, film).view_count == 2


async def test_plays_of_deleted_items_are_not_gone(outwards: Runs) -> None:
    film = outwards.world.movie(1)
    outwards.world.play(film, NOON)
    outwards.world.play(outwards.world.movie(2), NOON)
    await outwards.run()
    assert times(outwards) == [NOON, NOON]
    outwards.world.pms.delete_item(film)
    for _ in range(4):
        report = await outwards.run()
        assert (report.total("removed"), report.total("unresolved")) == (0, 0)
    assert times(outwards) == [NOON, NOON]


async def test_plays_that_a_setting_leaves_out_are_not_gone(world: World, tmp_path: Path) -> None:
    state = await State.open(tmp_path)
    runs = Runs(world, state, tmp_path)
    runs.request = replace(
        runs.request,
        direction=Direction.TWO_WAY,
        settings=PairSettings(removals=frozenset(Feature)),
    )
    runs.plex = world.whole(history_require_external_ids=True)
    film = world.movie(1)
    world.play(film, NOON)
    world.play(world.movie(2), NOON)
    await runs.run()
    assert times(runs) == [NOON, NOON]
    world.pms.delete_item(film)
    for _ in range(4):
        assert (await runs.run()).total("removed") == 0
    assert times(runs) == [NOON, NOON]
    await state.close()


@pytest.mark.parametrize("marked", [False, True])
async def test_unmarking_watched_never_travels(outwards: Runs, marked: bool) -> None:
    film = outwards.world.movie(1)
    outwards.provider(marked=marked)
    outwards.world.play(outwards.world.movie(2), NOON)
    if marked:
        outwards.world.pms.mark_watched(1, film, THEN)
    else:
        outwards.world.play(film, THEN)
    await outwards.run()
    outwards.world.pms.mark_unwatched(1, film)
    for _ in range(4):
        await outwards.run()
    assert times(outwards) == [THEN, NOON]
    assert outwards.world.pms.user_state(1, film).view_count == 0


async def test_a_rating_taken_back_in_plex_goes_too(outwards: Runs) -> None:
    film = outwards.world.movie(1)
    outwards.world.pms.rate(1, film, 8.0, NOON)
    outwards.world.pms.rate(1, outwards.world.movie(2), 7.0, NOON)
    await outwards.run(RATINGS)
    assert len(outwards.other.entries[RATINGS]) == 2
    outwards.world.pms.rate(1, film, None)
    await outwards.run(RATINGS)
    assert len(outwards.other.entries[RATINGS]) == 2, "not certain yet"
    report = await outwards.run(RATINGS)
    assert report.total("removed") == 1
    assert [entry.item.ids.tmdb for entry in outwards.other.entries[RATINGS]] == [2]


async def test_a_rating_that_went_with_its_film_stays(outwards: Runs) -> None:
    film = outwards.world.movie(1)
    outwards.world.pms.rate(1, film, 8.0, NOON)
    outwards.world.pms.rate(1, outwards.world.movie(2), 7.0, NOON)
    await outwards.run(RATINGS)
    outwards.world.pms.delete_item(film)
    for _ in range(4):
        report = await outwards.run(RATINGS)
        assert (report.total("removed"), report.total("skipped")) == (0, 1)
    assert len(outwards.other.entries[RATINGS]) == 2


async def test_a_rating_taken_back_elsewhere_goes_from_plex(runs: Runs) -> None:
    film, _ = runs.world.movie(1), runs.world.movie(2)
    for number in (1, 2):
        item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=number), title=f"Movie {number}")
        runs.hold(Rating(item=item, tenths=80, rated_at=NOON))
    await runs.run(RATINGS)
    assert runs.world.pms.user_state(1, film).rating == 8.0
    runs.other.entries[RATINGS].pop(0)
    await runs.run(RATINGS)
    report = await runs.run(RATINGS)
    assert (report.total("removed"), report.features[RATINGS].sides[Side.TARGET].removed) == (1, 1)
    assert not runs.world.pms.user_state(1, film).rating
    assert (await runs.run(RATINGS)).total("removed") == 0
