"""What stops a read before it runs."""

from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]


class Unreadable(Exception):
    """A request that cannot be run, with the coded errors that say why: text, operation, variables or limits."""

    def __init__(self, *errors: Mapping[str, Any]) -> None:
        self.errors = [dict(error) for error in errors]
        super().__init__("; ".join(str(error.get("message")) for error in errors))


class BadInput(Exception):
    """An argument that the schema's types allow and the field does not: BAD_USER_INPUT."""

    def __init__(self, message: str, path: Path) -> None:
        self.message = message
        self.path = path
        super().__init__(message)


class TooComplex(Exception):
    """A selection whose answer would have more fields than any client needs: OPERATION_TOO_COMPLEX."""


class BindingMistake(TypeError):
    """A type or field is declared in a way that cannot work; raised when the schema is made or first compiled."""
