"""`register` and `invite`: an organization and its first admin, by who runs the installation."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from countersign.app import tools_of
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, prepare, say
from countersign.config import Settings
from countersign.kit import audit
from countersign.kit.access import SYSTEM, OrganizationKind, Role
from countersign.kit.errors import Refusal
from countersign.organizations import invitations, service

KINDS = sorted(kind.value for kind in OrganizationKind)
ROLES = sorted(role.value for role in Role)


def run(action: str, data: Path | None, **given: Any) -> int:
    """Do one of the two and print what came of it; exit 2 for an unknown word, 1 when it is refused."""
    known = KINDS if action == "register" else ROLES
    words = [given["kind"]] if action == "register" else given["roles"]
    for word in words:
        if word not in known:
            say(f"{word!r} is none of {', '.join(known)}")
            return BAD_USAGE
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        try:
            done = asyncio.run(_do(settings, action, given))
        except Refusal as refused:
            say(refused.message)
            return BAD_DATA
    sys.stdout.write(f"{done}\n")
    return 0


async def _do(settings: Settings, action: str, given: dict[str, Any]) -> str:
    await prepare(settings)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        if action == "register":
            wanted = service.Register(
                OrganizationKind(given["kind"]), given["handle"], given["name"], given["country"], url=given["url"]
            )
            subject = done = f"org_{await service.register(tx, SYSTEM, wanted)}"
        else:
            roles = frozenset(Role(role) for role in given["roles"])
            offer = invitations.Invite(given["address"], roles)
            made, text = await invitations.invite_first(tx, SYSTEM, given["handle"], offer)
            subject, done = f"invitation_{made}", f"{settings.public_origin}/join#{text}"
        event = audit.record(SYSTEM, action, await tx.now(), subject=subject, decision="done", reason=None)
        await tx.insert(event)
    return done
