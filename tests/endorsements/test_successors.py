"""Who endorses a version after which another was published is told so: before the signature, or with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.endorsements import jobs, proposals, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import State
from countersign.endorsements.service import EndorseSpec
from countersign.endorsements.successors import LaterVersion
from countersign.kit.access import Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.api import served
from tests.endorsements.kept import kept
from tests.endorsements.test_reaffirming import EDITORIAL, MATERIAL, Said, told
from tests.factories import Factory
from tests.reviews.support import scene

ENDORSED: Final = "endorsement { id state specVersion { semver } }"
OUTGROWN: Final = "endorsement.outgrown"


@pytest_asyncio.fixture(loop_scope="session")
async def said(db: Database, signer: Signer, make: Factory, clock: FrozenClock) -> AsyncIterator[Said]:
    """A published version, its school and a verified employer."""
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield Said(api, here, signer, clock)


async def endorse(said: Said, **more: Any) -> Any:
    """The payload of `endorseSpec` of the first version."""
    first = {"specVersionId": f"version_{said.here.version}", "expectedDigest": said.here.digest}
    return await said.api.do("endorseSpec", ENDORSED, said.here.employer, **first, statement="We hire.", **more)


async def test_who_endorses_an_earlier_version_is_told_of_the_later_one_and_may_mean_it(said: Said) -> None:
    later, _ = await said.next("1.1.0", **MATERIAL)
    before = await kept(said.api.db)
    for unknown in ({}, {"knownLaterVersionId": f"version_{said.here.version}"}, {"knownLaterVersionId": None}):
        (refused,) = (await endorse(said, **unknown))["errors"]
        assert (refused["__typename"], refused["code"]) == ("LaterVersionError", "STALE_VERSION")
        assert refused["path"] == ["knownLaterVersionId"]
        assert "1.1.0" in refused["message"]
        assert "material" in refused["message"]
        assert later in refused["message"]
    assert await kept(said.api.db) == before
    meant = await endorse(said, knownLaterVersionId=later)
    assert meant["errors"] == []
    assert (meant["endorsement"]["state"], meant["endorsement"]["specVersion"]) == ("IN_FORCE", {"semver": "1.0.0"})
    # Whoever else signs for the endorser reads of it, once; and nobody asks again when it is renewed.
    assert await told(said) == [(OUTGROWN, meant["endorsement"]["id"], "1.1.0")]
    again = await said.api.do(
        *("renewEndorsement", ENDORSED, said.here.employer),
        endorsementId=meant["endorsement"]["id"],
        expectedDigest=said.here.digest,
    )
    assert again["errors"] == []
    assert len(await told(said)) == 1


async def test_who_was_told_when_it_was_published_is_not_asked_again_until_the_next_one(said: Said) -> None:
    first = await said.endorse()
    await said.next(**EDITORIAL)
    renewed = await said.api.do(
        *("renewEndorsement", ENDORSED, said.here.employer), endorsementId=first, expectedDigest=said.here.digest
    )
    assert renewed["errors"] == []
    async with said.api.db.writer() as tx:
        word = endorsements.Revoke(UUID(renewed["endorsement"]["id"].removeprefix("end_")), "Enough")
        await endorsements.revoke(tx, said.here.employer, word)
    said.clock.move(said.clock.now().resolution)
    assert (await endorse(said))["errors"] == []
    assert len(await told(said)) == 1


async def test_who_spoke_no_more_when_it_was_published_is_told_before_a_new_word(said: Said) -> None:
    first = await said.endorse()
    async with said.api.db.writer() as tx:
        await endorsements.revoke(
            tx, said.here.employer, endorsements.Revoke(UUID(first.removeprefix("end_")), "Enough")
        )
    said.clock.move(said.clock.now().resolution)
    await said.next(**EDITORIAL)
    assert [error["__typename"] for error in (await endorse(said))["errors"]] == ["LaterVersionError"]


async def test_whose_word_was_paused_when_it_was_published_is_told_before_the_next_word(said: Said) -> None:
    first = await said.endorse()
    async with said.api.db.writer() as tx:
        pause = suspension.Suspend(UUID(first.removeprefix("end_")), "We look again")
        await suspension.suspend(tx, said.here.employer, pause)
    said.clock.move(said.clock.now().resolution)
    later, _ = await said.next(**MATERIAL)
    assert await told(said) == []
    again = {"endorsementId": first, "expectedDigest": said.here.digest}
    refused = await said.api.do("renewEndorsement", ENDORSED, said.here.employer, **again)
    assert [error["__typename"] for error in refused["errors"]] == ["LaterVersionError"]
    meant = await said.api.do("renewEndorsement", ENDORSED, said.here.employer, **again, knownLaterVersionId=later)
    assert meant["errors"] == []


async def test_a_version_that_is_not_published_and_one_that_is_offered_no_more_hold_nobody_up(said: Said) -> None:
    later, _ = await said.next("1.1.0", **MATERIAL)
    async with said.api.db.writer() as tx:
        await specs.deprecate(tx, said.here.school, UUID(later.removeprefix("version_")))
        draft = await specs.new_draft_from(tx, said.here.school, said.here.version)
        await specs.submit(tx, said.here.school, specs.Submit(draft, "1.2.0"))
    assert (await endorse(said))["errors"] == []
    assert await told(said) == []


async def test_a_publication_between_the_word_and_its_signature_is_told_with_the_signature(said: Said) -> None:
    async with said.api.db.writer() as tx:
        word = EndorseSpec(said.here.version, said.here.digest, "We hire.")
        taken = await endorsements.endorse(tx, said.here.employer, word)
    await said.next("1.1.0", **MATERIAL)
    assert await told(said) == []
    assert await jobs.sign(said.api.db, said.signer, taken) is State.IN_FORCE
    assert await told(said) == [(OUTGROWN, f"end_{taken}", "1.1.0")]


async def propose(said: Said) -> UUID:
    """A proposal to endorse the first version."""
    async with said.api.db.writer() as tx:
        return await proposals.propose(
            tx, said.here.employer, EndorseSpec(said.here.version, said.here.digest, "We hire.")
        )


async def test_who_signs_a_proposal_is_told_too(said: Said) -> None:
    proposal = await propose(said)
    later, _ = await said.next("1.1.0", **MATERIAL)
    actor: Actor = said.here.employer
    with pytest.raises(LaterVersion):
        async with said.api.db.writer() as tx:
            await proposals.sign(tx, actor, proposals.Sign(proposal, said.here.digest))
    signed = await said.api.do(
        *("signEndorsement", ENDORSED, actor),
        proposalId=f"prp_{proposal}",
        expectedDigest=said.here.digest,
        knownLaterVersionId=later,
    )
    assert signed["errors"] == []
    assert signed["endorsement"]["state"] == "IN_FORCE"
