"""Looks at personal data are events; auditors and administrators read those of their own organization."""

from __future__ import annotations

from typing import Any

import asyncpg

from countersign.kit.access import OrganizationKind, Role
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.api import served
from tests.awards.support import award, campus
from tests.factories import Factory
from tests.log.support import Ledger

EVENTS = """query ($filter: AuditEventFilter) { auditEvents(first: 20, filter: $filter) { totalCount nodes {
    at actor actorType onBehalfOf action objectId versionDigest decision rule reason before after requestId network seq
    leafIndex previous } } }"""


async def test_reading_a_holders_name_is_recorded_before_it_is_told(
    db: Database, signer: Signer, make: Factory, owner: asyncpg.Connection[Any]
) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)
        await award(tx, here)
    async with served(db, signer, make) as api:
        await api.ask("{ awards(first: 1) { nodes { id earnedOn } } }", here.registrar)
        assert await owner.fetchval("select count(*) from audit_events where decision = 'read'") == 0
        data = await api.ask("{ awards(first: 1) { nodes { holderName } } }", here.registrar)
    assert data["awards"]["nodes"] == [{"holderName": "Anna Example"}]
    row = await owner.fetchrow("select * from audit_events where decision = 'read'")
    assert row is not None
    assert (row["action"], row["reason"]) == ("readPersonal", "awards.holder_name")
    assert row["organization_id"] == here.school
    assert "Anna" not in str(dict(row))


async def test_auditors_and_administrators_read_what_their_own_organization_did(kept: Ledger, make: Factory) -> None:
    async with kept.db.writer() as tx:
        own = {
            role: await make.member(tx, kept.here.employer_id, OrganizationKind.EMPLOYER, role)
            for role in (Role.AUDITOR, Role.ORG_ADMIN, Role.RECRUITER)
        }
        foreign = await make.employer(tx, Role.AUDITOR)
    async with served(kept.db, kept.signer, make) as api:
        for role in (Role.AUDITOR, Role.ORG_ADMIN):
            page = (await api.ask(EVENTS, own[role], filter={"action": "sign_endorsement"}))["auditEvents"]
            (event,) = page["nodes"]
            assert event["objectId"] == f"end_{kept.live}"
            assert event["decision"] == "DONE"
            assert event["onBehalfOf"] == f"person:{kept.here.employer.person_id}"
            assert len(event["after"]) == 64
            assert event["seq"] >= 1
            assert event["leafIndex"] >= 1
        assert (await api.ask(EVENTS, foreign, filter={"action": "sign_endorsement"}))["auditEvents"]["nodes"] == []
        for actor in (own[Role.RECRUITER], None):
            body = await api.post(EVENTS, actor)
            assert body["data"] is None
            assert body["errors"][0]["extensions"]["code"] == ("FORBIDDEN" if actor else "UNAUTHENTICATED")
        refused = (await api.ask(EVENTS, own[Role.AUDITOR], filter={"decision": "DENIED"}))["auditEvents"]["nodes"]
    assert [(e["action"], e["rule"]) for e in refused] == [("auditEvents", "forbidden")]
