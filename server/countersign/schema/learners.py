"""Learners at the front desk: who you are, and for learners everything that is kept of them."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final

import strawberry

from countersign.awards import consent
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.sight import caller
from countersign.kit.view import View
from countersign.learners import receipts, rules
from countersign.learners import service as learners
from countersign.learners.views import CONSENT, CONSENT_TEXT, IDENTITY, LEARNER, RECEIPT, RECORDS, SIGHTING
from countersign.organizations.views import ORGANIZATION, ROLES_NOW
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, connection, entity, many, one, sealed, slot
from countersign.reads.identity import Sealed
from countersign.schema.abilities import ViewerAbilities
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization
from countersign.schema.scalars import CountryCode, LanguageTag

if TYPE_CHECKING:
    from countersign.schema.awards import Award
    from countersign.schema.members import Membership

OWN: Final = Sealed(id=None)
MERGED: Final = "exists (select from learner_merges m where m.learner_id = {0}.learner_id)"
OF_PERSON: Final = "{child}.learner_id = any(" + RECORDS.replace("{0}", "{parent}.learner_id") + ")"

VIEWER: Final = View(
    tag="viewer",
    source="(select {actor_organization} as organization_id, {actor_person} as person_id,"
    " {actor_learner} as learner_id, 1 as one) {t}",
    columns={
        "roles": f"array(select distinct upper(r) from memberships m, unnest({ROLES_NOW.replace('{m}', 'm')}) r"
        " where m.organization_id = {t}.organization_id and m.person_id = {t}.person_id and m.valid_from <= {now}"
        " and (m.valid_until is null or m.valid_until > {now}) order by 1)",
        "is_learner": "({t}.learner_id is not null or exists (select from account_learners b"
        " where b.account_id = {t}.person_id))",
    },
    seen=(caller("({t}.person_id is not null or {t}.learner_id is not null)"),),
    key="{t}.one",
)


@strawberry.enum(description="What a learner may allow.")
class ConsentPurpose(enum.Enum):
    """What a learner may allow."""

    TALENT_SEARCH = strawberry.enum_value(
        "talent_search",
        description="To be found by recruiters: your region and your valid awards under a pseudonym, never your name.",
    )
    CONTACT_BY = strawberry.enum_value("contact_by", description="To be sent requests for contact by one organization.")
    OUTCOME = strawberry.enum_value(
        "outcome", description="What became of you after an award, counted with others under the version you earned."
    )
    ANALYTICS = strawberry.enum_value("analytics", description="To be counted in statistics of supply and demand.")
    PUBLIC_PROFILE = strawberry.enum_value("public_profile", description="To be shown publicly by name.")


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


@bound(
    CONSENT_TEXT,
    description="What a learner reads before consenting. A text never changes; other words are a new version.",
    key_type="text",
)
class ConsentText:
    """What a learner reads before consenting."""

    purpose: ConsentPurpose = column(description="What it is about.")
    version: str = column(description="Its version: the day since which it is in force.")
    language: LanguageTag = column(description="The language in which it is written.")
    title: str = column(description="Its heading.")
    body: str = column(description="Its words; an empty line parts paragraphs.")
    sha256: str = column(description="SHA-256 of heading, empty line and words (UTF-8), in hexadecimal.")
    in_force: bool = column(description="Whether it is the one to be read now.")


def _receipt(facts: bytes, _call: Call) -> str:
    return receipts.receipt(facts)


@bound(CONSENT, description="What a learner allowed, from when until when. It is never changed but for its end.")
class Consent:
    """What a learner allowed."""

    purpose: ConsentPurpose = column(description="What for.")
    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id", description="Whom you allow to contact you (CONTACT_BY)."
    )
    text: ConsentText | None = one(
        on="{child}.purpose = {parent}.purpose and {child}.version = {parent}.text_version"
        " and {child}.language = {parent}.language",
        description="What was read; null when it came as a file, or before there were texts.",
    )
    method: ConsentMethod = column(description="How it reached us.")
    granted_at: datetime = column(description="When it was given.")
    expires_at: datetime | None = column(description="When it ends by itself.")
    withdrawn_at: datetime | None = column(description="When it was taken back.")
    stands: bool = column(description="Whether it counts now.")
    receipt: str = slot(
        payload=RECEIPT,
        maker=_receipt,
        description="A receipt to keep: purpose, words, language, times, as JSON; it holds no name and no address.",
    )


@bound(
    IDENTITY,
    description="One address under which schools know you. Awards sent to any of them are yours.",
    key_type="bigint",
)
class LearnerIdentity:
    """One address of a learner."""

    email: str | None = sealed(learners.EMAIL, description="The e-mail address; null once you were erased.")
    main: bool = column(sql=f"(not {MERGED.format('{t}')})", description="Whether it is the one that stands for you.")
    created_at: datetime = column(description="When the first award was sent to it.")


@bound(SIGHTING, description="An organization saw you among its candidates on a day.", key_type="text")
class Sighting:
    """An organization saw a learner."""

    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Who saw you.")
    viewed_on: date = column(description="The day (UTC).")
    first_viewed_at: datetime = column(description="When it saw you first on that day.")
    purpose: ConsentPurpose = column(description="Why: the consent under which it saw you.")


@bound(LEARNER, description="A learner, readable by themselves alone.", identity=OWN, key_type="bigint")
class Learner(Node):
    """A learner."""

    full_name: str = sealed(learners.NAME, description="The name.")
    email: str = sealed(learners.EMAIL, description="The e-mail address.")
    country: CountryCode = column(description="The country.")
    region: str | None = column(description="The region (ISO 3166-2).")
    created_at: datetime = column(description="When the first award made them known here.")
    identities: list[LearnerIdentity] = many(
        on=OF_PERSON,
        order=MERGED.format("{child}") + ", {child}.learner_id",
        size=2,
        description="Every address under which schools know you, the one that stands for you first.",
    )
    consents: list[Consent] = many(
        on=OF_PERSON,
        order="{child}.granted_at desc, {child}.id desc",
        description="Everything that was allowed and taken back, the latest first.",
    )
    awards: Connection[Annotated["Award", strawberry.lazy("countersign.schema.awards")]] = connection(
        on=OF_PERSON, description="The awards, the oldest first; one that waits for its own claim is not among them."
    )
    seen_by: Connection[Sighting] = connection(
        on=OF_PERSON, description="Which organizations saw you in a search, by day."
    )


@bound(VIEWER, description="Who you are to this server.", key_type="int")
class Viewer:
    """Who you are."""

    organization: Organization | None = one(
        on="{child}.id = {parent}.organization_id", description="The organization for which you act."
    )
    roles: list[MemberRole] = column(description="What you may do for it, as far as your token goes.")
    is_learner: bool = column(
        description="Whether you are a learner, for whomever you act now; as a learner you act as `self`."
    )
    learner: Learner | None = one(
        on="{child}.learner_id = {parent}.learner_id", description="Yourself, when you act as a learner."
    )
    memberships: list[Annotated["Membership", strawberry.lazy("countersign.schema.members")]] = many(
        on="({child}.person_id = {actor_account} or ({child}.person_id = {parent}.person_id"
        " and {child}.organization_id = {parent}.organization_id))"
        " and {child}.valid_from <= {now} and ({child}.valid_until is null or {child}.valid_until > {now})",
        order="{child}.valid_from, {child}.id",
        limit=100,
        description="For which organizations you may act, and what you may do there. A token acts for one alone.",
    )
    can: ViewerAbilities = one(description="What you may do for whom you act, whatever it is done to.")


@strawberry.type
class LearnerQueries:
    """Root fields."""

    viewer: Viewer | None = one(description="Who you are; null when you are not signed in.")
    consent_texts: list[ConsentText] = many(
        where={"language": "{child}.language = {value:text}"},
        args={"language": arg(LanguageTag | None, "Only in this language: `en` or `ru`.")},
        order="{child}.purpose, {child}.version desc, {child}.language",
        description="Every text to which learners consented or may consent, the latest of each purpose first.",
    )


@strawberry.input(description="What you allow or take back.")
class SetConsentInput(CommandInput):
    """What a learner allows."""

    purpose: ConsentPurpose = strawberry.field(description="What for.")
    granted: bool = strawberry.field(description="True to allow, false to take it back.")
    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Who may contact you; for CONTACT_BY, and only there."
    )
    text_version: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="The version of the text that you read; when another one is in force by now, nothing is allowed. "
        "The one in force if left out.",
    )
    language: LanguageTag = strawberry.field(
        default=LanguageTag("en"), description="The language in which you read it: `en` or `ru`."
    )
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
        consent.SetConsent(
            rules.Purpose(given.purpose.value),
            given.granted,
            given.expires_at or None,
            reference(given.organization_id, ORGANIZATION.tag, "employer or agency", "organizationId")
            if given.organization_id
            else None,
            given.text_version or None,
            given.language,
        ),
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
        description="Allow one purpose, or take it back; who is not to be found is gone at once, in pages and counts. "
        "Only for yourself. What was taken back is never revived: allowing again is a new consent.",
    )
