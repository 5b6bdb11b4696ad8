"""After a material change only what changed is reviewed anew; the rest is carried, and says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.kit.db import Database, Tx
from countersign.kit.errors import Code, NotFound, Refusal, Refusals
from countersign.reviews import experts, renewals, service, writing
from countersign.reviews.renewals import NotBlind, NothingChanged
from countersign.reviews.rubric import CRITERIA
from countersign.reviews.rules import Decision, Interest, Recommendation, Score
from countersign.specs import service as specs
from countersign.specs.sections import Section
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.reads.toy import ask_data
from tests.reviews.support import Scene, favourable, scene
from tests.specs.samples import COMPLETE

TOOLS: Final = {"toolchain": [{"name": "Python", "version": "3.14", "checkedOn": "2026-11-20"}]}
ANEW: Final = (Score("R4", 2),)


@dataclass
class Story:
    """A version that was reviewed, and its successor with other tools."""

    here: Scene
    review: UUID
    later: UUID

    async def ask(self, tx: Tx, **given: Any) -> UUID:
        """The id of a renewal, claimed by the employer's reviewer."""
        facts = {"previous_review_id": self.review} | given
        request = await service.request(
            tx, self.here.school, service.RequestReview(self.later, self.here.employer_id, **facts)
        )
        await service.claim(tx, self.here.employer, request)
        return request


async def following(tx: Tx, here: Scene, semver: str = "1.1.0", **fields: Any) -> UUID:
    draft = await specs.new_draft_from(tx, here.school, here.version)
    await specs.edit_draft(tx, here.school, specs.EditDraft(draft, COMPLETE | fields))
    return await specs.submit(tx, here.school, specs.Submit(draft, semver))


async def told(tx: Tx, make: Factory, **fields: Any) -> Story:
    here = await scene(tx, make)
    request = await service.request(tx, here.school, service.RequestReview(here.version, here.employer_id))
    await service.claim(tx, here.employer, request)
    review = await service.decide(tx, here.employer, service.Decide(request, favourable()))
    return Story(here, review, await following(tx, here, **(fields or TOOLS)))


@pytest_asyncio.fixture(loop_scope="session")
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    """The application."""
    async with served(db, signer, make) as made:
        yield made


def test_every_section_touches_criteria_of_the_rubric_and_every_criterion_is_touched() -> None:
    assert set(renewals.TOUCHED) == set(Section)
    assert frozenset().union(*renewals.TOUCHED.values()) == set(CRITERIA)


@pytest.mark.parametrize("section", Section)
def test_what_a_changed_section_touches_is_scored_anew_and_all_else_carries(section: Section) -> None:
    kept = renewals.carried([*CRITERIA, "own-criterion"], [section])
    assert set(kept) == set(CRITERIA) - renewals.TOUCHED[section]
    assert renewals.carried(CRITERIA, list(Section)) == ()


async def test_a_renewal_carries_the_earlier_review_and_names_what_changed(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    request = await story.ask(tx)
    row = await tx.fetchrow("select * from review_requests where id = $1", request)
    assert row is not None
    assert (row["previous_review_id"], row["sections"]) == (story.review, ["toolchain"])
    assert set(row["carried"]) == set(CRITERIA) - {"R4"}


async def test_only_the_changed_sections_need_a_look_and_only_what_they_touch_a_score(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    reviewer = story.here.employer
    draft = await writing.start(tx, reviewer, writing.Start(await story.ask(tx), Interest.NONE))
    assert await tx.fetchval("select sections from review_drafts where id = $1", draft) == ["toolchain"]
    await writing.edit(tx, reviewer, writing.Edit(draft, recommendation=Recommendation.ENDORSE))
    for missing in ("not viewed", "R4"):
        with pytest.raises((Refusal, Refusals)):
            async with tx.savepoint():
                await writing.submit(tx, reviewer, writing.Submit(draft))
        if missing == "not viewed":
            await writing.view(tx, reviewer, draft, Section.TOOLCHAIN)
    await writing.edit(tx, reviewer, writing.Edit(draft, ANEW))
    review = await writing.submit(tx, reviewer, writing.Submit(draft))
    scores = {s["criterion"]: s for s in await tx.fetchval("select scores from reviews where id = $1", review)}
    assert set(scores) == set(CRITERIA)
    assert (scores["R4"]["value"], scores["R3"]["evidence"]) == (2, "Seen in the assessment brief")


async def test_a_decision_in_one_go_carries_too_and_without_the_new_score_is_refused(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    request = await story.ask(tx)
    bare = Decision(Interest.NONE, "", (), "", Recommendation.ENDORSE)
    with pytest.raises(Refusals) as caught:
        async with tx.savepoint():
            await service.decide(tx, story.here.employer, service.Decide(request, bare))
    assert [r.code for r in caught.value.refusals] == [Code.REQUIRED]
    assert "missing: R4" in caught.value.refusals[0].message
    whole = Decision(Interest.NONE, "", ANEW, "", Recommendation.ENDORSE)
    # Who looked at more than was asked is not told to have looked at less.
    more = frozenset({Section.TOOLCHAIN, Section.OVERVIEW})
    review = await service.decide(tx, story.here.employer, service.Decide(request, whole, more))
    assert await tx.fetchval("select viewed from reviews where id = $1", review) == ["overview", "toolchain"]


async def test_what_is_scored_anew_goes_before_what_would_carry(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    scores = (*ANEW, Score("R3", 1))
    decision = Decision(Interest.NONE, "", scores, "", Recommendation.ENDORSE)
    review = await service.decide(tx, story.here.employer, service.Decide(await story.ask(tx), decision))
    found = {s["criterion"]: s["value"] for s in await tx.fetchval("select scores from reviews where id = $1", review)}
    assert (found["R3"], found["R4"], found["R1"]) == (1, 2, 3)


async def test_no_renewal_without_a_change_of_another_review_or_blind(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    other = await make.employer(tx)
    same = await following(tx, story.here, "1.2.0")
    asked: list[tuple[service.RequestReview, type[Refusal]]] = [
        (service.RequestReview(same, story.here.employer_id, previous_review_id=story.review), NothingChanged),
        (service.RequestReview(story.here.version, story.here.employer_id, previous_review_id=story.review), NotFound),
    ]
    assert other.organization_id is not None
    foreign = service.RequestReview(story.later, other.organization_id, previous_review_id=story.review)
    asked.append((foreign, NotFound))
    asked.append((service.RequestReview(story.later, story.here.employer_id, "", None, True, story.review), NotBlind))
    before = await tx.fetch("select to_jsonb(q)::text from review_requests q order by 1")
    for command, kind in asked:
        with pytest.raises(kind):
            async with tx.savepoint():
                await service.request(tx, story.here.school, command)
    assert await tx.fetch("select to_jsonb(q)::text from review_requests q order by 1") == before


async def test_a_voided_review_is_not_renewed(tx: Tx, make: Factory) -> None:
    story = await told(tx, make)
    await tx.execute("update reviews set voided_at = decided_at where id = $1", story.review)
    with pytest.raises(NotFound):
        await story.ask(tx)


ASK: Final = """reviewRequest { sections carried previousReview { id specVersion { semver } }
  changes { changeClass changedSections changes { path } } }"""
REVIEW: Final = """query ($id: ID!) { node(id: $id) { ... on Review { scores { value carried criterion { code } }
  request { previousReview { specVersion { semver } } } } } }"""


async def test_the_reviewer_sees_the_diff_the_earlier_review_and_what_is_carried(api: Api) -> None:
    async with api.db.writer() as tx:
        story = await told(tx, api.make)
        stranger = await api.make.employer(tx)
    given = {"specVersionId": f"version_{story.later}", "organizationId": f"org_{story.here.employer_id}"}
    done = await api.do(
        "requestReview",
        f"{ASK} reviewRequest {{ id }}",
        story.here.school,
        **given,
        previousReviewId=f"rev_{story.review}",
    )
    assert done["errors"] == []
    request = done["reviewRequest"]["id"]
    text = f"query ($id: ID!) {{ {ASK.replace('reviewRequest', 'reviewRequest(id: $id)', 1)} }}"
    seen = (await api.ask(text, story.here.employer, id=request))["reviewRequest"]
    assert seen["sections"] == ["TOOLCHAIN"]
    assert sorted(seen["carried"]) == sorted(set(CRITERIA) - {"R4"})
    assert seen["previousReview"] == {"id": f"rev_{story.review}", "specVersion": {"semver": "1.0.0"}}
    assert seen["changes"]["changeClass"] == "MATERIAL"
    assert {change["path"] for change in seen["changes"]["changes"]} == {
        "toolchain[Python].checkedOn",
        "toolchain[Python].version",
    }
    assert (await api.ask(text, stranger, id=request))["reviewRequest"] is None
    async with api.db.writer() as tx:
        key = UUID(request.removeprefix("rrq_"))
        await service.claim(tx, story.here.employer, key)
        decision = Decision(Interest.NONE, "", ANEW, "", Recommendation.ENDORSE)
        review = await service.decide(tx, story.here.employer, service.Decide(key, decision))
    found = (await api.ask(REVIEW, story.here.school, id=f"rev_{review}"))["node"]
    assert {s["criterion"]["code"] for s in found["scores"] if not s["carried"]} == {"R4"}
    assert len(found["scores"]) == len(CRITERIA)
    assert found["request"]["previousReview"]["specVersion"]["semver"] == "1.0.0"


EXPERTS: Final = """{ reviewRequests(first: 2) { nodes { sections carried specVersion { id } changes { changeClass }
  changesToReview { path kind before after section changeClass words { change text } }
  previousReview { specVersion { id } request { id } comments { body } recommendation
    scores { value evidence criterion { code } } } } } }"""


async def test_an_outside_expert_sees_what_changed_and_what_is_carried_and_no_version(api: Api) -> None:
    async with api.db.writer() as tx:
        story = await told(tx, api.make)
        other = await told(tx, api.make)
        request = await story.ask(tx)
        await service.give_back(tx, story.here.employer, request)
        _, link = await experts.invite(tx, story.here.employer, experts.InviteExpert(request))
        await other.ask(tx)
        expert = await experts.authenticate(tx, link.partition("#")[2])
    assert expert is not None
    (seen,) = (await ask_data(api.engine, EXPERTS, expert))["reviewRequests"]["nodes"]
    assert (seen["sections"], seen["specVersion"], seen["changes"]) == (["TOOLCHAIN"], None, None)
    changes = {change["path"]: change for change in seen["changesToReview"]}
    assert set(changes) == {"toolchain[Python].checkedOn", "toolchain[Python].version"}
    version = changes["toolchain[Python].version"]
    assert (version["before"], version["after"], version["changeClass"]) == ("3.13", "3.14", "MATERIAL")
    assert version["words"][-1] == {"change": "ADDED", "text": "3.14"}
    earlier = seen["previousReview"]
    assert (earlier["specVersion"], earlier["request"], earlier["recommendation"]) == (None, None, "ENDORSE")
    kept = {
        s["criterion"]["code"]: s["evidence"] for s in earlier["scores"] if s["criterion"]["code"] in seen["carried"]
    }
    assert kept == dict.fromkeys(set(CRITERIA) - {"R4"}, "Seen in the assessment brief")
    # Another organization's review is as missing to them as it was; so is this one, to an expert of something else.
    hidden = "query ($id: ID!) { node(id: $id) { id } }"
    assert (await ask_data(api.engine, hidden, expert, id=f"rev_{other.review}"))["node"] is None
    assert (await ask_data(api.engine, hidden, expert, id=f"rev_{story.review}"))["node"] == {
        "id": f"rev_{story.review}"
    }


async def test_a_whole_review_has_no_changes_to_review(api: Api) -> None:
    async with api.db.writer() as tx:
        here = await scene(tx, api.make)
        await service.request(tx, here.school, service.RequestReview(here.version, here.employer_id))
    (seen,) = (await api.ask(EXPERTS, here.employer))["reviewRequests"]["nodes"]
    assert (seen["changesToReview"], seen["sections"], seen["previousReview"]) == ([], None, None)
