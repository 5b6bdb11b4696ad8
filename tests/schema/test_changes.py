"""The schema against the last release's: nothing breaks clients unless it was announced or decided on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from graphql import build_ast_schema, parse

from countersign import __version__
from countersign.cli import export_schema
from countersign.schema import changes, federation
from countersign.schema.contents import the_schema
from countersign.schema.deprecation import deprecated
from tests.cli.running import verb

SDL = federation.sdl_of(the_schema()._schema)
TODAY = date(2026, 11, 22)


def now() -> changes.Changes:
    """What changed since the last release."""
    return changes.since(changes.last().sdl, SDL, datetime.now(UTC).date())


def test_nothing_breaks_clients_of_the_last_release_unless_it_is_listed() -> None:
    assert changes.unexplained(now(), changes.listed()) == []


def test_what_is_listed_did_happen() -> None:
    assert changes.stale(now(), changes.listed()) == []
    assert all(changes.last().day <= entry.on <= datetime.now(UTC).date() for entry in changes.listed())


def test_the_last_release_is_a_schema_with_a_version_and_a_day() -> None:
    last = changes.last()
    assert last.version <= __version__
    assert last.day <= datetime.now(UTC).date()
    assert build_ast_schema(parse(last.sdl), assume_valid=True, assume_valid_sdl=True).query_type is not None


def test_no_change_is_none() -> None:
    assert changes.since(SDL, SDL, TODAY) == changes.Changes([], [])


# A small schema of our shape, so that each planted change is told in a blink.
SMALL = """
extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
directive @authorized(scope: String) on FIELD_DEFINITION
directive @seenBy(who: [String!]!) on OBJECT | FIELD_DEFINITION
interface Node { id: ID! }
type Query {
  node(id: ID!, deep: Boolean): Node
  stack(by: StackBy!): Award
  search(first: Int): [Award!]! @authorized(scope: "search:read")
}
input StackBy { id: ID handle: String }
type Award implements Node { id: ID! mode: AwardMode! earnedOn: String! }
type Skill @key(fields: "id") @key(fields: "uri") { id: ID! uri: String! }
enum AwardMode { STUDY PRIOR_LEARNING }
type Draft @seenBy(who: ["members"]) { text: String }
type StaleError { message: String }
type NotFoundError { message: String }
union EndorseError = NotFoundError | StaleError
"""
BREAKING = {
    "Field Award.earnedOn was removed.": ("earnedOn: String!", "gainedOn: String!"),
    "Field Award.mode changed type from AwardMode! to AwardMode.": ("mode: AwardMode!", "mode: AwardMode"),
    "Enum value AwardMode.STUDY was removed.": ("STUDY", "STUDIES"),
    "A required field StackBy.more was added.": ("input StackBy {", "input StackBy { more: Int!"),
    "AwardMode was removed.": ("AwardMode", "Mode"),
    "StaleError was removed from union type EndorseError.": (" | StaleError", ""),
    "Argument Query.node(deep:) was removed.": (", deep: Boolean", ""),
    "A required argument Query.stack(more:) was added.": ("stack(by", "stack(more: Int!, by"),
    "Award no longer implements interface Node.": ("Award implements Node", "Award"),
    "Key uri of Skill was removed.": (' @key(fields: "uri")', ""),
}


@pytest.mark.parametrize("what", BREAKING)
def test_a_planted_breaking_change_is_found(what: str) -> None:
    old, new = BREAKING[what]
    assert old in SMALL
    found = changes.since(SMALL, SMALL.replace(old, new), TODAY)
    assert what in found.breaking
    assert what in changes.unexplained(found, [])
    assert what not in changes.unexplained(found, [changes.Listed(what, TODAY, "On purpose.")])


def test_a_change_of_the_whole_schema_is_found() -> None:
    found = changes.since(SDL, SDL.replace("  earnedOn: Date!\n", "  gainedOn: Date!\n"), TODAY)
    assert "Field Award.earnedOn was removed." in found.breaking


DANGEROUS = {
    "Enum value AwardMode.GIFT was added.": ("STUDY", "STUDY GIFT"),
    "An optional argument Query.stack(more:) was added.": ("stack(", "stack(more: Int, "),
    "Who may use Query.search has changed.": ("search:read", "all:read"),
    "Who sees Draft has changed.": ("members", "everyone"),
}


@pytest.mark.parametrize("what", DANGEROUS)
def test_a_planted_surprise_is_told_and_allowed(what: str) -> None:
    old, new = DANGEROUS[what]
    assert old in SMALL
    found = changes.since(SMALL, SMALL.replace(old, new), TODAY)
    assert found == changes.Changes([], [what])


def test_what_is_added_breaks_nobody() -> None:
    grown = SMALL.replace("earnedOn: String!", "earnedOn: String! more: Int") + "type New { a: Int }"
    assert changes.since(SMALL, grown, TODAY) == changes.Changes([], [])


@pytest.mark.parametrize(("today", "breaks"), [(date(2027, 5, 21), True), (date(2027, 5, 22), False)])
@pytest.mark.parametrize(
    ("place", "marked", "after"),
    [
        ("earnedOn: String!", "earnedOn: String! {}", "gainedOn: String!"),
        ("deep: Boolean", "deep: Boolean {}", "broad: Boolean"),
        ("STUDY", "STUDY {}", "STUDIES"),
    ],
    ids=["field", "argument", "enum value"],
)
def test_what_was_deprecated_may_go_when_its_day_has_come(
    today: date, breaks: bool, place: str, marked: str, after: str
) -> None:
    reason = deprecated("Award.mode", on=TODAY)
    before = SMALL.replace(place, marked.format(f'@deprecated(reason: "{reason}")'))
    assert bool(changes.since(before, SMALL.replace(place, after), today).breaking) is breaks


@pytest.mark.parametrize(
    "entry",
    [
        'what = "x"\nreason = "y"',
        'what = "x"\non = 2026-11-22',
        'what = "x"\non = 2026-11-22\nreason = " "',
        'what = "x"\non = "soon"\nreason = "y"',
        'on = 2026-11-22\nreason = "y"',
    ],
)
def test_a_listed_change_has_a_day_and_a_reason(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "breaking.toml"
    path.write_text(f"[[change]]\n{entry}\n")
    with pytest.raises(ValueError, match="needs what, on"):
        changes.listed(path)
    path.write_text('[[change]]\nwhat = "x"\non = 2026-11-22\nreason = "y"\n')
    assert changes.listed(path) == [changes.Listed("x", TODAY, "y")]


def test_a_listed_change_that_did_not_happen_is_found() -> None:
    assert changes.stale(changes.Changes([], []), [changes.Listed("x", TODAY, "y")]) == ["x"]


def test_a_release_becomes_the_last_and_the_list_empty(tmp_path: Path) -> None:
    released, decided = tmp_path / "released.graphql", tmp_path / "breaking.toml"
    decided.write_text('[[change]]\nwhat = "x"\non = 2026-11-22\nreason = "y"\n')
    changes.release("9.9.9", TODAY, SDL, released, decided)
    assert changes.last(released) == changes.Release("9.9.9", TODAY, SDL)
    assert changes.listed(decided) == []
    released.write_text(SDL)
    with pytest.raises(ValueError, match="first line"):
        changes.last(released)


@pytest.mark.parametrize(
    ("version", "unlisted", "anew", "sentence"),
    [
        ("1.0.0", [], False, "1.0.0 was released on 2026-11-22 — raise countersign.__version__ first"),
        ("1.0.0", ["x"], True, None),
        ("1.1.0", [], False, None),
        ("1.1.0", ["x"], False, "1 breaking: deprecate first, or list it"),
        ("1.1.0", ["x"], True, "1 breaking: deprecate first, or list it"),
    ],
)
def test_a_version_is_released_once_and_breaks_nothing_unlisted(
    version: str, unlisted: list[str], anew: bool, sentence: str | None
) -> None:
    said = changes.objection(version, changes.Release("1.0.0", TODAY, SMALL), unlisted, anew=anew)
    assert (said or "").startswith(sentence or "")
    assert (said is None) == (sentence is None)


def test_the_verb_tells_the_changes() -> None:
    told = verb("export-schema", "--changes")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"since {changes.last().version}, released ")


def test_the_verb_prints_the_subgraph(capsys: pytest.CaptureFixture[str]) -> None:
    assert export_schema.run(None, check=False, federation=True, changes=False, release=False, anew=False) == 0
    assert capsys.readouterr().out == SDL
