"""What is kept between reads against reading everything anew, over random lives of a library."""

from collections import Counter
import os
import random

import pytest

from custom_components.crosswatch.providers.plex import cache, history
from custom_components.crosswatch.sync.models import Entry, Feature, Play, Rating, Resume, Snapshot
from tests.providers.plex.conftest import NOON, SCOPE, World
from tests.simulators.plex import Item

SEEDS = int(os.environ.get("CROSSWATCH_LIVES", "3"))
STEPS = 15


class Life:
    """What people and the server do, one thing after the other."""

    def __init__(self, world: World, seed: int) -> None:
        """Start with a small library."""
        self.world = world
        self.random = random.Random(seed)
        self.now = NOON
        world.pms.clock = world.cloud.clock = lambda: self.now
        self.number = 0
        self.deleted: list[Item] = []
        show = world.show(900)
        for number in range(1, 4):
            world.episode(show, 1, number)
        for _ in range(4):
            self._add()

    @property
    def items(self) -> list[Item]:
        """Everything that can be watched."""
        return [item for item in self.world.pms.state.items.values() if item.kind in ("movie", "episode")]

    def step(self) -> None:
        """Let something happen."""
        self.now += self.random.randint(1, 5000)
        self.random.choice(
            [
                self._play,
                self._play,
                self._play_another,
                self._mark,
                self._unmark,
                self._stop,
                self._rate,
                self._forget,
                self._add,
                self._delete,
                self._add_again,
                self._rematch,
            ]
        )()

    def pick(self) -> Item:
        """Any item."""
        return self.random.choice(self.items)

    def _play(self) -> None:
        self.world.pms.play(1, self.pick(), self.now - self.random.choice((0, 0, 90_000)))

    def _play_another(self) -> None:
        self.world.pms.play(555, self.pick(), self.now)

    def _mark(self) -> None:
        self.world.pms.mark_watched(1, self.pick())

    def _unmark(self) -> None:
        self.world.pms.mark_unwatched(1, self.pick())

    def _stop(self) -> None:
        self.world.pms.set_resume(1, self.pick(), self.random.randint(60_000, 900_000))

    def _rate(self) -> None:
        self.world.pms.rate(1, self.pick(), self.random.choice((None, 4, 8.5)))

    def _forget(self) -> None:
        if self.world.pms.state.plays:
            self.world.pms.state.delete_play(self.random.choice(list(self.world.pms.state.plays)))

    def _add(self) -> None:
        self.number += 1
        self.world.movie(self.number)

    def _delete(self) -> None:
        if len(self.items) > 3:
            self.deleted.append(item := self.pick())
            self.world.pms.delete_item(item)

    def _add_again(self) -> None:
        if self.deleted:
            self.world.pms.readd_item(self.deleted.pop())

    def _rematch(self) -> None:
        item = self.pick()
        self.number += 1
        self.world.pms.state.rematch(item, f"plex://{item.kind}/{self.number:024x}")


def told(entries: tuple[Entry, ...]) -> Counter[tuple[object, ...]]:
    found: Counter[tuple[object, ...]] = Counter()
    for entry in entries:
        match entry:
            case Play():
                found[entry.item, entry.watched_at, entry.remote_id] += 1
            case Rating():
                found[entry.item, entry.tenths, entry.rated_at] += 1
            case Resume():
                found[entry.item, entry.position_ms, entry.at] += 1
    return found


def same(kept: Snapshot, fresh: Snapshot) -> bool:
    return (
        told(kept.entries) == told(fresh.entries)
        and set(kept.watched) == set(fresh.watched)
        and kept.scope_hash == fresh.scope_hash
    )


@pytest.fixture(autouse=True, params=[100, 3])
def head(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the page that has to prove that nothing else changed."""
    monkeypatch.setattr(cache, "HEAD", request.param)
    monkeypatch.setattr(history, "HEAD", request.param)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_kept_and_fresh_reads_tell_the_same(world: World, seed: int) -> None:
    life, marked = Life(world, seed), bool(seed % 2)
    provider = world.whole(history_include_marked_watched=marked)
    for _ in range(STEPS):
        for _ in range(life.random.choice((0, 1, 1, 2, 5))):
            life.step()
        anew = world.whole(history_include_marked_watched=marked)
        for feature in (Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS):
            assert same(await provider.read(feature, SCOPE), await anew.read(feature, SCOPE))
