"""`export-schema`: the GraphQL schema as text, and what became of it since the last release."""

from __future__ import annotations

import difflib
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from countersign import __version__, config
from countersign.cli.hosting import BAD_DATA, say
from countersign.schema import changes as history
from countersign.schema import federation as subgraph
from countersign.schema.contents import PUBLISHED, export, the_schema


def run(output: Path | None, *, check: bool, federation: bool, changes: bool, release: bool, anew: bool) -> int:
    """Print or write the schema (with `federation` the subgraph's SDL).

    With `check`, compare it with the committed file and show the difference. With `changes`, say what changed since
    the last release, and fail when something breaks clients that is not listed. With `release`, make it the last
    release, once for each version; `anew` lets a version be cut again, for as long as nobody has it.
    """
    schema = the_schema()
    if check:
        return _check(export(schema))
    # Of the code as it is now: what `sdl_of` knows comes from the committed file.
    sdl = subgraph.subgraph(export(schema), subgraph.keys_of(schema._schema))  # noqa: SLF001 - what Strawberry declares
    if release:
        return _release(sdl, anew=anew)
    if changes:
        return _changes(sdl)
    text = sdl if federation else export(schema)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text)
    return 0


def _check(text: str) -> int:
    committed = PUBLISHED.read_text() if PUBLISHED.exists() else ""
    if committed == text:
        return 0
    difference = difflib.unified_diff(committed.splitlines(), text.splitlines(), "schema.graphql", "code", lineterm="")
    sys.stdout.write("\n".join(islice(difference, 60)) + "\n")
    say("schema.graphql is not the code's — run: python3 server export-schema -o schema.graphql")
    return BAD_DATA


def _changes(sdl: str) -> int:
    last = history.last()
    found = history.since(last.sdl, sdl, datetime.now(UTC).date())
    sys.stdout.write(f"since {last.version}, released {last.day}\n")
    for kind, sentences in (("breaking", found.breaking), ("dangerous", found.dangerous)):
        sys.stdout.writelines(f"{kind}: {sentence}\n" for sentence in sentences)
    if unlisted := history.unexplained(found, history.listed()):
        say(f"{len(unlisted)} breaking: deprecate first, or list it in {history.LISTED.relative_to(config.ROOT)}")
        return BAD_DATA
    return 0


def _release(sdl: str, *, anew: bool) -> int:
    today = datetime.now(UTC).date()
    last = history.last()
    unlisted = history.unexplained(history.since(last.sdl, sdl, today), history.listed())
    if objection := history.objection(__version__, last, unlisted, anew=anew):
        say(objection)
        return BAD_DATA
    history.release(__version__, today, sdl)
    sys.stdout.write(f"{__version__} is the last release: {history.RELEASED.relative_to(config.ROOT)}\n")
    return 0
