"""Writes docs/faults.md from what was measured."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from .cells import Row
from .kinds import FAULTS

DOCUMENT: Final = Path(__file__).parent.parent / "docs" / "faults.md"

HEAD: Final = """# What happens when a service fails

`scripts/faults --write` makes this page; `scripts/faults` prints every cell, `--json` gives the rows,
`--fault` and `--feature` pick some. Each cell is a world of its own: real providers and the real engine
against simulated services on 127.0.0.1, with default settings, removals switched on for every feature,
and only the pace of PublicMetaDB off. Every fault is tried with every feature, from Plex to
PublicMetaDB, back, and both ways.

Both services hold 50 things, movies and episodes, specials among them. A person adds ten more (at
PublicMetaDB, which lists no ratings, changes ten of them) and removes two. Then the fault strikes one
service, for one run or, *for a day*, for three. After that all is well again, and the pair runs six more
times over four days. After every run, what both services truly hold is compared with what they should.
**Lost** is what was missing, or had another date or value, at any of these looks, or never arrived;
**doubled** is what lay there beyond what should, so also what a person removed and was there in the end.

"""

PEERS: Final = """
## Existing tools under the same faults

A two-way watchlist of 50 items, removals on, the fault at side B; what is left on the healthy side A.

| Fault at B | CrossWatch 0.11.3 (standalone), default guards | Here |
|---|---|---|
| One read is empty | 50 → 0 | 50 → 50 |
| One read lacks half | 50 → 25 | 50 → 50 |
| One read lacks 95 % | 50 → 2 | 50 → 50 |
| A read fails | 50 → 50 | 50 → 50 |
| Ten writes answered with OK, five kept | the five are deleted from A in the next run | 60 → 60 |
| The list is stale right after a write | ten fresh items deleted from A, back one run later | 60 → 60 |
| Five of ten writes refused | recovers | 60 → 60 |

Under the same kinds of fault the planner of Scrob and vdirsyncer 0.21 delete the five lost items too,
and Scrob takes a read of exactly half for true (25 of 50 removed).

## What this page does not promise

What a person removes at one service in the very moment in which the other one hides it comes back when it is
shown again without a date: it can't be told from one that was removed at both and added anew. Nothing is
lost by that, and removing it once more works. Both services date what they list, rate and play.

Two kinds of removal are left out above, because they may not arrive at the other service, where nothing is
lost by that either. A rating that is removed at Plex while Plex hides the title itself: the title seems to
have gone and come back without it, and nobody has taken it away. And what is removed at the source of a
one-way pair while the target shows half of its list for hours: the target is believed by then, so what it
shows later is its own.

A list that is old for more than ten minutes and lacks little is believed. What is taken away because of it
comes back with the list.
"""

TEXTS: Final = {
    "none": "nothing fails",
    "empty-once": "one read is empty",
    "empty-for-a-day": "reads are empty for a day",
    "half-once": "one read lacks half",
    "half-for-a-day": "reads lack half for a day",
    "most-once": "one read lacks 95 %",
    "most-for-a-day": "reads lack 95 % for a day",
    "read-fails": "reads fail (503)",
    "read-is-html": "reads answer with a web page",
    "stale-after-write": "lists are stale after our writes",
    "written-not-stored": "5 of 10 writes answered with OK and not kept",
    "write-refused": "5 of 10 writes refused (400)",
    "stored-no-answer": "5 of 10 writes kept, the connection cut before the answer",
    "stored-answered-503": "5 of 10 writes kept and answered with 503",
    "lost-no-answer": "5 of 10 writes lost with the connection",
}


def write(rows: Sequence[Row], kills: Sequence[Row]) -> None:
    """Write the page."""
    head = "| Fault | At | Cells | Fewest kept | Lost | Doubled | What the run said |"
    lines = [HEAD + head, "|---" * 7 + "|"]
    for fault in FAULTS:
        for place in ("plex", "publicmetadb"):
            found = [row for row in rows if row.fault == f"{fault.name}@{place}"]
            lines.append(_line(f"{TEXTS[fault.name]} (`{fault.name}`)", place, found))
    lines += ["", *_kills(kills), PEERS]
    DOCUMENT.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def _line(name: str, place: str, rows: Iterable[Row]) -> str:
    found = list(rows)
    kept = min(((row.after, row.before) for row in found), key=lambda pair: pair[0] - pair[1], default=(0, 0))
    told = ", ".join(f"`{each}`" for each in sorted({row.outcome for row in found}))
    lost, doubled = sum(row.lost for row in found), sum(row.doubled for row in found)
    return f"| {name} | {place} | {len(found)} | {kept[0]} of {kept[1]} | {lost} | {doubled} | {told} |"


def _kills(rows: Sequence[Row]) -> list[str]:
    times = sum({row.direction: int(row.fault.partition("×")[2]) for row in rows}.values())
    head = [
        "## Killed",
        "",
        f"`scripts/faults --kill 100`: the process that syncs, killed {times} times (SIGKILL) at random",
        "requests, all four features at work, with something to write and something a person has removed",
        "every time. In the end, and at every look on the way:",
        "",
        "| Direction | Feature | Kept | Lost | Doubled |",
        "|---|---|---|---|---|",
    ]
    return head + [
        f"| {row.direction} | {row.feature} | {row.after} of {row.before} | {row.lost} | {row.doubled} |"
        for row in rows
    ]
