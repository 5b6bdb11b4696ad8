"""How every command runs: authority, idempotency, the work in a savepoint, the audit event: one transaction."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Column, DateTime, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from countersign.kit import access, audit
from countersign.kit.access import Actor, Permission
from countersign.kit.db import Database, Tx
from countersign.kit.errors import Code, IdempotencyKeyReused, Refusal, Refusals, StepUpRequired
from countersign.kit.placement import Placement, Table
from countersign.kit.waiting import now_and_then

KEY_LENGTH = (1, 200)
KEPT: Final = timedelta(days=7)
FORGOTTEN_AT_ONCE: Final = 1_000
LOOK_SECONDS: Final = 600
RETRY_PAUSES = (0.02, 0.05, 0.1)  # seconds, at most


class IdempotencyKey(Table, table=True):
    """A key that a client chose for one request, with the digest of the request's input and its outcome."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index("idempotency_keys_by_age", "created_at"),)
    __placement__: ClassVar[Placement] = Placement.LOCAL
    __withheld__: ClassVar[bool] = True
    __updatable__: ClassVar[frozenset[str]] = frozenset({"outcome"})
    __deletable__: ClassVar[bool] = True

    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: bytes
    outcome: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB))
    created_at: datetime = Field(sa_type=DateTime(timezone=True))


class Forgotten(Exception):
    """A key that was there a moment ago is there no more: its time had come just now."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal as it is kept and shown: its code, sentence and place in the input, and the refusal's name."""

    code: Code
    message: str
    path: tuple[str | int, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What `work` answers when there is a text that is shown this once: a new token, a link.

    Secrets (by payload field) go into the answer of the request that made them and nowhere else: they are not kept
    with the idempotency key, so a repeated request answers null for them.
    """

    entities: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)


Work = Callable[["Tx"], Awaitable[Mapping[str, str] | Made]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command: the public ids it concerns by payload field, or the problems; and whether it ran now."""

    entities: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    replayed: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


async def perform(
    db: Database,
    actor: Actor,
    *,
    permission: Permission,
    name: str,
    key: str,
    fingerprint: bytes,
    work: Work,
) -> Outcome:
    """Run one command exactly once for its idempotency key.

    `work` does the change and answers the public ids of what it made or changed, by payload field. A Refusal undoes
    its savepoint only, a `lasting` one nothing: the audit event and the outcome commit either way. The same key with
    the same input answers the first outcome, after authority is checked again; with other input it refuses with
    IdempotencyKeyReused. A key is good for seven days (`forget`).
    What asks for a fresh sign-in is refused with StepUpRequired, which nothing remembers under the key.
    A deadlock or serialization failure runs the whole transaction again, at most three times.
    """
    if not access.allows(actor, permission):
        denied = Problem(Code.NOT_ALLOWED, access.explain(permission))
        return await _turned_away(db, actor, permission, name, denied, audit.Decision.DENIED)
    if not KEY_LENGTH[0] <= len(key) <= KEY_LENGTH[1] or "\x00" in key:
        wrong = Problem(Code.INVALID, "An idempotency key has 1 to 200 characters", ("idempotencyKey",))
        return await _turned_away(db, actor, permission, name, wrong, audit.Decision.REFUSED)
    for pause in RETRY_PAUSES:
        try:
            return await _once(db, actor, permission, name, key, fingerprint, work)
        except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, Forgotten):
            # The whole transaction was undone; jitter keeps two victims from meeting again.
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
    return await _once(db, actor, permission, name, key, fingerprint, work)


async def _once(
    db: Database,
    actor: Actor,
    permission: Permission,
    name: str,
    key: str,
    fingerprint: bytes,
    work: Work,
) -> Outcome:
    scope = f"{actor.organization_id}/{actor.identity}"
    async with db.writer() as tx:
        now = await tx.now()
        if not access.fresh(actor, permission, now):
            # Before the key is taken: after a fresh sign-in the same request goes through.
            return await _stepped_back(tx, actor, permission, name)
        # The insert waits for a concurrent request with the same key, so that only one of them works.
        fresh = await tx.fetchval(
            "insert into idempotency_keys (scope, key, fingerprint, created_at) values ($1, $2, $3, $4)"
            " on conflict (scope, key) do nothing returning true",
            scope,
            key,
            fingerprint,
            now,
        )
        if not fresh:
            return await _replayed(tx, actor, permission, name, await _replay(tx, scope, key, fingerprint))
        entities: Mapping[str, str] = {}
        secrets: Mapping[str, str] = {}
        problems: tuple[Problem, ...] = ()
        try:
            async with tx.savepoint():
                made, problems = await _tried(tx, work)
            entities, secrets = (made.entities, made.secrets) if isinstance(made, Made) else (made, {})
        except Refusal as refusal:
            problems = (_problem(refusal),)
        except Refusals as several:
            problems = tuple(_problem(r) for r in several.refusals)
        await tx.insert(
            audit.record(
                actor,
                name,
                now,
                subject=next(iter(entities.values()), None),
                decision=audit.Decision.REFUSED if problems else audit.Decision.DONE,
                reason="; ".join(p.message for p in problems) or None,
                rule=permission.value,
                digest=tx.noted.get("digest"),
                before=tx.noted.get("before"),
                after=tx.noted.get("after"),
            )
        )
        await tx.execute(
            "update idempotency_keys set outcome = $3 where scope = $1 and key = $2",
            scope,
            key,
            {"entities": dict(entities), "problems": [_kept(p) for p in problems]},
        )
    return Outcome(entities, problems, secrets=secrets)


async def _tried(tx: Tx, work: Work) -> tuple[Mapping[str, str] | Made, tuple[Problem, ...]]:
    """What `work` answers; a lasting refusal is answered too, so that the savepoint is kept."""
    try:
        return await work(tx), ()
    except Refusal as refusal:
        if not refusal.lasting:
            raise
        return {}, (_problem(refusal),)


async def _turned_away(
    db: Database, actor: Actor, permission: Permission, name: str, problem: Problem, decision: audit.Decision
) -> Outcome:
    async with db.writer() as tx:
        await _note(tx, actor, permission, name, problem, decision)
    return Outcome(problems=(problem,))


async def _stepped_back(tx: Tx, actor: Actor, permission: Permission, name: str) -> Outcome:
    problem = _problem(StepUpRequired())
    await _note(tx, actor, permission, name, problem, audit.Decision.DENIED)
    return Outcome(problems=(problem,))


async def _replayed(tx: Tx, actor: Actor, permission: Permission, name: str, outcome: Outcome) -> Outcome:
    """The same outcome; one that is no replay is the refusal of a key that was used for something else."""
    if not outcome.replayed:
        await _note(tx, actor, permission, name, outcome.problems[0], audit.Decision.REFUSED)
    return outcome


async def _note(
    tx: Tx, actor: Actor, permission: Permission, name: str, problem: Problem, decision: audit.Decision
) -> None:
    event = audit.record(
        actor, name, await tx.now(), subject=None, decision=decision, reason=problem.message, rule=permission.value
    )
    await tx.insert(event)


async def _replay(tx: Tx, scope: str, key: str, fingerprint: bytes) -> Outcome:
    row = await tx.fetchrow(
        "select fingerprint, outcome from idempotency_keys where scope = $1 and key = $2", scope, key
    )
    if row is None:
        raise Forgotten
    if row["outcome"] is None:
        raise LookupError("an idempotency key is kept with its outcome in one transaction")
    if row["fingerprint"] != fingerprint:
        return Outcome(problems=(_problem(IdempotencyKeyReused(path=("idempotencyKey",))),))
    kept = row["outcome"]
    problems = tuple(
        Problem(Code(p["code"]), p["message"], tuple(p["path"]), p.get("kind", "")) for p in kept["problems"]
    )
    return Outcome(kept["entities"], problems, replayed=True)


def _problem(refusal: Refusal) -> Problem:
    return Problem(refusal.code, refusal.message, refusal.path, type(refusal).__name__)


def _kept(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code.value, "message": problem.message, "path": list(problem.path), "kind": problem.kind}


def subject_id(tag: str, key: UUID) -> dict[str, str]:
    """The usual answer of `work`: one entity under the payload field `entity`."""
    return {"entity": f"{tag}_{key}"}


async def forget(db: Database) -> int:
    """Delete the keys that are older than seven days, in small transactions that wait for nobody; how many."""
    forgotten = 0
    while True:
        async with db.writer() as tx:
            some = await tx.execute(
                "delete from idempotency_keys where ctid = any(array(select ctid from idempotency_keys"
                " where created_at < $1 order by created_at limit $2 for update skip locked))",
                await tx.now() - KEPT,
                FORGOTTEN_AT_ONCE,
            )
        forgotten += some
        if some < FORGOTTEN_AT_ONCE:
            return forgotten


async def run(db: Database, stop: asyncio.Event) -> None:
    """Forget old keys every ten minutes until told to stop."""
    await now_and_then(lambda: forget(db), LOOK_SECONDS, stop, "no look for old idempotency keys")
