"""Reading a paged listing completely, or not at all (API reference 2.2).

Every way a listing can be wrong ends in one more attempt from the start, then in `IncompleteReadError`:
a missing or moving total, a page that is short or begins elsewhere, a row seen twice, rows that do not
add up to the total.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from ...sync.provider import BadAnswerError, IncompleteReadError
from ..http import decode
from .tasks import side_by_side
from .wire import mapping, number, rows

FEW: Final = 5
"""Rows that may vanish between two readings of a listing, or a tenth of it."""

type Wire = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page[T]:
    """One page: `keys` tell its rows apart; `values` are those rows that were of interest."""

    offset: int | None
    total: int | None
    keys: tuple[str, ...]
    values: tuple[T, ...]

    @classmethod
    def from_body(
        cls,
        body: bytes,
        key: Callable[[Wire], str],
        convert: Callable[[Wire], T | None],
        header_total: str | None = None,
    ) -> Self:
        """Parse an answer. Rows for which `convert` gives None count, but are not kept.

        An empty listing has no `Metadata` at all (API reference 2.1). The total is in the container and
        in a header (`header_total`).
        """
        answer = mapping(decode(body))
        if "MediaContainer" not in answer:
            raise BadAnswerError("no MediaContainer")
        container = mapping(answer["MediaContainer"])
        found = rows(container.get("Metadata"))
        size = number(container, "size")
        if size is not None and size != len(found):
            raise IncompleteReadError(f"{len(found)} rows where the page says {size}")
        total = number(container, "totalSize")
        if total is None and header_total is not None and header_total.isdecimal():
            total = int(header_total)
        values = (convert(row) for row in found)
        return cls(
            offset=number(container, "offset"),
            total=total,
            keys=tuple(key(row) for row in found),
            values=tuple(value for value in values if value is not None),
        )


class Fetch[T](Protocol):
    """Fetches one page; `fresh` asks for one that is surely not a remembered one."""

    def __call__(self, start: int, size: int, /, *, fresh: bool) -> Coroutine[Any, Any, Page[T]]:
        """Fetch `size` rows from `start` on."""


async def read_all[T](fetch: Fetch[T], size: int) -> list[T]:
    """Read the whole listing: page 0, then all others side by side."""
    totals: list[int] = []
    try:
        return await _read(fetch, size, totals, fresh=False)
    except IncompleteReadError:
        # rows that move while being read are normal once
        found = await _read(fetch, size, totals, fresh=True)
    if totals[-1] < totals[0] - max(FEW, totals[0] // 10):
        # a service going down may begin to answer with nothing
        raise IncompleteReadError(f"the total fell from {totals[0]} to {totals[-1]}")
    return found


async def _read[T](fetch: Fetch[T], size: int, totals: list[int], *, fresh: bool) -> list[T]:
    first = await fetch(0, size, fresh=fresh)
    if first.offset not in (None, 0):
        raise IncompleteReadError("the first page does not begin at the start")
    if first.total is None:
        raise IncompleteReadError("no total")
    totals.append(first.total)
    total, got = first.total, len(first.keys)
    pages = [first]
    if got < total:
        # the server decides how long a page is, but a handful is a page that broke off
        if got * 50 < min(size, total):
            raise IncompleteReadError(f"a page of {got} rows where {total} were announced")
        step = got
        async with side_by_side() as group:
            tasks = [group.create_task(fetch(start, step, fresh=fresh)) for start in range(got, total, step)]
        pages += [task.result() for task in tasks]
        for start, page in zip(range(0, total, step), pages, strict=True):
            _check(page, start, total)
    # 100,000 rows take longer than the event loop may wait
    return (
        await asyncio.to_thread(_put_together, pages, total)
        if len(pages) > 1
        else _put_together(pages, total)
    )


def _put_together[T](pages: list[Page[T]], total: int) -> list[T]:
    seen = {key for page in pages for key in page.keys}
    count = sum(len(page.keys) for page in pages)
    if not len(seen) == count == total:
        raise IncompleteReadError(f"{count} rows, {len(seen)} of them distinct, where {total} were announced")
    return [value for page in pages for value in page.values]


def _check[T](page: Page[T], start: int, total: int) -> None:
    if page.offset not in (None, start):
        raise IncompleteReadError(f"asked for row {start}, got row {page.offset}")
    if page.total not in (None, total):
        raise IncompleteReadError(f"the total moved from {total} to {page.total}")
