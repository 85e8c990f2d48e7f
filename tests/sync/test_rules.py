"""The rules that the documents name are those of the code, and the other way round."""

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path
import re

from custom_components.crosswatch.sync import guards
from custom_components.crosswatch.sync.brake import FAILED
from custom_components.crosswatch.sync.decisions import Decided
from custom_components.crosswatch.sync.models import Side

ROOT = Path(__file__).parents[2]
SYNC = ROOT / "custom_components" / "crosswatch" / "sync"
TEXT = (ROOT / "docs" / "sync-rules.md").read_text()
WORD = re.compile(r"[a-z]+(_[a-z]+)+")
PLANNERS = sorted(SYNC.glob("plan*.py"))
OTHERS = (SYNC / "draft.py", SYNC / "context.py", SYNC / "undo.py")
REASONS = {
    "missing_ids",
    "missing_duration",
    "missing_tmdb_id",
    "accepted_but_not_shown",
    "auth_failed",
    "clear_unsupported",
}
"""Reasons and outcomes, which are no rules."""
SETTINGS = {"rating_step", "least_move", "written_at", "waits_for", "retry_at", "undone_by"}
"""Names of the code that the text explains."""


def constants(path: Path) -> Iterator[str]:
    """All texts of a module that look like rules, whichever side they are about."""
    tree = ast.parse(path.read_text())
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inner:
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [
                (part.value,) if isinstance(part, ast.Constant) else tuple(map(str, Side))
                for part in node.values
            ]
            yield from ("".join(map(str, each)) for each in product(*parts))


def rules() -> set[str]:
    """Everything that a planner may say of a change or a skip."""
    found = {text for path in (*PLANNERS, *OTHERS) for text in constants(path) if WORD.fullmatch(text)}
    return found - REASONS


def reasons() -> set[str]:
    """Everything that may hold a plan."""
    return {text for text in constants(Path(guards.__file__)) if WORD.fullmatch(text)} | {FAILED}


TABLES = TEXT[: TEXT.index("## What can't be written")]
"""The part of the document that has the rules of planners and guards."""


def named(text: str) -> set[str]:
    """Every name in a text that looks like a rule."""
    return {name for name in re.findall(r"`([a-z_]+)`", text) if WORD.fullmatch(name)}


def test_every_rule_is_documented() -> None:
    assert sorted(rules() - named(TEXT)) == []
    assert [each for each in Decided if f"`{each}`" not in TEXT] == []
    assert len(rules()) > 30


def test_every_reason_to_hold_is_documented() -> None:
    brake = TABLES[TABLES.index("## The brake") :]
    assert sorted(reasons() - named(brake) - rules()) == []


def test_every_documented_rule_is_one() -> None:
    known = rules() | reasons() | REASONS | SETTINGS
    assert sorted(named(TABLES) - known) == []
