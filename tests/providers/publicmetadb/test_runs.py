"""Whole runs: the engine between a side in memory and the service."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.applying import AT_ONCE
from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import Direction, Entry, Feature, Side
from custom_components.crosswatch.sync.report import FeatureReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.state import State
from tests.simulators.publicmetadb import ManualClock, PublicMetaDBSimulator, User
from tests.sync.fakes import HOUR, FakeProvider

from .conftest import Build
from .helpers import KEY, PAIR, RATINGS, RESUME, SCOPE, listed, movie, play, rating, stop

LIMIT = "publicmetadb_hourly_rating_submit_limit"


class Pair:
    """A pair with the service at one side. Its clock stands still between runs."""

    def __init__(self, build: Callable[[], PublicMetaDBProvider], state: State, clock: ManualClock) -> None:
        """Start with the service as the target, one-way, and an empty other side."""
        self._build = build
        self.state = state
        self.clock = clock
        self.other = FakeProvider("plex")
        self.provider = build()
        self.engine = Engine(state, clock)
        self.side = Side.TARGET
        self.request = RunRequest(
            pair_id=PAIR, direction=Direction.ONE_WAY, features=(), scope=SCOPE, trigger="test"
        )

    def restart(self) -> None:
        """Go on in a new process."""
        self.provider = self._build()

    def hold(self, feature: Feature, *entries: Entry) -> None:
        """Let the other side hold exactly these."""
        self.other.entries[feature] = list(entries)

    async def run(self, feature: Feature, **changes: Any) -> FeatureReport:
        """Run one feature."""
        sides: Mapping[Side, Any] = {self.side: self.provider, self.side.other: self.other}
        request = replace(self.request, features=(feature,), **changes)
        report = await self.engine.run(request, sides[Side.SOURCE], sides[Side.TARGET], lambda _told: None)
        return report.features[feature]


@pytest.fixture
async def pair(build: Build, sim: PublicMetaDBSimulator, tmp_path: Path) -> AsyncGenerator[Pair]:
    """Return a pair whose features are all switched on."""
    clock = ManualClock()
    sim.clock = sim.state.clock = sim.limits._clock = clock

    def make() -> PublicMetaDBProvider:
        return build(clock=clock, ratings_submit_per_hour=20)

    state = await State.open(tmp_path)
    yield Pair(make, state, clock)
    await state.close()


async def test_ratings_beyond_the_hour_are_written_when_it_is_over(
    pair: Pair, user: User, sim: PublicMetaDBSimulator
) -> None:
    """They wait for the window and for nothing else, however often that happens."""
    pair.hold(Feature.RATINGS, *(rating(movie(number)) for number in range(1, 51)))
    for hour in range(1, 3):
        report = await pair.run(Feature.RATINGS)
        assert (report.status, len(user.ratings())) == (RunStatus.UNRESOLVED, 20 * hour)
        assert report.reasons == {LIMIT: 50 - 20 * hour}
        again_at = pair.provider.retry_at(SCOPE)
        assert again_at is not None
        assert 0 < again_at - pair.clock.now <= HOUR + 1
        # a run before its time sends nothing, also in a new process, and still knows when
        pair.clock.advance(HOUR / 2)
        pair.restart()
        sim.log.clear()
        assert (await pair.run(Feature.RATINGS)).reasons == {LIMIT: 50 - 20 * hour}
        assert not sim.requests(RATINGS, "POST")
        assert abs((pair.provider.retry_at(SCOPE) or 0) - again_at) <= 60
        pair.clock.now = max(again_at, pair.provider.retry_at(SCOPE) or 0)
        pair.restart()
    report = await pair.run(Feature.RATINGS)
    assert (report.status, len(user.ratings()), report.reasons) == (RunStatus.OK, 50, {})


async def test_positions_beyond_the_services_own_hour_are_written_when_it_is_over(
    pair: Pair, user: User, sim: PublicMetaDBSimulator
) -> None:
    """The service saves 300 positions an hour (API reference 3.8): the run ends, the next one is known."""
    sim.settings.enforce_limits()
    sim.settings.requests_per_10_seconds = None
    pair.hold(Feature.PROGRESS, *(stop(movie(number)) for number in range(1, 321)))
    report = await pair.run(Feature.PROGRESS)
    assert (report.status, len(user.resume())) == (RunStatus.UNREACHABLE, 300)
    again_at = pair.provider.retry_at(SCOPE)
    assert again_at is not None
    assert 0 < again_at - pair.clock.now <= HOUR + 1
    pair.clock.now = again_at
    pair.provider._client._break_ends = 0
    report = await pair.run(Feature.PROGRESS)
    assert (report.status, len(user.resume())) == (RunStatus.OK, 320)
    assert pair.provider.retry_at(SCOPE) is None


@pytest.mark.parametrize("direction", list(Direction))
async def test_deleted_index_of_ratings_is_learned_again(
    pair: Pair, user: User, tmp_path: Path, direction: Direction
) -> None:
    """Without the file nobody knows which ratings are ours: no reason to remove any, or to hold a plan.

    They are found again where they are given again, and can be changed and removed as before.
    """
    settings = PairSettings(removals=frozenset(Feature))
    pair.hold(Feature.RATINGS, *(rating(movie(number)) for number in range(1, 11)))
    for _ in range(2):
        await pair.run(Feature.RATINGS, direction=direction, settings=settings)
        pair.clock.advance(HOUR)
    (tmp_path / "publicmetadb_ratings.pair1.shadow.json").unlink()
    for _ in range(3):
        report = await pair.run(Feature.RATINGS, direction=direction, settings=settings)
        assert (report.status, report.reasons) == (RunStatus.OK, {})
        pair.clock.advance(HOUR)
        pair.restart()
    assert (len(user.ratings()), len(pair.other.entries[Feature.RATINGS])) == (10, 10)
    scores = {number: 60 if number < 6 else 80 for number in range(3, 11)}
    at = int(pair.clock.now)
    pair.hold(Feature.RATINGS, *(rating(movie(number), score, at=at) for number, score in scores.items()))
    for _ in range(3):
        await pair.run(Feature.RATINGS, direction=direction, settings=settings)
        pair.clock.advance(HOUR)
        pair.restart()
    assert {row.tmdb_id: row.score for row in user.ratings()} == scores


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("elsewhere", [80, 50])
async def test_new_pair_finds_the_ratings_that_are_there(
    pair: Pair, user: User, sim: PublicMetaDBSimulator, direction: Direction, elsewhere: int
) -> None:
    """Equal ones are there already; of the others the later one counts, and it is changed."""
    earlier = pair.clock.now - 10 * HOUR
    for number in range(1, 4):
        sim.state.add_rating("somebody", tmdb_id=number, score=20, label="Story", created=earlier)
        user.add_rating(tmdb_id=number + 10, score=elsewhere, created=earlier)
    pair.hold(
        Feature.RATINGS, *(rating(movie(number), 80, at=int(pair.clock.now)) for number in (1, 11, 12, 13))
    )
    report = await pair.run(Feature.RATINGS, direction=direction)
    assert not report.reasons
    for _ in range(2):
        pair.clock.advance(HOUR)
        pair.restart()
        report = await pair.run(Feature.RATINGS, direction=direction)
    assert (report.status, report.reasons) == (RunStatus.OK, {})
    assert sorted((row.tmdb_id or 0, row.score) for row in user.ratings()) == [
        (number, 80) for number in (1, 11, 12, 13)
    ]
    sim.log.clear()
    await pair.run(Feature.RATINGS, direction=direction)
    assert not sim.requests(RATINGS, "POST")


@pytest.mark.parametrize("action", ["ignored", "completed"])
async def test_position_that_was_not_kept_is_sent_when_it_has_moved_on(
    pair: Pair, user: User, sim: PublicMetaDBSimulator, action: str
) -> None:
    """The service has limits of its own: not sent again in every run, and not only after days."""
    sim.settings.ignored_below, sim.settings.completed_from = (
        (10.0, 80.0) if action == "ignored" else (2.0, 60.0)
    )
    early, later = (5, 30) if action == "ignored" else (70, 50)
    sent: list[int] = []
    for percent in (early, early, later):
        pair.hold(Feature.PROGRESS, stop(movie(550), 72_000 * percent, at=int(pair.clock.now)))
        sim.log.clear()
        report = await pair.run(Feature.PROGRESS)
        sent.append(len(sim.requests(RESUME, "POST")))
        if percent == early:
            assert (report.reasons, user.resume()) == ({f"progress_{action}": 1}, ())
            pair.clock.advance(1800)
    assert (sent, [row.position_ms for row in user.resume()]) == ([1, 0, 1], [72_000 * later])


async def test_refused_key_ends_the_run_at_once(pair: Pair, sim: PublicMetaDBSimulator) -> None:
    """After a second look, with nothing more sent: not for the other features either."""
    pair.hold(Feature.WATCHLIST, *(listed(movie(number)) for number in range(1, 60)))
    pair.hold(Feature.HISTORY, play(movie(1)))
    sim.inject("*", method="POST", status=401, first=8, times=None)
    request = replace(pair.request, features=(Feature.WATCHLIST, Feature.HISTORY))
    report = await pair.engine.run(request, pair.other, pair.provider, lambda _told: None)
    assert {feature: one.status for feature, one in report.features.items()} == {
        Feature.WATCHLIST: RunStatus.AUTH_FAILED
    }
    assert report.features[Feature.WATCHLIST].side is Side.TARGET
    refused = [request for request in sim.log if request.status == 401]
    # those under way together, and one of them a second time
    assert len(refused) <= AT_ONCE + 1
    sim.heal()
    # what was under way has landed by then or never will
    pair.clock.advance(60)
    await pair.run(Feature.WATCHLIST)
    (made,) = sim.user(KEY).lists()
    assert len(sim.user(KEY).items(made.id)) == 59


async def test_single_401_is_looked_at_twice(pair: Pair, user: User, sim: PublicMetaDBSimulator) -> None:
    """A 401 may be transient: the run does not notice."""
    pair.hold(Feature.HISTORY, *(play(movie(number)) for number in range(1, 30)))
    sim.inject("*", status=401, first=5)
    assert (await pair.run(Feature.HISTORY)).status is RunStatus.OK
    assert len(user.watched()) == 29


async def known_ratings(pair: Pair) -> set[str]:
    """Return the names of what a read tells."""
    return {entry.item.name for entry in (await pair.provider.read(Feature.RATINGS, SCOPE)).entries}


async def test_another_account_gets_the_ratings_too(
    pair: Pair, build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """What the old account was given says nothing of the new one, though everybody's ratings can be read."""
    pair.hold(Feature.RATINGS, *(rating(movie(number)) for number in range(1, 6)))
    await pair.run(Feature.RATINGS)
    await pair.run(Feature.RATINGS)
    new = sim.add_user("pm-new", "somebody")
    new.add_rating(tmdb_id=1, score=80)
    pair.provider = build(clock=pair.clock, api_key="pm-new")
    assert await known_ratings(pair) == set()
    await pair.run(Feature.RATINGS, settings=PairSettings(removals=frozenset(Feature)))
    assert [(row.tmdb_id, row.score) for row in new.ratings()] == [(number, 80) for number in range(1, 6)]
    assert len(user.ratings()) == 5
    assert len(await known_ratings(pair)) == 5


async def test_another_key_of_the_same_account_finds_its_ratings_again(
    pair: Pair, build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Each is given once more, which the service refuses: it is there, under the row that is known."""
    pair.hold(Feature.RATINGS, *(rating(movie(number)) for number in range(1, 6)))
    await pair.run(Feature.RATINGS)
    before = user.ratings()
    sim.change_key(KEY, "pm-new")
    pair.provider = build(clock=pair.clock, api_key="pm-new")
    await pair.run(Feature.RATINGS)
    assert user.ratings() == before
    pair.hold(Feature.RATINGS, *(rating(movie(number), 90) for number in range(1, 6)))
    pair.clock.advance(HOUR)
    await pair.run(Feature.RATINGS)
    assert [row.score for row in user.ratings()] == [90] * 5
