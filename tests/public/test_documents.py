"""Public documents: frozen and signed bytes as they are, missing and private alike."""

from __future__ import annotations

import hashlib
import json

import pytest

from countersign.endorsements import service as endorsements
from countersign.endorsements.service import Revoke
from countersign.kit.ids import new_id
from countersign.specs import service as specs
from countersign.trust.canonical_codes import digest_multibase, digest_sri
from countersign.trust.canonical_status import decode, is_set
from tests.public.conftest import Place
from tests.specs.support import submitted


async def test_a_published_version_is_served_byte_for_byte(place: Place) -> None:
    version = place.version
    achievement = await place.get(place.addresses.version(version.slug, version.semver))
    spec_json = await place.get(place.addresses.spec_json(version.slug, version.semver))
    assert (achievement.content, achievement.headers["content-type"]) == (version.achievement, "application/ld+json")
    assert (spec_json.content, spec_json.headers["content-type"]) == (version.spec_json, "application/json")
    assert hashlib.sha256(spec_json.content).hexdigest() == version.digest


async def test_digests_served_stored_and_signed_are_equal(place: Place) -> None:
    signed = (await place.get(place.addresses.endorsement(place.endorsement_id))).json()
    assert len(signed["relatedResource"]) == 2
    for resource in signed["relatedResource"]:
        served = await place.get(resource["id"])
        assert resource["digestMultibase"] == digest_multibase(served.content)
        assert resource["digestSRI"] == digest_sri(served.content)
        assert served.headers["content-type"] == resource["mediaType"]


async def test_an_endorsement_is_served_as_it_was_signed(place: Place) -> None:
    async with place.db.writer() as tx:
        kept = await tx.fetchval("select credential from endorsement_signatures")
    answer = await place.get(place.addresses.endorsement(place.endorsement_id))
    assert answer.content == kept
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    asked = await place.get(place.addresses.endorsement(place.endorsement_id), accept="application/vc")
    assert (asked.content, asked.headers["content-type"]) == (kept, "application/vc")


async def test_an_endorsement_is_nobodys_to_read_until_its_version_is_public(place: Place) -> None:
    url = place.addresses.endorsement(place.endorsement_id)
    signed = (await place.get(url)).content
    missing = await place.http.get(f"/endorsements/{new_id()}")
    shared = await place.http.get(f"/v/{new_id()}")
    states = {"submitted": 404, "in_review": 404, "withdrawn": 404, "published": 200, "deprecated": 200, "retired": 200}
    for state, status in states.items():
        async with place.db.writer() as tx:
            await tx.execute("update spec_versions set state = $2 where id = $1", place.version.id, state)
        answer = await place.get(url)
        assert (answer.status_code, answer.content) == (status, signed if status == 200 else missing.content), state
        page = await place.http.get(f"/v/{place.endorsement_id}")
        assert page.status_code == status
        assert (page.content == shared.content) is (status == 404)


async def test_endorsements_of_a_version_are_those_in_force(place: Place) -> None:
    url = place.addresses.version(place.version.slug, place.version.semver)
    signed = (await place.get(place.addresses.endorsement(place.endorsement_id))).content
    listed = await place.get(f"{url}/endorsements")
    assert signed in listed.content
    assert listed.json() == {"version": url, "digest": place.version.digest, "endorsements": [json.loads(signed)]}
    async with place.db.writer() as tx:
        await endorsements.revoke(tx, place.employer, Revoke(place.endorsement_id, "The tool is gone."))
    assert (await place.get(f"{url}/endorsements")).json()["endorsements"] == []
    assert (await place.get(place.addresses.endorsement(place.endorsement_id))).content == signed


async def test_a_revocation_is_in_the_published_list_at_once(place: Place) -> None:
    status = (await place.get(place.addresses.endorsement(place.endorsement_id))).json()["credentialStatus"]

    async def bit() -> bool:
        listed = (await place.get(status["statusListCredential"])).json()
        return is_set(decode(listed["credentialSubject"]["encodedList"]), int(status["statusListIndex"]))

    assert await bit() is False
    async with place.db.writer() as tx:
        await endorsements.revoke(tx, place.employer, Revoke(place.endorsement_id, "The tool is gone."))
    assert await bit() is True


@pytest.mark.parametrize("name", ["did", "status"])
async def test_moving_documents_are_kept_for_a_minute_and_compared_by_tag(place: Place, name: str) -> None:
    url = {
        "did": place.addresses.did_document("orbita"),
        "status": place.addresses.status_list("orbita", "revocation", 1),
    }[name]
    first = await place.get(url)
    assert first.headers["content-type"] == "application/ld+json"
    assert first.headers["cache-control"] == "public, max-age=60"
    again = await place.get(url, if_none_match=f'"other", {first.headers["etag"]}')
    assert (again.status_code, again.content) == (304, b"")
    assert (await place.get(url, if_none_match='"other"')).content == first.content


async def test_the_did_document_shows_the_key_that_signed(place: Place) -> None:
    signed = (await place.get(place.addresses.endorsement(place.endorsement_id))).json()
    shown = (await place.get(place.addresses.did_document("orbita"))).json()
    assert shown["id"] == signed["issuer"]["id"]
    assert signed["proof"]["verificationMethod"] in shown["assertionMethod"]


async def test_missing_and_unpublished_look_the_same(place: Place) -> None:
    async with place.db.writer() as tx:
        hidden = await submitted(tx, place.school, slug="not-yet")
        assert await specs.lock_version(tx, hidden) is not None
    answers = [
        await place.get(path)
        for path in (
            "/specs/not-yet/versions/1.0.0",
            "/specs/not-yet/versions/1.0.0/spec.json",
            "/specs/not-yet/versions/1.0.0/endorsements",
            "/specs/nothing/versions/1.0.0",
            "/orgs/nobody/did.json",
            "/status/nobody/revocation/1",
            "/status/orbita/revocation/2",
            f"/endorsements/{place.version.id}",
        )
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (404, b'{"error":"There is nothing here."}')
    }


async def test_documents_are_read_only(place: Place) -> None:
    assert (await place.http.post("/orgs/orbita/did.json")).status_code == 405
    head = await place.http.head("/orgs/orbita/did.json")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/orgs/%00",
        "/orgs/%00/did.json",
        "/specs/%00",
        "/specs/%00/versions/1.0.0",
        "/specs/x/versions/%00/criteria",
        "/specs/x/versions/1.0.0%00/spec.json",
        "/specs/%00/versions/1.0.0/endorsements",
        "/status/%00/revocation/1",
        "/status/orbita/revocation/99999999999999999999",
        "/status/orbita/revocation/0",
        "/awards/%00",
        "/v/%00",
        "/endorsements/%00",
    ],
)
async def test_an_address_that_nothing_can_have_is_not_found(place: Place, path: str) -> None:
    assert (await place.http.get(path)).status_code == 404
