"""A provider kept in memory, for what no real server can be made to do at the right instant."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    Scope,
    Snapshot,
    WatchlistEntry,
)
from custom_components.crosswatch.sync.provider import Capability, ProviderError

HOUR = 3600
NOW = 1_790_000_000


def movie(tmdb: int | None = None, imdb: str | None = None, **more: object) -> Item:
    """Make a movie from its ids."""
    return Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb, imdb=imdb), title=f"Movie {tmdb or imdb}", **more)  # type: ignore[arg-type]


def episode(show: int | None, season: int, number: int) -> Item:
    """Make an episode from its show's TMDb id and its numbers."""
    return Item(
        kind=Kind.EPISODE, show_ids=Ids(tmdb=show), season=season, episode=number, show_title=f"Show {show}"
    )


def play(item: Item, at: int | None) -> Play:
    """Make a play."""
    return Play(item=item, watched_at=at)


def listed(item: Item) -> WatchlistEntry:
    """Make a watchlist entry."""
    return WatchlistEntry(item=item)


def rated(item: Item, tenths: int, at: int | None = NOW - 2 * HOUR, label: str = "Overall") -> Rating:
    """Make a rating."""
    return Rating(item=item, tenths=tenths, rated_at=at, label=label)


def stopped(item: Item, seconds: float, at: int | None = NOW, minutes: int | None = 100) -> Resume:
    """Make a resume position in something of so many minutes."""
    duration = None if minutes is None else minutes * 60_000
    return Resume(item=item, position_ms=round(seconds * 1000), duration_ms=duration, at=at)


class FakeProvider:
    """Holds entries per feature. `reads` and `writes` may be replaced to lie, fail or stall.

    `keeps` is what the service makes of an entry that is written. With `undated` it marks items as
    watched, at the time of `clock`; `logs` tells whether a mark is a play.
    """

    def __init__(self, name: str, **entries: Sequence[Entry]) -> None:
        """Start with the given entries, by feature name."""
        self.name = name
        self.requests = 0
        self.entries: dict[Feature, list[Entry]] = {f: list(entries.get(str(f), ())) for f in Feature}
        self.capabilities: Mapping[Feature, Capability] = {
            f: Capability(kinds=frozenset(Kind), add=True, update=True, remove=True) for f in Feature
        }
        self.scope_hash = "same"
        self.read_error: ProviderError | None = None
        self.shown: Callable[[list[Entry]], Sequence[Entry]] = list
        self.answer: Callable[[Change], OutcomeStatus | ProviderError | None] = lambda _c: (
            OutcomeStatus.APPLIED
        )
        self.needs_tmdb = False
        self.keeps: Callable[[Entry], Entry] = lambda entry: entry
        self.watched: list[Item] = []
        self.clock: Callable[[], int] = lambda: NOW
        self.logs = True
        self.tells_when = True
        self.written: list[Change] = []
        self.pause: asyncio.Event | None = None

    async def read(self, feature: Feature, scope: Scope) -> Snapshot:
        """Read what `shown` lets through."""
        self.requests += 1
        await asyncio.sleep(0)
        if self.read_error is not None:
            raise self.read_error
        return Snapshot(
            feature=feature,
            entries=tuple(self.shown(self.entries[feature])),
            scope_hash=self.scope_hash,
            read_at=NOW,
            watched=tuple(self.watched) if feature is Feature.HISTORY else (),
        )

    def undated(self) -> None:
        """From now on plays are dated by the service."""
        self.able(Feature.HISTORY, dated=False)

    def able(self, feature: Feature, **what: Any) -> None:
        """Change what the service can do."""
        self.capabilities = {**self.capabilities, feature: replace(self.capabilities[feature], **what)}

    def store(self, feature: Feature, change: Change) -> int | None:
        """Do what was asked for; return when the service did it, if that is not the entry's own time."""
        entry, rows = self.keeps(change.entry), self.entries[feature]
        self.written.append(change)
        if change.action is Action.REMOVE:
            self.take(feature, change.entry)
            return None
        if isinstance(entry, Play) and not self.capabilities[feature].dated:
            at = self.clock()
            self.watched.append(entry.item)
            if self.logs:
                rows.append(replace(entry, watched_at=at))
            return at if self.tells_when else None
        if isinstance(entry, (Rating, Resume)):
            rows[:] = [row for row in rows if not _same_place(row, entry)]
        rows.append(entry)
        return None

    def take(self, feature: Feature, entry: Entry) -> None:
        """Take away what was asked for; of plays that the service dates itself nothing but the mark."""
        rows = self.entries[feature]
        if isinstance(entry, Play) and not self.capabilities[feature].dated:
            self.watched = [item for item in self.watched if item.name != entry.item.name]
        elif isinstance(entry, Play):
            # without an id all rows of that time are meant
            rows[:] = [row for row in rows if entry not in (row, replace(row, remote_id=None))]
        else:
            rows[:] = [row for row in rows if not _same_place(row, entry)]

    def refusal(self, feature: Feature, action: Action, entry: Entry) -> str | None:
        """Refuse what has no TMDb id, when asked to be strict."""
        if self.needs_tmdb and entry.item.ids.tmdb is None and entry.item.show_ids.tmdb is None:
            return "missing_tmdb_id"
        return None

    async def apply(
        self, feature: Feature, changes: Sequence[Change], scope: Scope
    ) -> AsyncGenerator[Outcome]:
        """Write as `answer` says; None stores the entry but answers nothing, as a killed process sees it."""
        for change in changes:
            self.requests += 1
            if self.pause is not None:
                await self.pause.wait()
            answer = self.answer(change)
            if isinstance(answer, ProviderError):
                raise answer
            at = self.store(feature, change) if answer in (OutcomeStatus.APPLIED, None) else None
            if answer is None:
                await asyncio.Event().wait()
                continue
            yield Outcome(
                change=change,
                status=answer,
                reason=None if answer is OutcomeStatus.APPLIED else f"test_{answer}",
                written_at=at,
            )


def _same_place(row: Entry, entry: Entry) -> bool:
    labels = [each.label.casefold() if isinstance(each, Rating) else "" for each in (row, entry)]
    return row.item.name == entry.item.name and labels[0] == labels[1]
