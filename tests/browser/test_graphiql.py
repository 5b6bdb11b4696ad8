"""GraphiQL at `/graphql`, from our own origin, signed in by one click."""

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Response, WebSocket, expect
from playwright.async_api import TimeoutError as TooLate

from tests.browser.conftest import Window
from tests.patience import WAIT
from tests.serving import Demo

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("graphiql")]

RUN = "button.graphiql-execute-button"
ANSWER = ".result-window .view-lines"
QUERY = ".graphiql-query-editor .view-lines"
TRIES = 60


async def run_the_open_tab(window: Window) -> dict[str, Any]:
    """Run the operation of the open tab; the answer's body.

    GraphiQL reads the document a moment after it is shown, and a click before that runs nothing or the last tab's
    operation: look at what is sent, and click again.
    """
    shown = window.page.locator(QUERY)
    await expect(shown).to_contain_text("{")
    name = _name(await shown.inner_text())
    for _ in range(TRIES):
        try:
            async with window.page.expect_response(_is_answer, timeout=2_000) as answered:
                await window.page.locator(RUN).click()
            response = await answered.value
        except TooLate:
            continue
        if f'"operationName":"{name}"' in (response.request.post_data or ""):
            body: dict[str, Any] = await response.json()
            return body
    raise AssertionError(f"{name} was never sent")


def _is_answer(response: Response) -> bool:
    asked = response.request
    return (
        asked.method == "POST"
        and asked.url.endswith("/graphql")
        and "IntrospectionQuery" not in (asked.post_data or "")
    )


def _name(document: str) -> str:
    found = re.search(r"(?:query|mutation)\s+(\w+)", document)
    assert found is not None, document
    return found[1]


async def test_the_recruiter_runs_the_query_that_is_open(window: Window, demo: Demo, pictures: Path | None) -> None:
    page = window.page
    await page.goto(demo.url)
    await page.locator('a[href="/demo/recruiter"]').click()
    await run_the_open_tab(window)
    await expect(page.locator(ANSWER)).to_contain_text("totalCount")
    await expect(page.locator(ANSWER)).to_contain_text("regions")
    await expect(page.locator(ANSWER)).not_to_contain_text("errors")
    if pictures is not None:
        await page.screenshot(path=pictures / "graphiql.png")


async def test_the_token_leaves_the_address_at_once_and_stays_in_this_window(window: Window, demo: Demo) -> None:
    page = window.page
    await page.goto(demo.said["links"]["school"])
    await expect(page.locator(RUN)).to_be_visible()
    assert page.url == f"{demo.url}graphql?role=school"
    assert demo.token("school") not in await page.evaluate("JSON.stringify(localStorage)")
    await run_the_open_tab(window)
    await expect(page.locator(ANSWER)).to_contain_text("ab-testing-python")


@pytest.mark.parametrize("role", ["recruiter", "reviewer", "school", "learner"])
async def test_every_tab_of_every_role_is_answered_without_errors(window: Window, demo: Demo, role: str) -> None:
    page = window.page
    await page.goto(demo.url)
    await page.locator(f'a[href="/demo/{role}"]').click()
    await expect(page.locator(RUN)).to_be_visible()
    tabs = page.locator(".graphiql-tab-button")
    answered = []
    for number in range(await tabs.count()):
        await tabs.nth(number).click()
        if re.search(r"mutation|subscription", await page.locator(QUERY).inner_text()):
            continue
        body = await run_the_open_tab(window)
        assert "errors" not in body, body
        answered.append(body["data"])
    assert all(all(found for found in data.values()) for data in answered)
    assert answered


async def test_a_visitor_reads_the_catalogue_without_signing_in(window: Window, demo: Demo) -> None:
    await window.page.goto(f"{demo.url}graphql")
    await run_the_open_tab(window)
    await expect(window.page.locator(ANSWER)).to_contain_text("credentialSpecs")


CREATE = """mutation ($input: CreateSpecInput!) {
  createSpec(input: $input) { spec { id } errors { ... on UserError { message } } }
}"""


async def test_the_live_tab_tells_of_a_change_while_it_is_open(window: Window, demo: Demo) -> None:
    page = window.page
    opened, asked, followed = [], asyncio.Event(), asyncio.Event()

    def look(socket: WebSocket) -> None:
        opened.append(socket.url)
        asked.set()
        socket.on("framesent", lambda frame: followed.set() if "LiveBlocks" in str(frame) else None)

    page.on("websocket", look)
    await page.goto(demo.url)
    await page.locator('a[href="/demo/school"]').click()
    await expect(page.locator(RUN)).to_be_visible()
    tabs = page.locator(".graphiql-tab-button")
    await expect(tabs).to_have_count(4)
    for _ in range(TRIES):  # a tab that is clicked while the editors are still being made stays where it was
        await tabs.filter(has_text="LiveBlocks").click()
        with contextlib.suppress(AssertionError):
            await expect(page.locator(QUERY)).to_contain_text("LiveBlocks", timeout=1_500)
            break
    await expect(page.locator(QUERY)).to_contain_text("LiveBlocks")
    for _ in range(TRIES):
        await page.locator(RUN).click()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asked.wait(), 2)
            break
    # A click while it runs would stop it: from here on there is only waiting.
    await asyncio.wait_for(followed.wait(), WAIT)
    for slug in ("seen-at-once", "seen-too"):
        given = {"idempotencyKey": slug, "slug": slug, "content": {"title": f"Told of {slug}"}}
        done = await asyncio.to_thread(demo.ask, CREATE, {"input": given}, "school")
        assert done["createSpec"]["errors"] == []
        await expect(page.locator(ANSWER)).to_contain_text(slug)
        await expect(page.locator(ANSWER)).to_contain_text("CREATED")
    assert opened == [demo.url.replace("http", "ws", 1) + "graphql"]
