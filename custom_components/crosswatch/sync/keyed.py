"""Entries by the keys under which both sides are compared."""

from collections.abc import Iterable
from contextlib import suppress

from .draft import Draft
from .identity import UNKNOWN, AmbiguousIdsError, play_key, rating_key
from .models import Action, Entry, Item, Kind, Play, Rating, Resume, Side, Snapshot, WatchlistEntry
from .values import date_of, value_of


def by_key(entries: Iterable[Entry], side: Side, draft: Draft) -> dict[str, Entry]:
    """Entries by key. Copies of one title (two libraries) are one; what has no key is unresolved."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = item_key(entry, side, draft)
        if key is not None:
            known = found.setdefault(key, entry)
            if known is not entry:
                found[key] = min(known, entry, key=rank)
    return found


def newest_by_key[E: Rating | Resume](
    entries: Iterable[Entry], of: type[E], side: Side, draft: Draft
) -> dict[str, E]:
    """Ratings or resume positions by key. Of the copies of one title the one with the latest date counts."""
    found: dict[str, E] = {}
    for entry in entries:
        if isinstance(entry, of) and (item := item_key(entry, side, draft)) is not None:
            key = full_key(item, entry)
            known = found.setdefault(key, entry)
            if known is not entry:
                found[key] = min(known, entry, key=_newest)
    return found


def full_key(item: str, entry: Entry) -> str:
    """Key of an entry, from that of its item."""
    match entry:
        case Play(watched_at=at):
            return play_key(item, at)
        case Rating(label=label):
            return rating_key(item, label)
    return item


def keys_of(items: Iterable[Item], draft: Draft) -> set[str]:
    """Keys of items, as far as they can be told."""
    found: set[str] = set()
    for item in items:
        with suppress(AmbiguousIdsError):
            found.add(draft.context.aliases.key(item))
    return found


def item_key(entry: Entry, side: Side, draft: Draft) -> str | None:
    """Return the key of what a side holds; None when it can't be told apart and so can't travel."""
    try:
        key = draft.context.aliases.key(entry.item)
    except AmbiguousIdsError as err:
        key, reason = str(err), "ambiguous"
        draft.blurred[side] |= draft.context.aliases.contested(entry.item)
        draft.mistakable[side] |= draft.context.aliases.candidates(entry.item)
    else:
        if not key.startswith(UNKNOWN):
            return key
        reason = draft.context.refusal(side.other, draft.feature, Action.ADD, entry) or "missing_ids"
    if entry.remote_id in draft.events(side):
        # an agreed play whose item has lost its ids: it is known under the key it had
        return None
    if draft.context.may_write(side.other):
        rule = draft.context.bar(draft.feature, side.other, Action.ADD, entry)
        if rule is None:
            draft.refuse(side.other, full_key(key, entry), entry, reason)
        else:
            draft.skip(side.other, full_key(key, entry), entry, rule)
    return None


def could_hold(snapshot: Snapshot, entry: Entry) -> bool:
    """Whether a side could have an entry like this one, which it does not show."""
    return snapshot.has_place is None or snapshot.has_place(entry.item)


def rank(entry: Entry) -> tuple[object, ...]:
    """Order of copies of one thing: first the one whose best id is best, which is likeliest to be taken.

    Then one with a title, for persons to read, and one with an id of its own, by which it can be taken away.
    """
    item = entry.item
    ids = item.ids if item.kind in (Kind.MOVIE, Kind.SHOW) else item.show_ids
    lacking = (ids.tmdb is None, ids.imdb is None, ids.tvdb is None, ids.guid is None)
    # of copies that are alike the one listed last
    listed = entry.listed_at or 0 if isinstance(entry, WatchlistEntry) else 0
    told = (item.title is None, item.title, entry.remote_id is None, entry.remote_id)
    return (lacking, ids.tokens(), *told, -listed)


def _newest(entry: Rating | Resume) -> tuple[object, ...]:
    at = date_of(entry)
    return (at is None, -(at or 0), rank(entry), value_of(entry))
