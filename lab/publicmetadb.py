"""What the simulated PublicMetaDB holds, read over its own interface."""

from dataclasses import dataclass
from typing import Any, Final

from lab.simulators import Simulators

PER_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything on the account, one row for each entry."""

    items: list[tuple[Any, ...]]
    """(list, media type, tmdb id)"""
    plays: list[tuple[Any, ...]]
    """(media type, tmdb id, season, episode, watched at)"""
    positions: list[tuple[Any, ...]]
    """(media type, tmdb id, season, episode, milliseconds)"""

    @property
    def doubles(self) -> list[tuple[Any, ...]]:
        """Rows that are there more than once."""
        rows = [*self.items, *self.plays, *self.positions]
        return [row for row in set(rows) if rows.count(row) > 1]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.items) + len(self.plays) + len(self.positions)


async def read_contents(simulators: Simulators) -> Contents:
    """Read the account."""
    items = []
    for one in await _read_all(simulators, "lists"):
        rows = await _read_all(simulators, f"lists/{one['id']}/items")
        items += [(one["name"], row["media_type"], row["tmdb_id"]) for row in rows]
    video = ("media_type", "tmdb_id", "season", "episode")
    played, left = (*video, "watched_at"), (*video, "position_ms")
    plays = [tuple(row[name] for name in played) for row in await _read_all(simulators, "watched")]
    positions = [tuple(row[name] for name in left) for row in await _read_all(simulators, "resume")]
    return Contents(items, plays, positions)


async def empty_lists(simulators: Simulators) -> int:
    """Take everything off the lists, as a person does on the site; return how much it was."""
    count = 0
    for one in await _read_all(simulators, "lists"):
        for row in await _read_all(simulators, f"lists/{one['id']}/items"):
            await simulators.publicmetadb(f"lists/{one['id']}/items/{row['id']}", method="DELETE")
            count += 1
    return count


async def _read_all(simulators: Simulators, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        answer = await simulators.publicmetadb(f"{path}?page={page}&perPage={PER_PAGE}")
        rows += answer["items"]
        pages = answer["totalPages"]
        page += 1
    return rows
