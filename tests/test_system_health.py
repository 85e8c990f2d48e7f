"""The page about Home Assistant's own health."""

from homeassistant.components.system_health import DOMAIN as SYSTEM_HEALTH
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from pytest_homeassistant_custom_component.common import MockConfigEntry, get_system_health_info

from custom_components.crosswatch.const import DOMAIN
from tests.common import ENGLISH, Services


async def test_system_health(
    hass: HomeAssistant, loaded: MockConfigEntry, plex_entry: MockConfigEntry, services: Services
) -> None:
    """Plex is simulated, and there is no way to publicmetadb.com from here."""
    assert await hass.config_entries.async_unload(plex_entry.entry_id)
    assert await async_setup_component(hass, SYSTEM_HEALTH, {})
    await hass.async_block_till_done()
    info = await get_system_health_info(hass, DOMAIN)
    assert set(info) == set(ENGLISH["system_health"]["info"])
    assert (info["accounts"], info["pairs"]) == ("1/2", 1)
    asked = services.requests
    assert await info["can_reach_plex"] == "ok"
    assert await info["can_reach_publicmetadb"] == {"type": "failed", "error": "unreachable"}
    # nobody's own server is asked
    assert services.requests == asked + 1
