"""SIGTERM: the readiness turns, what was asked is answered, the process goes in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import started
from tests.conftest import ORIGIN
from tests.edge.conftest import KEYS
from tests.edge.leaving import told_to_go
from tests.patience import within
from tests.ports import free_port

SECONDS = 1.5


def leave(dsn: str, folder: Path, *arguments: str, port: int | None = None) -> None:
    """Start a portal, have it asked, tell it to go, and look."""
    port = port or free_port()
    more = {"COUNTERSIGN_DRAIN_SECONDS": str(SECONDS)}
    if dsn:
        more |= {"DATABASE_URL": dsn, "COUNTERSIGN_PUBLIC_ORIGIN": ORIGIN}
    given = (*arguments, "--data", str(folder / "data"))
    with started(*given, port=port, errors=folder / "log", **more, **KEYS) as process:
        seen = told_to_go(process, port)
    assert seen["exit"] in {0, 143, -15}, seen
    assert seen["seconds"] <= within(10), seen
    assert 503 in seen["readiness"], seen
    assert seen["readiness turned after"] <= within(SECONDS + 0.7), "a parent passes the signal on within half a second"
    assert seen["statuses"] == {200}, seen
    # What is asked after we have stopped listening may find nobody; what was asked before is answered.
    assert all(moment > SECONDS for moment in seen["dropped"]), seen
    assert "Traceback" not in (folder / "log").read_text()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_portal_that_is_told_to_go_answers_what_was_asked(own_database: str, tmp_path: Path, workers: str) -> None:
    leave(own_database, tmp_path, "serve", "--workers", workers)


@pytest.mark.campaign
@pytest.mark.parametrize("arguments", [("serve", "--workers", "1"), ("serve", "--workers", "2")], ids=str)
def test_twenty_times_told_to_go(own_database: str, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    for _ in range(20):
        leave(own_database, tmp_path, *arguments)


@pytest.mark.campaign
def test_a_demo_that_is_told_to_go(tmp_path: Path) -> None:
    port = free_port()  # the data are made for it
    for _ in range(3):
        leave("", tmp_path, "demo", "--learners", "60", "--seed", "3", "--no-ui", "--json", port=port)
