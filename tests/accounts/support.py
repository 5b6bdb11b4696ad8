"""Somebody signed in: an account with a session, and the headers with which their browser asks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from uuid import UUID

from countersign.accounts import rules, service
from countersign.accounts.service import Opened
from countersign.kit.access import SYSTEM, OrganizationKind, Role
from countersign.kit.db import Database, Tx
from countersign.organizations import service as organizations
from tests.factories import Factory

ISSUER = "https://people.example"
_subjects = count(1)


@dataclass(frozen=True)
class Person:
    """An account and one of its sessions."""

    account_id: UUID
    opened: Opened

    @property
    def digest(self) -> bytes:
        """Under which the session is kept."""
        return rules.secret_digest(self.opened.cookie)

    @property
    def cookie(self) -> dict[str, str]:
        """The header of a browser that is signed in."""
        return {"cookie": f"theme=dark; cs={self.opened.cookie}"}

    def page(self, organization: UUID | str | None = None) -> dict[str, str]:
        """The headers of our own page's call, acting for an organization."""
        asked = f"org_{organization}" if isinstance(organization, UUID) else organization
        acting = {} if asked is None else {"x-countersign-organization": asked}
        return {**self.cookie, "x-countersign": "1", "sec-fetch-site": "same-origin", **acting}


async def person(tx: Tx, subject: str | None = None) -> Person:
    """Somebody who has just signed in."""
    account = await service.account_of(tx, ISSUER, subject or f"subject-{next(_subjects)}")
    return Person(account, await service.open_login(tx, account, authenticated_at=await tx.now()))


async def join(tx: Tx, who: Person, organization: UUID, *roles: Role) -> None:
    """Make somebody a member."""
    await organizations.enrol(tx, SYSTEM, organization, roles, person_id=who.account_id)


async def employee(
    db: Database, make: Factory, *roles: Role, kind: OrganizationKind = OrganizationKind.EMPLOYER
) -> tuple[Person, UUID]:
    """Somebody signed in who is a member of a new organization."""
    async with db.writer() as tx:
        organization = await make.organization(tx, kind)
        who = await person(tx)
        await join(tx, who, organization, *(roles or (Role.REVIEWER,)))
    return who, organization
