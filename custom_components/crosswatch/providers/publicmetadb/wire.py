"""Fields of the service's rows, read strictly: absent is None, unreadable is a `BadAnswerError`."""

from collections.abc import Mapping
from datetime import UTC, datetime
import math
from typing import Any

from ...sync.models import NO_IDS, Ids, Item, Kind
from ...sync.provider import BadAnswerError

type Row = Mapping[str, Any]
"""One JSON object of a page."""

MOVIE_TYPES = frozenset({"movie", "movies", "film"})
SHOW_TYPES = frozenset({"tv", "show", "shows", "series", "tv_shows", "tvshows"})
OTHER_TYPES = frozenset({"season", "seasons", "episode", "episodes"})
"""`media_type` is `movie` or `tv` (API reference 3.0); other clients met other spellings (4.3)."""

FIRST_EPOCH_MS = 10**11
"""From here on an epoch number counts milliseconds: as seconds it would be the year 5138."""


def row_id(row: Row) -> str | None:
    """Return the opaque id of a row; `history_id` is an alias (API reference 5.2)."""
    for name in ("id", "history_id"):
        value = row.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def whole(value: Any) -> int | None:
    """Read a whole number, also written as "5" or 5.0 (API reference 3.0)."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip().removesuffix(".0")
        if text.isdecimal() and text.isascii():
            return int(text)
    raise BadAnswerError("a number is not a whole number")


def tmdb_id(row: Row) -> int | None:
    """Return the TMDb id: `tmdb_id`, `tmdb` or `ids.tmdb`; null and 0 are no id (API reference 3.3, 4.2)."""
    inner = row.get("ids")
    for value in (
        row.get("tmdb_id"),
        row.get("tmdb"),
        inner.get("tmdb") if isinstance(inner, Mapping) else None,
    ):
        if (number := whole(value)) is not None and number > 0:
            return number
    return None


def media_type(row: Row) -> str:
    """Return `movie`, `tv` or one of `OTHER_TYPES`. An unknown type raises: rows may not just vanish."""
    value = row.get("media_type") or row.get("type")
    text = value.strip().lower() if isinstance(value, str) else ""
    if text in MOVIE_TYPES:
        return "movie"
    if text in SHOW_TYPES:
        return "tv"
    if text in OTHER_TYPES:
        return text
    raise BadAnswerError("unknown media type")


def text(row: Row, *names: str) -> str | None:
    """Return the first non-blank text; only for showing, so anything else is ignored."""
    for name in names:
        if isinstance(value := row.get(name), str) and value.strip():
            return value
    return None


def year(row: Row) -> int | None:
    """Return the year; only for showing, so anything unreadable is ignored."""
    try:
        return whole(row.get("year"))
    except BadAnswerError:
        return None


def title_of(row: Row, kind: Kind, ids: Ids) -> Item:
    """Return the movie or show of a row."""
    return Item(kind=kind, ids=ids, title=text(row, "title", "name"), year=year(row))


def episode_of(row: Row, show_ids: Ids) -> Item | None:
    """Return the episode of a row; season and episode 0 are real. None without numbers: a whole show."""
    season = _first_whole(row, "season", "season_number")
    episode = _first_whole(row, "episode", "episode_number")
    if season is None or episode is None:
        return None
    show_title = text(row, "series_title", "show_title", "name", "title")
    return Item(
        kind=Kind.EPISODE,
        ids=NO_IDS,
        show_ids=show_ids,
        season=season,
        episode=episode,
        year=year(row),
        show_title=show_title,
    )


def _first_whole(row: Row, *names: str) -> int | None:
    return next((number for name in names if (number := whole(row.get(name))) is not None), None)


def moment(value: Any) -> int | None:
    """Read a date as epoch seconds UTC, fractions cut off; null and "" are an unknown date.

    Forms: ISO with `Z` or an offset, PocketBase's space style, epoch seconds or milliseconds as a number
    or digits. Without an offset it is UTC, always (API reference 5.2 and W14).
    """
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return _epoch(value)
    if isinstance(value, str):
        written = value.strip()
        if written.isdecimal() and written.isascii():
            return _epoch(int(written))
        try:
            read = datetime.fromisoformat(written)
        except ValueError:
            raise BadAnswerError("unreadable date") from None
        return math.floor((read if read.tzinfo is not None else read.replace(tzinfo=UTC)).timestamp())
    raise BadAnswerError("unreadable date")


def _epoch(value: float) -> int:
    return math.floor(value / 1000 if abs(value) >= FIRST_EPOCH_MS else value)


def stamp(seconds: int) -> str:
    """Write epoch seconds as dates are sent to the service: `2026-01-04T21:00:00Z` (API reference 5.2)."""
    return f"{datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()}Z"
