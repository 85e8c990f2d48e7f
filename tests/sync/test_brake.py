"""Whether what was read before and after writing is believed, in whole runs."""

import asyncio
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync import brake as brake_module
from custom_components.crosswatch.sync.feature_run import SETTLE
from custom_components.crosswatch.sync.guards import CANARIES, LONG, MANY
from custom_components.crosswatch.sync.models import Change, Missing, OutcomeStatus, Side
from custom_components.crosswatch.sync.report import RunStatus
from custom_components.crosswatch.sync.settings import PairSettings

from .lab import PAIR, Lab, until
from .test_removals import LISTS, ONE, Pair

ADDS_ONLY = PairSettings()


async def known(pair: Pair) -> dict[str, Missing]:
    """What both sides have agreed on."""
    found = await pair.lab.state.known(PAIR, LISTS, dict.fromkeys(Side, "same"))
    return dict(found.baseline)


async def missed(pair: Pair, side: Side) -> int:
    """How many entries a side was found without."""
    return sum(bool(missing.at(side)) for missing in (await known(pair)).values())


def hides_after_writing(pair: Pair, count: int) -> None:
    """Let the next read of the target show everything, and those after it leave out the first entries."""
    first = iter((True,))
    pair.lab.target.shown = lambda rows: rows if next(first, False) else rows[count:]


async def test_a_plan_that_can_not_be_judged_is_told_in_the_log(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pair = Pair(lab)
    pair.of(Side.SOURCE)[:] = pair.entries(2)
    # what nobody has thought of
    monkeypatch.setattr(brake_module, "reason_to_hold", None)
    assert await pair.reason() == "brake_failed"
    assert "A plan that can't be judged is held" in caplog.messages


@pytest.mark.parametrize("judged", [True, False])
async def test_a_read_after_writing_that_can_not_be_judged_counts_for_nothing(
    lab: Lab, judged: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    hides_after_writing(pair, 1)
    if not judged:
        monkeypatch.setattr(brake_module, "wrong_read", None)
    await pair.run()
    assert await missed(pair, Side.TARGET) == judged
    assert ("A read that can't be judged counts for nothing" in caplog.messages) is not judged


async def test_a_side_that_was_emptied_as_it_was_to_be_is_believed(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(8)
    pair.of(Side.SOURCE).clear()
    assert await pair.reason() == "source_empty"
    await pair.approve()
    report = await pair.run()
    assert (report.status, pair.held) == (RunStatus.OK, (0, 0))
    assert await known(pair) == {}, "nothing is remembered of it"


async def test_what_was_only_written_there_is_not_believed_to_be_gone(lab: Lab) -> None:
    """Seven of fourteen are put back, and the service keeps none of them and hides one more."""
    pair = Pair(lab, direction=ONE)
    await pair.agree(14)
    del pair.of(Side.TARGET)[:7]
    await pair.run()
    before = list(pair.of(Side.TARGET))

    def slow(_change: Change) -> OutcomeStatus:
        lab.now += SETTLE
        return OutcomeStatus.APPLIED

    lab.target.answer = slow
    lab.target.shown = lambda rows: before if len(rows) == len(before) else before[1:]
    await pair.run()
    assert await missed(pair, Side.TARGET) == 7


async def test_a_run_that_was_broken_off_while_it_emptied_a_side_leaves_no_wrong_read(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(3)
    pair.of(Side.SOURCE).clear()
    await pair.run()
    await pair.approve()
    # the last one lands, and nobody hears of it
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED if len(pair.of(Side.TARGET)) > 1 else None
    task = asyncio.create_task(lab.run())
    await until(lambda: not pair.of(Side.TARGET))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    assert await pair.reason() is None
    assert pair.held == (1, 1)


@pytest.mark.parametrize("scope", ["same", "another library"])
async def test_another_library_may_hold_many_more(lab: Lab, scope: str) -> None:
    pair = Pair(lab)
    await pair.agree(6)
    pair.of(Side.SOURCE).extend(pair.entries(MANY + 1, first=100))
    lab.source.scope_hash = scope
    assert await pair.reason() == ("source_doubled" if scope == "same" else None)


async def test_where_nothing_follows_from_what_is_missing_no_read_is_mistrusted(lab: Lab) -> None:
    pair = Pair(lab)
    await pair.agree(CANARIES + 30)
    lab.now += LONG
    lab.request = replace(lab.request, settings=ADDS_ONLY)
    pair.of(Side.SOURCE).extend(pair.entries(1, first=90))
    hides_after_writing(pair, CANARIES)
    report = await pair.run()
    assert (report.total("added"), await missed(pair, Side.TARGET)) == (1, CANARIES)
