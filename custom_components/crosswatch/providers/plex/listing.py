"""Writing the watchlist: from ids to a key of Discover, then one request (API reference 3.3, 3.4).

Ids decide and titles never do: whatever a look-up answers has to carry the wanted id itself.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
import re
from typing import Final

from ...sync.models import NO_IDS, Action, Change, Ids, Item, Kind, Outcome, OutcomeStatus, WatchlistEntry
from ...sync.provider import NotFoundError, ProviderError, RefusedError, UnreachableError
from ..http import Pacer
from .applying import Job, outcome
from .client import DiscoverClient
from .guids import parse
from .library import TYPES, Row, external_guids
from .paging import Wire
from .resolving import AMBIGUOUS, contradict
from .wire import text

NOT_FOUND: Final = "not_found"
ACTIONS: Final = {Action.ADD: "actions/addToWatchlist", Action.REMOVE: "actions/removeFromWatchlist"}
SOURCES: Final = ("tmdb", "imdb", "tvdb")

_KEY: Final = re.compile(r"[0-9a-f]{24}")

type FindInLibrary = Callable[[Item], Awaitable[Sequence[Row]]]
"""Finds an item among the user's own libraries, by ids only."""


@dataclass(frozen=True, slots=True)
class Key:
    """A Discover key, or the reason why there is none. `proven`: it was looked up just now."""

    key: str | None = None
    reason: str | None = None
    proven: bool = False


class KnownKeys:
    """Remembers which title of Discover an id means. Such keys are for good; a 404 has them looked up."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._keys: dict[tuple[Kind, str], str] = {}

    def get(self, item: Item) -> str | None:
        """Return the key all known ids of the item agree on."""
        found = {self._keys.get((item.kind, token)) for token in _external(item.ids)} - {None}
        return found.pop() if len(found) == 1 else None

    def learn(self, kind: Kind, ids: Ids, key: str) -> None:
        """Remember which ids a title of Discover carries."""
        for token in _external(ids):
            self._keys[kind, token] = key

    def forget(self, key: str) -> None:
        """Drop a key that leads nowhere."""
        self._keys = {token: known for token, known in self._keys.items() if known != key}


class WatchlistWriter:
    """Adds to and removes from the watchlist of one account."""

    def __init__(self, client: DiscoverClient, known: KnownKeys, *, query_limit: int, delay_ms: int) -> None:
        """`query_limit` is how many answers of a look-up count, `delay_ms` the pause between two writes."""
        self._client = client
        self._known = known
        self._query_limit = query_limit
        self._pace = Pacer(1000 / delay_ms if delay_ms else 0)

    def jobs(self, changes: Iterable[Change], find: FindInLibrary | None) -> list[Job]:
        """Return what is to be sent. `find` is the way over the user's libraries, where that is allowed."""
        return [self._job(change, find) for change in changes]

    def _job(self, change: Change, find: FindInLibrary | None) -> Job:
        async def write() -> Sequence[Outcome]:
            return [await self._write(change, find)]

        return Job((change,), write)

    async def _write(self, change: Change, find: FindInLibrary | None) -> Outcome:
        item = change.entry.item
        found = self._at_hand(change) or await self._look_up(item, find)
        if found.key is None:
            return outcome(change, OutcomeStatus.UNRESOLVED, found.reason)
        try:
            await self._put(change.action, found.key)
        except NotFoundError:
            # never "already done": the key is wrong (API reference 3.3)
            self._known.forget(found.key)
            if found.proven:
                return outcome(change, OutcomeStatus.UNRESOLVED, NOT_FOUND)
            again = await self._look_up(item, find)
            if again.key is None or again.key == found.key:
                return outcome(change, OutcomeStatus.UNRESOLVED, again.reason or NOT_FOUND)
            found = again
            await self._put(change.action, again.key)
        return outcome(change, OutcomeStatus.APPLIED, key=found.key)

    async def _put(self, action: Action, key: str) -> None:
        await self._pace.wait()
        await self._client.put(ACTIONS[action], {"ratingKey": key})

    def _at_hand(self, change: Change) -> Key | None:
        """Return a key that needs no look-up: of the listed entry itself, of the guid, or remembered."""
        item, before = change.entry.item, change.before
        if isinstance(before, WatchlistEntry) and (key := plex_key(before.remote_id)):
            return Key(key)
        key = guid_key(item.kind, item.ids.guid) or self._known.get(item)
        return None if key is None else Key(key)

    async def _look_up(self, item: Item, find: FindInLibrary | None) -> Key:
        """Ask Discover by one id after the other; then, where that is allowed, the user's libraries."""
        doubted = False
        for token in _external(item.ids):
            found: dict[str, Ids] = {}
            for match, ids in await self._matches(item, token):
                if contradict(item.ids, ids):
                    doubted = True
                else:
                    found[match] = ids
            if len(found) > 1:
                return Key(reason=AMBIGUOUS)
            for only, ids in found.items():
                self._known.learn(item.kind, ids, only)
                return Key(only, proven=True)
        if find is not None:
            try:
                rows = await find(item)
            except ProviderError:
                # nobody knows then whether the libraries would have helped; the watchlist itself is fine
                raise UnreachableError("the media server can't be asked") from None
            keys = {key for row in rows if (key := guid_key(item.kind, row.guid)) is not None}
            if len(keys) == 1:
                return Key(keys.pop(), proven=True)
            doubted |= bool(keys)
        return Key(reason=AMBIGUOUS if doubted else NOT_FOUND)

    async def _matches(self, item: Item, token: str) -> list[tuple[str, Ids]]:
        """Return the titles of Discover that carry an id, each with all its ids (API reference 3.4)."""
        source, value = token.split(":", 1)
        params: dict[str, str | int] = {
            "type": TYPES[item.kind],
            "guid": f"{source}://{value}",
            "includeGuids": 1,
        }
        try:
            answers = await self._ask(params)
        except RefusedError:
            if item.title is None:
                raise
            # some want the title as well; the answer is checked by id all the same
            answers = await self._ask(params | {"title": item.title})
        found = [await self._title(row, item.kind) for row in answers]
        return [(key, ids) for key, ids in found if key is not None and token in ids.tokens()]

    async def _ask(self, params: dict[str, str | int]) -> list[Wire]:
        try:
            found = await self._client.metadata("library/metadata/matches", params)
        except NotFoundError:
            return []
        return found[: self._query_limit]

    async def _title(self, row: Wire, kind: Kind) -> tuple[str | None, Ids]:
        """Return key and ids of an answer; an answer without ids is looked up to have them."""
        key = plex_key(text(row, "ratingKey"))
        if key is None or text(row, "type") != kind:
            return None, NO_IDS
        ids = _ids(row, kind)
        if not ids:
            try:
                ids = _ids(await self._client.item(key), kind)
            except NotFoundError:
                return None, NO_IDS
        return key, ids


def plex_key(text: str | None) -> str | None:
    """Return a key of Discover, which is 24 hexadecimal digits; None for anything else."""
    return text if text is not None and _KEY.fullmatch(text) else None


def guid_key(kind: Kind, guid: str | None) -> str | None:
    """Return the key at the end of a `plex://` guid of this kind (API reference 3.1)."""
    start = f"plex://{kind}/"
    return plex_key(guid.removeprefix(start)) if guid is not None and guid.startswith(start) else None


def _external(ids: Ids) -> tuple[str, ...]:
    return tuple(token for token in ids.tokens() if token.partition(":")[0] in SOURCES)


def _ids(row: Wire, kind: Kind) -> Ids:
    return parse(kind, None, external_guids(row)).own
