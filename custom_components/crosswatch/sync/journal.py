"""The journal: what was about to be written, what stood there before, and how it ended.

A row is `intended`, then what its outcome says, and `observed` once both sides were seen to agree on it.
Times are epoch seconds UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
import json
import sqlite3

from .codec import entry_as_dict, entry_from_dict
from .models import Change, Entry, Feature, Outcome, OutcomeStatus, Side
from .values import Written, value_of


def announce(
    db: sqlite3.Connection,
    pair: str,
    run: str,
    changes: Iterable[Change],
    now: int,
    *,
    scope: str | None = None,
) -> None:
    """Note what is about to be written. `scope`: what its side is read through."""
    db.executemany(
        "INSERT INTO journal (pair, run, feature, side, action, key, rule, entry, before, at, state, scope) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'intended', ?)",
        [
            (
                pair,
                run,
                c.feature,
                c.side,
                c.action,
                c.key,
                c.rule,
                _text(c.entry),
                _text(c.before),
                now,
                scope,
            )
            for c in changes
        ],
    )


def settle(
    db: sqlite3.Connection,
    pair: str,
    run: str,
    announced: Iterable[Change],
    outcomes: Iterable[Outcome],
    *,
    now: int,
) -> None:
    """Note how it ended. What has no outcome may be under way until `now`."""
    outcomes = tuple(outcomes)
    ended = {(o.change.side, o.change.key) for o in outcomes}
    rows: list[tuple[Change, str, str | None, str | None, int | None, bool]] = [
        (o.change, o.status, o.reason, o.remote_id, o.written_at, o.status is OutcomeStatus.ALREADY)
        for o in outcomes
    ]
    rows += [(c, "intended", None, None, None, False) for c in announced if (c.side, c.key) not in ended]
    db.executemany(
        "UPDATE journal SET state = ?, reason = ?, remote_id = ?, written_at = ?, found = ?, at = ? "
        "WHERE pair = ? AND run = ? AND feature = ? AND side = ? AND key = ?",
        [
            (state, reason, remote_id, written_at, found, now, pair, run, c.feature, c.side, c.key)
            for c, state, reason, remote_id, written_at, found in rows
        ],
    )


def stand_in(
    db: sqlite3.Connection, pair: str, run: str, feature: Feature, scopes: Mapping[Side, str]
) -> None:
    """Note what the sides are read through after the writes: a list may have been created for them."""
    db.executemany(
        "UPDATE journal SET scope = ? WHERE pair = ? AND run = ? AND feature = ? AND side = ?",
        [(scope, pair, run, feature, side) for side, scope in scopes.items()],
    )


def unanswered_since(db: sqlite3.Connection, pair: str, feature: Feature) -> int | None:
    """When the newest write was announced of which nobody knows yet how it ended."""
    found: int | None = db.execute(
        "SELECT max(at) FROM journal WHERE pair = ? AND feature = ? AND state = 'intended'",
        (pair, feature),
    ).fetchone()[0]
    return found


@dataclass(frozen=True, slots=True)
class Recent:
    """Keys of what was written lately, as far as reads may not be trusted about it.

    `settling`: no read has shown the write yet, or it was a removal, after which the entry may be shown
    once more. `fresh`: a read has shown it, and the next one may hide it again. `removing` are the removals
    at each side that no read has shown, however old. `taken` are the latest ones after which nothing was
    written of the key, with what stood there: that the side is without it is our doing. `elsewhere` is what
    other pairs have written to a side, `taken_elsewhere` what another pair of both accounts has taken away in
    the same way.
    """

    settling: frozenset[str]
    fresh: frozenset[str]
    removing: frozenset[tuple[Side, str]]
    taken: Mapping[tuple[Side, str], Entry] = field(default_factory=dict)
    elsewhere: Mapping[Side, set[str]] = field(default_factory=dict)
    taken_elsewhere: frozenset[tuple[Side, str]] = frozenset()


type Peers = Mapping[str, Mapping[Side, Side]]
"""Other pairs that read the same as this one: which of their sides is which of ours."""


def recent(
    db: sqlite3.Connection,
    pair: str,
    feature: Feature,
    since: int,
    until: int,
    *,
    taken_since: int,
    peers: Peers,
) -> Recent:
    """Return what was written from `since` to `until`, and removals that no read has shown yet."""
    rows = _written(db, pair, feature, since, until)
    removing = db.execute(
        "SELECT side, key FROM journal WHERE pair = ? AND feature = ? AND action = 'remove' "
        "AND state IN ('intended', 'applied', 'already', 'uncertain')",
        (pair, feature),
    )
    elsewhere: dict[Side, set[str]] = {}
    taken_elsewhere: set[tuple[Side, str]] = set()
    for peer, sides in peers.items():
        for side, key, _ in _written(db, peer, feature, since, until):
            if side in sides:
                elsewhere.setdefault(sides[side], set()).add(key)
        if len(sides) == len(Side):
            found = _taken(db, peer, feature, taken_since, until, but_for=pair)
            taken_elsewhere |= {(sides[side], key) for side, key, _ in found}
    return Recent(
        settling=frozenset(key for _, key, settles in rows if settles),
        fresh=frozenset(key for _, key, settles in rows if not settles),
        removing=frozenset((Side(side), key) for side, key in removing),
        taken={
            (side, key): entry_from_dict(feature, json.loads(entry))
            for side, key, entry in _taken(db, pair, feature, taken_since, until, but_for=pair)
        },
        elsewhere=elsewhere,
        taken_elsewhere=frozenset(taken_elsewhere),
    )


def _written(
    db: sqlite3.Connection, pair: str, feature: Feature, since: int, until: int
) -> list[tuple[Side, str, bool]]:
    """Return sides and keys of what was written, and whether a read may not be trusted about it at all."""
    rows = db.execute(
        "SELECT side, key, state != 'observed' OR action = 'remove' FROM journal "
        "WHERE pair = ? AND feature = ? AND at BETWEEN ? AND ? "
        "AND state IN ('applied', 'already', 'uncertain', 'observed')",
        (pair, feature, since, until),
    )
    return [(Side(side), key, bool(settles)) for side, key, settles in rows]


def _taken(
    db: sqlite3.Connection, pair: str, feature: Feature, since: int, until: int, *, but_for: str
) -> list[tuple[Side, str, str]]:
    """Return what a pair has taken away and not written since, nor has the pair `but_for`."""
    rows = db.execute(
        "SELECT side, key, entry FROM journal AS j WHERE pair = ?1 AND feature = ?2 AND action = 'remove' "
        "AND at BETWEEN ?3 AND ?4 AND state IN ('intended', 'applied', 'already', 'uncertain', 'observed') "
        "AND NOT EXISTS (SELECT 1 FROM journal WHERE key = j.key AND pair IN (?1, ?5) "
        "AND feature = j.feature AND id > j.id AND state NOT IN ('failed', 'unresolved'))",
        (pair, feature, since, until, but_for),
    )
    return [(Side(side), key, entry) for side, key, entry in rows]


def removals(
    db: sqlite3.Connection, pair: str, feature: Feature, since: int, *, line: int
) -> dict[Side, set[str]]:
    """Return the keys of what was, or may have been, taken away from each side after `since`.

    Only writes after that with the id `line` count. What lies ahead was written before the clock was set
    back, nobody knows how long ago.
    """
    rows = db.execute(
        "SELECT side, key FROM journal WHERE pair = ? AND feature = ? AND action = 'remove' "
        "AND at > ? AND id > ? AND state IN ('intended', 'applied', 'uncertain', 'observed')",
        (pair, feature, since, line),
    )
    found: dict[Side, set[str]] = {}
    for side, key in rows:
        found.setdefault(Side(side), set()).add(key)
    return found


def written(
    db: sqlite3.Connection, pair: str, feature: Feature, since: int, until: int
) -> dict[Side, dict[str, Written]]:
    """Return the last writes that no read has shown yet, and those of that time, by side and key.

    A removal leaves no value behind that could be met again.
    """
    rows = db.execute(
        "SELECT id, side, key, entry, before, state FROM journal WHERE pair = ?1 AND feature = ?2 AND "
        "action != 'remove' AND state IN ('intended', 'applied', 'already', 'uncertain') UNION ALL "
        "SELECT id, side, key, entry, before, state FROM journal WHERE pair = ?1 AND feature = ?2 AND "
        "action != 'remove' AND state = 'observed' AND at BETWEEN ?3 AND ?4 ORDER BY id",
        (pair, feature, since, until),
    )
    found: dict[Side, dict[str, Written]] = {}
    # of several writes of one thing the last one counts
    for _, side, key, entry, before, state in rows:
        write = Written(
            entry=entry_from_dict(feature, json.loads(entry)),
            before=None if before is None else value_of(entry_from_dict(feature, json.loads(before))),
            answered=state in ("applied", "already", "observed"),
            observed=state == "observed",
        )
        found.setdefault(Side(side), {})[key] = write
    return found


def _text(entry: Entry | None) -> str | None:
    return None if entry is None else json.dumps(entry_as_dict(entry))
