"""The hourly quotas of ratings: counting, windows, restarts, clocks, damage."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBSettings
from custom_components.crosswatch.providers.publicmetadb.quota import Bucket, Quota
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.provider import StateFileError
from tests.simulators.publicmetadb import ManualClock, PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import RATINGS, SCOPE, apply, movie, rating, removal, told, update

NAME = "publicmetadb_ratings.pair1.quota.json"
SUBMIT = ("unresolved", "publicmetadb_hourly_rating_submit_limit")
UPDATE = ("unresolved", "publicmetadb_hourly_rating_update_limit")


class Clocks:
    """A wall clock that can be set, and one that only runs."""

    def __init__(self) -> None:
        """Start somewhere."""
        self.wall = 1_772_359_200.0
        self.running = 50.0

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self.wall += seconds
        self.running += seconds


@pytest.fixture
def clocks() -> Clocks:
    """Return the two clocks."""
    return Clocks()


async def quota(folder: Path, clocks: Clocks, pair: str | None = "pair1", **options: Any) -> Quota:
    """Return the quota as a new process finds it."""
    settings = PublicMetaDBSettings.from_options(options)
    made = Quota(folder, pair, settings, lambda: clocks.wall, lambda: clocks.running)
    await made.load()
    return made


async def taken(quota: Quota, bucket: Bucket = Bucket.SUBMIT) -> int:
    """Take what is left and return how much it was."""
    count = 0
    while await quota.take(bucket):
        count += 1
    return count


def content(folder: Path) -> Any:
    """Return the content of the file."""
    return json.loads((folder / NAME).read_text())


async def test_documented_limits_and_file(tmp_path: Path, clocks: Clocks) -> None:
    """200 new ratings and 100 changes an hour, each counted by itself, on disk as documented."""
    made = await quota(tmp_path, clocks)
    assert made.retry_at() is None
    assert await taken(made) == 200
    assert await taken(made, Bucket.UPDATE) == 100
    started = int(clocks.wall)
    assert content(tmp_path) == {
        "buckets": {
            "submit": {"window_start": started, "count": 200, "limit": 200, "refused": True},
            "update": {"window_start": started, "count": 100, "limit": 100, "refused": True},
        }
    }
    assert made.retry_at() == started + 3600


@pytest.mark.parametrize(("asked", "limit"), [(1, 1), (20, 20), (0, 200), (1000, 200), (None, 200)])
async def test_limit_of_the_settings(tmp_path: Path, clocks: Clocks, asked: int | None, limit: int) -> None:
    """1 to 200; 0 and blank are the default."""
    assert await taken(await quota(tmp_path, clocks, ratings_submit_per_hour=asked)) == limit


async def test_window_is_fixed_and_begins_with_the_first_rating(tmp_path: Path, clocks: Clocks) -> None:
    """It doesn't slide."""
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=3)
    await made.take(Bucket.SUBMIT)
    clocks.advance(3500)
    assert await taken(made) == 2
    assert made.retry_at() == int(clocks.wall) + 100
    clocks.advance(99)
    assert await taken(made) == 0
    clocks.advance(1)
    assert made.retry_at() is None
    assert await taken(made) == 3


async def test_used_up_only_counts_when_something_had_to_wait(tmp_path: Path, clocks: Clocks) -> None:
    """The last one that was allowed brings no run forward."""
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=2)
    assert await made.take(Bucket.SUBMIT)
    assert await made.take(Bucket.SUBMIT)
    assert made.used_up(Bucket.SUBMIT)
    assert made.retry_at() is None
    assert not await made.take(Bucket.SUBMIT)
    assert made.retry_at() is not None


async def test_first_window_to_open_counts(tmp_path: Path, clocks: Clocks) -> None:
    """With both used up."""
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=1, ratings_update_per_hour=1)
    await taken(made)
    clocks.advance(1000)
    await taken(made, Bucket.UPDATE)
    assert made.retry_at() == int(clocks.wall) + 2600


async def test_restart_continues_the_window(tmp_path: Path, clocks: Clocks) -> None:
    """A new process knows what was sent."""
    await taken(await quota(tmp_path, clocks, ratings_submit_per_hour=5))
    clocks.wall += 1800
    clocks.running = 3
    again = await quota(tmp_path, clocks, ratings_submit_per_hour=5)
    assert await taken(again) == 0
    assert again.retry_at() == int(clocks.wall) + 1800
    # a limit that is raised meanwhile counts
    assert await taken(await quota(tmp_path, clocks, ratings_submit_per_hour=7)) == 2
    clocks.advance(1800)
    assert await taken(await quota(tmp_path, clocks, ratings_submit_per_hour=5)) == 5


@pytest.mark.parametrize("jump", [-86_400, -3600, -10, 10, 3600, 86_400])
async def test_clock_that_is_set_changes_nothing(tmp_path: Path, clocks: Clocks, jump: int) -> None:
    """Within a process an hour is an hour."""
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=2)
    await taken(made)
    clocks.wall += jump
    await made.load()
    assert await taken(made) == 0
    clocks.advance(3599)
    assert await taken(made) == 0
    assert made.retry_at() == int(clocks.wall) + 1
    clocks.advance(1)
    assert await taken(made) == 2


async def test_clock_that_was_set_back_over_a_restart(tmp_path: Path, clocks: Clocks) -> None:
    """A window from the future lasts an hour from now, no longer."""
    await taken(await quota(tmp_path, clocks, ratings_submit_per_hour=2))
    clocks.wall -= 86_400
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=2)
    assert await taken(made) == 0
    clocks.advance(3600)
    assert await taken(made) == 2


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        '{"buckets": []}',
        '{"buckets": {"submit": {"window_start": "x", "count": 1}}}',
        '{"buckets": {"submit": {"window_start": 1772359200}}}',
        '{"buckets": {"submit": {"window_start": 1772359200, "count": -1}}}',
        '{"buckets": {"update": 5}}',
    ],
)
async def test_damaged_file_counts_as_used_up(tmp_path: Path, clocks: Clocks, damage: str) -> None:
    """Only that can't exceed the service's limit; it is over in an hour, also over a restart."""
    (tmp_path / NAME).write_text(damage)
    made = await quota(tmp_path, clocks)
    assert await taken(made) == await taken(made, Bucket.UPDATE) == 0
    assert made.retry_at() == int(clocks.wall) + 3600
    clocks.advance(1800)
    assert await taken(await quota(tmp_path, clocks)) == 0
    clocks.advance(1800)
    assert await taken(await quota(tmp_path, clocks)) == 200


async def test_deleted_file_is_a_new_hour(tmp_path: Path, clocks: Clocks) -> None:
    """A person said so."""
    made = await quota(tmp_path, clocks)
    await taken(made)
    (tmp_path / NAME).unlink()
    await made.load()
    assert await taken(made) == 200


async def test_older_name_is_read(tmp_path: Path, clocks: Clocks) -> None:
    """As an older tool wrote it."""
    older = tmp_path / "publicmetadb_ratings.quota.pair1.json"
    older.write_text(
        json.dumps({"buckets": {"submit": {"window_start": clocks.wall - 5, "count": 190, "limit": 200}}})
    )
    assert await taken(await quota(tmp_path, clocks)) == 10
    assert not older.exists()


async def test_file_that_cannot_be_written_stops_sending(
    tmp_path: Path, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What isn't counted isn't sent."""
    made = await quota(tmp_path, clocks)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StateFileError, match="ENOSPC"):
        await made.take(Bucket.SUBMIT)


async def test_service_closes_the_hour(tmp_path: Path, clocks: Clocks) -> None:
    """Its own count holds, also over a restart."""
    made = await quota(tmp_path, clocks)
    await made.take(Bucket.SUBMIT)
    await made.close(Bucket.SUBMIT, 1200)
    assert await taken(made) == 0
    assert await taken(made, Bucket.UPDATE) == 100
    clocks.advance(1201)
    # the rest of the hour that was counted here
    assert await taken(await quota(tmp_path, clocks)) == 0
    clocks.advance(2400)
    assert await taken(await quota(tmp_path, clocks)) == 200


async def test_beyond_the_limit(tmp_path: Path, clocks: Clocks) -> None:
    """What was deleted is put back whatever the count, and counted."""
    made = await quota(tmp_path, clocks, ratings_update_per_hour=1)
    await taken(made, Bucket.UPDATE)
    assert await made.take(Bucket.UPDATE, beyond=True)
    assert content(tmp_path)["buckets"]["update"]["count"] == 2


async def test_taken_at_the_same_time(tmp_path: Path, clocks: Clocks) -> None:
    """Never more than there is."""
    made = await quota(tmp_path, clocks, ratings_submit_per_hour=10)
    assert sum(await asyncio.gather(*(made.take(Bucket.SUBMIT) for _ in range(30)))) == 10


# --- through the provider --------------------------------------------------------------------


async def test_used_up_items_wait_and_the_run_finishes(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """New ratings and changes each by their own count; removals cost nothing."""
    clock = ManualClock()
    options: dict[str, Any] = {"ratings_submit_per_hour": 3, "ratings_update_per_hour": 1, "clock": clock}
    provider = build(**options)
    new = [rating(movie(number)) for number in range(1, 6)]
    assert told(await apply(provider, *new)) == [("applied", None)] * 3 + [SUBMIT] * 2
    assert len(sim.requests(RATINGS, "POST")) == 3
    await provider.read(Feature.RATINGS, SCOPE)
    changed = [update(rating(movie(number), 90)) for number in (1, 2)]
    assert told(await apply(provider, *changed, removal(rating(movie(3))))) == [
        ("applied", None),
        UPDATE,
        ("applied", None),
    ]
    assert [(row.tmdb_id, row.score) for row in user.ratings()] == [(2, 80), (1, 90)]
    retry_at = provider.retry_at(SCOPE)
    assert retry_at is not None
    assert 3590 <= retry_at - clock.now <= 3601

    # nothing is sent after a restart either
    sim.log.clear()
    again = build(**options)
    assert again.retry_at(SCOPE) is None
    await again.read(Feature.RATINGS, SCOPE)
    assert again.retry_at(SCOPE) == clock.now + 3600, "what waits is known after a restart"
    sim.log.clear()
    assert told(await apply(again, *new[3:])) == [SUBMIT] * 2
    assert not sim.log
    assert again.retry_at(SCOPE) is not None
    clock.advance(3600)
    assert told(await apply(build(**options), *new[3:])) == [("applied", None)] * 2


async def test_failed_ones_are_counted_too(build: Build, sim: PublicMetaDBSimulator, tmp_path: Path) -> None:
    """Charged before the request, never given back."""
    provider = build()
    sim.fail(RATINGS, status=500, method="POST", times=None)
    assert [one.status for one in await apply(provider, rating(movie(1)), rating(movie(2)))] == [
        "uncertain"
    ] * 2
    assert content(tmp_path)["buckets"]["submit"]["count"] == 2
