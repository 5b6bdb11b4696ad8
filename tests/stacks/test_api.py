"""Stacks through the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, POLICY, Actor, OrganizationKind, Permission, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.specs.rules import Kind
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask_data
from tests.reviews.support import everything, submitted
from tests.specs.support import ground

CREATE = """mutation ($input: CreateStackInput!) { createStack(input: $input) {
  stack { id handle title description organization { id } blocks { id } capstone { id } }
  errors { __typename ... on UserError { code path message } } } }"""


@dataclass
class Desk:
    """The API over a school with three published blocks and a capstone."""

    engine: Engine
    db: Database
    school: Actor
    blocks: list[UUID]
    capstone: UUID

    async def create(self, actor: Actor | None = None, **changes: Any) -> Any:
        """The payload of createStack."""
        given = {
            "idempotencyKey": str(new_id()),
            "handle": "analyst",
            "title": "Analyst",
            "description": "Three blocks and a capstone.",
            "blockIds": [f"spec_{block}" for block in self.blocks],
            "capstoneId": f"spec_{self.capstone}",
        }
        data = await ask_data(self.engine, CREATE, actor or self.school, input=given | changes)
        return data["createStack"]


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> Desk:
    async with db.writer() as tx:
        await ground(tx)
        school = await make.school(tx)
        made = [(await submitted(tx, school, published=True))[0] for _ in range(3)]
        capstone, _ = await submitted(tx, school, kind=Kind.CAPSTONE, published=True)
    return Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, school, made, capstone)


def problems(payload: Any) -> list[tuple[str, list[str]]]:
    return [(e["code"], e["path"]) for e in payload["errors"]]


async def test_a_stack_is_seen_by_everyone_in_its_order(desk: Desk) -> None:
    order = [f"spec_{block}" for block in (desk.blocks[2], desk.blocks[0], desk.blocks[1])]
    made = await desk.create(blockIds=order)
    assert made["errors"] == []
    stack = made["stack"]
    assert [block["id"] for block in stack["blocks"]] == order
    assert stack["capstone"] == {"id": f"spec_{desk.capstone}"}
    assert stack["organization"] == {"id": f"org_{desk.school.organization_id}"}
    query = """query ($h: String, $spec: ID) { stack(by: {handle: $h}) { id blocks { id } }
      stacks(first: 5, filter: {specId: $spec}) { nodes { id } totalCount } }"""
    for spec, count in ((order[0], 1), (f"spec_{desk.capstone}", 1), (f"spec_{new_id()}", 0)):
        data = await ask_data(desk.engine, query, ANONYMOUS, h="analyst", spec=spec)
        assert data["stack"] == {"id": stack["id"], "blocks": [{"id": key} for key in order]}
        assert data["stacks"]["totalCount"] == count
    held = "query ($id: ID!) { credentialSpec(by: {id: $id}) { stacks(first: 5) { nodes { id } } } }"
    for spec in (order[0], f"spec_{desk.capstone}"):
        data = await ask_data(desk.engine, held, ANONYMOUS, id=spec)
        assert data["credentialSpec"]["stacks"]["nodes"] == [{"id": stack["id"]}]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"blockIds": []}, [("REQUIRED", ["blockIds"])]),
        ({"blockIds": ["spec_x"]}, [("NOT_FOUND", ["blockIds", "0"])]),
        ({"capstoneId": "org_x"}, [("NOT_FOUND", ["capstoneId"])]),
        ({"handle": "No Handle", "title": ""}, [("INVALID", ["handle"]), ("REQUIRED", ["title"])]),
    ],
)
async def test_a_faulty_stack_is_refused_at_its_place(
    desk: Desk, changes: dict[str, Any], expected: list[tuple[str, list[str]]]
) -> None:
    before = await everything(desk.db)
    payload = await desk.create(**changes)
    assert payload["stack"] is None
    assert problems(payload) == expected
    assert await everything(desk.db) == before


async def test_duplicates_and_the_capstone_among_the_blocks_are_refused(desk: Desk) -> None:
    before = await everything(desk.db)
    first, capstone = f"spec_{desk.blocks[0]}", f"spec_{desk.capstone}"
    payload = await desk.create(blockIds=[first, first, capstone])
    assert problems(payload) == [("CONFLICT", ["blockIds", "1"]), ("CONFLICT", ["blockIds", "2"])]
    assert await everything(desk.db) == before


async def test_every_role_that_may_not_is_refused_and_nothing_changes(desk: Desk, make: Factory) -> None:
    rule = POLICY[Permission.CREATE_STACK]
    async with desk.db.writer() as tx:
        organizations = {kind: await make.organization(tx, kind) for kind in OrganizationKind}
    before = await everything(desk.db)
    refused = []
    for kind, organization in organizations.items():
        for role in Role:
            if kind in rule.kinds and role in rule.roles:
                continue
            actor = Actor(
                organization_id=organization,
                organization_kind=kind,
                person_id=new_id(),
                token_id=new_id(),
                roles=frozenset({role}),
                scopes=frozenset(Scope),
            )
            refused.append(problems(await desk.create(actor)))
    assert refused == [[("NOT_ALLOWED", [])]] * 25
    assert await everything(desk.db) == before


async def test_a_description_is_told_as_it_was_written_and_as_harmless_html(desk: Desk) -> None:
    written = "**Three** blocks <script>alert(1)</script> ![x](https://a.example/1.png) and a [capstone](javascript:x)"
    made = await desk.create(description=written)
    query = "query ($id: ID!) { node(id: $id) { ... on Stack { description descriptionHtml } } }"
    data = await ask_data(desk.engine, query, ANONYMOUS, id=made["stack"]["id"])
    assert data["node"]["description"] == written
    shown = data["node"]["descriptionHtml"]
    assert shown.startswith("<p><strong>Three</strong> blocks &lt;script&gt;alert(1)&lt;/script&gt;")
    assert shown.count("<") == shown.count("<p>") * 2 + shown.count("<strong>") * 2 + shown.count("<a ") * 2
    assert 'href="https://a.example/1.png" rel="nofollow noopener"' in shown
    assert 'href="javascript' not in shown
