"""Writing plays."""

import json
import math
from pathlib import Path

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.refusals import refusal
from custom_components.crosswatch.sync.models import Action, Feature, Play, Scope
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User

from .helpers import JAN_2, SCOPE, WATCHED, apply, episode, files, listed, movie, play, removal, show, told

HOUR = 3600


async def test_what_is_sent(provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User) -> None:
    """The show's id and both numbers of an episode, the date to the second, the flag against doubles."""
    await apply(provider, play(movie(603)), play(episode(1399, 0, 0, own_tmdb=5), JAN_2 + 1))
    assert [json.loads(request.body) for request in sim.log] == [
        {"tmdb_id": 603, "media_type": "movie", "watched_at": "2026-01-02T20:15:00Z"},
        {
            "tmdb_id": 1399,
            "media_type": "tv",
            "season": 0,
            "episode": 0,
            "watched_at": "2026-01-02T20:15:01Z",
        },
    ]
    assert {request.query for request in sim.log} == {(("dedupe", "true"),)}
    snapshot = await provider.read(Feature.HISTORY, SCOPE)
    assert {(entry.item, entry.watched_at) for entry in snapshot.entries if isinstance(entry, Play)} == {
        (movie(603), JAN_2),
        (episode(1399, 0, 0), JAN_2 + 1),
    }


async def test_rewatches_are_plays_of_their_own(provider: PublicMetaDBProvider, user: User) -> None:
    """Read, written and removed one by one."""
    plays = [play(movie(603), JAN_2 + number * HOUR) for number in range(3)]
    assert told(await apply(provider, *plays)) == [("applied", None)] * 3
    assert len((await provider.read(Feature.HISTORY, SCOPE)).entries) == 3
    assert told(await apply(provider, removal(plays[1]))) == [("applied", None)]
    assert sorted(row.watched_at or 0 for row in user.watched()) == [JAN_2, JAN_2 + 2 * HOUR]


@pytest.mark.parametrize("tolerance", [0.0, 60.0, math.inf])
@pytest.mark.parametrize("same_day", [False, True])
async def test_own_dedupe_of_the_service_loses_no_play(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    tolerance: float,
    *,
    same_day: bool,
) -> None:
    """Whatever it takes for the same play (question 7): every moment is kept, none twice."""
    sim.settings.dedupe_tolerance = tolerance
    sim.settings.dedupe_same_day = same_day
    user.add_watched(tmdb_id=603, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    for moment in (JAN_2 + 30, JAN_2 + HOUR, JAN_2 + 48 * HOUR):
        (outcome,) = await apply(provider, play(movie(603), moment))
        assert told([outcome]) == [("applied", None)]
        assert outcome.remote_id == user.watched()[-1].id
    moments = [JAN_2, JAN_2 + 30, JAN_2 + HOUR, JAN_2 + 48 * HOUR]
    assert [row.watched_at for row in user.watched()] == moments

    # a play that is there stays one, whatever the plan believed
    loose = tolerance > 0 or same_day
    expected = ("already", "already_played") if loose else ("applied", None)
    assert told(await apply(provider, play(movie(603), JAN_2 + 30))) == [expected]
    assert [row.watched_at for row in user.watched()] == moments


async def test_moment_that_the_service_rounds_is_sent_once(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """An answer with another date is no proof that nothing was added."""
    body = '{"success":true,"item":{"id":"brandnew","watched_at":"2026-01-02T20:15:00Z"}}'
    sim.inject(WATCHED, method="POST", status=201, body=body, content_type="application/json", times=None)
    assert told(await apply(provider, play(movie(603), JAN_2 + 30))) == [("applied", None)]
    assert len(sim.requests(WATCHED, "POST")) == 1


@pytest.mark.parametrize("date", ["null", '"?"', "5"])
async def test_odd_date_in_an_answer(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, date: str
) -> None:
    """Doesn't turn a success into a failure."""
    body = f'{{"success":true,"item":{{"id":"x","watched_at":{date}}}}}'
    sim.inject(WATCHED, method="POST", status=201, body=body, content_type="application/json")
    assert told(await apply(provider, play(movie(603)))) == [("applied", None)]


async def test_two_rows_of_one_moment(provider: PublicMetaDBProvider, user: User) -> None:
    """Are two entries; the row that is named is removed, without a name both."""
    rows = [user.add_watched(tmdb_id=603, watched_at=JAN_2) for _ in range(4)]
    snapshot = await provider.read(Feature.HISTORY, SCOPE)
    assert len(snapshot.entries) == 4
    assert told(await apply(provider, removal(play(movie(603), remote_id=rows[2].id)))) == [("applied", None)]
    assert user.watched() == (rows[0], rows[1], rows[3])
    assert told(await apply(provider, removal(play(movie(603))))) == [("applied", None)]
    assert not user.watched()


async def test_play_without_a_date(provider: PublicMetaDBProvider, user: User, tmp_path: Path) -> None:
    """Is read, can't be written, and is removed by its id only."""
    row = user.add_watched(tmdb_id=603, watched_at=None)
    (entry,) = (await provider.read(Feature.HISTORY, SCOPE)).entries
    assert entry == play(movie(603), None, row.id)
    assert told(await apply(provider, entry)) == [("unresolved", "missing_watched_at")]
    file = json.loads((tmp_path / "publicmetadb_history.pair1.shadow.json").read_text())
    assert file == {"items": {f"movie:tmdb:603@id:{row.id}": row.id}}
    assert told(await apply(provider, removal(play(movie(603), None)))) == [
        ("unresolved", "missing_remote_history_id")
    ]
    assert told(await apply(provider, removal(entry))) == [("applied", None)]
    assert not user.watched()


async def test_play_that_was_dated_anew_is_another_play(provider: PublicMetaDBProvider, user: User) -> None:
    """Removing the old one leaves the row alone."""
    row = user.add_watched(tmdb_id=603, watched_at=JAN_2)
    user.date_watched(row.id, JAN_2 + HOUR)
    (entry,) = (await provider.read(Feature.HISTORY, SCOPE)).entries
    outcomes = await apply(provider, removal(play(movie(603), JAN_2, entry.remote_id)))
    assert told(outcomes) == [("unresolved", "missing_remote_history_id")]
    assert len(user.watched()) == 1


def test_refusals_in_their_order() -> None:
    """History asks for the date first, then for the ids; what can't be is told before anything else."""
    cases = [
        (play(movie(1)), None),
        (play(movie(None)), "missing_tmdb_id"),
        (play(movie(None), None), "missing_watched_at"),
        (play(movie(1), 0), None),
        (play(episode(1399, 0, 0)), None),
        (play(episode(None, 1, 1, own_tmdb=5)), "missing_show_tmdb_or_episode_numbers"),
        (play(episode(1399, None, 1)), "missing_show_tmdb_or_episode_numbers"),
        (play(episode(1399, 1, None)), "missing_show_tmdb_or_episode_numbers"),
        (play(episode(1399, 1, None), None), "missing_watched_at"),
        (play(show(1399), None), "unsupported_media_type"),
    ]
    for entry, reason in cases:
        assert refusal(Feature.HISTORY, Action.ADD, entry) == reason
    assert refusal(Feature.HISTORY, Action.REMOVE, play(movie(1), None)) is None
    assert refusal(Feature.HISTORY, Action.REMOVE, play(movie(None))) == "missing_remote_history_id"
    assert refusal(Feature.WATCHLIST, Action.REMOVE, listed(movie(None))) == "missing_remote_item_id"
    assert refusal(Feature.WATCHLIST, Action.ADD, listed(show(None))) == "missing_tmdb_id"
    assert refusal(Feature.WATCHLIST, Action.ADD, listed(show(1399))) is None


async def test_dry_run_writes_nothing(provider: PublicMetaDBProvider, user: User, tmp_path: Path) -> None:
    """Neither state files nor, should it ever be asked to, anything else."""
    user.add_watched(tmdb_id=603, watched_at=JAN_2)
    user.add_list("Watchlist", items=[("movie", 603)])
    dry = Scope(pair_id="pair1", read_only=True)
    for feature in (Feature.HISTORY, Feature.WATCHLIST):
        assert len((await provider.read(feature, dry)).entries) == 1
    with pytest.raises(ValueError, match="dry run"):
        await apply(provider, play(movie(1)), scope=dry)
    assert not files(tmp_path)
