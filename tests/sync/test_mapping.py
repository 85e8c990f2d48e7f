"""TMDb ids given by a person: what they reach, what they leave alone, and how they are taken back."""

from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.mapping import NotMappableError, known_by, with_mappings
from custom_components.crosswatch.sync.models import (
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Scope,
    Side,
    Snapshot,
)
from custom_components.crosswatch.sync.report import RunStatus

from .fakes import NOW, episode, listed, movie, play, rated
from .lab import PAIR, Lab

LISTS, PLAYS, RATINGS = Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS
OTHER = "02PAIR"


@pytest.mark.parametrize(
    ("wanted", "kind", "title"),
    [
        ("movie:imdb:tt1", Kind.MOVIE, "movie:imdb:tt1"),
        (" imdb:tt1 ", Kind.MOVIE, "movie:imdb:tt1"),
        ("tvdb:5", Kind.SHOW, "show:tvdb:5"),
        ("tvdb:5", Kind.EPISODE, "show:tvdb:5"),
        ("movie:imdb:tt1@1790000000", Kind.MOVIE, "movie:imdb:tt1"),
        ("movie:imdb:tt1@unknown", Kind.MOVIE, "movie:imdb:tt1"),
        ("movie:imdb:tt1#rating:over@all", Kind.MOVIE, "movie:imdb:tt1"),
        ("episode:tvdb:5:s01e02@-7", Kind.EPISODE, "show:tvdb:5"),
        ("season:tvdb:5:s01#rating:overall", Kind.SEASON, "show:tvdb:5"),
        ("movie:guid:plex://movie/5d77", Kind.MOVIE, "movie:guid:plex://movie/5d77"),
        ("unknown:movie:some movie (2016)@1790000000", Kind.MOVIE, "unknown:movie:some movie (2016)"),
        ("unknown:episode:some show s01e02@5", Kind.EPISODE, "unknown:show:some show"),
        ("unknown:season:some show s01", Kind.SEASON, "unknown:show:some show"),
    ],
)
def test_a_title_is_known_by_its_ids_or_its_name(wanted: str, kind: Kind, title: str) -> None:
    assert known_by(wanted, kind) == title


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        ("", Kind.MOVIE),
        ("movie", Kind.MOVIE),
        ("some movie", Kind.MOVIE),
        ("movie:imdb:tt1", Kind.SHOW),
        ("show:tvdb:5", Kind.MOVIE),
        ("episode:tvdb:5:s01e02", Kind.MOVIE),
        ("unknown:movie:?", Kind.MOVIE),
        ("unknown:movie:? (2016)", Kind.MOVIE),
        ("unknown:episode:? s01e02", Kind.EPISODE),
        ("unknown:episode:show:tvdb:5:? s01e02", Kind.EPISODE),
    ],
)
def test_what_nobody_can_tell_apart_is_refused(wanted: str, kind: Kind) -> None:
    with pytest.raises(NotMappableError):
        known_by(wanted, kind)


def test_an_id_is_filled_in_where_there_is_none_and_nowhere_else() -> None:
    given = {"movie:imdb:tt1": 9, "show:tvdb:5": 50, "unknown:movie:lost (1999)": 7, "unknown:show:gone": 8}
    nameless = Item(kind=Kind.MOVIE, title="Lost", year=1999)
    by_show = Item(kind=Kind.EPISODE, show_ids=Ids(tvdb=5), season=1, episode=2)
    gone = Item(kind=Kind.EPISODE, show_title="Gone", season=1, episode=2)
    items = [
        movie(imdb="tt1"),
        movie(3, "tt1"),
        movie(imdb="tt2"),
        Item(kind=Kind.SHOW, ids=Ids(tvdb=5)),
        by_show,
        nameless,
        replace(nameless, year=2000),
        replace(nameless, ids=Ids(imdb="tt8")),
        gone,
        Item(kind=Kind.EPISODE, season=1, episode=2),
    ]
    snapshot = Snapshot(
        feature=PLAYS,
        entries=tuple(play(item, NOW) for item in items),
        scope_hash="s",
        read_at=NOW,
        watched=(by_show,),
    )
    told = with_mappings(snapshot, given)
    ids = [(entry.item.ids.tmdb, entry.item.show_ids.tmdb) for entry in told.entries]
    assert ids == [
        (9, None),
        (3, None),
        (None, None),
        (50, None),
        (None, 50),
        (7, None),
        (None, None),
        (None, None),
        (None, 8),
        (None, None),
    ]
    assert told.entries[0].item.ids == Ids(tmdb=9, imdb="tt1")
    assert told.entries[1] is snapshot.entries[1]
    assert [item.show_ids for item in told.watched] == [Ids(tmdb=50, tvdb=5)]
    assert with_mappings(snapshot, {}) is snapshot


# --- in runs --------------------------------------------------------------------------------------


async def test_a_mapping_solves_what_has_no_id_in_every_pair_and_the_service_gets_it(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1"))]
    lab.source.entries[RATINGS] = [rated(movie(imdb="tt1"), 80)]
    features = (LISTS, RATINGS)
    assert (await lab.run(features=features)).status is RunStatus.UNRESOLVED
    rated_row = next(row for row in await lab.state.unresolved(PAIR) if row.feature is RATINGS)
    await lab.state.map_item(rated_row.key, Kind.MOVIE, 9)
    assert (await lab.run(features=features)).status is RunStatus.OK
    assert lab.at_target == [9]
    assert [entry.item.ids for entry in lab.target.entries[RATINGS]] == [Ids(tmdb=9, imdb="tt1")]
    assert await lab.state.unresolved(PAIR) == ()
    assert (await lab.run(features=features)).total("added") == 0
    lab.target.entries[LISTS] = []
    await lab.run(pair_id=OTHER, scope=Scope(pair_id=OTHER))
    assert lab.at_target == [9]


async def test_an_episode_gets_the_id_of_its_show(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    one = Item(kind=Kind.EPISODE, show_ids=Ids(tvdb=5), season=1, episode=1)
    lab.source.entries[PLAYS] = [play(one, NOW), play(replace(one, episode=2), NOW + 9000)]
    await lab.run(features=(PLAYS,))
    await lab.state.map_item("tvdb:5", Kind.SHOW, 50)
    assert (await lab.run(features=(PLAYS,))).total("added") == 2
    assert {entry.item.show_ids.tmdb for entry in lab.target.entries[PLAYS]} == {50}


async def test_a_title_that_another_side_told_the_id_of_is_mapped_by_its_other_ids(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1"))]
    lab.target.entries[LISTS] = [listed(movie(9, "tt1"))]
    await lab.run()
    lab.source.entries[RATINGS] = [rated(movie(imdb="tt1"), 80)]
    await lab.run(features=(RATINGS,))
    (row,) = await lab.state.unresolved(PAIR)
    assert row.key == "movie:tmdb:9#rating:overall"
    await lab.state.map_item(row.key, Kind.MOVIE, 9)
    assert await lab.state.mappings() == {"movie:imdb:tt1": 9}
    assert (await lab.run(features=(RATINGS,))).total("added") == 1


async def test_what_has_an_id_needs_none(lab: Lab) -> None:
    lab.fill(1)
    await lab.run()
    with pytest.raises(NotMappableError):
        await lab.state.map_item("movie:tmdb:1", Kind.MOVIE, 2)
    with pytest.raises(NotMappableError):
        await lab.state.map_item("tmdb:77", Kind.MOVIE, 2)
    assert await lab.state.mappings() == {}


async def mapped(lab: Lab) -> None:
    """Map a movie and an episode to the wrong ids, and let them be written where only these are kept."""
    lab.target.needs_tmdb = True
    lab.target.keeps = _tmdb_only
    lab.request = replace(lab.request, direction=Direction.TWO_WAY, features=(LISTS, PLAYS, RATINGS))
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1")), listed(movie(4))]
    lab.source.entries[PLAYS] = [
        play(movie(imdb="tt1"), NOW),
        play(Item(kind=Kind.EPISODE, show_ids=Ids(tvdb=5), season=1, episode=1), NOW),
        play(episode(4, 1, 1), NOW),
    ]
    lab.source.entries[RATINGS] = [rated(movie(imdb="tt1"), 80)]
    await lab.state.map_item("imdb:tt1", Kind.MOVIE, 9)
    await lab.state.map_item("tvdb:5", Kind.SHOW, 50)
    assert (await lab.run()).total("added") == 6
    assert (await lab.run()).total("added") == 0


def _tmdb_only(entry: Entry) -> Entry:
    item = entry.item
    ids, show_ids = (replace(each, imdb=None, tvdb=None) for each in (item.ids, item.show_ids))
    return replace(entry, item=replace(item, ids=ids, show_ids=show_ids, title="As it is called there"))


async def keys(lab: Lab) -> set[str]:
    """Everything agreed."""
    scopes = dict.fromkeys(Side, "same")
    return {key for feature in Feature for key in (await lab.state.known(PAIR, feature, scopes)).baseline}


async def test_a_mapping_taken_back_leaves_no_trace_but_what_was_written(lab: Lab) -> None:
    await mapped(lab)
    before = await keys(lab)
    assert before >= {"movie:tmdb:9", f"movie:tmdb:9@{NOW}", "movie:tmdb:9#rating:overall"}
    assert f"episode:tmdb:50:s01e01@{NOW}" in before
    assert await lab.state.unmap_item("movie:tmdb:9", Kind.MOVIE)
    assert await lab.state.unmap_item("tvdb:5", Kind.SHOW)
    assert await keys(lab) == {"movie:tmdb:4", f"episode:tmdb:4:s01e01@{NOW}"}
    assert await lab.state.mappings() == {}
    assert not await lab.state.unmap_item("tvdb:5", Kind.SHOW)
    wrong = list(lab.target.entries[LISTS])
    report = await lab.run()
    assert report.status is RunStatus.UNRESOLVED
    assert {row.key for row in await lab.state.unresolved(PAIR)} == {
        "movie:imdb:tt1",
        f"movie:imdb:tt1@{NOW}",
        "movie:imdb:tt1#rating:overall",
        f"episode:tvdb:5:s01e01@{NOW}",
    }
    assert (report.total("removed"), lab.target.entries[LISTS]) == (0, wrong)


async def test_another_id_takes_the_place_of_a_wrong_one(lab: Lab) -> None:
    await mapped(lab)
    await lab.state.map_item("imdb:tt1", Kind.MOVIE, 10)
    assert await lab.state.mappings() == {"movie:imdb:tt1": 10, "show:tvdb:5": 50}
    assert "movie:tmdb:9" not in await keys(lab)
    await lab.run(direction=Direction.ONE_WAY)
    assert sorted(lab.at_target) == [4, 9, 10]


async def test_the_same_id_again_changes_nothing(lab: Lab) -> None:
    await mapped(lab)
    before = await keys(lab)
    await lab.state.map_item("imdb:tt1", Kind.MOVIE, 9)
    assert await keys(lab) == before


async def test_a_title_whose_like_it_is_not_is_left_alone(lab: Lab) -> None:
    await mapped(lab)
    lab.source.entries[LISTS].append(listed(movie(99)))
    lab.source.entries[PLAYS].append(play(episode(500, 1, 1), NOW))
    await lab.run()
    await lab.state.unmap_item("imdb:tt1", Kind.MOVIE)
    await lab.state.unmap_item("tvdb:5", Kind.SHOW)
    assert await keys(lab) >= {"movie:tmdb:99", f"episode:tmdb:500:s01e01@{NOW}"}


async def test_all_ids_of_a_title_are_mapped_and_taken_back_together(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(Item(kind=Kind.MOVIE, ids=Ids(imdb="tt1", tvdb=77)))]
    await lab.run()
    await lab.state.map_item("imdb:tt1", Kind.MOVIE, 9)
    assert await lab.state.mappings() == {"movie:imdb:tt1": 9, "movie:tvdb:77": 9}
    await lab.state.forget_pair(PAIR)
    assert await lab.state.mappings() == {"movie:imdb:tt1": 9, "movie:tvdb:77": 9}, "it is for all pairs"
    assert await lab.state.unmap_item("imdb:tt1", Kind.MOVIE)
    assert await lab.state.mappings() == {}
