"""The audit log: one event for every command, refusal and look at personal data, in the transaction of what it tells.

An event is sealed with a key that the database does not hold (`use_key`), so that a row which somebody wrote with other
means is known. The room `log` numbers events after the commit and puts them into the Merkle log.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import ipaddress
import json
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Column, DateTime, Index, text
from sqlmodel import Field

from countersign.kit.access import Actor
from countersign.kit.ids import new_id
from countersign.kit.placement import Owner, Placement, Table

PREFIXES: Final = {4: 24, 6: 48}
"""How much of an address is kept, in bits, by version of IP: a network, not a person."""


class Decision(enum.StrEnum):
    """What became of it. `refused` is a rule of the business, `denied` a lack of authority."""

    DONE = "done"
    READ = "read"
    REFUSED = "refused"
    DENIED = "denied"


class AuditEvent(Table, table=True):
    """Who did what, on which thing, and what was decided. Append-only; no personal data, no secrets.

    `digest` is of the version that it was about; `before` and `after` are of what changed; `content` is of the bytes
    that were signed or published, when it tells of such (`kind` names them). All are SHA-256 in hex.
    """

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("audit_events_by_transaction", "xact"),
        Index("audit_events_by_organization", "organization_id", "at", "id"),
        Index("audit_events_by_content", "content", postgresql_where="content is not null"),
        Index("audit_events_by_thing", "kind", "object", postgresql_where="kind is not null"),
    )
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __owners__: ClassVar[Mapping[str, Owner]] = MappingProxyType({"organization_id": Owner.ORGANIZATION})

    stream_key: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    id: uuid.UUID = Field(primary_key=True)
    actor: str
    actor_type: str | None = None
    organization_id: uuid.UUID | None = None
    token_id: uuid.UUID | None = None
    login_id: uuid.UUID | None = None
    on_behalf_of: str | None = None
    action: str
    object: str | None = None
    digest: str | None = None
    decision: str
    rule: str | None = None
    reason: str | None = None
    before: str | None = None
    after: str | None = None
    kind: str | None = None
    content: str | None = None
    request_id: str | None = None
    ip_prefix: str | None = None
    mac: bytes | None = None
    xact: int | None = Field(
        default=None, sa_column=Column(BigInteger, server_default=text("((pg_current_xact_id())::text)::bigint"))
    )
    """The transaction that wrote it: by it the sequencer knows that nothing earlier is still to come."""


SEALED: Final = tuple(name for name in AuditEvent.model_fields if name not in {"mac", "xact"})
"""The columns that the seal and the log's leaf cover: all that was said."""


@dataclass(frozen=True, slots=True)
class Request:
    """What an event tells of the request that caused it: its id in the logs, and the network of its address."""

    id: str
    address: str | None = None


REQUEST: Final[ContextVar[Request | None]] = ContextVar("audit_request", default=None)
"""The request that is being answered; the edge sets it."""

_key: bytes | None = None  # what this process seals events with


def use_key(key: bytes | None) -> None:
    """Seal what this process records from now on; None: leave it unsealed (as before there was a log key)."""
    global _key  # noqa: PLW0603 - a process serves one installation, and commands know no settings
    _key = hashlib.sha256(b"countersign audit events\x00" + key).digest() if key else None


def network_of(address: str | None) -> str | None:
    """The network of an address as events keep it (IPv4 by /24, IPv6 by /48); None for what is no address."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    return str(ipaddress.ip_network(f"{ip}/{PREFIXES[ip.version]}", strict=False))


def record(
    actor: Actor,
    action: str,
    at: datetime,
    *,
    subject: str | None,
    decision: str,
    reason: str | None,
    rule: str | None = None,
    digest: str | None = None,
    before: str | None = None,
    after: str | None = None,
    on_behalf_of: str | None = None,
    organization_id: uuid.UUID | None = None,
    kind: str | None = None,
    content: str | None = None,
) -> AuditEvent:
    """One event, to be inserted in the transaction of what it tells.

    Its stream is the organization (`organization_id`, else the actor's), else the actor. `at` is the transaction's
    time; `decision` is a `Decision`; `rule` names what decided: a permission, a rule of the room. Nothing given here
    may be personal data or a secret.
    """
    organization = organization_id or actor.organization_id or actor.guest_of
    who = actor.identity if actor.known else "nobody"
    request = REQUEST.get()
    event = AuditEvent(
        stream_key=f"org:{organization}" if organization else who,
        at=at,
        id=new_id(),
        actor=who,
        actor_type=who.partition(":")[0],
        organization_id=organization,
        token_id=actor.token_id,
        login_id=actor.login_id,
        on_behalf_of=on_behalf_of,
        action=action,
        object=subject,
        digest=digest,
        decision=decision,
        rule=rule,
        reason=reason,
        before=before,
        after=after,
        kind=kind,
        content=content,
        request_id=request.id if request else None,
        ip_prefix=network_of(request.address) if request else None,
    )
    event.mac = seal({name: getattr(event, name) for name in SEALED}, _key)
    return event


def canonical(event: dict[str, Any]) -> bytes:
    """What an event says as bytes: JSON of its members that are not null, in the order of their names (RFC 8785)."""
    said = {name: _plain(value) for name, value in event.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def seal(event: dict[str, Any], key: bytes | None) -> bytes | None:
    """The HMAC of an event; None without a key."""
    return hmac.digest(key, canonical(event), "sha256") if key else None


def sealing_key() -> bytes | None:
    """What events of this process are sealed with."""
    return _key


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value) if isinstance(value, uuid.UUID) else value
