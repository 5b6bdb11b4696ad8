"""Documents made from plain values: the golden ones again, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest

from countersign.trust import documents
from countersign.trust.addresses import Addresses
from countersign.trust.canonical import canonical_json, expand_strictly
from countersign.trust.canonical_codes import identity_hash
from countersign.trust.canonical_schema import schema_problems
from countersign.trust.canonical_status import CAPACITY, decode, encode, is_set, place_of
from countersign.trust.documents import (
    Achievement,
    Alignment,
    Award,
    Endorsement,
    Evidence,
    Level,
    Measure,
    Outcome,
    Party,
    Recipient,
    Status,
)
from countersign.trust.documents_keys import PublicKey, did_document, status_list_credential
from countersign.trust.verify_reading import frozen_achievement_of
from tests.trust import samples
from tests.trust.samples import ADDRESSES

NORTHGATE = Party("northgate", "Northgate School of Product")
ORBITA = Party("orbita", "Orbita Creative Ltd")

ACHIEVEMENT = Achievement(
    slug="ab-testing-python",
    semver="2.1.0",
    name="A/B testing for product metrics in Python",
    description="Designs, runs and reads an online controlled experiment.",
    criteria="Pass the graded experiment report (4 rubric criteria) and a 30-minute viva.",
    creator=NORTHGATE,
    credits=Decimal("3.0"),
    tags=("experimentation", "Python"),
    alignments=(
        Alignment(
            "conduct quantitative research",
            "http://data.europa.eu/esco/skill/00000000-0000-4000-8000-000000000000",
            "ESCO",
        ),
    ),
    measures=(
        Measure(
            "report",
            "Experiment report",
            levels=(Level("report-ready", "Ready for work", "3"),),
            required_level="report-ready",
        ),
    ),
    previous_semver="2.0.0",
)

ENDORSEMENT = Endorsement(
    id=UUID("0199a1f0-0000-7000-8000-000000000001"),
    endorser=ORBITA,
    title="A/B testing for product metrics in Python",
    slug="ab-testing-python",
    semver="2.1.0",
    achievement=samples.sample_bytes("achievement"),
    spec_json=b'{"made":"up"}',
    statement="Matches how our analytics team ships experiments. We interview every holder.",
    valid_from=datetime(2026, 10, 1, tzinfo=UTC),
    valid_until=datetime(2027, 10, 1, tzinfo=UTC),
    status=Status(ADDRESSES.status_list("orbita", "revocation", 1), 94567),
    evidence=(
        Evidence(
            "Hiring pledge",
            "5 junior analyst seats, EU remote, until 2027-03-31.",
            "Industry validation: hiring pledge",
            "Employers",
        ),
        Evidence(
            "Toolchain confirmation",
            "Python 3.13, SciPy, GrowthBook; checked 2026-09-20.",
            "Industry validation: toolchain",
        ),
    ),
)

AWARD = Award(
    id=UUID("0199a1f0-0000-7000-8000-0000000000a1"),
    school=NORTHGATE,
    achievement=samples.sample_bytes("achievement"),
    endorsements=(samples.sample_bytes("endorsement"),),
    recipient=Recipient("a@example.com", "Kosher", "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"),
    awarded_at=datetime(2026, 11, 1, 9, tzinfo=UTC),
    valid_from=datetime(2026, 11, 2, 9, tzinfo=UTC),
    status=Status(ADDRESSES.status_list("northgate", "revocation", 1), 17),
    outcomes=(Outcome("report", "report-ready"),),
    evidence=(Evidence("Experiment report", "Graded report and viva of 2026-10-28."),),
)


def test_the_golden_achievement_is_made_again_byte_for_byte() -> None:
    assert documents.achievement(ADDRESSES, ACHIEVEMENT) == samples.sample_bytes("achievement")


def test_the_golden_endorsement_is_made_again_and_binds_spec_json_too() -> None:
    made = json.loads(documents.endorsement_credential(ADDRESSES, ENDORSEMENT))
    golden = samples.without_proof(samples.sample("endorsement"))
    both = made.pop("relatedResource")
    assert both[:1] == golden.pop("relatedResource")
    assert both[1]["id"] == "https://countersign.example/specs/ab-testing-python/versions/2.1.0/spec.json"
    golden["name"] = "Orbita Creative Ltd endorses A/B testing for product metrics in Python 2.1.0"
    assert made == golden


def test_the_golden_award_is_made_again() -> None:
    made = json.loads(documents.award_credential(ADDRESSES, AWARD))
    assert made == samples.without_proof(samples.sample("award"))


def test_an_award_gives_back_the_frozen_achievement() -> None:
    made = json.loads(documents.award_credential(ADDRESSES, AWARD))
    assert frozen_achievement_of(made) == samples.sample_bytes("achievement")


def test_an_award_carries_no_readable_identifier() -> None:
    assert b"a@example.com" not in documents.award_credential(ADDRESSES, AWARD)


def test_an_award_without_a_did_or_endorsements_or_outcomes_is_still_complete() -> None:
    bare = replace(AWARD, endorsements=(), outcomes=(), evidence=(), recipient=Recipient("a@example.com", "Kosher"))
    made = json.loads(documents.award_credential(ADDRESSES, bare))
    assert schema_problems(made) == ()
    assert "id" not in made["credentialSubject"]
    assert "endorsement" not in made["credentialSubject"]["achievement"]


@pytest.mark.parametrize(
    "document",
    [
        documents.endorsement_credential(ADDRESSES, ENDORSEMENT),
        documents.award_credential(ADDRESSES, AWARD),
        documents.award_credential(ADDRESSES, replace(AWARD, valid_until=AWARD.valid_from + timedelta(days=1))),
    ],
)
def test_what_is_made_passes_its_schema_and_strict_expansion(document: bytes) -> None:
    made = json.loads(document)
    assert schema_problems(made) == ()
    assert expand_strictly(made)
    assert canonical_json(made) == document


def test_a_date_outside_the_calendar_fails_the_schema() -> None:
    made = json.loads(documents.award_credential(ADDRESSES, AWARD)) | {"validFrom": "2026-02-30T00:00:00Z"}
    assert [problem.path for problem in schema_problems(made)] == ["$.validFrom"]


def test_two_statuses_fail_the_schema() -> None:
    made = json.loads(documents.award_credential(ADDRESSES, AWARD))
    made["credentialStatus"] = [made["credentialStatus"]] * 2
    assert [problem.path for problem in schema_problems(made)] == ["$.credentialStatus"]


@pytest.mark.parametrize("outcome", [Outcome("essay"), Outcome("report", "report-brilliant")])
def test_an_outcome_the_achievement_does_not_have_is_refused(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match="has no"):
        documents.award_credential(ADDRESSES, replace(AWARD, outcomes=(outcome,)))


def test_a_reversed_validity_is_refused() -> None:
    with pytest.raises(ValueError, match="valid_until"):
        documents.endorsement_credential(ADDRESSES, replace(ENDORSEMENT, valid_until=ENDORSEMENT.valid_from))


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = ENDORSEMENT.valid_from.replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        documents.endorsement_credential(
            ADDRESSES, replace(ENDORSEMENT, valid_from=naive, valid_until=naive + timedelta(1))
        )


def test_identity_hash_of_the_specification() -> None:
    assert identity_hash("a@example.com", "Kosher") == (
        "sha256$b5809d8a92f8858436d7e6b87c12ebc0ae1eac4baecc2c0b913aee2c922ef399"
    )


def test_did_document_lists_every_key_as_the_golden_one() -> None:
    keys = [
        PublicKey("key-2026", samples.public("orbita ed25519 2026")),
        PublicKey("key-2025", samples.public("orbita ed25519 2025")),
    ]
    made = json.loads(did_document(ADDRESSES, "orbita", keys))
    golden = samples.sample("did")
    assert made["id"] == golden["id"]
    assert made["verificationMethod"] == golden["verificationMethod"][:2]
    assert made["assertionMethod"] == golden["assertionMethod"][:2]
    assert expand_strictly(made)


def test_an_address_with_a_port_escapes_its_colon_in_the_did() -> None:
    local = Addresses("http://localhost:4600")
    assert local.did("northgate") == "did:web:localhost%3A4600:orgs:northgate"
    assert local.did_document("northgate") == "http://localhost:4600/orgs/northgate/did.json"
    assert local.handle("did:web:localhost%3A4600:orgs:northgate") == "northgate"
    assert local.handle("did:web:localhost%3A4601:orgs:northgate") is None
    assert local.handle("did:web:localhost%3A4600:orgs:") is None
    assert local.handle("did:web:localhost%3A4600:orgs:a%2Eb") is None


@pytest.mark.parametrize("origin", ["", "localhost:4600", "http://", "https://a.example/", "ftp://a.example"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        Addresses(origin)


def test_status_list_is_made_as_the_golden_one() -> None:
    made = json.loads(
        status_list_credential(ADDRESSES, "orbita", "revocation", 1, [], datetime(2026, 11, 10, tzinfo=UTC))
    )
    golden = samples.without_proof(samples.sample("status_list"))
    assert made.pop("validUntil") == "2026-11-17T00:00:00Z"
    assert golden.pop("validUntil")
    empty = bytes(CAPACITY // 8)
    assert decode(made["credentialSubject"].pop("encodedList")) == empty
    assert decode(golden["credentialSubject"].pop("encodedList")) == empty
    assert made == golden


def test_status_bits_are_counted_from_the_most_significant() -> None:
    bits = decode(encode([0, 9, CAPACITY - 1]))
    assert bits[0] == 0b1000_0000
    assert bits[1] == 0b0100_0000
    assert bits[-1] == 1
    assert [place for place in range(CAPACITY) if is_set(bits, place)] == [0, 9, CAPACITY - 1]


@pytest.mark.parametrize("place", [-1, CAPACITY])
def test_a_place_outside_the_list_is_refused(place: int) -> None:
    with pytest.raises(ValueError, match="no place"):
        encode([place])
    with pytest.raises(ValueError, match="no place"):
        is_set(bytes(CAPACITY // 8), place)


@pytest.mark.parametrize("text", ["", "zabc", "uabc", "u====", encode([])[:-9], encode([]) + encode([])[1:]])
def test_an_unreadable_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"list|base64url"):
        decode(text)


def test_every_slot_has_its_own_place_and_neighbours_lie_apart() -> None:
    secret = b"a list's secret."
    places = [place_of(slot, secret) for slot in range(0, CAPACITY, 7)]
    assert len(set(places)) == len(places)
    assert all(0 <= place < CAPACITY for place in places)
    steps = sorted(abs(a - b) for a, b in pairwise(places))
    assert CAPACITY / 5 < steps[len(steps) // 2] < CAPACITY / 2
    assert place_of(1, secret) != place_of(1, b"another secret..")
