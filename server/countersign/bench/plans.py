"""What the read compiler spends once for each document: milliseconds to read and compile, kilobytes to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from countersign.bench import questions
from countersign.bench.data import ORIGIN, Data
from countersign.kit.access import Actor, OrganizationKind, Role, Scope
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.trust.addresses import Addresses
from countersign.trust.keys import SecretKeyEncryption
from countersign.trust.signer import Signer
from countersign.trust.workers import Workers


@dataclass(frozen=True, slots=True)
class Kept:
    """One document: its name, what reading and compiling it took, what is kept of it and of its plan."""

    name: str
    read_ms: float
    compile_ms: float
    document_kb: float
    plan_kb: float
    sql_kb: float


async def measure(data: Data, secret: bytes) -> tuple[list[Kept], dict[str, Any]]:
    """Compile the documents of the rows that read, each in its turn; and what the engine then says of its memory."""
    recruiter = data.market.endorsers[0]
    actor = Actor(
        recruiter.id,
        OrganizationKind(recruiter.kind),
        recruiter.person,
        token_id=new_id(),
        roles=frozenset({Role.RECRUITER}),
        scopes=frozenset({Scope.SPEC_READ, Scope.SEARCH_READ}),
    )
    asked = {
        "spec": questions.specs(data.market)[0],
        "catalogue": questions.catalogue()[0],
        "recruiter": questions.recruiter(data.market, "rare")[0],
    }
    found = []
    db = await Database.open(data.dsn, pool_size=1)
    try:
        async with Workers() as workers:
            signer = Signer(SecretKeyEncryption(secret), Addresses(ORIGIN), workers)
            engine = Engine(the_schema(), Tools(db, Sealer(secret), signer))
            for name, question in asked.items():
                before = engine.statistics()
                read, compiled = before.read.seconds, before.compiled.seconds
                await engine.answer(Request(question.document, question.variables), actor, "bench")
                after = engine.statistics()
                document = engine.document(question.document)
                plans = engine.prepare(Request(question.document, question.variables), actor).known.plans
                found.append(
                    Kept(
                        name,
                        _rounded((after.read.seconds - read) * 1000),
                        _rounded((after.compiled.seconds - compiled) * 1000),
                        _rounded(document.weight / 1024),
                        _rounded(sum(plan.weight for plan in plans) / 1024),
                        _rounded(sum(len(plan.sql) for plan in plans) / 1024),
                    )
                )
            kept = engine.statistics().documents
    finally:
        await db.close()
    return found, {"documents": kept.kept, "bytes": kept.weight}


def _rounded(value: float) -> float:
    return round(value, 2)
