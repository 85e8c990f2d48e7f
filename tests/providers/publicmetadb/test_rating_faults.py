"""No rating is lost or doubled, whatever breaks off and wherever (API reference W9, W10)."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from itertools import product
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from custom_components.crosswatch.providers.http import HttpClient
from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.storage import StateFile
from custom_components.crosswatch.sync.models import Action, Feature, Item, Outcome, Rating
from custom_components.crosswatch.sync.provider import ProviderError, RateLimitedError, UnreachableError
from tests.simulators.base import When
from tests.simulators.publicmetadb import Kind as Quirk, ManualClock, Ownership, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import (
    A_RATING,
    RATINGS,
    SCOPE,
    apply,
    change,
    episode,
    movie,
    rating,
    removal,
    told,
    update,
)

thorough = pytest.mark.thorough

SHADOW = "publicmetadb_ratings.pair1.shadow.json"
MOVIE = movie(550)


async def known(provider: PublicMetaDBProvider) -> dict[Item, int]:
    """Return what a read tells."""
    entries = (await provider.read(Feature.RATINGS, SCOPE)).entries
    return {one.item: one.tenths for one in entries if isinstance(one, Rating)}


async def run(provider: PublicMetaDBProvider, wanted: Mapping[Item, int]) -> list[Outcome]:
    """Do what a run does: read, plan, write."""
    there = await known(provider)
    changes = [
        change(rating(item, tenths), Action.UPDATE if item in there else Action.ADD)
        for item, tenths in wanted.items()
        if there.get(item) != tenths
    ]
    return await apply(provider, *changes) if changes else []


async def settle(build: Build, wanted: Mapping[Item, int], clock: ManualClock | None = None) -> int:
    """Run, each time in a new process, until nothing is left to do; return how often."""
    for number in range(8):
        provider = build(**({} if clock is None else {"clock": clock}))
        if not await run(provider, wanted) and await known(provider) == wanted:
            return number
        if clock is not None:
            clock.advance(1000)
    raise AssertionError("the runs don't come to an end")


def held(user: User) -> list[float]:
    """Return the scores the service holds."""
    return sorted(row.score for row in user.ratings())


def items(folder: Path) -> Any:
    """Return what the shadow holds."""
    return json.loads((folder / SHADOW).read_text())["items"]


FAULTS: tuple[dict[str, Any], ...] = (
    {"drop": True},
    {"status": 400},
    {"status": 401},
    {"status": 403, "content_type": "application/json", "body": '{"error":"no"}'},
    {"status": 403, "content_type": "text/html", "body": "<html></html>"},
    {"status": 408},
    {"status": 409},
    {"status": 422},
    {"status": 429},
    {"status": 500},
    {"status": 501},
    {"status": 503},
    {"status": 524},
    {"status": 200, "content_type": "text/html", "body": "<html></html>"},
    {"status": 200, "content_type": "application/json", "body": '{"success":false}'},
    {"status": 200},
)


def combined(*axes: Iterable[Any], quick: Collection[tuple[Any, ...]]) -> list[Any]:
    """Return all combinations; those that show all there is to see are quick, the others thorough."""
    found = list(product(*axes))
    assert all(each in found for each in quick)
    return [
        pytest.param(*each, marks=() if each in quick else thorough, id="-".join(map(str, each)))
        for each in found
    ]


@pytest.mark.parametrize(
    ("kind", "when", "fault"),
    combined(
        (
            (Ownership.HIDDEN, "POST", 1),
            (Ownership.HIDDEN, "POST", 3),
            (Ownership.IS_OWNER, "POST", 2),
            (Ownership.USER_ID, "POST", 1),
            (Ownership.HIDDEN, "DELETE", 2),
            (Ownership.HIDDEN, "GET", 2),
        ),
        When,
        FAULTS,
        quick=[
            *(((Ownership.HIDDEN, "POST", 3), When.AFTER, FAULTS[which]) for which in (1, 4, -1)),
            ((Ownership.IS_OWNER, "POST", 2), When.AFTER, FAULTS[-1]),
            ((Ownership.USER_ID, "POST", 1), When.AFTER, FAULTS[3]),
        ],
    ),
)
async def test_w09_failed_half_loses_nothing(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    kind: tuple[Ownership, str, int],
    when: When,
    fault: dict[str, Any],
) -> None:
    """A change whose second half fails: the old score or the new one is there, or comes back."""
    ownership, method, times = kind
    sim.settings.ownership = ownership
    sim.state.add_rating("somebody", tmdb_id=550, score=90)
    await run(build(), {MOVIE: 80})
    assert await known(build()) == {MOVIE: 80}
    sim.inject("/api/external/*ratings*", method=method, when=when, times=times, **fault)
    try:
        await run(build(max_retries=2), {MOVIE: 90})
    except ProviderError:
        # the run has ended
        assert times
    # never is the rating taken for removed, and never for one that isn't there
    for _ in range(2):
        try:
            there = await known(build(max_retries=2))
        except ProviderError:
            continue
        assert there in ({MOVIE: 80}, {MOVIE: 90})
    sim.heal()
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]
    assert sim.state.title_ratings.rows()[0].score == 90


@pytest.mark.parametrize(
    ("ownership", "when", "fault"),
    combined(
        (Ownership.HIDDEN, Ownership.IS_OWNER),
        When,
        FAULTS,
        quick=[(Ownership.HIDDEN, When.AFTER, FAULTS[which]) for which in (10, -1)],
    ),
)
async def test_new_rating_that_fails_is_there_once_in_the_end(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    fault: dict[str, Any],
    when: When,
    ownership: Ownership,
) -> None:
    """A lost answer leads to no second rating and to no lost one."""
    sim.settings.ownership = ownership
    for number in range(5):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=80)
    sim.inject(RATINGS, method="POST", when=when, times=1, **fault)
    try:
        await run(build(max_retries=2), {MOVIE: 80})
    except ProviderError:
        assert not held(user) or when is When.AFTER
    sim.heal()
    # also when the service lied, and stored what it refused
    await settle(build, {MOVIE: 80})
    assert held(user) == [80]


async def test_w09_old_score_comes_back_when_the_plan_changes_its_mind(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The change broke off after the deletion, and then nobody wants it any more."""
    await run(build(), {MOVIE: 80})
    sim.inject(RATINGS, method="POST", drop=True, times=None)
    assert [one.status for one in await run(build(), {MOVIE: 90})] == ["uncertain"]
    sim.heal()
    assert not held(user)
    assert await run(build(), {MOVIE: 80}) == []
    assert await known(build()) == {MOVIE: 80}
    assert held(user) == [80]
    assert await known(build()) == {MOVIE: 80}


@pytest.mark.parametrize("status", [400, 403, 404, 422, 501])
async def test_w09_refused_score_leaves_the_old_one(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, status: int
) -> None:
    """Put back at once."""
    await run(build(), {MOVIE: 80})
    await known(build())
    sim.fail(RATINGS, method="POST", status=status)
    (outcome,) = await run(build(), {MOVIE: 90})
    assert outcome.reason == f"http:{status}"
    assert outcome.status in ("unresolved", "failed")
    assert held(user) == [80]
    assert await known(build()) == {MOVIE: 80}
    assert "pending" not in items(tmp_path)["movie:tmdb:550#rating:overall"]


@thorough
@pytest.mark.timeout(180)
@pytest.mark.parametrize("ownership", [Ownership.HIDDEN, Ownership.IS_OWNER])
async def test_w09_cancelled_at_any_await(
    build: Build, sim: PublicMetaDBSimulator, user: User, ownership: Ownership
) -> None:
    """Broken off after any number of steps, and continued by a new process.

    Where rows tell no owner, a rating whose answer was lost may never be changed again; it is never lost.
    """
    sim.settings.ownership = ownership
    clock = ManualClock()
    for number, steps in enumerate(sorted({round(1.35**power) for power in range(26)})):
        # the quota is another matter
        clock.advance(4000)
        wanted = {MOVIE: 90 if number % 2 else 80, episode(1399, 0, 1): 75 if number % 2 else 65}
        task = asyncio.create_task(run(build(clock=clock), wanted))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if number:
            assert set(await known(build(clock=clock))) == set(wanted)
        if ownership is Ownership.IS_OWNER:
            await settle(build, wanted, clock)
            assert held(user) == sorted(wanted.values())
        else:
            await run(build(clock=clock), wanted)
            await known(build(clock=clock))
            low, high = held(user)
            assert (low in (65, 75), high in (80, 90)) == (True, True)


@thorough
@pytest.mark.parametrize("number", range(1, 10))
async def test_w09_crash_at_every_save(
    build: Build, sim: PublicMetaDBSimulator, user: User, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A state file that can't be written any more, from the first to the last time in a run."""
    await run(build(), {MOVIE: 80})
    await known(build())
    count = 0
    write = StateFile.write

    async def failing(self: StateFile, content: Any) -> None:
        nonlocal count
        count += 1
        if count >= number:
            raise UnreachableError("killed")
        await write(self, content)

    monkeypatch.setattr(StateFile, "write", failing)
    try:
        await run(build(), {MOVIE: 90})
    except UnreachableError:
        assert count >= number
    monkeypatch.undo()
    assert await known(build()) in ({MOVIE: 80}, {MOVIE: 90})
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]


@thorough
@pytest.mark.parametrize("ownership", [Ownership.HIDDEN, Ownership.IS_OWNER])
@pytest.mark.parametrize("when", list(When))
@pytest.mark.parametrize("number", range(1, 6))
async def test_w09_killed_at_every_request(
    build: Build,
    sim: PublicMetaDBSimulator,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    ownership: Ownership,
    when: When,
    number: int,
) -> None:
    """The process ends with a request: nothing more is sent or written, not even on the way out."""
    sim.settings.ownership = ownership
    await run(build(), {MOVIE: 80})
    await known(build())
    sent = 0
    dead = False
    send, write = HttpClient._send, StateFile.write

    async def mortal_send(self: HttpClient, *args: Any) -> Any:
        nonlocal sent, dead
        if dead:
            raise aiohttp.ClientConnectionError
        sent += 1
        dead = sent == number
        if dead and when is When.BEFORE:
            raise aiohttp.ClientConnectionError
        answer = await send(self, *args)
        if dead:
            raise aiohttp.ClientConnectionError
        return answer

    async def mortal_write(self: StateFile, content: Any) -> None:
        if not dead:
            await write(self, content)

    monkeypatch.setattr(HttpClient, "_send", mortal_send)
    monkeypatch.setattr(StateFile, "write", mortal_write)
    try:
        await run(build(max_retries=1), {MOVIE: 90, movie(551): 70})
    except ProviderError:
        assert dead
    monkeypatch.undo()
    assert (await known(build()))[MOVIE] in (80, 90)
    await settle(build, {MOVIE: 90, movie(551): 70})
    assert held(user) == [70, 90]


@pytest.mark.parametrize("quirk", [Quirk.SILENT_DROP, Quirk.NO_ID, Quirk.EMPTY_BODY, Quirk.TOP_LEVEL_ID])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_answer_is_no_proof(
    build: Build, sim: PublicMetaDBSimulator, user: User, quirk: Quirk, method: str
) -> None:
    """An answer that lies or says too little: the new score counts when it was seen."""
    clock = ManualClock()
    sim.clock = sim.state.clock = clock
    await run(build(clock=clock), {MOVIE: 80})
    await known(build(clock=clock))
    sim.quirk(quirk, "/api/external/*ratings*", method=method)
    await run(build(clock=clock), {MOVIE: 90})
    there = await known(build(clock=clock))
    unproven = method == "POST" and quirk in (Quirk.NO_ID, Quirk.EMPTY_BODY)
    assert there == ({MOVIE: 90} if held(user) == [90] and not unproven else {MOVIE: 80})
    await settle(build, {MOVIE: 90}, clock)
    assert held(user) == [90]


async def test_lying_deletion_is_seen_through(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """The old rating is still there: the 409 says so, and it is ours by its id."""
    await run(build(), {MOVIE: 80})
    await known(build())
    sim.quirk(Quirk.SILENT_DROP, A_RATING, method="DELETE")
    assert told(await run(build(), {MOVIE: 90})) == [("failed", "http:409")]
    assert held(user) == [80]
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]


# --- 409 -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [409, 400, 422])
@pytest.mark.parametrize("ownership", [Ownership.IS_OWNER, Ownership.FULL])
async def test_w10_own_rating_is_taken_over(
    build: Build, sim: PublicMetaDBSimulator, user: User, ownership: Ownership, status: int
) -> None:
    """One given on the site, whose row says that it is ours: never mind the others with the same score."""
    sim.settings.ownership = ownership
    sim.settings.rating_conflict_status = status
    sim.state.add_rating("somebody", tmdb_id=550, score=80)
    mine = user.add_rating(tmdb_id=550, score=80)
    other = user.add_rating(tmdb_id=551, score=60)
    outcomes = await run(build(), {MOVIE: 80, movie(551): 90})
    assert told(outcomes) == [("already", f"http:{status}"), ("failed", f"http:{status}")]
    assert [outcome.remote_id for outcome in outcomes] == [mine.id, other.id]
    # with another score it is a change like any other
    assert await known(build()) == {MOVIE: 80, movie(551): 60}
    await settle(build, {MOVIE: 80, movie(551): 90})
    assert held(user) == [80, 90]


async def test_w10_own_user_id_is_learned_from_own_writes(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Where rows tell a user and not whether it is us."""
    sim.settings.ownership = Ownership.USER_ID
    sim.state.add_rating("somebody", tmdb_id=550, score=80)
    mine = user.add_rating(tmdb_id=550, score=80)
    assert told(await run(build(), {MOVIE: 90})) == [("unresolved", "http:409")]
    await run(build(), {movie(551): 60})
    (outcome,) = await run(build(), {MOVIE: 90, movie(551): 60})
    assert (outcome.status, outcome.remote_id) == ("failed", mine.id)


async def test_w10_row_that_says_it_is_not_ours_is_not(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """An id from an older tool that adopted somebody else's rating."""
    sim.settings.ownership = Ownership.IS_OWNER
    clock = ManualClock()
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    key = "movie:tmdb:550#rating:overall"
    content = {"items": {key: {"id": theirs.id, "label": "Overall", "score": 80, "missed_at": 5}}}
    (tmp_path / SHADOW).write_text(json.dumps(content))
    assert await known(build(clock=clock)) == {}
    await settle(build, {MOVIE: 70}, clock)
    assert held(user) == [70]
    assert theirs.id in sim.state.title_ratings


async def test_id_of_somebody_else_is_in_nobodys_way(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Where rows tell nothing, a change finds out by the 403 and goes on."""
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    key = "movie:tmdb:550#rating:overall"
    (tmp_path / SHADOW).write_text(json.dumps({"items": {key: {"id": theirs.id, "score": 80}}}))
    assert told(await apply(build(), update(rating(MOVIE, 70)))) == [("applied", None)]
    assert held(user) == [70]
    assert theirs.id in sim.state.title_ratings
    assert await known(build()) == {MOVIE: 70}


async def test_lost_answer_that_cannot_be_told_apart(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The 409 says that the first attempt arrived: the rating is known, its row is not."""
    sim.inject(RATINGS, method="POST", when=When.AFTER, drop=True)
    assert [one.status for one in await run(build(), {MOVIE: 80})] == ["uncertain"]
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    assert told(await run(build(), {MOVIE: 80})) == [("already", "http:409")]
    assert await run(build(), {MOVIE: 80}) == []
    # so it can neither be changed nor removed
    reason = ("unresolved", "missing_remote_rating_id")
    assert told(await run(build(), {MOVIE: 90})) == [reason]
    assert told(await apply(build(), removal(rating(MOVIE)))) == [reason]
    assert held(user) == [80]
    assert theirs.id in sim.state.title_ratings
    # until the service tells whose rows they are
    sim.settings.ownership = Ownership.IS_OWNER
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]


@pytest.mark.parametrize("item", [MOVIE, episode(1399, 0, 1)])
@pytest.mark.parametrize("old", [None, 60])
async def test_lost_answer_whose_row_can_be_found(
    build: Build, sim: PublicMetaDBSimulator, user: User, item: Item, old: int | None
) -> None:
    """The only row that our write can have made: deleting it proves that it is ours."""
    numbers = {"tmdb_id": 550} if item is MOVIE else {"tmdb_id": 1399, "season": 0, "episode": 1}
    media: Any = {"media_type": "movie" if item is MOVIE else "tv", **numbers}
    # the same score, a day before
    theirs = sim.state.add_rating("somebody", score=80, created=sim.clock() - 86_400, **media)
    if old is not None:
        await run(build(), {item: old})
        await known(build())
    sim.inject(RATINGS, method="POST", when=When.AFTER, drop=True)
    assert [one.status for one in await run(build(), {item: 80})] == ["uncertain"]
    assert told(await run(build(), {item: 80})) == [("already", "http:409")]
    assert await run(build(), {item: 80}) == []
    assert told(await run(build(), {item: 90})) == [("applied", None)]
    assert held(user) == [90]
    assert await known(build()) == {item: 90}
    assert theirs.id in {row.id for table in sim.state.tables() for row in table.rows()}


async def test_lost_answer_and_a_removal(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """Removed before anybody has asked again whether it arrived."""
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80, created=sim.clock() - 86_400)
    sim.inject(RATINGS, method="POST", when=When.AFTER, drop=True)
    await run(build(), {MOVIE: 80})
    assert told(await apply(build(), removal(rating(MOVIE)))) == [("applied", None)]
    assert not held(user)
    assert theirs.id in sim.state.title_ratings
    assert await known(build()) == {}


@pytest.mark.parametrize("action", list(Action))
async def test_row_that_only_seems_to_be_ours_stays(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, action: Action
) -> None:
    """Somebody gave the score of our lost write at that moment: the service deletes it for nobody else."""
    mine = user.add_rating(tmdb_id=550, score=60)
    sim.inject(RATINGS, method="POST", drop=True, times=3)
    await run(build(), {MOVIE: 80})
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    await run(build(), {MOVIE: 80})
    sim.heal()
    assert told(await run(build(), {MOVIE: 80})) == [("already", "http:409")]
    assert items(tmp_path)["movie:tmdb:550#rating:overall"]["maybe"] == theirs.id
    wanted = change(rating(MOVIE, 90), action)
    assert told(await apply(build(), wanted)) == [("unresolved", "missing_remote_rating_id")]
    # what is known now is that it is not ours: its score isn't either, and nobody tries again
    assert items(tmp_path)["movie:tmdb:550#rating:overall"]["foreign"] == [theirs.id]
    assert await known(build()) == {}
    assert {theirs.id, mine.id} == set(sim.state.title_ratings._rows)
    sim.log.clear()
    await apply(build(), wanted)
    assert not sim.requests(method="DELETE")
    if action is Action.REMOVE:
        assert held(user) == [60]
    else:
        # only one is left that can be ours
        await settle(build, {MOVIE: 90})
        assert held(user) == [90]
    assert theirs.id in sim.state.title_ratings


async def test_probable_row_is_not_taken_for_certain(
    build: Build, sim: PublicMetaDBSimulator, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change that was killed before the deletion: what was unproven is unproven still."""
    sim.inject(RATINGS, method="POST", when=When.AFTER, drop=True)
    await run(build(), {MOVIE: 80})
    await run(build(), {MOVIE: 80})
    sim.inject(A_RATING, method="DELETE", drop=True, times=None)
    assert [one.status for one in await run(build(max_retries=1), {MOVIE: 90})] == ["failed"]
    sim.heal()
    snapshot = await build().read(Feature.RATINGS, SCOPE)
    assert [(one.tenths, one.remote_id) for one in snapshot.entries if isinstance(one, Rating)] == [
        (80, None)
    ]
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]


async def test_change_of_what_was_never_ours_restores_nothing(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """The score of a stranger, taken over by an older tool, is not what is put back."""
    theirs = sim.state.add_rating("somebody", tmdb_id=550, score=30)
    key = "movie:tmdb:550#rating:overall"
    (tmp_path / SHADOW).write_text(json.dumps({"items": {key: {"id": theirs.id, "score": 30}}}))
    sim.fail(RATINGS, method="POST", status=422)
    assert told(await apply(build(), update(rating(MOVIE, 70)))) == [("unresolved", "http:422")]
    for _ in range(3):
        await known(build())
    assert not held(user)
    # one of ours is there, and it is not this row
    mine = user.add_rating(tmdb_id=550, score=30)
    (tmp_path / SHADOW).write_text(json.dumps({"items": {key: {"id": theirs.id, "score": 30}}}))
    for outcome, there in (
        (("failed", "http:403"), {MOVIE: 30}),
        (("unresolved", "missing_remote_rating_id"), {}),
        (("failed", "http:409"), {MOVIE: 30}),
    ):
        assert told(await apply(build(), update(rating(MOVIE, 70)))) == [outcome]
        assert await known(build()) == there
        assert {theirs.id, mine.id} == set(sim.state.title_ratings._rows)


async def test_removal_of_a_broken_off_change(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """What may be there under an unknown row is not declared gone."""
    await run(build(), {MOVIE: 80})
    sim.inject(RATINGS, method="POST", drop=True, times=None)
    await run(build(), {MOVIE: 90})
    sim.heal()
    assert told(await apply(build(), removal(rating(MOVIE)))) == [("unresolved", "missing_remote_rating_id")]
    for _ in range(2):
        await known(build())
    assert told(await apply(build(), removal(rating(MOVIE)))) == [("applied", None)]
    assert not held(user)


# --- the service's own limits ----------------------------------------------------------------


async def test_hourly_limit_of_the_service(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """Its 429 with a long break counts as the quota: the run finishes, and knows when to go on."""
    clock = ManualClock()
    sim.clock = sim.state.clock = sim.limits._clock = clock
    sim.settings.ratings_per_hour = 3
    wanted = {movie(number): 80 for number in range(1, 6)}
    provider = build(clock=clock)
    outcomes = await run(provider, wanted)
    limit = ("unresolved", "publicmetadb_hourly_rating_submit_limit")
    assert sorted(told(outcomes)) == [("applied", None)] * 3 + [limit] * 2
    assert (await known(provider)).keys() < wanted.keys()
    retry_at = provider.retry_at(SCOPE)
    assert retry_at is not None
    assert 3599 <= retry_at - clock.now <= 3601
    sim.log.clear()
    assert told(await run(build(clock=clock), wanted)) == [limit] * 2
    assert not sim.requests(method="POST")
    clock.advance(3601)
    assert told(await run(build(clock=clock), wanted)) == [("applied", None)] * 2
    assert len(user.ratings()) == 5


async def test_hourly_limit_in_the_middle_of_a_change(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The old rating is deleted and the new one has to wait: it is neither lost nor taken for removed."""
    clock = ManualClock()
    sim.clock = sim.state.clock = sim.limits._clock = clock
    await run(build(clock=clock), {MOVIE: 80})
    await known(build(clock=clock))
    sim.settings.ratings_per_hour = 1
    (outcome,) = await run(build(clock=clock), {MOVIE: 90})
    assert (outcome.status, outcome.reason) == ("unresolved", "publicmetadb_hourly_rating_update_limit")
    assert not held(user)
    for _ in range(3):
        assert await known(build(clock=clock)) == {MOVIE: 80}
    clock.advance(3601)
    await settle(build, {MOVIE: 90}, clock)
    assert held(user) == [90]


async def test_deletions_may_count_as_well(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """A change whose deletion is refused for the hour has changed nothing."""
    clock = ManualClock()
    sim.clock = sim.state.clock = sim.limits._clock = clock
    await run(build(clock=clock), {MOVIE: 80})
    sim.settings.rating_updates_per_hour = 0
    sim.settings.rating_deletes_counted = True
    sim.throttle(A_RATING, method="DELETE", wait=3000, times=None)
    (outcome,) = await run(build(clock=clock), {MOVIE: 90})
    assert (outcome.status, outcome.reason) == ("unresolved", "publicmetadb_hourly_rating_update_limit")
    assert await known(build(clock=clock)) == {MOVIE: 80}
    assert held(user) == [80]


@thorough
async def test_break_of_the_whole_service_is_not_the_quota(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A short Retry-After is waited for; without one the run ends."""
    sim.throttle(RATINGS, method="POST", wait=0, times=1)
    assert told(await run(build(), {MOVIE: 80})) == [("applied", None)]
    sim.throttle(RATINGS, method="POST", wait=None, times=None)
    provider = build(max_retries=2)
    with pytest.raises(RateLimitedError):
        await run(provider, {MOVIE: 90})
    assert provider.retry_at(SCOPE) is None
    sim.heal()
    await settle(build, {MOVIE: 90})
    assert held(user) == [90]
