"""What a specification says, at the front desk: the same for a version and for a draft."""

import enum
from datetime import date
from decimal import Decimal

import strawberry

from countersign.reads.bind import bound, column, many, one
from countersign.schema.rendering import as_html
from countersign.schema.scalars import HTML, CurrencyCode, Duration, LanguageTag, Markdown
from countersign.schema.skills import Skill
from countersign.specs.views import (
    ALIGNMENT,
    ASSESSMENT,
    CONTENT,
    CRITERION,
    LEVEL,
    OUTCOME,
    PRICE,
    QUALITY_ASSURANCE,
    TOOL,
)


@strawberry.enum(description="How outcomes are proven.")
class AssessmentType(enum.Enum):
    """How outcomes are proven."""

    TESTING = strawberry.enum_value("testing", description="A test or an examination.")
    APPLICATION_OF_A_SKILL = strawberry.enum_value("application_of_a_skill", description="A piece of work is done.")
    PORTFOLIO = strawberry.enum_value("portfolio", description="Collected work is judged.")
    RECOGNITION_OF_PRIOR_LEARNING = strawberry.enum_value(
        "recognition_of_prior_learning", description="What was learned elsewhere is recognised."
    )


@strawberry.enum(description="Supervision and identity verification during assessment.")
class Supervision(enum.Enum):
    """Supervision and identity verification."""

    UNSUPERVISED_NO_IDENTITY_VERIFICATION = strawberry.enum_value(
        "unsupervised_no_identity_verification", description="Nobody watches, nobody checks who it is."
    )
    SUPERVISED_NO_IDENTITY_VERIFICATION = strawberry.enum_value(
        "supervised_no_identity_verification", description="Somebody watches, nobody checks who it is."
    )
    SUPERVISED_WITH_IDENTITY_VERIFICATION = strawberry.enum_value(
        "supervised_with_identity_verification", description="Somebody watches and checks who it is, online or onsite."
    )


@strawberry.enum(description="The form of participation in the learning.")
class Participation(enum.Enum):
    """The form of participation."""

    ONLINE = strawberry.enum_value("online", description="Over the network.")
    ONSITE = strawberry.enum_value("onsite", description="At a place of the school.")
    BLENDED = strawberry.enum_value("blended", description="Partly online, partly onsite.")
    WORKPLACE = strawberry.enum_value("workplace", description="At work.")


@strawberry.enum(description="What underpins the quality.")
class QualityAssuranceType(enum.Enum):
    """What underpins the quality."""

    INTERNAL = strawberry.enum_value("internal", description="The school reviews itself.")
    EXTERNAL = strawberry.enum_value("external", description="Somebody outside reviews.")
    PROGRAMME_ACCREDITATION = strawberry.enum_value(
        "programme_accreditation", description="The programme is accredited."
    )
    INSTITUTIONAL_ACCREDITATION = strawberry.enum_value(
        "institutional_accreditation", description="The school is accredited."
    )


@strawberry.enum(description="Whether a credential stands alone or counts towards another.")
class Integration(enum.Enum):
    """Whether a credential stands alone."""

    STAND_ALONE = strawberry.enum_value("stand_alone", description="It stands alone.")
    STACKABLE = strawberry.enum_value("stackable", description="It counts towards another credential.")


@strawberry.enum(description="A cycle of higher education (QF-EHEA).")
class Cycle(enum.Enum):
    """A cycle of higher education."""

    SHORT = strawberry.enum_value("short", description="The short cycle.")
    FIRST = strawberry.enum_value("first", description="The first cycle: bachelor.")
    SECOND = strawberry.enum_value("second", description="The second cycle: master.")
    THIRD = strawberry.enum_value("third", description="The third cycle: doctorate.")


@bound(OUTCOME, description="A learning outcome: what a holder can do.")
class Outcome:
    """A learning outcome."""

    key: str = column(description="Its short name within the specification.")
    statement: str = column(description="What a holder can do.")
    primary: bool = column(description="Whether this is the one that the credential stands for.")
    criterion: str | None = column(description="What is observed to judge it.")
    threshold: str | None = column(description="From which value on it is reached.")
    conditions: str | None = column(description="Under which conditions it is shown.")
    measurable: bool = column(description="Whether criterion and threshold are both stated.")
    skills: list[Skill] = many(
        on="{child}.uri in (select jsonb_array_elements_text({parent}.item->'skills'))",
        order="{child}.name, {child}.id",
        size=5,
        description="The skills that it shows.",
    )


@bound(LEVEL, description="One anchored level of a rubric criterion.")
class RubricLevel:
    """One anchored level."""

    key: str = column(description="Its short name within the criterion.")
    name: str = column(description="Its name.")
    level: str | None = column(description="Its number or letter.")
    points: Decimal | None = column(description="The points that it gives.")
    description: str | None = column(description="What work at this level looks like.")


@bound(CRITERION, description="One criterion of the rubric by which the assessment is judged.")
class RubricCriterion:
    """One criterion of the rubric."""

    key: str = column(description="Its short name within the specification.")
    name: str = column(description="Its name.")
    description: str | None = column(description="What is judged.")
    required_level: str | None = column(description="The key of the level that passes.")
    levels: list[RubricLevel] = many(order="{child}.no", size=5, description="Its levels, in the school's order.")


@bound(ASSESSMENT, description="The credential's own assessment.")
class Assessment:
    """The credential's own assessment."""

    types: list[AssessmentType] = column(description="How the outcomes are proven.")
    description: Markdown | None = column(description="What is done and how it is judged.")
    description_html: HTML | None = as_html(ASSESSMENT, "description", "What is done and how it is judged")
    pass_mark: str | None = column(description="What is needed to pass.")
    supervision: Supervision | None = column(description="Who watches, and whether identity is checked.")
    duration: Duration | None = column(description="How long it takes.")
    external_assessor: bool = column(description="Whether somebody from outside the school assesses.")
    rubric: list[RubricCriterion] = many(order="{child}.no", size=5, description="The criteria by which it is judged.")


@bound(TOOL, description="A tool that a holder has worked with.")
class Tool:
    """A tool that a holder has worked with."""

    name: str = column(description="Its name.")
    version: str | None = column(description="Its version or range of versions.")
    checked_on: date | None = column(description="The day somebody checked that this is current.")
    purpose: str | None = column(description="What it is used for.")
    skill: Skill | None = one(
        on="{child}.uri = {parent}.item->>'skill'", description="The tool as a skill of a framework."
    )


@bound(ALIGNMENT, description="A link to a skill of a framework that the credential proves.")
class AlignedSkill:
    """A link to a skill of a framework."""

    uri: str = column(description="The skill's URI.")
    name: str | None = column(description="The skill's name as it stood when the version was frozen.")
    framework: str | None = column(description="The framework's name as it stood then.")
    matched: bool = column(description="Whether the link was found by matching, and not stated by the school.")
    skill: Skill | None = one(on="{child}.uri = {parent}.item->>'uri'", description="The skill as it is now.")


@bound(QUALITY_ASSURANCE, description="Who assures the quality, and how.")
class QualityAssurance:
    """Who assures the quality."""

    type: QualityAssuranceType = column(description="What underpins the quality.")
    body: str | None = column(description="Who reviews or accredits.")
    description: str | None = column(description="How it is done.")
    url: str | None = column(description="Where it can be read.")


@bound(PRICE, description="A typical price to a learner.")
class Price:
    """A typical price."""

    amount: Decimal = column(description="The amount; 0 means free.")
    currency: CurrencyCode = column(description="The currency.")


@bound(CONTENT, description="What a specification says; null and empty lists are what it does not say.")
class SpecContent:
    """What a specification says."""

    title: str | None = column(description="The credential's title.")
    language: LanguageTag = column(description="The language in which this text is written.")
    summary: str | None = column(description="The specification in a sentence or two.")
    description: Markdown | None = column(description="What a holder can do.")
    description_html: HTML | None = as_html(CONTENT, "description", "What a holder can do")
    outcomes: list[Outcome] = many(order="{child}.no", description="The learning outcomes, in the school's order.")
    primary_outcome: Outcome | None = one(
        on="({child}.item->>'primary')::boolean",
        order="{child}.no",
        description="The outcome that the credential stands for.",
    )
    assessment: Assessment | None = one(
        on="jsonb_typeof({t}.content->'assessment') = 'object'", description="The credential's own assessment."
    )
    toolchain: list[Tool] = many(order="{child}.no", description="The tools that a holder has worked with.")
    alignments: list[AlignedSkill] = many(order="{child}.no", description="The skills that it proves.")
    workload_hours: Decimal | None = column(description="The notional workload in hours.")
    ects: Decimal | None = column(description="ECTS credits.")
    eqf_level: int | None = column(description="The level of the European Qualifications Framework, 1 to 8.")
    level_applicable: bool = column(description="Whether a level applies at all.")
    cycle: Cycle | None = column(description="The cycle of higher education, where that applies.")
    participation: Participation | None = column(description="The form of participation.")
    quality_assurance: QualityAssurance | None = one(
        on="jsonb_typeof({t}.content->'qualityAssurance') = 'object'", description="Who assures the quality, and how."
    )
    languages: list[LanguageTag] = column(description="The languages of teaching and assessment.")
    duration: Duration | None = column(description="How long it takes from beginning to end.")
    price: Price | None = one(
        on="jsonb_typeof({t}.content->'price') = 'object'", description="A typical price to a learner."
    )
    prerequisites: str | None = column(description="What a learner must bring.")
    integration: Integration | None = column(description="Whether it stands alone or counts towards another.")
    stackable_towards: str | None = column(description="What it counts towards.")
    review_on: date | None = column(description="The day on which the school reviews it.")
    audience: str | None = column(description="Whom it is for.")
    field_of_study: str | None = column(description="The field of study.")
    tags: list[str] = column(description="Words to find it by.")
    further_information: Markdown | None = column(description="Anything else.")
    further_information_html: HTML | None = as_html(CONTENT, "further_information", "Anything else")
