"""Which list is the watchlist."""

from collections.abc import Sequence
from dataclasses import dataclass

from .client import PublicMetaDBClient
from .settings import MOST_PER_PAGE
from .wire import Row, row_id, text

COMMON_NAMES = frozenset({"crosswatch", "crosswatch watchlist", "watchlist"})
"""Fallback names (adapter document, step 4; API reference 5.1)."""
DESCRIPTION = "Managed by CrossWatch"
MOST_PAGES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteList:
    """A list of the account (API reference 3.2)."""

    id: str
    name: str
    type: str

    @classmethod
    def from_row(cls, row: Row) -> RemoteList | None:
        """Read a row; one without an id can't be used."""
        list_id = row_id(row)
        if list_id is None:
            return None
        return cls(id=list_id, name=text(row, "name") or "", type=text(row, "type") or "")


async def read_lists(client: PublicMetaDBClient) -> list[RemoteList]:
    """Return all lists of the account, over all pages, or raise."""
    return await client.read(("lists",), RemoteList.from_row, per_page=MOST_PER_PAGE, max_pages=MOST_PAGES)


def choose(lists: Sequence[RemoteList], name: str) -> str | None:
    """Return the id of the watchlist among the lists: steps 2 to 4 of the adapter document, in their order.

    The name is compared trimmed and without regard to case; a list of that name wins whatever its type.
    """
    wanted = _plain(name)
    rules = (
        lambda one: _plain(one.name) == wanted,
        lambda one: one.type == "watchlist",
        lambda one: _plain(one.name) in COMMON_NAMES,
    )
    return next((one.id for rule in rules for one in lists if rule(one)), None)


async def create(client: PublicMetaDBClient, name: str) -> str | None:
    """Create the private watchlist and return its id where the answer tells it."""
    body = {"name": name, "description": DESCRIPTION, "is_public": False, "type": "watchlist"}
    return row_id(await client.create(("lists",), body))


def _plain(name: str) -> str:
    return name.strip().casefold()
