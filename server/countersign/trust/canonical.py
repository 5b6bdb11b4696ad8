"""Canonical bytes: RFC 8785 for JSON, RDFC-1.0 after a strict JSON-LD expansion for signatures (pure).

pyld drops what no context defines and resolves what is relative, and would so sign less, or other, than the text says.
`expand_strictly` refuses both, at signing and at verification alike: a key that no context defines is no part of the
signature and could be added by anyone afterwards.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import rfc8785
from pyld import iri_resolver, jsonld
from pyld.jsonld import JsonLdError

from countersign.trust import canonical_contexts
from countersign.trust.canonical_contexts import UnknownContext

BASE = "relative://relative.invalid/"
"""Whatever is relative resolves to this scheme (`//host/path` too), and is found and refused there."""

_NAMED_PATHS = 10
_ONE_AT_A_TIME = threading.Lock()  # pyld keeps its contexts in shared caches that no lock protects


class UndefinedTerms(ValueError):
    """A document holds terms that no context defines, or identifiers that are not absolute IRIs."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__("Not defined by the document's contexts, or not absolute: " + ", ".join(paths))
        self.paths = paths


class NotJsonLd(ValueError):
    """A document cannot be read as JSON-LD; the message gives the reason."""


def canonical_json(value: Any) -> bytes:
    """RFC 8785 (JCS) bytes of a JSON value; NaN, infinities and integers beyond 2^53 - 1 raise ValueError."""
    return rfc8785.dumps(value)


def expand_strictly(document: Mapping[str, Any]) -> list[Any]:
    """Expand a JSON-LD document so that nothing in it is lost.

    Refused: `UnknownContext`; `UndefinedTerms`, which lists up to ten JSON paths; `NotJsonLd`.
    """
    dropped: list[Any] = []
    expanded = _expand(document, dropped.append)
    if dropped:
        raise UndefinedTerms(tuple(_dropped_paths(document, len(dropped))) or ("$",))
    relative = sorted(set(_not_absolute(expanded)))
    if relative:
        raise UndefinedTerms(tuple(_relative_paths(document, relative)) or ("$",))
    return expanded


def canonical_rdf(document: Mapping[str, Any], *, blank_nodes: int | None = None) -> bytes:
    """RDFC-1.0 canonical N-Quads of a strictly expanded document (pyld names the algorithm URDNA2015).

    With `blank_nodes` a document of more blank nodes than that raises `NotJsonLd` before it is canonicalised: made-up
    graphs of blank nodes cost exponential time. Other refusals are those of `expand_strictly`.
    """
    expanded = expand_strictly(document)
    if blank_nodes is not None and (found := sum(1 for _ in _blank(expanded))) > blank_nodes:
        raise NotJsonLd(f"The document has {found} nodes without an id; at most {blank_nodes} are judged.")
    with _ONE_AT_A_TIME:
        text: str = jsonld.normalize(
            expanded,
            {
                "algorithm": "URDNA2015",
                "format": "application/n-quads",
                "base": BASE,
                "documentLoader": _bundled,
            },
        )
    return text.encode()


def _bundled(url: str, _options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "contentType": "application/ld+json",
        "contextUrl": None,
        "documentUrl": url,
        "document": canonical_contexts.context(url),
        "tag": "static",  # lets pyld keep the processed context
    }


def _expand(document: Mapping[str, Any], on_dropped: Callable[[Any], None]) -> list[Any]:
    try:
        with _ONE_AT_A_TIME:
            expanded: list[Any] = jsonld.expand(
                document, {"base": BASE, "documentLoader": _bundled}, on_property_dropped=on_dropped
            )
    except JsonLdError as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, UnknownContext):
                raise UnknownContext(cause.url) from error
            cause = cause.__cause__
        raise NotJsonLd(_reason(error)) from error
    except (TypeError, LookupError, AttributeError, RecursionError) as error:
        # what pyld meets in shapes that its authors did not think of
        raise NotJsonLd(f"The document cannot be expanded ({type(error).__name__}).") from error
    return expanded


def _reason(error: JsonLdError) -> str:
    """Say the innermost reason; pyld wraps it in general ones."""
    innermost: BaseException = error
    while isinstance(innermost.__cause__, JsonLdError):
        innermost = innermost.__cause__
    return str(innermost.args[0]) if innermost.args else str(innermost)


def _not_absolute(value: Any) -> Iterator[str]:
    """Every `@id` or `@type` of an expanded tree that is no absolute IRI, as it stands there."""
    if isinstance(value, list):
        for item in value:
            yield from _not_absolute(item)
    elif isinstance(value, dict):
        for key, held in value.items():
            if key in {"@id", "@type"} and held != "@json":
                for iri in held if isinstance(held, list) else [held]:
                    if not isinstance(iri, str) or not _is_absolute(iri):
                        yield str(iri)
            elif key != "@value":
                yield from _not_absolute(held)


def _is_absolute(iri: str) -> bool:
    scheme, colon, rest = iri.partition(":")
    plain = scheme.replace("+", "").replace("-", "").replace(".", "")
    return (
        bool(colon and rest and plain.isascii() and plain.isalnum() and scheme[0].isalpha())
        and scheme != "relative"
        and not any(character in ' <>"{}|\\^`' or ord(character) <= ord(" ") for character in iri)
    )


def _blank(expanded: Any) -> Iterator[None]:
    """One item for each node of an expanded tree that has no id."""
    if isinstance(expanded, list):
        for item in expanded:
            yield from _blank(item)
    elif isinstance(expanded, dict) and "@value" not in expanded:
        if "@id" not in expanded and "@list" not in expanded and "@set" not in expanded:
            yield None
        for held in expanded.values():
            yield from _blank(held)


def _dropped_paths(document: Mapping[str, Any], drops: int) -> Iterator[str]:
    """Name the members that expansion drops.

    pyld says that something was dropped and not where. A member is to blame when the document without it has fewer
    drops, so one walk down the blamed members finds them; only refused documents pay for it.
    """
    for steps in islice(_blamed(document, (), drops), _NAMED_PATHS):
        yield json_path(steps)


def _blamed(document: Mapping[str, Any], steps: tuple[str | int, ...], drops: int) -> Iterator[tuple[str | int, ...]]:
    here = _at(document, steps)
    members: list[str | int] = (
        [key for key in here if key not in {"@context", "type", "@type"}]
        if isinstance(here, dict)
        else list(range(len(here)))
        if isinstance(here, list)
        else []
    )
    blamed_below = False
    for member in members:
        below = (*steps, member)
        if (left := _drops_without(document, below)) is not None and left < drops:
            blamed_below = True
            yield from _blamed(document, below, drops)
    if not blamed_below and steps:
        yield steps


def _drops_without(document: Mapping[str, Any], steps: tuple[str | int, ...]) -> int | None:
    dropped: list[Any] = []
    try:
        _expand(_without(document, steps), dropped.append)
    except (NotJsonLd, UnknownContext):
        return None
    return len(dropped)


def _at(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _without(value: Any, steps: tuple[str | int, ...]) -> Any:
    first, *rest = steps
    if isinstance(value, list):
        return [
            _without(item, tuple(rest)) if position == first and rest else item
            for position, item in enumerate(value)
            if position != first or rest
        ]
    return {
        key: _without(item, tuple(rest)) if key == first and rest else item
        for key, item in value.items()
        if key != first or rest
    }


def _relative_paths(document: Mapping[str, Any], relative: list[str]) -> Iterator[str]:
    """Name the members whose text resolves to one of the identifiers found not to be absolute."""
    blamed = (
        steps
        for steps, text in _texts(document, ())
        if text in relative or iri_resolver.resolve(text, BASE) in relative
    )
    for steps in islice(blamed, _NAMED_PATHS):
        yield json_path(steps)


def _texts(value: Any, steps: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _texts(item, (*steps, position))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "@context":
                yield from _texts(item, (*steps, key))


def json_path(steps: tuple[str | int, ...]) -> str:
    """Write a path as people read it: `$.credentialSubject.identifier[0].salt`."""
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
