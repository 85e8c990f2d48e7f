"""An account is signed out: Home Assistant asks for attention, and goes on once it was given."""

from pathlib import Path

from playwright.async_api import Locator, expect
import pytest

from e2e.card import Card
from e2e.checks import leaking_requests, leaks, log_problems, secrets_of
from e2e.conftest import PASSWORD, USER
from e2e.dialogs import DIALOG, SLOW, expect_error, expect_title, fill, log_in, submit
from e2e.screen import Screen
from e2e.words import card_word, word
from lab import flows
from lab.lab import Lab
from lab.pairs import DASHBOARD, Pair, create_dashboard, find_pair, sync

WRONG_KEY = "pmdb_not_the_key_of_anybody"
NEW_KEY = "pmdb_the_new_key_of_robin"
A_RUN = 30_000
"""Milliseconds that a run with nothing much to do may take on a busy machine."""


@pytest.fixture(scope="module")
async def pair(lab: Lab) -> Pair:
    """A pair in step."""
    addresses = lab.simulators.addresses
    source = await flows.add_plex(lab.client, lab.simulators, addresses.pin_user)
    target = await flows.add_publicmetadb(lab.client, addresses.api_key, addresses.publicmetadb)
    pair = await find_pair(lab.client, await flows.add_pair(lab.client, source, target, ["watchlist"]))
    await sync(lab.client, pair)
    return pair


@pytest.fixture(scope="module")
async def card(lab: Lab, screen: Screen, pair: Pair) -> Card:
    """Its card."""
    await log_in(screen.page, lab.homeassistant.url, USER, PASSWORD)
    await create_dashboard(lab.client, pair)
    return Card(screen.page)


async def signed_out(lab: Lab, screen: Screen, card: Card, account: str) -> Locator:
    """Let a run find the account signed out, follow the card's link, and open what needs attention."""
    page = screen.page
    await page.goto(f"{lab.homeassistant.url}/{DASHBOARD}/sync")
    await card.button("buttons.sync").click(timeout=SLOW)
    await card.expect_text(card_word("account.sign_in", account=account))
    await card.expect_text(word("entity.sensor.status.state.auth_failed"))
    await expect(card.button("buttons.sync")).to_be_disabled()
    await screen.picture("signed-out", card.root)
    await card.root.get_by_role("link", name=card_word("account.open_integration")).click()
    await expect(page.get_by_text("Attention required")).to_be_visible(timeout=SLOW)
    await screen.picture("attention")
    await page.get_by_role("button", name="Reconfigure").click()
    dialog = page.locator(DIALOG)
    await expect(dialog).to_contain_text(account, timeout=SLOW)
    return dialog


async def changed_at(lab: Lab, account: str) -> float:
    """When anything about an account was last changed, as Home Assistant tells it."""
    async with lab.client.websocket() as websocket:
        entries = await websocket.call("config_entries/get", domain=flows.DOMAIN)
    (at,) = (entry["modified_at"] for entry in entries if entry["title"] == account)
    return float(at)


async def goes_on(lab: Lab, screen: Screen, card: Card, dialog: Locator) -> None:
    """Close the dialog: nothing needs attention any more, and the pair runs and brings what is new."""
    page = screen.page
    await expect(dialog).to_contain_text("successful", timeout=SLOW)
    await screen.picture("signed-in")
    await dialog.get_by_role("button", name="Close").last.click()
    # what the dialog does to the history of the browser would stop the way to another page
    await expect(dialog.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
    await expect(page.get_by_text("Attention required")).to_have_count(0, timeout=SLOW)
    await page.goto(f"{lab.homeassistant.url}/{DASHBOARD}/sync")
    await card.expect_text(card_word("header.next_run", when=card_word("time.soon")))
    await lab.simulators.control("POST", "watchlist", {"action": "add"})
    await card.button("buttons.sync").click()
    await card.expect_text(card_word("features.added", n=1), A_RUN)
    await card.expect_text(word("entity.sensor.status.state.ok"))


async def test_key(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """A key was replaced at PublicMetaDB: a wrong one is refused and changes nothing, the new one works."""
    _source, account = pair.title.split(" → ")
    await lab.simulators.change_key(NEW_KEY)
    dialog = await signed_out(lab, screen, card, account)
    before = await changed_at(lab, account)
    await expect_title(dialog, word("config.step.publicmetadb_key.title"))
    await fill(dialog, 0, WRONG_KEY)
    await submit(dialog)
    await expect_error(dialog, word("config.error.invalid_key"))
    await screen.picture("wrong-key")
    assert await changed_at(lab, account) == before
    await fill(dialog, 0, NEW_KEY)
    await submit(dialog)
    await goes_on(lab, screen, card, dialog)


async def test_link(lab: Lab, screen: Screen, pair: Pair, card: Card) -> None:
    """Plex has signed the user out: somebody else is refused and changes nothing, the same user works."""
    account, _target = pair.title.split(" → ")
    (friend,) = (one["name"] for one in lab.simulators.told["users"] if one["role"] == "friend")
    await lab.simulators.revoke(lab.simulators.addresses.pin_user)
    dialog = await signed_out(lab, screen, card, account)
    before = await changed_at(lab, account)
    await expect_title(dialog, word("config.step.plex_confirm.title"))
    await submit(dialog)
    await sign_in(screen, dialog, friend)
    await expect_title(dialog, word("config.step.plex_trouble.title"))
    await expect_error(dialog, word("config.error.wrong_account"))
    await screen.picture("wrong-account")
    assert await changed_at(lab, account) == before
    await submit(dialog)
    await sign_in(screen, dialog, lab.simulators.addresses.owner)
    await goes_on(lab, screen, card, dialog)


async def sign_in(screen: Screen, dialog: Locator, user: str) -> None:
    """Follow the link and sign in on the page behind it."""
    async with screen.context.expect_page() as opening:
        await dialog.locator("a[href*='/auth']").click(timeout=SLOW)
    page = await opening.value
    await page.get_by_label(user).check()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_role("status")).to_contain_text("signed in")
    await page.close()


async def test_browser(screen: Screen, artefacts: Path) -> None:
    """The pages asked for nothing from elsewhere and complained about nothing."""
    (artefacts / "browser.log").write_text("\n".join(screen.problems), encoding="utf-8")
    assert screen.foreign == []
    assert screen.problems == []


async def test_logs(lab: Lab) -> None:
    """What was refused is told without the secrets that were refused."""
    secrets = secrets_of(lab.homeassistant.config, lab, WRONG_KEY, NEW_KEY)
    await lab.homeassistant.stop()
    assert log_problems(lab.homeassistant.log) == []
    assert leaks(lab.homeassistant.log, secrets) == []
    assert await leaking_requests(lab, secrets) == []
