"""Two sides, a person at each of them, and everything that can go wrong: whole lives of a pair.

A Hypothesis state machine with a model beside it. What a service may do is in `simside.py`; these are the
limits within which nothing may be lost or doubled:

- What a read hides without saying so it hides for some minutes, in however many runs, at both sides at once
  if it must be; then comes an honest read. It hides what is in the baseline and what the side has been seen
  to hold. A title without a date may come back if a person takes it away from the other side just then.
- A stale read shows what the engine wrote after two minutes at the latest, and what was shown once stays.
  A write that got no answer has landed after 20 seconds or never will. After a run that was stopped in the
  middle no read is stale.
- Both sides name a title by an id that the other one knows.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
)

from custom_components.crosswatch.sync.engine import RunRequest
from custom_components.crosswatch.sync.feature_run import UNDER_WAY
from custom_components.crosswatch.sync.guards import BRAKE_COUNT, FEW
from custom_components.crosswatch.sync.models import (
    PRESENT,
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Ids,
    Item,
    Missing,
    Play,
    Scope,
    Side,
    WatchlistEntry,
)
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, episode, listed, movie, play
from .simside import FOG, LIES, READ_ERRORS, WRITE_ERRORS, Read, Row, SimSide, Stop, Trouble, Write
from .world import PAIR, World

DAY = 24 * HOUR
BOTH = (Feature.WATCHLIST, Feature.HISTORY)
TITLES = 12

type Slot = tuple[Feature, str, int]
"""One thing that a side may hold: feature, title, and for a play which of the title's watchings."""


def slot_of(feature: Feature, entry: Entry) -> Slot:
    """Tell what an entry stands for, without asking the code under test."""
    item = entry.item
    name = f"{item.title}" if item.episode is None else f"{item.show_title} {item.season} {item.episode}"
    if isinstance(entry, Play):
        return feature, name, round((NOW - (entry.watched_at or 0)) / DAY)
    return feature, name, 0


def item_of(number: int, *, weak: bool = False) -> Item:
    """Title `number`: some are episodes, `weak` ones are known by a lesser id only."""
    if number % 4 == 3:
        return episode(number // 4 + 50, 0, number)
    known = movie(number, f"tt{number}", year=2000)
    ids = replace(known.ids, tmdb=None) if weak else known.ids
    return replace(known, ids=ids)


def entry_of(feature: Feature, number: int, watching: int, jitter: int, *, weak: bool = False) -> Entry:
    """Make an entry; `watching` counts days back, `jitter` is seconds, at most 450 either way."""
    if feature is Feature.WATCHLIST:
        return listed(movie(number, f"tt{number}", year=2000) if not weak else item_of(4 * number, weak=True))
    return play(item_of(number, weak=weak), NOW - watching * DAY + jitter)


def is_undated(entry: Entry) -> bool:
    """Whether nothing tells when it was added."""
    return isinstance(entry, WatchlistEntry) and entry.listed_at is None


@dataclass(slots=True)
class Model:
    """What has to hold, kept apart from what the engine thinks."""

    settled: set[Slot]
    """Seen on both sides by an honest run."""
    removed: dict[Side, set[Slot]]
    """Taken away by a person after it was settled, while the other side kept it: must stay away."""
    taken: dict[Side, set[Slot]]
    """Of these and of those of a one-way pair's source: what a person has taken from a side."""
    loose: set[tuple[Side, Slot]]
    """What the engine may take away since it can't know better."""
    unclear: set[Slot]
    """Removed on both sides one after the other: nothing is expected."""
    dates: set[tuple[str, int | None]]
    """All dates that a person or a service gave."""


class PairMachine(World[SimSide]):
    """One pair from its first run on."""

    def __init__(self) -> None:
        """A pair of empty sides."""
        super().__init__(SimSide)
        self.model = Model(
            settled=set(),
            removed={side: set() for side in Side},
            taken={side: set() for side in Side},
            loose=set(),
            unclear=set(),
            dates=set(),
        )
        self.lied: dict[tuple[Side, Feature], float] = {}
        """Since when, in true time, reads have been wrong."""
        self.hidden: dict[tuple[Side, Feature], set[Slot]] = {}
        """What they hid."""
        self.baseline: dict[str, Missing] = {}
        for side, sim in self.sides.items():
            sim.may_hide = partial(self.may_hide, side)
            sim.on_store = partial(self.check_store, side)

    # --- the world ------------------------------------------------------------------------------

    def may_hide(self, side: Side, feature: Feature, entry: Entry) -> bool:
        """Whether a wrong read may hide an entry: that is what the baseline can protect against."""
        missing, slot = self.baseline.get(self.key_of(feature, entry)), slot_of(feature, entry)
        hidden = self.hidden.setdefault((side, feature), set())
        if missing is None or (missing.at(side) and slot not in hidden):
            return False
        if is_undated(entry) and not self.slots(side.other, feature)[slot]:
            # nobody can tell it from one that was taken off both sides and added anew
            self.model.unclear.add(slot)
            self.model.removed[side.other].discard(slot)
        hidden.add(slot)
        return True

    def key_of(self, feature: Feature, entry: Entry) -> str:
        """Name an entry as the baseline does."""
        at = f"@{entry.watched_at}" if isinstance(entry, Play) else ""
        item = entry.item
        if item.episode is not None:
            return f"{feature} episode:tmdb:{item.show_ids.tmdb}:s{item.season:02d}e{item.episode:02d}{at}"
        return f"{feature} {item.title}{at}"

    def is_known(self, slot: Slot) -> bool:
        """Whether the baseline still has it."""
        feature, name, _ = slot
        for known in self.baseline:
            plain, _, at = known.removeprefix(f"{feature} ").partition("@")
            if not known.startswith(f"{feature} ") or plain not in (name, self.episode_key(name)):
                continue
            if not at or slot[2] == round((NOW - int(at)) / DAY):
                return True
        return False

    @staticmethod
    def episode_key(name: str) -> str | None:
        """Name an episode as a key does."""
        if not name.startswith("Show "):
            return None
        show, season, number = name.removeprefix("Show ").split()
        return f"episode:tmdb:{show}:s{int(season):02d}e{int(number):02d}"

    def slots(self, side: Side, feature: Feature | None = None) -> Counter[Slot]:
        """What a side truly holds or is about to, with how many rows."""
        features = BOTH if feature is None else (feature,)
        return Counter(slot_of(f, row.entry) for f in features for row in self.sides[side].rows[f])

    # --- what must never happen -----------------------------------------------------------------

    def check_store(self, side: Side, change: Change) -> None:
        """Judge a write at the moment it arrives."""
        slot = slot_of(change.feature, change.entry)
        assert (change.side, change.feature) == (side, slot[0])
        if self.direction is Direction.ONE_WAY:
            assert side is Side.TARGET, "one-way"
        if change.action is Action.REMOVE:
            self.check_removal(side, slot, change)
            return
        assert change.action is Action.ADD
        assert not self.slots(side)[slot], f"doubled {slot} on {side}: {change.rule}"
        assert slot not in self.model.removed[side], f"brought back {slot} on {side}: {change.rule}"
        at = change.entry.watched_at if isinstance(change.entry, Play) else None
        assert (slot[1], at) in self.model.dates, f"a date nobody gave: {change.entry}"

    def check_removal(self, side: Side, slot: Slot, change: Change) -> None:
        """Judge what the engine takes away: nothing but what a person took away on the other side."""
        assert change.feature in self.request.settings.removals, "removals are off"
        assert change.before == change.entry
        assert not self.slots(side.other)[slot], f"lost {slot}: {side.other} still has it"
        known = slot in self.model.taken[side.other] or (side, slot) in self.model.loose
        assert known, f"lost {slot} on {side}"
        for row in self.sides[side].rows[slot[0]]:
            if replace(row.entry, remote_id=None) == replace(change.entry, remote_id=None):
                self.lying.get(side, {}).pop(id(row), None)

    @invariant()
    def nothing_disappears(self) -> None:
        """Whatever a person or the engine put somewhere lies there until a person takes it."""
        for side, sim in self.sides.items():
            now = {id(row): row.entry for rows in sim.rows.values() for row in rows}
            for row_id, entry in self.lying.get(side, {}).items():
                assert now.get(row_id) == entry, f"{entry} vanished from {side}"
            self.lying[side] = now

    # --- the person -----------------------------------------------------------------------------

    @initialize(direction=st.sampled_from(Direction), strict=st.booleans(), removals=st.booleans())
    def begin(self, direction: Direction, strict: bool, removals: bool) -> None:
        """Choose the pair."""
        self.direction = direction
        self.lying: dict[Side, dict[int, Entry]] = {}
        self.sides[Side.TARGET].needs_tmdb = strict
        self.request = RunRequest(
            pair_id=PAIR,
            direction=direction,
            features=BOTH,
            scope=Scope(pair_id=PAIR),
            trigger="test",
        )
        self.switch(removals)

    @rule(removals=st.booleans())
    def switch(self, removals: bool) -> None:
        """A person switches removals on or off."""
        settings = PairSettings(removals=frozenset(BOTH) if removals else frozenset())
        self.request = replace(self.request, settings=settings)

    @rule(approve=st.booleans())
    def answer(self, approve: bool) -> None:
        """A person answers what waits."""
        now = int(self.time.clock())
        for plan in self.runner.run(self.state.held(PAIR)):
            say = self.state.approve_plan if approve else self.state.reject_plan
            self.runner.run(say(PAIR, plan.feature, plan.plan_hash, now))
            if not approve:
                # what a person does not want is not expected any more
                about = {slot for side in Side for slot in self.slots(side, plan.feature)}
                self.model.unclear |= about
                for side in Side:
                    self.model.removed[side] -= about

    @rule(
        side=st.sampled_from(Side),
        feature=st.sampled_from(BOTH),
        numbers=st.lists(st.integers(1, TITLES), min_size=1, max_size=9, unique=True),
        watching=st.integers(0, 2),
        jitter=st.integers(-440, 440),
        weak=st.booleans(),
    )
    def add(
        self, side: Side, feature: Feature, numbers: list[int], watching: int, jitter: int, weak: bool
    ) -> None:
        """A person lists or watches something, now and then twice within minutes."""
        weak = weak and side is Side.SOURCE and self.direction is Direction.ONE_WAY
        self.time.true += 1
        for number in numbers:
            entry = entry_of(feature, number, watching, jitter, weak=weak)
            if isinstance(entry, WatchlistEntry) and number % 2:
                if self.slots(side)[slot_of(feature, entry)]:
                    continue
                entry = replace(entry, listed_at=int(self.time.true))
            if side is Side.TARGET and self.sides[side].needs_tmdb:
                # a service that wants the best id knows no other
                item = replace(entry.item, ids=Ids(tmdb=entry.item.ids.tmdb))
                entry = replace(entry, item=item)
            self.gave(feature, entry, side)
            self.sides[side].rows[feature].append(Row(entry=self.sides[side].make(feature, entry)))

    def gave(self, feature: Feature, entry: Entry, side: Side) -> None:
        """Note what a person did."""
        slot = slot_of(feature, entry)
        self.model.dates.add((slot[1], entry.watched_at if isinstance(entry, Play) else None))
        if not self.slots(side)[slot] and slot in self.model.taken[side.other]:
            # nobody has it any more, and here it is anew; the engine may not have seen yet that it was gone
            if self.is_known(slot) and (is_undated(entry) or isinstance(entry, Play)):
                self.model.unclear.add(slot)
                self.model.loose.add((side, slot))
            self.model.taken[side.other].discard(slot)
            self.model.removed[side.other].discard(slot)
        self.model.removed[side].discard(slot)
        self.model.taken[side].discard(slot)

    @rule(side=st.sampled_from(Side), choose=st.data(), many=st.booleans())
    def remove(self, side: Side, choose: st.DataObject, many: bool) -> None:
        """A person takes something off a side."""
        slots = sorted(self.slots(side))
        if not slots:
            return
        first = choose.draw(st.sampled_from(slots))
        for slot in slots if many else [first]:
            if slot[0] is first[0]:
                self.take(side, slot)

    def take(self, side: Side, slot: Slot) -> None:
        """Take all rows of a slot away."""
        rows = self.sides[side].rows[slot[0]]
        doubtful = False
        for row in [row for row in rows if slot_of(slot[0], row.entry) == slot]:
            rows.remove(row)
            self.lying.get(side, {}).pop(id(row), None)
            doubtful |= is_undated(row.entry) and self.was_hidden_by_both(slot[0], row.entry)
        counts = side is Side.SOURCE or self.direction is Direction.TWO_WAY
        doubtful |= self.is_listed_anew(side.other, slot)
        if self.slots(side.other)[slot]:
            if slot in self.model.settled and not doubtful:
                # in a one-way pair the source decides, and its own rows are never written
                if self.direction is Direction.TWO_WAY:
                    self.model.removed[side].add(slot)
                if counts:
                    self.model.taken[side].add(slot)
            else:
                self.model.unclear.add(slot)
        else:
            if slot in self.model.removed[side.other] or slot in self.model.settled:
                self.model.unclear.add(slot)
                if counts:
                    # until somebody adds it anew
                    self.model.taken[side].add(slot)
            self.model.removed[side.other].discard(slot)
            self.model.settled.discard(slot)

    def is_listed_anew(self, side: Side, slot: Slot) -> bool:
        """Whether a side lists it since a later day than was agreed; nobody knows which act was the last."""
        scopes = {each: sim.scope_hash for each, sim in self.sides.items()}
        known = self.runner.run(self.state.known(PAIR, slot[0], scopes)).values
        for row in self.sides[side].rows[slot[0]]:
            if isinstance(row.entry, WatchlistEntry) and slot_of(slot[0], row.entry) == slot:
                values = known.get(f"movie:tmdb:{row.entry.item.ids.tmdb}")
                if values is not None and values.at(side) < (row.entry.listed_at or 0):
                    return True
        return False

    def was_hidden_by_both(self, feature: Feature, entry: Entry) -> bool:
        """Whether the last look found it on neither side: what shows it next may have it anew."""
        missing = self.baseline.get(self.key_of(feature, entry), PRESENT)
        return missing.source == missing.target == 1 and missing.source_since == missing.target_since

    @rule(side=st.sampled_from(Side), choose=st.data(), seconds=st.integers(-9, 9))
    def drift(self, side: Side, choose: st.DataObject, seconds: int) -> None:
        """A service gives a play a slightly other time."""
        rows = [row for row in self.sides[side].rows[Feature.HISTORY] if isinstance(row.entry, Play)]
        if not rows:
            return
        row = choose.draw(st.sampled_from(rows))
        assert isinstance(row.entry, Play)
        row.entry = replace(row.entry, watched_at=(row.entry.watched_at or 0) + seconds)
        self.lying.get(side, {}).pop(id(row), None)
        slot = slot_of(Feature.HISTORY, row.entry)
        self.model.dates.add((slot[1], row.entry.watched_at))

    @precondition(lambda self: self.direction is Direction.ONE_WAY)
    @rule()
    def identify(self) -> None:
        """The source learns the best ids of everything."""
        sim = self.sides[Side.SOURCE]
        for feature in BOTH:
            for row in sim.rows[feature]:
                item = row.entry.item
                if item.ids.imdb is not None:
                    better = replace(item.ids, tmdb=int(item.ids.imdb[2:]))
                    row.entry = replace(
                        row.entry, item=replace(item, ids=better, title=f"Movie {better.tmdb}")
                    )
                    self.lying.get(Side.SOURCE, {}).pop(id(row), None)
        self.be_honest({Side.SOURCE})

    def be_honest(self, sides: Collection[Side] = tuple(Side)) -> None:
        """Let the next reads be honest ones."""
        self.lied |= dict.fromkeys(product(sides, BOTH), self.time.true - FOG)

    @rule(side=st.sampled_from(Side), scope=st.sampled_from("ab"))
    def choose_scope(self, side: Side, scope: str) -> None:
        """A person selects other libraries, or the old ones again."""
        if self.sides[side].scope_hash != scope:
            self.sides[side].scope_hash = scope
            self.forget()

    def forget(self) -> None:
        """What was agreed says nothing any more, unless the old selection is back before the next run."""
        settled = frozenset(self.model.settled)
        self.model.settled.clear()
        for side in Side:
            self.model.unclear |= self.model.removed[side] | self.model.taken[side]
            # the old selection may be back before the next run
            known = self.model.taken[side] | settled
            self.model.loose |= {(side.other, slot) for slot in known}
            self.model.removed[side].clear()
            self.model.taken[side].clear()
        self.baseline.clear()

    @rule(seconds=st.sampled_from((1, 30, 300, HOUR, 2 * DAY, 40 * DAY)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.time.true += seconds

    @precondition(lambda self: not any(sim.in_flight() for sim in self.sides.values()))
    @rule(seconds=st.sampled_from((-2 * DAY, -HOUR, HOUR, 2 * DAY)))
    def jump(self, seconds: int) -> None:
        """The engine's clock is set."""
        self.time.true += UNDER_WAY
        self.time.offset += seconds
        # how old a write is can't be told any more, nor an absence; services have settled by then
        self.time.true += 2 * 60
        self.be_honest()

    # --- runs -----------------------------------------------------------------------------------

    @rule(
        features=st.sampled_from((BOTH, BOTH[:1], BOTH[1:])),
        reads=st.lists(st.sampled_from(Read), max_size=4),
        target_reads=st.lists(st.sampled_from(Read), max_size=4),
        writes=st.lists(st.sampled_from(Write), max_size=8),
        burst=st.sampled_from((1, 1, 3, 16)),
    )
    def run_in_trouble(
        self,
        features: tuple[Feature, ...],
        reads: list[Read],
        target_reads: list[Read],
        writes: list[Write],
        burst: int,
    ) -> None:
        """Run while services go wrong."""
        self.sides[Side.SOURCE].trouble = Trouble(list(reads), list(writes[::-1]), burst)
        self.sides[Side.TARGET].trouble = Trouble(list(target_reads), list(writes), burst)
        self.go(features)

    @rule(
        hows=st.tuples(*[st.sampled_from((Read.HALF, Read.HALF, Read.EMPTY, Read.HONEST))] * 2),
        pauses=st.lists(st.sampled_from((30, 120, 240)), min_size=1, max_size=3),
    )
    def run_in_fog(self, hows: tuple[Read, Read], pauses: list[int]) -> None:
        """Run some times within minutes, while one side or both show old lists."""
        for pause in pauses:
            for side, how in zip(Side, hows, strict=True):
                self.sides[side].trouble = Trouble([how] * 6)
            self.go(BOTH)
            self.time.true += pause

    @rule(features=st.sampled_from((BOTH, BOTH[:1], BOTH[1:])), later=st.sampled_from((0, 60, 900)))
    def run(self, features: tuple[Feature, ...], later: int) -> None:
        """Run while all is well."""
        self.time.true += later
        self.go(features)

    @rule(
        stop=st.sampled_from(Stop),
        at=st.integers(1, 60),
        writes=st.lists(st.sampled_from((Write.FINE, Write.LATE, Write.LOST)), max_size=8),
        burst=st.sampled_from((1, 1, 3, 16)),
    )
    def run_and_stop(self, stop: Stop, at: int, writes: list[Write], burst: int) -> None:
        """Run and be stopped in the middle, from outside or for good."""
        for sim in self.sides.values():
            sim.trouble = Trouble([], list(writes), burst)
        self.go(BOTH, stop, at)

    def go(self, features: tuple[Feature, ...], stop: Stop | None = None, at: int = 0) -> RunReport | None:
        """Run once and judge what came of it."""
        self.time.true += 1
        began = self.time.true
        for side, sim in self.sides.items():
            sim.outcomes.clear()
            sim.last_read.clear()
            # when a side has lied for minutes the next look is an honest one
            if any(self.lied.get((side, feature), began) + FOG <= began for feature in features):
                sim.trouble.reads = [Read.HONEST if how in LIES else how for how in sim.trouble.reads]
        before = {side: self.slots(side) for side in Side}
        report, error = self.runner.run(self.one_run(features, stop, at))
        for sim in self.sides.values():
            sim.trouble = Trouble()
            if stop is not None:
                for row in (row for rows in sim.rows.values() for row in rows):
                    row.shown = True
        if error is not None and stop is None:
            assert isinstance(error, KeyError), repr(error)
        if any(sim.dead for sim in self.sides.values()):
            self.open()
        self.learn(features, began)
        if report is not None:
            self.judge(report, before)
        return report

    def learn(self, features: tuple[Feature, ...], began: float) -> None:
        """Note what the run must have learned, from the baseline: that is what lies are measured against."""
        scopes = {side: sim.scope_hash for side, sim in self.sides.items()}
        for feature in features:
            baseline = self.runner.run(self.state.known(PAIR, feature, scopes)).baseline
            self.baseline = {n: m for n, m in self.baseline.items() if not n.startswith(f"{feature} ")}
            self.baseline |= {self.plain(f"{feature} {key}"): missing for key, missing in baseline.items()}
            here, there = (self.slots(side, feature) for side in Side)
            for slot in here.keys() & there.keys():
                rows = [
                    row.entry
                    for side in Side
                    for row in self.sides[side].rows[feature]
                    if slot_of(feature, row.entry) == slot
                ]
                if any(self.baseline.get(self.key_of(feature, entry)) == PRESENT for entry in rows):
                    self.model.settled.add(slot)
                    self.model.unclear.discard(slot)
                    self.model.loose -= {(side, slot) for side in Side}
                    for side in Side:
                        # it may have come back where nobody could tell
                        self.model.taken[side].discard(slot)
            for side, sim in self.sides.items():
                how = sim.last_read.get(feature)
                if how in LIES:
                    self.lied.setdefault((side, feature), began)
                elif how is not None and how not in READ_ERRORS:
                    self.lied.pop((side, feature), None)
                    self.hidden.pop((side, feature), None)

    @staticmethod
    def plain(name: str) -> str:
        """Name a key without its namespace: both ids of a title carry the same number."""
        feature, key = name.split(" ", 1)
        if key.startswith("movie:"):
            rest = key.split(":", 2)[2].removeprefix("tt")
            return f"{feature} Movie {rest}"
        return name

    def judge(self, report: RunReport, before: dict[Side, Counter[Slot]]) -> None:
        """Compare what the report tells with what happened."""
        told = {name: report.total(name) for name in ("added", "removed", "errors", "unconfirmed")}
        stored = sum((self.slots(side) - before[side]).total() for side in Side)
        changes = [change for sim in self.sides.values() for _, change in sim.outcomes]
        writes = [how for sim in self.sides.values() for how, _ in sim.outcomes]
        fine = {Write.FINE, Write.LATE, Write.STRANGE}
        if all(how in fine for how in writes):
            assert (told["added"], told["errors"]) == (stored, 0), report
            removals = sum(change.action is Action.REMOVE for change in changes)
            assert told["removed"] == removals, report
        sure = sum(how in fine for how in writes)
        assert told["added"] + told["removed"] <= len(writes)
        if not any(how in WRITE_ERRORS for how in writes):
            assert sure <= told["added"] + told["removed"], report
            dropped = sum(how in (Write.DROPPED, Write.LISTED) for how in writes)
            assert told["unconfirmed"] >= dropped, report
            assert told["errors"] >= sum(how in (Write.FAILED, Write.LOST, Write.MUTE) for how in writes), (
                report
            )
        bad = any(how not in fine for how in writes)
        if bad and not all(how in {*fine, Write.REJECTED, Write.LANDED, Write.SILENT} for how in writes):
            assert report.status not in (RunStatus.OK, RunStatus.UNRESOLVED), report
        for feature, told_feature in report.features.items():
            reads = [sim.last_read.get(feature) for sim in self.sides.values()]
            if any(how in READ_ERRORS for how in reads):
                assert told_feature.status not in (RunStatus.OK, RunStatus.UNRESOLVED), report

    # --- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Everything goes well from here on: what has to be in step gets there and stays there."""
        try:
            if hasattr(self, "request"):
                self.come_to_rest()
        finally:
            self.end()

    def come_to_rest(self) -> None:
        """Run until everything is written, then once more."""
        self.time.offset = max(self.time.offset, 0)
        report = self.quiet_runs(6)
        for _ in range(3):
            if report.status is not RunStatus.HELD:
                break
            self.check_held(report)
            # a person agrees
            self.answer(approve=True)
            report = self.quiet_runs(3)
        assert report.status in (RunStatus.OK, RunStatus.UNRESOLVED), report
        self.check_in_step()
        assert (report.total("added"), report.total("errors")) == (0, 0), report
        self.check_plans_are_equal()

    def quiet_runs(self, count: int) -> RunReport:
        """Run so many times, so far apart that nothing rests any more."""
        self.time.true += 41 * DAY
        report = self.go(BOTH)
        assert report is not None
        return self.quiet_runs(count - 1) if count > 1 else report

    def check_held(self, report: RunReport) -> None:
        """Only what is truly so may hold a plan for good."""
        for feature, told in report.features.items():
            if told.status is not RunStatus.HELD:
                continue
            assert told.error is not None
            if told.error.startswith("too_many_removals"):
                assert told.removed == 0
                assert told.held > FEW
                continue
            side = Side(told.error.partition("_")[0])
            if told.error.endswith("_oldest"):
                continue
            if told.error.endswith("_empty"):
                assert not self.slots(side, feature)
            else:
                lost = self.slots(side.other, feature).keys() - self.slots(side, feature).keys()
                assert len(lost) > BRAKE_COUNT

    def check_in_step(self) -> None:
        """Compare both sides."""
        source, target = (self.slots(side) for side in Side)
        if self.request.settings.removals:
            for side in Side:
                back = self.model.taken[side] & self.slots(side.other).keys() - self.model.unclear
                assert not back, f"still on {side.other}: {back}"
        writable = {
            slot
            for slot in source
            if not self.sides[Side.TARGET].needs_tmdb or any(self.strong(row) for row in self.rows_of(slot))
        }
        if self.direction is Direction.ONE_WAY:
            missing = writable - target.keys() - self.model.unclear
            assert not missing, f"never written: {missing}"
            return
        expected = source.keys() | target.keys()
        for side, held in ((Side.SOURCE, source), (Side.TARGET, target)):
            missing = expected - held.keys() - self.model.removed[side] - self.model.unclear
            assert not missing, f"never written to {side}: {missing}"

    def rows_of(self, slot: Slot) -> list[Row]:
        """Rows of the source."""
        return [r for r in self.sides[Side.SOURCE].rows[slot[0]] if slot_of(slot[0], r.entry) == slot]

    @staticmethod
    def strong(row: Row) -> bool:
        """Whether the target can take it."""
        return row.entry.item.ids.tmdb is not None or row.entry.item.show_ids.tmdb is not None

    def check_plans_are_equal(self) -> None:
        """Plan twice from the same rows in another order."""
        plans = []
        for how in (Read.HONEST, Read.SHUFFLED):
            for sim in self.sides.values():
                sim.trouble = Trouble([how] * 4)
            self.request = replace(self.request, dry_run=True)
            report = self.go(BOTH)
            assert report is not None
            assert report.total("added") == 0
            plans.append(report.plans)
        assert plans[0] == plans[1]
        assert repr(plans[0]) == repr(plans[1])
