"""Request bodies: small, UTF-8, plain JSON objects, and nothing that would hurt further in."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

LARGEST_BODY: Final = 256 * 1024
DEEPEST: Final = 32
LARGEST_INTEGER: Final = 2**53
MOST_DIGITS: Final = 40


class BadRequest(Exception):
    """A request that is not a GraphQL request over HTTP, with its HTTP status and headers."""

    def __init__(self, message: str, status: int = 400, **headers: str) -> None:
        self.message = message
        self.status = status
        self.headers = headers
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks to run."""

    query: str
    variables: Mapping[str, Any]
    operation_name: str | None


async def read(request: Request) -> bytes:
    """The body. Raises BadRequest (413) when it is larger than 256 KiB; nothing of the rest is read."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > LARGEST_BODY:
        raise BadRequest("The body is larger than 256 KiB", 413)
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > LARGEST_BODY:
                raise BadRequest("The body is larger than 256 KiB", 413)
            chunks.append(chunk)
    except ClientDisconnect:
        raise BadRequest("The body ended too early") from None
    return b"".join(chunks)


def parse(data: bytes) -> Any:
    """The JSON value of a body.

    Raises BadRequest for anything but UTF-8 JSON nested at most 32 deep, with integers up to 2^53, finite numbers,
    no NUL and no lone surrogates.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8") from None
    if _depth(text) > DEEPEST:
        raise BadRequest(f"The JSON is nested more than {DEEPEST} levels deep")
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise BadRequest("The body is not JSON") from None
    if "\\u" in text:
        _refuse_bad_text(value)
    return value


def operation(value: Any) -> Operation:
    """The operation in a JSON body. Raises BadRequest for anything but an object with a `query`."""
    if not isinstance(value, dict):
        raise BadRequest("The body must be one JSON object; batches are not taken")
    query, name = value.get("query"), value.get("operationName")
    variables, extensions = value.get("variables"), value.get("extensions")
    if not isinstance(query, str) or not query:
        raise BadRequest("`query` must be a text")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a text")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` must be an object")
    return Operation(query, variables or {}, name)


def _depth(text: str) -> int:
    """How deep brackets nest outside of strings: one pass, no recursion."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == '"':
                inside = False
        elif character == '"':
            inside = True
        elif character in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "}]":
            depth -= 1
    return deepest


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS or abs(int(text)) > LARGEST_INTEGER:
        raise ValueError("an integer beyond 2^53")
    return int(text)


def _number(text: str) -> float:
    number = float(text) if len(text) <= MOST_DIGITS else float("inf")
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number that is too large")
    return number


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _refuse_bad_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise BadRequest("A text holds NUL or half a character")
    elif isinstance(value, list):
        for item in value:
            _refuse_bad_text(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            _refuse_bad_text(key)
            _refuse_bad_text(item)
