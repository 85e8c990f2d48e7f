"""From changes to rows of the server that are known to be the right ones, read right before writing."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ...sync.models import Change, Item, Outcome, OutcomeStatus
from .applying import outcome
from .cache import Libraries
from .client import PlexServerClient
from .library import SHOW_KEYS, TYPES, Catalogue, Row, Section, choose_sections, kind_of, read_sections
from .paging import Wire
from .resolving import NOT_IN_LIBRARY, Found, find, still
from .wire import text


@dataclass(frozen=True, slots=True)
class Target:
    """A change with what it is written to: the copies of the item, one for each state of its own."""

    change: Change
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """Changes that can be written, outcomes of those that can't, and everything read for that by key."""

    targets: tuple[Target, ...]
    outcomes: tuple[Outcome, ...]
    fresh: Mapping[str, Row]
    catalogue: Catalogue


type Also = Callable[[Catalogue, Collection[str]], Collection[str]]
"""Further keys to read along with those of the targets."""


def nothing_else(_catalogue: Catalogue, _keys: Collection[str]) -> Collection[str]:
    """Read along nothing."""
    return ()


async def prepare(
    client: PlexServerClient,
    cache: Libraries,
    libraries: frozenset[str],
    changes: Sequence[Change],
    also: Also = nothing_else,
) -> Prepared:
    """Find what the changes are about, by ids only, and read it again.

    A key that names another item by now is looked up once more in a library read anew.
    """
    sections = choose_sections(await read_sections(client), libraries)
    catalogue, found = await _find(client, cache, sections, changes)
    fresh = await _reread(client, catalogue, found, also)
    if stale := _stale(found, fresh):
        for section in {row.section for row in stale}:
            cache.forget(section)
        catalogue, found = await _find(client, cache, sections, changes)
        fresh = await _reread(client, catalogue, found, also)
        stale = _stale(found, fresh)
        fresh = {key: row for key, row in fresh.items() if key not in {row.key for row in stale}}
    targets: list[Target] = []
    outcomes: list[Outcome] = []
    for change, result in zip(changes, found, strict=True):
        found_again = (fresh.get(row.key) for row in result.one_per_guid())
        rows = Found(tuple(row for row in found_again if row is not None)).one_per_guid()
        if rows:
            targets.append(Target(change, rows))
        else:
            reason = result.reason or NOT_IN_LIBRARY
            outcomes.append(outcome(change, OutcomeStatus.UNRESOLVED, reason))
    return Prepared(tuple(targets), tuple(outcomes), fresh, catalogue)


async def _find(
    client: PlexServerClient, cache: Libraries, sections: Sequence[Section], changes: Sequence[Change]
) -> tuple[Catalogue, list[Found]]:
    catalogue = await cache.catalogue(client, sections)
    items: list[Item] = [change.entry.item for change in changes]
    return catalogue, await asyncio.to_thread(lambda: [find(catalogue, item) for item in items])


async def _reread(
    client: PlexServerClient, catalogue: Catalogue, found: Sequence[Found], also: Also
) -> Mapping[str, Row]:
    keys = {row.key for result in found for row in result.one_per_guid()}
    # the first look at a catalogue of 100,000 items takes longer than the event loop may wait
    more = await asyncio.to_thread(also, catalogue, keys)
    return await read_rows(client, catalogue, sorted(keys.union(more)))


async def read_rows(client: PlexServerClient, catalogue: Catalogue, keys: Sequence[str]) -> dict[str, Row]:
    """Return these items as they are now, by key. What is gone is not among them."""
    found = [row for row in await client.batch(keys) if text(row, "type") in TYPES]
    built = [fresh_row(row, catalogue) for row in found]
    return {row.key: row for row in built}


def fresh_row(row: Wire, catalogue: Catalogue) -> Row:
    """Build a row of an item that was asked for in full."""
    kind = kind_of(row)
    show_key = text(row, SHOW_KEYS[kind]) if kind in SHOW_KEYS else None
    shows = (
        {show_key: catalogue.rows[show_key]} if show_key is not None and show_key in catalogue.rows else {}
    )
    return Row.from_row(row, text(row, "librarySectionID") or "", shows)


def _stale(found: Sequence[Found], fresh: Mapping[str, Row]) -> list[Row]:
    """Rows of the catalogue that the server does not have like that any more."""
    return [
        row
        for result in found
        for row in result.one_per_guid()
        if row.key not in fresh or not still(row, fresh[row.key])
    ]
