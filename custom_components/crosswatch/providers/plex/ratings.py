"""The user's ratings of movies, shows, seasons and episodes (API reference 2.10, 4.5).

Plex keeps 0 to 10 with fractions; 0 is no rating. Here a rating is ten times that, so half stars stay.
"""

from collections.abc import Sequence
from typing import Final

from ...sync.models import Action, Change, Kind, Outcome, OutcomeStatus, Rating
from ...sync.provider import RefusedError
from .actions import rate
from .applying import Job, outcome
from .client import PlexServerClient
from .library import TRIM, TYPES, Catalogue, Row, Section, read_listing
from .paging import Page
from .targets import Prepared, Target, read_rows
from .tasks import side_by_side

LEVELS: Final = {Kind.MOVIE: (Kind.MOVIE,), Kind.SHOW: (Kind.SHOW, Kind.SEASON, Kind.EPISODE)}
"""What can be rated in a library of a kind."""
RATED: Final = {"userRating>>": 0}
ALREADY_RATED: Final = "already_rated"
NOT_RATED: Final = "not_rated"
CHANGED_MEANWHILE: Final = "changed_meanwhile"
CLEAR_FAILED: Final = "clear_failed"
CLEARING: Final = (-10, 0)
"""What may take a rating away, times ten: which of both does is not documented (section 8, question 3)."""


async def read_ratings(
    client: PlexServerClient, catalogue: Catalogue, sections: Sequence[Section]
) -> tuple[Rating, ...]:
    """Read all ratings of the user in these libraries, or raise."""
    async with side_by_side() as group:
        tasks = [
            group.create_task(_read_level(client, catalogue, section, kind))
            for section in sections
            for kind in LEVELS[section.kind]
        ]
    found = [row for task in tasks for row in task.result() if row.tenths]
    return tuple(rating_of(row) for row in newest_copies(found))


async def _read_level(
    client: PlexServerClient, catalogue: Catalogue, section: Section, kind: Kind
) -> list[Row]:
    found = await read_listing(client, section, kind, catalogue.rows, RATED)
    if not found and await _has_rated(client, section, kind):
        # the long way, over everything there is
        found = await read_listing(client, section, kind, catalogue.rows)
    return found


async def _has_rated(client: PlexServerClient, section: Section, kind: Kind) -> bool:
    """Whether there is a rating after all: some filters are falsely empty on some servers (2.5)."""
    params: dict[str, str | int] = {"type": TYPES[kind], "sort": "lastRatedAt:desc"}
    page: Page[Row] = await client.page(
        f"library/sections/{section.id}/all",
        params | TRIM,
        lambda row: Row.from_row(row, section.id, {}),
        size=1,
    )
    return any(row.tenths for row in page.values)


def newest_copies(rows: Sequence[Row]) -> list[Row]:
    """Return one row of each guid, the one rated last: copies that share it share their state."""
    newest: dict[str, Row] = {}
    for row in rows:
        place = row.guid or row.key
        best = newest.get(place)
        if best is None or (best.rated_at or 0) < (row.rated_at or 0):
            newest[place] = row
    return list(newest.values())


def rating_of(row: Row) -> Rating:
    """Build the rating of a row."""
    return Rating(item=row.item, tenths=row.tenths, rated_at=row.rated_at, remote_id=row.key)


def rating_jobs(client: PlexServerClient, prepared: Prepared) -> list[Job]:
    """Return what is to be sent for the changes."""
    return [_job(client, prepared.catalogue, target) for target in prepared.targets]


def _job(client: PlexServerClient, catalogue: Catalogue, target: Target) -> Job:
    async def write() -> Sequence[Outcome]:
        return [await _write(client, catalogue, target)]

    return Job((target.change,), write)


async def _write(client: PlexServerClient, catalogue: Catalogue, target: Target) -> Outcome:
    change, rows = target.change, target.rows
    if not isinstance(change.entry, Rating):
        raise TypeError("not a rating")
    wanted = 0 if change.action is Action.REMOVE else change.entry.tenths
    open_rows = [row for row in rows if row.tenths != wanted]
    if not open_rows:
        return outcome(change, OutcomeStatus.ALREADY, ALREADY_RATED if wanted else NOT_RATED)
    if not _as_planned(change, rows):
        # somebody rated it since the plan was made: the next run sees that
        return outcome(change, OutcomeStatus.FAILED, CHANGED_MEANWHILE)
    at = 0
    for row in open_rows:
        if wanted:
            at = await rate(client, row.key, wanted, _moment(client, change.entry.rated_at))
        elif (cleared := await _clear(client, catalogue, row)) is None:
            return outcome(change, OutcomeStatus.UNRESOLVED, CLEAR_FAILED)
        else:
            at = cleared
    # a date that was sent along is the entry's own
    dated = wanted and change.entry.rated_at is not None
    return outcome(change, OutcomeStatus.APPLIED, at=None if dated else at, key=open_rows[0].key)


def _as_planned(change: Change, rows: Sequence[Row]) -> bool:
    """Whether the ratings are what they were when the plan was made; a copy may have none."""
    before = change.before.tenths if isinstance(change.before, Rating) else 0
    if change.action is Action.REMOVE and change.before is None:
        return True
    found = {row.tenths for row in rows}
    return before in found and found <= {0, before}


def _moment(client: PlexServerClient, rated_at: int | None) -> int | None:
    """Return the date to send: the server refuses one in its future (API reference 2.10)."""
    return None if rated_at is None else max(0, min(rated_at, client.clock.latest))


async def _clear(client: PlexServerClient, catalogue: Catalogue, row: Row) -> int | None:
    """Take a rating away and look; return when, None if it is still there."""
    for tenths in CLEARING:
        try:
            at = await rate(client, row.key, tenths)
        except RefusedError:
            continue
        fresh = (await read_rows(client, catalogue, [row.key])).get(row.key)
        if fresh is None or not fresh.tenths:
            return at
    return None
