"""No test is about the speed of its machine: what is waited for is waited for as long as it takes."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.ports import free_port

HERE: Final = Path(__file__).parent
ALLOWED: Final = {"tests/edge/test_gates.py", "tests/browser/test_graphiql.py", "tests/reviews/test_calls.py"}
"""Where something is tried again after a short time, or the short time is what is tested."""
SHORT: Final = re.compile(
    r"asyncio\.timeout\([\d._]+\)"
    r"|wait_for\(.*, [\d._]+\)"
    r"|\btimeout=[\d._]+\b"
    r"|\.wait\([\d._]+\)"
    r"|assert .*(?:seconds|took|spent|elapsed|monotonic\(\)|perf_counter\(\)).* <=? [\d._]+"
)


def test_what_is_waited_for_is_waited_for_as_long_as_it_takes() -> None:
    """`WAIT` and `within` of `tests/patience.py` say how long that is: only the campaign judges time."""
    found = [
        f"{path.relative_to(HERE.parent)}:{number}: {line.strip()}"
        for path in sorted(HERE.rglob("*.py"))
        if str(path.relative_to(HERE.parent)) not in ALLOWED
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if SHORT.search(line)
    ]
    assert found == []


OF_HTTPX: Final = {f"httpx.{name}" for name in ("get", "post", "put", "request", "stream", "AsyncClient", "Client")}
"""They wait for five seconds unless they are told how long."""


def test_who_asks_over_the_network_says_how_long_an_answer_may_take() -> None:
    found = [
        f"{path.relative_to(HERE.parent)}:{call.lineno}: {ast.unparse(call)}"
        for path in sorted(HERE.rglob("*.py"))
        if "httpx" in (text := path.read_text(encoding="utf-8"))
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in {"HTTPXAsyncTransport", *OF_HTTPX}
        and not {word.arg for word in call.keywords} & {"timeout", "transport", None}
    ]
    assert found == []


def test_no_drawn_example_is_judged_by_its_time() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_a_port_is_given_once() -> None:
    given = free_port()
    with pytest.raises(OSError, match="no port is free"):
        free_port([given])
