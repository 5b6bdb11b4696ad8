"""Runs the JavaScript verifiers of `tests/js` on a credential."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from countersign.trust.canonical_contexts import CONTEXTS
from tests import node

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


async def ask(credential: bytes | Mapping[str, Any], documents: Mapping[str, str]) -> Answers:
    """Ask both libraries about one credential, with these documents and the bundled contexts at hand."""
    data = resources.files("countersign.trust").joinpath("data")
    request = {
        "credential": json.loads(credential) if isinstance(credential, bytes) else credential,
        "documents": dict(documents),
        "contexts": {url: str(data.joinpath(name)) for url, (name, _) in CONTEXTS.items()},
    }
    answer = await node.ask(node.install(SOURCES) / "verify.mjs", request)
    return Answers(answer["digitalBazaar"], answer["digitalCredentials"], answer["revoked"])
