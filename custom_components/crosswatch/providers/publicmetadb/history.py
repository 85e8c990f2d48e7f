"""The watch history: plays of movies and episodes, one row each (API reference 3.4, 5.2)."""

from collections.abc import AsyncGenerator
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


@dataclass(slots=True)
class PlayReader:
    """Makes plays of rows. Plays of one title share its ids, so that 100,000 of them fit into little memory."""

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
        dates = (row[name] for name in ("watched_at", "watchedAt", "last_watched_at") if row.get(name) is not None)
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
    def shadow_of(plays: list[Play]) -> Shadow:
        """Return the shadow of a complete read."""
        return Shadow.from_pairs((play_key(play), play.remote_id) for play in plays)

    @asynccontextmanager
    async def writing(self, file: ShadowFile) -> AsyncGenerator[Write]:
        """Prepare for some changes; the result carries out one."""

        async def reread() -> Shadow:
            found = self.shadow_of(await self.read())
            await file.replace(found)
            return found

        removals = Removals(
            file=file,
            known=file.load,
            reread=reread,
            delete=lambda row: self._client.delete((*PATH, row)),
            missing=MISSING_REMOTE_HISTORY_ID,
        )
        additions = _Additions(self._client, file)

        async def write(change: Change) -> Outcome:
            play = change.entry
            if not isinstance(play, Play):
                raise TypeError("not a play")
            if change.action is Action.REMOVE:
                return await removals.remove(change, play_key(play), only=True)
            row = await additions.add(play)
            return Outcome(change=change, status=OutcomeStatus.APPLIED, remote_id=row)

        yield write


class _Additions:
    """The new plays of one `apply`."""

    def __init__(self, client: PublicMetaDBClient, file: ShadowFile) -> None:
        self._client = client
        self._file = file
        self._added: set[str] = set()
        self._before: frozenset[str] | None = None

    async def add(self, play: Play) -> str | None:
        """Add a play and return its row id where the answer tells it."""
        if play.watched_at is None:
            raise TypeError("a play without a date is refused before")
        body = {**body_of(play.item), "watched_at": stamp(play.watched_at)}
        row = await self._client.create(PATH, body, {"dedupe": "true"})
        if _other_moment(row, play.watched_at) and await self._is_known(row_id(row)):
            # what the service takes for the same play is not told (API reference, question 7). It answered
            # with another play that was there before, so nothing was added: once more without that check
            row = await self._client.create(PATH, body)
        if (added := row_id(row)) is not None:
            self._added.add(added)
            self._file.add(play_key(play), added)
        return added

    async def _is_known(self, row: str | None) -> bool:
        if self._before is None:
            shadow = await self._file.load()
            self._before = frozenset(one for rows in shadow.rows.values() for one in rows)
        return row in self._before or row in self._added


def _other_moment(row: Row, watched_at: int) -> bool:
    """Whether an answer shows a play of another moment."""
    try:
        answered = moment(row.get("watched_at"))
    except BadAnswerError:
        return False
    return answered is not None and answered != watched_at
