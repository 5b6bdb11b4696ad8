"""Refusals of reads and of credentials are events; a flood of them is few."""

from __future__ import annotations

from typing import Any

import asyncpg

from countersign.kit import audit, refusals
from countersign.kit.access import ANONYMOUS, Role
from countersign.kit.db import Database
from countersign.kit.refusals import OF_THE_SAME, Refusals
from countersign.trust.signer import Signer
from tests.api import served
from tests.factories import Factory


async def test_a_read_that_is_refused_is_an_event_for_members_and_strangers(
    db: Database, signer: Signer, make: Factory, owner: asyncpg.Connection[Any]
) -> None:
    async with db.writer() as tx:
        author = await make.school(tx, Role.AUTHOR)
    async with served(db, signer, make) as api:
        for actor in (author, None):
            assert "errors" in await api.post('{ searchCandidates(stack: "x", first: 1) { nodes { region } } }', actor)
        bad = await api.client.post(
            "/graphql",
            json={"query": "{ __typename }"},
            headers={"authorization": "Bearer ctst_no", "x-request-id": "a-bad-one"},
        )
        assert bad.status_code == 401
    await refusals.settled()
    rows = await owner.fetch(
        "select action, actor_type, decision, rule, request_id, organization_id from audit_events"
        " where decision = 'denied' order by action, actor_type"
    )
    assert [(r["action"], r["actor_type"], r["decision"], r["rule"]) for r in rows] == [
        ("authenticate", "nobody", "denied", "unauthenticated"),
        ("searchCandidates", "nobody", "denied", "unauthenticated"),
        ("searchCandidates", "person", "denied", "forbidden"),
    ]
    assert rows[0]["request_id"] == "a-bad-one"
    assert rows[2]["organization_id"] == author.organization_id


async def test_a_flood_of_the_same_is_few_events_that_say_how_many(
    db: Database, owner: asyncpg.Connection[Any]
) -> None:
    told = Refusals(db)
    for network in (1, 2):
        before = audit.REQUEST.set(audit.Request("flooding", f"203.0.{network}.9"))
        for _ in range(500):
            await told.tell(ANONYMOUS, "authenticate", "The token is not good", "unauthenticated")
        audit.REQUEST.reset(before)
    await told.written()
    rows = await owner.fetch("select ip_prefix, reason from audit_events")
    assert len(rows) == 2 * OF_THE_SAME
    assert sum("and 480 more" in row["reason"] for row in rows) == 2
    assert {row["ip_prefix"] for row in rows} == {"203.0.1.0/24", "203.0.2.0/24"}
