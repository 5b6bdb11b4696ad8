"""What tests of pledges and of toolchains begin with: an endorsement that counts, with what stands behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final
from uuid import UUID

from countersign.endorsements import pledges
from countersign.endorsements import service as endorsements
from countersign.endorsements.evidence import Evidence, HiringPledge, Tool, ToolchainConfirmation
from countersign.endorsements.tables_backing import DriftAlarm
from countersign.kit.access import Actor, Role
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from tests.conftest import NOW
from tests.factories import Factory
from tests.reviews.support import Scene, scene

OPENS: Final = date(2026, 11, 22)
CLOSES: Final = date(2027, 3, 31)
PLEDGE: Final = HiringPledge(2, "junior analyst", "EU remote", OPENS, CLOSES)
TOOLS: Final = ToolchainConfirmation((Tool("Python", "3.13"),), date(2026, 9, 20))


@dataclass(frozen=True)
class Market:
    """A school with a published version, an employer whose endorsement of it counts, and its pledge."""

    here: Scene
    school: Actor
    employer: Actor
    endorsement: UUID
    pledge: UUID

    async def reserve(self, tx: Tx, reference: str = "holder-1") -> UUID:
        """A seat reserved by the school: the reservation."""
        return (await pledges.reserve(tx, self.school, pledges.Reserve(self.pledge, reference))).entry_id


async def market(tx: Tx, make: Factory, *evidence: Evidence, signed: bool = True) -> Market:
    """An endorsement with these pieces (a pledge of two seats and a toolchain), in force when `signed`."""
    here = await scene(tx, make, published=True)
    word = endorsements.EndorseSpec(
        here.version, here.digest, "We interview every holder.", evidence or (PLEDGE, TOOLS)
    )
    identity = await endorsements.endorse(tx, here.employer, word)
    if signed:
        await put_in_force(tx, identity)
    pledge = await tx.fetchval("select id from pledges where endorsement_id = $1", identity)
    return Market(here, here.school, here.employer, identity, pledge)


async def put_in_force(tx: Tx, endorsement: UUID) -> None:
    """Signing is another test's matter: the row counts."""
    await tx.execute(
        "update endorsements set state = 'in_force', in_force = tstzrange(valid_from, valid_until) where id = $1",
        endorsement,
    )


async def set_state(tx: Tx, endorsement: UUID, state: str) -> None:
    """The endorsement stands otherwise."""
    await tx.execute("update endorsements set state = $2 where id = $1", endorsement, state)


async def colleague(tx: Tx, make: Factory, actor: Actor, *roles: Role) -> Actor:
    """Another member of the same organization."""
    assert actor.organization_id is not None
    assert actor.organization_kind is not None
    return await make.member(tx, actor.organization_id, actor.organization_kind, *roles)


def at(actor: Actor, *roles: Role) -> Actor:
    """The same member with these roles alone."""
    return replace(actor, roles=frozenset(roles))


async def alarm(
    tx: Tx, version: UUID, organization: UUID | None, endorsement: UUID | None = None, now: datetime = NOW
) -> UUID:
    """An open alarm, as the watch would raise it."""
    assert organization is not None
    identity = new_id()
    await tx.insert(
        DriftAlarm(
            id=identity,
            spec_version_id=version,
            endorsement_id=endorsement,
            organization_id=organization,
            cause="support_ended",
            tool="Python",
            versions="3.9",
            supported_until=date(2025, 10, 31),
            mark=f"made/python/support_ended/{identity}",
            state="open",
            raised_at=now,
        )
    )
    return identity
