"""schemathesis draws requests from the served schema and finds nothing: no failure, and no document that is refused.

A token is used for what it is for, since schemathesis takes a refusal for want of authority as a failure; that is
tested elsewhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import graphql
import pytest

from countersign.demo import run
from countersign.kit.access import Scope
from tests.fuzz.conftest import Market
from tests.patience import WAIT
from tests.serving import ROOT

SEARCH = "Query.searchCandidates"
EXPORTED = graphql.build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))
PATIENCE = 20 * WAIT


def found(market: Market, role: str, folder: Path, *options: str) -> str:
    """What schemathesis says at the end of a run as a role; fails the test unless it found nothing."""
    command = [str(Path(sys.executable).with_name("st")), "run", str(market.demo.said["graphql"])]
    command += ["--header", f"Authorization: Bearer {market.demo.token(role)}", "--seed", "20261122", "--no-color"]
    # NUL is refused in every text (a 400, as it should be); there is no way to say so in a schema.
    command += ["--generation-database", "none", "--generation-allow-x00", "false", *options]
    # How fast this machine is at the moment is no finding.
    command += ["--request-timeout", str(WAIT), "--suppress-health-check", "too_slow"]
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


def not_for(market: Market, role: str) -> list[str]:
    """The options that leave out the questions which a role may not ask, by what the schema says of them."""
    viewer = market.demo.ask("{ viewer { roles organization { kind } } }", role=role)["viewer"]
    kind = viewer["organization"]["kind"].lower() if viewer["organization"] else None
    roles = {name.lower() for name in viewer["roles"]}
    scopes = {scope.value for scope in run.GUESTS[role].scopes} if role in run.GUESTS else {Scope.LEARNER_SELF.value}
    assert EXPORTED.query_type is not None
    options = []
    for name, field in EXPORTED.query_type.fields.items():
        for directive in (field.ast_node and field.ast_node.directives) or ():
            if directive.name.value != "authorized":
                continue
            asked = {each.name.value: graphql.value_from_ast_untyped(each.value) for each in directive.arguments}
            wanted = set(asked.get("scope", "").split(" or ")) - {""}
            holds = not wanted or bool(wanted & scopes)
            if not (holds and roles & set(asked["roles"]) and kind in asked["kinds"]):
                options += ["--exclude-name", f"Query.{name}"]
    return options


def test_schemathesis_finds_nothing_as_a_school(market: Market, tmp_path: Path) -> None:
    left_out = not_for(market, "school")
    assert SEARCH in left_out
    assert "Selected: 0/" not in found(market, "school", tmp_path, "--max-examples", "3", *left_out)


def test_schemathesis_finds_nothing_in_the_search(market: Market, tmp_path: Path) -> None:
    said = found(market, "recruiter", tmp_path, "--include-name", SEARCH, "--max-examples", "20")
    assert "Selected: 0/" not in said


@pytest.mark.campaign
@pytest.mark.parametrize("role", ["school", "recruiter", "reviewer", "learner"])
def test_schemathesis_finds_nothing_at_length(market: Market, tmp_path: Path, role: str) -> None:
    found(market, role, tmp_path, "--max-examples", "60", *not_for(market, role))
