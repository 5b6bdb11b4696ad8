"""Nobody overwrites what they have not seen: by digest, by the moment of the last change, or by state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from countersign.schema.base import Lock
from countersign.schema.promises import command_of
from tests.mutations.stage import SCHEMA, Stage
from tests.mutations.table import TABLE
from tests.reviews.support import everything

FIELD = {Lock.UNMODIFIED_SINCE: "ifUnmodifiedSince", Lock.DIGEST: "expectedDigest"}


def locked_by(*locks: Lock) -> list[str]:
    """The mutations with one of these locks."""
    assert SCHEMA._schema.mutation_type is not None
    commands = {name: command_of(field) for name, field in SCHEMA._schema.mutation_type.fields.items()}
    return [name for name, command in commands.items() if command is not None and command.lock in locks]


SEEN = locked_by(Lock.UNMODIFIED_SINCE, Lock.DIGEST)
STALE = {
    "ifUnmodifiedSince": [
        "2026-11-22T11:59:59.999Z",
        "2026-11-22T12:00:00.002Z",
        "2026-11-23T00:00:00Z",
        "1990-01-01T00:00:00Z",
    ],
    "expectedDigest": ["ab" * 32, ""],
}


def field_of(name: str) -> str:
    (found,) = set(STALE) & set(SCHEMA._schema.mutation_type.fields[name].args["input"].type.of_type.fields)  # type: ignore[union-attr]
    return found


def codes(answer: dict[str, Any], name: str) -> list[str]:
    return [error["code"] for error in answer["data"][name]["errors"]]


@pytest.mark.parametrize("name", SEEN)
async def test_who_saw_something_else_is_refused_and_nothing_changes(stage: Stage, name: str) -> None:
    actor, given, field = stage.actor(TABLE[name].actor), TABLE[name].given(stage), field_of(name)
    before = await everything(stage.db)
    for number, stale in enumerate(STALE[field]):
        answer = await stage.do(name, actor, **{**given, field: stale, "idempotencyKey": f"k{number}"})
        assert [(e["__typename"], e["code"], e["path"]) for e in answer["data"][name]["errors"]] == [
            ("StaleVersionError", "STALE_VERSION", [field])
        ]
    assert await everything(stage.db) == before


@pytest.mark.parametrize("name", SEEN)
async def test_who_says_nothing_of_what_was_seen_is_refused_and_nothing_changes(stage: Stage, name: str) -> None:
    actor, field = stage.actor(TABLE[name].actor), field_of(name)
    given = {k: v for k, v in TABLE[name].given(stage).items() if k != field}
    before = await everything(stage.db)
    for absent in ({}, {field: None}):
        answer = await stage.do(name, actor, **given, **absent, idempotencyKey="k")
        assert "data" not in answer
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"]
    assert await everything(stage.db) == before


@pytest.mark.parametrize("name", SEEN)
async def test_who_saw_it_as_it_is_changes_it(stage: Stage, name: str) -> None:
    actor, given = stage.actor(TABLE[name].actor), TABLE[name].given(stage)
    before = await everything(stage.db)
    answer = await stage.do(name, actor, **given, idempotencyKey="k")
    assert codes(answer, name) == []
    assert await everything(stage.db) != before


OWN_HAND = {"decideReview", "editReview", "submitReview", "discardReview"}  # only who reviews goes on with it


@pytest.mark.parametrize("name", locked_by(Lock.UNMODIFIED_SINCE))
async def test_of_two_who_saw_the_same_one_is_first_and_the_other_is_told(stage: Stage, name: str) -> None:
    actor, given = stage.actor(TABLE[name].actor), TABLE[name].given(stage)
    rival = actor if name in OWN_HAND else stage.colleague(actor)
    both = await asyncio.gather(
        stage.do(name, actor, **given, idempotencyKey="k"), stage.do(name, rival, **given, idempotencyKey="other")
    )
    first, second = sorted((codes(answer, name) for answer in both), key=len)
    assert first == []
    # What was closed by the first is in another state for the second, which is said before its age.
    assert second in (["STALE_VERSION"], ["INVALID_STATE"])


OWN_WORD = {
    "setConsent",
    "correctResidence",
    "changeEmail",
    "changeNoticeSettings",
    "setNoticeAddress",
}  # one's own: the last one counts
REPEATABLE = OWN_WORD | {
    "verifyDomain",
    "recheckForeignEndorsement",
    "createClaimLink",
    "rollWebhookSecret",
    "offerReviews",
}  # nobody's work is lost when it is done twice

OWN_INBOX = {"markNotice", "markAllNoticesRead", "removeNoticeAddress"}


@pytest.mark.parametrize("name", locked_by(Lock.STATE))
async def test_a_step_that_was_taken_is_not_taken_again(stage: Stage, name: str) -> None:
    actor, given = stage.actor(TABLE[name].actor), TABLE[name].given(stage)
    assert codes(await stage.do(name, actor, **given, idempotencyKey="k"), name) == []
    after = await everything(stage.db)
    again = await stage.do(name, stage.colleague(actor), **{**given, **TABLE[name].other}, idempotencyKey="other")
    repeated = await stage.do(name, stage.colleague(actor), **given, idempotencyKey="again")
    if name in {"setConsent", "correctResidence"}:
        # The learner's own word: taking it back is a new step, which is never refused, and nothing is overwritten.
        assert (codes(again, name), codes(repeated, name)) == ([], [])
        return
    if name in OWN_INBOX:
        # One's own: a colleague has no such thing.
        assert (codes(again, name), codes(repeated, name)) == (["NOT_FOUND"], ["NOT_FOUND"])
        assert await everything(stage.db) == after
        return
    if name == "claimAward":
        # Refused, but the attempts are counted.
        assert (codes(again, name), codes(repeated, name)) == (["NOT_FOUND"], ["NOT_FOUND"])
        return
    if name in REPEATABLE:
        # A question, not a step: the domain answers it as often as it is asked.
        assert codes(repeated, name) == []
        return
    assert codes(repeated, name) in (["INVALID_STATE"], ["CONFLICT"], ["NOT_ALLOWED"])
    assert codes(again, name) != []
    assert await everything(stage.db) == after


@pytest.mark.parametrize("name", [name for name in locked_by(Lock.STATE) if name not in REPEATABLE])
async def test_of_two_who_race_for_a_step_one_takes_it(stage: Stage, name: str) -> None:
    actor, given = stage.actor(TABLE[name].actor), TABLE[name].given(stage)
    rival = actor if name in OWN_HAND else stage.colleague(actor)
    both = await asyncio.gather(
        stage.do(name, actor, **given, idempotencyKey="mine"), stage.do(name, rival, **given, idempotencyKey="yours")
    )
    assert sorted(len(codes(answer, name)) for answer in both) == [0, 1]
