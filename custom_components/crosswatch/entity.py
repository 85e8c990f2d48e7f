"""Bases of the entities of pairs and accounts."""

from homeassistant.helpers.device_registry import DeviceEntryType, DeviceInfo
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .account import AccountConfigEntry
from .const import DOMAIN, MODEL_PAIR
from .coordinator import PairCoordinator


class PairEntity(CoordinatorEntity[PairCoordinator]):
    """An entity of a pair's device."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: PairCoordinator, description: EntityDescription) -> None:
        """Name the entity after its description."""
        super().__init__(coordinator)
        entry = coordinator.config_entry
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, entry.entry_id)},
            entry_type=DeviceEntryType.SERVICE,
            manufacturer="CrossWatch",
            model=MODEL_PAIR,
            model_id=None,
            name=entry.title,
        )


class AccountEntity(Entity):
    """An entity of an account's device, which the account itself makes when it is set up."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, entry: AccountConfigEntry, description: EntityDescription) -> None:
        """Name the entity after its description."""
        self.entity_description = description
        self.account: AccountConfigEntry = entry
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry.entry_id}_{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})
