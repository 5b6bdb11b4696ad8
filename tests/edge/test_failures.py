"""What a client is told of failures that are not its own."""

from __future__ import annotations

import asyncpg
import pytest

from countersign.schema.failures import failed


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (asyncpg.QueryCanceledError("canceling statement due to statement timeout"), "TIMEOUT"),
        (asyncpg.LockNotAvailableError("canceling statement due to lock timeout"), "TIMEOUT"),
        (TimeoutError(), "UNAVAILABLE"),
        (ConnectionRefusedError("no server at 10.0.0.1"), "UNAVAILABLE"),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), "UNAVAILABLE"),
        (KeyError("secret column"), "INTERNAL_SERVER_ERROR"),
    ],
)
def test_a_failure_has_its_code_and_place_and_no_internal_word(error: Exception, code: str) -> None:
    told = failed(error, "request-1", ["endorseSpec"])
    assert told["extensions"]["code"] == code
    assert told["path"] == ["endorseSpec"]
    assert str(error.args[0] if error.args else "no args") not in str(told)
    assert ("retryAfter" in told["extensions"]) is (code == "UNAVAILABLE")
