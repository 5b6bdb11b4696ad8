"""Invariant 2: the school cannot write the endorser's words. What it suggests is stored apart and labelled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLInputObjectType, GraphQLNonNull

from countersign.endorsements.tables import Endorsement, EndorsementProposal, StatementSuggestion
from countersign.kit.access import POLICY, OrganizationKind, Permission
from countersign.kit.db import Database
from countersign.reads.bindings import METADATA
from countersign.reviews import service as reviews
from countersign.schema.contents import the_schema
from countersign.trust.signer import Signer
from tests.api import Api, served
from tests.endorsements.kept import kept
from tests.factories import Factory
from tests.reviews.support import Scene, scene

SHOWN = "suggestion { id statement withdrawn school { id } organization { id } }"
ENDORSED = "endorsement { id statement asSuggested }"
READ = "query { statementSuggestions(first: 5) { nodes { statement withdrawn } } }"
WORDS = "We interview every holder."


class Desk:
    """A school that suggests words to an employer, over the API."""

    def __init__(self, api: Api, here: Scene) -> None:
        self.api = api
        self.here = here

    async def suggest(self, **given: Any) -> Any:
        """The payload of suggestStatement."""
        asked = {
            "specVersionId": f"version_{self.here.version}",
            "organizationId": f"org_{self.here.employer_id}",
            "statement": WORDS,
        } | given
        return await self.api.do("suggestStatement", SHOWN, asked.pop("actor", self.here.school), **asked)

    async def endorse(self, statement: str) -> Any:
        """The employer's endorsement."""
        made = await self.api.do(
            "endorseSpec",
            ENDORSED,
            self.here.employer,
            specVersionId=f"version_{self.here.version}",
            expectedDigest=self.here.digest,
            statement=statement,
        )
        return made["endorsement"]


@pytest_asyncio.fixture
async def desk(db: Database, signer: Signer, make: Factory) -> AsyncIterator[Desk]:
    async with db.writer() as tx:
        here = await scene(tx, make, published=True)
    async with served(db, signer, make) as api:
        yield Desk(api, here)


async def test_a_suggestion_is_the_schools_and_endorses_nothing(desk: Desk) -> None:
    made = await desk.suggest()
    assert made["errors"] == []
    assert made["suggestion"]["statement"] == WORDS
    assert made["suggestion"]["school"] == {"id": f"org_{desk.here.school_id}"}
    async with desk.api.db.writer() as tx:
        assert await tx.fetchval("select count(*) from endorsements") == 0
        assert await tx.fetchval("select count(*) from endorsement_proposals") == 0


async def test_the_school_and_the_endorser_see_it_and_nobody_else(desk: Desk, make: Factory) -> None:
    await desk.suggest()
    async with desk.api.db.writer() as tx:
        others = [await make.employer(tx), await make.school(tx)]
    for actor in (desk.here.school, desk.here.employer):
        shown = await desk.api.ask(READ, actor)
        assert shown["statementSuggestions"]["nodes"] == [{"statement": WORDS, "withdrawn": False}]
    for reader in (*others, None):
        assert (await desk.api.ask(READ, reader))["statementSuggestions"]["nodes"] == []


@pytest.mark.parametrize(
    ("statement", "labelled"),
    [(WORDS, True), ("  we interview EVERY\nholder. ", True), ("We interview every second holder.", False)],
)
async def test_an_endorsement_says_whether_its_words_are_those_suggested(
    desk: Desk, statement: str, *, labelled: bool
) -> None:
    await desk.suggest()
    said = await desk.endorse(statement)
    assert (said["statement"], said["asSuggested"]) == (statement, labelled)


async def test_words_suggested_after_the_endorsement_label_nothing(desk: Desk) -> None:
    said = await desk.endorse(WORDS)
    desk.api.make.clock.move(timedelta(hours=1))
    await desk.suggest()
    shown = await desk.api.ask("query ($id: ID!) { endorsement(id: $id) { asSuggested } }", None, id=said["id"])
    assert shown["endorsement"] == {"asSuggested": False}


async def test_a_suggestion_is_taken_back_kept_and_made_anew(desk: Desk) -> None:
    first = (await desk.suggest())["suggestion"]["id"]
    assert [e["code"] for e in (await desk.suggest(statement="Otherwise."))["errors"]] == ["CONFLICT"]
    back = await desk.api.do("withdrawStatementSuggestion", SHOWN, desk.here.school, suggestionId=first)
    assert back["suggestion"]["withdrawn"]
    again = await desk.api.do("withdrawStatementSuggestion", SHOWN, desk.here.school, suggestionId=first)
    assert [e["code"] for e in again["errors"]] == ["INVALID_STATE"]
    assert (await desk.suggest(statement="Otherwise."))["errors"] == []
    shown = await desk.api.ask(READ, desk.here.employer)
    assert [node["withdrawn"] for node in shown["statementSuggestions"]["nodes"]] == [False, True]


async def test_bad_suggestions_are_refused(desk: Desk, make: Factory) -> None:
    async with desk.api.db.writer() as tx:
        other = await make.school(tx)
        hidden = await scene(tx, make)
        agency = await make.organization(tx, OrganizationKind.AGENCY)
    for actor in (desk.here.school, other, desk.here.employer, hidden.school):
        await desk.api.authorization(actor)
    before = await kept(desk.api.db)
    refused = [
        (await desk.suggest(actor=other), "NOT_FOUND"),
        (await desk.suggest(actor=desk.here.employer), "NOT_ALLOWED"),
        (await desk.suggest(organizationId=f"org_{desk.here.school_id}"), "NOT_FOUND"),
        (await desk.suggest(statement=" \u200b"), "REQUIRED"),
        (await desk.suggest(statement="x" * 5_001), "TOO_LONG"),
        # Who was not asked to look at a version that is not public is not told of it.
        (
            await desk.suggest(
                actor=hidden.school, specVersionId=f"version_{hidden.version}", organizationId=f"org_{agency}"
            ),
            "NOT_FOUND",
        ),
    ]
    assert [[e["code"] for e in answer["errors"]] for answer, _ in refused] == [[code] for _, code in refused]
    assert await kept(desk.api.db) == before
    async with desk.api.db.writer() as tx:
        await reviews.request(tx, hidden.school, reviews.RequestReview(hidden.version, agency))
    asked = {"specVersionId": f"version_{hidden.version}", "organizationId": f"org_{agency}"}
    assert (await desk.suggest(actor=hidden.school, **asked))["errors"] == []


def test_invariant_2_no_mutation_of_a_school_takes_words_of_an_endorsement() -> None:
    """Who may send a `statement`: only the endorser to endorse, propose or renew; the school only to suggest."""
    mutation = the_schema()._schema.mutation_type
    assert mutation is not None
    takers: dict[str, Permission] = {}
    for name, field in mutation.fields.items():
        given = field.args["input"].type
        inner = given.of_type if isinstance(given, GraphQLNonNull) else given
        assert isinstance(inner, GraphQLInputObjectType)
        if "statement" in inner.fields:
            definition = field.extensions["strawberry-definition"]
            takers[name] = definition.metadata[METADATA].permission
    schools = {name for name, permission in takers.items() if OrganizationKind.SCHOOL in POLICY[permission].kinds}
    assert schools == {"suggestStatement"}
    assert set(takers) - schools == {"endorseSpec", "proposeEndorsement", "renewEndorsement"}


def test_invariant_2_signed_and_proposed_words_never_change_and_suggested_ones_stand_apart() -> None:
    assert "statement" not in Endorsement.__updatable__ | EndorsementProposal.__updatable__
    assert StatementSuggestion.__updatable__ == {"withdrawn_at"}
    foreign = {key.column.table.name for key in StatementSuggestion.__table__.foreign_keys}  # type: ignore[attr-defined] # SQLModel's own
    assert foreign == {"spec_versions", "organizations"}
