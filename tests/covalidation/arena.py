"""Callers who meet over one version, block or pledge at the same moment; asked through GraphQL."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from countersign.endorsements import jobs
from countersign.kit.access import Actor, Role
from countersign.kit.clock import DatabaseClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask
from tests.specs.samples import COMPLETE
from tests.specs.support import ground

SIX: Final = 6
_keys = count(1)
_blocks = count(1)


@dataclass(frozen=True)
class Version:
    """A version that may be endorsed; its public id and digest."""

    id: str
    digest: str
    draft: str = ""
    """The public id of a draft of the next version."""
    draft_at: str = ""


@dataclass
class Arena:
    """A school, six employers, and the portal between them."""

    db: Database
    engine: Engine
    signer: Signer
    school: Actor
    employers: list[Actor]
    chance: random.Random

    async def do(self, actor: Actor, name: str, selection: str, /, **given: Any) -> tuple[Any, list[str]]:
        """Make a change a moment from now: the payload and the codes of what was refused."""
        await asyncio.sleep(self.chance.random() / 100)
        kind = f"{name[0].upper()}{name[1:]}Input"
        text = (
            f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {selection}"
            " errors { ... on UserError { code message } } } }"
        )
        body = await ask(self.engine, text, actor, input={"idempotencyKey": f"race-{next(_keys)}"} | given)
        assert "errors" not in body, body
        payload = body["data"][name]
        return payload, [error["code"] for error in payload["errors"]]

    async def endorse(self, actor: Actor, version: Version, **more: Any) -> tuple[Any, list[str]]:
        """Sign for a version."""
        return await self.do(
            actor,
            "endorseSpec",
            "endorsement { id }",
            specVersionId=version.id,
            expectedDigest=version.digest,
            statement="We hire for this.",
            **more,
        )

    async def published(self) -> Version:
        """A fresh version that everybody may endorse, with a draft of the next one."""
        async with self.db.writer() as tx:
            made = await specs.create(tx, self.school, specs.Create(f"raced-{next(_blocks)}", COMPLETE))
            version = await specs.submit(tx, self.school, specs.Submit(made.draft_id, "1.0.0"))
            await specs.publish(tx, self.school, version)
            digest = await tx.fetchval("select digest from spec_versions where id = $1", version)
        payload, codes = await self.do(
            self.school, "createSpecVersion", "draft { id updatedAt }", versionId=f"version_{version}"
        )
        assert codes == []
        return Version(f"version_{version}", digest, payload["draft"]["id"], payload["draft"]["updatedAt"])

    async def settled(self) -> None:
        """Have everything signed that was taken."""
        while await self.count("select count(*) from endorsements where state = 'signing'"):
            await jobs.sign_pending(self.db, self.signer)

    async def count(self, query: str, *given: object) -> int:
        """A number from the tables."""
        async with self.db.writer() as tx:
            return int(await tx.fetchval(query, *given))

    async def words(self, version: Version) -> list[tuple[str, str, str | None]]:
        """State, digest and what it supersedes of every endorsement of a version, in the order of asking."""
        async with self.db.writer() as tx:
            rows = await tx.fetch(
                "select state, digest, supersedes_id from endorsements where 'version_' || spec_version_id = $1"
                " order by id",
                version.id,
            )
        return [(row["state"], row["digest"], row["supersedes_id"]) for row in rows]

    async def co_validated(self, version: Version) -> bool:
        """Whether the school reads that it is."""
        text = "query ($v: ID!) { node(id: $v) { ... on SpecVersion { coValidated } } }"
        body = await ask(self.engine, text, self.school, v=version.id)
        return bool(body["data"]["node"]["coValidated"])

    async def pledges(self, endorsement: str) -> list[str]:
        """The public ids of an endorsement's pledges."""
        text = (
            "query ($e: ID!) { node(id: $e) { ... on Endorsement"
            " { evidence { ... on HiringPledge { pledge { id } } } } } }"
        )
        body = await ask(self.engine, text, self.school, e=endorsement)
        return [piece["pledge"]["id"] for piece in body["data"]["node"]["evidence"]]

    async def left(self, pledge: str) -> int:
        """How many seats of a pledge are left."""
        body = await ask(self.engine, "query ($p: ID!) { pledge(id: $p) { seatsLeft } }", self.school, p=pledge)
        return int(body["data"]["pledge"]["seatsLeft"])


async def together(*callers: Awaitable[tuple[Any, list[str]]]) -> list[tuple[Any, list[str]]]:
    """All at once; what each was answered."""
    return list(await asyncio.gather(*callers))


async def open_arena(db: Database, signer: Signer, make: Factory, seed: int) -> Arena:
    """Everybody in their places; the clock is the database's, since instants decide who came first."""
    db.clock = DatabaseClock()
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx, Role.AUTHOR, Role.REGISTRAR)
        employers = [await make.employer(tx) for _ in range(SIX)]
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    return Arena(db, engine, signer, school, employers, random.Random(seed))  # noqa: S311 - reproducible, not secret
