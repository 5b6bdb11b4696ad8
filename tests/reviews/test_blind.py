"""Blind review and outside experts: what they do, and that nothing tells a reviewer of which school it is.

Everything that the API shows of a blind request is asked for, by the reviewer and by the expert, and by every list and
look-up that might lead to it; no answer may hold anything that is the school's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
from graphql import GraphQLObjectType

from countersign import app
from countersign.kit.access import Actor, OrganizationKind, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed, NotFound, Refusal
from countersign.kit.ids import Sealer, new_id
from countersign.organizations import members
from countersign.reviews import calls, experts
from countersign.reviews import service as reviews
from countersign.reviews.calls import Offer, OpenCall
from countersign.reviews.experts import InviteExpert
from countersign.reviews.reminders import look
from countersign.reviews.rules import Leased, LeaseLost
from countersign.reviews.rules_blind import BlindTie, NamesTheSchool, NothingToHide
from countersign.reviews.rules_experts import ExpertGone, ExpertInvited
from countersign.reviews.sectors import Sector
from countersign.reviews.service import Decide, RequestReview
from countersign.schema.base import Tools
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine, Request
from countersign.specs import service as specs
from countersign.trust.signer import Signer
from tests.authority.questions import Questions, below_things, in_portions
from tests.factories import Factory
from tests.reads.toy import ask_code, ask_data
from tests.reviews.support import everything, favourable, somebody_waits
from tests.specs.samples import COMPLETE
from tests.specs.support import ground

SCHOOL = "Strelsau School of Data"
TOLD = f"Made by {SCHOOL} (strelsau), see https://strelsau.example/ab."
CORE = the_schema()._schema
READ = """query ($id: ID!) { reviewRequest(id: $id) { state veiled blind school { id displayName }
  specVersion { id } content { title description } viewerCan { decide claim } review { byExpert } } }"""


@dataclass
class Booth:
    """A blind request, its two sides, and everything that tells the school."""

    db: Database
    engine: Engine
    application: Any
    school: Actor
    employer: Actor
    spec: UUID
    version: UUID
    request: UUID
    telling: list[str]

    @property
    def request_id(self) -> str:
        """The request's public id."""
        return f"rrq_{self.request}"

    async def read(self, actor: Actor) -> Any:
        """The request as somebody reads it."""
        return (await ask_data(self.engine, READ, actor, id=self.request_id))["reviewRequest"]

    async def within(self, act: Callable[[Tx], Awaitable[Any]]) -> Any:
        """Do something in a transaction."""
        async with self.db.writer() as tx:
            return await act(tx)

    async def refused(self, kind: type[Refusal], act: Callable[[Tx], Awaitable[object]]) -> str:
        """What an act is refused with; nothing changes."""
        before = await everything(self.db)
        with pytest.raises(kind) as caught:
            await self.within(act)
        assert await everything(self.db) == before
        return caught.value.message

    async def invite(self, **given: Any) -> tuple[UUID, str]:
        """Have an expert invited: the invitation and the text of its link."""
        found = await self.within(
            lambda tx: experts.invite(tx, self.employer, InviteExpert(self.request, given.get("expires_at")))
        )
        expert, link = found
        return expert, link.partition("#")[2]

    async def as_expert(self, text: str) -> Actor | None:
        """Who comes with a link now."""
        async with self.db.reader() as connection:
            return await experts.authenticate(connection, text, self.db.clock.now())

    async def post(self, text: str, query: str, **variables: Any) -> httpx.Response:
        """A request over HTTP with a link's text as token."""
        transport = httpx.ASGITransport(app=self.application)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post(
                "/graphql",
                json={"query": query, "variables": variables},
                headers={"authorization": f"Bearer {text}"},
            )


@pytest_asyncio.fixture
async def booth(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Booth]:
    async with db.writer() as tx:
        await ground(tx)
        school_id = await make.organization(tx, OrganizationKind.SCHOOL, handle="strelsau")
        await tx.execute(
            "update organizations set display_name = $2, legal_name = $3, url = $4, domains = $5 where id = $1",
            *(school_id, SCHOOL, f"{SCHOOL} gGmbH", "https://www.strelsau.example/", ["strelsau.example"]),
        )
        school = await make.member(tx, school_id, OrganizationKind.SCHOOL, Role.AUTHOR)
        employer = await make.employer(tx)
        assert employer.organization_id is not None
        content = COMPLETE | {"description": TOLD, "qualityAssurance": {"type": "internal", "description": SCHOOL}}
        made = await specs.create(tx, school, specs.Create("telling-slug", content))
        version = await specs.submit(tx, school, specs.Submit(made.draft_id, "1.0.0"))
        command = RequestReview(version, employer.organization_id, "Please look", blind=True)
        request = await reviews.request(tx, school, command)
        digest = await tx.fetchval("select digest from spec_versions where id = $1", version)
    tools = Tools(db, Sealer(b"s" * 32), signer)
    telling = [str(school_id), "strelsau", "Strelsau", str(made.spec_id), str(version), "telling-slug", digest]
    yield Booth(
        *(db, Engine(the_schema(), tools), app.create_app_with(tools), school, employer),
        *(made.spec_id, version, request, telling),
    )


async def test_the_reviewer_reads_the_text_and_not_whose_it_is(booth: Booth) -> None:
    found = await booth.read(booth.employer)
    assert (found["veiled"], found["school"], found["specVersion"]) == (True, None, None)
    covered = found["content"]["description"]
    assert covered == f"Made by {'█' * len(SCHOOL)} (████████), see https://{'█' * 16}/ab."
    assert len(covered) == len(TOLD)
    assert found["content"]["title"] == COMPLETE["title"]
    school = await booth.read(booth.school)
    assert (school["veiled"], school["school"]["displayName"]) == (False, SCHOOL)
    assert school["specVersion"] == {"id": f"version_{booth.version}"}


async def test_no_field_of_a_blind_request_tells_the_school(booth: Booth) -> None:
    call = await booth.within(
        lambda tx: calls.open_call(
            tx, booth.school, OpenCall(booth.version, frozenset(), frozenset({Sector.FINANCE}), blind=True)
        )
    )
    await booth.within(lambda tx: calls.offer(tx, booth.employer, Offer(sectors=frozenset({Sector.FINANCE}))))
    _, text = await booth.invite()
    guest = await booth.as_expert(text)
    assert guest is not None
    asked = 0
    for actor in (replace(booth.employer, roles=frozenset(Role)), guest):
        for name, identity in (("ReviewRequest", booth.request_id), ("ReviewCall", f"rcl_{call}")):
            type_ = CORE.type_map[name]
            assert isinstance(type_, GraphQLObjectType)
            for portion in in_portions(Questions(CORE, {}).of(type_)):
                asked += await silent(booth, actor, below_things(name, portion), ids=[identity])
        assert CORE.query_type is not None
        for chosen in Questions(CORE, {}).of(CORE.query_type):
            if not chosen.name.startswith(("review", "credentialSpecs", "specVersion", "audit", "inbox", "notice")):
                continue
            asked += await silent(booth, actor, f"{{ {chosen.written()} }}")
    assert asked > 20


async def silent(booth: Booth, actor: Actor, text: str, **variables: Any) -> int:
    """Ask, and look through every byte of the answer; 1 when there was one."""
    said = (await booth.engine.answer(Request(text, variables), actor, "test")).render().decode()
    told = [each for each in booth.telling if each in said]
    assert not told, (text, told, said)
    return int('"data":{' in said)


async def test_what_is_hidden_cannot_be_asked_for(booth: Booth) -> None:
    query = """query ($org: ID!, $version: ID!, $spec: ID!) {
      a: reviewRequests(first: 5, filter: {schoolId: $org}) { totalCount }
      b: reviewRequests(first: 5, filter: {specVersionId: $version}) { totalCount }
      c: specVersion(by: {id: $version}) { id } d: credentialSpec(by: {id: $spec}) { id }
      e: node(id: $version) { id } f: reviewRequests(first: 5) { totalCount } }"""
    names = {
        "org": f"org_{booth.school.organization_id}",
        "version": f"version_{booth.version}",
        "spec": f"spec_{booth.spec}",
    }
    none = {"totalCount": 0}
    found = await ask_data(booth.engine, query, booth.employer, **names)
    assert found == {"a": none, "b": none, "c": None, "d": None, "e": None, "f": {"totalCount": 1}}
    # Also when the school publishes it meanwhile: then everybody sees the version, and nothing leads to it from here.
    await booth.within(lambda tx: specs.publish(tx, booth.school, booth.version))
    found = await ask_data(booth.engine, query, booth.employer, **names)
    assert (found["a"], found["b"]) == (none, none)
    assert (await booth.read(booth.employer))["specVersion"] is None
    through = "query ($v: ID!) { specVersion(by: {id: $v}) { reviewRequests(first: 5) { totalCount } } }"
    for actor, count in ((booth.employer, 0), (booth.school, 1)):
        shown = await ask_data(booth.engine, through, actor, v=names["version"])
        assert shown["specVersion"]["reviewRequests"]["totalCount"] == count


async def test_the_submitted_review_lifts_the_veil(booth: Booth) -> None:
    await booth.within(lambda tx: reviews.claim(tx, booth.employer, booth.request))
    await booth.within(lambda tx: reviews.decide(tx, booth.employer, Decide(booth.request, favourable())))
    found = await booth.read(booth.employer)
    assert (found["veiled"], found["school"]["displayName"]) == (False, SCHOOL)
    assert found["specVersion"] == {"id": f"version_{booth.version}"}
    assert found["content"]["description"] == TOLD
    assert found["review"] == {"byExpert": False}


async def test_a_declined_or_cancelled_blind_request_stays_veiled(booth: Booth) -> None:
    await booth.within(lambda tx: reviews.decline(tx, booth.employer, reviews.Decline(booth.request, "Not our field")))
    found = await booth.read(booth.employer)
    assert (found["state"], found["veiled"], found["school"]) == ("DECLINED", True, None)


async def test_a_tie_is_found_with_the_true_school_and_told_without_its_name(booth: Booth) -> None:
    await booth.within(
        lambda tx: tx.execute(
            "insert into memberships (id, organization_id, person_id, roles, valid_from) values ($1, $2, $3, $4, $5)",
            *(new_id(), booth.school.organization_id, booth.employer.person_id, ["auditor"], booth.db.clock.now()),
        )
    )
    said = await booth.refused(BlindTie, lambda tx: reviews.claim(tx, booth.employer, booth.request))
    assert not [each for each in booth.telling if each in said]
    await booth.refused(BlindTie, lambda tx: experts.invite(tx, booth.employer, InviteExpert(booth.request)))


async def test_what_is_public_or_names_itself_is_not_asked_blind(booth: Booth, make: Factory) -> None:
    async with booth.db.writer() as tx:
        other = await make.employer(tx)
    assert other.organization_id is not None
    named = RequestReview(booth.version, other.organization_id, f"Greetings from {SCHOOL}", blind=True)
    await booth.refused(NamesTheSchool, lambda tx: reviews.request(tx, booth.school, named))
    await booth.within(lambda tx: specs.publish(tx, booth.school, booth.version))
    public = RequestReview(booth.version, other.organization_id, blind=True)
    await booth.refused(NothingToHide, lambda tx: reviews.request(tx, booth.school, public))


async def test_an_expert_reviews_by_a_link_and_the_review_says_so(booth: Booth) -> None:
    _, text = await booth.invite()
    answer = (await booth.post(text, READ, id=booth.request_id)).json()["data"]["reviewRequest"]
    assert (answer["state"], answer["veiled"], answer["viewerCan"]) == (
        *("CLAIMED", True),
        {"decide": True, "claim": False},
    )
    scores = [{"criterion": f"R{n}", "value": 2} for n in range(1, 12)]
    given = {"reviewRequestId": booth.request_id, "interest": "NONE", "scores": scores, "recommendation": "ENDORSE"}
    query = """mutation ($i: DecideReviewInput!) { decideReview(input: $i) { errors { ... on UserError { code } }
      review { byExpert organization { id } request { school { displayName } } } } }"""
    sent = {"idempotencyKey": "1"} | given
    decided = (await booth.post(text, query, i=sent)).json()["data"]["decideReview"]
    assert decided == {
        "review": {
            "byExpert": True,
            "organization": {"id": f"org_{booth.employer.organization_id}"},
            "request": {"school": {"displayName": SCHOOL}},
        },
        "errors": [],
    }
    # One review: the link writes nothing more.
    again = (await booth.post(text, query, i=sent | {"idempotencyKey": "2"})).json()["data"]["decideReview"]
    assert again["errors"] == [{"code": "INVALID_STATE"}]
    for actor in (booth.school, booth.employer):
        assert (await booth.read(actor))["review"] == {"byExpert": True}
    audited = await booth.within(
        lambda tx: tx.fetchrow(
            "select actor_type, organization_id from audit_events where action = 'decideReview' and decision = 'done'"
        )
    )
    assert tuple(audited) == ("expert", booth.employer.organization_id)


async def test_an_expert_sees_and_does_nothing_else(booth: Booth) -> None:
    other = await booth.within(lambda tx: second_request(booth, tx))
    _, text = await booth.invite()
    guest = await booth.as_expert(text)
    assert guest is not None
    seen = await booth.engine.answer(Request("{ reviewRequests(first: 9) { nodes { id } } }"), guest, "test")
    assert seen.render().decode().count("rrq_") == 1
    found = await ask_data(booth.engine, READ, guest, id=f"rrq_{other}")
    assert found == {"reviewRequest": None}
    await booth.refused(NotFound, lambda tx: reviews.decide(tx, guest, Decide(other, favourable())))
    for act in (
        lambda tx: reviews.claim(tx, guest, booth.request),
        lambda tx: reviews.give_back(tx, guest, booth.request),
        lambda tx: reviews.decline(tx, guest, reviews.Decline(booth.request, "No")),
        lambda tx: experts.invite(tx, guest, InviteExpert(booth.request)),
    ):
        await booth.refused(NotAllowed, act)
    for text_ in ("{ reviewQueue(first: 1) { totalCount } }", "{ auditEvents(first: 1) { totalCount } }"):
        assert await ask_code(booth.engine, text_, guest) == "FORBIDDEN"


async def second_request(booth: Booth, tx: Tx) -> UUID:
    made = await specs.create(tx, booth.school, specs.Create("another-block", COMPLETE))
    version = await specs.submit(tx, booth.school, specs.Submit(made.draft_id, "1.0.0"))
    assert booth.employer.organization_id is not None
    return await reviews.request(tx, booth.school, RequestReview(version, booth.employer.organization_id))


async def test_a_link_that_is_not_good_opens_nothing(booth: Booth, clock: FrozenClock) -> None:
    expert, text = await booth.invite()
    for wrong in (
        f"{text[:-1]}{'A' if text[-1] != 'A' else 'B'}",
        "csxr_",
        text.replace("csxr_", "csin_"),
        f"{text}\u00e9",
    ):
        assert await booth.as_expert(wrong) is None
    forged = await booth.post(text[:-1] + ("A" if text[-1] != "A" else "B"), "{ __typename }")
    assert forged.status_code == 401
    await booth.within(lambda tx: experts.withdraw(tx, booth.employer, expert))
    assert await booth.as_expert(text) is None
    assert (await booth.post(text, "{ __typename }")).status_code == 401
    assert (await booth.read(booth.employer))["state"] == "OPEN"
    await booth.refused(ExpertGone, lambda tx: experts.withdraw(tx, booth.employer, expert))
    _, second = await booth.invite(expires_at=clock.now() + timedelta(days=1))
    guest = await booth.as_expert(second)
    assert guest is not None
    clock.move(timedelta(days=1))
    assert await booth.as_expert(second) is None
    # Whoever was inside when the time ended writes no more.
    await booth.refused(NotAllowed, lambda tx: reviews.decide(tx, guest, Decide(booth.request, favourable())))
    assert (await look(booth.db)).returned == 1
    await booth.within(lambda tx: reviews.claim(tx, booth.employer, booth.request))


async def test_a_suspended_organizations_expert_writes_nothing(booth: Booth) -> None:
    _, text = await booth.invite()
    guest = await booth.as_expert(text)
    assert guest is not None
    await booth.within(
        lambda tx: tx.execute(
            "update organizations set verification = 'suspended' where id = $1", booth.employer.organization_id
        )
    )
    assert await booth.as_expert(text) is None
    await booth.refused(NotAllowed, lambda tx: reviews.decide(tx, guest, Decide(booth.request, favourable())))


async def test_who_goes_takes_their_invitations_along(booth: Booth, make: Factory) -> None:
    _, text = await booth.invite()
    employer = booth.employer.organization_id
    assert employer is not None
    async with booth.db.writer() as tx:
        admin = await make.member(tx, employer, OrganizationKind.EMPLOYER, Role.ORG_ADMIN)
        key = await tx.fetchval("select id from memberships where person_id = $1", booth.employer.person_id)
        await members.end(tx, admin, key)
    assert await booth.as_expert(text) is None
    row = await booth.within(lambda tx: tx.fetchrow("select state, claimed_by from review_requests"))
    assert tuple(row) == ("open", None)


async def test_who_invites_must_be_able_to_claim(booth: Booth, make: Factory) -> None:
    employer = booth.employer.organization_id
    assert employer is not None
    async with booth.db.writer() as tx:
        colleague = await make.member(tx, employer, OrganizationKind.EMPLOYER, Role.REVIEWER)
        rival = await make.employer(tx)
        await reviews.claim(tx, colleague, booth.request)
    ask = InviteExpert(booth.request)
    await booth.refused(Leased, lambda tx: experts.invite(tx, booth.employer, ask))
    await booth.refused(NotFound, lambda tx: experts.invite(tx, rival, ask))
    await booth.refused(NotAllowed, lambda tx: experts.invite(tx, booth.school, ask))
    expert, _ = await booth.within(lambda tx: experts.invite(tx, colleague, ask))
    await booth.refused(ExpertInvited, lambda tx: experts.invite(tx, colleague, ask))
    # The claim is the expert's now, and nobody else's.
    await booth.refused(LeaseLost, lambda tx: reviews.decide(tx, colleague, Decide(booth.request, favourable())))
    await booth.refused(NotFound, lambda tx: experts.withdraw(tx, rival, expert))


async def test_of_an_expert_only_the_digest_of_the_link_is_kept(booth: Booth) -> None:
    _, text = await booth.invite()
    kept = await everything(booth.db)
    assert text not in str(kept)
    assert text.removeprefix("csxr_") not in str(kept)


async def test_an_expert_writes_over_time_and_their_draft_tells_nothing(booth: Booth) -> None:
    _, text = await booth.invite()
    guest = await booth.as_expert(text)
    assert guest is not None
    start = """mutation ($i: StartReviewInput!) { startReview(input: $i) {
      reviewDraft { id state request { id } } errors { ... on UserError { code message } } } }"""
    given = {"idempotencyKey": "1", "reviewRequestId": booth.request_id, "interest": "NONE"}
    begun = (await booth.post(text, start, i=given)).json()["data"]["startReview"]
    assert begun["errors"] == []
    draft = begun["reviewDraft"]
    assert (draft["state"], draft["request"]) == ("DRAFT", {"id": booth.request_id})
    type_ = CORE.type_map["ReviewDraft"]
    assert isinstance(type_, GraphQLObjectType)
    shown = 0
    for actor in (guest, replace(booth.employer, roles=frozenset(Role))):
        for portion in in_portions(Questions(CORE, {}).of(type_)):
            shown += await silent(booth, actor, below_things("ReviewDraft", portion), ids=[draft["id"]])
    assert shown
    # Whose invitation ended goes on with nothing.
    expert = await booth.within(lambda tx: tx.fetchval("select id from review_experts"))
    await booth.within(lambda tx: experts.withdraw(tx, booth.employer, expert))
    assert (await booth.post(text, start, i=given | {"idempotencyKey": "2"})).status_code == 401


async def test_an_expert_who_waits_for_the_request_does_not_hold_the_invitation(
    booth: Booth, owner: asyncpg.Connection[asyncpg.Record]
) -> None:
    """Whoever ends a link locks the request and then the invitation; the other way round the two would deadlock."""
    expert, text = await booth.invite()
    guest = await booth.as_expert(text)
    assert guest is not None
    async with booth.db.writer() as tx:
        await tx.execute("select from review_requests where id = $1 for update", booth.request)
        writes = asyncio.create_task(
            booth.within(lambda other: reviews.decide(other, guest, Decide(booth.request, favourable())))
        )
        await somebody_waits(owner)
        await tx.execute("select from review_experts where id = $1 for update nowait", expert)
    await writes
