"""What an engine keeps of documents is bounded and told; clients with endless documents wash nothing of others out."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from countersign.kit.access import ANONYMOUS
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.signer import Signer
from tests.reads.typical import TYPICAL

CAPACITY = 1_000_000
HONEST = [typical for typical in TYPICAL if typical.role == "nobody" and not typical.variables]
SPECS = "{ credentialSpecs(first: 5, orderBy: {field: SLUG}) { nodes { id slug title kind school { displayName } } } }"


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer), kept_bytes=CAPACITY)


def distinct(number: int) -> str:
    """A document that nobody has sent before."""
    return SPECS.replace("slug", f"s{number}: slug")


async def ask(engine: Engine, text: str) -> None:
    answer = await engine.answer(Request(text, {}), ANONYMOUS, "memory")
    assert not answer.errors, answer.errors


async def test_a_document_is_read_and_compiled_once_and_that_is_told(engine: Engine) -> None:
    for _ in range(3):
        await ask(engine, SPECS)
    told = engine.statistics()
    assert (told.documents.kept, told.documents.hits, told.documents.misses) == (1, 2, 1)
    assert (told.read.count, told.compiled.count) == (1, 1)
    assert 0 < told.compiled.longest == told.compiled.seconds
    assert 0 < told.read.longest == told.read.seconds
    assert told.documents.weight > len(SPECS)
    # Another shape of the variables is another plan of the same document.
    text = "query ($d: Boolean!) { skillFrameworks { id @include(if: $d) handle } }"
    for value in (True, False, True):
        await engine.answer(Request(text, {"d": value}), ANONYMOUS, "memory")
    assert (engine.statistics().documents.kept, engine.statistics().compiled.count) == (2, 3)


async def test_a_flood_of_documents_takes_no_more_memory_and_washes_out_nothing_in_use(engine: Engine) -> None:
    for typical in HONEST * 2:
        await ask(engine, typical.text)
    compiled = engine.statistics().compiled.count
    assert compiled == len(HONEST) >= 3
    for number in range(60):
        await ask(engine, distinct(number))
        assert engine.statistics().documents.weight <= CAPACITY
    assert engine.statistics().documents.forgotten > 20
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(60, 120):
            await ask(engine, distinct(number))
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 1.3 * CAPACITY
    finally:
        tracemalloc.stop()
    for typical in HONEST:
        await ask(engine, typical.text)
    assert engine.statistics().compiled.count == compiled + 120


async def test_shapes_of_variables_are_bounded_for_each_document(engine: Engine) -> None:
    names = [f"b{n}" for n in range(8)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: handle @include(if: ${name})" for name in names)
    text = f"query ({declared}) {{ skillFrameworks {{ id {fields} }} }}"
    for number in range(120):
        values = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        assert not (await engine.answer(Request(text, values), ANONYMOUS, "memory")).errors
    document = engine.document(text)
    assert len(document.known) == 50
    assert engine.statistics().documents.weight == document.weight + document.known.statistics().weight


async def test_the_weight_of_what_is_kept_is_about_what_it_takes(db: Database, signer: Signer) -> None:
    engine = Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))
    await ask(engine, distinct(0))
    gc.collect()
    tracemalloc.start()
    try:
        before, told = tracemalloc.get_traced_memory()[0], engine.statistics().documents.weight
        for number in range(1, 30):
            await ask(engine, distinct(number))
        for typical in HONEST:
            await ask(engine, typical.text)
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.6 * taken < engine.statistics().documents.weight - told < 1.8 * taken
