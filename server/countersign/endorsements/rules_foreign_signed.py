"""Signed verification of Open Badges 2.0 (section "Verification"): a JWS by a key of its issuer's profile. Pure.

The profile stands at the issuer's own id; it names its keys (`publicKey`, as a CryptographicKey in PEM) and, where it
keeps one, its `revocationList`. What the signed text itself says of either is its signer's word, and not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from countersign.endorsements.rules_foreign import Claimed
from countersign.endorsements.rules_foreign_asked import Answers, Need, Purpose, pick
from countersign.endorsements.rules_foreign_keys import LONGEST_ADDRESS
from countersign.trust.verify_findings import Finding, Verdict, failed, not_checked, not_reached, passed
from countersign.trust.verify_jwt import Token, agreed
from countersign.trust.verify_keys import Key, from_pem
from countersign.trust.verify_reading import as_list

SIGNED: Final = frozenset({"signed", "SignedBadge"})
_WHERE: Final = "$.verification"


def needs(found: Claimed, answers: Answers = ()) -> tuple[Need, ...]:
    """The addresses to ask: its issuer's profile, and then the key and the list of revocations that it names."""
    wanted = [Need(Purpose.ISSUER, found.issuer_id)]
    profile = _profile(answers)
    if profile is not None:
        key = _named(found, profile)
        wanted.append(Need(Purpose.KEY, key if isinstance(key, str) else ""))
        wanted.append(Need(Purpose.STATUS, _revocations(profile) or ""))
    return tuple(need for need in wanted if need.url.startswith("https://") and len(need.url) <= LONGEST_ADDRESS)


def proof(found: Claimed, token: Token, answers: Answers) -> Finding:
    """Whether its issuer signed it."""
    profile = _profile(answers)
    if profile is None:
        return _unanswered("proof", found, answers, Verdict.UNTRUSTED_ISSUER)
    named = _named(found, profile)
    held = named if isinstance(named, Mapping) else None
    if isinstance(named, str):
        answer = pick(answers, Purpose.KEY)
        if answer is not None and answer.document is None:
            detail = f"{answer.url} was asked. {answer.problem}"
            return not_reached("proof", detail, _WHERE, Verdict.UNTRUSTED_ISSUER)
        held = answer.document if answer is not None else None
    try:
        key = agreed(token.header, _key(held, named, found.issuer_id))
    except ValueError as error:
        return failed("proof", Verdict.BAD_PROOF, str(error), _WHERE)
    if not key.holds(token.signature, token.signed):
        return failed("proof", Verdict.BAD_PROOF, "The signature is not its issuer's.", _WHERE)
    return passed("proof", f"It was signed with its issuer's key ({key.kind}).", _WHERE)


def status(found: Claimed, answers: Answers) -> Finding:
    """Whether its issuer's list of revocations names it."""
    profile = _profile(answers)
    if profile is None:
        return _unanswered("status", found, answers, Verdict.STATUS_UNAVAILABLE)
    if profile.get("id") != found.issuer_id:
        return failed("status", Verdict.STATUS_UNAVAILABLE, "The profile of its issuer is another's.", _WHERE)
    if _revocations(profile) is None:
        return passed("status", "Its issuer keeps no list of revocations: it cannot be revoked.", _WHERE)
    answer = pick(answers, Purpose.STATUS)
    if answer is None:
        return failed("status", Verdict.STATUS_UNAVAILABLE, "The list of revocations has no https address.", _WHERE)
    if answer.document is None:
        detail = f"{answer.url} was asked. {answer.problem}"
        return not_reached("status", detail, _WHERE, Verdict.STATUS_UNAVAILABLE)
    return _listed(found, answer.url, answer.document)


def _listed(found: Claimed, url: str, listed: Mapping[str, Any]) -> Finding:
    entries = listed.get("revokedAssertions")
    if listed.get("id") != url or _id(listed.get("issuer")) != found.issuer_id or not isinstance(entries, list):
        detail = "What stands there is no list of revocations of its issuer."
        return failed("status", Verdict.STATUS_UNAVAILABLE, detail, _WHERE)
    own = {name: value for name in ("id", "uid") if isinstance(value := found.document.get(name), str)}
    for entry in entries:
        said = entry if isinstance(entry, dict) else {"id": entry}
        if any(said.get(name) == value for name, value in own.items()):
            reason = said.get("revocationReason")
            words = f" Its reason: {reason[:500]}" if isinstance(reason, str) and reason else ""
            return failed("status", Verdict.REVOKED, f"The issuer has revoked it.{words}", _WHERE)
    return passed("status", "The issuer's list of revocations does not name it.", _WHERE)


def _profile(answers: Answers) -> Mapping[str, Any] | None:
    answer = pick(answers, Purpose.ISSUER)
    return answer.document if answer is not None else None


def _unanswered(check: str, found: Claimed, answers: Answers, verdict: Verdict) -> Finding:
    answer = pick(answers, Purpose.ISSUER)
    if answer is not None:
        return not_reached(check, f"{answer.url} was asked. {answer.problem}", _WHERE, verdict)
    asked = f"It is asked for at {found.issuer_id}." if needs(found) else "Its issuer has no https address."
    return not_checked(check, asked, _WHERE, verdict)


def _named(found: Claimed, profile: Mapping[str, Any]) -> str | Mapping[str, Any] | None:
    """The key that the signed text names, as the profile has it: its address or itself; the only one for none."""
    if profile.get("id") != found.issuer_id:
        return None
    keys = [key for key in as_list(profile.get("publicKey")) if isinstance(_id(key), str)]
    verification = found.document.get("verification")
    creator = verification.get("creator") if isinstance(verification, dict) else None
    meant = [key for key in keys if creator is None or _id(key) == creator]
    return meant[0] if len(meant) == 1 else None


def _key(held: Mapping[str, Any] | None, named: str | Mapping[str, Any] | None, issuer: str) -> Key:
    """The key as its own document or the profile gives it. Raises ValueError."""
    if named is None:
        raise ValueError("Its issuer's own profile does not name the key with which it was signed.")
    if held is None:
        raise ValueError("The key of its issuer has no https address.")
    if held.get("id") != _id(named) or _id(held.get("owner", issuer if held is named else None)) != issuer:
        raise ValueError("The key at that address is not its issuer's.")
    try:
        return from_pem(str(held.get("publicKeyPem")))
    except ValueError as error:
        raise ValueError(f"The key of its issuer cannot be read: {error}.") from None


def _revocations(profile: Mapping[str, Any]) -> str | None:
    named = _id(profile.get("revocationList"))
    return named if isinstance(named, str) else None


def _id(value: object) -> object:
    """The id of what is named by it or written out."""
    return value.get("id") if isinstance(value, dict) else value
