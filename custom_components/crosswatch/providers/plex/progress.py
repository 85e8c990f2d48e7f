"""Resume positions (API reference 2.11, 2.12, 4.6).

A position is written through the timeline, always below the share of the film from which on the server
takes it for watched, never while it is being played, and never over what was watched later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ...sync.models import Kind, Outcome, OutcomeStatus, Resume
from ...sync.provider import AuthError, ForbiddenError
from .actions import stop_at
from .applying import Job, outcome
from .client import PlexServerClient
from .library import Catalogue, Row, Section, read_listing
from .targets import Prepared, Target, read_rows
from .tasks import side_by_side
from .wire import mapping, number, rows as wire_rows, text

LEVELS: Final = {Kind.MOVIE: Kind.MOVIE, Kind.SHOW: Kind.EPISODE}
STARTED: Final = {"viewOffset>>": 0}
WATCHED_PERCENT: Final = 90
"""From here on a server takes an item for watched, unless its owner has set another share (2.11)."""
LEAST: Final = 60_000
"""Milliseconds below which a server may forget a position."""
LEAST_PERCENT: Final = 1.0
EQUAL: Final = 1000
"""Milliseconds that make no difference, or a thousandth of the duration."""
TOLERANCE: Final = 30
"""Seconds that clocks may differ."""
LIVELY: Final = 120
"""Seconds since a position moved, in which the item may be playing where that can't be seen."""
THRESHOLD: Final = "LibraryVideoPlayedThreshold"

MISSING_DURATION: Final = "missing_duration"
MISSING_TIME: Final = "missing_source_timestamp"
TOO_SMALL: Final = "progress_too_small"
UNCHANGED: Final = "progress_unchanged"
ACTIVE: Final = "active_session"
MAYBE_ACTIVE: Final = "maybe_active_session"
TARGET_NEWER: Final = "target_newer"
ALREADY_WATCHED: Final = "already_watched"
PASSING: Final = frozenset({MISSING_TIME, TOO_SMALL, ALREADY_WATCHED})
"""Reasons that the next look may find gone, whatever happens to the library."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What was learned before writing.

    `playing` are keys and guids this user is playing, None where that is hidden from them. An item counts
    as watched from `watched_percent` on.
    """

    playing: frozenset[str] | None
    watched_percent: int = WATCHED_PERCENT


async def read_progress(
    client: PlexServerClient, catalogue: Catalogue, sections: Sequence[Section]
) -> tuple[Resume, ...]:
    """Read all resume positions of the user in these libraries, or raise."""
    async with side_by_side() as group:
        tasks = [
            group.create_task(read_listing(client, section, LEVELS[section.kind], catalogue.rows, STARTED))
            for section in sections
        ]
    newest: dict[str, Row] = {}
    for row in (row for task in tasks for row in task.result()):
        if not row.view_offset or row.view_offset < 0:
            continue
        # copies that share a guid share their position
        best = newest.get(row.guid or row.key)
        if best is None or (best.last_viewed_at or 0) < (row.last_viewed_at or 0):
            newest[row.guid or row.key] = row
    return tuple(resume_of(row) for row in newest.values())


def resume_of(row: Row) -> Resume:
    """Build the position of a row. A duration of 0 is none."""
    return Resume(
        item=row.item,
        position_ms=row.view_offset or 0,
        duration_ms=row.duration or None,
        at=row.last_viewed_at,
        remote_id=row.key,
    )


async def look_around(client: PlexServerClient, account: int) -> Situation:
    """Learn what this account of the server is playing, and what counts as watched.

    Both are for the owner to see on the servers known; that others may is an open question (section 8).
    """
    return Situation(playing=await _playing(client, account), watched_percent=await _threshold(client))


async def _playing(client: PlexServerClient, account: int) -> frozenset[str] | None:
    try:
        found = await client.container("status/sessions")
    except AuthError, ForbiddenError:
        return None
    # without a user it may be anybody's, this one's too
    mine = (
        row
        for row in wire_rows(found.get("Metadata"))
        if "User" not in row or number(mapping(row["User"]), "id") in (account, None)
    )
    return frozenset(value for row in mine for name in ("ratingKey", "guid") if (value := text(row, name)))


async def _threshold(client: PlexServerClient) -> int:
    try:
        found = await client.container(":/prefs")
    except AuthError, ForbiddenError:
        return WATCHED_PERCENT
    for row in wire_rows(found.get("Setting")):
        if text(row, "id") == THRESHOLD:
            percent = number(row, "value")
            # never above the usual share, and never so low that nothing could be written
            return WATCHED_PERCENT if percent is None else max(5, min(percent, WATCHED_PERCENT))
    return WATCHED_PERCENT


def progress_jobs(client: PlexServerClient, prepared: Prepared, situation: Situation) -> list[Job]:
    """Return what is to be sent for the changes."""
    return [_job(client, prepared.catalogue, target, situation) for target in prepared.targets]


def _job(client: PlexServerClient, catalogue: Catalogue, target: Target, situation: Situation) -> Job:
    async def write() -> Sequence[Outcome]:
        # read once more: a position moves every few seconds while something plays
        fresh = await read_rows(client, catalogue, [row.key for row in target.rows])
        rows = tuple(fresh[row.key] for row in target.rows if row.key in fresh)
        return [await _write(client, Target(target.change, rows or target.rows), situation)]

    return Job((target.change,), write)


async def _write(client: PlexServerClient, target: Target, situation: Situation) -> Outcome:
    change = target.change
    if not isinstance(change.entry, Resume):
        raise TypeError("not a resume position")
    at: int | None = None
    for row in target.rows:
        placed = place(change.entry, row, situation, client.clock.now())
        if isinstance(placed, Refusal):
            if at is None:
                return outcome(change, placed.status, placed.reason)
            break
        at = await stop_at(client, row.key, placed, row.duration or change.entry.duration_ms or 0)
    return outcome(change, OutcomeStatus.APPLIED, at=at, key=target.rows[0].key)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a position is not written."""

    status: OutcomeStatus
    reason: str


def place(entry: Resume, row: Row, situation: Situation, now: int) -> int | Refusal:
    """Return the position to write in milliseconds, or why none is. `now` is by the server's clock."""
    duration = row.duration or entry.duration_ms
    if not duration:
        return Refusal(OutcomeStatus.UNRESOLVED, MISSING_DURATION)
    position = entry.position_ms
    if entry.duration_ms and row.duration:
        # another cut of the film: the same share of it
        position = round(position * row.duration / entry.duration_ms)
    if position < max(LEAST, duration * LEAST_PERCENT / 100):
        return Refusal(OutcomeStatus.UNRESOLVED, TOO_SMALL)
    position = min(position, duration * situation.watched_percent // 100 - EQUAL)
    held = row.view_offset or 0
    if held and abs(held - position) <= max(EQUAL, duration // 1000):
        return Refusal(OutcomeStatus.ALREADY, UNCHANGED)
    if (busy := _busy(row, situation, now)) is not None:
        return Refusal(OutcomeStatus.FAILED, busy)
    return _newer(entry, row) or position


def _newer(entry: Resume, row: Row) -> Refusal | None:
    """Refuse what would go back behind something watched later."""
    if row.last_viewed_at is None or not (row.view_offset or row.view_count):
        return None
    if entry.at is None:
        return Refusal(OutcomeStatus.UNRESOLVED, MISSING_TIME)
    if row.last_viewed_at <= entry.at + TOLERANCE:
        return None
    if row.view_offset:
        return Refusal(OutcomeStatus.FAILED, TARGET_NEWER)
    return Refusal(OutcomeStatus.UNRESOLVED, ALREADY_WATCHED)


def _busy(row: Row, situation: Situation, now: int) -> str | None:
    if situation.playing is not None:
        return ACTIVE if not situation.playing.isdisjoint({row.key, row.guid}) else None
    moved = row.last_viewed_at if row.view_offset else None
    return MAYBE_ACTIVE if moved is not None and abs(now - moved) < LIVELY else None
