"""A proposal is made, approved, signed, refused or withdrawn inside the endorser; four eyes where a policy asks."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.endorsements import four_eyes, jobs, policies, proposals
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import NotTheEndorser, State
from countersign.endorsements.rules_quorum import DEFAULT_POLICY
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.db import Database
from countersign.kit.errors import InvalidState, NotAllowed, NotFound
from countersign.organizations import members
from countersign.reviews import service as reviews
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.endorsements.samples import EVERY_KIND
from tests.factories import Factory
from tests.reviews.support import Scene, favourable, scene

PROPOSED = """proposal { id state statement digest outcomeKeys refusal mine approvedByMe
  evidence { number kind narrative } endorsement { id } viewerCan { approve sign refuse withdraw } }"""
SIGNED = "endorsement { id state statement outcomeKeys evidence { kind narrative } }"
ACTS = ("approveEndorsement", "signEndorsement", "refuseEndorsement", "withdrawEndorsementProposal")


@dataclass
class House:
    """An employer with a reviewer and two signatories, one of whom is the employer of the scene."""

    api: Api
    here: Scene
    signer: Signer
    reviewer: Actor
    first: Actor
    second: Actor

    async def propose(self, actor: Actor | None = None, **given: Any) -> Any:
        """The payload of proposeEndorsement."""
        asked = {
            "specVersionId": f"version_{self.here.version}",
            "expectedDigest": self.here.digest,
            "statement": "We hire.",
        }
        return await self.api.do("proposeEndorsement", PROPOSED, actor or self.reviewer, **(asked | given))

    async def act(self, name: str, identity: str, actor: Actor, **given: Any) -> Any:
        """The payload of something done to a proposal."""
        extra: dict[str, Any] = {"signEndorsement": {"expectedDigest": self.here.digest}}.get(name, {})
        extra = {"refuseEndorsement": {"reason": "Not yet."}}.get(name, extra)
        shown = SIGNED if name == "signEndorsement" else PROPOSED
        return await self.api.do(name, shown, actor, **({"proposalId": identity} | extra | given))

    async def ask_for_four_eyes(self) -> None:
        """From now on the platform's policy asks for four eyes."""
        async with self.api.db.writer() as tx:
            await policies.publish(tx, SYSTEM, policies.Publish(replace(DEFAULT_POLICY, four_eyes=True), "Two look."))


@pytest_asyncio.fixture
async def house(db: Database, signer: Signer, make: Factory) -> AsyncIterator[House]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        house = here.employer_id
        reviewer = await make.member(tx, house, OrganizationKind.EMPLOYER, Role.REVIEWER)
        second = await make.member(tx, house, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    async with served(db, signer, make) as api:
        yield House(api, here, signer, reviewer, here.employer, second)


async def test_a_reviewer_proposes_a_signatory_approves_and_signs_exactly_that(house: House) -> None:
    evidence = [{"interviewGuarantee": {"role": "analyst", "region": "EU", "withinDays": 14, "until": "2027-03-31"}}]
    made = await house.propose(outcomeKeys=["power"], evidence=evidence)
    assert made["errors"] == []
    proposal = made["proposal"]
    assert (proposal["state"], proposal["mine"], proposal["digest"]) == ("PROPOSED", True, house.here.digest)
    assert proposal["viewerCan"] == {"approve": False, "sign": False, "refuse": False, "withdraw": True}
    approved = (await house.act("approveEndorsement", proposal["id"], house.first))["proposal"]
    assert (approved["state"], approved["approvedByMe"], approved["mine"]) == ("APPROVED", True, False)
    assert approved["viewerCan"] == {"approve": False, "sign": True, "refuse": True, "withdraw": False}
    signed = (await house.act("signEndorsement", proposal["id"], house.second))["endorsement"]
    assert (signed["state"], signed["statement"], signed["outcomeKeys"]) == ("IN_FORCE", "We hire.", ["power"])
    assert [each["narrative"] for each in signed["evidence"]] == [each["narrative"] for each in proposal["evidence"]]
    shown = await house.api.ask(
        "query ($id: ID!) { endorsementProposal(id: $id) { state endorsement { id } } }",
        house.reviewer,
        id=proposal["id"],
    )
    assert shown["endorsementProposal"] == {"state": "SIGNING", "endorsement": {"id": signed["id"]}}


async def test_every_kind_of_evidence_is_signed_as_it_was_proposed(house: House) -> None:
    async with house.api.db.writer() as tx:
        word = endorsements.EndorseSpec(house.here.version, house.here.digest, "We hire.", EVERY_KIND)
        key = await proposals.propose(tx, house.reviewer, word)
        taken = await proposals.sign(tx, house.first, proposals.Sign(key, house.here.digest))
        rows = await tx.fetch("select narrative from endorsement_evidence where endorsement_id = $1 order by no", taken)
    assert [row["narrative"] for row in rows] == [piece.sentence() for piece in EVERY_KIND]


async def test_one_proposal_waits_at_a_time_and_a_refused_one_is_kept(house: House) -> None:
    first = (await house.propose())["proposal"]["id"]
    assert [e["code"] for e in (await house.propose(house.first))["errors"]] == ["CONFLICT"]
    refused = (await house.act("refuseEndorsement", first, house.first, reason="Say more."))["proposal"]
    assert (refused["state"], refused["refusal"]) == ("REFUSED", "Say more.")
    second = (await house.propose(statement="We hire more."))["proposal"]["id"]
    await house.act("withdrawEndorsementProposal", second, house.reviewer)
    async with house.api.db.writer() as tx:
        rows = await tx.fetch("select state, statement from endorsement_proposals order by id")
        assert await tx.fetchval("select count(*) from endorsements") == 0
    assert [tuple(row) for row in rows] == [("refused", "We hire."), ("withdrawn", "We hire more.")]


PARTIES = ("proposer", "colleague", "signatory", "stranger", "school")
DONE = {
    ("proposed", "approveEndorsement", "signatory"): "approved",
    ("proposed", "signEndorsement", "signatory"): "signing",
    ("proposed", "refuseEndorsement", "signatory"): "refused",
    ("proposed", "withdrawEndorsementProposal", "proposer"): "withdrawn",
    ("approved", "signEndorsement", "signatory"): "signing",
    ("approved", "refuseEndorsement", "signatory"): "refused",
    ("approved", "withdrawEndorsementProposal", "proposer"): "withdrawn",
}


async def test_every_state_party_and_act_ends_as_the_table_says(house: House, make: Factory) -> None:
    """All 100 cells over the services; a refused one changes nothing."""
    async with house.api.db.writer() as tx:
        colleague = await make.member(tx, house.here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
        stranger = await make.employer(tx)
        word = endorsements.EndorseSpec(house.here.version, house.here.digest, "We hire.")
        key = await proposals.propose(tx, house.reviewer, word)
        other = await proposals.propose(tx, stranger, word)
        taken = await proposals.sign(tx, stranger, proposals.Sign(other, house.here.digest))
    actors = dict(zip(PARTIES, (house.reviewer, colleague, house.first, stranger, house.here.school), strict=True))
    calls: dict[str, Any] = {
        "approveEndorsement": lambda tx, actor: proposals.approve(tx, actor, key),
        "signEndorsement": lambda tx, actor: proposals.sign(tx, actor, proposals.Sign(key, house.here.digest)),
        "refuseEndorsement": lambda tx, actor: proposals.refuse(tx, actor, proposals.Refuse(key, "Not yet.")),
        "withdrawEndorsementProposal": lambda tx, actor: proposals.withdraw(tx, actor, key),
    }

    found = {}
    states = ("proposed", "approved", "signing", "refused", "withdrawn")
    for state, act, party in itertools.product(states, ACTS, PARTIES):
        async with house.api.db.writer() as tx:
            # What was signed is one of the two at a time.
            await tx.execute(
                "update endorsement_proposals set state = 'refused', endorsement_id = null where id = $1 and $2",
                *(other, state == "signing"),
            )
            await tx.execute(
                "update endorsement_proposals set state = $2, endorsement_id = $3 where id = $1",
                *(key, state, taken if state == "signing" else None),
            )
        with suppress(NotAllowed, NotFound, InvalidState, NotTheEndorser):
            async with house.api.db.writer() as tx:
                await calls[act](tx, actors[party])
                found[state, act, party] = await tx.fetchval(
                    "select state from endorsement_proposals where id = $1", key
                )
                raise NotAllowed(why="What was done is undone for the next")
    assert found == DONE


async def test_a_foreign_proposal_is_as_a_missing_one_and_the_school_sees_none(house: House, make: Factory) -> None:
    made = (await house.propose())["proposal"]["id"]
    async with house.api.db.writer() as tx:
        stranger = await make.employer(tx)
    read = "query ($id: ID!) { endorsementProposal(id: $id) { id } endorsementProposals(first: 5) { totalCount } }"
    for actor in (stranger, house.here.school):
        shown = await house.api.ask(read, actor, id=made)
        assert shown == {"endorsementProposal": None, "endorsementProposals": {"totalCount": 0}}
    missing = f"prp_{house.here.version}"
    answers = [await house.act("signEndorsement", identity, stranger) for identity in (made, missing)]
    assert answers[0] == answers[1]
    assert [e["code"] for e in answers[0]["errors"]] == ["NOT_FOUND"]


async def test_another_digest_is_not_signed(house: House) -> None:
    made = (await house.propose())["proposal"]["id"]
    await house.api.authorization(house.first)
    before = await kept(house.api.db)
    refused = await house.act("signEndorsement", made, house.first, expectedDigest="0" * 64)
    assert [(e["code"], e["path"]) for e in refused["errors"]] == [("STALE_VERSION", ["expectedDigest"])]
    assert await kept(house.api.db) == before


async def test_what_a_leaver_proposed_is_refused_and_kept(house: House, make: Factory) -> None:
    await house.propose()
    async with house.api.db.writer() as tx:
        admin = await make.member(tx, house.here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
        membership = await tx.fetchval("select id from memberships where person_id = $1", house.reviewer.person_id)
        await members.end(tx, admin, membership)
        row = await tx.fetchrow("select state, refusal from endorsement_proposals")
    assert row is not None
    assert tuple(row) == ("refused", proposals.PROPOSER_GONE)


# Four eyes


def test_who_reviewed_or_proposed_does_not_sign_and_somebody_else_has_looked() -> None:
    one, two, three = (UUID(int=n) for n in (1, 2, 3))
    four_eyes.judge(one, two, ())
    four_eyes.judge(one, None, {two})
    four_eyes.judge(one, two, {three})
    for signatory, proposer, reviewers in ((one, one, ()), (one, None, {one, two}), (one, two, {one})):
        with pytest.raises(four_eyes.SameEyes):
            four_eyes.judge(signatory, proposer, reviewers)
    with pytest.raises(four_eyes.SecondPersonNeeded):
        four_eyes.judge(one, None, ())


async def test_four_eyes_by_policy_who_proposed_does_not_sign(house: House) -> None:
    await house.ask_for_four_eyes()
    made = (await house.propose(house.first))["proposal"]["id"]
    assert (await house.act("approveEndorsement", made, house.first))["errors"] == []
    before = await kept(house.api.db)
    refused = await house.act("signEndorsement", made, house.first)
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"]
    assert await kept(house.api.db) == before
    assert (await house.act("signEndorsement", made, house.second))["endorsement"]["state"] == "IN_FORCE"


async def test_four_eyes_by_policy_who_reviewed_does_not_sign(house: House) -> None:
    await house.ask_for_four_eyes()
    async with house.api.db.writer() as tx:
        request = await reviews.request(
            tx, house.here.school, reviews.RequestReview(house.here.version, house.here.employer_id)
        )
        await reviews.claim(tx, house.first, request)
        await reviews.decide(tx, house.first, reviews.Decide(request, favourable()))
    word = {"specVersionId": f"version_{house.here.version}", "expectedDigest": house.here.digest, "statement": "Yes."}
    refused = await house.api.do("endorseSpec", SIGNED, house.first, **word)
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"]
    assert (await house.api.do("endorseSpec", SIGNED, house.second, **word))["endorsement"]["state"] == "IN_FORCE"


async def test_four_eyes_by_policy_one_person_alone_endorses_nothing(house: House) -> None:
    word = {"specVersionId": f"version_{house.here.version}", "expectedDigest": house.here.digest, "statement": "Yes."}
    await house.ask_for_four_eyes()
    refused = await house.api.do("endorseSpec", SIGNED, house.second, **word)
    assert [e["code"] for e in refused["errors"]] == ["NOT_ALLOWED"]
    assert "somebody else of your organization" in refused["errors"][0]["message"]


async def test_four_eyes_are_asked_again_in_the_signers_transaction(house: House) -> None:
    async with house.api.db.writer() as tx:
        word = endorsements.EndorseSpec(house.here.version, house.here.digest, "We hire.")
        alone = await endorsements.endorse(tx, house.first, word)
    await house.ask_for_four_eyes()
    assert await jobs.sign(house.api.db, house.signer, alone) is State.REFUSED
    async with house.api.db.writer() as tx:
        key = await proposals.propose(tx, house.reviewer, word)
        taken = await proposals.sign(tx, house.first, proposals.Sign(key, house.here.digest))
    assert await jobs.sign(house.api.db, house.signer, taken) is State.IN_FORCE
