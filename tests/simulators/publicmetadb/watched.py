"""The watch history (H1 to H5; API reference 3.4)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
import math
from typing import Any

from .dates import parse, render
from .envelope import (
    ApiError,
    Call,
    Json,
    Reply,
    Route,
    created,
    deleted,
    media_type,
    owned,
    paged,
    query_numbers,
    title_fields,
    tmdb_id,
    video,
    video_fields,
    stamps,
)
from .rows import ResumeRow, Video, WatchedRow, by_title, by_video
from .settings import Order, Settings
from .state import User
from .table import Table

DAY = 86_400


def _plays(user: User) -> Table[WatchedRow]:
    return user.watched_table


def write_play(call: Call, row: WatchedRow) -> Json:
    """Return a play as it is sent."""
    settings = call.settings
    fields = video_fields(row, settings)
    fields["watched_at"] = render(row.watched_at, settings.watched_at_style)
    if settings.titles_in_watched:
        fields |= title_fields(row, call.state)
    return fields | stamps(row, settings)


def chosen_by_query[R: WatchedRow | ResumeRow](
    call: Call,
) -> Callable[[Table[R]], Sequence[R]] | None:
    """Return what picks the rows meant by tmdb_id, media_type, season and episode, if any are given."""
    names = ("tmdb_id", "season", "episode")
    wanted = query_numbers(call.query, *names)
    if "tmdb_id" not in wanted:
        return None
    title = (tmdb_id(call, wanted), media_type(wanted))
    numbers = [name for name in names[1:] if name in wanted]

    def choose(table: Table[R]) -> Sequence[R]:
        rows = table.find(by_title, title)
        return [row for row in rows if all(getattr(row, name) == wanted[name] for name in numbers)]

    return choose


def read_plays(call: Call) -> Reply:
    """H1: GET /watched; filters and sort only where the server honours them (question 12)."""
    settings = call.settings
    order, choose = settings.watched_order, None
    if settings.watched_filters:
        choose = chosen_by_query(call)
        if call.query.get("sort") in list(Order):
            order = Order(call.query["sort"])
    return paged(call, call.user.watched_table, order, partial(write_play, call), choose)


def sent_date(settings: Settings, body: Mapping[str, Any], now: float) -> float | None:
    """Return the date of a play: absent is now, null is unknown (3.4)."""
    sent = body.get("watched_at", "absent")
    if sent is None:
        return None
    if sent == "absent" and "watched_at" not in body:
        moment = now
    elif isinstance(sent, str):
        try:
            moment = parse(sent)
        except ValueError as err:
            raise ApiError(400, "watched_at must be a date") from err
    else:
        raise ApiError(400, "watched_at must be a date")
    return moment if settings.watched_at_keeps_ms else math.floor(moment)


def same_play(settings: Settings, first: float | None, second: float | None) -> bool:
    """Tell whether two dates of one video are one play to `dedupe` (question 7)."""
    if first is None or second is None:
        return first is second or math.isinf(settings.dedupe_tolerance)
    if settings.dedupe_same_day and first // DAY == second // DAY:
        return True
    return abs(first - second) <= settings.dedupe_tolerance


def add_play(call: Call) -> Reply:
    """H2: POST /watched {tmdb_id, media_type, [season, episode], watched_at}, ?dedupe=true."""
    body, settings = call.body(), call.settings
    wanted: Video = video(call, body)
    moment = sent_date(settings, body, call.state.clock())
    if call.query.get("dedupe") == "true" and settings.dedupe_honoured:
        for row in call.user.watched_table.find(by_video, wanted):
            if same_play(settings, row.watched_at, moment):
                item = write_play(call, row)
                return Reply(status=settings.dedupe_status, body={"success": True, "item": item})
    title, kind, season, episode = wanted
    row = call.user.add_watched(
        tmdb_id=title, media_type=kind, season=season, episode=episode, watched_at=moment
    )
    return created(call, write_play(call, row))


def delete_play(call: Call) -> Reply:
    """H3: DELETE /watched/{id}."""
    call.user.remove_watched(owned(call, _plays, call.path["id"]).id)
    return deleted(call)


def delete_plays(call: Call) -> Reply:
    """H4: DELETE /watched?tmdb_id&media_type[&season&episode]: every play of the video."""
    wanted = video(call, query_numbers(call.query, "tmdb_id", "season", "episode"))
    rows = call.user.watched_table.find(by_video, wanted)
    for row in rows:
        call.user.remove_watched(row.id)
    return Reply(body={"success": True, "deleted": len(rows)})


def date_play(call: Call) -> Reply:
    """H5: PATCH /watched/{id} {watched_at}."""
    row = owned(call, _plays, call.path["id"])
    body = call.body()
    if "watched_at" not in body:
        raise ApiError(400, "watched_at is required")
    moment = sent_date(call.settings, body, call.state.clock())
    row = call.user.date_watched(row.id, moment)
    return Reply(body={"success": True, "item": write_play(call, row)})


ROUTES = (
    Route("GET", "/watched", read_plays),
    Route("POST", "/watched", add_play),
    Route("DELETE", "/watched/{id}", delete_play),
    Route("DELETE", "/watched", delete_plays),
    Route("PATCH", "/watched/{id}", date_play),
)
