"""Content types by the GraphQL-over-HTTP specification."""

import enum
from functools import lru_cache
from typing import Final

JSON: Final = "application/json"
RESPONSE: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"


class Streaming(enum.Enum):
    """Whether a client takes its answer as server-sent events."""

    NO = enum.auto()
    ALLOWED = enum.auto()
    PREFERRED = enum.auto()


@lru_cache(128)
def accepted(header: str | None) -> str | None:
    """The media type of the answer for an `Accept` header; None when neither of ours is acceptable.

    The most wanted wins; between equals the newer one; without a wish, plain JSON as older clients expect.
    """
    if header is None or not header.strip():
        return JSON
    best: tuple[float, int, str] | None = None
    for part in header.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        wish = _quality(parameters)
        if wish <= 0 or not _is_utf8(parameters):
            continue
        offered = {RESPONSE: (2, RESPONSE), JSON: (1, JSON), "application/*": (0, JSON), "*/*": (0, JSON)}.get(name)
        if offered is not None and (best is None or (wish, offered[0]) > best[:2]):
            best = (wish, *offered)
    return best[2] if best else None


@lru_cache(128)
def streaming(header: str | None) -> Streaming:
    """Whether an `Accept` header names server-sent events, and wants them more than any JSON.

    Clients that list everything they know mean JSON for what is answered once; a wildcard names nothing.
    """
    events = others = 0.0
    for part in (header or "").split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        if name == EVENTS:
            events = max(events, _quality(parameters))
        elif name in {JSON, RESPONSE, "application/*", "*/*"}:
            others = max(others, _quality(parameters))
    if events <= 0:
        return Streaming.NO
    return Streaming.PREFERRED if events > others else Streaming.ALLOWED


def prefers_html(header: str | None) -> bool:
    """Whether a browser asks for a page."""
    return header is not None and "text/html" in header.lower()


@lru_cache(128)
def is_json(header: str | None) -> bool:
    """Whether a request's content type is JSON in UTF-8."""
    if header is None:
        return False
    name, *parameters = (piece.strip().lower() for piece in header.split(";"))
    return name == JSON and _is_utf8(parameters)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


def _is_utf8(parameters: list[str]) -> bool:
    charset = next((p[8:].strip('"') for p in parameters if p.startswith("charset=")), "utf-8")
    return charset in {"utf-8", "utf8"}
