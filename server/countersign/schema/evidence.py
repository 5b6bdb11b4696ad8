"""Industry validation at the front desk: what an endorser puts behind its word, as outputs and as inputs."""

import enum
from datetime import date
from decimal import Decimal
from typing import Any, Final, Optional
from uuid import UUID

import strawberry

from countersign.endorsements import evidence as rules
from countersign.endorsements.views import EVIDENCE, SALARY, TOOL
from countersign.reads.bind import bound, column, many, one
from countersign.reads.bindings import Members
from countersign.schema.attachments import Attachment
from countersign.schema.base import reference
from countersign.schema.corpora import COUNTED_AGAIN, VacancySnapshot
from countersign.schema.pledges import Pledge
from countersign.schema.scalars import CurrencyCode


@strawberry.enum(description="The kinds of industry validation.")
class EvidenceKind(enum.Enum):
    """The kinds of industry validation."""

    HIRING_PLEDGE = strawberry.enum_value("hiring_pledge", description="Seats for holders, in a window of time.")
    INTERVIEW_GUARANTEE = strawberry.enum_value("interview_guarantee", description="Every holder is interviewed.")
    TOOLCHAIN_CONFIRMATION = strawberry.enum_value(
        "toolchain_confirmation", description="The team uses these tools in these versions."
    )
    ASSESSMENT_CO_DESIGN = strawberry.enum_value(
        "assessment_co_design", description="An expert helped to write a criterion."
    )
    ASSESSOR_PROVISION = strawberry.enum_value("assessor_provision", description="Assessors are sent.")
    CASE_PROVISION = strawberry.enum_value("case_provision", description="A case or a data set is given.")
    LABOUR_MARKET_EVIDENCE = strawberry.enum_value(
        "labour_market_evidence", description="A share of vacancies, with everything needed to count it again."
    )
    WAGE_PREMIUM = strawberry.enum_value("wage_premium", description="Holders are paid more.")
    PROGRESSION_RECOGNITION = strawberry.enum_value(
        "progression_recognition", description="The block counts towards a programme or a step."
    )


@strawberry.enum(description="How a confirmed tool stands to the toolchain that a version teaches.")
class ToolAgreement(enum.Enum):
    """How a confirmed tool stands to the toolchain that a version teaches."""

    CONFIRMED = strawberry.enum_value("confirmed", description="Every version that is taught is in use.")
    PARTLY = strawberry.enum_value("partly", description="Some of the versions that are taught are in use.")
    DIFFERENT = strawberry.enum_value("different", description="None of the versions that are taught is in use.")
    UNSTATED = strawberry.enum_value("unstated", description="One of the two names no version.")
    UNREADABLE = strawberry.enum_value("unreadable", description="The versions cannot be compared as they are written.")
    NOT_TAUGHT = strawberry.enum_value("not_taught", description="The tool is not in the toolchain that is taught.")


@strawberry.interface(description="One piece of industry validation behind an endorsement.")
class Evidence:
    """One piece of industry validation."""

    number: int = column(description="Its place in the endorsement, from 1.")
    kind: EvidenceKind = column(description="What kind it is.")
    narrative: str = column(
        description="What it says in one sentence, with the SHA-256 of each file behind it; this text is signed."
    )
    expires_on: date | None = column(
        description="The last day on which it says something of the present: the end of a promise, 12 months after the"
        " check of a toolchain; null for what has no end."
    )
    attachments: list[Attachment] = many(
        on="exists (select from evidence_attachments x"
        " where x.evidence_id = {parent}.id and x.attachment_id = {child}.id)",
        order="(select x.no from evidence_attachments x"
        " where x.evidence_id = {parent}.id and x.attachment_id = {child}.id)",
        size=1,
        visible="true",
        description="The files behind it; their names and digests stand in its signed sentence.",
    )


@bound(SALARY, description="A yearly gross salary, from and to.")
class SalaryBand:
    """A yearly gross salary."""

    low: Decimal = column(description="From this amount.")
    high: Decimal = column(description="To this amount.")
    currency: CurrencyCode = column(description="In this currency.")


@bound(EVIDENCE, description="The endorser will fill seats with holders for a role, in a window of time.")
class HiringPledge(Evidence):
    """A hiring pledge."""

    seats: int = column(description="How many seats.")
    role: str = column(description="For which role.")
    region: str = column(description="Where.")
    opens_on: date = column(description="The first day of the window.")
    closes_on: date = column(description="The last day of the window.")
    pledge: Optional[Pledge] = one(  # noqa: UP045
        on="{child}.evidence_id = {parent}.id", visible="true", description="The ledger of its seats."
    )
    salary: SalaryBand | None = one(
        on="{parent}.payload->'salary' is not null", description="What is paid, where it is told."
    )


@bound(EVIDENCE, description="Every holder who applies for the role is interviewed.")
class InterviewGuarantee(Evidence):
    """An interview guarantee."""

    role: str = column(description="For which role.")
    region: str = column(description="Where.")
    within_days: int = column(description="Within how many days of applying.")
    until: date = column(description="The last day.")


@bound(TOOL, description="A tool, and the versions in use.")
class ConfirmedTool:
    """A tool."""

    name: str = column(description="The tool.")
    versions: str | None = column(description="The versions in use, as the team writes them.")
    agreement: ToolAgreement | None = column(
        description="How that stands to what the version teaches, found when it was endorsed; null for endorsements"
        " that are older than this comparison."
    )


@bound(EVIDENCE, description="The endorser's team uses these tools in these versions.")
class ToolchainConfirmation(Evidence):
    """A toolchain confirmation."""

    tools: list[ConfirmedTool] = many(description="The tools.")
    checked_on: date = column(description="The day of the check.")


@bound(EVIDENCE, description="An expert of the endorser helped to write a criterion of the assessment.")
class AssessmentCoDesign(Evidence):
    """Assessment co-design."""

    criterion: str = column(description="Which criterion.")
    hours: Decimal = column(description="How many hours it took.")
    expert_role: str = column(description="The expert's role at the endorser.")


@bound(EVIDENCE, description="The endorser sends assessors.")
class AssessorProvision(Evidence):
    """Assessor provision."""

    assessors: int = column(description="How many assessors.")
    hours: Decimal = column(description="How many hours each.")
    expert_role: str = column(description="Their role at the endorser.")
    until: date = column(description="The last day.")


@bound(EVIDENCE, description="The endorser gives a case or a data set from its work.")
class CaseProvision(Evidence):
    """Case or data set provision."""

    case: str = column(description="Its name.")
    description: str = column(description="What it is.")
    terms: str = column(description="On which terms it may be used.")


@bound(EVIDENCE, description="A share of the vacancies in a corpus, a region and a period.")
class LabourMarketEvidence(Evidence):
    """Labour-market evidence."""

    corpus: str = column(description="The corpus.")
    query: str = column(description="What was looked for.")
    region: str = column(description="Where.")
    period_from: date = column(description="The first day of the period.")
    period_to: date = column(description="The last day of the period.")
    matched: int = column(description="How many vacancies matched.")
    total: int = column(description="Of how many.")
    share: Decimal = column(description="The share that matched, 0 to 1.")
    snapshot_digest: str = column(description="The SHA-256 of the corpus as it was, in hex.")
    recomputed: bool = column(description="Whether it was counted again here; else it is stated, not recomputed.")
    snapshot: VacancySnapshot | None = one(
        on=COUNTED_AGAIN, order="{child}.id", description="The corpus as it was, where it was counted again here."
    )


@bound(EVIDENCE, description="Holders are paid more than others in the same role.")
class WagePremium(Evidence):
    """A wage premium."""

    percent: Decimal = column(description="How much more, in percent.")
    role: str = column(description="In which role.")
    region: str = column(description="Where.")
    basis: str = column(description="Compared with what.")
    observed_on: date = column(description="The day of the observation.")


@bound(EVIDENCE, description="The endorser counts the block towards a programme or a step.")
class ProgressionRecognition(Evidence):
    """Progression recognition."""

    programme: str = column(description="The programme or step.")
    recognised_as: str = column(description="What the block counts as there.")
    until: date = column(description="The last day.")


_TYPES: Final[dict[rules.EvidenceKind, type]] = {
    rules.EvidenceKind.HIRING_PLEDGE: HiringPledge,
    rules.EvidenceKind.INTERVIEW_GUARANTEE: InterviewGuarantee,
    rules.EvidenceKind.TOOLCHAIN_CONFIRMATION: ToolchainConfirmation,
    rules.EvidenceKind.ASSESSMENT_CO_DESIGN: AssessmentCoDesign,
    rules.EvidenceKind.ASSESSOR_PROVISION: AssessorProvision,
    rules.EvidenceKind.CASE_PROVISION: CaseProvision,
    rules.EvidenceKind.LABOUR_MARKET_EVIDENCE: LabourMarketEvidence,
    rules.EvidenceKind.WAGE_PREMIUM: WagePremium,
    rules.EvidenceKind.PROGRESSION_RECOGNITION: ProgressionRecognition,
}
EVIDENCE_TYPES: Final[tuple[type, ...]] = tuple(_TYPES.values())
EVIDENCE_MEMBERS: Final = Members(
    EVIDENCE, "{child}.kind", {kind.value: type_.__name__ for kind, type_ in _TYPES.items()}
)


def _optional(description: str) -> Any:
    return strawberry.field(default=strawberry.UNSET, description=description)


def _required(description: str) -> Any:
    return strawberry.field(description=description)


@strawberry.input(description="What every piece of industry validation may carry.")
class EvidencePieceInput:
    """What every piece of industry validation may carry."""

    attachment_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Your files behind this piece, which have been received; at most 5."
    )


@strawberry.input(description="A yearly gross salary, from and to.")
class SalaryBandInput:
    """A yearly gross salary."""

    low: Decimal = _required("From this amount.")
    high: Decimal = _required("To this amount.")
    currency: CurrencyCode = _required("In this currency.")


@strawberry.input(description="Seats for holders.")
class HiringPledgeInput(EvidencePieceInput):
    """A hiring pledge."""

    seats: int = _required("How many seats, 1 to 10,000.")
    role: str = _required("For which role.")
    region: str = _required("Where.")
    opens_on: date = _required("The first day of the window.")
    closes_on: date = _required("The last day of the window; after today, and within the next three years.")
    salary: SalaryBandInput | None = _optional("What is paid, if you tell it.")


@strawberry.input(description="An interview for every holder.")
class InterviewGuaranteeInput(EvidencePieceInput):
    """An interview guarantee."""

    role: str = _required("For which role.")
    region: str = _required("Where.")
    within_days: int = _required("Within how many days of applying, 1 to 365.")
    until: date = _required("The last day; after today.")


@strawberry.input(description="A tool, and the versions in use.")
class ConfirmedToolInput:
    """A tool."""

    name: str = _required("The tool.")
    versions: str = strawberry.field(
        default="",
        description="The versions in use: 3.13 (with its patches), 4.x, >=4.0,<5, 3.12–3.13, 15+ or 16 or 17.",
    )


@strawberry.input(description="The tools that your team uses.")
class ToolchainConfirmationInput(EvidencePieceInput):
    """A toolchain confirmation."""

    tools: list[ConfirmedToolInput] = _required("The tools, 1 to 30.")
    checked_on: date = _required("The day of the check; not in the future.")


@strawberry.input(description="Help with a criterion of the assessment.")
class AssessmentCoDesignInput(EvidencePieceInput):
    """Assessment co-design."""

    criterion: str = _required("Which criterion.")
    hours: Decimal = _required("How many hours it took.")
    expert_role: str = _required("The expert's role with you; no name.")


@strawberry.input(description="Assessors whom you send.")
class AssessorProvisionInput(EvidencePieceInput):
    """Assessor provision."""

    assessors: int = _required("How many assessors.")
    hours: Decimal = _required("How many hours each.")
    expert_role: str = _required("Their role with you; no names.")
    until: date = _required("The last day; after today.")


@strawberry.input(description="A case or a data set that you give.")
class CaseProvisionInput(EvidencePieceInput):
    """Case or data set provision."""

    case: str = _required("Its name.")
    description: str = _required("What it is.")
    terms: str = _required("On which terms it may be used.")


@strawberry.input(description="A share of the vacancies in a corpus, a region and a period.")
class LabourMarketEvidenceInput(EvidencePieceInput):
    """Labour-market evidence."""

    corpus: str = _required("The corpus.")
    query: str = _required("What was looked for.")
    region: str = _required("Where.")
    period_from: date = _required("The first day of the period.")
    period_to: date = _required("The last day of the period; not in the future.")
    matched: int = _required("How many vacancies matched.")
    total: int = _required("Of how many.")
    snapshot_digest: str = _required("The SHA-256 of the corpus as it was, in lower-case hex.")


@strawberry.input(description="Better pay for holders.")
class WagePremiumInput(EvidencePieceInput):
    """A wage premium."""

    percent: Decimal = _required("How much more, in percent.")
    role: str = _required("In which role.")
    region: str = _required("Where.")
    basis: str = _required("Compared with what.")
    observed_on: date = _required("The day of the observation; not in the future.")


@strawberry.input(description="What the block counts as with you.")
class ProgressionRecognitionInput(EvidencePieceInput):
    """Progression recognition."""

    programme: str = _required("The programme or step.")
    recognised_as: str = _required("What the block counts as there.")
    until: date = _required("The last day; after today.")


@strawberry.input(one_of=True, description="One piece of industry validation, of exactly one kind.")
class EvidenceInput:
    """One piece of industry validation."""

    hiring_pledge: HiringPledgeInput | None = _optional("Seats for holders.")
    interview_guarantee: InterviewGuaranteeInput | None = _optional("An interview for every holder.")
    toolchain_confirmation: ToolchainConfirmationInput | None = _optional("The tools that your team uses.")
    assessment_co_design: AssessmentCoDesignInput | None = _optional("Help with a criterion of the assessment.")
    assessor_provision: AssessorProvisionInput | None = _optional("Assessors whom you send.")
    case_provision: CaseProvisionInput | None = _optional("A case or a data set that you give.")
    labour_market_evidence: LabourMarketEvidenceInput | None = _optional("A share of the vacancies.")
    wage_premium: WagePremiumInput | None = _optional("Better pay for holders.")
    progression_recognition: ProgressionRecognitionInput | None = _optional("What the block counts as with you.")


_VALUES: Final[dict[str, type[rules.Evidence]]] = {
    "hiring_pledge": rules.HiringPledge,
    "interview_guarantee": rules.InterviewGuarantee,
    "toolchain_confirmation": rules.ToolchainConfirmation,
    "assessment_co_design": rules.AssessmentCoDesign,
    "assessor_provision": rules.AssessorProvision,
    "case_provision": rules.CaseProvision,
    "labour_market_evidence": rules.LabourMarketEvidence,
    "wage_premium": rules.WagePremium,
    "progression_recognition": rules.ProgressionRecognition,
}


def read_evidence(given: EvidenceInput) -> rules.Evidence:
    """The piece of evidence that an input says."""
    name, piece = _chosen(given)
    values = {key: value for key, value in vars(piece).items() if key != "attachment_ids"}
    if "salary" in values:
        values["salary"] = rules.SalaryBand(**vars(values["salary"])) if values["salary"] else None
    if "tools" in values:
        values["tools"] = tuple(rules.Tool(tool.name, tool.versions) for tool in values["tools"])
    return _VALUES[name](**values)


def read_files(given: EvidenceInput, number: int) -> tuple[UUID, ...]:
    """The files that the piece of evidence at a place names. Raises NotFound for what is no id of one."""
    _, piece = _chosen(given)
    return tuple(
        reference(text, "attachment", "attachment", "evidence", number, "attachmentIds", no)
        for no, text in enumerate(piece.attachment_ids)
    )


def _chosen(given: EvidenceInput) -> tuple[str, EvidencePieceInput]:
    return next((name, getattr(given, name)) for name in _VALUES if getattr(given, name) is not strawberry.UNSET)
