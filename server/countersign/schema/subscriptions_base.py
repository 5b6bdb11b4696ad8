"""What a subscription's field is made with: the topics it listens to, its filters, its event type."""

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument

from countersign.kit.access import Actor, Permission
from countersign.kit.db import Connection
from countersign.kit.ids import parse_public_id
from countersign.kit.outbox import Told as Event
from countersign.reads.authority import authorized
from countersign.reads.bind import arg, told
from countersign.reads.bindings import METADATA, Argument

T = TypeVar("T")
SINCE: Final = "sinceEventId"
KINDS: Final = "kinds"
SPEC: Final = ("spec", "spec", "Of this credential alone.")
VERSION: Final = ("version", "version", "Of this version alone.")
SCHOOL: Final = ("school", "org", "Of this school's credentials alone.")
Facts = Mapping[str, UUID]
"""What an event is about, by name: the event type's entities and what the filters compare."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A subscription's field.

    `kinds` maps topics to the names of the event's kinds; `filters` maps arguments to the fact and the tag of the id
    that they compare; `state` is the member of the event's payload that names the kind instead of the topic; `reader`
    the fact that names the one person who is told, where there is one: nobody else need be looked at.
    """

    kinds: Mapping[str, str]
    filters: Mapping[str, tuple[str, str]]
    requires: Permission | None = None
    state: str | None = None
    reader: str | None = None

    def reaches(self, actor: Actor, happening: "Happening") -> bool:
        """Whether the event may be for this actor; who may see it is asked besides."""
        person = happening.facts.get(self.reader) if self.reader is not None else None
        return person is None or person == actor.person_id

    def kind(self, event: Event) -> str | None:
        """The name of an event's kind; None when the field does not tell of it."""
        named = self.kinds.get(event.topic)
        if named is None or self.state is None:
            return named
        told_state = event.payload.get(self.state)
        return told_state.upper() if isinstance(told_state, str) else named


@dataclass(frozen=True, slots=True)
class Happening:
    """A numbered event with what it is about."""

    event: Event
    facts: Facts

    @property
    def at(self) -> str:
        """When it happened, as the API writes times."""
        written = self.event.at.astimezone(UTC).isoformat(timespec="milliseconds")
        return written.removesuffix("+00:00").removesuffix(".000") + "Z"


@dataclass(frozen=True, slots=True)
class Wish:
    """The arguments of one subscription, as what events are compared with. A fact that is None matches nothing."""

    facts: Mapping[str, UUID | None] = field(default_factory=dict)
    kinds: frozenset[str] | None = None

    def takes(self, stream: Stream, happening: Happening) -> bool:
        """Whether the event is of the stream and passes the filters; nothing about who may see it."""
        kind = stream.kind(happening.event)
        if kind is None or (self.kinds is not None and kind not in self.kinds):
            return False
        return all(value is not None and happening.facts.get(name) == value for name, value in self.facts.items())


def wish(stream: Stream, given: Mapping[str, Any]) -> Wish:
    """The wish in a field's coerced arguments; an id that is malformed or of another kind matches nothing."""
    facts: dict[str, UUID | None] = {}
    for argument, (fact, tag) in stream.filters.items():
        text = given.get(argument)
        if text is not None:
            found = parse_public_id(text)
            facts[fact] = found[1] if found is not None and found[0] == tag else None
    kinds = given.get(KINDS)
    return Wish(facts, None if kinds is None else frozenset(kind.name for kind in kinds))


def stream(
    *,
    description: str,
    topics: Mapping[str, enum.Enum],
    kinds: type[enum.Enum],
    filters: Mapping[str, tuple[str, str, str]],
    default: Sequence[enum.Enum] | None = None,
    state: str | None = None,
    reader: str | None = None,
    requires: Permission | None = None,
) -> Any:
    """A subscription's field, annotated with its event type.

    `filters`: argument → (fact, tag of its ids, description). `default`: the kinds that are told when none are named
    (all of them without it). `state`, `reader`: see `Stream`.
    """
    made: Any = strawberry.field(
        description=description,
        metadata={
            METADATA: Stream(
                {topic: kind.name for topic, kind in topics.items()},
                {name: (fact, tag) for name, (fact, tag, _) in filters.items()},
                requires,
                state,
                reader,
            )
        },
        directives=[authorized(requires)] if requires is not None else [],
    )
    arguments: dict[str, Argument] = {name: arg(strawberry.ID | None, text) for name, (_, _, text) in filters.items()}
    arguments[KINDS] = arg(
        list[kinds] | None,  # type: ignore[valid-type] # read by Strawberry at run time
        "Which kinds of events; all of them without it."
        if default is None
        else f"Which kinds of events; without it {', '.join(kind.name for kind in default)} alone.",
        strawberry.UNSET if default is None else list(default),
    )
    arguments["since_event_id"] = arg(
        strawberry.ID | None,
        "The `eventId` that you saw last: what happened since then comes first, without gaps and without repeats."
        " Events are kept for seven days.",
    )
    made.arguments = [
        StrawberryArgument(
            python_name=name,
            graphql_name=None,
            type_annotation=StrawberryAnnotation(argument.annotation),
            description=argument.description,
            default=argument.default,
        )
        for name, argument in arguments.items()
    ]
    return made


def event(*, kinds: type[enum.Enum], description: str) -> Callable[[type[T]], type[T]]:
    """Make a class an event type: `eventId`, `at`, `kind`, then its `entity(…)` fields, each named after a fact."""

    def make(cls: type[T]) -> type[T]:
        entities = dict(cls.__annotations__)
        cls.__annotations__ = {"event_id": strawberry.ID, "at": datetime, "kind": kinds, **entities}
        cls.event_id = told("eventId", description="Its id; give it as `sinceEventId` to go on after it.")  # type: ignore[attr-defined]
        cls.at = told("at", description="When it happened.")  # type: ignore[attr-defined]
        cls.kind = told("kind", description="What happened.")  # type: ignore[attr-defined]
        return strawberry.type(cls, description=description)

    return make


FactsOf = Mapping[str, str]
"""By the tag of an event's subject: SQL that answers, for the uuids in $1, `subject` and the facts."""


async def with_facts(connection: Connection, sources: FactsOf, events: Sequence[Event]) -> list[Happening]:
    """The events with their facts: one statement for each kind of subject among them."""
    subjects = [parse_public_id(event.subject) for event in events]
    known: dict[tuple[str, UUID], Facts] = {}
    for tag in {found[0] for found in subjects if found is not None} & set(sources):
        keys = [found[1] for found in subjects if found is not None and found[0] == tag]
        for row in await connection.fetch(sources[tag], keys):
            known[tag, row["subject"]] = {
                name: value for name, value in row.items() if name != "subject" and value is not None
            }
    return [
        Happening(event, known.get(found, {}) if found is not None else {})
        for event, found in zip(events, subjects, strict=True)
    ]
