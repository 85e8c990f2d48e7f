"""Start the simulators as a program: `python -m tests.simulators --size small --seed 1`.

Prints one line of JSON with the addresses and credentials, then serves on 127.0.0.1 until SIGTERM
or SIGINT, until its parent is gone, or until `--max-seconds` have passed.
"""

import argparse
import asyncio
import gc
import os
from pathlib import Path
import signal
from typing import Final

import orjson

from tests.simulators.base import Simulator
from tests.simulators.library import Library, Match, Role, generate
from tests.simulators.plex import PlexCloud, PlexMediaServer, populate
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User
from tests.simulators.publicmetadb.rows import MediaType

SIZES: Final = {"small": 120, "medium": 2_000, "large": 10_000, "huge": 100_000}
DEMO_KEY: Final = "pmdb_demo_key"
DEMO_USER: Final = "demo-user"


def arguments() -> argparse.Namespace:
    """Read the command line; `--size` is a name or a number of watched episodes."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators", description=__doc__)
    parser.add_argument("--size", default="small")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--everyday", action="store_true", help="rare shapes stay rare in small libraries")
    parser.add_argument("--both", action="store_true", help="PublicMetaDB holds something of its own too")
    parser.add_argument("--in-step", action="store_true", help="PublicMetaDB has the owner's plays already")
    parser.add_argument("--cloud-port", type=int, default=0)
    parser.add_argument("--pms-port", type=int, default=0)
    parser.add_argument("--pmdb-port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--max-seconds", type=float, default=4 * 3600)
    return parser.parse_args()


def make_publicmetadb(library: Library, *, lived_in: bool, in_step: bool) -> PublicMetaDBSimulator:
    """Make the PublicMetaDB simulator with the demo user, whose account is empty unless asked for."""
    simulator = PublicMetaDBSimulator()
    user = simulator.add_user(DEMO_KEY, DEMO_USER)
    if lived_in:
        live(user, library)
    if in_step:
        for title, episode, at in library.plays():
            if title.ids.tmdb is None:
                continue
            user.add_watched(
                tmdb_id=title.ids.tmdb,
                media_type="movie" if episode is None else "tv",
                season=None if episode is None else episode.season,
                episode=None if episode is None else episode.number,
                watched_at=at,
            )
    return simulator


def live(user: User, library: Library) -> None:
    """Watch, begin and want movies at PublicMetaDB that the owner has in Plex, and has not watched there."""
    watched = {entry.title for entry in library.watched if entry.person == library.owner}
    begun = {entry.title for entry in library.resumes if entry.person == library.owner}
    wanted = {entry.title for entry in library.wanted if entry.person == library.owner}
    known = sorted({copy.title for copy in library.copies if not copy.deleted and copy.match is Match.MODERN})
    there = [place for place in known if library.titles[place].kind == "movie"]
    new = [library.titles[place] for place in there if place not in watched | begun]
    for days, title in enumerate(new[:2], start=100):
        user.add_watched(tmdb_id=title.ids.tmdb, watched_at=library.as_of - days * 86_400)
    for title in new[2:3]:
        runtime = title.duration
        user.add_resume(tmdb_id=title.ids.tmdb, position_ms=runtime // 3, runtime_ms=runtime)
    movies: list[tuple[MediaType, int | None]] = [
        ("movie", library.titles[place].ids.tmdb) for place in there if place not in wanted
    ]
    user.add_list("Watchlist", type="watchlist", items=movies[:3])


def parent_is_gone(parent: int) -> bool:
    """Whether the process that started this one has ended."""
    return os.getppid() != parent


async def serve(options: argparse.Namespace) -> None:
    """Run everything until told to stop."""
    parent = os.getppid()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stopped.set)
    size = SIZES.get(options.size) or int(options.size)
    library = generate(size, seed=options.seed, every_shape=not options.everyday)
    cloud, pms = PlexCloud(), PlexMediaServer()
    populated = populate(pms, cloud, library)
    pmdb = make_publicmetadb(library, lived_in=options.both, in_step=options.in_step)
    cloud.others["publicmetadb"] = pmdb
    running: list[tuple[Simulator, int]] = [
        (cloud, options.cloud_port),
        (pms, options.pms_port),
        (pmdb, options.pmdb_port),
    ]
    for simulator, port in running:
        await simulator.start(port)
    gc.collect()
    gc.freeze()  # the library lives as long as the process: no full collections over it
    owner = populated.users[library.owner]
    report = {
        "cloud": cloud.url,
        "pms": pms.url,
        "publicmetadb": pmdb.url,
        "control": f"{cloud.url}/_simulator",
        "machine_identifier": pms.machine_identifier,
        "pin_user": owner.name,
        "account_token": cloud.token(owner),
        "server_token": cloud.server_token(owner, pms),
        "api_key": DEMO_KEY,
        "users": [
            {"name": p.name, "role": p.role, "pin": p.pin, "id": populated.users[p.name].id}
            for p in library.people
        ],
        "managed": [p.name for p in library.people if p.role is Role.MANAGED],
        "watched": sum(1 for _play in library.plays()),
        "watchlist": len(cloud.listed(owner)),
    }
    line = orjson.dumps(report).decode()
    if options.ready_file is not None:
        partial = options.ready_file.with_suffix(".part")
        partial.write_text(line, encoding="utf-8")
        partial.replace(options.ready_file)
    print(line, flush=True)
    deadline = loop.time() + options.max_seconds
    while not stopped.is_set() and not parent_is_gone(parent) and loop.time() < deadline:
        try:
            await asyncio.wait_for(stopped.wait(), timeout=1)
        except TimeoutError:
            continue
    for simulator, _port in running:
        await simulator.stop()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
