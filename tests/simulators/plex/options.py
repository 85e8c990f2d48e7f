"""Switches of the Plex simulators: server generations and every open question of the reference.

Defaults are what the API reference calls current behaviour; a test flips what it needs, at any time:
`pms.options.scrobble_writes_history = True`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self


class Clearing(StrEnum):
    """What the server does with a rating value that may mean "no rating" (section 8, question 3)."""

    CLEAR = "clear"
    STORE_ZERO = "store_zero"
    IGNORE = "ignore"
    REJECT = "reject"


class NonOwnerHistory(StrEnum):
    """What a token that is not the owner's gets from the play log (sections 1.8 and 8, question 6)."""

    OWN_ROWS = "own_rows"
    EVERYTHING = "everything"
    DENIED = "denied"


@dataclass(slots=True, kw_only=True)
class PmsOptions:
    """Behaviour of one Plex Media Server; times in milliseconds, shares in percent."""

    version: str = "1.43.3.10896-cb3ebc72d"

    # rights (1.8)
    denied_status: Literal[401, 403] = 403
    non_owner_history: NonOwnerHistory = NonOwnerHistory.OWN_ROWS
    prefs_owner_only: bool = True
    sessions_owner_only: bool = True
    caches_tokens: bool = False
    """A revoked token keeps working on the server until `pms.forget_tokens()` (1.3)."""

    # listings (2.2, 2.5, 2.7)
    supports_guids: bool = True
    filter_needs_type: bool = False
    """True: a filter without `type` is 400. The reference calls type required; python-plexapi's
    `section.get(title)` sends none and works, so by default the section's own kind is meant."""
    unscoped_episode_filters_work: bool = True
    """False: `viewCount`, `unwatched` without `episode.` are falsely empty on `type=4`."""
    exclude_elements_drops_guids: bool = False
    max_container_size: int | None = None
    max_batch: int | None = None
    oversized_batch_status: int = 400
    unknown_batch_status: Literal[200, 404] = 404
    rows_repeat_section: bool = False
    unpaged_has_total: bool = False

    # play log (2.8)
    deleted_rows_have_empty_keys: bool = False

    # scrobble (2.9)
    scrobble_writes_history: bool = False
    scrobble_honours_viewed_at: bool = False
    marked_stays_in_continue_watching: bool = False

    # ratings (2.10)
    rate_minus_one: Clearing = Clearing.CLEAR
    rate_zero: Clearing = Clearing.CLEAR

    # resume (2.11)
    played_threshold: int = 90
    minimum_offset: int = 60_000
    timeline_marks_watched: bool = True
    timeline_writes_history: bool = True
    timeline_counts_once: bool = True
    timeline_offline_backdates: bool = False

    # stale reads: user state and play log as they were before the last N writes
    stale_writes: int = 0

    @classmethod
    def old_pms(cls) -> Self:
        """A server of 2021-2022: scrobble logs a play, non-owners are shut out with 401."""
        return cls(
            version="1.30.2.6563-3d4dc0cce",
            denied_status=401,
            non_owner_history=NonOwnerHistory.DENIED,
            scrobble_writes_history=True,
            marked_stays_in_continue_watching=True,
            unscoped_episode_filters_work=False,
        )


class ServerTokens(StrEnum):
    """Whose server tokens the owner reads at shared_servers (1.6 and 8, question 14)."""

    NONE = "none"
    HOME = "home"
    ALL = "all"


class Oversize(StrEnum):
    """What a watchlist page size above the maximum gets (8, question 12)."""

    REJECT = "reject"
    CLAMP = "clamp"
    SERVE = "serve"


@dataclass(slots=True, kw_only=True)
class CloudOptions:
    """Behaviour of the Plex cloud hosts."""

    # plex.tv (1.2 to 1.6)
    pin_lifetime: int = 1800
    short_pin_lifetime: int = 900
    pin_poll_interval: float = 0.0
    """Seconds between two polls of a PIN below which plex.tv answers 429 with code 1003; 0: never."""
    invalid_token_status: Literal[401, 498, 422] = 401
    switch_denied_status: Literal[401, 403] = 401
    shared_servers_tokens: ServerTokens = ServerTokens.HOME

    # watchlist (3.2, 3.3)
    watchlist_page_size: int = 20
    watchlist_max_size: int = 100
    watchlist_oversize: Oversize = Oversize.REJECT
    watchlist_etag: bool = True
    etag_survives_reordering: bool = False
    watchlist_show_guids: bool = True
    watchlist_rows_have_user_state: bool = False
    watchlist_stale_writes: int = 0
    """Serve the watchlist as it was before the last N writes."""

    # matches, search, hydrate (3.4, 3.5)
    matches_needs_type: bool = True
    matches_needs_title_for_plex_guid: bool = True
    matches_needs_title_always: bool = False
    matches_miss_status: Literal[200, 404] = 200
    metadata_batches: bool = False
    user_state_is_list: bool = False
