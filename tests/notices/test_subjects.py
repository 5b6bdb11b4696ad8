"""Every event that is told finds who stands where, and every fact of its sentence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

import countersign
from countersign.kit.db import Database, Tx
from countersign.kit.ids import new_id
from countersign.notices import texts
from countersign.notices.rules_topics import SILENT, TOPICS
from countersign.notices.subjects import SUBJECTS, VEIL
from countersign.reviews import service as reviews
from tests.factories import Factory
from tests.notices.support import Market, market
from tests.notices.test_topics import holes, voices
from tests.reads.world import make_world

PACKAGE = Path(countersign.__file__).parent
TABLES = {
    "rrq": "review_requests",
    "rev": "reviews",
    "rcl": "review_calls",
    "rcm": "review_comments",
    "rsg": "review_suggestions",
    "chg": "change_requests",
    "sug": "statement_suggestions",
    "prp": "endorsement_proposals",
    "end": "endorsements",
    "plg": "pledges",
    "drf": "drift_alarms",
    "pol": "quorum_policies",
    "spo": "sponsorships",
    "version": "spec_versions",
    "membership": "memberships",
    "org": "organizations",
    "apr": "approvals",
    "token": "api_tokens",
    "lnk": "ownership_links",
    "whk": "webhooks",
    "mailbox": "mailboxes",
    "award": "awards",
}
ABOUT = {
    "rrq": ("review.requested", "review.reminder", "review.overdue_school"),
    "rev": ("review.decided", "review.voided"),
    "rcl": ("review_call.",),
    "rcm": ("review.comment_",),
    "rsg": ("review.suggestion_",),
    "chg": ("change_request.",),
    "sug": ("statement.",),
    "prp": ("proposal.",),
    "end": ("endorsement.",),
    "plg": ("pledge.",),
    "drf": ("drift.",),
    "pol": ("quorum_policy.",),
    "spo": ("sponsorship.",),
    "version": ("spec_version.", "spec.co_"),
    "membership": ("membership.",),
    "org": ("organization.", "domain.", "key."),
    "apr": ("approval.",),
    "token": ("token.",),
    "lnk": ("ownership.",),
    "whk": ("webhook.",),
    "mailbox": ("mailbox.",),
    "award": ("award.",),
}
SAID = {"days", "reason", "key", "domain", "next"}
"""Facts that the events themselves bring."""


def emitted() -> Iterator[str]:
    """Every topic that stands as a text in a call of `emit`."""
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "emit":
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def test_whatever_the_rooms_emit_is_told_or_passed_over_for_a_reason() -> None:
    found = set(emitted())
    assert len(found) > 40
    assert sorted(found - set(TOPICS) - set(SILENT)) == []


def test_every_kind_of_subject_has_its_table_and_its_events() -> None:
    assert set(SUBJECTS) == set(TABLES) == set(ABOUT)


@pytest.mark.parametrize("tag", SUBJECTS)
async def test_every_statement_answers_who_stands_where(tx: Tx, tag: str) -> None:
    assert await tx.fetch(SUBJECTS[tag], [new_id()]) == []


async def test_every_fact_of_a_sentence_is_known_where_something_is_there_to_tell(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await make_world(db, make)
    told = set()
    for tag, table in TABLES.items():
        keys = [row["id"] for row in await owner.fetch(f"select id from {table}")]
        async with db.writer() as tx:
            rows = await tx.fetch(SUBJECTS[tag], keys)
        for row in rows:
            told.add(tag)
            known = set(row["facts"]) | SAID | {"what", VEIL}
            for topic in TOPICS:
                if topic.startswith(ABOUT[tag]):
                    for voice in voices(topic):
                        needed = holes(texts.SENTENCES["en"][voice])
                        assert needed <= known, (voice, needed - known)
    assert len(told) >= len(TABLES) - 4, sorted(set(TABLES) - told)


async def test_a_blind_review_tells_its_reviewers_neither_title_nor_school(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    here: Market = await market(db, make)
    async with db.writer() as tx:
        wanted = reviews.RequestReview(here.made.version, here.made.employer_id, "Please look", blind=True)
        request = await reviews.request(tx, here.school, wanted)
    await here.emit("review.reminder", f"rrq_{request}", days=7)
    await here.emit("spec_version.deprecated", f"version_{here.made.version}")
    async with db.writer() as tx:
        await reviews.claim(tx, here.employer, request)
    await here.told()
    title = await owner.fetchval("select content->>'title' from spec_versions")
    name = await owner.fetchval("select display_name from organizations where id = $1", here.made.school_id)
    facts = await owner.fetch("select topic, person_id, facts::text as facts, voice from notices")
    theirs = [row for row in facts if row["person_id"] == here.employer.person_id]
    assert {row["topic"] for row in theirs} == {"review.requested", "review.reminder"}
    assert all(title not in row["facts"] and name not in row["facts"] for row in theirs)
    assert all(title in row["facts"] for row in facts if row["topic"] == "review.claimed")
    assert texts.sentence("review.requested", {"due_on": "2026-12-06"}, "en") == (
        f"You are asked to review {texts.HIDDEN['en']} by 2026-12-06."
    )
