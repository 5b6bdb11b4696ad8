"""Signed in on the page at `/`: who one is, for whom one may act, and out again."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Window
from tests.cli.running import verb
from tests.serving import Demo

pytestmark = pytest.mark.browser


async def test_a_one_time_link_signs_in_and_the_page_signs_out(window: Window, demo: Demo) -> None:
    port = demo.url.rstrip("/").rpartition(":")[2]
    made = verb("sign-in", "reviewer", "--data", str(demo.data), "--port", port)
    assert made.returncode == 0, made.stderr
    school = verb("sign-in", "school", "--data", str(demo.data), "--port", port)  # as the demo calls it
    assert (school.returncode, school.stderr.count("school of strelsau")) == (0, 1), school.stderr
    page = window.page
    await page.goto(made.stdout.strip())
    await expect(page.locator("#account-state")).to_contain_text("You are signed in with a one-time link.")
    await expect(page.locator("#account-places > li")).to_contain_text(["reviewer"])
    await page.get_by_role("button", name="Русский").click()
    await expect(page.locator("#account-state")).to_contain_text("Вы вошли через одноразовую ссылку.")
    await page.locator("#sign-out").click()
    await expect(page.locator("#account")).to_be_hidden()
    assert not [cookie for cookie in await page.context.cookies() if cookie.get("name") == "cs"]
