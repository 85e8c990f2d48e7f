"""Home Assistant's pages as a person uses them."""

import re
from typing import Final

from playwright.async_api import Locator, Page, expect

from e2e.words import word

DIALOG: Final = "dialog-data-entry-flow"
SLOW: Final = 20_000
"""Milliseconds that a busy machine may need for the next page."""


async def log_in(page: Page, base: str, user: str, password: str) -> None:
    """Fill in the login form."""
    await page.goto(base, wait_until="domcontentloaded")
    await page.locator("input[name=username]").fill(user)
    await page.locator("input[name=password]").fill(password)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("link", name=re.compile("Settings")).wait_for(timeout=SLOW)
    await expect(page.locator("#ha-launch-screen")).to_have_count(0, timeout=SLOW)


async def add_integration(page: Page, base: str) -> Locator:
    """Look CrossWatch up in the list of integrations and open its dialog; return it."""
    await page.goto(f"{base}/config/integrations/dashboard")
    await page.get_by_text("Add integration").first.click()
    search = "dialog-add-integration input, ha-dialog input, ha-adaptive-dialog input"
    await page.locator(search).first.fill("CrossWatch")
    await page.locator("ha-integration-list-item").get_by_text("CrossWatch").first.click()
    dialog = page.locator(DIALOG)
    await expect_title(dialog, word("config.step.user.title"))
    return dialog


def entry_row(page: Page, title: str) -> Locator:
    """The row of an account or a pair on the page of the integration."""
    return page.locator("ha-config-entry-row").filter(has=page.get_by_text(title, exact=True))


async def expect_title(dialog: Locator, title: str) -> None:
    """Wait for a page of a dialog."""
    await expect(dialog.locator(".dialog-title")).to_contain_text(title, timeout=SLOW)


async def choose(dialog: Locator, option: str) -> None:
    """Choose from a menu."""
    await dialog.get_by_text(option, exact=True).first.click()


async def fill(dialog: Locator, position: int, text: str) -> None:
    """Fill in a text field, counted from 0."""
    await dialog.locator("ha-form ha-selector").nth(position).locator("input").fill(text)


async def select(dialog: Locator, label: str, option: str) -> None:
    """Choose from a drop-down."""
    drop_down = dialog.locator("ha-select").filter(
        has=dialog.page.locator(f"ha-picker-field[aria-label='{label}']")
    )
    await drop_down.locator("ha-picker-field").click()
    await drop_down.locator("ha-dropdown-item").filter(has_text=option).click()
    await expect(drop_down.locator("ha-picker-field")).to_contain_text(option)


async def tick(dialog: Locator, option: str) -> None:
    """Tick a box, unless it is ticked already."""
    box = dialog.locator("ha-checkbox").filter(has_text=option)
    if not await box.locator("input").is_checked():
        await box.click()
    await expect(box.locator("input")).to_be_checked()


async def submit(dialog: Locator) -> None:
    """Send a form."""
    await dialog.get_by_role("button", name=re.compile("^submit$", re.IGNORECASE)).click()


async def next_page(dialog: Locator) -> None:
    """Send a form that is not the last one."""
    await dialog.get_by_role("button", name=re.compile("^next$", re.IGNORECASE)).click()


async def expect_error(dialog: Locator, text: str) -> None:
    """Wait for the error that a form shows."""
    await expect(dialog.locator("ha-form ha-alert").first).to_contain_text(text, timeout=SLOW)


async def finish(dialog: Locator) -> None:
    """Leave the last page of a dialog."""
    button = dialog.get_by_role("button", name=re.compile("skip and finish|^finish$", re.IGNORECASE))
    await button.click(timeout=SLOW)
    await expect(dialog.locator("ha-dialog")).to_have_count(0, timeout=SLOW)
