"""A hall of graduates made through the services: schools, blocks, signed endorsements, learners who consent or not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from countersign.awards import service as awards
from countersign.awards.consent import SetConsent, set_consent
from countersign.awards.service import IssueAward, Issued, RevokeAward
from countersign.endorsements import jobs
from countersign.endorsements import service as endorsements
from countersign.endorsements.service import EndorseSpec
from countersign.kit.access import Actor, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.learners.rules import Purpose
from countersign.learners.service import Person
from countersign.schema.engine import Engine
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask_data
from tests.specs.support import ground, submitted

REGIONS: Final = ("DE-BE", "DE-BY", "DE-HE")
DAY: Final = date(2026, 3, 1)

QUERY: Final = """
query Find($skills: [ID!], $specs: [ID!], $stack: ID, $by: [ID!], $regions: [String!],
           $first: Int = 20, $after: Cursor) {
  searchCandidates(skills: $skills, specs: $specs, stack: $stack, endorsedBy: $by, regions: $regions,
                   first: $first, after: $after) {
    totalCount
    pageInfo { hasNextPage endCursor }
    facets { regions { region count } endorsers { endorser { handle } count } }
    nodes {
      id region country
      match { score recent contributions { points endorsers earnedOn specAsked skills { id } specVersion { semver } } }
      awards {
        earnedOn spec { slug } specVersion { semver } skills { id }
        liveEndorsements { id endorser { displayName } }
      }
    }
  }
}
"""


@dataclass
class Hall:
    """What is there, and how to ask."""

    db: Database
    engine: Engine
    signer: Signer
    school: Actor
    employers: list[Actor]
    versions: list[UUID]
    specs: list[UUID]
    skill: UUID
    endorsements: list[UUID] = field(default_factory=list)
    learners: dict[str, int] = field(default_factory=dict)
    held: dict[tuple[str, int], Issued] = field(default_factory=dict)

    @property
    def recruiter(self) -> Actor:
        """A recruiter of the first employer."""
        return self.employers[0]

    @property
    def skill_id(self) -> str:
        """The public id of the skill that every block shows."""
        return f"skill_{self.skill}"

    async def ask(self, actor: Actor | None = None, **variables: Any) -> Any:
        """The candidates for a question; by the skill when nothing is named."""
        asked = variables if {"skills", "specs", "stack"} & set(variables) else {"skills": [self.skill_id], **variables}
        return (await ask_data(self.engine, QUERY, actor or self.recruiter, **asked))["searchCandidates"]

    async def issue(self, name: str, block: int = 0, *, region: str | None = None, on: date = DAY) -> int:
        """Award a block to a learner."""
        person = Person(f"{name}@example.com", f"{name.title()} Example", "DE", region)
        async with self.db.writer() as tx:
            issued = await awards.issue(tx, self.school, IssueAward(self.versions[block], person, on))
        self.learners[name] = issued.learner_id
        self.held[name, block] = issued
        return issued.learner_id

    async def consent(self, name: str, *, granted: bool = True) -> None:
        """The learner consents or withdraws."""
        async with self.db.writer() as tx:
            await set_consent(tx, self.learner(name), SetConsent(Purpose.TALENT_SEARCH, granted))

    async def revoke(self, name: str, block: int = 0) -> None:
        """Revoke an award."""
        issued = self.held[name, block]
        async with self.db.writer() as tx:
            await awards.revoke(tx, self.school, RevokeAward(issued.learner_id, issued.award_id, "Issued in error"))

    def learner(self, name: str) -> Actor:
        """A learner acting for themselves."""
        return Actor(learner_id=self.learners[name], token_id=new_id(), scopes=frozenset({Scope.LEARNER_SELF}))


async def hall(db: Database, engine: Engine, signer: Signer, make: Factory, *, graduates: int = 24) -> Hall:
    """A school with two blocks; the first endorsed by two employers, the second by one; consenting graduates.

    Graduate n holds block 0, every third also block 1; regions go round; days go up.
    """
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx)
        employers = [await make.employer(tx, Role.RECRUITER, Role.SIGNATORY) for _ in range(2)]
        versions = [await submitted(tx, school, slug) for slug in ("block-zero", "block-one")]
        for version in versions:
            await specs.publish(tx, school, version)
        ids = [await tx.fetchval("select spec_id from spec_versions where id = $1", v) for v in versions]
        skill = await tx.fetchval("select skill_id from spec_version_skills limit 1")
    here = Hall(db, engine, signer, school, employers, versions, ids, skill)
    for employer, block in ((0, 0), (1, 0), (1, 1)):
        async with db.writer() as tx:
            frozen = await specs.lock_version(tx, versions[block])
            assert frozen is not None
            here.endorsements.append(
                await endorsements.endorse(
                    tx, employers[employer], EndorseSpec(versions[block], frozen.digest, "We interview every holder.")
                )
            )
    signed = 0
    for _ in range(20):  # two words of one employer wait for its new key, on a slow machine longer than a lock may take
        if (signed := signed + await jobs.sign_pending(db, signer)) == 3:
            break
    assert signed == 3
    for n in range(graduates):
        name = f"graduate{n}"
        await here.issue(name, region=REGIONS[n % 3], on=DAY + timedelta(days=n))
        if n % 3 == 0:
            await here.issue(name, 1, on=DAY + timedelta(days=n + 1))
        await here.consent(name)
    return here
