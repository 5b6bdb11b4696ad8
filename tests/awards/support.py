"""A school with published versions, and learners who hold them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from countersign.awards import service
from countersign.awards.consent import SetConsent, set_consent
from countersign.awards.service import IssueAward, Issued
from countersign.kit.access import Actor, Scope
from countersign.kit.db import Tx
from countersign.kit.ids import new_id
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.specs import service as specs
from tests.factories import Factory
from tests.specs.support import ground, submitted

ANNA = Person("anna@example.com", "Anna Example", "DE", "DE-BE")
BORIS = Person("boris@example.com", "Boris Example", "KZ", "KZ-ALA")
DAY = date(2026, 10, 1)


@dataclass(frozen=True)
class Campus:
    """A school's registrar, and its published version `ab-testing-python` 1.0.0."""

    registrar: Actor
    version: UUID

    @property
    def school(self) -> UUID:
        """The school."""
        assert self.registrar.organization_id is not None
        return self.registrar.organization_id


async def campus(tx: Tx, make: Factory, slug: str = "ab-testing-python") -> Campus:
    """A new school with a published version."""
    if await tx.fetchval("select count(*) from installation where key = 'public_origin'") == 0:
        await ground(tx)
    registrar = await make.school(tx)
    version = await submitted(tx, registrar, slug)
    await specs.publish(tx, registrar, version)
    return Campus(registrar, version)


async def award(tx: Tx, here: Campus, person: Person = ANNA, on: date = DAY) -> Issued:
    """Issue the campus's version to a person."""
    return await service.issue(tx, here.registrar, IssueAward(here.version, person, on))


def acting(learner_id: int) -> Actor:
    """A learner who acts for themselves."""
    return Actor(learner_id=learner_id, token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))


async def consent(tx: Tx, learner_id: int, *, granted: bool = True) -> None:
    """The learner allows to be found, or takes it back."""
    await set_consent(tx, acting(learner_id), SetConsent(Purpose.TALENT_SEARCH, granted))


async def facts(tx: Tx) -> tuple[int, ...]:
    """How many learners, awards, index rows, postings and events there are."""
    tables = (
        "learners",
        "learner_directory",
        "awards",
        "candidate_search",
        "candidate_award",
        "status_entries",
        "outbox",
    )
    return tuple([int(await tx.fetchval(f"select count(*) from {t}")) for t in tables])
