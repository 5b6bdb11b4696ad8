"""Federation: the API as a subgraph (Apollo Federation 2.9), and how others name our things.

Two texts of one schema are published: `schema.graphql`, for clients, and the subgraph's SDL, for composers. The second
is made from the first: entities get their `@key`, what every subgraph has gets `@shareable`, and directives that
federation defines are imported instead of declared. The fields and types by which a gateway asks (`_service`,
`_entities` and what they need) are served, and stand in neither text, as the subgraph specification asks.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Final, NewType

import strawberry
from graphql import (
    ConstArgumentNode,
    ConstDirectiveNode,
    ConstListValueNode,
    DirectiveDefinitionNode,
    GraphQLSchema,
    NameNode,
    Node,
    ObjectTypeDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    parse,
    print_ast,
    specified_directives,
)
from strawberry.types.scalar import ScalarDefinition

from countersign.kit.sight import EVERYONE
from countersign.kit.view import View
from countersign.reads.bind import bound, constant, entities, one
from countersign.reads.bindings import entity_types
from countersign.reads.errors import BindingMistake
from countersign.schema.endorsements import Endorsement
from countersign.schema.organizations import Organization
from countersign.schema.skills import Skill, SkillFramework
from countersign.schema.specs import CredentialSpec, SpecVersion
from countersign.schema.specs_listings import Listing
from countersign.schema.stacks import Stack

LINK: Final = "https://specs.apollo.dev/federation/v2.9"
AUTHORIZED: Final = "https://countersign.example/authorized/v1.0"  # a name, not an address: nothing is fetched
AUTHORITY: Final = ("authorized", "seenBy")
OF_FEDERATION: Final = ("cost", "listSize")  # federation 2.9 defines these as we use them
SHAREABLE: Final = frozenset({"PageInfo"})
MACHINERY: Final = frozenset({"_Any", "_Entity", "_Service", "_entities", "_service"})
SDL: Final = "countersign-sdl"
_QUOTES: Final = '"""'
_DESCRIPTION: Final = re.compile(r'"""(?:\\"""|.)*?"""\n', re.DOTALL)
_BETWEEN: Final = re.compile(r"\n\n(?=\S)")  # what stands within a definition is indented
_NAMED: Final = re.compile(r"^(directive @|[a-z]+ )(\w+)")
_KNOWN: Final = {directive.name: directive.description or "" for directive in specified_directives}

Representation = NewType("Representation", dict[str, Any])
Entity = Annotated[
    Organization | SkillFramework | Skill | CredentialSpec | SpecVersion | Listing | Endorsement | Stack,
    strawberry.union("_Entity", description="Anything of ours that other subgraphs may refer to."),
]


def _representation(value: Any) -> Any:
    if not isinstance(value, Mapping) or not isinstance(value.get("__typename"), str):
        raise TypeError("An object with its __typename and a key is expected")
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Representation: strawberry.scalar(
        name="_Any",
        description="A thing as another subgraph names it: an object with `__typename` and one of the type's keys.",
        parse_value=_representation,
        serialize=lambda value: value,
        specified_by_url="https://www.apollographql.com/docs/graphos/schema-design/federated-schemas/reference/subgraph-spec",
    )
}


def sdl_of(schema: GraphQLSchema) -> str:
    """The subgraph SDL of a schema."""
    text: str = schema.extensions[SDL]()
    return text


@bound(
    View(tag="service", source="", seen=(EVERYONE,)),
    name="_Service",
    description="This subgraph, as composers want to know it.",
)
class Service:
    """This subgraph."""

    sdl: str = constant(sdl_of, description="Its schema, with the directives of Apollo Federation 2.9.")


@strawberry.type
class FederationQueries:
    """What gateways and composers ask."""

    service: Service = one(name="_service", description="This subgraph, for composers.")
    entities: list[Entity | None] = entities(
        Representation,
        name="_entities",
        description="Things by their keys, in the order asked; null for each that you may not see. For gateways.",
    )


def publish(served: str) -> str:
    """The text of a served schema without what only gateways ask; all else keeps its place and form.

    Strawberry declares @oneOf for readers that do not know it, and does not say what it is; that is put in.
    """
    edits: list[tuple[int, int, str]] = []
    for definition in parse(served).definitions:
        match definition:
            case TypeDefinitionNode() if definition.name.value in MACHINERY:
                edits.append((*_place(definition), ""))
            case ObjectTypeDefinitionNode() if definition.name.value == "Query":
                edits += [(*_place(f), "") for f in definition.fields or () if f.name.value in MACHINERY]
            case DirectiveDefinitionNode(description=None):
                start, _ = _place(definition)
                edits.append((start, start, f'"""\n{_KNOWN[definition.name.value]}\n"""\n'))
    for start, end, text in reversed(edits):
        served = served[:start].rstrip() + served[end:] if not text else served[:start] + text + served[end:]
    return served.strip() + "\n"


def _place(node: Node) -> tuple[int, int]:
    if node.loc is None:
        raise BindingMistake("the text was parsed without locations")
    return node.loc.start, node.loc.end


def subgraph(published: str, keys: Mapping[str, tuple[str, ...]]) -> str:
    """The subgraph's SDL: the published schema, with the keys of the entity types.

    The text is edited, not read and printed anew: that would take half a second of CPU, while requests wait.
    Raises BindingMistake for a key of a type that the schema does not have.
    """
    left = dict(keys)
    kept: list[tuple[str, str]] = []
    declared: set[str] = set()
    for description, definition in _definitions(published):
        kind, name = _NAMED.findall(definition)[0]
        declared.add(name)
        if kind == "directive @" and name in OF_FEDERATION:
            continue
        more = [_directive("key", fields=key) for key in left.pop(name, ())] if kind == "type " else []
        more += [_directive("shareable")] if name in SHAREABLE else []
        head, opens, body = definition.partition(" {\n")
        kept.append((description, " ".join([head, *map(print_ast, more)]) + opens + body))
    if left:
        raise BindingMistake(f"no such entity type: {sorted(left)}")
    links = print_ast(_links([name for name in OF_FEDERATION if name in declared]))
    return "\n\n".join([links, *(description + definition for description, definition in kept)]) + "\n"


def _definitions(published: str) -> Iterator[tuple[str, str]]:
    """The definitions of a printed schema, each with its description before it (or nothing), in their order."""
    text = ""
    for part in _BETWEEN.split(published.strip()):
        text += part
        said = _DESCRIPTION.match(text)
        if said or not text.startswith(_QUOTES):
            at = said.end() if said else 0
            yield text[:at], text[at:]
            text = ""
        else:
            text += "\n\n"  # the blank line was one of its description


def keys_of(schema: GraphQLSchema) -> dict[str, tuple[str, ...]]:
    """The keys of each entity type."""
    return {name: bound.keys for name, (_, bound) in entity_types(schema).items()}


def remember(schema: GraphQLSchema, published: Callable[[], str]) -> None:
    """Let a schema know its own subgraph SDL, which is made when it is first asked for."""
    schema.extensions[SDL] = cache(lambda: subgraph(published(), keys_of(schema)))


def _links(imported: Sequence[str]) -> SchemaExtensionNode:
    names = ("key", "shareable", "composeDirective", *imported)
    return SchemaExtensionNode(
        directives=(
            _directive("link", url=LINK, **{"import": [f"@{name}" for name in names]}),
            _directive("link", url=AUTHORIZED, **{"import": [f"@{name}" for name in AUTHORITY]}),
            *(_directive("composeDirective", name=f"@{name}") for name in AUTHORITY),
        ),
        operation_types=(),
    )


def _directive(directive: str, /, **arguments: str | list[str]) -> ConstDirectiveNode:
    return ConstDirectiveNode(
        name=NameNode(value=directive),
        arguments=tuple(
            ConstArgumentNode(name=NameNode(value=name), value=_value(value)) for name, value in arguments.items()
        ),
    )


def _value(value: str | list[str]) -> StringValueNode | ConstListValueNode:
    if isinstance(value, str):
        return StringValueNode(value=value, block=False)
    return ConstListValueNode(values=tuple(StringValueNode(value=item, block=False) for item in value))
