"""History towards a service that dates plays itself, such as Plex: marked once, and never taken for new."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync import feature_run
from custom_components.crosswatch.sync.ledger import ECHO, LONGEST, Mark
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Direction,
    Entry,
    Feature,
    Item,
    Kind,
    Missing,
    OutcomeStatus,
    Play,
    Side,
)
from custom_components.crosswatch.sync.provider import Capability
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, FakeProvider, episode, listed, movie, play
from .lab import PAIR, Lab
from .planning import make_plan, told

ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
DAY = 24 * HOUR
M1 = "movie:tmdb:1"
EARLY, LATE = NOW - 20 * DAY, NOW - 10 * DAY
THERE, ONCE = Missing(), Missing(target=1)
DATED = Capability(kinds=frozenset(Kind))
UNDATED = Capability(kinds=frozenset(Kind), dated=False)


@pytest.mark.parametrize(
    ("plays", "at_target", "watched", "baseline", "one_way", "two_way"),
    [
        # not watched there, never agreed: the newest play stands for all
        ([LATE], [], False, {}, ["target only_at_source"], ["target only_at_source"]),
        (
            [EARLY, LATE],
            [],
            False,
            {},
            ["skip covered_by_newest", "target only_at_source"],
            ["skip covered_by_newest", "target only_at_source"],
        ),
        ([None], [], False, {}, ["target only_at_source"], ["target only_at_source"]),
        # watched there, with or without plays to tell: agreed
        ([LATE], [], True, {}, ["agreed"], ["agreed"]),
        ([EARLY, LATE], [], True, {}, ["agreed", "agreed"], ["agreed", "agreed"]),
        ([EARLY, LATE], [EARLY], False, {}, ["agreed", "agreed"], ["agreed", "agreed"]),
        ([EARLY, LATE], [LATE], True, {EARLY: THERE}, ["agreed", "agreed"], ["agreed", "agreed"]),
        # agreed before, marked unwatched since
        ([LATE], [], False, {LATE: THERE}, ["skip missing_at_target_once"], ["skip unwatched_at_target"]),
        ([LATE], [], False, {LATE: ONCE}, ["target missing_at_target"], ["skip unwatched_at_target"]),
        (
            [EARLY, LATE],
            [],
            False,
            {EARLY: ONCE, LATE: ONCE},
            ["skip covered_by_newest", "target missing_at_target"],
            ["skip unwatched_at_target", "skip unwatched_at_target"],
        ),
        # … and an older play has turned up since: no new watching
        (
            [EARLY, LATE],
            [],
            False,
            {LATE: THERE},
            ["skip covered_by_newest", "skip missing_at_target_once"],
            ["skip unwatched_at_target", "skip unwatched_at_target"],
        ),
        # … and it was watched again since
        (
            [EARLY, LATE],
            [],
            False,
            {EARLY: THERE},
            ["skip covered_by_newest", "target only_at_source"],
            ["skip covered_by_newest", "target only_at_source"],
        ),
    ],
)
def test_rows(
    plays: list[int | None],
    at_target: list[int],
    watched: bool,
    baseline: dict[int, Missing],
    one_way: list[str],
    two_way: list[str],
) -> None:
    for direction, expected in ((ONE, one_way), (TWO, two_way)):
        made = make_plan(
            Feature.HISTORY,
            [play(movie(1), at) for at in plays],
            [play(movie(1), at) for at in at_target],
            direction=direction,
            baseline={f"{M1}@{at}": missing for at, missing in baseline.items()},
            watched={Side.TARGET: [movie(1)] if watched else []},
            capabilities={Side.SOURCE: DATED, Side.TARGET: UNDATED},
        )
        said = told(made)
        keys = [f"{M1}@{'unknown' if at is None else at}" for at in plays]
        assert [said.get(key) for key in keys] == expected
        assert len(made.changes) <= 1


@pytest.mark.parametrize("watched", [True, False])
def test_the_same_towards_the_source_of_a_two_way_pair(watched: bool) -> None:
    made = make_plan(
        Feature.HISTORY,
        [],
        [play(movie(1), EARLY), play(movie(1), LATE)],
        direction=TWO,
        watched={Side.SOURCE: [movie(1)] if watched else []},
        capabilities={Side.SOURCE: UNDATED, Side.TARGET: DATED},
    )
    assert set(told(made).values()) == (
        {"agreed"} if watched else {"skip covered_by_newest", "source only_at_target"}
    )


def test_real_plays_of_an_undated_side_travel() -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), EARLY), play(movie(1), LATE)],
        [play(movie(1), EARLY + 60)],
        direction=TWO,
        watched={Side.SOURCE: [movie(1)]},
        capabilities={Side.SOURCE: UNDATED, Side.TARGET: DATED},
    )
    assert [(c.side, c.key) for c in made.changes] == [(Side.TARGET, f"{M1}@{LATE}")]


def test_a_mark_of_a_moment_ago_counts_for_all_plays_of_the_item() -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), EARLY), play(movie(1), LATE)],
        [],
        settling=frozenset({f"{M1}@{EARLY}"}),
        capabilities={Side.TARGET: UNDATED},
    )
    assert set(told(made).values()) == {"skip written_a_moment_ago"}


@pytest.mark.parametrize(
    ("at", "is_echo"),
    [
        (NOW - ECHO, True),
        (NOW + ECHO, True),
        (NOW - ECHO - 1, False),
        (NOW + ECHO + 1, False),
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_an_echo_carries_the_true_date(at: int, is_echo: bool, ours: bool) -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), at)],
        [],
        direction=TWO,
        marks={Side.SOURCE: {M1: (Mark(M1, LATE, NOW, NOW, ours=ours),)}},
        capabilities={Side.SOURCE: UNDATED},
    )
    if not is_echo:
        assert told(made) == {f"{M1}@{at}": "target only_at_source"}
    else:
        # what another pair has marked is news here, with its true date
        said = "skip our_own_mark" if ours else "target only_at_source"
        assert told(made) == {f"{M1}@{LATE}": said}


def test_the_nearest_mark_tells_the_date() -> None:
    marks = (Mark(M1, EARLY, NOW - 100, NOW - 100), Mark(M1, LATE, NOW, NOW + 50))
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1), NOW + 20), play(movie(1), NOW - 90)],
        [play(movie(1), EARLY), play(movie(1), LATE)],
        direction=TWO,
        marks={Side.SOURCE: {M1: marks}},
        capabilities={Side.SOURCE: UNDATED},
    )
    assert told(made) == {f"{M1}@{EARLY}": "agreed", f"{M1}@{LATE}": "agreed"}


def test_ambiguous_watched_items_stand_for_nothing() -> None:
    made = make_plan(
        Feature.HISTORY,
        [play(movie(1, "tt1"), NOW), play(movie(2, "tt1"), NOW)],
        [],
        watched={Side.TARGET: [movie(imdb="tt1")]},
        capabilities={Side.TARGET: UNDATED},
    )
    assert len(made.changes) == 2


# --- runs -----------------------------------------------------------------------------------------


class Plex:
    """A lab whose source or target dates plays itself."""

    def __init__(self, lab: Lab, side: Side, direction: Direction) -> None:
        """Make one side undated."""
        self.lab, self.side = lab, side
        self.plex = lab.source if side is Side.SOURCE else lab.target
        self.other = lab.target if side is Side.SOURCE else lab.source
        self.plex.undated()
        self.plex.clock = lambda: int(lab.now)
        lab.request = replace(lab.request, features=(Feature.HISTORY,), direction=direction)

    async def silence(self, runs: int = 2) -> None:
        """Run until nothing may happen any more."""
        for _ in range(runs):
            before = self.rows(self.plex), self.rows(self.other), len(self.plex.watched)
            report = await self.lab.run()
            assert (report.status, report.total("added")) == (RunStatus.OK, 0)
            assert (self.rows(self.plex), self.rows(self.other), len(self.plex.watched)) == before

    @staticmethod
    def rows(provider: FakeProvider) -> list[Entry]:
        """What a side holds."""
        return list(provider.entries[Feature.HISTORY])

    def plays(self, provider: FakeProvider) -> list[int | None]:
        """Dates at a side."""
        return [row.watched_at for row in self.rows(provider) if isinstance(row, Play)]


SIDES = pytest.mark.parametrize(
    ("side", "direction"), [(Side.TARGET, ONE), (Side.TARGET, TWO), (Side.SOURCE, TWO)]
)


@SIDES
@pytest.mark.parametrize("logs", [True, False], ids=["logged", "state only"])
@pytest.mark.parametrize("tells_when", [True, False])
async def test_a_mark_is_never_imported_back(
    lab: Lab, side: Side, direction: Direction, logs: bool, tells_when: bool
) -> None:
    pair = Plex(lab, side, direction)
    pair.plex.logs, pair.plex.tells_when = logs, tells_when
    films = [play(movie(n), EARLY + n * HOUR) for n in range(1, 30)]
    shows = [play(episode(7, 0, n), LATE) for n in range(5)]
    rewatched = [play(movie(1), LATE), play(movie(1), LATE + 2 * DAY)]
    pair.other.entries[Feature.HISTORY] = [*films, *shows, *rewatched]
    report = await lab.run()
    assert (report.status, report.total("added"), report.total("skipped")) == (RunStatus.OK, 34, 2)
    assert len(pair.plex.watched) == 34
    await pair.silence()
    assert len(pair.rows(pair.other)) == 36


@SIDES
@pytest.mark.parametrize("seconds", [-9, 9, ECHO])
async def test_a_moved_view_date_is_still_our_mark(
    lab: Lab, side: Side, direction: Direction, seconds: int
) -> None:
    pair = Plex(lab, side, direction)
    pair.other.entries[Feature.HISTORY] = [play(movie(n), LATE) for n in range(1, 4)]
    await lab.run()
    rows = pair.plex.entries[Feature.HISTORY]
    for place, row in enumerate(rows):
        assert isinstance(row, Play)
        assert row.watched_at is not None
        rows[place] = replace(row, watched_at=row.watched_at + seconds)
    await pair.silence()
    # the log and the state of an item, or two copies of it
    rows.extend([replace(row, remote_id="marked:1") for row in rows])
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 0)
    assert pair.plays(pair.other) == [LATE] * 3


@SIDES
async def test_a_rewatch_on_either_side_after_a_mark(lab: Lab, side: Side, direction: Direction) -> None:
    pair = Plex(lab, side, direction)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    await lab.run()
    later = int(lab.now) + 3 * DAY
    lab.now += 4 * DAY
    pair.plex.entries[Feature.HISTORY].append(play(movie(1), later))
    await lab.run()
    assert pair.plays(pair.other) == ([LATE, later] if direction is TWO else [LATE])
    pair.other.entries[Feature.HISTORY].append(play(movie(1), later + DAY))
    await pair.silence()
    assert len(pair.plex.watched) == 1, "watched is watched"


@SIDES
async def test_what_was_removed_after_a_mark_stays_away(lab: Lab, side: Side, direction: Direction) -> None:
    pair = Plex(lab, side, direction)
    pair.other.entries[Feature.HISTORY] = [play(movie(n), LATE) for n in range(1, 5)]
    await lab.run()
    del pair.other.entries[Feature.HISTORY][0]
    await pair.silence()
    if direction is TWO:
        pair.plex.watched.pop()
        pair.plex.entries[Feature.HISTORY].pop()
        await pair.silence()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("before", [0, 1, 3])
async def test_unwatched_stays_so_when_an_older_play_takes_the_place_of_the_agreed_one(
    lab: Lab, side: Side, before: int
) -> None:
    """The older one is there for so many runs before the agreed one is deleted."""
    pair = Plex(lab, side, TWO)
    pair.plex.logs = False
    agreed, older = play(movie(1), LATE), play(movie(1), EARLY)
    pair.other.entries[Feature.HISTORY] = [agreed]
    await lab.run()
    pair.plex.watched.clear()
    await pair.silence()
    pair.other.entries[Feature.HISTORY].append(older)
    await pair.silence(before)
    pair.other.entries[Feature.HISTORY].remove(agreed)
    await pair.silence(4)
    assert not pair.plex.watched
    # a later watching is one
    pair.other.entries[Feature.HISTORY].append(play(movie(1), int(lab.now)))
    await lab.run()
    assert len(pair.plex.watched) == 1


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("told", [True, False])
async def test_what_was_deleted_does_not_come_back_when_it_is_watched_anew_where_it_was_unwatched(
    lab: Lab, side: Side, told: bool
) -> None:
    """`told`: the new watching is a play, not only a mark."""
    pair = Plex(lab, side, TWO)
    pair.plex.logs = False
    lab.request = replace(lab.request, settings=PairSettings(removals=frozenset({Feature.HISTORY})))
    rows = pair.other.entries[Feature.HISTORY]
    rows[:] = [play(movie(n), LATE) for n in (1, 2)]
    await lab.run()
    del pair.plex.watched[0]
    await pair.silence()
    del rows[0]
    await pair.silence(1)
    pair.plex.watched.append(movie(1))
    anew = [play(movie(1), int(lab.now))] if told else []
    pair.plex.entries[Feature.HISTORY] += anew
    await lab.run()
    assert rows == [play(movie(2), LATE), *anew]
    await pair.silence()
    assert len(pair.plex.watched) == 2


@pytest.mark.parametrize("side", Side)
async def test_a_play_that_was_deleted_does_not_come_back_with_the_next_one(lab: Lab, side: Side) -> None:
    """We have marked it unwatched, and then it is watched anew."""
    pair = Plex(lab, side, TWO)
    lab.request = replace(lab.request, settings=PairSettings(removals=frozenset({Feature.HISTORY})))
    pair.plex.watched += [movie(1), movie(2)]
    first = [replace(play(movie(n), LATE), remote_id=f"marked:{n}") for n in (1, 2)]
    # the state of an item is all there is
    pair.plex.shown = lambda rows: [row for row in rows if row.item in pair.plex.watched]
    pair.plex.entries[Feature.HISTORY] += first
    await lab.run()
    rows = pair.other.entries[Feature.HISTORY]
    del rows[0]
    await lab.run()
    await lab.run()
    assert pair.plex.watched == [movie(2)]
    pair.plex.watched.append(movie(1))
    anew = replace(play(movie(1), int(lab.now)), remote_id="marked:1")
    pair.plex.entries[Feature.HISTORY][0] = anew
    await lab.run()
    assert rows == [first[1], anew]
    await pair.silence()
    assert len(pair.plex.watched) == 2


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("runs", [1, 2])
async def test_what_a_person_marks_after_we_have_marked_it_unwatched_stays(
    lab: Lab, side: Side, runs: int
) -> None:
    """The log of such a side shows the play that was deleted all the time, and a mark by hand adds none."""
    pair = Plex(lab, side, TWO)
    pair.plex.keeps = lambda entry: replace(entry, remote_id="7")
    lab.request = replace(lab.request, settings=PairSettings(removals=frozenset({Feature.HISTORY})))
    rows = pair.other.entries[Feature.HISTORY]
    rows[:] = [play(movie(n), LATE) for n in (1, 2)]
    await lab.run()
    gone = rows.pop(0)
    await lab.run()
    await lab.run()
    assert len(pair.plex.watched) == 1
    await pair.silence(runs)
    pair.plex.watched.append(movie(1))
    await pair.silence(4)
    # agreed anew, it can be taken away as any other
    rows.append(gone)
    await pair.silence()
    rows.remove(gone)
    await lab.run()
    await lab.run()
    assert len(pair.plex.watched) == 1


@SIDES
@pytest.mark.parametrize("logs", [True, False], ids=["logged", "state only"])
@pytest.mark.parametrize("landed", [True, False])
async def test_a_killed_run_marks_nothing_twice_and_imports_nothing(
    lab: Lab,
    side: Side,
    direction: Direction,
    logs: bool,
    landed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = Plex(lab, side, direction)
    pair.plex.logs = logs
    pair.other.entries[Feature.HISTORY] = [play(movie(n), LATE) for n in range(1, 4)]
    changes = [
        Change(
            feature=Feature.HISTORY,
            side=side,
            action=Action.ADD,
            key=f"movie:tmdb:{n}@{LATE}",
            entry=play(movie(n), LATE),
            rule="only_at_source",
        )
        for n in range(1, 4)
    ]
    # a process that announced its writes, sent them perhaps, and was killed
    await lab.state.intend(PAIR, "killed", changes, int(lab.now), account=f"{PAIR}:{side}")
    if landed:
        lab.now += 90
        for change in changes:
            pair.plex.store(Feature.HISTORY, change)
    lab.start_again()

    async def sleep(_seconds: float) -> None:
        return None

    monkeypatch.setattr(feature_run.asyncio, "sleep", sleep)
    report = await lab.run()
    monkeypatch.undo()
    assert (report.status, report.total("added")) == (RunStatus.OK, 0 if landed else 3)
    await pair.silence()
    assert sorted(item.ids.tmdb or 0 for item in pair.plex.watched) == [1, 2, 3]
    assert pair.plays(pair.other) == [LATE] * 3


@SIDES
async def test_a_run_stopped_between_write_and_answer(lab: Lab, side: Side, direction: Direction) -> None:
    pair = Plex(lab, side, direction)
    pair.other.entries[Feature.HISTORY] = [play(movie(n), LATE) for n in range(1, 5)]
    pair.plex.answer = lambda change: (
        None if change.key.startswith("movie:tmdb:3@") else OutcomeStatus.APPLIED
    )
    task = asyncio.create_task(lab.run())
    while len(pair.plex.written) < 3:  # noqa: ASYNC110 - a fake has no event for every moment
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pair.plex.answer = lambda _change: OutcomeStatus.APPLIED
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 1)
    await pair.silence()
    assert pair.plays(pair.other) == [LATE] * 4


@pytest.mark.parametrize("status", [OutcomeStatus.FAILED, OutcomeStatus.ALREADY, OutcomeStatus.UNRESOLVED])
async def test_what_was_not_written_leaves_no_mark(lab: Lab, status: OutcomeStatus) -> None:
    """A real play right after a refused mark is a real play."""
    pair = Plex(lab, Side.SOURCE, TWO)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    pair.plex.answer = lambda _change: status
    await lab.run()
    at = int(lab.now)
    pair.plex.entries[Feature.HISTORY] = [play(movie(1), at)]
    await lab.run()
    assert pair.plays(pair.other) == [LATE, at]


async def test_an_uncertain_mark_with_its_time_is_recognised(lab: Lab) -> None:
    pair = Plex(lab, Side.SOURCE, TWO)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]

    def answer(change: Change) -> OutcomeStatus:
        pair.plex.store(Feature.HISTORY, change)
        return OutcomeStatus.UNCERTAIN

    pair.plex.answer = answer
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 1)
    await pair.silence()
    assert pair.plays(pair.other) == [LATE]


async def test_a_play_long_after_a_lost_mark_is_a_real_one(lab: Lab) -> None:
    pair = Plex(lab, Side.SOURCE, TWO)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    pair.plex.answer = lambda _change: OutcomeStatus.UNCERTAIN
    await lab.run()
    at = int(lab.now) + LONGEST + ECHO + 1
    lab.now += HOUR
    pair.plex.entries[Feature.HISTORY] = [play(movie(1), at)]
    await lab.run()
    assert pair.plays(pair.other) == [LATE, at]


async def test_another_pair_learns_the_true_date(lab: Lab) -> None:
    pair = Plex(lab, Side.TARGET, ONE)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    accounts = {Side.TARGET: "plex_1"}
    await lab.run(accounts=accounts)
    tracker = FakeProvider("other")
    request = replace(
        lab.request,
        pair_id="02PAIR",
        scope=replace(lab.request.scope, pair_id="02PAIR"),
        accounts={Side.SOURCE: "plex_1"},
    )

    async def run() -> RunReport:
        lab.now += HOUR
        return await lab.engine.run(request, pair.plex, tracker, lab.progress.append)

    assert (await run()).total("added") == 1
    assert pair.plays(tracker) == [LATE]
    assert (await run()).total("added") == 0
    # what an account was told stays known when the pair that told it is gone
    await lab.state.forget_pair(PAIR)
    assert (await run()).total("added") == 0
    assert pair.plays(tracker) == [LATE]


async def test_what_was_written_at_a_forgotten_account_is_forgotten(lab: Lab) -> None:
    pair = Plex(lab, Side.TARGET, ONE)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    await lab.run(accounts={Side.TARGET: "plex_1"})
    await lab.state.forget_account("plex_2")
    assert len(await lab.state.marks("plex_1", PAIR)) == 1
    await lab.state.forget_account("plex_1")
    assert await lab.state.marks("plex_1", PAIR) == ()


async def test_marks_of_a_forgotten_pair_without_a_name_are_forgotten(lab: Lab) -> None:
    pair = Plex(lab, Side.TARGET, ONE)
    pair.other.entries[Feature.HISTORY] = [play(movie(1), LATE)]
    await lab.run()
    assert await lab.state.marks(f"{PAIR}:target", PAIR) == (Mark(M1, LATE, int(lab.now), int(lab.now)),)
    await lab.state.forget_pair(PAIR)
    assert await lab.state.marks(f"{PAIR}:target", PAIR) == ()


async def test_marks_follow_a_title_that_gets_a_better_id(lab: Lab) -> None:
    pair = Plex(lab, Side.TARGET, TWO)
    pair.other.entries[Feature.HISTORY] = [play(movie(imdb="tt1"), LATE)]
    await lab.run()
    for provider in (pair.plex, pair.other):
        row = provider.entries[Feature.HISTORY][0]
        provider.entries[Feature.HISTORY] = [replace(row, item=movie(1, "tt1"))]
    pair.plex.watched = [movie(1, "tt1")]
    lab.source.entries[Feature.WATCHLIST] = [listed(movie(1))]
    await pair.silence()


async def test_a_side_that_only_tells_what_is_watched_is_not_empty(lab: Lab) -> None:
    pair = Plex(lab, Side.TARGET, TWO)
    pair.plex.logs = False
    pair.other.entries[Feature.HISTORY] = [play(movie(n), LATE) for n in range(1, 9)]
    await lab.run()
    pair.other.entries[Feature.HISTORY].append(play(movie(9), LATE))
    report = await lab.run()
    assert (report.status, report.total("added")) == (RunStatus.OK, 1)
    # but when all of that is gone, it is
    pair.plex.watched = []
    pair.other.entries[Feature.HISTORY].append(play(movie(10), LATE))
    assert (await lab.run()).status is RunStatus.HELD


async def test_other_times_of_an_undated_source_are_held(lab: Lab) -> None:
    pair = Plex(lab, Side.SOURCE, TWO)
    films: list[Item] = [movie(n) for n in range(1, 13)]
    pair.plex.watched = films
    pair.plex.entries[Feature.HISTORY] = [play(film, LATE) for film in films]
    assert (await lab.run()).total("added") == 12
    pair.plex.entries[Feature.HISTORY] = [play(film, LATE + HOUR) for film in films]
    report = await lab.run()
    assert (report.status, report.features[Feature.HISTORY].error) == (RunStatus.HELD, "source_moved_most")
    assert len(pair.rows(pair.other)) == 12
