"""Keys under four eyes: added and marked by two persons, retired by one; what that does to what they signed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign import app
from countersign.endorsements import jobs, suspension
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import State
from countersign.kit import events
from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.errors import Conflict, Invalid, InvalidState, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import approvals
from countersign.organizations.events import MembershipEnded
from countersign.organizations.rules_approvals import AlreadyProposed, SamePerson
from countersign.public.verification import judge
from countersign.schema.base import Tools
from countersign.trust import key_commands
from countersign.trust import service as trust
from countersign.trust.key_commands import MarkCompromised
from countersign.trust.rules import NoKeyInUse
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.mutations.stage import SEALER
from tests.reviews.support import Scene, scene


@dataclass
class Desk:
    """An employer with two admins, its signer, and a version to endorse."""

    db: Database
    signer: Signer
    clock: FrozenClock
    here: Scene
    one: Actor
    two: Actor

    @property
    def organization(self) -> UUID:
        """The employer."""
        return self.here.employer_id

    async def keys(self) -> list[dict[str, Any]]:
        """Its keys, oldest first."""
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select id, name, retired_at, compromised_at from signing_keys where organization_id = $1"
                " order by created_at, name",
                self.organization,
            )
            return [dict(row) for row in rows]

    async def did(self) -> list[str]:
        """The names of the keys that may assert, newest first."""
        async with self.db.writer() as tx:
            handle = await tx.fetchval("select handle from organizations where id = $1", self.organization)
            shown = await trust.did_document(tx, self.signer.addresses, handle)
            assert shown is not None
            return [name.partition("#")[2] for name in json.loads(shown.body)["assertionMethod"]]

    async def add(self) -> None:
        """Two admins add a key."""
        async with self.db.writer() as tx:
            proposal = await key_commands.propose_key(tx, self.one)
            await approvals.approve(tx, self.two, proposal)

    async def mark(self, key: UUID, since: datetime | None = None) -> None:
        """Two admins mark a key."""
        async with self.db.writer() as tx:
            proposal = await key_commands.propose_compromise(tx, self.one, MarkCompromised(key, since))
            await approvals.approve(tx, self.two, proposal)

    async def endorse(self) -> UUID:
        """An endorsement, signed."""
        async with self.db.writer() as tx:
            word = endorsements.EndorseSpec(self.here.version, self.here.digest, "We hire.")
            key = await endorsements.endorse(tx, self.here.employer, word)
        assert await jobs.sign(self.db, self.signer, key) is State.IN_FORCE
        return key

    async def credential(self, endorsement: UUID) -> str:
        """What is served of it."""
        async with self.db.writer() as tx:
            found = await endorsements.signed_endorsement(tx, endorsement)
            assert found is not None
            return found.decode()

    async def verdict(self, credential: str) -> str:
        """What our verifier says."""
        tools = Tools(self.db, SEALER, self.signer)
        return str((await judge(tools, credential)).report.as_json()["verdict"])

    async def endorsement(self, key: UUID) -> dict[str, Any]:
        """Where it stands, and why."""
        async with self.db.writer() as tx:
            row = await tx.fetchrow("select state, revocation_reason from endorsements where id = $1", key)
            assert row is not None
            return dict(row)


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory, clock: FrozenClock) -> Desk:
    app.attend(signer)
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
        one, two = [
            await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN) for _ in range(2)
        ]
        await signer.ensure_key(tx, here.employer_id)
    return Desk(db, signer, clock, here, one, two)


async def test_a_key_is_added_when_another_person_approves(desk: Desk) -> None:
    async with desk.db.writer() as tx:
        proposal = await key_commands.propose_key(tx, desk.one, "Yearly")
    assert len(await desk.keys()) == 1
    before = await desk.endorse()
    async with desk.db.writer() as tx:
        await approvals.approve(tx, desk.two, proposal)
    old, new = await desk.keys()
    assert old["retired_at"] is not None
    assert (new["retired_at"], new["name"]) == (None, "key-2026-2")
    assert await desk.did() == ["key-2026-2", "key-2026"]
    # What the old key signed stays good, and the new one signs.
    assert await desk.verdict(await desk.credential(before)) == "VALID"
    assert "#key-2026-2" in await desk.credential(await desk.endorse())


async def test_nobody_adds_a_key_alone(desk: Desk) -> None:
    async with desk.db.writer() as tx:
        proposal = await key_commands.propose_key(tx, desk.one)
        with pytest.raises(AlreadyProposed):
            await key_commands.propose_key(tx, desk.two)
    another_token = replace(desk.one, token_id=new_id())
    for actor in (desk.one, another_token):
        async with desk.db.writer() as tx:
            with pytest.raises(SamePerson):
                await approvals.approve(tx, actor, proposal)
    signatory = desk.here.employer
    async with desk.db.writer() as tx:
        with pytest.raises(NotAllowed):
            await approvals.approve(tx, signatory, proposal)
        with pytest.raises(NotAllowed):
            await key_commands.propose_key(tx, signatory)
    assert len(await desk.keys()) == 1


async def test_what_somebody_proposed_falls_with_their_role(desk: Desk) -> None:
    async with desk.db.writer() as tx:
        proposal = await key_commands.propose_key(tx, desk.one)
        assert desk.one.person_id is not None
        gone = MembershipEnded(desk.organization, desk.one.person_id, frozenset({Role.ORG_ADMIN}), await tx.now())
        await events.publish(tx, gone)
    async with desk.db.writer() as tx:
        with pytest.raises(InvalidState):
            await approvals.approve(tx, desk.two, proposal)
        assert await tx.fetchval("select reason from approvals where id = $1", proposal) == approvals.LEFT
    assert len(await desk.keys()) == 1


async def test_the_operator_is_a_second_person_and_no_first_and_second(desk: Desk) -> None:
    async with desk.db.writer() as tx:
        await approvals.approve(tx, SYSTEM, await key_commands.propose_key(tx, desk.one))
    (key, _) = await desk.keys()
    async with desk.db.writer() as tx:
        proposal = await key_commands.propose_compromise(tx, SYSTEM, MarkCompromised(key["id"]))
        with pytest.raises(SamePerson):
            await approvals.approve(tx, SYSTEM, proposal)
    assert (await desk.keys())[0]["compromised_at"] is None


async def test_a_strangers_key_is_missing(desk: Desk, make: Factory) -> None:
    (key,) = await desk.keys()
    async with desk.db.writer() as tx:
        stranger = await make.employer(tx, Role.ORG_ADMIN)
        with pytest.raises(NotFound):
            await key_commands.propose_compromise(tx, stranger, MarkCompromised(key["id"]))
        with pytest.raises(NotFound):
            await key_commands.retire(tx, stranger, desk.signer.addresses, key["id"])
        proposal = await key_commands.propose_key(tx, desk.one)
        with pytest.raises(NotFound):
            await approvals.approve(tx, stranger, proposal)
    assert await desk.keys() == [key]


async def test_who_retires_the_only_key_signs_no_more_until_two_add_one(desk: Desk) -> None:
    before = await desk.endorse()
    (key,) = await desk.keys()
    async with desk.db.writer() as tx:
        await key_commands.retire(tx, desk.one, desk.signer.addresses, key["id"])
        with pytest.raises(InvalidState):
            await key_commands.retire(tx, desk.one, desk.signer.addresses, key["id"])
    assert await desk.did() == ["key-2026"]
    async with desk.db.writer() as tx:
        with pytest.raises(NoKeyInUse):
            await desk.signer.sign(tx, desk.organization, b"{}")
        await endorsements.revoke(tx, desk.here.employer, endorsements.Revoke(before, "Out of date"))
    # Its status lists are still signed: what is revoked must stay known.
    assert await desk.verdict(await desk.credential(before)) == "REVOKED"
    await desk.add()
    await desk.endorse()


async def test_a_compromised_key_is_believed_no_more(desk: Desk, clock: FrozenClock) -> None:
    """Threat 23: off the DID document, a new key in its place, what it signed since revoked, the rest paused."""
    first = await desk.endorse()
    (key,) = await desk.keys()
    lost_at = clock.now() + timedelta(hours=1)
    clock.move(timedelta(hours=2))
    assert await desk.verdict(await desk.credential(first)) == "VALID"
    credential = await desk.credential(first)
    await desk.mark(key["id"], lost_at)
    old, new = await desk.keys()
    assert (old["compromised_at"], new["retired_at"]) == (lost_at, None)
    assert await desk.did() == [new["name"]]
    assert await desk.verdict(credential) == "BAD_PROOF"
    assert (await desk.endorsement(first))["state"] == "suspended"
    async with desk.db.writer() as tx:
        with pytest.raises(Conflict, match="endorse again"):
            await suspension.resume(tx, desk.here.employer, first)
    # The signatory says it again, and the present key signs it.
    again = await desk.endorse()
    assert (await desk.endorsement(first))["state"] == "superseded"
    assert await desk.verdict(await desk.credential(again)) == "VALID"
    assert f"#{new['name']}" in await desk.credential(again)


async def test_what_was_signed_after_the_key_was_lost_is_revoked(desk: Desk, clock: FrozenClock) -> None:
    (key,) = await desk.keys()
    lost_at = clock.now()
    clock.move(timedelta(hours=1))
    signed = await desk.endorse()
    clock.move(timedelta(hours=1))
    await desk.mark(key["id"], lost_at)
    found = await desk.endorsement(signed)
    assert (found["state"], found["revocation_reason"]) == ("revoked", suspension.SIGNED_BY_ANOTHER)
    async with desk.db.writer() as tx:
        assert await tx.fetchval("select revoked_at from status_entries where revoked_at is not null") is not None


async def test_a_mark_that_makes_no_sense_is_refused(desk: Desk, clock: FrozenClock) -> None:
    (key,) = await desk.keys()
    async with desk.db.writer() as tx:
        for since in (clock.now() + timedelta(seconds=1), clock.now() - timedelta(days=400)):
            with pytest.raises(Invalid):
                await key_commands.propose_compromise(tx, desk.one, MarkCompromised(key["id"], since))
    assert await desk.keys() == [key]
    await desk.mark(key["id"])
    async with desk.db.writer() as tx:
        with pytest.raises(InvalidState):
            await key_commands.propose_compromise(tx, desk.one, MarkCompromised(key["id"]))
