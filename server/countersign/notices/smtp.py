"""The operator's mail server: one letter over SMTP, encrypted, with what the server says of it as an outcome."""

from __future__ import annotations

import asyncio
import enum
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Protocol

SECONDS: Final = 20.0
PERMANENT: Final = 500


class Security(enum.StrEnum):
    """How the connection is encrypted; `none` is for a server on the same machine alone."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class NotSent(Exception):
    """The letter was not taken; `status` is the server's number, None when it was not reached."""

    def __init__(self, status: int | None, *, recipient: bool = False) -> None:
        self.status = status
        self.recipient = recipient
        """Whether it was the address that the server refused."""
        super().__init__(f"the mail server answered {status}" if status else "the mail server was not reached")

    @property
    def permanent(self) -> bool:
        """Whether another try would be answered the same."""
        return self.status is not None and self.status >= PERMANENT


class Mailer(Protocol):
    """What sends letters."""

    @property
    def sender(self) -> str:
        """In whose name letters are sent: an address, or a name with an address."""

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand one letter to the mail server. Raises NotSent."""


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server. `trust` differs only in tests: what certificates are believed."""

    host: str
    port: int
    sender: str
    security: Security = Security.STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)
    own_name: str = "localhost"
    trust: ssl.SSLContext | None = None

    async def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand one letter to the mail server, over a connection of its own. Raises NotSent."""
        await asyncio.to_thread(self._send, message, recipient)

    def _send(self, message: EmailMessage, recipient: str) -> None:
        try:
            with self._connect() as server:
                if self.security is Security.STARTTLS:
                    server.starttls(context=self._context())
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(message, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as refused:
            status = max(code for code, _ in refused.recipients.values())
            raise NotSent(status, recipient=True) from None
        except smtplib.SMTPResponseException as refused:
            # What a server says of its own greeting or of our password is not about the letter: another try may do.
            own = isinstance(refused, smtplib.SMTPDataError | smtplib.SMTPSenderRefused)
            raise NotSent(refused.smtp_code if own else None) from None
        except (OSError, smtplib.SMTPException):
            raise NotSent(None) from None

    def _connect(self) -> smtplib.SMTP:
        if self.security is Security.TLS:
            return smtplib.SMTP_SSL(
                self.host, self.port, local_hostname=self.own_name, timeout=SECONDS, context=self._context()
            )
        return smtplib.SMTP(self.host, self.port, local_hostname=self.own_name, timeout=SECONDS)

    def _context(self) -> ssl.SSLContext:
        return self.trust or ssl.create_default_context()
