"""A school with a submitted version, and an employer that may review and sign it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg

from countersign import app
from countersign.kit.access import Actor
from countersign.kit.db import Database, Tx
from countersign.kit.placement import open_columns, table_name
from countersign.reviews import service as reviews
from countersign.reviews import writing
from countersign.reviews.rubric import RUBRIC
from countersign.reviews.rules import Decision, Interest, Recommendation, Score
from countersign.reviews.rules_anchors import Anchor
from countersign.reviews.rules_writing import DraftComment, DraftSuggestion
from countersign.specs import service as specs
from countersign.specs.rules import Kind
from tests.factories import Factory
from tests.specs.samples import COMPLETE
from tests.specs.support import ground

_numbers = count(1)


@dataclass(frozen=True)
class Scene:
    """Who is there, and what stands between them."""

    school: Actor
    employer: Actor
    spec: UUID
    version: UUID
    digest: str

    @property
    def school_id(self) -> UUID:
        """The school."""
        assert self.school.organization_id is not None
        return self.school.organization_id

    @property
    def employer_id(self) -> UUID:
        """The employer."""
        assert self.employer.organization_id is not None
        return self.employer.organization_id


async def submitted(tx: Tx, school: Actor, *, kind: Kind = Kind.BLOCK, published: bool = False) -> tuple[UUID, UUID]:
    """A spec of the school and its first version, submitted (and published, when asked)."""
    made = await specs.create(tx, school, specs.Create(slug=f"block-{next(_numbers)}", kind=kind, content=COMPLETE))
    version = await specs.submit(tx, school, specs.Submit(made.draft_id, "1.0.0"))
    if published:
        await specs.publish(tx, school, version)
    return made.spec_id, version


async def scene(tx: Tx, make: Factory, *, published: bool = False) -> Scene:
    """A new school with a version, and a new verified employer."""
    await ground(tx)
    school = await make.school(tx)
    employer = await make.employer(tx)
    spec, version = await submitted(tx, school, published=published)
    frozen = await specs.lock_version(tx, version)
    assert frozen is not None
    return Scene(school, employer, spec, version, frozen.digest)


def favourable(recommendation: Recommendation = Recommendation.ENDORSE) -> Decision:
    """A whole review that recommends to endorse."""
    return Decision(
        interest=Interest.NONE,
        declaration="",
        scores=tuple(Score(criterion.code, 3, "Seen in the assessment brief") for criterion in RUBRIC),
        comment="Matches how our team works.",
        recommendation=recommendation,
    )


SUMMARY: str = COMPLETE["summary"]
WEEKS = Anchor("summary", 0, 10, "Four weeks")
HOLDS = Anchor("summary", SUMMARY.index("holds"), SUMMARY.index("holds") + 5, "holds")
SCORES = tuple(Score(criterion.code, 3, "Seen in the assessment brief") for criterion in RUBRIC)
REMARKS = (
    DraftComment(Anchor("outcomes[report].threshold", 0, 8, "at least"), "Say who grades it.", asks_change=True),
    DraftComment(Anchor("assessment"), "An outside examiner would help."),
    DraftComment(Anchor(), "A block that we would hire for."),
)
PROPOSALS = (
    DraftSuggestion(WEEKS, "Six weeks", "Four is too short."),
    DraftSuggestion(HOLDS, "stands up to questions"),
)


async def claimed(tx: Tx, school: Actor, reviewer: Actor, version: UUID) -> UUID:
    """A request of the school that the reviewer has claimed."""
    assert reviewer.organization_id is not None
    request = await reviews.request(tx, school, reviews.RequestReview(version, reviewer.organization_id))
    await reviews.claim(tx, reviewer, request)
    return request


async def written(
    tx: Tx, reviewer: Actor, request: UUID, recommendation: Recommendation = Recommendation.REQUEST_CHANGES
) -> UUID:
    """A whole review, ready to be submitted: every section viewed, scored, with remarks and suggestions."""
    draft = await writing.start(tx, reviewer, writing.Start(request, Interest.NONE))
    # As nine calls of `view` would leave it; every test of every change begins with one of these.
    await tx.execute("update review_drafts set viewed = sections where id = $1", draft)
    words = writing.Edit(draft, SCORES, REMARKS, PROPOSALS, "Nearly there.", recommendation)
    return await writing.edit(tx, reviewer, words)


async def reviewed(
    tx: Tx,
    school: Actor,
    reviewer: Actor,
    version: UUID,
    recommendation: Recommendation = Recommendation.REQUEST_CHANGES,
) -> UUID:
    """A submitted review of the version, with three comments and two suggestions."""
    draft = await written(tx, reviewer, await claimed(tx, school, reviewer, version), recommendation)
    return await writing.submit(tx, reviewer, writing.Submit(draft))


async def somebody_waits(owner: asyncpg.Connection[asyncpg.Record]) -> None:
    """Until a transaction waits for a lock that another one holds."""
    for _ in range(12_000):
        if await owner.fetchval(
            "select exists (select from pg_stat_activity"
            " where datname = current_database() and wait_event_type = 'Lock')"
        ):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


@contextmanager
def statements(tx: Tx) -> Iterator[list[str]]:
    """The statements that a transaction asks meanwhile, in order; COPY is not among them."""
    seen: list[str] = []

    def note(asked: Any) -> None:
        seen.append(asked.query)

    tx.connection.add_query_logger(note)
    try:
        yield seen
    finally:
        tx.connection.remove_query_logger(note)


async def everything(db: Database) -> dict[str, list[str]]:
    """All rows of all tables but the audit log and the idempotency keys, to compare before and after a refusal."""
    kept = {
        table_name(t): f"select {', '.join(open_columns(t))} from {table_name(t)}"
        for t in app.declare_tables()
        if table_name(t) not in {"audit_events", "idempotency_keys"}
    }
    async with db.writer() as tx:
        return {
            name: [
                row["text"] for row in await tx.fetch(f"select to_jsonb(t)::text as text from ({rows}) t order by 1")
            ]
            for name, rows in kept.items()
        }
