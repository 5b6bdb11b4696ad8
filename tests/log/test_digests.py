"""What the log keeps of a row stays the same when its table grows: sources name their columns."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import asyncpg
import pytest

from countersign import app
from countersign.log.sources import sha256

A, B, C, D, E, F, G, H, J = (f"01900000-0000-7000-8000-00000000000{digit}" for digit in "12345678a")
SCHOOL, GIVER, PERSON = (f"01900000-0000-7000-8000-0000000000b{digit}" for digit in "123")
MAY: Final = "2026-05-01T10:00:00.123456Z"

ROWS: Final[list[tuple[str, dict[str, Any]]]] = [
    (
        "quorum_policies",
        {
            "id": A,
            "number": 2,
            "groups": 3,
            "employers": 1,
            "agencies": 0,
            "evidence": ["narrative", 'said, "twice"'],
            "rubric_floor": 3.5,
            "criterion_floor": 2,
            "freshness_days": 400,
            "four_eyes": True,
            "outcomes": {"parent": "blocking"},
            "foreign_counts": False,
            "note": 'Stricter, from "May"',
            "published_at": MAY,
            "effective_from": MAY,
            "whole_scope": False,
        },
    ),
    (
        "foreign_endorsements",
        {
            "id": B,
            "spec_version_id": J,
            "organization_id": SCHOOL,
            "imported_by": PERSON,
            "format": "open_badges_3",
            "issuer_id": "did:web:guild.example",
            "issuer_name": "The guild",
            "statement": "Fine, we say.",
            "source": "https://guild.example/e",
            "sha256": "ab" * 32,
            "document": "\\x7b7d",
            "findings": [{"check": "signature"}],
            "verified": True,
            "valid_from": MAY,
            "imported_at": MAY,
        },
    ),
    (
        "foreign_checks",
        {
            "id": C,
            "foreign_endorsement_id": B,
            "checked_at": MAY,
            "findings": [{"check": "status"}],
            "fetched": [{"url": "https://guild.example/s"}],
            "verified": True,
        },
    ),
    (
        "vacancy_snapshots",
        {
            "id": D,
            "corpus": "NJ",
            "key": "nj",
            "digest": "ef" * 32,
            "vacancies": 2,
            "period_from": "2026-01-01",
            "period_to": "2026-03-31",
            "region": "US-NJ",
            "source": "https://jobs.example/x",
            "licence": "CC0",
            "imported_at": MAY,
        },
    ),
    (
        "vacancies",
        {"snapshot_id": D, "no": 1, "external_id": "v1", "terms": ["sql", "data model"], "published_on": "2026-02-01"},
    ),
    ("vacancies", {"snapshot_id": D, "no": 2, "external_id": "v2", "terms": [], "region": "US"}),
    (
        "endorsement_evidence",
        {"id": E, "endorsement_id": F, "no": 1, "kind": "narrative", "narrative": "We teach, too", "payload": {"a": 1}},
    ),
    (
        "pledges",
        {
            "id": G,
            "endorsement_id": F,
            "evidence_id": E,
            "organization_id": GIVER,
            "seats": 2,
            "role": "Analyst",
            "region": "US-NJ",
            "opens_on": "2026-02-01",
            "closes_on": "2026-08-01",
            "reserved": 1,
            "redeemed": 0,
            "returned": 0,
            "broken": 0,
        },
    ),
    (
        "pledge_entries",
        {
            "id": H,
            "pledge_id": G,
            "kind": "reserve",
            "school_id": SCHOOL,
            "endorser_id": GIVER,
            "by_id": PERSON,
            "reference": "S-1",
            "entered_at": MAY,
        },
    ),
]
"""Rows as they were written by the release that began to log them."""


async def write(owner: asyncpg.Connection[Any]) -> None:
    """Put the rows in, whatever they refer to."""
    await owner.execute("set local session_replication_role = replica")
    await owner.execute("set local timezone = 'UTC'")
    for table, row in ROWS:
        names = ", ".join(row)
        told = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, $1)"
        await owner.execute(told, json.dumps(row))


async def facts(owner: asyncpg.Connection[Any]) -> dict[str, str]:
    """What every source says of every row that stands."""
    found: dict[str, str] = {}
    for source in app.LOGGED:
        found |= {row["subject"]: row["facts"] for row in await owner.fetch(source.sql)}
    return found


DIGESTS: Final = {
    "vsn_01900000-0000-7000-8000-000000000004": "b77a810e07e730063503a915cdc8ac00398c28637db19fa9e1966a7c81709d0b",
    "end_01900000-0000-7000-8000-000000000006": "7cbcc352d07000e6a7b03c0294c2e1981fc486b27dc4fed8cb0e44b63e31e64b",
    "plg_01900000-0000-7000-8000-000000000007": "40d5288c9eaef6cdd35ee023195d3f1d46ddcf043c92db60c075af56d6dcb3d9",
    "pol_01900000-0000-7000-8000-000000000001": "85f6460736c6bd17f146ea9d35bf8bf7374070f06fd8562cb9d0fe1d3581d405",
    "fen_01900000-0000-7000-8000-000000000002": "0e0d76109d26e47b71b7e9f9139f8783561579c82af7a9a226599edf6b83006a",
    "fck_01900000-0000-7000-8000-000000000003": "db6e5a5aef520ee5808216706cb655d542cc4e9c574553e31cdd9f46fbe94ac0",
}
"""What the log of that release kept of these rows."""


@pytest.mark.usefixtures("kept")
async def test_what_was_logged_before_sources_named_their_columns_is_the_same_now_and_with_later_columns(
    owner: asyncpg.Connection[Any],
) -> None:
    change = owner.transaction()
    await change.start()
    try:
        await write(owner)
        before = await facts(owner)
        assert {subject: sha256(before[subject].encode()) for subject in DIGESTS} == DIGESTS
        tables = {name for source in app.LOGGED for name in re.findall(r"(?:from|join) ([a-z_]+)", source.sql)}
        assert len(tables) > len(ROWS)
        for table in sorted(tables):
            await owner.execute(f"alter table {table} add column of_a_later_release text not null default 'x'")
        assert await facts(owner) == before
    finally:
        await change.rollback()
