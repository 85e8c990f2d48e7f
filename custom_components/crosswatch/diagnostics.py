"""Diagnostics to attach to a bug report: nothing in them tells who, where or what is watched."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_API_KEY, CONF_TOKEN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry

from .account import AccountConfigEntry, loaded_account
from .const import (
    CONF_BASE_URL,
    CONF_KIND,
    CONF_LISTS,
    CONF_PROVIDER,
    CONF_SOURCE,
    CONF_TARGET,
    CONF_WATCHLIST_NAME,
    EntryKind,
)
from .coordinator import PairConfigEntry
from .sync.held import HeldPlan
from .sync.report import COUNTERS, RunReport

TO_REDACT: Final = {
    CONF_API_KEY,
    CONF_BASE_URL,
    CONF_LISTS,
    CONF_SOURCE,
    CONF_TARGET,
    CONF_TOKEN,
    CONF_WATCHLIST_NAME,
    # options of an account
    "ratings_label",
    "watchlist_list_id",
    # of a Plex account
    "client_id",
    "machine_id",
    "name",
    "uri",
    "user_id",
    "user_name",
}


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: ConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of an account or a pair."""
    details = _pair(hass, entry) if entry.data[CONF_KIND] == EntryKind.PAIR else _account(entry)
    return {
        "data": async_redact_data(entry.data, TO_REDACT),
        "options": async_redact_data(entry.options, TO_REDACT),
        **details,
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: ConfigEntry, _device: DeviceEntry
) -> dict[str, Any]:
    """Return the diagnostics of the one device of an entry."""
    return await async_get_config_entry_diagnostics(hass, entry)


def _account(entry: AccountConfigEntry) -> Mapping[str, Any]:
    provider = entry.runtime_data.provider
    return {
        "requests": provider.requests,
        "limits": entry.runtime_data.limits,
        "capabilities": {
            str(feature): {
                "kinds": sorted(capability.kinds),
                "add": capability.add,
                "remove": capability.remove,
            }
            for feature, capability in provider.capabilities.items()
        },
    }


def _pair(hass: HomeAssistant, entry: PairConfigEntry) -> Mapping[str, Any]:
    coordinator = entry.runtime_data
    state = coordinator.data
    accounts = {side: loaded_account(hass, account) for side, account in coordinator.accounts.items()}
    return {
        "accounts": {
            str(side): account.data[CONF_PROVIDER] if account else None for side, account in accounts.items()
        },
        "status": coordinator.status,
        "progress": coordinator.progress.percent if coordinator.progress else None,
        "automatic": coordinator.automatic,
        "next_run": coordinator.next_run,
        "last_success": state.last_success,
        "last_run": state.report.as_dict() if state.report else None,
        "last_runs": [_summary(run) for run in state.runs],
        "unresolved": {str(feature): dict(counts) for feature, counts in state.unresolved.items()},
        "held": [_counted(plan) for plan in state.held],
    }


def _summary(run: RunReport) -> Mapping[str, Any]:
    return {
        "run_id": run.run_id,
        "trigger": run.trigger,
        "status": run.status,
        "started_at": run.started_at,
        "duration_s": run.duration_s,
        **{counter: run.total(counter) for counter in COUNTERS},
    }


def _counted(plan: HeldPlan) -> Mapping[str, Any]:
    """Return a plan that waits without its titles."""
    return {
        "feature": plan.feature,
        "reason": plan.reason,
        "held_at": plan.held_at,
        "changes": Counter(f"{change.action} at {change.side}" for change in plan.changes),
    }
