"""What every type of the API is made with: nodes, pages, commands and their payloads."""

import dataclasses
import enum
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar, Union
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

from countersign.bulk.exporting import Exporter
from countersign.kit.access import Actor, Permission
from countersign.kit.commands import Made
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotFound
from countersign.kit.fetcher import Fetcher
from countersign.kit.ids import Sealer, parse_public_id
from countersign.notices.smtp import Mailer
from countersign.reads.authority import authorized
from countersign.reads.bind import key, page, told
from countersign.reads.bindings import METADATA
from countersign.reads.cost import Cost
from countersign.reads.cursors import Cursor
from countersign.schema.problems import COMMON, UserError
from countersign.schema.scalars import IdempotencyKey
from countersign.trust.signer import Signer

COMMAND_COST: Final = 10
T = TypeVar("T")
I = TypeVar("I", bound="CommandInput")  # noqa: E741 - the input


@strawberry.interface(description="A thing with a life of its own and an id that stays.")
class Node:
    """A thing with a life of its own."""

    id: strawberry.ID = key(description="Its id: opaque, and good for `node(id:)` and wherever an id is asked for.")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = page("hasNextPage", description="Whether more follow after this page.")
    has_previous_page: bool = page("hasPreviousPage", description="Whether there are some before this page.")
    start_cursor: Cursor | None = page("startCursor", description="The place of the first one; null for an empty page.")
    end_cursor: Cursor | None = page("endCursor", description="The place of the last one; null for an empty page.")


@strawberry.type(description="One thing in a page, with its place in the list.")
class Edge(Generic[T]):
    """One thing in a page."""

    cursor: Cursor = page("cursor", description="Its place in the list.")
    node: T = page("node", description="The thing.")


@strawberry.type(description="A page of a list that can grow.")
class Connection(Generic[T]):
    """A page of a list that can grow."""

    nodes: list[T] = page("nodes", description="The things of this page, in the list's order.")
    edges: list[Edge[T]] = page("edges", description="The things of this page, each with its place.")
    page_info: PageInfo = page("pageInfo", description="Where this page stands in the list.")
    total_count: int = page("totalCount", description="How many the whole list holds; counted only when you ask.")


def reference(text: str, tag: str, what: str, *path: str | int) -> UUID:
    """The key in a catalogue object's public id, given at `path` of an input.

    Raises NotFound for a malformed id and one of another kind, the same as for one that leads nowhere.
    """
    found = parse_public_id(text)
    if found is None or found[0] != tag:
        raise NotFound(what=what, path=path)
    return found[1]


@strawberry.input(description="What every change carries.")
class CommandInput:
    """What every change carries."""

    idempotency_key: IdempotencyKey = strawberry.field(
        description="Chosen by you once for this change; repeating the change with it has no second effect."
    )
    client_mutation_id: str | None = strawberry.field(
        default=strawberry.UNSET, description="Anything you like; the payload repeats it."
    )


@strawberry.input(description="What a change carries that replaces or closes what somebody wrote.")
class GuardedInput(CommandInput):
    """What a change carries that replaces or closes what somebody wrote; for `Lock.UNMODIFIED_SINCE`."""

    if_unmodified_since: datetime = strawberry.field(
        description="The `updatedAt` of what you change, exactly as you saw it; "
        "when it has changed since, nothing happens (StaleVersionError)."
    )


class Lock(enum.Enum):
    """What keeps a mutation from overwriting what its sender has not seen."""

    CREATES = "nothing stood there before"
    DIGEST = "the input carries the digest of the text that was seen"
    UNMODIFIED_SINCE = "the input carries the moment of the last change that was seen"
    STATE = "a step of a state machine, checked under the row's lock: done twice or in a race it is refused"


LOCK_FIELDS: Final[Mapping[Lock, tuple[str, type]]] = {
    Lock.DIGEST: ("expected_digest", str),
    Lock.UNMODIFIED_SINCE: ("if_unmodified_since", datetime),
}
"""The required field of the input by which a lock knows what was seen."""


def payload(*, description: str, errors: Sequence[type[UserError]] = ()) -> Callable[[type[T]], type[T]]:
    """Make a class a payload: its `entity(…)` fields, then `errors` (the common ones and these), `clientMutationId`.

    The class is named `<Verb>Payload`; the union of its errors becomes `<Verb>Error`.
    """

    def make(cls: type[T]) -> type[T]:
        verb = cls.__name__.removesuffix("Payload")
        union = strawberry.union(f"{verb}Error", description=f"Why {verb[0].lower()}{verb[1:]} was refused.")
        members: Any = Union[(*COMMON, *errors)]
        cls.__annotations__["errors"] = list[Annotated[members, union]]
        cls.__annotations__["client_mutation_id"] = str | None
        cls.errors = told("errors", description="Why it was refused; empty exactly when it happened.")  # type: ignore[attr-defined]
        cls.client_mutation_id = told("clientMutationId", description="What the input carried.")  # type: ignore[attr-defined]
        return strawberry.type(cls, description=description)

    return make


@dataclass(frozen=True, slots=True)
class Tools:
    """What handlers may need beside their transaction; made once by `app`."""

    db: Database
    sealer: Sealer
    signer: Signer
    fetcher: Fetcher = dataclasses.field(default_factory=Fetcher)
    """What asks the outside world."""
    exporter: Exporter | None = None
    """What walks the lists of exports; the engine brings it."""
    trusted_only: bool = False
    """Whether only registered documents run, those of exports too."""
    mailer: Mailer | None = None
    """What sends letters; None where the operator has set no mail server."""
    mode: str = "dev"
    """`demo`, `dev` or `production`: which tokens are made."""


Handler = Callable[[Tx, Actor, Any, Tools], Awaitable[Mapping[str, str] | Made]]
After = Callable[[Tools, Mapping[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Command:
    """A mutation: who may, what runs, what it cannot overwrite. The handler answers ids by the payload's entities."""

    permission: Permission
    input: type[CommandInput]
    handler: Handler
    after: After | None
    lock: Lock
    because: str
    own: bool = False
    """Whether the payload is read as the learner that the account is once the command has run."""


def command(
    input_type: type[I],
    handler: Callable[[Tx, Actor, I, Tools], Awaitable[Mapping[str, str] | Made]],
    *,
    permission: Permission,
    description: str,
    lock: Lock,
    because: str = "",
    after: After | None = None,
    cost: int = COMMAND_COST,
    own: bool = False,
) -> Any:
    """A mutation's field, annotated `SomePayload | None` (null only when the server failed).

    `input_type` is a strawberry input that extends CommandInput. `handler(tx, actor, input, tools)` runs in the
    transaction of the idempotency key and answers `{payload field: public id}`, or a `Made` with what is shown once
    (`bind.secret`); it refuses by raising a Refusal.
    `after(tools, answered)` is awaited after the commit and before the payload is read, when the change happened now
    (not when it is replayed).

    With `own` the payload is read as the learner that the account is afterwards, whomever it acted for.

    `cost` is its price in points; its payload's entities come on top.

    `lock` says how the mutation keeps from overwriting what its sender has not seen; `Lock.STATE` says `because` of
    what nobody's work can be lost. Raises TypeError for a lock without its field, its reason, or CommandInput.
    """
    _check_lock(input_type, lock, because)
    made = strawberry.field(
        description=description,
        metadata={METADATA: Command(permission, input_type, handler, after, lock, because, own)},
        directives=[authorized(permission), Cost(weight=cost)],
    )
    made.arguments = [
        StrawberryArgument(
            python_name="input",
            graphql_name=None,
            type_annotation=StrawberryAnnotation(input_type),
            description="What to do.",
        )
    ]
    return made


def _check_lock(input_type: type[CommandInput], lock: Lock, because: str) -> None:
    name = input_type.__name__
    if not issubclass(input_type, CommandInput):
        raise TypeError(f"{name} must extend CommandInput, so that it has its idempotencyKey")
    if not isinstance(lock, Lock):
        raise TypeError(f"{name}: say lock=Lock.…, how the change keeps from overwriting what its sender has not seen")
    fields = {f.name: f for f in dataclasses.fields(input_type)}
    for kind, (field, type_) in LOCK_FIELDS.items():
        found = fields.get(field)
        required = found is not None and found.type is type_ and found.default is dataclasses.MISSING
        if (kind is lock) != required or (found is not None and not required):
            raise TypeError(f"{name}: `{field}: {type_.__name__}` must be there, and required, exactly with {kind}")
    if (lock is Lock.STATE) != bool(because.strip()):
        raise TypeError(f"{name}: Lock.STATE, and only it, says `because` of what nobody's work can be lost")
