"""A suspended organization has no authority, and is afterwards what it was."""

from __future__ import annotations

import pytest

from countersign.kit.access import SYSTEM, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Required
from countersign.kit.ids import new_id
from countersign.organizations import service, standing
from tests.factories import Factory


async def test_a_suspended_organization_acts_no_more_until_it_is_resumed(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        actor = await make.employer(tx)
        token = await make.token(tx, actor)
        assert actor.organization_id is not None
        await standing.suspend(tx, SYSTEM, actor.organization_id, "Court order")
    async with db.reader() as reader:
        assert await service.authenticate(reader, token, db.clock.now()) is None
    async with db.writer() as tx:
        await standing.resume(tx, SYSTEM, actor.organization_id)
    async with db.reader() as reader:
        found = await service.authenticate(reader, token, db.clock.now())
    assert found is not None
    assert found.organization_id == actor.organization_id


@pytest.mark.parametrize("before", ["unverified", "domain_verified", "verified"])
async def test_it_is_afterwards_what_it_was(tx: Tx, make: Factory, before: str) -> None:
    organization = await make.organization(tx, verification=before)
    await standing.suspend(tx, SYSTEM, organization, "A look")
    shown = "select verification from organizations where id = $1"
    assert await tx.fetchval(shown, organization) == "suspended"
    await standing.resume(tx, SYSTEM, organization)
    # What stood on a domain alone stands on it still: none is verified here.
    assert await tx.fetchval(shown, organization) == {"domain_verified": "unverified"}.get(before, before)


async def test_nobody_but_the_operator_suspends_and_resumes(tx: Tx, make: Factory) -> None:
    admin = await make.employer(tx, *Role)
    assert admin.organization_id is not None
    with pytest.raises(NotAllowed):
        await standing.suspend(tx, admin, admin.organization_id, "Myself")
    with pytest.raises(Required):
        await standing.suspend(tx, SYSTEM, admin.organization_id, "  ")
    with pytest.raises(NotFound):
        await standing.suspend(tx, SYSTEM, new_id(), "Nobody")
    with pytest.raises(InvalidState):
        await standing.resume(tx, SYSTEM, admin.organization_id)
    await standing.suspend(tx, SYSTEM, admin.organization_id, "A look")
    with pytest.raises(InvalidState):
        await standing.suspend(tx, SYSTEM, admin.organization_id, "Again")
    with pytest.raises(NotAllowed):
        await standing.resume(tx, admin, admin.organization_id)
    assert await tx.fetchval("select verification from organizations where id = $1", admin.organization_id) == (
        "suspended"
    )
