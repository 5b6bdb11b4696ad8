"""What an account is known by, what a session's cookie is, and how long a session lives."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from datetime import timedelta
from typing import Final

IDLE: Final = timedelta(minutes=30)
WHOLE: Final = timedelta(hours=12)
SEEN_EVERY: Final = timedelta(minutes=1)
"""How exactly it is remembered when a session was last used."""

SIGN_IN: Final = timedelta(minutes=10)
"""How long a sign-in may take."""
TICKET: Final = timedelta(seconds=30)
LINK: Final = timedelta(days=1)

SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


RETURN: Final = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,499}")
"""A path of ours, with a query: no host, no backslash that browsers read as a slash, no space, no control."""


def return_path(text: str | None) -> str:
    """Where to go after sign-in: a path of this portal, else its page. Nothing leads to another site."""
    return text if text is not None and RETURN.fullmatch(text) else "/"


def account_key(issuer: str, subject: str) -> bytes:
    """Under what an account is found again: SHA-256 of issuer and subject, which only together name somebody."""
    return hashlib.sha256(json.dumps([issuer, subject], ensure_ascii=False).encode()).digest()


def address_key(address: str) -> bytes:
    """What is kept of an e-mail address: SHA-256 of it in lower case and without spaces around it."""
    return hashlib.sha256(address.strip().lower().encode()).digest()


def new_secret() -> str:
    """256 random bits as 43 characters of base64url: a cookie, a state, a ticket."""
    return secrets.token_urlsafe(32)


def is_secret(text: str) -> bool:
    """Whether a text can be such a secret at all, before any look-up."""
    return SECRET.fullmatch(text) is not None


def secret_digest(text: str) -> bytes:
    """What is kept of a secret: its SHA-256 (256 random bits need no slow hash)."""
    return hashlib.sha256(text.encode()).digest()
