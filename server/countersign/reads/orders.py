"""Orders of a connection: an enum and an input type made from one declaration."""

import enum
from dataclasses import dataclass
from typing import Any

import strawberry


@dataclass(frozen=True, slots=True)
class Order:
    """One order: SQL over `{child}` that is never null, its SQL type, and what it means."""

    sql: str
    type: str
    description: str


@strawberry.enum(description="Which end comes first.")
class OrderDirection(enum.Enum):
    """Which end comes first."""

    ASC = strawberry.enum_value("asc", description="The smallest, earliest or alphabetically first comes first.")
    DESC = strawberry.enum_value("desc", description="The largest, latest or alphabetically last comes first.")


class Orders:
    """The orders of one kind of connection; the first one is the default, ascending unless `descending`.

    `name` is the GraphQL input's name, such as `SpecOrder`; its enum is `SpecOrderField`. Declare it once per node
    type at module level and use the same object in every connection of that type.
    """

    def __init__(self, name: str, *, descending: bool = False, **orders: Order) -> None:
        self.orders = orders
        self.default = next(iter(orders))
        self.descending = descending
        values = {k: strawberry.enum_value(k.lower(), description=o.description) for k, o in orders.items()}
        make: Any = enum.Enum  # the functional form, with values made at run time
        members_type: Any = make(f"{name}Field", values)
        field_type = strawberry.enum(members_type, description=f"What {name} orders by.")
        namespace: dict[str, Any] = {
            "__annotations__": {"field": field_type, "direction": OrderDirection},
            "__doc__": f"An order named {name}.",
            "field": strawberry.field(description="What to order by."),
            "direction": strawberry.field(description="Which end comes first.", default=OrderDirection.ASC),
        }
        standing = f"{self.default} {'descending' if descending else 'ascending'}"
        self.input = strawberry.input(
            type(name, (), namespace), description=f"An order of the list; {standing} if left out."
        )

    def choose(self, field: enum.Enum | None, direction: enum.Enum | None) -> tuple[Order, bool]:
        """The order for the argument's values, and whether it descends."""
        if field is None:
            return self.orders[self.default], self.descending
        return self.orders[field.name], direction is OrderDirection.DESC
