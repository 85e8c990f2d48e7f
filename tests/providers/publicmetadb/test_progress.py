"""Resume positions: reading, writing, echoes, thresholds, removals."""

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.progress import resume_of
from custom_components.crosswatch.providers.publicmetadb.refusals import refusal
from custom_components.crosswatch.sync.models import Action, Feature, Item, Resume, Scope
from custom_components.crosswatch.sync.provider import BadAnswerError, IncompleteReadError, ProviderError
from tests.simulators.base import When
from tests.simulators.publicmetadb import (
    Envelope,
    Kind as Quirk,
    MovieNumbers,
    NumberStyle,
    PublicMetaDBSimulator,
    User,
)

from .conftest import Build
from .helpers import (
    JAN_2,
    PAIR,
    RESUME,
    SCOPE,
    apply,
    change,
    episode,
    files,
    movie,
    removal,
    show,
    stop,
    told,
    update,
)

SHADOW = "publicmetadb_progress.pair1.shadow.json"
HOURS = 3_600_000


async def read(provider: PublicMetaDBProvider, scope: Scope = SCOPE) -> dict[Item, tuple[int, int | None]]:
    """Return positions and durations."""
    entries = (await provider.read(Feature.PROGRESS, scope)).entries
    found = {one.item: (one.position_ms, one.duration_ms) for one in entries if isinstance(one, Resume)}
    assert len(found) == len(entries)
    return found


def content(folder: Path) -> Any:
    """Return the content of the shadow."""
    return json.loads((folder / SHADOW).read_text())


def at(percent: float, item: Item | None = None) -> Resume:
    """Return a position in a film of 100 minutes."""
    return stop(item or movie(550), round(percent * 60_000), 6_000_000)


# --- both ways -------------------------------------------------------------------------------


async def test_movie_and_episode_as_target_and_source(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Milliseconds both, unrounded; season 0 is real."""
    positions = (stop(movie(550), 1_800_001, 8_340_007), stop(episode(1399, 0, 1), 600_000, 3_600_000))
    assert told(await apply(provider, *positions)) == [("applied", None)] * 2
    assert json.loads(sim.requests(RESUME, "POST")[0].body) == {
        "tmdb_id": 550,
        "media_type": "movie",
        "position_ms": 1_800_001,
        "runtime_ms": 8_340_007,
    }
    assert json.loads(sim.requests(RESUME, "POST")[1].body)["season"] == 0
    assert await read(provider) == {one.item: (one.position_ms, one.duration_ms) for one in positions}
    rows = user.resume()
    assert content(tmp_path)["items"] == {
        "movie:tmdb:550": rows[0].id,
        "episode:tmdb:1399:s00e01": rows[1].id,
    }


async def test_change_and_removal(provider: PublicMetaDBProvider, user: User, tmp_path: Path) -> None:
    """A position is moved in place and removed by its row's id."""
    await apply(provider, at(20), at(30, movie(551)))
    before = {row.tmdb_id: row.id for row in user.resume()}
    assert told(await apply(provider, update(at(40)))) == [("applied", None)]
    assert {row.tmdb_id: row.id for row in user.resume()} == before
    assert (await read(provider))[movie(550)] == (2_400_000, 6_000_000)
    assert told(await apply(provider, removal(at(40)))) == [("applied", None)]
    assert [row.tmdb_id for row in user.resume()] == [551]
    assert set(content(tmp_path)["items"]) == set(content(tmp_path)["sent"]) == {"movie:tmdb:551"}


async def test_time_of_the_stop_comes_back(build: Build) -> None:
    """The service knows only when it was told; we know when playing stopped."""
    await apply(build(), stop(movie(550), at=JAN_2))
    (entry,) = (await build().read(Feature.PROGRESS, SCOPE)).entries
    assert isinstance(entry, Resume)
    assert entry.at == JAN_2


# --- reasons ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (stop(movie(550), 0), "missing_progress"),
        (stop(movie(550), -5), "zero_progress"),
        (stop(movie(550), 0, None), "missing_progress"),
        (stop(movie(550), 5000, None), "missing_duration"),
        (stop(movie(None), 5000, None), "missing_duration"),
        (stop(movie(550), 5000, 0), "missing_duration"),
        (stop(movie(None)), "missing_tmdb_id"),
        (stop(episode(None, 1, 5, own_tmdb=7)), "missing_show_tmdb_or_episode_numbers"),
        (stop(episode(1399, None, 5)), "missing_show_tmdb_or_episode_numbers"),
        (stop(episode(1399, 1, None)), "missing_show_tmdb_or_episode_numbers"),
        (stop(show(1399)), "unsupported_media_type"),
        (at(1.99), "progress_ignored"),
        (at(80), "progress_completed"),
        (at(130), "progress_completed"),
    ],
)
async def test_reasons(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, entry: Resume, reason: str
) -> None:
    """Position, duration, ids, thresholds, in this order; nothing is sent."""
    assert told(await apply(provider, entry)) == [("unresolved", reason)]
    assert told(await apply(provider, update(entry))) == [("unresolved", reason)]
    assert not sim.log


async def test_removal_without_a_row(provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator) -> None:
    """Looked for once; without a title not even that."""
    wanted = removal(stop(movie(550))), removal(stop(movie(551)))
    assert told(await apply(provider, *wanted)) == [("unresolved", "missing_remote_resume_id")] * 2
    assert len(sim.log) == 1
    assert told(await apply(provider, removal(stop(movie(None))))) == [
        ("unresolved", "missing_remote_resume_id")
    ]
    # a position without duration can be removed, as can one that is finished
    assert refusal(Feature.PROGRESS, Action.REMOVE, stop(movie(550), 0, None)) is None


async def test_w11_removal_of_what_is_gone(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path
) -> None:
    """Is a success, and forgotten."""
    await apply(provider, at(20))
    user.remove_resume(user.resume()[0].id)
    assert told(await apply(provider, removal(at(20)))) == [("already", "http:404")]
    assert content(tmp_path) == {"items": {}}


async def test_w12_unknown_row_is_looked_for_once(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A shadow that lacks some."""
    for number in (1, 2, 3):
        user.add_resume(tmdb_id=number, position_ms=60_000, runtime_ms=600_000)
    wanted = [removal(at(20, movie(number))) for number in (1, 2)]
    assert told(await apply(provider, *wanted)) == [("applied", None)] * 2
    assert len(sim.requests(RESUME, "GET")) == 1
    assert [row.tmdb_id for row in user.resume()] == [3]


async def test_w22_id_of_the_entry_is_not_used(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """An entry may carry the id of another service's row."""
    mine = user.add_resume(tmdb_id=550, position_ms=60_000, runtime_ms=600_000)
    other = user.add_resume(tmdb_id=551, position_ms=60_000, runtime_ms=600_000)
    await read(provider)
    outcomes = await apply(
        provider,
        removal(stop(movie(550), remote_id=other.id)),
        removal(stop(movie(552), remote_id=other.id)),
    )
    assert told(outcomes) == [("applied", None), ("unresolved", "missing_remote_resume_id")]
    assert user.resume() == (other,)
    assert sim.requests(method="DELETE")[0].path.endswith(mine.id)


# --- thresholds ------------------------------------------------------------------------------


async def test_w25_positions_that_are_ignored_are_not_sent(build: Build, sim: PublicMetaDBSimulator) -> None:
    """Neither in this run nor in the next, and the other side knows where the limits are."""
    for _ in range(2):
        assert told(await apply(build(), at(1.9))) == [("unresolved", "progress_ignored")]
    assert not sim.log


@pytest.mark.parametrize("percent", [2, 2.01, 50, 79.98])
async def test_positions_that_are_kept(provider: PublicMetaDBProvider, user: User, percent: float) -> None:
    """From 2 % to below 80 %."""
    assert told(await apply(provider, at(percent))) == [("applied", None)]
    assert len(user.resume()) == 1


@pytest.mark.parametrize("carries_item", [False, True])
@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"ignored_below": 30.0}, "progress_ignored"), ({"completed_from": 15.0}, "progress_completed")],
)
async def test_action_decides(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    tmp_path: Path,
    settings: dict[str, float],
    reason: str,
    *,
    carries_item: bool,
) -> None:
    """`ignored` and `completed` drop the local reference, even beside an item."""
    await apply(provider, at(20), at(20, movie(551)))
    sim.settings.action_carries_item = carries_item
    for name, value in settings.items():
        setattr(sim.settings, name, value)
    assert told(await apply(provider, update(at(25)))) == [("unresolved", reason)]
    assert set(content(tmp_path)["items"]) == set(content(tmp_path)["sent"]) == {"movie:tmdb:551"}


# --- echoes ----------------------------------------------------------------------------------


@pytest.mark.parametrize("quirk", [None, Quirk.NO_ID, Quirk.EMPTY_BODY])
async def test_echo_of_a_lossy_value_is_no_change(
    build: Build, sim: PublicMetaDBSimulator, quirk: Quirk | None
) -> None:
    """A position kept as a whole percentage comes back as it was sent, in every later run."""
    sim.settings.resume_whole_percent = True
    if quirk:
        sim.quirk(quirk, RESUME, method="POST")
    sent = stop(movie(550), 1_234_567, 6_000_000)
    await apply(build(), sent)
    for _ in range(3):
        assert await read(build()) == {movie(550): (1_234_567, 6_000_000)}


async def test_position_moved_elsewhere_is_a_change(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """And what was sent before doesn't come back when it is moved there again."""
    await apply(build(), at(20))
    user.add_resume(tmdb_id=550, position_ms=1_206_000, runtime_ms=6_000_000)
    assert await read(build()) == {movie(550): (1_206_000, 6_000_000)}
    (entry,) = (await build().read(Feature.PROGRESS, SCOPE)).entries
    assert isinstance(entry, Resume)
    assert entry.at == int(user.resume()[0].updated)


@pytest.mark.parametrize("percent", [19.4, 20.6, 50])
async def test_lossy_service_and_another_position(
    build: Build, sim: PublicMetaDBSimulator, user: User, percent: float
) -> None:
    """Where the service told nothing, more than half a percent is a change."""
    sim.quirk(Quirk.NO_ID, RESUME, method="POST")
    await apply(build(), at(20))
    user.add_resume(tmdb_id=550, position_ms=round(percent * 60_000), runtime_ms=6_000_000)
    assert await read(build()) == {movie(550): (round(percent * 60_000), 6_000_000)}


# --- rows ------------------------------------------------------------------------------------

ROW: dict[str, Any] = {"id": "re1", "tmdb_id": 550, "media_type": "movie"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"position_ms": 1000, "runtime_ms": 5000}, (1000, 5000)),
        ({"position_ms": 1000.4, "runtime_ms": 5000.0}, (1000, 5000)),
        ({"position_ms": "1000", "runtime_ms": "5000.6"}, (1000, 5001)),
        ({"progressMs": 1000, "durationMs": 5000}, (1000, 5000)),
        ({"progress_ms": 1000, "position_ms": 7, "duration_ms": 5000}, (1000, 5000)),
        ({"viewOffset": 1000, "runtimeMs": 5000}, (1000, 5000)),
        ({"progress": 20.5, "runtime_ms": 5000}, (1025, 5000)),
        ({"progress": "20", "runtime_ms": 5000}, (1000, 5000)),
        ({"progress": 130, "runtime_ms": 5000}, (5000, 5000)),
        ({"position_ms": 9000, "runtime_ms": 5000}, (5000, 5000)),
        # minutes, or not known to be anything else
        ({"position_ms": 1000, "runtime": 90}, (1000, None)),
        ({"position_ms": 1000, "duration": 90}, (1000, None)),
        ({"progress": 20.5, "runtime": 90}, None),
        ({"position_ms": 0, "runtime_ms": 5000}, None),
        ({"position_ms": -1, "runtime_ms": 5000}, None),
        ({"position_ms": None, "runtime_ms": 5000}, None),
        ({"runtime_ms": 5000}, None),
        ({"position_ms": 1000, "runtime_ms": 0}, (1000, None)),
        ({"position_ms": 1000, "runtime_ms": 5000, "tmdb_id": None}, None),
        ({"position_ms": 1000, "runtime_ms": 5000, "media_type": "tv"}, None),
        (
            {"position_ms": 1000, "runtime_ms": 5000, "media_type": "tv", "season": 0, "episode": 0},
            (1000, 5000),
        ),
        (
            {
                "position_ms": 1,
                "runtime_ms": 5,
                "media_type": "tv",
                "season_number": 0,
                "episode_number": "3",
            },
            (1, 5),
        ),
    ],
)
def test_w13_rows_are_read_as_they_are(
    fields: Mapping[str, Any], expected: tuple[int, int | None] | None
) -> None:
    """Specials, fractions, texts and percentages; never minutes for milliseconds."""
    entry = resume_of({**ROW, **fields})
    assert (None if entry is None else (entry.position_ms, entry.duration_ms)) == expected


@pytest.mark.parametrize("value", ["soon", True, [], {}, "nan"])
def test_unreadable_times_are_errors(value: object) -> None:
    """A row may not just vanish."""
    with pytest.raises(BadAnswerError):
        resume_of({**ROW, "position_ms": value, "runtime_ms": 5000})


def test_ids_and_times_of_rows() -> None:
    """`resume_id` is an alias; an unreadable date is none."""
    row = {**ROW, "position_ms": 1, "runtime_ms": 5, "resume_id": "re2", "updated": "yesterday"}
    entry = resume_of(row | {"updated_at": "2026-01-02 20:15:00.000Z"})
    assert entry is not None
    assert (entry.remote_id, entry.at) == ("re2", JAN_2)


@pytest.mark.parametrize("numbers", list(NumberStyle))
@pytest.mark.parametrize("movie_numbers", list(MovieNumbers))
async def test_w13_styles_of_the_service(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    numbers: NumberStyle,
    movie_numbers: MovieNumbers,
) -> None:
    """Whichever way the open questions fall, specials included."""
    sim.settings.numbers = sim.settings.ids = numbers
    sim.settings.movie_numbers = movie_numbers
    user.add_resume(tmdb_id=550, position_ms=60_001, runtime_ms=600_000)
    user.add_resume(
        tmdb_id=1399, media_type="tv", season=0, episode=2, position_ms=60_000, runtime_ms=600_000
    )
    assert await read(provider) == {
        movie(550): (60_001, 600_000),
        episode(1399, 0, 2): (60_000, 600_000),
    }


# --- reading everything ----------------------------------------------------------------------


def fill(user: User, count: int) -> None:
    """Stop so many films."""
    for number in range(1, count + 1):
        user.add_resume(tmdb_id=number, position_ms=60_000, runtime_ms=600_000)


@pytest.mark.parametrize("envelope", [Envelope.ITEMS, Envelope.RESULTS, Envelope.DATA, Envelope.BARE])
@pytest.mark.parametrize("omit", [frozenset[str](), frozenset({"totalPages"})])
async def test_all_pages(
    build: Build, sim: PublicMetaDBSimulator, user: User, envelope: Envelope, omit: frozenset[str]
) -> None:
    """In pages of the set size."""
    sim.settings.envelope, sim.settings.omit = envelope, omit
    fill(user, 25)
    assert len(await read(build(progress_per_page=10))) == 25
    assert dict(sim.log[0].query)["perPage"] == "10"


async def test_page_limit_makes_a_read_incomplete(build: Build, user: User, tmp_path: Path) -> None:
    """Not a short list."""
    fill(user, 25)
    assert len(await read(build(progress_per_page=10, progress_max_pages=3))) == 25
    before = content(tmp_path)
    with pytest.raises(IncompleteReadError):
        await read(build(progress_per_page=10, progress_max_pages=2))
    assert content(tmp_path) == before


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 524])
async def test_w01_failed_page_keeps_the_shadow(
    build: Build, sim: PublicMetaDBSimulator, user: User, tmp_path: Path, status: int
) -> None:
    """And is an error."""
    fill(user, 25)
    provider = build(progress_per_page=10, max_retries=2)
    await read(provider)
    before = content(tmp_path)
    sim.fail(RESUME, method="GET", status=status, first=2, times=None)
    with pytest.raises(ProviderError):
        await read(provider)
    assert content(tmp_path) == before


async def test_dry_run_writes_no_file(provider: PublicMetaDBProvider, user: User, tmp_path: Path) -> None:
    """Reading for a preview leaves no trace."""
    fill(user, 2)
    assert len(await read(provider, Scope(pair_id=PAIR, read_only=True))) == 2
    assert not files(tmp_path)


async def test_older_shadow_is_read(build: Build, user: User, tmp_path: Path) -> None:
    """Keys without a kind, under the older name."""
    row = user.add_resume(tmdb_id=550, position_ms=60_000, runtime_ms=600_000)
    special = user.add_resume(
        tmdb_id=1399, media_type="tv", season=0, episode=1, position_ms=60_000, runtime_ms=600_000
    )
    older = {"items": {"tmdb:550": row.id, "tmdb:1399#s00e01": special.id}}
    (tmp_path / "publicmetadb_progress.shadow.pair1.json").write_text(json.dumps(older))
    provider = build()
    outcomes = await apply(provider, removal(at(10)), removal(at(10, episode(1399, 0, 1))))
    assert told(outcomes) == [("applied", None)] * 2
    assert not user.resume()


async def test_damaged_shadow_is_learned_again(build: Build, user: User, tmp_path: Path) -> None:
    """What is there is read from the service; the file serves removals."""
    fill(user, 2)
    (tmp_path / SHADOW).write_text('{"items": {')
    assert len(await read(build())) == 2
    assert len(content(tmp_path)["items"]) == 2


# --- trouble with one position ---------------------------------------------------------------


@pytest.mark.parametrize("when", list(When))
@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 500}, {"status": 408}, {"status": 524}])
async def test_lost_answer_is_uncertain_and_not_repeated(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    when: When,
    fault: dict[str, Any],
) -> None:
    """The next read tells."""
    sim.inject(RESUME, method="POST", when=when, **fault)
    assert [one.status for one in await apply(provider, at(20))] == ["uncertain"]
    assert len(sim.requests(RESUME, "POST")) == 1
    assert len(await read(provider)) == len(user.resume()) == (1 if when is When.AFTER else 0)


async def test_success_false_is_no_success(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """For this position alone (W17)."""
    sim.inject(RESUME, method="POST", status=200, body='{"success":false}', content_type="application/json")
    outcomes = await apply(provider, at(20), at(20, movie(551)))
    assert told(outcomes) == [("failed", "bad_answer"), ("applied", None)]


async def test_conflict_replaces_the_row(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """409: the row that is there goes, then once more."""
    sim.settings.resume_conflicts = True
    user.add_resume(tmdb_id=550, position_ms=60_000, runtime_ms=6_000_000)
    user.add_resume(tmdb_id=551, position_ms=60_000, runtime_ms=6_000_000)
    changes = update(at(20)), change(at(30, movie(551))), change(at(40, movie(552)))
    assert told(await apply(provider, *changes)) == [("applied", None)] * 3
    assert {row.tmdb_id: row.position_ms for row in user.resume()} == {
        550: 1_200_000,
        551: 1_800_000,
        552: 2_400_000,
    }
    assert len(sim.requests(RESUME, "POST")) == 5
    assert len(sim.requests(RESUME, "GET")) == 1
    assert await read(provider) == {movie(n): (n * 600_000 - 328_800_000, 6_000_000) for n in (550, 551, 552)}


@pytest.mark.parametrize("status", [400, 403, 422])
async def test_conflict_whose_second_half_fails(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, status: int
) -> None:
    """The old position comes back."""
    sim.settings.resume_conflicts = True
    user.add_resume(tmdb_id=550, position_ms=600_000, runtime_ms=6_000_000)
    sim.fail(RESUME, method="POST", status=status, first=2)
    assert told(await apply(provider, update(at(20)))) == [("unresolved", f"http:{status}")]
    assert [row.position_ms for row in user.resume()] == [600_000]


async def test_conflict_that_nothing_explains(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """Is reported."""
    sim.fail(RESUME, method="POST", status=409)
    assert told(await apply(provider, update(at(20)))) == [("unresolved", "http:409")]


async def test_two_rows_of_one_title_are_one_position(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator
) -> None:
    """The later one counts, whatever the order."""
    rows = [
        {
            **ROW,
            "id": "a",
            "season": None,
            "position_ms": 1,
            "runtime_ms": 9,
            "updated": "2026-01-01T00:00:00Z",
        },
        {**ROW, "id": "b", "season": 0, "position_ms": 2, "runtime_ms": 9, "updated": "2026-01-02T00:00:00Z"},
        {**ROW, "id": "c", "position_ms": 3, "runtime_ms": 9},
    ]
    body = json.dumps({"items": rows, "total": 3, "page": 1, "perPage": 500, "totalPages": 1})
    sim.inject(RESUME, status=200, body=body, content_type="application/json")
    assert await read(provider) == {movie(550): (2, 9)}
    # removing it removes them all: what is left would be a position again
    assert told(await apply(provider, removal(stop(movie(550))))) == [("already", "http:404")]
    assert sorted(request.path[-1] for request in sim.requests(method="DELETE")) == ["a", "b", "c"]
