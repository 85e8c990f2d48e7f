"""Switches the automatic runs of a pair on and off."""

from typing import Any, Final, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PairConfigEntry
from .entity import PairEntity

PARALLEL_UPDATES = 1

AUTOMATIC: Final = SwitchEntityDescription(key="automatic", entity_category=EntityCategory.CONFIG)


async def async_setup_entry(
    _hass: HomeAssistant, entry: PairConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the switch of a pair."""
    async_add_entities([AutomaticSwitch(entry.runtime_data, AUTOMATIC)])


class AutomaticSwitch(PairEntity, SwitchEntity):
    """Whether the pair runs by itself. It keeps its position when the interval is set to none."""

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it does."""
        return self.coordinator.automatic

    @override
    async def async_turn_on(self, **_kwargs: Any) -> None:
        """Let it run by itself."""
        self.coordinator.async_set_automatic(on=True)

    @override
    async def async_turn_off(self, **_kwargs: Any) -> None:
        """Let it run on demand only."""
        self.coordinator.async_set_automatic(on=False)
