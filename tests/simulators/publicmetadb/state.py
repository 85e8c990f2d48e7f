"""Everything the server knows, and the ways a test reads and changes it behind a client's back."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any, TypedDict

from .clock import Clock
from .rows import (
    Contents,
    ItemRow,
    ListRow,
    ListType,
    MediaType,
    RatingRow,
    ResumeRow,
    Video,
    WatchedRow,
    by_video,
)
from .table import Table

ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 15
# coprime with 36, so that counting up visits every id once
ID_STRIDE = 74_915_288_347_130_465_733_501


class Stamp(TypedDict):
    """What every new row gets from the server; see `Row`."""

    id: str
    created: float
    updated: float
    seq: int


def nth_id(number: int) -> str:
    """Return the opaque id of the n-th row: PocketBase style, the same in every run (3.0)."""
    rest = number * ID_STRIDE % len(ID_ALPHABET) ** ID_LENGTH
    letters = []
    for _ in range(ID_LENGTH):
        rest, letter = divmod(rest, len(ID_ALPHABET))
        letters.append(ID_ALPHABET[letter])
    return "".join(letters)


class State:
    """The server's data: users with their own rows, and the ratings of everybody."""

    def __init__(self, clock: Clock) -> None:
        """Start without users."""
        self.clock = clock
        self.users: dict[str, User] = {}
        """By API key."""
        self.title_ratings: Table[RatingRow] = Table(clock)
        self.episode_ratings: Table[RatingRow] = Table(clock)
        self.rated_before: set[tuple[str, Video, str]] = set()
        """Owner, video and label of deleted ratings: rating them again is an update (question 4)."""
        self.titles: dict[tuple[MediaType, int | None], tuple[str, int | None]] = {}
        """Title and year, by media type and tmdb id."""
        self.mappings: dict[tuple[MediaType, str, str], int] = {}
        """tmdb id, by media type, id type and id value."""
        self._rows = count(1)

    def stamp(self, row_id: str | None = None, created: float | None = None) -> Stamp:
        """Return what the next row gets: the given values, else a new id and the present moment."""
        seq = next(self._rows)
        born = self.clock() if created is None else created
        return Stamp(id=row_id or nth_id(seq), created=born, updated=born, seq=seq)

    def tables(self) -> Iterator[Table[Any]]:
        """Return every collection there is."""
        yield self.title_ratings
        yield self.episode_ratings
        for user in self.users.values():
            yield user.list_table
            yield user.watched_table
            yield user.resume_table
            yield from user.item_tables.values()

    def add_rating(
        self,
        owner: str,
        *,
        tmdb_id: int | None,
        media_type: MediaType = "movie",
        score: float,
        season: int | None = None,
        episode: int | None = None,
        label: str = "Overall",
        created: float | None = None,
        row_id: str | None = None,
    ) -> RatingRow:
        """Add a rating of anybody in the community; `owner` need not be a user with a key."""
        table = self.title_ratings if episode is None else self.episode_ratings
        return table.insert(
            RatingRow(
                **self.stamp(row_id, created),
                owner=owner,
                tmdb_id=tmdb_id,
                media_type=media_type,
                season=season,
                episode=episode,
                score=score,
                label=label,
            )
        )

    def remove_rating(self, row_id: str) -> None:
        """Remove anybody's rating."""
        table = self.title_ratings if row_id in self.title_ratings else self.episode_ratings
        row = table[row_id]
        table.delete(row)
        self.rated_before.add((row.owner, row.video, row.label))


class User:
    """One account: its rows, and another client of it for the test to be.

    Readers return frozen rows, oldest insertion first. Removing an unknown id is a KeyError.
    """

    def __init__(self, state: State, user_id: str) -> None:
        """Start without rows."""
        self.user_id = user_id
        self._state = state
        self.list_table: Table[ListRow] = Table(state.clock)
        self.item_tables: dict[str, Table[ItemRow]] = {}
        """By list id; a removed list leaves its empty table."""
        self.watched_table: Table[WatchedRow] = Table(state.clock)
        self.resume_table: Table[ResumeRow] = Table(state.clock)

    def lists(self) -> tuple[ListRow, ...]:
        """Return all lists."""
        return self.list_table.rows()

    def items(self, list_id: str) -> tuple[ItemRow, ...]:
        """Return all items of a list."""
        return self.item_tables[list_id].rows()

    def watched(self) -> tuple[WatchedRow, ...]:
        """Return all plays."""
        return self.watched_table.rows()

    def ratings(self) -> tuple[RatingRow, ...]:
        """Return the user's own ratings: movies and shows, then episodes."""
        state = self._state
        rows = state.title_ratings.rows() + state.episode_ratings.rows()
        return tuple(row for row in rows if row.owner == self.user_id)

    def resume(self) -> tuple[ResumeRow, ...]:
        """Return all resume points."""
        return self.resume_table.rows()

    def contents(self) -> Contents:
        """Return everything, to compare before and after."""
        return Contents(
            lists=self.lists(),
            items=tuple(row for table in self.item_tables.values() for row in table.rows()),
            watched=self.watched(),
            ratings=self.ratings(),
            resume=self.resume(),
        )

    def add_list(
        self,
        name: str,
        *,
        type: ListType = "custom",  # noqa: A002 - the name of the field
        description: str = "",
        is_public: bool = False,
        items: Iterable[tuple[MediaType, int | None]] = (),
        created: float | None = None,
        row_id: str | None = None,
    ) -> ListRow:
        """Add a list; `items` are pairs of media type and tmdb id."""
        row = self.list_table.insert(
            ListRow(
                **self._state.stamp(row_id, created),
                name=name,
                description=description,
                type=type,
                is_public=is_public,
            )
        )
        self.item_tables[row.id] = Table(self._state.clock)
        for media_type, tmdb_id in items:
            self.add_item(row.id, media_type=media_type, tmdb_id=tmdb_id, created=created)
        return row

    def remove_list(self, list_id: str) -> None:
        """Remove a list with its items."""
        for row in self.items(list_id):
            self.item_tables[list_id].delete(row)
        self.list_table.delete(self.list_table[list_id])

    def add_item(
        self,
        list_id: str,
        *,
        media_type: MediaType = "movie",
        tmdb_id: int | None,
        created: float | None = None,
        row_id: str | None = None,
    ) -> ItemRow:
        """Add an item to a list, also a second time."""
        return self.item_tables[list_id].insert(
            ItemRow(
                **self._state.stamp(row_id, created), list_id=list_id, media_type=media_type, tmdb_id=tmdb_id
            )
        )

    def remove_item(self, list_id: str, row_id: str) -> None:
        """Remove an item from a list."""
        table = self.item_tables[list_id]
        table.delete(table[row_id])

    def add_watched(
        self,
        *,
        tmdb_id: int | None,
        media_type: MediaType = "movie",
        season: int | None = None,
        episode: int | None = None,
        watched_at: float | None,
        created: float | None = None,
        row_id: str | None = None,
    ) -> WatchedRow:
        """Add a play; `watched_at` in Unix seconds, None for an unknown date."""
        return self.watched_table.insert(
            WatchedRow(
                **self._state.stamp(row_id, created),
                tmdb_id=tmdb_id,
                media_type=media_type,
                season=season,
                episode=episode,
                watched_at=watched_at,
            )
        )

    def date_watched(self, row_id: str, watched_at: float | None) -> WatchedRow:
        """Give a play another date."""
        row = self.watched_table[row_id]
        return self.watched_table.replace(
            row, replace(row, watched_at=watched_at, updated=self._state.clock())
        )

    def remove_watched(self, row_id: str) -> None:
        """Remove a play."""
        self.watched_table.delete(self.watched_table[row_id])

    def add_rating(
        self,
        *,
        tmdb_id: int | None,
        media_type: MediaType = "movie",
        score: float,
        season: int | None = None,
        episode: int | None = None,
        label: str = "Overall",
        created: float | None = None,
        row_id: str | None = None,
    ) -> RatingRow:
        """Rate a movie, a show or an episode, from 0 to 100."""
        return self._state.add_rating(
            self.user_id,
            tmdb_id=tmdb_id,
            media_type=media_type,
            score=score,
            season=season,
            episode=episode,
            label=label,
            created=created,
            row_id=row_id,
        )

    def remove_rating(self, row_id: str) -> None:
        """Remove a rating."""
        self._state.remove_rating(row_id)

    def add_resume(
        self,
        *,
        tmdb_id: int | None,
        media_type: MediaType = "movie",
        season: int | None = None,
        episode: int | None = None,
        position_ms: int,
        runtime_ms: int,
        updated: float | None = None,
        row_id: str | None = None,
    ) -> ResumeRow:
        """Set the resume point of a movie or an episode, without any thresholds."""
        table = self.resume_table
        video: Video = (tmdb_id, media_type, season, episode)
        for row in table.find(by_video, video):
            now = self._state.clock() if updated is None else updated
            return table.replace(
                row, replace(row, position_ms=position_ms, runtime_ms=runtime_ms, updated=now)
            )
        return table.insert(
            ResumeRow(
                **self._state.stamp(row_id, updated),
                tmdb_id=tmdb_id,
                media_type=media_type,
                season=season,
                episode=episode,
                position_ms=position_ms,
                runtime_ms=runtime_ms,
            )
        )

    def remove_resume(self, row_id: str) -> None:
        """Remove a resume point."""
        self.resume_table.delete(self.resume_table[row_id])
