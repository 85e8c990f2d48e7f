"""`python -m lab.check_result scripts/demo --once --json`: run the demo and check what it prints.

It has to be exactly one JSON object on standard output that tells of a success.
"""

import json
import subprocess
import sys
from typing import Any, Final

from lab.demo import FEATURES
from lab.outcome import COUNTERS, SUCCESS

KEYS: Final = {"name", "status", "features", "duration_s", "requests"}
SERVICES: Final = {"plex", "publicmetadb"}
ONCE: Final = 60.0
"""Seconds in which all of the demo is to be done, set-up aside."""


def problems(result: Any) -> list[str]:
    """What is wrong with a result."""
    if not isinstance(result, dict) or list(result) != ["pairs"] or not result["pairs"]:
        return ["not an object with pairs"]
    return [problem for pair in result["pairs"] for problem in pair_problems(pair)]


def pair_problems(pair: dict[str, Any]) -> list[str]:
    """What is wrong with the result of a pair."""
    if set(pair) != KEYS:
        return [f"keys: {sorted(pair)}"]
    found = []
    if not pair["name"] or pair["status"] not in SUCCESS:
        found.append(f"{pair['name']!r} is {pair['status']}")
    if not 0 < pair["duration_s"] < ONCE:
        found.append(f"took {pair['duration_s']} s")
    if set(pair["requests"]) != SERVICES or not all(count > 0 for count in pair["requests"].values()):
        found.append(f"requests: {pair['requests']}")
    if set(pair["features"]) != set(FEATURES):
        found.append(f"features: {sorted(pair['features'])}")
    for name, feature in pair["features"].items():
        if set(feature) != set(COUNTERS) or not all(isinstance(count, int) for count in feature.values()):
            found.append(f"{name}: {feature}")
        elif feature["added"] == 0 or feature["removed"] or feature["errors"]:
            found.append(f"{name}: nothing added, something removed, or errors: {feature}")
    return found


def main() -> int:
    """Run the command."""
    demo = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    print(demo.stdout, end="")
    try:
        found = problems(json.loads(demo.stdout))
    except json.JSONDecodeError as err:
        found = [f"not one JSON object: {err}"]
    if demo.returncode:
        found.append(f"exit code {demo.returncode}")
    for problem in found:
        print(f"check: {problem}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
