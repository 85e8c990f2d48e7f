"""The tables of the state file and how older files become newer ones."""

import sqlite3

from .disk import NewerFileError

MIGRATIONS = (
    # 1: the first schema. A play's key ends in @time; times are epoch seconds UTC
    """
    CREATE TABLE alias (pair TEXT, token TEXT, key TEXT NOT NULL, PRIMARY KEY (pair, token)) WITHOUT ROWID;
    CREATE TABLE scope (
        pair TEXT, feature TEXT, side TEXT, hash TEXT NOT NULL, PRIMARY KEY (pair, feature, side)
    ) WITHOUT ROWID;
    CREATE TABLE baseline (
        pair TEXT, feature TEXT, key TEXT, missing INTEGER NOT NULL, PRIMARY KEY (pair, feature, key)
    ) WITHOUT ROWID;
    CREATE TABLE journal (
        id INTEGER PRIMARY KEY, pair TEXT NOT NULL, run TEXT NOT NULL, feature TEXT NOT NULL,
        side TEXT NOT NULL, action TEXT NOT NULL, key TEXT NOT NULL, rule TEXT NOT NULL,
        entry TEXT NOT NULL, state TEXT NOT NULL, reason TEXT, remote_id TEXT, at INTEGER NOT NULL
    );
    CREATE INDEX journal_by_key ON journal (key, pair, feature, side);
    CREATE INDEX journal_by_state ON journal (pair, feature, state, at);
    CREATE TABLE unresolved (
        pair TEXT, feature TEXT, side TEXT, key TEXT, reason TEXT NOT NULL, name TEXT NOT NULL,
        attempts INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL, retry_at INTEGER,
        PRIMARY KEY (pair, feature, side, key)
    ) WITHOUT ROWID;
    CREATE TABLE run (
        id TEXT NOT NULL UNIQUE, pair TEXT NOT NULL, started_at INTEGER NOT NULL, succeeded INTEGER NOT NULL,
        report TEXT NOT NULL
    );
    CREATE INDEX run_by_pair ON run (pair);
    """,
    # 2: how long the source has been without an agreed key, not only the target
    """
    ALTER TABLE baseline RENAME COLUMN missing TO missing_at_target;
    ALTER TABLE baseline ADD COLUMN missing_at_source INTEGER NOT NULL DEFAULT 0;
    """,
    # 3: what was agreed, not only that something was; what stood there before a write; the ledger: which
    # plays were written to a service that dates them itself, and from when to when it may have done so
    """
    ALTER TABLE baseline ADD COLUMN value_at_source INTEGER;
    ALTER TABLE baseline ADD COLUMN value_at_target INTEGER;
    ALTER TABLE journal ADD COLUMN before TEXT;
    ALTER TABLE journal ADD COLUMN written_at INTEGER;
    CREATE TABLE ledger (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, pair TEXT NOT NULL, run TEXT NOT NULL,
        key TEXT NOT NULL, item TEXT NOT NULL, watched_at INTEGER, since INTEGER NOT NULL,
        until INTEGER NOT NULL
    );
    CREATE INDEX ledger_by_account ON ledger (account);
    CREATE INDEX ledger_by_run ON ledger (run, key);
    """,
    # 4: the TMDb ids that a person gave to titles which have none
    """
    CREATE TABLE mapping (token TEXT PRIMARY KEY, tmdb INTEGER NOT NULL, title TEXT NOT NULL) WITHOUT ROWID;
    """,
    # 5: what an item that can't be written waits for, and whether a person cares
    """
    ALTER TABLE unresolved ADD COLUMN waits_for TEXT NOT NULL DEFAULT 'item';
    ALTER TABLE unresolved ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0;
    UPDATE unresolved SET waits_for = 'time' WHERE retry_at IS NOT NULL;
    """,
    # 6: since when a key is agreed, and under which ids sides that date plays themselves showed a play; how
    # many entries a side held in the last run; plans that wait for a person, and what a person has decided
    """
    ALTER TABLE baseline ADD COLUMN agreed_at INTEGER;
    ALTER TABLE baseline ADD COLUMN log_at_source TEXT;
    ALTER TABLE baseline ADD COLUMN log_at_target TEXT;
    ALTER TABLE scope ADD COLUMN entries INTEGER;
    CREATE TABLE held (
        pair TEXT, feature TEXT, state TEXT NOT NULL, hash TEXT NOT NULL, reason TEXT NOT NULL,
        held_at INTEGER NOT NULL, approved_at INTEGER, done_at INTEGER, changes TEXT NOT NULL,
        PRIMARY KEY (pair, feature)
    ) WITHOUT ROWID;
    CREATE TABLE decision (
        pair TEXT, feature TEXT, side TEXT, key TEXT, kind TEXT NOT NULL, fingerprint TEXT, run TEXT,
        at INTEGER NOT NULL, missed INTEGER NOT NULL, PRIMARY KEY (pair, feature, side, key)
    ) WITHOUT ROWID;
    """,
    # 7: whether a service said that a write was done already, so that nothing of it is ours to take back, and
    # through what the side was read then
    """
    ALTER TABLE journal ADD COLUMN found INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE journal ADD COLUMN scope TEXT;
    UPDATE journal SET found = 1 WHERE state = 'already' OR (state = 'observed' AND reason IS NOT NULL);
    CREATE INDEX journal_by_run ON journal (run);
    """,
    # 8: since when a side is without an agreed key; what was missing once before is missed for the first time
    """
    ALTER TABLE baseline ADD COLUMN source_since INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE baseline ADD COLUMN target_since INTEGER NOT NULL DEFAULT 0;
    UPDATE baseline SET source_since = unixepoch() * (missing_at_source = 1),
    target_since = unixepoch() * (missing_at_target = 1) WHERE missing_at_source = 1 OR missing_at_target = 1;
    """,
    # 9: through what both sides were read when a person said something about an item
    """
    ALTER TABLE decision ADD COLUMN scope TEXT;
    """,
    # 10: up to which line of the journal a person has agreed to what was taken away, whatever the clock says
    """
    ALTER TABLE held ADD COLUMN done_line INTEGER NOT NULL DEFAULT 0;
    UPDATE held SET done_line =
        (SELECT coalesce(max(id), 0) FROM journal AS j WHERE j.pair = held.pair AND j.at <= held.done_at);
    """,
    # 11: whether lines of a run have left the journal, so that it can't be taken back any more
    """
    ALTER TABLE run ADD COLUMN pruned INTEGER NOT NULL DEFAULT 0;
    """,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema, each step in its own transaction.

    Raises `NewerFileError`.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise NewerFileError(f"written by a newer version of CrossWatch (schema {version})")
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
