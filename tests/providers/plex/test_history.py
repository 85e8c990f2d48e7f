"""The play log of the selected user, joined to the catalogue (2.8)."""

from dataclasses import replace
from typing import Any, Literal

import pytest

from custom_components.crosswatch.providers.plex.history import MARKED, state_plays
from custom_components.crosswatch.providers.plex.library import Catalogue, MissingLibraryError, Row
from custom_components.crosswatch.providers.plex.settings import PlexSettings
from custom_components.crosswatch.sync.models import NO_IDS, Feature, Ids, Item, Kind, Scope
from tests.providers.plex.conftest import HISTORY, NOON, SCOPE, World, hex_key, listing, plays, read_plays
from tests.simulators.library import Ids as TrueIds
from tests.simulators.plex import NonOwnerHistory, Play as LogPlay, PmsOptions, User

OLD = "com.plexapp.agents."


def share(world: World, name: str = "Robin", sections: list[int] | None = None) -> User:
    user = world.cloud.add_home_user(world.owner, name)
    world.cloud.share(world.pms, user, sections)
    return user


async def test_movie(world: World) -> None:
    world.play(world.movie(603, year=1999), NOON)
    (play,) = await read_plays(world.provider())
    assert play.watched_at == NOON
    assert play.remote_id == "1"
    assert play.item == Item(
        kind=Kind.MOVIE,
        ids=Ids(603, "tt0000603", 603, f"plex://movie/{hex_key(603)}"),
        title="Movie 603",
        year=1999,
    )


async def test_episode(world: World) -> None:
    episode = world.episode(world.show(1399), 1, 2, title="The Kingsroad", ids=TrueIds(None, 63057))
    world.play(episode, NOON)
    (play,) = await read_plays(world.provider())
    assert play.item == Item(
        kind=Kind.EPISODE,
        ids=Ids(tmdb=63057, guid=episode.guid),
        show_ids=Ids(1399, "tt0001399", 1399, f"plex://show/{hex_key(1399)}"),
        season=1,
        episode=2,
        title="The Kingsroad",
        show_title="Show 1399",
    )


async def test_every_play_is_an_event_and_shares_its_item(world: World) -> None:
    movie, episode = world.movie(1), world.episode(world.show(2), 1, 1)
    world.play(movie, NOON, NOON + 60, NOON + 86400)
    world.play(episode, NOON + 5, NOON + 7)
    found = await read_plays(world.provider())
    assert [play.watched_at for play in found] == [NOON + 86400, NOON + 60, NOON + 7, NOON + 5, NOON]
    assert len({play.remote_id for play in found}) == 5
    assert len({id(play.item) for play in found}) == 2


async def test_specials_and_episode_zero(world: World) -> None:
    show = world.show(5)
    for season, number in ((0, 5), (0, 0), (1, 0)):
        world.play(world.episode(show, season, number), NOON)
    found = await read_plays(world.provider())
    assert {(play.item.season, play.item.episode) for play in found} == {(0, 5), (0, 0), (1, 0)}
    assert all(play.item.show_ids.tmdb == 5 for play in found)


async def test_dates_at_the_edge(world: World) -> None:
    movie = world.movie(1)
    world.play(movie, 0)
    # undated rows have been seen; the watched state says the same with a date (2.8)
    world.pms.state.log_play(1, movie, None)
    assert [play.watched_at for play in await read_plays(world.provider())] == [0]


async def test_only_movies_and_episodes(world: World) -> None:
    for number, kind in enumerate(("track", "clip", "movie"), start=1):
        world.pms.state.add_play(LogPlay(number, 1, f"guid-{kind}", kind, 1, kind.title(), NOON))
    assert [play.item.title for play in await read_plays(world.provider())] == ["Movie"]


async def test_unwatching_changes_nothing_in_the_log(world: World) -> None:
    movie = world.movie(1)
    world.play(movie, NOON)
    world.pms.mark_unwatched(1, movie)
    assert len(await read_plays(world.provider())) == 1


@pytest.mark.parametrize("empty_keys", [False, True])
async def test_deleted_items_stay_as_plays(world: World, empty_keys: bool) -> None:
    world.pms.options.deleted_rows_have_empty_keys = empty_keys
    movie, show = world.movie(1), world.show(2)
    episode = world.episode(show, 2, 3, title="Gone Episode")
    world.play(movie, NOON + 1)
    world.play(episode, NOON, NOON - 50)
    world.pms.delete_item(movie)
    world.pms.delete_item(show)
    film, *shown = await read_plays(world.provider())
    assert film.item == Item(kind=Kind.MOVIE, title="Movie 1")
    assert film.remote_id == "1"
    assert [play.watched_at for play in shown] == [NOON, NOON - 50]
    assert shown[0].item == Item(
        kind=Kind.EPISODE, season=2, episode=3, title="Gone Episode", show_title="Show 2"
    )
    assert shown[0].item is shown[1].item


async def test_deleted_episode_of_a_show_that_is_still_there(world: World) -> None:
    """Where the row still leads to the show, show and numbers name the episode."""
    show = world.show(2)
    world.episode(show, 2, 4)
    row = {
        "historyKey": "/status/sessions/history/9",
        "librarySectionID": "2",
        "grandparentKey": f"/library/metadata/{show.key}",
        "title": "Gone",
        "grandparentTitle": "Show 2",
        "type": "episode",
        "index": 0,
        "parentIndex": 0,
        "viewedAt": NOON,
        "accountID": 1,
    }
    world.pms.inject(HISTORY, **listing(row))
    (play,) = await read_plays(world.provider())
    assert play.item.show_ids.tmdb == 2
    assert (play.item.season, play.item.episode) == (0, 0)
    assert play.item.ids == NO_IDS


async def test_deleted_episode_of_a_renumbered_show(world: World) -> None:
    section = world.pms.add_section("Anime", "show", f"{OLD}hama")
    show = world.show(2, section=section, guid=f"{OLD}hama://tvdb3-12345?lang=en", ids=TrueIds())
    row = {
        "historyKey": "/status/sessions/history/9",
        "grandparentKey": f"/library/metadata/{show.key}",
        "type": "episode",
        "index": 26,
        "parentIndex": 1,
        "viewedAt": NOON,
    }
    world.pms.inject(HISTORY, **listing(row))
    (play,) = await read_plays(world.provider())
    assert play.item.show_ids == NO_IDS


async def test_key_that_leads_to_another_kind_of_item(world: World) -> None:
    """A key may have been given to something else: the row keeps its own title and gets no ids."""
    episode = world.episode(world.show(2), 1, 1)
    row = {
        "historyKey": "/status/sessions/history/9",
        "ratingKey": str(episode.key),
        "type": "movie",
        "title": "Gone",
        "viewedAt": NOON,
    }
    world.pms.inject(HISTORY, **listing(row))
    (play,) = await read_plays(world.provider())
    assert play.item == Item(kind=Kind.MOVIE, title="Gone")


@pytest.mark.parametrize("keys", [("9999",), ("9998", "9999"), ("9998", "9999", "1002")])
async def test_keys_that_lead_nowhere(world: World, keys: tuple[str, ...]) -> None:
    """An item deleted between log and look-up: its play stays, and so do the ids of the others."""
    movie = world.movie(1, key=1002)
    rows = [
        {
            "historyKey": f"/status/sessions/history/{key}",
            "ratingKey": key,
            "type": "movie",
            "title": f"Movie {key}",
            "viewedAt": NOON,
        }
        for key in keys
    ]
    world.pms.inject("/library/sections/?/all", times=None, **listing())
    world.pms.inject(HISTORY, **listing(*rows))
    found = {play.remote_id: play.item for play in await read_plays(world.provider())}
    assert found.keys() == set(keys)
    assert found["9999"] == Item(kind=Kind.MOVIE, title="Movie 9999")
    assert all(found[key].ids.tmdb == 1 for key in keys if key == str(movie.key))


def test_newest_of_two_copies_stands_for_both() -> None:
    """Copies with one guid share their state; should they not, the later date counts."""
    state = {"type": "movie", "guid": f"plex://movie/{hex_key(1)}", "viewCount": 1}
    rows = [
        Row.from_row({**state, "ratingKey": key, "lastViewedAt": at}, "1", {})
        for key, at in (("1", NOON), ("2", NOON + 9), ("3", NOON + 5))
    ]
    (play,) = state_plays(Catalogue((), rows), PlexSettings())
    assert (play.watched_at, play.remote_id) == (NOON + 9, f"{MARKED}2")


async def test_readded_item_is_found_by_its_new_key(world: World) -> None:
    movie = world.movie(1)
    world.play(movie, NOON)
    world.pms.delete_item(movie)
    world.pms.readd_item(movie)
    (play,) = await read_plays(world.provider())
    assert play.item.ids.tmdb == 1


async def test_item_added_while_reading(world: World) -> None:
    """What is in the log but not yet in the catalogue is looked up, all at once."""
    show, film = world.show(2), world.movie(1)
    episodes = [world.episode(show, 1, number) for number in range(1, 5)]
    world.play(film, NOON)
    for episode in episodes:
        world.play(episode, NOON)
    world.pms.inject("/library/sections/?/all", times=None, **listing())
    provider = world.provider()
    found = await read_plays(provider)
    assert len(found) == 5
    assert all(play.item.ids.tmdb for play in found)
    assert {play.item.show_ids.tmdb for play in found} == {2, None}
    # identity, sections, two empty libraries (three listings), log, items, their show
    assert provider.requests == 1 + 1 + 3 + 1 + 1 + 1


@pytest.mark.parametrize(
    "options",
    [
        {"unknown_batch_status": 200},
        {"unknown_batch_status": 404},
        {"max_batch": 2},
        {"max_batch": 2, "oversized_batch_status": 414},
    ],
)
async def test_look_ups_of_several_items(world: World, options: dict[str, object]) -> None:
    for name, value in options.items():
        setattr(world.pms.options, name, value)
    films = [world.movie(number) for number in range(1, 6)]
    for film in films:
        world.play(film, NOON)
    world.pms.inject("/library/sections/?/all", times=None, **listing())
    found = await read_plays(world.provider())
    assert sorted(play.item.ids.tmdb or 0 for play in found) == [1, 2, 3, 4, 5]


async def test_plays_of_a_library_that_is_not_shared_any_more(world: World) -> None:
    """Their keys lead nowhere for this user, and finding that out takes no request for each of them."""
    child = share(world, sections=[world.shows.id])
    world.play(world.episode(world.show(2), 1, 1), NOON, account=child.id)
    for number in range(1, 401):
        world.play(world.movie(number), NOON + number, account=child.id)
    found = await read_plays(world.provider(user=child))
    assert len(found) == 401
    assert (
        sum(
            play.item == Item(kind=Kind.MOVIE, title=f"Movie {n}", year=None)
            for n, play in zip(range(400, 0, -1), found, strict=False)
        )
        == 400
    )
    # four hundreds of them, and at the most one question each whether the unknown is left out
    assert len(world.pms.requests("/library/metadata/*")) <= 4 + 4


@pytest.mark.parametrize("status", [200, 404])
async def test_server_that_refuses_a_batch_for_one_unknown_key(world: World, status: Any) -> None:
    """Nobody has seen such a server, and none of its items would be lost."""
    films = [world.movie(number) for number in range(1, 8)]
    for film in films:
        world.play(film, NOON)
    bystander = world.movie(9)
    rows = [
        {"historyKey": f"/h/{key}", "ratingKey": str(key), "type": "movie", "title": "M", "viewedAt": NOON}
        for key in (*(film.key for film in films), 9999)
    ]
    world.pms.inject(
        "/library/sections/1/all",
        **listing(
            {
                "ratingKey": str(bystander.key),
                "type": "movie",
                "title": "Movie 9",
                "guid": bystander.guid,
                "Guid": [{"id": "tmdb://9"}],
            }
        ),
    )
    world.pms.inject(HISTORY, **listing(*rows))
    refusal = {"status": status, "body": '{"MediaContainer": {"size": 0}}' if status == 200 else "<html>"}
    world.pms.inject("/library/metadata/*9999*", times=None, content_type="application/json", **refusal)
    found = {play.remote_id: play.item.ids.tmdb for play in await read_plays(world.provider())}
    assert found == {"9999": None, **{str(film.key): n for n, film in enumerate(films, 1)}}


async def test_same_title_in_two_libraries(world: World) -> None:
    copies = [
        world.movie(1, section=world.movies),
        world.movie(1, section=world.pms.add_section("4K", "movie")),
    ]
    world.play(copies[0], NOON)
    world.play(copies[1], NOON + 9)
    found = await read_plays(world.provider())
    assert [play.watched_at for play in found] == [NOON + 9, NOON]
    assert {play.item.ids for play in found} == {found[0].item.ids}


async def test_legacy_agents(world: World) -> None:
    old_movies = world.pms.add_section("Old movies", "movie", f"{OLD}imdb")
    old_shows = world.pms.add_section("Old shows", "show", f"{OLD}thetvdb")
    movie = world.movie(1, section=old_movies, guid=f"{OLD}imdb://tt0133093?lang=en", ids=TrueIds())
    show = world.show(2, section=old_shows, guid=f"{OLD}thetvdb://121361?lang=en", ids=TrueIds())
    episode = world.episode(show, 6, 1, guid=f"{OLD}thetvdb://121361/6/1?lang=en", ids=TrueIds())
    world.play(movie, NOON)
    world.play(episode, NOON - 1)
    film, shown = await read_plays(world.provider())
    assert film.item.ids == Ids(imdb="tt0133093", guid=movie.guid)
    assert shown.item.ids == Ids(guid=episode.guid)
    assert shown.item.show_ids == Ids(tvdb=121361, guid=show.guid)
    assert (shown.item.season, shown.item.episode) == (6, 1)


async def test_renumbered_anime_never_names_another_episode(world: World) -> None:
    """Absolute numbers in a show known to TVDB would point at another episode there."""
    section = world.pms.add_section("Anime", "show", f"{OLD}hama")
    show = world.show(2, section=section, guid=f"{OLD}hama://tvdb3-12345?lang=en", ids=TrueIds())
    plain = world.show(3, section=section, guid=f"{OLD}hama://tvdb-777?lang=en", ids=TrueIds())
    world.play(world.episode(show, 1, 26, guid=f"{OLD}hama://tvdb3-12345/1/26?lang=en", ids=TrueIds()), NOON)
    world.play(world.episode(show, 1, 27, guid="local://27", ids=TrueIds()), NOON - 1)
    world.play(world.episode(plain, 1, 2, guid=f"{OLD}hama://tvdb-777/1/2?lang=en", ids=TrueIds()), NOON - 2)
    renumbered, local, straight = await read_plays(world.provider())
    assert renumbered.item.show_ids == local.item.show_ids == NO_IDS
    assert renumbered.item.name == "Show 2 S01E26"
    assert straight.item.show_ids.tvdb == 777


async def test_numbers_that_contradict_the_guid_are_not_trusted(world: World) -> None:
    show = world.show(2, guid=f"{OLD}thetvdb://121361?lang=en", ids=TrueIds())
    world.play(world.episode(show, 6, 2, guid=f"{OLD}thetvdb://121361/6/1?lang=en", ids=TrueIds()), NOON)
    (play,) = await read_plays(world.provider())
    assert play.item.show_ids == NO_IDS


async def test_unmatched_files_have_no_ids(world: World) -> None:
    world.play(world.movie(1, guid="local://77", ids=TrueIds()), NOON)
    show = world.show(2)
    world.play(world.episode(show, 1, 1, guid="local://78", ids=TrueIds()), NOON - 1)
    film, shown = await read_plays(world.provider())
    assert film.item.ids == NO_IDS
    # the show is known, so show and numbers name the episode
    assert shown.item.ids == NO_IDS
    assert shown.item.show_ids.tmdb == 2


async def test_episodes_without_a_season_row(world: World) -> None:
    episode = world.episode(world.show(2), 3, 4, skip_parent=True)
    world.play(episode, NOON)
    (play,) = await read_plays(world.provider())
    assert (play.item.season, play.item.episode, play.item.show_ids.tmdb) == (3, 4, 2)


async def test_date_based_episode_without_number(world: World) -> None:
    world.play(world.episode(world.show(2), 2026, None, ids=TrueIds(None, 99)), NOON)
    (play,) = await read_plays(world.provider())
    assert (play.item.season, play.item.episode, play.item.ids.tmdb) == (2026, None, 99)


# --- whose plays


async def test_owner_sees_only_own_plays(world: World) -> None:
    child = share(world)
    movie = world.movie(1)
    world.play(movie, NOON)
    world.play(movie, NOON + 1, account=child.id)
    world.play(movie, NOON + 2, account=0)
    assert [play.watched_at for play in await read_plays(world.provider())] == [NOON]
    (request,) = world.pms.requests(HISTORY)
    assert dict(request.query)["accountID"] == "1"


async def test_home_user_sees_only_own_plays(world: World) -> None:
    child = share(world)
    movie = world.movie(1)
    world.play(movie, NOON)
    world.play(movie, NOON + 1, account=child.id)
    assert [play.watched_at for play in await read_plays(world.provider(user=child))] == [NOON + 1]
    (request,) = world.pms.requests(HISTORY)
    assert dict(request.query)["accountID"] == str(child.id)


async def test_rows_of_others_are_dropped_whatever_the_server_sends(world: World) -> None:
    rows = [
        {
            "historyKey": f"/status/sessions/history/{number}",
            "type": "movie",
            "title": "M",
            "viewedAt": NOON + number,
            "accountID": account,
        }
        for number, account in enumerate((1, 0, 555, -3))
    ]
    world.pms.inject(HISTORY, **listing(*rows))
    assert [play.remote_id for play in await read_plays(world.provider())] == ["0"]


async def test_server_that_shows_everything_to_everybody(world: World) -> None:
    world.pms.options.non_owner_history = NonOwnerHistory.EVERYTHING
    child = share(world)
    movie = world.movie(1)
    world.play(movie, NOON)
    world.play(movie, NOON + 1, account=child.id)
    assert [play.watched_at for play in await read_plays(world.provider(user=child))] == [NOON + 1]


@pytest.mark.parametrize("status", [401, 403])
async def test_log_denied_to_others_is_replaced_by_their_watched_state(
    world: World, status: Literal[401, 403]
) -> None:
    world.pms.options = replace(PmsOptions.old_pms(), denied_status=status)
    child = share(world)
    seen, half, unseen = world.movie(1), world.movie(2), world.movie(3)
    undated = world.movie(4)
    copy = world.movie(1, section=world.pms.add_section("4K", "movie"))
    world.play(seen, NOON, NOON + 60, account=child.id)
    world.play(seen, NOON + 999)
    world.pms.set_resume(child.id, half, 60_000, NOON)
    world.pms.user_state(child.id, undated)
    world.pms.state.write(child.id, undated.guid).view_count = 1
    provider = world.provider(user=child)
    (play,) = await read_plays(provider)
    assert (play.item.ids.tmdb, play.watched_at) == (1, NOON + 60)
    assert play.remote_id in (f"{MARKED}{seen.key}", f"{MARKED}{copy.key}")
    assert unseen.key


async def test_scope_tells_log_and_state_apart(world: World) -> None:
    child = share(world)
    provider = world.provider(user=child)
    before = await provider.read(Feature.HISTORY, SCOPE)
    world.pms.options.non_owner_history = NonOwnerHistory.DENIED
    assert (await provider.read(Feature.HISTORY, SCOPE)).scope_hash != before.scope_hash


async def test_server_that_was_handed_to_somebody_else(world: World) -> None:
    """Whose plays are read changes with the owner: what is not among them was not removed."""
    movie = world.movie(1)
    world.play(movie, NOON)
    before = await world.provider().read(Feature.HISTORY, SCOPE)
    assert len(before.entries) == 1
    after = await world.provider(world.account(is_owner=False)).read(Feature.HISTORY, SCOPE)
    assert after.entries == ()
    assert after.scope_hash != before.scope_hash


# --- libraries and filters


async def test_libraries(world: World) -> None:
    world.play(world.movie(1), NOON)
    world.play(world.episode(world.show(2), 1, 1), NOON)
    movies, shows = str(world.movies.id), str(world.shows.id)
    everything = await world.provider().read(Feature.HISTORY, SCOPE)
    only_movies = await world.provider(history_libraries=frozenset({movies})).read(Feature.HISTORY, SCOPE)
    assert [play.item.kind for play in plays(only_movies)] == [Kind.MOVIE]
    assert only_movies.scope_hash != everything.scope_hash
    # a pair's own list comes before the account's
    pair = Scope(pair_id="pair", libraries={Feature.HISTORY: frozenset({shows})})
    only_shows = await world.provider(history_libraries=frozenset({movies})).read(Feature.HISTORY, pair)
    assert [play.item.kind for play in plays(only_shows)] == [Kind.EPISODE]
    assert len({everything.scope_hash, only_movies.scope_hash, only_shows.scope_hash}) == 3
    named = await world.provider(history_libraries=frozenset({movies, shows})).read(Feature.HISTORY, SCOPE)
    assert len(named.entries) == 2


@pytest.mark.parametrize("libraries", [{"77"}, {"1", "77"}])
async def test_library_that_no_longer_exists_is_an_error(world: World, libraries: set[str]) -> None:
    world.play(world.movie(1), NOON)
    with pytest.raises(MissingLibraryError, match="77"):
        await read_plays(world.provider(history_libraries=frozenset(libraries)))


async def test_library_not_shared_with_the_user(world: World) -> None:
    child = share(world, sections=[world.shows.id])
    with pytest.raises(MissingLibraryError):
        await read_plays(world.provider(user=child, history_libraries=frozenset({str(world.movies.id)})))


async def test_deleted_library_changes_the_scope(world: World) -> None:
    world.play(world.movie(1), NOON)
    provider = world.provider()
    before = await provider.read(Feature.HISTORY, SCOPE)
    world.pms.remove_section(world.movies)
    after = await provider.read(Feature.HISTORY, SCOPE)
    assert [play.item.title for play in plays(after)] == ["Movie 1"]
    assert after.scope_hash != before.scope_hash


async def test_title_whose_copy_lies_in_a_library_left_out(world: World) -> None:
    """The row's library decides, and a copy in an allowed one does too."""
    other = world.pms.add_section("4K", "movie")
    first, copy = world.movie(1), world.movie(1, section=other)
    world.play(first, NOON)
    world.pms.delete_item(copy)
    in_first = await read_plays(world.provider(history_libraries=frozenset({str(world.movies.id)})))
    in_other = await read_plays(world.provider(history_libraries=frozenset({str(other.id)})))
    assert (len(in_first), len(in_other)) == (1, 0)


async def test_require_external_ids(world: World) -> None:
    world.play(world.movie(1), NOON)
    world.play(world.movie(2, ids=TrueIds()), NOON)
    world.play(world.episode(world.show(3), 1, 1, ids=TrueIds()), NOON)
    world.play(world.episode(world.show(4, ids=TrueIds()), 1, 1), NOON)
    gone = world.movie(5)
    world.play(gone, NOON)
    world.pms.delete_item(gone)
    every = await world.provider().read(Feature.HISTORY, SCOPE)
    strict = await world.provider(history_require_external_ids=True).read(Feature.HISTORY, SCOPE)
    assert len(every.entries) == 5
    assert {play.item.title for play in plays(strict)} == {"Movie 1", "Episode 1"}
    assert len(strict.entries) == 3
    assert strict.scope_hash != every.scope_hash


async def test_ignore_local_guid(world: World) -> None:
    world.play(world.movie(1), NOON)
    world.play(world.movie(2, guid="LOCAL://77", ids=TrueIds()), NOON)
    world.play(world.movie(3, guid="tv.plex.agents.none://x", ids=TrueIds()), NOON)

    async def titles(**settings: Any) -> set[str | None]:
        return {play.item.title for play in await read_plays(world.provider(**settings))}

    assert await titles() == {"Movie 1", "Movie 2", "Movie 3"}
    # the list of prefixes does nothing while the switch is off
    assert len(await titles(history_ignore_guid_prefixes=("plex://",))) == 3
    assert await titles(history_ignore_local_guid=True) == {"Movie 1", "Movie 3"}
    assert await titles(
        history_ignore_local_guid=True, history_ignore_guid_prefixes=("local://", "TV.plex.agents.none://")
    ) == {"Movie 1"}
    assert len(await titles(history_ignore_local_guid=True, history_ignore_guid_prefixes=())) == 3


async def test_ignoring_changes_the_scope(world: World) -> None:
    """Rows that the settings leave out are not gone."""
    scopes = [
        (await world.provider(**settings).read(Feature.HISTORY, SCOPE)).scope_hash
        for settings in (
            {},
            {"history_ignore_local_guid": True},
            {"history_ignore_local_guid": True, "history_ignore_guid_prefixes": ("plex://",)},
        )
    ]
    assert len(set(scopes)) == 3
    unused = world.provider(history_ignore_guid_prefixes=("plex://",))
    assert (await unused.read(Feature.HISTORY, SCOPE)).scope_hash == scopes[0]


# --- marked watched


async def test_marked_watched(world: World) -> None:
    played, marked, both, half = (world.movie(number) for number in range(1, 5))
    special = world.episode(world.show(9), 0, 1)
    undated = world.movie(5)
    world.play(played, NOON)
    world.pms.mark_watched(1, marked, NOON + 10)
    world.play(both, NOON)
    world.pms.mark_watched(1, both, NOON + 20)
    world.pms.set_resume(1, half, 60_000, NOON + 30)
    world.pms.mark_watched(1, special, NOON + 40)
    world.pms.state.write(1, undated.guid).view_count = 1

    without = await world.provider().read(Feature.HISTORY, SCOPE)
    assert len(without.entries) == 2
    found = await world.provider(history_include_marked_watched=True).read(Feature.HISTORY, SCOPE)
    assert found.scope_hash != without.scope_hash
    assert {
        (play.item.title, play.watched_at)
        for play in plays(found)
        if (play.remote_id or "").startswith(MARKED)
    } == {("Movie 2", NOON + 10), ("Episode 1", NOON + 40)}
    assert len(found.entries) == 4


async def test_marked_item_that_is_being_watched_again(world: World) -> None:
    """Its date is now that of the new beginning: no play, and the mark is no play of today."""
    film = world.movie(1)
    world.pms.mark_watched(1, film, NOON)
    provider = world.provider(history_include_marked_watched=True)
    assert [play.watched_at for play in await read_plays(provider)] == [NOON]
    world.pms.set_resume(1, film, 600_000, NOON + 500)
    for _ in range(2):
        snapshot = await provider.read(Feature.HISTORY, SCOPE)
        assert snapshot.entries == ()
        assert [item.ids.tmdb for item in snapshot.watched] == [1]
    # also where that is seen by a first read
    assert await read_plays(world.provider(history_include_marked_watched=True)) == []
    # watched to the end there is a play of its own
    world.play(film, NOON + 900)
    assert [play.watched_at for play in await read_plays(provider)] == [NOON + 900]


async def test_item_being_watched_again_where_the_log_is_denied(world: World) -> None:
    world.pms.options.non_owner_history = NonOwnerHistory.DENIED
    child = share(world)
    film = world.movie(1)
    world.play(film, NOON, account=child.id)
    world.pms.set_resume(child.id, film, 600_000, NOON + 500)
    snapshot = await world.provider(user=child).read(Feature.HISTORY, SCOPE)
    assert snapshot.entries == ()
    assert len(snapshot.watched) == 1


async def test_copy_of_a_played_title_is_not_marked(world: World) -> None:
    movie = world.movie(1)
    other = world.pms.add_section("Old", "movie")
    copy = world.movie(1, section=other, guid=f"{OLD}imdb://tt0000001?lang=en", ids=TrueIds())
    world.play(movie, NOON)
    world.pms.mark_watched(1, copy, NOON + 10)
    assert len(await read_plays(world.provider(history_include_marked_watched=True))) == 1


async def test_marked_watched_is_for_the_owner(world: World) -> None:
    child = share(world)
    world.pms.mark_watched(child.id, world.movie(1), NOON)
    assert await read_plays(world.provider(user=child, history_include_marked_watched=True)) == []
