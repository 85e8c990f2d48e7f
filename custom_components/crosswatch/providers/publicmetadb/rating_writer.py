"""Giving, changing and removing ratings (API reference 3.5, 5.3).

A rating can't be changed in place: it is deleted and given anew. What is going to be done is written
into the shadow file first, so that whatever breaks off in between, the old score is known and either
the new one is sent by the next plan or the old one is put back by a later read.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
import logging

from ...sync.models import Action, Change, Outcome, OutcomeStatus, Rating
from ...sync.provider import (
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UncertainWriteError,
    UnreachableError,
)
from ..http import LONGEST_WAIT
from .client import PublicMetaDBClient
from .naming import body_of
from .quota import REASONS, Bucket, Quota
from .rating_conflicts import DUPLICATE, HTTP_CONFLICT, Conflicts, pending_of, unresolved
from .rating_index import seen
from .rating_records import USUAL_LABEL, Pending, Record, rating_key, sent_label, whole_tens
from .rating_rows import created_at, look, path_of, score_of
from .rating_store import RatingStore
from .refusals import MISSING_REMOTE_RATING_ID
from .wire import Row, row_id, text

LOGGER = logging.getLogger(__name__)

NO_ID = "no_id"
"""Reason of a rating that was accepted by an answer that doesn't tell its row."""


class RatingWriter:
    """Carries out changes of the ratings of one pair."""

    def __init__(
        self,
        client: PublicMetaDBClient,
        store: RatingStore,
        quota: Quota,
        clock: Callable[[], float],
        usual: str = USUAL_LABEL,
    ) -> None:
        """`store` and `quota` are loaded. `usual` is the label of the pair; `clock` answers epoch seconds."""
        self._client = client
        self._store = store
        self._quota = quota
        self._clock = clock
        self._usual = usual
        self._conflicts = Conflicts(client, store, clock)
        self._one_at_a_time = asyncio.Lock()

    async def write(self, change: Change) -> Outcome:
        """Carry out one change; raises what went wrong with the request.

        One at a time: no more than one rating can ever be half changed, and a 429 that closes the hour is
        known before the next is sent. At 200 an hour there is nothing to be gained by haste.
        """
        async with self._one_at_a_time:
            return await self._write(change)

    async def _write(self, change: Change) -> Outcome:
        rating = change.entry
        if not isinstance(rating, Rating):
            raise TypeError("not a rating")
        label = sent_label(rating.label, self._usual)
        record = self._store.get(rating_key(rating.item, label))
        if change.action is Action.REMOVE:
            return await self._remove(change, record or Record(item=rating.item, label=label))
        if record is not None and record.id is None and record.pending is None and record.score is not None:
            # it is there, and can't be deleted unless its row can be found
            found = await look(self._client, record.item, record.label)
            if (row := self._conflicts.deletable(found, record)) is None:
                return unresolved(change, MISSING_REMOTE_RATING_ID)
            record = replace(seen(replace(record, maybe=row.id), row, self._now()), id=row.id)
        record = record or Record(item=rating.item, label=label)
        return await self._put(change, replace(record, given=rating.label), rating.tenths)

    # --- giving -------------------------------------------------------------------------------

    async def _put(self, change: Change, record: Record, wanted: int) -> Outcome:
        """Give a rating: a new one, or in place of the one there is."""
        known, before = record, record.pending
        replaces = record.id is not None or (before is not None and before.old is not None)
        bucket = Bucket.UPDATE if replaces else Bucket.SUBMIT
        if not await self._quota.take(bucket):
            return self._waits(change, bucket)
        broke_off = before if before is not None and not before.done else None
        earlier = broke_off.posted if broke_off is not None else ()
        pending = Pending(
            at=broke_off.at if broke_off is not None else self._now(),
            posted=tuple(dict.fromkeys((*earlier, wanted))),
            old=before.old if before is not None else record.score,
            old_id=record.id or (broke_off.old_id if broke_off is not None else None),
        )
        record = replace(record, pending=pending, sent=None, removed=False, missed_at=None)
        # on disk before anything is sent
        await self._keep(record)
        try:
            if record.id is not None:
                if not await self._clear(record):
                    return await self._beside(change, known, record, wanted)
                record = replace(record, id=None, maybe=None)
                self._store.put(record)
            return await self._post(change, record, wanted, earlier)
        except RateLimitedError as err:
            if pending.old is None and not earlier:
                # a 429 was not carried out
                self._conflicts.forget(record)
            if err.retry_after is None or err.retry_after <= LONGEST_WAIT:
                raise
            # the service counts by the hour as well, and its count is the one that holds
            await self._quota.close(bucket, err.retry_after)
            return self._waits(change, bucket)

    async def _clear(self, record: Record) -> bool:
        """Delete the row that is to be replaced, which may be gone; False: it is somebody else's."""
        try:
            await self._client.delete((path_of(record.item), record.id or ""))
        except ForbiddenError:
            LOGGER.warning("A rating that was taken for this account's is somebody else's")
            return False
        return True

    async def _beside(self, change: Change, known: Record, record: Record, wanted: int) -> Outcome:
        """Give a rating beside a row that is not ours, says the service. Nothing was deleted.

        If that is refused as well, one of ours is there: this row after all, or one that can't be told.
        """
        if record.maybe is not None:
            await self._keep(known.disowned(record.maybe))
            return unresolved(change, MISSING_REMOTE_RATING_ID)
        try:
            row = await self._client.create((path_of(record.item),), _body(record, wanted))
        except (RefusedError, ForbiddenError, NotFoundError, BadAnswerError) as err:
            await self._keep(replace(known, id=None, maybe=known.id))
            if isinstance(err, RefusedError) and err.status == HTTP_CONFLICT:
                return Outcome(change=change, status=OutcomeStatus.FAILED, reason="http:403")
            raise
        return await self._given(change, record, row, wanted)

    async def _post(self, change: Change, record: Record, wanted: int, earlier: tuple[float, ...]) -> Outcome:
        """Send a rating, once. `earlier` are the scores that may have been stored before."""
        pending = pending_of(record)
        try:
            row = await self._client.create((path_of(record.item),), _body(record, wanted))
        except RefusedError as err:
            if (outcome := await self._conflicts.explained(change, record, err, wanted, earlier)) is not None:
                return outcome
            lesser = whole_tens(wanted)
            if err.status in DUPLICATE and err.status != HTTP_CONFLICT and wanted != lesser:
                # perhaps it takes whole ratings only
                await self._quota.take(Bucket.SUBMIT if pending.old is None else Bucket.UPDATE, beyond=True)
                posted = tuple(dict.fromkeys((*pending.posted, lesser)))
                record = replace(record, sent=wanted, pending=replace(pending, posted=posted))
                await self._keep(record)
                return await self._post(change, record, lesser, earlier)
            await self._give_up(record, err, earlier)
            raise
        except (ForbiddenError, NotFoundError, BadAnswerError) as err:
            await self._give_up(record, err, earlier)
            raise
        return await self._given(change, record, row, wanted)

    async def _given(self, change: Change, record: Record, row: Row, wanted: int) -> Outcome:
        """Remember a rating that was stored. Until a look has seen it, the old score is what counts."""
        if (user_id := text(row, "user_id")) is not None:
            self._store.touch(user_id=user_id)
        added, score = row_id(row), score_of(row)
        if added is None:
            mine = self._conflicts.ours(await self._conflicts.rows(record), record)
            if mine is None:
                # it may have been stored or not: the next attempt is told if it was
                return Outcome(change=change, status=OutcomeStatus.UNCERTAIN, reason=NO_ID)
            added, score = mine.id, mine.score
        if score is None:
            score = wanted
        record = replace(
            record,
            id=added,
            maybe=None,
            foreign=(),
            score=score,
            sent=wanted if score != wanted and record.sent is None else record.sent,
            rated_at=created_at(row) or self._now(),
            checked_at=0,
            pending=replace(pending_of(record), posted=(score,), done=True),
        )
        await self._keep(record)
        return Outcome(
            change=change, status=OutcomeStatus.APPLIED, remote_id=added, written_at=created_at(row)
        )

    # --- refusals -----------------------------------------------------------------------------

    async def _give_up(self, record: Record, error: ProviderError, earlier: tuple[float, ...]) -> None:
        """Put the old score back after a refusal, or forget what was never there."""
        pending = pending_of(record)
        if pending.old is None:
            # `success: false` may be untrue
            if not isinstance(error, BadAnswerError) and not earlier:
                self._conflicts.forget(record)
                await self._store.save()
            return
        await self._quota.take(Bucket.UPDATE, beyond=True)
        try:
            await self.put_back(record, pending.old)
        except (
            RefusedError,
            ForbiddenError,
            NotFoundError,
            BadAnswerError,
            UncertainWriteError,
            UnreachableError,
        ) as err:
            # the file knows the old score: a later run puts it back
            LOGGER.warning("A rating that could not be changed can't be put back yet (%s)", err)

    async def put_back(self, record: Record, old: float) -> None:
        """Give the score again that a broken-off change has deleted. Raises what went wrong."""
        pending = pending_of(record)
        record = replace(
            record, sent=None, pending=replace(pending, posted=tuple(dict.fromkeys((*pending.posted, old))))
        )
        await self._keep(record)
        try:
            row = await self._client.create((path_of(record.item),), _body(record, old))
        except RefusedError as err:
            if err.status != HTTP_CONFLICT:
                raise
            # something of ours is there: what was thought to have failed
            await self._conflicts.settle(record, err)
            return
        if (added := row_id(row)) is not None:
            done = replace(pending, posted=(old,), done=True)
            await self._keep(replace(record, id=added, score=old, checked_at=0, pending=done))

    # --- removing -----------------------------------------------------------------------------

    async def _remove(self, change: Change, record: Record) -> Outcome:
        """Remove a rating through the id that is remembered for it, never through one the entry carries."""
        if record.id is None or (record.pending is not None and not record.pending.done):
            # look for it once (W12): it may say itself that it is ours
            found = await look(self._client, record.item, record.label)
            if (row := self._conflicts.ours(found, record)) is not None:
                record = seen(record, row, self._now())
            elif (row := self._conflicts.likely(found, record)) is not None:
                record = replace(record, id=row.id, maybe=row.id)
            else:
                return unresolved(change, MISSING_REMOTE_RATING_ID)
        row_path = (path_of(record.item), record.id or "")
        try:
            removed = await self._client.delete(row_path)
        except ForbiddenError:
            # not ours: without the id nobody tries again
            LOGGER.warning("A rating that was taken for this account's is somebody else's")
            if record.maybe is not None:
                await self._keep(record.disowned(record.maybe))
                return unresolved(change, MISSING_REMOTE_RATING_ID)
            self._store.drop(record.key)
            await self._store.save()
            raise
        if not removed:
            self._store.drop(record.key)
            await self._store.save()
            return Outcome(
                change=change, status=OutcomeStatus.ALREADY, reason="http:404", remote_id=record.id
            )
        await self._keep(replace(record, removed=True, pending=None, missed_at=None))
        return Outcome(change=change, status=OutcomeStatus.APPLIED, remote_id=record.id)

    # --- small --------------------------------------------------------------------------------

    def _waits(self, change: Change, bucket: Bucket) -> Outcome:
        return replace(unresolved(change, REASONS[bucket]), retry_at=self._quota.opens_at(bucket))

    def _now(self) -> int:
        return int(self._clock())

    async def _keep(self, record: Record) -> None:
        self._store.put(record)
        await self._store.save()


def _body(record: Record, score: float) -> dict[str, object]:
    return {**body_of(record.item), "score": score, "label": record.label}
