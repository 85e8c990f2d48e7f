"""The process that is killed: one run of a pair, then its end."""

import asyncio
from dataclasses import dataclass
import logging
from multiprocessing.connection import Connection
from pathlib import Path
import time
from typing import Any

import aiohttp

from custom_components.crosswatch.providers.plex import PlexAccount
from custom_components.crosswatch.sync import feature_run
from custom_components.crosswatch.sync.engine import Engine
from custom_components.crosswatch.sync.models import Feature, Side
from custom_components.crosswatch.sync.settings import PairSettings
from custom_components.crosswatch.sync.state import State

from .world import WAYS, providers, request_of

LANDING = 0.2
"""Seconds after which a request to a service on this machine has landed; in the world it is 20."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a process is told. `way` is a place in `WAYS`, `ahead` what its clock is ahead, in seconds."""

    folder: Path
    account: dict[str, Any]
    cloud_url: str
    pmdb_url: str
    way: int
    ahead: float
    settings: PairSettings


def live(life: Life, parent: Connection) -> None:
    """Run the pair once. Tells when it begins, and how the run ended."""
    logging.disable(logging.CRITICAL)
    feature_run.UNDER_WAY = LANDING  # type: ignore[assignment]
    parent.send("alive")
    parent.send(asyncio.run(_live(life)))


async def _live(life: Life) -> str:
    def clock() -> float:
        return time.time() + life.ahead

    way = WAYS[life.way]
    state = await State.open(life.folder)
    try:
        async with aiohttp.ClientSession() as session:
            both = providers(
                session,
                PlexAccount.from_dict(life.account),
                life.cloud_url,
                life.pmdb_url,
                life.folder,
                clock,
            )
            sides = {side: both[place] for side, place in way.sides.items()}
            report = await Engine(state, clock).run(
                request_of(way, tuple(Feature), life.settings),
                sides[Side.SOURCE],
                sides[Side.TARGET],
                lambda _progress: None,
            )
    finally:
        await state.close()
    return str(report.status)
