"""Reports about letters that were taken and came back later, and of readers who call one unwanted. Pure.

RFC 3464 (delivery status notifications), RFC 5965 (feedback), RFC 3463 (status codes).
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from typing import Final
from uuid import UUID

LARGEST: Final = 1 << 20
_LONGEST_FIELD: Final = 16_000
_MOST_BOUNDARIES: Final = 20
_FIELD: Final = re.compile(rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
_LETTER: Final = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>@\s]+>")


class Fate(enum.Enum):
    """What became of a letter, as far as a report says."""

    NO_SUCH_ADDRESS = "no_such_address"
    """Failed for good (5.x.x): nothing more is to be sent there."""
    NOT_DELIVERED = "not_delivered"
    """Given up after trying (4.x.x): this letter alone is lost."""
    UNWANTED = "unwanted"
    """Its reader called it abuse."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says of one of our letters. Addresses in it are neither read nor kept."""

    letter_id: UUID
    fate: Fate


def read(data: bytes) -> Report | None:
    """What a message reports of a letter of ours; None when it reports nothing that ends anything.

    Known by the letter's own `Message-ID`, which only its recipient's side has seen. Delays and successes are nothing;
    so is whatever cannot be read.
    """
    if len(data) > LARGEST or _is_toilsome(data):
        return None
    try:
        message = message_from_bytes(data)
        if message.get_content_type() != "multipart/report" or not message.is_multipart():
            return None
        parts = [part for part in message.get_payload() if isinstance(part, Message)]
        fate = _fate(parts)
        letter = _letter(parts)
    except (ValueError, LookupError, AttributeError, TypeError, MessageError, RecursionError):
        # A stranger's mail: what the parser stumbles over is no report.
        return None
    return None if fate is None or letter is None else Report(letter, fate)


def _is_toilsome(data: bytes) -> bool:
    """Whether taking a message apart would take time by the square of its size: no mail server writes such reports."""
    if data.lower().count(b"boundary") > _MOST_BOUNDARIES:
        return True
    return any(len(found[0]) > _LONGEST_FIELD for found in _FIELD.finditer(data))


def _fate(parts: list[Message]) -> Fate | None:
    for part in parts:
        match part.get_content_type():
            case "message/delivery-status":
                groups = part.get_payload()
                found = [_of_recipient(group) for group in groups if isinstance(group, Message)]
                return next((fate for fate in found if fate is not None), None)
            case "message/feedback-report":
                said = str(part.get_payload(0) if part.is_multipart() else part.get_payload())
                return Fate.UNWANTED if re.search(r"(?im)^feedback-type:\s*abuse\s*$", said) else None
    return None


def _of_recipient(group: Message) -> Fate | None:
    """What the fields of one recipient say; the fields of the whole message have no action."""
    if str(group.get("Action", "")).strip().lower() != "failed":
        return None
    return Fate.NO_SUCH_ADDRESS if str(group.get("Status", "")).strip().startswith("5.") else Fate.NOT_DELIVERED


def _letter(parts: list[Message]) -> UUID | None:
    for part in parts:
        headers: Message | None = None
        if part.get_content_type() == "message/rfc822":
            inner = part.get_payload(0)
            headers = inner if isinstance(inner, Message) else None
        elif part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            headers = message_from_bytes(text) if isinstance(text, bytes) else None
        found = _LETTER.fullmatch(str(headers.get("Message-ID", "")).strip()) if headers is not None else None
        if found:
            return UUID(found[1])
    return None
