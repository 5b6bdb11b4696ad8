"""A version's bytes never change: not by the application's role, not by a race."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest

from countersign.kit.access import Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Code, Refusal
from countersign.kit.placement import APP_ROLE
from countersign.specs import service
from tests.factories import Factory
from tests.specs.support import drafted, ground, submitted

FROZEN_COLUMNS = [
    *["id", "spec_id", "organization_id", "semver", "ordinal", "content", "achievement", "spec_json", "digest"],
    *["gaps", "previous_id", "change_class", "changed", "submitted_at"],
]
FROZEN_COLUMNS += ("gaps", "previous_id", "change_class", "changed", "submitted_at")


@pytest.mark.parametrize("column", FROZEN_COLUMNS)
async def test_the_applications_role_cannot_change_a_frozen_column(tx: Tx, make: Factory, column: str) -> None:
    await ground(tx)
    version_id = await submitted(tx, await make.school(tx, Role.AUTHOR))
    assert await tx.fetchval("select current_user") == APP_ROLE
    before = await tx.fetchval("select to_jsonb(v)::text from spec_versions v where id = $1", version_id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with tx.savepoint():
            await tx.execute(f"update spec_versions set {column} = {column} where id = $1", version_id)
    assert await tx.fetchval("select to_jsonb(v)::text from spec_versions v where id = $1", version_id) == before


async def test_the_title_is_that_of_the_content_even_for_the_owner_of_the_table(
    tx: Tx, make: Factory, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    await ground(tx)
    version_id = await submitted(tx, await make.school(tx, Role.AUTHOR))
    found = await tx.fetchrow("select title, content->>'title' as said from spec_versions where id = $1", version_id)
    assert found is not None
    assert found["title"] == found["said"]
    assert found["title"]
    with pytest.raises(asyncpg.GeneratedAlwaysError):
        await owner.execute("update spec_versions set title = 'Another'")


@pytest.mark.parametrize(
    "statement", ["delete from spec_versions", "truncate spec_versions", "delete from spec_drafts"]
)
async def test_the_applications_role_cannot_delete_versions_or_drafts(tx: Tx, make: Factory, statement: str) -> None:
    await ground(tx)
    await submitted(tx, await make.school(tx, Role.AUTHOR))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        async with tx.savepoint():
            await tx.execute(statement)
    assert await tx.fetchval("select count(*) from spec_versions") == 1


async def test_of_many_submissions_of_one_draft_one_wins(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR)
        made = await drafted(tx, school)

    async def submit(number: int) -> Code | None:
        try:
            async with db.writer() as tx:
                await service.submit(tx, school, service.Submit(made.draft_id, f"1.{number}.0"))
        except Refusal as refusal:
            return refusal.code
        return None

    answers = await asyncio.gather(*(submit(number) for number in range(8)))
    assert sorted(answers, key=str) == [Code.INVALID_STATE] * 7 + [None]
    async with db.reader() as reader:
        assert await reader.fetchval("select count(*) from spec_versions") == 1


async def test_of_two_drafts_with_one_number_one_wins(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR)
        first = await submitted(tx, school)
        drafts = [await service.new_draft_from(tx, school, first) for _ in range(6)]

    async def submit(draft: UUID, semver: str) -> Code | None:
        try:
            async with db.writer() as tx:
                await service.submit(tx, school, service.Submit(draft, semver))
        except Refusal as refusal:
            return refusal.code
        return None

    answers = await asyncio.gather(*(submit(draft, "2.0.0") for draft in drafts))
    assert sorted(answers, key=str) == [Code.CONFLICT] * 5 + [None]


async def test_versions_submitted_at_once_still_only_grow(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR)
        first = await submitted(tx, school)
        drafts = [await service.new_draft_from(tx, school, first) for _ in range(8)]

    async def submit(number: int) -> None:
        async with db.writer() as tx:
            await service.submit(tx, school, service.Submit(drafts[number], f"{9 - number}.0.0"))

    await asyncio.gather(*(submit(number) for number in range(8)), return_exceptions=True)
    async with db.reader() as reader:
        rows = await reader.fetch("select ordinal from spec_versions order by id")
    ordinals = [row["ordinal"] for row in rows]
    assert ordinals == sorted(ordinals)
    assert len(ordinals) >= 2


async def test_state_changes_at_once_happen_once(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR)
        version_id = await submitted(tx, school)

    async def attempt(number: int) -> str:
        try:
            async with db.writer() as tx:
                await (service.publish if number % 2 else service.withdraw)(tx, school, version_id)
        except Refusal as refusal:
            return refusal.code.value
        return "done"

    answers = await asyncio.gather(*(attempt(number) for number in range(8)))
    assert sorted(answers) == ["INVALID_STATE"] * 7 + ["done"]
