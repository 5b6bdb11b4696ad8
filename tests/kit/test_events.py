"""An event reaches every handler in the publisher's transaction, or the publisher fails."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest

from countersign.kit import events
from countersign.kit.access import SYSTEM, OrganizationKind
from countersign.kit.db import Database, Tx
from countersign.organizations import service


@dataclass(frozen=True, slots=True)
class Rung(events.Event):
    """Something happened."""

    name: str


@dataclass(frozen=True, slots=True)
class Unheard(events.Event):
    """Nobody listens to this."""


async def _register(tx: Tx, event: Rung) -> None:
    await service.register(tx, SYSTEM, service.Register(OrganizationKind.SCHOOL, event.name, "School", "GB"))


async def _fail(_tx: Tx, _event: Rung) -> None:
    raise ArithmeticError


async def _organizations(db: Database) -> list[UUID]:
    async with db.writer() as tx:
        return [row["id"] for row in await tx.fetch("select id from organizations")]


async def test_handlers_write_in_the_publishers_transaction(db: Database) -> None:
    events.register(Rung, _register)
    async with db.writer() as tx:
        await events.publish(tx, Rung("one"))
    assert len(await _organizations(db)) == 1


async def test_a_handler_that_fails_undoes_the_publisher_and_the_handlers_before_it(db: Database) -> None:
    events.register(Rung, _register, _fail)
    with pytest.raises(ArithmeticError):
        async with db.writer() as tx:
            await events.publish(tx, Rung("one"))
    assert await _organizations(db) == []


async def test_registering_again_calls_nobody_twice(db: Database) -> None:
    for _ in range(2):
        events.register(Rung, _register)
    async with db.writer() as tx:
        await events.publish(tx, Rung("one"))
    assert len(await _organizations(db)) == 1


async def test_an_event_that_nobody_handles_fails_its_publisher(tx: Tx) -> None:
    with pytest.raises(LookupError, match="Unheard"):
        await events.publish(tx, Unheard())
