"""Every text that the code names exists in English, and every English text is used."""

import ast
from collections.abc import Iterator, Mapping
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.crosswatch.binary_sensor import BINARY_SENSORS, CONNECTED
from custom_components.crosswatch.button import BUTTONS
from custom_components.crosswatch.const import LIMIT_NO_SERVER, EntryKind, IssueKind, ProviderName
from custom_components.crosswatch.errors import error_key
from custom_components.crosswatch.event import RUN
from custom_components.crosswatch.flows.plex_options import plex_setting
from custom_components.crosswatch.flows.publicmetadb_options import publicmetadb_setting
from custom_components.crosswatch.issues import DISK_ISSUES
from custom_components.crosswatch.message import TROUBLES
from custom_components.crosswatch.models import UndoState
from custom_components.crosswatch.pair_settings import NUMBERS
from custom_components.crosswatch.providers.plex import listing, marking, progress, ratings, resolving
from custom_components.crosswatch.providers.plex.link import NoServerError
from custom_components.crosswatch.providers.plex.provider import WrongUserError
from custom_components.crosswatch.providers.plex.rights import (
    MARKED_OWNER_ONLY,
    OWN_STATE_ONLY,
    SESSIONS_HIDDEN,
)
from custom_components.crosswatch.providers.plex.settings import BY_KEY
from custom_components.crosswatch.providers.publicmetadb import KEYS
from custom_components.crosswatch.repairs import FLOWS
from custom_components.crosswatch.sensor import LIMITS, PACE, QUOTAS, SENSORS
from custom_components.crosswatch.services import ACTIONS as HANDLED
from custom_components.crosswatch.services.runs import FAILURES
from custom_components.crosswatch.switch import AUTOMATIC
from custom_components.crosswatch.sync.brake import FAILED as BRAKE_FAILED
from custom_components.crosswatch.sync.decisions import Decided
from custom_components.crosswatch.sync.models import Action, Direction, Feature, Kind, Side
from custom_components.crosswatch.sync.provider import (
    AuthError,
    BadAnswerError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from custom_components.crosswatch.sync.report import Phase, RunStatus
from custom_components.crosswatch.texts import Word
from custom_components.crosswatch.todo import UNRESOLVED
from tests.common import ENGLISH, INTEGRATION
from tests.sync.test_rules import rules

ICONS: Mapping[str, Any] = json.loads((INTEGRATION / "icons.json").read_text("utf-8"))
ACTIONS: Mapping[str, Any] = load_yaml_dict(str(INTEGRATION / "services.yaml"))

PROVIDER_ERRORS = {
    error_key(err)
    for err in (
        AuthError(),
        WrongUserError(),
        ForbiddenError(),
        RateLimitedError(""),
        UnreachableError(),
        NoServerError(),
        BadAnswerError(),
        NotFoundError(),
        RefusedError(400),
    )
}
"""What any call to a service may end with."""


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules that speak to people: all but the engine and the providers."""
    for path in sorted(
        path for place in ("*", "flows/*", "services/*") for path in INTEGRATION.glob(f"{place}.py")
    ):
        yield path, ast.parse(path.read_text("utf-8"))


def texts(tree: ast.AST) -> set[str]:
    """Return all constant strings."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def keyword_values(name: str) -> set[str]:
    """Return the constant values that a keyword argument has anywhere."""
    return {
        node.value.value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg == name
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def flow_steps() -> set[str]:
    """Return the steps of the config flow that show something themselves."""
    of_fixes = {"replace", "remove", "confirm", "choose", "id"}
    return keyword_values("step_id") - {"init"} - of_fixes | {"publicmetadb_key", "publicmetadb_reconfigure"}


def walk(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text with its dotted key."""
    if isinstance(value, str):
        yield path.removeprefix("."), value
    else:
        for name, inner in value.items():
            yield from walk(inner, f"{path}.{name}")


def test_steps() -> None:
    assert set(ENGLISH["config"]["step"]) == flow_steps()
    assert set(ENGLISH["config"]["progress"]) == keyword_values("progress_action")
    assert set(ENGLISH["options"]["step"]) == {
        "init",
        "pair_rules",
        "plex_settings",
        "publicmetadb_settings",
    }


def test_last_words() -> None:
    flow = next(texts(tree) for path, tree in modules() if path.stem == "plex_server")
    assert set(ENGLISH["config"]["create_entry"]) == {"watchlist_only", "not_owner", "own_state_only"} & flow


def test_menus() -> None:
    menu = ENGLISH["config"]["step"]["user"]["menu_options"]
    assert set(menu) == {*ProviderName, EntryKind.PAIR}


def test_errors() -> None:
    """Every error of a form exists, and the other way round: what is there is used."""
    used = {text for path, tree in modules() if path.parent.name == "flows" for text in texts(tree)}
    used |= {text for path, tree in modules() if path.stem == "pairing" for text in texts(tree)}
    settings = [*map(plex_setting, BY_KEY), *map(publicmetadb_setting, KEYS)]
    bad = {f"bad_{name}" for name in (*(setting.name for setting in settings), *NUMBERS)}
    for category in ("config", "options"):
        assert set(ENGLISH[category]["error"]) <= used | PROVIDER_ERRORS | bad
    assert set(ENGLISH["config"]["error"]) >= PROVIDER_ERRORS
    pairing = {text for path, tree in modules() if path.stem == "pairing" for text in texts(tree)}
    of_features = pairing & set(ENGLISH["config"]["error"]) - {"account_gone", "same_account", "pair_exists"}
    others = {"interval_too_short", "libraries_unknown", "lists_unknown"}
    assert set(ENGLISH["options"]["error"]) - bad == of_features | others


def test_aborts() -> None:
    fixes = [ENGLISH["issues"][kind]["fix_flow"]["abort"] for kind in FLOWS]
    of_fixes = {reason for aborts in fixes for reason in aborts}
    of_decisions = {"already_running", "state_error"}
    assert set(ENGLISH["config"]["abort"]) | of_fixes == keyword_values("reason") | of_decisions


def test_exceptions() -> None:
    refusals = {"not_started", "already_running", "waiting_for_account"}
    refusals |= {
        "plan_gone",
        "no_such_item",
        "not_mappable",
        "not_mapped",
        "nothing_held",
        "nothing_to_undo",
        "undo_too_old",
    }
    used = (keyword_values("translation_key") & set(ENGLISH["exceptions"])) | refusals | PROVIDER_ERRORS
    used |= {f"run_{status}" for status in FAILURES} | set(DISK_ISSUES)
    assert set(ENGLISH["exceptions"]) == used
    assert keyword_values("translation_key") - used - set(ENGLISH["issues"]) == {
        "direction",
        "feature",
        "kind",
    }


def test_issues() -> None:
    assert set(ENGLISH["issues"]) == set(IssueKind) == {*FLOWS, *DISK_ISSUES}
    assert all(set(ENGLISH["issues"][kind]) == {"title", "description"} for kind in DISK_ISSUES)
    of_pairs = {"account_gone", "same_account", "pair_exists"}
    of_pairs |= {"feature_unsupported"}
    assert set(ENGLISH["issues"]["account_missing"]["fix_flow"]["error"]) == of_pairs
    steps = {"init", "replace", "remove"}
    assert set(ENGLISH["issues"]["account_missing"]["fix_flow"]["step"]) == steps
    assert set(ENGLISH["issues"]["fallback_long"]["fix_flow"]["step"]) == {"confirm"}
    assert set(ENGLISH["issues"]["library_gone"]["fix_flow"]["step"]) == {"choose"}
    assert set(ENGLISH["issues"]["needs_id"]["fix_flow"]["step"]) == {"id"}
    assert set(ENGLISH["issues"]["needs_id"]["fix_flow"]["error"]) == {"not_mappable", "state_error"}
    assert set(ENGLISH["issues"]["plan_held"]["fix_flow"]["step"]) == {"init"}


def test_entities() -> None:
    descriptions = {
        "binary_sensor": (*BINARY_SENSORS, CONNECTED),
        "button": BUTTONS,
        "event": (RUN,),
        "sensor": (*SENSORS, LIMITS, PACE, *QUOTAS),
        "switch": (AUTOMATIC,),
        "todo": (UNRESOLVED,),
    }
    names = {platform: {one.key for one in each} for platform, each in descriptions.items()}
    assert {platform: set(entities) for platform, entities in ENGLISH["entity"].items()} == names
    assert {platform: set(entities) for platform, entities in ICONS["entity"].items()} == names
    states = {*RunStatus, "never_run", "running"}
    assert set(ENGLISH["entity"]["sensor"]["status"]["state"]) == states
    icons = ICONS["entity"]["sensor"]["status"]
    assert {*icons["state"], "ok"} == states
    defaults = [one["default"] for one in ICONS["entity"]["sensor"].values()]
    assert len(defaults) == len(set(defaults)), "two sensors look alike"
    outcomes = ENGLISH["entity"]["event"]["run"]["state_attributes"]["event_type"]["state"]
    assert list(outcomes) == sorted(RUN.event_types or ())
    step = ENGLISH["entity"]["sensor"]["progress"]["state_attributes"]
    assert (set(step["phase"]["state"]), set(step["feature"]["state"])) == (set(Phase), set(Feature))
    limits = ENGLISH["entity"]["sensor"]["limits"]
    assert set(limits["state"]) == set(LIMITS.options or ())
    assert set(limits["state_attributes"]["limits"]["state"]) == {
        MARKED_OWNER_ONLY,
        OWN_STATE_ONLY,
        SESSIONS_HIDDEN,
        LIMIT_NO_SERVER,
    }


def constants(*places: str) -> set[str]:
    """Return the strings that have a name of their own in modules of the engine and the providers."""
    trees = [ast.parse(path.read_text("utf-8")) for place in places for path in INTEGRATION.glob(place)]
    return {
        node.value.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.Assign, ast.AnnAssign))
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def test_reasons() -> None:
    """Why an item can't be written, or a plan is held, is told in words, whoever says it."""
    words: dict[str, set[str]] = {}
    for key in ENGLISH["common"]:
        what, _, code = key.partition("_")
        words.setdefault(what, set()).add(code)
    documented = constants("providers/*/refusals.py")
    documented |= {listing.NOT_FOUND, ratings.CLEAR_FAILED, *marking.RESUMABLE, *progress.PASSING}
    documented |= {resolving.NOT_IN_LIBRARY, resolving.AMBIGUOUS, resolving.MISSING_IDS}
    assert documented <= words["reason"]
    told = constants("providers/**/*.py", "sync/*.py") | {"http", "other", "clear_unsupported"}
    assert words["reason"] <= told
    assert words["rule"] == rules() - words["reason"] | {*Decided, "ignored", "other"}
    assert set(words) == set(Word)
    guards = (INTEGRATION / "sync" / "guards.py").read_text("utf-8")
    held = set(re.findall(r'return f?"([a-z_{}]+)"', guards))
    assert words["held"] == {
        BRAKE_FAILED, "other", *(reason.format(side=side) for reason in held for side in Side),
    }  # fmt: skip
    assert words["phase"] == {*Phase, "other"}
    assert words["action"] == {*Action, "other"}
    assert words["trouble"] == {*TROUBLES}
    assert words["undo"] == {UndoState.UNDONE, UndoState.FORGOTTEN, "other"}


def test_actions() -> None:
    assert set(ACTIONS) == set(ENGLISH["services"]) == set(ICONS["services"]) == set(HANDLED)
    for name, action in ACTIONS.items():
        assert set(action["fields"]) == {str(field) for field in HANDLED[name].schema.schema}
        assert set(action["fields"]) == set(ENGLISH["services"][name]["fields"])


def test_selectors() -> None:
    options = {name: set(one["options"]) for name, one in ENGLISH["selector"].items()}
    assert options == {
        "direction": set(Direction),
        "feature": set(Feature),
        "kind": set(Kind),
        "item_kind": set(Kind),
        "side": set(Side),
    }
    features = ACTIONS["sync_pair"]["fields"]["features"]["selector"]["select"]
    assert features["options"] == list(Feature)
    assert features["translation_key"] in ENGLISH["selector"]


@pytest.mark.parametrize(("key", "text"), walk(ENGLISH))
def test_text(key: str, text: str) -> None:
    """The rules of Home Assistant for every single text."""
    for name in key.split("."):
        assert re.fullmatch(r"[a-z0-9]+([-_][a-z0-9]+)*", name), key
    assert text == text.strip()
    assert not re.search(r"<[a-zA-Z/]|\[%", text), "HTML or a reference"
    assert not re.search(r"'[^' ]*\{\w+\}[^' ]*'", text), "a placeholder in single quotes"
    assert key.endswith(".message") or "exceptions" not in key
    assert text[0].isupper() or key.endswith(".unit_of_measurement") or text.startswith("{"), text
