"""The recruiter's query finds what looking at every learner finds: page, order, counts, facets, explanation."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from countersign.kit.db import Database, Reader
from countersign.kit.ids import new_id
from countersign.search.matching import Question, sub_queries
from tests.search import market as made
from tests.search.market import NOW, SEED, Answer, Asked, Market

QUESTION = Question(
    "$1::uuid[]", "$2::uuid[]", "$3::uuid[]", "$4::uuid[]", "$5::text[]", "$6::bigint", "$7::timestamptz"
)
Owner: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def statement(body: str, *, words: int) -> str:
    parts = sub_queries(QUESTION, words=words)
    names = {name: name for name, _ in parts}
    return "with " + ", ".join(f"{n} as materialized ({s.format(**names)})" for n, s in parts) + body


BODY = """
select array(select (learner_id, score, recent)::text from shown order by rank) as page,
       (select told from told_count) as count,
       array(select region || '|' || told from region_facet order by no) as regions,
       array(select organization_id || '|' || told from endorser_facet order by no) as endorsers,
       array(select (s.learner_id || '|' || a.award_id || '|' || m.item || '|' || e.endorsers)
             from shown s
             join candidate_award a on a.learner_id = s.learner_id
             join met m on m.version_id = a.spec_version_id
             join (select version_id, count(*) as endorsers from live group by version_id) e
                 on e.version_id = a.spec_version_id) as explained
"""


async def ask(reader: Reader, asked: Asked, words: int = 2) -> tuple[object, ...]:
    row = await reader.fetchrow(statement(BODY, words=words), *asked.arguments())
    assert row is not None
    return (row["page"], row["count"], row["regions"], row["endorsers"], sorted(row["explained"]))


def expected(answer: Answer) -> tuple[object, ...]:
    return (
        [f"({learner},{score},{recent})" for learner, score, recent in answer.page],
        answer.count,
        [f"{region}|{told}" for region, told in answer.regions],
        [f"{organization}|{told}" for organization, told in answer.endorsers],
        sorted(f"{n}|{a}|{i}|{e}" for n, why in answer.explained.items() for a, i, e in why),
    )


async def places(reader: Reader, market: Market) -> Mapping[int, int]:
    rows = await reader.fetch(
        "select n, hashint8extended(n, $2) as place from unnest($1::bigint[]) n",
        [c.learner for c in market.candidates],
        SEED,
    )
    return {r["n"]: r["place"] for r in rows}


def questions(market: Market, chance: random.Random) -> list[Asked]:
    specs = sorted(set(market.specs.values()))
    asked = [Asked(skills=(s,)) for s in market.skills[:4]]
    asked += [Asked(skills=tuple(chance.sample(market.skills, k))) for k in (2, 2, 3, 4)]
    asked += [Asked(specs=tuple(chance.sample(specs, k))) for k in (1, 2, 3)]
    asked += [Asked(stacks=(stack,)) for stack in market.stacks]
    asked += [
        Asked(skills=market.skills[:1], stacks=(next(iter(market.stacks)),)),
        Asked(skills=market.skills[:1], specs=tuple(specs[:1]), endorsers=market.organizations[:2]),
        Asked(skills=market.skills[:1], endorsers=market.organizations[:1]),
        Asked(skills=market.skills[:1], regions=("DE-BE",)),
        Asked(skills=market.skills[:2], regions=("DE-BE", "FR-75"), endorsers=market.organizations[:3]),
        Asked(skills=market.skills[:1], regions=()),
        *(Asked(skills=market.skills[2:4], regions=(region,)) for region in made.REGIONS),
        Asked(skills=(market.skills[0], new_id())),
        Asked(specs=(new_id(),)),
        Asked(stacks=(new_id(),), skills=market.skills[:1]),
        Asked(),
    ]
    return asked


@pytest.mark.parametrize(("seed", "learners"), [(1, 400), (2, 90)])
async def test_the_answer_is_what_looking_at_every_learner_finds(
    db: Database, owner: Owner, seed: int, learners: int
) -> None:
    market = made.made(seed, learners=learners)
    await made.write(owner, market)
    async with db.reader() as reader:
        place = await places(reader, market)
        answers = []
        for asked in questions(market, random.Random(seed)):  # noqa: S311 - a made question
            wanted = made.answer(market, asked, place)
            assert await ask(reader, asked) == expected(wanted), asked
            answers.append(wanted)
    if learners < 100:
        assert any(a.count is None and a.page for a in answers), "a small count should occur"
    else:
        assert any((a.count or 0) > 100 and len(a.endorsers) > 2 for a in answers), "a large count should occur"


@pytest.mark.parametrize("words", [1, 2, 3])
async def test_endorsers_beyond_one_word_and_beyond_all_words_are_counted(
    db: Database, owner: Owner, words: int
) -> None:
    market = made.made(5, endorsers=150, versions=60, learners=600)
    extra = tuple(
        made.Endorsed(new_id(), v, o) for n, v in enumerate(market.specs) for o in market.organizations[n % 3 :: 3]
    )
    known = {(e.version, e.organization) for e in market.endorsements}
    market = replace(
        market,
        endorsements=market.endorsements + tuple(e for e in extra if (e.version, e.organization) not in known),
    )
    await made.write(owner, market)
    asked = Asked(skills=market.skills[:1])
    async with db.reader() as reader:
        place = await places(reader, market)
        wanted = made.answer(market, asked, place)
        assert await ask(reader, asked, words) == expected(wanted)
        all_of_them = await reader.fetchval(
            statement(" select count(distinct number) from live", words=words), *asked.arguments()
        )
    assert all_of_them > 126, "the market must need more than two words"


async def test_a_stack_of_more_blocks_than_one_word_has_bits_is_held_whole(db: Database, owner: Owner) -> None:
    market = made.made(9, learners=30, versions=90)
    blocks = tuple(sorted(set(market.specs.values())))[:63]
    capstone = next(s for s in market.specs.values() if s not in blocks)
    stack = new_id()
    newest = {spec: version for version, spec in market.specs.items()}
    everything = tuple(made.Held(new_id(), n, newest[s], NOW.date()) for n in (901, 902) for s in (*blocks, capstone))
    market = replace(
        market,
        stacks={stack: (blocks, capstone)},
        endorsements=tuple(made.Endorsed(new_id(), v, market.organizations[0]) for v in market.specs),
        candidates=(*market.candidates, made.Candidate(901, None), made.Candidate(902, None)),
        # The second one lacks the last block, which stands beyond the first word.
        awards=tuple(a for a in (*market.awards, *everything) if (a.learner, a.version) != (902, newest[blocks[-1]])),
    )
    await made.write(owner, market)
    asked = Asked(stacks=(stack,))
    async with db.reader() as reader:
        wanted = made.answer(market, asked, await places(reader, market))
        assert await ask(reader, asked) == expected(wanted)
    assert [row[:2] for row in wanted.page] == [(901, 64)]


async def test_the_page_stops_at_200_however_many_match(db: Database, owner: Owner) -> None:
    market = made.made(3, learners=900)
    await made.write(owner, market)
    async with db.reader() as reader:
        page, count, *_ = await ask(reader, Asked(skills=market.skills[:1]))
    assert isinstance(page, list)
    assert len(page) == 200
    assert isinstance(count, int)
    assert count > 200


async def test_an_endorsement_that_ends_or_begins_is_right_in_the_next_query(db: Database, owner: Owner) -> None:
    market = made.made(4)
    await made.write(owner, market)
    asked = Asked(skills=market.skills[:1])

    async def now_as(endorsements: tuple[made.Endorsed, ...]) -> None:
        async with db.reader() as reader:
            wanted = made.answer(replace(market, endorsements=endorsements), asked, await places(reader, market))
            assert await ask(reader, asked) == expected(wanted)

    await now_as(market.endorsements)
    ended = next(e for e in market.endorsements if e.live)
    await owner.execute("update endorsements set state = 'revoked' where id = $1", ended.id)
    await now_as(tuple(replace(e, state="revoked") if e is ended else e for e in market.endorsements))
    await owner.execute(
        "update endorsements set state = 'in_force', in_force = tstzrange($2, $3) where id = $1",
        ended.id,
        NOW + timedelta(seconds=1),
        NOW + timedelta(days=1),
    )
    await now_as(tuple(e for e in market.endorsements if e is not ended))


async def test_equal_candidates_stand_in_an_order_of_each_organization(db: Database, owner: Owner) -> None:
    market = made.made(6)
    await made.write(owner, market)
    asked = Asked(skills=market.skills[:1])
    first, second = asked.arguments(), [*asked.arguments()]
    second[5] = SEED + 1
    body = " select array(select learner_id from shown order by rank)"
    async with db.reader() as reader:
        one = await reader.fetchval(statement(body, words=2), *first)
        same = await reader.fetchval(statement(body, words=2), *first)
        other = await reader.fetchval(statement(body, words=2), *second)
    assert one == same
    assert one != other
    assert one != sorted(one)


def test_no_sub_query_reads_a_learner_table() -> None:
    text = statement(BODY, words=2)
    for table in ("learners", "consents", "learner_directory", " awards"):
        assert f"{table} " not in text.replace("\n", " "), table


async def test_one_answer_counts_organizations_and_not_endorsements(db: Database, owner: Owner) -> None:
    market = made.made(7)
    await made.write(owner, market)
    async with db.reader() as reader:
        answer = await ask(reader, Asked(skills=market.skills[:1]))
    facet = answer[3]
    assert isinstance(facet, list)
    ids = [UUID(item.split("|")[0]) for item in facet]
    assert len(ids) == len(set(ids))
