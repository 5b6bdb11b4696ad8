"""Binding GraphQL types to views: what the front desk writes, and all that compiler and executor read.

A field's binding travels in the metadata of its Strawberry field, a type's in its class attribute `__bound__`.
Templates are SQL with names in braces: `{t}` the row itself, `{parent}` and `{child}` the two sides of a relation,
`{key}` the child's key; `{actor_organization}`, `{actor_person}`, `{actor_learner}`, `{actor_account}`,
`{actor_request}` (that to which an outside expert was invited),
`{actor_holding:permission}` (the organization for which the actor holds it), `{actor_permissions}` (the names of all
that they hold) and `{now}` bound parameters; `{budget_limit}`, `{budget_remaining}`, `{budget_reset}` and
`{budget_cost}` what the edge charged for the operation.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, dataclass_transform

import strawberry
from graphql import GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField

from countersign.kit.access import Permission
from countersign.kit.sight import Sight
from countersign.kit.view import View
from countersign.reads import cost as prices
from countersign.reads import personal
from countersign.reads.authority import authorized, seen_by
from countersign.reads.bindings import (
    METADATA,
    Argument,
    Binding,
    Bound,
    Column,
    Constant,
    Entities,
    Entity,
    Key,
    Lookup,
    Members,
    PagePart,
    Relation,
    Secret,
    Slot,
    Source,
    Told,
    Where,
)
from countersign.reads.cursors import Cursor
from countersign.reads.errors import BindingMistake
from countersign.reads.identity import Identity, Public
from countersign.reads.lookups import LOOKUP_LIMIT
from countersign.reads.orders import Orders
from countersign.reads.slots import Maker

T = TypeVar("T")
COUNT_COST: Final = 5
NO_ARGUMENTS: Mapping[str, Argument] = {}
NO_FILTERS: Mapping[str, str] = {}


def arg(
    annotation: Any, description: str, default: Any = strawberry.UNSET, *, deprecated: str | None = None
) -> Argument:
    """An argument: its Python annotation (`str | None` for an optional one), what it is for, its default.

    `deprecated` is a reason made by `schema/deprecation.deprecated`.
    """
    return Argument(annotation, description, default, deprecated)


def ending(field: Any, reason: str) -> Any:
    """A field of any sort (of this file, of `command`) that is deprecated: `schema/deprecation.deprecated` reasons."""
    field.deprecation_reason = reason
    return field


def column(
    *,
    description: str,
    sql: str | None = None,
    name: str | None = None,
    requires: Permission | None = None,
    seen: tuple[Sight, ...] = (),
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    instant: str | None = None,
) -> Any:
    """A value of the row: the view's column of the field's name, or `sql` over `{t}`.

    Whoever sees the row sees it; unless it `requires` a permission (the question is refused without it), or is `seen`
    by fewer (null for the others, so its type must be nullable). `instant` names an argument, a moment, which the SQL
    knows as `{at}`.
    """
    binding = Column(sql, requires, seen, instant)
    return _field(binding, description, args=args, name=name, requires=requires, seen=seen)


def key(*, description: str) -> Any:
    """The public id of the row, made as the type's identity says."""
    return _field(Key(), description)


def slot(*, payload: str, maker: Maker, description: str, cost: int = 0) -> Any:
    """A value that Python makes from bytes: `payload` is SQL over `{t}` of type bytea; its price in points."""
    return _field(Slot(payload, maker), description, price=prices.Cost(weight=cost) if cost else None)


def sealed(name: str, *, description: str, column: str | None = None) -> Any:
    """A personal value of a learner, opened when it is shown; null once the learner is erased.

    `name` is the column as the vault knows it, `<table>.<column>`; the sealed bytes are in `{t}.<column>_sealed`, or
    where `column` says. The row has a `learner_id`.
    """
    source = column or "{t}." + name.partition(".")[2] + "_sealed"
    return _field(Slot(personal.payload(source), personal.opener(name), personal=name), description)


def one(
    *,
    description: str,
    on: str = "true",
    order: str | None = None,
    where: Where = NO_FILTERS,
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    members: Members | None = None,
    alternatives: Mapping[str, str] | None = None,
    requires: Permission | None = None,
    name: str | None = None,
    visible: str | None = None,
    instant: str | None = None,
) -> Any:
    """The row of another view that `on` joins, or null; the first by `order` when there may be several.

    A type whose view has an empty source is part of the parent's row (a value object); `on` then says when it exists.
    For a union or interface give `alternatives` (member type name → on; the first that exists) or `members`.
    `visible` says what is left of the target's visibility once the parent is seen and `on` holds ("true": nothing);
    the differential test's oracle asks the whole of it, and so finds a claim that does not hold. `instant` names an
    argument, a moment, which the view's source knows as `{at}`.
    """
    relation = Relation(
        *("one", on, where, order or ""),
        members=members,
        alternatives=alternatives,
        requires=requires,
        visible=visible,
        instant=instant,
    )
    return _field(relation, description, args=args, requires=requires, name=name)


def many(
    *,
    description: str,
    on: str = "true",
    order: str = "{key}",
    where: Where = NO_FILTERS,
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    members: Members | None = None,
    limit: int | None = None,
    size: int = prices.ASSUMED,
    requires: Permission | None = None,
    visible: str | None = None,
) -> Any:
    """A short list that cannot grow without bound (use `connection` for those that can), in a total order.

    `size` is how long it mostly is, for its price; `visible` as in `one`.
    """
    relation = Relation("many", on, where, order, members=members, limit=limit, requires=requires, visible=visible)
    return _field(relation, description, args=args, requires=requires, price=prices.assumed(limit or size))


def connection(
    *,
    description: str,
    on: str = "true",
    orders: Orders | None = None,
    where: Where = NO_FILTERS,
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    source: Source | None = None,
    requires: Permission | None = None,
    visible: str | None = None,
) -> Any:
    """Pages of a list that can grow, annotated `Connection[T]`; takes `first`/`after`, `last`/`before`, `orderBy`.

    Without `orders` the rows come by key. `where` is a mapping from argument (dots reach into input objects) to a
    condition with `{value:type}`, `{value:id(tag)}` or `{value:ids(tag)}`, or a function `(args, sql)`. `visible` as
    in `one`.
    """
    relation = Relation(
        *("connection", on, where, "{key}"), orders=orders, source=source, requires=requires, visible=visible
    )
    paging: dict[str, Argument] = {
        "first": arg(int | None, "How many from the start, 1 to 100; give this or `last`."),
        "after": arg(Cursor | None, "Continue after this cursor."),
        "last": arg(int | None, "How many from the end, 1 to 100; give this or `first`."),
        "before": arg(Cursor | None, "End before this cursor."),
    }
    if orders is not None:
        paging["order_by"] = arg(orders.input | None, "The order of the list.")
    return _field(relation, description, args={**args, **paging}, requires=requires, price=prices.paged())


def find(
    *,
    description: str,
    by_id: bool = True,
    where: Where = NO_FILTERS,
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    requires: Permission | None = None,
) -> Any:
    """A root field for one thing: by its `id`, or (`by_id=False`) by the conditions of `where`; null when unknown."""
    relation = Relation("one", "true", where, "", by_id=by_id, requires=requires)
    arguments = {"id": arg(strawberry.ID, "Its id."), **args} if by_id else args
    return _field(relation, description, args=arguments, requires=requires)


def lookup(*, many: bool, description: str) -> Any:
    """`node` (`id`) or `nodes` (`ids`): any thing by its public id."""
    arguments = (
        {"ids": arg(list[strawberry.ID], "Up to 100 ids; the answer keeps their order.")}
        if many
        else {"id": arg(strawberry.ID, "The id of any thing that has one.")}
    )
    return _field(
        Lookup(many), description, args=arguments, price=prices.one_for_each("ids", LOOKUP_LIMIT) if many else None
    )


def entities(representation: Any, *, name: str, description: str) -> Any:
    """A federation's look-up of things by their keys; `representation` is the scalar that names one."""
    arguments = {
        "representations": arg(list[representation], "Up to 100 things, each by its type and one of its keys.")
    }
    price = prices.one_for_each("representations", LOOKUP_LIMIT)
    return _field(Entities(), description, args=arguments, name=name, price=price)


def constant(text: Callable[[GraphQLSchema], str], *, description: str) -> Any:
    """A text that the product knows by itself: `text` makes it from the schema."""
    return _field(Constant(text), description)


def page(name: str, *, description: str, graphql_name: str | None = None) -> Any:
    """A part of a connection that the compiler knows by name; used once, in `schema/base.py`."""
    counts = name == "totalCount"
    return _field(
        PagePart(name), description, name=graphql_name, price=prices.Cost(weight=COUNT_COST) if counts else None
    )


def entity(*, description: str) -> Any:
    """A payload's field for what the command made or changed; null exactly when it was refused."""
    return _field(Entity(), description)


def told(name: str, *, description: str) -> Any:
    """A payload's field that Python writes; used once, in `schema/base.py`."""
    return _field(Told(name), description, price=prices.assumed(1) if name == "errors" else None)


def secret(*, description: str) -> Any:
    """A payload's field that is shown this once, a text or (as JSON has it) a moment: see `kit/commands.Made`.

    Null when the command was refused and when it is repeated under its key.
    """
    return _field(Secret(), description)


@dataclass_transform(kw_only_default=True, field_specifiers=(column, key, slot, one, many, connection, find))
def bound(
    view: View,
    *,
    description: str,
    identity: Identity | None = None,
    key_type: str = "uuid",
    name: str | None = None,
    keys: tuple[str, ...] = (),
) -> Callable[[type[T]], type[T]]:
    """Make a class an object type that reads from `view`; every field must be made by a function of this file.

    With `keys` other subgraphs of a federation may name its things (see `Bound`). What belongs to a learner cannot be
    named so: sealed ids are for those who were given them.
    """
    if keys and identity is not None:
        raise BindingMistake("only things with public ids can be entities of a federation")

    def bind(cls: type[T]) -> type[T]:
        made = strawberry.type(cls, description=description, name=name, directives=seen_by(view.seen))
        made.__bound__ = Bound(view, identity or Public(), key_type, keys)  # type: ignore[attr-defined] # read by `binding_of_type`
        return made

    return bind


def _field(
    binding: Binding,
    description: str,
    *,
    args: Mapping[str, Argument] = NO_ARGUMENTS,
    name: str | None = None,
    requires: Permission | None = None,
    price: prices.Cost | prices.ListSize | None = None,
    seen: tuple[Sight, ...] = (),
) -> Any:
    shown: list[object] = [authorized(requires)] if requires is not None else []
    shown += seen_by(seen)
    if price is not None:
        shown.append(price)
    made: Any = strawberry.field(
        description=description,
        name=name,
        metadata={METADATA: binding},
        directives=shown,
    )
    if not isinstance(made, StrawberryField):
        raise BindingMistake("strawberry.field answered something else than a field")
    made.arguments = [
        StrawberryArgument(
            python_name=python_name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(argument.annotation),
            description=argument.description,
            default=argument.default,
            deprecation_reason=argument.deprecated,
        )
        for python_name, argument in args.items()
    ]
    return made
