"""A small market whose every command is in the log, and what it takes to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from countersign import app
from countersign.awards import credentials
from countersign.awards import service as awards
from countersign.conflicts import interests
from countersign.conflicts import service as conflicts
from countersign.conflicts.rules import LinkKind
from countersign.endorsements import foreign
from countersign.endorsements import jobs as signing
from countersign.endorsements import service as endorsements
from countersign.kit import audit
from countersign.kit.access import SYSTEM, OrganizationKind, Role
from countersign.kit.db import Database, Reader, Tx
from countersign.log import checking, jobs, sequencing
from countersign.log.rules_notes import Checkpoint, LogKey, origin_of
from countersign.organizations import domains, standing
from countersign.organizations.rules_domains import Answer, Finding, Method
from countersign.reviews import rubrics
from countersign.reviews.rules_rubrics import Wanted
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.awards.support import ANNA, BORIS, DAY
from tests.conftest import ORIGIN
from tests.endorsements.samples import EVERY_KIND
from tests.factories import Factory
from tests.patience import WAIT
from tests.reviews.support import Scene, reviewed, scene
from tests.specs.support import submitted

SECRET = b"the log's own secret, of this test"
KEY = LogKey(SECRET, origin_of(ORIGIN))


@dataclass
class Ledger:
    """What was done, and the log of it."""

    db: Database
    here: Scene
    signer: Signer
    live: UUID
    revoked: UUID
    awarded: tuple[int, UUID]

    async def keep(self) -> Checkpoint:
        """Take everything that was done into the log."""
        return await keep(self.db)

    async def check(self, witnessed: Sequence[str] = (), reader: Reader | None = None) -> checking.Report:
        """Check the log, as this installation does."""
        if reader is not None:
            return await look(reader, witnessed)
        async with self.db.fresh_reader() as own:
            return await look(own, witnessed)

    async def note(self) -> str:
        """The newest checkpoint."""
        async with self.db.fresh_reader() as reader:
            return str(await reader.fetchval("select note from log_checkpoints order by number desc limit 1"))


async def look(reader: Reader, witnessed: Sequence[str] = (), *, played: bool = False) -> checking.Report:
    """Check the log of a connection's database."""
    return await checking.check(
        reader, KEY.verifier, app.LOGGED, seal=audit.sealing_key(), witnessed=witnessed, played=played
    )


async def keep(db: Database) -> Checkpoint:
    """Take everything into the log; transactions of others on this server may hold it up for a moment."""
    async with asyncio.timeout(WAIT):
        while True:
            await jobs.catch_up(db, KEY, app.LOGGED)
            async with db.fresh_reader() as reader:
                if (await sequencing.waiting(reader))[0] == 0:
                    note = await reader.fetchval("select note from log_checkpoints order by number desc limit 1")
                    return KEY.verifier.open(note)
            await asyncio.sleep(0.05)


async def ledger(db: Database, signer: Signer, make: Factory) -> Ledger:
    """Two endorsements, one revoked; two awards, one revoked; all of it kept in the log."""
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    live = await endorse(db, signer, here)
    async with db.writer() as tx:
        other = await make.employer(tx)
    revoked = await endorse(db, signer, replace(here, employer=other))
    async with db.writer() as tx:
        await endorsements.revoke(tx, other, endorsements.Revoke(revoked, "The tool is gone."))
        issued = [
            await awards.issue(tx, here.school, awards.IssueAward(here.version, person, DAY))
            for person in (ANNA, BORIS)
        ]
    for one in issued:
        assert await credentials.sign(db, signer, one.learner_id, one.award_id)
    async with db.writer() as tx:
        gone = awards.RevokeAward(issued[1].learner_id, issued[1].award_id, "Not hers.")
        await awards.revoke(tx, here.school, gone)
        await judged(tx, here)
        await tied(tx, make)
    found = Ledger(db, here, signer, live, revoked, (issued[0].learner_id, issued[0].award_id))
    await found.keep()
    return found


async def endorse(db: Database, signer: Signer, here: Scene) -> UUID:
    """A signed endorsement."""
    async with db.writer() as tx:
        wanted = endorsements.EndorseSpec(
            here.version, here.digest, "We interview every holder.", evidence=EVERY_KIND[:2]
        )
        identity = await endorsements.endorse(tx, here.employer, wanted)
    assert await signing.sign(db, signer, identity) is not None
    return identity


async def judged(tx: Tx, here: Scene) -> UUID:
    """A submitted review with remarks, by the platform's rubric; one rubric of the employer's; an issuer elsewhere."""
    await rubrics.publish(tx, here.employer, rubrics.PublishRubric("Ours", (Wanted("R1"),)))
    await foreign.recognize(tx, SYSTEM, "did:web:guild.example", "The guild")
    return await reviewed(tx, here.school, here.employer, here.version)


async def tied(tx: Tx, make: Factory) -> None:
    """Two organizations with a link, a payment, a tool, a domain of their own; one was suspended for a while."""
    one, other = [await make.organization(tx) for _ in range(2)]
    admin = await make.member(tx, one, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    await conflicts.record(tx, SYSTEM, one, other, LinkKind.CONTROLS)
    await interests.record_sponsorship(tx, SYSTEM, one, other, DAY)
    await interests.declare_tool(tx, admin, "Straw 3")
    claimed = await domains.claim(tx, admin, "straw.example")
    await domains._keep(tx, claimed, Answer(Finding.PROVED, Method.DNS))
    await standing.suspend(tx, SYSTEM, other, "Nobody answers.")
    await standing.resume(tx, SYSTEM, other)


async def another_version(tx: Tx, ledger: Ledger) -> UUID:
    """A further published version of the school's."""
    version = await submitted(tx, ledger.here.school, "another-one")
    await specs.publish(tx, ledger.here.school, version)
    return version
