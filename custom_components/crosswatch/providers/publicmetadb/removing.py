"""Removing rows by their id, which is found in the shadow or, once, by reading everything again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ...sync.models import Change, Outcome, OutcomeStatus
from .shadow import Shadow, ShadowFile

GONE = "http:404"
"""Reason of a removal that found nothing to remove."""


@dataclass(slots=True, kw_only=True)
class Removals:
    """The removals of one `apply`.

    An id is used only where the shadow or a fresh read names it for the same key: an entry may carry
    the id of another service (API reference W22), and a row may have become another play. `known` is
    what the shadow says, `reread` reads everything afresh, `delete` removes a row and answers False when
    it was gone. `missing` is the documented reason for a removal without a row.
    """

    file: ShadowFile
    known: Callable[[], Awaitable[Shadow]]
    reread: Callable[[], Awaitable[Shadow]]
    delete: Callable[[str], Awaitable[bool]]
    missing: str
    _shadow: Shadow | None = None
    _fresh: bool = False
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def remove(self, change: Change, key: str, *, only: bool) -> Outcome:
        """Remove the rows of the key. With `only`, an entry that names one of them means just that one.

        A row that is gone already is a success (W11). Without any row even after a fresh read (W12) the
        change is unresolved.
        """
        remote_id = change.entry.remote_id
        rows = await self._rows(key, remote_id)
        if not rows:
            return Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=self.missing)
        if only and remote_id in rows:
            rows = (remote_id,)
        removed = False
        for row in rows:
            removed |= await self.delete(row)
            self.file.forget(key, row)
        status = OutcomeStatus.APPLIED if removed else OutcomeStatus.ALREADY
        return Outcome(change=change, status=status, reason=None if removed else GONE, remote_id=rows[0])

    async def _rows(self, key: str, remote_id: str | None) -> tuple[str, ...]:
        async with self._lock:
            if self._shadow is None:
                self._shadow = await self.known()
            rows = self._shadow.rows.get(key, ())
            if not self._fresh and (not rows or (remote_id is not None and remote_id not in rows)):
                self._shadow = await self.reread()
                self._fresh = True
                rows = self._shadow.rows.get(key, ())
            return rows
