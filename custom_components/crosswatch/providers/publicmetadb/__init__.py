"""PublicMetaDB: watchlist and history of one account."""

from .client import PublicMetaDBClient
from .pacing import Pacers, account_id
from .settings import DEFAULT_BASE_URL, PublicMetaDBSettings

__all__ = ["DEFAULT_BASE_URL", "Pacers", "PublicMetaDBClient", "PublicMetaDBSettings", "account_id"]
