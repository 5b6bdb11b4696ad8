"""The portal over PostgreSQL with one school, its rival and the industry of the model; asked through GraphQL alone."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

import asyncpg

from countersign.endorsements import co_validation, jobs, renewal
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.reviews import reminders
from countersign.reviews.rubric import RUBRIC
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers
from tests.conftest import NOW, ORIGIN, VAULT, emptying
from tests.covalidation.model import MEMBERS
from tests.factories import Factory
from tests.patience import WAIT
from tests.reads.toy import ask
from tests.specs.samples import COMPLETE
from tests.specs.support import ground

NOON: Final = 12
MIDNIGHT: Final = NOW - timedelta(hours=NOON)
"""The beginning of the story's first day: the model counts hours from here."""
KINDS: Final = {
    "school": OrganizationKind.SCHOOL,
    "rival": OrganizationKind.SCHOOL,
    "north": OrganizationKind.EMPLOYER,
    "south": OrganizationKind.AGENCY,
    "twin": OrganizationKind.EMPLOYER,
    "kin": OrganizationKind.EMPLOYER,
    "raw": OrganizationKind.AGENCY,
}
PARENTS: Final = {"twin": "south", "kin": "school"}
SCORES: Final = [{"criterion": c.code, "value": 3, "evidence": "Seen in the brief"} for c in RUBRIC]
CONTENT: Final = COMPLETE | {
    "assessment": {
        **COMPLETE["assessment"],
        "types": ["APPLICATION_OF_A_SKILL"],
        "supervision": "SUPERVISED_WITH_IDENTITY_VERIFICATION",
    },
    "participation": "ONLINE",
    "integration": "STACKABLE",
    "qualityAssurance": {**COMPLETE["qualityAssurance"], "type": "INTERNAL"},
}
"""A complete block as a client writes it."""
REFUSED: Final = "__typename ... on UserError { code path message }"
_numbers = count(1)


@dataclass
class House:
    """Asks and changes as a person of the story; keeps nothing but who is there."""

    loop: asyncio.AbstractEventLoop
    db: Database
    clock: FrozenClock
    engine: Engine
    workers: Workers
    signer: Signer
    people: Mapping[str, Actor]
    organizations: Mapping[str, str]

    def at(self, hour: int) -> datetime:
        """The instant of an hour of the story."""
        return MIDNIGHT + timedelta(hours=hour)

    @staticmethod
    def hour(text: str) -> int:
        """The hour of the story at an instant of an answer."""
        return round((datetime.fromisoformat(text) - MIDNIGHT) / timedelta(hours=1))

    def set(self, hour: int) -> None:
        """Have it be an hour of the story."""
        self.clock.at = self.at(hour)

    def read(self, person: str, query: str, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.loop.run_until_complete(ask(self.engine, query, self.people[person], **variables))
        assert "errors" not in body, body
        return body["data"]

    def do(self, person: str, name: str, selection: str, /, **given: Any) -> tuple[dict[str, Any] | None, list[str]]:
        """Make a change twice with one key: the payload, and the codes of what was refused; both must be the same."""
        first = self._do(person, name, selection, given := {"idempotencyKey": f"story-{next(_numbers)}"} | given)
        assert self._do(person, name, selection, given) == first, name
        return first

    def _do(
        self, person: str, name: str, selection: str, given: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, list[str]]:
        kind = f"{name[0].upper()}{name[1:]}Input"
        text = f"mutation ($input: {kind}!) {{ {name}(input: $input) {{ {selection} errors {{ {REFUSED} }} }} }}"
        body = self.loop.run_until_complete(ask(self.engine, text, self.people[person], input=given))
        if body.get("errors"):
            return None, [error["extensions"]["code"] for error in body["errors"]]
        payload = body["data"][name]
        codes = [error["code"] for error in payload.pop("errors")]
        return (None if codes else payload), codes

    def settle(self) -> None:
        """Have everything signed that was taken: on a busy machine the answer comes before the signature."""
        self.loop.run_until_complete(self._settle())

    async def _settle(self) -> None:
        while await self._unsigned():
            await jobs.sign_pending(self.db, self.signer)

    async def _unsigned(self) -> bool:
        async with self.db.writer() as tx:
            return bool(await tx.fetchval("select exists (select from endorsements where state = 'signing')"))

    def look(self) -> None:
        """Do what time does, as the portal does by itself now and then."""
        for work in (reminders.look, renewal.look, co_validation.look):
            self.loop.run_until_complete(work(self.db))

    def submit(self, slug: str, semver: str, base: str | None) -> dict[str, str]:
        """A submitted version of a block, after another one if given; its id and digest."""
        if base is None:
            made, codes = self.do("school.author", "createSpec", "draft { id updatedAt }", slug=slug, content=CONTENT)
        else:
            made, codes = self.do("school.author", "createSpecVersion", "draft { id updatedAt }", versionId=base)
        assert made is not None, codes
        draft = made["draft"]
        done, codes = self.do(
            "school.author",
            "submitSpec",
            "version { id digest }",
            draftId=draft["id"],
            semver=semver,
            ifUnmodifiedSince=draft["updatedAt"],
        )
        assert done is not None, codes
        version: dict[str, str] = done["version"]
        return version


async def furnish(dsn: str) -> tuple[Database, FrozenClock, dict[str, Actor], dict[str, str]]:
    """Open the database of a run and put the story's people into it."""
    clock = FrozenClock(NOW)
    db = await Database.open(dsn, pool_size=4, vault=VAULT, wait_seconds=WAIT)
    db.clock = clock
    make = Factory(clock)
    people: dict[str, Actor] = {}
    identities: dict[str, Any] = {}
    async with db.writer() as tx:
        await ground(tx)
        for name, kind in KINDS.items():
            identities[name] = await make.organization(
                tx,
                kind,
                handle=f"story-{name}",
                parent_id=identities.get(PARENTS.get(name, "")),
                verification="unverified" if name == "raw" else "verified",
            )
        for person, roles in MEMBERS.items():
            house = person.partition(".")[0]
            people[person] = await make.member(tx, identities[house], KINDS[house], *(Role(role) for role in roles))
    return db, clock, people, {name: f"org_{identity}" for name, identity in identities.items()}


def open_house(dsn: str) -> House:
    """A house with an event loop of its own: a state machine of Hypothesis is not a coroutine."""
    loop = asyncio.new_event_loop()
    db, clock, people, organizations = loop.run_until_complete(furnish(dsn))
    workers = Workers(signing=1)
    signer = Signer(SecretKeyEncryption(secrets.token_bytes(32)), Addresses(ORIGIN), workers)
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    return House(loop, db, clock, engine, workers, signer, people, organizations)


def close_house(house: House, dsn: str) -> None:
    """Give everything back, and leave the database of the run as empty as it was."""
    house.loop.run_until_complete(house.workers.close())
    house.loop.run_until_complete(house.db.close())
    house.loop.run_until_complete(_empty(dsn))
    house.loop.close()


async def _empty(dsn: str) -> None:
    owner = await asyncpg.connect(dsn)
    await owner.execute(emptying())
    await owner.close()
