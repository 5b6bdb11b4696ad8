"""What schemathesis can't read in a GraphQL schema: scalars, `@oneOf`, sizes of pages, what an operation may cost.

Loaded by `st` through SCHEMATHESIS_HOOKS. A document that is wrong in any other way is left as it was drawn: it is
meant to be refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphql
import schemathesis
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLInputObjectType,
    IntValueNode,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    ValueNode,
    Visitor,
    get_named_type,
)
from graphql.execution.values import VariableValues
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from countersign.schema import pricing
from countersign.schema.contents import the_schema
from countersign.schema.pricing import Everything
from tests.fuzz.values import GOOD

LARGEST_PAGE = 100
CONDITIONS = ("specs", "stack", "endorsedBy", "regions")
MOST_BESIDE_SKILLS = 2
EXPORTED = graphql.build_schema((Path(__file__).parents[2] / "schema.graphql").read_text(encoding="utf-8"))
KEY = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=16, max_size=40)

for name, examples in GOOD.items():
    if name != "Boolean":
        schemathesis.graphql.scalar(name, st.sampled_from(examples).map(nodes.String))
schemathesis.graphql.scalar("IdempotencyKey", KEY.map(nodes.String))
# A cursor is made by the server alone, and one that it did not make is refused: from outside there is only the start.
schemathesis.graphql.scalar("Cursor", st.just(nodes.Null))
schemathesis.graphql.scalar("_Any", st.just(graphql.parse_value('{__typename: "Organization", id: "org_1"}')))


def counted(node: FieldNode) -> FieldNode:
    """The same count of vacancies, by a query that names a term: one without is refused."""
    term = ArgumentNode(name=NameNode(value="query"), value=graphql.parse_value('"python"'))
    others = (each for each in node.arguments or () if each.name.value not in {"query", "skillIds"})
    return FieldNode(
        alias=node.alias,
        name=node.name,
        arguments=(*others, term),
        directives=node.directives,
        selection_set=node.selection_set,
    )


class Fitting(Visitor):
    """Brings page sizes into their range, has something to count, and leaves one member of each `@oneOf` object."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info

    def leave_field(self, node: FieldNode, *_: object) -> FieldNode:
        """A list that pages: `first` alone, from 1 to 100; a search for candidates: by a skill, with short lists."""
        made = self.info.get_field_def()
        if node.name.value == "labourMarketEvidence":
            return counted(node)
        if made is None or not {"first", "last"} <= set(made.args):
            return node
        given = {each.name.value: each.value for each in node.arguments or ()}
        drawn = given.pop("first", None)
        given.pop("last", None)
        size = int(drawn.value) if isinstance(drawn, IntValueNode) else 1
        given["first"] = IntValueNode(value=str(abs(size) % LARGEST_PAGE + 1))
        if node.name.value == "searchCandidates":
            given = {name: shortened(value) for name, value in given.items()}
            if is_empty(given.get("skills")):
                given["skills"] = graphql.parse_value('["skill_of_nobody"]')
            # More than three conditions at once are refused: they would single people out.
            for name in [name for name in CONDITIONS if not is_nothing(given.get(name))][MOST_BESIDE_SKILLS:]:
                del given[name]
        return FieldNode(
            alias=node.alias,
            name=node.name,
            arguments=tuple(ArgumentNode(name=NameNode(value=name), value=value) for name, value in given.items()),
            directives=node.directives,
            selection_set=node.selection_set,
        )

    def leave_object_value(self, node: ObjectValueNode, *_: object) -> ObjectValueNode:
        """One member that is not null."""
        type_ = get_named_type(self.info.get_input_type()) if self.info.get_input_type() else None
        if not isinstance(type_, GraphQLInputObjectType) or not type_.is_one_of or not node.fields:
            return node
        given = [each for each in node.fields if not isinstance(each.value, NullValueNode)]
        return ObjectValueNode(fields=(given[0],)) if given else node


def is_empty(value: ValueNode | None) -> bool:
    """Whether a list is not given, null or without items."""
    return not (isinstance(value, ListValueNode) and value.values)


def is_nothing(value: ValueNode | None) -> bool:
    """Whether an argument asks for nothing."""
    return value is None or isinstance(value, NullValueNode) or (isinstance(value, ListValueNode) and not value.values)


def shortened(value: ValueNode) -> ValueNode:
    """A list of at most three items."""
    return ListValueNode(values=tuple(value.values)[:3]) if isinstance(value, ListValueNode) else value


def served(introspected: Any) -> graphql.GraphQLSchema:
    """The served schema, told which types are `@oneOf`: schemathesis does not ask for that."""
    schema: graphql.GraphQLSchema = introspected.client_schema
    for name, type_ in schema.type_map.items():
        exported = EXPORTED.type_map.get(name)
        if isinstance(type_, GraphQLInputObjectType) and isinstance(exported, GraphQLInputObjectType):
            type_.is_one_of = exported.is_one_of
    return schema


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """The document as a client that has read the descriptions would write it."""
    if not isinstance(body, DocumentNode):
        return body
    schema = served(context.operation.schema)
    if any("OneOf" not in error.message for error in graphql.validate(schema, body)):
        return body
    info = TypeInfo(schema)
    return graphql.visit(body, TypeInfoVisitor(info, Fitting(info)))


@schemathesis.hook
def filter_body(context: Any, body: Any) -> bool:
    """No object of a `@oneOf` type without a member that is not null, and nothing dearer than the limit."""
    if not isinstance(body, DocumentNode):
        return True
    errors = graphql.validate(served(context.operation.schema), body)
    if any("OneOf" in error.message for error in errors):
        return False
    return bool(errors) or is_affordable(map_body(context, body))  # what is left here is mapped only afterwards


def is_affordable(body: DocumentNode) -> bool:
    """Whether a valid document stays below the cost that the server's own descriptions tell."""
    schema = the_schema()._schema
    (operation,) = (each for each in body.definitions if isinstance(each, OperationDefinitionNode))
    root = schema.get_root_type(operation.operation)
    assert root is not None
    nothing = VariableValues(sources={}, coerced={})
    return sum(pricing.price(root, operation, Everything(schema, {}, nothing)).of({})) <= pricing.LIMIT
