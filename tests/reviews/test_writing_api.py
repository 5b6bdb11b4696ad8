"""A review written over time, through the API: what each side reads of it, before it is submitted and after."""

from __future__ import annotations

from typing import Any, Final

import pytest_asyncio

from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Role
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.reviews.rubric import DEFAULT_ID, RUBRIC
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask_data
from tests.reviews.support import Scene, claimed, everything, scene

SECTIONS: Final = ("OVERVIEW", "OUTCOMES", "ASSESSMENT", "TOOLCHAIN", "SKILLS", "WORKLOAD", "DELIVERY", "QUALITY")
DRAFT: Final = """reviewDraft { id state updatedAt sections viewedSections recommendation comment interest
  scores { criterion { code } value } unscored { code } rubric { id number title current organization { id } }
  comments { path start end quoted body asksChange } suggestions { path start end quoted replacement reason }
  request { id specVersion { id } } }"""
MAY: Final = """query ($request: ID!) { reviewRequest(id: $request) { viewerCan { decide }
  review { viewedSections } } }"""
LOOK: Final = """query ($request: ID!, $draft: ID!) {
  reviewRequest(id: $request) { myDraft { id } review { id comments { body quoted replies { bySchool body } }
    suggestions { replacement state acceptedInto { id } } } }
  reviewDraft(id: $draft) { id comment } node(id: $draft) { id } }"""


class Desk:
    """The API over a claimed request."""

    def __init__(self, engine: Engine, db: Database, here: Scene, request: str) -> None:
        self.engine, self.db, self.here, self.request = engine, db, here, request

    async def do(self, name: str, actor: Actor, fields: str, **given: Any) -> Any:
        """The payload of a mutation."""
        text = f"""mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {fields}
          errors {{ __typename ... on UserError {{ code path message }} }} }} }}"""
        return (await ask_data(self.engine, text, actor, input={"idempotencyKey": str(new_id()), **given}))[name]

    async def look(self, actor: Actor, draft: str) -> Any:
        """What somebody reads of the review."""
        return await ask_data(self.engine, LOOK, actor, request=self.request, draft=draft)


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> Desk:
    async with db.writer() as tx:
        here = await scene(tx, make)
        request = await claimed(tx, here.school, here.employer, here.version)
    return Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, here, f"rrq_{request}")


async def test_a_review_is_private_until_it_is_submitted_and_then_between_two(desk: Desk, make: Factory) -> None:
    reviewer, school = desk.here.employer, desk.here.school
    started = await desk.do("startReview", reviewer, DRAFT, reviewRequestId=desk.request, interest="NONE")
    draft = started["reviewDraft"]
    assert started["errors"] == []
    assert (draft["state"], draft["viewedSections"], len(draft["unscored"])) == ("DRAFT", [], len(RUBRIC))
    assert draft["rubric"] == {
        "id": f"rub_{DEFAULT_ID}",
        "number": 1,
        "title": "Countersign's rubric",
        "current": True,
        "organization": None,
    }
    for section in (*SECTIONS, "STACKING"):
        seen = await desk.do("viewReviewSection", reviewer, DRAFT, reviewDraftId=draft["id"], section=section)
    edited = await desk.do(
        *("editReview", reviewer, DRAFT),
        reviewDraftId=draft["id"],
        ifUnmodifiedSince=seen["reviewDraft"]["updatedAt"],
        scores=[{"criterion": c.code, "value": 2} for c in RUBRIC],
        comments=[{"path": "summary", "start": 0, "end": 4, "quoted": "Four", "body": "Why?", "asksChange": True}],
        suggestions=[{"path": "summary", "start": 0, "end": 4, "quoted": "Four", "replacement": "Six"}],
        comment="Not yet.",
        recommendation="REQUEST_CHANGES",
    )
    assert edited["errors"] == []
    assert edited["reviewDraft"]["unscored"] == []
    assert edited["reviewDraft"]["comments"] == [
        {"path": "summary", "start": 0, "end": 4, "quoted": "Four", "body": "Why?", "asksChange": True}
    ]
    async with desk.db.writer() as tx:
        author_there = await make.member(tx, desk.here.employer_id, OrganizationKind.EMPLOYER, Role.SIGNATORY)
    hidden = {"reviewDraft": None, "node": None}
    for actor in (school, author_there, ANONYMOUS):
        found = await desk.look(actor, draft["id"])
        assert {key: found[key] for key in hidden} == hidden
        assert (found["reviewRequest"] or {"review": None})["review"] is None
        assert (found["reviewRequest"] or {"myDraft": None})["myDraft"] is None
    assert (await desk.look(reviewer, draft["id"]))["reviewRequest"]["myDraft"] == {"id": draft["id"]}
    submitted = await desk.do(
        *("submitReview", reviewer, "review { id comments { id state asksChange } suggestions { id } }"),
        reviewDraftId=draft["id"],
        ifUnmodifiedSince=edited["reviewDraft"]["updatedAt"],
    )
    assert submitted["errors"] == []
    review = submitted["review"]
    remark, words = review["comments"][0], review["suggestions"][0]
    assert remark | {"id": ""} == {"id": "", "state": "OPEN", "asksChange": True}
    answered = await desk.do(
        *("answerReviewComment", school, "reply { bySchool } comment { state }"),
        reviewCommentId=remark["id"],
        body="We shall.",
    )
    assert (answered["reply"], answered["comment"]) == ({"bySchool": True}, {"state": "ANSWERED"})
    accepted = await desk.do(
        *(
            "acceptSuggestion",
            school,
            "suggestion { state acceptedInto { content { summary } acceptedSuggestions { id } } }",
        ),
        reviewSuggestionId=words["id"],
    )
    into = accepted["suggestion"]["acceptedInto"]
    assert into["content"]["summary"].startswith("Six weeks")
    assert into["acceptedSuggestions"] == [{"id": words["id"]}]
    for actor, into_seen in ((school, True), (reviewer, False)):
        found = (await desk.look(actor, draft["id"]))["reviewRequest"]["review"]
        assert found["id"] == review["id"]
        assert found["comments"] == [
            {"body": "Why?", "quoted": "Four", "replies": [{"bySchool": True, "body": "We shall."}]}
        ]
        assert found["suggestions"][0]["state"] == "ACCEPTED"
        # The draft that took the words is the school's own.
        assert (found["suggestions"][0]["acceptedInto"] is not None) is into_seen
    assert (await desk.look(ANONYMOUS, draft["id"]))["reviewRequest"] is None


async def test_why_a_review_is_not_submitted_is_told_by_code_and_place(desk: Desk) -> None:
    reviewer = desk.here.employer
    started = await desk.do("startReview", reviewer, DRAFT, reviewRequestId=desk.request, interest="NONE")
    draft = started["reviewDraft"]
    before = await everything(desk.db)
    refused = await desk.do(
        *("submitReview", reviewer, "review { id }"),
        reviewDraftId=draft["id"],
        ifUnmodifiedSince=draft["updatedAt"],
    )
    assert [(error["code"], error["path"]) for error in refused["errors"]] == [
        ("REQUIRED", [place]) for place in ("viewedSections", "recommendation", "scores", "comment")
    ]
    assert await everything(desk.db) == before


async def test_a_rubric_is_published_and_read_by_everybody(desk: Desk) -> None:
    own = {"code": "D1", "title": "Depth", "question": "Is it deep?", "anchors": ["a", "b", "c", "d", "e"]}
    made = await desk.do(
        *("publishRubric", desk.here.employer, "rubricVersion { id number evidenceFrom criteria { code anchors } }"),
        title="Ours",
        criteria=[own, {"code": "R3"}],
        evidenceFrom=2,
    )
    rubric = made["rubricVersion"]
    assert rubric["criteria"] == [
        {"code": "D1", "anchors": own["anchors"]},
        {"code": "R3", "anchors": list(RUBRIC[2].anchors)},
    ]
    query = "query ($o: ID!) { rubricVersions(first: 5, filter: {organizationId: $o, current: true}) { nodes { id } } }"
    found = await ask_data(desk.engine, query, ANONYMOUS, o=f"org_{desk.here.employer_id}")
    assert found["rubricVersions"]["nodes"] == [{"id": rubric["id"]}]
    # The root field stays the platform's.
    assert len((await ask_data(desk.engine, "{ rubric { code } }", ANONYMOUS))["rubric"]) == len(RUBRIC)


async def test_who_has_begun_to_write_is_not_told_that_they_may_review_in_one_go(desk: Desk) -> None:
    reviewer = desk.here.employer

    async def may() -> bool:
        found = await ask_data(desk.engine, MAY, reviewer, request=desk.request)
        return bool(found["reviewRequest"]["viewerCan"]["decide"])

    once: dict[str, Any] = {
        "reviewRequestId": desk.request,
        "interest": "NONE",
        "recommendation": "COMMENT",
        "comment": "Good.",
    }
    assert await may()
    draft = (await desk.do("startReview", reviewer, DRAFT, reviewRequestId=desk.request, interest="NONE"))[
        "reviewDraft"
    ]
    assert not await may()
    refused = await desk.do("decideReview", reviewer, "review { id }", **once)
    assert [error["code"] for error in refused["errors"]] == ["CONFLICT"]
    thrown = await desk.do(
        *("discardReview", reviewer, DRAFT), reviewDraftId=draft["id"], ifUnmodifiedSince=draft["updatedAt"]
    )
    assert thrown["errors"] == []
    assert await may()
    decided = await desk.do(
        *("decideReview", reviewer, "review { viewedSections }"), **once, viewedSections=["SKILLS", "OUTCOMES"]
    )
    assert decided == {"review": {"viewedSections": ["OUTCOMES", "SKILLS"]}, "errors": []}
    told = await ask_data(desk.engine, MAY, desk.here.school, request=desk.request)
    assert told["reviewRequest"]["review"] == {"viewedSections": ["OUTCOMES", "SKILLS"]}
