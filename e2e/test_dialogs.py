"""A person sets everything up in the dialogs, presses the button and watches a dashboard."""

import json
from pathlib import Path
import re

from playwright.async_api import expect
import pytest

from e2e.checks import OURS, leaking_requests, leaks, log_problems, records, secrets_of
from e2e.conftest import PASSWORD, USER
from e2e.dialogs import (
    DIALOG,
    SLOW,
    add_integration,
    choose,
    entry_row,
    expect_error,
    expect_title,
    fill,
    finish,
    log_in,
    next_page,
    select,
    submit,
    tick,
)
from e2e.screen import Screen
from e2e.words import card_word, word
from lab.flows import DOMAIN
from lab.lab import Lab
from lab.pairs import CARD, DASHBOARD, create_dashboard, find_pair, state_of
from lab.publicmetadb import empty_lists, read_contents

WRONG_KEY = "pmdb_not_the_key_of_anybody"
NOWHERE = "http://127.0.0.1:9"
DONE = ("ok", "unresolved")
A_RUN = 90_000
"""Milliseconds that the first run may take at three writes a second."""


@pytest.fixture(scope="module")
def pair_title(lab: Lab) -> str:
    """The pair is named after its accounts."""
    return f"Plex ({lab.simulators.addresses.owner}, Attic) → PublicMetaDB"


async def test_log_in(lab: Lab, screen: Screen) -> None:
    await log_in(screen.page, lab.homeassistant.url, USER, PASSWORD)
    await screen.picture("logged-in")


async def test_plex_account(lab: Lab, screen: Screen) -> None:
    """The link leads to the sign-in page, and the dialog goes on by itself once that is done."""
    dialog = await add_integration(screen.page, lab.homeassistant.url)
    await screen.picture("menu")
    await choose(dialog, word("config.step.user.menu_options.plex"))
    link = dialog.locator("a[href*='/auth']")
    await link.wait_for(timeout=SLOW)
    await screen.picture("plex-link")
    async with screen.context.expect_page() as opening:
        await link.click()
    sign_in = await opening.value
    await sign_in.get_by_label(lab.simulators.addresses.pin_user).check()
    await screen.picture("plex-sign-in-page", sign_in)
    await sign_in.get_by_role("button", name="Allow").click()
    await expect(sign_in.get_by_role("status")).to_contain_text("signed in")
    await sign_in.close()
    await expect_title(dialog, word("config.step.plex_user.title"))
    await screen.picture("plex-user")
    await submit(dialog)
    await expect(dialog).to_contain_text(re.compile("finish", re.IGNORECASE), timeout=SLOW)
    await screen.picture("plex-done")
    await finish(dialog)


async def test_publicmetadb_account(lab: Lab, screen: Screen) -> None:
    """Every mistake is told, and put right in the same dialog."""
    addresses = lab.simulators.addresses
    dialog = await add_integration(screen.page, lab.homeassistant.url)
    await choose(dialog, word("config.step.user.menu_options.publicmetadb"))
    await expect_title(dialog, word("config.step.publicmetadb.title"))
    await screen.picture("publicmetadb")
    await fill(dialog, 0, WRONG_KEY)
    await fill(dialog, 1, addresses.publicmetadb)
    await submit(dialog)
    await expect_error(dialog, word("config.error.invalid_key"))
    await screen.picture("publicmetadb-wrong-key")
    await fill(dialog, 0, addresses.api_key)
    await fill(dialog, 1, NOWHERE)
    await submit(dialog)
    await expect_error(dialog, word("config.error.cannot_connect"))
    await screen.picture("publicmetadb-unreachable")
    await fill(dialog, 1, "publicmetadb")
    await submit(dialog)
    await expect(dialog).to_contain_text(word("config.error.invalid_url"))
    await screen.picture("publicmetadb-no-address")
    await fill(dialog, 1, addresses.publicmetadb)
    await submit(dialog)
    await expect_title(dialog, word("config.step.pair.title"))


async def test_pair(screen: Screen, pair_title: str) -> None:
    """The second account leads on to the pair: two accounts are joined, one alone is not a pair."""
    plex, target = pair_title.split(" → ")
    dialog = screen.page.locator(DIALOG)
    await screen.picture("pair")
    await select(dialog, word("config.step.pair.data.source"), plex)
    await select(dialog, word("config.step.pair.data.target"), plex)
    await submit(dialog)
    await expect(dialog).to_contain_text(word("config.error.same_account"))
    await screen.picture("pair-one-account")
    await select(dialog, word("config.step.pair.data.target"), target)
    for feature in ("watchlist", "history", "ratings", "progress"):
        await tick(dialog, word(f"selector.feature.options.{feature}"))
    await screen.picture("pair-filled-in")
    await submit(dialog)
    await expect(dialog).to_contain_text(re.compile("finish", re.IGNORECASE), timeout=SLOW)
    await screen.picture("pair-done")
    await finish(dialog)


async def test_pages(lab: Lab, screen: Screen, pair_title: str) -> None:
    """The pages about what was set up, for people to look at."""
    page, base = screen.page, lab.homeassistant.url
    pair = await find_pair(lab.client, pair_title)
    await page.goto(f"{base}/config/integrations/integration/crosswatch")
    await expect(page.get_by_text(pair_title).first).to_be_visible(timeout=SLOW)
    await screen.picture("integration")
    dialog = page.locator(DIALOG)
    plex, target = pair_title.split(" → ")
    for title, name in ((plex, "plex"), (target, "publicmetadb"), (pair_title, "pair")):
        entry = entry_row(page, title)
        await entry.get_by_role("button", name="Configure").click()
        control = dialog.locator("ha-selector").first.locator("input, ha-switch, ha-picker-field")
        await control.first.wait_for(timeout=SLOW)
        await screen.picture(f"{name}-options")
        if name == "pair":
            await next_page(dialog)
            await expect_title(dialog, word("options.step.pair_rules.title"))
            await screen.picture("pair-rules")
        await submit(dialog)
        await expect(dialog).to_contain_text("Success", timeout=SLOW)
        await finish(dialog)
    await page.goto(f"{base}/config/devices/device/{pair.device_id}")
    await expect(page.get_by_text(word("entity.button.sync_now.name")).first).to_be_visible(timeout=SLOW)
    await screen.picture("device")


async def test_changed_options(lab: Lab, screen: Screen, pair_title: str) -> None:
    """What is changed in the options is there when they are opened again."""
    page = screen.page
    await page.goto(f"{lab.homeassistant.url}/config/integrations/integration/crosswatch")
    dialog = page.locator(DIALOG)
    interval = dialog.locator("ha-selector-number input")
    for before, after in (("60", "90"), ("90", "60")):
        await entry_row(page, pair_title).get_by_role("button", name="Configure").click(timeout=SLOW)
        await expect(interval).to_have_value(before, timeout=SLOW)
        await interval.fill(after)
        await next_page(dialog)
        await expect_title(dialog, word("options.step.pair_rules.title"))
        await submit(dialog)
        await expect(dialog).to_contain_text("Success", timeout=SLOW)
        await finish(dialog)


async def test_reconfigured_pair(lab: Lab, screen: Screen, pair_title: str) -> None:
    """The direction of a pair is turned into both ways and back; its title follows."""
    page = screen.page
    await page.goto(f"{lab.homeassistant.url}/config/integrations/integration/crosswatch")
    dialog = page.locator(DIALOG)
    both_ways = pair_title.replace("→", "↔")
    turns = ((pair_title, "two_way", both_ways), (both_ways, "one_way", pair_title))
    for before, direction, after in turns:
        choice = page.locator("ha-dropdown-item[value=reconfigure]")
        menu = entry_row(page, before).locator("ha-dropdown").filter(has=choice)
        await menu.locator("ha-icon-button").click(timeout=SLOW)
        await menu.locator(choice).click()
        await expect_title(dialog, word("config.step.pair_reconfigure.title"))
        await dialog.get_by_text(word(f"selector.direction.options.{direction}"), exact=True).click()
        await screen.picture(f"reconfigure-{direction}")
        await submit(dialog)
        await expect(dialog).to_contain_text("successful", timeout=SLOW)
        await dialog.get_by_role("button", name="Close").last.click()
        await expect(dialog.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
        await expect(entry_row(page, after)).to_be_visible(timeout=SLOW)


async def expect_row(
    screen: Screen, sensor: str, text: str | re.Pattern[str], patience: float = 5000
) -> None:
    """Wait until a sensor's row of the card says something."""
    name = screen.page.get_by_text(word(f"entity.sensor.{sensor}.name"), exact=True)
    row = screen.page.locator("hui-generic-entity-row").filter(has=name)
    await expect(row).to_contain_text(text, timeout=patience)


async def expect_status(screen: Screen, *statuses: str, patience: float = 5000) -> None:
    """Wait for one of these statuses."""
    texts = (re.escape(word(f"entity.sensor.status.state.{status}")) for status in statuses)
    await expect_row(screen, "status", re.compile("|".join(texts)), patience)


async def press_sync_now(screen: Screen) -> None:
    """Press the button on the dashboard."""
    await screen.page.get_by_role("button", name=word("entity.button.sync_now.name")).first.click()


async def test_sync_now(lab: Lab, screen: Screen, pair_title: str) -> None:
    """The button starts a run, the dashboard shows it going and its result."""
    await create_dashboard(lab.client, await find_pair(lab.client, pair_title))
    await screen.page.goto(f"{lab.homeassistant.url}/{DASHBOARD}/sync")
    await expect_status(screen, "never_run", patience=SLOW)
    await expect(screen.page.locator(CARD)).to_contain_text(card_word("features.never"), timeout=SLOW)
    await screen.picture("dashboard-before")
    await press_sync_now(screen)
    await expect_status(screen, "running")
    await expect_row(screen, "progress", re.compile(r"[1-9]\d+ ?%"), A_RUN)
    await screen.picture("dashboard-running")
    card = screen.page.locator(CARD)
    await expect(card).to_contain_text(re.compile("about .* left"), timeout=SLOW)
    await screen.portrait("card-running", card)
    await expect_status(screen, *DONE, patience=A_RUN)
    contents = await read_contents(lab.simulators)
    assert contents.doubles == []
    assert len(contents.items) > 0
    assert len(contents.plays) > 0
    assert len(contents.positions) > 0
    # nobody's ratings can be listed
    sent = await lab.simulators.requests()
    rated = [one for one in sent if one.method == "POST" and one.path.endswith("ratings")]
    assert rated
    await expect_row(screen, "added", f"{len(contents) + len(rated)} ")
    await screen.picture("dashboard-after")


async def test_sync_again(lab: Lab, screen: Screen, pair_title: str) -> None:
    """A film is watched and a title put on the watchlist: the next run brings these two."""
    before = await read_contents(lab.simulators)
    await lab.simulators.control("POST", "plays", {})
    await lab.simulators.control("POST", "watchlist", {"action": "add"})
    await press_sync_now(screen)
    await expect_row(screen, "added", "2 ", A_RUN)
    await expect_status(screen, *DONE, patience=A_RUN)
    after = await read_contents(lab.simulators)
    assert len(after.items) == len(before.items) + 1
    assert len(after.plays) == len(before.plays) + 1
    assert after.doubles == []
    pair = await find_pair(lab.client, pair_title)
    assert await state_of(lab.client, pair, "status") in DONE
    await screen.picture("dashboard-again")
    await screen.portrait("card", screen.page.locator(CARD))
    await screen.page.emulate_media(color_scheme="dark")
    await screen.page.set_viewport_size({"width": 390, "height": 844})
    await screen.picture("dashboard-dark-phone")


async def test_held(lab: Lab, screen: Screen) -> None:
    """Somebody empties the list at the other service: the plan waits for a person."""
    await screen.page.emulate_media(color_scheme="light")
    await screen.page.set_viewport_size({"width": 1280, "height": 900})
    await empty_lists(lab.simulators)
    await press_sync_now(screen)
    await expect_status(screen, "held", patience=A_RUN)
    await screen.portrait("card-held", screen.page.locator(CARD))


async def test_browser(screen: Screen, artefacts: Path) -> None:
    """The pages asked for nothing from elsewhere and complained about nothing."""
    (artefacts / "browser.log").write_text("\n".join(screen.problems), encoding="utf-8")
    assert screen.foreign == []
    assert screen.problems == []


async def test_diagnostics(lab: Lab) -> None:
    """The files that people attach to bug reports tell no secrets."""
    secrets = secrets_of(lab.homeassistant.config, lab)
    async with lab.client.websocket() as websocket:
        entries = await websocket.call("config_entries/get", domain=DOMAIN)
    assert len(entries) == 3
    for entry in entries:
        told = await lab.client.get(f"/api/diagnostics/config_entry/{entry['entry_id']}")
        text = json.dumps(told["data"], ensure_ascii=False)
        assert [secret for secret in secrets if secret in text] == []


async def test_logs(lab: Lab) -> None:
    """All of it left a clean log that tells no secrets, and no secret in an address."""
    assert (await lab.client.get("/api/config"))["debug"] is True
    secrets = secrets_of(lab.homeassistant.config, lab, WRONG_KEY)
    await lab.homeassistant.stop()
    log = lab.homeassistant.log
    assert any(logger.startswith(OURS) and level == "DEBUG" for level, logger, _text in records(log))
    assert log_problems(log) == []
    assert leaks(log, secrets) == []
    assert await leaking_requests(lab, secrets) == []
