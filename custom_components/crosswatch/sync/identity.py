"""Which rows of two services are the same title: typed keys and the alias table.

A key carries its kind: `movie:tmdb:603`, `show:tmdb:1399`, `season:tmdb:1399:s01`,
`episode:tmdb:1399:s01e05`. A play's key is the item's with its time, `movie:tmdb:603@1788000000`, a
rating's the item's with its label, `movie:tmdb:603#rating:overall`.
Ids decide, never titles.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations
import re
from typing import Self

from .models import Ids, Item, Kind

UNKNOWN = "unknown:"
"""Start of the key of an item without any id. Such keys match nothing and are never agreed."""

RATING = "#rating:"
"""Between the key of an item and the label of one of its ratings."""

WHEN = re.compile(r"@(unknown|-?\d+)$")
"""Time at the end of the key of a play."""

NUMBERS = re.compile(r" s\d{2,}(e\d{2,})?$")
"""Numbers at the end of the key of an episode or season without any id."""

NAMESPACES = ("tmdb", "imdb", "tvdb", "guid")
"""Best first. An id of a later namespace that contradicts an earlier one proves nothing."""


class AmbiguousIdsError(Exception):
    """The item's ids fit more than one title."""


def play_key(key: str, watched_at: int | None) -> str:
    """Key of one play; plays without a date share `@unknown`."""
    return f"{key}@{'unknown' if watched_at is None else watched_at}"


def rating_key(key: str, label: str) -> str:
    """Key of one rating; labels that differ in case only are one."""
    return f"{key}{RATING}{label.strip().casefold()}"


def item_of(key: str) -> str:
    """Return the key of the item that a play or rating, from its key, is of."""
    return WHEN.sub("", key.partition(RATING)[0])


def title_of(key: str) -> str:
    """Return the key of the movie or show that an item, from its key, is or belongs to."""
    unknown = UNKNOWN if key.startswith(UNKNOWN) else ""
    kind, _, rest = key.removeprefix(UNKNOWN).partition(":")
    if kind not in (Kind.SEASON, Kind.EPISODE):
        return key
    title = NUMBERS.sub("", rest) if unknown else rest.rpartition(":")[0]
    return f"{unknown}{Kind.SHOW}:{title}"


class Aliases:
    """Joins all ids ever seen for one title, so that a better id arriving later is the same title.

    `rows` maps a typed id such as `movie:imdb:tt0133093` to the title's key. `learned` collects what
    has to be stored. A title keeps its key once it has one, unless two titles turn out to be one:
    then `current` translates the key that was given up, which is a typed id itself.
    """

    def __init__(self, rows: Mapping[str, str] | None = None) -> None:
        """Start from stored rows."""
        self._key_of = dict(rows or {})
        self._contested: set[str] = set()
        self._claims: dict[str, set[str]] = {}
        self._shows: dict[Ids, str] = {}
        """Keys of shows by the ids that their episodes tell, as they are asked for."""
        self.learned: dict[str, str] = {}

    def copy(self) -> Self:
        """Return an independent copy; which ids are contested it has to learn anew."""
        twin = type(self)(self._key_of)
        twin.learned = dict(self.learned)
        return twin

    def learn(self, items: Iterable[Item]) -> None:
        """Take in the ids of all titles (movies, shows, the shows of episodes). Order does not matter."""
        self._shows.clear()
        titles: dict[Kind, dict[Ids, None]] = {Kind.MOVIE: {}, Kind.SHOW: {}}
        for item in items:
            kind, ids = title_ids(item)
            titles[kind][ids] = None
        news = [
            tokens
            for kind, told in titles.items()
            for ids in told
            if ids and self._is_news(tokens := _tokens(kind, ids))
        ]
        if not news:
            return
        stored: dict[str, list[str]] = {}
        for token, key in self._key_of.items():
            stored.setdefault(key, []).append(token)
        web = _Web(self._key_of, stored)
        for tokens in news:
            web.add(tokens)
        self._contested |= web.join()
        for group in web.groups():
            home = self._settle(group)
            for token in group.tokens():
                if home is not None and token in self._contested:
                    self._claims.setdefault(token, set()).add(home)

    def key(self, item: Item) -> str:
        """Return the item's key, or raise `AmbiguousIdsError`. Call `learn` first."""
        kind, ids = title_ids(item)
        title = self._shows.get(ids) if kind is Kind.SHOW else None
        if title is None:
            if not ids:
                return f"{UNKNOWN}{item.kind}:{item.name.casefold()}"
            title = self._title_key(kind, ids)
            if kind is Kind.SHOW:
                self._shows[ids] = title
        if item.kind in (Kind.MOVIE, Kind.SHOW):
            return title
        if item.season is None or (item.kind is Kind.EPISODE and item.episode is None):
            return f"{UNKNOWN}{item.kind}:{title}:{item.name.casefold()}"
        numbers = f"s{item.season:02d}"
        if item.kind is Kind.EPISODE:
            numbers += f"e{item.episode:02d}"
        return f"{item.kind}{title.removeprefix(Kind.SHOW)}:{numbers}"

    def contested(self, item: Item) -> frozenset[str]:
        """Return those of the item's typed ids that fit more than one title."""
        return frozenset(token for token in _tokens(*title_ids(item)) if token in self._contested)

    def candidates(self, item: Item) -> frozenset[str]:
        """Return the keys of the titles that an item with ambiguous ids may be."""
        return frozenset(key for token in _tokens(*title_ids(item)) for key in self._claims.get(token, ()))

    def title(self, item: Item) -> str:
        """Return the key of the movie or show that an item is or belongs to."""
        return self._title_key(*title_ids(item))

    def current(self, key: str) -> str:
        """Translate a stored key of anything whose title was joined to another."""
        item, mark, label = key.partition(RATING)
        if mark:
            return f"{self.current(item)}{mark}{label}"
        kind, rest = key.split(":", 1)
        if kind in (Kind.SEASON, Kind.EPISODE):
            title, numbers = rest.rsplit(":", 1)
            known = self._key_of.get(f"{Kind.SHOW}:{title}")
            return key if known is None else f"{kind}{known.removeprefix(Kind.SHOW)}:{numbers}"
        if (known := self._key_of.get(key)) is not None:
            return known
        title, at, when = key.rpartition("@")
        return f"{self._key_of.get(title, title)}{at}{when}"

    def former(self, item: str) -> frozenset[str]:
        """Return the keys that something may be stored under which has this item's key now."""
        title, numbers = title_of(item), ""
        if title != item:
            numbers = f":{item.rpartition(':')[2]}"
        tokens = {token for token, key in self._key_of.items() if key == title}
        kind = item.partition(":")[0]
        return frozenset({item, *(f"{kind}:{token.partition(':')[2]}{numbers}" for token in tokens)})

    def _title_key(self, kind: Kind, ids: Ids) -> str:
        for token in ids.tokens():
            typed = f"{kind}:{token}"
            if typed not in self._contested:
                return self._key_of[typed]
        raise AmbiguousIdsError(_tokens(kind, ids)[0])

    def _is_news(self, tokens: tuple[str, ...]) -> bool:
        first = self._key_of.get(tokens[0])
        return first is None or any(self._key_of.get(token) != first for token in tokens[1:])

    def _settle(self, group: _Group) -> str | None:
        """Give all ids of a title one key and return it: the one its best id has, else its best id."""
        tokens = [token for token in group.tokens() if token in group.stored or token not in self._contested]
        home = next((group.stored[token] for token in tokens if token in group.stored), None)
        home = home or next(iter(tokens), None)
        for token in tokens:
            if home is not None and self._key_of.get(token) != home:
                self._key_of[token] = self.learned[token] = home
        return home


class _Group:
    """What is thought to be one title: its typed ids, and the keys those had so far."""

    def __init__(self, tokens: Iterable[str], key: str | None = None) -> None:
        self.ids: dict[str, set[str]] = {}
        for token in tokens:
            self.ids.setdefault(_namespace(token), set()).add(token)
        self.stored = {} if key is None else dict.fromkeys(tokens, key)

    def tokens(self) -> list[str]:
        """All typed ids, best first."""
        return [token for name in NAMESPACES for token in sorted(self.ids.get(name, ()))]

    def contradicts(self, other: _Group, names: Iterable[str]) -> bool:
        """Whether both have ids in one of the namespaces and none in common."""
        return any(
            (mine := self.ids.get(name)) and (theirs := other.ids.get(name)) and mine.isdisjoint(theirs)
            for name in names
        )


class _Web:
    """Joins groups over the ids they share, best namespace first, so that the order of reading is all one."""

    def __init__(self, key_of: Mapping[str, str], stored: Mapping[str, list[str]]) -> None:
        """`stored` maps keys to all their ids."""
        self._key_of = key_of
        self._stored = stored
        self._known: dict[str, _Group] = {}
        self._home: dict[_Group, _Group] = {}
        self._having: dict[str, list[_Group]] = {}

    def add(self, tokens: tuple[str, ...]) -> None:
        """Take in the ids of one title as one row tells them."""
        self._place(_Group(tokens))
        for token in tokens:
            key = self._key_of.get(token)
            if key is not None and key not in self._known:
                self._known[key] = _Group(self._stored[key], key)
                self._place(self._known[key])

    def join(self) -> set[str]:
        """Join what belongs together and return the ids that fit several titles, which join nothing."""
        contested: set[str] = set()
        for place, name in enumerate(NAMESPACES):
            for token in sorted(t for t in self._having if _namespace(t) == name):
                groups = list(dict.fromkeys(self._find(group) for group in self._having[token]))
                stronger = NAMESPACES[:place]
                if any(one.contradicts(other, stronger) for one, other in combinations(groups, 2)):
                    contested.add(token)
                    continue
                for other in groups[1:]:
                    self._union(groups[0], other)
        return contested

    def groups(self) -> list[_Group]:
        """Return what is one title each."""
        return [group for group, home in self._home.items() if group is home]

    def _place(self, group: _Group) -> None:
        self._home[group] = group
        for token in group.tokens():
            self._having.setdefault(token, []).append(group)

    def _find(self, group: _Group) -> _Group:
        while (home := self._home[group]) is not group:
            group = home
        return group

    def _union(self, home: _Group, other: _Group) -> None:
        self._home[other] = home
        for name, tokens in other.ids.items():
            home.ids.setdefault(name, set()).update(tokens)
        home.stored |= other.stored


def _tokens(kind: Kind, ids: Ids) -> tuple[str, ...]:
    return tuple(f"{kind}:{token}" for token in ids.tokens())


def _namespace(token: str) -> str:
    return token.split(":", 2)[1]


def title_ids(item: Item) -> tuple[Kind, Ids]:
    """Return kind and ids of the movie or show the item is or belongs to."""
    if item.kind in (Kind.MOVIE, Kind.SHOW):
        return item.kind, item.ids
    return Kind.SHOW, item.show_ids
