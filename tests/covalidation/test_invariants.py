"""Every invariant of co-validation has tests that stand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from tests.threats.table import exists

INVARIANTS: Final = (*range(1, 9), 16, 17, 18)


def test_every_invariant_names_tests_that_stand() -> None:
    rows = tomllib.loads(Path(__file__).with_name("invariants.toml").read_text(encoding="utf-8"))["invariant"]
    assert sorted(row["number"] for row in rows) == sorted(INVARIANTS)
    assert all(row["says"] and row["tests"] for row in rows)
    assert [test for row in rows for test in row["tests"] if not exists(test)] == []
