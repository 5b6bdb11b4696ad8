"""Lists of endorsements, wherever they stand: under a version, under an organization, at the root."""

import enum
from datetime import datetime

import strawberry

from countersign.endorsements.views import ENDORSEMENT, IN_FORCE_AT, LIVE
from countersign.reads.orders import Order, Orders
from countersign.schema.evidence import EvidenceKind


@strawberry.enum(description="Where an endorsement stands now.")
class EndorsementState(enum.Enum):
    """Where an endorsement stands now."""

    SIGNING = strawberry.enum_value("signing", description="It waits for its signature; only the endorser sees it.")
    IN_FORCE = strawberry.enum_value("in_force", description="It is signed and counts.")
    SUSPENDED = strawberry.enum_value("suspended", description="It does not count for the time being.")
    EXPIRED = strawberry.enum_value("expired", description="Its time is over.")
    SUPERSEDED = strawberry.enum_value("superseded", description="The endorser renewed it.")
    REVOKED = strawberry.enum_value("revoked", description="The endorser took it back, and says why.")
    REFUSED = strawberry.enum_value("refused", description="It could not be signed; only the endorser sees it.")


@strawberry.enum(description="Whether the person who signed an endorsement may sign for the endorser today.")
class SignatoryStanding(enum.Enum):
    """Whether the person who signed may sign for the endorser today."""

    STILL_SIGNATORY = strawberry.enum_value("still_signatory", description="They may.")
    LEFT = strawberry.enum_value("left", description="They left, or have signing authority no more.")


ENDORSEMENT_ORDERS = Orders(
    "EndorsementOrder",
    REQUESTED_AT=Order("{child}.requested_at", "timestamptz", "By the time of endorsing."),
    VALID_UNTIL=Order("{child}.valid_until", "timestamptz", "By the end of validity."),
    descending=True,
)


@strawberry.input(description="Which endorsements; all conditions must hold.")
class EndorsementFilter:
    """Which endorsements."""

    live: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that count now, or only those that do not."
    )
    in_force_at: datetime | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only those that counted at this moment, whatever came of them since: endorsed then, not now.",
    )
    state: EndorsementState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")
    endorser_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this organization."
    )
    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this version."
    )
    evidence_kind: EvidenceKind | None = strawberry.field(
        default=strawberry.UNSET, description="Only those backed by evidence of this kind."
    )


ENDORSEMENT_FILTERS = {
    "filter.live": LIVE.format(e="{child}", now="{now}") + " = {value:boolean}",
    "filter.inForceAt": IN_FORCE_AT.format(e="{child}", at="{value:timestamptz}"),
    "filter.state": ENDORSEMENT.columns["state"].replace("{t}", "{child}") + " = {value:text}",
    "filter.endorserId": "{child}.organization_id = {value:id(org)}",
    "filter.specVersionId": "{child}.spec_version_id = {value:id(version)}",
    "filter.evidenceKind": "exists (select from endorsement_evidence ev where ev.endorsement_id = {child}.id"
    " and ev.kind = {value:text})",
}
