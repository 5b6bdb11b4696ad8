"""schemathesis draws requests from the served schema and finds nothing: no failure, and no document that is refused.

A token is used for what it is for, since schemathesis takes a refusal for want of authority as a failure; that is
tested elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.conftest import Market
from tests.serving import ROOT

AWARDS, SEARCH = "Query.awards", "Query.searchCandidates"
PATIENCE = 1_500


def found(market: Market, role: str, folder: Path, *options: str) -> str:
    """What schemathesis says at the end of a run as a role; fails the test unless it found nothing."""
    command = [str(Path(sys.executable).with_name("st")), "run", str(market.demo.said["graphql"])]
    command += ["--header", f"Authorization: Bearer {market.demo.token(role)}", "--seed", "20261122", "--no-color"]
    # NUL is refused in every text (a 400, as it should be); there is no way to say so in a schema.
    command += ["--generation-database", "none", "--generation-allow-x00", "false", *options]
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "tests.fuzz.schemathesis_hooks",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "server")]),
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    said = done.stdout[-6_000:] + done.stderr[-2_000:]
    assert done.returncode == 0, said
    assert "No issues found" in done.stdout, said
    return done.stdout


@pytest.mark.parametrize(
    ("role", "options"),
    [
        ("school", ("--exclude-name", SEARCH, "--max-examples", "3")),
        ("recruiter", ("--include-name", SEARCH, "--max-examples", "20")),
    ],
)
def test_schemathesis_finds_nothing(market: Market, tmp_path: Path, role: str, options: tuple[str, ...]) -> None:
    assert "Selected: 0/" not in found(market, role, tmp_path, *options)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("role", "others"),
    [("school", (SEARCH,)), ("recruiter", (AWARDS,)), ("reviewer", (AWARDS, SEARCH)), ("learner", (AWARDS, SEARCH))],
)
def test_schemathesis_finds_nothing_at_length(
    market: Market, tmp_path: Path, role: str, others: tuple[str, ...]
) -> None:
    left_out = [option for name in others for option in ("--exclude-name", name)]
    found(market, role, tmp_path, "--max-examples", "60", *left_out)
