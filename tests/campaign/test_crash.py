"""kill -9 of the server and of PostgreSQL, again and again, in the middle of endorsements and of an import.

What was acknowledged is there after the restart; what is repeated under its key is there once; nothing is half done.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import asyncpg
import pytest

from countersign.kit import embedded
from countersign.kit.ids import public_id
from countersign.kit.vault import Vault
from countersign.learners.service import directory_key
from tests.cli.running import Process, environment, started, still_there
from tests.patience import WAIT
from tests.ports import free_port

pytestmark = pytest.mark.campaign

ROUNDS = 6
ROWS = 20_000
ENDORSE = """
mutation($input: EndorseSpecInput!) {
  endorseSpec(input: $input) { endorsement { id state } errors { __typename } }
}
"""


@dataclass
class Portal:
    """One demo over one data directory, which is killed and started again."""

    data: Path
    port: int = field(default_factory=free_port)
    runs: int = 0

    @property
    def log(self) -> Path:
        """What it says."""
        return self.data.parent / "log"

    @property
    def arguments(self) -> tuple[str, ...]:
        """How it is started."""
        return ("demo", "--data", str(self.data), "--learners", "60", "--seed", "3", "--no-ui", "--json")

    def tokens(self) -> Mapping[str, str]:
        """The tokens of the last start, by role."""
        kept = json.loads((self.data / "demo-tokens.json").read_text())
        return {role: given["token"] for role, given in kept.items()}

    def ask(self, query: str, variables: Mapping[str, Any], token: str) -> dict[str, Any]:
        """One GraphQL request; raises OSError or HTTPException when the answer does not come."""
        request = Request(
            f"http://localhost:{self.port}/graphql",
            json.dumps({"query": query, "variables": variables}).encode(),
            {"content-type": "application/json", "authorization": f"Bearer {token}"},
        )
        with urlopen(request, timeout=WAIT) as answer:  # noqa: S310 # http, on this machine
            given: dict[str, Any] = json.load(answer)
            return given

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows of the running server's database."""
        dsn = embedded.running(self.data / "postgres", "countersign")
        assert dsn
        connection = await asyncpg.connect(dsn)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    def postmaster(self) -> int:
        """The pid of its PostgreSQL."""
        return int((self.data / "postgres" / "pgdata" / "postmaster.pid").read_text().split()[0])

    def kill(self, process: Process, who: str) -> None:
        """End the server, its PostgreSQL, or both at once, without warning."""
        victims = {"server": [process.pid], "postgres": [self.postmaster()], "both": [self.postmaster(), process.pid]}
        for pid in victims[who]:
            os.kill(pid, signal.SIGKILL)
        process.wait(WAIT)


@dataclass
class Client:
    """Endorses one version again and again, each time under a new key, and remembers what it was told."""

    portal: Portal
    version: str
    digest: str
    name: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def endorse(self, key: str, token: str) -> str | None:
        """The endorsement's id; "" when it was refused (the one before is being signed); None for no answer."""
        given = {"idempotencyKey": key, "specVersionId": self.version, "expectedDigest": self.digest, "statement": key}
        try:
            payload = self.portal.ask(ENDORSE, {"input": given}, token)
        except (OSError, HTTPException):
            return None
        data = payload.get("data") or {}
        outcome = data.get("endorseSpec")
        if outcome is None or payload.get("errors"):
            return None
        if outcome["errors"]:
            return "" if outcome["errors"] == [{"__typename": "InvalidStateError"}] else None
        return str(outcome["endorsement"]["id"])

    def work(self, stop: threading.Event, token: str) -> None:
        """Endorse until told to stop, or until the server is gone."""
        while not stop.is_set():
            key = f"crash-{self.name}-{len(self.acknowledged) + len(self.unknown):05d}"
            identity = self.endorse(key, token)
            if identity is None:
                self.unknown.append(key)
                return
            self.acknowledged[key] = identity

    def settle(self, token: str) -> None:
        """Repeat what was never answered, under the same keys."""
        for key in self.unknown:
            identity = self.endorse(key, token)
            assert identity is not None, key
            self.acknowledged[key] = identity
        self.unknown.clear()


async def clients_of(portal: Portal) -> list[Client]:
    """One client for each version that the demo's reviewer has in force."""
    found = await portal.rows(
        "select v.id, v.digest from endorsements e join organizations o on o.id = e.organization_id"
        " join spec_versions v on v.id = e.spec_version_id"
        " where o.handle = 'nautilus' and e.state = 'in_force' order by v.id"
    )
    assert found
    return [Client(portal, public_id("version", row["id"]), row["digest"], str(n)) for n, row in enumerate(found)]


async def check(portal: Portal, clients: list[Client]) -> None:
    """Every acknowledged endorsement is there, once, signed; one in force for each version."""
    wanted = {key: identity for client in clients for key, identity in client.acknowledged.items() if identity}
    for _ in range(100):
        if not await portal.rows("select 1 from endorsements where state = 'signing'"):
            break
        await asyncio.sleep(0.1)
    rows = await portal.rows(
        "select e.id, e.statement, e.state, s.endorsement_id is not null as signed from endorsements e"
        " left join endorsement_signatures s on s.endorsement_id = e.id where e.statement like 'crash-%'"
    )
    assert Counter(row["statement"] for row in rows) == Counter(list(wanted))
    assert {row["statement"]: public_id("end", row["id"]) for row in rows} == wanted
    assert all(row["signed"] for row in rows)
    forced = await portal.rows(
        "select count(*) as n from endorsements e join organizations o on o.id = e.organization_id"
        " where e.state = 'in_force' and o.handle = 'nautilus' group by e.spec_version_id"
    )
    assert {row["n"] for row in forced} == {1}


async def test_endorsements_survive_kills(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "a data")
    chance = random.Random(20261122)  # noqa: S311 # moments, not secrets
    clients: list[Client] = []
    left: list[int] = []
    for round_number in range(ROUNDS):
        with started(*portal.arguments, port=portal.port, errors=portal.log) as process:
            assert still_there(left) == [], "the next start stops what the last one left"
            token = portal.tokens()["reviewer"]
            clients = clients or await clients_of(portal)
            for client in clients:
                await asyncio.to_thread(client.settle, token)
            await check(portal, clients)
            stop = threading.Event()
            threads = [threading.Thread(target=c.work, args=(stop, token)) for c in clients]
            for thread in threads:
                thread.start()
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            left = [portal.postmaster()]
            portal.kill(process, ("server", "postgres", "both")[round_number % 3])
            stop.set()
            for thread in threads:
                thread.join()
    with started(*portal.arguments, port=portal.port, errors=portal.log):
        for client in clients:
            await asyncio.to_thread(client.settle, portal.tokens()["reviewer"])
        await check(portal, clients)
    made = sum(1 for c in clients for identity in c.acknowledged.values() if identity)
    sys.stdout.write(f"{ROUNDS} kills, {made} endorsements acknowledged, each there once and signed\n")
    assert made > ROUNDS


async def award_file(portal: Portal, file: Path, tag: str) -> None:
    """A file of a school of the demo: many new people, one version."""
    (row,) = await portal.rows(
        "select s.slug, v.semver, a.awarded_on from awards a join spec_versions v on v.id = a.spec_version_id"
        " join specs s on s.id = v.spec_id join organizations o on o.id = v.organization_id"
        " where o.handle = 'strelsau' and v.state = 'published' limit 1"
    )
    given = f"DE,DE-BE,{row['slug']},{row['semver']},{row['awarded_on']}"
    lines = [f"p{n}@{tag}.example,Person {n},{given}" for n in range(ROWS)]
    file.write_text("email,full_name,country,region,spec,version,awarded_on\n" + "\n".join(lines) + "\n")


async def imported(portal: Portal, tag: str) -> int:
    """How many awards of a file are there, none of them twice."""
    vault = Vault((portal.data / "key_encryption_key").read_text().strip().encode())
    (count,) = await portal.rows(
        "select count(*) as n, count(distinct (a.learner_id, a.spec_version_id)) as different"
        " from awards a join learner_directory d on d.learner_id = a.learner_id where d.lookup_key = any($1::bytea[])",
        [directory_key(vault, f"p{n}@{tag}.example") for n in range(ROWS)],
    )
    assert count["n"] == count["different"]
    return int(count["n"])


def bring(portal: Portal, file: Path) -> subprocess.Popen[str]:
    """Start `import awards`."""
    command = [sys.executable, "-P", "-m", "countersign", "import", "awards", str(file), "--as", "strelsau", "--json"]
    return subprocess.Popen(
        [*command, "--data", str(portal.data)],
        env=environment(COUNTERSIGN_MODE="demo", COUNTERSIGN_PORT=str(portal.port)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def until_it_writes(portal: Portal, bringing: subprocess.Popen[str]) -> None:
    """Wait until the import is at work in the database."""
    working = "select 1 from pg_stat_activity where query ilike '%award_file%' and pid <> pg_backend_pid()"
    while bringing.poll() is None:
        if await portal.rows(working):
            return
        await asyncio.sleep(0.02)


async def test_an_import_is_whole_or_absent_after_kills(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data")
    chance = random.Random(7)  # noqa: S311 # moments, not secrets
    acknowledged: dict[str, bool] = {}
    after: list[int] = []
    for round_number in range(ROUNDS):
        tag = f"crash{round_number}"
        with started(*portal.arguments, port=portal.port, errors=portal.log) as process:
            for before, was in acknowledged.items():
                assert await imported(portal, before) in ({ROWS} if was else {0, ROWS}), before
            file = tmp_path / f"{tag}.csv"
            await award_file(portal, file, tag)
            bringing = bring(portal, file)
            await until_it_writes(portal, bringing)
            await asyncio.sleep(chance.uniform(0.0, 2.5))
            match round_number % 3:
                case 0:
                    bringing.kill()
                case 1:
                    portal.kill(process, "postgres")
                case _:
                    portal.kill(process, "both")
            said, _why = await asyncio.to_thread(bringing.communicate, timeout=WAIT)
            acknowledged[tag] = bringing.returncode == 0 and json.loads(said)["created"] == ROWS
    with started(*portal.arguments, port=portal.port, errors=portal.log):
        for tag, was in acknowledged.items():
            after.append(await imported(portal, tag))
            assert after[-1] in ({ROWS} if was else {0, ROWS})
            said, why = await asyncio.to_thread(bring(portal, tmp_path / f"{tag}.csv").communicate)
            report = json.loads(said or why)
            assert (report["created"], report["unchanged"]) == (ROWS - after[-1], after[-1])
            assert await imported(portal, tag) == ROWS
    sys.stdout.write(f"{ROUNDS} kills in imports of {ROWS} rows: {after} rows there, then each whole, nothing twice\n")


def test_a_demo_whose_making_was_killed_is_made_anew(tmp_path: Path) -> None:
    portal = Portal(tmp_path / "data")
    command = [sys.executable, "-P", "-m", "countersign", *portal.arguments, "--port", str(portal.port)]
    for seconds in (2.0, 4.0, 7.0):
        with portal.log.open("ab") as log:
            process = subprocess.Popen(command, env=environment(), stdout=log, stderr=log)
        time.sleep(seconds)
        process.kill()
        process.wait()
    with started(*portal.arguments, port=portal.port, errors=portal.log):
        asyncio.run(clients_of(portal))
