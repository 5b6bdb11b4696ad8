"""Endorsing through the API: one allowed role and every refused one, and what a reader then sees."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.reviews import service as reviews
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.specs import service as specs
from countersign.trust.canonical_codes import digest_multibase, digest_sri
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask, ask_data
from tests.reviews.support import Scene, everything, scene
from tests.specs.samples import COMPLETE

ENDORSE = """mutation ($input: EndorseSpecInput!) { endorseSpec(input: $input) {
  endorsement { id state live expiring statement digest validFrom validUntil inForceFrom inForceUntil signedAt
    credential url endorser { id } specVersion { id coValidated liveEndorsementCount } supersedes { id }
    evidence { __typename number kind narrative
      ... on HiringPledge { seats role region opensOn closesOn salary { low high currency } }
      ... on ToolchainConfirmation { tools { name versions } checkedOn } } }
  errors { __typename ... on UserError { code message path } } clientMutationId } }"""
REVOKE = """mutation ($input: RevokeEndorsementInput!) { revokeEndorsement(input: $input) {
  endorsement { id state live revokedAt revocationReason inForceUntil }
  errors { __typename ... on UserError { code message path } } } }"""
PLEDGE = {
    "hiringPledge": {
        "seats": 5,
        "role": "junior analyst",
        "region": "EU remote",
        "opensOn": "2026-11-22",
        "closesOn": "2027-03-31",
        "salary": {"low": "42000", "high": "50000.50", "currency": "EUR"},
    }
}
TOOLS = {
    "toolchainConfirmation": {
        "tools": [{"name": "Python", "versions": "3.13"}, {"name": "SciPy"}],
        "checkedOn": "2026-09-20",
    }
}


@dataclass
class Desk:
    """The API over a published version, an employer and a school."""

    engine: Engine
    db: Database
    here: Scene

    def word(self, **changes: Any) -> dict[str, Any]:
        """The input of an endorsement."""
        given = {
            "idempotencyKey": str(new_id()),
            "specVersionId": f"version_{self.here.version}",
            "expectedDigest": self.here.digest,
            "statement": "We interview every holder.",
            "evidence": [PLEDGE, TOOLS],
        }
        return {key: value for key, value in (given | changes).items() if value is not None}

    async def endorse(self, actor: Actor | None = None, **changes: Any) -> Any:
        """The payload of endorseSpec."""
        data = await ask_data(self.engine, ENDORSE, actor or self.here.employer, input=self.word(**changes))
        return data["endorseSpec"]

    async def revoke(self, identity: str, actor: Actor | None = None, reason: str = "The tool is gone.") -> Any:
        """The payload of revokeEndorsement."""
        given = {"idempotencyKey": str(new_id()), "endorsementId": identity, "reason": reason}
        return (await ask_data(self.engine, REVOKE, actor or self.here.employer, input=given))["revokeEndorsement"]


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> Desk:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    return Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, here)


def problems(payload: Any) -> list[tuple[str, str, list[str]]]:
    return [(e["__typename"], e["code"], e["path"]) for e in payload["errors"]]


async def test_an_endorsement_is_answered_signed_and_in_force(desk: Desk) -> None:
    payload = await desk.endorse(clientMutationId="mine")
    assert payload["errors"] == []
    assert payload["clientMutationId"] == "mine"
    found = payload["endorsement"]
    assert (found["state"], found["live"], found["expiring"]) == ("IN_FORCE", True, False)
    assert (found["validFrom"], found["validUntil"]) == ("2026-11-22T12:00:00Z", "2027-11-22T12:00:00Z")
    assert (found["inForceFrom"], found["inForceUntil"]) == (found["signedAt"], found["validUntil"])
    assert found["digest"] == desk.here.digest
    assert found["endorser"]["id"] == f"org_{desk.here.employer_id}"
    assert found["specVersion"] == {
        "id": f"version_{desk.here.version}",
        "coValidated": False,
        "liveEndorsementCount": 1,
    }
    credential = json.loads(found["credential"])
    assert credential["id"] == found["url"]
    assert credential["proof"]["cryptosuite"] == "eddsa-rdfc-2022"


async def test_evidence_is_read_by_its_kind(desk: Desk) -> None:
    payload = await desk.endorse()
    assert payload["endorsement"]["evidence"] == [
        {
            "__typename": "HiringPledge",
            "number": 1,
            "kind": "HIRING_PLEDGE",
            "narrative": "5 junior analyst seats, EU remote, 42000 to 50000.5 EUR a year,"
            " from 2026-11-22 until 2027-03-31.",
            "seats": 5,
            "role": "junior analyst",
            "region": "EU remote",
            "opensOn": "2026-11-22",
            "closesOn": "2027-03-31",
            "salary": {"low": "42000", "high": "50000.50", "currency": "EUR"},
        },
        {
            "__typename": "ToolchainConfirmation",
            "number": 2,
            "kind": "TOOLCHAIN_CONFIRMATION",
            "narrative": "Python 3.13, SciPy; checked 2026-09-20.",
            "tools": [{"name": "Python", "versions": "3.13"}, {"name": "SciPy", "versions": None}],
            "checkedOn": "2026-09-20",
        },
    ]


async def test_a_stale_digest_is_refused_and_nothing_changes(desk: Desk) -> None:
    before = await everything(desk.db)
    payload = await desk.endorse(expectedDigest="0" * 64)
    assert payload["endorsement"] is None
    assert problems(payload) == [("StaleVersionError", "STALE_VERSION", ["expectedDigest"])]
    assert await everything(desk.db) == before


async def test_what_was_said_of_one_version_is_not_said_of_the_next(desk: Desk) -> None:
    first = await desk.endorse()
    async with desk.db.writer() as tx:
        draft = await specs.new_draft_from(tx, desk.here.school, desk.here.version)
        changed = specs.EditDraft(draft, {**COMPLETE, "description": "Otherwise said."})
        await specs.edit_draft(tx, desk.here.school, changed)
        newer = await specs.submit(tx, desk.here.school, specs.Submit(draft, "1.1.0"))
        await specs.publish(tx, desk.here.school, newer)
    before = await everything(desk.db)
    # The digest that was signed, sent once more for the changed text.
    payload = await desk.endorse(specVersionId=f"version_{newer}", expectedDigest=first["endorsement"]["digest"])
    assert problems(payload) == [("StaleVersionError", "STALE_VERSION", ["expectedDigest"])]
    assert await everything(desk.db) == before
    shown = await ask_data(
        desk.engine,
        "query ($id: ID!) { node(id: $id) { ... on SpecVersion { coValidated liveEndorsementCount digest"
        " endorsements(first: 5) { totalCount } } } }",
        desk.here.school,
        id=f"version_{newer}",
    )
    assert shown["node"].pop("digest") != first["endorsement"]["digest"]
    assert shown["node"] == {"coValidated": False, "liveEndorsementCount": 0, "endorsements": {"totalCount": 0}}


async def test_every_fault_of_the_evidence_is_told_with_its_place(desk: Desk) -> None:
    before = await everything(desk.db)
    pledge = {"hiringPledge": PLEDGE["hiringPledge"] | {"seats": 0, "closesOn": "2026-01-01"}}
    payload = await desk.endorse(evidence=[TOOLS, pledge])
    assert problems(payload) == [
        ("InvalidInputError", "INVALID", ["evidence", "1", "seats"]),
        ("InvalidInputError", "INVALID", ["evidence", "1", "closesOn"]),
        ("InvalidInputError", "INVALID", ["evidence", "1", "opensOn"]),
    ]
    assert await everything(desk.db) == before


async def wrong_actors(desk: Desk, make: Factory) -> dict[str, Actor]:
    """Everybody but a signatory of a verified employer."""
    async with desk.db.writer() as tx:
        kinds = {
            kind: await make.member(tx, await make.organization(tx, kind), kind, *Role)
            for kind in (OrganizationKind.SCHOOL, OrganizationKind.PLATFORM)
        }
    employer = desk.here.employer
    actors = {f"every role at a {kind.value}": actor for kind, actor in kinds.items()}
    actors |= {
        f"{role.value} of the employer": Actor(
            organization_id=employer.organization_id,
            organization_kind=employer.organization_kind,
            person_id=employer.person_id,
            token_id=employer.token_id,
            roles=frozenset({role}),
            scopes=frozenset(Scope),
        )
        for role in Role
        if role is not Role.SIGNATORY
    }
    actors["the school itself"] = desk.here.school
    actors["a learner"] = Actor(learner_id=7, token_id=new_id(), scopes=frozenset(Scope))
    return actors


async def test_everyone_but_a_signatory_of_an_employer_is_refused_and_nothing_changes(
    desk: Desk, make: Factory
) -> None:
    signed = (await desk.endorse())["endorsement"]["id"]
    actors = await wrong_actors(desk, make)
    before = await everything(desk.db)
    for who, actor in actors.items():
        for payload in (await desk.endorse(actor), await desk.revoke(signed, actor)):
            assert payload["endorsement"] is None, who
            assert problems(payload) == [("NotAllowedError", "NOT_ALLOWED", [])], who
    assert await everything(desk.db) == before


async def test_nobody_endorses_without_signing_in(desk: Desk) -> None:
    before = await everything(desk.db)
    body = await ask(desk.engine, ENDORSE, ANONYMOUS, input=desk.word())
    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await everything(desk.db) == before


async def test_another_employer_cannot_revoke(desk: Desk, make: Factory) -> None:
    signed = (await desk.endorse())["endorsement"]["id"]
    async with desk.db.writer() as tx:
        rival = await make.employer(tx)
    before = await everything(desk.db)
    assert problems(await desk.revoke(signed, rival)) == [("NotAllowedError", "NOT_ALLOWED", [])]
    assert await everything(desk.db) == before


@pytest.mark.parametrize("identity", ["end_x", "org_00000000-0000-0000-0000-000000000000", "", "end_" + "0" * 36])
async def test_malformed_and_unknown_ids_are_one_answer(desk: Desk, identity: str) -> None:
    missing = await desk.revoke(f"end_{new_id()}")
    payload = await desk.revoke(identity)
    assert payload == missing
    assert problems(payload) == [("NotFoundError", "NOT_FOUND", ["endorsementId"])]


async def test_revoking_is_right_in_the_next_query(desk: Desk, clock: FrozenClock) -> None:
    signed = (await desk.endorse())["endorsement"]["id"]
    clock.move(timedelta(days=3))
    payload = await desk.revoke(signed)
    assert payload == {
        "endorsement": {
            "id": signed,
            "state": "REVOKED",
            "live": False,
            "revokedAt": "2026-11-25T12:00:00Z",
            "revocationReason": "The tool is gone.",
            "inForceUntil": "2026-11-25T12:00:00Z",
        },
        "errors": [],
    }
    counted = await ask_data(
        desk.engine,
        "query ($id: ID!) { specVersion(by: {id: $id}) { liveEndorsementCount"
        " endorsements(first: 5, filter: {live: true}) { totalCount } } }",
        id=f"version_{desk.here.version}",
    )
    assert counted["specVersion"] == {"liveEndorsementCount": 0, "endorsements": {"totalCount": 0}}


async def test_the_same_key_endorses_once(desk: Desk) -> None:
    given = desk.word()
    first = await ask(desk.engine, ENDORSE, desk.here.employer, input=given)
    second = await ask(desk.engine, ENDORSE, desk.here.employer, input=given)
    assert second["data"] == first["data"]
    assert second["extensions"]["idempotency"] == "replayed"
    other = await ask_data(desk.engine, ENDORSE, desk.here.employer, input=given | {"statement": "Another word."})
    assert problems(other["endorseSpec"]) == [
        ("IdempotencyKeyReusedError", "IDEMPOTENCY_KEY_REUSED", ["idempotencyKey"])
    ]
    assert len((await everything(desk.db))["endorsements"]) == 1


async def test_a_renewal_names_what_it_renews_and_leaves_one_live(desk: Desk, clock: FrozenClock) -> None:
    first = (await desk.endorse())["endorsement"]["id"]
    clock.move(timedelta(days=1))
    second = (await desk.endorse(statement="We hire holders."))["endorsement"]
    assert second["supersedes"]["id"] == first
    assert second["specVersion"]["liveEndorsementCount"] == 1


LIST = """query ($filter: EndorsementFilter) { endorsements(first: 10, filter: $filter) {
  totalCount nodes { state statement evidence { kind } } } }"""


async def test_lists_are_filtered(desk: Desk, make: Factory, clock: FrozenClock) -> None:
    async with desk.db.writer() as tx:
        other = await make.employer(tx)
    gone = (await desk.endorse(other, evidence=[]))["endorsement"]["id"]
    await desk.endorse()
    clock.move(timedelta(days=1))
    await desk.revoke(gone, other)

    async def states(**given: Any) -> list[str]:
        data = await ask_data(desk.engine, LIST, filter=given)
        found: list[str] = [node["state"] for node in data["endorsements"]["nodes"]]
        assert data["endorsements"]["totalCount"] == len(found)
        return found

    assert sorted(await states()) == ["IN_FORCE", "REVOKED"]
    assert await states(live=True) == ["IN_FORCE"]
    assert await states(live=False) == ["REVOKED"]
    assert await states(state="REVOKED") == ["REVOKED"]
    assert await states(endorserId=f"org_{other.organization_id}") == ["REVOKED"]
    assert await states(evidenceKind="HIRING_PLEDGE") == ["IN_FORCE"]
    assert await states(specVersionId=f"version_{new_id()}") == []
    # Endorsed then and endorsed now are two answers.
    assert sorted(await states(inForceAt="2026-11-22T13:00:00Z")) == ["IN_FORCE", "REVOKED"]
    assert await states(inForceAt="2026-11-23T13:00:00Z") == ["IN_FORCE"]
    assert await states(inForceAt="2026-11-22T11:00:00Z") == []
    clock.move(timedelta(days=365))
    assert sorted(await states(state="EXPIRED")) == ["EXPIRED"]


async def test_co_validation_needs_two_independent_employers(desk: Desk, make: Factory) -> None:
    async with desk.db.writer() as tx:
        other = await make.employer(tx)
        daughter = await make.organization(tx, parent_id=desk.here.employer_id)
        sister = await make.member(tx, daughter, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    answers = [(await desk.endorse(actor))["endorsement"]["specVersion"] for actor in (None, sister, other)]
    assert [(a["liveEndorsementCount"], a["coValidated"]) for a in answers] == [(1, False), (2, False), (3, True)]


async def test_an_organization_shows_what_it_gave(desk: Desk) -> None:
    await desk.endorse()
    data = await ask_data(
        desk.engine,
        "query ($id: ID!) { organization(by: {id: $id}) {"
        " endorsementsGiven(first: 3) { nodes { state } totalCount } } }",
        id=f"org_{desk.here.employer_id}",
    )
    assert data["organization"]["endorsementsGiven"] == {"nodes": [{"state": "IN_FORCE"}], "totalCount": 1}


async def test_an_endorsement_of_an_unpublished_version_is_between_school_and_reviewers(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make)
        await reviews.request(tx, here.school, reviews.RequestReview(here.version, here.employer_id))
        stranger = await make.employer(tx)
    desk = Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, here)
    signed = (await desk.endorse())["endorsement"]["id"]
    query = (
        "query ($id: ID!) { node(id: $id) { id } endorsement(id: $id) { id } endorsements(first: 5) { totalCount } }"
    )
    seen = {"node": {"id": signed}, "endorsement": {"id": signed}, "endorsements": {"totalCount": 1}}
    hidden = {"node": None, "endorsement": None, "endorsements": {"totalCount": 0}}
    for actor, expected in ((here.school, seen), (here.employer, seen), (stranger, hidden), (ANONYMOUS, hidden)):
        assert await ask_data(desk.engine, query, actor, id=signed) == expected


async def test_the_digest_that_is_served_stored_and_signed_is_one(desk: Desk) -> None:
    signed = (await desk.endorse())["endorsement"]
    data = await ask_data(
        desk.engine,
        "query ($id: ID!) { specVersion(by: {id: $id}) { digest specJson achievement } }",
        id=f"version_{desk.here.version}",
    )
    served = data["specVersion"]
    frozen = [served[name].encode() for name in ("achievement", "specJson")]
    assert hashlib.sha256(frozen[1]).hexdigest() == served["digest"] == signed["digest"]
    bound = {(r["digestMultibase"], r["digestSRI"]) for r in json.loads(signed["credential"])["relatedResource"]}
    assert bound == {(digest_multibase(text), digest_sri(text)) for text in frozen}
