"""The verification page and `POST /verify`."""

from __future__ import annotations

import asyncio
import json
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest
from structlog.testing import capture_logs

from countersign.endorsements import service as endorsements
from countersign.endorsements.service import Revoke
from countersign.public import texts
from countersign.trust.verify_findings import Outcome, Verdict
from tests.public.conftest import Place


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag and its attributes."""
        self.tags.append(" ".join([tag, *(f"{name}={value}" for name, value in attrs)]))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.words += data


async def post(place: Place, body: str | bytes, kind: str = "application/json") -> httpx.Response:
    return await place.http.post("/verify", content=body, headers={"content-type": kind})


async def credential(place: Place) -> str:
    return (await place.get(place.addresses.endorsement(place.endorsement_id))).text


async def test_a_signed_endorsement_is_valid(place: Place) -> None:
    answer = await post(place, await credential(place))
    report = answer.json()
    assert answer.status_code == 200
    assert report["verdict"] == "VALID"
    findings = report["credentials"][0]["findings"]
    assert [f["check"] for f in findings] == [
        "contexts", "schema", "terms", "proof", "dates", "status", "digest", "digest", "issuer",
    ]  # fmt: skip
    assert {f["outcome"] for f in findings} == {"passed"}
    assert report["checkedAt"].endswith("Z")


async def test_a_revoked_endorsement_is_revoked_at_once(place: Place) -> None:
    signed = await credential(place)
    async with place.db.writer() as tx:
        await endorsements.revoke(tx, place.employer, Revoke(place.endorsement_id, "The tool is gone."))
    assert (await post(place, signed)).json()["verdict"] == "REVOKED"


async def test_altered_and_extended_endorsements_are_refused(place: Place) -> None:
    altered = json.loads(await credential(place))
    altered["credentialSubject"]["endorsementComment"] = "Other words."
    assert (await post(place, json.dumps(altered))).json()["verdict"] == "BAD_PROOF"
    extended = json.loads(await credential(place))
    extended["credentialSubject"]["stray"] = "unsigned"
    assert (await post(place, json.dumps(extended))).json()["verdict"] == "UNDEFINED_TERMS"


async def test_a_suspended_endorser_is_not_trusted(place: Place) -> None:
    async with place.db.writer() as tx:
        await tx.execute("update organizations set verification = 'suspended' where handle = 'orbita'")
    assert (await post(place, await credential(place))).json()["verdict"] == "UNTRUSTED_ISSUER"


async def test_a_foreign_credential_is_judged_without_fetching(place: Place) -> None:
    foreign = (await credential(place)).replace("localhost%3A4600", "elsewhere.example")
    report = (await post(place, foreign)).json()
    assert report["verdict"] == "UNTRUSTED_ISSUER"
    outcomes = {f["check"]: f["outcome"] for f in report["credentials"][0]["findings"]}
    assert outcomes["proof"] == "not_checked"


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"x" * 262_145, "application/json", 413),
        (b"", "application/json", 200),
        (b"\xff\xfe", "application/json", 200),
        (b"[1]", "application/vc", 200),
        (b'{"@context": "https://www.w3.org/ns/credentials/v2", "issuer": {"id": ["x"]}}', "application/json", 200),
    ],
)
async def test_what_cannot_be_judged_is_answered_and_never_an_error(
    place: Place, body: bytes, kind: str, status: int
) -> None:
    answer = await post(place, body, kind)
    assert answer.status_code == status
    assert answer.json().get("verdict", "INVALID") != "VALID"


async def test_the_shared_page_shows_the_verdict_and_the_words_as_text(place: Place) -> None:
    answer = await place.get(f"/v/{place.endorsement_id}", accept_language="en")
    page = Tags(answer.text)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "VALID" in page.words
    assert "We <b>interview</b> every holder & «hire»." in page.words
    assert f"a href=/endorsements/{place.endorsement_id}" in page.tags
    assert [tag for tag in page.tags if tag.split()[0] in {"b", "script", "style", "img", "iframe"}] == []


async def test_pages_forbid_scripts_framing_and_referrers(place: Place) -> None:
    for answer in (await place.get("/verify"), await place.get(f"/v/{place.endorsement_id}"), await place.get("/v/x")):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    css = await place.get("/verify.css")
    assert css.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/v/award_secret", "/awards/award_secret"])
async def test_the_id_of_a_shared_document_is_not_logged(place: Place, path: str) -> None:
    with capture_logs() as logged:
        await place.get(path)
    assert [line["path"] for line in logged] == [path.replace("award_secret", "[hidden]")]


async def test_pages_speak_russian_when_asked(place: Place) -> None:
    by_browser = await place.get("/verify", accept_language="fr, ru-RU;q=0.9, en;q=0.8")
    assert '<html lang="ru">' in by_browser.text
    assert "Проверка документа" in by_browser.text
    by_link = await place.get("/verify?lang=en", accept_language="ru")
    assert "Check a credential" in by_link.text
    assert "Действителен" in (await place.get(f"/v/{place.endorsement_id}?lang=ru")).text


async def test_the_form_answers_with_a_page(place: Place) -> None:
    form = urlencode({"credential": await credential(place)})
    answer = await post(place, form, "application/x-www-form-urlencoded")
    assert answer.status_code == 200
    assert "VALID" in Tags(answer.text).words
    hostile = urlencode({"credential": json.dumps({"name": "</dd><script>alert(1)</script>", "id": "\0\ufffe"})})
    page = Tags((await post(place, hostile, "application/x-www-form-urlencoded")).text)
    assert "</dd><script>alert(1)</script>" in page.words
    assert not any(tag.startswith("script") for tag in page.tags)


async def test_a_crowd_is_asked_to_come_again(place: Place) -> None:
    answers = await asyncio.gather(*(post(place, b"{}") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200, 503}
    assert {answer.headers.get("retry-after") for answer in answers if answer.status_code == 503} == {"2"}


async def test_a_form_too_large_says_so(place: Place) -> None:
    answer = await post(place, b"credential=" + b"x" * 900_000, "application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert "256 KB" in answer.text


@pytest.mark.parametrize("name", ["x", "0199a1f0-0000-7000-8000-000000000001", "award_AAAA", "%00", "а"])
async def test_missing_and_private_pages_look_the_same(place: Place, name: str) -> None:
    answer = await place.get(f"/v/{name}")
    other = await place.get("/v/other")
    assert answer.status_code == 404
    assert answer.content == other.content


def test_every_verdict_outcome_and_check_has_words_in_both_languages() -> None:
    needed = {
        *Verdict,
        *Outcome,
        "size",
        "syntax",
        "contexts",
        "schema",
        "terms",
        "proof",
        "dates",
        "status",
        "subject",
    }
    assert needed <= set(texts.TEXTS)
    assert all(english and russian and english != russian for english, russian in texts.TEXTS.values())


async def test_an_award_is_served_to_who_has_its_sealed_id_and_to_nobody_else(place: Place) -> None:
    answer = await place.get(place.award_path)
    award = answer.json()
    assert award["id"] == place.addresses.award(place.award.award_id)
    assert answer.headers["cache-control"] == "private, no-store"
    assert len(award["credentialSubject"]["achievement"]["endorsement"]) == 1
    assert "anna" not in answer.text.lower()
    others = [
        await place.get(path)
        for path in (f"/awards/{place.award.award_id}", "/awards/award_AAAA", f"/awards/{place.endorsement_id}")
    ]
    assert {(other.status_code, other.content) for other in others} == {(404, b'{"error":"There is nothing here."}')}


async def test_an_award_is_valid_with_its_endorsement_inside(place: Place) -> None:
    award = (await place.get(place.award_path)).text
    report = (await post(place, award)).json()
    assert report["verdict"] == "VALID"
    assert [(c["path"], c["verdict"]) for c in report["credentials"]] == [
        ("$", "VALID"),
        ("$.credentialSubject.achievement.endorsement[0]", "VALID"),
    ]
    checks = [f["check"] for f in report["credentials"][0]["findings"] if f["outcome"] == "passed"]
    assert checks == ["contexts", "schema", "terms", "proof", "dates", "status", "digest", "issuer"]


async def test_an_endorsement_revoked_later_shows_itself_and_leaves_the_award_valid(place: Place) -> None:
    award = (await place.get(place.award_path)).text
    async with place.db.writer() as tx:
        await endorsements.revoke(tx, place.employer, Revoke(place.endorsement_id, "The tool is gone."))
    report = (await post(place, award)).json()
    assert [c["verdict"] for c in report["credentials"]] == ["VALID", "REVOKED"]
    assert report["verdict"] == "VALID"


async def test_the_page_of_an_award_has_the_sealed_id_only(place: Place) -> None:
    answer = await place.get(place.award_path.replace("/awards/", "/v/"))
    page = Tags(answer.text)
    assert answer.status_code == 200
    assert f"a href={place.award_path}" in page.tags
    assert page.words.count("VALID") >= 2
    assert (await place.get(f"/v/{place.award.award_id}")).status_code == 404


@pytest.mark.parametrize(
    ("genuine", "hostile"),
    [
        (":orgs:orbita", ":orgs:%00"),
        ("/status/orbita/", "/status/\\u0000/"),
        ("/versions/", "/versions\\u0000/versions/"),
    ],
)
async def test_a_credential_that_names_what_nothing_can_have_is_judged(
    place: Place, genuine: str, hostile: str
) -> None:
    signed = (await place.get(place.addresses.endorsement(place.endorsement_id))).text
    assert genuine in signed
    answer = await post(place, signed.replace(genuine, hostile))
    assert answer.status_code == 200
    assert answer.json()["verdict"] not in {"VALID", "SUPERSEDED"}


async def test_a_form_of_many_fields_is_judged_as_an_empty_one(place: Place) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = await place.http.post("/verify", content="credential=x&" * 50, headers=form)
    assert answer.status_code == 200
    assert "SCHEMA_INVALID" in answer.text
