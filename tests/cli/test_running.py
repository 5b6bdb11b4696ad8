"""The tests' own processes: one that nobody waits for any more takes none of the next ones along."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.cli.running import environment, the_zygote, verb
from tests.patience import WAIT


def test_a_verb_whose_asker_has_gone_does_not_end_who_forks() -> None:
    with Path(os.devnull).open("r+b") as nothing:
        streams = [nothing.fileno()] * 3
        left = the_zygote().fork(("--version",), environment(), *streams, session=False)
        left.leave()
    until = time.monotonic() + WAIT
    while Path(f"/proc/{left.pid}").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert verb("--version").returncode == 0
