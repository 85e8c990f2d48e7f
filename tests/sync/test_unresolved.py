"""What can't be written: what it waits for, what a person ignores, and what a person wants tried again."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Feature,
    Outcome,
    OutcomeStatus,
    Scope,
    Side,
)
from custom_components.crosswatch.sync.report import FeatureReport, RunStatus
from custom_components.crosswatch.sync.unresolved import DAY, UnresolvedRow, Waits

from .fakes import HOUR, NOW, FakeProvider, listed, movie, play
from .lab import PAIR, Lab

LISTS, PLAYS = Feature.WATCHLIST, Feature.HISTORY
TT1 = "movie:imdb:tt1"


async def rows(lab: Lab) -> dict[str, UnresolvedRow]:
    """All unresolved items by key."""
    return {row.key: row for row in await lab.state.unresolved(PAIR)}


async def lists(lab: Lab, **changes: object) -> FeatureReport:
    """Run the watchlist."""
    return (await lab.run(**changes)).features[LISTS]


def told(report: FeatureReport) -> tuple[RunStatus, int, int]:
    """How it ended, with what counts as trouble and what does not."""
    return report.status, report.unresolved, report.skipped


@pytest.fixture
def strict(lab: Lab) -> Lab:
    """A lab with one item that the target can't take, and one that it can."""
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1")), listed(movie(2))]
    return lab


async def test_what_a_service_can_tell_from_the_item_waits_for_the_item(strict: Lab) -> None:
    await strict.run()
    row = (await rows(strict))[TT1]
    assert (row.waits_for, row.retry_at, row.ignored) == (Waits.ITEM, None, False)


async def test_what_was_refused_without_a_cause_waits_for_time_ever_longer(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    for rest in (DAY, 3 * DAY, 7 * DAY, 30 * DAY, 30 * DAY):
        await lab.run()
        (row,) = (await rows(lab)).values()
        assert (row.waits_for, row.retry_at) == (Waits.TIME, lab.now + rest)
        await lab.run()
        assert await rows(lab) == {row.key: replace(row, last_seen=int(lab.now))}, "it rests, and is seen"
        lab.now += rest


async def test_what_is_beyond_a_quota_waits_for_the_next_window(lab: Lab) -> None:
    lab.fill(1)
    change = Change(
        feature=LISTS, side=Side.TARGET, action=Action.ADD, key="k", entry=listed(movie(1)), rule="r"
    )
    until = NOW + 2 * HOUR
    outcome = Outcome(change=change, status=OutcomeStatus.UNRESOLVED, reason="quota", retry_at=until)
    await lab.state.record(PAIR, "run", [change], [outcome], NOW)
    (row,) = (await rows(lab)).values()
    assert (row.waits_for, row.retry_at, row.attempts) == (Waits.QUOTA, until, 0)
    assert await lab.state.resting(PAIR, LISTS, until - 1) == {Side.SOURCE: {}, Side.TARGET: {"k": "quota"}}
    assert await lab.state.resting(PAIR, LISTS, until) == {Side.SOURCE: {}, Side.TARGET: {}}


async def test_a_failure_that_passes_is_never_frozen(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.FAILED
    for _ in range(5):
        assert (await lists(lab)).errors == 1
    assert await rows(lab) == {}


async def test_another_cause_is_waited_for_in_its_own_way(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1"))]
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await lab.run()
    assert (await rows(lab))[TT1].waits_for is Waits.TIME
    lab.target.needs_tmdb = True
    await lab.run()
    row = (await rows(lab))[TT1]
    assert (row.reason, row.waits_for) == ("missing_tmdb_id", Waits.ITEM)


# --- ignored ----------------------------------------------------------------------------------------


async def test_what_is_ignored_stays_listed_and_is_no_trouble(strict: Lab) -> None:
    assert told(await lists(strict)) == (RunStatus.UNRESOLVED, 1, 0)
    assert await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    for dry_run in (True, False):
        report = await strict.run(dry_run=dry_run)
        assert told(report.features[LISTS]) == (RunStatus.OK, 0, 1)
        assert [row.ignored for plan in report.plans for row in plan.unresolved] == [True] * dry_run
    assert report.features[LISTS].reasons == {}
    assert (await rows(strict))[TT1].ignored
    assert await strict.state.unignore_item(PAIR, LISTS, Side.TARGET, TT1)
    assert told(await lists(strict)) == (RunStatus.UNRESOLVED, 1, 0)


async def test_what_is_ignored_is_written_as_soon_as_it_can_be(strict: Lab) -> None:
    await strict.run()
    await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    strict.target.needs_tmdb = False
    assert (await lists(strict)).added == 1
    assert await rows(strict) == {}
    strict.target.needs_tmdb = True
    strict.source.entries[LISTS].append(listed(movie(imdb="tt3")))
    assert told(await lists(strict)) == (RunStatus.UNRESOLVED, 1, 0), "nothing is left of it"


async def test_only_the_one_thing_is_ignored(strict: Lab) -> None:
    strict.source.entries[LISTS].append(listed(movie(imdb="tt3")))
    strict.source.entries[PLAYS] = [play(movie(imdb="tt1"), NOW)]
    features = (LISTS, PLAYS)
    await strict.run(features=features)
    assert not await strict.state.ignore_item(PAIR, LISTS, Side.SOURCE, TT1)
    assert not await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, "movie:imdb:tt9")
    assert not await strict.state.ignore_item("02PAIR", LISTS, Side.TARGET, TT1)
    assert await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    report = await strict.run(features=features)
    assert {str(f): part.unresolved for f, part in report.features.items()} == {"watchlist": 1, "history": 1}


async def test_another_reason_is_told_again(strict: Lab) -> None:
    await strict.run()
    await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    strict.target.needs_tmdb = False
    strict.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    assert told(await lists(strict)) == (RunStatus.UNRESOLVED, 1, 0)
    assert not (await rows(strict))[TT1].ignored
    await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    strict.target.needs_tmdb = True
    assert told(await lists(strict)) == (RunStatus.UNRESOLVED, 1, 0)
    assert not (await rows(strict))[TT1].ignored


async def test_what_is_refused_once_more_for_the_reason_that_is_ignored_is_no_trouble(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await lab.run()
    (key,) = await rows(lab)
    await lab.state.ignore_item(PAIR, LISTS, Side.TARGET, key)
    lab.now += DAY
    report = await lists(lab)
    assert told(report) == (RunStatus.OK, 0, 1)
    row = (await rows(lab))[key]
    assert (row.attempts, row.ignored) == (2, True), "it was tried"


async def test_what_is_ignored_is_found_under_the_key_it_has_now(strict: Lab) -> None:
    strict.source.entries[PLAYS] = [play(movie(5), NOW)]
    await strict.run(features=(LISTS, PLAYS))
    await strict.state.ignore_item(PAIR, LISTS, Side.TARGET, TT1)
    strict.source.entries[PLAYS] = [play(movie(5, "tt1"), NOW)]
    await strict.run(features=(PLAYS,))
    report = await strict.run(dry_run=True)
    assert [(row.key, row.ignored) for row in report.plans[0].unresolved] == [("movie:tmdb:5", True)]


# --- tried again ------------------------------------------------------------------------------------


async def test_what_a_person_wants_tried_again_is_tried_in_the_next_run(lab: Lab) -> None:
    lab.fill(3)
    lab.target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    await lab.run()
    one, two, _ = await rows(lab)
    await lab.state.ignore_item(PAIR, LISTS, Side.TARGET, two)
    assert await lab.state.retry_items(PAIR, [one, two, "movie:tmdb:99"]) == 2
    assert [row.ignored for row in (await rows(lab)).values()] == [False] * 3
    lab.target.answer = lambda _c: OutcomeStatus.APPLIED
    assert (await lists(lab)).added == 2
    assert await lab.state.retry_items("02PAIR") == 0
    assert await lab.state.retry_items(PAIR, []) == 0
    assert await lab.state.retry_items(PAIR) == 1
    assert (await lists(lab)).added == 1


class Freezer(FakeProvider):
    """A fake that keeps what it refused in a file of its own."""

    def __init__(self) -> None:
        """Nothing is to be tried before it is due."""
        super().__init__("plex")
        self.asked: list[tuple[str, Collection[str] | None]] = []

    async def thawed(self, feature: Feature, scope: Scope, resting: Mapping[str, str]) -> frozenset[str]:
        """Return nothing."""
        return frozenset()

    async def thaw(self, pair: str, keys: Collection[str] | None = None) -> None:
        """Note what is to be tried again."""
        self.asked.append((pair, keys))


async def test_what_a_provider_keeps_a_file_of_waits_for_the_library_and_is_asked_for_there(lab: Lab) -> None:
    target = lab.target = Freezer()
    target.answer = lambda _c: OutcomeStatus.UNRESOLVED
    lab.fill(2)
    await lab.run()
    assert {row.waits_for for row in (await rows(lab)).values()} == {Waits.LIBRARY}
    keys = ["movie:tmdb:1"]
    assert await lab.engine.retry(PAIR, (lab.source, target), keys) == 1
    assert target.asked == [(PAIR, keys)]
    requests = target.requests
    await lab.run()
    assert target.requests == requests + 2, "one read, and one more try"
