"""Subscriptions at the front desk: what changes, told as it happens to whoever may see it."""

import enum
from typing import Final

import strawberry

from countersign.kit.access import Permission
from countersign.reads.bind import entity
from countersign.schema.bulk import BulkOperation, BulkOperationState
from countersign.schema.endorsements import Endorsement
from countersign.schema.reviews import ReviewRequest
from countersign.schema.specs import CredentialSpec, SpecVersion
from countersign.schema.subscriptions_backing import BACKING
from countersign.schema.subscriptions_base import SCHOOL, SPEC, VERSION, FactsOf, event, stream


@strawberry.enum(description="What happened to a credential or one of its versions.")
class SpecEventKind(enum.Enum):
    """What happened to a credential."""

    CREATED = strawberry.enum_value("created", description="The school began it.")
    SUBMITTED = strawberry.enum_value("submitted", description="A version was frozen; it may be reviewed and endorsed.")
    IN_REVIEW = strawberry.enum_value("in_review", description="Somebody was asked to review a version.")
    PUBLISHED = strawberry.enum_value("published", description="The school offers a version.")
    DEPRECATED = strawberry.enum_value("deprecated", description="A version takes no new learners.")
    RETIRED = strawberry.enum_value("retired", description="A version is offered no more.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="A version was taken back before it was published.")


@strawberry.enum(description="What happened to a review request.")
class ReviewEventKind(enum.Enum):
    """What happened to a review request."""

    REQUESTED = strawberry.enum_value("requested", description="A school asks for a review.")
    CLAIMED = strawberry.enum_value("claimed", description="A reviewer has it now.")
    DECIDED = strawberry.enum_value("decided", description="There is a review.")
    DECLINED = strawberry.enum_value("declined", description="The organization will not review.")
    CANCELLED = strawberry.enum_value("cancelled", description="The school took it back.")
    RELEASED = strawberry.enum_value("released", description="Its reviewer has gone: a colleague may take it.")
    RETURNED = strawberry.enum_value("returned", description="A claim ran out or was given back: anyone may take it.")
    EXTENDED = strawberry.enum_value("extended", description="The school gave it a later due date.")
    EXPIRED = strawberry.enum_value("expired", description="Its last day passed without an answer.")


@strawberry.enum(description="What happened to an endorsement.")
class EndorsementEventKind(enum.Enum):
    """What happened to an endorsement."""

    TAKEN = strawberry.enum_value("taken", description="A signatory endorsed; the signature is being made.")
    IN_FORCE = strawberry.enum_value("in_force", description="It is signed and counts.")
    REFUSED = strawberry.enum_value("refused", description="It could not be signed.")
    SUPERSEDED = strawberry.enum_value("superseded", description="A newer one of the same organization replaced it.")
    REVOKED = strawberry.enum_value("revoked", description="The endorser took it back.")
    SUSPENDED = strawberry.enum_value("suspended", description="The endorser paused it: it does not count for now.")
    RESUMED = strawberry.enum_value("resumed", description="Its pause is over: it counts again.")
    EXPIRED = strawberry.enum_value("expired", description="Its time is over, as the portal noticed.")


@event(kinds=SpecEventKind, description="Something happened to a credential or to one of its versions.")
class SpecEvent:
    """Something happened to a credential."""

    spec: CredentialSpec | None = entity(description="The credential, as it is now.")
    version: SpecVersion | None = entity(description="The version, as it is now; null when it is about none.")


@event(kinds=ReviewEventKind, description="Something happened to a review request.")
class ReviewEvent:
    """Something happened to a review request."""

    request: ReviewRequest | None = entity(description="The request, as it is now.")


@event(kinds=EndorsementEventKind, description="Something happened to an endorsement.")
class EndorsementEvent:
    """Something happened to an endorsement."""

    endorsement: Endorsement | None = entity(description="The endorsement, as it is now.")


@event(kinds=BulkOperationState, description="A bulk operation went on; its `kind` is the state that it went into.")
class BulkOperationEvent:
    """A bulk operation went on."""

    operation: BulkOperation | None = entity(description="The operation, as it is now.")


@strawberry.type
class CatalogueSubscriptions:
    """Root fields of subscriptions."""

    spec_changed: SpecEvent = stream(
        topics={
            "spec.created": SpecEventKind.CREATED,
            "spec_version.submitted": SpecEventKind.SUBMITTED,
            "spec_version.in_review": SpecEventKind.IN_REVIEW,
            "spec_version.published": SpecEventKind.PUBLISHED,
            "spec_version.deprecated": SpecEventKind.DEPRECATED,
            "spec_version.retired": SpecEventKind.RETIRED,
            "spec_version.withdrawn": SpecEventKind.WITHDRAWN,
        },
        kinds=SpecEventKind,
        filters={"spec": SPEC, "school": SCHOOL},
        description="Credentials and their versions that you may see, as they change.",
    )
    review_requested: ReviewEvent = stream(
        topics={
            "review.requested": ReviewEventKind.REQUESTED,
            "review.claimed": ReviewEventKind.CLAIMED,
            "review.decided": ReviewEventKind.DECIDED,
            "review.declined": ReviewEventKind.DECLINED,
            "review.cancelled": ReviewEventKind.CANCELLED,
            "review.released": ReviewEventKind.RELEASED,
            "review.returned": ReviewEventKind.RETURNED,
            "review.extended": ReviewEventKind.EXTENDED,
            "review.expired": ReviewEventKind.EXPIRED,
        },
        kinds=ReviewEventKind,
        default=[ReviewEventKind.REQUESTED],
        filters={
            "spec": SPEC,
            "version": VERSION,
            "organization": ("asked", "org", "Asked of this organization alone."),
            "school": SCHOOL,
        },
        requires=Permission.FOLLOW_REVIEWS,
        description="Reviews that your organization is asked for, or asks for; with `kinds` also what becomes of them.",
    )
    endorsement_changed: EndorsementEvent = stream(
        topics={
            "endorsement.taken": EndorsementEventKind.TAKEN,
            "endorsement.in_force": EndorsementEventKind.IN_FORCE,
            "endorsement.refused": EndorsementEventKind.REFUSED,
            "endorsement.superseded": EndorsementEventKind.SUPERSEDED,
            "endorsement.revoked": EndorsementEventKind.REVOKED,
            "endorsement.suspended": EndorsementEventKind.SUSPENDED,
            "endorsement.resumed": EndorsementEventKind.RESUMED,
            "endorsement.expired": EndorsementEventKind.EXPIRED,
        },
        kinds=EndorsementEventKind,
        filters={
            "spec": SPEC,
            "version": VERSION,
            "organization": ("endorser", "org", "Of this endorser alone."),
            "school": SCHOOL,
        },
        description="Endorsements that you may see, as they change. EXPIRED comes some time after `validUntil`.",
    )
    bulk_operation_progressed: BulkOperationEvent = stream(
        topics={"bulk.progressed": BulkOperationState.RUNNING},
        kinds=BulkOperationState,
        state="state",
        filters={"id": ("operation", "bulk", "This operation alone; without it all of your organization.")},
        requires=Permission.FOLLOW_BULK_OPERATIONS,
        description="How bulk operations of your organization go on; at most one event a second for each.",
    )


_OPEN: Final = "not (q.blind and q.unveiled_at is null)"
# A filter by what a blind request hides finds nothing: who listens would learn what is hidden.
_REQUEST: Final = (
    f"q.id as request, case when {_OPEN} then q.spec_version_id end as version,"
    f" case when {_OPEN} then v.spec_id end as spec, q.organization_id as asked,"
    f" case when {_OPEN} then q.school_id end as school"
    " from review_requests q join spec_versions v on v.id = q.spec_version_id"
)
FACTS: Final[FactsOf] = {
    "bulk": "select id as subject, id as operation from bulk_operations where id = any($1)",
    "spec": "select id as subject, id as spec, organization_id as school from specs where id = any($1)",
    "version": "select id as subject, spec_id as spec, id as version, organization_id as school"
    " from spec_versions where id = any($1)",
    "rrq": f"select q.id as subject, {_REQUEST} where q.id = any($1)",
    "rev": f"select r.id as subject, {_REQUEST} join reviews r on r.request_id = q.id where r.id = any($1)",
    "notice": "select id as subject, id as notice, person_id as reader from notices where id = any($1)",
    "end": "select e.id as subject, e.id as endorsement, e.spec_version_id as version, v.spec_id as spec,"
    " e.organization_id as endorser, v.organization_id as school"
    " from endorsements e join spec_versions v on v.id = e.spec_version_id where e.id = any($1)",
    **BACKING,
}
