"""Print what Home Assistant needs to boot without installing anything at run time.

These are the requirements of all integrations that every start sets up, plus those
that the end-to-end configuration names. Runs where that Home Assistant is installed.
"""

import json
from pathlib import Path

import homeassistant
from homeassistant import bootstrap
from homeassistant.const import __version__

CONFIGURED = {"conversation", "hassio", "history", "isal", "logbook", "my", "recorder", "sun"}
COMPONENTS = Path(homeassistant.__file__).parent / "components"


def collect(domain: str, seen: set[str]) -> set[str]:
    """Return the requirements of an integration and of all it depends on."""
    if domain in seen:
        return set()
    seen.add(domain)
    manifest = json.loads((COMPONENTS / domain / "manifest.json").read_text(encoding="utf-8"))
    requirements = set(manifest.get("requirements", []))
    for dependency in manifest.get("dependencies", []):
        requirements |= collect(dependency, seen)
    return requirements


def main() -> None:
    """Print a requirements file."""
    seen: set[str] = set()
    requirements = {"zlib-ng"}  # loaded by the http component when it is there
    for domain in bootstrap.DEFAULT_INTEGRATIONS | bootstrap.CORE_INTEGRATIONS | CONFIGURED:
        requirements |= collect(domain, seen)
    print("# A Home Assistant that boots without installing anything at run time.")
    print("# Change its number here, then run scripts/lock: it computes the rest.")
    print(f"homeassistant=={__version__}\n")
    print("\n".join(sorted(requirements, key=str.lower)))


if __name__ == "__main__":
    main()
