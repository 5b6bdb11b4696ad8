"""Trusted documents: a request names a registered text by its digest, or, where it must, sends one that is registered.

Sources: GraphQL over HTTP, appendix A (persisted documents: `documentId`); Apollo's automatic persisted queries, of
which the look-up is taken and the registering by whoever comes is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from countersign.edge.body import Operation
from countersign.edge.responses import BadRequest
from countersign.kit import trusted
from countersign.reads.errors import Unreadable

NOT_FOUND: Final = "PersistedQueryNotFound"
"""The very words that clients of persisted queries look for, beside the code."""


class Documents(Protocol):
    """Where registered texts are found."""

    async def text(self, identity: str) -> str | None:
        """The registered text of an id, or None."""


class Trust:
    """Which texts may run: any, or only registered ones.

    `required` holds for everybody; `addresses` lets GET run registered documents alone, since addresses are kept in
    logs and histories.
    """

    def __init__(self, documents: Documents, *, required: bool = False, addresses: bool = False) -> None:
        self._documents = documents
        self._required = required
        self._addresses = addresses

    async def resolve(self, operation: Operation, *, in_address: bool = False) -> Operation:
        """The operation with its text. Raises Unreadable (PERSISTED_QUERY_NOT_FOUND, FORBIDDEN), BadRequest."""
        named = _named(operation)
        if named is not None:
            if operation.query and trusted.digest(operation.query) != trusted.read_id(named):
                raise BadRequest("The document's id is not the SHA-256 of `query`")
            text = await self._find(named)
            if text is not None:
                return replace(operation, query=text)
            if not operation.query:
                raise Unreadable(_error(NOT_FOUND, "PERSISTED_QUERY_NOT_FOUND"))
        elif (self._required or (self._addresses and in_address)) and await self._find(trusted.digest(operation.query)):
            return operation
        if self._required:
            message = "Only trusted documents run here: send the documentId of one that the operator has registered"
            raise Unreadable(_error(message, "FORBIDDEN"))
        if self._addresses and in_address:
            raise BadRequest(
                "GET runs trusted documents alone: send a documentId, or use POST", 405, (b"allow", b"POST")
            )
        return operation

    async def _find(self, named: str) -> str | None:
        identity = trusted.read_id(named)
        return None if identity is None else await self._documents.text(identity)


def _named(operation: Operation) -> str | None:
    """The id by which a request names its document: `documentId`, else that of `extensions.persistedQuery`."""
    if operation.document_id:
        return operation.document_id
    given = operation.extensions.get("persistedQuery")
    if given is None:
        return None
    digest = given.get("sha256Hash") if isinstance(given, Mapping) else None
    if not isinstance(digest, str) or not digest or given.get("version", 1) != 1:
        raise BadRequest("`extensions.persistedQuery` must have `version` 1 and a `sha256Hash`")
    return digest


def _error(message: str, code: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
