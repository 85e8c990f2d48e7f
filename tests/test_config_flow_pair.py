"""The dialogs for a sync pair and its options."""

from collections.abc import Generator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigFlowResult, FlowType
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.pair_settings import pair_settings
from custom_components.crosswatch.pairing import pair_scope
from custom_components.crosswatch.sync.models import Feature, Kind, Scope, Side
from custom_components.crosswatch.sync.settings import PairSettings
from tests.common import API_KEY, Services, account_entries_of, pair_entry_of, start, submit

pytestmark = pytest.mark.usefixtures("no_setup")


def form(source: MockConfigEntry, target: MockConfigEntry, **values: Any) -> dict[str, Any]:
    """Return the input for a one-way pair of watchlists."""
    return {
        "source": source.unique_id,
        "target": target.unique_id,
        "direction": "one_way",
        "features": ["watchlist"],
        **values,
    }


async def test_menu_without_accounts(hass: HomeAssistant) -> None:
    result = await start(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.MENU, "user")
    assert result["menu_options"] == ["plex", "publicmetadb"]


async def test_menu_with_one_account(hass: HomeAssistant, services: Services) -> None:
    MockConfigEntry(domain=DOMAIN, data={"kind": "account", "provider": "plex"}).add_to_hass(hass)
    assert (await start(hass))["menu_options"] == ["plex", "publicmetadb"]


async def test_pair(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    result = await start(hass)
    assert result["menu_options"] == ["plex", "publicmetadb", "pair"]
    result = await submit(hass, result, next_step_id="pair")
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "pair")
    result = await submit(
        hass, result, **form(plex_entry, publicmetadb_entry, features=["watchlist", "history"])
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Alex (Attic) → PublicMetaDB"
    assert result["data"] == {
        "kind": "pair",
        "source": plex_entry.unique_id,
        "target": publicmetadb_entry.unique_id,
        "direction": "one_way",
    }
    assert result["options"] == {"features": ["watchlist", "history"], "interval": 60}
    ids = sorted((str(plex_entry.unique_id), str(publicmetadb_entry.unique_id)))
    assert result["result"].unique_id == f"pair_{ids[0]}_{ids[1]}"


@pytest.mark.parametrize(
    ("sides", "values", "errors", "placeholders"),
    [
        ("pp", {}, {"target": "same_account"}, ("", "")),
        ("pq", {"features": []}, {"features": "no_features"}, ("", "")),
        (
            "wq",
            {"features": ["progress", "watchlist", "ratings"]},
            {"features": "feature_unsupported"},
            ("Robin", "ratings, progress"),
        ),
        (
            "pw",
            {"features": ["history", "watchlist"], "direction": "two_way"},
            {"features": "feature_unsupported"},
            ("Robin", "history"),
        ),
    ],
)
async def test_bad_pair_then_good(
    hass: HomeAssistant,
    plex_entry: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    watchlist_only: MockConfigEntry,
    sides: str,
    values: dict[str, Any],
    errors: dict[str, str],
    placeholders: tuple[str, str],
) -> None:
    entries = {"p": plex_entry, "q": publicmetadb_entry, "w": watchlist_only}
    result = await start(hass, "pair")
    result = await submit(hass, result, **form(*(entries[side] for side in sides), **values))
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, errors)
    assert result["description_placeholders"] == dict(zip(("account", "features"), placeholders, strict=True))
    result = await submit(hass, result, **form(plex_entry, publicmetadb_entry))
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("plex_first", [True, False])
async def test_a_pair_to_begin_with_is_suggested(
    hass: HomeAssistant,
    publicmetadb_entry: MockConfigEntry,
    plex_entry: MockConfigEntry,
    plex_first: bool,
) -> None:
    """From the account that can't keep the dates of plays, whichever was added first."""
    first = plex_entry if plex_first else publicmetadb_entry
    object.__setattr__(first, "created_at", first.created_at - timedelta(days=1))
    result = await start(hass, "pair")
    schema = result["data_schema"]
    assert schema is not None
    fields = {str(field): (field, check) for field, check in schema.schema.items()}
    suggested = {name: field.description["suggested_value"] for name, (field, _) in fields.items()}
    assert suggested == form(plex_entry, publicmetadb_entry, features=list(Feature))
    assert fields["features"][1].config["options"] == list(Feature)


async def test_suggestion_for_a_watchlist(
    hass: HomeAssistant, watchlist_only: MockConfigEntry, publicmetadb_entry: MockConfigEntry, plex_entry: Any
) -> None:
    await hass.config_entries.async_remove(plex_entry.entry_id)
    schema = (await start(hass, "pair"))["data_schema"]
    assert schema is not None
    suggested = {str(field): (field.description or {}).get("suggested_value") for field in schema.schema}
    assert suggested == form(watchlist_only, publicmetadb_entry)


async def test_nothing_is_suggested_for_accounts_of_one_service(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    MockConfigEntry(domain=DOMAIN, unique_id="plex_2", data=dict(plex_entry.data)).add_to_hass(hass)
    await hass.config_entries.async_remove(publicmetadb_entry.entry_id)
    result = await start(hass, "pair")
    schema = result["data_schema"]
    assert schema is not None
    suggested = [field for field in schema.schema if field.description]
    assert suggested == ["direction"]


async def test_account_removed_meanwhile(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    result = await start(hass, "pair")
    await hass.config_entries.async_remove(plex_entry.entry_id)
    result = await submit(hass, result, **form(plex_entry, publicmetadb_entry))
    assert result["errors"] == {"source": "account_gone"}


@pytest.mark.parametrize("turned", [False, True])
async def test_pair_exists(
    hass: HomeAssistant, pair_entry: MockConfigEntry, accounts: tuple[MockConfigEntry, ...], turned: bool
) -> None:
    """Each two accounts have one pair, whichever way it goes."""
    result = await start(hass, "pair")
    result = await submit(hass, result, **form(*(reversed(accounts) if turned else accounts)))
    assert result["errors"] == {"base": "pair_exists"}


# --- other accounts -----------------------------------------------------------------------------


@pytest.mark.parametrize(("title", "renamed"), [(None, False), ("My pair", True)])
async def test_reconfigure(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    watchlist_only: MockConfigEntry,
    title: str | None,
    renamed: bool,
) -> None:
    if title:
        hass.config_entries.async_update_entry(pair_entry, title=title)
    plex, publicmetadb = accounts
    result = await pair_entry.start_reconfigure_flow(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "pair_reconfigure")
    turned = {"source": publicmetadb.unique_id, "target": plex.unique_id, "direction": "two_way"}
    result = await submit(hass, result, **{**turned, "target": watchlist_only.unique_id})
    assert result["errors"] == {"base": "feature_unsupported"}
    result = await submit(hass, result, **turned)
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert pair_entry.data == {"kind": "pair", **turned}
    assert pair_entry.title == (title if renamed else "PublicMetaDB ↔ Alex (Attic)")


async def test_reconfigure_to_another_account(
    hass: HomeAssistant, pair_entry: MockConfigEntry, accounts: tuple[MockConfigEntry, MockConfigEntry]
) -> None:
    plex, publicmetadb = accounts
    other = MockConfigEntry(
        domain=DOMAIN,
        title="PublicMetaDB 2",
        unique_id="publicmetadb_2",
        data={**publicmetadb.data, "api_key": "pm-2"},
    )
    other.add_to_hass(hass)
    rival = pair_entry_of(publicmetadb, other)
    MockConfigEntry(
        domain=DOMAIN, unique_id=rival.unique_id, data=dict(rival.data), options=dict(rival.options)
    ).add_to_hass(hass)
    result = await pair_entry.start_reconfigure_flow(hass)
    change = {"source": other.unique_id, "target": publicmetadb.unique_id, "direction": "one_way"}
    result = await submit(hass, result, **change)
    assert result["errors"] == {"base": "pair_exists"}
    result = await submit(hass, result, **(change | {"source": plex.unique_id, "target": other.unique_id}))
    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    ids = sorted((str(plex.unique_id), str(other.unique_id)))
    assert pair_entry.unique_id == f"pair_{ids[0]}_{ids[1]}"
    assert pair_entry.title == "Alex (Attic) → PublicMetaDB 2"


# --- options ------------------------------------------------------------------------------------


async def open_options(hass: HomeAssistant, pair: MockConfigEntry, **chosen: Any) -> ConfigFlowResult:
    """Open the options and go to the rules of what is chosen."""
    flow = hass.config_entries.options
    result = await flow.async_init(pair.entry_id)
    return await flow.async_configure(result["flow_id"], {**PLAIN, **chosen})


async def save(hass: HomeAssistant, result: ConfigFlowResult, **rules: Any) -> ConfigFlowResult:
    """Fill in the rules; sections that are not given are left alone."""
    schema = result["data_schema"]
    assert schema is not None
    answers = {str(name): rules.pop(str(name), {}) for name in schema.schema}
    assert not rules
    return await hass.config_entries.options.async_configure(result["flow_id"], answers)


def fields(result: ConfigFlowResult) -> dict[str, dict[str, Any]]:
    """Return the fields of a form with sections."""
    schema = result["data_schema"]
    assert schema is not None
    return {str(name): dict(part.schema.schema) for name, part in schema.schema.items()}


def names(result: ConfigFlowResult) -> dict[str, list[str]]:
    """Return the names of the fields by section."""
    return {section: [str(name) for name in part] for section, part in fields(result).items()}


def suggested(result: ConfigFlowResult) -> dict[str, Any]:
    """Return what the fields show."""
    schema = result["data_schema"]
    assert schema is not None
    parts = (part.schema.schema for part in schema.schema.values())
    return {str(name): name.description["suggested_value"] for part in parts for name in part}


PLAIN = {"features": ["history"], "interval": 60, "brake": True}
STORED = {"features": ["history"], "interval": 60}


@pytest.fixture
def no_reload(hass: HomeAssistant) -> Generator[None]:
    """Let entries be after a dialog as they were before."""
    with patch.object(hass.config_entries, "async_schedule_reload"):
        yield


async def test_options(
    hass: HomeAssistant, pair_entry: MockConfigEntry, watchlist_only: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(
        pair_entry, data={**pair_entry.data, "source": watchlist_only.unique_id}
    )
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    assert (result["type"], result["step_id"], result["last_step"]) == (FlowResultType.FORM, "init", False)
    before = dict(pair_entry.options)
    result = await flow.async_configure(
        result["flow_id"], {"features": ["watchlist", "ratings"], "interval": 4, "brake": True}
    )
    assert result["errors"] == {"features": "feature_unsupported", "interval": "interval_too_short"}
    assert dict(pair_entry.options) == before
    result = await flow.async_configure(
        result["flow_id"], {"features": ["watchlist"], "interval": 5, "brake": False}
    )
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "pair_rules")
    assert dict(pair_entry.options) == before
    result = await save(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert pair_entry.options == {"features": ["watchlist"], "interval": 5, "brake": False}


@pytest.mark.usefixtures("no_reload")
async def test_only_what_differs_is_stored(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    result = await open_options(hass, pair_entry, features=list(Feature))
    shows = suggested(result)
    assert shows == {
        "watchlist_add": True,
        "watchlist_remove": False,
        "watchlist_name": "",
        "history_add": True,
        "history_remove": False,
        "history_window": 15,
        "history_libraries": [],
        "ratings_add": True,
        "ratings_remove": False,
        "ratings_kinds": ["movie", "show", "episode"],
        "ratings_label": "",
        "ratings_libraries": [],
        "progress_add": True,
        "progress_minimum": 60,
        "progress_change": 30,
        "progress_maximum": 95,
        "progress_tolerance": 30,
        "progress_libraries": [],
    }
    parts = {name: {str(field): shows[str(field)] for field in part} for name, part in fields(result).items()}
    await save(hass, result, **parts)
    assert pair_entry.options == {**STORED, "features": list(Feature)}
    result = await open_options(hass, pair_entry, features=list(Feature))
    await save(
        hass,
        result,
        watchlist={"watchlist_add": False, "watchlist_remove": True},
        history={"history_window": 0.0},
        ratings={"ratings_kinds": ["episode", "movie"]},
        progress={"progress_maximum": 90.0},
    )
    stored = {
        "watchlist_add": False,
        "watchlist_remove": True,
        "history_window": 0,
        "ratings_kinds": ["movie", "episode"],
        "progress_maximum": 90,
    }
    assert pair_entry.options == {**STORED, "features": list(Feature), **stored}
    # what is switched off keeps its rules
    result = await open_options(hass, pair_entry, features=["history"])
    assert names(result) == {
        "history": ["history_add", "history_remove", "history_window", "history_libraries"]
    }
    await save(hass, result)
    del stored["history_window"]
    assert pair_entry.options == {**STORED, **stored}


RANGES = [
    ("history", "history_window", 0, 1440),
    ("progress", "progress_minimum", 0, 3600),
    ("progress", "progress_change", 1, 3600),
    ("progress", "progress_maximum", 1, 100),
    ("progress", "progress_tolerance", 0, 3600),
]


@pytest.mark.usefixtures("no_reload")
@pytest.mark.parametrize(("section", "name", "least", "most"), RANGES)
async def test_ranges(
    hass: HomeAssistant, pair_entry: MockConfigEntry, section: str, name: str, least: int, most: int
) -> None:
    result = await open_options(hass, pair_entry, features=list(Feature))
    for bad in (least - 1, most + 1, least + 0.5):
        result = await save(hass, result, **{section: {name: bad}})
        assert result["errors"] == {section: f"bad_{name}"}
        told = result["description_placeholders"]
        assert told is not None
        assert (told[f"{name}_min"], told[f"{name}_max"]) == (str(least), str(most))
    await save(hass, result, **{section: {name: least}})
    assert pair_entry.options[name] == least


async def test_removals_are_offered_where_they_can_be_told_and_made(
    hass: HomeAssistant, pair_entry: MockConfigEntry, accounts: tuple[MockConfigEntry, MockConfigEntry]
) -> None:
    plex, publicmetadb = accounts

    async def offered(**data: Any) -> list[str]:
        hass.config_entries.async_update_entry(pair_entry, data={**pair_entry.data, **data})
        result = await open_options(hass, pair_entry, features=list(Feature))
        return [name for part in names(result).values() for name in part if name.endswith("_remove")]

    assert await offered() == ["watchlist_remove", "history_remove", "ratings_remove"]
    turned = {"source": publicmetadb.unique_id, "target": plex.unique_id}
    assert await offered(**turned) == ["watchlist_remove", "history_remove"]
    assert await offered(direction="two_way") == ["watchlist_remove", "history_remove", "ratings_remove"]
    # without an account nobody knows; what was wanted can be switched off
    await hass.config_entries.async_remove(plex.entry_id)
    assert await offered() == []
    options = {**pair_entry.options, "history_remove": True}
    hass.config_entries.async_update_entry(pair_entry, options=options)
    assert await offered() == ["history_remove"]


@pytest.mark.usefixtures("no_reload")
async def test_source_of_truth(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    """It is a question of two-way pairs, and asked by the names of the accounts."""
    result = await open_options(hass, pair_entry, features=["ratings"])
    assert "ratings_truth" not in names(result)["ratings"]
    hass.config_entries.async_update_entry(pair_entry, data={**pair_entry.data, "direction": "two_way"})
    result = await open_options(hass, pair_entry, features=["ratings"])
    shown = {
        option["value"]: option["label"]
        for option in fields(result)["ratings"]["ratings_truth"].config["options"]
    }
    assert shown == {"source": "Alex (Attic)", "target": "PublicMetaDB"}
    assert suggested(result)["ratings_truth"] == "source"
    await save(hass, result, ratings={"ratings_truth": "target"})
    assert pair_entry.options == {**STORED, "features": ["ratings"], "ratings_truth": "target"}


@pytest.mark.parametrize(("typed", "kept"), [("  Family  ", {"watchlist_name": "Family"}), ("  ", {})])
async def test_options_name_of_the_watchlist(
    hass: HomeAssistant, pair_entry: MockConfigEntry, typed: str, kept: dict[str, str]
) -> None:
    result = await open_options(hass, pair_entry, features=["watchlist"], interval=0)
    await save(hass, result, watchlist={"watchlist_name": typed})
    assert pair_entry.options == {"features": ["watchlist"], "interval": 0, **kept}


@pytest.mark.usefixtures("no_reload")
async def test_options_without_an_account(
    hass: HomeAssistant, pair_entry: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    """A missing account does not keep anybody from changing the options."""
    hass.config_entries.async_update_entry(pair_entry, data={**pair_entry.data, "direction": "two_way"})
    await hass.config_entries.async_remove(plex_entry.entry_id)
    result = await open_options(hass, pair_entry, features=["watchlist", "ratings"], interval=30)
    options = fields(result)["ratings"]["ratings_truth"].config["options"]
    assert options[0] == {"value": "source", "label": "source"}
    result = await save(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY


# --- where a pair differs from its accounts -----------------------------------------------------


LIBRARIES = [
    ("history", "history_libraries"),
    ("ratings", "ratings_libraries"),
    ("progress", "progress_libraries"),
]


@pytest.mark.usefixtures("no_reload")
@pytest.mark.parametrize(("feature", "name"), LIBRARIES)
async def test_libraries_of_a_pair(
    hass: HomeAssistant, pair_entry: MockConfigEntry, feature: str, name: str
) -> None:
    plain = {**STORED, "features": [feature]}
    result = await open_options(hass, pair_entry, features=[feature])
    assert not result["errors"]
    options = fields(result)[feature][name].config["options"]
    assert options == [{"value": "1", "label": "Movies"}]
    await save(hass, result, **{feature: {name: ["1"]}})
    assert pair_entry.options == {**plain, name: ["1"]}
    # one that is gone can be kept or left out
    hass.config_entries.async_update_entry(pair_entry, options={**plain, name: ["9"]})
    result = await open_options(hass, pair_entry, features=[feature])
    assert {"value": "9", "label": "9"} in fields(result)[feature][name].config["options"]
    await save(hass, result, **{feature: {name: []}})
    assert pair_entry.options == plain


@pytest.mark.usefixtures("no_reload")
async def test_libraries_of_a_pair_while_the_server_is_down(
    hass: HomeAssistant, pair_entry: MockConfigEntry, services: Services
) -> None:
    stored = {**STORED, "history_libraries": ["1"]}
    hass.config_entries.async_update_entry(pair_entry, options=stored)
    await services.pms.stop()
    # nobody asks for what is not shown
    result = await open_options(hass, pair_entry, features=["watchlist"])
    assert not result["errors"]
    result = await open_options(hass, pair_entry, interval=30)
    assert result["errors"] == {"base": "libraries_unknown"}
    result = await save(hass, result, history={"history_libraries": ["1"]})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert pair_entry.options == {**stored, "interval": 30}


@pytest.mark.usefixtures("no_reload")
async def test_label_of_a_pair(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    result = await open_options(hass, pair_entry, features=["ratings"])
    await save(hass, result, ratings={"ratings_label": " Story "})
    assert pair_entry.options == {**STORED, "features": ["ratings"], "ratings_label": "Story"}
    result = await open_options(hass, pair_entry, features=["ratings"])
    await save(hass, result, ratings={"ratings_label": "  "})
    assert pair_entry.options == {**STORED, "features": ["ratings"]}


@pytest.mark.usefixtures("no_reload")
async def test_two_servers_or_none(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    watchlist_only: MockConfigEntry,
) -> None:
    """Numbers of libraries would mean something else on another server, and only PublicMetaDB has names."""
    plex, publicmetadb = accounts
    other = MockConfigEntry(domain=DOMAIN, unique_id="plex_2", title="Kim", data=dict(plex.data))
    other.add_to_hass(hass)
    data = {**pair_entry.data, "target": other.unique_id}
    hass.config_entries.async_update_entry(pair_entry, data=data)
    result = await open_options(hass, pair_entry, features=list(Feature))
    shown = {name for part in names(result).values() for name in part}
    assert not shown & {"history_libraries", "watchlist_name", "ratings_label", "progress_remove"}
    assert "season" in suggested(result)["ratings_kinds"]
    data = {**data, "source": watchlist_only.unique_id, "target": publicmetadb.unique_id}
    hass.config_entries.async_update_entry(pair_entry, data=data)
    result = await open_options(hass, pair_entry, features=["watchlist"])
    assert not result["errors"]
    assert names(result) == {"watchlist": ["watchlist_add", "watchlist_remove", "watchlist_name"]}


def test_scope() -> None:
    options = {
        "watchlist_name": "Family",
        "ratings_label": "Story",
        "history_libraries": ["2", "3"],
        "progress_libraries": ["2"],
    }
    pair = MockConfigEntry(domain=DOMAIN, entry_id="P", options=options)
    assert pair_scope(pair, read_only=True) == Scope(
        pair_id="P",
        read_only=True,
        watchlist_name="Family",
        rating_label="Story",
        libraries={Feature.HISTORY: frozenset({"2", "3"}), Feature.PROGRESS: frozenset({"2"})},
    )
    assert pair_scope(MockConfigEntry(entry_id="P"), read_only=False) == Scope(pair_id="P")


def test_rules() -> None:
    assert pair_settings({}) == PairSettings()
    options = {
        "brake": False,
        "watchlist_add": False,
        "history_remove": True,
        "ratings_kinds": ["movie"],
        "ratings_truth": "target",
        "history_window": 60,
        "progress_minimum": 120,
        "progress_change": 10,
        "progress_maximum": 90,
        "progress_tolerance": 0,
    }
    assert pair_settings(options) == PairSettings(
        adds=frozenset({Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS}),
        removals=frozenset({Feature.HISTORY}),
        rating_kinds=frozenset({Kind.MOVIE}),
        brake=False,
        truth=Side.TARGET,
        play_window=3600,
        least_position=120,
        least_move=10,
        most_percent=90,
        clock_tolerance=0,
    )


# --- after an account ---------------------------------------------------------------------------


async def add_publicmetadb(hass: HomeAssistant, services: Services) -> ConfigFlowResult:
    """Add an account at PublicMetaDB."""
    result = await start(hass, "publicmetadb")
    return await submit(hass, result, api_key=API_KEY, base_url=services.pmdb.url)


async def test_the_second_account_leads_to_the_pair(
    hass: HomeAssistant, services: Services, no_setup: None
) -> None:
    plex, _ = account_entries_of(services)
    plex.add_to_hass(hass)
    result = await add_publicmetadb(hass, services)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    kind, flow_id = result["next_flow"]
    assert kind is FlowType.CONFIG_FLOW
    (flow,) = hass.config_entries.flow.async_progress()
    assert (flow["flow_id"], flow["step_id"]) == (flow_id, "pair")
    result = await hass.config_entries.flow.async_configure(
        flow_id,
        {
            "source": plex.unique_id,
            "target": result["result"].unique_id,
            "direction": "one_way",
            "features": ["watchlist"],
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result


async def test_the_first_account_leads_nowhere(
    hass: HomeAssistant, services: Services, no_setup: None
) -> None:
    result = await add_publicmetadb(hass, services)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in result
    assert not hass.config_entries.flow.async_progress()
