"""The first step, with nothing but the standard library: `python3 server demo`, `python3 server test` and others.

Makes `.venv` in the repository from the hashed locks, once, and hands over to it. Later runs touch no network.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 # this very line tells the owner of an older Python so
    _newer = next((n for n in ("python3.13", "python3.12", "python3.11", "python3.14") if shutil.which(n)), None)
    sys.stderr.write(
        "Countersign needs Python 3.11 or newer, this is {}.{} — {}\n".format(
            sys.version_info[0],
            sys.version_info[1],
            "run: {} server {}".format(_newer, " ".join(sys.argv[1:]))
            if _newer
            else "install it: apt-get install python3.11",
        ),
    )
    sys.exit(2)

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "server"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
LOCKS = {"run": SERVER / "requirements.lock", "test": ROOT / "tests" / "requirements.lock"}
PORT = 4600
OFFLINE = re.compile(
    r"name resolution|Failed to establish|error sending request|dns error|Network is unreachable|Connection refused"
    r"|ConnectTimeout|Max retries|client error \(Connect\)|ProxyError|No matching distribution",
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


class Stop(Exception):
    """Something of the environment is missing; the text says what to type."""


def say(text: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"countersign: {text}\n")
    sys.stderr.flush()


def command_line(arguments: list[str]) -> str:
    """The command as it was typed, for remedies."""
    return shlex.join(["python3", "server", *arguments])


def option(arguments: list[str], name: str, otherwise: str) -> str:
    """The value of `--name VALUE` or `--name=VALUE`."""
    for place, argument in enumerate(arguments):
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
        if argument == name and place + 1 < len(arguments):
            return arguments[place + 1]
    return otherwise


def without_option(arguments: list[str], name: str) -> list[str]:
    """The arguments less `--name VALUE` or `--name=VALUE`."""
    kept, skip = [], False
    for argument in arguments:
        if not skip and argument != name and not argument.startswith(f"{name}="):
            kept.append(argument)
        skip = argument == name
    return kept


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def check_before(arguments: list[str]) -> None:
    """Refuse what would only fail after a minute of set-up: a port in use, a data directory that cannot be written."""
    given = option(arguments, "--port", os.environ.get("COUNTERSIGN_PORT") or str(PORT))
    if given.isdigit() and 0 < int(given) < 65536 and not is_free(int(given)):  # noqa: PLR2004 # ports are 16 bits
        free = next((p for p in range(int(given) + 1, 65536) if is_free(p)), 0)
        remedy = command_line([*without_option(arguments, "--port"), "--port", str(free)])
        raise Stop(f"port {given} is in use — try: {remedy}")
    data = Path(option(arguments, "--data", os.environ.get("COUNTERSIGN_DATA") or str(ROOT / ".data"))).absolute()
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        remedy = command_line([*without_option(arguments, "--data"), "--data", str(Path.home() / "countersign-data")])
        raise Stop(f"data directory {data} is not writable — try: {remedy}")


@contextlib.contextmanager
def alone() -> Iterator[int]:
    """Two first runs at once: the second waits for the first, and for the steps that a killed one has left behind.

    A step of the set-up is given the handle: whoever is killed leaves it at work, and it holds the lock until it ends.
    """
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("waiting for another set-up of this repository")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield handle
    finally:
        os.close(handle)


def run(command: list[str], doing: str, remedy: str, held: int) -> None:
    """Run a step, its output in the log; when it fails, stop with the last lines and what to do."""
    none, env = subprocess.DEVNULL, environment()
    with LOG.open("ab") as log:
        done = subprocess.run(command, check=False, stdin=none, stdout=log, stderr=log, env=env, pass_fds=(held,))  # noqa: S603
    if done.returncode:
        tail = LOG.read_text(errors="replace").splitlines()[-6:]
        if OFFLINE.search("\n".join(tail)):
            raise Stop(f"no network: {doing} needs the package index, once — connect and run again: {remedy}")
        raise Stop(f"{doing} failed (all of it in {LOG}):\n  " + "\n  ".join(tail))


def environment() -> dict[str, str]:
    """The caller's environment; the system's certificates count, as for pip."""
    given = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never", **os.environ}
    if not os.access(Path.home(), os.W_OK):
        given["UV_CACHE_DIR"] = str(VENV / "cache")
    return {**given, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}


def stamp(kind: str) -> str:
    """What the environment was made from: the lock, this Python, and this place (a .pth names it)."""
    digest = hashlib.sha256(LOCKS[kind].read_bytes() + (SERVER / "bootstrap.lock").read_bytes())
    digest.update(f"{sys.version_info[:2]} {sys.base_prefix} {ROOT}".encode())
    return digest.hexdigest()


def is_ready(kind: str) -> bool:
    """Whether `.venv` was made whole from the present lock."""
    file = VENV / f"{kind}.stamp"
    return PYTHON.exists() and file.exists() and file.read_text() == stamp(kind)


def works(command: list[str], held: int) -> bool:
    """Whether a step without an output of interest ends well."""
    return not subprocess.run(command, check=False, capture_output=True, pass_fds=(held,)).returncode  # noqa: S603


def make_venv(remedy: str, held: int) -> None:
    """An empty virtual environment with uv in it."""
    say("making .venv")
    missing = f"this Python cannot make virtual environments — run: apt-get install -y python3-venv && {remedy}"
    if VENV.exists() and any(VENV.iterdir()) and not LOG.exists():
        raise Stop(f"{VENV} was not made by this command — move it away, then: {remedy}")
    try:
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
        LOG.touch()
    except OSError as error:
        raise Stop(f"{ROOT} is not writable ({error.strerror}) — copy the repository to a folder of yours") from error
    if not works([sys.executable, "-m", "venv", "--without-pip", str(VENV)], held):
        shutil.rmtree(VENV)
        raise Stop(missing)
    pip = [sys.executable, "-m", "pip"]
    if not works([*pip, "--version"], held):
        if not works([str(PYTHON), "-m", "ensurepip"], held):
            shutil.rmtree(VENV)
            raise Stop(missing)
        pip = [str(PYTHON), "-m", "pip"]
    else:
        pip += ["--python", str(PYTHON)]
    options = ["install", "--quiet", "--retries", "2", "--only-binary", ":all:", "--require-hashes"]
    run([*pip, *options, "-r", str(SERVER / "bootstrap.lock")], "the set-up", remedy, held)


def prepare(kind: str, remedy: str) -> None:
    """Bring `.venv` to the lock; an interrupted or moved one is made anew."""
    if is_ready(kind):
        return
    with alone() as held:
        if is_ready(kind):
            return
        if not is_ready("run"):
            make_venv(remedy, held)
        for stale in VENV.glob("*.stamp"):
            stale.unlink()
        say(f"installing what {LOCKS[kind].relative_to(ROOT)} names")
        install = [str(VENV / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON), "--no-deps"]
        run(
            [*install, "--only-binary", ":all:", "--require-hashes", "-r", str(LOCKS[kind])], "the set-up", remedy, held
        )
        packages = VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
        (packages / "countersign.pth").write_text(f"{SERVER}\n")
        for whole in ("run", "test") if kind == "test" else ("run",):
            (VENV / f"{whole}.stamp").write_text(stamp(whole))


def install_browser() -> None:
    """Chromium for the tests, where this may be installed without asking: root on Debian."""
    if any(shutil.which(name) for name in CHROMIUM) or not shutil.which("apt-get") or os.geteuid() != 0:
        return
    for step in (
        ["apt-get", "-o", "DPkg::Lock::Timeout=300", "update", "-q"],
        [
            "apt-get",
            "-o",
            "DPkg::Lock::Timeout=300",
            "install",
            "-qy",
            "--no-install-recommends",
            "chromium",
            "fonts-dejavu-core",
        ],
    ):
        say(shlex.join(step))
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        with LOG.open("ab") as log:
            subprocess.run(step, check=False, stdout=log, stderr=log, env=quiet)  # noqa: S603


def pytest_arguments(arguments: list[str]) -> list[str]:
    """Our two options in pytest's terms; the rest is pytest's."""
    if "--no-browser" in arguments:
        os.environ["COUNTERSIGN_NO_BROWSER"] = "1"
    else:
        install_browser()
    rest = [a for a in arguments if a not in {"--campaign", "--no-browser"}]
    if "--campaign" in arguments:
        return ["-m", "campaign or not campaign", *rest]
    # A whole run takes both cores of a small machine; whoever asks for something in particular reads it in order.
    return rest or ["-n", "2"]


def keep_bytecode() -> None:
    """Have what Python compiles kept in `.venv`, also where a machine's habit is to keep nothing.

    A process of ours reads 2,000 modules; to compile them anew takes longer than all else that it does at its start.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "bytecode"))


def main(arguments: list[str]) -> None:
    """Check, prepare, hand over; never returns."""
    verb = next(iter(arguments), "")
    helping = {"--help", "-h"} & set(arguments)
    if verb in {"demo", "serve"} and not helping:
        check_before(arguments)
    testing = verb == "test" and not helping
    prepare("test" if testing else "run", command_line(arguments))
    keep_bytecode()
    # `-P`: whatever lies in the present folder is not imported by accident.
    command = [str(PYTHON), "-P", "-m", "pytest" if testing else "countersign"]
    if testing:
        os.chdir(ROOT)
    command += pytest_arguments(arguments[1:]) if testing else arguments
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Stop as stop:
        say(str(stop))
        sys.exit(2)
    except KeyboardInterrupt:
        say("interrupted; the next run goes on from here")
        sys.exit(130)
