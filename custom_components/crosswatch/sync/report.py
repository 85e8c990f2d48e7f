"""What a run tells: its progress while it goes, and its report when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from .models import Feature, Plan, Side


class RunStatus(StrEnum):
    """How a run ended; the worst feature decides. Never `ok` when a side was down."""

    OK = "ok"
    UNRESOLVED = "unresolved"  # everything done that can be done, some items can't be
    PARTIAL = "partial"  # some writes failed and will be tried again
    HELD = "held"  # a guard holds a plan for a person
    INCOMPLETE = "incomplete"  # a side answered, but not with everything it holds
    UNREACHABLE = "unreachable"
    AUTH_FAILED = "auth_failed"
    WAITING_FOR_ACCOUNT = "waiting_for_account"  # an account of the pair is not loaded
    CANCELLED = "cancelled"
    FAILED = "failed"  # refused as a whole, or a defect


SEVERITY = (
    RunStatus.OK,
    RunStatus.UNRESOLVED,
    RunStatus.PARTIAL,
    RunStatus.HELD,
    RunStatus.INCOMPLETE,
    RunStatus.UNREACHABLE,
    RunStatus.AUTH_FAILED,
    RunStatus.WAITING_FOR_ACCOUNT,
    RunStatus.CANCELLED,
    RunStatus.FAILED,
)


class Phase(StrEnum):
    """Step of a run."""

    READING = "reading"
    PLANNING = "planning"
    APPLYING = "applying"
    OBSERVING = "observing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands. `done` of `total` writes count while applying, else both are 0."""

    feature: Feature
    phase: Phase
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReport:
    """One feature of a run.

    `added`, `updated` and `removed` are writes the services accepted, in a dry run the planned ones.
    `skipped` differ on purpose. `unresolved` can't be written (`reasons` counts why), `errors` failed
    and will be tried again. `unconfirmed` were accepted but not yet seen by a read.
    """

    status: RunStatus
    added: int = 0
    updated: int = 0
    removed: int = 0
    skipped: int = 0
    unresolved: int = 0
    errors: int = 0
    unconfirmed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    side: Side | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "status": str(self.status),
            "added": self.added,
            "updated": self.updated,
            "removed": self.removed,
            "skipped": self.skipped,
            "unresolved": self.unresolved,
            "errors": self.errors,
            "unconfirmed": self.unconfirmed,
            "reasons": dict(self.reasons),
            "error": self.error,
            "side": self.side and str(self.side),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report written by `as_dict`."""
        side = data.get("side")
        return cls(**{**data, "status": RunStatus(data["status"]), "side": Side(side) if side else None})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A whole run of a pair. Times are epoch seconds UTC, `duration_s` seconds, `requests` by provider name.

    `plans` is filled for a dry run only and is never stored.
    """

    run_id: str
    pair_id: str
    trigger: str
    dry_run: bool
    status: RunStatus
    started_at: int
    duration_s: float
    features: Mapping[Feature, FeatureReport] = field(default_factory=dict)
    requests: Mapping[str, int] = field(default_factory=dict)
    plans: tuple[Plan, ...] = ()

    @property
    def finished_at(self) -> int:
        """Epoch seconds UTC at which the run ended."""
        return self.started_at + round(self.duration_s)

    @property
    def succeeded(self) -> bool:
        """Whether both sides were read and written as planned; unresolved items don't spoil it."""
        return self.status in (RunStatus.OK, RunStatus.UNRESOLVED)

    def total(self, counter: str) -> int:
        """Sum of one counter of `FeatureReport` over all features."""
        return sum(getattr(report, counter) for report in self.features.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the plans."""
        return {
            "run_id": self.run_id,
            "pair_id": self.pair_id,
            "trigger": self.trigger,
            "dry_run": self.dry_run,
            "status": str(self.status),
            "started_at": self.started_at,
            "duration_s": self.duration_s,
            "features": {str(name): report.as_dict() for name, report in self.features.items()},
            "requests": dict(self.requests),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report written by `as_dict`."""
        features = {Feature(name): FeatureReport.from_dict(row) for name, row in data["features"].items()}
        return cls(**{**data, "status": RunStatus(data["status"]), "features": features})


def worst(statuses: Mapping[Feature, RunStatus]) -> RunStatus:
    """Return the most severe status, `ok` for none."""
    return max(statuses.values(), key=SEVERITY.index, default=RunStatus.OK)
