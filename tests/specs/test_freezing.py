"""The frozen bytes of a version: the golden Achievement, the keys of spec.json, and a digest that any change moves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any, Final

import pytest
import rfc8785

from countersign.specs.freezing import DIGESTED_KEYS, Identity, freeze
from countersign.specs.reading import parse
from countersign.specs.rules import Kind
from countersign.trust.addresses import Addresses
from tests.specs.samples import COMPLETE, changed

GOLDEN_ADDRESSES: Final = Addresses("https://countersign.example")
GOLDEN_SHA256: Final = "075c9e259e7220d93a3dfe7284a029534c03d16305ed8e3a347447ffd5277d77"
IDENTITY: Final = Identity(
    slug="ab-testing-python",
    semver="2.1.0",
    kind=Kind.BLOCK,
    school_handle="northgate",
    school_name="Northgate School of Product",
    legal_name="Northgate School of Product Ltd",
    country="EE",
    previous_semver="2.0.0",
)


def frozen(identity: Identity = IDENTITY, **fields: Any) -> Any:
    named = changed(**fields)
    if "skills" not in fields:
        named["skills"] = [{**COMPLETE["skills"][0], "name": "conduct quantitative research", "framework": "ESCO"}]
    return freeze(GOLDEN_ADDRESSES, parse(named), identity)


def test_achievement_is_the_golden_one_byte_for_byte() -> None:
    achievement = frozen().achievement
    assert len(achievement) == 1_784
    assert hashlib.sha256(achievement).hexdigest() == GOLDEN_SHA256


def test_spec_json_has_exactly_the_digested_keys() -> None:
    assert set(json.loads(frozen().spec_json)) == DIGESTED_KEYS
    assert not {"state", "endorsement", "endorsements", "gaps", "revision", "image"} & DIGESTED_KEYS


def test_spec_json_is_canonical_and_carries_the_achievements_digest() -> None:
    result = frozen()
    document = json.loads(result.spec_json)
    assert rfc8785.dumps(document) == result.spec_json
    assert document["achievementSha256"] == GOLDEN_SHA256
    assert result.digest == hashlib.sha256(result.spec_json).hexdigest()
    assert document["awardingBody"] == {
        "id": "did:web:countersign.example:orgs:northgate",
        "legalName": "Northgate School of Product Ltd",
        "country": "EE",
    }


def test_freezing_again_gives_the_same_bytes() -> None:
    assert frozen() == frozen()
    assert frozen(ects="3.0", workloadHours="75.00") == frozen()


@pytest.mark.parametrize("field", sorted(set(COMPLETE) - {"title", "description", "language"}))
def test_leaving_out_any_field_moves_the_digest(field: str) -> None:
    fields: dict[str, Any] = {field: ...}
    if field == "skills":
        fields["outcomes"] = [{"id": "report", "statement": "Plans an experiment."}]
    assert frozen(**fields).digest != frozen().digest


def test_changing_one_character_moves_the_digest() -> None:
    assert frozen(furtherInformation="a").digest != frozen(furtherInformation="b").digest
    assert frozen(title=COMPLETE["title"] + ".").digest != frozen().digest


@pytest.mark.parametrize("change", [{"semver": "2.1.1"}, {"country": "LV"}, {"legal_name": "Other"}, {"slug": "other"}])
def test_the_version_and_its_school_are_in_the_digest(change: dict[str, Any]) -> None:
    assert frozen(replace(IDENTITY, **change)).digest != frozen().digest


def test_content_without_title_cannot_be_frozen() -> None:
    with pytest.raises(ValueError, match="title"):
        frozen(title=...)
