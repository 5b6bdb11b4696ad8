"""A token is what it says and no more."""

from __future__ import annotations

from datetime import timedelta

import asyncpg

from countersign.kit.access import SYSTEM, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.organizations import rules, service
from tests.factories import Factory


async def test_a_token_stands_for_its_member_with_the_roles_of_now(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        actor = await make.employer(tx, Role.SIGNATORY)
        token = await make.token(tx, actor)
    async with db.reader() as reader:
        found = await service.authenticate(reader, token, clock.now())
    assert found is not None
    assert (found.organization_id, found.person_id) == (actor.organization_id, actor.person_id)
    assert found.roles == {Role.SIGNATORY}


async def test_expired_revoked_unknown_and_malformed_tokens_stand_for_nobody(
    db: Database, make: Factory, clock: FrozenClock
) -> None:
    async with db.writer() as tx:
        token = await make.token(tx, await make.employer(tx))
        revoked = await make.token(tx, await make.employer(tx))
        row = await tx.fetchval("select id from api_tokens where sha256 = $1", rules.token_digest(revoked))
        await service.revoke_token(tx, SYSTEM, row)
    async with db.reader() as reader:
        for text in (revoked, rules.mint_token("demo").text, token[:-1], token[:-1] + "?", "", "Bearer x", "\x00"):
            assert await service.authenticate(reader, text, clock.now()) is None
        clock.move(timedelta(days=91))
        assert await service.authenticate(reader, token, clock.now()) is None


async def test_a_suspended_organization_has_no_authority(
    db: Database, make: Factory, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.writer() as tx:
        actor = await make.employer(tx)
        token = await make.token(tx, actor)
    await owner.execute("update organizations set verification = 'suspended' where id = $1", actor.organization_id)
    async with db.reader() as reader:
        assert await service.authenticate(reader, token, clock.now()) is None


async def test_a_token_ends_with_its_persons_membership(
    db: Database, make: Factory, clock: FrozenClock, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.writer() as tx:
        actor = await make.employer(tx)
        token = await make.token(tx, actor)
    end = clock.at + timedelta(days=1)
    await owner.execute("update memberships set valid_until = $2 where person_id = $1", actor.person_id, end)
    async with db.reader() as reader:
        assert await service.authenticate(reader, token, end - timedelta(seconds=1)) is not None
        assert await service.authenticate(reader, token, end) is None


async def test_the_text_of_a_token_is_nowhere_in_the_database(
    db: Database, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with db.writer() as tx:
        token = await make.token(tx, await make.school(tx))
    row = await owner.fetchval("select to_jsonb(k)::text from api_tokens k")
    assert token not in row
    assert token[5:-4] not in row
    assert rules.token_digest(token).hex() in row


def test_the_checksum_catches_a_mistyped_character() -> None:
    token = rules.mint_token("demo").text
    assert rules.is_token(token)
    swapped = token[:10] + ("0" if token[10] != "0" else "1") + token[11:]
    assert not rules.is_token(swapped)
