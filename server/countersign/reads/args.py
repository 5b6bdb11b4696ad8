"""Arguments as a room's filters see them: what is given is structure, what it says is a bound parameter."""

import enum
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from countersign.kit import access
from countersign.kit.access import Actor, Permission
from countersign.kit.budgets import Charge
from countersign.kit.ids import Sealer, parse_public_id
from countersign.kit.vault import NO_VAULT, Vault
from countersign.reads.errors import BindingMistake
from countersign.reads.sql import render

Getter = Callable[["Call"], object]


def _holding(actor: Actor, permission: Permission) -> object:
    """The organization for which the actor may do something: by authority, not by membership alone."""
    return actor.organization_id if access.allows(actor, permission) else None


def _permissions(actor: Actor) -> object:
    """The names of everything that the policy lets the actor do, whatever it is done to."""
    return [permission.value for permission in Permission if access.allows(actor, permission)]


@dataclass(slots=True)
class Call:
    """One execution of a plan: who asks, with which argument values, at which time; what a command has made."""

    actor: Actor
    sealer: Sealer
    nonce: str
    now: datetime | None = None
    values: list[Mapping[str, Any]] = field(default_factory=list)
    entities: Mapping[str, str] = field(default_factory=dict)
    scopes: dict[object, bytes] = field(default_factory=dict)
    budget: Charge | None = None
    vault: Vault = NO_VAULT


_KNOWN: Mapping[str, tuple[Getter, str]] = {
    "actor_organization": (lambda call: call.actor.organization_id, "uuid"),
    "actor_person": (lambda call: call.actor.person_id, "uuid"),
    "actor_learner": (lambda call: call.actor.learner_id, "bigint"),
    "actor_account": (lambda call: call.actor.account_id, "uuid"),
    "actor_request": (lambda call: call.actor.request_id, "uuid"),
    "actor_permissions": (lambda call: _permissions(call.actor), "text[]"),
    "budget_limit": (lambda call: call.budget.limit if call.budget else None, "int"),
    "budget_remaining": (lambda call: call.budget.remaining if call.budget else None, "int"),
    "budget_reset": (lambda call: call.budget.reset_seconds if call.budget else None, "int"),
    "budget_cost": (lambda call: call.budget.points if call.budget else None, "int"),
}


class Parameters:
    """The bound parameters of one statement, in the order of their numbers."""

    def __init__(self) -> None:
        self.getters: list[Getter] = []
        self._known: dict[object, str] = {}
        self._names = 0

    def bind(self, getter: Getter, type_: str, key: object = None) -> str:
        """`$n::type` for a value; a `key` that was bound before answers the same parameter."""
        if key is not None and key in self._known:
            return self._known[key]
        self.getters.append(getter)
        text = f"${len(self.getters)}::{type_}"
        if key is not None:
            self._known[key] = text
        return text

    def known(self, name: str, detail: str | None = None) -> str | None:
        """The SQL of `{now}`, the actor and the budget placeholders, or None for any other name.

        `{actor_holding:issue_award}` is the organization for which the actor holds that permission, else null.
        """
        if name == "actor_holding":
            permission = Permission(detail)
            return self.bind(lambda call: _holding(call.actor, permission), "uuid", (name, permission))
        if name == "now":
            return self.now()
        if name in _KNOWN:
            getter, type_ = _KNOWN[name]
            return self.bind(getter, type_, name)
        return None

    def now(self) -> str:
        """The present, as the call says or the database."""
        return f"coalesce({self.bind(lambda call: call.now, 'timestamptz', 'now')}, statement_timestamp())"

    def uses(self, name: str) -> bool:
        """Whether the statement binds `{now}` or an actor placeholder."""
        return name in self._known

    def nonce(self) -> str:
        """The request's random text, which marks what Python will fill."""
        return self.bind(lambda call: call.nonce, "text", "nonce")

    def name(self, prefix: str) -> str:
        """A name for an alias or sub-query that is new in this statement."""
        self._names += 1
        return f"{prefix}{self._names}"


def stored(value: Any) -> Any:
    """An argument's value as the database stores it: an enum member is its name in lower case."""
    if isinstance(value, enum.Enum):
        return value.name.lower()
    if isinstance(value, list):
        return [stored(item) for item in value]
    return value


class Args:
    """The arguments of one field, or of one input object in them, addressed by GraphQL names joined with dots."""

    def __init__(
        self, parameters: Parameters, slot: int, values: Mapping[str, Any], base: tuple[str | int, ...] = ()
    ) -> None:
        self._parameters = parameters
        self._slot = slot
        self._values = values
        self._base = base

    def __contains__(self, path: str) -> bool:
        """Whether the argument is given and not null."""
        return _dig(self._values, tuple(path.split("."))) is not None

    def given(self, path: str) -> bool:
        """Whether the argument is given, be it null."""
        *head, last = path.split(".")
        holder = _dig(self._values, tuple(head))
        return isinstance(holder, Mapping) and last in holder

    def choice(self, path: str) -> Any:
        """A Boolean or enum argument as a value, to choose between SQL texts (these are part of the plan's key)."""
        value = _dig(self._values, tuple(path.split(".")))
        if value is not None and not isinstance(value, bool | enum.Enum):
            raise BindingMistake(f"{path}: only Booleans and enums may choose SQL; bind the rest with param()")
        return value

    def items(self, path: str) -> Iterator["Args"]:
        """Each input object of a list argument."""
        keys = tuple(path.split("."))
        for n, value in enumerate(_dig(self._values, keys) or ()):
            yield Args(self._parameters, self._slot, value, (*self._base, *keys, n))

    def param(self, path: str, type_: str = "text") -> str:
        """The argument's value as a bound parameter of an SQL type (`text`, `uuid`, `int`, `date`, `text[]` …)."""
        getter = self.getter(path)
        return self._parameters.bind(lambda call: stored(getter(call)), type_)

    def id(self, path: str, tag: str) -> str:
        """A catalogue object's public id as its uuid; null, which matches nothing, when it is malformed."""
        getter = self.getter(path)
        return self._parameters.bind(lambda call: _uuid(getter(call), tag), "uuid")

    def ids(self, path: str, tag: str) -> str:
        """A list of public ids as uuid[]; malformed ones are left out."""
        getter = self.getter(path)

        def read(call: Call) -> object:
            keys = [_uuid(text, tag) for text in getter(call) or ()]
            return [key for key in keys if key is not None]

        return self._parameters.bind(read, "uuid[]")

    def instant(self, path: str) -> str:
        """The instant that an argument says, or the present when it is not given."""
        return self.param(path, "timestamptz") if path in self else self._parameters.now()

    def custom(self, make: Getter, type_: str) -> str:
        """A parameter computed from the call as a whole; use `getter` for the values it needs."""
        return self._parameters.bind(make, type_)

    def getter(self, path: str) -> Callable[[Call], Any]:
        """A function from a call to this argument's value in that call."""
        slot, keys = self._slot, (*self._base, *path.split("."))
        return lambda call: _dig(call.values[slot], keys)

    def value(self, template_type: str, path: str) -> str:
        """What `{value:…}` means in a filter's template: `id(tag)`, `ids(tag)` or an SQL type."""
        kind, bracket, tag = template_type.partition("(")
        if bracket and kind in {"id", "ids"}:
            return self.id(path, tag.rstrip(")")) if kind == "id" else self.ids(path, tag.rstrip(")"))
        return self.param(path, template_type)


class Predicates:
    """Where a filter puts its conditions; knows the aliases on both sides."""

    def __init__(self, parameters: Parameters, names: Mapping[str, str]) -> None:
        self.names = dict(names)
        self.all: list[str] = []
        self._parameters = parameters

    def where(self, template: str, **values: str) -> None:
        """Add a condition (ANDed): `{child}`, `{parent}`, `{now}`, the actor placeholders, and names given here."""
        self.all.append(self.render(template, **values))

    def render(self, template: str, **values: str) -> str:
        """A template with its names filled."""

        def look_up(name: str, detail: str | None) -> str:
            found = values.get(name) or self.names.get(name) or self._parameters.known(name, detail)
            if found is None:
                raise BindingMistake(f"{{{name}}} in {template!r} is not a name here; known: {sorted(self.names)}")
            return found

        return render(template, look_up)

    def name(self, prefix: str) -> str:
        """A new name for a sub-query or alias."""
        return self._parameters.name(prefix)

    def apply(self, filters: Mapping[str, str], args: Args) -> None:
        """Add the condition of each filter whose argument is given."""
        for path, template in filters.items():
            if path in args:
                self.where(render(template, partial(_value, args, path)))


def _value(args: Args, path: str, name: str, detail: str | None) -> str:
    if name == "value":
        return args.value(detail or "text", path)
    return "{" + name + (f":{detail}" if detail else "") + "}"


def _dig(value: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        if value is None:
            return None
        value = value[key] if isinstance(key, int) else value.get(key)
    return value


def _uuid(text: Any, tag: str) -> object:
    found = parse_public_id(text) if isinstance(text, str) else None
    return found[1] if found is not None and found[0] == tag else None
