"""Reviews written over time, through the service: declared, private, commented at places, submitted whole, kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import InvalidState, NotAllowed, NotFound, Refusal, Refusals, Required
from countersign.kit.staleness import Changed
from countersign.organizations import members
from countersign.reviews import comments, experts, rubrics, suggestions, writing
from countersign.reviews import service as reviews
from countersign.reviews.rubric import DEFAULT_ID
from countersign.reviews.rules import LEASE, Interest, LeaseLost, Recommendation, Score
from countersign.reviews.rules_anchors import Anchor, Misquoted, TextMoved
from countersign.reviews.rules_rubrics import Wanted
from countersign.reviews.rules_threads import NotYourPart
from countersign.reviews.rules_writing import AlreadyWriting, DraftComment, DraftSuggestion, NotViewed
from countersign.reviews.suggestions import WhichDraft
from countersign.specs import service as specs
from countersign.specs.sections import Section
from tests.factories import Factory
from tests.organizations.support import membership_of
from tests.reviews.support import (
    PROPOSALS,
    REMARKS,
    SCORES,
    SUMMARY,
    Scene,
    claimed,
    favourable,
    reviewed,
    scene,
    written,
)
from tests.specs.samples import COMPLETE

ROWS = ("reviews", "review_drafts", "review_comments", "review_replies", "review_suggestions", "rubric_versions")


@dataclass
class Desk:
    """A claimed request and who is around it."""

    tx: Tx
    here: Scene
    request: UUID
    colleague: Actor
    stranger: Actor
    intruder: Actor
    clock: FrozenClock

    def wait(self, by: timedelta) -> None:
        """Go on later: a transaction has one time."""
        self.clock.move(by)
        self.tx = Tx(self.tx.connection, self.clock, self.tx.vault)

    async def rows(self) -> list[list[str]]:
        """All rows that reviews are made of, with drafts, requests and the outbox."""
        tables = (*ROWS, "review_requests", "spec_drafts", "change_requests", "outbox")
        return [
            [row["x"] for row in await self.tx.fetch(f"select to_jsonb(t)::text as x from {name} t order by 1")]
            for name in tables
        ]

    async def refused(self, kind: type[Refusal], act: Callable[[], Awaitable[object]]) -> Refusal:
        """The refusal; asserts that nothing has changed."""
        before = await self.rows()
        try:
            async with self.tx.savepoint():
                await act()
        except kind as one:
            found: Refusal = one
        except Refusals as several:
            (found,) = (one for one in several.refusals if type(one) is kind)
        else:
            raise AssertionError("it was not refused")
        assert await self.rows() == before
        return found

    async def start(self, reviewer: Actor | None = None, **given: object) -> UUID:
        """Begin to write."""
        command = writing.Start(self.request, Interest.NONE)
        return await writing.start(self.tx, reviewer or self.here.employer, replace(command, **given))  # type: ignore[arg-type]

    async def one(self, table: str, key: UUID) -> asyncpg.Record:
        """A row."""
        row = await self.tx.fetchrow(f"select * from {table} where id = $1", key)
        assert row is not None
        return row


@pytest_asyncio.fixture
async def desk(tx: Tx, make: Factory, clock: FrozenClock) -> Desk:
    here = await scene(tx, make)
    request = await claimed(tx, here.school, here.employer, here.version)
    return Desk(
        tx,
        here,
        request,
        await make.member(tx, here.employer_id, OrganizationKind.EMPLOYER, Role.REVIEWER),
        await make.employer(tx),
        await make.school(tx),
        clock,
    )


async def test_nothing_is_scored_before_interests_are_declared(desk: Desk) -> None:
    await desk.refused(Required, lambda: desk.start(interest=None))
    await desk.refused(Required, lambda: desk.start(interest=Interest.DISCLOSED))
    missing = favourable()
    one_go = reviews.Decide(desk.request, replace(missing, interest=None, scores=(Score("R1", 99),)))
    refusal = await desk.refused(Required, lambda: reviews.decide(desk.tx, desk.here.employer, one_go))
    assert refusal.path == ("interest",)
    # A draft cannot even be kept without its declaration.
    columns = await desk.tx.fetch(
        "select is_nullable from information_schema.columns where table_name = 'review_drafts'"
        " and column_name in ('interest', 'coi_declaration')"
    )
    assert [row["is_nullable"] for row in columns] == ["NO", "NO"]


async def test_a_review_is_written_over_days_and_submitted_whole(desk: Desk) -> None:
    draft = await desk.start()
    assert (await desk.one("review_drafts", draft))["sections"] == [section.value for section in Section]
    for section in Section:
        desk.wait(timedelta(hours=3))
        await writing.view(desk.tx, desk.here.employer, draft, section)
    again = await desk.rows()
    await writing.view(desk.tx, desk.here.employer, draft, Section.SKILLS)
    assert await desk.rows() == again
    await writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, SCORES, REMARKS, PROPOSALS))
    rest = writing.Edit(draft, comment="Nearly there.", recommendation=Recommendation.REQUEST_CHANGES)
    await writing.edit(desk.tx, desk.here.employer, rest)
    seen = (await desk.one("review_drafts", draft))["updated_at"]
    review = await writing.submit(desk.tx, desk.here.employer, writing.Submit(draft, seen))
    row = await desk.one("reviews", review)
    assert review == draft
    assert (row["recommendation"], row["comment"], row["rubric_version_id"]) == (
        "request_changes",
        "Nearly there.",
        DEFAULT_ID,
    )
    assert len(row["scores"]) == len(SCORES)
    kept = await desk.tx.fetch("select * from review_comments where review_id = $1 order by no", review)
    assert [(c["path"], c["start_at"], c["end_at"], c["quoted"], c["asks_change"], c["state"]) for c in kept] == [
        ("outcomes[report].threshold", 0, 8, "at least", True, "open"),
        ("assessment", None, None, "", False, "open"),
        (None, None, None, "", False, "open"),
    ]
    words = await desk.tx.fetch("select * from review_suggestions where review_id = $1 order by no", review)
    assert [(s["quoted"], s["replacement"], s["state"]) for s in words] == [
        ("Four weeks", "Six weeks", "open"),
        ("holds", "stands up to questions", "open"),
    ]
    # The comment that asks for a change has become a change request; the others have not.
    asked = await desk.tx.fetch("select comment_id, body, path from change_requests where review_id = $1", review)
    assert [tuple(row) for row in asked] == [(kept[0]["id"], "Say who grades it.", "outcomes[report].threshold")]
    assert (await desk.one("review_requests", desk.request))["state"] == "decided"
    assert (await desk.one("review_drafts", draft))["state"] == "submitted"


async def test_submitting_is_refused_with_every_reason_until_the_review_is_whole(desk: Desk) -> None:
    draft = await desk.start()
    submit = writing.Submit(draft)
    unseen = await desk.refused(NotViewed, lambda: writing.submit(desk.tx, desk.here.employer, submit))
    assert unseen.message.endswith(
        "overview, outcomes, assessment, toolchain, skills, workload, delivery, quality, stacking."
    )
    with pytest.raises(Refusals) as caught:
        await writing.submit(desk.tx, desk.here.employer, submit)
    assert [one.path for one in caught.value.refusals] == [
        *(("viewedSections",), ("recommendation",), ("scores",), ("comment",))
    ]


async def test_what_is_submitted_is_never_changed(desk: Desk, owner: asyncpg.Connection[asyncpg.Record]) -> None:
    draft = await written(desk.tx, desk.here.employer, desk.request)
    await writing.submit(desk.tx, desk.here.employer, writing.Submit(draft))
    for act in (
        lambda: writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="Other")),
        lambda: writing.submit(desk.tx, desk.here.employer, writing.Submit(draft)),
        lambda: writing.discard(desk.tx, desk.here.employer, writing.Discard(draft)),
        lambda: writing.view(desk.tx, desk.here.employer, draft, Section.SKILLS),
        desk.start,
    ):
        await desk.refused(InvalidState, act)
    # The application's role has no right to: of a review only that it fell, of a comment only where its thread stands.
    rows = await owner.fetch(
        "select table_name::text as name, column_name::text as part from information_schema.column_privileges"
        " where grantee = 'countersign_app' and privilege_type = 'UPDATE' and table_name = any($1) order by 1, 2",
        ["reviews", "review_comments", "review_replies", "rubric_versions"],
    )
    assert [tuple(row) for row in rows] == [
        *(("review_comments", "state"), ("review_comments", "updated_at"), ("reviews", "voided_at"))
    ]


async def test_a_draft_belongs_to_who_writes_it(desk: Desk) -> None:
    draft = await desk.start()
    for actor, kind in (
        (desk.colleague, NotYourPart),
        (desk.stranger, NotFound),
        (desk.here.school, NotAllowed),
        (replace(desk.here.employer, scopes=frozenset()), NotAllowed),
    ):
        for act in (
            lambda who=actor: writing.edit(desk.tx, who, writing.Edit(draft, comment="Mine")),
            lambda who=actor: writing.view(desk.tx, who, draft, Section.SKILLS),
            lambda who=actor: writing.declare(desk.tx, who, writing.Declare(draft, Interest.NONE)),
            lambda who=actor: writing.submit(desk.tx, who, writing.Submit(draft)),
            lambda who=actor: writing.discard(desk.tx, who, writing.Discard(draft)),
        ):
            await desk.refused(kind, act)
    desk.wait(LEASE)
    await desk.refused(
        LeaseLost, lambda: writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="Late"))
    )
    # A colleague who claims it then writes one of their own; claimed back, the first goes on where it was left.
    await reviews.claim(desk.tx, desk.colleague, desk.request)
    assert await desk.start(desk.colleague) != draft
    desk.wait(LEASE)
    await reviews.claim(desk.tx, desk.here.employer, desk.request)
    await desk.refused(AlreadyWriting, desk.start)
    await writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="Back again"))


async def test_who_writes_a_review_over_time_does_not_pass_its_sections_by(desk: Desk) -> None:
    """`decideReview` asks for no look at the sections; `submitReview` does, for whoever has begun to write."""
    draft = await desk.start()
    once = reviews.Decide(desk.request, favourable())
    await desk.refused(AlreadyWriting, lambda: reviews.decide(desk.tx, desk.here.employer, once))
    await desk.refused(NotViewed, lambda: writing.submit(desk.tx, desk.here.employer, writing.Submit(draft)))
    await writing.discard(desk.tx, desk.here.employer, writing.Discard(draft))
    await reviews.decide(desk.tx, desk.here.employer, once)


async def test_what_was_viewed_stands_in_the_review_however_it_was_written(desk: Desk) -> None:
    review = await reviewed(desk.tx, desk.here.school, desk.stranger, desk.here.version)
    everything = [section.value for section in Section]
    assert (await desk.one("reviews", review))["viewed"] == everything

    def once(*viewed: Section, recommendation: Recommendation = Recommendation.ENDORSE) -> reviews.Decide:
        return reviews.Decide(desk.request, favourable(recommendation), frozenset(viewed))

    for some in ((), tuple(Section)[1:]):
        refusal = await desk.refused(NotViewed, partial(reviews.decide, desk.tx, desk.here.employer, once(*some)))
        assert refusal.path == ("viewedSections",)
        assert Section.OVERVIEW.value in refusal.message
    for command, kept in (
        (once(*Section), everything),
        (once(Section.SKILLS, Section.OUTCOMES, recommendation=Recommendation.COMMENT), ["outcomes", "skills"]),
        (once(recommendation=Recommendation.DECLINE), []),
        (reviews.Decide(desk.request, favourable()), None),
    ):
        undo = desk.tx.connection.transaction()
        await undo.start()
        made = await reviews.decide(desk.tx, desk.here.employer, command)
        assert (await desk.one("reviews", made))["viewed"] == kept
        await undo.rollback()


async def test_an_edit_of_what_was_not_seen_is_refused(desk: Desk) -> None:
    draft = await desk.start()
    seen = (await desk.one("review_drafts", draft))["updated_at"]
    desk.wait(timedelta(minutes=1))
    await writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="First", seen=seen))
    for act in (
        lambda: writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="Second", seen=seen)),
        lambda: writing.submit(desk.tx, desk.here.employer, writing.Submit(draft, seen)),
        lambda: writing.discard(desk.tx, desk.here.employer, writing.Discard(draft, seen)),
    ):
        await desk.refused(Changed, act)


async def test_a_draft_is_discarded_and_another_begun_by_another_rubric(desk: Desk) -> None:
    draft = await desk.start()
    await writing.discard(desk.tx, desk.here.employer, writing.Discard(draft))
    wanted = (Wanted("D1", "Depth", "Is it deep?", ("None", "Some", "Enough", "Much", "All")), Wanted("R3"))
    own = await rubrics.publish(desk.tx, desk.here.employer, rubrics.PublishRubric("Ours", wanted, evidence_from=4))
    other = await desk.start(rubric_version_id=own)
    await desk.tx.execute("update review_drafts set viewed = sections where id = $1", other)
    scores = (Score("D1", 3), Score("R3", 3))
    await writing.edit(
        desk.tx, desk.here.employer, writing.Edit(other, scores, comment="Fine.", recommendation=Recommendation.ENDORSE)
    )
    review = await writing.submit(desk.tx, desk.here.employer, writing.Submit(other))
    assert (await desk.one("reviews", review))["rubric_version_id"] == own


async def test_rubrics_grow_by_versions_and_stay_their_organizations(desk: Desk) -> None:
    employer = desk.here.employer
    first = await rubrics.publish(desk.tx, employer, rubrics.PublishRubric("Ours", (Wanted("R1"),)))
    second = rubrics.PublishRubric("Ours", (Wanted("R1"), Wanted("R2")), previous_id=first)
    newer = await rubrics.publish(desk.tx, employer, second)
    rows = await desk.tx.fetch("select id, rubric_id, number from rubric_versions order by number")
    assert [tuple(row) for row in rows] == [(first, first, 1), (newer, first, 2)]
    await desk.refused(rubrics.Outdated, lambda: desk.start(rubric_version_id=first))
    await desk.refused(NotFound, lambda: rubrics.publish(desk.tx, desk.stranger, second))
    await desk.refused(NotAllowed, lambda: rubrics.publish(desk.tx, desk.here.school, second))
    foreign = await rubrics.publish(desk.tx, desk.stranger, rubrics.PublishRubric("Theirs", (Wanted("R1"),)))
    await desk.refused(NotFound, lambda: desk.start(rubric_version_id=foreign))
    await desk.start(rubric_version_id=newer)


async def test_what_is_being_written_falls_with_its_reviewer(desk: Desk, make: Factory) -> None:
    draft = await written(desk.tx, desk.here.employer, desk.request)
    admin = await make.member(desk.tx, desk.here.employer_id, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
    await members.end(desk.tx, admin, await membership_of(desk.tx, desk.here.employer))
    row = await desk.one("review_drafts", draft)
    assert (row["state"], row["closed_at"] is not None) == ("voided", True)
    assert await desk.tx.fetchval("select count(*) from reviews") == 0
    await desk.refused(NotAllowed, lambda: writing.submit(desk.tx, desk.here.employer, writing.Submit(draft)))


async def test_a_draft_of_a_request_that_was_taken_back_is_closed(desk: Desk) -> None:
    draft = await desk.start()
    await reviews.cancel(desk.tx, desk.here.school, reviews.Cancel(desk.request))
    await desk.refused(
        InvalidState, lambda: writing.edit(desk.tx, desk.here.employer, writing.Edit(draft, comment="Late"))
    )


async def test_an_outside_expert_writes_one_review_for_the_organization(desk: Desk) -> None:
    await reviews.give_back(desk.tx, desk.here.employer, desk.request)
    invited, _ = await experts.invite(desk.tx, desk.here.employer, experts.InviteExpert(desk.request))
    expert = Actor(person_id=invited, token_id=invited, request_id=desk.request, guest_of=desk.here.employer_id)
    review = await writing.submit(desk.tx, expert, writing.Submit(await written(desk.tx, expert, desk.request)))
    row = await desk.one("reviews", review)
    assert (row["organization_id"], row["reviewer_id"], row["by_expert"]) == (desk.here.employer_id, invited, True)


async def test_of_a_blind_request_the_covered_text_is_quoted_and_the_frozen_one_is_kept(tx: Tx, desk: Desk) -> None:
    name = await tx.fetchval("select display_name from organizations where id = $1", desk.here.school_id)
    content = {**COMPLETE, "summary": f"{name} teaches it."}
    made = await specs.create(tx, desk.here.school, specs.Create("covered", content))
    version = await specs.submit(tx, desk.here.school, specs.Submit(made.draft_id, "1.0.0"))
    blind = reviews.RequestReview(version, desk.here.employer_id, blind=True)
    request = await reviews.request(tx, desk.here.school, blind)
    await reviews.claim(tx, desk.here.employer, request)
    draft = await writing.start(tx, desk.here.employer, writing.Start(request, Interest.NONE))
    await tx.execute("update review_drafts set viewed = sections where id = $1", draft)
    shown = (await desk.one("review_requests", request))["blind_content"]["summary"]
    assert name not in shown
    end = len(shown)
    named = writing.Edit(draft, comments=(DraftComment(Anchor("summary", 0, end, f"{name} teaches it."), "Who?"),))
    # Whoever guesses the name is told what the covered text says, and nothing else.
    refusal = await desk.refused(Misquoted, lambda: writing.edit(tx, desk.here.employer, named))
    assert name not in refusal.message
    covered = writing.Edit(
        draft,
        comments=(DraftComment(Anchor("summary", 0, end, shown), "Who?"),),
        comment="Hm.",
        recommendation=Recommendation.COMMENT,
    )
    await writing.edit(tx, desk.here.employer, covered)
    review = await writing.submit(tx, desk.here.employer, writing.Submit(draft))
    quoted = await tx.fetchval("select quoted from review_comments where review_id = $1", review)
    assert quoted == f"{name} teaches it."


async def test_a_place_that_a_covered_name_leads_to_is_kept_by_the_name_that_stands_there(tx: Tx, desk: Desk) -> None:
    name = await tx.fetchval("select display_name from organizations where id = $1", desk.here.school_id)
    tools = [*COMPLETE["toolchain"], {"name": f"{name} Lab", "version": "2.1", "checkedOn": "2026-09-20"}]
    made = await specs.create(tx, desk.here.school, specs.Create("own-tool", {**COMPLETE, "toolchain": tools}))
    version = await specs.submit(tx, desk.here.school, specs.Submit(made.draft_id, "1.0.0"))
    asked = reviews.RequestReview(version, desk.here.employer_id, blind=True)
    request = await reviews.request(tx, desk.here.school, asked)
    await reviews.claim(tx, desk.here.employer, request)
    draft = await writing.start(tx, desk.here.employer, writing.Start(request, Interest.NONE))
    await tx.execute("update review_drafts set viewed = sections where id = $1", draft)
    path = f"toolchain[{'█' * len(name)} Lab]"
    words = writing.Edit(
        draft,
        scores=SCORES,
        comments=(DraftComment(Anchor(path), "Whose is this?", asks_change=True),),
        suggestions=(DraftSuggestion(Anchor(f"{path}.version", 0, 3, "2.1"), "2.2"),),
        comment="Hm.",
        recommendation=Recommendation.REQUEST_CHANGES,
    )
    await writing.edit(tx, desk.here.employer, words)
    review = await writing.submit(tx, desk.here.employer, writing.Submit(draft))
    kept = await tx.fetch(
        "select path from review_comments where review_id = $1 union all"
        " select path from change_requests where review_id = $1 union all"
        " select path || quoted from review_suggestions where review_id = $1",
        review,
    )
    real = f"toolchain[{name} Lab]"
    assert [row["path"] for row in kept] == [real, real, f"{real}.version2.1"]
    suggestion = await tx.fetchval("select id from review_suggestions where review_id = $1", review)
    await suggestions.accept(tx, desk.here.school, suggestions.Accept(suggestion))


async def thread(desk: Desk) -> tuple[UUID, list[UUID], list[UUID]]:
    """A submitted review, its comments, its suggestions."""
    review = await writing.submit(
        desk.tx, desk.here.employer, writing.Submit(await written(desk.tx, desk.here.employer, desk.request))
    )
    found = [
        [row["id"] for row in await desk.tx.fetch(f"select id from {name} where review_id = $1 order by no", review)]
        for name in ("review_comments", "review_suggestions")
    ]
    return review, found[0], found[1]


async def test_a_comment_is_answered_replied_to_resolved_and_reopened(desk: Desk) -> None:
    _, (remark, *_), _ = await thread(desk)
    states = []
    acts: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: comments.answer(desk.tx, desk.here.school, comments.Say(remark, "The board does.")),
        lambda: comments.reply(desk.tx, desk.colleague, comments.Say(remark, "Which board?")),
        lambda: comments.answer(desk.tx, desk.here.school, comments.Say(remark, "Ours.")),
        lambda: comments.resolve(desk.tx, desk.here.employer, remark),
        lambda: comments.reopen(desk.tx, desk.here.employer, remark),
    )
    for act in acts:
        await act()
        states.append((await desk.one("review_comments", remark))["state"])
    assert states == ["answered", "open", "answered", "resolved", "open"]
    said = await desk.tx.fetch("select by_school, body from review_replies order by made_at, id")
    assert [tuple(row) for row in said] == [(True, "The board does."), (False, "Which board?"), (True, "Ours.")]


async def test_each_side_of_a_thread_keeps_to_its_part(desk: Desk) -> None:
    _, (remark, *_), (words, _) = await thread(desk)
    say = comments.Say(remark, "Hm")
    for kind, act in (
        (NotAllowed, lambda: comments.answer(desk.tx, desk.here.employer, say)),
        (NotAllowed, lambda: comments.reply(desk.tx, desk.here.school, say)),
        (NotAllowed, lambda: comments.resolve(desk.tx, desk.here.school, remark)),
        (NotAllowed, lambda: suggestions.accept(desk.tx, desk.here.employer, suggestions.Accept(words))),
        (NotAllowed, lambda: suggestions.decline(desk.tx, desk.here.employer, suggestions.Decline(words, "No"))),
        (NotFound, lambda: comments.reply(desk.tx, desk.stranger, say)),
        (NotFound, lambda: comments.resolve(desk.tx, desk.stranger, remark)),
        (NotFound, lambda: comments.answer(desk.tx, desk.intruder, say)),
        (NotFound, lambda: suggestions.accept(desk.tx, desk.intruder, suggestions.Accept(words))),
        (NotFound, lambda: suggestions.decline(desk.tx, desk.intruder, suggestions.Decline(words, "No"))),
        (Required, lambda: comments.answer(desk.tx, desk.here.school, comments.Say(remark, " "))),
        (Required, lambda: suggestions.decline(desk.tx, desk.here.school, suggestions.Decline(words, ""))),
        (InvalidState, lambda: comments.reopen(desk.tx, desk.here.employer, remark)),
    ):
        await desk.refused(kind, act)


async def test_suggestions_go_into_the_next_draft_with_one_click_each(desk: Desk) -> None:
    review, _, (first, second) = await thread(desk)
    await suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(first))
    await suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(second))
    (draft,) = await desk.tx.fetch("select id, content, base_version_id from spec_drafts where version_id is null")
    assert draft["base_version_id"] == desk.here.version
    assert (
        draft["content"]["summary"]
        == f"Six weeks from a question about a product to a decision that {PROPOSALS[1].replacement}."
    )
    # The frozen text is as it was, and whose the words are stays known.
    assert (await desk.one("spec_versions", desk.here.version))["content"]["summary"] == SUMMARY
    rows = await desk.tx.fetch(
        "select state, draft_id, organization_id from review_suggestions where review_id = $1", review
    )
    assert {tuple(row) for row in rows} == {("accepted", draft["id"], desk.here.employer_id)}
    await desk.refused(InvalidState, lambda: suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(first)))


async def test_a_suggestion_whose_place_has_moved_is_refused_and_the_draft_stays(desk: Desk) -> None:
    _, _, (first, second) = await thread(desk)
    draft = await specs.new_draft_from(desk.tx, desk.here.school, desk.here.version)
    edited = {**COMPLETE, "summary": "Five weeks from a question about a product to a decision that holds."}
    await specs.edit_draft(desk.tx, desk.here.school, specs.EditDraft(draft, edited))
    await desk.refused(TextMoved, lambda: suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(first)))
    # What stands elsewhere in the same text still finds its place.
    await suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(second))
    content = (await desk.one("spec_drafts", draft))["content"]
    assert (
        content["summary"]
        == f"Five weeks from a question about a product to a decision that {PROPOSALS[1].replacement}."
    )


async def test_of_several_drafts_one_is_named_and_it_must_be_of_the_same_specification(desk: Desk) -> None:
    _, _, (first, _) = await thread(desk)
    here = desk.here
    one, _ = [await specs.new_draft_from(desk.tx, here.school, here.version) for _ in range(2)]
    other = await specs.create(desk.tx, here.school, specs.Create("other-block", COMPLETE))
    await desk.refused(WhichDraft, lambda: suggestions.accept(desk.tx, here.school, suggestions.Accept(first)))
    elsewhere = suggestions.Accept(first, other.draft_id)
    await desk.refused(NotFound, lambda: suggestions.accept(desk.tx, here.school, elsewhere))
    await suggestions.accept(desk.tx, here.school, suggestions.Accept(first, one))


async def test_a_suggestion_that_breaks_the_specification_is_refused(desk: Desk) -> None:
    draft = await desk.start()
    await desk.tx.execute("update review_drafts set viewed = sections where id = $1", draft)
    wrong = DraftSuggestion(Anchor("workloadHours", 0, 2, "75"), "many")
    edit = writing.Edit(draft, suggestions=(wrong,), comment="Hm.", recommendation=Recommendation.COMMENT)
    await writing.edit(desk.tx, desk.here.employer, edit)
    review = await writing.submit(desk.tx, desk.here.employer, writing.Submit(draft))
    words = await desk.tx.fetchval("select id from review_suggestions where review_id = $1", review)
    before = await desk.rows()
    with pytest.raises(Refusals):
        async with desk.tx.savepoint():
            await suggestions.accept(desk.tx, desk.here.school, suggestions.Accept(words))
    assert await desk.rows() == before


async def test_dissent_is_kept_in_words_for_the_school_and_as_a_count_for_everybody(desk: Desk) -> None:
    """Invariant 18: what was advised against stays, and nothing that either side can do takes it away."""
    draft = await written(desk.tx, desk.here.employer, desk.request, Recommendation.DECLINE)
    review = await writing.submit(desk.tx, desk.here.employer, writing.Submit(draft))
    await reviewed(desk.tx, desk.here.school, desk.here.employer, desk.here.version, Recommendation.ENDORSE)
    kept = await desk.one("reviews", review)
    assert (kept["recommendation"], kept["comment"], kept["voided_at"]) == ("decline", "Nearly there.", None)
    await desk.refused(InvalidState, lambda: reviews.cancel(desk.tx, desk.here.school, reviews.Cancel(desk.request)))
    await desk.refused(InvalidState, lambda: writing.discard(desk.tx, desk.here.employer, writing.Discard(draft)))


async def test_the_school_cannot_write_the_reviewers_words(desk: Desk) -> None:
    """Invariant 2: nothing that a school may do touches what a reviewer wrote; suggestions stand apart."""
    review, remarks, (first, second) = await thread(desk)
    theirs = [
        await desk.tx.fetch("select id, path, start_at, end_at, quoted, body from review_comments order by id"),
        await desk.tx.fetch("select id, quoted, replacement, reason from review_suggestions order by id"),
        await desk.tx.fetch("select id, comment, scores, recommendation from reviews order by id"),
    ]
    school = desk.here.school
    await comments.answer(desk.tx, school, comments.Say(remarks[0], "We will."))
    await suggestions.accept(desk.tx, school, suggestions.Accept(first))
    await suggestions.decline(desk.tx, school, suggestions.Decline(second, "It stands."))
    for act in (
        lambda: writing.edit(desk.tx, school, writing.Edit(review, comment="Excellent!")),
        lambda: writing.start(desk.tx, school, writing.Start(desk.request, Interest.NONE)),
        lambda: comments.reply(desk.tx, school, comments.Say(remarks[0], "Excellent!")),
    ):
        await desk.refused(NotAllowed, act)
    assert theirs == [
        await desk.tx.fetch("select id, path, start_at, end_at, quoted, body from review_comments order by id"),
        await desk.tx.fetch("select id, quoted, replacement, reason from review_suggestions order by id"),
        await desk.tx.fetch("select id, comment, scores, recommendation from reviews order by id"),
    ]
