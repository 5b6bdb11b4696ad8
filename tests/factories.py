"""Things that tests need, made through the services."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from uuid import UUID

from countersign.kit.access import SYSTEM, Actor, OrganizationKind, Role, Scope
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.organizations import service as organizations

_numbers = count(1)


class Factory:
    """Makes things with names of their own, so that tests don't trip over one another."""

    def __init__(self, clock: FrozenClock) -> None:
        self.clock = clock

    async def organization(
        self,
        tx: Tx,
        kind: OrganizationKind = OrganizationKind.EMPLOYER,
        *,
        handle: str | None = None,
        legal_name: str | None = None,
        parent_id: UUID | None = None,
        verification: str = "verified",
    ) -> UUID:
        """A verified organization."""
        name = handle or f"{kind.value}-{next(_numbers)}"
        return await organizations.register(
            tx,
            SYSTEM,
            organizations.Register(
                kind=kind,
                handle=name,
                legal_name=legal_name or f"{name.title()} Ltd",
                country="DE",
                parent_id=parent_id,
                verification=verification,
                fictional=True,
            ),
        )

    async def member(self, tx: Tx, organization_id: UUID, kind: OrganizationKind, *roles: Role) -> Actor:
        """A member with roles and every scope, as an actor."""
        person = await organizations.enrol(tx, SYSTEM, organization_id, roles)
        return Actor(
            organization_id=organization_id,
            organization_kind=kind,
            person_id=person,
            token_id=new_id(),
            roles=frozenset(roles),
            scopes=frozenset(Scope),
        )

    async def school(self, tx: Tx, *roles: Role) -> Actor:
        """A member of a new school; an author and registrar by default."""
        identity = await self.organization(tx, OrganizationKind.SCHOOL)
        return await self.member(tx, identity, OrganizationKind.SCHOOL, *(roles or (Role.AUTHOR, Role.REGISTRAR)))

    async def employer(self, tx: Tx, *roles: Role) -> Actor:
        """A member of a new employer; a reviewer, signatory and recruiter by default."""
        identity = await self.organization(tx, OrganizationKind.EMPLOYER)
        wanted = roles or (Role.REVIEWER, Role.SIGNATORY, Role.RECRUITER)
        return await self.member(tx, identity, OrganizationKind.EMPLOYER, *wanted)

    async def token(self, tx: Tx, actor: Actor) -> str:
        """A token with which this actor can come through HTTP."""
        return await organizations.issue_token(
            tx,
            SYSTEM,
            organizations.IssueToken(
                name="test",
                scopes=actor.scopes,
                organization_id=actor.organization_id,
                person_id=actor.person_id,
                learner_id=actor.learner_id,
            ),
        )

    @staticmethod
    def without(actor: Actor, *roles: Role) -> Actor:
        """The same person without some roles."""
        return replace(actor, roles=actor.roles - set(roles))
