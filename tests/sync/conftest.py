"""Fixtures of the engine's tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from custom_components.crosswatch.sync.state import State

from .lab import Lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """A fresh lab."""
    state = await State.open(tmp_path)
    yield Lab(tmp_path, state)
    await state.close()
