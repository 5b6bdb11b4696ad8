"""The first run: what is missing is said in one sentence with the remedy; what was made once is not made again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from countersign import config
from tests.cli.running import get, still_there
from tests.patience import WAIT
from tests.ports import free_port

ROOT = config.ROOT
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
NO_NETWORK = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), "http://127.0.0.1:9")
SETTLED = {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "5", "UV_HTTP_RETRIES": "0"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The repository as it stands, in a folder with a space, with nothing installed."""
    copy = tmp_path / "a clone"
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


def first(clone: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`python3 server …` in a clone, as the shell would."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COUNTERSIGN_", "DATABASE_", "PYTHON"))}
    command = [BASE_PYTHON, "server", *arguments]
    return subprocess.run(
        command, cwd=clone, env={**kept, **more}, capture_output=True, text=True, check=False, timeout=WAIT
    )


def planted(folder: Path, *modules: str) -> str:
    """A PYTHONPATH under which these modules cannot be imported, as on a machine without them."""
    for name in modules:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(f"raise ModuleNotFoundError('No module named {name}')\n")
        (folder / name / "__main__.py").write_text("")
    return str(folder)


@pytest.mark.parametrize("verb", ["demo", "serve"])
def test_a_taken_port_is_said_before_any_set_up(clone: Path, verb: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = first(clone, verb, "--port", str(port))
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"countersign: port {port} is in use — try: python3 server {verb} --port ")
    assert not (clone / ".venv").exists()


def test_a_data_directory_that_cannot_be_written_is_said_before_any_set_up(clone: Path) -> None:
    refused = first(clone, "demo", "--port", str(free_port()), "--data", str(clone / "LICENSE" / "data"))
    assert refused.returncode == 2
    assert "is not writable — try: python3 server demo --port" in refused.stderr
    assert not (clone / ".venv").exists()


def test_no_network_is_said_in_one_sentence(clone: Path) -> None:
    refused = first(clone, "doctor", **NO_NETWORK, **SETTLED)
    assert refused.returncode == 2
    last = refused.stderr.splitlines()[-1]
    assert last.startswith("countersign: no network: the set-up needs the package index, once — connect and run again:")
    assert last.endswith("python3 server doctor")


def test_no_venv_module_is_said_with_the_package_to_install(clone: Path, tmp_path: Path) -> None:
    refused = first(clone, "doctor", PYTHONPATH=planted(tmp_path / "planted", "venv"))
    assert refused.returncode == 2
    assert "run: apt-get install -y python3-venv && python3 server doctor" in refused.stderr
    assert not (clone / ".venv").exists()


def test_neither_pip_nor_ensurepip_is_said_with_the_package_to_install(clone: Path, tmp_path: Path) -> None:
    refused = first(clone, "doctor", PYTHONPATH=planted(tmp_path / "planted", "pip", "ensurepip"))
    assert refused.returncode == 2
    assert "apt-get install -y python3-venv" in refused.stderr
    assert not (clone / ".venv").exists()


def test_what_a_killed_set_up_has_left_at_work_is_waited_for(clone: Path, tmp_path: Path) -> None:
    # A step that goes on when its parent is killed, until it may end.
    paths, begun, ended = planted(tmp_path / "planted", "venv"), tmp_path / "begun", tmp_path / "ended"
    (tmp_path / "planted" / "venv" / "__init__.py").write_text("")
    (tmp_path / "planted" / "venv" / "__main__.py").write_text(
        "import sys, time\nfrom pathlib import Path\n"
        f"Path({str(begun)!r}).touch()\nwhile not Path({str(ended)!r}).exists(): time.sleep(0.02)\nsys.exit(1)\n"
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COUNTERSIGN_", "DATABASE_", "PYTHON"))}
    command = [BASE_PYTHON, "server", "doctor"]

    def start() -> subprocess.Popen[str]:
        given = {**kept, "PYTHONPATH": paths}
        return subprocess.Popen(command, cwd=clone, env=given, stderr=subprocess.PIPE, text=True)

    with start() as killed:
        until = time.monotonic() + WAIT
        while not begun.exists():
            assert time.monotonic() < until
            time.sleep(0.02)
        killed.kill()
    with start() as second:
        try:
            assert second.stderr is not None
            assert second.stderr.readline() == "countersign: waiting for another set-up of this repository\n"
        finally:
            ended.touch()
        assert "making .venv" in second.stderr.read()
    assert second.returncode == 2


def test_an_environment_that_is_not_ours_is_left_alone(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "precious").write_text("mine")
    refused = first(clone, "doctor")
    assert refused.returncode == 2
    assert "was not made by this command — move it away" in refused.stderr
    assert (clone / ".venv" / "precious").read_text() == "mine"


def test_an_older_python_is_told_so(clone: Path) -> None:
    text = (clone / "server" / "__main__.py").read_text()
    assert "sys.version_info < (3, 11)" in text
    (clone / "server" / "__main__.py").write_text(text.replace("< (3, 11)", "< (9, 0)"))
    refused = first(clone, "demo")
    assert refused.returncode == 2
    assert refused.stderr.startswith("Countersign needs Python 3.11 or newer, this is 3.")
    assert not (clone / ".venv").exists()


def test_what_is_compiled_is_kept_in_the_environment_of_the_repository(clone: Path) -> None:
    # An environment that passes for a made one; its interpreter only says with what it was started.
    stub, made = clone / ".venv" / "bin" / "python", clone / ".venv" / "run.stamp"
    stub.parent.mkdir(parents=True)
    stub.write_text('#!/bin/sh\necho "$PYTHONPYCACHEPREFIX;${PYTHONDONTWRITEBYTECODE-unset};$*"\n')
    stub.chmod(0o755)
    of_the_lock = "import runpy; print(runpy.run_path('server/__main__.py')['stamp']('run'), end='')"
    made.write_text(subprocess.check_output([BASE_PYTHON, "-c", of_the_lock], cwd=clone, text=True))
    said = first(clone, "doctor", PYTHONDONTWRITEBYTECODE="1").stdout
    assert said == f"{clone / '.venv' / 'bytecode'};unset;-P -m countersign doctor\n"
    kept = first(clone, "doctor", PYTHONPYCACHEPREFIX="/elsewhere").stdout
    assert kept.startswith("/elsewhere;unset;"), "who chose a place keeps it"


@pytest.mark.campaign
def test_from_nothing_to_a_page_then_again_without_network(clone: Path) -> None:
    verb = ("serve", "--port", str(port := free_port()))
    for network in ({}, NO_NETWORK):
        started = time.monotonic()
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("COUNTERSIGN_", "DATABASE_", "PYTHON"))}
        with (clone / "errors").open("ab") as errors:
            process = subprocess.Popen(
                [BASE_PYTHON, "server", *verb], cwd=clone, env={**kept, **network}, stdout=errors, stderr=errors
            )
        try:
            while True:
                assert process.poll() is None, (clone / "errors").read_text()
                try:
                    assert get(port, "/livez") == "alive\n"
                except OSError:
                    time.sleep(0.05)
                else:
                    break
            spent = time.monotonic() - started
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WAIT)
        assert spent < (60 if not network else 10), f"the page took {spent:.1f} s"
    assert "installing" not in (clone / "errors").read_text().partition("ready in")[2]


@pytest.mark.campaign
@pytest.mark.parametrize("seconds", [0.3, 1.5, 3.0, 5.0])
def test_an_interrupted_first_run_heals(clone: Path, seconds: float) -> None:
    process = subprocess.Popen(
        [BASE_PYTHON, "server", "doctor"], cwd=clone, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    time.sleep(seconds)
    process.kill()
    process.wait()
    done = first(clone, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert '"Python"' in done.stdout
    assert still_there([process.pid]) == []


@pytest.mark.campaign
def test_a_moved_repository_is_set_up_anew(clone: Path) -> None:
    assert first(clone, "doctor").returncode == 0
    moved = clone.rename(clone.parent / "another place")
    done = first(moved, "doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert str(clone) not in done.stdout
