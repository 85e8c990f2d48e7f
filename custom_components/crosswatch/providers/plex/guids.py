"""What a Plex guid says about external ids, for every form an agent may have given (API reference 2.14).

Pure. An id is only labelled when the form tells its level: a legacy episode guid carries the *show's*
id and the numbers, never an id of the episode. A form that leaves room for doubt gives nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
import re
from typing import Final

from ...sync.models import NO_IDS, Ids, Kind

LEGACY: Final = "com.plexapp.agents."
NFO: Final = ("tv.plex.agents.nfo.movie", "tv.plex.agents.nfo.series")
PLEX: Final = "plex"
SOURCES: Final = ("imdb", "tmdb", "tvdb")

# legacy agents whose ids live in one namespace
AGENTS: Final = {"imdb": "imdb", "themoviedb": "tmdb", "tmdb": "tmdb", "thetvdb": "tvdb", "xbmcnfotv": "tvdb"}
HAMA_SOURCES: Final = {"imdb": "imdb", "tmdb": "tmdb", "tsdb": "tmdb", "tvdb": "tvdb", "anidb": None}

_GUID = re.compile(r"(?P<scheme>[a-z0-9.+_-]+)://(?P<rest>[^?]+)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(r"(?P<id>[^/]+)(?:/(?P<season>\d{1,5})(?:/(?P<episode>\d{1,5}))?)?")
_HAMA = re.compile(r"(?P<source>[a-z]+)(?P<mode>\d?)-(?P<id>tt\d+|\d+)")
_NFO = re.compile(r"(?P<level>movie|show)/(?P<source>imdb|tmdb|tvdb)_(?P<id>tt\d+|\d+)")
_IMDB = re.compile(r"tt\d{6,10}")
_NUMBER = re.compile(r"\d{1,10}")

type Values = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Parsed:
    """What guids tell of one item.

    `own` are ids of the item's level. `show`, `season` and `episode` are what a legacy guid of a season
    or an episode carries. `numbered`: the numbers follow the order of the id's source; False where the
    agent renumbers, so that show id and numbers together would name another episode. `conflict`: one
    source was given with two values.
    """

    own: Ids = NO_IDS
    show: Ids = NO_IDS
    season: int | None = None
    episode: int | None = None
    numbered: bool = True
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class _Main:
    """A taken-apart main guid: `values` at most one id, `place` the numbers that followed it."""

    values: Values
    place: tuple[int | None, int | None] = (None, None)
    numbered: bool = True
    universal: bool = True


_NOTHING: Final = _Main({}, universal=False)


def parse(kind: Kind, guid: str | None, external: Iterable[str] = ()) -> Parsed:
    """Read an item's main guid and its `Guid[]` ids (`imdb://tt…`, `tmdb://…`, `tvdb://…`).

    The guid itself becomes an id only where it means the same on every server: not `local://`, not the
    agents without ids.
    """
    main = _main(kind, guid) if guid else _NOTHING
    season, episode = main.place
    below = kind in (Kind.SEASON, Kind.EPISODE)
    # without numbers nobody knows whether the id is the show's or the episode's
    complete = season is not None and (kind is Kind.SEASON or episode is not None)
    carried = main.values if below and complete else {}
    direct = main.values if not below and season is None else {}
    own, conflict = _choose(direct, external)
    return Parsed(
        own=_ids(own, guid if main.universal else None),
        show=_ids(carried),
        season=season if carried else None,
        episode=episode if carried else None,
        numbered=main.numbered,
        conflict=conflict,
    )


def has_external(ids: Ids) -> bool:
    """Whether an id is known that other services know too."""
    return ids.tmdb is not None or ids.imdb is not None or ids.tvdb is not None


def _main(kind: Kind, guid: str) -> _Main:
    found = _GUID.fullmatch(guid)
    if found is None:
        return _NOTHING
    scheme, rest = found["scheme"].lower(), found["rest"]
    if scheme in NFO:
        nfo = _NFO.fullmatch(rest.lower())
        # a bare number has no source; only the levels of movie and show are known
        return _labelled(nfo["source"], nfo["id"]) if nfo is not None and nfo["level"] == kind else _NOTHING
    if scheme.startswith(LEGACY):
        return _legacy(kind, scheme.removeprefix(LEGACY), rest)
    if scheme in SOURCES:
        return _labelled(scheme, rest)
    return _Main({}) if scheme == PLEX else _NOTHING


def _legacy(kind: Kind, agent: str, rest: str) -> _Main:
    found = _PLACE.fullmatch(rest.rstrip("/"))
    if found is None:
        return _NOTHING
    place = (_int(found["season"]), _int(found["episode"]))
    if agent == "hama":
        return _hama(kind, found["id"].lower(), place)
    source = AGENTS.get(agent)
    if agent == "xbmcnfo" and kind is Kind.MOVIE:
        source = "imdb" if found["id"].lower().startswith("tt") else "tmdb"
    # TVDB numbers of these agents are shows
    if source is None or (source == "tvdb" and kind is Kind.MOVIE):
        return _NOTHING
    return _labelled(source, found["id"], place)


def _hama(kind: Kind, text: str, place: tuple[int | None, int | None]) -> _Main:
    found = _HAMA.fullmatch(text)
    if found is None or found["source"] not in HAMA_SOURCES:
        return _NOTHING
    source = HAMA_SOURCES[found["source"]]
    if source is None or (source == "tvdb" and kind is Kind.MOVIE):
        return _Main({}, numbered=False)
    # every mode digit renumbers episodes its own way
    return _labelled(source, found["id"], place, numbered=not found["mode"])


def _labelled(
    source: str, value: str, place: tuple[int | None, int | None] = (None, None), *, numbered: bool = True
) -> _Main:
    checked = _value(source, value)
    return _NOTHING if checked is None else _Main({source: checked}, place, numbered)


def _value(source: str, text: str) -> str | int | None:
    """Return an id in its normal form, or None when it can't be one."""
    if source == "imdb":
        text = text.lower()
        return text if _IMDB.fullmatch(text) else None
    number = int(text) if _NUMBER.fullmatch(text) else 0
    return number if number > 0 else None


def _choose(direct: Values, external: Iterable[str]) -> tuple[Values, bool]:
    """Join the main guid's id with the `Guid[]` ids: those win, of two the smaller one."""
    listed: dict[str, set[str | int]] = {}
    for guid in external:
        found = _GUID.fullmatch(guid)
        if found is None:
            continue
        source = found["scheme"].lower()
        if source in SOURCES and (value := _value(source, found["rest"])) is not None:
            listed.setdefault(source, set()).add(value)
    conflict = any(len(values) > 1 for values in listed.values()) or any(
        source in listed and value not in listed[source] for source, value in direct.items()
    )
    chosen = {source: min(values, key=_size) for source, values in listed.items()}
    return direct | chosen, conflict


def _size(value: str | int) -> int:
    return value if isinstance(value, int) else int(value.removeprefix("tt"))


def _ids(values: Values, guid: str | None = None) -> Ids:
    if not values and guid is None:
        return NO_IDS
    tmdb, imdb, tvdb = values.get("tmdb"), values.get("imdb"), values.get("tvdb")
    return Ids(
        tmdb=tmdb if isinstance(tmdb, int) else None,
        imdb=imdb if isinstance(imdb, str) else None,
        tvdb=tvdb if isinstance(tvdb, int) else None,
        guid=guid,
    )


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)
