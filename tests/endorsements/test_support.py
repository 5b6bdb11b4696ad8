"""End-of-life dates as files: what is read, what is refused with its line, and that importing again changes nothing."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from countersign.endorsements import support, support_files
from countersign.endorsements.support import import_support
from countersign.kit.access import SYSTEM
from countersign.kit.db import Database, Tx
from countersign.kit.errors import NotAllowed
from countersign.kit.importing import BadRows
from tests.factories import Factory

HEADER = "tool,also known as,cycle,released,supported until,source\n"
URL = "https://example.org/support"
GOOD = f"{HEADER}Node.js,Node|NodeJS,24,2025-05-06,2028-04-30,{URL}\nNode.js,Node,25,,,{URL}\n"
SHIPPED = Path(str(files("countersign") / "data" / "support" / "tools.csv"))


def test_csv_and_json_say_the_same() -> None:
    tools = [
        {
            "tool": "Node.js",
            "alsoKnownAs": ["Node", "NodeJS"],
            "source": URL,
            "cycles": [{"cycle": "24", "released": "2025-05-06", "supportedUntil": "2028-04-30"}],
        }
    ]
    (told, _), (same,) = support_files.read(GOOD.encode()), support_files.read(json.dumps(tools).encode())
    assert told == same
    assert (told.tool, told.keys, told.cycle) == ("Node.js", ("nodejs", "node"), "24")
    assert (told.released_on, told.supported_until) == (date(2025, 5, 6), date(2028, 4, 30))


def test_a_cycle_without_a_last_day_has_none_announced() -> None:
    assert support_files.read(GOOD.encode())[1].supported_until is None


@pytest.mark.parametrize(
    ("row", "line", "field"),
    [
        (f"…,,24,,,{URL}", 2, "tool"),
        (f"Node,,latest,,,{URL}", 2, "cycle"),
        (f"Node,,24,,30.04.2028,{URL}", 2, "supported until"),
        (f"Node,,24,2025-13-01,,{URL}", 2, "released"),
        ("Node,,24,,,http://example.org", 2, "source"),
        (f"Node,{'|'.join('abcdefghijklmnopqrstu')},24,,,{URL}", 2, "also known as"),
        (f"Node,,24,,,{URL}\nNODE,,24,,2028-04-30,{URL}", 3, "cycle"),
        (f"Node,JS,24,,,{URL}\nDeno,JS,2,,,{URL}", 3, "tool"),
    ],
)
def test_every_bad_row_is_named_and_nothing_is_taken(row: str, line: int, field: str) -> None:
    with pytest.raises(BadRows) as caught:
        support_files.read((HEADER + row + "\n").encode())
    assert [(p.line, p.field) for p in caught.value.problems] == [(line, field)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"tool\nNode\n",
        b"[",
        b"{}",
        b"[]",
        b'[{"tool": "Node"}]',
        b'[{"tool": 1}]',
        b"\x00[]",
        b"[[]]",
    ],
)
def test_a_file_that_is_none_is_refused_whole(data: bytes) -> None:
    with pytest.raises(BadRows):
        support_files.read(data)


async def test_importing_again_changes_nothing_and_a_new_date_one_row(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "support.csv"
    path.write_text(GOOD, encoding="utf-8")
    looked = await import_support(db, SYSTEM, path, dry_run=True)
    first, second = await import_support(db, SYSTEM, path), await import_support(db, SYSTEM, path)
    assert (looked.created, first.created, second.created, second.unchanged) == (2, 2, 0, 2)
    path.write_text(GOOD.replace("2028-04-30", "2028-05-31"), encoding="utf-8")
    third = await import_support(db, SYSTEM, path)
    assert (third.created, third.updated, third.unchanged) == (0, 1, 1)
    async with db.writer() as tx:
        rows = await tx.fetch("select cycle, supported_until from tool_cycles order by cycle")
        assert [tuple(row) for row in rows] == [("24", date(2028, 5, 31)), ("25", None)]
        digests = await tx.fetch("select sha256 from support_imports order by imported_at, id")
        said = await tx.fetch("select reason from audit_events where action = 'import_support'")
    assert digests[0]["sha256"] == hashlib.sha256(GOOD.encode()).hexdigest()
    assert (len(digests), len(said)) == (2, 2)


async def test_a_bad_file_leaves_everything_as_it_was(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "support.csv"
    path.write_text(GOOD + f"Node.js,Node,26,,soon,{URL}\n", encoding="utf-8")
    report = await import_support(db, SYSTEM, path)
    assert report.refused
    assert "line" in "\n".join(report.lines())
    async with db.writer() as tx:
        assert (
            await tx.fetchval("select (select count(*) from tool_cycles) + (select count(*) from support_imports)") == 0
        )


async def test_only_the_operator_imports_dates(db: Database, make: Factory) -> None:
    async with db.writer() as tx:
        school = await make.school(tx)
    with pytest.raises(NotAllowed):
        await import_support(db, school, SHIPPED)


async def test_the_shipped_dates_are_taken_and_tools_have_their_other_names(tx: Tx) -> None:
    data = SHIPPED.read_bytes()
    entries = support_files.read(data)
    report = await support.store(tx, SYSTEM, entries, source="tools.csv", data=data)
    assert report.created == len(entries) == 24
    same = await support.same_tools(tx, ["Postgres", "node", "LibreOffice Calc", "Figma"])
    assert same == {"postgres": "postgresql", "node": "nodejs", "libreofficecalc": "libreoffice"}
