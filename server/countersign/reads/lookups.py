"""Public ids as parameters: decoded in Python, matched in SQL."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphql import GraphQLObjectType

from countersign.reads.args import Call, Parameters
from countersign.reads.bindings import Bound
from countersign.reads.errors import BadInput, Path
from countersign.reads.identity import NOWHERE, Located, Public, Sealed, locate

LOOKUP_LIMIT: Final = 100
Tags = Mapping[str, tuple[GraphQLObjectType, Bound]]


def match(bound: Bound, key: str, number: str) -> str:
    """The condition over `{t}` that the row is the one with this uuid and this learner's number."""
    match bound.identity:
        case Public():
            return f"{bound.view.key} = {key}"
        case Sealed() as sealed:
            by_number = f"{sealed.number} = {number}"
            return f"{by_number} and {sealed.id} = {key}" if sealed.id else by_number


def locate_one(parameters: Parameters, bound: Bound, getter: Callable[[Call], Any]) -> str:
    """The condition that the row is the one whose id the getter answers; no row for an id that says nothing."""

    def located(call: Call) -> Located:
        return locate(getter(call), bound.view.tag, bound.identity, call.actor, call.sealer)

    key = number = ""
    match bound.identity:
        case Public():
            key = parameters.bind(lambda call: located(call).id, "uuid")
        case Sealed() as sealed:
            number = parameters.bind(lambda call: located(call).number, "bigint")
            key = parameters.bind(lambda call: located(call).id, "uuid") if sealed.id else ""
    return match(bound, key, number)


def locate_any(text: object, tags: Tags, call: Call) -> Located:
    """Read an id of any of the kinds by its tag."""
    tag = text.partition("_")[0] if isinstance(text, str) else ""
    if tag not in tags:
        return NOWHERE
    return locate(text, tag, tags[tag][1].identity, call.actor, call.sealer)


def row(parameters: Parameters, tags: Tags, getter: Callable[[Call], Any]) -> str:
    """A FROM item with the columns tag, id, number, no: the one id that the getter answers."""
    columns = [
        parameters.bind(lambda call: locate_any(getter(call), tags, call).tag, "text"),
        parameters.bind(lambda call: locate_any(getter(call), tags, call).id, "uuid"),
        parameters.bind(lambda call: locate_any(getter(call), tags, call).number, "bigint"),
    ]
    return f"(values ({', '.join(columns)}, 1))"


def rows(parameters: Parameters, tags: Tags, getter: Callable[[Call], Any], path: Path) -> str:
    """As `row`, for the list of ids that the getter answers. Raises BadInput, when it is called, for more than 100."""

    def read(call: Call) -> list[Located]:
        texts = getter(call)
        if len(texts) > LOOKUP_LIMIT:
            raise BadInput(f"At most {LOOKUP_LIMIT} ids at once", path)
        return [locate_any(text, tags, call) for text in texts]

    columns = [
        parameters.bind(lambda call: [found.tag for found in read(call)], "text[]"),
        parameters.bind(lambda call: [found.id for found in read(call)], "uuid[]"),
        parameters.bind(lambda call: [found.number for found in read(call)], "bigint[]"),
    ]
    return f"unnest({', '.join(columns)}) with ordinality"
