"""What may happen to a specification: gaps, states, version numbers, slugs. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, assert_never

from countersign.kit.errors import Code, Invalid, Refusal, Refusals
from countersign.specs.content import Content
from countersign.specs.reading import Path, UnreadableContent, dotted, parse


class NotPublishable(Refusal):
    """Cannot be published: {element} is missing ({remedy})."""

    code = Code.REQUIRED


class NotSubmittable(Refusal):
    """Cannot be submitted: {element} is missing ({remedy})."""

    code = Code.REQUIRED


class WrongState(Refusal):
    """This version is {state}; only a {needed} version can be {done}."""

    code = Code.INVALID_STATE


class VersionNotGreater(Refusal):
    """Version {semver} is not greater than {latest}, the latest one; the next could be {suggestion}."""

    code = Code.CONFLICT


class VersionUsed(Refusal):
    """Version {semver} of this specification exists; a version number is never used twice."""

    code = Code.CONFLICT


def read_content(value: object, at: Path = ("content",)) -> Content:
    """Content from a client's JSON; every problem becomes one refusal with its field path below `at`."""
    try:
        return parse(value)
    except UnreadableContent as unreadable:
        raise Refusals(
            [
                Invalid(problem=f"{dotted((*at, *problem.path))} {problem.message}", path=(*at, *problem.path))
                for problem in unreadable.problems
            ]
        ) from unreadable


class Element(StrEnum):
    """A mandatory element: of the specification level in 2022/C 243/02, Annex I, or one that this portal adds."""

    TITLE = "title"
    DESCRIPTION = "description"
    COUNTRY = "country"
    AWARDING_BODY = "awarding_body"
    LEARNING_OUTCOMES = "learning_outcomes"
    PRIMARY_OUTCOME = "primary_outcome"
    MEASURABLE_OUTCOME = "measurable_outcome"
    WORKLOAD = "workload"
    LEVEL = "level"
    ASSESSMENT_TYPE = "assessment_type"
    ASSESSMENT = "assessment"
    PARTICIPATION = "participation"
    QUALITY_ASSURANCE = "quality_assurance"
    SKILLS = "skills"


@dataclass(frozen=True, slots=True)
class Gap:
    """One missing mandatory element: its name, the field to fill, and what to write there."""

    element: Element
    path: Path
    remedy: str


@dataclass(frozen=True, slots=True)
class School:
    """What the awarding body itself gives to a specification: elements 3 and 4 (ISO 3166 alpha-2, legal name)."""

    country: str | None
    legal_name: str | None


def gaps(content: Content, school: School) -> tuple[Gap, ...]:
    """Every mandatory element that is missing, in the order of Annex I; empty exactly when it may be published."""
    found = [Gap(element, path, remedy) for element, path, remedy, missing in _ELEMENTS if missing(content, school)]
    for number, outcome in enumerate(content.outcomes):
        if outcome.primary and not outcome.measurable:
            part = "criterion" if outcome.criterion is None else "threshold"
            found.append(Gap(Element.MEASURABLE_OUTCOME, ("outcomes", number, part), f"state the outcome's {part}"))
    order = list(Element)
    return tuple(sorted(found, key=lambda gap: order.index(gap.element)))


_Missing = Callable[[Content, School], bool]
_ELEMENTS: Final[tuple[tuple[Element, Path, str, _Missing], ...]] = (
    (Element.TITLE, ("title",), "name the credential", lambda c, _: c.title is None),
    (Element.DESCRIPTION, ("description",), "say what a holder can do", lambda c, _: c.description is None),
    (Element.COUNTRY, (), "give the school its country", lambda _, s: not s.country),
    (Element.AWARDING_BODY, (), "give the school its legal name", lambda _, s: not s.legal_name),
    (Element.LEARNING_OUTCOMES, ("outcomes",), "write at least one learning outcome", lambda c, _: not c.outcomes),
    (
        Element.PRIMARY_OUTCOME,
        ("outcomes",),
        "mark exactly one outcome as primary",
        lambda c, _: sum(outcome.primary for outcome in c.outcomes) != 1,
    ),
    (
        Element.WORKLOAD,
        ("workloadHours",),
        "state the notional workload in hours",
        lambda c, _: c.workload_hours is None,
    ),
    (
        Element.LEVEL,
        ("eqfLevel",),
        "state the EQF level 1–8, or that no level applies",
        lambda c, _: c.level_applicable and c.eqf_level is None,
    ),
    (
        Element.ASSESSMENT_TYPE,
        ("assessment", "types"),
        "name the type of assessment",
        lambda c, _: c.assessment is None or not c.assessment.types,
    ),
    (
        Element.ASSESSMENT,
        ("assessment", "description"),
        "describe the credential's own assessment",
        lambda c, _: c.assessment is None or c.assessment.description is None,
    ),
    (
        Element.PARTICIPATION,
        ("participation",),
        "state the form of participation",
        lambda c, _: c.participation is None,
    ),
    (
        Element.QUALITY_ASSURANCE,
        ("qualityAssurance",),
        "state the type of quality assurance",
        lambda c, _: c.quality_assurance is None,
    ),
    (Element.SKILLS, ("skills",), "align the credential with at least one skill", lambda c, _: not c.skills),
)


def require_complete(found: tuple[Gap, ...]) -> None:
    """Refuses with one refusal for each gap."""
    if found:
        raise Refusals([NotPublishable(element=gap.element.value, remedy=gap.remedy, path=gap.path) for gap in found])


def require_submittable(found: tuple[Gap, ...]) -> None:
    """An Open Badges Achievement needs a name and a description; the other elements may be reviewed as gaps."""
    needed = [gap for gap in found if gap.element in {Element.TITLE, Element.DESCRIPTION}]
    if needed:
        raise Refusals([NotSubmittable(element=gap.element.value, remedy=gap.remedy, path=gap.path) for gap in needed])


class Kind(StrEnum):
    """What a specification is in a line of credentials."""

    BLOCK = "block"
    CAPSTONE = "capstone"
    DIPLOMA = "diploma"


class State(StrEnum):
    """Where a version is in its life. Drafts live apart: nothing here is ever edited."""

    SUBMITTED = "submitted"
    IN_REVIEW = "in_review"
    PUBLISHED = "published"
    DEPRECATED = "deprecated"
    RETIRED = "retired"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What moves a version on. `open_review` is the reviews room's, all others are the school's."""

    OPEN_REVIEW = "open_review"
    PUBLISH = "publish"
    DEPRECATE = "deprecate"
    RETIRE = "retire"
    WITHDRAW = "withdraw"


TRANSITIONS: Final[Mapping[tuple[State, Act], State]] = {
    (State.SUBMITTED, Act.OPEN_REVIEW): State.IN_REVIEW,
    (State.IN_REVIEW, Act.OPEN_REVIEW): State.IN_REVIEW,
    (State.PUBLISHED, Act.OPEN_REVIEW): State.PUBLISHED,
    (State.SUBMITTED, Act.PUBLISH): State.PUBLISHED,
    (State.IN_REVIEW, Act.PUBLISH): State.PUBLISHED,
    (State.PUBLISHED, Act.DEPRECATE): State.DEPRECATED,
    (State.DEPRECATED, Act.RETIRE): State.RETIRED,
    (State.SUBMITTED, Act.WITHDRAW): State.WITHDRAWN,
    (State.IN_REVIEW, Act.WITHDRAW): State.WITHDRAWN,
}
"""The whole life of a version; a pair that is not here is refused."""

_DONE: Final[Mapping[Act, str]] = {
    Act.OPEN_REVIEW: "reviewed",
    Act.PUBLISH: "published",
    Act.DEPRECATE: "deprecated",
    Act.RETIRE: "retired",
    Act.WITHDRAW: "withdrawn",
}


def move(state: State, act: Act) -> State:
    """The state after `act`; refuses with `WrongState` naming the states that allow it."""
    after = TRANSITIONS.get((state, act))
    if after is None:
        needed = " or ".join(before.value for before, possible in TRANSITIONS if possible is act)
        raise WrongState(state=state.value, needed=needed, done=_DONE[act])
    return after


def endorsable(state: State) -> bool:
    """Endorsing is allowed from submission until deprecation."""
    match state:
        case State.SUBMITTED | State.IN_REVIEW | State.PUBLISHED:
            return True
        case State.DEPRECATED | State.RETIRED | State.WITHDRAWN:
            return False
        case _:
            assert_never(state)


def awardable(state: State) -> bool:
    """Awards are made of a published version, and of a deprecated one while it is taught out."""
    match state:
        case State.PUBLISHED | State.DEPRECATED:
            return True
        case State.SUBMITTED | State.IN_REVIEW | State.RETIRED | State.WITHDRAWN:
            return False
        case _:
            assert_never(state)


def public(state: State) -> bool:
    """What was ever published stays readable by everyone; before that it is between the school and its reviewers."""
    match state:
        case State.PUBLISHED | State.DEPRECATED | State.RETIRED:
            return True
        case State.SUBMITTED | State.IN_REVIEW | State.WITHDRAWN:
            return False
        case _:
            assert_never(state)


_SEMVER: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Semver:
    """MAJOR.MINOR.PATCH (semver.org 2.0.0, §2), without pre-release or build parts; ordered by §11."""

    major: int
    minor: int
    patch: int

    @classmethod
    def read(cls, text: str, at: Path = ("semver",)) -> Self:
        """The number, or a refusal that says how to write it."""
        match = _SEMVER.fullmatch(text)
        if match is None:
            raise Invalid(problem="A version number is written MAJOR.MINOR.PATCH, like 1.0.0", path=at)
        return cls(*(int(part) for part in match.groups()))

    @property
    def ordinal(self) -> int:
        """A number that sorts as the versions do; fits into 63 bits."""
        return (self.major * 1_000_000 + self.minor) * 1_000_000 + self.patch

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def require_next(given: Semver, used: Iterable[Semver]) -> None:
    """A number is never used twice and only grows; withdrawn versions count."""
    taken = set(used)
    if given in taken:
        raise VersionUsed(semver=given, path=("semver",))
    if taken and given < max(taken):
        latest = max(taken)
        suggestion = Semver(latest.major, latest.minor + 1, 0)
        raise VersionNotGreater(semver=given, latest=latest, suggestion=suggestion, path=("semver",))


_SLUG: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
SHORTEST_SLUG: Final = 3
LONGEST_SLUG: Final = 80


def require_slug(text: str, at: Path = ("slug",)) -> str:
    """The slug again; it stands in addresses and signatures, so it is plain ASCII and is never changed."""
    if not SHORTEST_SLUG <= len(text) <= LONGEST_SLUG or _SLUG.fullmatch(text) is None:
        raise Invalid(
            problem=f"A slug has {SHORTEST_SLUG}–{LONGEST_SLUG} lower-case letters, digits and single hyphens,"
            " like ab-testing-python",
            path=at,
        )
    return text


def slug_from(title: str) -> str | None:
    """A slug proposed from a title in Latin script; None when nothing usable is left (then the school names one)."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-")[:LONGEST_SLUG].rstrip("-")
    return slug if len(slug) >= SHORTEST_SLUG else None
