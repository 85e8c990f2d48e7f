"""Entries as plain JSON values, for the journal and for showing a plan."""

from collections.abc import Mapping
from typing import Any

from .models import NO_IDS, Entry, Feature, Ids, Item, Kind, Play, Rating, Resume, WatchlistEntry


def entry_as_dict(entry: Entry) -> dict[str, Any]:
    """Return what identifies the entry and what it says, without empty fields."""
    row: dict[str, Any] = {"item": item_as_dict(entry.item)}
    match entry:
        case WatchlistEntry():
            row |= {"listed_at": entry.listed_at}
        case Play():
            row |= {"watched_at": entry.watched_at}
        case Rating():
            row |= {"tenths": entry.tenths, "label": entry.label, "rated_at": entry.rated_at}
        case Resume():  # pragma: no branch - there is no other entry
            row |= {"position_ms": entry.position_ms, "duration_ms": entry.duration_ms, "at": entry.at}
    row["remote_id"] = entry.remote_id
    return {name: value for name, value in row.items() if value is not None}


def entry_from_dict(feature: Feature, row: Mapping[str, Any]) -> Entry:
    """Rebuild an entry written by `entry_as_dict`."""
    fields = {name: value for name, value in row.items() if name != "item"}
    item = item_from_dict(row["item"])
    match feature:
        case Feature.WATCHLIST:
            return WatchlistEntry(item=item, **fields)
        case Feature.HISTORY:
            return Play(item=item, **{"watched_at": None, **fields})
        case Feature.RATINGS:
            return Rating(item=item, **fields)
        case Feature.PROGRESS:  # pragma: no branch - there is no other feature
            return Resume(item=item, **{"duration_ms": None, **fields})


def item_from_dict(row: Mapping[str, Any]) -> Item:
    """Rebuild an item written by `item_as_dict`."""
    ids = {name: Ids(**row[name]) for name in ("ids", "show_ids") if name in row}
    return Item(**{**row, "kind": Kind(row["kind"]), **ids})


def item_as_dict(item: Item) -> dict[str, Any]:
    """Return the item without empty fields."""
    row = {
        "kind": str(item.kind),
        "ids": _ids(item.ids),
        "show_ids": _ids(item.show_ids),
        "season": item.season,
        "episode": item.episode,
        "title": item.title,
        "year": item.year,
        "show_title": item.show_title,
    }
    return {name: value for name, value in row.items() if value not in (None, {})}


def _ids(ids: Ids) -> dict[str, Any]:
    if ids == NO_IDS:
        return {}
    pairs = (("tmdb", ids.tmdb), ("imdb", ids.imdb), ("tvdb", ids.tvdb), ("guid", ids.guid))
    return {name: value for name, value in pairs if value is not None}
