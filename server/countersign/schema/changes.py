"""What changed since the last release, and what of it breaks clients or other subgraphs.

`released.graphql` beside this file is the subgraph SDL of the last release; its first line says which. A breaking
change is allowed when the released schema had announced it (the part was deprecated, and its day has come), or when it
is listed in `breaking.toml`, with the day and the reason.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from graphql import GraphQLSchema, StringValueNode, build_ast_schema, parse
from graphql.language import DirectiveNode, DocumentNode, FieldDefinitionNode, ObjectTypeDefinitionNode, print_ast
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from countersign.schema import deprecation

HERE: Final = Path(__file__).parent
RELEASED: Final = HERE / "released.graphql"
LISTED: Final = HERE / "breaking.toml"
EMPTY: Final = """\
# Breaking changes since the last release, each on purpose: `python3 server export-schema --changes` names them.
# [[change]]
# what = "Field Query.example was removed."
# on = 2026-11-22
# reason = "Why clients lose nothing, or why it could not wait for half a year."
"""
_FIRST: Final = re.compile(r"# Countersign (\S+), released (\d{4}-\d\d-\d\d)\n")
_REMOVED: Final = re.compile(r"(?:Field|Argument|Enum value) (\w+\.\w+(?:\(\w+:\))?) was removed\.")


@dataclass(frozen=True, slots=True)
class Release:
    """A published schema: its version, its day, its subgraph SDL."""

    version: str
    day: date
    sdl: str

    def text(self) -> str:
        """As it is kept."""
        return f"# Countersign {self.version}, released {self.day.isoformat()}\n{self.sdl}"


@dataclass(frozen=True, slots=True)
class Listed:
    """A breaking change that was decided on."""

    what: str
    on: date
    reason: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What a schema did since a release: what breaks somebody, what may surprise somebody."""

    breaking: list[str]
    dangerous: list[str]


def last(path: Path = RELEASED) -> Release:
    """The last release. Raises ValueError when the file does not say which it is."""
    text = path.read_text(encoding="utf-8")
    found = _FIRST.match(text)
    if found is None:
        raise ValueError(f"{path.name}: the first line says version and day")
    return Release(found[1], date.fromisoformat(found[2]), text[found.end() :])


def listed(path: Path = LISTED) -> list[Listed]:
    """The breaking changes that were decided on. Raises ValueError for one without day or reason."""
    return [_listed(path, entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("change", ())]


def since(released: str, now: str, today: date) -> Changes:
    """What changed between two subgraph SDLs, without removals that were announced for a day that has come."""
    before, after = parse(released), parse(now)
    old, new = _schema(before), _schema(after)
    announced = _announced(old)
    breaking = [
        change.description
        for change in find_breaking_changes(old, new)
        if (ends := announced.get(_removed(change.description))) is None or ends > today
    ]
    breaking += _lost_keys(before, after)
    dangerous = [change.description for change in find_dangerous_changes(old, new)]
    return Changes(breaking, [*dangerous, *_other_authority(before, after)])


def unexplained(changes: Changes, decided: list[Listed]) -> list[str]:
    """Breaking changes that nobody has listed."""
    known = {entry.what for entry in decided}
    return [change for change in changes.breaking if change not in known]


def stale(changes: Changes, decided: list[Listed]) -> list[str]:
    """Listed changes that did not happen."""
    return [entry.what for entry in decided if entry.what not in changes.breaking]


def objection(version: str, last_release: Release, unlisted: list[str], *, anew: bool) -> str | None:
    """Why a version cannot be released now, with the remedy; None when it can.

    `anew` is for a version that nobody has yet: it may be cut again, whatever it changes.
    """
    if version == last_release.version:
        if anew:
            return None
        return f"{version} was released on {last_release.day} — raise countersign.__version__ first"
    if unlisted:
        return f"{len(unlisted)} breaking: deprecate first, or list it in {LISTED.name} — run: export-schema --changes"
    return None


def release(version: str, day: date, sdl: str, path: Path = RELEASED, decided: Path = LISTED) -> None:
    """Make this schema the last release, and the list of breaking changes empty."""
    path.write_text(Release(version, day, sdl).text(), encoding="utf-8")
    decided.write_text(EMPTY, encoding="utf-8")


def _listed(path: Path, entry: Mapping[str, Any]) -> Listed:
    what, on, reason = entry.get("what"), entry.get("on"), entry.get("reason")
    if not (isinstance(what, str) and isinstance(on, date) and isinstance(reason, str) and what and reason.strip()):
        raise ValueError(f"{path.name}: {entry} needs what, on (a day) and reason")
    return Listed(what, on, reason)


def _schema(document: DocumentNode) -> GraphQLSchema:
    # Directives of federation are imported by a link, which plain GraphQL does not know.
    return build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)


def _announced(schema: GraphQLSchema) -> dict[str | None, date]:
    """The day from which each deprecated part may go."""
    found: dict[str | None, date] = {}
    for coordinate, part in deprecation.parts(schema):
        said = deprecation.read(part.deprecation_reason) if part.deprecation_reason else None
        if said is not None:
            found[coordinate] = said.until
    return found


def _removed(description: str) -> str | None:
    """The coordinate of a removed part."""
    found = _REMOVED.fullmatch(description)
    return found[1] if found else None


def _lost_keys(before: DocumentNode, after: DocumentNode) -> list[str]:
    """Keys by which other subgraphs could name our things, and no longer can."""
    now = _keys(after)
    return [
        f"Key {key} of {name} was removed."
        for name, keys in _keys(before).items()
        if name in now
        for key in keys
        if key not in now[name]
    ]


def _keys(document: DocumentNode) -> dict[str, list[str]]:
    found = {}
    for definition in document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode):
            found[definition.name.value] = [_argument(d, "fields") for d in _named(definition, "key")]
    return found


def _other_authority(before: DocumentNode, after: DocumentNode) -> list[str]:
    """Fields that ask for another authority than before, types that others see than before."""
    old, new = _authorities(before), _authorities(after)
    found = [f"Who may use {name} has changed." for name in old.keys() & new.keys() if old[name] != new[name]]
    seen, sees = _seen(before), _seen(after)
    return found + [f"Who sees {name} has changed." for name in seen.keys() & sees.keys() if seen[name] != sees[name]]


def _authorities(document: DocumentNode) -> dict[str, list[str]]:
    return {
        f"{definition.name.value}.{field.name.value}": [print_ast(d) for d in _named(field, "authorized")]
        for definition in document.definitions
        if isinstance(definition, ObjectTypeDefinitionNode)
        for field in definition.fields or ()
    }


def _seen(document: DocumentNode) -> dict[str, list[str]]:
    """Who sees the types and fields that say so."""
    types = [d for d in document.definitions if isinstance(d, ObjectTypeDefinitionNode)]
    places: list[tuple[str, ObjectTypeDefinitionNode | FieldDefinitionNode]] = [(t.name.value, t) for t in types]
    places += [(f"{t.name.value}.{f.name.value}", f) for t in types for f in t.fields or ()]
    return {name: [print_ast(d) for d in found] for name, place in places if (found := _named(place, "seenBy"))}


def _named(node: ObjectTypeDefinitionNode | FieldDefinitionNode, name: str) -> list[DirectiveNode]:
    return [directive for directive in node.directives or () if directive.name.value == name]


def _argument(directive: DirectiveNode, name: str) -> str:
    values = [a.value for a in directive.arguments or () if a.name.value == name]
    return values[0].value if values and isinstance(values[0], StringValueNode) else ""
