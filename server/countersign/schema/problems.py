"""The one place where refusals become GraphQL: payload errors for commands, coded errors for requests."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

import strawberry
from graphql import GraphQLError

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.errors import Code, Refusal


@strawberry.enum(description="Why a change was refused; a closed list.")
class UserErrorCode(enum.Enum):
    """Why a change was refused; the same codes as `kit.errors.Code`."""

    INVALID = strawberry.enum_value("INVALID", description="A value is not acceptable.")
    REQUIRED = strawberry.enum_value("REQUIRED", description="A value is missing.")
    TOO_LONG = strawberry.enum_value("TOO_LONG", description="A value is too long.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="There is no such thing, or you may not see it.")
    NOT_ALLOWED = strawberry.enum_value("NOT_ALLOWED", description="You may not do this.")
    CONFLICT = strawberry.enum_value("CONFLICT", description="Something else stands in the way.")
    CONFLICT_OF_INTEREST = strawberry.enum_value(
        "CONFLICT_OF_INTEREST", description="You are too close to what you would judge."
    )
    STALE_VERSION = strawberry.enum_value("STALE_VERSION", description="It has changed since you looked.")
    INVALID_STATE = strawberry.enum_value("INVALID_STATE", description="Its state does not allow this now.")
    QUOTA_EXCEEDED = strawberry.enum_value("QUOTA_EXCEEDED", description="Your organization has used up its quota.")
    IDEMPOTENCY_KEY_REUSED = strawberry.enum_value(
        "IDEMPOTENCY_KEY_REUSED", description="The idempotency key was used before with another input."
    )


@strawberry.interface(description="Why a change was refused, and where in the input.")
class UserError:
    """Why a change was refused."""

    message: str = strawberry.field(description="The reason in one sentence.")
    path: list[str] = strawberry.field(
        description="The way to the value in the input; empty when it is about the whole."
    )
    code: UserErrorCode = strawberry.field(description="The reason as a code.")


def _error(name: str, description: str) -> type[UserError]:
    return strawberry.type(type(name, (UserError,), {"__doc__": description}), description=description)


InvalidInputError = _error("InvalidInputError", "A value in the input is missing, malformed or too long.")
NotFoundError = _error("NotFoundError", "Something that the input names does not exist, or you may not see it.")
NotAllowedError = _error("NotAllowedError", "You lack the authority for this.")
ConflictError = _error("ConflictError", "Something else stands in the way.")
InvalidStateError = _error("InvalidStateError", "The thing's state does not allow this now.")
StaleVersionError = _error("StaleVersionError", "It has changed since you looked; look again and repeat.")
LaterVersionError = _error(
    "LaterVersionError",
    "A later version was published: endorse that one, or say by `knownLaterVersionId` that you mean this one.",
)
ConflictOfInterestError = _error("ConflictOfInterestError", "You are too close to what you would judge.")
StepUpRequiredError = _error(
    "StepUpRequiredError", "Prove again that it is you: this needs a sign-in that is at most five minutes old."
)
QuotaExceededError = _error("QuotaExceededError", "Your organization has used up its quota.")
IdempotencyKeyReusedError = _error(
    "IdempotencyKeyReusedError", "The idempotency key was used before with another input; choose a new one."
)

# Every payload's union has these; the others are declared where they can happen.
COMMON: Final[tuple[type[UserError], ...]] = (
    InvalidInputError,
    NotFoundError,
    NotAllowedError,
    ConflictError,
    InvalidStateError,
    IdempotencyKeyReusedError,
)
# The type that shows a code, and the common type that shows it where a payload has not declared the first.
_TYPES: Final[Mapping[Code, tuple[str, str]]] = {
    Code.INVALID: ("InvalidInputError", "InvalidInputError"),
    Code.REQUIRED: ("InvalidInputError", "InvalidInputError"),
    Code.TOO_LONG: ("InvalidInputError", "InvalidInputError"),
    Code.NOT_FOUND: ("NotFoundError", "NotFoundError"),
    Code.NOT_ALLOWED: ("NotAllowedError", "NotAllowedError"),
    Code.CONFLICT: ("ConflictError", "ConflictError"),
    Code.CONFLICT_OF_INTEREST: ("ConflictOfInterestError", "NotAllowedError"),
    Code.STALE_VERSION: ("StaleVersionError", "ConflictError"),
    Code.INVALID_STATE: ("InvalidStateError", "InvalidStateError"),
    Code.QUOTA_EXCEEDED: ("QuotaExceededError", "NotAllowedError"),
    Code.IDEMPOTENCY_KEY_REUSED: ("IdempotencyKeyReusedError", "IdempotencyKeyReusedError"),
}


def error_type(code: Code, members: Sequence[str], kind: str = "") -> str:
    """The name of the union member that shows a refusal: that of its `kind` (the refusal's name), else of its code."""
    own, common = _TYPES[code]
    return next((name for name in (f"{kind}Error", own) if name in members), common)


class Fault(enum.Enum):
    """The closed list of codes that a top-level error may carry."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    BAD_REQUEST = "BAD_REQUEST"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    OPERATION_TOO_COMPLEX = "OPERATION_TOO_COMPLEX"
    DOCUMENT_LIMIT_EXCEEDED = "DOCUMENT_LIMIT_EXCEEDED"
    RATE_LIMITED = "RATE_LIMITED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


def fault(
    code: Fault,
    message: str,
    *,
    path: Sequence[str | int] | None = None,
    locations: Sequence[Mapping[str, int]] | None = None,
    **extensions: object,
) -> dict[str, Any]:
    """A top-level error as the response carries it."""
    error: dict[str, Any] = {"message": message}
    if locations:
        error["locations"] = list(locations)
    if path:
        error["path"] = list(path)
    error["extensions"] = {"code": code.value, **extensions}
    return error


def of_error(code: Fault, error: GraphQLError) -> dict[str, object]:
    """A graphql-core error as the response carries it; its message names only the client's own text and the schema."""
    locations = [{"line": at.line, "column": at.column} for at in error.locations or ()]
    return fault(code, error.message, path=error.path, locations=locations)


def identified(errors: list[dict[str, Any]], request_id: str) -> list[dict[str, Any]]:
    """The same errors, each with the request's id, under which the log has it."""
    for error in errors:
        error["extensions"]["requestId"] = request_id
    return errors


def denials(actor: Actor, needed: Iterable[tuple[Permission, Sequence[str | int]]]) -> list[dict[str, Any]]:
    """An error for each field that the actor may not use; empty when it may use them all."""
    found = []
    for permission, path in needed:
        if access.allows(actor, permission):
            continue
        if actor.known:
            found.append(fault(Fault.FORBIDDEN, access.explain(permission), path=path))
        else:
            found.append(fault(Fault.UNAUTHENTICATED, "Sign in to use this field", path=path))
    return found


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal of a query (its reveal step) as a top-level error."""
    if refusal.code is Code.QUOTA_EXCEEDED:
        return fault(Fault.RATE_LIMITED, refusal.message, retryAfter=_until_midnight())
    code = Fault.FORBIDDEN if refusal.code is Code.NOT_ALLOWED else Fault.BAD_USER_INPUT
    return fault(code, refusal.message, path=refusal.path)


def _until_midnight() -> int:
    """Seconds until quotas of a day (UTC) begin anew."""
    now = datetime.now(UTC)
    return int((datetime.combine(now.date() + timedelta(days=1), time.min, UTC) - now).total_seconds()) + 1
