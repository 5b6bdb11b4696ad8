"""`export-schema`: the GraphQL schema as text."""

from __future__ import annotations

import difflib
import sys
from itertools import islice
from pathlib import Path

from countersign import config
from countersign.cli.hosting import BAD_DATA, say
from countersign.schema.contents import export, make_schema

COMMITTED = config.ROOT / "schema.graphql"


def run(output: Path | None, *, check: bool) -> int:
    """Print or write the schema; with `check`, compare it with the committed file and show the difference."""
    text = export(make_schema())
    if not check:
        if output is None:
            sys.stdout.write(text)
        else:
            output.write_text(text)
        return 0
    committed = COMMITTED.read_text() if COMMITTED.exists() else ""
    if committed == text:
        return 0
    difference = difflib.unified_diff(committed.splitlines(), text.splitlines(), "schema.graphql", "code", lineterm="")
    sys.stdout.write("\n".join(islice(difference, 60)) + "\n")
    say("schema.graphql is not the code's — run: python3 server export-schema -o schema.graphql")
    return BAD_DATA
