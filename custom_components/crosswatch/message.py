"""What the dashboard card is told of a pair: the messages of docs/websocket.md."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .account import SERVICES, account_entry
from .const import CONF_DIRECTION, CONF_PROVIDER, DOMAIN, STATUS_NEVER_RUN, ProviderName
from .coordinator import PairConfigEntry, PairCoordinator
from .models import MAPPABLE, PairState, UndoState, kind_of
from .progress import Running
from .sync.held import HeldPlan
from .sync.models import Action, Change, Feature, Skip, Unresolved
from .sync.report import COUNTERS, FeatureReport, RunReport, RunStatus
from .sync.unresolved import UnresolvedRow
from .texts import Texts, Word

MOST_ITEMS: Final = 100
"""Unresolved items told of each reason."""
MOST_CHANGES: Final = 200
"""Changes told of a plan."""

TROUBLES: Final = (
    RunStatus.INCOMPLETE,
    RunStatus.UNREACHABLE,
    RunStatus.AUTH_FAILED,
    RunStatus.FAILED,
)
"""Outcomes that a service is to blame for."""


@callback
def pair_head(hass: HomeAssistant, entry: PairConfigEntry) -> dict[str, Any]:
    """Return what names a pair."""
    device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, entry.entry_id), entry.entry_id)
    return {"entry_id": entry.entry_id, "device_id": device.id if device else None, "title": entry.title}


@callback
def pair_message(hass: HomeAssistant, entry: PairConfigEntry, texts: Texts) -> dict[str, Any]:
    """Return all that is told of a pair."""
    pair = entry.runtime_data
    state = pair.data
    interval = pair.interval
    preview = pair.preview
    undoing = preview is not None and preview.undo is not None
    return {
        **pair_head(hass, entry),
        "direction": entry.data[CONF_DIRECTION],
        "accounts": {str(side): _account(hass, account) for side, account in pair.accounts.items()},
        "status": pair.status,
        "status_text": texts.status(pair.status),
        "running": pair.running,
        "in_sync": state.in_sync,
        "problem": state.problem,
        "automatic": pair.automatic,
        "interval": round(interval.total_seconds() / 60) if interval else None,
        "last_run": _epoch(state.last_run),
        "last_success": _epoch(state.last_success),
        "next_run": _epoch(pair.next_run),
        "features": [_feature(pair, feature, texts) for feature in pair.features],
        "unresolved": _unresolved(state.items, texts),
        "held": [_held(plan, pair, texts) for plan in state.held],
        "preview": _preview(preview, texts) if preview and not undoing else None,
        "undo_preview": _undo_preview(preview, pair, texts) if preview and undoing else None,
        "runs": [_run(run, state, texts) for run in state.runs],
        "progress": progress_message(pair.progress, texts) if pair.progress else None,
    }


def progress_message(running: Running, texts: Texts) -> dict[str, Any]:
    """Return where a run stands."""
    told = running.told
    left = running.seconds_left
    return {
        "phase": told.phase,
        "phase_text": texts.word(Word.PHASE, told.phase),
        "feature": told.feature,
        "feature_text": texts.feature(told.feature),
        "side": told.side,
        "done": told.done,
        "total": told.total,
        "percent": running.percent,
        "rate": None if running.rate is None else round(running.rate, 1),
        "seconds_left": None if left is None else round(left),
        "dry_run": running.dry_run,
        "started_at": running.started_at,
    }


def _epoch(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


@callback
def _account(hass: HomeAssistant, account: str) -> Mapping[str, Any]:
    entry = account_entry(hass, account)
    if entry is None:
        return {"title": None, "provider": None, "provider_name": None, "state": "missing"}
    provider = ProviderName(entry.data[CONF_PROVIDER])
    if entry.disabled_by:
        state = "disabled"
    elif entry.error_reason_translation_key == "invalid_auth" or any(
        entry.async_get_active_flows(hass, {SOURCE_REAUTH})
    ):
        state = "sign_in"
    else:
        state = "ready" if entry.state is ConfigEntryState.LOADED else "loading"
    return {
        "title": entry.title,
        "provider": provider,
        "provider_name": SERVICES[provider].name,
        "state": state,
    }


@callback
def _feature(pair: PairCoordinator, feature: Feature, texts: Texts) -> Mapping[str, Any]:
    """Return how a feature went when it last ran: a run may be of some features only."""
    reports = (run.features[feature] for run in pair.data.runs if feature in run.features)
    report = next(reports, None)
    status = str(report.status) if report else None
    return {
        "feature": feature,
        "feature_text": texts.feature(feature),
        "status": status,
        "status_text": texts.status(status or STATUS_NEVER_RUN),
        "error_text": trouble(pair, report, texts) if report else None,
        "side": report.side if report else None,
        **{counter: getattr(report, counter) if report else 0 for counter in COUNTERS},
    }


@callback
def trouble(pair: PairCoordinator, report: FeatureReport, texts: Texts) -> str | None:
    """Return in words what went wrong with a feature, or None."""
    if report.status is RunStatus.HELD:
        return texts.held(report.error or "", pair.account_titles)
    if report.status not in TROUBLES:
        return None
    if report.fault is not None:
        return texts.word(Word.DISK, report.fault, file=report.file or "?")
    account = pair.account_titles[report.side] if report.side else "?"
    return texts.word(Word.TROUBLE, report.status, account=account)


def _unresolved(rows: Sequence[UnresolvedRow], texts: Texts) -> Mapping[str, Any]:
    by_reason: defaultdict[str, list[UnresolvedRow]] = defaultdict(list)
    for row in rows:
        by_reason[row.reason].append(row)
    return {
        "total": sum(1 for row in rows if not row.ignored),
        "ignored": sum(1 for row in rows if row.ignored),
        "reasons": [
            {
                "reason": reason,
                "reason_text": texts.reason(reason),
                "count": len(of_reason),
                "can_map": reason in MAPPABLE,
                "items": [item_message(row) for row in of_reason[:MOST_ITEMS]],
            }
            for reason, of_reason in sorted(by_reason.items(), key=lambda each: (-len(each[1]), each[0]))
        ],
    }


def item_message(row: UnresolvedRow) -> dict[str, Any]:
    """Return an item that can't be written."""
    return {
        "key": row.key,
        "name": row.name,
        "kind": kind_of(row.key),
        "feature": row.feature,
        "side": row.side,
        "attempts": row.attempts,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "retry_at": row.retry_at,
        "ignored": row.ignored,
    }


def _held(plan: HeldPlan, pair: PairCoordinator, texts: Texts) -> Mapping[str, Any]:
    actions = Counter(change.action for change in plan.changes)
    return {
        "feature": plan.feature,
        "feature_text": texts.feature(plan.feature),
        "plan_hash": plan.plan_hash,
        "reason": plan.reason,
        "reason_text": texts.held(plan.reason, pair.account_titles),
        "held_at": plan.held_at,
        "counts": {action: actions[action] for action in Action},
        "changes": [
            {
                "side": change.side,
                "action": change.action,
                "action_text": texts.word(Word.ACTION, change.action),
                "key": change.key,
                "name": change.name,
            }
            for change in plan.changes[:MOST_CHANGES]
        ],
    }


def change_message(change: Change, texts: Texts) -> dict[str, Any]:
    """Return a planned write."""
    return {
        "feature": change.feature,
        "side": change.side,
        "action": change.action,
        "action_text": texts.word(Word.ACTION, change.action),
        "key": change.key,
        "name": change.entry.item.name,
    }


def _preview(report: RunReport, texts: Texts) -> Mapping[str, Any]:
    changes = [change for plan in report.plans for change in plan.changes]
    return {
        "at": report.finished_at,
        "status": report.status,
        "status_text": texts.status(report.status),
        "counts": {
            "add": report.total("added"),
            "update": report.total("updated"),
            "remove": report.total("removed"),
        },
        "unresolved": report.total("unresolved"),
        "changes": [change_message(change, texts) for change in changes[:MOST_CHANGES]],
    }


def _undo_preview(report: RunReport, pair: PairCoordinator, texts: Texts) -> Mapping[str, Any]:
    """Return what taking a run back would do, what of it can't be done, and what is left as it is."""
    accounts = pair.account_titles
    refused = [
        _because(row, plan.feature, texts.reason(row.reason), texts)
        for plan in report.plans
        for row in plan.unresolved
    ]
    left = [
        _because(row, plan.feature, texts.rule(row.rule, accounts), texts)
        for plan in report.plans
        for row in plan.skipped
    ]
    return {
        **_preview(report, texts),
        "run_id": report.undo,
        "refused": refused[:MOST_ITEMS],
        "refused_total": len(refused),
        "left": left[:MOST_ITEMS],
        "left_total": len(left),
    }


def _because(row: Unresolved | Skip, feature: Feature, why: str, texts: Texts) -> Mapping[str, Any]:
    """Return an item that is not done, and why."""
    return {
        "feature": feature,
        "feature_text": texts.feature(feature),
        "side": row.side,
        "key": row.key,
        "name": row.entry.item.name,
        "why_text": why,
    }


def _run(report: RunReport, state: PairState, texts: Texts) -> Mapping[str, Any]:
    undo_state = state.undo_state(report)
    told = (UndoState.UNDONE, UndoState.FORGOTTEN)
    return {
        "run_id": report.run_id,
        "trigger": report.trigger,
        "status": report.status,
        "status_text": texts.status(report.status),
        "started_at": report.started_at,
        "duration": report.duration_s,
        **{counter: report.total(counter) for counter in COUNTERS},
        "undo": report.undo,
        "undone_by": report.undone_by,
        "undo_state": undo_state,
        "undo_text": texts.word(Word.UNDO, undo_state) if undo_state in told else None,
    }
