"""The rules that Home Assistant's own checker applies, as far as they can be checked here."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.util.yaml import load_yaml_dict
from PIL import Image
import pytest
from yarl import URL

from custom_components.crosswatch.const import DOMAIN
from tests.common import ENGLISH, INTEGRATION

REPOSITORY = INTEGRATION.parent.parent

MANIFEST_KEYS = {
    "domain", "name", "integration_type", "config_flow", "documentation", "quality_scale", "requirements",
    "dependencies", "after_dependencies", "codeowners", "loggers", "disabled", "iot_class",
    "single_config_entry", "preview_features", "mqtt", "zeroconf", "ssdp", "bluetooth", "homekit", "dhcp",
    "usb", "version", "issue_tracker", "import_executor",
}  # fmt: skip
IOT_CLASSES = {
    "assumed_state", "calculated", "cloud_polling", "cloud_push", "local_polling", "local_push",
}  # fmt: skip
ALWAYS_ALLOWED = {
    "binary_sensor", "button", "diagnostics", "event", "frontend", "repairs", "sensor", "switch",
    "system_health", "todo", "websocket_api",
}  # fmt: skip
"""Entity platforms, and components that have a module of their name here."""
VERSIONS = [
    AwesomeVersionStrategy.CALVER,
    AwesomeVersionStrategy.SEMVER,
    AwesomeVersionStrategy.SIMPLEVER,
    AwesomeVersionStrategy.BUILDVER,
    AwesomeVersionStrategy.PEP440,
]


def load(name: str) -> Any:
    """Parse a JSON or YAML file of the integration."""
    path = INTEGRATION / name
    return json.loads(path.read_text("utf-8")) if path.suffix == ".json" else load_yaml_dict(str(path))


def python_files() -> Iterator[tuple[Path, ast.Module]]:
    """Yield every module of the integration."""
    for path in sorted(INTEGRATION.rglob("*.py")):
        yield path, ast.parse(path.read_text("utf-8"))


# --- manifest -----------------------------------------------------------------------------------


def test_manifest() -> None:
    manifest = load("manifest.json")
    assert set(manifest) <= MANIFEST_KEYS
    assert list(manifest) == ["domain", "name", *sorted(set(manifest) - {"domain", "name"})]
    assert manifest["domain"] == DOMAIN == INTEGRATION.name
    assert manifest["name"] == "CrossWatch"
    assert manifest["iot_class"] in IOT_CLASSES
    assert manifest["integration_type"] == "service"
    assert manifest["config_flow"] is True
    assert (INTEGRATION / "config_flow.py").is_file()
    assert manifest["codeowners"]
    assert all(owner.startswith("@") for owner in manifest["codeowners"])
    for key in ("documentation", "issue_tracker"):
        url = URL(manifest[key])
        assert url.scheme == "https"
        assert url.host
        assert not url.host.endswith("home-assistant.io")
    assert AwesomeVersion(manifest["version"], ensure_strategy=VERSIONS)
    assert all(" " not in requirement for requirement in manifest["requirements"])


def test_every_json_file_parses() -> None:
    for path in INTEGRATION.rglob("*.json"):
        json.loads(path.read_text("utf-8"))


def test_no_legacy_translations() -> None:
    assert not (INTEGRATION / ".translations").exists()
    assert not (INTEGRATION / "strings.json").exists()


def test_hacs() -> None:
    data = json.loads((REPOSITORY / "hacs.json").read_text("utf-8"))
    assert set(data) <= {
        "name", "content_in_root", "country", "filename", "hacs", "hide_default_branch", "homeassistant",
        "persistent_directory", "render_readme", "zip_release",
    }  # fmt: skip
    assert data["name"] == load("manifest.json")["name"]
    assert data["homeassistant"] == "2026.10.0"
    assert not data.get("zip_release") or data["filename"]


def test_components_that_are_used() -> None:
    """What is imported of another component must be a dependency, or always there."""
    manifest = load("manifest.json")
    allowed = {*ALWAYS_ALLOWED, *manifest.get("dependencies", ()), *manifest.get("after_dependencies", ())}
    used = {
        node.module.split(".")[2]
        for _, tree in python_files()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module
        and node.module.startswith("homeassistant.components.")
    }
    assert used <= allowed


def test_what_is_free_of_home_assistant() -> None:
    """The engine and the providers can be lifted out."""
    for path, tree in python_files():
        if path.relative_to(INTEGRATION).parts[0] in ("sync", "providers"):
            modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            modules |= {
                name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
            }
            assert not {one for one in modules if one.split(".")[0] in ("homeassistant", "voluptuous")}, path


def test_config_schema() -> None:
    """An integration with `async_setup` says that it is not set up in YAML."""
    tree = ast.parse((INTEGRATION / "__init__.py").read_text("utf-8"))
    names = {target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
             if isinstance(target, ast.Name)}  # fmt: skip
    assert "CONFIG_SCHEMA" in names


# --- translations -------------------------------------------------------------------------------


def test_translations() -> None:
    assert set(ENGLISH) <= {
        "title", "common", "config", "options", "entity", "exceptions", "issues", "selector", "services",
        "system_health",
    }  # fmt: skip
    assert "title" not in ENGLISH["config"]
    fixes = [issue["fix_flow"] for issue in ENGLISH["issues"].values() if "fix_flow" in issue]
    for flow in (ENGLISH["config"], ENGLISH["options"], *fixes):
        assert set(flow) <= {"abort", "create_entry", "error", "progress", "step"}
        for name, step in flow["step"].items():
            assert set(step) <= {
                "title", "description", "data", "data_description", "menu_options",
                "menu_option_descriptions", "sections",
            }, name  # fmt: skip
            for part in step.get("sections", {}).values():
                assert {"name"} <= set(part) <= {"name", "description", "data", "data_description"}
                assert set(part["data"]) == set(part["data_description"]), name
            assert set(step.get("data", ())) == set(step.get("data_description", ())), name
            assert set(step.get("menu_options", ())) == set(step.get("menu_option_descriptions", ())), name
    for issue in ENGLISH["issues"].values():
        assert set(issue) in ({"title", "description"}, {"title", "fix_flow"})
    for action in ENGLISH["services"].values():
        assert {"name", "description"} <= set(action) <= {"name", "description", "fields", "sections"}
        assert all(set(field) == {"name", "description"} for field in action["fields"].values())
    assert all(set(one) == {"message"} for one in ENGLISH["exceptions"].values())
    for entities in ENGLISH["entity"].values():
        for entity in entities.values():
            assert {"name"} <= set(entity) <= {"name", "state", "state_attributes", "unit_of_measurement"}


# --- actions and icons --------------------------------------------------------------------------


def test_actions() -> None:
    for action in load("services.yaml").values():
        assert set(action) <= {"fields", "target"}
        for field in action["fields"].values():
            assert set(field) <= {"example", "default", "required", "selector"}
            assert "selector" in field
            assert field.get("default", 0) is not None
            assert field.get("example", 0) is not None


def icons(value: Any) -> Iterator[str]:
    """Yield every icon."""
    if isinstance(value, str):
        yield value
    else:
        for inner in value.values():
            yield from icons(inner)


def test_icons() -> None:
    data = load("icons.json")
    assert set(data) <= {"entity", "services", "config", "options", "issues"}
    assert all(re.fullmatch(r"mdi:[a-z0-9]+(-[a-z0-9]+)*", icon) for icon in icons(data))
    for entities in data["entity"].values():
        for name, entity in entities.items():
            assert entity["default"] not in entity.get("state", {}).values(), name
            assert list(entity.get("state", ())) == sorted(entity.get("state", ())), name
        assert list(entities) == sorted(entities)


# --- quality scale, brand -----------------------------------------------------------------------

BRONZE = """
action-setup appropriate-polling brands common-modules config-flow config-flow-test-coverage
dependency-transparency docs-actions docs-conditions docs-high-level-description
docs-installation-instructions docs-removal-instructions docs-triggers entity-event-setup entity-unique-id
has-entity-name runtime-data test-before-configure test-before-setup unique-config-entry
"""
SILVER = """
action-exceptions config-entry-unloading docs-configuration-parameters docs-installation-parameters
entity-unavailable integration-owner log-when-unavailable parallel-updates reauthentication-flow
test-coverage
"""
GOLD = """
devices diagnostics discovery discovery-update-info docs-data-update docs-examples
docs-known-limitations docs-supported-devices docs-supported-functions docs-troubleshooting docs-use-cases
dynamic-devices entity-category entity-device-class entity-disabled-by-default entity-translations
exception-translations icon-translations reconfiguration-flow repair-issues stale-devices
"""
PLATINUM = "async-dependency inject-websession strict-typing"


def test_quality_scale() -> None:
    rules = load("quality_scale.yaml")["rules"]
    wanted = f"{BRONZE} {SILVER} {GOLD} {PLATINUM}".split()
    assert len(wanted) == 54
    assert list(rules) == wanted
    for name, rule in rules.items():
        if isinstance(rule, str):
            assert rule in ("done", "todo"), name
        else:
            assert set(rule) == {"status", "comment"}, name
            assert rule["status"] in ("done", "todo", "exempt"), name


@pytest.mark.parametrize("name", ["icon", "icon@2x", "logo", "logo@2x"])
@pytest.mark.parametrize("shade", ["", "dark_"])
def test_brand(shade: str, name: str) -> None:
    with Image.open(INTEGRATION / "brand" / f"{shade}{name}.png") as image:
        width, height = image.size
        assert image.mode == "RGBA"
    double = name.endswith("@2x")
    if name.startswith("icon"):
        assert (width, height) == ((512, 512) if double else (256, 256))
    else:
        assert height == (256 if double else 128)
        assert width > height


def test_typed() -> None:
    assert (INTEGRATION / "py.typed").is_file()


def test_flat_files() -> None:
    """A module that has grown too long is two modules."""
    long = {path.name: len(path.read_text("utf-8").splitlines()) for path, _ in python_files()}
    assert not {name: lines for name, lines in long.items() if lines > 500}
