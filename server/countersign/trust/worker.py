"""The process behind `workers`: canonicalises what is to be signed and judges what was pasted, one job at a time.

It has no database, no keys and no secrets in its environment. A job is bounded in CPU time and memory: made-up graphs
of blank nodes take exponential time. Messages are JSON behind a length of four bytes, on standard input and output.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import contextmanager
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

from countersign.trust.canonical import NotJsonLd, UndefinedTerms
from countersign.trust.canonical_contexts import UnknownContext
from countersign.trust.canonical_proof import signing_input
from countersign.trust.canonical_schema import schema_problems, schema_url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH_BYTES = 4
_MEMORY = 2 * 1024**3
_SIGNING_SECONDS = 20.0


class TooLong(Exception):
    """The job took more CPU time than it was given."""


def prepare(document: Mapping[str, Any], options: Mapping[str, str]) -> bytes:
    """Give the 64 bytes to sign, after the schema of the document's type and strict expansion.

    Raises ValueError with the reason (UndefinedTerms and UnknownContext are such).
    """
    if schema_url_of(document) is not None and (problems := schema_problems(document)):
        raise ValueError("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
    return signing_input(document, options)


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do one job. What must be refused is an answer; only a fault of ours is an exception."""
    try:
        with cpu_limit(_SIGNING_SECONDS):
            return {"signing_input": prepare(json.loads(job["document"]), job["options"]).hex()}
    except (UndefinedTerms, UnknownContext, NotJsonLd, ValueError) as error:
        return {"refused": str(error)}
    except TooLong:
        return {"refused": "canonicalising it takes too long"}


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong when what runs inside uses more CPU time (user time of this process)."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def serve(source: IO[bytes], sink: IO[bytes]) -> None:
    """Answer jobs until the source ends."""
    while len(head := source.read(LENGTH_BYTES)) == LENGTH_BYTES:
        job = json.loads(source.read(int.from_bytes(head, "big")))
        body = json.dumps(answer(job)).encode()
        sink.write(len(body).to_bytes(LENGTH_BYTES, "big") + body)
        sink.flush()


def main() -> None:
    """Serve on standard input and output; an interrupt is for the parent, whose end ends this process too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > _MEMORY:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, hard))
    serve(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
