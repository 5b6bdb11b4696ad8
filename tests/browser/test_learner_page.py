"""The learner's page in a browser: an award is claimed, a consent given and taken back, in two languages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from urllib.parse import unquote

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from countersign.kit.db import Database
from countersign.learners import texts
from countersign.learners.rules import Purpose
from tests.accounts.support import Person, person
from tests.awards.claiming import ANSWER, issued, link_to
from tests.awards.support import campus
from tests.browser.conftest import Window
from tests.live.house import House, house

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("db")]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@asynccontextmanager
async def waiting(dsn: str, data: Path) -> AsyncIterator[tuple[House, str, Person]]:
    """A server, the link to an award, and somebody signed in for whom it waits."""
    async with house(dsn, data) as here:
        async with here.db.writer() as tx:
            school = await campus(tx, here.make, "claimed-in-a-browser")
            link = await link_to(tx, school, await issued(tx, school))
            who = await person(tx)
        yield here, link, who


@asynccontextmanager
async def opened(browser: Browser, here: House, who: Person | None) -> AsyncIterator[Window]:
    """A window, signed in or not; at the end nothing must have gone wrong in it."""
    origin = f"http://localhost:{here.port}"
    context = await browser.new_context(viewport={"width": 1000, "height": 900}, locale="en-GB")
    if who is not None:
        await context.add_cookies([{"name": "cs", "value": who.opened.cookie, "url": origin}])
    window = Window(await context.new_page(), origin)
    yield window
    await context.close()
    window.check()


async def consents(db: Database) -> list[tuple[object, ...]]:
    async with db.fresh_reader() as reader:
        rows = await reader.fetch(
            "select purpose, text_version, language, withdrawn_at is null as stands from consents order by id"
        )
        return [tuple(row) for row in rows]


async def test_an_award_is_claimed_and_a_consent_given_and_taken_back(
    browser: Browser, database_dsn: str, tmp_path: Path
) -> None:
    async with waiting(database_dsn, tmp_path) as (here, link, who), opened(browser, here, who) as window:
        page = window.page
        await page.goto(f"http://localhost:{here.port}/claim#{link}")
        await expect(page.locator("#link")).to_have_value(link)
        assert "#" not in page.url
        await page.fill("#answer", "somebody else")
        await page.get_by_role("button", name="Claim").click()
        await expect(page.locator("#said")).to_contain_text("opens no award")
        await page.fill("#answer", ANSWER)
        await page.get_by_role("button", name="Claim").click()
        await expect(page.locator("#said")).to_contain_text("The award is yours")
        await expect(page.locator("#award-list li")).to_have_count(1)
        box = page.locator('[data-purpose="TALENT_SEARCH"]')
        await expect(box.locator("summary")).to_contain_text("not allowed")
        await box.locator("summary").click()
        await box.get_by_role("button").click()
        await expect(box.locator("summary")).to_have_text("To be found by recruiters: allowed")
        version = texts.IN_FORCE[Purpose.TALENT_SEARCH]
        assert await consents(here.db) == [("talent_search", version, "en", True)]
        receipt = await page.locator("#history a").get_attribute("href")
        assert receipt is not None
        assert json.loads(unquote(receipt.partition(",")[2]))["text"]["version"] == version
        await page.get_by_role("button", name="Русский").click()
        await expect(box.locator("summary")).to_contain_text("разрешено")
        await box.locator("summary").click()
        await box.get_by_role("button", name="Отозвать").click()
        await expect(box.locator("summary")).to_contain_text("не разрешено")
        assert await consents(here.db) == [("talent_search", version, "en", False)]


async def test_the_page_is_for_everybody_signed_in_or_not(browser: Browser, database_dsn: str, tmp_path: Path) -> None:
    async with waiting(database_dsn, tmp_path) as (here, link, who):
        for visitor, language in product((None, who), ("en", "ru")):
            async with opened(browser, here, visitor) as window:
                page = window.page
                await page.set_viewport_size({"width": 320, "height": 640})
                await page.goto(f"http://localhost:{here.port}/claim?lang={language}#{link}")
                await expect(page.locator("#door" if visitor is None else "#claim")).to_be_visible()
                await expect(page.locator("html")).to_have_attribute("lang", language)
                assert await page.evaluate("document.documentElement.scrollWidth") <= 320
                results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
                assert results.violations_count == 0, results.generate_report()
