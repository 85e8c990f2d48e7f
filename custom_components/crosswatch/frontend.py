"""The dashboard card: Home Assistant serves its files and tells the dashboards of it."""

import asyncio
from pathlib import Path
from typing import Final

from homeassistant.components.frontend import add_extra_js_url
from homeassistant.components.http import StaticPathConfig
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.components.lovelace.resources import ResourceStorageCollection
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
BASE: Final = f"/{DOMAIN}_frontend"
ENTRY: Final = "crosswatch-card.js"


class Card:
    """Where the card is, and whether the dashboards know it."""

    def __init__(self, url: str) -> None:
        """`url` is the module that the dashboards load."""
        self._url = url
        self._lock = asyncio.Lock()
        self._extra = False

    async def async_announce(self, hass: HomeAssistant) -> None:
        """Make sure that the dashboards load the card, in this version and once."""
        async with self._lock:
            if not isinstance(resources := hass.data[LOVELACE_DATA].resources, ResourceStorageCollection):
                # resources in YAML are the user's own: the page loads the card instead
                if not self._extra:
                    add_extra_js_url(hass, self._url)
                    self._extra = True
                return
            known = await _async_ours(resources)
            for number, (item_id, url) in enumerate(known.items()):
                if number:
                    await resources.async_delete_item(item_id)
                elif url != self._url:
                    await resources.async_update_item(item_id, {"url": self._url})
            if not known:
                await resources.async_create_item({"res_type": "module", "url": self._url})

    async def async_withdraw(self, hass: HomeAssistant) -> None:
        """Leave nothing behind in the list of resources."""
        async with self._lock:
            if isinstance(resources := hass.data[LOVELACE_DATA].resources, ResourceStorageCollection):
                for item_id in await _async_ours(resources):
                    await resources.async_delete_item(item_id)


CARD: HassKey[Card] = HassKey(f"{DOMAIN}_card")


async def async_setup_frontend(hass: HomeAssistant) -> None:
    """Serve the files of the card, where there are dashboards.

    Browsers keep them for a month, so the version is part of their path: of all of them, not of the
    first one only.
    """
    if LOVELACE_DATA not in hass.data:
        return
    version = (await async_get_integration(hass, DOMAIN)).version
    path = f"{BASE}/{version}"
    await hass.http.async_register_static_paths([StaticPathConfig(path, str(FOLDER), cache_headers=True)])
    hass.data[CARD] = Card(f"{path}/{ENTRY}")


async def async_announce_card(hass: HomeAssistant) -> None:
    """Tell the dashboards of the card."""
    if (card := hass.data.get(CARD)) is not None:
        await card.async_announce(hass)


async def async_withdraw_card(hass: HomeAssistant) -> None:
    """Tell the dashboards that the card is gone with the last account or pair."""
    if (card := hass.data.get(CARD)) is not None and not hass.config_entries.async_entries(DOMAIN):
        await card.async_withdraw(hass)


async def _async_ours(resources: ResourceStorageCollection) -> dict[str, str]:
    """Return the URLs of our resources by their ids."""
    await resources.async_get_info()  # loads them, where nothing has yet
    return {item["id"]: item["url"] for item in resources.async_items() if item["url"].startswith(f"{BASE}/")}
