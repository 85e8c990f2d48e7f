"""What a generated library is made of: titles with true ids, how Plex has them, what people did.

Units: dates are epoch seconds (UTC), durations and offsets milliseconds, ratings 0.5 to 10.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


@dataclass(frozen=True, slots=True)
class Ids:
    """External ids of one level: an episode's are the episode's own."""

    imdb: str | None = None
    tmdb: int | None = None
    tvdb: int | None = None

    def guids(self) -> list[str]:
        """Return them as Plex writes `Guid[]`: imdb://tt…, tmdb://…, tvdb://… and no others."""
        found = []
        if self.imdb is not None:
            found.append(f"imdb://{self.imdb}")
        if self.tmdb is not None:
            found.append(f"tmdb://{self.tmdb}")
        if self.tvdb is not None:
            found.append(f"tvdb://{self.tvdb}")
        return found


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode; `plex_key` is the 24 hex digits of its plex:// guid, `aired` YYYY-MM-DD."""

    season: int
    number: int
    title: str
    plex_key: str
    ids: Ids
    duration: int
    aired: str


@dataclass(frozen=True, slots=True)
class Title:
    """A movie or a show with its true ids, as a metadata service knows it."""

    kind: Literal["movie", "show"]
    title: str
    year: int
    plex_key: str
    ids: Ids
    duration: int
    released: str
    episodes: tuple[Episode, ...] = ()
    season_keys: tuple[tuple[int, str], ...] = ()
    """(season number, plex key) by rising number."""


class Match(StrEnum):
    """How the server has matched a title."""

    MODERN = "modern"
    LEGACY = "legacy"
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class LibrarySection:
    """A Plex library to create."""

    title: str
    kind: Literal["movie", "show"]
    agent: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A title in a Plex library. `hidden` ids are unknown to the server although they exist."""

    title: int
    section: str
    match: Match = Match.MODERN
    hidden: frozenset[Literal["imdb", "tmdb", "tvdb"]] = frozenset()
    deleted: bool = False
    """The files are gone; only rows of the play log remain."""


class Role(StrEnum):
    """What a person is to the server's owner (1.5, 1.6)."""

    OWNER = "owner"
    HOME = "home"
    MANAGED = "managed"
    FRIEND = "friend"


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who watches; `pin` protects a home user."""

    name: str
    role: Role
    pin: str | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A play, or with `logged` False a hand-set checkmark without a row in the play log.

    `episode` is the place in the title's `episodes`, None for a movie.
    """

    person: str
    title: int
    episode: int | None
    at: int
    logged: bool = True


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating of a movie or show, of a season (`season`) or of an episode (`episode`)."""

    person: str
    title: int
    value: float
    at: int
    season: int | None = None
    episode: int | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """A resume point; `offset` in milliseconds."""

    person: str
    title: int
    episode: int | None
    offset: int
    at: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A title on someone's watchlist."""

    person: str
    title: int
    at: int


@dataclass(frozen=True, slots=True)
class Library:
    """Everything there is; references between the parts are places in `titles`."""

    seed: int
    as_of: int
    titles: tuple[Title, ...]
    sections: tuple[LibrarySection, ...]
    copies: tuple[Copy, ...]
    people: tuple[Person, ...]
    watched: tuple[Watched, ...]
    rated: tuple[Rated, ...]
    resumes: tuple[Resume, ...]
    wanted: tuple[Wanted, ...]

    @property
    def owner(self) -> str:
        """The name of the server's owner."""
        return self.people[0].name

    def episode(self, what: Watched | Rated | Resume) -> Episode | None:
        """The episode an entry is about."""
        return None if what.episode is None else self.titles[what.title].episodes[what.episode]

    def plays(self, person: str | None = None) -> Iterator[tuple[Title, Episode | None, int]]:
        """What a person (the owner) watched: title, episode and epoch seconds."""
        who = person or self.owner
        for entry in self.watched:
            if entry.person == who:
                yield self.titles[entry.title], self.episode(entry), entry.at
