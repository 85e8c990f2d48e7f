"""The watch history (H1 to H5; API reference 3.4)."""

from collections.abc import Mapping
from functools import partial
import math
from typing import Any

from .dates import parse, render
from .envelope import (
    ApiError,
    Call,
    Choice,
    Json,
    Reply,
    Route,
    chosen,
    chosen_by_query,
    created,
    deleted,
    owned,
    paged,
    query_numbers,
    stamps,
    title_fields,
    video,
    video_fields,
)
from .rows import Video, WatchedRow, by_video
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


def read_plays(call: Call) -> Reply:
    """H1: GET /watched; filters and sort only where the server honours them (question 12)."""
    settings = call.settings
    order = settings.watched_order
    choose: Choice[WatchedRow] | None = None
    if settings.watched_filters:
        choose = chosen_by_query(call.query)
        if call.query.get("sort") in list(Order):
            order = Order(call.query["sort"])
    return paged(call, chosen(call, call.user.watched_table, order, choose), partial(write_play, call))


def sent_date(settings: Settings, body: Mapping[str, Any], now: float) -> float | None:
    """Return the date of a play: absent is now, null is unknown (3.4)."""
    if "watched_at" not in body:
        moment = now
    elif body["watched_at"] is None:
        return None
    else:
        try:
            moment = parse(body["watched_at"])
        except ValueError as err:
            raise ApiError(400, "watched_at must be a date") from err
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
    wanted: Video = video(settings, body)
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
    wanted = video(call.settings, query_numbers(call.query, "tmdb_id", "season", "episode"))
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
