"""Whole runs with Plex as one side: what only shows when engine and provider work together."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.providers.plex.settings import PlexSettings
from custom_components.crosswatch.sync.engine import Engine, RunRequest
from custom_components.crosswatch.sync.models import (
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Play,
    Rating,
    Scope,
)
from custom_components.crosswatch.sync.report import RunReport
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.state import State
from tests.providers.plex.conftest import NOON, World, hex_key
from tests.simulators.library import Ids as TrueIds
from tests.sync.fakes import FakeProvider

PAIR = "pair"
HOUR = 3600
THEN = NOON - 500 * 86_400
TWO_WAY = Direction.TWO_WAY


class Runs:
    """A pair of another service and Plex."""

    def __init__(self, world: World, state: State, folder: Path) -> None:
        """Start with an empty other side."""
        self.world = world
        self.folder = folder
        self.now = float(NOON)
        world.pms.clock = world.cloud.clock = lambda: self.now
        self.plex = self.provider()
        self.other = FakeProvider("other")
        self.engine = Engine(state, lambda: self.now)
        self.request = RunRequest(
            pair_id=PAIR,
            direction=Direction.ONE_WAY,
            features=(Feature.HISTORY,),
            scope=Scope(pair_id=PAIR),
            trigger="test",
        )

    def provider(self, *, marked: bool = False) -> PlexProvider:
        """Return Plex as it is after a restart."""
        made = PlexProvider(
            self.world.session,
            self.world.hosts,
            self.world.account(),
            PlexSettings(history_include_marked_watched=marked),
            state_dir=self.folder,
            backoff=0,
        )
        self.plex = made
        return made

    async def run(self, feature: Feature = Feature.HISTORY, **changes: object) -> RunReport:
        """Run an hour after the last time."""
        self.now += HOUR
        self.world.pms.log.clear()
        self.world.cloud.log.clear()
        request = replace(self.request, features=(feature,), **changes)  # type: ignore[arg-type]
        return await self.engine.run(request, self.other, self.plex, lambda _progress: None)

    def remove_too(self) -> None:
        """Both ways from now on, removals included."""
        for feature in Feature:
            self.other.able(feature, remove=True)
        settings = PairSettings(removals=frozenset(Feature))
        self.request = replace(self.request, direction=TWO_WAY, settings=settings)

    def drop(self, *entries: Entry) -> None:
        """Let a person take these away at the other side."""
        for feature, held in self.other.entries.items():
            self.other.entries[feature] = [
                each for each in held if not any(_same(each, entry) for entry in entries)
            ]

    def dates(self) -> list[int | None]:
        """When the other side holds plays."""
        return sorted(
            (play.watched_at for play in self.other.entries[Feature.HISTORY] if isinstance(play, Play)),
            key=lambda at: at or 0,
        )

    def hold(self, *entries: Entry) -> None:
        """Let the other side hold these."""
        for entry in entries:
            feature = Feature.HISTORY if isinstance(entry, Play) else Feature.RATINGS
            self.other.entries[feature].append(entry)

    def sent(self, path: str) -> list[str]:
        """Keys of the writes of the last run."""
        return [dict(request.query)["key"] for request in self.world.pms.requests(path)]


def _same(one: Entry, other: Entry) -> bool:
    dates = [entry.watched_at if isinstance(entry, Play) else None for entry in (one, other)]
    return type(one) is type(other) and one.item.ids.tmdb == other.item.ids.tmdb and dates[0] == dates[1]


@pytest.fixture
async def runs(world: World, tmp_path: Path) -> AsyncIterator[Runs]:
    state = await State.open(tmp_path)
    yield Runs(world, state, tmp_path)
    await state.close()


def movie(number: int, at: int = THEN) -> Play:
    return Play(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=number), title=f"Movie {number}"), watched_at=at)


def part(show: int, season: int, number: int, at: int = THEN) -> Play:
    item = Item(kind=Kind.EPISODE, show_ids=Ids(tmdb=show), season=season, episode=number)
    return Play(item=item, watched_at=at)


def counts(report: RunReport) -> tuple[int, int]:
    """How much was written, and how much can't be."""
    (feature,) = report.features.values()
    return feature.added + feature.updated, feature.unresolved


async def test_whole_seasons_and_shows_in_one_request(runs: Runs) -> None:
    """However many episodes they have: 1,000 episodes in 50 shows are 50 requests."""
    for number in range(1, 51):
        show = runs.world.show(number)
        for place in range(20):
            season, episode = 1 + place // 10, 1 + place % 10
            key = 1000 * number + place
            runs.world.pms.add_episode(
                show, season, episode, guid=f"plex://episode/{hex_key(key)}", ids=TrueIds(None, 10**6 + key)
            )
            runs.hold(part(number, season, episode))
    report = await runs.run()
    assert counts(report) == (1000, 0)
    assert len(runs.sent("/:/scrobble")) == 50
    states = runs.world.pms.state.states[1].values()
    assert sorted({state.view_count for state in states}) == [1]
    # everything around the writes: looks at the libraries, the items read again, the read afterwards
    assert len(runs.world.pms.log) < 50 + 60
    assert counts(await runs.run()) == (0, 0)
    assert not runs.sent("/:/scrobble")


@pytest.mark.parametrize("direction", list(Direction))
async def test_date_is_kept_by_us_and_the_echo_stays_in_plex(runs: Runs, direction: Direction) -> None:
    """Plex dates a mark now: that date reaches nobody, in no later run either."""
    film = runs.world.movie(1)
    runs.hold(movie(1))
    runs.provider(marked=True)
    await runs.run(direction=direction)
    assert runs.world.pms.user_state(1, film).view_count == 1
    for _ in range(3):
        await runs.run(direction=direction)
        assert [
            play.watched_at for play in runs.other.entries[Feature.HISTORY] if isinstance(play, Play)
        ] == [THEN]
        assert not runs.sent("/:/scrobble")


async def test_unmarking_reaches_nobody_and_is_not_undone(runs: Runs) -> None:
    film = runs.world.movie(1)
    runs.world.pms.mark_watched(1, film, THEN)
    runs.provider(marked=True)
    await runs.run(direction=TWO_WAY)
    assert len(runs.other.entries[Feature.HISTORY]) == 1
    runs.world.pms.mark_unwatched(1, film)
    for _ in range(3):
        await runs.run(direction=TWO_WAY)
    assert len(runs.other.entries[Feature.HISTORY]) == 1
    assert runs.world.pms.user_state(1, film).view_count == 0


async def test_watching_a_marked_film_again_is_one_new_play(runs: Runs) -> None:
    film = runs.world.movie(1)
    runs.world.pms.mark_watched(1, film, THEN)
    runs.provider(marked=True)
    await runs.run(direction=TWO_WAY)
    for minutes in (10, 20):
        runs.world.pms.set_resume(1, film, minutes * 60_000)
        await runs.run(direction=TWO_WAY)
    runs.world.play(film, int(runs.now))
    again = int(runs.now)
    await runs.run(direction=TWO_WAY)
    await runs.run(direction=TWO_WAY)
    found = [play.watched_at for play in runs.other.entries[Feature.HISTORY] if isinstance(play, Play)]
    assert found == [THEN, again]
    assert runs.world.pms.user_state(1, film).view_count == 2


async def test_frozen_until_the_file_is_deleted(runs: Runs) -> None:
    runs.hold(movie(1))
    for _ in range(2):
        assert counts(await runs.run()) == (0, 1)
    assert not runs.world.pms.requests("/library/metadata/*")
    # behind the counter: nothing else tells that it is there now
    before = runs.world.movies.content_changed_at
    film = runs.world.movie(1)
    runs.world.movies.content_changed_at = before
    await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 0
    (runs.folder / "plex_history.unresolved.json").unlink()
    runs.provider()
    await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 1


async def test_frozen_until_the_library_changes(runs: Runs) -> None:
    runs.hold(movie(1), movie(2))
    await runs.run()
    film = runs.world.movie(1)
    assert counts(await runs.run()) == (1, 1)
    assert runs.world.pms.user_state(1, film).view_count == 1
    # the other one rests again, also over a restart
    runs.provider()
    assert counts(await runs.run()) == (0, 1)


async def test_frozen_until_somebody_asks_for_it(runs: Runs) -> None:
    rating = Rating(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=1)), tenths=85, rated_at=THEN)
    runs.hold(rating)
    assert counts(await runs.run(Feature.RATINGS)) == (0, 1)
    before = runs.world.movies.content_changed_at
    film = runs.world.movie(1)
    runs.world.movies.content_changed_at = before
    runs.provider()
    await runs.run(Feature.RATINGS)
    assert runs.world.pms.user_state(1, film).rating is None
    assert await runs.engine.retry(PAIR, (runs.other, runs.plex)) == 1
    await runs.run(Feature.RATINGS)
    assert runs.world.pms.user_state(1, film).rating == 8.5


# --- removals


async def test_unwatched_only_with_the_last_play(runs: Runs) -> None:
    """Of two plays one is taken away elsewhere: the film stays watched. With the other one it does not."""
    film, rest = runs.world.movie(1), runs.world.movie(2)
    runs.world.play(film, THEN, THEN + 90_000)
    runs.world.play(rest, THEN)
    runs.remove_too()
    await runs.run()
    assert runs.dates() == [THEN, THEN, THEN + 90_000]
    runs.drop(movie(1, THEN))
    for _ in range(3):
        await runs.run()
        assert not runs.sent("/:/unscrobble")
    assert runs.world.pms.user_state(1, film).view_count == 2
    runs.drop(movie(1, THEN + 90_000))
    sent = []
    for _ in range(4):
        await runs.run()
        sent += runs.sent("/:/unscrobble")
    assert sent == [str(film.key)]
    assert runs.world.pms.user_state(1, film).view_count == 0
    assert runs.world.pms.user_state(1, rest).view_count == 1
    # the log of Plex still has both, and they come back to nobody
    assert len(runs.world.pms.state.plays) == 3
    assert runs.dates() == [THEN]


async def test_what_was_watched_again_is_not_unwatched(runs: Runs) -> None:
    """Taken away elsewhere, and watched once more in Plex at the same time."""
    film, rest = runs.world.movie(1), runs.world.movie(2)
    runs.world.play(film, THEN)
    runs.world.play(rest, THEN)
    runs.remove_too()
    await runs.run()
    runs.drop(movie(1, THEN))
    again = int(runs.now)
    runs.world.play(film, again)
    for _ in range(3):
        await runs.run()
    assert runs.world.pms.user_state(1, film).view_count == 2
    assert again in runs.dates()


@pytest.mark.parametrize("marked", [False, True])
async def test_unmarking_never_travels(runs: Runs, *, marked: bool) -> None:
    """Whether there is a play in the log or not, and with removals on."""
    runs.provider(marked=marked)
    played, by_hand, rest = (runs.world.movie(number) for number in (1, 2, 3))
    runs.world.play(played, THEN)
    runs.world.play(rest, THEN)
    runs.world.pms.mark_watched(1, by_hand, THEN)
    runs.remove_too()
    await runs.run()
    before = runs.dates()
    assert len(before) == 2 + marked
    for film in (played, by_hand):
        runs.world.pms.mark_unwatched(1, film)
    for _ in range(3):
        await runs.run()
        assert not runs.sent("/:/scrobble")
    assert runs.dates() == before


@pytest.mark.parametrize("what", ["deleted", "rematched", "library", "purged"])
async def test_what_vanishes_from_plex_takes_nothing_along(runs: Runs, what: str) -> None:
    """Films that are deleted, a library that is, a log that was emptied: no person took a play away."""
    films = [runs.world.movie(number) for number in range(1, 9)]
    for film in films:
        runs.world.play(film, THEN)
        runs.world.pms.rate(1, film, 8, THEN)
    runs.remove_too()
    await runs.run()
    await runs.run(Feature.RATINGS)
    match what:
        case "deleted":
            for film in films[:2]:
                runs.world.pms.delete_item(film)
        case "rematched":
            for number, film in enumerate(films[:2], 101):
                film.ids = TrueIds(None, number)
                runs.world.pms.state.rematch(film, f"plex://movie/{hex_key(number)}")
        case "library":
            runs.world.pms.remove_section(runs.world.movies)
        case "purged":
            for play in list(runs.world.pms.state.plays):
                runs.world.pms.state.delete_play(play)
    for _ in range(3):
        await runs.run()
        await runs.run(Feature.RATINGS)
    held = {entry.item.ids.tmdb for entry in runs.other.entries[Feature.HISTORY]}
    assert held >= set(range(1, 9))
    assert {entry.item.ids.tmdb for entry in runs.other.entries[Feature.RATINGS]} >= set(range(1, 9))


async def test_ratings_are_removed_both_ways(runs: Runs) -> None:
    films = [runs.world.movie(number) for number in (1, 2, 3)]
    for film in films:
        runs.world.pms.rate(1, film, 8.5, THEN)
    runs.remove_too()
    await runs.run(Feature.RATINGS)
    assert len(runs.other.entries[Feature.RATINGS]) == 3
    runs.world.pms.rate(1, films[0], None)
    runs.drop(Rating(item=movie(2).item, tenths=85))
    for _ in range(3):
        await runs.run(Feature.RATINGS)
    assert [entry.item.ids.tmdb for entry in runs.other.entries[Feature.RATINGS]] == [3]
    assert [runs.world.pms.user_state(1, film).rating for film in films] == [None, None, 8.5]
