"""Tables that a spreadsheet opens without running anything: RFC 4180, UTF-8 with byte order mark, no formulas.

Sources: OWASP, CSV Injection; RFC 4180. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

BYTE_ORDER_MARK: Final = "\N{BYTE ORDER MARK}"
LINE_END: Final = "\r\n"

# Quotes and blanks in front do not keep a spreadsheet from reading a formula behind them.
_FORMULA: Final = re.compile(r"[\s\"'\x00-\x1f\N{BYTE ORDER MARK}]*[=+\-@＝＋－＠]|[\t\r\n\"]*[\t\r\n]")
_QUOTED: Final = re.compile(r"[\",\r\n]|^\s|\s$")


def neutral(text: str) -> str:
    """The text, with an apostrophe in front when a spreadsheet would run it.

    That is: it begins, after any quotes and white space, with `= + - @` (also full-width), or with a tab or line end.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def cell(value: Any) -> str:
    """A JSON value as the text of one cell, before quoting: null is empty; numbers, lists and objects are JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return neutral(value)
        case _:  # a number, a list, an object
            return neutral(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def line(cells: Iterable[str]) -> str:
    """One record with its line end; cells are quoted where RFC 4180 or white space asks for it."""
    quoted = (f'"{text.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(text) else text for text in cells)
    return ",".join(quoted) + LINE_END


def flat(value: Mapping[str, Any], columns: Sequence[tuple[str, ...]]) -> list[str]:
    """The cells of one object, by the paths of its columns; a path that leads through null is an empty cell."""
    return [cell(_dig(value, path)) for path in columns]


def header(columns: Sequence[tuple[str, ...]]) -> str:
    """The first line, with the byte order mark: paths joined by dots."""
    return BYTE_ORDER_MARK + line(neutral(".".join(path)) for path in columns)


def _dig(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
