"""A process that is killed at every single moment: nothing is lost, and nothing is there twice."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from custom_components.crosswatch.providers.http import HttpClient
from custom_components.crosswatch.providers.publicmetadb import shadow, storage
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.models import Entry, Feature
from custom_components.crosswatch.sync.state import State
from tests.simulators.publicmetadb import Duplicate, PublicMetaDBSimulator, User
from tests.sync.fakes import HOUR

from .helpers import episode, listed, movie, play, rating, stop
from .test_runs import Pair, pair

pytestmark = pytest.mark.thorough

__all__ = ["pair"]


class Death:
    """Comes before or after the n-th request, file or transaction. Nothing happens after it."""

    def __init__(self) -> None:
        """Nobody dies."""
        self.at = self.count = 0

    def passes(self, error: type[Exception]) -> None:
        """Be a moment; raise `error` in the last one and after it."""
        self.count += 1
        if self.at and self.count >= self.at:
            raise error("killed")


@pytest.fixture
def death(monkeypatch: pytest.MonkeyPatch) -> Iterator[Death]:
    """Return a death that stands beside everything that leaves a trace."""
    made = Death()
    send, write, do = HttpClient._send, storage.replace_file, State._do

    async def mortal_send(self: HttpClient, *args: Any) -> Any:
        made.passes(aiohttp.ClientConnectionError)
        answer = await send(self, *args)
        made.passes(aiohttp.ClientConnectionError)
        return answer

    def mortal_write(path: Path, body: bytes) -> None:
        made.passes(OSError)
        write(path, body)
        made.passes(OSError)

    async def mortal_do(self: State, work: Callable[..., Any]) -> Any:
        made.passes(StateError)
        result = await do(self, work)
        made.passes(StateError)
        return result

    monkeypatch.setattr(HttpClient, "_send", mortal_send)
    monkeypatch.setattr(storage, "replace_file", mortal_write)
    monkeypatch.setattr(shadow, "replace_file", mortal_write)
    monkeypatch.setattr(State, "_do", mortal_do)
    yield made
    made.at = 0


async def die_everywhere(
    pair: Pair,
    death: Death,
    feature: Feature,
    wanted: Callable[[int], list[Entry]],
    check: Callable[[int], object],
) -> int:
    """Run towards `wanted(n)`, killed at moment n, until a run is not; after each a healthy process goes on.

    `check(n)` looks at the service then. Returns how many moments there are.
    """
    for number in range(1, 400):
        pair.hold(feature, *wanted(number))
        death.at, death.count = number, 0
        with suppress(StateError):
            await pair.run(feature)
        alive = death.count < number
        death.at = 0
        for _ in range(2):
            pair.clock.advance(HOUR)
            pair.restart()
            await pair.run(feature)
        check(number)
        pair.clock.advance(HOUR)
        if alive:
            return number
    raise AssertionError("the run does not end")


@pytest.mark.timeout(300)
async def test_change_of_a_rating(pair: Pair, death: Death, sim: PublicMetaDBSimulator, user: User) -> None:
    """Between the deletion and the new one, and at every other moment of a change and an addition."""
    sim.state.add_rating("somebody", tmdb_id=1, score=90, created=1.0)

    def wanted(number: int) -> list[Entry]:
        at = int(pair.clock.now)
        score = 90 if number % 2 else 70
        return [
            rating(movie(1), score, at=at),
            *(rating(episode(1399, 0, one), 80, at=at) for one in range(number)),
        ]

    def check(number: int) -> None:
        scores: dict[tuple[int | None, int | None], float] = {
            (row.tmdb_id, row.episode): row.score for row in user.ratings()
        }
        expected: dict[tuple[int | None, int | None], float] = {(1399, one): 80 for one in range(number)}
        assert scores == expected | {(1, None): 90 if number % 2 else 70}
        assert len(user.ratings()) == number + 1

    assert await die_everywhere(pair, death, Feature.RATINGS, wanted, check) > 20


@pytest.mark.timeout(300)
async def test_change_of_a_position_that_is_deleted_first(
    pair: Pair, death: Death, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Where the service refuses a second position, and where it keeps less than it was sent."""
    sim.settings.resume_conflicts = True

    def wanted(number: int) -> list[Entry]:
        return [stop(movie(1), 60_000 * (10 + number), at=int(pair.clock.now))]

    def check(number: int) -> None:
        assert [row.position_ms for row in user.resume()] == [60_000 * (10 + number)]

    assert await die_everywhere(pair, death, Feature.PROGRESS, wanted, check) > 10


@pytest.mark.timeout(300)
async def test_plays(pair: Pair, death: Death, sim: PublicMetaDBSimulator, user: User) -> None:
    """Without any de-duplication by the service."""
    sim.settings.dedupe_honoured = False

    def wanted(number: int) -> list[Entry]:
        return [play(movie(1), 1_700_000_000 + 7200 * one) for one in range(2 * number)]

    def check(number: int) -> None:
        assert sorted(row.watched_at or 0 for row in user.watched()) == [
            1_700_000_000 + 7200 * one for one in range(2 * number)
        ]

    assert await die_everywhere(pair, death, Feature.HISTORY, wanted, check) > 10


@pytest.mark.timeout(300)
async def test_first_item_of_a_watchlist(
    pair: Pair, death: Death, sim: PublicMetaDBSimulator, user: User
) -> None:
    """The list is made once, and each item is on it once, on a service that takes a second one."""
    sim.settings.list_item_duplicate = Duplicate.SECOND_ROW

    def wanted(number: int) -> list[Entry]:
        for row in user.lists():
            # as if it had never been
            user.remove_list(row.id)
        return [listed(movie(one)) for one in range(1, 3)]

    def check(number: int) -> None:
        (made,) = user.lists()
        assert sorted(row.tmdb_id or 0 for row in user.items(made.id)) == [1, 2]

    assert await die_everywhere(pair, death, Feature.WATCHLIST, wanted, check) > 10
