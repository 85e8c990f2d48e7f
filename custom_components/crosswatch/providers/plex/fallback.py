"""The experimental GUID fallback: ids for what the server can't tell any more (adapter document; 4.8).

For plays of deleted items and rated items without external ids. First the metadata service by the item's
own guid, for an episode its show as well; as the last resort Discover by title and year, where exactly one
title may be meant. What was found, and what was not, is remembered in `plex_fallback_memo.json`; deleting
that file has everything looked for again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
import logging
from pathlib import Path
from typing import Any, Final
import unicodedata

from ...sync.models import NO_IDS, Ids, Item, Kind
from ...sync.provider import AuthError, NotFoundError, ProviderError, RateLimitedError, StateFileError
from .client import DiscoverClient
from .guids import has_external, parse
from .library import external_guids
from .listing import guid_key, plex_key
from .paging import Wire
from .statefile import StateFile
from .wire import mapping, number, rows, text

LOGGER = logging.getLogger(__name__)

NO_HIT: Final = "__NOHIT__"
MEMO: Final = "plex_fallback_memo.json"
EXTERNAL: Final = "external"
SEARCH_TYPES: Final = {Kind.MOVIE: "movies", Kind.SHOW: "tv"}
YEARS_APART: Final = 1
AT_ONCE: Final = 4

type Memory = dict[str, dict[str, Any] | str]


def needs_ids(item: Item) -> bool:
    """Whether no other service could tell what this is."""
    if has_external(item.ids):
        return False
    placed = item.season is not None and (item.kind is Kind.SEASON or item.episode is not None)
    return not (placed and has_external(item.show_ids))


def memo_key(item: Item, server: str) -> str:
    """Key of an item in the memo. Same-titled films have different keys by guid, year and server."""
    chain = (item.ids.guid, item.show_ids.guid)
    if item.kind in (Kind.EPISODE, Kind.SEASON):
        parts: tuple[object, ...] = (
            "ep" if item.kind is Kind.EPISODE else "season",
            *chain,
            f"s{item.season}",
            f"e{item.episode}",
            item.show_title,
            item.title,
        )
    else:
        parts = (item.kind, *chain, item.title)
    year = f"y{item.year}" if item.year is not None else None
    key = "|".join(str(part).lower() for part in ("k2", server, *parts, year) if part not in (None, ""))
    return storable(key)


def storable(text: str) -> str:
    """Return a text that can be stored: a service may have cut it in the middle of a character."""
    return text.encode("utf-8", "replace").decode()


class Fallback:
    """Finds ids, and remembers."""

    def __init__(self, client: DiscoverClient, folder: Path | None, *, query_limit: int) -> None:
        """Without a folder the memo is kept in memory only. `query_limit`: answers of a search that count."""
        self._client = client
        self._file = None if folder is None else StateFile(folder / MEMO)
        self._query_limit = query_limit
        self._memo: Memory = {}
        self._news: Memory = {}
        self._turn = asyncio.Lock()

    async def recover(self, items: Iterable[Item], server: str) -> Mapping[Item, Item]:
        """Return better items for those of `items` that need ids and have some now.

        Trouble leaves items as they are and is tried again by the next read.
        """
        async with self._turn:
            await self._load()
            search = _Search(self._client, self._query_limit)
            wanted = {memo_key(item, server): item for item in items if needs_ids(item)}
            unknown = [(key, item) for key, item in wanted.items() if key not in self._memo]
            limit = asyncio.Semaphore(AT_ONCE)

            async def look(key: str, item: Item) -> None:
                async with limit:
                    if search.tired:
                        return
                    try:
                        found = await search.find(item)
                    except (AuthError, RateLimitedError) as err:
                        search.tired = True
                        LOGGER.warning("The GUID fallback stops for now (%s)", err)
                    except ProviderError as err:
                        LOGGER.debug("GUID fallback: %s", err)
                    else:
                        self._news[key] = NO_HIT if found is None else _as_json(found)
                        self._memo[key] = self._news[key]

            try:
                async with asyncio.TaskGroup() as group:
                    for key, item in unknown:
                        group.create_task(look(key, item))
            finally:
                await self._save()
            better = {item: _from_json(self._memo.get(key), item) for key, item in wanted.items()}
            return {item: found for item, found in better.items() if found is not None}

    async def _load(self) -> None:
        if self._file is None or not await asyncio.to_thread(self._file.changed):
            return
        self._memo = await asyncio.to_thread(_read, self._file)
        self._news.clear()

    async def _save(self) -> None:
        if self._file is None or not self._news:
            return
        try:
            self._memo = await asyncio.to_thread(_write, self._file, self._memo, self._news)
        except StateFileError as err:
            # nothing is lost but the time to look again
            LOGGER.warning("%s", err)
        else:
            self._news.clear()


@dataclass(slots=True)
class _Search:
    """The look-ups of one read; each show is looked for once."""

    client: DiscoverClient
    query_limit: int
    tired: bool = False
    _shows: dict[Item, asyncio.Task[Ids]] = field(default_factory=dict)

    async def find(self, item: Item) -> Item | None:
        """Return the item with ids, None if there are none to be found."""
        own, show = await self._by_guid(item)
        if item.kind in (Kind.EPISODE, Kind.SEASON) and not has_external(show):
            show = await self._show(item)
        if item.kind in (Kind.MOVIE, Kind.SHOW) and not has_external(own):
            own = await self._by_title(item)
        better = replace(item, ids=_joined(item.ids, own), show_ids=_joined(item.show_ids, show))
        return None if needs_ids(better) else better

    async def _by_guid(self, item: Item) -> tuple[Ids, Ids]:
        """Ask the metadata service by the item's guid: its ids, and those of the show it names."""
        row = await self._row(guid_key(item.kind, item.ids.guid))
        if row is None or text(row, "type") != item.kind:
            return NO_IDS, NO_IDS
        above = text(row, "grandparentRatingKey" if item.kind is Kind.EPISODE else "parentRatingKey")
        show = await self._row(plex_key(above)) if item.kind in (Kind.EPISODE, Kind.SEASON) else None
        return _ids(row, item.kind), NO_IDS if show is None else _ids(show, Kind.SHOW)

    async def _show(self, item: Item) -> Ids:
        """Return the ids of the show an episode belongs to: by its guid, else by title."""
        show = Item(kind=Kind.SHOW, ids=item.show_ids, title=item.show_title)
        if show not in self._shows:
            self._shows[show] = asyncio.ensure_future(self._show_ids(show))
        return await self._shows[show]

    async def _show_ids(self, show: Item) -> Ids:
        own, _ = await self._by_guid(show)
        return own if has_external(own) else await self._by_title(show)

    async def _row(self, key: str | None) -> Wire | None:
        if key is None:
            return None
        try:
            return await self.client.item(key)
        except NotFoundError:
            return None  # a retired title

    async def _by_title(self, item: Item) -> Ids:
        """Search by title and year; only if exactly one title may be meant."""
        if not item.title:
            return NO_IDS
        found = await self.client.search(
            {
                "query": item.title,
                "limit": self.query_limit,
                "searchTypes": SEARCH_TYPES[item.kind],
                "searchProviders": "discover",
                "includeMetadata": 1,
            }
        )
        buckets = [each for each in rows(found.get("SearchResults")) if text(each, "id") == EXTERNAL]
        hits = [mapping(hit.get("Metadata")) for each in buckets for hit in rows(each.get("SearchResult"))]
        keys = {
            key
            for hit in hits[: self.query_limit]
            if _fits(hit, item) and (key := plex_key(text(hit, "ratingKey"))) is not None
        }
        # two titles of one name: without a year nobody knows which
        row = await self._row(keys.pop()) if len(keys) == 1 else None
        return NO_IDS if row is None else _ids(row, item.kind)


def _fits(hit: Wire, item: Item) -> bool:
    if text(hit, "type") != item.kind or _plain(text(hit, "title")) != _plain(item.title):
        return False
    year = number(hit, "year")
    return item.year is None or (year is not None and abs(year - item.year) <= YEARS_APART)


def _plain(title: str | None) -> str:
    """Return a title without accents, case, brackets' content left alone, and punctuation."""
    bare = unicodedata.normalize("NFKD", title or "").replace("&", " and ")
    kept = "".join(char if char.isalnum() else " " for char in bare if not unicodedata.combining(char))
    return " ".join(kept.casefold().split())


def _ids(row: Wire, kind: Kind) -> Ids:
    return parse(kind, None, external_guids(row)).own


def _joined(known: Ids, found: Ids) -> Ids:
    return replace(found, guid=known.guid) if has_external(found) else known


def _as_json(item: Item) -> dict[str, Any]:
    return {
        "type": str(item.kind),
        "title": None if item.title is None else storable(item.title),
        "year": item.year,
        "ids": _ids_json(item.ids),
        "show_ids": _ids_json(item.show_ids),
        "season": item.season,
        "episode": item.episode,
        "series_title": None if item.show_title is None else storable(item.show_title),
    }


def _ids_json(ids: Ids) -> dict[str, str]:
    return dict(token.split(":", 1) for token in ids.tokens())


def _from_json(value: object, item: Item) -> Item | None:
    """Return the item with the ids of the memo; None for `__NOHIT__` and for what can't be read."""
    if not isinstance(value, dict) or value.get("type") != item.kind:
        return None
    ids = _ids_from_json(value.get("ids"), item.ids)
    show_ids = _ids_from_json(value.get("show_ids"), item.show_ids)
    better = replace(item, ids=ids, show_ids=show_ids)
    return None if needs_ids(better) else better


def _ids_from_json(value: object, known: Ids) -> Ids:
    if not isinstance(value, dict):
        return known
    guids = [f"{source}://{number}" for source, number in value.items() if source != "guid"]
    return _joined(known, parse(Kind.MOVIE, None, guids).own)


def _read(file: StateFile) -> Memory:
    try:
        data = file.read()
    except (OSError, ValueError) as err:
        LOGGER.warning("Memo %s can't be read (%s)", file.path.name, type(err).__name__)
        return {}
    if not isinstance(data, dict):
        return {}
    return {key: value for key, value in data.items() if isinstance(value, dict) or value == NO_HIT}


def _write(file: StateFile, known: Memory, news: Memory) -> Memory:
    """Add what is new; another account may have written meanwhile, or a user deleted the file."""
    memo = (_read(file) if file.changed() else known) | news
    file.write(memo)
    return memo
