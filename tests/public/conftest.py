"""One published version, one signed endorsement, and the application over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest_asyncio

from countersign import app
from countersign.awards import service as awards
from countersign.awards.rules import route
from countersign.awards.service import IssueAward, Issued
from countersign.awards.views import AWARD
from countersign.endorsements import jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.service import EndorseSpec
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.learners.service import Person
from countersign.schema.base import Tools
from countersign.specs import service as specs
from countersign.specs.service import FrozenVersion
from countersign.trust.addresses import Addresses
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.specs.support import ground, submitted

LEARNER = Person("anna@example.com", "Anna Example", "DE", "DE-BE")


@dataclass
class Place:
    """What is there to be looked at from outside."""

    db: Database
    signer: Signer
    sealer: Sealer
    http: httpx.AsyncClient
    school: Actor
    employer: Actor
    version: FrozenVersion
    endorsement_id: UUID
    award: Issued

    @property
    def award_path(self) -> str:
        """Where the award's holder may show it: under its sealed id."""
        return "/awards/" + self.sealer.seal(AWARD.tag, b"", route(self.award.learner_id, self.award.award_id))

    @property
    def addresses(self) -> Addresses:
        """The addresses of the installation."""
        return self.signer.addresses

    def path(self, url: str) -> str:
        """The path of one of our URLs."""
        return url.removeprefix(self.addresses.origin)

    async def get(self, url: str, **headers: str) -> httpx.Response:
        """Ask for one of our URLs or paths."""
        return await self.http.get(self.path(url), headers={k.replace("_", "-"): v for k, v in headers.items()})


@pytest_asyncio.fixture
async def place(db: Database, clock: FrozenClock, signer: Signer, make: Factory) -> AsyncIterator[Place]:
    """A version published and endorsed a minute ago, by the real clock: outside verifiers read theirs."""
    clock.at = datetime.now(UTC) - timedelta(minutes=1)
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx)
        house = await make.organization(tx, OrganizationKind.EMPLOYER, handle="orbita")
        employer = await make.member(tx, house, OrganizationKind.EMPLOYER, Role.SIGNATORY)
        version_id = await submitted(tx, school)
        await specs.publish(tx, school, version_id)
        version = await specs.lock_version(tx, version_id)
        assert version is not None
        endorsement_id = await endorsements.endorse(
            tx, employer, EndorseSpec(version_id, version.digest, "We <b>interview</b> every holder & «hire».")
        )
    assert await jobs.sign(db, signer, endorsement_id) is not None
    async with db.writer() as tx:
        award = await awards.issue(tx, school, IssueAward(version_id, LEARNER, clock.at.date()))
    sealer = Sealer(b"s" * 32)
    served = app.create_app_with(Tools(db, sealer, signer))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=served), base_url=signer.addresses.origin) as http:
        yield Place(db, signer, sealer, http, school, employer, version, endorsement_id, award)
