"""Entering a view: its FROM item, and every condition that holds there."""

from collections.abc import Sequence
from dataclasses import dataclass

from countersign.kit.view import View
from countersign.reads.args import Predicates


@dataclass(frozen=True, slots=True)
class Entry:
    """A view under an alias with its conditions; `source` replaces the view's own FROM item."""

    view: View
    predicates: Predicates
    source: str | None = None

    def rows(self, extra: Sequence[str] = ()) -> str:
        """`from … where …`."""
        conditions = [*self.predicates.all, *extra]
        where = f" where {' and '.join(f'({c})' for c in conditions)}" if conditions else ""
        return f"from {self.render(self.source or self.view.source)}{where}"

    def condition(self) -> str:
        """All conditions as one; for value objects that have no rows of their own."""
        return " and ".join(f"({c})" for c in self.predicates.all) or "true"

    def render(self, template: str) -> str:
        """A template over the entered row; `{key}` is its key."""
        key = self.predicates.render(self.view.key)
        return self.predicates.render(template, key=key)
