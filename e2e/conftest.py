"""What the end-to-end tests run in: one lab and one set of artefacts for each module."""

from collections.abc import AsyncIterator
from pathlib import Path
import shutil
from typing import Final

import pytest

from e2e.screen import Screen, opened_screen
from lab.folder import claim
from lab.lab import Lab, started_lab
from lab.paths import ROOT

ARTEFACTS: Final = Path(__file__).parent / "artefacts"
OWNER, USER, PASSWORD = "Robin", "robin", "robin-pass"


@pytest.fixture(scope="module")
def artefacts(request: pytest.FixtureRequest) -> Path:
    """An empty folder that is kept."""
    folder: Path = ARTEFACTS / request.path.stem.removeprefix("test_")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture(scope="module")
async def lab(artefacts: Path) -> AsyncIterator[Lab]:
    """A running Home Assistant with an owner, in debug mode, and a small everyday library."""
    folder = ROOT / ".e2e" / artefacts.name
    claim(folder)
    try:
        async with started_lab(folder, size=20, seed=2, debug=True) as lab:
            await lab.client.onboard(OWNER, USER, PASSWORD)
            await lab.homeassistant.until_running()
            yield lab
    finally:
        for log in folder.glob("*.log"):
            shutil.copy(log, artefacts)


@pytest.fixture(scope="module")
async def screen(lab: Lab, artefacts: Path) -> AsyncIterator[Screen]:
    """A browser that may ask Home Assistant, and the page on which people sign in to Plex."""
    allowed = (lab.homeassistant.url, lab.simulators.addresses.cloud)
    async with opened_screen(artefacts, allowed) as screen:
        yield screen
