"""Whether a pair is in step, in trouble or running, and whether an account answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import AccountConfigEntry
from .coordinator import PairConfigEntry, PairCoordinator
from .entity import AccountEntity, PairEntity

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PairBinarySensorDescription(BinarySensorEntityDescription):
    """A yes or no: how it is read off the coordinator. None is unknown."""

    value_fn: Callable[[PairCoordinator], bool | None]


BINARY_SENSORS: Final = (
    PairBinarySensorDescription(key="in_sync", value_fn=lambda coordinator: coordinator.data.in_sync),
    PairBinarySensorDescription(
        key="problem",
        device_class=BinarySensorDeviceClass.PROBLEM,
        value_fn=lambda coordinator: coordinator.data.problem,
    ),
    PairBinarySensorDescription(
        key="running",
        device_class=BinarySensorDeviceClass.RUNNING,
        value_fn=lambda coordinator: coordinator.running,
    ),
)

CONNECTED: Final = BinarySensorEntityDescription(
    key="connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PairConfigEntry | AccountConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up what a pair or an account has."""
    if isinstance(entry.runtime_data, PairCoordinator):
        async_add_entities(PairBinarySensor(entry.runtime_data, each) for each in BINARY_SENSORS)
    else:
        async_add_entities([ConnectedSensor(entry, CONNECTED)])


class PairBinarySensor(PairEntity, BinarySensorEntity):
    """A yes or no about a pair."""

    entity_description: PairBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        """Return the answer."""
        return self.entity_description.value_fn(self.coordinator)


class ConnectedSensor(AccountEntity, BinarySensorEntity):
    """Whether the account answered when it was last asked: at its set-up, or by a run."""

    account: AccountConfigEntry

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what the runs tell."""
        contact = self.account.runtime_data.contact
        self.async_on_remove(contact.on_change.async_add(self.async_write_ha_state))

    @property
    @override
    def is_on(self) -> bool:
        """Return whether it did."""
        return self.account.runtime_data.contact.ok
