"""What a user may not do is found out at set-up (1.8)."""

from dataclasses import replace
from typing import Literal

import pytest

from custom_components.crosswatch.sync.models import (
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
)
from custom_components.crosswatch.sync.provider import AuthError, ProviderError, UnreachableError
from tests.providers.plex.conftest import HISTORY, NOON, SCOPE, World, change, outcomes, plays
from tests.simulators.plex import NonOwnerHistory, PmsOptions, User
from tests.simulators.plex.state import UserState

OTHERS = ("marked_watched_owner_only", "sessions_hidden")


def share(world: World, *, friend: bool = False) -> User:
    if friend:
        user = world.cloud.add_friend(world.owner, "Kim")
    else:
        user = world.cloud.add_home_user(world.owner, "Robin", managed=True)
    world.cloud.share(world.pms, user)
    return user


async def test_owner(world: World) -> None:
    provider = world.whole()
    assert provider.limits == ()
    await provider.check()
    assert provider.limits == ()
    assert not world.pms.requests(HISTORY)


@pytest.mark.parametrize("friend", [False, True])
async def test_others(world: World, friend: bool) -> None:
    provider = world.whole(world.account(share(world, friend=friend)))
    # known from the account alone, before anybody asks
    assert provider.limits == OTHERS
    await provider.check()
    assert provider.limits == OTHERS


@pytest.mark.parametrize("status", [401, 403])
async def test_server_that_keeps_the_log_to_its_owner(world: World, status: Literal[401, 403]) -> None:
    world.pms.options = PmsOptions(denied_status=status, non_owner_history=NonOwnerHistory.DENIED)
    provider = world.whole(world.account(share(world)))
    await provider.check()
    assert provider.limits == ("marked_watched_owner_only", "history_own_state_only", "sessions_hidden")


async def test_account_without_a_server(world: World) -> None:
    provider = world.whole(replace(world.account(), server=None))
    await provider.check()
    assert provider.limits == ()


async def test_dead_token_is_not_a_limit(world: World) -> None:
    account = world.account(share(world))
    world.cloud.revoke(account.token)
    with pytest.raises(AuthError):
        await world.whole(account).check()


@pytest.mark.parametrize("path", [HISTORY, "/status/sessions"])
async def test_trouble_is_not_a_limit(world: World, path: str) -> None:
    provider = world.whole(world.account(share(world)))
    world.pms.inject(path, times=None, status=503)
    with pytest.raises(UnreachableError):
        await provider.check()


async def test_marked_watched_is_off_for_others(world: World) -> None:
    """Although it is set: visible in `limits`, and no mark comes out."""
    user = share(world)
    film = world.movie(1)
    world.pms.mark_watched(user.id, film, NOON)
    world.pms.mark_watched(1, film, NOON)
    mine = world.whole(history_include_marked_watched=True)
    theirs = world.whole(world.account(user), history_include_marked_watched=True)
    assert len(plays(await mine.read(Feature.HISTORY, SCOPE))) == 1
    snapshot = await theirs.read(Feature.HISTORY, SCOPE)
    assert plays(snapshot) == []
    assert [item.ids.tmdb for item in snapshot.watched] == [1]


@pytest.mark.parametrize("feature", [Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS])
async def test_state_is_always_of_the_signed_in_user(world: World, feature: Feature) -> None:
    user = share(world)
    film = world.movie(1)
    world.play(film, NOON)
    world.pms.rate(1, film, 8)
    world.pms.set_resume(1, film, 900_000)
    assert len((await world.whole().read(feature, SCOPE)).entries) == 1
    snapshot = await world.whole(world.account(user)).read(feature, SCOPE)
    assert (snapshot.entries, snapshot.watched) == ((), ())


@pytest.mark.parametrize("friend", [False, True])
async def test_what_is_written_is_the_users_own(world: World, *, friend: bool) -> None:
    """A home user, or somebody the owner shares with who has signed in alone: never the owner's state."""
    user = share(world, friend=friend)
    films = [world.movie(number) for number in (1, 2, 3)]
    items = [Item(kind=Kind.MOVIE, ids=Ids(tmdb=number)) for number in (1, 2, 3)]
    provider = world.whole(world.account(user))
    for entry in (
        Play(item=items[0], watched_at=NOON - 9),
        Rating(item=items[1], tenths=85, rated_at=NOON - 9),
        Resume(item=items[2], position_ms=900_000, duration_ms=6_000_000, at=NOON - 9),
    ):
        assert [done.status for done in await outcomes(provider, change(entry))] == [OutcomeStatus.APPLIED]
    mine = [world.pms.user_state(user.id, film) for film in films]
    assert (mine[0].view_count, mine[1].rating, mine[2].view_offset) == (1, 8.5, 900_000)
    assert all(world.pms.user_state(1, film) == UserState() for film in films)
    # and that is what this user reads, whatever the owner does
    for film in films:
        world.play(film, NOON)
        world.pms.rate(1, film, 3)
    assert [each.tenths for each in (await provider.read(Feature.RATINGS, SCOPE)).entries] == [85]  # type: ignore[union-attr]
    assert [each.item.ids.tmdb for each in (await provider.read(Feature.PROGRESS, SCOPE)).entries] == [3]
    history = await provider.read(Feature.HISTORY, SCOPE)
    assert (len(history.entries), [item.ids.tmdb for item in history.watched]) == (0, [1])


async def test_user_without_access_any_more(world: World) -> None:
    account = world.account(share(world))
    for token, holder in list(world.pms.tokens.items()):
        if holder not in (0, 1):
            del world.pms.tokens[token]
    with pytest.raises(ProviderError):
        await world.whole(account).check()
