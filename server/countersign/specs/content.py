"""What a specification says: frozen values, read from JSON with every problem named by its field path.

Pure. The JSON form (camelCase, every key present) is what drafts and versions store and what `spec.json` repeats.
Sources: Council Recommendation 2022/C 243/02, Annex I (elements); Open Badges 3.0 (rubric, alignment).
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

SHAPE: Final = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True)
"""How every value below is read: camelCase keys, no unknown key, no silent conversion."""

DURATION: Final = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,4})M)?(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?)?"
)
LONGEST_MONTHS: Final = 36
LANGUAGE: Final = r"^[a-z]{2,4}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$"  # Open Badges 3.0, inLanguage
KEY: Final = r"^[a-z0-9]+(-[a-z0-9]+)*$"
FEWEST_ECTS: Final = 0.5
MOST_ECTS: Final = 60


def sensible_duration(text: str) -> str:
    """The same text, when it is an ISO 8601 duration of at most three years; else says what to write."""
    match = DURATION.fullmatch(text)
    if match is None:
        raise PydanticCustomError("duration", "is not an ISO 8601 duration: write P4W for 4 weeks, PT60H for 60 hours")
    parts = {name: int(value or 0) for name, value in match.groupdict().items()}
    months = parts["years"] * 12 + parts["months"] + parts["weeks"] / 4 + parts["days"] / 30
    if not any(parts.values()):
        raise PydanticCustomError("duration", "lasts no time at all: write P4W for four weeks, PT60H for 60 hours")
    if months > LONGEST_MONTHS:
        number = parts["months"] or parts["years"]
        raise PydanticCustomError(
            "duration",
            "is longer than {longest} months; an hour count is written PT{number}H",
            {"longest": LONGEST_MONTHS, "number": number},
        )
    return text


def plain_decimal(value: Decimal) -> str:
    """Decimal as the shortest plain text: `2.50` → `2.5`, `1E+2` → `100` (one number, one digest)."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shortest(value: Decimal) -> Decimal:
    """Equal numbers become the same value, however they were written."""
    return Decimal(plain_decimal(value))


def tenths(value: Decimal) -> Decimal:
    """ECTS credits come in tenths at the finest."""
    if value * 10 % 1:
        raise PydanticCustomError("credits", "has more than one decimal place: write 2.5, not 2.55")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\n\r]*$")]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=KEY)]
Uri = Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=r"^[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+$")]
Language = Annotated[str, StringConstraints(max_length=14, pattern=LANGUAGE)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Duration = Annotated[str, AfterValidator(sensible_duration)]
Plain = PlainSerializer(plain_decimal, return_type=str)
# Bounds come first: a number like 1E+999999999 must never be written out.
Hours = Annotated[Decimal, Field(gt=0, le=5000, decimal_places=2), AfterValidator(shortest), Plain]
Ects = Annotated[Decimal, Field(ge=FEWEST_ECTS, le=MOST_ECTS), AfterValidator(tenths), AfterValidator(shortest), Plain]
Amount = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=2), AfterValidator(shortest), Plain]
Points = Annotated[Decimal, Field(ge=0, le=100_000, decimal_places=2), AfterValidator(shortest), Plain]


class AssessmentType(StrEnum):
    """How the outcomes are proven (EU element 9)."""

    TESTING = "testing"
    APPLICATION_OF_A_SKILL = "application_of_a_skill"
    PORTFOLIO = "portfolio"
    RECOGNITION_OF_PRIOR_LEARNING = "recognition_of_prior_learning"


class Supervision(StrEnum):
    """Supervision and identity verification during assessment (EU optional element)."""

    UNSUPERVISED_NO_IDENTITY_VERIFICATION = "unsupervised_no_identity_verification"
    SUPERVISED_NO_IDENTITY_VERIFICATION = "supervised_no_identity_verification"
    SUPERVISED_WITH_IDENTITY_VERIFICATION = "supervised_with_identity_verification"


class Participation(StrEnum):
    """Form of participation in the learning (EU element 10)."""

    ONLINE = "online"
    ONSITE = "onsite"
    BLENDED = "blended"
    WORKPLACE = "workplace"


class QualityAssuranceType(StrEnum):
    """What underpins the quality (EU element 11)."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    PROGRAMME_ACCREDITATION = "programme_accreditation"
    INSTITUTIONAL_ACCREDITATION = "institutional_accreditation"


class Integration(StrEnum):
    """Whether the credential stands alone or counts towards another (EU optional element)."""

    STAND_ALONE = "stand_alone"
    STACKABLE = "stackable"


class Cycle(StrEnum):
    """QF-EHEA cycle, where higher education applies."""

    SHORT = "short"
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One learning outcome. Measurable = it says what is observed (criterion) and from which value on it is reached."""

    __pydantic_config__ = SHAPE

    id: Key
    statement: Text
    primary: bool = False
    criterion: Text | None = None
    threshold: Text | None = None
    conditions: Text | None = None
    skills: Annotated[tuple[Uri, ...], Field(max_length=50)] = ()

    @property
    def measurable(self) -> bool:
        """Both the criterion and the threshold are stated."""
        return self.criterion is not None and self.threshold is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricLevel:
    """One anchored level of a criterion, lowest first."""

    __pydantic_config__ = SHAPE

    id: Key
    name: Line
    level: Line | None = None
    points: Points | None = None
    description: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RubricCriterion:
    """What is graded; `required_level` is the id of the level that passes."""

    __pydantic_config__ = SHAPE

    id: Key
    name: Line
    description: Text | None = None
    levels: Annotated[tuple[RubricLevel, ...], Field(max_length=10)] = ()
    required_level: Key | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The credential's own assessment. `description` becomes the Achievement's criteria."""

    __pydantic_config__ = SHAPE

    types: Annotated[tuple[AssessmentType, ...], Field(max_length=4)] = ()
    description: Prose | None = None
    rubric: Annotated[tuple[RubricCriterion, ...], Field(max_length=30)] = ()
    pass_mark: Text | None = None
    supervision: Supervision | None = None
    duration: Duration | None = None
    external_assessor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """Software or equipment a holder has worked with: version or range, and the day somebody checked it is current."""

    __pydantic_config__ = SHAPE

    name: Line
    version: Line | None = None
    checked_on: date | None = None
    purpose: Text | None = None
    skill: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignedSkill:
    """A framework's skill that this credential proves. Name and framework are filled from the skills room at freezing.

    `matched` marks an alignment found by matching, not stated by the school.
    """

    __pydantic_config__ = SHAPE

    uri: Uri
    name: Text | None = None
    framework: Line | None = None
    matched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityAssurance:
    """Who assures the quality, and how."""

    __pydantic_config__ = SHAPE

    type: QualityAssuranceType
    body: Line | None = None
    description: Text | None = None
    url: Uri | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Typical price to a learner; an amount of 0 means free."""

    __pydantic_config__ = SHAPE

    amount: Amount
    currency: Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Everything a version says and an endorser signs. `None` or an empty tuple: not said (never guessed)."""

    __pydantic_config__ = SHAPE

    title: Line | None = None
    language: Language = "en"
    summary: Text | None = None
    description: Prose | None = None
    outcomes: Annotated[tuple[Outcome, ...], Field(max_length=30)] = ()
    assessment: Assessment | None = None
    toolchain: Annotated[tuple[Tool, ...], Field(max_length=60)] = ()
    skills: Annotated[tuple[AlignedSkill, ...], Field(max_length=60)] = ()
    workload_hours: Hours | None = None
    ects: Ects | None = None
    eqf_level: Annotated[int, Field(ge=1, le=8)] | None = None
    level_applicable: bool = True
    cycle: Cycle | None = None
    participation: Participation | None = None
    quality_assurance: QualityAssurance | None = None
    languages: Annotated[tuple[Language, ...], Field(max_length=20)] = ()
    duration: Duration | None = None
    price: Price | None = None
    prerequisites: Prose | None = None
    integration: Integration | None = None
    stackable_towards: Text | None = None
    review_on: date | None = None
    audience: Text | None = None
    field_of_study: Line | None = None
    tags: Annotated[tuple[Line, ...], Field(max_length=30)] = ()
    further_information: Prose | None = None
