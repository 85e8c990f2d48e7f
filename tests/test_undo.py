"""Runs of both services taken back, each feature each way."""

from collections.abc import Generator
from typing import Any

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.message import pair_message
from custom_components.crosswatch.sync.report import RunReport
from custom_components.crosswatch.texts import own_texts
from tests.common import Services
from tests.runs import THEN, Shelf, every_rating_looked_at, paired, run

VALUES: dict[str, tuple[Any, Any, Any]] = {
    "watchlist": (None, None, None),
    "history": (THEN, THEN + 86_400, None),
    "ratings": (80, 60, 30),
    "progress": (1_800_000, 900_000, 2_400_000),
}


@pytest.fixture
def shelf(services: Services) -> Shelf:
    """Return the libraries, with nothing watched, rated or listed."""
    return Shelf.fill(services)


@pytest.fixture(autouse=True)
def looked_at() -> Generator[None]:
    """Look at every rating in every read."""
    with every_rating_looked_at():
        yield


async def undo(entry: MockConfigEntry, report: RunReport, **request: Any) -> RunReport:
    """Take a run back."""
    return await run(entry, undo=report.run_id, **request)


@pytest.mark.parametrize(
    ("feature", "way"),
    # the service tells nobody who rated what, so what was rated there does not travel
    [(f, way) for f in VALUES for way in ("p>q", "q>p", "p=q") if (f, way) != ("ratings", "q>p")],
)
async def test_what_a_run_has_added_is_gone_again_and_stays_gone(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
    way: str,
) -> None:
    first, second, _ = VALUES[feature]
    shelf.do_at_plex(feature, 201, first)
    shelf.do_at_publicmetadb(feature, 202, second)
    entry = await paired(hass, accounts, way, feature)
    at_plex, at_publicmetadb = shelf.at_plex(feature), shelf.at_publicmetadb(feature)
    report = await run(entry)
    written = (shelf.at_plex(feature), shelf.at_publicmetadb(feature))
    assert written != (at_plex, at_publicmetadb)
    preview = await undo(entry, report, dry_run=True)
    assert (shelf.at_plex(feature), shelf.at_publicmetadb(feature)) == written
    told = pair_message(hass, entry, own_texts(hass))["undo_preview"]
    undone = await undo(entry, report)
    assert undone.total("removed") == preview.total("removed")
    reasons = [row.reason for plan in preview.plans for row in plan.unresolved]
    if feature == "progress" and way != "p>q":
        # a position can't be cleared in Plex, and that was told before
        assert reasons == ["clear_unsupported"]
        assert [row["why_text"] for row in told["refused"]] == ["Plex can't clear a resume point."]
        at_plex = written[0]
    else:
        assert reasons == []
    for _ in range(3):
        assert shelf.at_plex(feature) == at_plex
        assert shelf.at_publicmetadb(feature) == at_publicmetadb
        await run(entry)


async def test_what_was_undone_stays_so_while_other_libraries_are_chosen_and_after_that(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    shelf.do_at_plex("ratings", 201, 80)
    entry = await paired(hass, accounts, "p=q", "ratings")
    await run(entry)
    shelf.do_at_plex("ratings", 201, 30)
    changed = await run(entry)
    shelf.do_at_plex("ratings", 202, 50)
    added = await run(entry)
    await undo(entry, changed)
    await undo(entry, added)
    options = dict(entry.options)
    shows = next(key for key, section in services.pms.state.sections.items() if section.title == "Shows")
    for more in ({"ratings_libraries": [str(shows)]}, {}):
        hass.config_entries.async_update_entry(entry, options={**options, **more})
        await hass.async_block_till_done()
        for _ in range(3):
            await run(entry)
            assert shelf.at_plex("ratings") == {201: 30, 202: 50}
            assert shelf.at_publicmetadb("ratings") == {201: 80}


@pytest.mark.parametrize(
    ("feature", "way"),
    [("ratings", "p>q"), ("ratings", "p=q"), ("progress", "p>q"), ("progress", "q>p"), ("progress", "p=q")],
)
async def test_a_value_is_put_back_and_stays(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
    way: str,
) -> None:
    first, _, third = VALUES[feature]
    change = shelf.do_at_publicmetadb if way == "q>p" else shelf.do_at_plex
    written = shelf.at_plex if way == "q>p" else shelf.at_publicmetadb
    change(feature, 201, first)
    entry = await paired(hass, accounts, way, feature)
    await run(entry)
    before = written(feature)
    change(feature, 201, third)
    report = await run(entry)
    assert written(feature) != before
    undone = await undo(entry, report)
    assert undone.total("updated") == 1
    for _ in range(3):
        assert written(feature)[201] == pytest.approx(before[201], abs=72_000)
        await run(entry)
    other = shelf.at_publicmetadb if way == "q>p" else shelf.at_plex
    assert other(feature)[201] == pytest.approx(third, abs=1)
