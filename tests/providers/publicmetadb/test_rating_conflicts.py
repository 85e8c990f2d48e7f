"""A rating that is there already, given by whom nobody says (API reference W10, questions 1, 2 and 6)."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from custom_components.crosswatch.providers.http import HttpClient
from custom_components.crosswatch.providers.publicmetadb.storage import StateFile
from custom_components.crosswatch.sync.models import Action
from custom_components.crosswatch.sync.provider import ProviderError
from tests.simulators.base import When
from tests.simulators.publicmetadb import Kind as Quirk, ManualClock, Ownership, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import A_RATING, RATINGS, apply, change, episode, movie, rating, removal, told, update
from .test_rating_faults import MOVIE, SHADOW, held, items, known, run, settle

KEY = "movie:tmdb:550#rating:overall"
HIDDEN = [Ownership.HIDDEN, Ownership.USER_ID]
"""Ways of the service by which nothing says which row is ours before we have given one."""


@pytest.mark.parametrize("item", [MOVIE, episode(1399, 0, 1)])
@pytest.mark.parametrize("ownership", list(Ownership))
async def test_equal_rating_is_there_already(
    build: Build, sim: PublicMetaDBSimulator, user: User, ownership: Ownership, item: Any
) -> None:
    """Without trouble, and from then on like any other: it can be changed and removed."""
    sim.settings.ownership = ownership
    user.add_rating(tmdb_id=550, score=80)
    user.add_rating(tmdb_id=1399, media_type="tv", season=0, episode=1, score=80)
    assert told(await run(build(), {item: 80})) == [("already", "http:409")]
    assert await run(build(), {item: 80}) == []
    assert told(await run(build(), {item: 90})) == [("applied", None)]
    assert held(user) == [80, 90]
    assert await known(build()) == {item: 90}
    assert told(await apply(build(), removal(rating(item)))) == [("applied", None)]
    assert held(user) == [80]


@pytest.mark.parametrize("ownership", HIDDEN)
async def test_other_rating_is_left_to_the_next_plan(
    build: Build, sim: PublicMetaDBSimulator, user: User, ownership: Ownership
) -> None:
    """It is read as what stands there, with its date; nothing is changed before that."""
    sim.settings.ownership = ownership
    mine = user.add_rating(tmdb_id=550, score=60)
    assert told(await run(build(), {MOVIE: 65})) == [("failed", "http:409")]
    assert user.ratings() == (mine,)
    assert await known(build()) == {MOVIE: 60}
    await settle(build, {MOVIE: 65})
    assert held(user) == [65]


async def test_rating_taken_over_is_looked_after(build: Build, user: User) -> None:
    """What becomes of it elsewhere is noticed, within a day."""
    clock = ManualClock()
    mine = user.add_rating(tmdb_id=550, score=80)
    await run(build(clock=clock), {MOVIE: 80})
    assert await known(build(clock=clock)) == {MOVIE: 80}
    user.remove_rating(mine.id)
    user.add_rating(tmdb_id=550, score=45, row_id=mine.id)
    clock.advance(86_400)
    assert await known(build(clock=clock)) == {MOVIE: 45}
    user.remove_rating(mine.id)
    for _ in range(2):
        clock.advance(86_400)
        there = await known(build(clock=clock))
    assert there == {}


@pytest.mark.parametrize("others", [1, 12])
async def test_equal_rating_among_several_is_there_without_an_id(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, others: int
) -> None:
    """Whichever it is: nothing is sent for it again. Which one to change nobody can tell."""
    sim.settings.ratings_paged, sim.settings.max_per_page = True, 5
    for number in range(others):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=80)
    mine = user.add_rating(tmdb_id=550, score=80)
    assert told(await run(build(), {MOVIE: 80})) == [("already", "http:409")]
    assert not {"id", "maybe"} & items(tmp_path)[KEY].keys()
    sim.log.clear()
    assert await run(build(), {MOVIE: 80}) == []
    for wanted in (update(rating(MOVIE, 90)), removal(rating(MOVIE))):
        assert told(await apply(build(), wanted)) == [("unresolved", "missing_remote_rating_id")]
    assert {request.method for request in sim.log} <= {"GET"}
    assert mine.id in sim.state.title_ratings
    # until it is the only one
    for row in sim.state.title_ratings.rows():
        if row.id != mine.id:
            user.remove_rating(row.id)
    assert told(await run(build(), {MOVIE: 90})) == [("applied", None)]
    assert held(user) == [90]


async def test_other_rating_among_several_stays_unresolved(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """None of them has what is wanted, and which one is ours nobody can tell."""
    before = [sim.state.add_rating("somebody", tmdb_id=550, score=30), user.add_rating(tmdb_id=550, score=60)]
    assert told(await run(build(), {MOVIE: 80})) == [("unresolved", "http:409")]
    assert items(tmp_path) == {}
    assert await known(build()) == {}
    assert list(sim.state.title_ratings.rows()) == before


@pytest.mark.parametrize("status", [400, 422])
async def test_refusal_that_may_mean_anything_proves_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, status: int
) -> None:
    """Only a 409 says that there is one."""
    sim.settings.rating_conflict_status = status
    user.add_rating(tmdb_id=550, score=80)
    assert told(await run(build(), {MOVIE: 80})) == [("unresolved", f"http:{status}")]
    assert items(tmp_path) == {}


@pytest.mark.parametrize("score", [80, 60])
@pytest.mark.parametrize(
    "body", [("", "text/plain"), ("<html>Conflict</html>", "text/html"), ("{}", "application/json")]
)
async def test_409_without_a_text_proves_nothing(
    build: Build, sim: PublicMetaDBSimulator, tmp_path: Path, score: int, body: tuple[str, str]
) -> None:
    """A gateway's, while somebody else's rating is the only one."""
    sim.state.add_rating("somebody", tmdb_id=550, score=score)
    sim.inject(RATINGS, method="POST", status=409, body=body[0], content_type=body[1], times=None)
    assert told(await run(build(), {MOVIE: 80})) == [("unresolved", "http:409")]
    assert items(tmp_path) == {}
    assert await known(build()) == {}


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 400}, {"drop": True}])
async def test_search_that_fails_proves_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, fault: dict[str, Any]
) -> None:
    """Nor does one that lacks rows; the next attempt tells."""
    user.add_rating(tmdb_id=550, score=80)
    sim.inject(RATINGS, method="GET", times=None, **fault)
    assert told(await run(build(max_retries=1), {MOVIE: 80})) == [("unresolved", "http:409")]
    assert items(tmp_path) == {}
    sim.heal()
    sim.state.add_rating("somebody", tmdb_id=550, score=80)
    sim.quirk(Quirk.TRUNCATED, RATINGS, method="GET", times=None, rows=1, honest=True)
    assert told(await run(build(), {MOVIE: 80})) == [("unresolved", "http:409")]
    sim.heal()
    await settle(build, {MOVIE: 80})


# --- rows of others --------------------------------------------------------------------------


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("by_label", [True, False])
@pytest.mark.parametrize("score", [80, 60])
@pytest.mark.parametrize("ownership", list(Ownership))
async def test_rating_of_somebody_else_is_never_deleted(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    ownership: Ownership,
    score: int,
    action: Action,
    *,
    by_label: bool,
) -> None:
    """The only one there is a stranger's, and the service says that it is ours.

    It means our rating under another label, or it is wrong.
    """
    sim.settings.ownership = ownership
    sim.settings.rating_unique_by_label = by_label
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=score)
    if by_label:
        sim.quirk(Quirk.CONFLICT, RATINGS, method="POST", times=2)
    else:
        user.add_rating(tmdb_id=550, score=10, label="Story")
    for _ in range(2):
        await run(build(), {MOVIE: 80})
        if not by_label:
            # nobody's rating is passed on as ours
            assert await known(build()) in ({}, {MOVIE: 80})
    sim.heal()
    for _ in range(4):
        await apply(build(), change(rating(MOVIE, 90), action))
        assert sim.state.title_ratings.get(theirs.id) == theirs
    if action is not Action.REMOVE:
        assert held(user) == ([90] if by_label else [10])
    assert all(row.status == 403 for row in sim.requests(A_RATING, "DELETE") if theirs.id in row.path)
    assert len([row for row in sim.requests(A_RATING, "DELETE") if theirs.id in row.path]) <= 1


@pytest.mark.parametrize("ownership", [Ownership.IS_OWNER, Ownership.FULL])
async def test_rows_that_say_they_are_not_ours_are_in_nobodys_way(
    build: Build, sim: PublicMetaDBSimulator, user: User, ownership: Ownership
) -> None:
    """Where ours says so it is taken for certain, whatever the others say."""
    sim.settings.ownership = ownership
    for number in range(3):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=80)
    mine = user.add_rating(tmdb_id=550, score=60)
    (outcome,) = await run(build(), {MOVIE: 80})
    assert (outcome.status, outcome.remote_id) == ("failed", mine.id)
    await settle(build, {MOVIE: 80})
    assert held(user) == [80]


@pytest.mark.parametrize("sensitive", [True, False])
async def test_case_of_a_label(
    build: Build, sim: PublicMetaDBSimulator, user: User, *, sensitive: bool
) -> None:
    """Labels that differ in case only are one rating to us, and two or one to the service (question 6)."""
    sim.settings.label_case_sensitive = sensitive
    user.add_rating(tmdb_id=550, score=80, label="STORY")
    first = await apply(build(), rating(MOVIE, 80, "Story"))
    assert told(first) == [("applied", None) if sensitive else ("already", "http:409")]
    assert await known(build()) == {MOVIE: 80}
    assert told(await apply(build(), update(rating(MOVIE, 90, "Story")))) == [("applied", None)]
    assert await known(build()) == {MOVIE: 90}
    assert held(user) == ([80, 90] if sensitive else [90])


# --- broken off ------------------------------------------------------------------------------


@pytest.mark.parametrize("when", list(When))
@pytest.mark.parametrize("number", range(1, 8))
async def test_killed_at_every_request_and_file(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    when: When,
    number: int,
) -> None:
    """While it is taken over and while it is changed: it is there once, with the old score or the new one."""
    clock = ManualClock()
    theirs = sim.state.add_rating("somebody", tmdb_id=551, score=80)
    user.add_rating(tmdb_id=550, score=60)
    for wanted in ({MOVIE: 65}, {MOVIE: 70}, {MOVIE: 75}):
        count = 0
        send, write = HttpClient._send, StateFile.write

        def moment(error: Exception, now: When) -> None:
            nonlocal count
            count += now is When.BEFORE
            # nothing more happens, not even on the way out
            if count > number or (count == number and (now is when or when is When.BEFORE)):
                raise error

        async def mortal_send(self: HttpClient, *args: Any, send: Any = send, die: Any = moment) -> Any:
            die(aiohttp.ClientConnectionError(), When.BEFORE)
            answer = await send(self, *args)
            die(aiohttp.ClientConnectionError(), When.AFTER)
            return answer

        async def mortal_write(self: StateFile, content: Any, write: Any = write, die: Any = moment) -> None:
            die(ProviderError("killed"), When.BEFORE)
            await write(self, content)
            die(ProviderError("killed"), When.AFTER)

        with monkeypatch.context() as patch:
            patch.setattr(HttpClient, "_send", mortal_send)
            patch.setattr(StateFile, "write", mortal_write)
            try:
                await run(build(clock=clock, max_retries=1), wanted)
            except ProviderError:
                assert count >= number
        clock.advance(4000)
        await settle(build, wanted, clock)
        assert held(user) == list(wanted.values())
        clock.advance(4000)
    assert theirs.id in sim.state.title_ratings


async def test_refused_change_of_a_rating_taken_over_leaves_it(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The old score is put back, as for any other."""
    user.add_rating(tmdb_id=550, score=60)
    await run(build(), {MOVIE: 90})
    sim.fail(RATINGS, method="POST", status=501)
    assert [one.reason for one in await run(build(), {MOVIE: 90})] == ["http:501"]
    assert held(user) == [60]
    assert await known(build()) == {MOVIE: 60}


async def test_hour_that_is_used_up_takes_nothing_over(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Each attempt counts as one that is sent, and those beyond the hour wait for the next one."""
    clock = ManualClock()
    for number in range(1, 6):
        user.add_rating(tmdb_id=number, score=80)
    wanted = {movie(number): 80 for number in range(1, 6)}
    build_one = {"clock": clock, "ratings_submit_per_hour": 2}
    limit = ("unresolved", "publicmetadb_hourly_rating_submit_limit")
    for left in (5, 3):
        told_now = sorted(told(await run(build(**build_one), wanted)))
        assert told_now == [("already", "http:409")] * 2 + [limit] * (left - 2)
        assert len(await known(build(**build_one))) == 7 - left
        clock.advance(3601)
    assert told(await run(build(**build_one), wanted)) == [("already", "http:409")]
    assert await run(build(**build_one), wanted) == []


async def test_what_is_known_of_others_survives_a_restart(
    build: Build, sim: PublicMetaDBSimulator, tmp_path: Path
) -> None:
    """A row that was refused to us once is not tried again by the next process, nor taken for another's."""
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    content = {"items": {KEY: {"foreign": [theirs.id], "label": "Overall"}}}
    (tmp_path / SHADOW).write_text(json.dumps(content))
    sim.quirk(Quirk.CONFLICT, RATINGS, method="POST", times=None)
    for _ in range(2):
        assert await known(build()) == {}
        assert told(await run(build(), {MOVIE: 80})) == [("unresolved", "http:409")]
        assert items(tmp_path)[KEY]["foreign"] == [theirs.id]
    sim.heal()
    await settle(build, {MOVIE: 80})
