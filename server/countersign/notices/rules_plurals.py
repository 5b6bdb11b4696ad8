"""Words that go with a number: the forms of the languages by the rules of the Unicode CLDR, as a format.

A sentence says `{days:день|дня|дней}`: the number with the form that goes with it, in the order one, few, many.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

UNKNOWN: Final = "–"
"""What stands for a fact that is not known: an old notice must stay readable."""


def _english(number: int) -> int:
    return 0 if number == 1 else 1


def _russian(number: int) -> int:
    last, teen = number % 10, 11 <= number % 100 <= 14  # noqa: PLR2004 - CLDR's own figures
    if last == 1 and not teen:
        return 0
    return 1 if 2 <= last <= 4 and not teen else 2  # noqa: PLR2004 - as above


FORMS: Final[Mapping[str, tuple[int, Callable[[int], int]]]] = MappingProxyType(
    {"en": (2, _english), "ru": (3, _russian)}
)
"""By language: how many forms a word has beside whole numbers, and the place of the one that goes with a number.

Of CLDR 46 (cardinal): en one, other; ru one, few, many. Russian's fourth form is for fractions, of which we tell none.
"""


def form(language: str, number: int, forms: Sequence[str]) -> str:
    """The form of a word that goes with a whole number."""
    return forms[FORMS[language][1](abs(number))]


class Wording(string.Formatter):
    """Puts facts into a sentence of one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:  # noqa: ARG002 - string's
        """The fact of this name; a dash when it is not known."""
        return kwargs.get(str(key), UNKNOWN)

    def format_field(self, value: Any, format_spec: str) -> str:
        """A fact in words; with forms the number and the one that goes with it, the last when it is no number."""
        if "|" not in format_spec:
            return str(super().format_field(value, format_spec))
        forms = format_spec.split("|")
        counted = isinstance(value, int)
        return f"{value} {form(self._language, value, forms) if counted else forms[-1]}"
