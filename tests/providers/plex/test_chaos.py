"""Writes while everything may fail at any moment: what is told is true, and nothing counts twice."""

import os
import random
from typing import Any

import pytest

from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    WatchlistEntry,
)
from custom_components.crosswatch.sync.provider import ProviderError
from tests.providers.plex.conftest import NOON, SCOPE, World, change, hex_key
from tests.simulators.base import When
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import Item as PlexItem

pytestmark = pytest.mark.thorough

SEEDS = int(os.environ.get("CROSSWATCH_LIVES", "4"))
ITEMS = 12
HTML: dict[str, Any] = {"status": 200, "body": "<html>a gateway</html>"}
FAULTS: list[dict[str, Any]] = [
    {"drop": True},
    {"drop": True, "when": When.AFTER},
    {"status": 500},
    {"status": 500, "when": When.AFTER},
    {"status": 503, "body": "<html>starting</html>", "when": When.AFTER},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "0"}},
    {"status": 429, "headers": {"Retry-After": "9999"}},
    {"status": 401},
    {"status": 403},
    {"status": 404},
    HTML,
    {**HTML, "when": When.AFTER},
]
PATHS = {
    Feature.HISTORY: ("/:/*scrobble", "/library/metadata/*", "/library/sections*", "/identity"),
    Feature.RATINGS: ("/:/rate", "/library/metadata/*", "/library/sections*", "/identity"),
    Feature.PROGRESS: ("/:/timeline", "/library/metadata/*", "/status/sessions", "/:/prefs"),
    Feature.WATCHLIST: ("*/actions/*", "*/library/metadata/*"),
}


def entry(feature: Feature, item: Item) -> Play | Rating | Resume | WatchlistEntry:
    match feature:
        case Feature.HISTORY:
            return Play(item=item, watched_at=NOON - 99)
        case Feature.RATINGS:
            return Rating(item=item, tenths=85, rated_at=NOON - 99)
        case Feature.PROGRESS:
            return Resume(item=item, position_ms=900_000, duration_ms=6_000_000, at=NOON - 99)
    return WatchlistEntry(item=item)


def done(world: World, planned: Change, film: PlexItem) -> bool:
    """Whether Plex is as the change wants it."""
    state = world.pms.user_state(1, film)
    match planned.feature:
        case Feature.HISTORY:
            there = state.view_count == 1
        case Feature.RATINGS:
            there = state.rating == 8.5
        case Feature.PROGRESS:
            there = state.view_offset == 900_000
        case _:
            there = film.guid.rpartition("/")[2] in world.cloud.listed(world.owner)
    return there if planned.action is Action.ADD else not there


@pytest.mark.parametrize("feature", list(Feature))
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_what_is_told_is_true(world: World, feature: Feature, seed: int) -> None:
    luck = random.Random(seed)
    films: dict[str, PlexItem] = {}
    planned: list[Change] = []
    undo = feature is not Feature.PROGRESS
    for number in range(1, ITEMS + 1):
        film = world.movie(number)
        world.cloud.add_movie(film.title, hex_key(number), TrueIds(f"tt{number:07d}", number, number))
        made = entry(feature, Item(kind=Kind.MOVIE, ids=Ids(tmdb=number)))
        action = Action.REMOVE if undo and number % 3 == 0 else Action.ADD
        if action is Action.REMOVE:
            _put(world, feature, film)
        planned.append(change(made, action, before=made if action is Action.REMOVE else None))
        films[planned[-1].key] = film
    provider = world.whole()
    if feature is not Feature.WATCHLIST:
        await provider.read(feature, SCOPE)
    simulator = world.cloud if feature is Feature.WATCHLIST else world.pms
    for _ in range(luck.randint(1, 4)):
        fault = luck.choice(FAULTS)
        simulator.inject(
            luck.choice(PATHS[feature]),
            first=luck.randint(1, ITEMS),
            times=luck.choice((1, 2, 4, None)),
            **fault,
        )
    told: dict[str, OutcomeStatus] = {}
    try:
        async for each in provider.apply(feature, planned, SCOPE):
            assert each.change.key not in told
            told[each.change.key] = each.status
    except ProviderError:
        pass
    else:
        assert told.keys() == films.keys()

    def check(one: Change) -> bool:
        return done(world, one, films[one.key])

    for one in planned:
        if told.get(one.key) in (OutcomeStatus.APPLIED, OutcomeStatus.ALREADY):
            assert check(one), one.key
        assert world.pms.user_state(1, films[one.key]).view_count <= 1
    # and once the trouble is over, everything can be done
    simulator.heal()
    again = world.whole()
    left = [one for one in planned if not check(one)]
    if left:
        assert {each.status async for each in again.apply(feature, left, SCOPE)} <= {
            OutcomeStatus.APPLIED,
            OutcomeStatus.ALREADY,
        }
    assert all(map(check, planned))


def _put(world: World, feature: Feature, film: PlexItem) -> None:
    match feature:
        case Feature.HISTORY:
            world.play(film, NOON - 99)
        case Feature.RATINGS:
            world.pms.rate(1, film, 8.5)
        case Feature.WATCHLIST:
            world.cloud.watchlist_add(world.owner, film.guid)
