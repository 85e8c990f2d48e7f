"""A pair of both services in Home Assistant, and what lies at them in the same words."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from unittest.mock import patch

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import Trigger
from custom_components.crosswatch.coordinator import PairCoordinator
from custom_components.crosswatch.sync.report import RunReport
from tests.common import Services, pair_entry_of
from tests.simulators.base import LoggedRequest
from tests.simulators.library import Ids
from tests.simulators.plex import OWNER
from tests.simulators.plex.state import Item
from tests.simulators.publicmetadb.rows import Video

THEN: Final = 1_760_000_000
"""Long before anything in these tests is written."""

type Title = int | tuple[int, int, int]
"""TMDb id of a movie, or of a show with season and episode."""


@dataclass(slots=True)
class Shelf:
    """The libraries: movies 201 to 206, show 1399 with a special and a season of three."""

    services: Services
    titles: Mapping[Title, Item]

    @classmethod
    def fill(cls, services: Services) -> Shelf:
        """Empty the watchlist and forget the plays; add the titles, which Discover knows too."""
        cloud, pms = services.cloud, services.pms
        for key in list(cloud.listed(services.alex)):
            cloud.watchlist_remove(services.alex, key)
        pms.remove_section(next(iter(pms.state.sections.values())))
        pms.state.plays.clear()
        movies, shows = pms.add_section("Films", "movie"), pms.add_section("Shows", "show")
        titles: dict[Title, Item] = {}
        for tmdb in range(201, 207):
            ids, key = Ids(tmdb=tmdb, imdb=f"tt0000{tmdb}"), f"{tmdb:024x}"
            cloud.add_movie(f"Film {tmdb}", key, ids)
            titles[tmdb] = pms.add_movie(movies, f"Film {tmdb}", guid=f"plex://movie/{key}", ids=ids)
        show = pms.add_show(shows, "Show", guid=f"plex://show/{1399:024x}", ids=Ids(tmdb=1399, tvdb=121361))
        for season, episode in ((0, 1), (1, 1), (1, 2), (1, 3)):
            titles[1399, season, episode] = pms.add_episode(
                show, season, episode, ids=Ids(tmdb=63000 + 10 * season + episode)
            )
        return cls(services, titles)

    # --- what lies there --------------------------------------------------------------------------

    def _of_plex(self) -> Iterator[tuple[Title, Any]]:
        for title, item in self.titles.items():
            yield title, self.services.pms.user_state(OWNER, item)

    def at_plex(self, feature: str) -> dict[Title, Any]:
        """What Plex holds: dates of no play, tenths of a rating, milliseconds of a position."""
        match feature:
            case "watchlist":
                keys = self.services.cloud.listed(self.services.alex)
                return {int(key.rpartition("/")[2], 16): True for key in keys}
            case "history":
                return {title: state.view_count for title, state in self._of_plex() if state.view_count}
            case "ratings":
                return {title: round(10 * state.rating) for title, state in self._of_plex() if state.rating}
        return {title: state.view_offset for title, state in self._of_plex() if state.view_offset}

    def at_publicmetadb(self, feature: str) -> dict[Title, Any]:
        """What PublicMetaDB holds: all dates of an item's plays, scores, milliseconds of a position."""
        user = self.services.user
        match feature:
            case "watchlist":
                return {row.tmdb_id or 0: True for one in user.lists() for row in user.items(one.id)}
            case "history":
                plays: dict[Title, Any] = {}
                for play in user.watched():
                    plays.setdefault(_title(play.video), []).append(play.watched_at)
                return {title: sorted(dates) for title, dates in plays.items()}
            case "ratings":
                return {_title(row.video): row.score for row in user.ratings()}
        return {_title(row.video): row.position_ms for row in user.resume()}

    # --- what a person does -------------------------------------------------------------------------

    def do_at_plex(self, feature: str, title: Title, value: Any = None) -> None:
        """Put something there; `value` is a date, tenths, or milliseconds."""
        pms, item = self.services.pms, self.titles[title]
        match feature:
            case "watchlist":
                self.services.cloud.watchlist_add(self.services.alex, item.guid.rpartition("/")[2])
            case "history":
                pms.play(OWNER, item, at=value)
            case "ratings":
                pms.rate(OWNER, item, value / 10)
            case _:
                pms.set_resume(OWNER, item, value)

    def do_at_publicmetadb(self, feature: str, title: Title, value: Any = None) -> None:
        """Put something there; `value` is a date, tenths, or milliseconds."""
        user = self.services.user
        tmdb, season, episode = title if isinstance(title, tuple) else (title, None, None)
        video: dict[str, Any] = {
            "tmdb_id": tmdb,
            "media_type": "movie" if season is None else "tv",
            "season": season,
            "episode": episode,
        }
        match feature:
            case "watchlist":
                lists = user.lists() or (user.add_list("Watchlist", type="watchlist"),)
                user.add_item(lists[0].id, tmdb_id=tmdb)
            case "history":
                user.add_watched(**video, watched_at=value)
            case "ratings":
                state = self.services.pmdb.state
                table = state.title_ratings if season is None else state.episode_ratings
                known = [row for row in user.ratings() if _title(row.video) == title]
                for row in known:
                    table.replace(row, replace(row, score=value))
                if not known:
                    user.add_rating(**video, score=value)
            case _:
                runtime = (self.titles[title].duration or 0) if title in self.titles else 6_000_000
                user.add_resume(**video, position_ms=value, runtime_ms=runtime)

    def take_away_at_plex(self, feature: str, title: Title) -> None:
        """Take off the watchlist, or take a rating away."""
        if feature == "watchlist":
            key = self.titles[title].guid.rpartition("/")[2]
            self.services.cloud.watchlist_remove(self.services.alex, key)
        else:
            self.services.pms.rate(OWNER, self.titles[title], None)

    def take_away_at_publicmetadb(self, feature: str, title: Title) -> None:
        """Take off the list, or delete the plays of a movie."""
        user = self.services.user
        if feature == "watchlist":
            for one in user.lists():
                for item in user.items(one.id):
                    if item.tmdb_id == title:
                        user.remove_item(one.id, item.id)
        else:
            for play in user.watched():
                if play.tmdb_id == title:
                    user.remove_watched(play.id)


def _title(video: Video) -> Title:
    tmdb, _, season, episode = video
    assert tmdb is not None
    return tmdb if season is None or episode is None else (tmdb, season, episode)


def writes(services: Services) -> list[LoggedRequest]:
    """Everything that was sent to change something."""
    logs = (services.cloud.log, services.pms.log, services.pmdb.log)
    return [request for log in logs for request in log if request.method not in ("GET", "HEAD")]


async def run(entry: MockConfigEntry, **request: Any) -> RunReport:
    """Run a pair and return the report."""
    coordinator: PairCoordinator = entry.runtime_data
    return await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.ACTION, **request))


async def set_up(hass: HomeAssistant, *entries: MockConfigEntry) -> None:
    """Set up entries of the integration."""
    for entry in entries:
        if not entry.state.recoverable or entry.state.value == "not_loaded":
            assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def paired(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    way: str,
    *features: str,
    **options: Any,
) -> MockConfigEntry:
    """Return a pair that is set up: `p>q` from Plex, `q>p` to Plex, `p=q` both ways."""
    plex, publicmetadb = accounts
    ends = (publicmetadb, plex) if way == "q>p" else (plex, publicmetadb)
    entry = pair_entry_of(*ends, features=list(features), **options)
    direction = "two_way" if way == "p=q" else "one_way"
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, "direction": direction})
    await set_up(hass, entry)
    return entry


@contextmanager
def absences_believed() -> Iterator[None]:
    """Believe at the second look that something is gone, also what was written a moment ago."""
    with (
        patch("custom_components.crosswatch.sync.feature_run.SETTLE", -1),
        patch("custom_components.crosswatch.sync.models.APART", 0),
    ):
        yield


@contextmanager
def every_rating_looked_at() -> Iterator[None]:
    """Let each rating at PublicMetaDB have its turn in every read, not once a day."""
    with patch(
        "custom_components.crosswatch.providers.publicmetadb.rating_index.due",
        lambda records, *_: list(records),
    ):
        yield
