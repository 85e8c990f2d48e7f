"""Which rating is ours when the service says that there is one already.

Reads are of all users, and the rows may not tell whose they are (API reference W10, questions 1 and 2).
A row that probably is ours is taken for ours as `Record.maybe`: deleting it is the proof, because the
service deletes nobody else's rating and says so with a 403.
"""

from collections.abc import Callable
from dataclasses import replace

from ...sync.models import Change, Outcome, OutcomeStatus
from ...sync.provider import BadAnswerError, NotFoundError, RefusedError, UnreachableError
from .client import PublicMetaDBClient
from .rating_index import seen
from .rating_records import Pending, Record
from .rating_rows import Found, RemoteRating, look, same_label
from .rating_store import RatingStore

HTTP_CONFLICT = 409
DUPLICATE = frozenset({400, HTTP_CONFLICT, 422})
"""Statuses met for a rating that is there already (API reference 2.3); only 409 means nothing else."""


class Conflicts:
    """Finds our row among everybody's, and remembers it."""

    def __init__(self, client: PublicMetaDBClient, store: RatingStore, clock: Callable[[], float]) -> None:
        """`store` is loaded; `clock` answers epoch seconds."""
        self._client = client
        self._store = store
        self._clock = clock

    async def explained(
        self, change: Change, record: Record, error: RefusedError, wanted: int, earlier: tuple[float, ...]
    ) -> Outcome | None:
        """Return the outcome of a rating that is refused because there is one already; None if it isn't.

        `earlier` are the scores that may have been stored by attempts before this one.
        """
        if error.status not in DUPLICATE:
            return None
        reason = f"http:{error.status}"
        found = await self.rows(record)
        if (taken := self._taken(found, record, error)) is not None:
            await self._keep(taken)
            # with another score it is the next plan's business, by the rules for conflicts
            status = OutcomeStatus.ALREADY if taken.score == wanted else OutcomeStatus.FAILED
            return Outcome(change=change, status=status, reason=reason, remote_id=taken.id)
        if error.status != HTTP_CONFLICT:
            return None
        if not earlier and pending_of(record).old is None:
            # a first attempt, of which nothing can be there
            named = found.of(record.label).candidates(self._store.user_id)
            if error.detail and any(row.score == wanted for row in named):
                # one is there, and one of those that may be it says what is wanted: W10
                await self._keep(replace(record, score=wanted, checked_at=self._now(), pending=None))
                return Outcome(change=change, status=OutcomeStatus.ALREADY, reason=reason)
            self.forget(record)
            await self._store.save()
        elif (held := _stored(found.of(record.label), earlier, error)) is not None:
            # an attempt before this one was stored after all; which row it is can't be told for certain
            await self._keep(self._stored_as(record, found, held))
            if held == wanted:
                return Outcome(change=change, status=OutcomeStatus.ALREADY, reason=reason)
        return unresolved(change, reason)

    async def settle(self, record: Record, error: RefusedError) -> None:
        """Remember what is there, if that can be told, where the old score could not be put back."""
        found = await self.rows(record)
        if (taken := self._taken(found, record, error)) is not None:
            await self._keep(taken)
        elif (held := _stored(found.of(record.label), pending_of(record).posted, error)) is not None:
            await self._keep(self._stored_as(record, found, held))

    async def rows(self, record: Record) -> Found:
        """Return the ratings of the title under any label, but for those that are known not to be ours."""
        try:
            found = await look(self._client, record.item, None)
        except RefusedError, NotFoundError, BadAnswerError, UnreachableError:
            # what became of the write is known; which row it is stays unknown
            return Found(rows=(), unread=True)
        return found.without(record.foreign)

    def ours(self, found: Found, record: Record) -> RemoteRating | None:
        """Return the row that is ours for certain: one that says so, or one we remember."""
        found, user_id, pending = found.of(record.label), self._store.user_id, record.pending
        if (row := found.owned(user_id)) is not None:
            return row
        row = found.by_id(pending.old_id) if pending is not None and pending.old_id is not None else None
        return None if row is None or row.mine(user_id) is False else row

    def deletable(self, found: Found, record: Record) -> RemoteRating | None:
        """Return the row to delete of a rating that is there: ours, or one that may be, which that tells."""
        user_id, found = self._store.user_id, found.without(record.foreign)
        if (row := found.owned(user_id)) is not None:
            return row
        row = found.by_id(record.maybe)
        return found.only(user_id) if row is None or row.mine(user_id) is False else row

    def likely(self, found: Found, record: Record) -> RemoteRating | None:
        """Return the row to delete of a rating that may be there; see `deletable`."""
        if record.pending is not None:
            found = found.without(record.foreign)
            return found.likely(record.pending.posted, record.pending.at, self._now())
        return None if record.score is None else self.deletable(found, record)

    def forget(self, record: Record) -> None:
        """Forget a rating that is not known to be there; `save` makes it last."""
        if record.foreign:
            self._store.put(Record(item=record.item, label=record.label, foreign=record.foreign))
        else:
            self._store.drop(record.key)

    def _taken(self, found: Found, record: Record, error: RefusedError) -> Record | None:
        """Return the record with the row that is ours, or probably is.

        The latter if it is the only one that the service can mean. Ratings under other labels may be what
        it means as well (question 1). A 409 without a text may come from a gateway and proves nothing.
        """
        row = self.ours(found, record)
        # what was sent isn't what is there, however near it is
        record = replace(record, pending=None)
        if row is not None:
            return seen(record, row, self._now())
        row = found.only(self._store.user_id)
        if row is None or error.status != HTTP_CONFLICT or not error.detail:
            return None
        if not same_label(row.label, record.label):
            return None
        return seen(replace(record, maybe=row.id, label=row.label or record.label), row, self._now())

    def _stored_as(self, record: Record, found: Found, held: float) -> Record:
        """Return the record of a rating that is there with this score, says the service."""
        row = found.of(record.label).likely((held,), pending_of(record).at, self._now())
        maybe = None if row is None else row.id
        return replace(record, id=None, maybe=maybe, score=held, pending=None)

    def _now(self) -> int:
        return int(self._clock())

    async def _keep(self, record: Record) -> None:
        self._store.put(record)
        await self._store.save()


def pending_of(record: Record) -> Pending:
    """Return the write that was written down before it was sent."""
    if record.pending is None:
        raise TypeError("not written down")
    return record.pending


def unresolved(change: Change, reason: str) -> Outcome:
    """Return the outcome of a rating that can't be written."""
    return Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=reason)


def _stored(found: Found, posted: tuple[float, ...], conflict: RefusedError) -> float | None:
    """Return the score of ours that is there, as a conflict says, if only one that was sent can be it.

    A 409 without a text may come from a gateway and proves nothing.
    """
    there = {row.score for row in found.rows}.intersection(posted)
    return there.pop() if len(there) == 1 and conflict.detail else None
