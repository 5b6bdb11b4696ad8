"""How things are known from outside: public ids of catalogue objects, sealed ids of what belongs to a learner."""

import struct
from dataclasses import dataclass
from uuid import UUID

from countersign.kit.access import Actor
from countersign.kit.ids import Sealer, parse_public_id

_NUMBER = 8
_UUID = 16


@dataclass(frozen=True, slots=True)
class Public:
    """`<tag>_<uuid>`, written by SQL."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """`<tag>_<encrypted>`: a learner's number and, where there is one, the thing's own uuid.

    `number` and `id` are SQL over `{t}`. With `per_organization` the text differs for each acting organization and
    only that organization's actors can use it (candidate ids).
    """

    number: str = "{t}.learner_id"
    id: str | None = "{t}.id"
    per_organization: bool = False

    def payload(self) -> str:
        """The bytea template that `unpack` reads."""
        return f"int8send({self.number})" + (f" || uuid_send({self.id})" if self.id else "")

    def scope(self, actor: Actor) -> bytes:
        """The sealing scope of this identity for an actor."""
        if not self.per_organization:
            return b""
        return actor.organization_id.bytes if actor.organization_id else b"nobody"

    def seal(self, sealer: Sealer, actor: Actor, tag: str, payload: bytes) -> str:
        """The id of the payload as this actor sees it."""
        return sealer.seal(tag, self.scope(actor), payload)

    def pack(self, number: int, key: UUID | None = None) -> bytes:
        """The payload for a learner's number and a uuid, equal to what SQL makes."""
        return struct.pack(">q", number) + (key.bytes if self.id and key else b"")

    def open(self, sealer: Sealer, actor: Actor, tag: str, text: str) -> tuple[int, UUID | None] | None:
        """The learner's number and the uuid in an id, or None for anything this actor was not given."""
        payload = sealer.open(tag, self.scope(actor), text)
        if payload is None or len(payload) != _NUMBER + (_UUID if self.id else 0):
            return None
        number: int = struct.unpack(">q", payload[:_NUMBER])[0]
        return number, UUID(bytes=payload[_NUMBER:]) if self.id else None


Identity = Public | Sealed


@dataclass(frozen=True, slots=True)
class Located:
    """A decoded id: the tag that was written, the uuid, the learner's number; all None when it says nothing."""

    tag: str | None = None
    id: UUID | None = None
    number: int | None = None


NOWHERE = Located()


def locate(text: object, tag: str, identity: Identity, actor: Actor, sealer: Sealer) -> Located:
    """Read an id of one kind; NOWHERE for malformed, foreign and wrongly tagged ones, which cannot be told apart."""
    if not isinstance(text, str):
        return NOWHERE
    match identity:
        case Public():
            found = parse_public_id(text)
            return Located(tag, id=found[1]) if found is not None and found[0] == tag else NOWHERE
        case Sealed():
            opened = identity.open(sealer, actor, tag, text)
            return Located(tag, id=opened[1], number=opened[0]) if opened is not None else NOWHERE
