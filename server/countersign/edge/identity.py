"""Who asks: a bearer token becomes an actor by one statement."""

from countersign.edge.responses import Refused
from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Database
from countersign.organizations import service as organizations


class NotSignedIn(Refused):
    """Credentials were sent and are not good."""

    def __init__(self) -> None:
        message = "The token is not good (unknown, expired or revoked)"
        super().__init__(401, "UNAUTHENTICATED", message, (b"www-authenticate", b"Bearer"))


async def actor(db: Database, authorization: str | None) -> Actor:
    """The actor of an `Authorization` header; ANONYMOUS without one. Raises NotSignedIn for any that is not good."""
    if authorization is None:
        return ANONYMOUS
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn
    async with db.reader() as connection:
        found = await organizations.authenticate(connection, token.strip(), db.clock.now())
    if found is None:
        raise NotSignedIn
    return found
