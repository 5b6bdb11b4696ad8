"""Failures that are not the client's: what the client is told of them, and what the log gets."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import structlog

from countersign.kit.losses import UNREACHABLE
from countersign.schema.problems import Fault, fault

STOPPED: Final = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)

log = structlog.get_logger()


def failed(error: Exception, request_id: str, path: Sequence[str | int] = ()) -> dict[str, Any]:
    """The error for a failure that is not the client's; the log has the rest."""
    if isinstance(error, STOPPED):
        log.warning("statement timeout", request_id=request_id)
        return fault(Fault.TIMEOUT, "The operation took too long", path=path)
    if isinstance(error, UNREACHABLE):
        log.warning("database out of reach", request_id=request_id, problem=type(error).__name__)
        return fault(Fault.UNAVAILABLE, "The service is busy; try again", path=path, retryAfter=1)
    log.error("internal error", request_id=request_id, exc_info=error)
    return fault(Fault.INTERNAL_SERVER_ERROR, "Something went wrong on our side", path=path)
