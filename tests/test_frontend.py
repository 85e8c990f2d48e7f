"""The dashboard card is served, and the dashboards know it."""

from http import HTTPStatus
import json
from typing import Any

from homeassistant.components.frontend import DATA_EXTRA_MODULE_URL
from homeassistant.components.lovelace.const import LOVELACE_DATA
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.crosswatch.const import DOMAIN
from tests.common import INTEGRATION

VERSION = json.loads((INTEGRATION / "manifest.json").read_text("utf-8"))["version"]
URL = f"/crosswatch_frontend/{VERSION}/crosswatch-card.js"
ELSEWHERE = {"res_type": "module", "url": "/local/another-card.js"}

pytestmark = pytest.mark.usefixtures("accounts")


async def stored(hass: HomeAssistant) -> list[str]:
    """What the dashboards load, in the order in which it was added."""
    await hass.data[LOVELACE_DATA].resources.async_get_info()
    return [item["url"] for item in hass.data[LOVELACE_DATA].resources.async_items()]


async def set_up(hass: HomeAssistant) -> None:
    """Start the integration with both accounts."""
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()


@pytest.fixture
async def resources(hass: HomeAssistant) -> Any:
    """The list of a Home Assistant whose dashboards are edited in the browser."""
    assert await async_setup_component(hass, "lovelace", {})
    return hass.data[LOVELACE_DATA].resources


async def test_files_are_served(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, resources: Any
) -> None:
    """All of them, for long, under the version."""
    await set_up(hass)
    client = await hass_client()
    for path in (INTEGRATION / "frontend").rglob("*.js*"):
        name = path.relative_to(INTEGRATION / "frontend").as_posix()
        answer = await client.get(f"/crosswatch_frontend/{VERSION}/{name}")
        assert answer.status == HTTPStatus.OK
        assert "max-age" in answer.headers["Cache-Control"]
        assert await answer.text() == path.read_text("utf-8")


async def test_known_once(hass: HomeAssistant, resources: Any, plex_entry: MockConfigEntry) -> None:
    """However many entries there are; what others have put there stays."""
    await resources.async_create_item(ELSEWHERE)
    await set_up(hass)
    assert await stored(hass) == [ELSEWHERE["url"], URL]
    await hass.config_entries.async_reload(plex_entry.entry_id)
    assert await stored(hass) == [ELSEWHERE["url"], URL]


async def test_another_version(hass: HomeAssistant, resources: Any) -> None:
    """After an update the dashboards load the new card, and the old one no longer."""
    for old in ("0.0.1", "0.0.2"):
        url = f"/crosswatch_frontend/{old}/crosswatch-card.js"
        await resources.async_create_item({"res_type": "module", "url": url})
    await set_up(hass)
    assert await stored(hass) == [URL]


async def test_nothing_is_left(
    hass: HomeAssistant,
    resources: Any,
    plex_entry: MockConfigEntry,
    publicmetadb_entry: MockConfigEntry,
) -> None:
    """The last entry takes the card along; a new one brings it back."""
    await resources.async_create_item(ELSEWHERE)
    await set_up(hass)
    await hass.config_entries.async_remove(plex_entry.entry_id)
    assert await stored(hass) == [ELSEWHERE["url"], URL]
    await hass.config_entries.async_remove(publicmetadb_entry.entry_id)
    assert await stored(hass) == [ELSEWHERE["url"]]
    publicmetadb_entry.add_to_hass(hass)
    await hass.config_entries.async_setup(publicmetadb_entry.entry_id)
    assert await stored(hass) == [ELSEWHERE["url"], URL]


async def test_dashboards_in_yaml(
    hass: HomeAssistant, plex_entry: MockConfigEntry, publicmetadb_entry: MockConfigEntry
) -> None:
    """The page loads the card: the list is the user's own file."""
    assert await async_setup_component(hass, "frontend", {"lovelace": {"mode": "yaml"}})
    await set_up(hass)
    assert URL in hass.data[DATA_EXTRA_MODULE_URL].urls
    assert await stored(hass) == []
    await hass.config_entries.async_remove(plex_entry.entry_id)
    await hass.config_entries.async_remove(publicmetadb_entry.entry_id)
    assert await stored(hass) == []


async def test_without_dashboards(hass: HomeAssistant, plex_entry: MockConfigEntry) -> None:
    """A Home Assistant without them has no use for the card."""
    await set_up(hass)
    assert plex_entry.state is ConfigEntryState.LOADED
    assert LOVELACE_DATA not in hass.data
