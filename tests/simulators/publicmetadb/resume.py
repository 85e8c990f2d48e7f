"""Resume points (P1 to P3, B1) and the id lookup (M1); API reference 3.6."""

from functools import partial

from .envelope import (
    ApiError,
    Call,
    Choice,
    Json,
    Reply,
    Route,
    chosen,
    chosen_by_query,
    deleted,
    media_type,
    number,
    owned,
    paged,
    stamps,
    title_fields,
    video,
    video_fields,
    whole,
)
from .limits import HOUR, LimitReachedError
from .rows import ResumeRow, by_video
from .settings import MAX_BATCH, CompletedPlay
from .state import User
from .table import Table


def _points(user: User) -> Table[ResumeRow]:
    return user.resume_table


def write_point(call: Call, row: ResumeRow) -> Json:
    """Return a resume point as it is sent."""
    settings = call.settings
    fields = video_fields(row, settings)
    fields["position_ms"] = number(row.position_ms, settings.numbers)
    fields["runtime_ms"] = number(row.runtime_ms, settings.numbers)
    fields["progress"] = round(100 * row.position_ms / row.runtime_ms, 2)
    if settings.titles_in_resume:
        fields |= title_fields(row, call.state)
    return fields | stamps(row, settings)


def read_points(call: Call) -> Reply:
    """P1: GET /resume; filters only where the server honours them (question 11)."""
    settings = call.settings
    choose: Choice[ResumeRow] | None = chosen_by_query(call.query) if settings.resume_filters else None
    found = chosen(call, call.user.resume_table, settings.resume_order, choose)
    return paged(call, found, partial(write_point, call))


def mapped(call: Call, fields: Json) -> int:
    """Return the tmdb id that id_type and id_value of a media type stand for; none is a 404."""
    key = (media_type(fields), str(fields.get("id_type", "")), str(fields.get("id_value", "")))
    if key not in call.state.mappings:
        raise ApiError(404, "No mapping found")
    return call.state.mappings[key]


def _save(call: Call, body: Json) -> Json:
    """Save, complete or ignore a position (12.1.8) and return the answer."""
    settings, user = call.settings, call.user
    if "tmdb_id" not in body and "id_type" in body:
        body = {**body, "tmdb_id": mapped(call, body)}
    wanted = title, kind, season, episode = video(settings, body)
    position, runtime = whole(body, "position_ms"), whole(body, "runtime_ms", 1)
    percent = 100 * position / runtime
    stored = next(iter(user.resume_table.find(by_video, wanted)), None)
    if stored is not None and settings.resume_conflicts:
        raise ApiError(409, "Resume point already exists")

    if percent < settings.ignored_below:
        if stored is not None and settings.ignored_deletes:
            user.remove_resume(stored.id)
        answer: Json = {"action": "ignored", "reason": f"Below {settings.ignored_below:g}%"}
    elif percent > settings.completed_from or (
        percent == settings.completed_from and settings.completed_inclusive
    ):
        if stored is not None:
            user.remove_resume(stored.id)
        if settings.completed_play is not CompletedPlay.NONE:
            now = call.state.clock() if settings.completed_play is CompletedPlay.NOW else None
            user.add_watched(tmdb_id=title, media_type=kind, season=season, episode=episode, watched_at=now)
        answer = {"action": "completed"}
    else:
        call.limits.check("resume saves", user.user_id, settings.resume_saves_per_hour, HOUR)
        call.limits.count("resume saves", user.user_id)
        if settings.resume_whole_percent:
            position = round(runtime * round(percent) / 100)
        row = user.add_resume(
            tmdb_id=title,
            media_type=kind,
            season=season,
            episode=episode,
            position_ms=position,
            runtime_ms=runtime,
        )
        return {"action": "saved", "item": write_point(call, row)}

    answer["progress"] = round(percent, 2)
    if settings.action_carries_item:
        sent = ResumeRow(
            **call.state.stamp(None if stored is None else stored.id),
            tmdb_id=title,
            media_type=kind,
            season=season,
            episode=episode,
            position_ms=position,
            runtime_ms=runtime,
        )
        answer["item"] = write_point(call, sent)
    return answer


def save_point(call: Call) -> Reply:
    """P2: POST /resume {tmdb_id, media_type, [season, episode], position_ms, runtime_ms}."""
    return Reply(body=_save(call, call.body()))


def save_points(call: Call) -> Reply:
    """B1: POST /resume/batch {items} of up to 50 bodies; answers results in the same order."""
    items = call.body().get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH:
        raise ApiError(400, f"items must have 1 to {MAX_BATCH} entries")
    if not all(isinstance(item, dict) for item in items):
        raise ApiError(400, "items must be objects")
    owner, limit = call.user.user_id, call.settings.resume_batches_per_hour
    call.limits.check("resume batches", owner, limit, HOUR)
    call.limits.count("resume batches", owner)
    results: list[Json] = []
    for item in items:
        try:
            results.append({"success": True, **_save(call, item)})
        except ApiError as err:
            results.append({"success": False, "error": err.text})
        except LimitReachedError:
            results.append({"success": False, "error": "Rate limit exceeded"})
    return Reply(body={"success": True, "results": results})


def delete_point(call: Call) -> Reply:
    """P3: DELETE /resume/{id}."""
    call.user.remove_resume(owned(call, _points, call.path["id"]).id)
    return deleted(call)


def look_up(call: Call) -> Reply:
    """M1: GET /mappings/lookup?id_type&id_value&media_type."""
    fields: Json = dict(call.query)
    return Reply(body={"tmdb_id": mapped(call, fields), "media_type": media_type(fields)})


ROUTES = (
    Route("GET", "/resume", read_points),
    Route("POST", "/resume", save_point),
    Route("POST", "/resume/batch", save_points),
    Route("DELETE", "/resume/{id}", delete_point),
    Route("GET", "/mappings/lookup", look_up),
)
