"""The shadow files: names, shapes, older forms, and that they are kept whatever happens."""

import asyncio
import json
from pathlib import Path
import stat
import time
from typing import Any

import pytest

from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider, shadow
from custom_components.crosswatch.providers.publicmetadb.shadow import (
    Shadow,
    ShadowFile,
    current_key,
    scope_name,
)
from custom_components.crosswatch.sync.models import Feature, Scope
from custom_components.crosswatch.sync.provider import ProviderError, StateFileError
from tests.simulators.publicmetadb import PublicMetaDBSimulator, User

from .conftest import Build
from .helpers import JAN_2, SCOPE, WATCHED, apply, change, listed, movie, play, removal, show, told

BIG = 1000
"""Plays in a file that is made to count as a big one."""


def content(folder: Path, name: str) -> Any:
    """Return the content of a file."""
    return json.loads((folder / name).read_text())


def modes(folder: Path) -> dict[str, int]:
    """Return the mode of each file."""
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


# --- names and shapes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pair", "scope"),
    [
        ("01JZ8XQ5", "01JZ8XQ5"),
        ("a b/c:d", "a_b_c_d"),
        ("__a____b__", "a_b"),
        ("plex#one->pmdb", "plex_one-_pmdb"),
        ("ä.ö-ü", "ä.ö-ü"),
        ("../../etc", ".._.._etc"),
        ("x" * 200, "x" * 96),
        ("///", "default"),
        ("", "unscoped"),
        ("  ", "unscoped"),
        (None, "unscoped"),
    ],
)
def test_scope_of_a_file(pair: str | None, scope: str) -> None:
    """A pair's name as part of a file name."""
    assert scope_name(pair) == scope


async def test_documented_files(build: Build, user: User, tmp_path: Path) -> None:
    """Names and shapes; for the owner's eyes only."""
    made = user.add_list("Watchlist", items=[("movie", 550), ("tv", 550)])
    user.add_watched(tmdb_id=550, watched_at=JAN_2)
    user.add_watched(tmdb_id=1399, media_type="tv", season=0, episode=1, watched_at=JAN_2)
    provider = build()
    for feature in (Feature.WATCHLIST, Feature.HISTORY):
        for pair in ("pair1", ""):
            await provider.read(feature, Scope(pair_id=pair))
    names = {
        f"publicmetadb_{feature}.{scope}.shadow.json"
        for feature in ("watchlist", "history")
        for scope in ("pair1", "unscoped")
    }
    assert modes(tmp_path) == dict.fromkeys(names, 0o600)
    rows = user.items(made.id)
    assert content(tmp_path, "publicmetadb_watchlist.pair1.shadow.json") == {
        "items": {"movie:tmdb:550": rows[0].id, "show:tmdb:550": rows[1].id},
        "list_id": made.id,
        "list_name": "Watchlist",
    }
    plays = user.watched()
    assert content(tmp_path, "publicmetadb_history.unscoped.shadow.json") == {
        "items": {f"movie:tmdb:550@{JAN_2}": plays[0].id, f"episode:tmdb:1399:s00e01@{JAN_2}": plays[1].id}
    }


async def test_folder_is_made(
    build: Build, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should it be missing."""
    provider = build()
    monkeypatch.setattr(provider, "_state_dir", tmp_path / "config" / ".cw_state")
    await provider.read(Feature.HISTORY, SCOPE)
    assert (tmp_path / "config" / ".cw_state" / "publicmetadb_history.pair1.shadow.json").exists()


# --- older forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "feature", "current"),
    [
        ("movie:tmdb:550", Feature.WATCHLIST, "movie:tmdb:550"),
        ("tmdb:550", Feature.WATCHLIST, None),
        ("tmdb:550@1767384900", Feature.HISTORY, "movie:tmdb:550@1767384900"),
        ("tmdb:550@id:abc", Feature.HISTORY, "movie:tmdb:550@id:abc"),
        ("tmdb:1399#s01e05@1767384900", Feature.HISTORY, "episode:tmdb:1399:s01e05@1767384900"),
        ("tmdb:1399#s00e100", Feature.PROGRESS, "episode:tmdb:1399:s00e100"),
        ("tmdb:550", Feature.PROGRESS, "movie:tmdb:550"),
        ("imdb:tt0137523@1767384900", Feature.HISTORY, None),
        ("movie|title:fight club|year:1999", Feature.HISTORY, None),
    ],
)
def test_older_keys(key: str, feature: Feature, current: str | None) -> None:
    """Keys without a type are translated where they can only mean one thing."""
    assert current_key(key, feature) == current


async def test_older_file_is_taken_over(
    provider: PublicMetaDBProvider, sim: PublicMetaDBSimulator, user: User, tmp_path: Path
) -> None:
    """The form with the scope last serves until there is one of the documented name, and never again."""
    rows = [user.add_watched(tmdb_id=number, watched_at=JAN_2) for number in (1, 2)]
    older = tmp_path / "publicmetadb_history.shadow.pair1.json"
    older.write_text(json.dumps({"items": {f"tmdb:{n}@{JAN_2}": row.id for n, row in enumerate(rows, 1)}}))
    assert told(await apply(provider, removal(play(movie(1))))) == [("applied", None)]
    assert not sim.requests(method="GET")
    name = "publicmetadb_history.pair1.shadow.json"
    assert content(tmp_path, name) == {"items": {f"movie:tmdb:2@{JAN_2}": rows[1].id}}
    assert not older.exists()

    # deleting the file has the documented effect: the ids are learned from a read
    (tmp_path / name).unlink()
    assert told(await apply(provider, removal(play(movie(2))))) == [("applied", None)]
    assert len(sim.requests(WATCHED, "GET")) == 1


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"items": []}', "\x00", '{"items": {"movie:tmdb:1@5": 5, "x": ["y"]}}']
)
async def test_unreadable_file_is_no_obstacle(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path, body: str
) -> None:
    """What it can't tell is read from the service."""
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    file = tmp_path / "publicmetadb_history.pair1.shadow.json"
    file.write_text(body)
    assert told(await apply(provider, removal(play(movie(1))))) == [("applied", None)]
    assert json.loads(file.read_text()) == {"items": {}}


# --- keeping it ------------------------------------------------------------------------------


async def test_unchanged_file_is_not_written_again(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path
) -> None:
    """A read that found nothing new spares the disk."""
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    file = tmp_path / "publicmetadb_history.pair1.shadow.json"
    before = file.stat()
    await provider.read(Feature.HISTORY, SCOPE)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    user.add_watched(tmdb_id=2, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    assert file.stat().st_ino != before.st_ino or file.stat().st_mtime_ns != before.st_mtime_ns


async def test_file_is_replaced_in_one_step(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the old content, and the account's run ends before anything is written."""
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    file = tmp_path / "publicmetadb_history.pair1.shadow.json"
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    user.add_watched(tmdb_id=2, watched_at=JAN_2)
    with pytest.raises(StateFileError, match="ENOSPC") as caught:
        await provider.read(Feature.HISTORY, SCOPE)
    assert isinstance(caught.value, ProviderError)
    assert str(tmp_path) not in str(caught.value)
    assert file.read_bytes() == before

    monkeypatch.undo()
    await provider.read(Feature.HISTORY, SCOPE)
    assert len(json.loads(file.read_text())["items"]) == 2


async def test_cancelled_save_does_not_disturb_the_next(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that writes goes on when nobody waits for it any more."""
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    # of the file and of its folder
    times = iter([0.3, 0, 0.5, 0])
    monkeypatch.setattr("os.fsync", lambda _descriptor: time.sleep(next(times)))
    task = asyncio.create_task(provider.read(Feature.HISTORY, SCOPE))
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    user.add_watched(tmdb_id=2, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    assert len(content(tmp_path, "publicmetadb_history.pair1.shadow.json")["items"]) == 2
    assert len(modes(tmp_path)) == 1


async def test_left_over_temporary_file_does_no_harm(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path
) -> None:
    """As a killed process leaves it, whatever its mode."""
    left = tmp_path / "publicmetadb_history.pair1.shadow.json.tmp"
    left.write_text("{half")
    left.chmod(0o644)
    user.add_watched(tmdb_id=1, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    assert modes(tmp_path) == {"publicmetadb_history.pair1.shadow.json": 0o600}


def test_what_counts_as_a_big_file() -> None:
    """Thousands of plays are saved at the end of every apply, 100,000 about once a minute."""
    plays = Shadow.from_pairs((f"movie:tmdb:{n}@{JAN_2}", "0123456789abcde") for n in range(1000, 2000))
    size = len(plays.as_json()) / 1000
    assert 3000 < shadow.SMALL_FILE / size < 10_000
    assert 30 < 100_000 * size / shadow.BYTES_PER_SECOND < 90


async def test_results_are_saved_as_they_arrive(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only at the end, and not with every one of them: a big file waits for its turn."""
    written = 0
    write_file = ShadowFile._write_file

    def count(self: ShadowFile, content: Shadow) -> int:
        nonlocal written
        written += 1
        return write_file(self, content)

    monkeypatch.setattr(ShadowFile, "_write_file", count)
    file = tmp_path / "publicmetadb_history.pair1.shadow.json"
    outcomes = provider.apply(Feature.HISTORY, [change(play(movie(n))) for n in range(1, 201)], SCOPE)
    seen = 0
    async for _ in outcomes:
        seen += 1
        if seen == 2:
            # the first is known on disk while the others are under way
            assert len(json.loads(file.read_text())["items"]) >= 1
    assert len(json.loads(file.read_text())["items"]) == 200
    assert written < 50

    # a big file: one write in the whole apply, the rest waits for the next one or the next read
    for number in range(1000, 1000 + BIG):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    await provider.read(Feature.HISTORY, SCOPE)
    monkeypatch.setattr(shadow, "SMALL_FILE", file.stat().st_size - 1)
    # a minute at least
    monkeypatch.setattr(shadow, "BYTES_PER_SECOND", file.stat().st_size / 60)
    await provider.read(Feature.HISTORY, SCOPE)
    written = 0
    for start in range(300, 500, 50):
        await apply(provider, *(play(movie(number)) for number in range(start, start + 50)))
    assert written == 0
    await apply(provider, removal(play(movie(300))))
    await provider.read(Feature.HISTORY, SCOPE)
    assert len(json.loads(file.read_text())["items"]) == BIG + 200 + 199


async def test_interrupted_apply_saves_whatever_the_size(
    provider: PublicMetaDBProvider, user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaving early is when it matters."""
    for number in range(1000, 1000 + BIG):
        user.add_watched(tmdb_id=number, watched_at=JAN_2)
    monkeypatch.setattr(shadow, "SMALL_FILE", 10 * BIG)
    await provider.read(Feature.HISTORY, SCOPE)
    outcomes = provider.apply(Feature.HISTORY, [change(play(movie(n))) for n in range(1, 51)], SCOPE)
    async for _ in outcomes:
        break
    await outcomes.aclose()
    items = content(tmp_path, "publicmetadb_history.pair1.shadow.json")["items"]
    assert len(items) > BIG


def test_several_rows_of_one_key() -> None:
    """Are a list, and forgotten one by one."""
    shadow = Shadow.from_pairs([("a", "1"), ("a", "2"), ("b", "3"), ("c", None)])
    assert json.loads(shadow.as_json()) == {"items": {"a": ["1", "2"], "b": "3"}}
    again = Shadow.from_json(b'{"items": {"movie:a": ["1", "2"], "movie:b": "3"}}', Feature.HISTORY)
    assert again.rows == {"movie:a": ("1", "2"), "movie:b": "3"}
    again.forget("movie:a", "1")
    again.forget("movie:b", "3")
    again.forget("movie:c", "3")
    again.add("movie:a", "2")
    assert again.rows == {"movie:a": "2"}
    assert (again.of("movie:a"), again.of("movie:b")) == (("2",), ())


async def test_pairs_have_files_of_their_own(build: Build, user: User, tmp_path: Path) -> None:
    """What one pair learns says nothing to the other."""
    user.add_list("Watchlist", items=[("tv", 1399)])
    await build().read(Feature.WATCHLIST, Scope(pair_id="a"))
    assert told(await apply(build(), removal(listed(show(1399))), scope=Scope(pair_id="b"))) == [
        ("applied", None)
    ]
    assert len(content(tmp_path, "publicmetadb_watchlist.a.shadow.json")["items"]) == 1
    assert content(tmp_path, "publicmetadb_watchlist.b.shadow.json")["items"] == {}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("list_id", [None, "list"])
def test_files_are_parsed_in_parts(
    monkeypatch: pytest.MonkeyPatch, count: int, *, several: bool, list_id: str | None
) -> None:
    """Wherever a part ends."""
    monkeypatch.setattr(shadow, "ITEMS_AT_ONCE", 3)
    pairs: list[tuple[str, str | None]] = [(f"movie:tmdb:{number}", str(number)) for number in range(count)]
    if several and pairs:
        pairs.append((pairs[count // 2][0], "other"))
    whole = Shadow.from_pairs(pairs, list_id, "name" if list_id else None)
    assert Shadow.from_json(whole.as_json(), Feature.WATCHLIST) == whole
    flat = json.dumps(json.loads(whole.as_json())).encode()
    assert Shadow.from_json(flat, Feature.WATCHLIST) == whole
