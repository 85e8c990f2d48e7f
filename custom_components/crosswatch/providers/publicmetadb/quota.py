"""How many ratings may still be sent in this hour (adapter document, "Rate control layers")."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
import logging
import math
from pathlib import Path
import time
from typing import Any

from ...sync.provider import StateFileError
from .refusals import HOURLY_SUBMIT_LIMIT, HOURLY_UPDATE_LIMIT
from .settings import PublicMetaDBSettings
from .shadow import scope_name
from .storage import StateFile

LOGGER = logging.getLogger(__name__)

WINDOW = 3600.0
"""Seconds. A window is fixed: it starts with the first rating and ends an hour later (API reference 5.3)."""


class Bucket(StrEnum):
    """What is counted by itself: new ratings, and changes of ratings (each a deletion and a new one)."""

    SUBMIT = "submit"
    UPDATE = "update"


REASONS = {Bucket.SUBMIT: HOURLY_SUBMIT_LIMIT, Bucket.UPDATE: HOURLY_UPDATE_LIMIT}
"""Reason of what has to wait for the next window."""


@dataclass(slots=True, kw_only=True)
class _Window:
    """`ends` is by the monotonic clock, `started` epoch seconds for the file; `limit` None: the setting's."""

    started: int
    ends: float
    count: int = 0
    closed: bool = False
    refused: bool = False


class Quota:
    """The hourly quotas of one pair, on disk before a rating is sent, never given back.

    Within one process an hour is measured by the monotonic clock, which nobody can set. Over a restart
    only the wall clock is left: a window that seems to start in the future counts from now on, one that
    seems to be long over is over; should that be wrong, the service's own 429 decides.
    """

    def __init__(
        self,
        folder: Path,
        pair_id: str | None,
        settings: PublicMetaDBSettings,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read yet. The clocks answer seconds."""
        self._file = StateFile(
            folder / f"publicmetadb_ratings.{scope_name(pair_id)}.quota.json",
            folder / f"publicmetadb_ratings.quota.{scope_name(pair_id)}.json",
        )
        self._limits = {
            Bucket.SUBMIT: settings.ratings_submit_per_hour,
            Bucket.UPDATE: settings.ratings_update_per_hour,
        }
        self._clock = clock
        self._monotonic = monotonic
        self._windows: dict[Bucket, _Window] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> None:
        """Take in what the file says; a person may have deleted it, which begins a new hour.

        A damaged file counts as a window that began now and is used up: of all it may have said, only
        this can't exceed what the service allows, and it is over in an hour.
        """
        async with self._lock:
            try:
                data = await self._file.read()
                found = {} if data is None else self._parsed(data)
            except StateFileError, ValueError:
                LOGGER.warning("The rating quota can't be read: ratings wait for an hour")
                found = {bucket: self._new(closed=True) for bucket in Bucket}
                await self._save(found)
            for bucket, window in found.items():
                mine = self._windows.get(bucket)
                if mine is not None and mine.started == window.started:
                    # the same window, whose end we know better than the wall clock does
                    window.ends = mine.ends
                    window.closed = window.closed or mine.closed
                    window.refused = window.refused or mine.refused
            self._windows = found

    async def take(self, bucket: Bucket, *, beyond: bool = False) -> bool:
        """Count one rating that is about to be sent; False: the hour is used up, don't send.

        `beyond` counts it all the same: what was deleted must be put back, whatever the count.
        Raises `StateFileError` when the count can't be kept.
        """
        async with self._lock:
            window = self._current(bucket)
            if not beyond and self.used_up(bucket):
                if not window.refused:
                    window.refused = True
                    await self._save(self._windows)
                return False
            window.count += 1
            self._windows[bucket] = window
            await self._save(self._windows)
            return True

    def used_up(self, bucket: Bucket) -> bool:
        """Whether nothing may be sent before the next window."""
        window = self._windows.get(bucket)
        if window is None or window.ends <= self._monotonic():
            return False
        return window.closed or window.count >= self._limits[bucket]

    def left(self, bucket: Bucket) -> int:
        """Return how many may still be sent in this hour."""
        if self.used_up(bucket):
            return 0
        window = self._windows.get(bucket)
        sent = 0 if window is None or window.ends <= self._monotonic() else window.count
        return self._limits[bucket] - sent

    async def close(self, bucket: Bucket, seconds: float) -> None:
        """Send no more for so long: the service said so, whatever was counted here."""
        async with self._lock:
            window = self._current(bucket)
            window.closed = window.refused = True
            window.ends = max(window.ends, self._monotonic() + seconds)
            # the file tells when a window started; the service's break is its last part
            window.started = math.ceil(self._clock() + window.ends - self._monotonic() - WINDOW)
            self._windows[bucket] = window
            await self._save(self._windows)

    def opens_at(self, bucket: Bucket) -> int | None:
        """Epoch seconds from which it is not used up any more; None if it isn't."""
        window = self._windows.get(bucket)
        if window is None or not self.used_up(bucket):
            return None
        return math.ceil(self._clock() + window.ends - self._monotonic())

    def retry_at(self) -> int | None:
        """Epoch seconds from which something that was refused can be sent; None if nothing was."""
        opened = (self.opens_at(bucket) for bucket, window in self._windows.items() if window.refused)
        return min((at for at in opened if at is not None), default=None)

    def _current(self, bucket: Bucket) -> _Window:
        window = self._windows.get(bucket)
        if window is None or window.ends <= self._monotonic():
            window = self._windows[bucket] = self._new()
        return window

    def _new(self, *, closed: bool = False) -> _Window:
        return _Window(started=int(self._clock()), ends=self._monotonic() + WINDOW, closed=closed)

    def _parsed(self, data: Any) -> dict[Bucket, _Window]:
        buckets = data.get("buckets") if isinstance(data, Mapping) else None
        if not isinstance(buckets, Mapping):
            raise ValueError("not a quota")  # noqa: TRY004 - one error for every unreadable file
        found: dict[Bucket, _Window] = {}
        for bucket in Bucket:
            if (row := buckets.get(bucket)) is None:
                continue
            started, count = _number(row, "window_start"), _number(row, "count")
            left = min(max(started + WINDOW - self._clock(), 0.0), WINDOW)
            found[bucket] = _Window(
                started=int(started),
                ends=self._monotonic() + left,
                count=int(count),
                closed=row.get("closed") is True,
                refused=row.get("refused") is True,
            )
        return found

    async def _save(self, windows: Mapping[Bucket, _Window]) -> None:
        rows: dict[str, dict[str, Any]] = {}
        for bucket, window in windows.items():
            rows[bucket.value] = {
                "window_start": window.started,
                "count": window.count,
                "limit": self._limits[bucket],
            }
            # something waits for the end of this window, also after a restart
            told = {"closed": window.closed, "refused": window.refused}
            rows[bucket.value] |= {name: True for name, value in told.items() if value}
        await self._file.write({"buckets": rows})


def _number(row: Any, name: str) -> float:
    value = row.get(name) if isinstance(row, Mapping) else None
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or not math.isfinite(value)
        or value < 0
    ):
        raise ValueError(name)
    return value
