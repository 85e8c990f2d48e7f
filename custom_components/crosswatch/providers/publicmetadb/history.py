"""The watch history: plays of movies and episodes, one row each (API reference 3.4, 5.2)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ...sync.models import Action, Change, Feature, Ids, Kind, Outcome, OutcomeStatus, Play
from ...sync.provider import BadAnswerError
from .applying import Write
from .client import PublicMetaDBClient
from .naming import body_of, play_key
from .refusals import MISSING_REMOTE_HISTORY_ID
from .removing import Removals
from .settings import PublicMetaDBSettings
from .shadow import Shadow, ShadowFile
from .wire import Row, episode_of, media_type, moment, row_id, stamp, title_of, tmdb_id

PATH = ("watched",)
ALREADY_PLAYED = "already_played"


@dataclass(slots=True)
class PlayReader:
    """Makes plays of rows. Plays of one title share its ids: 100,000 of them need little memory."""

    _ids: dict[int, Ids] = field(default_factory=dict)

    def __call__(self, row: Row) -> Play | None:
        """Return the play of a row; None for a whole show, a season, or a row without a TMDb id."""
        tmdb = tmdb_id(row)
        kind = media_type(row)
        if tmdb is None or kind.startswith("season"):
            return None
        ids = self._ids.setdefault(tmdb, Ids(tmdb=tmdb))
        item = title_of(row, Kind.MOVIE, ids) if kind == "movie" else episode_of(row, ids)
        if item is None:
            return None
        dates = (
            row[name] for name in ("watched_at", "watchedAt", "last_watched_at") if row.get(name) is not None
        )
        return Play(item=item, watched_at=moment(next(dates, None)), remote_id=row_id(row))


class History:
    """Reads and writes the plays of one account."""

    feature = Feature.HISTORY

    def __init__(self, client: PublicMetaDBClient, settings: PublicMetaDBSettings) -> None:
        """Nothing is sent yet."""
        self._client = client
        self._settings = settings

    async def read(self) -> list[Play]:
        """Return all plays; complete, or it raises."""
        return await self._client.read(
            PATH,
            PlayReader(),
            per_page=self._settings.history_per_page,
            max_pages=self._settings.history_max_pages,
        )

    @staticmethod
    async def shadow_of(plays: list[Play]) -> Shadow:
        """Return the shadow of a complete read."""
        pairs = ((play_key(play), play.remote_id) for play in plays)
        # 100,000 keys are more than the event loop may wait for
        return await asyncio.to_thread(Shadow.from_pairs, pairs)

    @asynccontextmanager
    async def writing(self, file: ShadowFile, changes: Sequence[Change]) -> AsyncGenerator[Write]:
        """Prepare for the changes; the result carries out one of them."""

        async def reread() -> Shadow:
            found = await self.shadow_of(await self.read())
            await file.replace(found)
            return found

        removals = Removals(
            file=file,
            key_of=lambda change: play_key(_play(change)),
            known=file.load,
            reread=reread,
            delete=lambda row: self._client.delete((*PATH, row)),
            missing=MISSING_REMOTE_HISTORY_ID,
        )
        await removals.prepare(changes)
        additions = _Additions(self._client, file, reread)

        async def write(change: Change) -> Outcome:
            if change.action is Action.REMOVE:
                return await removals.remove(change, only=True)
            return await additions.add(change, _play(change))

        yield write


class _Additions:
    """The new plays of one `apply`."""

    def __init__(
        self, client: PublicMetaDBClient, file: ShadowFile, reread: Callable[[], Awaitable[Shadow]]
    ) -> None:
        self._client = client
        self._file = file
        self._reread = reread
        self._added: dict[str, str] = {}
        """Key by row id."""
        self._before: frozenset[str] | None = None
        self._fresh: Shadow | None = None
        self._lock = asyncio.Lock()

    async def add(self, change: Change, play: Play) -> Outcome:
        """Add a play with the service's own de-duplication, which alone must not swallow it."""
        if play.watched_at is None:
            raise TypeError("a play without a date is refused before")
        key = play_key(play)
        body = {**body_of(play.item), "watched_at": stamp(play.watched_at)}
        row = await self._client.create(PATH, body, {"dedupe": "true"})
        if _other_moment(row, play.watched_at) and await self._was_there(row_id(row)):
            # what the service takes for the same play is not told (API reference, question 7). It answered
            # with another play that was there before, so nothing was added: once more without that check
            if await self._is_there(key):
                return Outcome(change=change, status=OutcomeStatus.ALREADY, reason=ALREADY_PLAYED)
            row = await self._client.create(PATH, body)
        if (added := row_id(row)) is not None:
            self._added[added] = key
            self._file.add(key, added)
        return Outcome(change=change, status=OutcomeStatus.APPLIED, remote_id=added)

    async def _was_there(self, row: str | None) -> bool:
        """Whether a row was known before this play was sent."""
        async with self._lock:
            if self._before is None:
                self._before = (await self._file.load()).all()
        return row in self._before or row in self._added

    async def _is_there(self, key: str) -> bool:
        """Whether the very play is there, by a fresh read: sending it must not make two of it."""
        async with self._lock:
            if self._fresh is None:
                self._fresh = await self._reread()
        return key in self._fresh.rows or key in self._added.values()


def _play(change: Change) -> Play:
    if not isinstance(change.entry, Play):
        raise TypeError("not a play")
    return change.entry


def _other_moment(row: Row, watched_at: int) -> bool:
    """Whether an answer shows a play of another moment."""
    try:
        answered = moment(row.get("watched_at"))
    except BadAnswerError:
        return False
    return answered is not None and answered != watched_at
