"""`sign-in`: a link that signs a browser of this machine in, once, as a new member; demo and dev only.

By the name of a role, or as the demo's `school`, who has three roles.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from countersign.accounts import service as accounts
from countersign.accounts import sign_ins
from countersign.app import tools_of
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, prepare, say
from countersign.cli.token import MEMBERS, Holder, holder_for, unknown
from countersign.config import Mode, Settings
from countersign.demo.run import GUESTS, LEARNER
from countersign.kit.access import SYSTEM, Role
from countersign.kit.ids import new_id
from countersign.organizations import service

ISSUER = "urn:countersign:one-time-link"


def run(role: str, organization: str | None, data: Path | None, port: int | None) -> int:
    """Print a new link; exit 2 for an unknown role and in production, 1 when no organization suits the role."""
    if role == LEARNER:
        say(
            "learners sign in when they claim an award — the demo's learner by the link that it printed, or on its page"
        )
        return BAD_USAGE
    if role not in MEMBERS and role not in GUESTS:
        say(unknown(role))
        return BAD_USAGE
    leave_on_sigterm()
    settings = load(data=data, port=port)
    if settings.mode is Mode.PRODUCTION:
        say("in production people sign in with their identity provider — see README, Sign-in")
        return BAD_USAGE
    with explained(), database(settings, attach=True) as running:
        made = asyncio.run(_make(running, *_meant(role, organization)))
    if made is None:
        say(f"no organization suits a {role} — make the demo's market first: python3 server demo")
        return BAD_DATA
    secret, holder = made
    sys.stdout.write(f"{settings.public_origin}/auth/once/{secret}\n")
    say(f"signs in once, within a day, on this machine, as {role} of {holder.handle}")
    return 0


def _meant(role: str, organization: str | None) -> tuple[list[Role], str | None]:
    """The roles that a word means, and the handle of whom they are for."""
    if role in MEMBERS:
        return [Role(role)], organization
    guest = GUESTS[role]
    return sorted(guest.roles, key=lambda one: one.value), organization or guest.organization


async def _make(settings: Settings, roles: list[Role], handle: str | None) -> tuple[str, Holder] | None:
    await prepare(settings)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        holder = await holder_for(tx, roles[0], handle)
        if holder is None:
            return None
        account = await accounts.account_of(tx, ISSUER, new_id().hex)
        await service.enrol(tx, SYSTEM, holder.organization_id, roles, person_id=account)
        return await sign_ins.link(tx, account), holder
