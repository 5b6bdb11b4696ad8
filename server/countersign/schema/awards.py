"""Awards at the front desk: schools issue and revoke them, learners read their own."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final, Optional

import strawberry

from countersign.awards import credentials, rules, service
from countersign.awards.views import AWARD
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import NotFound
from countersign.learners.service import Person
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, connection, entity, find, one, sealed, slot
from countersign.reads.identity import Sealed
from countersign.schema.abilities import AwardAbilities, viewer_can
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.claim_factors import ClaimFactorInput, factor_of
from countersign.schema.organizations import Organization
from countersign.schema.scalars import URL, CountryCode
from countersign.specs.views import VERSION

if TYPE_CHECKING:
    from countersign.schema.specs import SpecVersion

ROUTE: Final = Sealed()


@strawberry.enum(description="Where an award stands.")
class AwardState(enum.Enum):
    """Where an award stands."""

    ISSUED = strawberry.enum_value("issued", description="Valid.")
    SUSPENDED = strawberry.enum_value("suspended", description="Not valid for the time being.")
    REVOKED = strawberry.enum_value("revoked", description="Withdrawn by the school, for good.")
    EXPIRED = strawberry.enum_value("expired", description="Over by time.")


@strawberry.enum(description="How the learner came to an award.")
class AwardMode(enum.Enum):
    """How the learner came to an award."""

    STUDY = strawberry.enum_value("study", description="By studying and passing the assessment.")
    PRIOR_LEARNING = strawberry.enum_value("prior_learning", description="By recognition of prior learning.")


def _shared(payload_: bytes, call: Call) -> str:
    """The address under which the holder shares the credential: `<origin>/awards/<sealed id>`."""
    route, origin = payload_[: rules.PAYLOAD_LENGTH], payload_[rules.PAYLOAD_LENGTH :].decode()
    return f"{origin}/awards/{ROUTE.seal(call.sealer, call.actor, AWARD.tag, route)}"


@bound(
    AWARD,
    description="One learner's award of one version, readable by the learner and the school's registrars.",
    identity=ROUTE,
)
class Award(Node):
    """One learner's award of one version."""

    state: AwardState = column(description="Where it stands.")
    mode: AwardMode = column(description="How the learner came to it.")
    earned_on: date = column(sql="{t}.awarded_on", description="The day on which it was earned.")
    issued_at: datetime = column(description="When it was issued here.")
    claimed_at: datetime | None = column(
        description="When its learner claimed it, with the link and the second factor."
    )
    holder_name: str | None = sealed(
        service.HOLDER, description="The learner's name, as the school wrote it; null once the learner was erased."
    )
    signed: bool = column(description="Whether its credential is signed; asking for its address signs it.")
    credential: str | None = sealed(
        credentials.CREDENTIAL,
        column="{t}.credential",
        description="The signed credential (Open Badges 3.0), the very bytes as text; null until it is signed, and once"
        " the learner was erased.",
    )
    url: URL = slot(
        payload=ROUTE.payload() + " || (select convert_to(i.value, 'UTF8') from installation i"
        " where i.key = 'public_origin')",
        maker=_shared,
        description="Where the signed credential is served to whoever the holder gives this address.",
    )
    revoked_at: datetime | None = column(description="When it was revoked.")
    revocation_reason: str | None = sealed(service.REASON, description="Why it was revoked.")
    school: Organization = one(on="{child}.id = {parent}.organization_id", description="The school that awarded it.")
    spec_version: Optional[Annotated["SpecVersion", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.spec_version_id", description="The version that was earned."
    )
    viewer_can: AwardAbilities = viewer_can()


@strawberry.input(description="Which awards; all conditions must hold.")
class AwardFilter:
    """Which awards."""

    spec_version_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this version."
    )
    state: AwardState | None = strawberry.field(default=strawberry.UNSET, description="Only those that stand so.")
    claimed: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that were claimed, or that were not."
    )


@strawberry.type
class AwardQueries:
    """Root fields."""

    award: Award | None = find(description="One award: of your own, or, for who may issue awards, of your school's.")
    awards: Connection[Award] = connection(
        where={
            "filter.specVersionId": "{child}.spec_version_id = {value:id(version)}",
            "filter.state": "{child}.state = {value:text}",
            "filter.claimed": "({child}.claimed_at is not null) = {value:boolean}",
        },
        args={"filter": arg(AwardFilter | None, "Which of them.")},
        requires=Permission.ISSUE_AWARD,
        description="The awards of your school, the oldest first.",
    )


@strawberry.input(description="Whom you award which version of your own.")
class IssueAwardInput(CommandInput):
    """An award."""

    spec_version_id: strawberry.ID = strawberry.field(description="The version: published, or deprecated (teach-out).")
    email: str = strawberry.field(description="The learner's e-mail address; a learner who is unknown is enrolled.")
    full_name: str = strawberry.field(description="The learner's name, as it stands on this award.")
    country: CountryCode = strawberry.field(description="The learner's country.")
    region: str | None = strawberry.field(
        default=strawberry.UNSET, description="The learner's region (ISO 3166-2), such as DE-BE."
    )
    earned_on: date = strawberry.field(description="The day on which it was earned.")
    mode: AwardMode = strawberry.field(default=AwardMode.STUDY, description="How the learner came to it.")
    factor: ClaimFactorInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="What your roster knows of the learner; who claims the award with a link must know it too.",
    )


@strawberry.input(description="Which award you revoke, and why.")
class RevokeAwardInput(CommandInput):
    """A revocation."""

    award_id: strawberry.ID = strawberry.field(description="The award, of your own school.")
    reason: str = strawberry.field(description="Why; the learner reads it.")


@payload(description="The new award.")
class IssueAwardPayload:
    """The new award."""

    award: Award | None = entity(description="The new award.")


@payload(description="The revoked award.")
class RevokeAwardPayload:
    """The revoked award."""

    award: Award | None = entity(description="The revoked award.")


def _sealed(issued: service.Issued, actor: Actor, tools: Tools) -> Mapping[str, str]:
    return {"award": ROUTE.seal(tools.sealer, actor, AWARD.tag, ROUTE.pack(issued.learner_id, issued.award_id))}


async def _issue(tx: Tx, actor: Actor, given: IssueAwardInput, tools: Tools) -> Mapping[str, str]:
    issued = await service.issue(
        tx,
        actor,
        service.IssueAward(
            spec_version_id=reference(given.spec_version_id, VERSION.tag, "spec version", "specVersionId"),
            person=Person(given.email, given.full_name, given.country, given.region or None),
            awarded_on=given.earned_on,
            mode=rules.Mode(given.mode.value),
            factor=factor_of(given.factor or None),
        ),
    )
    return _sealed(issued, actor, tools)


async def _revoke(tx: Tx, actor: Actor, given: RevokeAwardInput, tools: Tools) -> Mapping[str, str]:
    opened = ROUTE.open(tools.sealer, actor, AWARD.tag, given.award_id)
    if opened is None or opened[1] is None:
        raise NotFound(what="award", path=("awardId",))
    revoked = await service.revoke(tx, actor, service.RevokeAward(opened[0], opened[1], given.reason))
    return _sealed(revoked, actor, tools)


@strawberry.type
class AwardMutations:
    """Root fields."""

    issue_award: IssueAwardPayload | None = command(
        IssueAwardInput,
        _issue,
        permission=Permission.ISSUE_AWARD,
        lock=Lock.CREATES,
        description="Award a version of your school's own to a learner; its credential is signed within seconds.",
    )
    revoke_award: RevokeAwardPayload | None = command(
        RevokeAwardInput,
        _revoke,
        permission=Permission.REVOKE_AWARD,
        lock=Lock.STATE,
        because="what was awarded never changes; one revocation is kept, a second finds nothing valid",
        description="Revoke an award of your school's own: verifiers and recruiters see it at once.",
    )
