"""Endorsements from elsewhere are judged when they come, shown apart, and counted only when the policy says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from countersign.endorsements import foreign, jobs, policies
from countersign.endorsements import service as endorsements
from countersign.endorsements.policies import Publish
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import ANONYMOUS, SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import NotAllowed
from countersign.trust.canonical_codes import base64url_encode, ed25519_multibase
from countersign.trust.canonical_proof import proof_options, proof_value, signing_input
from countersign.trust.documents import CONTEXTS
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = """foreignEndorsement { id format issuerId issuerName statement source sha256 size verified validUntil
  findings { check outcome verdict } }"""
APART = """query ($id: ID!) { specVersion(by: {id: $id}) { coValidated liveEndorsementCount
  endorsements(first: 5) { totalCount } foreignEndorsements { id verified }
  coValidation { have { groups } counted { endorsement { id } foreignEndorsement { id } } } } }"""
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
MULTIBASE = ed25519_multibase(KEY.public_key().public_bytes_raw())
DID = f"did:key:{MULTIBASE}"


@dataclass
class Post:
    """The API over a published version, and endorsements of it that somebody elsewhere made."""

    api: Api
    here: Scene
    url: str

    def credential(self, **more: Any) -> dict[str, Any]:
        """An EndorsementCredential of the version, unsigned."""
        return {
            "@context": list(CONTEXTS),
            "id": "https://guild.example/endorsements/7",
            "type": ["VerifiableCredential", "EndorsementCredential"],
            "name": "The guild endorses it",
            "issuer": {"id": DID, "type": ["Profile"], "name": "A guild elsewhere"},
            "validFrom": "2026-11-01T00:00:00Z",
            "validUntil": "2027-11-01T00:00:00Z",
            "credentialSubject": {
                "id": self.url,
                "type": ["EndorsementSubject"],
                "endorsementComment": "Our members ask for it — غالباً.",
            },
            **more,
        }

    def signed(self, **more: Any) -> str:
        """The same with a proof of the did:key."""
        document = self.credential(**more)
        options = proof_options(f"{DID}#{MULTIBASE}", self.api.db.clock.now())  # type: ignore[arg-type] # frozen
        value = proof_value(KEY.sign(signing_input(document, options)))
        return json.dumps({**document, "proof": [{**options, "proofValue": value}]}, ensure_ascii=False)

    def jwt(self, **more: Any) -> str:
        """The same as a JWT."""
        header = {"alg": "EdDSA", "typ": "JWT", "kid": f"{DID}#{MULTIBASE}"}
        parts = (json.dumps(part).encode() for part in (header, {**self.credential(**more), "iss": DID}))
        text = ".".join(base64url_encode(part) for part in parts)
        return f"{text}.{base64url_encode(KEY.sign(text.encode()))}"

    async def bring(self, document: str, actor: Actor | None = None, **more: Any) -> dict[str, Any]:
        """Import it as the school."""
        given = {"specVersionId": f"version_{self.here.version}", "document": document, "source": "Their letter"}
        return await self.api.do("importForeignEndorsement", SHOWN, actor or self.here.school, **given | more)

    async def apart(self) -> Any:
        """What anybody sees of the version."""
        return (await self.api.ask(APART, None, id=f"version_{self.here.version}"))["specVersion"]

    async def kept(self) -> int:
        """How many are kept."""
        async with self.api.db.writer() as tx:
            return int(await tx.fetchval("select count(*) from foreign_endorsements"))


@pytest_asyncio.fixture
async def post(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Post]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        url = await tx.fetchval(
            "select i.value || '/specs/' || s.slug || '/versions/' || v.semver from installation i, spec_versions v"
            " join specs s on s.id = v.spec_id where i.key = 'public_origin' and v.id = $1",
            here.version,
        )
    async with served(db, signer, make) as api:
        yield Post(api, here, url)


def outcomes(made: dict[str, Any]) -> dict[str, str]:
    """Each check with how it ended."""
    return {finding["check"]: finding["outcome"] for finding in made["foreignEndorsement"]["findings"]}


async def test_each_finding_is_kept_by_itself_with_where_it_came_from(post: Post) -> None:
    text = post.signed()
    made = await post.bring(text)
    assert made["errors"] == []
    found = made["foreignEndorsement"]
    assert found["format"] == "OPEN_BADGES_3"
    assert (found["issuerId"], found["issuerName"], found["source"]) == (DID, "A guild elsewhere", "Their letter")
    assert found["statement"] == "Our members ask for it — غالباً."
    assert (found["sha256"], found["size"]) == (hashlib.sha256(text.encode()).hexdigest(), len(text.encode()))
    assert outcomes(made) == {
        **dict.fromkeys(("contexts", "schema", "terms", "proof", "dates", "status", "subject"), "PASSED"),
        "issuer": "NOT_CHECKED",  # anybody can make such a key
    }
    assert found["verified"] is False
    async with post.api.db.writer() as tx:
        row = await tx.fetchrow("select document, imported_by, organization_id from foreign_endorsements")
        assert row is not None
        assert (bytes(row["document"]), row["imported_by"]) == (text.encode(), post.here.school.person_id)


async def test_what_is_wrong_shows_in_its_own_finding(post: Post) -> None:
    async with post.api.db.writer() as tx:
        await foreign.recognize(tx, SYSTEM, DID, "A guild elsewhere")
    forged = json.loads(post.signed())
    forged["credentialSubject"]["endorsementComment"] = "Otherwise said."
    other = post.credential()["credentialSubject"] | {"id": "https://example.org/another"}
    jwt = post.jwt()
    wrong = {
        "proof": [
            json.dumps(forged),
            json.dumps(post.credential()),
            jwt[:-4] + ("AAAA" if jwt[-4:] != "AAAA" else "B"),
        ],
        "subject": [post.signed(credentialSubject=other)],
        "dates": [post.signed(validUntil="2026-11-02T00:00:00Z"), post.signed(validFrom="2027-01-01T00:00:00Z")],
    }
    for check, documents in wrong.items():
        for document in documents:
            made = await post.bring(document)
            assert made["errors"] == []
            failed = {name for name, outcome in outcomes(made).items() if outcome == "FAILED"}
            assert (failed, made["foreignEndorsement"]["verified"]) == ({check}, False), document
    for good in (post.signed(), post.jwt()):
        made = await post.bring(good)
        assert (set(outcomes(made).values()), made["foreignEndorsement"]["verified"]) == ({"PASSED"}, True)


async def test_an_open_badges_2_endorsement_is_kept_and_never_verified(post: Post) -> None:
    document = {
        "@context": "https://w3id.org/openbadges/v2",
        "type": "Endorsement",
        "id": "https://example.org/endorsement-3.json",
        "claim": {"id": post.url, "endorsementComment": "Great."},
        "issuer": "https://example.org/organization.json",
        "issuedOn": "2026-10-01T00:00:00Z",
        "verification": {"type": "hosted"},
    }
    made = await post.bring(json.dumps(document))
    assert made["foreignEndorsement"]["format"] == "OPEN_BADGES_2"
    assert outcomes(made) == {
        **dict.fromkeys(("schema", "dates", "subject"), "PASSED"),
        **dict.fromkeys(("proof", "status", "issuer"), "NOT_CHECKED"),
    }
    assert made["foreignEndorsement"]["verified"] is False
    del document["verification"]
    assert outcomes(await post.bring(json.dumps(document)))["schema"] == "FAILED"


async def test_it_is_shown_apart_and_counts_only_when_the_policy_says_so(post: Post, clock: FrozenClock) -> None:
    async with post.api.db.writer() as tx:
        await foreign.recognize(tx, SYSTEM, DID, "A guild elsewhere")
        word = endorsements.EndorseSpec(post.here.version, post.here.digest, "We hire.")
        own = await endorsements.endorse(tx, post.here.employer, word)
    await jobs.sign(post.api.db, post.api.tools.signer, own)
    brought = (await post.bring(post.signed()))["foreignEndorsement"]["id"]
    await post.bring(post.jwt())  # the same issuer once more is the same group
    seen = await post.apart()
    assert (seen["coValidated"], seen["liveEndorsementCount"], seen["endorsements"]["totalCount"]) == (False, 1, 1)
    assert brought in {each["id"] for each in seen["foreignEndorsements"]}
    assert seen["coValidation"]["have"]["groups"] == 1
    clock.move(timedelta(hours=1))
    async with post.api.db.writer() as tx:
        policy = QuorumPolicy(foreign_counts=True)
        await policies.publish(tx, SYSTEM, Publish(policy, "Those whom we know count."))
    counted = await post.apart()
    assert (counted["coValidated"], counted["coValidation"]["have"]["groups"]) == (True, 2)
    assert {each["foreignEndorsement"]["id"] for each in counted["coValidation"]["counted"] if not each["endorsement"]}
    clock.move(timedelta(hours=1))
    for each in counted["foreignEndorsements"]:
        gone = await post.api.do(
            "withdrawForeignEndorsement", "clientMutationId", post.here.school, foreignEndorsementId=each["id"]
        )
        assert gone["errors"] == []
    after = await post.apart()
    assert (after["coValidated"], after["foreignEndorsements"]) == (False, [])
    assert await post.kept() == 2


async def test_what_is_no_endorsement_from_elsewhere_is_refused_and_nothing_kept(post: Post) -> None:
    async with post.api.db.writer() as tx:
        handle = await tx.fetchval("select handle from organizations where id = $1", post.here.employer_id)
    own = post.credential(issuer=f"did:web:localhost%3A4600:orgs:{handle}")
    refused = {
        "": "It is no JSON",
        "no JSON": "It is no JSON",
        "[1]": "It is JSON, and no object",
        '{"type": "Endorsement"}': "This is no endorsement",
        '{"type": "EndorsementCredential", "credentialSubject": {}}': "This is no endorsement: it names no issuer",
        "[" * 99: "It is",
        "a.b.c": "This is no JWT of JSON",
        json.dumps(own): f"did:web:localhost%3A4600:orgs:{handle} is an organization of this portal",
    }
    for document, message in refused.items():
        made = await post.bring(document)
        assert made["foreignEndorsement"] is None, document[:40]
        assert made["errors"][0]["message"].startswith(message), made["errors"]
    assert await post.kept() == 0
    text = post.signed()
    assert (await post.bring(text))["errors"] == []
    assert (await post.bring(text))["errors"][0]["code"] == "CONFLICT"
    assert await post.kept() == 1


@pytest.mark.parametrize(
    ("exp", "dates", "until"),
    [
        (1_793_750_400, "FAILED", "2026-11-04T00:00:00Z"),  # before now, and before what the credential says
        (1_830_000_000, "PASSED", "2027-11-01T00:00:00Z"),
        (10**15, "PASSED", "2027-11-01T00:00:00Z"),
        ("soon", "PASSED", "2027-11-01T00:00:00Z"),
    ],
)
async def test_a_jwt_ends_when_its_claim_says_so(post: Post, exp: object, dates: str, until: str) -> None:
    made = await post.bring(post.jwt(exp=exp))
    assert (outcomes(made)["dates"], made["foreignEndorsement"]["validUntil"]) == (dates, until)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("member", ["validFrom", "validUntil"])
async def test_an_instant_outside_the_calendar_is_kept_as_none_and_breaks_nothing(
    post: Post, member: str, text: str
) -> None:
    made = await post.bring(json.dumps(post.credential(**{member: text})))
    assert made["errors"] == []
    assert made["foreignEndorsement"]["verified"] is False
    assert await post.kept() == 1


async def test_only_the_versions_own_school_imports_and_withdraws(post: Post, make: Factory) -> None:
    async with post.api.db.writer() as tx:
        stranger = await make.school(tx)
        registrar = await make.member(tx, post.here.school_id, OrganizationKind.SCHOOL, Role.REGISTRAR)
    for actor in (stranger, registrar, post.here.employer, ANONYMOUS):
        made = await post.bring(post.signed(), actor)
        assert made.get("refused") or made["errors"][0]["code"] in {"NOT_ALLOWED", "NOT_FOUND"}, actor
    assert await post.kept() == 0
    brought = (await post.bring(post.signed()))["foreignEndorsement"]["id"]
    for actor in (stranger, registrar, post.here.employer):
        gone = await post.api.do("withdrawForeignEndorsement", "clientMutationId", actor, foreignEndorsementId=brought)
        assert gone.get("refused") or gone["errors"][0]["code"] in {"NOT_ALLOWED", "NOT_FOUND"}, actor
    assert len((await post.apart())["foreignEndorsements"]) == 1
    async with post.api.db.writer() as tx:
        with pytest.raises(NotAllowed):
            await foreign.recognize(tx, post.here.school, DID, "Us")
