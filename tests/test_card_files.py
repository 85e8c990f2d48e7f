"""The files of the dashboard card: its texts, its imports, and nothing that treats data as HTML."""

from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

import pytest

from tests.common import INTEGRATION

FOLDER = INTEGRATION / "frontend"
SCRIPTS = {path.relative_to(FOLDER).as_posix(): path.read_text("utf-8") for path in FOLDER.rglob("*.js")}
LANGUAGES = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((FOLDER / "texts").glob("*.json"))
}
PLURALS = {"zero", "one", "two", "few", "many", "other"}
LONGEST = 400


def keys(texts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each key with its text, or with all its plural forms."""
    for name, value in texts.items():
        if isinstance(value, str):
            yield prefix + name, (value,)
        elif "other" in value and set(value) <= PLURALS:
            yield prefix + name, tuple(value.values())
        else:
            yield from keys(value, f"{prefix}{name}.")


ENGLISH = dict(keys(LANGUAGES["en"]))


def placeholders(forms: tuple[str, ...]) -> list[set[str]]:
    """Return what each form has filled in."""
    return [set(re.findall(r"\{(\w+)\}", form)) for form in forms]


def asked_for() -> tuple[set[str], set[str]]:
    """Return the keys that the scripts name, and patterns of those that they put together."""
    found = {
        text
        for script in SCRIPTS.values()
        for call in re.findall(r"(?:\.(?:t|count|get)|_tell)\(((?:[^()]|\([^()]*\))*)", script)
        for text in re.findall(r"\"([a-z_]+(?:\.[a-z_]+)+)\"|`([^`]*\.[^`]*)`", call)
    }
    plain = {text for text, _ in found if text}
    return plain, {re.sub(r"\$\{[^}]*\}", "[a-z_]+", text).replace(".", r"\.") for _, text in found if text}


def test_every_text_is_there_and_used() -> None:
    plain, patterns = asked_for()
    assert plain - set(ENGLISH) == set()
    assert len(patterns) > 3
    for pattern in patterns:
        assert any(re.fullmatch(pattern, key) for key in ENGLISH), pattern
    used = {key for key in ENGLISH if any(re.fullmatch(pattern, key) for pattern in patterns)} | plain
    assert set(ENGLISH) - used == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages(language: str) -> None:
    """Every language has every text, with the same placeholders, and is offered."""
    texts = dict(keys(LANGUAGES[language]))
    assert set(texts) == set(ENGLISH)
    for key, forms in texts.items():
        assert set(map(frozenset, placeholders(forms))) == set(map(frozenset, placeholders(ENGLISH[key]))), (
            key
        )
        assert all(form == form.strip() and "<" not in form for form in forms), key
    offered = re.search(r"const LANGUAGES = \[(.*)\];", SCRIPTS["texts.js"])
    assert offered is not None
    assert f'"{language}"' in offered[1]


@pytest.mark.parametrize("name", SCRIPTS)
def test_script(name: str) -> None:
    """Titles come from servers: they are text and never HTML. Nothing comes from the net."""
    script = SCRIPTS[name]
    assert len(script.splitlines()) <= LONGEST
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "unsafe", "eval(", "document.write"):
        assert forbidden not in script
    for target in re.findall(r"(?:from|import\()\s*\"([^\"]+)\"", script):
        assert target.startswith("."), "a file of the card"
        assert (FOLDER / Path(name).parent / target).resolve().is_file(), target
    assert re.findall(r"https?://[^\"]*", script) in ([], [DOCUMENTATION])


DOCUMENTATION = "https://github.com/crosswatch/crosswatch-home-assistant/blob/main/docs/card.md"
