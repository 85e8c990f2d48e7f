"""Switches for everything the API reference leaves open (section 13) or lists as a knob (12.2).

The defaults are the mandatory behaviour of section 12.1. A switch describes how this server *is*;
what goes wrong now and then is a quirk (`quirks.py`) or a fault (`tests.simulators.base.Fault`).
"""

from dataclasses import dataclass
from enum import StrEnum

from .dates import DateStyle

MAX_PER_PAGE = 500
MAX_BATCH = 50
REQUESTS_PER_10_SECONDS = 300
RATINGS_PER_HOUR = 200
RESUME_SAVES_PER_HOUR = 300
RESUME_BATCHES_PER_HOUR = 30
"""Figures of sections 3.0, 3.1 and 3.8."""


class Envelope(StrEnum):
    """What a page of rows comes in; the empty name is a bare array (3.0: aliases clients met)."""

    ITEMS = "items"
    RESULTS = "results"
    DATA = "data"
    LISTS = "lists"
    RATINGS = "ratings"
    BARE = ""


class NumberStyle(StrEnum):
    """How a whole number is written."""

    INTEGER = "integer"
    STRING = "string"
    FLOAT = "float"


class Order(StrEnum):
    """Order of a collection, in the spelling of the `sort` parameter. Undated rows come last."""

    CREATED = "created"
    NEWEST = "-created"
    UPDATED = "updated"
    LATEST_UPDATED = "-updated"
    WATCHED = "watched_at"
    LATEST_WATCHED = "-watched_at"


class Duplicate(StrEnum):
    """Answer to a second POST of an item that is in the list already (question 8)."""

    SAME_ROW = "same_row"
    CONFLICT = "conflict"
    SECOND_ROW = "second_row"


class ListReference(StrEnum):
    """How a list item names its list (3.3)."""

    LIST_ID = "list_id"
    LIST = "list"
    LIST_OBJECT = "list_object"


class MovieNumbers(StrEnum):
    """Season and episode of a movie row (question 11)."""

    NULL = "null"
    ZERO = "zero"
    ABSENT = "absent"


class CompletedPlay(StrEnum):
    """Whether a completed resume point adds a play, and with which date (question 11)."""

    NONE = "none"
    NOW = "now"
    UNDATED = "undated"


class Fraction(StrEnum):
    """What becomes of a fractional score (question 6)."""

    KEEP = "keep"
    ROUND = "round"
    REJECT = "reject"


class Ownership(StrEnum):
    """What a rating row tells about who gave it (question 2)."""

    HIDDEN = "hidden"
    IS_OWNER = "is_owner"
    USER_ID = "user_id"
    FULL = "full"
    """is_owner, user_id and username"""


class RetryAfter(StrEnum):
    """Form of the header on the server's own 429 (question 10)."""

    NONE = "none"
    SECONDS = "seconds"
    DATE = "date"


@dataclass(slots=True, kw_only=True)
class Settings:
    """How the server behaves; change any attribute at any time."""

    # paging (3.0, question 12)
    default_per_page: int = 30
    max_per_page: int = MAX_PER_PAGE
    envelope: Envelope = Envelope.ITEMS
    omit: frozenset[str] = frozenset()
    """Envelope fields left out, of total, page, perPage, totalPages."""
    lists_order: Order = Order.CREATED
    items_order: Order = Order.CREATED
    watched_order: Order = Order.NEWEST
    ratings_order: Order = Order.NEWEST
    resume_order: Order = Order.LATEST_UPDATED
    watched_filters: bool = False
    """/watched honours tmdb_id, media_type, season, episode and sort."""
    resume_filters: bool = False
    """/resume honours tmdb_id, media_type, season and episode."""

    # values in rows (questions 11, 13, 14)
    watched_at_style: DateStyle = DateStyle.ISO
    stamp_style: DateStyle = DateStyle.SPACE
    """created and updated"""
    watched_at_keeps_ms: bool = True
    ids: NumberStyle = NumberStyle.INTEGER
    """tmdb_id"""
    numbers: NumberStyle = NumberStyle.INTEGER
    """season, episode, position_ms, runtime_ms"""
    scores: NumberStyle = NumberStyle.INTEGER
    movie_numbers: MovieNumbers = MovieNumbers.NULL
    titles_in_items: bool = True
    titles_in_watched: bool = False
    titles_in_resume: bool = False
    """Rows carry title and year of the titles told by `add_title`."""
    list_reference: ListReference = ListReference.LIST_ID

    # writes (questions 7, 8, 9, 16)
    create_status: int = 201
    """Lists, items, watched and ratings; a resume POST answers 200."""
    delete_status: int = 200
    """200 with {"success": true}, or 204 without a body."""
    error_field: str = "error"
    """Name of the text in an error body: error, message or detail (2.3)."""
    tv_needs_numbers: bool = True
    """False: watched and resume accept tv without season and episode (whole shows)."""
    list_item_duplicate: Duplicate = Duplicate.SAME_ROW
    list_names_unique: bool = False
    """True: a second list of the same name is a 409."""
    single_watchlist: bool = False
    """True: a second list of type watchlist is a 409."""
    max_lists: int | None = None
    """More lists than that are a 400."""
    dedupe_honoured: bool = True
    dedupe_tolerance: float = 0.0
    """Seconds between two plays that count as one; math.inf: any play of the title."""
    dedupe_same_day: bool = False
    """Plays of the same day (UTC) count as one, whatever the tolerance."""
    dedupe_status: int = 200
    """Status when an existing play is returned."""

    # ratings (questions 1 to 6)
    ownership: Ownership = Ownership.HIDDEN
    rating_unique_by_label: bool = True
    """False: one rating per user and title, whatever the label."""
    label_case_sensitive: bool = True
    allowed_labels: frozenset[str] | None = None
    """Other labels are a 400; None allows all."""
    fractional_scores: Fraction = Fraction.KEEP
    rating_conflict_status: int = 409
    """409, or the 400, 422 and 500 that some clients have seen (2.3)."""
    rating_conflict_error: str = "Rating already exists"
    rating_upsert: bool = False
    """A second POST overwrites instead of conflicting."""
    rating_patch: bool = False
    """PATCH {score} on a rating exists."""
    ratings_enumerable: bool = False
    """GET /ratings and /episode-ratings without a title answer the caller's own, paged."""
    ratings_paged: bool = False
    """Reads of a title are paged; otherwise one answer holds every row."""
    ratings_per_page: int = 50

    # resume (question 11, 18)
    ignored_below: float = 2.0
    completed_from: float = 80.0
    """Percent."""
    completed_inclusive: bool = True
    """Exactly `completed_from` is completed."""
    completed_play: CompletedPlay = CompletedPlay.NONE
    ignored_deletes: bool = False
    """An ignored POST drops the stored row."""
    action_carries_item: bool = False
    """ignored and completed answers carry an item too."""
    resume_whole_percent: bool = False
    """Positions are kept as a rounded percentage, so what is read back is not what was sent."""
    resume_conflicts: bool = False
    """A POST for a stored video is a 409 instead of an upsert."""

    # limits (3.8, questions 4, 10); None: no limit
    requests_per_10_seconds: int | None = None
    ratings_per_hour: int | None = None
    rating_updates_per_hour: int | None = None
    """Overwrites, PATCHes and POSTs of a rating deleted before; None: they count as ratings."""
    rating_deletes_counted: bool = False
    """Deletions of ratings count as updates."""
    resume_saves_per_hour: int | None = None
    resume_batches_per_hour: int | None = None
    retry_after: RetryAfter = RetryAfter.SECONDS
    rate_limit_headers: str | None = None
    """Prefix of the -Limit, -Remaining and -Reset headers, such as X-RateLimit or RateLimit."""
    rate_limit_body: str = '{"error":"Rate limit exceeded"}'
    rate_limit_content_type: str = "application/json"

    def enforce_limits(self) -> None:
        """Switch all server-side limits of section 3.8 on."""
        self.requests_per_10_seconds = REQUESTS_PER_10_SECONDS
        self.ratings_per_hour = RATINGS_PER_HOUR
        self.resume_saves_per_hour = RESUME_SAVES_PER_HOUR
        self.resume_batches_per_hour = RESUME_BATCHES_PER_HOUR
