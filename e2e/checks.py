"""What must not be in a log, neither in Home Assistant's nor in that of the services."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any, Final
from urllib.parse import urlsplit

from lab.lab import Lab

RECORD: Final = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:.+-]+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^]]+)\] (?P<text>.*)"
)
OURS: Final = "custom_components.crosswatch"
HARMLESS: Final = (
    ("homeassistant.bootstrap", "Skipping pip installation"),
    ("homeassistant.loader", "We found a custom integration crosswatch"),
    # the private network has no other device than the loopback
    ("homeassistant.components.network", "does not have any enabled IPv4 addresses"),
    # not installed, and of no use here
    ("haffmpeg", "FFmpeg"),
    ("homeassistant.components.camera", "libturbojpeg"),
    # a page was left while a large message was on its way to it
    ("homeassistant", "ClientConnectionResetError exception in shielded future"),
    # after the plug was pulled
    ("homeassistant.components.recorder", "was not shut down cleanly"),
    ("homeassistant.components.recorder", "could not validate that the sqlite3 database"),
    ("homeassistant.components.recorder", "Ended unfinished session"),
)
"""Warnings of Home Assistant about the lab, by logger and text."""
BAD_TEXTS: Final = ("Detected blocking call", "Unclosed", "was never awaited", "never retrieved")
SECRET_NAMES: Final = ("token", "key", "pin", "password")
SHORTEST_SECRET: Final = 6


def records(log: Path) -> Iterator[tuple[str, str, str]]:
    """Level, logger and text of all records; a traceback belongs to the record before it."""
    current: tuple[str, str, list[str]] | None = None
    for line in log.read_text(encoding="utf-8").splitlines():
        if (match := RECORD.match(line)) is not None:
            if current is not None:
                yield current[0], current[1], "\n".join(current[2])
            current = (match["level"], match["logger"], [match["text"]])
        elif current is not None:
            current[2].append(line)
    if current is not None:
        yield current[0], current[1], "\n".join(current[2])


def log_problems(log: Path) -> list[str]:
    """Warnings and errors in a log that nobody expects, and signs of carelessness at any level."""
    return [
        f"{level} {logger}: {text[:2000]}"
        for level, logger, text in records(log)
        if (level not in ("DEBUG", "INFO") or any(bad in text for bad in BAD_TEXTS))
        and not any(logger.startswith(name) and part in text for name, part in HARMLESS)
    ]


def secrets_of(config: Path, lab: Lab, *more: str) -> set[str]:
    """Everything that nobody may read in a log: tokens, keys, addresses of servers, e-mail addresses."""
    told = lab.simulators.told
    found = {told["api_key"], told["account_token"], told["server_token"], "@example.org", *more}
    found |= {urlsplit(told[name]).netloc for name in ("cloud", "pms", "publicmetadb")}
    stored = json.loads((config / ".storage" / "core.config_entries").read_text(encoding="utf-8"))
    for entry in stored["data"]["entries"]:
        if entry["domain"] == "crosswatch":
            found |= set(_sensitive(entry["data"]))
    return {one for one in found if len(one) >= SHORTEST_SECRET}


def _sensitive(data: Any, name: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _sensitive(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from _sensitive(value, name)
    elif isinstance(data, str):
        if data.startswith(("http://", "https://")):
            yield urlsplit(data).netloc
        elif any(part in name for part in SECRET_NAMES):
            yield data


def leaks(log: Path, secrets: set[str]) -> list[str]:
    """Lines of a log that tell a secret."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if any(secret in line for secret in secrets)]


async def leaking_requests(lab: Lab, secrets: set[str]) -> list[str]:
    """Requests that carry a secret in their address."""
    return [
        f"{one.method} {one.path} {one.query}"
        for one in await lab.simulators.requests()
        if any("token" in name.lower() for name, _value in one.query)
        or any(secret in text for text in (one.path, *(v for _n, v in one.query)) for secret in secrets)
    ]
