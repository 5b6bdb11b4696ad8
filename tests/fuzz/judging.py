"""What any answer must be like, whatever was asked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from countersign.schema.problems import Fault
from tests.fuzz.wire import Asked

SLOWEST = 2.0
CODES = {fault.value for fault in Fault}
SHED = {429: "RATE_LIMITED", 503: "UNAVAILABLE"}
# Words that only an implementation says. A client's own words come back in messages, and are not ours to hide.
INSIDE = re.compile(
    r"Traceback|asyncpg|psycopg|sqlalchemy|postgres|strawberry|graphql-core|graphql\.|starlette|uvicorn|pydantic|structlog"
    r"|site-packages|\.py\b|File \"|0x[0-9a-f]{6,}|NoneType|<class|<function|object at|coroutine|codec can't|unhashable"
    r"|\bselect .+ from\b|insert into|\bpg_|relation \"|constraint|invalid input syntax|out of range for type|violates"
    r"|(?:Key|Value|Type|Attribute|Index|Recursion|Runtime)Error|subscriptable|takes \d+ positional|countersign_"
    r"|/(?:usr|home|root|work|tmp)/",
    re.IGNORECASE | re.DOTALL,
)
NOWHERE = re.compile(rb"Traceback|asyncpg|sqlalchemy|site-packages|\.py\", line")


@dataclass(frozen=True)
class Answered:
    """One answer over HTTP; a stream's is its beginning."""

    status: int
    headers: dict[str, str]
    content: bytes
    seconds: float

    @property
    def body(self) -> dict[str, Any] | None:
        """The answer of GraphQL; None when it is none."""
        if "json" not in self.headers.get("content-type", ""):
            return None
        found = json.loads(self.content)
        return found if isinstance(found, dict) else None


def faults(asked: Asked, answered: Answered, slowest: float = SLOWEST) -> list[str]:
    """What is wrong with an answer that may take so many seconds; empty when nothing is."""
    if answered.status == 0:
        return ["the server hangs up without an answer"]
    found = []
    if answered.seconds > slowest:
        found.append(f"it took {answered.seconds:.1f} s")
    if answered.status >= 500 and answered.status not in SHED:
        found.append(f"status {answered.status}")
    if said := NOWHERE.search(answered.content):
        found.append(f"it says {said[0]!r}")
    of_graphql = asked.path == "/graphql" or asked.path.startswith("/graphql?")
    if of_graphql and asked.method != "HEAD" and answered.status != 204:
        found += _faults_of_graphql(asked, answered)
    return found


def _faults_of_graphql(asked: Asked, answered: Answered) -> list[str]:
    """What is wrong with an answer of the endpoint: a page, a stream, or JSON with coded errors."""
    kind = answered.headers.get("content-type", "")
    if kind.startswith(("text/event-stream", "text/html")):
        return [] if answered.status == 200 else [f"{kind} with status {answered.status}"]
    try:
        body = answered.body
    except ValueError:
        return ["the body is not JSON"]
    if body is None:
        return [f"the body is {kind or 'without a type'}, status {answered.status}"]
    return _faults_of_errors(asked, answered, body)


def _faults_of_errors(asked: Asked, answered: Answered, body: dict[str, Any]) -> list[str]:
    errors = body.get("errors", [])
    found = [fault for error in errors for fault in _faults_of_error(asked, error)]
    if not errors and ("errors" in body or "data" not in body):
        found.append("neither data nor errors")
    if answered.status in SHED:
        if SHED[answered.status] not in {e["extensions"]["code"] for e in errors}:
            found.append(f"status {answered.status} without its code")
        if not answered.headers.get("retry-after", "").isdigit():
            found.append(f"status {answered.status} without Retry-After")
    said = [(message, word) for message in _messages(body.get("data")) if (word := _inside(message, asked))]
    return found + [f"a payload's error says {word!r}: {message[:200]}" for message, word in said]


def _faults_of_error(asked: Asked, error: dict[str, Any]) -> list[str]:
    extensions = error.get("extensions") or {}
    found = []
    if extensions.get("code") not in CODES - {"INTERNAL_SERVER_ERROR"}:
        found.append(f"an error with code {extensions.get('code')}: {error}")
    if not extensions.get("requestId"):
        found.append(f"an error without the request's id: {error}")
    if said := _inside(error.get("message", ""), asked):
        found.append(f"an error says {said!r}: {error['message'][:200]}")
    return found


def _inside(message: str, asked: Asked) -> str | None:
    """A word of an implementation in a message, unless the client said it first."""
    for said in INSIDE.finditer(message):
        mine = said[0].encode("utf-8", "replace")
        if mine not in asked.content and said[0] not in asked.path:
            return said[0]
    return None


def _messages(data: Any) -> list[str]:
    """The messages of the errors in payloads."""
    if isinstance(data, dict):
        own = [data["message"]] if isinstance(data.get("message"), str) and "code" in data else []
        return own + [message for item in data.values() for message in _messages(item)]
    return [message for item in data for message in _messages(item)] if isinstance(data, list) else []
