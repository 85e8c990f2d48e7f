"""Print the package index settings of pip as shell exports for uv.

uv does not read pip's configuration, so a machine that reaches its packages through
a mirror, a private certificate or a proxy may have told only pip about it. Settings
made for uv itself win: nothing is printed for what uv already knows.

Runs with any Python since 3.7, before anything is installed.
"""

from __future__ import annotations

import configparser
import os
from pathlib import Path
import shlex
import sys


def pip_files() -> list[Path]:
    """Return pip's configuration files, the strongest last."""
    home = Path.home()
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    config_dirs = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    files = [Path(folder) / "pip" / "pip.conf" for folder in config_dirs]
    files.append(Path("/etc/pip.conf"))
    if sys.platform == "darwin":
        files.insert(0, Path("/Library/Application Support/pip/pip.conf"))
        files.append(home / "Library" / "Application Support" / "pip" / "pip.conf")
    files += [home / ".pip" / "pip.conf", config_home / "pip" / "pip.conf"]
    explicit = os.environ.get("PIP_CONFIG_FILE")
    if explicit:
        files.append(Path(explicit))
    return [] if explicit == os.devnull else files


def pip_settings() -> dict[str, str]:
    """Return the merged settings: files, then the environment."""
    parser = configparser.RawConfigParser(strict=False)
    for file in pip_files():
        try:
            parser.read(str(file), encoding="utf-8")
        except (OSError, UnicodeError, configparser.Error):
            continue
    settings: dict[str, str] = {}
    for section in ("global", "install"):
        if parser.has_section(section):
            settings.update((key.replace("_", "-"), value) for key, value in parser.items(section))
    for name, value in os.environ.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


def uv_has_indexes() -> bool:
    """Tell whether somebody chose indexes for uv itself."""
    if any(
        os.environ.get(name)
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_CONFIG_FILE")
    ):
        return True
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for file in (config_home / "uv" / "uv.toml", Path("/etc/uv/uv.toml")):
        try:
            if "index" in file.read_text(encoding="utf-8"):
                return True
        except (OSError, UnicodeError):
            continue
    return False


def uv_settings(settings: dict[str, str]) -> dict[str, str]:
    """Translate pip's settings to variables of uv."""
    wanted: dict[str, str] = {}
    if not uv_has_indexes():
        wanted["UV_DEFAULT_INDEX"] = settings.get("index-url", "")
        wanted["UV_INDEX"] = " ".join(settings.get("extra-index-url", "").split())
        if wanted["UV_INDEX"]:  # pip takes the best match of all indexes
            wanted["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        wanted["UV_FIND_LINKS"] = ",".join(settings.get("find-links", "").split())
        if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
            wanted["UV_NO_INDEX"] = "1"
    wanted["UV_INSECURE_HOST"] = " ".join(settings.get("trusted-host", "").split())
    wanted["SSL_CERT_FILE"] = settings.get("cert", "")
    wanted["SSL_CLIENT_CERT"] = settings.get("client-cert", "")
    wanted["HTTPS_PROXY"] = wanted["HTTP_PROXY"] = settings.get("proxy", "")
    return {
        name: value
        for name, value in wanted.items()
        if value and not os.environ.get(name) and not os.environ.get(name.lower())
    }


for variable, text in uv_settings(pip_settings()).items():
    print(f"export {variable}={shlex.quote(text)}")
