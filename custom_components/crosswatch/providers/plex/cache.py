"""The catalogue kept between reads, so that an idle read asks only for what may have changed (5.1).

A library whose content counter stands still keeps its ids and numbers. The watched state is proven with
one page: the items watched last, and how many are watched in all. If that does not add up to what is
known, the library is read anew, and so it is every now and then whatever the page says. A page like
that can hide that something vanished and something older appeared at once, never the other way round:
no item is lost from what a read tells without a complete reading that lacks it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
import time
from typing import Final

from ...sync.models import Kind
from ...sync.provider import NotFoundError, RefusedError
from .client import PlexServerClient
from .library import TRIM, TYPES, Catalogue, Row, Section, read_section
from .paging import Page
from .tasks import side_by_side

AUDIT: Final = 6 * 3600.0
"""Seconds after which everything is read again, whatever the server says about changes."""
HEAD: Final = 100
"""Rows of the page that proves that nothing else changed."""
WATCHED: Final = {Kind.MOVIE: "viewCount>>", Kind.EPISODE: "episode.viewCount>>"}
"""The filter on watched items. Without its scope the one for episodes finds nothing on some servers."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A library as it was read. `read_at` counts seconds, `number` the readings."""

    section: Section
    rows: dict[str, Row]
    read_at: float
    number: int


class Libraries:
    """The libraries of one server as one user sees them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._catalogue: tuple[tuple[int, ...], Catalogue] | None = None
        self._readings = 0
        self._turn = asyncio.Lock()

    async def catalogue(
        self, client: PlexServerClient, sections: Sequence[Section], *, state: bool = False
    ) -> Catalogue:
        """Return all items of the sections, or raise.

        With `state` what is watched is as it is now; otherwise only ids and numbers are. Ratings, and
        resume points of what was never watched, may be older in any case.
        """
        async with self._turn:
            async with side_by_side() as group:
                for section in sections:
                    group.create_task(self._update(client, section, state=state))
            kept = [self._kept[section.id] for section in sections]
            readings = tuple(each.number for each in kept)
            if self._catalogue is None or self._catalogue[0] != readings:
                made = await asyncio.to_thread(_build, sections, kept)
                self._catalogue = (readings, made)
            return self._catalogue[1]

    @property
    def readings(self) -> tuple[int, ...]:
        """What changes whenever a library of the last catalogue was read anew."""
        return () if self._catalogue is None else self._catalogue[0]

    def stand(self, libraries: frozenset[str]) -> str:
        """What changes whenever the content of one of these libraries does; none named: of any known."""
        kept = (self._kept[each].section for each in sorted(self._kept) if not libraries or each in libraries)
        return " ".join(f"{section.id}:{section.changed}" for section in kept)

    def forget(self, section: str | None = None) -> None:
        """Read a library anew when it is asked for the next time; all of them when none is named."""
        if section is None:
            self._kept.clear()
        else:
            self._kept.pop(section, None)

    async def _update(self, client: PlexServerClient, section: Section, *, state: bool) -> None:
        kept = self._kept.get(section.id)
        if (
            kept is None
            or section.changed is None
            or section.changed != kept.section.changed
            or self._clock() - kept.read_at >= AUDIT
            or (state and not await self._same_state(client, kept))
        ):
            found = await read_section(client, section)
            rows = await asyncio.to_thread(lambda: {row.key: row for row in found})
            self._readings += 1
            self._kept[section.id] = _Kept(section, rows, self._clock(), self._readings)

    async def _same_state(self, client: PlexServerClient, kept: _Kept) -> bool:
        """Bring the watched state of a kept library up to date; False if it has to be read anew."""
        kind = Kind.EPISODE if kept.section.kind is Kind.SHOW else Kind.MOVIE
        params: dict[str, str | int] = {"type": TYPES[kind], WATCHED[kind]: 0, "sort": "lastViewedAt:desc"}
        try:
            page = await client.page(
                f"library/sections/{kept.section.id}/all",
                params | TRIM,
                lambda row: Row.from_row(row, kept.section.id, {}),
                size=HEAD,
            )
        except RefusedError, NotFoundError:
            # a server without this filter or order: there is the long way
            return False
        if not await asyncio.to_thread(adds_up, page, kept.rows):
            return False
        known = kept.rows
        for row in page.values:
            newer = replace(
                known[row.key],
                view_count=row.view_count,
                last_viewed_at=row.last_viewed_at,
                view_offset=row.view_offset,
            )
            known[row.key] = newer
            if self._catalogue is not None and row.key in self._catalogue[1].rows:
                self._catalogue[1].rows[row.key] = newer
        return True


def adds_up(page: Page[Row], known: Mapping[str, Row]) -> bool:
    """Whether the page of items watched last, with the count of all, explains every change since."""
    rows = page.values
    for row in rows:
        before = known.get(row.key)
        if before is None or before.guid != row.guid or not row.view_count:
            return False
    # a show's own count sums up its episodes'
    watched = {key: row for key, row in known.items() if row.view_count and row.item.kind is not Kind.SHOW}
    listed = {row.key for row in rows}
    if page.total is None or page.total != len(watched) + sum(key not in watched for key in listed):
        return False
    if page.total == len(rows):
        return True
    if not rows:
        return False
    last = rows[-1]
    if last.last_viewed_at is None or not _equal(last, known[last.key]):
        # it may go on like that beyond the page
        return False
    # what was watched later than the last row has to be on the page
    newer = (key for key, row in watched.items() if (row.last_viewed_at or 0) > last.last_viewed_at)
    return listed.issuperset(newer)


def _equal(one: Row, other: Row) -> bool:
    return (one.view_count, one.last_viewed_at) == (other.view_count, other.last_viewed_at)


def _build(sections: Sequence[Section], kept: Sequence[_Kept]) -> Catalogue:
    return Catalogue(sections, (row for each in kept for row in each.rows.values()))
