"""Every mutation is safe to repeat, cannot overwrite what was not seen, and says who may: or it cannot be written."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
import strawberry
from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLUnionType, get_named_type

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Tx
from countersign.reads.bind import entity
from countersign.schema.base import CommandInput, GuardedInput, Lock, Tools, command, payload
from countersign.schema.contents import MUTATIONS, export, make_schema, the_schema
from countersign.schema.organizations import Organization
from countersign.schema.problems import StaleVersionError
from countersign.schema.promises import command_of

SCHEMA = the_schema()
CORE = SCHEMA._schema
NAMES = sorted(CORE.mutation_type.fields) if CORE.mutation_type is not None else []
SEEN = {"DIGEST": ("expectedDigest", "String!"), "UNMODIFIED_SINCE": ("ifUnmodifiedSince", "DateTime!")}


@pytest.mark.parametrize("name", NAMES)
def test_a_mutation_keeps_every_promise(name: str) -> None:
    assert CORE.mutation_type is not None
    definition = CORE.mutation_type.fields[name]
    made = command_of(definition)
    assert made is not None
    assert list(definition.args) == ["input"]
    given = get_named_type(definition.args["input"].type)
    assert isinstance(given, GraphQLInputObjectType)
    types = {field: str(f.type) for field, f in given.fields.items()}
    assert (types["idempotencyKey"], types["clientMutationId"]) == ("IdempotencyKey!", "String")
    for lock, (field, type_) in SEEN.items():
        assert types.get(field) == (type_ if made.lock.name == lock else None)
    shown = get_named_type(definition.type)
    assert isinstance(shown, GraphQLObjectType)
    assert {"errors", "clientMutationId"} < set(shown.fields)
    union = get_named_type(shown.fields["errors"].type)
    assert isinstance(union, GraphQLUnionType)
    assert ("StaleVersionError" in {type_.name for type_ in union.types}) is (made.lock.name in SEEN)
    _, _, printed = export(SCHEMA).partition(f"\n  {name}(")
    assert f"): {shown.name} @authorized(" in printed.partition("\n\n")[0]


def test_what_replaces_or_closes_somebodys_text_names_the_moment_that_was_seen() -> None:
    assert CORE.mutation_type is not None
    locks = {name: command_of(field) for name, field in CORE.mutation_type.fields.items()}
    guarded = {name for name, made in locks.items() if made is not None and made.lock is Lock.UNMODIFIED_SINCE}
    assert guarded >= {"editDraft", "submitSpec", "cancelReviewRequest"}


@strawberry.input(description="Bare.")
class Bare:
    """An input without a key."""

    name: str = strawberry.field(description="A name.")


@strawberry.input(description="Keyed.")
class Keyed(CommandInput):
    """An input with a key and nothing of what was seen."""


@strawberry.input(description="Loose.")
class Loose(CommandInput):
    """An input whose moment may be left out."""

    if_unmodified_since: datetime | None = strawberry.field(default=strawberry.UNSET, description="When.")


@payload(description="Done.")
class DonePayload:
    """Done."""

    organization: Organization | None = entity(description="It.")


@payload(description="Guarded.", errors=(StaleVersionError,))
class GuardedPayload:
    """Guarded."""

    organization: Organization | None = entity(description="It.")


@payload(description="Empty.")
class EmptyPayload:
    """Empty."""


@strawberry.type(description="Plain.")
class PlainPayload:
    """Not made by `payload`."""

    organization: Organization | None = entity(description="It.")


async def handle(_tx: Tx, _actor: Actor, _given: Any, _tools: Tools) -> Mapping[str, str]:
    raise AssertionError("never run")


def made(input_type: Any, **given: Any) -> Any:
    """A command of nobody's."""
    return command(input_type, handle, permission=Permission.CREATE_SPEC, description="It.", **given)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda: command(Keyed, handle, permission=Permission.CREATE_SPEC, description="It."), "lock"),  # type: ignore[call-arg]
        (lambda: command(Keyed, handle, lock=Lock.CREATES, description="It."), "permission"),  # type: ignore[call-arg]
        (lambda: made(Bare, lock=Lock.CREATES), "idempotencyKey"),
        (lambda: made(Keyed, lock="creates"), "lock=Lock"),
        (lambda: made(Keyed, lock=Lock.UNMODIFIED_SINCE), "if_unmodified_since: datetime"),
        (lambda: made(Keyed, lock=Lock.DIGEST), "expected_digest: str"),
        (lambda: made(Loose, lock=Lock.UNMODIFIED_SINCE), "required"),
        (lambda: made(Loose, lock=Lock.CREATES), "required"),
        (lambda: made(GuardedInput, lock=Lock.CREATES), "exactly with"),
        (lambda: made(Keyed, lock=Lock.STATE), "because"),
        (lambda: made(Keyed, lock=Lock.CREATES, because="I say so"), "because"),
    ],
)
def test_a_mutation_that_forgets_a_promise_cannot_be_imported(write: Callable[[], Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        write()


@pytest.mark.parametrize(
    ("annotation", "input_type", "lock", "said"),
    [
        (DonePayload | None, GuardedInput, Lock.UNMODIFIED_SINCE, "StaleVersionError"),
        (GuardedPayload | None, Keyed, Lock.CREATES, "StaleVersionError"),
        (EmptyPayload | None, Keyed, Lock.CREATES, "no entity"),
        (PlainPayload | None, Keyed, Lock.CREATES, "@payload"),
        (DonePayload, Keyed, Lock.CREATES, "may be null"),
        (list[DonePayload] | None, Keyed, Lock.CREATES, "may be null"),
    ],
)
def test_a_schema_with_a_payload_that_breaks_a_promise_cannot_be_made(
    annotation: Any, input_type: Any, lock: Lock, said: str
) -> None:
    namespace = {"__annotations__": {"attempt": annotation}, "attempt": made(input_type, lock=lock)}
    attempts = strawberry.type(type("Attempts", (), namespace))
    with pytest.raises(TypeError, match=said):
        make_schema(mutations=(*MUTATIONS, attempts))


def test_a_schema_with_a_mutation_of_its_own_making_cannot_be_made() -> None:
    @strawberry.type
    class Odd:
        """Root fields."""

        attempt: int = strawberry.field(description="It.")

    with pytest.raises(TypeError, match=r"command\(\)"):
        make_schema(mutations=(*MUTATIONS, Odd))
