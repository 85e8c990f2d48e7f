"""The media server (PMS) and Plex Discover: complete listings and lookups, nothing about their meaning."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
import copy
from typing import Any, Final, Self

import aiohttp
from yarl import URL

from ...sync.collector import resting
from ...sync.provider import BadAnswerError, NotFoundError, RefusedError
from ..http import HttpClient, Response
from .hosts import PlexHosts
from .limits import HostLimit, Limits, ServerClock
from .paging import Page, Wire, read_all
from .tasks import side_by_side
from .wire import client_headers, mapping, required, rows

PAGE: Final = 1000
DISCOVER_PAGE: Final = 100
"""Discover refuses more than 100 rows a page (API reference 3.2)."""
PARALLEL: Final = 6
"""A server keeps its state in SQLite: more at once wait for each other (API reference 5.1)."""
BATCH: Final = 100
TOO_MUCH: Final = (400, 413, 414)
SMALL: Final = 32 * 1024
"""Bytes up to which an answer is parsed on the spot: a thread would take longer."""

type Params = Mapping[str, str | int]


def rating_key(row: Wire) -> str:
    """What tells the rows of a catalogue or a watchlist apart."""
    return required(row, "ratingKey")


class Parser:
    """Parses pages: big ones away from the event loop, and one at a time.

    Threads that all want the interpreter would keep the event loop from getting it.
    """

    def __init__(self) -> None:
        """Start idle."""
        self._turn = asyncio.Lock()

    async def parse[T](
        self, answer: Response, key: Callable[[Wire], str], convert: Callable[[Wire], T | None]
    ) -> Page[T]:
        """Parse a page."""
        body, total = answer.data, answer.headers.get("X-Plex-Container-Total-Size")

        def read() -> Page[T]:
            return Page.from_body(body, key, convert, total)

        if len(body) <= SMALL:
            return read()
        async with self._turn:
            return await asyncio.to_thread(resting, read)


def window(start: int, size: int) -> dict[str, int]:
    """Paging arguments. In the query, so that nothing on the way mistakes two pages for one."""
    return {"X-Plex-Container-Start": start, "X-Plex-Container-Size": size}


def container(data: Any) -> Wire:
    """Return the `MediaContainer` every answer is wrapped in."""
    answer = mapping(data)
    if "MediaContainer" not in answer:
        raise BadAnswerError("no MediaContainer")
    return mapping(answer["MediaContainer"])


class Trimming:
    """Whether to ask for rows without cast, artwork and the like, and whether ids survive it."""

    def __init__(self) -> None:
        """Trim until it proves wrong; see `library.py`."""
        self.on = True
        self.proven = False


class Batches:
    """Whether an answer to several keys leaves out the unknown ones, as far as that was seen.

    `known` is the key of an item that is there, to find it out with.
    """

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.known: str | None = None
        self.proven = False


class PlexServerClient:
    """One media server with one user's token for it; at most `parallel` requests at once.

    All clients of a server share its `limit`, which holds however many workers each of them has.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        uri: str,
        client_id: str,
        token: str,
        *,
        parallel: int = PARALLEL,
        limit: HostLimit | None = None,
        backoff: float = 0.5,
    ) -> None:
        """`backoff` is the wait in seconds before a second attempt."""
        self.uri = uri
        self.token = token
        self.trimming = Trimming()
        self.batches = Batches()
        self.clock = ServerClock()
        self._parser = Parser()
        self._host = shared = limit or HostLimit()
        self._workers = asyncio.Semaphore(parallel)
        self._http = HttpClient(
            session=session,
            base=URL(uri),
            headers=client_headers(client_id, token),
            timeout=60.0,
            backoff=backoff,
            # the server refuses with short HTML pages (API reference 2.1)
            challenges=False,
            pacer_for=lambda _method: shared.pacer,
        )

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._http.requests

    def with_workers(self, workers: int) -> Self:
        """Return a view of this client with another number of requests at once."""
        twin = copy.copy(self)
        twin._workers = asyncio.Semaphore(workers)  # noqa: SLF001 - a copy of ourselves
        return twin

    async def container(self, path: str, params: Params | None = None) -> Wire:
        """Return the container of a short listing that is not paged."""
        async with self._workers, self._host.slots:
            answer = await self._http.request("GET", path, params=params)
        self.clock.note(answer.headers)
        return container(answer.data)

    async def write(self, method: str, path: str, params: Params, *, repeatable: bool) -> int:
        """Send a write; return when it was answered, epoch seconds UTC by the server's clock.

        `repeatable` False: it may not be sent twice, see `HttpClient.request`.
        """
        async with self._workers, self._host.slots:
            answer = await self._http.request(method, path, params=params, repeatable=repeatable)
        return self.clock.note(answer.headers)

    async def page[T](
        self,
        path: str,
        params: Params,
        convert: Callable[[Wire], T | None],
        *,
        key: Callable[[Wire], str] = rating_key,
        start: int = 0,
        size: int = PAGE,
    ) -> Page[T]:
        """Read one page. `convert` may run in another thread."""
        async with self._workers:
            async with self._host.slots:
                answer = await self._http.request(
                    "GET", path, params={**params, **window(start, size)}, raw=True
                )
            self.clock.note(answer.headers)
            return await self._parser.parse(answer, key, convert)

    async def pages[T](
        self,
        path: str,
        params: Params,
        convert: Callable[[Wire], T | None],
        *,
        key: Callable[[Wire], str] = rating_key,
        size: int = PAGE,
    ) -> list[T]:
        """Read a whole listing, or raise. `convert` may run in another thread."""

        async def fetch(start: int, length: int, *, fresh: bool) -> Page[T]:  # noqa: ARG001 - all are
            return await self.page(path, params, convert, key=key, start=start, size=length)

        return await read_all(fetch, size)

    async def batch(self, keys: Sequence[str]) -> list[Wire]:
        """Return the metadata rows of these ratingKeys; unknown keys have none (API reference 2.7)."""
        parts = [keys[at : at + BATCH] for at in range(0, len(keys), BATCH)]
        async with side_by_side() as group:
            tasks = [group.create_task(self._batch(part)) for part in parts]
        return [row for task in tasks for row in task.result()]

    async def _batch(self, keys: Sequence[str]) -> list[Wire]:
        """Halve what the server refuses as a whole: no limit is documented."""
        try:
            found = await self._metadata(keys)
        except RefusedError as err:
            if err.status not in TOO_MUCH or len(keys) == 1:
                raise
            found = []
        else:
            if found or len(keys) == 1 or await self._leaves_out(keys[0]):
                return found
        middle = len(keys) // 2
        return await self._batch(keys[:middle]) + await self._batch(keys[middle:])

    async def _metadata(self, keys: Sequence[str]) -> list[Wire]:
        """Return the rows of these keys; none for a 404: all of them are unknown, or one of them is."""
        try:
            answer = await self.container(f"library/metadata/{','.join(keys)}", {"includeGuids": 1})
        except NotFoundError:
            return []
        return rows(answer.get("Metadata"))

    async def _leaves_out(self, unknown: str) -> bool:
        """Whether an answer without rows means that all keys are unknown: a known one beside one tells."""
        known = self.batches.known
        if not self.batches.proven and known is not None:
            found = await self._metadata([known, unknown])
            self.batches.proven = [rating_key(row) for row in found] == [known]
        return self.batches.proven


class DiscoverClient:
    """Discover and the metadata provider with one account token; at most four requests at once to each.

    Pages are remembered with their ETag, so that an unchanged page costs an empty answer (304).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        hosts: PlexHosts,
        client_id: str,
        token: str,
        *,
        limits: Limits | None = None,
        backoff: float = 0.5,
    ) -> None:
        """`backoff` is the wait in seconds before a second attempt."""
        self._parser = Parser()
        limits = limits or Limits()

        def client(base: URL) -> tuple[HttpClient, HostLimit]:
            limit = limits.cloud(base)
            headers = client_headers(client_id, token)
            http = HttpClient(
                session=session,
                base=base,
                headers=headers,
                backoff=backoff,
                pacer_for=lambda _method: limit.pacer,
            )
            return http, limit

        self._discover, self._discover_limit = client(hosts.discover)
        self._metadata, self._metadata_limit = client(hosts.metadata)
        self._remembered: dict[tuple[str, int, int], tuple[str, Page[Any]]] = {}

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._discover.requests + self._metadata.requests

    async def pages[T](
        self, path: str, params: Params, convert: Callable[[Wire], T | None], *, size: int = DISCOVER_PAGE
    ) -> list[T]:
        """Read a whole listing, or raise."""

        async def fetch(start: int, length: int, *, fresh: bool) -> Page[T]:
            place = (path, start, length)
            tag, page = self._remembered.get(place, (None, None))
            ask = {} if tag is None or fresh else {"If-None-Match": tag}
            async with self._discover_limit.slots:
                answer = await self._discover.request(
                    "GET",
                    path,
                    params={**params, **window(start, length)},
                    headers=ask,
                    not_modified=bool(ask),
                    raw=True,
                )
            if answer.status == 304 and page is not None:  # noqa: PLR2004
                return page
            page = await self._parser.parse(answer, rating_key, convert)
            if (tag := answer.headers.get("ETag")) is not None:
                self._remembered[place] = (tag, page)
            return page

        return await read_all(fetch, size)

    async def glance(self, path: str) -> None:
        """Ask for one row of a listing, to see whether Discover answers."""
        async with self._discover_limit.slots:
            container((await self._discover.request("GET", path, params=window(0, 1))).data)

    async def item(self, key: str) -> Wire:
        """Return one title of the global catalogue by its key, 24 hex digits (API reference 3.5)."""
        found = await self.metadata(f"library/metadata/{key}", {"includeGuids": 1})
        if len(found) != 1 or rating_key(found[0]) != key:
            raise BadAnswerError("another title than asked for")
        return found[0]

    async def metadata(self, path: str, params: Params) -> list[Wire]:
        """Return the rows of a short listing of the metadata provider."""
        async with self._metadata_limit.slots:
            answer = await self._metadata.request("GET", path, params=params)
        return rows(container(answer.data).get("Metadata"))

    async def search(self, params: Params) -> Wire:
        """Return the container of a text search (API reference 3.4)."""
        async with self._discover_limit.slots:
            return container((await self._discover.request("GET", "library/search", params=params)).data)

    async def put(self, path: str, params: Params) -> None:
        """Send a write to Discover. All of them may be repeated (API reference 3.3)."""
        async with self._discover_limit.slots:
            await self._discover.request("PUT", path, params=params)
