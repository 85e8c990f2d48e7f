"""The catalogue of one server as one user sees it: ids, numbers and that user's state of every item.

Listings carry everything, so no item is ever asked for by itself: episode rows have the episode's own
ids, the show's come from the show's row in the same library (API reference 2.5 and 5.1).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

from ...sync.models import NO_IDS, Ids, Item, Kind
from ...sync.provider import BadAnswerError, ProviderError
from .client import PlexServerClient
from .guids import Parsed, has_external, parse
from .paging import Wire
from .tasks import side_by_side
from .wire import decimal, number, required, rows, text

TYPES: Final = {Kind.MOVIE: 1, Kind.SHOW: 2, Kind.SEASON: 3, Kind.EPISODE: 4}
SHOW_KEYS: Final = {Kind.EPISODE: "grandparentRatingKey", Kind.SEASON: "parentRatingKey"}
TRIM: Final = {
    "excludeElements": (
        "Media,Image,Role,Director,Writer,Producer,Genre,Country,Collection,Label,UltraBlurColors,Rating,Field"
    ),
    "excludeFields": (
        "summary,tagline,thumb,art,theme,parentThumb,parentTheme,grandparentThumb,grandparentArt,grandparentTheme"
    ),
}
"""Cuts a row from about 4 KB to less than 1 KB (API reference 5.1)."""


class MissingLibraryError(ProviderError):
    """A library that is configured does not exist, or not for this user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A movie or show library. `changed` is a counter that grows with its content (API reference 2.4)."""

    id: str
    kind: Kind
    title: str
    changed: int | None

    @classmethod
    def from_row(cls, row: Wire) -> Self | None:
        """Build from a `Directory` of `/library/sections`; None for music and photos."""
        kind = text(row, "type")
        if kind not in (Kind.MOVIE, Kind.SHOW):
            return None
        return cls(
            id=required(row, "key"),
            kind=Kind(kind),
            title=text(row, "title") or "",
            changed=number(row, "contentChangedAt"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An item of the catalogue with the user's state of it (API reference 2.5).

    `guid` is the main guid, byte for byte. `view_offset` and `duration` are milliseconds, dates epoch
    seconds UTC, `rating` 0 to 10. Watched means `view_count` of at least 1 and nothing else.
    `numbered`: see `guids.Parsed`. `season_key` is set for episodes whose season is shown; `leaves`
    counts the episodes of a show or a season.
    """

    key: str
    section: str
    guid: str | None
    item: Item
    show_key: str | None
    numbered: bool
    view_count: int
    last_viewed_at: int | None
    view_offset: int | None
    duration: int | None
    rating: float | None
    rated_at: int | None
    season_key: str | None = None
    leaves: int = 0

    @classmethod
    def from_row(cls, row: Wire, section: str, shows: Mapping[str, Row]) -> Self:
        """Build from a `Metadata` row of any kind; `shows` are show rows by ratingKey."""
        kind = kind_of(row)
        guid = text(row, "guid")
        parsed = parse(kind, guid, external_guids(row))
        show_key = text(row, SHOW_KEYS[kind]) if kind in SHOW_KEYS else None
        show = shows.get(show_key) if show_key is not None else None
        season, episode, numbered = numbers(kind, row, parsed)
        if show is not None and not show.numbered:
            numbered = False
        below = kind in (Kind.SEASON, Kind.EPISODE)
        return cls(
            key=required(row, "ratingKey"),
            section=section,
            guid=guid,
            item=Item(
                kind=kind,
                ids=parsed.own,
                # numbers of another order would name another episode
                show_ids=show_ids(kind, row, parsed, show) if below and numbered else NO_IDS,
                season=season,
                episode=episode,
                title=text(row, "title"),
                year=number(row, "year"),
                show_title=show_title(kind, row, show),
            ),
            show_key=show_key if show is None else show.key,
            numbered=numbered,
            view_count=number(row, "viewCount") or 0,
            last_viewed_at=number(row, "lastViewedAt"),
            view_offset=number(row, "viewOffset"),
            # an item may leave it to its first version (API reference 6)
            duration=number(row, "duration") or first_duration(row),
            rating=decimal(row, "userRating"),
            rated_at=number(row, "lastRatedAt"),
            season_key=text(row, "parentRatingKey") if kind is Kind.EPISODE else None,
            leaves=number(row, "leafCount") or 0,
        )

    @property
    def tenths(self) -> int:
        """The rating times ten, half stars kept; 0 without one: a server may show a cleared one as 0."""
        return round((self.rating or 0.0) * 10)


def first_duration(row: Wire) -> int | None:
    """Milliseconds of an item's first version."""
    found = (number(media, "duration") for media in rows(row.get("Media")))
    return next((duration for duration in found if duration), None)


def kind_of(row: Wire) -> Kind:
    """Level of a row; other kinds never belong into these listings."""
    kind = text(row, "type")
    if kind not in TYPES:
        raise BadAnswerError("a row of an unknown kind")
    return Kind(kind)


def external_guids(row: Wire) -> list[str]:
    """The `Guid[]` ids of a row."""
    return [required(each, "id") for each in rows(row.get("Guid"))]


def numbers(kind: Kind, row: Wire, parsed: Parsed) -> tuple[int | None, int | None, bool]:
    """Season, episode, and whether they follow the order of the id's source. 0 is a real number."""
    if kind is Kind.SEASON:
        season, episode = number(row, "index"), None
    elif kind is Kind.EPISODE:
        season, episode = number(row, "parentIndex"), number(row, "index")
    else:
        return None, None, parsed.numbered
    agree = parsed.season in (None, season) and parsed.episode in (None, episode)
    if season is None and (kind is Kind.SEASON or episode is None):
        return parsed.season, parsed.episode, parsed.numbered
    return season, episode, parsed.numbered and agree


def show_ids(kind: Kind, row: Wire, parsed: Parsed, show: Row | None) -> Ids:
    """Ids of the show: from its own row, else from what the guids below it carry."""
    if show is not None and has_external(show.item.ids):
        return show.item.ids
    above = text(row, "grandparentGuid" if kind is Kind.EPISODE else "parentGuid")
    ids = show.item.ids if show is not None else parse(Kind.SHOW, above).own
    if has_external(ids) or not parsed.show:
        return ids
    return Ids(tmdb=parsed.show.tmdb, imdb=parsed.show.imdb, tvdb=parsed.show.tvdb, guid=ids.guid)


def show_title(kind: Kind, row: Wire, show: Row | None) -> str | None:
    """Title of the show above a season or an episode; one text for all of them."""
    if kind not in SHOW_KEYS:
        return None
    if show is not None and show.item.title is not None:
        return show.item.title
    return text(row, "grandparentTitle" if kind is Kind.EPISODE else "parentTitle")


class Catalogue:
    """All rows read, by ratingKey. Lookups give sets: copies in two libraries are two rows."""

    def __init__(self, sections: Sequence[Section], found: Iterable[Row]) -> None:
        """Hold the rows of these sections."""
        self.sections = tuple(sections)
        self.rows = {row.key: row for row in found}

    @cached_property
    def leaves_of(self) -> Mapping[str, frozenset[str]]:
        """RatingKeys of the episodes below a season or a show, by its ratingKey."""
        return Index(
            (above, row.key)
            for row in self.rows.values()
            if row.item.kind is Kind.EPISODE
            for above in (row.season_key, row.show_key)
            if above is not None
        )

    @cached_property
    def by_id(self) -> Mapping[tuple[Kind, str], frozenset[str]]:
        """RatingKeys by kind and own id (`tmdb:603`): numbers mean nothing without the kind."""
        return Index(
            ((row.item.kind, token), row.key) for row in self.rows.values() for token in row.item.ids.tokens()
        )

    @cached_property
    def by_number(self) -> Mapping[tuple[str, int, int], frozenset[str]]:
        """RatingKeys of episodes by show id (`tmdb:1399`), season and episode."""
        return Index(
            ((token, row.item.season, row.item.episode), row.key)
            for row in self.rows.values()
            if row.item.kind is Kind.EPISODE and row.item.season is not None and row.item.episode is not None
            for token in row.item.show_ids.tokens()
        )

    @cached_property
    def seasons(self) -> Mapping[str, Row]:
        """Seasons by ratingKey, as far as their episodes tell. They have neither guid nor state."""
        found: dict[str, Row] = {}
        for row in self.rows.values():
            if row.season_key is not None and row.season_key not in found:
                item = Item(
                    kind=Kind.SEASON,
                    show_ids=row.item.show_ids,
                    season=row.item.season,
                    show_title=row.item.show_title,
                )
                found[row.season_key] = replace(
                    row,
                    key=row.season_key,
                    guid=None,
                    item=item,
                    season_key=None,
                    view_count=0,
                    last_viewed_at=None,
                    view_offset=None,
                    duration=None,
                    rating=None,
                    rated_at=None,
                )
        return found

    @cached_property
    def by_season(self) -> Mapping[tuple[str, int], frozenset[str]]:
        """RatingKeys of seasons by show id (`tmdb:1399`) and season."""
        return Index(
            ((token, row.item.season), row.key)
            for row in self.seasons.values()
            if row.item.season is not None
            for token in row.item.show_ids.tokens()
        )


class Index[K](Mapping[K, frozenset[str]]):
    """Sets of ratingKeys. Nearly all of them hold one key, and 100,000 sets need a lot of memory."""

    def __init__(self, pairs: Iterable[tuple[K, str]]) -> None:
        """Build from pairs of what is looked up and what is found."""
        self._found: dict[K, str | frozenset[str]] = {}
        for place, key in pairs:
            known = self._found.setdefault(place, key)
            if known is not key and known != key:
                self._found[place] = frozenset((*([known] if isinstance(known, str) else known), key))

    def __getitem__(self, place: K) -> frozenset[str]:
        """Return all that was found."""
        found = self._found[place]
        return frozenset((found,)) if isinstance(found, str) else found

    def __iter__(self) -> Iterator[K]:
        """Go over what can be looked up."""
        return iter(self._found)

    def __len__(self) -> int:
        """How much can be looked up."""
        return len(self._found)


async def read_sections(client: PlexServerClient) -> tuple[Section, ...]:
    """Return the movie and show libraries this user may see."""
    container = await client.container("library/sections")
    found = (Section.from_row(row) for row in rows(container.get("Directory")))
    return tuple(section for section in found if section is not None)


def choose_sections(sections: Sequence[Section], wanted: frozenset[str]) -> tuple[Section, ...]:
    """Return the wanted libraries; no wish means all. Raises when one of them is not there."""
    if missing := sorted(wanted - {section.id for section in sections}):
        raise MissingLibraryError(f"no movie or show library with id {', '.join(missing)}")
    return tuple(section for section in sections if not wanted or section.id in wanted)


async def read_catalogue(client: PlexServerClient, sections: Sequence[Section]) -> Catalogue:
    """Read movies, shows and episodes of the sections, or raise."""
    async with side_by_side() as group:
        tasks = [group.create_task(read_section(client, section)) for section in sections]
    return Catalogue(sections, (row for task in tasks for row in task.result()))


async def read_section(client: PlexServerClient, section: Section) -> list[Row]:
    """Read movies, or shows and episodes, of one section, or raise."""
    found = await read_listing(client, section, section.kind, {})
    if section.kind is Kind.SHOW:
        shows = {row.key: row for row in found}
        found += await read_listing(client, section, Kind.EPISODE, shows)
    return found


async def read_listing(
    client: PlexServerClient,
    section: Section,
    kind: Kind,
    shows: Mapping[str, Row],
    filters: Mapping[str, int] | None = None,
) -> list[Row]:
    """Read all items of one kind, or those that pass the filters; `shows` are the section's by ratingKey."""
    reader = _Reader(section.id, kind, shows)
    path = f"library/sections/{section.id}/all"
    params: dict[str, str | int] = {"type": TYPES[kind], "includeGuids": 1, **(filters or {})}
    trimmed = client.trimming.on
    found = await client.pages(path, params | TRIM if trimmed else params, reader.read)
    if found:
        client.batches.known = found[0].key
    if not trimmed or client.trimming.proven:
        return found
    if reader.guids:
        client.trimming.proven = True
    elif reader.witness is not None and any(map(external_guids, await client.batch([reader.witness]))):
        # one row asked for in full has ids where no trimmed one had: trimming took them
        client.trimming.on = False
        return await client.pages(path, params, reader.read)
    return found


class _Reader:
    """Turns listing rows into `Row`s, and notes whether ids come along."""

    def __init__(self, section: str, kind: Kind, shows: Mapping[str, Row]) -> None:
        self._section = section
        self._kind = kind
        self._shows = shows
        self.guids = False
        self.witness: str | None = None
        """An item matched by a modern agent, whose ids are only in `Guid[]`."""

    def read(self, row: Wire) -> Row:
        if kind_of(row) is not self._kind:
            raise BadAnswerError("a row of another kind than asked for")
        built = Row.from_row(row, self._section, self._shows)
        if row.get("Guid"):
            self.guids = True
        elif self.witness is None and (built.guid or "").startswith("plex://"):
            self.witness = built.key
        return built
