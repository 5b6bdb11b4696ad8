"""`token`: an API token for a new member with one role."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from uuid import UUID

from countersign.app import tools_of
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, prepare, say
from countersign.config import Settings
from countersign.kit.access import POLICY, SYSTEM, OrganizationKind, Role, Scope
from countersign.kit.db import Tx
from countersign.organizations import service
from countersign.organizations.service import IssueToken

MEMBERS = sorted(role.value for role in Role)


@dataclass(frozen=True)
class Holder:
    """For whom a token is."""

    organization_id: UUID
    handle: str
    kind: OrganizationKind


def run(role: str, organization: str | None, days: int, data: Path | None, *, json: bool) -> int:
    """Print a new token, once; exit 2 for an unknown role, 1 when no organization suits it."""
    if role not in MEMBERS:
        say(unknown(role))
        return BAD_USAGE
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        made = asyncio.run(_make(settings, Role(role), organization, timedelta(days=days)))
    if made is None:
        wanted = (
            f"no organization has the handle {organization!r}" if organization else f"no organization suits a {role}"
        )
        say(f"{wanted} — make the demo's market first: python3 server demo")
        return BAD_DATA
    token, holder = made
    if json:
        shown = {"token": token, "role": role, "organization": holder.handle, "days": days}
        sys.stdout.write(json_text.dumps(shown) + "\n")
    else:
        sys.stdout.write(f"{token}\n")
        say(f"a {role} of {holder.handle}, for {days} days; it is not shown again")
    return 0


def unknown(role: str) -> str:
    """What to say of a role that there is not."""
    near = get_close_matches(role, MEMBERS, 1)
    meant = f"did you mean {near[0]}?" if near else f"it is one of {', '.join(MEMBERS)}"
    return f"no role is called {role!r} — {meant}"


def scopes_of(role: Role, kind: OrganizationKind) -> frozenset[Scope]:
    """Every scope that the policy gives this role in such an organization."""
    rules = [rule for rule in POLICY.values() if role in rule.roles and kind in rule.kinds]
    return frozenset({rule.scope for rule in rules if rule.scope} | {Scope.SPEC_READ})


def kinds_of(role: Role) -> set[OrganizationKind]:
    """The kinds of organization in which this role may do something that not every role may."""
    own = [rule for rule in POLICY.values() if role in rule.roles and rule.roles != frozenset(Role)]
    kinds = {kind for rule in own for kind in rule.kinds}
    return kinds or set(OrganizationKind)


async def _make(settings: Settings, role: Role, handle: str | None, life: timedelta) -> tuple[str, Holder] | None:
    await prepare(settings)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        holder = await holder_for(tx, role, handle)
        if holder is None:
            return None
        person = await service.enrol(tx, SYSTEM, holder.organization_id, [role])
        scopes = scopes_of(role, holder.kind)
        name = f"{role.value}, made on the command line"
        given = IssueToken(name, scopes, holder.organization_id, person, life=life, mode=settings.mode.value)
        return await service.issue_token(tx, SYSTEM, given), holder


async def holder_for(tx: Tx, role: Role, handle: str | None) -> Holder | None:
    """The organization of this handle, else the first that such a role suits."""
    row = await tx.fetchrow(
        """
        select id, handle, kind from organizations
        where case when $1::text is null then kind = any($2) and verification = 'verified' else handle = $1 end
        order by handle limit 1
        """,
        handle,
        sorted(kind.value for kind in kinds_of(role)),
    )
    return Holder(row["id"], row["handle"], OrganizationKind(row["kind"])) if row else None
