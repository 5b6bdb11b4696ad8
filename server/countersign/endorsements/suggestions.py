"""Words that a school would like an endorser to say: kept apart, labelled, and never the endorser's own."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from countersign.endorsements import rules
from countersign.endorsements.tables import StatementSuggestion
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Conflict, InvalidState, NotFound
from countersign.kit.ids import new_id
from countersign.specs import service as specs
from countersign.specs.rules import endorsable


class AlreadySuggested(Conflict):
    """You have suggested words for this version to this organization: withdraw them before you suggest others."""


@dataclass(frozen=True, slots=True)
class Suggest:
    """Words for one organization about one version."""

    spec_version_id: UUID
    organization_id: UUID
    statement: str


async def suggest(tx: Tx, actor: Actor, command: Suggest) -> UUID:
    """Suggest words to an employer or agency that may read the version; the version's own school only.

    Nothing is endorsed or proposed by it, and no command of the endorser takes words by a suggestion's id. Raises
    NotAllowed, NotFound, Required and TooLong (statement), InvalidState, AlreadySuggested.
    """
    access.require(actor, Permission.SUGGEST_STATEMENT)
    rules.check_statement(command.statement)
    version = await specs.lock_version(tx, command.spec_version_id)
    if version is None or version.organization_id != actor.organization_id:
        raise NotFound(what="version", path=("specVersionId",))
    if not endorsable(version.state):
        raise InvalidState(what="version", state=version.state.value, verb="an endorsement", needed="an endorsable one")
    asked = await tx.fetchval(
        "select id from organizations where id = $1 and kind in ('employer', 'agency') and verification <> 'suspended'",
        command.organization_id,
    )
    if asked is None or not await specs.readable(tx, version.id, command.organization_id):
        raise NotFound(what="employer or agency", path=("organizationId",))
    row = StatementSuggestion(
        id=new_id(),
        spec_version_id=version.id,
        school_id=version.organization_id,
        organization_id=command.organization_id,
        body=command.statement,
        suggested_by=actor.person_id,
        suggested_at=await tx.now(),
    )
    try:
        async with tx.savepoint():
            await tx.insert(row)
    except asyncpg.UniqueViolationError:
        raise AlreadySuggested(path=("organizationId",)) from None
    await tx.emit("statement.suggested", f"sug_{row.id}")
    return row.id


async def withdraw(tx: Tx, actor: Actor, suggestion_id: UUID) -> UUID:
    """Take a suggestion back; it is kept. The school only. Raises NotAllowed, NotFound, InvalidState."""
    access.require(actor, Permission.SUGGEST_STATEMENT)
    row = await tx.fetchrow(
        "select withdrawn_at from statement_suggestions where id = $1 and school_id = $2 for update",
        *(suggestion_id, actor.organization_id),
    )
    if row is None:
        raise NotFound(what="suggestion", path=("suggestionId",))
    if row["withdrawn_at"] is not None:
        raise InvalidState(what="suggestion", state="withdrawn", verb="to withdraw", needed="standing")
    await tx.execute("update statement_suggestions set withdrawn_at = $2 where id = $1", suggestion_id, await tx.now())
    await tx.emit("statement.withdrawn", f"sug_{suggestion_id}")
    return suggestion_id
