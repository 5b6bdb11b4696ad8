"""What an employer puts behind an endorsement: nine kinds of industry validation, typed, each with its sentence. Pure.

Open Badges 3.0 has no terms for seats, tool versions or vacancy counts, so the structured record stays in the database
and a readable sentence goes into the signed credential's `evidence[].narrative`, its kind into `genre`.
"""

from __future__ import annotations

import enum
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

from countersign.endorsements.evidence_checks import (
    Unsuitable,
    ahead,
    behind,
    plain,
    plural,
    text,
    tool_in_use,
    window,
    within,
)
from countersign.kit.errors import Code, Refusal, Refusals

MOST_PIECES: Final = 20
LONG: Final = 2_000
MOST_TOOLS: Final = 30
CHECK_LASTS: Final = 366
"""Days for which a check of the tools in use is good."""
AUDIENCE: Final = "Employers"
SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")
CURRENCY: Final = re.compile(r"[A-Z]{3}")


class EvidenceKind(enum.StrEnum):
    """The kinds of industry validation."""

    HIRING_PLEDGE = "hiring_pledge"
    INTERVIEW_GUARANTEE = "interview_guarantee"
    TOOLCHAIN_CONFIRMATION = "toolchain_confirmation"
    ASSESSMENT_CO_DESIGN = "assessment_co_design"
    ASSESSOR_PROVISION = "assessor_provision"
    CASE_PROVISION = "case_provision"
    LABOUR_MARKET_EVIDENCE = "labour_market_evidence"
    WAGE_PREMIUM = "wage_premium"
    PROGRESSION_RECOGNITION = "progression_recognition"


class TooMuchEvidence(Refusal):
    """An endorsement carries at most {limit} pieces of evidence."""

    code = Code.TOO_LONG


class Evidence(ABC):
    """One piece of evidence. Each kind names itself, checks itself and tells itself in one sentence."""

    kind: ClassVar[EvidenceKind]
    title: ClassVar[str]

    @abstractmethod
    def faults(self, today: date) -> Iterator[Refusal]:
        """What is wrong with it, each fault with its place inside the piece."""

    @abstractmethod
    def sentence(self) -> str:
        """What it says, readable by a person; this text is signed."""


@dataclass(frozen=True, slots=True)
class SalaryBand:
    """A yearly gross salary from `low` to `high` in a currency (ISO 4217)."""

    low: Decimal
    high: Decimal
    currency: str

    def faults(self) -> Iterator[Refusal]:
        """Negative, reversed, or in no currency."""
        if self.low < 0 or self.high < self.low:
            yield Unsuitable(what="A salary band", expected="from a lower to a higher amount", path=("salary",))
        if not CURRENCY.fullmatch(self.currency):
            yield Unsuitable(
                what="A currency", expected="three capital letters (ISO 4217)", path=("salary", "currency")
            )

    def sentence(self) -> str:
        """The band in one phrase."""
        return f"{plain(self.low)} to {plain(self.high)} {self.currency} a year"


@dataclass(frozen=True, slots=True)
class HiringPledge(Evidence):
    """The endorser will fill `seats` with holders for a role in a region, between two days."""

    kind = EvidenceKind.HIRING_PLEDGE
    title = "Hiring pledge"

    seats: int
    role: str
    region: str
    opens_on: date
    closes_on: date
    salary: SalaryBand | None = None

    def faults(self, today: date) -> Iterator[Refusal]:
        """Seats 1 to 10,000; a window that is not over, not reversed, and not so long that nothing is promised."""
        yield from within("The number of seats", self.seats, "seats", 1, 10_000)
        yield from text("The role", self.role, "role")
        yield from text("The region", self.region, "region")
        yield from ahead("The last day of a pledge", self.closes_on, "closesOn", today)
        yield from window(self.opens_on, self.closes_on, today)
        if self.salary is not None:
            yield from self.salary.faults()

    def sentence(self) -> str:
        """Seats, role, region, window, and the salary where it is told."""
        pay = f", {self.salary.sentence()}" if self.salary else ""
        seats = plural(self.seats, f"{self.role} seat")
        return f"{seats}, {self.region}{pay}, from {self.opens_on} until {self.closes_on}."


@dataclass(frozen=True, slots=True)
class InterviewGuarantee(Evidence):
    """Every holder who applies for the role is interviewed within `within_days`."""

    kind = EvidenceKind.INTERVIEW_GUARANTEE
    title = "Interview guarantee"

    role: str
    region: str
    within_days: int
    until: date

    def faults(self, today: date) -> Iterator[Refusal]:
        """Within 1 to 365 days; not over."""
        yield from text("The role", self.role, "role")
        yield from text("The region", self.region, "region")
        yield from within("The days to an interview", self.within_days, "withinDays", 1, 365)
        yield from ahead("The last day of a guarantee", self.until, "until", today)

    def sentence(self) -> str:
        """Who is interviewed, where, how soon, until when."""
        days = plural(self.within_days, "day")
        return (
            f"Every holder who applies as {self.role} ({self.region}) is interviewed within {days}, until {self.until}."
        )


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool and the versions in use ("3.13", "≥ 2.0", "4.x"; see `ranges`); empty for a tool without versions."""

    name: str
    versions: str = ""


@dataclass(frozen=True, slots=True)
class ToolchainConfirmation(Evidence):
    """The endorser's team uses these tools in these versions, as checked on a day."""

    kind = EvidenceKind.TOOLCHAIN_CONFIRMATION
    title = "Toolchain confirmation"

    tools: tuple[Tool, ...]
    checked_on: date

    def faults(self, today: date) -> Iterator[Refusal]:
        """1 to 30 tools, each named once, in versions that can be compared; checked within the last 12 months."""
        yield from within("The number of tools", len(self.tools), "tools", 1, MOST_TOOLS)
        for number, tool in enumerate(self.tools):
            earlier = [other.name for other in self.tools[:number]]
            for fault in tool_in_use(tool.name, tool.versions, earlier):
                fault.path = ("tools", number, *fault.path)
                yield fault
        yield from behind("The day of the check", self.checked_on, "checkedOn", today)
        if (today - self.checked_on).days > CHECK_LASTS:
            yield Unsuitable(what="The day of the check", expected="within the last 12 months", path=("checkedOn",))

    def sentence(self) -> str:
        """The tools with their versions and the day."""
        named = ", ".join(f"{tool.name} {tool.versions}".strip() for tool in self.tools)
        return f"{named}; checked {self.checked_on}."


@dataclass(frozen=True, slots=True)
class AssessmentCoDesign(Evidence):
    """An expert of the endorser helped to write a criterion of the assessment."""

    kind = EvidenceKind.ASSESSMENT_CO_DESIGN
    title = "Assessment co-design"

    criterion: str
    hours: Decimal
    expert_role: str

    def faults(self, today: date) -> Iterator[Refusal]:  # noqa: ARG002 - nothing here has a date
        """Hours 1 to 10,000."""
        yield from text("The criterion", self.criterion, "criterion", LONG)
        yield from within("The hours", self.hours, "hours", 1, 10_000)
        yield from text("The expert's role", self.expert_role, "expertRole")

    def sentence(self) -> str:
        """Who designed what, for how long."""
        return f"{self.expert_role} co-designed the criterion “{self.criterion}” ({plural(self.hours, 'hour')})."


@dataclass(frozen=True, slots=True)
class AssessorProvision(Evidence):
    """The endorser sends assessors until a day."""

    kind = EvidenceKind.ASSESSOR_PROVISION
    title = "Assessor provision"

    assessors: int
    hours: Decimal
    expert_role: str
    until: date

    def faults(self, today: date) -> Iterator[Refusal]:
        """1 to 1,000 assessors, 1 to 10,000 hours each; not over."""
        yield from within("The number of assessors", self.assessors, "assessors", 1, 1_000)
        yield from within("The hours", self.hours, "hours", 1, 10_000)
        yield from text("The assessors' role", self.expert_role, "expertRole")
        yield from ahead("The last day of the provision", self.until, "until", today)

    def sentence(self) -> str:
        """How many assessors, for how long, until when."""
        people = plural(self.assessors, "assessor")
        return f"{people} ({self.expert_role}), {plural(self.hours, 'hour')} each, until {self.until}."


@dataclass(frozen=True, slots=True)
class CaseProvision(Evidence):
    """The endorser gives a case or a data set from its work."""

    kind = EvidenceKind.CASE_PROVISION
    title = "Case or data set provision"

    case: str
    description: str
    terms: str

    def faults(self, today: date) -> Iterator[Refusal]:  # noqa: ARG002 - nothing here has a date
        """A name, a description and the terms of use."""
        yield from text("The case's name", self.case, "case")
        yield from text("The description", self.description, "description", LONG)
        yield from text("The terms of use", self.terms, "terms")

    def sentence(self) -> str:
        """What is given, on which terms."""
        return f"{self.case}: {self.description} Terms: {self.terms}."


@dataclass(frozen=True, slots=True)
class LabourMarketEvidence(Evidence):
    """Of `total` vacancies in a corpus, region and period, `matched` met a query; the corpus is fixed by its digest."""

    kind = EvidenceKind.LABOUR_MARKET_EVIDENCE
    title = "Labour-market evidence"

    corpus: str
    query: str
    region: str
    period_from: date
    period_to: date
    matched: int
    total: int
    snapshot_digest: str
    recomputed: bool = False

    def faults(self, today: date) -> Iterator[Refusal]:
        """A period that is over, counts that fit, and a SHA-256 in hex."""
        yield from text("The corpus", self.corpus, "corpus")
        yield from text("The query", self.query, "query", LONG)
        yield from text("The region", self.region, "region")
        yield from behind("The end of the period", self.period_to, "periodTo", today)
        if self.period_to < self.period_from:
            yield Unsuitable(what="The period", expected="from an earlier to a later day", path=("periodFrom",))
        if self.total < 1:
            yield Unsuitable(what="The number of vacancies", expected="at least 1", path=("total",))
        if not 0 <= self.matched <= max(self.total, 0):
            yield Unsuitable(what="The number that matched", expected="from 0 to the total", path=("matched",))
        if not SHA256_HEX.fullmatch(self.snapshot_digest):
            yield Unsuitable(
                what="The snapshot's digest", expected="a SHA-256 in lower-case hex", path=("snapshotDigest",)
            )

    def sentence(self) -> str:
        """The share, and everything needed to count it again."""
        counted = "counted again here" if self.recomputed else "stated, not recomputed"
        return (
            f"{self.matched} of {self.total} vacancies ({self.matched * 100 / Decimal(self.total):.1f} %)"
            f" in {self.corpus} ({self.region}, {self.period_from} to {self.period_to}) match “{self.query}”;"
            f" snapshot SHA-256 {self.snapshot_digest}; {counted}."
        )


@dataclass(frozen=True, slots=True)
class WagePremium(Evidence):
    """Holders are paid `percent` more than others in the same role."""

    kind = EvidenceKind.WAGE_PREMIUM
    title = "Wage premium"

    percent: Decimal
    role: str
    region: str
    basis: str
    observed_on: date

    def faults(self, today: date) -> Iterator[Refusal]:
        """More than 0 and at most 500 percent; observed today or earlier, with what it was compared with."""
        if not 0 < self.percent <= 500:  # noqa: PLR2004 - the two bounds are the sentence
            yield Unsuitable(what="The premium", expected="more than 0 and at most 500 percent", path=("percent",))
        yield from text("The role", self.role, "role")
        yield from text("The region", self.region, "region")
        yield from text("What it is compared with", self.basis, "basis", LONG)
        yield from behind("The day of the observation", self.observed_on, "observedOn", today)

    def sentence(self) -> str:
        """How much more, for whom, compared with what."""
        return (
            f"Holders are paid {plain(self.percent)} % more as {self.role} ({self.region}), compared with {self.basis};"
            f" observed {self.observed_on}."
        )


@dataclass(frozen=True, slots=True)
class ProgressionRecognition(Evidence):
    """The endorser counts the block towards a programme, a grade or a career step."""

    kind = EvidenceKind.PROGRESSION_RECOGNITION
    title = "Progression recognition"

    programme: str
    recognised_as: str
    until: date

    def faults(self, today: date) -> Iterator[Refusal]:
        """A programme and what the block counts as; not over."""
        yield from text("The programme", self.programme, "programme")
        yield from text("What it counts as", self.recognised_as, "recognisedAs")
        yield from ahead("The last day of the recognition", self.until, "until", today)

    def sentence(self) -> str:
        """What the block counts as, where, until when."""
        return f"Counts as {self.recognised_as} towards {self.programme}, until {self.until}."


def check(pieces: Sequence[Evidence], today: date) -> None:
    """Refuse faulty evidence, naming every place as `("evidence", number, field)`."""
    faults: list[Refusal] = []
    if len(pieces) > MOST_PIECES:
        faults.append(TooMuchEvidence(limit=MOST_PIECES, path=("evidence",)))
    for number, piece in enumerate(pieces):
        for fault in piece.faults(today):
            fault.path = ("evidence", number, *fault.path)
            faults.append(fault)
    if faults:
        raise Refusals(faults)


def genre(piece: Evidence) -> str:
    """The credential's `evidence[].genre` of a piece."""
    return f"Industry validation: {piece.title.lower()}"


def attached(name: str, media_type: str, size: int, sha256: str) -> tuple[str, str, str, str]:
    """Name, narrative, genre and audience of a file behind an endorsement; its digest (hex) is signed with them."""
    return "Attachment", f"{name} ({media_type}, {size} bytes), SHA-256 {sha256}.", "Attachment", AUDIENCE


def payload(piece: Evidence) -> dict[str, Any]:
    """The structured record as JSON values: dates in ISO 8601, decimals as text, nothing lost."""
    record = _json(asdict(piece))  # type: ignore[call-overload]
    return dict(record)


def _json(value: object) -> Any:
    match value:
        case dict():
            return {key: _json(item) for key, item in value.items() if item is not None}
        case list() | tuple():
            return [_json(item) for item in value]
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case _:
            return value
