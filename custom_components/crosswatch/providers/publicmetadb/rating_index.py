"""Keeping what is known of ratings true: looks at some of them in every run, at all of them within a day.

A rating that was just written or removed is looked at by the next read, whatever the service answered.
One that isn't found is still reported until a look some time later doesn't find it either.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
import logging
import math

from ...sync.provider import BadAnswerError, NotFoundError, ProviderError, RefusedError
from .client import PublicMetaDBClient
from .rating_records import Record, whole_tens
from .rating_rows import Found, RemoteRating, look
from .rating_store import RatingStore

LOGGER = logging.getLogger(__name__)

DAY = 86_400
MOST_LOOKS = 1000
"""Ratings whose turn can come in one run: 50 s at 20 a second. The round takes longer than a day only
with more than 24,000 ratings and a run every hour, or more than 1,000 and a run every day."""
LEAST_TURN = 900
"""Seconds between two turns: reads in a row need not look at anything again."""
CONFIRM_AFTER = 600
"""Seconds between the two looks that make a rating gone: not the same cached answer twice."""
AT_ONCE = 12


@dataclass(frozen=True, slots=True)
class Looked:
    """What became of a record; `after` None: it is gone."""

    before: Record
    after: Record | None


def due(records: Iterable[Record], refreshed_at: int | None, now: int) -> list[Record]:
    """Return the ratings to look at: those in doubt, and of the others the share of the day, oldest first."""
    doubtful: list[Record] = []
    settled: list[Record] = []
    for record in records:
        if (
            record.missed_at is not None
            and now - record.missed_at < CONFIRM_AFTER
            and record.missed_at <= now
        ):
            continue
        if record.pending is not None or record.removed or record.missed_at is not None:
            doubtful.append(record)
        else:
            settled.append(record)
    # a clock that was set back counts as a day gone by
    elapsed = DAY if refreshed_at is None or refreshed_at > now else min(now - refreshed_at, DAY)
    if elapsed < LEAST_TURN:
        return doubtful
    share = min(math.ceil(len(settled) * elapsed / DAY), MOST_LOOKS)
    return doubtful + sorted(settled, key=lambda record: (record.checked_at, record.key))[:share]


async def refresh(client: PublicMetaDBClient, store: RatingStore, now: int) -> list[Looked]:
    """Look at the ratings that are due. `now` is epoch seconds. Changes nothing.

    Raises when the service is in trouble, or when not a single look told anything.
    """
    slots = asyncio.Semaphore(AT_ONCE)
    troubles: list[ProviderError] = []

    async def one(record: Record) -> Looked:
        async with slots:
            try:
                found = await look(client, record.item, record.label, record.id or record.maybe)
            except (RefusedError, NotFoundError, BadAnswerError) as err:
                # trouble with one title is no reason to know nothing of the others
                LOGGER.debug("A rating can't be looked at (%s)", err)
                troubles.append(err)
                keeps = record.pending is not None or record.removed
                return Looked(record, record if keeps else replace(record, checked_at=now))
        return Looked(record, judged(record, found, store.user_id, now))

    # sorting thousands is more than the event loop may wait for
    turn = await asyncio.to_thread(due, store.all().values(), store.refreshed_at, now)
    tasks = [asyncio.create_task(one(record)) for record in turn]
    try:
        looked = list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if troubles and len(troubles) == len(looked):
        raise troubles[0]
    return looked


def judged(record: Record, found: Found, user_id: str | None, now: int) -> Record | None:
    """Return what a look makes of a record; None: the rating is gone, for certain."""
    row = _own_row(record, found, user_id)
    return _unseen(record, now) if row is None else seen(record, row, now)


def _own_row(record: Record, found: Found, user_id: str | None) -> RemoteRating | None:
    row = found.by_id(record.id or record.maybe)
    if row is not None and row.mine(user_id) is not False:
        return row
    # a row of somebody else that was taken for ours is none
    return found.owned(user_id)


def _unseen(record: Record, now: int) -> Record | None:
    """Return what it means that a look has not found the row."""
    if record.removed:
        return None
    if record.pending is not None and not record.pending.done:
        return record
    if record.id is None and record.maybe is None and record.pending is None:
        # it is there, under a row that can't be told apart: nothing to be learned from a look
        return replace(record, checked_at=now)
    if record.missed_at is None:
        return replace(record, checked_at=now, missed_at=now)
    if record.pending is not None and record.pending.old is not None:
        # written, says the service, and yet not there: what was there before may have to be put back
        return replace(record, id=None, missed_at=None, pending=replace(record.pending, done=False))
    return None


def seen(record: Record, row: RemoteRating, now: int) -> Record:
    """Return the record of a rating that was seen: this row is ours, or probably is and stays unproven."""
    unproven = row.id == record.maybe and row.is_owner is not True
    sent = record.sent
    if sent is None and record.pending is not None and row.score not in record.pending.posted:
        sent = next((int(one) for one in record.pending.posted if whole_tens(one) == row.score), None)
    if sent is not None and row.score not in (sent, whole_tens(sent)):
        sent = None
    return replace(
        record,
        id=None if unproven else row.id,
        maybe=row.id if unproven else None,
        score=row.score,
        sent=sent,
        rated_at=row.created if row.created is not None else record.rated_at,
        checked_at=now,
        missed_at=None,
        removed=False,
        pending=None,
    )
