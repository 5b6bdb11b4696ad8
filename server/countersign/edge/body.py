"""Request bodies: small, UTF-8, plain JSON objects, and nothing that would hurt further in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Receive

from countersign.edge.gates import LARGEST_BODY, too_large
from countersign.edge.responses import BadRequest

DEEPEST: Final = 32
LARGEST_INTEGER: Final = 2**53
MOST_DIGITS: Final = 40
MOST_PARAMETERS: Final = 20
_CONTAINERS: Final = frozenset({dict, list})


class Gone(Exception):
    """The client went before its body had ended."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a request asks to run; `query` is empty when a trusted document is named instead."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None


async def read(receive: Receive) -> bytes:
    """The body. Raises BadRequest (413) when it is larger than 256 KiB; nothing of the rest is read. Raises Gone."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        whole: bytes = message.get("body", b"")
        if len(whole) > LARGEST_BODY:
            raise too_large()
        return whole
    data = bytearray()
    while message["type"] == "http.request":
        data += message.get("body", b"")
        if len(data) > LARGEST_BODY:
            raise too_large()
        if not message.get("more_body", False):
            return bytes(data)
        message = await receive()
    raise Gone


def parse(data: bytes) -> Any:
    """The JSON value of a body.

    Raises BadRequest for anything but UTF-8 JSON nested at most 32 deep, with each name once in an object, integers
    up to 2^53, finite numbers, no NUL and no lone surrogates (I-JSON, RFC 7493, and a little stricter).
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8") from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise BadRequest(f"The JSON is nested more than {DEEPEST} levels deep") from None
    except ValueError:
        raise BadRequest("The body is not JSON") from None
    _look_through(value, texts="\\u" in text)
    return value


def operation(value: Any) -> Operation:
    """The operation in a JSON body. Raises BadRequest for anything but an object with a `query` or a `documentId`."""
    if not isinstance(value, dict):
        raise BadRequest("The body must be one JSON object; batches are not taken")
    query, name, document = value.get("query"), value.get("operationName"), value.get("documentId")
    variables, extensions = value.get("variables"), value.get("extensions")
    if name is not None and not isinstance(name, str):
        raise BadRequest("`operationName` must be a text")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` must be an object")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` must be an object")
    if document is not None and not isinstance(document, str):
        raise BadRequest("`documentId` must be a text")
    kept = bool(document) or "persistedQuery" in (extensions or {})
    if query is None and kept:
        query = ""
    elif not isinstance(query, str) or not query:
        raise BadRequest("`query` must be a text")
    return Operation(query, variables or {}, name, extensions or {}, document)


def of_address(query_string: bytes) -> Operation:
    """The operation in an address (GET). Raises BadRequest."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        raise BadRequest("The address cannot be read: it is not UTF-8, or has too many parameters") from None
    given: dict[str, Any] = dict(pairs)
    if len(given) < len(pairs):
        raise BadRequest("A parameter stands twice in the address")
    for name in ("variables", "extensions"):
        if name in given:
            given[name] = parse(given[name].encode()) if given[name] else None
    return operation(given)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice")
    return made


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


# Made once: `json.loads` makes one for every call that has hooks.
_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_number, parse_constant=_constant
)


def _look_through(value: Any, *, texts: bool) -> None:
    """Refuse what is nested too deeply, and texts that nothing behind can hold: level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        inner: list[Any] = []
        for container in level:
            values = container.values() if isinstance(container, dict) else container
            inner += [item for item in values if type(item) in _CONTAINERS]
            if texts and any(type(item) is str and _is_bad(item) for item in (*values, *container)):
                raise BadRequest("A text holds NUL or half a character")
        if not inner:
            return
        level = inner
    raise BadRequest(f"The JSON is nested more than {DEEPEST} levels deep")


def _is_bad(text: str) -> bool:
    if "\x00" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
