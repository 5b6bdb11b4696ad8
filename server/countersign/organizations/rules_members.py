"""Who may become a member, with which roles, and who may not go. Pure: no rows, no clock."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from countersign.accounts.rules import address_key
from countersign.kit.access import OrganizationKind, Role
from countersign.kit.errors import Code, Conflict, Invalid, Refusal, Required, TooLong

INVITATION_LIFE: Final = timedelta(days=7)
LONGEST_INVITATION: Final = timedelta(days=30)
OPEN_INVITATIONS: Final = 200
SIGNING_REMINDERS: Final = (30, 7, 1)
"""So many days before its end a member's signing authority is told of, once each."""
ADDRESS: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,253}")
ADDRESS_LIMIT: Final = 254
SECRET_PREFIX: Final = "csin_"  # noqa: S105 - what every invitation begins with
SECRET: Final = re.compile(SECRET_PREFIX + r"[0-9A-Za-z_-]{43}")

_EVERYWHERE: Final = frozenset({Role.ORG_ADMIN, Role.AUDITOR})
_INDUSTRY: Final = frozenset({Role.AUTHOR, Role.REVIEWER, Role.SIGNATORY, Role.RECRUITER})
ROLES_OF: Final[Mapping[OrganizationKind, frozenset[Role]]] = MappingProxyType(
    {
        OrganizationKind.SCHOOL: _EVERYWHERE | {Role.AUTHOR, Role.REGISTRAR},
        OrganizationKind.EMPLOYER: _EVERYWHERE | _INDUSTRY,
        OrganizationKind.AGENCY: _EVERYWHERE | _INDUSTRY,
        OrganizationKind.PLATFORM: _EVERYWHERE,
    }
)
"""The roles that mean something in an organization of a kind; others are not given."""


class AlreadyInvited(Conflict):
    """There is an open invitation for this address; withdraw it before you make another."""


class TooManyInvitations(Refusal):
    """An organization has at most {limit} open invitations; withdraw some."""

    code = Code.QUOTA_EXCEEDED


class BadInvitation(Refusal):
    """This invitation is not good for you: it was used or withdrawn, has run out, or is for another address."""

    code = Code.NOT_FOUND


class AlreadyMember(Conflict):
    """You are a member of this organization already; one of its admins may change your roles."""


class LastAdmin(Refusal):
    """An organization keeps at least one admin: make somebody else one first."""

    code = Code.CONFLICT


class MembershipOver(Refusal):
    """This membership has ended."""

    code = Code.INVALID_STATE


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A one-time text at its making: shown once and never kept."""

    text: str
    sha256: bytes


def mint_secret() -> NewSecret:
    """A text of 256 random bits for one invitation."""
    text = SECRET_PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return NewSecret(text, secret_digest(text))


def secret_digest(text: str) -> bytes:
    """What is kept of an invitation's text: its SHA-256 (256 random bits need no slow hash)."""
    return hashlib.sha256(text.encode()).digest()


def is_secret(text: str) -> bool:
    """Whether a text can be an invitation at all, before any look-up."""
    return SECRET.fullmatch(text) is not None


def address_digest(address: str) -> bytes:
    """What is kept of an address: the SHA-256 of it in lower case and without blanks around it.

    Refuses what is no address. The same digest as that of the address for which a provider vouches at a sign-in.
    """
    found = address.strip().lower()
    if len(found) > ADDRESS_LIMIT:
        raise TooLong(what="The address", limit=ADDRESS_LIMIT, path=("address",))
    if not ADDRESS.fullmatch(found):
        raise Invalid(problem="An e-mail address has a name, an @ and a domain", path=("address",))
    return address_key(found)


def roles_in_force(roles: Iterable[str], signing_until: datetime | None, now: datetime) -> frozenset[Role]:
    """The roles that count now: without that of signatory once its own end has come."""
    held = frozenset(Role(role) for role in roles)
    return held - {Role.SIGNATORY} if signing_until is not None and signing_until <= now else held


def signing_end(
    before: frozenset[Role], after: frozenset[Role], end: datetime | None, now: datetime
) -> datetime | None:
    """The end of signing authority after a change of roles: now when the role is taken away, none when it is given."""
    if Role.SIGNATORY in after:
        return end if Role.SIGNATORY in before else None
    if Role.SIGNATORY in before:
        return now if end is None or end > now else end
    return end


def check_roles(roles: frozenset[Role], kind: OrganizationKind) -> None:
    """Refuse no roles at all, and those that mean nothing in an organization of this kind."""
    if not roles:
        raise Required(what="At least one role", path=("roles",))
    if strange := roles - ROLES_OF[kind]:
        names = ", ".join(sorted(role.value for role in strange))
        raise Invalid(problem=f"In an organization of the kind {kind.value} there is no role {names}", path=("roles",))


def invitation_end(until: datetime | None, now: datetime) -> datetime:
    """When an invitation runs out: as asked, in 7 days when not; refuses the past and more than 30 days."""
    ends = until if until is not None else now + INVITATION_LIFE
    if not now < ends <= now + LONGEST_INVITATION:
        raise Invalid(problem="An invitation runs out in the future, within 30 days", path=("expiresAt",))
    return ends


def check_admins(before: frozenset[Role], after: frozenset[Role], other_admins: int) -> None:
    """Refuse to take the role of admin from the last who has it."""
    if Role.ORG_ADMIN in before and Role.ORG_ADMIN not in after and other_admins == 0:
        raise LastAdmin
