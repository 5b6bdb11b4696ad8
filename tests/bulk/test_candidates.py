"""Candidates leave in a file as they are shown: charged, recorded, for two persons, while all of them agree."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest_asyncio

from countersign.awards.consent import SetConsent, set_consent
from countersign.bulk import jobs
from countersign.bulk.exporting import Exporter, ExportPage, ExportPlan
from countersign.kit.access import SYSTEM, Actor
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.learners.rules import Purpose
from countersign.organizations import approvals
from countersign.search import rules
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.bulk.support import objects, path_of
from tests.factories import Factory
from tests.search.hall import Hall, hall

QUERY = "query ($skill: [ID!]) { searchCandidates(skills: $skill) { nodes { id region } } }"
OPERATION = "bulkOperation { id state resultUrl rowsDone failureCode failure expiresAt }"
NAMES = [f"graduate{n}" for n in range(4)]


@dataclass
class Firm:
    """A recruiter at the API, and the worker."""

    api: Api
    here: Hall

    async def start(self, *, approved: bool = True) -> str:
        """An export of everybody who has the skill."""
        given = {"query": QUERY, "variables": json.dumps({"skill": [self.here.skill_id]})}
        payload = await self.api.do("startBulkExport", OPERATION, self.here.recruiter, **given)
        assert payload["errors"] == []
        assert payload["bulkOperation"]["state"] == "AWAITING_APPROVAL"
        identity = str(payload["bulkOperation"]["id"])
        if approved:
            async with self.api.db.writer() as tx:
                waiting = await tx.fetchval(
                    "select id from approvals where object = $1 and state = 'proposed'", identity
                )
                await approvals.approve(tx, SYSTEM, waiting)
        return identity

    async def work(self, exporter: Exporter | None = None) -> bool:
        """Work on what waits; whether there was something."""
        return await jobs.take(self.api.db, exporter or self.api.engine.exporter)

    async def look(self, identity: str) -> dict[str, Any]:
        """The operation as it is now."""
        asked = f"query ($id: ID!) {{ {OPERATION.replace('bulkOperation', 'bulkOperation(id: $id)', 1)} }}"
        found: dict[str, Any] = (await self.api.ask(asked, self.here.recruiter, id=identity))["bulkOperation"]
        return found

    async def fetch(self, url: str, actor: Actor | None = None) -> tuple[int, bytes]:
        """Status and bytes of a file."""
        headers = await self.api.authorization(actor or self.here.recruiter)
        got = await self.api.client.get(path_of(url), headers=headers)
        return got.status_code, got.content

    async def value(self, text: str) -> Any:
        """One value of the database."""
        async with self.api.db.reader() as reader:
            return await reader.fetchval(text)


@pytest_asyncio.fixture
async def firm(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Firm]:
    async with served(db, signer, make) as api:
        yield Firm(api, await hall(db, api.engine, signer, make, graduates=len(NAMES)))


async def test_candidates_are_exported_when_another_person_approves_and_each_is_charged_and_recorded(
    firm: Firm,
) -> None:
    identity = await firm.start(approved=False)
    assert not await firm.work()
    assert await firm.value("select count(*) from candidate_views") == 0
    identity = await firm.start()
    assert await firm.work()
    done = await firm.look(identity)
    assert (done["state"], done["rowsDone"]) == ("COMPLETED", len(NAMES))
    _, data = await firm.fetch(done["resultUrl"])
    shown = (await firm.here.ask(first=10))["nodes"]
    assert objects(data) == [{"id": one["id"], "region": one["region"]} for one in shown]
    assert "example.com" not in data.decode()
    assert await firm.value("select sum(used) from reveal_quotas") == len(NAMES)
    assert await firm.value("select count(*) from candidate_views") == len(NAMES)
    told = await firm.value("select reason from audit_events where action = 'exported'")
    assert told.startswith(f"{len(NAMES)} rows of searchCandidates")
    colleague = firm.here.employers[1]
    assert (await firm.fetch(done["resultUrl"], colleague))[0] == 404


async def test_an_export_of_candidates_stops_at_the_days_quota(firm: Firm) -> None:
    async with firm.api.db.writer() as tx:
        await tx.execute(
            "insert into reveal_quotas (organization_id, day, used) values ($1, ($2 at time zone 'UTC')::date, $3)",
            firm.here.recruiter.organization_id,
            await tx.now(),
            rules.DAILY_QUOTA - 1,
        )
    identity = await firm.start()
    assert await firm.work()
    done = await firm.look(identity)
    assert (done["state"], done["failureCode"], done["resultUrl"]) == ("FAILED", "QUERY_FAILED", None)
    assert await firm.value("select sum(used) from reveal_quotas") == rules.DAILY_QUOTA - 1
    assert await firm.value("select count(*) from bulk_chunks") == 0


async def test_who_withdraws_takes_along_the_files_that_show_them_and_no_other(firm: Firm) -> None:
    await firm.here.consent(NAMES[0], granted=False)
    without = await firm.start()
    assert await firm.work()
    await firm.here.consent(NAMES[0])
    with_all = await firm.start()
    assert await firm.work()
    address = (await firm.look(with_all))["resultUrl"]
    await firm.here.consent(NAMES[0], granted=False)
    gone = await firm.look(with_all)
    assert (gone["state"], gone["resultUrl"]) == ("EXPIRED", None)
    assert (await firm.fetch(address))[0] == 404
    assert await firm.value("select count(distinct operation_id) from bulk_chunks") == 1
    kept = await firm.look(without)
    assert len(objects((await firm.fetch(kept["resultUrl"]))[1])) == len(NAMES) - 1


class Meanwhile:
    """The exporter, while something else happens after a page."""

    def __init__(self, real: Exporter, firm: Firm, name: str) -> None:
        self._real = real
        self._firm = firm
        self._name = name

    def plan(self, *given: Any) -> ExportPlan:
        """As it is."""
        return self._real.plan(*given)

    async def page(self, *given: Any) -> ExportPage:
        """As it is; then somebody on it withdraws."""
        page = await self._real.page(*given)
        await self._firm.here.consent(self._name, granted=False)
        return page


async def test_who_withdraws_while_the_file_is_made_is_in_none(firm: Firm) -> None:
    identity = await firm.start()
    assert await firm.work(Meanwhile(firm.api.engine.exporter, firm, NAMES[1]))
    done = await firm.look(identity)
    assert (done["state"], done["resultUrl"]) == ("FAILED", None)
    assert "withdrew" in done["failure"]
    assert await firm.value("select count(*) from bulk_chunks") == 0


async def test_a_file_with_candidates_goes_after_a_day_or_with_the_first_consent_that_ends(
    firm: Firm, clock: FrozenClock
) -> None:
    first = await firm.start()
    assert await firm.work()
    now = clock.now()
    assert (await firm.look(first))["expiresAt"] == f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    until = now + timedelta(hours=3)
    await firm.here.consent(NAMES[2], granted=False)
    async with firm.api.db.writer() as tx:
        learner = firm.here.learner(NAMES[2])
        await set_consent(tx, learner, SetConsent(Purpose.TALENT_SEARCH, granted=True, expires_at=until))
    second = await firm.start()
    assert await firm.work()
    done = await firm.look(second)
    assert done["expiresAt"] == f"{until:%Y-%m-%dT%H:%M:%SZ}"
    clock.move(timedelta(hours=3))
    assert (await firm.fetch(done["resultUrl"]))[0] == 404
    await jobs.expire(firm.api.db)
    assert await firm.value("select count(*) from bulk_operations where shown_learners is not null") == 0


async def test_a_consent_that_is_given_an_end_afterwards_is_the_end_of_the_file_too(
    firm: Firm, clock: FrozenClock
) -> None:
    made = await firm.start()
    assert await firm.work()
    now = clock.now()
    for hours, left in ((30, 24), (5, 5), (2, 2), (7, 2)):
        async with firm.api.db.writer() as tx:
            wanted = SetConsent(Purpose.TALENT_SEARCH, granted=True, expires_at=now + timedelta(hours=hours))
            await set_consent(tx, firm.here.learner(NAMES[1]), wanted)
        found = (await firm.look(made))["expiresAt"]
        assert found == f"{now + timedelta(hours=left):%Y-%m-%dT%H:%M:%SZ}", hours
    address = (await firm.look(made))["resultUrl"]
    clock.move(timedelta(hours=2))
    assert (await firm.fetch(address))[0] == 404


async def test_who_may_not_search_exports_no_candidates(firm: Firm) -> None:
    given = {"query": QUERY, "variables": json.dumps({"skill": [firm.here.skill_id]})}
    refused = await firm.api.do("startBulkExport", OPERATION, firm.here.school, **given)
    assert [error["code"] for error in refused["errors"]] == ["NOT_ALLOWED"]
    assert await firm.value("select count(*) from bulk_operations") == 0
