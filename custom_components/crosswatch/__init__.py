"""CrossWatch: keeps watchlist, history, ratings and resume progress in step between services."""

from pathlib import Path
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryNotReady
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.typing import ConfigType

from .account import AccountConfigEntry, account_entry, async_setup_account
from .const import CONF_KIND, CONF_SOURCE, CONF_TARGET, DOMAIN, LOGGER, EntryKind
from .coordinator import PairConfigEntry, PairCoordinator
from .errors import state_words
from .frontend import async_announce_card, async_setup_frontend, async_withdraw_card
from .issues import (
    async_check_pair_issue,
    async_delete_account_issue,
    async_delete_pair_issues,
    async_report_disk,
    async_watch_fallback,
    async_watch_pair,
)
from .libraries import async_watch_libraries
from .models import DiskTrouble
from .pairs import pairs_of_account
from .providers.plex.frozen import forget_pair
from .services import async_setup_services
from .shared import shared_state
from .sync.database import StateError
from .sync.provider import StateFileError
from .websocket_api import async_setup_websocket

ACCOUNT_PLATFORMS: Final = [Platform.BINARY_SENSOR, Platform.SENSOR]
PAIR_PLATFORMS: Final = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TODO,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the actions and the websocket commands, and serve the dashboard card."""
    async_setup_services(hass)
    async_setup_websocket(hass)
    await async_setup_frontend(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Set up an account or a pair."""
    await async_announce_card(hass)
    if is_pair(entry):
        await _async_setup_pair(hass, entry)
        return True
    await async_setup_account(hass, entry)
    async_watch_fallback(hass, entry)
    async_watch_libraries(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, ACCOUNT_PLATFORMS)
    for pair in pairs_of_account(hass, entry.unique_id):
        pair.runtime_data.async_account_ready()
        async_check_pair_issue(hass, pair)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: ConfigEntry) -> bool:
    """Unload an account or a pair. What runs is stopped first, and goes on in the next run."""
    if is_pair(entry):
        await entry.runtime_data.async_close()
        return await hass.config_entries.async_unload_platforms(entry, PAIR_PLATFORMS)
    for pair in pairs_of_account(hass, entry.unique_id):
        await pair.runtime_data.async_cancel_run()
    _report_gone(hass, entry)
    return await hass.config_entries.async_unload_platforms(entry, ACCOUNT_PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Clean up after a removed pair; tell the pairs of a removed account."""
    if is_pair(entry):
        async_delete_pair_issues(hass, entry)
    else:
        _report_gone(hass, entry)
    await _async_forget(hass, entry)
    await async_withdraw_card(hass)


def is_pair(entry: ConfigEntry) -> bool:
    """Whether an entry is a pair and not an account."""
    return bool(entry.data[CONF_KIND] == EntryKind.PAIR)


def _report_gone(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Let the pairs of an account say that it was removed or disabled, if it was."""
    if account.disabled_by or hass.config_entries.async_get_entry(account.entry_id) is None:
        async_delete_account_issue(hass, account)
    for pair in pairs_of_account(hass, account.unique_id):
        pair.runtime_data.async_account_gone()
        async_check_pair_issue(hass, pair)


async def _async_setup_pair(hass: HomeAssistant, entry: PairConfigEntry) -> None:
    shared = shared_state(hass)
    try:
        opened = await shared.acquire()
    except StateError as err:
        async_report_disk(hass, entry, DiskTrouble(err.fault, err.file))
        raise ConfigEntryNotReady(translation_domain=DOMAIN, **state_words(err)) from err
    entry.async_on_unload(shared.release)
    coordinator = PairCoordinator(hass, entry, opened)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    async_check_pair_issue(hass, entry)
    async_watch_pair(hass, entry)
    await hass.config_entries.async_forward_entry_setups(entry, PAIR_PLATFORMS)
    coordinator.async_arm()


async def _async_forget(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete what is kept about a removed pair, and about accounts that are gone and in no pair."""
    pair = entry.entry_id if is_pair(entry) else None
    accounts = [entry.unique_id] if pair is None else [entry.data[CONF_SOURCE], entry.data[CONF_TARGET]]
    shared = shared_state(hass)
    try:
        opened = await shared.acquire()
        try:
            for account in accounts:
                if account is not None and not _is_known(hass, account):
                    await opened.state.forget_account(account)
            if pair is not None:
                await opened.state.forget_pair(pair)
        finally:
            await shared.release()
        if pair is not None:
            await hass.async_add_executor_job(_delete_files, shared.directory, pair)
    except (StateError, StateFileError, OSError) as err:
        LOGGER.warning(
            "What is stored about the removed entry %s could not be deleted: %s", entry.entry_id, err
        )


def _is_known(hass: HomeAssistant, account: str) -> bool:
    """Whether an account is there, or a pair waits until it is again."""
    return account_entry(hass, account) is not None or any(
        account in (entry.data.get(CONF_SOURCE), entry.data.get(CONF_TARGET))
        for entry in hass.config_entries.async_entries(DOMAIN)
    )


def _delete_files(directory: Path, pair: str) -> None:
    for path in directory.glob(f"*.{pair}.*"):
        path.unlink(missing_ok=True)
    # files that all pairs share
    forget_pair(directory, pair)
