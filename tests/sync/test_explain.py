"""Why something is as it is: what is found, what is told of it, and that nothing is written."""

import asyncio
from dataclasses import replace
import json

import pytest

from custom_components.crosswatch.sync.decisions import Decided, Decision
from custom_components.crosswatch.sync.engine import AlreadyRunningError
from custom_components.crosswatch.sync.explain import MOST, Explanation
from custom_components.crosswatch.sync.models import (
    PRESENT,
    Action,
    Direction,
    Feature,
    Ids,
    Item,
    Kind,
    OutcomeStatus,
    Scope,
    Side,
    Values,
)
from custom_components.crosswatch.sync.provider import AuthError, UnreachableError

from .fakes import NOW, episode, listed, movie, play, rated
from .lab import PAIR, Lab, dump, until

LISTS, PLAYS, RATINGS = Feature.WATCHLIST, Feature.HISTORY, Feature.RATINGS
ALL = (LISTS, PLAYS, RATINGS)
M1 = "movie:tmdb:1"


async def explain(lab: Lab, wanted: str, **changes: object) -> tuple[Explanation, ...]:
    """Explain, and make sure that it leaves no trace."""
    request = replace(lab.request, **{"features": ALL, **changes})  # type: ignore[arg-type]
    before, written = await dump(lab), (len(lab.source.written), len(lab.target.written))
    found = await lab.engine.explain(request, wanted, lab.source, lab.target)
    assert await dump(lab) == before
    assert (len(lab.source.written), len(lab.target.written)) == written
    assert [json.loads(json.dumps(each.as_dict()))["key"] for each in found] == [each.key for each in found]
    return found


def outcomes(found: Explanation) -> list[tuple[str, str, str | None]]:
    """What would become of it."""
    return [(each.what, each.side or "", each.why) for each in found.outcomes]


@pytest.fixture
async def agreed(lab: Lab) -> Lab:
    """A pair that agrees on a movie: listed, played twice and rated."""
    lab.source.entries[LISTS] = [listed(movie(1, "tt1"))]
    lab.source.entries[PLAYS] = [play(movie(1, "tt1"), NOW), play(movie(1, "tt1"), NOW + 90_000)]
    lab.source.entries[RATINGS] = [rated(movie(1, "tt1"), 85)]
    lab.target.keeps = lambda entry: replace(entry, item=replace(entry.item, ids=Ids(tmdb=1)))
    await lab.run(features=ALL)
    return lab


async def test_since_when_it_is_missing_is_told(agreed: Lab) -> None:
    agreed.target.keeps = lambda entry: entry
    agreed.source.entries[LISTS].append(listed(movie(2)))
    await agreed.run(features=ALL)
    agreed.target.entries[LISTS].pop(0)
    await agreed.run(features=ALL)
    at = int(agreed.now)
    agreed.now += 300
    lists = (await explain(agreed, M1))[0]
    (told,) = lists.as_dict()["baseline"].values()
    assert told["missing"] == {"source": 0, "target": 1}
    assert told["missing_since"] == {"source": None, "target": at}
    assert outcomes(lists) == [("skip", "target", "missing_at_target_once")]


async def test_all_there_is_to_say_of_an_item(agreed: Lab) -> None:
    at = int(agreed.now)
    lists, plays, ratings = await explain(agreed, M1)
    assert [(each.feature, each.key, each.name) for each in (lists, plays, ratings)] == [
        (feature, M1, "Movie 1") for feature in ALL
    ]
    assert ratings.entries == {side: tuple(agreed_side(agreed, side)) for side in Side}
    assert {len(each) for each in plays.entries.values()} == {2}
    key = f"{M1}#rating:overall"
    assert ratings.baseline == {key: (PRESENT, Values(85, 85))}
    assert lists.baseline == {M1: (PRESENT, Values(0, 0))}
    assert outcomes(ratings) == [("agreed", "", None)]
    assert len(outcomes(plays)) == 2
    (line,) = ratings.lines
    assert (line.key, line.side, line.action, line.rule) == (key, Side.TARGET, Action.ADD, "only_at_source")
    assert (line.state, line.at, line.trigger, line.found) == ("observed", at, "test", False)
    last = await agreed.state.last_run(PAIR)
    assert last is not None
    assert {line.run for line in plays.lines} == {last.run_id}
    assert [line.key for line in plays.lines] == [f"{M1}@{NOW}", f"{M1}@{NOW + 90_000}"]


def agreed_side(lab: Lab, side: Side) -> list[object]:
    """Ratings of a side."""
    provider = lab.source if side is Side.SOURCE else lab.target
    return list(provider.entries[RATINGS])


@pytest.mark.parametrize(
    "wanted", [M1, "tmdb:1", "imdb:tt1", " movie:imdb:tt1 ", f"{M1}@{NOW}", f"{M1}#rating:overall", "MOVIE 1"]
)
async def test_an_item_is_found_by_key_id_and_name(agreed: Lab, wanted: str) -> None:
    agreed.source.entries[LISTS].append(listed(movie(2)))
    assert {each.key for each in await explain(agreed, wanted)} == {M1}


@pytest.mark.parametrize("wanted", ["", "  ", "movie 7", "imdb:tt9", "movie:tmdb:9", "movie", "tmdb"])
async def test_what_nobody_knows_is_not_found(agreed: Lab, wanted: str) -> None:
    agreed.source.entries[LISTS] = [listed(replace(movie(1), title="Arrival"))]
    found = {each.key for each in await explain(agreed, wanted)}
    assert found == ({M1} if wanted == "movie" else set())


async def test_a_show_brings_its_episodes(lab: Lab) -> None:
    show = Item(kind=Kind.SHOW, ids=Ids(tmdb=5, tvdb=55), title="Show 5")
    lab.source.entries[LISTS] = [listed(show)]
    lab.source.entries[PLAYS] = [play(episode(5, 1, n), NOW + n * 9000) for n in (1, 2)]
    await lab.run(features=ALL)
    keys = ["show:tmdb:5", "episode:tmdb:5:s01e01", "episode:tmdb:5:s01e02"]
    for wanted in ("show:tmdb:5", "tvdb:55", "show 5"):
        assert [each.key for each in await explain(lab, wanted)] == keys
    assert [each.key for each in await explain(lab, "episode:tvdb:55:s01e02")] == keys[2:]


async def test_an_item_with_a_title_of_its_own_is_found_by_that(lab: Lab) -> None:
    lab.source.entries[PLAYS] = [play(replace(episode(5, 1, 1), title="The Pilot"), NOW)]
    (found,) = await explain(lab, "pilot")
    assert (found.key, found.name) == ("episode:tmdb:5:s01e01", "Show 5 S01E01")


async def test_what_the_next_run_makes_of_it(lab: Lab) -> None:
    lab.target.needs_tmdb = True
    lab.source.entries[LISTS] = [listed(movie(1)), listed(movie(imdb="tt2"))]
    lab.target.entries[LISTS] = [listed(movie(1)), listed(movie(3))]
    await lab.run(direction=Direction.TWO_WAY)
    lab.target.entries[LISTS] = [listed(movie(3)), listed(movie(4))]
    told = {
        each.key: outcomes(each)
        for each in await explain(lab, "movie", direction=Direction.TWO_WAY)
        if each.feature is LISTS
    }
    assert told == {
        M1: [("skip", "source", "removals_off")],
        "movie:imdb:tt2": [("unresolved", "target", "missing_tmdb_id")],
        "movie:tmdb:3": [("agreed", "", None)],
        "movie:tmdb:4": [("add", "source", "only_at_target")],
    }
    (found,) = (each for each in await explain(lab, "imdb:tt2") if each.feature is LISTS)
    assert [(row.key, row.reason) for row in found.unresolved] == [("movie:imdb:tt2", "missing_tmdb_id")]


async def test_decisions_and_held_plans_are_told(lab: Lab) -> None:
    lab.fill(20)
    await lab.run()
    said = Decision(side=Side.TARGET, key=M1, kind=Decided.REJECTED)
    await lab.state.decide(PAIR, LISTS, [said], now=int(lab.now))
    lab.fill(22)
    lab.target.entries[LISTS] = []
    (found,) = await explain(lab, M1)
    assert found.held == "target_empty"
    assert [(made.key, made.kind) for made in found.decisions] == [(M1, Decided.REJECTED)]


async def test_what_is_known_from_memory_only_is_found(lab: Lab) -> None:
    lab.fill(8)
    lab.target.needs_tmdb = True
    lab.source.entries[RATINGS] = [rated(movie(imdb="tt9"), 70)]
    await lab.run(features=ALL)
    await lab.state.decide(
        PAIR, PLAYS, [Decision(side=Side.TARGET, key="movie:tmdb:70", kind=Decided.REJECTED)], now=NOW
    )
    lab.source.entries[LISTS] = lab.source.entries[LISTS][1:]
    lab.target.entries[LISTS] = lab.target.entries[LISTS][1:]
    lab.source.entries[RATINGS] = []
    (found,) = await explain(lab, "movie 1")
    assert (found.key, found.name, found.entries) == (M1, "Movie 1", dict.fromkeys(Side, ()))
    assert len(found.lines) == 1
    (found,) = await explain(lab, M1, features=(LISTS,))
    assert found.baseline == {M1: (PRESENT, Values(0, 0))}
    (found,) = await explain(lab, "tt9")
    assert [row.key for row in found.unresolved] == ["movie:imdb:tt9#rating:overall"]
    (found,) = await explain(lab, "movie:tmdb:70")
    assert (found.name, len(found.decisions)) == ("movie:tmdb:70", 1)


async def test_what_was_written_under_an_older_key_is_found(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(imdb="tt1"))]
    lab.source.entries[PLAYS] = [play(movie(5), NOW), play(episode(6, 1, 1), NOW)]
    await lab.run(features=ALL)
    lab.source.entries[LISTS] = [listed(movie(5, "tt1"))]
    found = {each.feature: each for each in await explain(lab, "tmdb:5")}
    assert [line.key for line in found[LISTS].lines] == ["movie:imdb:tt1"]
    assert [line.key for line in found[PLAYS].lines] == [f"movie:tmdb:5@{NOW}"]


async def test_names_with_letters_that_are_escaped_are_found_in_the_journal(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(replace(movie(1), title="Amélie 100%_\\"))]
    await lab.run()
    lab.source.entries[LISTS] = []
    lab.target.entries[LISTS] = []
    for wanted in ("mélie", "100%_\\"):
        assert [each.key for each in await explain(lab, wanted)] == [M1]
    for wanted in ("melie", "100%%"):
        assert await explain(lab, wanted) == ()


async def test_what_was_there_already_is_told_apart_from_what_was_written(lab: Lab) -> None:
    lab.fill(1)
    lab.target.answer = lambda _c: OutcomeStatus.ALREADY
    await lab.run()
    lab.target.entries[LISTS] = list(lab.source.entries[LISTS])
    await lab.run()
    (found,) = await explain(lab, M1)
    assert [(line.state, line.found, line.may_stand) for line in found.lines] == [("observed", True, False)]


async def test_a_side_that_tells_no_plays_but_what_is_watched(lab: Lab) -> None:
    lab.target.undated()
    lab.target.watched = [movie(1), movie(2)]
    lab.source.entries[PLAYS] = [play(movie(1), NOW)]
    (found,) = await explain(lab, M1)
    assert (found.watched, found.entries[Side.TARGET]) == (frozenset({Side.TARGET}), ())


async def test_what_can_be_told_apart_by_nobody_is_explained_too(lab: Lab) -> None:
    lab.source.entries[LISTS] = [listed(movie(1, "tt1")), listed(movie(2, "tt1")), listed(movie(imdb="tt1"))]
    found = {each.key: outcomes(each) for each in await explain(lab, "movie", features=(LISTS,))}
    assert found["movie:imdb:tt1"] == [("unresolved", "target", "ambiguous")]


async def test_a_side_that_can_not_be_read_is_told(lab: Lab) -> None:
    lab.target.read_error = UnreachableError("down")
    found = await explain(lab, M1)
    assert [(each.feature, each.error) for each in found] == [
        (feature, "UnreachableError: down") for feature in ALL
    ]
    lab.target.read_error = AuthError("401")
    assert len(await explain(lab, M1)) == 1


async def test_at_most_so_many_items_are_explained(lab: Lab) -> None:
    lab.fill(MOST + 10)
    assert len(await explain(lab, "movie")) == MOST


async def test_a_pair_does_one_thing_at_a_time(lab: Lab) -> None:
    lab.fill(1)
    lab.target.pause = asyncio.Event()
    running = asyncio.create_task(lab.run())
    await until(lambda: lab.target.requests == 2)
    with pytest.raises(AlreadyRunningError):
        await lab.engine.explain(lab.request, M1, lab.source, lab.target)
    lab.target.pause.set()
    await running
    assert await lab.engine.explain(lab.request, M1, lab.source, lab.target)


async def test_the_services_are_told_that_nothing_may_be_written(lab: Lab) -> None:
    scopes: list[Scope] = []
    read = lab.source.read

    async def reading(feature: Feature, scope: Scope) -> object:
        scopes.append(scope)
        return await read(feature, scope)

    lab.source.read = reading  # type: ignore[assignment]
    await explain(lab, M1)
    assert [scope.read_only for scope in scopes] == [True] * 3
