"""Blind review: what names the school is covered in the text that the reviewer reads. Pure: no rows, no clock.

Only what is known to name the school can be covered: its names, its handle, its domains, those of its parents. A school
that describes itself in other words names itself; the request's own message is refused when it does so by name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from countersign.kit.errors import Code, Refusal

COVER: Final = "█"
SHORTEST: Final = 3
"""Names of fewer letters are not covered: they are words of every text."""


class NothingToHide(Refusal):
    """A {state} version stands in the catalogue with its school's name: ask blind before you publish it."""

    code = Code.INVALID_STATE


class NamesTheSchool(Refusal):
    """The message of a blind request names your school ({name}): leave that out, or ask openly."""


class BlindTie(Refusal):
    """A tie between your organization and the school behind this blind request keeps you from reviewing it: decline."""

    code = Code.CONFLICT_OF_INTEREST


def pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """What finds any of the names in a text: whole, in any case, over any white space, in both Unicode forms.

    None when there is nothing to find.
    """
    spelled = {
        form
        for name in names
        if len(name.strip()) >= SHORTEST
        for form in (unicodedata.normalize("NFC", name.strip()), unicodedata.normalize("NFD", name.strip()))
    }
    if not spelled:
        return None
    found = (r"\s+".join(re.escape(word) for word in name.split()) for name in sorted(spelled, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{'|'.join(found)})(?!\w)", re.IGNORECASE)


def covered(value: Any, names: Iterable[str]) -> Any:
    """A JSON value whose texts cover the names, sign for sign: a range of code points means the same in both."""
    found = pattern(names)
    return value if found is None else _covered(value, found)


def _covered(value: Any, found: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return found.sub(lambda match: COVER * len(match[0]), value)
    if isinstance(value, list):
        return [_covered(item, found) for item in value]
    if isinstance(value, dict):
        return {key: _covered(item, found) for key, item in value.items()}
    return value


def check_blind(state: str, *, public: bool, message: str, names: Iterable[str]) -> None:
    """Refuse to ask blind about what everybody can read with its school's name, and a message that names the school."""
    if public:
        raise NothingToHide(state=state, path=("blind",))
    found = pattern(names)
    named = found.search(message) if found is not None else None
    if named is not None:
        raise NamesTheSchool(name=named[0], path=("message",))
