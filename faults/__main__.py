"""Try every fault: `python -m faults [--fault NAME …] [--feature NAME …] [--kill N] [--write] [--json]`.

With `--kill` the process that syncs is killed so many times instead, shared among the directions; `--write`
does all of both and makes docs/faults.md of it. Exit code 1 if anything was lost or doubled anywhere.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
import os
import sys
from typing import Final

import orjson

from custom_components.crosswatch.sync.models import Feature

from . import document
from .cells import Row, cells, try_number
from .kill import kill_way
from .kinds import FAULTS
from .world import WAYS

KILLS: Final = 100
WIDTHS: Final = {
    "fault": 34,
    "feature": 11,
    "direction": 19,
    "before": 8,
    "after": 7,
    "lost": 6,
    "doubled": 9,
    "outcome": 13,
}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--fault", action="append", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--feature", action="append", choices=[str(feature) for feature in Feature])
    parser.add_argument("--kill", type=int, metavar="N", help="kill the process that syncs so many times")
    parser.add_argument("--write", action="store_true", help="do everything and write docs/faults.md")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[int]:
    """Return the places of the cells that were asked for; of all when nothing is named."""
    return [
        place
        for place, cell in enumerate(cells())
        if (not options.fault or cell.fault.name in options.fault)
        and (not options.feature or cell.feature in options.feature)
    ]


def killed(times: int) -> Iterator[Row]:
    """Kill a pair of each direction, so many times in all."""
    share = -(-times // len(WAYS))
    for rows in pooled(kill_way, range(len(WAYS)), [share] * len(WAYS)):
        yield from rows


def pooled[T](work: Callable[..., T], *arguments: Iterable[object]) -> Iterator[T]:
    """Do the work in processes of their own, as many at once as there are cores."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.process_cpu_count(), mp_context=spawn) as pool:
        yield from pool.map(work, *arguments)


def line(texts: Iterable[object]) -> str:
    """Return a line of the table."""
    return "".join(f"{text!s:<{width}}" for text, width in zip(texts, WIDTHS.values(), strict=True)).rstrip()


def main() -> int:
    """Try what was asked for."""
    options = arguments()
    if not options.json:
        print(line(WIDTHS))
    found: list[Row] = []
    rows = killed(options.kill) if options.kill else pooled(try_number, chosen(options))
    for row in rows:
        found.append(row)
        if not options.json:
            print(line(row.as_dict().values()), flush=True)
    if options.write:
        kills = list(killed(KILLS))
        document.write(found, kills)
        found += kills
    if options.json:
        print(orjson.dumps([row.as_dict() for row in found]).decode())
    lost, doubled = sum(row.lost for row in found), sum(row.doubled for row in found)
    print(f"{len(found)} rows: {lost} lost, {doubled} doubled", file=sys.stderr)
    return 1 if lost or doubled or not found else 0


if __name__ == "__main__":
    sys.exit(main())
