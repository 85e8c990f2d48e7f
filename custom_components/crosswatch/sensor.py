"""What a pair is doing, what its last run did, and what an account may not do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.typing import StateType

from .account import AccountConfigEntry
from .const import STATUS_NEVER_RUN, STATUS_RUNNING
from .coordinator import PairConfigEntry, PairCoordinator
from .entity import AccountEntity, PairEntity
from .models import PairState
from .providers.publicmetadb import Bucket, PublicMetaDBProvider
from .sync.models import Feature
from .sync.report import RunStatus

PARALLEL_UPDATES = 0
SCAN_INTERVAL = timedelta(minutes=1)
"""How often the sensors of accounts look; it costs no request."""


@dataclass(frozen=True, kw_only=True)
class PairSensorDescription(SensorEntityDescription):
    """A sensor: how its value and its attributes are read off the coordinator."""

    value_fn: Callable[[PairCoordinator], StateType | datetime]
    attributes_fn: Callable[[PairCoordinator], Mapping[str, Any]] = lambda _coordinator: {}


def total(counter: str) -> Callable[[PairCoordinator], StateType]:
    """Return how a counter of the last run is read."""
    return lambda coordinator: coordinator.data.total(counter)


def by_feature(counter: str) -> Callable[[PairCoordinator], Mapping[str, Any]]:
    """Return a counter of the last run for each of its features."""

    def attributes(coordinator: PairCoordinator) -> Mapping[str, Any]:
        if (report := coordinator.data.report) is None:
            return {}
        return {str(name): getattr(part, counter) for name, part in report.features.items()}

    return attributes


def step(coordinator: PairCoordinator) -> Mapping[str, Any]:
    """Return what the present run is doing."""
    if (running := coordinator.progress) is None:
        return {}
    return {"phase": str(running.told.phase), "feature": str(running.told.feature)}


def previewed(coordinator: PairCoordinator) -> int | None:
    """Return how many writes the last dry run found; None when a run came after it."""
    if (report := coordinator.preview) is None or report.undo is not None:
        return None
    return report.changes


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
        attributes_fn=lambda coordinator: status_by_feature(coordinator.data),
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
        key="next_run",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda coordinator: coordinator.next_run,
    ),
    PairSensorDescription(
        key="duration",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.SECONDS,
        suggested_display_precision=0,
        value_fn=lambda coordinator: coordinator.data.duration,
    ),
    *(
        PairSensorDescription(
            key=counter,
            state_class=SensorStateClass.MEASUREMENT,
            entity_registry_enabled_default=counter != "skipped",
            value_fn=total(counter),
            attributes_fn=by_feature(counter),
        )
        for counter in ("added", "updated", "removed", "skipped")
    ),
    PairSensorDescription(
        key="unresolved",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: coordinator.data.open_items,
        attributes_fn=lambda coordinator: unresolved_by_feature(coordinator.data),
    ),
    PairSensorDescription(
        key="held",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda coordinator: coordinator.data.held_changes,
        attributes_fn=lambda coordinator: {
            str(plan.feature): len(plan.changes) for plan in coordinator.data.held
        },
    ),
    PairSensorDescription(
        key="preview",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=previewed,
    ),
    PairSensorDescription(
        key="progress",
        native_unit_of_measurement=PERCENTAGE,
        value_fn=lambda coordinator: coordinator.progress.percent if coordinator.progress else 0,
        attributes_fn=step,
    ),
)


LIMITS = SensorEntityDescription(
    key="limits",
    device_class=SensorDeviceClass.ENUM,
    entity_category=EntityCategory.DIAGNOSTIC,
    options=["none", "limited"],
)


PACE = SensorEntityDescription(
    key="pace",
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    suggested_display_precision=0,
)

QUOTAS = tuple(
    SensorEntityDescription(
        key=f"ratings_{bucket}",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
    )
    for bucket in Bucket
)


async def async_setup_entry(
    _hass: HomeAssistant,
    entry: PairConfigEntry | AccountConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of a pair or an account."""
    if isinstance(entry.runtime_data, PairCoordinator):
        async_add_entities(PairSensor(entry.runtime_data, description) for description in SENSORS)
        return
    account: AccountConfigEntry = entry
    entities: list[SensorEntity] = [PaceSensor(account, PACE)]
    if account.runtime_data.limits is not None:
        entities.append(LimitsSensor(account, LIMITS))
    if isinstance(account.runtime_data.provider, PublicMetaDBProvider):
        entities += [QuotaSensor(account, description) for description in QUOTAS]
    async_add_entities(entities)


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
        return self.entity_description.attributes_fn(self.coordinator)


class LimitsSensor(AccountEntity, SensorEntity):
    """What the user of an account may not do. It is found out when the account is set up."""

    def __init__(self, entry: AccountConfigEntry, description: SensorEntityDescription) -> None:
        """Tell what is known for as long as the account is loaded."""
        super().__init__(entry, description)
        limits = entry.runtime_data.limits or ()
        self._attr_native_value = "limited" if limits else "none"
        self._attr_extra_state_attributes = {"limits": list(limits)}


class PaceSensor(AccountEntity, SensorEntity):
    """How many requests a minute the account sends, measured from one look to the next."""

    _attr_should_poll = True
    _before: tuple[float, int] | None = None

    async def async_update(self) -> None:
        """Look how many were sent meanwhile."""
        now = self.hass.loop.time(), self.account.runtime_data.provider.requests
        if self._before is not None and now[0] > self._before[0]:
            self._attr_native_value = round(60 * (now[1] - self._before[1]) / (now[0] - self._before[0]), 1)
        self._before = now


class QuotaSensor(AccountEntity, SensorEntity):
    """How many ratings may still be sent in this hour. Unknown until ratings have been read once."""

    _attr_should_poll = True

    async def async_update(self) -> None:
        """Look how many are left."""
        provider = self.account.runtime_data.provider
        assert isinstance(provider, PublicMetaDBProvider)  # noqa: S101 - for no other account is it made
        bucket = self.entity_description.key.removeprefix("ratings_")
        self._attr_native_value = provider.ratings_left().get(bucket)
