"""Who runs the installation registers an organization and invites its first admin."""

from __future__ import annotations

import re
from pathlib import Path

import asyncpg

from countersign.accounts import service as accounts
from countersign.accounts.rules import address_key
from countersign.kit.access import Actor, Role, Scope
from countersign.kit.db import Database
from countersign.organizations import invitations, members
from tests.cli.running import verb
from tests.conftest import NOW

ADDRESS = "anna@example.com"


async def test_an_organization_gets_its_first_admin(
    db: Database, database_dsn: str, tmp_path: Path, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    place = ("--data", str(tmp_path / "data"))
    given = ("--kind", "school", "--country", "GB", "--name", "Northgate College")
    made = verb("register", "northgate", *given, *place, DATABASE_URL=database_dsn)
    assert (made.returncode, made.stderr) == (0, ""), made.stderr
    invited = verb("invite", "northgate", ADDRESS, *place, DATABASE_URL=database_dsn)
    assert invited.returncode == 0, invited.stderr
    assert re.fullmatch(r"http://localhost:\d+/join#csin_[0-9A-Za-z_-]{43}\n", invited.stdout)
    # The verb has the clock of the database, the tests have theirs.
    await owner.execute("update invitations set created_at = $1, expires_at = $1::timestamptz + interval '7 days'", NOW)
    async with db.writer() as tx:
        account = await accounts.account_of(tx, "https://people.example", ADDRESS)
        login = await accounts.open_login(tx, account, email_key=address_key(ADDRESS))
        anna = Actor(person_id=account, account_id=account, login_id=login.login_id, scopes=frozenset(Scope))
        await invitations.accept(tx, anna, invited.stdout.strip().rpartition("#")[2])
        organization = await tx.fetchval("select id from organizations where handle = 'northgate'")
        assert made.stdout == f"org_{organization}\n"
        assert await members.roles_held(tx, organization, account) == {Role.ORG_ADMIN}
        told = await tx.fetch(
            "select action, object from audit_events where actor = 'system' and kind is null order by at"
        )
        assert [row["action"] for row in told] == ["register", "invite"]


def test_a_word_that_means_nothing_is_refused_before_anything_starts(tmp_path: Path) -> None:
    place = ("--data", str(tmp_path / "data"))
    wrong = verb("invite", "northgate", ADDRESS, "--role", "boss", *place)
    assert (wrong.returncode, "org_admin" in wrong.stderr) == (2, True)
    assert not (tmp_path / "data").exists()
