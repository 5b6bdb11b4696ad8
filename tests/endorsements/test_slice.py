"""The main line over HTTP with tokens: asked, reviewed, endorsed, published, checked by an outsider, taken back."""

from __future__ import annotations

import json
from typing import Any

from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.reviews.rubric import RUBRIC
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reviews.support import scene

REQUEST = "reviewRequest { id state }"
STANDING = """query ($id: ID!) { specVersion(by: {id: $id}) { state coValidated liveEndorsementCount
  endorsements(first: 5, filter: {live: true}) { nodes { id endorser { id } evidence { kind } } } } }"""
ENDORSEMENT = "endorsement { id state url credential }"


async def judged(api: Api, school: Actor, employer: Actor, version: str) -> None:
    """One organization is asked, and recommends to endorse."""
    asked = await api.do(
        "requestReview", REQUEST, school, specVersionId=version, organizationId=f"org_{employer.organization_id}"
    )
    request = asked["reviewRequest"]["id"]
    claimed = await api.do("claimReview", REQUEST, employer, reviewRequestId=request)
    assert claimed["reviewRequest"]["state"] == "CLAIMED"
    decided = await api.do(
        "decideReview",
        "review { recommendation }",
        employer,
        reviewRequestId=request,
        interest="NONE",
        scores=[{"criterion": c.code, "value": 3, "evidence": "Seen in the brief"} for c in RUBRIC],
        recommendation="ENDORSE",
    )
    assert decided["review"] == {"recommendation": "ENDORSE"}


async def endorsed(api: Api, employer: Actor, version: str) -> Any:
    """The organization reads the version's digest and endorses exactly that."""
    seen = await api.ask("query ($id: ID!) { specVersion(by: {id: $id}) { digest } }", employer, id=version)
    pledge = {"seats": 2, "role": "analyst", "region": "EU", "opensOn": "2026-11-22", "closesOn": "2028-12-31"}
    payload = await api.do(
        "endorseSpec",
        ENDORSEMENT,
        employer,
        specVersionId=version,
        expectedDigest=seen["specVersion"]["digest"],
        statement="We interview every holder.",
        evidence=[{"hiringPledge": pledge}],
    )
    assert payload["errors"] == []
    assert payload["endorsement"]["state"] == "IN_FORCE"
    return payload["endorsement"]


async def test_two_employers_make_a_version_co_validated_until_one_takes_its_word_back(
    db: Database, signer: Signer, make: Factory
) -> None:
    async with db.writer() as tx:
        here = await scene(tx, make)
        second = await make.employer(tx)
    version = f"version_{here.version}"
    async with served(db, signer, make) as api:
        for employer in (here.employer, second):
            await judged(api, here.school, employer, version)
        words = [await endorsed(api, employer, version) for employer in (here.employer, second)]
        published = await api.do("publishSpec", "version { state }", here.school, versionId=version)
        assert published["errors"] == []
        standing = (await api.ask(STANDING, id=version))["specVersion"]
        assert (standing["state"], standing["coValidated"], standing["liveEndorsementCount"]) == ("PUBLISHED", True, 2)
        assert {node["id"] for node in standing["endorsements"]["nodes"]} == {word["id"] for word in words}

        # Anyone fetches the very bytes at the address that stands inside them.
        path = words[0]["url"].removeprefix("http://localhost:4600")
        fetched = await api.client.get(path, headers={"accept": "application/ld+json"})
        assert fetched.text == words[0]["credential"]
        status = json.loads(fetched.text)["credentialStatus"]["statusListCredential"]
        before = await api.client.get(status.removeprefix("http://localhost:4600"))

        revoked = await api.do(
            "revokeEndorsement",
            "endorsement { state }",
            here.employer,
            endorsementId=words[0]["id"],
            reason="The tool is gone.",
        )
        assert revoked["endorsement"]["state"] == "REVOKED"
        standing = (await api.ask(STANDING, id=version))["specVersion"]
        assert (standing["coValidated"], standing["liveEndorsementCount"]) == (False, 1)
        after = await api.client.get(status.removeprefix("http://localhost:4600"))
        encoded = [json.loads(answer.text)["credentialSubject"]["encodedList"] for answer in (before, after)]
        assert encoded[0] != encoded[1]
