"""Reading a whole collection: complete, or an error."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
import math
from typing import Any

from ...sync.collector import resting
from ...sync.provider import BadAnswerError, IncompleteReadError
from ..http import decode
from .wire import Row, row_id, whole

ROWS = ("items", "results", "data", "lists", "ratings")
"""Names of the row array; a bare array is met too (API reference 3.0, 3.5)."""
TOTALS = ("total", "totalItems", "total_items")
PAGES = ("totalPages", "total_pages", "pages", "pageCount")
"""Names of the counts, at the top or under `pagination` (API reference 3.0; PocketBase says totalItems)."""

AT_ONCE = 12
"""Pages under way at the same time; 20 a second with answers that take up to 0.6 s."""
SMALL_BODY = 8 * 1024
"""Bytes up to which a page is read without a thread."""

type Fetch = Callable[[int], Awaitable[bytes]]
"""Asks for a page by number, from 1, and answers its body."""


class TooManyPagesError(IncompleteReadError):
    """The collection is larger than the settings allow to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """One page: the ids of all its rows, what was made of them, and what the envelope says.

    A row without an id has None; a row that is nothing of the feature is made into None.
    """

    ids: Sequence[str | None]
    rows: Sequence[T | None]
    total: int | None = None
    pages: int | None = None
    size: int | None = None
    number: int | None = None

    @classmethod
    def from_body(cls, body: bytes, make: Callable[[Row], T | None]) -> Page[T]:
        """Read the JSON of a page in any of the envelopes of API reference 3.0."""
        data = decode(body)
        envelope: dict[str, Any] = data if isinstance(data, dict) else {}
        if envelope.get("success") is False:
            raise BadAnswerError("success: false")
        if isinstance(data, dict):
            found = next((data[name] for name in ROWS if isinstance(data.get(name), list)), None)
        else:
            found = data if isinstance(data, list) else None
        if found is None or not all(isinstance(row, dict) for row in found):
            raise BadAnswerError("no page of rows")
        inner = envelope.get("pagination")
        counts = envelope | inner if isinstance(inner, dict) else envelope
        return cls(
            ids=[row_id(row) for row in found],
            rows=[make(row) for row in found],
            total=_count(counts, *TOTALS),
            pages=_count(counts, *PAGES),
            size=_count(counts, "perPage", "per_page"),
            number=_count(counts, "page"),
        )


def _count(counts: Row, *names: str) -> int | None:
    return next((whole(counts[name]) for name in names if counts.get(name) is not None), None)


async def read_complete[T](
    fetch: Fetch, make: Callable[[Row], T | None], *, per_page: int, max_pages: int
) -> list[T]:
    """Return what `make` makes of every row, in the service's order, or raise.

    Page 1 first, then the others at the same time. The read is complete when the distinct rows are as
    many as the total, which did not move meanwhile; otherwise everything is read once more and then
    `IncompleteReadError` raised. More than `max_pages` pages are never left out silently.
    """
    reader = _Reader(fetch, make, per_page, max_pages)
    try:
        return await reader.read()
    except TooManyPagesError:
        raise
    except IncompleteReadError:
        # somebody may just have added or removed a row
        return await reader.read()


@dataclass(frozen=True, slots=True)
class _Reader[T]:
    fetch: Fetch
    make: Callable[[Row], T | None]
    per_page: int
    max_pages: int
    parsing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self) -> list[T]:
        first = await self._page(1)
        if first.total is None and first.pages is None:
            pages = await self._until_the_end(first)
        else:
            pages = await self._all_pages(first)
            self._check(pages)
        return await asyncio.to_thread(self._joined, pages, first.total)

    async def _page(self, number: int) -> Page[T]:
        body = await self.fetch(number)
        if len(body) <= SMALL_BODY:
            page = Page.from_body(body, self.make)
        else:
            # one at a time: more threads would not be faster, and keep the event loop waiting for its turn
            async with self.parsing:
                page = await asyncio.to_thread(resting, lambda: Page.from_body(body, self.make))
        if page.number is not None and page.number != number:
            raise IncompleteReadError(f"asked for page {number}, got page {page.number}")
        return page

    async def _all_pages(self, first: Page[T]) -> list[Page[T]]:
        count = first.pages
        if count is None:
            # the first of several pages is full, whatever size the service made of the one asked for
            size = first.size or len(first.rows)
            count = math.ceil((first.total or 0) / size) if size else 1
        if count > self.max_pages:
            raise TooManyPagesError(f"{count} pages, the settings allow {self.max_pages}")
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> Page[T]:
            async with slots:
                return await self._page(number)

        tasks = [asyncio.create_task(one(number)) for number in range(2, count + 1)]
        try:
            return [first, *await asyncio.gather(*tasks)]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _until_the_end(self, first: Page[T]) -> list[Page[T]]:
        """Read on while pages are full. Where their size is not told, only an empty one is the end."""
        pages = [first]
        while pages[-1].rows and not (pages[-1].size and len(pages[-1].rows) < pages[-1].size):
            page = await self._page(len(pages) + 1)
            if page.rows and page.ids == first.ids:
                raise IncompleteReadError("page 1 came again")
            if page.rows and len(pages) == self.max_pages:
                raise TooManyPagesError(f"more pages than the {self.max_pages} the settings allow")
            pages.append(page)
        return pages

    @staticmethod
    def _check(pages: Sequence[Page[T]]) -> None:
        first = pages[0]
        if any(page.total != first.total or page.pages != first.pages for page in pages):
            raise IncompleteReadError("the total moved while reading")
        if first.total is None and any(len(page.rows) != len(first.rows) for page in pages[:-1]):
            raise IncompleteReadError("a page in the middle is not full")

    @staticmethod
    def _joined(pages: Sequence[Page[T]], total: int | None) -> list[T]:
        seen: set[str] = set()
        anonymous = repeated = 0
        joined: list[T] = []
        for page in pages:
            for row, made in zip(page.ids, page.rows, strict=True):
                if row is None:
                    anonymous += 1
                elif row in seen:
                    repeated += 1
                    continue
                else:
                    seen.add(row)
                if made is not None:
                    joined.append(made)
        found = len(seen) + anonymous
        if total is not None and found != total:
            raise IncompleteReadError(f"{found} of {total} rows")
        if total is None and repeated:
            raise IncompleteReadError(f"{repeated} rows came twice")
        return joined
