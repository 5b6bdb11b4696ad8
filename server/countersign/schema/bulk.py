"""Bulk operations at the front desk: files in and out, worked on while nobody waits."""

import enum
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import strawberry

from countersign.bulk import files, rules, service, uploads
from countersign.bulk.views import BULK_OPERATION, ORIGIN, ROW_ERROR, UPLOAD
from countersign.kit import trusted
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.errors import Invalid, NotAllowed, TooLong
from countersign.kit.ids import public_id
from countersign.reads.args import Call
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, slot
from countersign.reads.orders import Order, Orders
from countersign.schema.abilities import BulkOperationAbilities, viewer_can
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.problems import QuotaExceededError, StepUpRequiredError, UserErrorCode
from countersign.schema.scalars import URL

_UUID: Final = 16
BULK_COST: Final = 50
"""Points for work that goes on long after the answer."""


@strawberry.enum(description="How a file is written.")
class BulkFormat(enum.Enum):
    """How a file is written."""

    JSON_LINES = strawberry.enum_value("json_lines", description="One JSON object a line, in UTF-8.")
    CSV = strawberry.enum_value("csv", description="A table with a header, RFC 4180, in UTF-8.")


@strawberry.enum(description="What a bulk operation does.")
class BulkOperationKind(enum.Enum):
    """What a bulk operation does."""

    IMPORT = strawberry.enum_value("import", description="It brings a file in.")
    EXPORT = strawberry.enum_value("export", description="It writes what a query finds into a file.")


@strawberry.enum(description="Where a bulk operation stands.")
class BulkOperationState(enum.Enum):
    """Where a bulk operation stands."""

    AWAITING_APPROVAL = strawberry.enum_value(
        "awaiting_approval", description="It takes two persons, and waits for the second (`approve`)."
    )
    QUEUED = strawberry.enum_value("queued", description="It waits for its turn.")
    RUNNING = strawberry.enum_value("running", description="It is worked on.")
    CANCELING = strawberry.enum_value("canceling", description="It was asked to stop and is about to.")
    COMPLETED = strawberry.enum_value("completed", description="It did what it should; a dry run: it has looked.")
    FAILED = strawberry.enum_value("failed", description="It could not be done; `failure` says why. Nothing changed.")
    CANCELED = strawberry.enum_value("canceled", description="It was stopped. Nothing changed.")
    EXPIRED = strawberry.enum_value("expired", description="It is over, and its files are gone.")


@strawberry.enum(description="Why a bulk operation failed.")
class BulkFailureCode(enum.Enum):
    """Why a bulk operation failed."""

    ROWS_REFUSED = strawberry.enum_value(
        "rows_refused", description="Rows are wrong, so none was imported; see the row errors."
    )
    AUTHORITY_LOST = strawberry.enum_value(
        "authority_lost", description="Whoever started it may no longer do this: a token, a role or a scope has ended."
    )
    QUERY_FAILED = strawberry.enum_value("query_failed", description="The query failed at some page.")
    RESULT_TOO_LARGE = strawberry.enum_value(
        "result_too_large", description="The result is larger than a file may be; narrow the query."
    )
    UPLOAD_GONE = strawberry.enum_value("upload_gone", description="The upload went before its turn came.")
    GIVEN_UP = strawberry.enum_value("given_up", description="It failed on our side, several times; try again later.")


@bound(ROW_ERROR, description="What is wrong with one row of an imported file.")
class BulkRowError:
    """What is wrong with one row."""

    row: int = column(description="The line of the file, counted from 1; 0 is the file as a whole.")
    path: list[str] = column(description="The column, as the file spells it; empty when it is about the whole row.")
    code: UserErrorCode = column(description="The reason as a code.")
    message: str = column(description="The reason and its remedy in one sentence.")


def _file_url(file: str) -> str:
    bytes_of = {files.RESULT: "{t}.result_bytes", files.ERRORS: "{t}.error_bytes"}[file]
    return (
        f"case when {bytes_of} is not null and {{t}}.state in ('completed', 'failed') then uuid_send({{t}}.id)"
        f" || {ORIGIN} end"
    )


def _link(file: str, payload: bytes, call: Call) -> str:
    organization = call.actor.organization_id
    if organization is None:
        raise LookupError("the view shows an operation to members of its organization alone")
    sealed = files.seal_file(call.sealer, organization, UUID(bytes=payload[:_UUID]), file)
    return f"{payload[_UUID:].decode()}/bulk-files/{sealed}"


def _result_link(payload: bytes, call: Call) -> str:
    return _link(files.RESULT, payload, call)


def _error_link(payload: bytes, call: Call) -> str:
    return _link(files.ERRORS, payload, call)


def _upload_link(payload: bytes, call: Call) -> str:
    organization = call.actor.organization_id
    if organization is None:
        raise LookupError("the view shows an upload to members of its organization alone")
    sealed = uploads.seal_upload(call.sealer, organization, UUID(bytes=payload[:_UUID]))
    return f"{payload[_UUID:].decode()}/uploads/{sealed}"


@bound(UPLOAD, description="A file that you announced and send by PUT to its address, with your token.")
class Upload(Node):
    """A file that is announced."""

    url: URL = slot(
        payload=f"uuid_send({{t}}.id) || {ORIGIN}",
        maker=_upload_link,
        description="Where to PUT exactly the announced bytes, with your token; the same PUT may be repeated.",
    )
    format: BulkFormat = column(description="How the file is written.")
    size: int = column(description="Its bytes, as announced.")
    sha256: str = column(description="Its SHA-256, as announced.")
    filename: str | None = column(description="The name that you gave it.")
    received: bool = column(description="Whether its bytes have come and are the announced ones.")
    created_at: datetime = column(description="When it was announced.")
    expires_at: datetime = column(description="When it goes, received or not.")


@bound(BULK_OPERATION, description="An import or an export that runs in the background; your own organization sees it.")
class BulkOperation(Node):
    """An import or an export in the background."""

    kind: BulkOperationKind = column(description="What it does.")
    subject: str = column(description="What is imported (`awards`), or the query's field that is exported.")
    state: BulkOperationState = column(description="Where it stands.")
    dry_run: bool = column(description="Whether it only looks and changes nothing.")
    format: BulkFormat = column(description="How its file is written.")
    query: str | None = column(
        sql="{t}.document", description="The exported query; the values of its variables are not shown."
    )
    rows_done: int = column(description="How many rows have been worked on.")
    rows_total: int | None = column(description="How many rows there are; null while nobody knows.")
    rows_created: int | None = column(
        description="Imports: how many are new (a dry run: would be); null until it ends."
    )
    rows_unchanged: int | None = column(description="Imports: how many were there already; null until it ends.")
    row_error_count: int = column(description="Imports: how many faults the rows have.")
    first_row_errors: list[BulkRowError] = many(description="Imports: the first 20 faults; the file has them all.")
    error_file_url: URL | None = slot(
        payload=_file_url(files.ERRORS),
        maker=_error_link,
        description="Where every fault is fetched, with your token, as JSON Lines; null when there is none.",
    )
    result_url: URL | None = slot(
        payload=_file_url(files.RESULT),
        maker=_result_link,
        description="Exports: where to fetch the file, with your token; null until it is complete and once it is gone.",
    )
    result_bytes: int | None = column(description="Exports: how large the file is; null until it is complete.")
    result_sha256: str | None = column(description="Exports: the file's SHA-256; null until it is complete.")
    failure_code: BulkFailureCode | None = column(description="Why it failed, as a code; null unless it did.")
    failure: str | None = column(description="Why it failed, in one sentence; null unless it did.")
    created_at: datetime = column(description="When it was asked for.")
    started_at: datetime | None = column(description="When its turn first came.")
    finished_at: datetime | None = column(description="When it was over.")
    expires_at: datetime | None = column(description="When its files go; null until it is over.")
    viewer_can: BulkOperationAbilities = viewer_can()


BULK_ORDERS = Orders(
    "BulkOperationOrder", CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of the request.")
)


@strawberry.input(description="Which bulk operations; all conditions must hold.")
class BulkOperationFilter:
    """Which bulk operations."""

    kind: BulkOperationKind | None = strawberry.field(default=strawberry.UNSET, description="Only these.")
    state: BulkOperationState | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that stand so."
    )


@strawberry.type
class BulkQueries:
    """Root fields."""

    bulk_operation: BulkOperation | None = find(description="One bulk operation of your own organization.")
    bulk_operations: Connection[BulkOperation] = connection(
        orders=BULK_ORDERS,
        where={"filter.kind": "{child}.kind = {value:text}", "filter.state": "{child}.state = {value:text}"},
        args={"filter": arg(BulkOperationFilter | None, "Which of them.")},
        description="The bulk operations of your own organization.",
    )


@strawberry.enum(description="What a file may bring.")
class BulkImportKind(enum.Enum):
    """What a file may bring."""

    AWARDS = strawberry.enum_value(
        "awards",
        description="Awards of your school. Columns, or members of each line's object: email, fullName, country,"
        " region, spec (its slug), version, earnedOn, mode.",
    )


@strawberry.input(description="The file that you are going to send.")
class CreateUploadInput(CommandInput):
    """An announcement."""

    format: BulkFormat = strawberry.field(description="How the file is written.")
    size: int = strawberry.field(description="Its bytes, at most 64 MiB.")
    sha256: str = strawberry.field(description="Its SHA-256 as 64 digits of 0-9 and a-f.")
    filename: str | None = strawberry.field(default=strawberry.UNSET, description="Its name, for you.")


@strawberry.input(description="Which upload you import, as what.")
class StartBulkImportInput(CommandInput):
    """An import."""

    upload_id: strawberry.ID = strawberry.field(description="The upload, received.")
    kind: BulkImportKind = strawberry.field(description="What it brings.")
    dry_run: bool = strawberry.field(
        default=False, description="Do everything but the change: every fault is found, nothing happens."
    )


@strawberry.input(description="What you export, into which kind of file.")
class StartBulkExportInput(CommandInput):
    """An export."""

    query: str = strawberry.field(
        description="A query with one list at its root, such as `{ awards { nodes { id earnedOn } } }`. The whole list"
        " is walked: `first` is ignored, `last`, `after` and `before` are refused."
    )
    variables: str | None = strawberry.field(
        default=strawberry.UNSET, description="The values of its variables: a JSON object, as a text."
    )
    format: BulkFormat = strawberry.field(
        default=BulkFormat.JSON_LINES,
        description="How the file is written. A CSV has a column for each field; a list in a row is JSON in a cell.",
    )


@strawberry.input(description="Which bulk operation you stop.")
class CancelBulkOperationInput(CommandInput):
    """A wish to stop."""

    bulk_operation_id: strawberry.ID = strawberry.field(description="The operation, of your own organization.")


@payload(description="The announced upload.", errors=(QuotaExceededError,))
class CreateUploadPayload:
    """The announced upload."""

    upload: Upload | None = entity(description="The announced upload; send its bytes to its address.")


@payload(description="The import, in the queue.", errors=(QuotaExceededError,))
class StartBulkImportPayload:
    """The import."""

    bulk_operation: BulkOperation | None = entity(description="The import, in the queue.")


@payload(description="The export, in the queue.", errors=(QuotaExceededError, StepUpRequiredError))
class StartBulkExportPayload:
    """The export."""

    bulk_operation: BulkOperation | None = entity(description="The export, in the queue.")


@payload(description="The operation that stops.")
class CancelBulkOperationPayload:
    """The operation that stops."""

    bulk_operation: BulkOperation | None = entity(description="The operation: canceled, or about to be.")


async def _create_upload(tx: Tx, actor: Actor, given: CreateUploadInput, _tools: Tools) -> Mapping[str, str]:
    announced = uploads.AnnounceUpload(
        rules.Format(given.format.value), given.size, given.sha256, given.filename or None
    )
    return {"upload": public_id(UPLOAD.tag, await uploads.announce(tx, actor, announced))}


async def _start_import(tx: Tx, actor: Actor, given: StartBulkImportInput, _tools: Tools) -> Mapping[str, str]:
    upload = reference(given.upload_id, UPLOAD.tag, "upload", "uploadId")
    wanted = service.StartImport(upload, rules.ImportKind(given.kind.value), given.dry_run)
    return _operation(await service.start_import(tx, actor, wanted))


async def _start_export(tx: Tx, actor: Actor, given: StartBulkExportInput, tools: Tools) -> Mapping[str, str]:
    if tools.exporter is None:
        raise LookupError("the engine brings the exporter")
    if len(given.query) > rules.LONGEST_DOCUMENT:
        raise TooLong(what="The query", limit=rules.LONGEST_DOCUMENT, path=("query",))
    if tools.trusted_only and not await trusted.is_registered(tx, given.query):
        raise NotAllowed(why="Only trusted documents run here: export one that the operator has registered")
    values = _variables(given.variables or "{}")
    plan = tools.exporter.plan(given.query, values, actor)
    wanted = service.StartExport(given.query, values, rules.Format(given.format.value), plan)
    return _operation(await service.start_export(tx, actor, wanted))


async def _cancel(tx: Tx, actor: Actor, given: CancelBulkOperationInput, _tools: Tools) -> Mapping[str, str]:
    wanted = reference(given.bulk_operation_id, BULK_OPERATION.tag, "bulk operation", "bulkOperationId")
    return _operation(await service.cancel(tx, actor, wanted))


def _operation(identity: UUID) -> Mapping[str, str]:
    return {"bulk_operation": public_id(BULK_OPERATION.tag, identity)}


def _variables(text: str) -> dict[str, Any]:
    """A JSON object that the database can keep. Raises Invalid, TooLong."""
    if len(text) > rules.LONGEST_DOCUMENT:
        raise TooLong(what="The variables", limit=rules.LONGEST_DOCUMENT, path=("variables",))
    try:
        values = json.loads(text)
        # Written again, a text that the database cannot hold shows itself: half a character, NUL, NaN.
        kept = json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise Invalid(problem="The variables are not JSON", path=("variables",)) from None
    if not isinstance(values, dict):
        raise Invalid(problem="The variables are not a JSON object", path=("variables",))
    if b"\\u0000" in kept:
        raise Invalid(problem="A variable holds NUL", path=("variables",))
    return values


@strawberry.type
class BulkMutations:
    """Root fields."""

    create_upload: CreateUploadPayload | None = command(
        CreateUploadInput,
        _create_upload,
        permission=Permission.ISSUE_AWARD,
        lock=Lock.CREATES,
        description="Announce a file for a bulk import; you then send its bytes by PUT to the upload's address.",
    )
    start_bulk_import: StartBulkImportPayload | None = command(
        StartBulkImportInput,
        _start_import,
        cost=50,
        permission=Permission.ISSUE_AWARD,
        lock=Lock.CREATES,
        description="Import a received upload in the background, every row or none. The same rows twice are once.",
    )
    start_bulk_export: StartBulkExportPayload | None = command(
        StartBulkExportInput,
        _start_export,
        cost=50,
        permission=Permission.EXPORT,
        lock=Lock.CREATES,
        description="Write the whole list of a query into a file, in the background. Each page is read at its own"
        " moment, under the authority that you have then; what stays in its place is in the file exactly once. What"
        " only members see waits for a second person; candidates are charged and recorded as on any page, and their"
        " file goes as soon as one of them withdraws.",
    )
    cancel_bulk_operation: CancelBulkOperationPayload | None = command(
        CancelBulkOperationInput,
        _cancel,
        permission=Permission.CANCEL_BULK,
        lock=Lock.STATE,
        because="stopping twice is stopping once, and what was committed before stays",
        description="Stop a bulk operation that waits or runs: what it had not committed never happens, and the file "
        "that was sent for it goes (a trial leaves it).",
    )
