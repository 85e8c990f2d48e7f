"""How the runs of a pair end, for automations."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PairConfigEntry
from .entity import PairEntity
from .sync.report import COUNTERS, RunReport, RunStatus
from .texts import own_texts

PARALLEL_UPDATES = 0

COMPLETED: Final = "completed"
WITH_UNRESOLVED: Final = "completed_with_unresolved"
HELD: Final = "held"
FAILED: Final = "failed"

EVENT_OF: Final[Mapping[RunStatus, str]] = {
    RunStatus.OK: COMPLETED,
    RunStatus.UNRESOLVED: WITH_UNRESOLVED,
    RunStatus.PARTIAL: WITH_UNRESOLVED,
    RunStatus.HELD: HELD,
}
"""Everything else has failed."""

RUN: Final = EventEntityDescription(key="run", event_types=[COMPLETED, WITH_UNRESOLVED, HELD, FAILED])


async def async_setup_entry(
    _hass: HomeAssistant, entry: PairConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Set up the event entity of a pair."""
    async_add_entities([RunEvent(entry.runtime_data, RUN)])


def attributes(status: RunStatus, report: RunReport | None) -> dict[str, Any]:
    """Return what is told of a run: counts, and nothing that names an item."""
    if report is None:
        return {"status": str(status)}
    return {
        "status": str(status),
        "run_id": report.run_id,
        "trigger": report.trigger,
        "duration": report.duration_s,
        **{counter: report.total(counter) for counter in COUNTERS},
        "features": {str(name): str(part.status) for name, part in report.features.items()},
    }


class RunEvent(PairEntity, EventEntity):
    """Fires when a run is over. Previews and runs that were stopped are not told."""

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the runs."""
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.on_run.async_add(self._async_run_over))

    @callback
    def _async_run_over(self, status: RunStatus, report: RunReport | None) -> None:
        told = attributes(status, report)
        if status is RunStatus.HELD:
            texts, accounts = own_texts(self.hass), self.coordinator.account_titles
            told["plans"] = [
                {
                    "feature": str(plan.feature),
                    "feature_text": texts.feature(plan.feature),
                    "plan_hash": plan.plan_hash,
                    "changes": len(plan.changes),
                    "reason": texts.held(plan.reason, accounts),
                }
                for plan in self.coordinator.data.held
            ]
        self._trigger_event(EVENT_OF.get(status, FAILED), told)
        self.async_write_ha_state()
