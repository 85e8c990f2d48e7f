"""The rows the server keeps.

They are frozen; their moments are Unix seconds (float), positions and runtimes milliseconds,
scores 0 to 100. `tmdb_id` is the show's id for tv rows (API reference 3.0).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from .table import Row

type MediaType = Literal["movie", "tv"]
type ListType = Literal["watchlist", "custom"]
type Video = tuple[int | None, MediaType, int | None, int | None]
"""tmdb id, media type, season, episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow(Row):
    """A list (3.2)."""

    name: str
    description: str
    type: ListType
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRow(Row):
    """A row about a movie, a show (no numbers) or an episode."""

    tmdb_id: int | None
    media_type: MediaType
    season: int | None = None
    episode: int | None = None

    @property
    def video(self) -> Video:
        """What the row is about."""
        return (self.tmdb_id, self.media_type, self.season, self.episode)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow(VideoRow):
    """An item of a list (3.3)."""

    list_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRow(VideoRow):
    """A play (3.4); no date is a legal state."""

    watched_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingRow(VideoRow):
    """A rating (3.5); `owner` is a user id."""

    owner: str
    score: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRow(VideoRow):
    """A resume point (3.6)."""

    position_ms: int
    runtime_ms: int


def by_video(row: VideoRow) -> Hashable:
    """Index: the exact movie, show or episode."""
    return row.video


def by_title(row: VideoRow) -> Hashable:
    """Index: the movie, or the show with all its episodes."""
    return (row.tmdb_id, row.media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """All rows of a user, to compare before and after."""

    lists: tuple[ListRow, ...]
    items: tuple[ItemRow, ...]
    watched: tuple[WatchedRow, ...]
    ratings: tuple[RatingRow, ...]
    resume: tuple[ResumeRow, ...]
