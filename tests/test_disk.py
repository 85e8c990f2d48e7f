"""A disk that fails under a pair, and a clock that jumps: what lies at both services stays exact."""

from collections import Counter
from collections.abc import Callable, Generator
from datetime import UTC, datetime, timedelta
import errno
from functools import partial
from pathlib import Path
import sqlite3
from typing import Any, Final, override
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.providers.plex.provider import PlexProvider
from custom_components.crosswatch.providers.publicmetadb import PublicMetaDBProvider
from custom_components.crosswatch.shared import shared_state
from custom_components.crosswatch.sync.engine import Engine
from tests.common import PAIR_ID, Services, act, device_of, english, state_of
from tests.conftest import Clock
from tests.runs import THEN, Shelf, every_rating_looked_at, paired, writes

DAY: Final = 86_400
FEATURES: Final = ("watchlist", "history", "ratings", "progress")
RATINGS_FILE: Final = f"publicmetadb_ratings.{PAIR_ID}.shadow.json"
QUOTA_FILE: Final = f"publicmetadb_ratings.{PAIR_ID}.quota.json"
thorough = pytest.mark.thorough


@pytest.fixture(autouse=True)
def looked_at() -> Generator[None]:
    """Look at every rating in every read."""
    with every_rating_looked_at():
        yield


@pytest.fixture(autouse=True)
def same_time(clock: Clock) -> Generator[None]:
    """Let everything go by the clock of the schedules."""

    def now() -> float:
        return clock.now().timestamp()

    class Plex(PlexProvider):
        @override
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, clock=now, **more)

    class PublicMetaDB(PublicMetaDBProvider):
        @override
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, clock=now, **more)  # type: ignore[misc]

    with (
        patch("custom_components.crosswatch.shared.Engine", partial(Engine, clock=now)),
        patch("custom_components.crosswatch.account.PlexProvider", Plex),
        patch("custom_components.crosswatch.account.PublicMetaDBProvider", PublicMetaDB),
    ):
        yield


class Home:
    """A pair both ways that lets everything travel, a person, and what must lie at both services then."""

    def __init__(self, hass: HomeAssistant, shelf: Shelf, entry: MockConfigEntry, clock: Clock) -> None:
        """Take what is set up."""
        self.hass, self.shelf, self.entry, self.clock = hass, shelf, entry, clock
        self.folder = Path(hass.config.path(".cw_state"))
        self.file = self.folder / "crosswatch.sqlite3"

    def be_a_person(self) -> None:
        """Add, change and take away."""
        shelf = self.shelf
        for tmdb in (203, 204):
            shelf.do_at_plex("watchlist", tmdb)
            shelf.do_at_plex("ratings", tmdb, 70)
            shelf.do_at_plex("history", tmdb, THEN + DAY)
        shelf.do_at_publicmetadb("watchlist", 205)
        shelf.do_at_publicmetadb("history", 205, THEN + 2 * DAY)
        shelf.do_at_publicmetadb("progress", (1399, 1, 2), 1_200_000)
        shelf.do_at_plex("ratings", 201, 40)
        shelf.take_away_at_plex("watchlist", 201)
        shelf.take_away_at_publicmetadb("watchlist", 202)

    @property
    def held(self) -> dict[str, tuple[Any, Any]]:
        """What lies at both."""
        return {each: (self.shelf.at_plex(each), self.shelf.at_publicmetadb(each)) for each in FEATURES}

    @property
    def is_set_up(self) -> bool:
        """Whether the pair is set up; unless it is, Home Assistant tries again by itself."""
        assert self.entry.state in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_RETRY)
        return self.entry.state is ConfigEntryState.LOADED

    @property
    def doubled(self) -> list[Any]:
        """What lies at PublicMetaDB more than once."""
        user = self.shelf.services.user
        rows: tuple[list[Any], ...] = (
            [row.video for row in user.ratings()],
            [row.video for row in user.resume()],
            [row.tmdb_id for one in user.lists() for row in user.items(one.id)],
        )
        return [row for each in rows for row, count in Counter(each).items() if count > 1]

    @property
    def due(self) -> dict[str, tuple[Any, Any]]:
        """What must lie there when all of it has travelled."""
        listed = dict.fromkeys((203, 204, 205), True)
        at = {201: THEN, 202: THEN, 203: THEN + DAY, 204: THEN + DAY, 205: THEN + 2 * DAY}
        rated = {201: 40, 203: 70, 204: 70}
        stops = {(1399, 1, 1): 600_000, (1399, 1, 2): 1_200_000}
        plays = {tmdb: [date] for tmdb, date in at.items()}
        return {
            "watchlist": (listed, listed),
            "history": (dict.fromkeys(plays, 1), {**plays, 999: [THEN]}),
            "ratings": (rated, rated),
            "progress": (stops, stops),
        }

    async def live(self, runs: int = 1) -> None:
        """Let so many turns of the schedule pass."""
        for _ in range(runs):
            await self.clock.pass_time(minutes=61)

    async def get_along(self) -> None:
        """Make sure that all is well in the end, by itself."""
        await self.live(3)
        assert self.held == self.due
        assert self.doubled == []
        # one title is not in the library
        assert state_of(self.hass, "status") == "unresolved"
        assert self.troubles == {}

    @property
    def troubles(self) -> dict[str, str]:
        """The files that are reported, by what is wrong with them."""
        issues = ir.async_get(self.hass).issues.values()
        found = {each.translation_key: each for each in issues if each.domain == DOMAIN}
        for key, issue in found.items():
            for part in ("title", "description"):
                assert (text := english(f"issues.{key}.{part}")) is not None
                assert text.format(**issue.translation_placeholders or {})
        return {str(key): (each.translation_placeholders or {})["file"] for key, each in found.items()}

    async def complaint(self) -> str | None:
        """Run the pair by the action; return the error that somebody gets to see."""
        with pytest.raises(HomeAssistantError) as failed:
            await act(self.hass, "sync_pair", device_id=device_of(self.hass, self.entry))
        return failed.value.translation_key


@pytest.fixture
async def home(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    clock: Clock,
    log_may_say: list[str],
) -> Home:
    """Return a pair that is in step but for one title that is not in the library."""
    log_may_say.append(f"The run of pair {PAIR_ID} broke off")
    shelf = Shelf.fill(services)
    # what is marked there is a play of now in its log: taken for a new one it would be doubled
    services.pms.options.scrobble_writes_history = True
    for tmdb in (201, 202):
        shelf.do_at_plex("watchlist", tmdb)
        shelf.do_at_publicmetadb("history", tmdb, THEN)
    shelf.do_at_publicmetadb("history", 999, THEN)
    shelf.do_at_plex("ratings", 201, 80)
    shelf.do_at_plex("progress", (1399, 1, 1), 600_000)
    removals = {f"{feature}_remove": True for feature in ("watchlist", "history", "ratings")}
    entry = await paired(hass, accounts, "p=q", *FEATURES, **removals)
    made = Home(hass, shelf, entry, clock)
    await made.live(2)
    assert state_of(hass, "status") == "unresolved"
    return made


# --- full and read-only ---------------------------------------------------------------------------


def connection(hass: HomeAssistant) -> sqlite3.Connection:
    """Return the one connection to the state file."""
    opened = shared_state(hass)._opened
    assert opened is not None
    return opened.state._connection


@pytest.mark.parametrize("pages", [0, *(pytest.param(count, marks=thorough) for count in (1, 2, 3))])
async def test_a_disk_that_is_full(hass: HomeAssistant, home: Home, pages: int) -> None:
    """It has room for so many more pages: the run breaks off here or there."""
    db = connection(hass)
    (used,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {used + pages}")
    home.be_a_person()
    await home.live(2)
    assert await home.complaint() == "state_full"
    assert state_of(hass, "status") == "failed"
    assert home.troubles == {"state_full": home.file.name}
    # looking at what is stored does not make it well again
    await home.entry.runtime_data.async_refresh()
    assert state_of(hass, "status") == "failed"
    db.execute("PRAGMA max_page_count = 1000000")
    await home.get_along()


async def test_a_disk_that_is_read_only(hass: HomeAssistant, home: Home, services: Services) -> None:
    db = connection(hass)
    db.execute("PRAGMA query_only = ON")
    home.be_a_person()
    before, sent = home.held, len(writes(services))
    await home.live()
    assert await home.complaint() == "state_read_only"
    assert home.troubles == {"state_read_only": home.file.name}
    assert (home.held, len(writes(services))) == (before, sent), "nothing is sent that can't be noted"
    db.execute("PRAGMA query_only = OFF")
    await home.get_along()


@pytest.mark.parametrize(
    ("code", "word"),
    [(errno.ENOSPC, "state_full"), pytest.param(errno.EROFS, "state_read_only", marks=thorough)],
)
async def test_files_of_the_services_that_can_not_be_written(
    hass: HomeAssistant, home: Home, code: int, word: str, log_may_say: list[str]
) -> None:
    log_may_say.append("Freeze file not saved")
    home.be_a_person()
    with patch("os.fsync", side_effect=OSError(code, "no")):
        await home.live(2)
        assert state_of(hass, "status") == "failed"
        ((found, file),) = home.troubles.items()
        assert found == word
        assert file.endswith(".json")
    await home.get_along()


# --- damaged --------------------------------------------------------------------------------------


def cut(body: bytes) -> bytes:
    """Keep the first half."""
    return body[: len(body) // 2]


def nothing(_body: bytes) -> bytes:
    """Keep nothing."""
    return b""


def noise(body: bytes) -> bytes:
    """Make it something else altogether."""
    return b"\x00\xff?" * (len(body) // 3)


def another_shape(_body: bytes) -> bytes:
    """Make it something else that can be read."""
    return b'[{"items": 1}]'


@pytest.mark.parametrize(
    "damage", [cut, *(pytest.param(d, marks=thorough) for d in (nothing, noise, another_shape))]
)
async def test_files_of_the_services_that_are_damaged(
    hass: HomeAssistant, home: Home, damage: Callable[[bytes], bytes], log_may_say: list[str]
) -> None:
    """What can be learned anew is; the ratings that we have given can't be, and are left alone."""
    log_may_say += ["Freeze file", "Shadow file", "The rating quota can't be read"]
    files = list(home.folder.glob("*.json"))
    assert {path.name.partition("_")[0] for path in files} == {"plex", "publicmetadb"}
    for path in files:
        path.write_bytes(damage(path.read_bytes()))
    home.be_a_person()
    before = home.held
    await home.live(3)
    due = {**home.due, "ratings": before["ratings"]}
    assert (home.held, home.doubled) == (due, [])
    assert state_of(hass, "status") == "failed"
    assert home.troubles == {"state_damaged": RATINGS_FILE}
    # as the notice says
    (home.folder / RATINGS_FILE).unlink()
    # what was counted of this hour is over in an hour, by a clock that nobody can put forward
    (home.folder / QUOTA_FILE).unlink()
    await home.get_along()


def cut_short(path: Path) -> None:
    """Keep the first half."""
    path.write_bytes(cut(path.read_bytes()))


def emptied(path: Path) -> None:
    """Keep nothing but the name."""
    path.write_bytes(b"")


def overwritten(path: Path) -> None:
    """Put noise over some pages in the middle."""
    body = path.read_bytes()
    third = len(body) // 3
    path.write_bytes(body[:third] + noise(body[third : 2 * third]) + body[2 * third :])


def beheaded(path: Path) -> None:
    """Put noise over the beginning."""
    path.write_bytes(noise(b"x" * 999) + path.read_bytes()[999:])


def newer(path: Path) -> None:
    """Make it a file of a newer version."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (emptied, "state_damaged"),
        (newer, "state_newer"),
        *(pytest.param(each, "state_damaged", marks=thorough) for each in (cut_short, overwritten, beheaded)),
    ],
)
async def test_a_state_file_that_can_not_be_used(
    hass: HomeAssistant, home: Home, services: Services, damage: Callable[[Path], None], word: str
) -> None:
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    good = home.file.read_bytes()
    damage(home.file)
    bad = home.file.read_bytes()
    home.be_a_person()
    before, sent = home.held, len(writes(services))
    assert not await hass.config_entries.async_setup(home.entry.entry_id)
    await home.live()
    assert not home.is_set_up
    assert home.entry.error_reason_translation_key == word
    assert home.troubles == {word: home.file.name}
    assert (home.held, len(writes(services)), home.file.read_bytes()) == (before, sent, bad)
    home.file.write_bytes(good)
    await home.live()
    await home.get_along()


async def test_a_state_file_that_is_damaged_while_it_is_used(
    hass: HomeAssistant, home: Home, services: Services
) -> None:
    connection(hass).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    good = home.file.read_bytes()
    overwritten(home.file)
    connection(hass).execute("PRAGMA shrink_memory")
    home.be_a_person()
    await home.live()
    assert await home.complaint() == "state_damaged"
    assert home.troubles == {"state_damaged": home.file.name}
    await hass.config_entries.async_unload(home.entry.entry_id)
    home.file.write_bytes(good)
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    await home.get_along()


async def test_a_state_file_that_somebody_has_deleted(hass: HomeAssistant, home: Home) -> None:
    """The next run compares afresh and takes nothing away."""
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    for path in home.folder.glob("crosswatch.sqlite3*"):
        path.unlink()
    home.be_a_person()
    assert await hass.config_entries.async_setup(home.entry.entry_id)
    await home.live(3)
    listed = dict.fromkeys((201, 202, 203, 204, 205), True)
    assert {**home.held, "history": ()} == {**home.due, "watchlist": (listed, listed), "history": ()}
    assert home.doubled == []


# --- clocks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "jump", [timedelta(days=3), timedelta(days=-3), pytest.param(timedelta(days=-3000), marks=thorough)]
)
async def test_a_clock_that_jumps(hass: HomeAssistant, home: Home, jump: timedelta) -> None:
    home.be_a_person()
    for way in (jump, -jump):
        home.clock._ahead += way
        before = len(home.entry.runtime_data.data.runs)
        # hours by the clock of the event loop, which nobody can set
        async_fire_time_changed(hass, max(home.clock.now(), datetime.now(UTC) + timedelta(minutes=999)))
        await hass.async_block_till_done(wait_background_tasks=True)
        assert len(home.entry.runtime_data.data.runs) == before + 1
        assert home.entry.runtime_data.next_run - home.clock.now() <= timedelta(minutes=60)
    await home.get_along()
