"""The watchlist of a plex.tv account, from Discover (API reference 3.2 and 3.5)."""

from collections.abc import Callable
from dataclasses import replace
import logging
import time
from typing import Final

from ...sync.models import NO_IDS, Ids, Item, Kind, WatchlistEntry
from ...sync.provider import AuthError, NotFoundError, ProviderError, RateLimitedError
from .client import DiscoverClient, rating_key
from .guids import has_external, parse
from .library import external_guids
from .paging import Wire
from .tasks import side_by_side
from .wire import number, rows, text

LOGGER = logging.getLogger(__name__)

PATH: Final = "library/sections/watchlist/all"
LOOK_AGAIN: Final = 24 * 3600.0
"""Seconds until a title without ids is looked up again: new titles get theirs later."""


def entry(row: Wire) -> WatchlistEntry | None:
    """Build from a row; None for what is neither movie nor show.

    `remote_id` is the Discover key. The date is not promised in the row (API reference 3.2).
    """
    kind = text(row, "type")
    if kind not in (Kind.MOVIE, Kind.SHOW):
        return None
    key = rating_key(row)
    guid = text(row, "guid") or f"plex://{kind}/{key}"
    return WatchlistEntry(
        item=Item(
            kind=Kind(kind),
            ids=parse(Kind(kind), guid, external_guids(row)).own,
            title=text(row, "title"),
            year=number(row, "year"),
        ),
        listed_at=listed_at(row),
        remote_id=key,
    )


def listed_at(row: Wire) -> int | None:
    """Date of the listing where the row tells it; `UserState` is an object or a list of one (3.6)."""
    state = row.get("UserState")
    states = rows(state if isinstance(state, list) else [state]) if state is not None else []
    found = (number(each, "watchlistedAt") for each in (row, *states))
    return next((at for at in found if at is not None), None)


class KnownIds:
    """Remembers what lookups found, by Discover key: ids are for good, their absence for a day."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._ids: dict[str, Ids] = {}
        self._missed: dict[str, float] = {}

    def get(self, key: str) -> Ids | None:
        """Ids found before, `NO_IDS` if there were none lately, None if it is time to look."""
        if key in self._ids:
            return self._ids[key]
        missed = self._missed.get(key)
        return None if missed is None or self._clock() - missed >= LOOK_AGAIN else NO_IDS

    def found(self, key: str, ids: Ids) -> None:
        """Keep what a lookup found."""
        if has_external(ids):
            self._ids[key] = ids
        else:
            self._missed[key] = self._clock()


async def read_watchlist(client: DiscoverClient, known: KnownIds) -> tuple[WatchlistEntry, ...]:
    """Read the whole list, newest first, or raise. Rows without external ids are looked up one by one."""
    listed = await client.pages(PATH, {"includeGuids": 1, "sort": "watchlistedAt:desc"}, entry)
    async with side_by_side() as group:
        tasks = [group.create_task(_with_ids(client, each, known)) for each in listed]
    return tuple(task.result() for task in tasks)


async def _with_ids(client: DiscoverClient, found: WatchlistEntry, known: KnownIds) -> WatchlistEntry:
    item, key = found.item, found.remote_id
    if has_external(item.ids) or key is None:
        return found
    ids = known.get(key)
    if ids is None:
        try:
            row = await client.item(key)
            ids = parse(item.kind, item.ids.guid, external_guids(row)).own
        except NotFoundError:
            ids = NO_IDS  # a retired title
        except AuthError, RateLimitedError:
            raise
        except ProviderError as err:
            # the guid identifies the title, so nothing is lost; next time it is asked again
            LOGGER.debug("No ids for a watchlist item: %s", err)
            return found
        known.found(key, ids)
    return replace(found, item=replace(item, ids=ids)) if has_external(ids) else found
