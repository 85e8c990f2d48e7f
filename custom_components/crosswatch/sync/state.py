"""What the engine remembers: aliases, baselines, the journal, unresolved items and runs, in one SQLite file.

Every public method is one transaction, run in a thread. Times are epoch seconds UTC.
"""

from collections.abc import Collection, Iterable, Mapping
import json
import sqlite3
from typing import Any

from . import baseline, decisions, held, journal, ledger, lines, mapping, unresolved, upkeep
from .baseline import Known, Learned
from .database import Database
from .decisions import Decision
from .held import Approval, HeldPlan
from .journal import Recent
from .ledger import Mark
from .lines import Line
from .models import Change, Feature, Item, Kind, Outcome, OutcomeStatus, Side, Unresolved
from .report import RunReport, with_undone
from .undo import Undoing
from .unresolved import Place, UnresolvedRow
from .upkeep import KEPT_RUNS
from .values import Written


class State(Database):
    """The state file. All methods may be called from the event loop and never block it."""

    # --- baseline -------------------------------------------------------------------------------

    async def aliases(self, pair: str) -> dict[str, str]:
        """Return the pair's alias table: typed id to key."""
        return await self._do(
            lambda db: dict(db.execute("SELECT token, key FROM alias WHERE pair = ?", (pair,)).fetchall())
        )

    async def known(self, pair: str, feature: Feature, scopes: Mapping[Side, str]) -> Known:
        """Return what both sides were last seen to agree on, through these scopes."""
        return await self._do(lambda db: baseline.load(db, pair, feature, scopes))

    async def learn(
        self,
        pair: str,
        feature: Feature,
        scopes: Mapping[Side, str],
        learned: Learned,
        *,
        decided: Mapping[tuple[Side, str], int | None] | None = None,
        done: bool = True,
        run: str | None = None,
        now: int,
    ) -> None:
        """Move the baseline to what was observed.

        `decided`: see `Plan`; `done`: no plan waits any more. What `run` wrote stands in these scopes.
        """

        def write(db: sqlite3.Connection) -> None:
            baseline.agree(db, pair, feature, scopes, learned, now=now)
            decisions.follow(db, pair, feature, decided or {})
            if done:
                held.release(db, pair, feature)
            if run is not None:
                journal.stand_in(db, pair, run, feature, scopes)

        await self._do(write)

    async def oldest(self, pair: str, feature: Feature, before: int, count: int) -> tuple[str, ...]:
        """Return the keys that both sides have held longest, since a time before the given one."""
        return await self._do(lambda db: baseline.oldest(db, pair, feature, before, count))

    # --- journal and ledger ---------------------------------------------------------------------

    async def intend(
        self,
        pair: str,
        run: str,
        changes: Iterable[Change],
        now: int,
        *,
        account: str | None = None,
        scope: str | None = None,
    ) -> None:
        """Record that the changes are about to be written.

        `account`: it dates plays itself, see `ledger`. `scope`: what the side is read through.
        """
        changes = tuple(changes)

        def write(db: sqlite3.Connection) -> None:
            journal.announce(db, pair, run, changes, now, scope=scope)
            if account is not None:
                ledger.announce(db, account, pair, run, changes, now=now)

        await self._do(write)

    async def record(
        self,
        pair: str,
        run: str,
        announced: Iterable[Change],
        outcomes: Iterable[Outcome],
        now: int,
        *,
        account: str | None = None,
        thaws: bool = False,
    ) -> None:
        """Record how announced writes ended, and let items that a service refused rest for a while.

        Those without an outcome may be under way until `now`. `thaws`: see `Thawing`.
        """
        announced, outcomes = tuple(announced), tuple(outcomes)

        def write(db: sqlite3.Connection) -> None:
            journal.settle(db, pair, run, announced, outcomes, now=now)
            if account is not None:
                ledger.settle(db, account, run, outcomes, now)
            for o in outcomes:
                if o.status is OutcomeStatus.UNRESOLVED:
                    unresolved.remember_refusal(
                        db, pair, o.change, o.reason or "refused", now, retry_at=o.retry_at, thaws=thaws
                    )

        await self._do(write)

    async def unanswered_since(self, pair: str, feature: Feature) -> int | None:
        """When the newest write was announced of which nobody knows yet whether it landed."""
        return await self._do(lambda db: journal.unanswered_since(db, pair, feature))

    async def recent(
        self,
        pair: str,
        feature: Feature,
        since: int,
        until: int,
        *,
        taken_since: int,
        scopes: Mapping[Side, str],
    ) -> Recent:
        """Return what was written from `since` to `until`, and removals that no read has shown yet.

        What other pairs have written through the same `scopes` is part of it.
        """

        def read(db: sqlite3.Connection) -> Recent:
            peers = baseline.peers(db, pair, feature, scopes)
            return journal.recent(db, pair, feature, since, until, taken_since=taken_since, peers=peers)

        return await self._do(read)

    async def removals(
        self, pair: str, feature: Feature, since: int, *, line: int = 0
    ) -> dict[Side, set[str]]:
        """Return the keys of what was, or may have been, taken away from each side, after a line if given."""
        return await self._do(lambda db: journal.removals(db, pair, feature, since, line=line))

    async def written(
        self, pair: str, feature: Feature, since: int, until: int
    ) -> dict[Side, dict[str, Written]]:
        """Return the last write of each rating or position that no read has shown, or of that time."""
        return await self._do(lambda db: journal.written(db, pair, feature, since, until))

    async def marks(self, account: str, pair: str) -> tuple[Mark, ...]:
        """Return the plays that any pair has written at an account that dates them itself."""
        return await self._do(lambda db: ledger.load(db, account, pair))

    async def lines_of_run(self, pair: str, run: str) -> tuple[Line, ...]:
        """Return what a run of the pair wrote, in its order."""
        return await self._do(lambda db: lines.of_run(db, pair, run))

    async def written_items(self, pair: str, feature: Feature, keys: Iterable[str]) -> dict[str, Item]:
        """Return what was written last under these keys, by key."""
        return await self._do(lambda db: lines.items(db, pair, feature, keys))

    async def undoable(self, pair: str, runs: Iterable[str]) -> frozenset[str]:
        """Return those of these runs that have changed something, as far as the journal still knows."""
        return await self._do(lambda db: lines.standing(db, pair, runs))

    async def lines_of_items(self, pair: str, feature: Feature, items: Collection[str]) -> tuple[Line, ...]:
        """Return what was written of items, by their keys, newest first."""
        return await self._do(lambda db: lines.of_items(db, pair, feature, items))

    async def written_names(self, pair: str, feature: Feature, text: str) -> dict[str, str]:
        """Return names of what was written under a name like this, by key."""
        return await self._do(lambda db: lines.naming(db, pair, feature, text))

    # --- unresolved -----------------------------------------------------------------------------

    async def resting(self, pair: str, feature: Feature, now: int) -> dict[Side, dict[str, str]]:
        """Keys a service refused and that are not due again yet, with the reason."""
        return await self._do(lambda db: unresolved.resting(db, pair, feature, now))

    async def note_unresolved(
        self,
        pair: str,
        feature: Feature,
        rows: Iterable[Unresolved],
        *,
        refused: Iterable[Change] = (),
        unshown: Iterable[Change] = (),
        now: int,
    ) -> None:
        """Remember what this run could not write; what it does not name is solved.

        `refused` are changes a service refused in this run, `unshown` accepted ones that a read after
        them did not show.
        """
        rows, refused, unshown = tuple(rows), tuple(refused), tuple(unshown)

        def write(db: sqlite3.Connection) -> None:
            unresolved.remember_unshown(db, pair, unshown, now)
            keep = {change.key for change in (*refused, *unshown)}
            unresolved.note_unresolved(db, pair, feature, rows, refused=keep, now=now)

        await self._do(write)

    async def unresolved(self, pair: str) -> tuple[UnresolvedRow, ...]:
        """Return all unresolved items of the pair."""
        return await self._do(lambda db: unresolved.load(db, pair))

    async def ignored(self, pair: str, feature: Feature) -> dict[Place, str]:
        """Return the unresolved items that a person does not want to hear of, with their reasons."""
        return await self._do(lambda db: unresolved.ignored_ones(db, pair, feature))

    async def ignore_item(self, pair: str, feature: Feature, side: Side, key: str) -> bool:
        """Count an unresolved item as trouble no longer, and return whether there is such an item.

        It stays listed, and is written as soon as it can be. Another reason is told again.
        """
        return await self._do(lambda db: unresolved.ignore(db, pair, feature, (side, key), ignored=True))

    async def unignore_item(self, pair: str, feature: Feature, side: Side, key: str) -> bool:
        """Count it again."""
        return await self._do(lambda db: unresolved.ignore(db, pair, feature, (side, key), ignored=False))

    async def retry_items(self, pair: str, keys: Collection[str] | None = None) -> int:
        """Let unresolved items, without keys all of them, be tried in the next run; return how many.

        What was ignored counts again. `Engine.retry` tells the providers too, which may have files.
        """
        return await self._do(lambda db: unresolved.wake(db, pair, keys))

    async def take_back(
        self,
        pair: str,
        feature: Feature,
        run: str,
        undoing: Undoing,
        *,
        now: int,
    ) -> None:
        """Remember what is about to be undone, by a run, so that it stays undone."""

        def write(db: sqlite3.Connection) -> None:
            decisions.decide(db, pair, feature, undoing.decisions, run=run, now=now)
            baseline.take_back(db, pair, feature, undoing.forgotten, undoing.values)

        await self._do(write)

    # --- mappings -------------------------------------------------------------------------------

    async def mappings(self) -> dict[str, int]:
        """Return the TMDb ids that were given to titles, by what those are known by."""
        return await self._do(mapping.load)

    async def map_item(self, wanted: str, kind: Kind, tmdb: int) -> None:
        """Give a title its TMDb id, for all pairs, from their next run on.

        `wanted` is the key of anything of the title, or an id of it such as `imdb:tt0133093`; `tmdb` is the
        show's for a season or episode. Raises `NotMappableError`.
        """
        title = mapping.known_by(wanted, kind)
        await self._do(lambda db: mapping.keep(db, title, tmdb))

    async def unmap_item(self, wanted: str, kind: Kind) -> bool:
        """Take it back and return whether there was one. No run may be under way."""
        title = mapping.known_by(wanted, kind)
        return await self._do(lambda db: mapping.drop(db, title))

    # --- what a person says ---------------------------------------------------------------------

    async def held(self, pair: str) -> tuple[HeldPlan, ...]:
        """Return the plans that wait for a person."""
        return await self._do(lambda db: held.waiting(db, pair))

    async def hold(self, pair: str, plan: HeldPlan) -> None:
        """Let a plan wait for a person, in the place of what waited before."""
        await self._do(lambda db: held.hold(db, pair, plan))

    async def approval(self, pair: str, feature: Feature) -> Approval:
        """Return what a person has approved and is not done yet, and when one did so last."""
        return await self._do(lambda db: held.approval(db, pair, feature))

    async def begin_approved(self, pair: str, feature: Feature) -> None:
        """Note that the approved plan is being carried out: from here on what is left of it may go on."""
        await self._do(lambda db: held.begin(db, pair, feature))

    async def approve_plan(self, pair: str, feature: Feature, plan_hash: str, now: int) -> None:
        """Let the next run carry out the plan if it comes to the same. Raises `PlanGoneError`."""
        await self._do(lambda db: held.approve(db, pair, feature, plan_hash, now))

    async def reject_plan(self, pair: str, feature: Feature, plan_hash: str, now: int) -> None:
        """Leave out each change of the plan until its item changes. Raises `PlanGoneError`."""
        await self._do(lambda db: held.reject(db, pair, feature, plan_hash, now))

    async def decide(
        self, pair: str, feature: Feature, said: Iterable[Decision], *, run: str | None = None, now: int
    ) -> None:
        """Leave out changes until their items change. A decision names the side that would be written."""
        said = tuple(said)
        await self._do(lambda db: decisions.decide(db, pair, feature, said, run=run, now=now))

    async def decisions(self, pair: str, feature: Feature) -> tuple[Decision, ...]:
        """Return what a person has said about changes, the oldest first."""
        return await self._do(lambda db: decisions.load(db, pair, feature))

    # --- runs -----------------------------------------------------------------------------------

    async def keep_run(self, report: RunReport) -> None:
        """Store a report and forget the pair's oldest ones."""

        def write(db: sqlite3.Connection) -> None:
            told = json.dumps(report.as_dict())
            db.execute(
                "INSERT INTO run (id, pair, started_at, succeeded, report) VALUES (?, ?, ?, ?, ?)",
                (report.run_id, report.pair_id, report.started_at, report.succeeded, told),
            )
            upkeep.prune_runs(db, report.pair_id, report.started_at)

        await self._do(write)

    async def prune(self, pair: str, now: int) -> None:
        """Let the pair's journal forget what is long over, a little at a time."""
        while await self._do(lambda db: upkeep.prune(db, pair, now)):
            pass

    async def runs(self, pair: str, limit: int = KEPT_RUNS) -> tuple[RunReport, ...]:
        """Return the pair's reports, newest first."""

        def read(db: sqlite3.Connection) -> list[tuple[str]]:
            return db.execute(
                "SELECT report FROM run WHERE pair = ? ORDER BY rowid DESC LIMIT ?", (pair, limit)
            ).fetchall()

        return with_undone(RunReport.from_dict(json.loads(text)) for (text,) in await self._do(read))

    async def is_pruned(self, pair: str, run: str) -> bool:
        """Whether the journal has forgotten what a run of the pair wrote."""
        query = "SELECT 1 FROM run WHERE pair = ? AND id = ? AND pruned"
        return await self._do(lambda db: db.execute(query, (pair, run)).fetchone() is not None)

    async def last_run(self, pair: str) -> RunReport | None:
        """Return the pair's newest report."""
        return next(iter(await self.runs(pair, 1)), None)

    async def last_success(self, pair: str) -> int | None:
        """Return when the pair's newest successful run ended."""

        def read(db: sqlite3.Connection) -> str | None:
            row = db.execute(
                "SELECT report FROM run WHERE pair = ? AND succeeded ORDER BY rowid DESC LIMIT 1", (pair,)
            ).fetchone()
            return row[0] if row else None

        text = await self._do(read)
        return None if text is None else RunReport.from_dict(json.loads(text)).finished_at

    async def reset(self, pair: str, features: Iterable[Feature]) -> None:
        """Forget what both sides agreed on, as if the pair had never run: the next run only adds."""
        await self._do(lambda db: upkeep.reset(db, pair, features))

    async def export(self, pair: str) -> Mapping[str, list[dict[str, Any]]]:
        """Return every row about the pair, by table."""
        return await self._do(lambda db: upkeep.export(db, pair))

    async def forget_pair(self, pair: str) -> None:
        """Delete everything about the pair."""

        def write(db: sqlite3.Connection) -> None:
            for table in ("alias", "scope", "baseline", "journal", "unresolved", "run", "held", "decision"):
                db.execute(f"DELETE FROM {table} WHERE pair = ?", (pair,))  # noqa: S608 - fixed names
            # under the name of an account its writes stay known: what they made is still there
            db.execute(
                "DELETE FROM ledger WHERE account IN (?, ?)", tuple(own_account(pair, side) for side in Side)
            )

        await self._do(write)

    async def forget_account(self, account: str) -> None:
        """Delete what is known of writes at an account that nothing is read from any more."""
        await self._do(lambda db: ledger.forget(db, account))


def own_account(pair: str, side: Side) -> str:
    """Name of a pair's account in the ledger where the account itself has no name."""
    return f"{pair}:{side}"
