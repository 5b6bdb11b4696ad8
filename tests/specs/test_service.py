"""What schools do with specifications, on a real database."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from countersign.kit.access import ANONYMOUS, Actor, Role
from countersign.kit.clock import FrozenClock
from countersign.kit.db import Tx
from countersign.kit.errors import Code, Conflict, NotAllowed, NotFound, Refusal, Refusals
from countersign.kit.ids import new_id, public_id
from countersign.specs import freezing, service
from countersign.specs.reading import parse
from countersign.specs.rules import TRANSITIONS, Act, Kind, State
from countersign.trust.addresses import Addresses
from tests.conftest import ORIGIN
from tests.factories import Factory
from tests.specs.samples import COMPLETE, changed
from tests.specs.support import SKILL_URI, drafted, everything, ground, state_of, submitted

VERBS: dict[Act, Callable[[Tx, Actor, UUID], Awaitable[UUID]]] = {
    Act.PUBLISH: service.publish,
    Act.DEPRECATE: service.deprecate,
    Act.RETIRE: service.retire,
    Act.WITHDRAW: service.withdraw,
}


async def author(tx: Tx, make: Factory) -> Actor:
    await ground(tx)
    return await make.school(tx, Role.AUTHOR)


async def refused(tx: Tx, attempt: Awaitable[object]) -> list[Refusal]:
    before = await everything(tx)
    with pytest.raises((Refusal, Refusals)) as caught:
        async with tx.savepoint():
            await attempt
    assert await everything(tx) == before
    answer = caught.value
    if isinstance(answer, Refusals):
        return answer.refusals
    assert isinstance(answer, Refusal)
    return [answer]


async def test_submitting_freezes_the_draft_with_a_digest_that_can_be_recomputed(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    row = await tx.fetchrow("select * from spec_versions where id = $1", version_id)
    assert row is not None
    assert row["state"] == "submitted"
    assert row["digest"] == hashlib.sha256(row["spec_json"]).hexdigest()
    organization = await tx.fetchrow("select * from organizations where id = $1", school.organization_id)
    assert organization is not None
    again = freezing.freeze(
        Addresses(ORIGIN),
        parse(row["content"]),
        freezing.Identity(
            slug="ab-testing-python",
            semver="1.0.0",
            kind=Kind.BLOCK,
            school_handle=organization["handle"],
            school_name=organization["display_name"],
            legal_name=organization["legal_name"],
            country=organization["country"],
        ),
    )
    assert (again.achievement, again.spec_json, again.digest) == (row["achievement"], row["spec_json"], row["digest"])


async def test_aligned_skills_are_named_and_linked_when_frozen(tx: Tx, make: Factory) -> None:
    version_id = await submitted(tx, await author(tx, make))
    content = await service.content_of(tx, version_id)
    assert [(skill.name, skill.framework) for skill in content.skills] == [("conduct quantitative research", "ESCO")]
    linked = await tx.fetchval(
        "select s.uri from spec_version_skills l join skills s on s.id = l.skill_id where l.spec_version_id = $1",
        version_id,
    )
    assert linked == SKILL_URI


async def test_skill_may_be_given_by_its_public_id(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    key = await tx.fetchval("select id from skills")
    outcomes = [{**COMPLETE["outcomes"][0], "skills": []}]
    made = await drafted(tx, school, skills=[{"id": public_id("skill", key)}], outcomes=outcomes)
    content = await tx.fetchval("select content from spec_drafts where id = $1", made.draft_id)
    assert content["skills"][0]["uri"] == SKILL_URI


async def test_unknown_skill_is_named_with_its_place(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    outcomes = [{**COMPLETE["outcomes"][0], "skills": []}]
    skills = [{"uri": SKILL_URI}, {"uri": "urn:uuid:00000000-0000-4000-8000-00000000dead"}]
    (refusal,) = await refused(tx, drafted(tx, school, skills=skills, outcomes=outcomes))
    assert refusal.path == ("content", "skills", 1)


async def test_draft_keeps_what_it_lacks_as_named_gaps(tx: Tx, make: Factory) -> None:
    made = await drafted(tx, await author(tx, make), ects=..., eqfLevel=..., participation=...)
    assert await tx.fetchval("select gaps from spec_drafts where id = $1", made.draft_id) == ["level", "participation"]


async def test_taken_slug_is_a_conflict(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    await drafted(tx, school)
    other = await make.school(tx, Role.AUTHOR)
    (refusal,) = await refused(tx, drafted(tx, other))
    assert (refusal.code, refusal.path) == (Code.CONFLICT, ("slug",))


async def test_edit_replaces_the_content_and_counts_the_revision(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    made = await drafted(tx, school, eqfLevel=...)
    await service.edit_draft(tx, school, service.EditDraft(made.draft_id, changed(title="New")))
    row = await tx.fetchrow("select content, gaps, revision from spec_drafts where id = $1", made.draft_id)
    assert row is not None
    assert (row["content"]["title"], row["gaps"], row["revision"]) == ("New", [], 2)


async def test_who_saw_an_older_draft_neither_edits_nor_submits_it(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    made = await drafted(tx, school)
    seen = await tx.fetchval("select updated_at from spec_drafts where id = $1", made.draft_id)
    await service.edit_draft(tx, school, service.EditDraft(made.draft_id, changed(title="Mine"), seen))
    edit = service.EditDraft(made.draft_id, changed(title="Yours"), seen)
    (stale,) = await refused(tx, service.edit_draft(tx, school, edit))
    (unseen,) = await refused(tx, service.submit(tx, school, service.Submit(made.draft_id, "1.0.0", seen)))
    for refusal in (stale, unseen):
        assert (refusal.code, refusal.path) == (Code.STALE_VERSION, ("ifUnmodifiedSince",))


async def test_foreign_draft_and_missing_draft_are_the_same_answer(tx: Tx, make: Factory) -> None:
    made = await drafted(tx, await author(tx, make))
    other = await make.school(tx, Role.AUTHOR)
    answers = []
    for draft_id in (made.draft_id, new_id()):
        edit = service.EditDraft(draft_id, COMPLETE)
        answers += await refused(tx, service.edit_draft(tx, other, edit))
        submit = service.Submit(draft_id, "1.0.0")
        answers += await refused(tx, service.submit(tx, other, submit))
    assert {(type(answer), answer.message) for answer in answers} == {
        (NotFound, "There is no such draft, or you may not see it.")
    }


async def test_submitted_draft_is_closed(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    made = await drafted(tx, school)
    await service.submit(tx, school, service.Submit(made.draft_id, "1.0.0"))
    edit, again = service.EditDraft(made.draft_id, COMPLETE), service.Submit(made.draft_id, "1.1.0")
    assert [r.code for r in await refused(tx, service.edit_draft(tx, school, edit))] == [Code.INVALID_STATE]
    assert [r.code for r in await refused(tx, service.submit(tx, school, again))] == [Code.INVALID_STATE]


@pytest.mark.parametrize("semver", ["1.0.0", "0.9.9", "1.0", "v2.0.0"])
async def test_version_number_must_be_new_greater_and_well_formed(tx: Tx, make: Factory, semver: str) -> None:
    school = await author(tx, make)
    first = await submitted(tx, school)
    await service.withdraw(tx, school, first)
    draft_id = await service.new_draft_from(tx, school, first)
    (refusal,) = await refused(tx, service.submit(tx, school, service.Submit(draft_id, semver)))
    assert refusal.path == ("semver",)


async def test_submission_without_title_or_description_is_refused(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    made = await drafted(tx, school, title=..., description=...)
    refusals = await refused(tx, service.submit(tx, school, service.Submit(made.draft_id, "1.0.0")))
    assert [refusal.path for refusal in refusals] == [("title",), ("description",)]


async def test_new_version_names_its_predecessor_and_the_class_of_its_change(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    first = await submitted(tx, school)
    expected: list[tuple[dict[str, Any], str, str | None, list[str]]] = [
        ({"description": "Designs, runs and reads a controlled experiment."}, "1.0.1", "editorial", ["description"]),
        ({"eqfLevel": 5}, "1.1.0", "material", ["eqfLevel"]),
        ({}, "1.2.0", None, []),
    ]
    previous, content = first, dict(COMPLETE)
    for change, semver, change_class, paths in expected:
        draft_id = await service.new_draft_from(tx, school, previous)
        content |= change
        await service.edit_draft(tx, school, service.EditDraft(draft_id, content))
        version_id = await service.submit(tx, school, service.Submit(draft_id, semver))
        row = await tx.fetchrow("select * from spec_versions where id = $1", version_id)
        assert row is not None
        assert (row["previous_id"], row["change_class"], row["changed"]) == (previous, change_class, paths)
        assert f'"version":"{semver}"'.encode() in row["achievement"]
        previous = version_id


async def test_publication_is_refused_for_each_gap_and_then_nothing_changed(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    outcomes = [{**COMPLETE["outcomes"][0], "threshold": None}]
    version_id = await submitted(tx, school, outcomes=outcomes, qualityAssurance=..., participation=...)
    refusals = await refused(tx, service.publish(tx, school, version_id))
    assert {refusal.code for refusal in refusals} == {Code.REQUIRED}
    assert [refusal.path for refusal in refusals] == [
        ("outcomes", 0, "threshold"),
        ("participation",),
        ("qualityAssurance",),
    ]


@pytest.mark.parametrize(("state", "act"), list(product(State, VERBS)))
async def test_every_act_in_every_state_does_what_the_table_says(
    tx: Tx, make: Factory, clock: FrozenClock, state: State, act: Act
) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    await tx.execute("update spec_versions set state = $2 where id = $1", version_id, state.value)
    clock.move(timedelta(days=1))
    later = Tx(tx.connection, clock)
    if (state, act) in TRANSITIONS:
        assert await VERBS[act](later, school, version_id) == version_id
        after = TRANSITIONS[state, act]
        assert await state_of(tx, version_id) == after.value
        assert await tx.fetchval(f"select {after.value}_at from spec_versions where id = $1", version_id) == clock.now()
    else:
        refusals = await refused(tx, VERBS[act](later, school, version_id))
        assert [refusal.code for refusal in refusals] == [Code.INVALID_STATE]


async def test_nobody_but_the_schools_author_moves_a_version(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    others = [
        ANONYMOUS,
        make.without(school, Role.AUTHOR),
        await make.school(tx, Role.REGISTRAR),
        await make.school(tx, Role.AUTHOR),
        await make.employer(tx),
    ]
    for other in others:
        for verb in VERBS.values():
            (refusal,) = await refused(tx, verb(tx, other, version_id))
            assert isinstance(refusal, NotAllowed | NotFound)
        (refusal,) = await refused(tx, service.new_draft_from(tx, other, version_id))
        assert isinstance(refusal, NotAllowed | NotFound)


async def test_foreign_version_is_missing_until_it_is_published(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    other = await make.school(tx, Role.AUTHOR)
    assert isinstance((await refused(tx, service.withdraw(tx, other, version_id)))[0], NotFound)
    assert not await service.readable(tx, version_id, other.organization_id)
    assert await service.frozen_version(tx, "ab-testing-python", "1.0.0") is None
    await service.publish(tx, school, version_id)
    assert isinstance((await refused(tx, service.withdraw(tx, other, version_id)))[0], NotAllowed)
    assert await service.readable(tx, version_id, None)
    found = await service.frozen_version(tx, "ab-testing-python", "1.0.0")
    assert found is not None
    assert found.digest == hashlib.sha256(found.spec_json).hexdigest()


async def test_asked_reviewer_may_read_and_the_version_is_in_review(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    employer = await make.employer(tx)
    assert employer.organization_id is not None
    assert not await service.readable(tx, version_id, employer.organization_id)
    await service.open_review(tx, version_id, employer.organization_id)
    await service.open_review(tx, version_id, employer.organization_id)
    assert await service.readable(tx, version_id, employer.organization_id)
    assert await state_of(tx, version_id) == "in_review"


async def test_review_of_a_withdrawn_version_cannot_be_opened(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    version_id = await submitted(tx, school)
    await service.withdraw(tx, school, version_id)
    await refused(tx, service.open_review(tx, version_id, school.organization_id))
    await refused(tx, service.open_review(tx, new_id()))


@pytest.mark.parametrize("who", ["anonymous", "registrar", "employer"])
async def test_only_an_author_of_a_school_creates_a_specification(tx: Tx, make: Factory, who: str) -> None:
    await ground(tx)
    actor = {"registrar": await make.school(tx, Role.REGISTRAR), "employer": await make.employer(tx)}.get(
        who, ANONYMOUS
    )
    (refusal,) = await refused(tx, drafted(tx, actor))
    assert isinstance(refusal, NotAllowed)


async def test_wrong_fields_are_all_named_at_once(tx: Tx, make: Factory) -> None:
    school = await author(tx, make)
    refusals = await refused(tx, drafted(tx, school, ects="2,5", duration="P60M", levl=1))
    assert [refusal.path for refusal in refusals] == [("content", "ects"), ("content", "duration"), ("content", "levl")]


async def test_installation_without_origin_cannot_freeze(tx: Tx, make: Factory) -> None:
    school = await make.school(tx, Role.AUTHOR)
    content = changed(skills=..., outcomes=...)
    made = await service.create(tx, school, service.Create("no-origin", content))
    (refusal,) = await refused(tx, service.submit(tx, school, service.Submit(made.draft_id, "1.0.0")))
    assert isinstance(refusal, Conflict)
