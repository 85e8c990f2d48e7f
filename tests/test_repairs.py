"""Repair issues, and the ways out of them, through Home Assistant's own interface."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.mapping import NotMappableError
from custom_components.crosswatch.sync.models import Feature, Side
from custom_components.crosswatch.texts import plain
from tests.common import HARMLESS, HOSTILE, PAIR_ID, Services, hold, pair_entry_of, run_pair
from tests.conftest import Clock
from tests.simulators.plex import OWNER

MISSING = f"account_missing_{PAIR_ID}"
LONG = "fallback_long_01KPLEX0000000000000000000"

type Fix = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Fix:
    """Return how the frontend opens a fix flow, and how it submits a step."""
    assert await async_setup_component(hass, REPAIRS, {})
    await hass.async_block_till_done()
    client = await hass_client()

    async def ask(issue: str = "", flow: dict[str, Any] | None = None, **user_input: Any) -> dict[str, Any]:
        if flow is None:
            path, body = "", {"handler": DOMAIN, "issue_id": issue}
        else:
            path, body = f"/{flow['flow_id']}", user_input
        response = await client.post(f"/api/repairs/issues/fix{path}", json=body)
        assert response.status == 200, await response.text()
        result: dict[str, Any] = await response.json()
        await hass.async_block_till_done()
        return result

    return ask


# --- an account of a pair is missing ------------------------------------------------------------


@pytest.fixture
async def other(hass: HomeAssistant, services: Services, plex_entry: MockConfigEntry) -> MockConfigEntry:
    """Return one more account at Plex."""
    account = plex_entry.data["account"]
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id="plex_other",
        title="Alex (Den)",
        data={**plex_entry.data, "account": account},
    )
    entry.add_to_hass(hass)
    return entry


@pytest.mark.parametrize("title", [None, "Mine"])
async def test_choose_another_account(
    hass: HomeAssistant,
    other: MockConfigEntry,
    watchlist_only: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    issue_registry: ir.IssueRegistry,
    fix: Fix,
    title: str | None,
) -> None:
    plex, publicmetadb = accounts
    if title:
        hass.config_entries.async_update_entry(loaded, title=title)
    await hass.config_entries.async_remove(plex.entry_id)
    flow = await fix(MISSING)
    assert (flow["type"], flow["menu_options"]) == ("menu", ["replace", "remove", "wait"])
    flow = await fix(flow=flow, next_step_id="replace")
    fields = {field["name"]: field for field in flow["data_schema"]}
    assert "description" not in fields["source"]
    assert fields["target"]["description"] == {"suggested_value": publicmetadb.unique_id}

    before = dict(loaded.data)
    both = {"source": publicmetadb.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **both)
    assert flow["errors"] == {"target": "same_account"}
    flow = await fix(flow=flow, **{**both, "source": watchlist_only.unique_id})
    assert flow["errors"] == {"base": "feature_unsupported"}
    assert flow["description_placeholders"]["account"] == "Robin"
    assert flow["description_placeholders"]["features"] == "history"
    assert dict(loaded.data) == before

    flow = await fix(flow=flow, **{**both, "source": other.unique_id})
    assert flow["type"] == "create_entry"
    assert loaded.data == {**before, "source": other.unique_id}
    first, second = sorted((str(other.unique_id), str(publicmetadb.unique_id)))
    assert loaded.unique_id == f"pair_{first}_{second}"
    assert loaded.state is ConfigEntryState.LOADED
    assert loaded.title == (title or "Alex (Den) → PublicMetaDB")
    assert issue_registry.async_get_issue(DOMAIN, MISSING) is None
    assert loaded.runtime_data.status == "never_run"


async def test_pair_that_exists_already(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    fix: Fix,
) -> None:
    plex, publicmetadb = accounts
    rival = pair_entry_of(other, publicmetadb)
    MockConfigEntry(
        domain=DOMAIN, unique_id=rival.unique_id, data=dict(rival.data), options=dict(rival.options)
    ).add_to_hass(hass)
    await hass.config_entries.async_set_disabled_by(plex.entry_id, ConfigEntryDisabler.USER)
    flow = await fix(flow=await fix(MISSING), next_step_id="replace")
    change = {"source": other.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **change)
    assert flow["errors"] == {"base": "pair_exists"}


async def test_feature_that_the_other_account_lacks(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    fix: Fix,
) -> None:
    """The form has no field for features, so it is told at its top."""
    plex, publicmetadb = accounts
    data = {**other.data, "account": {**other.data["account"], "server": None}}
    hass.config_entries.async_update_entry(other, data=data)
    assert await hass.config_entries.async_reload(other.entry_id)
    await hass.config_entries.async_remove(plex.entry_id)
    flow = await fix(flow=await fix(MISSING), next_step_id="replace")
    change = {"source": other.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    flow = await fix(flow=flow, **change)
    assert flow["errors"] == {"base": "feature_unsupported"}


async def test_delete_the_pair(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(MISSING)
    assert flow["menu_options"] == ["remove", "wait"]
    hass.config_entries.async_update_entry(loaded, title=HOSTILE)
    flow = await fix(flow=flow, next_step_id="remove")
    assert (flow["type"], flow["step_id"]) == ("form", "remove")
    assert flow["description_placeholders"] == {"pair": HARMLESS}
    assert hass.config_entries.async_get_entry(PAIR_ID) is not None
    flow = await fix(flow=flow)
    assert flow["type"] == "create_entry"
    assert hass.config_entries.async_get_entry(PAIR_ID) is None
    assert issue_registry.async_get_issue(DOMAIN, MISSING) is None


async def test_wait_for_the_account(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    """The notice is put aside, and comes back when the account is missing another time."""
    for _ in range(2):
        await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, ConfigEntryDisabler.USER)
        issue = issue_registry.async_get_issue(DOMAIN, MISSING)
        assert issue is not None
        assert issue.dismissed_version is None
        flow = await fix(flow=await fix(MISSING), next_step_id="wait")
        assert (flow["type"], flow["reason"]) == ("abort", "waiting")
        issue = issue_registry.async_get_issue(DOMAIN, MISSING)
        assert issue is not None
        assert issue.dismissed_version is not None
        await hass.config_entries.async_set_disabled_by(publicmetadb_entry.entry_id, None)
        await hass.async_block_till_done()
        assert issue_registry.async_get_issue(DOMAIN, MISSING) is None


@pytest.mark.parametrize("step", ["replace", "remove", "wait"])
async def test_pair_is_deleted_meanwhile(
    hass: HomeAssistant,
    other: MockConfigEntry,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    fix: Fix,
    step: str,
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(MISSING)
    await hass.config_entries.async_remove(loaded.entry_id)
    flow = await fix(flow=flow, next_step_id=step)
    assert (flow["type"], flow["reason"]) == ("abort", "pair_gone")


# --- the GUID fallback is on for long -----------------------------------------------------------


async def switch(hass: HomeAssistant, entry: MockConfigEntry, *, on: bool) -> None:
    """Switch the fallback, as the options do."""
    hass.config_entries.async_update_entry(entry, options={"fallback_GUID": True} if on else {})
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def test_fallback_is_on_for_long(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    fix: Fix,
) -> None:
    hass.config_entries.async_update_entry(loaded, options={**loaded.options, "interval": 0})
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await switch(hass, plex_entry, on=True)
    since = plex_entry.data["fallback_since"]
    await clock.pass_time(days=6, hours=23)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None
    # other changes and restarts do not begin a new week
    assert await hass.config_entries.async_reload(plex_entry.entry_id)
    assert plex_entry.data["fallback_since"] == since
    await clock.pass_time(hours=2)
    issue = issue_registry.async_get_issue(DOMAIN, LONG)
    assert issue is not None
    assert issue.translation_placeholders == {"account": "Alex (Attic)"}
    assert await hass.config_entries.async_reload(plex_entry.entry_id)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None

    hass.config_entries.async_update_entry(plex_entry, options={**plex_entry.options, "history_workers": 2})
    hass.config_entries.async_update_entry(plex_entry, title=HOSTILE)
    flow = await fix(LONG)
    assert (flow["type"], flow["step_id"]) == ("form", "confirm")
    assert flow["description_placeholders"] == {"account": HARMLESS}
    assert plex_entry.options["fallback_GUID"] is True
    flow = await fix(flow=flow)
    assert flow["type"] == "create_entry"
    assert dict(plex_entry.options) == {"history_workers": 2}
    assert "fallback_since" not in plex_entry.data
    assert plex_entry.state is ConfigEntryState.LOADED
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None


@pytest.mark.parametrize("how", ["off", "remove", "disable"])
async def test_fallback_notice_goes(
    hass: HomeAssistant,
    plex_entry: MockConfigEntry,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    how: str,
) -> None:
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    await switch(hass, plex_entry, on=True)
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None
    match how:
        case "off":
            await switch(hass, plex_entry, on=False)
        case "remove":
            await hass.config_entries.async_remove(plex_entry.entry_id)
        case _:
            await hass.config_entries.async_set_disabled_by(plex_entry.entry_id, ConfigEntryDisabler.USER)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is None


async def test_clock_was_wrong(
    hass: HomeAssistant, plex_entry: MockConfigEntry, clock: Clock, issue_registry: ir.IssueRegistry
) -> None:
    """A beginning in the future counts from now on."""
    ahead = int(clock.now().timestamp()) + 10**8
    hass.config_entries.async_update_entry(
        plex_entry, data={**plex_entry.data, "fallback_since": ahead}, options={"fallback_GUID": True}
    )
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    assert plex_entry.data["fallback_since"] < ahead - 10**7
    await clock.pass_time(days=8)
    assert issue_registry.async_get_issue(DOMAIN, LONG) is not None


async def test_account_is_deleted_meanwhile(
    hass: HomeAssistant, plex_entry: MockConfigEntry, clock: Clock, fix: Fix
) -> None:
    assert await hass.config_entries.async_setup(plex_entry.entry_id)
    await switch(hass, plex_entry, on=True)
    await clock.pass_time(days=8)
    flow = await fix(LONG)
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(flow=flow)
    assert (flow["type"], flow["reason"]) == ("abort", "account_gone")


# --- a plan waits -------------------------------------------------------------------------------


def held_issues(issue_registry: ir.IssueRegistry) -> list[str]:
    """Return the notices of plans that wait."""
    return [issue_id for _, issue_id in issue_registry.issues if issue_id.startswith("plan_held_")]


@pytest.mark.parametrize("approved", [True, False])
async def test_decide_about_a_plan(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
    approved: bool,
) -> None:
    await hold(hass, loaded, services)
    (issue_id,) = held_issues(issue_registry)
    flow = await fix(issue_id)
    assert (flow["type"], flow["step_id"]) == ("menu", "init")
    assert flow["description_placeholders"] == {
        "pair": loaded.title,
        "feature": "History",
        "reason": "PublicMetaDB held something before, and is empty now.",
        "count": "2",
        "shown": "2",
        "changes": "\n".join(
            f"- Add (PublicMetaDB): {title}"
            for title in (r"Arrival at Dawn \(2001\)", r"Borrowed Light \(2002\)")
        ),
    }
    flow = await fix(flow=flow, next_step_id="approve" if approved else "reject")
    assert flow["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(services.user.watched()) == (2 if approved else 0)
    assert held_issues(issue_registry) == []
    await run_pair(hass, loaded)
    assert held_issues(issue_registry) == []


async def test_a_plan_that_is_gone(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    """It was decided elsewhere while the dialog was open."""
    await hold(hass, loaded, services)
    (issue_id,) = held_issues(issue_registry)
    flow = await fix(issue_id)
    await loaded.runtime_data.memory.async_reject(loaded.runtime_data.data.plans)
    assert held_issues(issue_registry) == []
    flow = await fix(flow=flow, next_step_id="approve")
    assert (flow["type"], flow["reason"]) == ("abort", "plan_gone")
    assert not services.user.watched()


async def test_a_plan_while_the_pair_runs(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    await hold(hass, loaded, services)
    (issue_id,) = held_issues(issue_registry)
    flow = await fix(issue_id)
    with patch.object(type(loaded.runtime_data), "running", new=True):
        flow = await fix(flow=flow, next_step_id="approve")
    assert (flow["type"], flow["reason"]) == ("abort", "already_running")
    assert len(held_issues(issue_registry)) == 1


async def test_the_notice_of_another_plan_is_another(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    await hold(hass, loaded, services)
    (first,) = held_issues(issue_registry)
    movie = next(movie for movie in services.pms.state.items.values() if movie.title == "Arrival at Dawn")
    services.pms.play(OWNER, movie, at=1_792_000_000)
    await run_pair(hass, loaded)
    (second,) = held_issues(issue_registry)
    assert second != first
    await hass.config_entries.async_remove(loaded.entry_id)
    assert held_issues(issue_registry) == []


async def test_a_plan_of_a_pair_that_is_gone(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    await hold(hass, loaded, services)
    (issue_id,) = held_issues(issue_registry)
    await hass.config_entries.async_unload(loaded.entry_id)
    flow = await fix(issue_id)
    assert (flow["type"], flow["reason"]) == ("abort", "plan_gone")


# --- titles without a TMDb id -------------------------------------------------------------------

NEEDS_ID = f"needs_id_{PAIR_ID}"
CINDER_ROAD = "movie:imdb:tt0000103"


async def test_give_an_id(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    fix: Fix,
) -> None:
    await run_pair(hass, loaded)
    issue = issue_registry.async_get_issue(DOMAIN, NEEDS_ID)
    assert issue is not None
    assert issue.translation_placeholders == {"pair": loaded.title, "count": "1"}
    flow = await fix(NEEDS_ID)
    assert (flow["type"], flow["step_id"]) == ("form", "id")
    with patch.object(loaded.runtime_data.memory._state, "map_item", side_effect=NotMappableError):
        flow = await fix(flow=flow, title=CINDER_ROAD, tmdb=103)
    assert flow["errors"] == {"base": "not_mappable"}
    with patch.object(loaded.runtime_data.memory._state, "map_item", side_effect=StateError("full")):
        flow = await fix(flow=flow, title=CINDER_ROAD, tmdb=103)
    assert flow["errors"] == {"base": "state_error"}
    flow = await fix(flow=flow, title=CINDER_ROAD, tmdb=103)
    assert flow["type"] == "create_entry"
    await clock.pass_time(seconds=61)
    (watchlist,) = services.user.lists()
    assert len(services.user.items(watchlist.id)) == 3
    assert issue_registry.async_get_issue(DOMAIN, NEEDS_ID) is None


async def test_title_after_title(
    hass: HomeAssistant, loaded: MockConfigEntry, services: Services, fix: Fix
) -> None:
    """Two episodes of a show are one title."""
    await run_pair(hass, loaded)
    coordinator = loaded.runtime_data
    (row,) = coordinator.data.items
    rows = (
        row,
        *(
            replace(row, key=f"episode:tvdb:7:s01e0{number}", reason="missing_show_tmdb_or_episode_numbers")
            for number in (1, 2)
        ),
        replace(row, key="movie:imdb:tt9", ignored=True),
        replace(row, key="movie:tmdb:8", reason="http:400"),
    )
    coordinator.async_set_updated_data(replace(coordinator.data, items=rows))
    hass.config_entries.async_update_entry(loaded, title=HOSTILE)
    flow = await fix(NEEDS_ID)
    assert flow["description_placeholders"] == {"pair": HARMLESS, "count": "2"}
    flow = await fix(flow=flow, title=CINDER_ROAD, tmdb=103)
    assert (flow["type"], flow["description_placeholders"]["count"]) == ("form", "1")
    with patch.object(coordinator.memory._state, "map_item") as mapped:
        flow = await fix(flow=flow, title="show:tvdb:7", tmdb=7)
    assert flow["type"] == "create_entry"
    mapped.assert_called_once_with("episode:tvdb:7:s01e01", "episode", 7)


async def test_ignored_titles_need_no_id(
    hass: HomeAssistant, loaded: MockConfigEntry, issue_registry: ir.IssueRegistry, fix: Fix
) -> None:
    await run_pair(hass, loaded)
    flow = await fix(NEEDS_ID)
    memory = loaded.runtime_data.memory
    await memory.async_ignore(Feature.WATCHLIST, Side.TARGET, CINDER_ROAD)
    assert issue_registry.async_get_issue(DOMAIN, NEEDS_ID) is None
    await hass.config_entries.async_unload(loaded.entry_id)
    flow = await fix(flow=flow, title=CINDER_ROAD, tmdb=103)
    assert (flow["type"], flow["reason"]) == ("abort", "pair_gone")


# --- a library is gone --------------------------------------------------------------------------

GONE = "library_gone_01KPLEX0000000000000000000"
GONE_FROM_PAIR = f"library_gone_{PAIR_ID}"


async def narrow(hass: HomeAssistant, entry: MockConfigEntry, **libraries: list[str]) -> None:
    """Narrow an entry to libraries and set everything up."""
    options = {key.replace("__", "."): value for key, value in libraries.items()}
    hass.config_entries.async_update_entry(entry, options={**entry.options, **options})
    await hass.async_block_till_done(wait_background_tasks=True)


async def test_library_gone(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    fix: Fix,
) -> None:
    (section,) = services.pms.state.sections.values()
    movies = str(section.id)
    await narrow(hass, loaded, history_libraries=[movies])
    await narrow(hass, plex_entry, history__libraries=[movies, "77"], ratings__libraries=["78"])
    await hass.config_entries.async_reload(plex_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert issue_registry.async_get_issue(DOMAIN, GONE_FROM_PAIR) is None
    issue = issue_registry.async_get_issue(DOMAIN, GONE)
    assert issue is not None
    hass.config_entries.async_update_entry(plex_entry, title=HOSTILE)
    flow = await fix(GONE)
    assert (flow["type"], flow["step_id"]) == ("form", "choose")
    assert flow["description_placeholders"] == {"entry": HARMLESS}
    shown = {field["name"]: field["description"]["suggested_value"] for field in flow["data_schema"]}
    assert shown == {"history_libraries": [movies], "ratings_libraries": []}
    flow = await fix(flow=flow, history_libraries=[movies])
    assert flow["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert plex_entry.options == {"history.libraries": [movies]}
    assert issue_registry.async_get_issue(DOMAIN, GONE) is None


async def test_library_of_a_pair_gone(
    hass: HomeAssistant,
    loaded: MockConfigEntry,
    plex_entry: MockConfigEntry,
    services: Services,
    issue_registry: ir.IssueRegistry,
    clock: Clock,
    fix: Fix,
) -> None:
    """It is noticed within a day, and not while the server does not answer."""
    await narrow(hass, loaded, history_libraries=["77"])
    services.pms.inject("/library/sections*", times=None, status=500)
    await clock.pass_time(days=1, seconds=1)
    assert issue_registry.async_get_issue(DOMAIN, GONE_FROM_PAIR) is None
    services.pms.heal()
    await clock.pass_time(days=1, seconds=1)
    assert issue_registry.async_get_issue(DOMAIN, GONE_FROM_PAIR) is not None
    services.pms.inject("/library/sections*", times=None, status=500)
    flow = await fix(GONE_FROM_PAIR)
    assert (flow["type"], flow["reason"]) == ("abort", "libraries_unknown")
    services.pms.heal()
    flow = await fix(GONE_FROM_PAIR)
    flow = await fix(flow=flow, history_libraries=[])
    assert flow["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    assert "history_libraries" not in loaded.options
    await clock.pass_time(days=1, seconds=1)
    assert issue_registry.async_get_issue(DOMAIN, GONE_FROM_PAIR) is None


async def test_library_of_an_account_that_is_gone(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services, fix: Fix
) -> None:
    await narrow(hass, plex_entry, history__libraries=["77"])
    await hass.config_entries.async_reload(plex_entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    flow = await fix(GONE)
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = await fix(flow=flow, history_libraries=[])
    assert (flow["type"], flow["reason"]) == ("abort", "account_gone")


def test_titles_are_no_markup() -> None:
    """A dialog shows Markdown, and a title may look like it."""
    assert plain("A *b*\n# <img src=x> [c](d) `e` \\ ok") == (
        r"A \*b\* \# \<img src\=x\> \[c\]\(d\) \`e\` \\ ok"
    )
