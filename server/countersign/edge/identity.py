"""Who asks: a bearer token becomes an actor by one statement."""

from countersign.kit.access import ANONYMOUS, Actor
from countersign.kit.db import Database
from countersign.organizations import service as organizations


class NotSignedIn(Exception):
    """Credentials were sent and are not good."""


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
