"""Simulated services and a real Home Assistant, up together and down together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from lab.client import Client
from lab.homeassistant import HomeAssistant
from lab.network import free_ports
from lab.seed import seed as seed_configuration
from lab.simulators import Simulators


@dataclass(frozen=True, slots=True)
class Lab:
    """All that is running."""

    simulators: Simulators
    homeassistant: HomeAssistant

    @property
    def client(self) -> Client:
        """Home Assistant, to talk to."""
        return self.homeassistant.client


@asynccontextmanager
async def started_lab(
    folder: Path,
    *,
    size: int,
    seed: int,
    both: bool = False,
    port: int = 0,
    cloud_port: int = 0,
    debug: bool = False,
) -> AsyncIterator[Lab]:
    """Start everything in an empty folder; port 0 takes a free one. Stop everything at the end.

    With `both` PublicMetaDB holds something of its own, too.
    """
    ours = [port, cloud_port, 0, 0]
    port, *others = [one or free for one, free in zip(ours, free_ports(len(ours)), strict=True)]
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        simulators = await Simulators.start(
            session, folder / "simulators.log", size=size, seed=seed, both=both, ports=others
        )
        stack.push_async_callback(simulators.child.stop)
        config = folder / "config"
        seed_configuration(config, port, debug=debug)
        homeassistant = HomeAssistant(config, port, session, plex_cloud=simulators.addresses.cloud)
        stack.push_async_callback(homeassistant.stop)
        await homeassistant.start()
        yield Lab(simulators, homeassistant)
