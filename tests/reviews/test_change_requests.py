"""Changes that reviews ask for: from the review through the next draft to the answer, and who may do what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal, Required
from countersign.organizations import members
from countersign.reviews import change_requests, service
from countersign.reviews.change_requests import Asked, Tick
from countersign.reviews.rules import Recommendation
from countersign.reviews.rules_changes import Answer
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reviews.support import Scene, everything, favourable, scene, statements
from tests.specs.samples import COMPLETE

ASKED: Final = [
    Asked("Name the current version", "toolchain[Python].version"),
    Asked("Say who marks the report", "assessment.description"),
    Asked("Shorten the title", "title"),
]
STATE: Final = "select state from change_requests where id = $1"


@dataclass
class Story:
    """A review that asked for three changes."""

    here: Scene
    review: UUID
    asked: list[UUID]

    @property
    def school(self) -> Actor:
        """Who is asked."""
        return self.here.school

    @property
    def employer(self) -> Actor:
        """Who asks."""
        return self.here.employer


async def told(tx: Tx, make: Factory) -> Story:
    """A submitted version, reviewed with changes requested."""
    here = await scene(tx, make)
    request = await service.request(tx, here.school, service.RequestReview(here.version, here.employer_id))
    await service.claim(tx, here.employer, request)
    decision = service.Decide(request, favourable(Recommendation.REQUEST_CHANGES))
    review = await service.decide(tx, here.employer, decision)
    (whole,) = await tx.fetch("select id, body, path, state from change_requests where review_id = $1", review)
    assert (whole["body"], whole["path"], whole["state"]) == ("Matches how our team works.", None, "open")
    await change_requests.withdraw(tx, here.employer, whole["id"])
    return Story(here, review, await change_requests.open_from(tx, review, ASKED))


async def next_draft(tx: Tx, story: Story, **fields: Any) -> UUID:
    draft = await specs.new_draft_from(tx, story.school, story.here.version)
    await specs.edit_draft(tx, story.school, specs.EditDraft(draft, COMPLETE | fields))
    return draft


async def answered(tx: Tx, story: Story) -> UUID:
    """The next version, which addresses the first and declines the second; the third still waits."""
    draft = await next_draft(tx, story, description="Otherwise said.")
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[0], Answer.ADDRESSED, "Now 3.14"))
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[1], Answer.DECLINED, "Our tutors do"))
    return await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))


@pytest_asyncio.fixture(loop_scope="session")
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    """The application."""
    async with served(db, signer, make) as made:
        yield made


async def states(tx: Tx, story: Story) -> list[str]:
    return [await tx.fetchval(STATE, key) for key in story.asked]


async def test_ticks_become_answers_when_the_draft_is_submitted_and_not_before(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    draft = await next_draft(tx, story)
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[0], Answer.DECLINED, "No"))
    await refused(
        tx, change_requests.tick(tx, story.school, Tick(draft, story.asked[0], Answer.ADDRESSED)), InvalidState
    )
    await change_requests.untick(tx, story.school, draft, story.asked[0])
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[0], Answer.ADDRESSED))
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[1], Answer.ADDRESSED))
    await change_requests.untick(tx, story.school, draft, story.asked[1])
    assert await states(tx, story) == ["open"] * 3
    assert not await tx.fetchval("select count(*) from change_request_events where state = 'addressed'")
    version = await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))
    assert await states(tx, story) == ["addressed", "open", "open"]
    row = await tx.fetchrow("select * from change_requests where id = $1", story.asked[0])
    assert row is not None
    assert (row["answered_in_id"], row["answer"]) == (version, "")
    assert row["answered_at"] is not None


async def test_who_asked_may_read_the_version_that_answers_and_nobody_else(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    stranger = await make.employer(tx)
    version = await answered(tx, story)
    assert await specs.readable(tx, version, story.here.employer_id)
    assert not await specs.readable(tx, version, stranger.organization_id)


async def test_an_answer_is_accepted_or_opened_again_and_answered_by_a_later_version(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    second = await answered(tx, story)
    await change_requests.accept(tx, story.employer, story.asked[0])
    await change_requests.reopen(tx, story.employer, story.asked[1], "Tutors of yours are no external assessors")
    assert await states(tx, story) == ["accepted", "reopened", "open"]
    draft = await specs.new_draft_from(tx, story.school, second)
    for key in story.asked[1:]:
        await change_requests.tick(tx, story.school, Tick(draft, key, Answer.ADDRESSED, "Done"))
    third = await specs.submit(tx, story.school, specs.Submit(draft, "1.2.0"))
    assert await states(tx, story) == ["accepted", "addressed", "addressed"]
    steps = await tx.fetch(
        "select state, note, spec_version_id from change_request_events where change_request_id = $1 order by no",
        story.asked[1],
    )
    assert [tuple(step) for step in steps] == [
        ("open", "", story.here.version),
        ("declined", "Our tutors do", second),
        ("reopened", "Tutors of yours are no external assessors", None),
        ("addressed", "Done", third),
    ]
    topics = [row["topic"] for row in await tx.fetch("select topic from outbox order by id")]
    assert {f"change_request.{name}" for name in ("raised", "addressed", "declined", "accepted", "reopened")} <= set(
        topics
    )


async def test_a_change_that_was_settled_while_it_stood_ticked_stays_settled(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    draft = await next_draft(tx, story)
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[0], Answer.ADDRESSED))
    await change_requests.withdraw(tx, story.employer, story.asked[0], "We were wrong")
    version = await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))
    assert await states(tx, story) == ["withdrawn", "open", "open"]
    assert not await specs.readable(tx, version, story.here.employer_id)


async def test_declining_at_once_needs_a_reason_and_no_version(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    with pytest.raises(Required):
        await change_requests.decline(tx, story.school, story.asked[0], " ")
    await change_requests.decline(tx, story.school, story.asked[0], "The law asks for this title")
    row = await tx.fetchrow("select state, answer, answered_in_id from change_requests where id = $1", story.asked[0])
    assert row is not None
    assert tuple(row) == ("declined", "The law asks for this title", None)


async def test_changes_fall_with_the_review_that_asked_and_are_kept(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    admin = await make.member(tx, story.here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    key = await tx.fetchval("select id from memberships where person_id = $1", story.employer.person_id)
    await members.end(tx, admin, key)
    assert await tx.fetchval("select voided_at is not null from reviews where id = $1", story.review)
    assert await states(tx, story) == ["withdrawn"] * 3


async def test_statements_do_not_grow_with_what_is_asked(tx: Tx, make: Factory) -> None:
    texts = []
    for many in (1, 40):
        story = await told(tx, make)
        with statements(tx) as opening:
            more = await change_requests.open_from(tx, story.review, [Asked(f"Change {n}") for n in range(many)])
        draft = await next_draft(tx, story)
        for key in more:
            await change_requests.tick(tx, story.school, Tick(draft, key, Answer.ADDRESSED, "Done"))
        with statements(tx) as ending:
            await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))
            await change_requests.fall(tx, [story.review], await tx.now())
        steps = await tx.fetch(
            "select no, state from change_request_events where change_request_id = any($1) order by no, id", more
        )
        assert [tuple(step) for step in steps] == [
            (number, state)
            for number, state in enumerate(("open", "addressed", "withdrawn"), start=1)
            for _ in range(many)
        ]
        texts.append([*opening, *ending])
        for state in ("raised", "addressed", "withdrawn"):
            told_of = await tx.fetch("select subject from outbox where topic = $1", f"change_request.{state}")
            assert {f"chg_{key}" for key in more} <= {row["subject"] for row in told_of}
    assert len(texts[0]) >= len(texts[1])


async def refused(tx: Tx, attempt: Any, kind: type[Refusal]) -> None:
    before = await tx.fetch("select to_jsonb(c)::text from change_requests c order by 1")
    ticks = await tx.fetch("select to_jsonb(c)::text from change_request_ticks c order by 1")
    with pytest.raises(kind):
        async with tx.savepoint():
            await attempt
    assert await tx.fetch("select to_jsonb(c)::text from change_requests c order by 1") == before
    assert await tx.fetch("select to_jsonb(c)::text from change_request_ticks c order by 1") == ticks


async def test_neither_side_speaks_for_the_other_and_strangers_find_nothing(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    draft, key = await next_draft(tx, story), story.asked[0]
    other_school = await make.school(tx)
    stranger = await make.employer(tx)
    tick = Tick(draft, key, Answer.ADDRESSED)
    await refused(tx, change_requests.tick(tx, story.employer, tick), NotAllowed)
    await refused(tx, change_requests.tick(tx, other_school, tick), NotFound)
    await refused(tx, change_requests.untick(tx, story.school, draft, key), InvalidState)
    await refused(tx, change_requests.untick(tx, other_school, draft, key), NotFound)
    await refused(tx, change_requests.decline(tx, story.employer, key, "No"), NotAllowed)
    await refused(tx, change_requests.decline(tx, other_school, key, "No"), NotFound)
    await refused(tx, change_requests.decline(tx, make.without(story.school, Role.AUTHOR), key, "No"), NotAllowed)
    await change_requests.decline(tx, story.school, key, "No")
    for act in (change_requests.accept(tx, story.school, key), change_requests.reopen(tx, story.school, key, "No")):
        await refused(tx, act, NotAllowed)
    for act in (change_requests.accept(tx, stranger, key), change_requests.withdraw(tx, stranger, key)):
        await refused(tx, act, NotFound)
    only_signs = make.without(story.employer, Role.REVIEWER)
    await refused(tx, change_requests.accept(tx, only_signs, key), NotAllowed)
    await refused(tx, change_requests.accept(tx, ANONYMOUS, key), NotAllowed)


async def test_who_writes_for_the_school_no_more_answers_nothing(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    draft, key = await next_draft(tx, story), story.asked[0]
    await change_requests.tick(tx, story.school, Tick(draft, story.asked[1], Answer.ADDRESSED))
    # The actor says what was true at sign-in; the row has changed since.
    await tx.execute("update memberships set roles = '{registrar}' where person_id = $1", story.school.person_id)
    for act in (
        change_requests.tick(tx, story.school, Tick(draft, key, Answer.ADDRESSED)),
        change_requests.untick(tx, story.school, draft, story.asked[1]),
        change_requests.decline(tx, story.school, key, "No"),
    ):
        await refused(tx, act, NotAllowed)


async def test_a_change_of_another_credential_and_a_submitted_draft_are_refused(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    made = await specs.create(tx, story.school, specs.Create("something-else", COMPLETE))
    await refused(
        tx, change_requests.tick(tx, story.school, Tick(made.draft_id, story.asked[0], Answer.ADDRESSED)), NotFound
    )
    draft = await next_draft(tx, story)
    await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))
    tick = Tick(draft, story.asked[0], Answer.ADDRESSED)
    await refused(tx, change_requests.tick(tx, story.school, tick), InvalidState)
    await refused(tx, change_requests.untick(tx, story.school, draft, story.asked[0]), InvalidState)


DRAFT: Final = (
    "query ($id: ID!) { node(id: $id) { ... on SpecDraft { changeRequests { answer note changeRequest { body } } } } }"
)
DIFF: Final = """query ($from: ID!, $to: ID!) { specVersionDiff(from: $from, to: $to) { changes { path }
  changeRequests(first: 10) { nodes { path state answer section answeredIn { semver } viewerCan { accept } } } } }"""


async def test_the_reviewer_sees_the_answers_with_the_diff_and_no_tick_before(api: Api) -> None:
    async with api.db.writer() as tx:
        story = await told(tx, api.make)
        draft = await next_draft(tx, story, description="Otherwise said.")
    ids = {"draftId": f"draft_{draft}", "changeRequestId": f"chg_{story.asked[0]}"}
    done = await api.do("tickChangeRequest", "draft { id }", story.school, **ids, answer="ADDRESSED", note="Now 3.14")
    assert done["errors"] == []
    (answers,) = [(await api.ask(DRAFT, story.school, id=f"draft_{draft}"))["node"]["changeRequests"]]
    assert [(a["answer"], a["note"]) for a in answers] == [("ADDRESSED", "Now 3.14"), (None, None), (None, None)]
    own = "{ changeRequests(first: 10) { nodes { state answer } } }"
    seen = (await api.ask(own, story.employer))["changeRequests"]["nodes"]
    assert {(each["state"], each["answer"]) for each in seen} == {("OPEN", None), ("WITHDRAWN", None)}
    assert (await api.ask(DRAFT, story.employer, id=f"draft_{draft}"))["node"] is None
    async with api.db.writer() as tx:
        version = await specs.submit(tx, story.school, specs.Submit(draft, "1.1.0"))
        stranger = await api.make.employer(tx)
        await specs.publish(tx, story.school, story.here.version)
        await specs.publish(tx, story.school, version)
    ends = {"from": f"version_{story.here.version}", "to": f"version_{version}"}
    diff = (await api.ask(DIFF, story.employer, **ends))["specVersionDiff"]
    assert [c["path"] for c in diff["changes"]] == ["description"]
    found = {c["path"]: c for c in diff["changeRequests"]["nodes"]}
    assert found["toolchain[Python].version"] == {
        "path": "toolchain[Python].version",
        "state": "ADDRESSED",
        "answer": "Now 3.14",
        "section": "TOOLCHAIN",
        "answeredIn": {"semver": "1.1.0"},
        "viewerCan": {"accept": True},
    }
    assert found["title"]["state"] == "OPEN"
    for actor in (stranger, ANONYMOUS):
        assert (await api.ask(DIFF, actor, **ends))["specVersionDiff"]["changeRequests"]["nodes"] == []
        assert (await api.ask(own, actor))["changeRequests"]["nodes"] == []
    (answers,) = [(await api.ask(DRAFT, story.school, id=f"draft_{draft}"))["node"]["changeRequests"]]
    assert [a["answer"] for a in answers] == ["ADDRESSED"]


async def test_two_answers_at_once_leave_one(api: Api) -> None:
    async with api.db.writer() as tx:
        story = await told(tx, api.make)
        await change_requests.decline(tx, story.school, story.asked[0], "No")
    before = await everything(api.db)
    key = {"changeRequestId": f"chg_{story.asked[0]}"}
    first = await api.do("acceptChangeRequest", "changeRequest { state }", story.employer, **key)
    second = await api.do("reopenChangeRequest", "changeRequest { state }", story.employer, **key, reason="No")
    assert first["changeRequest"] == {"state": "ACCEPTED"}
    assert [error["code"] for error in second["errors"]] == ["INVALID_STATE"]
    assert await everything(api.db) != before
