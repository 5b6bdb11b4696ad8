"""Consent, issuing, importing and revoking at the same time: the index is right and nobody holds a version twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from pathlib import Path

import pytest

from countersign.awards import service
from countersign.awards.importing import import_awards
from countersign.awards.service import IssueAward, RevokeAward
from countersign.kit.db import Database
from countersign.kit.errors import Conflict, InvalidState
from countersign.learners.service import Person
from countersign.search.service import Drift
from tests.awards.support import DAY, Campus, award, campus, consent
from tests.factories import Factory

RIGHT = Drift(0, 0, 0, 0, 0)


async def drift(db: Database) -> Drift:
    async with db.writer() as tx:
        return await service.check_index(tx)


async def test_many_registrars_at_once_award_a_version_to_a_learner_once(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)

    async def issue() -> bool:
        try:
            async with db.writer() as tx:
                await award(tx, here, Person("new@example.com", "New Example", "DE"))
        except Conflict:
            return False
        return True

    issued = await asyncio.gather(*(issue() for _ in range(10)))
    assert sum(issued) == 1
    async with db.reader() as reader:
        assert await reader.fetchval("select count(*) from learners") == 1
        assert await reader.fetchval("select count(*) from awards") == 1


async def rounds(db: Database, make: Factory, folder: Path, count: int) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)
        other = await campus(tx, make, "other-block")
    chance = random.Random(11)  # noqa: S311 - the order of a test
    for number in range(count):
        people = [Person(f"r{number}-{n}@example.com", "Racer Example", "DE", "DE-BE") for n in range(3)]
        first = [await committed(db, here, person) for person in people]
        file = folder / f"awards-{number}.csv"
        file.write_text(
            "email,full_name,country,region,spec,version,awarded_on\n"
            + "".join(f"{p.email},Racer Example,DE,DE-BE,other-block,1.0.0,2026-10-02\n" for p in people),
            encoding="utf-8",
        )
        acts: list[Awaitable[object]] = [import_awards(db, other.registrar, file)]
        for issued, person in zip(first, people, strict=True):
            acts += [
                switch(db, issued.learner_id, granted=True),
                switch(db, issued.learner_id, granted=chance.random() < 0.5),
                revoke(db, here, issued),
                issue(db, other, person),
            ]
        chance.shuffle(acts)
        await asyncio.gather(*acts)
        assert await drift(db) == RIGHT, number


async def committed(db: Database, here: Campus, person: Person) -> service.Issued:
    async with db.writer() as tx:
        return await award(tx, here, person)


async def switch(db: Database, learner_id: int, *, granted: bool) -> None:
    async with db.writer() as tx:
        await consent(tx, learner_id, granted=granted)


async def revoke(db: Database, here: Campus, issued: service.Issued) -> None:
    try:
        async with db.writer() as tx:
            await service.revoke(tx, here.registrar, RevokeAward(issued.learner_id, issued.award_id, "Race"))
    except InvalidState:
        return


async def issue(db: Database, here: Campus, person: Person) -> None:
    try:
        async with db.writer() as tx:
            await service.issue(tx, here.registrar, IssueAward(here.version, person, DAY))
    except Conflict:
        return


async def test_the_index_is_right_after_everything_at_once(db: Database, make: Factory, tmp_path: Path) -> None:
    await rounds(db, make, tmp_path, 6)


@pytest.mark.campaign
async def test_the_index_is_right_after_hundreds_of_races(db: Database, make: Factory, tmp_path: Path) -> None:
    await rounds(db, make, tmp_path, 100)


async def test_an_award_issued_while_consent_is_granted_is_posted(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        here = await campus(tx, make)
        other = await campus(tx, make, "other-block")
        anna = await award(tx, here)
    # The award's transaction is open and has seen no consent, while the learner consents.
    async with db.writer() as tx:
        await award(tx, other)
        granting = asyncio.create_task(switch(db, anna.learner_id, granted=True))
        await asyncio.sleep(0.2)
        assert not granting.done(), "the consent must wait for the award"
    await granting
    async with db.reader() as reader:
        assert await reader.fetchval("select count(*) from candidate_award") == 2
    assert await drift(db) == RIGHT
