"""The page that accepts an invitation: in a browser, with a real session, against the demo."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.async_api import expect

from countersign.accounts import service as accounts
from countersign.accounts.rules import address_key
from countersign.cli import hosting
from countersign.kit import embedded
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.organizations import invitations
from countersign.organizations import service as organizations
from tests.browser.conftest import Window
from tests.patience import WAIT
from tests.serving import Demo

pytestmark = pytest.mark.browser

ADDRESS = "newcomer@example.com"


async def invited(demo: Demo) -> tuple[str, str]:
    """The text of an invitation of the demo's employer, and the cookie of whom it is for."""
    dsn = embedded.running(demo.data / "postgres", hosting.DATABASE)
    assert dsn is not None
    db = await Database.open(dsn, pool_size=2, wait_seconds=WAIT)
    try:
        async with db.writer() as tx:
            row = await tx.fetchrow("select id from organizations where kind = 'employer' order by id limit 1")
            assert row is not None
            person = await organizations.enrol(tx, SYSTEM, row["id"], [Role.ORG_ADMIN])
            admin = Actor(
                organization_id=row["id"],
                organization_kind=OrganizationKind.EMPLOYER,
                person_id=person,
                login_id=new_id(),
                roles=frozenset({Role.ORG_ADMIN}),
                scopes=frozenset(Scope),
            )
            address = f"{secrets.token_hex(4)}-{ADDRESS}"
            wanted = invitations.Invite(address, frozenset({Role.AUDITOR}))
            _, text = await invitations.invite(tx, admin, wanted)
            account = await accounts.account_of(tx, "https://people.example", address)
            opened = await accounts.open_login(tx, account, email_key=address_key(address))
    finally:
        await db.close()
    return text, opened.cookie


async def test_an_invitation_is_accepted_by_who_is_signed_in_and_good_once(window: Window, demo: Demo) -> None:
    text, cookie = await invited(demo)
    page = window.page
    await page.goto(f"{demo.url}join#{text}")
    said = page.locator("#said")
    await expect(said).to_contain_text("Sign in")
    assert text not in page.url, "it does not stay in the address bar"
    await page.context.add_cookies([{"name": "cs", "value": cookie, "url": demo.url}])
    await page.reload()
    await page.locator("button[data-language=ru]").click()
    await expect(page.locator("#join")).to_have_text("Вступить")
    await page.locator("button[data-language=en]").click()
    await page.locator("#join").click()
    await expect(said).to_have_text(re.compile(r"You are a member of \S+"))
    await page.reload()
    await expect(said).to_contain_text("There is no invitation here")
    await page.goto(f"{demo.url}join?again#{text}")
    await page.locator("#join").click()
    await expect(said).to_contain_text("not good for you")
