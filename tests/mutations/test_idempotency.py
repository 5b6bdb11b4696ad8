"""Every mutation of the schema: done once for its key, whoever repeats it, however often, at whatever time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from countersign.kit.access import Actor, OrganizationKind
from countersign.kit.ids import new_id
from tests.factories import Factory
from tests.mutations.stage import SCHEMA, Stage
from tests.mutations.table import TABLE, Row
from tests.reviews.support import everything

AT_ONCE = 16
PUBLIC_ID = re.compile(r"[a-z]+_[A-Za-z0-9_-]+")


def test_every_mutation_is_tried() -> None:
    assert SCHEMA._schema.mutation_type is not None
    assert set(TABLE) == set(SCHEMA._schema.mutation_type.fields)


async def settled(stage: Stage) -> dict[str, list[str]]:
    """All rows, once nothing that the mutation has begun is still being done."""
    before = await everything(stage.db)
    while (after := await everything(stage.db)) != before:
        before = after
    return after


async def kept(stage: Stage) -> list[dict[str, Any]]:
    async with stage.db.writer() as tx:
        rows = await tx.fetch("select key, outcome from idempotency_keys order by scope, key")
        return [dict(row) for row in rows]


async def done(stage: Stage, name: str) -> int:
    async with stage.db.writer() as tx:
        found = await tx.fetchval("select count(*) from audit_events where action = $1 and decision = 'done'", name)
        return int(found)


async def insist(stage: Stage, name: str, actor: Actor, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a mutation, asked again as a client does who is told that the server is busy."""
    while True:
        answer = await stage.do(name, actor, **given)
        if not {error["extensions"]["code"] for error in answer.get("errors", ())} & {"UNAVAILABLE", "TIMEOUT"}:
            return answer


@pytest.mark.parametrize("name", TABLE)
async def test_a_mutation_happens_once_for_its_key(stage: Stage, name: str) -> None:
    row: Row = TABLE[name]
    actor, given = stage.actor(row.actor), {**row.given(stage), "idempotencyKey": "k"}
    first = await stage.do(name, actor, **given, clientMutationId="mine")
    assert first["data"][name]["errors"] == [], first
    assert "extensions" not in first or "idempotency" not in first["extensions"]
    after = await settled(stage)
    # The same input again: the same payload, and nothing has happened. The client's mark is this request's.
    again = await stage.do(name, actor, **given, clientMutationId="mine")
    assert again["data"] == first["data"]
    assert again["extensions"]["idempotency"] == "replayed"
    marked = await stage.do(name, actor, **given)
    assert marked["data"][name] == first["data"][name] | {"clientMutationId": None}
    # Another input under the same key is refused.
    other = await stage.do(name, actor, **{**given, **row.other})
    assert [e["__typename"] for e in other["data"][name]["errors"]] == ["IdempotencyKeyReusedError"]
    assert [e["code"] for e in other["data"][name]["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]
    assert "idempotency" not in other.get("extensions", {})
    # So it is for who has lost the authority, before anyone looks at the key.
    powerless = replace(actor, scopes=frozenset(), login_id=None, token_id=new_id())
    for changes in ({}, dict(row.other)):
        refused = await stage.do(name, powerless, **(given | changes))
        assert [e["code"] for e in refused["data"][name]["errors"]] == ["NOT_ALLOWED"]
        assert "idempotency" not in refused.get("extensions", {})
    assert await settled(stage) == after
    assert await done(stage, name) == 1
    # What is kept are ids and problems: no text of the input, no secret.
    (only,) = await kept(stage)
    assert set(only["outcome"]) == {"entities", "problems"}
    assert only["outcome"]["problems"] == []
    assert all(PUBLIC_ID.fullmatch(value) for value in only["outcome"]["entities"].values())


@pytest.mark.parametrize("name", TABLE)
async def test_sixteen_at_once_with_one_key_have_one_effect(stage: Stage, name: str) -> None:
    row: Row = TABLE[name]
    actor, given = stage.actor(row.actor), {**row.given(stage), "idempotencyKey": "k"}
    answers = await asyncio.gather(*(insist(stage, name, actor, given) for _ in range(AT_ONCE)))
    assert answers[0]["data"][name]["errors"] == [], answers[0]
    assert len({json.dumps(answer["data"]) for answer in answers}) == 1
    replayed = ["idempotency" in answer.get("extensions", {}) for answer in answers]
    assert replayed.count(False) <= 1
    assert await done(stage, name) == 1
    assert len(await kept(stage)) == 1


@pytest.mark.parametrize("name", TABLE)
async def test_a_key_belongs_to_its_organization_and_actor(stage: Stage, name: str, make: Factory) -> None:
    row: Row = TABLE[name]
    actor, given = stage.actor(row.actor), {**row.given(stage), "idempotencyKey": "k"}
    first = await stage.do(name, actor, **given)
    assert first["data"][name]["errors"] == []
    async with stage.db.writer() as tx:
        elsewhere = await make.organization(tx, actor.organization_kind or OrganizationKind.SCHOOL)
    others = [stage.colleague(actor)] if actor.learner_id is None else [replace(actor, learner_id=-1)]
    if actor.learner_id is None:
        others.append(replace(actor, organization_id=elsewhere))
    for other in others:
        answer = await stage.do(name, other, **{**given, **row.other})
        codes = [e["code"] for e in answer["data"][name]["errors"]] if answer["data"][name] else []
        assert "IDEMPOTENCY_KEY_REUSED" not in codes
        assert "idempotency" not in answer.get("extensions", {})
    assert len({json.dumps(row["key"]) for row in await kept(stage)}) == 1
    assert len(await kept(stage)) == 1 + len(others)


async def test_what_is_kept_of_a_change_names_no_person(stage: Stage) -> None:
    row = TABLE["issueAward"]
    marked = [
        ({"email": "marker-address"}, 1),
        ({"email": "marker@" + "x" * 400}, 1),
        ({"fullName": "Marker\u202ename"}, 1),
        ({"fullName": "Marker " * 100}, 1),
        ({"region": "marker-region"}, 1),
        ({"email": "marker@example.com", "fullName": "Marker Name"}, 0),
        ({"email": "MARKER@example.com", "fullName": "Marker Name"}, 1),
    ]
    for n, (fields, refused) in enumerate(marked):
        given = {**row.given(stage), **fields, "idempotencyKey": f"k{n}"}
        answer = await stage.do("issueAward", stage.school, **given)
        assert len(answer["data"]["issueAward"]["errors"]) == refused
    async with stage.db.writer() as tx:
        texts = await tx.fetch(
            "select outcome::text as text from idempotency_keys union all select to_jsonb(a)::text from audit_events a"
        )
    assert len(texts) >= 2 * len(marked)
    assert not [text["text"] for text in texts if "marker" in text["text"].lower()]
