"""The table of what is told: closed, worded in two languages, and true to what the rooms emit."""

from __future__ import annotations

import string

import pytest

from countersign.kit.access import Role
from countersign.notices import texts
from countersign.notices.rules_topics import SILENT, TOPICS, Party

HOLES = string.Formatter()


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in HOLES.parse(template) if name}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_told_in_both_languages_with_the_same_facts(topic: str) -> None:
    for party in Party:
        voice = texts.voice_of(topic, party.value)
        english, russian = (texts.SENTENCES[language][voice] for language in texts.LANGUAGES)
        assert holes(english) == holes(russian), voice
        assert english != russian


def test_no_sentence_is_left_over() -> None:
    voices = {texts.voice_of(topic, party.value) for topic in TOPICS for party in Party}
    for language in texts.LANGUAGES:
        assert set(texts.SENTENCES[language]) == voices


def test_nothing_is_told_and_passed_over_at_once() -> None:
    assert not set(TOPICS) & set(SILENT)
    assert all(topic.to for topic in TOPICS.values())
    assert all(SILENT.values())


@pytest.mark.parametrize(
    "topic",
    [
        name
        for name, topic in TOPICS.items()
        if name.startswith("review.") and "comment" not in name and "suggestion" not in name
    ],
)
def test_the_asked_side_of_a_review_is_never_told_the_school_by_name(topic: str) -> None:
    """A blind review names the school to nobody who reviews."""
    if any(audience.party is not Party.SCHOOL for audience in TOPICS[topic].to):
        voice = texts.voice_of(topic, Party.PARTNER.value)
        assert all("school" not in holes(texts.SENTENCES[language][voice]) for language in texts.LANGUAGES)


def test_who_is_told_holds_a_role_or_is_one_person() -> None:
    for topic in TOPICS.values():
        for audience in topic.to:
            assert audience.roles or audience.party in {Party.PERSON, Party.LEARNER}
            assert set(audience.roles) <= set(Role)


def test_a_fact_that_is_not_known_leaves_the_notice_readable() -> None:
    said = texts.sentence("review.reminder", {"title": "SQL {0} %s", "semver": "1.0.0"}, "en")
    assert said == "Your review of “SQL {0} %s” 1.0.0 is due on –: – day(s) are left."
    assert texts.sentence("review.requested", {"due_on": "2026-12-01"}, "ru").endswith(
        "2026-12-01: " + texts.HIDDEN["ru"] + "."
    )
    assert texts.sentence("gone.topic", {}, "fr") == "gone.topic"
