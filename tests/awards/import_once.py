"""A process of its own that imports one award file, to be killed by the tests of crashes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from uuid import UUID

from countersign.awards.importing import import_awards
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from tests.conftest import VAULT
from tests.patience import WAIT


def registrar(school: UUID) -> Actor:
    """A registrar of a school."""
    return Actor(
        organization_id=school,
        organization_kind=OrganizationKind.SCHOOL,
        person_id=new_id(),
        token_id=new_id(),
        roles=frozenset({Role.REGISTRAR}),
        scopes=frozenset(Scope),
    )


async def run(dsn: str, school: UUID, path: Path) -> None:
    """Import and say how many awards were made, once that is true."""
    db = await Database.open(dsn, vault=VAULT, wait_seconds=WAIT)
    print("started", flush=True)  # noqa: T201
    report = await import_awards(db, registrar(school), path)
    print(f"acknowledged {report.created} {report.unchanged}", flush=True)  # noqa: T201
    await db.close()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], UUID(sys.argv[2]), Path(sys.argv[3])))
