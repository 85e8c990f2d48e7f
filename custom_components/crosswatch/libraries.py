"""Libraries that are chosen, and whether the server still has them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from .account import AccountConfigEntry, account_entries
from .const import CONF_ACCOUNT, CONF_KIND, CONF_PROVIDER, PAIR_LIBRARIES, EntryKind, ProviderName
from .coordinator import PairConfigEntry
from .flows.choices import async_ask
from .flows.plex_options import LIBRARIES, async_libraries
from .issues import async_report_libraries
from .pairs import pairs_of_account
from .providers.plex.account import PlexAccount

CHECK_EVERY: Final = timedelta(days=1)


@callback
def async_watch_libraries(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Look now and every day for the libraries that the account and its pairs are narrowed to."""
    if account.data[CONF_PROVIDER] != ProviderName.PLEX:
        return

    async def check(_now: datetime | None = None) -> None:
        await async_check_libraries(hass, account)

    account.async_create_background_task(hass, check(), f"libraries of {account.entry_id}")
    account.async_on_unload(async_track_time_interval(hass, check, CHECK_EVERY, cancel_on_shutdown=True))


async def async_check_libraries(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Report what is chosen and gone. A server that does not answer has lost nothing."""
    entries: list[PairConfigEntry | AccountConfigEntry] = [account]
    entries += [pair for pair in pairs_of_account(hass, account.unique_id) if _one_server(hass, pair)]
    if not any(chosen(entry) for entry in entries):
        for entry in entries:
            async_report_libraries(hass, entry, None)
        return
    plex = PlexAccount.from_dict(account.data[CONF_ACCOUNT])
    if plex.server is None or (there := await async_ask(async_libraries(hass, plex))) is None:
        return
    known = {each["value"] for each in there}
    for entry in entries:
        async_report_libraries(hass, entry, [each for each in chosen(entry) if each not in known])


def chosen(entry: ConfigEntry) -> Sequence[str]:
    """Return the libraries that an account or a pair is narrowed to."""
    return [library for key in library_options(entry) for library in entry.options[key]]


def library_options(entry: ConfigEntry) -> Sequence[str]:
    """Return the options of an account or a pair that narrow it to libraries."""
    options: Mapping[str, Any] = entry.options
    keys = PAIR_LIBRARIES if entry.data[CONF_KIND] == EntryKind.PAIR else LIBRARIES
    return [key for key in keys if options.get(key)]


@callback
def plex_account_of(hass: HomeAssistant, entry: ConfigEntry) -> AccountConfigEntry | None:
    """Return the one Plex account that the libraries of an entry are of."""
    if entry.data[CONF_KIND] == EntryKind.ACCOUNT:
        return entry
    found = [
        account
        for account in account_entries(hass)
        if account.data[CONF_PROVIDER] == ProviderName.PLEX
        and account.unique_id in entry.runtime_data.accounts.values()
    ]
    return found[0] if len(found) == 1 else None


@callback
def _one_server(hass: HomeAssistant, pair: PairConfigEntry) -> bool:
    return plex_account_of(hass, pair) is not None
