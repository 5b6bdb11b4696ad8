"""`organization`: what the operator alone says of organizations, each said in the audit log too."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter

from countersign.app import tools_of
from countersign.cli.hosting import BAD_DATA, database, explained, leave_on_sigterm, load, prepare, say
from countersign.config import Settings
from countersign.conflicts import interests
from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import LinkKind
from countersign.endorsements import foreign, policies
from countersign.endorsements.rules_quorum import QuorumPolicy
from countersign.kit import audit
from countersign.kit.access import SYSTEM
from countersign.kit.db import Tx
from countersign.kit.errors import Refusal
from countersign.kit.ids import parse_public_id
from countersign.organizations import approvals, standing

Deed = Callable[[Tx, dict[str, Any]], Awaitable[tuple[str, str]]]


class Unknown(Exception):
    """A name on the command line means nothing here; the text says what is meant."""


def run(action: str, data: Path | None, **given: Any) -> int:
    """Do one thing and say so; exit 1 when a name means nothing or it is refused."""
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        try:
            done = asyncio.run(_do(settings, action, given))
        except (Unknown, Refusal) as refused:
            say(str(refused))
            return BAD_DATA
    sys.stdout.write(f"{done}\n")
    return 0


async def _do(settings: Settings, action: str, given: dict[str, Any]) -> str:
    await prepare(settings)
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        subject, words = await DEEDS[action](tx, given)
        name, reason = f"organization.{action}", given.get("reason")
        await tx.insert(audit.record(SYSTEM, name, await tx.now(), subject=subject, decision="done", reason=reason))
        return words


async def _suspend(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    key = await _organization(tx, given["handle"])
    await standing.suspend(tx, SYSTEM, key, given["reason"])
    return f"org_{key}", f"{given['handle']} is suspended: its tokens and members act no more"


async def _resume(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    key = await _organization(tx, given["handle"])
    await standing.resume(tx, SYSTEM, key)
    return f"org_{key}", f"{given['handle']} may act again"


async def _link(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    holder, held = await _organization(tx, given["holder"]), await _organization(tx, given["held"])
    kind = LinkKind.SAME_OWNER if given["same_owner"] else LinkKind.CONTROLS
    key = await conflicts.record(tx, SYSTEM, holder, held, kind)
    return f"lnk_{key}", f"lnk_{key}"


async def _unlink(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    key = _id(given["link"], "lnk", "link")
    await conflicts.end(tx, SYSTEM, key)
    return f"lnk_{key}", f"{given['link']} has ended"


async def _maker(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    maker = await _organization(tx, given["handle"])
    key = await interests.declare_tool(tx, SYSTEM, given["tool"], maker_id=maker)
    return f"mak_{key}", f"mak_{key}"


async def _sponsor(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    two = await _organization(tx, given["sponsor"]), await _organization(tx, given["sponsored"])
    key = await interests.record_sponsorship(tx, SYSTEM, *two, given["since"].date(), _day(given["until"]))
    return f"spo_{key}", f"spo_{key}"


async def _end(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    found = parse_public_id(given["declaration"])
    match found:
        case ("mak", key):
            await interests.withdraw_tool(tx, SYSTEM, key)
        case ("spo", key):
            await interests.end_sponsorship(tx, SYSTEM, key, _day(given["until"]))
        case _:
            raise Unknown(
                f"{given['declaration']!r} is no tool's maker and no sponsorship: it looks like mak_… or spo_…"
            )
    return given["declaration"], f"{given['declaration']} ends; it counts for a year more"


def _day(given: datetime | None) -> date | None:
    return given.date() if given else None


async def _approve(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    key = _id(given["approval"], "apr", "proposal")
    await approvals.approve(tx, SYSTEM, key)
    return f"apr_{key}", f"{given['approval']} is approved"


async def _recognize(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    await foreign.recognize(tx, SYSTEM, given["issuer"], given["name"])
    return given["issuer"], f"{given['issuer']} is known as {given['name']}"


async def _publish(tx: Tx, given: dict[str, Any]) -> tuple[str, str]:
    try:
        demands = json.loads(given["file"].read_bytes())
        policy = TypeAdapter(QuorumPolicy).validate_python(demands)
    except ValueError as wrong:
        raise Unknown(f"{given['file']} is no policy: {wrong}") from None
    unknown = set(demands) - {field.name for field in fields(QuorumPolicy)}
    if unknown:
        raise Unknown(f"{given['file']} asks for what no policy knows: {', '.join(sorted(unknown))}")
    key = await policies.publish(tx, SYSTEM, policies.Publish(policy, given["note"]))
    return f"pol_{key}", f"pol_{key} judges every version from now on"


DEEDS: Final[dict[str, Deed]] = {
    "suspend": _suspend,
    "resume": _resume,
    "link": _link,
    "unlink": _unlink,
    "maker": _maker,
    "sponsor": _sponsor,
    "end": _end,
    "approve": _approve,
    "recognize": _recognize,
    "publish": _publish,
}


async def _organization(tx: Tx, handle: str) -> UUID:
    key: UUID | None = await tx.fetchval("select id from organizations where handle = $1", handle)
    if key is None:
        raise Unknown(f"no organization has the handle {handle!r}")
    return key


def _id(text: str, tag: str, what: str) -> UUID:
    found = parse_public_id(text)
    if found is None or found[0] != tag:
        raise Unknown(f"{text!r} is no {what}: it looks like {tag}_…")
    return found[1]
