"""What people keep at the two services, and what lies there in truth: never asked of CrossWatch."""

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import replace
from typing import Final, override

from custom_components.crosswatch.sync.models import Feature, Kind
from tests.simulators.plex import OWNER
from tests.simulators.publicmetadb.rows import MediaType, RatingRow, VideoRow

from .world import DAY, RUNTIME, START, Place, Services, Title, plex_key

type Held = Counter[tuple[Title, str]]
"""Each thing that lies at a service, with its value or date."""

YEAR: Final = 365 * DAY
REWATCHED: Final = 5
"""Every so many-th title was watched twice."""


class Things(ABC):
    """The things of one feature."""

    feature: Feature
    removable: frozenset[Place] = frozenset(Place)
    """Where a removal is one. Elsewhere a service may also hide things, or forget them by itself."""

    def __init__(self, services: Services) -> None:
        """Look at these services."""
        self._services = services
        self._pms, self._user = services.pms, services.user

    @property
    def titles(self) -> list[Title]:
        """Everything there could be something of."""
        return self._services.watchable

    def put(self, place: Place, title: Title) -> None:
        """Let the person add what belongs to the title."""
        if place is Place.PLEX:
            self._put_at_plex(title)
        else:
            self._put_at_publicmetadb(title)

    def take(self, place: Place, title: Title) -> None:
        """Let the person remove it again."""
        if place is Place.PLEX:
            self._take_at_plex(title)
        else:
            self._take_at_publicmetadb(title)

    def held(self, place: Place) -> Held:
        """Return what lies there."""
        return self._held_at_plex() if place is Place.PLEX else self._held_at_publicmetadb()

    @abstractmethod
    def due(self, place: Place, title: Title) -> Held:
        """Return what must lie there once `put` at the other service has arrived."""

    def left(self, place: Place, title: Title) -> Held:
        """Return what must still lie there once `take` at the other service has arrived."""
        return Counter() if place.other in self.removable else of(title, self.held(place))

    @abstractmethod
    def _put_at_plex(self, title: Title) -> None: ...

    @abstractmethod
    def _put_at_publicmetadb(self, title: Title) -> None: ...

    @abstractmethod
    def _take_at_plex(self, title: Title) -> None: ...

    @abstractmethod
    def _take_at_publicmetadb(self, title: Title) -> None: ...

    @abstractmethod
    def _held_at_plex(self) -> Held: ...

    @abstractmethod
    def _held_at_publicmetadb(self) -> Held: ...

    def _number(self, title: Title) -> int:
        return self.titles.index(title)


class Watchlist(Things):
    """Movies and shows to be watched."""

    feature = Feature.WATCHLIST

    @property
    @override
    def titles(self) -> list[Title]:
        return self._services.listable

    @override
    def due(self, place: Place, title: Title) -> Held:
        return Counter([(title, "listed")])

    @override
    def _put_at_plex(self, title: Title) -> None:
        services = self._services
        services.cloud.watchlist_add(services.owner, plex_key(title))

    @override
    def _put_at_publicmetadb(self, title: Title) -> None:
        self._user.add_item(self._services.list_id, media_type=media_type(title), tmdb_id=title.number)

    @override
    def _take_at_plex(self, title: Title) -> None:
        services = self._services
        services.cloud.watchlist_remove(services.owner, plex_key(title))

    @override
    def _take_at_publicmetadb(self, title: Title) -> None:
        for row in self._user.items(self._services.list_id):
            if (row.media_type, row.tmdb_id) == (media_type(title), title.number):
                self._user.remove_item(self._services.list_id, row.id)

    @override
    def _held_at_plex(self) -> Held:
        services = self._services
        keys = services.cloud.watchlists.get(services.owner.id, {})
        return Counter((title, "listed") for title in self.titles if plex_key(title) in keys)

    @override
    def _held_at_publicmetadb(self) -> Held:
        return Counter(
            (Title(Kind.MOVIE if row.media_type == "movie" else Kind.SHOW, row.tmdb_id or 0), "listed")
            for one in self._user.lists()
            for row in self._user.items(one.id)
        )


class History(Things):
    """Plays with their dates. Plex keeps a log of its own, and how often it counts a title as watched."""

    feature = Feature.HISTORY
    removable = frozenset({Place.PUBLICMETADB})

    def dates(self, title: Title) -> list[int]:
        """When the title was watched."""
        number = self._number(title)
        first = START - YEAR + 3 * 3600 * number
        return [first, first + 30 * DAY] if number % REWATCHED == 0 else [first]

    @override
    def due(self, place: Place, title: Title) -> Held:
        if place is Place.PLEX:
            return Counter([(title, "watched")])
        return Counter((title, str(at)) for at in self.dates(title))

    @override
    def left(self, place: Place, title: Title) -> Held:
        """Nobody but the person takes anything out of Plex' log."""
        held = super().left(place, title)
        if place is Place.PLEX:
            held = of(title, self.held(place))
            del held[title, "watched"]
        return held

    @override
    def _put_at_plex(self, title: Title) -> None:
        for at in self.dates(title):
            self._pms.play(OWNER, self._services.items[title], at)

    @override
    def _put_at_publicmetadb(self, title: Title) -> None:
        for at in self.dates(title):
            self._user.add_watched(
                tmdb_id=title.number,
                media_type=media_type(title),
                season=title.season,
                episode=title.episode,
                watched_at=at,
            )

    @override
    def _take_at_plex(self, title: Title) -> None:
        item = self._services.items[title]
        for play in [each for each in self._pms.state.plays.values() if each.guid == item.guid]:
            self._pms.state.delete_play(play.id)
        self._pms.mark_unwatched(OWNER, item)

    @override
    def _take_at_publicmetadb(self, title: Title) -> None:
        for row in self._user.watched():
            if title_of(row) == title:
                self._user.remove_watched(row.id)

    @override
    def _held_at_plex(self) -> Held:
        found: Held = Counter()
        by_guid = {item.guid: title for title, item in self._services.items.items()}
        for play in self._pms.state.plays.values():
            # what is logged from now on nobody has watched: it was written, and counts as watched once
            if (play.viewed_at or 0) < START:
                found[by_guid[play.guid], str(play.viewed_at)] += 1
        for guid, title in by_guid.items():
            if times := self._pms.state.state(OWNER, guid).view_count:
                found[title, "watched"] = times
        return found

    @override
    def _held_at_publicmetadb(self) -> Held:
        return Counter((title_of(row), f"{row.watched_at or 0:.0f}") for row in self._user.watched())


class Ratings(Things):
    """Ratings of movies and episodes. PublicMetaDB lists none: there a person changes what is known."""

    feature = Feature.RATINGS
    removable = frozenset({Place.PLEX})

    def stars(self, title: Title, place: Place) -> int:
        """Return the rating that is given at a service."""
        return self._number(title) % 9 + (2 if place is Place.PUBLICMETADB else 1)

    @override
    def due(self, place: Place, title: Title) -> Held:
        return Counter([(title, str(self.stars(title, place.other)))])

    @override
    def _put_at_plex(self, title: Title) -> None:
        stars = self.stars(title, Place.PLEX)
        self._pms.rate(OWNER, self._services.items[title], stars, int(self._services.clock()))

    @override
    def _put_at_publicmetadb(self, title: Title) -> None:
        row = self._row(title)
        table = self._services.pmdb.state.title_ratings
        if row.id not in table:
            table = self._services.pmdb.state.episode_ratings
        score = 10.0 * self.stars(title, Place.PUBLICMETADB)
        table.replace(row, replace(row, score=score, updated=self._services.clock()))

    @override
    def _take_at_plex(self, title: Title) -> None:
        self._pms.rate(OWNER, self._services.items[title], None)

    @override
    def _take_at_publicmetadb(self, title: Title) -> None:
        self._services.pmdb.state.remove_rating(self._row(title).id)

    def _row(self, title: Title) -> RatingRow:
        return next(row for row in self._user.ratings() if title_of(row) == title)

    @override
    def _held_at_plex(self) -> Held:
        states = {
            title: self._pms.state.state(OWNER, item.guid) for title, item in self._services.items.items()
        }
        return Counter(
            (title, f"{state.rating:g}") for title, state in states.items() if state.rating is not None
        )

    @override
    def _held_at_publicmetadb(self) -> Held:
        return Counter((title_of(row), f"{row.score / 10:g}") for row in self._user.ratings())


class Positions(Things):
    """Where the person stopped watching, in whole percents of the duration."""

    feature = Feature.PROGRESS
    removable = frozenset[Place]()

    def percent(self, title: Title) -> int:
        """Return where the person stopped."""
        return 10 + self._number(title) % 60

    @override
    def due(self, place: Place, title: Title) -> Held:
        return Counter([(title, f"{self.percent(title)} %")])

    @override
    def _put_at_plex(self, title: Title) -> None:
        self._pms.set_resume(OWNER, self._services.items[title], self.percent(title) * RUNTIME // 100)

    @override
    def _put_at_publicmetadb(self, title: Title) -> None:
        self._user.add_resume(
            tmdb_id=title.number,
            media_type=media_type(title),
            season=title.season,
            episode=title.episode,
            position_ms=self.percent(title) * RUNTIME // 100,
            runtime_ms=RUNTIME,
        )

    @override
    def _take_at_plex(self, title: Title) -> None:
        self._pms.set_resume(OWNER, self._services.items[title], 0)

    @override
    def _take_at_publicmetadb(self, title: Title) -> None:
        for row in self._user.resume():
            if title_of(row) == title:
                self._user.remove_resume(row.id)

    @override
    def _held_at_plex(self) -> Held:
        offsets = {
            title: self._pms.state.state(OWNER, item.guid).view_offset
            for title, item in self._services.items.items()
        }
        return Counter((title, percent(offset)) for title, offset in offsets.items() if offset)

    @override
    def _held_at_publicmetadb(self) -> Held:
        return Counter((title_of(row), percent(row.position_ms)) for row in self._user.resume())


THINGS: Final[tuple[type[Things], ...]] = (Watchlist, History, Ratings, Positions)


def percent(position_ms: int) -> str:
    """Return a position as a share of the duration."""
    return f"{100 * position_ms / RUNTIME:.0f} %"


def media_type(title: Title) -> MediaType:
    """Return what PublicMetaDB calls this kind."""
    return "movie" if title.kind is Kind.MOVIE else "tv"


def title_of(row: VideoRow) -> Title:
    """Return what a row is about."""
    kind = Kind.MOVIE if row.media_type == "movie" else Kind.EPISODE
    return Title(kind, row.tmdb_id or 0, row.season, row.episode)


def of(title: Title, held: Held) -> Held:
    """Return the part that belongs to a title."""
    return Counter({key: count for key, count in held.items() if key[0] == title})
