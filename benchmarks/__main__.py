"""Measure what CrossWatch costs: `python -m benchmarks [--case NAME …] [--size N …] [--json]`.

Every module of this folder with `CASES` adds some. Each measurement has a process and simulators of its
own, so that nothing warms anything else up.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from importlib import import_module
import pkgutil
import subprocess
import sys
from typing import Any, Final

import orjson

import benchmarks
from benchmarks.measure import Case, Watch, services

TITLES: Final = ("case", "size", "requests", "seconds", "engine_s", "peak_mb", "loop_block_ms", "pace_share")


def cases() -> Iterator[Case]:
    """All cases of all modules beside this one."""
    for module in sorted(pkgutil.iter_modules(benchmarks.__path__), key=lambda one: one.name):
        if module.name != "__main__":
            yield from getattr(import_module(f"benchmarks.{module.name}"), "CASES", ())


def arguments(known: Sequence[Case]) -> argparse.Namespace:
    """Read the command line."""
    names = "\n".join(f"  {case.name:26} {case.title}" for case in known)
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure requests, time, memory and the longest block of the event loop.",
        epilog=f"cases:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--case", action="append", choices=[case.name for case in known])
    parser.add_argument("--size", action="append", type=int, help="watched episodes, or what the case counts")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


async def measure(case: Case, size: int) -> dict[str, Any]:
    """Run a case once, here."""
    watch = Watch(case.name, size)
    async with services(size, in_step=case.in_step) as running:
        await case.run(watch, running)
    if watch.row is None:
        raise AssertionError(f"{case.name} measured nothing")
    return watch.row.as_dict()


def measure_apart(case: Case, size: int) -> dict[str, Any]:
    """Run a case once, in a process of its own."""
    command = (sys.executable, "-m", "benchmarks", "--here", "--case", case.name, "--size", str(size))
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603 - ourselves
    found: dict[str, Any] = orjson.loads(done.stdout)
    return found


def line(texts: Sequence[object]) -> str:
    """Return a line of the table."""
    first, *others = texts
    return f"{first!s:<20}" + "".join(f"{text!s:>14}" for text in others)


def main() -> None:
    """Measure what was asked for."""
    known = tuple(cases())
    options = arguments(known)
    chosen = [case for case in known if not options.case or case.name in options.case]
    if options.here:
        print(orjson.dumps(asyncio.run(measure(chosen[0], options.size[0]))).decode())
        return
    found = []
    if not options.json:
        print(line(TITLES))
    for case in chosen:
        for size in options.size or case.sizes:
            row = measure_apart(case, size)
            found.append(row)
            if not options.json:
                print(line([row.get(title, "") for title in TITLES]), flush=True)
    if options.json:
        print(orjson.dumps(found).decode())


if __name__ == "__main__":
    main()
