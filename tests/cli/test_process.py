"""The life of the serving process: nothing is left behind, and the next start finds everything as it was."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.cli.running import answers, children, get, started, started_anew, still_there, verb
from tests.patience import WAIT
from tests.ports import free_port


@pytest.mark.parametrize(("how", "workers"), [(signal.SIGTERM, "1"), (signal.SIGINT, "1"), (signal.SIGTERM, "2")])
def test_a_stopped_server_leaves_no_process(tmp_path: Path, how: signal.Signals, workers: str) -> None:
    port = free_port()
    arguments = ("serve", "--data", str(tmp_path / "a b"), "--workers", workers)
    with started_anew(*arguments, port=port, errors=tmp_path / "log") as process:
        below = children(process.pid)
        assert len(below) >= 5, "PostgreSQL has several processes"
        process.send_signal(how)
        process.wait(WAIT)
        assert still_there(below) == []
        assert not answers(port)
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert "ready in " in said


@pytest.mark.campaign
def test_workers_share_the_port_and_a_killed_parent_takes_them_along(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("serve", "--data", str(tmp_path / "data"), "--workers", "2")
    with started(*arguments, port=port, errors=tmp_path / "log") as process:
        below = children(process.pid)
        postgres = [pid for pid in below if "postgres" in Path(f"/proc/{pid}/cmdline").read_text()]
        process.kill()
        process.wait(WAIT)
        assert still_there([pid for pid in below if pid not in postgres]) == []
    with started(*arguments, port=port, errors=tmp_path / "log"):
        assert still_there(postgres) == [], "the next start stopped the old PostgreSQL"


@pytest.mark.campaign
def test_a_server_whose_postgresql_dies_says_so_and_ends(tmp_path: Path) -> None:
    port = free_port()
    with started("serve", "--data", str(tmp_path / "data"), port=port, errors=tmp_path / "log") as process:
        pid_file = tmp_path / "data" / "postgres" / "pgdata" / "postmaster.pid"
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        process.wait(WAIT)
        assert process.returncode != 0
    assert "PostgreSQL has ended" in (tmp_path / "log").read_text()
    with started("serve", "--data", str(tmp_path / "data"), port=port, errors=tmp_path / "log"):
        assert answers(port)


@pytest.mark.campaign
def test_two_portals_live_side_by_side(tmp_path: Path) -> None:
    one, two = free_port(), free_port()
    log = tmp_path / "log"
    with (
        started("serve", "--data", str(tmp_path / "one"), port=one, errors=log) as first,
        started("serve", "--data", str(tmp_path / "two"), port=two, errors=log),
    ):
        first.send_signal(signal.SIGTERM)
        first.wait(WAIT)
        assert answers(two)


@pytest.mark.campaign
def test_verbs_beside_a_running_server_use_its_database(tmp_path: Path) -> None:
    port, data = free_port(), str(tmp_path / "data")
    with started("serve", "--data", data, port=port, errors=tmp_path / "log"):
        origin = {"COUNTERSIGN_PUBLIC_ORIGIN": f"http://localhost:{port}"}
        assert verb("migrate", "--data", data, **origin).returncode == 0
        rows = {r["name"]: r for r in json.loads(verb("doctor", "--data", data, "--json", **origin).stdout)}
        assert rows["migrations"]["state"] == "ok"
        refused = verb("reset", "--data", data, "--yes")
        assert (refused.returncode, "is in use" in refused.stderr) == (2, True)
        second = verb("serve", "--data", data, "--port", str(free_port()))
        assert (second.returncode, "is in use by process" in second.stderr) == (2, True)
        assert answers(port)


def test_another_public_origin_is_refused_with_the_remedy(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    assert verb("migrate", "--data", data).returncode == 0
    refused = verb("serve", "--data", data, "--port", str(free_port()), COUNTERSIGN_PUBLIC_ORIGIN="http://other:1")
    assert refused.returncode == 2
    assert "http://localhost:4600" in refused.stderr
    assert "http://other:1" in refused.stderr
    assert verb("migrate", "--data", data).returncode == 0


def test_a_port_in_use_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = verb("serve", "--data", str(tmp_path / "data"), "--port", str(port))
    assert refused.returncode == 2
    assert f"port {port} is in use — try: python3 server serve --port {port + 1}" in refused.stderr
    assert not (tmp_path / "data" / "postgres").exists()


def test_each_request_is_logged_once_with_the_id_that_it_answers(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with started("serve", "--data", str(tmp_path / "data"), port=port, errors=log, COUNTERSIGN_LOG_FORMAT="json"):
        get(port, "/livez?token=ctsk_secret0123456789")
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    (line,) = [line for line in lines if line.get("path") == "/livez"]
    assert (line["status"], len(line["request_id"])) == (200, 32)
    assert "ctsk_secret" not in log.read_text()


def test_production_refuses_to_start_unsafe(tmp_path: Path) -> None:
    refused = verb("serve", "--data", str(tmp_path / "data"), COUNTERSIGN_MODE="production")
    assert refused.returncode == 2
    for name in (
        "COUNTERSIGN_PUBLIC_ORIGIN",
        "COUNTERSIGN_SECRET",
        "COUNTERSIGN_KEY_ENCRYPTION_KEY",
        "COUNTERSIGN_LOG_KEY",
    ):
        assert f"{name} is not set" in refused.stderr
    assert not (tmp_path / "data").exists()
