"""Rubrics at the front desk: the platform's, and those that organizations publish for their own reviews."""

from collections.abc import Mapping
from datetime import datetime

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.reviews import rubrics
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.views import CRITERION, OF_THE_PLATFORM, RUBRIC_VERSION, SCORE
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization


@bound(CRITERION, description="One question of the rubric, with the meaning of each score.")
class ReviewCriterion:
    """One question of the rubric."""

    code: str = column(description="R1 to R11 of the platform's rubric, or the organization's own code.")
    title: str = column(description="Its title.")
    question: str = column(description="The question.")
    anchors: list[str] = column(description="What the scores 0, 1, 2, 3 and 4 mean, in this order.")


@bound(RUBRIC_VERSION, description="A published version of a rubric: what a review scores. It is never changed.")
class RubricVersion(Node):
    """A published version of a rubric."""

    title: str = column(description="Its title.")
    number: int = column(description="Counts the versions of one rubric, from 1.")
    evidence_from: int = column(description="The score from which each criterion needs evidence; 5: never.")
    published_at: datetime | None = column(
        description="When it was published; null for the platform's, which came with it."
    )
    current: bool = column(description="Whether no newer version of this rubric was published.")
    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id", description="Whose it is; null for the platform's."
    )
    criteria: list[ReviewCriterion] = many(
        on="{child}.rubric_version_id = {parent}.id", order="{child}.no", size=11, description="Its criteria."
    )


@bound(SCORE, description="One criterion's score.")
class ReviewScore:
    """One criterion's score."""

    criterion: ReviewCriterion = one(
        on="{child}.rubric_version_id = {parent}.rubric_version_id and {child}.code = {parent}.item->>'criterion'",
        description="What was scored.",
    )
    value: int = column(description="The score, from 0 to 4.")
    evidence: str = column(
        description="What the reviewer saw; empty only below the rubric's `evidenceFrom`, which mostly is 3."
    )
    carried: bool = column(
        description="Whether it is carried, word for word, from the earlier review that this one renews."
    )


RUBRIC_ORDERS = Orders(
    "RubricVersionOrder",
    PUBLISHED_AT=Order("coalesce({child}.published_at, '-infinity')", "timestamptz", "By the time of publishing."),
    descending=True,
)


@strawberry.input(description="Which rubrics; all conditions must hold.")
class RubricVersionFilter:
    """Which rubrics."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those of this organization."
    )
    current: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only versions that have, or do not have, a newer one."
    )


@strawberry.type
class RubricQueries:
    """Root fields."""

    rubric: list[ReviewCriterion] = many(
        on=OF_THE_PLATFORM,
        order="{child}.no",
        size=11,
        description="The eleven criteria of the platform's rubric, by which a review scores unless it names another.",
    )
    rubric_version: RubricVersion | None = find(description="A version of a rubric, by its id.")
    rubric_versions: Connection[RubricVersion] = connection(
        orders=RUBRIC_ORDERS,
        where={
            "filter.organizationId": "{child}.organization_id = {value:id(org)}",
            "filter.current": "(not exists (select from rubric_versions n where n.rubric_id = {child}.rubric_id"
            " and n.number > {child}.number)) = {value:boolean}",
        },
        args={"filter": arg(RubricVersionFilter | None, "Which of them.")},
        description="The rubrics by which reviews are made: the platform's and those of organizations.",
    )


@strawberry.input(description="One criterion of a rubric.")
class ReviewCriterionInput:
    """One criterion of a rubric."""

    code: str = strawberry.field(description="R1 to R11 for the platform's criterion, with nothing else; or your own.")
    title: str = strawberry.field(default="", description="Its title.")
    question: str = strawberry.field(default="", description="The question that the reviewer answers.")
    anchors: list[str] = strawberry.field(
        default_factory=list, description="What the scores 0, 1, 2, 3 and 4 mean, in this order; all five."
    )


@strawberry.input(description="A version of your organization's own rubric.")
class PublishRubricInput(CommandInput):
    """A version of an organization's own rubric."""

    title: str = strawberry.field(description="Its title.")
    criteria: list[ReviewCriterionInput] = strawberry.field(description="Its criteria, up to 30.")
    evidence_from: int = strawberry.field(
        default=3, description="The score from which each criterion needs evidence, 1 to 4; 5: never."
    )
    previous_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Any version of the rubric that it continues; left out for a new one."
    )


@payload(description="The published rubric.")
class PublishRubricPayload:
    """The published rubric."""

    rubric_version: RubricVersion | None = entity(description="The published version.")


async def _publish(tx: Tx, actor: Actor, given: PublishRubricInput, _tools: Tools) -> Mapping[str, str]:
    previous = given.previous_id
    wanted = rubrics.PublishRubric(
        given.title,
        tuple(Wanted(c.code, c.title, c.question, tuple(c.anchors)) for c in given.criteria),
        given.evidence_from,
        reference(previous, "rub", "rubric of yours", "previousId") if previous else None,
    )
    return {"rubric_version": public_id("rub", await rubrics.publish(tx, actor, wanted))}


@strawberry.type
class RubricMutations:
    """Root fields."""

    publish_rubric: PublishRubricPayload | None = command(
        PublishRubricInput,
        _publish,
        permission=Permission.PUBLISH_RUBRIC,
        lock=Lock.CREATES,
        description="Publish a version of your organization's own rubric, for good.",
    )
