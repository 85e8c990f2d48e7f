"""How much is asked of the services (design, section 8)."""

from collections import Counter
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import Feature
from tests.providers.plex.conftest import NOON, SCOPE, World, hex_key, plays
from tests.simulators.library import Ids


@pytest.fixture
def big(world: World) -> World:
    """3,000 watched episodes in 60 shows."""
    world.pms.state.journaling = False
    for number in range(60):
        show = world.show(10_000 + number)
        for episode in range(50):
            key = number * 50 + episode
            item = world.pms.add_episode(
                show,
                1 + episode // 10,
                1 + episode % 10,
                guid=f"plex://episode/{hex_key(key)}",
                ids=Ids(None, 1_000_000 + key),
            )
            world.play(item, NOON - key * 60)
    return world


async def test_first_read(big: World) -> None:
    provider = big.provider()
    snapshot = await provider.read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) == 3000
    assert all(play.item.ids.tmdb and play.item.show_ids.tmdb for play in plays(snapshot))
    assert Counter(request.path for request in big.pms.log) == {
        "/identity": 1,
        "/library/sections": 1,
        "/library/sections/1/all": 1,
        "/library/sections/2/all": 1 + 3,
        "/status/sessions/history/all": 3,
    }
    assert provider.requests == len(big.pms.log) == 10
    assert not big.cloud.log


async def test_idle_read(big: World) -> None:
    provider = big.provider()
    before = await provider.read(Feature.HISTORY, SCOPE)
    assert len(before.watched) == 3000
    big.pms.log.clear()
    again = await provider.read(Feature.HISTORY, SCOPE)
    assert Counter(request.path for request in big.pms.log) == {
        "/identity": 1,
        "/library/sections": 1,
        "/library/sections/1/all": 1,
        "/library/sections/2/all": 1,
        "/status/sessions/history/all": 1,
    }
    assert again == replace(before, read_at=again.read_at)
