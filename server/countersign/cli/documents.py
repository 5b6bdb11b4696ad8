"""`documents`: the register of trusted documents."""

from __future__ import annotations

import asyncio
import json as json_text
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from countersign.app import tools_of
from countersign.cli.hosting import BAD_DATA, BAD_USAGE, database, explained, leave_on_sigterm, load, say
from countersign.config import Settings
from countersign.kit import trusted
from countersign.kit.migrate import migrate
from countersign.reads.errors import Unreadable
from countersign.schema import pricing
from countersign.schema.contents import the_schema
from countersign.schema.engine import Engine

TEXTS: Final = (".graphql", ".gql")


class BadFile(Exception):
    """A file that holds no documents, or not those that it says."""


@dataclass(frozen=True, slots=True)
class Given:
    """A document as a file brings it: from where, its text."""

    source: str
    text: str


def run(
    action: str, data: Path | None, *, paths: list[Path] | None = None, ids: list[str] | None = None, json: bool = False
) -> int:
    """Add, list or remove; exit 1 when a document is bad (then none is added) or an id is unknown."""
    leave_on_sigterm()
    with explained(), database(load(data=data), attach=True) as settings:
        match action:
            case "add":
                try:
                    given = [one for path in paths or () for one in read(path)]
                except BadFile as bad:
                    say(str(bad))
                    return BAD_USAGE
                return asyncio.run(_add(settings, given, json=json))
            case "remove":
                return asyncio.run(_remove(settings, ids or []))
            case _:
                return asyncio.run(_list(settings, json=json))


def read(path: Path) -> Iterator[Given]:
    """The documents of a file or folder: `.graphql` files as they are, a manifest's texts by their ids.

    Raises BadFile.
    """
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix in TEXTS)
        if not files:
            raise BadFile(f"{path} has no .graphql files")
        for file in files:
            yield from read(file)
        return
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path} cannot be read: {error}") from None
    if path.suffix != ".json":
        yield Given(str(path), text)
        return
    for identity, document in _manifest(path, text):
        if trusted.read_id(identity) != trusted.digest(document):
            raise BadFile(
                f"{path}: the id {identity[:80]} is not the SHA-256 of its document — make the manifest with SHA-256"
                " (Relay: persistConfig.algorithm; GraphQL Code Generator: persistedDocuments.hashAlgorithm)"
            )
        yield Given(f"{path} {identity}", document)


def _manifest(path: Path, text: str) -> list[tuple[str, str]]:
    """Id and text of each document in a manifest of Relay, GraphQL Code Generator or Apollo."""
    try:
        value: Any = json_text.loads(text)
    except ValueError:
        raise BadFile(f"{path} is not JSON") from None
    if isinstance(value, dict) and isinstance(value.get("operations"), list):
        pairs = [(o.get("id"), o.get("body")) if isinstance(o, dict) else (None, None) for o in value["operations"]]
    elif isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = [(None, None)]
    found = [(i, t) for i, t in pairs if isinstance(i, str) and isinstance(t, str)]
    if not found or len(found) < len(pairs):
        raise BadFile(f"{path} is no manifest: an object from ids to documents, or Apollo's list of operations")
    return found


async def _add(settings: Settings, given: list[Given], *, json: bool) -> int:
    await migrate(settings.dsn)
    async with tools_of(settings) as tools:
        engine = Engine(the_schema(), tools)
        names, bad = [], 0
        for one in given:
            try:
                names.append(_checked(engine, one.text))
            except Unreadable as unreadable:
                bad += 1
                for error in unreadable.errors:
                    say(f"{one.source}: {error['message']}")
        if bad:
            say(f"{bad} of {len(given)} documents cannot run; none was added")
            return BAD_DATA
        async with tools.db.writer() as tx:
            fresh = [await trusted.add(tx, one.text, name) for one, name in zip(given, names, strict=True)]
    rows = [
        {"id": trusted.digest(one.text), "name": name, "added": new}
        for one, name, new in zip(given, names, fresh, strict=True)
    ]
    if json:
        sys.stdout.write(json_text.dumps(rows, ensure_ascii=False) + "\n")
        return 0
    for row in rows:
        sys.stdout.write(f"{row['id']}  {row['name']}{'' if row['added'] else '  (was there)'}\n")
    return 0


def _checked(engine: Engine, text: str) -> str:
    """The names of a document's operations. Raises Unreadable for one that could not run, be it for its price."""
    pricing.require(engine.worst_cost(text))
    document = engine.document(text)
    return ", ".join(sorted(name or "(unnamed)" for name in document.operations))


async def _remove(settings: Settings, ids: list[str]) -> int:
    await migrate(settings.dsn)
    missing = 0
    async with tools_of(settings) as tools, tools.db.writer() as tx:
        for text in ids:
            identity = trusted.read_id(text)
            if identity is None or not await trusted.remove(tx, identity):
                missing += 1
                say(f"no document has the id {text}")
    return BAD_DATA if missing else 0


async def _list(settings: Settings, *, json: bool) -> int:
    await migrate(settings.dsn)
    async with tools_of(settings) as tools, tools.db.reader() as reader:
        rows = await trusted.listed(reader)
    if json:
        shown = [{"id": r.id, "name": r.name, "added_at": r.added_at.isoformat(), "size": r.size} for r in rows]
        sys.stdout.write(json_text.dumps(shown, ensure_ascii=False) + "\n")
        return 0
    for row in rows:
        sys.stdout.write(f"{row.id}  {row.added_at:%Y-%m-%d}  {row.size:6} bytes  {row.name}\n")
    return 0
