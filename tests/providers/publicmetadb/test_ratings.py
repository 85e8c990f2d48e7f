"""Ratings: what is sent, what is remembered, what is read."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.providers.publicmetadb.rating_records import (
    Pending,
    Record,
    tenths_of,
    whole_tens,
)
from custom_components.crosswatch.providers.publicmetadb.rating_rows import remote_rating
from custom_components.crosswatch.sync.models import Feature, Item, Kind, Rating, Scope
from custom_components.crosswatch.sync.provider import AuthError, ProviderError, RateLimitedError
from tests.simulators.publicmetadb import (
    Envelope,
    Kind as Quirk,
    NumberStyle,
    Ownership,
    PublicMetaDBSimulator,
    User,
)

from .conftest import Build
from .helpers import (
    A_RATING,
    JAN_2,
    PAIR,
    RATINGS,
    SCOPE,
    apply,
    episode,
    movie,
    rating,
    removal,
    show,
    told,
    update,
)

SHADOW = "publicmetadb_ratings.pair1.shadow.json"
THREE = (rating(movie(550), 80), rating(show(1399), 85), rating(episode(1399, 0, 1), 100))


async def read(provider: PublicMetaDBProvider, scope: Scope = SCOPE) -> dict[tuple[Item, str], int]:
    """Return the ratings that the account is known to hold."""
    entries = (await provider.read(Feature.RATINGS, scope)).entries
    found = {(one.item, one.label): one.tenths for one in entries if isinstance(one, Rating)}
    assert len(found) == len(entries)
    return found


def scores(user: User) -> list[tuple[str, int | None, int | None, int | None, float, str]]:
    """Return what the service holds."""
    return [
        (row.media_type, row.tmdb_id, row.season, row.episode, row.score, row.label) for row in user.ratings()
    ]


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of each file."""
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def state(folder: Path) -> dict[str, bytes]:
    """Return all files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def content(folder: Path, name: str = SHADOW) -> Any:
    """Return the content of a file."""
    return json.loads((folder / name).read_text())


# --- both ways -------------------------------------------------------------------------------


async def test_movie_show_and_episode_as_target_and_source(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """Ten times the rating is the score; halves are kept, season 0 is real."""
    outcomes = await apply(provider, *THREE)
    assert told(outcomes) == [("applied", None)] * 3
    assert scores(user) == [
        ("movie", 550, None, None, 80, "Overall"),
        ("tv", 1399, None, None, 85, "Overall"),
        ("tv", 1399, 0, 1, 100, "Overall"),
    ]
    bodies = [json.loads(request.body) for request in sim.requests(RATINGS, "POST")]
    assert bodies[0] == {"tmdb_id": 550, "media_type": "movie", "score": 80, "label": "Overall"}
    assert [request.path.rpartition("/")[2] for request in sim.requests(RATINGS, "POST")] == [
        "ratings",
        "ratings",
        "episode-ratings",
    ]
    assert [outcome.remote_id for outcome in outcomes] == [row.id for row in user.ratings()]
    assert await read(provider) == {(one.item, "Overall"): one.tenths for one in THREE}
    assert set(content(tmp_path)["items"]) == {
        "movie:tmdb:550#rating:overall",
        "show:tmdb:1399#rating:overall",
        "episode:tmdb:1399:s00e01#rating:overall",
    }


async def test_read_after_restart(build: Build, user: User) -> None:
    """What was written is known to the next process, with its id and date."""
    await apply(build(), *THREE)
    snapshot = await build().read(Feature.RATINGS, SCOPE)
    rows = {row.id: row for row in user.ratings()}
    for entry in snapshot.entries:
        assert isinstance(entry, Rating)
        assert entry.rated_at == int(rows[entry.remote_id or ""].created)
        assert entry.tenths == rows[entry.remote_id or ""].score


async def test_change_is_delete_and_create(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """`POST` never overwrites."""
    await apply(provider, *THREE)
    assert len(await read(provider)) == 3
    sim.log.clear()
    outcomes = await apply(provider, update(rating(episode(1399, 0, 1), 70)), update(rating(movie(550), 95)))
    assert told(outcomes) == [("applied", None)] * 2
    assert sorted(request.method for request in sim.log) == ["DELETE"] * 2 + ["POST"] * 2
    assert sorted(row.score for row in user.ratings()) == [70, 85, 95]
    assert await read(provider) == {
        (movie(550), "Overall"): 95,
        (show(1399), "Overall"): 85,
        (episode(1399, 0, 1), "Overall"): 70,
    }


async def test_change_of_a_rating_that_is_gone(provider: PublicMetaDBProvider, user: User) -> None:
    """A 404 for the old one is fine."""
    await apply(provider, rating(movie(550), 80))
    user.remove_rating(user.ratings()[0].id)
    assert told(await apply(provider, update(rating(movie(550), 90)))) == [("applied", None)]
    assert [row.score for row in user.ratings()] == [90]


async def test_removal_through_remembered_ids(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User
) -> None:
    """Of movies, shows and episodes; never through an id that the entry carries (W22)."""
    await apply(provider, *THREE)
    other = user.add_rating(tmdb_id=7, score=10)
    gone = [removal(rating(one.item, remote_id=other.id)) for one in THREE]
    assert told(await apply(provider, *gone)) == [("applied", None)] * 3
    assert user.ratings() == (other,)
    assert await read(provider) == {}
    assert told(await apply(provider, *gone)) == [("unresolved", "missing_remote_rating_id")] * 3
    assert not [row for row in sim.requests(method="DELETE") if other.id in row.path]


async def test_removal_of_what_is_gone(provider: PublicMetaDBProvider, user: User, tmp_path: Path) -> None:
    """Is a success, and forgotten (W11)."""
    await apply(provider, rating(movie(550)))
    user.remove_rating(user.ratings()[0].id)
    assert told(await apply(provider, removal(rating(movie(550))))) == [("already", "http:404")]
    assert content(tmp_path)["items"] == {}


async def test_removal_of_what_is_not_ours(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A 403 says so; the id is forgotten and nobody else's rating is touched."""
    row = sim.state.add_rating("somebody", tmdb_id=550, score=80)
    items = {"movie:tmdb:550#rating:overall": {"id": row.id, "label": "Overall", "score": 80}}
    (tmp_path / SHADOW).write_text(json.dumps({"items": items}))
    assert told(await apply(provider, removal(rating(movie(550))))) == [("unresolved", "http:403")]
    assert content(tmp_path)["items"] == {}
    assert row.id in sim.state.title_ratings
    assert "somebody else" in caplog.text
    assert told(await apply(provider, removal(rating(movie(550))))) == [
        ("unresolved", "missing_remote_rating_id")
    ]


async def test_removal_that_a_challenge_page_refuses(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """An HTML 403 says nothing about whose rating it is."""
    await apply(provider, rating(movie(550)))
    sim.challenge(A_RATING, method="DELETE", times=None)
    assert [one.status for one in await apply(provider, removal(rating(movie(550))))] == ["failed"]
    assert len(content(tmp_path)["items"]) == len(user.ratings()) == 1


@pytest.mark.parametrize("quirk", [Quirk.SILENT_DROP, Quirk.EMPTY_BODY])
async def test_removal_is_believed_when_seen(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, quirk: Quirk
) -> None:
    """A removal that only seems to have worked is a rating that is still there."""
    await apply(provider, rating(movie(550)))
    sim.quirk(quirk, A_RATING, method="DELETE")
    assert told(await apply(provider, removal(rating(movie(550))))) == [("applied", None)]
    assert len(await read(provider)) == len(user.ratings())


# --- reasons ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (rating(movie(None)), "missing_tmdb_id"),
        (rating(show(None)), "missing_tmdb_id"),
        (rating(episode(None, 1, 5, own_tmdb=7)), "missing_show_tmdb_or_episode_numbers"),
        (rating(episode(1399, None, 5)), "missing_show_tmdb_or_episode_numbers"),
        (rating(episode(1399, 1, None)), "missing_show_tmdb_or_episode_numbers"),
        (rating(movie(550), 0), "missing_rating"),
        (rating(movie(550), 5), "missing_rating"),
        (rating(movie(550), 101), "missing_rating"),
        (rating(movie(None), 0), "missing_rating"),
        (rating(Item(kind=Kind.SEASON, show_ids=movie(1399).ids, season=1)), "unsupported_media_type"),
    ],
)
async def test_reasons(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, entry: Rating, reason: str
) -> None:
    """The rating is looked at before the ids; nothing is sent."""
    assert told(await apply(provider, entry)) == [("unresolved", reason)]
    assert not sim.log


async def test_removal_without_a_title(provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator) -> None:
    """There is nothing to find an id by."""
    assert told(await apply(provider, removal(rating(movie(None))))) == [
        ("unresolved", "missing_remote_rating_id")
    ]
    assert not sim.log


# --- scores ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "tenths"),
    [(0, 10), (4, 10), (10, 10), (14, 14), (25, 25), (74.9, 75), (75, 75), (85, 85), (100, 100)],
)
def test_score_as_rating(score: float, tenths: int) -> None:
    """Kept as fine as the service has it; below 1 it is 1."""
    assert tenths_of(score) == tenths


@pytest.mark.parametrize(
    ("tenths", "score"), [(10, 10), (75, 80), (80, 80), (85, 80), (95, 100), (100, 100), (12, 10)]
)
def test_whole_ratings(tenths: int, score: int) -> None:
    """Halves go to the even one."""
    assert whole_tens(tenths) == score


@pytest.mark.parametrize("style", list(NumberStyle))
async def test_scores_in_other_spellings(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, style: NumberStyle
) -> None:
    """Numbers as texts or with a fraction."""
    sim.settings.scores = sim.settings.ids = sim.settings.numbers = style
    await apply(provider, *THREE)
    assert await read(provider) == {(one.item, "Overall"): one.tenths for one in THREE}


@pytest.mark.parametrize("status", [400, 422])
async def test_service_that_takes_whole_ratings_only(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, status: int
) -> None:
    """8.5 is kept as 8, and still reads as the 8.5 that was given: no change to pass on."""
    sim.fail(RATINGS, status=status, method="POST", times=1)
    assert told(await apply(provider, rating(movie(550), 85))) == [("applied", None)]
    assert [row.score for row in user.ratings()] == [80]
    for _ in range(2):
        assert await read(provider) == {(movie(550), "Overall"): 85}

    sim.fail(RATINGS, status=status, method="POST", times=1)
    assert told(await apply(provider, update(rating(movie(550), 65)))) == [("applied", None)]
    assert [row.score for row in user.ratings()] == [60]
    assert await read(provider) == {(movie(550), "Overall"): 65}


# --- labels ----------------------------------------------------------------------------------


async def test_w21_two_labels_are_two_ratings(build: Build, user: User) -> None:
    """Written, changed, read and removed by themselves."""
    provider = build()
    await apply(provider, rating(movie(550), 80), rating(movie(550), 40, "Story"))
    assert sorted((row.label, row.score) for row in user.ratings()) == [("Overall", 80), ("Story", 40)]
    assert await read(provider) == {(movie(550), "Overall"): 80, (movie(550), "Story"): 40}
    await apply(provider, update(rating(movie(550), 50, "Story")))
    await apply(provider, removal(rating(movie(550), 80)))
    assert await read(build()) == {(movie(550), "Story"): 50}
    assert [(row.label, row.score) for row in user.ratings()] == [("Story", 50)]


@pytest.mark.parametrize(
    ("options", "scope"),
    [
        ({"ratings_label": "Story"}, SCOPE),
        ({}, Scope(pair_id=PAIR, rating_label="Story")),
        ({"ratings_label": "Music"}, Scope(pair_id=PAIR, rating_label=" Story ")),
    ],
)
async def test_label_of_the_pair(build: Build, user: User, options: dict[str, Any], scope: Scope) -> None:
    """The one that is set up stands for the label of a rating that has none of its own."""
    provider = build(**options)
    other = user.add_rating(tmdb_id=550, score=10)
    await apply(provider, rating(movie(550), 80), scope=scope)
    assert [(row.label, row.score) for row in user.ratings()] == [("Overall", 10), ("Story", 80)]
    assert await read(provider, scope) == {(movie(550), "Overall"): 80}
    await apply(provider, update(rating(movie(550), 90)), scope=scope)
    await apply(provider, removal(rating(movie(550), 90)), scope=scope)
    assert user.ratings() == (other,)


async def test_another_label_is_another_scope(build: Build, user: User) -> None:
    """Ratings of the label before are neither read as those of the new one nor forgotten."""
    await apply(build(ratings_label="Story"), rating(movie(550), 80))
    story = await build(ratings_label="Story").read(Feature.RATINGS, SCOPE)
    overall = await build().read(Feature.RATINGS, SCOPE)
    assert overall.entries == ()
    assert story.scope_hash != overall.scope_hash
    assert story.scope_hash == (await build(ratings_label="story").read(Feature.RATINGS, SCOPE)).scope_hash
    assert await read(build(ratings_label="Story")) == {(movie(550), "Overall"): 80}


# --- the file --------------------------------------------------------------------------------


OLDER = {
    "tmdb:550#rating:overall": {
        "id": "ra0000000000001",
        "label": "Overall",
        "item": {"type": "movie", "title": "Fight Club", "ids": {"tmdb": "550"}, "rating": 8},
    },
    "tmdb:1399#s01e05#rating:story": {"id": "er0000000000001", "label": "Story", "item": {"rating": 9}},
    "tmdb:1399#rating:overall": "ra0000000000002",
}


@pytest.mark.parametrize("older_name", [False, True])
async def test_older_form_is_migrated(build: Build, user: User, tmp_path: Path, *, older_name: bool) -> None:
    """Keys get the kind of their item, the file its documented name; what can't be read is kept."""
    name = "publicmetadb_ratings.shadow.pair1.json" if older_name else SHADOW
    (tmp_path / name).write_text(json.dumps({"items": OLDER}))
    user.add_rating(tmdb_id=550, score=80, row_id="ra0000000000001")
    user.add_rating(
        tmdb_id=1399,
        media_type="tv",
        season=1,
        episode=5,
        score=95,
        label="Story",
        row_id="er0000000000001",
    )
    assert await read(build()) == {
        (Item(kind=Kind.MOVIE, ids=movie(550).ids, title="Fight Club"), "Overall"): 80
    }
    items = content(tmp_path)["items"]
    assert items["movie:tmdb:550#rating:overall"]["score"] == 80
    assert items["episode:tmdb:1399:s01e05#rating:story"]["score"] == 95
    assert items["tmdb:1399#rating:overall"] == "ra0000000000002"
    assert (tmp_path / "publicmetadb_ratings.shadow.pair1.json.migrated").exists() == older_name
    assert not (tmp_path / "publicmetadb_ratings.shadow.pair1.json").exists()


def test_record_survives_the_file() -> None:
    """Everything that is remembered comes back."""
    record = Record(
        item=Item(
            kind=Kind.EPISODE, show_ids=movie(1399).ids, season=0, episode=3, show_title="X", year=2011
        ),
        label="Story",
        id="er1",
        score=79.5,
        sent=85,
        rated_at=5,
        checked_at=6,
        missed_at=7,
        removed=True,
        given="Story",
        pending=Pending(at=1, posted=(80, 90.5), old=70, old_id="er0", done=True, reads=2),
    )
    assert Record.from_json(record.key, json.loads(json.dumps(record.as_json()))) == record
    plain = Record(item=movie(550), label="Overall", id="ra1", score=80)
    assert Record.from_json(plain.key, json.loads(json.dumps(plain.as_json()))) == plain


MOVIE_KEY = "movie:tmdb:550#rating:overall"


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (MOVIE_KEY, None),
        (MOVIE_KEY, 80),
        (MOVIE_KEY, {}),
        (MOVIE_KEY, {"pending": "soon"}),
        ("movie:imdb:tt1#rating:overall", {"id": "ra1"}),
        # of a movie or a show, and of which label, only the row could tell
        ("tmdb:550#rating:overall", {"id": "ra1", "label": "Overall"}),
        ("tmdb:550#rating:overall", {"id": "ra1", "type": "movie"}),
        ("tmdb:1399#s01e02#rating:overall", {"id": "er1"}),
        ("episode:tmdb:1399#rating:overall", {"id": "er1"}),
        ("movie:tmdb:550:s01e02#rating:overall", {"id": "ra1"}),
    ],
)
def test_row_of_a_file_that_says_too_little(key: str, row: Any) -> None:
    """Is no rating: what it can't name it must not delete."""
    assert Record.from_json(key, row) is None


def test_removed_rating_is_not_there() -> None:
    """Nor is it looked for with another key; one whose write broke off may be there."""
    removed = Record(item=movie(550), label="Overall", id="ra1", score=80, removed=True)
    assert (removed.held, removed.as_rating("Overall"), removed.doubted()) == (None, None, None)
    sent = Record(item=movie(550), label="Overall", pending=Pending(at=1, posted=(80, 85)))
    assert sent.held is None
    doubted = sent.doubted()
    assert doubted is not None
    assert doubted.pending == Pending(at=0, posted=(80, 85))


@pytest.mark.parametrize(
    ("value", "score"),
    [
        (80, 80),
        (79.5, 79.5),
        ("80", 80),
        ("79.50", 79.5),
        (0, 0),
        (100, 100),
        (100.1, None),
        (-1, None),
        (True, None),
        (None, None),
        ([80], None),
        ("", None),
        ("good", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_score_of_a_row(value: Any, score: float | None) -> None:
    """Numbers, however they are written; anything else can't be one of ours."""
    found = remote_rating({"id": "ra1", "score": value})
    assert (found and found.score) == score
    assert (found is None) is (score is None)


@pytest.mark.parametrize(
    ("row", "created"),
    [
        ({}, None),
        ({"created": "2026-01-02T20:15:00.000Z"}, JAN_2),
        ({"created_at": "2026-01-02T20:15:00.000Z"}, JAN_2),
        ({"rated_at": "2026-01-02T20:15:00.000Z", "created": "2020-01-01T00:00:00Z"}, JAN_2),
        ({"created": "yesterday"}, None),
    ],
)
def test_age_of_a_row(row: dict[str, Any], created: int | None) -> None:
    """Nothing but its age depends on it: a date that can't be read takes no row away."""
    found = remote_rating({"id": "ra1", "score": 80, **row})
    assert found is not None
    assert found.created == created
    assert remote_rating({"score": 80, **row}) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"items": []}', b"\xff"])
async def test_damaged_shadow_is_an_error_and_stays(
    build: Build, sim: PublicMetaDBSimulator, tmp_path: Path, damage: bytes
) -> None:
    """It is the only place that knows what is ours: starting without it would lose every rating."""
    (tmp_path / SHADOW).write_bytes(damage)
    with pytest.raises(ProviderError, match=SHADOW):
        await build().read(Feature.RATINGS, SCOPE)
    with pytest.raises(ProviderError, match=SHADOW):
        await apply(build(), rating(movie(550)))
    assert (tmp_path / SHADOW).read_bytes() == damage
    assert not sim.log


async def test_nothing_is_sent_without_the_file(
    provider: PublicMetaDBProvider,
    sim: PublicMetaDBSimulator,
    user: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A full disk stops the change before the old rating is deleted."""
    await apply(provider, rating(movie(550), 80))
    before = user.ratings()
    sim.log.clear()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ProviderError, match="ENOSPC"):
        await apply(provider, update(rating(movie(550), 90)))
    monkeypatch.undo()
    assert user.ratings() == before
    assert not [request for request in sim.log if request.method != "GET"]
    assert await read(provider) == {(movie(550), "Overall"): 80}


async def test_dry_run_writes_nothing(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, tmp_path: Path
) -> None:
    """No file, and nothing on the service."""
    dry = Scope(pair_id=PAIR, read_only=True)
    assert await read(provider, dry) == {}
    assert not state(tmp_path)
    await apply(provider, rating(movie(550)))
    before = state(tmp_path)
    sim.log.clear()
    assert await read(provider, dry) == {(movie(550), "Overall"): 80}
    assert state(tmp_path) == before
    assert {request.method for request in sim.log} == {"GET"}


async def test_pairs_have_files_of_their_own(provider: PublicMetaDBProvider, tmp_path: Path) -> None:
    """And `unscoped` without a pair."""
    await apply(provider, rating(movie(1)))
    await apply(provider, rating(movie(2)), scope=Scope(pair_id="pair2"))
    await apply(provider, rating(movie(3)), scope=Scope(pair_id=""))
    assert modes(tmp_path) == {
        f"publicmetadb_ratings.{scope}.{kind}.json": 0o600
        for scope in ("pair1", "pair2", "unscoped")
        for kind in ("shadow", "quota")
    }
    assert await read(provider) == {(movie(1), "Overall"): 80}


# --- trouble with the account ----------------------------------------------------------------


async def test_refused_key_ends_the_run(provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator) -> None:
    """At once, with what was written kept."""
    sim.fail(RATINGS, status=401, method="POST", first=2, times=None)
    with pytest.raises(AuthError):
        await apply(provider, *(rating(movie(number)) for number in range(1, 100)))
    assert len(sim.requests(RATINGS, "POST")) <= 18
    sim.heal()
    assert len(await read(provider)) == 1


async def test_short_break_of_the_service_ends_the_run(
    build: Build, sim: PublicMetaDBSimulator, user: User
) -> None:
    """A 429 that stays after all tries, without an hour's wait, is the account's business."""
    provider = build(max_retries=2)
    sim.throttle(RATINGS, wait=None, method="POST", times=None)
    with pytest.raises(RateLimitedError):
        await apply(provider, rating(movie(550)))
    sim.heal()
    assert await read(provider) == {}
    assert told(await apply(provider, rating(movie(550)))) == [("applied", None)]
    assert len(user.ratings()) == 1


@pytest.mark.parametrize("envelope", [Envelope.ITEMS, Envelope.RATINGS, Envelope.DATA, Envelope.BARE])
@pytest.mark.parametrize("omit", [frozenset[str](), frozenset({"total"})])
async def test_envelopes(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, envelope: Envelope, omit: frozenset[str]
) -> None:
    """The rows of a title may come in other names, without a count."""
    sim.settings.envelope = envelope
    sim.settings.omit = omit
    for number in range(3):
        sim.state.add_rating(f"user{number}", tmdb_id=550, score=10 * number)
    await apply(provider, rating(movie(550), 75))
    assert await read(provider) == {(movie(550), "Overall"): 75}


@pytest.mark.parametrize("status", [200, 201, 204])
async def test_success_codes(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, status: int
) -> None:
    """Which 2xx it is doesn't matter."""
    sim.settings.create_status = 201 if status == 204 else status
    sim.settings.delete_status = 204 if status == 204 else 200
    await apply(provider, rating(movie(550), 80))
    await apply(provider, update(rating(movie(550), 90)))
    assert [row.score for row in user.ratings()] == [90]
    await apply(provider, removal(rating(movie(550))))
    assert not user.ratings()


async def test_cancellation_is_prompt(build: Build, sim: PublicMetaDBSimulator) -> None:
    """Within a second, while a write is under way and others wait for their turn."""
    provider = build(rate_limit={"post_per_sec": 3})
    sim.inject(RATINGS, method="POST", delay=1)
    task = asyncio.create_task(apply(provider, *(rating(movie(number)) for number in range(1, 50))))
    await asyncio.sleep(0.3)
    start = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - start < 0.5
    await asyncio.sleep(1)


@pytest.mark.parametrize("ownership", list(Ownership))
async def test_ownership_fields_change_nothing_for_known_rows(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, ownership: Ownership
) -> None:
    """The id that is remembered is enough."""
    sim.settings.ownership = ownership
    sim.state.add_rating("somebody", tmdb_id=550, score=95)
    await apply(provider, rating(movie(550), 80))
    assert await read(provider) == {(movie(550), "Overall"): 80}
