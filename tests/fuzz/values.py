"""Values of the schema's scalars: good ones, borderline ones, and garbage."""

from __future__ import annotations

import random
import string
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TEXTS = [
    "", " ", "a", "Data", "données", "Ünïcödé", "данные", "数据", "مرحبا", "שלום \u202eabc", "\u200b\u200d\ufeff",
    "👩‍👩‍👧‍👦", "é" * 3, "Z̷͉̈́a̶l̴g̸o", "\t\n\r", "\\", '"', "'", "`", "%", "_", "%%%", "a" * 300, "ß" * 5_000,
    "'; drop table specs; --", '" or 1=1 --', "${7*7}", "{{7*7}}", "<script>alert(1)</script>", "../../etc/passwd",
    "=1+1", "@x", "-1", "null", "undefined", "true", "NaN", "1e309", "\u0001\u001f\u007f", "\ufffe\uffff", "\U0010ffff",
    "\x85\u2028\u2029", "(?:a+)+$", "a&b|c!d:*", "!!!", "&", "a <-> b", "\\u0041", "C++", "C#", ".NET",
]  # fmt: skip
POISON = ["\x00", "a\x00b", "\ud800", "\udfff\ud800", "a\udc00"]
INTEGERS = [0, 1, 2, 3, 5, 10, 50, 99, 100, 101, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53, -(2**53)]
HUGE = [2**53 + 1, 2**64, 10**39, 10**41, 10**400, -(10**300)]
FLOATS = [0.0, -0.0, 0.5, 1.0, 1e-320, 1.7976931348623157e308, -3.25, 1e22]

GOOD: dict[str, list[Any]] = {
    "Boolean": [True, False],
    "Date": ["2026-11-22", "2027-02-28", "2024-02-29", "1970-01-01", "9999-12-31"],
    "DateTime": ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00.123Z", "2026-11-22T12:00:00+05:30"],
    "Decimal": ["0", "1.50", "999999.99", "12.345678901234567890", "-1", "1E+2"],
    "Duration": ["PT3H", "P1D", "P2W", "P1Y2M10DT2H30M", "PT0S"],
    "LanguageTag": ["en", "ru", "de-DE", "zh-Hant-TW", "sr-Latn-RS"],
    "CountryCode": ["DE", "RU", "US", "GB"],
    "CurrencyCode": ["EUR", "USD", "RUB"],
    "URL": ["https://example.org/", "https://xn--e1afmkfd.example/путь?q=1#f"],
    "Markdown": ["# Title\n\ntext", "[a](javascript:alert(1))", "<b>x</b>", "* a\n* b"],
}
ODD: dict[str, list[Any]] = {
    "Date": ["2026-02-30", "0000-01-01", "10000-01-01", "2026-1-1", "22.11.2026", "-2026-01-01", "2026-11-22T0Z"],
    "DateTime": [
        "2026-11-22", "2026-11-22T25:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
        "2026-11-22T12:00:00", "2026-11-22T12:00:60Z", "2026-11-22T12:00:00.123456789123Z",
    ],
    "Decimal": ["", "1,5", "NaN", "Infinity", "-Infinity", "1e999999999", "0x10", "1" * 200, "sNaN", "١٢", "1_000"],
    "Duration": ["P", "PT", "3H", "P-1D", "P1D2", "PT99999999999999999H", "P1.5Y", "P" + "9" * 100 + "D"],
    "LanguageTag": ["", "x", "english", "en_US", "e" * 200, "i-klingon", "en-" + "a-" * 50 + "a"],
    "CountryCode": ["", "D", "DEU", "de", "XX", "ДЕ", "ZZ"],
    "CurrencyCode": ["", "eur", "EURO", "XTS", "€"],
    "URL": [
        "", "x", "http://", "javascript:alert(1)", "https://[::1", "https://user:pass@h/", "https://h:99999999/",
        "file:///etc/passwd", "https://" + "a" * 3_000, "https://exa mple/", "//h", "https://\u202eevil/",
    ],
}  # fmt: skip


@dataclass
class Treasury:
    """What answers have shown: ids by their prefix, cursors, and texts by the field that said them."""

    ids: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=60)))
    cursors: deque[str] = field(default_factory=lambda: deque(maxlen=200))
    texts: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=60)))
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=60))

    def learn(self, value: Any, name: str = "") -> None:
        """Keep what an answer's data hold."""
        if isinstance(value, dict):
            for key, item in value.items():
                self.learn(item, key)
        elif isinstance(value, list):
            for item in value[:20]:
                self.learn(item, name)
        elif isinstance(value, str) and value:
            prefix, underscore, _ = value.partition("_")
            if value.startswith("cur_"):
                self.cursors.append(value)
            elif underscore and prefix.isalpha() and len(value) > 20:
                self.ids[prefix].append(value)
            elif len(value) < 200:
                self.texts[name].append(value)


class Values:
    """Draws a value for a scalar. `chaos` from 0 to 1 says how much of it is not good."""

    def __init__(self, draw: random.Random, treasury: Treasury, chaos: float) -> None:
        self.draw = draw
        self.treasury = treasury
        self.chaos = chaos

    def odd(self) -> bool:
        """Whether the next thing goes wrong."""
        return self.draw.random() < self.chaos

    def scalar(self, type_name: str, field_name: str) -> Any:
        """A JSON value for a scalar."""
        draw = self.draw
        if self.odd():
            return self.garbage() if draw.random() < 0.4 else draw.choice(ODD.get(type_name, TEXTS))
        makers: dict[str, Callable[[], Any]] = {
            "ID": lambda: self.identity(field_name),
            "Cursor": self.cursor,
            "Int": lambda: self.integer(field_name),
            "Float": lambda: draw.choice(FLOATS),
            "IdempotencyKey": self.key,
        }
        if type_name in GOOD:
            return draw.choice(GOOD[type_name])
        return makers.get(type_name, lambda: self.text(field_name))()

    def integer(self, field_name: str) -> int:
        """A small number, as page sizes and counts are; otherwise any that fits."""
        small = field_name in {"first", "last"} or self.draw.random() < 0.7
        return self.draw.randint(1, 4) if small else self.draw.choice(INTEGERS)

    def identity(self, field_name: str = "") -> str:
        """An id: one that was seen (preferably of the kind that the name asks for), altered, or nonsense."""
        draw, ids = self.draw, self.treasury.ids
        chance = draw.random()
        if not ids or chance < 0.05:
            return draw.choice([*TEXTS, "1", "spec_", "node_0", "end_" + "0" * 32, "award_" + "f" * 500])
        near = [prefix for prefix in ids if prefix[:3] in field_name.lower()]
        prefix = draw.choice(near) if near and chance < 0.8 else draw.choice(list(ids))
        known = draw.choice(ids[prefix])
        return self.altered(known) if chance < 0.15 else known

    def cursor(self) -> str:
        """A cursor: one that was seen, altered, or nonsense."""
        known = self.treasury.cursors
        if not known or self.draw.random() < 0.1:
            return self.draw.choice([*TEXTS, "cur_", "cur_AAAA", "cur_" + "A" * 2_000])
        cursor = self.draw.choice(known)
        return self.altered(cursor) if self.draw.random() < 0.2 else cursor

    def key(self) -> str:
        """An idempotency key: mostly new, sometimes used before."""
        if self.treasury.keys and self.draw.random() < 0.15:
            return self.draw.choice(self.treasury.keys)
        fresh = "".join(self.draw.choices(string.ascii_letters + string.digits + "-_", k=24))
        self.treasury.keys.append(fresh)
        return fresh

    def text(self, field_name: str) -> str:
        """A text: one that was seen under this name, or one of the odd ones."""
        seen = self.treasury.texts.get(field_name)
        if seen and self.draw.random() < 0.6:
            return self.draw.choice(seen)
        return self.draw.choice(TEXTS)

    def altered(self, text: str) -> str:
        """A text with one character changed, dropped, doubled or added."""
        if not text:
            return "?"
        place = self.draw.randrange(len(text))
        other = self.draw.choice(["", text[place] * 2, self.draw.choice(string.printable), "é", "\u202e"])
        return text[:place] + other + text[place + 1 :]

    def garbage(self, depth: int = 0) -> Any:
        """Any JSON value."""
        draw = self.draw
        plain = [
            None,
            True,
            False,
            draw.choice(INTEGERS + HUGE),
            draw.choice(FLOATS),
            draw.choice(TEXTS),
            draw.choice(POISON),
        ]
        if depth >= 3 or draw.random() < 0.7:
            return draw.choice(plain)
        if draw.random() < 0.2:
            return self.nested(draw.choice([5, 31, 33, 200]))
        many = range(draw.randrange(4))
        if draw.random() < 0.5:
            return [self.garbage(depth + 1) for _ in many]
        return {draw.choice([*TEXTS[:12], "id", "first"]): self.garbage(depth + 1) for _ in many}

    def nested(self, depth: int) -> Any:
        """A list or an object nested this deep."""
        value: Any = 1
        for _ in range(depth):
            value = [value] if self.draw.random() < 0.5 else {"a": value}
        return value
