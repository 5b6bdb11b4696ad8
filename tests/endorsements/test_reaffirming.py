"""After an editorial change an endorser says the same again with one click; nothing carries over by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.endorsements import jobs, reaffirming, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import HiringPledge, InterviewGuarantee
from countersign.endorsements.rules import State
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.endorsements.ledger import put_in_force, set_state
from tests.endorsements.samples import EVERY_KIND, LATER, TODAY
from tests.factories import Factory
from tests.reviews.support import Scene, scene
from tests.specs.samples import COMPLETE

SHOWN: Final = """endorsement { id state statement digest outcomeKeys validUntil credential
  specVersion { semver } supersedes { id state live } evidence { kind } }"""
EDITORIAL: Final = {"description": "Designs, runs and reads experiments online."}
MATERIAL: Final = {"description": "Otherwise said.", "eqfLevel": 5}
PLEDGE: Final = HiringPledge(5, "junior analyst", "EU remote", TODAY, LATER)
SOON: Final = InterviewGuarantee("analyst", "EU", 14, TODAY + timedelta(days=10))


@dataclass
class Said:
    """A version that an employer has endorsed, over the API."""

    api: Api
    here: Scene
    signer: Signer
    clock: FrozenClock

    async def endorse(self, **changes: Any) -> str:
        """The public id of an endorsement of the first version, in force."""
        word = endorsements.EndorseSpec(self.here.version, self.here.digest, "We hire.", **changes)
        async with self.api.db.writer() as tx:
            key = await endorsements.endorse(tx, self.here.employer, word)
        assert await jobs.sign(self.api.db, self.signer, key) is State.IN_FORCE
        return f"end_{key}"

    async def next(self, semver: str = "1.0.1", /, **fields: Any) -> tuple[str, str]:
        """The id and the digest of a later published version."""
        async with self.api.db.writer() as tx:
            draft = await specs.new_draft_from(tx, self.here.school, self.here.version)
            await specs.edit_draft(tx, self.here.school, specs.EditDraft(draft, COMPLETE | fields))
            version = await specs.submit(tx, self.here.school, specs.Submit(draft, semver))
            await specs.publish(tx, self.here.school, version)
            digest = await tx.fetchval("select digest from spec_versions where id = $1", version)
        return f"version_{version}", digest

    async def reaffirm(self, identity: str, later: tuple[str, str], actor: Actor | None = None, **given: Any) -> Any:
        """The payload of reaffirmEndorsement."""
        asked = {"endorsementId": identity, "specVersionId": later[0], "expectedDigest": later[1]} | given
        return await self.api.do("reaffirmEndorsement", SHOWN, actor or self.here.employer, **asked)

    async def refused(self, code: str, *asked: Any, **given: Any) -> str:
        """The message of a refusal with this code, which changed nothing."""
        before = await kept(self.api.db)
        done = await self.reaffirm(*asked, **given)
        assert [error["code"] for error in done["errors"]] == [code]
        assert await kept(self.api.db) == before
        message: str = done["errors"][0]["message"]
        return message


@pytest_asyncio.fixture(loop_scope="session")
async def said(db: Database, signer: Signer, make: Factory, clock: FrozenClock) -> AsyncIterator[Said]:
    """A published version, its school and a verified employer."""
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield Said(api, here, signer, clock)


async def test_one_click_after_an_editorial_change_is_a_new_signed_endorsement(said: Said) -> None:
    first = await said.endorse(evidence=EVERY_KIND, outcomes=("report",))
    later = await said.next(**EDITORIAL)
    done = await said.reaffirm(first, later)
    assert done["errors"] == []
    made = done["endorsement"]
    assert (made["state"], made["statement"], made["digest"]) == ("IN_FORCE", "We hire.", later[1])
    assert (made["specVersion"]["semver"], made["outcomeKeys"]) == ("1.0.1", ["report"])
    assert made["supersedes"] == {"id": first, "state": "IN_FORCE", "live": True}
    assert made["validUntil"] == "2027-11-22T12:00:00Z"
    kinds = [piece["kind"] for piece in made["evidence"]]
    assert len(kinds) == len(EVERY_KIND) - 1
    assert "HIRING_PLEDGE" not in kinds
    signed = json.loads(made["credential"])
    assert signed["proof"]
    (note,) = [piece for piece in signed["evidence"] if piece["name"] == "Re-affirmation"]
    assert (
        f"/endorsements/{first.removeprefix('end_')}: the change since then is editorial, in description."
        in (note["narrative"])
    )
    assert "8 of its 9 pieces of evidence" in note["narrative"]


async def test_endorsements_never_carry_over_by_themselves(said: Said) -> None:
    """Invariant 3 and 4's promise in use: what was signed for one digest says nothing of another one."""
    first = await said.endorse()
    later, _ = await said.next(**EDITORIAL)
    text = """query ($id: ID!, $end: ID!) { specVersion(by: {id: $id}) { liveEndorsementCount coValidated
      endorsements(first: 10) { nodes { id } } } endorsement(id: $end) { laterChanges { changeClass
      toVersion { id } } } }"""
    found = await said.api.ask(text, None, id=later, end=first)
    version = found["specVersion"]
    assert version == {"liveEndorsementCount": 0, "coValidated": False, "endorsements": {"nodes": []}}
    assert found["endorsement"]["laterChanges"] == [{"changeClass": "EDITORIAL", "toVersion": {"id": later}}]


async def test_after_a_material_change_one_click_is_refused_and_says_what_changed(said: Said) -> None:
    first = await said.endorse()
    message = await said.refused("INVALID_STATE", first, await said.next(**MATERIAL))
    assert "material (eqfLevel)" in message


async def test_many_editorial_steps_are_judged_from_the_version_that_was_endorsed(said: Said) -> None:
    first = await said.endorse()
    await said.next("1.1.0", **MATERIAL)
    back = await said.next("1.2.0", **EDITORIAL)
    assert (await said.reaffirm(first, back))["errors"] == []


async def test_evidence_whose_day_has_passed_is_left_out_and_the_end_stays(said: Said) -> None:
    first = await said.endorse(evidence=(SOON, PLEDGE))
    later = await said.next(**EDITORIAL)
    said.clock.move(timedelta(days=20))
    made = (await said.reaffirm(first, later))["endorsement"]
    assert made["evidence"] == []
    assert made["validUntil"] == "2027-11-22T12:00:00Z"


async def test_another_digest_than_the_one_that_was_seen_is_stale(said: Said) -> None:
    first = await said.endorse()
    later = await said.next(**EDITORIAL)
    await said.refused("STALE_VERSION", first, (later[0], said.here.digest))


async def test_only_a_signatory_of_the_endorser_says_it_again(said: Said) -> None:
    first = await said.endorse()
    later = await said.next(**EDITORIAL)
    async with said.api.db.writer() as tx:
        reviewer = await said.api.make.member(tx, said.here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER)
        other = await said.api.make.employer(tx)
    for actor in (reviewer, other, said.here.school):
        await said.refused("NOT_ALLOWED", first, later, actor)


async def test_what_is_not_in_force_is_not_said_again(said: Said) -> None:
    first = await said.endorse()
    later = await said.next(**EDITORIAL)
    key = UUID(first.removeprefix("end_"))
    async with said.api.db.writer() as tx:
        await suspension.suspend(tx, said.here.employer, suspension.Suspend(key, "We look again"))
    await said.refused("INVALID_STATE", first, later)
    async with said.api.db.writer() as tx:
        await endorsements.revoke(tx, said.here.employer, endorsements.Revoke(key, "No more"))
    await said.refused("INVALID_STATE", first, later)


async def test_the_same_an_earlier_and_a_foreign_version_are_refused(said: Said) -> None:
    first = await said.endorse()
    later = await said.next(**EDITORIAL)
    await said.refused("INVALID", first, (f"version_{said.here.version}", said.here.digest))
    await said.refused("NOT_FOUND", first, ("version_x", later[1]))
    assert (await said.reaffirm(first, later))["errors"] == []
    await said.refused("CONFLICT", first, later)


@pytest.mark.parametrize("end", ["revoked", "suspended"])
async def test_what_ends_before_the_signature_is_not_said_again(said: Said, end: str) -> None:
    first = await said.endorse()
    version, digest = await said.next(**EDITORIAL)
    key = UUID(first.removeprefix("end_"))
    word = reaffirming.Reaffirm(key, UUID(version.removeprefix("version_")), digest)
    async with said.api.db.writer() as tx:
        again = await reaffirming.reaffirm(tx, said.here.employer, word)
    async with said.api.db.writer() as tx:
        if end == "revoked":
            await endorsements.revoke(tx, said.here.employer, endorsements.Revoke(key, "No more"))
        else:
            await suspension.suspend(tx, said.here.employer, suspension.Suspend(key, "We look again"))
    assert await jobs.sign(said.api.db, said.signer, again) is State.REFUSED
    async with said.api.db.writer() as tx:
        row = await tx.fetchrow("select state, in_force, refusal from endorsements where id = $1", again)
    assert row is not None
    assert (row["state"], row["in_force"]) == ("refused", None)


async def test_the_signer_compares_the_frozen_texts_again(said: Said) -> None:
    first = await said.endorse()
    version, digest = await said.next(**EDITORIAL)
    later = UUID(version.removeprefix("version_"))
    async with said.api.db.writer() as tx:
        word = reaffirming.Reaffirm(UUID(first.removeprefix("end_")), later, digest)
        again = await reaffirming.reaffirm(tx, said.here.employer, word)
    async with said.api.db.writer() as tx:
        await tx.execute("set local role none")
        await tx.execute(
            "update spec_versions set content = jsonb_set(content, '{eqfLevel}', '5') where id = $1", later
        )
    assert await jobs.sign(said.api.db, said.signer, again) is State.REFUSED


async def digest_of(tx: Tx, version: UUID) -> str:
    """A version's digest."""
    return str(await tx.fetchval("select digest from spec_versions where id = $1", version))


async def told(said: Said) -> list[tuple[str, str, str]]:
    """Whom the publications told of successors: topic, endorsement and the version's number, in that order."""
    async with said.api.db.writer() as tx:
        rows = await tx.fetch(
            "select topic, subject, payload->>'next' as next from outbox"
            " where topic in ('endorsement.reaffirmable', 'endorsement.outgrown')"
        )
    return sorted((row["topic"], row["subject"], row["next"]) for row in rows)


async def test_endorsers_are_told_once_of_each_successor_and_whether_one_click_is_enough(said: Said) -> None:
    word = await said.endorse()
    await said.next("1.0.1", **EDITORIAL)
    assert await told(said) == [("endorsement.reaffirmable", word, "1.0.1")]
    await said.next("1.1.0", **MATERIAL)
    assert await told(said) == [
        ("endorsement.outgrown", word, "1.1.0"),
        ("endorsement.reaffirmable", word, "1.0.1"),
    ]


async def test_of_a_successor_only_the_newest_word_that_stands_is_told_and_nobody_who_has_spoken_of_it(
    said: Said, make: Factory
) -> None:
    first = await said.endorse()
    later = await said.next("1.0.1", **EDITORIAL)
    again = (await said.reaffirm(first, later))["endorsement"]["id"]
    async with said.api.db.writer() as tx:
        other = await make.employer(tx)
        word = endorsements.EndorseSpec(said.here.version, said.here.digest, "W")
        known = UUID(later[0].removeprefix("version_"))
        gone = await endorsements.endorse(tx, other, replace(word, known_later=known))
        await put_in_force(tx, gone)
        await set_state(tx, gone, "revoked")
        draft = await specs.new_draft_from(tx, said.here.school, said.here.version)
        await specs.edit_draft(tx, said.here.school, specs.EditDraft(draft, COMPLETE | {"description": "Reads."}))
        version = await specs.submit(tx, said.here.school, specs.Submit(draft, "1.0.2"))
        spoken = await make.employer(tx)
        assert spoken.organization_id is not None
        await specs.let_read(tx, version, spoken.organization_id)
        for of, digest in ((said.here.version, said.here.digest), (version, await digest_of(tx, version))):
            said_of = replace(word, spec_version_id=of, expected_digest=digest, known_later=known)
            await put_in_force(tx, await endorsements.endorse(tx, spoken, said_of))
        before = await tx.fetchval("select count(*) from outbox where topic = 'endorsement.reaffirmable'")
        await specs.publish(tx, said.here.school, version)
    assert (before, [row[1:] for row in await told(said)]) == (1, [(first, "1.0.1"), (again, "1.0.2")])
