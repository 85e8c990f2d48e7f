"""Resume positions of movies and episodes, one row each, in milliseconds (API reference 3.6, 5.4)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
import logging
import math
from typing import Any, Self

from ...sync.models import Action, Change, Ids, Kind, Outcome, OutcomeStatus, Resume
from ...sync.provider import BadAnswerError, ForbiddenError, ProviderError, RefusedError
from .applying import Write
from .client import PublicMetaDBClient
from .naming import body_of, item_key
from .refusals import MISSING_REMOTE_RESUME_ID, PROGRESS_COMPLETED, PROGRESS_IGNORED
from .removing import Removals
from .settings import PublicMetaDBSettings
from .shadow import Shadow, ShadowFile
from .wire import Row, episode_of, media_type, moment, row_id, title_of, tmdb_id

LOGGER = logging.getLogger(__name__)

PATH = ("resume",)
POSITIONS = ("progress_ms", "progressMs", "position_ms", "positionMs", "viewOffset")
DURATIONS = ("duration_ms", "durationMs", "runtime_ms", "runtimeMs")
"""Names that say or are known to mean milliseconds. `duration` and `runtime` may be minutes (W13)."""
STOPPED = ("updated", "updated_at", "progress_at", "last_played")
DROPPED = {"ignored": PROGRESS_IGNORED, "completed": PROGRESS_COMPLETED}
"""Answers that mean that no position is kept."""
NOT_KEPT = 3600
"""Seconds before a position is sent again that the service would not keep (API reference W25)."""
HALF_A_PERCENT = 0.5
HTTP_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent last for an item, and what the service answered to have kept of it, if it told.

    `at` is when playing stopped, epoch seconds: the service knows only when it was told (3.6).
    """

    position_ms: int
    duration_ms: int
    at: int | None
    kept_position_ms: int | None
    kept_duration_ms: int | None

    def as_json(self) -> list[Any]:
        """Return what the shadow keeps."""
        return [self.position_ms, self.duration_ms, self.at, self.kept_position_ms, self.kept_duration_ms]

    @classmethod
    def from_json(cls, row: Sequence[Any]) -> Self | None:
        """Read what the shadow keeps; None for anything else."""
        plain = all(one is None or (isinstance(one, int) and not isinstance(one, bool)) for one in row)
        if len(row) != 5 or not plain or not row[0] or not row[1]:  # noqa: PLR2004 - the fields above
            return None
        return cls(*row)

    def is_echo(self, read: Resume) -> bool:
        """Whether a position is what the service made of the one that was sent."""
        if self.kept_position_ms is not None:
            return (read.position_ms, read.duration_ms) == (self.kept_position_ms, self.kept_duration_ms)
        if read.duration_ms is None or abs(read.duration_ms - self.duration_ms) > self.duration_ms / 100:
            return False
        # it may keep whole percents only (API reference 3.6)
        apart = 100 * read.position_ms / read.duration_ms - 100 * self.position_ms / self.duration_ms
        return abs(apart) <= HALF_A_PERCENT


def resume_of(row: Row) -> Resume | None:
    """Return the position of a row; None for a whole show, without a TMDb id, or without a position."""
    tmdb, kind = tmdb_id(row), media_type(row)
    if tmdb is None or kind.startswith("season"):
        return None
    ids = Ids(tmdb=tmdb)
    item = title_of(row, Kind.MOVIE, ids) if kind == "movie" else episode_of(row, ids)
    duration = next(
        (ms for name in DURATIONS if (ms := milliseconds(row, name)) is not None and ms > 0), None
    )
    position = next((ms for name in POSITIONS if (ms := milliseconds(row, name)) is not None), None)
    if position is None and duration is not None and (percent := number(row.get("progress"))) is not None:
        position = round(duration * min(max(percent, 0.0), 100.0) / 100)
    if item is None or position is None or position <= 0:
        return None
    if duration is not None:
        position = min(position, duration)
    return Resume(
        item=item, position_ms=position, duration_ms=duration, at=_stopped(row), remote_id=resume_id(row)
    )


def milliseconds(row: Row, name: str) -> int | None:
    """Return a time, also one written as a fraction or a text (W13)."""
    value = number(row.get(name))
    return None if value is None else round(value)


def number(value: Any) -> float | None:
    """Read a number; null and "" are none. Anything else raises: a row may not just vanish."""
    if value is None or value == "":
        return None
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            found = float(value)
        except ValueError:
            found = math.nan
        if math.isfinite(found):
            return found
    raise BadAnswerError("a time is not a number")


def resume_id(row: Row) -> str | None:
    """Return the id of a row; `resume_id` is an alias (API reference 5.4)."""
    alias = row.get("resume_id")
    return alias if isinstance(alias, str) and alias else row_id(row)


def _stopped(row: Row) -> int | None:
    for name in STOPPED:
        try:
            if (at := moment(row.get(name))) is not None:
                return at
        except BadAnswerError:
            # without a time it is an undated position
            continue
    return None


class Progress:
    """Reads and writes the resume positions of one account."""

    def __init__(
        self, client: PublicMetaDBClient, settings: PublicMetaDBSettings, clock: Callable[[], float]
    ) -> None:
        """Nothing is sent yet. `clock` answers epoch seconds."""
        self._client = client
        self._settings = settings
        self._clock = clock

    async def read(self, file: ShadowFile, *, read_only: bool) -> list[Resume]:
        """Return all positions; complete, or it raises. What we sent ourselves comes back as we sent it."""
        rows = await self._rows()
        found = _latest(rows)
        known = await file.load()
        shadow = self._shadow_of(rows)
        entries: list[Resume] = []
        for entry in found:
            key = item_key(entry.item)
            sent = Sent.from_json(known.sent.get(key, ()))
            if sent is not None and sent.is_echo(entry):
                shadow.sent[key] = known.sent[key]
                entry = replace(  # noqa: PLW2901 - the same position, told more precisely
                    entry,
                    position_ms=sent.position_ms,
                    duration_ms=sent.duration_ms,
                    at=entry.at if sent.at is None else sent.at,
                )
            entries.append(entry)
        if not read_only:
            await file.replace(shadow)
        return entries

    async def _rows(self) -> list[Resume]:
        return await self._client.read(
            PATH,
            resume_of,
            per_page=self._settings.progress_per_page,
            max_pages=self._settings.progress_max_pages,
        )

    @staticmethod
    def _shadow_of(entries: Sequence[Resume]) -> Shadow:
        return Shadow.from_pairs((item_key(entry.item), entry.remote_id) for entry in entries)

    @asynccontextmanager
    async def writing(self, file: ShadowFile, changes: Sequence[Change]) -> AsyncGenerator[Write]:
        """Prepare for the changes; the result carries out one of them."""
        lock = asyncio.Lock()
        fresh: list[Resume] | None = None

        async def rows() -> list[Resume]:
            nonlocal fresh
            async with lock:
                if fresh is None:
                    fresh = await self._rows()
                return fresh

        async def reread() -> Shadow:
            return self._shadow_of(await rows())

        removals = Removals(
            file=file,
            key_of=lambda change: item_key(change.entry.item),
            known=file.load,
            reread=reread,
            delete=lambda row: self._client.delete((*PATH, row)),
            missing=MISSING_REMOTE_RESUME_ID,
        )
        await removals.prepare(changes)

        async def write(change: Change) -> Outcome:
            if change.action is Action.REMOVE:
                outcome = await removals.remove(change, only=False)
                if outcome.status in (OutcomeStatus.APPLIED, OutcomeStatus.ALREADY):
                    file.remember_sent(item_key(change.entry.item), None)
                return outcome
            entry = _resume(change)
            try:
                answer = await self._client.send(PATH, _body(entry))
            except RefusedError as err:
                if err.status != HTTP_CONFLICT:
                    raise
                # it keeps one row and won't replace it: delete it, then once more (API reference 2.3)
                key = item_key(entry.item)
                there = next((row for row in _latest(await rows()) if item_key(row.item) == key), None)
                if there is None or there.remote_id is None:
                    raise
                await self._client.delete((*PATH, there.remote_id))
                answer = await self._again(entry, there)
            outcome = _outcome(file, change, entry, answer)
            if outcome.status is OutcomeStatus.UNRESOLVED:
                # not for days: by then it has been watched on
                return replace(outcome, retry_at=int(self._clock()) + NOT_KEPT)
            return outcome

        yield write

    async def _again(self, entry: Resume, before: Resume) -> Row:
        """Send a position whose old row was deleted; the old one comes back if it is refused."""
        try:
            return await self._client.send(PATH, _body(entry))
        except RefusedError, ForbiddenError, BadAnswerError:
            if before.duration_ms is not None:
                try:
                    await self._client.send(PATH, _body(before))
                except ProviderError as err:
                    LOGGER.warning("A resume position could neither be changed nor put back (%s)", err)
            raise


def _latest(rows: Sequence[Resume]) -> list[Resume]:
    """Return one row for each title: two of one title are one position, the later one."""
    latest: dict[str, Resume] = {}
    for row in rows:
        before = latest.get(key := item_key(row.item))
        if before is None or (row.at or 0) > (before.at or 0):
            latest[key] = row
    return list(latest.values())


def _outcome(file: ShadowFile, change: Change, entry: Resume, answer: Row) -> Outcome:
    """Return what became of a position. The action decides, whatever else the answer carries."""
    key = item_key(entry.item)
    if (reason := DROPPED.get(str(answer.get("action")))) is not None:
        # adapter document: the local reference goes
        file.forget_all(key)
        file.remember_sent(key, None)
        return Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason=reason)
    item = answer.get("item")
    row: Row = item if isinstance(item, dict) else answer
    added = resume_id(row)
    if added is not None:
        file.forget_all(key)
        file.add(key, added)
    position, duration = _kept(row, "position_ms"), _kept(row, "runtime_ms")
    if position is None or duration is None:
        position = duration = None
    sent = Sent(entry.position_ms, entry.duration_ms or 0, entry.at, position, duration)
    file.remember_sent(key, sent.as_json())
    return Outcome(change=change, status=OutcomeStatus.APPLIED, remote_id=added, written_at=_stopped(row))


def _kept(row: Row, name: str) -> int | None:
    try:
        return milliseconds(row, name)
    except BadAnswerError:
        # only what the next read says counts
        return None


def _resume(change: Change) -> Resume:
    if not isinstance(change.entry, Resume):
        raise TypeError("not a resume position")
    return change.entry


def _body(entry: Resume) -> dict[str, Any]:
    return {**body_of(entry.item), "position_ms": entry.position_ms, "runtime_ms": entry.duration_ms}
