"""Limits of uploads and operations, and the states through which an operation goes."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from countersign.kit.access import Permission
from countersign.kit.errors import Code, Invalid, InvalidState, Refusal

MIB: Final = 1024 * 1024
LARGEST_UPLOAD: Final = 64 * MIB
UPLOAD_QUOTA: Final = 256 * MIB
"""Bytes that one organization may have announced at a time."""
MOST_UPLOADS: Final = 50
UPLOAD_LIFE: Final = timedelta(hours=24)
CHUNK: Final = MIB
LOOKED_THROUGH: Final = 64 * MIB
"""Bytes of waiting uploads that an erasure looks through for an address; what is beyond goes unread."""
LOOKED_FOR: Final = 500_000
"""How much it takes to look through them (`mentions.effort`), so that nobody's file outlasts the deadline of a request:
a hundred thousand addresses or so; what is beyond goes unread too."""

LARGEST_RESULT: Final = 256 * MIB
RESULT_LIFE: Final = timedelta(days=7)
CANDIDATES_LIFE: Final = timedelta(days=1)
"""Of a file with candidates, as of a cursor among them: a list of people is neither kept nor walked later."""
RESULT_QUOTA: Final = 1024 * MIB
"""Bytes of results that one organization may have lying here at a time."""

MOST_UNFINISHED: Final = 5
"""Operations of one organization that wait or run at a time; one of them runs."""
MOST_ATTEMPTS: Final = 3
LEASE: Final = timedelta(seconds=30)
SHOWN_ROW_ERRORS: Final = 20
MOST_ROW_ERRORS: Final = 100_000
LONGEST_FILENAME: Final = 200
LONGEST_DOCUMENT: Final = 20_000

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Format(enum.Enum):
    """How a file is written."""

    JSON_LINES = "json_lines"
    CSV = "csv"


class ImportKind(enum.Enum):
    """What a file may bring."""

    AWARDS = "awards"


IMPORT_PERMISSION: Final[Mapping[ImportKind, Permission]] = {ImportKind.AWARDS: Permission.ISSUE_AWARD}
"""An import needs what the mutation for a single one needs."""


class State(enum.Enum):
    """Where an operation stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    RUNNING = "running"
    CANCELING = "canceling"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


NEXT: Final[Mapping[State, frozenset[State]]] = {
    State.AWAITING_APPROVAL: frozenset({State.QUEUED, State.CANCELED}),
    State.QUEUED: frozenset({State.RUNNING, State.CANCELED, State.FAILED}),
    State.RUNNING: frozenset({State.QUEUED, State.CANCELING, State.COMPLETED, State.FAILED}),
    # The change may have been committed in the moment when it was asked to stop.
    State.CANCELING: frozenset({State.CANCELED, State.COMPLETED, State.FAILED}),
    State.COMPLETED: frozenset({State.EXPIRED}),
    State.FAILED: frozenset({State.EXPIRED}),
    State.CANCELED: frozenset({State.EXPIRED}),
    State.EXPIRED: frozenset(),
}
FINISHED: Final = frozenset({State.COMPLETED, State.FAILED, State.CANCELED, State.EXPIRED})


class Failure(enum.Enum):
    """Why an operation failed."""

    ROWS_REFUSED = "rows_refused"
    AUTHORITY_LOST = "authority_lost"
    QUERY_FAILED = "query_failed"
    RESULT_TOO_LARGE = "result_too_large"
    UPLOAD_GONE = "upload_gone"
    GIVEN_UP = "given_up"


class QuotaUsedUp(Refusal):
    """{what}: your organization may have {limit} at a time."""

    code = Code.QUOTA_EXCEEDED


def cancelled(state: State) -> State:
    """The state after a wish to stop: at once while it waits, by its worker while it runs.

    Raises InvalidState when it is over; asking twice is asking once.
    """
    match state:
        case State.AWAITING_APPROVAL | State.QUEUED:
            return State.CANCELED
        case State.RUNNING | State.CANCELING:
            return State.CANCELING
        case State.COMPLETED | State.FAILED | State.CANCELED | State.EXPIRED:
            raise InvalidState(
                what="operation",
                state=state.value,
                verb="Stopping",
                needed="awaiting_approval, queued or running",
                path=("bulkOperationId",),
            )


def check_upload(size: int, sha256: str, filename: str | None) -> None:
    """Refuse an announcement of an upload that is empty, too large or oddly named. Raises Invalid."""
    if not 1 <= size <= LARGEST_UPLOAD:
        raise Invalid(problem=f"A file has 1 to {LARGEST_UPLOAD} bytes", path=("size",))
    if _SHA256.fullmatch(sha256) is None:
        raise Invalid(problem="A SHA-256 is written as 64 digits of 0-9 and a-f", path=("sha256",))
    if filename is not None and not (1 <= len(filename) <= LONGEST_FILENAME and filename.isprintable()):
        raise Invalid(problem=f"A file name has 1 to {LONGEST_FILENAME} printable characters", path=("filename",))
