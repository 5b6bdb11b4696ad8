"""Some of everything, so that random queries find something."""

from dataclasses import dataclass

from countersign.kit.access import Actor, OrganizationKind
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.kit.installation import fix_origin
from tests.factories import Factory
from tests.reads.documents import Pool

ORIGIN = "http://localhost:4600"


@dataclass(frozen=True, repr=False)
class World:
    """Who may ask, and values that mean something."""

    actors: list[Actor]
    pool: Pool


async def make_world(db: Database, make: Factory) -> World:
    """Organizations with parents; members of some."""
    async with db.writer() as tx:
        await fix_origin(tx, ORIGIN)
        top = await make.organization(tx, OrganizationKind.EMPLOYER, handle="top")
        below = [await make.organization(tx, OrganizationKind.AGENCY, parent_id=top) for _ in range(4)]
        school = await make.school(tx)
        employer = await make.employer(tx)
        ids = [f"org_{key}" for key in (top, *below, school.organization_id, employer.organization_id)]
        handles = [row["handle"] for row in await tx.fetch("select handle from organizations")]
    values = {
        "ID": [*ids, f"org_{new_id()}", "nonsense", ""],
        "String": [*handles, "nobody", "", "it's", 'a"b\\c', "Ω\n"],
    }
    return World([employer], Pool(values))
