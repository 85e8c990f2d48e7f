"""Fixtures of the engine's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from custom_components.crosswatch.sync.state import State

from .lab import OPENED, Lab


@pytest.fixture(autouse=True)
def all_closed() -> Iterator[None]:
    """Close what a test has opened in memory."""
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """A fresh lab."""
    state = await State.open(tmp_path)
    yield Lab(tmp_path, state)
    await state.close()
