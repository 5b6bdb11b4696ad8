"""Due dates: which steps are told on which day, which dates are taken, how links of experts end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from countersign.kit.errors import Invalid
from countersign.reviews import rules_experts
from countersign.reviews.rules_due import STEPS, DueInPast, NotLater, due_on, expires_on, later, steps_due

DUE = date(2026, 12, 20)
ASKED = DUE - timedelta(days=28)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days_before", "told"),
    [
        *((28, []), (8, []), (7, ["seven_days"]), (4, ["seven_days"]), (3, ["three_days"]), (2, ["three_days"])),
        *((1, ["one_day"]), (0, ["one_day"]), (-1, ["overdue"]), (-6, ["overdue"])),
        *((-7, ["overdue", "overdue_school"]), (-14, ["overdue", "overdue_school"])),
    ],
)
def test_each_day_has_its_steps(days_before: int, told: list[str]) -> None:
    assert [step.name for step in steps_due(DUE, ASKED, DUE - timedelta(days=days_before))] == told


def test_no_reminder_lies_before_the_asking() -> None:
    for asked in range(1, 9):
        named = [s.days for s in steps_due(DUE, DUE - timedelta(days=asked), DUE) if s.days > 0]
        assert named == ([1] if asked > 1 else [])
    assert steps_due(DUE, DUE - timedelta(days=7), DUE - timedelta(days=7)) == []


def test_the_steps_are_reminders_then_the_admins_then_the_school() -> None:
    assert [(s.days, s.audience.value) for s in STEPS] == [
        *((7, "reviewers"), (3, "reviewers"), (1, "reviewers"), (-1, "admins"), (-7, "school")),
    ]


@pytest.mark.parametrize(("days", "good"), [(0, False), (-1, False), (1, True), (365, True), (366, False)])
def test_a_due_date_is_after_today_and_within_a_year(days: int, good: bool) -> None:
    asked = ASKED + timedelta(days=days)
    if good:
        assert due_on(asked, ASKED) == asked
    else:
        with pytest.raises(DueInPast):
            due_on(asked, ASKED)


def test_a_due_date_moves_forward_only() -> None:
    assert later(DUE, DUE + timedelta(days=1), ASKED) == DUE + timedelta(days=1)
    for asked in (DUE, DUE - timedelta(days=1)):
        with pytest.raises(NotLater):
            later(DUE, asked, ASKED)
    with pytest.raises(DueInPast):
        later(DUE, DUE + timedelta(days=1), DUE + timedelta(days=2))


def test_an_answer_is_taken_two_weeks_longer() -> None:
    assert expires_on(DUE) == DUE + timedelta(days=14)


def test_an_experts_link_ends_with_its_time_and_with_the_request() -> None:
    far = NOW + timedelta(days=100)
    assert rules_experts.ends(None, NOW, far) == NOW + timedelta(days=14)
    assert rules_experts.ends(None, NOW, NOW + timedelta(days=2)) == NOW + timedelta(days=2)
    assert rules_experts.ends(NOW + timedelta(days=30), NOW, far) == NOW + timedelta(days=30)
    for bad in (NOW, NOW - timedelta(days=1), NOW + timedelta(days=31)):
        with pytest.raises(Invalid):
            rules_experts.ends(bad, NOW, far)


def test_an_experts_secret_has_256_bits_and_only_its_digest_is_kept() -> None:
    made = {rules_experts.mint().text for _ in range(50)}
    assert len(made) == 50
    for text in made:
        assert rules_experts.is_secret(text)
        assert len(text) == len("csxr_") + 43
        assert len(rules_experts.digest(text)) == 32
    assert text not in repr(rules_experts.mint())
    for bad in ("", "csxr_", f"{text}x", text.upper(), f"{text}\n", "csin_" + text[5:]):
        assert not rules_experts.is_secret(bad)
