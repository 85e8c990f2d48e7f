"""Reading single values off Plex's JSON, and the headers every request carries."""

from collections.abc import Mapping
from typing import Any, Final

from ...sync.provider import BadAnswerError

PRODUCT: Final = "CrossWatch"
VERSION: Final = "1.0"
"""Constant on purpose: a changing version rewrites the device record at plex.tv (API reference 1.1)."""

TOKEN: Final = "X-Plex-Token"  # noqa: S105 - the name of a header


def client_headers(client_id: str, token: str | None = None) -> dict[str, str]:
    """Headers that name this installation, and the credential where one is given (API reference 1.1)."""
    headers = {
        "Accept": "application/json",
        "X-Plex-Product": PRODUCT,
        "X-Plex-Version": VERSION,
        "X-Plex-Platform": PRODUCT,
        "X-Plex-Device-Name": PRODUCT,
        "X-Plex-Client-Identifier": client_id,
    }
    if token is not None:
        headers[TOKEN] = token
    return headers


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, or raise."""
    if not isinstance(value, dict):
        raise BadAnswerError("not a JSON object")
    return value


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return a list of JSON objects; a missing list is empty (API reference 2.1)."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswerError("not a list of rows")
    return [mapping(row) for row in value]


def text(row: Mapping[str, Any], name: str) -> str | None:
    """Text or number as text; None when absent or empty."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadAnswerError(f"{name} is not text")
    return str(value)


def required(row: Mapping[str, Any], name: str) -> str:
    """Text that has to be there."""
    value = text(row, name)
    if value is None:
        raise BadAnswerError(f"{name} is missing")
    return value


def number(row: Mapping[str, Any], name: str) -> int | None:
    """Whole number, also when written as text; None when absent or empty. 0 stays 0."""
    value = row.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, bool):
        if isinstance(value, int):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, str) and value.removeprefix("-").isdecimal():
            return int(value)
    raise BadAnswerError(f"{name} is not a number")


def decimal(row: Mapping[str, Any], name: str) -> float | None:
    """Number with a fraction (ratings); None when absent."""
    value = row.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadAnswerError(f"{name} is not a number")
    return float(value)


def flag(row: Mapping[str, Any], name: str) -> bool:
    """Boolean; plex.tv also writes 0 and 1. Absent means no."""
    return row.get(name) in (True, 1, "1")
