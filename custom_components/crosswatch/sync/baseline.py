"""The baseline of a pair: what both sides were last seen to agree on, and through which scopes.

Times are epoch seconds UTC.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
import sqlite3

from .models import PRESENT, Feature, LogIds, Missing, Side, Values

NOBODY_KNOWS = ("intended", "applied", "already", "uncertain")
"""States of journaled writes that no read has shown yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is agreed, by key: for how long a side has been without it, the values, the events behind plays.

    `entries` is how many entries a side held in the last run. Empty when either side is now read through
    another scope: what was agreed says nothing about it.
    """

    baseline: Mapping[str, Missing] = field(default_factory=dict)
    values: Mapping[str, Values] = field(default_factory=dict)
    logs: Mapping[str, LogIds] = field(default_factory=dict)
    entries: Mapping[Side, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a run has learned; only what changed needs to be given.

    `agreed` are newly agreed keys, `values` and `logs` what was newly agreed or has another key now,
    `missing` new counts of keys that are not agreed and `gone` those to forget. Journaled writes of the
    keys `agreed` and `observed` are over, and those removals that are `removed`.
    """

    agreed: Collection[str] = ()
    values: Mapping[str, Values] = field(default_factory=dict)
    logs: Mapping[str, LogIds] = field(default_factory=dict)
    missing: Mapping[str, Missing] = field(default_factory=dict)
    gone: Collection[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    observed: Collection[str] = ()
    removed: Collection[tuple[Side, str]] = ()
    entries: Mapping[Side, int] = field(default_factory=dict)


def load(db: sqlite3.Connection, pair: str, feature: Feature, scopes: Mapping[Side, str]) -> Known:
    """Return what is agreed."""
    if _scopes(db, pair, feature) != scopes:
        return Known()
    place = (pair, feature)
    keys: Iterable[tuple[str]] = db.execute("SELECT key FROM baseline WHERE pair = ? AND feature = ?", place)
    baseline = dict.fromkeys((key for (key,) in keys), PRESENT)
    counts = db.execute(
        "SELECT key, missing_at_source, missing_at_target, source_since, target_since FROM baseline "
        "WHERE pair = ? AND feature = ? AND (missing_at_source OR missing_at_target)",
        place,
    )
    baseline |= {key: Missing(*missing) for key, *missing in counts}
    values = db.execute(
        "SELECT key, value_at_source, value_at_target FROM baseline WHERE pair = ? AND feature = ? "
        "AND value_at_source IS NOT NULL AND value_at_target IS NOT NULL",
        place,
    )
    logs = db.execute(
        "SELECT key, log_at_source, log_at_target FROM baseline WHERE pair = ? AND feature = ? "
        "AND (log_at_source IS NOT NULL OR log_at_target IS NOT NULL)",
        place,
    )
    entries = db.execute("SELECT side, entries FROM scope WHERE pair = ? AND feature = ?", place)
    return Known(
        baseline=baseline,
        values={key: Values(at_source, at_target) for key, at_source, at_target in values},
        logs={key: LogIds(at_source, at_target) for key, at_source, at_target in logs},
        entries={Side(side): count for side, count in entries if count is not None},
    )


def agree(
    db: sqlite3.Connection,
    pair: str,
    feature: Feature,
    scopes: Mapping[Side, str],
    learned: Learned,
    *,
    now: int,
) -> None:
    """Move the baseline to what was observed.

    What was agreed in another scope goes, and what a service refused there is due again.
    """
    if (known := _scopes(db, pair, feature)) != scopes:
        db.execute("DELETE FROM baseline WHERE pair = ? AND feature = ?", (pair, feature))
        if known:
            db.execute(
                "UPDATE unresolved SET retry_at = NULL WHERE pair = ? AND feature = ?", (pair, feature)
            )
    db.executemany(
        "INSERT INTO alias (pair, token, key) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET key = excluded.key",
        ((pair, token, key) for token, key in learned.aliases.items()),
    )
    db.executemany(
        "DELETE FROM baseline WHERE pair = ? AND feature = ? AND key = ?",
        ((pair, feature, key) for key in learned.gone),
    )
    counts = {**learned.missing, **dict.fromkeys(learned.agreed, PRESENT)}
    db.executemany(
        "INSERT INTO baseline (pair, feature, key, missing_at_source, missing_at_target, source_since, "
        "target_since, agreed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "missing_at_source = excluded.missing_at_source, missing_at_target = excluded.missing_at_target, "
        "source_since = excluded.source_since, target_since = excluded.target_since",
        (
            (pair, feature, key, m.source, m.target, m.source_since, m.target_since, now)
            for key, m in counts.items()
        ),
    )
    for columns, pairs in (
        ("value_at_source = ?, value_at_target = ?", learned.values),
        ("log_at_source = ?, log_at_target = ?", learned.logs),
    ):
        db.executemany(
            f"UPDATE baseline SET {columns} WHERE pair = ? AND feature = ? AND key = ?",  # noqa: S608 - fixed names
            _rows(pairs, pair, feature),
        )
    db.executemany(
        "INSERT INTO scope (pair, feature, side, hash, entries) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET hash = excluded.hash, entries = excluded.entries",
        ((pair, feature, side, value, learned.entries.get(side)) for side, value in scopes.items()),
    )
    _close(db, pair, feature, learned)


def _rows(
    pairs: Mapping[str, Values] | Mapping[str, LogIds], pair: str, feature: Feature
) -> Iterator[tuple[object, ...]]:
    return ((each.source, each.target, pair, feature, key) for key, each in pairs.items())


def _close(db: sqlite3.Connection, pair: str, feature: Feature, learned: Learned) -> None:
    """Note that a read has shown what these journaled writes made."""
    marks = ", ".join("?" * len(NOBODY_KNOWS))
    update = f"UPDATE journal SET state = 'observed' WHERE state IN ({marks}) "  # noqa: S608 - marks only
    db.executemany(
        f"{update} AND pair = ? AND feature = ? AND key = ?",
        ((*NOBODY_KNOWS, pair, feature, key) for key in (*learned.agreed, *learned.observed)),
    )
    db.executemany(
        f"{update} AND action = 'remove' AND pair = ? AND feature = ? AND side = ? AND key = ?",
        ((*NOBODY_KNOWS, pair, feature, side, key) for side, key in learned.removed),
    )


def take_back(
    db: sqlite3.Connection,
    pair: str,
    feature: Feature,
    forgotten: Iterable[str],
    values: Mapping[str, Values],
) -> None:
    """Forget keys that say nothing any more, and note what is agreed on instead."""
    db.executemany(
        "DELETE FROM baseline WHERE pair = ? AND feature = ? AND key = ?",
        ((pair, feature, key) for key in forgotten),
    )
    db.executemany(
        "UPDATE baseline SET value_at_source = ?, value_at_target = ? "
        "WHERE pair = ? AND feature = ? AND key = ?",
        _rows(values, pair, feature),
    )


def oldest(db: sqlite3.Connection, pair: str, feature: Feature, before: int, count: int) -> tuple[str, ...]:
    """Return the keys that both sides have held longest, since a time before the given one."""
    rows: Iterable[tuple[str]] = db.execute(
        "SELECT key FROM baseline WHERE pair = ? AND feature = ? AND agreed_at < ? "
        "AND missing_at_source = 0 AND missing_at_target = 0 ORDER BY agreed_at, key LIMIT ?",
        (pair, feature, before, count),
    )
    return tuple(key for (key,) in rows)


def peers(
    db: sqlite3.Connection, pair: str, feature: Feature, scopes: Mapping[Side, str]
) -> dict[str, dict[Side, Side]]:
    """Return other pairs that read what this one reads, and which of their sides is which of ours."""
    ours = {scope: side for side, scope in scopes.items()}
    if len(ours) < len(Side):
        # which side is which can't be told
        return {}
    rows = db.execute(
        "SELECT pair, side, hash FROM scope WHERE feature = ? AND pair != ? AND hash IN (?, ?)",
        (feature, pair, *(scopes[side] for side in Side)),
    )
    found: dict[str, dict[Side, Side]] = {}
    for peer, side, scope in rows:
        found.setdefault(peer, {})[Side(side)] = ours[scope]
    return found


def _scopes(db: sqlite3.Connection, pair: str, feature: Feature) -> dict[str, str]:
    rows = db.execute("SELECT side, hash FROM scope WHERE pair = ? AND feature = ?", (pair, feature))
    return dict(rows.fetchall())
