"""Messages of graphql-transport-ws: what a client may say, and what is said to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from countersign.edge import body
from countersign.edge.responses import BadRequest

LONGEST_ID: Final = 256
ACK: Final = '{"type":"connection_ack"}'
PING: Final = '{"type":"ping"}'
_OBJECTS: Final = frozenset({"connection_init", "ping", "pong"})


class Malformed(Exception):
    """A message that is none of the protocol's; the text goes into the close frame."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a client: `id` of `subscribe` and `complete`, `payload` as the type has it."""

    type: str
    id: str
    payload: Mapping[str, Any]


def read(message: Mapping[str, Any]) -> Said:
    """A message as it came in. Raises Malformed with what is wrong."""
    text = message.get("text")
    if text is None:
        raise Malformed("Messages are text, not binary")
    try:
        value = body.parse(text.encode())
    except BadRequest as bad:
        raise Malformed(bad.message.replace("The body", "The message")) from None
    except UnicodeEncodeError:
        raise Malformed("A text holds half a character") from None
    if not isinstance(value, dict):
        raise Malformed("A message is a JSON object")
    kind = value.get("type")
    if not isinstance(kind, str):
        raise Malformed("A message has a type, which is a text")
    if kind in _OBJECTS:
        return Said(kind, "", _object(value, "payload", kind))
    if kind == "complete":
        return Said(kind, _id(value, kind), {})
    if kind == "subscribe":
        return Said(kind, _id(value, kind), _request(value))
    raise Malformed("There is no such type of message for a client to send")


def credentials(payload: Mapping[str, Any]) -> str | None:
    """The `Authorization` in the payload of `connection_init`, however its name is written; None without one.

    Raises Malformed for one that is no text.
    """
    return _text(payload, "authorization", "Authorization is a text: Bearer, a space, the token")


def organization(payload: Mapping[str, Any]) -> str | None:
    """For whom a session acts, in the payload of `connection_init`: as the header says it elsewhere.

    Raises Malformed for what is no text.
    """
    return _text(payload, "organization", "organization is a text: the id of an organization, or self")


def ticket(payload: Mapping[str, Any]) -> str | None:
    """The ticket of a session in the payload of `connection_init`. Raises Malformed for what is no text."""
    return _text(payload, "ticket", "ticket is a text: what POST /auth/ticket answered")


def _text(payload: Mapping[str, Any], wanted: str, wrong: str) -> str | None:
    for name, value in payload.items():
        if name.lower() == wanted and value is not None:
            if not isinstance(value, str):
                raise Malformed(wrong)
            return value
    return None


def pong(payload: Mapping[str, Any]) -> str:
    """The answer to a ping, with its payload."""
    return json.dumps({"type": "pong", "payload": payload}) if payload else '{"type":"pong"}'


def next_prefix(identifier: str) -> str:
    """What stands before the payload of a `next`; a closing brace stands after it."""
    return f'{{"id":{json.dumps(identifier)},"type":"next","payload":'


def error(identifier: str, errors: list[dict[str, Any]]) -> str:
    """The end of an operation that never ran."""
    return json.dumps({"id": identifier, "type": "error", "payload": errors}, ensure_ascii=False)


def complete(identifier: str) -> str:
    """The end of an operation."""
    return f'{{"id":{json.dumps(identifier)},"type":"complete"}}'


def _id(value: Mapping[str, Any], kind: str) -> str:
    identifier = value.get("id")
    if not isinstance(identifier, str) or not identifier:
        raise Malformed(f"{kind} has an id, which is a text and not empty")
    if len(identifier) > LONGEST_ID:
        raise Malformed(f"An id has at most {LONGEST_ID} characters")
    return identifier


def _request(value: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = value.get("payload")
    if not isinstance(payload, dict):
        raise Malformed("subscribe has a payload, which is an object")
    for name in ("variables", "extensions"):
        _object(payload, name, "payload")
    for name in ("query", "operationName"):
        if payload.get(name) is not None and not isinstance(payload[name], str):
            raise Malformed(f"{name} is a text")
    if payload.get("query") is None and not payload.get("documentId") and not payload.get("extensions"):
        raise Malformed("The payload of subscribe has a query")
    return payload


def _object(value: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    found = value.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Malformed(f"The {name} of {where} is an object")
    return found
