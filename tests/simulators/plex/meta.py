"""Which filters, sorts and operators a library supports: `includeMeta=1` (API reference 2.5, 7.3)."""

from typing import Final

from tests.simulators.plex.rows import Row
from tests.simulators.plex.state import TYPE_NUMBERS, Kind, Section

_FIELDS: Final[tuple[tuple[str, str], ...]] = (
    ("title", "string"),
    ("year", "integer"),
    ("userRating", "integer"),
    ("viewCount", "integer"),
    ("viewOffset", "integer"),
    ("lastViewedAt", "date"),
    ("lastRatedAt", "date"),
    ("addedAt", "date"),
    ("updatedAt", "date"),
    ("originallyAvailableAt", "date"),
    ("unwatched", "boolean"),
    ("unmatched", "boolean"),
    ("inProgress", "boolean"),
)
_SORTS: Final = (
    "titleSort",
    "year",
    "originallyAvailableAt",
    "userRating",
    "lastRatedAt",
    "addedAt",
    "lastViewedAt",
    "viewOffset",
    "duration",
)
_OPERATORS: Final = {
    "integer": ("=", "!=", ">>=", "<<="),
    "string": ("=", "!=", "==", "!==", "<=", ">="),
    "boolean": ("=", "!="),
    "date": ("<<=", ">>="),
}
_BELOW: Final[dict[str, tuple[Kind, ...]]] = {
    "movie": ("movie",),
    "show": ("show", "season", "episode"),
}


def _type(section: Section, kind: Kind, *, active: bool) -> Row:
    number = next(n for n, name in TYPE_NUMBERS.items() if name == kind)
    prefix = "" if kind == "movie" else f"{kind}."
    scopes = (prefix, "episode.") if kind == "show" else (prefix,)
    return {
        "key": f"/library/sections/{section.id}/all?type={number}",
        "type": kind,
        "title": f"{kind.title()}s",
        "active": active,
        "Filter": [
            {
                "filter": name,
                "filterType": kind_of_field,
                "key": f"/library/sections/{section.id}/{name}",
                "title": name,
                "type": "filter",
            }
            for name, kind_of_field in _FIELDS
            if kind_of_field == "boolean" or name == "year"
        ],
        "Sort": [
            {
                "default": "asc" if name == "titleSort" else None,
                "defaultDirection": "asc" if name == "titleSort" else "desc",
                "descKey": f"{name}:desc",
                "firstCharacterKey": f"/library/sections/{section.id}/firstCharacter",
                "key": name,
                "title": name,
            }
            for name in _SORTS
        ],
        "Field": [
            {"key": f"{scope}{name}", "title": name, "type": kind_of_field}
            for scope in scopes
            for name, kind_of_field in _FIELDS
        ],
    }


def collections_meta(section: Section) -> Row:
    """Build the Meta element of the section's collections."""
    path = f"/library/sections/{section.id}/collections?type=18"
    collection: Row = {"key": path, "type": "collection", "title": "Collections", "active": True}
    return {"Type": [collection], "FieldType": []}


def meta_of(section: Section, asked: Kind | None) -> Row:
    """Build the Meta element; the asked-for type is the active one."""
    kinds = _BELOW[section.kind]
    return {
        "Type": [_type(section, kind, active=kind == (asked or section.kind)) for kind in kinds],
        "FieldType": [
            {"type": name, "Operator": [{"key": key, "title": key} for key in keys]}
            for name, keys in _OPERATORS.items()
        ],
    }
