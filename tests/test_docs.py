"""The documents name what there is."""

from dataclasses import fields
from pathlib import Path
import re

from custom_components.crosswatch.const import (
    CONF_FEATURES,
    CONF_INTERVAL,
    CONF_RATINGS_LABEL,
    CONF_WATCHLIST_NAME,
    DEFAULT_INTERVAL,
    LIMIT_NO_SERVER,
    PAIR_LIBRARIES,
)
from custom_components.crosswatch.event import RUN
from custom_components.crosswatch.pair_settings import (
    CONF_BRAKE,
    CONF_KINDS,
    CONF_TRUTH,
    NUMBERS,
    add_key,
    remove_key,
)
from custom_components.crosswatch.providers.plex import (
    listing,
    marking,
    progress,
    ratings,
    refusals,
    resolving,
    rights,
)
from custom_components.crosswatch.providers.plex.settings import SETTINGS, PlexSettings
from custom_components.crosswatch.providers.publicmetadb.settings import KEYS, PublicMetaDBSettings
from custom_components.crosswatch.services import ACTIONS
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

ROOT = Path(__file__).parent.parent
SETTINGS_TEXT = (ROOT / "docs" / "settings.md").read_text()
ROWS = re.compile(r"^\| `([\w.]+)` \| (.+?) \|", re.MULTILINE)
DEFAULTS = {False: "off", True: "on", "": "none", frozenset(): "all", ("local://",): "`local://`"}


def rows() -> dict[str, str]:
    """Documented settings with their defaults."""
    return dict(ROWS.findall(SETTINGS_TEXT.partition("## Plex")[2]))


def test_every_setting_is_documented_with_its_default() -> None:
    plex, publicmetadb = PlexSettings(), PublicMetaDBSettings(api_key="")
    names = {field.name for field in fields(publicmetadb)}
    expected = {setting.key: getattr(plex, setting.name) for setting in SETTINGS}
    for key in KEYS:
        name = key if key in names else key.replace("rate_limit.", "")
        expected[key] = getattr(publicmetadb, name)
    del expected["api_key"], expected["base_url"]
    documented = rows()
    assert documented.keys() >= expected.keys()
    for key, value in expected.items():
        # 0 and False are equal, so switches are told by their type
        text = DEFAULTS.get(value) if isinstance(value, (bool, frozenset, tuple)) or value == "" else None
        plain = f"{value:g}" if isinstance(value, float) else str(value)
        assert documented[key] in {text, plain, f"`{plain}`"}, key


def test_every_rule_of_a_pair_is_documented_with_its_default() -> None:
    rules = PairSettings()
    expected: dict[str, object] = {key: number.default for key, number in NUMBERS.items()}
    expected |= {add_key(feature): feature in rules.adds for feature in Feature}
    # nobody can tell that a resume point was removed
    expected |= {remove_key(each): each in rules.removals for each in Feature if each != Feature.PROGRESS}
    expected |= {CONF_BRAKE: rules.brake, CONF_TRUTH: f"`{rules.truth}`", CONF_KINDS: "all"}
    expected |= dict.fromkeys(PAIR_LIBRARIES, "all")
    expected |= {CONF_WATCHLIST_NAME: "none", CONF_RATINGS_LABEL: "none", CONF_INTERVAL: DEFAULT_INTERVAL}
    of_pairs = SETTINGS_TEXT.partition("## Pair")[2].partition("## Plex")[0]
    documented = dict(ROWS.findall(of_pairs))
    del documented[CONF_FEATURES]
    assert documented.keys() == expected.keys()
    for key, value in expected.items():
        assert documented[key] == (DEFAULTS[value] if isinstance(value, bool) else str(value)), key
    for key, number in NUMBERS.items():
        assert f"| `{key}` | {number.default} | {number.minimum} to {number.maximum} |" in of_pairs


def test_every_status_is_explained() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [status for status in RunStatus if f"| `{status}` |" not in readme] == []


def test_every_reason_and_limit_of_plex_is_explained() -> None:
    text = (ROOT / "docs" / "plex.md").read_text()
    reasons = {
        value
        for module in (listing, marking, progress, ratings, refusals, resolving)
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and re.fullmatch("[a-z_]+", value)
    }
    assert {"not_in_library", "half_watched", "clear_unsupported"} <= reasons
    limits = {rights.MARKED_OWNER_ONLY, rights.OWN_STATE_ONLY, rights.SESSIONS_HIDDEN, LIMIT_NO_SERVER}
    assert sorted(each for each in reasons | limits if f"`{each}`" not in text) == []


def test_every_action_is_documented() -> None:
    text = (ROOT / "docs" / "actions.md").read_text()
    for name, action in ACTIONS.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, flags=re.MULTILINE)
        fields = {str(field) for field in action.schema.schema} - {"device_id"}
        assert fields <= set(re.findall(r"`(\w+)`", row)) | {"feature", "plan_hash"}, name


def test_every_event_is_documented() -> None:
    text = (ROOT / "docs" / "automations.md").read_text()
    assert [kind for kind in RUN.event_types or () if f"| `{kind}` |" not in text] == []


def test_every_rule_of_the_quality_scale_is_met() -> None:
    text = (ROOT / "custom_components" / "crosswatch" / "quality_scale.yaml").read_text()
    assert "todo" not in text
