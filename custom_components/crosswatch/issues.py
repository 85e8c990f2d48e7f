"""Repair issues."""

from datetime import datetime

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .account import AccountConfigEntry
from .const import CONF_FALLBACK_SINCE, DOMAIN, FALLBACK_LONG, OPTION_FALLBACK, IssueKind
from .coordinator import PairConfigEntry


def _issue_id(kind: IssueKind, entry: PairConfigEntry | AccountConfigEntry) -> str:
    return f"{kind}_{entry.entry_id}"


@callback
def async_check_pair_issue(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Report a pair whose account was removed or disabled, until it has both again."""
    if pair.runtime_data.account_missing:
        _async_create(hass, IssueKind.ACCOUNT_MISSING, pair, pair=pair.title)
    else:
        async_delete_pair_issue(hass, pair)


@callback
def async_delete_pair_issue(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Forget what was reported about a pair."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.ACCOUNT_MISSING, pair))


@callback
def async_watch_fallback(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Report an account whose experimental GUID fallback stays on: it is meant for one run."""
    now = dt_util.utcnow()
    data = dict(account.data)
    since = min(data.pop(CONF_FALLBACK_SINCE, int(now.timestamp())), int(now.timestamp()))
    if account.options.get(OPTION_FALLBACK):
        data[CONF_FALLBACK_SINCE] = since
    else:
        async_delete_account_issue(hass, account)
    hass.config_entries.async_update_entry(account, data=data)
    if CONF_FALLBACK_SINCE not in data:
        return

    @callback
    def report(_now: datetime) -> None:
        _async_create(hass, IssueKind.FALLBACK_LONG, account, account=account.title)

    due = dt_util.utc_from_timestamp(since) + FALLBACK_LONG
    account.async_on_unload(async_track_point_in_utc_time(hass, report, due))


@callback
def async_delete_account_issue(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Forget what was reported about an account."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.FALLBACK_LONG, account))


@callback
def _async_create(
    hass: HomeAssistant,
    kind: IssueKind,
    entry: PairConfigEntry | AccountConfigEntry,
    **placeholders: str,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(kind, entry),
        data={"kind": kind, "entry_id": entry.entry_id},
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=kind,
        translation_placeholders=placeholders,
    )
