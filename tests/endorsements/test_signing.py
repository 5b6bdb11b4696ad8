"""The signer's own transaction: checked again, signed, in force; renewal, revocation, history; crash and races."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.endorsements import jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.rules import (
    AlreadySigning,
    NotTheEndorser,
    State,
)
from countersign.endorsements.rules_co_validation import Countersignature, Range, co_validated
from countersign.endorsements.rules_quorum import DEFAULT_POLICY
from countersign.endorsements.service import EndorseSpec, Revoke
from countersign.endorsements.views import CO_VALIDATED_AT, LIVE_COUNT
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Required
from countersign.kit.ids import new_id
from countersign.specs import service as specs
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers
from tests.factories import Factory
from tests.patience import WAIT, meanwhile
from tests.reviews.support import Scene, scene

Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass
class House:
    """A published version, an employer, and everything that signs."""

    db: Database
    signer: Signer
    here: Scene

    async def take(self, actor: Actor | None = None, **changes: Any) -> UUID:
        """Take an endorsement and commit; it waits for its signature."""
        facts = EndorseSpec(self.here.version, self.here.digest, "We interview every holder.")
        async with self.db.writer() as tx:
            return await endorsements.endorse(tx, actor or self.here.employer, replace(facts, **changes))

    async def endorse(self, actor: Actor | None = None, **changes: Any) -> UUID:
        """Take an endorsement and sign it."""
        identity = await self.take(actor, **changes)
        assert await jobs.sign(self.db, self.signer, identity) is State.IN_FORCE
        return identity

    async def revoke(self, identity: UUID, actor: Actor | None = None, reason: str = "The tool is gone.") -> None:
        """Revoke and commit."""
        async with self.db.writer() as tx:
            await endorsements.revoke(tx, actor or self.here.employer, Revoke(identity, reason))

    async def row(self, identity: UUID) -> asyncpg.Record:
        """An endorsement's row."""
        async with self.db.writer() as tx:
            found = await tx.fetchrow(
                "select e.*, s.credential, s.signed_at from endorsements e"
                " left join endorsement_signatures s on s.endorsement_id = e.id where e.id = $1",
                identity,
            )
        assert found is not None
        return found

    async def value(self, sql: str, *args: object) -> Any:
        """One value."""
        async with self.db.writer() as tx:
            return await tx.fetchval(sql, *args)


@pytest_asyncio.fixture
async def house(db: Database, signer: Signer, make: Factory) -> AsyncIterator[House]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    yield House(db, signer, here)


async def test_signing_puts_in_force_what_was_stored(house: House) -> None:
    identity = await house.take()
    assert await jobs.sign(house.db, house.signer, identity) is State.IN_FORCE
    row = await house.row(identity)
    credential = json.loads(row["credential"])
    proof = credential.pop("proof")
    assert credential == json.loads(row["document"])
    assert proof["cryptosuite"] == "eddsa-rdfc-2022"
    assert (row["in_force"].lower, row["in_force"].upper) == (row["signed_at"], row["valid_until"])
    async with house.db.writer() as tx:
        assert await endorsements.live_credentials(tx, house.here.version) == [row["credential"]]
        assert await endorsements.signed_endorsement(tx, identity) == row["credential"]


async def test_signing_again_changes_nothing(house: House) -> None:
    identity = await house.endorse()
    before = await house.row(identity)
    assert await jobs.sign(house.db, house.signer, identity) is None
    assert await jobs.sign_pending(house.db, house.signer) == 0
    assert await house.row(identity) == before


async def test_the_digest_that_is_signed_stored_and_served_is_one(house: House) -> None:
    identity = await house.endorse()
    async with house.db.writer() as tx:
        version = await specs.lock_version(tx, house.here.version)
    assert version is not None
    assert hashlib.sha256(version.spec_json).hexdigest() == version.digest == (await house.row(identity))["digest"]


async def test_what_a_crash_left_unsigned_is_signed_at_the_next_start(house: House) -> None:
    # The process ends between store and sign: what is left is exactly the committed row.
    identity = await house.take()
    async with meanwhile(partial(jobs.run, house.db, house.signer)), asyncio.timeout(WAIT):
        while (await house.row(identity))["state"] != "in_force":  # noqa: ASYNC110 - the state is in the database
            await asyncio.sleep(0.02)


async def test_the_mutation_waits_for_its_own_signature(house: House) -> None:
    identity = await house.take()
    assert await jobs.settle(house.db, house.signer, identity, wait=WAIT)
    assert (await house.row(identity))["state"] == "in_force"


async def test_what_takes_longer_is_answered_as_signing_and_signed_all_the_same(house: House) -> None:
    identity = await house.take()
    async with house.db.writer() as other:
        await other.fetch("select id from endorsements where id = $1 for update", identity)
        assert not await jobs.settle(house.db, house.signer, identity, wait=0.1)
        assert (await house.row(identity))["state"] == "signing"
    await jobs.sign_pending(house.db, house.signer)
    assert (await house.row(identity))["state"] == "in_force"


async def refused(house: House, identity: UUID, reason: str) -> None:
    assert await jobs.sign(house.db, house.signer, identity) is State.REFUSED
    row = await house.row(identity)
    assert (row["state"], row["credential"], row["in_force"]) == ("refused", None, None)
    assert reason in row["refusal"]
    assert await house.value("select count(*) from audit_events where action = 'sign_endorsement'") == 1


async def test_a_version_that_moved_between_taking_and_signing_is_not_signed(house: House, owner: Owner) -> None:
    identity = await house.take()
    # No command can do this; the owner of the database can.
    await owner.execute("update spec_versions set digest = $1 where id = $2", "0" * 64, house.here.version)
    await refused(house, identity, "digest")


async def test_bytes_that_moved_under_the_same_digest_are_not_signed(house: House, owner: Owner) -> None:
    identity = await house.take()
    await owner.execute("update spec_versions set spec_json = spec_json || 'x' where id = $1", house.here.version)
    await refused(house, identity, "digest")


async def test_a_version_that_was_deprecated_meanwhile_is_not_signed(house: House) -> None:
    identity = await house.take()
    async with house.db.writer() as tx:
        await specs.deprecate(tx, house.here.school, house.here.version)
    await refused(house, identity, "deprecated")


async def test_a_signatory_who_left_meanwhile_does_not_sign(house: House, clock: FrozenClock) -> None:
    identity = await house.take()
    async with house.db.writer() as tx:
        await tx.execute(
            "update memberships set valid_until = $2 where person_id = $1", house.here.employer.person_id, clock.at
        )
    await refused(house, identity, "signing authority")


async def test_a_tie_that_arose_meanwhile_is_found_at_signing(house: House, clock: FrozenClock) -> None:
    identity = await house.take()
    async with house.db.writer() as tx:
        await tx.execute(
            "insert into memberships (id, organization_id, person_id, roles, valid_from) values ($1, $2, $3, $4, $5)",
            new_id(),
            house.here.school_id,
            house.here.employer.person_id,
            ["author"],
            clock.at,
        )
    await refused(house, identity, "a person has a role in both")


async def test_an_organization_suspended_meanwhile_does_not_sign(house: House) -> None:
    identity = await house.take()
    async with house.db.writer() as tx:
        await tx.execute("update organizations set verification = 'suspended' where id = $1", house.here.employer_id)
    await refused(house, identity, "suspended")


async def test_an_endorsement_that_ended_before_its_signature_is_refused(house: House, clock: FrozenClock) -> None:
    identity = await house.take(valid_until=clock.at + timedelta(seconds=5))
    clock.move(timedelta(seconds=5))
    await refused(house, identity, "ended")


async def test_a_renewal_closes_the_one_before_and_names_it(house: House, clock: FrozenClock) -> None:
    first = await house.endorse()
    clock.move(timedelta(days=300))
    second = await house.endorse()
    old, new = await house.row(first), await house.row(second)
    assert (old["state"], new["state"], new["supersedes_id"]) == ("superseded", "in_force", first)
    assert old["in_force"].upper == new["in_force"].lower == clock.at
    assert old["valid_until"] > clock.at
    assert await house.value("select count(*) from status_entries where revoked_at is not null") == 0


async def test_an_endorsement_after_one_that_expired_renews_nothing(house: House, clock: FrozenClock) -> None:
    first = await house.endorse()
    clock.move(timedelta(days=366))
    second = await house.endorse()
    assert (await house.row(first))["state"] == "expired"
    assert (await house.row(second))["supersedes_id"] is None


async def test_two_ranges_of_one_organization_and_version_never_overlap_in_the_database(
    house: House, owner: Owner
) -> None:
    first = await house.endorse()
    copied = (
        "insert into endorsements select (copied.e2).* from (select jsonb_populate_record(e, jsonb_build_object("
        "'id', $2::uuid)) as e2 from endorsements e where id = $1) copied"
    )
    with pytest.raises(asyncpg.ExclusionViolationError):
        await owner.execute(copied, first, new_id())


async def test_only_the_endorser_revokes(house: House, make: Factory) -> None:
    identity = await house.endorse()
    async with house.db.writer() as tx:
        rival = await make.employer(tx)
    before = await house.row(identity)
    for actor, kind in (
        (house.here.school, NotAllowed),
        (make.without(house.here.employer, Role.SIGNATORY), NotAllowed),
        (rival, NotTheEndorser),
    ):
        with pytest.raises(kind):
            await house.revoke(identity, actor)
    with pytest.raises(Required):
        await house.revoke(identity, reason=" ")
    assert await house.row(identity) == before
    assert await house.value("select count(*) from status_entries where revoked_at is not null") == 0


async def test_what_is_not_signed_is_missing_for_others(house: House, make: Factory) -> None:
    identity = await house.take()
    async with house.db.writer() as tx:
        rival = await make.employer(tx)
    with pytest.raises(NotFound):
        await house.revoke(identity, rival)
    with pytest.raises(InvalidState):
        await house.revoke(identity)


async def test_revoking_sets_the_status_bit_and_ends_the_range_in_one_transaction(
    house: House, clock: FrozenClock
) -> None:
    identity = await house.endorse()
    clock.move(timedelta(days=30))
    await house.revoke(identity)
    row = await house.row(identity)
    assert (row["state"], row["revocation_reason"]) == ("revoked", "The tool is gone.")
    assert row["in_force"].upper == row["revoked_at"] == clock.at
    revoked = await house.value(
        "select revoked_at from status_entries where list_id = $1 and idx = $2",
        row["status_list_id"],
        row["status_index"],
    )
    assert revoked == clock.at
    with pytest.raises(InvalidState):
        await house.revoke(identity)
    async with house.db.writer() as tx:
        assert await endorsements.live_credentials(tx, house.here.version) == []
        assert await endorsements.signed_endorsement(tx, identity) == row["credential"]


async def test_revoking_writes_as_many_rows_whatever_hangs_on_it(house: House) -> None:
    identity = await house.endorse()
    async with house.db.writer() as tx:
        before = await tx.fetchval("select pg_current_xact_id()")
        await endorsements.revoke(tx, house.here.employer, Revoke(identity, "The tool is gone."))
        touched = sum(
            [
                await tx.fetchval(f"select count(*) from {table} where xmin::text = $1::text", str(before))
                for table in ("endorsements", "status_entries", "status_lists", "outbox", "spec_versions")
            ]
        )
    assert touched == 4


async def test_an_endorsement_ends_by_time_without_a_job(house: House, clock: FrozenClock) -> None:
    identity = await house.endorse(valid_until=clock.at + timedelta(days=2))
    clock.move(timedelta(days=2))
    assert (await house.row(identity))["state"] == "in_force"
    async with house.db.writer() as tx:
        assert await endorsements.live_credentials(tx, house.here.version) == []
    with pytest.raises(InvalidState, match="expired"):
        await house.revoke(identity)


async def race(house: House, callers: int) -> tuple[int, int]:
    """Let callers endorse at once, each signing its own; how many were signed, how many refused as waiting."""

    async def one() -> bool:
        try:
            identity = await house.take()
        except AlreadySigning:
            return False
        return await jobs.settle(house.db, house.signer, identity, wait=30)

    answers = await asyncio.gather(*(one() for _ in range(callers)))
    return sum(answers), callers - sum(answers)


async def test_of_sixteen_callers_at_once_one_endorsement_is_in_force(house: House) -> None:
    signed, waiting = await race(house, 16)
    assert signed >= 1
    assert signed + waiting == 16
    assert await house.value("select count(*) from endorsements where state = 'in_force'") == 1
    assert await house.value("select count(*) from endorsements where state = 'superseded'") == signed - 1


async def test_revoking_while_renewing_leaves_at_most_one_in_force(house: House) -> None:
    first = await house.endorse()
    second = await house.take()
    results = await asyncio.gather(
        jobs.sign(house.db, house.signer, second), house.revoke(first), return_exceptions=True
    )
    assert results[0] is State.IN_FORCE
    assert results[1] is None or isinstance(results[1], InvalidState)
    assert (await house.row(second))["state"] == "in_force"
    assert (await house.row(first))["state"] in {"revoked", "superseded"}


async def by_rule(tx: Tx, here: Scene, at: datetime) -> bool:
    rows = await tx.fetch(
        "select o.control_group, e.in_force from endorsements e join organizations o on o.id = e.organization_id"
        " where e.spec_version_id = $1",
        here.version,
    )
    group = await tx.fetchval("select control_group from organizations where id = $1", here.school_id)
    signed = [
        Countersignature(
            r["control_group"],
            Range(r["in_force"].lower, r["in_force"].upper) if r["in_force"] and not r["in_force"].isempty else None,
        )
        for r in rows
    ]
    return co_validated(signed, group, DEFAULT_POLICY, at)


async def by_sql(tx: Tx, here: Scene, at: datetime) -> bool:
    expression = CO_VALIDATED_AT.format(v="v", at="$2::timestamptz")
    return bool(await tx.fetchval(f"select {expression} from spec_versions v where v.id = $1", here.version, at))


async def test_co_validation_in_sql_is_the_rule_then_and_now(house: House, make: Factory, clock: FrozenClock) -> None:
    async with house.db.writer() as tx:
        second = await make.employer(tx)
        daughter = await make.organization(tx, parent_id=house.here.employer_id)
        sister = await make.member(tx, daughter, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    start = clock.at
    first = await house.endorse()
    clock.move(timedelta(days=1))
    await house.endorse(sister)
    clock.move(timedelta(days=1))
    await house.endorse(second, valid_until=clock.at + timedelta(days=10))
    clock.move(timedelta(days=5))
    await house.revoke(first)
    clock.move(timedelta(days=20))
    expected = {0: False, 1: False, 2: True, 6: True, 8: True, 11: True, 12: False, 27: False}
    async with house.db.writer() as tx:
        for day, answer in expected.items():
            at = start + timedelta(days=day)
            assert await by_rule(tx, house.here, at) is answer, day
            assert await by_sql(tx, house.here, at) is answer, day
        count = LIVE_COUNT.format(v="v", now="$2::timestamptz")
        live = await tx.fetchval(f"select {count} from spec_versions v where v.id = $1", house.here.version, clock.at)
    assert live == 1


async def test_a_key_that_cannot_be_read_leaves_the_endorsement_waiting(house: House, workers: Workers) -> None:
    await house.endorse()  # makes the key
    identity = await house.take()
    other = Signer(SecretKeyEncryption(secrets.token_bytes(32)), house.signer.addresses, workers)
    assert not await jobs.settle(house.db, other, identity)
    assert await jobs.sign_pending(house.db, other) == 0
    row = await house.row(identity)
    assert (row["state"], row["refusal"]) == ("signing", None)
    assert await jobs.sign_pending(house.db, house.signer) == 1
    assert (await house.row(identity))["state"] == "in_force"


FROZEN = {
    "endorsements": [
        *["spec_version_id", "organization_id", "signatory_id", "digest", "statement", "valid_from", "valid_until"],
        *["document", "status_list_id", "status_index", "requested_at"],
    ],
    "endorsement_signatures": ["credential", "signed_at"],
    "endorsement_evidence": ["no", "kind", "narrative", "payload"],
}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table in FROZEN for column in FROZEN[table]])
async def test_the_applications_role_cannot_change_what_was_signed(house: House, table: str, column: str) -> None:
    await house.endorse()
    for statement in (f"update {table} set {column} = {column}", f"delete from {table}"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await house.value(statement)


async def test_in_a_crowd_the_later_ones_are_answered_at_once_and_signed_in_their_turn(
    house: House, make: Factory
) -> None:
    async with house.db.writer() as tx:
        crowd = [await make.employer(tx) for _ in range(2 * jobs.SIDE_BY_SIDE)]
    taken = [await house.take(actor) for actor in crowd]
    answers = await asyncio.gather(*(jobs.settle_or_leave(house.db, house.signer, one) for one in taken))
    assert answers == [True] * jobs.SIDE_BY_SIDE + [False] * jobs.SIDE_BY_SIDE
    await asyncio.gather(*jobs._draining)
    async with house.db.writer() as tx:
        states = await tx.fetch("select state, count(*) as n from endorsements group by state")
    assert [(row["state"], row["n"]) for row in states] == [("in_force", len(crowd))]
