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


@pytest.fixture(scope="module")
def house(database_dsn: str) -> Iterator[House]:
    """A house for this file alone."""
    house = open_house(database_dsn)
    yield house
    close_house(house, database_dsn)


def test_two_hundred_stories_have_the_answers_of_the_model(house: House) -> None:
    CoValidation.house = house
    run_state_machine_as_test(CoValidation, settings=SHORT)


def test_what_expired_is_said_again_and_the_new_word_names_it(house: House) -> None:
    """A story that two thousand long ones found, and the model was wrong."""
    CoValidation.house = house
    story = CoValidation()
    version = story.the_first_version()
    story.the_school_moves_it(version=version, person="school.author", act="publish")
    word = story.it_is_endorsed(version=version, person="north.signatory", days=20, seats=0, seen=True)
    story.time_passes(days=310)
    story.it_is_renewed(word=word, person="north.signatory", days=300)
    assert [found.supersedes for found in story.model.endorsements.values()] == [None, word]
    story.the_school_reads_what_the_model_says()
    story.teardown()


def test_who_may_not_speak_of_a_version_any_more_is_told_so_before_what_stands_behind_it(house: House) -> None:
    """Another of those: the version was deprecated, and the pledge behind the word had ended too."""
    CoValidation.house = house
    story = CoValidation()
    version = story.the_first_version()
    story.the_school_moves_it(version=version, person="school.author", act="publish")
    word = story.it_is_endorsed(version=version, person="south.signatory", days=20, seats=1, seen=True)
    story.time_passes(days=310)
    story.the_school_moves_it(version=version, person="school.author", act="deprecate")
    story.it_is_renewed(word=word, person="south.signatory", days=20)
    story.the_school_reads_what_the_model_says()
    story.teardown()


def test_who_endorses_an_earlier_version_unknowing_is_told_once_of_the_later_one(house: House) -> None:
    CoValidation.house = house
    story = CoValidation()
    first = story.the_first_version()
    story.the_school_moves_it(version=first, person="school.author", act="publish")
    second = story.another_version(base=first)
    story.the_school_moves_it(version=second, person="school.author", act="publish")
    for knows, taken in ((False, 0), (True, 1), (False, 2)):
        story.it_is_endorsed(version=first, person="north.signatory", days=20, seats=0, seen=True, knows=knows)
        assert len(story.model.endorsements) == taken
    story.the_school_reads_what_the_model_says()
    story.teardown()


def test_whose_word_was_paused_when_the_later_version_came_is_told_before_the_next_word(house: House) -> None:
    CoValidation.house = house
    story = CoValidation()
    first = story.the_first_version()
    story.the_school_moves_it(version=first, person="school.author", act="publish")
    word = story.it_is_endorsed(version=first, person="north.signatory", days=300, seats=0, seen=True)
    story.the_endorser_moves_it(word=word, person="north.signatory", act="suspend")
    story.time_passes(days=1)
    second = story.another_version(base=first)
    story.the_school_moves_it(version=second, person="school.author", act="publish")
    story.it_is_endorsed(version=first, person="north.signatory", days=20, seats=0, seen=True, knows=False)
    assert len(story.model.endorsements) == 1
    story.the_school_reads_what_the_model_says()
    story.teardown()


@pytest.mark.campaign
def test_two_thousand_long_stories_have_the_answers_of_the_model(house: House) -> None:
    CoValidation.house = house
    run_state_machine_as_test(CoValidation, settings=LONG)
