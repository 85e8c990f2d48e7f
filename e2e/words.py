"""The integration's own texts, by their keys: a better wording is no reason for a test to fail."""

import json
from pathlib import Path
from typing import Any

from lab.paths import INTEGRATION


def word(path: str) -> str:
    """Return the English text of a key such as `config.error.invalid_auth`."""
    return str(_found(INTEGRATION / "translations" / "en.json", path))


def card_word(path: str, **values: str | int) -> str:
    """Return a text of the dashboard card with its placeholders filled in; `n` chooses the plural."""
    found = _found(INTEGRATION / "frontend" / "texts" / "en.json", path)
    if isinstance(found, dict):
        found = found["one" if values["n"] == 1 else "other"]
    return str(found).format(**values)


def _found(file: Path, path: str) -> Any:
    found: Any = json.loads(file.read_text(encoding="utf-8"))
    for part in path.split("."):
        found = found[part]
    return found
