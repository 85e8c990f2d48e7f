"""The dashboard card as a person, a keyboard and a screen reader meet it."""

import re
from typing import Any, Final

from playwright.async_api import Locator, Page, expect

from e2e.dialogs import SLOW
from e2e.words import card_word
from lab.client import Client
from lab.pairs import CARD, DASHBOARD

OVERFLOWING: Final = """card => {
  const limit = card.getBoundingClientRect().right + 1;
  return [...card.shadowRoot.querySelectorAll("*")]
    .filter((one) => !one.closest(".sr, dialog") && one.getBoundingClientRect().right > limit)
    .map((one) => `${one.tagName}.${one.className}`);
}"""
"""Parts of a card that stick out of it."""
UNLABELLED: Final = """card => [...card.shadowRoot.querySelectorAll("button, a, input")]
  .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
  .map((one) => one.outerHTML)"""
"""Controls that a screen reader can't name."""


class Card:
    """The card on the page."""

    def __init__(self, page: Page) -> None:
        """There is one card of ours on the page."""
        self.page = page
        self.root = page.locator(CARD)

    @property
    def dialog(self) -> Locator:
        """The window that the card has opened."""
        return self.root.get_by_role("dialog")

    @property
    def bar(self) -> Locator:
        """The progress bar."""
        return self.root.get_by_role("progressbar")

    def button(self, key: str, **values: str | int) -> Locator:
        """A button by the key of its text."""
        return self.root.get_by_role("button", name=card_word(key, **values), exact=True)

    async def expect_text(self, text: str | re.Pattern[str], patience: float = SLOW) -> None:
        """Wait for a text."""
        await expect(self.root).to_contain_text(text, timeout=patience)

    async def expect_no_text(self, text: str) -> None:
        """Wait until a text is gone."""
        await expect(self.root).not_to_contain_text(text, timeout=SLOW)

    async def expand(self, text: str) -> None:
        """Open one of the parts that can be opened."""
        details = self.root.locator("details").filter(has=self.page.locator("summary", has_text=text)).first
        if await details.get_attribute("open") is None:
            await details.locator("summary").click()
        await expect(details).to_have_attribute("open", "")

    async def percent(self) -> int | None:
        """How far the run is; None: nothing runs."""
        value: str | None = await self.root.evaluate(
            "card => card.shadowRoot.querySelector('[role=progressbar]')?.ariaValueNow"
        )
        return None if value is None else int(value or 0)

    async def overflowing(self) -> list[str]:
        """Parts that stick out of the card."""
        found: list[str] = await self.root.evaluate(OVERFLOWING)
        return found

    async def unlabelled(self) -> list[str]:
        """Controls without a name."""
        found: list[str] = await self.root.evaluate(UNLABELLED)
        return found


async def active_text(page: Page) -> str:
    """The name of what has the focus, wherever it is."""
    text: str = await page.evaluate(
        """() => {
          let one = document.activeElement;
          while (one && one.shadowRoot && one.shadowRoot.activeElement) one = one.shadowRoot.activeElement;
          return one ? one.ariaLabel || one.textContent.trim() : "";
        }"""
    )
    return text


async def open_picker(page: Page, base: str) -> Locator:
    """Edit the dashboard and choose to add a card to it; return the dialog."""
    await page.goto(f"{base}/{DASHBOARD}/sync?edit=1")
    await page.locator("hui-grid-section .add, hui-section .add").first.click(timeout=SLOW)
    return page.locator("hui-dialog-create-card")


async def cards_of_dashboard(client: Client) -> list[dict[str, Any]]:
    """The cards of the dashboard's first section, as they are stored."""
    async with client.websocket() as websocket:
        config = await websocket.call("lovelace/config", url_path=DASHBOARD)
    found: list[dict[str, Any]] = config["views"][0]["sections"][0]["cards"]
    return found
