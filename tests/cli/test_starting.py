"""SIGTERM while the application starts: it leaves at once, ends what it has begun, and calls that no failure."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from countersign import config
from tests.cli.running import children, still_there
from tests.patience import WAIT

STUCK = """
import asyncio, sys, uvicorn
from contextlib import asynccontextmanager
from pathlib import Path
from starlette.applications import Starlette
from countersign.edge.connections import Connections
from countersign.edge.door import Door
from countersign.edge.draining import Draining
from countersign.edge.gates import Gates

noted = Path(sys.argv[1])

@asynccontextmanager
async def lifespan(_app):
    with Draining(Connections()).on_sigterm():
        noted.write_text("begun")
        try:
            await asyncio.Event().wait()
            yield {}
        finally:
            noted.write_text("ended")

uvicorn.run(Door(Starlette(lifespan=lifespan), Gates()), host="127.0.0.1", port=0, lifespan="on")
"""
UNANSWERED = """
import socket, sys
from pathlib import Path
from countersign import config
from countersign.cli import hosting

if __name__ == "__main__":
    hosting.leave_on_sigterm()
    settings = config.load(data=Path(sys.argv[1]))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        bound.set_inheritable(True)
        sys.exit(hosting.run_application(settings, bound, lambda: None, int(sys.argv[2])))
"""


def begun(script: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """A program of ours, with everything that it says."""
    paths = os.pathsep.join([str(config.ROOT / "server"), str(config.ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, **more}
    command = [sys.executable, str(script), *arguments]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_who_is_told_to_leave_while_the_start_is_stuck_leaves_and_ends_what_has_begun(tmp_path: Path) -> None:
    script, noted = tmp_path / "stuck.py", tmp_path / "noted"
    script.write_text(STUCK)
    process = begun(script, str(noted))
    try:
        until = time.monotonic() + WAIT
        while not (noted.exists() and noted.read_text()):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=WAIT)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, noted.read_text()) == (128 + signal.SIGTERM, "ended")
    assert "Traceback" not in said
    assert "startup complete" not in said


@pytest.mark.campaign
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_whose_database_says_nothing_leaves_when_it_is_told(tmp_path: Path, workers: str) -> None:
    script = tmp_path / "unanswered.py"
    script.write_text(UNANSWERED)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(WAIT)
        dsn = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/none?sslmode=disable"
        process = begun(script, str(tmp_path / "data"), workers, DATABASE_URL=dsn)
        try:
            with silent.accept()[0]:  # the start has come to the database, which gets five seconds
                below = children(process.pid)
                process.send_signal(signal.SIGTERM)
                said, _ = process.communicate(timeout=WAIT)
                assert still_there(below) == []
        finally:
            process.kill()
            process.wait()
    assert "Traceback" not in said
    assert process.returncode == (128 + signal.SIGTERM if workers == "1" else 0)
