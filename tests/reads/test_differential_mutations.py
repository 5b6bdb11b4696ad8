"""A mutation's payload is what the naive executor answers, whatever is selected: done once, then asked for again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.access import Actor
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.mutations.stage import SEALER, Stage, make_stage
from tests.mutations.table import TABLE
from tests.reads.differential import LONG, MODEST, compare
from tests.reads.documents import Done, Pool, Query, repetitions
from tests.reads.harvest import harvest
from tests.reads.oracle import the_oracle

ORACLE = the_oracle()
ERROR = "__typename ... on UserError { message path code }"
BAD: dict[str, dict[str, Any]] = {
    "createSpec": {"slug": "NO"},
    "editDraft": {"ifUnmodifiedSince": "1990-01-01T00:00:00Z"},
    "publishSpec": {"versionId": "version_x"},
    "deprecateSpec": {"versionId": "version_x"},
    "requestReview": {"organizationId": "org_x"},
    "endorseSpec": {"expectedDigest": "0" * 64},
    "issueAward": {"email": "nobody"},
}

SHOWN_ONCE = {"link", "text", "url", "expiresAt", "secret"}


@dataclass(frozen=True)
class Past:
    """A market in which every mutation was done, or refused, once; and what by whom."""

    stage: Stage
    pool: Pool
    done: Sequence[tuple[Actor, Sequence[Done]]]


def whole(was: Done, payload: GraphQLObjectType) -> Query:
    """A document that asks for all of a payload."""
    fields = [
        f"{name} {{ {ERROR if name == 'errors' else 'id __typename'} }}"
        for name, definition in payload.fields.items()
        if not is_leaf_type(get_named_type(definition.type))
    ]
    fields += [name for name in payload.fields if name in SHOWN_ONCE]
    input_type = f"{was.name[0].upper()}{was.name[1:]}Input!"
    text = f"mutation ($i: {input_type}) {{ {was.name}(input: $i) {{ {' '.join(fields)} clientMutationId }} }}"
    return Query(text, {"i": {**was.given, "clientMutationId": "mine"}})


@pytest_asyncio.fixture
async def past(db: Database, signer: Signer, make: Factory, owner: asyncpg.Connection[asyncpg.Record]) -> Past:
    stage = await make_stage(db, signer, make)
    done: dict[str, list[Done]] = defaultdict(list)
    # Who is erased does nothing afterwards.
    for name, row in sorted(TABLE.items(), key=lambda item: item[0] == "eraseMe"):
        for key, changes in (("bad", BAD.get(name)), ("good", {})):
            if changes is None:
                continue
            was = Done(name, {**row.given(stage), **changes, "idempotencyKey": f"{name}-{key}"})
            await stage.do(name, stage.actor(row.actor), **was.given)
            done[row.actor].append(was)
    actors = [stage.actor(role) for role in done]
    pool = await harvest(ORACLE.schema, owner, actors, SEALER)
    return Past(stage, pool, [(stage.actor(role), kept) for role, kept in done.items()])


@MODEST
@given(data=st.data())
async def test_payloads_have_one_answer(data: st.DataObject, db: Database, past: Past) -> None:
    actor, done = data.draw(st.sampled_from(past.done))
    await compare(ORACLE, past.stage.engine, db, actor, data.draw(repetitions(ORACLE.schema, past.pool, done)))


@pytest.mark.campaign
@LONG
@given(data=st.data())
async def test_payloads_of_thousands_of_documents_have_one_answer(
    data: st.DataObject, db: Database, past: Past
) -> None:
    actor, done = data.draw(st.sampled_from(past.done))
    await compare(ORACLE, past.stage.engine, db, actor, data.draw(repetitions(ORACLE.schema, past.pool, done)))


async def test_every_field_of_every_payload_is_compared(db: Database, past: Past) -> None:
    mutation = ORACLE.schema.mutation_type
    assert mutation is not None
    wanted = set()
    for actor, done in past.done:
        for was in done:
            payload = get_named_type(mutation.fields[was.name].type)
            assert isinstance(payload, GraphQLObjectType)
            wanted |= {f"Mutation.{was.name}", *(f"{payload.name}.{field}" for field in payload.fields)}
            await compare(ORACLE, past.stage.engine, db, actor, whole(was, payload))
    assert wanted - ORACLE.hits == set()
    assert {f"Mutation.{name}" for name in mutation.fields} <= wanted
