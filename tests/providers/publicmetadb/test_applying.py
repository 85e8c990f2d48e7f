"""Many writes at once: order, pace, trouble, interruption."""

import asyncio
from collections.abc import Sequence
import itertools
from pathlib import Path
import random
import time

import pytest

from custom_components.crosswatch.providers.http import Pacer
from custom_components.crosswatch.providers.publicmetadb import Pacers, PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.applying import AT_ONCE, write_all
from custom_components.crosswatch.providers.publicmetadb.provider import CAPABILITIES
from custom_components.crosswatch.sync.models import Change, Feature, Outcome, OutcomeStatus
from custom_components.crosswatch.sync.provider import AuthError, RateLimitedError, UnreachableError
from tests.simulators.publicmetadb import Kind, PublicMetaDBSimulator, User, server

from .conftest import Build
from .helpers import (
    ITEMS,
    JAN_2,
    LISTS,
    SCOPE,
    WATCHED,
    apply,
    change,
    files,
    listed,
    movie,
    play,
    removal,
    told,
)
from .virtual_time import run


def plays(count: int) -> list[Change]:
    """Return plays of movies 1 to `count`, to be added."""
    return [change(play(movie(number))) for number in range(1, count + 1)]


# --- pace ------------------------------------------------------------------------------------


async def paced(
    changes: Sequence[Change], per_second: float, latency: float, journaling: float
) -> list[float]:
    """Write the changes to nowhere, in groups as a run does, and return when each was sent."""
    pacer = Pacer(per_second)
    sent: list[float] = []

    async def write(one: Change) -> Outcome:
        await pacer.wait()
        sent.append(asyncio.get_running_loop().time())
        await asyncio.sleep(latency)
        return Outcome(change=one, status=OutcomeStatus.APPLIED)

    async def probe() -> None:
        raise AssertionError

    done = 0
    for group in itertools.batched(changes, CAPABILITIES[Feature.HISTORY].ahead, strict=False):
        await asyncio.sleep(journaling)
        done += len([outcome async for outcome in write_all(group, write, probe)])
    assert done == len(changes)
    return sent


@pytest.mark.parametrize("latency", [0.05, 0.33, 1.0, 4.0])
def test_writes_keep_the_pace_whatever_the_latency(latency: float) -> None:
    """1,000 writes at 3 a second: at least 98 % of what the pace allows, never more than it allows."""
    rng = random.Random(1)
    sent = run(paced(plays(1000), 3.0, latency, journaling=0.1), lambda: rng.uniform(0, 0.005))
    # answers that take 4 s cost a group of 200 that long
    assert (0.98 if latency <= 1 else 0.95) <= (999 / 3) / (sent[-1] - sent[0]) <= 1.001
    gaps = [after - before for before, after in itertools.pairwise(sent)]
    assert min(gaps) >= (1 - Pacer.SLACK) / 3 - 1e-9


async def test_writes_keep_the_pace_on_the_wire(build: Build, sim: PublicMetaDBSimulator) -> None:
    """The same against the service, whose answers take six intervals."""
    provider = build(pacers=(pacers := Pacers()))
    pace = pacers.of(provider._settings).write
    pace.per_second = 20
    sim.inject(WATCHED, method="POST", times=None, delay=0.3)
    outcomes = await apply(provider, *plays(30))
    assert told(outcomes) == [("applied", None)] * 30
    at = [request.at for request in sim.requests(WATCHED, "POST")]
    # the machine may be busy, and one after the other is a sixth: the exact share is for the test above
    assert 0.4 <= (29 / 20) / (at[-1] - at[0]) <= 1.1


async def test_adds_and_removals_share_the_pace(build: Build, sim: PublicMetaDBSimulator, user: User) -> None:
    """`DELETE` shares the bucket of `POST`; reading has its own."""
    provider = build(pacers=(pacers := Pacers()))
    pacers.of(provider._settings).write.per_second = 20
    rows = [user.add_watched(tmdb_id=number, watched_at=JAN_2) for number in range(100, 105)]
    await provider.read(Feature.HISTORY, SCOPE)
    await apply(provider, *plays(5), *(removal(play(movie(row.tmdb_id))) for row in rows))
    at = [request.at for request in sim.log if request.method != "GET"]
    assert len(at) == 10
    # with buckets of their own it is 4 / 20; on a busy machine the first is seen late
    assert at[-1] - at[0] >= 9 / 20 * 0.8


# --- order -----------------------------------------------------------------------------------


async def test_changes_start_in_their_order(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """And each outcome is told when it is known, not when all before it are."""
    sim.inject(WATCHED, method="POST", delay=1)
    told_order = [
        outcome.change.entry.item.ids.tmdb
        async for outcome in provider.apply(Feature.HISTORY, plays(40), SCOPE)
    ]
    assert sorted(number or 0 for number in told_order) == list(range(1, 41))
    assert told_order[-1] == 1


async def test_changes_of_one_key_never_overlap() -> None:
    """A removal and an add of the same thing stay in their order."""
    under_way: set[str] = set()
    done: list[str] = []

    async def write(one: Change) -> Outcome:
        assert one.key not in under_way
        under_way.add(one.key)
        await asyncio.sleep(random.uniform(0, 0.01))
        under_way.discard(one.key)
        done.append(f"{one.key}{one.rule}")
        return Outcome(change=one, status=OutcomeStatus.APPLIED)

    async def probe() -> None:
        raise AssertionError

    entry = play(movie(1))
    changes = [change(entry, key=key) for key in "aabbcaadeeb"]
    assert len([outcome async for outcome in write_all(changes, write, probe)]) == len(changes)
    assert sorted(done) == sorted(f"{key}test" for key in "aabbcaadeeb")


# --- trouble ---------------------------------------------------------------------------------


async def test_poisonous_items_do_not_stop_the_others(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """However many of them in a row: the service itself is asked, and it is well."""
    sim.fail(WATCHED, status=500, method="POST", times=30)
    outcomes = await apply(provider, *plays(60))
    assert [outcome.status for outcome in outcomes].count(OutcomeStatus.UNCERTAIN) == 30
    assert len(user.watched()) == 30
    assert sim.requests(LISTS, "GET")


async def test_poisonous_removals_do_not_stop_the_others(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Repeated as often as allowed, then told."""
    rows = [user.add_watched(tmdb_id=number, watched_at=JAN_2) for number in range(1, 6)]
    await provider.read(Feature.HISTORY, SCOPE)
    sim.fail(f"{WATCHED}/{rows[1].id}", status=500, method="DELETE", times=None)
    outcomes = await apply(provider, *(removal(play(movie(row.tmdb_id))) for row in rows))
    assert told(outcomes) == [("applied", None), ("failed", "http:500"), *[("applied", None)] * 3]
    assert len(sim.requests(f"{WATCHED}/{rows[1].id}", "DELETE")) == 3


@pytest.mark.parametrize("fault", [{"status": 503}, {"drop": True}, {"status": 403, "body": "<html>"}])
async def test_service_that_is_down_ends_the_run(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, fault: dict[str, object]
) -> None:
    """After some writes, not after all of them; nothing is repeated blindly."""
    sim.inject("*", times=None, **fault)
    with pytest.raises(UnreachableError):
        await apply(provider, *plays(200))
    posts = sim.requests(WATCHED, "POST")
    assert len(posts) <= AT_ONCE + 5
    assert len({request.body for request in posts}) == len(posts)


async def test_service_that_goes_down_ends_the_run(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """What was done before is told."""
    await apply(provider, *plays(1))
    seen: list[Outcome] = []

    async def write() -> None:
        async for outcome in provider.apply(Feature.HISTORY, plays(300)[1:], SCOPE):
            seen.append(outcome)
            if len(seen) == 20:
                await sim.stop()

    with pytest.raises(UnreachableError):
        await write()
    applied = [outcome for outcome in seen if outcome.status is OutcomeStatus.APPLIED]
    assert 20 <= len(applied) <= len(user.watched()) < 100


async def test_long_break_that_is_asked_for_ends_the_run(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """At once."""
    sim.throttle(WATCHED, wait=3600, method="POST", times=None)
    with pytest.raises(RateLimitedError) as caught:
        await apply(provider, *plays(200))
    assert caught.value.retry_after == 3600
    assert len(sim.requests(WATCHED, "POST")) <= AT_ONCE


@pytest.mark.parametrize("date", [False, True])
async def test_short_break_is_kept_by_all(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    *,
    date: bool,
) -> None:
    """A 429 was not carried out: everything is written in the end, once."""
    monkeypatch.setattr(random, "random", lambda: 0.0)
    sim.throttle(WATCHED, wait=1, date=date, method="POST", first=5, times=1)
    assert told(await apply(provider, *plays(40))) == [("applied", None)] * 40
    assert len(user.watched()) == 40


async def test_limits_of_the_service(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the pacing off they are run into: slower, and nothing lost or doubled."""
    monkeypatch.setattr(server, "REQUEST_WINDOW", 1.0)
    sim.settings.requests_per_10_seconds = 60
    sim.settings.dedupe_honoured = False
    outcomes = await apply(provider, *plays(100))
    assert told(outcomes) == [("applied", None)] * 100
    assert len(user.watched()) == 100
    assert 429 in {request.status for request in sim.log}


async def test_lying_writes_are_only_seen_by_reading(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """`applied` says that it was accepted; the next read says what is there."""
    sim.quirk(Kind.SILENT_DROP, WATCHED, method="POST", times=None)
    assert told(await apply(provider, *plays(3))) == [("applied", None)] * 3
    assert (await provider.read(Feature.HISTORY, SCOPE)).entries == ()


# --- interruption ----------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.25])
async def test_cancelling_is_prompt_and_loses_nothing(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, delay: float
) -> None:
    """At any moment: everything told has landed, at most what was under way is in doubt."""
    sim.inject(WATCHED, method="POST", times=None, delay=delay)
    for moment in (0.0, 0.01, 0.05, 0.2):
        seen: list[Outcome] = []

        async def write(seen: list[Outcome] = seen) -> None:
            async for outcome in provider.apply(Feature.HISTORY, plays(2000), SCOPE):
                seen.append(outcome)  # noqa: PERF401 - what came before the end counts

        before = len(user.watched())
        task = asyncio.create_task(write())
        await asyncio.sleep(moment)
        start = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - start < 1
        await asyncio.sleep(delay + 0.1)
        there = {row.id for row in user.watched()}
        assert {outcome.remote_id for outcome in seen} <= there
        assert len(there) - before <= len(seen) + AT_ONCE


async def test_cancelling_does_not_wait_for_the_pace(build: Build) -> None:
    """Those who wait for their turn leave at once."""
    provider = build(rate_limit={"post_per_sec": 0.2})
    task = asyncio.create_task(apply(provider, *plays(100)))
    await asyncio.sleep(0.2)
    start = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - start < 1


async def test_refused_key_during_a_list_look_up(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """Before anything is written."""
    sim.change_key("pm-0123456789abcdef", "pm-new")
    with pytest.raises(AuthError):
        await apply(provider, *(listed(movie(number)) for number in range(1, 50)))
    assert not sim.requests(ITEMS)


async def test_nothing_to_do_needs_no_request(provider: PublicMetaDBProvider, tmp_path: Path) -> None:
    """Neither for nothing nor for what is refused."""
    assert [outcome async for outcome in provider.apply(Feature.HISTORY, [], SCOPE)] == []
    assert told(await apply(provider, play(movie(None)), play(movie(1), None))) == [
        ("unresolved", "missing_tmdb_id"),
        ("unresolved", "missing_watched_at"),
    ]
    assert provider.requests == 0
    assert not files(tmp_path)
