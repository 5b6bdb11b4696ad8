"""A school with a submitted version, and an employer that may review and sign it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from uuid import UUID

from countersign import app
from countersign.kit.access import Actor
from countersign.kit.db import Database, Tx
from countersign.kit.placement import open_columns, table_name
from countersign.reviews.rubric import RUBRIC
from countersign.reviews.rules import Decision, Interest, Recommendation, Score
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
