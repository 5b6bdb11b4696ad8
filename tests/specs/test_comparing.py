"""Differences between any two versions, as they are stored and as the API tells them, both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from uuid import UUID

import pytest
import pytest_asyncio

from countersign.cli.hosting import compare_all
from countersign.kit.access import ANONYMOUS, Actor, OrganizationKind, Role
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from countersign.specs import comparing, service
from countersign.specs.change_classes import IN_FORCE
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.factories import Factory
from tests.specs.samples import COMPLETE
from tests.specs.support import ground, submitted

OTHER: Final[dict[str, Any]] = {
    "title": "A/B testing for product decisions in Python",
    "description": "Designs, runs and reads an online, controlled experiment.",
    "outcomes": COMPLETE["outcomes"][::-1],
    "price": None,
    "tags": ["experimentation", "Python", "statistics"],
}
DIFF: Final = """query ($from: ID!, $to: ID!) { specVersionDiff(from: $from, to: $to) {
  changeClass changedSections materialCount editorialCount fromVersion { semver } toVersion { semver }
  changes { path section kind changeClass why before after movedFrom movedTo words { change text } } } }"""


async def versions(tx: Tx, author: Actor, *changes: dict[str, Any]) -> list[UUID]:
    """A first version, and after it one for each change."""
    made = [await submitted(tx, author)]
    for number, change in enumerate(changes, start=1):
        draft = await service.new_draft_from(tx, author, made[-1])
        await service.edit_draft(tx, author, service.EditDraft(draft, COMPLETE | change))
        made.append(await service.submit(tx, author, service.Submit(draft, f"1.{number}.0")))
    return made


@pytest_asyncio.fixture(loop_scope="session")
async def api(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Api]:
    """The application."""
    async with served(db, signer, make) as made:
        yield made


async def test_every_pair_of_versions_is_compared_when_the_later_is_submitted(tx: Tx, make: Factory) -> None:
    await ground(tx)
    made = await versions(tx, await make.school(tx, Role.AUTHOR), OTHER, {})
    rows = await tx.fetch("select from_id, to_id, change_class from spec_version_diffs order by to_id, from_id")
    assert {(row["from_id"], row["to_id"], row["change_class"]) for row in rows} == {
        (made[0], made[1], "material"),
        (made[0], made[2], None),
        (made[1], made[2], "material"),
    }


async def test_versions_from_before_are_compared_once_and_to_the_same_result(db: Database, make: Factory) -> None:
    stored = "select to_jsonb(d)::text from spec_version_diffs d order by from_id, to_id"
    async with db.writer() as tx:
        await ground(tx)
        await versions(tx, await make.school(tx, Role.AUTHOR), OTHER, {})
        before = await tx.fetch(stored)
    async with db.writer() as tx:
        await tx.execute("set local role none")
        await tx.execute("delete from spec_version_diffs")
    assert await compare_all(db) == len(before) == 3
    async with db.writer() as tx:
        assert await tx.fetch(stored) == before
    assert await compare_all(db) == 0


async def test_what_an_earlier_table_classed_is_classed_anew(db: Database, make: Factory) -> None:
    stored = "select table_version, change_class, changes->0->>'changeClass' as first from spec_version_diffs"
    async with db.writer() as tx:
        await ground(tx)
        author = await make.school(tx, Role.AUTHOR)
        await versions(tx, author, {"description": "Designs and must not read experiments."})
        await tx.execute(
            "update spec_version_diffs set table_version = 1, change_class = 'editorial',"
            " changes = jsonb_set(changes, '{0,changeClass}', '\"editorial\"')"
        )
    assert await compare_all(db) == 1
    async with db.writer() as tx:
        assert tuple(await tx.fetchrow(stored) or ()) == (IN_FORCE.version, "material", "material")
    assert await compare_all(db) == 0


async def test_a_difference_is_worked_out_from_the_frozen_contents_whatever_is_stored(tx: Tx, make: Factory) -> None:
    await ground(tx)
    author = await make.school(tx, Role.AUTHOR)
    first, second = await versions(tx, author, {"description": "Designs and reads experiments."})
    other = await submitted(tx, author, "another")
    diff = await comparing.difference(tx, first, second)
    assert diff.paths == ("description",)
    assert diff.change_class == "editorial"
    with pytest.raises(NotFound):
        await comparing.difference(tx, first, other)


async def test_a_difference_is_told_field_by_field_and_word_by_word(api: Api) -> None:
    async with api.db.writer() as tx:
        await ground(tx)
        author = await api.make.school(tx, Role.AUTHOR)
        first, second = await versions(tx, author, OTHER)
    asked = {"from": f"version_{first}", "to": f"version_{second}"}
    diff = (await api.ask(DIFF, author, **asked))["specVersionDiff"]
    assert diff["changeClass"] == "MATERIAL"
    assert diff["changedSections"] == ["OVERVIEW", "OUTCOMES", "DELIVERY"]
    assert (diff["materialCount"], diff["editorialCount"]) == (4, 1)
    assert (diff["fromVersion"], diff["toVersion"]) == ({"semver": "1.0.0"}, {"semver": "1.1.0"})
    told = {change["path"]: change for change in diff["changes"]}
    assert list(told) == ["title", "description", "tags[statistics]", "outcomes[power]", "price"]
    assert told["title"]["words"] == [
        {"change": "SAME", "text": "A/B testing for product "},
        {"change": "REMOVED", "text": "metrics"},
        {"change": "ADDED", "text": "decisions"},
        {"change": "SAME", "text": " in Python"},
    ]
    assert (told["description"]["changeClass"], told["title"]["changeClass"]) == ("EDITORIAL", "MATERIAL")
    assert (told["price"]["kind"], told["price"]["after"]) == ("REMOVED", None)
    assert (told["outcomes[power]"]["movedFrom"], told["outcomes[power]"]["movedTo"]) == (2, 1)
    assert told["tags[statistics]"]["section"] == "OVERVIEW"


async def test_the_way_back_turns_every_change_around(api: Api) -> None:
    async with api.db.writer() as tx:
        await ground(tx)
        author = await api.make.school(tx, Role.AUTHOR)
        first, second = (f"version_{key}" for key in await versions(tx, author, OTHER))
    forth = (await api.ask(DIFF, author, **{"from": first, "to": second}))["specVersionDiff"]
    back = (await api.ask(DIFF, author, **{"from": second, "to": first}))["specVersionDiff"]
    assert back["fromVersion"] == forth["toVersion"]
    swap = {"ADDED": "REMOVED", "REMOVED": "ADDED"}
    for there, here in zip(forth["changes"], back["changes"], strict=True):
        assert (here["path"], here["changeClass"]) == (there["path"], there["changeClass"])
        assert here["kind"] == swap.get(there["kind"], there["kind"])
        assert (here["before"], here["after"]) == (there["after"], there["before"])
        assert (here["movedFrom"], here["movedTo"]) == (there["movedTo"], there["movedFrom"])
        assert [swap.get(r["change"], r["change"]) for r in here["words"]] == [r["change"] for r in there["words"]]


async def test_a_version_differs_from_itself_in_nothing(api: Api) -> None:
    async with api.db.writer() as tx:
        await ground(tx)
        author = await api.make.school(tx, Role.AUTHOR)
        (first,) = await versions(tx, author)
    asked = {"from": f"version_{first}", "to": f"version_{first}"}
    diff = (await api.ask(DIFF, author, **asked))["specVersionDiff"]
    assert (diff["changeClass"], diff["changes"], diff["changedSections"]) == (None, [], [])


async def test_only_who_sees_both_versions_sees_what_differs(api: Api) -> None:
    async with api.db.writer() as tx:
        await ground(tx)
        author = await api.make.school(tx, Role.AUTHOR)
        asked_org = await api.make.organization(tx, OrganizationKind.AGENCY)
        reviewer = await api.make.member(tx, asked_org, OrganizationKind.AGENCY, Role.REVIEWER)
        stranger = await api.make.employer(tx)
        first, second = await versions(tx, author, OTHER)
        await service.open_review(tx, second, asked_org)
    asked = {"from": f"version_{first}", "to": f"version_{second}"}
    nested = "query ($id: ID!) { specVersion(by: {id: $id}) { changesFromPrevious { changes { path } } } }"
    for actor in (reviewer, stranger, ANONYMOUS):
        assert (await api.ask(DIFF, actor, **asked))["specVersionDiff"] is None
    assert (await api.ask(nested, reviewer, id=asked["to"]))["specVersion"]["changesFromPrevious"] is None
    async with api.db.writer() as tx:
        await service.publish(tx, author, first)
    assert (await api.ask(DIFF, reviewer, **asked))["specVersionDiff"] is not None
    told = (await api.ask(nested, reviewer, id=asked["to"]))["specVersion"]["changesFromPrevious"]
    assert len(told["changes"]) == 5
    for actor in (stranger, ANONYMOUS):
        assert (await api.ask(DIFF, actor, **asked))["specVersionDiff"] is None


async def test_versions_of_two_credentials_have_no_difference(api: Api) -> None:
    async with api.db.writer() as tx:
        await ground(tx)
        author = await api.make.school(tx, Role.AUTHOR)
        one, other = [await submitted(tx, author, slug) for slug in ("one-thing", "another-thing")]
    for to in (f"version_{other}", "version_x", "", f"spec_{one}"):
        assert (await api.ask(DIFF, author, **{"from": f"version_{one}", "to": to}))["specVersionDiff"] is None


async def test_the_table_is_published_as_it_decides(api: Api) -> None:
    rows = (await api.ask("{ changeClasses { tableVersion path change rule why } }", ANONYMOUS))["changeClasses"]
    assert [(r["path"], r["change"].lower(), r["rule"].lower(), r["why"]) for r in rows] == [
        (row.path, row.aspect.value, row.rule.value, row.why) for row in IN_FORCE.rows
    ]
    assert {r["tableVersion"] for r in rows} == {IN_FORCE.version}
    asked = "{ changeClassWords { tableVersion language words opposites letters alike } }"
    words = (await api.ask(asked, ANONYMOUS))["changeClassWords"]
    assert [(w["language"], tuple(w["words"])) for w in words] == [(w.language, w.words) for w in IN_FORCE.words]
    assert [(tuple(w["opposites"]), w["letters"], tuple(tuple(two.split()) for two in w["alike"])) for w in words] == [
        (w.opposites, w.letters, w.alike) for w in IN_FORCE.words
    ]
