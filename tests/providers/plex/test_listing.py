"""Writing the watchlist: ids lead to a key of Discover, answers are verified, titles decide nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.plex.listing import guid_key, plex_key
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import Action, Ids, Item, Kind, OutcomeStatus, WatchlistEntry
from custom_components.crosswatch.sync.provider import (
    AuthError,
    ForbiddenError,
    ProviderError,
    RateLimitedError,
    UnreachableError,
)
from tests.providers.plex.conftest import (
    DISCOVER,
    METADATA,
    WATCHLIST,
    World,
    apply,
    change,
    hex_key,
    listing,
    outcomes,
    read_wanted,
)
from tests.simulators.base import When
from tests.simulators.library import Ids as TrueIds, Title

APPLIED, UNRESOLVED, FAILED = OutcomeStatus.APPLIED, OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED
MATCHES = f"{METADATA}/library/metadata/matches"
ADD, REMOVE = f"{DISCOVER}/actions/addToWatchlist", f"{DISCOVER}/actions/removeFromWatchlist"


def wanted(kind: Kind = Kind.MOVIE, title: str | None = None, **ids: Any) -> WatchlistEntry:
    return WatchlistEntry(item=Item(kind=kind, ids=Ids(**ids), title=title))


def know(world: World, number: int, ids: TrueIds | None = None) -> str:
    """Let Discover know a movie."""
    key = hex_key(number)
    world.cloud.add_movie(f"Movie {number}", key, ids or TrueIds(f"tt{number:07d}", number, number))
    return key


async def put(
    provider: PlexProvider, *entries: WatchlistEntry, action: Action = Action.ADD
) -> list[tuple[OutcomeStatus, str | None]]:
    changes = [change(entry, action) for entry in entries]
    done = await apply(provider, *changes)
    return [done[each.key] for each in changes]


def listed(world: World) -> set[str]:
    return set(world.cloud.listed(world.owner))


@pytest.mark.parametrize(
    "ids", [{"tmdb": 603}, {"imdb": "tt0000603"}, {"tvdb": 603}, {"tmdb": 603, "imdb": "tt0000603"}]
)
async def test_add_by_any_id(world: World, ids: dict[str, Any]) -> None:
    key = know(world, 603)
    (done,) = await outcomes(world.whole(), change(wanted(**ids)))
    assert (done.status, done.remote_id) == (APPLIED, key)
    assert listed(world) == {key}
    (asked,) = world.cloud.requests(MATCHES)
    query = dict(asked.query)
    assert query["type"] == "1"
    assert query["includeGuids"] == "1"
    assert "title" not in query
    assert "year" not in query
    assert len(world.cloud.log) == 2
    assert not world.pms.log


async def test_guid_needs_no_look_up(world: World) -> None:
    key = know(world, 603)
    assert await put(world.whole(), wanted(guid=f"plex://movie/{key}")) == [(APPLIED, None)]
    assert listed(world) == {key}
    assert not world.cloud.requests(MATCHES)


async def test_numbers_of_movies_and_shows_are_apart(world: World) -> None:
    know(world, 1399)
    show = Title("show", "A show", 2011, hex_key(2), TrueIds(None, 1399), 0, "2011-01-01")
    world.cloud.add_title(show)
    assert await put(world.whole(), wanted(Kind.SHOW, tmdb=1399)) == [(APPLIED, None)]
    assert listed(world) == {hex_key(2)}


@pytest.mark.parametrize("kind", [Kind.SEASON, Kind.EPISODE])
async def test_seasons_and_episodes_are_never_listed(world: World, kind: Kind) -> None:
    assert await put(world.whole(), wanted(kind, tmdb=1)) == [(UNRESOLVED, "unsupported_media_type")]
    assert not world.cloud.log


async def test_keys_are_remembered(world: World) -> None:
    know(world, 1)
    provider = world.whole()
    await put(provider, wanted(tmdb=1))
    assert await put(provider, wanted(tmdb=1), action=Action.REMOVE) == [(APPLIED, None)]
    # the other ids of the title as well
    assert await put(provider, wanted(imdb="tt0000001")) == [(APPLIED, None)]
    assert len(world.cloud.requests(MATCHES)) == 1


async def test_keys_are_learned_from_the_list(world: World) -> None:
    world.list_titles(3)
    provider = world.whole()
    await read_wanted(provider)
    assert await put(provider, wanted(tmdb=2), action=Action.REMOVE) == [(APPLIED, None)]
    assert listed(world) == {hex_key(1), hex_key(3)}
    assert not world.cloud.requests(MATCHES)


async def test_entry_that_was_read_is_removed_by_its_own_key(world: World) -> None:
    world.list_titles(1)
    (held,) = await read_wanted(world.whole())
    foreign = WatchlistEntry(item=wanted(tmdb=99).item, remote_id="row-of-another-service")
    done = await outcomes(world.whole(), change(foreign, Action.REMOVE, before=held))
    assert done[0].status is APPLIED
    assert not listed(world)


async def test_remote_id_of_another_service_is_no_key(world: World) -> None:
    world.list_titles(1)
    key = know(world, 5)
    foreign = WatchlistEntry(item=wanted(tmdb=5).item, remote_id=hex_key(1))
    await outcomes(world.whole(), change(foreign))
    assert listed(world) == {hex_key(1), key}


async def test_adding_and_removing_twice_is_fine(world: World) -> None:
    know(world, 1)
    for action in (Action.ADD, Action.ADD, Action.REMOVE, Action.REMOVE):
        assert await put(world.whole(), wanted(tmdb=1), action=action) == [(APPLIED, None)]
    assert not listed(world)


# --- not found, ambiguous


@pytest.mark.parametrize("status", [200, 404])
async def test_not_found(world: World, status: Any) -> None:
    world.cloud.options.matches_miss_status = status
    found = await put(world.whole(), wanted(tmdb=1, imdb="tt0000001", title="Movie 1"))
    assert found == [(UNRESOLVED, "not_found")]
    assert not world.cloud.requests(ADD)
    assert not world.cloud.requests(f"{DISCOVER}/library/search")


async def test_without_ids(world: World) -> None:
    know(world, 1)
    assert await put(world.whole(), wanted(title="Movie 1")) == [(UNRESOLVED, "missing_ids")]
    assert not world.cloud.log


async def test_answer_without_the_wanted_id(world: World) -> None:
    row = {"ratingKey": hex_key(9), "type": "movie", "title": "Movie 1", "Guid": [{"id": "tmdb://9"}]}
    know(world, 9)
    world.cloud.inject(MATCHES, times=None, **listing(row))
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert not listed(world)


@pytest.mark.parametrize(
    "row",
    [
        {"ratingKey": hex_key(1), "type": "show", "Guid": [{"id": "tmdb://1"}]},
        {"ratingKey": "12345", "type": "movie", "Guid": [{"id": "tmdb://1"}]},
        {"ratingKey": "../../actions", "type": "movie", "Guid": [{"id": "tmdb://1"}]},
        {"ratingKey": hex_key(77), "type": "movie"},
    ],
)
async def test_answer_of_another_kind(world: World, row: dict[str, Any]) -> None:
    know(world, 1)
    world.cloud.inject(MATCHES, times=None, **listing(row))
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert not world.cloud.requests(ADD)


async def test_answer_without_ids_is_looked_up(world: World) -> None:
    know(world, 1)
    row = {"ratingKey": hex_key(1), "type": "movie", "title": "Movie 1"}
    world.cloud.inject(MATCHES, times=None, **listing(row))
    assert await put(world.whole(), wanted(tmdb=1)) == [(APPLIED, None)]
    assert await put(world.whole(), wanted(tmdb=2)) == [(UNRESOLVED, "not_found")]


async def test_two_titles_with_the_wanted_id(world: World) -> None:
    rows = [
        {"ratingKey": hex_key(number), "type": "movie", "Guid": [{"id": "tmdb://1"}]} for number in (1, 2)
    ]
    world.cloud.inject(MATCHES, times=None, **listing(*rows))
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "ambiguous")]
    assert not world.cloud.requests(ADD)


async def test_query_limit_is_how_many_answers_count(world: World) -> None:
    know(world, 2)
    rows = [
        {"ratingKey": hex_key(1), "type": "movie", "Guid": [{"id": "tmdb://7"}]},
        {"ratingKey": hex_key(2), "type": "movie", "Guid": [{"id": "tmdb://1"}]},
    ]
    world.cloud.inject(MATCHES, times=None, **listing(*rows))
    assert await put(world.whole(watchlist_query_limit=1), wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert await put(world.whole(watchlist_query_limit=2), wanted(tmdb=1)) == [(APPLIED, None)]


async def test_better_id_that_differs(world: World) -> None:
    """Two sources disagree about the imdb id: nothing is listed on the weaker one's word."""
    know(world, 604, TrueIds("tt0000001", 604))
    assert await put(world.whole(), wanted(tmdb=603, imdb="tt0000001")) == [(UNRESOLVED, "ambiguous")]
    assert not listed(world)


async def test_discover_that_wants_a_title(world: World) -> None:
    world.cloud.options.matches_needs_title_always = True
    know(world, 1)
    assert await put(world.whole(), wanted(tmdb=1, title="Whatever")) == [(APPLIED, None)]
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "http:400")]


# --- 404 is an error for both actions


@pytest.mark.parametrize("action", [Action.ADD, Action.REMOVE])
async def test_unknown_key_is_never_done_already(world: World, action: Action) -> None:
    entry = wanted(guid=f"plex://movie/{hex_key(5)}")
    assert await put(world.whole(), entry, action=action) == [(UNRESOLVED, "not_found")]


async def test_key_that_was_retired_is_looked_up_again(world: World) -> None:
    know(world, 1)
    provider = world.whole()
    await put(provider, wanted(tmdb=1))
    world.cloud.catalogue.retire(hex_key(1))
    world.cloud.add_movie("Movie 1", hex_key(11), TrueIds(None, 1))
    assert await put(provider, wanted(tmdb=1)) == [(APPLIED, None)]
    assert hex_key(11) in listed(world)


async def test_retired_key_is_forgotten(world: World) -> None:
    know(world, 1)
    provider = world.whole()
    await put(provider, wanted(tmdb=1))
    world.cloud.catalogue.retire(hex_key(1))
    assert await put(provider, wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert await put(provider, wanted(tmdb=1), action=Action.REMOVE) == [(UNRESOLVED, "not_found")]
    assert not world.cloud.requests(REMOVE)


async def test_key_that_was_just_proven_is_not_asked_for_twice(world: World) -> None:
    know(world, 1)
    world.cloud.inject(ADD, times=None, status=404)
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert len(world.cloud.requests(ADD)) == 1


# --- the way over the user's own libraries


async def test_library_as_a_way_to_the_key(world: World) -> None:
    know(world, 1, TrueIds(None, None, None))
    world.movie(1)
    assert await put(world.whole(), wanted(tmdb=1)) == [(UNRESOLVED, "not_found")]
    assert not world.pms.log
    assert await put(world.whole(watchlist_allow_pms_fallback=True), wanted(tmdb=1)) == [(APPLIED, None)]
    assert listed(world) == {hex_key(1)}


async def test_library_is_asked_last(world: World) -> None:
    know(world, 1)
    world.movie(1)
    await put(world.whole(watchlist_allow_pms_fallback=True), wanted(tmdb=1))
    assert not world.pms.log


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403}, {"status": 401}, {"drop": True}])
@pytest.mark.parametrize("path", ["/identity", "/library/sections", "/library/sections/1/all"])
async def test_library_that_can_not_be_asked(
    world: World, tmp_path: Path, fault: dict[str, Any], path: str
) -> None:
    """The media server in trouble is no reason to give a title up, nor to stop with the others."""
    world.cloud.add_movie("Movie 1", hex_key(1), TrueIds(None, 1))
    world.movie(2)
    world.pms.inject(path, times=None, **fault)
    world.cloud.hidden_addresses = True
    provider = world.whole(state_dir=tmp_path, watchlist_allow_pms_fallback=True)
    planned = [change(WatchlistEntry(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=number)))) for number in (2, 1)]
    done = await apply(provider, *planned)
    assert [done[each.key] for each in planned] == [
        (OutcomeStatus.FAILED, "no_answer"),
        (OutcomeStatus.APPLIED, None),
    ]
    assert not (tmp_path / "plex_watchlist.unresolved.json").exists()


async def test_copies_that_lead_to_two_keys(world: World) -> None:
    other = world.pms.add_section("4K", "movie")
    for number in (1, 2):
        know(world, number, TrueIds())
    world.movie(1)
    world.movie(1, section=other, guid=f"plex://movie/{hex_key(2)}")
    found = await put(world.whole(watchlist_allow_pms_fallback=True), wanted(tmdb=1))
    assert found == [(UNRESOLVED, "ambiguous")]


async def test_local_copy_leads_nowhere(world: World) -> None:
    world.movie(1, guid="local://1")
    found = await put(world.whole(watchlist_allow_pms_fallback=True), wanted(tmdb=1))
    assert found == [(UNRESOLVED, "not_found")]


# --- pace and trouble


async def test_write_delay(world: World) -> None:
    for number in range(1, 4):
        know(world, number)
    provider = world.whole(watchlist_write_delay_ms=150)
    assert await put(provider, *(wanted(tmdb=number) for number in range(1, 4))) == [(APPLIED, None)] * 3
    times = sorted(request.at for request in world.cloud.requests(ADD))
    # the pace is kept on average, a late start is made up for by a tenth
    assert times[2] - times[0] >= 0.25


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 502}, {"status": 429}])
@pytest.mark.parametrize("when", list(When))
async def test_writes_are_safe_to_repeat(world: World, fault: dict[str, Any], when: When) -> None:
    key = know(world, 1)
    world.cloud.inject(ADD, when=when, times=2, **fault)
    assert await put(world.whole(), wanted(tmdb=1)) == [(APPLIED, None)]
    assert listed(world) == {key}


async def test_at_most_four_at_once(world: World) -> None:
    for number in range(1, 21):
        know(world, number)
    world.cloud.inject(ADD, times=None, delay=0.05)
    provider = world.whole()
    await put(provider, *(wanted(tmdb=number) for number in range(1, 21)))
    times = sorted(request.at for request in world.cloud.requests(ADD))
    assert all(later - earlier > 0.03 for earlier, later in zip(times, times[4:], strict=False))


async def test_long_break(world: World) -> None:
    know(world, 1)
    world.cloud.inject(ADD, times=None, status=429, headers={"Retry-After": "100000"})
    with pytest.raises(RateLimitedError):
        await put(world.whole(), wanted(tmdb=1))


@pytest.mark.parametrize(
    ("fault", "error"), [({"drop": True}, UnreachableError), ({"status": 503}, UnreachableError)]
)
async def test_discover_down(world: World, fault: dict[str, Any], error: type[ProviderError]) -> None:
    know(world, 1)
    for path in (ADD, WATCHLIST):
        world.cloud.inject(path, times=None, **fault)
    with pytest.raises(error):
        await put(world.whole(), wanted(tmdb=1))


async def test_one_title_in_trouble_stops_nobody(world: World) -> None:
    know(world, 1)
    know(world, 2)
    provider = world.whole()
    world.cloud.inject(ADD, times=3, status=500)
    found = await put(provider, wanted(tmdb=1))
    assert found == [(FAILED, "http:500")]
    assert await put(provider, wanted(tmdb=2)) == [(APPLIED, None)]


async def test_dead_token(world: World) -> None:
    know(world, 1)
    provider = world.whole()
    world.cloud.revoke(provider.account.token)
    with pytest.raises(AuthError):
        await put(provider, wanted(tmdb=1))


async def test_401_of_discover_alone(world: World) -> None:
    know(world, 1)
    for path in (ADD, WATCHLIST):
        world.cloud.inject(path, times=None, status=401)
    with pytest.raises(ForbiddenError):
        await put(world.whole(), wanted(tmdb=1))


async def test_account_without_a_server(world: World) -> None:
    key = know(world, 1)
    provider = world.whole(replace(world.account(), server=None), watchlist_allow_pms_fallback=True)
    assert await put(provider, wanted(tmdb=1), wanted(tmdb=2)) == [
        (APPLIED, None),
        (UNRESOLVED, "not_found"),
    ]
    assert listed(world) == {key}


async def test_what_was_written_is_read_back(world: World) -> None:
    know(world, 1)
    world.list_titles(1)
    know(world, 7)
    provider = world.whole()
    before = await read_wanted(provider)
    await put(provider, wanted(tmdb=7))
    after = await read_wanted(provider)
    assert {entry.item.ids.tmdb for entry in after} - {entry.item.ids.tmdb for entry in before} == {7}


@pytest.mark.parametrize(
    ("guid", "key"),
    [
        (f"plex://movie/{hex_key(1)}", hex_key(1)),
        (f"plex://show/{hex_key(1)}", None),
        ("plex://movie/123", None),
        ("local://1", None),
        (f"plex://movie/{hex_key(1)}/../x", None),
        (None, None),
    ],
)
def test_keys_of_guids(guid: str | None, key: str | None) -> None:
    assert guid_key(Kind.MOVIE, guid) == key
    assert plex_key(key) == key
