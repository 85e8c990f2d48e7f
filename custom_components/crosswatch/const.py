"""Constants of the CrossWatch integration."""

from datetime import timedelta
from enum import StrEnum
import logging
from typing import Final

from .sync.models import Feature

DOMAIN: Final = "crosswatch"
LOGGER: Final = logging.getLogger(__package__)

CONF_KIND: Final = "kind"
CONF_PROVIDER: Final = "provider"

# data of an account entry
CONF_ACCOUNT: Final = "account"
CONF_BASE_URL: Final = "base_url"
CONF_LISTS: Final = "lists"
CONF_FALLBACK_SINCE: Final = "fallback_since"
"""Since when the experimental GUID fallback is on, epoch seconds."""

# data of a pair entry: unique ids of two account entries, and where changes may travel
CONF_SOURCE: Final = "source"
CONF_TARGET: Final = "target"
CONF_DIRECTION: Final = "direction"
CONF_PAUSED: Final = "paused"
"""Whether the automatic runs are switched off. Not an option: a switch changes it, and nothing reloads."""

# options of a pair entry
CONF_FEATURES: Final = "features"
CONF_INTERVAL: Final = "interval"
CONF_WATCHLIST_NAME: Final = "watchlist_name"
CONF_RATINGS_LABEL: Final = "ratings_label"
PAIR_LIBRARIES: Final = {
    "history_libraries": Feature.HISTORY,
    "ratings_libraries": Feature.RATINGS,
    "progress_libraries": Feature.PROGRESS,
}
"""Options that narrow a feature of a pair to libraries."""

DEFAULT_INTERVAL: Final = 60
"""Minutes between two automatic runs."""
SHORTEST_INTERVAL: Final = 5
LONGEST_INTERVAL: Final = 7 * 24 * 60

OPTION_FALLBACK: Final = "fallback_GUID"
OPTION_MARKED_WATCHED: Final = "history.include_marked_watched"
"""Documented names of two options of a Plex account that need attention of their own."""

FALLBACK_LONG: Final = timedelta(days=7)
"""How long the GUID fallback may be on before somebody is told: it is meant for one run."""

OVERDUE_DELAY: Final = timedelta(minutes=1)
"""How long after the start an overdue run waits, so that a start is never slowed down by it."""

STATE_FOLDER: Final = ".cw_state"
EXPORT_FOLDER: Final = "export"
"""Folder in it for what somebody wanted to take along."""

MODEL_ACCOUNT: Final = "Account"
MODEL_PAIR: Final = "Sync pair"
"""What the devices are; actions, blueprints and the card find the pairs by it."""

LIMIT_NO_SERVER: Final = "no_server"
"""A Plex account without a media server; the other limits are the provider's."""

STATUS_NEVER_RUN: Final = "never_run"
STATUS_RUNNING: Final = "running"


class EntryKind(StrEnum):
    """What a config entry stands for."""

    ACCOUNT = "account"
    PAIR = "pair"


class Trigger(StrEnum):
    """Who asked for a run."""

    SCHEDULE = "schedule"
    BUTTON = "button"
    ACTION = "action"
    APPROVAL = "approval"


class IssueKind(StrEnum):
    """What is reported as a repair issue."""

    ACCOUNT_MISSING = "account_missing"
    FALLBACK_LONG = "fallback_long"
    LIBRARY_GONE = "library_gone"
    NEEDS_ID = "needs_id"
    PLAN_HELD = "plan_held"
    STATE_FULL = "state_full"
    STATE_READ_ONLY = "state_read_only"
    STATE_DAMAGED = "state_damaged"
    STATE_NEWER = "state_newer"
    STATE_ERROR = "state_error"


class ProviderName(StrEnum):
    """A service an account can be at."""

    PLEX = "plex"
    PUBLICMETADB = "publicmetadb"
