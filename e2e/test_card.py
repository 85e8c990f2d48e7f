"""The dashboard card: added, run, stopped, on a phone in the dark, without an account, without its pair."""

from collections.abc import AsyncIterator
from pathlib import Path
import re

from playwright.async_api import ViewportSize, expect
import pytest

from e2e.card import Card, active_text, cards_of_dashboard, open_picker
from e2e.checks import leaking_requests, leaks, log_problems, secrets_of
from e2e.conftest import PASSWORD, USER
from e2e.dialogs import DIALOG, SLOW, choose, log_in, tick
from e2e.screen import Screen
from e2e.words import card_word, word
from lab import flows
from lab.lab import Lab
from lab.pairs import DASHBOARD, Pair, find_pair, plan, save_dashboard
from lab.publicmetadb import empty_lists, read_contents

TITLE = "Evenings"
HOSTILE = "<img src=x onerror=\"window.hacked = true\"> 'n' <b>Bold</b>"
A_RUN = 90_000
"""Milliseconds that the first run may take at three writes a second."""
PHONE: ViewportSize = {"width": 320, "height": 1000}
DESK: ViewportSize = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
async def pair(lab: Lab) -> Pair:
    """A pair with watchlist and history that has never run; one title has a hostile name."""
    addresses = lab.simulators.addresses
    await lab.simulators.control("POST", "titles", {"title": HOSTILE, "ids": {"imdb": "tt0999999"}})
    source = await flows.add_plex(lab.client, lab.simulators, addresses.pin_user)
    target = await flows.add_publicmetadb(lab.client, addresses.api_key, addresses.publicmetadb)
    title = await flows.add_pair(lab.client, source, target, ["watchlist", "history"])
    return await find_pair(lab.client, title)


@pytest.fixture(scope="module")
async def card(screen: Screen) -> AsyncIterator[Card]:
    """The card on the dashboard. It never shows a title as anything but text."""
    yield Card(screen.page)
    assert await screen.page.evaluate("window.hacked") is None


def status(name: str) -> str:
    """A status in words."""
    return word(f"entity.sensor.status.state.{name}")


async def test_picker(lab: Lab, screen: Screen, pair: Pair) -> None:
    """The card is among those to choose from, and its editor opens with a pair to choose."""
    page = screen.page
    await log_in(page, lab.homeassistant.url, USER, PASSWORD)
    await save_dashboard(lab.client, [])
    async with lab.client.websocket() as websocket:
        empty = await websocket.call("lovelace/config", url_path=DASHBOARD)
    picker = await open_picker(page, lab.homeassistant.url)
    await picker.get_by_role("tab", name="By card").click(timeout=SLOW)
    await picker.locator("hui-card-picker input").first.fill("CrossWatch")
    tile = picker.locator("hui-card-picker .card").filter(has_text="CrossWatch").last
    await expect(tile.locator("crosswatch-card")).to_contain_text(status("never_run"), timeout=SLOW)
    await screen.picture("picker")
    await tile.click(force=True)
    editor = page.locator("hui-dialog-edit-card")
    choice = editor.locator("ha-device-picker, ha-selector-device").first
    await expect(choice).to_contain_text(card_word("editor.device_id.label"), timeout=SLOW)
    await expect(choice).to_contain_text(pair.title, timeout=SLOW)
    await expect(editor.locator("crosswatch-card")).to_contain_text(status("never_run"), timeout=SLOW)
    await editor.get_by_role("button", name="Save").click()
    await expect(editor.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
    assert await cards_of_dashboard(lab.client) == [
        {"type": "custom:crosswatch-card", "device_id": pair.device_id}
    ]
    async with lab.client.websocket() as websocket:
        await websocket.call("lovelace/config/save", url_path=DASHBOARD, config=empty)


async def test_add(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """Home Assistant suggests the card for an entity of the pair; its editor sets title and parts."""
    page = screen.page
    picker = await open_picker(page, lab.homeassistant.url)
    await picker.locator("input").first.fill(pair.title)
    await picker.get_by_text(word("entity.sensor.status.name"), exact=True).first.click()
    suggestion = picker.locator(".card", has=page.locator("crosswatch-card")).last
    await expect(suggestion).to_contain_text(status("never_run"), timeout=SLOW)
    await suggestion.scroll_into_view_if_needed()
    await screen.picture("suggested")
    await suggestion.click(force=True)
    await expect(picker.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
    await page.get_by_role("button", name="Edit card").first.click(force=True)
    editor = page.locator("hui-dialog-edit-card")
    await expect(editor).to_contain_text(pair.title, timeout=SLOW)
    await editor.get_by_role("textbox", name=card_word("editor.title.label")).fill(TITLE)
    await tick(editor, card_word("editor.parts.runs"))
    await expect(editor.locator("crosswatch-card")).to_contain_text(TITLE, timeout=SLOW)
    await screen.picture("editor")
    await screen.portrait("card-editor", page.locator("body"))
    await editor.get_by_role("button", name="Save").click()
    await expect(editor.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
    await page.goto(f"{lab.homeassistant.url}/{DASHBOARD}/sync")
    await card.expect_text(TITLE)
    assert await cards_of_dashboard(lab.client) == [
        {
            "type": "custom:crosswatch-card",
            "device_id": pair.device_id,
            "title": TITLE,
            "hide": ["runs"],
        }
    ]
    async with lab.client.websocket() as websocket:
        config = await websocket.call("lovelace/config", url_path=DASHBOARD)
        del config["views"][0]["sections"][0]["cards"][0]["hide"]
        await websocket.call("lovelace/config/save", url_path=DASHBOARD, config=config)


async def test_never_run(screen: Screen, pair: Pair, card: Card) -> None:
    """It says whose pair it is, and that nothing has run."""
    await screen.page.reload()
    await card.expect_text(card_word("empty.never_run"))
    source, target = pair.title.split(" → ")
    await card.expect_text(card_word("header.one_way", **{"from": source, "to": target}))
    await card.expect_text(card_word("features.never"))
    assert await card.unlabelled() == []
    await screen.picture("never-run")


async def test_preview(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """The keyboard alone starts a preview, reads it and closes it; nothing is written."""
    await card.button("buttons.preview").focus()
    await screen.page.keyboard.press("Enter")
    await expect(card.dialog).to_contain_text(card_word("preview.nothing_written"), timeout=SLOW)
    changes = await plan(lab.client, pair)
    await expect(card.dialog).to_contain_text(card_word("changes.add", n=len(changes)))
    await expect(card.dialog).to_contain_text(changes[0]["title"])
    await screen.picture("preview")
    await screen.page.keyboard.press("Escape")
    await expect(card.dialog).to_have_count(0)
    assert await active_text(screen.page) == card_word("buttons.preview")
    await card.expect_text(card_word("changes.add", n=len(changes)))
    assert len(await read_contents(lab.simulators)) == 0


async def test_stop(lab: Lab, screen: Screen, card: Card) -> None:
    """A run shows how far it is, and can be stopped."""
    await card.button("buttons.sync").click()
    await expect(card.bar).to_be_visible(timeout=SLOW)
    await expect(card.bar).to_have_attribute("aria-valuetext", re.compile(r" of \d+.*left"), timeout=SLOW)
    await screen.picture("running")
    await card.button("buttons.stop").click()
    await card.expect_text(status("cancelled"))
    await expect(card.bar).to_have_count(0)
    assert await active_text(screen.page) == card_word("buttons.sync")
    assert len(await read_contents(lab.simulators)) > 0


async def test_run(lab: Lab, screen: Screen, card: Card) -> None:
    """What the stopped run had under way is waited for; then the bar moves forward until the run is over."""
    await card.button("buttons.sync").click()
    await expect(card.bar).to_be_visible(timeout=SLOW)
    await card.expect_text(word("common.phase_settling"))
    await screen.picture("settling")
    await expect(card.bar).to_have_attribute("aria-valuetext", re.compile(r" of \d+.*left"), timeout=A_RUN)
    seen: list[int] = []
    while (percent := await card.percent()) is not None:
        seen.append(percent)
        await screen.page.wait_for_timeout(300)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3
    await card.expect_text(status("unresolved"), A_RUN)
    await card.expect_text(re.compile(r"\d+ added"))
    await card.expect_text(re.compile(card_word("header.next_run", when=r"in \d+ minutes")))
    await screen.picture("done")


async def test_run_again(lab: Lab, screen: Screen, card: Card) -> None:
    """A second run brings what is new, and stands beside the first one, for the ear too."""
    await lab.simulators.control("POST", "plays", {})
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("features.added", n=1), A_RUN)
    chart = card.root.get_by_role("img", name=card_word("runs.summary", n=3))
    await expect(chart).to_have_accessible_name(re.compile(f"{status('unresolved')}: 2"))
    await card.expand(card_word("runs.list"))
    await expect(card.root.locator(".runs .row")).to_have_count(3)
    await screen.picture("again")


async def test_unresolved(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """What can't be synced is there with its reason; a hostile title is text."""
    await card.expand("can't be synced")
    await card.expect_text(HOSTILE)
    assert await card.root.locator("img").count() == 0
    assert await card.unlabelled() == []
    await screen.picture("unresolved")


async def test_ignore(screen: Screen, card: Card) -> None:
    """What is ignored no longer counts, and can count again."""
    name = f"{HOSTILE} (2000)"
    await card.button("unresolved.ignore", name=name).click()
    await card.expect_text(card_word("unresolved.ignored", n=1))
    await card.expect_text(card_word("unresolved.title", n=2))
    await card.button("unresolved.unignore", name=name).click()
    await card.expect_text(card_word("unresolved.title", n=3))
    assert await card.unlabelled() == []


async def test_map(lab: Lab, screen: Screen, card: Card) -> None:
    """A title gets its TMDb number, and the next run writes it."""
    before = await read_contents(lab.simulators)
    await card.button("unresolved.map", name=f"{HOSTILE} (2000)").click()
    number = card.dialog.get_by_label(card_word("map.label"))
    await number.fill("six hundred")
    await card.dialog.get_by_role("button", name=card_word("map.confirm")).click()
    await expect(card.dialog).to_be_visible()
    await number.fill("603603")
    await screen.picture("map")
    await card.dialog.get_by_role("button", name=card_word("map.confirm")).click()
    await expect(card.dialog).to_have_count(0)
    await expect(screen.page.get_by_text(card_word("unresolved.mapped")).first).to_be_visible()
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("unresolved.title", n=2), A_RUN)
    after = await read_contents(lab.simulators)
    assert {row[2] for row in after.items} - {row[2] for row in before.items} == {603603}


async def test_held_and_approved(lab: Lab, screen: Screen, card: Card) -> None:
    """Somebody empties the list: the plan waits with its titles, and is carried out once it is approved."""
    removed = await empty_lists(lab.simulators)
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("held.title", feature=word("selector.feature.options.watchlist")), A_RUN)
    await card.expect_text(card_word("changes.add", n=removed))
    await card.button("held.all", n=removed).click()
    await expect(card.root.locator(".held .changes li")).to_have_count(removed)
    await screen.picture("held")
    await card.button("held.approve").click()
    await screen.picture("approve")
    await screen.page.keyboard.press("Escape")
    await expect(card.dialog).to_have_count(0)
    assert (await read_contents(lab.simulators)).items == []
    await card.button("held.approve").click()
    await card.dialog.get_by_role("button", name=card_word("approve.confirm")).click()
    await expect(card.root.locator(".held")).to_have_count(0, timeout=A_RUN)
    await expect(card.bar).to_have_count(0, timeout=A_RUN)
    await card.expect_text(status("unresolved"))
    contents = await read_contents(lab.simulators)
    assert len(contents.items) == removed
    assert contents.doubles == []


async def test_held_and_approved_in_repairs(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """The same can be approved among Home Assistant's repairs, where titles are text as well."""
    page = screen.page
    removed = await empty_lists(lab.simulators)
    await card.button("buttons.sync").click()
    await expect(card.root.locator(".held")).to_be_visible(timeout=A_RUN)
    dashboard = page.url
    await page.goto(f"{lab.homeassistant.url}/config/repairs")
    feature = word("selector.feature.options.watchlist")
    notice = word("issues.plan_held.title").format(pair=pair.title, feature=feature)
    await page.get_by_text(notice).first.click(timeout=SLOW)
    dialog = page.locator(DIALOG)
    steps = "issues.plan_held.fix_flow.step.init.menu_options"
    await expect(dialog).to_contain_text(word(f"{steps}.approve"), timeout=SLOW)
    await expect(dialog).to_contain_text(HOSTILE)
    assert await dialog.locator("ha-markdown img").count() == 0
    await screen.picture("repair")
    await choose(dialog, word(f"{steps}.approve"))
    await expect(page.get_by_text(notice)).to_have_count(0, timeout=SLOW)
    await page.goto(dashboard)
    await card.expect_text(status("unresolved"), A_RUN)
    assert len((await read_contents(lab.simulators)).items) == removed


async def test_held_and_rejected(lab: Lab, screen: Screen, card: Card) -> None:
    """A plan that is rejected is left alone by the next runs."""
    removed = await empty_lists(lab.simulators)
    await card.button("buttons.sync").click()
    await card.button("held.reject").click(timeout=A_RUN)
    await card.dialog.get_by_role("button", name=card_word("reject.confirm")).click()
    await expect(card.root.locator(".held")).to_have_count(0, timeout=SLOW)
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("features.nothing_new"), A_RUN)
    await expect(card.root.locator(".held")).to_have_count(0)
    assert (await read_contents(lab.simulators)).items == []
    assert removed > 0


async def test_undo_preview(lab: Lab, screen: Screen, card: Card) -> None:
    """Of a run whose titles somebody has taken away since, nothing is left to undo; that is told."""
    before = await read_contents(lab.simulators)
    await card.expand(card_word("runs.list"))
    run = card.root.locator(".runs .row").filter(has_text=card_word("features.added", n=11)).first
    await run.get_by_role("button", name=re.compile("Undo the run")).click()
    await expect(card.dialog).to_contain_text(card_word("undo.nothing"), timeout=SLOW)
    await expect(card.dialog).to_contain_text(card_word("undo.left", n=11))
    await expect(card.dialog).to_contain_text(word("common.rule_gone_since"))
    await expect(card.dialog.get_by_role("button", name=card_word("undo.confirm"), exact=True)).to_have_count(
        0
    )
    await screen.picture("undo-nothing")
    await card.dialog.get_by_role("button", name=card_word("dialog.close")).click()
    assert await read_contents(lab.simulators) == before


async def test_undo(lab: Lab, screen: Screen, card: Card) -> None:
    """The keyboard alone looks what undoing a run would do, does it, and reads how it went."""
    before = await read_contents(lab.simulators)
    page = screen.page
    runs = card.root.locator(".runs .row")
    run = runs.filter(has_text=re.compile(r"\b1 added")).last
    await run.get_by_role("button", name=re.compile("Undo the run")).focus()
    await page.keyboard.press("Enter")
    await expect(card.dialog).to_contain_text(card_word("changes.remove", n=1), timeout=SLOW)
    await expect(card.dialog).not_to_contain_text("tmdb:")
    assert await card.unlabelled() == []
    await screen.picture("undo")
    await screen.portrait("card-undo", card.dialog)
    await page.keyboard.press("Escape")
    await expect(card.dialog).to_have_count(0)
    assert (await active_text(page)).startswith("Undo the run")
    assert await read_contents(lab.simulators) == before
    await page.keyboard.press("Enter")
    confirm = card.dialog.get_by_role("button", name=card_word("undo.confirm"), exact=True)
    await confirm.focus(timeout=SLOW)
    await page.keyboard.press("Enter")
    await expect(card.dialog).to_contain_text("is undone", timeout=A_RUN)
    await expect(card.dialog).to_contain_text(card_word("features.removed", n=1))
    await screen.picture("undone")
    await page.keyboard.press("Escape")
    await expect(run).to_contain_text(word("common.undo_undone"))
    await expect(run.get_by_role("button")).to_have_count(0)
    await expect(runs.first).to_contain_text("Undo of the run of")
    after = await read_contents(lab.simulators)
    assert len(after) == len(before) - 1
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("features.nothing_new"), A_RUN)
    assert await read_contents(lab.simulators) == after


async def test_phone(screen: Screen, card: Card) -> None:
    """Nothing sticks out on the narrowest of phones, in the dark, with everything open."""
    page = screen.page
    await page.set_viewport_size(PHONE)
    await page.emulate_media(color_scheme="dark")
    await card.expand("can't be synced")
    await card.expand(card_word("runs.list"))
    await expect(page.locator("home-assistant")).to_be_visible()
    assert await card.overflowing() == []
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    await screen.picture("phone-dark")
    await card.root.get_by_role("button", name=re.compile("Undo the run")).first.click()
    await expect(card.dialog).to_be_visible(timeout=SLOW)
    assert await card.dialog.evaluate("window => window.scrollWidth <= window.clientWidth")
    await screen.picture("phone-undo")
    await page.keyboard.press("Escape")
    await page.set_viewport_size(DESK)
    await screen.picture("dark")
    await page.emulate_media(color_scheme="light")


async def test_account_removed(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """The card says what is missing and where to put it right; nothing can be started meanwhile."""
    await flows.remove(lab.client, pair.title.split(" → ")[1])
    await card.expect_text(card_word("account.missing"))
    await expect(card.button("buttons.sync")).to_be_disabled()
    await screen.picture("account-removed", card.root)
    await card.root.get_by_role("link", name=card_word("account.open_repairs")).click()
    await expect(screen.page).to_have_url(re.compile("/config/repairs"))
    await expect(screen.page.locator("ha-config-repairs")).to_contain_text(pair.title, timeout=SLOW)
    await screen.page.go_back()
    await card.expect_text(card_word("account.missing"))


async def test_pair_removed(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """The card stays and says what has become of its pair."""
    await flows.remove(lab.client, pair.title)
    await card.expect_text(card_word("empty.gone"))
    await screen.picture("pair-removed")


async def test_browser(screen: Screen, artefacts: Path) -> None:
    """The pages asked for nothing from elsewhere and complained about nothing."""
    (artefacts / "browser.log").write_text("\n".join(screen.problems), encoding="utf-8")
    assert screen.foreign == []
    assert screen.problems == []


async def test_logs(lab: Lab) -> None:
    """A clean log that tells no secrets, and no secret in an address."""
    secrets = secrets_of(lab.homeassistant.config, lab)
    await lab.homeassistant.stop()
    assert log_problems(lab.homeassistant.log) == []
    assert leaks(lab.homeassistant.log, secrets) == []
    assert await leaking_requests(lab, secrets) == []
