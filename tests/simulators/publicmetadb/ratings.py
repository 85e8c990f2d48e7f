"""Ratings of everybody (R1 to R3, E1 to E3, B2; API reference 3.5).

Two collections with the same rules: /ratings for movies and shows, /episode-ratings for episodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

from .envelope import (
    NOT_OWNER,
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
    media_type,
    number,
    paged,
    query_numbers,
    stamps,
    video_fields,
    whole,
)
from .limits import HOUR, LimitReachedError
from .rows import RatingRow, Video, by_title, by_video
from .settings import MAX_BATCH, Envelope, Fraction, Ownership, Settings
from .table import Table

DEFAULT_LABEL = "Overall"
MOST = 100


def write_rating(call: Call, row: RatingRow) -> Json:
    """Return a rating as it is sent."""
    settings = call.settings
    fields = video_fields(row, settings)
    if row.episode is None:
        fields.pop("season", None)
        fields.pop("episode", None)
    fields |= {"score": number(row.score, settings.scores), "label": row.label}
    if settings.ownership in (Ownership.IS_OWNER, Ownership.FULL):
        fields["is_owner"] = row.owner == call.user.user_id
    if settings.ownership in (Ownership.USER_ID, Ownership.FULL):
        fields["user_id"] = row.owner
    if settings.ownership is Ownership.FULL:
        fields["username"] = row.owner
    return fields | stamps(row, settings)


def same_label(settings: Settings, first: str, second: str) -> bool:
    """Compare two labels as the server does (question 6)."""
    return first == second or (not settings.label_case_sensitive and first.casefold() == second.casefold())


# --- reading ---------------------------------------------------------------------------------


def _own(call: Call) -> Choice[RatingRow]:
    return lambda table: [row for row in table.rows() if row.owner == call.user.user_id]


def _of_title(call: Call, *, episodes: bool) -> Choice[RatingRow]:
    query = (
        call.query if episodes else {n: v for n, v in call.query.items() if n not in ("season", "episode")}
    )
    fields = query_numbers(query, "tmdb_id")
    whole(fields, "tmdb_id", 1)
    if media_type(fields) != "tv" and episodes:
        raise ApiError(400, "media_type must be tv")
    choose: Choice[RatingRow] | None = chosen_by_query(query)
    label = query.get("label")

    def labelled(table: Table[RatingRow]) -> Sequence[RatingRow]:
        rows = choose(table) if choose else ()
        return [row for row in rows if label is None or same_label(call.settings, row.label, label)]

    return labelled


def _read(call: Call, table: Table[RatingRow], *, episodes: bool) -> Reply:
    settings = call.settings
    write = partial(write_rating, call)
    if settings.ratings_enumerable and "tmdb_id" not in call.query:
        found = chosen(call, table, settings.ratings_order, _own(call))
        return paged(call, found, write, settings.ratings_per_page)
    found = chosen(call, table, settings.ratings_order, _of_title(call, episodes=episodes))
    if settings.ratings_paged:
        return paged(call, found, write, settings.ratings_per_page)
    rows = found.rows()
    if settings.envelope is Envelope.BARE:
        return Reply(body=[write(row) for row in rows])
    body: Json = {settings.envelope.value: [write(row) for row in rows], "average": _average(rows)}
    return Reply(body=body if "total" in settings.omit else {**body, "total": found.total})


def _average(rows: Sequence[RatingRow]) -> float | None:
    return round(fmean(row.score for row in rows), 2) if rows else None


def read_ratings(call: Call) -> Reply:
    """R1: GET /ratings?tmdb_id&media_type[&label]: every user's ratings of a movie or show."""
    return _read(call, call.state.title_ratings, episodes=False)


def read_episode_ratings(call: Call) -> Reply:
    """E1: GET /episode-ratings?tmdb_id&media_type=tv[&season&episode&label]: everybody's again."""
    return _read(call, call.state.episode_ratings, episodes=True)


# --- writing ---------------------------------------------------------------------------------


def _score(settings: Settings, fields: Mapping[str, Any]) -> float:
    value = fields.get("score")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise ApiError(400, "score must be a number from 0 to 100")
    if value == int(value) or settings.fractional_scores is Fraction.KEEP:
        return value
    if settings.fractional_scores is Fraction.REJECT:
        raise ApiError(400, "score must be an integer")
    return round(value)


def _label(settings: Settings, fields: Mapping[str, Any]) -> str:
    label = fields.get("label")
    if not isinstance(label, str) or not label.strip():
        raise ApiError(400, "label is required")
    if settings.allowed_labels is not None and not any(
        same_label(settings, label, allowed) for allowed in settings.allowed_labels
    ):
        raise ApiError(400, "Unknown label")
    return label


def _limit(call: Call, *, update: bool) -> tuple[str, int | None]:
    """Return which hourly limit a rating falls under (question 4)."""
    settings = call.settings
    if update and settings.rating_updates_per_hour is not None:
        return "rating updates", settings.rating_updates_per_hour
    return "ratings", settings.ratings_per_hour


def _submit(call: Call, table: Table[RatingRow], wanted: Video, fields: Mapping[str, Any]) -> RatingRow:
    """Store a rating; a second one of the same user, video and label conflicts (12.1.6)."""
    settings, owner = call.settings, call.user.user_id
    score, label = _score(settings, fields), _label(settings, fields)
    existing = None
    for row in table.find(by_video, wanted):
        if row.owner == owner and (
            not settings.rating_unique_by_label or same_label(settings, row.label, label)
        ):
            existing = row
    updates = existing is not None or (owner, wanted, label) in call.state.rated_before
    name, limit = _limit(call, update=updates)
    call.limits.check(name, owner, limit, HOUR)
    if existing is not None and not settings.rating_upsert:
        raise ApiError(settings.rating_conflict_status, settings.rating_conflict_error)
    call.limits.count(name, owner)
    if existing is not None:
        now = call.state.clock()
        return table.replace(existing, replace(existing, score=score, label=label, updated=now))
    title, kind, season, episode = wanted
    return call.user.add_rating(
        tmdb_id=title, media_type=kind, season=season, episode=episode, score=score, label=label
    )


def rate(call: Call) -> Reply:
    """R2: POST /ratings {tmdb_id, media_type, score, label}."""
    body = call.body()
    wanted: Video = (whole(body, "tmdb_id", 1), media_type(body), None, None)
    return created(call, write_rating(call, _submit(call, call.state.title_ratings, wanted, body)))


def _episode(fields: Mapping[str, Any]) -> Video:
    if media_type(fields) != "tv":
        raise ApiError(400, "media_type must be tv")
    return (whole(fields, "tmdb_id", 1), "tv", whole(fields, "season"), whole(fields, "episode"))


def rate_episode(call: Call) -> Reply:
    """E2: POST /episode-ratings {tmdb_id, media_type: tv, season, episode, score, label}."""
    body = call.body()
    row = _submit(call, call.state.episode_ratings, _episode(body), body)
    return created(call, write_rating(call, row))


def _owned(call: Call, table: Table[RatingRow], row_id: str) -> RatingRow:
    row = table.get(row_id)
    if row is None:
        raise ApiError(404, "Not found")
    if row.owner != call.user.user_id:
        raise ApiError(403, NOT_OWNER)
    return row


def _delete(call: Call, table: Table[RatingRow]) -> Reply:
    row = _owned(call, table, call.path["id"])
    if call.settings.rating_deletes_counted:
        name, limit = _limit(call, update=True)
        call.limits.check(name, row.owner, limit, HOUR)
        call.limits.count(name, row.owner)
    call.user.remove_rating(row.id)
    return deleted(call)


def delete_rating(call: Call) -> Reply:
    """R3: DELETE /ratings/{id}."""
    return _delete(call, call.state.title_ratings)


def delete_episode_rating(call: Call) -> Reply:
    """E3: DELETE /episode-ratings/{id}."""
    return _delete(call, call.state.episode_ratings)


def change_rating(call: Call) -> Reply:
    """PATCH {score} of either kind, where the server has it (question 3)."""
    if not call.settings.rating_patch:
        raise ApiError(404, "Not found")
    row_id = call.path["id"]
    state = call.state
    table = state.title_ratings if row_id in state.title_ratings else state.episode_ratings
    row = _owned(call, table, row_id)
    score = _score(call.settings, call.body())
    name, limit = _limit(call, update=True)
    call.limits.check(name, row.owner, limit, HOUR)
    call.limits.count(name, row.owner)
    row = table.replace(row, replace(row, score=score, updated=state.clock()))
    return Reply(body={"success": True, "item": write_rating(call, row)})


# --- batches of episodes ---------------------------------------------------------------------


def _batch(body: Mapping[str, Any], name: str) -> list[Any]:
    rows = body.get(name)
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_BATCH:
        raise ApiError(400, f"{name} must have 1 to {MAX_BATCH} entries")
    return rows


def rate_episodes(call: Call) -> Reply:
    """B2: POST {tmdb_id, media_type: tv, season, label?, ratings: [{episode, score, label?}]}.

    200 with items [{episode, id}], or 207 when some failed; those are in errors [{episode, error}].
    """
    body = call.body()
    shared = {name: value for name, value in body.items() if name != "ratings"}
    items: list[Json] = []
    errors: list[Json] = []
    ratings = _batch(body, "ratings")
    if not all(isinstance(rating, dict) for rating in ratings):
        raise ApiError(400, "ratings must be objects")
    for rating in ratings:
        fields = {"label": DEFAULT_LABEL, **shared, **rating}
        try:
            row = _submit(call, call.state.episode_ratings, _episode(fields), fields)
        except ApiError as err:
            errors.append({"episode": rating.get("episode"), "error": err.text})
        except LimitReachedError:
            errors.append({"episode": rating.get("episode"), "error": "Rate limit exceeded"})
        else:
            items.append({"episode": row.episode, "id": row.id})
    if errors:
        return Reply(status=207, body={"success": False, "items": items, "errors": errors})
    return Reply(body={"success": True, "items": items})


def delete_episode_ratings(call: Call) -> Reply:
    """B2: DELETE {ids} answers deletedIds: those of the caller's that existed."""
    table, mine = call.state.episode_ratings, []
    for row_id in _batch(call.body(), "ids"):
        row = table.get(row_id) if isinstance(row_id, str) else None
        if row is not None and row.owner == call.user.user_id:
            call.user.remove_rating(row.id)
            mine.append(row.id)
    return Reply(body={"success": True, "deletedIds": mine})


def read_averages(call: Call) -> Reply:
    """B2: GET ?tmdb_id&media_type&season[&label] answers {episodes: {"1": {average, total}}}."""
    fields = query_numbers(call.query, "tmdb_id", "season")
    title = (whole(fields, "tmdb_id", 1), media_type(fields))
    season, label = whole(fields, "season"), call.query.get("label")
    episodes: dict[str, list[RatingRow]] = {}
    for row in call.state.episode_ratings.find(by_title, title):
        if row.season == season and (label is None or same_label(call.settings, row.label, label)):
            episodes.setdefault(str(row.episode), []).append(row)
    averages = {name: {"average": _average(rows), "total": len(rows)} for name, rows in episodes.items()}
    return Reply(body={"episodes": averages})


ROUTES = (
    Route("GET", "/ratings", read_ratings),
    Route("POST", "/ratings", rate),
    Route("DELETE", "/ratings/{id}", delete_rating),
    Route("PATCH", "/ratings/{id}", change_rating),
    Route("GET", "/episode-ratings/batch", read_averages),
    Route("POST", "/episode-ratings/batch", rate_episodes),
    Route("DELETE", "/episode-ratings/batch", delete_episode_ratings),
    Route("GET", "/episode-ratings", read_episode_ratings),
    Route("POST", "/episode-ratings", rate_episode),
    Route("DELETE", "/episode-ratings/{id}", delete_episode_rating),
    Route("PATCH", "/episode-ratings/{id}", change_rating),
)
