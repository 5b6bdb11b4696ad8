"""Made learners: the same for the same seed, plainly nobody, and holding only what could be held on that day."""

import csv
from datetime import date
from pathlib import Path

import pytest

from countersign.demo import learners, market

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def made_market() -> market.Market:
    return market.load(TODAY)


@pytest.fixture(scope="module")
def made(made_market: market.Market) -> tuple[learners.MadeLearner, ...]:
    return learners.make(made_market, count=1_000, seed=3)


def test_the_same_seed_makes_the_same_people(
    made_market: market.Market, made: tuple[learners.MadeLearner, ...]
) -> None:
    assert learners.make(made_market, count=1_000, seed=3) == made
    assert learners.make(made_market, count=1_000, seed=4) != made


def test_shares_are_about_what_is_promised(made: tuple[learners.MadeLearner, ...]) -> None:
    assert 0.65 < sum(m.consents for m in made) / len(made) < 0.75
    assert 3 < sum(len(m.awards) for m in made) / len(made) < 4
    assert len({m.region for m in made}) == len(learners.NAMES.regions)


def test_nobody_holds_a_block_twice_or_before_it_was_published_or_after_it_was_taught_out(
    made_market: market.Market, made: tuple[learners.MadeLearner, ...]
) -> None:
    versions = {(block.slug, version.semver): version for block, version in made_market.versions}
    for learner in made:
        assert len({award.slug for award in learner.awards}) == len(learner.awards)
        for award in learner.awards:
            version = versions[award.slug, award.semver]
            assert version.published_on is not None
            assert version.published_on < award.awarded_on <= TODAY
            if version.deprecated_on is not None:
                assert award.awarded_on < version.deprecated_on + learners.TEACH_OUT


def test_a_capstone_is_earned_after_the_blocks(
    made_market: market.Market, made: tuple[learners.MadeLearner, ...]
) -> None:
    capstones = {block.slug for block in made_market.blocks if block.kind == "capstone"}
    seen = 0
    for learner in made:
        days = {award.slug: award.awarded_on for award in learner.awards}
        for capstone in capstones & days.keys():
            assert days[capstone] == max(days.values())
            seen += 1
    assert seen > 20


def test_blocks_are_skewed_and_whole_stacks_are_held(
    made_market: market.Market, made: tuple[learners.MadeLearner, ...]
) -> None:
    counts = sorted((learners.holders(made, block) for block in made_market.blocks), reverse=True)
    assert counts[0] > 4 * counts[-4] > 0
    first = made_market.stacks[0]
    whole = [m for m in made if {*first.blocks, first.capstone} <= {award.slug for award in m.awards}]
    assert len(whole) >= 10, "enough for a count above the privacy floor"


def test_each_school_gets_one_file_with_all_its_awards_and_the_operator_one_of_consents(
    made_market: market.Market, made: tuple[learners.MadeLearner, ...], tmp_path: Path
) -> None:
    written = learners.write_files(tmp_path, made_market, made)
    assert set(written.awards) == {block.school for block in made_market.blocks}
    assert sum(len(_rows(path)) for path in written.awards.values()) == sum(len(m.awards) for m in made)
    consents = _rows(written.consents)
    assert {row["email"] for row in consents} == {m.email for m in made if m.consents}
    assert all(date.fromisoformat(row["granted_on"]) <= TODAY for row in consents)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["email"].endswith(".example") for row in rows)
    return rows
