"""A real mail server on loopback, which keeps what it is handed and refuses what a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd import smtp as aiosmtpd
from aiosmtpd.smtp import AuthResult, Envelope, Session

from countersign.notices.smtp import Security, Smtp

SENDER = "Countersign <notices@portal.example>"


@dataclass
class Post:
    """What the server was handed, and what it says to recipients and letters."""

    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    to_recipient: str = "250 OK"
    to_letter: str = "250 Taken"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: aiosmtpd.SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if self.to_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, _server: aiosmtpd.SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Take a letter, or not."""
        if self.to_letter.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            made: Any = message_from_bytes(content, policy=policy.default)
            self.received.append(made)
            self.recipients += envelope.rcpt_tos
        return self.to_letter


@dataclass
class Office:
    """The server, and what sends to it."""

    post: Post
    mailer: Smtp


@asynccontextmanager
async def office(
    security: Security = Security.NONE, certificates: tuple[ssl.SSLContext, ssl.SSLContext] | None = None
) -> AsyncIterator[Office]:
    """A mail server until the block ends; encrypted ones ask for a password."""
    post = Post()
    served, trust = certificates or (None, None)

    def knows(_server: object, _session: object, _envelope: object, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (b"portal", b"secret word"), handled=False)

    def protocol() -> aiosmtpd.SMTP:
        return aiosmtpd.SMTP(
            post,
            hostname="localhost",
            tls_context=served if security is Security.STARTTLS else None,
            require_starttls=security is Security.STARTTLS,
            authenticator=knows if served else None,
            auth_required=security is Security.STARTTLS,
            auth_require_tls=security is Security.STARTTLS,
        )

    loop = asyncio.get_running_loop()
    inner = served if security is Security.TLS else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=inner)
    async with server:
        port = server.sockets[0].getsockname()[1]
        user, password = ("portal", "secret word") if served else ("", "")
        yield Office(post, Smtp("localhost", port, SENDER, security, user, password, trust=trust))
