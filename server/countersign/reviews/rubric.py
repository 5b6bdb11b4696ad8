"""The default rubric as data: eleven criteria, each scored 0 to 4 against written anchors.

The criteria gather what bodies that already endorse short courses ask: eCampusOntario's partner endorsement
(in demand; the assessment reflects job performance), New Zealand's Workforce Development Councils, British Columbia's
guide of 2022, Australia's National Microcredentials Framework of 2021 and EU Recommendation 2022/C 243/02.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

LOWEST: Final = 0
HIGHEST: Final = 4
NEEDS_EVIDENCE_FROM: Final = 3
"""A score of three or four is a claim about the world: it is kept only with the evidence that the reviewer saw."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of the rubric, and what each score from 0 to 4 means for it (`anchors[score]`)."""

    code: str
    title: str
    question: str
    anchors: tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Rubric:
    """The criteria of one rubric version, and the score from which each needs evidence."""

    criteria: tuple[Criterion, ...]
    evidence_from: int

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the criteria, in their order."""
        return tuple(criterion.code for criterion in self.criteria)

    def missing(self, scored: Sequence[str]) -> list[str]:
        """The codes that were not scored, in the rubric's order."""
        return [code for code in self.codes if code not in scored]


RUBRIC: Final[tuple[Criterion, ...]] = (
    Criterion(
        "R1",
        "Demand",
        "Do employers want this skill now?",
        (
            "No sign of demand",
            "An opinion",
            "One employer's statement",
            "Two employers' statements, or vacancy data with its query and date",
            "That, and a forward commitment to interview or hire",
        ),
    ),
    Criterion(
        "R2",
        "One measurable outcome",
        "Is the primary outcome one job task that can be measured?",
        (
            "A topic, not an outcome",
            "Several outcomes, none of them measurable",
            "Measurable, but not a task that anyone does at work",
            "One measurable job task",
            "One measurable job task with the standard a working team expects",
        ),
    ),
    Criterion(
        "R3",
        "Assessment mirrors the job",
        "Does the assessment look like the work?",
        (
            "Attendance",
            "Participation or self-assessment",
            "A test",
            "A work sample marked by a rubric",
            "A work sample marked by a rubric, with an external assessor",
        ),
    ),
    Criterion(
        "R4",
        "Toolchain is current",
        "Are the tools the ones that teams use today?",
        (
            "Tools not named",
            "Tools named without versions",
            "Versions named, some out of support",
            "Current versions named, with the date of the check",
            "Current versions confirmed by a team that uses them",
        ),
    ),
    Criterion(
        "R5",
        "Level and workload",
        "Are the level and the workload credible for the outcome?",
        (
            "Not stated",
            "Stated, and plainly wrong",
            "Plausible, not explained",
            "Explained by the outcome and the assessment",
            "Explained, and confirmed by completed cohorts",
        ),
    ),
    Criterion(
        "R6",
        "Integrity of the assessment",
        "Is it sure who did the work, and under what supervision?",
        (
            "Unsupervised, identity not verified",
            "Unsupervised, identity declared",
            "Supervised or identity verified, not both",
            "Supervised on-line or on-site with identity verified",
            "That, and the work is discussed with the learner in person",
        ),
    ),
    Criterion(
        "R7",
        "Coherent and of value alone",
        "Would someone hire for this block by itself?",
        (
            "A module torn out of a course",
            "Needs other blocks to make sense",
            "Coherent, of little value alone",
            "Coherent and of value alone",
            "Hired for alone, with examples",
        ),
    ),
    Criterion(
        "R8",
        "Stackable",
        "Does it add up with other blocks?",
        (
            "Does not combine with anything",
            "Could combine; nobody has said how",
            "Part of one school's own line",
            "Part of a published stack",
            "Accepted in stacks of more than one school",
        ),
    ),
    Criterion(
        "R9",
        "No duplication",
        "Is it different enough from what exists?",
        (
            "The same as an existing block",
            "A rename of an existing block",
            "Large overlap, acknowledged",
            "Small overlap, explained",
            "Nothing comparable, and the search for it is shown",
        ),
    ),
    Criterion(
        "R10",
        "Review and update",
        "Who will review it next, and when?",
        (
            "No process",
            "A process without a date",
            "A date without an owner",
            "A date and an owner",
            "A date, an owner, and a review already done",
        ),
    ),
    Criterion(
        "R11",
        "Protection of the learner",
        "Does the learner own it, carry it away and get access to it?",
        (
            "The award stays with the provider",
            "Can be viewed, not taken away",
            "Can be taken away; access needs not considered",
            "Owned and portable, with access needs considered",
            "Owned, portable, accessible, with a promise for when the provider closes",
        ),
    ),
)

CRITERIA: Final[dict[str, Criterion]] = {criterion.code: criterion for criterion in RUBRIC}

DEFAULT: Final = Rubric(RUBRIC, NEEDS_EVIDENCE_FROM)
DEFAULT_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
"""Version 1 of the platform's rubric: like every published one it never changes; other words are another version."""
DEFAULT_TITLE: Final = "Countersign's rubric"
