"""The integration's own texts, by their keys: a better wording is no reason for a test to fail."""

import json
from typing import Any

from lab.paths import INTEGRATION


def word(path: str) -> str:
    """Return the English text of a key such as `config.error.invalid_auth`."""
    found: Any = json.loads((INTEGRATION / "translations" / "en.json").read_text(encoding="utf-8"))
    for part in path.split("."):
        found = found[part]
    return str(found)
