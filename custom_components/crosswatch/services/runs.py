"""Actions about runs: start, stop, and tell of past ones."""

import asyncio
from typing import Any, Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from ..const import DOMAIN, Trigger
from ..coordinator import PairCoordinator
from ..message import trouble
from ..sync.models import Feature
from ..sync.report import COUNTERS, RunReport, RunStatus
from ..texts import own_texts
from .targets import FEATURES, PAIR, PAIRS, async_check_features, async_pair, async_pair_of, features_of

ATTR_DRY_RUN: Final = "dry_run"
ATTR_LIMIT: Final = "limit"
ATTR_RUN_ID: Final = "run_id"
ATTR_WAIT: Final = "wait"

SYNC_SCHEMA: Final = vol.Schema(
    {
        **PAIRS,
        **FEATURES,
        vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
        vol.Optional(ATTR_WAIT, default=True): cv.boolean,
    }
)
UNDO_SCHEMA: Final = vol.Schema(
    {
        **PAIR,
        vol.Required(ATTR_RUN_ID): cv.string,
        vol.Optional(ATTR_DRY_RUN, default=False): cv.boolean,
    }
)
CANCEL_SCHEMA: Final = vol.Schema(PAIRS)
GET_RUNS_SCHEMA: Final = vol.Schema(
    {**PAIR, vol.Optional(ATTR_LIMIT, default=10): vol.All(vol.Coerce(int), vol.Range(min=1, max=500))}
)

FAILURES: Final = (RunStatus.INCOMPLETE, RunStatus.UNREACHABLE, RunStatus.AUTH_FAILED, RunStatus.FAILED)
"""Outcomes that make the action fail, unless its response is asked for and tells them."""


async def async_sync_pair(call: ServiceCall) -> ServiceResponse:
    """Run pairs, and unless told otherwise wait until all are done. Nothing runs when one of them can't."""
    features = features_of(call)
    pairs: dict[str, PairCoordinator] = {}
    for device_id in call.data[ATTR_DEVICE_ID]:
        pairs[device_id] = async_pair(call.hass, device_id)
        async_check_features(pairs[device_id], features)
    for pair in pairs.values():
        pair.async_ensure_can_run()

    dry_run: bool = call.data[ATTR_DRY_RUN]
    tasks = [
        pair.async_start_run(Trigger.ACTION, features=features, dry_run=dry_run) for pair in pairs.values()
    ]
    if not call.data[ATTR_WAIT]:
        return {"runs": [_started(*one) for one in pairs.items()]} if call.return_response else None
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
            "runs": [
                {
                    "device_id": device_id,
                    "pair": pairs[device_id].config_entry.title,
                    **run_response(pairs[device_id], report),
                }
                for device_id, report in reports.items()
            ]
        }
    for device_id, report in reports.items():
        _raise_if_failed(pairs[device_id], report)
    return None


def _started(device_id: str, pair: PairCoordinator) -> JsonObjectType:
    return {"device_id": device_id, "pair": pair.config_entry.title, "status": pair.status}


async def async_undo_run(call: ServiceCall) -> ServiceResponse:
    """Take a run back, as far as that is possible, and tell how it went."""
    pair = async_pair_of(call)
    task = pair.async_start_run(
        Trigger.ACTION,
        features=tuple(Feature),
        dry_run=call.data[ATTR_DRY_RUN],
        undo=call.data[ATTR_RUN_ID],
    )
    report = await pair.async_wait_for_run(task)
    if not call.return_response:
        _raise_if_failed(pair, report)
        return None
    return run_response(pair, report)


async def async_cancel_sync(call: ServiceCall) -> ServiceResponse:
    """Stop runs. What is not running is stopped already."""
    pairs = {device_id: async_pair(call.hass, device_id) for device_id in call.data[ATTR_DEVICE_ID]}
    stopped: list[str] = []
    for device_id, pair in pairs.items():
        if pair.running:
            stopped.append(device_id)
            await pair.async_cancel_run()
    return {"stopped": list(stopped)} if call.return_response else None


async def async_get_runs(call: ServiceCall) -> ServiceResponse:
    """Return the last runs of a pair, newest first."""
    pair = async_pair_of(call)
    runs = await pair.memory.async_runs(call.data[ATTR_LIMIT])
    can_undo = await pair.memory.async_undoable(runs)
    return {
        "runs": [{**run_response(pair, report), "can_undo": report.run_id in can_undo} for report in runs]
    }


def run_response(pair: PairCoordinator, report: RunReport) -> JsonObjectType:
    """Return a run as JSON: its outcome and counts, and in a dry run what it would do."""
    texts, accounts = own_texts(pair.hass), pair.account_titles
    response: dict[str, Any] = {
        "run_id": report.run_id,
        "trigger": report.trigger,
        "dry_run": report.dry_run,
        "status": str(report.status),
        "started_at": dt_util.utc_from_timestamp(report.started_at).isoformat(),
        "duration": report.duration_s,
        **{counter: report.total(counter) for counter in COUNTERS},
        "requests": dict(report.requests),
        "features": {
            str(feature): {**part.as_dict(), "error_text": trouble(pair, part, texts)}
            for feature, part in report.features.items()
        },
    }
    if report.dry_run:
        response["plan"] = [
            {
                "action": str(change.action),
                "side": str(change.side),
                "account": accounts[change.side],
                "feature": str(change.feature),
                "title": change.entry.item.name,
                "key": change.key,
                "rule": change.rule,
                "why": texts.rule(change.rule, accounts),
            }
            for plan in report.plans
            for change in plan.changes
        ]
        response["unresolved_items"] = [
            {
                "side": str(row.side),
                "account": accounts[row.side],
                "feature": str(row.feature),
                "title": row.entry.item.name,
                "key": row.key,
                "reason": row.reason,
                "why": texts.reason(row.reason),
            }
            for plan in report.plans
            for row in plan.unresolved
        ]
    return response


def _raise_if_failed(pair: PairCoordinator, report: RunReport) -> None:
    """Raise for a run that has failed, when nobody asks for the response that tells it."""
    if report.status in FAILURES:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=f"run_{report.status}",
            translation_placeholders={"pair": pair.config_entry.title},
        )
