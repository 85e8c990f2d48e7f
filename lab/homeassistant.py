"""A real Home Assistant as a process: start, stop, kill, start again."""

import asyncio
from pathlib import Path
import sys
import time
from typing import Final

import aiohttp

from lab.client import Client
from lab.errors import LabError
from lab.network import LOCALHOST
from lab.process import Child

STARTED: Final = "Home Assistant initialized in"
POLL: Final = 0.05


class HomeAssistant:
    """A Home Assistant on a seeded configuration folder."""

    def __init__(self, folder: Path, port: int, session: aiohttp.ClientSession, *, plex_cloud: str) -> None:
        """`plex_cloud` is the base address of what stands in for Plex's own services."""
        self.config = folder
        self.url = f"http://{LOCALHOST}:{port}"
        self.client = Client(session, self.url)
        self.log = folder.parent / "home-assistant.log"
        """All it has printed, over all its starts."""
        self._plex_cloud = plex_cloud
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        """The running process."""
        if self._child is None:
            raise LabError("Home Assistant is not started")
        return self._child

    async def start(self) -> None:
        """Start it and wait until it answers requests; it may not have started everything yet."""
        self._child = await Child.start(
            "Home Assistant",
            Path(sys.executable).with_name("hass"),
            "--config",
            self.config,
            "--skip-pip",
            "--log-no-color",
            log=self.log,
            env={"CROSSWATCH_PLEX_CLOUD": self._plex_cloud},
        )
        await self._child.line_with(STARTED)

    async def until_running(self) -> float:
        """Wait until everything is started; return the last moment (monotonic) at which it was not."""
        before = time.monotonic()
        while True:
            asked = time.monotonic()
            if (await self.client.get("/api/config"))["state"] == "RUNNING":
                return before
            before = asked
            await asyncio.sleep(POLL)

    async def stop(self) -> None:
        """Stop it in good order."""
        if self._child is not None:
            await self._child.stop(patience=60)
            self._child = None

    async def kill(self) -> None:
        """Pull the plug."""
        await self.child.kill()
        self._child = None
