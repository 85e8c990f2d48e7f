"""PublicMetaDB: watchlist, history, ratings and resume positions of one account."""

from .client import PublicMetaDBClient
from .pacing import Pacers, account_id
from .provider import PublicMetaDBProvider
from .quota import Bucket
from .settings import DEFAULT_BASE_URL, KEYS, PublicMetaDBSettings

__all__ = [
    "DEFAULT_BASE_URL",
    "KEYS",
    "Bucket",
    "Pacers",
    "PublicMetaDBClient",
    "PublicMetaDBProvider",
    "PublicMetaDBSettings",
    "account_id",
]
