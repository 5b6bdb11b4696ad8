"""An audit event says who, what, where from and what was decided, and is sealed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import asyncpg
import pytest

from countersign.kit import audit
from countersign.kit.access import ANONYMOUS, SYSTEM, Permission
from countersign.kit.commands import perform
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from tests.conftest import NOW
from tests.factories import Factory


@pytest.fixture
def key() -> Iterator[bytes]:
    audit.use_key(b"the log's key")
    yield audit.sealing_key() or b""
    audit.use_key(None)


def said(row: asyncpg.Record) -> dict[str, object]:
    return {name: row[name] for name in audit.SEALED}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("testclient", None),
        (None, None),
    ],
)
def test_a_network_is_kept_and_no_address(address: str | None, network: str | None) -> None:
    assert audit.network_of(address) == network


async def test_an_event_tells_the_request_the_rule_and_what_the_work_noted(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record], key: bytes
) -> None:
    async with db.writer() as tx:
        school = await make.school(tx)

    async def work(tx: Tx) -> Mapping[str, str]:
        tx.noted["digest"] = "ab" * 32
        return {"spec": "spec_1"}

    told = audit.REQUEST.set(audit.Request("request-1", "203.0.113.77"))
    await perform(db, school, permission=Permission.CREATE_SPEC, name="createSpec", key="k", fingerprint=b"", work=work)
    audit.REQUEST.reset(told)
    row = await owner.fetchrow("select * from audit_events where kind is null")
    assert row is not None
    expected = {
        "stream_key": f"org:{school.organization_id}",
        "at": NOW,
        "actor": f"person:{school.person_id}",
        "actor_type": "person",
        "token_id": school.token_id,
        "action": "createSpec",
        "object": "spec_1",
        "digest": "ab" * 32,
        "decision": "done",
        "rule": "create_spec",
        "request_id": "request-1",
        "ip_prefix": "203.0.113.0/24",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["xact"] > 0
    assert row["mac"] == audit.seal(said(row), key)


async def test_every_refusal_of_a_command_is_an_event_with_its_rule(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.writer() as tx:
        school = await make.school(tx)

    async def work(_tx: Tx) -> Mapping[str, str]:
        raise NotFound(what="spec")

    async def done(_tx: Tx) -> Mapping[str, str]:
        return {}

    create = Permission.CREATE_SPEC
    await perform(db, ANONYMOUS, permission=create, name="a", key="k", fingerprint=b"", work=work)
    await perform(db, school, permission=create, name="b", key="", fingerprint=b"", work=work)
    await perform(db, school, permission=create, name="c", key="k", fingerprint=b"1", work=work)
    await perform(db, school, permission=create, name="d", key="k", fingerprint=b"2", work=done)
    rows = await owner.fetch(
        "select action, actor_type, decision, rule, reason from audit_events where kind is null order by action"
    )
    assert [(r["action"], r["actor_type"], r["decision"]) for r in rows] == [
        ("a", "nobody", "denied"),
        ("b", "person", "refused"),
        ("c", "person", "refused"),
        ("d", "person", "refused"),
    ]
    assert all(row["rule"] == "create_spec" and row["reason"] for row in rows)


def test_a_seal_is_of_every_word_and_needs_the_key(key: bytes) -> None:
    event = audit.record(SYSTEM, "x", NOW, subject="org_1", decision=audit.Decision.DONE, reason=None)
    whole = {name: getattr(event, name) for name in audit.SEALED}
    assert event.mac == audit.seal(whole, key) != audit.seal(whole, b"another")
    assert json.loads(audit.canonical(whole))["at"] == "2026-11-22T12:00:00.000000Z"
    for name in audit.SEALED:
        assert audit.seal(whole | {name: "changed"}, key) != event.mac, name


async def test_the_application_can_add_events_and_never_change_or_remove_them(db: Database) -> None:
    async with db.writer() as tx:
        await tx.insert(audit.record(SYSTEM, "x", NOW, subject=None, decision=audit.Decision.DONE, reason=None))
    for statement in ("update audit_events set reason = 'other'", "delete from audit_events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with db.writer() as tx:
                await tx.execute(statement)
