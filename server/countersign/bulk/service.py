"""Start and stop bulk operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from countersign.bulk import queue, rules, uploads
from countersign.bulk.exporting import ExportPlan
from countersign.bulk.rules import IMPORT_PERMISSION, Format, ImportKind, QuotaUsedUp, State
from countersign.bulk.tables import BulkOperation
from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound
from countersign.kit.ids import new_id
from countersign.organizations import approvals
from countersign.organizations.approvals import Propose
from countersign.organizations.rules_approvals import Action


@dataclass(frozen=True, slots=True)
class StartImport:
    """Which received upload brings what; with `dry_run` everything but the change is done."""

    upload_id: UUID
    kind: ImportKind
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class StartExport:
    """Which query is written into a file, and how; the plan says what of it can be."""

    document: str
    variables: Mapping[str, Any]
    format: Format
    plan: ExportPlan


async def start_import(tx: Tx, actor: Actor, command: StartImport) -> UUID:
    """Put an import into the queue. Raises NotAllowed, NotFound, InvalidState, QuotaUsedUp."""
    permission = IMPORT_PERMISSION[command.kind]
    access.require(actor, permission)
    organization = uploads.own_organization(actor)
    upload = await uploads.look_up(tx, organization, command.upload_id, await tx.now())
    if upload is None or upload.expired:
        raise NotFound(what="upload", path=("uploadId",))
    if not upload.received:
        raise InvalidState(what="upload", state="empty", verb="An import", needed="received", path=("uploadId",))
    if upload.used:
        raise InvalidState(what="upload", state="used up", verb="An import", needed="unused", path=("uploadId",))
    row = _row(actor, organization, "import", command.kind.value, upload.format, (permission,), await tx.now())
    row.upload_id = upload.id
    row.dry_run = command.dry_run
    return await _queue(tx, row)


async def start_export(tx: Tx, actor: Actor, command: StartExport) -> UUID:
    """Put an export into the queue; what only members see waits there for a second person.

    Raises NotAllowed, QuotaUsedUp.
    """
    needed = (Permission.EXPORT, *command.plan.permissions)
    for permission in needed:
        access.require(actor, permission)
    organization = uploads.own_organization(actor)
    used = await tx.fetchval(
        "select coalesce(sum(result_bytes), 0) from bulk_operations"
        " where organization_id = $1 and state = 'completed' and expires_at > $2",
        organization,
        await tx.now(),
    )
    if used >= rules.RESULT_QUOTA:
        raise QuotaUsedUp(what="Results", limit=f"{rules.RESULT_QUOTA // rules.MIB} MiB")
    row = _row(actor, organization, "export", command.plan.subject, command.format, needed, await tx.now())
    row.document = command.document
    row.variables = dict(command.variables)
    if command.plan.public:
        return await _queue(tx, row)
    row.state = State.AWAITING_APPROVAL.value
    await _queue(tx, row)
    await approvals.propose(tx, actor, Propose(organization, Action.BULK_EXPORT, f"bulk_{row.id}"))
    return row.id


async def cancel(tx: Tx, actor: Actor, operation_id: UUID) -> UUID:
    """Stop an operation of the own organization; what it had not done never happens. Raises NotFound, InvalidState."""
    access.require(actor, Permission.CANCEL_BULK)
    row = await tx.fetchrow(
        "select state, permissions from bulk_operations where id = $1 and organization_id = $2 for update",
        operation_id,
        uploads.own_organization(actor),
    )
    if row is None:
        raise NotFound(what="bulk operation", path=("bulkOperationId",))
    for name in row["permissions"]:
        access.require(actor, Permission(name))
    state = rules.cancelled(State(row["state"]))
    now = await tx.now()
    await tx.execute(
        "update bulk_operations set state = $2, finished_at = $3, expires_at = $4 where id = $1",
        operation_id,
        state.value,
        *((now, now + rules.RESULT_LIFE) if state is State.CANCELED else (None, None)),
    )
    if state is State.CANCELED:
        await uploads.use_up(tx, operation_id)
    await tx.emit(queue.TOPIC, f"bulk_{operation_id}", state=state.value)
    return operation_id


async def forget(tx: Tx, organizations: Sequence[UUID], marks: frozenset[bytes]) -> None:
    """Destroy every file that organizations sent or made, since somebody in it must not be read any more.

    What was finished has expired; an export that is under way begins anew. Of other organizations what they sent goes
    where it names an address with one of these marks (`learners.service.directory_key`).
    """
    await uploads.forget(tx, organizations, marks)
    finished = await tx.fetch(
        "update bulk_operations set state = 'expired', first_row_errors = '[]', wrapped_key = null,"
        " shown_learners = null where organization_id = any($1::uuid[])"
        " and state in ('completed', 'failed', 'canceled') returning id",
        list(organizations),
    )
    running = await tx.fetch(
        "update bulk_operations set state = 'queued', attempts = attempts - 1, lease = null, lease_until = null,"
        " wrapped_key = null where organization_id = any($1::uuid[]) and state = 'running' and kind = 'export'"
        " returning id",
        list(organizations),
    )
    gone = [row["id"] for row in (*finished, *running)]
    await tx.execute("delete from bulk_chunks where operation_id = any($1::uuid[])", gone)


def _row(
    actor: Actor,
    organization: UUID,
    kind: str,
    subject: str,
    written: Format,
    needed: tuple[Permission, ...],
    now: datetime,
) -> BulkOperation:
    if actor.person_id is None or (actor.token_id is None and actor.login_id is None):
        raise NotAllowed(why="Only a member with a session or a token of their own may do this")
    return BulkOperation(
        id=new_id(),
        organization_id=organization,
        person_id=actor.person_id,
        token_id=actor.token_id,
        login_id=actor.login_id,
        kind=kind,
        subject=subject,
        format=written.value,
        permissions=sorted({permission.value for permission in needed}),
        created_at=now,
    )


async def _queue(tx: Tx, row: BulkOperation) -> UUID:
    await uploads.one_after_the_other(tx, row.organization_id)
    unfinished = await tx.fetchval(
        "select count(*) from bulk_operations where organization_id = $1"
        " and state in ('awaiting_approval', 'queued', 'running', 'canceling')",
        row.organization_id,
    )
    if unfinished >= rules.MOST_UNFINISHED:
        raise QuotaUsedUp(what="Unfinished bulk operations", limit=rules.MOST_UNFINISHED)
    await tx.insert(row)
    await tx.emit(queue.TOPIC, f"bulk_{row.id}", state=row.state)
    return row.id
