"""Who asks: a token or a session becomes an actor by one statement; a cookie counts only from our own page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

from starlette.requests import Request

from countersign.accounts import rules as accounts_rules
from countersign.accounts import service as accounts
from countersign.accounts import sign_ins
from countersign.edge.gates import Gates, Headers
from countersign.edge.responses import BadRequest, Header, Refused
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Database
from countersign.kit.errors import Invalid, NotAllowed
from countersign.organizations import acting
from countersign.organizations import service as organizations
from countersign.organizations.acting import Choice
from countersign.reviews import experts

ORGANIZATION: Final = b"x-countersign-organization"
"""The header that says for whom a session acts: `org_<uuid>` or `self`."""
MARK: Final = b"x-countersign"
"""The header that a cookie call carries: forms and other sites cannot send it."""


class NotSignedIn(Refused):
    """Credentials were sent and are not good."""

    def __init__(self, message: str = "The token is not good (unknown, expired or revoked)", *more: Header) -> None:
        super().__init__(401, "UNAUTHENTICATED", message, (b"www-authenticate", b"Bearer"), *more)


class SessionEnded(NotSignedIn):
    """The cookie of a session came that has ended; the browser is told to forget it."""

    def __init__(self, *more: Header) -> None:
        super().__init__("You are signed out; sign in again", *more)


class FromElsewhere(Refused):
    """A cookie came with a request that our own page did not make."""

    def __init__(self) -> None:
        super().__init__(
            403, "FORBIDDEN", "A session is good for this portal's own pages, which send the header X-Countersign"
        )


class CannotActFor(Refused):
    """The credentials are good, but not for whom they were to act."""

    def __init__(self, message: str) -> None:
        super().__init__(403, "FORBIDDEN", message)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings to show who asks. Secrets: never logged, not even as a representation."""

    authorization: str | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    forget: Header = field(default=(b"", b""), repr=False)
    """The header that has the browser forget its session."""
    own_page: bool = False
    """Whether our own page made the request: what a cookie needs."""
    organization: str | None = None
    login_id: UUID | None = None
    """The session that a ticket stood for, in place of a cookie."""
    address: str | None = None
    """From where the request comes: some tokens are good from some networks alone."""

    @classmethod
    def of(cls, headers: Headers, gates: Gates, *, address: str | None = None, socket: bool = False) -> Credentials:
        """Those of a request from an address.

        The handshake of a socket carries no headers of a page's own, only its origin.
        """
        authorization, organization = headers.get(b"authorization"), headers.get(ORGANIZATION)
        return cls(
            None if authorization is None else authorization.decode("latin-1"),
            cookie(headers, gates.session_cookie),
            (b"set-cookie", set_cookie(gates, "", seconds=0).encode()),
            gates.is_own_page(headers) and (socket or MARK in headers),
            None if organization is None else organization.decode("latin-1"),
            address=address,
        )

    def session_alone(self) -> Credentials:
        """The same without a token and acting for nobody: for what is about the session itself."""
        return replace(self, authorization=None, organization=None)


def of_request(request: Request) -> Credentials:
    """Those of a request that comes through a route."""
    address = request.client.host if request.client is not None else None
    return Credentials.of(dict(request.scope["headers"]), request.app.state.gates, address=address)


def cookie(headers: Headers, name: str) -> str | None:
    """The value of a cookie; None without one. Of two with one name neither is believed."""
    given = [part.strip() for part in headers.get(b"cookie", b"").decode("latin-1").split(";")]
    values = {part.removeprefix(f"{name}=") for part in given if part.startswith(f"{name}=")}
    return next(iter(values)) if len(values) == 1 else None


def set_cookie(gates: Gates, value: str, *, seconds: int | None = None, name: str | None = None) -> str:
    """A `Set-Cookie` for this host alone that scripts do not read; over https only, where the portal is on https."""
    lives = "" if seconds is None else f"; Max-Age={seconds}"
    secure = "; Secure" if gates.secure else ""
    return f"{name or gates.session_cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{lives}"


async def actor(db: Database, given: Credentials) -> Actor:
    """Who asks; ANONYMOUS without credentials.

    Raises NotSignedIn for any that are not good; FromElsewhere; CannotActFor; BadRequest for a malformed choice.
    """
    try:
        choice = acting.read_choice(given.organization)
        if given.authorization is not None:
            return await _of_token(db, given.authorization, choice, given.address)
        if given.login_id is not None:
            return await _of_session(db, given.login_id, choice, given)
        if given.session is not None:
            if not given.own_page:
                raise FromElsewhere
            if not accounts_rules.is_secret(given.session):
                raise SessionEnded(given.forget)
            return await _of_session(db, accounts_rules.secret_digest(given.session), choice, given)
    except NotAllowed as refusal:
        raise CannotActFor(refusal.message) from None
    except Invalid as refusal:
        raise BadRequest(refusal.message) from None
    return ANONYMOUS


async def redeemed(db: Database, ticket: str, given: Credentials) -> Credentials:
    """What a request brings, with the session of a ticket in place of token and cookie. Raises NotSignedIn."""
    async with db.writer() as tx:
        login_id = await sign_ins.redeem_ticket(tx, ticket) if accounts_rules.is_secret(ticket) else None
    if login_id is None:
        raise NotSignedIn("The ticket is not good: it is good once, for 30 seconds")
    return replace(given, authorization=None, session=None, login_id=login_id)


async def _of_token(db: Database, authorization: str, choice: Choice, address: str | None) -> Actor:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    async with db.reader() as connection:
        found = await organizations.authenticate(connection, token.strip(), db.clock.now(), address=address)
        found = found or await experts.authenticate(connection, token.strip(), db.clock.now())
    if found is None:
        raise NotSignedIn
    if choice not in {acting.NOBODY, acting.choice_of(found)}:
        raise CannotActFor("This token acts for another organization")
    return found


async def _of_session(db: Database, login: bytes | UUID, choice: Choice, given: Credentials) -> Actor:
    async with db.fresh_reader() as connection:  # a sign-in of a moment ago is good at once
        found = await acting.actor_for(connection, login, choice, db.clock.now())
    if found is None:
        raise SessionEnded(*((given.forget,) if given.session is not None else ()))
    if found.unseen and found.actor.login_id is not None:
        async with db.writer() as tx:
            await accounts.seen(tx, found.actor.login_id)
    return found.actor
