"""What a client is told of costs and budgets, which operation runs, and the closed list of codes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from countersign.kit.access import ANONYMOUS
from countersign.kit.budgets import Budgets
from countersign.schema.engine import Request as Asked
from countersign.schema.problems import Fault
from tests.limits.conftest import Counter

RATE = "{ rateLimit { limit remaining resetAt cost } }"
TWO = "query A { a: __typename } query B { b: __typename }"


async def ask(counter: Counter, query: str, token: str | None = None, **more: Any) -> dict[str, Any]:
    """The body of an answer."""
    body: dict[str, Any] = (await counter.post({"query": query, **more}, token)).json()
    return body


async def test_an_answer_says_what_it_could_cost_and_what_it_did(counter: Counter) -> None:
    async with counter.db.writer() as tx:
        for _ in range(3):
            await counter.make.school(tx)
    body = await ask(counter, "{ organizations(first: 20) { nodes { id } totalCount } }")
    # The answer, the connection and three schools of twenty that there could be; counting costs 5 in any case.
    assert body["extensions"]["cost"] == {"requested": 27, "actual": 1 + 1 + 3 + 5, "limit": 5_000}
    body = await ask(counter, "{ organizations(first: 100, filter: {kind: AGENCY}) { nodes { id } } }")
    assert body["extensions"]["cost"] == {"requested": 102, "actual": 11, "limit": 5_000}  # a tenth at least


async def test_what_was_not_spent_is_given_back_and_headers_say_so(counter: Counter) -> None:
    async with counter.db.writer() as tx:
        school = await counter.make.school(tx)
    token = await counter.token(school)
    response = await counter.post({"query": "{ organizations(first: 100) { nodes { id } } }"}, token)
    spent = response.json()["extensions"]["cost"]["actual"]
    assert spent == 11
    assert response.headers["ratelimit"] == f'"points";r={10_000 - spent};t=1'
    assert response.headers["ratelimit-policy"] == '"points";q=10000;w=100'


async def test_the_budget_is_a_field_of_the_one_statement(counter: Counter) -> None:
    async with counter.db.writer() as tx:
        school = await counter.make.school(tx)
    token = await counter.token(school)
    await ask(counter, RATE, token)
    body = await ask(counter, f"{{ organizations(first: 100) {{ nodes {{ id }} }} {RATE[1:-1]} }}", token)
    told = body["data"]["rateLimit"]
    assert (told["limit"], told["cost"]) == (10_000, 103)
    assert told["remaining"] == 10_000 - 2 - 103  # of the first question two points were spent
    reset = datetime.fromisoformat(told["resetAt"]) - datetime.fromisoformat("2026-11-22T12:00:00+00:00")
    assert reset.total_seconds() == 2
    answers = [text for text in counter.db.statements if "organizations" in text and "api_tokens" not in text]
    assert len(answers) == 1
    assert "rateLimit" in answers[0]


async def test_a_stranger_has_a_budget_and_who_is_not_counted_has_none(counter: Counter) -> None:
    body = await ask(counter, RATE)
    assert body["data"]["rateLimit"]["limit"] == 10_000
    engine = counter.application.inside.state.engine
    answer = await engine.answer(Asked(RATE), ANONYMOUS, "test")
    assert answer.data == b'{"rateLimit":null}'


async def test_an_empty_budget_is_a_429_with_the_time_to_wait_and_others_go_on(counter: Counter) -> None:
    async with counter.db.writer() as tx:
        greedy, modest = await counter.make.school(tx), await counter.make.school(tx)
    tokens = await counter.token(greedy), await counter.token(modest)
    budgets: Budgets = counter.application.inside.state.budgets
    while (await budgets.charge(greedy, 500)).allowed:
        pass
    response = await counter.post({"query": "{ organizations(first: 100) { nodes { id } } }"}, tokens[0])
    error = response.json()["errors"][0]
    assert (response.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert error["extensions"]["retryAfter"] == int(response.headers["retry-after"]) >= 1
    assert error["extensions"]["requestId"]
    assert (await counter.post({"query": "{ __typename }"}, tokens[1])).status_code == 200
    assert (await counter.post({"query": "{ __typename }"})).status_code == 200


async def test_documents_that_cannot_run_use_up_a_budget_too(counter: Counter) -> None:
    response = await counter.post({"query": "{"})
    assert response.status_code == 400
    body = await ask(counter, RATE)
    assert body["data"]["rateLimit"]["remaining"] == 10_000 - 5 - 2


async def test_one_operation_may_cost_five_thousand_and_not_one_more(counter: Counter) -> None:
    query = "query ($n: Int!) { organizations(first: 100) { nodes { subsidiaries(first: $n) { nodes { id } } } } }"
    body = await ask(counter, query, variables={"n": 46})
    assert body["extensions"]["cost"]["requested"] == 1 + 1 + 100 * (1 + 1 + 46)
    refused = (await ask(counter, query, variables={"n": 49}))["errors"][0]
    assert refused["extensions"]["limit"] == {"name": "cost", "allowed": 5_000, "asked": 5_102}
    assert refused["message"].startswith("The operation costs 5102 points; at most 5000 are allowed. Ask for smaller")


@pytest.mark.parametrize(
    ("query", "name", "answered"),
    [
        ("{ a: __typename }", None, "a"),
        ("{ a: __typename }", "", "a"),
        ("query A { a: __typename }", None, "a"),
        ("query A { a: __typename }", "A", "a"),
        (TWO, "A", "a"),
        (TWO, "B", "b"),
        ("{ a: __typename } query B { b: __typename }", "B", None),  # nobody may stand beside one without a name
        (TWO, None, None),
        (TWO, "", None),
        (TWO, "C", None),
        (TWO, "a", None),
        ("{ a: __typename }", "A", None),
        ("query A { a: __typename }", "query", None),
        ("fragment F on Query { a: __typename }", None, None),
    ],
)
async def test_the_operation_that_runs_is_the_one_that_is_named(
    counter: Counter, query: str, name: str | None, answered: str | None
) -> None:
    response = await counter.post({"query": query, "operationName": name})
    body = response.json()
    if answered is not None:
        assert body["data"] == {answered: "Query"}
        return
    assert response.status_code == 400
    assert "data" not in body
    fragments = not query.startswith(("query", "{ a: __typename }")) or ("query B" in query and query.startswith("{"))
    expected = "GRAPHQL_VALIDATION_FAILED" if fragments else "OPERATION_RESOLUTION_FAILURE"
    assert body["errors"][0]["extensions"]["code"] == expected


def test_the_codes_are_the_closed_list() -> None:
    assert {fault.value for fault in Fault} == {
        "UNAUTHENTICATED",
        "FORBIDDEN",
        "BAD_USER_INPUT",
        "BAD_REQUEST",
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "OPERATION_RESOLUTION_FAILURE",
        "OPERATION_TOO_COMPLEX",
        "DOCUMENT_LIMIT_EXCEEDED",
        "RATE_LIMITED",
        "PERSISTED_QUERY_NOT_FOUND",
        "TIMEOUT",
        "UNAVAILABLE",
        "INTERNAL_SERVER_ERROR",
    }


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { organizations(first: $n) { totalCount } }", {}, "BAD_USER_INPUT"),
        ("query ($n: Int!) { organizations(first: $n) { totalCount } }", {"n": "1"}, "BAD_USER_INPUT"),
        ("query ($n: Int!) { organizations(first: $n) { totalCount } }", {"n": 101}, "BAD_USER_INPUT"),
        ("query ($n: Int) { organizations(first: $n) { totalCount } }", {"n": None}, "BAD_USER_INPUT"),
        ("query ($n: Int!) { organizations(first: $n) { totalCount } }", {"n": -1}, "BAD_USER_INPUT"),
        ("{ awards(first: 1) { totalCount } }", {}, "UNAUTHENTICATED"),
        ('mutation { createSpec(input: {idempotencyKey: "k", slug: "x", content: {}}) { errors { __typename } } }',
         {}, "UNAUTHENTICATED"),
    ],
)  # fmt: skip
async def test_a_mistake_has_the_code_of_its_stage_and_the_id_of_its_request(
    counter: Counter, query: str, variables: dict[str, Any], code: str
) -> None:
    response = await counter.client.post(
        "/graphql", json={"query": query, "variables": variables}, headers={"x-request-id": "mine-12345"}
    )
    for error in response.json()["errors"]:
        assert error["extensions"]["code"] == code
        assert error["extensions"]["requestId"] == "mine-12345"


async def test_a_document_is_read_and_priced_once(counter: Counter) -> None:
    engine = counter.application.inside.state.engine
    query = "query ($n: Int!) { organizations(first: $n) { nodes { id } } }"
    first = engine.prepare(Asked(query, {"n": 1}), ANONYMOUS)
    again = engine.prepare(Asked(query[:20] + query[20:], {"n": 100}), ANONYMOUS)
    assert again.document is first.document
    assert again.known is first.known
    assert (first.cost, again.cost) == (3, 102)
    assert engine.worst_cost(query) == 102


async def test_a_subscription_may_cost_five_hundred_since_each_event_is_read_for_it(counter: Counter) -> None:
    events = (
        "subscription ($n: Int!) { specChanged { spec { versions(first: $n) {"
        " nodes { id endorsements(first: 5) { nodes { id } } } } } } }"
    )
    engine = counter.application.inside.state.engine
    assert engine.prepare(Asked(events, {"n": 50}), ANONYMOUS).cost <= 500
    refused = (await engine.answer(Asked(events, {"n": 100}), ANONYMOUS, "test")).errors[0]
    assert refused["extensions"]["code"] == Fault.OPERATION_TOO_COMPLEX.value
    assert refused["extensions"]["limit"]["allowed"] == 500
