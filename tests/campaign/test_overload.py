"""Up to four times what it can do: the portal goes on doing what it can, and says no to the rest at once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from countersign.config import ROOT
from tests.cli.running import environment, get, started
from tests.edge.wire import post
from tests.ports import free_port

pytestmark = pytest.mark.campaign

SECONDS = 10.0
VOID = 0.5
TRIES = 3
# As heavy as a search of recruiters (about 15 ms of CPU), so that the generator, which shares the machine, is small
# beside it: at four times the capacity of a tiny request it would take most of two cores for itself.
CATALOGUE = """
query ($more: Int! = 100) {
  newest: listings(first: $more) { ...page }
  again: listings(first: $more) { ...page }
  more: listings(first: $more) { ...page }
  most: listings(first: $more) { ...page }
  credentialSpecs(first: 60) {
    nodes { id slug title currentVersion { semver url coValidated liveEndorsementCount skills { id kind } } }
  }
}
fragment page on ListingConnection {
  totalCount
  nodes { id notice source externalId provider place country title description features }
}
"""


def load(port: int, rate: float, seconds: float = SECONDS) -> dict[str, Any]:
    """What a generator saw, in a process of its own; again when it was late itself."""
    request = post(port, json.dumps({"query": CATALOGUE}).encode())
    command = [sys.executable, "-P", "-m", "tests.campaign.open_loop", str(port), str(rate), str(seconds)]
    paths = {"PYTHONPATH": f"{ROOT / 'server'}:{ROOT}"}
    for _ in range(TRIES):
        ran = subprocess.run(command, input=request, capture_output=True, check=True, env=environment(**paths))
        seen: dict[str, Any] = json.loads(ran.stdout)
        if seen["stall"] <= VOID:
            return seen
        sys.stdout.write(f"void: the generator was late by {seen['stall']} s\n")
    raise AssertionError("the generator had no time on this machine")


def test_overload_is_refused_and_what_is_taken_is_answered(tmp_path: Path) -> None:
    port = free_port()
    plenty = {"COUNTERSIGN_BUDGET_POINTS": "100000000", "COUNTERSIGN_BUDGET_RESTORED": "10000000"}
    arguments = ("demo", "--data", str(tmp_path / "data"), "--learners", "200", "--seed", "3", "--no-ui", "--json")
    with started(*arguments, port=port, errors=tmp_path / "log", **plenty):
        load(port, 0, 3)
        best = load(port, 0)
        sys.stdout.write(f"capacity {best}\n")
        assert set(best["statuses"]) == {"200"}
        for times in (0.5, 1, 2, 4):
            seen = load(port, best["goodput"] * times)
            sys.stdout.write(f"{times} x {seen}\n")
            assert set(seen["statuses"]) - {"hangs"} <= {"200", "429", "503"}
            assert seen["statuses"].get("hangs", 0) == 0
            assert seen["p99"] <= 1_000
            assert seen["bare_refusals"] == 0
            assert seen["refused_p99"] <= 200
            assert seen["goodput"] >= 0.8 * best["goodput"] * min(1, times)
            assert '"ready":true' in get(port, "/readyz")
        after = load(port, best["goodput"] / 2)
        sys.stdout.write(f"after {after}\n")
        assert after["last_late"] <= 5
        assert after["statuses"]["200"] >= 0.95 * SECONDS * best["goodput"] / 2
    assert "Traceback" not in (tmp_path / "log").read_text()
