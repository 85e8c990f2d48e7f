"""Resume positions: through the timeline, below the threshold, never over something newer (2.11)."""

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
    Resume,
    Scope,
)
from custom_components.crosswatch.sync.provider import ProviderError, UnreachableError
from tests.providers.plex.conftest import NOON, SCOPE, World, apply, change, outcomes
from tests.simulators.base import When
from tests.simulators.plex import Item as PlexItem, User

APPLIED, ALREADY = OutcomeStatus.APPLIED, OutcomeStatus.ALREADY
UNRESOLVED, FAILED = OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED
TIMELINE, SESSIONS = "/:/timeline", "/status/sessions"
FILM = 6_000_000
THEN = NOON - 50_000


def movie(position: int, at: int | None = THEN, *, duration: int | None = FILM, tmdb: int = 1) -> Resume:
    item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb))
    return Resume(item=item, position_ms=position, duration_ms=duration, at=at)


async def read(provider: PlexProvider, scope: Scope = SCOPE) -> list[Resume]:
    snapshot = await provider.read(Feature.PROGRESS, scope)
    return [entry for entry in snapshot.entries if isinstance(entry, Resume)]


async def write(
    provider: PlexProvider, entry: Resume, action: Action = Action.ADD
) -> tuple[OutcomeStatus, str | None]:
    planned = change(entry, action)
    return (await apply(provider, planned))[planned.key]


def offset(world: World, item: PlexItem, account: int = 1) -> int:
    return world.pms.user_state(account, item).view_offset


def robin(world: World) -> User:
    child = world.cloud.add_home_user(world.owner, "Robin")
    world.cloud.share(world.pms, child)
    return child


# --- reading


async def test_positions(world: World) -> None:
    film, part = world.movie(1), world.episode(world.show(2), 0, 0)
    world.pms.set_resume(1, film, 1_800_000, NOON - 60)
    world.pms.set_resume(1, part, 600_000, NOON - 30)
    world.play(world.movie(3), NOON)
    one, two = sorted(await read(world.whole()), key=lambda entry: entry.item.kind, reverse=True)
    assert (one.position_ms, one.duration_ms, one.at, one.remote_id) == (
        1_800_000,
        FILM,
        NOON - 60,
        str(film.key),
    )
    assert (two.item.show_ids.tmdb, two.item.season, two.item.episode) == (2, 0, 0)


async def test_watching_again(world: World) -> None:
    film = world.movie(1)
    world.play(film, NOON - 500)
    world.pms.set_resume(1, film, 700_000, NOON - 60)
    assert [entry.position_ms for entry in await read(world.whole())] == [700_000]


async def test_copies_of_one_guid_are_one(world: World) -> None:
    film = world.movie(1)
    world.movie(1, section=world.pms.add_section("4K", "movie"))
    world.pms.set_resume(1, film, 700_000)
    assert len(await read(world.whole())) == 1


async def test_item_without_a_duration(world: World) -> None:
    world.pms.set_resume(1, world.movie(1, duration=None), 700_000)
    (entry,) = await read(world.whole())
    assert entry.duration_ms is None


async def test_positions_of_the_user(world: World) -> None:
    child, film = robin(world), world.movie(1)
    world.pms.set_resume(1, film, 700_000)
    world.pms.set_resume(child.id, film, 900_000)
    assert [entry.position_ms for entry in await read(world.whole(world.account(child)))] == [900_000]


async def test_libraries(world: World) -> None:
    world.pms.set_resume(1, world.movie(1), 700_000)
    pair = Scope(pair_id="p", libraries={Feature.PROGRESS: frozenset({str(world.shows.id)})})
    assert await read(world.whole(), pair) == []


async def test_idle_read(world: World) -> None:
    world.pms.set_resume(1, world.movie(1), 700_000)
    provider = world.whole()
    await read(provider)
    spent = provider.requests
    assert len(await read(provider)) == 1
    # addresses aside: the libraries, for each what was watched last, and the positions
    assert provider.requests - spent == 6


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"status": 400}])
async def test_failed_reads_raise(world: World, fault: dict[str, Any]) -> None:
    provider = world.whole()
    await read(provider)
    world.pms.inject("/library/sections/1/all", times=None, **fault)
    with pytest.raises(ProviderError):
        await read(provider)


# --- writing


async def test_write(world: World) -> None:
    film = world.movie(1)
    (done,) = await outcomes(world.whole(), change(movie(1_800_000)))
    assert (done.status, done.written_at) == (APPLIED, NOON)
    assert offset(world, film) == 1_800_000
    (request,) = world.pms.requests(TIMELINE)
    query = dict(request.query)
    assert request.method == "POST"
    assert (query["state"], query["time"], query["duration"]) == ("stopped", "1800000", str(FILM))
    assert request.headers["X-Plex-Client-Identifier"]
    assert not world.pms.playbacks
    assert not world.pms.requests("/:/progress")


async def test_episode(world: World) -> None:
    part = world.episode(world.show(5), 0, 1)
    item = Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=5), season=0, episode=1)
    entry = Resume(item=item, position_ms=700_000, duration_ms=2_500_000, at=THEN)
    assert await write(world.whole(), entry) == (APPLIED, None)
    assert offset(world, part) == 700_000


@pytest.mark.parametrize("threshold", [90, 80, 95, 50])
async def test_never_watched_by_a_position(world: World, threshold: int) -> None:
    """Whatever share the owner has set: a position is not a play."""
    world.pms.options.played_threshold = threshold
    film = world.movie(1)
    assert await write(world.whole(), movie(FILM - 1)) == (APPLIED, None)
    state = world.pms.user_state(1, film)
    assert state.view_count == 0
    assert state.view_offset == FILM * min(threshold, 90) // 100 - 1000
    assert not world.pms.state.plays


async def test_share_that_can_not_be_read(world: World) -> None:
    world.pms.inject("/:/prefs", times=None, status=403)
    film = world.movie(1)
    await write(world.whole(), movie(FILM - 1))
    assert offset(world, film) == FILM * 90 // 100 - 1000


async def test_another_cut(world: World) -> None:
    """The same share of a film that runs at another speed."""
    film = world.movie(1, duration=5_760_000)
    await write(world.whole(), movie(3_000_000))
    assert offset(world, film) == 2_880_000


async def test_duration_of_the_source(world: World) -> None:
    film = world.movie(1, duration=None)
    assert await write(world.whole(), movie(1_800_000)) == (APPLIED, None)
    assert offset(world, film) == 1_800_000
    unknown = movie(900_000, duration=None)
    assert await write(world.whole(), unknown) == (UNRESOLVED, "missing_duration")


async def test_position_too_small_to_be_kept(world: World) -> None:
    film = world.movie(1)
    assert await write(world.whole(), movie(59_999)) == (UNRESOLVED, "progress_too_small")
    assert not world.pms.requests(TIMELINE)
    assert offset(world, film) == 0


@pytest.mark.parametrize("position", [0, -1])
async def test_no_position(world: World, position: int) -> None:
    world.movie(1)
    assert await write(world.whole(), movie(position)) == (UNRESOLVED, "missing_progress")


async def test_clearing_is_refused(world: World) -> None:
    film = world.movie(1)
    world.pms.set_resume(1, film, 700_000)
    assert await write(world.whole(), movie(700_000), Action.REMOVE) == (UNRESOLVED, "clear_unsupported")
    assert not world.pms.log
    assert offset(world, film) == 700_000


async def test_unchanged_position(world: World) -> None:
    world.pms.set_resume(1, world.movie(1), 1_805_000, THEN - 10)
    assert await write(world.whole(), movie(1_800_000)) == (ALREADY, "progress_unchanged")
    assert not world.pms.requests(TIMELINE)


async def test_older_position_is_overwritten_both_ways(world: World) -> None:
    """Newer means later in time, not further ahead."""
    film = world.movie(1)
    for there, here in ((900_000, 1_800_000), (1_800_000, 900_000)):
        world.pms.set_resume(1, film, there, THEN - 1000)
        assert await write(world.whole(), movie(here), Action.UPDATE) == (APPLIED, None)
        assert offset(world, film) == here


async def test_newer_position_stays(world: World) -> None:
    film = world.movie(1)
    world.pms.set_resume(1, film, 900_000, THEN + 31)
    assert await write(world.whole(), movie(1_800_000)) == (FAILED, "target_newer")
    assert offset(world, film) == 900_000


async def test_position_that_became_newer_after_planning(world: World) -> None:
    film = world.movie(1)
    provider = world.whole()
    world.pms.set_resume(1, film, 900_000, THEN - 1000)
    await read(provider)
    world.pms.set_resume(1, film, 950_000, NOON - 1000)
    assert await write(provider, movie(1_800_000), Action.UPDATE) == (FAILED, "target_newer")


async def test_watched_since(world: World) -> None:
    film = world.movie(1)
    world.play(film, THEN + 60)
    assert await write(world.whole(), movie(1_800_000)) == (UNRESOLVED, "already_watched")
    assert offset(world, film) == 0


async def test_watching_again_reaches_the_server(world: World) -> None:
    film = world.movie(1)
    world.play(film, THEN - 90_000)
    assert await write(world.whole(), movie(1_800_000)) == (APPLIED, None)
    state = world.pms.user_state(1, film)
    assert (state.view_count, state.view_offset) == (1, 1_800_000)


async def test_position_without_a_date(world: World) -> None:
    film, other = world.movie(1), world.movie(2)
    world.pms.set_resume(1, film, 900_000)
    provider = world.whole()
    assert await write(provider, movie(1_800_000, None)) == (UNRESOLVED, "missing_source_timestamp")
    assert await write(provider, movie(1_800_000, None, tmdb=2)) == (APPLIED, None)
    assert (offset(world, film), offset(world, other)) == (900_000, 1_800_000)


async def test_not_in_library(world: World) -> None:
    assert await write(world.whole(), movie(1_800_000)) == (UNRESOLVED, "not_in_library")


# --- what is being played


async def test_never_while_it_plays(world: World) -> None:
    film = world.movie(1)
    copy = world.movie(1, section=world.pms.add_section("4K", "movie"))
    provider = world.whole()
    for playing in (film, copy):
        session = world.pms.start_playback(1, playing, 300_000)
        assert await write(provider, movie(1_800_000)) == (FAILED, "active_session")
        world.pms.stop_playback(session)
    assert await write(provider, movie(1_800_000)) == (APPLIED, None)


async def test_others_may_play_it(world: World) -> None:
    film = world.movie(1)
    world.pms.start_playback(robin(world).id, film, 300_000)
    assert await write(world.whole(), movie(1_800_000)) == (APPLIED, None)


async def test_user_who_can_not_see_what_plays(world: World) -> None:
    """A position that moved just now is taken for one that is being played."""
    child, film = robin(world), world.movie(1)
    provider = world.whole(world.account(child))
    world.pms.set_resume(child.id, film, 900_000, NOON - 60)
    assert await write(provider, movie(1_800_000, NOON)) == (FAILED, "maybe_active_session")
    world.pms.set_resume(child.id, film, 900_000, NOON - 180)
    assert await write(provider, movie(1_800_000, NOON)) == (APPLIED, None)
    assert offset(world, film, child.id) == 1_800_000


async def test_user_who_is_shown_what_plays(world: World) -> None:
    """An open question of the wire: where a server tells, the own playing counts and nobody else's."""
    world.pms.options.sessions_owner_only = False
    child, film = robin(world), world.movie(1)
    provider = world.whole(world.account(child))
    world.pms.set_resume(child.id, film, 900_000, NOON - 60)
    session = world.pms.start_playback(child.id, film, 900_000)
    assert await write(provider, movie(1_800_000, NOON)) == (FAILED, "active_session")
    world.pms.stop_playback(session)
    world.pms.start_playback(1, film, 300_000)
    assert await write(provider, movie(1_800_000, NOON)) == (APPLIED, None)


@pytest.mark.parametrize("hidden", [True, False])
async def test_share_of_a_user_who_may_read_it(world: World, *, hidden: bool) -> None:
    """Likewise: the owner's share where it is told, the usual one where not."""
    world.pms.options.prefs_owner_only = hidden
    world.pms.options.played_threshold = 90 if hidden else 70
    child, film = robin(world), world.movie(1)
    assert await write(world.whole(world.account(child)), movie(FILM - 1)) == (APPLIED, None)
    assert world.pms.user_state(child.id, film).view_count == 0
    assert offset(world, film, child.id) == FILM * world.pms.options.played_threshold // 100 - 1000


async def test_owner_whose_server_hides_what_plays(world: World) -> None:
    world.pms.inject(SESSIONS, times=None, status=401)
    world.pms.set_resume(1, world.movie(1), 900_000, NOON - 60)
    assert await write(world.whole(), movie(1_800_000, NOON)) == (FAILED, "maybe_active_session")


async def test_sessions_that_can_not_be_read_stop_the_write(world: World) -> None:
    world.movie(1)
    world.pms.inject(SESSIONS, times=None, status=500)
    with pytest.raises(UnreachableError):
        await write(world.whole(), movie(1_800_000))
    assert not world.pms.requests(TIMELINE)


# --- trouble


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 429}])
@pytest.mark.parametrize("when", list(When))
async def test_writes_are_safe_to_repeat(world: World, fault: dict[str, Any], when: When) -> None:
    film = world.movie(1)
    world.pms.inject(TIMELINE, when=when, times=2, **fault)
    assert await write(world.whole(), movie(1_800_000)) == (APPLIED, None)
    assert offset(world, film) == 1_800_000
    assert not world.pms.state.plays


async def test_item_that_vanishes(world: World) -> None:
    world.movie(1)
    world.pms.inject(TIMELINE, times=None, status=404)
    assert await write(world.whole(), movie(1_800_000)) == (UNRESOLVED, "http:404")


async def test_what_was_written_is_read_back(world: World) -> None:
    world.movie(1)
    provider = world.whole()
    await read(provider)
    await write(provider, movie(1_800_000))
    assert [entry.position_ms for entry in await read(provider)] == [1_800_000]
