"""Open Badges 3.0 documents from plain frozen values: achievement, endorsement, award (pure).

Each builder gives RFC 8785 bytes without a proof, of the shapes in Open Badges 3.0 (context 3.0.3) and VCDM 2.0. Only
terms that both circulating texts of that context define are written. Text is plain, never a language map.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from countersign.trust.addresses import Addresses
from countersign.trust.canonical import canonical_json
from countersign.trust.canonical_codes import digest_multibase, digest_sri, identity_hash
from countersign.trust.canonical_contexts import ACHIEVEMENT_SCHEMA, CREDENTIALS_V2, ENDORSEMENT_SCHEMA, OPEN_BADGES
from countersign.trust.canonical_proof import date_time

CONTEXTS = (CREDENTIALS_V2, OPEN_BADGES)
"""The contexts of every document of ours, in this order."""

ACHIEVEMENT_MEDIA_TYPE = "application/ld+json"
SPEC_JSON_MEDIA_TYPE = "application/json"


@dataclass(frozen=True)
class Party:
    """An organization as documents name it."""

    handle: str
    name: str


@dataclass(frozen=True)
class Alignment:
    """A link to a node of a skill framework; `kind` is `ext:ESCOSkill`, `ext:RSD` or a targetType of Open Badges."""

    name: str
    url: str
    framework: str | None = None
    kind: str = "ext:ESCOSkill"
    code: str | None = None


@dataclass(frozen=True)
class Level:
    """One level of a rubric criterion; `key` is unique within the version."""

    key: str
    name: str
    level: str | None = None
    points: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Measure:
    """What is measured (ResultDescription); `key` is unique within the version, `required_level` a level's key."""

    key: str
    name: str
    kind: str = "RubricCriterionLevel"
    levels: tuple[Level, ...] = ()
    required_level: str | None = None
    required_value: str | None = None
    value_min: str | None = None
    value_max: str | None = None
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Achievement:
    """What one spec version recognises; `criteria` says in words how it is earned."""

    slug: str
    semver: str
    name: str
    description: str
    criteria: str
    creator: Party
    language: str = "en"
    kind: str = "MicroCredential"
    credits: Decimal | None = None
    tags: tuple[str, ...] = ()
    alignments: tuple[Alignment, ...] = ()
    measures: tuple[Measure, ...] = ()
    previous_semver: str | None = None


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence in readable words; `genre` names the kind of industry validation."""

    name: str
    narrative: str
    genre: str | None = None
    audience: str | None = None


@dataclass(frozen=True)
class Status:
    """A place in a revocation list."""

    list_url: str
    index: int


@dataclass(frozen=True)
class Endorsement:
    """What an endorser says of exactly the given bytes of one version."""

    id: UUID
    endorser: Party
    title: str
    slug: str
    semver: str
    achievement: bytes
    spec_json: bytes
    statement: str
    valid_from: datetime
    valid_until: datetime
    status: Status
    evidence: tuple[Evidence, ...] = ()
    awarded_at: datetime | None = None
    partial: bool = False
    """Whether it is about some learning outcomes only; `evidence` then names them, and the name says so."""


@dataclass(frozen=True)
class Recipient:
    """Who earned an award: only the salted hash of the e-mail address enters the document."""

    email: str
    salt: str
    did: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What the learner reached in one measure; `level` is the key of a level of that measure."""

    measure: str
    level: str | None = None
    value: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Award:
    """What a school states: this person earned this version. `endorsements` are signed credentials, verbatim."""

    id: UUID
    school: Party
    achievement: bytes
    endorsements: tuple[bytes, ...]
    recipient: Recipient
    awarded_at: datetime
    valid_from: datetime
    status: Status
    valid_until: datetime | None = None
    outcomes: tuple[Outcome, ...] = ()
    evidence: tuple[Evidence, ...] = ()


def achievement(addresses: Addresses, facts: Achievement) -> bytes:
    """Freeze the Open Badges Achievement of a version, with `@context`: the bytes that are stored, served, digested."""
    version = addresses.version(facts.slug, facts.semver)
    document = {
        "@context": list(CONTEXTS),
        "id": version,
        "type": ["Achievement"],
        "achievementType": facts.kind,
        "name": facts.name,
        "version": facts.semver,
        "inLanguage": facts.language,
        "description": facts.description,
        "criteria": {"id": f"{version}/criteria", "narrative": facts.criteria},
        "creator": _profile(addresses, facts.creator),
        "creditsAvailable": None if facts.credits is None else _number(facts.credits),
        "tag": list(facts.tags),
        "otherIdentifier": [
            {"type": "IdentifierEntry", "identifier": addresses.spec(facts.slug), "identifierType": "identifier"}
        ],
        "related": []
        if facts.previous_semver is None
        else [
            {
                "id": addresses.version(facts.slug, facts.previous_semver),
                "type": ["Related"],
                "version": facts.previous_semver,
            }
        ],
        "alignment": [_alignment(alignment) for alignment in facts.alignments],
        "resultDescription": [_measure(version, measure) for measure in facts.measures],
    }
    return canonical_json(_present(document))


def endorsement_credential(addresses: Addresses, facts: Endorsement) -> bytes:
    """Write an EndorsementCredential without its proof; `relatedResource` binds both frozen byte strings.

    Endorsing needs a reach: `valid_until` after `valid_from`, else ValueError (VCDM 2.0, 4.9).
    """
    _refuse_reversed(facts.valid_from, facts.valid_until)
    identifier = addresses.endorsement(facts.id)
    version = addresses.version(facts.slug, facts.semver)
    document = {
        "@context": list(CONTEXTS),
        "id": identifier,
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "name": f"{facts.endorser.name} endorses {'a part of ' if facts.partial else ''}{facts.title} {facts.semver}",
        "issuer": _profile(addresses, facts.endorser),
        "awardedDate": date_time(facts.awarded_at or facts.valid_from),
        "validFrom": date_time(facts.valid_from),
        "validUntil": date_time(facts.valid_until),
        "credentialSubject": _present(
            {"id": version, "type": ["EndorsementSubject"], "endorsementComment": facts.statement or None}
        ),
        "relatedResource": [
            _resource(version, ACHIEVEMENT_MEDIA_TYPE, facts.achievement),
            _resource(addresses.spec_json(facts.slug, facts.semver), SPEC_JSON_MEDIA_TYPE, facts.spec_json),
        ],
        "evidence": _evidence(identifier, facts.evidence),
        "credentialSchema": [{"id": ENDORSEMENT_SCHEMA, "type": "JsonSchema"}],
        "credentialStatus": _status(facts.status),
    }
    return canonical_json(_present(document))


def award_credential(addresses: Addresses, facts: Award) -> bytes:
    """Write an OpenBadgeCredential without its proof.

    Its achievement is the frozen one with the endorsements inside: without `endorsement` and with `@context` it gives
    the frozen bytes again. Refused with ValueError: a frozen achievement that is no such document, an outcome for a
    measure or level that the achievement does not have, a reversed validity.
    """
    _refuse_reversed(facts.valid_from, facts.valid_until)
    identifier = addresses.award(facts.id)
    frozen: dict[str, Any] = json.loads(facts.achievement)
    if frozen.pop("@context", None) != list(CONTEXTS):
        raise ValueError("the frozen achievement does not carry the contexts of ours")
    endorsed = dict(frozen)
    if facts.endorsements:
        endorsed["endorsement"] = [json.loads(endorsement) for endorsement in facts.endorsements]
    document = {
        "@context": list(CONTEXTS),
        "id": identifier,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": frozen["name"],
        "issuer": _profile(addresses, facts.school),
        "awardedDate": date_time(facts.awarded_at),
        "validFrom": date_time(facts.valid_from),
        "validUntil": None if facts.valid_until is None else date_time(facts.valid_until),
        "credentialSubject": _present(
            {
                "id": facts.recipient.did,
                "type": ["AchievementSubject"],
                "identifier": [_identity(facts.recipient)],
                "achievement": endorsed,
                "result": [_result(frozen, outcome) for outcome in facts.outcomes],
            }
        ),
        "evidence": _evidence(identifier, facts.evidence),
        "credentialSchema": [{"id": ACHIEVEMENT_SCHEMA, "type": "JsonSchema"}],
        "credentialStatus": _status(facts.status),
    }
    return canonical_json(_present(document))


def _profile(addresses: Addresses, party: Party) -> dict[str, Any]:
    return {
        "id": addresses.did(party.handle),
        "type": ["Profile"],
        "name": party.name,
        "url": addresses.organization(party.handle),
    }


def _alignment(alignment: Alignment) -> dict[str, Any]:
    return _present(
        {
            "type": ["Alignment"],
            "targetName": alignment.name,
            "targetUrl": alignment.url,
            "targetFramework": alignment.framework,
            "targetType": alignment.kind,
            "targetCode": alignment.code,
        }
    )


def _measure(version: str, measure: Measure) -> dict[str, Any]:
    return _present(
        {
            "id": f"{version}#{measure.key}",
            "type": ["ResultDescription"],
            "name": measure.name,
            "resultType": measure.kind,
            "requiredLevel": None if measure.required_level is None else f"{version}#{measure.required_level}",
            "requiredValue": measure.required_value,
            "valueMin": measure.value_min,
            "valueMax": measure.value_max,
            "allowedValue": list(measure.allowed),
            "rubricCriterionLevel": [
                _present(
                    {
                        "id": f"{version}#{level.key}",
                        "type": ["RubricCriterionLevel"],
                        "name": level.name,
                        "level": level.level,
                        "points": level.points,
                        "description": level.description,
                    }
                )
                for level in measure.levels
            ],
        }
    )


def _result(achievement: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    measure_id = f"{achievement['id']}#{outcome.measure}"
    measures = {measure["id"]: measure for measure in achievement.get("resultDescription", [])}
    if measure_id not in measures:
        raise ValueError(f"the achievement has no measure {outcome.measure!r}")
    level_id = None if outcome.level is None else f"{achievement['id']}#{outcome.level}"
    levels = {level["id"] for level in measures[measure_id].get("rubricCriterionLevel", [])}
    if level_id is not None and level_id not in levels:
        raise ValueError(f"the measure {outcome.measure!r} has no level {outcome.level!r}")
    return _present(
        {
            "type": ["Result"],
            "resultDescription": measure_id,
            "achievedLevel": level_id,
            "value": outcome.value,
            "status": outcome.status,
        }
    )


def _identity(recipient: Recipient) -> dict[str, Any]:
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityType": "emailAddress",
        "salt": recipient.salt,
        "identityHash": identity_hash(recipient.email, recipient.salt),
    }


def _evidence(identifier: str, evidence: tuple[Evidence, ...]) -> list[dict[str, Any]]:
    return [
        _present(
            {
                "id": f"{identifier}/evidence/{number}",
                "type": ["Evidence"],
                "name": piece.name,
                "narrative": piece.narrative,
                "genre": piece.genre,
                "audience": piece.audience,
            }
        )
        for number, piece in enumerate(evidence, start=1)
    ]


def _resource(url: str, media_type: str, content: bytes) -> dict[str, Any]:
    return {
        "id": url,
        "mediaType": media_type,
        "digestSRI": digest_sri(content),
        "digestMultibase": digest_multibase(content),
    }


def _status(status: Status) -> dict[str, Any]:
    return {
        "id": f"{status.list_url}#{status.index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(status.index),
        "statusListCredential": status.list_url,
    }


def _number(value: Decimal) -> int | float:
    """JSON knows one kind of number; a whole one is written without a fraction."""
    return int(value) if value == value.to_integral_value() else float(value)


def _present(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out members without a value: the schemas know no null and no empty list."""
    return {key: value for key, value in document.items() if value is not None and value != []}


def _refuse_reversed(valid_from: datetime, valid_until: datetime | None) -> None:
    if valid_until is not None and valid_until <= valid_from:
        raise ValueError("valid_until must come after valid_from")
