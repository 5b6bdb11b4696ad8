"""From JSON to `Content` and back. Pure; every problem carries its field path, in the form clients sent it."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from countersign.specs.content import Content, Outcome

DEEPEST: Final = 12
CONTENT: Final = TypeAdapter(Content)

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One field that cannot be taken as it is: where, and a sentence a school understands."""

    path: Path
    message: str

    @property
    def where(self) -> str:
        """`outcomes[0].threshold`; empty for the whole document."""
        return dotted(self.path)


class UnreadableContent(ValueError):
    """The JSON is not a specification's content; `problems` names every field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{problem.where or 'content'} {problem.message}" for problem in self.problems))


def dotted(path: Path) -> str:
    """`("outcomes", 0, "id")` → `outcomes[0].id`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse(value: object) -> Content:
    """Content from a JSON value (a mapping as `json.loads` gives it). Raises `UnreadableContent` with all problems."""
    if not isinstance(value, Mapping):
        raise UnreadableContent([Problem((), "must be an object with the fields of a specification")])
    problems = list(_unprintable(value, ()))
    if problems:
        raise UnreadableContent(problems)
    try:
        content = CONTENT.validate_json(json.dumps(value, default=str, allow_nan=False))
    except ValidationError as refusal:
        raise UnreadableContent([_problem(error) for error in refusal.errors(include_url=False)]) from refusal
    problems = [*_repeated(content), *_dangling(content)]
    if problems:
        raise UnreadableContent(problems)
    return content


def to_json(content: Content) -> dict[str, Any]:
    """JSON form with every key present: decimals and dates as text, `null` for what is not said."""
    document: dict[str, Any] = CONTENT.dump_python(content, mode="json", by_alias=True)
    return document


def _unprintable(value: object, path: Path) -> Iterator[Problem]:
    if len(path) > DEEPEST:
        yield Problem(path, f"is nested deeper than {DEEPEST} levels")
    elif isinstance(value, str):
        yield from _unprintable_text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Problem(path, "is not a finite number")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unprintable_text(str(key), path)
            yield from _unprintable(item, (*path, str(key)))
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            yield from _unprintable(item, (*path, number))


def _unprintable_text(text: str, path: Path) -> Iterator[Problem]:
    if "\x00" in text:
        yield Problem(path, "has a NUL character: remove it")
    elif any("\ud800" <= sign <= "\udfff" for sign in text):
        yield Problem(path, "is not valid Unicode: half of a surrogate pair stands alone")
    elif any(sign < " " and sign not in "\n\r\t" for sign in text):
        yield Problem(path, "has a control character: remove it")


_SENTENCES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "date_type": "must be a date like 2026-11-22",
    "date_parsing": "must be a date like 2026-11-22",
    "date_from_datetime_parsing": "must be a date like 2026-11-22",
    "date_from_datetime_inexact": "must be a date without a time of day",
    "decimal_type": "must be a number written with a dot, like 2.5",
    "decimal_parsing": "is not a number (use a dot: 2.5)",
    "tuple_type": "must be a list",
    "dataclass_type": "must be an object",
    "string_too_short": "is empty: write it or leave it out",
    "too_long": "has more than {max_length} items",
    "string_too_long": "is longer than {max_length} characters",
    "finite_number": "must be a finite number",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "decimal_max_places": "has more than {decimal_places} decimal places",
}
_PATTERNS: Final[Mapping[str, str]] = {
    "language": "must be a language tag like en or pt-BR",
    "languages": "must be a language tag like en or pt-BR",
    "currency": "must be a three-letter currency code like EUR",
    "id": "must be lower-case letters, digits and single hyphens, like ab-testing",
    "requiredLevel": "must be lower-case letters, digits and single hyphens, like ab-testing",
    "uri": "must be an absolute URI",
    "url": "must be an absolute URI",
    "skill": "must be an absolute URI",
    "skills": "must be an absolute URI",
}


def _problem(error: ErrorDetails) -> Problem:
    path = tuple(error["loc"])
    kind = error["type"]
    context = error.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        return Problem(path, _unknown_key(path))
    if kind == "enum":
        return Problem(path, f"is not known; one of {context['expected'].replace(' or ', ', ')}")
    if kind == "string_pattern_mismatch":
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        return Problem(path, _PATTERNS.get(name, "must be one line of text"))
    sentence = _SENTENCES.get(kind)
    return Problem(path, sentence.format(**context) if sentence else error["msg"])


def _unknown_key(path: Path) -> str:
    close = get_close_matches(str(path[-1]), KEYS, n=1)
    return f"is not a field here; did you mean {close[0]}?" if close else "is not a field here"


def _keys(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for name, value in schema.items():
            if name == "properties" and isinstance(value, Mapping):
                yield from value
            yield from _keys(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _keys(item)


KEYS: Final = frozenset(_keys(CONTENT.json_schema(by_alias=True)))


def _repeated(content: Content) -> Iterator[Problem]:
    lists: dict[str, list[str]] = {
        "outcomes": [outcome.id for outcome in content.outcomes],
        "skills": [skill.uri for skill in content.skills],
        "toolchain": [f"{tool.name} {tool.version}" for tool in content.toolchain],
        "languages": list(content.languages),
        "tags": list(content.tags),
    }
    if content.assessment is not None:
        lists["assessment.rubric"] = [criterion.id for criterion in content.assessment.rubric]
        lists["assessment.types"] = list(content.assessment.types)
        # The ids are fragments of the version's address, so a level's must differ from every other one.
        fragments = [criterion.id for criterion in content.assessment.rubric]
        for number, criterion in enumerate(content.assessment.rubric):
            levels = [f"{criterion.id}-{level.id}" for level in criterion.levels]
            for place, fragment in enumerate(levels):
                if fragment in [*fragments, *levels[:place]]:
                    yield Problem(("assessment", "rubric", number, "levels", place, "id"), f"makes {fragment} twice")
            fragments += levels
    for name, values in lists.items():
        for number, value in enumerate(values):
            if value in values[:number]:
                path = tuple(int(part) if part.isdigit() else part for part in name.split("."))
                yield Problem((*path, number), f"repeats {value}")


def _dangling(content: Content) -> Iterator[Problem]:
    primary = [number for number, outcome in enumerate(content.outcomes) if outcome.primary]
    for number in primary[1:]:
        yield Problem(("outcomes", number, "primary"), "is a second primary outcome: exactly one outcome is primary")
    uris = {skill.uri for skill in content.skills}
    for number, outcome in enumerate(content.outcomes):
        yield from _unaligned(number, outcome, uris)
    rubric = content.assessment.rubric if content.assessment else ()
    for number, criterion in enumerate(rubric):
        wanted = criterion.required_level
        if wanted is not None and wanted not in {level.id for level in criterion.levels}:
            yield Problem(
                ("assessment", "rubric", number, "requiredLevel"), f"{wanted} is not the id of one of the levels"
            )
    if not content.level_applicable and content.eqf_level is not None:
        yield Problem(("levelApplicable",), "is false although eqfLevel is given: leave one of them out")


def _unaligned(number: int, outcome: Outcome, uris: set[str]) -> Iterator[Problem]:
    for place, uri in enumerate(outcome.skills):
        if uri not in uris:
            yield Problem(("outcomes", number, "skills", place), f"{uri} is not among the specification's skills")
