"""How learners are found again, and what a person's facts must look like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.kit.errors import Invalid, Refusal, Required, TooLong
from countersign.learners import rules

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("email", ["a@example.com", " A@Example.COM ", "a@EXAMPLE.com\t"])
def test_one_address_is_one_learner_however_it_is_spelled(email: str) -> None:
    assert rules.lookup_key(email) == rules.lookup_key("a@example.com")


def test_other_addresses_are_other_learners() -> None:
    assert (
        len({rules.lookup_key(e) for e in ("a@example.com", "b@example.com", "a@example.org", "a.@example.com")}) == 4
    )


@given(st.emails())
def test_every_ordinary_address_is_taken_or_named_as_faulty(email: str) -> None:
    problem = rules.email_problem(email)
    assert problem is None or problem.startswith("is ")


@pytest.mark.parametrize(
    "email",
    [
        "",
        "   ",
        "anna",
        "anna@",
        "@example.com",
        "anna@example",
        "an na@example.com",
        "a@b@example.com",
        "a@x.c",
        "a,b@example.com",
    ],
)
def test_a_malformed_address_is_refused(email: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_person(email, "Anna", "DE", None)
    assert refused.value.path == ("email",)


@pytest.mark.parametrize(
    ("name", "country", "region", "kind", "place"),
    [
        ("", "DE", None, Required, "fullName"),
        ("x" * 201, "DE", None, TooLong, "fullName"),
        ("Anna", "de", None, Invalid, "country"),
        ("Anna", "DEU", None, Invalid, "country"),
        ("Anna", "DE", "Berlin", Invalid, "region"),
        ("Anna", "DE", "FR-75", Invalid, "region"),
    ],
)
def test_a_malformed_person_is_refused_with_the_place(
    name: str, country: str, region: str | None, kind: type[Refusal], place: str
) -> None:
    with pytest.raises(kind) as refused:
        rules.check_person("a@example.com", name, country, region)
    assert refused.value.path == (place,)


def test_a_person_with_and_without_region_is_taken() -> None:
    rules.check_person("a@example.com", "Anna", "DE", "DE-BE")
    rules.check_person("a@example.com", "Anna", "DE", None)


def test_a_consent_ends_after_it_begins() -> None:
    rules.check_expiry(NOW, None)
    rules.check_expiry(NOW, NOW + timedelta(seconds=1))
    with pytest.raises(Invalid):
        rules.check_expiry(NOW, NOW)
