"""A configuration folder for a Home Assistant that starts without questions and without the net."""

import json
from pathlib import Path
import shutil

from lab.network import LOCALHOST
from lab.paths import INTEGRATION

CONFIGURATION = """\
homeassistant:
  name: CrossWatch Lab
  latitude: 52.37
  longitude: 4.9
  elevation: 2
  unit_system: metric
  time_zone: Europe/Amsterdam
  currency: EUR
  country: NL
  language: en
{debug}
# not default_config, which looks for devices and phones home
frontend:
config:
history:
logbook:
recorder:
  commit_interval: 1
automation: !include automations.yaml
script: {{}}
logger:
  default: info
{logs}"""
DEBUG = "  debug: true\n"
DEBUG_LOGS = "  logs:\n    custom_components.crosswatch: debug\n"


def seed(folder: Path, port: int, *, debug: bool = False) -> None:
    """Fill a configuration folder; the server listens on 127.0.0.1 only."""
    storage = folder / ".storage"
    storage.mkdir(parents=True)
    shutil.copytree(
        INTEGRATION,
        folder / "custom_components" / INTEGRATION.name,
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    configuration = CONFIGURATION.format(debug=DEBUG if debug else "", logs=DEBUG_LOGS if debug else "")
    (folder / "configuration.yaml").write_text(configuration, encoding="utf-8")
    (folder / "automations.yaml").write_text("[]\n", encoding="utf-8")
    _store(storage, "http", 2, 2, {"stable": _server(port), "pending": None, "yaml_migration_done": True})
    # all steps but the one that makes the owner: the others start integrations that need the net
    _store(storage, "onboarding", 4, 1, {"done": ["core_config", "analytics", "integration"]})


def _server(port: int) -> dict[str, object]:
    """Settings of the web server, as Home Assistant stores them."""
    return {
        "server_host": [LOCALHOST],
        "server_port": port,
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": False,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": "2026-11-20T00:00:00+00:00",
        "error": None,
        "error_message": None,
    }


def _store(storage: Path, key: str, version: int, minor: int, data: dict[str, object]) -> None:
    content = {"version": version, "minor_version": minor, "key": key, "data": data}
    (storage / key).write_text(json.dumps(content), encoding="utf-8")
