"""Why an entry can't be written here: the documented reasons, from the entry alone."""

from ...sync.models import Action, Entry, Feature, Item, Kind, Play, Rating, Resume

MISSING_TMDB_ID = "missing_tmdb_id"
MISSING_SHOW_TMDB_OR_NUMBERS = "missing_show_tmdb_or_episode_numbers"
MISSING_WATCHED_AT = "missing_watched_at"
MISSING_DURATION = "missing_duration"
MISSING_REMOTE_ITEM_ID = "missing_remote_item_id"
MISSING_REMOTE_HISTORY_ID = "missing_remote_history_id"
MISSING_REMOTE_RESUME_ID = "missing_remote_resume_id"
MISSING_REMOTE_RATING_ID = "missing_remote_rating_id"
HOURLY_SUBMIT_LIMIT = "publicmetadb_hourly_rating_submit_limit"
HOURLY_UPDATE_LIMIT = "publicmetadb_hourly_rating_update_limit"
"""The reasons of the adapter document, "Common unresolved reasons"."""

MISSING_WATCHLIST_LIST = "missing_watchlist_list"
UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
UNSUPPORTED_ACTION = "unsupported_action"
MISSING_RATING = "missing_rating"
MISSING_PROGRESS = "missing_progress"
ZERO_PROGRESS = "zero_progress"
PROGRESS_IGNORED = "progress_ignored"
PROGRESS_COMPLETED = "progress_completed"
"""Further reasons: API reference 9.2, and for what the document says isn't supported."""

KINDS = {
    Feature.WATCHLIST: frozenset({Kind.MOVIE, Kind.SHOW}),
    Feature.HISTORY: frozenset({Kind.MOVIE, Kind.EPISODE}),
    Feature.RATINGS: frozenset({Kind.MOVIE, Kind.SHOW, Kind.EPISODE}),
    Feature.PROGRESS: frozenset({Kind.MOVIE, Kind.EPISODE}),
}
"""What each feature holds (adapter document, "What it supports")."""

NO_REMOTE_ID = {
    Feature.WATCHLIST: MISSING_REMOTE_ITEM_ID,
    Feature.HISTORY: MISSING_REMOTE_HISTORY_ID,
    Feature.RATINGS: MISSING_REMOTE_RATING_ID,
    Feature.PROGRESS: MISSING_REMOTE_RESUME_ID,
}


LEAST_TENTHS, MOST_TENTHS = 10, 100
"""Ratings from 1 to 10 (adapter document, "Ratings behavior")."""
LEAST_PERCENT, COMPLETE_PERCENT = 2.0, 80.0
"""Below the first the service ignores a resume position, from the second on it takes the item for watched
(API reference 3.6)."""


def refusal(feature: Feature, action: Action, entry: Entry) -> str | None:
    """Return the reason why the entry can't be written, None if it can.

    In the order of API reference 9.2: history asks for the date before the ids, ratings for the rating,
    progress for position and duration. A removal needs a title
    to look the remote id up by; whether there is one, only the service can tell.
    """
    if entry.item.kind not in KINDS[feature]:
        return UNSUPPORTED_MEDIA_TYPE
    if action is Action.REMOVE:
        return NO_REMOTE_ID[feature] if missing_ids(entry.item) else None
    if action is Action.UPDATE and feature in (Feature.WATCHLIST, Feature.HISTORY):
        return UNSUPPORTED_ACTION
    return _missing_value(entry) or missing_ids(entry.item) or _not_kept(entry)


def _missing_value(entry: Entry) -> str | None:
    match entry:
        case Play(watched_at=None):
            return MISSING_WATCHED_AT
        case Rating(tenths=tenths) if not LEAST_TENTHS <= tenths <= MOST_TENTHS:
            return MISSING_RATING
        case Resume(position_ms=position) if position <= 0:
            return ZERO_PROGRESS if position < 0 else MISSING_PROGRESS
        case Resume(duration_ms=duration) if duration is None or duration <= 0:
            return MISSING_DURATION
    return None


def _not_kept(entry: Entry) -> str | None:
    """Whether the service would ignore a position (W25), or take it, or one beyond the end, for the end."""
    if not isinstance(entry, Resume):
        return None
    percent = 100 * entry.position_ms / (entry.duration_ms or 1)
    if percent < LEAST_PERCENT:
        return PROGRESS_IGNORED
    return PROGRESS_COMPLETED if percent >= COMPLETE_PERCENT else None


def missing_ids(item: Item) -> str | None:
    """Return what is missing to name the item to the service.

    Episodes are named by the show's id, never by their own (API reference W6). Number 0 is real.
    """
    if item.kind is Kind.EPISODE:
        complete = item.show_ids.tmdb and item.season is not None and item.episode is not None
        return None if complete else MISSING_SHOW_TMDB_OR_NUMBERS
    return None if item.ids.tmdb else MISSING_TMDB_ID
