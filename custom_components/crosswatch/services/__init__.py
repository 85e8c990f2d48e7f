"""Actions of the integration: one schema and one handler each."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
import voluptuous as vol

from ..const import DOMAIN
from . import items, memory, plans, runs


class Action(NamedTuple):
    """An action: what it does, what it takes, and whether it answers."""

    handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    response: SupportsResponse


ACTIONS: Final = {
    "approve_plan": Action(plans.async_approve_plan, plans.DECIDE_SCHEMA, SupportsResponse.NONE),
    "cancel_sync": Action(runs.async_cancel_sync, runs.CANCEL_SCHEMA, SupportsResponse.OPTIONAL),
    "explain_item": Action(items.async_explain_item, items.EXPLAIN_SCHEMA, SupportsResponse.ONLY),
    "export_state": Action(memory.async_export_state, memory.EXPORT_SCHEMA, SupportsResponse.OPTIONAL),
    "get_runs": Action(runs.async_get_runs, runs.GET_RUNS_SCHEMA, SupportsResponse.ONLY),
    "get_unresolved": Action(items.async_get_unresolved, items.GET_SCHEMA, SupportsResponse.ONLY),
    "ignore_item": Action(items.async_ignore_item, items.IGNORE_SCHEMA, SupportsResponse.NONE),
    "map_item": Action(items.async_map_item, items.MAP_SCHEMA, SupportsResponse.NONE),
    "reject_plan": Action(plans.async_reject_plan, plans.DECIDE_SCHEMA, SupportsResponse.NONE),
    "reset_state": Action(memory.async_reset_state, memory.RESET_SCHEMA, SupportsResponse.NONE),
    "retry_unresolved": Action(items.async_retry_unresolved, items.RETRY_SCHEMA, SupportsResponse.OPTIONAL),
    "sync_pair": Action(runs.async_sync_pair, runs.SYNC_SCHEMA, SupportsResponse.OPTIONAL),
    "undo_run": Action(runs.async_undo_run, runs.UNDO_SCHEMA, SupportsResponse.OPTIONAL),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, (handler, schema, response) in ACTIONS.items():
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)
