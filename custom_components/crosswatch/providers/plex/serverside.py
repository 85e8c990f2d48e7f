"""What is kept of one media server as one user sees it, and the features that live there."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace
import hashlib

from ...sync.models import Change, Entry, Feature, Item, Outcome, Play
from .applying import Job
from .cache import Libraries
from .client import PlexServerClient
from .fallback import Fallback
from .history import HistoryReader, watched_rows, without_ids
from .library import Catalogue, Row, Section, choose_sections, read_sections
from .marking import Marks, folders, history_jobs
from .progress import look_around, progress_jobs, read_progress
from .ratings import rating_jobs, read_ratings
from .resolving import find
from .settings import PlexSettings
from .targets import nothing_else, prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A complete read. `scope` is whatever makes entries appear or vanish without anybody's doing.

    `events` are the ids of all plays in the log, told or not. `has_place` tells whether an item is in the
    libraries at all; None where that says nothing.
    """

    entries: tuple[Entry, ...]
    scope: tuple[str, ...]
    watched: tuple[Item, ...] = ()
    events: AbstractSet[str] = frozenset()
    finished: tuple[Play, ...] = ()
    has_place: Callable[[Item], bool] | None = None


class ServerSide:
    """One server, one user. `place` tells which."""

    def __init__(
        self,
        place: tuple[str, bool],
        settings: PlexSettings,
        user_id: int,
        fallback: Fallback | None = None,
    ) -> None:
        """`place` is the server's machineIdentifier, and whether the user owns it."""
        self.place = place
        self.cache = Libraries()
        self._is_owner = place[1]
        self._settings = settings
        self._fallback = fallback
        # what is left out for its missing ids is left out after the fallback had its turn
        reading = settings if fallback is None else replace(settings, history_require_external_ids=False)
        self._history = HistoryReader(self.cache, reading, user_id=user_id, is_owner=self._is_owner)
        self._marks = Marks()

    async def read(self, feature: Feature, client: PlexServerClient, libraries: frozenset[str]) -> Reading:
        """Read a feature in these libraries (none named: all), or raise."""
        match feature:
            case Feature.HISTORY:
                return await self._read_history(client, libraries)
            case Feature.RATINGS:
                client = client.with_workers(self._settings.rating_workers)
                sections = choose_sections(await read_sections(client), libraries)
                catalogue = await self.cache.catalogue(client, sections)
                ratings = await read_ratings(client, catalogue, sections)
                # a rating goes with the file of its title, and nobody took it away
                found = replace(
                    _reading(ratings, sections), has_place=lambda item: bool(find(catalogue, item).rows)
                )
                return await self._recovered(found)
            case Feature.PROGRESS:
                sections = choose_sections(await read_sections(client), libraries)
                catalogue = await self.cache.catalogue(client, sections, state=True)
                found = _reading(await read_progress(client, catalogue, sections), sections)
                return replace(found, finished=await asyncio.to_thread(_finished, catalogue))
        raise ValueError(feature)

    async def _read_history(self, client: PlexServerClient, libraries: frozenset[str]) -> Reading:
        settings = self._settings
        history = await self._history.read(client, libraries)
        scope = (
            "log" if history.from_log else "state",
            f"account={self._history.account}",
            *sorted(section.id for section in history.sections),
            f"require_ids={settings.history_require_external_ids}",
            f"marked={settings.history_include_marked_watched and self._is_owner}",
            *(settings.history_ignore_guid_prefixes if settings.history_ignore_local_guid else ()),
        )
        found = Reading(entries=history.plays, scope=scope, watched=history.watched, events=history.events)
        found = await self._recovered(found)
        if self._fallback is None or not settings.history_require_external_ids:
            return found
        return await asyncio.to_thread(_with_ids_only, found)

    async def _recovered(self, found: Reading) -> Reading:
        """Return the reading with what the GUID fallback knows, where that is on.

        What was recovered belongs to the scope: an item that can't be told any more was not removed.
        """
        if self._fallback is None:
            return found
        items = await asyncio.to_thread(lambda: {e.item for e in found.entries} | set(found.watched))
        better = await self._fallback.recover(items, self.place[0])
        if not better:
            return found
        return await asyncio.to_thread(_with_better_items, found, better)

    async def prepare(
        self,
        feature: Feature,
        client: PlexServerClient,
        libraries: frozenset[str],
        changes: Sequence[Change],
    ) -> tuple[Sequence[Outcome], list[Job]]:
        """Read what the changes are about; return what is known already, and what is to be sent."""
        if feature is Feature.RATINGS:
            client = client.with_workers(self._settings.rating_workers)
        also = folders if feature is Feature.HISTORY else nothing_else
        prepared = await prepare(client, self.cache, libraries, changes, also)
        match feature:
            case Feature.HISTORY:
                return prepared.outcomes, history_jobs(client, prepared, self._marks, self._history.read_at)
            case Feature.RATINGS:
                return prepared.outcomes, rating_jobs(client, prepared)
            case Feature.PROGRESS:
                situation = await look_around(client, self._history.account)
                return prepared.outcomes, progress_jobs(client, prepared, situation)
        raise ValueError(feature)

    async def find(self, client: PlexServerClient, item: Item) -> tuple[Row, ...]:
        """Find an item in all libraries, by ids only."""
        catalogue = await self.cache.catalogue(client, await read_sections(client))
        return (await asyncio.to_thread(find, catalogue, item)).rows


def _reading(entries: tuple[Entry, ...], sections: tuple[Section, ...]) -> Reading:
    return Reading(entries=entries, scope=tuple(sorted(section.id for section in sections)))


def _finished(catalogue: Catalogue) -> tuple[Play, ...]:
    return tuple(Play(item=row.item, watched_at=row.last_viewed_at) for row in watched_rows(catalogue))


def _with_better_items(found: Reading, better: Mapping[Item, Item]) -> Reading:
    digest = hashlib.sha256("\n".join(sorted(map(repr, better))).encode("utf-8", "replace")).hexdigest()
    return replace(
        found,
        entries=tuple(
            replace(entry, item=better[entry.item]) if entry.item in better else entry
            for entry in found.entries
        ),
        scope=(*found.scope, f"fallback={digest}"),
        watched=tuple(better.get(item, item) for item in found.watched),
    )


def _with_ids_only(found: Reading) -> Reading:
    return replace(
        found,
        entries=tuple(entry for entry in found.entries if not without_ids(entry.item)),
        watched=tuple(item for item in found.watched if not without_ids(item)),
    )
