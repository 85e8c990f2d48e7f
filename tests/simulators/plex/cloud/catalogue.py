"""The titles Discover and the metadata provider know (API reference sections 3.2 to 3.5)."""

from dataclasses import dataclass
from typing import Final, Literal

from tests.simulators.library import Episode, Ids, Title
from tests.simulators.plex.rows import Row

type CloudKind = Literal["movie", "show", "season", "episode"]
LISTABLE: Final = frozenset({"movie", "show"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the catalogue: a title, one of its seasons or one of its episodes."""

    key: str
    kind: CloudKind
    title: Title
    season: int | None = None
    episode: Episode | None = None

    @property
    def ids(self) -> Ids:
        """The ids of this level; a season has none."""
        if self.episode is not None:
            return self.episode.ids
        return Ids() if self.kind == "season" else self.title.ids

    @property
    def name(self) -> str:
        """The title of this level."""
        if self.episode is not None:
            return self.episode.title
        if self.kind == "season":
            return "Specials" if self.season == 0 else f"Season {self.season}"
        return self.title.title

    @property
    def guid(self) -> str:
        """The plex:// guid; its end is the ratingKey (3.1)."""
        return f"plex://{self.kind}/{self.key}"


class Catalogue:
    """Titles by ratingKey and by (kind, external id); deeper levels are indexed on demand."""

    def __init__(self) -> None:
        """Start empty."""
        self.titles: dict[str, Title] = {}
        self._external: dict[tuple[str, str], str] = {}
        self._below: dict[str, Entry] = {}
        self._unindexed: list[Title] = []
        self._retired: set[str] = set()

    def add(self, title: Title) -> Title:
        """Enter a title; a later one with the same key replaces it."""
        self.titles[title.plex_key] = title
        for guid in title.ids.guids():
            self._external[title.kind, guid] = title.plex_key
        if title.kind == "show":
            self._unindexed.append(title)
        return title

    def retire(self, key: str) -> None:
        """Let a key answer 404 from now on."""
        self._retired.add(key)

    def get(self, key: str) -> Entry | None:
        """The entry of a 24-hex ratingKey."""
        if key in self._retired:
            return None
        title = self.titles.get(key)
        if title is not None:
            return Entry(key, title.kind, title)
        self._index()
        return self._below.get(key)

    def by_external(self, kind: str, guid: str) -> Entry | None:
        """The entry of `tmdb://603` and the like; numbers are per kind."""
        if kind == "episode":
            self._index()
            for entry in self._below.values():
                if entry.kind == "episode" and guid in entry.ids.guids():
                    return entry
            return None
        key = self._external.get((kind, guid))
        return None if key is None else self.get(key)

    def _index(self) -> None:
        for title in self._unindexed:
            for number, key in title.season_keys:
                self._below[key] = Entry(key, "season", title, number)
            for episode in title.episodes:
                key = episode.plex_key
                self._below[key] = Entry(key, "episode", title, episode.season, episode)
        self._unindexed.clear()

    def children(self, entry: Entry) -> list[Entry]:
        """Seasons of a show, episodes of a season."""
        title = entry.title
        if entry.kind == "show":
            return [Entry(key, "season", title, number) for number, key in title.season_keys]
        if entry.kind == "season":
            return [
                Entry(one.plex_key, "episode", title, one.season, one)
                for one in title.episodes
                if one.season == entry.season
            ]
        return []

    def grandchildren(self, entry: Entry) -> list[Entry]:
        """Episodes of a show."""
        return [below for season in self.children(entry) for below in self.children(season)]

    def search(self, words: str, kinds: frozenset[str]) -> list[Entry]:
        """Titles that contain the words, the best first."""
        wanted = words.casefold()
        hits = [
            Entry(title.plex_key, title.kind, title)
            for title in self.titles.values()
            if title.kind in kinds
            and wanted in title.title.casefold()
            and title.plex_key not in self._retired
        ]
        hits.sort(key=lambda entry: (len(entry.name), entry.key))
        return hits


def entry_row(entry: Entry, *, guids: bool) -> Row:
    """Build the row of an entry; `Guid` only when asked for and known (3.2)."""
    title = entry.title
    path = f"/library/metadata/{entry.key}"
    folder = entry.kind in ("show", "season")
    row: Row = {
        "ratingKey": entry.key,
        "key": f"{path}/children" if folder else path,
        "guid": entry.guid,
        "type": entry.kind,
        "title": entry.name,
    }
    if entry.kind in LISTABLE:
        row["slug"] = f"{entry.kind}-{entry.key[:8]}"
        row["year"] = title.year
        row["originallyAvailableAt"] = title.released
        row["duration"] = title.duration
    if entry.kind == "show":
        row["leafCount"] = len(title.episodes)
        row["childCount"] = len(title.season_keys)
    elif entry.kind == "season":
        row["index"] = entry.season
        row["parentRatingKey"] = title.plex_key
        row["parentGuid"] = f"plex://show/{title.plex_key}"
        row["parentTitle"] = title.title
    elif entry.episode is not None:
        season_key = dict(title.season_keys).get(entry.episode.season, "")
        row["index"] = entry.episode.number
        row["parentIndex"] = entry.episode.season
        row["duration"] = entry.episode.duration
        row["originallyAvailableAt"] = entry.episode.aired
        row["parentRatingKey"] = season_key
        row["parentGuid"] = f"plex://season/{season_key}"
        row["grandparentRatingKey"] = title.plex_key
        row["grandparentGuid"] = f"plex://show/{title.plex_key}"
        row["grandparentTitle"] = title.title
    if guids and (known := entry.ids.guids()):
        row["Guid"] = [{"id": guid} for guid in known]
    return row
