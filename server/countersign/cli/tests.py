"""`test`: the bootstrap runs it, since it brings the test tools first."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from countersign import config
from countersign.cli.hosting import BAD_USAGE, say


def run(arguments: list[str]) -> NoReturn:
    """Hand over to `python3 server test`."""
    bootstrap = config.ROOT / "server" / "__main__.py"
    if not bootstrap.exists():
        say("the tests are in the repository — clone it, then: python3 server test")
        sys.exit(BAD_USAGE)
    base = getattr(sys, "_base_executable", sys.executable)
    os.execv(base, [base, str(bootstrap.parent), "test", *arguments])  # noqa: S606 # our own bootstrap
