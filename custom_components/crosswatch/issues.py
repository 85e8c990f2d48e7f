"""Repair issues."""

from collections.abc import Container
from datetime import datetime
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .account import AccountConfigEntry
from .const import CONF_FALLBACK_SINCE, DOMAIN, FALLBACK_LONG, OPTION_FALLBACK, IssueKind
from .coordinator import PairConfigEntry
from .models import DiskTrouble, PairState, lacking_ids
from .sync.disk import DiskFault
from .texts import own_texts

DISK_ISSUES: Final = tuple(IssueKind(f"state_{fault}") for fault in DiskFault)


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
def async_watch_pair(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Report what waits for a person in a pair, for as long as it does."""
    coordinator = pair.runtime_data
    shown: PairState | None = None

    @callback
    def check() -> None:
        nonlocal shown
        if coordinator.data is not shown:
            shown = coordinator.data
            _async_check_plans(hass, pair)
            _async_check_ids(hass, pair)
            async_report_disk(hass, pair, shown.disk)

    pair.async_on_unload(coordinator.async_add_listener(check))
    check()


@callback
def _async_check_plans(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Report each plan that waits; another plan is another issue."""
    prefix = f"{IssueKind.PLAN_HELD}_{pair.entry_id}"
    texts = own_texts(hass)
    wanted = {f"{prefix}_{plan.feature}_{plan.plan_hash[:8]}": plan for plan in pair.runtime_data.data.held}
    _async_forget(hass, prefix, keep=wanted)
    for issue_id, plan in wanted.items():
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            data={
                "kind": IssueKind.PLAN_HELD,
                "entry_id": pair.entry_id,
                "feature": plan.feature,
                "plan_hash": plan.plan_hash,
            },
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=IssueKind.PLAN_HELD,
            translation_placeholders={"pair": pair.title, "feature": texts.feature(plan.feature)},
        )


@callback
def _async_check_ids(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Report titles that a person could give their TMDb id."""
    if titles := lacking_ids(pair.runtime_data.data):
        _async_create(hass, IssueKind.NEEDS_ID, pair, pair=pair.title, count=str(len(titles)))
    else:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.NEEDS_ID, pair))


@callback
def async_report_disk(hass: HomeAssistant, pair: PairConfigEntry, trouble: DiskTrouble | None) -> None:
    """Report a file that a pair can't do without, until a run gets along with it."""
    kind = None if trouble is None else IssueKind(f"state_{trouble.fault}")
    for other in DISK_ISSUES:
        if other is not kind:
            ir.async_delete_issue(hass, DOMAIN, _issue_id(other, pair))
    if trouble is not None and kind is not None:
        _async_create(hass, kind, pair, fixable=False, pair=pair.title, file=trouble.file)


@callback
def _async_forget(hass: HomeAssistant, prefix: str, keep: Container[str] = ()) -> None:
    """Delete the issues whose ids begin like this."""
    known = [issue_id for domain, issue_id in ir.async_get(hass).issues if domain == DOMAIN]
    for issue_id in known:
        if issue_id.startswith(prefix) and issue_id not in keep:
            ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_delete_pair_issue(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Forget what was reported about a pair whose accounts are there."""
    ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.ACCOUNT_MISSING, pair))


@callback
def async_delete_pair_issues(hass: HomeAssistant, pair: PairConfigEntry) -> None:
    """Forget all that was reported about a pair."""
    for kind in IssueKind:
        _async_forget(hass, f"{kind}_{pair.entry_id}")


@callback
def async_watch_fallback(hass: HomeAssistant, account: AccountConfigEntry) -> None:
    """Report an account whose experimental GUID fallback stays on: it is meant for one run."""
    now = dt_util.utcnow()
    data = dict(account.data)
    since = min(data.pop(CONF_FALLBACK_SINCE, int(now.timestamp())), int(now.timestamp()))
    if account.options.get(OPTION_FALLBACK):
        data[CONF_FALLBACK_SINCE] = since
    else:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.FALLBACK_LONG, account))
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
    for kind in (IssueKind.FALLBACK_LONG, IssueKind.LIBRARY_GONE):
        ir.async_delete_issue(hass, DOMAIN, _issue_id(kind, account))


@callback
def async_report_libraries(
    hass: HomeAssistant, entry: PairConfigEntry | AccountConfigEntry, gone: Container[str] | None
) -> None:
    """Report an entry whose chosen libraries are gone from the server, for as long as they are."""
    if gone:
        _async_create(hass, IssueKind.LIBRARY_GONE, entry, name=entry.title)
    else:
        ir.async_delete_issue(hass, DOMAIN, _issue_id(IssueKind.LIBRARY_GONE, entry))


@callback
def _async_create(
    hass: HomeAssistant,
    kind: IssueKind,
    entry: PairConfigEntry | AccountConfigEntry,
    *,
    fixable: bool = True,
    **placeholders: str,
) -> None:
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(kind, entry),
        data={"kind": kind, "entry_id": entry.entry_id},
        is_fixable=fixable,
        severity=ir.IssueSeverity.WARNING if fixable else ir.IssueSeverity.ERROR,
        translation_key=kind,
        translation_placeholders=placeholders,
    )
