"""Entries and a state file exactly as the first version stored them."""

import json
from pathlib import Path
import sqlite3

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.schema import MIGRATIONS
from tests.common import API_KEY, CLIENT_ID, PAIR_ID, Services, run_pair, state_of

PMDB_ID = "publicmetadb_0123456789abcdef"
RUN_AT = 1_795_000_000
CINDER_ROAD = "movie:imdb:tt0000103"
COUNTS = {"removed": 0, "skipped": 0, "errors": 0, "unconfirmed": 0, "error": None, "side": None}
REPORT = {
    "run_id": "first",
    "pair_id": PAIR_ID,
    "trigger": "schedule",
    "dry_run": False,
    "status": "unresolved",
    "started_at": RUN_AT,
    "duration_s": 2.5,
    "features": {
        "watchlist": {
            "status": "unresolved",
            "added": 7,
            "updated": 0,
            "unresolved": 1,
            "reasons": {"missing_tmdb_id": 1},
            **COUNTS,
        }
    },
    "requests": {"plex": 3, "publicmetadb": 9},
}
"""A report without what later versions count: held changes, sides, durations."""


@pytest.fixture
def entries(hass: HomeAssistant, services: Services) -> tuple[MockConfigEntry, ...]:
    """Return the accounts and the pair, with nothing in them that a later version has added."""
    plex_id = f"plex_{services.pms.machine_identifier}_{services.alex.id}"
    address = {"uri": services.pms.url, "local": True, "relay": False, "IPv6": False}
    account = {
        "client_id": CLIENT_ID,
        "token": services.token,
        "user_id": services.alex.id,
        "user_name": "Alex",
        "server": {
            "machine_id": services.pms.machine_identifier,
            "name": "Attic",
            "token": services.server_token,
            "is_owner": True,
            "connections": [address],
            "uri": services.pms.url,
        },
    }
    key = {"api_key": API_KEY, "base_url": services.pmdb.url, "lists": []}
    made = (
        MockConfigEntry(
            domain=DOMAIN,
            version=1,
            unique_id=plex_id,
            title="Alex (Attic)",
            data={"kind": "account", "provider": "plex", "account": account},
        ),
        MockConfigEntry(
            domain=DOMAIN,
            version=1,
            unique_id=PMDB_ID,
            title="PublicMetaDB",
            data={"kind": "account", "provider": "publicmetadb", **key},
        ),
        MockConfigEntry(
            domain=DOMAIN,
            version=1,
            entry_id=PAIR_ID,
            unique_id=f"pair_{plex_id}_{PMDB_ID}",
            title="Alex (Attic) → PublicMetaDB",
            data={"kind": "pair", "source": plex_id, "target": PMDB_ID, "direction": "one_way"},
            options={"features": ["watchlist", "history"], "interval": 60},
        ),
    )
    for entry in made:
        entry.add_to_hass(hass)
    return made


@pytest.fixture
def state_file(hass: HomeAssistant) -> Path:
    """Make a state file of the first schema, with a run, an unresolved item, a write and what was agreed."""
    path = Path(hass.config.path(".cw_state", "crosswatch.sqlite3"))
    path.parent.mkdir()
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(f"BEGIN; {MIGRATIONS[0]}; PRAGMA user_version = 1; COMMIT")
    db.execute("INSERT INTO run VALUES ('first', ?, ?, 1, ?)", (PAIR_ID, RUN_AT, json.dumps(REPORT)))
    db.execute(
        "INSERT INTO unresolved VALUES (?, 'watchlist', 'target', ?, 'missing_tmdb_id', "
        "'Cinder Road (2003)', 4, 1794000000, ?, NULL)",
        (PAIR_ID, CINDER_ROAD, RUN_AT),
    )
    item = {"kind": "movie", "ids": {"tmdb": 101}, "title": "Arrival at Dawn", "year": 2001}
    db.execute(
        "INSERT INTO journal (pair, run, feature, side, action, key, rule, entry, state, at) VALUES "
        "(?, 'first', 'watchlist', 'target', 'add', 'movie:tmdb:101', 'missing', ?, 'observed', ?)",
        (PAIR_ID, json.dumps({"item": item}), RUN_AT),
    )
    db.execute("INSERT INTO alias VALUES (?, 'movie:imdb:tt0000101', 'movie:tmdb:101')", (PAIR_ID,))
    db.execute("INSERT INTO baseline VALUES (?, 'watchlist', 'movie:tmdb:101', 0)", (PAIR_ID,))
    for side in ("source", "target"):
        db.execute("INSERT INTO scope VALUES (?, 'watchlist', ?, 'of the first version')", (PAIR_ID, side))
    db.close()
    return path


async def test_from_the_first_version(
    hass: HomeAssistant, state_file: Path, entries: tuple[MockConfigEntry, ...], services: Services
) -> None:
    """Everything loads, what was remembered is shown, and a run goes on from there."""
    watchlist = services.user.add_list("Watchlist")
    pair = entries[-1]
    assert await hass.config_entries.async_setup(pair.entry_id)
    await hass.async_block_till_done()
    assert [entry.state for entry in entries] == [ConfigEntryState.LOADED] * 3
    assert (state_of(hass, "status"), state_of(hass, "added")) == ("unresolved", "7")
    before = pair.runtime_data.data
    assert (before.report.run_id, before.last_success.timestamp()) == ("first", RUN_AT + 2)

    report = await run_pair(hass, pair)
    assert (report.status, report.total("added"), report.total("removed")) == ("unresolved", 4, 0)
    assert len(services.user.items(watchlist.id)) == 2
    assert len(services.user.watched()) == 2
    after = pair.runtime_data.data
    assert [run.run_id for run in after.runs] == [report.run_id, "first"]
    assert after.runs[1].features[Feature.WATCHLIST].added == 7
    (row,) = after.items
    assert (row.key, row.attempts, row.first_seen) == (CINDER_ROAD, 5, 1_794_000_000)
    exported = await pair.runtime_data.memory.async_export()
    journal = json.loads(exported.path.read_text("utf-8"))["tables"]["journal"]
    assert [line["key"] for line in journal if line["run"] == "first"] == ["movie:tmdb:101"]
    assert (await run_pair(hass, pair)).total("added") == 0
