"""A view: how one kind of thing is read. The only description of its columns, its key and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})

ACTOR_PLACEHOLDERS = ("actor_organization", "actor_person", "actor_learner", "actor_registry", "now")


@dataclass(frozen=True, slots=True)
class View:
    """One kind of thing as rows.

    `source` is a FROM item with the alias `{t}` (and `{parent}` where it is lateral); `columns` maps a field's
    snake-case name to SQL over `{t}` (a name that is missing means `{t}.<name>`); `visible` is a predicate over `{t}`
    and the placeholders `{actor_organization}`, `{actor_person}`, `{actor_learner}`, `{now}`; `key` is unique among
    its rows.
    """

    tag: str
    source: str
    columns: Mapping[str, str] = field(default_factory=lambda: _NONE)
    visible: str = "true"
    key: str = "{t}.id"

    def column(self, name: str) -> str:
        """The SQL of a column, with `{t}` for the row."""
        return self.columns.get(name, "{t}." + name)
