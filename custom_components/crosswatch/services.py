"""Actions of the integration."""

import asyncio
from typing import Any

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .const import CONF_FEATURES, CONF_KIND, DOMAIN, EntryKind, Trigger
from .coordinator import PairCoordinator
from .sync.models import Feature
from .sync.report import COUNTERS, RunReport, RunStatus

SERVICE_SYNC_PAIR = "sync_pair"
ATTR_DRY_RUN = "dry_run"

SYNC_PAIR_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): vol.All(cv.ensure_list, vol.Length(min=1), [cv.string]),
        vol.Optional(CONF_FEATURES): vol.All(cv.ensure_list, vol.Length(min=1), [vol.Coerce(Feature)]),
        vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
    }
)

FAILURES = (RunStatus.INCOMPLETE, RunStatus.UNREACHABLE, RunStatus.AUTH_FAILED, RunStatus.FAILED)
"""Outcomes that make the action fail, unless its response is asked for and tells them."""


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    hass.services.async_register(
        DOMAIN,
        SERVICE_SYNC_PAIR,
        _async_sync_pair,
        schema=SYNC_PAIR_SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_sync_pair(call: ServiceCall) -> ServiceResponse:
    """Run pairs and wait until all of them are done. Nothing runs when one of them can't."""
    chosen: list[Feature] | None = call.data.get(CONF_FEATURES)
    pairs: dict[str, PairCoordinator] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        pairs[device_id] = _async_pair(call.hass, device_id)
        _async_check_features(pairs[device_id], chosen)
    for pair in pairs.values():
        pair.async_ensure_can_run()

    features = None if chosen is None else tuple(feature for feature in Feature if feature in chosen)
    dry_run: bool = call.data[ATTR_DRY_RUN]
    tasks = [
        pair.async_start_run(Trigger.ACTION, features=features, dry_run=dry_run) for pair in pairs.values()
    ]
    results = await asyncio.gather(
        *(pair.async_wait_for_run(task) for pair, task in zip(pairs.values(), tasks, strict=True)),
        return_exceptions=True,
    )
    reports: dict[str, RunReport] = {}
    for device_id, result in zip(pairs, results, strict=True):
        if isinstance(result, BaseException):
            raise result
        reports[device_id] = result
    if call.return_response:
        return {
            "runs": [_response(device_id, pairs[device_id], report) for device_id, report in reports.items()]
        }
    for device_id, report in reports.items():
        if report.status in FAILURES:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key=f"run_{report.status}",
                translation_placeholders={"pair": pairs[device_id].config_entry.title},
            )
    return None


@callback
def _async_pair(hass: HomeAssistant, device_id: str) -> PairCoordinator:
    """Return the pair of a device, or raise when the device is something else."""
    device, entry = service.async_get_device_and_config_entry(hass, DOMAIN, device_id)
    if entry.data[CONF_KIND] != EntryKind.PAIR:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="not_a_pair",
            translation_placeholders={"device": device.name_by_user or device.name or device_id},
        )
    coordinator: PairCoordinator = entry.runtime_data
    return coordinator


@callback
def _async_check_features(pair: PairCoordinator, chosen: list[Feature] | None) -> None:
    """Raise when a feature is asked for that is switched off."""
    if off := [feature for feature in chosen or () if feature not in pair.features]:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="feature_off",
            translation_placeholders={"pair": pair.config_entry.title, "features": ", ".join(off)},
        )


def _response(device_id: str, pair: PairCoordinator, report: RunReport) -> JsonObjectType:
    """Return a run as JSON: its outcome and counts, and in a dry run what it would do."""
    response: dict[str, Any] = {
        "device_id": device_id,
        "pair": pair.config_entry.title,
        "dry_run": report.dry_run,
        "status": str(report.status),
        "started_at": dt_util.utc_from_timestamp(report.started_at).isoformat(),
        "duration": report.duration_s,
        **{counter: report.total(counter) for counter in COUNTERS},
        "requests": dict(report.requests),
        "features": {str(feature): part.as_dict() for feature, part in report.features.items()},
    }
    if report.dry_run:
        response["plan"] = [
            {
                "action": str(change.action),
                "side": str(change.side),
                "feature": str(change.feature),
                "title": change.entry.item.name,
                "key": change.key,
                "why": change.rule,
            }
            for plan in report.plans
            for change in plan.changes
        ]
        response["unresolved_items"] = [
            {
                "side": str(row.side),
                "feature": str(row.feature),
                "title": row.entry.item.name,
                "key": row.key,
                "why": row.reason,
            }
            for plan in report.plans
            for row in plan.unresolved
        ]
    return response
