"""A seeded generator of invented media libraries with the shapes that make syncing hard.

`generate(10_000, seed=3)` gives the same `Library` every time. It is plain data: the titles with
their true ids, how each sits on the Plex server, and what each person did. `populate` in
`tests.simulators.plex` turns it into a running Plex; a PublicMetaDB is filled from the same object.

Units: dates are epoch seconds (UTC), durations and offsets milliseconds, ratings 0.5 to 10.
"""

from datetime import UTC, datetime
import random
from typing import Final

from tests.simulators.library_model import (
    Copy,
    Episode,
    Ids,
    Library,
    LibrarySection,
    Match,
    Person,
    Rated,
    Resume,
    Role,
    Title,
    Wanted,
    Watched,
)
from tests.simulators.library_words import ADJECTIVES, FOREIGN, MOMENTS, NOUNS, PEOPLE, PLACES

__all__ = [
    "AS_OF",
    "DAY",
    "SECTIONS",
    "SHAPES",
    "Copy",
    "Episode",
    "Ids",
    "Library",
    "LibrarySection",
    "Match",
    "Person",
    "Rated",
    "Resume",
    "Role",
    "Title",
    "Wanted",
    "Watched",
    "generate",
    "when",
]

AS_OF: Final = 1_795_000_000
DAY: Final = 86_400

SECTIONS: Final = (
    LibrarySection("Movies", "movie", "tv.plex.agents.movie"),
    LibrarySection("TV Shows", "show", "tv.plex.agents.series"),
    LibrarySection("Movies 4K", "movie", "tv.plex.agents.movie"),
    LibrarySection("Old Movies", "movie", "com.plexapp.agents.imdb"),
    LibrarySection("Old TV", "show", "com.plexapp.agents.thetvdb"),
)
SHAPES: Final = (0.95, 0.9, 0.5, 0.999, 0.985, 0.92, 0.01, 0.06)
"""Rolls for `place_copy`: legacy agent, no tmdb id, plain, deleted, unmatched, no ids, duplicates."""


class _Generator:
    """One run of the generator; every random choice comes from one seeded source."""

    def __init__(self, seed: int, as_of: int) -> None:
        self.rng = random.Random(seed)
        self.as_of = as_of
        self.titles: list[Title] = []
        self.copies: list[Copy] = []
        self.watched: list[Watched] = []
        self.rated: list[Rated] = []
        self.resumes: list[Resume] = []
        self.wanted: list[Wanted] = []
        self._numbers = {"movie": 10_000, "show": 10_000, "episode": 500_000, "imdb": 1_000_000}
        names = list(PEOPLE)
        self.rng.shuffle(names)
        roles = (Role.OWNER, Role.HOME, Role.MANAGED, Role.FRIEND)
        pins = (None, "1234", None, None)
        self.people = tuple(Person(*one) for one in zip(names, roles, pins, strict=False))
        self.owner = self.people[0].name

    def number(self, space: str) -> int:
        """A new id in a number space; never twice the same."""
        self._numbers[space] += self.rng.randint(1, 7)
        return self._numbers[space]

    def plex_key(self) -> str:
        """24 hex digits."""
        return f"{self.rng.getrandbits(96):024x}"

    def ids(self, space: str) -> Ids:
        """Complete ids."""
        return Ids(f"tt{self.number('imdb'):07d}", self.number(space), self.number(space))

    def name(self) -> str:
        """An invented title; every 25th is not in plain English."""
        pick = self.rng.choice
        if self.rng.random() < 0.04:
            return f"{pick(FOREIGN)} {self.rng.randint(1, 999)}"
        form = self.rng.randrange(4)
        if form == 0:
            return f"The {pick(ADJECTIVES)} {pick(NOUNS)} of {pick(PLACES)}"
        if form == 1:
            return f"{pick(ADJECTIVES)} {pick(NOUNS)} {self.rng.randint(2, 99)}"
        if form == 2:
            return f"{pick(PLACES)}: A {pick(ADJECTIVES)} {pick(NOUNS)}"
        return f"{pick(NOUNS)} & {pick(NOUNS)} ({pick(PLACES)})"

    def date(self, year: int) -> str:
        """A day of the year."""
        return f"{year}-{self.rng.randint(1, 12):02d}-{self.rng.randint(1, 28):02d}"

    def past(self, years: float = 8) -> int:
        """A moment of the last years, at least a day ago."""
        return self.as_of - DAY - self.rng.randrange(int(years * 365 * DAY))

    def movie(self, ids: Ids | None = None) -> int:
        """Add a movie; return its place."""
        year = self.rng.randint(1950, 2025)
        minutes = self.rng.randint(75, 190)
        self.titles.append(
            Title(
                kind="movie",
                title=self.name(),
                year=year,
                plex_key=self.plex_key(),
                ids=self.ids("movie") if ids is None else ids,
                duration=minutes * 60_000 + self.rng.randrange(60_000),
                released=self.date(year),
            )
        )
        return len(self.titles) - 1

    def show(self, ids: Ids | None = None, seasons: int | None = None, *, specials: bool = False) -> int:
        """Add a show with its episodes, at least every fifth with specials; return its place."""
        year = self.rng.randint(1985, 2024)
        count = seasons or self.rng.choices((1, 2, 3, 5, 8), (4, 4, 3, 2, 1))[0]
        minutes = self.rng.choice((22, 42, 58))
        episodes: list[Episode] = []
        season_keys: list[tuple[int, str]] = []
        first = 0 if specials or self.rng.random() < 0.2 else 1
        for season in range(first, count + 1):
            season_keys.append((season, self.plex_key()))
            length = self.rng.randint(1, 4) if season == 0 else self.rng.randint(6, 24)
            # S00E00 is a real number
            zero = season == 0 and (specials or self.rng.random() < 0.3)
            episodes.extend(
                Episode(
                    season=season,
                    number=number,
                    title=self.rng.choice(MOMENTS),
                    plex_key=self.plex_key(),
                    ids=self.ids("episode"),
                    duration=minutes * 60_000 + self.rng.randrange(120_000),
                    aired=self.date(min(year + max(season, 1) - 1, 2025)),
                )
                for number in range(0 if zero else 1, length + (0 if zero else 1))
            )
        self.titles.append(
            Title(
                kind="show",
                title=self.name(),
                year=year,
                plex_key=self.plex_key(),
                ids=self.ids("show") if ids is None else ids,
                duration=minutes * 60_000,
                released=self.date(year),
                episodes=tuple(episodes),
                season_keys=tuple(season_keys),
            )
        )
        return len(self.titles) - 1

    def place_copy(self, title: int, roll: float) -> None:
        """Put a title on the server in the shape that `roll`, 0 to 1, falls on."""
        movie = self.titles[title].kind == "movie"
        modern, old = ("Movies", "Old Movies") if movie else ("TV Shows", "Old TV")
        if roll < 0.86:
            self.copies.append(Copy(title, modern))
        elif roll < 0.91:
            self.copies.append(Copy(title, modern, hidden=frozenset({"tmdb"})))
        elif roll < 0.93:
            self.copies.append(Copy(title, modern, hidden=frozenset({"imdb", "tmdb", "tvdb"})))
        elif roll < 0.98:
            self.copies.append(Copy(title, old, Match.LEGACY))
        elif roll < 0.99:
            self.copies.append(Copy(title, modern, Match.UNMATCHED))
        else:
            self.copies.append(Copy(title, modern, deleted=True))
        if movie and roll < 0.05:
            self.copies.append(Copy(title, "Movies 4K"))
        elif movie and roll < 0.08:
            self.copies.append(Copy(title, old, Match.LEGACY))

    def watch(self, person: str, title: int, episode: int | None, at: int) -> None:
        """One viewing: usually a play, sometimes a checkmark, a double row, a rewatch."""
        roll = self.rng.random()
        self.watched.append(Watched(person, title, episode, at, logged=roll >= 0.04))
        if 0.04 <= roll < 0.07:
            again = at + self.rng.randint(30, 900) * DAY
            if again < self.as_of:
                self.watched.append(Watched(person, title, episode, again))
        elif roll > 0.995:
            self.watched.append(Watched(person, title, episode, at + self.rng.randint(60, 280)))

    def binge(self, person: str, title: int, share: float) -> int:
        """Watch the first part of a show, episode after episode; return how many."""
        count = max(1, round(len(self.titles[title].episodes) * share))
        at = self.past()
        for place in range(count):
            self.watch(person, title, place, min(at, self.as_of - 3600 - place))
            at += self.rng.randint(1800, 3 * DAY)
        return count

    def rate(self, person: str, title: int) -> None:
        """Rate the title, or one of its seasons or episodes, in half stars or finer."""
        value = self.rng.choice((2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 7.5, 6.9, 1.0, 0.5))
        one = self.titles[title]
        season = episode = None
        if one.kind == "show":
            level = self.rng.random()
            if level < 0.15:
                season = self.rng.choice(one.season_keys)[0]
            elif level < 0.5:
                episode = self.rng.randrange(len(one.episodes))
        if not any((r.title, r.season, r.episode) == (title, season, episode) for r in self.rated[-50:]):
            self.rated.append(Rated(person, title, value, self.past(4), season, episode))

    def resume(self, person: str, title: int) -> None:
        """Leave a title somewhere between 5 and 85 %."""
        one = self.titles[title]
        episode = self.rng.randrange(len(one.episodes)) if one.episodes else None
        length = one.duration if episode is None else one.episodes[episode].duration
        offset = int(length * self.rng.uniform(0.05, 0.85))
        self.resumes.append(Resume(person, title, episode, offset, self.past(1)))


def generate(
    watched_episodes: int = 300, *, seed: int = 1, as_of: int = AS_OF, every_shape: bool = True
) -> Library:
    """Make a library in which the owner has watched at least so many episodes.

    In proportion: movies 1/10, watchlist 1/20, ratings 1/20, resume points 1/100; the other people
    have 1/20 of the owner's plays each. With `every_shape` the first titles show all shapes once,
    so that a small library has them too; without, they are as rare as in a big one.
    """
    make = _Generator(seed, as_of)
    rng = make.rng
    owner, *others = (person.name for person in make.people)
    movies = [make.movie() for _ in range(max(20, watched_episodes // 10))]
    # the tmdb number of a movie is also a show's: ids only mean something with their kind
    shared = make.titles[movies[0]].ids.tmdb
    clash = Ids(f"tt{make.number('imdb'):07d}", shared, make.number("show"))
    shows = [make.show(clash, seasons=1, specials=True)]
    done = make.binge(owner, shows[0], 1.0)
    while done < watched_episodes:
        shows.append(make.show())
        share = 1.0 if rng.random() < 0.7 else rng.uniform(0.1, 0.9)
        done += make.binge(owner, shows[-1], share)
    for movie in movies:
        if movie == movies[0] or rng.random() < 0.8:
            make.watch(owner, movie, None, make.past())
    make.copies += [Copy(movies[0], "Movies"), Copy(shows[0], "TV Shows")]
    for titles in (movies[1:], shows[1:]):
        for place, title in enumerate(titles):
            shown = every_shape and place < len(SHAPES)
            make.place_copy(title, SHAPES[place] if shown else rng.random())
    there = sorted({copy.title for copy in make.copies if not copy.deleted})
    for person in others:
        for _ in range(max(1, watched_episodes // 400)):
            make.binge(person, rng.choice(shows), 0.2)
        make.watch(person, rng.choice(movies), None, make.past())
        make.rate(person, rng.choice(there))
        make.resume(person, rng.choice(there))
        make.wanted.append(Wanted(person, rng.choice(movies), make.past(1)))
    for title in rng.sample(there, min(len(there), max(8, watched_episodes // 20))):
        make.rate(owner, title)
    for title in rng.sample(there, min(len(there), max(4, watched_episodes // 100))):
        make.resume(owner, title)
    size = max(10, watched_episodes // 20)
    listed = rng.sample(there, min(len(there), size // 3))
    while len(listed) < size:
        obscure = Ids() if rng.random() < 0.02 else None
        listed.append(make.movie(obscure) if rng.random() < 0.6 else make.show(obscure, 1))
    dates = sorted(make.past(3) for _ in listed)
    make.wanted += [Wanted(owner, title, at) for title, at in zip(listed, dates, strict=True)]
    return Library(
        seed=seed,
        as_of=as_of,
        titles=tuple(make.titles),
        sections=SECTIONS,
        copies=tuple(make.copies),
        people=make.people,
        watched=tuple(sorted(make.watched, key=lambda entry: entry.at)),
        rated=tuple(make.rated),
        resumes=tuple(make.resumes),
        wanted=tuple(make.wanted),
    )


def when(epoch: int) -> str:
    """An epoch as ISO 8601 in UTC, as the services write dates."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
