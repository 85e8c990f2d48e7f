"""TMDb ids that a person gave to titles which have none, for all pairs.

A title is known by an id such as `movie:imdb:tt0133093`, one without any id by its name, and by that only
because a person said so. A mapping fills in what is missing; it never replaces an id.
"""

from collections.abc import Mapping
from dataclasses import replace
import re
import sqlite3

from .identity import RATING, UNKNOWN, item_of, title_ids, title_of
from .models import Entry, Item, Kind, Snapshot

type Mappings = Mapping[str, int]
"""TMDb ids by the typed id, or the name, of what they were given to."""

TMDB = re.compile(r"(movie|show):tmdb:")
MAPPABLE = re.compile(
    rf"(movie|show):(tmdb|imdb|tvdb|guid):.+|{UNKNOWN}(movie|show):(?!show:|\?( \(\d+\))?$).+"
)


class NotMappableError(ValueError):
    """It can't be given a TMDb id: it has one already, or nothing that it could be known by."""


def with_mappings(snapshot: Snapshot, mappings: Mappings) -> Snapshot:
    """Return what was read with the ids that were given to it."""
    if not mappings:
        return snapshot
    return replace(
        snapshot,
        entries=tuple(_entry(entry, mappings) for entry in snapshot.entries),
        watched=tuple(_item(item, mappings) for item in snapshot.watched),
        finished=tuple(_entry(play, mappings) for play in snapshot.finished),
    )


def known_by(wanted: str, kind: Kind) -> str:
    """Return what a title is known by: from the key of anything of it, or an id such as `imdb:tt0133093`.

    Raises `NotMappableError`.
    """
    title_kind = Kind.MOVIE if kind is Kind.MOVIE else Kind.SHOW
    key = wanted.strip()
    if key.partition(":")[0] not in (*Kind, UNKNOWN.rstrip(":")):
        key = f"{title_kind}:{key}"
    key = title_of(item_of(key))
    if not MAPPABLE.fullmatch(key) or not key.removeprefix(UNKNOWN).startswith(title_kind):
        raise NotMappableError(wanted)
    return key


def _entry[E: Entry](entry: E, mappings: Mappings) -> E:
    item = _item(entry.item, mappings)
    return entry if item is entry.item else replace(entry, item=item)


def _item(item: Item, mappings: Mappings) -> Item:
    kind, ids = title_ids(item)
    if ids.tmdb is not None:
        return item
    tokens = [f"{kind}:{token}" for token in ids.tokens()] or [f"{UNKNOWN}{kind}:{_name(item)}"]
    tmdb = next((mappings[token] for token in tokens if token in mappings), None)
    if tmdb is None:
        return item
    ids = replace(ids, tmdb=tmdb)
    return replace(item, ids=ids) if item.kind is kind else replace(item, show_ids=ids)


def _name(item: Item) -> str:
    return (item.name if item.kind in (Kind.MOVIE, Kind.SHOW) else item.show_title or "").casefold()


# --- the table ----------------------------------------------------------------------------------


def load(db: sqlite3.Connection) -> dict[str, int]:
    """Return all mappings."""
    return dict(db.execute("SELECT token, tmdb FROM mapping").fetchall())


def keep(db: sqlite3.Connection, title: str, tmdb: int) -> None:
    """Give a title its id, by everything that any pair knows it by. Raises `NotMappableError`."""
    tokens = sorted(token for token in _known_as(db, title) if not TMDB.match(token))
    if not tokens:
        raise NotMappableError(title)
    known = load(db)
    if any(known.get(token, tmdb) != tmdb for token in tokens):
        drop(db, title)
    db.executemany(
        "INSERT INTO mapping (token, tmdb, title) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET tmdb = excluded.tmdb, title = excluded.title",
        [(token, tmdb, title) for token in tokens],
    )


def drop(db: sqlite3.Connection, title: str) -> bool:
    """Take an id back from a title, with all that was learned from it; return whether it had one.

    What a pair has agreed on under any of its ids says nothing any more: its next run can only add there.
    Nor does what a person has decided about it: the wrong title may have been meant.
    """
    rows = [
        row
        for token in _known_as(db, title)
        for row in db.execute("SELECT token, tmdb FROM mapping WHERE token = ? OR title = ?", (token, token))
    ]
    ids = {token for token, _ in rows} | {f"{token.partition(':')[0]}:tmdb:{tmdb}" for token, tmdb in rows}
    keys = {key for token in ids for key in (token, *_keys(db, token))}
    db.executemany("DELETE FROM mapping WHERE token = ?", [(token,) for token, _ in rows])
    db.executemany("DELETE FROM alias WHERE key = ?", [(key,) for key in keys])
    for table in ("baseline", "decision"):
        for key in keys:
            for start in _starts(key):
                db.execute(f"DELETE FROM {table} WHERE substr(key, 1, ?) = ?", (len(start), start))  # noqa: S608 - fixed names
        db.executemany(f"DELETE FROM {table} WHERE key = ?", [(key,) for key in keys])  # noqa: S608 - fixed names
    return bool(rows)


def _known_as(db: sqlite3.Connection, title: str) -> set[str]:
    """Return all ids of a title that any pair has seen, from one of them or from its key."""
    keys = (title, *_keys(db, title))
    return {title} | {
        token for key in keys for (token,) in db.execute("SELECT token FROM alias WHERE key = ?", (key,))
    }


def _keys(db: sqlite3.Connection, token: str) -> list[str]:
    return [key for (key,) in db.execute("SELECT DISTINCT key FROM alias WHERE token = ?", (token,))]


def _starts(title: str) -> tuple[str, ...]:
    """Return how the keys of everything of a title begin, but for the title's own."""
    kind, _, ids = title.partition(":")
    parts = (f"{Kind.SEASON}:{ids}:", f"{Kind.EPISODE}:{ids}:") if kind == Kind.SHOW else (f"{title}@",)
    return (f"{title}{RATING}", *parts)
