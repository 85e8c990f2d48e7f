"""A part of the fault matrix, and whether its books would tell a loss."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import Feature
from faults.cells import Cell, cells, try_out
from faults.kinds import Fault
from faults.things import THINGS
from faults.world import WAYS, Place, World

pytestmark = pytest.mark.thorough

PART = ("empty-once@publicmetadb", "half-for-a-day@plex", "written-not-stored@publicmetadb", "none@plex")


@pytest.mark.parametrize(
    "cell",
    [cell for cell in cells() if cell.name in PART and cell.way is WAYS[-1]],
    ids=lambda cell: f"{cell.name}-{cell.feature}",
)
async def test_nothing_is_lost_and_nothing_doubled(cell: Cell, socket_enabled: None) -> None:
    row = await try_out(cell)
    assert (row.lost, row.doubled) == (0, 0)
    assert row.after == row.before >= 50


@pytest.mark.parametrize("feature", list(Feature))
async def test_the_books_tell_what_is_lost_and_doubled(feature: Feature, socket_enabled: None) -> None:
    """A service that loses three things, and another that has one twice, in truth."""

    def strike(world: World, feature: Feature, place: Place, held: int) -> None:
        things = next(made for made in THINGS if made.feature is feature)(world.services)
        for title in things.titles[20:23]:
            # by hand, so that the books know nothing of it
            things.take(Place.PUBLICMETADB, title)
        if feature in (Feature.WATCHLIST, Feature.HISTORY):
            things.put(Place.PUBLICMETADB, things.titles[25])

    fault = Fault("by-hand", strike)
    cell = next(each for each in cells() if each.feature is feature and each.way is WAYS[-1])
    row = await try_out(replace(cell, fault=fault))
    assert row.lost >= 3
    assert (row.doubled > 0) == (feature in (Feature.WATCHLIST, Feature.HISTORY))
