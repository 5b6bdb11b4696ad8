"""What the engine answers: bytes that are ready, errors with codes, extensions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A GraphQL response. `data` is JSON as bytes; None means that nothing was executed. `spent` is in points.

    `revealed` is what the reveal step let through, as the query's source wrote it; it is in no response.
    """

    data: bytes | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    spent: int = 0
    revealed: Sequence[Any] = ()

    def render(self) -> bytes:
        """The response's body; `errors` come first, as the specification asks."""
        members = []
        if self.errors:
            members.append(b'"errors":' + to_json(self.errors))
        if self.data is not None:
            members.append(b'"data":' + self.data)
        if self.extensions:
            members.append(b'"extensions":' + to_json(self.extensions))
        return b"{" + b",".join(members) + b"}"


def to_json(value: object) -> bytes:
    """Compact JSON in UTF-8, the way PostgreSQL's arrays and rows are written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
