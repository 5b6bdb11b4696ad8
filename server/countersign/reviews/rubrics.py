"""Rubrics: the platform's, which is data, and those that organizations publish, version by version."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.kit import access
from countersign.kit.access import Actor, Permission, Role
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.log.sources import enter
from countersign.organizations import members
from countersign.reviews import rules_rubrics as rules
from countersign.reviews.logged import RUBRICS
from countersign.reviews.rubric import DEFAULT, DEFAULT_ID, Rubric
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.tables import RubricVersion


class Outdated(Conflict):
    """This version of the rubric has a successor; review by the newest one."""


class Overtaken(Conflict):
    """Somebody published another version of this rubric at the same time; look at it first."""


@dataclass(frozen=True, slots=True)
class PublishRubric:
    """A rubric's next version; without `previous_id` (any version of it) a new rubric's first."""

    title: str
    criteria: tuple[Wanted, ...]
    evidence_from: int = 3
    previous_id: UUID | None = None


async def publish(tx: Tx, actor: Actor, command: PublishRubric) -> UUID:
    """Publish a version of the organization's own rubric, for good; a reviewer only. Answers the version's id.

    Raises NotAllowed, NotFound (another organization's rubric), Overtaken, and what `rules_rubrics.build` refuses.
    """
    access.require(actor, Permission.PUBLISH_RUBRIC)
    await members.hold(tx, actor, Role.REVIEWER)
    if actor.organization_id is None:
        raise NotAllowed(why="Only for an organization")
    rubric = rules.build(command.title, command.criteria, command.evidence_from)
    identity = new_id()
    line, number = identity, 1
    if command.previous_id is not None:
        previous = await tx.fetchrow(
            "select v.rubric_id, (select max(n.number) from rubric_versions n where n.rubric_id = v.rubric_id) as last"
            " from rubric_versions v where v.id = $1 and v.organization_id = $2",
            command.previous_id,
            actor.organization_id,
        )
        if previous is None:
            raise NotFound(what="rubric of yours", path=("previousId",))
        line, number = previous["rubric_id"], previous["last"] + 1
    row = RubricVersion(
        id=identity,
        rubric_id=line,
        organization_id=actor.organization_id,
        number=number,
        title=command.title.strip(),
        criteria=rules.to_json(rubric),
        evidence_from=rubric.evidence_from,
        published_at=await tx.now(),
        published_by=actor.person_id,
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise Overtaken(path=("previousId",)) from None
    await enter(tx, RUBRICS, identity, actor=actor, action="rubric.published")
    await tx.emit("rubric.published", f"rub_{identity}")
    return identity


async def of(tx: Tx, rubric_version_id: UUID) -> Rubric:
    """A published rubric by its version's id. Raises NotFound."""
    if rubric_version_id == DEFAULT_ID:
        return DEFAULT
    row = await tx.fetchrow("select criteria, evidence_from from rubric_versions where id = $1", rubric_version_id)
    if row is None:
        raise NotFound(what="rubric", path=("rubricVersionId",))
    return rules.from_json(row["criteria"], row["evidence_from"])


async def to_use(tx: Tx, rubric_version_id: UUID | None, organization_id: UUID) -> tuple[UUID, Rubric]:
    """The rubric by which an organization begins a review: the platform's, or the newest version of one of its own.

    Raises NotFound (missing, or another organization's), Outdated.
    """
    if rubric_version_id is None or rubric_version_id == DEFAULT_ID:
        return DEFAULT_ID, DEFAULT
    row = await tx.fetchrow(
        "select v.criteria, v.evidence_from, exists (select from rubric_versions n where n.rubric_id = v.rubric_id"
        " and n.number > v.number) as outdated from rubric_versions v where v.id = $1 and v.organization_id = $2",
        rubric_version_id,
        organization_id,
    )
    if row is None:
        raise NotFound(what="rubric of yours", path=("rubricVersionId",))
    if row["outdated"]:
        raise Outdated(path=("rubricVersionId",))
    return rubric_version_id, rules.from_json(row["criteria"], row["evidence_from"])
