"""Ratings: read at every level with half stars, written with their date, cleared until they are clear."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import (
    Action,
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Rating,
    Scope,
)
from custom_components.crosswatch.sync.provider import ForbiddenError, ProviderError, UnreachableError
from tests.providers.plex.conftest import NOON, SCOPE, World, apply, change, listing, outcomes
from tests.simulators.base import When
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import Clearing, Flaw, Item as PlexItem

APPLIED, ALREADY = OutcomeStatus.APPLIED, OutcomeStatus.ALREADY
UNRESOLVED, FAILED = OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED
RATE = "/:/rate"
THEN = NOON - 500_000


def rating(item: Item, tenths: int, at: int | None = THEN) -> Rating:
    return Rating(item=item, tenths=tenths, rated_at=at)


def movie(tmdb: int) -> Item:
    return Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb))


async def read(provider: PlexProvider, scope: Scope = SCOPE) -> list[Rating]:
    snapshot = await provider.read(Feature.RATINGS, scope)
    return [entry for entry in snapshot.entries if isinstance(entry, Rating)]


async def write(
    provider: PlexProvider, entry: Rating, action: Action = Action.ADD, before: Rating | None = None
) -> tuple[OutcomeStatus, str | None]:
    planned = change(entry, action, before=before)
    return (await apply(provider, planned))[planned.key]


def held(world: World, item: PlexItem, account: int = 1) -> tuple[float | None, int | None]:
    state = world.pms.user_state(account, item)
    return state.rating, state.rated_at


async def test_every_level(world: World) -> None:
    film, show = world.movie(603), world.show(1399)
    part = world.episode(show, 0, 0)
    season = part.parent
    assert season is not None
    for value, item in ((8.0, film), (7.5, show), (0.5, season), (10.0, part)):
        world.pms.rate(1, item, value, NOON + int(value))
    world.movie(1)
    found = {entry.item.kind: entry for entry in await read(world.whole())}
    assert {kind: entry.tenths for kind, entry in found.items()} == {
        Kind.MOVIE: 80,
        Kind.SHOW: 75,
        Kind.SEASON: 5,
        Kind.EPISODE: 100,
    }
    assert found[Kind.MOVIE].rated_at == NOON + 8
    assert found[Kind.MOVIE].remote_id == str(film.key)
    assert found[Kind.SEASON].item.show_ids.tmdb == found[Kind.EPISODE].item.show_ids.tmdb == 1399
    assert (found[Kind.SEASON].item.season, found[Kind.EPISODE].item.episode) == (0, 0)


async def test_fractions_are_kept(world: World) -> None:
    world.pms.rate(1, world.movie(1), 6.9)
    (entry,) = await read(world.whole())
    assert entry.tenths == 69


async def test_zero_is_no_rating(world: World) -> None:
    film = world.movie(1)
    world.pms.state.write(1, film.guid).rating = 0.0
    assert await read(world.whole()) == []


async def test_copies_of_one_guid_are_one(world: World) -> None:
    film = world.movie(1)
    world.movie(1, section=world.pms.add_section("4K", "movie"))
    world.pms.rate(1, film, 8)
    assert len(await read(world.whole())) == 1


async def test_requests_of_500_ratings(world: World) -> None:
    for number in range(500):
        world.pms.rate(1, world.movie(number + 1), 1 + number % 10)
    show = world.show(9000)
    world.pms.rate(1, show, 5)
    provider = world.whole()
    assert len(await read(provider)) == 501
    spent = provider.requests
    world.pms.log.clear()
    assert len(await read(provider)) == 501
    # an idle read: one filtered listing for each level, twice looked at where it is empty
    assert Counter(request.path for request in world.pms.log) == {
        "/identity": 1,
        "/library/sections": 1,
        "/library/sections/1/all": 1,
        "/library/sections/2/all": 3 + 2,
    }
    assert provider.requests - spent == 8


@pytest.mark.parametrize("kind", [Kind.MOVIE, Kind.EPISODE])
async def test_filter_that_finds_nothing_is_not_believed(world: World, kind: Kind) -> None:
    item = world.movie(1) if kind is Kind.MOVIE else world.episode(world.show(2), 1, 1)
    world.pms.rate(1, item, 8)
    provider = world.whole()
    number = {Kind.MOVIE: "1", Kind.EPISODE: "4"}[kind]
    items = world.pms.listings.items

    def falsely_empty(*args: Any, **settings: Any) -> Any:
        pairs = dict(args[2])
        return [] if "userRating>>" in pairs and args[1][0] == kind else items(*args, **settings)

    world.pms.listings.items = falsely_empty  # type: ignore[method-assign]
    assert [entry.tenths for entry in await read(provider)] == [80]
    assert number


async def test_libraries(world: World) -> None:
    other = world.pms.add_section("Other", "movie")
    world.pms.rate(1, world.movie(1), 8)
    world.pms.rate(1, world.movie(2, section=other), 6)
    own = world.whole(ratings_libraries=frozenset({str(other.id)}))
    assert [entry.tenths for entry in await read(own)] == [60]
    pair = Scope(pair_id="p", libraries={Feature.RATINGS: frozenset({str(world.movies.id)})})
    assert [entry.tenths for entry in await read(own, pair)] == [80]
    one, two = await own.read(Feature.RATINGS, SCOPE), await own.read(Feature.RATINGS, pair)
    assert one.scope_hash != two.scope_hash


async def test_ratings_of_the_user(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin")
    world.cloud.share(world.pms, child)
    film = world.movie(1)
    world.pms.rate(1, film, 8)
    world.pms.rate(child.id, film, 3)
    assert [entry.tenths for entry in await read(world.whole(world.account(child)))] == [30]
    done = await write(
        world.whole(world.account(child)), rating(movie(1), 40), Action.UPDATE, rating(movie(1), 30)
    )
    assert done == (APPLIED, None)
    assert (held(world, film)[0], held(world, film, child.id)[0]) == (8, 4)


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 403}, {"status": 400}])
async def test_failed_reads_raise(world: World, fault: dict[str, Any]) -> None:
    world.pms.rate(1, world.movie(1), 8)
    provider = world.whole()
    await read(provider)
    world.pms.inject("/library/sections/2/all", first=2, times=None, **fault)
    with pytest.raises(ProviderError):
        await read(provider)


async def test_pages_that_lie(world: World) -> None:
    world.pms.rate(1, world.movie(1), 8)
    provider = world.whole()
    await read(provider)
    world.pms.spoil("/library/sections/1/all", Flaw.TOTAL_OFF)
    with pytest.raises(ProviderError):
        await read(provider)


# --- writing


async def test_rate_with_its_date(world: World) -> None:
    film = world.movie(1)
    (done,) = await outcomes(world.whole(), change(rating(movie(1), 85)))
    assert (done.status, done.written_at) == (APPLIED, None)
    assert held(world, film) == (8.5, THEN)
    (request,) = world.pms.requests(RATE)
    assert request.method == "PUT"
    assert dict(request.query)["rating"] == "8.5"


async def test_rate_without_a_date(world: World) -> None:
    film = world.movie(1)
    (done,) = await outcomes(world.whole(), change(rating(movie(1), 80, None)))
    assert done.written_at == NOON
    assert held(world, film) == (8, NOON)
    assert "ratedAt" not in dict(world.pms.requests(RATE)[0].query)


@pytest.mark.parametrize("at", [NOON + 86_400, NOON + 1, -5])
async def test_date_the_server_would_refuse(world: World, at: int) -> None:
    film = world.movie(1)
    assert await write(world.whole(), rating(movie(1), 80, at)) == (APPLIED, None)
    assert held(world, film) == (8, min(max(at, 0), NOON))


async def test_every_level_is_written(world: World) -> None:
    show = world.show(1399)
    part = world.episode(show, 0, 3)
    above = Ids(tmdb=1399)
    entries = {
        show: Item(kind=Kind.SHOW, ids=above),
        part.parent: Item(kind=Kind.SEASON, show_ids=above, season=0),
        part: Item(kind=Kind.EPISODE, show_ids=above, season=0, episode=3),
    }
    provider = world.whole()
    for tenths, (item, wanted) in enumerate(entries.items(), 3):
        assert item is not None
        assert await write(provider, rating(wanted, tenths * 10)) == (APPLIED, None)
        assert held(world, item) == (tenths, THEN)


@pytest.mark.parametrize("tenths", [0, -10, 101, 800])
async def test_ratings_that_are_none(world: World, tenths: int) -> None:
    world.movie(1)
    assert await write(world.whole(), rating(movie(1), tenths)) == (UNRESOLVED, "missing_or_invalid_rating")
    assert not world.pms.log


async def test_equal_ratings_are_not_sent(world: World) -> None:
    film = world.movie(1)
    world.pms.rate(1, film, 8.5, NOON - 5)
    assert await write(world.whole(), rating(movie(1), 85)) == (ALREADY, "already_rated")
    assert held(world, film) == (8.5, NOON - 5)
    assert not world.pms.requests(RATE)


async def test_update(world: World) -> None:
    film = world.movie(1)
    world.pms.rate(1, film, 5, THEN - 9)
    done = await write(world.whole(), rating(movie(1), 80), Action.UPDATE, rating(movie(1), 50))
    assert done == (APPLIED, None)
    assert held(world, film) == (8, THEN)


@pytest.mark.parametrize(("action", "before"), [(Action.ADD, None), (Action.UPDATE, 50), (Action.REMOVE, 50)])
@pytest.mark.parametrize("meanwhile", [7.0, None])
async def test_rated_since_the_plan_was_made(
    world: World, action: Action, before: int | None, meanwhile: float | None
) -> None:
    """What somebody did in the meantime is not overwritten: the next run sees it."""
    film = world.movie(1)
    world.pms.rate(1, film, meanwhile)
    planned = None if before is None else rating(movie(1), before)
    done = await write(world.whole(), rating(movie(1), 90), action, planned)
    if meanwhile is None and action in (Action.ADD, Action.REMOVE):
        assert done[0] in (APPLIED, ALREADY)
    else:
        assert done == (FAILED, "changed_meanwhile")
        assert held(world, film)[0] == meanwhile


async def test_copies_of_another_agent_are_rated_too(world: World) -> None:
    old = world.pms.add_section("Old", "movie", "com.plexapp.agents.imdb")
    first = world.movie(1)
    copy = world.movie(1, section=old, guid="com.plexapp.agents.imdb://tt0000001?lang=en", ids=TrueIds())
    world.pms.rate(1, first, 5)
    item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=1, imdb="tt0000001"))
    done = await write(world.whole(), rating(item, 80), Action.UPDATE, rating(item, 50))
    assert done == (APPLIED, None)
    assert (held(world, first)[0], held(world, copy)[0]) == (8, 8)


@pytest.mark.parametrize("item", [movie(2), Item(kind=Kind.SEASON, show_ids=Ids(tmdb=5), season=2)])
async def test_not_in_library(world: World, item: Item) -> None:
    world.movie(1)
    world.episode(world.show(5), 1, 1)
    assert await write(world.whole(), rating(item, 80)) == (UNRESOLVED, "not_in_library")


# --- clearing


@pytest.mark.parametrize("minus_one", list(Clearing))
@pytest.mark.parametrize("zero", list(Clearing))
async def test_clear_whatever_the_server_does(world: World, minus_one: Clearing, zero: Clearing) -> None:
    world.pms.options.rate_minus_one, world.pms.options.rate_zero = minus_one, zero
    film = world.movie(1)
    world.pms.rate(1, film, 8)
    provider = world.whole()
    done = await write(provider, rating(movie(1), 80), Action.REMOVE, rating(movie(1), 80))
    if {minus_one, zero} & {Clearing.CLEAR, Clearing.STORE_ZERO}:
        assert done == (APPLIED, None)
        assert not held(world, film)[0]
        assert await read(provider) == []
        assert await write(provider, rating(movie(1), 80), Action.REMOVE, rating(movie(1), 80)) == (
            ALREADY,
            "not_rated",
        )
    else:
        assert done == (UNRESOLVED, "clear_failed")
        assert held(world, film)[0] == 8


async def test_clear_takes_one_request_where_it_works(world: World) -> None:
    world.pms.rate(1, world.movie(1), 8)
    await write(world.whole(), rating(movie(1), 80), Action.REMOVE, rating(movie(1), 80))
    assert [dict(request.query)["rating"] for request in world.pms.requests(RATE)] == ["-1"]


# --- trouble


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 429}])
@pytest.mark.parametrize("when", list(When))
async def test_writes_are_safe_to_repeat(world: World, fault: dict[str, Any], when: When) -> None:
    film = world.movie(1)
    world.pms.inject(RATE, when=when, times=2, **fault)
    assert await write(world.whole(), rating(movie(1), 80)) == (APPLIED, None)
    assert held(world, film) == (8, THEN)


async def test_refused_write(world: World) -> None:
    world.movie(1)
    world.pms.inject(RATE, times=None, status=403)
    assert await write(world.whole(), rating(movie(1), 80)) == (UNRESOLVED, "http:403")


async def test_server_down(world: World) -> None:
    world.movie(1)
    provider = world.whole()
    await read(provider)
    world.pms.inject(RATE, times=None, status=503)
    world.pms.inject("/library/sections", first=2, times=None, status=503)
    with pytest.raises(UnreachableError):
        await write(provider, rating(movie(1), 80))


async def test_workers(world: World) -> None:
    entries = []
    for number in range(1, 13):
        world.movie(number)
        entries.append(change(rating(movie(number), 80)))
    world.pms.inject(RATE, times=None, delay=0.05)
    provider = world.whole(rating_workers=2)
    await apply(provider, *entries)
    times = sorted(request.at for request in world.pms.requests(RATE))
    assert len(times) == 12
    assert all(later - earlier > 0.03 for earlier, later in zip(times, times[2:], strict=False))


async def test_more_workers_than_connections(world: World) -> None:
    """64 may be set; a server gets eight requests at once at most."""
    entries = []
    for number in range(1, 31):
        world.movie(number)
        entries.append(change(rating(movie(number), 80)))
    world.pms.inject(RATE, times=None, delay=0.05)
    await apply(world.whole(rating_workers=64, history_workers=64), *entries)
    times = sorted(request.at for request in world.pms.requests(RATE))
    assert all(later - earlier > 0.03 for earlier, later in zip(times, times[8:], strict=False))


async def test_user_who_may_not_read(world: World) -> None:
    world.pms.inject("/library/sections", times=None, status=403)
    with pytest.raises(ForbiddenError):
        await read(world.whole())


async def test_malformed_rating(world: World) -> None:
    row = {"ratingKey": "1", "type": "movie", "userRating": "8"}
    provider = world.whole()
    await read(provider)
    world.pms.inject("/library/sections/1/all", **listing(row))
    with pytest.raises(ProviderError):
        await read(provider)


async def test_a_rating_that_went_with_its_title_was_not_taken_away(world: World) -> None:
    """What is in no library has no place for a rating; what is there and unrated has lost it."""
    kept, gone = world.movie(1), world.movie(2)
    episode = world.episode(world.show(3), 1, 1)
    for each in (kept, gone, episode):
        world.pms.rate(1, each, 8)
    provider = world.whole()
    before = await provider.read(Feature.RATINGS, SCOPE)
    items = {entry.item.title: entry.item for entry in before.entries}
    world.pms.rate(1, kept, None)
    world.pms.rate(1, episode, None)
    world.pms.delete_item(gone)
    after = await provider.read(Feature.RATINGS, SCOPE)
    assert after.entries == ()
    assert after.has_place is not None
    assert {title: after.has_place(item) for title, item in items.items()} == {
        kept.title: True,
        gone.title: False,
        episode.title: True,
    }
    # in a library that does not count it has none either
    elsewhere = replace(SCOPE, libraries={Feature.RATINGS: frozenset({str(world.shows.id)})})
    narrowed = await provider.read(Feature.RATINGS, elsewhere)
    assert narrowed.has_place is not None
    assert not narrowed.has_place(items[kept.title])
