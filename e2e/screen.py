"""A browser that talks to the lab and to nothing else, and keeps pictures of what it shows."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count
import os
from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext, ConsoleMessage, Locator, Page, Route, async_playwright

ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
]
TALL: Final = 1600
"""Pixels of a window that any card fits into."""
TELL_REJECTIONS: Final = """window.addEventListener("unhandledrejection", ({ reason }) => {
  if (!(reason instanceof Error)) console.error(`unhandled rejection: ${JSON.stringify(reason)}`);
});"""
"""Tells what is in a rejection that is no error: the browser itself says `Object`."""
HARMLESS: Final = (
    "pageerror: Object",  # told in full by the above
    "/api/brands/",  # icons of integrations that only the net has
    "disconnected",  # requests under way on a page that is left
    "unknown subscription",  # the same for events
    "//demo.home-assistant.io/stub_config/",  # pictures in Home Assistant's own cards to choose from
    '{"code":"unknown_command"',  # such cards of integrations that are not there
)
"""Parts of complaints that are nobody's fault here."""


class Screen:
    """A window of the browser, and what went wrong in it."""

    def __init__(self, context: BrowserContext, page: Page, pictures: Path, allowed: Iterable[str]) -> None:
        """Watch a page."""
        self.context = context
        self.page = page
        self.problems: list[str] = []
        self.foreign: list[str] = []
        self._allowed = (*allowed, "data:", "blob:")
        self._pictures = pictures
        self._numbers = count(1)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._note(f"pageerror: {error.message}"))

    async def picture(self, name: str, of: Page | Locator | None = None) -> None:
        """Keep a picture of a page or a part of it; numbered in the order in which they are made."""
        path = self._pictures / f"{next(self._numbers):02}-{name}.png"
        await (of or self.page).screenshot(path=path, animations="disabled", scale="css")

    async def portrait(self, name: str, of: Locator) -> None:
        """Keep a picture of a part of the page for the documents, in full resolution."""
        size = self.page.viewport_size
        if size is None:
            raise ValueError("the window has no size")
        # what does not fit into the window would be under the bar at its top
        await self.page.set_viewport_size({**size, "height": TALL})
        await of.screenshot(path=self._pictures / f"{name}.png", animations="disabled", scale="device")
        await self.page.set_viewport_size(size)

    async def only_lab(self, route: Route) -> None:
        """Let requests through that stay here."""
        if route.request.url.startswith(self._allowed):
            await route.continue_()
        else:
            if not any(part in route.request.url for part in HARMLESS):
                self.foreign.append(route.request.url)
            await route.abort()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self._note(f"{message.type}: {message.text[:300]} ({where})")

    def _note(self, problem: str) -> None:
        if not any(part in problem for part in HARMLESS):
            self.problems.append(problem)


@asynccontextmanager
async def opened_screen(pictures: Path, allowed: Iterable[str]) -> AsyncIterator[Screen]:
    """Start the browser; `allowed` are the addresses it may ask."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            headless=True,
            args=ARGUMENTS,
        )
        context = await browser.new_context(
            viewport={"width": 1280, "height": 900},
            device_scale_factor=2,
            locale="en-GB",
            service_workers="block",
        )
        screen = Screen(context, await context.new_page(), pictures, allowed)
        await context.add_init_script(TELL_REJECTIONS)
        await context.route("**/*", screen.only_lab)
        yield screen
        await browser.close()
