"""Every threat has a test that stands, and a guard that is missed when it is gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.threats.table import ROOT, Guard, exists, threats

GUARDS = [
    pytest.param(guard, id=f"{threat.number:02}-{n}") for threat in threats() for n, guard in enumerate(threat.guards)
]
PATIENCE = 3_600.0
LEFT_OUT = shutil.ignore_patterns("node_modules", "__pycache__", "dist", ".venv", ".data", ".git", ".hypothesis")


def test_every_row_names_tests_that_stand() -> None:
    missing = [(t.number, test) for t in threats() for test in t.tests if not exists(test)]
    assert not missing
    assert all(t.tests and t.abuse for t in threats())


def test_every_guard_is_a_text_that_stands_once_and_is_watched_by_a_test_of_its_row() -> None:
    wrong = [
        (threat.number, guard.old)
        for threat in threats()
        for guard in threat.guards
        if (ROOT / guard.file).read_text(encoding="utf-8").count(guard.old) != 1
        or guard.old == guard.new
        or guard.test not in threat.tests
    ]
    assert not wrong


def run(place: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run tests of a copy of the repository in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": f"{place / 'server'}{os.pathsep}{place}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-m", "", *tests],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, whose files may be changed."""
    place = tmp_path_factory.mktemp("copy") / "countersign"
    shutil.copytree(ROOT, place, ignore=LEFT_OUT, symlinks=True)
    return place


@pytest.mark.campaign
def test_with_every_guard_in_place_the_watching_tests_pass(copy: Path) -> None:
    watching = sorted({guard.test for threat in threats() for guard in threat.guards})
    done = run(copy, *watching)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.campaign
@pytest.mark.parametrize("guard", GUARDS)
def test_without_the_guard_its_test_fails(guard: Guard, copy: Path) -> None:
    file = copy / guard.file
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(guard.old, guard.new), encoding="utf-8")
    try:
        done = run(copy, guard.test)
    finally:
        file.write_text(text, encoding="utf-8")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout[-3000:]
    failed = guard.test.rpartition("::")[2]
    assert f"FAILED {guard.test.partition('::')[0]}::{failed}" in done.stdout, done.stdout[-3000:]
