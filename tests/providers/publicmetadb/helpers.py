"""Short ways to say what is read, written and expected."""

from collections.abc import Sequence
from pathlib import Path

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Entry,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    Play,
    Rating,
    Resume,
    Scope,
    Side,
    WatchlistEntry,
)

KEY = "pm-0123456789abcdef"
USER = "me"
PAIR = "pair1"
SCOPE = Scope(pair_id=PAIR)
LISTS = "/api/external/lists"
ITEMS = "/api/external/lists/*/items"
WATCHED = "/api/external/watched"
RATINGS = "/api/external/*ratings"
A_RATING = "/api/external/*ratings/*"
RESUME = "/api/external/resume"

JAN_2 = 1_767_384_900
"""2026-01-02 20:15:00 UTC"""


def movie(tmdb: int | None) -> Item:
    """Return a movie."""
    return Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb))


def show(tmdb: int | None) -> Item:
    """Return a show."""
    return Item(kind=Kind.SHOW, ids=Ids(tmdb=tmdb))


def episode(
    show_tmdb: int | None, season: int | None, number: int | None, own_tmdb: int | None = None
) -> Item:
    """Return an episode."""
    return Item(
        kind=Kind.EPISODE, ids=Ids(tmdb=own_tmdb), show_ids=Ids(tmdb=show_tmdb), season=season, episode=number
    )


def listed(item: Item, remote_id: str | None = None) -> WatchlistEntry:
    """Return a watchlist entry."""
    return WatchlistEntry(item=item, remote_id=remote_id)


def play(item: Item, at: int | None = JAN_2, remote_id: str | None = None) -> Play:
    """Return a play."""
    return Play(item=item, watched_at=at, remote_id=remote_id)


def rating(
    item: Item,
    tenths: int = 80,
    label: str = "Overall",
    remote_id: str | None = None,
    at: int | None = None,
) -> Rating:
    """Return a rating."""
    return Rating(item=item, tenths=tenths, label=label, remote_id=remote_id, rated_at=at)


def stop(
    item: Item,
    position_ms: int = 1_800_000,
    duration_ms: int | None = 7_200_000,
    at: int | None = JAN_2,
    remote_id: str | None = None,
) -> Resume:
    """Return a resume position."""
    return Resume(item=item, position_ms=position_ms, duration_ms=duration_ms, at=at, remote_id=remote_id)


FEATURES = {
    WatchlistEntry: Feature.WATCHLIST,
    Play: Feature.HISTORY,
    Rating: Feature.RATINGS,
    Resume: Feature.PROGRESS,
}


def change(entry: Entry, action: Action = Action.ADD, key: str | None = None) -> Change:
    """Return a change of the entry."""
    return Change(
        feature=FEATURES[type(entry)],
        side=Side.TARGET,
        action=action,
        key=key or repr(entry),
        entry=entry,
        rule="test",
    )


def update(entry: Entry) -> Change:
    """Return the change of what is there to the entry."""
    return change(entry, Action.UPDATE)


def removal(entry: Entry) -> Change:
    """Return the removal of the entry."""
    return change(entry, Action.REMOVE)


async def apply(
    provider: PublicMetaDBProvider, *changes: Change | Entry, scope: Scope = SCOPE
) -> list[Outcome]:
    """Write the changes, or add the entries, and return the outcomes in their order."""
    wanted = [one if isinstance(one, Change) else change(one) for one in changes]
    found = [outcome async for outcome in provider.apply(wanted[0].feature, wanted, scope)]
    place = {id(one): index for index, one in enumerate(wanted)}
    return sorted(found, key=lambda outcome: place[id(outcome.change)])


def files(folder: Path) -> set[str]:
    """Return the names of all files."""
    return {path.name for path in folder.iterdir()}


def told(outcomes: Sequence[Outcome]) -> list[tuple[str, str | None]]:
    """Return status and reason of each outcome."""
    return [(str(outcome.status), outcome.reason) for outcome in outcomes]
