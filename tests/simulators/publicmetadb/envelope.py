"""What all endpoints share: the call, the answer, fields of a body, pages of rows (3.0)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

import orjson

from .dates import render
from .limits import Limits
from .quirks import Kind, Struck
from .rows import ItemRow, MediaType, ResumeRow, Video, VideoRow, WatchedRow, by_title
from .settings import Envelope, MovieNumbers, NumberStyle, Order, Settings
from .state import State, User
from .table import Place, Row, Table

type Json = dict[str, Any]

NOT_OWNER = "Access denied - you can only delete your own data"
"""Text of a 403 (2.3)."""


class ApiError(Exception):
    """An answer of 400 or above, with the text of its body."""

    def __init__(self, status: int, text: str) -> None:
        """Keep both."""
        super().__init__(status, text)
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; without a body it is empty."""

    status: int = 200
    body: Json | list[Json] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request by a known user, with what is needed to answer it."""

    state: State
    user: User
    settings: Settings
    limits: Limits
    path: Mapping[str, str]
    query: Mapping[str, str]
    content: bytes
    struck: Struck

    def body(self) -> Json:
        """Return the JSON object that was sent; anything else is a 400."""
        try:
            body = orjson.loads(self.content)
        except orjson.JSONDecodeError as err:
            raise ApiError(400, "Invalid JSON") from err
        if not isinstance(body, dict):
            raise ApiError(400, "Invalid JSON")
        return body


type Action = Callable[[Call], Reply]

type Choice[R: Row] = Callable[[Table[R]], Sequence[R]]
"""Finds some rows of a table."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: method, path below /api/external, and who answers it."""

    method: str
    path: str
    action: Action


# --- fields of a body or a query -------------------------------------------------------------


def whole(fields: Mapping[str, Any], name: str, least: int = 0) -> int:
    """Return a whole number of at least `least`; JSON numbers only, so "5" and true are 400s."""
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ApiError(400, f"{name} must be an integer of at least {least}")
    return value


def query_numbers(query: Mapping[str, str], *names: str) -> Json:
    """Return the query with the named parameters as numbers where they are numbers."""
    fields: Json = dict(query)
    for name in names:
        if query.get(name, "").isdecimal():
            fields[name] = int(query[name])
    return fields


def media_type(fields: Mapping[str, Any]) -> MediaType:
    """Return "movie" or "tv"; nothing else is known (12.1.9)."""
    match fields.get("media_type"):
        case "movie":
            return "movie"
        case "tv":
            return "tv"
    raise ApiError(400, "media_type must be movie or tv")


def video(settings: Settings, fields: Mapping[str, Any]) -> Video:
    """Return the movie or episode meant; a tv one without both numbers is a 400 (12.1.9)."""
    kind = media_type(fields)
    title = whole(fields, "tmdb_id", 1)
    numbers = [fields.get(name) for name in ("season", "episode")]
    if kind == "movie" or (numbers == [None, None] and not settings.tv_needs_numbers):
        return (title, kind, None, None)
    return (title, kind, whole(fields, "season"), whole(fields, "episode"))


def chosen_by_query[R: VideoRow](query: Mapping[str, str]) -> Choice[R] | None:
    """Return what finds the rows meant by tmdb_id, media_type, [season, episode]; None without ids."""
    wanted = query_numbers(query, "tmdb_id", "season", "episode")
    if "tmdb_id" not in wanted:
        return None
    title = (whole(wanted, "tmdb_id", 1), media_type(wanted))
    numbers = {name: whole(wanted, name) for name in ("season", "episode") if name in wanted}

    def choose(table: Table[R]) -> Sequence[R]:
        rows = table.find(by_title, title)
        return [r for r in rows if all(getattr(r, name) == n for name, n in numbers.items())]

    return choose


# --- rows as they are sent -------------------------------------------------------------------


def number(value: float | None, style: NumberStyle) -> float | str | None:
    """Write a number; a whole one has no fraction unless the style gives it one."""
    if value is None:
        return None
    if style is NumberStyle.FLOAT:
        return float(value)
    plain = int(value) if value == int(value) else value
    return plain if style is NumberStyle.INTEGER else str(plain)


def stamps(row: Row, settings: Settings) -> Json:
    """Return created and updated."""
    style = settings.stamp_style
    return {"created": render(row.created, style), "updated": render(row.updated, style)}


def video_fields(row: VideoRow, settings: Settings) -> Json:
    """Return id, tmdb_id, media_type, season and episode."""
    fields: Json = {
        "id": row.id,
        "tmdb_id": number(row.tmdb_id, settings.ids),
        "media_type": row.media_type,
    }
    if row.media_type == "tv":
        fields["season"] = number(row.season, settings.numbers)
        fields["episode"] = number(row.episode, settings.numbers)
    elif settings.movie_numbers is not MovieNumbers.ABSENT:
        zero = number(0, settings.numbers) if settings.movie_numbers is MovieNumbers.ZERO else None
        fields["season"] = fields["episode"] = zero
    return fields


def title_fields(row: ItemRow | WatchedRow | ResumeRow, state: State) -> Json:
    """Return title and year where the server knows them."""
    known = state.titles.get((row.media_type, row.tmdb_id))
    return {} if known is None else {"title": known[0], "year": known[1]}


# --- answers ---------------------------------------------------------------------------------


def created(call: Call, item: Json) -> Reply:
    """Answer a POST that made a row."""
    return Reply(status=call.settings.create_status, body={"success": True, "item": item})


def deleted(call: Call) -> Reply:
    """Answer a DELETE (question 9)."""
    status = call.settings.delete_status
    return Reply(status=status, body=None if status == 204 else {"success": True})


def owned[R: Row](call: Call, table_of: Callable[[User], Table[R]], row_id: str) -> R:
    """Return the caller's row; somebody else's is a 403, an unknown one a 404 (12.1.5)."""
    row = table_of(call.user).get(row_id)
    if row is not None:
        return row
    if any(row_id in table_of(user) for user in call.state.users.values()):
        raise ApiError(403, NOT_OWNER)
    raise ApiError(404, "Not found")


@dataclass(frozen=True, slots=True)
class Chosen[R: Row]:
    """The rows a read is about, as the quirks let them be seen."""

    table: Table[R]
    places: Sequence[Place]
    total: int

    def rows(self, start: int = 0, stop: int | None = None) -> list[R]:
        """Return some or all of the rows."""
        return [self.table[place[-1]] for place in self.places[start:stop]]


def chosen[R: Row](call: Call, table: Table[R], order: Order, choose: Choice[R] | None = None) -> Chosen[R]:
    """Return all rows of the table, or those that `choose` finds in it."""
    struck = call.struck
    if stale := struck.get(Kind.STALE):
        table = table.past(stale.writes, stale.seconds)
    if Kind.EMPTY in struck:
        return Chosen(table, (), 0)
    places = table.ordered(order) if choose is None else table.sort(choose(table), order)
    if cut := struck.get(Kind.TRUNCATED):
        return Chosen(table, places[: cut.rows], len(places) if cut.honest else min(len(places), cut.rows))
    return Chosen(table, places, len(places))


def paged[R: Row](
    call: Call,
    found: Chosen[R],
    write: Callable[[R], Json],
    per_page: int | None = None,
) -> Reply:
    """Answer one page of the rows; `per_page` is the size unless the caller asks for another."""
    settings, struck = call.settings, call.struck
    asked = query_numbers(call.query, "page", "perPage")
    page = asked["page"] if isinstance(asked.get("page"), int) else 1
    size = asked["perPage"] if isinstance(asked.get("perPage"), int) else 0
    page = max(1, page)
    size = min(size or per_page or settings.default_per_page, settings.max_per_page)
    start = 0 if Kind.REPEATED_PAGE in struck else (page - 1) * size
    if (shift := struck.get(Kind.SHIFTED_ROWS)) and page > 1:
        start = max(0, start + shift.rows)
    rows = [write(row) for row in found.rows(start, start + size)]
    total = found.total
    if drift := struck.get(Kind.DRIFTING_TOTAL):
        total += drift.rows * page
    if short := struck.get(Kind.SHORT_PAGE):
        rows = rows[: -short.rows]

    if settings.envelope is Envelope.BARE:
        return Reply(body=rows)
    counts = {"total": total, "page": page, "perPage": size, "totalPages": math.ceil(total / size)}
    body: Json = {settings.envelope.value: rows}
    body |= {name: value for name, value in counts.items() if name not in settings.omit}
    return Reply(body=body)
