"""What the operator says of organizations on the command line."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from countersign import app
from countersign.cli.organizations import DEEDS, Unknown
from countersign.kit.access import OrganizationKind, Role
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState
from countersign.trust import key_commands
from countersign.trust.signer import Signer
from tests.factories import Factory


async def done(tx: Tx, action: str, **given: Any) -> str:
    subject, words = await DEEDS[action](tx, given)
    assert subject
    return words


async def test_the_operator_suspends_and_resumes_by_handle(tx: Tx, make: Factory) -> None:
    await make.organization(tx, handle="acme")
    shown = "select verification from organizations where handle = 'acme'"
    assert "suspended" in await done(tx, "suspend", handle="acme", reason="Court order")
    assert await tx.fetchval(shown) == "suspended"
    await done(tx, "resume", handle="acme")
    assert await tx.fetchval(shown) == "verified"
    with pytest.raises(InvalidState):
        await done(tx, "resume", handle="acme")
    with pytest.raises(Unknown, match="no organization has the handle 'nobody'"):
        await done(tx, "suspend", handle="nobody", reason="Court order")


async def test_the_operator_writes_down_a_tie_and_ends_it(tx: Tx, make: Factory) -> None:
    for handle in ("acme", "northgate"):
        await make.organization(tx, handle=handle)
    groups = "select count(distinct control_group) from organizations where handle in ('acme', 'northgate')"
    link = await done(tx, "link", holder="acme", held="northgate", same_owner=False)
    assert await tx.fetchval(groups) == 1
    await done(tx, "unlink", link=link)
    assert await tx.fetchval(groups) == 2
    with pytest.raises(Unknown, match="is no link"):
        await done(tx, "unlink", link="nonsense")


async def test_the_operator_writes_down_who_makes_a_tool_and_who_pays_whom(tx: Tx, make: Factory) -> None:
    for handle in ("acme", "northgate"):
        await make.organization(tx, handle=handle)
    tool = await done(tx, "maker", handle="acme", tool="Lumen Studio")
    day = datetime(2026, 1, 1)  # noqa: DTZ001 - a day, as the command line reads it
    paid = await done(tx, "sponsor", sponsor="acme", sponsored="northgate", since=day, until=None)
    open_ones = "select (select count(*) from tool_makers where ended_at is null and declared_by is null)"
    open_ones += " + (select count(*) from sponsorships where until is null and declared_by is null)"
    assert await tx.fetchval(open_ones) == 2
    for declaration in (tool, paid):
        assert declaration in await done(tx, "end", declaration=declaration, until=None)
    assert await tx.fetchval(open_ones) == 0
    with pytest.raises(Unknown, match="it looks like mak_… or spo_…"):
        await done(tx, "end", declaration="lnk_x", until=None)


async def test_the_operator_is_the_second_person(tx: Tx, make: Factory, signer: Signer) -> None:
    app.attend(signer)
    organization = await make.organization(tx)
    admin = await make.member(tx, organization, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    await signer.ensure_key(tx, organization)
    proposal = await key_commands.propose_key(tx, admin)
    await done(tx, "approve", approval=f"apr_{proposal}")
    assert await tx.fetchval("select count(*) from signing_keys where organization_id = $1", organization) == 2


async def test_the_operator_publishes_the_platforms_next_policy(tx: Tx, tmp_path: Path) -> None:
    file = tmp_path / "policy.json"
    demands = {"groups": 3, "rubric_floor": "2.5", "evidence": ["hiring_pledge"], "outcomes": {"supplier": "block"}}
    file.write_text(json.dumps(demands))
    assert "from now on" in await done(tx, "publish", file=file, note="Three from now on")
    row = await tx.fetchrow("select organization_id, number, groups, evidence from quorum_policies")
    assert row is not None
    assert tuple(row) == (None, 2, 3, ["hiring_pledge"])
    for wrong in ("{", '{"groups": "many"}', '{"groupz": 3}'):
        file.write_text(wrong)
        with pytest.raises(Unknown):
            await done(tx, "publish", file=file, note="No")
    assert await tx.fetchval("select count(*) from quorum_policies") == 1


async def test_the_operator_says_whose_endorsements_from_elsewhere_are_known(tx: Tx) -> None:
    for name in ("A guild", "The guild"):
        assert name in await done(tx, "recognize", issuer="did:key:z6Mk", name=name)
    assert await tx.fetchval("select name from recognized_issuers") == "The guild"
