"""A market in which things happen, and a look that tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.db import Database
from countersign.kit.relay import Relay
from countersign.notices import making
from countersign.reviews import service as reviews
from tests.factories import Factory
from tests.reviews.support import Scene, scene

INBOX = "{ inbox { unreadCount unread { kind count } notices(first: 50) { nodes { id topic kind sentence unread } } } }"


@dataclass
class Market:
    """A school and an employer with a version between them."""

    db: Database
    make: Factory
    made: Scene
    relay: Relay = field(default_factory=Relay)

    @property
    def school(self) -> Actor:
        """The school's author."""
        return self.made.school

    @property
    def employer(self) -> Actor:
        """The employer's reviewer and signatory."""
        return self.made.employer

    async def ask_for_review(self, *, version: UUID | None = None) -> UUID:
        """The school asks the employer; the id of the request."""
        wanted = reviews.RequestReview(version or self.made.version, self.made.employer_id, "Please look")
        async with self.db.writer() as tx:
            return await reviews.request(tx, self.school, wanted)

    async def colleague(self, *roles: Role, of: Actor | None = None) -> Actor:
        """Another member of an organization: of the employer unless somebody of another one is named."""
        beside = of or self.employer
        assert beside.organization_id is not None
        async with self.db.writer() as tx:
            kind = beside.organization_kind or OrganizationKind.EMPLOYER
            return await self.make.member(tx, beside.organization_id, kind, *roles)

    async def emit(self, topic: str, subject: str, **payload: Any) -> None:
        """Let something have happened."""
        async with self.db.writer() as tx:
            await tx.emit(topic, subject, **payload)

    async def numbered(self) -> None:
        """Let the relay give numbers to what was committed."""
        async with self.db.fresh_reader() as connection:
            while not await self.relay.look(connection):
                if not await connection.fetchval("select exists (select from outbox where told_at is null)"):
                    return

    async def told(self) -> int:
        """Let the relay number and the worker tell all that has happened; how many events were read."""
        await self.numbered()
        read = 0
        async with self.db.writer() as tx:
            await tx.execute("insert into notice_cursor (single, sequence) values (true, 0) on conflict do nothing")
        while some := await making.look(self.db):
            read += some
        return read

    async def notices_of(self, actor: Actor) -> list[str]:
        """The topics of a reader's notices in the order of what happened."""
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select topic from notices where person_id = $1 or learner_id = $2 order by at, topic",
                actor.person_id,
                actor.learner_id,
            )
        return [row["topic"] for row in rows]


async def market(db: Database, make: Factory) -> Market:
    """The market; what happened while it was made is told already."""
    async with db.writer() as tx:
        made = Market(db, make, await scene(tx, make))
    await made.told()
    async with db.writer() as tx:
        await tx.execute("delete from notices")
    return made
