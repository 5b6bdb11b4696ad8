"""What an organization's handle, domains and tokens must look like."""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib
from dataclasses import dataclass
from typing import Final

from countersign.kit.errors import Conflict, Invalid, Required, TooLong

HANDLE: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
DOMAIN: Final = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
HANDLE_LIMIT: Final = 63
NAME_LIMIT: Final = 200

BASE62: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
SECRET_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6
PREFIXES: Final = {"production": "ctsk_", "dev": "ctst_", "demo": "ctsd_"}
TOKEN: Final = re.compile(rf"cts[ktd]_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")


class HandleTaken(Conflict):
    """The handle {handle} is taken; choose another."""


def check_names(handle: str, legal_name: str, country: str, domains: tuple[str, ...]) -> None:
    """Refuse a handle, name, country (ISO 3166-1 alpha-2) or domain that is malformed, naming the place."""
    if len(handle) > HANDLE_LIMIT:
        raise TooLong(what="The handle", limit=HANDLE_LIMIT, path=("handle",))
    if not HANDLE.fullmatch(handle):
        raise Invalid(problem="A handle has small Latin letters, digits and single hyphens", path=("handle",))
    if not legal_name.strip():
        raise Required(what="The legal name", path=("legalName",))
    if len(legal_name) > NAME_LIMIT:
        raise TooLong(what="The legal name", limit=NAME_LIMIT, path=("legalName",))
    if not COUNTRY.fullmatch(country):
        raise Invalid(problem="The country is a code of two capital letters, such as DE", path=("country",))
    for n, domain in enumerate(domains):
        if not DOMAIN.fullmatch(domain):
            raise Invalid(problem=f"{domain!r} is not a domain name in lower case", path=("domains", n))


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at its making: the text is shown once and never kept."""

    text: str
    prefix: str
    last4: str
    sha256: bytes


def mint_token(mode: str) -> NewToken:
    """A token of 190 random bits: prefix, 32 base62 characters, and the base62 CRC-32 of what stands before."""
    prefix = PREFIXES[mode]
    body = prefix + "".join(secrets.choice(BASE62) for _ in range(SECRET_LENGTH))
    text = body + _checksum(body)
    return NewToken(text, prefix, text[-4:], token_digest(text))


def token_digest(text: str) -> bytes:
    """What is kept of a token: its SHA-256 (190 random bits need no slow hash)."""
    return hashlib.sha256(text.encode()).digest()


def is_token(text: str) -> bool:
    """Whether the text can be a token at all: its form and its checksum, before any look-up."""
    if not TOKEN.fullmatch(text):
        return False
    return _checksum(text[:-CHECKSUM_LENGTH]) == text[-CHECKSUM_LENGTH:]


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, rest = divmod(number, len(BASE62))
        digits = BASE62[rest] + digits
    return digits
