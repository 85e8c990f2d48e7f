"""What the tests of faults share: a pair of fakes, and a pair of real providers with real services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from custom_components.crosswatch.sync.state import State
from faults.world import World
from tests.sync.lab import Lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """A pair of fakes."""
    state = await State.open(tmp_path)
    yield Lab(tmp_path, state)
    await state.close()


@pytest.fixture
async def world(tmp_path: Path, socket_enabled: None) -> AsyncIterator[World]:
    """A pair of real providers; 60 titles at simulated services."""
    async with World(tmp_path, 60) as running:
        yield running
