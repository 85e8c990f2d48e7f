"""scripts/demo: a real Home Assistant keeps a simulated Plex account and a simulated PublicMetaDB in step.

Prints the result of the first sync and stays up for a look until Ctrl-C; with --once it ends there.
"""

import argparse
import asyncio
from contextlib import AsyncExitStack
import json
import signal
import sys
import time
from typing import Final

from lab import flows
from lab.errors import LabError
from lab.folder import claim
from lab.isolation import isolate
from lab.lab import Lab, started_lab
from lab.network import forwarded, listen, port_of
from lab.outcome import Outcome
from lab.pairs import create_dashboard, find_pair, plan, sync
from lab.paths import ROOT

FOLDER: Final = ROOT / ".demo"
NAME, USER, PASSWORD = "Demo", "demo", "demo"
FEATURES: Final = ["watchlist", "history", "ratings", "progress"]
RESTART: Final = 100
"""Exit code of a Home Assistant that somebody asked to restart."""
INTERRUPTED: Final = 130


class Doors:
    """The way in from the machine's network: two ports held open before moving to a private one."""

    def __init__(self, port: int) -> None:
        """Take the ports and move."""
        self._sockets = [listen(port), listen()]
        self.port, self.cloud_port = (port_of(sock) for sock in self._sockets)
        self.private = isolate()
        if not self.private:  # the servers will listen on them directly
            for sock in self._sockets:
                sock.close()

    async def open(self, stack: AsyncExitStack) -> None:
        """Let visitors in until the stack ends."""
        if self.private:
            home, cloud = self._sockets
            await stack.enter_async_context(forwarded(home, self.port))
            await stack.enter_async_context(forwarded(cloud, self.cloud_port))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/demo", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="stop after the result of the first sync")
    parser.add_argument("--json", action="store_true", help="with --once: the result as one JSON object")
    parser.add_argument("--port", type=int, default=0, help="of Home Assistant; by default a free one")
    parser.add_argument("--size", type=int, default=50, help="watched episodes, at least (default: 50)")
    parser.add_argument("--seed", type=int, default=14, help="another number, another library (default: 14)")
    options = parser.parse_args()
    if options.size < 1 or options.port not in range(65_536):
        parser.error("a size is at least 1, a port at most 65535")
    if options.json and not options.once:
        parser.error("--json needs --once")
    return options


def say(text: str) -> None:
    """Tell how it goes, beside the result."""
    print(f"demo: {text}", file=sys.stderr, flush=True)


def show(text: str) -> None:
    """Print what was asked for."""
    print(text, flush=True)


async def first_sync(lab: Lab) -> tuple[Outcome, str]:
    """Set accounts and a pair up, sync, make a dashboard; return the result and the dashboard's path."""
    addresses, client = lab.simulators.addresses, lab.client
    await client.onboard(NAME, USER, PASSWORD)
    await lab.homeassistant.until_running()
    say("adding a Plex account, a PublicMetaDB account and a pair")
    plex = await flows.add_plex(client, lab.simulators, addresses.pin_user)
    target = await flows.add_publicmetadb(client, addresses.api_key, addresses.publicmetadb)
    pair = await find_pair(client, await flows.add_pair(client, plex, target, FEATURES, direction="two_way"))
    dashboard = await create_dashboard(client, pair)
    say("first sync, at the three writes a second that the service allows")
    await lab.simulators.reset_counts()
    outcome = Outcome.of(await sync(client, pair), await lab.simulators.counts())
    if left := await plan(client, pair):
        raise LabError(f"both sides should be in step, and {len(left)} changes are left, such as {left[0]}")
    return outcome, dashboard


def invitation(lab: Lab, dashboard: str) -> str:
    """Say where to look and what to try."""
    addresses = lab.simulators.addresses
    return f"""
Open       {lab.homeassistant.url}{dashboard}
Log in as  {USER}, password {PASSWORD}

To add accounts yourself: the sign-in link of a Plex account leads to a simulated plex.tv;
PublicMetaDB has the base URL {addresses.publicmetadb} and the API key {addresses.api_key}
To have something to sync:  curl -X POST {addresses.cloud}/_simulator/plays
Log:       {lab.homeassistant.log}

Ctrl-C ends the demo."""


async def stay(lab: Lab) -> None:
    """Keep Home Assistant up, also when somebody restarts it from its own pages."""
    simulators = asyncio.create_task(lab.simulators.child.ended())
    try:
        while True:
            homeassistant = asyncio.create_task(lab.homeassistant.child.ended())
            await asyncio.wait({simulators, homeassistant}, return_when=asyncio.FIRST_COMPLETED)
            if not homeassistant.done() or homeassistant.result() != RESTART:
                raise LabError(f"something ended that should not, see {lab.homeassistant.log.parent}")
            say("Home Assistant restarts")
            await lab.homeassistant.start()
    finally:
        simulators.cancel()


async def run(options: argparse.Namespace, doors: Doors | None) -> int:
    """Do it all; return the exit code."""
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        say("starting the simulated services and Home Assistant")
        lab = await stack.enter_async_context(
            started_lab(
                FOLDER,
                size=options.size,
                seed=options.seed,
                both=True,
                port=doors.port if doors else options.port,
                cloud_port=doors.cloud_port if doors else 0,
            )
        )
        if doors:
            await doors.open(stack)
        outcome, dashboard = await first_sync(lab)
        say(f"done after {time.monotonic() - started:.1f} s")
        if options.json:
            show(json.dumps({"pairs": [outcome.as_dict()]}))
        else:
            show(str(outcome))
        if doors:
            show(invitation(lab, dashboard))
            try:
                await stay(lab)
            except asyncio.CancelledError:  # the way it is meant to end
                say("stopping")
    return 0 if outcome.succeeded else 1


async def until_stopped(options: argparse.Namespace, doors: Doors | None) -> int:
    """Run until the end, or until a signal asks to stop: then put everything away first."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(run(options, doors))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        say("stopped before it was done")
        return INTERRUPTED


def main() -> int:
    """Run the demo."""
    options = arguments()
    try:
        claim(FOLDER)
        if options.once:
            private, doors = isolate(), None
        else:
            doors = Doors(options.port)
            private = doors.private
        if not private:
            say("no private network here: Home Assistant will also open UDP 5353 for multicast DNS")
        return asyncio.run(until_stopped(options, doors))
    except LabError as err:
        say(str(err))
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
