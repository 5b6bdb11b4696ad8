"""The made-up market: complete, plainly invented, and as varied as the search must cope with."""

import csv
from datetime import date, timedelta
from importlib.resources import files

import pytest

from countersign.demo import market
from countersign.endorsements import rules as endorsement_rules
from countersign.specs import reading, rules

TODAY = date(2026, 11, 22)
DATA = files("countersign") / "data"


@pytest.fixture(scope="module")
def made() -> market.Market:
    return market.load(TODAY)


def test_every_published_version_has_every_mandatory_element(made: market.Market) -> None:
    uris = {label: f"https://skills.example/{n}" for n, label in enumerate(market.skill_labels(made))}
    schools = {o.handle: rules.School(o.country, o.legal_name) for o in made.organizations}
    for block, version in made.versions:
        content = reading.parse(market.content_json(version, uris))
        assert rules.gaps(content, schools[block.school]) == (), f"{block.slug} {version.semver}"


def test_every_skill_of_the_market_is_a_skill_of_an_imported_framework(made: market.Market) -> None:
    columns = {"esco": ("esco/skills.csv", "label_en"), "onet": ("onet/technologies.csv", "technology")}
    known = set()
    for framework, (name, column) in columns.items():
        with (DATA / name).open(encoding="utf-8") as file:
            known |= {f"{framework}: {row[column]}" for row in csv.DictReader(file)}
    assert set(market.skill_labels(made)) <= known


def test_nobody_of_the_market_carries_the_name_of_a_real_school(made: market.Market) -> None:
    with (DATA / "new-jersey" / "programs.csv").open(encoding="utf-8") as file:
        real = {row["provider"].casefold() for row in csv.DictReader(file)}
    invented = {name.casefold() for o in made.organizations for name in (o.display_name, o.legal_name)}
    assert not invented & real
    assert {o.domain.rpartition(".")[2] for o in made.organizations} == {"example"}


def test_everybody_named_in_the_market_is_in_it(made: market.Market) -> None:
    kinds = {o.handle: o.kind for o in made.organizations}
    slugs = {block.slug: block.kind for block in made.blocks}
    assert {kinds[block.school] for block in made.blocks} == {"school"}
    reviewers = {review.by for _, version in made.versions for review in version.reviews}
    endorsers = {endorsement.by for _, version in made.versions for endorsement in version.endorsements}
    industry = {kinds[handle] for handle in reviewers | endorsers}
    assert industry == {"employer", "agency"}
    for stack in made.stacks:
        assert {slugs[slug] for slug in stack.blocks} == {"block"}
        assert slugs[stack.capstone] == "capstone"
        assert kinds[stack.organization] == "school"


def test_no_block_is_endorsed_by_its_own_group(made: market.Market) -> None:
    parents = {o.handle: o.parent for o in made.organizations}

    def group(handle: str) -> str:
        parent = parents[handle]
        return handle if parent is None else group(parent)

    for block, version in made.versions:
        assert group(block.school) not in {group(endorsement.by) for endorsement in version.endorsements}


def test_history_runs_forward(made: market.Market) -> None:
    for block, version in made.versions:
        moves = [version.submitted_on, version.published_on, version.deprecated_on]
        days = [day for day in moves if day is not None]
        assert days == sorted(days), f"{block.slug} {version.semver}"
        for review in version.reviews:
            assert version.submitted_on <= review.requested_on <= (review.decided_on or TODAY)
        for endorsement in version.endorsements:
            last = version.deprecated_on or TODAY
            assert version.submitted_on < endorsement.on < last
            longest = endorsement_rules.LONGEST_MONTHS * 30
            assert endorsement.valid_until - endorsement.on <= timedelta(days=longest)


def test_the_market_has_something_for_every_rule_of_the_search(made: market.Market) -> None:
    live: dict[str, int] = {}
    endings = set()
    for block, version in made.versions:
        for endorsement in version.endorsements:
            if endorsement.revoked_on is not None:
                endings.add("revoked")
            elif endorsement.valid_until <= TODAY:
                endings.add("expired")
            else:
                live[f"{block.slug} {version.semver}"] = live.get(f"{block.slug} {version.semver}", 0) + 1
    published = {f"{b.slug} {v.semver}" for b, v in made.versions if v.published_on}
    assert endings == {"revoked", "expired"}
    assert published - live.keys(), "some published versions are endorsed by nobody now"
    assert 1 in live.values(), "some are endorsed by one"
    assert sum(count >= 2 for count in live.values()) >= 5, "several are endorsed by two or more"
    assert any(v.deprecated_on for _, v in made.versions)
    assert any(r.recommendation == "request_changes" for _, v in made.versions for r in v.reviews)
    assert {lang for _, v in made.versions for lang in v.content["languages"]} >= {"en", "ru"}
