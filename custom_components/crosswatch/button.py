"""Button that starts a run."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import Trigger
from .coordinator import PairConfigEntry
from .entity import PairEntity

PARALLEL_UPDATES = 1

SYNC_NOW = ButtonEntityDescription(key="sync_now")


async def async_setup_entry(
    _hass: HomeAssistant, entry: PairConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the button of a pair."""
    async_add_entities([SyncNowButton(entry.runtime_data, SYNC_NOW)])


class SyncNowButton(PairEntity, ButtonEntity):
    """Starts a run and does not wait for its end."""

    @override
    async def async_press(self) -> None:
        """Start a run."""
        self.coordinator.async_start_run(Trigger.BUTTON)
