"""What a pair is doing, what its last run did, and what an account may not do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .account import AccountConfigEntry
from .const import DOMAIN, STATUS_NEVER_RUN, STATUS_RUNNING
from .coordinator import PairConfigEntry, PairCoordinator
from .entity import PairEntity
from .models import PairState
from .sync.models import Feature
from .sync.report import RunStatus

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PairSensorDescription(SensorEntityDescription):
    """A sensor: how its value and its attributes are read off the coordinator."""

    value_fn: Callable[[PairCoordinator], StateType | datetime]
    attributes_fn: Callable[[PairState], Mapping[str, Any]] = lambda _state: {}


def total(counter: str) -> Callable[[PairCoordinator], StateType]:
    """Return how a counter of the last run is read."""
    return lambda coordinator: coordinator.data.total(counter)


def by_feature(counter: str) -> Callable[[PairState], Mapping[str, Any]]:
    """Return a counter of the last run for each of its features."""

    def attributes(state: PairState) -> Mapping[str, Any]:
        if state.report is None:
            return {}
        return {str(name): getattr(report, counter) for name, report in state.report.features.items()}

    return attributes


def status_by_feature(state: PairState) -> Mapping[str, Any]:
    """Return how each feature of the last run ended."""
    features = state.report.features if state.report else {}
    return {str(name): str(report.status) for name, report in features.items()}


def unresolved_by_feature(state: PairState) -> Mapping[str, Any]:
    """Open items for each feature, and for each reason."""
    if state.report is None:
        return {}
    reasons: dict[str, int] = {}
    for counts in state.unresolved.values():
        for reason, count in counts.items():
            reasons[reason] = reasons.get(reason, 0) + count
    features = {*state.report.features, *state.unresolved}
    counts = {str(name): sum(state.unresolved.get(name, {}).values()) for name in Feature if name in features}
    return {**counts, "reasons": reasons}


SENSORS: tuple[PairSensorDescription, ...] = (
    PairSensorDescription(
        key="status",
        device_class=SensorDeviceClass.ENUM,
        options=[STATUS_NEVER_RUN, STATUS_RUNNING, *map(str, RunStatus)],
        value_fn=lambda coordinator: coordinator.status,
        attributes_fn=status_by_feature,
    ),
    PairSensorDescription(
        key="last_run",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda coordinator: coordinator.data.last_run,
    ),
    PairSensorDescription(
        key="last_success",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda coordinator: coordinator.data.last_success,
    ),
    PairSensorDescription(
        key="added",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=total("added"),
        attributes_fn=by_feature("added"),
    ),
    PairSensorDescription(
        key="updated",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=total("updated"),
        attributes_fn=by_feature("updated"),
    ),
    PairSensorDescription(
        key="removed",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=total("removed"),
        attributes_fn=by_feature("removed"),
    ),
    PairSensorDescription(
        key="unresolved",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: coordinator.data.open_items,
        attributes_fn=unresolved_by_feature,
    ),
    PairSensorDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        value_fn=lambda coordinator: coordinator.progress,
    ),
)


LIMITS = SensorEntityDescription(
    key="limits",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=["none", "limited"],
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PairConfigEntry | AccountConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a pair or an account."""
    if isinstance(entry.runtime_data, PairCoordinator):
        async_add_entities(PairSensor(entry.runtime_data, description) for description in SENSORS)
    elif entry.runtime_data.limits is not None:
        async_add_entities([LimitsSensor(entry, entry.runtime_data.limits)])


class PairSensor(PairEntity, SensorEntity):
    """A fact about a pair. What the last run did stays true while a service is down."""

    entity_description: PairSensorDescription

    @property
    @override
    def native_value(self) -> StateType | datetime:
        """Return the value."""
        return self.entity_description.value_fn(self.coordinator)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        """Return the details."""
        return self.entity_description.attributes_fn(self.coordinator.data)


class LimitsSensor(SensorEntity):
    """What the user of an account may not do. It is found out when the account is set up."""

    entity_description = LIMITS
    _attr_has_entity_name = True
    _attr_translation_key = LIMITS.key
    _attr_should_poll = False

    def __init__(self, entry: AccountConfigEntry, limits: Sequence[str]) -> None:
        """Belong to the device of the account."""
        self._attr_unique_id = f"{entry.entry_id}_{LIMITS.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry.entry_id)})
        self._attr_native_value = "limited" if limits else "none"
        self._attr_extra_state_attributes = {"limits": list(limits)}
