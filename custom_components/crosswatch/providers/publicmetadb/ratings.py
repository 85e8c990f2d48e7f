"""The ratings of one pair: reading what is known of them, and finishing what broke off."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
import logging
from pathlib import Path
import time

from ...sync.models import Rating
from ...sync.provider import (
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    UncertainWriteError,
)
from ..http import LONGEST_WAIT
from .applying import Write
from .client import PublicMetaDBClient
from .pacing import account_id
from .quota import Bucket, Quota
from .rating_index import LEAST_TURN, refresh
from .rating_records import Record
from .rating_store import RatingStore
from .rating_writer import RatingWriter
from .settings import PublicMetaDBSettings

LOGGER = logging.getLogger(__name__)


class Ratings:
    """Reads and writes the ratings that one pair knows of."""

    def __init__(
        self,
        client: PublicMetaDBClient,
        settings: PublicMetaDBSettings,
        folder: Path,
        pair_id: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`folder` takes shadow and quota file. `clock` answers epoch seconds. Nothing is read yet."""
        self._client = client
        self._settings = settings
        self._store = RatingStore(folder, pair_id, account_id(settings.base_url, settings.api_key))
        self.quota = Quota(folder, pair_id, settings, clock)
        self._clock = clock

    def usual_label(self, label: str | None) -> str:
        """Return the label of the pair's ratings: its own, else the account's (`ratings_label`)."""
        return (label or "").strip() or self._settings.ratings_label

    @property
    def scope(self) -> tuple[str, ...]:
        """Name of the file that tells which ratings are known; its absence from others means nothing."""
        return () if self._store.name is None else (self._store.name,)

    async def read(self, label: str | None, *, read_only: bool) -> list[Rating]:
        """Return every rating that is known to be on the service under the pair's label.

        Complete as far as it can be: see `rating_records`. A write that broke off is left to the plan
        that is made from this read; if that leaves it as well, the next read puts the old score back.
        With `read_only` nothing is sent and nothing kept.
        """
        await self._store.load()
        now = int(self._clock())
        looked = await refresh(self._client, self._store, now)
        known = self._store.all()
        for one in looked:
            if one.after is None:
                known.pop(one.before.key, None)
            else:
                known[one.before.key] = one.after
        if not read_only:
            for one in looked:
                if one.after is None:
                    self._store.drop(one.before.key)
                else:
                    self._store.put(one.after)
            if len(self._store) and not 0 <= now - (self._store.refreshed_at or 0) < LEAST_TURN:
                self._store.touch(refreshed_at=now)
            await self._store.save()
            await self.quota.load()
            await self._finish()
            known = self._store.all()
        return await asyncio.to_thread(_rated, known.values(), self.usual_label(label))

    async def _finish(self) -> None:
        """Put back the old scores of writes that broke off and that no plan has finished since."""
        half_done = [
            (record, record.pending)
            for record in self._store
            if record.pending is not None and not record.pending.done
        ]
        if not half_done:
            return
        writer = RatingWriter(self._client, self._store, self.quota, self._clock)
        for record, pending in half_done:
            if self.quota.used_up(Bucket.UPDATE):
                # no plan could have finished it either
                break
            self._store.put(replace(record, pending=replace(pending, reads=pending.reads + 1)))
            # at the second, third, fifth, ninth ... read that finds it
            if pending.old is not None and pending.reads and not pending.reads & (pending.reads - 1):
                await self.quota.take(Bucket.UPDATE)
                record = replace(record, pending=replace(pending, reads=pending.reads + 1))  # noqa: PLW2901
                try:
                    await writer.put_back(record, pending.old)
                except (
                    RefusedError,
                    ForbiddenError,
                    NotFoundError,
                    BadAnswerError,
                    UncertainWriteError,
                ) as err:
                    LOGGER.warning("A rating whose change broke off can't be put back yet (%s)", err)
                except RateLimitedError as err:
                    if err.retry_after is None or err.retry_after <= LONGEST_WAIT:
                        raise
                    await self.quota.close(Bucket.UPDATE, err.retry_after)
        await self._store.save()

    @asynccontextmanager
    async def writing(self, label: str | None) -> AsyncGenerator[Write]:
        """Prepare for changes; the result carries out one of them. What was learned is kept at the end."""
        await self._store.load()
        await self.quota.load()
        writer = RatingWriter(self._client, self._store, self.quota, self._clock, self.usual_label(label))
        try:
            yield writer.write
        finally:
            await self._store.save()


def _rated(records: Iterable[Record], usual: str) -> list[Rating]:
    found = (record.as_rating(usual) for record in records)
    return [rating for rating in found if rating is not None]
