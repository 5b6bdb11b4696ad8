"""What of a version an endorsement is about: the whole specification, or some of its learning outcomes by key. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countersign.kit.errors import Refusal, Refusals

GENRE: Final = "Endorsement scope"
"""The credential's `evidence[].genre` of an outcome in scope: one entry each, named after its key."""


class UnknownOutcome(Refusal):
    """This version has no learning outcome {key!r}; it has {known}."""


class OutcomeTwice(Refusal):
    """The learning outcome {key!r} is named twice."""


class NoOutcome(Refusal):
    """Name at least one learning outcome, or leave them all out to endorse the whole specification."""


@dataclass(frozen=True, slots=True)
class InScope:
    """A learning outcome that the endorser stands behind: its key within the version, and what it says there."""

    key: str
    statement: str

    @property
    def name(self) -> str:
        """How the signed document names it."""
        return f"Scope: {self.key}"


def read(keys: Sequence[str] | None, spec_json: bytes) -> tuple[InScope, ...] | None:
    """The outcomes of these keys in the order of the frozen specification; None for the whole of it.

    Naming all of them is not the whole: assessment, level and workload are then not spoken for. Raises NoOutcome, and
    Refusals of UnknownOutcome and OutcomeTwice, each with its place.
    """
    if keys is None:
        return None
    if not keys:
        raise NoOutcome(path=("outcomeKeys",))
    known: dict[str, str] = {each["id"]: each["statement"] for each in json.loads(spec_json).get("outcomes", ())}
    faults: list[Refusal] = []
    for number, key in enumerate(keys):
        if key not in known:
            faults.append(UnknownOutcome(key=key, known=", ".join(known), path=("outcomeKeys", number)))
        elif key in keys[:number]:
            faults.append(OutcomeTwice(key=key, path=("outcomeKeys", number)))
    if faults:
        raise Refusals(faults)
    return tuple(InScope(key, statement) for key, statement in known.items() if key in keys)
