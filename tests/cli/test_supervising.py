"""Workers that take long to begin are waited for, and leave when they are told to."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

from countersign import config
from countersign.cli import hosting
from tests.cli.running import children, still_there
from tests.patience import WAIT

PARENT = """
import os, socket, sys, uvicorn
from countersign.cli.supervising import Supervisor
from tests.cli.slow_to_read import NOTED, Protocol

async def app(scope, receive, send):
    pass

if __name__ == "__main__":
    os.environ[NOTED] = sys.argv[1]
    given = uvicorn.Config(app, workers=1, http=Protocol, lifespan="off", timeout_worker_healthcheck=1, log_config=None)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        Supervisor(given, sockets=[bound]).run()
"""


def test_a_worker_that_takes_long_to_begin_is_waited_for_and_not_begun_anew(tmp_path: Path) -> None:
    script, noted = tmp_path / "parent.py", tmp_path / "read by"
    script.write_text(PARENT)
    paths = os.pathsep.join([str(config.ROOT / "server"), str(config.ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths}
    parent = subprocess.Popen([sys.executable, str(script), str(noted)], env=environment)
    try:
        until = time.monotonic() + WAIT
        while not noted.exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        parent.send_signal(signal.SIGWINCH)  # a window of another size ends nobody's patience
        time.sleep(2.5)  # more than twice what it may take to answer once it has begun
        below = children(parent.pid)
        parent.send_signal(signal.SIGTERM)
        parent.wait(WAIT)
        assert still_there(below) == []
        assert len(noted.read_text().split()) == 1
    finally:
        parent.kill()
        parent.wait()


def test_a_worker_has_read_its_modules_before_it_takes_a_signal_that_it_would_look_at_later(tmp_path: Path) -> None:
    given = pickle.dumps(hosting.served(config.load(data=tmp_path), 2))
    read = "import pickle, sys; pickle.load(sys.stdin.buffer); print('countersign.app' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(config.ROOT / "server")}
    said = subprocess.check_output([sys.executable, "-P", "-c", read], input=given, env=environment)
    assert said == b"True\n"
