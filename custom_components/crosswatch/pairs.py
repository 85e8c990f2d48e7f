"""The pairs that are loaded."""

from homeassistant.core import HomeAssistant, callback

from .const import CONF_KIND, DOMAIN, EntryKind
from .coordinator import PairConfigEntry


@callback
def loaded_pairs(hass: HomeAssistant) -> list[PairConfigEntry]:
    """Return the loaded pair entries."""
    entries = hass.config_entries.async_loaded_entries(DOMAIN)
    return [entry for entry in entries if entry.data.get(CONF_KIND) == EntryKind.PAIR]


@callback
def pairs_of_account(hass: HomeAssistant, account: str | None) -> list[PairConfigEntry]:
    """Return the loaded pair entries that use an account."""
    return [entry for entry in loaded_pairs(hass) if account in entry.runtime_data.accounts.values()]
