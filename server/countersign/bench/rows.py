"""The rows that are asked over HTTP: what each side is sent, whether the answers are equal, the figures."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from countersign.bench import questions
from countersign.bench.data import Data
from countersign.bench.market import Market
from countersign.bench.measure import Arena, Figures, Load, NotEqual, difference
from countersign.bench.processes import BARE, OURS
from countersign.bench.questions import Question
from countersign.kit.access import SYSTEM, Actor, Scope
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.organizations import service as organizations
from countersign.schema.search import PSEUDONYM
from countersign.search.rules import tie_break_seed
from countersign.search.views import CANDIDATE
from countersign.trust.canonical_status import CAPACITY

GRAPHQL: Final = "/graphql"
CALLERS: Final = 16
ENDORSED_BY: Final = 64
"""Endorsers of each side in the row of endorsements; a caller's next request is always another endorser's."""
MOST_ENDORSEMENTS: Final = 30_000
WIDE: Final = 5_000
"""Free places in a row that the other side needs in each status list."""
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of this run by endorser, and the order of equal candidates for the first of them."""

    texts: tuple[str, ...]
    seed: int


async def mint(data: Data, secret: bytes) -> Tokens:
    """A token for the person of each endorser."""
    db = await Database.open(data.dsn, pool_size=1)
    try:
        async with db.writer() as tx:
            texts = [
                await organizations.issue_token(
                    tx,
                    SYSTEM,
                    organizations.IssueToken(
                        name="bench",
                        scopes=frozenset({Scope.SPEC_READ, Scope.SEARCH_READ, Scope.ENDORSE_SIGN}),
                        organization_id=endorser.id,
                        person_id=endorser.person,
                        mode="dev",
                    ),
                )
                for endorser in data.market.endorsers
            ]
    finally:
        await db.close()
    recruiter = Actor(data.market.endorsers[0].id)
    own = PSEUDONYM.seal(Sealer(secret), recruiter, CANDIDATE.tag, b"candidate order")
    return Tokens(tuple(texts), tie_break_seed(own.encode()))


def spec(data: Data, tokens: Tokens) -> dict[str, Load]:
    """Specs by id."""
    return _loads("/spec", questions.specs(data.market), tokens)


def catalogue(_data: Data, tokens: Tokens) -> dict[str, Load]:
    """The first page of the catalogue."""
    return _loads("/catalogue", questions.catalogue(), tokens)


def recruiter(data: Data, tokens: Tokens, variant: str) -> dict[str, Load]:
    """Candidates."""
    return _loads("/recruiter", questions.recruiter(data.market, variant), tokens, seed=tokens.seed)


def _loads(path: str, asked: list[Question], tokens: Tokens, **more: Any) -> dict[str, Load]:
    token = tokens.texts[0]
    ours = [(token, json.dumps({"query": q.document, "variables": q.variables})) for q in asked]
    return {
        OURS: Load(GRAPHQL, ours),
        BARE: Load(path, [(token, json.dumps(q.plain | more)) for q in asked]),
    }


async def read_row(
    arena: Arena, name: str, loads: Mapping[str, Load], *, seconds: float, tell: Tell
) -> dict[str, Figures]:
    """Measure a row that only reads, after both sides have answered each request equally. Raises NotEqual."""
    await arena.load(name, loads)
    for number in range(len(loads[OURS].requests)):
        answers = {side: await arena.answers(name, side) for side in (OURS, BARE)}
        for side, (status, body) in answers.items():
            if status != 200 or '"errors":[{' in body:  # noqa: PLR2004 - OK
                raise NotEqual(f"{name}, request {number}: {side} answered {status} {body[:300]}")
        ours, other = (json.loads(answers[side][1])["data"] for side in (OURS, BARE))
        found = difference(ours, other)
        if found is not None:
            raise NotEqual(f"{name}, request {number}: {found}")
    return await arena.compare(name, seconds=seconds, tell=tell)


async def endorse_row(arena: Arena, data: Data, tokens: Tokens, *, seconds: float, tell: Tell) -> dict[str, Figures]:
    """Measure endorsements by 16 callers, each side on a copy of the data of its own.

    None is of a version that its endorser has endorsed; a caller's next one is another endorser's.
    """
    await arena.load("endorse", endorsements(data.market, tokens))
    return await arena.compare("endorse", seconds=seconds, callers=CALLERS, tell=tell)


def endorsements(market: Market, tokens: Tokens) -> dict[str, Load]:
    """Endorsements that nobody has given yet: the endorsers take turns, each side has its own."""
    chance = random.Random(market.day.toordinal())  # noqa: S311 - made facts, not secrets
    known = {(e.endorser, e.spec) for e in market.endorsements}
    loads = {}
    for side, first in ((OURS, 0), (BARE, ENDORSED_BY)):
        orders = {
            e: chance.sample(range(len(market.specs)), len(market.specs)) for e in range(first, first + ENDORSED_BY)
        }
        pairs = [(e, orders[e][n]) for n in range(len(market.specs)) for e in orders if (e, orders[e][n]) not in known]
        loads[side] = [(tokens.texts[e], _endorsement(market, side, e, spec)) for e, spec in pairs[:MOST_ENDORSEMENTS]]
    return {OURS: Load(GRAPHQL, loads[OURS]), BARE: Load("/endorse", loads[BARE])}


def _endorsement(market: Market, side: str, endorser: int, number: int) -> str:
    spec = market.specs[number]
    plain = {
        "idempotencyKey": f"{side}-{endorser}-{number}",
        "expectedDigest": spec.frozen.digest,
        "statement": "We read the whole block and interview every holder.",
    }
    if side == BARE:
        return json.dumps(plain | {"specVersionId": str(spec.version_id)})
    given = plain | {"specVersionId": f"version_{spec.version_id}"}
    return json.dumps({"query": questions.ENDORSE, "variables": {"input": given}})


async def make_room(data: Data) -> None:
    """Give the other side's endorsers free places in a row, since its one statement cannot permute them."""
    taken: dict[int, list[int]] = {}
    for e in data.market.endorsements:
        taken.setdefault(e.endorser, []).append(e.place)
    starts: list[tuple[UUID, int]] = []
    for number in range(ENDORSED_BY, 2 * ENDORSED_BY):
        places = taken.get(number, [])
        start = next(s for s in range(0, CAPACITY - WIDE, WIDE) if not any(s <= place < s + WIDE for place in places))
        starts.append((data.market.endorsers[number].list_id, start))
    db = await Database.open(data.dsn, pool_size=1)
    try:
        async with db.writer() as tx:
            await tx.execute(
                "update status_lists l set next_slot = s.start from unnest($1::uuid[], $2::int[]) s(id, start)"
                " where l.id = s.id",
                [identity for identity, _ in starts],
                [start for _, start in starts],
            )
    finally:
        await db.close()
