"""The scalars of the API: what they look like on the wire, and what is refused at the door."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from countersign.reads.cursors import Cursor

URL = NewType("URL", str)
Markdown = NewType("Markdown", str)
HTML = NewType("HTML", str)
Duration = NewType("Duration", str)
LanguageTag = NewType("LanguageTag", str)
CountryCode = NewType("CountryCode", str)
CurrencyCode = NewType("CurrencyCode", str)
IdempotencyKey = NewType("IdempotencyKey", str)

_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_DURATION: Final = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_HTTP: Final = re.compile(r"https?://[^\s/]+\S*")
_DIGITS: Final = 40


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("A text is expected")
    return value


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if pattern.fullmatch(_text(value)) is None:
            raise ValueError(f"{what} is expected")
        return str(value)

    return parse


def _date_time(value: Any) -> datetime:
    if _DATE_TIME.fullmatch(_text(value)) is None:
        raise ValueError("A date and time with zone is expected, such as 2026-11-22T12:00:00Z")
    return datetime.fromisoformat(value).astimezone(UTC)


def _date(value: Any) -> date:
    if _DATE.fullmatch(_text(value)) is None:
        raise ValueError("A date is expected, such as 2026-11-22")
    return date.fromisoformat(value)


def _decimal(value: Any) -> Decimal:
    try:
        number = Decimal(_text(value))
    except InvalidOperation:
        raise ValueError("A decimal number as text is expected, such as 7.50") from None
    # "1e999999999" is short, and a gigabyte when it is written out.
    if not number.is_finite() or len(value) > _DIGITS or abs(int(number.as_tuple().exponent)) > _DIGITS:
        raise ValueError("A decimal number as text is expected, such as 7.50")
    return number


def _scalar(
    name: str, description: str, parse: Callable[[Any], Any], specified_by: str | None = None
) -> ScalarDefinition:
    # Values leave as the text that SQL made, so that compiler and executor cannot differ.
    return strawberry.scalar(
        name=name,
        description=description,
        parse_value=parse,
        serialize=lambda value: value,
        specified_by_url=specified_by,
    )


RFC3339: Final = "https://www.rfc-editor.org/rfc/rfc3339"
SCALARS: Final[dict[object, ScalarDefinition]] = {
    datetime: _scalar(
        "DateTime",
        "A moment in UTC, to the millisecond: `2026-11-22T12:00:00.125Z`, or `2026-11-22T12:00:00Z`.",
        _date_time,
        RFC3339,
    ),
    date: _scalar("Date", "A calendar day: `2026-11-22`.", _date, RFC3339),
    Decimal: _scalar(
        "Decimal", "An exact decimal number as text: `7.50`.", _decimal, "https://www.w3.org/TR/xmlschema-2/#decimal"
    ),
    URL: _scalar(
        "URL",
        "An absolute http or https address.",
        _matching(_HTTP, "An http or https address"),
        "https://url.spec.whatwg.org/",
    ),
    Markdown: _scalar("Markdown", "A text in CommonMark; no HTML.", _text, "https://spec.commonmark.org/"),
    HTML: _scalar(
        "HTML",
        "A piece of HTML made from Markdown: headings, paragraphs, lists, quotes, code and links to https and mailto; "
        "no attributes but those of links, no pictures, styles or scripts.",
        _text,
        "https://html.spec.whatwg.org/",
    ),
    Duration: _scalar(
        "Duration",
        "A span of time in ISO 8601: `P4W`.",
        _matching(_DURATION, "An ISO 8601 duration"),
        "https://www.rfc-editor.org/rfc/rfc3339#appendix-A",
    ),
    LanguageTag: _scalar(
        "LanguageTag",
        "A language as a BCP 47 tag: `en`, `ru`, `pt-BR`.",
        _matching(_LANGUAGE, "A BCP 47 language tag"),
        "https://www.rfc-editor.org/info/bcp47",
    ),
    CountryCode: _scalar(
        "CountryCode",
        "A country as two capital letters (ISO 3166-1): `DE`.",
        _matching(_COUNTRY, "Two capital letters"),
        "https://www.iso.org/iso-3166-country-codes.html",
    ),
    CurrencyCode: _scalar(
        "CurrencyCode",
        "A currency as three capital letters (ISO 4217): `EUR`.",
        _matching(_CURRENCY, "Three capital letters"),
        "https://www.iso.org/iso-4217-currency-codes.html",
    ),
    IdempotencyKey: _scalar(
        "IdempotencyKey",
        "A text of 1 to 200 characters that you choose once for each change, such as a UUID. "
        "Sending the same change again with the same key has no second effect.",
        _text,
        "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/",
    ),
    Cursor: _scalar(
        "Cursor",
        "A place in one list. Opaque: take it from `pageInfo` or `edges`, use it with the same arguments.",
        _text,
        "https://relay.dev/graphql/connections.htm",
    ),
}
