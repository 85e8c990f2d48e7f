"""Whether the services can be reached, for Home Assistant's page about its own health."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .account import account_entries, plex_hosts
from .const import DOMAIN
from .providers.publicmetadb import DEFAULT_BASE_URL


@callback
def async_register(_hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Register what is told."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return what is told: nothing of it names a server, an account or an address of the user's own."""
    accounts = account_entries(hass)
    loaded = [entry for entry in accounts if entry.state is ConfigEntryState.LOADED]
    pairs = len(hass.config_entries.async_entries(DOMAIN)) - len(accounts)
    return {
        "accounts": f"{len(loaded)}/{len(accounts)}",
        "pairs": pairs,
        "can_reach_plex": system_health.async_check_can_reach_url(hass, str(plex_hosts().plex_tv)),
        "can_reach_publicmetadb": system_health.async_check_can_reach_url(hass, DEFAULT_BASE_URL),
    }
