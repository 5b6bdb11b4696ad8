"""The page on which an outside expert reviews: in a browser, by the link alone, against the demo."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from countersign.cli import hosting
from countersign.kit import embedded
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations
from countersign.reviews import experts
from tests.browser.conftest import Window
from tests.patience import WAIT
from tests.serving import Demo

pytestmark = pytest.mark.browser


async def invited(demo: Demo) -> tuple[str, str]:
    """The text of a link to a request that waits in the demo, and the name of the organization that is asked."""
    dsn = embedded.running(demo.data / "postgres", hosting.DATABASE)
    assert dsn is not None
    db = await Database.open(dsn, pool_size=2, wait_seconds=WAIT)
    try:
        async with db.writer() as tx:
            row = await tx.fetchrow(
                "select q.id, q.organization_id, o.kind, o.display_name from review_requests q"
                " join organizations o on o.id = q.organization_id where q.state = 'open' order by q.id limit 1"
            )
            assert row is not None
            person = await organizations.enrol(tx, SYSTEM, row["organization_id"], [Role.REVIEWER])
            reviewer = Actor(
                organization_id=row["organization_id"],
                organization_kind=OrganizationKind(row["kind"]),
                person_id=person,
                token_id=new_id(),
                roles=frozenset({Role.REVIEWER}),
                scopes=frozenset(Scope),
            )
            _, link = await experts.invite(tx, reviewer, experts.InviteExpert(row["id"]))
    finally:
        await db.close()
    return link.partition("#")[2], row["display_name"]


async def change(demo: Demo, text: str, name: str, **given: Any) -> dict[str, Any]:
    """The draft that a change by an expert answers, through the API."""
    query = f"""mutation ($input: {name[0].upper()}{name[1:]}Input!) {{
      {name}(input: $input) {{ reviewDraft {{ id updatedAt }} }} }}"""
    body = {"query": query, "variables": {"input": {"idempotencyKey": str(new_id()), **given}}}
    async with httpx.AsyncClient(timeout=WAIT) as client:
        answer = await client.post(demo.said["graphql"], json=body, headers={"authorization": f"Bearer {text}"})
    draft: dict[str, Any] = answer.json()["data"][name]["reviewDraft"]
    return draft


async def begun(demo: Demo, text: str) -> dict[str, Any]:
    """The review that an expert begins to write through the API."""
    async with httpx.AsyncClient(timeout=WAIT) as client:
        answer = await client.post(
            demo.said["graphql"],
            json={"query": "{ reviewRequests(first: 1) { nodes { id } } }"},
            headers={"authorization": f"Bearer {text}"},
        )
    (request,) = answer.json()["data"]["reviewRequests"]["nodes"]
    return await change(demo, text, "startReview", reviewRequestId=request["id"], interest="NONE")


async def test_an_expert_reads_and_submits_by_the_link_alone(window: Window, demo: Demo) -> None:
    text, organization = await invited(demo)
    page = window.page
    await page.goto(f"{demo.url}review#{text}")
    said = page.locator("#said")
    await expect(said).to_contain_text(f"You review for {organization}")
    assert text not in page.url, "it does not stay in the address bar"
    draft = await begun(demo, text)
    await page.reload()
    await expect(said).to_contain_text("You have begun to write this review through the API")
    await expect(page.locator("#form")).to_be_hidden()
    await change(demo, text, "discardReview", reviewDraftId=draft["id"], ifUnmodifiedSince=draft["updatedAt"])
    await page.reload()
    await expect(page.locator("#outcomes li").first).not_to_be_empty()
    await page.locator("button[data-language=ru]").click()
    await expect(page.locator("#form button[type=submit]")).to_have_text("Отправить рецензию")
    await page.locator("button[data-language=en]").click()
    await page.locator("#form button[type=submit]").click()
    await expect(page.locator("#faults li").first).to_contain_text("comment")
    await page.locator("#R1").select_option("2")
    await page.locator("#comment").fill("The outcome is one task; name the versions of the tools.")
    await page.locator("#form button[type=submit]").click()
    await expect(said).to_contain_text("your review is submitted")
    await page.reload()
    await expect(said).to_contain_text("your review is submitted")
    await expect(page.locator("#form")).to_be_hidden()
