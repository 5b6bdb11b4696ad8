"""What a school writes into a draft, as inputs; they become the JSON that `specs.reading` judges field by field."""

import enum
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from countersign.schema.scalars import CurrencyCode, Duration, LanguageTag, Markdown
from countersign.schema.specs_content import (
    AssessmentType,
    Cycle,
    Integration,
    Participation,
    QualityAssuranceType,
    Supervision,
)


def _maybe(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


@strawberry.input(description="A learning outcome.")
class OutcomeInput:
    """A learning outcome."""

    id: str = strawberry.field(description="Its short name within the specification: lower-case letters and hyphens.")
    statement: str = strawberry.field(description="What a holder can do.")
    primary: bool = strawberry.field(default=False, description="Whether the credential stands for this one.")
    criterion: str | None = _maybe("What is observed to judge it.")
    threshold: str | None = _maybe("From which value on it is reached.")
    conditions: str | None = _maybe("Under which conditions it is shown.")
    skills: list[str] | None = _maybe("URIs of the skills that it shows; each must be one of the specification's.")


@strawberry.input(description="One anchored level of a rubric criterion.")
class RubricLevelInput:
    """One anchored level."""

    id: str = strawberry.field(description="Its short name within the criterion.")
    name: str = strawberry.field(description="Its name.")
    level: str | None = _maybe("Its number or letter.")
    points: Decimal | None = _maybe("The points that it gives.")
    description: str | None = _maybe("What work at this level looks like.")


@strawberry.input(description="One criterion of the rubric.")
class RubricCriterionInput:
    """One criterion of the rubric."""

    id: str = strawberry.field(description="Its short name within the specification.")
    name: str = strawberry.field(description="Its name.")
    description: str | None = _maybe("What is judged.")
    levels: list[RubricLevelInput] | None = _maybe("Its levels, lowest first.")
    required_level: str | None = _maybe("The short name of the level that passes.")


@strawberry.input(description="The credential's own assessment.")
class AssessmentInput:
    """The credential's own assessment."""

    types: list[AssessmentType] | None = _maybe("How the outcomes are proven.")
    description: Markdown | None = _maybe("What is done and how it is judged.")
    rubric: list[RubricCriterionInput] | None = _maybe("The criteria by which it is judged.")
    pass_mark: str | None = _maybe("What is needed to pass.")
    supervision: Supervision | None = _maybe("Who watches, and whether identity is checked.")
    duration: Duration | None = _maybe("How long it takes, as an ISO 8601 duration such as PT3H.")
    external_assessor: bool = strawberry.field(default=False, description="Whether somebody from outside assesses.")


@strawberry.input(description="A tool that a holder has worked with.")
class ToolInput:
    """A tool that a holder has worked with."""

    name: str = strawberry.field(description="Its name.")
    version: str | None = _maybe("Its version or range of versions.")
    checked_on: date | None = _maybe("The day somebody checked that this is current.")
    purpose: str | None = _maybe("What it is used for.")
    skill: str | None = _maybe("The URI of the tool as a skill of a framework.")


@strawberry.input(description="A skill that the credential proves; give its id or its URI.")
class AlignedSkillInput:
    """A skill that the credential proves."""

    id: strawberry.ID | None = _maybe("The skill's id.")
    uri: str | None = _maybe("The skill's URI.")
    matched: bool = strawberry.field(
        default=False, description="Whether the link was found by matching, and not stated by the school."
    )


@strawberry.input(description="Who assures the quality, and how.")
class QualityAssuranceInput:
    """Who assures the quality."""

    type: QualityAssuranceType = strawberry.field(description="What underpins the quality.")
    body: str | None = _maybe("Who reviews or accredits.")
    description: str | None = _maybe("How it is done.")
    url: str | None = _maybe("Where it can be read.")


@strawberry.input(description="A typical price to a learner.")
class PriceInput:
    """A typical price."""

    amount: Decimal = strawberry.field(description="The amount; 0 means free.")
    currency: CurrencyCode = strawberry.field(description="The currency.")


@strawberry.input(description="What a specification says. What is left out is not said, and stays a named gap.")
class SpecContentInput:
    """What a specification says."""

    title: str | None = _maybe("The credential's title.")
    language: LanguageTag | None = _maybe("The language in which this text is written; English if left out.")
    summary: str | None = _maybe("The specification in a sentence or two.")
    description: Markdown | None = _maybe("What a holder can do.")
    outcomes: list[OutcomeInput] | None = _maybe("The learning outcomes; exactly one is primary.")
    assessment: AssessmentInput | None = _maybe("The credential's own assessment.")
    toolchain: list[ToolInput] | None = _maybe("The tools that a holder has worked with.")
    skills: list[AlignedSkillInput] | None = _maybe("The skills that it proves.")
    workload_hours: Decimal | None = _maybe("The notional workload in hours.")
    ects: Decimal | None = _maybe("ECTS credits, 0.5 to 60.")
    eqf_level: int | None = _maybe("The level of the European Qualifications Framework, 1 to 8.")
    level_applicable: bool = strawberry.field(default=True, description="Whether a level applies at all.")
    cycle: Cycle | None = _maybe("The cycle of higher education, where that applies.")
    participation: Participation | None = _maybe("The form of participation.")
    quality_assurance: QualityAssuranceInput | None = _maybe("Who assures the quality, and how.")
    languages: list[LanguageTag] | None = _maybe("The languages of teaching and assessment.")
    duration: Duration | None = _maybe("How long it takes, as an ISO 8601 duration such as P4W.")
    price: PriceInput | None = _maybe("A typical price to a learner.")
    prerequisites: str | None = _maybe("What a learner must bring.")
    integration: Integration | None = _maybe("Whether it stands alone or counts towards another credential.")
    stackable_towards: str | None = _maybe("What it counts towards.")
    review_on: date | None = _maybe("The day on which the school reviews it.")
    audience: str | None = _maybe("Whom it is for.")
    field_of_study: str | None = _maybe("The field of study.")
    tags: list[str] | None = _maybe("Words to find it by.")
    further_information: Markdown | None = _maybe("Anything else.")


def to_json(value: Any) -> Any:
    """An input as the JSON that was meant: camelCase keys, what is absent or null left out, enums by value."""
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if hasattr(value, "__strawberry_definition__"):
        given = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {
            _camel(name): to_json(item) for name, item in given if item is not strawberry.UNSET and item is not None
        }
    return value


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.title() for part in tail)
