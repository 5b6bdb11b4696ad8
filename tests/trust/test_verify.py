"""Verification: what must pass passes, and what must fail fails with its own verdict."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countersign.trust.documents_keys import PublicKey, did_document
from countersign.trust.verify import Material, verify
from countersign.trust.verify_findings import Finding, Outcome, Report, Verdict, report_from_json, worst
from countersign.trust.verify_reading import needs
from countersign.trust.worker import judge
from countersign.trust.workers import Workers
from tests.trust import samples
from tests.trust.material import (
    NORTHGATE,
    NOW,
    ORBITA,
    VERSION,
    by_northgate,
    by_orbita,
    lists,
    material,
    signed,
    status_list,
)
from tests.trust.samples import ADDRESSES

EMBEDDED = "$.credentialSubject.achievement.endorsement[0]"
Document = dict[str, Any]


def judged(document: Document, given: Material | None = None) -> Report:
    return verify(json.dumps(document), given or material(), NOW)


def problems(report: Report) -> list[tuple[str, str, Verdict]]:
    return [(f.check, f.path, f.verdict) for c in report.credentials for f in c.findings if f.verdict != Verdict.VALID]


def endorsement() -> Document:
    return samples.sample("endorsement")


def award() -> Document:
    return samples.sample("award")


@pytest.mark.parametrize("name", ["endorsement", "award"])
def test_golden_samples_are_valid(name: str) -> None:
    report = judged(samples.sample(name))
    assert problems(report) == []
    assert report.verdict is Verdict.VALID


def test_checks_come_in_their_order() -> None:
    checks = [finding.check for finding in judged(award()).credentials[0].findings]
    assert checks == ["contexts", "schema", "terms", "proof", "dates", "status", "digest", "issuer"]


def test_an_embedded_endorsement_is_judged_at_its_path() -> None:
    inner = judged(award()).credentials[1]
    assert (inner.path, inner.type, inner.verdict) == (EMBEDDED, "EndorsementCredential", Verdict.VALID)
    assert "subject" in [finding.check for finding in inner.findings]


def test_needs_name_everything_to_have_at_hand() -> None:
    found = needs(award())
    assert found.issuers == (NORTHGATE, ORBITA)
    assert found.status_lists == tuple(sorted(lists()))
    assert found.resources == (VERSION,)


def altered(change: Callable[[Document], object], document: Document | None = None) -> Document:
    changed = endorsement() if document is None else document
    change(changed)
    return changed


def subject(document: Document) -> Document:
    held: Document = document["credentialSubject"]
    return held


@pytest.mark.parametrize(
    ("change", "verdict", "place"),
    [
        (lambda d: subject(d).update(endorsementComment="Other words."), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d.update(validUntil="2029-10-01T00:00:00Z"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(proofValue="z" + "2" * 86), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(created="2026-10-02T00:00:00Z"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(proofPurpose="authentication"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(verificationMethod=f"{ORBITA}#key-2025"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(verificationMethod=f"{NORTHGATE}#key-2026"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(verificationMethod=f"{ORBITA}#jwt-2026"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d["proof"].update(cryptosuite="eddsa-jcs-2022"), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: d.pop("proof"), Verdict.BAD_PROOF, "$"),
        (lambda d: d["issuer"].update(id=NORTHGATE), Verdict.BAD_PROOF, "$.proof"),
        (lambda d: subject(d).update(stray="unsigned"), Verdict.UNDEFINED_TERMS, "$.credentialSubject.stray"),
        (lambda d: d.update(stray={"a": 1}), Verdict.UNDEFINED_TERMS, "$.stray"),
        (lambda d: d["proof"].update(stray=1), Verdict.UNDEFINED_TERMS, "$.proof.stray"),
        (lambda d: d["@context"].append("https://other.example/v1"), Verdict.UNKNOWN_CONTEXT, "$.@context"),
        (lambda d: d["@context"].append({"stray": "urn:stray"}), Verdict.UNKNOWN_CONTEXT, "$.@context"),
        (lambda d: d["@context"].reverse(), Verdict.UNKNOWN_CONTEXT, "$.@context"),
        (lambda d: d.pop("name"), Verdict.SCHEMA_INVALID, "$"),
        (lambda d: d.update(validFrom="2026-02-30T00:00:00Z"), Verdict.SCHEMA_INVALID, "$.validFrom"),
    ],
)
def test_an_altered_endorsement_fails_with_its_verdict(
    change: Callable[[Document], object], verdict: Verdict, place: str
) -> None:
    report = judged(altered(change))
    assert report.verdict is verdict
    assert place in [path for _, path, found in problems(report) if found is verdict]


def test_every_changed_text_of_an_endorsement_is_noticed() -> None:
    original = endorsement()

    def places(value: Any, steps: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
        if isinstance(value, dict):
            return [p for key, held in value.items() for p in places(held, (*steps, key))]
        if isinstance(value, list):
            return [p for number, held in enumerate(value) for p in places(held, (*steps, number))]
        return [steps]

    for steps in places(original):
        changed = endorsement()
        holder: Any = changed
        for step in steps[:-1]:
            holder = holder[step]
        holder[steps[-1]] = str(holder[steps[-1]])[:-1] + "~"
        assert judged(changed).verdict is not Verdict.VALID, steps


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (NOW.replace(month=9), Verdict.NOT_YET_VALID),
        (NOW.replace(year=2026, month=10, day=1), Verdict.VALID),
        (NOW.replace(year=2027, month=10, day=1), Verdict.VALID),
        (NOW.replace(year=2027, month=10, day=1) + timedelta(seconds=1), Verdict.EXPIRED),
    ],
)
def test_dates_are_taken_to_the_second(now: Any, verdict: Verdict) -> None:
    document = endorsement()
    lasting = material(status_lists={ADDRESSES.status_list("orbita", "revocation", 1): "{}"})
    del document["credentialStatus"]
    assert verify(json.dumps(by_orbita(document)), lasting, now).verdict is verdict


def test_a_reversed_validity_is_refused() -> None:
    document = by_orbita(endorsement() | {"validUntil": "2026-01-01T00:00:00Z"})
    assert judged(document).verdict is Verdict.SCHEMA_INVALID


def test_a_revoked_endorsement_is_revoked() -> None:
    report = judged(endorsement(), material(status_lists=lists(orbita=[94567])))
    assert problems(report) == [("status", "$.credentialStatus", Verdict.REVOKED)]


def test_another_bit_of_the_list_says_nothing() -> None:
    assert judged(endorsement(), material(status_lists=lists(orbita=[94566, 94568]))).verdict is Verdict.VALID


def list_by(change: Callable[[Document], object], sign: Callable[[Document], Document]) -> Material:
    document = altered(change, status_list("orbita"))
    url = ADDRESSES.status_list("orbita", "revocation", 1)
    return material(status_lists={url: json.dumps(sign(document))})


@pytest.mark.parametrize(
    "given",
    [
        material(status_lists={}),
        list_by(lambda d: d.update(), by_northgate),
        list_by(lambda d: d.update(issuer=NORTHGATE), by_northgate),
        list_by(lambda d: d.update(validUntil="2026-11-19T00:00:00Z"), by_orbita),
        list_by(lambda d: d["credentialSubject"].update(statusPurpose="suspension"), by_orbita),
        list_by(lambda d: d["credentialSubject"].update(encodedList="uAAAA"), by_orbita),
        list_by(lambda d: d.update(id="https://countersign.example/status/orbita/revocation/2"), by_orbita),
        list_by(lambda d: d["credentialSubject"].update(encodedList="uAAAA"), lambda d: d),
    ],
)
def test_a_list_that_cannot_be_relied_on_leaves_the_status_unavailable(given: Material) -> None:
    report = judged(endorsement(), given)
    assert problems(report) == [("status", "$.credentialStatus", Verdict.STATUS_UNAVAILABLE)]


@pytest.mark.parametrize("index", ["131072", "-1", "x", ""])
def test_an_index_outside_the_list_leaves_the_status_unavailable(index: str) -> None:
    document = endorsement()
    document["credentialStatus"]["statusListIndex"] = index
    assert judged(by_orbita(document)).verdict is Verdict.STATUS_UNAVAILABLE


def test_a_status_index_may_be_a_number() -> None:
    document = by_orbita(altered(lambda d: d["credentialStatus"].update(statusListIndex=94567)))
    report = judged(document, material(status_lists=lists(orbita=[94567])))
    assert report.verdict in {Verdict.REVOKED, Verdict.SCHEMA_INVALID}


def test_other_bytes_of_the_version_are_a_digest_mismatch() -> None:
    other = samples.sample_bytes("achievement").decode() + " "
    report = judged(endorsement(), material(resources={VERSION: other}))
    assert problems(report) == [("digest", "$.relatedResource[0]", Verdict.DIGEST_MISMATCH)]


def test_an_award_with_another_achievement_than_the_frozen_one_is_a_digest_mismatch() -> None:
    document = award()
    document["credentialSubject"]["achievement"]["description"] = "Something easier."
    report = judged(by_northgate(document))
    assert ("digest", "$.credentialSubject.achievement", Verdict.DIGEST_MISMATCH) in problems(report)


def test_what_is_not_published_here_is_not_fetched_and_not_held_against_it() -> None:
    report = judged(endorsement(), material(resources={}))
    found = [f for f in report.credentials[0].findings if f.check == "digest"]
    assert [f.outcome for f in found] == [Outcome.NOT_CHECKED]
    assert report.verdict is Verdict.VALID


@pytest.mark.parametrize("state", ["unverified", "suspended"])
def test_an_issuer_without_standing_is_not_trusted(state: str) -> None:
    report = judged(endorsement(), material(standing={ORBITA: state}))
    assert problems(report) == [("issuer", "$.issuer", Verdict.UNTRUSTED_ISSUER)]


def test_a_foreign_issuer_is_not_trusted_and_its_proof_not_claimed_good() -> None:
    report = judged(endorsement(), Material())
    proof = next(f for f in report.credentials[0].findings if f.check == "proof")
    assert proof.outcome is Outcome.NOT_CHECKED
    assert report.verdict is Verdict.UNTRUSTED_ISSUER


def with_inner(inner: Document) -> Document:
    document = award()
    document["credentialSubject"]["achievement"]["endorsement"] = [inner]
    return by_northgate(document)


def test_a_forged_inner_endorsement_makes_the_award_false() -> None:
    forged = endorsement()
    forged["credentialSubject"]["endorsementComment"] = "We hire every holder at once."
    report = judged(with_inner(forged))
    assert problems(report) == [("proof", f"{EMBEDDED}.proof", Verdict.BAD_PROOF)]
    assert report.verdict is Verdict.BAD_PROOF
    assert report.credentials[0].verdict is Verdict.VALID


def test_an_inner_endorsement_of_another_version_is_a_subject_mismatch() -> None:
    elsewhere = endorsement()
    elsewhere["credentialSubject"]["id"] = VERSION.replace("2.1.0", "2.0.0")
    report = judged(with_inner(by_orbita(elsewhere)))
    assert problems(report) == [("subject", f"{EMBEDDED}.credentialSubject", Verdict.SUBJECT_MISMATCH)]
    assert report.verdict is Verdict.SUBJECT_MISMATCH


def test_an_inner_endorsement_revoked_later_shows_itself_and_leaves_the_award_valid() -> None:
    report = judged(award(), material(status_lists=lists(orbita=[94567])))
    assert [credential.verdict for credential in report.credentials] == [Verdict.VALID, Verdict.REVOKED]
    assert report.verdict is Verdict.VALID


def test_an_endorsement_inside_the_subject_mismatch_is_found_on_the_issuer_too() -> None:
    document = award()
    document["issuer"]["endorsement"] = [endorsement()]
    report = judged(by_northgate(document))
    assert ("subject", "$.issuer.endorsement[0].credentialSubject", Verdict.SUBJECT_MISMATCH) in problems(report)


def test_one_good_proof_is_enough() -> None:
    document = endorsement()
    broken = document["proof"] | {"proofValue": "z" + "2" * 86}
    document["proof"] = [broken, document["proof"]]
    report = judged(document)
    assert report.verdict is Verdict.VALID
    outcomes = [f.outcome for f in report.credentials[0].findings if f.check == "proof"]
    assert outcomes == [Outcome.NOT_CHECKED, Outcome.PASSED]


def test_an_older_key_still_shown_keeps_its_signatures_good_and_a_removed_one_does_not() -> None:
    document = signed(endorsement(), "orbita ed25519 2025", f"{ORBITA}#key-2025")
    assert judged(document).verdict is Verdict.VALID
    keys = [PublicKey("key-2026", samples.public("orbita ed25519 2026"))]
    documents = {ORBITA: did_document(ADDRESSES, "orbita", keys).decode()}
    assert judged(document, material(did_documents=documents)).verdict is Verdict.BAD_PROOF


def test_a_key_controlled_by_somebody_else_does_not_count() -> None:
    shown = samples.sample("did")
    shown["verificationMethod"][0]["controller"] = NORTHGATE
    assert judged(endorsement(), material(did_documents={ORBITA: json.dumps(shown)})).verdict is Verdict.BAD_PROOF


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", Verdict.SCHEMA_INVALID),
        ("[]", Verdict.SCHEMA_INVALID),
        ("{", Verdict.SCHEMA_INVALID),
        ('{"id": 1, "id": 2}', Verdict.SCHEMA_INVALID),
        ('{"id": NaN}', Verdict.SCHEMA_INVALID),
        ('{"id": 1e999}', Verdict.SCHEMA_INVALID),
        ('{"id": 99999999999999999999}', Verdict.SCHEMA_INVALID),
        ('{"id": "\\ud800"}', Verdict.SCHEMA_INVALID),
        ("{}", Verdict.UNKNOWN_CONTEXT),
        ('{"a":' * 33 + "1" + "}" * 33, Verdict.TOO_COMPLEX),
        ("[" * 200_000 + "]" * 50_000, Verdict.TOO_COMPLEX),
        (json.dumps({"a": [{}] * 2000}), Verdict.TOO_COMPLEX),
        (json.dumps({"a": "x" * 262_144}), Verdict.TOO_COMPLEX),
        (json.dumps({"endorsement": [{}] * 50}), Verdict.TOO_COMPLEX),
        ("eyJhbGciOiJFUzI1NiJ9.e30.AA", Verdict.SCHEMA_INVALID),
    ],
)
def test_what_is_no_credential_says_why(text: str, verdict: Verdict) -> None:
    report = verify(text, material(), NOW)
    assert report.verdict is verdict
    assert report.credentials[0].findings[-1].detail


def test_too_many_blank_nodes_are_not_canonicalised() -> None:
    document = endorsement()
    document["evidence"] = [{"type": ["Evidence"], "name": f"n{n}"} for n in range(250)]
    report = judged(document)
    assert report.verdict is Verdict.BAD_PROOF
    assert "at most 200" in " ".join(f.detail for f in report.credentials[0].findings)


@pytest.mark.parametrize("seconds", [0.000_2 * step for step in range(1, 30)])
def test_judging_ends_when_its_time_is_over_wherever_it_is(seconds: float) -> None:
    document = award()
    inner = document["credentialSubject"]["achievement"]["endorsement"]
    document["credentialSubject"]["achievement"]["endorsement"] = inner * 5
    gc.disable()  # Hypothesis listens to the collector, and an exception inside its listener is a warning
    try:
        assert judge(json.dumps(document), material(), NOW, seconds).verdict is Verdict.TOO_COMPLEX
    finally:
        gc.enable()


async def test_a_worker_judges_as_the_function_does(workers: Workers) -> None:
    text = json.dumps(award())
    found = await workers.needs(text)
    assert found == needs(award())
    given = material(status_lists=lists(orbita=[94567]))
    assert await workers.verify(text, given, NOW) == verify(text, given, NOW)
    assert (await workers.needs("{")).issuers == ()


def test_a_report_survives_its_json() -> None:
    report = judged(award())
    assert report_from_json(json.loads(json.dumps(report.as_json()))) == report


def test_the_worst_verdict_is_the_one_that_counts() -> None:
    assert worst([]) is Verdict.VALID
    assert worst([Verdict.EXPIRED, Verdict.REVOKED, Verdict.VALID]) is Verdict.REVOKED
    assert worst([Verdict.BAD_PROOF, Verdict.REVOKED]) is Verdict.BAD_PROOF


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["@id", "_:b0", "urn:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["@id", "@type", "type", "@graph", "@value"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(samples.sample("endorsement"))), JSON)
def test_no_value_of_any_member_breaks_the_verifier_or_passes(member: str, value: Any) -> None:
    document = endorsement()
    if document[member] == value:
        return
    document[member] = value
    report = judged(document)
    assert report.verdict is not Verdict.VALID
    assert all(isinstance(f, Finding) and f.detail for c in report.credentials for f in c.findings)


def test_the_verifier_asks_nothing_beyond_its_material() -> None:
    empty = replace(material(), did_documents={}, status_lists={}, resources={}, standing={})
    checks = {f.check: f.outcome for f in judged(endorsement(), empty).credentials[0].findings}
    assert checks["proof"] is Outcome.NOT_CHECKED
    assert checks["status"] is Outcome.FAILED
