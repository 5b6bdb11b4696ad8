"""What verification answers: findings, a verdict for each credential, and the worst of them (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The worst thing known about a credential, from `VALID` to what cannot even be judged."""

    VALID = "VALID"
    SUPERSEDED = "SUPERSEDED"
    STATUS_UNAVAILABLE = "STATUS_UNAVAILABLE"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    UNTRUSTED_ISSUER = "UNTRUSTED_ISSUER"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    SUBJECT_MISMATCH = "SUBJECT_MISMATCH"
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    BAD_PROOF = "BAD_PROOF"
    UNDEFINED_TERMS = "UNDEFINED_TERMS"
    SCHEMA_INVALID = "SCHEMA_INVALID"
    UNKNOWN_CONTEXT = "UNKNOWN_CONTEXT"
    TOO_COMPLEX = "TOO_COMPLEX"


_SEVERITY = {verdict: rank for rank, verdict in enumerate(Verdict)}

# What an embedded credential does to the one around it: a forged or misplaced endorsement makes the award a false
# document; one that was revoked or ran out later leaves the award as good as it was when it was made.
_SPREADS = frozenset(
    {
        Verdict.SUBJECT_MISMATCH,
        Verdict.DIGEST_MISMATCH,
        Verdict.BAD_PROOF,
        Verdict.UNDEFINED_TERMS,
        Verdict.SCHEMA_INVALID,
        Verdict.UNKNOWN_CONTEXT,
        Verdict.TOO_COMPLEX,
    }
)


class Outcome(StrEnum):
    """How one check ended; what could not be checked is neither good nor bad."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not_checked"
    NOT_REACHED = "not_reached"
    """Of what stands elsewhere: it was asked for, and its server gave no answer that could be read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one credential: which, how it ended, in words, and where (`$.credentialSubject…`)."""

    check: str
    outcome: Outcome
    verdict: Verdict
    detail: str
    path: str


def passed(check: str, detail: str, path: str) -> Finding:
    """Say that a check went well."""
    return Finding(check, Outcome.PASSED, Verdict.VALID, detail, path)


def failed(check: str, verdict: Verdict, detail: str, path: str) -> Finding:
    """Say that a check went wrong, and what that makes of the credential."""
    return Finding(check, Outcome.FAILED, verdict, detail, path)


def not_checked(check: str, detail: str, path: str, verdict: Verdict = Verdict.VALID) -> Finding:
    """Say that a check could not be made; with a verdict other than VALID when that matters."""
    return Finding(check, Outcome.NOT_CHECKED, verdict, detail, path)


def not_reached(check: str, detail: str, path: str, verdict: Verdict) -> Finding:
    """Say that what a check needs was asked for and could not be had, and what that makes of the credential."""
    return Finding(check, Outcome.NOT_REACHED, verdict, detail, path)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Give the most severe of some verdicts; VALID for none."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.VALID)


@dataclass(frozen=True, slots=True)
class Judged:
    """One credential of a document: the outer one at `$`, embedded ones at their paths."""

    path: str
    id: str | None
    type: str | None
    verdict: Verdict
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The whole answer: the verdict on the outer credential, and every credential judged, outer first."""

    verdict: Verdict
    credentials: tuple[Judged, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the report as plain JSON values."""
        plain = asdict(self)
        plain["credentials"] = [
            credential | {"findings": list(credential["findings"])} for credential in plain["credentials"]
        ]
        return plain


def report(credentials: Iterable[Judged]) -> Report:
    """Put credentials, the outer one first, into one report."""
    judged = tuple(credentials)
    outer, embedded = judged[0], judged[1:]
    return Report(worst([outer.verdict, *(c.verdict for c in embedded if c.verdict in _SPREADS)]), judged)


def unreadable(verdict: Verdict, check: str, detail: str) -> Report:
    """Report on a text that is no credential at all."""
    return report([Judged("$", None, None, verdict, (failed(check, verdict, detail, "$"),))])


def report_from_json(value: dict[str, Any]) -> Report:
    """Read `Report.as_json` again, as it comes from a worker."""
    return Report(
        Verdict(value["verdict"]),
        tuple(
            Judged(
                judged["path"],
                judged["id"],
                judged["type"],
                Verdict(judged["verdict"]),
                tuple(
                    Finding(
                        finding["check"],
                        Outcome(finding["outcome"]),
                        Verdict(finding["verdict"]),
                        finding["detail"],
                        finding["path"],
                    )
                    for finding in judged["findings"]
                ),
            )
            for judged in value["credentials"]
        ),
    )
