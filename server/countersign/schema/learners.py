"""Learners at the front desk: who you are, and for learners everything that is kept of them."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final

import strawberry

from countersign.awards import consent
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.view import View
from countersign.learners import rules
from countersign.learners.views import CONSENT, LEARNER
from countersign.reads.bind import bound, column, connection, entity, many, one
from countersign.reads.identity import Sealed
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload
from countersign.schema.organizations import Organization
from countersign.schema.scalars import CountryCode
from countersign.search.views import CANDIDATE_VIEW

if TYPE_CHECKING:
    from countersign.schema.awards import Award

OWN: Final = Sealed(id=None)

VIEWER: Final = View(
    tag="viewer",
    source="(select {actor_organization} as organization_id, {actor_person} as person_id,"
    " {actor_learner} as learner_id, 1 as one) {t}",
    columns={
        "roles": "array(select distinct upper(r) from memberships m, unnest(m.roles) r"
        " where m.organization_id = {t}.organization_id and m.person_id = {t}.person_id and m.valid_from <= {now}"
        " and (m.valid_until is null or m.valid_until > {now}) order by 1)"
    },
    visible="({t}.organization_id is not null or {t}.learner_id is not null)",
    key="{t}.one",
)


@strawberry.enum(description="What a learner may allow.")
class ConsentPurpose(enum.Enum):
    """What a learner may allow."""

    TALENT_SEARCH = strawberry.enum_value(
        "talent_search",
        description="To be found by recruiters: your region and your valid awards under a pseudonym, never your name.",
    )


@strawberry.enum(description="How a consent reached us.")
class ConsentMethod(enum.Enum):
    """How a consent reached us."""

    PORTAL = strawberry.enum_value("portal", description="Given by the learner here.")
    FILE = strawberry.enum_value("file", description="Given by the learner elsewhere and brought by the operator.")


@strawberry.enum(description="What a member may do for the organization.")
class MemberRole(enum.Enum):
    """What a member may do."""

    AUTHOR = strawberry.enum_value("author", description="Writes, submits and publishes specs.")
    REVIEWER = strawberry.enum_value("reviewer", description="Reviews specs.")
    SIGNATORY = strawberry.enum_value("signatory", description="Signs and revokes endorsements.")
    REGISTRAR = strawberry.enum_value("registrar", description="Issues and revokes awards.")
    RECRUITER = strawberry.enum_value("recruiter", description="Searches candidates.")
    ORG_ADMIN = strawberry.enum_value("org_admin", description="Runs the organization's account.")
    AUDITOR = strawberry.enum_value("auditor", description="Reads what was done.")


@bound(CONSENT, description="What a learner allowed, from when until when. It is never changed but for its end.")
class Consent:
    """What a learner allowed."""

    purpose: ConsentPurpose = column(description="What for.")
    method: ConsentMethod = column(description="How it reached us.")
    granted_at: datetime = column(description="When it was given.")
    expires_at: datetime | None = column(description="When it ends by itself.")
    withdrawn_at: datetime | None = column(description="When it was taken back.")
    stands: bool = column(description="Whether it counts now.")


@bound(CANDIDATE_VIEW, description="An organization saw you among its candidates on a day.", key_type="text")
class Sighting:
    """An organization saw a learner."""

    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Who saw you.")
    viewed_on: date = column(description="The day (UTC).")
    first_viewed_at: datetime = column(description="When it saw you first on that day.")


@bound(LEARNER, description="A learner, readable by themselves alone.", identity=OWN, key_type="bigint")
class Learner(Node):
    """A learner."""

    full_name: str = column(description="The name.")
    email: str = column(description="The e-mail address.")
    country: CountryCode = column(description="The country.")
    region: str | None = column(description="The region (ISO 3166-2).")
    created_at: datetime = column(description="When the first award made them known here.")
    consents: list[Consent] = many(
        on="{child}.learner_id = {parent}.learner_id",
        order="{child}.granted_at desc, {child}.id desc",
        description="Everything that was allowed and taken back, the latest first.",
    )
    awards: Connection[Annotated["Award", strawberry.lazy("countersign.schema.awards")]] = connection(
        on="{child}.learner_id = {parent}.learner_id", description="The awards, the oldest first."
    )
    seen_by: Connection[Sighting] = connection(
        on="{child}.learner_id = {parent}.learner_id", description="Which organizations saw you in a search, by day."
    )


@bound(VIEWER, description="Who you are to this server.", key_type="int")
class Viewer:
    """Who you are."""

    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id", description="The organization for which you act."
    )
    roles: list[MemberRole] = column(description="What you may do for it, as far as your token goes.")
    learner: Learner | None = one(
        on="{child}.learner_id = {parent}.learner_id", description="Yourself, when you act as a learner."
    )


@strawberry.type
class LearnerQueries:
    """Root fields."""

    viewer: Viewer | None = one(description="Who you are; null when you are not signed in.")


@strawberry.input(description="What you allow or take back.")
class SetConsentInput(CommandInput):
    """What a learner allows."""

    purpose: ConsentPurpose = strawberry.field(description="What for.")
    granted: bool = strawberry.field(description="True to allow, false to take it back.")
    expires_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When it ends by itself; it stands until taken back if left out."
    )


@payload(description="You, with what you allow now.")
class SetConsentPayload:
    """The learner."""

    learner: Learner | None = entity(description="You, with what you allow now.")


async def _set_consent(tx: Tx, actor: Actor, given: SetConsentInput, tools: Tools) -> Mapping[str, str]:
    learner_id = await consent.set_consent(
        tx,
        actor,
        consent.SetConsent(rules.Purpose(given.purpose.value), given.granted, given.expires_at or None),
    )
    return {"learner": OWN.seal(tools.sealer, actor, LEARNER.tag, OWN.pack(learner_id))}


@strawberry.type
class LearnerMutations:
    """Root fields."""

    set_consent: SetConsentPayload | None = command(
        SetConsentInput,
        _set_consent,
        permission=Permission.SET_CONSENT,
        lock=Lock.STATE,
        because="the learner's own word: rows are only added and ended, and taking it back must never be refused",
        description="Allow to be found, or take it back: at once, in pages, counts and facets. Only for yourself.",
    )
