"""Every field says who may use it, before anything is served."""

from __future__ import annotations

import re

import pytest
import strawberry

from countersign.kit.access import Permission
from countersign.kit.db import Database
from countersign.kit.ids import Sealer
from countersign.kit.sight import EVERYONE, WITH_PARENT, Sight, Tie, holders, learner, members, predicate
from countersign.kit.view import View
from countersign.reads.bind import bound, column, find, one
from countersign.reads.errors import BindingMistake
from countersign.schema.authority import undeclared
from countersign.schema.base import Tools
from countersign.schema.contents import TYPES, export, make_schema, the_schema
from countersign.schema.engine import Engine
from countersign.trust.signer import Signer

SCHEMA = the_schema()


def schema_of(queries: type) -> strawberry.Schema:
    return make_schema(queries=(strawberry.type(queries),), mutations=(), subscriptions=(), types=TYPES)


@bound(View("bare", "organizations {t}"), description="A thing whose view says nothing.")
class Bare:
    """A thing whose view says nothing."""

    name: str = column(description="Its name.")


@bound(View("part", "", seen=(WITH_PARENT,)), description="A part.")
class Part:
    """A part."""

    name: str = column(description="Its name.")


@bound(View("narrow", "organizations {t}", seen=(EVERYONE,)), description="A thing with a private column.")
class Narrow:
    """A thing with a private column."""

    secret: str = column(seen=(members("id"),), description="Its secret; null is not allowed here.")


class BareQueries:
    """Root fields."""

    bare: Bare | None = find(description="A thing.")


class PartQueries:
    """Root fields."""

    part: Part | None = one(description="A part of nothing.")


class NarrowQueries:
    """Root fields."""

    narrow: Narrow | None = find(description="A thing.")


def test_every_field_of_the_api_says_who_may_use_it() -> None:
    assert list(undeclared(SCHEMA._schema)) == []


@pytest.mark.parametrize(
    ("queries", "named"),
    [
        (BareQueries, ["Query.bare needs", "Bare.name needs"]),
        (PartQueries, ["Query.part leads to parts"]),
        (NarrowQueries, ["Narrow.secret is null for some"]),
    ],
)
def test_an_engine_over_a_field_without_authority_does_not_start(
    queries: type, named: list[str], db: Database, signer: Signer
) -> None:
    tools = Tools(db, Sealer(b"s" * 32), signer)
    with pytest.raises(BindingMistake) as refused:
        Engine(schema_of(queries), tools)
    assert all(name in str(refused.value) for name in named)


def test_a_view_that_names_nobody_is_seen_by_nobody() -> None:
    assert View("bare", "organizations {t}").visible == "false"
    assert predicate((members(), learner())) == (
        "({t}.organization_id = {actor_organization} or {t}.learner_id = {actor_learner})"
    )
    assert predicate((EVERYONE, members())) == "true"
    assert predicate((holders(Permission.ISSUE_AWARD),)) == "{t}.organization_id = {actor_holding:issue_award}"
    assert predicate((Sight(Tie.OTHER, "nobody", "false"),)) == "false"


def test_who_sees_a_type_is_printed_from_what_its_view_enforces() -> None:
    text = export(SCHEMA)
    assert re.search(r'^type SpecDraft implements Node @seenBy\(who: \["members of its school"\]\)', text, re.MULTILINE)
    assert re.search(
        r'^type Award implements Node @seenBy\(who: \["its learner", "who may issue_award', text, re.MULTILINE
    )
    types = re.findall(r"^type (\w+)[^{]*", text, re.MULTILINE)
    silent = {name for name in types if not re.search(rf"^type {name}\b[^{{]*@seenBy", text, re.MULTILINE)}
    assert all(name.endswith(("Connection", "Edge", "Payload", "Error", "Event")) or name in ROOTS for name in silent)


ROOTS = {"Query", "Mutation", "Subscription", "PageInfo"}
