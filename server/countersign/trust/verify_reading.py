"""Read a pasted credential within bounds, and say what is needed to judge it (pure)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from countersign.trust.canonical import canonical_json, json_path
from countersign.trust.documents import CONTEXTS
from countersign.trust.verify_findings import Verdict

LARGEST = 256 * 1024
"""Bytes of UTF-8 that are read at all."""

DEEPEST = 32
MOST_NODES = 2_000
MOST_BLANK_NODES = 200
MOST_CREDENTIALS = 50
REVOCATION_LIST = "1EdTechRevocationList"

Steps = tuple[str | int, ...]


class Unreadable(ValueError):
    """A text that is no credential, or more than is judged; carries the verdict."""

    def __init__(self, verdict: Verdict, check: str, detail: str) -> None:
        super().__init__(detail)
        self.verdict = verdict
        self.check = check


@dataclass(frozen=True, slots=True)
class Found:
    """A credential inside a document: where it stands, and the `id` of the node that carries it as endorsement."""

    steps: Steps
    document: Mapping[str, Any]
    carrier: str | None
    endorses: bool

    @property
    def path(self) -> str:
        """Where it stands, as people read it."""
        return json_path(self.steps)


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be at hand to judge a document: DIDs of issuers, URLs of status lists and of bound resources."""

    issuers: tuple[str, ...]
    status_lists: tuple[str, ...]
    resources: tuple[str, ...]


def read(text: str) -> dict[str, Any]:
    """Parse a pasted text into one JSON object.

    Raises Unreadable: TOO_COMPLEX beyond 256 KB, 32 levels, 2,000 nodes or 50 credentials; SCHEMA_INVALID for what is
    no JSON object or repeats a member.
    """
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise Unreadable(Verdict.TOO_COMPLEX, "size", f"It is larger than {LARGEST // 1024} KB.")
    try:
        value = json.loads(text, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except RecursionError:
        raise Unreadable(Verdict.TOO_COMPLEX, "size", f"It is nested deeper than {DEEPEST} levels.") from None
    except json.JSONDecodeError as error:
        detail = f"It is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        raise Unreadable(Verdict.SCHEMA_INVALID, "syntax", detail) from None
    except ValueError as error:
        raise Unreadable(Verdict.SCHEMA_INVALID, "syntax", str(error)) from None
    if not isinstance(value, dict):
        raise Unreadable(Verdict.SCHEMA_INVALID, "syntax", "It is JSON, and no object.")
    for nodes, depth in enumerate(_depths(value), start=1):
        if depth > DEEPEST or nodes > MOST_NODES:
            detail = f"It has more than {DEEPEST} levels or {MOST_NODES} nodes."
            raise Unreadable(Verdict.TOO_COMPLEX, "size", detail)
    try:
        canonical_json(value)
    except ValueError as error:
        raise Unreadable(Verdict.SCHEMA_INVALID, "syntax", f"It has no canonical form: {error}.") from None
    if sum(1 for _ in credentials(value)) > MOST_CREDENTIALS:
        raise Unreadable(Verdict.TOO_COMPLEX, "size", f"It holds more than {MOST_CREDENTIALS} credentials.")
    return value


def credentials(document: Mapping[str, Any]) -> Iterator[Found]:
    """Give every credential of a document: itself first, then those in `endorsement` and `verifiableCredential`."""
    yield Found((), document, None, endorses=False)
    yield from _embedded(document, ())


def jwt_endorsements(document: Mapping[str, Any]) -> Iterator[str]:
    """Give the paths of `endorsementJwt` members, at any depth."""
    for steps, node in _nodes(document, ()):
        if "endorsementJwt" in node:
            yield json_path((*steps, "endorsementJwt"))


def needs(document: Mapping[str, Any]) -> Needs:
    """Name what must be at hand to judge a document and everything embedded in it."""
    issuers: set[str] = set()
    lists: set[str] = set()
    resources: set[str] = set()
    for found in credentials(document):
        issuer = found.document.get("issuer")
        issuers |= _texts(issuer.get("id") if isinstance(issuer, dict) else issuer)
        lists |= _texts(status_list_of(found.document))
        for resource in as_list(found.document.get("relatedResource")):
            if isinstance(resource, dict):
                resources |= _texts(resource.get("id"))
        achievement = achievement_of(found.document)
        if achievement is not None:
            resources |= _texts(achievement.get("id"))
    return Needs(tuple(sorted(issuers)), tuple(sorted(lists)), tuple(sorted(resources)))


def status_list_of(document: Mapping[str, Any]) -> str | None:
    """The address of the list in which a credential's status is told; None when it names none.

    A bitstring names it as `statusListCredential`, a 1EdTechRevocationList as its own `id`.
    """
    status = document.get("credentialStatus")
    if not isinstance(status, dict):
        return None
    named = status.get("id" if status.get("type") == REVOCATION_LIST else "statusListCredential")
    return named if isinstance(named, str) else None


def achievement_of(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Give the achievement of an award, or None."""
    subject = document.get("credentialSubject")
    achievement = subject.get("achievement") if isinstance(subject, dict) else None
    return achievement if isinstance(achievement, dict) else None


def frozen_achievement_of(document: Mapping[str, Any]) -> bytes | None:
    """Give back the frozen bytes of an award's achievement: without its endorsements, with the contexts; or None."""
    achievement = achievement_of(document)
    if achievement is None:
        return None
    bare = {key: value for key, value in achievement.items() if key not in {"endorsement", "endorsementJwt"}}
    return canonical_json({"@context": list(CONTEXTS), **bare})


def as_list(value: Any) -> list[Any]:
    """Read a JSON-LD value that may stand alone or in an array."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def contexts(document: Mapping[str, Any]) -> Iterator[Any]:
    """Every entry of every `@context` of a document, at any depth."""
    for _, node in _nodes(document, ()):
        if "@context" in node:
            yield from as_list(node["@context"]) or [None]


def _texts(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set()


def _embedded(value: Any, steps: Steps) -> Iterator[Found]:
    for node_steps, node in _nodes(value, steps):
        carrier = node.get("id")
        for member in ("endorsement", "verifiableCredential"):
            held = node.get(member)
            for position, item in enumerate(as_list(held)):
                if isinstance(item, dict):
                    where = (*node_steps, member, position) if isinstance(held, list) else (*node_steps, member)
                    known = carrier if isinstance(carrier, str) else None
                    yield Found(where, item, known, endorses=member == "endorsement")


def _nodes(value: Any, steps: Steps) -> Iterator[tuple[Steps, Mapping[str, Any]]]:
    if isinstance(value, dict):
        yield steps, value
        for key, item in value.items():
            if key != "@context":
                yield from _nodes(item, (*steps, key))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _nodes(item, (*steps, position))


def _depths(value: Any, depth: int = 1) -> Iterator[int]:
    """Give the depth of every array and object; stops descending where `read` refuses anyway."""
    if isinstance(value, dict | list):
        yield depth
        if depth <= DEEPEST:
            for item in value.values() if isinstance(value, dict) else value:
                yield from _depths(item, depth + 1)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        repeated = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"The member {repeated[:100]!r} is there twice; readers would disagree about it.")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number.")
