"""Whole runs that take something away, and plans that wait for a person first."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync import brake as brake_module
from custom_components.crosswatch.sync.decisions import Decided, Decision
from custom_components.crosswatch.sync.feature_run import SETTLE
from custom_components.crosswatch.sync.guards import BRAKE_COUNT, CANARIES, LONG, MANY
from custom_components.crosswatch.sync.held import PlanGoneError
from custom_components.crosswatch.sync.models import (
    Action,
    Direction,
    Entry,
    Feature,
    OutcomeStatus,
    Play,
    Side,
)
from custom_components.crosswatch.sync.provider import UnreachableError
from custom_components.crosswatch.sync.report import RunReport, RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .fakes import HOUR, NOW, FakeProvider, listed, movie, play, rated
from .lab import PAIR, Lab, dump, until

DAY = 24 * HOUR
LISTS, HISTORY, RATINGS = Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS
ONE, TWO = Direction.ONE_WAY, Direction.TWO_WAY
REMOVALS = PairSettings(removals=frozenset(Feature))


class Pair:
    """A lab of one feature in which removals travel."""

    def __init__(self, lab: Lab, feature: Feature = LISTS, direction: Direction = TWO) -> None:
        """Nothing is there yet."""
        self.lab, self.feature = lab, feature
        lab.request = replace(lab.request, features=(feature,), direction=direction, settings=REMOVALS)

    def entries(self, count: int, first: int = 1) -> list[Entry]:
        """So many entries of the feature."""
        make: dict[Feature, Callable[[int], Entry]] = {
            LISTS: lambda n: listed(movie(n)),
            HISTORY: lambda n: play(movie(n), NOW - n * DAY),
            RATINGS: lambda n: rated(movie(n), 80),
        }
        return [make[self.feature](n) for n in range(first, first + count)]

    async def agree(self, count: int) -> None:
        """Let both sides hold so many entries, and have seen it."""
        self.of(Side.SOURCE)[:] = self.entries(count)
        await self.run()
        assert self.held == (count, count)

    def of(self, side: Side) -> list[Entry]:
        """What a side holds."""
        return self.provider(side).entries[self.feature]

    def provider(self, side: Side) -> FakeProvider:
        """The side itself."""
        return self.lab.source if side is Side.SOURCE else self.lab.target

    @property
    def held(self) -> tuple[int, int]:
        """How much both sides hold."""
        return len(self.of(Side.SOURCE)), len(self.of(Side.TARGET))

    async def run(self, count: int = 1, **changes: object) -> RunReport:
        """Run so many times, an hour apart."""
        for _ in range(count):
            report = await self.lab.run(**changes)
        return report

    async def reason(self) -> str | None:
        """Run, and tell why the plan is held."""
        report = await self.run()
        told = report.features[self.feature]
        assert (told.status is RunStatus.HELD) is (told.error is not None)
        return told.error

    async def waiting(self) -> str:
        """The hash of the one plan that waits."""
        (plan,) = await self.lab.state.held(PAIR)
        assert plan.feature is self.feature
        return plan.plan_hash

    async def approve(self) -> None:
        """Agree to what waits."""
        await self.lab.state.approve_plan(PAIR, self.feature, await self.waiting(), int(self.lab.now))

    async def reject(self) -> None:
        """Refuse what waits."""
        await self.lab.state.reject_plan(PAIR, self.feature, await self.waiting(), int(self.lab.now))


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
@pytest.mark.parametrize(("direction", "side"), [(ONE, Side.SOURCE), (TWO, Side.SOURCE), (TWO, Side.TARGET)])
async def test_what_is_taken_away_is_taken_away_on_the_other_side_too(
    lab: Lab, feature: Feature, direction: Direction, side: Side
) -> None:
    pair = Pair(lab, feature, direction)
    await pair.agree(8)
    gone = pair.of(side).pop(0)
    once = await pair.run()
    assert (once.total("removed"), once.total("skipped")) == (0, 1)
    report = await pair.run()
    assert (report.status, report.total("removed"), report.total("unconfirmed")) == (RunStatus.OK, 1, 0)
    assert pair.held == (7, 7)
    (change,) = [c for c in pair.provider(side.other).written if c.action is Action.REMOVE]
    assert change.before == change.entry
    assert change.entry.item == gone.item
    for _ in range(3):
        report = await pair.run()
        assert [report.total(name) for name in ("added", "removed", "skipped")] == [0, 0, 0]
    # nothing is remembered: it may come back
    pair.of(side).append(gone)
    await pair.run()
    assert pair.held == (8, 8)


@pytest.mark.parametrize("direction", [ONE, TWO])
async def test_what_only_the_target_ever_had_stays(lab: Lab, direction: Direction) -> None:
    pair = Pair(lab, LISTS, direction)
    pair.of(Side.TARGET)[:] = pair.entries(3, first=50)
    pair.of(Side.SOURCE)[:] = pair.entries(8)
    await pair.run(2)
    pair.of(Side.SOURCE).pop(0)
    await pair.run(4)
    assert len(pair.of(Side.TARGET)) == 10


async def test_a_first_run_and_one_in_another_scope_only_add(lab: Lab) -> None:
    pair = Pair(lab)
    pair.of(Side.TARGET)[:] = pair.entries(4, first=50)
    pair.of(Side.SOURCE)[:] = pair.entries(8)
    await pair.run()
    assert pair.held == (12, 12)
    pair.of(Side.SOURCE)[:] = pair.entries(2)
    lab.source.scope_hash = "another list"
    await pair.run(3)
    assert pair.held == (12, 12)


async def test_what_went_while_removals_were_off_waits_for_the_brake(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(40)
    off = PairSettings()
    for _ in range(10):
        del pair.of(Side.SOURCE)[0]
        await pair.run(settings=off)
    assert pair.held == (30, 40)
    assert await pair.reason() == "too_many_removals_at_target"
    assert pair.held == (30, 40)


async def test_a_stale_list_right_after_our_write_takes_nothing_away(lab: Lab) -> None:
    """The service shows the new entries, and hides them again for a while."""
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).extend(pair.entries(3, first=50))
    await pair.run()
    assert pair.held == (23, 23)
    lab.target.shown = lambda rows: rows[:20]
    for _ in range(5):
        lab.now += 20 - HOUR
        report = await pair.run()
        assert report.total("removed") == 0
    assert pair.held == (23, 23)
    lab.target.shown = list
    await pair.run(3)
    assert pair.held == (23, 23)


async def test_a_list_that_shows_once_more_what_we_took_away_brings_nothing_back(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    everything = list(pair.of(Side.TARGET))
    pair.of(Side.SOURCE).pop(0)
    await pair.run(2)
    lab.now += 10 - HOUR
    await pair.run()
    lab.target.shown = lambda _rows: everything
    lab.now += 10 - HOUR
    await pair.run()
    lab.now += 10 - HOUR
    await pair.run()
    lab.target.shown = list
    await pair.run(3)
    assert pair.held == (7, 7)


async def test_a_removal_that_is_accepted_and_not_done_is_unconfirmed_and_tried_again(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).pop(0)
    await pair.run()
    everything = list(pair.of(Side.TARGET))
    lab.target.shown = lambda _rows: everything
    report = await pair.run()
    assert (report.status, report.total("unconfirmed")) == (RunStatus.PARTIAL, 1)
    lab.now += SETTLE / 2 - HOUR
    assert (await pair.run()).total("removed") == 0, "a read may not show it yet"
    lab.target.shown = list
    report = await pair.run()
    assert (report.status, pair.held) == (RunStatus.OK, (7, 7))
    states = await lab.state._do(
        lambda db: db.execute("SELECT DISTINCT state FROM journal WHERE action = 'remove'").fetchall()
    )
    assert states == [("observed",)]


@pytest.mark.parametrize("status", [OutcomeStatus.UNCERTAIN, OutcomeStatus.FAILED, OutcomeStatus.UNRESOLVED])
async def test_a_removal_that_did_not_land_is_still_due(lab: Lab, status: OutcomeStatus) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).pop(0)
    await pair.run()
    lab.target.answer = lambda _c: status
    report = await pair.run()
    assert (report.total("removed"), pair.held) == (0, (7, 8))
    assert report.total("unresolved") == (status is OutcomeStatus.UNRESOLVED)
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    lab.now += 2 * DAY
    await pair.run()
    assert pair.held == (7, 7)


async def test_a_run_that_is_stopped_in_the_middle_of_a_removal_goes_on(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    del pair.of(Side.SOURCE)[:3]
    await pair.run()
    # the second one lands, and nobody hears of it
    lab.target.answer = lambda c: None if c.key.endswith(":2") else OutcomeStatus.APPLIED
    task = asyncio.create_task(lab.run())
    await until(lambda: len(pair.of(Side.TARGET)) == 18)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    lab.start_again()
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    await pair.run()
    assert pair.held == (17, 17)
    report = await pair.run(2)
    assert (report.status, report.total("removed")) == (RunStatus.OK, 0)


async def test_a_removal_may_beat_no_listing_anew(lab: Lab) -> None:
    pair = Pair(lab)
    entries = [replace(listed(movie(n)), listed_at=NOW) for n in range(1, 9)]
    pair.of(Side.SOURCE)[:] = entries
    await pair.run()
    pair.of(Side.TARGET).pop(0)
    await pair.run()
    pair.of(Side.SOURCE)[0] = replace(listed(movie(1)), listed_at=NOW + 5)
    await pair.run(3)
    assert pair.held == (8, 8)


# --- the brake ------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", [LISTS, HISTORY, RATINGS])
@pytest.mark.parametrize(
    ("total", "gone", "held"), [(20, 5, False), (20, 6, True), (80, 8, False), (80, 9, True), (8, 4, False)]
)
async def test_more_than_five_and_more_than_a_tenth_wait(
    lab: Lab, feature: Feature, total: int, gone: int, held: bool
) -> None:
    pair = Pair(lab, feature)
    await pair.agree(total)
    del pair.of(Side.SOURCE)[:gone]
    assert await pair.reason() is None
    assert await pair.reason() == ("too_many_removals_at_target" if held else None)
    left = total - gone
    assert pair.held == (left, total if held else left)
    if held:
        assert await pair.reason() == "too_many_removals_at_target", "nothing is trimmed or forgotten"


async def test_removals_of_a_day_are_counted_together(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(30)
    for number in range(2):
        del pair.of(Side.SOURCE)[:3]
        await pair.run(2)
        assert len(pair.of(Side.TARGET)) == 27, number
    assert len(await lab.state.held(PAIR)) == 1
    # a day later it is another three
    lab.now += DAY
    await pair.run()
    assert pair.held == (24, 24)
    assert await lab.state.held(PAIR) == ()


@pytest.mark.parametrize("back", [HOUR, 3 * DAY, 300 * DAY])
async def test_a_clock_that_is_set_back_leaves_no_removal_out(lab: Lab, back: int) -> None:
    pair = Pair(lab)
    await pair.agree(30)
    del pair.of(Side.SOURCE)[:3]
    await pair.run(2)
    assert pair.held == (27, 27)
    lab.now -= back
    del pair.of(Side.SOURCE)[:3]
    await pair.run()
    assert await pair.reason() == "too_many_removals_at_target"
    # a person agrees, once and for all that was
    await pair.approve()
    await pair.run()
    del pair.of(Side.SOURCE)[:3]
    await pair.run(2)
    assert pair.held == (21, 21)


@pytest.mark.parametrize("status", [OutcomeStatus.UNCERTAIN, OutcomeStatus.APPLIED])
async def test_what_is_tried_once_more_counts_once(
    lab: Lab, status: OutcomeStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair(lab)
    await pair.agree(30)
    del pair.of(Side.SOURCE)[:5]
    await pair.run()
    lab.target.answer = lambda _c: status
    with monkeypatch.context() as idle:
        # whatever it says, it does nothing
        idle.setattr(lab.target, "take", lambda _feature, _entry: None)
        await pair.run()
    assert pair.held == (25, 30)
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert await pair.reason() is None
    assert pair.held == (25, 25)


async def test_the_brake_counts_by_direction(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(30)
    del pair.of(Side.SOURCE)[:4]
    del pair.of(Side.TARGET)[-4:]
    await pair.run(2)
    assert pair.held == (22, 22)


async def test_one_direction_holds_both(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(30)
    del pair.of(Side.SOURCE)[:6]
    pair.of(Side.TARGET).pop()
    await pair.run()
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    report = await pair.run()
    told = report.features[LISTS]
    assert (told.status, told.held, told.added, told.removed) == (RunStatus.HELD, 8, 0, 0)
    assert {side: part.held for side, part in told.sides.items()} == {Side.SOURCE: 1, Side.TARGET: 7}
    assert pair.held == (25, 29)


async def test_a_pair_may_do_without_the_brake_but_not_without_the_guards(lab: Lab) -> None:
    pair = Pair(lab)
    loose = replace(REMOVALS, brake=False)
    await pair.agree(40)
    del pair.of(Side.SOURCE)[:15]
    await pair.run(2, settings=loose)
    assert pair.held == (25, 25)
    lab.source.shown = lambda _rows: ()
    report = await pair.run(3, settings=loose)
    assert (report.features[LISTS].error, pair.held) == ("source_empty", (25, 25))


@pytest.mark.parametrize("direction", [ONE, TWO])
@pytest.mark.parametrize(("shown", "reason"), [(0, "source_empty"), (9, "source_lost_most")])
async def test_a_source_that_shows_little_takes_nothing_away(
    lab: Lab, direction: Direction, shown: int, reason: str
) -> None:
    pair = Pair(lab, LISTS, direction)
    await pair.agree(20)
    lab.source.shown = lambda rows: rows[:shown]
    for _ in range(3):
        assert await pair.reason() == reason
    lab.source.shown = list
    assert await pair.reason() is None
    assert (pair.held, await lab.state.held(PAIR)) == ((20, 20), ())


@pytest.mark.parametrize("wrong", [0, 8])
async def test_a_wrong_read_after_writing_is_no_first_absence(lab: Lab, wrong: int) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    first = iter((True,))
    lab.target.shown = lambda rows: rows if next(first, False) else rows[:wrong]
    await pair.run()
    known = await lab.state.known(PAIR, LISTS, dict.fromkeys(Side, "same"))
    assert not any(missing.target for missing in known.baseline.values())


async def test_what_nobody_touched_for_long_does_not_go_all_at_once(lab: Lab) -> None:
    """As many entries as ever, and few of them gone: but just the oldest ones."""
    pair = Pair(lab)
    await pair.agree(CANARIES)
    lab.now += LONG
    for number in range(5):
        pair.of(Side.SOURCE).extend(pair.entries(20, first=100 + 20 * number))
        await pair.run()
    del pair.of(Side.SOURCE)[: CANARIES // 2]
    await pair.run()
    assert pair.held == (105, 105 + 5)
    pair.of(Side.SOURCE)[:0] = pair.entries(CANARIES // 2)
    await pair.run()
    del pair.of(Side.SOURCE)[: CANARIES // 2 + 1]
    assert await pair.reason() == "source_lost_oldest"
    # what is agreed for a short time only tells nothing
    pair.of(Side.SOURCE)[:0] = pair.entries(CANARIES // 2 + 1)
    await pair.run()
    del pair.of(Side.SOURCE)[20:26]
    assert await pair.reason() is None


async def test_a_side_that_tells_everything_twice_is_held(lab: Lab) -> None:
    pair = Pair(lab, HISTORY)
    await pair.agree(MANY + 10)
    twice = [play(movie(n), NOW - n * DAY + 3 * HOUR) for n in range(1, MANY + 11)]
    pair.of(Side.SOURCE).extend(twice)
    assert await pair.reason() is None, "as many again may be"
    pair.of(Side.SOURCE).extend(play(movie(n), NOW - n * DAY + 9 * HOUR) for n in range(1, 2 * MANY + 32))
    pair.of(Side.SOURCE).extend(play(movie(900 + n), NOW) for n in range(10))
    assert await pair.reason() == "source_doubled"


async def test_a_brake_that_fails_holds(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))

    def fail(*_args: object) -> str | None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(brake_module, "reason_to_hold", fail)
        assert await pair.reason() == "brake_failed"
        assert pair.held == (9, 8)
    with monkeypatch.context() as broken:
        broken.setattr(brake_module, "wrong_read", fail)
        assert await pair.reason() is None
    assert pair.held == (9, 9)


# --- plans that wait ------------------------------------------------------------------------------


async def test_an_approved_plan_is_carried_out_once(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    assert await pair.reason() == "source_empty"
    (plan,) = await lab.state.held(PAIR)
    assert (plan.reason, plan.held_at, len(plan.changes)) == ("source_empty", int(lab.now), 20)
    first = plan.changes[0]
    assert (first.side, first.action, first.key, first.name, first.rule) == (
        Side.TARGET,
        Action.REMOVE,
        "movie:tmdb:1",
        "Movie 1",
        "removed_at_source",
    )
    await pair.reason()
    assert await lab.state.held(PAIR) == (plan,), "the same plan waits since it was first held"
    await pair.approve()
    assert await lab.state.held(PAIR) == ()
    report = await pair.run()
    assert (report.status, report.total("removed"), pair.held) == (RunStatus.OK, 20, (0, 0))
    # what a person has agreed to is no reason to hold what comes next
    pair.of(Side.SOURCE)[:] = pair.entries(12, first=50)
    await pair.run()
    del pair.of(Side.SOURCE)[:3]
    await pair.run(2)
    assert pair.held == (9, 9)


async def test_an_approval_ends_when_reality_moves(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    await pair.approve()
    pair.of(Side.TARGET).pop()
    assert await pair.reason() == "source_empty"
    assert pair.held == (0, 19)
    (plan,) = await lab.state.held(PAIR)
    assert len(plan.changes) == 19


async def test_an_approval_of_what_needs_none_any_more_is_forgotten(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    everything = list(pair.of(Side.SOURCE))
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    await pair.approve()
    pair.of(Side.SOURCE)[:] = everything
    assert await pair.reason() is None
    pair.of(Side.SOURCE).clear()
    assert await pair.reason() == "source_empty"
    assert pair.held == (0, 20)


async def test_an_approved_plan_that_is_broken_off_goes_on(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    await pair.approve()
    lab.target.answer = lambda _c: (
        UnreachableError("down") if len(lab.target.written) > 26 else OutcomeStatus.APPLIED
    )
    report = await pair.run()
    assert report.status is RunStatus.UNREACHABLE
    assert 0 < len(pair.of(Side.TARGET)) < 20
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert await pair.reason() is None
    assert pair.held == (0, 0)


async def test_the_rest_of_an_approved_plan_is_no_other_plan(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    await pair.approve()
    lab.target.answer = lambda _c: (
        UnreachableError("down") if len(lab.target.written) > 26 else OutcomeStatus.APPLIED
    )
    await pair.run()
    pair.of(Side.TARGET).extend(pair.entries(1, first=90))
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert await pair.reason() == "too_many_removals_at_target"
    assert pair.held[0] == 0


async def test_a_rejected_plan_is_left_out_until_its_items_change(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    lost = pair.of(Side.SOURCE)[:8]
    del pair.of(Side.SOURCE)[:8]
    await pair.run()
    assert await pair.reason() == "too_many_removals_at_target"
    await pair.reject()
    assert await lab.state.held(PAIR) == ()
    for _ in range(4):
        report = await pair.run()
        assert (report.status, report.total("skipped"), pair.held) == (RunStatus.OK, 8, (12, 20))
    # the others go on as ever
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    await pair.run()
    assert pair.held == (13, 21)
    # listed again, and taken away again: that is news
    pair.of(Side.SOURCE).extend(lost[:1])
    assert (await pair.run()).total("skipped") == 7
    pair.of(Side.SOURCE).remove(lost[0])
    await pair.run(2)
    assert pair.held == (13, 20)


async def test_rejecting_what_an_empty_side_would_do(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    await pair.reject()
    assert await pair.reason() is None
    pair.of(Side.TARGET).extend(pair.entries(1, first=90))
    assert await pair.reason() is None
    assert pair.held == (1, 21)


async def test_rejected_values_are_left_out_until_they_change(lab: Lab) -> None:
    pair = Pair(lab, RATINGS)
    await pair.agree(10)
    pair.of(Side.SOURCE)[:] = [rated(movie(n), 30, NOW + HOUR) for n in range(1, 11)]
    assert await pair.reason() == "source_changed_most"
    await pair.reject()
    report = await pair.run()
    assert (report.total("skipped"), report.total("updated")) == (10, 0)
    pair.of(Side.SOURCE)[0] = rated(movie(1), 40, NOW + 2 * HOUR)
    report = await pair.run()
    assert (report.total("skipped"), report.total("updated")) == (9, 1)


@pytest.mark.parametrize("answer", ["approve_plan", "reject_plan"])
async def test_only_the_plan_that_waits_can_be_answered(lab: Lab, answer: str) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    plan_hash = await pair.waiting()
    say = getattr(lab.state, answer)
    for feature, wrong in ((LISTS, "other"), (HISTORY, plan_hash)):
        with pytest.raises(PlanGoneError):
            await say(PAIR, feature, wrong, NOW)
    with pytest.raises(PlanGoneError):
        await say("another pair", LISTS, plan_hash, NOW)
    await say(PAIR, LISTS, plan_hash, NOW)
    with pytest.raises(PlanGoneError):
        await say(PAIR, LISTS, plan_hash, NOW)


async def test_a_hash_says_what_would_change(lab: Lab) -> None:
    pair = Pair(lab, RATINGS)
    await pair.agree(10)
    hashes = []
    for tenths, order in ((30, 1), (30, -1), (40, 1)):
        changed = [rated(movie(n), tenths, NOW + HOUR) for n in range(1, 11)]
        pair.of(Side.SOURCE)[:] = changed[::order]
        await pair.reason()
        hashes.append(await pair.waiting())
    assert hashes[0] == hashes[1] != hashes[2]


async def test_a_dry_run_holds_approves_and_forgets_nothing(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    before = await dump(lab)
    report = await pair.run(dry_run=True)
    assert (report.status, report.total("removed"), report.total("held")) == (RunStatus.HELD, 20, 20)
    assert await dump(lab) == before
    await pair.reason()
    await pair.approve()
    before = await dump(lab)
    report = await pair.run(dry_run=True)
    assert (report.status, report.total("removed"), report.total("held")) == (RunStatus.OK, 20, 0)
    assert await dump(lab) == before


async def test_what_a_person_has_said_is_remembered_under_better_ids(lab: Lab) -> None:
    pair = Pair(lab)
    pair.of(Side.SOURCE)[:] = [*pair.entries(8), listed(movie(imdb="tt9"))]
    await pair.run()
    said = Decision(side=Side.TARGET, key="movie:imdb:tt9", kind=Decided.UNDONE, fingerprint="remove")
    await lab.state.decide(PAIR, LISTS, [said], run="run", now=int(lab.now))
    pair.of(Side.SOURCE).pop()
    pair.of(Side.TARGET).remove(listed(movie(imdb="tt9")))
    pair.of(Side.TARGET).append(listed(movie(9, "tt9")))
    for _ in range(3):
        report = await pair.run()
    assert (report.total("skipped"), pair.held) == (1, (8, 9))
    assert await lab.state.decisions(PAIR, LISTS) == (replace(said, scope="same same"),)
    pair.of(Side.SOURCE).append(listed(movie(9)))
    await pair.run()
    assert await lab.state.decisions(PAIR, LISTS) == ()


async def test_nothing_of_a_pair_that_is_gone_stays(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(20)
    pair.of(Side.SOURCE).clear()
    await pair.reason()
    said = Decision(side=Side.TARGET, key="movie:tmdb:1", kind=Decided.REJECTED)
    await lab.state.decide(PAIR, LISTS, [said], now=NOW)
    await lab.state.forget_pair(PAIR)
    assert (await lab.state.held(PAIR), await lab.state.decisions(PAIR, LISTS)) == ((), ())


def times(entries: Sequence[Entry]) -> list[int]:
    """When plays were."""
    return [(e.watched_at or 0) - NOW for e in entries if isinstance(e, Play)]


@pytest.mark.parametrize("direction", [ONE, TWO])
async def test_a_play_recorded_twice_goes_with_its_double(lab: Lab, direction: Direction) -> None:
    pair = Pair(lab, HISTORY, direction)
    others = [play(movie(n), NOW) for n in range(2, 9)]
    pair.of(Side.SOURCE)[:] = [play(movie(1), NOW), *others]
    pair.of(Side.TARGET)[:] = [play(movie(1), NOW), play(movie(1), NOW + 60), *others]
    await pair.run()
    pair.of(Side.SOURCE).pop(0)
    await pair.run(5)
    assert pair.held == (7, 7)
    assert times(pair.of(Side.TARGET)) == [0] * 7


async def test_the_brake_is_wide_enough_for_every_day(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(60)
    for _ in range(6):
        lab.now += DAY
        del pair.of(Side.SOURCE)[:BRAKE_COUNT]
        await pair.run(2)
        assert pair.held[0] == pair.held[1]


async def test_what_is_listed_anew_after_it_was_taken_away_is_new(lab: Lab) -> None:
    """Right after the removal, on the side from which it was taken, which never tells when it was listed."""
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).pop(0)
    await pair.run(2)
    assert pair.held == (7, 7)
    pair.of(Side.TARGET).append(listed(movie(1)))
    lab.now += 10 - HOUR
    assert (await pair.run()).total("removed") == 0
    await pair.run()
    assert pair.held == (8, 8)


async def test_rows_of_one_moment_are_taken_away_once(lab: Lab) -> None:
    pair = Pair(lab, HISTORY)
    pair.of(Side.TARGET)[:] = [*pair.entries(8), play(movie(1), NOW - DAY)]
    await pair.run()
    pair.of(Side.SOURCE).remove(play(movie(1), NOW - DAY))
    await pair.run()
    report = await pair.run()
    assert report.total("removed") == 1


async def test_a_rejected_addition_is_over_when_it_is_nowhere_for_two_runs(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    said = Decision(side=Side.TARGET, key="movie:tmdb:90", kind=Decided.REJECTED, fingerprint="add")
    await lab.state.decide(PAIR, LISTS, [said], now=int(lab.now))
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    await pair.run()
    assert pair.held == (9, 8)
    for _ in range(2):
        pair.of(Side.SOURCE).pop()
        await pair.run()
        assert [each.missed for each in await lab.state.decisions(PAIR, LISTS)] == [int(lab.now)]
        pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
        await pair.run()
        assert pair.held == (9, 8), "one read that lacks it changes nothing"
    pair.of(Side.SOURCE).pop()
    await pair.run(2)
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    await pair.run()
    assert pair.held == (9, 9)
