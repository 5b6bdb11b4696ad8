"""Reviews through the API: asked, claimed, decided, declined, taken back; and by whom not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from countersign.kit.access import ANONYMOUS, POLICY, Actor, OrganizationKind, Permission, Role
from countersign.kit.db import Database
from countersign.kit.ids import Sealer, new_id
from countersign.reviews.rubric import RUBRIC
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.factories import Factory
from tests.reads.toy import ask_data
from tests.reviews.support import Scene, everything, scene

MADE: Final = "2026-11-22T12:00:00Z"  # the tests' clock
REQUEST: Final = "reviewRequest { id state dueOn message declineReason specVersion { id } review { id } }"
FIELDS: Final = {
    "requestReview": ("RequestReviewInput", REQUEST, Permission.REQUEST_REVIEW),
    "claimReview": ("ClaimReviewInput", REQUEST, Permission.REVIEW),
    "decideReview": ("DecideReviewInput", "review { id recommendation comment interest }", Permission.REVIEW),
    "declineReview": ("DeclineReviewInput", REQUEST, Permission.REVIEW),
    "cancelReviewRequest": ("CancelReviewRequestInput", REQUEST, Permission.REQUEST_REVIEW),
}
SCORES: Final = [{"criterion": c.code, "value": 3, "evidence": "Seen in the brief"} for c in RUBRIC]
DECISION: Final = {
    "interest": "NONE",
    "scores": SCORES,
    "comment": "Matches how our team works.",
    "recommendation": "ENDORSE",
}


@dataclass
class Desk:
    """The API over a submitted version, its school and an employer."""

    engine: Engine
    db: Database
    here: Scene

    async def do(self, name: str, actor: Actor, **given: Any) -> Any:
        """The payload of a mutation."""
        input_type, selection, _ = FIELDS[name]
        text = f"""mutation ($input: {input_type}!) {{ {name}(input: $input) {{ {selection}
          errors {{ __typename ... on UserError {{ code path }} }} }} }}"""
        given = {"idempotencyKey": str(new_id())} | given
        return (await ask_data(self.engine, text, actor, input=given))[name]

    async def ask(self, **given: Any) -> str:
        """Make a review request; its id."""
        facts = {"specVersionId": f"version_{self.here.version}", "organizationId": f"org_{self.here.employer_id}"}
        payload = await self.do("requestReview", self.here.school, **(facts | given))
        assert payload["errors"] == []
        found: str = payload["reviewRequest"]["id"]
        return found


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> Desk:
    async with db.writer() as tx:
        here = await scene(tx, make)
    return Desk(Engine(the_schema(), Tools(db, Sealer(b"s" * 32), signer)), db, here)


def problems(payload: Any) -> list[tuple[str, str, list[str]]]:
    return [(e["__typename"], e["code"], e["path"]) for e in payload["errors"]]


async def test_a_review_goes_from_the_question_to_the_answer(desk: Desk) -> None:
    request = await desk.ask(message="Please look", dueOn="2026-12-01")
    claimed = await desk.do("claimReview", desk.here.employer, reviewRequestId=request)
    assert claimed["reviewRequest"]["state"] == "CLAIMED"
    # The version is not published: who was asked sees it all the same.
    assert claimed["reviewRequest"]["specVersion"] == {"id": f"version_{desk.here.version}"}
    decided = await desk.do("decideReview", desk.here.employer, reviewRequestId=request, **DECISION)
    assert decided["errors"] == []
    review = decided["review"]
    assert (review["recommendation"], review["interest"]) == ("ENDORSE", "NONE")
    seen = await ask_data(
        desk.engine,
        """query ($id: ID!) { reviewRequest(id: $id) { state dueOn message
             review { id scores { value evidence criterion { code title anchors } } } } }""",
        desk.here.school,
        id=request,
    )
    found = seen["reviewRequest"]
    assert (found["state"], found["dueOn"], found["message"]) == ("DECIDED", "2026-12-01", "Please look")
    assert found["review"]["id"] == review["id"]
    assert [s["criterion"]["code"] for s in found["review"]["scores"]] == [c.code for c in RUBRIC]
    first = found["review"]["scores"][0]
    assert (first["value"], first["evidence"]) == (3, "Seen in the brief")
    assert first["criterion"]["anchors"] == list(RUBRIC[0].anchors)


async def test_a_request_is_seen_by_its_two_sides_only(desk: Desk, make: Factory) -> None:
    request = await desk.ask()
    async with desk.db.writer() as tx:
        stranger = await make.employer(tx)
    query = """query ($id: ID!) { reviewRequest(id: $id) { id } node(id: $id) { id }
      reviewRequests(first: 5) { totalCount } }"""
    for actor, count in ((desk.here.school, 1), (desk.here.employer, 1), (stranger, 0)):
        data = await ask_data(desk.engine, query, actor, id=request)
        assert data["reviewRequests"]["totalCount"] == count
        assert (data["reviewRequest"] is not None) is (data["node"] is not None) is bool(count)


async def test_requests_are_filtered_by_their_present_state(desk: Desk) -> None:
    await desk.ask()
    query = "query ($s: ReviewRequestState) { reviewRequests(first: 5, filter: {state: $s}) { nodes { state } } }"
    for state, found in (("OPEN", [{"state": "OPEN"}]), ("CLAIMED", [])):
        data = await ask_data(desk.engine, query, desk.here.employer, s=state)
        assert data["reviewRequests"]["nodes"] == found


async def test_declining_and_taking_back(desk: Desk) -> None:
    first = await desk.ask()
    declined = await desk.do("declineReview", desk.here.employer, reviewRequestId=first, reason="Not our field")
    assert (declined["reviewRequest"]["state"], declined["reviewRequest"]["declineReason"]) == (
        "DECLINED",
        "Not our field",
    )
    second = await desk.ask()
    cancelled = await desk.do("cancelReviewRequest", desk.here.school, reviewRequestId=second, ifUnmodifiedSince=MADE)
    assert cancelled["reviewRequest"]["state"] == "CANCELLED"


async def test_faults_of_a_review_are_told_with_their_places(desk: Desk) -> None:
    request = await desk.ask()
    await desk.do("claimReview", desk.here.employer, reviewRequestId=request)
    before = await everything(desk.db)
    faulty = DECISION | {"scores": [{"criterion": "R1", "value": 3}, {"criterion": "R99", "value": 5}], "comment": ""}
    payload = await desk.do("decideReview", desk.here.employer, reviewRequestId=request, **faulty)
    assert [(code, path) for _, code, path in problems(payload)] == [
        ("REQUIRED", ["scores", "0", "evidence"]),
        ("INVALID", ["scores", "1", "criterion"]),
        ("INVALID", ["scores", "1", "value"]),
        ("REQUIRED", ["scores"]),
    ]
    assert await everything(desk.db) == before


def inputs(desk: Desk, request: str) -> Mapping[str, dict[str, Any]]:
    facts = {"specVersionId": f"version_{desk.here.version}", "organizationId": f"org_{desk.here.employer_id}"}
    return {
        "requestReview": facts,
        "claimReview": {"reviewRequestId": request},
        "decideReview": {"reviewRequestId": request, **DECISION},
        "declineReview": {"reviewRequestId": request, "reason": "Not our field"},
        "cancelReviewRequest": {"reviewRequestId": request, "ifUnmodifiedSince": MADE},
    }


@pytest.mark.parametrize("name", FIELDS)
async def test_every_role_that_may_not_is_refused_and_nothing_changes(desk: Desk, make: Factory, name: str) -> None:
    request = await desk.ask()
    rule = POLICY[FIELDS[name][2]]
    async with desk.db.writer() as tx:
        organizations = {kind: await make.organization(tx, kind) for kind in OrganizationKind}
        people = {
            (kind, role): await make.member(tx, organization, kind, role)
            for kind, organization in organizations.items()
            for role in Role
        }
    before = await everything(desk.db)
    refused = 0
    for kind in organizations:
        for role in Role:
            actor = people[kind, role]
            payload = await desk.do(name, actor, **inputs(desk, request)[name])
            may = kind in rule.kinds and role in rule.roles
            # Who may, but for another organization, finds nothing.
            expected = "NOT_FOUND" if may else "NOT_ALLOWED"
            assert [code for _, code, _ in problems(payload)] == [expected], (kind, role)
            refused += 1
    unscoped = await desk.do(
        name,
        Actor(
            organization_id=desk.here.employer_id,
            organization_kind=OrganizationKind.EMPLOYER,
            person_id=new_id(),
            token_id=new_id(),
            roles=frozenset(Role),
        ),
        **inputs(desk, request)[name],
    )
    assert [code for _, code, _ in problems(unscoped)] == ["NOT_ALLOWED"]
    assert refused == 28
    assert await everything(desk.db) == before


async def test_the_rubric_is_read_with_its_anchors(desk: Desk) -> None:
    data = await ask_data(desk.engine, "{ rubric { code title question anchors } }")
    assert data["rubric"] == [
        {"code": c.code, "title": c.title, "question": c.question, "anchors": list(c.anchors)} for c in RUBRIC
    ]


async def test_dissent_is_public_as_a_count_and_in_words_for_the_school(desk: Desk) -> None:
    request = await desk.ask()
    await desk.do("declineReview", desk.here.employer, reviewRequestId=request, reason="Not our field")
    second = await desk.ask()
    await desk.do("claimReview", desk.here.employer, reviewRequestId=second)
    against = DECISION | {"recommendation": "DECLINE", "scores": []}
    await desk.do("decideReview", desk.here.employer, reviewRequestId=second, **against)
    async with desk.db.writer() as tx:
        await specs.publish(tx, desk.here.school, desk.here.version)
    query = """query ($id: ID!) { specVersion(by: {id: $id}) { declinedReviewCount
      reviewRequests(first: 5) { nodes { declineReason } } } }"""
    words = {"nodes": [{"declineReason": "Not our field"}, {"declineReason": None}]}
    for actor, told in ((ANONYMOUS, {"nodes": []}), (desk.here.school, words)):
        data = await ask_data(desk.engine, query, actor, id=f"version_{desk.here.version}")
        assert data["specVersion"] == {"declinedReviewCount": 2, "reviewRequests": told}
