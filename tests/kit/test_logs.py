"""What a log says of somebody else's text: one line, and nothing that another line could be taken for."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.patience import WAIT
from tests.serving import ROOT

BREAKS = ("\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
TURNS = ("\x00", "\x1b[31m", "\x9b", "\u202e", "\u2066", "\u200f", "\ud800")
FORGED = "2026-11-22T00:00:00Z [error] all is lost"
SAY = """
import json, sys
from countersign.kit import logs
logs.configure(sys.argv[1])
for text in json.loads(sys.argv[2]):
    logs.logger("edge").warning("heard " + text, path="/x" + text, deep=[{"name": text}])
logs.say_request("GET", "/x" + text, 404, 1.0, "r")
try:
    raise ValueError("it failed\\n" + "\\n".join(json.loads(sys.argv[2])))
except ValueError:
    logs.logger("edge").exception("failed", path="/x")
"""


def said(form: str, texts: list[str]) -> str:
    """What a process of its own logs of these texts, in one of the two forms."""
    done = subprocess.run(
        [sys.executable, "-c", SAY, form, json.dumps(texts)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "server"), "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"},
        capture_output=True,
        timeout=WAIT,
        check=True,
    )
    return done.stderr.decode("utf-8")


@pytest.mark.parametrize("form", ["console", "json"])
def test_nobody_forges_a_line_of_the_log(form: str) -> None:
    texts = [f"{mark}{FORGED}" for mark in (*BREAKS, *TURNS)]
    lines = said(form, texts).splitlines()
    assert not [line for line in lines if line.startswith(FORGED)]
    assert not [line for line in lines if any(mark in line for mark in (*BREAKS, *TURNS))]
    assert len([line for line in lines if "heard" in line]) == len(texts)
    if form == "json":
        events = [json.loads(line) for line in lines]
        assert [event["path"] for event in events[: len(texts)]] == [f"/x{text}" for text in texts]
        assert len(events) == len(texts) + 2
    else:
        assert "    ValueError: it failed" in lines  # a traceback keeps its lines, apart from the log's own
