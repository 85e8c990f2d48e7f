"""Neutral rows: the dicts from which both JSON and XML are made (API reference 2.1, 2.5, 2.8).

A missing value is an absent key. Scalars are attributes in XML, lists of dicts are child elements.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.simulators.plex.state import Item, Play, PmsState, Section, UserState

type Row = dict[str, Any]

IDENTIFIER: Final = "com.plexapp.plugins.library"
_TAGS: Final = {
    name: [{"tag": f"{name} {one}"} for one in range(3)] for name in ("Genre", "Director", "Writer", "Role")
}
_BLUR: Final = {
    "topLeft": "1c2a39",
    "topRight": "2f2a20",
    "bottomRight": "4a3b21",
    "bottomLeft": "14222f",
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What the asker wants in the rows."""

    guids: bool = False
    section: bool = False
    dropped: frozenset[str] = frozenset()
    """Names of excluded elements and fields."""

    def trim(self, row: Row) -> Row:
        """Take the excluded names out."""
        for name in self.dropped:
            row.pop(name, None)
        return row


def item_row(state: PmsState, account: int, item: Item, shape: Shape, stale: int = 0) -> Row:
    """Build the row of any catalogue item as the account sees it."""
    mine = state.state(account, item.guid, stale)
    path = f"/library/metadata/{item.key}"
    folder = item.kind in ("show", "season")
    row: Row = {
        "ratingKey": str(item.key),
        "key": f"{path}/children" if folder else path,
        "guid": item.guid,
        "type": item.kind,
        "title": item.title,
        "summary": "",
        "addedAt": item.added_at,
        "updatedAt": item.updated_at,
        "thumb": f"{path}/thumb/{item.updated_at}",
    }
    _PARENTS[item.kind](row, item)
    if item.index is not None:
        row["index"] = item.index
    for name, value in (
        ("titleSort", item.title_sort),
        ("originalTitle", item.original_title),
        ("editionTitle", item.edition),
        ("year", item.year),
        ("duration", item.duration),
        ("originallyAvailableAt", item.aired),
    ):
        if value is not None:
            row[name] = value
    if folder:
        _add_rollup(row, state, account, item, stale)
    else:
        _add_viewing(row, mine)
    _add_rating(row, mine)
    if shape.section:
        row["librarySectionID"] = item.section.id
        row["librarySectionKey"] = f"/library/sections/{item.section.id}"
        row["librarySectionTitle"] = item.section.title
    if shape.guids:
        guids = item.ids.guids()
        if guids:
            row["Guid"] = [{"id": guid} for guid in guids]
    _add_heavy(row, item, shape.dropped)
    return shape.trim(row)


def _add_viewing(row: Row, mine: UserState) -> None:
    if mine.view_count:
        row["viewCount"] = mine.view_count
    if mine.view_offset:
        row["viewOffset"] = mine.view_offset
    if mine.last_viewed_at is not None:
        row["lastViewedAt"] = mine.last_viewed_at


def _add_rating(row: Row, mine: UserState) -> None:
    if mine.rating is not None:
        row["userRating"] = mine.rating
        if mine.rated_at is not None:
            row["lastRatedAt"] = mine.rated_at


def _add_rollup(row: Row, state: PmsState, account: int, item: Item, stale: int) -> None:
    total = state.rollup(account, item, stale)
    row["leafCount"] = total.leaves
    row["viewedLeafCount"] = total.viewed
    if item.kind == "show":
        row["childCount"] = len(item.children)
    if total.view_count:
        row["viewCount"] = total.view_count
    if total.last_viewed_at is not None:
        row["lastViewedAt"] = total.last_viewed_at


def _add_episode_parents(row: Row, item: Item) -> None:
    season = item.parent
    show = season.parent if season is not None else None
    if season is not None:
        if item.skip_parent:
            row["skipParent"] = True
        else:
            row["parentRatingKey"] = str(season.key)
            row["parentKey"] = f"/library/metadata/{season.key}"
        row["parentGuid"] = season.guid
        row["parentTitle"] = season.title
        if season.index is not None:
            row["parentIndex"] = season.index
    if show is not None:
        row["grandparentRatingKey"] = str(show.key)
        row["grandparentKey"] = f"/library/metadata/{show.key}"
        row["grandparentGuid"] = show.guid
        row["grandparentTitle"] = show.title
        row["grandparentSlug"] = f"show-{show.key}"
        row["grandparentThumb"] = f"/library/metadata/{show.key}/thumb/{show.updated_at}"


def _add_show_as_parent(row: Row, item: Item) -> None:
    show = item.parent
    if show is not None:
        row["parentRatingKey"] = str(show.key)
        row["parentKey"] = f"/library/metadata/{show.key}"
        row["parentGuid"] = show.guid
        row["parentTitle"] = show.title
        row["parentYear"] = show.year


def _add_slug(row: Row, item: Item) -> None:
    row["slug"] = f"{item.kind}-{item.key}"


_PARENTS: Final[dict[str, Callable[[Row, Item], None]]] = {
    "movie": _add_slug,
    "show": _add_slug,
    "season": _add_show_as_parent,
    "episode": _add_episode_parents,
}


def _add_heavy(row: Row, item: Item, dropped: frozenset[str]) -> None:
    """Add the parts that make up most of an untrimmed answer and that a sync does not need."""
    playable = item.kind in ("movie", "episode")
    if playable and "Media" not in dropped:
        row["Media"] = [
            {
                "id": item.key + 60_000,
                "bitrate": 7184,
                "width": 1920,
                "height": 1080,
                "videoResolution": "1080",
                "container": "mkv",
                **({} if item.duration is None else {"duration": item.duration}),
                "Part": [
                    {
                        "id": item.key + 70_000,
                        "key": f"/library/parts/{item.key}/1/file.mkv",
                        "file": f"{item.section.path}/{item.key}.mkv",
                        "size": 3_221_225_472,
                        "container": "mkv",
                        **({} if item.duration is None else {"duration": item.duration}),
                    }
                ],
            }
        ]
    if item.kind != "season":
        for name in _TAGS:
            if name not in dropped:
                row[name] = _TAGS[name]
    if "Image" not in dropped:
        row["Image"] = [
            {"alt": item.title, "type": kind, "url": f"/library/metadata/{item.key}/{kind}"}
            for kind in ("coverPoster", "background")
        ]
    if "UltraBlurColors" not in dropped:
        row["UltraBlurColors"] = _BLUR


def play_row(state: PmsState, play: Play, *, empty_keys: bool = False) -> Row:
    """Build a play-log row: no guid, no ids, no year; keys only while the item exists (2.8)."""
    row: Row = {"historyKey": f"/status/sessions/history/{play.id}"}
    item = state.item_of(play)
    if item is not None:
        row["key"] = f"/library/metadata/{item.key}"
        row["ratingKey"] = str(item.key)
    elif empty_keys:
        row["key"] = row["ratingKey"] = ""
    row["librarySectionID"] = str(play.section_id)
    if item is not None and item.parent is not None and item.show is not None:
        row["parentKey"] = f"/library/metadata/{item.parent.key}"
        row["grandparentKey"] = f"/library/metadata/{item.show.key}"
    row["title"] = play.title
    row["type"] = play.kind
    if item is not None:
        row["thumb"] = f"/library/metadata/{item.key}/thumb/{item.updated_at}"
    for name, value in (
        ("parentTitle", play.parent_title),
        ("grandparentTitle", play.grandparent_title),
        ("index", play.index),
        ("parentIndex", play.parent_index),
        ("originallyAvailableAt", play.aired),
        ("viewedAt", play.viewed_at),
        ("accountID", play.account),
        ("deviceID", play.device_id),
    ):
        if value is not None:
            row[name] = value
    return row


def section_row(section: Section, now: int) -> Row:
    """Build a library's row; its `key` is a string (2.4)."""
    return {
        "allowSync": True,
        "art": "/:/resources/movie-fanart.jpg",
        "composite": f"/library/sections/{section.id}/composite/{section.created_at}",
        "filters": True,
        "refreshing": section.refreshing,
        "thumb": "/:/resources/movie.png",
        "key": str(section.id),
        "type": section.kind,
        "title": section.title,
        "agent": section.agent,
        "scanner": "Plex Movie" if section.kind == "movie" else "Plex TV Series",
        "language": "en-US",
        "metadataAgentProviderGroupId": 1 if section.kind == "movie" else 2,
        "uuid": section.uuid,
        "updatedAt": section.created_at,
        "createdAt": section.created_at,
        "scannedAt": min(now, section.created_at + section.content_changed_at),
        "content": True,
        "directory": True,
        "contentChangedAt": section.content_changed_at,
        "hidden": 0,
        "Location": [{"id": section.id, "path": section.path}],
    }
