"""The demo's process: one line of JSON, tokens that work, made once, healed when its making was interrupted."""

import asyncio
import json
import os
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from countersign.cli import hosting
from countersign.demo.run import BEGUN, GUESTS, MADE, TOKENS
from countersign.kit import embedded
from countersign.kit.access import POLICY, OrganizationKind, Scope
from tests.patience import WAIT
from tests.ports import free_port
from tests.serving import Demo, start, stop

COUNTS = """
select (select count(*) from organizations), (select count(*) from endorsements), (select count(*) from awards),
       (select count(*) from candidate_award), (select count(*) from listings), (select count(*) from skills)
"""


def counts(data: Path) -> tuple[int, ...]:
    """How many of everything the demo in a data directory holds; its server is running."""
    dsn = embedded.running(data / "postgres", hosting.DATABASE)
    assert dsn is not None

    async def count() -> tuple[int, ...]:
        connection = await asyncpg.connect(dsn)
        try:
            return tuple(await connection.fetchrow(COUNTS) or ())
        finally:
            await connection.close()

    return asyncio.run(count())


def test_json_is_one_line_with_a_token_for_each_role_and_its_organization(demo: Demo) -> None:
    assert set(demo.said) == {"url", "graphql", "tokens", "links"}
    assert all(demo.said["links"][role].startswith(f"{demo.url}demo/{role}?once=") for role in demo.said["tokens"])
    assert demo.said["graphql"] == f"{demo.url}graphql"
    organizations = {role: given["organization"] for role, given in demo.said["tokens"].items()}
    assert set(organizations) == {"reviewer", "school", "recruiter", "learner"}
    assert organizations.pop("learner") is None
    assert all(organizations.values())


def test_every_token_is_random_and_signs_in(demo: Demo) -> None:
    tokens = {demo.token(role) for role in demo.said["tokens"]}
    assert len(tokens) == 4
    for role in demo.said["tokens"]:
        assert demo.ask("{ __typename }", role=role) == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("reviewer", OrganizationKind.EMPLOYER),
        ("school", OrganizationKind.SCHOOL),
        ("recruiter", OrganizationKind.EMPLOYER),
    ],
)
def test_a_guest_may_do_all_that_the_roles_may_but_make_tokens_and_members(role: str, kind: OrganizationKind) -> None:
    guest = GUESTS[role]
    own = {rule.scope for rule in POLICY.values() if rule.scope and rule.roles & guest.roles and kind in rule.kinds}
    assert own - guest.scopes == {Scope.TOKEN_WRITE, Scope.MEMBER_WRITE}


def test_the_tokens_file_is_for_its_owner_alone(demo: Demo) -> None:
    assert stat.S_IMODE((demo.data / TOKENS).stat().st_mode) == 0o600


def test_livez_and_readyz_answer(demo: Demo) -> None:
    assert httpx.get(f"{demo.url}livez", timeout=WAIT).status_code == 200
    assert httpx.get(f"{demo.url}readyz", timeout=WAIT).status_code == 200


@dataclass(frozen=True)
class Small:
    """A demo of thirty learners that was made, and stopped."""

    data: Path
    port: int
    first: dict[str, Any]
    counts: tuple[int, ...]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """Made once for this file, in a path with a space."""
    data, port = tmp_path_factory.mktemp("a demo") / "data", free_port()
    process, line = start(data, port, "--learners", "30")
    whole = counts(data)
    assert stop(process) == 128 + signal.SIGTERM
    assert embedded.running(data / "postgres", hosting.DATABASE) is None
    return Small(data, port, json.loads(line), whole)


def test_a_second_run_makes_nothing_anew_and_ends_the_first_run_s_tokens(small: Small) -> None:
    process, line = start(small.data, small.port)
    try:
        second = json.loads(line)
        assert counts(small.data) == small.counts
        statuses = [
            httpx.post(
                second["graphql"],
                json={"query": "{ __typename }"},
                headers={"authorization": f"Bearer {run['tokens']['school']['token']}"},
                timeout=WAIT,
            ).status_code
            for run in (small.first, second)
        ]
        assert statuses == [401, 200]
    finally:
        stop(process)


def test_another_number_of_learners_is_refused_with_the_remedy(small: Small) -> None:
    with pytest.raises(RuntimeError, match=r"30 learners.*python3 server reset"):
        start(small.data, small.port, "--learners", "31")


def test_another_port_is_refused_with_the_remedy(small: Small) -> None:
    port = free_port()
    with pytest.raises(RuntimeError, match=f"python3 server demo --port {port} --data '.*-{port}'"):
        start(small.data, port)


def test_a_demo_whose_making_was_interrupted_is_made_anew(small: Small) -> None:
    process, _ = start(small.data, small.port)
    dsn = embedded.running(small.data / "postgres", hosting.DATABASE)
    assert dsn is not None

    async def interrupt() -> None:
        owner = await asyncpg.connect(dsn)
        await owner.execute("delete from installation where key = $1", MADE)
        await owner.execute("delete from candidate_award")
        assert await owner.fetchval("select count(*) from installation where key = $1", BEGUN) == 1
        await owner.close()

    asyncio.run(interrupt())
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    process, _ = start(small.data, small.port, "--learners", "30")
    try:
        assert counts(small.data) == small.counts
    finally:
        stop(process)
    # and the next run finds its people: what migrating noted of the sealed data outlived the making anew
    stop(start(small.data, small.port)[0])
