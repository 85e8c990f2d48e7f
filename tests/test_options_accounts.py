"""The options of accounts: every documented setting, in the dialog and in what uses it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.account import PlexService, publicmetadb_settings
from custom_components.crosswatch.config_flow import OPTIONS_FLOWS
from custom_components.crosswatch.const import DOMAIN, ProviderName, Trigger
from custom_components.crosswatch.flows.plex_options import PLEX_GROUPS, plex_setting
from custom_components.crosswatch.flows.publicmetadb_options import PUBLICMETADB_GROUPS, publicmetadb_setting
from custom_components.crosswatch.flows.settings import Setting
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.providers.plex.settings import BY_KEY, PlexSettings
from custom_components.crosswatch.providers.publicmetadb import KEYS, PublicMetaDBSettings
from custom_components.crosswatch.shared import plex_limits, publicmetadb_pacers
from tests.common import ENGLISH, Services, start

PLEX_KEYS = [key for keys in PLEX_GROUPS.values() for key in keys]
PUBLICMETADB_KEYS = [key for keys in PUBLICMETADB_GROUPS.values() for key in keys]


async def open_options(hass: HomeAssistant, entry: MockConfigEntry) -> ConfigFlowResult:
    """Open the options of an account."""
    result = await hass.config_entries.options.async_init(entry.entry_id)
    assert result["type"] is FlowResultType.FORM
    return result


async def save(hass: HomeAssistant, result: ConfigFlowResult, **change: Any) -> ConfigFlowResult:
    """Submit what the form shows, with changes by the name of the field."""
    values = {group: {**fields, **_of(fields, change)} for group, fields in shown(result).items()}
    result = await hass.config_entries.options.async_configure(result["flow_id"], values)
    await hass.async_block_till_done()
    return result


def _of(fields: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name in fields}


def fields_of(result: ConfigFlowResult) -> dict[str, dict[Any, Any]]:
    """Return the fields of the form by section."""
    schema = result["data_schema"]
    assert schema is not None
    assert all(isinstance(part, section) for part in schema.schema.values())
    return {str(group): dict(part.schema.schema) for group, part in schema.schema.items()}


def shown(result: ConfigFlowResult) -> dict[str, dict[str, Any]]:
    """Return what the form shows."""
    return {
        group: {str(marker): marker.description["suggested_value"] for marker in fields}
        for group, fields in fields_of(result).items()
    }


def config_of(result: ConfigFlowResult, name: str) -> Mapping[str, Any]:
    """Return how a field of the form is made."""
    for fields in fields_of(result).values():
        for marker, selector in fields.items():
            if str(marker) == name:
                config: Mapping[str, Any] = selector.config
                return config
    raise AssertionError(name)


def choices(result: ConfigFlowResult, name: str) -> dict[str, str]:
    """Return what can be chosen in a field: names by value."""
    return {option["value"]: option["label"] for option in config_of(result, name)["options"]}


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    """Return whether an entry is loaded."""
    state: ConfigEntryState = entry.state
    return state


# --- the table ----------------------------------------------------------------------------------


def test_every_documented_setting_is_there_once() -> None:
    assert sorted(PLEX_KEYS) == sorted(BY_KEY)
    assert sorted(PUBLICMETADB_KEYS) == sorted(set(KEYS) - {"api_key", "base_url"})


@pytest.mark.parametrize(
    ("step", "groups"), [("plex_settings", PLEX_GROUPS), ("publicmetadb_settings", PUBLICMETADB_GROUPS)]
)
def test_texts(step: str, groups: Mapping[str, Any]) -> None:
    """Each section has the texts of its fields, no more and no fewer."""
    make = plex_setting if step == "plex_settings" else publicmetadb_setting
    sections = ENGLISH["options"]["step"][step]["sections"]
    assert set(sections) == set(groups)
    for group, keys in groups.items():
        settings = [make(key) for key in keys]
        names = {setting.name for setting in settings}
        assert set(sections[group]["data"]) == set(sections[group]["data_description"]) == names
        for setting in settings:
            text = sections[group]["data_description"][setting.name]
            errors = ENGLISH["options"]["error"]
            number = isinstance(setting.default, int | float) and not isinstance(setting.default, bool)
            assert (f"bad_{setting.name}" in errors) == (number or isinstance(setting.default, list)) or (
                "libraries" in setting.name
            )
            if setting.maximum is not None:
                for each in (text, errors[f"bad_{setting.name}"]):
                    assert each.format(**setting.limits) != each
                    assert f"{{{setting.name}_min}} to {{{setting.name}_max}}" in each


@pytest.mark.parametrize(
    ("key", "minimum", "maximum", "default"),
    [
        ("timeout", 1, None, 15.0),
        ("max_retries", 1, 100, 3),
        ("watchlist_page_size", 1, 500, 500),
        ("history_max_pages", 1, 100_000, 1000),
        ("ratings_submit_per_hour", 1, 200, 200),
        ("ratings_update_per_hour", 1, 100, 100),
        ("rate_limit.get_per_sec", 0, 20, 20),
        ("rate_limit.post_per_sec", 0, 3, 3),
        ("watchlist_auto_create", None, None, True),
        ("ratings_label", None, None, "Overall"),
    ],
)
def test_ranges_of_publicmetadb(
    key: str, minimum: float | None, maximum: float | None, default: object
) -> None:
    setting = publicmetadb_setting(key)
    assert (setting.minimum, setting.maximum, setting.default) == (minimum, maximum, default)


# --- the dialog ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1])
async def test_nothing_changed(
    hass: HomeAssistant, accounts: tuple[MockConfigEntry, MockConfigEntry], place: int
) -> None:
    """The form shows the defaults, and saving them stores nothing."""
    entry = accounts[place]
    result = await open_options(hass, entry)
    assert not result["errors"]
    defaults: dict[str, Setting] = {}
    for key in PLEX_KEYS if place == 0 else PUBLICMETADB_KEYS:
        setting = plex_setting(key) if place == 0 else publicmetadb_setting(key)
        defaults[setting.name] = setting.default
    assert {name: value for fields in shown(result).values() for name, value in fields.items()} == defaults
    result = await save(hass, result)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == {}


async def test_everything_of_plex_changed(hass: HomeAssistant, plex_entry: MockConfigEntry) -> None:
    result = await open_options(hass, plex_entry)
    assert choices(result, "history_libraries") == choices(result, "ratings_libraries") == {"1": "Movies"}
    result = await save(
        hass,
        result,
        watchlist_query_limit=50.0,
        watchlist_write_delay_ms=150,
        watchlist_allow_pms_fallback=True,
        history_libraries=["1"],
        history_include_marked_watched=True,
        history_require_external_ids=True,
        history_ignore_local_guid=True,
        history_ignore_guid_prefixes=["local://", "none://"],
        history_workers=1,
        ratings_libraries=["1"],
        rating_workers=64,
        fallback_guid=True,
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    options = {
        "watchlist_query_limit": 50,
        "watchlist_write_delay_ms": 150,
        "watchlist_allow_pms_fallback": True,
        "history.libraries": ["1"],
        "history.include_marked_watched": True,
        "history_require_external_ids": True,
        "history_ignore_local_guid": True,
        "history_ignore_guid_prefixes": ["local://", "none://"],
        "history_workers": 1,
        "ratings.libraries": ["1"],
        "rating_workers": 64,
        "fallback_GUID": True,
    }
    assert dict(plex_entry.options) == options
    settings = PlexSettings.from_options(plex_entry.options)
    plain = PlexSettings()
    assert all(getattr(settings, BY_KEY[key].name) != getattr(plain, BY_KEY[key].name) for key in PLEX_KEYS)
    # it is shown again, and can be emptied
    result = await open_options(hass, plex_entry)
    assert shown(result)["history"]["history_ignore_guid_prefixes"] == ["local://", "none://"]
    empty: dict[str, dict[str, Any]] = {group: {} for group in PLEX_GROUPS}
    await hass.config_entries.options.async_configure(result["flow_id"], empty)
    await hass.async_block_till_done()
    assert dict(plex_entry.options) == {}


async def test_everything_of_publicmetadb_changed(
    hass: HomeAssistant, publicmetadb_entry: MockConfigEntry, services: Services
) -> None:
    family = services.user.add_list("Family")
    result = await open_options(hass, publicmetadb_entry)
    assert choices(result, "watchlist_list_id") == {family.id: "Family"}
    change = {
        "watchlist_name": "  Family ",
        "watchlist_list_id": family.id,
        "watchlist_auto_create": False,
        "watchlist_page_size": 10,
        "history_per_page": 20,
        "history_max_pages": 30,
        "progress_per_page": 40,
        "progress_max_pages": 50,
        "ratings_label": "Story",
        "ratings_submit_per_hour": 60,
        "ratings_update_per_hour": 70,
        "rate_limit_get_per_sec": 2.5,
        "rate_limit_post_per_sec": 0,
        "timeout": 0.5,
        "max_retries": 5,
    }
    result = await save(hass, result, **change)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    stored = {key: change[publicmetadb_setting(key).name] for key in PUBLICMETADB_KEYS}
    assert dict(publicmetadb_entry.options) == {**stored, "watchlist_name": "Family"}
    settings = PublicMetaDBSettings.from_options(publicmetadb_entry.options)
    assert (settings.get_per_sec, settings.post_per_sec, settings.timeout) == (2.5, 0, 0.5)
    result = await open_options(hass, publicmetadb_entry)
    await save(hass, result, watchlist_name="  ", watchlist_list_id="")
    assert not {"watchlist_name", "watchlist_list_id"} & set(publicmetadb_entry.options)


@pytest.mark.parametrize(
    ("place", "group", "field", "bad", "good"),
    [
        (0, "tuning", "history_workers", 0, 1),
        (0, "tuning", "history_workers", 65, 64),
        (0, "tuning", "rating_workers", 3.5, 3),
        (0, "tuning", "watchlist_query_limit", 51, 50),
        (0, "tuning", "watchlist_write_delay_ms", -1, 1),
        (0, "history", "history_ignore_guid_prefixes", ["local://", " "], ["none://"]),
        (1, "pace", "rate_limit_get_per_sec", 20.5, 19.5),
        (1, "pace", "rate_limit_post_per_sec", -0.1, 0.1),
        (1, "pace", "timeout", 0, 1),
        (1, "pace", "max_retries", 1.5, 2),
        (1, "history", "history_per_page", 501, 499),
        (1, "ratings", "ratings_submit_per_hour", 201, 199),
        (1, "ratings", "ratings_update_per_hour", 0, 1),
    ],
)
async def test_bad_value(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    place: int,
    group: str,
    field: str,
    bad: Any,
    good: Any,
) -> None:
    entry = accounts[place]
    result = await save(hass, await open_options(hass, entry), **{field: bad})
    assert (result["type"], result["errors"]) == (FlowResultType.FORM, {group: f"bad_{field}"})
    text = ENGLISH["options"]["error"][f"bad_{field}"]
    assert "{" not in text.format(**(result["description_placeholders"] or {}))
    assert dict(entry.options) == {}
    assert shown(result)[group][field] == bad
    result = await save(hass, result, **{field: good})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert list(entry.options.values()) == [good]


# --- what the service is asked for --------------------------------------------------------------


async def test_libraries_that_are_gone(hass: HomeAssistant, plex_entry: MockConfigEntry) -> None:
    hass.config_entries.async_update_entry(plex_entry, options={"history.libraries": ["1", "9"]})
    result = await open_options(hass, plex_entry)
    assert choices(result, "history_libraries") == {"1": "Movies", "9": "9"}
    assert choices(result, "ratings_libraries") == {"1": "Movies"}
    await save(hass, result, history_libraries=["1"])
    assert dict(plex_entry.options) == {"history.libraries": ["1"]}


async def test_server_is_down(hass: HomeAssistant, plex_entry: MockConfigEntry, services: Services) -> None:
    stored = {"history.libraries": ["1", "2"], "history_workers": 2}
    hass.config_entries.async_update_entry(plex_entry, options=stored)
    await services.pms.stop()
    result = await open_options(hass, plex_entry)
    assert result["errors"] == {"base": "libraries_unknown"}
    assert choices(result, "history_libraries") == {"1": "1", "2": "2"}
    result = await save(hass, result, rating_workers=99)
    assert result["errors"] == {"tuning": "bad_rating_workers"}
    result = await save(hass, result, rating_workers=9)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert dict(plex_entry.options) == {**stored, "rating_workers": 9}


async def test_server_is_slow(hass: HomeAssistant, plex_entry: MockConfigEntry, services: Services) -> None:
    services.pms.inject("/library/sections", delay=0.5)
    with patch("custom_components.crosswatch.flows.choices.PATIENCE", 0.05):
        result = await open_options(hass, plex_entry)
    assert result["errors"] == {"base": "libraries_unknown"}


async def test_publicmetadb_is_down(
    hass: HomeAssistant, publicmetadb_entry: MockConfigEntry, services: Services
) -> None:
    hass.config_entries.async_update_entry(publicmetadb_entry, options={"watchlist_list_id": "L1"})
    services.pmdb.inject("*", times=None, status=500)
    result = await open_options(hass, publicmetadb_entry)
    assert result["errors"] == {"base": "lists_unknown"}
    assert choices(result, "watchlist_list_id") == {"L1": "L1"}
    await save(hass, result)
    assert dict(publicmetadb_entry.options) == {"watchlist_list_id": "L1"}


@pytest.mark.parametrize("server", [True, False])
async def test_marked_watched_is_for_the_owner(
    hass: HomeAssistant, plex_entry: MockConfigEntry, server: bool
) -> None:
    """Whoever can't use it sees it switched off, whatever is stored."""
    account = plex_entry.data["account"]
    account = {**account, "server": {**account["server"], "is_owner": False} if server else None}
    options = {"history.include_marked_watched": True}
    hass.config_entries.async_update_entry(
        plex_entry, data={**plex_entry.data, "account": account}, options=options
    )
    result = await open_options(hass, plex_entry)
    assert not result["errors"]
    assert shown(result)["history"]["history_include_marked_watched"] is False
    assert config_of(result, "history_include_marked_watched") == {"read_only": True}
    await save(hass, result, history_include_marked_watched=True)
    assert dict(plex_entry.options) == {}


# --- in use -------------------------------------------------------------------------------------


async def test_change_reloads_the_account_only(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    """A run that is under way ends cleanly, and the next one goes on with the new options."""
    services.cloud.inject("/discover.provider.plex.tv/*", delay=0.5)
    task = loaded.runtime_data.async_start_run(Trigger.BUTTON)
    for _ in range(1000):
        if services.cloud.faults[0].seen:
            break
        await asyncio.sleep(0.01)
    coordinator, provider = loaded.runtime_data, plex_entry.runtime_data.provider
    result = await open_options(hass, plex_entry)
    await save(hass, result, history_libraries=["1"])
    assert task.cancelled()
    assert plex_entry.state is ConfigEntryState.LOADED
    assert plex_entry.runtime_data.provider is not provider
    assert loaded.runtime_data is coordinator
    services.cloud.heal()
    report = await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    assert report.total("added") == 4


async def test_same_options_reload_nothing(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry
) -> None:
    provider = plex_entry.runtime_data.provider
    await save(hass, await open_options(hass, plex_entry))
    assert plex_entry.runtime_data.provider is provider


async def test_library_that_does_not_exist(
    hass: HomeAssistant, pair_entry: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    """The option reaches the provider: a library that is gone is no empty history."""
    hass.config_entries.async_update_entry(plex_entry, options={"history.libraries": ["9"]})
    assert await hass.config_entries.async_setup(pair_entry.entry_id)
    coordinator = pair_entry.runtime_data
    report = await coordinator.async_wait_for_run(coordinator.async_start_run(Trigger.BUTTON))
    assert report.features["history"].status == "failed"
    assert report.features["watchlist"].status != "failed"
    assert not services.user.watched()


async def test_pace(
    hass: HomeAssistant, loaded: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    """The pace is that of the options, also while a dialog tries a key, and at once after a change."""
    pace = publicmetadb_pacers(hass).of(publicmetadb_settings(publicmetadb_entry.data))
    assert (pace.get.per_second, pace.write.per_second) == (20, 3)
    result = await open_options(hass, publicmetadb_entry)
    assert (pace.get.per_second, pace.write.per_second) == (20, 3)
    await save(hass, result, rate_limit_get_per_sec=4, rate_limit_post_per_sec=1)
    assert (pace.get.per_second, pace.write.per_second) == (4, 1)
    result = await open_options(hass, publicmetadb_entry)
    assert (pace.get.per_second, pace.write.per_second) == (4, 1)
    hass.config_entries.options.async_abort(result["flow_id"])
    result = await publicmetadb_entry.start_reconfigure_flow(hass)
    key = {name: publicmetadb_entry.data[name] for name in ("api_key", "base_url")}
    with patch.object(hass.config_entries, "async_schedule_reload"):
        await hass.config_entries.flow.async_configure(result["flow_id"], key)
    assert (pace.get.per_second, pace.write.per_second) == (4, 1)


@pytest.mark.parametrize(
    ("place", "options"), [(0, {"history_workers": 0}), (1, {"watchlist_pagesize": 7}), (1, {"timeout": "x"})]
)
async def test_options_that_cannot_be_read(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    pair_entry: MockConfigEntry,
    log_may_say: list[str],
    place: int,
    options: dict[str, Any],
) -> None:
    """They are not worked with; the dialog puts them right."""
    log_may_say.append("Error setting up entry ")
    entry = accounts[place]
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(pair_entry.entry_id)
    await hass.async_block_till_done()
    assert state_of(entry) is ConfigEntryState.SETUP_ERROR
    assert "options" in str(entry.reason)
    assert pair_entry.state is ConfigEntryState.LOADED
    # what an account can take part in is known all the same
    dialog = await start(hass, "pair")
    assert dialog["type"] is FlowResultType.FORM
    hass.config_entries.flow.async_abort(dialog["flow_id"])
    result = await open_options(hass, entry)
    empty: dict[str, dict[str, Any]] = {group: {} for group in fields_of(result)}
    await hass.config_entries.options.async_configure(result["flow_id"], empty)
    await hass.async_block_till_done()
    assert state_of(entry) is ConfigEntryState.LOADED


def test_every_service_has_options() -> None:
    assert set(OPTIONS_FLOWS) == set(ProviderName)


async def test_what_accounts_of_plex_share(
    hass: HomeAssistant, plex_entry: MockConfigEntry, tmp_path: Path
) -> None:
    """One limit for each host, however many accounts there are; the documented files in one folder."""
    twin = MockConfigEntry(domain=DOMAIN, unique_id="plex_twin", data=dict(plex_entry.data))
    twin.add_to_hass(hass)
    with patch("custom_components.crosswatch.account.PlexProvider", wraps=PlexProvider) as made:
        PlexService().provider(hass, plex_entry.data, {})
        PlexService().provider(hass, twin.data, {"history_workers": 3})
    first, second = (call.kwargs for call in made.call_args_list)
    assert first["limits"] is second["limits"] is plex_limits(hass)
    assert first["state_dir"] == second["state_dir"] == tmp_path / ".cw_state"
    assert made.call_args_list[1].args[-1] == PlexSettings(history_workers=3)
