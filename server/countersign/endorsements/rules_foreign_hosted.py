"""Hosted verification of Open Badges 2.0 (section "Verification"): what stands at its own address is what counts. Pure.

The endorsement is fetched from its `id`, which must lie where its issuer says that it publishes (by itself: on the host
of the issuer's own id), and must say the same as the file. What its server has taken back is answered by 410, or
marked `revoked`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from countersign.endorsements import rules_foreign_signed
from countersign.endorsements.rules_foreign import Claimed, subject
from countersign.endorsements.rules_foreign_asked import Answer, Answers, Need, Purpose, host_of, pick
from countersign.endorsements.rules_foreign_keys import LONGEST_ADDRESS
from countersign.trust.verify_findings import Finding, Verdict, failed, not_checked, not_reached, passed
from countersign.trust.verify_reading import as_list

GONE: Final = 410
MISSING: Final = 404
_HOSTED: Final = frozenset({"hosted", "HostedBadge"})
_REQUIRED: Final = ("id", "claim", "issuer", "issuedOn", "verification")


def needs(found: Claimed, answers: Answers = ()) -> tuple[Need, ...]:
    """The addresses to ask for an Open Badges 2.0 endorsement: its own and its issuer's; of a signed one see there."""
    if found.token is not None:
        return rules_foreign_signed.needs(found, answers)
    own = found.document.get("id")
    if not _is_hosted(found) or not isinstance(own, str):
        return ()
    wanted = (Need(Purpose.HOSTED, own), Need(Purpose.ISSUER, found.issuer_id))
    return tuple(need for need in wanted if need.url.startswith("https://") and len(need.url) <= LONGEST_ADDRESS)


def findings(found: Claimed, version_url: str, now: datetime, answers: Answers, *, known: bool) -> list[Finding]:
    """What can be said of an Open Badges 2.0 Endorsement: its form, dates and subject, and what its server says."""
    lacking = [name for name in _REQUIRED if name not in found.document]
    form = (
        failed("schema", Verdict.SCHEMA_INVALID, f"It lacks {', '.join(lacking)}.", "$")
        if lacking
        else passed("schema", "It has what Open Badges 2.0 asks of an Endorsement.", "$")
    )
    if found.valid_from is None or found.valid_from > now:
        dates = failed("dates", Verdict.NOT_YET_VALID, "Its day of issue is missing or still to come.", "$.issuedOn")
    else:
        dates = passed("dates", "It was issued before now; Open Badges 2.0 knows no end.", "$.issuedOn")
    token = found.token
    return [
        form,
        _proof(found, answers) if token is None else rules_foreign_signed.proof(found, token, answers),
        dates,
        _status(found, answers) if token is None else rules_foreign_signed.status(found, answers),
        subject(found, version_url),
        passed("issuer", "The operator knows who this is.", "$.issuer")
        if known
        else not_checked("issuer", "Nobody here knows who this is.", "$.issuer", Verdict.UNTRUSTED_ISSUER),
    ]


def _proof(found: Claimed, answers: Answers) -> Finding:
    where = "$.verification"
    if _verified_as(found) & rules_foreign_signed.SIGNED:
        return not_checked("proof", "Its issuer signs: import the signed text itself (a JWS), not what it says.", where)
    if not _is_hosted(found):
        return not_checked("proof", "Of Open Badges 2.0 hosted and signed verification is read.", where)
    hosted, profile = pick(answers, Purpose.HOSTED), pick(answers, Purpose.ISSUER)
    if hosted is None or profile is None:
        https = len(needs(found)) == len((Purpose.HOSTED, Purpose.ISSUER))
        detail = (
            f"It is asked for at {found.document['id']}." if https else "It and its issuer have no https addresses."
        )
        return not_checked("proof", detail, where, Verdict.UNTRUSTED_ISSUER)
    if hosted.status in {GONE, MISSING}:
        return failed("proof", Verdict.BAD_PROOF, f"{hosted.url} was asked. It does not stand there.", where)
    return _compared(found, hosted, profile)


def _compared(found: Claimed, hosted: Answer, profile: Answer) -> Finding:
    where = "$.verification"
    for answer in (hosted, profile):
        if answer.document is None:
            detail = f"{answer.url} was asked. {answer.problem}"
            return not_reached("proof", detail, where, Verdict.UNTRUSTED_ISSUER)
    faults = [*_differences(found.document, hosted.document or {}), *_out_of_scope(hosted, profile)]
    if faults:
        return failed("proof", Verdict.BAD_PROOF, f"{hosted.url} was asked. {' '.join(faults)}", where)
    return passed("proof", f"{hosted.url} says the same, and its issuer publishes there.", where)


def _status(found: Claimed, answers: Answers) -> Finding:
    where, hosted = "$.verification", pick(answers, Purpose.HOSTED)
    if hosted is None:
        return not_checked("status", "Whether it was taken back only its own server knows.", where)
    if hosted.status == GONE:
        return failed("status", Verdict.REVOKED, "Its server says that it is gone.", where)
    if hosted.document is None:
        detail = f"{hosted.url} was asked. {hosted.problem}"
        return not_reached("status", detail, where, Verdict.STATUS_UNAVAILABLE)
    if hosted.document.get("revoked", False) is not False or found.document.get("revoked", False) is not False:
        return failed("status", Verdict.REVOKED, "Its server says that it was taken back.", where)
    return passed("status", "Its server does not say that it was taken back.", where)


def _differences(brought: Mapping[str, Any], hosted: Mapping[str, Any]) -> Iterator[str]:
    """What the file says and its address does not; the address may say more."""
    other = [name for name in brought if _value(name, brought) != _value(name, hosted)]
    if other:
        yield f"It says otherwise of {', '.join(sorted(other))[:200]}."


def _value(name: str, document: Mapping[str, Any]) -> object:
    value = document.get(name)
    if name == "issuer":  # its id, or its whole profile
        return value.get("id") if isinstance(value, dict) else value
    return as_list(value) if name in {"type", "@context"} else value


def _out_of_scope(hosted: Answer, profile: Answer) -> Iterator[str]:
    """Why an address is not one at which the issuer publishes."""
    document = profile.document or {}
    if document.get("id") != profile.url:
        yield f"The profile at {profile.url} is another's."
    scope = document.get("verification")
    scope = scope if isinstance(scope, dict) else {}
    starts = [text for text in as_list(scope.get("startsWith")) if isinstance(text, str)]
    origins = [text.lower() for text in as_list(scope.get("allowedOrigins")) if isinstance(text, str)]
    hosts = origins or [host_of(profile.url)]
    within = [start for start in starts if hosted.url.startswith(start) and host_of(start) == host_of(hosted.url)]
    if (starts and not within) or (not starts and host_of(hosted.url) not in hosts):
        yield "Its issuer does not publish there."


def _is_hosted(found: Claimed) -> bool:
    return bool(_verified_as(found) & _HOSTED)


def _verified_as(found: Claimed) -> frozenset[str]:
    """In which ways it says that it is verified."""
    verification = found.document.get("verification")
    kinds = as_list(verification.get("type") if isinstance(verification, dict) else None)
    return frozenset(kind for kind in kinds if isinstance(kind, str))
