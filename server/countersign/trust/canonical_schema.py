"""JSON Schema of Open Badges 3.0 and CLR 2.0, by the type of a credential (pure)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft201909Validator, FormatChecker

from countersign.trust.canonical import json_path
from countersign.trust.canonical_contexts import ACHIEVEMENT_SCHEMA, CLR_SCHEMA, ENDORSEMENT_SCHEMA, schema

_NAMED_PROBLEMS = 10
_LONGEST_MESSAGE = 300
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")

_SCHEMA_OF = {
    "EndorsementCredential": ENDORSEMENT_SCHEMA,
    "AchievementCredential": ACHIEVEMENT_SCHEMA,
    "OpenBadgeCredential": ACHIEVEMENT_SCHEMA,
    "ClrCredential": CLR_SCHEMA,
}


@dataclass(frozen=True)
class SchemaProblem:
    """One place at which a document breaks its schema."""

    path: str
    message: str


def parse_date_time(text: object) -> datetime | None:
    """Read an xsd:dateTimeStamp; None without an offset, of another form, or of no day in the calendar."""
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def schema_url_of(document: Mapping[str, Any]) -> str | None:
    """Give the schema that a credential's type asks for, or None for a type that has none here."""
    types = document.get("type")
    named = types if isinstance(types, list) else [types]
    return next((url for name, url in _SCHEMA_OF.items() if name in named), None)


def schema_problems(document: Mapping[str, Any]) -> tuple[SchemaProblem, ...]:
    """At most ten problems of a credential by the schema of its type; KeyError for a type that has none."""
    url = schema_url_of(document)
    if url is None:
        raise KeyError(str(document.get("type")))
    found: list[SchemaProblem] = []
    for error in _validator(url).iter_errors(document):
        found.append(SchemaProblem(json_path(tuple(error.absolute_path)), error.message[:_LONGEST_MESSAGE]))
        if len(found) == _NAMED_PROBLEMS:
            break
    return tuple(found)


@cache
def _validator(url: str) -> Draft201909Validator:
    formats = FormatChecker(formats=())
    formats.checks("date-time")(lambda value: not isinstance(value, str) or parse_date_time(value) is not None)
    return Draft201909Validator(schema(url), format_checker=formats)
