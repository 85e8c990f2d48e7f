"""Actions of the integration: one schema and one handler each."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse, SupportsResponse, callback
import voluptuous as vol

from ..const import DOMAIN
from . import items, memory, runs


class Action(NamedTuple):
    """An action: what it does, what it takes, and whether it answers."""

    handler: Callable[[ServiceCall], Coroutine[Any, Any, ServiceResponse]]
    schema: vol.Schema
    response: SupportsResponse


ACTIONS: Final = {
    "cancel_sync": Action(runs.async_cancel_sync, runs.CANCEL_SCHEMA, SupportsResponse.OPTIONAL),
    "export_state": Action(memory.async_export_state, memory.EXPORT_SCHEMA, SupportsResponse.OPTIONAL),
    "get_runs": Action(runs.async_get_runs, runs.GET_RUNS_SCHEMA, SupportsResponse.ONLY),
    "get_unresolved": Action(items.async_get_unresolved, items.GET_SCHEMA, SupportsResponse.ONLY),
    "reset_state": Action(memory.async_reset_state, memory.RESET_SCHEMA, SupportsResponse.NONE),
    "sync_pair": Action(runs.async_sync_pair, runs.SYNC_SCHEMA, SupportsResponse.OPTIONAL),
}


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, (handler, schema, response) in ACTIONS.items():
        hass.services.async_register(DOMAIN, name, handler, schema=schema, supports_response=response)
