"""The dialogs for a sync pair and its options."""

from collections.abc import Generator, Mapping
from typing import Any
from unittest.mock import PropertyMock, patch

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.pairing import pair_scope
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import Feature, Kind, Scope
from custom_components.crosswatch.sync.provider import Capability
from tests.common import Services, pair_entry_of, start, submit

pytestmark = pytest.mark.usefixtures("no_setup")

MOVIES = frozenset({Kind.MOVIE})


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
        ("qp", {}, {"target": "target_read_only"}, ("Alex (Attic)", "watchlist")),
        ("pq", {"direction": "two_way"}, {"direction": "two_way_unsupported"}, ("Alex (Attic)", "watchlist")),
        ("pq", {"features": []}, {"features": "no_features"}, ("", "")),
        (
            "pq",
            {"features": ["progress", "watchlist", "ratings"]},
            {"features": "feature_unsupported"},
            ("Alex (Attic)", "ratings, progress"),
        ),
    ],
)
async def test_bad_pair_then_good(
    hass: HomeAssistant,
    plex_entry: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
    sides: str,
    values: dict[str, Any],
    errors: dict[str, str],
    placeholders: tuple[str, str],
) -> None:
    entries = {"p": plex_entry, "q": publicmetadb_entry}
    with every_feature_offered():
        result = await start(hass, "pair")
    result = await submit(hass, result, **form(*(entries[side] for side in sides), **values))
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, errors)
    assert result["description_placeholders"] == dict(zip(("account", "features"), placeholders, strict=True))
    result = await submit(hass, result, **form(plex_entry, publicmetadb_entry))
    assert result["type"] is FlowResultType.CREATE_ENTRY


def every_feature_offered(module: str = "pair") -> Any:
    """Offer what no account can do, as to somebody whose dialog is older than a change."""
    return patch(f"custom_components.crosswatch.flows.{module}.offered_features", return_value=list(Feature))


async def test_a_pair_to_begin_with_is_suggested(
    hass: HomeAssistant, publicmetadb_entry: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    result = await start(hass, "pair")
    schema = result["data_schema"]
    assert schema is not None
    fields = {str(field): (field, check) for field, check in schema.schema.items()}
    suggested = {name: field.description["suggested_value"] for name, (field, _) in fields.items()}
    assert suggested == form(plex_entry, publicmetadb_entry, features=["watchlist", "history"])
    assert fields["features"][1].config["options"] == ["watchlist", "history"]


async def test_nothing_is_suggested_for_accounts_that_cannot_be_joined(
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
    with capable_plex():
        result = await start(hass, "pair")
        result = await submit(hass, result, **form(*(reversed(accounts) if turned else accounts)))
    assert result["errors"] == {"base": "pair_exists"}


def capable_plex(**writable: bool) -> Any:
    """Let Plex do everything, or only add to the named features."""
    wanted = writable or dict.fromkeys(Feature, True)
    capabilities: Mapping[Feature, Capability] = {
        Feature(name): Capability(kinds=MOVIES, add=add) for name, add in wanted.items()
    }
    return patch.object(PlexProvider, "capabilities", PropertyMock(return_value=capabilities))


async def test_capabilities_decide(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    """What a provider learns to do opens up by itself."""
    result = await start(hass, "pair")
    with capable_plex(watchlist=True, history=False):
        both = form(publicmetadb_entry, plex_entry, direction="two_way", features=["watchlist", "history"])
        result = await submit(hass, result, **both)
        assert result["errors"] == {"features": "feature_read_only"}
        assert result["description_placeholders"] == {"account": "Alex (Attic)", "features": "history"}
        result = await submit(hass, result, **(both | {"features": ["watchlist"]}))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "PublicMetaDB ↔ Alex (Attic)"


# --- other accounts -----------------------------------------------------------------------------


@pytest.mark.parametrize(("title", "renamed"), [(None, False), ("My pair", True)])
async def test_reconfigure(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    title: str | None,
    renamed: bool,
) -> None:
    if title:
        hass.config_entries.async_update_entry(pair_entry, title=title)
    plex, publicmetadb = accounts
    result = await pair_entry.start_reconfigure_flow(hass)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "pair_reconfigure")
    turned = {"source": publicmetadb.unique_id, "target": plex.unique_id, "direction": "two_way"}
    result = await submit(hass, result, **turned)
    assert result["errors"] == {"target": "target_read_only"}
    with capable_plex(watchlist=True):
        result = await submit(hass, result, **turned)
        assert result["errors"] == {"base": "feature_unsupported"}
    with capable_plex():
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


async def test_options(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    flow = hass.config_entries.options
    with every_feature_offered():
        result = await flow.async_init(pair_entry.entry_id)
    assert (result["type"], result["step_id"]) == (FlowResultType.FORM, "init")
    before = dict(pair_entry.options)
    bad = {"features": ["watchlist", "ratings"], "interval": 4}
    result = await flow.async_configure(result["flow_id"], bad)
    assert result["errors"] == {"features": "feature_unsupported", "interval": "interval_too_short"}
    assert dict(pair_entry.options) == before
    result = await flow.async_configure(result["flow_id"], {"features": ["history"], "interval": 5})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert pair_entry.options == {"features": ["history"], "interval": 5}


@pytest.mark.parametrize(("typed", "kept"), [("  Family  ", {"watchlist_name": "Family"}), ("  ", {})])
async def test_options_name_of_the_watchlist(
    hass: HomeAssistant, pair_entry: MockConfigEntry, typed: str, kept: dict[str, str]
) -> None:
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    result = await flow.async_configure(
        result["flow_id"], {"features": ["watchlist"], "interval": 0, "watchlist_name": typed}
    )
    assert pair_entry.options == {"features": ["watchlist"], "interval": 0, **kept}


async def test_options_that_the_direction_rules_out(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(pair_entry, data={**pair_entry.data, "direction": "two_way"})
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    result = await flow.async_configure(result["flow_id"], {"features": ["history"], "interval": 60})
    assert result["errors"] == {"features": "two_way_unsupported"}
    with capable_plex():
        result = await flow.async_configure(result["flow_id"], {"features": ["history"], "interval": 60})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_options_without_an_account(
    hass: HomeAssistant, pair_entry: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    """A missing account does not keep anybody from changing the options."""
    await hass.config_entries.async_remove(plex_entry.entry_id)
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    result = await flow.async_configure(result["flow_id"], {"features": ["watchlist"], "interval": 30})
    assert result["type"] is FlowResultType.CREATE_ENTRY


# --- where a pair differs from its accounts -----------------------------------------------------


def fields(result: ConfigFlowResult) -> dict[str, Any]:
    """Return the fields of the form."""
    schema = result["data_schema"]
    assert schema is not None
    return {str(marker): selector for marker, selector in schema.schema.items()}


PLAIN = {"features": ["history"], "interval": 60}


@pytest.fixture
def no_reload(hass: HomeAssistant) -> Generator[None]:
    """Let entries be after a dialog as they were before."""
    with patch.object(hass.config_entries, "async_schedule_reload"):
        yield


@pytest.mark.usefixtures("no_reload")
async def test_libraries_of_a_pair(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    assert not result["errors"]
    options = fields(result)["history_libraries"].config["options"]
    assert options == [{"value": "1", "label": "Movies"}]
    await flow.async_configure(result["flow_id"], {**PLAIN, "history_libraries": ["1"]})
    assert pair_entry.options == {**PLAIN, "history_libraries": ["1"]}
    # one that is gone can be kept or left out
    hass.config_entries.async_update_entry(pair_entry, options={**PLAIN, "history_libraries": ["9"]})
    result = await flow.async_init(pair_entry.entry_id)
    assert {"value": "9", "label": "9"} in fields(result)["history_libraries"].config["options"]
    await flow.async_configure(result["flow_id"], {**PLAIN, "history_libraries": []})
    assert pair_entry.options == PLAIN


async def test_libraries_of_a_pair_while_the_server_is_down(
    hass: HomeAssistant, pair_entry: MockConfigEntry, services: Services
) -> None:
    stored = {**PLAIN, "history_libraries": ["1"]}
    hass.config_entries.async_update_entry(pair_entry, options=stored)
    await services.pms.stop()
    flow = hass.config_entries.options
    result = await flow.async_init(pair_entry.entry_id)
    assert result["errors"] == {"base": "libraries_unknown"}
    result = await flow.async_configure(result["flow_id"], {**stored, "interval": 30})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert pair_entry.options == {**stored, "interval": 30}


@pytest.mark.usefixtures("no_reload")
async def test_ratings_of_a_pair(hass: HomeAssistant, pair_entry: MockConfigEntry) -> None:
    """The fields for ratings come with the ratings."""
    flow = hass.config_entries.options
    with patch("custom_components.crosswatch.flows.pair_options.offered_features", return_value=[]):
        result = await flow.async_init(pair_entry.entry_id)
        assert set(fields(result)) == {"features", "interval", "watchlist_name"}
        flow.async_abort(result["flow_id"])
    with every_feature_offered("pair_options"):
        result = await flow.async_init(pair_entry.entry_id)
        assert {"ratings_libraries", "ratings_label"} <= set(fields(result))
        more = {"ratings_libraries": ["1"], "ratings_label": " Story "}
        await flow.async_configure(result["flow_id"], {**PLAIN, **more})
    assert pair_entry.options == {**PLAIN, "ratings_libraries": ["1"], "ratings_label": "Story"}
    result = await flow.async_init(pair_entry.entry_id)
    await flow.async_configure(result["flow_id"], {**PLAIN, "ratings_label": "  "})
    assert pair_entry.options == PLAIN


async def test_two_servers_or_none(
    hass: HomeAssistant,
    pair_entry: MockConfigEntry,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
) -> None:
    """Numbers of libraries would mean something else on another server."""
    plex, _ = accounts
    other = MockConfigEntry(domain=DOMAIN, unique_id="plex_2", title="Kim", data=dict(plex.data))
    other.add_to_hass(hass)
    flow = hass.config_entries.options
    data = {**pair_entry.data, "target": other.unique_id}
    hass.config_entries.async_update_entry(pair_entry, data=data)
    assert "history_libraries" not in fields(await flow.async_init(pair_entry.entry_id))
    account = {**plex.data["account"], "server": None}
    hass.config_entries.async_update_entry(plex, data={**plex.data, "account": account})
    data = {**pair_entry.data, "target": accounts[1].unique_id}
    hass.config_entries.async_update_entry(pair_entry, data=data)
    result = await flow.async_init(pair_entry.entry_id)
    assert not result["errors"]
    assert "history_libraries" not in fields(result)


def test_scope() -> None:
    options = {"watchlist_name": "Family", "ratings_label": "Story", "history_libraries": ["2", "3"]}
    pair = MockConfigEntry(domain=DOMAIN, entry_id="P", options=options)
    assert pair_scope(pair, read_only=True) == Scope(
        pair_id="P",
        read_only=True,
        watchlist_name="Family",
        rating_label="Story",
        libraries={Feature.HISTORY: frozenset({"2", "3"})},
    )
    assert pair_scope(MockConfigEntry(entry_id="P"), read_only=False) == Scope(pair_id="P")
