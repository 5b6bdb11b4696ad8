"""Refusals: what a command answers when it must not happen, in words and with a place."""

from __future__ import annotations

import enum
import inspect
from typing import ClassVar


class Code(enum.Enum):
    """The closed list of codes that a payload error may carry."""

    INVALID = "INVALID"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    NOT_FOUND = "NOT_FOUND"
    NOT_ALLOWED = "NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    CONFLICT_OF_INTEREST = "CONFLICT_OF_INTEREST"
    STALE_VERSION = "STALE_VERSION"
    INVALID_STATE = "INVALID_STATE"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"


Path = tuple[str | int, ...]


class Refusal(Exception):
    """This cannot be done."""

    code: ClassVar[Code] = Code.INVALID
    lasting: ClassVar[bool] = False
    """Whether what the command wrote before it refused stays: an attempt that is counted must not be given back."""

    def __init__(self, *, path: Path = (), **fields: object) -> None:
        self.path = path
        self.fields = fields
        template = " ".join((inspect.getdoc(type(self)) or "").split())
        super().__init__(template.format(**fields))

    @property
    def message(self) -> str:
        """The class's docstring with this refusal's values in it."""
        return str(self)


class Invalid(Refusal):
    """{problem}."""

    code = Code.INVALID


class Required(Refusal):
    """{what} is required."""

    code = Code.REQUIRED


class TooLong(Refusal):
    """{what} is longer than {limit} characters."""

    code = Code.TOO_LONG


class NotFound(Refusal):
    """There is no such {what}, or you may not see it."""

    code = Code.NOT_FOUND


class NotAllowed(Refusal):
    """{why}."""

    code = Code.NOT_ALLOWED


class StepUpRequired(NotAllowed):
    """Prove again that it is you: this needs a sign-in that is at most five minutes old."""


class Conflict(Refusal):
    """{problem}."""

    code = Code.CONFLICT


class InvalidState(Refusal):
    """The {what} is {state}; {verb} needs it to be {needed}."""

    code = Code.INVALID_STATE


class IdempotencyKeyReused(Refusal):
    """This idempotency key was used before with another input; use a new key for a new request."""

    code = Code.IDEMPOTENCY_KEY_REUSED


class Refusals(Exception):
    """Several refusals of one command, each with its own place."""

    def __init__(self, refusals: list[Refusal]) -> None:
        if not refusals:
            raise ValueError("Refusals needs at least one refusal")
        self.refusals = refusals
        super().__init__("; ".join(r.message for r in refusals))
