"""Whole runs of both services, each feature each way, as somebody sees them who has set up a pair."""

from collections.abc import Generator
from contextlib import closing
import json
from pathlib import Path
import sqlite3
from typing import Any, Final

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.crosswatch.const import DOMAIN
from custom_components.crosswatch.providers.plex.provider import CAPABILITIES
from custom_components.crosswatch.sync.models import Feature
from custom_components.crosswatch.sync.report import RunStatus
from tests.common import PAIR_ID, Services, pair_entry_of
from tests.conftest import Clock
from tests.runs import (
    THEN,
    Shelf,
    Title,
    absences_believed,
    every_rating_looked_at,
    paired,
    run,
    set_up,
    writes,
)
from tests.simulators.library import Ids
from tests.simulators.plex import OWNER
from tests.simulators.publicmetadb.settings import Fraction

FEATURES: Final = ("watchlist", "history", "ratings", "progress")
VALUES: Final[dict[str, tuple[Any, ...]]] = {
    "watchlist": (None, None, None, None),
    "history": (THEN, THEN + 86_400, THEN + 2 * 86_400, THEN + 3 * 86_400),
    "ratings": (80, 85, 30, 45),
    "progress": (1_800_000, 900_000, 2_400_000, 3_000_000),
}
"""What a person does first and later."""


@pytest.fixture
def shelf(services: Services) -> Shelf:
    """Return the libraries, with nothing watched, rated or listed."""
    return Shelf.fill(services)


@pytest.fixture(autouse=True)
def looked_at() -> Generator[None]:
    """Look at every rating in every read."""
    with every_rating_looked_at():
        yield


async def assert_at_rest(entry: MockConfigEntry, services: Services) -> None:
    """Nothing is left to do: a dry run plans nothing, a run sends nothing."""
    dry = await run(entry, dry_run=True)
    assert [change for plan in dry.plans for change in plan.changes] == []
    before = len(writes(services))
    report = await run(entry)
    assert writes(services)[before:] == []
    assert report.status is RunStatus.OK


async def test_removals_are_named(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    """What is to be taken away from a service that tells no names has the name it was written with."""
    for title in (201, 202):
        shelf.do_at_plex("watchlist", title)
    entry = await paired(hass, accounts, "p>q", "watchlist", watchlist_remove=True)
    await run(entry)
    shelf.take_away_at_plex("watchlist", 201)
    with absences_believed():
        await run(entry)
        report = await run(entry, dry_run=True)
    (change,) = report.plans[0].changes
    assert (change.action, change.entry.item.name) == ("remove", "Film 201 (2000)")


@pytest.mark.parametrize("way", ["p>q", "q>p", "p=q"])
@pytest.mark.parametrize("feature", FEATURES)
async def test_each_feature_each_way(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
    way: str,
) -> None:
    """What is there first travels, then nothing is left to do, then a change on either side travels."""
    first, second, third, fourth = VALUES[feature]
    shelf.do_at_plex(feature, 201, first)
    shelf.do_at_publicmetadb(feature, 202, second)
    entry = await paired(hass, accounts, way, feature)
    to_plex, to_publicmetadb = way != "p>q", way != "q>p"
    # the service tells nobody who rated what: of ratings given there we know only those we gave
    told = feature != "ratings"

    def expect(plex: dict[Title, Any], publicmetadb: dict[Title, Any]) -> None:
        assert set(shelf.at_plex(feature)) == set(plex)
        assert set(shelf.at_publicmetadb(feature)) == set(publicmetadb)
        if feature in ("ratings", "progress"):
            assert shelf.at_plex(feature) == plex
            assert shelf.at_publicmetadb(feature) == publicmetadb
        if feature == "history":
            assert all(shelf.at_plex(feature)[title] == 1 for title in plex)
            assert shelf.at_publicmetadb(feature) == {title: [date] for title, date in publicmetadb.items()}

    report = await run(entry)
    assert report.status is RunStatus.OK
    assert report.total("added") == to_plex * told + to_publicmetadb
    plex: dict[Title, Any] = {201: first}
    publicmetadb: dict[Title, Any] = {202: second}
    if to_plex and told:
        plex[202] = second
    if to_publicmetadb:
        publicmetadb[201] = first
    expect(plex, publicmetadb)
    await assert_at_rest(entry, services)

    shelf.do_at_plex(feature, 203, third)
    shelf.do_at_publicmetadb(feature, 204, fourth)
    plex[203], publicmetadb[204] = third, fourth
    await run(entry)
    if to_plex and told:
        plex[204] = fourth
    if to_publicmetadb:
        publicmetadb[203] = third
    expect(plex, publicmetadb)
    await assert_at_rest(entry, services)


# --- values that change -------------------------------------------------------------------------


@pytest.mark.parametrize("feature", ["ratings", "progress"])
async def test_a_change_travels_both_ways(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
) -> None:
    first, second, third, _ = VALUES[feature]
    episode = (1399, 0, 1)
    shelf.do_at_plex(feature, 201, first)
    shelf.do_at_plex(feature, episode, first if feature == "ratings" else 600_000)
    entry = await paired(hass, accounts, "p=q", feature)
    await run(entry)
    shelf.do_at_publicmetadb(feature, 201, second)
    shelf.do_at_plex(feature, episode, third if feature == "ratings" else 1_200_000)
    report = await run(entry)
    assert report.total("updated") == 2
    expected = {201: second, episode: third if feature == "ratings" else 1_200_000}
    assert shelf.at_plex(feature) == shelf.at_publicmetadb(feature) == expected
    await assert_at_rest(entry, services)


async def test_one_way_from_publicmetadb_a_rating_it_knows_travels(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    """What the pair gave there is known there, and travels back once it is changed."""
    shelf.do_at_plex("ratings", 201, 80)
    entry = await paired(hass, accounts, "p=q", "ratings")
    await run(entry)
    plex, publicmetadb = accounts
    turned = {"source": publicmetadb.unique_id, "target": plex.unique_id, "direction": "one_way"}
    hass.config_entries.async_update_entry(entry, data={**entry.data, **turned})
    await hass.config_entries.async_reload(entry.entry_id)
    shelf.do_at_publicmetadb("ratings", 201, 60)
    assert (await run(entry)).total("updated") == 1
    assert shelf.at_plex("ratings") == {201: 60}
    await assert_at_rest(entry, services)


@pytest.mark.parametrize("fraction", list(Fraction))
async def test_half_stars(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    fraction: Fraction,
) -> None:
    """Whatever the service makes of eight and a half, it never comes back as another rating."""
    services.pmdb.settings.fractional_scores = fraction
    shelf.do_at_plex("ratings", 201, 85)
    entry = await paired(hass, accounts, "p=q", "ratings")
    await run(entry)
    assert shelf.at_plex("ratings") == {201: 85}
    assert abs(shelf.at_publicmetadb("ratings")[201] - 85) <= 5
    await assert_at_rest(entry, services)
    assert shelf.at_plex("ratings") == {201: 85}


async def test_what_is_nearly_over_or_over_stays_where_it_is(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    """80 percent is watched at PublicMetaDB, and what was watched at Plex since needs no position there."""
    now = int(services.pms.now)
    shelf.do_at_plex("progress", 201, 4_800_000)
    shelf.do_at_plex("progress", 202, 59_000)
    shelf.do_at_publicmetadb("progress", 203, 1_800_000)
    shelf.do_at_plex("history", 203, now + 600)
    shelf.do_at_publicmetadb("progress", 204, 1_800_000)
    shelf.do_at_plex("history", 204, THEN)
    entry = await paired(hass, accounts, "p=q", "progress")
    dry = await run(entry, dry_run=True)
    rules = {skip.key: skip.rule for plan in dry.plans for skip in plan.skipped}
    assert rules == {
        "movie:tmdb:201": "near_the_end",
        "movie:tmdb:202": "too_early",
        "movie:tmdb:203": "watched_at_source",
    }
    await run(entry)
    # watched once long ago, and begun again since
    assert shelf.at_plex("progress") == {201: 4_800_000, 202: 59_000, 204: 1_800_000}
    await assert_at_rest(entry, services)
    assert shelf.at_publicmetadb("progress") == {203: 1_800_000, 204: 1_800_000}
    assert shelf.at_plex("history") == {203: 1, 204: 1}


# --- plays and their dates ----------------------------------------------------------------------


@pytest.mark.parametrize("way", ["q>p", "p=q"])
@pytest.mark.parametrize("logged", [False, True])
@pytest.mark.parametrize("marked", [False, True])
async def test_our_own_marks_never_come_back(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    way: str,
    logged: bool,
    marked: bool,
) -> None:
    """Plex dates a mark with its own now, and may tell of it as of a play."""
    services.pms.options.scrobble_writes_history = logged
    plex, _ = accounts
    hass.config_entries.async_update_entry(plex, options={"history.include_marked_watched": marked})
    for title, day in ((201, 0), (202, 1), ((1399, 0, 1), 2), (202, 3)):
        shelf.do_at_publicmetadb("history", title, THEN + day * 86_400)
    before = shelf.at_publicmetadb("history")
    entry = await paired(hass, accounts, way, "history")
    assert (await run(entry)).total("added") == 3
    assert shelf.at_plex("history") == {201: 1, 202: 1, (1399, 0, 1): 1}
    for _ in range(2):
        await assert_at_rest(entry, services)
    assert shelf.at_publicmetadb("history") == before
    # watched once more since, at Plex: that is a play of its own
    again = int(services.pms.now) + 7200
    shelf.do_at_plex("history", 201, again)
    await run(entry)
    plays = [THEN, again] if way == "p=q" else [THEN]
    assert shelf.at_publicmetadb("history")[201] == plays
    await assert_at_rest(entry, services)


async def test_whole_seasons_are_marked_by_single_requests(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    """However far apart they were watched. What was watched at Plex already is not marked again."""
    season = [(1399, 1, number) for number in (1, 2, 3)]
    others = CAPABILITIES[Feature.HISTORY].ahead + 20
    for place, title in enumerate(season):
        shelf.do_at_publicmetadb("history", title, THEN + place * others // 2 * 86_400)
    for number in range(others):
        movie = services.pms.add_movie(
            shelf.titles[201].section, f"Other {number}", ids=Ids(tmdb=9000 + number)
        )
        services.user.add_watched(tmdb_id=movie.ids.tmdb, watched_at=THEN + number * 86_400)
    entry = await paired(hass, accounts, "q>p", "history")
    assert (await run(entry)).total("added") == others + len(season)
    keys = [dict(request.query)["key"] for request in services.pms.requests("/:/scrobble")]
    parent = shelf.titles[1399, 1, 1].parent
    assert parent is not None
    assert len(keys) == others + 1
    assert str(parent.key) in keys
    assert shelf.at_plex("history") == dict.fromkeys(season, 1)
    await assert_at_rest(entry, services)


@pytest.mark.parametrize(("minutes", "plays"), [(None, 1), (10, 1), (9, 2), (0, 2)])
async def test_window_of_the_pair(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    shelf: Shelf,
    minutes: int | None,
    plays: int,
) -> None:
    shelf.do_at_plex("history", 201, THEN)
    shelf.do_at_publicmetadb("history", 201, THEN + 600)
    options = {} if minutes is None else {"history_window": minutes}
    entry = await paired(hass, accounts, "p>q", "history", **options)
    await run(entry)
    assert len(shelf.at_publicmetadb("history")[201]) == plays


@pytest.mark.parametrize("logged", [False, True])
async def test_two_pairs_of_one_plex_account(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    logged: bool,
) -> None:
    """What one pair marks at Plex reaches the other one's account with the date it truly has."""
    services.pms.options.scrobble_writes_history = logged
    plex, publicmetadb = accounts
    hass.config_entries.async_update_entry(plex, options={"history.include_marked_watched": True})
    theirs = services.pmdb.add_user("pm-second", "second-user")
    second = MockConfigEntry(
        domain=DOMAIN,
        unique_id="publicmetadb_second",
        title="Second",
        data={**publicmetadb.data, "api_key": "pm-second"},
    )
    second.add_to_hass(hass)
    shelf.do_at_publicmetadb("history", 201, THEN)
    into_plex = await paired(hass, accounts, "q>p", "history")
    made = pair_entry_of(plex, second, features=["history"])
    on = MockConfigEntry(
        domain=DOMAIN, unique_id=made.unique_id, title="On", data=dict(made.data), options=dict(made.options)
    )
    on.add_to_hass(hass)
    await set_up(hass, on)
    await run(into_plex)
    await run(on)
    assert [(row.tmdb_id, row.watched_at) for row in theirs.watched()] == [(201, THEN)]
    await assert_at_rest(into_plex, services)
    await assert_at_rest(on, services)
    assert shelf.at_publicmetadb("history") == {201: [THEN]}


async def test_ledger_of_a_removed_account(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    shelf: Shelf,
    tmp_path: Path,
) -> None:
    """What was written there is known for as long as the account, or a pair that waits for it."""

    def ledger() -> int:
        with closing(sqlite3.connect(tmp_path / ".cw_state" / "crosswatch.sqlite3")) as database:
            (count,) = database.execute("SELECT count(*) FROM ledger").fetchone()
        return int(count)

    plex, _ = accounts
    shelf.do_at_publicmetadb("history", 201, THEN)
    entry = await paired(hass, accounts, "q>p", "history")
    await run(entry)
    assert ledger() == 1
    await hass.config_entries.async_remove(plex.entry_id)
    await hass.async_block_till_done()
    assert ledger() == 1
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert ledger() == 0


async def test_ledger_of_an_account_without_its_pair(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    shelf: Shelf,
    tmp_path: Path,
) -> None:
    """A pair that is made anew knows what its predecessor has marked."""
    shelf.do_at_publicmetadb("history", 201, THEN)
    entry = await paired(hass, accounts, "q>p", "history")
    await run(entry)
    await hass.config_entries.async_remove(entry.entry_id)
    again = await paired(hass, accounts, "p=q", "history")
    hass.config_entries.async_update_entry(accounts[0], options={"history.include_marked_watched": True})
    await hass.config_entries.async_reload(accounts[0].entry_id)
    assert (await run(again)).total("added") == 0
    assert shelf.at_publicmetadb("history") == {201: [THEN]}


# --- what can't be written ----------------------------------------------------------------------


@pytest.mark.parametrize("feature", ["watchlist", "history", "progress"])
async def test_freeze_file(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    tmp_path: Path,
    feature: str,
) -> None:
    """What Plex does not have rests in the documented file; whoever deletes that lets it be tried again."""
    shelf.do_at_publicmetadb(feature, 777, 1_800_000 if feature == "progress" else THEN)
    file = tmp_path / ".cw_state" / f"plex_{feature}.unresolved.json"
    entry = await paired(hass, accounts, "q>p", feature)

    async def tried() -> int:
        asked = len(services.cloud.requests("*/matches"))
        report = await run(entry)
        assert (report.status, report.total("unresolved")) == (RunStatus.UNRESOLVED, 1)
        return len(services.cloud.requests("*/matches")) - asked

    first = await tried()
    (frozen,) = json.loads(file.read_text()).values()
    assert (frozen["attempts"], frozen["pair"]) == (1, PAIR_ID)
    assert await tried() == 0
    assert json.loads(file.read_text()) == {next(iter(json.loads(file.read_text()))): frozen}
    file.unlink()
    assert await tried() == first
    (again,) = json.loads(file.read_text()).values()
    assert again["first_seen"] >= frozen["first_seen"]


async def test_hourly_quota(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    clock: Clock,
) -> None:
    """The rest waits for the hour, and the pair with it; the run itself ends well."""
    _, publicmetadb = accounts
    hass.config_entries.async_update_entry(publicmetadb, options={"ratings_submit_per_hour": 2})
    for place, title in enumerate((201, 202, 203)):
        shelf.do_at_plex("ratings", title, 70 + place)
    entry = await paired(hass, accounts, "p>q", "ratings", interval=600)
    report = await run(entry)
    assert report.status is RunStatus.UNRESOLVED
    assert (report.total("added"), report.total("unresolved")) == (2, 1)
    (feature,) = report.features.values()
    assert feature.reasons == {"publicmetadb_hourly_rating_submit_limit": 1}
    assert len(shelf.at_publicmetadb("ratings")) == 2
    due = entry.runtime_data.next_run
    assert due is not None
    assert 3500 < (due - clock.now()).total_seconds() < 3700
    # meanwhile nothing is tried
    sent = len(writes(services))
    await run(entry)
    assert len(writes(services)) == sent


# --- switches of the pair -------------------------------------------------------------------------


REMOVALS: Final = [("watchlist", "p>q"), ("watchlist", "q>p"), ("history", "q>p"), ("ratings", "p>q")]


@pytest.mark.parametrize("removes", [True, False])
@pytest.mark.parametrize(("feature", "way"), REMOVALS)
async def test_removals(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
    way: str,
    removes: bool,
) -> None:
    """What was taken away at one side goes at the other, once it is certain, and only if that is wanted."""
    first, second, *_ = VALUES[feature]
    for title, value in ((201, first), (202, second)):
        shelf.do_at_plex(feature, title, value)
        if feature != "ratings":
            shelf.do_at_publicmetadb(feature, title, value)
    options = {f"{feature}_remove": True} if removes else {}
    entry = await paired(hass, accounts, way, feature, **options)
    await run(entry)
    if way == "p>q":
        shelf.take_away_at_plex(feature, 202)
    else:
        shelf.take_away_at_publicmetadb(feature, 202)
    with absences_believed():
        removed = sum([(await run(entry)).total("removed") for _ in range(3)])
    assert removed == (1 if removes else 0)
    target = shelf.at_publicmetadb(feature) if way == "p>q" else shelf.at_plex(feature)
    assert set(target) == ({201} if removes else {201, 202})
    before = len(writes(services))
    await run(entry)
    assert writes(services)[before:] == []


async def test_a_rating_stays_when_its_title_goes(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
) -> None:
    """Whoever deletes what they have seen has not changed their mind about it."""
    for title in (201, 202):
        shelf.do_at_plex("ratings", title, 80)
    entry = await paired(hass, accounts, "p>q", "ratings", ratings_remove=True)
    await run(entry)
    services.pms.delete_item(shelf.titles[202])
    for _ in range(3):
        assert (await run(entry)).total("removed") == 0
    assert shelf.at_publicmetadb("ratings") == {201: 80, 202: 80}


@pytest.mark.parametrize("feature", FEATURES)
async def test_additions_off(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    feature: str,
) -> None:
    shelf.do_at_plex(feature, 201, VALUES[feature][0])
    entry = await paired(hass, accounts, "p=q", feature, **{f"{feature}_add": False})
    report = await run(entry)
    assert (report.total("added"), report.total("skipped")) == (0, 1)
    assert shelf.at_publicmetadb(feature) == {}
    assert writes(services) == []


async def test_kinds_of_ratings(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    shelf: Shelf,
) -> None:
    shelf.do_at_plex("ratings", 201, 80)
    shelf.do_at_plex("ratings", (1399, 1, 1), 90)
    entry = await paired(hass, accounts, "p=q", "ratings", ratings_kinds=["episode"])
    await run(entry)
    assert shelf.at_publicmetadb("ratings") == {(1399, 1, 1): 90}


@pytest.mark.parametrize(("truth", "counts"), [(None, 80), ("source", 80), ("target", 60)])
async def test_source_of_truth(
    hass: HomeAssistant,
    accounts: tuple[MockConfigEntry, MockConfigEntry],
    services: Services,
    shelf: Shelf,
    truth: str | None,
    counts: int,
) -> None:
    """Where both sides were changed at the same moment."""
    shelf.do_at_plex("ratings", 201, 70)
    entry = await paired(hass, accounts, "p=q", "ratings", **({"ratings_truth": truth} if truth else {}))
    await run(entry)
    (row,) = services.user.ratings()
    services.pms.rate(OWNER, shelf.titles[201], 8, at=int(row.created))
    shelf.do_at_publicmetadb("ratings", 201, 60)
    await run(entry)
    assert shelf.at_plex("ratings") == shelf.at_publicmetadb("ratings") == {201: counts}
