"""Every address that stands in a signed document leads somewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.public.conftest import Place
from tests.public.test_verifying import Tags


def addresses(value: Any, origin: str) -> Iterator[str]:
    """Every address of ours in a document."""
    if isinstance(value, dict):
        for held in value.values():
            yield from addresses(held, origin)
    elif isinstance(value, list):
        for held in value:
            yield from addresses(held, origin)
    elif isinstance(value, str) and value.startswith(origin):
        yield value.partition("#")[0]


async def test_every_address_of_ours_in_a_signed_award_leads_somewhere(place: Place) -> None:
    award = json.loads((await place.get(place.award_path)).content)
    # The award's own id is nobody's address (it is shared sealed), and evidence has no page of its own.
    found = {a for a in addresses(award, place.addresses.origin) if "/awards/" not in a and "/evidence/" not in a}
    answers = {address: (await place.get(address)).status_code for address in found}
    spec = place.addresses.spec(place.version.slug)
    assert answers.pop(spec) == 307
    assert set(answers.values()) == {200}
    assert len(answers) >= 8


async def test_the_page_of_an_organization_says_whether_it_was_verified(place: Place) -> None:
    page = Tags((await place.get("/orgs/orbita", accept_language="en")).text)
    for words in ("Orbita Ltd", "employer", "DE", "verified", "made up for the demonstration"):
        assert words in page.words
    assert "a href=/orgs/orbita/did.json" in page.tags


async def test_the_criteria_are_those_that_were_frozen(place: Place) -> None:
    frozen = json.loads(place.version.achievement)
    answer = await place.get(frozen["criteria"]["id"], accept_language="ru")
    page = Tags(answer.text)
    assert frozen["criteria"]["narrative"] in page.words
    assert place.version.digest in page.words
    assert "Как это получить" in page.words
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_spec_leads_to_its_latest_published_version(place: Place) -> None:
    answer = await place.get(place.addresses.spec(place.version.slug))
    version = place.addresses.version(place.version.slug, place.version.semver)
    assert (answer.status_code, answer.headers["location"]) == (307, f"{place.path(version)}/criteria")


@pytest.mark.parametrize("path", ["/orgs/nobody", "/specs/nothing", "/specs/nothing/versions/1.0.0/criteria"])
async def test_pages_of_what_is_missing_are_alike(place: Place, path: str) -> None:
    answer = await place.get(path)
    assert answer.status_code == 404
    assert answer.content == (await place.get("/v/x")).content
