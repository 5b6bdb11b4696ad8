"""The process behind `workers`: canonicalises what is to be signed and judges what was pasted, one job at a time.

It has no database, no keys and no secrets in its environment. A job is bounded in CPU time and memory: made-up graphs
of blank nodes take exponential time. Messages are JSON behind a length of four bytes, on standard input and output.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from types import FrameType
from typing import IO, Any

from countersign.trust.canonical import NotJsonLd, UndefinedTerms
from countersign.trust.canonical_contexts import UnknownContext
from countersign.trust.canonical_proof import signing_input
from countersign.trust.canonical_schema import schema_problems, schema_url_of
from countersign.trust.verify import Material, verify
from countersign.trust.verify_findings import Report, Verdict, unreadable
from countersign.trust.verify_reading import Needs, Unreadable, needs, read

LENGTH_BYTES = 4
_MEMORY = 2 * 1024**3
_SIGNING_SECONDS = 20.0
_JUDGING_SECONDS = 1.0
_AGAIN_SECONDS = 0.01


class TooLong(BaseException):
    """The job took more CPU time than it was given; no Exception, since it must pass those who catch every one."""


def prepare(document: Mapping[str, Any], options: Mapping[str, str]) -> bytes:
    """Give the 64 bytes to sign, after the schema of the document's type and strict expansion.

    Raises ValueError with the reason (UndefinedTerms and UnknownContext are such).
    """
    if schema_url_of(document) is not None and (problems := schema_problems(document)):
        raise ValueError("; ".join(f"{problem.path}: {problem.message}" for problem in problems))
    return signing_input(document, options)


def answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """Do one job. What must be refused is an answer; only a fault of ours is an exception."""
    match job["do"]:
        case "needs":
            return _needs(job["text"])
        case "verify":
            now = datetime.fromisoformat(job["now"])
            return {"report": judge(job["text"], Material(**job["material"]), now, _JUDGING_SECONDS).as_json()}
        case _:
            return _prepare(job["document"], job["options"])


def judge(text: str, material: Material, now: datetime, seconds: float) -> Report:
    """Verify a pasted text; TOO_COMPLEX when that takes more CPU time than given."""
    try:
        with cpu_limit(seconds):
            return verify(text, material, now)
    except TooLong:
        return unreadable(Verdict.TOO_COMPLEX, "size", f"Judging it takes more than {seconds:g} s.")


def _needs(text: str) -> dict[str, Any]:
    try:
        return asdict(needs(read(text)))
    except Unreadable:
        return asdict(Needs((), (), ()))  # the verification itself says why


def _prepare(document: str, options: Mapping[str, str]) -> dict[str, Any]:
    try:
        with cpu_limit(_SIGNING_SECONDS):
            return {"signing_input": prepare(json.loads(document), options).hex()}
    except (UndefinedTerms, UnknownContext, NotJsonLd, ValueError) as error:
        return {"refused": str(error)}
    except TooLong:
        return {"refused": "canonicalising it takes too long"}


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong when what runs inside uses more CPU time (user time of this process)."""
    inside, over = True, False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal over
        over = True
        if inside:
            raise TooLong

    before = signal.signal(signal.SIGVTALRM, stop)
    # Again and again, because an exception raised in a finalizer is dropped by the interpreter.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_SECONDS)
    try:
        try:
            yield
        finally:
            inside = False
    finally:
        inside = False
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if over:
        raise TooLong


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
