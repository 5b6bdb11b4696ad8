"""The candidate search through the API: who may ask, what is told, and what never is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.awards import service as awards
from countersign.endorsements import service as endorsements
from countersign.endorsements.service import Revoke
from countersign.kit.access import ANONYMOUS, Actor, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.search.service import Drift
from countersign.stacks import service as stacks
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask_code, ask_data
from tests.search.hall import QUERY, REGIONS, Hall, hall


@pytest.fixture
def engine(db: Database, signer: Signer) -> Engine:
    return Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer))


@pytest_asyncio.fixture
async def here(db: Database, engine: Engine, signer: Signer, make: Factory) -> Hall:
    return await hall(db, engine, signer, make)


def ids(page: Any) -> list[str]:
    return [node["id"] for node in page["nodes"]]


async def test_the_page_comes_by_score_and_recency_with_counts_in_tens(here: Hall) -> None:
    page = await here.ask(first=30)
    assert page["totalCount"] == 20
    assert [n["match"]["score"] for n in page["nodes"]] == [2] * 8 + [1] * 16
    days = [(n["match"]["score"], n["match"]["recent"]) for n in page["nodes"]]
    assert days == sorted(days, reverse=True)
    assert page["facets"]["regions"] == []  # 8 in each region: not told
    handles = [await handle(here, e) for e in (here.employers[0], here.employers[1])]
    assert sorted((f["endorser"]["handle"], f["count"]) for f in page["facets"]["endorsers"]) == sorted(
        (h, 20) for h in handles
    )


async def handle(here: Hall, actor: Actor) -> str:
    async with here.db.reader() as reader:
        return str(await reader.fetchval("select handle from organizations where id = $1", actor.organization_id))


async def test_each_candidate_is_explained_and_the_points_sum_to_the_score(here: Hall) -> None:
    page = await here.ask(first=30)
    for node in page["nodes"]:
        assert sum(c["points"] for c in node["match"]["contributions"]) == node["match"]["score"]
        assert all(c["skills"] == [{"id": here.skill_id}] for c in node["match"]["contributions"])
    best = page["nodes"][0]
    assert sorted(c["endorsers"] for c in best["match"]["contributions"]) == [1, 2]
    assert [len(a["liveEndorsements"]) for a in best["awards"]] == [1, 2]
    assert best["awards"][0]["spec"] == {"slug": "block-one"}
    assert best["awards"][0]["specVersion"] == {"semver": "1.0.0"}


async def test_pages_continue_without_gap_or_repeat(here: Hall) -> None:
    whole = ids(await here.ask(first=30))
    found: list[str] = []
    after = None
    while True:
        page = await here.ask(first=5, **({"after": after} if after else {}))
        found += ids(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == whole
    assert len(set(found)) == 24


async def test_specs_stacks_endorsers_and_regions_narrow_the_search(here: Hall) -> None:
    async with here.db.writer() as tx:
        stack = await stacks.create(
            tx, here.school, stacks.CreateStack("both-blocks", "Both blocks", blocks=tuple(here.specs))
        )
    both = await here.ask(stack=f"stk_{stack}")
    assert len(both["nodes"]) == 8
    assert both["totalCount"] is None
    assert all(c["specAsked"] for n in both["nodes"] for c in n["match"]["contributions"])
    assert ids(await here.ask(specs=[f"spec_{s}" for s in here.specs])) == ids(both)
    first = here.employers[0].organization_id
    by_first = await here.ask(by=[f"org_{first}"], first=30)
    assert {n["match"]["score"] for n in by_first["nodes"]} == {1}
    assert len((await here.ask(specs=[f"spec_{here.specs[1]}"], by=[f"org_{first}"]))["nodes"]) == 0
    assert {n["region"] for n in (await here.ask(regions=[REGIONS[1]]))["nodes"]} == {REGIONS[1]}


@pytest.mark.parametrize(
    "asked",
    [
        {"skills": ["nonsense"]},
        {"skills": [f"skill_{new_id()}"]},
        {"skills": [f"spec_{new_id()}"]},
        {"specs": [f"spec_{new_id()}"]},
        {"stack": f"stk_{new_id()}"},
        {"by": ["org_x"]},
        {"regions": ["Atlantis"]},
    ],
)
async def test_unknown_and_malformed_ids_find_nobody(here: Hall, asked: dict[str, Any]) -> None:
    page = await here.ask(**({"skills": [here.skill_id]} | asked))
    assert (page["nodes"], page["totalCount"]) == ([], None)
    if "specs" in asked:
        together = await here.ask(skills=[here.skill_id], specs=["nonsense"])
        assert together["nodes"] == []


@pytest.mark.parametrize(
    "asked",
    [
        {"skills": []},
        {"skills": None},
        {"skills": [f"skill_{new_id()}" for _ in range(5)]},
        {"specs": [f"spec_{new_id()}" for _ in range(21)]},
        {"skills": ["x"], "regions": [f"DE-{n:02}" for n in range(11)]},
        {"skills": ["x"], "first": 0},
        {"skills": ["x"], "first": 101},
    ],
)
async def test_questions_without_or_beyond_limits_are_refused(here: Hall, asked: dict[str, Any]) -> None:
    assert await ask_code(here.engine, QUERY, here.recruiter, **asked) == "BAD_USER_INPUT"
    assert await views(here) == []


async def views(here: Hall) -> Sequence[tuple[int, UUID]]:
    async with here.db.reader() as reader:
        rows = await reader.fetch("select learner_id, organization_id from candidate_views order by 1, 2")
    return [tuple(r) for r in rows]


async def test_only_recruiters_may_ask_and_refusals_record_nothing(here: Hall, make: Factory) -> None:
    async with here.db.writer() as tx:
        others = [await make.employer(tx, role) for role in Role if role is not Role.RECRUITER]
        others.append(await make.school(tx, *Role))
    scopeless = Actor(**{**fields(here.recruiter), "scopes": frozenset(Scope) - {Scope.SEARCH_READ}})
    for actor in (*others, scopeless, here.learner("graduate0")):
        assert await ask_code(here.engine, QUERY, actor, skills=[here.skill_id]) == "FORBIDDEN"
    assert await ask_code(here.engine, QUERY, ANONYMOUS, skills=[here.skill_id]) == "UNAUTHENTICATED"
    assert await views(here) == []


def fields(actor: Actor) -> dict[str, Any]:
    return {name: getattr(actor, name) for name in Actor.__slots__}


async def test_no_personal_data_and_no_award_id_is_in_any_answer(here: Hall) -> None:
    answer = await here.engine.answer(Request(QUERY, {"skills": [here.skill_id], "first": 33}), here.recruiter, "t")
    text = answer.render().decode()
    assert "graduate" not in text.lower()
    assert "@" not in text
    async with here.db.reader() as reader:
        secrets = await reader.fetch("select id::text from awards union all select id::text from learners")
    assert not [r[0] for r in secrets if r[0] in text]


async def test_pseudonyms_stay_for_one_organization_and_differ_between_two(here: Hall) -> None:
    first, again = ids(await here.ask(first=30)), ids(await here.ask(first=30))
    other = ids(await here.ask(here.employers[1], first=30))
    assert first == again
    assert set(first).isdisjoint(other)
    # Equal candidates stand in another order, so that the lists cannot be laid side by side.
    assert len(first) == len(other)


async def test_whom_an_organization_saw_is_recorded_and_the_learner_reads_it(here: Hall) -> None:
    await here.ask(first=8)
    seen = await views(here)
    assert {v[0] for v in seen} == {here.learners[f"graduate{n}"] for n in range(0, 24, 3)}
    data = await ask_data(
        here.engine,
        "{ viewer { learner { seenBy(first: 9) { nodes { organization { handle } viewedOn } } } } }",
        here.learner("graduate0"),
    )
    assert data["viewer"]["learner"]["seenBy"]["nodes"] == [
        {"organization": {"handle": await handle(here, here.recruiter)}, "viewedOn": "2026-11-22"}
    ]


QUESTIONS: Sequence[dict[str, Any]] = (
    {"first": 5},
    {"first": 33},
    {"first": 7, "regions": [REGIONS[0]]},
    {"first": 33, "regions": ["DE-HH"]},
)


async def answers(here: Hall) -> list[bytes]:
    told = []
    for asked in (
        *QUESTIONS,
        {"specs": [f"spec_{s}" for s in here.specs]},
        {"by": [f"org_{here.employers[1].organization_id}"]},
    ):
        given = asked if "specs" in asked else {"skills": [here.skill_id], **asked}
        answer = await here.engine.answer(Request(QUERY, given), here.recruiter, "t")
        assert not answer.errors
        told.append(answer.render())
    return told


async def test_a_learner_without_consent_changes_no_byte_of_any_answer(here: Hall) -> None:
    before = await answers(here)
    await here.issue("hidden", region=REGIONS[0])
    assert await answers(here) == before
    await here.issue("hidden", 1)
    assert await answers(here) == before
    await here.consent("hidden")
    with_hidden = await answers(here)
    assert with_hidden != before
    await here.consent("hidden", granted=False)
    assert await answers(here) == before
    await here.revoke("hidden")
    assert await answers(here) == before
    async with here.db.writer() as tx:
        assert await awards.check_index(tx) == Drift(0, 0, 0, 0, 0)


async def test_the_tenth_makes_a_count_be_told(here: Hall) -> None:
    assert (await here.ask())["facets"]["regions"] == []
    for n in range(2):
        await here.issue(f"extra{n}", region=REGIONS[0])
        await here.consent(f"extra{n}")
    assert (await here.ask())["facets"]["regions"] == [{"region": REGIONS[0], "count": 10}]
    await here.consent("extra1", granted=False)
    page = await here.ask(regions=[REGIONS[0]])
    assert (page["facets"]["regions"], page["totalCount"]) == ([], None)
    assert page["facets"]["endorsers"] == []
    assert len(page["nodes"]) == 9


async def test_withdrawals_and_revocations_are_right_in_the_next_query(here: Hall) -> None:
    whole = ids(await here.ask(first=30))
    await here.consent("graduate0", granted=False)
    after = ids(await here.ask(first=30))
    assert len(after) == 23
    assert set(after) < set(whole)
    await here.revoke("graduate1")
    assert len(ids(await here.ask(first=30))) == 22
    async with here.db.writer() as tx:
        await endorsements.revoke(tx, here.employers[1], Revoke(here.endorsements[2], "The tool is gone."))
    page = await here.ask(first=30)
    assert {n["match"]["score"] for n in page["nodes"]} == {1}
    async with here.db.writer() as tx:
        await endorsements.revoke(tx, here.employers[1], Revoke(here.endorsements[1], "The tool is gone."))
        await endorsements.revoke(tx, here.employers[0], Revoke(here.endorsements[0], "The tool is gone."))
    assert (await here.ask())["nodes"] == []


async def test_a_candidate_cannot_be_looked_up_by_its_pseudonym(here: Hall) -> None:
    (first, *_) = ids(await here.ask())
    data = await ask_data(here.engine, "query($id: ID!) { node(id: $id) { id } }", here.recruiter, id=first)
    assert data == {"node": None}


async def test_an_answer_is_one_statement_and_the_reveal_one_more(here: Hall) -> None:
    await here.ask()
    seen: list[str] = []

    def log(query: Any) -> None:
        seen.append(query.query)

    connections = [c for shelf in here.db._pools for c, _ in shelf._idle]
    for connection in connections:
        connection.add_query_logger(log)
    try:
        await here.ask()
    finally:
        for connection in connections:
            connection.remove_query_logger(log)
    # What asyncpg asks on a fresh connection about types and settings is not counted.
    assert len([q for q in seen if "candidate_" in q]) == 2, seen
