"""What a field costs: declared where it is bound, printed into the schema, read by the pricing.

The directives have the shapes of Federation 2.9 (after IBM's cost specification), so gateways price as we do.
"""

from typing import Any, Final

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

ASSUMED: Final = 10
SLICING: Final = ("first", "last")
SIZED: Final = ("nodes", "edges")


def _argument(name: str, description: str, default: object = UNSET) -> Any:
    return StrawberryField(python_name=None, graphql_name=name, default=default, description=description)


@strawberry.schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
    description="What it costs to ask for this, in points; without it an object costs 1 and a value nothing.",
)
class Cost:
    """What a field costs."""

    weight: int = _argument("weight", "The points, each time it is answered.")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How long a list is taken to be when an operation is priced.",
)
class ListSize:
    """How long a list is taken to be."""

    assumed_size: int | None = _argument("assumedSize", "The length that it is assumed to have.")
    slicing_arguments: list[str] | None = _argument("slicingArguments", "The arguments that say its length.")
    sized_fields: list[str] | None = _argument("sizedFields", "The fields below that are as long as these say.")
    require_one_slicing_argument: bool = _argument(
        "requireOneSlicingArgument", "Whether exactly one of the arguments must be given.", default=True
    )
    # The list argument with an answer for each of its items; not a part of the directive, which knows numbers only.
    each: strawberry.Private[str | None] = None


def paged() -> ListSize:
    """Of a connection: as long as `first` or `last` says."""
    return ListSize(slicing_arguments=list(SLICING), sized_fields=list(SIZED))


def assumed(size: int) -> ListSize:
    """Of a list that is mostly about this long."""
    return ListSize(assumed_size=size, require_one_slicing_argument=False)


def one_for_each(argument: str, at_most: int) -> ListSize:
    """Of a list with an answer for each item of a list argument."""
    return ListSize(assumed_size=at_most, require_one_slicing_argument=False, each=argument)
