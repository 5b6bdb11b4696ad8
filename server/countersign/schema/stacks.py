"""Stacks at the front desk: blocks that add up, and the capstone that ends the line."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Optional

import strawberry

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.kit.ids import public_id
from countersign.reads.bind import arg, bound, column, connection, entity, find, many, one
from countersign.reads.orders import Order, Orders
from countersign.schema.base import CommandInput, Connection, Lock, Node, Tools, command, payload, reference
from countersign.schema.organizations import Organization
from countersign.schema.rendering import as_html
from countersign.schema.scalars import HTML, Markdown
from countersign.stacks import service
from countersign.stacks.views import STACK

if TYPE_CHECKING:
    from countersign.schema.specs import CredentialSpec


@bound(
    STACK,
    description="Blocks that add up: all of them, then the capstone where there is one.",
    keys=("id", "handle"),
)
class Stack(Node):
    """Blocks that add up."""

    handle: str = column(description="Its short name in addresses; it never changes.")
    title: str = column(description="Its title.")
    description: Markdown = column(description="What it leads to.")
    description_html: HTML = as_html(STACK, "description", "What it leads to")
    created_at: datetime = column(description="When it was made.")
    organization: Organization = one(on="{child}.id = {parent}.organization_id", description="Whose stack it is.")
    blocks: list[Annotated["CredentialSpec", strawberry.lazy("countersign.schema.specs")]] = many(
        on="exists (select from stack_blocks b where b.stack_id = {parent}.id and b.spec_id = {child}.id)",
        order="(select b.position from stack_blocks b where b.stack_id = {parent}.id and b.spec_id = {child}.id)",
        description="The blocks, in the order of learning.",
    )
    capstone: Optional[Annotated["CredentialSpec", strawberry.lazy("countersign.schema.specs")]] = one(  # noqa: UP045
        on="{child}.id = {parent}.capstone_spec_id", description="The capstone that comes after all blocks."
    )


STACK_ORDERS = Orders(
    "StackOrder",
    TITLE=Order("{child}.title", "text", "By title."),
    CREATED_AT=Order("{child}.created_at", "timestamptz", "By the time of making."),
)


@strawberry.input(description="Which stacks; all conditions must hold.")
class StackFilter:
    """Which stacks."""

    organization_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only of this organization."
    )
    spec_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Only those that hold this spec, as a block or as the capstone."
    )


@strawberry.input(one_of=True, description="How to name one stack: by exactly one of these.")
class StackBy:
    """How to name one stack."""

    id: strawberry.ID | None = strawberry.field(default=strawberry.UNSET, description="Its id.")
    handle: str | None = strawberry.field(default=strawberry.UNSET, description="Its handle.")


STACK_FILTERS = {
    "filter.organizationId": "{child}.organization_id = {value:id(org)}",
    "filter.specId": "({child}.capstone_spec_id = {value:id(spec)} or exists (select from stack_blocks b"
    " where b.stack_id = {child}.id and b.spec_id = {value:id(spec)}))",
}


@strawberry.type
class StackQueries:
    """Root fields."""

    stack: Stack | None = find(
        by_id=False,
        args={"by": arg(StackBy, "Which one.")},
        where={"by.id": "{child}.id = {value:id(stk)}", "by.handle": "{child}.handle = {value:text}"},
        description="One stack.",
    )
    stacks: Connection[Stack] = connection(
        orders=STACK_ORDERS,
        where=STACK_FILTERS,
        args={"filter": arg(StackFilter | None, "Which of them.")},
        description="Stacks.",
    )


@strawberry.input(description="A new stack.")
class CreateStackInput(CommandInput):
    """A new stack."""

    handle: str = strawberry.field(description="Its short name in addresses; it never changes.")
    title: str = strawberry.field(description="Its title.")
    description: str = strawberry.field(default="", description="What it leads to.")
    block_ids: list[strawberry.ID] = strawberry.field(description="The blocks, 1 to 63, in the order of learning.")
    capstone_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The capstone that comes after all blocks."
    )


@payload(description="The new stack.")
class CreateStackPayload:
    """The new stack."""

    stack: Stack | None = entity(description="The new stack.")


async def _create(tx: Tx, actor: Actor, given: CreateStackInput, _tools: Tools) -> Mapping[str, str]:
    blocks = tuple(
        reference(text, "spec", "specification", "blockIds", number) for number, text in enumerate(given.block_ids)
    )
    capstone = reference(given.capstone_id, "spec", "specification", "capstoneId") if given.capstone_id else None
    made = await service.create(
        tx,
        actor,
        service.CreateStack(
            handle=given.handle,
            title=given.title,
            description=given.description,
            blocks=blocks,
            capstone_id=capstone,
        ),
    )
    return {"stack": public_id("stk", made)}


@strawberry.type
class StackMutations:
    """Root fields."""

    create_stack: CreateStackPayload | None = command(
        CreateStackInput,
        _create,
        permission=Permission.CREATE_STACK,
        lock=Lock.CREATES,
        description="Make a stack of specs.",
    )
