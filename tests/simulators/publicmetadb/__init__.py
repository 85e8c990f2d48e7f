"""A stand-in for PublicMetaDB that follows the API reference, section 12."""

from .clock import ManualClock
from .dates import DateStyle
from .quirks import Kind, Quirk
from .rows import Contents, ItemRow, ListRow, RatingRow, ResumeRow, WatchedRow
from .server import API, PublicMetaDBSimulator
from .settings import (
    CompletedPlay,
    Duplicate,
    Envelope,
    Fraction,
    ListReference,
    MovieNumbers,
    NumberStyle,
    Order,
    Ownership,
    RetryAfter,
    Settings,
)
from .state import User

__all__ = [
    "API",
    "CompletedPlay",
    "Contents",
    "DateStyle",
    "Duplicate",
    "Envelope",
    "Fraction",
    "ItemRow",
    "Kind",
    "ListReference",
    "ListRow",
    "ManualClock",
    "MovieNumbers",
    "NumberStyle",
    "Order",
    "Ownership",
    "PublicMetaDBSimulator",
    "Quirk",
    "RatingRow",
    "ResumeRow",
    "RetryAfter",
    "Settings",
    "User",
    "WatchedRow",
]
