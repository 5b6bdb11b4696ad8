"""Endorsements from elsewhere are judged when they come, shown apart, and counted only when the policy says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from countersign.endorsements import foreign, jobs, policies
from countersign.endorsements import service as endorsements
from countersign.endorsements.policies import Publish
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit.access import ANONYMOUS, SYSTEM, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import NotAllowed
from countersign.specs import service as specs
from countersign.trust.canonical_codes import digest_multibase, digest_sri
from countersign.trust.signer import Signer
from tests.endorsements.abroad import DID, Post, outcomes, posted
from tests.factories import Factory
from tests.kit.outside_world import World, world


@pytest_asyncio.fixture(scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("outside")) as made:
        yield made


@pytest_asyncio.fixture
async def post(db: Database, signer: Signer, make: Factory, outside: World) -> AsyncIterator[Post]:
    async with posted(db, signer, make, outside) as made:
        yield made


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


async def test_the_frozen_bytes_of_the_version_are_compared_with_what_was_signed(post: Post) -> None:
    async with post.api.db.writer() as tx:
        await foreign.recognize(tx, SYSTEM, DID, "A guild elsewhere")
        version = await specs.lock_version(tx, post.here.version)
    assert version is not None
    spec_json = f"{post.url}/spec.json"
    frozen = {post.url: version.achievement, spec_json: version.spec_json}
    assert hashlib.sha256(frozen[spec_json]).hexdigest() == post.here.digest

    def bound(**changed: bytes) -> list[dict[str, str]]:
        """Both frozen texts by their digests, or by those of changed bytes."""
        bytes_of = dict(zip(("achievement", "spec_json"), frozen.values(), strict=True)) | changed
        return [
            {"id": url, "mediaType": "application/json", "digestMultibase": digest_multibase(data)}
            | ({"digestSRI": digest_sri(data)} if url == spec_json else {})
            for url, data in zip(frozen, bytes_of.values(), strict=True)
        ]

    elsewhere = {"id": "https://example.org/x", "digestMultibase": digest_multibase(b"x")}
    cases = [
        (bound(), ["PASSED", "PASSED"]),
        ([*bound(), elsewhere], ["PASSED", "PASSED", "NOT_CHECKED"]),
        (bound(achievement=version.achievement + b" "), ["FAILED", "PASSED"]),
        (bound(spec_json=version.spec_json[:-1]), ["PASSED", "FAILED"]),
    ]
    for resources, expected in cases:
        made = await post.bring(post.signed(relatedResource=resources))
        found = [each for each in made["foreignEndorsement"]["findings"] if each["check"] == "digest"]
        assert [each["outcome"] for each in found] == expected
        assert {each["verdict"] for each in found if each["outcome"] == "FAILED"} <= {"DIGEST_MISMATCH"}
        assert made["foreignEndorsement"]["verified"] is ("FAILED" not in expected)


async def test_an_open_badges_2_endorsement_is_kept_and_not_verified_while_nobody_answers(post: Post) -> None:
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
        **dict.fromkeys(("proof", "status"), "NOT_REACHED"),
        "issuer": "NOT_CHECKED",
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
