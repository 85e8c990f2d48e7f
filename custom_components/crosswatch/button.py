"""Buttons of a pair."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import Trigger
from .coordinator import PairConfigEntry, PairCoordinator
from .entity import PairEntity

PARALLEL_UPDATES = 1


@dataclass(frozen=True, kw_only=True)
class PairButtonDescription(ButtonEntityDescription):
    """A button: what pressing it does, and when it can be pressed."""

    press_fn: Callable[[PairCoordinator], Coroutine[Any, Any, None]]
    available_fn: Callable[[PairCoordinator], bool] = lambda _coordinator: True


async def _async_sync(coordinator: PairCoordinator) -> None:
    """Start a run and don't wait for its end."""
    coordinator.async_start_run(Trigger.BUTTON)


async def _async_preview(coordinator: PairCoordinator) -> None:
    """Start a dry run and don't wait for its end; the preview sensor shows what it found."""
    coordinator.async_start_run(Trigger.BUTTON, dry_run=True)


def _waits(coordinator: PairCoordinator) -> bool:
    """Whether a plan waits for a person."""
    return bool(coordinator.data.held) and not coordinator.running


BUTTONS: Final = (
    PairButtonDescription(key="sync_now", press_fn=_async_sync),
    PairButtonDescription(key="preview", press_fn=_async_preview),
    PairButtonDescription(
        key="approve",
        press_fn=lambda coordinator: coordinator.memory.async_approve(coordinator.data.plans),
        available_fn=_waits,
    ),
    PairButtonDescription(
        key="reject",
        press_fn=lambda coordinator: coordinator.memory.async_reject(coordinator.data.plans),
        available_fn=_waits,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: PairConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the buttons of a pair."""
    async_add_entities(PairButton(entry.runtime_data, description) for description in BUTTONS)


class PairButton(PairEntity, ButtonEntity):
    """Does something with a pair."""

    entity_description: PairButtonDescription

    @property
    @override
    def available(self) -> bool:
        """Return whether it can be pressed."""
        return super().available and self.entity_description.available_fn(self.coordinator)

    @override
    async def async_press(self) -> None:
        """Do it."""
        await self.entity_description.press_fn(self.coordinator)
