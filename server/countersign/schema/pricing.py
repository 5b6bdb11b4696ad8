"""Prices: what an operation may cost at most, in points, worked out from the declarations of `reads/cost.py`.

An object costs 1 and a value nothing, unless `@cost` says otherwise; a list costs as many times as `@listSize` says.
A document's operation is worked out once for each shape of its variables, over its merged fields; what then depends on
values (`first: $n`) stays open, so pricing a request again is a few multiplications. Nothing is executed for it.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_composite_type,
    is_list_type,
)

from countersign.reads.bindings import BACKREF
from countersign.reads.cost import ASSUMED, Cost, ListSize
from countersign.reads.errors import Unreadable
from countersign.reads.pages import LARGEST_PAGE
from countersign.reads.selection import Selections
from countersign.schema import introspection
from countersign.schema.problems import Fault, fault

LIMIT: Final = 5_000
EVENT_LIMIT: Final = 500
"""Points of a subscription: each event is read anew for it, and others wait for their turn."""
OBJECTS_A_POINT: Final = 5  # of the schema's own description, which lies in memory
_OBJECT: Final = re.compile(rb'\{"(?![,}\]])')  # one look; counting each of the endings is three more
LEAST_PART: Final = 10  # an operation that finds nothing spends this part of its price

Values = Mapping[str, Any]
Length = Callable[[Values], int]


@dataclass(frozen=True, slots=True)
class Price:
    """What a selection may cost: `objects` that the answer may hold, and `fixed` points beside them.

    `repeated` are prices that count as often as a value says, `either` are prices of which the dearest counts.
    """

    objects: int = 0
    fixed: int = 0
    repeated: "tuple[tuple[int, Length, Price], ...]" = ()
    either: "tuple[tuple[int, tuple[Price, ...]], ...]" = ()

    def of(self, values: Values) -> tuple[int, int]:
        """Objects and fixed points for the values of the variables."""
        objects, fixed = self.objects, self.fixed
        for times, length, each in self.repeated:
            n = times * length(values)
            more, points = each.of(values)
            objects += n * more
            fixed += n * points
        for times, options in self.either:
            more, points = max((option.of(values) for option in options), key=sum)
            objects += times * more
            fixed += times * points
        return objects, fixed

    def plus(self, other: "Price") -> "Price":
        """Both."""
        return Price(
            self.objects + other.objects,
            self.fixed + other.fixed,
            self.repeated + other.repeated,
            self.either + other.either,
        )

    def times(self, count: "int | Length") -> "Price":
        """As often as a number, or as a value will say."""
        if not isinstance(count, int):
            return Price(repeated=((1, count, self),))
        return Price(
            self.objects * count,
            self.fixed * count,
            tuple((count * times, length, each) for times, length, each in self.repeated),
            tuple((count * times, options) for times, options in self.either),
        )


FREE: Final = Price()


class Everything(Selections):
    """Selections for which every condition (`@include`, `@skip`) lets everything through."""

    def _included(self, _node: object) -> bool:
        return True


def price(root: GraphQLObjectType, operation: OperationDefinitionNode, selections: Selections) -> Price:
    """The price of an operation: one object for the answer itself, and its fields."""
    return Price(objects=1).plus(_Pricing(selections).below(root, [operation.selection_set], {}))


def require(requested: int, kind: OperationType = OperationType.QUERY) -> None:
    """Refuse what costs more than one operation of its kind may. Raises Unreadable."""
    allowed = EVENT_LIMIT if kind is OperationType.SUBSCRIPTION else LIMIT
    if requested > allowed:
        message = (
            f"The {kind.value if kind is OperationType.SUBSCRIPTION else 'operation'} costs {requested} points;"
            f" at most {allowed} are allowed."
            " Ask for smaller pages (`first`), fewer nested lists, or in several requests."
        )
        limit = {"name": "cost", "allowed": allowed, "asked": requested}
        raise Unreadable(fault(Fault.OPERATION_TOO_COMPLEX, message, limit=limit))


def spent(requested: int, fixed: int, data: bytes | None) -> int:
    """What an answer cost: its objects and the fixed points, at least a tenth and at most all of what was requested."""
    least = -(-requested // LEAST_PART)
    if data is None:
        return least
    return min(requested, max(least, fixed + count_objects(data)))


def count_objects(data: bytes) -> int:
    """How many objects compact JSON holds: a brace and the quote of a member's name, unless the brace ends a text."""
    return len(_OBJECT.findall(data))


class _Pricing:
    """Works out the price of one operation."""

    def __init__(self, selections: Selections) -> None:
        self._selections = selections
        self._schema = selections.schema

    def below(self, type_: GraphQLObjectType, sets: Iterable[Any], sized: Mapping[str, "int | Length"]) -> Price:
        """The fields of one object; `sized` says how long some of them are."""
        total = FREE
        for nodes in self._selections.of(type_, sets).values():
            total = total.plus(self._field(type_, nodes, sized))
        return total

    def _field(self, type_: GraphQLObjectType, nodes: list[FieldNode], sized: Mapping[str, "int | Length"]) -> Price:
        name = nodes[0].name.value
        if name in introspection.META:
            objects = introspection.count(self._schema, self._selections, nodes)
            return Price(fixed=-(-objects // OBJECTS_A_POINT))
        definition = type_.fields.get(name)
        if definition is None:  # __typename
            return FREE
        weight, size = declared(definition)
        target = get_named_type(definition.type)
        if not is_composite_type(target):
            return Price(fixed=weight or 0)
        each = Price(objects=1, fixed=0 if weight is None else weight - 1).plus(self._inside(target, nodes, size))
        if not is_list_type(get_nullable_type(definition.type)):
            return each
        return each.times(sized[name] if name in sized else _length(size, nodes[0]))

    def _inside(self, target: GraphQLNamedType, nodes: list[FieldNode], size: ListSize | None) -> Price:
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        sized: dict[str, int | Length] = {}
        if size is not None and size.sized_fields:
            length = _length(size, nodes[0])
            sized = dict.fromkeys(size.sized_fields, length)
        if isinstance(target, GraphQLObjectType):
            return self.below(target, sets, sized)
        if not is_abstract_type(target):
            return FREE
        options = {self.below(member, sets, sized) for member in self._schema.get_possible_types(target)}
        if any(option.repeated or option.either for option in options):
            return Price(either=((1, tuple(options)),))
        return max(options, key=lambda option: option.objects + option.fixed)


def declared(definition: GraphQLField) -> tuple[int | None, ListSize | None]:
    """What a field declares: its weight and its length, each None when it says nothing."""
    weight: int | None = None
    size: ListSize | None = None
    for directive in getattr(definition.extensions.get(BACKREF), "directives", ()):
        if isinstance(directive, Cost):
            weight = directive.weight
        elif isinstance(directive, ListSize):
            size = directive
    return weight, size


def _length(size: ListSize | None, node: FieldNode) -> "int | Length":
    """How long a list is, or where its length will be found.

    A variable may hold null, which is as if its argument were not given: so every argument that may say the length is
    looked at, and the longest counts.
    """
    if size is None:
        return ASSUMED
    most = size.assumed_size if size.each is not None and size.assumed_size is not None else LARGEST_PAGE
    names = (size.each,) if size.each is not None else size.slicing_arguments or ()
    known: list[int] = []
    variables: list[str] = []
    for argument in node.arguments or ():
        if argument.name.value not in names:
            continue
        match argument.value:
            case VariableNode():
                variables.append(argument.value.name.value)
            case IntValueNode():
                known.append(_bounded(int(argument.value.value), most))
            case ListValueNode():
                known.append(_bounded(len(argument.value.values), most))
            case _:
                pass  # null: as if it were not given
    if variables:
        return _later(variables, known, most)
    return max(known, default=size.assumed_size if isinstance(size.assumed_size, int) else ASSUMED)  # it may be UNSET


def _bounded(length: int, most: int) -> int:
    """What lies outside counts as nothing: the field refuses it when its arguments are read, in better words."""
    return length if 0 <= length <= most else 0


def _later(variables: Sequence[str], known: Sequence[int], most: int) -> Length:
    """The length that variables say: their value, or how many items they have. When none says anything, the most."""

    def length(values: Values) -> int:
        said = [*known]
        for variable in variables:
            value = values.get(variable)
            if value is not None:
                items = value if isinstance(value, int) else len(value) if isinstance(value, list) else 1
                said.append(_bounded(items, most))
        return max(said, default=most)

    return length
