"""What comes of ties: by default, by a policy, never below its floor; told in words, to whom they may be told."""

from __future__ import annotations

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from countersign.conflicts.rules import ConflictOfInterest, Tie
from countersign.conflicts.rules_findings import (
    DEFAULTS,
    FLOOR,
    HIDDEN,
    Outcome,
    find,
    in_effect,
    outcome_of,
    strictest,
    tool_key,
)

A, B, C, D = (UUID(int=number) for number in range(1, 5))
NAMES = {A: "Alba", B: "Bora", C: "Cora", D: "Dora"}
ORDER = list(Outcome)


def step(here: UUID, there: UUID, tie: Tie, **more: Any) -> dict[str, Any]:
    names = {"hereName": NAMES[here], "thereName": NAMES[there]}
    return {"here": str(here), "there": str(there), "tie": tie.name, "open": tie is not Tie.PERSON, **names, **more}


@pytest.mark.parametrize(("tie", "asked"), list(product(Tie, [None, *Outcome])))
def test_a_policy_decides_of_each_tie_and_never_below_its_floor(tie: Tie, asked: Outcome | None) -> None:
    found = outcome_of(tie, {} if asked is None else {tie: asked})
    wanted = DEFAULTS[tie] if asked is None else asked
    assert found is ORDER[max(ORDER.index(wanted), ORDER.index(FLOOR[tie]))]


@pytest.mark.parametrize(("tie", "ours", "theirs"), list(product(Tie, [None, *Outcome], [None, *Outcome])))
def test_the_platform_decides_of_a_tie_and_a_school_is_only_ever_stricter(
    tie: Tie, ours: Outcome | None, theirs: Outcome | None
) -> None:
    def said(outcome: Outcome | None) -> dict[str, str]:
        return {} if outcome is None else {tie.name.lower(): outcome.value}

    made = in_effect(said(ours), [said(theirs), {}])
    least = [FLOOR[tie], ours or DEFAULTS[tie], theirs or Outcome.CLEAR]
    assert made == {other: max(DEFAULTS[other], FLOOR[other], key=ORDER.index) for other in Tie} | {
        tie: max(least, key=ORDER.index)
    }


def test_who_is_not_independent_never_counts_whatever_a_policy_says() -> None:
    """Invariant 6: a policy may disclose such a tie; then it does not count."""
    disclosed = {Tie.SUPPLIER, Tie.SPONSOR, Tie.INTEREST}
    for tie in set(Tie) - disclosed:
        found = find(A, [[step(A, B, tie)]], dict.fromkeys(Tie, Outcome.DISCLOSE))
        assert not found.counts
        assert found.disclosures
    for tie in disclosed:
        assert find(A, [[step(A, B, tie, since="2026-01-01")]], dict.fromkeys(Tie, Outcome.DISCLOSE)).counts


def test_the_strictest_reason_decides_and_stands_first() -> None:
    supplier = [step(A, B, Tie.SUPPLIER, tool="Python")]
    sponsor = [step(A, B, Tie.SPONSOR, since="2026-01-01", until="2026-06-30")]
    found = find(A, [supplier, sponsor])
    assert (found.outcome, found.counts) == (Outcome.EXCLUDE, False)
    assert [reason.tie for reason in found.reasons] == [Tie.SPONSOR, Tie.SUPPLIER]
    assert found.words(A) == (
        "Alba pays Bora, since 2026-01-01 until 2026-06-30; Alba makes Python, which the version uses"
    )
    assert found.disclosures == (
        {"tie": "sponsor", "outcome": "exclude", "words": "Alba pays Bora, since 2026-01-01 until 2026-06-30"},
        {"tie": "supplier", "outcome": "disclose", "words": "Alba makes Python, which the version uses"},
    )
    found.refuse_blocked(who="Alba", viewer=A)


def test_no_tie_is_clear_and_counts() -> None:
    found = find(A, [])
    assert (found.outcome, found.counts, found.disclosures, found.words(A)) == (Outcome.CLEAR, True, (), "")


def test_a_chain_is_as_strong_as_its_weakest_tie() -> None:
    chain = [step(A, C, Tie.DOMAIN), step(C, B, Tie.KEY)]
    assert find(A, [chain]).outcome is Outcome.BLOCK
    assert find(A, [chain], {Tie.KEY: Outcome.EXCLUDE}).outcome is Outcome.EXCLUDE


def test_every_step_is_told_in_words() -> None:
    with pytest.raises(ConflictOfInterest) as refused:
        find(A, [[step(A, C, Tie.DOMAIN), step(C, B, Tie.PARENT)]]).refuse_blocked(who="Alba", viewer=A)
    assert refused.value.message == (
        "Alba is not independent of the school: Alba and Cora: they share a domain;"
        " Cora and Bora: one of them owns the other."
    )


def test_what_is_not_public_is_told_to_its_two_ends_alone() -> None:
    chain = [step(A, C, Tie.PERSON), step(C, D, Tie.PERSON), step(D, B, Tie.PARENT)]
    found = find(A, [chain])
    parent = "Dora and Bora: one of them owns the other"
    assert found.words(A) == f"Alba and Cora: a person has a role in both; {HIDDEN}; {parent}"
    assert found.words(C) == f"Alba and Cora: a person has a role in both; Cora and Dora: {Tie.PERSON.value}; {parent}"
    for stranger in (B, None):
        assert found.words(stranger) == f"{HIDDEN}; {HIDDEN}; {parent}"
    assert find(A, [[step(A, B, Tie.PERSON)]]).words(None) == HIDDEN


def test_strictest_of_nothing_is_clear() -> None:
    assert strictest([]) is Outcome.CLEAR
    assert strictest(Outcome) is Outcome.BLOCK


@pytest.mark.parametrize("name", ["Figma", " figma ", "ＦＩＧＭＡ", "FIGMA"])
def test_tools_are_compared_without_case_width_and_spaces(name: str) -> None:
    assert tool_key(name) == "figma"
