"""What a run tells: its progress while it goes, and its report when it is over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, Self

from .disk import DiskFault
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

    SETTLING = "settling"  # what a stopped run had under way may still land
    READING = "reading"
    PLANNING = "planning"
    APPLYING = "applying"
    OBSERVING = "observing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a run stands.

    While applying, `done` of `total` writes of the feature, on both sides, are over since `elapsed_s`
    seconds ago, and `side` is being written; otherwise these say nothing.
    """

    feature: Feature
    phase: Phase
    done: int = 0
    total: int = 0
    side: Side | None = None
    elapsed_s: float = 0.0

    @property
    def rate(self) -> float | None:
        """Writes a second so far; None before the first one."""
        return self.done / self.elapsed_s if self.done and self.elapsed_s > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds the writes that are left will take at this rate; None while that can't be told."""
        return None if self.rate is None else (self.total - self.done) / self.rate


COUNTERS = ("added", "updated", "removed", "skipped", "unresolved", "held", "errors", "unconfirmed")
"""What is counted for each side and, summed up, for each feature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideReport:
    """What one feature of a run came to at one side. The counters mean what they mean in `FeatureReport`.

    `status` is None when nothing can be said about the side: the other one failed before it was read.
    `requests` are HTTP requests.
    """

    status: RunStatus | None = None
    added: int = 0
    updated: int = 0
    removed: int = 0
    skipped: int = 0
    unresolved: int = 0
    held: int = 0
    errors: int = 0
    unconfirmed: int = 0
    requests: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "status": self.status and str(self.status),
            **{name: getattr(self, name) for name in COUNTERS},
            "requests": self.requests,
            "reasons": dict(self.reasons),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report written by `as_dict`."""
        status = data.get("status")
        return cls(**{**_known(cls, data), "status": RunStatus(status) if status else None})


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReport:
    """One feature of a run, in all and by side.

    `added`, `updated` and `removed` are writes the services accepted, in a dry run the planned ones.
    `skipped` differ on purpose, what a person ignores included. `unresolved` can't be written (`reasons`
    counts why), `held` wait for a person, `errors` failed and will be tried again. `unconfirmed` were
    accepted but not yet seen by a read.
    `error` tells what went wrong, at `side` if at one of them; with a `fault` it is our own `file` that is
    to blame. `duration_s` is seconds.
    """

    status: RunStatus
    added: int = 0
    updated: int = 0
    removed: int = 0
    skipped: int = 0
    unresolved: int = 0
    held: int = 0
    errors: int = 0
    unconfirmed: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    side: Side | None = None
    fault: DiskFault | None = None
    file: str | None = None
    duration_s: float = 0.0
    sides: Mapping[Side, SideReport] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """HTTP requests sent to both sides."""
        return sum(side.requests for side in self.sides.values())

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "status": str(self.status),
            **{name: getattr(self, name) for name in COUNTERS},
            "reasons": dict(self.reasons),
            "error": self.error,
            "side": self.side and str(self.side),
            "fault": self.fault and str(self.fault),
            "file": self.file,
            "duration_s": self.duration_s,
            "sides": {str(name): side.as_dict() for name, side in self.sides.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report written by `as_dict`, of this version or another one."""
        side, fault = data.get("side"), data.get("fault")
        return cls(
            **{
                **_known(cls, data),
                "status": RunStatus(data["status"]),
                "side": Side(side) if side else None,
                "fault": DiskFault(fault) if fault else None,
                "sides": {
                    Side(name): SideReport.from_dict(row) for name, row in data.get("sides", {}).items()
                },
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """A whole run of a pair. Times are epoch seconds UTC, `duration_s` seconds, `requests` by provider name.

    `plans` is filled for a dry run only and is never stored. `undo` is the run that this one has undone, and
    `undone_by` the one that has undone it.
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
    undo: str | None = None
    undone_by: str | None = None

    @property
    def finished_at(self) -> int:
        """Epoch seconds UTC at which the run ended."""
        return self.started_at + round(self.duration_s)

    @property
    def succeeded(self) -> bool:
        """Whether both sides were read and written as planned; unresolved items don't spoil it."""
        return self.status in (RunStatus.OK, RunStatus.UNRESOLVED)

    @property
    def changes(self) -> int:
        """How much was added, updated and removed."""
        return sum(self.total(counter) for counter in ("added", "updated", "removed"))

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
            "undo": self.undo,
            "undone_by": self.undone_by,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report written by `as_dict`, of this version or another one."""
        features = {Feature(name): FeatureReport.from_dict(row) for name, row in data["features"].items()}
        return cls(**{**_known(cls, data), "status": RunStatus(data["status"]), "features": features})


def with_undone(reports: Iterable[RunReport]) -> tuple[RunReport, ...]:
    """Return reports, given newest first, with those marked that were undone.

    An undo that was undone itself has undone nothing; one that changed nothing neither.
    """
    by: dict[str, str] = {}
    found: list[RunReport] = []
    for report in reports:
        found.append(replace(report, undone_by=by.get(report.run_id)))
        if report.undo is not None and report.changes and report.run_id not in by:
            by.setdefault(report.undo, report.run_id)
    return tuple(found)


def _known(cls: type, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a class has a field for: another version may have written more."""
    names = {each.name for each in fields(cls)}
    return {name: value for name, value in data.items() if name in names}


def worst(statuses: Iterable[RunStatus]) -> RunStatus:
    """Return the most severe status, `ok` for none."""
    return max(statuses, key=SEVERITY.index, default=RunStatus.OK)
