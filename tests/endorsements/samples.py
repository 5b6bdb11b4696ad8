"""One good piece of evidence of each kind, on 22 November 2026."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from countersign.endorsements.evidence import (
    AssessmentCoDesign,
    AssessorProvision,
    CaseProvision,
    Evidence,
    HiringPledge,
    InterviewGuarantee,
    LabourMarketEvidence,
    ProgressionRecognition,
    SalaryBand,
    Tool,
    ToolchainConfirmation,
    WagePremium,
)

TODAY: Final = date(2026, 11, 22)
LATER: Final = date(2027, 3, 31)
EARLIER: Final = date(2026, 9, 20)
BAND: Final = SalaryBand(Decimal("42000.00"), Decimal(50000), "EUR")

EVERY_KIND: Final[tuple[Evidence, ...]] = (
    HiringPledge(5, "junior analyst", "EU remote", TODAY, LATER, BAND),
    InterviewGuarantee("junior analyst", "EU remote", 14, LATER),
    ToolchainConfirmation((Tool("Python", "3.13"), Tool("SciPy"), Tool("GrowthBook")), EARLIER),
    AssessmentCoDesign("Sample size is justified", Decimal("6.50"), "Lead analyst"),
    AssessorProvision(2, Decimal(1), "senior analyst", LATER),
    CaseProvision("Checkout test", "Logs of a checkout experiment.", "CC BY 4.0"),
    LabourMarketEvidence("Made vacancies", "A/B testing", "EU", date(2026, 1, 1), EARLIER, 31, 420, "ab" * 32),
    WagePremium(Decimal("4.50"), "analyst", "Serbia", "analysts without the block", EARLIER),
    ProgressionRecognition("Analyst academy", "the entry test", LATER),
)
