"""Removing rows by their id, which is found in the shadow or, once, by reading everything again."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ...sync.models import Action, Change, Outcome, OutcomeStatus
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
    key_of: Callable[[Change], str]
    known: Callable[[], Awaitable[Shadow]]
    reread: Callable[[], Awaitable[Shadow]]
    delete: Callable[[str], Awaitable[bool]]
    missing: str
    _shadow: Shadow = field(default_factory=Shadow)

    async def prepare(self, changes: Sequence[Change]) -> None:
        """Find the rows of all removals among the changes, before anything is written.

        One row that the shadow doesn't know leads to one fresh read (W12).
        """
        removals = [change for change in changes if change.action is Action.REMOVE]
        if not removals:
            return
        self._shadow = await self.known()
        if not all(self._is_known(change) for change in removals):
            self._shadow = await self.reread()

    async def remove(self, change: Change, *, only: bool) -> Outcome:
        """Remove the rows of the key. With `only`, an entry that names one of them means just that one.

        A row that is gone already is a success (W11). Without any row the change is unresolved.
        """
        key, remote_id = self.key_of(change), change.entry.remote_id
        rows = self._shadow.of(key)
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

    def _is_known(self, change: Change) -> bool:
        rows = self._shadow.of(self.key_of(change))
        return bool(rows) and (change.entry.remote_id is None or change.entry.remote_id in rows)
