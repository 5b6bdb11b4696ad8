"""The signer and the status lists, on a real database and with real worker processes."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from countersign.kit.access import OrganizationKind
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from countersign.kit.ids import new_id
from countersign.kit.placement import SIGNER_ROLE
from countersign.kit.walls import as_role
from countersign.trust import documents, rules, service
from countersign.trust.canonical_codes import ed25519_from_multibase
from countersign.trust.canonical_proof import signature_holds, signing_input
from countersign.trust.canonical_status import CAPACITY, decode, is_set
from countersign.trust.documents import Endorsement, Party, Status
from countersign.trust.keys import KeyNotReadable, SecretKeyEncryption
from countersign.trust.service import Slot
from countersign.trust.signer import Signer
from countersign.trust.verify_reading import Needs
from countersign.trust.workers import Crowded, WorkerFailed, Workers
from tests.conftest import NOW
from tests.factories import Factory


def endorsement(signer: Signer, handle: str, **changes: Any) -> bytes:
    facts = Endorsement(
        id=new_id(),
        endorser=Party(handle, "A made-up employer"),
        title="A block",
        slug="a-block",
        semver="1.0.0",
        achievement=b"{}",
        spec_json=b"{}",
        statement="We hire for this.",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=365),
        status=Status(signer.addresses.status_list(handle, "revocation", 1), 5),
    )
    return documents.endorsement_credential(signer.addresses, replace(facts, **changes))


async def holds(tx: Tx, signer: Signer, handle: str, credential: bytes) -> bool:
    document = json.loads(credential)
    shown = await service.did_document(tx, signer.addresses, handle)
    assert shown is not None
    methods = {m["id"]: m["publicKeyMultibase"] for m in json.loads(shown.body)["verificationMethod"]}
    key = ed25519_from_multibase(methods[document["proof"]["verificationMethod"]])
    data = await asyncio.to_thread(signing_input, document, document["proof"])
    return signature_holds(key, data, document["proof"]["proofValue"])


async def test_what_is_signed_holds_with_the_key_of_the_did_document(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    document = endorsement(signer, "orbita")
    credential = await signer.sign(tx, identity, document)
    signed = json.loads(credential)
    assert signed["proof"]["verificationMethod"] == "did:web:localhost%3A4600:orgs:orbita#key-2026"
    assert signed["proof"]["created"] == "2026-11-22T12:00:00Z"
    assert {k: v for k, v in signed.items() if k != "proof"} == json.loads(document)
    assert await holds(tx, signer, "orbita", credential)


async def test_signing_twice_uses_one_key_and_gives_one_signature(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    document = endorsement(signer, "orbita")
    assert await signer.sign(tx, identity, document) == await signer.sign(tx, identity, document)
    assert await tx.fetchval("select count(*) from signing_keys") == 1


async def test_a_batch_keeps_its_order_over_several_issuers(tx: Tx, signer: Signer, make: Factory) -> None:
    identities = {handle: await make.organization(tx, handle=handle) for handle in ("one", "two")}
    asked = [(identities[handle], endorsement(signer, handle)) for handle in ("one", "two", "one")]
    credentials = await signer.sign_many(tx, asked)
    assert [json.loads(c)["id"] for c in credentials] == [json.loads(d)["id"] for _, d in asked]
    for handle, credential in zip(("one", "two", "one"), credentials, strict=True):
        assert await holds(tx, signer, handle, credential)


async def test_first_signatures_at_once_make_one_key(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        identity = await make.organization(tx, handle="orbita")

    async def first() -> str:
        async with db.writer() as tx:
            return await signer.ensure_key(tx, identity)

    methods = await asyncio.gather(*(first() for _ in range(6)))
    assert set(methods) == {"did:web:localhost%3A4600:orgs:orbita#key-2026"}
    async with db.writer() as tx:
        assert await tx.fetchval("select count(*) from signing_keys") == 1


@pytest.mark.parametrize("verification", ["unverified", "suspended"])
async def test_only_a_verified_organization_signs(tx: Tx, signer: Signer, make: Factory, verification: str) -> None:
    identity = await make.organization(tx, handle="orbita", verification=verification)
    with pytest.raises(rules.MayNotSign):
        await signer.sign(tx, identity, endorsement(signer, "orbita"))


async def test_nobody_signs_for_another_issuer(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    with pytest.raises(rules.ForeignIssuer, match="orgs:other"):
        await signer.sign(tx, identity, endorsement(signer, "other"))


async def test_an_unknown_organization_has_no_key(tx: Tx, signer: Signer) -> None:
    with pytest.raises(NotFound):
        await signer.ensure_key(tx, new_id())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stray": 1}, r"\$\.stray"),
        ({"name": None}, r"\$\.name"),
        ({"@context": ["https://www.w3.org/ns/credentials/v2", "https://other.example/v1"]}, r"\$\.@context|other"),
        ({"proof": {"type": "DataIntegrityProof"}}, "proof already"),
        ({"type": ["VerifiableCredential", "StrayCredential"]}, r"\$\.type\[1\]"),
    ],
)
async def test_what_a_strict_verifier_would_refuse_is_not_signed(
    tx: Tx, signer: Signer, make: Factory, change: dict[str, Any], reason: str
) -> None:
    identity = await make.organization(tx, handle="orbita")
    document = json.loads(endorsement(signer, "orbita")) | change
    with pytest.raises(rules.CannotSign, match=reason):
        await signer.sign(tx, identity, json.dumps(document).encode())


async def test_a_key_of_another_installation_does_not_open(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    await signer.ensure_key(tx, identity)
    other = Signer(SecretKeyEncryption(secrets.token_bytes(32)), signer.addresses, signer.workers)
    with pytest.raises(KeyNotReadable):
        await other.sign(tx, identity, endorsement(signer, "orbita"))


async def test_a_private_key_is_nowhere_in_the_table(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    await signer.ensure_key(tx, identity)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tx.savepoint():
            await tx.fetchrow("select * from signing_keys")
    async with as_role(tx.connection, SIGNER_ROLE):
        row = await tx.fetchrow("select wrapped_private, wrapped_data_key from signing_keys")
    assert row is not None
    assert len(row["wrapped_private"]) == len(row["wrapped_data_key"]) == 12 + 32 + 16


JOB = {"do": "prepare", "document": "{}", "options": {}}


async def test_a_lost_worker_fails_one_job_and_the_next_has_a_new_one() -> None:
    async with Workers(1) as workers:
        lane = workers.signing
        assert "signing_input" in await lane.do(JOB)
        lane._idle[0].kill()
        with pytest.raises(WorkerFailed):
            await lane.do(JOB)
        assert "signing_input" in await lane.do(JOB)


async def test_a_worker_that_ended_between_jobs_is_replaced_unseen() -> None:
    async with Workers(1) as workers:
        lane = workers.signing
        assert "signing_input" in await lane.do(JOB)
        lane._idle[0].kill()
        await lane._idle[0].wait()
        assert "signing_input" in await lane.do(JOB)


async def test_a_cancelled_job_leaves_no_answer_for_the_next() -> None:
    async with Workers(1) as workers:
        lane = workers.signing
        await lane.do(JOB)
        first = asyncio.create_task(lane.do(JOB))
        while lane._idle:  # noqa: ASYNC110 - until its worker has the job
            await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await lane.do({"do": "needs", "text": "{}"})).keys() == {"issuers", "status_lists", "resources"}


async def test_a_crowd_of_strangers_is_turned_away_and_signatures_go_on() -> None:
    async with Workers(1) as workers:
        answers = await asyncio.gather(*(workers.needs("{}") for _ in range(60)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {Needs, Crowded}
        assert sum(isinstance(answer, Needs) for answer in answers) == 33
        assert "signing_input" in await workers.signing.do(JOB)


async def test_places_are_given_once_and_look_random(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    first = await service.allocate(tx, signer.addresses, identity, 50)
    second = await service.allocate(tx, signer.addresses, identity, 50)
    places = [slot.index for slot in first + second]
    assert len(set(places)) == 100
    assert places != sorted(places)
    assert {slot.url for slot in first + second} == {"http://localhost:4600/status/orbita/revocation/1"}
    assert first[0].status == Status(first[0].url, first[0].index)


async def test_a_full_list_is_followed_by_the_next(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    slot = (await service.allocate(tx, signer.addresses, identity))[0]
    await tx.execute("update status_lists set next_slot = $1", CAPACITY - 1)
    assert (await service.allocate(tx, signer.addresses, identity))[0].url == slot.url
    later = (await service.allocate(tx, signer.addresses, identity))[0]
    assert later.url == "http://localhost:4600/status/orbita/revocation/2"
    assert later.list_id != slot.list_id


async def test_places_taken_at_once_never_meet(db: Database, signer: Signer, make: Factory) -> None:
    async with db.writer() as tx:
        identity = await make.organization(tx, handle="orbita")

    async def take() -> list[Slot]:
        async with db.writer() as tx:
            return await service.allocate(tx, signer.addresses, identity, 10)

    taken = [slot for slots in await asyncio.gather(*(take() for _ in range(10))) for slot in slots]
    assert len({(slot.list_id, slot.index) for slot in taken}) == 100


async def test_the_database_refuses_a_place_given_twice(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    slot = (await service.allocate(tx, signer.addresses, identity))[0]
    with pytest.raises(asyncpg.UniqueViolationError):
        await tx.copy("status_entries", ("list_id", "idx"), [(slot.list_id, slot.index)])


async def bits(tx: Tx, signer: Signer, handle: str = "orbita") -> bytes:
    shown = await service.status_list(tx, signer, handle, "revocation", 1)
    assert shown is not None
    assert await holds(tx, signer, handle, shown.body)
    return decode(json.loads(shown.body)["credentialSubject"]["encodedList"])


async def test_a_revocation_is_in_the_published_list_at_once(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    slots = await service.allocate(tx, signer.addresses, identity, 3)
    assert [is_set(await bits(tx, signer), slot.index) for slot in slots] == [False] * 3
    await service.revoke(tx, slots[1].list_id, slots[1].index)
    shown = await bits(tx, signer)
    assert [is_set(shown, slot.index) for slot in slots] == [False, True, False]
    assert sum(byte.bit_count() for byte in shown) == 1


async def test_revoking_twice_changes_nothing(tx: Tx, signer: Signer, make: Factory, clock: FrozenClock) -> None:
    identity = await make.organization(tx, handle="orbita")
    slot = (await service.allocate(tx, signer.addresses, identity))[0]
    await service.revoke(tx, slot.list_id, slot.index)
    before = await tx.fetch("select * from status_entries"), await tx.fetchval("select revision from status_lists")
    clock.move(timedelta(hours=1))
    await service.revoke(Tx(tx.connection, clock), slot.list_id, slot.index)
    after = await tx.fetch("select * from status_entries"), await tx.fetchval("select revision from status_lists")
    assert after == before


async def test_a_place_never_given_cannot_be_revoked(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    slot = (await service.allocate(tx, signer.addresses, identity))[0]
    for places in ([(slot.list_id, slot.index), (slot.list_id, slot.index ^ 1)], [(new_id(), 0)]):
        with pytest.raises(rules.NoSuchPlace):
            await service.revoke_many(tx, places)
    assert await tx.fetchval("select count(*) from status_entries where revoked_at is not null") == 0


async def test_the_same_list_is_served_until_it_changes_or_is_a_day_old(
    tx: Tx, signer: Signer, make: Factory, clock: FrozenClock
) -> None:
    identity = await make.organization(tx, handle="orbita")
    await service.allocate(tx, signer.addresses, identity)

    async def shown() -> tuple[str, str]:
        made = await service.status_list(Tx(tx.connection, clock), signer, "orbita", "revocation", 1)
        assert made is not None
        return made.etag, json.loads(made.body)["validUntil"]

    first = await shown()
    clock.move(timedelta(hours=23))
    assert await shown() == first
    clock.move(timedelta(hours=1))
    second = await shown()
    assert first[1] == "2026-11-29T12:00:00Z"
    assert second[1] == "2026-11-30T12:00:00Z"
    assert second[0] != first[0]


async def test_a_suspended_organization_keeps_its_list_alive(tx: Tx, signer: Signer, make: Factory) -> None:
    identity = await make.organization(tx, handle="orbita")
    slot = (await service.allocate(tx, signer.addresses, identity))[0]
    await tx.execute("update organizations set verification = 'suspended' where id = $1", identity)
    await service.revoke(tx, slot.list_id, slot.index)
    assert is_set(await bits(tx, signer), slot.index)


async def test_what_does_not_exist_is_none(tx: Tx, signer: Signer, make: Factory) -> None:
    await make.organization(tx, handle="orbita")
    assert await service.status_list(tx, signer, "orbita", "revocation", 1) is None
    assert await service.status_list(tx, signer, "nobody", "revocation", 1) is None
    assert await service.did_document(tx, signer.addresses, "orbita") is None
    with pytest.raises(NotFound):
        await service.allocate(tx, signer.addresses, UUID(int=0))


async def test_a_compromised_key_leaves_the_did_document_and_a_retired_one_stays(
    tx: Tx, signer: Signer, make: Factory
) -> None:
    identity = await make.organization(tx, OrganizationKind.SCHOOL, handle="northgate")
    await signer.ensure_key(tx, identity)
    await tx.execute("update signing_keys set retired_at = now()")
    await signer.add_key(tx, identity)
    assert (await signer.ensure_key(tx, identity)).endswith("#key-2026-2")

    async def names() -> list[str]:
        shown = await service.did_document(tx, signer.addresses, "northgate")
        assert shown is not None
        return [method.partition("#")[2] for method in json.loads(shown.body)["assertionMethod"]]

    assert sorted(await names()) == ["key-2026", "key-2026-2"]
    await tx.execute("update signing_keys set compromised_at = now() where name = 'key-2026'")
    assert await names() == ["key-2026-2"]
