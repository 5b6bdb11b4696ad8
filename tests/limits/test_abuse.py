"""Every abuse ends in a coded refusal before any statement is run, and an honest request beside it is answered."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.limits.abuses import ABUSES, Abuse, names
from tests.limits.conftest import Counter
from tests.patience import within

HUNG = 2.0  # seconds, on any machine: each takes some thousandths of one


def test_there_are_thirty_nine() -> None:
    assert len(set(names(ABUSES))) == 39


@pytest.mark.parametrize("abuse", ABUSES, ids=names(ABUSES))
async def test_an_abuse_is_refused_in_words_and_honest_work_goes_on(counter: Counter, abuse: Abuse) -> None:
    hostile = (
        abuse.body(abuse.query) if abuse.body is not None else {"query": abuse.query, "variables": abuse.variables}
    )
    honest = {"query": abuse.honest, "variables": abuse.honest_variables}
    began = time.process_time()
    response = await counter.post(hostile)
    assert time.process_time() - began < within(HUNG)
    body = response.json()
    assert response.status_code == 400
    assert "data" not in body
    assert 1 <= len(body["errors"]) <= 5
    assert {error["extensions"]["code"] for error in body["errors"]} == {abuse.code}
    assert all(error["extensions"]["requestId"] for error in body["errors"])
    assert abuse.says in body["errors"][0]["message"]
    assert counter.db.statements == []
    assert counter.db.transactions == 0
    # Beside it: the same hostile request again and again, and an honest one.
    *_, answered = await asyncio.gather(*(counter.post(hostile) for _ in range(3)), counter.post(honest))
    assert answered.status_code == 200, answered.text
    assert "errors" not in answered.json()
