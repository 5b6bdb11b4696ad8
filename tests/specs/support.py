"""What tests of specifications begin with: an origin, a known skill, and versions on their way."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import asyncpg

from countersign.kit import installation
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.db import Tx
from countersign.skills import files
from countersign.skills import service as skills
from countersign.specs import service
from tests.conftest import ORIGIN
from tests.specs.samples import COMPLETE

SKILL_URI: Final = COMPLETE["skills"][0]["uri"]
SKILL_FILE: Final = (
    f"conceptUri,reuseLevel,preferredLabel,altLabels\n{SKILL_URI},cross-sector,conduct quantitative research,\n"
)
TABLES: Final = (
    "specs",
    "spec_drafts",
    "spec_versions",
    "spec_version_skills",
    "spec_version_readers",
    "listings",
    "outbox",
)


async def ground(tx: Tx) -> None:
    """A public origin and the skill that the complete specification is aligned with."""
    await installation.fix_origin(tx, ORIGIN)
    await skills.store(tx, SYSTEM, files.read(SKILL_FILE.encode(), files.Style.ESCO), source="skills.csv")


async def drafted(tx: Tx, actor: Actor, slug: str = "ab-testing-python", **fields: Any) -> service.Created:
    """A specification with a complete draft, but for `fields`."""
    content = {k: v for k, v in (COMPLETE | fields).items() if v is not ...}
    return await service.create(tx, actor, service.Create(slug, content))


async def submitted(
    tx: Tx, actor: Actor, slug: str = "ab-testing-python", semver: str = "1.0.0", **fields: Any
) -> UUID:
    """A submitted version."""
    made = await drafted(tx, actor, slug, **fields)
    return await service.submit(tx, actor, service.Submit(made.draft_id, semver))


async def everything(connection: Tx | asyncpg.Connection[asyncpg.Record]) -> list[Any]:
    """All rows of the room and the outbox, to compare before and after."""
    return [await connection.fetch(f"select to_jsonb(t)::text from {name} t order by 1") for name in TABLES]


async def state_of(tx: Tx, version_id: UUID) -> str:
    """The state as it is stored."""
    return str(await tx.fetchval("select state from spec_versions where id = $1", version_id))
