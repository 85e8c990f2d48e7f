"""Freeze files: why an item rests, until when, and everything that thaws it (4.7)."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from custom_components.crosswatch.providers.plex.frozen import (
    DAY,
    FORGOTTEN,
    REST,
    SMALL,
    FreezeFile,
    forget_pair,
)
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.sync.models import (
    Action,
    Change,
    Feature,
    Ids,
    Item,
    Kind,
    Outcome,
    OutcomeStatus,
    Play,
    Rating,
    Resume,
    Scope,
    WatchlistEntry,
)
from custom_components.crosswatch.sync.provider import StateFileError
from tests.providers.plex.conftest import NOON, SCOPE, World, apply, change, hex_key, outcomes, read_plays
from tests.simulators.library import Ids as TrueIds

APPLIED, UNRESOLVED, FAILED = OutcomeStatus.APPLIED, OutcomeStatus.UNRESOLVED, OutcomeStatus.FAILED
HISTORY = "plex_history.unresolved.json"


def movie(tmdb: int, at: int = NOON, **ids: Any) -> Play:
    return Play(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=tmdb, **ids), title="Gone", year=1999), watched_at=at)


def result(
    planned: Change, status: OutcomeStatus = UNRESOLVED, reason: str | None = "not_in_library"
) -> Outcome:
    return Outcome(change=planned, status=status, reason=reason)


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        """Start at noon."""
        self.now = float(NOON)

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path, clock: Clock) -> FreezeFile:
    return FreezeFile(tmp_path / ".cw_state", Feature.HISTORY, clock)


def path_of(file: FreezeFile) -> Path:
    assert file._file is not None
    return file._file.path


def on_disk(path: Path) -> dict[str, Any]:
    found = orjson.loads(path.read_bytes())
    assert isinstance(found, dict)
    return found


async def test_shape(file: FreezeFile) -> None:
    item = Item(
        kind=Kind.EPISODE,
        ids=Ids(tmdb=63057),
        show_ids=Ids(tmdb=1399, imdb="tt0944947"),
        season=0,
        episode=2,
        title="A special",
        show_title="Some Show",
    )
    planned = change(Play(item=item, watched_at=1_726_353_929))
    file.note(result(planned), "pair", "1:5")
    await file.save()
    assert path_of(file).name == HISTORY
    assert on_disk(path_of(file)) == {
        f"{planned.key}|add|pair": {
            "feature": "history",
            "action": "add",
            "pair": "pair",
            "reason": "not_in_library",
            "reasons": ["not_in_library"],
            "attempts": 1,
            "first_seen": "2026-05-28T20:26:40+00:00",
            "last_seen": "2026-05-28T20:26:40+00:00",
            "last_attempt": "2026-05-28T20:26:40+00:00",
            "retry_after": "2026-05-29T20:26:40+00:00",
            "library": "1:5",
            "watched_at": "2024-09-14T22:45:29+00:00",
            "item": {
                "type": "episode",
                "title": "A special",
                "year": None,
                "ids": {"tmdb": "63057", "show_tmdb": "1399", "show_imdb": "tt0944947"},
                "season": 0,
                "episode": 2,
                "series_title": "Some Show",
            },
        }
    }
    assert path_of(file).stat().st_mode & 0o777 == 0o600
    assert not list(path_of(file).parent.glob("*.tmp"))


async def test_rests_get_longer(file: FreezeFile, clock: Clock) -> None:
    planned = change(movie(1))
    for attempt, rest in enumerate((*REST, REST[-1]), 1):
        file.note(result(planned, reason=f"reason-{attempt % 2}"), "pair", "")
        assert file.reason(planned, "pair", "") == f"reason-{attempt % 2}"
        clock.now += rest - 1
        assert file.reason(planned, "pair", "") is not None
        clock.now += 1
        assert file.reason(planned, "pair", "") is None
    (entry,) = file._entries.values()
    assert (entry.attempts, entry.first_seen) == (5, NOON)
    assert entry.reasons == ("reason-0", "reason-1")


async def test_each_action_and_pair_for_itself(file: FreezeFile) -> None:
    file.note(result(change(movie(1))), "pair", "")
    assert file.reason(change(movie(1)), "pair", "")
    assert not file.reason(change(movie(1), Action.REMOVE), "pair", "")
    assert not file.reason(change(movie(1)), "another", "")
    assert not file.reason(change(movie(1, NOON + 9)), "pair", "")


@pytest.mark.parametrize("status", [APPLIED, OutcomeStatus.ALREADY])
async def test_thaw_on_success(file: FreezeFile, status: OutcomeStatus) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "")
    await file.save()
    file.note(result(planned, status, None), "pair", "")
    assert not file.reason(planned, "pair", "")
    await file.save()
    assert on_disk(path_of(file)) == {}


@pytest.mark.parametrize("status", [FAILED, OutcomeStatus.UNCERTAIN])
async def test_passing_trouble_freezes_nothing(file: FreezeFile, status: OutcomeStatus) -> None:
    planned = change(movie(1))
    file.note(result(planned, status, "no_answer"), "pair", "")
    assert not file.reason(planned, "pair", "")
    file.note(result(planned), "pair", "")
    file.note(result(planned, status, "no_answer"), "pair", "")
    assert file.reason(planned, "pair", "") == "not_in_library"


async def test_thaw_when_the_library_changes(file: FreezeFile) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "1:5")
    assert file.reason(planned, "pair", "1:5")
    assert not file.reason(planned, "pair", "1:6")


@pytest.mark.parametrize(("before", "now"), [("1:5", ""), ("", "1:5")])
async def test_library_nobody_has_looked_at_is_no_other_one(file: FreezeFile, before: str, now: str) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", before)
    assert file.reason(planned, "pair", now)


async def test_which_may_be_tried_again(file: FreezeFile, clock: Clock) -> None:
    planned = [change(movie(number)) for number in (1, 2, 3)]
    keys = {each.key: "not_in_library" for each in planned}
    file.note(result(planned[0]), "pair", "1:5")
    file.note(result(change(movie(2), Action.REMOVE)), "pair", "1:5")
    file.note(result(planned[2]), "another", "1:5")
    assert file.thawed(keys, "pair", "1:5") == {planned[2].key}
    # what is never frozen here rests where it does
    assert file.thawed({planned[2].key: "progress_too_small"}, "pair", "1:5") == set()
    assert file.thawed(keys, "pair", "1:6") == set(keys)
    clock.now += REST[0]
    assert file.thawed(keys, "pair", "1:5") == set(keys)


async def test_thaw_on_request(file: FreezeFile) -> None:
    planned = [change(movie(number)) for number in (1, 2, 3)]
    for pair in ("pair", "another"):
        for each in planned:
            file.note(result(each), pair, "")
    await file.save()
    file.thaw("pair", [planned[0].key, planned[1].key])
    assert [bool(file.reason(each, "pair", "")) for each in planned] == [False, False, True]
    file.thaw("pair", None)
    await file.save()
    assert {entry["pair"] for entry in on_disk(path_of(file)).values()} == {"another"}
    assert len(file) == 3


async def test_removed_pair_leaves_the_files(file: FreezeFile) -> None:
    one, two = change(movie(1)), change(movie(2))
    file.note(result(one), "gone", "")
    file.note(result(two), "stays", "")
    await file.save()
    folder = path_of(file).parent
    (folder / "plex_ratings.unresolved.json").write_text("{half a file")
    forget_pair(folder, "gone")
    assert {entry["pair"] for entry in on_disk(path_of(file)).values()} == {"stays"}
    # who has the file open takes no row back into it
    await file.load()
    file.note(result(change(movie(3))), "stays", "")
    await file.save()
    assert {entry["pair"] for entry in on_disk(path_of(file)).values()} == {"stays"}
    assert sorted(path.name for path in folder.iterdir()) == [HISTORY, "plex_ratings.unresolved.json"]
    stamp = path_of(file).stat()
    forget_pair(folder, "gone")
    assert path_of(file).stat() == stamp
    forget_pair(folder / "nowhere", "gone")


async def test_thaw_when_the_ids_change(file: FreezeFile) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "")
    better = Change(
        **{name: getattr(planned, name) for name in Change.__slots__} | {"entry": movie(1, imdb="tt0000001")}
    )
    assert not file.reason(better, "pair", "")


async def test_thaw_when_the_file_is_deleted(file: FreezeFile) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "")
    await file.save()
    path_of(file).unlink()
    await file.load()
    assert not file.reason(planned, "pair", "")


async def test_survives_a_restart(file: FreezeFile, tmp_path: Path, clock: Clock) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "1:5")
    await file.save()
    again = FreezeFile(tmp_path / ".cw_state", Feature.HISTORY, clock)
    await again.load()
    assert again.reason(planned, "pair", "1:5") == "not_in_library"
    assert again._entries == file._entries


async def test_two_accounts_share_a_file(file: FreezeFile, tmp_path: Path, clock: Clock) -> None:
    other = FreezeFile(tmp_path / ".cw_state", Feature.HISTORY, clock)
    one, two, three = (change(movie(number)) for number in (1, 2, 3))
    for each, planned, pair in ((file, one, "a"), (other, two, "b"), (file, three, "a")):
        each.note(result(planned), pair, "")
        await each.save()
    await other.load()
    assert all(other.reason(p, pair, "") for p, pair in ((one, "a"), (two, "b"), (three, "a")))
    file.note(result(one, APPLIED, None), "a", "")
    other.note(result(two, APPLIED, None), "b", "")
    await file.save()
    await other.save()
    assert list(on_disk(path_of(file))) == [f"{three.key}|add|a"]


async def test_file_deleted_while_it_is_in_use(file: FreezeFile) -> None:
    """What was in it is not brought back by what comes after."""
    old, new = change(movie(1)), change(movie(2))
    file.note(result(old), "pair", "")
    await file.save()
    path_of(file).unlink()
    file.note(result(new), "pair", "")
    await file.save()
    assert list(on_disk(path_of(file))) == [f"{new.key}|add|pair"]
    assert not file.reason(old, "pair", "")


async def test_what_is_not_saved_yet_stays(file: FreezeFile) -> None:
    planned = change(movie(1))
    file.note(result(planned), "pair", "")
    await file.load()
    assert file.reason(planned, "pair", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"a": 1}',
        b'{"a": {}}',
        b'{"a": {"feature": "history"}}',
        b"\xff\xfe",
        b"7",
    ],
)
async def test_file_that_can_not_be_read(
    file: FreezeFile, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path_of(file).parent.mkdir()
    path_of(file).write_bytes(body)
    await file.load()
    assert len(file) == 0
    assert HISTORY in caplog.text
    file.note(result(change(movie(1))), "pair", "")
    await file.save()
    assert len(on_disk(path_of(file))) == 1


async def test_clock_that_went_wrong(file: FreezeFile, clock: Clock) -> None:
    """An entry made in a far future does not rest until then."""
    planned = change(movie(1))
    clock.now += 10 * 365 * DAY
    file.note(result(planned), "pair", "")
    clock.now = NOON
    assert not file.reason(planned, "pair", "")


async def test_entries_nobody_asks_for_are_dropped(file: FreezeFile, clock: Clock) -> None:
    kept, lost = change(movie(1)), change(movie(2))
    for planned in (kept, lost):
        for _ in REST:
            file.note(result(planned), "pair", "")
    for _ in range(FORGOTTEN // DAY // 20 + 1):
        clock.now += 20 * DAY
        if not file.reason(kept, "pair", ""):
            file.note(result(kept), "pair", "")
    await file.save()
    assert list(on_disk(path_of(file))) == [f"{kept.key}|add|pair"]


async def test_large_file_is_not_saved_all_the_time(file: FreezeFile, clock: Clock) -> None:
    for number in range(1500):
        file.note(result(change(movie(number))), "pair", "")
    await file.save_if_due()
    assert path_of(file).stat().st_size > SMALL
    file.note(result(change(movie(5000))), "pair", "")
    await file.save_if_due()
    assert len(on_disk(path_of(file))) == 1500
    clock.now += 10
    await file.save_if_due()
    assert len(on_disk(path_of(file))) == 1501


async def test_odd_titles_and_dates(file: FreezeFile) -> None:
    item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=1), title="cut \ud83d here")
    for at in (-5, 10**15, None, 0):
        file.note(result(change(Play(item=item, watched_at=at))), "pair", "")
    await file.save()
    await FreezeFile(path_of(file).parent, Feature.HISTORY).load()
    assert len(on_disk(path_of(file))) == 4


async def test_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    file = FreezeFile(tmp_path / "state", Feature.HISTORY)
    file.note(result(change(movie(1))), "pair", "")
    with pytest.raises(StateFileError, match=r"plex_history\.unresolved\.json") as caught:
        await file.save()
    assert str(tmp_path) not in str(caught.value)
    assert file.reason(change(movie(1)), "pair", "")


async def test_without_a_folder(world: World) -> None:
    file = FreezeFile(None, Feature.HISTORY)
    await file.load()
    file.note(result(change(movie(1))), "pair", "")
    await file.save()
    assert file.reason(change(movie(1)), "pair", "")


# --- in the provider


async def run(provider: PlexProvider, *planned: Change, scope: Scope = SCOPE) -> list[str | None]:
    done = await apply(provider, *planned, scope=scope)
    return [done[each.key][1] for each in planned]


async def test_frozen_items_cost_no_request(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    assert await run(provider, change(movie(1))) == ["not_in_library"]
    spent = provider.requests
    assert await run(provider, change(movie(1))) == ["not_in_library"]
    assert provider.requests == spent
    (entry,) = on_disk(tmp_path / HISTORY).values()
    assert (entry["attempts"], entry["pair"]) == (1, "pair")


async def test_frozen_add_never_blocks_a_removal(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    await run(provider, change(movie(1)))
    spent = provider.requests
    await run(provider, change(movie(1), Action.REMOVE))
    assert provider.requests > spent
    assert len(on_disk(tmp_path / HISTORY)) == 2


async def test_new_item_in_the_library_thaws(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    await run(provider, change(movie(1)))
    film = world.movie(1)
    await read_plays(provider)
    assert await run(provider, change(movie(1))) == [None]
    assert world.pms.user_state(1, film).view_count == 1
    assert on_disk(tmp_path / HISTORY) == {}


async def test_deleting_the_file_thaws(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    await run(provider, change(movie(1)))
    (tmp_path / HISTORY).unlink()
    spent = provider.requests
    await run(provider, change(movie(1)))
    assert provider.requests > spent


async def test_what_may_be_tried_again_is_told(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await read_plays(provider)
    planned = change(movie(1))
    await run(provider, planned)
    keys = {planned.key: "not_in_library"}
    assert await provider.thawed(Feature.HISTORY, SCOPE, keys) == set()
    assert await provider.thawed(Feature.HISTORY, Scope(pair_id="another"), keys) == set(keys)
    # the file is read first, also after a restart, when nobody has looked at the libraries yet
    assert await world.whole(state_dir=tmp_path).thawed(Feature.HISTORY, SCOPE, keys) == set()
    (tmp_path / HISTORY).unlink()
    assert await provider.thawed(Feature.HISTORY, SCOPE, keys) == set(keys)
    await run(provider, planned)
    world.movie(1)
    await read_plays(provider)
    assert await provider.thawed(Feature.HISTORY, SCOPE, keys) == set(keys)
    # without a folder there is nothing to thaw
    assert await world.whole().thawed(Feature.HISTORY, SCOPE, keys) == set()


async def test_thaw_of_a_pair(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    await run(provider, change(movie(1)))
    await run(provider, change(Rating(item=movie(1).item, tenths=80)))
    await world.whole(state_dir=tmp_path).thaw("pair")
    spent = provider.requests
    await run(provider, change(movie(1)))
    assert provider.requests > spent


@pytest.mark.parametrize("fallback", [False, True])
async def test_libraries_matter_to_the_watchlist_with_its_fallback_only(
    world: World, tmp_path: Path, *, fallback: bool
) -> None:
    provider = world.whole(state_dir=tmp_path, watchlist_allow_pms_fallback=fallback)
    wanted = change(WatchlistEntry(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=1))))
    await read_plays(provider)
    await run(provider, wanted)
    spent = len(world.cloud.log)
    restarted = world.whole(state_dir=tmp_path, watchlist_allow_pms_fallback=fallback)
    await run(restarted, wanted)
    assert len(world.cloud.log) == spent
    world.movie(2)
    await read_plays(restarted)
    await run(restarted, wanted)
    assert (len(world.cloud.log) > spent) is fallback


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def test_one_file_for_each_feature(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=1))
    for entry in (
        movie(1),
        Rating(item=item, tenths=80),
        Resume(item=item, position_ms=900_000, duration_ms=6_000_000, at=NOON),
        WatchlistEntry(item=item),
    ):
        await run(provider, change(entry))
    assert names(tmp_path) == {
        "plex_watchlist.unresolved.json",
        "plex_history.unresolved.json",
        "plex_ratings.unresolved.json",
        "plex_progress.unresolved.json",
    }


async def test_state_of_the_moment_is_not_frozen(world: World, tmp_path: Path) -> None:
    film = world.movie(1)
    world.play(film, NOON)
    provider = world.whole(state_dir=tmp_path)
    item = Item(kind=Kind.MOVIE, ids=Ids(tmdb=1))
    entry = Resume(item=item, position_ms=900_000, duration_ms=6_000_000, at=NOON - 999)
    assert await run(provider, change(entry)) == ["already_watched"]
    world.pms.mark_unwatched(1, film)
    assert await run(provider, change(entry)) == [None]


async def test_watchlist_thaws_with_its_ids(world: World, tmp_path: Path) -> None:
    provider = world.whole(state_dir=tmp_path)
    entry = WatchlistEntry(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=1)))
    assert await run(provider, change(entry)) == ["not_found"]
    world.cloud.add_movie("Movie", hex_key(1), TrueIds("tt0000001"))
    better = WatchlistEntry(item=Item(kind=Kind.MOVIE, ids=Ids(tmdb=1, imdb="tt0000001")))
    planned = change(better)
    same_key = Change(
        **{name: getattr(planned, name) for name in Change.__slots__} | {"key": change(entry).key}
    )
    assert await run(provider, same_key) == [None]


async def test_state_that_can_not_be_kept_hides_no_outcome(world: World, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder belongs")
    provider = world.whole(state_dir=tmp_path / "state")
    world.movie(2)
    seen: list[Outcome] = []

    async def write() -> None:
        async for each in provider.apply(Feature.HISTORY, [change(movie(1)), change(movie(2))], SCOPE):
            seen.append(each)  # noqa: PERF401 - what was seen before the error counts

    with pytest.raises(StateFileError):
        await write()
    assert {each.status for each in seen} == {APPLIED, UNRESOLVED}


async def test_outcomes_name_every_change_once(world: World, tmp_path: Path) -> None:
    world.movie(1)
    provider = world.whole(state_dir=tmp_path)
    planned = [change(movie(1)), change(movie(2)), change(Play(item=Item(kind=Kind.SHOW), watched_at=1))]
    for _ in range(2):
        found = await outcomes(provider, *planned)
        assert sorted(each.change.key for each in found) == sorted(each.key for each in planned)
