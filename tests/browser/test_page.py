"""The page at `/`: what it says comes from the API, in two languages, at any width, for everybody."""

import re
import secrets
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.serving import Demo

pytestmark = pytest.mark.browser

COUNTS = """
query {
  credentialSpecs(first: 1, filter: { state: PUBLISHED }) { totalCount }
  endorsements(first: 1, filter: { live: true }) { totalCount }
  stack(by: { handle: "product-analyst" }) { id title }
}
"""
VERSION = 'query { specVersion(by: { at: { slug: "demand-forecasting", semver: "1.0.0" } }) { id digest } }'
ENDORSE = """
mutation($input: EndorseSpecInput!) {
  endorseSpec(input: $input) { endorsement { id state } errors { __typename ... on UserError { message } } }
}
"""
REVOKE = """
mutation($input: RevokeEndorsementInput!) {
  revokeEndorsement(input: $input) { errors { __typename ... on UserError { message } } }
}
"""
FOUND = "query($stack: ID!) { searchCandidates(first: 1, stack: $stack) { totalCount } }"


def told(count: int | None) -> str:
    """A count of people as the page shows it."""
    return "under 10" if count is None else f"{count}+"


async def test_the_numbers_are_the_api_s(window: Window, demo: Demo, pictures: Path | None) -> None:
    page = window.page
    await page.goto(demo.url)
    counts = demo.ask(COUNTS)
    found = demo.ask(FOUND, {"stack": counts["stack"]["id"]}, "recruiter")
    await expect(page.locator("#count-versions")).to_have_text(str(counts["credentialSpecs"]["totalCount"]))
    await expect(page.locator("#count-endorsements")).to_have_text(str(counts["endorsements"]["totalCount"]))
    await expect(page.locator("#count-graduates")).to_have_text(told(found["searchCandidates"]["totalCount"]))
    await expect(page.locator("#stack")).to_have_text(counts["stack"]["title"])
    await expect(page.locator("#block-list > li")).to_have_count(counts["credentialSpecs"]["totalCount"])
    if pictures is not None:
        await page.screenshot(path=pictures / "page.png")


async def test_every_role_has_its_link_and_its_organization(window: Window, demo: Demo) -> None:
    await window.page.goto(demo.url)
    for role, given in demo.said["tokens"].items():
        link = window.page.locator(f'a[href="/demo/{role}"]')
        await expect(link).to_be_visible()
        await expect(link).to_contain_text(given["organization"] or "")


async def test_a_click_signs_in_where_the_browser_does_not_say_from_where_it_comes(window: Window, demo: Demo) -> None:
    page, asked = window.page, list[str]()
    page.on("request", lambda request: asked.append(request.url))
    await page.route("**/graphql?*", lambda route: route.fulfill(body="", content_type="text/html"))
    await page.goto(demo.url)
    await page.locator('a[href="/demo/recruiter"]').click()
    token = demo.said["tokens"]["recruiter"]["token"]
    await page.wait_for_url(f"{demo.url.rstrip('/')}/graphql?role=recruiter#token={token}")
    assert not [url for url in asked if url.endswith("/demo/recruiter")]


async def test_the_numbers_follow_what_changes(window: Window, demo: Demo) -> None:
    page = window.page
    await page.goto(demo.url)
    await _filled(window)
    shown = page.locator("#count-endorsements")
    before = int(await shown.inner_text())
    version = demo.ask(VERSION)["specVersion"]
    given = {
        "specVersionId": version["id"],
        "expectedDigest": version["digest"],
        "statement": "We read it line by line.",
        "evidence": [],
        "idempotencyKey": secrets.token_hex(8),
    }
    answer = demo.ask(ENDORSE, {"input": given}, "reviewer")["endorseSpec"]
    assert answer["errors"] == []
    try:
        await expect(shown).to_have_text(str(before + 1))
    finally:
        taken_back = {
            "endorsementId": answer["endorsement"]["id"],
            "reason": "It was given to see the page follow.",
            "idempotencyKey": secrets.token_hex(8),
        }
        assert demo.ask(REVOKE, {"input": taken_back}, "reviewer")["revokeEndorsement"]["errors"] == []
    await expect(shown).to_have_text(str(before))


async def _filled(window: Window) -> bool:
    await expect(window.page.locator("#count-endorsements")).to_have_text(re.compile(r"^\d+$"))
    return True


async def test_russian_is_one_click_away_and_kept(window: Window, demo: Demo) -> None:
    page = window.page
    await page.goto(demo.url)
    await page.get_by_role("button", name="Русский").click()
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    await expect(page.locator("h1")).to_contain_text("Работодатели подписывают")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("lang", "ru")
    await expect(page.get_by_role("button", name="Русский")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("language", ["en", "ru"])
async def test_nothing_scrolls_sideways_on_a_narrow_screen(window: Window, demo: Demo, language: str) -> None:
    page = window.page
    await page.set_viewport_size({"width": 320, "height": 640})
    await page.goto(f"{demo.url}?lang={language}")
    await _filled(window)
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(window: Window, demo: Demo, language: str, scheme: str) -> None:
    page = window.page
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(f"{demo.url}?lang={language}")
    await _filled(window)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    results = await Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
    assert results.violations_count == 0, results.generate_report()


async def test_the_page_can_be_used_by_keyboard(window: Window, demo: Demo) -> None:
    page = window.page
    await page.goto(demo.url)
    await _filled(window)
    reached = []
    for _ in range(12):
        await page.keyboard.press("Tab")
        reached.append(
            await page.evaluate("document.activeElement.getAttribute('href') ?? document.activeElement.lang")
        )
    for target in ("/demo/recruiter", "/demo/school", "/demo/reviewer", "/demo/learner", "ru"):
        assert target in reached
