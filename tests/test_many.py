"""Many pairs at once, and the start of a Home Assistant that has run them for long."""

import asyncio
from asyncio.events import Handle
from collections.abc import Generator
from contextlib import contextmanager
import gc
import time
from unittest.mock import patch

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN, Trigger
from custom_components.crosswatch.shared import shared_state
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.report import FeatureReport, RunReport, RunStatus
from tests.common import Services, pair_entry_of

LONGEST = 0.050
"""Seconds of the event loop's thread that nothing may take at once (design, section 8)."""


@pytest.fixture(autouse=True)
def no_entities() -> Generator[None]:
    """Set up no entities: they are other tests' business, and many pairs have thousands."""
    with patch("custom_components.crosswatch.PAIR_PLATFORMS", []):
        yield


def pairs_of(hass: HomeAssistant, accounts: tuple[MockConfigEntry, ...], count: int) -> list[MockConfigEntry]:
    """Return so many pairs of the same two accounts, every other one the other way round."""
    like = pair_entry_of(*accounts, features=["history"], interval=0)
    entries = []
    for number in range(count):
        turned = {"source": like.data["target"], "target": like.data["source"]} if number % 2 else {}
        entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id=f"01KPAIR{number:019d}",
            unique_id=f"pair_{number}",
            title=f"Pair {number}",
            data={**like.data, **turned},
            options=dict(like.options),
        )
        entry.add_to_hass(hass)
        entries.append(entry)
    return entries


@contextmanager
def turns_measured(turns: list[float]) -> Generator[None]:
    """Collect the processor time that the thread of the event loop spends on each callback and task step.

    Processor time, because on a busy machine the thread also waits for its turn. Garbage is collected
    before: how much there is depends on the tests that ran earlier.
    """
    run = Handle._run

    def measured(handle: Handle) -> None:
        started = time.thread_time()
        run(handle)
        turns.append(time.thread_time() - started)

    gc.collect()
    gc.disable()
    try:
        with patch.object(Handle, "_run", measured):
            yield
    finally:
        gc.enable()


@pytest.mark.parametrize("many", [40, pytest.param(200, marks=pytest.mark.thorough)])
async def test_many_pairs_start_together(
    hass: HomeAssistant, accounts: tuple[MockConfigEntry, MockConfigEntry], services: Services, many: int
) -> None:
    """Two accounts, taken in either order by so many runs: all of them end, one after the other."""
    pairs = pairs_of(hass, accounts, many)
    assert await hass.config_entries.async_setup(pairs[0].entry_id)
    await hass.async_block_till_done()
    turns: list[float] = []
    with turns_measured(turns):
        # the turn that is under way is not measured: starting them all at once is the test's doing
        tasks = [pair.runtime_data.async_start_run(Trigger.ACTION, dry_run=True) for pair in pairs]
        async with asyncio.timeout(50):
            reports = await asyncio.gather(*tasks)
    assert {report.status for report in reports} <= {RunStatus.OK, RunStatus.UNRESOLVED}
    assert not any(pair.runtime_data.running for pair in pairs)
    # many turns for each: the measure has seen them
    assert len(turns) > 20 * many
    assert max(turns) < LONGEST


def a_report(pair: str, number: int) -> RunReport:
    """Return one of many past runs."""
    part = FeatureReport(status=RunStatus.OK, added=number)
    return RunReport(
        run_id=f"{pair}{number}",
        pair_id=pair,
        trigger="schedule",
        dry_run=False,
        status=RunStatus.OK,
        started_at=1_795_000_000 + number,
        duration_s=1.0,
        features={Feature.HISTORY: part, Feature.WATCHLIST: part},
    )


async def test_stored_state_hardly_delays_the_start(
    hass: HomeAssistant, accounts: tuple[MockConfigEntry, MockConfigEntry]
) -> None:
    """Ten pairs with a hundred runs each cost about what ten new ones cost."""
    pairs = pairs_of(hass, accounts, 10)
    assert await hass.config_entries.async_setup(pairs[0].entry_id)
    await hass.async_block_till_done()

    async def reload() -> float:
        for pair in pairs:
            await hass.config_entries.async_unload(pair.entry_id)
        await hass.async_block_till_done()
        started = time.process_time()
        await asyncio.gather(*(hass.config_entries.async_setup(pair.entry_id) for pair in pairs))
        await hass.async_block_till_done()
        return time.process_time() - started

    empty = min([await reload() for _ in range(3)])
    state = (await shared_state(hass).acquire()).state
    for pair in pairs:
        for number in range(100):
            await state.keep_run(a_report(pair.entry_id, number))
    full = min([await reload() for _ in range(3)])
    await shared_state(hass).release()
    # processor time, so that a busy machine doesn't count
    assert full < 1.5 * empty + 0.1
