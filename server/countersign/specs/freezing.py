"""The two frozen byte strings of a version, and the digest that an endorser signs. Pure.

The Open Badges Achievement is built by trust; `spec.json` is RFC 8785 (JCS) of every content field, of what names the
version, and of the Achievement's SHA-256. The digest is the lower-case hexadecimal SHA-256 of `spec.json`.
"""

from dataclasses import dataclass, fields
from typing import Final

from pydantic.alias_generators import to_camel

from countersign.specs.content import Assessment, Content
from countersign.specs.reading import to_json
from countersign.specs.rules import Kind
from countersign.trust import documents
from countersign.trust.addresses import Addresses
from countersign.trust.canonical import canonical_json
from countersign.trust.canonical_codes import sha256_hex

IDENTITY_KEYS: Final = ("id", "slug", "version", "kind", "previousVersion", "awardingBody", "achievementSha256")
CONTENT_KEYS: Final = tuple(to_camel(field.name) for field in fields(Content))
DIGESTED_KEYS: Final = frozenset(IDENTITY_KEYS + CONTENT_KEYS)
"""Every key of `spec.json`: content and what names it; never endorsements, counts, states or image bytes."""

NOT_STATED: Final = "Not stated."
TARGET_TYPES: Final = {"ESCO": "ext:ESCOSkill", "RSD": "ext:RSD"}
ACHIEVEMENT_TYPES: Final = {
    Kind.BLOCK: "MicroCredential",
    Kind.CAPSTONE: "MicroCredential",
    Kind.DIPLOMA: "Diploma",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What names a version and its school; `country` is ISO 3166 alpha-2."""

    slug: str
    semver: str
    kind: Kind
    school_handle: str
    school_name: str
    legal_name: str
    country: str
    previous_semver: str | None = None


@dataclass(frozen=True, slots=True)
class Frozen:
    """The bytes that are stored, served and signed, and `spec_json`'s digest."""

    achievement: bytes
    spec_json: bytes
    digest: str


def freeze(addresses: Addresses, content: Content, identity: Identity) -> Frozen:
    """Freeze a version. The same content and identity always give the same bytes.

    The content must have a title and a description (`rules.require_submittable`), and each aligned skill its name.
    """
    achievement = documents.achievement(addresses, _achievement(content, identity))
    document = {
        **to_json(content),
        "id": addresses.version(identity.slug, identity.semver),
        "slug": identity.slug,
        "version": identity.semver,
        "kind": identity.kind.value,
        "previousVersion": identity.previous_semver,
        "awardingBody": {
            "id": addresses.did(identity.school_handle),
            "legalName": identity.legal_name,
            "country": identity.country,
        },
        "achievementSha256": sha256_hex(achievement),
    }
    spec_json = canonical_json(document)
    return Frozen(achievement, spec_json, sha256_hex(spec_json))


def _achievement(content: Content, identity: Identity) -> documents.Achievement:
    if content.title is None or content.description is None:
        raise ValueError("a version is frozen with a title and a description")
    assessment = content.assessment or Assessment()
    return documents.Achievement(
        slug=identity.slug,
        semver=identity.semver,
        name=content.title,
        description=content.description,
        criteria=assessment.description or NOT_STATED,
        creator=documents.Party(identity.school_handle, identity.school_name),
        language=content.language,
        kind=ACHIEVEMENT_TYPES[identity.kind],
        credits=content.ects,
        tags=content.tags,
        alignments=tuple(
            documents.Alignment(
                name=skill.name or skill.uri,
                url=skill.uri,
                framework=skill.framework,
                kind=TARGET_TYPES.get(skill.framework or "", "ext:Skill"),
            )
            for skill in content.skills
        ),
        measures=tuple(
            documents.Measure(
                key=criterion.id,
                name=criterion.name,
                levels=tuple(
                    documents.Level(
                        key=f"{criterion.id}-{level.id}",
                        name=level.name,
                        level=level.level,
                        points=str(level.points) if level.points is not None else None,
                        description=level.description,
                    )
                    for level in criterion.levels
                ),
                required_level=f"{criterion.id}-{criterion.required_level}" if criterion.required_level else None,
            )
            for criterion in assessment.rubric
        ),
        previous_semver=identity.previous_semver,
    )
