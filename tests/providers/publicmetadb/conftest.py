"""A simulated service, and a provider that talks to it."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
import time
from typing import Any

import aiohttp
import pytest

from custom_components.crosswatch.providers.publicmetadb import (
    Pacers,
    PublicMetaDBProvider,
    PublicMetaDBSettings,
)
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User

from .helpers import KEY, USER

type Build = Callable[..., PublicMetaDBProvider]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncGenerator[PublicMetaDBSimulator]:
    """Return a running service with one account."""
    async with PublicMetaDBSimulator() as simulator:
        simulator.add_user(KEY, USER)
        yield simulator


@pytest.fixture
def user(sim: PublicMetaDBSimulator) -> User:
    """Return the account on the service, to look at and change behind the provider's back."""
    return sim.user(KEY)


@pytest.fixture
async def session(socket_enabled: None) -> AsyncGenerator[aiohttp.ClientSession]:
    """Return an HTTP session."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def build(sim: PublicMetaDBSimulator, session: aiohttp.ClientSession, tmp_path: Path) -> Build:
    """Return a maker of providers: quick to retry, unpaced unless told otherwise."""

    def make(
        *, pacers: Pacers | None = None, clock: Callable[[], float] = time.time, **options: Any
    ) -> PublicMetaDBProvider:
        rates = {"get_per_sec": 0, "post_per_sec": 0} | options.pop("rate_limit", {})
        settings = PublicMetaDBSettings.from_options(
            {"api_key": KEY, "base_url": sim.url, "rate_limit": rates, **options}
        )
        provider = PublicMetaDBProvider(session, settings, pacers or Pacers(), tmp_path, clock)
        provider._client._http.backoff = 0.01
        provider._client.second_look = 0.01
        return provider

    return make


@pytest.fixture
def provider(build: Build) -> PublicMetaDBProvider:
    """Return a provider with default settings."""
    return build()
