"""Lives of a pair whose entries have values, and whose one side dates plays itself.

Every rating and every stop of a person is another value, so that a value tells who gave it and when. The
limits within which nothing may be lost, doubled or put back are those of `machine.py`; besides:

- What a read hides without saying so, ratings and positions of the baseline, it hides for some minutes, in
  however many runs, at both sides at once if it must be; then comes an honest read. A rating that is given
  and taken away from the other side within a day may come back then.
- People are a minute apart. The undated side tells the time of its writes to some seconds, or not at all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from custom_components.crosswatch.sync.database import StateError
from custom_components.crosswatch.sync.engine import RunRequest
from custom_components.crosswatch.sync.models import (
    PRESENT,
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Item,
    Missing,
    Play,
    Rating,
    Resume,
    Scope,
    Side,
)
from custom_components.crosswatch.sync.plan_ratings import CLOCKS
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, movie
from .simside import FOG, LIES, READ_ERRORS, Read, Row, SimSide, Stop, Trouble, Write
from .world import PAIR, World

DAY = 24 * HOUR
THREE = (Feature.HISTORY, Feature.RATINGS, Feature.PROGRESS)
VALUED = THREE[1:]
TITLES = 7
LENGTH = 1000 * 60_000
"""Milliseconds: a percent is ten minutes, and every stop of a person is another percent."""

type Place = tuple[Feature, int]
"""A title's rating or position."""


@dataclass(slots=True)
class Habits:
    """What a service makes of what it is told."""

    undated: bool = False
    logs: bool = True
    tells_when: bool = True
    lossy: bool = False
    drift: int = 0


class ValueSide(SimSide):
    """A side that replaces ratings and positions, and may date plays itself."""

    habits = Habits()

    def told(self, feature: Feature, rows: Sequence[Row]) -> list[Entry]:
        """The last value of each title; of plays those that are logged."""
        if feature in VALUED:
            if self.last_read[feature] in LIES:
                # what hides a value shows no older one instead
                landed = [row for row in self.rows[feature] if row.landed_at <= self._time.true]
                true = {id(row) for row in current(landed).values()}
                rows = [row for row in rows if id(row) in true]
            return [row.entry for row in current(rows).values()]
        return [row.entry for row in rows if self.habits.logs or not row.by_engine or not self.habits.undated]

    def watched(self, feature: Feature, rows: Sequence[Row]) -> tuple[Item, ...]:
        """Everything that was played or marked."""
        if feature is not Feature.HISTORY or not self.habits.undated:
            return ()
        return tuple({row.entry.item.name: row.entry.item for row in rows if not row.unwatched}.values())

    def _take(self, feature: Feature, entry: Entry, *, late: bool) -> Row | None:
        """Take a title's values away; of plays that the service dates itself nothing but the mark."""
        rows = [row for row in self.rows[feature] if number_of(row.entry) == number_of(entry)]
        for row in rows:
            if feature is Feature.HISTORY:
                row.unwatched = True
            else:
                self.rows[feature].remove(row)
        return None

    def make(self, feature: Feature, entry: Entry) -> Entry:
        """Date plays with now, and positions too; keep whole percents of them."""
        if isinstance(entry, Play) and self.habits.undated:
            return replace(entry, watched_at=int(self._time.true) + self.habits.drift)
        if isinstance(entry, Resume) and self.habits.lossy:
            percent = LENGTH // 100
            return replace(entry, position_ms=entry.position_ms // percent * percent, at=int(self._time.true))
        return entry

    def written_at(self, row: Row | None) -> int | None:
        """Tell when, without the drift."""
        if row is None or not isinstance(row.entry, Play) or not self.habits.undated:
            return None
        at = row.entry.watched_at
        return at - self.habits.drift if at is not None and self.habits.tells_when else None


def number_of(entry: Entry) -> int:
    """Tell a title."""
    return entry.item.ids.tmdb or 0


def current(rows: Sequence[Row]) -> dict[int, Row]:
    """The rows that count: of each title the last one that has landed."""
    return {number_of(row.entry): row for row in sorted(rows, key=lambda row: row.landed_at)}


def value_of(entry: Entry) -> int:
    """What tells one act of a person from another."""
    if isinstance(entry, Rating):
        return entry.tenths
    assert isinstance(entry, Resume)
    return entry.position_ms * 100 // LENGTH


class ValueMachine(World[ValueSide]):
    """One pair from its first run on."""

    def __init__(self) -> None:
        """A pair of empty sides."""
        super().__init__(ValueSide)
        self.acts: dict[tuple[Place, int], float] = {}
        """When a person gave a value."""
        self.used: Counter[Place] = Counter()
        self.gone: dict[Side, set[Place]] = {side: set() for side in Side}
        """Taken away by a person at a side."""
        self.stay_away: dict[Side, set[Place]] = {side: set() for side in Side}
        """Of these, those that were agreed and that nobody has touched since."""
        self.known_gone: dict[Side, set[Place]] = {side: set() for side in Side}
        """Of those taken away, what the engine knew both sides to hold."""
        self.deleted: set[tuple[int, int]] = set()
        """Plays that a person has deleted at the side that keeps dates, whichever way the pair goes."""
        self.plays: dict[Side, Counter[tuple[int, int]]] = {side: Counter() for side in Side}
        """What people have watched: titles and times."""
        self.unplayed: set[tuple[int, int]] = set()
        """Plays that a person has deleted at the side that keeps their dates."""
        self.unmarked: set[int] = set()
        """Titles that a person has marked unwatched."""
        self.lied: dict[tuple[Side, Feature], float] = {}
        """Since when, in true time, reads have been wrong."""
        self.hidden: set[tuple[Side, Place]] = set()
        """What they hid."""
        for side, sim in self.sides.items():
            sim.on_store = partial(self.check_store, side)
            sim.may_hide = partial(self.may_hide, side)

    @initialize(
        direction=st.sampled_from(Direction),
        undated=st.sampled_from(Side),
        logs=st.booleans(),
        tells_when=st.booleans(),
        lossy=st.sampled_from((None, *Side)),
        drift=st.integers(-9, 9),
        removals=st.booleans(),
        settled=st.lists(
            st.tuples(st.sampled_from(Side), st.integers(1, TITLES)), max_size=8, unique_by=lambda row: row[1]
        ),
    )
    def begin(
        self,
        direction: Direction,
        undated: Side,
        logs: bool,
        tells_when: bool,
        lossy: Side | None,
        drift: int,
        removals: bool,
        settled: list[tuple[Side, int]],
    ) -> None:
        """Choose the pair, and what is in step from the beginning."""
        self.direction, self.undated, self.dated = direction, undated, undated.other
        for side, sim in self.sides.items():
            sim.habits = Habits(
                undated=side is undated, logs=logs, tells_when=tells_when, lossy=side is lossy, drift=drift
            )
        able = self.sides[undated].capabilities
        self.sides[undated].capabilities = {
            **able,
            Feature.HISTORY: replace(able[Feature.HISTORY], dated=False),
        }
        self.request = RunRequest(
            pair_id=PAIR, direction=direction, features=THREE, scope=Scope(pair_id=PAIR), trigger="test"
        )
        self.switch(removals)
        for side, number in settled:
            for feature in VALUED:
                self.give(side, feature, number)
            self.watch(side, number, 1)
        if settled:
            self.go()

    @rule(removals=st.booleans())
    def switch(self, removals: bool) -> None:
        """A person switches removals on or off."""
        self.request = replace(
            self.request, settings=PairSettings(removals=frozenset(THREE) if removals else frozenset())
        )

    # --- what is true ---------------------------------------------------------------------------

    def rows(self, side: Side, place: Place) -> list[Row]:
        """Rows of a title."""
        return [row for row in self.sides[side].rows[place[0]] if number_of(row.entry) == place[1]]

    def held(self, side: Side, place: Place) -> int | None:
        """The value a side holds or is about to."""
        row = current(self.rows(side, place)).get(place[1])
        return None if row is None else value_of(row.entry)

    def baseline(self, feature: Feature) -> set[int]:
        """Titles, or for history nothing, that are agreed now."""
        scopes = {side: sim.scope_hash for side, sim in self.sides.items()}
        known = self.runner.run(self.state.known(PAIR, feature, scopes)).baseline
        return {int(key.split("#")[0].split(":")[2]) for key, missing in known.items() if missing == PRESENT}

    def known(self, feature: Feature) -> set[int]:
        """Titles of which the baseline says anything."""
        scopes = {side: sim.scope_hash for side, sim in self.sides.items()}
        known = self.runner.run(self.state.known(PAIR, feature, scopes)).baseline
        return {int(key.split("#")[0].split(":")[2]) for key in known}

    def agreed_plays(self) -> set[tuple[int, int]]:
        """Plays that are agreed now."""
        return {play for play, missing in self.known_plays().items() if missing == PRESENT}

    def known_plays(self) -> dict[tuple[int, int], Missing]:
        """Plays of which the baseline says anything."""
        scopes = {side: sim.scope_hash for side, sim in self.sides.items()}
        known = self.runner.run(self.state.known(PAIR, Feature.HISTORY, scopes)).baseline
        pairs = ((key.split(":")[2].split("@"), missing) for key, missing in known.items())
        return {(int(title), int(at)): missing for (title, at), missing in pairs}

    def may_hide(self, side: Side, feature: Feature, entry: Entry) -> bool:
        """Whether a wrong read may hide a row."""
        place = (feature, number_of(entry))
        if feature not in VALUED:
            return False
        name = f"movie:tmdb:{number_of(entry)}" + ("#rating:overall" if feature is Feature.RATINGS else "")
        row = self.state._connection.execute(
            f"SELECT missing_at_{side} FROM baseline WHERE feature = ? AND key = ?",  # noqa: S608 - own names
            (feature, name),
        ).fetchone()
        if row is None or (row != (0,) and (side, place) not in self.hidden):
            return False
        at = entry.rated_at if isinstance(entry, Rating) else None
        if at is not None and self.held(side.other, place) is None and at + CLOCKS >= self.time.true:
            # nobody can tell it from one that was taken off both sides and given anew
            self.stay_away[side.other].discard(place)
        self.hidden.add((side, place))
        return True

    # --- what must never happen -----------------------------------------------------------------

    def check_store(self, side: Side, change: Change) -> None:
        """Judge a write at the moment it arrives."""
        if self.direction is Direction.ONE_WAY:
            assert side is Side.TARGET, "one-way"
        if change.action is Action.REMOVE:
            self.check_removal(side, change)
            return
        if isinstance(change.entry, Play):
            self.check_play(side, change.entry)
            return
        place = (change.feature, number_of(change.entry))
        value = value_of(change.entry)
        assert (place, value) in self.acts, f"a value nobody gave: {change}"
        assert place not in self.stay_away[side], f"brought back: {change}"
        before = self.held(side, place)
        if before == value and isinstance(change.entry, Resume):
            (row,) = current(self.rows(side, place)).values()
            assert isinstance(row.entry, Resume)
            assert change.entry.position_ms >= row.entry.position_ms, f"back to our own echo: {change}"
        assert before is None or change.action is Action.UPDATE or side in self.hiding, change
        if before is None or (change.feature, self.direction) == (Feature.RATINGS, Direction.ONE_WAY):
            return
        assert self.acts[place, value] >= self.acts[place, before], f"{before} was newer: {change}"

    def check_removal(self, side: Side, change: Change) -> None:
        """Judge what the engine takes away."""
        assert change.feature in self.request.settings.removals, "removals are off"
        assert change.feature is not Feature.PROGRESS, f"cleared: {change}"
        title = number_of(change.entry)
        place = (change.feature, title)
        if change.feature is Feature.RATINGS:
            assert self.held(side.other, place) is None, f"lost: {change}"
            assert place in self.known_gone[side.other], f"lost: {change}"
            return
        assert side is self.undated, f"nothing proves that it was taken away: {change}"
        assert not self.rows(self.dated, place), f"unwatched while a play is left: {change}"
        real = {play for play, count in self.plays[self.undated].items() if play[0] == title and count}
        assert real <= self.deleted, f"unwatched over a play of its own: {change}"

    def check_play(self, side: Side, play: Play) -> None:
        """Judge a play that is written."""
        title = number_of(play)
        if side is self.undated:
            marked = [row for row in self.rows(side, (Feature.HISTORY, title)) if not row.unwatched]
            assert not marked, f"marked twice: {play}"
            assert title not in self.unmarked, f"marked again: {play}"
            return
        at = play.watched_at or 0
        assert self.plays[self.undated][title, at], f"a play that nobody watched: {play}"
        times = [
            row.entry.watched_at
            for row in self.rows(side, (Feature.HISTORY, title))
            if isinstance(row.entry, Play)
        ]
        assert at not in times, f"doubled: {play}"
        assert (title, at) not in self.unplayed, f"brought back: {play}"

    # --- people ---------------------------------------------------------------------------------

    def act(self) -> None:
        """Nobody does two things within a minute."""
        self.time.true += 61

    @rule(
        side=st.sampled_from(Side),
        feature=st.sampled_from(VALUED),
        numbers=st.lists(st.integers(1, TITLES), min_size=1, max_size=5, unique=True),
    )
    def rate_or_stop(self, side: Side, feature: Feature, numbers: list[int]) -> None:
        """A person rates things or stops watching them."""
        for number in numbers:
            self.give(side, feature, number)

    def give(self, side: Side, feature: Feature, number: int) -> None:
        """Give one title another value."""
        self.act()
        place = (feature, number)
        self.used[place] += 1
        # every act another value, up and down
        value = 10 + self.used[place] * 37 % 83
        if (place, value) in self.acts:
            return
        self.acts[place, value] = self.time.true
        item, at = movie(number), int(self.time.true)
        entry: Entry = (
            Rating(item=item, tenths=value, rated_at=at)
            if feature is Feature.RATINGS
            else Resume(
                item=item, position_ms=value * LENGTH // 100 + LENGTH // 300, duration_ms=LENGTH, at=at
            )
        )
        self.replace_rows(side, place, entry)
        for sides in (self.gone, self.stay_away, self.known_gone):
            sides[side].discard(place)
            sides[side.other].discard(place)

    def replace_rows(self, side: Side, place: Place, entry: Entry | None) -> None:
        """Put an entry in the place of all there is."""
        rows = self.sides[side].rows[place[0]]
        rows[:] = [row for row in rows if number_of(row.entry) != place[1]]
        if entry is not None:
            rows.append(Row(entry=entry, landed_at=self.time.true))

    @rule(side=st.sampled_from(Side), choose=st.data(), many=st.booleans())
    def take(self, side: Side, choose: st.DataObject, many: bool) -> None:
        """A person takes ratings or positions away."""
        held = [(f, n) for f in VALUED for n in range(1, TITLES + 1) if self.held(side, (f, n)) is not None]
        if held:
            first = choose.draw(st.sampled_from(held))
            for place in held if many else [first]:
                self.take_one(side, place)

    def take_one(self, side: Side, place: Place) -> None:
        """Take one away."""
        feature, number = place
        if self.held(side, place) is None or any(
            row.landed_at > self.time.true for row in self.rows(side, place)
        ):
            return
        self.act()
        other = self.held(side.other, place)
        if (
            other == self.held(side, place)
            and number in self.baseline(feature)
            and (self.direction is Direction.TWO_WAY or feature is Feature.PROGRESS)
            and not self.open_writes(feature)
        ):
            self.stay_away[side].add(place)
        self.replace_rows(side, place, None)
        self.gone[side].add(place)
        if number in self.known(feature):
            self.known_gone[side].add(place)

    def open_writes(self, feature: Feature) -> bool:
        """Whether the engine waits to see something of a feature."""
        row = self.state._connection.execute(
            "SELECT count(*) FROM journal WHERE feature = ? "
            "AND state IN ('intended', 'applied', 'already', 'uncertain')",
            (feature,),
        ).fetchone()
        return bool(row[0])

    @rule(side=st.sampled_from(Side), number=st.integers(1, TITLES), days=st.integers(0, 3))
    def watch(self, side: Side, number: int, days: int) -> None:
        """A person watches something, or tells the side that keeps dates of a day long ago."""
        self.time.true += HOUR
        days = days if side is self.dated else 0
        at = int(self.time.true) - days * 50 * DAY
        self.plays[side][number, at] += 1
        row = Row(entry=Play(item=movie(number), watched_at=at), landed_at=self.time.true)
        there = [each.entry for each in self.rows(self.dated, (Feature.HISTORY, number))]
        times = [entry.watched_at or 0 for entry in there if isinstance(entry, Play)]
        # what is deleted there is known for a while: nobody can tell whether it was so before this one came
        times += [when for title, when in self.known_plays() if title == number]
        self.sides[side].rows[Feature.HISTORY].append(row)
        if all(at > when for when in times):
            # a later watching may be marked again, an older one that turns up is none
            self.unmarked.discard(number)

    @rule(number=st.integers(1, TITLES))
    def delete_play(self, number: int) -> None:
        """A person deletes a play at the side that keeps dates."""
        rows = self.rows(self.dated, (Feature.HISTORY, number))
        if not rows or self.open_writes(Feature.HISTORY):
            return
        row = rows[0]
        assert isinstance(row.entry, Play)
        play = (number, row.entry.watched_at or 0)
        if play not in self.agreed_plays():
            return
        self.sides[self.dated].rows[Feature.HISTORY].remove(row)
        self.deleted.add(play)
        if self.direction is Direction.TWO_WAY:
            self.unplayed.add(play)

    @rule(number=st.integers(1, TITLES))
    def unmark(self, number: int) -> None:
        """A person marks something unwatched."""
        rows = self.rows(self.undated, (Feature.HISTORY, number))
        known = {at for title, at in self.agreed_plays() if title == number}
        there = self.rows(self.dated, (Feature.HISTORY, number))
        times = {row.entry.watched_at for row in there if isinstance(row.entry, Play)}
        if not rows or self.open_writes(Feature.HISTORY) or not times <= known:
            return
        # what was deleted at the other side since the last run is still known, and says the same
        acts = times or (
            any(not row.unwatched for row in rows) and any(title == number for title, _ in self.known_plays())
        )
        for row in rows:
            self.sides[self.undated].rows[Feature.HISTORY].remove(row)
            assert isinstance(row.entry, Play)
            self.plays[self.undated].pop((number, row.entry.watched_at or 0), None)
        if self.direction is Direction.TWO_WAY and acts:
            self.unmarked.add(number)

    @rule(seconds=st.sampled_from((1, 30, 300, HOUR, 2 * DAY, 40 * DAY)))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.time.true += seconds

    # --- runs -----------------------------------------------------------------------------------

    @rule(
        reads=st.lists(st.sampled_from(Read), max_size=6),
        target_reads=st.lists(st.sampled_from(Read), max_size=6),
        writes=st.lists(st.sampled_from(Write), max_size=8),
        burst=st.sampled_from((1, 1, 3, 16)),
    )
    def run_in_trouble(
        self, reads: list[Read], target_reads: list[Read], writes: list[Write], burst: int
    ) -> None:
        """Run while services go wrong."""
        self.sides[Side.SOURCE].trouble = Trouble(list(reads), list(writes[::-1]), burst)
        self.sides[Side.TARGET].trouble = Trouble(list(target_reads), list(writes), burst)
        self.go()

    @rule(
        hows=st.tuples(*[st.sampled_from((Read.HALF, Read.HALF, Read.EMPTY, Read.HONEST))] * 2),
        pauses=st.lists(st.sampled_from((30, 120, 240)), min_size=1, max_size=3),
    )
    def run_in_fog(self, hows: tuple[Read, Read], pauses: list[int]) -> None:
        """Run some times within minutes, while one side or both show old lists."""
        for pause in pauses:
            for side, how in zip(Side, hows, strict=True):
                self.sides[side].trouble = Trouble([how] * 6)
            self.go()
            self.time.true += pause

    @rule(
        edits=st.lists(st.tuples(st.sampled_from(Side), st.integers(1, TITLES), st.booleans()), max_size=6),
        later=st.sampled_from((0, 60, 900)),
    )
    def run(self, edits: list[tuple[Side, int, bool]], later: int) -> None:
        """Run while all is well, after people have rated, watched, or taken away."""
        self.time.true += later
        for side, number, away in edits:
            for feature in VALUED:
                if away:
                    self.take_one(side, (feature, number))
                else:
                    self.give(side, feature, number)
        self.go()

    @rule(
        stop=st.sampled_from(Stop),
        at=st.integers(1, 90),
        writes=st.lists(st.sampled_from((Write.FINE, Write.LATE, Write.LOST)), max_size=8),
        burst=st.sampled_from((1, 1, 3, 16)),
    )
    def run_and_stop(self, stop: Stop, at: int, writes: list[Write], burst: int) -> None:
        """Run and be stopped in the middle."""
        for sim in self.sides.values():
            sim.trouble = Trouble([], list(writes), burst)
        self.go(stop, at)

    def go(self, stop: Stop | None = None, at: int = 0) -> RunReport | None:
        """Run once."""
        self.time.true += 1
        began = self.time.true
        self.clear_up()
        self.hiding = {side for side, sim in self.sides.items() if LIES.intersection(sim.trouble.reads)}
        for sim in self.sides.values():
            sim.last_read.clear()
            sim.outcomes.clear()
        report, error = self.runner.run(self.one_run(THREE, stop, at))
        for sim in self.sides.values():
            sim.trouble = Trouble()
            if stop is not None:
                for row in (row for rows in sim.rows.values() for row in rows):
                    row.shown = True
        if error is not None and stop is None:
            assert isinstance(error, KeyError), repr(error)
            assert not isinstance(error, StateError)
        if any(sim.dead for sim in self.sides.values()):
            self.open()
        self.note_lies(began)
        return report

    def clear_up(self) -> None:
        """Let the next reads of a side that has lied for minutes be honest ones."""
        for side, sim in self.sides.items():
            if any((side, f) in self.lied and self.lied[side, f] + FOG <= self.time.true for f in VALUED):
                sim.trouble.reads = [Read.HONEST if how in LIES else how for how in sim.trouble.reads]

    def note_lies(self, began: float) -> None:
        """Note since when a side has lied."""
        for side, sim in self.sides.items():
            for feature, how in sim.last_read.items():
                if how in LIES:
                    self.lied.setdefault((side, feature), began)
                elif how not in READ_ERRORS:
                    self.lied.pop((side, feature), None)
                    self.hidden = {
                        known for known in self.hidden if known[0] != side or known[1][0] != feature
                    }

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
        report = None
        for _ in range(6):
            self.time.true += 41 * DAY
            report = self.go()
        assert report is not None
        held = {f for f, told in report.features.items() if told.status is RunStatus.HELD}
        for feature, told in report.features.items():
            assert told.status in (RunStatus.OK, RunStatus.UNRESOLVED, RunStatus.HELD), report
            if feature not in held:
                assert (told.added, told.updated, told.errors) == (0, 0, 0), report
        for feature in VALUED:
            if feature not in held:
                self.check_values(feature)
        if Feature.HISTORY not in held:
            self.check_history()

    def check_values(self, feature: Feature) -> None:
        """Compare both sides."""
        for number in range(1, TITLES + 1):
            place = (feature, number)
            here, there = self.held(Side.SOURCE, place), self.held(Side.TARGET, place)
            if here is not None and there is not None:
                newer = feature is Feature.PROGRESS and self.direction is Direction.ONE_WAY
                if not (newer and self.acts[place, there] > self.acts[place, here]):
                    assert here == there, f"{place}: {here} and {there}"
            elif here is not None:
                assert place in self.gone[Side.TARGET], f"never written to the target: {place}"
            elif there is not None and self.direction is Direction.TWO_WAY:
                assert place in self.gone[Side.SOURCE], f"never written to the source: {place}"

    def check_history(self) -> None:
        """Everything watched at the side that dates plays is known to the other, and the other way round."""
        both = self.direction is Direction.TWO_WAY
        titles = {number_of(row.entry) for row in self.sides[self.undated].rows[Feature.HISTORY]}
        there = [
            (number_of(row.entry), row.entry.watched_at)
            for row in self.sides[self.dated].rows[Feature.HISTORY]
            if isinstance(row.entry, Play)
        ]
        assert len(there) == len(set(there)), "doubled"
        if both or self.dated is Side.TARGET:
            for (title, at), count in self.plays[self.undated].items():
                close = any(title == other and abs(at - (when or 0)) <= 900 for other, when in there)
                assert not count or close or (title, at) in self.unplayed, f"never imported: {title} {at}"
        if both or self.undated is Side.TARGET:
            for title in {title for title, _ in there} - self.unmarked:
                assert title in titles, f"never marked: {title}"
