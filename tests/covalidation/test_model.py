"""Random stories of co-validation: the portal and the model say the same of every step (Hypothesis)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.covalidation.house import House, close_house, open_house
from tests.covalidation.machine import CoValidation

SHORT = settings(max_examples=200, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(SHORT, max_examples=2_000, stateful_step_count=50)


@pytest.fixture
def house(database_dsn: str) -> Iterator[House]:
    """A house for this file alone."""
    house = open_house(database_dsn)
    yield house
    close_house(house)


def test_two_hundred_stories_have_the_answers_of_the_model(house: House) -> None:
    CoValidation.house = house
    run_state_machine_as_test(CoValidation, settings=SHORT)


@pytest.mark.campaign
def test_two_thousand_long_stories_have_the_answers_of_the_model(house: House) -> None:
    CoValidation.house = house
    run_state_machine_as_test(CoValidation, settings=LONG)
