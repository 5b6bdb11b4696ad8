"""The nine kinds of evidence: what each says, keeps and refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from countersign.endorsements.evidence import (
    Evidence,
    EvidenceKind,
    HiringPledge,
    SalaryBand,
    Tool,
    TooMuchEvidence,
    check,
    genre,
    payload,
)
from countersign.kit.errors import Refusals
from tests.endorsements.samples import EARLIER, EVERY_KIND, LATER, TODAY

PLEDGE = HiringPledge(5, "junior analyst", "EU remote", TODAY, LATER)
SENTENCES = (
    "5 junior analyst seats, EU remote, 42000 to 50000 EUR a year, from 2026-11-22 until 2027-03-31.",
    "Every holder who applies as junior analyst (EU remote) is interviewed within 14 days, until 2027-03-31.",
    "Python 3.13, SciPy, GrowthBook; checked 2026-09-20.",
    "Lead analyst co-designed the criterion “Sample size is justified” (6.5 hours).",
    "2 assessors (senior analyst), 1 hour each, until 2027-03-31.",
    "Checkout test: Logs of a checkout experiment. Terms: CC BY 4.0.",
    (
        "31 of 420 vacancies (7.4 %) in Made vacancies (EU, 2026-01-01 to 2026-09-20) match “A/B testing”;"
        f" snapshot SHA-256 {'ab' * 32}; stated, not recomputed."
    ),
    ("Holders are paid 4.5 % more as analyst (Serbia), compared with analysts without the block; observed 2026-09-20."),
    "Counts as the entry test towards Analyst academy, until 2027-03-31.",
)
SAID: dict[Evidence, str] = {
    replace(PLEDGE, seats=1): "1 junior analyst seat, EU remote, from 2026-11-22 until 2027-03-31.",
    **dict(zip(EVERY_KIND, SENTENCES, strict=True)),
}


def test_every_kind_of_industry_validation_has_an_example_here() -> None:
    assert {piece.kind for piece in SAID} == set(EvidenceKind)


@pytest.mark.parametrize("piece", SAID, ids=lambda piece: piece.kind.value)
def test_a_good_piece_says_one_readable_sentence(piece: Evidence) -> None:
    check([piece], TODAY)
    assert piece.sentence() == SAID[piece]
    assert genre(piece) == f"Industry validation: {piece.title.lower()}"


@pytest.mark.parametrize("piece", SAID, ids=lambda piece: piece.kind.value)
def test_the_structured_record_is_plain_json(piece: Evidence) -> None:
    record = payload(piece)
    assert json.loads(json.dumps(record)) == record


def test_the_structured_record_keeps_every_figure() -> None:
    pledge = replace(PLEDGE, salary=SalaryBand(Decimal("42000.10"), Decimal(50000), "EUR"))
    assert payload(pledge) == {
        "seats": 5,
        "role": "junior analyst",
        "region": "EU remote",
        "opens_on": "2026-11-22",
        "closes_on": "2027-03-31",
        "salary": {"low": "42000.10", "high": "50000", "currency": "EUR"},
    }


GOOD = {piece.kind: piece for piece in reversed(SAID)}


@pytest.mark.parametrize(
    ("kind", "change", "place"),
    [
        ("hiring_pledge", {"seats": 0}, ("seats",)),
        ("hiring_pledge", {"seats": 10_001}, ("seats",)),
        ("hiring_pledge", {"role": " "}, ("role",)),
        ("hiring_pledge", {"role": "x" * 201}, ("role",)),
        ("hiring_pledge", {"region": ""}, ("region",)),
        ("hiring_pledge", {"closes_on": TODAY, "opens_on": EARLIER}, ("closesOn",)),
        ("hiring_pledge", {"opens_on": date(2027, 4, 1)}, ("opensOn",)),
        ("hiring_pledge", {"closes_on": date(2029, 11, 26)}, ("closesOn",)),
        ("hiring_pledge", {"opens_on": date.min, "closes_on": date.max}, ("closesOn",)),
        ("hiring_pledge", {"salary": SalaryBand(Decimal(2), Decimal(1), "EUR")}, ("salary",)),
        ("hiring_pledge", {"salary": SalaryBand(Decimal(1), Decimal(2), "eur")}, ("salary", "currency")),
        ("interview_guarantee", {"within_days": 0}, ("withinDays",)),
        ("interview_guarantee", {"until": TODAY}, ("until",)),
        ("toolchain_confirmation", {"tools": ()}, ("tools",)),
        ("toolchain_confirmation", {"tools": (Tool("SciPy"), Tool(" "))}, ("tools", 1, "name")),
        ("toolchain_confirmation", {"tools": (Tool("R", "9" * 201),)}, ("tools", 0, "versions")),
        ("toolchain_confirmation", {"checked_on": date(2026, 11, 23)}, ("checkedOn",)),
        ("assessment_co_design", {"hours": Decimal(0)}, ("hours",)),
        ("assessment_co_design", {"criterion": ""}, ("criterion",)),
        ("assessor_provision", {"assessors": 0}, ("assessors",)),
        ("assessor_provision", {"until": EARLIER}, ("until",)),
        ("case_provision", {"terms": ""}, ("terms",)),
        ("case_provision", {"case": "\u200b\u2060"}, ("case",)),
        ("case_provision", {"case": "open to\u202e all"}, ("case",)),
        ("case_provision", {"description": "one\rtwo"}, ("description",)),
        ("labour_market_evidence", {"matched": 421}, ("matched",)),
        ("labour_market_evidence", {"total": 0, "matched": 0}, ("total",)),
        ("labour_market_evidence", {"period_to": LATER}, ("periodTo",)),
        ("labour_market_evidence", {"period_from": TODAY}, ("periodFrom",)),
        ("labour_market_evidence", {"snapshot_digest": "AB" * 32}, ("snapshotDigest",)),
        ("wage_premium", {"percent": Decimal(0)}, ("percent",)),
        ("wage_premium", {"observed_on": LATER}, ("observedOn",)),
        ("progression_recognition", {"until": TODAY}, ("until",)),
    ],
)
def test_a_faulty_piece_is_refused_at_its_place(
    kind: str, change: dict[str, Any], place: tuple[str | int, ...]
) -> None:
    faulty = replace(GOOD[EvidenceKind(kind)], **change)  # type: ignore[type-var]
    with pytest.raises(Refusals) as caught:
        check([PLEDGE, faulty], TODAY)
    assert [r.path for r in caught.value.refusals] == [("evidence", 1, *place)]


def test_what_other_scripts_need_to_be_read_is_no_fault() -> None:
    joined = replace(
        GOOD[EvidenceKind.CASE_PROVISION], case="می\u200cخواهم \u05d0\u200f", description="One.\nTwo.\r\n3"
    )  # type: ignore[type-var]
    check([joined], TODAY)


def test_there_is_a_limit_to_the_pieces() -> None:
    check([PLEDGE] * 20, TODAY)
    with pytest.raises(Refusals) as caught:
        check([PLEDGE] * 21, TODAY)
    assert [type(r) for r in caught.value.refusals] == [TooMuchEvidence]
