"""What has to be asked for elsewhere to judge an endorsement from there, and what the answers make of it. Pure.

Open Badges 3.0: the issuer's keys (did:web method 1.0; the document at an https issuer's own address), the key that a
endorsement was signed with, and status lists. Open Badges 2.0 is in `rules_foreign_hosted` and `rules_foreign_signed`.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from countersign.endorsements.rules_foreign import Claimed, ended_by_claim, storable, verified
from countersign.endorsements.rules_foreign_keys import (
    LONGEST_ADDRESS,
    as_text,
    key_name,
    keys_address,
    own_document,
    with_key,
)
from countersign.trust.addresses import suspensions_beside
from countersign.trust.verify_findings import Finding, Outcome, Verdict, not_checked, not_reached
from countersign.trust.verify_jwt import is_compact, read_token, signature_finding
from countersign.trust.verify_reading import Unreadable, as_list, read, status_list_of

AGAIN_AFTER: Final = timedelta(days=1)
"""How long what was found is believed before it is asked again."""
DOUBT_AFTER: Final = timedelta(hours=6)
"""How soon it is asked again when somebody gave no answer."""
SILENCE: Final = timedelta(days=7)
"""How long what was verified stays so while nobody answers: unreachable is not revoked."""
PATIENCE: Final = timedelta(days=30)
"""How long what is not verified is asked about by itself."""
LEASE: Final = timedelta(minutes=1)
"""How long one process has for asking before another does; nobody asks the same twice within it."""


class Purpose(enum.StrEnum):
    """What is asked for."""

    KEYS = "keys"
    KEY = "key"
    STATUS = "status"
    SUSPENSIONS = "suspensions"
    HOSTED = "hosted"
    ISSUER = "issuer"


@dataclass(frozen=True, slots=True)
class Need:
    """One address that has to be asked, and for what."""

    purpose: Purpose
    url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address answered: a JSON object or a token, or why neither."""

    purpose: Purpose
    url: str
    sha256: str | None = None
    size: int | None = None
    problem: str | None = None
    status: int | None = None
    text: str | None = None
    document: Mapping[str, Any] | None = None

    def kept(self) -> dict[str, Any]:
        """What is kept of it: where from, and the digest of what came; not what came."""
        said = {name: value for name, value in asdict(self).items() if name not in {"text", "document", "status"}}
        return storable(said)


Answers = Sequence[Answer]


def needs(found: Claimed, answers: Answers = ()) -> tuple[Need, ...]:
    """The addresses to ask for an Open Badges 3.0 endorsement, at most four.

    The address of a key is among them once the issuer's document was answered and names it.
    """
    wanted = [Need(Purpose.KEYS, keys_address(found.issuer_id))]
    status = status_list_of(found.document)
    if status is not None:
        wanted += [Need(Purpose.STATUS, status), Need(Purpose.SUSPENSIONS, suspensions_beside(status) or "")]
    wanted.append(Need(Purpose.KEY, key_name(found, _published(found, answers)).partition("#")[0]))
    return tuple(need for need in wanted if need.url and len(need.url) <= LONGEST_ADDRESS)


def host_of(url: str) -> str:
    """The host of an address as it is written, with a port where there is one; empty for what is no address."""
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


def answered(need: Need, data: bytes) -> Answer:
    """Read what an address gave, within the bounds of any foreign document."""
    answer = Answer(need.purpose, need.url, hashlib.sha256(data).hexdigest(), len(data))
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        return replace(answer, problem="What stands there is no UTF-8.")
    if need.purpose in {Purpose.STATUS, Purpose.SUSPENSIONS} and is_compact(text):
        return replace(answer, text=text)
    try:
        return replace(answer, text=text, document=read(text))
    except Unreadable as error:
        return replace(answer, problem=f"What stands there cannot be read: {error}")


def unanswered(need: Need, problem: str, status: int | None = None) -> Answer:
    """Write down that an address gave nothing, and why."""
    return Answer(need.purpose, need.url, problem=f"{problem[:1].upper()}{problem[1:]}.", status=status)


def pick(answers: Answers, purpose: Purpose) -> Answer | None:
    """The answer for a purpose; None when nobody was asked."""
    return next((answer for answer in answers if answer.purpose is purpose), None)


@dataclass(frozen=True, slots=True)
class Given:
    """What `trust.verify.Material` wants, from answers."""

    did_documents: Mapping[str, str]
    status_lists: Mapping[str, str]
    proven: tuple[str, ...]


def given(found: Claimed, answers: Answers) -> Given:
    """The issuer's keys and the status lists as they were answered; a list that is a token when its signature holds."""
    published = controller(found, answers)
    lists: dict[str, str] = {}
    proven: list[str] = []
    for answer in answers:
        if answer.purpose not in {Purpose.STATUS, Purpose.SUSPENSIONS} or answer.text is None:
            continue
        if answer.document is not None:
            lists[answer.url] = answer.text
        elif (credential := _token_list(answer.text, found, answers)) is not None:
            lists[answer.url] = credential
            proven.append(answer.url)
    return Given({found.issuer_id: as_text(published)} if published is not None else {}, lists, tuple(proven))


def signature(found: Claimed, answers: Answers) -> Finding:
    """What comes of a token's signature, with the keys that were answered."""
    if found.token is None:
        raise TypeError("only a token has a signature of its own")
    return signature_finding(found.token, found.issuer_id, controller(found, answers))


def with_answers(found: Claimed, findings: Iterable[Finding], answers: Answers) -> Iterator[Finding]:
    """The findings, where what was not answered is told from what went wrong, and from what is still to be asked."""
    wanted = {need.purpose: need.url for need in needs(found, answers)}
    keyed = controller(found, answers) is not None
    for finding in findings:
        if finding.check == "proof" and not (finding.outcome is Outcome.PASSED or _no_proof(found)):
            told = (
                _told(finding, purpose, wanted, answers, Verdict.UNTRUSTED_ISSUER)
                for purpose in (Purpose.KEYS, Purpose.KEY)
            )
            yield next(filter(None, told), None) or _unread(found, finding)
        elif finding.check == "status" and finding.verdict is Verdict.STATUS_UNAVAILABLE:
            unreached = _told(finding, Purpose.STATUS, wanted, answers, Verdict.STATUS_UNAVAILABLE)
            if unreached is None and not keyed:
                asked = any(answer.problem for answer in answers)
                detail = "Without the keys of its issuer nobody can tell whose list it is."
                outcome = Outcome.NOT_REACHED if asked else Outcome.NOT_CHECKED
                unreached = replace(finding, outcome=outcome, detail=detail)
            yield unreached or finding
        else:
            yield finding


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an endorsement from elsewhere stands: whether it is verified, and when everything last passed."""

    verified: bool
    proved_at: datetime | None
    due_at: datetime | None = None
    """When it is asked about next; None for not by itself."""


def after(before: Standing, found: Claimed, findings: Sequence[Finding], since: datetime, now: datetime) -> Standing:
    """The standing after a look; `since` is when it was imported, `now` when it was looked at.

    What was verified stays so for a week while nobody answers. Anything that failed ends it at once. It is looked at
    again by itself until it has ended, or was good for nothing for thirty days.
    """
    silent = any(finding.outcome is Outcome.NOT_REACHED for finding in findings)
    good = verified(found.format, findings)
    proved_at = now if good else before.proved_at
    if not good and before.verified and silent and proved_at is not None:
        unharmed = verified(found.format, [_as_good(finding) for finding in findings])
        good = unharmed and now - proved_at <= SILENCE
    ended = found.valid_until is not None and found.valid_until <= now
    tired = not good and now - max(proved_at or since, since) > PATIENCE
    if ended or tired:
        return Standing(good, proved_at)
    return Standing(good, proved_at, now + (DOUBT_AFTER if silent else AGAIN_AFTER))


def kept(
    findings: Iterable[Finding], earlier: Sequence[Mapping[str, Any]], earlier_at: datetime
) -> list[dict[str, Any]]:
    """The findings as they are kept: each that did not pass with when it last did, if ever."""
    last = {(each["check"], each["path"]): each for each in earlier}
    made = []
    for finding in findings:
        plain = storable(asdict(finding))
        before = last.get((plain["check"], plain["path"]))
        if finding.outcome is not Outcome.PASSED and before is not None:
            passed_at = earlier_at.isoformat() if before["outcome"] == Outcome.PASSED else before.get("passed_at")
            plain |= {"passed_at": passed_at} if passed_at else {}
        made.append(plain)
    return made


def alike(some: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> bool:
    """Whether two looks found the same, whenever it was."""
    bare = [[{name: each[name] for name in each if name != "passed_at"} for each in found] for found in (some, others)]
    return bare[0] == bare[1]


def _as_good(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.PASSED) if finding.outcome is Outcome.NOT_REACHED else finding


def _told(
    finding: Finding, purpose: Purpose, wanted: Mapping[Purpose, str], answers: Answers, verdict: Verdict
) -> Finding | None:
    """What a finding becomes when an address was not asked yet, or gave nothing; None when it answered."""
    url, answer = wanted.get(purpose), pick(answers, purpose)
    if url is None:
        return None
    if answer is None:
        return not_checked(finding.check, f"It is asked for at {url}.", finding.path, verdict)
    if answer.problem is not None:
        return not_reached(finding.check, f"{url} was asked. {answer.problem}", finding.path, verdict)
    return None


def _unread(found: Claimed, finding: Finding) -> Finding:
    """Of an issuer whose keys nobody here knows how to find, it cannot be said that they failed."""
    if own_document(found.issuer_id) is not None or keys_address(found.issuer_id):
        return finding
    known = "did:key, did:jwk, did:web and https addresses are read"
    detail = f"The keys of {found.issuer_id[:200]} cannot be had: {known}."
    return not_checked("proof", detail, finding.path, Verdict.UNTRUSTED_ISSUER)


def _no_proof(found: Claimed) -> bool:
    return found.token is None and not as_list(found.document.get("proof"))


def controller(found: Claimed, answers: Answers) -> Mapping[str, Any] | None:
    """The document in which the issuer names its keys, with the one that lies elsewhere; None while nobody answered."""
    published, key = _published(found, answers), pick(answers, Purpose.KEY)
    if published is None or key is None or key.document is None:
        return published
    return with_key(published, key_name(found, published), key.document)


def _published(found: Claimed, answers: Answers) -> Mapping[str, Any] | None:
    own, keys = own_document(found.issuer_id), pick(answers, Purpose.KEYS)
    return own if own is not None or keys is None else keys.document


def _token_list(text: str, found: Claimed, answers: Answers) -> str | None:
    """The status list that a token is, when its issuer's key signed it; None when it did not."""
    try:
        token = read_token(text)
        judged = signature_finding(token, found.issuer_id, controller(found, answers))
    except ValueError:
        return None
    if judged.outcome is not Outcome.PASSED:
        return None
    return json.dumps(token.credential | ended_by_claim(token.claims.get("exp"), token.credential))
