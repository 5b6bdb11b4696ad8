"""The walls that import-linter cannot see, each shown to find a planted fault."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from countersign import app
from countersign.kit.placement import table_name
from tests import architecture as looks
from tests.architecture import Source

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "server" / "countersign"
SOURCES = looks.sources(PACKAGE)
TESTS = looks.sources(ROOT / "tests")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYERS = [
    name.strip(" ()")
    for layer in PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    for name in layer.split("|")
]
ROOMS = list(reversed(LAYERS[LAYERS.index("reads") + 1 : LAYERS.index("kit")]))
ORDER = ["kit", *ROOMS]
OWNERS = {table_name(t): t.__module__.split(".")[1] for t in app.declare_tables()}


def tracked_files() -> list[Path]:
    """The files of the repository, without those that git ignores."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    """Our own text files; package data is others' text."""
    kinds = {".py", ".md", ".toml", ".js", ".ts", ".graphql", ".html", ".css", ".lock", ""}
    data = PACKAGE / "data"
    return [
        (path, path.read_text(errors="replace"))
        for path in tracked_files()
        if path.suffix in kinds and data not in path.parents
    ]


def test_every_layer_is_there() -> None:
    assert [name for name in LAYERS if not any((PACKAGE / name).with_suffix(s).exists() for s in ("", ".py"))] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_card(room: str) -> None:
    card = next(s for s in SOURCES if s.path == f"{room}/__init__.py")
    assert looks.missing_card_lines(card.text) == []
    assert list(looks.imported(card)) == [], "a room card imports nothing"


@pytest.mark.parametrize("part", ["edge", "public", "reads", "demo", "bench", "cli"])
def test_every_part_above_the_rooms_has_a_card(part: str) -> None:
    card = PACKAGE / part / "__init__.py"
    assert not card.parent.exists() or looks.missing_card_lines(card.read_text()) == []


def test_a_card_without_a_line_is_found() -> None:
    assert looks.missing_card_lines('"""Room.\n\nOwns: x\nPromises: y\nNever: z\n"""') == ["May call"]


def test_no_file_is_too_long() -> None:
    found = [f for s in SOURCES for f in looks.too_long(s, looks.SOURCE_LINES)]
    found += [f for s in TESTS for f in looks.too_long(s, looks.TEST_LINES)]
    assert found == []


def test_a_file_that_is_too_long_is_found() -> None:
    assert looks.too_long(Source("specs/service.py", "x = 1\n" * 401), 400)


def test_imports_stand_at_the_top() -> None:
    assert [f for s in SOURCES + TESTS for f in looks.deferred_imports(s)] == []


def test_a_deferred_import_is_found() -> None:
    planted = Source(
        "specs/service.py", "async def f():\n    if True:\n        from countersign.awards import service\n"
    )
    assert looks.deferred_imports(planted) == ["specs/service.py:3 imports inside f"]


def test_rules_and_verification_are_pure() -> None:
    pure = [s for s in SOURCES if s.room in ROOMS and looks.PURE_FILE.fullmatch(Path(s.path).name)]
    assert len(pure) > 5
    assert [f for s in pure for f in looks.impurities(s)] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import asyncpg",
        "from countersign.kit.db import Tx",
        "from countersign.trust import service",
        "from countersign.kit import clock",
        "from starlette.requests import Request",
        "import time",
        "from datetime import UTC, datetime\nx = datetime.now(UTC)",
        "from datetime import date\nx = date.today()",
    ],
)
def test_an_impure_rule_is_found(planted: str) -> None:
    assert looks.impurities(Source("specs/rules.py", planted))


def test_tables_are_private_to_their_room() -> None:
    assert [f for s in SOURCES for f in looks.foreign_tables_imported(s)] == []


@pytest.mark.parametrize(
    "planted", ["from countersign.specs import tables", "from countersign.specs.tables import Spec"]
)
def test_a_foreign_table_is_found(planted: str) -> None:
    assert looks.foreign_tables_imported(Source("reviews/service.py", planted))
    assert not looks.foreign_tables_imported(Source("specs/service.py", planted))


def test_sql_writes_its_own_tables_and_reads_downward() -> None:
    assert len(OWNERS) > 10
    # The bench fills databases of its own, set-based, and plays an endpoint that knows no rooms.
    product = [s for s in SOURCES if not s.path.startswith("bench/")]
    assert [f for s in product for f in looks.trespasses(s, OWNERS, ORDER)] == []


@pytest.mark.parametrize(
    ("path", "planted", "finding"),
    [
        ("specs/service.py", "x = 'update organizations set kind = $1'", "writes organizations"),
        ("specs/service.py", "x = f'insert into  skills ({a}) values ($1)'", "writes skills"),
        ("trust/service.py", "x = 'select 1 from organizations o join skills s on true'", "reads skills"),
        ("trust/views.py", "V = View(tag='x', source='skills {t}')", "reads skills"),
        ("edge/tokens.py", "x = 'delete from api_tokens where id = $1'", "writes api_tokens"),
        ("skills/service.py", "x = 'delete from outbox where id = $1'", "writes outbox"),
    ],
)
def test_sql_out_of_its_room_is_found(path: str, planted: str, finding: str) -> None:
    (found,) = looks.trespasses(Source(path, planted), OWNERS, ORDER)
    assert finding in found


def test_sql_of_the_own_room_and_prose_are_not_findings() -> None:
    prose = '"""Update organizations with care: select from specs."""'
    fine = f'{prose}\nx = "insert into skills (id) select id from api_tokens"'
    assert looks.trespasses(Source("skills/service.py", fine), OWNERS, ORDER) == []


def test_nothing_is_left_unfinished() -> None:
    code = [(p, t) for p, t in texts() if p.suffix in {".py", ".js", ".ts"}]
    assert [str(p) for p, t in code if looks.UNFINISHED.search(t) or looks.BARE_IGNORE.search(t)] == []


@pytest.mark.parametrize("planted", ["# TO" + "DO later", "raise NotImplemented" + "Error", "@pytest.mark." + "skip"])
def test_something_unfinished_is_found(planted: str) -> None:
    assert looks.UNFINISHED.search(planted)
    assert looks.BARE_IGNORE.search("x = y  # type: ig" + "nore")
    assert not looks.BARE_IGNORE.search("x = y  # type: ig" + "nore[arg-type]")


def test_the_repository_names_nothing_outside_itself() -> None:
    assert [str(p) for p, t in texts() if looks.OUTSIDE.search(t)] == []


def test_a_path_outside_is_found() -> None:
    assert looks.OUTSIDE.search("Path('../sha" + "red/data')")


def test_locks_hold_hashes_and_no_addresses() -> None:
    locks = [p for p in tracked_files() if p.suffix == ".lock"]
    assert {p.name for p in locks} == {"bootstrap.lock", "node.lock", "requirements.lock"}
    for lock in locks:
        assert not looks.URL.search(lock.read_text()), lock
        assert "--hash=sha256:" in lock.read_text()
    for lock in (p for p in tracked_files() if p.name == "package-lock.json"):
        text = lock.read_text()
        assert '"resolved"' not in text, lock
        assert "://" not in text, f"{lock}: npm writes funding addresses; take them out"
        assert '"integrity"' in text, lock


def test_the_run_and_the_test_lock_agree() -> None:
    def pins(path: Path) -> set[str]:
        return {line.split()[0] for line in path.read_text().splitlines() if line[:1].isalpha()}

    assert pins(ROOT / "server" / "requirements.lock") <= pins(ROOT / "tests" / "requirements.lock")


def test_every_declared_dependency_is_locked() -> None:
    wanted = {"run": PROJECT["project"]["dependencies"], "test": PROJECT["dependency-groups"]["test"]}
    run = (ROOT / "server" / "requirements.lock").read_text()
    test = (ROOT / "tests" / "requirements.lock").read_text()
    for name in wanted["run"]:
        assert f"\n{name.split('[')[0]}==" in f"\n{run}", name
    for name in wanted["test"]:
        assert f"\n{name.split('[')[0]}==" in f"\n{test}", name
