"""Claiming over HTTP: a registrar makes a link, somebody signed in claims, and reads what is theirs at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from countersign.awards import rules_claims
from countersign.kit.db import Database
from countersign.trust.signer import Signer
from tests.accounts.support import Person, person
from tests.api import Api, served
from tests.awards.support import ANNA, DAY, Campus, campus
from tests.factories import Factory

LEARNER = "learner { id country region awards(first: 9) { nodes { id claimedAt } } identities { email main } }"
CLAIM = (
    "mutation ($input: ClaimAwardInput!) { claimAward(input: $input) { "
    + LEARNER
    + " award { id claimedAt holderName } errors { __typename ... on UserError { code path message } } } }"
)
VIEWER = "{ viewer { " + LEARNER + " } }"
FACTOR = {"kind": "STUDENT_NUMBER", "value": "S 1001 x"}


@pytest_asyncio.fixture
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    async with served(db, signer, make) as client:
        yield client


@pytest_asyncio.fixture
async def here(api: Api) -> Campus:
    async with api.db.writer() as tx:
        return await campus(tx, api.make)


async def newcomer(api: Api) -> Person:
    async with api.db.writer() as tx:
        return await person(tx)


async def posted(api: Api, who: Person, document: str, organization: str | None = None, **variables: Any) -> Any:
    answer = await api.client.post(
        "/graphql", json={"query": document, "variables": variables}, headers=who.page(organization)
    )
    return answer.json()


async def claim(api: Api, who: Person, link: str, answer: str = "s1001x", key: str = "claim") -> dict[str, Any]:
    given = {"link": link, "answer": answer, "idempotencyKey": key}
    body = await posted(api, who, CLAIM, input=given)
    payload: dict[str, Any] = body["data"]["claimAward"]
    return payload


async def awarded(api: Api, here: Campus, email: str = ANNA.email) -> str:
    payload = await api.do(
        "issueAward",
        "award { id claimedAt }",
        here.registrar,
        specVersionId=f"version_{here.version}",
        email=email,
        fullName=ANNA.full_name,
        country="DE",
        earnedOn=DAY.isoformat(),
        factor=FACTOR,
    )
    assert payload["errors"] == []
    award: str = payload["award"]["id"]
    return award


async def linked(api: Api, here: Campus, award: str) -> str:
    made = await api.do("createClaimLink", "award { id } url expiresAt", here.registrar, awardId=award)
    assert made["errors"] == []
    assert made["expiresAt"] == "2026-12-06T12:00:00.000Z"
    address, _, link = made["url"].partition("#")
    assert address.endswith("/claim")
    return str(link)


async def test_somebody_signed_in_claims_and_reads_what_is_theirs(api: Api, here: Campus) -> None:
    link, who = await linked(api, here, await awarded(api, here)), await newcomer(api)
    payload = await claim(api, who, link)
    assert payload["errors"] == []
    assert payload["award"]["holderName"] == ANNA.full_name
    (shown,) = payload["learner"]["awards"]["nodes"]
    assert shown["claimedAt"] == payload["award"]["claimedAt"] == "2026-11-22T12:00:00Z"
    assert payload["learner"]["identities"] == [{"email": ANNA.email, "main": True}]
    assert (await posted(api, who, VIEWER, "self"))["data"]["viewer"]["learner"] == payload["learner"]
    assert await claim(api, who, link) == payload


async def test_an_award_that_waits_for_its_own_claim_is_shown_to_nobody_but_its_school(api: Api, here: Campus) -> None:
    who = await newcomer(api)
    await claim(api, who, await linked(api, here, await awarded(api, here)))
    async with api.db.writer() as tx:
        there = await campus(tx, api.make, "sql-for-analysts")
    waiting = await awarded(api, there)
    mine = (await posted(api, who, VIEWER, "self"))["data"]["viewer"]["learner"]["awards"]["nodes"]
    assert waiting not in {a["id"] for a in mine}
    query = "query ($id: ID!) { award(id: $id) { id } node(id: $id) { id } }"
    assert (await posted(api, who, query, "self", id=waiting))["data"] == {"award": None, "node": None}
    listed = await api.ask("{ awards(first: 9, filter: {claimed: false}) { nodes { id } } }", there.registrar)
    assert listed["awards"]["nodes"] == [{"id": waiting}]
    await claim(api, who, await linked(api, there, waiting), key="second")
    assert (await posted(api, who, query, "self", id=waiting))["data"]["award"] == {"id": waiting}


async def test_awards_of_another_address_join_and_stay_under_their_ids(api: Api, here: Campus) -> None:
    who = await newcomer(api)
    first = await awarded(api, here)
    await claim(api, who, await linked(api, here, first))
    async with api.db.writer() as tx:
        there = await campus(tx, api.make, "sql-for-analysts")
    second = await awarded(api, there, "anna@home.example")
    payload = await claim(api, who, await linked(api, there, second), key="second")
    assert payload["errors"] == []
    assert {a["id"] for a in payload["learner"]["awards"]["nodes"]} == {first, second}
    assert payload["learner"]["identities"] == [
        {"email": ANNA.email, "main": True},
        {"email": "anna@home.example", "main": False},
    ]


async def test_attempts_at_once_are_counted_one_by_one(api: Api, here: Campus) -> None:
    """Of twelve people who guess at once with one link, five are judged: the sixth right answer opens nothing."""
    link = await linked(api, here, await awarded(api, here))
    people = [await newcomer(api) for _ in range(12)]
    answers = await asyncio.gather(*(claim(api, p, link, f"guess {n}") for n, p in enumerate(people)))
    assert {e["code"] for a in answers for e in a["errors"]} == {"NOT_FOUND"}
    async with api.db.reader() as reader:
        assert await reader.fetchval("select attempts from claim_links") == len(people)
    late = await claim(api, await newcomer(api), link)
    assert (late["learner"], late["award"]) == (None, None)
    assert late["errors"] == answers[0]["errors"]
    assert len(people) > rules_claims.ATTEMPTS


async def test_the_link_is_shown_once(api: Api, here: Campus) -> None:
    award = await awarded(api, here)
    once = await api.do("createClaimLink", "url", here.registrar, awardId=award, idempotencyKey="same")
    again = await api.do("createClaimLink", "url expiresAt", here.registrar, awardId=award, idempotencyKey="same")
    assert once["url"] is not None
    assert (again["url"], again["expiresAt"], again["errors"]) == (None, None, [])
    async with api.db.reader() as reader:
        kept = await reader.fetchval("select string_agg(outcome::text, '') from idempotency_keys")
    assert once["url"].partition("#")[2] not in kept


async def test_answers_to_a_wrong_link_and_a_wrong_answer_are_the_same_bytes(api: Api, here: Campus) -> None:
    link = await linked(api, here, await awarded(api, here))
    wrong_answer = await claim(api, await newcomer(api), link, "nobody")
    wrong_link = await claim(api, await newcomer(api), rules_claims.new_link())
    assert wrong_answer == wrong_link
    assert wrong_link["errors"][0]["code"] == "NOT_FOUND"
