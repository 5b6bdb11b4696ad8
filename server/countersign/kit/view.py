"""A view: how one kind of thing is read. The only description of its columns, its key and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from countersign.kit.sight import Sight, predicate

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class View:
    """One kind of thing as rows.

    `source` is a FROM item with the alias `{t}` (and `{parent}` where it is lateral); `columns` maps a field's
    snake-case name to SQL over `{t}` (a name that is missing means `{t}.<name>`); `seen` are the ways of
    being allowed to see a row (`kit/sight`): nobody sees a view that names none, and the engine does not start over
    one; `key` is unique among its rows.
    """

    tag: str
    source: str
    columns: Mapping[str, str] = field(default_factory=lambda: _NONE)
    seen: tuple[Sight, ...] = ()
    key: str = "{t}.id"

    @property
    def visible(self) -> str:
        """Whether the row `{t}` is seen by the actor, as SQL over the placeholders of the actor."""
        return predicate(self.seen)

    def column(self, name: str) -> str:
        """The SQL of a column, with `{t}` for the row."""
        return self.columns.get(name, "{t}." + name)
