"""How the two ways of answering are compared."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import HealthCheck, Phase, settings

from countersign.kit.access import Actor
from countersign.kit.budgets import Charge
from countersign.kit.db import Database
from countersign.reads.errors import Unreadable
from countersign.schema.engine import Engine, Request
from countersign.search.rules import NothingAsked
from tests.reads.documents import Query
from tests.reads.oracle import Oracle

# The fixtures are made once for all examples: queries change nothing.
MODEST: Final = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
CHARGE: Final = Charge(allowed=True, points=7, limit=10_000, remaining=9_000, reset_seconds=10)
REFUSALS: Final = {"FORBIDDEN", "UNAUTHENTICATED", "DOCUMENT_LIMIT_EXCEEDED", "OPERATION_TOO_COMPLEX"}
LONG: Final = settings(MODEST, max_examples=4_000, phases=(*MODEST.phases, Phase.shrink))


def refused(errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the actor lacks the authority for a field, asks for too much, or asks a search or count for nothing.

    The rooms' tests, and those of the limits, say when.
    """
    return any(
        error["extensions"]["code"] in REFUSALS
        or error["message"] == str(NothingAsked())
        or error["path"] in (["query"], ["skillIds"])
        for error in errors
    )


async def compare(oracle: Oracle, engine: Engine, db: Database, actor: Actor, query: Query) -> None:
    """Fail unless both ways give the same members in the same order with the same text."""
    call = engine.call(actor, CHARGE)
    request = Request(query.text, query.variables)
    try:
        answer = await engine.execute(engine.prepare(request, actor), actor, "differential", CHARGE)
    except Unreadable as unreadable:
        answer = engine.refused(unreadable, "differential")
    if refused(answer.errors):
        return
    assert not answer.errors, (query.text, query.variables, answer.errors)
    async with db.reader() as connection, connection.transaction():
        # The naive way may take its time.
        await connection.execute("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
        expected = await oracle.ask(connection, call, query.text, query.variables)
    assert answer.data is not None
    assert json.dumps(json.loads(answer.data)) == json.dumps(expected), (query.text, query.variables)
