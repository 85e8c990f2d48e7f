"""Every open question of the wire, one way and the other: each feature is written and read all the same."""

from typing import Any

import pytest

from custom_components.crosswatch.sync.models import (
    Action,
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
from tests.providers.plex.conftest import NOON, SCOPE, World, change, hex_key, outcomes
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import Clearing, Oversize

THEN = NOON - 999_999
COUNT = 6
SERVERS: list[dict[str, Any]] = [
    {"denied_status": 401},
    {"prefs_owner_only": False, "sessions_owner_only": False},
    {"caches_tokens": True},
    {"filter_needs_type": True},
    {"unscoped_episode_filters_work": False},
    {"exclude_elements_drops_guids": True},
    {"max_container_size": 3},
    {"max_batch": 1},
    {"max_batch": 2, "oversized_batch_status": 414},
    {"unknown_batch_status": 200},
    {"rows_repeat_section": True, "unpaged_has_total": True},
    {"deleted_rows_have_empty_keys": True},
    {"scrobble_writes_history": True},
    {"scrobble_honours_viewed_at": True},
    {"marked_stays_in_continue_watching": True},
    {"rate_minus_one": Clearing.IGNORE},
    {"rate_minus_one": Clearing.REJECT, "rate_zero": Clearing.STORE_ZERO},
    {"rate_minus_one": Clearing.STORE_ZERO, "rate_zero": Clearing.REJECT},
    {"played_threshold": 50},
    {"minimum_offset": 0},
    {"timeline_writes_history": False, "timeline_counts_once": False},
    {"timeline_marks_watched": False, "timeline_offline_backdates": True},
]
CLOUDS: list[dict[str, Any]] = [
    {"watchlist_max_size": 40, "watchlist_oversize": Oversize.CLAMP},
    {"watchlist_max_size": 300, "watchlist_oversize": Oversize.SERVE},
    {"watchlist_etag": False},
    {"etag_survives_reordering": True},
    {"watchlist_show_guids": False},
    {"watchlist_rows_have_user_state": True},
    {"matches_needs_type": False},
    {"matches_needs_title_for_plex_guid": False},
    {"matches_needs_title_always": True},
    {"matches_miss_status": 404},
    {"metadata_batches": True},
]


def entries(feature: Feature) -> list[Any]:
    """Something to write for each of the titles."""
    found: list[Any] = []
    for number in range(1, COUNT + 1):
        if number > COUNT // 2 and feature is not Feature.WATCHLIST:
            show = Ids(tmdb=50)
            item = Item(kind=Kind.EPISODE, show_ids=show, season=1, episode=number)
        else:
            item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=number), title=f"Movie {number}")
        match feature:
            case Feature.HISTORY:
                found.append(Play(item=item, watched_at=THEN))
            case Feature.RATINGS:
                found.append(Rating(item=item, tenths=75, rated_at=THEN))
            case Feature.PROGRESS:
                found.append(Resume(item=item, position_ms=600_000, duration_ms=None, at=THEN))
            case _:
                found.append(WatchlistEntry(item=item))
    return found


async def held(world: World, feature: Feature) -> int:
    """How many of them a fresh read shows, complete with ids."""
    snapshot = await world.whole().read(feature, SCOPE)
    items = snapshot.watched if feature is Feature.HISTORY else [entry.item for entry in snapshot.entries]
    return len({(item.ids.tmdb, item.show_ids.tmdb, item.episode) for item in items if item.ids.tmdb})


CASES = [
    *(("pms", feature, each) for feature in Feature if feature is not Feature.WATCHLIST for each in SERVERS),
    *(("cloud", Feature.WATCHLIST, each) for each in CLOUDS),
]


@pytest.mark.parametrize(
    ("where", "feature", "options"),
    CASES,
    ids=lambda each: "-".join(each) if isinstance(each, dict) else each,
)
async def test_round(world: World, where: str, feature: Feature, options: dict[str, Any]) -> None:
    for name, value in options.items():
        setattr(getattr(world, where).options, name, value)
    show = world.show(50)
    for number in range(1, COUNT + 1):
        world.movie(number)
        world.episode(show, 1, number)
        world.cloud.add_movie(f"Movie {number}", hex_key(number), TrueIds(f"tt{number:07d}", number, number))
    provider = world.whole()
    planned = [change(each) for each in entries(feature)]
    for expected in (OutcomeStatus.APPLIED, OutcomeStatus.ALREADY):
        done = {each.status for each in await outcomes(provider, *planned)}
        # a list does not tell that a title was on it
        assert done == {OutcomeStatus.APPLIED if feature is Feature.WATCHLIST else expected}
        assert await held(world, feature) == COUNT
    assert {state.view_count for state in world.pms.state.states.get(1, {}).values()} <= {0, 1}
    if feature is Feature.PROGRESS:
        return
    gone = [change(each.entry, Action.REMOVE, before=each.entry) for each in planned]
    assert {each.status for each in await outcomes(provider, *gone)} == {OutcomeStatus.APPLIED}
    assert await held(world, feature) == 0
