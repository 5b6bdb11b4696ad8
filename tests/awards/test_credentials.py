"""A credential is stored before it is signed, holds the frozen achievement and the signed endorsements verbatim."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio

from countersign import app
from countersign.awards import credentials, jobs, rules, service
from countersign.awards.importing import import_awards
from countersign.awards.service import IssueAward, Issued, RevokeAward
from countersign.endorsements import jobs as endorsement_jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.service import EndorseSpec
from countersign.kit.access import OrganizationKind, Role
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.kit.vault import key_of
from countersign.learners import service as learners
from countersign.learners.service import Person
from countersign.organizations import approvals
from countersign.trust import key_commands
from countersign.trust.signer import Signer
from countersign.trust.verify_reading import frozen_achievement_of
from tests.awards.support import ANNA, DAY
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SEALER = Sealer(b"a sealing secret of thirty-two b")


@dataclass
class House:
    """A published version with a signed endorsement, and everything that signs."""

    db: Database
    signer: Signer
    here: Scene
    endorsement: bytes

    async def issue(self, person: Person = ANNA) -> Issued:
        """Issue and commit."""
        async with self.db.writer() as tx:
            return await service.issue(tx, self.here.school, IssueAward(self.here.version, person, DAY))

    async def value(self, sql: str, *args: object) -> Any:
        """One value."""
        async with self.db.reader() as reader:
            return await reader.fetchval(sql, *args)

    async def opened(self, column: str, learner_id: int) -> bytes:
        """What is sealed in a column of the learner's only award."""
        sealed = await self.value(f"select {column} from awards where learner_id = $1", learner_id)
        async with self.db.writer() as tx:
            key = await key_of(tx, learner_id)
        assert key is not None
        return key.open(f"awards.{column}", sealed)


@pytest_asyncio.fixture
async def house(db: Database, signer: Signer, make: Factory) -> House:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        identity = await endorsements.endorse(
            tx, here.employer, EndorseSpec(here.version, here.digest, "We interview every holder.")
        )
    assert await endorsement_jobs.sign_pending(db, signer) == 1
    async with db.writer() as tx:
        signed = await endorsements.signed_endorsement(tx, identity)
    assert signed is not None
    return House(db, signer, here, signed)


async def test_the_unsigned_document_is_stored_at_issue_and_exactly_it_is_signed(house: House) -> None:
    made = await house.issue()
    document = await house.opened("document", made.learner_id)
    assert await house.value("select credential from awards") is None
    credential = await credentials.sign(house.db, house.signer, made.learner_id, made.award_id)
    assert credential is not None
    signed = json.loads(credential)
    proof = signed.pop("proof")
    assert signed == json.loads(document)
    assert proof["verificationMethod"].startswith(signed["issuer"]["id"])
    assert await house.opened("credential", made.learner_id) == credential


async def test_the_frozen_achievement_comes_back_and_the_endorsement_is_verbatim(house: House) -> None:
    made = await house.issue()
    credential = await credentials.sign(house.db, house.signer, made.learner_id, made.award_id)
    assert credential is not None
    award = json.loads(credential)
    frozen = await house.value("select achievement from spec_versions where id = $1", house.here.version)
    assert frozen_achievement_of(award) == frozen
    assert award["credentialSubject"]["achievement"]["endorsement"] == [json.loads(house.endorsement)]


async def test_a_credential_has_no_name_and_no_address_in_clear(house: House) -> None:
    made = await house.issue()
    credential = await credentials.sign(house.db, house.signer, made.learner_id, made.award_id)
    assert credential is not None
    assert b"anna@example.com" not in credential
    assert b"Anna Example" not in credential


async def test_signing_twice_and_at_once_gives_one_credential(house: House) -> None:
    made = await house.issue()
    several = await asyncio.gather(
        *(credentials.sign(house.db, house.signer, made.learner_id, made.award_id) for _ in range(3))
    )
    assert len(set(several)) == 1
    assert await jobs.sign_pending(house.db, house.signer) == 0


async def test_an_award_whose_key_was_lost_is_signed_anew_with_the_present_one(house: House, make: Factory) -> None:
    app.attend(house.signer)
    issued = await house.issue()
    before = await credentials.sign(house.db, house.signer, issued.learner_id, issued.award_id)
    assert before is not None
    school = house.here.school_id
    async with house.db.writer() as tx:
        admins = [await make.member(tx, school, OrganizationKind.SCHOOL, Role.ORG_ADMIN) for _ in range(2)]
        lost = await tx.fetchval("select id from signing_keys where organization_id = $1", school)
        proposal = await key_commands.propose_compromise(tx, admins[0], key_commands.MarkCompromised(lost))
        await approvals.approve(tx, admins[1], proposal)
    after = await credentials.sign(house.db, house.signer, issued.learner_id, issued.award_id)
    assert after is not None
    old, new = json.loads(before), json.loads(after)
    assert (old.pop("proof")["verificationMethod"][-8:], new.pop("proof")["verificationMethod"][-10:]) == (
        "key-2026",
        "key-2026-2",
    )
    assert old == new, "the same document, under another signature"
    assert await credentials.sign(house.db, house.signer, issued.learner_id, issued.award_id) == after


async def test_an_imported_award_is_documented_and_signed_when_it_is_asked_for(house: House, tmp_path: Path) -> None:
    path = tmp_path / "awards.csv"
    slug = await house.value("select slug from specs")
    path.write_text(
        "email,full_name,country,spec,version,awarded_on\n"
        f"anna@example.com,Anna,DE,{slug},1.0.0,2026-10-01\nboris@example.com,Boris,DE,{slug},1.0.0,2026-10-01\n",
        encoding="utf-8",
    )
    assert (await import_awards(house.db, house.here.school, path)).created == 2
    assert await house.value("select count(*) from status_entries") == 1  # the endorsement's
    assert await jobs.sign_pending(house.db, house.signer) == 0
    anna = learners.directory_key(house.db.vault, "anna@example.com")
    row = await house.value("select learner_id from learner_directory where lookup_key = $1", anna)
    award_id = await house.value("select id from awards where learner_id = $1", row)
    text = SEALER.seal(credentials.TAG, b"", rules.route(row, award_id))
    credential = await credentials.shared_credential(house.db, house.signer, SEALER, text)
    assert credential is not None
    assert json.loads(credential)["awardedDate"] == "2026-10-01T00:00:00Z"
    assert await credentials.shared_credential(house.db, house.signer, SEALER, text) == credential
    assert await house.value("select count(*) from awards where credential is null") == 1


async def test_pending_documents_are_signed_by_the_job(house: House) -> None:
    await house.issue()
    assert await jobs.sign_pending(house.db, house.signer) == 1
    assert await jobs.sign_pending(house.db, house.signer) == 0
    assert await house.value("select count(*) from awards where credential is null") == 0


async def test_an_award_revoked_before_it_was_signed_is_never_signed(house: House) -> None:
    made = await house.issue()
    async with house.db.writer() as tx:
        await service.revoke(tx, house.here.school, RevokeAward(made.learner_id, made.award_id, "Wrong learner"))
    assert await credentials.sign(house.db, house.signer, made.learner_id, made.award_id) is None
    assert await jobs.sign_pending(house.db, house.signer) == 0
    assert await house.value("select credential from awards") is None


async def test_a_signed_award_is_served_after_its_revocation_with_its_bit_set(house: House) -> None:
    made = await house.issue()
    credential = await credentials.sign(house.db, house.signer, made.learner_id, made.award_id)
    async with house.db.writer() as tx:
        await service.revoke(tx, house.here.school, RevokeAward(made.learner_id, made.award_id, "Plagiarism"))
    assert await credentials.sign(house.db, house.signer, made.learner_id, made.award_id) == credential
    place = await house.value("select status_index from awards")
    assert await house.value("select revoked_at is not null from status_entries where idx = $1", place)


async def test_an_unknown_or_forged_id_finds_nothing(house: House) -> None:
    made = await house.issue()
    for text in (
        "award_x",
        f"{credentials.TAG}_{made.award_id}",
        SEALER.seal(credentials.TAG, b"another scope", rules.route(made.learner_id, made.award_id)),
        SEALER.seal(credentials.TAG, b"", rules.route(made.learner_id, new_id())),
        SEALER.seal("cand", b"", rules.route(made.learner_id, made.award_id)),
    ):
        assert await credentials.shared_credential(house.db, house.signer, SEALER, text) is None
