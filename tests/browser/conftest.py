"""A browser for the tests: Debian's chromium, which may ask nothing outside the demo's origin."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, async_playwright, expect

from countersign.demo import frontend
from tests.patience import WAIT
from tests.serving import ROOT, Demo

PICTURES = ROOT / "frontend_stub" / "pictures"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MILLISECONDS = 1_000 * WAIT
expect.set_options(timeout=MILLISECONDS)


def missing(what: str) -> None:
    """Skip with the reason; in CI fail."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser of the run."""
    if os.environ.get("COUNTERSIGN_NO_BROWSER"):
        pytest.skip("--no-browser was asked for")
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        missing("no chromium here: apt-get install chromium fonts-dejavu-core")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        await running.close()


@pytest.fixture(scope="session")
def graphiql() -> None:
    """GraphiQL, built when it is not fresh."""
    try:
        frontend.build(lambda _: None)
    except (frontend.BuildFailed, OSError) as failure:
        missing(f"GraphiQL cannot be built: {failure}")


class Window:
    """One window of the browser, with everything that it asked for and every error that it met."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self._origin = origin
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._origin, "data:", "blob:" + self._origin)):
            self.foreign.append(request.url)

    def check(self) -> None:
        """Nothing went wrong, and nothing left the origin."""
        assert self.errors == []
        assert self.foreign == []


@pytest_asyncio.fixture
async def window(browser: Browser, demo: Demo) -> AsyncIterator[Window]:
    """A fresh window; at the end of the test nothing must have gone wrong in it."""
    context = await browser.new_context(viewport={"width": 1360, "height": 900}, locale="en-GB")
    context.set_default_timeout(MILLISECONDS)
    opened = Window(await context.new_page(), demo.url.rstrip("/"))
    yield opened
    await context.close()
    opened.check()


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """Where the README's pictures go, when they are wanted."""
    if not request.config.getoption("--pictures"):
        return None
    PICTURES.mkdir(exist_ok=True)
    return PICTURES
