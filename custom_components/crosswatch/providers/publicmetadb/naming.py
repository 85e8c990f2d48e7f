"""How items are named: to the service in a body, and in the shadow files by a key."""

from typing import Any

from ...sync.models import Item, Kind, Play


def body_of(item: Item) -> dict[str, Any]:
    """Return `tmdb_id`, `media_type` and for an episode its numbers (API reference 3.3, 3.4).

    Only for items that `refusals.missing_ids` lets through.
    """
    if item.kind is Kind.EPISODE:
        return {
            "tmdb_id": item.show_ids.tmdb,
            "media_type": "tv",
            "season": item.season,
            "episode": item.episode,
        }
    return {"tmdb_id": item.ids.tmdb, "media_type": "movie" if item.kind is Kind.MOVIE else "tv"}


def item_key(item: Item) -> str:
    """Return the key of an item with its type (W5): `show:tmdb:1399`, `episode:tmdb:1399:s01e05`."""
    if item.kind is Kind.EPISODE:
        return f"episode:tmdb:{item.show_ids.tmdb}:s{item.season:02d}e{item.episode:02d}"
    return f"{item.kind}:tmdb:{item.ids.tmdb}"


def play_key(play: Play) -> str:
    """Return the key of a play: the item's, `@`, and epoch seconds or, without a date, the row's id."""
    when = f"id:{play.remote_id}" if play.watched_at is None else str(play.watched_at)
    return f"{item_key(play.item)}@{when}"
