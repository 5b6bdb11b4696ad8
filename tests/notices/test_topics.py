"""The table of what is told: closed, worded in two languages, and true to what the rooms emit."""

from __future__ import annotations

import string

import pytest

from countersign.endorsements.drift_rules import Cause
from countersign.kit.access import Role
from countersign.notices import rules_pages, rules_plurals, texts
from countersign.notices.rules_pages import Page
from countersign.notices.rules_topics import SILENT, TOPICS, Party

HOLES = string.Formatter()


def voices(topic: str) -> set[str]:
    """Every sentence with which a topic may be told; without its case it still has one."""
    cases = (None, *TOPICS[topic].cases)
    return {texts.voice_of(topic, party.value, case) for party in Party for case in cases}


def holes(template: str) -> set[str]:
    return {name for _, name, _, _ in HOLES.parse(template) if name}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_is_told_in_both_languages_with_the_same_facts(topic: str) -> None:
    for voice in voices(topic):
        english, russian = (texts.SENTENCES[language][voice] for language in texts.LANGUAGES)
        assert holes(english) == holes(russian), voice
        assert english != russian


def test_no_sentence_is_left_over() -> None:
    said = {voice for topic in TOPICS for voice in voices(topic)}
    for language in texts.LANGUAGES:
        assert set(texts.SENTENCES[language]) == said


def test_every_cause_of_drift_has_a_sentence_of_its_own_that_tells_when_or_what_came_instead() -> None:
    taught = {f"taught_{cause}" for cause in (Cause.SUPPORT_ENDING, Cause.SUPPORT_ENDED)}
    assert set(TOPICS["drift.raised"].cases) == set(Cause) | taught
    for case in TOPICS["drift.raised"].cases:
        voice = texts.voice_of("drift.raised", Party.HOUSE.value, case)
        assert voice == f"drift.raised/{case}"
        assert holes(texts.SENTENCES["en"][voice]) & {"until", "next"}


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
    assert said == "Your review of “SQL {0} %s” 1.0.0 is due on –: – days are left."
    assert texts.sentence("review.requested", {"due_on": "2026-12-01"}, "ru").endswith(
        "2026-12-01: " + texts.HIDDEN["ru"] + "."
    )
    assert texts.sentence("gone.topic", {}, "fr") == "gone.topic"


# The samples that CLDR 46 gives for whole numbers, by form.
ENGLISH = {0: [1], 1: [0, 2, 5, 11, 21, 100, 101, 1000]}
RUSSIAN = {
    0: [1, 21, 31, 101, 1001],
    1: [2, 3, 4, 22, 24, 32, 102, 104, 1002],
    2: [0, 5, 9, 10, 11, 12, 13, 14, 19, 20, 25, 100, 111, 112, 1000, 1011],
}


@pytest.mark.parametrize(("language", "samples"), [("en", ENGLISH), ("ru", RUSSIAN)])
def test_the_form_of_a_word_is_the_one_of_its_number(language: str, samples: dict[int, list[int]]) -> None:
    assert len(samples) == rules_plurals.FORMS[language][0]
    for place, numbers in samples.items():
        for number in numbers:
            assert rules_plurals.form(language, number, ["0", "1", "2"]) == str(place), number


@pytest.mark.parametrize(
    ("language", "days", "said"),
    [
        ("en", 1, "The right to sign for Ours ends in 1 day."),
        ("en", 7, "The right to sign for Ours ends in 7 days."),
        ("ru", 1, "Право подписи (Ours) закончится через 1 день."),
        ("ru", 3, "Право подписи (Ours) закончится через 3 дня."),
        ("ru", 7, "Право подписи (Ours) закончится через 7 дней."),
    ],
)
def test_days_are_counted_in_words(language: str, days: int, said: str) -> None:
    assert texts.sentence("membership.signing_expiring", {"house": "Ours", "days": days}, language) == said


def test_every_counted_word_has_all_the_forms_of_its_language_and_none_is_written_around() -> None:
    for language in texts.LANGUAGES:
        for name, said in {**texts.SENTENCES[language], **texts.LETTERS[language]}.items():
            assert "(s)" not in said, name
            for _, hole, spec, _ in HOLES.parse(said):
                if hole in {"days", "count", "waiting"}:
                    assert len((spec or "").split("|")) == rules_plurals.FORMS[language][0], (language, name)


def test_braces_in_a_name_are_letters() -> None:
    said = texts.sentence("review.declined", {"title": "{what}", "semver": "1", "partner": "{0.__class__}"}, "en")
    assert said == "{0.__class__} will not review “{what}” 1."


FACTS = {"slug": "a-b", "semver": "1.0.0", "public": True, "handle": "ours", "next": "1.0.1", "endorsement": "end_1"}
PATHS = {
    Page.VERSION: "/specs/a-b/versions/1.0.0/criteria",
    Page.SUCCESSOR: "/specs/a-b/versions/1.0.1/criteria",
    Page.ENDORSEMENT: "/v/1",
    Page.ORGANIZATION: "/orgs/ours",
    Page.LEARNER: "/claim",
    None: None,
}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_leads_to_its_page_and_to_none_that_may_not_be_opened(topic: str) -> None:
    assert topic.partition(".")[0] in rules_pages.ROOMS
    page = rules_pages.page_of(topic)
    assert rules_pages.path(topic, "end_1", FACTS) == PATHS[page]
    hidden = rules_pages.path(topic, "end_1", FACTS | {"public": False})
    assert hidden == (PATHS[page] if page in {Page.SUCCESSOR, Page.ORGANIZATION, Page.LEARNER} else None)
    assert rules_pages.path(topic, "rrq_1", {}) == (PATHS[page] if page is Page.LEARNER else None)


def test_every_room_and_topic_that_leads_somewhere_is_told() -> None:
    assert {topic.partition(".")[0] for topic in TOPICS} == set(rules_pages.ROOMS)
    assert set(rules_pages.TOPICS) <= set(TOPICS)
