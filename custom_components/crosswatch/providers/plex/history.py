"""What the selected user has watched: the server's play log, joined to the catalogue (API reference 2.8).

Every row of the log is an event of its own; rewatches stay apart. Rows have neither ids nor year: those
come from the catalogue by ratingKey, which the server looks up when it answers. A row whose item is
gone keeps its titles and numbers.
"""

import asyncio
from collections import ChainMap
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
import time
from typing import Any, Final, Self

from ...sync.models import MARKED, NO_IDS, Ids, Item, Kind, Play
from ...sync.provider import AuthError, ForbiddenError
from .cache import AUDIT, HEAD, Libraries
from .client import PlexServerClient
from .guids import has_external
from .library import Catalogue, Row, Section, choose_sections, read_sections
from .paging import Page, Wire
from .settings import PlexSettings
from .wire import number, text

PATH: Final = "status/sessions/history/all"
OWNER_ACCOUNT: Final = 1

type Identity = tuple[object, ...]
type LogEntry = Play | LogRow


@dataclass(frozen=True, slots=True)
class LogRow:
    """One play as the log has it; keys are None once the item is gone. Date in epoch seconds UTC."""

    id: str
    kind: Kind
    key: str | None
    show_key: str | None
    section: str | None
    title: str | None
    show_title: str | None
    season: int | None
    episode: int | None
    year: int | None
    viewed_at: int

    @classmethod
    def from_row(cls, row: Wire, account: int) -> Self | None:
        """Build from a row; None for music and clips, another account's rows and rows without a date.

        The log may hold rows without a date (API reference 2.8): they say nothing that the item's
        watched state does not say better, and an event needs its date to be told from others.
        """
        kind, viewed_at = text(row, "type"), number(row, "viewedAt")
        if kind not in (Kind.MOVIE, Kind.EPISODE) or viewed_at is None:
            return None
        # the server was asked for this account, so a row that names none is this account's
        if number(row, "accountID") not in (account, None):
            return None
        show_path = text(row, "grandparentKey")
        return cls(
            id=short(row_key(row)),
            kind=Kind(kind),
            key=text(row, "ratingKey"),
            show_key=show_path.rpartition("/")[2] if show_path is not None else None,
            section=text(row, "librarySectionID"),
            title=text(row, "title"),
            show_title=text(row, "grandparentTitle"),
            season=number(row, "parentIndex") if kind == Kind.EPISODE else None,
            episode=number(row, "index") if kind == Kind.EPISODE else None,
            # a row has no year of its own; of an episode it would not be the show's
            year=year_of(text(row, "originallyAvailableAt")) if kind == Kind.MOVIE else None,
            viewed_at=viewed_at,
        )


def year_of(date: str | None) -> int | None:
    """Return the year of a date such as 2016-03-10."""
    year = (date or "")[:4]
    return int(year) if len(year) == 4 and year.isascii() and year.isdecimal() else None  # noqa: PLR2004


def row_key(row: Wire) -> str:
    """What tells rows of the log apart."""
    key = text(row, "historyKey")
    if key is not None:
        return key
    return "|".join(str(row.get(name)) for name in ("accountID", "viewedAt", "ratingKey", "type", "title"))


def short(key: str) -> str:
    """The part of a row's key that differs from row to row."""
    return key.rpartition("/")[2]


def _id(entry: LogEntry) -> str | None:
    return entry.remote_id if isinstance(entry, Play) else entry.id


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What was read. `from_log` is False where the server keeps the log from this user.

    `watched` are the items that count as watched at least once, whatever the log says. `events` are the ids
    of all rows of the log, those included that are no plays or are left out.
    """

    plays: tuple[Play, ...]
    watched: tuple[Item, ...]
    events: AbstractSet[str]
    sections: tuple[Section, ...]
    from_log: bool


class HistoryReader:
    """Reads the plays of one user of one server, and keeps the log between reads."""

    def __init__(
        self,
        cache: Libraries,
        settings: PlexSettings,
        *,
        user_id: int,
        is_owner: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`cache` are the libraries of that server and user; `clock` counts seconds."""
        self._cache = cache
        self._settings = settings
        self.account: Final = OWNER_ACCOUNT if is_owner else user_id
        """The user's account on the server (API reference 1.7)."""
        self._is_owner = is_owner
        self._clock = clock
        self._kept: _KeptLog | None = None
        self.read_at: int | None = None
        """When the last complete read began, epoch seconds UTC by the server's clock."""

    async def read(self, client: PlexServerClient, libraries: frozenset[str]) -> History:
        """Read all plays of the user in these libraries (none named: all), or raise."""
        sections = choose_sections(await read_sections(client), libraries)
        began = client.clock.now()
        catalogue = await self._cache.catalogue(client, sections, state=True)
        joiner = _Joiner(catalogue, self._settings, self.account, libraries)
        place = (self._cache.readings, libraries)
        kept = self._kept
        if kept is not None and kept.place == place and self._clock() - kept.read_at < AUDIT:
            kept = await self._continue(client, catalogue, joiner, kept)
        else:
            kept = None
        if kept is None:
            kept = await self._read_all(client, catalogue, joiner, place)
        self._kept = kept
        marked = self._settings.history_include_marked_watched and self._is_owner
        log = None if kept is None else kept.plays
        plays, watched = await asyncio.to_thread(_finish, log, catalogue, self._settings, marked=marked)
        self.read_at = began
        seen = frozenset[str]() if kept is None else kept.seen
        logged = kept is not None
        return History(plays=plays, watched=watched, events=seen, sections=sections, from_log=logged)

    async def _read_all(
        self, client: PlexServerClient, catalogue: Catalogue, joiner: _Joiner, place: tuple[object, ...]
    ) -> _KeptLog | None:
        """Read the user's rows, newest first; None where a user who is not the owner may not see them."""
        try:
            log: list[LogEntry] = await client.pages(PATH, self._params, joiner.read, key=row_key)
        except AuthError, ForbiddenError:
            # older servers show the log to the owner only, with either status (API reference 1.8). The
            # token itself is good: it has just read the libraries
            if self._is_owner or joiner.started:
                raise
            return None
        plays = await _joined(client, catalogue, log, self._settings)
        return _KeptLog(place, plays, joiner.seen, self._clock())

    async def _continue(
        self, client: PlexServerClient, catalogue: Catalogue, joiner: _Joiner, kept: _KeptLog
    ) -> _KeptLog | None:
        """Add the rows that are new; None if the log holds other changes and has to be read in full.

        One page tells: its rows are new or known, the last one is known, and with the new ones it makes
        as many as the server says there are. What was added with an older date, or taken away, does not
        add up.
        """
        try:
            page: Page[LogEntry] = await client.page(PATH, self._params, joiner.read, key=row_key, size=HEAD)
        except AuthError, ForbiddenError:
            return None  # the whole log is refused as well, or it is not
        new = {short(key) for key in page.keys} - kept.seen
        if page.total != len(kept.seen) + len(new) or page.offset not in (None, 0):
            return None
        if page.keys and len(page.keys) < page.total and short(page.keys[-1]) not in kept.seen:
            return None
        if not new:
            return kept
        fresh: list[LogEntry] = [row for row in page.values if (_id(row) or "") in new]
        plays = await _joined(client, catalogue, fresh, self._settings)
        return replace(kept, plays=(*plays, *kept.plays), seen=kept.seen | new)

    @property
    def _params(self) -> dict[str, str | int]:
        return {"accountID": self.account, "sort": "viewedAt:desc"}


@dataclass(frozen=True, slots=True)
class _KeptLog:
    """The log as read for `place`: readings of the libraries, and which of them count.

    `seen` are the rows of every kind by `short`; `read_at` counts seconds.
    """

    place: tuple[object, ...]
    plays: tuple[Play, ...]
    seen: AbstractSet[str]
    read_at: float


class _Joiner:
    """Turns rows of the log into plays while they come in. What the catalogue lacks stays a row."""

    def __init__(
        self, catalogue: Catalogue, settings: PlexSettings, account: int, libraries: frozenset[str]
    ) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self.account = account
        self._libraries = libraries
        self.seen: set[str] = set()

    @property
    def started(self) -> bool:
        """Whether any row came."""
        return bool(self.seen)

    def read(self, row: Wire) -> LogEntry | None:
        self.seen.add(short(row_key(row)))
        entry = LogRow.from_row(row, self.account)
        if entry is None:
            return None
        found = self._catalogue.rows.get(entry.key or "")
        if found is None and self._libraries and entry.section not in self._libraries:
            return None
        if found is None or found.item.kind is not entry.kind:
            return entry
        return play_of(entry, found.item, found.guid, self._settings)


async def _read_stragglers(
    client: PlexServerClient, catalogue: Catalogue, log: Collection[LogRow], *, gone_shows: bool
) -> Mapping[str, Row]:
    """Look up the items of the log that are not in the catalogue, such as those added meanwhile.

    With `gone_shows` also the shows of episodes that are gone.
    """
    keys = sorted({row.key for row in log if row.key is not None})
    items = [row for row in await client.batch(keys) if text(row, "type") in (Kind.MOVIE, Kind.EPISODE)]
    show_keys = {key for row in items if (key := text(row, "grandparentRatingKey")) is not None}
    if gone_shows:
        show_keys |= {row.show_key for row in log if row.key is None and row.show_key is not None}
    shows = {key: catalogue.rows[key] for key in show_keys & catalogue.rows.keys()}
    for row in await client.batch(sorted(show_keys - shows.keys())):
        if text(row, "type") == Kind.SHOW:
            built = Row.from_row(row, text(row, "librarySectionID") or "", {})
            shows[built.key] = built
    found = (Row.from_row(row, text(row, "librarySectionID") or "", shows) for row in items)
    return {**shows, **{row.key: row for row in found}}


async def _joined(
    client: PlexServerClient, catalogue: Catalogue, log: Sequence[LogEntry], settings: PlexSettings
) -> tuple[Play, ...]:
    """Make plays of the rows left over. All plays of an item share one `Item`."""
    left = await asyncio.to_thread(lambda: [row for row in log if isinstance(row, LogRow)])
    extra = await _read_stragglers(client, catalogue, left, gone_shows=settings.fallback_guid)
    return await asyncio.to_thread(_join, log, catalogue, extra, settings)


def _join(
    log: Iterable[LogEntry], catalogue: Catalogue, extra: Mapping[str, Row], settings: PlexSettings
) -> tuple[Play, ...]:
    plays: list[Play] = []
    gone: dict[tuple[Any, ...], Item] = {}
    shows = ChainMap(dict(extra), catalogue.rows)
    for entry in log:
        if isinstance(entry, Play):
            plays.append(entry)
            continue
        row = extra.get(entry.key or "")
        if row is not None and row.item.kind is entry.kind:
            play = play_of(entry, row.item, row.guid, settings)
        else:
            play = play_of(entry, _gone_item(entry, shows, gone), None, settings)
        if play is not None:
            plays.append(play)
    return tuple(plays)


def _finish(
    log: tuple[Play, ...] | None, catalogue: Catalogue, settings: PlexSettings, *, marked: bool
) -> tuple[tuple[Play, ...], tuple[Item, ...]]:
    """Add what only the watched state tells; without a log that is all there is."""
    watched = tuple(row.item for row in watched_rows(catalogue) if not ignored(row.item, row.guid, settings))
    if log is None:
        return tuple(state_plays(catalogue, settings)), watched
    if marked:
        logged = {identity for play in log for identity in identities(play.item)}
        log += tuple(state_plays(catalogue, settings, logged))
    return log, watched


def play_of(entry: LogRow, item: Item, guid: str | None, settings: PlexSettings) -> Play | None:
    """Build the play of a row, unless the settings leave its item out."""
    if ignored(item, guid, settings):
        return None
    return Play(item=item, watched_at=entry.viewed_at, remote_id=entry.id)


def _gone_item(entry: LogRow, shows: Mapping[str, Row], gone: dict[tuple[Any, ...], Item]) -> Item:
    """Return what is known of an item that is no longer there; an episode's show may still be."""
    place = (
        entry.kind,
        entry.title,
        entry.year,
        entry.show_key,
        entry.show_title,
        entry.season,
        entry.episode,
    )
    item = gone.get(place)
    if item is None:
        show = shows.get(entry.show_key or "")
        ids: Ids = NO_IDS
        if show is not None and show.item.kind is Kind.SHOW and show.numbered:
            ids = show.item.ids
        item = gone[place] = Item(
            kind=entry.kind,
            show_ids=ids,
            season=entry.season,
            episode=entry.episode,
            title=entry.title,
            year=entry.year,
            show_title=entry.show_title,
        )
    return item


def state_plays(
    catalogue: Catalogue, settings: PlexSettings, logged: AbstractSet[Identity] = frozenset()
) -> Iterator[Play]:
    """Plays that only the watched state tells: the last one of each item, where it has a date.

    Items with an identity among `logged` are left out. Copies that share a guid share their state. The
    date of an item that is being watched again is that of the new beginning, not of the watching.
    """
    for row in watched_rows(catalogue):
        if row.last_viewed_at is None or row.view_offset or not logged.isdisjoint(identities(row.item)):
            continue
        if not ignored(row.item, row.guid, settings):
            yield Play(item=row.item, watched_at=row.last_viewed_at, remote_id=f"{MARKED}{row.key}")


def watched_rows(catalogue: Catalogue) -> Iterable[Row]:
    """Return the watched movies and episodes; of copies that share a guid the one watched last."""
    newest: dict[str, Row] = {}
    for row in catalogue.rows.values():
        if row.item.kind not in (Kind.MOVIE, Kind.EPISODE) or not row.view_count:
            continue
        place = row.guid or row.key
        best = newest.get(place)
        if best is None or (best.last_viewed_at or -1) < (row.last_viewed_at or -1):
            newest[place] = row
    return newest.values()


def identities(item: Item) -> Iterator[Identity]:
    """Everything that tells an item apart: itself, its ids, an episode's place in a show."""
    yield (id(item),)
    for token in item.ids.tokens():
        yield (item.kind, token)
    if item.season is not None and item.episode is not None:
        for token in item.show_ids.tokens():
            yield (item.kind, token, item.season, item.episode)


def without_ids(item: Item) -> bool:
    """Whether nothing is known that another service knows too."""
    return not (has_external(item.ids) or has_external(item.show_ids))


def ignored(item: Item, guid: str | None, settings: PlexSettings) -> bool:
    """Whether the settings leave plays of this item out."""
    if settings.history_require_external_ids and without_ids(item):
        return True
    if not settings.history_ignore_local_guid or guid is None:
        return False
    prefixes = tuple(prefix.lower() for prefix in settings.history_ignore_guid_prefixes)
    return guid.lower().startswith(prefixes)
