"""Taking an endorsement: who may, of what, and what is stored before anything is signed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from countersign.conflicts.rules import ConflictOfInterest
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import HiringPledge, Tool, ToolchainConfirmation
from countersign.endorsements.rules import AlreadySigning, BadValidity, NotEndorsable, StaleVersion, Unverified
from countersign.endorsements.service import EndorseSpec
from countersign.kit.access import OrganizationKind, Role, Scope
from countersign.kit.db import Tx
from countersign.kit.errors import NotAllowed, NotFound, Refusal, Refusals, Required
from countersign.kit.ids import new_id
from countersign.reviews import service as reviews
from countersign.specs import service as specs
from countersign.trust.canonical_codes import digest_multibase, digest_sri
from tests.factories import Factory
from tests.reviews.support import Scene, scene

PLEDGE = HiringPledge(5, "junior analyst", "EU remote", date(2026, 11, 22), date(2027, 3, 31))
TOOLS = ToolchainConfirmation((Tool("Python", "3.13"), Tool("SciPy")), date(2026, 9, 20))


def word(here: Scene, **changes: Any) -> EndorseSpec:
    facts = EndorseSpec(here.version, here.digest, "We interview every holder.", (PLEDGE, TOOLS))
    return replace(facts, **changes)


async def nothing(tx: Tx) -> bool:
    kept = "select (select count(*) from endorsements) + (select count(*) from endorsement_evidence)"
    taken = " + (select count(*) from status_entries) + (select count(*) from outbox where topic like 'endorsement.%')"
    return bool(await tx.fetchval(kept + taken + " = 0"))


async def refused(tx: Tx, kind: type[Exception], act: Callable[[], Awaitable[object]]) -> Any:
    with pytest.raises(kind) as caught:
        async with tx.savepoint():
            await act()
    assert await nothing(tx)
    return caught.value


async def test_the_unsigned_document_is_stored_before_anything_is_signed(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    identity = await endorsements.endorse(tx, here.employer, word(here))
    row = await tx.fetchrow("select * from endorsements where id = $1", identity)
    assert row is not None
    assert (row["state"], row["in_force"]) == ("signing", None)
    assert await tx.fetchval("select count(*) from endorsement_signatures") == 0
    assert (row["digest"], row["signatory_id"]) == (here.digest, here.employer.person_id)
    document = json.loads(row["document"])
    assert document["validFrom"] == "2026-11-22T12:00:00Z"
    assert document["validUntil"] == "2027-11-22T12:00:00Z"
    assert document["credentialSubject"]["endorsementComment"] == "We interview every holder."
    assert [piece["narrative"] for piece in document["evidence"]] == [PLEDGE.sentence(), TOOLS.sentence()]
    assert "proof" not in document
    assert await tx.fetchval("select count(*) from outbox where topic = 'endorsement.in_force'") == 0


async def test_the_document_binds_both_frozen_byte_strings_of_the_version(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    identity = await endorsements.endorse(tx, here.employer, word(here))
    document = json.loads(await tx.fetchval("select document from endorsements where id = $1", identity))
    version = await specs.lock_version(tx, here.version)
    assert version is not None
    bound = {(r["digestMultibase"], r["digestSRI"]) for r in document["relatedResource"]}
    assert bound == {(digest_multibase(b), digest_sri(b)) for b in (version.achievement, version.spec_json)}


async def test_evidence_is_kept_as_figures_beside_its_sentence(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    identity = await endorsements.endorse(tx, here.employer, word(here))
    rows = await tx.fetch(
        "select no, kind, narrative, payload from endorsement_evidence where endorsement_id = $1 order by no", identity
    )
    assert [(r["no"], r["kind"], r["narrative"]) for r in rows] == [
        (1, "hiring_pledge", PLEDGE.sentence()),
        (2, "toolchain_confirmation", TOOLS.sentence()),
    ]
    assert rows[0]["payload"]["seats"] == 5


async def test_another_digest_than_the_one_seen_refuses_and_changes_nothing(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    stale = ("0" if here.digest[0] != "0" else "1") + here.digest[1:]
    found = await refused(
        tx, StaleVersion, lambda: endorsements.endorse(tx, here.employer, word(here, expected_digest=stale))
    )
    assert found.path == ("expectedDigest",)


async def test_nobody_but_a_signatory_of_an_employer_endorses(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    actors = [
        here.school,
        replace(here.school, roles=frozenset(Role)),
        make.without(here.employer, Role.SIGNATORY),
        replace(here.employer, scopes=here.employer.scopes - {Scope.ENDORSE_SIGN}),
        replace(here.employer, person_id=None),
    ]
    for actor in actors:
        await refused(tx, NotAllowed, lambda actor=actor: endorsements.endorse(tx, actor, word(here)))  # type: ignore[misc] # mypy cannot type a default


async def test_an_organization_that_is_not_verified_reviews_and_does_not_sign(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    for verification in ("unverified", "domain_verified"):
        identity = await make.organization(tx, verification=verification)
        newcomer = await make.member(tx, identity, OrganizationKind.EMPLOYER, Role.SIGNATORY, Role.REVIEWER)
        request = await reviews.request(tx, here.school, reviews.RequestReview(here.version, identity))
        await reviews.claim(tx, newcomer, request)
        with pytest.raises(Unverified):
            await endorsements.endorse(tx, newcomer, word(here))
        assert await nothing(tx)


async def test_a_tie_to_the_school_is_a_conflict_of_interest(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    daughter = await make.organization(tx, parent_id=here.school_id)
    shell = await make.member(tx, daughter, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    await refused(tx, ConflictOfInterest, lambda: endorsements.endorse(tx, shell, word(here)))
    granddaughter = await make.organization(tx, parent_id=daughter)
    shell = await make.member(tx, granddaughter, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    await refused(tx, ConflictOfInterest, lambda: endorsements.endorse(tx, shell, word(here)))


async def test_a_person_with_a_role_in_both_is_a_conflict_of_interest(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    await tx.execute(
        "insert into memberships (id, organization_id, person_id, roles, valid_from) values ($1, $2, $3, $4, $5)",
        new_id(),
        here.school_id,
        here.employer.person_id,
        ["author"],
        await tx.now(),
    )
    found = await refused(tx, ConflictOfInterest, lambda: endorsements.endorse(tx, here.employer, word(here)))
    assert "a person has a role in both" in found.message


async def test_what_was_not_published_is_missing_unless_the_school_asked(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    foreign: Refusal = await refused(tx, NotFound, lambda: endorsements.endorse(tx, here.employer, word(here)))
    missing: Refusal = await refused(
        tx, NotFound, lambda: endorsements.endorse(tx, here.employer, word(here, spec_version_id=new_id()))
    )
    assert (foreign.message, foreign.path) == (missing.message, missing.path)
    await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
    await endorsements.endorse(tx, here.employer, word(here))


@pytest.mark.parametrize("act", ["deprecate", "retire", "withdraw"])
async def test_a_version_that_is_not_offered_is_not_endorsable(tx: Tx, make: Factory, act: str) -> None:
    here = await scene(tx, make, published=act != "withdraw")
    if act == "withdraw":
        await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
        await specs.withdraw(tx, here.school, here.version)
    else:
        await specs.deprecate(tx, here.school, here.version)
        if act == "retire":
            await specs.retire(tx, here.school, here.version)
    await refused(tx, NotEndorsable, lambda: endorsements.endorse(tx, here.employer, word(here)))


async def test_a_draft_is_not_endorsable(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make)
    draft = await specs.new_draft_from(tx, here.school, here.version)
    await refused(tx, NotFound, lambda: endorsements.endorse(tx, here.employer, word(here, spec_version_id=draft)))


async def test_validity_statement_and_evidence_are_checked_before_anything_is_stored(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    now = await tx.now()
    for kind, changes in (
        (BadValidity, {"valid_until": now}),
        (BadValidity, {"valid_until": now + timedelta(days=800)}),
        (Required, {"statement": " "}),
        (Refusals, {"evidence": (replace(PLEDGE, seats=0),)}),
    ):
        command = word(here, **changes)
        await refused(tx, kind, lambda command=command: endorsements.endorse(tx, here.employer, command))  # type: ignore[misc] # mypy cannot type a default


async def test_one_endorsement_waits_for_its_signature_at_a_time(tx: Tx, make: Factory) -> None:
    here = await scene(tx, make, published=True)
    await endorsements.endorse(tx, here.employer, word(here))
    with pytest.raises(AlreadySigning):
        async with tx.savepoint():
            await endorsements.endorse(tx, here.employer, word(here))
    assert await tx.fetchval("select count(*) from endorsements") == 1
