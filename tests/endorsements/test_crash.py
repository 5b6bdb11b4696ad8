"""Killing the server, and PostgreSQL with it, in the middle of endorsements. A long run: `--campaign`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.cli.hosting import DATABASE
from countersign.kit import embedded
from countersign.kit.access import SYSTEM
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database
from countersign.kit.ids import new_id
from countersign.skills import files
from countersign.skills import service as skills
from countersign.specs import service as specs
from tests.cli.running import started
from tests.conftest import NOW
from tests.endorsements.test_campaign import INVARIANTS
from tests.factories import Factory
from tests.patience import WAIT
from tests.ports import free_port
from tests.reviews.support import submitted
from tests.specs.support import SKILL_FILE

ROUNDS = 10
WRITERS = 8
EMPLOYERS = 4
VERSIONS = 6
ENDORSE = """mutation ($input: EndorseSpecInput!) { endorseSpec(input: $input) {
  endorsement { id state } errors { ... on UserError { code } } } }"""

Input = dict[str, Any]
chance = random.Random(20261122)  # noqa: S311 - reproducible, not secret


@dataclass
class Journal:
    """What the clients know: what was answered, and what they sent without hearing of it."""

    answered: dict[str, tuple[str, str]] = field(default_factory=dict)  # key → (employer's token, endorsement's id)
    inputs: dict[str, tuple[str, Input]] = field(default_factory=dict)  # key → (employer's token, input)
    in_doubt: set[str] = field(default_factory=set)
    refused: int = 0

    async def send(self, client: httpx.AsyncClient, key: str) -> str | None:
        """Send an input; the endorsement's id when it was acknowledged. Raises httpx.HTTPError when nobody answered."""
        token, given = self.inputs[key]
        self.in_doubt.add(key)
        answer = await client.post(
            "/graphql",
            json={"query": ENDORSE, "variables": {"input": given}},
            headers={"authorization": f"Bearer {token}"},
        )
        body = answer.json()
        if answer.status_code != httpx.codes.OK or "errors" in body:
            return None  # no outcome was told: it stays in doubt
        self.in_doubt.discard(key)
        payload = body["data"]["endorseSpec"]
        if payload["endorsement"] is None:
            assert [e["code"] for e in payload["errors"]] == ["CONFLICT"], payload  # another one is being signed
            self.refused += 1
            return None
        identity: str = payload["endorsement"]["id"]
        assert self.answered.setdefault(key, (token, identity)) == (token, identity), "a key has one effect"
        return identity


async def furnish(db: Database) -> tuple[list[str], list[tuple[str, str]]]:
    """Employers' tokens, and published versions as (public id, digest)."""
    make = Factory(FrozenClock(NOW))
    async with db.writer() as tx:
        await skills.store(tx, SYSTEM, files.read(SKILL_FILE.encode(), files.Style.ESCO), source="skills.csv")
        school = await make.school(tx)
        tokens = [await make.token(tx, await make.employer(tx)) for _ in range(EMPLOYERS)]
        versions = []
        for _ in range(VERSIONS):
            _, version = await submitted(tx, school, published=True)
            frozen = await specs.lock_version(tx, version)
            assert frozen is not None
            versions.append((f"version_{version}", frozen.digest))
    return tokens, versions


async def write(port: int, journal: Journal, tokens: list[str], versions: list[tuple[str, str]]) -> None:
    """Endorse without end, until nobody answers."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT) as client:
        while True:
            key = str(new_id())
            version, digest = chance.choice(versions)
            given = {
                "idempotencyKey": key,
                "specVersionId": version,
                "expectedDigest": digest,
                "statement": "We interview every holder.",
            }
            journal.inputs[key] = (chance.choice(tokens), given)
            try:
                await journal.send(client, key)
            except httpx.HTTPError:
                return


async def ask_again(port: int, journal: Journal) -> None:
    """Send again whatever nobody answered, and some of what was answered: the same keys, the same inputs."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT) as client:
        for key in list(journal.in_doubt):
            await journal.send(client, key)
        for key in chance.sample(sorted(journal.answered), min(20, len(journal.answered))):
            assert await journal.send(client, key) == journal.answered[key][1]
    assert not journal.in_doubt


async def settled(db: Database) -> None:
    """Wait until the server has signed what the crash left over."""
    async with asyncio.timeout(WAIT):
        while True:
            async with db.writer() as tx:
                if not await tx.fetchval("select count(*) from endorsements where state = 'signing'"):
                    return
            await asyncio.sleep(0.1)


@pytest.mark.campaign
def test_what_was_acknowledged_survives_every_kill_and_nothing_is_there_twice(tmp_path: Path) -> None:
    port, data, journal = free_port(), tmp_path / "data", Journal()
    arguments = ("serve", "--data", str(data))
    log = tmp_path / "log"
    given: list[Any] = []

    def dsn() -> str:
        found = embedded.running(data / "postgres", DATABASE)
        assert found is not None
        return found

    async def first() -> None:
        db = await Database.open(dsn(), wait_seconds=WAIT)
        given.extend(await furnish(db))
        await db.close()

    async def under_fire(process_id: int, postmaster: int | None) -> None:
        tokens, versions = given
        writers = [asyncio.create_task(write(port, journal, tokens, versions)) for _ in range(WRITERS)]
        enough = len(journal.answered) + WRITERS + 1
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        async with asyncio.timeout(WAIT):
            while len(journal.answered) < enough:  # noqa: ASYNC110 - so much at least is to be lost, on any machine
                await asyncio.sleep(0.01)
        if postmaster is not None:
            os.kill(postmaster, signal.SIGKILL)
        os.kill(process_id, signal.SIGKILL)
        await asyncio.gather(*writers)

    async def check() -> None:
        db = await Database.open(dsn(), wait_seconds=WAIT)
        await ask_again(port, journal)
        await settled(db)
        async with db.writer() as tx:
            kept = {f"end_{row['id']}" for row in await tx.fetch("select id from endorsements")}
            broken = {name: await tx.fetchval(sql) for name, sql in INVARIANTS.items()}
        await db.close()
        known = [identity for _, identity in journal.answered.values()]
        assert len(known) == len(set(known)), "two keys never made one endorsement"
        assert kept == set(known), "all that was acknowledged is there, and nothing else is"
        assert broken == dict.fromkeys(INVARIANTS, 0)

    for number in range(ROUNDS):
        with started(*arguments, port=port, errors=log) as process:
            asyncio.run(check() if number else first())
            pid_file = data / "postgres" / "pgdata" / "postmaster.pid"
            postmaster = int(pid_file.read_text().split()[0]) if number % 2 else None
            asyncio.run(under_fire(process.pid, postmaster))
            process.wait(WAIT)
    with started(*arguments, port=port, errors=log):
        asyncio.run(check())
    assert len(journal.answered) > ROUNDS * WRITERS
    print(json.dumps({"kills": ROUNDS, "acknowledged": len(journal.answered), "refused": journal.refused}))  # noqa: T201
