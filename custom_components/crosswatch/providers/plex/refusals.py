"""Why an entry can't be written to Plex, from the entry alone: the documented reasons."""

from typing import Final

from ...sync.models import Action, Entry, Feature, Kind, Rating, Resume
from .resolving import MISSING_IDS, missing_ids

UNSUPPORTED_MEDIA_TYPE: Final = "unsupported_media_type"
UNSUPPORTED_ACTION: Final = "unsupported_action"
CLEAR_UNSUPPORTED: Final = "clear_unsupported"
"""Plex can't clear a resume position (adapter document, "Progress behavior")."""
INVALID_RATING: Final = "missing_or_invalid_rating"
MISSING_PROGRESS: Final = "missing_progress"

KINDS: Final = {
    Feature.WATCHLIST: frozenset({Kind.MOVIE, Kind.SHOW}),
    Feature.HISTORY: frozenset({Kind.MOVIE, Kind.EPISODE}),
    Feature.RATINGS: frozenset({Kind.MOVIE, Kind.SHOW, Kind.SEASON, Kind.EPISODE}),
    Feature.PROGRESS: frozenset({Kind.MOVIE, Kind.EPISODE}),
}
BEST: Final = 100
"""The best rating, times ten."""


def refusal(feature: Feature, action: Action, entry: Entry) -> str | None:
    """Return the reason why the entry can't be written, None if it can."""
    if entry.item.kind not in KINDS[feature]:
        return UNSUPPORTED_MEDIA_TYPE
    if feature is Feature.PROGRESS and action is Action.REMOVE:
        return CLEAR_UNSUPPORTED
    if action is Action.UPDATE and feature in (Feature.WATCHLIST, Feature.HISTORY):
        return UNSUPPORTED_ACTION
    if action is not Action.REMOVE:
        if isinstance(entry, Rating) and not 0 < entry.tenths <= BEST:
            return INVALID_RATING
        if isinstance(entry, Resume) and entry.position_ms <= 0:
            return MISSING_PROGRESS
    return MISSING_IDS if missing_ids(entry.item) else None
