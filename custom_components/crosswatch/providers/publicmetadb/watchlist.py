"""The watchlist: movies and shows on one list of the account (API reference 3.2, 3.3, 5.1)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from ...sync.models import Action, Change, Ids, Kind, Outcome, OutcomeStatus, WatchlistEntry
from ...sync.provider import (
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    RefusedError,
    UncertainWriteError,
)
from . import lists
from .applying import Write
from .client import PublicMetaDBClient
from .naming import body_of, item_key
from .refusals import MISSING_REMOTE_ITEM_ID, MISSING_WATCHLIST_LIST
from .removing import Removals
from .settings import PublicMetaDBSettings
from .shadow import Shadow, ShadowFile
from .wire import Row, media_type, moment, row_id, title_of, tmdb_id

MOST_PAGES = 10_000
ALREADY_LISTED = "already_listed"


class ListError(ProviderError):
    """The list may have been created: only a later look can tell, and nothing may be created until then."""


def entry_of(row: Row) -> WatchlistEntry | None:
    """Return the entry of a row; None for what no watchlist holds and for a row without a TMDb id."""
    tmdb = tmdb_id(row)
    kind = {"movie": Kind.MOVIE, "tv": Kind.SHOW}.get(media_type(row))
    if tmdb is None or kind is None:
        return None
    return WatchlistEntry(
        item=title_of(row, kind, Ids(tmdb=tmdb)), listed_at=_listed_at(row), remote_id=row_id(row)
    )


def _listed_at(row: Row) -> int | None:
    try:
        return moment(row.get("created") or row.get("added_at"))
    except BadAnswerError:
        # listed at no time that is known
        return None


class Watchlist:
    """Reads and writes the watchlist of one account; which list that is, each pair may name."""

    def __init__(self, client: PublicMetaDBClient, settings: PublicMetaDBSettings) -> None:
        """Nothing is sent yet."""
        self._client = client
        self._settings = settings
        self._seen: dict[ShadowFile, str | None] = {}
        """The list that the last read of a pair found."""
        self._unplanned: dict[ShadowFile, frozenset[str]] = {}
        """Keys on a list that only turned up after that read."""
        self._one_at_a_time = asyncio.Lock()

    async def read(self, file: ShadowFile, name: str) -> tuple[str | None, list[WatchlistEntry]]:
        """Return the list and all its entries, complete, or raise. Without a list: None and nothing.

        Never creates a list (API reference W4).
        """
        self._seen.pop(file, None)
        self._unplanned.pop(file, None)
        list_id, entries = await self._find(file, name)
        self._seen[file] = list_id
        return list_id, entries

    @staticmethod
    async def shadow_of(entries: list[WatchlistEntry], list_id: str | None, name: str) -> Shadow:
        """Return the shadow of a complete read."""
        pairs = ((item_key(entry.item), entry.remote_id) for entry in entries)
        return await asyncio.to_thread(Shadow.from_pairs, pairs, list_id, name)

    @asynccontextmanager
    async def writing(self, file: ShadowFile, name: str, changes: Sequence[Change]) -> AsyncGenerator[Write]:
        """Prepare for the changes; the result carries out one of them."""
        target: dict[bool, asyncio.Task[str | None]] = {}

        async def list_for(action: Action) -> str | None:
            # looked for once, and created only for something to be put on it
            adding = action is Action.ADD
            if adding not in target:
                target[adding] = asyncio.create_task(self._target(file, name, create=adding))
            return await asyncio.shield(target[adding])

        async def known() -> Shadow:
            shadow = await file.load()
            return shadow if shadow.list_id == await list_for(Action.REMOVE) else Shadow()

        async def reread() -> Shadow:
            list_id = await list_for(Action.REMOVE)
            if list_id is None:
                return Shadow()
            found = await self.shadow_of(await self._entries(list_id), list_id, name)
            await file.replace(found)
            return found

        async def delete(row: str) -> bool:
            return await self._client.delete(("lists", await list_for(Action.REMOVE) or "", "items", row))

        removals = Removals(
            file=file,
            key_of=lambda change: item_key(change.entry.item),
            known=known,
            reread=reread,
            delete=delete,
            missing=MISSING_REMOTE_ITEM_ID,
        )

        async def write(change: Change) -> Outcome:
            list_id = await list_for(change.action)
            if list_id is None:
                return Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=MISSING_WATCHLIST_LIST)
            if change.action is Action.REMOVE:
                # two rows of one title are one entry
                return await removals.remove(change, only=False)
            return await self._add(change, list_id, file)

        try:
            await removals.prepare(changes)
            yield write
        finally:
            for task in target.values():
                task.cancel()
            await asyncio.gather(*target.values(), return_exceptions=True)

    # --- one list -------------------------------------------------------------------------------

    async def _entries(self, list_id: str) -> list[WatchlistEntry]:
        return await self._client.read(
            ("lists", list_id, "items"),
            entry_of,
            per_page=self._settings.watchlist_page_size,
            max_pages=MOST_PAGES,
        )

    async def _add(self, change: Change, list_id: str, file: ShadowFile) -> Outcome:
        key = item_key(change.entry.item)
        if key in self._unplanned.get(file, ()):
            return Outcome(change=change, status=OutcomeStatus.ALREADY, reason=ALREADY_LISTED)
        try:
            row = row_id(await self._client.create(("lists", list_id, "items"), body_of(change.entry.item)))
        except NotFoundError:
            # the list is gone: look for it again next time
            self._seen.pop(file, None)
            raise
        if row is not None:
            file.add(key, row)
        return Outcome(change=change, status=OutcomeStatus.APPLIED, remote_id=row)

    # --- which list -----------------------------------------------------------------------------

    async def _find(self, file: ShadowFile, name: str) -> tuple[str | None, list[WatchlistEntry]]:
        """Choose the list in the order of the adapter document, and read it."""
        if configured := self._settings.watchlist_list_id:
            return configured, await self._entries(configured)
        if chosen := lists.choose(await lists.read_lists(self._client), name):
            return chosen, await self._entries(chosen)
        # before a list is thought missing: the one used so far under this name may have been renamed, or
        # the answer may have been wrong
        shadow = await file.load()
        if shadow.list_id is None or shadow.list_name != name:
            return None, []
        try:
            return shadow.list_id, await self._entries(shadow.list_id)
        except NotFoundError:
            return None, []

    async def _target(self, file: ShadowFile, name: str, *, create: bool) -> str | None:
        """Return the list to write to: the one the last read found, else one found or created now."""
        async with self._one_at_a_time:
            if (seen := self._seen.get(file)) is not None:
                return seen
            list_id, entries = await self._find(file, name)
            if list_id is not None:
                # the plan was made without knowing what is on it
                self._unplanned[file] = frozenset(item_key(entry.item) for entry in entries)
            elif create and self._settings.watchlist_auto_create:
                list_id = await self._create(name)
            if list_id is not None:
                self._seen[file] = list_id
                file.use_list(list_id, name)
            return list_id

    async def _create(self, name: str) -> str | None:
        """Create the list. Only ever called after a complete look-up found none (API reference W2)."""
        list_id: str | None = None
        try:
            list_id = await lists.create(self._client, name)
        except UncertainWriteError as err:
            raise ListError(
                f"{err}: the watchlist may have been created, the next run looks for it"
            ) from None
        except RefusedError, ForbiddenError, BadAnswerError:
            # 409: somebody else was faster. Otherwise there is none, which every add then tells
            return lists.choose(await lists.read_lists(self._client), name)
        if list_id is None:
            list_id = lists.choose(await lists.read_lists(self._client), name)
        if list_id is None:
            raise ListError("created a watchlist that can't be found yet, the next run looks for it")
        return list_id
