"""The watchlist, read from Discover (3.2, 3.5)."""

import pytest

from custom_components.crosswatch.providers.plex.watchlist import LOOK_AGAIN, KnownIds
from custom_components.crosswatch.sync.models import NO_IDS, Feature, Ids, Kind
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    IncompleteReadError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from tests.providers.plex.conftest import (
    METADATA,
    NOON,
    SCOPE,
    WATCHLIST,
    World,
    hex_key,
    listing,
    read_wanted,
)
from tests.simulators.library import Ids as TrueIds, Title
from tests.simulators.plex import Flaw, Oversize

HYDRATE = f"{METADATA}/library/metadata/*"


def show(number: int, ids: TrueIds) -> Title:
    return Title("show", f"Show {number}", 2011, hex_key(number), ids, 3_000_000, "2011-04-17")


async def test_rows(world: World) -> None:
    world.cloud.add_title(show(7, TrueIds("tt0944947", 1399, 121361)))
    world.cloud.add_movie("The Film", hex_key(8), TrueIds("tt0133093", 603), 1999)
    world.cloud.watchlist_add(world.owner, hex_key(7), NOON)
    world.cloud.watchlist_add(world.owner, hex_key(8), NOON + 1)
    newest, oldest = await read_wanted(world.provider())
    assert (newest.item.kind, newest.item.title, newest.item.year) == (Kind.MOVIE, "The Film", 1999)
    assert newest.item.ids == Ids(603, "tt0133093", None, f"plex://movie/{hex_key(8)}")
    assert newest.remote_id == hex_key(8)
    assert newest.listed_at is None
    assert oldest.item.kind is Kind.SHOW
    assert oldest.item.ids == Ids(1399, "tt0944947", 121361, f"plex://show/{hex_key(7)}")


async def test_date_where_the_row_has_it(world: World) -> None:
    world.cloud.options.watchlist_rows_have_user_state = True
    world.list_titles(2)
    assert [entry.listed_at for entry in await read_wanted(world.provider())] == [NOON + 2, NOON + 1]


async def test_nothing_listed(world: World) -> None:
    assert await read_wanted(world.provider()) == []


@pytest.mark.parametrize(("count", "requests"), [(1, 1), (100, 1), (101, 2), (500, 5)])
async def test_requests(world: World, count: int, requests: int) -> None:
    world.list_titles(count)
    provider = world.provider()
    wanted = await read_wanted(provider)
    assert [entry.remote_id for entry in wanted] == [hex_key(number) for number in range(count, 0, -1)]
    assert provider.requests == len(world.cloud.log) == requests <= 6


async def test_pages_are_read_side_by_side(world: World) -> None:
    world.list_titles(500)
    world.cloud.inject(WATCHLIST, times=None, delay=0.2)
    await read_wanted(world.provider())
    first, *others = sorted(request.at for request in world.cloud.log)
    assert first + 0.2 <= others[0]
    assert others[-1] < others[0] + 0.2


async def test_page_size_is_one_the_service_takes(world: World) -> None:
    world.cloud.options.watchlist_oversize = Oversize.REJECT
    world.list_titles(250)
    assert len(await read_wanted(world.provider())) == 250
    assert {dict(request.query)["X-Plex-Container-Size"] for request in world.cloud.log} == {"100"}


async def test_smaller_pages_than_asked_for(world: World) -> None:
    world.cloud.options.watchlist_max_size = 40
    world.cloud.options.watchlist_oversize = Oversize.CLAMP
    world.list_titles(250)
    assert len(await read_wanted(world.provider())) == 250


async def test_unchanged_pages_cost_nothing(world: World) -> None:
    world.list_titles(150)
    provider = world.provider()
    before = await read_wanted(provider)
    world.cloud.log.clear()
    assert await read_wanted(provider) == before
    assert [request.status for request in world.cloud.log] == [304, 304]
    world.cloud.watchlist_remove(world.owner, hex_key(150))
    assert await read_wanted(provider) == before[1:]
    world.cloud.watchlist_add(world.owner, hex_key(150), NOON + 150)
    assert await read_wanted(provider) == before


async def test_tag_that_survives_reordering(world: World) -> None:
    """What the service calls unchanged is taken as it was, and still has to add up."""
    world.cloud.options.etag_survives_reordering = True
    world.list_titles(150)
    provider = world.provider()
    before = {entry.remote_id for entry in await read_wanted(provider)}
    world.cloud.watchlists[world.owner.id][hex_key(1)] = NOON + 999
    assert {entry.remote_id for entry in await read_wanted(provider)} == before


async def test_no_tags(world: World) -> None:
    world.cloud.options.watchlist_etag = False
    world.list_titles(150)
    provider = world.provider()
    await read_wanted(provider)
    assert len(await read_wanted(provider)) == 150
    assert all("If-None-Match" not in request.headers for request in world.cloud.log)


async def test_only_rows_without_ids_are_looked_up(world: World) -> None:
    world.cloud.options.watchlist_show_guids = False
    world.list_titles(3)
    world.cloud.add_title(show(9, TrueIds(None, 1399, 121361)))
    world.cloud.watchlist_add(world.owner, hex_key(9), NOON)
    provider = world.provider()
    found = {entry.remote_id: entry for entry in await read_wanted(provider)}
    assert found[hex_key(9)].item.ids == Ids(1399, None, 121361, f"plex://show/{hex_key(9)}")
    assert [request.path for request in world.cloud.requests(HYDRATE)] == [
        f"{METADATA}/library/metadata/{hex_key(9)}"
    ]
    # ids of a key never change: not asked again
    await read_wanted(provider)
    assert len(world.cloud.requests(HYDRATE)) == 1


async def test_retired_title_is_kept_by_its_guid(world: World) -> None:
    world.list_titles(1)
    world.cloud.add_movie("Obscure", hex_key(5), TrueIds())
    world.cloud.watchlist_add(world.owner, hex_key(5), NOON)
    world.cloud.inject(HYDRATE, status=404, times=None)
    provider = world.provider()
    entries = await read_wanted(provider)
    assert [entry.item.ids for entry in entries if entry.remote_id == hex_key(5)] == [
        Ids(guid=f"plex://movie/{hex_key(5)}")
    ]
    await read_wanted(provider)
    assert len(world.cloud.requests(HYDRATE)) == 1


@pytest.mark.parametrize(
    "fault", [{"status": 500}, {"status": 400}, {"drop": True}, {"status": 200, "body": "<p>"}]
)
async def test_failed_look_up_loses_nothing_and_is_repeated(world: World, fault: dict[str, object]) -> None:
    world.cloud.options.watchlist_show_guids = False
    world.cloud.add_title(show(9, TrueIds(None, 1399, 121361)))
    world.cloud.watchlist_add(world.owner, hex_key(9), NOON)
    provider = world.provider()
    world.cloud.inject(HYDRATE, times=None, **fault)
    assert [entry.item.ids for entry in await read_wanted(provider)] == [
        Ids(guid=f"plex://show/{hex_key(9)}")
    ]
    world.cloud.heal()
    assert [entry.item.ids.tmdb for entry in await read_wanted(provider)] == [1399]


async def test_look_ups_stop_at_the_limit_of_the_service(world: World) -> None:
    world.cloud.options.watchlist_show_guids = False
    world.cloud.add_title(show(9, TrueIds(None, 1399, 121361)))
    world.cloud.watchlist_add(world.owner, hex_key(9), NOON)
    world.cloud.inject(HYDRATE, status=429, times=None)
    with pytest.raises(RateLimitedError):
        await read_wanted(world.provider())


async def test_another_title_than_asked_for(world: World) -> None:
    world.cloud.options.watchlist_show_guids = False
    world.cloud.add_title(show(9, TrueIds(None, 1399, 121361)))
    world.cloud.watchlist_add(world.owner, hex_key(9), NOON)
    world.cloud.inject(HYDRATE, **listing({"ratingKey": hex_key(1), "Guid": [{"id": "tmdb://1"}]}))
    assert [entry.item.ids.tmdb for entry in await read_wanted(world.provider())] == [None]


def test_missing_ids_are_looked_up_again_after_a_day() -> None:
    now = 0.0
    known = KnownIds(lambda: now)
    assert known.get("a") is None
    known.found("a", Ids(guid="plex://movie/a"))
    assert known.get("a") is NO_IDS
    now = LOOK_AGAIN
    assert known.get("a") is None
    known.found("a", Ids(tmdb=1))
    now *= 5
    assert known.get("a") == Ids(tmdb=1)


FAULTS = [
    ({"status": 500}, UnreachableError),
    ({"status": 503}, UnreachableError),
    ({"drop": True}, UnreachableError),
    ({"status": 429}, RateLimitedError),
    ({"status": 400}, RefusedError),
    ({"status": 403, "content_type": "application/json"}, ForbiddenError),
    ({"status": 401}, ForbiddenError),
    ({"status": 200, "body": "<html>not now</html>"}, BadAnswerError),
    ({"status": 200, "body": ""}, BadAnswerError),
    ({"status": 200, "body": '{"MediaContainer":{"size":0}}'}, IncompleteReadError),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_failed_page_fails_the_read(
    world: World, fault: dict[str, object], error: type[ProviderError]
) -> None:
    world.list_titles(150)
    world.cloud.inject(WATCHLIST, first=2, times=None, **fault)
    with pytest.raises(error) as caught:
        await read_wanted(world.provider())
    assert not isinstance(caught.value, AuthError)


async def test_page_failing_once_is_asked_again(world: World) -> None:
    world.list_titles(150)
    world.cloud.inject(WATCHLIST, first=2, status=502)
    assert len(await read_wanted(world.provider())) == 150


@pytest.mark.parametrize(
    "flaw",
    [Flaw.EMPTY, Flaw.TOTAL_OFF, Flaw.CUT, Flaw.EMPTY_PAGE, Flaw.REPEAT, Flaw.SHIFT_IN, Flaw.SHIFT_OUT],
)
async def test_lying_list(world: World, flaw: Flaw) -> None:
    world.list_titles(250)
    # page 0 is right both times, the others are not
    world.cloud.spoil(WATCHLIST, flaw, first=2, times=2)
    world.cloud.spoil(WATCHLIST, flaw, first=5, times=2)
    with pytest.raises(IncompleteReadError):
        await read_wanted(world.provider())


async def test_list_that_turns_empty_while_being_read(world: World) -> None:
    world.list_titles(250)
    world.cloud.spoil(WATCHLIST, Flaw.EMPTY, first=2)
    with pytest.raises(IncompleteReadError):
        await read_wanted(world.provider())


async def test_no_total(world: World) -> None:
    world.list_titles(50)
    world.cloud.spoil(WATCHLIST, Flaw.TOTAL_MISSING)
    with pytest.raises(IncompleteReadError):
        await read_wanted(world.provider())


async def test_list_that_moves_while_being_read(world: World) -> None:
    world.list_titles(250)
    world.cloud.spoil(WATCHLIST, Flaw.SHIFT_IN, first=2, times=2)
    assert len(await read_wanted(world.provider())) == 250


async def test_dead_token(world: World) -> None:
    account = world.account()
    world.cloud.revoke(account.token)
    with pytest.raises(AuthError):
        await read_wanted(world.provider(account))


async def test_scope_is_the_user(world: World) -> None:
    child = world.cloud.add_home_user(world.owner, "Robin")
    world.cloud.share(world.pms, child)
    own = await world.provider().read(Feature.WATCHLIST, SCOPE)
    other_server = world.account(machine_id="another")
    assert (await world.provider(other_server).read(Feature.WATCHLIST, SCOPE)).scope_hash == own.scope_hash
    assert (await world.provider(user=child).read(Feature.WATCHLIST, SCOPE)).scope_hash != own.scope_hash
