"""Plans that wait for a person: shown, then approved or rejected, and bound to what they would do.

A feature has one plan at most that waits. Times are epoch seconds UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
import json
import sqlite3
from typing import Any, Self

from .decisions import Decided, Decision, decide, fingerprint
from .models import Action, Change, Feature, Plan, Side


class PlanGoneError(Exception):
    """The plan is not the one that waits any more: reality has moved, or somebody was faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """One change of a plan that waits. `name` is to be shown, `fingerprint` says what it does to its item."""

    side: Side
    action: Action
    key: str
    name: str
    rule: str
    fingerprint: str

    @classmethod
    def of(cls, change: Change) -> Self:
        """Tell a change."""
        return cls(
            side=change.side,
            action=change.action,
            key=change.key,
            name=change.entry.item.name,
            rule=change.rule,
            fingerprint=fingerprint(change),
        )

    @property
    def identity(self) -> tuple[Side, str, str]:
        """What makes two changes the same."""
        return self.side, self.key, self.fingerprint

    def as_dict(self) -> dict[str, str]:
        """Return plain JSON values."""
        return {
            "side": self.side,
            "action": self.action,
            "key": self.key,
            "name": self.name,
            "rule": self.rule,
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Rebuild a change told by `as_dict`."""
        return cls(**{**row, "side": Side(row["side"]), "action": Action(row["action"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """A plan that waits: since when, why, and what it would change.

    `plan_hash` is that of its changes, whatever their order: the same changes are the same plan.
    """

    feature: Feature
    plan_hash: str
    reason: str
    held_at: int
    changes: tuple[HeldChange, ...]

    @classmethod
    def of(cls, plan: Plan, reason: str, now: int) -> Self:
        """Take a plan as it is held now."""
        changes = tuple(HeldChange.of(change) for change in plan.changes)
        told = json.dumps(sorted(change.identity for change in changes))
        return cls(
            feature=plan.feature,
            plan_hash=hashlib.sha256(told.encode()).hexdigest()[:32],
            reason=reason,
            held_at=now,
            changes=changes,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person has approved, if it is not done yet. `begun`: a run has started to carry it out.

    `done_line` is the last line of the journal when an approved plan was last carried out to its end.
    """

    plan_hash: str | None = None
    changes: frozenset[tuple[Side, str, str]] = frozenset()
    begun: bool = False
    done_line: int = 0

    def permits(self, plan: HeldPlan) -> bool:
        """Whether this is what was approved, or what is left of it after a run that was stopped."""
        if self.plan_hash is None:
            return False
        rest = self.begun and self.changes.issuperset(change.identity for change in plan.changes)
        return rest or plan.plan_hash == self.plan_hash


# --- the table ----------------------------------------------------------------------------------


def hold(db: sqlite3.Connection, pair: str, plan: HeldPlan) -> None:
    """Let a plan wait, in the place of what waited before; the same plan waits since it was first held."""
    db.execute(
        "INSERT INTO held (pair, feature, state, hash, reason, held_at, changes) "
        "VALUES (?, ?, 'held', ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "held_at = CASE WHEN state IN ('held', 'approved') AND hash = excluded.hash THEN held_at "
        "ELSE excluded.held_at END, "
        # a person was faster than the run that holds it
        "state = CASE WHEN state = 'approved' AND hash = excluded.hash THEN state ELSE excluded.state END, "
        "hash = excluded.hash, reason = excluded.reason, changes = excluded.changes",
        (
            pair,
            plan.feature,
            plan.plan_hash,
            plan.reason,
            plan.held_at,
            json.dumps([change.as_dict() for change in plan.changes]),
        ),
    )


def waiting(db: sqlite3.Connection, pair: str) -> tuple[HeldPlan, ...]:
    """Return the plans that wait for a person."""
    rows = db.execute(
        "SELECT feature, hash, reason, held_at, changes FROM held WHERE pair = ? AND state = 'held' "
        "ORDER BY feature",
        (pair,),
    )
    return tuple(
        HeldPlan(
            feature=Feature(feature),
            plan_hash=plan_hash,
            reason=reason,
            held_at=held_at,
            changes=tuple(HeldChange.from_dict(row) for row in json.loads(changes)),
        )
        for feature, plan_hash, reason, held_at, changes in rows
    )


def approval(db: sqlite3.Connection, pair: str, feature: Feature) -> Approval:
    """Return what was approved and is not done yet."""
    row = db.execute(
        "SELECT state, hash, changes, done_line FROM held WHERE pair = ? AND feature = ?", (pair, feature)
    ).fetchone()
    if row is None:
        return Approval()
    state, plan_hash, changes, done_line = row
    if state not in ("approved", "begun"):
        return Approval(done_line=done_line)
    told = (HeldChange.from_dict(each) for each in json.loads(changes))
    return Approval(
        plan_hash=plan_hash,
        changes=frozenset(change.identity for change in told),
        begun=state == "begun",
        done_line=done_line,
    )


def begin(db: sqlite3.Connection, pair: str, feature: Feature) -> None:
    """Note that what was approved is being carried out."""
    db.execute("UPDATE held SET state = 'begun' WHERE pair = ? AND feature = ?", (pair, feature))


def release(db: sqlite3.Connection, pair: str, feature: Feature) -> None:
    """Note that nothing waits any more; what was begun is done."""
    db.execute(
        "UPDATE held SET done_line = CASE WHEN state = 'begun' THEN "
        "(SELECT coalesce(max(id), 0) FROM journal WHERE pair = ?1) ELSE done_line END, "
        "state = 'done', changes = '[]' WHERE pair = ?1 AND feature = ?2 AND state != 'done'",
        (pair, feature),
    )


def approve(db: sqlite3.Connection, pair: str, feature: Feature, plan_hash: str, now: int) -> None:
    """Let the next run carry out a plan that waits."""
    _the_plan(db, pair, feature, plan_hash)
    db.execute(
        "UPDATE held SET state = 'approved', approved_at = ? WHERE pair = ? AND feature = ?",
        (now, pair, feature),
    )


def reject(db: sqlite3.Connection, pair: str, feature: Feature, plan_hash: str, now: int) -> None:
    """Leave out each change of a plan that waits."""
    plan = _the_plan(db, pair, feature, plan_hash)
    rejected = [
        Decision(side=each.side, key=each.key, kind=Decided.REJECTED, fingerprint=each.fingerprint)
        for each in plan.changes
    ]
    decide(db, pair, feature, rejected, run=None, now=now)
    release(db, pair, feature)


def _the_plan(db: sqlite3.Connection, pair: str, feature: Feature, plan_hash: str) -> HeldPlan:
    for plan in waiting(db, pair):
        if (plan.feature, plan.plan_hash) == (feature, plan_hash):
            return plan
    raise PlanGoneError(plan_hash)
