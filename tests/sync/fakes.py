"""A provider kept in memory, for what no real server can be made to do at the right instant."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

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


class FakeProvider:
    """Holds entries per feature. `reads` and `writes` may be replaced to lie, fail or stall."""

    def __init__(self, name: str, **entries: Sequence[Entry]) -> None:
        """Start with the given entries, by feature name."""
        self.name = name
        self.requests = 0
        self.entries: dict[Feature, list[Entry]] = {f: list(entries.get(str(f), ())) for f in Feature}
        self.capabilities: Mapping[Feature, Capability] = {
            f: Capability(kinds=frozenset(Kind), add=True) for f in Feature
        }
        self.scope_hash = "same"
        self.read_error: ProviderError | None = None
        self.shown: Callable[[list[Entry]], Sequence[Entry]] = list
        self.answer: Callable[[Change], OutcomeStatus | ProviderError | None] = lambda _c: (
            OutcomeStatus.APPLIED
        )
        self.needs_tmdb = False
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
        )

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
            if answer in (OutcomeStatus.APPLIED, None):
                self.entries[feature].append(change.entry)
                self.written.append(change)
            if answer is None:
                await asyncio.Event().wait()
                continue
            yield Outcome(
                change=change,
                status=answer,
                reason=None if answer is OutcomeStatus.APPLIED else f"test_{answer}",
            )
