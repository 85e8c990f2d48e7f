"""Break what decides in every small way: `python -m mutation [options] [module …]`.

Prints those that no test notices as they are found, then how many are noticed. Of the former, the ones that
make no difference are explained in mutation/explained.toml; exit code 1 if another one is left, or if an
explanation is of no use any more.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
import importlib
import json
import os
from pathlib import Path
import sys
import tomllib
from typing import Final

from hypothesis import Phase, settings
import pytest

from .operators import Mutant, mutants
from .runner import Runner

SYNC: Final = "custom_components.crosswatch.sync"
PLAIN: Final = (
    "tests/sync/test_plan.py",
    "tests/sync/test_plan_history.py",
    "tests/sync/test_plan_removals.py",
    "tests/sync/test_plan_ratings.py",
    "tests/sync/test_plan_progress.py",
    "tests/sync/test_matching.py",
)
"""Tests of the truth tables, which take no time."""

DRAFT: Final = (
    *PLAIN,
    "tests/sync/test_decisions.py",
    "tests/sync/test_draft.py",
    "tests/sync/test_undated.py",
)
MODULES: Final = {
    "absence": DRAFT,
    "brake": ("tests/sync/test_brake.py", "tests/sync/test_removals.py"),
    "context": PLAIN,
    "decisions": (*PLAIN, "tests/sync/test_decisions.py"),
    "draft": DRAFT,
    "guards": ("tests/sync/test_guards.py",),
    "keyed": DRAFT,
    "ledger": (*PLAIN, "tests/sync/test_ledger.py", "tests/sync/test_undated.py"),
    "matching": ("tests/sync/test_matching.py",),
    "models": (*DRAFT, "tests/sync/test_models.py"),
    "ordering": DRAFT,
    "plan": PLAIN,
    "plan_history": DRAFT,
    "plan_progress": PLAIN,
    "plan_ratings": PLAIN,
    "values": DRAFT,
}
"""What decides, and the tests that are to notice when it is broken."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Why no test can notice a change of a function."""

    module: str
    function: str
    change: str
    reason: str


class Score:
    """What became of the mutants."""

    def __init__(self, modules: Iterable[str], explained: Iterable[Explained]) -> None:
        """Nothing is known yet."""
        self.explained = {(each.module, each.function, each.change): each for each in explained}
        self.noticed = dict.fromkeys(modules, 0)
        self.survivors: list[Mutant] = []

    def note(self, mutant: Mutant, *, noticed: bool) -> None:
        """Note one."""
        if noticed:
            self.noticed[mutant.module] += 1
            return
        self.survivors.append(mutant)
        if _key(mutant) not in self.explained:
            line = f"{mutant.module}.py:{mutant.lines[-1]} {mutant.function}: {mutant.change}"
            print(line, file=sys.stderr, flush=True)

    def rows(self) -> Iterator[dict[str, object]]:
        """Yield one row for each module."""
        for module, noticed in self.noticed.items():
            left = [each for each in self.survivors if each.module == module]
            told = [each for each in left if _key(each) in self.explained]
            yield {
                "module": module,
                "mutants": noticed + len(left),
                "noticed": noticed,
                "explained": len(told),
                "score": round(100 * noticed / max(1, noticed + len(left) - len(told)), 1),
                "survivors": [
                    {"function": each.function, "line": each.lines[-1], "change": each.change}
                    for each in sorted(left, key=lambda each: each.lines)
                    if each not in told
                ],
            }

    def useless(self) -> list[Explained]:
        """Explanations of what is noticed, or is there no more."""
        left = {_key(each) for each in self.survivors}
        return [e for key, e in self.explained.items() if key not in left and e.module in self.noticed]


def _key(mutant: Mutant) -> tuple[str, str, str]:
    return mutant.module, mutant.function, mutant.change


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help=", ".join(MODULES))
    parser.add_argument("--function", help="only mutants of functions with this in their name")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--processes", type=int, default=os.process_cpu_count(), help="so many at a time")
    options = parser.parse_args()
    names = options.modules or MODULES
    if unknown := set(names) - set(MODULES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    modules = {name: importlib.import_module(f"{SYNC}.{name}") for name in names}
    file = Path(__file__).with_name("explained.toml")
    explained = [Explained(**row) for row in tomllib.loads(file.read_text()).get("explained", [])]
    score = Score(names, explained)

    def work() -> Iterator[Mutant]:
        for name, module in modules.items():
            found = mutants(name, Path(str(module.__file__)).read_text())
            yield from (each for each in found if (options.function or "") in each.function)

    tests = {name: frozenset(MODULES[name]) for name in names}
    runner = Runner(modules, tests, work, score.note, options.processes)
    # that an example fails is enough: nobody wants the smallest one
    settings.register_profile("mutation", phases=(Phase.explicit, Phase.generate), database=None)
    settings.load_profile("mutation")
    flags = ["-qq", "--disable-warnings", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not thorough"]
    code = pytest.main([*flags, *sorted(frozenset().union(*tests.values()))], plugins=[runner])
    rows = list(score.rows())
    if options.json:
        print(json.dumps(rows))
    else:
        _print(rows)
    useless = [] if options.function else score.useless()
    for each in useless:
        print(f"of no use: {each.module} {each.function}: {each.change}", file=sys.stderr)
    return 1 if code or useless or any(row["survivors"] for row in rows) else 0


def _print(rows: list[dict[str, object]]) -> None:
    print(f"{'':14}{'mutants':>9}{'noticed':>9}{'explained':>11}{'score':>8}")
    for row in rows:
        print(
            f"{row['module']!s:14}{row['mutants']:>9}{row['noticed']:>9}{row['explained']:>11}{row['score']:>7}%"
        )


if __name__ == "__main__":
    sys.exit(main())
