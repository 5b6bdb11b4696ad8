"""Specifications at the front desk: specs, frozen versions, drafts, and the queries for them."""

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from countersign.endorsements.views import CO_VALIDATED_AT, HIDDEN, LIVE_COUNT, NOT_SHOWN_COUNT, SEEN_WITH_ITS_VERSION
from countersign.reads.bind import arg, bound, column, connection, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.reviews.views import DECLINED_COUNT, VEILED
from countersign.schema.abilities import SpecDraftAbilities, SpecVersionAbilities, viewer_can
from countersign.schema.base import Connection, Node
from countersign.schema.endorsement_lists import ENDORSEMENT_FILTERS, ENDORSEMENT_ORDERS, EndorsementFilter
from countersign.schema.organizations import Organization
from countersign.schema.scalars import URL
from countersign.schema.skills import Skill
from countersign.schema.specs_content import SpecContent
from countersign.schema.specs_listings import Listing, MandatoryElement
from countersign.specs.views import DRAFT, READABLE_V, SPEC, VERSION

if TYPE_CHECKING:
    from countersign.schema.endorsements import Endorsement
    from countersign.schema.foreign import ForeignEndorsement
    from countersign.schema.quorum import CoValidation, CoValidationChange
    from countersign.schema.reviews import ReviewRequest
    from countersign.schema.reviews_changes import ChangeRequest, DraftChangeRequest
    from countersign.schema.reviews_threads import ReviewSuggestion
    from countersign.schema.specs_diff import SpecVersionDiff
    from countersign.schema.stacks import Stack
    from countersign.schema.toolchain import DriftAlarm


@strawberry.enum(description="What a credential is in a line of credentials.")
class SpecKind(enum.Enum):
    """What a credential is in a line."""

    BLOCK = strawberry.enum_value("block", description="A self-contained block that proves one skill.")
    CAPSTONE = strawberry.enum_value("capstone", description="The work that completes a stack of blocks.")
    DIPLOMA = strawberry.enum_value("diploma", description="What a completed stack is exchanged for.")


@strawberry.enum(description="Where a version is in its life.")
class SpecVersionState(enum.Enum):
    """Where a version is in its life."""

    SUBMITTED = strawberry.enum_value("submitted", description="It is frozen and may be reviewed and endorsed.")
    IN_REVIEW = strawberry.enum_value("in_review", description="Somebody was asked to review it.")
    PUBLISHED = strawberry.enum_value("published", description="The school offers it.")
    DEPRECATED = strawberry.enum_value("deprecated", description="It takes no new learners; the enrolled finish.")
    RETIRED = strawberry.enum_value("retired", description="It is offered no more; its awards stay valid.")
    WITHDRAWN = strawberry.enum_value("withdrawn", description="The school took it back before publishing it.")


@strawberry.enum(description="Whether a change may have changed the meaning of what was endorsed.")
class ChangeClass(enum.Enum):
    """Whether a change may have changed the meaning."""

    MATERIAL = strawberry.enum_value("material", description="Something that was endorsed is different.")
    EDITORIAL = strawberry.enum_value("editorial", description="The meaning stands, by the published table.")


SPEC_ORDERS = Orders(
    "CredentialSpecOrder",
    SLUG=Order("{child}.slug", "text", "By slug."),
    CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."),
)
VERSION_ORDERS = Orders(
    "SpecVersionOrder",
    descending=True,
    SEMVER=Order("{child}.ordinal", "bigint", "By version number."),
    SUBMITTED_AT=Order("{child}.submitted_at", "timestamptz", "By the time of submission."),
)
DRAFT_ORDERS = Orders(
    "SpecDraftOrder",
    descending=True,
    UPDATED_AT=Order("{child}.updated_at", "timestamptz", "By the time of the last change."),
)


@strawberry.input(description="Which specifications; all conditions must hold.")
class CredentialSpecFilter:
    """Which specifications."""

    school_id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Only of this school.")
    kind: SpecKind | None = strawberry.field(default=strawberry.UNSET, description="Only of this kind.")
    skill_ids: list[strawberry.ID] | None = strawberry.field(
        default=strawberry.UNSET,
        description="Only those with a version, visible to you, that proves one of these skills; at most 100 of them.",
    )
    state: SpecVersionState | None = strawberry.field(
        default=strawberry.UNSET, description="Only those with a version, visible to you, in this state."
    )
    search: str | None = strawberry.field(
        default=strawberry.UNSET, description="Only those with a version, visible to you, whose title holds this text."
    )


def _some_version(condition: str) -> str:
    return f"exists (select from spec_versions v where v.spec_id = {{child}}.id and {READABLE_V} and {condition})"


SPEC_FILTERS = {
    "filter.schoolId": "{child}.organization_id = {value:id(org)}",
    "filter.kind": "{child}.kind = {value:text}",
    "filter.skillIds": _some_version(
        "exists (select from spec_version_skills k"
        " where k.spec_version_id = v.id and k.skill_id = any({value:ids(skill)}))"
    ),
    "filter.state": _some_version("v.state = {value:text}"),
    "filter.search": _some_version("strpos(lower(v.title), lower({value:text})) > 0"),
}


@strawberry.input(description="Which versions; all conditions must hold.")
class SpecVersionFilter:
    """Which versions."""

    state: SpecVersionState | None = strawberry.field(default=strawberry.UNSET, description="Only in this state.")


@bound(SPEC, description="A credential of a school, over all its versions.", keys=("id", "slug"))
class CredentialSpec(Node):
    """A credential of a school, over all its versions."""

    slug: str = column(description="Its short name in addresses; it never changes.")
    kind: SpecKind = column(description="What it is in a line of credentials.")
    title: str | None = column(description="The title of its published version, else of the latest that you may see.")
    created_at: datetime = column(description="When it was made.")
    revised_at: datetime | None = column(description="When a version was last submitted.")
    school: Organization = one(on="{child}.id = {parent}.organization_id", description="The school that awards it.")
    current_version: Optional["SpecVersion"] = one(
        on="{child}.spec_id = {parent}.id and {child}.state = 'published'",
        order="{child}.ordinal desc",
        visible="true",
        description="The greatest published version.",
    )
    latest_version: Optional["SpecVersion"] = one(
        on="{child}.spec_id = {parent}.id",
        order="{child}.ordinal desc",
        description="The greatest version that you may see, whatever its state.",
    )
    versions: Connection["SpecVersion"] = connection(
        on="{child}.spec_id = {parent}.id",
        orders=VERSION_ORDERS,
        where={"filter.state": "{child}.state = {value:text}"},
        args={"filter": arg(SpecVersionFilter | None, "Which of them.")},
        description="Its versions that you may see.",
    )
    drafts: Connection["SpecDraft"] = connection(
        on="{child}.spec_id = {parent}.id",
        orders=DRAFT_ORDERS,
        description="Its drafts; empty for everybody but its school.",
    )
    stacks: Connection[Annotated["Stack", strawberry.lazy("countersign.schema.stacks")]] = connection(
        on="{child}.capstone_spec_id = {parent}.id or exists (select from stack_blocks b"
        " where b.stack_id = {child}.id and b.spec_id = {parent}.id)",
        description="The stacks that hold it, as a block or as the capstone.",
    )


@bound(
    VERSION, description="A frozen version: its bytes never change, and its digest proves it.", keys=("id", "digest")
)
class SpecVersion(Node):
    """A frozen version."""

    semver: str = column(description="Its number, MAJOR.MINOR.PATCH; never used twice.")
    state: SpecVersionState = column(description="Where it is in its life.")
    title: str = column(description="Its title.")
    digest: str = column(description="SHA-256 of `specJson` in hexadecimal; this is what an endorser signs.")
    url: URL = column(description="Its address: the id of its Open Badges Achievement.")
    achievement: str = column(description="The frozen Open Badges Achievement, byte for byte.")
    spec_json: str = column(description="The frozen `spec.json`, byte for byte: everything that was endorsed.")
    endorsable: bool = column(description="Whether its state allows endorsing.")
    gaps: list[MandatoryElement] = column(
        description="The mandatory elements that it lacks; with one, it stays unpublished."
    )
    change_class: ChangeClass | None = column(
        description="The class of its change from the previous version; null when nothing changed or there is none."
    )
    changed: list[str] = column(description="The field paths that differ from the previous version.")
    submitted_at: datetime = column(description="When it was frozen.")
    published_at: datetime | None = column(description="When the school published it.")
    deprecated_at: datetime | None = column(description="When it stopped taking new learners.")
    retired_at: datetime | None = column(description="When it was retired.")
    withdrawn_at: datetime | None = column(description="When it was withdrawn.")
    spec: CredentialSpec = one(
        on="{child}.id = {parent}.spec_id", visible="true", description="The credential that it is a version of."
    )
    school: Organization = one(on="{child}.id = {parent}.organization_id", description="The school that awards it.")
    previous: Optional["SpecVersion"] = one(
        on="{child}.id = {parent}.previous_id", description="The version that it follows."
    )
    changes_from_previous: Optional[Annotated["SpecVersionDiff", strawberry.lazy("countersign.schema.specs_diff")]] = (  # noqa: UP045
        one(
            on="{child}.from_id = {parent}.previous_id and {child}.to_id = {parent}.id",
            description="What differs from the version that it follows; null when you may not see that one.",
        )
    )
    content: SpecContent = one(description="What it says.")
    skills: list[Skill] = many(
        on="{child}.id in (select k.skill_id from spec_version_skills k where k.spec_version_id = {parent}.id)",
        order="{child}.name, {child}.id",
        size=5,
        description="The skills that it proves.",
    )
    co_validated: bool = column(
        sql=CO_VALIDATED_AT.format(v="{t}", at="{at}"),
        args={"as_of": arg(datetime | None, "At which instant; now if left out.")},
        instant="asOf",
        description="Whether enough independent organizations endorse it, by the policies of that instant.",
    )
    co_validation: Annotated["CoValidation", strawberry.lazy("countersign.schema.quorum")] = one(
        args={"as_of": arg(datetime | None, "At which instant; now if left out.")},
        instant="asOf",
        description="Whether it is co-validated, what is missing, what counts and what does not, and why.",
    )
    co_validation_history: list[Annotated["CoValidationChange", strawberry.lazy("countersign.schema.quorum")]] = many(
        order="{child}.at desc",
        limit=20,
        description="When it became co-validated and when it was so no more, and why; the latest twenty, newest first.",
    )
    foreign_endorsements: list[Annotated["ForeignEndorsement", strawberry.lazy("countersign.schema.foreign")]] = many(
        on="{child}.spec_version_id = {parent}.id and {child}.withdrawn_at is null",
        order="{child}.imported_at desc, {child}.id",
        limit=10,
        description="What was said of it elsewhere, as the school imported it; the latest ten. It is shown apart.",
    )
    live_endorsement_count: int = column(
        sql=LIVE_COUNT.format(v="{t}", now="{now}"), description="How many endorsements of it count now."
    )
    declined_review_count: int = column(
        sql=DECLINED_COUNT.format(v="{t}"),
        description="How many organizations declined to review it, or reviewed it and advise against endorsing.",
    )
    review_requests: Connection[Annotated["ReviewRequest", strawberry.lazy("countersign.schema.reviews")]] = connection(
        on="{child}.spec_version_id = {parent}.id and not " + VEILED.replace("{t}", "{child}"),
        description="The requests to review it that your organization made or received.",
    )
    endorsements: Connection[Annotated["Endorsement", strawberry.lazy("countersign.schema.endorsements")]] = connection(
        on="{child}.spec_version_id = {parent}.id and (not "
        + HIDDEN.format(e="{child}")
        + " or {actor_organization} in ({parent}.organization_id, {child}.organization_id))",
        visible=SEEN_WITH_ITS_VERSION,
        orders=ENDORSEMENT_ORDERS,
        where=ENDORSEMENT_FILTERS,
        args={"filter": arg(EndorsementFilter | None, "Which of them; `live: true` for those that count now.")},
        description="What employers and agencies said of exactly this version. What the school does not show is left"
        " out, but for the school and the endorser; `endorsementsNotShown` says how many that are.",
    )
    endorsements_not_shown: int = column(
        sql=NOT_SHOWN_COUNT.format(v="{t}"),
        description="How many signed endorsements of it the school does not show. They count and verify as ever.",
    )
    drift_alarms: list[Annotated["DriftAlarm", strawberry.lazy("countersign.schema.toolchain")]] = many(
        on="{child}.spec_version_id = {parent}.id and {child}.state in ('open', 'acknowledged')",
        order="{child}.raised_at, {key}",
        size=2,
        limit=100,
        visible="true",
        description="What has moved away from what it teaches, or from what endorsers confirmed of it, and nothing was"
        " done about it yet.",
    )
    change_requests: Connection[Annotated["ChangeRequest", strawberry.lazy("countersign.schema.reviews_changes")]] = (
        connection(
            on="{child}.spec_version_id = {parent}.id",
            description="The changes that reviews of it asked for, between your organization and the other one.",
        )
    )
    answered_change_requests: Connection[
        Annotated["ChangeRequest", strawberry.lazy("countersign.schema.reviews_changes")]
    ] = connection(
        on="{child}.answered_in_id = {parent}.id",
        description="The changes that it answers, between your organization and the other one.",
    )
    viewer_can: SpecVersionAbilities = viewer_can()


@bound(DRAFT, description="What a school is writing; only the school sees it.")
class SpecDraft(Node):
    """What a school is writing."""

    title: str | None = column(description="Its title so far.")
    revision: int = column(description="Counts the changes.")
    submitted: bool = column(description="Whether it was submitted, and is closed.")
    gaps: list[MandatoryElement] = column(description="The mandatory elements that it lacks.")
    created_at: datetime = column(description="When it was begun.")
    updated_at: datetime = column(description="When it was last changed; give it back when you edit or submit.")
    spec: CredentialSpec = one(on="{child}.id = {parent}.spec_id", description="The credential that it is a draft of.")
    content: SpecContent = one(description="What it says so far.")
    base_version: SpecVersion | None = one(
        on="{child}.id = {parent}.base_version_id", description="The version that it was begun from."
    )
    submitted_version: SpecVersion | None = one(
        on="{child}.id = {parent}.version_id", description="The version that it became."
    )
    listing: Listing | None = one(
        on="{child}.id = {parent}.listing_id", description="The catalogue entry that it was begun from."
    )
    change_requests: list[Annotated["DraftChangeRequest", strawberry.lazy("countersign.schema.reviews_changes")]] = (
        many(
            order="{child}.raised_at, {key}",
            size=5,
            description="The changes that wait for an answer, or that it ticks off, the oldest first.",
        )
    )
    accepted_suggestions: list[Annotated["ReviewSuggestion", strawberry.lazy("countersign.schema.reviews_threads")]] = (
        many(
            on="{child}.draft_id = {parent}.id",
            order="{child}.decided_at, {child}.id",
            size=2,
            description="Words in it that reviewers suggested and the school accepted: whose they are stays known.",
        )
    )
    viewer_can: SpecDraftAbilities = viewer_can()


@strawberry.input(one_of=True, description="How to name one specification: by exactly one of these.")
class CredentialSpecBy:
    """How to name one specification."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    slug: str | None = strawberry.field(default=strawberry.UNSET, description="Its slug.")


@strawberry.input(description="A version by its specification's slug and its number.")
class SpecVersionAt:
    """A version by slug and number."""

    slug: str = strawberry.field(description="The specification's slug.")
    semver: str = strawberry.field(description="The version number.")


@strawberry.input(one_of=True, description="How to name one version: by exactly one of these.")
class SpecVersionBy:
    """How to name one version."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    digest: str | None = strawberry.field(default=strawberry.UNSET, description="Its digest.")
    at: SpecVersionAt | None = strawberry.field(default=strawberry.UNSET, description="Its slug and number.")


@strawberry.type
class SpecQueries:
    """Root fields."""

    credential_spec: CredentialSpec | None = find(
        by_id=False,
        args={"by": arg(CredentialSpecBy, "Which one.")},
        where={"by.id": "{child}.id = {value:id(spec)}", "by.slug": "{child}.slug = {value:text}"},
        description="One specification, or null when there is none that you may see.",
    )
    credential_specs: Connection[CredentialSpec] = connection(
        orders=SPEC_ORDERS,
        where=SPEC_FILTERS,
        args={"filter": arg(CredentialSpecFilter | None, "Which of them.")},
        description="Specifications that you may see: published ones, your own, those you were asked to review.",
    )
    spec_version: SpecVersion | None = find(
        by_id=False,
        args={"by": arg(SpecVersionBy, "Which one.")},
        where={
            "by.id": "{child}.id = {value:id(version)}",
            "by.digest": "{child}.digest = {value:text}",
            "by.at.slug": "{child}.spec_id = (select s.id from specs s where s.slug = {value:text})",
            "by.at.semver": "{child}.semver = {value:text}",
        },
        description="One frozen version, or null when there is none that you may see.",
    )
    spec_drafts: Connection[SpecDraft] = connection(
        orders=DRAFT_ORDERS,
        where={"submitted": "({child}.version_id is not null) = {value:boolean}"},
        args={"submitted": arg(bool | None, "Only those that were, or were not, submitted.")},
        description="The drafts of your school; empty for everybody else.",
    )
