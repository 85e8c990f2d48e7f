"""Which rows of two services are the same title: typed keys and the alias table.

A key carries its kind: `movie:tmdb:603`, `show:tmdb:1399`, `season:tmdb:1399:s01`,
`episode:tmdb:1399:s01e05`. A play's key is the item's with its time, `movie:tmdb:603@1788000000`.
Ids decide, never titles.
"""

from collections.abc import Iterable, Mapping

from .models import NO_IDS, Ids, Item, Kind

UNKNOWN = "unknown:"
"""Start of the key of an item without any id. Such keys match nothing and are never agreed."""

# one value per title, best first; a guid may differ between copies of the same title
SINGULAR = ("tmdb", "imdb", "tvdb")


class AmbiguousIdsError(Exception):
    """The item's ids fit more than one title."""


def play_key(key: str, watched_at: int | None) -> str:
    """Key of one play; plays without a date share `@unknown`."""
    return f"{key}@{'unknown' if watched_at is None else watched_at}"


class Aliases:
    """Joins all ids ever seen for one title, so that a better id arriving later is the same title.

    `rows` maps a typed id such as `movie:imdb:tt0133093` to the title's key. `learned` collects what
    has to be stored. A title keeps its key once it has one, unless two titles turn out to be one:
    then `current` translates the key that was given up.
    """

    def __init__(self, rows: Mapping[str, str] | None = None) -> None:
        """Start from stored rows."""
        self._key_of = dict(rows or {})
        self._members: dict[str, dict[str, str]] = {}
        for token, key in self._key_of.items():
            namespace = token.split(":", 2)[1]
            self._members.setdefault(key, {}).setdefault(namespace, token)
        self._contested: set[str] = set()
        self._given_up: dict[str, str] = {}
        self.learned: dict[str, str] = {}

    def learn(self, items: Iterable[Item]) -> None:
        """Take in the ids of all titles (movies, shows, the shows of episodes). Order does not matter."""
        titles = {title for item in items if (title := _title(item))[1]}
        # titles with most ids first: they tie the loose ones together
        for kind, ids in sorted(titles, key=lambda t: (-len(t[1].tokens()), t[0], t[1].tokens())):
            self._learn(kind, ids)

    def key(self, item: Item) -> str:
        """Return the item's key, or raise `AmbiguousIdsError`. Call `learn` first."""
        kind, ids = _title(item)
        if not ids:
            return f"{UNKNOWN}{item.kind}:{item.name.casefold()}"
        title = self._title_key(kind, ids)
        if item.kind in (Kind.MOVIE, Kind.SHOW):
            return title
        if item.season is None or (item.kind is Kind.EPISODE and item.episode is None):
            return f"{UNKNOWN}{item.kind}:{title}:{item.name.casefold()}"
        numbers = f"s{item.season:02d}"
        if item.kind is Kind.EPISODE:
            numbers += f"e{item.episode:02d}"
        return f"{item.kind}{title.removeprefix(Kind.SHOW)}:{numbers}"

    def current(self, key: str) -> str:
        """Translate a stored key of a title, season or episode whose title has been joined to another."""
        if not self._given_up:
            return key
        kind, rest = key.split(":", 1)
        if kind in (Kind.SEASON, Kind.EPISODE):
            title, numbers = rest.rsplit(":", 1)
            new = self._follow(f"{Kind.SHOW}:{title}")
            return f"{kind}{new.removeprefix(Kind.SHOW)}:{numbers}"
        title, at, when = key.partition("@")
        return f"{self._follow(title)}{at}{when}"

    def _follow(self, key: str) -> str:
        while key in self._given_up:
            key = self._given_up[key]
        return key

    def _title_key(self, kind: Kind, ids: Ids) -> str:
        tokens = [f"{kind}:{token}" for token in ids.tokens()]
        for token in tokens:
            if token not in self._contested:
                return self._key_of[token]
        raise AmbiguousIdsError(tokens[0])

    def _learn(self, kind: Kind, ids: Ids) -> None:
        tokens = {token.split(":", 1)[0]: f"{kind}:{token}" for token in ids.tokens()}
        joined: list[str] = []
        merged = dict(tokens)
        for namespace, token in tokens.items():
            key = self._key_of.get(token)
            if key is None or key in joined:
                continue
            members = self._members[key]
            if any(merged.get(n, members[n]) != members[n] for n in _stronger(namespace) if n in members):
                # a weaker id that contradicts a stronger one proves nothing
                self._contested.add(token)
                continue
            joined.append(key)
            merged = members | merged
        free = [token for token in tokens.values() if token not in self._key_of]
        home = joined[0] if joined else next(iter(free), None)
        if home is None:
            return
        for key in joined[1:]:
            self._give_up(key, home)
        for token in tokens.values():
            if token not in self._contested and self._key_of.get(token) != home:
                self._put(token, home)

    def _put(self, token: str, key: str) -> None:
        self._key_of[token] = key
        self.learned[token] = key
        self._members.setdefault(key, {}).setdefault(token.split(":", 2)[1], token)

    def _give_up(self, old: str, new: str) -> None:
        self._given_up[old] = new
        for token in [t for t, key in self._key_of.items() if key == old]:
            self._put(token, new)
        del self._members[old]


def _stronger(namespace: str) -> tuple[str, ...]:
    return SINGULAR[: SINGULAR.index(namespace)] if namespace in SINGULAR else SINGULAR


def _title(item: Item) -> tuple[Kind, Ids]:
    """Kind and ids of the movie or show the item is or belongs to."""
    if item.kind in (Kind.MOVIE, Kind.SHOW):
        return item.kind, item.ids
    return Kind.SHOW, item.show_ids or NO_IDS
