"""Evidence as it was kept, made again into what it was, so that it can be checked and said once more. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import TypeAdapter

from countersign.endorsements.evidence import (
    AssessmentCoDesign,
    AssessorProvision,
    CaseProvision,
    Evidence,
    EvidenceKind,
    HiringPledge,
    InterviewGuarantee,
    LabourMarketEvidence,
    ProgressionRecognition,
    ToolchainConfirmation,
    WagePremium,
)

_KINDS: Final[Mapping[EvidenceKind, TypeAdapter[Any]]] = MappingProxyType(
    {
        EvidenceKind(kind.kind): TypeAdapter(kind)
        for kind in (
            HiringPledge,
            InterviewGuarantee,
            ToolchainConfirmation,
            AssessmentCoDesign,
            AssessorProvision,
            CaseProvision,
            LabourMarketEvidence,
            WagePremium,
            ProgressionRecognition,
        )
    }
)


def recalled(kind: str, payload: Mapping[str, Any]) -> Evidence:
    """A piece of evidence from its kind and the record that `evidence.payload` made of it: equal to what was given."""
    piece: Evidence = _KINDS[EvidenceKind(kind)].validate_python(dict(payload))
    return piece
